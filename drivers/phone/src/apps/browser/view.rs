//! How the browser draws: the address bar, the blocks of a page, tabs, bookmarks.

use super::site::{Block, Link, LoadError};
use super::{ADDRESS_FIELD, BOOKMARKS, Browser, HISTORY, Message, NEW_TAB, host, open};
use crate::app::Context;
use crate::apps::common::{REMOVE, is_offline, matches};
use crate::apps::payment::DANGER;
use crate::command::{Command, FieldId, Page, send};
use crate::icon::Icon;
use crate::locale::{BACK, Phrase, phrase};
use crate::providers::Providers;
use crate::ui::{Class, Column, EDGE, End, Lead, MEASURE, ROW, Row, Shape, Style, TextField, Ui};

const ADDRESS: Phrase = phrase("Address or search", "网址或搜索");
const FORWARD: Phrase = phrase("Forward", "前进");
const TABS: Phrase = phrase("Tabs", "标签页");
const MORE: Phrase = phrase("More", "更多");
const RELOAD: Phrase = phrase("Reload", "刷新");
const CLOSE_TAB: Phrase = phrase("Close tab", "关闭标签页");
const CLEAR: Phrase = phrase("Clear history", "清除历史记录");
const SEARCH_FOR: Phrase = phrase("Search for {}", "搜索“{}”");
const NO_BOOKMARKS: Phrase = phrase("No bookmarks", "没有书签");
const NO_HISTORY: Phrase = phrase("No history", "没有历史记录");
const UNKNOWN_SITE: Phrase = phrase("There is no site {}", "找不到网站{}");
const SITE_DOWN: Phrase = phrase("{} does not answer", "{}没有响应");
const NO_PAGE: Phrase = phrase("This page does not exist", "网页不存在");
const TRY_AGAIN: Phrase = phrase("Try again", "重试");

/// Draws a page.
pub fn page(browser: &Browser, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    match page.name {
        "address" => address(browser, context, ui),
        "tabs" => tabs(browser, context, ui),
        "bookmarks" => addresses(browser, BOOKMARKS, context, ui),
        "history" => addresses(browser, HISTORY, context, ui),
        _ => web(browser, context, providers, ui),
    }
}

fn follow(to: &str) -> Command {
    send(Message::Follow(to.to_owned()))
}

/// The page of the tab in front.
fn web(browser: &Browser, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let at = browser.address();
    address_bar(at, ui);
    ui.bottom_bar(&[
        (Icon::Back, BACK, false, send(Message::Back)),
        (Icon::Chevron, FORWARD, false, send(Message::Forward)),
        (Icon::Square, TABS, false, open(Page::new("tabs"))),
        (Icon::Menu, MORE, false, send(Message::More)),
    ]);
    if is_offline(providers, ui, send(Message::Reload)) {
        return;
    }
    match browser.load(at, context) {
        Ok(site) => ui.scroll(2.0 * ROW, |ui, column| {
            for block in &site.blocks {
                draw(block, context, column, ui);
            }
        }),
        Err(error) => {
            let text = match error {
                LoadError::UnknownSite => ui.say_with(UNKNOWN_SITE, host(at)),
                LoadError::SiteDown => ui.say_with(SITE_DOWN, host(at)),
                LoadError::NoPage => ui.say(NO_PAGE).to_owned(),
            };
            let button = ui.say(TRY_AGAIN);
            ui.notice(Icon::Globe, &text, Some((button, send(Message::Reload))));
        }
    }
}

/// The bar at the top: where one is, which opens to be written into, and a way to load it again.
fn address_bar(at: &str, ui: &mut Ui) {
    let (card, ink, faint) = (ui.theme.card, ui.theme.ink, ui.theme.faint);
    let rect = ui.rect(18.0, ROW + 10.0, 432.0, ROW - 20.0);
    let lock = ui.rect(36.0, ROW * 1.5 - 14.0, 28.0, 28.0);
    let radius = ui.px(36.0) as f32;
    let desc = ui.say(ADDRESS);
    let node = ui.add(Class::Button, "address_bar", rect);
    node.desc = desc.to_owned();
    node.tap = Some(open(Page::new("address")));
    node.shapes.push(Shape::Fill { rect, radius, color: card });
    node.shapes.push(Shape::Icon { icon: Icon::Lock, rect: lock, color: faint });
    ui.inside(|ui| {
        ui.label("address", at, (76.0, ROW * 1.5), 360.0, Style { fixed: true, ..Style::new(28.0, ink) });
    });
    ui.icon_button("reload", RELOAD, Icon::Refresh, (495.0, ROW * 1.5), ink, send(Message::Reload));
}

fn draw(block: &Block, context: &Context<'_>, column: &mut Column, ui: &mut Ui) {
    let (ink, faint, accent) = (ui.theme.ink, ui.theme.faint, ui.theme.accent);
    match block {
        Block::Title(text) => {
            column.gap(8.0);
            column.paragraph(ui, "title", text, Style { bold: true, ..Style::new(38.0, ink) });
        }
        Block::Heading(text) => column.heading(ui, text),
        Block::Text(text) => column.paragraph(ui, "text", text, Style::new(30.0, ink)),
        Block::Remark(text) => column.paragraph(ui, "remark", text, Style::new(25.0, faint)),
        Block::Problem(text) => column.paragraph(ui, "problem", text, Style::new(28.0, DANGER)),
        Block::Picture(picture, desc) => column.item(ui, 300.0, |ui, top| {
            ui.picture((EDGE, top + 8.0, MEASURE, 282.0), *picture, 20.0, desc);
        }),
        Block::Figures(figures) => column.tall_rows(ui, figures.len(), 0.7 * ROW, |ui, i, y| {
            let (name, value) = &figures[i];
            ui.label("name", name, (EDGE + 8.0, y + 0.35 * ROW), 200.0, Style::new(26.0, faint));
            ui.label("value", value, (EDGE + 216.0, y + 0.35 * ROW), 260.0, Style::new(30.0, ink));
        }),
        Block::Links(links) => {
            column.gap(8.0);
            column.rows(ui, links.len(), |ui, i, y| link(&links[i], y, ui));
        }
        Block::Choices(choices) => {
            let chips: Vec<(&str, bool, Command)> =
                choices.iter().map(|(text, on, to)| (text.as_str(), *on, follow(to))).collect();
            column.chips(ui, &chips);
        }
        Block::Field(field, hint) => field_block(field, *hint, false, context, column, ui),
        Block::Secret(field, hint) => field_block(field, *hint, true, context, column, ui),
        Block::Check(text, on, message) => {
            column.rows(ui, 1, |ui, _, y| {
                let (end, tap) = (End::Radio(*on), Some(send(message.clone())));
                ui.row(y, Row { id: "check", title: text, end, tap, size: 30.0, ..Row::default() });
            });
        }
        Block::Button(text, message) => column.button(ui, "submit", text, accent, send(message.clone())),
    }
}

fn link(link: &Link, y: f32, ui: &mut Ui) {
    let row = Row {
        id: "link",
        title: &link.text,
        second: &link.second,
        end: End::Chevron,
        tap: Some(follow(&link.to)),
        hold: Some(send(Message::HoldLink(link.to.clone()))),
        size: 30.0,
        ..Row::default()
    };
    ui.row(y, row);
}

fn field_block(
    field: &FieldId,
    hint: Phrase,
    is_secret: bool,
    context: &Context<'_>,
    column: &mut Column,
    ui: &mut Ui,
) {
    column.item(ui, ROW, |ui, y| {
        let (state, top, height) = (context.field(field), y + 8.0, ROW - 16.0);
        let field = field.clone();
        let shown = TextField { id: "field", hint, field, state, left: EDGE, top, width: MEASURE, height };
        if is_secret { ui.secret_field(shown) } else { ui.field(shown) }
    });
}

/// The page on which an address is typed: what was shown before and is like it.
fn address(browser: &Browser, context: &Context<'_>, ui: &mut Ui) {
    ui.search_bar(true, ADDRESS, ADDRESS_FIELD, context.field(&ADDRESS_FIELD));
    let typed = context.trimmed(&ADDRESS_FIELD);
    let mut known: Vec<&String> = browser.bookmarks.iter().chain(browser.visited.iter().rev()).collect();
    let mut seen = std::collections::BTreeSet::new();
    known.retain(|address| matches(address, typed) && seen.insert(address.as_str()));
    known.truncate(8);
    let search = (!typed.is_empty()).then(|| ui.say_with(SEARCH_FOR, typed));
    let before = usize::from(search.is_some());
    ui.list(known.len() + before, 2.0 * ROW + 8.0, |ui, i, y| match &search {
        Some(text) if i == 0 => {
            let (lead, tap) = (Lead::Icon(Icon::Search, 0x2F80ED), Some(send(Message::Go)));
            ui.row(y, Row { id: "search", lead, title: text, tap, size: 30.0, ..Row::default() });
        }
        _ => {
            let address = known[i - before];
            let title = browser.title(address, context);
            let (lead, tap) = (Lead::Icon(Icon::Globe, 0x2F80ED), Some(follow(address)));
            let row = Row { id: "suggestion", lead, title: &title, second: address, tap, size: 30.0, ..Row::default() };
            ui.row(y, row);
        }
    });
}

fn tabs(browser: &Browser, context: &Context<'_>, ui: &mut Ui) {
    let title = format!("{} ({})", ui.say(TABS), browser.tabs.len());
    ui.title_bar(&title, true, &[(Icon::Plus, NEW_TAB, send(Message::NewTab))]);
    ui.list(browser.tabs.len(), 2.0 * ROW, |ui, i, y| {
        let address = browser.tabs[i].address();
        let title = browser.title(address, context);
        let color = if i == browser.tab { 0x2F80ED } else { 0x8A93A3 };
        let row = Row {
            id: "tab",
            lead: Lead::Icon(Icon::Globe, color),
            title: &title,
            second: address,
            tap: Some(send(Message::SwitchTab(i))),
            size: 30.0,
            ..Row::default()
        };
        ui.row(y, row);
        let close = send(Message::CloseTab(i));
        let faint = ui.theme.faint;
        ui.icon_button("close", CLOSE_TAB, Icon::Close, (490.0, y + ROW / 2.0), faint, close);
    });
}

/// Bookmarks, or what was shown.
fn addresses(browser: &Browser, which: Phrase, context: &Context<'_>, ui: &mut Ui) {
    let is_history = which == HISTORY;
    let title = ui.say(which);
    let shown: Vec<&String> =
        if is_history { browser.visited.iter().rev().collect() } else { browser.bookmarks.iter().collect() };
    let clear = [(Icon::Bin, CLEAR, send(Message::AskToClear))];
    ui.title_bar(title, true, if is_history && !shown.is_empty() { &clear } else { &[] });
    if shown.is_empty() {
        let text = ui.say(if is_history { NO_HISTORY } else { NO_BOOKMARKS });
        return ui.notice(if is_history { Icon::Clock } else { Icon::Bookmark }, text, None);
    }
    ui.list(shown.len(), 2.0 * ROW, |ui, i, y| {
        let address = shown[i];
        let title = browser.title(address, context);
        let lead = Lead::Icon(if is_history { Icon::Clock } else { Icon::Bookmark }, 0x2F80ED);
        let (tap, hold) = (Some(follow(address)), Some(send(Message::HoldLink(address.clone()))));
        ui.row(y, Row { id: "address", lead, title: &title, second: address, tap, hold, size: 30.0, ..Row::default() });
        if !is_history {
            let (faint, remove) = (ui.theme.faint, send(Message::Bookmark(address.clone())));
            ui.icon_button("remove", REMOVE, Icon::Close, (490.0, y + ROW / 2.0), faint, remove);
        }
    });
}
