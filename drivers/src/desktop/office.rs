//! Calls that LibreOffice carries out in the documents that are open in its windows.
//!
//! A script of ours (`office/*.py`, run by the Python that knows LibreOffice) takes them as lines of JSON over a socket, and does them
//! through LibreOffice's own interface, UNO. It runs on the desktop, as its programs do, and ends with it or as soon as nobody is at
//! the other end. What a model says is data there: of a call, a name of `calls.json` and arguments that its schema describes.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use super::files::{path_of_file, path_of_new_file};
use super::{OfficeAddress, ProgramStarter, api_error};
use crate::deadline::Deadline;
use crate::private_folder::{PrivateFolder, make_folder, sweep, write_new};
use crate::refused;

const CALLS: &str = include_str!("office/calls.json");
const SCRIPT: [&str; 6] = [
    include_str!("office/base.py"),
    include_str!("office/calc.py"),
    include_str!("office/chart.py"),
    include_str!("office/writer.py"),
    include_str!("office/impress.py"),
    include_str!("office/main.py"),
];
const PROFILE: &str = include_str!("office/profile.xcu");
/// What has a text stay as it is typed: nothing completes or corrects it.
const AS_TYPED: &str = include_str!("office/as_typed.xcu");
/// Where LibreOffice looks for its profile, in a home.
const PROFILE_FOLDERS: [&str; 4] = [".config", "libreoffice", "4", "user"];
/// How long the script may take to start, before it is taken for missing.
const START: Duration = Duration::from_secs(10);
/// No answer is longer, in bytes; the script tells no more than a part of it.
const ANSWER_MAX: u64 = 1 << 20;
/// No more characters of an answer are told.
const TOLD_MAX: usize = 20_000;
/// What folders are called in which something speaks to a LibreOffice that somebody has, before a random end.
const FOLDER: &str = "tapwright-office-";
/// Where programs of LibreOffice listen, and what the names of their sockets begin with.
const PIPES: (&str, &str) = ("/tmp", "OSL_PIPE_");

/// The class of the window in front, as the last look saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct WindowInFront(Arc<Mutex<Option<String>>>);

impl WindowInFront {
    pub fn set(&self, class: Option<&str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = class.map(str::to_owned);
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A line of `calls.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficeCall {
    name: String,
    effect: ApiEffect,
    about: String,
    properties: Value,
    required: Vec<String>,
    /// What its argument `path` names.
    path: Option<PathUse>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PathUse {
    /// A file that is there, and is read.
    File,
    /// One that is not, and is made.
    New,
}

impl OfficeCall {
    fn spec(&self) -> ApiSpec {
        let required: Vec<&str> = self.required.iter().map(String::as_str).collect();
        ApiSpec::of(&self.name, &self.about, self.effect, self.properties.clone(), &required)
    }

    /// Whether it is for documents of this kind: `calc`, `writer` or `impress`.
    fn is_for(&self, kind: &str) -> bool {
        self.name.split_once('.').is_some_and(|(of, _)| of == kind || of == "document")
    }
}

/// The calls of one desktop's LibreOffice.
pub(super) struct OfficeApis {
    calls: Vec<OfficeCall>,
    front: WindowInFront,
    /// The folders that files are read from and written to.
    folders: Arc<[PathBuf]>,
    starter: Arc<dyn ProgramStarter>,
    /// A folder that nobody else can look into, for the script and its socket.
    folder: PathBuf,
    /// Set if it is there for this alone.
    _own: Option<OwnFolder>,
    /// Where LibreOffice listens: `pipe,name=NAME`.
    connection: String,
    script: Option<RunningScript>,
    /// Set if nothing here knows LibreOffice.
    is_missing: bool,
}

/// A folder that goes when this is dropped.
struct OwnFolder(PrivateFolder);

impl Drop for OwnFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0.path));
    }
}

/// The script, as it runs.
struct RunningScript {
    input: OwnedWriteHalf,
    output: BufReader<OwnedReadHalf>,
}

/// What the script says.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScriptLine {
    Ready(()),
    Lacks(String),
    Told(Value),
    Refused(String),
    Failed(String),
}

/// Where the LibreOffice of a private desktop in this folder listens.
pub(super) fn private_connection(folder: &Path) -> String {
    format!("pipe,name={}", pipe_name(folder))
}

fn pipe_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.trim_start_matches('.').to_owned()
}

/// Gives a new home a profile with which LibreOffice greets nobody, and listens; and which leaves texts as they are typed, if that is wanted.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write_profile(home: &Path, folder: &Path, as_typed: bool) -> io::Result<()> {
    let mut inner = home.to_owned();
    for name in PROFILE_FOLDERS {
        inner.push(name);
        make_folder(&inner)?;
    }
    let more = if as_typed { AS_TYPED } else { "" };
    let profile = PROFILE.replace("{{connection}}", &private_connection(folder)).replace("{{more}}", more);
    write_new(&inner.join("registrymodifications.xcu"), profile.as_bytes())
}

/// Removes the sockets of LibreOffice at which nobody listens any more: what is killed leaves them.
pub(super) fn remove_dead_pipes() {
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(PIPES.0).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(about) = entry.metadata() else { continue };
        if !name.starts_with(PIPES.1) || !about.file_type().is_socket() || about.uid() != user {
            continue;
        }
        // What is only busy answers later.
        let is_dead = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if Probe::connect(entry.path()).is_err_and(is_dead) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

impl OfficeApis {
    pub fn new(
        front: WindowInFront,
        folders: Arc<[PathBuf]>,
        starter: Arc<dyn ProgramStarter>,
        folder: PathBuf,
        connection: String,
    ) -> OfficeApis {
        let calls = serde_json::from_str(CALLS).expect("a test reads it");
        OfficeApis { calls, front, folders, starter, folder, _own: None, connection, script: None, is_missing: false }
    }

    /// Of a LibreOffice that somebody has.
    ///
    /// # Errors
    /// If there can be no folder for what speaks to it.
    pub fn of_address(
        front: WindowInFront,
        folders: Arc<[PathBuf]>,
        starter: Arc<dyn ProgramStarter>,
        address: &OfficeAddress,
    ) -> io::Result<OfficeApis> {
        sweep(&address.folder, FOLDER, |folder| drop(fs::remove_dir_all(folder)));
        let own = PrivateFolder::make(&address.folder, FOLDER, |_| Ok(()))?;
        let apis = OfficeApis::new(front, folders, starter, own.path.clone(), address.connection.clone());
        Ok(OfficeApis { _own: Some(OwnFolder(own)), ..apis })
    }

    /// The kind of the document in front, if it is one.
    fn kind(&self) -> Option<&'static str> {
        let class = self.front.get()?.to_lowercase();
        ["calc", "writer", "impress"].into_iter().find(|kind| class.strip_prefix("libreoffice-") == Some(kind))
    }

    /// Starts the script, if it does not run.
    async fn running(&mut self, deadline: Deadline) -> Result<&mut RunningScript, DriverErrorKind> {
        if self.script.is_none() {
            let started = deadline.or_sooner(START).hold("the script for LibreOffice", self.start()).await;
            self.script = Some(match started {
                // It was not asked anything yet, and may be there the next time: a busy machine takes its time.
                Err(DriverErrorKind::TimedOut { .. }) => {
                    return Err(lacks("python3 and python3-uno, if they are not installed"));
                }
                started => started?,
            });
        }
        Ok(self.script.as_mut().expect("it was put there"))
    }

    async fn start(&mut self) -> Result<RunningScript, DriverErrorKind> {
        let (script, socket) = (self.folder.join("office.py"), self.folder.join("office.socket"));
        let wrong = |error: io::Error| refused(format!("the script for LibreOffice cannot be started: {error}"));
        if !script.exists() {
            write_new(&script, SCRIPT.concat().as_bytes()).map_err(wrong)?;
        }
        drop(fs::remove_file(&socket));
        let listener = UnixListener::bind(&socket).map_err(wrong)?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let words = ["python3".to_owned(), "-I".to_owned(), path(&script), path(&socket), self.connection.clone()];
        self.starter.start(&words).await?;
        let (stream, _): (UnixStream, _) = listener.accept().await.map_err(wrong)?;
        drop(fs::remove_file(&socket));
        let (output, input) = stream.into_split();
        let mut script = RunningScript { input, output: BufReader::new(output) };
        match script.line().await? {
            ScriptLine::Ready(()) => Ok(script),
            ScriptLine::Lacks(package) => {
                self.is_missing = true;
                Err(lacks(&package))
            }
            ScriptLine::Told(_) | ScriptLine::Refused(_) | ScriptLine::Failed(_) => Err(malformed()),
        }
    }

    /// The arguments as the script gets them: a path is one of an allowed folder.
    fn arguments(&self, call: &OfficeCall, arguments: &Value) -> Result<Value, DriverErrorKind> {
        let mut arguments = arguments.clone();
        if let (Some(path_use), Some(said)) = (call.path, arguments.get_mut("path")) {
            let path = match path_use {
                PathUse::File => path_of_file(said, &self.folders)?,
                PathUse::New => path_of_new_file(said, &self.folders)?,
            };
            let path = path.to_str().ok_or_else(|| refused("this name cannot be said to a program"))?;
            *said = Value::from(path);
        }
        Ok(arguments)
    }

    async fn ask(&mut self, name: &str, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let call = self.calls.iter().find(|call| call.name == name).expect("it was looked for");
        let line = json!({"call": name, "arguments": self.arguments(call, arguments)?});
        let script = self.running(deadline).await?;
        match deadline.hold("LibreOffice", script.ask(&line)).await? {
            ScriptLine::Told(told) => {
                let told = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
                Ok(told.chars().take(TOLD_MAX).collect())
            }
            ScriptLine::Refused(why) => Err(refused(why)),
            ScriptLine::Failed(why) => Err(DriverErrorKind::Lost { why: format!("LibreOffice: {why}") }),
            ScriptLine::Ready(()) | ScriptLine::Lacks(_) => Err(malformed()),
        }
    }
}

fn lacks(package: &str) -> DriverErrorKind {
    refused(format!(
        "LibreOffice cannot be called here without {package} (Debian: apt install python3-uno); use the screen"
    ))
}

fn malformed() -> DriverErrorKind {
    DriverErrorKind::MalformedResponse { why: "the script for LibreOffice says something else".to_owned() }
}

impl RunningScript {
    async fn ask(&mut self, line: &Value) -> Result<ScriptLine, DriverErrorKind> {
        let gone = |error: io::Error| DriverErrorKind::Lost { why: format!("the script for LibreOffice: {error}") };
        self.input.write_all(format!("{line}\n").as_bytes()).await.map_err(gone)?;
        self.line().await
    }

    async fn line(&mut self) -> Result<ScriptLine, DriverErrorKind> {
        let mut line = String::new();
        let gone = |why: String| DriverErrorKind::Lost { why: format!("the script for LibreOffice has ended{why}") };
        let mut bounded = (&mut self.output).take(ANSWER_MAX);
        let read = bounded.read_line(&mut line).await.map_err(|error| gone(format!(": {error}")))?;
        if read == 0 || !line.ends_with('\n') {
            return Err(gone(String::new()));
        }
        serde_json::from_str(&line).map_err(|_| malformed())
    }
}

#[async_trait]
impl Apis for OfficeApis {
    fn specs(&self) -> Vec<ApiSpec> {
        match self.kind() {
            Some(kind) if !self.is_missing => {
                self.calls.iter().filter(|call| call.is_for(kind)).map(OfficeCall::spec).collect()
            }
            _ => Vec::new(),
        }
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let deadline = Deadline::after(within);
        if !self.calls.iter().any(|call| call.name == name) {
            return Err(ApiError::Unknown);
        }
        let result = self.ask(name, arguments, deadline).await;
        let is_over = matches!(
            result,
            Err(DriverErrorKind::Lost { .. }
                | DriverErrorKind::TimedOut { .. }
                | DriverErrorKind::MalformedResponse { .. })
        );
        if is_over {
            // It ends in the middle of a call, too; the next call starts another.
            self.script = None;
        }
        result.map_err(api_error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn calls() -> Vec<OfficeCall> {
        serde_json::from_str(CALLS).unwrap()
    }

    /// What is offered is what the script can do, and the other way round.
    #[test]
    fn the_script_has_each_call_and_no_other() {
        let script = SCRIPT.concat();
        let can: BTreeSet<&str> =
            script.split("\n@call(\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name).collect();
        let calls = calls();
        let offered: BTreeSet<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(can, offered);
        assert_eq!(offered.len(), calls.len());
        for call in &calls {
            assert_eq!(call.path.is_some(), call.properties.get("path").is_some(), "{}", call.name);
            for name in &call.required {
                assert!(call.properties.get(name).is_some(), "{} requires {name}", call.name);
            }
        }
    }

    struct NoPrograms;

    #[async_trait]
    impl ProgramStarter for NoPrograms {
        async fn start(&self, _command: &[String]) -> Result<(), DriverErrorKind> {
            Err(refused("nothing starts here"))
        }
    }

    fn apis(front: WindowInFront, folders: Vec<PathBuf>) -> OfficeApis {
        OfficeApis::new(front, folders.into(), Arc::new(NoPrograms), std::env::temp_dir(), String::new())
    }

    /// A model is told of the calls of the app in front, and of few enough.
    #[test]
    fn calls_are_those_of_the_window_in_front() {
        let front = WindowInFront::default();
        let apis = apis(front.clone(), Vec::new());
        for (class, kind) in [
            (None, None),
            (Some("Mousepad"), None),
            (Some("soffice"), None),
            (Some("libreoffice-calc-x"), None),
            (Some("libreoffice-calc"), Some("calc")),
            (Some("Libreoffice-Writer"), Some("writer")),
            (Some("libreoffice-impress"), Some("impress")),
        ] {
            front.set(class);
            let specs = apis.specs();
            let kinds: BTreeSet<&str> =
                specs.iter().filter_map(|spec| spec.name.split_once('.')).map(|(kind, _)| kind).collect();
            let expected: BTreeSet<&str> = kind.into_iter().chain(kind.map(|_| "document")).collect();
            assert_eq!(kinds, expected, "{class:?}");
            assert!(specs.len() <= 40, "{class:?}: {}", specs.len());
            assert!(specs.iter().all(|spec| spec.about.chars().count() <= 120));
        }
    }

    /// Paths are those of allowed folders, before LibreOffice hears of them.
    #[tokio::test]
    async fn no_path_leads_out_of_the_allowed_folders() {
        let folder = tempfile::tempdir().unwrap();
        let own = fs::canonicalize(folder.path()).unwrap().join("own");
        fs::create_dir(&own).unwrap();
        fs::write(own.join("there.pdf"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", own.join("out")).unwrap();
        let mut apis = apis(WindowInFront::default(), vec![own.clone()]);
        for (call, path) in [
            ("document.export", "../a.pdf"),
            ("document.export", "/etc/a.pdf"),
            ("document.export", "out/a.pdf"),
            ("document.export", "none/a.pdf"),
            ("document.export", "there.pdf"),
            ("document.save_as", ""),
            ("writer.image", "/etc/passwd"),
            ("writer.image", "out/passwd"),
            ("writer.image", "none.png"),
            ("impress.background", "../a.png"),
        ] {
            let told = apis.call(call, &json!({ "path": path }), Duration::from_secs(5)).await;
            let why = match told {
                Err(ApiError::Refused { why }) => why,
                other => panic!("{call} {path}: {other:?}"),
            };
            assert!(!why.contains("nothing starts here"), "{call} {path} was let through");
        }
        for (call, path) in [("document.export", "new.pdf"), ("writer.image", "there.pdf")] {
            let told = apis.call(call, &json!({ "path": path }), Duration::from_secs(5)).await;
            assert!(matches!(told, Err(ApiError::Refused { why }) if why.contains("nothing starts here")), "{call}");
        }
        assert!(matches!(apis.call("calc.x", &json!({}), Duration::from_secs(5)).await, Err(ApiError::Unknown)));
    }

    #[test]
    fn sockets_that_nobody_listens_to_are_removed_and_others_stay() {
        let number = std::process::id();
        let (dead, live) = (format!("dead-{number}"), format!("live-{number}"));
        let path = |name: &str| Path::new(PIPES.0).join(format!("{}0_{name}", PIPES.1));
        drop(std::os::unix::net::UnixListener::bind(path(&dead)).unwrap());
        let listener = std::os::unix::net::UnixListener::bind(path(&live)).unwrap();
        remove_dead_pipes();
        assert_eq!((path(&dead).exists(), path(&live).exists()), (false, true));
        drop(listener);
        remove_dead_pipes();
        assert!(!path(&live).exists());
    }
}
