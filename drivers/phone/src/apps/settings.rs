//! Settings: switches, brightness, font size.

use super::{Act, Page};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::ui::{End, Lead, ROW, Row, Style, Ui};

/// Something that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    Wifi,
    Bluetooth,
    Airplane,
    Dark,
    Quiet,
    Location,
    Saver,
    Rotate,
}

/// All switches with the fact, the label, the icon and the icon's colour.
pub const SWITCHES: [(Switch, &str, &str, Icon, u32); 8] = [
    (Switch::Wifi, "wifi", "Wi-Fi", Icon::Wifi, 0x2F80ED),
    (Switch::Bluetooth, "bluetooth", "Bluetooth", Icon::Bluetooth, 0x3454D1),
    (Switch::Airplane, "airplane", "Airplane mode", Icon::Plane, 0xF08C2E),
    (Switch::Dark, "dark", "Dark theme", Icon::Moon, 0x5B5BD6),
    (Switch::Quiet, "quiet", "Do not disturb", Icon::Bell, 0xB4559B),
    (Switch::Location, "location", "Location", Icon::Pin, 0x22A559),
    (Switch::Saver, "saver", "Battery saver", Icon::Leaf, 0x65A30D),
    (Switch::Rotate, "rotate", "Auto-rotate", Icon::Phone, 0x64748B),
];

/// The state of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    on: [bool; 8],
    /// 0..=10.
    pub brightness: u32,
    /// 88, 100 or 116.
    pub font_percent: u32,
}

impl Settings {
    /// Draws settings.
    pub fn new(dice: &mut Dice) -> Settings {
        let mut on = [false; 8];
        for (at, percent) in on.iter_mut().zip([50, 50, 15, 30, 30, 50, 30, 50]) {
            *at = dice.chance(percent);
        }
        if on[Switch::Airplane as usize] {
            on[Switch::Wifi as usize] = false;
            on[Switch::Bluetooth as usize] = false;
        }
        Settings { on, brightness: 3 + dice.below(7) as u32, font_percent: 100 }
    }

    /// Whether a switch is on.
    pub fn is_on(&self, switch: Switch) -> bool {
        self.on[switch as usize]
    }

    /// Turns a switch. Airplane mode takes the radios down with it, as phones do.
    pub fn set(&mut self, switch: Switch, on: bool) {
        self.on[switch as usize] = on;
        if switch == Switch::Airplane && on {
            self.on[Switch::Wifi as usize] = false;
            self.on[Switch::Bluetooth as usize] = false;
        }
    }

    /// Draws a page.
    pub fn view(&self, page: &Page, ui: &mut Ui, first: usize, bottom: f32) {
        match page {
            Page::FontSize => self.view_sizes(ui, bottom),
            Page::About => view_about(ui, bottom),
            _ => self.view_list(ui, first, bottom),
        }
    }

    /// How many rows the list has.
    pub const ROWS: usize = 12;

    fn view_list(&self, ui: &mut Ui, first: usize, bottom: f32) {
        ui.title_bar("Settings", false, &[]);
        ui.rows(Settings::ROWS, first, 2.0 * ROW, bottom, |ui, i, y| {
            let switch = |i: usize| {
                let (switch, _, title, icon, color) = SWITCHES[i];
                Row {
                    id: "setting",
                    lead: Lead::Icon(icon, color),
                    title,
                    second: "",
                    end: End::Switch(self.is_on(switch)),
                    tap: Some(Act::Toggle(switch)),
                    size: 34.0,
                }
            };
            let link = |icon, color, title, second, act| Row {
                id: "setting",
                lead: Lead::Icon(icon, color),
                title,
                second,
                end: End::Chevron,
                tap: act,
                size: 34.0,
            };
            match i {
                0..=2 => ui.row(y, switch(i)),
                3 => self.view_brightness(ui, y),
                4 => ui.row(y, switch(3)),
                5 => ui.row(y, link(Icon::Letter, 0x0EA5A4, "Font size", "", Some(Act::Open(Page::FontSize)))),
                6..=9 => ui.row(y, switch(i - 2)),
                10 => ui.row(y, link(Icon::Disk, 0x64748B, "Storage", "41 GB of 128 GB used", None)),
                _ => ui.row(y, link(Icon::Info, 0x64748B, "About phone", "", Some(Act::Open(Page::About)))),
            }
        });
    }

    fn view_brightness(&self, ui: &mut Ui, y: f32) {
        let row = Row {
            id: "setting",
            lead: Lead::Icon(Icon::Sun, 0xE0A100),
            title: "Brightness",
            second: "",
            end: End::None,
            tap: None,
            size: 34.0,
        };
        ui.row(y, row);
        let middle = y + ROW / 2.0;
        let ink = ui.theme.faint;
        ui.icon_button("darker", "Darker", Icon::Minus, (340.0, middle), ink, Act::Brighter(-1));
        let percent = format!("{} %", self.brightness * 10);
        let style = Style { centered: true, ..Style::new(26.0, ink) };
        ui.label("brightness", &percent, (385.0, middle), 70.0, style);
        ui.icon_button("brighter", "Brighter", Icon::Plus, (495.0, middle), ink, Act::Brighter(1));
    }

    fn view_sizes(&self, ui: &mut Ui, bottom: f32) {
        ui.title_bar("Font size", true, &[]);
        let sizes = [("Small", 88), ("Default", 100), ("Large", 116)];
        ui.rows(sizes.len(), 0, 2.0 * ROW, bottom, |ui, i, y| {
            let (title, percent) = sizes[i];
            ui.row(
                y,
                Row {
                    id: "size",
                    lead: Lead::Icon(Icon::Letter, 0x0EA5A4),
                    title,
                    second: "",
                    end: End::Radio(self.font_percent == percent),
                    tap: Some(Act::FontSize(percent)),
                    size: 34.0,
                },
            );
        });
    }
}

fn view_about(ui: &mut Ui, bottom: f32) {
    ui.title_bar("About phone", true, &[]);
    let facts = [("Model", "Tapwright Phone"), ("Version", "14"), ("Kernel", "virtual"), ("Battery", "87 %")];
    ui.rows(facts.len(), 0, 2.0 * ROW, bottom, |ui, i, y| {
        let (title, second) = facts[i];
        ui.row(y, Row { id: "fact", lead: Lead::None, title, second, end: End::None, tap: None, size: 30.0 });
    });
}
