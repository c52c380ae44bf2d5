//! Starts a browser of our own, with a profile of its own that goes with it.
//!
//! It speaks to us over two pipes, and ends when they do. `keeper.sh` ends what does not, and removes the profile, when we
//! let go of a third pipe: which also happens if this program is killed with signal 9.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{PipeWriter, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::LaunchOptions;

const KEEPER: &str = include_str!("keeper.sh");
/// What folders of browsers of ours are called, before a random end.
const FOLDER: &str = "tapwright-browser-";
/// The browsers that are looked for, the first one taken.
const PROGRAMS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
/// Where programs are looked for; also all that a browser is told of our environment, in which there may be keys.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";
/// How long the end of a browser may take, before it is ended without being asked.
const END: Duration = Duration::from_secs(6);
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
    folder: PathBuf,
    keeper: Child,
    /// While this is open, the browser is kept.
    hold: Option<PipeWriter>,
    /// Nobody else removes the folder while this is locked.
    _lock: File,
}

/// The browser that would be started; `None` if there is none.
pub(super) fn program() -> Option<PathBuf> {
    let folders = || PATH.split(':').map(Path::new);
    PROGRAMS.iter().find_map(|program| folders().map(|folder| folder.join(program)).find(|path| path.is_file()))
}

fn refused(why: impl Into<String>) -> DriverErrorKind {
    DriverErrorKind::Refused { why: why.into() }
}

/// The folder of a browser that has not been started.
#[derive(Debug)]
pub(super) struct PreparedFolder {
    folder: PathBuf,
    lock: File,
}

impl PreparedFolder {
    /// Starts the browser, and returns its two pipes.
    ///
    /// # Errors
    /// `Refused` if none is installed, with what to install.
    pub fn start(self, options: &LaunchOptions) -> Result<(StartedBrowser, ChildStdin, ChildStdout), DriverErrorKind> {
        let PreparedFolder { folder, lock } = self;
        let spawned = spawn(&folder, options);
        let (mut keeper, hold) = spawned.inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        let pipes = keeper.stdin.take().zip(keeper.stdout.take());
        let started = StartedBrowser { folder, keeper, hold: Some(hold), _lock: lock };
        let (input, output) = pipes.ok_or_else(|| refused("a browser cannot be spoken to"))?;
        Ok((started, input, output))
    }
}

fn spawn(folder: &Path, options: &LaunchOptions) -> Result<(Child, PipeWriter), DriverErrorKind> {
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
    command.arg("--no-startup-window");
    command.env_clear().env("PATH", PATH).env("HOME", folder.join("home")).env("LANG", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::from(OwnedFd::from(held))).process_group(0);
    // The reading end of the pipe goes with `command`: only the keeper is to have it.
    let keeper = command.spawn().map_err(|error| refused(format!("a browser cannot be started: {error}")))?;
    Ok((keeper, hold))
}

impl StartedBrowser {
    /// Makes the folder of a browser, and removes what others have left.
    ///
    /// # Errors
    /// `Refused` if it cannot be made.
    pub fn prepare(options: &LaunchOptions) -> Result<PreparedFolder, DriverErrorKind> {
        sweep(&options.folder);
        let prepared = prepare(&options.folder).map_err(|error| {
            refused(format!("no folder for a browser can be made in {}: {error}", options.folder.display()))
        })?;
        let (folder, lock) = prepared;
        Ok(PreparedFolder { folder, lock })
    }

    /// Where its downloads are.
    pub fn downloads(&self) -> PathBuf {
        self.folder.join("downloads")
    }

    /// The last that it said for people: why it has not started.
    pub fn last_words(&self) -> String {
        let log = fs::read(self.folder.join("browser.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log[log.len().saturating_sub(4096)..]).into_owned();
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
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// Whether we are root: what we make belongs to who we are.
fn is_root(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0)
}

/// Makes a folder that nobody else can look into, with a lock.
fn prepare(base: &Path) -> std::io::Result<(PathBuf, File)> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| std::io::Error::other(error.to_string()))?;
    let name = hex::encode(random);
    let folder = base.join(format!("{FOLDER}{name}"));
    fs::create_dir_all(base)?;
    DirBuilder::new().mode(0o700).create(&folder)?;
    for inner in ["home", "downloads", "profile"] {
        DirBuilder::new().mode(0o700).create(folder.join(inner))?;
    }
    let create = |name: &str| OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name));
    create("keeper.sh")?.write_all(KEEPER.as_bytes())?;
    let lock = create("lock")?;
    lock.lock()?;
    Ok((folder, lock))
}

/// Removes what browsers have left whose run and whose keeper were both killed: whoever lives has the lock.
fn sweep(base: &Path) {
    for folder in fs::read_dir(base).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_ours = folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(FOLDER));
        let is_left = || File::open(folder.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if is_ours && is_left() {
            drop(fs::remove_dir_all(&folder));
        }
    }
}
