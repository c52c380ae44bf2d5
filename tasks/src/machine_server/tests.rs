//! OSWorld's control protocol in front of a machine: what a client asks there is what the machine is asked, and what it answers comes
//! back; who may not ask is told so.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::HeaderValue;
use serde_json::{Value, json};
use tapwright_agent::stop::{Stopper, stop};
use tapwright_contract::Size;
use tapwright_drivers::osworld::ControlServer;
use tapwright_drivers::osworld::machine::{
    CommandOutput, CommandWords, FolderEntry, MachineCommand, MachineError, MachineErrorKind, MachineService,
    MachineWindow, WindowName,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

const WITHIN: Duration = Duration::from_secs(20);
const TREE: &str = "<desktop-frame><application name=\"ü &amp; b\"/></desktop-frame>";
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\xff";

/// A machine that remembers what it was asked.
#[derive(Default)]
struct FakeMachine {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
}

type Answer<T> = Result<T, MachineError>;

fn refused<T>(kind: MachineErrorKind) -> Answer<T> {
    Err(MachineError { machine: "fake".to_owned(), operation: "do it".to_owned(), kind })
}

impl FakeMachine {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

#[async_trait]
impl ControlledMachine for FakeMachine {
    fn name(&self) -> &str {
        "fake"
    }

    async fn execute(&self, command: &MachineCommand, within: Duration) -> Answer<CommandOutput> {
        self.note(format!("execute {command:?} {within:?}"));
        let words = match &command.words {
            CommandWords::Text(line) => line.clone(),
            CommandWords::List(words) => words.join("|"),
        };
        let said = |output: &str, code: i32| {
            Ok(CommandOutput { output: output.to_owned(), error: "ü\n".to_owned(), code, is_cut: false })
        };
        match words.as_str() {
            "uname|-sm" => said("Linux aarch64\n", 0),
            "missing" => refused(MachineErrorKind::Refused { why: "there is no missing".to_owned() }),
            "late" => refused(MachineErrorKind::TimedOut { why: "120 s".to_owned() }),
            "broken" => refused(MachineErrorKind::Unanswered { why: "it has gone".to_owned() }),
            _ => said(&words, 3),
        }
    }

    async fn launch(&self, command: &MachineCommand, _within: Duration) -> Answer<()> {
        self.note(format!("launch {command:?}"));
        Ok(())
    }

    async fn read_file(&self, path: &str, _within: Duration) -> Answer<Option<Vec<u8>>> {
        self.note(format!("read {path}"));
        Ok(self.files.lock().unwrap().get(path).cloned())
    }

    async fn write_file(&self, path: &str, content: &[u8], _within: Duration) -> Answer<()> {
        self.files.lock().unwrap().insert(path.to_owned(), content.to_vec());
        Ok(())
    }

    async fn open_file(&self, path: &str, _within: Duration) -> Answer<()> {
        self.note(format!("open {path}"));
        Ok(())
    }

    async fn activate_window(&self, window: &WindowName, _within: Duration) -> Answer<bool> {
        Ok(window.name == "here")
    }

    async fn close_window(&self, window: &WindowName, _within: Duration) -> Answer<bool> {
        Ok(window.name == "here")
    }

    async fn windows(&self, _within: Duration) -> Answer<Vec<MachineWindow>> {
        let window = |title: &str| MachineWindow { title: title.to_owned(), class: "a.A".to_owned(), is_active: false };
        Ok(vec![window("here"), window("there")])
    }

    async fn accessibility_tree(&self, _within: Duration) -> Answer<String> {
        Ok(TREE.to_owned())
    }

    async fn screenshot(&self, _within: Duration) -> Answer<Vec<u8>> {
        Ok(PICTURE.to_vec())
    }

    async fn terminal_output(&self, _within: Duration) -> Answer<Option<String>> {
        Ok(Some("$ ls\nü".to_owned()))
    }

    async fn screen_size(&self, _within: Duration) -> Answer<Size> {
        Ok(Size { width: 1920, height: 1080 })
    }

    async fn cursor_position(&self, _within: Duration) -> Answer<(i32, i32)> {
        Ok((3, 4))
    }

    async fn window_size(&self, app_class: &str, _within: Duration) -> Answer<Option<Size>> {
        Ok((app_class == "A").then_some(Size { width: 5, height: 6 }))
    }

    async fn desktop_folder(&self, _within: Duration) -> Answer<String> {
        Ok("/home/user/Desktop".to_owned())
    }

    async fn list_folder(&self, path: &str, _within: Duration) -> Answer<Option<FolderEntry>> {
        let file = FolderEntry { name: "a".to_owned(), children: None };
        let folder = FolderEntry { name: "b".to_owned(), children: Some(Vec::new()) };
        let found = FolderEntry { name: "user".to_owned(), children: Some(vec![file, folder]) };
        Ok((path == "/home/user").then_some(found))
    }

    async fn wallpaper(&self, _within: Duration) -> Answer<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn set_wallpaper(&self, path: &str, _within: Duration) -> Answer<bool> {
        let is_there = self.files.lock().unwrap().contains_key(path);
        if is_there {
            self.note(format!("wallpaper {path}"));
        }
        Ok(is_there)
    }

    async fn service(&self, _service: MachineService, _within: Duration) -> Answer<String> {
        refused(MachineErrorKind::Unsupported { needs: "a service".to_owned() })
    }
}

#[derive(Default)]
struct FakeSource {
    machines: Mutex<Vec<Arc<FakeMachine>>>,
    count: AtomicUsize,
}

#[async_trait]
impl MachineSource for FakeSource {
    async fn start(&self, _within: Duration) -> Result<Arc<dyn ControlledMachine>, DriverErrorKind> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let machine = Arc::new(FakeMachine::default());
        self.machines.lock().unwrap().push(machine.clone());
        Ok(machine)
    }
}

struct Served {
    at: SocketAddr,
    source: Arc<FakeSource>,
    stopper: Stopper,
    serving: JoinHandle<Result<(), MachineServerError>>,
}

impl Served {
    async fn start(token: Option<&str>) -> Served {
        let source = Arc::new(FakeSource::default());
        let (stopper, stop) = stop();
        let (tell, told) = oneshot::channel();
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = MachineServerOptions { listen, token: token.map(str::to_owned), open: false };
        let serving = tokio::spawn(serve(options, source.clone(), stop, move |at, _| tell.send(at).unwrap()));
        Served { at: told.await.unwrap(), source, stopper, serving }
    }

    fn machine(&self) -> Arc<FakeMachine> {
        self.source.machines.lock().unwrap().last().unwrap().clone()
    }

    /// Sends a request as it stands; returns the status and the body.
    async fn send(&self, head: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        let length = body.len();
        let head = format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // What is refused by its length is not read to its end.
        drop(stream.write_all(body).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    async fn post(&self, path: &str, json: &Value) -> (u16, Value) {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json", self.at);
        let (status, body) = self.send(&head, json.to_string().as_bytes()).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }
}

/// Both ends of the wire are ours here, and what goes in at one comes out at the other.
#[tokio::test]
async fn a_client_meets_the_machine_that_is_served() {
    let served = Served::start(None).await;
    let client = ControlServer::connect(&format!("http://{}", served.at), WITHIN).await.unwrap();
    let machine = served.machine();
    assert_eq!(client.processor(), "aarch64");
    let output = client.execute(&MachineCommand::program(["echo", "a\nb", "~/ü"]), WITHIN).await.unwrap();
    assert_eq!((output.output.as_str(), output.error.as_str(), output.code), ("echo|a\nb|~/ü", "ü\n", 3));
    assert_eq!(client.execute(&MachineCommand::shell("ls | wc"), WITHIN).await.unwrap().output, "ls | wc");
    for (word, wanted) in [("missing", "Refused"), ("late", "TimedOut"), ("broken", "Unanswered")] {
        let error = client.execute(&MachineCommand::program([word]), WITHIN).await.unwrap_err();
        assert!(format!("{:?}", error.kind).starts_with(wanted), "{word}: {error}");
    }
    client.launch(&MachineCommand::program(["gimp", "a b"]), WITHIN).await.unwrap();
    client.open_file("/home/user/a.txt", WITHIN).await.unwrap();
    client.write_file("/home/user/a.png", PICTURE, WITHIN).await.unwrap();
    assert!(client.set_wallpaper("/home/user/a.png", WITHIN).await.unwrap());
    assert!(!client.set_wallpaper("/home/user/b.png", WITHIN).await.unwrap());
    let asked = machine.asked.lock().unwrap().join("\n");
    for wanted in [
        "launch MachineCommand { words: List([\"gimp\", \"a b\"]), shell: false }",
        "open /home/user/a.txt",
        "wallpaper /home/user/a.png",
        "execute MachineCommand { words: Text(\"ls | wc\"), shell: true } 120s",
    ] {
        assert!(asked.contains(wanted), "{wanted}: {asked}");
    }
    assert!(!asked.contains("read "), "the machine reads the picture, and nobody before it: {asked}");
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    client.write_file("~/ü \"x\".bin", &content, WITHIN).await.unwrap();
    assert_eq!(client.read_file("~/ü \"x\".bin", WITHIN).await.unwrap().unwrap(), content);
    assert_eq!(client.read_file("/none", WITHIN).await.unwrap(), None);
    assert_eq!(client.accessibility_tree(WITHIN).await.unwrap(), TREE);
    assert_eq!(client.screenshot(WITHIN).await.unwrap(), PICTURE);
    assert_eq!(client.terminal_output(WITHIN).await.unwrap().unwrap(), "$ ls\nü");
    assert_eq!(client.screen_size(WITHIN).await.unwrap(), Size { width: 1920, height: 1080 });
    assert_eq!(client.cursor_position(WITHIN).await.unwrap(), (3, 4));
    assert_eq!(client.window_size("A", WITHIN).await.unwrap(), Some(Size { width: 5, height: 6 }));
    assert_eq!(client.window_size("B", WITHIN).await.unwrap(), None);
    assert_eq!(client.desktop_folder(WITHIN).await.unwrap(), "/home/user/Desktop");
    let listed = machine.list_folder("/home/user", WITHIN).await.unwrap();
    assert_eq!(client.list_folder("/home/user", WITHIN).await.unwrap(), listed);
    assert_eq!(client.list_folder("/none", WITHIN).await.unwrap(), None);
    assert_eq!(client.wallpaper(WITHIN).await.unwrap(), None);
    served.stopper.stop();
    served.serving.await.unwrap().unwrap();
    let gone = client.screen_size(Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(gone.kind, MachineErrorKind::Unreachable { .. }), "{gone}");
}

#[tokio::test]
async fn what_upstreams_clients_send_is_answered_in_upstreams_words() {
    let served = Served::start(None).await;
    let (status, told) = served.post("/execute", &json!({"command": "echo a", "shell": true})).await;
    let wanted = json!({"status": "success", "output": "echo a", "error": "ü\n", "returncode": 3});
    assert_eq!((status, told), (200, wanted));
    let (status, told) = served.post("/setup/execute", &json!({"command": ["missing"]})).await;
    assert_eq!((status, &told["status"]), (500, &json!("error")));
    let (status, told) = served.post("/setup/launch", &json!({"command": ["gimp"], "shell": false})).await;
    assert_eq!((status, told), (200, json!("gimp launched successfully")));
    let (status, told) = served.post("/run_python", &json!({"code": "print(1)"})).await;
    assert_eq!((status, &told["return_code"], &told["output"]), (200, &json!(3), &json!("python3|-c|print(1)")));
    let script = json!({"script": "ls", "timeout": 5, "working_dir": "/tmp"});
    let (status, told) = served.post("/run_bash_script", &script).await;
    assert_eq!((status, &told["returncode"]), (200, &json!(3)));
    let window = |name: &str| json!({"window_name": name, "strict": true, "by_class": false});
    assert_eq!(served.post("/setup/activate_window", &window("here")).await.0, 200);
    assert_eq!(served.post("/setup/close_window", &window("nowhere")).await.0, 404);
    let wanted = json!({"command": ["a"], "verification": {"window_exists": "HERE"}, "max_wait_time": 1});
    let (status, told) = served.post("/setup/execute_with_verification", &wanted).await;
    assert_eq!((status, &told["verification"]), (200, &json!("passed")));
    let verification = json!({"window_exists": "gone"});
    let wanted = json!({"command": ["a"], "verification": verification, "max_wait_time": 0.1, "check_interval": 0.05});
    let (status, told) = served.post("/execute_with_verification", &wanted).await;
    assert_eq!((status, &told["status"]), (500, &json!("verification_failed")));
    for (path, body) in [
        ("/execute", json!({"command": 7})),
        ("/execute", json!({"command": ["a", 1]})),
        ("/setup/open_file", json!({})),
        ("/setup/activate_window", json!({"window_name": ""})),
        ("/run_python", json!({})),
        ("/nothing", json!({})),
    ] {
        let (status, told) = served.post(path, &body).await;
        assert!([400, 404, 500].contains(&status), "{path} {body}: {status} {told}");
    }
    let (status, told) = served.post("/setup/change_wallpaper", &json!({"path": "/home/user/nope.png"})).await;
    assert_eq!((status, told), (404, json!("File not found: /home/user/nope.png")));
    assert!(!served.machine().asked.lock().unwrap().iter().any(|asked| asked.starts_with("wallpaper")));
    let (status, told) = served.send(&format!("GET /platform HTTP/1.1\r\nHost: {}", served.at), b"").await;
    assert_eq!((status, told.as_str()), (200, "Linux"));
    let (status, _) = served.send(&format!("DELETE /screenshot HTTP/1.1\r\nHost: {}", served.at), b"").await;
    assert_eq!(status, 405);
}

/// A program inside the machine can connect, too, and need not finish what it asks.
#[tokio::test]
async fn half_a_request_keeps_nobody_out() {
    let served = Served::start(None).await;
    let host = served.at.to_string();
    let mut held = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(served.at).await.unwrap();
        let half = match number % 3 {
            0 => String::new(),
            1 => format!("GET /platform HTTP/1.1\r\nHost: {host}\r\n"),
            _ => format!("POST /execute HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n{{"),
        };
        drop(stream.write_all(half.as_bytes()).await); // It may be without its place already.
        held.push(stream);
    }
    let head = format!("GET /platform HTTP/1.1\r\nHost: {host}");
    for _ in 0..3 {
        let answered = timeout(Duration::from_secs(5), served.send(&head, b"")).await;
        assert_eq!(answered.expect("it is answered while they hold on"), (200, "Linux".to_owned()));
    }
    assert!(served.machine().asked.lock().unwrap().is_empty());
    drop(held);
}

/// A reset is a new machine; whoever asks after it meets that one.
#[tokio::test]
async fn a_reset_is_another_machine() {
    let served = Served::start(None).await;
    let first = served.machine();
    first.files.lock().unwrap().insert("/a".to_owned(), b"1".to_vec());
    let client = ControlServer::connect(&format!("http://{}", served.at), WITHIN).await.unwrap();
    assert!(client.read_file("/a", WITHIN).await.unwrap().is_some());
    assert_eq!(served.post("/tapwright/reset", &json!({})).await.0, 200);
    assert_eq!(served.source.count.load(Ordering::Relaxed), 2);
    assert_eq!(client.read_file("/a", WITHIN).await.unwrap(), None);
    served.source.machines.lock().unwrap().remove(0);
    assert_eq!(Arc::strong_count(&first), 1, "nobody holds the first one any more");
}

#[tokio::test]
async fn pages_of_browsers_strangers_and_endless_bodies_are_refused() {
    let served = Served::start(Some("secret")).await;
    let at = served.at;
    let execute = |host: &str, headers: &str| {
        format!("POST /execute HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json{headers}")
    };
    let body = br#"{"command":["a"]}"#;
    let here = at.to_string();
    let token = "\r\nAuthorization: Bearer secret";
    for (host, headers, wanted) in [
        (&*here, "", 401),
        (&here, "\r\nAuthorization: Bearer secre", 401),
        (&here, "\r\nAuthorization: Basic c2VjcmV0Og==", 200),
        (&here, token, 200),
        ("evil.example", token, 403),
        (&here, &format!("{token}\r\nOrigin: http://{at}"), 403),
        (&here, &format!("{token}\r\nOrigin: null"), 403),
    ] {
        assert_eq!(served.send(&execute(host, headers), body).await.0, wanted, "{host} {headers}");
    }
    assert_eq!(served.machine().asked.lock().unwrap().len(), 2, "what is refused is not done");
    // What a page can send without being asked is no JSON.
    let head = format!("POST /execute HTTP/1.1\r\nHost: {here}\r\nContent-Type: text/plain{token}");
    assert_eq!(served.send(&head, body).await.0, 415);
    let long = vec![b' '; 17 << 20];
    let (status, _) = served.send(&execute(&here, token), &long).await;
    assert!(status == 413 || status == 0, "{status}");
    // Our own client sends the token as the name in the address.
    let client = ControlServer::connect(&format!("http://secret@{at}"), WITHIN).await.unwrap();
    assert_eq!(client.screenshot(WITHIN).await.unwrap(), PICTURE);
    let error = ControlServer::connect(&format!("http://{at}"), WITHIN).await.err().unwrap();
    assert!(error.to_string().contains("http://TOKEN@HOST:PORT"), "{error}");
    let large = vec![0; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    assert!(client.write_file("/a", &large, WITHIN).await.is_err());
}

#[tokio::test]
async fn it_is_for_this_computer_unless_somebody_says_otherwise_and_with_a_token() {
    let options = |open: bool, token: Option<&str>| {
        let listen = "0.0.0.0:0".parse().unwrap();
        MachineServerOptions { listen, token: token.map(str::to_owned), open }
    };
    for (options, wanted) in [
        (options(false, None), "can be reached from other computers"),
        (options(false, Some("t")), "can be reached from other computers"),
        (options(true, None), "no token is asked for"),
    ] {
        let source = Arc::new(FakeSource::default());
        let (_stopper, stop) = stop();
        let error = serve(options, source.clone(), stop, |_, _| {}).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(source.count.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_token_comes_as_a_bearer_or_as_a_name() {
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    for header in ["Bearer secret", "bearer  secret", &basic("secret:"), &basic(":secret"), &basic("x:secret")] {
        assert_eq!(token_of_header(header).as_deref(), Some("secret"), "{header}");
    }
    for header in ["", "secret", "Basic ***", "Digest secret", &basic("secret")] {
        assert_eq!(token_of_header(header), None, "{header}");
    }
}

#[test]
fn a_name_that_leads_here_is_nobodys() {
    let check = |host: &str, at: &str| {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
        is_of_this_address(&headers, at.parse().unwrap())
    };
    for host in ["127.0.0.1:5000", "localhost:5000", "[::1]:5000", "127.0.0.1"] {
        assert!(check(host, "127.0.0.1:5000"), "{host}");
    }
    for host in ["evil.example:5000", "127.0.0.1.evil.example", "10.0.0.1:5000", ""] {
        assert!(!check(host, "127.0.0.1:5000"), "{host}");
    }
    assert!(check("vm.example:5000", "0.0.0.0:5000"), "it is open, with a token");
}
