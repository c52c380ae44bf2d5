//! Which widget lies under a touch, by the accessibility trees of AndroidControl: `AndroidAccessibilityForest` of android_env
//! (`android_env/proto/a11y` in <https://github.com/google-deepmind/android_env>). A forest has the windows of a screen, each with its nodes in
//! no order that matters here; only the numbers that are asked for are read.

use super::protobuf::{FieldValue, Fields, MalformedMessage};

/// A widget of more of the screen is none that is meant: any touch would be right.
const SHARE_MAX: f64 = 0.5;

/// How a widget was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    Click,
    LongPress,
}

/// What is read of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// Left, top, right, bottom; the last two lie outside.
    bounds: [i32; 4],
    is_clickable: bool,
    is_long_clickable: bool,
    /// It is checked, typed into or chosen by a touch.
    is_operated: bool,
    is_visible: bool,
}

/// The widget of a window that fits a touch best.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    is_interactive: bool,
    area: f64,
    bounds: [f64; 4],
}

/// The box of the widget under a touch, edges included, in pixels: of the frontmost window that has one there, the smallest that takes such
/// touches, and where none does the smallest. Nothing where that covers more than half of the screen.
///
/// # Errors
/// `MalformedMessage` if the bytes are no forest.
pub fn widget_under(
    forest: &[u8],
    at: [f64; 2],
    screen: [f64; 2],
    touch: Touch,
) -> Result<Option<[f64; 4]>, MalformedMessage> {
    let mut front: Option<(i32, Candidate)> = None;
    for window in Fields::of(forest) {
        let (1, FieldValue::Bytes(window)) = window? else { continue };
        let (layer, found) = read_window(window, at, screen, touch)?;
        if let Some(found) = found
            && front.is_none_or(|(over, _)| layer > over)
        {
            front = Some((layer, found));
        }
    }
    let area_max = SHARE_MAX * screen[0] * screen[1];
    Ok(front.filter(|(_, found)| found.area <= area_max).map(|(_, found)| found.bounds))
}

fn read_window(
    window: &[u8],
    at: [f64; 2],
    screen: [f64; 2],
    touch: Touch,
) -> Result<(i32, Option<Candidate>), MalformedMessage> {
    let (mut layer, mut best) = (0, None);
    for field in Fields::of(window) {
        match field? {
            (4, FieldValue::Varint(value)) => layer = int32(value),
            (11, FieldValue::Bytes(tree)) => {
                for node in Fields::of(tree) {
                    let (1, FieldValue::Bytes(node)) = node? else { continue };
                    let found = read_node(node)?.candidate(at, screen, touch);
                    best = better(best, found);
                }
            }
            _ => {}
        }
    }
    Ok((layer, best))
}

fn better(one: Option<Candidate>, other: Option<Candidate>) -> Option<Candidate> {
    match (one, other) {
        (Some(one), Some(other)) => {
            let rank = |of: Candidate| (!of.is_interactive, of.area);
            Some(if rank(other) < rank(one) { other } else { one })
        }
        (one, other) => one.or(other),
    }
}

impl Node {
    fn candidate(self, [x, y]: [f64; 2], [width, height]: [f64; 2], touch: Touch) -> Option<Candidate> {
        let [left, top, right, bottom] = self.bounds.map(f64::from);
        let (left, top, right, bottom) = (left.max(0.0), top.max(0.0), right.min(width), bottom.min(height));
        let is_under = self.is_visible && (left..right).contains(&x) && (top..bottom).contains(&y);
        let area = (right - left) * (bottom - top);
        if !is_under {
            return None;
        }
        let is_interactive = match touch {
            Touch::Click => self.is_clickable || self.is_operated,
            Touch::LongPress => self.is_long_clickable,
        };
        Some(Candidate { is_interactive, area, bounds: [left, top, right - 1.0, bottom - 1.0] })
    }
}

fn read_node(node: &[u8]) -> Result<Node, MalformedMessage> {
    let mut read = Node::default();
    for field in Fields::of(node) {
        match field? {
            (2, FieldValue::Bytes(rect)) => read.bounds = read_rect(rect)?,
            // is_checkable and is_editable.
            (12 | 15, FieldValue::Varint(value)) => read.is_operated |= value != 0,
            (14, FieldValue::Varint(value)) => read.is_clickable = value != 0,
            (19, FieldValue::Varint(value)) => read.is_long_clickable = value != 0,
            (23, FieldValue::Varint(value)) => read.is_visible = value != 0,
            _ => {}
        }
    }
    Ok(read)
}

fn read_rect(rect: &[u8]) -> Result<[i32; 4], MalformedMessage> {
    let mut sides = [0; 4];
    for field in Fields::of(rect) {
        if let (number @ 1..=4, FieldValue::Varint(value)) = field? {
            sides[number as usize - 1] = int32(value);
        }
    }
    Ok(sides)
}

/// Negative numbers are written as 64 bits; of larger ones the low half counts, as the format says.
fn int32(value: u64) -> i32 {
    value as u32 as i32
}
