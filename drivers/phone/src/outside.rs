//! What happens to a phone that nobody asked for: dialogs of the system, notifications, a turn, a lock, a dark display.
//!
//! It is part of what is shown, so it is part of the world; when it happens is decided outside, by `weather` or a test.

use crate::apps::Act;
use crate::draw::Rect;
use crate::icon::Icon;
use crate::ui::{Class, Look, Node, ROW, Style, Ui};

/// Something that comes over the phone. Times count from now, in milliseconds of the world's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The system asks whether the app in front may use something. It covers all else until it is answered.
    Permission,
    /// The system says that the app in front does not respond.
    Anr,
    /// A banner lies over the top of the display. A tap on it opens Messages.
    Notification { text: String, millis: u64 },
    /// The phone lies on its side; apps stand upright between black borders, as those do that cannot turn.
    Turn { millis: u64 },
    /// The phone is locked without a secret, and its display perhaps off too. A swipe up opens it.
    Lock { dark: bool },
    /// The app in front lets nobody take pictures of its window.
    Protect { millis: u64 },
    /// What the page in front holds is not there yet.
    Late { millis: u64 },
    /// A computer whose key the phone does not know wants to use it over ADB: its owner is asked.
    Debugging { computer: String },
    /// That computer has gone away.
    DebuggingOver,
    /// The keyboard that takes text from adb is not installed.
    NoAdbKeyboard,
}

/// What the owner of a phone has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
}

/// A dialog of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Permission,
    Anr,
    Debugging,
}

/// What has come over the phone and has not gone again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outside {
    pub over: Option<Over>,
    /// Which computer the question is about, if that is what lies over everything.
    pub computer: String,
    /// What became of the latest such question.
    pub debugging: Option<Answer>,
    /// Text, and when it goes.
    pub banner: Option<(String, u64)>,
    pub turned_until: u64,
    pub locked: bool,
    pub dark: bool,
    /// Whose window is protected, and until when.
    pub protected: Option<(&'static str, u64)>,
    pub late_until: u64,
    pub no_adb_keyboard: bool,
}

impl Outside {
    /// The banner that is still there.
    pub fn banner(&self, now: u64) -> Option<&str> {
        self.banner.as_ref().filter(|(_, until)| now < *until).map(|(text, _)| text.as_str())
    }
}

/// The display of a locked phone.
pub(crate) fn view_lock(ui: &mut Ui, time: &str, date: &str) {
    let wall = ui.rect(0.0, 0.0, 540.0, ui.height());
    let node = ui.add(Class::Frame, "keyguard", wall);
    node.modal = true;
    node.looks.push(Look::Gradient { rect: wall, top: 0x23304F, bottom: 0x0F1528 });
    let white = |size: f32, color: u32| Style { centered: true, fixed: true, ..Style::new(size, color) };
    ui.label("clock", time, (0.0, 3.0 * ROW), 540.0, white(120.0, 0xFFFFFF));
    ui.label("date", date, (0.0, 4.0 * ROW), 540.0, white(32.0, 0xE8EAFF));
    ui.label("hint", "Swipe up to unlock", (0.0, ui.height() - 1.5 * ROW), 540.0, white(30.0, 0xE8EAFF));
}

/// A page whose content has not come yet.
pub(crate) fn view_late(ui: &mut Ui) {
    let faint = ui.theme.faint;
    let style = Style { centered: true, fixed: true, ..Style::new(30.0, faint) };
    ui.label("loading", "Loading…", (0.0, ui.height() / 2.0), 540.0, style);
}

/// A dialog of the system about an app.
pub(crate) fn view_over(ui: &mut Ui, over: Over, app: &str, computer: &str) {
    let (title, text, no, yes) = match over {
        Over::Permission => (format!("Allow {app}"), "to use your location?", "Deny", "Allow"),
        Over::Anr => (format!("{app} isn't"), "responding", "Close app", "Wait"),
        Over::Debugging => ("Allow USB debugging?".to_owned(), computer, "Cancel", "Allow"),
    };
    let all = ui.rect(0.0, 0.0, 540.0, ui.height());
    let node = ui.add(Class::Frame, "dialog", all);
    node.modal = true;
    node.looks.push(Look::Shade);
    let top = 6.0 * ROW;
    let card = ui.rect(36.0, top, 468.0, 3.0 * ROW);
    let (color, ink, faint, accent, off) = (ui.theme.card, ui.theme.ink, ui.theme.faint, ui.theme.accent, ui.theme.off);
    let radius = ui.px(30.0) as f32;
    ui.inside(|ui| {
        ui.add(Class::Frame, "card", card).looks.push(Look::Fill { rect: card, radius, color });
        let bold = Style { bold: true, ..Style::new(36.0, ink) };
        ui.label("title", &title, (66.0, top + 0.5 * ROW), 400.0, bold);
        ui.label("text", text, (66.0, top + 1.3 * ROW), 400.0, Style::new(28.0, faint));
        let row = top + 2.0 * ROW + 6.0;
        ui.button("no", no, (56.0, row, 206.0, ROW - 24.0), off, Act::Over(false));
        ui.button("yes", yes, (278.0, row, 206.0, ROW - 24.0), accent, Act::Over(true));
    });
}

/// A notification over the top of the display.
pub(crate) fn view_banner(ui: &mut Ui, text: &str) {
    let card = ui.rect(12.0, 40.0, 516.0, 1.5 * ROW);
    let (color, ink) = (ui.theme.card, ui.theme.ink);
    let (edge, radius) = (ui.theme.line, ui.px(30.0) as f32);
    let icon = ui.rect(36.0, 40.0 + 0.75 * ROW - 22.0, 44.0, 44.0);
    let node = ui.add(Class::Frame, "banner", card);
    node.tap = Some(Act::Banner);
    node.looks.push(Look::Fill { rect: card, radius, color: edge });
    let inner = Rect { left: card.left + 2, top: card.top + 2, right: card.right - 2, bottom: card.bottom - 2 };
    node.looks.push(Look::Fill { rect: inner, radius, color });
    node.looks.push(Look::Icon { icon: Icon::Bubble, rect: icon, color: 0x16A34A });
    ui.inside(|ui| ui.label("text", text, (100.0, 40.0 + 0.75 * ROW), 400.0, Style::new(28.0, ink)));
}

/// Moves everything to the right.
pub(crate) fn shift(nodes: &mut [Node], by: i32) {
    let moved = |rect: &mut Rect| {
        rect.left += by;
        rect.right += by;
    };
    for node in nodes {
        moved(&mut node.rect);
        moved(&mut node.clip);
        for look in &mut node.looks {
            match look {
                Look::Fill { rect, .. }
                | Look::Gradient { rect, .. }
                | Look::Icon { rect, .. }
                | Look::Photo { rect, .. } => moved(rect),
                Look::Text { x, .. } => *x += by,
                Look::Shade => {}
            }
        }
    }
}
