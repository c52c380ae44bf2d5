//! An episode, played event by event and written down: what it asks for, what it says of its steps, and how it ends.

use std::fmt::Write as _;

use tapwright_agent::episode::{Episode, Setting};
use tapwright_agent::event::{Effect, Event, Next};
use tapwright_agent::guard::Deed;
use tapwright_agent::outcome::End;
use tapwright_agent::person::Question;
use tapwright_agent::step::Notice;
use tapwright_contract::model::{Part, Prompt};

/// How a suite writes down what it is about; what all of them write is the same.
#[derive(Clone, Copy)]
pub struct Trace {
    /// The lines for a prompt.
    pub prompt: fn(&Prompt) -> String,
    pub deed: fn(&Deed) -> String,
    pub question: fn(&Question) -> String,
    pub end: fn(&End) -> String,
    /// Whether each decision has a line, beside what came of it.
    pub decisions: bool,
}

impl Trace {
    /// A prompt by its last line, deeds and questions as the journal and Rust have them, and an end by its name.
    pub const SHORT: Trace = Trace {
        prompt: |prompt| format!("think {}\n", last_text(prompt).lines().last().unwrap_or_default()),
        deed: |deed| serde_json::to_string(deed).expect("it is written down"),
        question: |question| format!("{question:?}"),
        end: |end| format!("end {}", end.outcome.id()),
        decisions: false,
    };

    /// Plays the events after the beginning. Each has to be an answer to what was asked for before it.
    pub fn play(self, setting: Setting, events: impl IntoIterator<Item = Event>) -> String {
        let mut episode = Episode::new(setting);
        let mut trace = String::new();
        let mut next = None;
        for event in [Event::Began].into_iter().chain(events) {
            if let Some(Next::Do(effect)) = &next {
                assert!(event.answers(Some(effect)), "{event:?} does not answer {effect:?}\n{trace}");
            }
            if let Event::Resumed { begun, .. } = event {
                trace += if begun { "-- broke off\n" } else { "-- broke off before it\n" };
            }
            let now = episode.on(event);
            for notice in episode.notices() {
                match notice {
                    Notice::Decided(decided) if self.decisions => {
                        writeln!(trace, "{}. {}", decided.step, decided.action).expect("a text can be written")
                    }
                    Notice::Decided(_) => {}
                    Notice::StepOver(over) => {
                        writeln!(trace, "  {}. {}", over.decided.step, over.summary).expect("a text can be written");
                    }
                }
            }
            trace += &self.lines(&now);
            next = Some(now);
        }
        trace
    }

    fn lines(self, next: &Next) -> String {
        match next {
            Next::Do(Effect::Look) => "look\n".to_owned(),
            Next::Do(Effect::Read) => "read\n".to_owned(),
            Next::Do(Effect::FindApp(name)) => format!("find the app {name:?}\n"),
            Next::Do(Effect::Think(prompt)) => (self.prompt)(prompt),
            Next::Do(Effect::Ask(question)) => format!("ask {}\n", (self.question)(question)),
            Next::Do(Effect::Act(vetted)) => format!("act {}\n", (self.deed)(vetted.deed())),
            Next::Do(Effect::Pause(time)) => format!("pause {time:?}\n"),
            Next::End(end) => format!("{}\n", (self.end)(end)),
        }
    }
}

/// The text that a prompt ends with.
pub fn last_text(prompt: &Prompt) -> &str {
    match prompt.turns.last().and_then(|turn| turn.parts.last()) {
        Some(Part::Text(text)) => text,
        other => panic!("a prompt ends with a text, and not with {other:?}"),
    }
}
