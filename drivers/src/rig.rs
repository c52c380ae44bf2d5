//! A device, opened: what sees and touches it, what it offers besides its screen, and what looks behind it.
//!
//! Whoever opens a rig need not know which device it is. A new kind of device is a folder here that can open one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::api::Apis;
use tapwright_contract::device::{Driver, DriverError};

use crate::Probe;

/// A device that is open.
pub struct Rig {
    /// Sees and touches it; says what it is able to do.
    pub driver: Box<dyn Driver>,
    /// What it offers besides its screen.
    pub apis: Vec<Box<dyn Apis>>,
    /// Looks behind the screen, for judges only; `None` if the device tells nobody.
    pub probe: Option<Box<dyn Probe>>,
    /// What it is, for people.
    pub about: String,
    /// What tells this device from every other one, however it is reached: a serial number. `None` if it does not tell.
    pub identity: Option<String>,
    /// Ends what was started for this rig alone; dropping it unfinished must end it too.
    pub teardown: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Rig {
    /// Leaves the device as it was found, and ends what was started for it.
    ///
    /// # Errors
    /// `DriverError` if something of the device could not be put back, with what a person can do.
    pub async fn close(mut self, within: Duration) -> Result<(), DriverError> {
        let closed = self.driver.close(within).await;
        drop(self.driver); // Before what it speaks to is gone.
        if let Some(teardown) = self.teardown.take() {
            teardown.await;
        }
        closed
    }
}

/// A device that can be opened, again and again.
#[async_trait]
pub trait OpenRig: fmt::Debug + Send + Sync {
    /// What it is called before it is open.
    fn name(&self) -> String;

    /// The name of what it is opened on, where several are opened on the same: a browser that is kept for several pages, a machine that is
    /// reset for each task. If that is well, each of them can be opened.
    fn rig(&self) -> String {
        self.name()
    }

    /// Whether it is opened to a home screen, or a desktop with a panel: if it tells no widgets there, something is wrong. A page, or an
    /// empty display, may have none.
    fn has_home_screen(&self) -> bool {
        false
    }

    /// Whether it is opened to a display on which nothing is in front yet, so that nobody tells any widgets.
    fn begins_empty(&self) -> bool {
        false
    }

    /// Starts anew what it is opened on, because it does not answer, and returns when it can be opened. Where opening starts it anyway there
    /// is nothing to do.
    ///
    /// # Errors
    /// `DriverError` if it cannot be started.
    async fn restart(&self, _within: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    /// Opens it. `within` bounds how long that may take.
    ///
    /// # Errors
    /// `DriverError` if it is not there, or does not want.
    async fn open(&self, within: Duration) -> Result<Rig, DriverError>;
}
