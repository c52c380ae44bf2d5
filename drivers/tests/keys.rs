//! Devices that want to know the key of this computer: which are shown, who is asked, and what is said if it comes to nothing.

mod fake;

use std::path::{Path, PathBuf};
use std::time::Duration;

use expect_test::{Expect, expect};
use fake::{Fake, Script, good};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::rand_core::OsRng;
use tapwright_contract::device::{Driver, DriverError};
use tapwright_drivers::Settle;
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, Keys};
use tapwright_phone::adbd::{Access, Daemon, Handle, ManualClock};
use tapwright_phone::{Input, MarkContent, World};

const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough to be asked, and nobody answers.
const SHORT: Duration = Duration::from_millis(300);

/// A key of so many bits, in the form that adb writes now.
fn new_key(folder: &Path, name: &str, bits: usize) -> PathBuf {
    let key = RsaPrivateKey::new(&mut OsRng, bits).unwrap();
    let at = folder.join(name);
    std::fs::write(&at, key.to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes()).unwrap();
    at
}

/// A phone that knows nobody.
async fn phone() -> Daemon {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let handle = Handle::new(World::new(Default::default()), ManualClock::default());
    let access = Access::Keys(Vec::new());
    Daemon::start(listener, handle, tapwright_phone::adbd::DaemonOptions { access, ..Default::default() }).unwrap()
}

fn options(address: &str, files: &[&Path], person: Duration) -> AndroidOptions {
    let keys = Keys { files: files.iter().map(|file| file.to_path_buf()).collect(), person };
    let address = Address::Direct { address: address.to_owned(), keys };
    AndroidOptions { address, settle: Settle::INSTANT, capture: Capture::Raw, find_again: Duration::ZERO, wake: true }
}

async fn connect(phone: &Daemon, files: &[&Path], person: Duration) -> Result<Android, DriverError> {
    Android::connect(options(&phone.address().to_string(), files, person), PATIENCE).await
}

/// Waits until the phone's screen asks about a computer, or does so no more.
async fn until_asked(phone: &Daemon, asked: bool) {
    let mut changes = phone.handle().changes();
    let asks = |world: &World| world.window().contains("UsbDebuggingActivity");
    tokio::time::timeout(PATIENCE, async {
        while phone.handle().look(asks) != asked {
            changes.changed().await.unwrap();
        }
    })
    .await
    .expect("the phone's screen asks, or does so no more");
}

fn tap(phone: &Daemon, word: &str) {
    phone.handle().change(|world| {
        let marks = world.marks();
        let mut targets =
            marks.iter().filter(|mark| mark.what == MarkContent::Word(word.to_owned())).filter_map(|mark| mark.target);
        let (x, y) = targets.next().expect("it is on the screen and can be touched");
        world.input(&Input::Tap { x, y });
    });
}

/// Connects, and says yes on the phone's screen.
async fn allow(phone: &Daemon, files: &[&Path]) {
    let (connected, ()) = tokio::join!(connect(phone, files, PATIENCE), async {
        until_asked(phone, true).await;
        tap(phone, "Allow");
    });
    connected.unwrap();
}

/// Files and addresses differ from run to run.
fn check(result: Result<Android, DriverError>, folder: &Path, address: &str, expected: Expect) {
    let told = result.err().map_or_else(|| "connected".to_owned(), |error| error.to_string());
    expected.assert_eq(&told.replace(&folder.display().to_string(), "FOLDER").replace(address, "DEVICE"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_is_asked_about_on_the_screen_and_known_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let key = new_key(folder.path(), "adbkey", 2048);
    std::fs::write(folder.path().join("adbkey.pub"), "QAAAA= me@laptop\n").unwrap();
    let phone = phone().await;
    let files = [key.as_path()];
    let asking = connect(&phone, &files, PATIENCE);
    let owner = async {
        until_asked(&phone, true).await;
        let tree = phone.handle().look(World::hierarchy);
        assert!(tree.contains("Allow USB debugging?") && tree.contains("me@laptop"), "{tree}");
        tap(&phone, "Allow");
    };
    let (connected, ()) = tokio::join!(asking, owner);
    let mut android = connected.unwrap();
    android.screen(PATIENCE).await.unwrap();
    // From now on the signature is enough: nobody is asked, and nobody has to be waited for.
    connect(&phone, &[&key], Duration::ZERO).await.unwrap().screen(PATIENCE).await.unwrap();
    until_asked(&phone, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_key_is_found_among_several_and_the_wrong_one_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let own = new_key(folder.path(), "adbkey", 2048);
    let vendors = folder.path().join("vendors");
    std::fs::create_dir(&vendors).unwrap();
    // As adb wrote keys long ago.
    let old = RsaPrivateKey::new(&mut OsRng, 2048).unwrap().to_pkcs1_pem(LineEnding::LF).unwrap();
    std::fs::write(vendors.join("b.adb_key"), old.as_bytes()).unwrap();
    std::fs::write(vendors.join("a.adb_key"), "no key").unwrap();
    std::fs::write(vendors.join("c.txt"), "not looked at").unwrap();
    let phone = phone().await;
    allow(&phone, &[&vendors]).await;
    let missing = folder.path().join("missing");
    connect(&phone, &[&missing, &own, &vendors], Duration::ZERO).await.unwrap();

    let address = phone.address().to_string();
    let expected = expect![[
        r#"DEVICE: cannot connect: refused: nobody said yes within 0.3 s: allow this computer on the device's screen ("always", or it is asked again), then try again; its key is FOLDER/adbkey"#
    ]];
    check(connect(&phone, &[&own], SHORT).await, folder.path(), &address, expected);
    until_asked(&phone, false).await;
    // Said no to, and that is not the end of it: the owner may think again.
    let asking = options(&address, &[&own], PATIENCE);
    let asking = tokio::spawn(async move { Android::connect(asking, PATIENCE).await.map(drop) });
    until_asked(&phone, true).await;
    tap(&phone, "Cancel");
    until_asked(&phone, false).await;
    asking.abort();
    assert!(asking.await.is_err(), "it was let in, or gave up at once");
    allow(&phone, &[&own]).await;
}

#[tokio::test]
async fn without_a_key_it_is_said_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let phone = phone().await;
    let address = phone.address().to_string();
    let refused = |result, expected: Expect| check(result, folder.path(), &address, expected);
    let key = folder.path().join("adbkey");
    refused(
        connect(&phone, &[&key], PATIENCE).await,
        expect![
            "DEVICE: cannot connect: refused: the device wants to know the key of this computer, and there is none: make one (`adb keygen FOLDER/adbkey`), or go through an adb server, which makes its own (`adb connect DEVICE`, allow it on the device, then use the serial DEVICE)"
        ],
    );
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    refused(
        connect(&phone, &[&key], PATIENCE).await,
        expect![
            "DEVICE: cannot connect: refused: the device wants to know the key of this computer, and there is none that can be used (FOLDER/adbkey: this is no private RSA key in PEM): go through an adb server, which makes its own (`adb connect DEVICE`, allow it on the device, then use the serial DEVICE)"
        ],
    );
    let short = new_key(folder.path(), "short", 1024);
    refused(
        connect(&phone, &[&short], PATIENCE).await,
        expect![
            "DEVICE: cannot connect: refused: the device wants to know the key of this computer, and there is none that can be used (FOLDER/short: a key of 1024 bits, and Android takes 2048): go through an adb server, which makes its own (`adb connect DEVICE`, allow it on the device, then use the serial DEVICE)"
        ],
    );
}

#[tokio::test]
async fn what_is_no_greeting_is_told_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (banner, expected) in [
        (
            "STLS",
            expect![
                "DEVICE: cannot connect: refused: the device wants TLS, as wireless debugging does, and this client speaks none: go through an adb server (`adb pair` once, `adb connect DEVICE`, then use the serial DEVICE)"
            ],
        ),
        (
            "AUTHshort",
            expect!["DEVICE: cannot connect: malformed response: the device asked for a key in no known way"],
        ),
    ] {
        let fake = Fake::daemon(Script { banner: banner.to_owned(), ..good() }).await;
        let address = fake.address.to_string();
        let result = Android::connect(options(&address, &[], PATIENCE), PATIENCE).await;
        check(result, folder.path(), &address, expected);
    }
}
