//! Starts a browser of our own, with a profile of its own that goes with it.
//!
//! It speaks to us over two pipes, and ends when they do. `keeper.sh` ends what does not, and removes the profile, when we
//! let go of a third pipe: which also happens if this program is killed with signal 9.

use std::fs;
use std::io::{PipeWriter, Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::file::open_regular;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::LaunchOptions;
use crate::private_folder::{PrivateFolder, make_folder, sweep, write_new};
use crate::refused;

const KEEPER: &str = include_str!("keeper.sh");
/// What folders of browsers of ours are called, before a random end.
const FOLDER: &str = "tapwright-browser-";
/// The browsers that are looked for, the first one taken.
const PROGRAMS: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
];
/// Where they are on macOS.
const MAC_PROGRAMS: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];
/// Where programs are looked for; also all that a browser is told of our environment, in which there may be keys.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin:/opt/homebrew/bin";
/// How long the end of a browser may take, before it is ended without being asked.
const END: Duration = Duration::from_secs(6);
/// So many of the last bytes that it said for people are read.
const WORDS_MAX: u64 = 4096;
/// What a browser is started with: nothing that asks, updates, or speaks to its maker by itself; and text that reaches the
/// screen when it was typed and not later.
const SWITCHES: [&str; 21] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication,DialMediaRouteProvider",
    "--disable-smooth-scrolling",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
];

/// A browser that ends when this is dropped.
#[derive(Debug)]
pub(super) struct StartedBrowser {
    folder: PrivateFolder,
    keeper: Child,
    /// While this is open, the browser is kept.
    hold: Option<PipeWriter>,
}

/// The browser that would be started; `None` if there is none.
pub(super) fn program() -> Option<PathBuf> {
    let folders = || PATH.split(':').map(Path::new);
    let in_folders = PROGRAMS.iter().flat_map(|program| folders().map(move |folder| folder.join(program)));
    let of_mac = MAC_PROGRAMS.iter().filter(|_| cfg!(target_os = "macos")).map(PathBuf::from);
    of_mac.chain(in_folders).find(|path| path.is_file())
}

fn spawn(
    folder: &Path,
    options: &LaunchOptions,
    with_page_tools: bool,
) -> Result<(Child, PipeWriter), DriverErrorKind> {
    let program = match &options.program {
        Some(program) if program.is_file() => program.clone(),
        Some(program) => return Err(refused(format!("there is no program at {}", program.display()))),
        None => program().ok_or_else(|| refused(super::MISSING))?,
    };
    let (held, hold) = std::io::pipe().map_err(|error| refused(error.to_string()))?;
    let mut command = Command::new("/bin/sh");
    command.arg(folder.join("keeper.sh")).arg(folder).arg(&program).args(SWITCHES);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command.arg(format!("--window-size={},{}", options.size.width, options.size.height));
    if is_root(folder) {
        // Chromium's sandbox refuses to be started by root, and the browser with it.
        command.arg("--no-sandbox");
    }
    if with_page_tools {
        command.arg(super::page_tools::SWITCH);
    }
    command.arg("--no-startup-window");
    command.env_clear().env("PATH", PATH).env("HOME", folder.join("home")).env("LANG", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::from(OwnedFd::from(held))).process_group(0);
    // The reading end of the pipe goes with `command`: only the keeper is to have it.
    let keeper = command.spawn().map_err(|error| refused(format!("a browser cannot be started: {error}")))?;
    Ok((keeper, hold))
}

impl StartedBrowser {
    /// Starts the browser of a folder, and returns its two pipes.
    ///
    /// # Errors
    /// `Refused` if none is installed, with what to install.
    pub fn start(
        folder: PrivateFolder,
        options: &LaunchOptions,
        with_page_tools: bool,
    ) -> Result<(StartedBrowser, ChildStdin, ChildStdout), DriverErrorKind> {
        let spawned = spawn(&folder.path, options, with_page_tools);
        let (mut keeper, hold) = spawned.inspect_err(|_| drop(fs::remove_dir_all(&folder.path)))?;
        let pipes = keeper.stdin.take().zip(keeper.stdout.take());
        let started = StartedBrowser { folder, keeper, hold: Some(hold) };
        let (input, output) = pipes.ok_or_else(|| refused("a browser cannot be spoken to"))?;
        Ok((started, input, output))
    }

    /// Makes the folder of a browser, and removes what others have left.
    ///
    /// # Errors
    /// `Refused` if it cannot be made.
    pub fn prepare(options: &LaunchOptions) -> Result<PrivateFolder, DriverErrorKind> {
        sweep(&options.folder, FOLDER, |folder| drop(fs::remove_dir_all(folder)));
        let folder = PrivateFolder::make(&options.folder, FOLDER, |inside| {
            for name in ["home", "downloads", "profile"] {
                make_folder(&inside.join(name))?;
            }
            write_new(&inside.join("keeper.sh"), KEEPER.as_bytes())
        });
        folder.map_err(|error| {
            refused(format!("no folder for a browser can be made in {}: {error}", options.folder.display()))
        })
    }

    /// Where its downloads are.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path.join("downloads")
    }

    /// The last that it said for people: why it has not started.
    pub fn last_words(&self) -> String {
        let log = last_bytes(&self.folder.path.join("browser.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let mut lines: Vec<&str> = log.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
        lines.reverse();
        lines.join(" / ")
    }

    /// Ends it, and waits until nothing of it is left.
    pub async fn end(mut self) {
        drop(self.hold.take());
        if tokio::time::timeout(END, self.keeper.wait()).await.is_err() {
            tracing::debug!("the browser did not end by itself");
            drop(self.keeper.kill().await);
            drop(fs::remove_dir_all(&self.folder.path));
        }
    }
}

/// The end of a file that may have any length, and may be a pipe by now.
fn last_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = open_regular(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(WORDS_MAX)))?;
    let mut bytes = Vec::new();
    file.take(WORDS_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether we are root: what we make belongs to who we are.
fn is_root(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0)
}
