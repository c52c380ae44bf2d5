//! What the phone's side of ADB costs: a command, and a picture, asked for over a socket of this machine.
//! `cargo bench -p tapwright-phone --bench adbd`; `cargo test` runs each of these once.

#[path = "../tests/client/mod.rs"]
mod client;

use std::cell::RefCell;

use client::{Client, frame};
use divan::Bencher;
use divan::counter::BytesCount;
use tapwright_phone::World;
use tapwright_phone::adbd::{Daemon, DaemonOptions, Handle, ManualClock};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

struct Bench {
    runtime: Runtime,
    client: RefCell<Client>,
    _phone: Daemon,
}

impl Bench {
    fn new((width, height): (u32, u32)) -> Bench {
        let runtime = Runtime::new().unwrap();
        let (phone, client) = runtime.block_on(async {
            let world = World::new(tapwright_phone::Options { width, height, ..Default::default() });
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let phone =
                Daemon::start(listener, Handle::new(world, ManualClock::default()), DaemonOptions::default()).unwrap();
            phone.handle().change(|world| world.launch("com.android.settings"));
            let client = Client::connect(phone.address()).await;
            (phone, client)
        });
        Bench { runtime, client: RefCell::new(client), _phone: phone }
    }

    fn run(&self, service: &str) -> Vec<u8> {
        self.runtime.block_on(self.client.borrow_mut().run(service))
    }
}

/// Commands in a shell that stays open, each with its marker and status.
#[divan::bench(args = ["true", "input tap 270 600", "dumpsys window | grep mCurrentFocus"])]
fn persistent_shell(bencher: Bencher, command: &str) {
    let bench = Bench::new((540, 1200));
    let (local, remote) =
        bench.runtime.block_on(bench.client.borrow_mut().open("shell,v2,raw:")).expect("a shell opens");
    let line = frame(0, format!("{command}; echo M:$?\n").as_bytes());
    let client = &mut *bench.client.borrow_mut();
    bencher.bench_local(|| {
        bench.runtime.block_on(async {
            let said = client.write(local, remote, &line).await;
            let said = client.read_until(local, remote, said, |said| said.ends_with(b"M:0\n")).await;
            assert!(said.ends_with(b"M:0\n"));
        });
    });
}

/// A stream opened and closed for one command.
#[divan::bench(args = ["shell,v2,raw:true", "shell,v2,raw:uiautomator dump /dev/tty"])]
fn shell_each(bencher: Bencher, service: &str) {
    let bench = Bench::new((540, 1200));
    bencher.bench_local(|| bench.run(service));
}

const SIZES: &[(u32, u32)] = &[(540, 1200), (1080, 2400)];

#[divan::bench(args = SIZES)]
fn screencap_png(bencher: Bencher, size: (u32, u32)) {
    let bench = Bench::new(size);
    let length = bench.run("exec:screencap -p").len();
    bencher.counter(BytesCount::new(length)).bench_local(|| bench.run("exec:screencap -p"));
}

#[divan::bench(args = SIZES)]
fn screencap_raw(bencher: Bencher, size: (u32, u32)) {
    let bench = Bench::new(size);
    bencher.counter(BytesCount::new(4 * size.0 * size.1)).bench_local(|| bench.run("exec:screencap"));
}

/// The part of a picture that is drawing.
#[divan::bench(args = SIZES)]
fn draw(bencher: Bencher, size: (u32, u32)) {
    let bench = Bench::new(size);
    bencher.bench_local(|| bench._phone.handle().look(World::draw));
}
