//! When a screen has come to rest, whatever takes its pictures: a phone's, a desktop's, a browser's.
//!
//! Screens are seldom still to the byte: a caret blinks, a clock ticks, a banner moves on, a film plays. Whoever waits for the
//! last of them waits for ever. So pictures are compared as coarse sketches and with a tolerance; what comes and goes in one
//! place is forgotten; and a movement that goes on at the same pace is an answer too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::Size;
use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;

use crate::Settle;
use crate::deadline::{AttemptLog, Deadline};

/// How a wait for a screen to rest has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing moves, but for what only blinks.
    Still,
    /// Something moves on at the same pace, such as a film: waiting longer would show the same.
    Moving,
    /// The time was up first.
    OutOfTime,
}

/// Takes pictures of one screen.
pub(crate) trait Camera: Send {
    /// A picture, and what was asked together with it.
    type Look: Send;
    /// Takes the next picture.
    ///
    /// # Errors
    /// `TimedOut` if it did not come in time; any other ends the wait.
    fn look(&mut self, deadline: Deadline) -> impl Future<Output = Result<Self::Look, DriverErrorKind>> + Send;
    /// The moment by which the picture had been taken.
    fn taken_at(look: &Self::Look) -> Instant;
    /// Whether two pictures are the same to the byte: most are, and that is quickly found out.
    fn is_same(one: &Self::Look, other: &Self::Look) -> bool;
    /// The picture in coarse cells.
    ///
    /// # Errors
    /// `MalformedResponse` if it cannot be decoded.
    fn sketch(look: &mut Self::Look) -> impl Future<Output = Result<Sketch, DriverErrorKind>> + Send;
}

/// What is remembered of a screen from one wait to the next. Its size has a bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// What the screen looked like when it was last returned.
    before: Option<Arc<Sketch>>,
    /// When something was done to it that it has not been seen after.
    touched: Option<Instant>,
    /// Where something blinks or moves by itself.
    restless: Cells,
}

impl Memory {
    /// Something is done to the screen: what it looks like from now on may be an answer.
    pub fn touch(&mut self) {
        self.touched = Some(Instant::now());
    }

    /// Whether something was done to the screen that it has not been seen after.
    pub fn is_touched(&self) -> bool {
        self.touched.is_some()
    }

    /// The screen has been returned to whoever asked for it.
    pub fn mark_returned(&mut self) {
        self.touched = None;
    }
}

/// Looks until the screen is at rest or the time is up.
///
/// # Errors
/// `TimedOut` if there was no picture at all by then, and whatever ends the camera.
pub(crate) async fn still<C: Camera>(
    camera: &mut C,
    memory: &mut Memory,
    settle: Settle,
    deadline: Deadline,
) -> Result<(C::Look, Rest), DriverErrorKind> {
    let began = Instant::now();
    let grace =
        memory.touched.and_then(|touched| (touched + settle.grace).checked_duration_since(began)).unwrap_or_default();
    let mut watch = Watch::new(settle.looks, grace, memory.before.clone(), std::mem::take(&mut memory.restless));
    let mut tries = AttemptLog::new("a picture of the screen");
    let mut last: Option<(C::Look, Option<Arc<Sketch>>)> = None;
    // When the equal pictures were taken that a wait begins with: as long as none differs, nobody needs a sketch.
    let mut equal = Vec::new();
    let mut rest = Rest::OutOfTime;
    while !deadline.is_over() {
        let mut look = match camera.look(deadline).await {
            Ok(look) => look,
            Err(DriverErrorKind::TimedOut { tries: why }) => {
                tries.note(why);
                break;
            }
            Err(kind) => return Err(kind),
        };
        let taken = C::taken_at(&look);
        let at = taken.saturating_duration_since(began);
        let is_same = last.as_ref().is_some_and(|(last, _)| C::is_same(last, &look));
        let is_beginning = last.as_ref().is_none_or(|(_, sketch)| is_same && sketch.is_none());
        let verdict = if is_beginning && grace.is_zero() {
            equal.push(at);
            last = Some((look, None));
            (equal.len() >= settle.looks as usize).then_some(Rest::Still)
        } else {
            if let Some((first, None)) = &mut last {
                let sketch = Arc::new(C::sketch(first).await?);
                for earlier in equal.drain(..) {
                    watch.see(&sketch, earlier);
                }
            }
            let sketch = match &last {
                Some((_, Some(sketch))) if is_same => sketch.clone(),
                _ => Arc::new(C::sketch(&mut look).await?),
            };
            let verdict = watch.see(&sketch, at);
            last = Some((look, Some(sketch)));
            verdict
        };
        if let Some(verdict) = verdict {
            rest = verdict;
            break;
        }
        // From when the picture was there at the latest: two that were asked for apart may be taken at once.
        deadline.rest_until(taken + settle.apart).await;
    }
    memory.restless = watch.restless;
    let Some((mut look, sketch)) = last else { return Err(DriverErrorKind::TimedOut { tries: tries.tell(&deadline) }) };
    tracing::debug!(
        looks = watch.looks as usize + equal.len(),
        ?rest,
        ms = deadline.elapsed().as_millis(),
        "looked until the screen was at rest"
    );
    memory.before = match sketch {
        // Nobody will ask whether the screen still looks as it did.
        None if settle.grace.is_zero() => None,
        None => Some(Arc::new(C::sketch(&mut look).await?)),
        sketch => sketch,
    };
    Ok((look, rest))
}

/// The most columns and rows of a sketch.
const CELLS_MAX: u32 = 300;
/// Cells with fewer rows than this go by all of them, larger ones by every second: on so fine a display nothing that anybody is
/// meant to see is one row high, and reading a picture is what a sketch costs.
const FINE_MAX: usize = 8;
/// How much the mean of a cell may differ, of 255: pictures of films and gradients are dithered.
const TOLERANCE: u8 = 4;

/// A picture in cells of some pixels each, by their mean colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sketch {
    size: Size,
    cells: Vec<[u8; 3]>,
}

impl Sketch {
    /// Of a picture with four bytes a pixel, of which the first three are colours, without its first `bar` rows: there the
    /// system shows the time.
    pub fn of(rgba: &[u8], size: Size, bar: u32) -> Sketch {
        let cell = (size.width.max(size.height) / CELLS_MAX).max(4) as usize;
        let stride = 4 * size.width as usize;
        let rows = rgba.get(stride * bar as usize..).unwrap_or_default();
        let mut cells = Vec::with_capacity((size.width as usize / cell + 1) * (size.height as usize / cell + 1));
        // The sums of a band of rows. At most 54 rows of 255, so nothing wraps; said as wrapping, the compiler makes vectors of it.
        let mut sums = vec![0u16; stride];
        for band in rows.chunks(stride * cell) {
            sums.fill(0);
            let rows = band.chunks_exact(stride).step_by(if cell < FINE_MAX { 1 } else { 2 });
            let height = rows.len().max(1) as u32;
            for row in rows {
                for (sum, byte) in sums.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(u16::from(*byte));
                }
            }
            for part in sums.chunks(4 * cell) {
                let mut total = [0u32; 3];
                for pixel in part.chunks_exact(4) {
                    for (total, sum) in total.iter_mut().zip(pixel) {
                        *total = total.wrapping_add(u32::from(*sum));
                    }
                }
                let pixels = height * (part.len() / 4) as u32;
                cells.push(total.map(|total| (total / pixels) as u8));
            }
        }
        Sketch { size, cells }
    }

    /// Where it differs from another one; `None` if they are of different sizes, and so differ everywhere.
    fn changes(&self, other: &Sketch) -> Option<Cells> {
        if self.size != other.size || self.cells.len() != other.cells.len() {
            return None;
        }
        let differs = |(one, other): (&[u8; 3], &[u8; 3])| {
            one.iter().zip(other).any(|(one, other)| one.abs_diff(*other) > TOLERANCE)
        };
        Some(Cells(self.cells.iter().zip(&other.cells).map(differs).collect()))
    }
}

/// A set of cells. An empty one holds none, whatever the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cells(Vec<bool>);

impl Cells {
    fn count(&self) -> usize {
        self.0.iter().filter(|is| **is).count()
    }

    fn without(mut self, other: &Cells) -> Cells {
        if self.0.len() == other.0.len() {
            self.0.iter_mut().zip(&other.0).for_each(|(is, other)| *is &= !other);
        }
        self
    }

    fn join(&mut self, other: &Cells) {
        match self.0.len() == other.0.len() {
            true => self.0.iter_mut().zip(&other.0).for_each(|(is, other)| *is |= other),
            false => self.clone_from(other),
        }
    }

    /// How much of a screen this is.
    fn share(&self) -> f32 {
        self.count() as f32 / self.0.len().max(1) as f32
    }
}

/// How many sketches are kept to find out that a screen looks again as it did.
const SEEN_MAX: usize = 6;
/// As much of a screen may be forgotten because it moves by itself.
const RESTLESS_MAX: f32 = 0.4;

/// How long something has to move on before that is an answer: the larger, the longer, since a page that slides in moves
/// nearly all of a screen for a moment.
#[derive(Clone, Copy, Debug)]
struct SteadyChange {
    /// Up to so much of the screen.
    share: f32,
    /// So many changes in a row, and …
    changes: usize,
    /// … for so long.
    lasting: Duration,
}

const STEADY: [SteadyChange; 3] = [
    SteadyChange { share: 0.03, changes: 2, lasting: Duration::from_millis(200) }, // A spinner, a line that runs.
    SteadyChange { share: 0.4, changes: 3, lasting: Duration::from_millis(500) },  // A film in a page.
    SteadyChange { share: 1.0, changes: 4, lasting: Duration::from_millis(1000) },
];

/// Decides when to end a wait, by sketches and the time. It takes no pictures.
#[derive(Debug)]
struct Watch {
    looks_wanted: u32,
    /// Until then a screen that looks as before is not believed to be an answer to what was done to it.
    grace: Duration,
    before: Option<Arc<Sketch>>,
    restless: Cells,
    seen: VecDeque<Arc<Sketch>>,
    /// What has moved without a rest and at one pace.
    movement: Option<Movement>,
    equal: u32,
    looks: u32,
}

impl Watch {
    fn new(looks_wanted: u32, grace: Duration, before: Option<Arc<Sketch>>, restless: Cells) -> Watch {
        let seen = VecDeque::with_capacity(SEEN_MAX);
        Watch { looks_wanted, grace, before, restless, seen, movement: None, equal: 0, looks: 0 }
    }

    /// The next look, taken `at` so long after the wait began; how the wait ends, if it does.
    fn see(&mut self, sketch: &Arc<Sketch>, at: Duration) -> Option<Rest> {
        self.looks += 1;
        let change = match self.seen.back() {
            None => Some(Cells::default()),
            Some(last) if Arc::ptr_eq(last, sketch) => Some(Cells::default()),
            Some(last) => last.changes(sketch),
        };
        match change {
            // Of another size: everything that was known is of another screen.
            None => {
                self.seen.clear();
                self.movement = None;
                self.restless = Cells::default();
                self.equal = 1;
            }
            Some(change) => self.weigh(sketch, change, at),
        }
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(sketch.clone());
        // An app that was touched may not have begun to react yet.
        if at < self.grace && self.is_as_before(sketch) {
            return None;
        }
        if self.equal >= self.looks_wanted {
            return Some(Rest::Still);
        }
        let movement = self.movement.as_ref().filter(|movement| movement.is_steady(at))?;
        if movement.cells.share() <= RESTLESS_MAX {
            self.restless.join(&movement.cells);
        }
        Some(Rest::Moving)
    }

    /// Whether a change counts, and what it says of the changes before it.
    fn weigh(&mut self, sketch: &Sketch, change: Cells, at: Duration) {
        let outside = change.clone().without(&self.restless);
        if outside.count() == 0 {
            self.equal += 1;
            self.movement = None;
            return;
        }
        let is =
            |other: &Sketch| other.changes(sketch).is_some_and(|change| change.without(&self.restless).count() == 0);
        // What looks again as it did before the last change blinks. Something that moves to a place does not come back.
        let blinks = self.seen.iter().rev().skip(1).any(|older| is(older)) && change.share() <= RESTLESS_MAX;
        if blinks {
            self.restless.join(&change);
            self.equal += 1;
            self.movement = None;
            return;
        }
        // The page itself changes, so what moved in it may be gone.
        if outside.share() > RESTLESS_MAX {
            self.restless = Cells::default();
        }
        self.equal = 1;
        match &mut self.movement {
            Some(movement) if movement.goes_on(outside.count()) => movement.add(&outside),
            _ => self.movement = Some(Movement::new(outside, at)),
        }
    }

    fn is_as_before(&self, sketch: &Sketch) -> bool {
        let changes = self.before.as_ref().and_then(|before| before.changes(sketch));
        changes.is_some_and(|changes| changes.without(&self.restless).count() == 0)
    }
}

/// Changes from look to look that are about equally large.
#[derive(Debug)]
struct Movement {
    since: Duration,
    changes: usize,
    /// Everything that has moved in it.
    cells: Cells,
    /// The smallest and the largest change, in cells.
    least: usize,
    most: usize,
}

impl Movement {
    fn new(cells: Cells, since: Duration) -> Movement {
        let count = cells.count();
        Movement { since, changes: 1, cells, least: count, most: count }
    }

    /// Whether a change of so many cells is at the same pace; a few cells more or less are no other one.
    fn goes_on(&self, count: usize) -> bool {
        self.most.max(count) <= 2 * self.least.min(count) + 8
    }

    fn add(&mut self, cells: &Cells) {
        self.changes += 1;
        self.cells.join(cells);
        self.least = self.least.min(cells.count());
        self.most = self.most.max(cells.count());
    }

    /// Whether it has gone on for long enough.
    fn is_steady(&self, now: Duration) -> bool {
        let share = self.cells.share();
        let steady = STEADY.iter().find(|steady| share <= steady.share);
        steady.is_some_and(|steady| steady.changes <= self.changes && steady.lasting <= now.saturating_sub(self.since))
    }
}

#[cfg(test)]
#[path = "still_tests.rs"]
mod tests;
