//! The pages of the maps.

use super::{LIST_FIELD, Maps, Message, SAVED, SEARCH_FIELD, SavedPlace, TravelMode, note_field};
use crate::app::Context;
use crate::apps::common::{NOTHING_FOUND, SEARCH, is_offline, matches};
use crate::atlas::{CITIES, Place, PlaceKind};
use crate::command::{Command, Effect, Page, send};
use crate::date::{DAY, Date, clock_text};
use crate::icon::Icon;
use crate::locale::{DELETE, Language, Phrase, SAVE, SHARE, phrase};
use crate::picture::{Picture, Subject};
use crate::providers::Providers;
use crate::ui::{Class, Column, EDGE, End, Lead, MEASURE, ROW, Row, Shape, Style, TABS, TextField, Ui};

const EXPLORE: Phrase = phrase("Explore", "探索");
const SEARCH_PLACES: Phrase = phrase("Search places", "搜索地点");
const MY_LOCATION: Phrase = phrase("My location", "我的位置");
const CHANGE_CITY: Phrase = phrase("Cities", "城市");
const FREE: Phrase = phrase("Free", "免费");
const TICKET: Phrase = phrase("Ticket: {}", "门票：{}");
const PER_PERSON: Phrase = phrase("{} per person", "人均{}");
const PER_NIGHT: Phrase = phrase("{} per night", "每晚{}");
const OPEN_NOW: Phrase = phrase("Open now", "营业中");
const CLOSED_NOW: Phrase = phrase("Closed now", "已关门");
const ALL_DAY: Phrase = phrase("Open all day", "全天开放");
const CLOSED_ON: Phrase = phrase("Closed on {}", "{}闭馆");
const DIRECTIONS: Phrase = phrase("Directions", "路线");
const NEW_LIST: Phrase = phrase("New list", "新建列表");
const LIST_NAME: Phrase = phrase("Name of the list", "列表名称");
const NOTE: Phrase = phrase("Note", "备注");
const SAVE_TO: Phrase = phrase("Save to a list", "保存到列表");
const NO_PLACES: Phrase = phrase("No places in this list", "列表中没有地点");
const PLACES: Phrase = phrase("Places: {}", "地点：{}");
const IN_CITY: Phrase = phrase("In {}", "{}的地点");
const SAVED_IN: Phrase = phrase("Saved in {}", "已保存到{}");
const FROM_CENTRE: Phrase = phrase("From the city centre", "从市中心出发");
const FROM_HERE: Phrase = phrase("From my location", "从我的位置出发");
const WALK: Phrase = phrase("Walk", "步行");
const BUS: Phrase = phrase("Bus", "公交");
const CAR: Phrase = phrase("Car", "驾车");

/// How wide a pin's room is, and how many there are at most.
const PIN: f32 = 48.0;
const PINS_MAX: usize = 12;

/// Draws a page.
pub fn page(maps: &Maps, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    match page.name {
        "search" => search(maps, context, ui),
        "results" => results(maps, &page.about, context, providers, ui),
        "cities" => cities(maps, ui),
        "place" => place(maps, page.number().unwrap_or(0), context, providers, ui),
        "save" => save(maps, page.number().unwrap_or(0), context, ui),
        "saved" => draw_saved_lists(maps, ui),
        "list" => list(maps, page.number().unwrap_or(0), ui),
        "new-list" => new_list(context, ui),
        "route" => route(maps, page.number().unwrap_or(0), context, providers, ui),
        _ => main(maps, page, context, providers, ui),
    }
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::Map, EXPLORE, on == "main", open(Page::new("main"))),
        (Icon::Search, SEARCH, on == "search", open(Page::new("search"))),
        (Icon::Bookmark, SAVED, on == "saved", open(Page::new("saved"))),
    ]);
}

/// What it costs there, in words.
fn price(place: &Place, language: Language) -> String {
    let money = format!("¥{}", place.price);
    match place.kind {
        PlaceKind::Sight if place.price == 0 => language.say(FREE).to_owned(),
        PlaceKind::Sight => language.say_with(TICKET, &money),
        PlaceKind::Restaurant | PlaceKind::Cafe => language.say_with(PER_PERSON, &money),
        PlaceKind::Hotel => language.say_with(PER_NIGHT, &money),
        PlaceKind::Shop | PlaceKind::Pharmacy | PlaceKind::Station => String::new(),
    }
}

fn hours(place: &Place, language: Language) -> String {
    if place.open == place.close {
        language.say(ALL_DAY).to_owned()
    } else {
        format!("{} – {}", clock_text(place.open), clock_text(place.close))
    }
}

/// Metres as they are written.
fn far(metres: u32) -> String {
    match metres {
        0..1000 => format!("{} m", metres / 10 * 10),
        1000..20_000 => format!("{}.{} km", metres / 1000, metres % 1000 / 100),
        _ => format!("{} km", metres / 1000),
    }
}

fn rating(place: &Place) -> String {
    format!("{}.{}", place.rating / 10, place.rating % 10)
}

fn main(maps: &Maps, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let city = ui.say(CITIES[maps.city].name);
    let bar = [
        (Icon::Globe, CHANGE_CITY, open(Page::new("cities"))),
        (Icon::Pin, MY_LOCATION, send(Message::Locate)),
        (Icon::Search, SEARCH, open(Page::new("search"))),
    ];
    ui.title_bar(city, false, &bar);
    bottom_bar(ui, "main");
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let kind = PlaceKind::ALL.into_iter().find(|kind| format!("{kind:?}") == page.about);
    let shown: Vec<&Place> =
        maps.of_city(maps.city).filter(|place| kind.is_none_or(|kind| place.kind == kind)).collect();
    let chips = PlaceKind::ALL.map(|of| {
        let page = if kind == Some(of) { Page::new("main") } else { Page::of("main", format!("{of:?}")) };
        (ui.say(of.label()), kind == Some(of), Effect::Replace(page).into())
    });
    ui.scroll(2.0 * ROW, |ui, column| {
        column.item(ui, 3.4 * ROW, |ui, top| plan(maps, &shown, context, top, ui));
        column.chips(ui, &chips);
        let heading = ui.say_with(IN_CITY, city);
        column.heading(ui, &heading);
        rows(maps, &shown, context, column, ui);
    });
}

/// The city from above, with a pin for each place.
fn plan(maps: &Maps, places: &[&Place], context: &Context<'_>, top: f32, ui: &mut Ui) {
    let (wide, high) = (516.0, 3.4 * ROW - 12.0);
    let picture = Picture::new(Subject::Map, maps.city as u32);
    ui.picture((12.0, top, wide, high), picture, 24.0, "");
    ui.inside(|ui| {
        let mut pins: Vec<(f32, f32)> = Vec::new();
        for place in places {
            let (x, y) = (12.0 + wide * place.at.0 as f32 / 100.0, top + high * place.at.1 as f32 / 100.0);
            // Of those that would lie on each other the first is shown; the list below has them all.
            let is_free = pins.iter().all(|pin| PIN <= (pin.0 - x).abs() || PIN <= (pin.1 - y).abs());
            if !is_free || PINS_MAX <= pins.len() {
                continue;
            }
            pins.push((x, y));
            let (room, rect) = (ui.rect(x - 24.0, y - 40.0, 48.0, 48.0), ui.rect(x - 16.0, y - 32.0, 32.0, 32.0));
            let node = ui.add(Class::ImageButton, "pin", room);
            node.desc = place.name.clone();
            node.tap = Some(open(Page::of("place", place.id)));
            node.shapes.push(Shape::Icon { icon: Icon::Pin, rect, color: 0xC62839 });
        }
        if context.may.location && maps.here.0 == maps.city {
            let at = maps.here.1;
            let (x, y) = (12.0 + wide * at.0 as f32 / 100.0, top + high * at.1 as f32 / 100.0);
            let (outer, inner) = (ui.rect(x - 13.0, y - 13.0, 26.0, 26.0), ui.rect(x - 9.0, y - 9.0, 18.0, 18.0));
            let radius = (outer.width() / 2) as f32;
            let node = ui.add(Class::Image, "here", outer);
            node.shapes.push(Shape::Fill { rect: outer, radius, color: 0xFFFFFF });
            node.shapes.push(Shape::Fill { rect: inner, radius, color: 0x2563EB });
        }
    });
}

fn rows(maps: &Maps, places: &[&Place], context: &Context<'_>, column: &mut Column, ui: &mut Ui) {
    column.tall_rows(ui, places.len(), 1.25 * ROW, |ui, i, y| row(maps, places[i], context, y, ui));
}

fn row(maps: &Maps, place: &Place, context: &Context<'_>, top: f32, ui: &mut Ui) {
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    let rect = ui.rect(12.0, top, 516.0, 1.25 * ROW);
    ui.add(Class::Row, "place", rect).tap = Some(open(Page::of("place", place.id)));
    ui.inside(|ui| {
        ui.picture((EDGE, top + 12.0, 92.0, 92.0), place.picture, 16.0, "");
        ui.label("name", &place.name, (136.0, top + 30.0), 376.0, Style::new(30.0, ink));
        let metres = maps.distance(place, context).map(far);
        let price = price(place, context.language);
        let mut line = rating(place);
        for part in [price, metres.unwrap_or_default()].into_iter().filter(|part| !part.is_empty()) {
            line = format!("{line} · {part}");
        }
        ui.label("summary", &line, (136.0, top + 62.0), 376.0, Style::new(24.0, faint));
        ui.label("hours", &hours(place, context.language), (136.0, top + 92.0), 376.0, Style::new(23.0, faint));
    });
}

fn search(maps: &Maps, context: &Context<'_>, ui: &mut Ui) {
    ui.search_bar(true, SEARCH_PLACES, SEARCH_FIELD, context.field(&SEARCH_FIELD));
    bottom_bar(ui, "search");
    let query = context.trimmed(&SEARCH_FIELD);
    let cities = CITIES.iter().enumerate().map(|(at, city)| {
        let name = ui.say(city.name).to_owned();
        (Icon::Globe, name, String::new(), send(Message::ShowCity(at)))
    });
    // What is near comes first.
    let mut near: Vec<&Place> = maps.places.iter().collect();
    near.sort_by_key(|place| place.city != maps.city);
    let near = near.into_iter().map(|place| {
        let city = ui.say(place.city().name).to_owned();
        (Icon::Pin, place.name.clone(), city, open(Page::of("place", place.id)))
    });
    let is_meant = |(_, name, _, _): &(Icon, String, String, Command)| matches(name, query);
    let offered: Vec<(Icon, String, String, Command)> =
        if query.is_empty() { near.take(10).collect() } else { cities.chain(near).filter(is_meant).take(12).collect() };
    if offered.is_empty() {
        let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
        ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, faint));
    }
    ui.list(offered.len(), 2.0 * ROW + 8.0, |ui, i, y| {
        let (icon, title, second, tap) = &offered[i];
        let lead = Lead::Icon(*icon, 0x1E9E62);
        ui.row(y, Row { id: "suggestion", lead, title, second, tap: Some(tap.clone()), ..Row::default() });
    });
}

fn results(maps: &Maps, query: &str, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    ui.title_bar(query, true, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let is_found = |place: &&Place| {
        [ui.say(place.city().name), &place.name, ui.say(place.kind.label())].iter().any(|text| matches(text, query))
    };
    let mut found: Vec<&Place> = maps.places.iter().filter(is_found).collect();
    found.sort_by_key(|place| place.city != maps.city);
    if found.is_empty() {
        let text = ui.say(NOTHING_FOUND);
        return ui.notice(Icon::Search, text, None);
    }
    ui.scroll(2.0 * ROW, |ui, column| rows(maps, &found, context, column, ui));
}

fn cities(maps: &Maps, ui: &mut Ui) {
    let title = ui.say(CHANGE_CITY);
    ui.title_bar(title, true, &[]);
    ui.list(CITIES.len(), 2.0 * ROW, |ui, i, y| {
        let title = ui.say(CITIES[i].name);
        let (end, tap) = (End::Radio(i == maps.city), Some(send(Message::ShowCity(i))));
        ui.row(y, Row { id: "city", title, end, tap, ..Row::default() });
    });
}

fn place(maps: &Maps, at: usize, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let Some(place) = maps.places.get(at) else { return };
    let language = context.language;
    let price = price(place, language);
    let shared = format!("{}\n{}\n{price}", place.name, place.address);
    ui.title_bar(&place.name, true, &[(Icon::Share, SHARE, Effect::Share(shared).into())]);
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let (ink, faint, accent) = (ui.theme.ink, ui.theme.faint, ui.theme.accent);
    let lists = maps.lists_of(at);
    ui.scroll(2.0 * ROW, |ui, column| {
        column.item(ui, 272.0, |ui, top| {
            ui.picture((EDGE, top + 4.0, MEASURE, 256.0), place.picture, 20.0, &place.name);
        });
        column.paragraph(ui, "name", &place.name, Style { bold: true, ..Style::new(36.0, ink) });
        let kind = ui.say(place.kind.label());
        let line = format!("{kind} · {} · {}", ui.say(place.city().name), rating(place));
        column.paragraph(ui, "kind", &line, Style::new(26.0, faint));
        if !lists.is_empty() {
            let text = ui.say_with(SAVED_IN, &lists.join(", "));
            column.paragraph(ui, "saved", &text, Style::new(26.0, accent));
        }
        let buttons = [
            ("save", ui.say(SAVE), accent, open(Page::of("save", at))),
            ("directions", ui.say(DIRECTIONS), 0x1E9E62, open(Page::of("route", at))),
        ];
        column.buttons(ui, buttons);
        details(maps, place, &price, context, column, ui);
    });
}

fn details(maps: &Maps, place: &Place, price: &str, context: &Context<'_>, column: &mut Column, ui: &mut Ui) {
    let language = context.language;
    let state = if place.is_open(context.clock / DAY, context.minute()) { OPEN_NOW } else { CLOSED_NOW };
    let mut lines = vec![(Icon::Clock, hours(place, language), ui.say(state).to_owned())];
    if let Some(day) = place.closed_on {
        // 1970-01-05 was a Monday.
        let weekday = Date::new(4 + u64::from(day)).long(language);
        let weekday = weekday.split([',', ' ']).find(|word| !word.contains('月')).unwrap_or("").to_owned();
        lines.push((Icon::Calendar, language.say_with(CLOSED_ON, &weekday), String::new()));
    }
    if !price.is_empty() {
        lines.insert(0, (Icon::Ticket, price.to_owned(), String::new()));
    }
    let metres = maps.distance(place, context).map(far).unwrap_or_default();
    lines.push((Icon::Pin, place.address.clone(), metres));
    lines.push((Icon::Handset, place.number.clone(), String::new()));
    column.rows(ui, lines.len(), |ui, i, y| {
        let (icon, title, second) = &lines[i];
        let lead = Lead::Icon(*icon, 0x64748B);
        ui.row(y, Row { id: "detail", lead, title, second, size: 30.0, ..Row::default() });
    });
}

fn save(maps: &Maps, at: usize, context: &Context<'_>, ui: &mut Ui) {
    let Some(place) = maps.places.get(at) else { return };
    let title = ui.say(SAVE_TO);
    ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::Save(at)))]);
    let (ink, accent) = (ui.theme.ink, ui.theme.accent);
    ui.label("name", &place.name, (EDGE, 2.35 * ROW), MEASURE, Style { bold: true, ..Style::new(32.0, ink) });
    let field = note_field(at);
    let state = context.field(&field);
    let (top, height) = (2.8 * ROW, ROW - 16.0);
    ui.field(TextField { id: "note", hint: NOTE, field, state, left: 18.0, top, width: 504.0, height });
    ui.scroll(3.8 * ROW, |ui, column| {
        column.rows(ui, maps.lists.len(), |ui, i, y| {
            let list = &maps.lists[i];
            let count = ui.say_with(PLACES, &list.places.len().to_string());
            let (end, tap) = (End::Radio(i == maps.chosen), Some(send(Message::Choose(i))));
            ui.row(y, Row { id: "list", title: &list.name, second: &count, end, tap, ..Row::default() });
        });
        let text = ui.say(NEW_LIST);
        column.button(ui, "new_list", text, accent, open(Page::new("new-list")));
    });
}

fn draw_saved_lists(maps: &Maps, ui: &mut Ui) {
    let title = ui.say(SAVED);
    ui.title_bar(title, false, &[(Icon::Plus, NEW_LIST, open(Page::new("new-list")))]);
    bottom_bar(ui, "saved");
    ui.list(maps.lists.len(), 2.0 * ROW, |ui, i, y| {
        let list = &maps.lists[i];
        let count = ui.say_with(PLACES, &list.places.len().to_string());
        let row = Row {
            id: "list",
            lead: Lead::Icon(Icon::Bookmark, 0x1E9E62),
            title: &list.name,
            second: &count,
            end: End::Chevron,
            tap: Some(open(Page::of("list", i))),
            hold: Some(send(Message::HoldList(i))),
            ..Row::default()
        };
        ui.row(y, row);
    });
}

fn list(maps: &Maps, at: usize, ui: &mut Ui) {
    let Some(list) = maps.lists.get(at) else { return };
    ui.title_bar(&list.name, true, &[(Icon::Bin, DELETE, send(Message::AskToDeleteList(at)))]);
    if list.places.is_empty() {
        let text = ui.say(NO_PLACES);
        return ui.notice(Icon::Bookmark, text, None);
    }
    ui.list(list.places.len(), 2.0 * ROW, |ui, i, y| {
        let SavedPlace { place, note } = &list.places[i];
        let place = &maps.places[*place];
        let second = if note.is_empty() { ui.say(place.city().name) } else { note };
        let row = Row {
            id: "saved",
            lead: Lead::Icon(Icon::Pin, 0xC62839),
            title: &place.name,
            second,
            end: End::Chevron,
            tap: Some(open(Page::of("place", place.id))),
            hold: Some(send(Message::Hold(at, i))),
            ..Row::default()
        };
        ui.row(y, row);
    });
}

fn new_list(context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(NEW_LIST);
    ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::NewList))]);
    let state = context.field(&LIST_FIELD);
    let (top, height) = (2.0 * ROW + 10.0, ROW - 20.0);
    ui.field(TextField {
        id: "list",
        hint: LIST_NAME,
        field: LIST_FIELD,
        state,
        left: 18.0,
        top,
        width: 504.0,
        height,
    });
}

fn route(maps: &Maps, at: usize, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let Some(place) = maps.places.get(at) else { return };
    let title = ui.say(DIRECTIONS);
    ui.title_bar(title, true, &[(Icon::Pin, MY_LOCATION, send(Message::Locate))]);
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let tab = |way: TravelMode, label: Phrase, ui: &Ui| (ui.say(label), maps.way == way, send(Message::Travel(way)));
    let tabs = [tab(TravelMode::Walk, WALK, ui), tab(TravelMode::Bus, BUS, ui), tab(TravelMode::Car, CAR, ui)];
    ui.tabs(2.0 * ROW, &tabs);
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    let is_known = context.may.location;
    let metres = maps.distance(place, context).unwrap_or(1200 + place.at.0 * 60);
    // Metres in a minute.
    let pace = match maps.way {
        TravelMode::Walk => 75,
        TravelMode::Bus => 260,
        TravelMode::Car => 480,
    };
    let minutes = metres / pace + if maps.way == TravelMode::Walk { 1 } else { 6 };
    ui.scroll(2.0 * ROW + TABS, |ui, column| {
        column.item(ui, 3.0 * ROW, |ui, top| {
            let picture = Picture::new(Subject::Map, place.city as u32);
            ui.picture((12.0, top + 8.0, 516.0, 3.0 * ROW - 20.0), picture, 24.0, "");
        });
        let time = format!("{minutes} min · {}", far(metres));
        column.paragraph(ui, "time", &time, Style { bold: true, ..Style::new(40.0, ink) });
        let from = ui.say(if is_known { FROM_HERE } else { FROM_CENTRE });
        column.paragraph(ui, "from", from, Style::new(28.0, faint));
        column.paragraph(ui, "to", &place.name, Style::new(32.0, ink));
        column.paragraph(ui, "address", &place.address, Style::new(28.0, faint));
    });
}
