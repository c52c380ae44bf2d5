//! Takes a system prompt, and how a conversation is laid out, from a conversation that somebody has.
//!
//! Official prompts are not ours to give away. Whoever has the model has a sample of its conversations: a JSON file with a
//! list of messages, or a whole request. What comes out is a profile that the engine reads, with today's date for that day's.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use tapwright_agent::profile::{PromptLanguage, ReplyForm, System};
use toml::Value as Toml;

use super::{AUTOGLM, MULTILINGUAL, Profiles, Shipped, text_of};
use crate::mistake::Mistake;

/// A conversation with a dozen pictures of large screens.
const BYTES_MAX: u64 = 64 << 20;
/// Far above any system prompt.
const SYSTEM_BYTES_MAX: usize = 256 << 10;
/// Prompts begin with the date; further down, a date is an example.
const DATE_WITHIN: usize = 400;

/// A profile out of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedProfile {
    pub profiles: Profiles,
    /// The same, as a file.
    pub text: String,
    pub language: PromptLanguage,
    /// Whose limits and sampling it has where the conversation says nothing.
    pub based_on: &'static str,
    /// Bytes of the system prompt.
    pub system_bytes: usize,
    /// The date that stood in it, if one did.
    pub date: Option<String>,
    /// What people should know, a sentence each.
    pub notes: Vec<String>,
}

/// Reads a conversation and makes a profile of it.
///
/// # Errors
/// `Mistake` says what is wrong with the file, and where: `messages[1].content[0]`.
pub fn import(file: &Path) -> Result<ImportedProfile, Mistake> {
    let text = text_of(file, BYTES_MAX)?;
    parse(&text).map_err(|(why, help)| Mistake {
        file: file.to_owned(),
        // The text is not shown: pictures are lines of a million letters.
        text: String::new(),
        at: None,
        why,
        help: help.map(str::to_owned),
    })
}

type Wrong = (String, Option<&'static str>);

const SHAPE: &str = "a conversation is [{\"role\": \"system\", \"content\": \"…\"}, {\"role\": \"user\", …}, …], or an object with `messages`";

/// A message, as far as it matters here.
struct Message<'a> {
    role: &'a str,
    parts: Vec<Part<'a>>,
}

enum Part<'a> {
    Text(&'a str),
    Picture,
}

fn parse(text: &str) -> Result<ImportedProfile, Wrong> {
    let value: Value = serde_json::from_str(text).map_err(|error| (format!("it is not JSON: {error}"), Some(SHAPE)))?;
    let (list, at, request) = match &value {
        Value::Array(list) => (list, "", None),
        Value::Object(request) => match request.get("messages") {
            Some(Value::Array(list)) => (list, "messages", Some(request)),
            Some(other) => return Err((format!("`messages` is {}, not a list", kind(other)), Some(SHAPE))),
            None => return Err(("it has no `messages`".to_owned(), Some(SHAPE))),
        },
        other => return Err((format!("it is {}, not a list of messages", kind(other)), Some(SHAPE))),
    };
    let messages = list
        .iter()
        .enumerate()
        .map(|(n, value)| message(value, &format!("{at}[{n}]")))
        .collect::<Result<Vec<Message<'_>>, Wrong>>()?;

    let system = match messages.first() {
        None => return Err(("there is no message in it".to_owned(), Some(SHAPE))),
        Some(Message { role: "system", parts }) => joined(parts),
        Some(Message { role, .. }) => {
            let why = format!("{at}[0].role is `{role}`; the system prompt comes first, and is what is wanted");
            return Err((why, Some(SHAPE)));
        }
    };
    if system.trim().is_empty() {
        return Err((format!("{at}[0].content has no text"), Some(SHAPE)));
    }
    if system.len() > SYSTEM_BYTES_MAX {
        return Err((format!("{at}[0].content has {} bytes; {SYSTEM_BYTES_MAX} are the most", system.len()), None));
    }

    let language = language(&system);
    let base = match language {
        PromptLanguage::Zh => AUTOGLM,
        PromptLanguage::En => MULTILINGUAL,
    };
    let mut notes = Vec::new();
    let (system, date) = without_date(&system, language);
    if date.is_none() {
        notes.push(format!("its first {DATE_WITHIN} letters have no date, so nothing will be told of today"));
    }

    let mut profiles = base.profiles();
    profiles.agent.system = Some(System::in_language(language, system.clone()));
    layout(&messages, &mut profiles, &mut notes);
    if let Some(request) = request {
        settings(request, &mut profiles)?;
    }
    let text = profile_text(&profiles, &system, language, base);
    let read = Profiles::parse(&text).expect("what is written can be read");
    assert_eq!(read, profiles, "what is written is what was found");
    let system_bytes = system.len();
    Ok(ImportedProfile { profiles, text, language, based_on: base.name, system_bytes, date, notes })
}

fn message<'a>(value: &'a Value, at: &str) -> Result<Message<'a>, Wrong> {
    let wrong = |why: String| (why, Some(SHAPE));
    let Value::Object(fields) = value else { return Err(wrong(format!("{at} is {}, not an object", kind(value)))) };
    let role = match fields.get("role") {
        Some(Value::String(role)) => role.as_str(),
        Some(other) => return Err(wrong(format!("{at}.role is {}, not a text", kind(other)))),
        None => return Err(wrong(format!("{at} has no `role`"))),
    };
    if !["system", "user", "assistant"].contains(&role) {
        return Err(wrong(format!("{at}.role is `{role}`; it is system, user or assistant")));
    }
    let parts = match fields.get("content") {
        Some(Value::String(text)) => vec![Part::Text(text)],
        Some(Value::Array(parts)) => {
            let parts = parts.iter().enumerate();
            parts.map(|(n, value)| part(value, &format!("{at}.content[{n}]"))).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(wrong(format!("{at}.content is {}, not a text or a list of parts", kind(other)))),
        None => return Err(wrong(format!("{at} has no `content`"))),
    };
    Ok(Message { role, parts })
}

fn part<'a>(value: &'a Value, at: &str) -> Result<Part<'a>, Wrong> {
    let wrong = |why: String| Err((why, Some("a part is {\"type\": \"text\", \"text\": \"…\"} or an `image_url`")));
    match (value.get("type").and_then(Value::as_str), value.get("text").and_then(Value::as_str)) {
        (Some("text"), Some(text)) => Ok(Part::Text(text)),
        (Some("text"), None) => wrong(format!("{at} has no `text`")),
        (Some("image_url" | "image"), _) => Ok(Part::Picture),
        (Some(other), _) => wrong(format!("{at}.type is `{other}`; text and image_url are known")),
        (None, _) => wrong(format!("{at} has no `type`")),
    }
}

fn joined(parts: &[Part<'_>]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(*text),
        Part::Picture => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Chinese prompts name actions in English; a fifth of the letters is enough.
fn language(text: &str) -> PromptLanguage {
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let chinese = text.chars().filter(|letter| ('\u{4e00}'..='\u{9fff}').contains(letter)).count();
    if 5 * chinese > letters { PromptLanguage::Zh } else { PromptLanguage::En }
}

/// The prompt with `{date}` in place of the date that it begins with, and that date.
fn without_date(system: &str, language: PromptLanguage) -> (String, Option<String>) {
    let head = system.char_indices().nth(DATE_WITHIN).map_or(system, |(at, _)| &system[..at]);
    let Some(Range { start, end }) = head.char_indices().find_map(|(at, _)| date_at(head, at, language)) else {
        return (system.to_owned(), None);
    };
    (format!("{}{{date}}{}", &system[..start], &system[end..]), Some(system[start..end].to_owned()))
}

/// A date that begins there, written as the language writes it, so that it will be written so again.
fn date_at(text: &str, at: usize, language: PromptLanguage) -> Option<Range<usize>> {
    let mut rest = &text[at..];
    if text[..at].ends_with(|before: char| before.is_ascii_digit()) {
        return None;
    }
    let mut number = |digits: Range<usize>, after: &str| -> Option<()> {
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits.contains(&count).then_some(())?;
        rest = rest[count..].strip_prefix(after)?;
        Some(())
    };
    let weekdays: &[&str] = match language {
        PromptLanguage::Zh => {
            number(4..5, "年")?;
            number(1..3, "月")?;
            number(1..3, "日")?;
            &[" 星期一", " 星期二", " 星期三", " 星期四", " 星期五", " 星期六", " 星期日"]
        }
        PromptLanguage::En => {
            number(4..5, "-")?;
            number(2..3, "-")?;
            number(2..3, "")?;
            &[", Monday", ", Tuesday", ", Wednesday", ", Thursday", ", Friday", ", Saturday", ", Sunday"]
        }
    };
    let weekday = weekdays.iter().find(|weekday| rest.starts_with(**weekday))?;
    Some(at..text.len() - rest.len() + weekday.len())
}

/// What the turns show of how such conversations are laid out.
fn layout(messages: &[Message<'_>], profiles: &mut Profiles, notes: &mut Vec<String>) {
    let pictures = |message: &&Message<'_>| message.parts.iter().any(|part| matches!(part, Part::Picture));
    let asked: Vec<&Message<'_>> = messages.iter().filter(|message| message.role == "user").collect();
    match asked.iter().filter(|message| pictures(message)).count() {
        0 => notes.push("no message has a picture; each will be asked with one all the same".to_owned()),
        1 => {}
        count => notes.push(format!("{count} messages have pictures; only the latest will have one")),
    }
    if asked.iter().any(|message| matches!(&message.parts[..], [Part::Text(_), .., Part::Picture])) {
        notes.push("a picture follows its text; here pictures come first".to_owned());
    }
    let mut replies =
        messages.iter().filter(|message| message.role == "assistant").map(|message| joined(&message.parts));
    // The latest shows best how replies are written back.
    if let Some(reply) = replies.next_back() {
        profiles.agent.reply = if reply.matches("<think>").count() > 1 || reply.matches("<answer>").count() > 1 {
            ReplyForm::Doubled
        } else if reply.contains("</think>\n<answer>") && reply.trim_end().ends_with("</answer>") {
            ReplyForm::CleanLines
        } else if reply.contains("</think><answer>") && reply.trim_end().ends_with("</answer>") {
            ReplyForm::Clean
        } else {
            ReplyForm::Heard
        };
    }
}

/// What a request says besides its messages.
fn settings(request: &serde_json::Map<String, Value>, profiles: &mut Profiles) -> Result<(), Wrong> {
    let number = |name: &str| match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err((format!("`{name}` is {}, not a number", kind(value)), None)),
        },
    };
    let sampling = &mut profiles.model.sampling;
    if let Some(temperature) = number("temperature")? {
        sampling.temperature = temperature as f32;
    }
    if let Some(top_p) = number("top_p")? {
        sampling.top_p = Some(top_p as f32);
    }
    if let Some(penalty) = number("frequency_penalty")? {
        sampling.frequency_penalty = penalty as f32;
    }
    if let Some(tokens) = number("max_tokens")? {
        if !(1.0..=1e6).contains(&tokens) {
            return Err((format!("`max_tokens` is {tokens}; it goes from 1 to a million"), None));
        }
        profiles.agent.tokens_max = tokens as u32;
    }
    Ok(())
}

/// The profile as a file that people can read and change.
fn profile_text(profiles: &Profiles, system: &str, language: PromptLanguage, base: Shipped) -> String {
    let Profiles { agent, model, .. } = profiles;
    let word = |value: Toml| value.to_string();
    let reply = toml::Value::try_from(agent.reply).expect("it is a word");
    let mut text = format!(
        "# Out of a conversation that somebody had; what it does not say is from `{}`.\n\
         [agent]\ndialect = \"autoglm\"\nreply = {}\nremarks = {}\ntokens_max = {}\n",
        base.name,
        word(reply),
        agent.remarks,
        agent.tokens_max
    );
    if let Some(history) = agent.history {
        text += &format!("history = {history}\n");
    }
    text += &format!("\n[agent.system]\nlanguage = \"{language}\"\n{language} = {}\n\n[model]\n", quoted(system));
    if let Some(longest_edge) = model.longest_edge {
        text += &format!("longest_edge = {longest_edge} # over two frames\n");
    }
    text += &format!("newline_after_picture = {}\n", model.newline_after_picture);
    if let Some(tokens) = model.context_tokens_max {
        text += &format!("context_tokens_max = {tokens}\n");
    }
    let stop = model.stop.iter().cloned().map(Toml::String).collect();
    text += &format!("stop = {}\n\n[model.sampling]\n", word(Toml::Array(stop)));
    // Through the shortest decimal that reads back as the same number, so that 0.2 stays 0.2.
    let float = |number: f32| format!("{number:?}");
    text += &format!("temperature = {}\n", float(model.sampling.temperature));
    if let Some(top_p) = model.sampling.top_p {
        text += &format!("top_p = {}\n", float(top_p));
    }
    text += &format!("frequency_penalty = {}\n", float(model.sampling.frequency_penalty));
    text
}

/// A text as it is where TOML can have it so, for people; else with escapes.
fn quoted(text: &str) -> String {
    let plain = !text.contains("'''") && !text.ends_with('\'');
    let plain = plain && text.chars().all(|letter| letter == '\n' || letter == '\t' || !letter.is_control());
    if plain { format!("'''\n{text}'''") } else { Toml::String(text.to_owned()).to_string() }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let shown = match parse(text) {
            Err((why, _)) => why,
            Ok(ImportedProfile { profiles, language, date, notes, .. }) => {
                let system = profiles.agent.system.as_ref().unwrap().text();
                format!("{language} {:?} {system:?} {date:?} {notes:?}", profiles.agent.reply)
            }
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_conversation_becomes_a_profile() {
        check(
            r#"[{"role":"system","content":"今天是2025年12月11日 星期四。\n你好"},{"role":"user","content":[{"type":"image_url"},{"type":"text","text":"x"}]}]"#,
            expect![[r#"zh Doubled "今天是{date}。\n你好" Some("2025年12月11日 星期四") []"#]],
        );
        check(
            r#"{"messages":[{"role":"system","content":[{"type":"text","text":"Day: 2025-12-12, Friday. Go."}]},
                {"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url"}]},
                {"role":"assistant","content":"<think>T</think>\n<answer>do(action=\"Back\")</answer>"}],"max_tokens":77}"#,
            expect![[
                r#"en CleanLines "Day: {date}. Go." Some("2025-12-12, Friday") ["a picture follows its text; here pictures come first"]"#
            ]],
        );
        check(
            r#"[{"role":"system","content":"It's 12025-12-12, Friday"},{"role":"user","content":"x"},{"role":"assistant","content":"Back"}]"#,
            expect![[
                r#"en Heard "It's 12025-12-12, Friday" None ["its first 400 letters have no date, so nothing will be told of today", "no message has a picture; each will be asked with one all the same"]"#
            ]],
        );
    }

    #[test]
    fn a_request_says_more_than_its_messages() {
        let text = r#"{"messages":[{"role":"system","content":"'''\u0001 '"}],"max_tokens":77,"temperature":0.5,"top_p":0.9,"frequency_penalty":0.1}"#;
        let ImportedProfile { profiles, .. } = parse(text).unwrap();
        assert_eq!(profiles.agent.tokens_max, 77);
        let sampling = profiles.model.sampling;
        assert_eq!((sampling.temperature, sampling.top_p, sampling.frequency_penalty), (0.5, Some(0.9), 0.1));
    }

    #[test]
    fn what_is_no_conversation_is_said_with_the_place() {
        for (text, expected) in [
            ("{", expect!["it is not JSON: EOF while parsing an object at line 1 column 1"]),
            ("3", expect!["it is a number, not a list of messages"]),
            ("[]", expect!["there is no message in it"]),
            ("{}", expect!["it has no `messages`"]),
            (r#"{"messages":"x"}"#, expect!["`messages` is a text, not a list"]),
            (
                r#"[{"role":"user","content":"x"}]"#,
                expect!["[0].role is `user`; the system prompt comes first, and is what is wanted"],
            ),
            (r#"[{"role":"system","content":" "}]"#, expect!["[0].content has no text"]),
            (r#"[{"role":"system","content":"x"},{"role":"user"}]"#, expect!["[1] has no `content`"]),
            (r#"[{"role":"system","content":"x"},{"content":"x"}]"#, expect!["[1] has no `role`"]),
            (r#"[{"role":"tool","content":"x"}]"#, expect!["[0].role is `tool`; it is system, user or assistant"]),
            (
                r#"{"messages":[{"role":"system","content":[{"type":"video"}]}]}"#,
                expect!["messages[0].content[0].type is `video`; text and image_url are known"],
            ),
            (r#"[{"role":"system","content":[{"type":"text"}]}]"#, expect!["[0].content[0] has no `text`"]),
            (
                r#"{"messages":[{"role":"system","content":"x"}],"max_tokens":0}"#,
                expect!["`max_tokens` is 0; it goes from 1 to a million"],
            ),
            (
                r#"{"messages":[{"role":"system","content":"x"}],"top_p":"x"}"#,
                expect!["`top_p` is a text, not a number"],
            ),
        ] {
            check(text, expected);
        }
        let long = format!(r#"[{{"role":"system","content":"{}"}}]"#, "x".repeat(SYSTEM_BYTES_MAX + 1));
        assert!(parse(&long).unwrap_err().0.contains("are the most"));
    }

    /// The samples are not ours to keep here; who has them beside the checkout runs this.
    #[test]
    fn the_official_samples_give_their_prompts() {
        for (name, language, based_on, date, bytes) in [
            ("sample_messages.json", PromptLanguage::Zh, "autoglm-phone-9b", "2025年12月11日 星期四", 3403),
            (
                "sample_messages_en.json",
                PromptLanguage::En,
                "autoglm-phone-9b-multilingual",
                "2025-12-12, Friday",
                2442,
            ),
        ] {
            let here = Path::new(env!("CARGO_MANIFEST_DIR"));
            let places = here.ancestors().map(|above| above.join("shared/data/autoglm").join(name));
            let Some(file) = places.into_iter().find(|place: &PathBuf| place.is_file()) else {
                let _ = writeln!(std::io::stderr(), "SKIPPED, as there is no shared data: data/autoglm/{name} above");
                continue;
            };
            let imported = import(&file).unwrap();
            assert_eq!((imported.language, imported.based_on), (language, based_on));
            assert_eq!(imported.date.as_deref(), Some(date));
            assert_eq!(imported.notes, [] as [&str; 0]);
            // The sample's own day gives the sample's own prompt, to the letter.
            let messages: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let official = messages[0]["content"].as_str().unwrap();
            assert_eq!(official.chars().count(), bytes);
            let day = if language == PromptLanguage::Zh { "2025-12-11" } else { "2025-12-12" };
            let read = Profiles::parse(&imported.text).unwrap();
            assert_eq!(read.agent.system.unwrap().on(day), official);
        }
    }
}
