//! A device, a model and the people who can be asked, opened together, used for any number of runs, and closed together.
//!
//! A command holds one for as long as it runs; a server can hold many: a [`Session`] and what it does are `Send`. Whatever happens in
//! between, [`Session::close`] comes last: it leaves the phone as it was found.

mod sources;

use std::io;
use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tapwright_agent::calls::ApiCatalog;
use tapwright_agent::journal::{Entry, JournalError, Record, SAME_NAMES_MAX, numbered};
use tapwright_agent::limits::Limits;
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_agent::policy::Policy;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::Stop;
use tapwright_contract::Size;
use tapwright_contract::api::{ApiSpec, Apis};
use tapwright_contract::device::Driver;

use self::sources::ApiSources;
use crate::apis::mcp::McpError;
use crate::apis::openapi::OpenApiError;
use crate::desk::Desk;
use crate::device::{Device, DeviceError, DeviceKind};
use crate::device_lock::{DeviceInUse, DeviceLock};
use crate::headline::EndNotice;
use crate::live::SharedDriver;
use crate::model::{LoadModelError, LoadedModel, LoadingStage, open};
use crate::named_apps;
use crate::origin::{Provenance, RunOrigin};
use crate::plural::count_of;
use crate::policy::Preset;
use crate::resume::{ResumableRun, device_of};
use crate::run::{Participants, RunError, RunLocation, RunOptions, RunReport, RunTask, Watch, run};
use crate::seal::SealKey;
use crate::settings::Settings;

pub use crate::apis::UnofferedApi;

/// Opened for runs.
pub struct Session {
    settings: Settings,
    device: Device,
    /// What the device offers besides its screen.
    device_apis: Vec<Box<dyn Apis>>,
    /// The MCP servers and the services that were opened for it.
    sources: ApiSources,
    /// Keep other runs from the phone for as long as they are there: by its address, and by its serial number.
    locks: [Option<DeviceLock>; 2],
    model: LoadedModel,
    secrets: Secrets,
    respondents: Respondents,
    seal: Option<SealKey>,
    stop: Stop,
    /// The device's driver, for those who look at it in turns with a run.
    shared: SharedDriver,
}

/// Where a run is written down, and when it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunPlace<'a> {
    pub runs: &'a Path,
    pub name: &'a str,
    /// Milliseconds since 1970.
    pub started: u64,
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

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    Model(#[from] LoadModelError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    DeviceInUse(#[from] DeviceInUse),
    #[error(transparent)]
    Mcp(#[from] McpError),
    #[error(transparent)]
    OpenApi(#[from] OpenApiError),
}

/// Whether the device of a session is the one that a run was on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceMatch {
    /// By its serial number.
    Same,
    /// By its address and the size of its screen only: another one may have them by now.
    Unproven,
    /// What the record says, its name and the size of its screen, and what is there.
    Another { recorded: String, found: String },
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
        stage: impl Fn(LoadingStage) + Send + Sync + 'static,
    ) -> Result<Option<Session>, SessionError> {
        let mut stopping = stop.clone();
        let stage = Arc::new(stage);
        let say = stage.clone();
        let opening = async {
            // First of all: who cannot have the phone does not wait for the model.
            let lock = match &settings.device_locks {
                Some(folder) => DeviceLock::take(folder, &settings.device.at)?,
                None => None,
            };
            let sources = ApiSources::open(&settings, &secrets, &*stage).await?;
            let telling = stage.clone();
            let model = open(&settings.model, move |news| telling(news)).await?;
            let mut device = Device::open(&settings.device).await?;
            // A phone may be reached in several ways; its serial number is one.
            let serial = match (&settings.device_locks, device.fingerprint()) {
                (Some(folder), Some(serial)) => DeviceLock::take_serial(folder, &serial, device.name())?,
                _ => None,
            };
            // What is wrong with a name is told where a run is begun.
            let rules = &settings.rules;
            let driver = device.rig.driver.as_mut();
            let absent = named_apps::check(&rules.policy, driver, rules.limits.look).await.unwrap_or_default();
            if let Some(note) = named_apps::note_of_absent(driver.name(), &absent) {
                say(LoadingStage::Note(note));
            }
            let (device, shared) = device.share();
            if let Some(desk) = respondents.desk.as_ref().filter(|desk| desk.watches()) {
                desk.lend(shared.clone());
            }
            Ok((model, device, shared, [lock, serial], sources, stage))
        };
        let opened = tokio::select! {
            biased;
            () = stopping.stopped() => Ok(None),
            opened = opening => opened.map(Some),
        };
        match opened {
            Ok(Some((model, mut device, shared, locks, sources, stage))) => {
                let seal = seal_of(&settings);
                // They are called while the device is seen and touched.
                let device_apis = mem::take(&mut device.rig.apis);
                let mut session = Session {
                    settings,
                    device,
                    device_apis,
                    sources,
                    locks,
                    model,
                    secrets,
                    respondents,
                    seal,
                    stop,
                    shared,
                };
                if let Some(note) = session.note_of_unoffered() {
                    stage(LoadingStage::Note(note));
                }
                Ok(Some(session))
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

    /// What a model is told of, as things are now, and what it is not.
    ///
    /// # Errors
    /// `RunError::Api` if one of them can never be called.
    pub fn apis(&mut self) -> Result<(Vec<ApiSpec>, Vec<UnofferedApi>), RunError> {
        let Session { settings, device_apis, sources, secrets, .. } = self;
        let unlisted = sources.left_out(device_apis);
        let specs = sources.registry(settings, secrets, device_apis)?.specs();
        let (offered, left_out) = ApiCatalog::within_budget(&specs);
        let unfit = left_out.into_iter().map(|api| {
            let why = api.why.to_string();
            UnofferedApi { name: api.name, why, is_unchosen: false }
        });
        Ok((offered.iter().map(|(spec, _)| spec.clone()).collect(), unfit.chain(unlisted).collect()))
    }

    /// A sentence about what a model is not told of, if there is any.
    fn note_of_unoffered(&mut self) -> Option<String> {
        let (_, left_out) = self.apis().ok()?;
        // Whoever has chosen some of a server's tools or a service's operations knows that the others are not there.
        let left_out: Vec<&UnofferedApi> = left_out.iter().filter(|api| !api.is_unchosen).collect();
        let first = left_out.first()?;
        let count = count_of(left_out.len() as u64, "API is", "APIs are");
        Some(format!(
            "{count} not offered to the model; the first is {}: {}; all of them: tapwright apis",
            first.name, first.why
        ))
    }

    pub(crate) fn model(&mut self) -> &mut LoadedModel {
        &mut self.model
    }

    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    /// The device as it can be seen between a run's own looks.
    pub(crate) fn eyes(&self) -> Box<dyn Driver> {
        Box::new(self.shared.clone())
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

    /// Lets time pass on a device on which it need not be waited for, and says what time it is there then, in milliseconds since 1970.
    /// `None` if the device goes by everybody's time.
    pub(crate) async fn let_pass(&mut self, time: Duration) -> Result<Option<u64>, DeviceError> {
        self.device.let_pass(time).await
    }

    /// The preset by which the policy is made.
    pub fn preset(&self) -> Preset {
        self.settings.preset
    }

    /// Writes down with what a plan is begun, or goes on, and whether it is this user's own: `origin.json` in its folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_origin(&self, folder: &Path, is_own: bool) -> io::Result<()> {
        RunOrigin::new(self.settings.launch.clone(), Vec::new(), None, None)
            .on(&self.device)
            .with_adoption(!is_own)
            .write(folder, self.seal.as_ref())
    }

    /// Does a task, in the record `runs/name`, or under the next name that is free.
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
        let mut number = 1;
        loop {
            let name = numbered(name, number);
            match self.run_under(task, &rules, runs, &name, started, watch).await {
                // Nothing was done yet, and nothing was told.
                Err(RunError::Journal(JournalError::Exists { .. })) if number < SAME_NAMES_MAX => number += 1,
                result => return result,
            }
        }
    }

    /// As [`Session::run`], by other rules than those of the settings and under no other name.
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
        self.begin(None, task, rules, RunPlace { runs, name, started }, watch).await
    }

    /// As [`Session::run_under`], with another model than the session's own.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn run_by(
        &mut self,
        model: &mut LoadedModel,
        task: &RunTask,
        rules: &RunOptions,
        place: RunPlace<'_>,
        watch: Watch<'_>,
    ) -> Result<RunReport, RunError> {
        self.begin(Some(model), task, rules, place, watch).await
    }

    async fn begin(
        &mut self,
        other: Option<&mut LoadedModel>,
        task: &RunTask,
        rules: &RunOptions,
        place: RunPlace<'_>,
        watch: Watch<'_>,
    ) -> Result<RunReport, RunError> {
        let RunPlace { runs, name, started } = place;
        let Session { settings, device, device_apis, sources, locks, model, secrets, respondents, seal, stop, .. } =
            self;
        let model = other.unwrap_or(model);
        for lock in locks.iter().flatten() {
            lock.note(&runs.join(name).display().to_string());
        }
        sources.start_again(secrets).await?;
        let mut apis = sources.registry(settings, secrets, device_apis)?;
        if let Some(desk) = &respondents.desk {
            desk.watch_record(runs.join(name));
        }
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
    pub async fn resume(&mut self, run: ResumableRun, at: u64, watch: Watch<'_>) -> Result<RunReport, RunError> {
        self.go_on(None, run, at, watch).await
    }

    /// The same with another model than the session's own.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn resume_by(
        &mut self,
        model: &mut LoadedModel,
        run: ResumableRun,
        at: u64,
        watch: Watch<'_>,
    ) -> Result<RunReport, RunError> {
        self.go_on(Some(model), run, at, watch).await
    }

    async fn go_on(
        &mut self,
        other: Option<&mut LoadedModel>,
        mut run: ResumableRun,
        at: u64,
        watch: Watch<'_>,
    ) -> Result<RunReport, RunError> {
        let policy = self.stricter_policy(&run);
        let limits = self.lower_limits(&run);
        let Session { settings, device, device_apis, sources, locks, model, secrets, respondents, seal, stop, .. } =
            self;
        let model = other.unwrap_or(model);
        for lock in locks.iter().flatten() {
            lock.note(&run.folder().display().to_string());
        }
        if let Some(policy) = &policy {
            run.restrict(policy.clone());
        }
        if let Some(limits) = limits {
            run.limit(limits);
        }
        if let Some(within) = settings.ask_within {
            run.asks_within(within);
        }
        sources.start_again(secrets).await?;
        let mut apis = sources.registry(settings, secrets, device_apis)?;
        if let Some(desk) = &respondents.desk {
            desk.watch_record(run.folder().to_owned());
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

    /// The limits under which a run of somebody else's goes on, if the settings' are lower than its own anywhere.
    pub fn lower_limits(&self, run: &ResumableRun) -> Option<Limits> {
        if run.is_own(self.seal.as_ref()) {
            return None;
        }
        let limits = run.limits().lower(&self.settings.rules.limits);
        (limits != *run.limits()).then_some(limits)
    }

    /// Whose record a run is.
    pub fn provenance(&self, run: &ResumableRun) -> Provenance {
        run.provenance(self.seal.as_ref())
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

    /// Whether this is the device that the run or the plan in `folder` was on. `record` is its run, or its last one, if one has begun.
    ///
    /// # Errors
    /// `RunError` if what it was begun with cannot be read.
    pub async fn matches_device(&mut self, folder: &Path, record: Option<&Record>) -> Result<DeviceMatch, RunError> {
        let origin = crate::resume::read_origin(folder)?;
        // What others have written proves nothing.
        let key = self.seal.as_ref();
        let is_own = origin.as_ref().is_some_and(|origin| origin.provenance(folder, key).is_sealed());
        let recorded = origin.and_then(|origin| origin.device_fingerprint);
        let is_same = match (recorded, self.device.fingerprint()) {
            (Some(recorded), Some(found)) => Some(recorded == found).filter(|is_same| is_own || !is_same),
            _ => None,
        };
        if is_same == Some(true) {
            return Ok(DeviceMatch::Same);
        }
        let Some(record) = record else {
            let another = || DeviceMatch::Another {
                recorded: format!("one with another {}", self.identity_noun()),
                found: self.device.rig.driver.name().to_owned(),
            };
            return Ok(is_same.map_or(DeviceMatch::Unproven, |_| another()));
        };
        let (name, size) = device_of(record);
        let screen = self.display().await;
        let sides = |size: Size| (size.width.min(size.height), size.width.max(size.height));
        let is_same_size = match (size, screen) {
            (Some(before), Some(now)) => sides(before) == sides(now),
            _ => true,
        };
        let found = self.device.rig.driver.name();
        if is_same.is_none() && found == name && is_same_size {
            return Ok(DeviceMatch::Unproven);
        }
        let told =
            |name: &str, size: Option<Size>| size.map_or_else(|| name.to_owned(), |size| format!("{name} ({size})"));
        let mut found = told(found, screen);
        if is_same == Some(false) {
            found += &format!(", with another {}", self.identity_noun());
        }
        Ok(DeviceMatch::Another { recorded: told(name, size), found })
    }

    /// The size of its device's screen, if that can be seen now.
    pub async fn display(&mut self) -> Option<Size> {
        let within = self.settings.rules.limits.look;
        // A window that forbids pictures says nothing about the display.
        self.device.rig.driver.screen(within).await.ok().map(|screen| screen.picture.size())
    }

    /// What tells its device from others, in words: a browser or a desktop has no serial number.
    fn identity_noun(&self) -> &'static str {
        match self.settings.device.at.kind() {
            Some(DeviceKind::Phone) => "serial number",
            Some(DeviceKind::Desktop | DeviceKind::Browser) => "address",
            None => "identity",
        }
    }

    /// Leaves the device as it was found and tells whoever looks at the desk how it ended. A device that is `lost` is not tried again.
    ///
    /// # Errors
    /// `DeviceError` if the device is not as it was found.
    pub async fn close(self, how: impl Into<EndNotice>, is_lost: bool) -> Result<(), DeviceError> {
        let how = how.into();
        let Session { device, respondents, sources, shared, .. } = self;
        drop(shared); // The driver goes before what it speaks to.
        sources.close().await;
        if let Some(desk) = &respondents.desk {
            desk.take_back();
        }
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
pub fn recorded_in(folder: &Path, settings: &Settings) -> Result<crate::settings::RecordedSettings, RunError> {
    let origin = crate::resume::read_origin(folder)?;
    let key = seal_of(settings);
    Ok(origin.map_or_else(crate::settings::RecordedSettings::default, |origin| crate::settings::RecordedSettings {
        provenance: origin.provenance(folder, key.as_ref()),
        launch: origin.launch,
    }))
}

#[cfg(test)]
mod tests;
