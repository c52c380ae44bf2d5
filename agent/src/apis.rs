//! APIs by their names, as a model calls them instead of touching a screen.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tapwright_contract::api::{ApiError, ApiSpec, Apis};

use crate::calls::{ApiCall, ApiCatalog, InvalidApiSpec, InvalidCall};

/// Several APIs as one: each call goes to whichever offers the name, if its arguments fit.
#[derive(Default)]
pub struct Registry<'a> {
    apis: Vec<Box<dyn Apis + 'a>>,
    catalog: ApiCatalog,
    /// The API of each name.
    owners: Vec<usize>,
}

impl<'a> Registry<'a> {
    /// Adds all that something offers.
    ///
    /// # Errors
    /// The first name that cannot be offered, and why; nothing is added then.
    pub fn add(&mut self, api: Box<dyn Apis + 'a>) -> Result<(), (String, InvalidApiSpec)> {
        let mut catalog = self.catalog.clone();
        let specs = api.specs();
        for spec in &specs {
            catalog.add(spec.clone()).map_err(|error| (spec.name.clone(), error))?;
        }
        self.owners.extend(specs.iter().map(|_| self.apis.len()));
        self.catalog = catalog;
        self.apis.push(api);
        Ok(())
    }
}

#[async_trait]
impl Apis for Registry<'_> {
    fn specs(&self) -> Vec<ApiSpec> {
        self.catalog.iter().map(|(spec, _)| spec.clone()).collect()
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let nth = self.catalog.iter().position(|(spec, _)| spec.name.eq_ignore_ascii_case(name));
        let Some(owner) = nth.and_then(|nth| self.owners.get(nth)) else { return Err(ApiError::Unknown) };
        // The secrets are in by now, so what does not fit is not repeated, not even in part.
        let call = ApiCall { name: name.to_owned(), arguments: arguments.clone() };
        let call = self.catalog.checked(call).map_err(|error| ApiError::Refused {
            why: match error {
                InvalidCall::NoApi { .. } => error.to_string(),
                InvalidCall::Arguments { name, mismatch, .. } => {
                    format!("the arguments of {name} do not fit: {}: expected {}", mismatch.path, mismatch.expected)
                }
            },
        })?;
        self.apis[*owner].call(&call.name, &call.arguments, within).await
    }
}

/// APIs that belong to somebody else, as those of a device do.
pub struct Lent<'a>(pub &'a mut dyn Apis);

#[async_trait]
impl Apis for Lent<'_> {
    fn specs(&self) -> Vec<ApiSpec> {
        self.0.specs()
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        self.0.call(name, arguments, within).await
    }
}

/// No API is there.
pub struct NoApis;

#[async_trait]
impl Apis for NoApis {
    async fn call(&mut self, _name: &str, _arguments: &Value, _within: Duration) -> Result<String, ApiError> {
        Err(ApiError::Unknown)
    }
}
