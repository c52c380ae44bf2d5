//! The port to APIs: what a device or a service offers besides a screen.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// An API that can be called instead of touching a screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiSpec {
    /// The name that a call begins with.
    pub name: String,
    /// What it does, for the model.
    pub about: String,
    /// What a call's arguments have to look like: a JSON schema of an object.
    pub parameters: serde_json::Value,
    /// What a call may do to the world.
    pub effect: ApiEffect,
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

/// Something that carries out instructions without a screen.
#[async_trait]
pub trait Apis: Send {
    /// Which APIs there are now.
    fn specs(&self) -> Vec<ApiSpec> {
        Vec::new()
    }

    /// Carries out an instruction that the guard let through, and returns what the model is to be told.
    ///
    /// # Errors
    /// `ApiError` says whether it was done.
    async fn call(&mut self, instruction: &str, within: Duration) -> Result<String, ApiError>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing was done: no API does this.
    #[error("no API is registered for this; use the screen")]
    Unknown,
    /// Nothing was done: the API said no.
    #[error("{why}")]
    Refused { why: String },
    /// It may or may not have been done.
    #[error("{why}")]
    Unanswered { why: String },
}
