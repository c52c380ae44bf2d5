//! The lock screen, dialogs of the system, banners, and a page that has not come yet.

use super::events::SystemDialog;
use crate::command::Command;
use crate::draw::Rect;
use crate::icon::Icon;
use crate::locale::{CANCEL, Phrase, phrase};
use crate::permission::PermissionKind;
use crate::ui::{Class, Dialog, ROW, Shape, Style, Ui, Window};

const SWIPE_UP: Phrase = phrase("Swipe up to unlock", "上滑解锁");
const LOADING: Phrase = phrase("Loading…", "正在加载…");
const ALLOW_APP: Phrase = phrase("Allow {}", "允许“{}”");
const USE_LOCATION: Phrase = phrase("to use your location?", "使用您的位置信息？");
const USE_PHOTOS: Phrase = phrase("to use your photos and files?", "使用您的照片和文件？");
const DENY: Phrase = phrase("Deny", "拒绝");
const ALLOW: Phrase = phrase("Allow", "允许");
const IS_NOT: Phrase = phrase("{} isn't", "“{}”");
const RESPONDING: Phrase = phrase("responding", "没有响应");
const CLOSE_APP: Phrase = phrase("Close app", "关闭应用");
const WAIT: Phrase = phrase("Wait", "等待");
const ALLOW_DEBUGGING: Phrase = phrase("Allow USB debugging?", "允许 USB 调试吗？");

/// The display of a locked phone.
pub fn view_lock(ui: &mut Ui, time: &str, date: &str) {
    ui.window = Window::System;
    let wall = ui.rect(0.0, 0.0, 540.0, ui.height());
    let node = ui.add(Class::Frame, "keyguard", wall);
    node.modal = true;
    node.shapes.push(Shape::Gradient { rect: wall, top: 0x23304F, bottom: 0x0F1528 });
    let white = |size: f32, color: u32| Style { centered: true, fixed: true, ..Style::new(size, color) };
    ui.label("clock", time, (0.0, 3.0 * ROW), 540.0, white(120.0, 0xFFFFFF));
    ui.label("date", date, (0.0, 4.0 * ROW), 540.0, white(32.0, 0xE8EAFF));
    let hint = ui.say(SWIPE_UP);
    ui.label("hint", hint, (0.0, ui.height() - 1.5 * ROW), 540.0, white(30.0, 0xE8EAFF));
}

/// A page whose content has not come yet.
pub fn view_late(ui: &mut Ui) {
    let faint = ui.theme.faint;
    let style = Style { centered: true, fixed: true, ..Style::new(30.0, faint) };
    let text = ui.say(LOADING);
    ui.label("loading", text, (0.0, ui.height() / 2.0), 540.0, style);
}

/// A dialog of the system about an app, or about a computer.
pub fn view_system_dialog(ui: &mut Ui, dialog: SystemDialog, app: &str, computer: &str) {
    ui.window = Window::System;
    let (title, text, no, yes) = match dialog {
        SystemDialog::Permission(kind) => {
            let what = match kind {
                PermissionKind::Location => USE_LOCATION,
                PermissionKind::Photos => USE_PHOTOS,
            };
            (ui.say_with(ALLOW_APP, app), ui.say(what), DENY, ALLOW)
        }
        SystemDialog::Anr => (ui.say_with(IS_NOT, app), ui.say(RESPONDING), CLOSE_APP, WAIT),
        SystemDialog::Debugging => (ui.say(ALLOW_DEBUGGING).to_owned(), computer, CANCEL, ALLOW),
    };
    let (no, yes, accent) = (ui.say(no), ui.say(yes), ui.theme.accent);
    ui.dialog(Dialog {
        top: 6.0 * ROW,
        title: &title,
        text,
        no: ("no", Some(no), Command::AnswerSystem(false)),
        yes: ("yes", yes, accent, Command::AnswerSystem(true)),
    });
}

/// What has just been done, above the navigation bar. Touches go through it.
pub fn view_toast(ui: &mut Ui, text: &str) {
    ui.window = Window::System;
    let top = ui.nav_top() - 1.9 * ROW;
    let rect = ui.rect(40.0, top, 460.0, 64.0);
    let radius = ui.px(32.0) as f32;
    ui.add(Class::Frame, "toast", rect).shapes.push(Shape::Fill { rect, radius, color: 0x32363F });
    ui.inside(|ui| {
        let style = Style { centered: true, fixed: true, ..Style::new(26.0, 0xFFFFFF) };
        ui.label("text", text, (52.0, top + 32.0), 436.0, style);
    });
}

/// A notification over the top of the display.
pub fn view_banner(ui: &mut Ui, text: &str) {
    ui.window = Window::System;
    let card = ui.rect(12.0, 40.0, 516.0, 1.5 * ROW);
    let (color, ink) = (ui.theme.card, ui.theme.ink);
    let (edge, radius) = (ui.theme.line, ui.px(30.0) as f32);
    let icon = ui.rect(36.0, 40.0 + 0.75 * ROW - 22.0, 44.0, 44.0);
    let node = ui.add(Class::Frame, "banner", card);
    node.tap = Some(Command::OpenBanner);
    node.shapes.push(Shape::Fill { rect: card, radius, color: edge });
    let inner = Rect { left: card.left + 2, top: card.top + 2, right: card.right - 2, bottom: card.bottom - 2 };
    node.shapes.push(Shape::Fill { rect: inner, radius, color });
    node.shapes.push(Shape::Icon { icon: Icon::Bubble, rect: icon, color: 0x16A34A });
    ui.inside(|ui| {
        ui.label("text", text, (100.0, 40.0 + 0.75 * ROW), 400.0, Style::new(28.0, ink));
    });
}
