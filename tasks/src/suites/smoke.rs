//! Errands on the virtual phone: the smoke suite, and the cases at its edges.

use std::sync::Arc;

use async_trait::async_trait;
use tapwright_agent::outcome::Outcome;
use tapwright_smoke::{TRAINING_SEEDS, Task};

use crate::device::DeviceAddress;
use crate::judge::{Evaluator, Evidence, Fact, JudgingError, unless_done};
use crate::origin::CaseId;
use crate::suite::{Case, CaseLimits, Suite};

/// Twelve kinds of errand, each of which changes something.
pub struct Smoke;

/// Errands in which nothing is to be changed, or one of two things that look alike.
pub struct EdgeCases;

impl Suite for Smoke {
    fn name(&self) -> &'static str {
        "smoke"
    }

    fn about(&self) -> &'static str {
        "twelve kinds of errand on the virtual phone, in the words that the small model was trained with; each starts the other way \
         round, so it does not tell a model that looks at a switch from one that turns it blindly: edge-cases does"
    }

    fn templates(&self) -> Vec<&'static str> {
        tapwright_smoke::templates().collect()
    }

    fn training_seeds(&self) -> Option<u64> {
        Some(TRAINING_SEEDS)
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        tapwright_smoke::task_of(template, seed).map(|task| case(self.name(), task))
    }
}

impl Suite for EdgeCases {
    fn name(&self) -> &'static str {
        "edge-cases"
    }

    fn about(&self) -> &'static str {
        "errands that are done already, whose target is not there (to give up is right, and to touch nothing), or that mean one of two \
         things which look alike"
    }

    fn templates(&self) -> Vec<&'static str> {
        tapwright_smoke::edge_templates().collect()
    }

    fn training_seeds(&self) -> Option<u64> {
        Some(TRAINING_SEEDS)
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        tapwright_smoke::edge_task_of(template, seed).map(|task| case(self.name(), task))
    }
}

fn case(suite: &str, task: Task) -> Case {
    Case {
        id: CaseId { suite: suite.to_owned(), template: task.template.to_owned(), seed: task.seed },
        goal: task.goal.clone(),
        device: DeviceAddress::Virtual(task.phone.clone()),
        start: Vec::new(),
        evaluator: Arc::new(Errands(task)),
        goal_fact: None,
        group: None,
        limits: CaseLimits::default(),
    }
}

/// Wants what the errands change to have changed, and nothing else.
#[derive(Debug)]
struct Errands(Task);

#[async_trait]
impl Evaluator for Errands {
    fn expected_facts(&self) -> Vec<Fact> {
        self.0.expect.iter().map(|(fact, is)| Fact { fact: fact.clone(), is: is.clone() }).collect()
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        let Evidence { start, end, outcome, .. } = evidence;
        Ok(tapwright_smoke::judge(&self.0, start, end).or_else(|| match (self.0.impossible, outcome) {
            (false, _) => unless_done(outcome),
            (true, Outcome::GaveUp { .. } | Outcome::NeedsPerson { .. }) => None,
            (true, other) => Some(format!("it cannot be done, and the run ended with `{}`", other.id())),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Facts;
    use crate::suites::testing::against;

    fn start_of(case: &Case) -> Facts {
        let DeviceAddress::Virtual(phone) = &case.device else { panic!("it is a phone of ours") };
        tapwright_phone::World::new(phone.clone()).facts()
    }

    fn done_outcome() -> Outcome {
        Outcome::Done { message: String::new() }
    }

    #[tokio::test]
    async fn what_nobody_asked_for_speaks_against_it() {
        let case = Smoke.case("radio", 3).unwrap();
        let start = start_of(&case);
        let mut end = start.clone();
        end.extend(case.evaluator.expected_facts().into_iter().map(|Fact { fact, is }| (fact, is)));
        assert_eq!(against(&case, &start, &end, &done_outcome()).await, None);
        assert!(against(&case, &start, &end, &Outcome::OutOfSteps).await.unwrap().contains("out-of-steps"));
        end.insert("notes.count".to_owned(), "77".to_owned());
        assert!(against(&case, &start, &end, &done_outcome()).await.unwrap().contains("nobody asked for"));
    }

    /// A model that turns every switch without looking passes the smoke suite's, and must not pass these.
    #[tokio::test]
    async fn at_the_edges_it_is_right_to_change_nothing() {
        for seed in 0..60 {
            let case = EdgeCases.case("already", seed).unwrap();
            let start = start_of(&case);
            assert_eq!(against(&case, &start, &start, &done_outcome()).await, None, "{}", case.goal);
            let Fact { fact, is } = case.evaluator.expected_facts().swap_remove(0);
            let mut turned = start.clone();
            turned.insert(fact, if is == "true" { "false" } else { "true" }.to_owned());
            assert!(against(&case, &start, &turned, &done_outcome()).await.is_some(), "{}", case.goal);

            let case = EdgeCases.case("absent", seed).unwrap();
            let start = start_of(&case);
            let gave_up = Outcome::GaveUp { message: String::new() };
            assert_eq!(against(&case, &start, &start, &gave_up).await, None, "{}", case.goal);
            assert!(against(&case, &start, &start, &done_outcome()).await.is_some(), "{}", case.goal);
            let mut more = start.clone();
            more.insert("messages.Anna.count".to_owned(), "99".to_owned());
            assert!(against(&case, &start, &more, &gave_up).await.is_some(), "{}", case.goal);
        }
    }
}
