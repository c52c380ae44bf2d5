//! The device: pages, and what it tells of them.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_agent::guard::Deed;
use tapwright_contract::Picture;
use tapwright_contract::device::{Driver, DriverError, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};

use crate::common::screen;
use crate::faults::{error, lost_device};
use crate::page::{Cell, FORMS, TRICKS, USER, VAULT};
use crate::world::{INK, Shared, Telling, World, lock};

pub struct Device(pub Shared);

#[async_trait]
impl Driver for Device {
    fn name(&self) -> &str {
        "dice"
    }

    fn abilities(&self) -> Abilities {
        lock(&self.0).abilities
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        tokio::time::sleep(within / 10).await;
        let hangs = {
            let world = &mut *lock(&self.0);
            let unsynced = world.disk.unsynced();
            let kept = !unsynced.contains("\"event\":{\"acted") && !unsynced.contains("\"event\":{\"answered");
            assert!(kept, "what came of the last deed is not on the disk: {unsynced}");
            world.dice.percent(world.weather.hang)
        };
        if hangs {
            lock(&self.0).count("screen hangs");
            std::future::pending::<()>().await;
        }
        let world = &mut *lock(&self.0);
        if world.dice.percent(world.weather.lost) {
            return Err(error("take a picture", lost_device()));
        }
        if world.dice.percent(world.weather.blind) {
            return Err(error("take a picture", world.fault()));
        }
        if world.dice.percent(world.weather.restless) {
            world.moves_on();
            world.count("the screen moved on by itself");
        }
        world.fresh = true;
        world.seen = world.number;
        world.cover_told = false;
        Ok(world.draw_screen())
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let hangs = {
            let world = &mut *lock(&self.0);
            world.acts(&Deed::Gesture(gesture.clone()));
            world.is_killed_in(|world| {
                world.shows_what_was_typed(gesture);
                world.moves_on();
            }) || world.dice.percent(world.weather.hang)
        };
        if hangs {
            lock(&self.0).count("gesture hangs");
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(within / 10).await;
        let world = &mut *lock(&self.0);
        if world.dice.percent(world.weather.lost) {
            return Err(error("touch", lost_device()));
        }
        if world.dice.percent(world.weather.device) {
            if world.dice.percent(50) {
                world.shows_what_was_typed(gesture);
            }
            return Err(error("touch", world.fault()));
        }
        world.shows_what_was_typed(gesture);
        if world.weather.stubborn < 20 || !world.dice.percent(90) {
            world.moves_on();
        }
        world.doubts.retain(|(doubtful, _)| !is_again(doubtful, gesture));
        Ok(())
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        tokio::time::sleep(within / 20).await;
        let hangs = {
            let world = &mut *lock(&self.0);
            world.dice.percent(world.weather.hang)
        };
        if hangs {
            let world = &mut *lock(&self.0);
            world.count("labels hang");
            world.is_told(None);
        }
        if hangs {
            std::future::pending::<()>().await;
        }
        let world = &mut *lock(&self.0);
        if world.dice.percent(world.weather.labels) {
            world.count("labels fail");
            world.is_told(None);
            return Err(error("read the texts", world.fault()));
        }
        Ok(world.labels())
    }
}

impl World {
    fn draw_screen(&mut self) -> Screen {
        let page = self.page(self.number);
        let name = page.front.rsplit('.').next().expect("it has a name");
        let mut name = name[..1].to_uppercase() + &name[1..];
        let clock = self.dice.next() as u8;
        self.beyond_knowing |= std::mem::take(&mut self.shown_elsewhere);
        let mut seen = screen(&name, self.number, clock);
        // A field that hides what is typed may have a button that shows it, and whoever looks at another app does not touch that.
        let shows = |typed: &_| *typed == USER || page.front == VAULT;
        if let (Some(typed), Some((x, y))) = (self.ink.filter(shows), page.vault()) {
            let size = seen.picture.size();
            let mut rgba = seen.picture.rgba().to_vec();
            rgba[4 * (y * size.width + x) as usize..][..4].copy_from_slice(&INK);
            self.shown_elsewhere = page.front != VAULT;
            seen.picture = Picture::new(size, rgba).expect("it is as large as before");
            if self.telling == Telling::Lies && self.dice.percent(20) {
                self.count("an app's name quotes a secret");
                name = format!("{name} {typed} {}", FORMS[2]);
            }
            seen.front.label = name;
        }
        seen
    }

    fn labels(&mut self) -> Option<Vec<Label>> {
        let late = self.telling == Telling::Late && self.dice.percent(40);
        let number = if late { self.before } else { self.number };
        let page = self.page(number);
        let (mut labels, mut cells) = (page.labels(self.ink.filter(|_| !late)), page.cells);
        match self.telling {
            Telling::Nothing => {
                self.count("labels are not told");
                self.is_told(None);
                return None;
            }
            Telling::Truth => self.count("labels are true"),
            Telling::Late => self.count(if late { "labels are late" } else { "labels are true" }),
            Telling::Lies => {
                let trick = self.dice.one_of(TRICKS);
                self.count(trick.name());
                let judged = trick.play(&mut labels, &mut cells);
                self.is_told(judged.then_some(cells));
                self.is_covered_by(true);
                return Some(labels);
            }
        }
        self.is_told(Some(cells));
        self.is_covered_by(!late);
        Some(labels)
    }

    /// Whether the guard asks, and not whoever covers pictures.
    fn is_read(&self) -> bool {
        let disk = self.disk.disk();
        let last = disk.lines.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        last.ends_with(b"\"effect\":\"read\"}")
    }

    fn is_told(&mut self, cells: Option<Vec<Cell>>) {
        if !self.is_read() {
            self.count("labels for the cover");
            return;
        }
        self.told.latest.clone_from(&cells);
        if cells.is_some() {
            self.told.kept = cells;
        }
    }

    fn is_covered_by(&mut self, truth: bool) {
        if truth && !self.is_read() {
            (self.cover_told, self.shown_elsewhere) = (true, false);
        }
    }
}

/// Whether a gesture is a doubtful one done for certain: the same, or a touch on the same place.
fn is_again(doubtful: &Deed, gesture: &Gesture) -> bool {
    let touched = |gesture: &Gesture| match gesture {
        Gesture::Tap { at } | Gesture::DoubleTap { at } | Gesture::LongPress { at, .. } => Some((at.x, at.y)),
        _ => None,
    };
    let Deed::Gesture(doubtful) = doubtful else { return false };
    doubtful == gesture
        || matches!((touched(doubtful), touched(gesture)), (Some(one), Some(other)) if one.0.abs_diff(other.0) <= 1 && one.1.abs_diff(other.1) <= 1)
}
