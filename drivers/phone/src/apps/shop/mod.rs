//! Shop: searching, filters, products, a cart, addresses, orders and their payment.

mod content;
mod view;

use std::collections::BTreeSet;

use super::common::{joined, places_of, split};
use super::payment::{self, PIN_FIELD};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, Page, Question, send};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{Language, Phrase, phrase};
use crate::providers::Providers;
use crate::providers::wallet::money;
use crate::ui::Ui;
use content::Product;

const SHOP: Phrase = phrase("Shop", "商城");
const ADDED: Phrase = phrase("Added to the cart", "已加入购物车");
const SOLD_OUT: Phrase = phrase("Sold out", "已卖完");
const NO_ADDRESS: Phrase = phrase("Add an address first", "请先添加地址");
const PAID: Phrase = phrase("Paid. It is on its way.", "已支付，正在发货。");
const CANCEL_ORDER: Phrase = phrase("Cancel the order?", "取消订单？");
const MONEY_BACK: Phrase = phrase("The money is paid back. This cannot be undone.", "款项将退回，此操作无法撤销。");
const CANCEL_IT: Phrase = phrase("Cancel order", "取消订单");
const EMPTY_FIELDS: Phrase = phrase("Fill in all fields", "请填写所有内容");

const SEARCH_FIELD: FieldId = FieldId::new("search");
const NAME_FIELD: FieldId = FieldId::new("name");
const STREET_FIELD: FieldId = FieldId::new("street");
/// The most of one thing in the cart.
const COUNT_MAX: u32 = 99;

/// Some of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    product: usize,
    option: Option<usize>,
    count: u32,
    /// Whether it is bought with the next order.
    chosen: bool,
}

/// What was bought.
#[derive(Clone, Debug)]
struct Order {
    lines: Vec<Line>,
    address: String,
    cents: i64,
    cancelled: bool,
}

/// In which order products are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorting {
    Best,
    Cheapest,
    Rating,
}

#[derive(Clone, Debug)]
pub struct Shop {
    products: Vec<Product>,
    cart: Vec<Line>,
    kept: BTreeSet<usize>,
    orders: Vec<Order>,
    addresses: Vec<String>,
    address: usize,
    sorting: Sorting,
    in_stock: bool,
    /// Whole yuan, above which nothing is listed.
    price_max: Option<u32>,
    /// What was chosen on the page of a product.
    option: usize,
}

#[derive(Clone, Debug)]
pub enum Message {
    Search,
    Sort(Sorting),
    InStock,
    PriceMax(u32),
    Keep(usize),
    Option(usize),
    Add(usize),
    /// Changes how many there are of a line.
    Count(usize, i32),
    Choose(usize),
    Remove(usize),
    Checkout,
    Address(usize),
    SaveAddress,
    Pay,
    AskToCancel(usize),
    Cancel(usize),
    Again,
}

impl Shop {
    /// Draws products and an address.
    pub fn new(seed: u64, language: Language) -> Shop {
        let mut dice = Dice::named(seed, "shop");
        let house = 1 + dice.below(200);
        let address = match language {
            Language::English => format!("{house} Garden Lane"),
            Language::Chinese => format!("花园巷{house}号"),
        };
        Shop {
            products: content::products(&mut dice, language),
            cart: Vec::new(),
            kept: BTreeSet::new(),
            orders: Vec::new(),
            addresses: vec![address],
            address: 0,
            sorting: Sorting::Best,
            in_stock: false,
            price_max: None,
            option: 0,
        }
    }

    fn cents(&self, lines: &[Line]) -> i64 {
        lines.iter().map(|line| self.products[line.product].cents * i64::from(line.count)).sum()
    }

    fn chosen_lines(&self) -> Vec<Line> {
        self.cart.iter().filter(|line| line.chosen).cloned().collect()
    }

    /// What a line is of, in words.
    fn title(&self, line: &Line) -> String {
        let product = &self.products[line.product];
        match line.option.and_then(|at| product.options.get(at)) {
            Some(option) => format!("{} ({option})", product.name),
            None => product.name.clone(),
        }
    }

    fn lines_fact(&self, lines: &[Line]) -> String {
        joined(lines.iter().map(|line| format!("{} x{}", self.title(line), line.count)))
    }

    fn add(&mut self, at: usize, language: Language) -> Vec<Effect> {
        let Some(product) = self.products.get(at) else { return Vec::new() };
        if product.stock == 0 {
            return vec![Effect::Toast(language.say(SOLD_OUT).into())];
        }
        let option = (!product.options.is_empty()).then_some(self.option.min(product.options.len().max(1) - 1));
        match self.cart.iter_mut().find(|line| line.product == at && line.option == option) {
            Some(line) => line.count = (line.count + 1).min(product.stock.min(COUNT_MAX)),
            None => self.cart.push(Line { product: at, option, count: 1, chosen: true }),
        }
        vec![Effect::Toast(language.say(ADDED).into())]
    }

    fn pay(&mut self, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let lines = self.chosen_lines();
        let cents = self.cents(&lines);
        let emptied = Effect::Write(PIN_FIELD, String::new());
        if lines.is_empty() {
            return vec![emptied, Effect::Close];
        }
        match providers.wallet.pay(context.trimmed(&PIN_FIELD), "shop", cents) {
            Ok(()) => {
                let address = self.addresses.get(self.address).cloned().unwrap_or_default();
                self.cart.retain(|line| !line.chosen);
                self.orders.push(Order { lines, address, cents, cancelled: false });
                let toast = Effect::Toast(context.language.say(PAID).into());
                vec![emptied, Effect::Open(Page::new("orders")), toast]
            }
            Err(error) => {
                let toast = payment::refusal(error, context.language).map(|text| Effect::Toast(text.into()));
                [emptied].into_iter().chain(toast).collect()
            }
        }
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.products.iter().position(|product| product.name == name)
    }

    /// `name x2; name`, each of the first kind that it can be had in.
    fn set_cart(&mut self, value: &str) -> Result<(), String> {
        let mut cart = Vec::new();
        for entry in split(value) {
            let (name, count) = match entry.rsplit_once(" x") {
                Some((name, count)) => (name, count.parse().map_err(|_| format!("`{count}` is no number"))?),
                None => (entry, 1),
            };
            let product = self.place_of(name).ok_or_else(|| format!("there is no product `{name}`"))?;
            let option = (!self.products[product].options.is_empty()).then_some(0);
            cart.push(Line { product, option, count, chosen: true });
        }
        self.cart = cart;
        Ok(())
    }
}

impl App for Shop {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.tapwright.shop",
            activity: ".ShopActivity",
            label: SHOP,
            icon: Icon::Cart,
            color: 0xE8590C,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, providers, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::Search => {
                let query = context.trimmed(&SEARCH_FIELD).to_owned();
                if !query.is_empty() {
                    return vec![Effect::Open(Page::of("results", query))];
                }
            }
            Message::Sort(sorting) => self.sorting = sorting,
            Message::InStock => self.in_stock = !self.in_stock,
            Message::PriceMax(yuan) => self.price_max = (self.price_max != Some(yuan)).then_some(yuan),
            Message::Keep(at) => {
                if !self.kept.insert(at) {
                    self.kept.remove(&at);
                }
            }
            Message::Option(option) => self.option = option,
            Message::Add(at) => return self.add(at, language),
            Message::Count(at, by) => {
                if let Some(line) = self.cart.get_mut(at) {
                    let most = self.products[line.product].stock.clamp(1, COUNT_MAX);
                    line.count = line.count.saturating_add_signed(by).min(most);
                    if line.count == 0 {
                        self.cart.remove(at);
                    }
                }
            }
            Message::Choose(at) => {
                if let Some(line) = self.cart.get_mut(at) {
                    line.chosen = !line.chosen;
                }
            }
            Message::Remove(at) => {
                if at < self.cart.len() {
                    self.cart.remove(at);
                }
            }
            Message::Checkout if self.chosen_lines().is_empty() => {}
            Message::Checkout => return vec![Effect::Open(Page::new("checkout"))],
            Message::Address(at) => self.address = at,
            Message::SaveAddress => {
                let (name, street) = (context.trimmed(&NAME_FIELD), context.trimmed(&STREET_FIELD));
                if name.is_empty() || street.is_empty() {
                    return vec![Effect::Toast(language.say(EMPTY_FIELDS).into())];
                }
                self.addresses.push(format!("{name}, {street}"));
                self.address = self.addresses.len() - 1;
                let empty = |field| Effect::Write(field, String::new());
                return vec![empty(NAME_FIELD), empty(STREET_FIELD), Effect::Close];
            }
            Message::Pay if self.addresses.is_empty() => {
                return vec![Effect::Toast(language.say(NO_ADDRESS).into())];
            }
            Message::Pay => return self.pay(context, providers),
            Message::AskToCancel(at) => {
                return vec![Effect::ask(Question {
                    title: language.say(CANCEL_ORDER).into(),
                    text: language.say(MONEY_BACK).into(),
                    yes: language.say(CANCEL_IT),
                    then: send(Message::Cancel(at)),
                })];
            }
            Message::Cancel(at) => {
                if let Some(order) = self.orders.get_mut(at).filter(|order| !order.cancelled) {
                    order.cancelled = true;
                    providers.wallet.refund("shop", order.cents);
                }
            }
            Message::Again => {}
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        match page.name {
            "search" => vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Focus(SEARCH_FIELD)],
            "product" => {
                self.option = 0;
                Vec::new()
            }
            "new-address" => vec![Effect::Focus(NAME_FIELD)],
            "pay" => vec![Effect::Write(PIN_FIELD, String::new()), Effect::Focus(PIN_FIELD)],
            _ => Vec::new(),
        }
    }

    fn has_no_history(&self, page: &Page) -> bool {
        ["pay", "checkout"].contains(&page.name) && !self.orders.is_empty() && self.chosen_lines().is_empty()
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.name {
            "search" => Some(send(Message::Search)),
            "name" => Some(Effect::Focus(STREET_FIELD).into()),
            "street" => Some(send(Message::SaveAddress)),
            "pin" => Some(send(Message::Pay)),
            _ => None,
        }
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        facts.insert("shop.cart".into(), self.lines_fact(&self.cart));
        let kept = self.kept.iter().filter_map(|at| self.products.get(*at));
        facts.insert("shop.favourites".into(), joined(kept.map(|product| &product.name)));
        facts.insert("shop.addresses".into(), joined(&self.addresses));
        facts.insert("shop.orders.count".into(), self.orders.len().to_string());
        for (at, order) in self.orders.iter().enumerate() {
            let state = if order.cancelled { "cancelled" } else { "paid" };
            let lines = self.lines_fact(&order.lines);
            let fact = [state, &lines, &order.address, &money(order.cents)].join(" | ");
            facts.insert(format!("shop.orders.{at}"), fact);
        }
        for product in &self.products {
            let name = |what: &str| format!("shop.product.{}.{what}", product.name.replace('.', " "));
            facts.insert(name("price"), money(product.cents));
            facts.insert(name("stock"), product.stock.to_string());
        }
    }

    /// `shop.cart` as it is told, `shop.favourites` a list, `shop.product.NAME.stock` a number.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        Some(match name {
            ["shop", "cart"] => self.set_cart(value),
            ["shop", "favourites"] => places_of(value, |name| self.place_of(name)).map(|list| {
                self.kept = list.into_iter().collect();
            }),
            ["shop", "product", name, "stock"] => {
                let product = self.place_of(name).and_then(|at| self.products.get_mut(at))?;
                value.parse().map(|stock| product.stock = stock).map_err(|_| "it is a number".to_owned())
            }
            _ => return None,
        })
    }
}
