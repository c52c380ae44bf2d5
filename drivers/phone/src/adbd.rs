//! The device side of the ADB protocol in front of the virtual phone: real `adb` clients connect to it.
//!
//! A client that speaks ADB sees a phone that needs no authentication unless it is given keys, with `shell` (versions 1 and 2), `exec`, `sync`
//! and `framebuffer`. Behind `shell` is a small shell with the commands that people and programs use to drive phones;
//! what it lacks it refuses as a phone would. Everything is bounded, and bytes that are not ADB end their connection and
//! nothing else.
//!
//! # The shell
//!
//! Words, quotes, backslashes, `;`, `&&`, `||`, `!`, `&`, pipes, `( )`, `{ }`, `if`, `for`, `while`, `until`, `case`, functions,
//! variables with their defaults and trimmed ends, `$?`, `$(...)`, backquotes, `$((...))`, patterns (`*`, `?`, `[a-z]`) and
//! redirections to files, `/dev/null` and between outputs. Not: here-documents, `[[`, `((`, `select` and file descriptors
//! above 2; these are syntax errors that say so. The stages of a pipe run one after the other, and what one prints arrives
//! when it has ended. A script runs 200,000 commands at most. What does nothing here says so, and fails.
//!
//! A gesture takes the time that it says: `input swipe 1 2 3 4 300` answers after 300 ms of the phone's clock, and what the
//! finger does is done then. With [`DaemonOptions::instant_gestures`] it answers at once.
//!
//! # For judges
//!
//! `dumpsys tapwright` prints the world's facts as one JSON object, and `dumpsys tapwright set NAME VALUE` makes
//! one true. `dumpsys tapwright pass MILLISECONDS` lets so much time pass at once and prints the phone's clock, in milliseconds
//! since 1970. In the same process, [`Handle::facts`], [`Handle::set_fact`] and [`Handle::let_pass`] do the same.

mod access;
mod apk;
mod commands;
mod connection;
mod files;
mod frames;
mod handle;
mod log;
mod output;
mod packet;
mod pattern;
mod picture;
mod reverse;
#[cfg(test)]
mod script_cases;
mod service;
mod settings;
mod shell;
mod stream;
mod sync;
mod sync_wire;
mod syntax;
mod terminal;
mod variables;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::access::Authorizer;
pub use self::access::{Access, BadKey, PublicKey};
pub use self::handle::{Clock, Handle, ManualClock, SteadyClock};

/// What a daemon says about itself and how much it lets its clients do.
#[derive(Clone, Debug, Default)]
pub struct DaemonOptions {
    pub identity: Identity,
    pub limits: DaemonLimits,
    pub access: Access,
    /// `input swipe … 300` answers at once and not after 300 ms: for suites and measurements that have many to do.
    pub instant_gestures: bool,
}

/// How the phone is listed by `adb devices -l` and `getprop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `ro.product.name`
    pub product: String,
    /// `ro.product.model`
    pub model: String,
    /// `ro.product.device`
    pub device: String,
    /// `ro.serialno`
    pub serial: String,
    /// `ro.build.version.sdk`: what `uiautomator` writes depends on it.
    pub api: u32,
}

impl Default for Identity {
    fn default() -> Identity {
        Identity {
            product: "tapwright".to_owned(),
            model: "Tapwright Phone".to_owned(),
            device: "virtual".to_owned(),
            serial: "TAPWRIGHT0001".to_owned(),
            api: 34,
        }
    }
}

/// What clients can use up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonLimits {
    /// Connections at the same time; more are closed at once.
    pub clients_max: usize,
    /// Streams of one connection at the same time; more are refused.
    pub streams_max: usize,
    /// Bytes that one command may print or read; only four commands of a connection may hold more than a MiB at a time.
    pub output_max: usize,
    /// How long a client may take to say hello.
    pub hello: Duration,
    /// How long one that the phone does not know may wait to be allowed.
    pub unknown_client: Duration,
    /// The longest `sleep`; longer ones end then.
    pub sleep_max: Duration,
    /// How long a script may go on to run commands.
    pub script_max: Duration,
    /// How long a command may go on when its client has closed the stream: `adb exec-in` does so when it has sent all.
    pub linger: Duration,
}

impl Default for DaemonLimits {
    fn default() -> DaemonLimits {
        DaemonLimits {
            clients_max: 16,
            streams_max: 32,
            output_max: 32 << 20,
            hello: Duration::from_secs(10),
            unknown_client: Duration::from_secs(300),
            sleep_max: Duration::from_secs(60),
            script_max: Duration::from_secs(600),
            linger: Duration::from_secs(10),
        }
    }
}

/// What shells may leave running at the same time.
const BACKGROUND_MAX: usize = 8;

/// What all connections of a daemon share.
#[derive(Debug)]
struct Device {
    handle: Handle,
    options: DaemonOptions,
    door: Authorizer,
    /// Counts reboots: every connection ends at the next one.
    boots: watch::Sender<u64>,
    /// What shells have left running.
    background: Mutex<JoinSet<()>>,
}

impl Device {
    fn new(handle: Handle, options: DaemonOptions) -> Device {
        let door = Authorizer::new(options.access.clone());
        Device { handle, options, door, boots: watch::Sender::new(0), background: Mutex::default() }
    }

    /// Runs something that goes on when the shell that began it has ended; false if too much does already.
    fn run_in_background(&self, job: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut background = self.background();
        while background.try_join_next().is_some() {}
        let fits = background.len() < BACKGROUND_MAX;
        if fits {
            background.spawn(job);
        }
        fits
    }

    fn background(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.background.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops all apps and drops all clients. The phone is up again at once.
    fn reboot(&self) {
        self.handle.change(|world| {
            for app in world.apps() {
                world.stop(app.package);
            }
            world.input(&crate::Input::Press(crate::Key::Home));
            world.happen(crate::Event::Lock { dark: false });
        });
        self.background().abort_all();
        self.handle.begin_log();
        self.boots.send_modify(|count| *count += 1);
    }
}

/// Serves the phone to whoever connects, until `stop` is ready. Then the listener and all connections are gone, in the
/// middle of a packet if need be: the phone has been unplugged.
///
/// Without keys whoever can connect can use the phone, so the listener had better be on a loopback address then.
pub async fn serve(listener: TcpListener, handle: Handle, options: DaemonOptions, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(options.limits.clients_max));
    let device = Arc::new(Device::new(handle, options));
    let mut connections = JoinSet::new();
    let accept = async {
        loop {
            let (socket, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Mostly a lack of file descriptors, which only the end of another connection mends.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            if device.handle.is_down() {
                continue; // It is starting: the connection is closed.
            }
            let Ok(place) = places.clone().try_acquire_owned() else {
                tracing::warn!(%peer, "too many clients: the connection is closed");
                continue;
            };
            let device = device.clone();
            connections.spawn(async move {
                let ended = connection::serve(socket, device).await;
                tracing::debug!(%peer, %ended, "a client is gone");
                drop(place);
            });
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = stop => {}
        () = accept => {}
    }
    drop(listener);
    connections.shutdown().await;
    // They hold the device, and the device holds them.
    device.background().abort_all();
}

/// A daemon that runs beside its caller. Dropping it unplugs the phone.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    handle: Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Daemon {
    /// Starts to serve the phone on `listener`, as [`serve`] does.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(listener: TcpListener, handle: Handle, options: DaemonOptions) -> io::Result<Daemon> {
        let address = listener.local_addr()?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(serve(listener, handle.clone(), options, async {
            let _ = stopped.await; // A dropped daemon stops as well.
        }));
        Ok(Daemon { address, handle, stop: Some(stop), task })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The phone behind the daemon.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Unplugs the phone: when this returns, nothing listens and no connection is left. The world stays as it is.
    pub async fn kill(mut self) {
        drop(self.stop.take());
        let _ = (&mut self.task).await; // Its own panic was reported where it happened.
    }
}
