//! What fingers, keys and input methods do to the phone.

use super::{LAUNCHER, Scroll, World};
use crate::command::{Command, Edit, Page};
use crate::options::AppSelection;
use crate::system::events::SystemDialog;
use crate::ui::{self, Class, ListExtent, ROW};

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

/// A finger that moves less is at rest; one that pulls a page down further than `PULL` refreshes it. Design pixels.
const SLOP: f32 = 12.0;
const PULL: f32 = 1.5 * ROW;
/// Slower than so many design pixels a second, a list stays where it was let go.
const FLING_MIN: f32 = 75.0;

/// How far a list goes on by itself. Android's spline, with its exponent of 1.736 taken as 1.75, for which square roots do:
/// they are the same on every machine.
fn fling(moved: f32, millis: u32) -> f32 {
    let speed = moved.abs() * 1000.0 / millis.max(20) as f32;
    if speed < FLING_MIN {
        return 0.0;
    }
    let friction = 1167.5;
    let share = 0.35 * speed / friction;
    let far = friction * share * share.sqrt() * share.sqrt().sqrt();
    far.min(8000.0).copysign(moved)
}

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
            Input::Swipe { from, to, millis } => self.swipe(*from, *to, *millis),
            Input::Drag { from, to } => self.drag(*from, *to),
            Input::Press(key) => self.press(*key),
            Input::Type(text) => self.fields.insert(text),
            Input::Clear => self.fields.clear(),
        }
        if self.system.dialog.is_none()
            && let Some(dialog) = self.system.count_gesture()
        {
            self.leave_field();
            (self.system.dialog, self.system.asker) = (Some(dialog), self.front);
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

    /// Moves the list under the finger as far as it goes.
    fn swipe(&mut self, from: (i32, i32), to: (i32, i32), millis: u32) {
        if self.is_tap(from, to) {
            return if u64::from(millis) < LONG_PRESS { self.touch(from.0, from.1) } else { self.hold(from.0, from.1) };
        }
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
        let nodes = self.view();
        let list = nodes.iter().rfind(|node| node.extent.is_some() && node.rect.and(node.clip).has(from.0, from.1));
        let Some(extent) = list.and_then(|node| node.extent) else { return };
        let place = self.scrolling();
        if self.options.apps == AppSelection::All {
            return self.pan(place, &extent, from, to, millis);
        }
        let rows = ((from.1 - to.1) as f32 / row.round()).round() as isize;
        let rows = if extent.is_from_end { -rows } else { rows };
        let last = extent.rows.saturating_sub(extent.shown);
        let scroll = self.scrolls.entry(place).or_default();
        scroll.at = scroll.at.saturating_add_signed(rows).min(last);
    }

    /// What a swipe moves: the page in front, or the home screen.
    pub(super) fn scrolling(&self) -> (usize, Page) {
        match self.front.zip(self.page().cloned()) {
            Some(place) => place,
            None => (LAUNCHER, Page::new("home")),
        }
    }

    /// Moves a page with the finger, and on as Android flings it; down from its upper end, it is refreshed.
    fn pan(&mut self, place: (usize, Page), extent: &ListExtent, from: (i32, i32), to: (i32, i32), millis: u32) {
        let scale = self.layout().0 as f32 / 540.0;
        let (travel, up) = (extent.travel, (from.1 - to.1) as f32 / scale);
        let moved = if extent.is_from_end { -up } else { up };
        let before = self.scrolls.get(&place).map_or(0, |scroll| scroll.at).min(travel as usize);
        if before == 0 && moved <= -PULL && !extent.is_from_end {
            return self.refresh(place.0);
        }
        let wanted = before as f32 + moved + fling(moved, millis);
        let at = wanted.clamp(0.0, travel.ceil()) as usize;
        self.scrolls.insert(place, Scroll { at, from: before, since: self.millis });
    }

    /// Whether a finger has hardly moved.
    fn is_tap(&self, from: (i32, i32), to: (i32, i32)) -> bool {
        let slop = (SLOP * self.layout().0 as f32 / 540.0) as i32;
        self.options.apps == AppSelection::All && (from.0 - to.0).abs() <= slop && (from.1 - to.1).abs() <= slop
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
