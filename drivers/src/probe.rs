//! Looks behind the screen, for judges only: what is true of a device, whatever a model claims.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::DriverError;
use tokio::sync::watch;

/// Why a device that is there is not as its task wants it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{device} cannot be set up for its task: {why}")]
pub struct DeviceSetupError {
    pub device: String,
    pub why: String,
}

/// Reads and prepares the state of a device. An agent never gets one: it does not depend on this package.
#[async_trait]
pub trait Probe: Send {
    /// Sets the device up for its task, where the device itself knows how. Whoever asks for facts asks for this before; what was done
    /// once is not done again.
    ///
    /// # Errors
    /// `DeviceSetupError` if it is there, and is not as its task wants it.
    async fn set_up(&mut self, _within: Duration) -> Result<(), DeviceSetupError> {
        Ok(())
    }

    /// What is true now: `wifi.on` -> `true`.
    ///
    /// # Errors
    /// `DriverError` if the device is lost, silent, or has no judge's entrance (`DriverErrorKind::Refused`).
    async fn facts(&mut self, within: Duration) -> Result<BTreeMap<String, String>, DriverError>;

    /// Makes one fact true, for the start of a task.
    ///
    /// # Errors
    /// `DriverErrorKind::Refused` if there is no such fact or it cannot have that value.
    async fn set(&mut self, name: &str, value: &str, within: Duration) -> Result<(), DriverError>;

    /// Lets time pass on a device whose clock can be moved, and returns what it shows then, in milliseconds since 1970. `None` if the
    /// device goes by everybody's time: there it has to be waited for.
    ///
    /// # Errors
    /// `DriverError` if the device is lost or silent.
    async fn let_pass(&mut self, time: Duration, within: Duration) -> Result<Option<u64>, DriverError> {
        let _ = (time, within);
        Ok(None)
    }

    /// The programs of the device that have a say in what a task is, with their versions, as far as it tells them: a score of another version
    /// is another score.
    ///
    /// # Errors
    /// `DriverError` if the device is lost or silent.
    async fn programs(&mut self, _within: Duration) -> Result<BTreeMap<String, String>, DriverError> {
        Ok(BTreeMap::new())
    }

    /// Becomes true when what the device was opened for is over, whatever is done after it; `None` if it never says so.
    fn task_over(&self) -> Option<watch::Receiver<bool>> {
        None
    }
}
