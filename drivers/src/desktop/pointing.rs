//! How a pointer moves on any desktop, and what is too much of it.

use std::time::Duration;

use tapwright_contract::Spot;
use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;

use crate::refused;

/// A button that is held or moves for longer is a mistake.
const POINTER_MAX: Duration = Duration::from_secs(60);
/// A wheel that turns further is a mistake.
const NOTCHES_MAX: u32 = 200;
/// How far a notch of the wheel moves what is shown, roughly: a swipe is as many as that.
const PIXELS_A_NOTCH: i32 = 80;
/// How long a button rests before and after it drags: who takes part in drag and drop has to answer first.
pub(crate) const DRAG_REST: Duration = Duration::from_millis(60);
/// Two clicks at one place within this are a double click.
const DOUBLE_CLICK: Duration = Duration::from_millis(500);
/// How far apart two places may be that are one for this.
const DOUBLE_CLICK_PIXELS: i32 = 8;

/// The last click, which one more at the same place would make a double click.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastClick {
    at: Instant,
    place: (i32, i32),
}

impl LastClick {
    /// A click that has just been made.
    pub fn now(place: (i32, i32)) -> LastClick {
        LastClick { at: Instant::now(), place }
    }

    /// When a click at this place is none that belongs to the last one.
    pub fn double_click_end(&self, place: (i32, i32)) -> Instant {
        let (x, y) = (self.place.0.abs_diff(place.0), self.place.1.abs_diff(place.1));
        let is_near = x.max(y) <= DOUBLE_CLICK_PIXELS.unsigned_abs();
        if is_near { self.at + DOUBLE_CLICK } else { self.at }
    }
}

/// The notches of a wheel, to the right and down, that move what a finger would have moved.
pub(crate) fn notches(from: &Spot, to: &Spot) -> (i32, i32) {
    let notches = |from: u32, to: u32| {
        let far = i32::try_from(i64::from(from) - i64::from(to)).unwrap_or(0);
        (far + far.signum() * PIXELS_A_NOTCH / 2) / PIXELS_A_NOTCH
    };
    (notches(from.x, to.x), notches(from.y, to.y))
}

/// Refuses to turn a wheel without end.
pub(crate) fn check_notches(right: i32, down: i32) -> Result<(), DriverErrorKind> {
    if right.unsigned_abs().max(down.unsigned_abs()) > NOTCHES_MAX {
        return Err(refused(format!("{NOTCHES_MAX} notches of the wheel at a time are the most")));
    }
    Ok(())
}

/// Refuses to hold a button without end.
pub(crate) fn check_duration(time: Duration) -> Result<Duration, DriverErrorKind> {
    if time > POINTER_MAX {
        return Err(refused(format!(
            "a button held for {} s; {} s is the most",
            time.as_secs(),
            POINTER_MAX.as_secs()
        )));
    }
    Ok(time)
}

/// Where a pointer is at the beginning and the end of a drag and in between, and when.
pub(crate) fn way(from: (i32, i32), to: (i32, i32), over: Duration) -> Vec<(Duration, (i32, i32))> {
    /// A movement each is what a mouse that is moved by hand reports, roughly.
    const APART: Duration = Duration::from_millis(10);
    const STEPS: std::ops::RangeInclusive<u32> = 8..=200;
    let steps =
        u32::try_from(over.as_millis() / APART.as_millis()).unwrap_or(u32::MAX).clamp(*STEPS.start(), *STEPS.end());
    let between = |step: u32, from: i32, to: i32| {
        let far = i64::from(to - from) * i64::from(step) / i64::from(steps);
        from + i32::try_from(far).expect("it is between two places")
    };
    (1..=steps).map(|step| (over * step / steps, (between(step, from.0, to.0), between(step, from.1, to.1)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_from_place_to_place_in_time() {
        let way = way((0, 100), (1000, 0), Duration::from_millis(300));
        assert_eq!(way.len(), 30);
        assert_eq!(way.last(), Some(&(Duration::from_millis(300), (1000, 0))));
        assert!(way.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1.0 < pair[1].1.0));
        assert_eq!(super::way((5, 5), (5, 5), Duration::ZERO).len(), 8);
        assert_eq!(super::way((0, 0), (9, 9), Duration::from_secs(60)).len(), 200);
    }
}
