//! A stub of a virtual machine behind OSWorld's control server: it answers in the shapes that upstream's server answers in, and what a
//! driver's program does on a real machine it does to a little desktop of its own. Any answer can be made to go wrong.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Cursor, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

pub const WIDTH: u32 = 1200;
pub const HEIGHT: u32 = 700;
/// The app that the stub has beside a terminal.
pub const APP: &str = "Text Editor";
pub const APP_ID: &str = "org.gnome.gedit";

const EDITOR: &str = "[Desktop Entry]\nType=Application\nName=Text Editor\nExec=gedit %U\nStartupWMClass=Gedit";
const TERMINAL: &str =
    "[Desktop Entry]\nType=Application\nName=Terminal\nExec=gnome-terminal\nStartupWMClass=Gnome-terminal";

/// What goes wrong with the answer to one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing comes, for as long as anybody waits.
    Hang,
    /// What was asked for is done, and the connection breaks before the answer.
    BreakAfter,
    /// The connection breaks before anything is done.
    BreakBefore,
    /// Half of the answer comes.
    Half,
    /// The answer comes so much later.
    Slow(Duration),
    /// Another answer comes, and nothing is done.
    Instead(u16, Vec<u8>),
    /// The answer never ends.
    Endless,
}

#[derive(Clone, Debug)]
pub struct StubWindow {
    pub id: u32,
    pub title: String,
    pub class: &'static str,
    /// Left, top, width, height.
    pub area: [i64; 4],
    pub is_hidden: bool,
}

/// The little desktop.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The uppermost last.
    pub windows: Vec<StubWindow>,
    pub active: Option<u32>,
    /// What stands in the field of the editor.
    pub text: String,
    /// What was done, step by step.
    pub log: Vec<String>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub pointer: (i64, i64),
    /// What the screenshot is drawn of; the screen is black without it.
    pub is_dark: bool,
    /// Whether programs tell their widgets.
    pub is_mute: bool,
    /// What uname says.
    pub system: Option<String>,
    next_window: u32,
}

struct Shared {
    world: Mutex<World>,
    /// What goes wrong next, by the beginning of the path.
    faults: Mutex<Vec<(&'static str, Fault)>>,
    /// How many requests came, by path.
    requests: Mutex<BTreeMap<String, usize>>,
    /// Every so many-th request that only reads breaks or is slow.
    weather: Mutex<Option<u64>>,
    is_over: AtomicBool,
}

/// A stub that listens until it is dropped.
pub struct StubMachine {
    pub address: String,
    shared: Arc<Shared>,
}

impl StubMachine {
    pub fn start() -> StubMachine {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let world = World { next_window: 0x0140_0001, ..World::default() };
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            faults: Mutex::default(),
            requests: Mutex::default(),
            weather: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (serving, stream) = (serving.clone(), stream.unwrap());
                thread::spawn(move || serve(&serving, stream));
            }
        });
        StubMachine { address, shared }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// The next request for a path goes wrong.
    pub fn fail(&self, path: &'static str, fault: Fault) {
        self.shared.faults.lock().unwrap().push((path, fault));
    }

    /// Requests that only read break or are slow now and then.
    pub fn set_weather(&self, seed: u64) {
        *self.shared.weather.lock().unwrap() = Some(seed);
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.shared.requests.lock().unwrap().get(path).copied().unwrap_or(0)
    }
}

impl Drop for StubMachine {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address.trim_start_matches("http://")));
    }
}

struct Request {
    path: String,
    kind: String,
    body: Vec<u8>,
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut kind) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some((name, value)) if name.eq_ignore_ascii_case("content-type") => kind = value.to_owned(),
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { path, kind, body })
}

fn serve(shared: &Shared, stream: TcpStream) -> Option<()> {
    let request = read_request(&stream)?;
    let count = {
        let mut requests = shared.requests.lock().unwrap();
        let count = requests.entry(request.path.clone()).or_default();
        *count += 1;
        *count
    };
    let mut fault = {
        let mut faults = shared.faults.lock().unwrap();
        let at = faults.iter().position(|(path, _)| request.path.starts_with(path));
        at.map(|at| faults.remove(at).1)
    };
    let question = ["/screenshot", "/accessibility", "/file"].into_iter().find(|path| request.path.starts_with(path));
    let is_question = question.is_some();
    if let Some(seed) = *shared.weather.lock().unwrap() {
        // A generator that is good enough for weather.
        let dice = (count as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        match dice {
            0..40 if is_question && fault.is_none() => fault = Some(Fault::BreakBefore),
            40..60 if is_question && fault.is_none() => fault = Some(Fault::Half),
            60..160 if fault.is_none() => fault = Some(Fault::Slow(Duration::from_millis(dice % 30))),
            _ => {}
        }
        // What broke once comes at the second time.
        if let (Some(path), Some(Fault::BreakBefore | Fault::Half)) = (question, &fault) {
            shared.faults.lock().unwrap().push((path, Fault::Slow(Duration::ZERO)));
        }
    }
    match &fault {
        Some(Fault::BreakBefore) => return stream.shutdown(Shutdown::Both).ok(),
        Some(Fault::Hang) => {
            thread::sleep(Duration::from_secs(60));
            return None;
        }
        Some(Fault::Slow(time)) => thread::sleep(*time),
        _ => {}
    }
    let (status, kind, body) = match &fault {
        Some(Fault::Instead(status, body)) => (*status, "text/html", body.clone()),
        _ => answer(&mut shared.world.lock().unwrap(), &request),
    };
    let mut stream = stream;
    if matches!(fault, Some(Fault::BreakAfter)) {
        return stream.shutdown(Shutdown::Both).ok();
    }
    let mut length = body.len();
    if matches!(fault, Some(Fault::Endless)) {
        length = usize::MAX >> 8;
    }
    let head = format!(
        "HTTP/1.1 {status} X\r\nServer: Werkzeug/3.0.1 Python/3.10.12\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    match fault {
        Some(Fault::Half) => stream.write_all(&body[..body.len() / 2]).ok()?,
        Some(Fault::Endless) => while stream.write_all(&[b' '; 65_536]).is_ok() {},
        _ => stream.write_all(&body).ok()?,
    }
    stream.flush().ok()
}

type Answer = (u16, &'static str, Vec<u8>);

fn said(status: u16, value: &Value) -> Answer {
    (status, "application/json", value.to_string().into_bytes())
}

fn text(status: u16, text: impl Into<String>) -> Answer {
    (status, "text/html; charset=utf-8", text.into().into_bytes())
}

/// As upstream's routes answer.
fn answer(world: &mut World, request: &Request) -> Answer {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let form = |key: &str| {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value).unwrap_or_default()
    };
    match &*request.path {
        "/screenshot" => (200, "image/png", world.picture()),
        "/accessibility" => said(200, &json!({"AT": world.tree()})),
        "/terminal" => said(200, &json!({"output": null, "status": "success"})),
        "/platform" => text(200, "Linux"),
        "/cursor_position" => said(200, &json!([world.pointer.0, world.pointer.1])),
        "/screen_size" => said(200, &json!({"height": HEIGHT, "width": WIDTH})),
        "/window_size" => match world.windows.iter().find(|window| window.class == form("app_class_name")) {
            Some(window) => said(200, &json!({"height": window.area[3], "width": window.area[2]})),
            None => text(500, "<!doctype html><title>500 Internal Server Error</title>"),
        },
        "/desktop_path" => said(200, &json!({"desktop_path": "/home/user/Desktop"})),
        "/wallpaper" => said(404, &json!({"error": "Wallpaper file not found"})),
        "/list_directory" => match body["path"].as_str() {
            Some("/home/user") => {
                let entry = |name: &str| json!({"name": name, "type": "file"});
                let children: Vec<Value> =
                    world.files.keys().map(|path| entry(path.rsplit('/').next().unwrap())).collect();
                said(200, &json!({"directory_tree": {"type": "directory", "name": "user", "children": children}}))
            }
            _ => said(400, &json!({"error": "The provided path is not a directory"})),
        },
        "/file" => match world.files.get(&form("file_path")) {
            Some(content) => (200, "application/octet-stream", content.clone()),
            None => said(404, &json!({"error": "File not found"})),
        },
        "/setup/upload" => world.upload(request),
        "/setup/launch" => {
            let program = body["command"][0].as_str().unwrap_or_default().to_owned();
            match program.as_str() {
                "gedit" => world.open(APP, "Gedit"),
                "gnome-terminal" => world.open("user@user: ~", "Gnome-terminal"),
                _ => {
                    let message = format!("[Errno 2] No such file or directory: '{program}'");
                    return said(500, &json!({"status": "error", "message": message}));
                }
            }
            text(200, format!("{program} launched successfully"))
        }
        "/setup/open_file" => text(404, format!("File not found: {}", body["path"].as_str().unwrap_or_default())),
        "/setup/activate_window" | "/setup/close_window" => {
            world.log.push(format!("{} {}", request.path, body["window_name"]));
            text(200, "Window activated successfully")
        }
        "/setup/change_wallpaper" => text(200, "Wallpaper changed successfully"),
        "/execute" | "/setup/execute" => world.execute(&body),
        _ => text(404, "<!doctype html><title>404 Not Found</title>"),
    }
}

impl World {
    pub fn open(&mut self, title: &str, class: &'static str) {
        let id = self.next_window;
        self.next_window += 0x0020_0000;
        let step = 40 * i64::try_from(self.windows.len()).unwrap();
        let area = [60 + step, 50 + step, 600, 400];
        self.windows.push(StubWindow { id, title: title.to_owned(), class, area, is_hidden: false });
        self.active = Some(id);
    }

    fn visible(&self) -> impl DoubleEndedIterator<Item = &StubWindow> {
        self.windows.iter().filter(|window| !window.is_hidden)
    }

    fn picture(&self) -> Vec<u8> {
        let mut picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| match self.is_dark {
            true => Rgb([0, 0, 0]),
            false => Rgb([48, (x / 8 % 200) as u8, (y / 4 % 200) as u8]),
        });
        if !self.is_dark {
            for window in self.visible() {
                let [left, top, width, height] = window.area;
                for y in top..(top + height).min(HEIGHT.into()) {
                    for x in left..(left + width).min(WIDTH.into()) {
                        let shade = if y < top + 30 { 90 } else { 230 };
                        picture.put_pixel(
                            x as u32,
                            y as u32,
                            Rgb([shade, shade, ((window.id >> 21) as u8).wrapping_mul(40)]),
                        );
                    }
                }
                // A column for each letter of the text.
                for (at, letter) in self.text.chars().enumerate().take(500).filter(|_| window.class == "Gedit") {
                    for y in 0..20 {
                        let x = (left + 10 + at as i64) as u32;
                        picture.put_pixel(x, (top + 60 + y) as u32, Rgb([letter as u32 as u8, 0, 0]));
                    }
                }
            }
        }
        for (x, y) in (0..8).flat_map(|x| (0..8).map(move |y| (x, y))) {
            let (x, y) = (self.pointer.0 + x, self.pointer.1 + y);
            if (0..i64::from(WIDTH)).contains(&x) && (0..i64::from(HEIGHT)).contains(&y) {
                picture.put_pixel(x as u32, y as u32, Rgb([255, 255, 255]));
            }
        }
        let mut file = Vec::new();
        picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).unwrap();
        file
    }

    fn tree(&self) -> String {
        let spaces = ["state", "component", "action"]
            .map(|name| format!("xmlns:{}=\"https://accessibility.ubuntu.example.org/ns/{name}\"", &name[..2]));
        if self.is_mute {
            return format!("<desktop-frame {}/>", spaces.join(" "));
        }
        let mut xml = format!("<desktop-frame {}>", spaces.join(" "));
        xml += "<application name=\"gnome-shell\"><window name=\"main\" st:showing=\"true\" st:visible=\"true\"/></application>";
        for window in &self.windows {
            let [left, top, width, height] = window.area;
            let active = if Some(window.id) == self.active { "st:active=\"true\" " } else { "" };
            let shown =
                if window.is_hidden { "" } else { "st:showing=\"true\" st:visible=\"true\" st:enabled=\"true\" " };
            let at = |x: i64, y: i64, width: i64, height: i64| {
                format!("{shown}co:screencoord=\"({}, {})\" co:size=\"({width}, {height})\"", left + x, top + y)
            };
            let text = self.text.replace('&', "&amp;").replace('<', "&lt;");
            xml += &format!(
                "<application name=\"{}\"><frame name=\"{}\" {active}{}><panel name=\"\" {}>\
                 <push-button name=\"Save\" {} ac:click_desc=\"\" ac:click_kb=\"\"/>\
                 <password-text name=\"Key\" {}>hunter2</password-text>\
                 <text name=\"\" st:editable=\"true\" st:focused=\"true\" {}>{text}</text>\
                 <label name=\"gone\" st:visible=\"true\"/></panel></frame></application>",
                window.class,
                window.title,
                at(0, 0, width, height),
                at(0, 30, width, height - 30),
                at(500, 35, 80, 20),
                at(300, 35, 80, 20),
                at(10, 60, 480, 300),
            );
        }
        xml + "</desktop-frame>"
    }

    fn upload(&mut self, request: &Request) -> Answer {
        let Some((_, boundary)) = request.kind.split_once("boundary=") else {
            return said(400, &json!({"error": "file_path and file_data are required"}));
        };
        let line = format!("--{boundary}");
        let text: Vec<&[u8]> = split(&request.body, line.as_bytes());
        let content = |part: &[u8]| {
            let at = part.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            part[at..part.len() - 2].to_vec()
        };
        let path = String::from_utf8(content(text[1])).unwrap();
        let file = content(text[2]);
        let answer = format!("File Uploaded: {} bytes", file.len());
        self.files.insert(path, file);
        self::text(200, answer)
    }

    fn execute(&mut self, body: &Value) -> Answer {
        let words: Vec<&str> =
            body["command"].as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect();
        let ended =
            |output: String| said(200, &json!({"status": "success", "output": output, "error": "", "returncode": 0}));
        match words[..] {
            ["uname", "-sm"] => ended(self.system.clone().unwrap_or("Linux x86_64\n".to_owned())),
            ["python3", "-c", program, request] if program.contains("REQUEST = json.loads(sys.argv[1])") => {
                let request: Value = serde_json::from_str(request).unwrap();
                ended(format!("\n{}\n", self.guest(&request)))
            }
            _ => {
                let program = words.first().copied().unwrap_or_default();
                let message = format!("[Errno 2] No such file or directory: '{program}'");
                said(500, &json!({"status": "error", "message": message}))
            }
        }
    }

    /// What the driver's program does on a real machine.
    fn guest(&mut self, request: &Value) -> Value {
        match request["do"].as_str().unwrap() {
            "look" => json!({"look": self.look()}),
            "menu" => json!({"menu": [[APP_ID, EDITOR], ["org.gnome.Terminal", TERMINAL]]}),
            "window" => {
                let id = request["window"].as_u64().unwrap() as u32;
                let Some(at) = self.windows.iter().position(|window| window.id == id) else {
                    return json!({"stale": true});
                };
                self.log.push(format!("{} {}", request["change"].as_str().unwrap(), self.windows[at].title));
                match request["change"].as_str().unwrap() {
                    "close" => drop(self.windows.remove(at)),
                    "minimize" => self.windows[at].is_hidden = true,
                    change => {
                        let mut window = self.windows.remove(at);
                        window.is_hidden = false;
                        if change == "maximize" {
                            window.area = [0, 0, WIDTH.into(), HEIGHT.into()];
                        }
                        self.windows.push(window);
                        self.active = Some(id);
                    }
                }
                self.active = self.active.filter(|id| self.visible().any(|window| window.id == *id));
                json!({"done": true})
            }
            "desktop" => {
                self.windows.iter_mut().for_each(|window| window.is_hidden = true);
                self.active = None;
                json!({"done": true})
            }
            "act" => self.act(request),
            other => json!({"refused": format!("there is no '{other}'")}),
        }
    }

    fn stack(&self) -> Vec<Value> {
        let top = |window: &StubWindow| {
            let [left, top, width, height] = window.area;
            json!([window.id, left, top, width, height, window.id >> 20])
        };
        self.visible().map(top).collect()
    }

    fn look(&self) -> Value {
        let told = |window: &StubWindow| {
            json!({"id": window.id, "title": window.title, "instance": window.class.to_lowercase(), "class": window.class,
                   "program": window.class.to_lowercase(), "process": window.id >> 20, "area": window.area,
                   "is_active": Some(window.id) == self.active, "is_hidden": window.is_hidden})
        };
        let windows: Vec<Value> = self.windows.iter().map(told).collect();
        json!({"size": [WIDTH, HEIGHT], "windows": windows, "stack": self.stack(), "pointer": [0, 0]})
    }

    fn act(&mut self, request: &Value) -> Value {
        if !request["size"].is_null() && request["size"] != json!([WIDTH, HEIGHT]) {
            return json!({"stale": true});
        }
        for expected in request["expect"].as_array().unwrap() {
            let (x, y) = (expected[0][0].as_i64().unwrap(), expected[0][1].as_i64().unwrap());
            let holds = |top: &&Value| {
                let number = |at: usize| top[at].as_i64().unwrap();
                (number(1)..number(1) + number(3)).contains(&x) && (number(2)..number(2) + number(4)).contains(&y)
            };
            let stack = self.stack();
            let over: Vec<Value> = stack
                .iter()
                .rev()
                .filter(holds)
                .map(|top| Value::from(top.as_array().unwrap()[..5].to_vec()))
                .collect();
            if Value::from(over) != expected[1] {
                return json!({"stale": true});
            }
        }
        let mut typed = 0;
        for step in request["steps"].as_array().unwrap() {
            let number = |at: usize| step[at].as_i64().unwrap_or(-1);
            match step[0].as_str().unwrap() {
                "move" => {
                    self.pointer = (number(1), number(2));
                    self.log.push(format!("move {},{}", number(1), number(2)));
                }
                "text" => {
                    for symbol in step[1].as_array().unwrap() {
                        typed += 1;
                        self.text.push(letter(symbol.as_u64().unwrap() as u32));
                    }
                }
                "clear" => {
                    self.text.clear();
                    self.log.push(format!("clear {}", step[2]));
                }
                "sleep" => self.log.push(format!("sleep {:.2}", step[1].as_f64().unwrap())),
                kind => self.log.push(format!("{kind} {:x}", number(1))),
            }
        }
        json!({"focus": 1, "typed": typed})
    }
}

fn letter(symbol: u32) -> char {
    match symbol {
        0xff0d => '\n',
        0xff09 => '\t',
        0x20..=0xff => char::from_u32(symbol).unwrap(),
        other => char::from_u32(other & 0xff_ffff).unwrap(),
    }
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(by.len()).position(|window| window == by) {
        parts.push(&rest[..at]);
        rest = &rest[at + by.len()..];
    }
    parts.push(rest);
    parts
}
