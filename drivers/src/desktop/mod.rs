//! Desktops: the user's own, or a private one for a run. On Linux with X11; each opens to a rig.

#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // Partly for desktops here, which are on Linux only.
pub(crate) mod apps;
#[cfg(target_os = "linux")]
mod files;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) mod keysyms;
pub(crate) mod pointing;
pub(crate) mod window;
#[cfg(target_os = "linux")]
mod x11;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::Size;
use tapwright_contract::device::DriverError;

use crate::{OpenRig, Rig, Settle};

#[cfg(target_os = "linux")]
pub use self::x11::{
    AccessibleNode, DesktopInspector, Entrance, InputEvent, InspectedWindow, JobOutput, PrivateDesktop, PrivateOptions,
    SessionBus, X11Desktop, X11Options, find_program, missing_programs, private_rig,
};

/// Which desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesktopAddress {
    /// One that somebody has, by its display: `:0`.
    Display(String),
    /// One that is made for the run and gone after it, of this size, in a folder below this one.
    Private { size: Size, folder: PathBuf },
}

/// How to open a desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesktopOptions {
    pub at: DesktopAddress,
    pub settle: Settle,
    /// Where the files of the menu are (`*.desktop`), the most important folder first.
    pub applications: Vec<PathBuf>,
    /// The folders whose files a model may read and write by calls; a private desktop's own home is one anyway.
    pub folders: Vec<PathBuf>,
    /// Where the bus of the user's own session is; `None` if there is none.
    pub bus: Option<String>,
    /// What tells this computer from others, for the locks and records of the user's own desktop; `None` if it does not tell.
    pub machine: Option<String>,
}

/// What private desktops lack on this machine, and what to do about it; `None` if they can be had.
pub fn private_lacks() -> Option<String> {
    #[cfg(target_os = "linux")]
    return x11::lacks();
    #[cfg(not(target_os = "linux"))]
    return Some("desktops are driven on Linux with X11 only".to_owned());
}

#[async_trait]
impl OpenRig for DesktopOptions {
    fn name(&self) -> String {
        match &self.at {
            DesktopAddress::Display(display) => format!("desktop {display}"),
            DesktopAddress::Private { size, .. } => format!("private desktop {size}"),
        }
    }

    #[cfg(target_os = "linux")]
    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        x11::open(self, within).await
    }

    #[cfg(not(target_os = "linux"))]
    async fn open(&self, _within: Duration) -> Result<Rig, DriverError> {
        let why = "desktops are driven on Linux with X11 only; on this system use a phone".to_owned();
        let kind = tapwright_contract::device::DriverErrorKind::Refused { why };
        Err(DriverError { device: self.name(), operation: "open", kind })
    }
}
