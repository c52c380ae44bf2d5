//! What a screen says of itself in words: its widgets, where the platform tells them. For evidence, for judges, and for
//! models that cannot be shown a picture.

use std::fmt::Write as _;

use tapwright_contract::device::{Area, Label};
use tapwright_contract::{ScreenId, Size, Spot};

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
    /// What a field says that is to be typed into it.
    pub hint: String,
    /// What else the platform tells that it says: a tooltip, the title of a pane, its state in words.
    pub remarks: Vec<String>,
    /// The last part of its kind, for example `EditText`.
    pub class: String,
    /// The platform's name for it, for example `com.android.settings:id/title`.
    pub id: String,
    /// The app that it belongs to, by its id; empty if the platform does not tell.
    pub app: String,
    /// Left, top, right, bottom in pixels of the display; right and bottom do not belong to it.
    pub bounds: [i32; 4],
    pub can_be_touched: bool,
    pub can_be_scrolled: bool,
    pub has_focus: bool,
    pub is_password: bool,
    /// Of a field for passwords that shows a dot for each letter: how many. What they stand for is never told.
    pub dots: Option<usize>,
    pub is_enabled: bool,
    /// Of a switch or a box: whether it is on.
    pub is_on: Option<bool>,
}

impl Widget {
    /// Its words, or what is said of it: the first thing that it says.
    pub fn label(&self) -> &str {
        self.sayings().next().unwrap_or_default()
    }

    /// All that it says, a line each. A widget may show one thing and be read aloud as another, and whoever judges a touch by
    /// what is written has to know both.
    pub fn words(&self) -> String {
        let mut lines: Vec<&str> = Vec::new();
        for saying in self.sayings() {
            if !lines.contains(&saying) {
                lines.push(saying);
            }
        }
        lines.join("\n")
    }

    /// What stands on it, where its words say more than that.
    fn value(&self) -> Option<String> {
        // An empty field shows its hint on some devices.
        let held = if self.is_field() && self.text == self.hint { "" } else { self.text.as_str() };
        let says_more = self.words() != held && (self.is_field() || !held.trim().is_empty());
        (says_more && !self.is_password).then(|| held.to_owned())
    }

    fn sayings(&self) -> impl Iterator<Item = &str> {
        let remarks = self.remarks.iter().map(String::as_str);
        [self.text.as_str(), &self.description, &self.hint]
            .into_iter()
            .chain(remarks)
            .filter(|saying| !saying.trim().is_empty())
    }

    /// Whether text can be typed into it, as far as its kind tells.
    pub(crate) fn is_field(&self) -> bool {
        self.is_password
            || ["EditText", "AutoCompleteTextView", "TextField"].iter().any(|kind| self.class.ends_with(kind))
    }

    /// The pixel in its middle.
    pub fn middle(&self) -> (i32, i32) {
        let [left, top, right, bottom] = self.bounds;
        (left + (right - left) / 2, top + (bottom - top) / 2)
    }
}

impl Tree {
    /// The widget with the focus of the keyboard; `None` if none has it, or if several have it of which nobody knows which one
    /// is meant.
    pub fn focus(&self) -> Option<&Widget> {
        match self.focused_widgets()[..] {
            [one] => Some(&self.widgets[one]),
            _ => None,
        }
    }

    /// The widgets with the focus, by their places in the list. A page in an app has it, and so has the field in it: of those
    /// that lie in each other the innermost counts, and of the rest the fields.
    fn focused_widgets(&self) -> Vec<usize> {
        let with_focus: Vec<usize> = (0..self.widgets.len()).filter(|at| self.widgets[*at].has_focus).collect();
        let fields: Vec<usize> = with_focus.iter().copied().filter(|at| self.widgets[*at].is_field()).collect();
        let candidates = if fields.is_empty() { with_focus } else { fields };
        let holds_another = |outer: usize| candidates.iter().any(|inner| *inner > outer && *inner < self.end_of(outer));
        candidates.iter().copied().filter(|at| !holds_another(*at)).collect()
    }

    /// The place behind the last widget that lies in this one.
    fn end_of(&self, at: usize) -> usize {
        let depth = self.widgets[at].depth;
        let inner = self.widgets[at + 1..].iter().take_while(|widget| widget.depth > depth).count();
        at + 1 + inner
    }

    /// The widget that reacts where the one at this place in the list is touched: itself, or the innermost one around it that can be
    /// touched. One that takes much of the display is a page, and not what was meant.
    pub(crate) fn reacting(&self, at: usize) -> &Widget {
        let area = |widget: &Widget| {
            let [left, top, right, bottom] = widget.bounds.map(i64::from);
            (right - left).max(0) * (bottom - top).max(0)
        };
        let display = i64::from(self.size.width) * i64::from(self.size.height);
        let mut depth = self.widgets[at].depth + 1;
        let around = self.widgets[..=at].iter().rev().filter(|widget| {
            let is_around = widget.depth < depth;
            depth = depth.min(widget.depth);
            is_around
        });
        let mut reacting = around.filter(|widget| widget.can_be_touched && area(widget) * 5 < display * 2);
        reacting.next().unwrap_or(&self.widgets[at])
    }

    /// Whether it tells anything: words, or a field to type into. Programs that draw by themselves come without, and some give
    /// an empty tree when they are first asked.
    pub fn tells_anything(&self) -> bool {
        self.widgets.iter().any(|widget| !widget.label().is_empty() || widget.is_field())
    }

    /// Whether any widget belongs to this app.
    pub fn has_app(&self, app: &str) -> bool {
        self.widgets.iter().any(|widget| widget.app == app)
    }

    /// Where to touch a widget; `None` if that is not on the display.
    pub fn spot(&self, widget: &Widget, of: ScreenId) -> Option<Spot> {
        let (x, y) = widget.middle();
        let spot = Spot { x: u32::try_from(x).ok()?, y: u32::try_from(y).ok()?, of };
        (spot.x < of.size.width && spot.y < of.size.height).then_some(spot)
    }

    /// What is written on the screen, from the top: widgets that say something, fields, switches and boxes, rows and tabs that can be
    /// touched and whose words are those of what lies in them, and the outermost widgets of each app for the sake of where that app is.
    /// If it is not known which of several fields has the focus, all of them do.
    pub fn labels(&self) -> Vec<Label> {
        let focused = self.focused_widgets();
        let side = |at: i32| u32::try_from(at).unwrap_or(0);
        let mut labels = Vec::new();
        // The apps of the widgets that the present one lies in.
        let mut around: Vec<&str> = Vec::new();
        for (at, widget) in self.widgets.iter().enumerate() {
            around.truncate(widget.depth as usize);
            let enters_app = !widget.app.is_empty() && around.last() != Some(&widget.app.as_str());
            around.resize(widget.depth as usize, "");
            around.push(&widget.app);
            let is_focused = focused.contains(&at);
            let text = widget.words();
            // A switch in a row says nothing itself, and is on or off.
            let counts = is_focused || widget.is_password || enters_app || widget.is_on.is_some();
            if text.is_empty() && !counts && !self.speaks_by_others(at) {
                continue;
            }
            labels.push(Label {
                text,
                area: Area {
                    left: side(widget.bounds[0]),
                    top: side(widget.bounds[1]),
                    right: side(widget.bounds[2]),
                    bottom: side(widget.bounds[3]),
                },
                touchable: widget.can_be_touched,
                focused: is_focused,
                secret: widget.is_password,
                app: (!widget.app.is_empty()).then(|| widget.app.clone()),
                role: (!widget.class.is_empty()).then(|| widget.class.clone()),
                value: widget.value(),
                is_on: widget.is_on,
            });
        }
        labels.sort_by_key(|label| (label.area.top, label.area.left));
        labels
    }

    /// Whether a widget can be touched and says by what lies in it what that does. Without it a touch beside the words would be one of
    /// which nothing is known. Where something in it can be touched by itself, such as a button that sends a post, its words are that
    /// one's and not the row's.
    fn speaks_by_others(&self, at: usize) -> bool {
        let inner = &self.widgets[at + 1..self.end_of(at)];
        self.widgets[at].can_be_touched
            && inner.iter().any(|inner| inner.sayings().next().is_some())
            && !inner.iter().any(|inner| inner.can_be_touched)
    }

    /// The screen as text: a line for each widget that says something or can be touched, with its middle, at most
    /// `lines_max` of them.
    pub fn text(&self, lines_max: usize) -> String {
        let worth = |widget: &&Widget| {
            !widget.label().is_empty() || widget.is_on.is_some() || widget.class == "EditText" || widget.has_focus
        };
        let mut text = String::new();
        let mut rest = self.widgets.iter().filter(worth);
        for widget in rest.by_ref().take(lines_max) {
            let (x, y) = widget.middle();
            let _ = write!(text, "{} {:?} at {x},{y}", widget.class, widget.words());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_a_widget_is_told_apart_from_what_it_is_called() {
        for (class, [text, description, hint], expected) in [
            ("EditText", ["Oslo\nBergen", "City", "Where to?"], Some("Oslo\nBergen")),
            ("EditText", ["Oslo\nBergen", "", ""], None),
            ("EditText", ["", "City", "Where to?"], Some("")),
            ("EditText", ["Where to?", "City", "Where to?"], Some("")),
            ("TextView", ["5", "five", ""], Some("5")),
            ("TextView", ["5", "", ""], None),
            ("Button", ["", "Send", ""], None),
        ] {
            let widget = Widget {
                class: class.to_owned(),
                text: text.to_owned(),
                description: description.to_owned(),
                hint: hint.to_owned(),
                bounds: [0, 0, 10, 10],
                ..Widget::default()
            };
            let secret = Widget { is_password: true, ..widget.clone() };
            let of =
                |widget| Tree { size: Size { width: 10, height: 10 }, widgets: vec![widget] }.labels()[0].value.clone();
            assert_eq!(of(widget).as_deref(), expected, "{class} {text:?} {description:?} {hint:?}");
            assert_eq!(of(secret), None);
        }
    }
}
