//! What is done again and again until something is seen: a list is scrolled, keys are pressed.

use std::time::Duration;

use tapwright_agent::action::Action;
use tapwright_agent::clock::Clock;
use tapwright_agent::place::Place;
use tapwright_contract::device::{Front, Label};
use tapwright_contract::{ScreenId, Spot};

use super::super::condition::{ScreenCondition, Unmet, texts_in_brief};
use super::super::find::{Found, find};
use super::super::progress::Progress;
use super::super::{Target, Way};
use super::{AGAIN, END_AFTER, Saying, StepModel, digest};

/// How often is scrolled for one widget.
const SCROLLS_MAX: u32 = 60;
/// How many scrolls in a row after which the screen says the same are the end: a page may be blank for several screens.
const SAME_MAX: u32 = 8;
/// How often keys are pressed for one condition.
const PRESSES_MAX: u32 = 20;
/// The grid on which a finger that scrolls goes down.
const COLUMNS: u32 = 8;
const ROWS: u32 = 20;

impl StepModel {
    pub(super) async fn scroll(&mut self, target: &Target, way: Way, progress: &Progress) -> Saying {
        let labels = self.labels().await.unwrap_or_default();
        match find(target, &labels, self.size(progress)) {
            Found::One(_) => return Saying::Do(Action::Wait { duration: Duration::ZERO }),
            Found::Several(which) => {
                return Saying::GiveUp(format!("{target} could be one of several: {}", which.join("; ")));
            }
            Found::None => {}
        }
        let is_end = self.has_stalled(&labels, SAME_MAX);
        if is_end || self.rounds >= SCROLLS_MAX {
            return Saying::GiveUp(format!("{target} is nowhere up to the end; there is: {}", texts_in_brief(&labels)));
        }
        self.scroll_on(way, &labels, progress)
    }

    /// Whether so many scrolls, or presses, in a row have changed nothing, this one counted.
    pub(super) fn has_stalled(&mut self, labels: &[Label], same_max: u32) -> bool {
        let now = digest(labels);
        self.same = if self.before_round.as_ref() == Some(&now) { self.same + 1 } else { 0 };
        self.before_round = Some(now);
        self.same >= same_max
    }

    pub(super) fn scroll_on(&mut self, way: Way, labels: &[Label], progress: &Progress) -> Saying {
        let Some((of, front)) = &progress.seen else { return Saying::GiveUp("the screen was not seen".to_owned()) };
        self.rounds += 1;
        if self.abilities.scroll {
            let down = if way == Way::Down { 5 } else { -5 };
            return Place::of_parts(1, 1, 2)
                .map_or(Saying::Skip, |at| Saying::Do(Action::Scroll { at, right: 0, down }));
        }
        let [from, to] = self.swipe(way, *of, front, labels).map(Place::of_spot);
        Saying::Do(Action::Swipe { from, to })
    }

    /// Where a finger that scrolls goes down and up. What it lies on is judged as if it were pressed, so it goes down where the policy lets it,
    /// as near to the middle as there is such a place.
    pub(super) fn swipe(&self, way: Way, of: ScreenId, front: &Front, labels: &[Label]) -> [Spot; 2] {
        let spot =
            |column: u32, row: u32| Spot { x: of.size.width * column / COLUMNS, y: of.size.height * row / ROWS, of };
        let (rows, forth): ([u32; 11], i32) = match way {
            Way::Down => ([14, 13, 12, 15, 11, 10, 9, 8, 7, 6, 5], -8),
            Way::Up => ([6, 7, 8, 5, 9, 10, 11, 12, 13, 14, 15], 8),
        };
        let starts = rows.into_iter().flat_map(|row| [4, 3, 5, 2, 6, 1, 7].map(|column| (column, row)));
        let is_let = |(column, row): &(u32, u32)| self.eyes.policy.lets_touch(spot(*column, *row), front, labels);
        let (column, row) = starts.into_iter().find(is_let).unwrap_or((COLUMNS / 2, rows[0]));
        // The bars at the top and the bottom are no part of the list.
        [spot(column, row), spot(column, row.saturating_add_signed(forth).clamp(2, ROWS - 3))]
    }

    /// Presses keys if it is not so yet. A page that slides in is waited for: `back` once too often leaves the app.
    /// Where nobody can tell nothing is pressed.
    pub(super) async fn keys_until(
        &mut self,
        keys: &str,
        condition: &ScreenCondition,
        progress: &Progress,
        until: Duration,
    ) -> Saying {
        let (labels, instead) = loop {
            let labels = self.settled_labels().await;
            let seen = match &condition.app {
                // It may have come to the front since the last look.
                Some(_) => self.eyes.driver.screen(self.eyes.look).await.ok().map(|screen| screen.front),
                None => progress.seen.as_ref().map(|(_, front)| front.clone()),
            };
            match condition.holds(labels.as_deref(), seen.as_ref(), self.size(progress)) {
                Ok(()) => return Saying::Do(Action::Wait { duration: Duration::ZERO }),
                Err(Unmet::Not(instead)) => break (labels, instead),
                Err(unmet @ Unmet::Unknown(_)) if until <= self.clock.elapsed() => return Saying::GiveUp(unmet.why()),
                Err(Unmet::Unknown(_)) => self.clock.sleep(AGAIN).await,
            }
        };
        let is_end = self.has_stalled(&labels.unwrap_or_default(), END_AFTER);
        if is_end || self.rounds >= PRESSES_MAX {
            return Saying::GiveUp(format!("{keys} was pressed {} times, and {instead}", self.rounds));
        }
        self.rounds += 1;
        self.keys(keys)
    }
}
