//! Whoever is there to be asked: the person at the terminal, whoever is at the desk, or nobody. The first answer counts.

use async_trait::async_trait;
use console::style;
use serde_json::json;
use tapwright_tasks::desk::{Desk, answers, kind, told};
use tapwright_tasks::{Answer, Person, Question, Screen};

use crate::config::Config;
use crate::say;
use crate::terminal::{self, Terminal};
use crate::trouble::Trouble;

/// All who can be asked.
pub struct People {
    terminal: Option<Terminal>,
    desk: Option<Desk>,
    json: bool,
}

impl People {
    /// Sees who is there, and opens the desk if one is wanted. Its address is said once: it has the token.
    ///
    /// # Errors
    /// `Trouble` if the desk cannot be where it is wanted.
    pub async fn gather(config: &Config) -> Result<People, Trouble> {
        let json = config.json;
        let desk = match config.ask {
            Some(options) => Some(Desk::open(options).await?),
            None => None,
        };
        if let Some(desk) = &desk {
            if json {
                say::out(&json!({"ask": desk.url()}).to_string());
            } else {
                say::err(&format!("  questions are asked at {}", style(desk.url()).bold().for_stderr()));
            }
        }
        Ok(People { terminal: terminal::here(json), desk, json })
    }

    /// The desk, if there is one.
    pub fn desk(&self) -> Option<Desk> {
        self.desk.clone()
    }

    /// Nobody is asked any more, as it all ended so.
    pub async fn leave(self, how: &str) {
        if let Some(desk) = self.desk {
            desk.close(how).await;
        }
    }
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
        let mut lies = desk.put(question, screen);
        let id = lies.id();
        if self.json {
            let asked = json!({
                "id": id, "kind": kind(question), "message": question.message(), "answers": answers(question),
            });
            say::out(&json!({"asked": asked}).to_string());
        }
        let Some(terminal) = &mut self.terminal else {
            if !self.json {
                let message = say::fitted(question.message(), say::width().saturating_sub(20));
                say::err(&format!("  {}  asked: {message}", style("?").yellow().bold().for_stderr()));
            }
            let answer = lies.answer().await;
            if self.json {
                say::out(&json!({"answered": {"id": id, "answer": told(&answer)}}).to_string());
            } else {
                say::err(&format!("     answered: {}", say::flat(&told(&answer))));
            }
            return answer;
        };
        tokio::select! {
            biased;
            answer = lies.answer() => {
                say::err(&format!("     answered in the browser: {}", say::flat(&told(&answer))));
                answer
            }
            answer = terminal.ask(question, screen) => match answer {
                // Its input is at an end. Somebody may still be at the desk.
                Answer::Nobody => lies.answer().await,
                answer if lies.withdraw(&format!("answered at the terminal: {}", told(&answer))) => answer,
                // The desk was quicker by a hair, and has said so.
                _ => lies.answer().await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tapwright_tasks::desk::Options;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    /// Both are there; what is typed at the terminal comes from the sender.
    async fn both() -> (People, Desk, mpsc::Sender<String>) {
        let at = Options { listen: "127.0.0.1:0".parse().unwrap(), open: false };
        let desk = Desk::open(at).await.unwrap();
        let (types, lines) = mpsc::channel(4);
        let people = People { terminal: Some(Terminal::reading(lines)), desk: Some(desk.clone()), json: false };
        (people, desk, types)
    }

    #[tokio::test]
    async fn the_first_answer_counts() {
        let question = Question::Permit { message: "type".to_owned() };
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
        let question = Question::Permit { message: "type".to_owned() };
        let (mut people, desk, types) = both().await;
        drop(types);
        let asking = people.ask(&question, None);
        tokio::pin!(asking);
        assert!(timeout(Duration::from_millis(50), &mut asking).await.is_err(), "it still waits");
        assert!(desk.answer(1, "yes"));
        assert_eq!(asking.await, Answer::Yes);
    }
}
