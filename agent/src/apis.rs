//! APIs by their names, as a model calls them instead of touching a screen.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tapwright_contract::api::{ApiError, ApiSpec, Apis};

use crate::calls::{ApiCall, ApiCatalog, InvalidApiSpec, InvalidCall};

/// Several APIs as one: each call goes to whichever offers the name just then, if its arguments fit.
#[derive(Default)]
pub struct Registry<'a> {
    apis: Vec<Box<dyn Apis + 'a>>,
}

impl<'a> Registry<'a> {
    /// Adds all that something offers, now and later. That there are too many is no error: at each look those are chosen that the
    /// model is told of.
    ///
    /// # Errors
    /// The first name that can never be offered, and why; nothing is added then.
    pub fn add(&mut self, api: Box<dyn Apis + 'a>) -> Result<(), (String, InvalidApiSpec)> {
        let known = self.specs();
        let mut catalog = ApiCatalog::default();
        for spec in api.specs() {
            let name = spec.name.clone();
            if known.iter().any(|known| known.name.eq_ignore_ascii_case(&name)) {
                return Err((name, InvalidApiSpec::Twice));
            }
            match catalog.add(spec) {
                Ok(()) | Err(InvalidApiSpec::Many) => {}
                Err(error) => return Err((name, error)),
            }
        }
        self.apis.push(api);
        Ok(())
    }

    /// What is offered now, each with its owner's place. Of several of one name the first counts: who came later cannot take over what
    /// was there.
    fn offers(&self) -> Vec<(usize, ApiSpec)> {
        let mut offers: Vec<(usize, ApiSpec)> = Vec::new();
        for (owner, api) in self.apis.iter().enumerate() {
            for spec in api.specs() {
                if !offers.iter().any(|(_, known)| known.name.eq_ignore_ascii_case(&spec.name)) {
                    offers.push((owner, spec));
                }
            }
        }
        offers
    }
}

#[async_trait]
impl Apis for Registry<'_> {
    fn specs(&self) -> Vec<ApiSpec> {
        self.offers().into_iter().map(|(_, spec)| spec).collect()
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let mut offers = self.offers().into_iter();
        let Some((owner, spec)) = offers.find(|(_, spec)| spec.name.eq_ignore_ascii_case(name)) else {
            return Err(ApiError::Unknown);
        };
        // The secrets are in by now, so what does not fit is not repeated, not even in part.
        let call = ApiCall { name: name.to_owned(), arguments: arguments.clone() };
        let call = ApiCatalog::of(&[spec]).check_call(call).map_err(|error| ApiError::Refused {
            why: match error {
                InvalidCall::NoApi { .. } => error.to_string(),
                InvalidCall::Arguments { name, mismatch, .. } => {
                    format!("the arguments of {name} do not fit: {}: expected {}", mismatch.path, mismatch.expected)
                }
            },
        })?;
        self.apis[owner].call(&call.name, &call.arguments, within).await
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
