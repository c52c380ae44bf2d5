//! The line at the top and the three buttons at the bottom that are there on every page.

use crate::command::Command;
use crate::draw::Rect;
use crate::icon::Icon;
use crate::locale::{BACK, phrase};
use crate::providers::settings::{Settings, Switch};
use crate::ui::{Class, ROW, Shape, Style, Ui, Window};

/// Draws both bars; on the home screen they let the wallpaper through.
pub fn view(ui: &mut Ui, time: &str, settings: &Settings, on_wall: bool) {
    ui.window = Window::System;
    let ink = if on_wall { 0xFFFFFF } else { ui.theme.ink };
    let style = Style { fixed: true, ..Style::new(24.0, ink) };
    ui.label("time", time, (28.0, 24.0), 120.0, style);
    let mut right = 516.0;
    for (icon, shown) in [
        (Icon::Battery, true),
        (Icon::Wifi, settings.is_on(Switch::Wifi)),
        (Icon::Bluetooth, settings.is_on(Switch::Bluetooth)),
        (Icon::Plane, settings.is_on(Switch::Airplane)),
    ] {
        if shown {
            let rect = ui.rect(right - 26.0, 11.0, 26.0, 26.0);
            ui.add(Class::Image, "status", rect).shapes.push(Shape::Icon { icon, rect, color: ink });
            right -= 36.0;
        }
    }
    let top = ui.nav_top();
    let bar = ui.rect(0.0, top, 540.0, ROW);
    let back = ui.theme.back;
    let node = ui.add(Class::Frame, "navigation", bar);
    if !on_wall {
        node.shapes.push(Shape::Fill { rect: bar, radius: 0.0, color: back });
    }
    for (id, desc, icon, left, tap) in [
        ("nav_back", BACK, Icon::Triangle, 0.0, Command::Back),
        ("nav_home", phrase("Home", "主屏幕"), Icon::Circle, 180.0, Command::Home),
        ("nav_recent", phrase("Recent apps", "最近任务"), Icon::Square, 360.0, Command::Recents),
    ] {
        let room = ui.rect(left, top, 180.0, ROW);
        let (x, y) = room.center();
        let half = ui.px(15.0);
        let desc = ui.say(desc);
        let node = ui.add(Class::ImageButton, id, room);
        node.desc = desc.to_string();
        node.tap = Some(tap);
        let rect = Rect { left: x - half, top: y - half, right: x + half, bottom: y + half };
        node.shapes.push(Shape::Icon { icon, rect, color: ink });
    }
}
