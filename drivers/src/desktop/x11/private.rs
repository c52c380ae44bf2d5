//! A desktop of our own: an X server without a monitor, a window manager, a session bus and an accessibility bus, for one run.
//!
//! `private.sh` keeps it for as long as we hold the other end of its standard input: however this program ends, that ends, and so does
//! the desktop. Where the system allows it, it is the first process of a namespace, so that what leaves its group ends with it too.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tapwright_contract::Size;
use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::Instant;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, ImageFormat};

use super::super::apps::with_accessibility;
use super::super::bus::SessionBus;
use super::super::office::{remove_dead_pipes, write_profile};
use super::server::{Entrance, Fault, Link};
use crate::deadline::Deadline;
use crate::private_folder::{PrivateFolder, make_folder, sweep, write_new};
use crate::quote::quote;
use crate::refused;

const SCRIPT: &str = include_str!("private.sh");
const JOB_SCRIPT: &str = include_str!("job.sh");
const HOME_SCRIPT: &str = include_str!("private_home.sh");
const WINDOW_MANAGER: &str = include_str!("openbox.xml");
const SOCKETS: &str = "/tmp/.X11-unix";
/// Of what programs that are started here get to know of the environment: nothing of ours, in which there may be keys.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/games:/usr/games";
/// What folders of private desktops are called, before a random end.
const FOLDER: &str = "tapwright-desktop-";
/// What is needed, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 4] =
    [("Xvfb", "xvfb"), ("openbox", "openbox"), ("dbus-daemon", "dbus-daemon"), ("dbus-send", "dbus-bin")];
/// What the widgets of programs are told through.
const ACCESSIBILITY: (&str, &str) = ("/usr/share/dbus-1/services/org.a11y.Bus.service", "at-spi2-core");
/// As whom root's programs run inside: `--map-user` below.
const OTHER_USER: u32 = 1000;
/// How long the end of a desktop may take, before it is ended without being asked.
const END: Duration = Duration::from_secs(5);
/// How long the path of the folder may be in which a desktop's is made: sockets lie in it, whose names the system cuts at 107 characters.
const BASE_CHARS_MAX: usize = 52;
/// The least time between two questions whether the window manager is there.
const PAUSE: Duration = Duration::from_millis(5);
/// No line that the script writes is longer.
const LINE_MAX: u64 = 4096;

/// What a desktop of our own is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateOptions {
    pub size: Size,
    /// In which folder its own one is made, for as long as it is there.
    pub folder: PathBuf,
    /// Whether it does without a namespace, as on systems that allow none.
    pub in_group: bool,
    /// Where its programs see their home, if that is to be another place than it is: `/home/user`. It takes a namespace.
    pub home: Option<String>,
}

/// A desktop that ends when this is dropped.
#[derive(Debug)]
pub struct PrivateDesktop {
    pub(super) folder: PrivateFolder,
    display: u32,
    cookie: Vec<u8>,
    input: Mutex<Option<ChildStdin>>,
    keeper: Mutex<Option<Child>>,
    /// Whether whoever is root outside is somebody else inside.
    is_other_user: bool,
    /// Whether programs tell their widgets.
    pub has_accessibility: bool,
}

/// Where a program is that a private desktop's programs can start by its name; `None` if it is not there.
pub fn find_program(name: &str) -> Option<PathBuf> {
    PATH.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// Which of the programs that a private desktop needs are not there, and the packages that have them.
pub fn missing_programs() -> Vec<(&'static str, &'static str)> {
    let is_there = |program: &str| find_program(program).is_some();
    let mut missing: Vec<_> = PROGRAMS.into_iter().filter(|(program, _)| !is_there(program)).collect();
    missing.extend((!Path::new(ACCESSIBILITY.0).is_file()).then_some(("the accessibility bus", ACCESSIBILITY.1)));
    missing
}

/// What a private desktop lacks, in words.
pub(crate) fn lacks() -> Option<String> {
    let missing = missing_programs();
    let (program, _) = missing.first()?;
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    Some(format!("{program} is not there, which a private desktop needs: apt install {}", packages.join(" ")))
}

impl PrivateDesktop {
    /// Starts one.
    ///
    /// # Errors
    /// `Refused` if something is not installed, with what to install; or if something did not start, with its own words.
    pub async fn start(options: &PrivateOptions, within: Duration) -> Result<PrivateDesktop, DriverErrorKind> {
        let deadline = Deadline::after(within);
        if let Some(why) = lacks() {
            return Err(refused(why));
        }
        check_base(&options.folder)?;
        let (base, is_usual) = (options.folder.clone(), options.home.is_none());
        let prepared = tokio::task::spawn_blocking(move || {
            sweep(&base, FOLDER, remove);
            prepare(&base, is_usual)
        });
        let prepared = prepared.await.map_err(|error| refused(error.to_string()))?;
        let (folder, cookie) = prepared.map_err(|error| {
            refused(format!("no folder for a private desktop can be made in {}: {error}", options.folder.display()))
        })?;
        if let Some(home) = &options.home {
            check_home(home)?;
        }
        let (mut keeper, kind) = keeper(&folder.path, options).await.map_err(|error| refused(error.to_string()))?;
        let (input, output) = (keeper.stdin.take(), keeper.stdout.take());
        // From here on the folder is the script's to remove, as soon as `input` is closed.
        let mut desktop = PrivateDesktop {
            folder,
            display: 0,
            cookie,
            input: Mutex::new(input),
            keeper: Mutex::new(Some(keeper)),
            is_other_user: kind == "namespace" && (options.home.is_some() || rustix::process::geteuid().is_root()),
            has_accessibility: true,
        };
        let output = output.ok_or_else(|| refused("a private desktop cannot be listened to"))?;
        deadline.hold("a private desktop", desktop.read_start(output)).await?;
        tracing::debug!(
            display = desktop.display,
            kind,
            ms = deadline.elapsed().as_millis(),
            "a private desktop is there"
        );
        Ok(desktop)
    }

    async fn read_start(&mut self, output: ChildStdout) -> Result<(), DriverErrorKind> {
        let mut lines = BufReader::new(output);
        loop {
            let mut line = String::new();
            let read = (&mut lines).take(LINE_MAX).read_line(&mut line).await;
            let words = line.trim_end();
            match (read, words.split_once(' ')) {
                (Ok(_), Some(("display", number))) => {
                    self.display = number.parse().map_err(|_| refused(format!("Xvfb says that it is {number:?}")))?;
                }
                (Ok(_), Some(("failed", why))) => {
                    return Err(refused(format!("a private desktop did not start: {why}")));
                }
                (Ok(_), _) if words == "without accessibility" => self.has_accessibility = false,
                (Ok(_), _) if words == "ready" => return Ok(()),
                (Ok(0) | Err(_), _) => return Err(refused("a private desktop did not start, and says nothing")),
                (Ok(_), _) => tracing::debug!(words, "a private desktop says"),
            }
        }
    }

    /// How it is entered.
    pub fn entrance(&self) -> Entrance {
        Entrance::Socket { path: Path::new(SOCKETS).join(format!("X{}", self.display)), cookie: self.cookie.clone() }
    }

    /// Its session bus.
    pub fn bus(&self) -> SessionBus {
        let address = format!("unix:path={}", self.folder.path.join("run/bus").display());
        SessionBus { address, user: self.is_other_user.then_some(OTHER_USER) }
    }

    /// Its number: `99` of `:99`.
    pub fn display(&self) -> u32 {
        self.display
    }

    /// Its own folder, which nobody else can look into.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path.clone()
    }

    /// The home of its programs.
    pub fn home(&self) -> PathBuf {
        self.folder.path.join("home")
    }

    /// Programs that are put there stand before all others, in a desktop whose home has a path of its own.
    pub fn programs(&self) -> PathBuf {
        self.folder.path.join("bin")
    }

    /// What its window manager reads.
    pub fn window_manager_settings(&self) -> PathBuf {
        self.folder.path.join("openbox.xml")
    }

    /// Where the cookie is with which X programs are let in.
    pub fn authority(&self) -> PathBuf {
        self.folder.path.join("authority")
    }

    /// Starts a program in it.
    ///
    /// # Errors
    /// `Refused` if its words cannot be said, `Lost` if the desktop is gone.
    pub async fn start_program(&self, command: &[String]) -> Result<(), DriverErrorKind> {
        let mut line = Vec::new();
        for word in &with_accessibility(command) {
            if word.contains(['\n', '\0']) {
                return Err(refused("a command with a line break cannot be started"));
            }
            line.push(quote(word).map_err(|error| refused(error.to_string()))?);
        }
        self.start_line(&line.join(" ")).await
    }

    /// Has a line of the shell started in it.
    pub(super) async fn start_line(&self, line: &str) -> Result<(), DriverErrorKind> {
        let line = format!("{line}\n");
        let gone = || DriverErrorKind::Lost { why: "the private desktop has ended".to_owned() };
        let mut input = self.input.lock().await;
        input.as_mut().ok_or_else(gone)?.write_all(line.as_bytes()).await.map_err(|_| gone())
    }

    /// Ends it, and waits until nothing of it is left.
    pub async fn end(&self) {
        drop(self.input.lock().await.take());
        let Some(mut keeper) = self.keeper.lock().await.take() else { return };
        if tokio::time::timeout(END, keeper.wait()).await.is_err() {
            tracing::debug!("the private desktop did not end by itself");
            drop(keeper.kill().await);
            remove(&self.folder.path);
        }
        remove_dead_pipes();
        // The keeper cannot take away a folder that is mounted where it is.
        drop(fs::remove_dir(&self.folder.path));
    }
}

/// Whether sockets may lie below a folder: addresses of buses are cut off at blanks and the like.
fn check_base(base: &Path) -> Result<(), DriverErrorKind> {
    let text = base.to_string_lossy();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    let why = match (is_plain, text.chars().count()) {
        (false, _) => "there is a character in it that no socket's address may have".to_owned(),
        (true, length) if length > BASE_CHARS_MAX => {
            format!("its path has {length} characters, and {BASE_CHARS_MAX} are the most")
        }
        (true, _) => return Ok(()),
    };
    Err(refused(format!(
        "a private desktop's sockets cannot lie in {text:.200?}: {why}; name another folder: TMPDIR=/tmp"
    )))
}

/// Whether a home may be there: a path that covers nothing of the system.
fn check_home(home: &str) -> Result<(), DriverErrorKind> {
    let name = home.strip_prefix("/home/").unwrap_or_default();
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    match is_plain {
        true => Ok(()),
        false => Err(refused(format!("a private desktop's home can be /home/NAME, and not {home:?}"))),
    }
}

/// Starts the script as the first process of a namespace, or of a group where the system allows none.
async fn keeper(folder: &Path, options: &PrivateOptions) -> std::io::Result<(Child, &'static str)> {
    let ids: &[&str] = match options.home.is_some() || rustix::process::geteuid().is_root() {
        // Some programs refuse to run as root, and others run without protection: inside they are not.
        true => &["--map-user=1000", "--map-group=1000"],
        false => &["--map-current-user"],
    };
    let fixed = ["--user", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let namespace: Vec<&str> = fixed.iter().chain(ids).copied().collect();
    let mut tried = Command::new("unshare");
    tried.args(&namespace).arg("true").env("PATH", PATH).stdin(Stdio::null()).stderr(Stdio::null());
    let is_namespace = !options.in_group && tried.status().await.is_ok_and(|status| status.success());
    let kind = if is_namespace { "namespace" } else { "group" };
    if options.home.is_some() && !is_namespace {
        let why = "its home cannot have the path that was asked for, as this system allows no user namespaces (unshare --user)";
        return Err(std::io::Error::other(why));
    }
    let mut command = Command::new(if is_namespace { "unshare" } else { "sh" });
    if let Some(home) = &options.home {
        // As root of a namespace around it, which may mount.
        command.args(["--user", "--map-root-user", "--mount", "sh"]);
        command.arg(folder.join("private_home.sh")).arg(folder).args([home, "unshare"]);
    }
    if is_namespace {
        command.args(&namespace).arg("sh");
    }
    command
        .arg(folder.join("private.sh"))
        .arg(folder)
        .arg(options.size.to_string())
        .arg(number_of(folder).to_string())
        .arg(kind)
        .args(&options.home);
    command.env_clear().env("PATH", PATH).process_group(0);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    Ok((child, kind))
}

/// The number of a folder's display. Servers in namespaces of their own cannot see which numbers others have, and would take away each
/// other's sockets while they look for a free one; so it is drawn with the folder's name.
fn number_of(folder: &Path) -> u32 {
    const FIRST: u32 = 1000;
    const COUNT: u32 = 49_000;
    let name = folder.to_string_lossy();
    let end = name.get(name.len().saturating_sub(8)..).and_then(|end| u32::from_str_radix(end, 16).ok());
    FIRST + end.unwrap_or_default() % COUNT
}

/// Makes the folder of a desktop, with what it needs, and its cookie. A usual home has programs behave for whoever works by keys: others
/// are measured as their makers have set them.
fn prepare(base: &Path, is_usual: bool) -> std::io::Result<(PrivateFolder, Vec<u8>)> {
    let mut cookie = [0; 16];
    getrandom::fill(&mut cookie).map_err(|error| std::io::Error::other(error.to_string()))?;
    // As root nobody else may make it; without it servers listen nowhere.
    if !Path::new(SOCKETS).is_dir() && fs::create_dir(SOCKETS).is_ok() {
        fs::set_permissions(SOCKETS, Permissions::from_mode(0o1777))?;
    }
    let folder = PrivateFolder::make(base, FOLDER, |inside| {
        write_new(&inside.join("private.sh"), SCRIPT.as_bytes())?;
        write_new(&inside.join("private_home.sh"), HOME_SCRIPT.as_bytes())?;
        write_new(&inside.join("job.sh"), JOB_SCRIPT.as_bytes())?;
        for name in ["home", "run", "bin", "jobs"] {
            make_folder(&inside.join(name))?;
        }
        write_new(&inside.join("openbox.xml"), WINDOW_MANAGER.as_bytes())?;
        write_profile(&inside.join("home"), inside, is_usual)?;
        if is_usual {
            write_player_settings(&inside.join("home"))?;
        }
        write_new(&inside.join("authority"), &authority(&cookie))
    })?;
    Ok((folder, cookie.to_vec()))
}

/// Has VLC ask nobody whether it may look for covers in the network, and show no dialog that takes the keys where there is no sound.
fn write_player_settings(home: &Path) -> std::io::Result<()> {
    let folder = home.join(".config/vlc");
    make_folder(&folder)?;
    let settings = "[qt]\nqt-privacy-ask=0\nqt-error-dialogs=0\n\n[core]\nmetadata-network-access=0\n";
    write_new(&folder.join("vlcrc"), settings.as_bytes())
}

/// The file in which X programs look for their cookie: of any address and any display. Python's Xlib knows no entry for any address, and
/// looks for this machine's name.
fn authority(cookie: &[u8]) -> Vec<u8> {
    const ANY: u16 = 0xffff;
    const LOCAL: u16 = 256;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut bytes = Vec::new();
    for (family, address) in [(LOCAL, host.trim()), (ANY, "")] {
        bytes.extend(family.to_be_bytes());
        for part in [address.as_bytes(), b"", b"MIT-MAGIC-COOKIE-1", cookie] {
            bytes.extend(u16::try_from(part.len()).expect("they are short").to_be_bytes());
            bytes.extend(part);
        }
    }
    bytes
}

/// Removes a folder, and the socket and the lock of its server if nobody listens there any more.
fn remove(folder: &Path) {
    if let Some(number) =
        fs::read_to_string(folder.join("display")).ok().and_then(|text| text.trim().parse::<u32>().ok())
    {
        let socket = Path::new(SOCKETS).join(format!("X{number}"));
        if UnixStream::connect(&socket).is_err() {
            drop(fs::remove_file(&socket));
            drop(fs::remove_file(format!("/tmp/.X{number}-lock")));
        }
    }
    drop(fs::remove_dir_all(folder));
    remove_dead_pipes();
}

impl super::X11Desktop {
    /// Waits for the window manager of a desktop of ours, and gives it a background.
    pub(super) async fn furnish(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        while !self.call("the window manager", deadline, |link| link.has_window_manager()).await? {
            deadline.rest_until(Instant::now() + PAUSE).await;
        }
        self.call("a background", deadline, Link::paint_background).await
    }
}

impl Link {
    /// Without one the screen would be black, which says nothing to whoever looks at it.
    fn paint_background(&mut self) -> Result<(), Fault> {
        const WIDTH: u16 = 16;
        let height = self.x.get_geometry(self.root)?.reply()?.height;
        let depth =
            self.x.setup().roots.iter().find(|screen| screen.root == self.root).map_or(24, |screen| screen.root_depth);
        let mut pixels = Vec::with_capacity(4 * usize::from(WIDTH) * usize::from(height));
        for y in 0..u32::from(height) {
            let shade = |from: u32, to: u32| (from + (to - from) * y / u32::from(height.max(1))) as u8;
            pixels.extend([shade(96, 148), shade(72, 116), shade(56, 88), 0].repeat(WIDTH.into()));
        }
        let (pixmap, context) = (self.x.generate_id()?, self.x.generate_id()?);
        self.x.create_pixmap(depth, pixmap, self.root, WIDTH, height)?;
        self.x.create_gc(context, pixmap, &CreateGCAux::new())?;
        self.x.put_image(ImageFormat::Z_PIXMAP, pixmap, context, WIDTH, height, 0, 0, 0, depth, &pixels)?;
        self.x.change_window_attributes(self.root, &ChangeWindowAttributesAux::new().background_pixmap(pixmap))?;
        self.x.clear_area(false, self.root, 0, 0, 0, 0)?;
        self.x.free_gc(context)?;
        self.x.free_pixmap(pixmap)?;
        self.sync()
    }
}
