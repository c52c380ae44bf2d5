//! What a server's answer means: the reply that is in it, or what to do next. Servers differ in all but the outline, so it is read
//! leniently, and a good answer is not lost for what stands beside it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tapwright_contract::model::{ModelErrorKind, Reply};

/// What is repeated of a server's complaint.
const COMPLAINT_MAX: usize = 300;
/// Text that is nested in lists and objects deeper than this is not looked for.
const DEPTH_MAX: usize = 4;

/// Reads the body of an answer with a status of success.
pub fn reply(body: &[u8], retry_after: Option<Duration>) -> Result<Reply, ModelErrorKind> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    if is_event_stream(body) {
        return read_stream(body, retry_after);
    }
    let answer: Value = serde_json::from_slice(body).map_err(|error| {
        if error.is_eof() {
            let why = format!("the server's answer breaks off after {} bytes", body.len());
            return ModelErrorKind::Unavailable { why, retry_after };
        }
        fatal(format!("the server's answer is no JSON: {error}; it begins {:?}; see to the address", head(body)))
    })?;
    read_answer(&answer, body, retry_after)
}

fn read_answer(answer: &Value, body: &[u8], retry_after: Option<Duration>) -> Result<Reply, ModelErrorKind> {
    if let Some(error) = present(answer, "error") {
        return Err(failure(None, error, retry_after));
    }
    let choice = answer["choices"].get(0).filter(|choice| !choice.is_null());
    let of_choice = choice.and_then(|choice| ["message", "delta"].iter().find_map(|name| present(choice, name)));
    // Ollama's own interface has the message at the top; that of old completions is only a text.
    let message = of_choice.or_else(|| present(answer, "message").filter(|message| message.is_object())).or(choice);
    let Some(message) = message else {
        if ["message", "detail", "errors", "error_msg"].iter().any(|name| present(answer, name).is_some()) {
            return Err(failure(None, answer, retry_after));
        }
        if answer.get("choices").is_some() {
            // Gateways say it like this that whoever is behind them said nothing.
            let why = "the server gave no answer: its choices are empty".to_owned();
            return Err(ModelErrorKind::Unavailable { why, retry_after });
        }
        let begins = head(body);
        return Err(fatal(format!(
            "the server's answer is no chat completion: it has no choices; it begins {begins:?}; see to the address"
        )));
    };
    if let Some(error) = choice.and_then(|choice| present(choice, "error")) {
        return Err(failure(None, error, retry_after));
    }
    let finish = choice.and_then(|choice| present(choice, "finish_reason")).or_else(|| present(answer, "done_reason"));
    let finish = finish.map(|finish| finish.as_str().or(finish["type"].as_str()).unwrap_or_default().to_lowercase());
    let usage = TokenCounts::of(answer);
    MessageTexts::of(message).reply(finish.as_deref(), usage, retry_after)
}

/// The pieces of a message.
#[derive(Default)]
struct MessageTexts {
    content: String,
    thought: String,
}

impl MessageTexts {
    fn of(message: &Value) -> MessageTexts {
        let mut said = MessageTexts::default();
        for name in ["content", "text"] {
            if said.content.is_empty() {
                said.read(&message[name], false, 0);
            }
        }
        // Some servers give it under two of these names.
        for name in ["reasoning_content", "reasoning", "thinking", "reasoning_details"] {
            if said.thought.trim().is_empty() {
                said.read(&message[name], true, 0);
            }
        }
        if said.content.is_empty() {
            said.read(&message["refusal"], false, 0);
        }
        said
    }

    /// Text is text, or a part that holds one, or a list of either.
    fn read(&mut self, value: &Value, thought: bool, depth: usize) {
        match value {
            Value::String(text) if thought => self.thought.push_str(text),
            Value::String(text) => self.content.push_str(text),
            Value::Array(parts) if depth < DEPTH_MAX => {
                parts.iter().for_each(|part| self.read(part, thought, depth + 1));
            }
            Value::Object(part) if depth < DEPTH_MAX => {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
                let thought = thought || kind.contains("think") || kind.contains("reason");
                let text = ["text", "thinking", "reasoning", "content"].iter().find_map(|name| part.get(*name));
                if let Some(text) = text {
                    self.read(text, thought, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn reply(
        self,
        finish: Option<&str>,
        usage: TokenCounts,
        retry_after: Option<Duration>,
    ) -> Result<Reply, ModelErrorKind> {
        let MessageTexts { content, thought } = self;
        if matches!(finish, Some("error" | "abort" | "aborted" | "cancelled" | "canceled")) {
            let why = format!("the server broke the answer off ({})", finish.unwrap_or_default());
            return Err(ModelErrorKind::Unavailable { why, retry_after });
        }
        let cut = matches!(finish, Some("length" | "max_tokens" | "max_output_tokens"));
        let thought = thought.trim();
        let text = if thought.is_empty() {
            content
        } else if content.trim().is_empty() && !cut {
            // Servers that take the thought apart, and find no end of it, leave the answer there as well.
            thought.to_owned()
        } else {
            // Here it stands where the model wrote it.
            format!("<think>{thought}</think>\n{content}")
        };
        Ok(Reply { text, tokens_in: usage.prompt, tokens_out: usage.answer, cut })
    }
}

/// Tokens, as far as a server counts them. Nothing depends on them, so nothing is wrong with them either.
#[derive(Clone, Copy, Default)]
struct TokenCounts {
    prompt: u32,
    answer: u32,
}

impl TokenCounts {
    fn of(answer: &Value) -> TokenCounts {
        let count = |value: &Value| {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).unwrap_or(0.0);
            number as u32 // Saturates, and NaN is 0.
        };
        let usage = &answer["usage"];
        let either = |names: [&str; 2], own: &str| {
            let found = names.iter().map(|name| count(&usage[*name])).find(|count| *count > 0);
            found.unwrap_or_else(|| count(&answer[own]))
        };
        TokenCounts {
            prompt: either(["prompt_tokens", "input_tokens"], "prompt_eval_count"),
            answer: either(["completion_tokens", "output_tokens"], "eval_count"),
        }
    }
}

/// Some servers stream whatever they are asked.
fn is_event_stream(body: &[u8]) -> bool {
    ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| body.starts_with(field.as_bytes()))
}

fn read_stream(body: &[u8], retry_after: Option<Duration>) -> Result<Reply, ModelErrorKind> {
    let (mut all, mut usage, mut finish, mut ended, mut chunks) =
        (MessageTexts::default(), TokenCounts::default(), None, false, 0);
    let text = String::from_utf8_lossy(body);
    for data in text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim) {
        if data == "[DONE]" {
            ended = true;
            break;
        }
        // What is broken off in the middle has no end either, and that is looked at below.
        let Ok(chunk) = serde_json::from_str::<Value>(data) else { continue };
        chunks += 1;
        let choice = chunk["choices"].get(0);
        if let Some(error) = present(&chunk, "error").or_else(|| choice.and_then(|choice| present(choice, "error"))) {
            return Err(failure(None, error, retry_after));
        }
        let counted = TokenCounts::of(&chunk);
        usage = TokenCounts { prompt: usage.prompt.max(counted.prompt), answer: usage.answer.max(counted.answer) };
        let Some(choice) = choice else { continue };
        if let Some(message) = present(choice, "message") {
            all = MessageTexts::of(message);
        }
        let more = MessageTexts::of(&choice["delta"]);
        all.content.push_str(&more.content);
        all.thought.push_str(&more.thought);
        if let Some(reason) = choice["finish_reason"].as_str() {
            finish = Some(reason.to_lowercase());
        }
    }
    if chunks == 0 {
        return Err(fatal(format!("the server's answer is a stream without an answer; it begins {:?}", head(body))));
    }
    if !ended && finish.is_none() {
        let why = "the server's stream broke off before its end".to_owned();
        return Err(ModelErrorKind::Unavailable { why, retry_after });
    }
    all.reply(finish.as_deref(), usage, retry_after)
}

/// What an answer with another status means for whoever asked.
pub fn refusal(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> ModelErrorKind {
    let value: Value = serde_json::from_slice(body).unwrap_or_else(|_| Value::String(head(body)));
    failure(Some(status), present(&value, "error").unwrap_or(&value), retry_after)
}

/// What becomes of the request that failed.
enum Decision {
    /// Ask again.
    Passes,
    /// Ask something else.
    Prompt,
    /// Do something about it, as the hint says.
    Fatal(&'static str),
}

/// What a complaint means. Without a status of its own an answer pretended to be a success, and only the complaint has one.
fn failure(status: Option<StatusCode>, error: &Value, retry_after: Option<Duration>) -> ModelErrorKind {
    let code = number(&error["code"]).or_else(|| number(&error["status"])).or_else(|| number(&error["error_code"]));
    let coded = code.and_then(|code| StatusCode::from_u16(code).ok());
    let words: Vec<String> = ["code", "type", "status", "error_type"]
        .iter()
        .filter_map(|name| error[*name].as_str())
        .chain(error["metadata"]["error_type"].as_str())
        .map(str::to_lowercase)
        .collect();
    let decision = match status.or(coded) {
        Some(status) => by_status(status, &words),
        // A server that fails in a way of its own may well work the next time, and tries are bounded.
        None => by_words(&words).unwrap_or(Decision::Passes),
    };
    let said = complaint(error);
    let who = match (status, coded) {
        (Some(status), _) => format!("the server says {}", in_words(status)),
        (None, Some(coded)) => format!("the server says {} in an answer with status 200", in_words(coded)),
        (None, None) => "the server says".to_owned(),
    };
    let why = match (said.is_empty(), status.or(coded)) {
        (false, _) => format!("{who}: {said}"),
        (true, Some(_)) => who,
        (true, None) => "the server says that it failed, and not why".to_owned(),
    };
    match decision {
        Decision::Passes => ModelErrorKind::Unavailable { why, retry_after },
        Decision::Prompt => ModelErrorKind::InvalidPrompt { why },
        Decision::Fatal("") => ModelErrorKind::Fatal { why },
        Decision::Fatal(hint) => ModelErrorKind::Fatal { why: format!("{why}; {hint}") },
    }
}

fn in_words(status: StatusCode) -> String {
    status
        .canonical_reason()
        .map_or_else(|| status.as_str().to_owned(), |reason| format!("{} {reason}", status.as_str()))
}

fn by_status(status: StatusCode, words: &[String]) -> Decision {
    let says = |part: &str| words.iter().any(|word| word.contains(part));
    match status.as_u16() {
        // This one does not pass by itself.
        429 if says("quota") || says("billing") => Decision::Fatal("see to the account"),
        408 | 409 | 425 | 429 => Decision::Passes,
        400 | 413 | 422 if says("api_key") || says("authentication") => Decision::Fatal("see to the key"),
        400 | 413 | 422 => Decision::Prompt,
        401 | 403 => Decision::Fatal("see to the key"),
        402 => Decision::Fatal("see to the account"),
        404 => Decision::Fatal("see to the address and the model's name"),
        // Some give this for a prompt that is too long.
        500.. if says("context_length") || says("exceed_context") => Decision::Prompt,
        // A server in trouble, one behind it, or too much to do: that passes.
        500 | 502..=504 | 520..=527 | 529 => Decision::Passes,
        // It says that it cannot do this at all (501), or not for us (505, 511): the same again is answered so again.
        501 => Decision::Fatal("see to the address and to what the server can do"),
        _ => Decision::Fatal(""),
    }
}

fn by_words(words: &[String]) -> Option<Decision> {
    let says = |parts: &[&str]| words.iter().any(|word| parts.iter().any(|part| word.contains(part)));
    if says(&["context_length", "exceed_context"]) {
        return Some(Decision::Prompt);
    }
    if says(&["quota", "billing", "credit", "payment"]) {
        return Some(Decision::Fatal("see to the account"));
    }
    if says(&["api_key", "auth", "permission", "forbidden"]) {
        return Some(Decision::Fatal("see to the key"));
    }
    if says(&["not_found", "notfound"]) {
        return Some(Decision::Fatal("see to the address and the model's name"));
    }
    // The type of nearly everything that OpenAI refuses, so it comes last.
    let prompt = ["invalid_request", "invalid_prompt", "bad_request", "badrequest", "too_large", "too_long"];
    let policy = ["content_policy", "content_filter", "validation", "unprocessable"];
    (says(&prompt) || says(&policy)).then_some(Decision::Prompt)
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|code| u16::try_from(code).ok())
}

/// What a server complains of, on one line and no longer than somebody would read.
fn complaint(error: &Value) -> String {
    let text = |value: &Value| -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Array(all) => {
                // FastAPI's list of what is wrong where.
                let each = all.iter().filter_map(|one| {
                    let place: Vec<String> = one["loc"].as_array().into_iter().flatten().map(plain).collect();
                    let said = one["msg"].as_str().or(one["message"].as_str()).or(one.as_str())?;
                    Some(if place.is_empty() { said.to_owned() } else { format!("{}: {said}", place.join(".")) })
                });
                Some(each.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
            }
            Value::Object(inner) => inner.get("message").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        }
    };
    let said = ["message", "msg", "detail", "errors", "error_msg", "error"]
        .iter()
        .filter_map(|name| error.get(*name))
        .find_map(text)
        .or_else(|| text(error))
        .or_else(|| error.as_object().is_none_or(|fields| fields.is_empty()).then(String::new))
        .unwrap_or_else(|| error.to_string());
    // OpenRouter repeats there what the provider behind it said.
    let behind = error["metadata"]["raw"].as_str().filter(|raw| !raw.is_empty() && !said.contains(raw));
    head(
        match behind {
            Some(raw) => format!("{said} ({raw})"),
            None => said,
        }
        .as_bytes(),
    )
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A field that is there and not null.
fn present<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|field| !field.is_null())
}

fn fatal(why: String) -> ModelErrorKind {
    ModelErrorKind::Fatal { why }
}

/// The beginning of a text, on one line. It is longer than what is shown in the end, as secrets are taken out of it first.
fn head(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(16 * COMPLAINT_MAX)]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A sentence no longer than somebody would read.
pub fn shortened(why: &str) -> String {
    let mut short: String = why.chars().take(COMPLAINT_MAX).collect();
    if short.len() < why.len() {
        short.push('…');
    }
    short
}
