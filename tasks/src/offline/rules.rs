//! What is right, by the rules of the sets that are published. Pure; places are pixels of the picture.

use serde::{Deserialize, Serialize};

/// Two touches that lie so close together, as shares of the screen, are the same.
const NEAR: f64 = 0.14;
/// A finger that moves less than that has not moved.
const TAP_MAX: f64 = 0.04;
/// By so much of its size a box of Android in the Wild grows.
const GROWN: f64 = 1.4;
/// In GUI-Odyssey: texts of which no larger share of letters has to be changed are the same.
const CHANGED_MAX: f64 = 0.5;
/// Longer ones are compared whole: what it takes grows with the product of the lengths.
const LETTERS_MAX: usize = 4096;
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
    /// The list of recent apps.
    Recents,
    Wait,
    /// The run is over, and what it wanted is done.
    Complete,
    /// It cannot be done.
    Impossible,
}

impl StepAction {
    /// Its type, by which is counted.
    pub fn name(&self) -> &'static str {
        match self {
            StepAction::Click { .. } => "click",
            StepAction::LongPress { .. } => "long_press",
            StepAction::Scroll { .. } => "scroll",
            StepAction::Type { .. } => "type",
            StepAction::OpenApp { .. } => "open_app",
            StepAction::Back => "back",
            StepAction::Home => "home",
            StepAction::Enter => "enter",
            StepAction::Recents => "recents",
            StepAction::Wait => "wait",
            StepAction::Complete => "complete",
            StepAction::Impossible => "impossible",
        }
    }
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
        RuleSet::Aitw => by_shares(&as_tap(done, size), size),
        RuleSet::GuiOdyssey => by_shares(done, size),
        RuleSet::AndroidControl => done.clone(),
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
        (StepAction::Type { text }, StepAction::Type { text: typed }) => match rules {
            // By its type alone.
            RuleSet::Aitw => true,
            RuleSet::AndroidControl => is_same_text(text, typed),
            RuleSet::GuiOdyssey => is_like_text(text, typed),
        },
        (StepAction::OpenApp { app }, StepAction::OpenApp { app: opened }) => {
            rules == RuleSet::Aitw || app.trim().to_lowercase() == opened.trim().to_lowercase()
        }
        _ => is_same_type,
    };
    StepMatch { is_same_type, is_right }
}

/// In Android in the Wild a gesture is where a finger comes down and where it leaves: one that hardly moves is a touch, however long it stays.
fn as_tap(done: &StepAction, size: [f64; 2]) -> StepAction {
    match done {
        StepAction::Scroll { from: Some(from), to: Some(to), .. } if moves_little(*from, *to, size) => {
            StepAction::Click { x: from[0], y: from[1] }
        }
        StepAction::LongPress { x, y } => StepAction::Click { x: *x, y: *y },
        other => other.clone(),
    }
}

/// A scroll whose axis is the longer one of the shares of the screen, and not of the pixels.
fn by_shares(done: &StepAction, [width, height]: [f64; 2]) -> StepAction {
    match done {
        StepAction::Scroll { from: Some(from), to: Some(to), .. } => {
            let share = |[x, y]: [f64; 2]| [x / width, y / height];
            let direction = Direction::of_finger(share(*from), share(*to));
            StepAction::Scroll { direction, from: Some(*from), to: Some(*to) }
        }
        other => other.clone(),
    }
}

/// Whether a gesture of Android in the Wild is a touch.
pub fn moves_little(from: [f64; 2], to: [f64; 2], size: [f64; 2]) -> bool {
    distance(from, to, size) <= TAP_MAX
}

fn distance(one: [f64; 2], other: [f64; 2], size: [f64; 2]) -> f64 {
    ((one[0] - other[0]) / size[0]).hypot((one[1] - other[1]) / size[1])
}

fn is_same_place(rules: RuleSet, right: (f64, f64), done: (f64, f64), boxes: &[[f64; 4]], size: [f64; 2]) -> bool {
    let (right, done) = ([right.0, right.1], [done.0, done.1]);
    let is_near = distance(right, done, size) <= NEAR;
    is_near
        || match rules {
            RuleSet::AndroidControl | RuleSet::GuiOdyssey => boxes.iter().any(|area| is_in_box(done, *area)),
            RuleSet::Aitw => boxes.iter().any(|area| is_near_box(done, *area, size) && is_near_box(right, *area, size)),
        }
}

/// Whether a place lies in a box of Android in the Wild that has grown.
pub fn is_near_box(at: [f64; 2], area: [f64; 4], size: [f64; 2]) -> bool {
    is_in_box(at, grown(area, size))
}

/// As `action_matching.py` of the set does it: where a box would begin off the screen it begins at the edge and keeps its new size.
fn grown([left, top, right, bottom]: [f64; 4], [width, height]: [f64; 2]) -> [f64; 4] {
    let (across, down) = (right - left, bottom - top);
    let (left, top) = ((left - across * GROWN / 2.0).max(0.0), (top - down * GROWN / 2.0).max(0.0));
    [left, top, left + (across * (1.0 + GROWN)).min(width), top + (down * (1.0 + GROWN)).min(height)]
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

/// As `GUIOdyssey_action_matching.py` of the set does it: one lies in the other, or no more than half of the letters have to be changed. But to
/// type nothing is right only where nothing is to be typed, though nothing lies in every text.
fn is_like_text(right: &str, typed: &str) -> bool {
    let (right, typed) = (right.trim(), typed.trim());
    if right == typed {
        return true;
    }
    if right.is_empty() || typed.is_empty() {
        return false;
    }
    if right.contains(typed) || typed.contains(right) {
        return true;
    }
    let (right, typed): (Vec<char>, Vec<char>) = (right.chars().collect(), typed.chars().collect());
    let longest = right.len().max(typed.len());
    longest <= LETTERS_MAX && changes(&right, &typed) as f64 / longest as f64 <= CHANGED_MAX
}

/// How many letters have to be put in, taken out or replaced: Levenshtein's distance.
fn changes(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}
