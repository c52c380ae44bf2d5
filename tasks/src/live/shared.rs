//! A driver that a run and a person use in turns.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::{Driver, DriverError, InstalledApp, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tokio::sync::Mutex;

/// One driver for several who take turns: each waits until the other's operation is over. A clone is the same driver.
#[derive(Clone)]
pub(crate) struct SharedDriver {
    name: String,
    abilities: Abilities,
    driver: Arc<Mutex<Box<dyn Driver>>>,
}

impl SharedDriver {
    pub fn new(driver: Box<dyn Driver>) -> SharedDriver {
        let (name, abilities) = (driver.name().to_owned(), driver.abilities());
        SharedDriver { name, abilities, driver: Arc::new(Mutex::new(driver)) }
    }
}

#[async_trait]
impl Driver for SharedDriver {
    fn name(&self) -> &str {
        &self.name
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        self.driver.lock().await.screen(within).await
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        self.driver.lock().await.perform(gesture, within).await
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    async fn close(&mut self, within: Duration) -> Result<(), DriverError> {
        self.driver.lock().await.close(within).await
    }

    async fn find_app(&mut self, name: &str, within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        self.driver.lock().await.find_app(name, within).await
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        self.driver.lock().await.labels(within).await
    }
}
