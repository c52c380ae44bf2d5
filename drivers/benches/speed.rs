//! What a step costs at 1080x2400 on a screen like a photograph, with a model that answers at once: time, round trips,
//! bytes on the wire and CPU, over real ADB on loopback. `cargo bench -p tapwright-drivers --bench speed` prints the table
//! of `docs/performance.md`; `cargo test` runs it small.
//!
//! The phone is a process of its own, so that its work is not counted as the client's.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tapwright_contract::device::Driver;
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::Settle;
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, Keys};
use tapwright_phone::adbd::{Daemon, Handle, SteadyClock};
use tapwright_phone::weather::{Fault, Weather};
use tapwright_phone::{Icon, Input, MarkContent, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);
const ONE_LOOK: Settle = Settle { looks: 1, apart: Duration::ZERO, grace: Duration::ZERO };
/// What a real phone takes for a short touch or a key: `input` starts a program before Android 12, and asks one that runs since.
const TAP: &str = "20 to 1000 ms";
/// How long the animation of the last rows lasts.
const ANIMATION: u64 = 300;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match &arguments[1..] {
        [serve, width, height, animation] if serve == "--serve" => {
            runtime.block_on(serve_phone(width.parse().unwrap(), height.parse().unwrap(), animation.parse().unwrap()));
        }
        rest => {
            let earnest = rest.iter().any(|word| word == "--bench");
            let (size, times) = if earnest { ((1080, 2400), 60) } else { ((240, 400), 2) };
            runtime.block_on(table(size, times));
        }
    }
}

async fn serve_phone(width: u32, height: u32, animation: u64) {
    let mut world = World::new(tapwright_phone::Options { width, height, ..Default::default() });
    world.hang_photo(1);
    world.launch("com.android.notes");
    let plus =
        world.marks().into_iter().find(|mark| mark.what == MarkContent::Icon(Icon::Plus)).unwrap().target.unwrap();
    world.input(&Input::Tap { x: plus.0, y: plus.1 });
    let mut weather = Weather::of(1, if animation > 0 { &[(Fault::Animation, 1000)] } else { &[] });
    weather.lengths.animation = animation;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // What is measured is the client: a finger takes the time that it is told to.
    let options = tapwright_phone::adbd::DaemonOptions { instant_gestures: true, ..Default::default() };
    let daemon = Daemon::start(listener, Handle::in_weather(world, SteadyClock::new(), weather), options).unwrap();
    println!("{}", daemon.address());
    // Until the other end of the pipe is gone.
    tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await.unwrap().unwrap();
}

struct Phone {
    child: Child,
    address: String,
}

impl Phone {
    fn start((width, height): (u32, u32), animation: u64) -> Phone {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--serve", &width.to_string(), &height.to_string(), &animation.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Phone { child, address: address.trim().to_owned() }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What went through a relay between driver and phone.
#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    /// What the phone was asked: services opened, and lines written to its shell.
    asked: AtomicU64,
}

/// A relay that counts, for passes in which time does not.
async fn relay(to: String) -> (String, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let counts = Arc::<Counts>::default();
    let counted = counts.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let phone = TcpStream::connect(&to).await.unwrap();
            client.set_nodelay(true).unwrap();
            phone.set_nodelay(true).unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_phone, mut to_phone) = phone.into_split();
            let counts = counted.clone();
            tokio::spawn(async move {
                let mut header = [0; 24];
                while from_client.read_exact(&mut header).await.is_ok() {
                    let length = u32::from_le_bytes(header[12..16].try_into().unwrap()) as usize;
                    let mut packet = header.to_vec();
                    packet.resize(24 + length, 0);
                    if from_client.read_exact(&mut packet[24..]).await.is_err() {
                        break;
                    }
                    counts.up.fetch_add(packet.len() as u64, Ordering::Relaxed);
                    if matches!(&header[..4], b"OPEN" | b"WRTE") {
                        counts.asked.fetch_add(1, Ordering::Relaxed);
                    }
                    if to_phone.write_all(&packet).await.is_err() {
                        break;
                    }
                }
            });
            let counts = counted.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 256 << 10];
                while let Ok(count @ 1..) = from_phone.read(&mut bytes).await {
                    counts.down.fetch_add(count as u64, Ordering::Relaxed);
                    if to_client.write_all(&bytes[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, counts)
}

/// CPU that this process has used, in milliseconds; 0 where the system does not tell so.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything, the 12th and 13th fields are ticks of 10 ms.
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}

async fn driver(address: String, settle: Settle, capture: Capture) -> Android {
    let address = Address::Direct { address, keys: Keys::default() };
    let options = AndroidOptions { address, settle, capture, find_again: Duration::ZERO, wake: true };
    let mut driver = Android::connect(options, PATIENCE).await.unwrap();
    // What is found out once in a session is not a step's.
    driver.screen(PATIENCE).await.unwrap();
    driver.perform(&Gesture::Type { text: "好".to_owned() }, PATIENCE).await.unwrap();
    driver.screen(PATIENCE).await.unwrap();
    driver
}

struct Row {
    what: &'static str,
    /// What a real phone takes for the gesture alone; this one takes it and has done it.
    device: &'static str,
    gesture: Gesture,
    settle: Settle,
    capture: Capture,
    animation: u64,
}

async fn table(size: (u32, u32), times: usize) {
    let of = Size { width: size.0, height: size.1 };
    let at = Spot { x: of.width / 2, y: of.height / 4, of: of.into() };
    let tap = || Gesture::Tap { at };
    let cjk = Gesture::Type { text: "我已经在路上了大概二十分钟以后到请等我吧".to_owned() };
    assert!(matches!(&cjk, Gesture::Type { text } if text.chars().count() == 20));
    let swipe = Gesture::Swipe { from: at, to: Spot { y: of.height / 2, ..at }, over: Duration::from_millis(300) };
    let still = Settle::INSTANT;
    let row = |what, device, gesture, settle, capture| Row { what, device, gesture, settle, capture, animation: 0 };
    let rows = [
        row("Tap, one look (raw)", TAP, tap(), ONE_LOOK, Capture::Raw),
        row("Tap, one look (PNG)", TAP, tap(), ONE_LOOK, Capture::Png),
        row("Type, 20 CJK characters, one look", TAP, cjk, ONE_LOOK, Capture::Raw),
        row("Swipe, one look", "300 ms and more", swipe, ONE_LOOK, Capture::Raw),
        row("Enter, one look", TAP, Gesture::Press { key: Key::Enter }, ONE_LOOK, Capture::Raw),
        row("Launch, one look", "300 ms and more", Gesture::Launch { app: "Notes".to_owned() }, ONE_LOOK, Capture::Raw),
        row("Tap, until still (`Settle::INSTANT`)", TAP, tap(), still, Capture::Raw),
        Row {
            animation: ANIMATION,
            ..row(
                "Enter that animates 300 ms, until still (`Settle::PHONE`)",
                TAP,
                Gesture::Press { key: Key::Enter },
                Settle::PHONE,
                Capture::Raw,
            )
        },
    ];
    println!(
        "The phone of these rows costs nothing: it has done a gesture when it has read it. The first column of times is the client's and the"
    );
    println!("wire's; what a real phone takes beside it is in the second one, and is somebody else's word.\n");
    println!(
        "| step at {of} | gesture, on a phone that costs nothing | on a real one | look | p95 of both | asked | sent | received | client CPU |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for Row { what, device, gesture, settle, capture, animation } in rows {
        let phone = Phone::start(size, animation);
        let mut direct = driver(phone.address.clone(), settle, capture).await;
        let (mut gestures, mut looks, mut both) = (Vec::new(), Vec::new(), Vec::new());
        let before = cpu();
        for _ in 0..times {
            let began = Instant::now();
            direct.perform(&gesture, PATIENCE).await.unwrap();
            let acted = began.elapsed();
            direct.screen(PATIENCE).await.unwrap();
            gestures.push(acted);
            looks.push(began.elapsed() - acted);
            both.push(began.elapsed());
        }
        let used = (cpu() - before) / times as f64;
        drop(direct);
        let (address, counts) = relay(phone.address.clone()).await;
        let mut counted = driver(address, settle, capture).await;
        counted.perform(&gesture, PATIENCE).await.unwrap();
        counted.screen(PATIENCE).await.unwrap();
        let read = || [&counts.asked, &counts.up, &counts.down].map(|count| count.load(Ordering::Relaxed) as f64);
        let before = read();
        counted.perform(&gesture, PATIENCE).await.unwrap();
        counted.screen(PATIENCE).await.unwrap();
        let after = read();
        let [asked, up, down] = [0, 1, 2].map(|at| after[at] - before[at]);
        println!(
            "| {what} | {:.1} ms | {device} | {:.1} ms | {:.1} ms | {asked:.0} | {:.1} KB | {:.2} MB | {used:.1} ms |",
            quantile(&mut gestures, 50),
            quantile(&mut looks, 50),
            quantile(&mut both, 95),
            up / 1e3,
            down / 1e6,
        );
    }
    let mut world = World::new(tapwright_phone::Options { width: size.0, height: size.1, ..Default::default() });
    world.hang_photo(1);
    world.draw();
    let mut draws: Vec<Duration> = (0..times)
        .map(|_| {
            let began = Instant::now();
            world.draw();
            began.elapsed()
        })
        .collect();
    println!("\nThe phone draws such a screen in {:.1} ms, which is part of each look.", quantile(&mut draws, 50));
}

fn quantile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0
}
