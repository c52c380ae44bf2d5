//! What is right, by the rules of the sets that are published. Pure; places are pixels of the picture.

use serde::{Deserialize, Serialize};

/// Two touches that lie so close together, as shares of the screen, are the same.
const NEAR: f64 = 0.14;
/// A finger that moves less than that has not moved.
const TAP_MAX: f64 = 0.04;
/// By so much of its size a box of Android in the Wild grows.
const GROWN: f64 = 1.4;
/// Texts that share more than that of their words are the same.
const WORDS_SHARED: f64 = 0.5;

/// By whose rules a step is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSet {
    AndroidControl,
    /// Android in the Wild.
    Aitw,
    GuiOdyssey,
}

/// Where a page goes: `down` shows what lies below, as a finger does that moves up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
    Left,
    Right,
}

/// One action, as sets of recorded runs have them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum StepAction {
    Click {
        x: f64,
        y: f64,
    },
    LongPress {
        x: f64,
        y: f64,
    },
    /// The places are those of the finger, where they are known.
    Scroll {
        direction: Direction,
        #[serde(default)]
        from: Option<[f64; 2]>,
        #[serde(default)]
        to: Option<[f64; 2]>,
    },
    Type {
        text: String,
    },
    OpenApp {
        app: String,
    },
    Back,
    Home,
    Enter,
    Wait,
    /// The run is over, and what it wanted is done.
    Complete,
    /// It cannot be done.
    Impossible,
}

/// What came of comparing two actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepMatch {
    pub is_same_type: bool,
    pub is_right: bool,
}

impl Direction {
    /// Where a page goes under a finger that moves so.
    pub fn of_finger(from: [f64; 2], to: [f64; 2]) -> Direction {
        let (right, down) = (to[0] - from[0], to[1] - from[1]);
        match (down.abs() >= right.abs(), down > 0.0, right > 0.0) {
            (true, true, _) => Direction::Up,
            (true, false, _) => Direction::Down,
            (false, _, true) => Direction::Left,
            (false, _, false) => Direction::Right,
        }
    }

    fn is_vertical(self) -> bool {
        matches!(self, Direction::Up | Direction::Down)
    }
}

/// Whether a place lies in a box, or on its edge.
pub fn is_in_box([x, y]: [f64; 2], [left, top, right, bottom]: [f64; 4]) -> bool {
    (left..=right).contains(&x) && (top..=bottom).contains(&y)
}

/// Whether a place lies inside of corners, by how often a ray from it crosses their edges.
pub fn is_in_polygon([x, y]: [f64; 2], corners: &[[f64; 2]]) -> bool {
    let mut is_inside = false;
    for (at, [ax, ay]) in corners.iter().enumerate() {
        let [bx, by] = corners[(at + 1) % corners.len()];
        if (*ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
            is_inside = !is_inside;
        }
    }
    is_inside
}

/// Compares what a model did with what is right, on a screen of a size.
pub fn compare(rules: RuleSet, right: &StepAction, boxes: &[[f64; 4]], done: &StepAction, size: [f64; 2]) -> StepMatch {
    let done = &match rules {
        RuleSet::Aitw => as_tap(done, size),
        RuleSet::AndroidControl | RuleSet::GuiOdyssey => done.clone(),
    };
    let is_same_type = std::mem::discriminant(right) == std::mem::discriminant(done);
    let at = |spot: (f64, f64), other: (f64, f64)| is_same_place(rules, spot, other, boxes, size);
    let is_right = match (right, done) {
        (StepAction::Click { x, y }, StepAction::Click { x: on_x, y: on_y })
        | (StepAction::LongPress { x, y }, StepAction::LongPress { x: on_x, y: on_y }) => at((*x, *y), (*on_x, *on_y)),
        (StepAction::Scroll { direction, .. }, StepAction::Scroll { direction: gone, .. }) => match rules {
            RuleSet::Aitw => direction.is_vertical() == gone.is_vertical(),
            RuleSet::AndroidControl | RuleSet::GuiOdyssey => direction == gone,
        },
        // Android in the Wild compares what is typed by its type alone.
        (StepAction::Type { text }, StepAction::Type { text: typed }) => {
            rules == RuleSet::Aitw || is_same_text(text, typed)
        }
        (StepAction::OpenApp { app }, StepAction::OpenApp { app: opened }) => {
            rules == RuleSet::Aitw || app.trim().to_lowercase() == opened.trim().to_lowercase()
        }
        _ => is_same_type,
    };
    StepMatch { is_same_type, is_right }
}

/// In Android in the Wild a gesture whose finger hardly moves is a touch.
fn as_tap(done: &StepAction, size: [f64; 2]) -> StepAction {
    match done {
        StepAction::Scroll { from: Some(from), to: Some(to), .. } if distance(*from, *to, size) <= TAP_MAX => {
            StepAction::Click { x: from[0], y: from[1] }
        }
        other => other.clone(),
    }
}

fn distance(one: [f64; 2], other: [f64; 2], size: [f64; 2]) -> f64 {
    ((one[0] - other[0]) / size[0]).hypot((one[1] - other[1]) / size[1])
}

fn is_same_place(rules: RuleSet, right: (f64, f64), done: (f64, f64), boxes: &[[f64; 4]], size: [f64; 2]) -> bool {
    let (right, done) = ([right.0, right.1], [done.0, done.1]);
    let is_near = distance(right, done, size) <= NEAR;
    is_near
        || match rules {
            RuleSet::GuiOdyssey => false,
            RuleSet::AndroidControl => boxes.iter().any(|area| is_in_box(done, *area)),
            RuleSet::Aitw => boxes.iter().any(|area| {
                let grown = grown(*area);
                is_in_box(done, grown) && is_in_box(right, grown)
            }),
        }
}

fn grown([left, top, right, bottom]: [f64; 4]) -> [f64; 4] {
    let (across, down) = ((right - left) * GROWN / 2.0, (bottom - top) * GROWN / 2.0);
    [left - across, top - down, right + across, bottom + down]
}

/// Whether texts are equal, or share more than half of their words by F1.
fn is_same_text(right: &str, typed: &str) -> bool {
    let words = |text: &str| -> Vec<String> { text.to_lowercase().split_whitespace().map(str::to_owned).collect() };
    let (right, mut typed) = (words(right), words(typed));
    if right == typed {
        return true;
    }
    let (wanted, given) = (right.len(), typed.len());
    let mut shared = 0;
    for word in &right {
        if let Some(at) = typed.iter().position(|other| other == word) {
            typed.swap_remove(at);
            shared += 1;
        }
    }
    shared > 0 && 2.0 * f64::from(shared) / (wanted + given) as f64 > WORDS_SHARED
}
