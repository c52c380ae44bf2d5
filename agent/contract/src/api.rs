//! The port to APIs: what a device or a service offers besides a screen.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An API that can be called instead of touching a screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiSpec {
    /// What it is called by: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it does, for the model.
    pub about: String,
    /// What a call's arguments have to look like: a JSON schema of an object.
    pub parameters: Value,
    /// What a call may do to the world.
    pub effect: ApiEffect,
}

impl ApiSpec {
    /// An API that takes these properties, of which the `required` ones have to be there, and no others.
    pub fn of(name: &str, about: &str, effect: ApiEffect, properties: Value, required: &[&str]) -> ApiSpec {
        let parameters = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        ApiSpec { name: name.to_owned(), about: about.to_owned(), parameters, effect }
    }
}

/// What a call may do to the world, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiEffect {
    /// It reads, and may be called again at will.
    Reads,
    /// It changes something on the device that can be changed back.
    Changes,
    /// It tells somebody else something.
    LeavesTheDevice,
    /// It cannot be taken back: it pays, deletes or publishes.
    Irreversible,
}

impl ApiEffect {
    /// All of them, the mildest first.
    pub const ALL: [ApiEffect; 4] =
        [ApiEffect::Reads, ApiEffect::Changes, ApiEffect::LeavesTheDevice, ApiEffect::Irreversible];
}

/// Something that carries out calls without a screen.
#[async_trait]
pub trait Apis: Send {
    /// Which APIs there are now. Nothing else is offered to a model, and no other name is called.
    fn specs(&self) -> Vec<ApiSpec> {
        Vec::new()
    }

    /// Calls the API `name` of [`Apis::specs`], and returns what the model is to be told. The guard has let the call through, and
    /// `arguments` is an object that the API's `parameters` describe.
    ///
    /// # Errors
    /// `ApiError` says whether it was done.
    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing was done: there is no API of this name.
    #[error("there is no API of this name now; use the screen")]
    Unknown,
    /// Nothing was done: the API said no.
    #[error("{why}")]
    Refused { why: String },
    /// It may or may not have been done.
    #[error("{why}")]
    Unanswered { why: String },
}
