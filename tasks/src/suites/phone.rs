//! The suite `phone`: tasks that people have for a phone, drawn from templates that are data.

use std::sync::Arc;

use async_trait::async_trait;
use tapwright_agent::outcome::Outcome;
use tapwright_phone_suite::{Ending, RunEnd, TRAINING_SEEDS, Task, builtin, draw_builtin};

use crate::device::DeviceAddress;
use crate::judge::{ANSWER, Evaluator, Evidence, Fact, Facts, JudgingError, RUN_END};
use crate::origin::CaseId;
use crate::suite::{Case, CaseLimits, Suite};

/// The templates of `tasks/suites/phone`.
pub struct Phone;

impl Suite for Phone {
    fn name(&self) -> &'static str {
        "phone"
    }

    fn about(&self) -> &'static str {
        "what people want of a phone, in English and Chinese, in one app or in several: things to do, things that are done already, not \
         there, or not clear, questions, goals that no app can do, and talk; in words and with names that no training has"
    }

    fn templates(&self) -> Vec<&'static str> {
        builtin().templates().iter().map(|template| template.name.as_str()).collect()
    }

    fn training_seeds(&self) -> Option<u64> {
        Some(TRAINING_SEEDS)
    }

    fn steps_max(&self) -> u32 {
        STEPS
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        // None of the templates has a seed from which nothing can be drawn: a test draws many.
        let task = draw_builtin(template, seed).ok()?;
        Some(Case {
            id: CaseId { suite: self.name().to_owned(), template: template.to_owned(), seed },
            goal: task.goal.clone(),
            device: DeviceAddress::Virtual(task.phone.clone()),
            start: task.start.iter().map(|(fact, is)| Fact { fact: fact.clone(), is: is.clone() }).collect(),
            goal_fact: None,
            group: Some(task.kind.id().to_owned()),
            limits: CaseLimits::default(),
            evaluator: Arc::new(PhoneTask(task)),
        })
    }
}

/// The longest tasks need two thirds of that.
const STEPS: u32 = 90;

/// Wants what the task asks for, nothing else, and the right end.
#[derive(Debug)]
struct PhoneTask(Task);

#[async_trait]
impl Evaluator for PhoneTask {
    fn expected_facts(&self) -> Vec<Fact> {
        let facts = self.0.expect.iter().map(|expectation| expectation.in_words());
        let ends = self.0.ends.iter().map(|end| end.id()).collect::<Vec<_>>().join(" or ");
        let mut expected: Vec<Fact> = facts.map(|(fact, is)| Fact { fact, is }).collect();
        expected.push(Fact { fact: RUN_END.to_owned(), is: ends });
        if let Some(answer) = &self.0.answer {
            let all = answer.contains.iter().cloned();
            let some = (!answer.any_of.is_empty()).then(|| answer.any_of.join(" or "));
            let state = answer.on.map(|on| if on { "on" } else { "off" }.to_owned());
            let is = all.chain(some).chain(state).collect::<Vec<_>>().join(", ");
            expected.push(Fact { fact: ANSWER.to_owned(), is });
        }
        expected
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        let Evidence { start, end, outcome, .. } = evidence;
        Ok(tapwright_phone_suite::judge(&self.0, start, end, &ending(outcome)))
    }

    fn is_unasked(&self, start: &Facts, end: &Facts) -> bool {
        tapwright_phone_suite::unasked_change(&self.0, start, end).is_some()
    }
}

fn ending(outcome: &Outcome) -> Ending {
    let (end, message) = match outcome {
        Outcome::Done { message } => (Some(RunEnd::Done), message.as_str()),
        Outcome::GaveUp { message } => (Some(RunEnd::GaveUp), message.as_str()),
        Outcome::NeedsPerson { .. } => (Some(RunEnd::NeedsPerson), ""),
        Outcome::OutOfSteps
        | Outcome::Stuck { .. }
        | Outcome::ModelFailed { .. }
        | Outcome::DeviceLost { .. }
        | Outcome::Stopped
        | Outcome::Refused { .. } => (None, ""),
    };
    Ending { end, id: outcome.id().to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites::testing::against;

    fn start_of(case: &Case) -> Facts {
        let DeviceAddress::Virtual(phone) = &case.device else { panic!("it is a phone of ours") };
        let mut world = tapwright_phone::World::new(phone.clone());
        for Fact { fact, is } in &case.start {
            world.set_fact(fact, is).unwrap();
        }
        world.facts()
    }

    #[tokio::test]
    async fn the_end_and_the_answer_of_a_run_count() {
        let done = |message: &str| Outcome::Done { message: message.to_owned() };
        let gave_up = Outcome::GaveUp { message: String::new() };
        for seed in 0..20 {
            let case = Phone.case("ask-number", seed).unwrap();
            let start = start_of(&case);
            let answer = case.evaluator.expected_facts().pop().unwrap();
            assert_eq!(answer.fact, "the answer");
            assert_eq!(against(&case, &start, &start, &done(&format!("It is {}.", answer.is))).await, None);
            assert!(against(&case, &start, &start, &done("I found it.")).await.unwrap().contains("the answer"));
            assert!(against(&case, &start, &start, &gave_up).await.unwrap().contains("gave-up"));
            assert!(against(&case, &start, &start, &Outcome::OutOfSteps).await.unwrap().contains("out-of-steps"));

            let case = Phone.case("send-absent", seed).unwrap();
            let start = start_of(&case);
            assert_eq!(against(&case, &start, &start, &gave_up).await, None, "{}", case.goal);
            assert!(against(&case, &start, &start, &done("Sent.")).await.is_some(), "{}", case.goal);
            let mut end = start.clone();
            end.insert("messages.Anna.9".to_owned(), "me: hi".to_owned());
            assert!(against(&case, &start, &end, &gave_up).await.unwrap().contains("nobody asked for"));
            assert!(case.evaluator.is_unasked(&start, &end) && !case.evaluator.is_unasked(&start, &start));
        }
    }
}
