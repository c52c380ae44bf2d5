//! What the policy asks about a step, in words for the person who is asked.

use std::borrow::Cow;

use async_trait::async_trait;
use tapwright_agent::guard::MODEL_SAYS;
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_contract::device::Screen;

use super::without_mark;

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
