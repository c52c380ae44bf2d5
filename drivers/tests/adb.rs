//! The driver with Google's own adb server between it and virtual phones. Where the program `adb` is missing these tests
//! say so and do nothing.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tapwright_contract::Spot;
use tapwright_contract::device::{Driver, DriverErrorKind};
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_drivers::android::{
    Address, Android, AndroidOptions, Capture, DeviceState, Judge, Keys, connect, devices, disconnect,
};
use tapwright_drivers::conformance::{self, Subject};
use tapwright_drivers::{Probe, Settle};
use tapwright_phone::adbd::{Access, Daemon, Handle, ManualClock, PublicKey};
use tapwright_phone::{Icon, Input, MarkContent, World};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);
const SUBJECT: Subject<'static> =
    Subject { app: "Settings", id: "com.android.settings", misspelt: "Setings", patience: PATIENCE };

/// An adb server of our own: its own port, its own keys.
struct Adb {
    port: u16,
    home: PathBuf,
}

impl Adb {
    /// `None` where there is no adb.
    async fn start() -> Option<Adb> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let there = Command::new("adb").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        if !there.is_ok_and(|status| status.success()) {
            let _ = writeln!(std::io::stderr(), "SKIPPED: there is no adb on the PATH (Debian: apt-get install adb)");
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("tapwright-adb-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let adb = Adb { port, home };
        adb.run(&["start-server"]).await;
        Some(adb)
    }

    async fn run(&self, words: &[&str]) {
        let mut command = Command::new("adb");
        command.args(["-P", &self.port.to_string()]).args(words).env("HOME", &self.home);
        // The server that it starts would hold the pipes for ever.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().await.expect("the program adb");
    }

    fn server(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn options(&self, serial: &str) -> AndroidOptions {
        let address = Address::Server { server: self.server(), serial: serial.to_owned(), person: PATIENCE };
        let find_again = Duration::from_secs(20);
        AndroidOptions { address, settle: Settle::INSTANT, capture: Capture::Auto, find_again, wake: true }
    }

    async fn end(self) {
        self.run(&["kill-server"]).await;
        std::fs::remove_dir_all(&self.home).unwrap();
    }
}

async fn phone(seed: u64) -> Daemon {
    let world = World::new(tapwright_phone::Options { seed, ..Default::default() });
    serve(Handle::new(world, ManualClock::default()), "127.0.0.1:0".parse().unwrap()).await
}

async fn serve(handle: Handle, at: SocketAddr) -> Daemon {
    let listener = TcpListener::bind(at).await.unwrap();
    Daemon::start(listener, handle, Default::default()).unwrap()
}

fn into_a_note(phone: &Daemon) {
    phone.handle().change(|world| {
        world.launch("com.android.notes");
        let plus = world.marks().into_iter().find(|mark| mark.what == MarkContent::Icon(Icon::Plus)).unwrap();
        let (x, y) = plus.target.unwrap();
        world.input(&Input::Tap { x, y });
    });
}

fn typed_text(phone: &Daemon) -> Option<String> {
    phone.handle().look(|world| world.field_text().map(str::to_owned))
}

fn typing(text: &str) -> Gesture {
    Gesture::Type { text: text.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_duty_is_kept_through_an_adb_server() {
    let Some(adb) = Adb::start().await else { return };
    let phone = phone(0).await;
    let (server, serial) = (adb.server(), phone.address().to_string());

    connect(&server, &serial, PATIENCE).await.unwrap();
    let listed = devices(&server, PATIENCE).await.unwrap();
    let device = listed.iter().find(|device| device.serial == serial).unwrap();
    assert_eq!((&device.state, &*device.model), (&DeviceState::Ready, "Tapwright_Phone"));
    let mut driver = Android::connect(adb.options(&serial), PATIENCE).await.unwrap();
    conformance::every_duty(&mut driver, &SUBJECT).await;
    into_a_note(&phone);
    driver.perform(&typing("你好 'you'"), PATIENCE).await.unwrap();
    assert_eq!(typed_text(&phone).as_deref(), Some("你好 'you'"));
    let mut judge = Judge::new(adb.options(&serial).address);
    assert_eq!(judge.facts(PATIENCE).await.unwrap(), phone.handle().facts());

    // What an adb server mends too late by itself, if at all.
    let mut hasty = AndroidOptions { find_again: Duration::from_millis(300), ..adb.options(&serial) };
    let mut impatient = Android::connect(hasty.clone(), PATIENCE).await.unwrap();
    let (handle, at) = (phone.handle().clone(), phone.address());
    phone.kill().await;
    let error = impatient.screen(PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
    let _phone = serve(handle, at).await;
    driver.screen(PATIENCE).await.unwrap();

    disconnect(&server, &serial, PATIENCE).await.unwrap();
    hasty.address = Address::Server { server, serial: "nobody".to_owned(), person: PATIENCE };
    let error = Android::connect(hasty, PATIENCE).await.err().unwrap();
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
    adb.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_phones_on_one_server_are_driven_at_once_each_by_its_serial() {
    let Some(adb) = Adb::start().await else { return };
    let phones = [phone(1).await, phone(2).await];
    let mut drivers = Vec::new();
    for phone in &phones {
        let serial = phone.address().to_string();
        connect(&adb.server(), &serial, PATIENCE).await.unwrap();
        drivers.push(Android::connect(adb.options(&serial), PATIENCE).await.unwrap());
        into_a_note(phone);
    }
    let [first, second] = &mut drivers[..] else { unreachable!("two were made") };
    for round in 0..5 {
        let texts = [typing(&format!("one {round} 一")), typing(&format!("two {round} 二"))];
        let (a, b) = tokio::join!(first.perform(&texts[0], PATIENCE), second.perform(&texts[1], PATIENCE));
        a.unwrap();
        b.unwrap();
        let (a, b) = tokio::join!(first.screen(PATIENCE), second.screen(PATIENCE));
        for (screen, phone) in [(a.unwrap(), &phones[0]), (b.unwrap(), &phones[1])] {
            assert!(screen.picture.rgba() == phone.handle().look(World::draw), "a picture of the other phone");
        }
        assert_eq!(typed_text(&phones[0]), Some(format!("one {round} 一")));
        assert_eq!(typed_text(&phones[1]), Some(format!("two {round} 二")));
    }
    // One that goes does not take the other along.
    let [gone, stays] = phones;
    gone.kill().await;
    second.screen(PATIENCE).await.unwrap();
    second.perform(&typing("still here"), PATIENCE).await.unwrap();
    assert_eq!(typed_text(&stays).as_deref(), Some("still here"));
    adb.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_is_waited_for_and_no_touch_is_doubled() {
    let Some(adb) = Adb::start().await else { return };
    let phone = phone(3).await;
    let serial = phone.address().to_string();
    connect(&adb.server(), &serial, PATIENCE).await.unwrap();
    let mut driver = Android::connect(adb.options(&serial), PATIENCE).await.unwrap();
    driver.screen(PATIENCE).await.unwrap();
    into_a_note(&phone);
    let mut known = 0;
    let mut unknown = 0;
    for step in 0..6 {
        if step == 3 {
            adb.run(&["kill-server"]).await;
        }
        // Enter is a line break in a note, so the note counts how often it was pressed.
        let pressing = driver.perform(&Gesture::Press { key: Key::Enter }, PATIENCE);
        let done = if step == 3 {
            // Somebody starts it again a second later; it knows no device then.
            let restart = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                adb.run(&["start-server"]).await;
            };
            tokio::join!(pressing, restart).0
        } else {
            pressing.await
        };
        match done.map_err(|error| error.kind) {
            Ok(()) => known += 1,
            Err(DriverErrorKind::TimedOut { tries }) => {
                assert!(tries.contains("the device is back"), "{tries}");
                unknown += 1;
            }
            Err(kind) => panic!("{kind}"),
        }
        let began = Instant::now();
        let screen = driver.screen(PATIENCE).await.unwrap();
        assert!(screen.picture.rgba() == phone.handle().look(World::draw));
        assert!(began.elapsed() < Duration::from_secs(30));
    }
    let happened = typed_text(&phone).unwrap().chars().count();
    assert!(known <= happened && happened <= known + unknown, "{known} known, {unknown} unknown, {happened} happened");
    assert!(known >= 5);
    // Nobody starts it again: the error says what to do.
    adb.run(&["kill-server"]).await;
    let mut hasty =
        Android::connect(AndroidOptions { find_again: Duration::from_millis(300), ..adb.options(&serial) }, PATIENCE)
            .await;
    let error = match &mut hasty {
        Ok(_) => panic!("there is no server"),
        Err(error) => error,
    };
    assert!(error.to_string().contains("start one with `adb start-server`"), "{error}");
    adb.end().await;
}

/// Waits until an adb server says this of a phone.
async fn until_it_is(adb: &Adb, serial: &str, wanted: DeviceState) {
    let began = Instant::now();
    loop {
        let listed = devices(&adb.server(), PATIENCE).await.unwrap();
        let state = listed.into_iter().find(|device| device.serial == serial).map(|device| device.state);
        if state.as_ref() == Some(&wanted) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{state:?} and not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_lets_in_whom_it_knows_and_whom_its_owner_allows() {
    let (Some(known), Some(stranger)) = (Adb::start().await, Adb::start().await) else { return };
    let key = |adb: &Adb| adb.home.join(".android/adbkey");
    let public = std::fs::read_to_string(key(&known).with_extension("pub")).expect("the server has made a key");
    let access = Access::Keys(vec![PublicKey::parse(&public).unwrap()]);
    let handle = Handle::new(World::new(Default::default()), ManualClock::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let phone =
        Daemon::start(listener, handle, tapwright_phone::adbd::DaemonOptions { access, ..Default::default() }).unwrap();
    let serial = phone.address().to_string();
    let direct = |adb: &Adb, person: Duration| {
        let keys = Keys { files: vec![key(adb)], person };
        AndroidOptions { address: Address::Direct { address: serial.clone(), keys }, ..adb.options(&serial) }
    };

    // With the right key: adb, our driver through it, and our driver alone.
    connect(&known.server(), &serial, PATIENCE).await.unwrap();
    Android::connect(known.options(&serial), PATIENCE).await.unwrap().screen(PATIENCE).await.unwrap();
    let mut driver = Android::connect(direct(&known, Duration::ZERO), PATIENCE).await.unwrap();
    driver.screen(PATIENCE).await.unwrap();

    // With another one: neither adb nor we, and we say why.
    stranger.run(&["connect", &serial]).await;
    until_it_is(&stranger, &serial, DeviceState::Unauthorized).await;
    let error = Android::connect(direct(&stranger, Duration::from_millis(300)), PATIENCE).await.err().unwrap();
    assert!(error.to_string().contains("nobody said yes within 0.3 s: allow this computer on the device"), "{error}");

    // The question of the other adb is on the screen, and who is in can answer it there.
    let of = driver.screen(PATIENCE).await.unwrap().picture.size();
    let tree = driver.labels(PATIENCE).await.unwrap().unwrap();
    let allow = tree.iter().find(|label| label.text == "Allow").expect("a question with an Allow");
    let at = Spot {
        x: (allow.area.left + allow.area.right) / 2,
        y: (allow.area.top + allow.area.bottom) / 2,
        of: of.into(),
    };
    driver.perform(&Gesture::Tap { at }, PATIENCE).await.unwrap();
    until_it_is(&stranger, &serial, DeviceState::Ready).await;
    Android::connect(direct(&stranger, Duration::ZERO), PATIENCE).await.unwrap().screen(PATIENCE).await.unwrap();
    known.end().await;
    stranger.end().await;
}
