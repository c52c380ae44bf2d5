//! Whether a record can be answered rightly at all. An empty box, or one that lies off its picture, would lower a score, and nobody would
//! see why.

use super::rules::StepAction;
use super::{OfflineRecord, Target};

/// Boxes that people drew reach over an edge of the picture by some pixels; by more than this share of its side they are in other units.
const OVER_EDGE_MAX: f64 = 0.05;
const POLYGON_CORNERS_MIN: usize = 3;

/// What is wrong with a record, whatever its picture shows.
pub fn check_record(record: &OfflineRecord) -> Result<(), String> {
    if record.question.trim().is_empty() {
        return Err("there is no instruction: its question is empty".to_owned());
    }
    match &record.target {
        Target::Refusal => Ok(()),
        Target::Polygon(corners) if corners.len() < POLYGON_CORNERS_MIN => {
            Err(format!("its polygon has {} corners, and needs {POLYGON_CORNERS_MIN}", corners.len()))
        }
        Target::Box(area) => check_area("box", *area),
        Target::Polygon(corners) => check_area("polygon", bounds(corners)),
        // Beside them counts how near a touch is, so that a narrow one is no trap.
        Target::Step { boxes, .. } => match boxes.iter().find(|area| !is_ordered(**area)) {
            Some(area) => Err(format!("the box {area:?} is inside out: a box is left, top, right, bottom")),
            None => Ok(()),
        },
    }
}

/// What is wrong with a record on a picture of this size.
pub fn check_on_picture(record: &OfflineRecord, [width, height]: [f64; 2]) -> Result<(), String> {
    let area = match &record.target {
        Target::Refusal => return Ok(()),
        Target::Box(area) => *area,
        Target::Polygon(corners) => bounds(corners),
        Target::Step { action: StepAction::Click { x, y } | StepAction::LongPress { x, y }, .. } => {
            if (0.0..=width).contains(x) && (0.0..=height).contains(y) {
                return Ok(());
            }
            return Err(format!("it touches {x}, {y} on a picture of {width} x {height}"));
        }
        Target::Step { .. } => return Ok(()),
    };
    let [left, top, right, bottom] = area;
    let (across, down) = (width * OVER_EDGE_MAX, height * OVER_EDGE_MAX);
    let is_near = -across <= left && -down <= top && right <= width + across && bottom <= height + down;
    if is_near && left < width && top < height && right > 0.0 && bottom > 0.0 {
        return Ok(());
    }
    Err(format!("what is right reaches from {left}, {top} to {right}, {bottom}, off its picture of {width} x {height}"))
}

fn check_area(noun: &str, area: [f64; 4]) -> Result<(), String> {
    let [left, top, right, bottom] = area;
    if left < right && top < bottom {
        return Ok(());
    }
    if is_ordered(area) {
        return Err(format!("its {noun} is empty: it reaches from {left}, {top} to {right}, {bottom}"));
    }
    Err(format!("its {noun} {area:?} is inside out: a box is left, top, right, bottom"))
}

fn is_ordered([left, top, right, bottom]: [f64; 4]) -> bool {
    left <= right && top <= bottom
}

/// Left, top, right, bottom of some places.
fn bounds(places: &[[f64; 2]]) -> [f64; 4] {
    places.iter().fold([f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY], |found, [x, y]| {
        [found[0].min(*x), found[1].min(*y), found[2].max(*x), found[3].max(*y)]
    })
}
