//! AndroidWorld's own tasks on its own server, as its Docker image has it: set up, touched and scored through it.
//!
//! Its rules are kept: what is said in the end is told to the server before it scores, and a run that has not ended with `done` scores 0
//! whatever the phone says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_agent::outcome::Outcome;
use tapwright_contract::device::DriverError;
use tapwright_drivers::androidworld::AndroidWorldPhone;
pub use tapwright_drivers::androidworld::AndroidWorldServer;

use super::tasks;
use crate::device::{CustomDevice, DeviceAddress};
use crate::judge::{Assessment, Evaluator, Evidence, Fact, JudgingError, unless_done};
use crate::origin::CaseId;
use crate::suite::{Case, CaseLimits, Suite};

pub const NAME: &str = "androidworld-server";
/// The tasks of AndroidWorld that its server may have besides, such as MiniWoB++'s, are less than this.
const TASKS_MAX: usize = 2000;
/// How often a task may be there with other parameters.
const INDICES_MAX: u64 = 100;
/// How long a question to the server may take.
const ASK: Duration = Duration::from_secs(30);
/// How long it may score.
const SCORE: Duration = Duration::from_secs(120);
/// The steps of a task that nobody here has heard of.
const STEPS: u32 = 40;

/// The cases of a server.
pub struct AndroidWorldServerSuite {
    server: Arc<AndroidWorldServer>,
    /// The task, its index and its goal.
    cases: Vec<(String, u64, String)>,
}

impl AndroidWorldServerSuite {
    /// Asks a server for its tasks and their goals.
    ///
    /// # Errors
    /// `DriverError` if it does not answer as such a server does.
    pub async fn open(server: AndroidWorldServer) -> Result<AndroidWorldServerSuite, DriverError> {
        let server = Arc::new(server);
        let mut cases = Vec::new();
        for task in server.tasks(ASK).await?.into_iter().take(TASKS_MAX) {
            for index in 0..server.task_length(&task, ASK).await?.min(INDICES_MAX) {
                let goal = server.goal(&task, index, ASK).await?;
                cases.push((task.clone(), index, goal));
            }
        }
        Ok(AndroidWorldServerSuite { server, cases })
    }
}

impl Suite for AndroidWorldServerSuite {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "AndroidWorld's tasks on its own server, scored by it"
    }

    fn templates(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.cases.iter().map(|(task, ..)| task.as_str()).collect();
        names.dedup();
        names
    }

    fn fixed_cases(&self) -> Option<Vec<(String, u64)>> {
        Some(self.cases.iter().map(|(task, index, _)| (task.clone(), *index)).collect())
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn steps_max(&self) -> u32 {
        tasks().values().map(|entry| entry.steps).max().unwrap_or(STEPS)
    }

    fn evaluator(&self) -> String {
        "AndroidWorld's server".to_owned()
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        let (task, index, goal) = self.cases.iter().find(|(task, index, _)| task == template && *index == seed)?;
        let entry = tasks().get(task);
        let phone = AndroidWorldPhone::new(self.server.clone(), Some((task.clone(), *index)));
        Some(Case {
            id: CaseId { suite: NAME.to_owned(), template: task.clone(), seed: *index },
            goal: goal.clone(),
            goal_fact: None,
            device: DeviceAddress::Custom(CustomDevice(Arc::new(phone))),
            start: Vec::new(),
            evaluator: Arc::new(ServerScorer { server: self.server.clone(), task: task.clone(), index: *index }),
            group: entry.map(|entry| entry.difficulty.clone()),
            limits: CaseLimits { steps_max: Some(entry.map_or(STEPS, |entry| entry.steps)), minutes: None },
        })
    }
}

/// Asks the server.
struct ServerScorer {
    server: Arc<AndroidWorldServer>,
    task: String,
    index: u64,
}

impl fmt::Debug for ServerScorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the score of {} {} by its server", self.task, self.index)
    }
}

#[async_trait]
impl Evaluator for ServerScorer {
    fn expected_facts(&self) -> Vec<Fact> {
        Vec::new()
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        Ok(self.assess(evidence).await?.against)
    }

    async fn assess(&self, evidence: Evidence<'_>) -> Result<Assessment, JudgingError> {
        let Outcome::Done { message } = evidence.outcome else {
            return Ok(Assessment { against: unless_done(evidence.outcome), score: Some(0.0), source: None });
        };
        if !message.is_empty() {
            self.server.answer(message, ASK).await?;
        }
        let score = self.server.score(&self.task, self.index, SCORE).await?;
        let against = (score < 1.0).then(|| format!("AndroidWorld's server scores it {score}"));
        Ok(Assessment { against, score: Some(score), source: None })
    }

    fn needs_facts(&self) -> bool {
        false
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod server_tests;
