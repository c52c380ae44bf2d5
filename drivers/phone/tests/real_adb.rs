//! The phone seen through the `adb` that people have. Says so and does nothing where there is none on the PATH.

mod client;
#[path = "client/package.rs"]
mod package;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use client::daemon;
use tapwright_phone::World;
use tapwright_phone::adbd::{Daemon, DaemonOptions, Handle, ManualClock};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

/// An adb server of its own, so that nobody's real phones are touched.
struct Adb {
    program: PathBuf,
    home: TempDir,
    port: u16,
    serial: String,
}

struct CommandOutput {
    out: Vec<u8>,
    text: String,
    err: String,
    status: i32,
}

impl Adb {
    /// Finds adb and connects it to a phone, or says that there is none.
    async fn connect(phone: &Daemon) -> Option<Adb> {
        let Some(program) = find() else {
            // Not by `eprintln`, which tests keep to themselves when they pass.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: there is no adb on the PATH, so the real client was not tried (Debian: apt-get install adb)"
            );
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let adb = Adb { program, home: TempDir::new().unwrap(), port, serial: phone.address().to_string() };
        let ran = adb.run(&["connect", &adb.serial]).await;
        assert!(ran.text.contains("connected to"), "{}{}", ran.text, ran.err);
        Some(adb)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("ANDROID_ADB_SERVER_PORT", self.port.to_string())
            .env("HOME", self.home.path())
            .env_remove("ANDROID_SERIAL")
            .env_remove("ADB_SERVER_SOCKET")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> CommandOutput {
        let output = tokio::time::timeout(Duration::from_secs(60), self.command(arguments).output());
        let output = output.await.unwrap_or_else(|_| panic!("adb {arguments:?} did not end")).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        CommandOutput { out: output.stdout, text, err, status: output.status.code().unwrap_or(-1) }
    }

    /// A command for the phone.
    async fn on(&self, arguments: &[&str]) -> CommandOutput {
        self.run(&[&["-s", self.serial.as_str()], arguments].concat()).await
    }

    /// Waits until the phone answers again, which takes a server up to ten seconds.
    async fn comes_back(&self, after: &str) {
        let mut tries = 0;
        while self.on(&["shell", "echo", "alive"]).await.text != "alive\n" {
            tries += 1;
            assert!(tries < 120, "after {after}: {}", self.run(&["devices"]).await.text);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    async fn end(self) {
        self.run(&["kill-server"]).await;
    }
}

impl Drop for Adb {
    fn drop(&mut self) {
        // A test that failed must not leave a server behind either.
        let _ = std::process::Command::new(&self.program)
            .arg("kill-server")
            .env("ANDROID_ADB_SERVER_PORT", self.port.to_string())
            .env("HOME", self.home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

#[allow(clippy::disallowed_methods)] // The PATH is what this test is about.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("adb")).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.is_file()
}

fn decode(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgba);
    (info.width, info.height, pixels)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_do_with_adb_works() {
    let phone = daemon(DaemonOptions::default()).await;
    let Some(adb) = Adb::connect(&phone).await else { return };

    let list = adb.run(&["devices", "-l"]).await.text;
    let line = list.lines().find(|line| line.starts_with(&adb.serial)).unwrap_or_else(|| panic!("{list}"));
    for part in [" device ", "product:tapwright", "model:Tapwright_Phone", "device:virtual"] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(adb.on(&["get-state"]).await.text, "device\n");

    // Shell: output, complaints and status each arrive.
    assert_eq!(adb.on(&["shell", "wm", "size"]).await.text, "Physical size: 540x1200\n");
    for (command, status) in [("true", 0), ("exit 5", 5), ("false", 1), ("no-such-command", 127)] {
        assert_eq!(adb.on(&["shell", command]).await.status, status, "{command}");
    }
    let ran = adb.on(&["shell", "no-such-command; echo after $?"]).await;
    assert_eq!(ran.text, "after 127\n");
    assert_eq!(ran.err, "/system/bin/sh: no-such-command: inaccessible or not found\n");
    let ran = adb.on(&["shell", "-x", "echo old; ls /none"]).await;
    assert_eq!(ran.text, "old\nls: /none: No such file or directory\n", "the first version has one output");

    // Pictures: the same pixels in every way to get them.
    let (width, height, pixels) = decode(&adb.on(&["exec-out", "screencap", "-p"]).await.out);
    assert_eq!((width, height), (540, 1200));
    let drawn = phone.handle().look(|world| world.draw());
    assert!(pixels == drawn, "the picture is what the world draws");
    assert!(adb.on(&["exec-out", "screencap"]).await.out[16..] == drawn);
    assert_eq!(adb.on(&["shell", "screencap", "-p", "/sdcard/tmp.png"]).await.status, 0);
    let local = adb.home.path().join("pulled.png");
    let ran = adb.on(&["pull", "/sdcard/tmp.png", local.to_str().unwrap()]).await;
    assert_eq!(ran.status, 0, "{}{}", ran.text, ran.err);
    assert!(decode(&std::fs::read(&local).unwrap()).2 == drawn);

    // Files: there and back, into a folder, and those that are not there.
    let content: Vec<u8> = (0..3_000_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (there, back) = (adb.home.path().join("there.bin"), adb.home.path().join("back.bin"));
    std::fs::write(&there, &content).unwrap();
    let ran = adb.on(&["push", there.to_str().unwrap(), "/sdcard/Download/"]).await;
    assert_eq!(ran.status, 0, "{}{}", ran.text, ran.err);
    assert_eq!(adb.on(&["shell", "stat", "-c", "%s", "/sdcard/Download/there.bin"]).await.text, "3000000\n");
    let ran = adb.on(&["pull", "/sdcard/Download/there.bin", back.to_str().unwrap()]).await;
    assert_eq!(ran.status, 0, "{}{}", ran.text, ran.err);
    assert!(std::fs::read(&back).unwrap() == content, "the same bytes come back");
    let ran = adb.on(&["pull", "/sdcard/none", back.to_str().unwrap()]).await;
    assert_ne!(ran.status, 0);
    let said = format!("{}{}", ran.text, ran.err);
    assert!(said.contains("does not exist") || said.contains("No such file"), "{said}");
    let ran = adb.on(&["push", there.to_str().unwrap(), "/system/there.bin"]).await;
    assert_ne!(ran.status, 0);
    assert!(format!("{}{}", ran.text, ran.err).contains("Permission denied"), "{}{}", ran.text, ran.err);
    assert!(adb.on(&["ls", "/sdcard"]).await.text.contains(" Download"));

    // The screen's description, as a file and at once.
    let ran = adb.on(&["shell", "uiautomator", "dump"]).await;
    assert_eq!(ran.text, "UI hierchary dumped to: /sdcard/window_dump.xml\n");
    let xml = adb.on(&["shell", "cat", "/sdcard/window_dump.xml"]).await.text;
    assert_eq!(xml, phone.handle().look(|world| world.hierarchy()));

    let ran = adb.on(&["root"]).await;
    assert!(ran.text.contains("cannot run as root"), "{}", ran.text);
    adb.end().await;
}

/// Where a thing is whose description holds `text`.
fn place(xml: &str, text: &str) -> (i32, i32) {
    let node = xml.split('<').find(|node| node.contains(text)).unwrap_or_else(|| panic!("no {text} in {xml}"));
    let bounds = node.split("bounds=\"").nth(1).unwrap();
    let numbers: Vec<i32> = bounds
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|number| !number.is_empty())
        .take(4)
        .map(|number| number.parse().unwrap())
        .collect();
    ((numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finger_over_adb_changes_the_world() {
    let phone = daemon(DaemonOptions::default()).await;
    let Some(adb) = Adb::connect(&phone).await else { return };
    let before = phone.handle().facts();
    assert_eq!(before["front"], "com.tapwright.launcher");
    let ran =
        adb.on(&["shell", "monkey", "-p", "com.android.settings", "-c", "android.intent.category.LAUNCHER", "1"]).await;
    assert!(ran.text.contains("Events injected: 1"), "{}", ran.text);
    let window = adb.on(&["shell", "dumpsys", "window"]).await.text;
    let focus = window.lines().find(|line| line.contains("mCurrentFocus")).unwrap();
    assert!(focus.contains("com.android.settings/"), "{focus}");
    let (x, y) = place(&phone.handle().look(|world| world.hierarchy()), "Wi-Fi");
    assert_eq!(adb.on(&["shell", "input", "tap", &x.to_string(), &y.to_string()]).await.status, 0);
    let after = phone.handle().facts();
    assert_ne!(before["wifi.on"], after["wifi.on"], "the tap at {x},{y} reached the switch");
    let other = adb.on(&["shell", "input tap 1 1; input keyevent KEYCODE_HOME; dumpsys tapwright"]).await.text;
    let facts: std::collections::BTreeMap<String, String> = serde_json::from_str(&other).unwrap();
    assert_eq!(facts["wifi.on"], after["wifi.on"]);
    assert_eq!(facts["front"], "com.tapwright.launcher");
    let tree = phone.handle().look(|world| world.hierarchy());
    let ((x, y), (to_x, to_y)) = (place(&tree, "Settings"), place(&tree, "Messages"));
    let drag = format!("input draganddrop {x} {y} {to_x} {to_y} 500");
    assert_eq!(adb.on(&["shell", &drag]).await.status, 0);
    assert_eq!(phone.handle().facts()["launcher.icons"], "Settings, Messages, Contacts, Notes, Clock, Calendar");
    adb.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finger_moved_by_hand_drags_if_it_rested_first() {
    let (clock, listener) = (ManualClock::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let handle = Handle::new(World::new(Default::default()), clock.clone());
    let phone = Daemon::start(listener, handle, DaemonOptions::default()).unwrap();
    let Some(adb) = Adb::connect(&phone).await else { return };
    let tree = phone.handle().look(|world| world.hierarchy());
    let ((x, y), (to_x, to_y)) = (place(&tree, "Settings"), place(&tree, "Messages"));
    for (rests, expected) in [
        (0, "Messages, Contacts, Notes, Clock, Calendar, Settings"),
        (600, "Settings, Messages, Contacts, Notes, Clock, Calendar"),
    ] {
        let down = format!("input motionevent DOWN {x} {y}; input motionevent MOVE {x} {y}");
        assert_eq!(adb.on(&["shell", &down]).await.status, 0);
        clock.pass(rests);
        let away = format!("input motionevent MOVE {to_x} {to_y}; input motionevent UP {to_x} {to_y}");
        assert_eq!(adb.on(&["shell", &away]).await.status, 0);
        assert_eq!(phone.handle().facts()["launcher.icons"], expected, "{rests} ms");
    }
    adb.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_at_once() {
    let phone = daemon(DaemonOptions::default()).await;
    let Some(first) = Adb::connect(&phone).await else { return };
    let Some(second) = Adb::connect(&phone).await else { return };
    for round in 0..3 {
        let (left, right) = (format!("/sdcard/left{round}.png"), format!("/sdcard/right{round}.png"));
        let to_left = ["shell", "screencap", "-p", &left];
        let to_right = ["shell", "screencap", "-p", &right, ";", "exit", "3"];
        let (a, b, c, d) = tokio::join!(
            first.on(&["exec-out", "screencap", "-p"]),
            second.on(&["exec-out", "screencap", "-p"]),
            first.on(&to_left),
            second.on(&to_right),
        );
        assert!(a.out == b.out && decode(&a.out).0 == 540);
        assert_eq!((c.status, d.status), (0, 3));
        // What one has written the other reads.
        assert_eq!(
            first.on(&["shell", "stat", "-c", "%s", &right]).await.text,
            second.on(&["shell", "stat", "-c", "%s", &left]).await.text
        );
    }
    first.end().await;
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_that_adb_keeps_open_is_fed_line_by_line() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let phone = daemon(DaemonOptions::default()).await;
    let Some(adb) = Adb::connect(&phone).await else { return };
    let mut child =
        adb.command(&["-s", &adb.serial, "shell"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for (line, expected) in [
        ("echo MARKER $?", "MARKER 0"),
        ("false; echo MARKER $?", "MARKER 1"),
        ("cd /sdcard; pwd", "/storage/emulated/0"),
    ] {
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        input.flush().await.unwrap();
        let said = tokio::time::timeout(Duration::from_secs(30), output.next_line()).await.expect("an answer at once");
        assert_eq!(said.unwrap().as_deref(), Some(expected));
    }
    input.write_all(b"exit 6\n").await.unwrap();
    drop(input);
    let status = tokio::time::timeout(Duration::from_secs(30), child.wait()).await.expect("the shell ends").unwrap();
    assert_eq!(status.code(), Some(6));
    adb.end().await;
}

/// Listens below the ports that the system gives to whoever dials: one of those would be taken by the server that dials it again
/// while nobody listens there.
async fn on_a_port_that_nobody_is_given() -> TcpListener {
    let first = 20_000 + u16::try_from(std::process::id() % 8_000).unwrap_or(0);
    for port in first..first + 2_000 {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return listener;
        }
    }
    panic!("no port from {first} on is free")
}

/// A server keeps the phones that it was connected to, and dials those again that it has lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adb_gets_a_phone_back_that_it_has_lost() {
    let listener = on_a_port_that_nobody_is_given().await;
    let phone =
        Daemon::start(listener, daemon(DaemonOptions::default()).await.handle().clone(), DaemonOptions::default())
            .unwrap();
    let (address, handle) = (phone.address(), phone.handle().clone());
    let Some(adb) = Adb::connect(&phone).await else { return };
    adb.on(&["reboot"]).await;
    adb.comes_back("a reboot").await;
    // Everything is gone for a moment, as when `tapwright phone` is started again, or a cable is pulled.
    phone.kill().await;
    let listener = TcpListener::bind(address).await.expect("the address is free again");
    let _phone = Daemon::start(listener, handle, DaemonOptions::default()).unwrap();
    adb.comes_back("a phone that was started again").await;
    adb.end().await;
}

/// What adb does beyond shells and files, as far as this phone can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_adb_is_answered() {
    use tokio::io::AsyncWriteExt;
    let phone = daemon(DaemonOptions::default()).await;
    let Some(adb) = Adb::connect(&phone).await else { return };
    // The client is gone long before the program reads: what it has sent must not go with it.
    let slow = "sleep 1; cat > /sdcard/in";
    let mut child = adb.command(&["-s", &adb.serial, "exec-in", slow]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let data = "hello\n".repeat(20_000);
    input.write_all(data.as_bytes()).await.unwrap();
    drop(input);
    assert!(tokio::time::timeout(Duration::from_secs(30), child.wait()).await.expect("it ends").unwrap().success());
    let mut said = String::new();
    for _ in 0..50 {
        said = adb.on(&["shell", "cat", "/sdcard/in"]).await.text;
        if said.len() == data.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(said == data, "{} bytes of {} arrived", said.len(), data.len());
    let log = adb.on(&["logcat", "-d"]).await;
    assert!(log.status == 0 && log.text.contains("System now ready"), "{}{}", log.text, log.err);
    let ran = adb.on(&["reverse", "tcp:7000", "tcp:6100"]).await;
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(adb.on(&["reverse", "--list"]).await.text.contains("tcp:7000 tcp:6100"));
    assert_eq!(adb.on(&["reverse", "--remove-all"]).await.status, 0);
    assert!(!adb.on(&["reverse", "--list"]).await.text.contains("tcp:7000"));
    let apk = adb.home.path().join("some.apk");
    let path = apk.to_str().unwrap();
    std::fs::write(&apk, [7; 5000]).unwrap();
    let said = |ran: &CommandOutput| format!("{}{}", ran.text, ran.err);
    let ran = adb.on(&["install", path]).await;
    assert!(ran.status != 0 && said(&ran).contains("INSTALL_PARSE_FAILED_NOT_APK"), "{}", said(&ran));
    std::fs::write(&apk, package::tiny()).unwrap();
    for options in [&["install"][..], &["install", "-r", "-g"], &["install", "--no-streaming"]] {
        let ran = adb.on(&[options, &[path]].concat()).await;
        assert!(ran.status == 0 && said(&ran).contains("Success"), "{options:?}: {}", said(&ran));
        assert!(adb.on(&["shell", "pm", "list", "packages", "-3"]).await.text.contains("package:com.example.tiny\n"));
        let ran = adb.on(&["uninstall", "com.example.tiny"]).await;
        assert!(ran.status == 0 && said(&ran).contains("Success"), "{options:?}: {}", said(&ran));
    }
    adb.end().await;
}
