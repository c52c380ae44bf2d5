//! OSWorld for whoever sets work: its tasks as they are listed and checked before anything is run.

pub mod assets;
pub mod download;
pub mod environment;
pub mod official;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use tapwright_osworld::defect::TaskDefect;
pub use tapwright_osworld::repair::{RepairError, read_repairs};
pub use tapwright_osworld::task::OsworldTask;
pub use tapwright_osworld::task_set::{TaskSelection, TaskSet, TaskSetError, read_id_list};

pub use self::official::{EvaluatorChoice, OfficialEvaluator};

use serde::Serialize;
use tapwright_contract::Size;
use tapwright_drivers::Settle;

/// What this suite is called on the command line.
pub const NAME: &str = "osworld";

/// How the tasks are run.
#[derive(Clone, Debug)]
pub struct OsworldOptions {
    /// Where private desktops are made, each for as long as it is there.
    pub folder: PathBuf,
    /// Where the files are that tasks name by their addresses.
    pub assets: Option<PathBuf>,
    /// Where the menu's files are (`*.desktop`), the most important folder first.
    pub applications: Vec<PathBuf>,
    pub size: Size,
    pub settle: Settle,
    /// Who scores them.
    pub evaluator: EvaluatorChoice,
    /// Machines of the user's own, in place of private desktops.
    pub machines: Option<MachinePoolOptions>,
}

/// Machines behind control servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachinePoolOptions {
    /// `http://HOST:5000` of each.
    pub addresses: Vec<String>,
    /// A shell's command that brings one back to its beginning; it finds `HOST:PORT` in `TAPWRIGHT_MACHINE`, and a number from 1 in
    /// `TAPWRIGHT_MACHINE_NUMBER`.
    pub reset_command: Option<String>,
}

/// A task that is not run here, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub id: String,
    pub domain: String,
    pub needs: Vec<String>,
}

/// How many tasks there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    pub tasks: usize,
    /// All their evaluator functions are computed here.
    pub native: usize,
    /// They cannot be done, and are passed by saying so.
    pub infeasible: usize,
    /// They need files from elsewhere.
    pub downloads: usize,
}

impl TaskCounts {
    fn count(&mut self, task: &OsworldTask) {
        self.tasks += 1;
        self.native += usize::from(task.is_native());
        self.infeasible += usize::from(task.is_infeasible());
        self.downloads += usize::from(!task.downloads().is_empty());
    }
}

/// Counts tasks by domain, and all of them.
pub fn counts<'a>(tasks: &[&'a OsworldTask]) -> (BTreeMap<&'a str, TaskCounts>, TaskCounts) {
    let mut domains: BTreeMap<&str, TaskCounts> = BTreeMap::new();
    let mut all = TaskCounts::default();
    for task in tasks {
        domains.entry(&task.domain).or_default().count(task);
        all.count(task);
    }
    (domains, all)
}
