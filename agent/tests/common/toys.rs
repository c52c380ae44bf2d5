//! Devices and models as small as they can be: closures for what a test is about, and nothing else.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Prompt, Reply};

/// A phone that shows what `screen` returns and does what `perform` does; both are told how long they have.
pub fn device(
    screen: impl FnMut(Duration) -> Screen + Send + 'static,
    perform: impl FnMut(&Gesture, Duration) -> Result<(), DriverErrorKind> + Send + 'static,
) -> impl Driver + 'static {
    ToyDevice { screen, perform }
}

/// A model that answers what `reply` returns for a prompt and the time that it has.
pub fn model(
    reply: impl FnMut(&Prompt, Duration) -> Result<Reply, ModelErrorKind> + Send + 'static,
) -> impl Model + 'static {
    ToyModel(reply)
}

struct ToyDevice<S, P> {
    screen: S,
    perform: P,
}

#[async_trait]
impl<S, P> Driver for ToyDevice<S, P>
where
    S: FnMut(Duration) -> Screen + Send,
    P: FnMut(&Gesture, Duration) -> Result<(), DriverErrorKind> + Send,
{
    fn name(&self) -> &str {
        "phone"
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        Ok((self.screen)(within))
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        (self.perform)(gesture, within).map_err(|kind| DriverError {
            device: "phone".to_owned(),
            operation: "touch",
            kind,
        })
    }
}

struct ToyModel<R>(R);

#[async_trait]
impl<R: FnMut(&Prompt, Duration) -> Result<Reply, ModelErrorKind> + Send> Model for ToyModel<R> {
    fn name(&self) -> &str {
        "script"
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        (self.0)(prompt, within).map_err(|kind| ModelError { model: "script".to_owned(), kind })
    }
}
