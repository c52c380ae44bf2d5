//! What a screen says of itself in words: its widgets, where the platform tells them. For evidence, for judges, and for
//! models that cannot be shown a picture.

use std::fmt::Write as _;

use tapwright_contract::device::{Area, Label};
use tapwright_contract::{Size, Spot};

/// A screen's widgets, parents before their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The display, as far as the widgets tell.
    pub size: Size,
    pub widgets: Vec<Widget>,
}

/// One widget. All words in it are somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Widget {
    /// How many widgets it lies in.
    pub depth: u32,
    /// What stands on it; never what was typed into a field for passwords.
    pub text: String,
    /// What is said of it to people who do not see it.
    pub description: String,
    /// The last part of its kind, for example `EditText`.
    pub class: String,
    /// The platform's name for it, for example `com.android.settings:id/title`.
    pub id: String,
    /// Left, top, right, bottom in pixels of the display; right and bottom do not belong to it.
    pub bounds: [i32; 4],
    pub can_be_touched: bool,
    pub can_be_scrolled: bool,
    pub has_focus: bool,
    pub is_password: bool,
    pub is_enabled: bool,
    /// Of a switch or a box: whether it is on.
    pub is_on: Option<bool>,
}

impl Widget {
    /// Its words, or what is said of it.
    pub fn label(&self) -> &str {
        if self.text.is_empty() { &self.description } else { &self.text }
    }

    /// The pixel in its middle.
    pub fn middle(&self) -> (i32, i32) {
        let [left, top, right, bottom] = self.bounds;
        (left + (right - left) / 2, top + (bottom - top) / 2)
    }
}

impl Tree {
    /// The widget with the focus of the keyboard.
    pub fn focus(&self) -> Option<&Widget> {
        self.widgets.iter().find(|widget| widget.has_focus)
    }

    /// Where to touch a widget; `None` if that is not on the display.
    pub fn spot(&self, widget: &Widget) -> Option<Spot> {
        let (x, y) = widget.middle();
        let spot = Spot { x: u32::try_from(x).ok()?, y: u32::try_from(y).ok()?, of: self.size.into() };
        (spot.x < self.size.width && spot.y < self.size.height).then_some(spot)
    }

    /// What is written on the screen, from the top: widgets that say something, and fields.
    pub fn labels(&self) -> Vec<Label> {
        let worth = |widget: &&Widget| !widget.label().trim().is_empty() || widget.has_focus || widget.is_password;
        let side = |at: i32| u32::try_from(at).unwrap_or(0);
        let mut labels: Vec<Label> = self
            .widgets
            .iter()
            .filter(worth)
            .map(|widget| Label {
                text: widget.label().to_owned(),
                area: Area {
                    left: side(widget.bounds[0]),
                    top: side(widget.bounds[1]),
                    right: side(widget.bounds[2]),
                    bottom: side(widget.bounds[3]),
                },
                touchable: widget.can_be_touched,
                focused: widget.has_focus,
                secret: widget.is_password,
                app: None,
            })
            .collect();
        labels.sort_by_key(|label| (label.area.top, label.area.left));
        labels
    }

    /// The screen as text: a line for each widget that says something or can be touched, with its middle, at most
    /// `lines_max` of them.
    pub fn text(&self, lines_max: usize) -> String {
        let worth = |widget: &&Widget| {
            !widget.label().trim().is_empty()
                || widget.is_on.is_some()
                || widget.class == "EditText"
                || widget.has_focus
        };
        let mut text = String::new();
        let mut rest = self.widgets.iter().filter(worth);
        for widget in rest.by_ref().take(lines_max) {
            let (x, y) = widget.middle();
            let _ = write!(text, "{} {:?} at {x},{y}", widget.class, widget.label());
            let says = [
                (widget.can_be_touched, "can be touched"),
                (widget.can_be_scrolled, "can be scrolled"),
                (widget.has_focus, "has the focus"),
                (widget.is_password, "a password"),
                (!widget.is_enabled, "disabled"),
                (widget.is_on == Some(true), "on"),
                (widget.is_on == Some(false), "off"),
            ];
            for (_, word) in says.iter().filter(|(says, _)| *says) {
                text += ", ";
                text += word;
            }
            text.push('\n');
        }
        let more = rest.count();
        if more > 0 {
            let _ = writeln!(text, "and {more} more");
        }
        text
    }
}
