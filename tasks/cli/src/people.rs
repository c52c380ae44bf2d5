//! Whoever is there to be asked: the person at the terminal, whoever is at the desk, or nobody. The first answer counts.

use async_trait::async_trait;
use console::style;
use serde_json::json;
use tapwright_tasks::desk::{Desk, answer_text, answers, kind};
use tapwright_tasks::session::Respondents;
use tapwright_tasks::{Answer, Person, Question, Screen};

use crate::config::{Config, page_folder};
use crate::error::CliError;
use crate::opener::{self, RedirectPage};
use crate::output;
use crate::terminal::{self, Terminal};

/// All who can be asked; the first answer counts.
struct People {
    terminal: Option<Terminal>,
    desk: Option<Desk>,
    json: bool,
    /// What leads a browser to the desk.
    _redirect: Option<RedirectPage>,
}

/// Sees who is there, and opens the desk if one is wanted. Its address is said once: it has the token. A `terminal` at which something
/// was asked already goes on being read.
///
/// # Errors
/// `CliError` if the desk cannot be where it is wanted.
pub async fn gather(config: &Config, terminal: Option<Terminal>) -> Result<Respondents, CliError> {
    let json = config.json;
    let desk = match config.ask {
        Some(options) => Some(Desk::open(options).await?),
        None => None,
    };
    let mut redirect = None;
    if let Some(desk) = &desk {
        if json {
            output::out(&json!({"ask": desk.url()}).to_string());
        } else {
            let what = if desk.watches() { "watch it at" } else { "questions are asked at" };
            output::err(&format!("  {what} {}", style(desk.url()).bold().for_stderr()));
        }
        if config.open {
            redirect = opener::open(desk.url(), &page_folder());
        }
    }
    let terminal = terminal.or_else(|| terminal::here(json));
    let person = People { terminal, desk: desk.clone(), json, _redirect: redirect };
    Ok(Respondents { person: Box::new(person), desk })
}

#[async_trait]
impl Person for People {
    async fn ask(&mut self, question: &Question, screen: Option<&Screen>) -> Answer {
        let Some(desk) = &self.desk else {
            return match &mut self.terminal {
                Some(terminal) => terminal.ask(question, screen).await,
                None => Answer::Nobody,
            };
        };
        let mut pending = desk.post(question, screen);
        let id = pending.id();
        if self.json {
            let asked = json!({
                "id": id, "kind": kind(question), "message": question.message(), "answers": answers(question),
            });
            output::out(&json!({"asked": asked}).to_string());
        }
        let Some(terminal) = &mut self.terminal else {
            if !self.json {
                let message = output::fit(question.message(), output::width().saturating_sub(20));
                output::err(&format!("  {}  asked: {message}", style("?").yellow().bold().for_stderr()));
            }
            let answer = pending.answer().await;
            if self.json {
                output::out(&json!({"answered": {"id": id, "answer": answer_text(&answer)}}).to_string());
            } else {
                output::err(&format!("     answered: {}", output::flat(&answer_text(&answer))));
            }
            return answer;
        };
        tokio::select! {
            biased;
            answer = pending.answer() => {
                output::err(&format!("     answered in the browser: {}", output::flat(&answer_text(&answer))));
                answer
            }
            answer = terminal.ask(question, screen) => match answer {
                // Its input is at an end. Somebody may still be at the desk.
                Answer::Nobody => pending.answer().await,
                answer if pending.withdraw(&format!("answered at the terminal: {}", answer_text(&answer))) => answer,
                // The desk was quicker by a hair, and has said so.
                _ => pending.answer().await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tapwright_tasks::desk::DeskOptions;
    use tapwright_tasks::page_server::PageServerOptions;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    /// Both are there; what is typed at the terminal comes from the sender.
    async fn both() -> (People, Desk, mpsc::Sender<String>) {
        let server = PageServerOptions { listen: "127.0.0.1:0".parse().unwrap(), open: false };
        let at = DeskOptions { server, watch: false };
        let desk = Desk::open(at).await.unwrap();
        let (types, lines) = mpsc::channel(4);
        let people =
            People { terminal: Some(Terminal::reading(lines)), desk: Some(desk.clone()), json: false, _redirect: None };
        (people, desk, types)
    }

    #[tokio::test]
    async fn the_first_answer_counts() {
        let question = Question::Permit { message: "type".to_owned(), asker: tapwright_tasks::Asker::Policy };
        let (mut people, desk, types) = both().await;
        let asking = people.ask(&question, None);
        let typing = async {
            while desk.open_question().is_none() {
                tokio::task::yield_now().await;
            }
            types.send("y".to_owned()).await.unwrap();
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! { answer = asking => answer, () = typing => unreachable!() };
        assert_eq!(answer, Answer::Yes);
        assert_eq!(desk.open_question(), None, "the page is told");
        assert_eq!(desk.latest().unwrap(), "answered at the terminal: yes");

        let (mut people, desk, types) = both().await;
        let asking = people.ask(&question, None);
        let clicking = async {
            while desk.open_question().is_none() {
                tokio::task::yield_now().await;
            }
            assert!(desk.answer(1, "no"));
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! { answer = asking => answer, () = clicking => unreachable!() };
        assert_eq!(answer, Answer::No);
        drop(types);
    }

    #[tokio::test]
    async fn a_terminal_that_is_gone_leaves_the_desk() {
        let question = Question::Permit { message: "type".to_owned(), asker: tapwright_tasks::Asker::Policy };
        let (mut people, desk, types) = both().await;
        drop(types);
        let asking = people.ask(&question, None);
        tokio::pin!(asking);
        assert!(timeout(Duration::from_millis(50), &mut asking).await.is_err(), "it still waits");
        assert!(desk.answer(1, "yes"));
        assert_eq!(asking.await, Answer::Yes);
    }
}
