//! A model that says anything, and a person who answers anything.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_agent::journal::{EffectLine, Entry, Line};
use tapwright_agent::person::{Answer, Asker, Person, Question};
use tapwright_contract::device::Screen;
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Part, Prompt, Reply, Role};

use crate::common::reply;
use crate::page::{PIN, VAULT, middle};
use crate::world::{ApprovedQuestion, Shared, World, lock};
use crate::world_policy::ModelStatement;

pub struct Oracle(pub Shared);

const REPLIES: &[&str] = &[
    r#"do(action="Swipe", start=[500,900], end=[500,100])"#,
    r#"do(action="Type", text="hello")"#,
    r#"do(action="Type", text="hello\n")"#,
    r#"do(action="Launch", app="Notes")"#,
    r#"do(action="Back")"#,
    r#"do(action="Home")"#,
    r#"do(action="Long Press", element=[275,662])"#,
    r#"do(action="Drag", start=[725,887], end=[275,212])"#,
    r#"do(action="Double Tap", element=[275,662])"#,
    r#"do(action="Wait", duration="2 seconds")"#,
    r#"do(action="Note", message="True")"#,
    r#"do(action="Note", message="True")"#,
    r#"do(action="Call_API", instruction="summarise my notes")"#,
];
const SECRETS: &[&str] = &[
    r#"do(action="Type", text="{{secret:pin}}")"#,
    r#"do(action="Type", text="{{secret:pin}}")"#,
    r#"do(action="Type", text="{{secret:user}}")"#,
    r#"do(action="Type", text="{{secret:user}}")"#,
    r#"do(action="Type", text="it is {{secret:pin}}")"#,
    r#"do(action="Type", text="{{secret:none}}")"#,
    r#"do(action="Type", text="hunter2-4711")"#,
    r#"do(action="Note", message="the PIN is hunter2-4711")"#,
    r#"do(action="Call_API", instruction="weather of hunter2-4711")"#,
];
const RISKY: &[&str] = &[
    r#"do(action="Tap", element=[725,887], message="pay")"#,
    r#"do(action="Tap", element=[725,887], message="pay")"#,
    r#"do(action="Tap", element=[275,212], message="pay with hunter2-4711")"#,
    r#"do(action="Take_over", message="log in")"#,
    r#"do(action="Interact")"#,
    r#"do(action="Launch", app="Bank")"#,
];
const NONSENSE: &[&str] =
    &["", "I am done.", "do(action=\"Fly\")", "{\"a\":1}", "do(action=\"Tap\", element=[5", "</answer>", PIN];
const SUMMARIES: &[&str] = &["it rains", "finish(message=\"it rains\")", "do(action=\"Back\")", "", PIN];

#[async_trait]
impl Model for Oracle {
    fn name(&self) -> &str {
        "oracle"
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        tokio::time::sleep(within / 20).await;
        let (hangs, sums) = {
            let world = &mut *lock(&self.0);
            let sums = !world.looks_at(prompt);
            assert!(world.fresh || sums, "thought about a stale screen");
            (world.dice.percent(world.weather.hang), sums)
        };
        if hangs {
            let world = &mut *lock(&self.0);
            world.fresh = false;
            world.count("model hangs");
        }
        if hangs {
            std::future::pending::<()>().await;
        }
        let world = &mut *lock(&self.0);
        if world.dice.percent(world.weather.model) {
            world.fresh = false; // A pause follows.
            let why = || format!("dice {PIN}");
            let kind = match world.dice.below(8) {
                0 => ModelErrorKind::InvalidPrompt { why: why() },
                1 => ModelErrorKind::Fatal { why: why() },
                2..5 => ModelErrorKind::TimedOut { within },
                _ => ModelErrorKind::Unavailable { why: why(), retry_after: None },
            };
            world.count("model fails");
            return Err(ModelError { model: "oracle".to_owned(), kind });
        }
        if sums {
            world.count("notes are summed up");
            return Ok(reply(world.dice.one_of(SUMMARIES)));
        }
        Ok(reply(&world.chooses()))
    }
}

impl World {
    /// What the model is shown; returns whether that is a screen.
    fn looks_at(&mut self, prompt: &Prompt) -> bool {
        let mut pictures = 0;
        self.ordered = false;
        for (turn, part) in prompt.turns.iter().flat_map(|turn| turn.parts.iter().map(move |part| (turn, part))) {
            match part {
                Part::Text(text) => {
                    self.is_kept_quiet(text, "the model");
                    self.orders_are_data(text, turn.role == Role::User);
                }
                Part::Picture(picture) => {
                    pictures += 1;
                    self.is_covered(picture, "the model");
                }
            }
        }
        assert!(pictures < 2, "more than one picture in a prompt");
        pictures == 1
    }

    fn chooses(&mut self) -> String {
        let front = self.page(self.seen).front;
        let again = std::mem::take(&mut self.resumed) && self.dice.percent(60);
        let text = if self.dice.percent(self.weather.nonsense) {
            self.dice.one_of(NONSENSE).to_owned()
        } else if self.dice.percent(self.weather.risky) {
            self.dice.one_of(RISKY).to_owned()
        } else if again || self.dice.percent(self.weather.stubborn * 2) {
            self.last_reply.clone()
        } else if self.good && self.law.forbids(front, true) {
            // Whoever means well does not stay where it may do nothing.
            self.dice.one_of(&["do(action=\"Home\")", "do(action=\"Back\")"]).to_owned()
        } else if self.number > 4 && self.dice.percent(50) {
            let gives_up = self.dice.percent(20);
            ["finish(message=\"ok\")", "finish(message=\"no\", status=\"infeasible\")"][usize::from(gives_up)]
                .to_owned()
        } else if front == VAULT && self.good && self.dice.percent(30) {
            r#"do(action="Type", text="{{secret:user}}")"#.to_owned()
        } else if !self.good && self.dice.percent(if front == VAULT { 40 } else { 5 }) {
            self.dice.one_of(SECRETS).to_owned()
        } else if self.ordered && self.dice.percent(50) {
            self.obeys()
        } else if self.dice.percent(15) {
            self.calls()
        } else if self.dice.percent(35) {
            let (x, y) = middle(self.dice.below(8) as usize);
            format!("do(action=\"Tap\", element=[{},{}])", 50 * x + 25, 25 * y + 12)
        } else {
            self.dice.one_of(REPLIES).to_owned()
        };
        let thought = self.dice.one_of(&["T", "T", "T", "T", "I send it", "It says hunter2-4711"]);
        self.told = crate::world::LabelReads::default();
        self.yes = None;
        if !self.good && self.dice.percent(5) {
            self.shift += 1; // While it thought.
            self.count("APIs changed while the model thought");
        }
        let written = self.written_calls.get(&text).cloned();
        let text = if text.starts_with('<') || !text.ends_with(')') {
            text
        } else {
            format!("<think>{thought}</think><answer>{text}")
        };
        self.chosen = ModelStatement { warned: text.contains("message=\"pay"), sends: text.contains("I send it") };
        if let Some(call) = written {
            self.written_calls.insert(text.clone(), call);
        }
        self.last_call = self.written_calls.get(&text).cloned();
        self.last_reply.clone_from(&text);
        text
    }
}

pub struct Somebody(pub Shared);

#[async_trait]
impl Person for Somebody {
    async fn ask(&mut self, question: &Question, screen: Option<&Screen>) -> Answer {
        {
            let world = &mut *lock(&self.0);
            assert!(!world.stopped, "asked after the stop");
            let entry: Entry = serde_json::from_str(&world.disk.last_synced()).expect("the last line is complete");
            assert_eq!(entry.line, Line::Effect(EffectLine::Ask(question.clone())));
            world.is_asked(question, screen);
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        let sides = {
            let world = &mut *lock(&self.0);
            if world.good {
                return world.helps(question);
            }
            world.dice.below(12)
        };
        match sides {
            0..5 => lock(&self.0).says_yes(question),
            5..8 => Answer::No,
            8 => Answer::Done,
            9 => Answer::Choice(format!("the red one, as {PIN}")),
            10 => Answer::Nobody,
            _ => std::future::pending().await,
        }
    }
}

impl World {
    fn is_asked(&mut self, question: &Question, screen: Option<&Screen>) {
        self.fresh = false;
        self.is_kept_quiet(question.message(), "a person");
        if let Some(screen) = screen {
            self.is_covered(&screen.picture, "a person");
            self.is_kept_quiet(&screen.front.label, "a person");
        }
        match question {
            Question::TakeOver { message } if message.starts_with("the run does not get on") => {
                assert!(self.law.policy.asks_when_stuck, "asked for help, and the policy says no");
                self.count("asked for help");
            }
            Question::TakeOver { message } if message.starts_with("the screen cannot be seen") => {
                self.count("asked to unlock");
            }
            Question::Again { .. } => self.count("asked whether to do it again"),
            Question::Confirm { target, page, asker, .. } => {
                self.is_kept_quiet(target.as_deref().unwrap_or_default(), "a person");
                self.is_kept_quiet(page.as_deref().unwrap_or_default(), "a person");
                self.count(if *asker == Asker::Policy { "the policy asks" } else { "the model asks" });
            }
            Question::Permit { message, .. } if message.starts_with("a secret, and") => {
                self.count("asked about a secret")
            }
            Question::Permit { .. } => self.count("the policy asks"),
            Question::TakeOver { .. } | Question::Choose { .. } => self.count("handed over"),
        }
    }

    fn says_yes(&mut self, question: &Question) -> Answer {
        let asked = matches!(question, Question::Confirm { .. } | Question::Permit { .. });
        self.yes = asked.then(|| ApprovedQuestion {
            number: self.number,
            front: self.page(self.number).front,
            message: question.message().to_owned(),
        });
        self.again = matches!(question, Question::Again { .. });
        if !self.good && self.dice.percent(30) {
            self.moves_on(); // Meanwhile.
            self.again = false;
            self.count("the screen moved on while a person was asked");
        }
        Answer::Yes
    }

    fn helps(&mut self, question: &Question) -> Answer {
        match question {
            Question::Confirm { .. } | Question::Permit { .. } | Question::Again { .. } => self.says_yes(question),
            Question::TakeOver { .. } => Answer::Done,
            Question::Choose { .. } => Answer::Choice("the red one".to_owned()),
        }
    }
}
