//! A machine behind OSWorld's control server: a virtual machine of somebody's, reached over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::Size;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::answers;
use super::guest::{self, Interpreter};
use super::http::{self, Answer, Body, Http, ServerAddress};
use super::machine::{
    COMMAND_TIME, CommandOutput, CommandWords, ControlledMachine, FILE_BYTES_MAX, FOLDER_ENTRIES_MAX, FolderEntry,
    MachineCommand, MachineError, MachineErrorKind, MachineService, MachineWindow, OUTPUT_BYTES_MAX, TREE_BYTES_MAX,
    WindowName,
};

/// No screenshot has more bytes.
const PICTURE_BYTES_MAX: u64 = 64 << 20;
/// No answer in few words has more bytes.
const WORDS_BYTES_MAX: u64 = 1 << 20;
/// JSON says a control character in six.
const JSON_FACTOR: u64 = 6;

/// A machine over HTTP.
pub struct ControlServer {
    name: String,
    http: Http,
    address: ServerAddress,
    processor: &'static str,
    interpreter: Interpreter,
}

impl ControlServer {
    /// Makes sure that a control server is there, and that its machine is one that can be driven.
    ///
    /// # Errors
    /// `Refused` if the address is none or the machine is no Linux, `Unreachable` if nobody is there.
    pub async fn connect(address: &str, within: Duration) -> Result<ControlServer, MachineError> {
        let refused = |why: String| MachineError {
            machine: "the machine".to_owned(),
            operation: "connect".to_owned(),
            kind: MachineErrorKind::Refused { why },
        };
        let address = http::address(address).map_err(refused)?;
        let http = Http::new(&address).map_err(refused)?;
        let name = format!("machine {}", &address.base[url::Position::BeforeHost..url::Position::AfterPort]);
        let mut server =
            ControlServer { name, http, address, processor: "x86_64", interpreter: Interpreter::default() };
        let uname = MachineCommand::program(["uname", "-sm"]);
        let wire = ("/execute", &Body::Json(&command_json(&uname)));
        let told = server.question("connect", wire, WORDS_BYTES_MAX, within, answers::command).await?;
        server.processor = match told.output.split_whitespace().collect::<Vec<_>>()[..] {
            ["Linux", "aarch64" | "arm64"] => "aarch64",
            ["Linux", _] => "x86_64",
            _ => {
                let why = format!("only Linux is driven over a control server, and it says {:?}", told.output.trim());
                return Err(server.error("connect", MachineErrorKind::Refused { why }));
            }
        };
        Ok(server)
    }

    fn error(&self, operation: impl Into<String>, kind: MachineErrorKind) -> MachineError {
        MachineError { machine: self.name.clone(), operation: operation.into(), kind }
    }

    /// Asks something that changes nothing.
    async fn question<T>(
        &self,
        operation: &str,
        (path, body): (&str, &Body<'_>),
        bytes_max: u64,
        within: Duration,
        read: impl FnOnce(Answer) -> Result<T, MachineErrorKind>,
    ) -> Result<T, MachineError> {
        let answer = self.http.read(path, body, bytes_max, within).await;
        answer.and_then(read).map_err(|kind| self.error(operation, kind))
    }

    /// Has something done, once.
    async fn action<T>(
        &self,
        operation: &str,
        (path, body): (&str, &Body<'_>),
        bytes_max: u64,
        within: Duration,
        read: impl FnOnce(Answer) -> Result<T, MachineErrorKind>,
    ) -> Result<T, MachineError> {
        let answer = self.http.act(path, body, bytes_max, within).await;
        answer.and_then(read).map_err(|kind| {
            // Somebody has answered, and nobody knows what was done.
            let kind = match kind {
                MachineErrorKind::Malformed { .. } | MachineErrorKind::TooLarge { .. } => {
                    MachineErrorKind::Unanswered { why: kind.to_string() }
                }
                kind => kind,
            };
            self.error(operation, kind)
        })
    }

    /// Changes a window of this name; `false` if there is none: upstream's server does not tell.
    async fn change_window(
        &self,
        operation: &'static str,
        path: &str,
        window: &WindowName,
        within: Duration,
    ) -> Result<bool, MachineError> {
        let began = Instant::now();
        if !self.windows(within).await?.iter().any(|there| window.is_of(there)) {
            return Ok(false);
        }
        let body = json!({"window_name": window.name, "strict": window.is_whole, "by_class": window.by_class});
        let left = within.saturating_sub(began.elapsed());
        self.action(operation, (path, &Body::Json(&body)), WORDS_BYTES_MAX, left, answers::done_body).await?;
        Ok(true)
    }
}

/// A command as the wire has it.
fn command_json(command: &MachineCommand) -> Value {
    let words = match &command.words {
        CommandWords::Text(line) => Value::from(line.as_str()),
        CommandWords::List(words) => Value::from(words.clone()),
    };
    json!({"command": words, "shell": command.shell})
}

#[async_trait]
impl ControlledMachine for ControlServer {
    fn name(&self) -> &str {
        &self.name
    }

    async fn execute(&self, command: &MachineCommand, within: Duration) -> Result<CommandOutput, MachineError> {
        let body = command_json(command);
        // The server gives up by itself before that.
        let within = within.min(COMMAND_TIME + Duration::from_secs(30));
        let bytes_max = 2 * JSON_FACTOR * OUTPUT_BYTES_MAX as u64;
        self.action("run a command", ("/execute", &Body::Json(&body)), bytes_max, within, answers::command).await
    }

    async fn launch(&self, command: &MachineCommand, within: Duration) -> Result<(), MachineError> {
        let body = command_json(command);
        let wire = ("/setup/launch", &Body::Json(&body));
        self.action("start a program", wire, WORDS_BYTES_MAX, within, answers::done_body).await.map(drop)
    }

    async fn read_file(&self, path: &str, within: Duration) -> Result<Option<Vec<u8>>, MachineError> {
        let form = [("file_path", path)];
        self.question("read a file", ("/file", &Body::Form(&form)), FILE_BYTES_MAX, within, answers::optional_body)
            .await
    }

    async fn write_file(&self, path: &str, content: &[u8], within: Duration) -> Result<(), MachineError> {
        if content.len() as u64 > FILE_BYTES_MAX {
            return Err(self.error("write a file", MachineErrorKind::TooLarge { bytes_max: FILE_BYTES_MAX }));
        }
        let wire = ("/setup/upload", &Body::Upload { path, content });
        self.action("write a file", wire, WORDS_BYTES_MAX, within, answers::done_body).await.map(drop)
    }

    async fn open_file(&self, path: &str, within: Duration) -> Result<(), MachineError> {
        let body = json!({"path": path});
        let wire = ("/setup/open_file", &Body::Json(&body));
        self.action("open a file", wire, WORDS_BYTES_MAX, within, answers::done_body).await.map(drop)
    }

    async fn activate_window(&self, window: &WindowName, within: Duration) -> Result<bool, MachineError> {
        self.change_window("bring a window to the front", "/setup/activate_window", window, within).await
    }

    async fn close_window(&self, window: &WindowName, within: Duration) -> Result<bool, MachineError> {
        self.change_window("close a window", "/setup/close_window", window, within).await
    }

    async fn windows(&self, within: Duration) -> Result<Vec<MachineWindow>, MachineError> {
        let scene = guest::look(self, &self.interpreter, within).await;
        let scene = scene.map_err(|kind| self.error("list the windows", kind))?;
        let told = |window: &guest::GuestWindow| {
            let is = window.app_window();
            MachineWindow { title: is.title, class: window.both_classes(), is_active: is.is_active }
        };
        Ok(scene.windows.iter().rev().map(told).collect())
    }

    async fn accessibility_tree(&self, within: Duration) -> Result<String, MachineError> {
        let bytes_max = 2 * TREE_BYTES_MAX as u64;
        let wire = ("/accessibility", &Body::Nothing);
        let tree = self.question("read the accessibility tree", wire, bytes_max, within, answers::tree).await?;
        if tree.len() > TREE_BYTES_MAX {
            let kind = MachineErrorKind::TooLarge { bytes_max: TREE_BYTES_MAX as u64 };
            return Err(self.error("read the accessibility tree", kind));
        }
        Ok(tree)
    }

    async fn screenshot(&self, within: Duration) -> Result<Vec<u8>, MachineError> {
        let wire = ("/screenshot", &Body::Nothing);
        self.question("take a screenshot", wire, PICTURE_BYTES_MAX, within, answers::picture).await
    }

    async fn terminal_output(&self, within: Duration) -> Result<Option<String>, MachineError> {
        let bytes_max = JSON_FACTOR * OUTPUT_BYTES_MAX as u64;
        self.question("read the terminal", ("/terminal", &Body::Nothing), bytes_max, within, answers::terminal).await
    }

    async fn screen_size(&self, within: Duration) -> Result<Size, MachineError> {
        let wire = ("/screen_size", &Body::Form(&[]));
        self.question("read the screen's size", wire, WORDS_BYTES_MAX, within, answers::size).await
    }

    async fn cursor_position(&self, within: Duration) -> Result<(i32, i32), MachineError> {
        let wire = ("/cursor_position", &Body::Nothing);
        self.question("find the pointer", wire, WORDS_BYTES_MAX, within, answers::place).await
    }

    async fn window_size(&self, app_class: &str, within: Duration) -> Result<Option<Size>, MachineError> {
        let form = [("app_class_name", app_class)];
        let read = |answer: Answer| match answer.status {
            // Without such a window upstream's server falls over.
            400 | 404 | 500 => Ok(None),
            _ => answers::size(answer).map(Some),
        };
        self.question("read a window's size", ("/window_size", &Body::Form(&form)), WORDS_BYTES_MAX, within, read).await
    }

    async fn desktop_folder(&self, within: Duration) -> Result<String, MachineError> {
        let read = |answer| {
            let json = answers::json(answer)?;
            let path = json["desktop_path"].as_str().map(str::to_owned);
            path.ok_or_else(|| MachineErrorKind::Malformed { why: "no desktop_path".to_owned() })
        };
        let wire = ("/desktop_path", &Body::Form(&[]));
        self.question("find the desktop's folder", wire, WORDS_BYTES_MAX, within, read).await
    }

    async fn list_folder(&self, path: &str, within: Duration) -> Result<Option<FolderEntry>, MachineError> {
        let body = json!({"path": path});
        let read = |answer| answers::folder(answer, FOLDER_ENTRIES_MAX);
        let wire = ("/list_directory", &Body::Json(&body));
        self.question("list a folder", wire, TREE_BYTES_MAX as u64, within, read).await
    }

    async fn wallpaper(&self, within: Duration) -> Result<Option<Vec<u8>>, MachineError> {
        let wire = ("/wallpaper", &Body::Form(&[]));
        self.question("read the wallpaper", wire, PICTURE_BYTES_MAX, within, answers::optional_body).await
    }

    async fn set_wallpaper(&self, path: &str, within: Duration) -> Result<bool, MachineError> {
        let body = json!({"path": path});
        let wire = ("/setup/change_wallpaper", &Body::Json(&body));
        let read = |answer: Answer| match answer.status {
            404 => Ok(false),
            _ => answers::done_body(answer).map(|_| true),
        };
        self.action("change the wallpaper", wire, WORDS_BYTES_MAX, within, read).await
    }

    async fn service(&self, service: MachineService, within: Duration) -> Result<String, MachineError> {
        let port = match service {
            MachineService::Browser => self.address.browser_port,
            MachineService::Vlc => self.address.vlc_port,
        };
        let at = format!("{}:{port}", self.http.host());
        match tokio::time::timeout(within, TcpStream::connect(&at)).await {
            Ok(Ok(_)) => Ok(at),
            Ok(Err(error)) => {
                Err(self.error("reach a service", MachineErrorKind::Unreachable { why: format!("{at}: {error}") }))
            }
            Err(_) => {
                let why = format!("{at}: no answer in {} ms", within.as_millis());
                Err(self.error("reach a service", MachineErrorKind::Unreachable { why }))
            }
        }
    }

    fn processor(&self) -> &'static str {
        self.processor
    }
}
