//! Sessions on phones that are drawn for it, and on devices of somebody's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_agent::guard::Deed;
use tapwright_agent::journal::{EffectLine, EventLine, Line};
use tapwright_agent::person::Nobody;
use tapwright_contract::Picture;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Front, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_drivers::{DeviceSetupError, OpenRig, Probe, Rig};
use tapwright_phone::adbd;
use tapwright_phone::{Icon, MarkContent, World};

use super::*;
use crate::device::{CustomDevice, DeviceAddress, PhoneOptions, Weather, plug_in};
use crate::judge::{Fact, FactEvaluator};
use crate::settings::{MachineFacts, Overrides, RecordedSettings, SettingsFile};

/// Where a person would touch to write a note, and then text that needs a keyboard of its own.
fn script_that_types() -> Vec<String> {
    let mut world = World::new(PhoneOptions::default());
    let notes = world.apps().iter().find(|app| app.label == "Notes").unwrap().package;
    assert!(world.launch(notes));
    let (width, height) = world.size();
    let plus = world.marks().into_iter().find(|mark| mark.what == MarkContent::Icon(Icon::Plus)).unwrap();
    let (x, y) = plus.target.unwrap();
    let (x, y) = (x * 1000 / width as i32 + 1, y * 1000 / height as i32 + 1);
    vec![
        r#"do(action="Launch", app="Notes")"#.to_owned(),
        format!("do(action=\"Tap\", element=[{x},{y}])"),
        "do(action=\"Type\", text=\"你好\")".to_owned(),
        r#"finish(message="ok")"#.to_owned(),
    ]
}

/// A session by settings in a file, with nobody to be asked.
async fn session_with(folder: &Path, text: &str) -> Session {
    session_on(folder, text, None).await
}

/// The same on a device of somebody's own.
async fn session_on(folder: &Path, text: &str, device: Option<CustomDevice>) -> Session {
    let file = folder.join("t.toml");
    std::fs::write(&file, text).unwrap();
    let machine = MachineFacts {
        cache: Some(folder.join("cache")),
        adb_keys: Vec::new(),
        adb_server: None,
        desktop: Default::default(),
        cores: 1,
        small_model: "none".into(),
        date: "2026-01-02".to_owned(),
        variable: &|_| None,
    };
    let file = SettingsFile::read(Some(&file), None).unwrap();
    let mut settings = Settings::resolve(&file, Overrides::default(), RecordedSettings::default(), &machine).unwrap();
    if let Some(device) = device {
        settings.device.at = DeviceAddress::Custom(device);
    }
    let respondents = Respondents { person: Box::new(Nobody), desk: None };
    let (_stopper, stop) = tapwright_agent::stop::stop();
    Session::open(settings, Secrets::default(), respondents, stop, |_| ()).await.unwrap().unwrap()
}

/// Whatever goes wrong before it goes on: whoever takes it up then has the same model and the same expectations.
#[tokio::test]
async fn a_fork_knows_what_it_was_begun_with_before_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.txt"), "do(action=\"Home\")\nfinish(message=\"ok\")\n").unwrap();
    let mut session = session_with(folder.path(), "[model]\nuse = \"script:script.txt\"\n").await;
    let runs = folder.path().join("runs");
    let wanted = vec![Fact::parse("wifi.on=false").unwrap()];
    let evaluator = FactEvaluator::of(wanted.clone());
    let task = RunTask { goal: "Go home".to_owned(), start: Vec::new(), evaluator, case: None };
    session.run(&task, &runs, "run", 0, &mut |_| ()).await.unwrap();
    let key = seal_of(session.settings()).unwrap();
    let fork = |steps, run| {
        let location = RunLocation { runs: &runs, run, started: 1, seal: Some(&key) };
        ResumableRun::fork(&runs.join("run"), steps, location).map(drop)
    };
    let known = |run: &str| RunOrigin::read(&runs.join(run)).unwrap().unwrap();
    fork(1, "fork").unwrap();
    let origin = known("fork");
    assert_eq!((&origin.launch, &origin.expected), (&known("run").launch, &wanted));
    assert_eq!(origin.provenance(&runs.join("fork"), Some(&key)), Provenance::Own);
    // Of somebody else's record the fork is somebody else's, too.
    let at = runs.join("run/origin.json");
    let text = std::fs::read_to_string(&at).unwrap();
    std::fs::write(&at, text.replace("script.txt", "planted.txt")).unwrap();
    fork(1, "planted").unwrap();
    assert_eq!(known("planted").provenance(&runs.join("planted"), Some(&key)), Provenance::Foreign);
    // Another one that begins in the same millisecond takes the next name.
    fork(1, "fork").unwrap();
    assert_eq!(Record::read(&runs.join("fork-2")).unwrap().facts.run, "fork-2");
    let again = session.run(&task, &runs, "run", 0, &mut |_| ()).await.unwrap();
    assert_eq!((again.run.as_str(), again.folder), ("run-2", runs.join("run-2")));
    assert!(fork(9, "none").is_err() && !runs.join("none").exists(), "a fork that fails leaves nothing");
    // Nor does one that fails in the middle: here the folder's name is as long as can be, and its pictures' names are longer.
    let mut deep = folder.path().to_owned();
    while deep.as_os_str().len() < 3900 {
        deep.push("d".repeat(100));
    }
    deep.push("d".repeat(4040 - deep.as_os_str().len()));
    std::fs::create_dir_all(&deep).unwrap();
    let location = RunLocation { runs: &deep, run: "half", started: 1, seal: None };
    let half = ResumableRun::fork(&runs.join("run"), 1, location).map(drop);
    assert!(matches!(half, Err(RunError::Fork(_))), "{half:?}");
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0);
    session.close("done", false).await.unwrap();
}

/// A full disk, for example.
#[tokio::test]
async fn the_phone_is_left_as_it_was_found_though_the_record_breaks_off() {
    let folder = tempfile::tempdir().unwrap();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let daemon =
        plug_in(listen, &PhoneOptions::default(), &Weather::calm(), adbd::DaemonOptions::default()).await.unwrap();
    let keyboard = || daemon.handle().look(|world| world.input_method().to_owned());
    let own = keyboard();
    let script = folder.path().join("script.txt");
    std::fs::write(&script, script_that_types().join("\n")).unwrap();
    let text = format!(
        "[device]\nuse = \"{}\"\n[policy]\npreset = \"trusting\"\n[model]\nuse = \"script:{}\"\n",
        daemon.address(),
        script.display()
    );
    let mut session = session_with(folder.path(), &text).await;

    let runs = folder.path().join("runs");
    let pictures = runs.join("run/pictures");
    let mut while_typing = String::new();
    let mut typed = false;
    let mut watch = |entry: &Entry| match &entry.line {
        Line::Effect(EffectLine::Act(Deed::Gesture(Gesture::Type { .. }))) => typed = true,
        Line::Event(EventLine::Acted(_)) if typed => {
            while_typing = keyboard();
            // Whatever is seen from now on cannot be written down.
            std::fs::remove_dir_all(&pictures).unwrap();
            std::fs::write(&pictures, "").unwrap();
        }
        _ => {}
    };
    let task = RunTask { goal: "Write a note".to_owned(), start: Vec::new(), evaluator: None, case: None };
    let result = session.run(&task, &runs, "run", 0, &mut watch).await;
    assert!(matches!(result, Err(RunError::Drive(_))), "{result:?}");
    assert_ne!(while_typing, own, "another keyboard was selected to type with");
    session.close("broken off", false).await.unwrap();
    assert_eq!(keyboard(), own);
    daemon.kill().await;
}

/// A device without anything that mends it when it is dropped, on which nothing can be done; it counts how often it was closed.
#[derive(Clone, Debug, Default)]
struct Plain(Arc<AtomicU32>);

#[async_trait]
impl OpenRig for Plain {
    fn name(&self) -> String {
        "plain".to_owned()
    }

    async fn open(&self, _within: Duration) -> Result<Rig, DriverError> {
        let (driver, about) = (Box::new(self.clone()), "a plain device".to_owned());
        Ok(Rig { driver, apis: Vec::new(), probe: None, about, identity: None, teardown: None })
    }
}

#[async_trait]
impl Driver for Plain {
    fn name(&self) -> &str {
        "plain"
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
        let picture = Picture::new(Size { width: 2, height: 2 }, vec![0; 16]).unwrap();
        Ok(Screen::new(picture, Front { id: "plain".to_owned(), label: "Plain".to_owned(), aliases: Vec::new() }))
    }

    async fn perform(&mut self, _gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    async fn close(&mut self, _within: Duration) -> Result<(), DriverError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Whatever a run comes to, its device is closed once, unless it is lost; a driver that mends it when dropped is another safety net.
#[tokio::test]
async fn the_device_is_closed_whatever_a_run_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    std::fs::write(folder.path().join("script.txt"), "do(action=\"Home\")\nfinish(message=\"ok\")\n").unwrap();
    let task = RunTask { goal: "Go home".to_owned(), start: Vec::new(), evaluator: None, case: None };
    for (name, breaks, is_lost, closed) in
        [("done", false, false, 1), ("broken", true, false, 1), ("lost", false, true, 0), ("both", true, true, 0)]
    {
        let device = Plain::default();
        let custom = CustomDevice(Arc::new(device.clone()));
        let mut session = session_on(folder.path(), "[model]\nuse = \"script:script.txt\"\n", Some(custom)).await;
        let pictures = runs.join(name).join("pictures");
        let mut watch = |entry: &Entry| {
            if breaks && matches!(entry.line, Line::Run(_)) {
                std::fs::remove_dir_all(&pictures).unwrap();
                std::fs::write(&pictures, "").unwrap();
            }
        };
        let result = session.run(&task, &runs, name, 0, &mut watch).await;
        assert_eq!(result.is_err(), breaks, "{name}: {result:?}");
        session.close("over", is_lost).await.unwrap();
        assert_eq!(device.0.load(Ordering::SeqCst), closed, "{name}");
    }
}

/// What tells phones apart in a record is a digest of their serial numbers; without one nothing is proven.
#[tokio::test]
async fn a_phone_is_known_by_its_serial_number() {
    let folder = tempfile::tempdir().unwrap();
    let serial = |serial: &str| adbd::DaemonOptions {
        identity: adbd::Identity { serial: serial.to_owned(), ..adbd::Identity::default() },
        ..adbd::DaemonOptions::default()
    };
    for (number, (recorded, found, expected)) in [
        (Some("R58M31ABCDE"), "R58M31ABCDE", "same"),
        (Some("R58M31ABCDE"), "R58M31ABCDF", "another"),
        (Some("EMULATOR35X1X13X0"), "EMULATOR35X1X13X0", "unproven"),
        (None, "R58M31ABCDE", "unproven"),
    ]
    .into_iter()
    .enumerate()
    {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let calm = Weather::calm();
        let usual = PhoneOptions::default();
        let phone = |options| plug_in(listen, &usual, &calm, options);
        let daemon = phone(serial(found)).await.unwrap();
        let text = format!("[device]\nuse = \"{}\"\n[model]\nuse = \"finish\"\n", daemon.address());
        let mut session = session_with(folder.path(), &text).await;
        let run = folder.path().join(format!("run-{number}"));
        std::fs::create_dir(&run).unwrap();
        let origin = RunOrigin::new(session.settings.launch.clone(), Vec::new(), None, None);
        let origin = match recorded {
            None => origin,
            Some(recorded) => {
                let before = phone(serial(recorded)).await.unwrap();
                let mut options = session.settings.device.clone();
                options.at = DeviceAddress::Direct { address: before.address().to_string() };
                let device = Device::open(&options).await.unwrap();
                let origin = origin.on(&device);
                device.close().await.unwrap();
                before.kill().await;
                origin
            }
        };
        origin.clone().write(&run, session.seal.as_ref()).unwrap();
        let matched = |matched: DeviceMatch| match matched {
            DeviceMatch::Same => "same",
            DeviceMatch::Unproven => "unproven",
            DeviceMatch::Another { .. } => "another",
        };
        assert_eq!(matched(session.matches_device(&run, None).await.unwrap()), expected, "{recorded:?} {found}");
        // Somebody else's record cannot say that this is its phone.
        if expected == "same" {
            origin.write(&run, None).unwrap();
            assert_eq!(matched(session.matches_device(&run, None).await.unwrap()), "unproven");
        }
        session.close("done", false).await.unwrap();
        daemon.kill().await;
    }
}

/// A device with a fact that can be made true, which counts how often that was done; one of another name is refused.
#[derive(Clone, Debug, Default)]
struct Prepared(Arc<AtomicU32>);

#[async_trait]
impl OpenRig for Prepared {
    fn name(&self) -> String {
        "prepared".to_owned()
    }

    async fn open(&self, _within: Duration) -> Result<Rig, DriverError> {
        let (driver, probe) = (Box::new(Plain::default()), Some(Box::new(self.clone()) as Box<dyn Probe>));
        Ok(Rig { driver, apis: Vec::new(), probe, about: "it".to_owned(), identity: None, teardown: None })
    }
}

#[async_trait]
impl Probe for Prepared {
    async fn facts(&mut self, _within: Duration) -> Result<crate::judge::Facts, DriverError> {
        Ok([("a".to_owned(), self.0.load(Ordering::SeqCst).to_string())].into())
    }

    async fn set(&mut self, name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        if name != "a" {
            let kind = DriverErrorKind::Refused { why: "there is none".to_owned() };
            return Err(DriverError { device: "it".to_owned(), operation: "set a fact", kind });
        }
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Where somebody else has a run's name, that is found before the device is made ready; and what cannot be made ready leaves no record.
#[tokio::test]
async fn a_device_is_made_ready_once_whoever_has_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    for name in ["run", "run-2"] {
        std::fs::create_dir_all(runs.join(name)).unwrap();
    }
    let device = Prepared::default();
    let custom = CustomDevice(Arc::new(device.clone()));
    let mut session = session_on(folder.path(), "[model]\nuse = \"finish\"\n", Some(custom)).await;
    let starting = |fact: &str| RunTask {
        goal: "Go home".to_owned(),
        start: vec![Fact::parse(fact).unwrap()],
        evaluator: None,
        case: None,
    };
    let report = session.run(&starting("a=1"), &runs, "run", 0, &mut |_| ()).await.unwrap();
    assert_eq!((report.run.as_str(), device.0.load(Ordering::SeqCst)), ("run-3", 1));
    let begun = RunOrigin::read(&report.folder).unwrap().unwrap().facts.unwrap();
    assert_eq!(begun["a"], "1", "what was true once it was ready");
    let refused = session.run(&starting("b=1"), &runs, "other", 0, &mut |_| ()).await;
    assert!(matches!(refused, Err(RunError::Device(DeviceError::Start { .. }))), "{refused:?}");
    assert!(!runs.join("other").exists());
    session.close("done", false).await.unwrap();
}

/// A device that is there, and cannot be brought to where its task begins.
#[derive(Clone, Debug)]
struct Unready;

#[async_trait]
impl OpenRig for Unready {
    fn name(&self) -> String {
        "unready".to_owned()
    }

    async fn open(&self, _within: Duration) -> Result<Rig, DriverError> {
        let (driver, probe) = (Box::new(Plain::default()), Some(Box::new(Unready) as Box<dyn Probe>));
        Ok(Rig { driver, apis: Vec::new(), probe, about: "it".to_owned(), identity: None, teardown: None })
    }
}

#[async_trait]
impl Probe for Unready {
    async fn set_up(&mut self, _within: Duration) -> Result<(), DeviceSetupError> {
        Err(DeviceSetupError { device: "it".to_owned(), why: "a file is missing".to_owned() })
    }

    async fn facts(&mut self, _within: Duration) -> Result<crate::judge::Facts, DriverError> {
        panic!("what is true of it before its task begins nobody wants to know")
    }

    async fn set(&mut self, _name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_set_up_is_not_begun_and_the_device_is_not_called_lost() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let custom = CustomDevice(Arc::new(Unready));
    let mut session = session_on(folder.path(), "[model]\nuse = \"finish\"\n", Some(custom)).await;
    let task = RunTask { goal: "Go home".to_owned(), start: Vec::new(), evaluator: None, case: None };
    let error = session.run(&task, &runs, "run", 0, &mut |_| ()).await.unwrap_err();
    assert!(matches!(&error, RunError::Device(DeviceError::Setup(_))), "{error:?}");
    assert_eq!(error.to_string(), "it cannot be set up for its task: a file is missing");
    assert!(!runs.join("run").exists());
    session.close("done", false).await.unwrap();
}

/// Whoever has chosen knows what is not there. What cannot be offered is said, also where the service has the last word of the reason.
#[tokio::test]
async fn nothing_is_said_of_what_the_settings_did_not_choose() {
    let folder = tempfile::tempdir().unwrap();
    let description = r#"{"openapi": "3.0.0", "paths": {
        "/a": {"get": {"operationId": "a"}},
        "/b": {"post": {"operationId": "b", "requestBody": {"required": true, "content": {"x does not name it": {}}}}}}}"#;
    std::fs::write(folder.path().join("s.json"), description).unwrap();
    let check = async |chosen: &str, expected: &str| {
        let settings = format!(
            "[model]\nuse = \"finish\"\n[apis.s]\nopenapi = \"s.json\"\nurl = \"http://127.0.0.1:1\"\noperations = {chosen}\n"
        );
        let custom = CustomDevice(Arc::new(Prepared::default()));
        let mut session = session_on(folder.path(), &settings, Some(custom)).await;
        let told = session.note_of_unoffered().unwrap_or_default();
        assert!(told.starts_with(expected) && told.is_empty() == expected.is_empty(), "{chosen}: {told}");
        session.close("done", false).await.unwrap();
    };
    check("[\"a\"]", "").await;
    check("[\"a\", \"b\"]", "1 API is not offered to the model; the first is s.b: its body is neither").await;
}

fn is_send<T: Send>(_: &T) {}

/// A server moves sessions between threads, and what they do.
#[test]
fn a_session_and_what_it_does_can_be_held_by_a_server() {
    fn running(session: &mut Session, task: &RunTask, watch: Watch<'_>) {
        is_send(session);
        is_send(&session.run(task, Path::new("runs"), "run", 0, watch));
    }
    fn resuming(session: &mut Session, run: ResumableRun, watch: Watch<'_>) {
        is_send(&session.resume(run, 0, watch));
    }
    fn opening(settings: Settings, respondents: Respondents, stop: Stop) {
        is_send(&Session::open(settings, Secrets::default(), respondents, stop, |_| ()));
    }
    fn closing(session: Session) {
        is_send(&session.close("done", false));
    }
    let _ = running as fn(&mut Session, &RunTask, Watch<'_>);
    let _ = resuming as fn(&mut Session, ResumableRun, Watch<'_>);
    let _ = (opening as fn(Settings, Respondents, Stop), closing as fn(Session));
}
