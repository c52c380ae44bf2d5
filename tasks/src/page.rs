//! A run as one page for a browser: what was seen, thought and done, with the places that were touched drawn over the
//! screens. The page needs nothing beside it: it can be sent to somebody, and opened from a disk.
//!
//! All words in it come from models and screens, so they are escaped, and the page may load nothing.

pub(crate) mod marks;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tapwright_agent::journal::Record;
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::{Answer, Question};

use self::marks::marks;
use crate::judge::{Change, Verdict};
use crate::record::{Scene, scenes};
use crate::run::Judgement;

const STYLE: &str = concat!(include_str!("page/shared.css"), include_str!("page/style.css"));
const SCRIPT: &str = include_str!("page/script.js");

/// Writes a run's page. `when` says when it began, as people say it.
///
/// # Errors
/// If the page cannot be written, or a picture of the record cannot be read.
pub fn write(record: &Record, judgement: Option<&Judgement>, when: &str, out: &mut dyn Write) -> io::Result<()> {
    let facts = &record.facts;
    let goal = escaped(&facts.setting.goal);
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>{goal}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    )?;
    head(record, judgement, when, out)?;
    writeln!(out, "<main>")?;
    for (number, scene) in scenes(record).iter().enumerate() {
        card(record, number, scene, out)?;
    }
    writeln!(out, "</main>")?;
    writeln!(
        out,
        "<dialog id=\"large\"><div class=\"phone\"></div><p class=\"hint\">&#8592; &#8594; steps &middot; Esc closes</p></dialog>\n\
         <footer>Tapwright &middot; run {}</footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>",
        escaped(&facts.run)
    )
}

fn head(record: &Record, judgement: Option<&Judgement>, when: &str, out: &mut dyn Write) -> io::Result<()> {
    let facts = &record.facts;
    let (outcome, said) = match record.end() {
        Some(end) => (end.outcome.id(), said(&end.outcome)),
        None => ("no end", Some("the run is still going on, or was killed".to_owned())),
    };
    let mood = match record.end().map(|end| &end.outcome) {
        Some(Outcome::Done { .. }) => "good",
        Some(Outcome::Stopped | Outcome::NeedsPerson { .. }) => "mild",
        _ => "bad",
    };
    write!(
        out,
        "<header>\n<h1>{}</h1>\n<p class=\"badges\"><span class=\"badge {mood}\">{outcome}</span>",
        escaped(&facts.setting.goal)
    )?;
    if let Some(verdict) = judgement.and_then(|judgement| judgement.verdict.as_ref()) {
        let mood = match verdict {
            Verdict::Passed => "good",
            Verdict::Failed { .. } => "bad",
            Verdict::Void { .. } => "mild",
        };
        write!(out, "<span class=\"badge {mood}\">verdict: {}</span>", verdict.id())?;
    }
    writeln!(out, "</p>")?;
    if let Some(said) = said {
        writeln!(out, "<p class=\"said\">{}</p>", escaped(&said))?;
    }
    if let Some(why) = judgement.and_then(|judgement| judgement.verdict.as_ref()?.why()) {
        writeln!(out, "<p class=\"why\">{}</p>", escaped(why))?;
    }
    let steps = record.end().map_or_else(|| "&ndash;".to_owned(), |end| end.steps.to_string());
    let seconds = record.entries.last().map_or(0.0, |entry| entry.ms as f64 / 1000.0);
    writeln!(
        out,
        "<dl class=\"facts\"><div><dt>steps</dt><dd>{steps}</dd></div><div><dt>time</dt><dd>{seconds:.1} s</dd></div>\
         <div><dt>model</dt><dd>{}</dd></div><div><dt>device</dt><dd>{}</dd></div><div><dt>began</dt><dd>{}</dd></div></dl>",
        escaped(&facts.model),
        escaped(&facts.device),
        escaped(when)
    )?;
    if let Some(changed) = judgement.and_then(|judgement| judgement.changed.as_ref()) {
        changes(changed, out)?;
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

fn changes(changed: &[Change], out: &mut dyn Write) -> io::Result<()> {
    if changed.is_empty() {
        return writeln!(out, "<p class=\"nothing\">The phone says that nothing has changed.</p>");
    }
    writeln!(out, "<section class=\"changes\"><h2>What the phone says has changed</h2><table>")?;
    for Change { fact, was, is } in changed {
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

fn card(record: &Record, number: usize, scene: &Scene, out: &mut dyn Write) -> io::Result<()> {
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
        let png = fs::read(record.picture_file(picture))?;
        let marks = scene.deed.as_ref().map(|deed| marks(deed, size)).unwrap_or_default();
        writeln!(
            out,
            "<button class=\"phone\" aria-label=\"enlarge\"><img alt=\"the screen\" width=\"{w}\" height=\"{h}\" \
             src=\"data:image/png;base64,{}\"><svg viewBox=\"0 0 {w} {h}\" aria-hidden=\"true\">{marks}</svg></button>",
            STANDARD.encode(png),
            w = size.width,
            h = size.height,
        )?;
    }
    if let Some(step) = &scene.step {
        if !step.decided.thought.is_empty() {
            writeln!(out, "<p class=\"thought\">{}</p>", escaped(&step.decided.thought))?;
        }
        writeln!(out, "<p class=\"action\"><code>{}</code></p>", escaped(&step.decided.action))?;
        if let Some(question) = &scene.asked {
            asked(question, scene.answered.as_ref(), out)?;
        }
        let mood = if step.result.is_good() { "good" } else { "plain" };
        if !step.summary.is_empty() {
            writeln!(out, "<p class=\"came {mood}\">{}</p>", escaped(&step.summary))?;
        }
    }
    writeln!(out, "</article>")
}

fn asked(question: &Question, answer: Option<&Answer>, out: &mut dyn Write) -> io::Result<()> {
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

/// What an outcome says beyond its name.
fn said(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done { message } | Outcome::GaveUp { message } => Some(message.clone()),
        Outcome::NeedsPerson { asked } => Some(asked.message().to_owned()),
        Outcome::Stuck { why }
        | Outcome::ModelFailed { why }
        | Outcome::DeviceLost { why }
        | Outcome::Refused { why } => Some(why.clone()),
        Outcome::OutOfSteps | Outcome::Stopped => None,
    }
}

pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
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
    fn words_stay_words() {
        assert_eq!(escaped("<script>\"a\" & 'b'\u{1b}[0m"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\\u{1b}[0m");
    }
}
