//! Methods of programs on the bus that whoever starts a run names: each is a call, and what a model says is arguments of it.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tapwright_contract::api::{ApiError, ApiSpec, Apis};
use tapwright_contract::device::DriverErrorKind;
use zbus::Signature;
use zbus::names::{BusName, InterfaceName, MemberName};

use super::super::api_error;
use super::super::bus_method::{ArgumentSource, BusMethod, InvalidBusMethod, MethodArgument};
use super::value::{as_variant, signature};
use super::{BusLink, Method, SessionBus};
use crate::deadline::Deadline;
use crate::refused;

/// What runs what it is told, whoever offers it.
const RUNNING: [&str; 14] = [
    "eval",
    "evaluate",
    "evaluatescript",
    "exec",
    "execute",
    "launch",
    "launchcommand",
    "loadscript",
    "openuri",
    "runcommand",
    "runscript",
    "spawn",
    "spawncommand",
    "starttransientunit",
];

/// Interfaces, and what the names of some begin with, most of whose methods start programs or open what they are told.
const STARTING: [&str; 8] = [
    "org.freedesktop.Application",
    "org.freedesktop.FileManager1",
    "org.freedesktop.portal.",
    "org.freedesktop.systemd1.",
    "org.gnome.Shell",
    "org.kde.krunner",
    "org.kde.plasmashell",
    "org.kde.PlasmaShell",
];

impl BusMethod {
    /// Whether it can be called, where `known` are the arguments that a model may give.
    ///
    /// # Errors
    /// `InvalidBusMethod` with what to write.
    pub fn check(&self, known: &[&str]) -> Result<(), InvalidBusMethod> {
        let wrong = |why: String| Err(InvalidBusMethod(why));
        if BusName::try_from(self.service.as_str()).is_err() {
            return wrong(format!("service is a name on the bus, as in org.example.Player; not {:?}", self.service));
        }
        if zbus::ObjectPath::try_from(self.path.as_str()).is_err() {
            return wrong(format!("path is one of an object, as in /org/example/Player; not {:?}", self.path));
        }
        if InterfaceName::try_from(self.interface.as_str()).is_err() {
            return wrong(format!("interface is a name, as in org.example.Player; not {:?}", self.interface));
        }
        if MemberName::try_from(self.method.as_str()).is_err() {
            return wrong(format!("method is a name, as in Next; not {:?}", self.method));
        }
        let is_named = |argument: &MethodArgument| matches!(argument.source, ArgumentSource::Named(_));
        let starts = STARTING.iter().any(|begin| self.interface.starts_with(begin))
            || RUNNING.contains(&self.method.to_lowercase().as_str());
        if self.arguments.iter().any(is_named) && starts {
            return wrong(format!("{} would run what the model says; write its arguments down", self.method));
        }
        for argument in &self.arguments {
            let kind = signature(&argument.signature).map_err(InvalidBusMethod)?;
            match &argument.source {
                ArgumentSource::Named(name) if !known.contains(&name.as_str()) => {
                    return wrong(format!("there is no parameter {name:?}; there are: {}", known.join(", ")));
                }
                ArgumentSource::Named(_) => {}
                ArgumentSource::Fixed(value) => drop(as_variant(value, &kind).map_err(InvalidBusMethod)?),
            }
        }
        Ok(())
    }
}

/// The methods of one desktop's bus.
pub(in super::super) struct MethodApis {
    methods: Vec<BusMethod>,
    link: BusLink,
}

impl MethodApis {
    pub fn new(methods: Vec<BusMethod>, bus: SessionBus) -> MethodApis {
        MethodApis { methods, link: BusLink::new(bus) }
    }

    async fn ask(&mut self, method: &BusMethod, said: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let mut arguments = Vec::with_capacity(method.arguments.len());
        for argument in &method.arguments {
            let of: Signature = signature(&argument.signature).map_err(refused)?;
            let value = match &argument.source {
                ArgumentSource::Fixed(value) => value,
                ArgumentSource::Named(name) => said
                    .get(name)
                    .ok_or_else(|| refused(format!("{name} is left out, and {} needs it", method.spec.name)))?,
            };
            arguments.push(as_variant(value, &of).map_err(refused)?);
        }
        let BusMethod { service, path, interface, method: name, answer_bytes_max, .. } = method;
        let told = self.link.call(Method { service, path, interface, name }, arguments, deadline).await?;
        let told = match told {
            Value::Null => return Ok("done".to_owned()),
            Value::String(text) => text,
            other => other.to_string(),
        };
        let end = told.floor_char_boundary(*answer_bytes_max);
        Ok(told[..end].to_owned())
    }
}

#[async_trait]
impl Apis for MethodApis {
    fn specs(&self) -> Vec<ApiSpec> {
        self.methods.iter().map(|method| method.spec.clone()).collect()
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let Some(method) = self.methods.iter().find(|method| method.spec.name == name).cloned() else {
            return Err(ApiError::Unknown);
        };
        let deadline = Deadline::after(within.min(method.within));
        self.ask(&method, arguments, deadline).await.map_err(api_error)
    }
}
