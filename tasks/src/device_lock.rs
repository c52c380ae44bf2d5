//! One run a device, phone or desktop: two that touch one at once mix their fingers, and each believes what the other has done.
//!
//! The lock is a file of the user's, so it holds between processes of this user on this machine, and goes with the process that
//! holds it, however that ends. Nobody else is kept from the phone.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use tapwright_agent::journal::FileLock;

use crate::device::{DesktopAddress, DeviceAddress, host_and_port};

/// A phone that nobody else's run of this user touches while this is there.
#[derive(Debug)]
pub struct DeviceLock {
    file: FileLock,
}

/// Another run is on the phone.
#[derive(Debug, thiserror::Error)]
#[error("{device} is in use by {holder}")]
pub struct DeviceInUse {
    pub device: String,
    /// What the other one wrote of itself: its run's folder and its process.
    pub holder: String,
}

impl DeviceLock {
    /// Takes the lock of a phone among those in `folder`. There is none for a virtual phone, which its run has for itself, and where no
    /// file can be locked: that is no reason not to run.
    ///
    /// # Errors
    /// `DeviceInUse` if somebody else has it.
    pub fn take(folder: &Path, address: &DeviceAddress) -> Result<Option<DeviceLock>, DeviceInUse> {
        match name(address) {
            Some(name) => DeviceLock::lock(&folder.join(file_name(&name)), name),
            None => Ok(None),
        }
    }

    /// Takes the lock of a phone by a digest of its serial number, however it is reached.
    ///
    /// # Errors
    /// As [`DeviceLock::take`].
    pub fn take_serial(folder: &Path, digest: &str, device: &str) -> Result<Option<DeviceLock>, DeviceInUse> {
        DeviceLock::lock(&folder.join(file_name(&format!("serial {digest}"))), device.to_owned())
    }

    fn lock(path: &Path, device: String) -> Result<Option<DeviceLock>, DeviceInUse> {
        match lock(path) {
            Ok(Some(file)) => {
                let lock = DeviceLock { file };
                lock.note("a run that has not begun");
                Ok(Some(lock))
            }
            Ok(None) => Err(DeviceInUse { device, holder: holder(path) }),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot lock the device: nothing keeps another run from it");
                Ok(None)
            }
        }
    }

    /// Takes the lock of a phone that is only looked at for a moment, so that nothing is changed under a run.
    ///
    /// # Errors
    /// `DeviceInUse` if a run has it.
    pub fn take_for(
        folder: Option<&Path>,
        address: &DeviceAddress,
        what: &str,
    ) -> Result<Option<DeviceLock>, DeviceInUse> {
        let Some(folder) = folder else { return Ok(None) };
        let lock = DeviceLock::take(folder, address)?;
        lock.iter().for_each(|lock| lock.note(what));
        Ok(lock)
    }

    /// Says which run it is, for whoever wants the phone meanwhile.
    pub fn note(&self, run: &str) {
        let text = format!("{run} (process {})\n", std::process::id());
        let mut file = &*self.file;
        let written = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(text.as_bytes()));
        if let Err(error) = written {
            tracing::debug!(%error, "cannot say which run has the device");
        }
    }
}

fn lock(path: &Path) -> std::io::Result<Option<FileLock>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    FileLock::try_take(OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?)
}

/// What the one that has it wrote, which may not be there yet.
fn holder(path: &Path) -> String {
    const HOLDER_MAX: u64 = 1000;
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(HOLDER_MAX).read_to_string(&mut text));
    match (read, text.lines().next()) {
        (Ok(_), Some(line)) if !line.is_empty() => line.to_owned(),
        _ => "another run".to_owned(),
    }
}

/// What a phone is called, however it is reached: a phone on TCP has its address for a serial at an adb server too.
fn name(address: &DeviceAddress) -> Option<String> {
    let name = match address {
        // Whoever brings a device of their own keeps others away from it.
        DeviceAddress::Virtual(_) | DeviceAddress::Custom(_) => return None,
        DeviceAddress::Desktop(desktop) => match &desktop.at {
            DesktopAddress::Display(display) => return Some(format!("desktop {display}")),
            DesktopAddress::Private { .. } => return None,
            // Another way to the same screen.
            DesktopAddress::Portable { display } => {
                return Some(format!("desktop {}", display.as_deref().unwrap_or("portable")));
            }
        },
        DeviceAddress::Browser(browser) => return browser.at.endpoint().map(|at| format!("browser {at}")),
        DeviceAddress::Machine(machine) => return host_and_port(&machine.address).map(|at| format!("machine {at}")),
        DeviceAddress::Direct { address } => address,
        DeviceAddress::Server { serial, .. } => serial,
    };
    // An emulator's daemon listens on the port after the one of its console.
    let emulator = name.strip_prefix("emulator-").and_then(|port| port.parse::<u16>().ok()?.checked_add(1));
    Some(match (emulator, name.strip_prefix("localhost:")) {
        (Some(port), _) => format!("127.0.0.1:{port}"),
        (None, Some(port)) => format!("127.0.0.1:{port}"),
        (None, None) => name.clone(),
    })
}

/// A name of a file for a serial, which may hold anything.
fn file_name(serial: &str) -> PathBuf {
    const PLAIN_MAX: usize = 80;
    let plain: String = serial
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => char::from(byte).to_string(),
            byte => format!("_{byte:02x}"),
        })
        .collect();
    if !plain.is_empty() && plain.len() <= PLAIN_MAX && !plain.starts_with('.') {
        return format!("{plain}.lock").into();
    }
    // FNV-1a, 64 bits, after the beginning: no serial of a phone is so long.
    let hash = serial
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let beginning: String = plain.trim_start_matches('.').chars().take(PLAIN_MAX / 2).collect();
    format!("serial+{beginning}+{hash:016x}.lock").into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::device::{BrowserAddress, BrowserOptions, PageToolSites, Settle};

    fn server(serial: &str) -> DeviceAddress {
        DeviceAddress::Server { server: "127.0.0.1:5037".to_owned(), serial: serial.to_owned() }
    }

    fn direct(address: &str) -> DeviceAddress {
        DeviceAddress::Direct { address: address.to_owned() }
    }

    #[test]
    fn a_phone_has_one_run_however_it_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("devices");
        let first = DeviceLock::take(&at, &server("emulator-5554")).unwrap().unwrap();
        first.note("runs/2026-11-27T10-00-00-pay");
        for same in
            [server("emulator-5554"), direct("127.0.0.1:5555"), direct("localhost:5555"), server("127.0.0.1:5555")]
        {
            let error = DeviceLock::take(&at, &same).unwrap_err().to_string();
            let process = std::process::id();
            assert_eq!(error, format!("127.0.0.1:5555 is in use by runs/2026-11-27T10-00-00-pay (process {process})"));
        }
        assert!(DeviceLock::take(&at, &server("R58M31ABCDE")).unwrap().is_some());
        drop(first);
        // A program that another test starts at this moment has a copy of it until it is begun.
        let again = (0..100).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            DeviceLock::take(&at, &direct("127.0.0.1:5555")).ok()
        });
        assert!(again.flatten().is_some());
        // Each run has its own virtual phone.
        let phone = DeviceAddress::Virtual(tapwright_phone::Options::default());
        assert!(DeviceLock::take(&at, &phone).unwrap().is_none());
    }

    #[test]
    fn a_browser_has_one_run_however_its_address_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let browser = |address: &str| {
            let at = BrowserAddress::Endpoint(address.to_owned());
            DeviceAddress::Browser(BrowserOptions {
                at,
                settle: Settle::BROWSER,
                sites: Vec::new(),
                page_tools: PageToolSites::None,
            })
        };
        let _first = DeviceLock::take(folder.path(), &browser("http://127.0.0.1:9222")).unwrap().unwrap();
        for same in
            ["http://LOCALHOST:9222/", "http://[::ffff:127.0.0.1]:9222", "ws://localhost:9222/devtools/browser/x"]
        {
            let error = DeviceLock::take(folder.path(), &browser(same)).unwrap_err();
            assert_eq!(error.device, "browser http://127.0.0.1:9222", "{same}");
        }
        assert!(DeviceLock::take(folder.path(), &browser("http://127.0.0.1:9223")).unwrap().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_had_keeps_nobody_from_running() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(DeviceLock::take(&folder.path().join("file"), &direct("127.0.0.1:1")).unwrap().is_none());
    }

    #[test]
    fn no_two_serials_share_a_file() {
        let long = "x".repeat(300);
        let serials = [
            "a/b",
            "a_2fb",
            "../a",
            ".a",
            "..",
            "a b",
            "a",
            "",
            "A",
            "adb-1 (2)._adb-tls-connect._tcp",
            &long,
            &long[1..],
        ];
        let names: BTreeSet<PathBuf> = serials.iter().map(|serial| file_name(serial)).collect();
        assert_eq!(names.len(), serials.len());
        for name in names {
            let name = name.to_str().unwrap();
            assert!(name.len() < 100 && !name.contains('/') && !name.starts_with('.'), "{name}");
        }
    }
}
