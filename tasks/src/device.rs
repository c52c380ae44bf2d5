//! The device that a run is on: a phone of our own in this process, or somebody's, both over ADB; or whatever opens a rig.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tapwright_contract::api::Apis;
use tapwright_contract::device::{DriverError, DriverErrorKind};
use tapwright_drivers::android::{self, Address, Android, AppFunctions, Capture, Judge};
use tapwright_drivers::osworld::ControlServer;
use tapwright_drivers::{DeviceSetupError, OpenRig, Probe, Rig};
use tapwright_phone::World;
use tapwright_phone::adbd::{self, Daemon, Handle, SteadyClock};
use tokio::net::TcpListener;

use crate::judge::{Fact, Facts};
use crate::live::SharedDriver;
use crate::protected_window;

pub use tapwright_drivers::Settle;
pub use tapwright_drivers::android::{FunctionOwners, Keys};
pub use tapwright_drivers::browser::{
    BrowserAddress, BrowserOptions, LaunchOptions, NamedSite, PageToolSites, Site, without_token,
};
pub use tapwright_drivers::desktop::{DesktopAddress, DesktopOptions};
pub use tapwright_drivers::osworld::{MachineOptions, host_and_port, without_token as without_machine_token};
pub use tapwright_phone::Options as PhoneOptions;
pub use tapwright_phone::weather::Weather;

/// The API level of the first Android whose apps offer functions.
const APP_FUNCTIONS_SINCE: u32 = 36;

/// The sizes of display that a virtual phone can have, per side.
pub const SIDES: (std::ops::RangeInclusive<u32>, std::ops::RangeInclusive<u32>) = (240..=4096, 400..=4096);

/// Which phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceAddress {
    /// One that is drawn for the run and gone after it.
    Virtual(PhoneOptions),
    /// A daemon that listens on TCP: `127.0.0.1:5555`.
    Direct { address: String },
    /// One that an adb server knows by this serial.
    Server { server: String, serial: String },
    /// The user's own desktop, or a private one for the run.
    Desktop(DesktopOptions),
    /// A browser that is started for the run, or one that somebody has.
    Browser(BrowserOptions),
    /// A machine behind OSWorld's control server.
    Machine(MachineOptions),
    /// One that somebody brings.
    Custom(CustomDevice),
}

/// Whether a machine behind a control server is there, or why it cannot be driven.
///
/// # Errors
/// What its control server says, or that it says nothing.
pub async fn machine_state(machine: &MachineOptions, within: Duration) -> Result<(), String> {
    let server = ControlServer::connect(&machine.address, within).await;
    server.map(drop).map_err(|error| error.kind.to_string())
}

/// What sort of device it is, as people and profiles call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    Phone,
    Desktop,
    Browser,
}

impl DeviceKind {
    /// Its word.
    pub fn noun(self) -> &'static str {
        match self {
            DeviceKind::Phone => "phone",
            DeviceKind::Desktop => "desktop",
            DeviceKind::Browser => "browser",
        }
    }
}

impl DeviceAddress {
    /// What sort of device is there; `None` of one that somebody brings.
    pub fn kind(&self) -> Option<DeviceKind> {
        match self {
            DeviceAddress::Virtual(_) | DeviceAddress::Direct { .. } | DeviceAddress::Server { .. } => {
                Some(DeviceKind::Phone)
            }
            DeviceAddress::Desktop(_) | DeviceAddress::Machine(_) => Some(DeviceKind::Desktop),
            DeviceAddress::Browser(_) => Some(DeviceKind::Browser),
            DeviceAddress::Custom(_) => None,
        }
    }

    /// The word for it.
    pub fn noun(&self) -> &'static str {
        self.kind().map_or("device", DeviceKind::noun)
    }
}

/// How to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceOptions {
    pub at: DeviceAddress,
    /// What goes wrong around a virtual phone of ours.
    pub weather: Weather,
    /// How long connecting may take.
    pub connect: Duration,
    /// The keys that a daemon on TCP is shown if it wants one.
    pub keys: Keys,
    /// How long a phone that was lost is looked for.
    pub find_again: Duration,
    /// How long looking behind the screen may take.
    pub probe: Duration,
    /// Whether windows that forbid pictures are seen as a drawing of their words; else a person is asked.
    pub words: bool,
    /// Which apps of a phone offer the functions that they have for other programs.
    pub app_functions: FunctionOwners,
}

/// A device of somebody's own making: whatever can open a rig.
#[derive(Clone, Debug)]
pub struct CustomDevice(pub Arc<dyn OpenRig>);

impl PartialEq for CustomDevice {
    fn eq(&self, other: &CustomDevice) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CustomDevice {}

/// A device, open.
pub struct Device {
    pub rig: Rig,
    /// How long looking behind the screen may take.
    probe: Duration,
    /// Stands in where nothing looks behind the screen.
    blind: NoProbe,
}

/// Looks behind a phone of our own: its state can be read even when it is unplugged.
struct InProcess(Handle);

#[async_trait]
impl Probe for InProcess {
    async fn facts(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        Ok(self.0.facts())
    }

    async fn set(&mut self, name: &str, value: &str, _within: Duration) -> Result<(), DriverError> {
        self.0.set_fact(name, value).map_err(|refused| no_fact(refused.to_string()))
    }

    async fn let_pass(&mut self, time: Duration, _within: Duration) -> Result<Option<u64>, DriverError> {
        Ok(Some(self.0.let_pass(time)))
    }

    async fn programs(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        // It is a part of this program.
        Ok(Facts::from([("virtual phone".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]))
    }
}

/// Of a device that tells nobody.
struct NoProbe;

#[async_trait]
impl Probe for NoProbe {
    async fn facts(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        Err(no_fact("this device does not tell what is true of it".to_owned()))
    }

    async fn set(&mut self, _name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        Err(no_fact("this device has no facts that can be set".to_owned()))
    }
}

fn no_fact(why: String) -> DriverError {
    let kind = DriverErrorKind::Refused { why };
    DriverError { device: "the device".to_owned(), operation: "look behind the screen", kind }
}

/// Whether a fact is one that no record may hold: what somebody types where the screen shows dots.
fn is_secret(fact: &str) -> bool {
    fact.rsplit('.').next().is_some_and(|last| matches!(last, "pin" | "password"))
}

/// Why there is no phone, or not the one that is needed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Nothing can be listened on.
    #[error("the virtual phone cannot listen on a port of this machine")]
    Listen(#[source] io::Error),
    /// The phone is not there, or will not be driven.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// A fact was to be made true.
    #[error("the device cannot start so: {why}")]
    Start { why: String },
    /// It is there, and is not as its task wants it.
    #[error(transparent)]
    Setup(#[from] DeviceSetupError),
    /// It has to be judged and has no entrance for judges.
    #[error("{device} does not tell what is true of it; virtual phones and browsers do")]
    NoFacts { device: String },
}

impl DeviceError {
    /// What to do next.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            DeviceError::Listen(_) => Some("see whether another program holds all ports, or a firewall forbids it"),
            DeviceError::Driver(DriverError {
                kind: DriverErrorKind::Lost { .. } | DriverErrorKind::TimedOut { .. },
                ..
            }) => Some("see which devices there are with: tapwright devices"),
            DeviceError::Driver(DriverError { kind: DriverErrorKind::Refused { .. }, .. }) => Some(
                "docs/drivers.md says how each phone is reached; a serial of an adb server's is written adb:SERIAL",
            ),
            DeviceError::Driver(_) => None,
            DeviceError::Start { .. } => Some("docs/phone.md lists what can be set"),
            DeviceError::Setup(_) => None,
            DeviceError::NoFacts { .. } => {
                Some("leave out what is to be judged, or use the virtual phone or a browser")
            }
        }
    }
}

impl Device {
    /// Opens a device, drawing the phone first if it is to be ours.
    ///
    /// # Errors
    /// `DeviceError` if it cannot be had.
    pub async fn open(options: &DeviceOptions) -> Result<Device, DeviceError> {
        let rig = match &options.at {
            DeviceAddress::Virtual(phone) => virtual_phone(phone, options).await?,
            DeviceAddress::Direct { .. } | DeviceAddress::Server { .. } => {
                let (mut driver, judge, about) = android(options).await?;
                let identity = driver.serial_number(options.connect).await?;
                let (apis, functions) = app_functions(adb_address(options)?, options).await?;
                let (driver, probe) = (Box::new(driver), Some(Box::new(judge) as Box<dyn Probe>));
                Rig { driver, apis, probe, about: about + &functions, identity, teardown: None }
            }
            DeviceAddress::Desktop(desktop) => desktop.open(options.connect).await?,
            DeviceAddress::Browser(browser) => browser.open(options.connect).await?,
            DeviceAddress::Machine(machine) => machine.open(options.connect).await?,
            DeviceAddress::Custom(CustomDevice(device)) => device.open(options.connect).await?,
        };
        Ok(Device { rig, probe: options.probe, blind: NoProbe })
    }

    /// Has its driver be used by somebody else too, in turns.
    pub(crate) fn share(self) -> (Device, SharedDriver) {
        let Device { rig: Rig { driver, apis, probe, about, identity, teardown }, probe: within, blind } = self;
        let driver = SharedDriver::new(driver);
        let rig = Rig { driver: Box::new(driver.clone()), apis, probe, about, identity, teardown };
        (Device { rig, probe: within, blind }, driver)
    }

    /// What it is, for people.
    pub fn about(&self) -> &str {
        &self.rig.about
    }

    /// What it is called in records.
    pub fn name(&self) -> &str {
        self.rig.driver.name()
    }

    /// A digest of what tells it from every other device; `None` if it does not tell. A record says which device it was on, and
    /// who is sent the record does not learn its serial number.
    pub fn fingerprint(&self) -> Option<String> {
        let digest = Sha256::digest(self.rig.identity.as_ref()?);
        Some(hex::encode(&digest[..12]))
    }

    /// Looks behind its screen, for judges.
    pub fn probe(&mut self) -> &mut dyn Probe {
        match &mut self.rig.probe {
            Some(probe) => &mut **probe,
            None => &mut self.blind,
        }
    }

    /// What is true of it, once it is set up for its task; `None` if it is a device that tells nobody.
    ///
    /// # Errors
    /// `DeviceError` if it is lost, or cannot be set up.
    pub async fn facts(&mut self) -> Result<Option<Facts>, DeviceError> {
        let within = self.probe;
        self.probe().set_up(within).await?;
        match self.probe().facts(within).await {
            Ok(mut facts) => {
                facts.retain(|name, _| !is_secret(name));
                Ok(Some(facts))
            }
            Err(DriverError { kind: DriverErrorKind::Refused { .. }, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets time pass on a device on which it need not be waited for, and says what time it is there then, in milliseconds since
    /// 1970. `None` if the device goes by everybody's time.
    ///
    /// # Errors
    /// `DeviceError` if it is lost.
    pub async fn let_pass(&mut self, time: Duration) -> Result<Option<u64>, DeviceError> {
        let within = self.probe;
        Ok(self.probe().let_pass(time, within).await?)
    }

    /// Makes a fact true.
    ///
    /// # Errors
    /// `DeviceError::Start` if it cannot be.
    pub async fn set(&mut self, fact: &Fact) -> Result<(), DeviceError> {
        let within = self.probe;
        match self.probe().set(&fact.fact, &fact.is, within).await {
            Ok(()) => Ok(()),
            Err(DriverError { kind: DriverErrorKind::Refused { why }, .. }) => Err(DeviceError::Start { why }),
            Err(error) => Err(error.into()),
        }
    }

    /// Leaves the device as it was found: its own keyboard is put back.
    ///
    /// # Errors
    /// `DeviceError` if that did not work.
    pub async fn close(self) -> Result<(), DeviceError> {
        // What is gone after the run need not be left as it was found.
        let is_gone = self.rig.teardown.is_some();
        match self.rig.close(self.probe).await {
            Err(error) if !is_gone => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Draws a phone, serves it in this process, and connects to it.
async fn virtual_phone(phone: &PhoneOptions, options: &DeviceOptions) -> Result<Rig, DeviceError> {
    // What fingers do takes no time on a phone of our own: a suite has thousands of gestures to do.
    let mut quick = adbd::DaemonOptions { instant_gestures: true, ..adbd::DaemonOptions::default() };
    if options.app_functions != FunctionOwners::None {
        quick.identity.api = quick.identity.api.max(APP_FUNCTIONS_SINCE);
    }
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let daemon = plug_in(listen, phone, &options.weather, quick).await.map_err(DeviceError::Listen)?;
    let PhoneOptions { seed, width, height, .. } = phone;
    let name = format!("virtual phone {width}x{height}, seed {seed}");
    let mut about = format!("{name}, over ADB at {}", daemon.address());
    if !options.weather.is_calm() {
        about += &format!(", in bad weather (seed {})", options.weather.seed);
    }
    let address = Address::Direct { address: daemon.address().to_string(), keys: Keys::default() };
    // It has reacted by the time it says so, unless its weather makes it slow.
    let settle = if options.weather.is_calm() { Settle::INSTANT } else { Settle::PHONE };
    let mut driver = connect(address.clone(), settle, options.connect, options).await?;
    driver.rename(&name);
    let (apis, functions) = app_functions(address, options).await?;
    let probe = InProcess(daemon.handle().clone());
    Ok(Rig {
        driver: Box::new(driver),
        apis,
        probe: Some(Box::new(probe)),
        about: about + &functions,
        identity: None, // It is gone with its process: nobody finds it again.
        teardown: Some(Box::pin(daemon.kill())),
    })
}

/// Connects to somebody's phone; with its judge, who is let in by virtual phones alone, and what it is for people.
///
/// # Errors
/// `DeviceError` if it is not there, or is no phone over ADB.
pub(crate) async fn android(options: &DeviceOptions) -> Result<(Android, Judge, String), DeviceError> {
    let address = adb_address(options)?;
    // Whoever has to be allowed by a person is waited for as long as that may take; the driver goes first, so that nobody
    // is asked about a judge.
    let within = options.connect.saturating_add(options.keys.person);
    let settle = if options.weather.is_calm() { Settle::INSTANT } else { Settle::PHONE };
    let mut driver = connect(address.clone(), settle, within, options).await?;
    let mut judge = Judge::new(address.clone());
    // Only virtual phones let judges in, and only they have reacted by the time they say that they will.
    if judge.facts(options.probe).await.is_err() {
        driver.settle_as(Settle::PHONE);
    }
    Ok((driver, judge, format!("{} over ADB", name(&address))))
}

/// Where somebody's phone is.
fn adb_address(options: &DeviceOptions) -> Result<Address, DeviceError> {
    match &options.at {
        DeviceAddress::Direct { address } => {
            Ok(Address::Direct { address: address.clone(), keys: options.keys.clone() })
        }
        DeviceAddress::Server { server, serial } => {
            Ok(Address::Server { server: server.clone(), serial: serial.clone(), person: options.keys.person })
        }
        DeviceAddress::Virtual(_)
        | DeviceAddress::Desktop(_)
        | DeviceAddress::Browser(_)
        | DeviceAddress::Machine(_)
        | DeviceAddress::Custom(_) => {
            Err(DeviceError::Start { why: "only a phone over ADB can be examined".to_owned() })
        }
    }
}

/// What a phone's apps do for other programs, as far as that is wanted, and a word about it for people.
async fn app_functions(address: Address, options: &DeviceOptions) -> Result<(Vec<Box<dyn Apis>>, String), DeviceError> {
    if options.app_functions == FunctionOwners::None {
        return Ok((Vec::new(), String::new()));
    }
    let functions = AppFunctions::connect(address, options.app_functions.clone(), options.connect).await?;
    let about = format!(", {}", functions.about());
    Ok((vec![Box::new(functions)], about))
}

async fn connect(
    address: Address,
    settle: Settle,
    within: Duration,
    options: &DeviceOptions,
) -> Result<Android, DeviceError> {
    let how =
        android::AndroidOptions { address, settle, capture: Capture::Auto, find_again: options.find_again, wake: true };
    let mut driver = Android::connect(how, within).await?;
    if options.words {
        driver.draw_protected(protected_window::draw);
    }
    Ok(driver)
}

/// Draws a phone and serves it.
pub(crate) async fn plug_in(
    listen: SocketAddr,
    phone: &PhoneOptions,
    weather: &Weather,
    options: adbd::DaemonOptions,
) -> io::Result<Daemon> {
    let listener = TcpListener::bind(listen).await?;
    let handle = Handle::in_weather(World::new(phone.clone()), SteadyClock::new(), weather.clone());
    Daemon::start(listener, handle, options)
}

fn name(address: &Address) -> &str {
    match address {
        Address::Direct { address, .. } => address,
        Address::Server { serial, .. } => serial,
    }
}
