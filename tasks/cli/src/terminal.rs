//! The person at the terminal, who is asked what the model may not decide.

use std::io::{self, BufRead, IsTerminal};

use async_trait::async_trait;
use console::style;
use tapwright_tasks::{Answer, Asker, Person, Question, Screen};
use tokio::sync::mpsc;

use crate::output;

/// Asks at the terminal.
pub struct Terminal {
    /// Lines that were typed. They are read on a thread of their own, as reading cannot be given up.
    lines: Option<mpsc::Receiver<String>>,
}

/// The person here, if this is a terminal and not a program.
pub fn here(json: bool) -> Option<Terminal> {
    (!json && io::stdin().is_terminal() && io::stderr().is_terminal()).then_some(Terminal { lines: None })
}

#[cfg(test)]
impl Terminal {
    /// At which these lines are typed.
    pub fn reading(lines: mpsc::Receiver<String>) -> Terminal {
        Terminal { lines: Some(lines) }
    }
}

impl Terminal {
    /// Asks whether something is to be so, before there is a run that could ask. Only a clear yes is a yes.
    pub async fn agree(&mut self, message: &str) -> bool {
        let question = Question::Permit { message: message.to_owned(), asker: Asker::Policy };
        self.ask(&question, None).await == Answer::Yes
    }
}

#[async_trait]
impl Person for Terminal {
    async fn ask(&mut self, question: &Question, _screen: Option<&Screen>) -> Answer {
        let lines = self.lines.get_or_insert_with(read);
        while lines.try_recv().is_ok() {} // What was typed before the question is no answer to it.
        tell(question);
        loop {
            let Some(line) = lines.recv().await else { return Answer::Nobody };
            match parse_answer(question, &line) {
                Some(answer) => return answer,
                None => hint(question),
            }
        }
    }
}

fn read() -> mpsc::Receiver<String> {
    let (said, hears) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if said.blocking_send(line).is_err() {
                break;
            }
        }
    });
    hears
}

fn tell(question: &Question) {
    let mark = style("?").yellow().bold().for_stderr();
    let (lead, message) = match question {
        Question::Confirm { message, at, target, page, asker } => {
            let mut place = match target {
                Some(target) => format!("a touch on \"{}\"", output::fit(target, 40)),
                None => format!("a touch at {}, {} of {}", at.x, at.y, at.of.size),
            };
            if let Some(page) = page {
                place += &format!(" on the page \"{}\"", output::fit(page, 40));
            }
            permission(*asker, &place, message)
        }
        Question::TakeOver { message } => {
            ("The model asks you to take over on the device:".to_owned(), message.as_str())
        }
        Question::Choose { message } => ("The model asks you to choose:".to_owned(), message.as_str()),
        Question::Again { message } => {
            ("The model wants to do again what may have been done already:".to_owned(), message.as_str())
        }
        Question::Permit { message, asker } => permission(*asker, "this is done", message),
    };
    output::err(&format!("\n  {mark}  {}", style(lead).bold().for_stderr()));
    let message = if message.is_empty() { "(it does not say what for)" } else { message };
    for line in output::wrap(message, output::width() - 7) {
        output::err(&format!("     {line}"));
    }
    hint(question);
}

/// Who asks about what, as a sentence, and the rest of what there is to know. Rules of one's own have names of one's own.
fn permission<'a>(asker: Asker, what: &str, message: &'a str) -> (String, &'a str) {
    let who = match asker {
        Asker::Model => "model",
        Asker::Policy => "policy",
    };
    let (rules, rest) = message.split_once("; ").unwrap_or((message, ""));
    let sentence = |rule: &str| match rule {
        "payment" => Some("pays"),
        "sending" => Some("sends something"),
        "deleting" => Some("deletes something"),
        "installing" => Some("installs or removes an app"),
        "permission" => Some("gives an app a permission"),
        "credentials" => Some("types into a field for passwords or the like"),
        _ => None,
    };
    let rules = rules.split(", ").filter(|rule| *rule != "the model's own warning").map(sentence);
    match rules.collect::<Option<Vec<&str>>>() {
        Some(sentences) if !sentences.is_empty() => {
            (format!("This {}; the {who} asks before {what}:", sentences.join(", and ")), rest)
        }
        Some(_) => (format!("The {who} asks before {what}:"), rest),
        None => (format!("The {who} asks before {what}:"), message),
    }
}

fn hint(question: &Question) {
    let hint = match question {
        Question::Confirm { .. } | Question::Permit { .. } | Question::Again { .. } => {
            "y allow · n deny · d I did it myself"
        }
        Question::TakeOver { .. } => "Enter when it is done · n I will not do it",
        Question::Choose { .. } => "say it in your own words",
    };
    output::err(&format!("     {}", style(hint).dim().for_stderr()));
}

/// What a line means as an answer; `None` if it means nothing. Only a clear yes is a yes.
fn parse_answer(question: &Question, line: &str) -> Option<Answer> {
    let words = line.trim();
    let low = words.to_lowercase();
    match question {
        Question::Confirm { .. } | Question::Permit { .. } | Question::Again { .. } => match low.as_str() {
            "y" | "yes" => Some(Answer::Yes),
            "n" | "no" => Some(Answer::No),
            "d" | "done" => Some(Answer::Done),
            _ => None,
        },
        Question::TakeOver { .. } => match low.as_str() {
            "" | "d" | "done" | "y" | "yes" => Some(Answer::Done),
            "n" | "no" => Some(Answer::No),
            _ => None,
        },
        Question::Choose { .. } => (!words.is_empty()).then(|| Answer::Choice(words.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use tapwright_tasks::{Size, Spot};

    use super::*;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        let of = Size { width: 10, height: 10 };
        let confirm = Question::Confirm {
            message: "pay".to_owned(),
            at: Spot { x: 1, y: 1, of: of.into() },
            target: None,
            page: None,
            asker: Asker::Model,
        };
        assert_eq!(parse_answer(&confirm, " Yes "), Some(Answer::Yes));
        assert_eq!(parse_answer(&confirm, "n"), Some(Answer::No));
        assert_eq!(parse_answer(&confirm, "done"), Some(Answer::Done));
        for unclear in ["", "ok", "yes but", "j", "1"] {
            assert_eq!(parse_answer(&confirm, unclear), None, "{unclear}");
        }
    }

    #[test]
    fn a_question_names_the_thing() {
        let told = |asker: Asker, message: &'static str| permission(asker, "a touch on \"Send\"", message);
        let (lead, rest) = told(Asker::Policy, "sending; the model says: 1/1 Send it.");
        assert_eq!(lead, "This sends something; the policy asks before a touch on \"Send\":");
        assert_eq!(rest, "the model says: 1/1 Send it.");
        assert!(told(Asker::Policy, "payment, sending").0.starts_with("This pays, and sends something; "));
        let warned = told(Asker::Model, "the model's own warning; the model says: pay");
        assert_eq!(warned, ("The model asks before a touch on \"Send\":".to_owned(), "the model says: pay"));
        assert_eq!(told(Asker::Policy, "my rule; more").1, "my rule; more");
    }

    #[test]
    fn other_answers() {
        let hand = Question::TakeOver { message: String::new() };
        assert_eq!(parse_answer(&hand, ""), Some(Answer::Done));
        assert_eq!(parse_answer(&hand, "no"), Some(Answer::No));
        assert_eq!(parse_answer(&hand, "what?"), None);
        let choose = Question::Choose { message: String::new() };
        assert_eq!(parse_answer(&choose, " the first "), Some(Answer::Choice("the first".to_owned())));
        assert_eq!(parse_answer(&choose, " "), None);
    }
}
