//! What a step costs the client, the model apart: through the real protocol on a real socket, phone and driver on the
//! same machine. `cargo bench -p tapwright-drivers`; `cargo test` runs each of these once.

use std::cell::RefCell;
use std::time::Duration;

use divan::{Bencher, counter::BytesCount};
use tapwright_contract::device::Driver;
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::Settle;
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, Keys};
use tapwright_phone::World;
use tapwright_phone::adbd::{Daemon, Handle, ManualClock};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    divan::main();
}

/// One look: what a driver that does not wait for the screen would cost.
const ONE_LOOK: Settle = Settle { looks: 1, apart: Duration::ZERO, grace: Duration::ZERO };

struct Bench {
    runtime: Runtime,
    driver: RefCell<Android>,
    at: Spot,
    _daemon: Daemon,
}

impl Bench {
    fn new((width, height): (u32, u32), capture: Capture, settle: Settle) -> Bench {
        let runtime = Runtime::new().unwrap();
        let (daemon, driver) = runtime.block_on(async {
            let world = World::new(tapwright_phone::Options { width, height, ..Default::default() });
            let handle = Handle::new(world, ManualClock::default());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let daemon = Daemon::start(listener, handle, Default::default()).unwrap();
            let address = Address::Direct { address: daemon.address().to_string(), keys: Keys::default() };
            let options = AndroidOptions { address, settle, capture, find_again: Duration::ZERO, wake: true };
            let mut driver = Android::connect(options, PATIENCE).await.unwrap();
            driver.perform(&Gesture::Launch { app: "Settings".to_owned() }, PATIENCE).await.unwrap();
            driver.screen(PATIENCE).await.unwrap();
            (daemon, driver)
        });
        let of = Size { width, height };
        Bench {
            runtime,
            driver: RefCell::new(driver),
            at: Spot { x: width / 2, y: height / 3, of: of.into() },
            _daemon: daemon,
        }
    }

    fn perform(&self, gesture: &Gesture) {
        self.runtime.block_on(self.driver.borrow_mut().perform(gesture, PATIENCE)).unwrap();
    }

    fn look(&self) -> tapwright_contract::device::Screen {
        self.runtime.block_on(self.driver.borrow_mut().screen(PATIENCE)).unwrap()
    }
}

const SIZES: &[(u32, u32)] = &[(540, 1200), (1080, 2400)];

/// A tap, and looks until the screen is still: all that the client does in a step.
#[divan::bench(args = SIZES)]
fn tap_and_settle(bencher: Bencher, size: (u32, u32)) {
    let bench = Bench::new(size, Capture::Raw, Settle::INSTANT);
    bencher.bench_local(|| {
        bench.perform(&Gesture::Tap { at: bench.at });
        bench.look()
    });
}

#[divan::bench(args = SIZES)]
fn one_look_raw(bencher: Bencher, size: (u32, u32)) {
    let bench = Bench::new(size, Capture::Raw, ONE_LOOK);
    bencher.counter(BytesCount::new(4 * size.0 * size.1)).bench_local(|| bench.look());
}

#[divan::bench(args = SIZES)]
fn one_look_png(bencher: Bencher, size: (u32, u32)) {
    let bench = Bench::new(size, Capture::Png, ONE_LOOK);
    bencher.counter(BytesCount::new(4 * size.0 * size.1)).bench_local(|| bench.look());
}

#[divan::bench]
fn tap(bencher: Bencher) {
    let bench = Bench::new(SIZES[0], Capture::Raw, ONE_LOOK);
    bencher.bench_local(|| bench.perform(&Gesture::Tap { at: bench.at }));
}

#[divan::bench]
fn key(bencher: Bencher) {
    let bench = Bench::new(SIZES[0], Capture::Raw, ONE_LOOK);
    bencher.bench_local(|| bench.perform(&Gesture::Press { key: Key::Enter }));
}

#[divan::bench]
fn type_a_sentence(bencher: Bencher) {
    let bench = Bench::new(SIZES[0], Capture::Raw, ONE_LOOK);
    let text = "on my way, 你好".to_owned();
    bencher.bench_local(|| bench.perform(&Gesture::Type { text: text.clone() }));
}

#[divan::bench]
fn launch(bencher: Bencher) {
    let bench = Bench::new(SIZES[0], Capture::Raw, ONE_LOOK);
    bencher.bench_local(|| bench.perform(&Gesture::Launch { app: "Settings".to_owned() }));
}
