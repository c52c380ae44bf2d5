//! The home screen: a clock, and the icons of the apps.

use crate::app::{AppInfo, Manifest};
use crate::command::Command;
use crate::draw::mix;
use crate::locale::{Phrase, phrase};
use crate::ui::{Class, ROW, Shape, Style, Ui};

const HOME: Phrase = phrase("Home", "主屏幕");

/// The launcher as an app.
pub fn info(language: crate::locale::Language) -> AppInfo {
    AppInfo { package: "com.tapwright.launcher", activity: ".Launcher", label: language.say(HOME) }
}

/// Draws what lies behind the home screen.
pub fn view_wallpaper(ui: &mut Ui, dark: bool) {
    let (top, bottom) = if dark { (0x1A1B3A, 0x3B1E4B) } else { (0x4C6FFF, 0xB96BD6) };
    let wall = ui.rect(0.0, 0.0, 540.0, ui.height());
    ui.add(Class::Frame, "wallpaper", wall).shapes.push(Shape::Gradient { rect: wall, top, bottom });
}

/// Draws the home screen: the icons in this order, each with its app's place among the installed ones.
pub fn view(ui: &mut Ui, icons: &[(usize, Manifest)], time: &str, date: &str) {
    let style = Style { centered: true, fixed: true, ..Style::new(120.0, 0xFFFFFF) };
    ui.label("clock", time, (0.0, 2.4 * ROW), 540.0, style);
    let style = Style { centered: true, fixed: true, ..Style::new(32.0, 0xE8EAFF) };
    ui.label("date", date, (0.0, 3.4 * ROW), 540.0, style);
    if 12 < icons.len() && ui.by_pixels {
        return view_drawer(ui, icons);
    }
    // Three columns as long as their rows find room below the date.
    let columns = if icons.len() <= 12 { 3 } else { 4 };
    let rows = icons.len().div_ceil(columns);
    let width = 540.0 / columns as f32;
    for (i, (app, manifest)) in icons.iter().enumerate() {
        let left = width * (i % columns) as f32;
        let top = ui.nav_top() - (rows - i / columns) as f32 * 2.0 * ROW - 0.3 * ROW;
        view_icon(ui, (*app, manifest), (left, top), width);
    }
}

/// More icons than the display has room for stand in lines that scroll, below a smaller clock.
fn view_drawer(ui: &mut Ui, icons: &[(usize, Manifest)]) {
    const COLUMNS: usize = 4;
    let width = 540.0 / COLUMNS as f32;
    ui.bottom = ui.nav_top();
    ui.scroll(3.9 * ROW, |ui, column| {
        for line in icons.chunks(COLUMNS) {
            column.item(ui, 1.75 * ROW, |ui, top| {
                for (i, (app, manifest)) in line.iter().enumerate() {
                    view_icon(ui, (*app, manifest), (width * i as f32, top), width);
                }
            });
        }
    });
}

fn view_icon(ui: &mut Ui, (app, manifest): (usize, &Manifest), (left, top): (f32, f32), width: f32) {
    let high = if ui.by_pixels { 1.75 } else { 2.0 };
    let cell = ui.rect(left, top, width, high * ROW);
    let edge = (width - 104.0) / 2.0;
    let square = ui.rect(left + edge, top + 14.0, 104.0, 104.0);
    let front = ui.rect(left + edge + 24.0, top + 38.0, 56.0, 56.0);
    let radius = ui.px(28.0) as f32;
    let label = ui.say(manifest.label);
    // A dark square would not be seen on the dark wallpaper.
    let color = if ui.is_second() || ui.by_pixels { mix(manifest.color, 0xFFFFFF, 40) } else { manifest.color };
    let node = ui.add(Class::Button, "app", cell);
    node.tap = Some(Command::Launch(app));
    node.desc = label.to_string();
    node.shapes.push(Shape::Fill { rect: square, radius, color });
    node.shapes.push(Shape::Icon { icon: manifest.icon, rect: front, color: 0xFFFFFF });
    ui.inside(|ui| {
        let style = Style { centered: true, fixed: true, ..Style::new(26.0, 0xFFFFFF) };
        ui.label("label", label, (left, top + 146.0), width, style);
    });
}
