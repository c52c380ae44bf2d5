//! Desktops: the user's own, or a private one for a run. On Linux with X11; each opens to a rig.

#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // Partly for desktops here, which are on Linux only.
pub(crate) mod apps;
#[cfg(target_os = "linux")]
mod bus;
mod bus_method;
#[cfg(target_os = "linux")]
mod files;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) mod keysyms;
#[cfg(target_os = "linux")]
mod office;
pub(crate) mod pointing;
#[cfg(feature = "portable-desktop")]
mod portable;
pub(crate) mod window;
#[cfg(target_os = "linux")]
mod x11;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::Size;
#[cfg(target_os = "linux")]
use tapwright_contract::api::ApiError;
use tapwright_contract::device::{DriverError, DriverErrorKind};
#[cfg(any(target_os = "linux", feature = "portable-desktop"))]
use tapwright_contract::gesture::KeyName;

#[cfg(any(target_os = "linux", feature = "portable-desktop"))]
use crate::refused;
use crate::{OpenRig, Rig, Settle};

#[cfg(target_os = "linux")]
pub use self::bus::SessionBus;
pub use self::bus_method::{ArgumentSource, BusMethod, InvalidBusMethod, MethodArgument};
#[cfg(feature = "portable-desktop")]
pub use self::portable::{PortableDesktop, PortableOptions};
#[cfg(target_os = "linux")]
pub use self::x11::{
    AccessibleNode, DesktopInspector, Entrance, InputEvent, InspectedWindow, JobOutput, PrivateDesktop, PrivateOptions,
    X11Desktop, X11Options, find_program, missing_programs, private_rig,
};

/// Which desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesktopAddress {
    /// One that somebody has, by its display: `:0`.
    Display(String),
    /// One that is made for the run and gone after it, of this size, in a folder below this one.
    Private { size: Size, folder: PathBuf },
    /// The one that this is started in, through xcap and enigo; on X11 with what `DISPLAY` names.
    Portable { display: Option<String> },
}

/// Where a LibreOffice listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeAddress {
    /// As it was told to: `pipe,name=tapwright`.
    connection: String,
    /// Below which folder there is one of ours, for what speaks to it.
    folder: PathBuf,
}

impl OfficeAddress {
    /// Returns the address, or `None` if it is none that this computer alone can reach: `pipe,name=NAME` or
    /// `socket,host=localhost,port=NUMBER`.
    pub fn new(connection: &str, folder: PathBuf) -> Option<OfficeAddress> {
        let is_name = |name: &str| {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            (1..=100).contains(&name.len()) && name.chars().all(is_plain)
        };
        let port = || {
            let rest = connection.strip_prefix("socket,host=")?;
            let (host, port) = rest.split_once(",port=")?;
            ["localhost", "127.0.0.1"].contains(&host).then(|| port.parse::<u16>().ok())?
        };
        let is_one = connection.strip_prefix("pipe,name=").is_some_and(is_name) || port().is_some();
        is_one.then(|| OfficeAddress { connection: connection.to_owned(), folder })
    }
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
    /// Where the LibreOffice of a desktop that somebody has listens, if calls go to it; that of a private one is known.
    pub office: Option<OfficeAddress>,
    /// Methods of programs on the desktop's session bus that a model may call.
    pub methods: Vec<BusMethod>,
}

/// How a call of `files.…` says that nothing is at a path.
const NO_FILE: &str = "there is no ";

/// Whether a call of `files.…` was refused because nothing is at the path that it names: of all refusals this one tells what is there.
pub fn is_no_file(refusal: &str) -> bool {
    let why = refusal.strip_prefix("refused: ").unwrap_or(refusal);
    why.strip_prefix(NO_FILE).is_some_and(|path| path.starts_with('/'))
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
            DesktopAddress::Portable { .. } => "desktop portable".to_owned(),
        }
    }

    #[cfg(target_os = "linux")]
    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        x11::open(self, within).await
    }

    #[cfg(not(target_os = "linux"))]
    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        match &self.at {
            // There is no other way to the desktop that this is started in.
            DesktopAddress::Portable { .. } | DesktopAddress::Display(_) => open_portable(self, within).await,
            DesktopAddress::Private { .. } => {
                let why = "private desktops are on Linux only; on this system take `--device desktop`, or a phone";
                let kind = DriverErrorKind::Refused { why: why.to_owned() };
                Err(DriverError { device: self.name(), operation: "open", kind })
            }
        }
    }
}

/// Opens the desktop that this is started in, through xcap and enigo.
#[cfg(feature = "portable-desktop")]
async fn open_portable(options: &DesktopOptions, within: Duration) -> Result<Rig, DriverError> {
    let name = options.name();
    let how = PortableOptions { settle: options.settle, applications: options.applications.clone() };
    let desktop = PortableDesktop::open(&name, how, within).await?;
    let identity = options.machine.clone();
    let about = "this desktop, through xcap and enigo".to_owned();
    Ok(Rig { driver: Box::new(desktop), apis: Vec::new(), probe: None, about, identity, teardown: None })
}

#[cfg(not(feature = "portable-desktop"))]
async fn open_portable(options: &DesktopOptions, _within: Duration) -> Result<Rig, DriverError> {
    let why = "this program was built without xcap and enigo: cargo build -p tapwright -p tapwright-drivers --features \
               tapwright-drivers/portable-desktop (docs/desktop.md says what to install first)";
    let kind = DriverErrorKind::Refused { why: why.to_owned() };
    Err(DriverError { device: options.name(), operation: "open", kind })
}

/// A key by its name, which is one of the standard's.
#[cfg(any(target_os = "linux", feature = "portable-desktop"))]
fn key_name(key: &str) -> KeyName {
    KeyName::new(key).expect("a name of the standard")
}

/// Starts a program of the user's, on an X display if one is named, and does not wait for it.
#[cfg(any(target_os = "linux", feature = "portable-desktop"))]
fn start_detached(command: &[String], display: Option<&str>) -> Result<(), DriverErrorKind> {
    let Some((program, arguments)) = command.split_first() else { return Err(refused("there is no program to start")) };
    let nobody = std::process::Stdio::null;
    let mut started = tokio::process::Command::new(program);
    started.args(arguments).stdin(nobody()).stdout(nobody()).stderr(nobody());
    if let Some(display) = display {
        started.env("DISPLAY", display);
    }
    #[cfg(unix)]
    started.process_group(0); // It is the user's now: a Control-C meant for us does not end it.
    match started.spawn() {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(format!("{program:?} cannot be started: {error}"))),
    }
}

/// What starts programs on a desktop.
#[cfg(target_os = "linux")]
#[async_trait]
trait ProgramStarter: Send + Sync {
    /// Starts a program with its arguments, and does not wait for it.
    async fn start(&self, command: &[String]) -> Result<(), DriverErrorKind>;
}

/// What a call came to that failed.
#[cfg(target_os = "linux")]
fn api_error(kind: DriverErrorKind) -> ApiError {
    match kind {
        // It may have been done in the end.
        DriverErrorKind::TimedOut { .. } | DriverErrorKind::Lost { .. } => {
            ApiError::Unanswered { why: kind.to_string() }
        }
        kind => ApiError::Refused { why: kind.to_string() },
    }
}
