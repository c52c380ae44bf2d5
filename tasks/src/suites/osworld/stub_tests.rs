//! All tasks of both snapshots, set up and scored on a machine that only pretends: nothing in them is passed over, and nothing breaks.
//!
//! Each file that a task names is a small one of our own of the right kind, so a score says nothing but that there is one. What cannot be set
//! up or judged without an account, a site of the web or an editor at work is told by domain. What OSWorld's own evaluator has to score is
//! scored by it where its Python is named (with `setup --osworld --media`), in a minute:
//!
//! `OSWORLD_PYTHON=~/.cache/tapwright/osworld-evaluator/bin/python cargo test -p tapwright-tasks --lib on_a_machine_that_pretends -- --nocapture`

mod machine;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use expect_test::{Expect, expect};
use futures_util::{StreamExt as _, stream};
use tapwright_osworld::evaluation::LastAction;
use tapwright_osworld::output::StateFile;
use tapwright_osworld::state::{StateReply, StateRequest, StateSnapshot};
use tapwright_osworld::task::OsworldTask;
use tapwright_osworld::task_set::TaskSet;

use self::machine::{StubBrowser, StubMachine, VLC_STATUS, sample};
use super::setup::{self, SetupPhase};
use super::state::MachineState;
use crate::osworld::assets::{Assets, wanted_assets};
use crate::osworld::{EvaluatorChoice, OfficialEvaluator};

/// What became of a task.
struct TaskOutcome {
    task: OsworldTask,
    is_set_up: bool,
    snapshot: StateSnapshot,
    /// Why there is no score, if there is none.
    score: Result<f64, String>,
}

/// Sets a task up, asks all that its functions need, and scores it here.
async fn outcome(task: &OsworldTask, assets: &Assets) -> TaskOutcome {
    let (machine, browser) = (&StubMachine::default(), &StubBrowser::default());
    let perform = |steps, phase| setup::perform(steps, &task.id, phase, machine, browser, assets);
    let set_up = perform(&task.setup, SetupPhase::BeforeTheAgent).await;
    let is_set_up = set_up.is_ok();
    let mut cache = set_up.map(|report| report.cache).unwrap_or_default();
    let mut snapshot = StateSnapshot::default();
    let end = |snapshot, score| TaskOutcome { task: task.clone(), is_set_up, snapshot, score };
    match perform(&task.evaluator.before, SetupPhase::BeforeScoring).await {
        Ok(report) => cache.extend(report.cache),
        Err(error) => return end(snapshot, Err(format!("before scoring, {error}"))),
    }
    let state = MachineState { machine, browser, task, assets, cache: &cache };
    for round in 0.. {
        let requests = task.evaluator.needs(&snapshot);
        if requests.is_empty() {
            break;
        }
        assert!(round < 64, "{} asks without end", task.id);
        for request in requests {
            let reply = match &request {
                StateRequest::VlcStatus => StateReply::File(StateFile::new("status.xml", VLC_STATUS.as_bytes())),
                request => state.fetch(request).await,
            };
            snapshot.replies.insert(request, reply);
        }
    }
    let score = EvaluatorChoice::Native.score(task, LastAction::Other, &snapshot).await;
    end(snapshot, score.map(|(score, _)| score))
}

/// A file of the shared data; `None`, after saying so, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|above| above.join("shared/data").join(name)).find(|path| path.exists());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED, as there is no shared data: data/{name}");
    }
    found
}

/// All tasks of a set, on machines whose clock does not wait.
fn outcomes(set: &TaskSet) -> Vec<TaskOutcome> {
    let folder = tempfile::tempdir().unwrap();
    for asset in set.tasks.iter().flat_map(wanted_assets) {
        let at = folder.path().join(&asset.name);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, sample(&asset.name)).unwrap();
    }
    let assets = Assets::open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut all = Vec::new();
        for task in &set.tasks {
            all.push(outcome(task, &assets).await);
        }
        all
    })
}

/// Of each domain: tasks, those set up, those scored here, those for OSWorld's own evaluator, those that cannot be judged.
fn table(all: &[TaskOutcome], official: &BTreeMap<String, Result<f64, String>>) -> String {
    let mut counts: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for of in all {
        let place = match (&of.score, official.get(&of.task.id)) {
            (Ok(score), _) => {
                assert!((0.0..=1.0).contains(score), "{}: {score} is no score", of.task.id);
                2
            }
            (Err(_), Some(Ok(_))) => 3,
            (Err(_), None) if !of.task.is_native() && has_all(of) => 3,
            (Err(_), _) => 4,
        };
        for domain in [of.task.domain.as_str(), "all"] {
            let row = counts.entry(domain).or_default();
            row[0] += 1;
            row[1] += usize::from(of.is_set_up);
            row[place] += 1;
        }
    }
    let mut table = String::new();
    for (domain, row) in counts {
        writeln!(table, "{domain:<20}{}", row.map(|count| format!("{count:>5}")).concat()).unwrap();
    }
    table
}

/// Whether all was answered that a task's functions are called with.
fn has_all(of: &TaskOutcome) -> bool {
    !of.snapshot.replies.values().any(|reply| matches!(reply, StateReply::Failed { .. }))
}

/// Scores what is not computed here by OSWorld's own functions, two at a time.
fn official_scores(all: &[TaskOutcome], python: PathBuf) -> BTreeMap<String, Result<f64, String>> {
    let scratch = tempfile::tempdir().unwrap();
    let within = Duration::from_secs(100);
    let choice = EvaluatorChoice::Official(OfficialEvaluator {
        python,
        checkout: None,
        scratch: scratch.path().to_owned(),
        within,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let wanted = all.iter().filter(|of| of.score.is_err() && !of.task.is_native() && has_all(of));
    runtime.block_on(
        stream::iter(wanted)
            .map(|of| {
                let choice = choice.clone();
                async move {
                    let score = choice.score(&of.task, LastAction::Other, &of.snapshot).await;
                    (of.task.id.clone(), score.map(|(score, _)| score))
                }
            })
            .buffer_unordered(2)
            .collect(),
    )
}

fn check(by: impl Fn(&[TaskOutcome]) -> BTreeMap<String, Result<f64, String>>, expected: &Expect) {
    for name in ["osworld/osworld-tasks.tar.gz", "osworld-315a760/osworld-tasks-315a760.tar.gz"] {
        let Some(path) = shared(name) else { continue };
        let all = outcomes(&TaskSet::load(&path).unwrap());
        let official = by(&all);
        for of in &all {
            let why = match official.get(&of.task.id) {
                Some(official) => official.as_ref().err(),
                None => of.score.as_ref().err(),
            };
            if let Some(why) = why {
                let _ = writeln!(std::io::stderr(), "{} {} {}", of.task.domain, &of.task.id[..8], why);
            }
        }
        expected.assert_eq(&table(&all, &official));
    }
}

#[test]
fn all_tasks_are_set_up_and_scored_on_a_machine_that_pretends() {
    check(
        |_| BTreeMap::new(),
        &expect![[r#"
            all                   369  360  316   41   12
            chrome                 46   45   44    0    2
            gimp                   26   26   15   11    0
            libreoffice_calc       47   47   46    1    0
            libreoffice_impress    47   47   45    2    0
            libreoffice_writer     23   23   21    1    1
            multi_apps            101   93   71   22    8
            os                     24   24   24    0    0
            thunderbird            15   15   15    0    0
            vlc                    17   17   13    4    0
            vs_code                23   23   22    0    1
        "#]],
    );
}

#[test]
fn the_rest_is_scored_by_the_official_evaluator_on_a_machine_that_pretends() {
    #[allow(clippy::disallowed_methods)] // A test has no command line.
    let Some(python) = std::env::var_os("OSWORLD_PYTHON") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: OSWORLD_PYTHON does not name a Python with OSWorld's evaluator");
        return;
    };
    check(
        |all| official_scores(all, PathBuf::from(&python)),
        &expect![[r#"
            all                   369  360  316   36   17
            chrome                 46   45   44    0    2
            gimp                   26   26   15   11    0
            libreoffice_calc       47   47   46    1    0
            libreoffice_impress    47   47   45    2    0
            libreoffice_writer     23   23   21    1    1
            multi_apps            101   93   71   17   13
            os                     24   24   24    0    0
            thunderbird            15   15   15    0    0
            vlc                    17   17   13    4    0
            vs_code                23   23   22    0    1
        "#]],
    );
}
