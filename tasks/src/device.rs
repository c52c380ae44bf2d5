//! The phone that a run is on: one of our own in this process, or somebody's. Either is reached over ADB.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::{DriverError, DriverErrorKind};
use tapwright_drivers::android::{self, Address, Android, Capture, Judge};
use tapwright_drivers::{Probe, Settle};
use tapwright_phone::World;
use tapwright_phone::adbd::{self, Daemon, Handle, SteadyClock};
use tapwright_phone::weather::Fault;
use tokio::net::TcpListener;

use crate::judge::{Fact, Facts};
use crate::protected_window;

pub use tapwright_drivers::android::Keys;
pub use tapwright_phone::Options as Phone;
pub use tapwright_phone::weather::Weather;

/// The sizes of display that a virtual phone can have, per side.
pub const SIDES: (std::ops::RangeInclusive<u32>, std::ops::RangeInclusive<u32>) = (240..=4096, 400..=4096);

/// Which phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceAddress {
    /// One that is drawn for the run and gone after it.
    Virtual(Phone),
    /// A daemon that listens on TCP: `127.0.0.1:5555`.
    Direct { address: String },
    /// One that an adb server knows by this serial.
    Server { server: String, serial: String },
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
}

/// A phone, connected.
pub struct Device {
    /// Sees and touches it.
    pub driver: Android,
    behind: Behind,
    about: String,
    probe: Duration,
}

/// Looks behind the screen.
enum Behind {
    /// It is in this process: its state can be read even when it is unplugged. The daemon ends when this is dropped.
    Ours(Daemon),
    Theirs(Judge),
}

#[async_trait]
impl Probe for Behind {
    async fn facts(&mut self, within: Duration) -> Result<Facts, DriverError> {
        match self {
            Behind::Ours(daemon) => Ok(daemon.handle().facts()),
            Behind::Theirs(judge) => judge.facts(within).await,
        }
    }

    async fn set(&mut self, name: &str, value: &str, within: Duration) -> Result<(), DriverError> {
        match self {
            Behind::Ours(daemon) => daemon.handle().set_fact(name, value).map_err(|refused| DriverError {
                device: "virtual phone".to_owned(),
                operation: "set a fact",
                kind: DriverErrorKind::Refused { why: refused.to_string() },
            }),
            Behind::Theirs(judge) => judge.set(name, value, within).await,
        }
    }
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
    #[error("the phone cannot start so: {why}")]
    Start { why: String },
    /// It has to be judged and has no entrance for judges.
    #[error("{device} does not tell what is true of it; only virtual phones do")]
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
            DeviceError::NoFacts { .. } => Some("leave out what is to be judged, or use the virtual phone"),
        }
    }
}

impl Device {
    /// Connects, drawing the phone first if it is to be ours.
    ///
    /// # Errors
    /// `DeviceError` if the phone cannot be had.
    pub async fn open(options: &DeviceOptions) -> Result<Device, DeviceError> {
        let (address, ours) = match &options.at {
            DeviceAddress::Virtual(phone) => {
                // What fingers do takes no time on a phone of our own: a suite has thousands of gestures to do.
                let quick = adbd::Options { instant_gestures: true, ..adbd::Options::default() };
                let daemon = plug_in(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), phone, &options.weather, quick)
                    .await
                    .map_err(DeviceError::Listen)?;
                let address = daemon.address().to_string();
                (Address::Direct { address, keys: Keys::default() }, Some((daemon, phone)))
            }
            DeviceAddress::Direct { address } => {
                (Address::Direct { address: address.clone(), keys: options.keys.clone() }, None)
            }
            DeviceAddress::Server { server, serial } => {
                let person = options.keys.person;
                (Address::Server { server: server.clone(), serial: serial.clone(), person }, None)
            }
        };
        let (about, behind) = match ours {
            Some((daemon, phone)) => {
                let Phone { seed, width, height, .. } = phone;
                let mut about =
                    format!("virtual phone {width}x{height}, seed {seed}, over ADB at {}", daemon.address());
                if !options.weather.is_calm() {
                    about += &format!(", in bad weather (seed {})", options.weather.seed);
                }
                (about, Behind::Ours(daemon))
            }
            None => (format!("{} over ADB", name(&address)), Behind::Theirs(Judge::new(address.clone()))),
        };
        // A phone of ours has reacted by the time it says so, unless its weather makes it slow.
        let settle = if options.weather.is_calm() { Settle::INSTANT } else { Settle::PHONE };
        // Whoever has to be allowed by a person is waited for as long as that may take; the driver goes first, so that nobody
        // is asked about a judge.
        let within = match &address {
            Address::Direct { keys: Keys { person, .. }, .. } | Address::Server { person, .. } => {
                options.connect.saturating_add(*person)
            }
        };
        let how =
            android::Options { address, settle, capture: Capture::Auto, find_again: options.find_again, wake: true };
        let mut driver = Android::connect(how, within).await?;
        let mut behind = behind;
        if let Behind::Theirs(judge) = &mut behind
            // Only virtual phones let judges in, and only they have reacted by the time they say that they will.
            && judge.facts(options.probe).await.is_err()
        {
            driver.settle_as(Settle::PHONE);
        }
        if options.words {
            driver.draw_protected(protected_window::draw);
        }
        Ok(Device { driver, behind, about, probe: options.probe })
    }

    /// What it is, for people.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// How often each fault of the weather has come, if it is a phone of ours.
    pub fn census(&self) -> Vec<(Fault, u64)> {
        match &self.behind {
            Behind::Ours(daemon) => daemon.handle().census().into_iter().collect(),
            Behind::Theirs(_) => Vec::new(),
        }
    }

    /// Looks behind its screen, for judges.
    pub fn probe(&mut self) -> &mut dyn Probe {
        &mut self.behind
    }

    /// What is true of it; `None` if it is a phone that tells nobody.
    ///
    /// # Errors
    /// `DeviceError` if it is lost.
    pub async fn facts(&mut self) -> Result<Option<Facts>, DeviceError> {
        match self.behind.facts(self.probe).await {
            Ok(facts) => Ok(Some(facts)),
            Err(DriverError { kind: DriverErrorKind::Refused { .. }, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a fact true.
    ///
    /// # Errors
    /// `DeviceError::Start` if it cannot be.
    pub async fn set(&mut self, fact: &Fact) -> Result<(), DeviceError> {
        match self.behind.set(&fact.fact, &fact.is, self.probe).await {
            Ok(()) => Ok(()),
            Err(DriverError { kind: DriverErrorKind::Refused { why }, .. }) => Err(DeviceError::Start { why }),
            Err(error) => Err(error.into()),
        }
    }

    /// Leaves the phone as it was found: its own keyboard is put back.
    ///
    /// # Errors
    /// `DeviceError` if that did not work.
    pub async fn close(self) -> Result<(), DeviceError> {
        let Device { driver, behind, probe, .. } = self;
        let result = driver.close(probe).await;
        match behind {
            Behind::Ours(daemon) => daemon.kill().await,
            Behind::Theirs(_) => result?,
        }
        Ok(())
    }
}

/// Draws a phone and serves it.
pub(crate) async fn plug_in(
    listen: SocketAddr,
    phone: &Phone,
    weather: &Weather,
    options: adbd::Options,
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
