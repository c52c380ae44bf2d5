//! APIs by their names, as a model calls them instead of touching a screen.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::api::{ApiError, Apis};

use crate::event::Fault;
use crate::limits::clip;

/// What an API said, as the loop writes it down.
pub(crate) fn fault(error: &ApiError, bytes_max: usize) -> Fault {
    let why = clip(&error.to_string(), bytes_max).to_owned();
    match error {
        ApiError::Unknown | ApiError::Refused { .. } => Fault::Refused { why },
        ApiError::Unanswered { .. } => Fault::TimedOut { tries: why },
    }
}

/// APIs by their names: an instruction that begins with one of them goes there, without the name.
#[derive(Default)]
pub struct Registry {
    apis: Vec<(String, Box<dyn Apis>)>,
}

impl Registry {
    /// Adds an API; of two with the same name the first one counts.
    pub fn add(&mut self, name: &str, api: Box<dyn Apis>) {
        self.apis.push((name.to_owned(), api));
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.apis.iter().map(|(name, _)| name.as_str())
    }
}

#[async_trait]
impl Apis for Registry {
    async fn call(&mut self, instruction: &str, within: Duration) -> Result<String, ApiError> {
        if let Some((name, api)) = self.apis.iter_mut().find(|(name, _)| is_named(instruction, name)) {
            let words = instruction.trim_start()[name.len()..].trim_start_matches([' ', ':', '：', ',', '\n']);
            return api.call(words.trim(), within).await;
        }
        if self.apis.is_empty() {
            return Err(ApiError::Unknown);
        }
        let names: Vec<&str> = self.names().collect();
        let why = format!("no API is called so; begin with one of: {}; or use the screen", names.join(", "));
        Err(ApiError::Refused { why })
    }
}

/// Whether an instruction begins with an API's name.
pub(crate) fn is_named(instruction: &str, name: &str) -> bool {
    let instruction = instruction.trim_start();
    let rest = match instruction.get(..name.len()) {
        Some(begins) if begins.eq_ignore_ascii_case(name) && !name.is_empty() => &instruction[name.len()..],
        _ => return false,
    };
    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
}

/// No API is there.
pub struct NoApis;

#[async_trait]
impl Apis for NoApis {
    async fn call(&mut self, _instruction: &str, _within: Duration) -> Result<String, ApiError> {
        Err(ApiError::Unknown)
    }
}
