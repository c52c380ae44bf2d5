//! Over USB without an adb server, by the crate `adb_client`: one command after the other, each with a shell of its own.
//!
//! The crate blocks and does one thing at a time, so a thread owns the device. It speaks no `shell_v2`; what needs that
//! finds out by the missing feature. After any trouble the thread ends and the device is opened anew, because the crate
//! does not tell the answers of an abandoned command from those of the next.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use adb_client::usb::{ADBUSBDevice, find_all_connected_adb_devices};
use adb_client::{ADBDeviceExt, RustADBError};
use tapwright_contract::device::DriverErrorKind;
use tokio::sync::oneshot;

use crate::android::parse::answers::shortened;

/// The most that one service may answer.
const ANSWER_MAX: usize = 64 << 20;
/// How many commands may wait for the device.
const WAITING_MAX: usize = 16;
/// How long the device may take for a picture before the thread gives it up.
const EXEC_MAX: Duration = Duration::from_secs(60);

/// A device that a thread owns.
pub(crate) struct Usb {
    jobs: mpsc::SyncSender<Job>,
    /// None: the crate's greeting names none, and so the device may not use any.
    pub features: BTreeSet<String>,
}

enum Work {
    Shell(String),
    Exec(String),
}

struct Job {
    work: Work,
    answer: oneshot::Sender<Result<Vec<u8>, DriverErrorKind>>,
}

/// The answer of one service, all of it at once.
pub(crate) struct Stream {
    answer: Option<oneshot::Receiver<Result<Vec<u8>, DriverErrorKind>>>,
}

/// A device on USB that speaks ADB: its vendor, its product and what it calls itself.
pub(crate) fn list() -> Result<Vec<(u16, u16, String)>, DriverErrorKind> {
    let found = find_all_connected_adb_devices().map_err(kind)?;
    Ok(found.into_iter().map(|found| (found.vendor_id, found.product_id, found.device_description)).collect())
}

impl Usb {
    pub async fn connect(vendor: u16, product: u16) -> Result<Usb, DriverErrorKind> {
        let opening = tokio::task::spawn_blocking(move || ADBUSBDevice::new(vendor, product));
        match opening.await {
            Ok(Ok(device)) => Usb::over(device),
            Ok(Err(error)) => Err(kind(error)),
            Err(error) => Err(DriverErrorKind::MalformedResponse { why: error.to_string() }),
        }
    }

    pub fn over(device: impl ADBDeviceExt + Send + 'static) -> Result<Usb, DriverErrorKind> {
        let (jobs, queue) = mpsc::sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("adb-usb".to_owned())
            .spawn(move || work(device, &queue))
            .map_err(|error| DriverErrorKind::Refused { why: format!("no thread for the device: {error}") })?;
        Ok(Usb { jobs, features: BTreeSet::new() })
    }

    pub fn open(&self, service: &str) -> Result<Stream, DriverErrorKind> {
        let work = match service.split_once(':') {
            Some(("shell", command)) if !command.is_empty() => Work::Shell(command.to_owned()),
            Some(("exec", command)) => Work::Exec(command.to_owned()),
            _ => return Err(DriverErrorKind::Refused { why: format!("{service:?} is not to be had over USB") }),
        };
        let (answer, answered) = oneshot::channel();
        match self.jobs.try_send(Job { work, answer }) {
            Ok(()) => Ok(Stream { answer: Some(answered) }),
            Err(mpsc::TrySendError::Full(_)) => Err(DriverErrorKind::Refused { why: "the device is busy".to_owned() }),
            Err(mpsc::TrySendError::Disconnected(_)) => Err(unplugged_error()),
        }
    }
}

impl Stream {
    pub async fn read(&mut self) -> Result<Option<Vec<u8>>, DriverErrorKind> {
        let Some(answer) = &mut self.answer else { return Ok(None) };
        let bytes = answer.await.map_err(|_| unplugged_error())?;
        self.answer = None;
        bytes.map(Some)
    }
}

fn work(mut device: impl ADBDeviceExt, queue: &mpsc::Receiver<Job>) {
    while let Ok(Job { work, answer }) = queue.recv() {
        if answer.is_closed() {
            continue; // Nobody waits for it any more, and it has not begun.
        }
        let done = match work {
            Work::Shell(command) => shell(&mut device, &command),
            Work::Exec(command) => exec(&mut device, &command),
        };
        let failed = done.is_err();
        let _ = answer.send(done); // Whoever asked may have gone.
        if failed {
            return;
        }
    }
}

fn shell(device: &mut impl ADBDeviceExt, command: &str) -> Result<Vec<u8>, DriverErrorKind> {
    let (mut sink, collected, _) = Sink::new();
    device.shell_command(&command, Some(&mut sink), None).map_err(kind)?;
    Ok(take(&collected))
}

fn exec(device: &mut impl ADBDeviceExt, command: &str) -> Result<Vec<u8>, DriverErrorKind> {
    let (sink, collected, ended) = Sink::new();
    // The crate closes the stream when there is no more input, so the input has to last as long as the output.
    device.exec(command, &mut Input { ended }, Box::new(sink)).map_err(kind)?;
    Ok(take(&collected))
}

/// Input in which there is nothing, and which ends when the output does: when a thread of the crate drops the sink.
struct Input {
    ended: mpsc::Receiver<()>,
}

impl Read for Input {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        match self.ended.recv_timeout(EXEC_MAX) {
            Err(mpsc::RecvTimeoutError::Disconnected) => Ok(0),
            _ => Err(std::io::Error::other(format!("the device was silent for {} s", EXEC_MAX.as_secs()))),
        }
    }
}

type Collected = Arc<Mutex<Vec<u8>>>;

fn take(collected: &Collected) -> Vec<u8> {
    std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Collects what the crate writes, up to a bound; its end is that of a channel.
struct Sink {
    collected: Collected,
    _ended: mpsc::Sender<()>,
}

impl Sink {
    fn new() -> (Sink, Collected, mpsc::Receiver<()>) {
        let collected = Collected::default();
        let (sender, ended) = mpsc::channel();
        (Sink { collected: collected.clone(), _ended: sender }, collected, ended)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        if collected.len() + bytes.len() > ANSWER_MAX {
            return Err(std::io::Error::other("the answer is too long"));
        }
        collected.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn kind(error: RustADBError) -> DriverErrorKind {
    let why = shortened(&error.to_string());
    match error {
        RustADBError::DeviceBusy => DriverErrorKind::Refused {
            why: format!("{why} An adb server holds the device: use its serial, or stop the server"),
        },
        RustADBError::ADBRequestFailed(_) => DriverErrorKind::Refused { why },
        RustADBError::IOError(_) | RustADBError::UsbError(_) | RustADBError::DeviceNotFound(_) => {
            DriverErrorKind::Lost { why }
        }
        _ => DriverErrorKind::MalformedResponse { why },
    }
}

fn unplugged_error() -> DriverErrorKind {
    DriverErrorKind::Lost { why: "the device on USB is gone".to_owned() }
}
