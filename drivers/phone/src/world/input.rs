//! What fingers, keys and input methods do to the phone.

use super::World;
use crate::command::{Command, Edit};
use crate::system::events::SystemDialog;
use crate::ui::{self, Class, ROW};

/// How much of the first row is the display's upper edge, from where the shade is pulled.
const EDGE: f32 = 0.4;

/// Keys of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Back,
    Home,
    Enter,
    /// Backspace.
    Delete,
    /// The apps that run.
    Recents,
    /// Pulls the shade down.
    Notifications,
    Cut,
    Copy,
    Paste,
    SelectAll,
}

/// Something done to the phone. Places are display pixels; those off the display are ignored, as phones do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Tap {
        x: i32,
        y: i32,
    },
    LongPress {
        x: i32,
        y: i32,
    },
    Swipe {
        from: (i32, i32),
        to: (i32, i32),
        millis: u32,
    },
    /// A finger that rests for as long as a long press takes, and then moves.
    Drag {
        from: (i32, i32),
        to: (i32, i32),
    },
    Press(Key),
    /// Inserts text into the field with the focus; without one nothing happens.
    Type(String),
    /// Empties the field with the focus.
    Clear,
}

/// How long a finger rests before it is a long press, in milliseconds.
const LONG_PRESS: u64 = 400;

impl Input {
    /// How long it takes on the phone's clock, in milliseconds. What it does has happened by its end.
    pub fn millis(&self) -> u64 {
        match self {
            Input::Swipe { millis, .. } => u64::from(*millis),
            Input::LongPress { .. } | Input::Drag { .. } => LONG_PRESS,
            Input::Tap { .. } | Input::Press(_) | Input::Type(_) | Input::Clear => 0,
        }
    }
}

impl World {
    /// Does something to the phone.
    pub fn input(&mut self, input: &Input) {
        if self.system.dark {
            return;
        }
        if self.system.locked {
            // The only thing that a locked phone does.
            if let Input::Swipe { from, to, .. } = input
                && i64::from(self.size().1) / 4 < i64::from(from.1) - i64::from(to.1)
            {
                self.unlock();
            }
            return;
        }
        if let Some(dialog) = self.system.dialog {
            match input {
                Input::Press(Key::Back) => return self.act(Command::AnswerSystem(false)),
                Input::Press(Key::Home) if dialog == SystemDialog::Debugging => self.act(Command::AnswerSystem(false)),
                Input::Press(Key::Home) => self.system.dialog = None,
                Input::Press(_) | Input::Type(_) | Input::Clear | Input::Swipe { .. } | Input::Drag { .. } => return,
                Input::Tap { .. } | Input::LongPress { .. } => {}
            }
        }
        match input {
            Input::Tap { x, y } => self.touch(*x, *y),
            Input::LongPress { x, y } => self.hold(*x, *y),
            Input::Swipe { from, to, .. } => self.swipe(*from, *to),
            Input::Drag { from, to } => self.drag(*from, *to),
            Input::Press(key) => self.press(*key),
            Input::Type(text) => self.fields.insert(text),
            Input::Clear => self.fields.clear(),
        }
    }

    fn press(&mut self, key: Key) {
        match key {
            Key::Back => self.go_back(),
            Key::Home => self.go_home(),
            Key::Enter => self.press_enter(),
            Key::Delete => self.fields.erase(),
            Key::Recents => self.act(Command::Recents),
            Key::Notifications => self.pull_shade(),
            Key::Cut => self.fields.edit(Edit::Cut),
            Key::Copy => self.fields.edit(Edit::Copy),
            Key::Paste => self.fields.edit(Edit::Paste),
            Key::SelectAll => self.fields.edit(Edit::SelectAll),
        }
    }

    fn pull_shade(&mut self) {
        self.leave_field();
        self.system.shade = true;
    }

    /// What a widget offers to a long press; where it offers nothing, it has been touched, as on Android.
    fn hold(&mut self, x: i32, y: i32) {
        let nodes = self.view();
        let Some(node) = ui::hit_long(&nodes, x, y) else { return };
        let Some(hold) = node.hold.clone() else { return self.touch(x, y) };
        if let (Class::Field, Some(focus)) = (node.class, node.tap.clone()) {
            self.act(focus);
            self.fields.edit(Edit::SelectAll);
        }
        self.act(hold);
    }

    fn touch(&mut self, x: i32, y: i32) {
        let nodes = self.view();
        if let Some(command) = ui::hit(&nodes, x, y).and_then(|node| node.tap.clone()) {
            self.act(command);
        }
    }

    /// Moves the list under the finger by whole rows, as far as there are any.
    fn swipe(&mut self, from: (i32, i32), to: (i32, i32)) {
        let row = self.row_pixels();
        if self.system.banner(self.millis).is_some() && from.1 < (1.6 * row) as i32 && to.1 < from.1 {
            self.system.banner = None;
            return;
        }
        if self.system.shade {
            // Up, from anywhere: it goes back to where it was pulled from.
            self.system.shade = (to.1 - from.1) as f32 > -row;
            return;
        }
        if (from.1 as f32) < EDGE * row && row <= (to.1 - from.1) as f32 {
            return self.pull_shade();
        }
        if self.overlay.is_some() {
            return;
        }
        let Some((app, page)) = self.front.zip(self.page().cloned()) else { return };
        let nodes = self.view();
        let list = nodes.iter().find(|node| node.scrolls && node.rect.and(node.clip).has(from.0, from.1));
        let Some(extent) = list.and_then(|node| node.extent) else { return };
        let rows = ((from.1 - to.1) as f32 / row.round()).round() as isize;
        let last = extent.rows.saturating_sub(extent.shown);
        let first = self.scrolls.entry((app, page)).or_default();
        *first = first.saturating_add_signed(rows).min(last);
    }

    /// Moves an icon of the launcher to the place of another one, which makes room. Nothing else can be dragged: it has
    /// been held, so it does not scroll either.
    fn drag(&mut self, from: (i32, i32), to: (i32, i32)) {
        if self.front.is_some() {
            return;
        }
        let nodes = self.view();
        let place = |(x, y): (i32, i32)| match ui::hit(&nodes, x, y)?.tap {
            Some(Command::Launch(app)) => self.icons.iter().position(|icon| *icon == app),
            _ => None,
        };
        if let (Some(from), Some(to)) = (place(from), place(to)) {
            let icon = self.icons.remove(from);
            self.icons.insert(to, icon);
        }
    }

    /// How high a row of the display is, in pixels.
    fn row_pixels(&self) -> f32 {
        ROW * self.layout().0 as f32 / 540.0
    }
}
