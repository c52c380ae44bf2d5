//! What a focused field brings up: keys to touch, or the line that says that text comes over ADB.

use crate::command::{Command, KeyCap};
use crate::icon::Icon;
use crate::locale::{self, phrase};
use crate::ui::{Class, ROW, Shape, Style, Ui, Window};

/// Which letters the keys carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    pub shift: bool,
    pub symbols: bool,
}

/// How many rows of the display the keyboard takes.
pub fn rows(is_adb: bool) -> f32 {
    if is_adb { 1.0 } else { 4.0 }
}

/// Draws the keyboard above the navigation bar.
pub fn view(ui: &mut Ui, is_adb: bool, layer: Layer) {
    ui.window = Window::Keyboard;
    let top = ui.nav_top() - rows(is_adb) * ROW;
    let area = ui.rect(0.0, top, 540.0, rows(is_adb) * ROW);
    let color = ui.theme.line;
    let node = ui.add(Class::Frame, "keyboard", area);
    node.modal = true;
    node.shapes.push(Shape::Fill { rect: area, radius: 0.0, color });
    if is_adb {
        let faint = ui.theme.faint;
        ui.label(
            "adb",
            "ADB Keyboard {ON}",
            (28.0, top + ROW / 2.0),
            480.0,
            Style { fixed: true, ..Style::new(28.0, faint) },
        );
        return;
    }
    let lines: [&str; 3] = match layer {
        Layer { symbols: true, .. } => ["1234567890", "@#$%&-+()", "*\"':;!?/"],
        Layer { shift: true, .. } => ["QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"],
        Layer { .. } => ["qwertyuiop", "asdfghjkl", "zxcvbnm"],
    };
    for (line, keys) in lines.iter().enumerate() {
        let width = 54.0;
        let start = (540.0 - width * keys.chars().count() as f32) / 2.0;
        for (i, character) in keys.chars().enumerate() {
            let text = character.to_string();
            key(ui, &text, (start + width * i as f32, top + line as f32 * ROW), width, KeyCap::Character(character));
        }
    }
    let third = top + 2.0 * ROW;
    let edge = (540.0 - 54.0 * lines[2].chars().count() as f32) / 2.0;
    key(ui, "⇧", (0.0, third), edge, KeyCap::Shift);
    key(ui, "⌫", (540.0 - edge, third), edge, KeyCap::Erase);
    let fourth = top + 3.0 * ROW;
    key(ui, if layer.symbols { "abc" } else { "123" }, (0.0, fourth), 90.0, KeyCap::Symbols);
    key(ui, ",", (90.0, fourth), 60.0, KeyCap::Character(','));
    key(ui, " ", (150.0, fourth), 240.0, KeyCap::Character(' '));
    key(ui, ".", (390.0, fourth), 60.0, KeyCap::Character('.'));
    key(ui, "⏎", (450.0, fourth), 90.0, KeyCap::Enter);
}

fn key(ui: &mut Ui, text: &str, at: (f32, f32), width: f32, key: KeyCap) {
    let area = ui.rect(at.0, at.1, width, ROW);
    let cap = ui.rect(at.0 + 4.0, at.1 + 7.0, width - 8.0, ROW - 14.0);
    let radius = ui.px(10.0) as f32;
    let (color, ink) = (ui.theme.key, ui.theme.ink);
    let icon = match key {
        KeyCap::Erase if ui.is_second() => Some(Icon::Erase),
        KeyCap::Shift if ui.is_second() => Some(Icon::Shift),
        KeyCap::Erase => Some(Icon::Back),
        KeyCap::Enter => Some(Icon::Check),
        KeyCap::Shift => Some(Icon::Triangle),
        KeyCap::Character(_) | KeyCap::Symbols => None,
    };
    let half = ui.px(14.0);
    let desc = match key {
        KeyCap::Character(' ') => ui.say(phrase("Space", "空格")).to_string(),
        KeyCap::Character(c) => c.to_string(),
        KeyCap::Shift => ui.say(phrase("Shift", "切换大小写")).to_string(),
        KeyCap::Symbols => ui.say(phrase("Symbols", "符号")).to_string(),
        KeyCap::Erase => ui.say(locale::DELETE).to_string(),
        KeyCap::Enter => ui.say(phrase("Enter", "回车")).to_string(),
    };
    let node = ui.add(Class::Key, "key", area);
    node.desc = desc;
    node.tap = Some(Command::Key(key));
    node.shapes.push(Shape::Fill { rect: cap, radius, color });
    if let Some(icon) = icon {
        let (x, y) = cap.center();
        let rect = crate::draw::Rect { left: x - half, top: y - half, right: x + half, bottom: y + half };
        node.shapes.push(Shape::Icon { icon, rect, color: ink });
        return;
    }
    let style = Style { centered: true, fixed: true, ..Style::new(30.0, ink) };
    ui.inside(|ui| {
        ui.label("cap", text, (at.0, at.1 + ROW / 2.0), width, style);
    });
}
