//! Faults with their own dice: what goes wrong around a world, how often, and how badly.
//!
//! The world stays pure. Faults sit in the port around it (`adbd`), or are events that it is given. Each kind has its
//! odds and can be switched off, and one seed draws all of them, so a seed is a bug report. Links and worlds have dice
//! of their own: how a client cuts its commands into packets does not change which dialogs come up.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::dice::Dice;
use crate::system::events::Event;
use crate::world::World;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// What the phone sends is late. A chance each time that it sends.
    SlowLink,
    /// What the phone sends comes in pieces with pauses between them. A chance each time that it sends.
    BurstyLink,
    /// The connection ends, at any byte in either direction. A chance each time that either sends.
    Disconnect,
    /// A picture ends in its middle. A chance each picture.
    HalfPicture,
    /// A picture is the one before. A chance each picture.
    StaleFrame,
    /// `uiautomator dump` finds no root node. A chance each dump.
    NoRootNode,
    /// `uiautomator dump` gives up, as something moves for longer than it waits. A chance each dump.
    NeverIdle,
    /// A gesture's effect slides in. A chance each gesture, as those that follow.
    Animation,
    /// A page that was opened is empty at first.
    LatePage,
    Permission,
    Anr,
    /// A notification, half of them just before the touch and so over its target.
    Notification,
    Turn,
    /// The phone locks itself; half of the time its display goes off.
    Lock,
    /// The window in front is protected for a while.
    Secure,
    /// The phone starts anew and cannot be reached for a while. The gesture has happened.
    Reboot,
    /// No keyboard takes text from adb. A chance each phone, as those that follow.
    NoKeyboard,
    /// adb may not touch the screen, as on phones of some manufacturers.
    Denied,
    /// Nothing more can be stored.
    FullStorage,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 19] = [
        Fault::SlowLink,
        Fault::BurstyLink,
        Fault::Disconnect,
        Fault::HalfPicture,
        Fault::StaleFrame,
        Fault::NoRootNode,
        Fault::NeverIdle,
        Fault::Animation,
        Fault::LatePage,
        Fault::Permission,
        Fault::Anr,
        Fault::Notification,
        Fault::Turn,
        Fault::Lock,
        Fault::Secure,
        Fault::Reboot,
        Fault::NoKeyboard,
        Fault::Denied,
        Fault::FullStorage,
    ];
}

/// How long faults last at most, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    pub delay: u64,
    pub stall: u64,
    /// How long a dump of the widgets waits before it gives up.
    pub idle: u64,
    pub animation: u64,
    pub late: u64,
    pub notification: u64,
    pub turn: u64,
    pub secure: u64,
    pub boot: u64,
}

impl Default for Lengths {
    fn default() -> Lengths {
        Lengths {
            delay: 20,
            stall: 150,
            idle: 1000,
            animation: 300,
            late: 400,
            notification: 4000,
            turn: 3000,
            secure: 2000,
            boot: 1500,
        }
    }
}

/// Which faults come, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Draws all of it.
    pub seed: u64,
    /// How many of a thousand chances; a fault that is not named never comes.
    pub odds: BTreeMap<Fault, u16>,
    pub lengths: Lengths,
}

impl Weather {
    /// The names of the presets.
    pub const NAMES: [&'static str; 3] = ["calm", "mild", "wild"];

    /// Only these faults.
    pub fn of(seed: u64, odds: &[(Fault, u16)]) -> Weather {
        Weather { seed, odds: odds.iter().copied().collect(), lengths: Lengths::default() }
    }

    /// Nothing goes wrong.
    pub fn calm() -> Weather {
        Weather::of(0, &[])
    }

    /// What a phone on a desk does: it animates, loads, hiccups, and now and then something comes up.
    pub fn mild(seed: u64) -> Weather {
        Weather::of(
            seed,
            &[
                (Fault::SlowLink, 100),
                (Fault::BurstyLink, 5),
                (Fault::Disconnect, 1),
                (Fault::HalfPicture, 5),
                (Fault::StaleFrame, 10),
                (Fault::NoRootNode, 5),
                (Fault::NeverIdle, 20),
                (Fault::Animation, 400),
                (Fault::LatePage, 150),
                (Fault::Permission, 5),
                (Fault::Anr, 5),
                (Fault::Notification, 30),
                (Fault::Turn, 5),
                (Fault::Lock, 5),
                (Fault::Secure, 5),
            ],
        )
    }

    /// Everything at once, far more often than anywhere: for tests.
    pub fn wild(seed: u64) -> Weather {
        Weather::of(
            seed,
            &[
                (Fault::SlowLink, 200),
                (Fault::BurstyLink, 50),
                (Fault::Disconnect, 5),
                (Fault::HalfPicture, 80),
                (Fault::StaleFrame, 80),
                (Fault::NoRootNode, 80),
                (Fault::NeverIdle, 80),
                (Fault::Animation, 300),
                (Fault::LatePage, 300),
                (Fault::Permission, 60),
                (Fault::Anr, 60),
                (Fault::Notification, 120),
                (Fault::Turn, 50),
                (Fault::Lock, 50),
                (Fault::Secure, 50),
                (Fault::Reboot, 20),
                (Fault::NoKeyboard, 200),
                (Fault::Denied, 150),
                (Fault::FullStorage, 200),
            ],
        )
    }

    /// A preset by its name.
    pub fn named(name: &str, seed: u64) -> Option<Weather> {
        match name {
            "calm" => Some(Weather::calm()),
            "mild" => Some(Weather::mild(seed)),
            "wild" => Some(Weather::wild(seed)),
            _ => None,
        }
    }

    /// The same without one fault.
    pub fn without(mut self, fault: Fault) -> Weather {
        self.odds.remove(&fault);
        self
    }

    /// Whether nothing ever goes wrong.
    pub fn is_calm(&self) -> bool {
        self.odds.values().all(|odds| *odds == 0)
    }

    fn odds(&self, fault: Fault) -> u64 {
        self.odds.get(&fault).copied().unwrap_or(0).into()
    }
}

/// What notifications say, and whose they are: nothing that matters.
const NOTIFICATIONS: [(&str, &str); 5] = [
    ("Ben: are you there?", "com.android.mms"),
    ("Update available", "com.android.settings"),
    ("Battery at 15 %", "com.android.settings"),
    ("Photo backup finished", "com.android.settings"),
    ("Rain in an hour", "com.android.calendar"),
];

/// The weather over one phone: its dice, and what has come of them.
#[derive(Debug)]
pub(crate) struct Faults {
    weather: Weather,
    world: Dice,
    pictures: Dice,
    dumps: Dice,
    links: u64,
    census: BTreeMap<Fault, u64>,
    denied: bool,
    /// Nobody can connect until then, in milliseconds of the phone's clock.
    pub down_until: u64,
    /// The last picture, if a stale one may be wanted.
    last: Option<Vec<u8>>,
    motion: Option<Motion>,
}

/// A change that slides in.
#[derive(Debug)]
struct Motion {
    from: Vec<u8>,
    since: u64,
    lasts: u64,
}

/// The least time for which a frame of an animation stands, in milliseconds.
const FRAME: u64 = 16;

impl Faults {
    /// The weather of a phone that is switched on. What holds for all of its life is drawn now.
    pub fn new(weather: Weather, world: &mut World) -> Faults {
        let mut faults = Faults {
            world: Dice::new(weather.seed),
            pictures: Dice::new(!weather.seed),
            dumps: Dice::new(weather.seed.rotate_left(16)),
            weather,
            links: 0,
            census: BTreeMap::new(),
            denied: false,
            down_until: 0,
            last: None,
            motion: None,
        };
        if faults.falls(Fault::NoKeyboard) {
            world.happen(Event::NoAdbKeyboard);
        }
        faults.denied = faults.falls(Fault::Denied);
        faults
    }

    /// Whether nothing can be stored, drawn once.
    pub fn storage_is_full(&mut self) -> bool {
        self.falls(Fault::FullStorage)
    }

    /// How often each fault has come.
    pub fn census(&self) -> BTreeMap<Fault, u64> {
        self.census.clone()
    }

    pub fn note(&mut self, fault: Fault) {
        *self.census.entry(fault).or_insert(0) += 1;
    }

    /// Whether adb may not touch the screen.
    pub fn is_denied(&self) -> bool {
        self.denied
    }

    /// For how many milliseconds from now something still moves on the display.
    pub fn moves_for(&self, now: u64) -> u64 {
        self.motion.as_ref().map_or(0, |motion| (motion.since + motion.lasts).saturating_sub(now))
    }

    /// Whether adb may not touch the screen; each attempt counts.
    pub fn denies(&mut self) -> bool {
        if self.denied {
            self.note(Fault::Denied);
        }
        self.denied
    }

    /// One chance of a fault of the world. The dice are thrown whatever the odds, so that switching one fault off does
    /// not change the others.
    fn falls(&mut self, fault: Fault) -> bool {
        let fell = self.world.roll() % 1000 < self.weather.odds(fault);
        // Denial counts when somebody meets it.
        if fell && fault != Fault::Denied {
            self.note(fault);
        }
        fell
    }

    /// Lets a gesture happen, and what comes with it. True if the phone has to start anew.
    pub fn gesture(&mut self, world: &mut World, change: impl FnOnce(&mut World)) -> bool {
        if self.weather.is_calm() {
            change(world);
            return false;
        }
        let lengths = self.weather.lengths;
        let notified = self.falls(Fault::Notification);
        let (text, package) = *self.world.pick(&NOTIFICATIONS);
        let first = self.world.chance(50);
        let notification = || Event::Notification { package, text: text.to_owned(), millis: lengths.notification };
        if notified && first {
            world.happen(notification());
        }
        let animates = self.falls(Fault::Animation);
        let was = (world.page().cloned(), world.front());
        let from = animates.then(|| world.draw());
        change(world);
        if notified && !first {
            world.happen(notification());
        }
        if self.falls(Fault::LatePage) && was != (world.page().cloned(), world.front()) {
            world.happen(Event::Late { millis: lengths.late });
        }
        if self.falls(Fault::Permission) {
            world.happen(Event::Permission);
        }
        if self.falls(Fault::Anr) {
            world.happen(Event::Anr);
        }
        if self.falls(Fault::Secure) {
            world.happen(Event::Protect { millis: lengths.secure });
        }
        if self.falls(Fault::Turn) {
            world.happen(Event::Turn { millis: lengths.turn });
        }
        let dark = self.world.chance(50);
        if self.falls(Fault::Lock) {
            world.happen(Event::Lock { dark });
        }
        self.motion = from.map(|from| Motion { from, since: world.uptime(), lasts: lengths.animation });
        let reboots = self.falls(Fault::Reboot);
        if reboots {
            self.down_until = world.uptime() + lengths.boot;
        }
        reboots
    }

    /// What a picture of the display shows, given what it should.
    pub fn picture(&mut self, world: &World, pixels: Vec<u8>) -> Vec<u8> {
        if self.weather.is_calm() {
            return pixels;
        }
        let stale = self.pictures.roll() % 1000 < self.weather.odds(Fault::StaleFrame);
        let pixels = match &self.motion {
            Some(motion) if world.uptime() < motion.since + motion.lasts && motion.from.len() == pixels.len() => {
                let spent = (world.uptime() - motion.since) / FRAME * FRAME;
                slide_in(&motion.from, &pixels, world.size(), spent, motion.lasts)
            }
            _ => {
                self.motion = None;
                pixels
            }
        };
        if self.weather.odds(Fault::StaleFrame) == 0 {
            return pixels;
        }
        match self.last.take() {
            Some(last) if stale && last.len() == pixels.len() => {
                self.note(Fault::StaleFrame);
                self.last = Some(pixels);
                last
            }
            _ => {
                self.last = Some(pixels.clone());
                pixels
            }
        }
    }

    /// What goes wrong with a dump of the widgets, and how long it waits before it says so.
    pub fn dump(&mut self) -> Option<(Fault, u64)> {
        let mut falls = |fault: Fault| self.dumps.roll() % 1000 < self.weather.odds(fault);
        let (rootless, busy) = (falls(Fault::NoRootNode), falls(Fault::NeverIdle));
        let fault = match (rootless, busy) {
            (true, _) => (Fault::NoRootNode, 0),
            (false, true) => (Fault::NeverIdle, self.weather.lengths.idle),
            (false, false) => return None,
        };
        self.note(fault.0);
        Some(fault)
    }

    /// After how many of its bytes a picture ends, if before its end.
    pub fn cut(&mut self, length: usize) -> Option<usize> {
        let fell = self.pictures.roll() % 1000 < self.weather.odds(Fault::HalfPicture);
        let at = self.pictures.below(length.max(1));
        if fell {
            self.note(Fault::HalfPicture);
        }
        fell.then_some(at)
    }

    /// Dice for a new connection, one for each direction; `None` if links are good.
    pub fn link(&mut self) -> Option<[LinkDice; 2]> {
        let odds = |fault| self.weather.odds(fault);
        let [slow, bursty, breaks] = [Fault::SlowLink, Fault::BurstyLink, Fault::Disconnect].map(odds);
        self.links += 1;
        let mut seeds = Dice::new(self.weather.seed ^ self.links.rotate_left(32));
        let lengths = self.weather.lengths;
        let mut dice = || LinkDice { dice: Dice::new(seeds.roll()), slow, bursty, breaks, lengths };
        (slow + bursty + breaks > 0).then(|| [dice(), dice()])
    }
}

/// The old picture with the new one sliding over it from below.
fn slide_in(from: &[u8], to: &[u8], (width, height): (u32, u32), spent: u64, lasts: u64) -> Vec<u8> {
    let line = 4 * width as usize;
    let hidden = (u64::from(height) * (lasts - spent.min(lasts)) / lasts.max(1)) as usize * line;
    [&from[..hidden], &to[..to.len() - hidden]].concat()
}

/// The weather over one direction of one connection.
#[derive(Debug)]
pub(crate) struct LinkDice {
    dice: Dice,
    slow: u64,
    bursty: u64,
    breaks: u64,
    lengths: Lengths,
}

/// What becomes of bytes that are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Passes,
    Delayed(Duration),
    /// They come in so many pieces, with this pause before each.
    Pieces(usize, Duration),
    /// The connection ends after so many of them.
    Breaks(usize),
}

impl Delivery {
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Delivery::Passes => None,
            Delivery::Delayed(_) => Some(Fault::SlowLink),
            Delivery::Pieces(..) => Some(Fault::BurstyLink),
            Delivery::Breaks(_) => Some(Fault::Disconnect),
        }
    }
}

impl LinkDice {
    /// Whether what was sent does not arrive.
    pub fn breaks(&mut self) -> bool {
        self.dice.roll() % 1000 < self.breaks
    }

    pub fn fate(&mut self, length: usize) -> Delivery {
        let mut falls = |odds: u64| self.dice.roll() % 1000 < odds;
        let (slow, bursty, breaks) = (falls(self.slow), falls(self.bursty), falls(self.breaks));
        let mut upto = |millis: u64| Duration::from_millis(self.dice.below(millis as usize + 1) as u64);
        if breaks {
            Delivery::Breaks(self.dice.below(length.max(1)))
        } else if bursty {
            let pause = upto(self.lengths.stall / 4);
            Delivery::Pieces(2 + self.dice.below(4), pause)
        } else if slow {
            Delivery::Delayed(upto(self.lengths.delay))
        } else {
            Delivery::Passes
        }
    }
}
