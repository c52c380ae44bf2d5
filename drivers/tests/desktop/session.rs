//! A private desktop for tests, and a driver of it.

use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::Size;
use tapwright_drivers::Settle;
use tapwright_drivers::desktop::{PrivateDesktop, PrivateOptions, X11Desktop, X11Options};

const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a desktop of a size, with a driver that finds apps in these folders.
pub async fn private_desktop(size: Size, applications: &[&str]) -> (Arc<PrivateDesktop>, X11Desktop) {
    let options = PrivateOptions { size, folder: std::env::temp_dir(), in_group: false, home: None };
    let session = Arc::new(PrivateDesktop::start(&options, PATIENCE).await.unwrap());
    let driver = drive(&session, applications).await;
    (session, driver)
}

/// A driver of a desktop that is there.
pub async fn drive(session: &Arc<PrivateDesktop>, applications: &[&str]) -> X11Desktop {
    X11Desktop::connect("test", options(session, applications), Some(session.clone()), PATIENCE).await.unwrap()
}

/// How a driver gets into it.
pub fn options(session: &PrivateDesktop, applications: &[&str]) -> X11Options {
    X11Options {
        entrance: session.entrance(),
        settle: Settle::DESKTOP,
        applications: applications.iter().map(Into::into).collect(),
        bus: Some(session.bus()),
    }
}
