//! One phone with several hands on it: clones of a `Handle` share the world, its storage and its settings.
//!
//! It brings the world its time and tells who waits that something was done. What clients may do is not decided here.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use super::files::{Files, STORAGE};
use super::log::Log;
use super::settings::Settings;
use crate::weather::{Delivery, Fault, Faults, LinkDice, Weather};
use crate::{AppInfo, Event, Refused, World};

/// The process of the phone's services, which write into its log.
const SYSTEM_PROCESS: u32 = 1240;
/// Pictures that are encoded at the same time; each holds the pixels of a display.
const CAMERAS: usize = 4;

/// A century, in milliseconds.
const SKIP_MAX: u64 = 100 * 366 * 86_400_000;

/// What is ready when some time has passed.
pub type Delay<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where a phone's time comes from.
pub trait Clock: Send + Sync {
    /// Milliseconds since the phone was switched on; never less than before.
    fn millis(&self) -> u64;
    /// Waits until so many milliseconds have passed.
    fn sleep(&self, millis: u64) -> Delay<'_> {
        Box::pin(tokio::time::sleep(Duration::from_millis(millis)))
    }
}

/// Time that passes by itself.
#[derive(Clone, Debug)]
pub struct SteadyClock {
    since: Instant,
}

impl SteadyClock {
    /// A clock that begins now.
    #[allow(clippy::disallowed_methods, clippy::new_without_default)] // This is the port by which time enters.
    pub fn new() -> SteadyClock {
        SteadyClock { since: Instant::now() }
    }
}

impl Clock for SteadyClock {
    fn millis(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Time that stands still until somebody moves it, or waits for it: then it has passed at once. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    millis: Arc<AtomicU64>,
}

impl ManualClock {
    /// Lets time pass.
    pub fn pass(&self, millis: u64) {
        self.millis.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn millis(&self) -> u64 {
        self.millis.load(Ordering::Relaxed)
    }
    fn sleep(&self, millis: u64) -> Delay<'_> {
        self.pass(millis);
        Box::pin(std::future::ready(()))
    }
}

/// A phone that a daemon, a judge and a dashboard can hold at the same time. Cloning is cheap.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Box<dyn Clock>,
    /// Milliseconds that were let pass without waiting for them.
    skipped: AtomicU64,
    world: Mutex<World>,
    files: Mutex<Files>,
    settings: Mutex<Settings>,
    /// Locked before `world` where both are needed.
    faults: Mutex<Faults>,
    touch: Mutex<Option<Touch>>,
    log: Mutex<Log>,
    /// Told when something was written into the log.
    logged: watch::Sender<()>,
    changes: watch::Sender<u64>,
    cameras: Arc<Semaphore>,
}

/// A finger that `input motionevent` has put down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub at: (i32, i32),
    /// Milliseconds since the world began.
    pub since: u64,
    /// When it left its place, if it has.
    pub moved: Option<u64>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Handle {
    /// Switches on a phone; from now on its time comes from `clock`.
    pub fn new(world: World, clock: impl Clock + 'static) -> Handle {
        Handle::in_weather(world, clock, Weather::calm())
    }

    /// The same for a phone around which things go wrong.
    pub fn in_weather(mut world: World, clock: impl Clock + 'static, weather: Weather) -> Handle {
        let mut faults = Faults::new(weather, &mut world);
        let storage = if faults.storage_is_full() { 0 } else { STORAGE };
        let handle = Handle {
            shared: Arc::new(Shared {
                clock: Box::new(clock),
                skipped: AtomicU64::new(0),
                files: Mutex::new(Files::new(storage, world.clock())),
                faults: Mutex::new(faults),
                world: Mutex::new(world),
                settings: Mutex::default(),
                touch: Mutex::default(),
                log: Mutex::default(),
                logged: watch::Sender::new(()),
                changes: watch::Sender::new(0),
                cameras: Arc::new(Semaphore::new(CAMERAS)),
            }),
        };
        handle.begin_log();
        handle
    }

    /// Looks at the world as it is now. `look` must not use the handle again.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.world())
    }

    /// Does something to the world, and tells who waits for changes. `change` must not use the handle again.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world());
        self.shared.changes.send_modify(|count| *count = count.wrapping_add(1));
        result
    }

    /// Lets something come over the phone.
    pub fn happen(&self, event: Event) {
        self.change(|world| world.happen(event));
    }

    /// How often each fault of the weather has come.
    pub fn census(&self) -> BTreeMap<Fault, u64> {
        self.faults().census()
    }

    /// Lets a gesture happen in the weather that there is. True if the phone has to start anew.
    #[must_use]
    pub(super) fn gesture(&self, gesture: impl FnOnce(&mut World)) -> bool {
        let (before, after, reboots) = {
            let mut faults = self.faults();
            self.change(|world| {
                let before = world.front();
                let reboots = faults.gesture(world, gesture);
                (before, world.front(), reboots)
            })
        };
        if before != after {
            let AppInfo { package, activity, .. } = after;
            self.log('I', "ActivityTaskManager", &format!("START u0 {{cmp={package}/{activity}}} from uid 10050"));
            self.log('I', "ActivityTaskManager", &format!("Displayed {package}/{activity} for user 0: +120ms"));
        }
        reboots
    }

    /// Waits until so many milliseconds of the phone's clock have passed.
    pub(super) async fn sleep(&self, millis: u64) {
        self.shared.clock.sleep(millis).await;
    }

    /// Waits until nothing moves on the display, for so long at most; false if something still does.
    pub(super) async fn wait_for_idle(&self, most: u64) -> bool {
        let mut waited = 0;
        loop {
            let (now, moves) = self.look(|world| (world.uptime(), world.moves_for()));
            let left = self.faults().moves_for(now).max(moves);
            if left == 0 {
                return true;
            }
            if most <= waited {
                return false;
            }
            let pause = left.min(most - waited);
            self.sleep(pause).await;
            waited += pause;
        }
    }

    /// Writes a line into the log.
    pub(super) fn log(&self, level: char, tag: &str, message: &str) {
        let when = self.look(|world| (world.clock(), world.uptime() % 1000));
        self.log_lines().write(when, level, tag, SYSTEM_PROCESS, message);
        self.shared.logged.send_replace(());
    }

    /// The log of a phone that has just started.
    pub(super) fn begin_log(&self) {
        self.log_lines().clear();
        self.log('I', "SystemServer", "Entered the Android system server!");
        self.log('I', "ActivityManager", "System now ready");
        self.log('I', "ActivityManager", "User 0 state changed from RUNNING_UNLOCKING to RUNNING_UNLOCKED");
    }

    pub(super) fn log_lines(&self) -> MutexGuard<'_, Log> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A receiver sees when something was written into the log.
    pub(super) fn log_changes(&self) -> watch::Receiver<()> {
        self.shared.logged.subscribe()
    }

    /// Whether adb may not touch the screen.
    pub(super) fn denies(&self) -> bool {
        self.faults().denies()
    }

    /// Whether the phone is starting and cannot be reached.
    pub(super) fn is_down(&self) -> bool {
        let until = self.faults().down_until;
        self.look(World::uptime) < until
    }

    /// What becomes of bytes on a link.
    pub(super) fn fate(&self, dice: &mut LinkDice, length: usize) -> Delivery {
        let fate = dice.fate(length);
        if let Some(fault) = fate.fault() {
            self.faults().note(fault);
        }
        fate
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what was done to the world: a receiver sees when something was.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// What is true of the phone now, for judges.
    pub fn facts(&self) -> BTreeMap<String, String> {
        self.look(World::facts)
    }

    /// Makes a fact true, for the start of a task.
    ///
    /// # Errors
    /// `Refused` if there is no such fact or it cannot have that value.
    pub fn set_fact(&self, name: &str, value: &str) -> Result<(), Refused> {
        self.change(|world| world.set_fact(name, value))
    }

    /// Lets time pass at once, as it would by itself, and returns what the phone's clock shows then, in milliseconds since 1970.
    pub fn let_pass(&self, time: Duration) -> u64 {
        // Beyond a century the clock stands still.
        let most = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(SKIP_MAX);
        let add = |skipped: u64| Some(skipped.saturating_add(most).min(SKIP_MAX));
        let _ = self.shared.skipped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.change(|world| 1000 * world.clock() + world.uptime() % 1000)
    }

    /// Seconds since 1970 by the phone's own clock.
    pub(super) fn now(&self) -> u64 {
        self.look(World::clock)
    }

    pub(super) fn files(&self) -> MutexGuard<'_, Files> {
        // A panic elsewhere must not take the phone away from its other clients.
        self.shared.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.shared.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn touch(&self) -> MutexGuard<'_, Option<Touch>> {
        self.shared.touch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn cameras(&self) -> Arc<Semaphore> {
        self.shared.cameras.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = self.shared.skipped.load(Ordering::Relaxed);
        world.advance(self.shared.clock.millis().saturating_add(skipped));
        world
    }
}
