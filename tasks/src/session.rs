//! A device, a model and the people who can be asked, opened together, used for any number of runs, and closed together.
//!
//! A command holds one for as long as it runs; a server can hold many: a [`Session`] and what it does are `Send`. Whatever happens in
//! between, [`Session::close`] comes last: it leaves the phone as it was found.

use std::io;
use std::mem;
use std::path::Path;

use tapwright_agent::apis::{Lent, Registry};
use tapwright_agent::journal::{Entry, Record};
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_agent::policy::Policy;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::Stop;
use tapwright_contract::Size;
use tapwright_contract::api::Apis;

use crate::desk::Desk;
use crate::device::{Device, DeviceError};
use crate::device_lock::{DeviceInUse, DeviceLock};
use crate::model::{LoadModelError, LoadedModel, LoadingStage, open};
use crate::origin::RunOrigin;
use crate::policy::Preset;
use crate::resume::{ResumableRun, device_of};
use crate::run::{Participants, RunError, RunLocation, RunOptions, RunReport, RunTask, run};
use crate::seal::SealKey;
use crate::settings::Settings;

/// Opened for runs.
pub struct Session {
    settings: Settings,
    device: Device,
    /// What the device offers besides its screen.
    device_apis: Vec<Box<dyn Apis>>,
    /// Keep other runs from the phone for as long as they are there: by its address, and by its serial number.
    locks: [Option<DeviceLock>; 2],
    model: LoadedModel,
    secrets: Secrets,
    respondents: Respondents,
    seal: Option<SealKey>,
    stop: Stop,
}

/// Who can be asked.
pub struct Respondents {
    pub person: Box<dyn Person>,
    /// Where the person answers from a browser, if anywhere: it is told what happens, and closed in the end.
    pub desk: Option<Desk>,
}

impl Respondents {
    /// Tells the desk too whatever is told to `watch`.
    fn watch<'a>(&self, watch: Watch<'a>) -> impl FnMut(&Entry) + Send + use<'a> {
        let desk = self.desk.clone();
        move |entry| {
            desk.iter().for_each(|desk| desk.observe(entry));
            watch(entry);
        }
    }

    fn participants<'a>(
        &'a mut self,
        apis: &'a mut dyn Apis,
        secrets: &'a Secrets,
        stop: &Stop,
        watch: Watch<'a>,
    ) -> Participants<'a> {
        Participants { person: self.person.as_mut(), apis, secrets, stop: stop.clone(), watch }
    }
}

/// Sees every line of a journal once it is written.
pub type Watch<'a> = &'a mut (dyn FnMut(&Entry) + Send);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    Model(#[from] LoadModelError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    DeviceInUse(#[from] DeviceInUse),
}

/// Whether the phone of a session is the one that a run was on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneMatch {
    /// By its serial number.
    Same,
    /// By its address and the size of its screen only: another phone may have them by now.
    Unproven,
    /// What the record says, its name and the size of its screen, and what is there.
    Another { recorded: String, found: String },
}

/// The APIs of the settings, and those of the device.
fn all_apis<'a>(
    settings: &Settings,
    secrets: &Secrets,
    device: &'a mut [Box<dyn Apis>],
) -> Result<Registry<'a>, RunError> {
    let mut apis: Registry<'a> =
        settings.registry(secrets).map_err(|error| RunError::Api { why: error.to_string() })?;
    for one in device {
        let added = apis.add(Box::new(Lent(one.as_mut())));
        added.map_err(|(name, error)| RunError::Api { why: format!("the device's API {name:?}: {error}") })?;
    }
    Ok(apis)
}

impl Session {
    /// Opens the model and then the device; `None` if it was stopped before that. What takes time is told to `stage`.
    ///
    /// # Errors
    /// `SessionError` if one of them is not there; the desk is closed then.
    pub async fn open(
        settings: Settings,
        secrets: Secrets,
        respondents: Respondents,
        stop: Stop,
        stage: impl Fn(LoadingStage) + Send + 'static,
    ) -> Result<Option<Session>, SessionError> {
        let mut stopping = stop.clone();
        let opening = async {
            // First of all: who cannot have the phone does not wait for the model.
            let lock = match &settings.device_locks {
                Some(folder) => DeviceLock::take(folder, &settings.device.at)?,
                None => None,
            };
            let model = open(&settings.model, stage).await?;
            let device = Device::open(&settings.device).await?;
            // A phone may be reached in several ways; its serial number is one.
            let serial = match (&settings.device_locks, device.fingerprint()) {
                (Some(folder), Some(serial)) => DeviceLock::take_serial(folder, &serial, device.name())?,
                _ => None,
            };
            Ok((model, device, [lock, serial]))
        };
        let opened = tokio::select! {
            biased;
            () = stopping.stopped() => Ok(None),
            opened = opening => opened.map(Some),
        };
        match opened {
            Ok(Some((model, mut device, locks))) => {
                let seal = seal_of(&settings);
                // They are called while the device is seen and touched.
                let device_apis = mem::take(&mut device.rig.apis);
                Ok(Some(Session { settings, device, device_apis, locks, model, secrets, respondents, seal, stop }))
            }
            nothing => {
                if let Some(desk) = respondents.desk {
                    desk.close("not begun").await;
                }
                nothing.map(|_| None)
            }
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the device is, for people.
    pub fn device_about(&self) -> &str {
        self.device.about()
    }

    /// What the model is, for people.
    pub fn model_about(&self) -> &str {
        &self.model.about
    }

    pub(crate) fn model(&mut self) -> &mut LoadedModel {
        &mut self.model
    }

    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Asks whoever is there, as long as a question may wait.
    pub async fn ask(&mut self, question: &Question) -> Answer {
        let within = self.settings.rules.limits.ask;
        let mut stop = self.stop.clone();
        tokio::select! {
            answer = self.respondents.person.ask(question, None) => answer,
            () = stop.stopped() => Answer::Nobody,
            () = tokio::time::sleep(within) => Answer::Nobody,
        }
    }

    /// The preset by which the policy is made.
    pub fn preset(&self) -> Preset {
        self.settings.preset
    }

    /// Writes down with what a plan is begun, or goes on: `origin.json` in its folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_origin(&self, folder: &Path) -> io::Result<()> {
        RunOrigin::new(self.settings.launch.clone(), Vec::new(), None, None)
            .on(&self.device)
            .write(folder, self.seal.as_ref())
    }

    /// Does a task, in the record `runs/name`.
    ///
    /// # Errors
    /// `RunError` if it did not begin, or could not be written down. Whatever else happens is an outcome.
    pub async fn run(
        &mut self,
        task: &RunTask,
        runs: &Path,
        name: &str,
        started: u64,
        watch: Watch<'_>,
    ) -> Result<RunReport, RunError> {
        let rules = self.settings.rules.clone();
        self.run_under(task, &rules, runs, name, started, watch).await
    }

    /// As [`Session::run`], by other rules than those of the settings.
    ///
    /// # Errors
    /// As there.
    pub async fn run_under(
        &mut self,
        task: &RunTask,
        rules: &RunOptions,
        runs: &Path,
        name: &str,
        started: u64,
        watch: Watch<'_>,
    ) -> Result<RunReport, RunError> {
        let Session { settings, device, device_apis, locks, model, secrets, respondents, seal, stop } = self;
        for lock in locks.iter_mut().flatten() {
            lock.note(&runs.join(name).display().to_string());
        }
        let mut apis = all_apis(settings, secrets, device_apis)?;
        let mut watch = respondents.watch(watch);
        let participants = respondents.participants(&mut apis, secrets, stop, &mut watch);
        let location = RunLocation { runs, run: name, started, seal: seal.as_ref() };
        run(task, device, model, rules, &settings.launch, location, participants).await
    }

    /// Goes on with a run, by a policy that is at least as strict as that of the settings. `at` is the time of day in milliseconds
    /// since 1970.
    ///
    /// # Errors
    /// `RunError` if it could not be written down. Whatever else happens is an outcome.
    pub async fn resume(&mut self, mut run: ResumableRun, at: u64, watch: Watch<'_>) -> Result<RunReport, RunError> {
        let policy = self.stricter_policy(&run);
        let Session { settings, device, device_apis, locks, model, secrets, respondents, seal, stop } = self;
        for lock in locks.iter_mut().flatten() {
            lock.note(&run.folder().display().to_string());
        }
        if let Some(policy) = &policy {
            run.restrict(policy.clone());
        }
        if let Some(within) = settings.ask_within {
            run.asks_within(within);
        }
        let mut apis = all_apis(settings, secrets, device_apis)?;
        if let Some(desk) = &respondents.desk {
            run.record().entries.iter().for_each(|entry| desk.observe(entry));
        }
        let mut watch = respondents.watch(watch);
        let participants = respondents.participants(&mut apis, secrets, stop, &mut watch);
        run.go_on(device, model, settings.launch.clone(), seal.as_ref(), at, participants).await
    }

    /// The policy by which a run goes on, if that is stricter than the one in its record.
    pub fn stricter_policy(&self, run: &ResumableRun) -> Option<Policy> {
        let policy = run.policy().stricter(&self.settings.rules.policy);
        (policy != *run.policy()).then_some(policy)
    }

    /// Has runs go by a preset at least, whatever the settings say: for a phone that is another one than was meant.
    pub fn at_least(&mut self, name: Preset) {
        let own = &self.settings.rules.policy;
        let preset = Policy {
            secrets: own.secrets.clone(),
            apis: own.apis.clone(),
            answers: own.answers.clone(),
            ..name.policy()
        };
        self.settings.rules.policy = own.stricter(&preset);
        self.settings.preset = name;
        // Who goes on with it once more goes on by this one.
        self.settings.launch.policy = Some(name.name().to_owned());
    }

    /// Whether this is the phone that the run or the plan in `folder` was on. `record` is its run, or its last one, if one has begun.
    ///
    /// # Errors
    /// `RunError` if what it was begun with cannot be read.
    pub async fn matches_phone(&mut self, folder: &Path, record: Option<&Record>) -> Result<PhoneMatch, RunError> {
        let origin = crate::resume::read_origin(folder)?;
        // What others have written proves nothing.
        let is_own = origin.as_ref().is_some_and(|origin| origin.is_own(folder, self.seal.as_ref()));
        let recorded = origin.and_then(|origin| origin.device_fingerprint);
        let is_same = match (recorded, self.device.fingerprint()) {
            (Some(recorded), Some(found)) => Some(recorded == found).filter(|is_same| is_own || !is_same),
            _ => None,
        };
        if is_same == Some(true) {
            return Ok(PhoneMatch::Same);
        }
        let Some(record) = record else {
            let another = || PhoneMatch::Another {
                recorded: "one with another serial number".to_owned(),
                found: self.device.rig.driver.name().to_owned(),
            };
            return Ok(is_same.map_or(PhoneMatch::Unproven, |_| another()));
        };
        let (name, size) = device_of(record);
        let within = self.settings.rules.limits.look;
        let screen = match self.device.rig.driver.screen(within).await {
            Ok(screen) => Some(screen.picture.size()),
            // A window that forbids pictures says nothing about the phone.
            Err(_) => None,
        };
        let sides = |size: Size| (size.width.min(size.height), size.width.max(size.height));
        let is_same_size = match (size, screen) {
            (Some(before), Some(now)) => sides(before) == sides(now),
            _ => true,
        };
        let found = self.device.rig.driver.name();
        if is_same.is_none() && found == name && is_same_size {
            return Ok(PhoneMatch::Unproven);
        }
        let told =
            |name: &str, size: Option<Size>| size.map_or_else(|| name.to_owned(), |size| format!("{name} ({size})"));
        let mut found = told(found, screen);
        if is_same == Some(false) {
            found += ", with another serial number";
        }
        Ok(PhoneMatch::Another { recorded: told(name, size), found })
    }

    /// Leaves the phone as it was found and tells whoever looks at the desk how it ended. A phone that is `lost` is not tried again.
    ///
    /// # Errors
    /// `DeviceError` if the phone is not as it was found.
    pub async fn close(self, how: &str, is_lost: bool) -> Result<(), DeviceError> {
        let Session { device, respondents, .. } = self;
        let closed = if is_lost { Ok(()) } else { device.close().await };
        if let Some(desk) = respondents.desk {
            desk.close(how).await;
        }
        closed
    }
}

/// The key with which records are known as this user's own; without one nothing is, and a person is asked.
pub fn seal_of(settings: &Settings) -> Option<SealKey> {
    match SealKey::open(&settings.model.cache) {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::debug!(%error, "records are not sealed");
            None
        }
    }
}

/// The folder of a plan's or a run's record, and what it was begun with as far as it can be trusted.
pub fn recorded_in(folder: &Path, settings: &Settings) -> Result<crate::settings::Recorded, RunError> {
    let origin = crate::resume::read_origin(folder)?;
    let key = seal_of(settings);
    Ok(origin.map_or_else(crate::settings::Recorded::default, |origin| crate::settings::Recorded {
        is_own: origin.is_own(folder, key.as_ref()),
        launch: origin.launch,
    }))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use tapwright_agent::guard::Deed;
    use tapwright_agent::journal::{EffectLine, EventLine, Line};
    use tapwright_agent::person::Nobody;
    use tapwright_contract::gesture::Gesture;
    use tapwright_phone::adbd;
    use tapwright_phone::{Icon, What, World};

    use super::*;
    use crate::device::{PhoneOptions, Weather, plug_in};
    use crate::judge::{Fact, FactEvaluator};
    use crate::settings::{Machine, Overrides, Recorded, SettingsFile};

    /// Where a person would touch to write a note, and then text that needs a keyboard of its own.
    fn script_that_types() -> Vec<String> {
        let mut world = World::new(PhoneOptions::default());
        let notes = world.apps().iter().find(|app| app.label == "Notes").unwrap().package;
        assert!(world.launch(notes));
        let (width, height) = world.size();
        let plus = world.marks().into_iter().find(|mark| mark.what == What::Icon(Icon::Plus)).unwrap();
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
        let file = folder.join("t.toml");
        std::fs::write(&file, text).unwrap();
        let machine = Machine {
            cache: Some(folder.join("cache")),
            adb_keys: Vec::new(),
            adb_server: None,
            cores: 1,
            small_model: "none".into(),
            date: "2026-01-02".to_owned(),
            variable: &|_| None,
        };
        let file = SettingsFile::read(Some(&file)).unwrap();
        let settings = Settings::resolve(&file, Overrides::default(), Recorded::default(), &machine).unwrap();
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
        assert!(origin.is_own(&runs.join("fork"), Some(&key)));
        // Of somebody else's record the fork is somebody else's, too.
        let at = runs.join("run/origin.json");
        let text = std::fs::read_to_string(&at).unwrap();
        std::fs::write(&at, text.replace("script.txt", "planted.txt")).unwrap();
        fork(1, "planted").unwrap();
        assert!(!known("planted").is_own(&runs.join("planted"), Some(&key)));
        assert!(fork(9, "none").is_err() && !runs.join("none").exists(), "a fork that fails leaves nothing");
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
                    options.at = crate::device::DeviceAddress::Direct { address: before.address().to_string() };
                    let device = Device::open(&options).await.unwrap();
                    let origin = origin.on(&device);
                    device.close().await.unwrap();
                    before.kill().await;
                    origin
                }
            };
            origin.clone().write(&run, session.seal.as_ref()).unwrap();
            let matched = |matched: PhoneMatch| match matched {
                PhoneMatch::Same => "same",
                PhoneMatch::Unproven => "unproven",
                PhoneMatch::Another { .. } => "another",
            };
            assert_eq!(matched(session.matches_phone(&run, None).await.unwrap()), expected, "{recorded:?} {found}");
            // Somebody else's record cannot say that this is its phone.
            if expected == "same" {
                origin.write(&run, None).unwrap();
                assert_eq!(matched(session.matches_phone(&run, None).await.unwrap()), "unproven");
            }
            session.close("done", false).await.unwrap();
            daemon.kill().await;
        }
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
}
