//! A desktop for one task, a private one or a machine of the user's: for the agent a screen, a pointer and a keyboard, and for the
//! evaluator a machine.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::Size;
use tapwright_contract::device::{DriverError, DriverErrorKind};
use tapwright_drivers::osworld::machine::ControlledMachine;
use tapwright_drivers::osworld::private::{PrivateMachine, SIZE};
use tapwright_drivers::{DeviceSetupError, OpenRig, Probe, Rig, Settle};
use tapwright_osworld::task::OsworldTask;

use super::browser::DebuggingPort;
use super::pool::{LentMachine, MachinePool};
use super::setup::{self, SetupPhase, SetupReport};
use crate::judge::Facts;
use crate::osworld::assets::Assets;

/// The fact that says which machine an attempt was on.
pub const MACHINE: &str = "osworld.machine";
/// The one that says which of the user's machines it was.
pub const DEVICE: &str = "osworld.device";
/// What upstream would have slept in set-up, and what it took here, both in seconds.
pub const UPSTREAM_SLEEP: &str = "osworld.upstream_sleep_s";
pub const SETUP_TIME: &str = "osworld.setup_s";

/// How long set-up may take.
const SETUP: Duration = Duration::from_secs(300);
/// How long a private desktop may take to be there.
const START: Duration = Duration::from_secs(60);

/// A machine at work, and what its set-up has left.
pub struct PreparedMachine {
    pub machine: Arc<dyn ControlledMachine>,
    pub report: SetupReport,
}

/// The machines that are at work, by number: whoever judges an attempt finds the one that it was on.
#[derive(Clone, Default)]
pub struct Machines {
    prepared: Arc<Mutex<BTreeMap<u64, Arc<PreparedMachine>>>>,
    count: Arc<AtomicU64>,
}

impl fmt::Debug for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the machines at work")
    }
}

impl Machines {
    fn add(&self, prepared: PreparedMachine) -> u64 {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::new(prepared));
        number
    }

    fn remove(&self, number: u64) {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    /// The machine that the facts of an attempt name, if it is still at work.
    pub fn find(&self, facts: &Facts) -> Option<Arc<PreparedMachine>> {
        let number: u64 = facts.get(MACHINE)?.parse().ok()?;
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }
}

/// Where the machines come from.
#[derive(Clone)]
pub enum MachineSource {
    Private(MachinePlace),
    Pool(Arc<MachinePool>),
}

/// Where private desktops are made, and what they are like.
#[derive(Clone, Debug)]
pub struct MachinePlace {
    pub folder: PathBuf,
    pub size: Size,
    pub settle: Settle,
    pub applications: Vec<PathBuf>,
}

/// A device for a task. Opening it gives a desktop as it is; it is set up when it is first asked what is true of it, which is before the
/// agent begins. So a look whether there are such devices costs no set-up, and a task that cannot be set up speaks against no other.
pub struct TaskDevice {
    pub task: Arc<OsworldTask>,
    pub source: MachineSource,
    pub assets: Arc<Assets>,
    pub machines: Machines,
}

/// What it is, for the digest of the cases: the same wherever it is made.
impl fmt::Debug for TaskDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A machine of the user's has upstream's size.
        let size = match &self.source {
            MachineSource::Private(place) => place.size,
            MachineSource::Pool(_) => SIZE,
        };
        write!(f, "osworld {} {size}", self.task.digest)
    }
}

#[async_trait]
impl OpenRig for TaskDevice {
    fn name(&self) -> String {
        match &self.source {
            MachineSource::Private(_) => format!("private desktop for {}", self.task.id),
            MachineSource::Pool(pool) => format!("{} for {}", pool.name(), self.task.id),
        }
    }

    fn rig(&self) -> String {
        match &self.source {
            MachineSource::Private(place) => format!("private desktop {} of OSWorld", place.size),
            MachineSource::Pool(pool) => pool.name(),
        }
    }

    fn begins_empty(&self) -> bool {
        true
    }

    async fn open(&self, _within: Duration) -> Result<Rig, DriverError> {
        let (lent, machine, rig) = match &self.source {
            MachineSource::Pool(pool) => {
                let (lent, machine, rig) = pool.open().await?;
                (Some(lent), machine, rig)
            }
            MachineSource::Private(place) => {
                let MachinePlace { folder, size, settle, applications } = place.clone();
                let error = |kind| DriverError { device: self.name(), operation: "open", kind };
                let machine = Arc::new(PrivateMachine::start(&folder, size, START).await.map_err(error)?);
                let rig = match machine.rig(settle, applications, START).await {
                    Ok(rig) => rig,
                    Err(error) => {
                        machine.end().await;
                        return Err(error);
                    }
                };
                (None, machine as Arc<dyn ControlledMachine>, rig)
            }
        };
        let probe = MachineProbe {
            lent,
            task: self.task.clone(),
            assets: self.assets.clone(),
            machines: self.machines.clone(),
            machine,
            prepared: None,
        };
        // What upstream's agents have: a screen, a pointer and a keyboard.
        Ok(Rig { apis: Vec::new(), probe: Some(Box::new(probe)), ..rig })
    }
}

/// Sets the machine up, and says which one it is; what is true of it is asked by the task's own functions.
struct MachineProbe {
    task: Arc<OsworldTask>,
    assets: Arc<Assets>,
    machines: Machines,
    machine: Arc<dyn ControlledMachine>,
    /// If it is one of the user's own.
    lent: Option<LentMachine>,
    /// The machine's number, and its facts, once it is set up.
    prepared: Option<(u64, Facts)>,
}

impl MachineProbe {
    async fn prepare(&self) -> Result<(u64, Facts), DeviceSetupError> {
        let began = tokio::time::Instant::now();
        let browser = DebuggingPort(&*self.machine);
        let (phase, machine) = (SetupPhase::BeforeTheAgent, &*self.machine);
        let steps = setup::perform(&self.task.setup, &self.task.id, phase, machine, &browser, &self.assets);
        let failed = |why: String| DeviceSetupError {
            device: self.lent.as_ref().map_or_else(|| "the private desktop".to_owned(), LentMachine::name),
            why,
        };
        let report = match tokio::time::timeout(SETUP, steps).await {
            Ok(report) => report.map_err(|error| failed(error.to_string()))?,
            Err(_) => return Err(failed(format!("it was not done within {} s", SETUP.as_secs()))),
        };
        let upstream = report.upstream_sleep.as_secs_f64().to_string();
        let number = self.machines.add(PreparedMachine { machine: self.machine.clone(), report });
        let facts = [
            (MACHINE.to_owned(), number.to_string()),
            (UPSTREAM_SLEEP.to_owned(), upstream),
            (SETUP_TIME.to_owned(), format!("{:.1}", began.elapsed().as_secs_f64())),
        ];
        let mut facts = Facts::from(facts);
        facts.extend(self.lent.as_ref().map(|lent| (DEVICE.to_owned(), lent.name())));
        Ok((number, facts))
    }
}

impl Drop for MachineProbe {
    fn drop(&mut self) {
        if let Some((number, _)) = &self.prepared {
            self.machines.remove(*number);
        }
    }
}

#[async_trait]
impl Probe for MachineProbe {
    /// It has a time of its own: programs start, and files come from elsewhere.
    async fn set_up(&mut self, _within: Duration) -> Result<(), DeviceSetupError> {
        if self.prepared.is_none() {
            self.prepared = Some(self.prepare().await?);
        }
        Ok(())
    }

    async fn facts(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        Ok(self.prepared.as_ref().map(|(_, facts)| facts.clone()).unwrap_or_default())
    }

    async fn set(&mut self, _name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        let why = "a task of OSWorld begins as its set-up makes it".to_owned();
        let kind = DriverErrorKind::Refused { why };
        Err(DriverError { device: "the private desktop".to_owned(), operation: "set a fact", kind })
    }
}
