//! Notices a run that does the same few things over and over, through any number of screens.
//!
//! Much that is useful is done over and over too: a list is scrolled, one mail after the other is deleted, the lines of a
//! table are typed. So a round only counts if it is made of the same actions in the same apps, and at least half of its
//! screens look as they did a round ago: what gets on changes what is seen.

use std::collections::VecDeque;

use tapwright_contract::device::Screen;

use crate::action::Action;
use crate::repeats::STATUS_BAR;

/// The longest round that is seen, in actions.
const PERIOD_MAX: usize = 16;
/// How many actions are remembered; more rounds than fit are not told apart.
const KEPT: usize = 160;

/// The latest actions, with what they were chosen on.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    latest: VecDeque<Moment>,
}

#[derive(Debug)]
struct Moment {
    app: String,
    action: Action,
    look: Look,
}

/// A round that was made more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RepeatedRound {
    /// How many actions it has.
    pub(crate) steps: usize,
    /// How often it was made in a row.
    pub(crate) rounds: u32,
}

impl Loops {
    /// Adds an action. Returns the shortest round that the run is in, if it is made for the third time or more.
    pub(crate) fn add(&mut self, screen: &Screen, action: &Action) -> Option<RepeatedRound> {
        let moment = Moment { app: screen.front.id.clone(), action: action.clone(), look: Look::of(screen) };
        self.latest.push_back(moment);
        if self.latest.len() > KEPT {
            self.latest.pop_front();
        }
        // One action again and again, and two in turn, are seen elsewhere: a list is scrolled so.
        (3..=PERIOD_MAX)
            .map(|steps| RepeatedRound { steps, rounds: self.rounds(steps) })
            .find(|found| found.rounds >= 3)
    }

    /// How many times in a row the latest `steps` actions were made.
    fn rounds(&self, steps: usize) -> u32 {
        let mut rounds = 1;
        loop {
            let end = self.latest.len() - (rounds - 1) * steps;
            if end < 2 * steps {
                break;
            }
            let mut alike = 0;
            let mut kinds = 0;
            for at in end - steps..end {
                let (now, before) = (&self.latest[at], &self.latest[at - steps]);
                if now.app != before.app || now.action != before.action {
                    return u32::try_from(rounds).unwrap_or(u32::MAX);
                }
                alike += usize::from(now.look.is_like(&before.look));
                kinds += usize::from((end - steps..at).all(|other| self.latest[other].action != now.action));
            }
            if 2 * alike < steps || kinds < 2 {
                break;
            }
            rounds += 1;
        }
        u32::try_from(rounds).unwrap_or(u32::MAX)
    }

    /// What was before does not count any more.
    pub(crate) fn forget(&mut self) {
        self.latest.clear();
    }
}

/// A screen, so coarsely that a caret and a clock are not seen, and another line of a list is.
#[derive(Debug)]
struct Look(Vec<u8>);

const COLUMNS: u32 = 16;
const ROWS: u32 = 32;
/// How many cells may differ, and by how much, of 255.
const CELLS_OFF: usize = 2;
const SHADES: u8 = 8;

impl Look {
    fn of(screen: &Screen) -> Look {
        let size = screen.picture.size();
        let (top, rgba) = (size.height / STATUS_BAR, screen.picture.rgba());
        let height = (size.height - top).max(1);
        let mut cells = Vec::with_capacity((COLUMNS * ROWS) as usize);
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let (from, to) = (column * size.width / COLUMNS, ((column + 1) * size.width).div_ceil(COLUMNS));
                let (above, below) = (top + row * height / ROWS, top + ((row + 1) * height).div_ceil(ROWS));
                let (mut sum, mut count) = (0, 0);
                // Every second pixel of every second line tells as much.
                for y in (above..below.min(size.height)).step_by(2) {
                    for x in (from..to).step_by(2) {
                        let pixel = 4 * (y as usize * size.width as usize + x as usize);
                        sum += u32::from(rgba[pixel]) + 2 * u32::from(rgba[pixel + 1]) + u32::from(rgba[pixel + 2]);
                        count += 4;
                    }
                }
                cells.push(u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX));
            }
        }
        Look(cells)
    }

    fn is_like(&self, other: &Look) -> bool {
        let off = self.0.iter().zip(&other.0).filter(|(one, other)| one.abs_diff(**other) > SHADES);
        self.0.len() == other.0.len() && off.count() <= CELLS_OFF
    }
}

#[cfg(test)]
mod tests {
    use tapwright_contract::device::Front;
    use tapwright_contract::{Picture, Size};

    use super::*;
    use crate::action::Call;
    use crate::dialect::Dialect;

    fn screen(app: &str, shown: u8) -> Screen {
        let size = Size { width: 64, height: 128 };
        let mut rgba = vec![255; 64 * 128 * 4];
        rgba[64 * 64 * 4..][..64 * 4 * 16].fill(shown);
        Screen::new(
            Picture::new(size, rgba).unwrap(),
            Front { id: app.to_owned(), label: app.to_owned(), aliases: Vec::new() },
        )
    }

    fn action(call: &str) -> Action {
        let Ok(Call::Do(action)) = Dialect::Autoglm.read(call, false).call else { panic!("{call} is no action") };
        action
    }

    /// How often a round was seen in the end, and of how many actions.
    fn most(moments: impl Iterator<Item = (&'static str, u8, String)>) -> Option<(usize, u32)> {
        let mut loops = Loops::default();
        let mut last = None;
        for (app, shown, call) in moments {
            last = loops.add(&screen(app, shown), &action(&call)).map(|found| (found.steps, found.rounds));
        }
        last
    }

    fn tap(y: u32) -> String {
        format!("do(action=\"Tap\", element=[500,{y}])")
    }

    /// Calendar, an event, Messages, back: what it makes is seen on the first screen only.
    #[test]
    fn a_loop_through_several_apps_is_seen() {
        let round = |n: u8| {
            [
                ("calendar", n * 9, tap(900)),
                ("calendar", 7, "do(action=\"Type\", text=\"Meet\")".to_owned()),
                ("calendar", 9, tap(100)),
                ("home", 1, "do(action=\"Launch\", app=\"Messages\")".to_owned()),
                ("messages", 3, "do(action=\"Back\")".to_owned()),
            ]
        };
        assert_eq!(most((0..2).flat_map(round)), None);
        assert_eq!(most((0..3).flat_map(round)), Some((5, 3)));
        assert_eq!(most((0..12).flat_map(round)), Some((5, 12)));
    }

    #[test]
    fn what_gets_on_is_no_loop() {
        let swipe = || "do(action=\"Swipe\", start=[500,900], end=[500,100])".to_owned();
        assert_eq!(most((0..30).map(|n| ("shop", n * 8, swipe()))), None, "a list is scrolled");
        assert_eq!(most((0..30).map(|_| ("shop", 8, swipe()))), None, "and its end is seen elsewhere");
        let delete =
            |n: u8| [("mail", n * 9, tap(200)), ("mail", n * 9 + 40, tap(50)), ("mail", 100 + n * 9, tap(600))];
        assert_eq!(most((0..15).flat_map(delete)), None, "one mail after the other is deleted");
        let fill = |n: u8| {
            [
                ("table", 9, tap(300)),
                ("table", 10, format!("do(action=\"Type\", text=\"line {n}\")")),
                ("table", 11, tap(950)),
            ]
        };
        assert_eq!(most((0..15).flat_map(fill)), None, "the lines of a table are typed");
    }

    #[test]
    fn it_holds_a_bounded_memory() {
        let mut loops = Loops::default();
        for n in 0..1000 {
            loops.add(&screen("a", 0), &action(&tap(n % 7)));
        }
        assert_eq!(loops.latest.len(), KEPT);
    }
}
