//! What is on a screen, in truth and as the device tells it.

use tapwright_contract::device::{Area, Label};

use crate::common;
use crate::dice::Dice;

pub const APP: &str = "com.example.app";
pub const NOTES: &str = "com.example.notes";
pub const VAULT: &str = "com.example.vault";
pub const BANK: &str = "com.example.bank";

/// The secrets, and other ways to write the first of them.
pub const PIN: &str = "hunter2-4711";
pub const USER: &str = "anna.of.vault";
pub const FORMS: &[&str] = &[PIN, USER, "aHVudGVyMi00NzEx", "68756e746572322d34373131"];

/// What stands on something, by what a policy may say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// A text that fills notes.
    Long,
    Send,
    Delete,
    /// A button that only agrees: all that is written counts.
    Agree,
    Password,
    Field,
}

/// A button or a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub area: Area,
    pub kind: Kind,
    pub app: &'static str,
    pub focused: bool,
    /// Whether it hides what is typed.
    pub hidden: bool,
}

/// A screen of two columns and four rows; an app of its own may have the lower two.
#[derive(Clone, Debug)]
pub struct Page {
    pub front: &'static str,
    pub cells: Vec<Cell>,
}

/// The middle of a button.
pub fn middle(cell: usize) -> (u32, u32) {
    (if cell.is_multiple_of(2) { 5 } else { 14 }, 8 + 9 * (cell as u32 / 2))
}

/// The place of the vault's field in its window.
const FIELD: usize = 2;

impl Page {
    /// The page of a number; `salt` is the world's own. An app stays in front for a few pages.
    pub fn of(salt: u64, number: u32) -> Page {
        let mut dice = Dice(salt ^ u64::from(number / 4).wrapping_mul(0x1234_5678_9abc_def1));
        let front = dice.one_of(&[APP, APP, APP, NOTES, VAULT, VAULT, VAULT, BANK]);
        let below = if dice.percent(30) { dice.one_of(&[APP, VAULT, BANK]) } else { front };
        let mut dice = Dice(salt ^ u64::from(number).wrapping_mul(0xfedc_ba98_7654_3211));
        let mut cells: Vec<Cell> = (0..8)
            .map(|at| {
                let (x, y) = middle(at);
                let app = if at < 4 { front } else { below };
                let first = at == FIELD || (at == 4 + FIELD && below != front);
                let kind = match dice.below(12) {
                    _ if app == VAULT && first => {
                        if salt.is_multiple_of(2) {
                            Kind::Password
                        } else {
                            Kind::Field
                        }
                    }
                    0..5 => Kind::Plain,
                    5 => Kind::Long,
                    6 | 7 => Kind::Send,
                    8 => Kind::Delete,
                    9 => Kind::Agree,
                    10 => Kind::Password,
                    _ => Kind::Field,
                };
                let area = Area { left: x - 4, top: y - 4, right: x + 4, bottom: y + 4 };
                Cell { area, kind, app, focused: false, hidden: kind == Kind::Password }
            })
            .collect();
        let is_field = |cell: &&mut Cell| matches!(cell.kind, Kind::Password | Kind::Field) && cell.app == front;
        if let Some(field) = cells.iter_mut().find(is_field) {
            field.focused = true;
        }
        if front == VAULT {
            cells.iter_mut().enumerate().for_each(|(at, cell)| cell.focused = at == FIELD);
        }
        Page { front, cells }
    }

    /// Where the vault's field is, if the vault is to be seen.
    pub fn vault(&self) -> Option<(u32, u32)> {
        let at = [FIELD, 4 + FIELD].into_iter().find(|at| self.cells[*at].app == VAULT)?;
        Some(middle(at))
    }

    /// What a device that tells the truth tells.
    pub fn labels(&self, typed: Option<&str>) -> Vec<Label> {
        let mut labels = vec![label("12:34", Area { left: 0, top: 0, right: 20, bottom: 2 }, false, None)];
        for (at, cell) in self.cells.iter().enumerate() {
            let is_vaults = self.vault() == Some(middle(at));
            let text = match (cell.kind, typed.filter(|_| is_vaults)) {
                (_, Some(typed)) => typed.to_owned(),
                (Kind::Plain, _) => format!("Item {at}"),
                (Kind::Long, _) => "a long text that says nothing of interest ".repeat(9),
                (Kind::Send, _) => "Send".to_owned(),
                (Kind::Delete, _) => "Delete all".to_owned(),
                (Kind::Agree, _) => "OK".to_owned(),
                (Kind::Password, _) => "Password".to_owned(),
                (Kind::Field, _) => "Name".to_owned(),
            };
            let own =
                Label { focused: cell.focused, secret: cell.hidden, ..label(&text, cell.area, true, Some(cell.app)) };
            let is_field = matches!(cell.kind, Kind::Password | Kind::Field);
            if at.is_multiple_of(2) || is_field {
                labels.push(own);
            } else {
                // A button without a name around a text, as Android has them.
                let Area { left, top, right, bottom } = cell.area;
                let inner = Area { left: left + 1, top: top + 1, right: right - 1, bottom: bottom - 1 };
                labels.push(Label { text: String::new(), ..own });
                labels.push(label(&text, inner, false, Some(cell.app)));
            }
        }
        labels
    }
}

pub fn label(text: &str, area: Area, touchable: bool, app: Option<&str>) -> Label {
    let Area { left, top, right, bottom } = area;
    Label { touchable, app: app.map(str::to_owned), ..common::label(text, [left, top, right, bottom]) }
}

/// How an app that wants to get past the policy tells what is written: nothing of it may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelTrick {
    /// Letters that look alike, and others that cannot be seen.
    Disguise,
    /// Harmless words of another app above each button.
    Overlay,
    /// More texts than are judged.
    Flood,
    /// A text longer than is judged.
    Length,
    /// Everything has the focus and hides what is typed.
    Focus,
    /// Areas that no screen has.
    Areas,
    /// What was typed, in several forms.
    Quotes,
}

pub const TRICKS: &[LabelTrick] = &[
    LabelTrick::Disguise,
    LabelTrick::Overlay,
    LabelTrick::Flood,
    LabelTrick::Length,
    LabelTrick::Focus,
    LabelTrick::Areas,
    LabelTrick::Quotes,
];

impl LabelTrick {
    pub fn name(self) -> &'static str {
        match self {
            LabelTrick::Disguise => "labels in disguise",
            LabelTrick::Overlay => "labels above labels",
            LabelTrick::Flood => "too many labels",
            LabelTrick::Length => "a label too long",
            LabelTrick::Focus => "labels that all have the focus",
            LabelTrick::Areas => "labels off the screen",
            LabelTrick::Quotes => "labels that quote a secret",
        }
    }

    /// Changes what is told; returns whether it can be judged.
    pub fn play(self, labels: &mut Vec<Label>, cells: &mut [Cell]) -> bool {
        match self {
            LabelTrick::Disguise => {
                for label in labels {
                    let text = label.text.replace("Send", "\u{405}\u{435}nd").replace("Delete", "Ｄel\u{200b}ete");
                    label.text = text.replace("Password", "P\u{430}ssw\u{2060}ord");
                }
            }
            LabelTrick::Overlay => {
                let above = cells.iter().map(|cell| label("Cancel it", cell.area, true, Some(APP)));
                labels.extend(above.collect::<Vec<_>>());
            }
            LabelTrick::Flood => {
                let nothing = label("nothing", Area { left: 0, top: 0, right: 1, bottom: 1 }, false, None);
                labels.extend(std::iter::repeat_n(nothing, 2001));
                return false;
            }
            LabelTrick::Length => {
                labels.push(label(&"x".repeat(9000), Area { left: 0, top: 0, right: 1, bottom: 1 }, false, None));
                return false;
            }
            LabelTrick::Focus => {
                labels.iter_mut().for_each(|label| (label.focused, label.secret) = (true, true));
                cells.iter_mut().for_each(|cell| (cell.focused, cell.hidden) = (true, true));
            }
            LabelTrick::Areas => {
                let most = u32::MAX;
                labels.push(label("far", Area { left: most, top: most, right: most, bottom: most }, true, Some(APP)));
                labels.push(label("inside out", Area { left: 19, top: 39, right: 1, bottom: 1 }, true, Some(APP)));
                labels.push(label("all", Area { left: 0, top: 0, right: most, bottom: most }, true, None));
            }
            LabelTrick::Quotes => {
                let area = Area { left: 0, top: 2, right: 20, bottom: 4 };
                labels.push(label(&format!("it is {}", FORMS.join(" or ")), area, false, Some(APP)));
            }
        }
        true
    }
}
