//! A private desktop here as OSWorld's virtual machine: the home `/home/user`, its programs by the names that they have there, and the same
//! questions answered.
//!
//! It is a private desktop ([`crate::desktop::PrivateDesktop`]) in namespaces of its own. What is not as on the virtual machine: there is no
//! root, no GNOME shell and no system bus; programs are this machine's; the network is this machine's too.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::Size;
use tapwright_contract::device::{DriverError, DriverErrorKind};

use super::machine::{
    CommandOutput, ControlledMachine, FILE_BYTES_MAX, FOLDER_ENTRIES_MAX, FolderEntry, MachineCommand, MachineError,
    MachineErrorKind, MachineService, MachineWindow, OUTPUT_BYTES_MAX, TREE_BYTES_MAX, WindowName,
};
use super::{programs, tree};
use crate::desktop::{
    AccessibleNode, DesktopAddress, DesktopInspector, DesktopOptions, InspectedWindow, PrivateDesktop, PrivateOptions,
    private_rig,
};
use crate::{Rig, Settle};

/// The home of upstream's user.
pub const HOME: &str = "/home/user";
/// The size of upstream's screen.
pub const SIZE: Size = Size { width: 1920, height: 1080 };
/// What stands in the home before anything is started.
const SEEDS: [(&str, &str); 5] = [
    (".config/libreoffice/4/user/registrymodifications.xcu", include_str!("home/registrymodifications.xcu")),
    (".config/vlc/vlcrc", include_str!("home/vlcrc")),
    (".config/google-chrome/First Run", ""),
    (".config/pulse/default.pa", include_str!("home/default.pa")),
    (".config/user-dirs.dirs", include_str!("home/user-dirs.dirs")),
];
const FOLDERS: [&str; 8] = ["Desktop", "Documents", "Downloads", "Music", "Pictures", "Public", "Templates", "Videos"];
/// The key that opens a terminal, as on upstream's desktop.
const KEYS: &str = r#"<keyboard><keybind key="C-A-t"><action name="Execute"><command>gnome-terminal</command></action></keybind></keyboard>"#;
/// The least time between two looks whether a window is there.
const PAUSE: Duration = Duration::from_millis(50);
/// What a command returns that has been given up inside the machine.
const SIGNAL: i32 = 128;

/// A private desktop that is set up and asked as OSWorld's virtual machine is. It ends with [`PrivateMachine::end`], or when it is dropped.
pub struct PrivateMachine {
    desktop: Arc<PrivateDesktop>,
    inspector: DesktopInspector,
    vlc_port: u16,
    number: AtomicU64,
}

fn error(operation: &str, kind: MachineErrorKind) -> MachineError {
    MachineError { machine: "private desktop".to_owned(), operation: operation.to_owned(), kind }
}

fn refused(operation: &str, why: impl Into<String>) -> MachineError {
    error(operation, MachineErrorKind::Refused { why: why.into() })
}

/// What a driver's error is to whoever speaks to a machine.
fn from_driver(operation: &str, kind: DriverErrorKind) -> MachineError {
    error(
        operation,
        match kind {
            DriverErrorKind::Lost { why } => MachineErrorKind::Unreachable { why },
            DriverErrorKind::TimedOut { tries } => MachineErrorKind::TimedOut { why: tries },
            DriverErrorKind::MalformedResponse { why } => MachineErrorKind::Malformed { why },
            other => MachineErrorKind::Refused { why: other.to_string() },
        },
    )
}

impl PrivateMachine {
    /// Starts one in a folder below this one.
    ///
    /// # Errors
    /// `Refused` if this machine cannot have one, with what to do.
    pub async fn start(folder: &Path, size: Size, within: Duration) -> Result<PrivateMachine, DriverErrorKind> {
        let options = PrivateOptions { size, folder: folder.to_owned(), in_group: false, home: Some(HOME.to_owned()) };
        let desktop = Arc::new(PrivateDesktop::start(&options, within).await?);
        // Nobody has it now, and whoever takes it meanwhile keeps VLC's page from being there, which is told then.
        let vlc_port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|port| port.local_addr());
        let vlc_port = vlc_port.map_err(|error| crate::refused(error.to_string()))?.port();
        let inspector = DesktopInspector::new(desktop.entrance(), desktop.bus());
        let machine = PrivateMachine { desktop, inspector, vlc_port, number: AtomicU64::new(0) };
        machine.furnish().map_err(|error| crate::refused(format!("its home cannot be filled: {error}")))?;
        let reconfigured = machine.desktop.run_command(&words(["openbox", "--reconfigure"]), 1 << 16, within).await;
        drop(reconfigured); // Without it only the key for a terminal is missing.
        Ok(machine)
    }

    fn furnish(&self) -> std::io::Result<()> {
        let home = self.desktop.home();
        let mut folders = fs::DirBuilder::new();
        folders.recursive(true).mode(0o755);
        for folder in FOLDERS {
            folders.create(home.join(folder))?;
        }
        for (name, content) in SEEDS {
            let path = home.join(name);
            folders.create(path.parent().unwrap_or(&home))?;
            fs::write(path, content)?;
        }
        let programs = self.desktop.programs();
        programs::install(&programs)?;
        folders.create(programs.join("modules"))?;
        fs::write(programs.join("modules/pyautogui.py"), include_str!("pyautogui.py"))?;
        fs::write(programs.join("vlc.port"), self.vlc_port.to_string())?;
        let settings = self.desktop.window_manager_settings();
        let keys = fs::read_to_string(&settings)?.replace("<keyboard></keyboard>", KEYS);
        fs::write(&settings, keys)
    }

    /// A rig on the same desktop, for an agent. It has no calls: what upstream's agents have is a screen, a pointer and a keyboard.
    ///
    /// # Errors
    /// `DriverError` if the desktop cannot be reached.
    pub async fn rig(
        self: &Arc<PrivateMachine>,
        settle: Settle,
        applications: Vec<PathBuf>,
        within: Duration,
    ) -> Result<Rig, DriverError> {
        let size = self.inspector.size(within).await.map_err(|kind| DriverError {
            device: "private desktop".to_owned(),
            operation: "open",
            kind,
        })?;
        let options = DesktopOptions {
            at: DesktopAddress::Private { size, folder: self.desktop.home() },
            settle,
            applications,
            folders: Vec::new(),
            bus: None,
            machine: None,
            office: None,
            methods: Vec::new(),
        };
        private_rig(self.desktop.clone(), &options, within).await
    }

    /// Ends it, and waits until nothing of it is left.
    pub async fn end(&self) {
        self.desktop.end().await;
    }

    async fn run(&self, operation: &str, words: &[String], within: Duration) -> Result<CommandOutput, MachineError> {
        let ran = self.desktop.run_command(words, OUTPUT_BYTES_MAX, within).await;
        let ran = ran.map_err(|kind| from_driver(operation, kind))?;
        Ok(CommandOutput {
            output: String::from_utf8_lossy(&ran.output).into_owned(),
            error: String::from_utf8_lossy(&ran.error).into_owned(),
            code: if ran.code > SIGNAL { SIGNAL - ran.code } else { ran.code },
            is_cut: ran.is_cut,
        })
    }

    /// Runs a script of ours with words that it takes.
    async fn script(
        &self,
        operation: &str,
        script: &str,
        taken: &[&str],
        within: Duration,
    ) -> Result<CommandOutput, MachineError> {
        let words = ["sh", "-c", script, "sh"].into_iter().chain(taken.iter().copied());
        self.run(operation, &words.map(str::to_owned).collect::<Vec<_>>(), within).await
    }

    /// A path without `~` and with a shell's variables of the home.
    fn expanded(path: &str) -> String {
        let path = match path.strip_prefix('~') {
            Some("") => HOME.to_owned(),
            Some(rest) if rest.starts_with('/') => format!("{HOME}{rest}"),
            _ => path.to_owned(),
        };
        path.replace("${HOME}", HOME).replace("$HOME", HOME)
    }

    async fn found(&self, name: &WindowName, within: Duration) -> Result<Option<InspectedWindow>, MachineError> {
        let windows = self.inspector.windows(within).await.map_err(|kind| from_driver("list the windows", kind))?;
        let here = WindowName { name: programs::name_here(&name.name), ..name.clone() };
        let is_meant = |window: &&InspectedWindow| {
            let told = machine_window(window);
            name.is_of(&told) || here.is_of(&told)
        };
        // As wmctrl does it: the first that was opened, which has the lowest number.
        Ok(windows.iter().filter(is_meant).min_by_key(|window| window.id).cloned())
    }

    /// A file that carries a picture or a content into or out of the machine.
    fn passage(&self) -> PathBuf {
        self.desktop.programs().join(format!("passage-{}", self.number.fetch_add(1, Ordering::Relaxed)))
    }
}

/// What lies in a folder into which programs of the desktop can write: a link there would lead out of the desktop, to any file of the user,
/// and a pipe would be waited for without end.
fn read_passage(passage: &Path) -> std::io::Result<Vec<u8>> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(passage)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn words<const N: usize>(words: [&str; N]) -> [String; N] {
    words.map(str::to_owned)
}

fn machine_window(window: &InspectedWindow) -> MachineWindow {
    MachineWindow { title: window.title.clone(), class: window.class.clone(), is_active: window.is_active }
}

#[async_trait]
impl ControlledMachine for PrivateMachine {
    fn name(&self) -> &str {
        "private desktop"
    }

    async fn execute(&self, command: &MachineCommand, within: Duration) -> Result<CommandOutput, MachineError> {
        let operation = "run a command";
        let resolved = command.resolved(HOME).map_err(|why| refused(operation, why))?;
        if !command.shell {
            self.check_program(operation, &resolved[0], within).await?;
        }
        self.run(operation, &resolved, within).await
    }

    async fn launch(&self, command: &MachineCommand, within: Duration) -> Result<(), MachineError> {
        let operation = "start a program";
        let resolved = command.resolved(HOME).map_err(|why| refused(operation, why))?;
        if !command.shell {
            self.check_program(operation, &resolved[0], within).await?;
        }
        let script = r#""$@" >/dev/null 2>&1 </dev/null & :"#;
        let words = words(["setsid", "sh", "-c", script, "sh"]).into_iter().chain(resolved).collect::<Vec<_>>();
        self.run(operation, &words, within).await.map(drop)
    }

    async fn read_file(&self, path: &str, within: Duration) -> Result<Option<Vec<u8>>, MachineError> {
        // Read inside, where links lead where programs see them lead. A pipe or a device would be read without an end.
        let script = r#"[ -e "$1" ] || exit 9; [ -f "$1" ] || exit 8; head -c "$2" -- "$1" >"$3""#;
        let (operation, passage) = (format!("read the file {path}"), self.passage());
        let most = (FILE_BYTES_MAX + 1).to_string();
        let told = passage.to_string_lossy().into_owned();
        let ran = self.script(&operation, script, &[&Self::expanded(path), &most, &told], within).await?;
        let content = read_passage(&passage);
        drop(fs::remove_file(&passage));
        match (ran.code, content) {
            (9, _) => Ok(None),
            (8, _) => Err(refused(&operation, "it is no file")),
            (0, Ok(content)) if content.len() as u64 > FILE_BYTES_MAX => {
                Err(error(&operation, MachineErrorKind::TooLarge { bytes_max: FILE_BYTES_MAX }))
            }
            (0, Ok(content)) => Ok(Some(content)),
            _ => Err(refused(&operation, ran.error.trim())),
        }
    }

    async fn write_file(&self, path: &str, content: &[u8], within: Duration) -> Result<(), MachineError> {
        let operation = format!("write the file {path}");
        if content.len() as u64 > FILE_BYTES_MAX {
            return Err(error(&operation, MachineErrorKind::TooLarge { bytes_max: FILE_BYTES_MAX }));
        }
        let passage = self.passage();
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&passage);
        written
            .and_then(|mut file| std::io::Write::write_all(&mut file, content))
            .map_err(|error| refused(&operation, error.to_string()))?;
        let script = r#"case $1 in */*) mkdir -p -- "${1%/*}" ;; esac && cat <"$2" >"$1""#;
        let told = passage.to_string_lossy().into_owned();
        let ran = self.script(&operation, script, &[&Self::expanded(path), &told], within).await;
        drop(fs::remove_file(&passage));
        match ran? {
            CommandOutput { code: 0, .. } => Ok(()),
            ran => Err(refused(&operation, ran.error.trim())),
        }
    }

    async fn open_file(&self, path: &str, within: Duration) -> Result<(), MachineError> {
        let operation = format!("open the file {path}");
        let began = tokio::time::Instant::now();
        let path = Self::expanded(path);
        let there = self.script(&operation, r#"[ -e "$1" ]"#, &[&path], within).await?;
        if there.code != 0 {
            return Err(refused(&operation, "it is not there"));
        }
        self.launch(&MachineCommand::program(["xdg-open", path.as_str()]), within).await?;
        let name = path.rsplit('/').next().unwrap_or(&path);
        // Titles leave out what a name ends in at times.
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let name = WindowName { name: stem.to_owned(), is_whole: false, by_class: false };
        while began.elapsed() < within {
            if let Some(window) = self.found(&name, within).await? {
                return self.inspector.activate(window.id, within).await.map_err(|kind| from_driver(&operation, kind));
            }
            tokio::time::sleep(PAUSE).await;
        }
        let why = format!("no window has {stem:?} in its title after {} s", within.as_secs());
        Err(error(&operation, MachineErrorKind::TimedOut { why }))
    }

    async fn activate_window(&self, window: &WindowName, within: Duration) -> Result<bool, MachineError> {
        let Some(found) = self.found(window, within).await? else { return Ok(false) };
        let activated = self.inspector.activate(found.id, within).await;
        activated.map(|()| true).map_err(|kind| from_driver("activate a window", kind))
    }

    async fn close_window(&self, window: &WindowName, within: Duration) -> Result<bool, MachineError> {
        let Some(found) = self.found(window, within).await? else { return Ok(false) };
        let closed = self.inspector.close(found.id, within).await;
        closed.map(|()| true).map_err(|kind| from_driver("close a window", kind))
    }

    async fn windows(&self, within: Duration) -> Result<Vec<MachineWindow>, MachineError> {
        let windows = self.inspector.windows(within).await.map_err(|kind| from_driver("list the windows", kind))?;
        Ok(windows.iter().map(machine_window).collect())
    }

    async fn accessibility_tree(&self, within: Duration) -> Result<String, MachineError> {
        let operation = "read the accessibility tree";
        let nodes = self.inspector.widgets(within).await.map_err(|kind| from_driver(operation, kind))?;
        let tree = tree::write(&nodes, programs::name_there);
        match tree.len() > TREE_BYTES_MAX {
            true => Err(error(operation, MachineErrorKind::TooLarge { bytes_max: TREE_BYTES_MAX as u64 })),
            false => Ok(tree),
        }
    }

    async fn screenshot(&self, within: Duration) -> Result<Vec<u8>, MachineError> {
        let operation = "take a screenshot";
        let picture = self.inspector.picture(within).await.map_err(|kind| from_driver(operation, kind))?;
        let size = picture.size();
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        let written = image::ImageEncoder::write_image(
            encoder,
            picture.rgba(),
            size.width,
            size.height,
            image::ExtendedColorType::Rgba8,
        );
        written.map(|()| bytes).map_err(|error| refused(operation, error.to_string()))
    }

    async fn terminal_output(&self, within: Duration) -> Result<Option<String>, MachineError> {
        let nodes = self.inspector.widgets(within).await;
        Ok(terminal_text(&nodes.map_err(|kind| from_driver("read the terminal", kind))?))
    }

    async fn screen_size(&self, within: Duration) -> Result<Size, MachineError> {
        self.inspector.size(within).await.map_err(|kind| from_driver("tell the size of the screen", kind))
    }

    async fn cursor_position(&self, within: Duration) -> Result<(i32, i32), MachineError> {
        self.inspector.pointer(within).await.map_err(|kind| from_driver("tell where the pointer is", kind))
    }

    async fn window_size(&self, app_class: &str, within: Duration) -> Result<Option<Size>, MachineError> {
        let windows = self.inspector.windows(within).await.map_err(|kind| from_driver("list the windows", kind))?;
        let class = programs::name_here(app_class).to_lowercase();
        let own = windows.iter().find(|window| window.class.to_lowercase().split('.').any(|part| part == class));
        Ok(own.map(|window| {
            let [_, _, width, height] = window.area;
            Size { width: width.try_into().unwrap_or(0), height: height.try_into().unwrap_or(0) }
        }))
    }

    async fn desktop_folder(&self, _within: Duration) -> Result<String, MachineError> {
        Ok(format!("{HOME}/Desktop"))
    }

    async fn list_folder(&self, path: &str, within: Duration) -> Result<Option<FolderEntry>, MachineError> {
        let operation = format!("list the folder {path}");
        let path = Self::expanded(path);
        let script = r#"[ -d "$1" ] || exit 9; find "$1" -mindepth 1 -printf '%y %P\0' | head -c "$2""#;
        let most = OUTPUT_BYTES_MAX.to_string();
        let ran = self.script(&operation, script, &[&path, &most], within).await?;
        if ran.code == 9 {
            return Ok(None);
        }
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let mut root = FolderEntry { name, children: Some(Vec::new()) };
        let mut entries: Vec<&str> = ran.output.split('\0').filter(|entry| !entry.is_empty()).collect();
        if entries.len() > FOLDER_ENTRIES_MAX || ran.output.len() >= OUTPUT_BYTES_MAX {
            return Err(error(&operation, MachineErrorKind::TooLarge { bytes_max: OUTPUT_BYTES_MAX as u64 }));
        }
        entries.sort_by_key(|entry| entry.get(2..));
        for entry in entries {
            let (kind, path) = entry.split_once(' ').unwrap_or(("f", entry));
            insert(&mut root, path, kind == "d");
        }
        Ok(Some(root))
    }

    async fn wallpaper(&self, within: Duration) -> Result<Option<Vec<u8>>, MachineError> {
        let told =
            self.script("tell the wallpaper", "gsettings get org.gnome.desktop.background picture-uri", &[], within);
        let told = told.await?.output;
        let Some(path) = told.trim().trim_matches('\'').strip_prefix("file://") else { return Ok(None) };
        self.read_file(path, within).await
    }

    async fn set_wallpaper(&self, path: &str, within: Duration) -> Result<bool, MachineError> {
        let Some(content) = self.read_file(path, within).await? else { return Ok(false) };
        if !is_picture(&content) {
            return Err(refused("set the wallpaper", format!("{path} is no picture")));
        }
        let script = r#"gsettings set org.gnome.desktop.background picture-uri "file://$1""#;
        let told = self.script("set the wallpaper", script, &[&Self::expanded(path)], within).await?;
        match told.code {
            0 => Ok(true),
            _ => Err(refused("set the wallpaper", told.error.trim())),
        }
    }

    async fn service(&self, service: MachineService, within: Duration) -> Result<String, MachineError> {
        match service {
            MachineService::Vlc => Ok(format!("127.0.0.1:{}", self.vlc_port)),
            MachineService::Browser => {
                let told = self.read_file("~/.config/google-chrome/DevToolsActivePort", within).await?;
                let told = told.map(|told| String::from_utf8_lossy(&told).into_owned()).unwrap_or_default();
                let port = told.lines().next().and_then(|port| port.parse::<u16>().ok());
                let why = "the browser has not written its debugging port into its profile".to_owned();
                let gone = || error("reach the browser", MachineErrorKind::Unreachable { why });
                port.map(|port| format!("127.0.0.1:{port}")).ok_or_else(gone)
            }
        }
    }
}

impl PrivateMachine {
    /// # Errors
    /// `Refused` if there is no such program.
    async fn check_program(&self, operation: &str, name: &str, within: Duration) -> Result<(), MachineError> {
        let there = self.script(operation, r#"command -v -- "$1" >/dev/null"#, &[name], within).await?;
        match there.code {
            0 => Ok(()),
            _ => {
                let lacks = programs::lacking(name).unwrap_or_else(|| format!("the program {name}"));
                Err(error(operation, MachineErrorKind::Unsupported { needs: lacks }))
            }
        }
    }
}

/// Puts an entry below the folder that it lies in; parents come before their children.
fn insert(root: &mut FolderEntry, path: &str, is_folder: bool) {
    let mut at = root;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let children = at.children.get_or_insert_default();
        let is_last = parts.peek().is_none();
        let position = children.iter().position(|child| child.name == part);
        let position = position.unwrap_or_else(|| {
            let children_of = (is_folder || !is_last).then(Vec::new);
            children.push(FolderEntry { name: part.to_owned(), children: children_of });
            children.len() - 1
        });
        at = &mut children[position];
    }
}

/// Whether a file begins as a picture does that can be a desktop's ground.
fn is_picture(content: &[u8]) -> bool {
    let is_drawing = || {
        let begin = content[..content.len().min(1 << 10)].to_ascii_lowercase();
        begin.windows(4).any(|part| part == b"<svg")
    };
    image::guess_format(content).is_ok() || is_drawing()
}

/// What the terminal with the focus shows, or else the first one.
fn terminal_text(nodes: &[AccessibleNode]) -> Option<String> {
    const TERMINAL: u32 = 60;
    const FOCUSED: u64 = 1 << 12;
    let terminals: Vec<&AccessibleNode> = nodes.iter().filter(|node| node.role == TERMINAL).collect();
    let focused = terminals.iter().find(|node| node.states & FOCUSED != 0);
    let text = focused.or(terminals.first())?.text.clone()?;
    // As upstream's server strips each line and the end.
    Some(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lie_in_their_folders() {
        let mut root = FolderEntry { name: "a".to_owned(), children: Some(Vec::new()) };
        for (path, is_folder) in [("b", true), ("b/c", false), ("b/d", true), ("e", false)] {
            insert(&mut root, path, is_folder);
        }
        let file = |name: &str| FolderEntry { name: name.to_owned(), children: None };
        let folder = |name: &str, children| FolderEntry { name: name.to_owned(), children: Some(children) };
        assert_eq!(root, folder("a", vec![folder("b", vec![file("c"), folder("d", vec![])]), file("e")]));
    }

    #[test]
    fn a_picture_is_known_by_its_beginning() {
        for picture in [&b"\x89PNG\r\n\x1a\n\0"[..], b"\xff\xd8\xff\xe0", b"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\">"]
        {
            assert!(is_picture(picture), "{picture:?}");
        }
        for other in [&b""[..], b"root:x:0:0:root:/root:/bin/bash\n", b"<?xml version=\"1.0\"?><a/>"] {
            assert!(!is_picture(other), "{other:?}");
        }
    }

    #[test]
    fn paths_are_of_the_home_of_there() {
        for (path, is) in [
            ("~/a", "/home/user/a"),
            ("~", "/home/user"),
            ("~other/a", "~other/a"),
            ("$HOME/a", "/home/user/a"),
            ("/tmp/~", "/tmp/~"),
        ] {
            assert_eq!(PrivateMachine::expanded(path), is, "{path}");
        }
    }
}
