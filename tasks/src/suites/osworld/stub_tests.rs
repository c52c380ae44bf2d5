//! All tasks of both snapshots, set up and scored on a machine that only pretends: nothing in them is passed over, and nothing breaks.
//!
//! The machine has no files and no browser to be driven; what cannot be set up or judged without those is told by domain.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use expect_test::expect;
use tapwright_contract::Size;
use tapwright_drivers::osworld::machine::{
    CommandOutput, ControlledMachine, FolderEntry, MachineCommand, MachineError, MachineErrorKind, MachineService,
    MachineWindow, WindowName,
};
use tapwright_osworld::evaluation::LastAction;
use tapwright_osworld::state::StateSnapshot;
use tapwright_osworld::task::OsworldTask;
use tapwright_osworld::task_set::TaskSet;

use super::setup::{self, SetupPhase};
use super::state::MachineState;
use crate::osworld::EvaluatorChoice;
use crate::osworld::assets::{Assets, wanted_assets};

type Answer<T> = Result<T, MachineError>;

/// A machine on which every program opens a window and every command says nothing.
#[derive(Default)]
struct StubMachine {
    windows: Mutex<Vec<MachineWindow>>,
}

impl StubMachine {
    fn open_window(&self, title: String) {
        self.windows.lock().unwrap().push(MachineWindow { title, class: "stub.Stub".to_owned(), is_active: true });
    }
}

#[async_trait]
impl ControlledMachine for StubMachine {
    fn name(&self) -> &str {
        "stub"
    }

    async fn execute(&self, _command: &MachineCommand, _within: Duration) -> Answer<CommandOutput> {
        Ok(CommandOutput::default())
    }

    async fn launch(&self, command: &MachineCommand, _within: Duration) -> Answer<()> {
        let count = self.windows.lock().unwrap().len();
        self.open_window(format!("{count} {command:?}"));
        Ok(())
    }

    async fn read_file(&self, _path: &str, _within: Duration) -> Answer<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn write_file(&self, _path: &str, _content: &[u8], _within: Duration) -> Answer<()> {
        Ok(())
    }

    async fn open_file(&self, path: &str, _within: Duration) -> Answer<()> {
        self.open_window(path.to_owned());
        Ok(())
    }

    async fn activate_window(&self, _window: &WindowName, _within: Duration) -> Answer<bool> {
        Ok(true)
    }

    async fn close_window(&self, _window: &WindowName, _within: Duration) -> Answer<bool> {
        Ok(true)
    }

    async fn windows(&self, _within: Duration) -> Answer<Vec<MachineWindow>> {
        Ok(self.windows.lock().unwrap().clone())
    }

    async fn accessibility_tree(&self, _within: Duration) -> Answer<String> {
        Ok("<desktop-frame/>".to_owned())
    }

    async fn screenshot(&self, _within: Duration) -> Answer<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn terminal_output(&self, _within: Duration) -> Answer<Option<String>> {
        Ok(None)
    }

    async fn screen_size(&self, _within: Duration) -> Answer<Size> {
        Ok(super::SCREEN)
    }

    async fn cursor_position(&self, _within: Duration) -> Answer<(i32, i32)> {
        Ok((0, 0))
    }

    async fn window_size(&self, _app_class: &str, _within: Duration) -> Answer<Option<Size>> {
        Ok(None)
    }

    async fn desktop_folder(&self, _within: Duration) -> Answer<String> {
        Ok("/home/user/Desktop".to_owned())
    }

    async fn list_folder(&self, _path: &str, _within: Duration) -> Answer<Option<FolderEntry>> {
        Ok(None)
    }

    async fn wallpaper(&self, _within: Duration) -> Answer<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn set_wallpaper(&self, _path: &str, _within: Duration) -> Answer<()> {
        Ok(())
    }

    async fn service(&self, _service: MachineService, _within: Duration) -> Answer<String> {
        let kind = MachineErrorKind::Unreachable { why: "it has none".to_owned() };
        Err(MachineError { machine: "stub".to_owned(), operation: "reach a service".to_owned(), kind })
    }
}

/// What became of a task's set-up, and of its score.
async fn outcome(task: &OsworldTask, assets: &Assets) -> (&'static str, &'static str) {
    let machine = StubMachine::default();
    let set_up = setup::perform(&task.setup, &task.id, SetupPhase::BeforeTheAgent, &machine, assets).await;
    let (set_up, mut cache) = match set_up {
        Ok(report) => ("set up", report.cache),
        Err(_) => ("not set up", BTreeMap::new()),
    };
    let before = setup::perform(&task.evaluator.before, &task.id, SetupPhase::BeforeScoring, &machine, assets).await;
    let Ok(before) = before else { return (set_up, "error") };
    cache.extend(before.cache);
    let state = MachineState { machine: &machine, task, assets, cache: &cache };
    let mut snapshot = StateSnapshot::default();
    for round in 0.. {
        let requests = task.evaluator.needs(&snapshot);
        if requests.is_empty() {
            break;
        }
        assert!(round < 64, "{} asks without end", task.id);
        for request in requests {
            let reply = state.fetch(&request).await;
            snapshot.replies.insert(request, reply);
        }
    }
    let scored = EvaluatorChoice::Native.score(task, LastAction::Other, &snapshot).await;
    match scored {
        Ok((score, _)) if (0.0..=1.0).contains(&score) => (set_up, "scored"),
        Ok(_) => (set_up, "no score"),
        Err(_) if !task.is_native() => (set_up, "official"),
        Err(_) => (set_up, "error"),
    }
}

/// A file of the shared data; `None`, after saying so, where there is none.
fn shared(name: &str) -> Option<std::path::PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|above| above.join("shared/data").join(name)).find(|path| path.exists());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED, as there is no shared data: data/{name}");
    }
    found
}

#[tokio::test(start_paused = true)]
async fn all_tasks_are_set_up_and_scored_on_a_machine_that_pretends() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["osworld/osworld-tasks.tar.gz", "osworld-315a760/osworld-tasks-315a760.tar.gz"] {
        let Some(path) = shared(name) else { continue };
        let set = TaskSet::load(&path).unwrap();
        for asset in set.tasks.iter().flat_map(wanted_assets) {
            let at = folder.path().join(&asset.name);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, "a file").unwrap();
        }
        let assets = Assets::open(folder.path()).unwrap();
        let mut counts: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
        for task in &set.tasks {
            let task = Arc::new(task.clone());
            let (set_up, scored) = outcome(&task, &assets).await;
            for domain in [task.domain.as_str(), "all"] {
                let of = counts.entry(domain.to_owned()).or_default();
                for what in ["tasks", set_up, scored] {
                    *of.entry(what).or_default() += 1;
                }
            }
        }
        let mut table = String::new();
        for (domain, of) in counts {
            let cell = |what: &str| of.get(what).copied().unwrap_or(0);
            let cells = ["tasks", "set up", "scored", "official", "error", "no score"].map(cell);
            writeln!(table, "{domain:<20}{}", cells.map(|count| format!("{count:>5}")).concat()).unwrap();
        }
        // Of each domain: tasks, those set up, those scored here, those for OSWorld's own evaluator, those that cannot be judged, and
        // those with a number that is no score. A gold file that is none is what most presentations cannot be judged by.
        expect![[r#"
            all                   369  291  228   47   94    0
            chrome                 46    2   18    1   27    0
            gimp                   26   26   15   11    0    0
            libreoffice_calc       47   47   46    1    0    0
            libreoffice_impress    47   47    1    2   44    0
            libreoffice_writer     23   23   22    1    0    0
            multi_apps            101   67   66   27    8    0
            os                     24   24   21    0    3    0
            thunderbird            15   15   14    0    1    0
            vlc                    17   17    3    4   10    0
            vs_code                23   23   22    0    1    0
        "#]]
        .assert_eq(&table);
    }
}
