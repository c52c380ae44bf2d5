//! The suite `osworld`: OSWorld's tasks, which the user has, on private desktops here.
//!
//! - `needs`: what a task needs that is not here. Such tasks are named and not run.
//! - `setup`: the verbs that make a machine as a task wants it, and those that are done before scoring.
//! - `device`: a private desktop, or one of the user's machines (`pool`), set up for one task before the agent begins. What goes wrong there is a setup-error, and tried again.
//! - `state` and `evaluator`: what the task's functions ask, and the score that they give, which may be a fraction.
//! - `kept`: what was asked and answered stays in the attempt's folder, so that it can be scored again without a machine.

mod browser;
mod device;
mod evaluator;
mod kept;
mod needs;
mod pool;
mod setup;
mod state;
#[cfg(test)]
mod stub_tests;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tapwright_contract::Size;
use tapwright_osworld::task::OsworldTask;

use self::device::{MachinePlace, MachineSource, Machines, TaskDevice};
use self::evaluator::{KeptScorer, TaskScorer};
use self::pool::MachinePool;
use crate::device::{CustomDevice, DeviceAddress};
use crate::judge::Evaluator;
use crate::origin::CaseId;
use crate::osworld::assets::Assets;
use crate::osworld::{EvaluatorChoice, LeftOut, NAME, OsworldOptions};
use crate::suite::{Case, CaseLimits, Suite};

pub use crate::osworld::assets::AssetError;

/// The screen of upstream's machine.
pub const SCREEN: Size = tapwright_drivers::osworld::private::SIZE;
/// As many steps as upstream's runner takes if nobody says it.
const STEPS: u32 = 15;

/// The suite, of the tasks that can be run here.
pub struct OsworldSuite {
    tasks: Vec<Arc<OsworldTask>>,
    left_out: Vec<LeftOut>,
    source: MachineSource,
    assets: Arc<Assets>,
    machines: Machines,
    evaluator: EvaluatorChoice,
}

impl OsworldSuite {
    /// A suite of these tasks.
    ///
    /// # Errors
    /// `AssetError` if the folder of files cannot be read.
    pub fn new(tasks: &[&OsworldTask], options: OsworldOptions) -> Result<OsworldSuite, AssetError> {
        let assets = options.assets.as_deref().map_or_else(|| Ok(Assets::default()), Assets::open)?;
        let OsworldOptions { folder, applications, size, settle, evaluator, machines, .. } = options;
        let source = match machines {
            Some(machines) => MachineSource::Pool(Arc::new(MachinePool::new(machines, settle))),
            None => MachineSource::Private(MachinePlace { folder, size, settle, applications }),
        };
        let (mut here, mut left_out) = (Vec::new(), Vec::new());
        for task in tasks {
            let needs = match &source {
                MachineSource::Private(_) => needs::lacking(task, &assets, &evaluator),
                MachineSource::Pool(_) => needs::lacking_anywhere(task, &assets, &evaluator).into_iter().collect(),
            };
            match needs.is_empty() {
                true => here.push(Arc::new((*task).clone())),
                false => left_out.push(LeftOut { id: task.id.clone(), domain: task.domain.clone(), needs }),
            }
        }
        let (assets, machines) = (Arc::new(assets), Machines::default());
        Ok(OsworldSuite { tasks: here, left_out, source, assets, machines, evaluator })
    }

    /// The tasks that are not run here.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

impl Suite for OsworldSuite {
    fn name(&self) -> &str {
        NAME
    }

    fn about(&self) -> &str {
        "OSWorld's tasks on private desktops or your machines, scored natively or by OSWorld's own evaluator; the tasks are yours"
    }

    fn templates(&self) -> Vec<&str> {
        self.tasks.iter().map(|task| task.id.as_str()).collect()
    }

    fn fixed_cases(&self) -> Option<Vec<(String, u64)>> {
        Some(self.tasks.iter().map(|task| (task.id.clone(), 0)).collect())
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn evaluator(&self) -> String {
        self.evaluator.name().to_owned()
    }

    fn steps_max(&self) -> u32 {
        STEPS
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        let task = self.tasks.iter().find(|task| task.id == template)?;
        let device = TaskDevice {
            task: task.clone(),
            source: self.source.clone(),
            assets: self.assets.clone(),
            machines: self.machines.clone(),
        };
        let (assets, machines, choice) = (self.assets.clone(), self.machines.clone(), self.evaluator.clone());
        let has_faulty_rule = AtomicBool::new(false);
        let scorer = TaskScorer { task: task.clone(), assets, machines, choice, has_faulty_rule };
        Some(Case {
            id: CaseId { suite: NAME.to_owned(), template: template.to_owned(), seed },
            goal: task.instruction.clone(),
            goal_fact: None,
            device: DeviceAddress::Custom(CustomDevice(Arc::new(device))),
            start: Vec::new(),
            evaluator: Arc::new(scorer),
            group: Some(task.domain.clone()),
            limits: CaseLimits::default(),
        })
    }
}

/// What judges an attempt of a record, by what was kept in its folder.
pub fn evaluator(choice: EvaluatorChoice) -> Arc<dyn Evaluator> {
    Arc::new(KeptScorer(choice))
}
