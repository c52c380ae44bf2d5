//! APIs by their names, as a model calls them instead of touching a screen.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::api::{ApiError, Apis};

use crate::policy::is_named;

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

/// No API is there.
pub struct NoApis;

#[async_trait]
impl Apis for NoApis {
    async fn call(&mut self, _instruction: &str, _within: Duration) -> Result<String, ApiError> {
        Err(ApiError::Unknown)
    }
}
