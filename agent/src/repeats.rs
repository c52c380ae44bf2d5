//! Notices a run that goes round in circles.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};
use tapwright_contract::device::Screen;

use crate::action::Action;

/// What a screen looks like without its status bar, whose clock moves on by itself. An app chooses its pixels, and must not
/// be able to choose them so that two screens pass for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScreenHash([u8; 32]);

impl ScreenHash {
    pub(crate) fn of(screen: &Screen) -> ScreenHash {
        let mut hash = Sha256::new();
        let size = screen.picture.size();
        hash.update(size.width.to_le_bytes());
        hash.update(size.height.to_le_bytes());
        hash.update((screen.front.id.len() as u64).to_le_bytes());
        hash.update(&screen.front.id);
        hash.update(below_the_status_bar(screen));
        ScreenHash(hash.finalize().into())
    }
}

/// Whether two screens show the same of the same app, to the pixel, but for the status bar.
pub(crate) fn looks_the_same(one: &Screen, other: &Screen) -> bool {
    one.picture.size() == other.picture.size()
        && one.front.id == other.front.id
        && below_the_status_bar(one) == below_the_status_bar(other)
}

/// The same, and the app calls itself the same too.
pub(crate) fn same(one: &Screen, other: &Screen) -> bool {
    one.front == other.front && looks_the_same(one, other)
}

/// The status bar is in the top rows of a picture, this part of them.
pub(crate) const STATUS_BAR: u32 = 20;

/// The rows below the status bar.
fn below_the_status_bar(screen: &Screen) -> &[u8] {
    let rgba = screen.picture.rgba();
    let row = rgba.len() / screen.picture.size().height.max(1) as usize;
    &rgba[row * (screen.picture.size().height / STATUS_BAR) as usize..]
}

/// The latest actions, and the screens on which they were chosen.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    latest: VecDeque<(ScreenHash, Action)>,
}

impl Repeats {
    /// Adds an action and counts how often it is among the latest `window` ones on the same screen, itself included.
    pub(crate) fn count(&mut self, sight: ScreenHash, action: &Action, window: u32) -> u32 {
        self.latest.push_back((sight, action.clone()));
        while self.latest.len() > window.max(1) as usize {
            self.latest.pop_front();
        }
        let times = self.latest.iter().filter(|(seen, done)| *seen == sight && done == action).count();
        u32::try_from(times).unwrap_or(u32::MAX)
    }

    /// What was before does not count any more.
    pub(crate) fn forget(&mut self) {
        self.latest.clear();
    }
}

/// Notices a run that goes back and forth between two screens, whatever it does there.
#[derive(Debug, Default)]
pub(crate) struct BackAndForth {
    /// The screens of the latest gestures.
    latest: VecDeque<ScreenHash>,
}

/// Nobody who counts needs more.
const ROUNDS_KEPT: usize = 64;

impl BackAndForth {
    /// Adds the screen of a gesture and counts how many in a row, this one included, were on the same two screens; no
    /// more than 1 if there was only one.
    pub(crate) fn count(&mut self, sight: ScreenHash) -> u32 {
        self.latest.push_back(sight);
        if self.latest.len() > ROUNDS_KEPT {
            self.latest.pop_front();
        }
        let mut other = None;
        let mut count = 0;
        for seen in self.latest.iter().rev() {
            if *seen != sight && *other.get_or_insert(*seen) != *seen {
                break;
            }
            count += 1;
        }
        if other.is_some() { count } else { 1 }
    }

    /// What was before does not count any more.
    pub(crate) fn forget(&mut self) {
        self.latest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_between_two_screens() {
        let mut rounds = BackAndForth::default();
        let counts: Vec<u32> = [1, 1, 1, 2, 1, 2, 2, 3, 2, 3].map(|n| rounds.count(ScreenHash([n; 32]))).to_vec();
        assert_eq!(counts, [1, 1, 1, 4, 5, 6, 7, 3, 4, 5]);
    }
}
