//! A run as one page for a browser: what was seen, thought and done, with the places that were touched drawn over the
//! screens. The page needs nothing beside it: it can be sent to somebody, and opened from a disk.
//!
//! All words in it come from models and screens, so they are escaped, and the page may load nothing.

mod images;
pub(crate) mod marks;

use std::fmt::Write as _;
use std::io::{self, Write};

use tapwright_agent::journal::Record;
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::{Answer, Question};

use self::images::Images;
use self::marks::marks;
use crate::headline::{Headline, STEP_MODEL, message_of};
use crate::judge::{ANSWER, Change, Fact, RUN_END, Verdict, changes_but_front};
use crate::run::Judgement;
use crate::scene::{Scene, scenes};
use crate::step_mark::without_mark;

const STYLE: &str = concat!(include_str!("page/shared.css"), include_str!("page/style.css"));
const SCRIPT: &str = include_str!("page/script.js");

/// Longer thoughts are folded, so that a page stays one of pictures.
const THOUGHT_LETTERS_MAX: usize = 400;

/// A run, and what is said of it.
pub struct PageRun<'a> {
    pub record: &'a Record,
    pub judgement: Option<&'a Judgement>,
    /// When it began, as people say it.
    pub when: String,
}

/// What a page of several runs says above them.
pub struct PageTitle {
    pub name: String,
    pub headline: Option<Headline>,
    /// Goals that were not achieved, and why.
    pub missing: Vec<(String, String)>,
}

/// Writes a page of one run, or of several runs with what they have in common. Returns what is missing in it, in words.
///
/// # Errors
/// If the page cannot be written. A picture that cannot be read is said in its place.
pub fn write(title: Option<&PageTitle>, runs: &[PageRun<'_>], out: &mut dyn Write) -> io::Result<Vec<String>> {
    let goal = |run: &PageRun<'_>| run.record.facts.setting.goal.clone();
    let name = escaped(&title.map(|title| title.name.clone()).or_else(|| runs.first().map(goal)).unwrap_or_default());
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>{name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    )?;
    if let Some(title) = title {
        above(title, &name, out)?;
        for run in runs {
            let Headline { mood, text } = headline(run.record, run.judgement);
            let (goal, _) = goal_and_rules(run.record);
            writeln!(
                out,
                "<li><a href=\"#{}\">{}</a> <span class=\"{}\">{text}</span></li>",
                anchor(run.record),
                escaped(goal),
                mood.id()
            )?;
        }
        writeln!(out, "</ol></header>")?;
    }
    let mut images = Images::default();
    let mut first = 0;
    for run in runs {
        head(run, out)?;
        let steps = scenes(run.record);
        timeline(first, &steps, out)?;
        writeln!(out, "<main>")?;
        for (number, scene) in (first..).zip(&steps) {
            card(run.record, number, scene, &mut images, out)?;
        }
        first += steps.len();
        writeln!(out, "</main>")?;
    }
    let names: Vec<String> = runs.iter().map(|run| escaped(&run.record.facts.run)).collect();
    writeln!(
        out,
        "<dialog id=\"large\"><div class=\"phone\"></div><p class=\"caption\"></p>\
         <p class=\"hint\">&#8592; &#8594; or swipe: steps &middot; Esc closes</p></dialog>\n\
         <footer>Tapwright &middot; run {}</footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>",
        names.join(", ")
    )?;
    Ok(images.into_missing())
}

/// What the runs below have come to together.
fn above(title: &PageTitle, name: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<header class=\"plan\"><h1>{name}</h1>")?;
    if let Some(Headline { mood, text }) = &title.headline {
        let text = escaped(text);
        writeln!(out, "<p class=\"badges\"><span class=\"badge {}\">{text}</span></p>", mood.id())?;
    }
    for (goal, why) in &title.missing {
        writeln!(out, "<p class=\"why\"><b>{}</b>: {}</p>", escaped(goal), quoted(why))?;
    }
    writeln!(out, "<ol>")
}

fn anchor(record: &Record) -> String {
    format!("run-{}", escaped(&record.facts.run))
}

/// The goal as somebody wrote it, and the lines below it, which a plan adds: what is to be found out, and what quotation marks mean.
fn goal_and_rules(record: &Record) -> (&str, &str) {
    let goal = record.facts.setting.goal.as_str();
    goal.split_once('\n').unwrap_or((goal, ""))
}

/// What the page says first.
fn headline(record: &Record, judgement: Option<&Judgement>) -> Headline {
    let outcome = record.end().map(|end| &end.outcome);
    let verdict = judgement.and_then(|judgement| judgement.verdict.as_ref());
    match record.facts.model.as_str() {
        STEP_MODEL => Headline::of_steps(outcome, verdict),
        _ => Headline::of(outcome, verdict),
    }
}

fn head(run: &PageRun<'_>, out: &mut dyn Write) -> io::Result<()> {
    let PageRun { record, judgement, when } = run;
    let (goal, rules) = goal_and_rules(record);
    let Headline { mood, text } = headline(record, *judgement);
    writeln!(
        out,
        "<header id=\"{}\">\n<h1>{}</h1>\n<p class=\"badges\"><span class=\"badge {}\">{text}</span></p>",
        anchor(record),
        escaped(goal),
        mood.id()
    )?;
    if !rules.is_empty() {
        writeln!(out, "<p class=\"said soft\">{}</p>", escaped(rules))?;
    }
    if let Some(why) = judgement.and_then(|judgement| judgement.verdict.as_ref()?.why()) {
        writeln!(out, "<p class=\"why\">{}</p>", quoted(why))?;
    }
    if let Some(end) = record.end() {
        let said = message_of(&end.outcome).map(|said| format!(": <q>{}</q>", escaped(&said))).unwrap_or_default();
        writeln!(out, "<p class=\"said\">The run ended with <b>{}</b>{said}</p>", end.outcome.id())?;
    }
    figures(record, when, out)?;
    if let Some(judgement) = judgement {
        expectations(judgement, record.end().map(|end| &end.outcome), out)?;
        if let Some(changed) = &judgement.changed {
            changes(changed, out)?;
        }
    }
    if let Some(end) = record.end().filter(|end| !end.notes.is_empty()) {
        writeln!(out, "<section class=\"notes\"><h2>What was noted</h2><ul>")?;
        for note in &end.notes {
            writeln!(out, "<li>{}</li>", escaped(note))?;
        }
        writeln!(out, "</ul></section>")?;
    }
    writeln!(out, "</header>")
}

/// How long it took, and what for.
fn figures(record: &Record, when: &str, out: &mut dyn Write) -> io::Result<()> {
    let facts = &record.facts;
    let steps = record.end().map_or_else(|| "&ndash;".to_owned(), |end| end.steps.to_string());
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
    let mut spent = [0_u64; 4];
    let mut tokens = [0_u64; 2];
    for step in scenes(record).iter().filter_map(|scene| scene.step.as_ref()) {
        for (sum, ms) in spent.iter_mut().zip([step.look_ms, step.think_ms, step.ask_ms, step.act_ms]) {
            *sum = sum.saturating_add(ms);
        }
        tokens[0] += u64::from(step.tokens_in);
        tokens[1] += u64::from(step.tokens_out);
    }
    let [look, think, ask, act] = spent.map(seconds);
    let time = seconds(record.entries.last().map_or(0, |entry| entry.ms));
    let rows = [
        ("steps", steps),
        ("time", time),
        ("looking", look),
        ("thinking", think),
        ("asking", ask),
        ("acting", act),
        ("tokens in", tokens[0].to_string()),
        ("tokens out", tokens[1].to_string()),
        ("model", escaped(&facts.model)),
        ("device", escaped(&facts.device)),
        ("began", escaped(when)),
    ];
    write!(out, "<dl class=\"facts\">")?;
    for (name, value) in rows {
        write!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
    }
    writeln!(out, "</dl>")
}

/// What had to be true in the end, and what was.
fn expectations(judgement: &Judgement, outcome: Option<&Outcome>, out: &mut dyn Write) -> io::Result<()> {
    if judgement.expected.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"changes expected\"><h2>What had to be true in the end</h2><table>")?;
    for wanted in &judgement.expected {
        let (mark, found) = comparison(wanted, judgement, outcome);
        writeln!(
            out,
            "<tr><td>{mark}</td><th>{}</th><td>{}</td><td class=\"bad\">{}</td></tr>",
            escaped(&wanted.fact),
            escaped(&wanted.is),
            escaped(&found)
        )?;
    }
    writeln!(out, "</table></section>")
}

/// Whether something is as it was wanted, and what it is if not. Where values are for people only the verdict says it of all of them.
fn comparison(wanted: &Fact, judgement: &Judgement, outcome: Option<&Outcome>) -> (&'static str, String) {
    const YES: &str = "&#10003;";
    const NO: &str = "&#10007;";
    if judgement.verdict == Some(Verdict::Passed) {
        return (YES, String::new());
    }
    match (wanted.fact.as_str(), outcome) {
        (RUN_END, Some(outcome)) if wanted.is.split(" or ").any(|end| end == outcome.id()) => {
            return (YES, String::new());
        }
        (RUN_END, Some(outcome)) => return (NO, format!("it ended with {}", outcome.id())),
        (RUN_END, None) => return ("?", "it has no end".to_owned()),
        (ANSWER, _) => return ("&middot;", outcome.and_then(message_of).unwrap_or_default()),
        _ => {}
    }
    let Some(facts) = &judgement.facts else { return ("?", "the record does not say".to_owned()) };
    if let Some(stem) = wanted.fact.strip_suffix('*') {
        let is_row = |name: &str| name.strip_prefix(stem).is_some_and(|number| number.parse::<u32>().is_ok());
        let rows: Vec<&str> = facts.iter().filter(|(name, _)| is_row(name)).map(|(_, row)| row.as_str()).collect();
        return (
            "&middot;",
            if rows.is_empty() { "it is empty".to_owned() } else { format!("it is {}", rows.join("; ")) },
        );
    }
    let is_exact = judgement.expected.iter().all(|wanted| wanted.fact != RUN_END)
        || matches!(wanted.is.as_str(), "true" | "false")
        || wanted.is.parse::<i64>().is_ok();
    let not_equal = if is_exact { NO } else { "&middot;" };
    match facts.get(&wanted.fact) {
        Some(found) if *found == wanted.is => (YES, String::new()),
        Some(found) => (not_equal, format!("it is {found}")),
        None => (not_equal, "there is no such fact".to_owned()),
    }
}

fn changes(changed: &[Change], out: &mut dyn Write) -> io::Result<()> {
    let told = changes_but_front(changed);
    if told.is_empty() {
        return writeln!(
            out,
            "<p class=\"nothing\">The device says that nothing has changed but the app in front.</p>"
        );
    }
    writeln!(out, "<section class=\"changes\"><h2>What the device says has changed</h2><table>")?;
    for Change { fact, was, is } in told {
        let value = |value: &Option<String>| value.as_deref().map_or_else(|| "&ndash;".to_owned(), escaped);
        writeln!(
            out,
            "<tr><th>{}</th><td class=\"was\">{}</td><td>&#8594;</td><td>{}</td></tr>",
            escaped(fact),
            value(was),
            value(is)
        )?;
    }
    writeln!(out, "</table></section>")
}

/// A bar a step, as long as the step took, in the colours of what it took it for.
fn timeline(first: usize, steps: &[Scene], out: &mut dyn Write) -> io::Result<()> {
    let steps: Vec<_> = (first..).zip(steps).filter_map(|(i, scene)| Some((i, scene.step.as_ref()?))).collect();
    let longest = steps.iter().map(|(_, step)| step.look_ms + step.think_ms + step.ask_ms + step.act_ms).max();
    let Some(longest) = longest.filter(|longest| *longest > 0 && steps.len() > 1) else { return Ok(()) };
    write!(out, "<nav class=\"timeline\" aria-label=\"steps by time\">")?;
    for (number, step) in steps {
        write!(out, "<a href=\"#scene-{number}\" title=\"step {}\">", step.decided.step)?;
        for (kind, ms) in [("look", step.look_ms), ("think", step.think_ms), ("ask", step.ask_ms), ("act", step.act_ms)]
        {
            let height = 40.0 * ms as f64 / longest as f64;
            write!(out, "<i class=\"{kind}\" style=\"height:{height:.1}px\"></i>")?;
        }
        write!(out, "</a>")?;
    }
    writeln!(
        out,
        "<span class=\"legend\"><i class=\"look\"></i>look <i class=\"think\"></i>think <i class=\"ask\"></i>ask <i class=\"act\"></i>act</span></nav>"
    )
}

fn card(record: &Record, number: usize, scene: &Scene, images: &mut Images, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<article id=\"scene-{number}\">")?;
    let app = escaped(&scene.app);
    match &scene.step {
        Some(step) => {
            let ms = step.look_ms + step.think_ms + step.ask_ms + step.act_ms;
            let detail = format!(
                "look {} ms, think {} ms, ask {} ms, act {} ms; {} tokens in, {} out",
                step.look_ms, step.think_ms, step.ask_ms, step.act_ms, step.tokens_in, step.tokens_out
            );
            writeln!(
                out,
                "<h2><b>{}</b><span>{app}</span><time title=\"{detail}\">{ms} ms</time></h2>",
                step.decided.step
            )?;
        }
        None => writeln!(out, "<h2><b>&#9632;</b><span>{app}</span><time>the end</time></h2>")?,
    }
    if let (Some(picture), Some(size)) = (&scene.picture, scene.size) {
        let (width, height) = (size.width, size.height);
        match images.class_of(record, picture, out)? {
            Ok(class) => {
                let marks = scene.deed.as_ref().map(|deed| marks(deed, size)).unwrap_or_default();
                writeln!(
                    out,
                    "<button class=\"phone\" aria-label=\"enlarge\"><span class=\"screen {class}\" role=\"img\" \
                     aria-label=\"the screen\" style=\"aspect-ratio:{width}/{height}\"></span>\
                     <svg viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">{marks}</svg></button>"
                )?;
            }
            Err(why) => {
                writeln!(out, "<p class=\"missing\">The picture of this screen cannot be shown: {}</p>", escaped(&why))?
            }
        }
    }
    if let Some(step) = &scene.step {
        write_thought(without_mark(&step.decided.thought), out)?;
        writeln!(out, "<p class=\"action\"><code>{}</code></p>", escaped(&step.decided.action))?;
        if let Some(question) = &scene.asked {
            write_question(question, scene.answered.as_ref(), out)?;
        }
        let mood = if step.result.is_good() { "good" } else { "plain" };
        if !step.summary.is_empty() {
            writeln!(out, "<p class=\"came {mood}\">{}</p>", escaped(&step.summary))?;
        }
    }
    writeln!(out, "</article>")
}

fn write_thought(text: &str, out: &mut dyn Write) -> io::Result<()> {
    match text.char_indices().nth(THOUGHT_LETTERS_MAX) {
        _ if text.is_empty() => Ok(()),
        None => writeln!(out, "<p class=\"thought\">{}</p>", escaped(text)),
        Some((cut, _)) => writeln!(
            out,
            "<details class=\"thought\"><summary>{}&hellip;</summary>{}</details>",
            escaped(&text[..cut]),
            escaped(&text[cut..])
        ),
    }
}

fn write_question(question: &Question, answer: Option<&Answer>, out: &mut dyn Write) -> io::Result<()> {
    let answer = match answer {
        Some(Answer::Yes) => "yes",
        Some(Answer::No) => "no",
        Some(Answer::Done) => "done",
        Some(Answer::Choice(words)) => words,
        Some(Answer::Nobody) | None => "nobody answered",
    };
    writeln!(
        out,
        "<p class=\"asked\">A person was asked: <q>{}</q> &mdash; {}</p>",
        escaped(question.message()),
        escaped(answer)
    )
}

/// Words in which names and values stand between backticks.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::new();
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired = parts.len() % 2 == 1;
    for (n, part) in parts.into_iter().enumerate() {
        match n % 2 {
            1 if is_paired => shown += &format!("<kbd>{}</kbd>", escaped(part)),
            _ if n > 0 && !is_paired => shown += &format!("`{}", escaped(part)),
            _ => shown += &escaped(part),
        }
    }
    shown
}

pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // What turns the direction of writing makes one text look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push('\u{fffd}'),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter if letter.is_control() && letter != '\n' => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(letter)); // Writing to a string cannot fail.
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_wanted_is_marked_by_what_is_known() {
        let fact = |fact: &str, is: &str| Fact { fact: fact.to_owned(), is: is.to_owned() };
        let judged = |expected: Vec<Fact>, verdict: Verdict| Judgement {
            version: 2,
            verdict: Some(verdict),
            score: None,
            source: None,
            expected,
            changed: None,
            unasked: false,
            facts: Some([("wifi.on".to_owned(), "true".to_owned())].into()),
        };
        let failed = || Verdict::Failed { why: String::new() };
        let told = |judgement: &Judgement, outcome: Option<&Outcome>| -> Vec<String> {
            let rows = judgement.expected.iter().map(|wanted| comparison(wanted, judgement, outcome));
            rows.map(|(mark, found)| format!("{mark} {found}").trim().to_owned()).collect()
        };
        let exact = judged(vec![fact("wifi.on", "false"), fact("wifi.on", "true"), fact("x", "1")], failed());
        assert_eq!(told(&exact, None), ["&#10007; it is true", "&#10003;", "&#10007; there is no such fact"]);
        // `a or b` is no value that a fact could have: that it is another one says nothing.
        let worded = vec![fact("wifi.on", "a or b"), fact(RUN_END, "gave-up or needs-person"), fact(ANSWER, "7")];
        let done = Outcome::Done { message: "it is 8".to_owned() };
        let expected = ["&middot; it is true", "&#10007; it ended with done", "&middot; it is 8"];
        assert_eq!(told(&judged(worded.clone(), failed()), Some(&done)), expected);
        let gave_up = Outcome::GaveUp { message: String::new() };
        assert_eq!(told(&judged(worded.clone(), failed()), Some(&gave_up))[1], "&#10003;");
        assert_eq!(told(&judged(worded, Verdict::Passed), Some(&gave_up)), ["&#10003;"; 3]);
        let plain = vec![fact("wifi.on", "false"), fact("wifi.*", "a; b"), fact("notes.*", "a"), fact(RUN_END, "done")];
        let mut plain = judged(plain, failed());
        plain
            .facts
            .as_mut()
            .unwrap()
            .extend([("notes.0".to_owned(), "b".to_owned()), ("notes.count".to_owned(), "1".to_owned())]);
        let expected = ["&#10007; it is true", "&middot; it is empty", "&middot; it is b", "&#10003;"];
        assert_eq!(told(&plain, Some(&done)), expected);
    }

    #[test]
    fn words_stay_words() {
        assert_eq!(escaped("<script>\"a\" & 'b'\u{1b}[0m"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\\u{1b}[0m");
        assert_eq!(escaped("pay \u{202e}evil"), "pay \u{fffd}evil");
        assert_eq!(quoted("`a<b` should be `1`"), "<kbd>a&lt;b</kbd> should be <kbd>1</kbd>");
        assert_eq!(quoted("one ` & `` two"), "one ` &amp; `` two");
    }
}
