//! What the system lays over the app in front and takes away again: menus, the share sheet, recent apps, the shade.

use super::events::Notification;
use crate::app::Manifest;
use crate::command::{Command, MenuItem};
use crate::icon::Icon;
use crate::locale::{BRIGHTER, DARKER, Phrase, phrase};
use crate::providers::settings::{Settings, Switch};
use crate::ui::{Class, ROW, Shape, Style, Ui, Window};

const RECENT_APPS: Phrase = phrase("Recent apps", "最近任务");
const NO_RECENT_APPS: Phrase = phrase("No recent apps", "没有最近任务");
const CLEAR_ALL: Phrase = phrase("Clear all", "全部清除");
const NO_NOTIFICATIONS: Phrase = phrase("No notifications", "没有通知");

/// A menu over the app in front; a touch beside it closes it.
pub fn view_menu(ui: &mut Ui, items: &[MenuItem]) {
    ui.window = Window::Dialog;
    let rows: Vec<Choice<'_>> = items
        .iter()
        .enumerate()
        .map(|(at, item)| Choice { icon: None, label: item.label, command: Command::Choose(at) })
        .collect();
    view_choices(ui, &rows);
}

/// The apps that take what is shared, each with its place among the installed ones.
pub fn view_share(ui: &mut Ui, apps: &[(usize, Manifest)]) {
    ui.window = Window::System;
    let rows: Vec<Choice<'_>> = apps
        .iter()
        .map(|(app, manifest)| Choice {
            icon: Some((manifest.icon, manifest.color)),
            label: ui.say(manifest.label),
            command: Command::ShareTo(*app),
        })
        .collect();
    view_choices(ui, &rows);
}

/// One line of something to choose from.
struct Choice<'a> {
    icon: Option<(Icon, u32)>,
    label: &'a str,
    command: Command,
}

fn view_choices(ui: &mut Ui, choices: &[Choice<'_>]) {
    let height = choices.len() as f32 * ROW;
    let top = (ui.height() - height) / 2.0;
    ui.cover("dialog", Some(Command::Back), |ui| {
        ui.card("card", (60.0, top, 420.0, height));
        for (i, choice) in choices.iter().enumerate() {
            view_choice(ui, choice, top + i as f32 * ROW);
        }
    });
}

fn view_choice(ui: &mut Ui, choice: &Choice<'_>, top: f32) {
    let (ink, middle) = (ui.theme.ink, top + ROW / 2.0);
    let rect = ui.rect(60.0, top, 420.0, ROW);
    ui.add(Class::Row, "item", rect).tap = Some(choice.command.clone());
    ui.inside(|ui| {
        let left = match choice.icon {
            Some(icon) => {
                view_square(ui, icon, (84.0, middle));
                164.0
            }
            None => 96.0,
        };
        ui.label("title", choice.label, (left, middle), 456.0 - left, Style::new(32.0, ink));
    });
}

/// An icon on its coloured square, from a left edge on.
fn view_square(ui: &mut Ui, (icon, color): (Icon, u32), at: (f32, f32)) {
    let back = ui.rect(at.0, at.1 - 28.0, 56.0, 56.0);
    let front = ui.rect(at.0 + 12.0, at.1 - 16.0, 32.0, 32.0);
    let radius = ui.px(18.0) as f32;
    let node = ui.add(Class::Image, "icon", back);
    node.shapes.push(Shape::Fill { rect: back, radius, color });
    node.shapes.push(Shape::Icon { icon, rect: front, color: 0xFFFFFF });
}

/// A page of the system's own in place of the app's; the navigation bar stays.
fn view_sheet(ui: &mut Ui, id: &'static str, build: impl FnOnce(&mut Ui)) {
    ui.window = Window::System;
    let all = ui.rect(0.0, 0.0, 540.0, ui.nav_top());
    let color = ui.theme.back;
    ui.add(Class::Frame, "dialog", all).modal = true;
    ui.inside(|ui| {
        ui.add(Class::Frame, id, all).shapes.push(Shape::Fill { rect: all, radius: 0.0, color });
        ui.inside(build);
    });
}

/// The apps that run, the latest first, each with its place among the installed ones.
pub fn view_recents(ui: &mut Ui, apps: &[(usize, Manifest)]) {
    view_sheet(ui, "recents", |ui| {
        let (title, ink) = (ui.say(RECENT_APPS), ui.theme.ink);
        let bold = Style { bold: true, ..Style::new(40.0, ink) };
        ui.label("title", title, (28.0, 1.5 * ROW), 480.0, bold);
        if apps.is_empty() {
            let text = ui.say(NO_RECENT_APPS);
            ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, ink));
            return;
        }
        // The last row is for the button that ends them all.
        let room = ((ui.nav_top() - 3.2 * ROW) / (1.1 * ROW)).max(1.0) as usize;
        for (i, (app, manifest)) in apps.iter().take(room).enumerate() {
            let top = 2.1 * ROW + i as f32 * 1.1 * ROW;
            ui.card("app", (28.0, top, 484.0, ROW));
            let label = ui.say(manifest.label);
            if let Some(card) = ui.nodes.last_mut() {
                card.tap = Some(Command::Launch(*app));
                card.desc = label.to_owned();
            }
            ui.inside(|ui| {
                view_square(ui, (manifest.icon, manifest.color), (52.0, top + ROW / 2.0));
                ui.label("title", label, (132.0, top + ROW / 2.0), 360.0, Style::new(34.0, ink));
            });
        }
        let (text, accent) = (ui.say(CLEAR_ALL), ui.theme.accent);
        let rect = (170.0, ui.nav_top() - ROW, 200.0, ROW - 24.0);
        ui.button("clear_all", text, rect, accent, Command::ClearRecents);
    });
}

/// What the shade shows.
pub struct Shade<'a> {
    pub time: &'a str,
    pub date: &'a str,
    pub settings: &'a Settings,
    /// The label, the icon and the colour of each switch.
    pub switches: &'a [(Switch, Phrase, Icon)],
    pub notifications: &'a [Notification],
}

/// Quick settings, and what apps have said.
pub fn view_shade(ui: &mut Ui, shade: &Shade<'_>) {
    view_sheet(ui, "shade", |ui| {
        let (ink, faint) = (ui.theme.ink, ui.theme.faint);
        ui.label("clock", shade.time, (28.0, 0.8 * ROW), 200.0, Style { bold: true, ..Style::new(48.0, ink) });
        ui.label("date", shade.date, (240.0, 0.8 * ROW), 272.0, Style::new(28.0, faint));
        for (i, (switch, label, icon)) in shade.switches.iter().enumerate() {
            let at = (20.0 + 254.0 * (i % 2) as f32, (1.4 + 0.9 * (i / 2) as f32) * ROW);
            view_tile(ui, (*switch, *label, *icon), shade.settings.is_on(*switch), at);
        }
        let middle = (1.9 + 0.9 * shade.switches.len().div_ceil(2) as f32) * ROW;
        ui.icon_button("darker", DARKER, Icon::Minus, (80.0, middle), faint, Command::Brightness(-1));
        let percent = format!("{} %", shade.settings.brightness * 10);
        let style = Style { centered: true, fixed: true, ..Style::new(28.0, ink) };
        ui.label("brightness", &percent, (170.0, middle), 200.0, style);
        ui.icon_button("brighter", BRIGHTER, Icon::Plus, (460.0, middle), faint, Command::Brightness(1));
        view_notifications(ui, shade.notifications, middle + 0.5 * ROW);
    });
}

fn view_tile(ui: &mut Ui, (switch, label, icon): (Switch, Phrase, Icon), on: bool, at: (f32, f32)) {
    let (left, top) = at;
    let (color, ink) = if on { (ui.theme.accent, 0xFFFFFF) } else { (ui.theme.card, ui.theme.ink) };
    let rect = ui.rect(left, top, 246.0, 0.8 * ROW);
    let front = ui.rect(left + 18.0, top + 0.4 * ROW - 16.0, 32.0, 32.0);
    let radius = ui.px(30.0) as f32;
    let label = ui.say(label);
    let node = ui.add(Class::Switch, "tile", rect);
    node.desc = label.to_owned();
    node.checked = Some(on);
    node.tap = Some(Command::QuickSwitch(switch));
    node.shapes.push(Shape::Fill { rect, radius, color });
    node.shapes.push(Shape::Icon { icon, rect: front, color: ink });
    ui.inside(|ui| {
        let style = Style { fixed: true, ..Style::new(24.0, ink) };
        ui.label("label", label, (left + 64.0, top + 0.4 * ROW), 172.0, style);
    });
}

fn view_notifications(ui: &mut Ui, notifications: &[Notification], top: f32) {
    let (ink, faint, accent) = (ui.theme.ink, ui.theme.faint, ui.theme.accent);
    if notifications.is_empty() {
        let text = ui.say(NO_NOTIFICATIONS);
        ui.label("empty", text, (36.0, top + 0.5 * ROW), 460.0, Style::new(28.0, faint));
        return;
    }
    let bottom = ui.nav_top() - ROW;
    let room = ((bottom - top) / ROW).max(1.0) as usize;
    for (i, notification) in notifications.iter().take(room).enumerate() {
        let top = top + i as f32 * ROW;
        ui.card("notification", (12.0, top + 4.0, 516.0, ROW - 8.0));
        if let Some(card) = ui.nodes.last_mut() {
            card.tap = Some(Command::OpenNotification(i));
        }
        ui.inside(|ui| {
            ui.label("text", &notification.text, (36.0, top + ROW / 2.0), 460.0, Style::new(28.0, ink));
        });
    }
    let text = ui.say(CLEAR_ALL);
    ui.button("clear_all", text, (170.0, bottom + 8.0, 200.0, ROW - 24.0), accent, Command::ClearNotifications);
}
