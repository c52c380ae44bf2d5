//! Machines of the user's own, behind control servers: each is lent to one attempt at a time, and brought back to its beginning before it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tapwright_contract::device::{DriverError, DriverErrorKind};
use tapwright_drivers::osworld::machine::ControlledMachine;
use tapwright_drivers::osworld::{ControlServer, MachineDesktop, host_and_port, without_token};
use tapwright_drivers::{Rig, Settle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use crate::osworld::MachinePoolOptions;
use crate::process::{self, Program};

/// How long a machine may take to be there after it was brought back, and without that.
const BOOT: Duration = Duration::from_secs(300);
const ANSWER: Duration = Duration::from_secs(30);
/// How long bringing it back may take.
const RESET: Duration = Duration::from_secs(600);
/// The least time between two tries.
const PAUSE: Duration = Duration::from_secs(1);
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// All machines, and which of them nobody uses.
pub struct MachinePool {
    options: MachinePoolOptions,
    settle: Settle,
    /// The one that has been free for longest is lent first, so that another try is on another machine.
    free: Mutex<VecDeque<usize>>,
    permits: Arc<Semaphore>,
}

/// A machine that is lent; it is free again when this goes away.
pub struct LentMachine {
    pool: Arc<MachinePool>,
    number: usize,
    _permit: OwnedSemaphorePermit,
}

impl Drop for LentMachine {
    fn drop(&mut self) {
        self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.number);
    }
}

impl LentMachine {
    fn address(&self) -> &str {
        &self.pool.options.addresses[self.number]
    }

    /// `HOST:PORT`, by which it is known in records.
    pub fn name(&self) -> String {
        name_of(self.address())
    }
}

fn name_of(address: &str) -> String {
    host_and_port(address).unwrap_or_else(|| without_token(address))
}

impl MachinePool {
    pub fn new(options: MachinePoolOptions, settle: Settle) -> MachinePool {
        let count = options.addresses.len();
        let (free, permits) = (Mutex::new((0..count).collect()), Arc::new(Semaphore::new(count)));
        MachinePool { options, settle, free, permits }
    }

    /// All of them, for records.
    pub fn name(&self) -> String {
        let names: Vec<String> = self.options.addresses.iter().map(|address| name_of(address)).collect();
        format!("OSWorld's machine at {}", names.join(" or "))
    }

    /// A machine that nobody uses, brought back to its beginning, as a desktop and for whoever sets it up.
    ///
    /// # Errors
    /// `DriverError` if it cannot be brought back, or does not answer.
    pub async fn open(self: &Arc<Self>) -> Result<(LentMachine, Arc<dyn ControlledMachine>, Rig), DriverError> {
        let error = |device: String, why: String| DriverError {
            device,
            operation: "open",
            kind: DriverErrorKind::Lost { why },
        };
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| error(self.name(), "there is no such machine".to_owned()))?;
        let number = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let number = number.ok_or_else(|| error(self.name(), "all machines are in use".to_owned()))?;
        let lent = LentMachine { pool: self.clone(), number, _permit: permit };
        if let Some(command) = &self.options.reset_command {
            reset(command, number, &lent.name()).await.map_err(|why| error(lent.name(), why))?;
        }
        let within = if self.options.reset_command.is_some() { BOOT } else { ANSWER };
        let machine = connect(lent.address(), within).await.map_err(|why| error(lent.name(), why))?;
        let desktop = MachineDesktop::connect(machine.clone(), self.settle, ANSWER).await?;
        let about = format!("the desktop of {}, over OSWorld's control server", machine.name());
        let driver = Box::new(desktop);
        let rig = Rig { driver, apis: Vec::new(), probe: None, about, identity: None, teardown: None };
        Ok((lent, machine, rig))
    }
}

/// Waits until a control server answers.
async fn connect(address: &str, within: Duration) -> Result<Arc<dyn ControlledMachine>, String> {
    let (began, mut tries) = (Instant::now(), 0_u32);
    loop {
        tries += 1;
        let left = within.saturating_sub(began.elapsed());
        match ControlServer::connect(address, left.min(ANSWER).max(PAUSE)).await {
            Ok(server) => return Ok(Arc::new(server)),
            Err(error) if began.elapsed() + PAUSE >= within => {
                let kind = error.kind;
                return Err(format!(
                    "its control server does not answer, after {} s and {tries} tries: {kind}",
                    within.as_secs()
                ));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Runs the user's command that brings a machine back to its beginning.
async fn reset(command: &str, number: usize, name: &str) -> Result<(), String> {
    let argv = ["sh", "-c", command].map(str::to_owned);
    let env = BTreeMap::from([
        ("TAPWRIGHT_MACHINE".to_owned(), name.to_owned()),
        ("TAPWRIGHT_MACHINE_NUMBER".to_owned(), (number + 1).to_string()),
    ]);
    let program =
        Program { argv: &argv, env, own_group: true, input: None, within: RESET, output_bytes_max: OUTPUT_BYTES_MAX };
    let output = process::run(program).await.map_err(|error| format!("--reset-command: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.err);
    let said = said.trim().lines().last().unwrap_or_default().to_owned();
    Err(format!("--reset-command ended with {}: {said}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(addresses: &[&str], reset: Option<&str>) -> Arc<MachinePool> {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        let options = MachinePoolOptions { addresses, reset_command: reset.map(str::to_owned) };
        Arc::new(MachinePool::new(options, Settle::DESKTOP))
    }

    #[tokio::test]
    async fn a_machine_is_named_without_its_token_and_brought_back_before_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let command = format!("echo $TAPWRIGHT_MACHINE $TAPWRIGHT_MACHINE_NUMBER >>{}; exit 7", log.display());
        let machines = pool(&["http://secret@127.0.0.1:1", "http://127.0.0.1:2"], Some(&command));
        assert_eq!(machines.name(), "OSWorld's machine at 127.0.0.1:1 or 127.0.0.1:2");
        for device in ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:1"] {
            let error = machines.open().await.err().unwrap();
            assert_eq!(error.device, device);
            assert!(error.kind.to_string().contains("--reset-command ended with"), "{}", error.kind);
        }
        let said = std::fs::read_to_string(log).unwrap();
        assert_eq!(said, "127.0.0.1:1 1\n127.0.0.1:2 2\n127.0.0.1:1 1\n");
    }
}
