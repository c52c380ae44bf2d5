//! A thread that owns one connection to an X server, and carries out jobs on it one after the other.
//!
//! X calls block, and a server that hangs blocks for ever: then only this thread is lost, not whoever waits for it.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, TrySendError};
use std::thread;

use tapwright_contract::device::DriverErrorKind;
use tokio::sync::oneshot;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{ConnectionExt as _, Window};
use x11rb::protocol::{Event, xtest};
use x11rb::rust_connection::{DefaultStream, RustConnection};

use super::atoms::Atoms;
use super::capture::Camera;
use super::keyboard::Keyboard;
use crate::deadline::Deadline;

/// How many jobs may wait for the thread.
const JOBS_MAX: usize = 64;

/// Which X server, and how it is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// One that the user has: `:0`. The cookie is found as any X program finds it.
    Display(String),
    /// One of ours: its socket and its cookie.
    Socket { path: PathBuf, cookie: Vec<u8> },
}

type Job = Box<dyn FnOnce(&mut Link) + Send>;

/// The way to the thread. When the last one is dropped, the thread ends.
#[derive(Clone)]
pub(crate) struct Server {
    jobs: mpsc::SyncSender<Job>,
}

/// What the thread has.
pub(crate) struct Link {
    pub x: RustConnection,
    pub root: Window,
    pub atoms: Atoms,
    pub camera: Camera,
    pub keyboard: Keyboard,
    /// Which window's app has given a sign of life since it was asked for one.
    pub pong: Option<Window>,
}

/// Why a job failed.
#[derive(Debug)]
pub(crate) struct Fault(pub DriverErrorKind);

impl Fault {
    pub fn refused(why: impl Into<String>) -> Fault {
        Fault(DriverErrorKind::Refused { why: why.into() })
    }
}

impl From<DriverErrorKind> for Fault {
    fn from(kind: DriverErrorKind) -> Fault {
        Fault(kind)
    }
}

impl From<ConnectionError> for Fault {
    fn from(error: ConnectionError) -> Fault {
        Fault(match error {
            ConnectionError::UnsupportedExtension => {
                DriverErrorKind::Refused { why: "the X server lacks an extension that this needs".to_owned() }
            }
            error => DriverErrorKind::Lost { why: format!("the connection to the X server broke: {error}") },
        })
    }
}

impl From<ReplyError> for Fault {
    fn from(error: ReplyError) -> Fault {
        match error {
            ReplyError::ConnectionError(error) => error.into(),
            ReplyError::X11Error(error) => {
                let why = format!("the X server answered with the error {:?}", error.error_kind);
                Fault(DriverErrorKind::MalformedResponse { why })
            }
        }
    }
}

impl From<ReplyOrIdError> for Fault {
    fn from(error: ReplyOrIdError) -> Fault {
        match error {
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::X11Error(error) => ReplyError::X11Error(error).into(),
            ReplyOrIdError::IdsExhausted => {
                Fault(DriverErrorKind::Lost { why: "the X server has no more numbers for this program".to_owned() })
            }
        }
    }
}

impl Server {
    /// Connects.
    ///
    /// # Errors
    /// `Lost` if nobody is there, `Refused` if the server lets nobody in or cannot be driven.
    pub async fn connect(entrance: &Entrance, deadline: Deadline) -> Result<Server, DriverErrorKind> {
        let (jobs, waiting) = mpsc::sync_channel::<Job>(JOBS_MAX);
        let (answer, answered) = oneshot::channel();
        let entrance = entrance.clone();
        let started = thread::Builder::new().name("x11".to_owned()).spawn(move || {
            let mut link = match Link::open(&entrance) {
                Ok(link) => link,
                Err(fault) => return drop(answer.send(Err(fault.0))),
            };
            if answer.send(Ok(())).is_err() {
                return;
            }
            // Whoever leaves takes along what of the keyboard was borrowed; a job that panics ends the thread, and this still runs.
            while let Ok(job) = waiting.recv() {
                job(&mut link);
                if link.read_events().is_err() {
                    break;
                }
            }
        });
        started.map_err(|error| DriverErrorKind::Refused { why: format!("no thread can be started: {error}") })?;
        deadline
            .hold("an answer of the X server", async {
                answered.await.unwrap_or_else(|_| Err(DriverErrorKind::Lost { why: "nobody answered".to_owned() }))
            })
            .await?;
        Ok(Server { jobs })
    }

    /// Carries out a job. If whoever waits for it has gone by the time its turn comes, it is not begun.
    ///
    /// # Errors
    /// What the job says; `TimedOut` if it did not end in time, `Lost` if there is no connection any more.
    pub async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        deadline: Deadline,
        job: impl FnOnce(&mut Link) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, DriverErrorKind> {
        deadline
            .hold(what, async {
                let (answer, answered) = oneshot::channel();
                self.enqueue(move |link| {
                    if !answer.is_closed() {
                        let result = job(link);
                        drop(answer.send(result.map_err(|fault| fault.0)));
                    }
                })?;
                answered.await.unwrap_or_else(|_| Err(closed_error()))
            })
            .await
    }

    /// Puts a job into the queue and waits for nothing.
    ///
    /// # Errors
    /// `Lost` if there is no connection any more; `TimedOut` if too many jobs wait.
    pub fn enqueue(&self, job: impl FnOnce(&mut Link) + Send + 'static) -> Result<(), DriverErrorKind> {
        self.jobs.try_send(Box::new(job)).map_err(|error| match error {
            TrySendError::Full(_) => {
                DriverErrorKind::TimedOut { tries: format!("{JOBS_MAX} jobs wait for the X server") }
            }
            TrySendError::Disconnected(_) => closed_error(),
        })
    }
}

fn closed_error() -> DriverErrorKind {
    DriverErrorKind::Lost { why: "the connection to the X server has ended".to_owned() }
}

impl Link {
    fn open(entrance: &Entrance) -> Result<Link, Fault> {
        let (x, screen) = connection(entrance)?;
        let root = x.setup().roots[screen].root;
        for (extension, what) in [(xtest::X11_EXTENSION_NAME, "touched")] {
            if x.extension_information(extension)?.is_none() {
                return Err(Fault::refused(format!(
                    "this X server cannot be {what}: it lacks the extension {extension}"
                )));
            }
        }
        let atoms = Atoms::new(&x)?.reply()?;
        let camera = Camera::new(&x, screen)?;
        let borrows_media_keys = matches!(entrance, Entrance::Socket { .. });
        let keyboard = Keyboard::new(borrows_media_keys);
        let mut link = Link { root, atoms, camera, keyboard, pong: None, x };
        link.give_back_what_a_dead_run_borrowed()?;
        Ok(link)
    }

    /// Reads what the server has told meanwhile, so that it does not pile up.
    pub fn read_events(&mut self) -> Result<(), Fault> {
        while let Some(event) = self.x.poll_for_event()? {
            match event {
                Event::MappingNotify(_) => self.keyboard.outdate(),
                Event::ClientMessage(event) => self.hear(&event),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until the server has carried out all that it was sent.
    pub fn sync(&self) -> Result<(), Fault> {
        self.x.get_input_focus()?.reply()?;
        Ok(())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.give_back_keys()); // If the server is gone there is nothing to give back to.
    }
}

/// Connects; also says which screen is meant.
pub(crate) fn connection(entrance: &Entrance) -> Result<(RustConnection, usize), Fault> {
    Ok(match entrance {
        Entrance::Display(display) => {
            RustConnection::connect(Some(display)).map_err(|error| unreachable(display, &error))?
        }
        Entrance::Socket { path, cookie } => {
            let name = path.display().to_string();
            let lost = |why: String| Fault(DriverErrorKind::Lost { why: format!("{name}: {why}") });
            let stream = UnixStream::connect(path).map_err(|error| lost(error.to_string()))?;
            let (stream, _) = DefaultStream::from_unix_stream(stream).map_err(|error| lost(error.to_string()))?;
            let kind = b"MIT-MAGIC-COOKIE-1".to_vec();
            let x = RustConnection::connect_to_stream_with_auth_info(stream, 0, kind, cookie.clone())
                .map_err(|error| unreachable(&name, &error))?;
            (x, 0)
        }
    })
}

fn unreachable(display: &str, error: &ConnectError) -> Fault {
    // `:0`, `host:0.1`: a word with a slip in it is no display.
    let number = display.rsplit_once(':').map_or("", |(_, number)| number);
    let is_display = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    Fault(match error {
        _ if !is_display => DriverErrorKind::Refused {
            why: format!(
                "{display:.100?} is no display; write `desktop` for this one, `desktop::0` for another, `desktop:private` or \
                 `desktop:private:1280x800` for one of its own, or `desktop:portable`"
            ),
        },
        ConnectError::SetupAuthenticate(_) | ConnectError::SetupFailed(_) => DriverErrorKind::Refused {
            why: format!(
                "the X server {display} lets this program not in ({error}): run it as the user whose desktop it is, with XAUTHORITY as that user has it"
            ),
        },
        error => DriverErrorKind::Lost {
            why: format!(
                "there is no X server at {display} ({error}); `--device desktop:private` makes a desktop of its own"
            ),
        },
    })
}
