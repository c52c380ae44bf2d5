//! A machine behind a control server, opened to a rig.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::{DriverError, DriverErrorKind};
use url::Position;

use super::control_server::ControlServer;
use super::driver::{MachineDesktop, action_error};
use super::guest::{self, Interpreter};
use super::http;
use super::machine::{ControlledMachine, MachineErrorKind};
use crate::{OpenRig, Rig, Settle};

/// How to reach a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineOptions {
    /// `http://HOST:5000`
    pub address: String,
    pub settle: Settle,
}

/// An address with … for the token in it.
pub fn without_token(address: &str) -> String {
    match http::address(address) {
        Ok(read) if read.token.is_some() => {
            let query = address.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
            let place = &read.base[Position::BeforeHost..Position::BeforePath];
            format!("{}://…@{place}{query}", read.base.scheme())
        }
        Ok(_) => address.to_owned(),
        // Whatever it is, what stands before an @ is nobody's business.
        Err(_) => match address.rsplit_once('@') {
            Some((_, rest)) => format!("…@{rest}"),
            None => address.to_owned(),
        },
    }
}

/// `HOST:PORT` of an address, by which machines are told apart; `None` if it is none.
pub fn host_and_port(address: &str) -> Option<String> {
    let base = http::address(address).ok()?.base;
    Some(format!("{}:{}", base.host_str()?, base.port_or_known_default()?))
}

#[async_trait]
impl OpenRig for MachineOptions {
    fn name(&self) -> String {
        format!("machine {}", without_token(&self.address))
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        let began = tokio::time::Instant::now();
        let server = ControlServer::connect(&self.address, within).await.map_err(|error| DriverError {
            device: self.name(),
            operation: "open",
            kind: action_error(error.kind),
        })?;
        let machine: Arc<dyn ControlledMachine> = Arc::new(server);
        let left = within.saturating_sub(began.elapsed());
        let desktop = MachineDesktop::connect(machine.clone(), self.settle, left).await?;
        let about = format!("the desktop of {}, over OSWorld's control server", machine.name());
        let apis: Vec<Box<dyn Apis>> = vec![Box::new(MachineApis { machine, interpreter: Interpreter::default() })];
        Ok(Rig { driver: Box::new(desktop), apis, probe: None, about, identity: None, teardown: None })
    }
}

/// What a machine offers besides its screen.
struct MachineApis {
    machine: Arc<dyn ControlledMachine>,
    interpreter: Interpreter,
}

impl MachineApis {
    async fn list(&self, within: Duration) -> Result<String, MachineErrorKind> {
        let scene = guest::look(&*self.machine, &self.interpreter, within).await?;
        let told = |window: &guest::GuestWindow| window.app_window().to_json();
        // The uppermost first.
        let windows: Vec<Value> = scene.windows.iter().rev().map(told).collect();
        Ok(Value::from(windows).to_string())
    }
}

#[async_trait]
impl Apis for MachineApis {
    fn specs(&self) -> Vec<ApiSpec> {
        vec![ApiSpec::of("windows.list", "Lists the windows, the uppermost first", ApiEffect::Reads, json!({}), &[])]
    }

    async fn call(&mut self, name: &str, _arguments: &Value, within: Duration) -> Result<String, ApiError> {
        if name != "windows.list" {
            return Err(ApiError::Unknown);
        }
        self.list(within).await.map_err(|kind| match action_error(kind) {
            DriverErrorKind::Refused { why } => ApiError::Refused { why },
            kind => ApiError::Unanswered { why: kind.to_string() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_told() {
        for (address, told) in [
            ("http://secret@vm:5000", "http://…@vm:5000"),
            ("http://:secret@vm:5000?vlc=1", "http://…@vm:5000?vlc=1"),
            ("http://vm:5000?vlc=1", "http://vm:5000?vlc=1"),
            ("vm:5000", "vm:5000"),
            ("secret@vm:5000", "http://…@vm:5000"),
            ("ftp://secret@vm", "…@vm"),
        ] {
            assert_eq!(without_token(address), told, "{address}");
        }
        assert_eq!(host_and_port("http://secret@vm").unwrap(), "vm:80");
        assert_eq!(host_and_port("vm:5000?vlc=1").unwrap(), "vm:5000");
        assert_eq!(host_and_port(""), None);
    }
}
