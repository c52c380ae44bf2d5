//! The judge's entrance of the virtual phone, over ADB: `dumpsys tapwright`.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::{DriverError, DriverErrorKind};

use super::Address;
use super::parse::answers;
use super::shell::ShellConnection;
use crate::Probe;
use crate::deadline::Deadline;
use crate::quote::quote;

/// Reads and prepares a phone's state, over a connection of its own. Real phones have no such entrance.
pub struct Judge {
    shell: ShellConnection,
}

impl Judge {
    /// A judge for the device there; it connects when it is first asked.
    pub fn new(address: Address) -> Judge {
        Judge { shell: ShellConnection::new(address) }
    }

    async fn ask(&mut self, command: &str, within: Duration) -> Result<String, DriverErrorKind> {
        let ran = self.shell.run(command, Deadline::after(within)).await?;
        // A real phone's `dumpsys` says so and ends with 0.
        if ran.output.contains("Can't find service") {
            return Err(DriverErrorKind::Refused { why: "this device has no entrance for judges".to_owned() });
        }
        ran.into_output()
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.shell.address.name(), operation, kind }
    }
}

#[async_trait]
impl Probe for Judge {
    async fn facts(&mut self, within: Duration) -> Result<BTreeMap<String, String>, DriverError> {
        let facts = match self.ask("dumpsys tapwright", within).await {
            Ok(output) => serde_json::from_str(&output).map_err(|error| DriverErrorKind::MalformedResponse {
                why: format!("these are no facts ({error}): {}", answers::shortened(&output)),
            }),
            Err(kind) => Err(kind),
        };
        facts.map_err(|kind| self.error("read the facts", kind))
    }

    async fn set(&mut self, name: &str, value: &str, within: Duration) -> Result<(), DriverError> {
        let words = quote(name).and_then(|name| Ok((name, quote(value)?)));
        let result = match words {
            Ok((name, value)) => self.ask(&format!("dumpsys tapwright set {name} {value}"), within).await.map(drop),
            Err(error) => Err(DriverErrorKind::Refused { why: error.to_string() }),
        };
        result.map_err(|kind| self.error("set a fact", kind))
    }

    async fn let_pass(&mut self, time: Duration, within: Duration) -> Result<Option<u64>, DriverError> {
        let told = match self.ask(&format!("dumpsys tapwright pass {}", time.as_millis()), within).await {
            Ok(output) => output.trim().parse().map(Some).map_err(|_| DriverErrorKind::MalformedResponse {
                why: format!("this is no time: {}", answers::shortened(&output)),
            }),
            // A real phone; or a virtual one of before, which has to be waited for.
            Err(DriverErrorKind::Refused { .. }) => Ok(None),
            Err(kind) => Err(kind),
        };
        told.map_err(|kind| self.error("let time pass", kind))
    }
}
