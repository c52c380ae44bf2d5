//! The launcher: a clock, and the icons of the apps.

use super::{Act, Id};
use crate::draw::Rect;
use crate::icon::Icon;
use crate::ui::{Class, Look, ROW, Style, Ui};

/// Draws what lies behind the home screen.
pub fn wallpaper(ui: &mut Ui, dark: bool) {
    let (top, bottom) = if dark { (0x1A1B3A, 0x3B1E4B) } else { (0x4C6FFF, 0xB96BD6) };
    let wall = ui.rect(0.0, 0.0, 540.0, ui.height());
    ui.add(Class::Frame, "wallpaper", wall).looks.push(Look::Gradient { rect: wall, top, bottom });
}

/// Draws the home screen, the icons in this order.
pub fn view(ui: &mut Ui, icons: &[Id], time: &str, date: &str) {
    let style = Style { centered: true, fixed: true, ..Style::new(120.0, 0xFFFFFF) };
    ui.label("clock", time, (0.0, 2.4 * ROW), 540.0, style);
    let style = Style { centered: true, fixed: true, ..Style::new(32.0, 0xE8EAFF) };
    ui.label("date", date, (0.0, 3.4 * ROW), 540.0, style);
    for (i, &app) in icons.iter().enumerate() {
        let left = 180.0 * (i % 3) as f32;
        let top = ui.nav_top() - (2.0 - (i / 3) as f32) * 2.0 * ROW - 0.3 * ROW;
        let cell = ui.rect(left, top, 180.0, 2.0 * ROW);
        let square = ui.rect(left + 38.0, top + 14.0, 104.0, 104.0);
        let front = ui.rect(left + 62.0, top + 38.0, 56.0, 56.0);
        let radius = ui.px(28.0) as f32;
        let (icon, _, color) = app.icon();
        let node = ui.add(Class::Button, "app", cell);
        node.tap = Some(Act::Launch(app));
        node.desc = app.app().label.to_string();
        node.looks.push(Look::Fill { rect: square, radius, color });
        node.looks.push(Look::Icon { icon, rect: front, color: 0xFFFFFF });
        ui.inside(|ui| {
            let style = Style { centered: true, fixed: true, ..Style::new(26.0, 0xFFFFFF) };
            ui.label("label", app.app().label, (left, top + 146.0), 180.0, style);
        });
    }
}

/// The three buttons at the bottom and the line at the top that are there on every page.
pub fn bars(ui: &mut Ui, time: &str, wifi: bool, bluetooth: bool, airplane: bool, on_wall: bool) {
    let ink = if on_wall { 0xFFFFFF } else { ui.theme.ink };
    let style = Style { fixed: true, ..Style::new(24.0, ink) };
    ui.label("time", time, (28.0, 24.0), 120.0, style);
    let mut right = 516.0;
    for (icon, shown) in
        [(Icon::Battery, true), (Icon::Wifi, wifi), (Icon::Bluetooth, bluetooth), (Icon::Plane, airplane)]
    {
        if shown {
            let rect = ui.rect(right - 26.0, 11.0, 26.0, 26.0);
            ui.add(Class::Image, "status", rect).looks.push(Look::Icon { icon, rect, color: ink });
            right -= 36.0;
        }
    }
    let top = ui.nav_top();
    let bar = ui.rect(0.0, top, 540.0, ROW);
    let back = ui.theme.back;
    let node = ui.add(Class::Frame, "navigation", bar);
    if !on_wall {
        node.looks.push(Look::Fill { rect: bar, radius: 0.0, color: back });
    }
    for (id, desc, icon, left, act) in [
        ("nav_back", "Back", Icon::Triangle, 0.0, Some(Act::Back)),
        ("nav_home", "Home", Icon::Circle, 180.0, Some(Act::Home)),
        ("nav_recent", "Recent apps", Icon::Square, 360.0, None),
    ] {
        let room = ui.rect(left, top, 180.0, ROW);
        let (x, y) = room.center();
        let half = ui.px(15.0);
        let node = ui.add(Class::ImageButton, id, room);
        node.desc = desc.to_string();
        node.tap = act;
        let rect = Rect { left: x - half, top: y - half, right: x + half, bottom: y + half };
        node.looks.push(Look::Icon { icon, rect, color: ink });
    }
}
