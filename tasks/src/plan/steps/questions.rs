//! What the policy asks about a step, in words for the person who is asked.

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
        match plain(question.message()) {
            Some(message) => self.0.ask(&question.clone().with_message(message), screen).await,
            None => self.0.ask(question, screen).await,
        }
    }
}

/// Nothing if it is not asked about a step.
fn plain(message: &str) -> Option<String> {
    let (rules, said) = message.split_once(MODEL_SAYS)?;
    let words = without_mark(said);
    (words != said).then(|| format!("{rules}; the step: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_asked_about_in_its_own_words() {
        let asked = plain("payment; the model says: step 4.1 on 0123456789ab in cdef01234567: press \"Pay\"");
        assert_eq!(asked.as_deref(), Some("payment; the step: press \"Pay\""));
        assert_eq!(plain("payment; the model says: I pay: now"), None);
        assert_eq!(plain("step 4.1: press \"Pay\""), None);
    }
}
