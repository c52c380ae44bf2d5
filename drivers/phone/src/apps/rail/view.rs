//! The pages of the railway's app.

use super::{
    CITY_FIELD, DAYS_SOLD, ID_FIELD, Message, NAME_FIELD, Order, OrderState, RAIL, REFUND, Rail, Train, arrival,
    class_name,
};
use crate::app::Context;
use crate::apps::common::{NOTHING_FOUND, is_offline, matches};
use crate::apps::payment::{self, DANGER, PAY};
use crate::atlas::{CITIES, SEAT_CLASSES};
use crate::command::{Command, Effect, FieldId, Page, send};
use crate::date::{DAY, Date, clock_text};
use crate::icon::Icon;
use crate::locale::{Language, Phrase, SAVE, phrase};
use crate::providers::Providers;
use crate::providers::people::avatar_color;
use crate::ui::{Class, Column, EDGE, End, Lead, MEASURE, ROW, Row, Style, TextField, Ui};

pub const DELETE_PASSENGER: Phrase = phrase("Delete passenger?", "删除乘车人？");
pub const CANNOT_BE_UNDONE: Phrase = phrase("This cannot be undone.", "此操作无法撤销。");
const TICKETS: Phrase = phrase("Tickets", "车票");
const ORDERS: Phrase = phrase("Orders", "订单");
const PASSENGERS: Phrase = phrase("Passengers", "乘车人");
const FROM: Phrase = phrase("From", "出发地");
const TO: Phrase = phrase("To", "目的地");
const DATE: Phrase = phrase("Date", "日期");
const SWAP: Phrase = phrase("Swap", "交换");
const ONLY_FAST: Phrase = phrase("High-speed only", "只看高铁");
const SEARCH_TRAINS: Phrase = phrase("Search trains", "查询车票");
const CITY: Phrase = phrase("City", "城市");
const NO_TRAINS: Phrase = phrase("No trains", "没有车次");
const BY_PRICE: Phrase = phrase("Cheapest first", "价格优先");
const SOLD_OUT: Phrase = phrase("Sold out", "无票");
const LEFT: Phrase = phrase("{} left", "余{}张");
const DEPARTED: Phrase = phrase("Departed", "已发车");
const CLASS: Phrase = phrase("Class", "席别");
const CHOOSE_PASSENGERS: Phrase = phrase("Who travels?", "选择乘车人");
const ADD_PASSENGER: Phrase = phrase("Add passenger", "添加乘车人");
const NO_PASSENGERS: Phrase = phrase("No passengers yet", "还没有乘车人");
const NAME: Phrase = phrase("Name", "姓名");
const ID_NUMBER: Phrase = phrase("ID number, 18 digits", "18位证件号码");
const ORDER_FOR: Phrase = phrase("Order for {}", "提交订单 {}");
const NO_ORDERS: Phrase = phrase("No orders yet", "还没有订单");
const TOTAL: Phrase = phrase("Total", "总价");
const PAY_WITHIN: Phrase = phrase("Pay within {} minutes", "请在{}分钟内支付");
const CANCEL_ORDER: Phrase = phrase("Cancel order", "取消订单");

/// Draws a page.
pub fn page(rail: &Rail, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    match page.name {
        "from" => cities(true, context, ui),
        "to" => cities(false, context, ui),
        "date" => date(rail, page, context, ui),
        "trains" => trains(rail, context, providers, ui),
        "train" => train(rail, &page.about, context, providers, ui),
        "passengers" => passengers(rail, ui),
        "new-passenger" => new_passenger(context, ui),
        "orders" => orders(rail, context, ui),
        "order" => order(rail, page.number().unwrap_or(0), context, ui),
        "pay" => pay(rail, page.number().unwrap_or(0), context, providers, ui),
        _ => main(rail, context, ui),
    }
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::Train, TICKETS, on == "main", open(Page::new("main"))),
        (Icon::Ticket, ORDERS, on == "orders", open(Page::new("orders"))),
        (Icon::Person, PASSENGERS, on == "passengers", open(Page::new("passengers"))),
    ]);
}

fn city(at: usize, language: Language) -> &'static str {
    language.say(CITIES[at].name)
}

fn main(rail: &Rail, context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(RAIL);
    ui.title_bar(title, false, &[(Icon::Swap, SWAP, send(Message::Swap))]);
    bottom_bar(ui, "main");
    let language = context.language;
    let (accent, day) = (ui.theme.accent, Date::new(rail.day).long(language));
    let lines = [
        (FROM, city(rail.from, language), Icon::Pin, "from"),
        (TO, city(rail.to, language), Icon::Pin, "to"),
        (DATE, day.as_str(), Icon::Calendar, "date"),
    ];
    ui.scroll(2.0 * ROW, |ui, column| {
        column.rows(ui, 4, |ui, i, y| {
            let Some((label, value, icon, page)) = lines.get(i) else {
                let (title, end) = (ui.say(ONLY_FAST), End::Switch(rail.fast_only));
                let tap = Some(send(Message::FastOnly));
                return ui.row(y, Row { lead: Lead::Icon(Icon::Train, 0x2563EB), title, end, tap, ..Row::default() });
            };
            let row = Row {
                id: page,
                lead: Lead::Icon(*icon, 0x2563EB),
                title: value,
                second: ui.say(*label),
                end: End::Chevron,
                tap: Some(open(Page::new(page))),
                ..Row::default()
            };
            ui.row(y, row);
        });
        let text = ui.say(SEARCH_TRAINS);
        column.gap(12.0);
        column.button(ui, "search", text, accent, send(Message::Search));
    });
}

fn cities(is_from: bool, context: &Context<'_>, ui: &mut Ui) {
    ui.search_bar(true, CITY, CITY_FIELD, context.field(&CITY_FIELD));
    let query = context.trimmed(&CITY_FIELD);
    let is_meant = |at: &usize| matches(CITIES[*at].name.english, query) || matches(CITIES[*at].name.chinese, query);
    let found: Vec<usize> = (0..CITIES.len()).filter(is_meant).collect();
    if found.is_empty() {
        let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
        ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, faint));
    }
    ui.list(found.len(), 2.0 * ROW + 8.0, |ui, i, y| {
        let (title, tap) = (ui.say(CITIES[found[i]].name), send(Message::ChooseCity { is_from, city: found[i] }));
        ui.row(y, Row { id: "city", title, tap: Some(tap), ..Row::default() });
    });
}

fn date(rail: &Rail, page: &Page, context: &Context<'_>, ui: &mut Ui) {
    let today = context.clock / DAY;
    let shown = Date::new(page.number().map_or(rail.day, |day| day as u64));
    let first = Date::new(shown.days - u64::from(shown.day) + 1);
    let mut title = shown.long(context.language);
    title = match context.language {
        Language::English => format!("{} {}", title.split(' ').next_back().unwrap_or(""), shown.year),
        Language::Chinese => format!("{}年{}月", shown.year, shown.month),
    };
    let turn = |day: u64| Effect::Replace(Page::of("date", day)).into();
    let (back, on) = (turn(first.days - 1), turn(first.days + 31));
    let earlier = phrase("Earlier", "上个月");
    let later = phrase("Later", "下个月");
    ui.title_bar(&title, true, &[(Icon::Minus, earlier, back), (Icon::Plus, later, on)]);
    ui.month(2.0 * ROW, first, rail.day, today..today + DAYS_SOLD, |day| send(Message::ChooseDay(day)));
}

fn trains(rail: &Rail, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let language = context.language;
    let title = format!("{} → {}", city(rail.from, language), city(rail.to, language));
    ui.title_bar(&title, true, &[]);
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let date = Date::new(rail.day);
    let day = format!("{} {}", date.weekday(language), date.day);
    let trains = rail.trains();
    ui.scroll(2.0 * ROW, |ui, column| {
        let line = [
            (day.as_str(), true, open(Page::new("date"))),
            (ui.say(BY_PRICE), rail.by_price, send(Message::ByPrice)),
            (ui.say(ONLY_FAST), rail.fast_only, send(Message::FastOnly)),
        ];
        column.chips(ui, &line);
        if trains.is_empty() {
            let (text, faint) = (ui.say(NO_TRAINS), ui.theme.faint);
            column.paragraph(ui, "empty", text, Style::new(30.0, faint));
        }
        column.tall_rows(ui, trains.len(), 1.5 * ROW, |ui, i, y| train_row(rail, &trains[i], context, y, ui));
    });
}

fn train_row(rail: &Rail, train: &Train, context: &Context<'_>, top: f32, ui: &mut Ui) {
    let (ink, faint, accent) = (ui.theme.ink, ui.theme.faint, ui.theme.accent);
    let left: u32 = train.seats.iter().map(|seat| seat.left).sum();
    let has_left = rail.has_left(train, context);
    let rect = ui.rect(12.0, top, 516.0, 1.5 * ROW);
    ui.add(Class::Row, "train", rect).tap = Some(open(Page::of("train", &train.number)));
    ui.inside(|ui| {
        let bold = |color| Style { bold: true, ..Style::new(36.0, color) };
        ui.label("departs", &clock_text(train.departs), (EDGE, top + 38.0), 120.0, bold(ink));
        ui.label("number", &train.number, (170.0, top + 38.0), 120.0, Style::new(28.0, accent));
        ui.label("arrives", &arrival(train), (290.0, top + 38.0), 110.0, Style::new(32.0, ink));
        ui.label_right("price", &format!("¥{}", train.seats[0].price), 512.0, top + 38.0, bold(0xE8590C));
        let hours = format!("{} h {:02} min", train.minutes / 60, train.minutes % 60);
        ui.label("duration", &hours, (EDGE, top + 78.0), 240.0, Style::new(24.0, faint));
        let (text, color) = match () {
            () if has_left => (ui.say(DEPARTED).to_owned(), faint),
            () if left == 0 => (ui.say(SOLD_OUT).to_owned(), DANGER),
            () => (ui.say_with(LEFT, &left.to_string()), 0x16A34A),
        };
        ui.label_right("left", &text, 512.0, top + 78.0, Style::new(24.0, color));
        let classes: Vec<String> = train
            .seats
            .iter()
            .zip(SEAT_CLASSES)
            .map(|(seat, class)| format!("{} {}", ui.say(class).split(' ').next().unwrap_or(""), seat.left))
            .collect();
        ui.label("classes", &classes.join(" · "), (EDGE, top + 112.0), MEASURE, Style::new(23.0, faint));
    });
}

fn train(rail: &Rail, number: &str, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    ui.title_bar(number, true, &[]);
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let Some(train) = rail.train(number) else {
        let text = ui.say(NO_TRAINS);
        return ui.notice(Icon::Train, text, None);
    };
    let language = context.language;
    let (accent, off) = (ui.theme.accent, ui.theme.off);
    ui.scroll(2.0 * ROW, |ui, column| {
        journey(&train, (rail.from, rail.to, rail.day), language, column, ui);
        let heading = ui.say(CLASS);
        column.heading(ui, heading);
        column.rows(ui, SEAT_CLASSES.len(), |ui, class, y| {
            let seat = train.seats[class];
            let left = seat.left.to_string();
            let second = if seat.left == 0 { ui.say(SOLD_OUT).to_owned() } else { ui.say_with(LEFT, &left) };
            let title = format!("{} ¥{}", class_name(class, language), seat.price);
            let tap = (0 < seat.left).then(|| send(Message::Class(class)));
            let end = End::Radio(class == rail.class && 0 < seat.left);
            ui.row(y, Row { id: "class", title: &title, second: &second, end, tap, ..Row::default() });
        });
        let heading = ui.say(CHOOSE_PASSENGERS);
        column.heading(ui, heading);
        column.rows(ui, rail.passengers.len(), |ui, i, y| {
            let person = &rail.passengers[i];
            let (end, tap) = (End::Radio(rail.chosen.contains(&i)), Some(send(Message::Passenger(i))));
            ui.row(y, Row { id: "passenger", title: &person.name, second: &person.id, end, tap, ..Row::default() });
        });
        let (text, plain) = (ui.say(ADD_PASSENGER), ui.theme.key);
        column.button(ui, "add", text, plain, open(Page::new("new-passenger")));
        let sum = train.seats[rail.class].price * rail.chosen.len() as u32;
        let text = ui.say_with(ORDER_FOR, &format!("¥{sum}"));
        let color = if sum == 0 { off } else { accent };
        column.button(ui, "order", &text, color, send(Message::Order));
    });
}

/// Where from, where to and when.
fn journey(train: &Train, (from, to, day): (usize, usize, u64), language: Language, column: &mut Column, ui: &mut Ui) {
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    column.back(ui, 1.7 * ROW);
    column.item(ui, 1.7 * ROW, |ui, top| {
        let bold = Style { bold: true, ..Style::new(44.0, ink) };
        ui.label("departs", &clock_text(train.departs), (EDGE, top + 42.0), 160.0, bold);
        ui.label_right("arrives", &arrival(train), 512.0, top + 42.0, bold);
        let hours = format!("{} h {:02} min", train.minutes / 60, train.minutes % 60);
        let style = Style { centered: true, ..Style::new(24.0, faint) };
        ui.label("duration", &hours, (170.0, top + 42.0), 200.0, style);
        ui.label("from", city(from, language), (EDGE, top + 86.0), 220.0, Style::new(30.0, ink));
        ui.label_right("to", city(to, language), 512.0, top + 86.0, Style::new(30.0, ink));
        ui.label("day", &Date::new(day).long(language), (EDGE, top + 126.0), 400.0, Style::new(26.0, faint));
    });
}

fn passengers(rail: &Rail, ui: &mut Ui) {
    let title = ui.say(PASSENGERS);
    ui.title_bar(title, false, &[(Icon::Plus, ADD_PASSENGER, open(Page::new("new-passenger")))]);
    bottom_bar(ui, "passengers");
    if rail.passengers.is_empty() {
        let text = ui.say(NO_PASSENGERS);
        return ui.notice(Icon::Users, text, None);
    }
    ui.list(rail.passengers.len(), 2.0 * ROW, |ui, i, y| {
        let person = &rail.passengers[i];
        let row = Row {
            id: "passenger",
            lead: Lead::Initial(&person.name, avatar_color(&person.name)),
            title: &person.name,
            second: &person.id,
            hold: Some(send(Message::HoldPassenger(i))),
            ..Row::default()
        };
        ui.row(y, row);
    });
}

fn new_passenger(context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(ADD_PASSENGER);
    ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::AddPassenger))]);
    let field = |ui: &mut Ui, field: FieldId, hint, top| {
        let state = context.field(&field);
        ui.field(TextField { id: field.name, hint, field, state, left: 18.0, top, width: 504.0, height: ROW - 20.0 });
    };
    field(ui, NAME_FIELD, NAME, 2.0 * ROW + 10.0);
    field(ui, ID_FIELD, ID_NUMBER, 3.0 * ROW + 10.0);
}

/// What has become of an order, in words and with a colour.
fn state(order: &Order, minute: u32, ui: &Ui) -> (String, u32) {
    match order.state(minute) {
        OrderState::Unpaid(until) => (ui.say_with(PAY_WITHIN, &(until - minute).to_string()), 0xE8590C),
        OrderState::Paid => (ui.say(phrase("Paid", "已支付")).to_owned(), 0x16A34A),
        OrderState::Cancelled => (ui.say(phrase("Cancelled", "已取消")).to_owned(), ui.theme.faint),
        OrderState::Refunded => (ui.say(phrase("Refunded", "已退票")).to_owned(), ui.theme.faint),
    }
}

fn orders(rail: &Rail, context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(ORDERS);
    ui.title_bar(title, false, &[]);
    bottom_bar(ui, "orders");
    if rail.orders.is_empty() {
        let text = ui.say(NO_ORDERS);
        return ui.notice(Icon::Ticket, text, None);
    }
    let language = context.language;
    ui.scroll(2.0 * ROW, |ui, column| {
        column.tall_rows(ui, rail.orders.len(), 1.3 * ROW, |ui, i, top| {
            let at = rail.orders.len() - 1 - i;
            let order = &rail.orders[at];
            let (ink, faint) = (ui.theme.ink, ui.theme.faint);
            let rect = ui.rect(12.0, top, 516.0, 1.3 * ROW);
            ui.add(Class::Row, "order", rect).tap = Some(open(Page::of("order", at)));
            ui.inside(|ui| {
                let way = format!("{} → {}", city(order.from, language), city(order.to, language));
                ui.label("way", &way, (EDGE, top + 30.0), MEASURE, Style::new(30.0, ink));
                let date = Date::new(order.day).long(language);
                let when = format!("{} · {date} {}", order.train.number, clock_text(order.train.departs));
                ui.label("when", &when, (EDGE, top + 64.0), MEASURE, Style::new(24.0, faint));
                let (text, color) = state(order, context.elapsed(), ui);
                ui.label("state", &text, (EDGE, top + 96.0), 360.0, Style::new(24.0, color));
            });
        });
    });
}

fn order(rail: &Rail, at: usize, context: &Context<'_>, ui: &mut Ui) {
    let Some(order) = rail.orders.get(at) else { return };
    ui.title_bar(&order.train.number, true, &[]);
    let language = context.language;
    let (ink, accent) = (ui.theme.ink, ui.theme.accent);
    ui.scroll(2.0 * ROW, |ui, column| {
        let (text, color) = state(order, context.elapsed(), ui);
        column.gap(8.0);
        column.paragraph(ui, "state", &text, Style { bold: true, ..Style::new(34.0, color) });
        column.gap(8.0);
        journey(&order.train, (order.from, order.to, order.day), language, column, ui);
        let heading = ui.say(PASSENGERS);
        column.heading(ui, heading);
        column.rows(ui, order.passengers.len(), |ui, i, y| {
            let name = &order.passengers[i];
            let second = class_name(order.class, language);
            let lead = Lead::Initial(name, avatar_color(name));
            ui.row(y, Row { id: "passenger", lead, title: name, second, ..Row::default() });
        });
        let total = format!("{} ¥{}", ui.say(TOTAL), order.cents() / 100);
        column.gap(12.0);
        column.paragraph(ui, "total", &total, Style { bold: true, ..Style::new(34.0, ink) });
        match order.state(context.elapsed()) {
            OrderState::Unpaid(_) => {
                let cancel = ("cancel", ui.say(CANCEL_ORDER), ui.theme.key, send(Message::AskToCancel(at)));
                column.buttons(ui, [cancel, ("pay", ui.say(PAY), accent, open(Page::of("pay", at)))]);
            }
            OrderState::Paid => {
                let text = ui.say(REFUND);
                column.button(ui, "refund", text, DANGER, send(Message::AskToRefund(at)));
            }
            OrderState::Cancelled | OrderState::Refunded => {}
        }
    });
}

fn pay(rail: &Rail, at: usize, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let Some(order) = rail.orders.get(at) else { return };
    let language = context.language;
    let (from, to) = (city(order.from, language), city(order.to, language));
    let what = format!("{} {from} → {to}", order.train.number);
    payment::view(&what, order.cents(), send(Message::Pay(at)), context, providers, ui);
}
