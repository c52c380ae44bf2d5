//! What other programs of a desktop do over its session bus (D-Bus): players of media, notifications, and the methods that whoever starts
//! a run names.
//!
//! All that comes over the bus is other programs' words: it is bounded, and told as data.

pub(super) mod methods;
pub(super) mod notifications;
pub(super) mod players;
mod value;

use std::time::Duration;

use serde_json::Value;
use tapwright_contract::device::DriverErrorKind;
use zbus::connection::Builder;
use zbus::{Connection, Structure, Variant};

use self::value::{as_json, as_variant};
use crate::deadline::Deadline;
use crate::refused;

/// A session bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBus {
    pub address: String,
    /// As whom the bus knows us, if that is not who we are: those in a namespace see other numbers.
    pub user: Option<u32>,
}

/// A method of an object of a program on the bus.
#[derive(Clone, Copy, Debug)]
struct Method<'a> {
    service: &'a str,
    path: &'a str,
    interface: &'a str,
    name: &'a str,
}

/// The way to a bus, made when it is first needed.
pub(super) struct BusLink {
    bus: SessionBus,
    connection: Option<Connection>,
}

/// What the names of players of media begin with.
const PLAYER_PREFIX: &str = "org.mpris.MediaPlayer2.";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
/// No longer answer is read, in bytes: read it would be many times as large.
const ANSWER_MAX: usize = 1 << 20;
/// How long the bus itself may take.
const SOON: Duration = Duration::from_secs(5);

/// Connects to a bus.
async fn connect(bus: &SessionBus, method_timeout: Option<Duration>) -> zbus::Result<Connection> {
    let mut builder = Builder::address(bus.address.as_str());
    if let Some(timeout) = method_timeout {
        builder = builder.method_timeout(timeout);
    }
    match bus.user {
        Some(user) => builder.user_id(user).build().await,
        None => builder.build().await,
    }
}

impl BusLink {
    pub fn new(bus: SessionBus) -> BusLink {
        BusLink { bus, connection: None }
    }

    async fn ensure_connection(&mut self, deadline: Deadline) -> Result<Connection, DriverErrorKind> {
        if let Some(connection) = self.connection.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let bus = self.bus.clone();
        let soon = deadline.or_sooner(SOON);
        let made = soon.hold("the session bus", async move {
            connect(&bus, None).await.map_err(|error| refused(format!("the session bus cannot be reached: {error}")))
        });
        let connection = made.await?;
        self.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Calls a method, and returns what it answers, as JSON: nothing, one value, or a list of several.
    async fn call(
        &mut self,
        method: Method<'_>,
        arguments: Vec<Variant<'_>>,
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        let connection = self.ensure_connection(deadline).await?;
        let Method { service, path, interface, name } = method;
        let asked = async {
            let answer = if arguments.is_empty() {
                connection.call_method(Some(service), path, Some(interface), name, &()).await
            } else {
                let mut body = Structure::builder();
                for argument in arguments {
                    body = body.append_field(argument);
                }
                let body = body.build().map_err(|error| refused(error.to_string()))?;
                connection.call_method(Some(service), path, Some(interface), name, &body).await
            };
            let answer = answer.map_err(|error| error_kind(&error, method))?;
            let body = answer.body();
            if body.is_empty() {
                return Ok(Value::Null);
            }
            if body.len() > ANSWER_MAX {
                let why =
                    format!("{service} answers with {} bytes; {ANSWER_MAX} are the most that are read", body.len());
                return Err(DriverErrorKind::Lost { why });
            }
            let told: Structure<'_> = body.deserialize().map_err(|error| DriverErrorKind::MalformedResponse {
                why: format!("{service} answers what cannot be read: {error}"),
            })?;
            let mut told: Vec<Value> = told.fields().iter().map(as_json).collect();
            Ok(if told.len() == 1 { told.remove(0) } else { Value::from(told) })
        };
        deadline.hold("an answer over the session bus", asked).await
    }

    /// The value of a property.
    async fn property(&mut self, of: Method<'_>, deadline: Deadline) -> Result<Value, DriverErrorKind> {
        let arguments = vec![Variant::from(of.interface.to_owned()), Variant::from(of.name.to_owned())];
        self.call(Method { interface: PROPERTIES, name: "Get", ..of }, arguments, deadline).await
    }

    /// Sets a property to a value of a type, written as D-Bus writes it: `d`.
    async fn set_property(
        &mut self,
        of: Method<'_>,
        signature: &str,
        value: &Value,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let value = as_variant(value, &value::signature(signature).map_err(refused)?).map_err(refused)?;
        let arguments = vec![
            Variant::from(of.interface.to_owned()),
            Variant::from(of.name.to_owned()),
            Variant::Variant(Box::new(value)),
        ];
        self.call(Method { interface: PROPERTIES, name: "Set", ..of }, arguments, deadline).await.map(drop)
    }
}

/// Whether it may have been done: a program that says no has not done it, and one that is not there cannot have.
fn error_kind(error: &zbus::Error, method: Method<'_>) -> DriverErrorKind {
    match error {
        zbus::Error::MethodError(name, said, _) => refusal_kind(name, said.as_deref().unwrap_or_default(), method),
        zbus::Error::FDO(error) => {
            use zbus::DBusError as _;
            refusal_kind(error.name().as_str(), error.description().unwrap_or_default(), method)
        }
        error => DriverErrorKind::Lost { why: format!("the session bus: {error}") },
    }
}

/// Whether a program that says no to a call may have begun with it, by the name of what it says.
fn refusal_kind(name: &str, said: &str, method: Method<'_>) -> DriverErrorKind {
    let said: String = said.chars().take(300).collect();
    let service = method.service;
    match name {
        "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
            refused(format!("no program called {service} is on the session bus"))
        }
        "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Disconnected" => {
            DriverErrorKind::Lost { why: format!("{service} gave no answer") }
        }
        "org.freedesktop.DBus.Error.UnknownMethod"
        | "org.freedesktop.DBus.Error.UnknownObject"
        | "org.freedesktop.DBus.Error.UnknownInterface"
        | "org.freedesktop.DBus.Error.UnknownProperty"
        | "org.freedesktop.DBus.Error.InvalidArgs"
        | "org.freedesktop.DBus.Error.InvalidSignature"
        | "org.freedesktop.DBus.Error.PropertyReadOnly"
        | "org.freedesktop.DBus.Error.AccessDenied"
        | "org.freedesktop.DBus.Error.NotSupported" => refused(format!("{service} says no: {name}: {said}")),
        // Who fails may have begun.
        _ => DriverErrorKind::Lost { why: format!("{service} failed: {name}: {said}") },
    }
}
