//! Methods of programs on a session bus (D-Bus), as whoever starts a run names them.

use std::time::Duration;

use serde_json::Value;
use tapwright_contract::api::ApiSpec;

/// A method, as somebody writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusMethod {
    /// What it is called, and what may be said to it.
    pub spec: ApiSpec,
    /// Where the program is: `org.example.Player`.
    pub service: String,
    /// Which of its objects: `/org/example/Player`.
    pub path: String,
    pub interface: String,
    pub method: String,
    pub arguments: Vec<MethodArgument>,
    /// How long a call may take.
    pub within: Duration,
    /// How much of an answer is told.
    pub answer_bytes_max: usize,
}

/// An argument of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodArgument {
    /// Its type, as D-Bus writes it: `s`, `as`, `a{sv}`.
    pub signature: String,
    pub source: ArgumentSource,
}

/// Where an argument comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentSource {
    /// It is always this.
    Fixed(Value),
    /// It is the argument of this name that the model gives.
    Named(String),
}

/// What is wrong with one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidBusMethod(pub String);

#[cfg(not(target_os = "linux"))]
impl BusMethod {
    /// Nothing is called on other systems.
    ///
    /// # Errors
    /// Always.
    pub fn check(&self, _known: &[&str]) -> Result<(), InvalidBusMethod> {
        Err(InvalidBusMethod("D-Bus is called on Linux only".to_owned()))
    }
}
