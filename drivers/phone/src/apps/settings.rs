//! Settings: switches, brightness, font size.

use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, Page, send};
use crate::icon::Icon;
use crate::locale::{BRIGHTER, DARKER, Phrase, phrase};
use crate::providers::Providers;
use crate::providers::settings::{FONT_PERCENTS, Settings, Switch};
use crate::ui::{End, Lead, ROW, Row, Style, Ui};

const SETTINGS: Phrase = phrase("Settings", "设置");
const FONT_SIZE: Phrase = phrase("Font size", "字体大小");
const STORAGE: Phrase = phrase("Storage", "存储");
const STORAGE_USED: Phrase = phrase("41 GB of 128 GB used", "已用 41 GB，共 128 GB");
const ABOUT: Phrase = phrase("About phone", "关于手机");
const BRIGHTNESS: Phrase = phrase("Brightness", "亮度");
const SIZES: [Phrase; 3] = [phrase("Small", "小"), phrase("Default", "默认"), phrase("Large", "大")];
const MODEL: Phrase = phrase("Model", "型号");
const VERSION: Phrase = phrase("Version", "版本");
const KERNEL: Phrase = phrase("Kernel", "内核");
const VIRTUAL: Phrase = phrase("virtual", "虚拟");
const BATTERY: Phrase = phrase("Battery", "电池");

/// How full the battery is, in percent.
pub const BATTERY_PERCENT: u32 = 87;

/// The pages that a list of settings leads to.
const FONT_PAGE: Page = Page::new("font");
const ABOUT_PAGE: Page = Page::new("about");

/// The label, the icon and the icon's colour of a switch.
pub fn switch_look(switch: Switch) -> (Phrase, Icon, u32) {
    match switch {
        Switch::Wifi => (phrase("Wi-Fi", "无线网络"), Icon::Wifi, 0x2F80ED),
        Switch::Bluetooth => (phrase("Bluetooth", "蓝牙"), Icon::Bluetooth, 0x3454D1),
        Switch::Airplane => (phrase("Airplane mode", "飞行模式"), Icon::Plane, 0xF08C2E),
        Switch::Dark => (phrase("Dark theme", "深色主题"), Icon::Moon, 0x5B5BD6),
        Switch::Quiet => (phrase("Do not disturb", "勿扰模式"), Icon::Bell, 0xB4559B),
        Switch::Location => (phrase("Location", "位置信息"), Icon::Pin, 0x22A559),
        Switch::Saver => (phrase("Battery saver", "省电模式"), Icon::Leaf, 0x65A30D),
        Switch::Rotate => (phrase("Auto-rotate", "自动旋转"), Icon::Phone, 0x64748B),
    }
}

/// One row of the list.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Switch(Switch),
    Brightness,
    FontSize,
    Storage,
    About,
}

const ENTRIES: [Entry; 12] = [
    Entry::Switch(Switch::Wifi),
    Entry::Switch(Switch::Bluetooth),
    Entry::Switch(Switch::Airplane),
    Entry::Brightness,
    Entry::Switch(Switch::Dark),
    Entry::FontSize,
    Entry::Switch(Switch::Quiet),
    Entry::Switch(Switch::Location),
    Entry::Switch(Switch::Saver),
    Entry::Switch(Switch::Rotate),
    Entry::Storage,
    Entry::About,
];

/// The app; what it shows is kept by its provider.
#[derive(Clone, Debug)]
pub struct SettingsApp;

#[derive(Clone, Debug)]
pub enum Message {
    Toggle(Switch),
    Brighten(i32),
    FontPercent(u32),
}

impl App for SettingsApp {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.settings",
            activity: ".Settings",
            label: SETTINGS,
            icon: Icon::Gear,
            color: 0x555E6E,
        }
    }

    fn view(&self, page: &Page, _: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        match page.name {
            "font" => view_sizes(&providers.settings, ui),
            "about" => view_about(ui),
            _ => view_list(&providers.settings, ui),
        }
    }

    fn update(&mut self, message: Message, _: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Toggle(switch) => providers.settings.toggle(switch),
            Message::Brighten(by) => providers.settings.brighten(by),
            Message::FontPercent(percent) => providers.settings.font_percent = percent,
        }
        Vec::new()
    }

    fn facts(&self, providers: &Providers, facts: &mut Facts) {
        let settings = &providers.settings;
        for switch in Switch::ALL {
            facts.insert(format!("{}.on", switch.fact()), settings.is_on(switch).to_string());
        }
        facts.insert("brightness".into(), (settings.brightness * 10).to_string());
        facts.insert("font.percent".into(), settings.font_percent.to_string());
    }

    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        let settings = &mut providers.settings;
        match name {
            ["brightness"] => {
                let Some(percent) = value.parse::<u32>().ok().filter(|percent| *percent <= 100) else {
                    return Some(Err("it goes from 0 to 100".into()));
                };
                settings.brightness = percent / 10;
            }
            ["font", "percent"] => {
                let Some(percent) = value.parse().ok().filter(|percent| FONT_PERCENTS.contains(percent)) else {
                    return Some(Err("it is 88, 100 or 116".into()));
                };
                settings.font_percent = percent;
            }
            [switch, "on"] => {
                let switch = Switch::ALL.into_iter().find(|known| known.fact() == *switch)?;
                let Ok(on) = value.parse() else { return Some(Err("it is true or false".into())) };
                settings.set(switch, on);
            }
            _ => return None,
        }
        Some(Ok(()))
    }
}

fn view_list(settings: &Settings, ui: &mut Ui) {
    let title = ui.say(SETTINGS);
    ui.title_bar(title, false, &[]);
    ui.list(ENTRIES.len(), 2.0 * ROW, |ui, i, y| match ENTRIES[i] {
        Entry::Switch(switch) => {
            let (label, icon, color) = switch_look(switch);
            let row = Row {
                id: "setting",
                lead: Lead::Icon(icon, color),
                title: ui.say(label),
                end: End::Switch(settings.is_on(switch)),
                tap: Some(send(Message::Toggle(switch))),
                ..Row::default()
            };
            ui.row(y, row);
        }
        Entry::Brightness => view_brightness(settings, ui, y),
        Entry::FontSize => {
            let tap = Some(Effect::Open(FONT_PAGE).into());
            view_link(ui, y, (Icon::Letter, 0x0EA5A4), FONT_SIZE, "", tap);
        }
        Entry::Storage => {
            let used = ui.say(STORAGE_USED);
            view_link(ui, y, (Icon::Disk, 0x64748B), STORAGE, used, None);
        }
        Entry::About => view_link(ui, y, (Icon::Info, 0x64748B), ABOUT, "", Some(Effect::Open(ABOUT_PAGE).into())),
    });
}

fn view_link(ui: &mut Ui, y: f32, icon: (Icon, u32), title: Phrase, second: &str, tap: Option<Command>) {
    let title = ui.say(title);
    let lead = Lead::Icon(icon.0, icon.1);
    ui.row(y, Row { id: "setting", lead, title, second, end: End::Chevron, tap, ..Row::default() });
}

fn view_brightness(settings: &Settings, ui: &mut Ui, y: f32) {
    let lead = Lead::Icon(Icon::Sun, 0xE0A100);
    ui.row(y, Row { id: "setting", lead, title: ui.say(BRIGHTNESS), ..Row::default() });
    let middle = y + ROW / 2.0;
    let ink = ui.theme.faint;
    ui.icon_button("darker", DARKER, Icon::Minus, (340.0, middle), ink, send(Message::Brighten(-1)));
    let percent = format!("{} %", settings.brightness * 10);
    let style = Style { centered: true, ..Style::new(26.0, ink) };
    ui.label("brightness", &percent, (385.0, middle), 70.0, style);
    ui.icon_button("brighter", BRIGHTER, Icon::Plus, (495.0, middle), ink, send(Message::Brighten(1)));
}

fn view_sizes(settings: &Settings, ui: &mut Ui) {
    let title = ui.say(FONT_SIZE);
    ui.title_bar(title, true, &[]);
    ui.list(SIZES.len(), 2.0 * ROW, |ui, i, y| {
        let percent = FONT_PERCENTS[i];
        let row = Row {
            id: "size",
            lead: Lead::Icon(Icon::Letter, 0x0EA5A4),
            title: ui.say(SIZES[i]),
            end: End::Radio(settings.font_percent == percent),
            tap: Some(send(Message::FontPercent(percent))),
            ..Row::default()
        };
        ui.row(y, row);
    });
}

fn view_about(ui: &mut Ui) {
    let title = ui.say(ABOUT);
    ui.title_bar(title, true, &[]);
    let battery = format!("{BATTERY_PERCENT} %");
    let facts = [(MODEL, "Tapwright Phone"), (VERSION, "14"), (KERNEL, ui.say(VIRTUAL)), (BATTERY, &battery)];
    ui.list(facts.len(), 2.0 * ROW, |ui, i, y| {
        let (title, second) = facts[i];
        ui.row(y, Row { id: "fact", title: ui.say(title), second, size: 30.0, ..Row::default() });
    });
}
