//! How the thought of a step of a workflow begins, by which a journal tells where a run stands, and what people read in its place.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use tapwright_agent::guard::MODEL_SAYS;
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_contract::device::Screen;

/// What the screen said when a part of a step was decided on, as far as the device told. Digests: of all words but those of fields that
/// have the focus or hide what is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenPrint {
    pub screen: Option<String>,
    /// Of the widget that is touched.
    pub widget: Option<String>,
    /// Of the app in front.
    pub app: Option<String>,
    /// Whether what the step expects was so already: then it tells nothing of the step.
    pub was_so: bool,
}

/// How the thought of a reply begins, by which a journal tells where a run stands: `step 3.1 on 0123456789ab at cdef01234567 in 89abcdef0123: `.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The step and its part, from 0; they are written from 1.
    pub at: (usize, usize),
    pub print: ScreenPrint,
    /// Whether it only finds out whether this part was done: `step 3.1 probed: `.
    pub probes: bool,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}.{}", self.at.0 + 1, self.at.1 + 1)?;
        if self.probes {
            f.write_str(" probed")?;
        }
        if let Some(screen) = &self.print.screen {
            write!(f, " on {screen}")?;
        }
        if let Some(widget) = &self.print.widget {
            write!(f, " at {widget}")?;
        }
        if let Some(app) = &self.print.app {
            write!(f, " in {app}")?;
        }
        if self.print.was_so {
            f.write_str(" already")?;
        }
        f.write_str(": ")
    }
}

impl Mark {
    /// Of a thought that begins with one.
    pub fn of(thought: &str) -> Option<Mark> {
        let (mark, _) = thought.strip_prefix("step ")?.split_once(':')?;
        let mut words = mark.split(' ');
        let (step, part) = words.next()?.split_once('.')?;
        let number = |text: &str| text.parse::<usize>().ok()?.checked_sub(1);
        let mut found = Mark { at: (number(step)?, number(part)?), ..Mark::default() };
        while let Some(word) = words.next() {
            match word {
                "probed" => found.probes = true,
                "on" => found.print.screen = words.next().map(str::to_owned),
                "at" => found.print.widget = words.next().map(str::to_owned),
                "in" => found.print.app = words.next().map(str::to_owned),
                "already" => found.print.was_so = true,
                _ => return None,
            }
        }
        Some(found)
    }
}

/// A thought as people read it: without the mark that a run of steps begins it with.
pub fn without_mark(thought: &str) -> &str {
    let words = Mark::of(thought).and_then(|_| thought.split_once(':')).map(|(_, words)| words.trim_start());
    words.map_or(thought, |words| if words.is_empty() { "the steps are over" } else { words })
}

/// A person who is told what a step does, and not how the journal finds it again.
pub struct PlainQuestions(pub Box<dyn Person>);

#[async_trait]
impl Person for PlainQuestions {
    async fn ask(&mut self, question: &Question, screen: Option<&Screen>) -> Answer {
        let message = in_plain_words(question.message()).into_owned();
        self.0.ask(&question.clone().with_message(message), screen).await
    }
}

/// The message of a question as people read it: of a step it says what the step does.
pub fn in_plain_words(message: &str) -> Cow<'_, str> {
    match message.split_once(MODEL_SAYS) {
        Some((rules, said)) if without_mark(said) != said => {
            Cow::Owned(format!("{rules}; the step: {}", without_mark(said)))
        }
        _ => Cow::Borrowed(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_asked_about_in_its_own_words() {
        let asked = in_plain_words("payment; the model says: step 4.1 on 0123456789ab in cdef01234567: press \"Pay\"");
        assert_eq!(asked, "payment; the step: press \"Pay\"");
        for other in ["payment; the model says: I pay: now", "step 4.1: press \"Pay\""] {
            assert_eq!(in_plain_words(other), other);
        }
    }
}
