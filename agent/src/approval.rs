//! Whether what was chosen, or approved, is still there: the same thing at the same place in the same app, and not the same
//! frame of pixels. A caret may blink, a clock may tick and a carousel may turn elsewhere while a person reads; a button
//! that moved or changed its words is another button.
//!
//! Where the device tells what is written, the words decide, and the picture at the place. Where it does not, what is
//! drawn round the place counts too: a dialog can ask something else above the same button.

use tapwright_contract::device::{Area, Label, Screen};
use tapwright_contract::{Size, Spot};

use crate::difference::{Difference, within};
use crate::edition::Rules;
use crate::guard::Deed;
use crate::policy::{Policy, names_time};
use crate::repeats::STATUS_BAR;

/// What lies under a finger is a square whose side is this part of the display's width.
const TARGET: u32 = 8;
/// What stands above and below it, as parts of the display's height.
const SURROUNDINGS: u32 = 6;
/// One pixel in so many may differ, under a finger and elsewhere: a caret, an icon that blinks.
const UNDER_A_FINGER: u64 = 200;
const ELSEWHERE: u64 = 500;

/// Whether both are of the same display, turned the same way, with the same app in front.
pub(crate) fn is_same_place(before: &Screen, now: &Screen) -> bool {
    before.id == now.id && before.picture.size() == now.picture.size() && before.front.id == now.front.id
}

/// Whether a picture still shows what something was chosen on. `labels` is what was written there, if the device told.
pub(crate) fn is_shown(deed: &Deed, before: &Screen, labels: Option<&[Label]>, now: &Screen) -> bool {
    if !is_same_place(before, now) {
        return false;
    }
    let Deed::Gesture(gesture) = deed else { return true };
    let spots = [gesture.spot(), gesture.end()];
    let mut spots = spots.iter().flatten().peekable();
    let (before, now) = (&before.picture, &now.picture);
    if spots.peek().is_none() {
        // It goes to whatever has the focus; the device tells what that is, or nothing may have changed at all.
        return labels.is_some() || Difference::of(before, now, body(now.size())).is_at_most(ELSEWHERE);
    }
    spots.all(|at| {
        let target = Difference::of(before, now, target(now.size(), *at));
        let around = || Difference::of(before, now, surroundings(now.size(), *at));
        (target.is_at_most(UNDER_A_FINGER) || target.is_a_caret())
            && (labels.is_some() || around().is_at_most(ELSEWHERE))
    })
}

/// Whether what is written still says what something was chosen by.
pub(crate) fn is_written(deed: &Deed, before: &[Label], now: &[Label], policy: &Policy, rules: Rules) -> bool {
    let Deed::Gesture(gesture) = deed else { return true };
    let spots = [gesture.spot(), gesture.end()];
    if spots == [None, None] {
        let fields = |labels: &[Label]| labels.iter().filter(|label| label.focused).cloned().collect::<Vec<_>>();
        if !rules.approvals_read_times {
            return fields(before).first() == fields(now).first() && (!gesture.sends() || says_the_same(before, now));
        }
        // Where nothing is said to have the focus, a dialog may have taken it from what was meant.
        let is_told = !fields(before).is_empty();
        return fields(before) == fields(now) && (is_told && !gesture.sends() || says_the_same(before, now));
    }
    spots.into_iter().flatten().all(|at| {
        // What only agrees is about all that is written.
        row(before, at, rules) == row(now, at, rules) && (!policy.agrees_at(before, at) || says_the_same(before, now))
    })
}

/// What is written where a finger goes down, and beside it: of the same two buttons in a list the row tells which it is.
/// A time counts there: of two alarms it may be all that tells them apart.
fn row(labels: &[Label], at: Spot, rules: Rules) -> Vec<&Label> {
    // An app is told by its outermost widget too, which says nothing.
    let is_time = |label: &Label| !rules.approvals_read_times && names_time(&label.text);
    let says = |label: &&Label| !label.text.trim().is_empty() && !is_time(label);
    let here = labels.iter().filter(|label| label.area.holds(at.x, at.y) && (label.touchable || says(label)));
    let target = here.min_by_key(|label| label.area.pixels()).map(|label| label.area);
    let (top, bottom) = target.map_or((at.y, at.y + 1), |area| (area.top, area.bottom));
    labels.iter().filter(says).filter(|label| label.area.top < bottom && top < label.area.bottom).collect()
}

/// Whether two screens say the same, but for what only tells the time.
fn says_the_same(before: &[Label], now: &[Label]) -> bool {
    let said = |labels: &[Label]| {
        let mut said: Vec<String> = labels.iter().map(|label| label.text.trim().to_owned()).collect();
        said.retain(|text| !text.is_empty() && !names_time(text));
        said.sort_unstable();
        said
    };
    said(before) == said(now)
}

/// All but the status bar.
fn body(size: Size) -> Area {
    Area { left: 0, top: size.height / STATUS_BAR, right: size.width, bottom: size.height }
}

fn target(size: Size, at: Spot) -> Area {
    let reach = (size.width / TARGET / 2).max(4);
    within(
        Area {
            left: at.x.saturating_sub(reach),
            top: at.y.saturating_sub(reach),
            right: at.x.saturating_add(reach),
            bottom: at.y.saturating_add(reach),
        },
        body(size),
    )
}

fn surroundings(size: Size, at: Spot) -> Area {
    let reach = size.height / SURROUNDINGS;
    let (top, bottom) = (at.y.saturating_sub(reach), at.y.saturating_add(reach));
    within(Area { left: 0, top, right: size.width, bottom }, body(size))
}
