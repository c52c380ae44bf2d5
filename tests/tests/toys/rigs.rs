//! Devices that die, are dark or are not there: what they cost is no score and no try of a case, and it is said before a model is asked.

use std::sync::atomic::AtomicU32;

use tapwright_contract::device::{Driver, DriverErrorKind, Front, InstalledApp, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::{Picture, Size};
use tapwright_tasks::bench::preflight::{Preflight, PreflightReport, preflight};
use tapwright_tasks::doctor::CheckState;
use tokio::time::Instant;

use super::*;

/// A machine on which several cases are done. It dies as it is opened for the so many-th time, and stays so until it is started anew.
#[derive(Debug)]
struct Machine {
    dies_at: u32,
    can_restart: bool,
    opened: AtomicU32,
    is_dead: AtomicBool,
    restarts: AtomicU32,
}

impl Machine {
    fn new(dies_at: u32, can_restart: bool) -> Arc<Machine> {
        let (opened, restarts) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Machine { dies_at, can_restart, opened, is_dead: AtomicBool::new(false), restarts })
    }

    fn error(why: &str) -> DriverError {
        let kind = DriverErrorKind::Lost { why: why.to_owned() };
        DriverError { device: "machine".to_owned(), operation: "open", kind }
    }
}

#[async_trait::async_trait]
impl OpenRig for Machine {
    fn name(&self) -> String {
        "machine".to_owned()
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        if self.opened.fetch_add(1, Ordering::Relaxed) + 1 == self.dies_at {
            self.is_dead.store(true, Ordering::Relaxed);
        }
        if self.is_dead.load(Ordering::Relaxed) {
            return Err(Machine::error("it does not answer"));
        }
        canvas::Canvas.open(within).await
    }

    async fn restart(&self, _within: Duration) -> Result<(), DriverError> {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        if !self.can_restart {
            return Err(Machine::error("it has no power"));
        }
        self.is_dead.store(false, Ordering::Relaxed);
        Ok(())
    }
}

fn on(machine: &Arc<Machine>, cases: &mut [Case]) {
    for case in cases {
        case.device = DeviceAddress::Custom(CustomDevice(machine.clone()));
    }
}

/// A machine that has died is started anew, and costs one try of one case.
#[tokio::test]
async fn a_machine_that_has_died_is_started_anew() {
    for parallel in [1, 3] {
        let runs = tempfile::tempdir().unwrap();
        let (mut cases, machine) = (toys(), Machine::new(2, true));
        on(&machine, &mut cases);
        let mut ledger = Ledger::create(runs.path(), header(&cases, 3)).unwrap();
        let (_stopper, stop) = stop();
        let models = ModelSupply::of(model(&[DONE; 9]), None);
        let plan = BenchRun { parallel, ..plan(cases, 1) };
        assert_eq!(bench(plan, &mut ledger, models, stop, |_| {}).await.unwrap(), BenchOutcome::Finished);
        let summary = Summary::of(&ledger.records);
        assert_eq!((summary.scored, machine.restarts.load(Ordering::Relaxed)), (9, 1), "{parallel} at a time");
        assert!(parallel > 1 || summary.attempts == 10, "{summary:?}");
    }
}

/// So is one on which nothing is left but what has failed already.
#[tokio::test]
async fn a_machine_with_one_case_is_started_anew() {
    let runs = tempfile::tempdir().unwrap();
    let (mut cases, machine) = (toys(), Machine::new(1, true));
    cases.truncate(1);
    on(&machine, &mut cases);
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    let models = ModelSupply::of(model(&[DONE]), None);
    let outcome = bench(plan(cases, 1), &mut ledger, models, stop, |_| {}).await.unwrap();
    let summary = Summary::of(&ledger.records);
    assert_eq!((outcome, summary.scored, summary.attempts), (BenchOutcome::Finished, 1, 2));
    assert_eq!(machine.restarts.load(Ordering::Relaxed), 1);
}

/// Where starting it anew does not help nothing more is begun on it, what needs another device is done, and no case is lost.
#[tokio::test]
async fn a_machine_that_stays_dead_costs_no_more_than_one_try() {
    let runs = tempfile::tempdir().unwrap();
    let (mut cases, dead) = (toys(), Machine::new(1, false));
    on(&dead, &mut cases[..2]);
    let mut ledger = Ledger::create(runs.path(), header(&cases, 2)).unwrap();
    let (_stopper, stop) = stop();
    let models = ModelSupply::of(model(&[DONE; 2]), None);
    let mut lost = Vec::new();
    let tell = |progress: BenchProgress<'_>| {
        if let BenchProgress::RigLost { rig, why } = progress {
            lost.push(format!("{rig}: {why}"));
        }
    };
    let outcome = bench(plan(cases.clone(), 1), &mut ledger, models, stop.clone(), tell).await.unwrap();
    assert_eq!(outcome, BenchOutcome::RigsLost);
    assert_eq!(lost.len(), 1);
    assert!(lost[0].starts_with("machine: ") && lost[0].contains("it has no power"), "{lost:?}");
    let before = Summary::of(&ledger.records);
    assert_eq!((before.scored, before.errors["setup-error"], before.unfinished), (2, 1, 3));
    drop(ledger);
    // It is mended, and the measurement goes on.
    let mended = Machine::new(0, true);
    on(&mended, &mut cases[..2]);
    let mut ledger = Ledger::take_up(runs.path()).unwrap();
    let models = ModelSupply::of(model(&[DONE; 4]), None);
    assert_eq!(bench(plan(cases, 1), &mut ledger, models, stop, |_| {}).await.unwrap(), BenchOutcome::Finished);
    let after = Summary::of(&ledger.records);
    assert_eq!((after.scored, after.unfinished, after.attempts), (6, 0, 7));
}

/// A machine that is well, on which the preparation of one case never works.
#[derive(Debug)]
struct Unprepared(Arc<Machine>);

#[async_trait::async_trait]
impl OpenRig for Unprepared {
    fn name(&self) -> String {
        "machine with a file that nobody can load".to_owned()
    }

    fn rig(&self) -> String {
        self.0.rig()
    }

    async fn open(&self, _within: Duration) -> Result<Rig, DriverError> {
        Err(Machine::error("no such file"))
    }

    async fn restart(&self, within: Duration) -> Result<(), DriverError> {
        self.0.restart(within).await
    }
}

/// What is wrong with some cases is not wrong with their machine: the others are done, and these have their tries.
#[tokio::test]
async fn a_case_that_cannot_be_prepared_is_no_dead_machine() {
    for (count, unprepared, is_ready) in [
        (3, &[0][..], true),
        (3, &[0, 1], true),
        (3, &[2], true),
        (3, &[0, 2], true),
        (9, &[0, 1, 2, 3, 4, 5], true),
        (9, &[1, 2, 3, 4, 5, 6, 7, 8], true),
        (9, &[0, 2, 3, 4, 5, 6, 7, 8], false),
    ] {
        let runs = tempfile::tempdir().unwrap();
        let selection = CaseSelection { first: 0, count, template: None, only: Vec::new() };
        let (mut cases, machine) = (selection.cases(&suite::Toys).collect::<Vec<_>>(), Machine::new(0, true));
        on(&machine, &mut cases);
        for case in unprepared {
            cases[*case].device = DeviceAddress::Custom(CustomDevice(Arc::new(Unprepared(machine.clone()))));
        }
        let report = preflight_of(&suite::Toys, &cases, 3).await;
        assert_eq!(report.is_ready(), is_ready, "{unprepared:?}: looked at by three of them");
        let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
        let (_stopper, stop) = stop();
        let models = ModelSupply::of(model(&[DONE; 9]), None);
        let outcome = bench(plan(cases, 1), &mut ledger, models, stop, |_| {}).await.unwrap();
        let summary = Summary::of(&ledger.records);
        let failed = unprepared.len() as u64;
        assert_eq!((outcome, summary.scored), (BenchOutcome::Finished, count - failed), "{unprepared:?}: {summary:?}");
        assert_eq!((summary.errors["setup-error"], summary.attempts), (failed, count + failed), "{unprepared:?}");
    }
}

/// No two attempts are begun closer together than that, however many may be made at a time.
#[tokio::test(start_paused = true)]
async fn starts_are_spread_out() {
    let runs = tempfile::tempdir().unwrap();
    let cases = toys();
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    let plan = BenchRun { parallel: 3, start_interval: Duration::from_secs(10), ..plan(cases, 0) };
    let began = Instant::now();
    let mut starts = Vec::new();
    let tell = |progress: BenchProgress<'_>| {
        if let BenchProgress::Begun { .. } = progress {
            starts.push(began.elapsed().as_secs());
        }
    };
    let outcome = bench(plan, &mut ledger, slow(Some(Duration::from_secs(1))), stop, tell).await.unwrap();
    assert_eq!((outcome, Summary::of(&ledger.records).scored), (BenchOutcome::Finished, 3));
    assert_eq!(starts, [0, 10, 20]);
}

/// A device that is there and is of no use: it is dark, says nothing of its widgets, and has no apps.
#[derive(Debug)]
struct Dark {
    has_home_screen: bool,
}

struct DarkDriver;

#[async_trait::async_trait]
impl OpenRig for Dark {
    fn name(&self) -> String {
        "dark".to_owned()
    }

    fn has_home_screen(&self) -> bool {
        self.has_home_screen
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        let rig = canvas::Canvas.open(within).await?;
        Ok(Rig { driver: Box::new(DarkDriver), ..rig })
    }
}

#[async_trait::async_trait]
impl Driver for DarkDriver {
    fn name(&self) -> &'static str {
        "dark"
    }

    fn abilities(&self) -> Abilities {
        Abilities { app_names: true, ..Abilities::PHONE }
    }

    async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
        let size = Size { width: 20, height: 30 };
        let picture = Picture::new(size, [3, 0, 5, 255].repeat(600)).unwrap();
        Ok(Screen::new(picture, Front { id: String::new(), label: String::new(), aliases: Vec::new() }))
    }

    async fn perform(&mut self, _gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    async fn find_app(&mut self, name: &str, _within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        let kind = DriverErrorKind::NoSuchApp { app: name.to_owned(), like: vec!["Pencil".to_owned()] };
        Err(DriverError { device: "dark".to_owned(), operation: "find an app", kind })
    }

    async fn labels(&mut self, _within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        Ok(Some(Vec::new()))
    }
}

async fn preflight_of(suite: &dyn Suite, cases: &[Case], tries: u32) -> PreflightReport {
    let device = options(cases[0].device.clone());
    let mut told = 0;
    let of = Preflight { suite, cases, device: &device, look: Duration::from_secs(1), tries };
    let report = preflight(&of, |_| told += 1).await;
    assert_eq!(told, report.findings.len(), "each is told");
    report
}

/// What is wrong is found before a model is asked anything, each with what to do, and once for all cases that need it.
#[tokio::test]
async fn what_the_cases_need_is_looked_for_first() {
    let folder = tempfile::tempdir().unwrap();
    let (there, missing) = (folder.path().join("there"), folder.path().join("missing"));
    std::fs::write(&there, "").unwrap();
    let mut cases = toys();
    let well = preflight_of(&suite::Toys, &cases, 1).await;
    assert!(well.is_ready(), "{well:?}");
    assert_eq!((well.rigs.len(), well.rigs[0].rig.as_str()), (1, "canvas"));
    let files = CaseNeeds { apps: Vec::new(), files: vec![there.clone()] };
    assert!(preflight_of(&VariedToys::needing(files), &cases, 1).await.is_ready());

    cases.truncate(2);
    cases[0].device = DeviceAddress::Custom(CustomDevice(Arc::new(Dark { has_home_screen: true })));
    cases.extend(cases.clone());
    cases.push(cases[0].clone());
    cases.push(cases[0].clone());
    let needs = CaseNeeds { apps: vec!["Pen".to_owned()], files: vec![there, missing.clone()] };
    let report = preflight_of(&VariedToys::needing(needs), &cases, 1).await;
    assert!(!report.is_ready());
    let failed: Vec<_> = report.findings.iter().filter(|finding| finding.state == CheckState::Failed).collect();
    let told: Vec<&str> = failed.iter().map(|finding| finding.what).collect();
    assert_eq!(told, ["files", "screen", "widgets", "apps"], "{report:#?}");
    for (finding, words) in failed.iter().zip([
        missing.display().to_string().as_str(),
        "dark: its screen (20x30) is black",
        "tells none",
        "dark: there is no app \"Pen\"; upper/0, upper/0, upper/0 and 1 more case need it",
    ]) {
        assert!(finding.text.contains(words), "{words}: {finding:?}");
        assert!(finding.next.as_ref().is_some_and(|next| !next.is_empty()), "what to do next: {finding:?}");
    }
    assert!(failed[3].next.as_deref().unwrap().contains("there is Pencil"), "{:?}", failed[3]);
    // What shows one page may have no widgets on it.
    cases[0].device = DeviceAddress::Custom(CustomDevice(Arc::new(Dark { has_home_screen: false })));
    let report = preflight_of(&suite::Toys, &cases[..1], 1).await;
    let of_widgets: Vec<_> = report.findings.iter().filter(|finding| finding.what == "widgets").collect();
    assert_eq!(of_widgets.iter().map(|finding| finding.state).collect::<Vec<_>>(), [CheckState::Warning]);
}

/// A device that is booting is tried again, as its cases would be.
#[tokio::test]
async fn a_device_that_is_not_there_is_told_after_so_many_tries() {
    for (fails, tries, is_ready) in [(1, 2, true), (2, 2, false)] {
        let mut cases = toys();
        cases.truncate(1);
        cases[0].device = DeviceAddress::Custom(CustomDevice(Arc::new(LateSuite(fails.into()))));
        let report = preflight_of(&suite::Toys, &cases, tries).await;
        assert_eq!((report.is_ready(), report.rigs.len()), (is_ready, usize::from(is_ready)), "{report:?}");
        let booting = report.findings.iter().any(|finding| finding.text.contains("it is booting"));
        assert_eq!(booting, !is_ready, "{report:?}");
    }
}
