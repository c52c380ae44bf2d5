//! The pages of the shop.

use super::{Line, Message, NAME_FIELD, SEARCH_FIELD, SHOP, SOLD_OUT, STREET_FIELD, Shop, Sorting};
use crate::app::Context;
use crate::apps::common::{HOME, ME, NOTHING_FOUND, REMOVE, SEARCH, is_offline, matches};
use crate::apps::payment::{self, DANGER, PAY};
use crate::apps::shop::content::{CATEGORIES, Product};
use crate::command::{Command, Effect, FieldId, Page, send};
use crate::draw;
use crate::icon::Icon;
use crate::locale::{Phrase, SAVE, phrase};
use crate::providers::Providers;
use crate::providers::people::avatar_color;
use crate::providers::wallet::money;
use crate::ui::{Class, Column, EDGE, End, Lead, MEASURE, ROW, Row, Style, TextField, Ui};

const SEARCH_PRODUCTS: Phrase = phrase("Search products", "搜索商品");
const CART: Phrase = phrase("Cart", "购物车");
const ORDERS: Phrase = phrase("Orders", "订单");
const FAVOURITES: Phrase = phrase("Favourites", "收藏");
const FAVOURITE: Phrase = phrase("Favourite", "收藏");
const CHEAPEST: Phrase = phrase("Cheapest", "价格最低");
const BEST_RATED: Phrase = phrase("Best rated", "评分最高");
const IN_STOCK: Phrase = phrase("In stock", "有货");
const UP_TO: Phrase = phrase("Up to ¥{}", "{}元以下");
const LEFT: Phrase = phrase("{} in stock", "库存{}件");
const ADD: Phrase = phrase("Add to cart", "加入购物车");
const REVIEWS: Phrase = phrase("Reviews: {}", "评价：{}");
const OPTION: Phrase = phrase("Choose", "选择");
const EMPTY_CART: Phrase = phrase("Your cart is empty", "购物车是空的");
const TOTAL: Phrase = phrase("Total {}", "合计{}");
const CHECKOUT: Phrase = phrase("Checkout", "结算");
const ADDRESS: Phrase = phrase("Deliver to", "收货地址");
const NEW_ADDRESS: Phrase = phrase("New address", "新建地址");
const NAME: Phrase = phrase("Name", "姓名");
const STREET: Phrase = phrase("Street and number", "街道和门牌号");
const NO_ORDERS: Phrase = phrase("No orders yet", "还没有订单");
const CANCEL_ORDER: Phrase = phrase("Cancel order", "取消订单");
const CANCELLED: Phrase = phrase("Cancelled", "已取消");
const PAID: Phrase = phrase("Paid", "已支付");
const NOTHING_HERE: Phrase = phrase("Nothing here yet", "这里还没有内容");

/// What the price can be limited to.
const LIMITS: [u32; 2] = [100, 300];
/// The height of a product in the grid.
const TILE: f32 = 388.0;

/// Draws a page.
pub fn page(shop: &Shop, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    match page.name {
        "search" => search(shop, context, ui),
        "results" => results(shop, page, providers, ui),
        "product" => product(shop, page.number().unwrap_or(0), providers, ui),
        "cart" => cart(shop, ui),
        "checkout" => checkout(shop, ui),
        "new-address" => new_address(context, ui),
        "pay" => {
            let lines = shop.chosen_lines();
            payment::view(&shop.lines_fact(&lines), shop.cents(&lines), send(Message::Pay), context, providers, ui);
        }
        "orders" => orders(shop, ui),
        "order" => order(shop, page.number().unwrap_or(0), ui),
        "me" => me(shop, ui),
        _ => main(shop, providers, ui),
    }
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::House, HOME, on == "main", open(Page::new("main"))),
        (Icon::Cart, CART, on == "cart", open(Page::new("cart"))),
        (Icon::Box, ORDERS, on == "orders", open(Page::new("orders"))),
        (Icon::Person, ME, on == "me", open(Page::new("me"))),
    ]);
}

fn rating(product: &Product) -> String {
    format!("{}.{}", product.rating / 10, product.rating % 10)
}

fn main(shop: &Shop, providers: &Providers, ui: &mut Ui) {
    let title = ui.say(SHOP);
    ui.title_bar(title, false, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
    bottom_bar(ui, "main");
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let chips = CATEGORIES.map(|category| {
        let name = ui.say(category);
        (name, false, open(Page::of("results", name)))
    });
    let all: Vec<usize> = (0..shop.products.len()).collect();
    ui.scroll(2.0 * ROW, |ui, column| {
        column.chips(ui, &chips);
        grid(shop, &all, column, ui);
    });
}

fn grid(shop: &Shop, products: &[usize], column: &mut Column, ui: &mut Ui) {
    for pair in products.chunks(2) {
        column.item(ui, TILE + 10.0, |ui, top| {
            for (i, at) in pair.iter().enumerate() {
                tile(shop, *at, (12.0 + 262.0 * i as f32, top + 5.0), ui);
            }
        });
    }
}

fn tile(shop: &Shop, at: usize, (left, top): (f32, f32), ui: &mut Ui) {
    let product = &shop.products[at];
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    ui.card("product", (left, top, 254.0, TILE));
    if let Some(card) = ui.nodes.last_mut() {
        card.modal = false;
        card.tap = Some(open(Page::of("product", at)));
    }
    ui.inside(|ui| {
        ui.picture((left + 10.0, top + 10.0, 234.0, 214.0), product.picture, 18.0, &product.name);
        // Two lines are enough for every name.
        let lines = draw::wrap(ui.font(26.0), &product.name, ui.px(226.0));
        for (i, line) in lines.iter().take(2).enumerate() {
            ui.label("name", line, (left + 14.0, top + 248.0 + 34.0 * i as f32), 230.0, Style::new(26.0, ink));
        }
        let bold = Style { bold: true, ..Style::new(30.0, 0xE8590C) };
        ui.label("price", &money(product.cents), (left + 14.0, top + 324.0), 220.0, bold);
        let text = if product.stock == 0 { ui.say(SOLD_OUT).to_owned() } else { rating(product) };
        ui.label("rating", &text, (left + 14.0, top + 360.0), 220.0, Style::new(24.0, faint));
    });
}

fn search(shop: &Shop, context: &Context<'_>, ui: &mut Ui) {
    ui.search_bar(true, SEARCH_PRODUCTS, SEARCH_FIELD, context.field(&SEARCH_FIELD));
    let query = context.trimmed(&SEARCH_FIELD);
    let found: Vec<usize> =
        (0..shop.products.len()).filter(|at| matches(&shop.products[*at].name, query)).take(12).collect();
    if found.is_empty() {
        let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
        ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, faint));
    }
    ui.list(found.len(), 2.0 * ROW + 8.0, |ui, i, y| {
        let product = &shop.products[found[i]];
        let (lead, tap) = (Lead::Icon(Icon::Tag, 0xE8590C), Some(open(Page::of("product", found[i]))));
        ui.row(y, Row { id: "suggestion", lead, title: &product.name, tap, ..Row::default() });
    });
}

fn results(shop: &Shop, page: &Page, providers: &Providers, ui: &mut Ui) {
    ui.title_bar(&page.about, true, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let is_meant = |product: &Product| {
        let is_priced = shop.price_max.is_none_or(|most| product.cents <= 100 * i64::from(most));
        let is_there = !shop.in_stock || 0 < product.stock;
        let is_named = matches(&product.name, &page.about) || ui.say(CATEGORIES[product.category]) == page.about;
        is_priced && is_there && is_named
    };
    let mut found: Vec<usize> = (0..shop.products.len()).filter(|at| is_meant(&shop.products[*at])).collect();
    match shop.sorting {
        Sorting::Best => {}
        Sorting::Cheapest => found.sort_by_key(|at| shop.products[*at].cents),
        Sorting::Rating => found.sort_by_key(|at| std::cmp::Reverse(shop.products[*at].rating)),
    }
    let limits = LIMITS.map(|most| (ui.say_with(UP_TO, &most.to_string()), most));
    let toggle = |sorting: Sorting| {
        let is_on = shop.sorting == sorting;
        (is_on, send(Message::Sort(if is_on { Sorting::Best } else { sorting })))
    };
    ui.scroll(2.0 * ROW, |ui, column| {
        let (cheapest, rated) = (toggle(Sorting::Cheapest), toggle(Sorting::Rating));
        let mut chips = vec![
            (ui.say(CHEAPEST), cheapest.0, cheapest.1),
            (ui.say(BEST_RATED), rated.0, rated.1),
            (ui.say(IN_STOCK), shop.in_stock, send(Message::InStock)),
        ];
        chips.extend(
            limits
                .iter()
                .map(|(text, most)| (text.as_str(), shop.price_max == Some(*most), send(Message::PriceMax(*most)))),
        );
        column.chips(ui, &chips);
        if found.is_empty() {
            let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
            column.paragraph(ui, "empty", text, Style::new(30.0, faint));
        }
        grid(shop, &found, column, ui);
    });
}

fn product(shop: &Shop, at: usize, providers: &Providers, ui: &mut Ui) {
    let Some(product) = shop.products.get(at) else { return };
    let star = if shop.kept.contains(&at) { Icon::StarFull } else { Icon::Star };
    let bar = [(star, FAVOURITE, send(Message::Keep(at))), (Icon::Cart, CART, open(Page::new("cart")))];
    // The name, which may be long, stands below.
    let title = ui.say(CATEGORIES[product.category]);
    ui.title_bar(title, true, &bar);
    if is_offline(providers, ui, send(Message::Again)) {
        return;
    }
    let (ink, faint, accent, off) = (ui.theme.ink, ui.theme.faint, ui.theme.accent, ui.theme.off);
    ui.scroll(2.0 * ROW, |ui, column| {
        column.item(ui, 332.0, |ui, top| {
            ui.picture((EDGE, top + 4.0, MEASURE, 316.0), product.picture, 20.0, &product.name);
        });
        column.paragraph(ui, "name", &product.name, Style { bold: true, ..Style::new(34.0, ink) });
        column.paragraph(ui, "price", &money(product.cents), Style { bold: true, ..Style::new(40.0, 0xE8590C) });
        let stock = product.stock.to_string();
        let stock = if product.stock == 0 { ui.say(SOLD_OUT).to_owned() } else { ui.say_with(LEFT, &stock) };
        column.paragraph(ui, "stock", &format!("{} · {stock}", rating(product)), Style::new(26.0, faint));
        column.paragraph(ui, "about", &product.about, Style::new(28.0, ink));
        if !product.options.is_empty() {
            let heading = ui.say(OPTION);
            column.heading(ui, heading);
            let chips: Vec<(&str, bool, Command)> = product
                .options
                .iter()
                .enumerate()
                .map(|(i, option)| (option.as_str(), i == shop.option, send(Message::Option(i))))
                .collect();
            column.chips(ui, &chips);
        }
        let (text, color) = (ui.say(ADD), if product.stock == 0 { off } else { accent });
        column.button(ui, "add", text, color, send(Message::Add(at)));
        let heading = ui.say_with(REVIEWS, &product.reviews.len().to_string());
        column.heading(ui, &heading);
        column.rows(ui, product.reviews.len(), |ui, i, y| {
            let (by, text) = &product.reviews[i];
            let lead = Lead::Initial(by, avatar_color(by));
            ui.row(y, Row { id: "review", lead, title: text, second: by, size: 28.0, ..Row::default() });
        });
    });
}

fn cart(shop: &Shop, ui: &mut Ui) {
    let title = ui.say(CART);
    ui.title_bar(title, false, &[]);
    bottom_bar(ui, "cart");
    if shop.cart.is_empty() {
        let text = ui.say(EMPTY_CART);
        return ui.notice(Icon::Cart, text, None);
    }
    let accent = ui.theme.accent;
    let chosen = shop.chosen_lines();
    ui.scroll(2.0 * ROW, |ui, column| {
        column.tall_rows(ui, shop.cart.len(), 1.6 * ROW, |ui, i, y| line(shop, i, y, ui));
        let total = ui.say_with(TOTAL, &money(shop.cents(&chosen)));
        let ink = ui.theme.ink;
        column.gap(14.0);
        column.paragraph(ui, "total", &total, Style { bold: true, ..Style::new(36.0, ink) });
        let (text, color) = (ui.say(CHECKOUT), if chosen.is_empty() { ui.theme.off } else { accent });
        column.button(ui, "checkout", text, color, send(Message::Checkout));
    });
}

/// A line of the cart: whether it is bought, what it is, how many.
fn line(shop: &Shop, at: usize, top: f32, ui: &mut Ui) {
    let line: &Line = &shop.cart[at];
    let product = &shop.products[line.product];
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    let rect = ui.rect(12.0, top, 516.0, 1.6 * ROW);
    ui.add(Class::Row, "line", rect).tap = Some(open(Page::of("product", line.product)));
    ui.inside(|ui| {
        let (icon, color) = if line.chosen { (Icon::Check, ui.theme.accent) } else { (Icon::Circle, ui.theme.off) };
        ui.icon_button("chosen", OPTION, icon, (46.0, top + 74.0), color, send(Message::Choose(at)));
        ui.picture((92.0, top + 18.0, 112.0, 112.0), product.picture, 16.0, "");
        ui.label("name", &shop.title(line), (220.0, top + 34.0), 292.0, Style::new(28.0, ink));
        ui.label("price", &money(product.cents), (220.0, top + 72.0), 140.0, Style::new(26.0, 0xE8590C));
        ui.icon_button("remove", REMOVE, Icon::Bin, (484.0, top + 72.0), faint, send(Message::Remove(at)));
        let count = line.count.to_string();
        ui.stepper(206.0, top + 114.0, &count, send(Message::Count(at, -1)), send(Message::Count(at, 1)));
    });
}

fn checkout(shop: &Shop, ui: &mut Ui) {
    let title = ui.say(CHECKOUT);
    ui.title_bar(title, true, &[]);
    let (accent, plain, ink) = (ui.theme.accent, ui.theme.key, ui.theme.ink);
    let lines = shop.chosen_lines();
    ui.scroll(2.0 * ROW, |ui, column| {
        let heading = ui.say(ADDRESS);
        column.heading(ui, heading);
        column.rows(ui, shop.addresses.len(), |ui, i, y| {
            let (end, tap) = (End::Radio(i == shop.address), Some(send(Message::Address(i))));
            ui.row(y, Row { id: "address", title: &shop.addresses[i], end, tap, size: 30.0, ..Row::default() });
        });
        let text = ui.say(NEW_ADDRESS);
        column.button(ui, "new_address", text, plain, open(Page::new("new-address")));
        column.rows(ui, lines.len(), |ui, i, y| draw_bought_line(shop, &lines[i], y, ui));
        let total = ui.say_with(TOTAL, &money(shop.cents(&lines)));
        column.gap(14.0);
        column.paragraph(ui, "total", &total, Style { bold: true, ..Style::new(36.0, ink) });
        let text = ui.say(PAY);
        column.button(ui, "pay", text, accent, open(Page::new("pay")));
    });
}

fn draw_bought_line(shop: &Shop, line: &Line, top: f32, ui: &mut Ui) {
    let cents = money(shop.products[line.product].cents * i64::from(line.count));
    let second = format!("x{} · {cents}", line.count);
    ui.row(top, Row { id: "line", title: &shop.title(line), second: &second, size: 30.0, ..Row::default() });
}

fn new_address(context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(NEW_ADDRESS);
    ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::SaveAddress))]);
    let field = |ui: &mut Ui, field: FieldId, hint, top| {
        let state = context.field(&field);
        ui.field(TextField { id: field.name, hint, field, state, left: 18.0, top, width: 504.0, height: ROW - 20.0 });
    };
    field(ui, NAME_FIELD, NAME, 2.0 * ROW + 10.0);
    field(ui, STREET_FIELD, STREET, 3.0 * ROW + 10.0);
}

fn orders(shop: &Shop, ui: &mut Ui) {
    let title = ui.say(ORDERS);
    ui.title_bar(title, false, &[]);
    bottom_bar(ui, "orders");
    if shop.orders.is_empty() {
        let text = ui.say(NO_ORDERS);
        return ui.notice(Icon::Box, text, None);
    }
    ui.list(shop.orders.len(), 2.0 * ROW, |ui, i, y| {
        let at = shop.orders.len() - 1 - i;
        let order = &shop.orders[at];
        let state = ui.say(if order.cancelled { CANCELLED } else { PAID });
        let second = format!("{state} · {}", money(order.cents));
        let title = order.lines.first().map_or(String::new(), |line| shop.title(line));
        let (lead, tap) = (Lead::Icon(Icon::Box, 0xE8590C), Some(open(Page::of("order", at))));
        let end = End::Chevron;
        ui.row(y, Row { id: "order", lead, title: &title, second: &second, end, tap, size: 30.0, ..Row::default() });
    });
}

fn order(shop: &Shop, at: usize, ui: &mut Ui) {
    let Some(order) = shop.orders.get(at) else { return };
    let title = ui.say(ORDERS);
    ui.title_bar(title, true, &[]);
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    ui.scroll(2.0 * ROW, |ui, column| {
        let state = ui.say(if order.cancelled { CANCELLED } else { PAID });
        column.paragraph(ui, "state", state, Style { bold: true, ..Style::new(34.0, ink) });
        column.paragraph(ui, "address", &order.address, Style::new(28.0, faint));
        column.rows(ui, order.lines.len(), |ui, i, y| draw_bought_line(shop, &order.lines[i], y, ui));
        let total = ui.say_with(TOTAL, &money(order.cents));
        column.gap(14.0);
        column.paragraph(ui, "total", &total, Style { bold: true, ..Style::new(36.0, ink) });
        if !order.cancelled {
            let text = ui.say(CANCEL_ORDER);
            column.button(ui, "cancel", text, DANGER, send(Message::AskToCancel(at)));
        }
    });
}

fn me(shop: &Shop, ui: &mut Ui) {
    let title = ui.say(FAVOURITES);
    ui.title_bar(title, false, &[]);
    bottom_bar(ui, "me");
    if shop.kept.is_empty() {
        let text = ui.say(NOTHING_HERE);
        return ui.notice(Icon::Star, text, None);
    }
    let kept: Vec<usize> = shop.kept.iter().copied().collect();
    ui.scroll(2.0 * ROW, |ui, column| grid(shop, &kept, column, ui));
}
