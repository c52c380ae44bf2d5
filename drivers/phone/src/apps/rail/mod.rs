//! Rail: searching trains, passengers, orders, payment, cancelling and refunds.

mod facts;
mod functions;
mod view;

use serde_json::Value;

use super::payment::{self, PIN_FIELD};
use crate::app::{App, Context, Facts, Manifest};
use crate::atlas::{self, CITIES, SEAT_CLASSES, Train};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::date::{DAY, Date, clock_text};
use crate::dice::Dice;
use crate::functions::{AppFunction, Arguments, FunctionError};
use crate::icon::Icon;
use crate::locale::{DELETE, DISCARD, Language, Phrase, WILL_BE_LOST, phrase};
use crate::providers::Providers;
use crate::ui::Ui;

const RAIL: Phrase = phrase("Rail", "铁路");
const SAME_CITY: Phrase = phrase("Choose two different cities", "请选择两个不同的城市");
const NOBODY: Phrase = phrase("Choose a passenger first", "请先选择乘车人");
const NOT_ENOUGH: Phrase = phrase("Not enough seats left", "余票不足");
const NO_NAME: Phrase = phrase("Enter a name", "请输入姓名");
const BAD_ID: Phrase = phrase("An ID number has 18 digits", "证件号码应为18位数字");
const PAID: Phrase = phrase("Paid. Have a good trip!", "已支付，祝您旅途愉快！");
const TOO_LATE: Phrase = phrase("The order has expired", "订单已过期");
const CANCEL_ORDER: Phrase = phrase("Cancel the order?", "取消订单？");
const CANCEL_IT: Phrase = phrase("Cancel order", "取消订单");
const SEATS_GO: Phrase = phrase("The seats are given back.", "座位将被释放。");
const REFUND: Phrase = phrase("Refund", "退票");
const REFUND_TICKETS: Phrase = phrase("Refund the tickets?", "退票？");
const FEE: Phrase = phrase("A fee of 20% is kept. It cannot be undone.", "收取20%手续费，无法撤销。");
const BOOKED: Phrase = phrase("Rail: ticket for {} booked", "铁路：{}车票已出票");
const DISCARD_PASSENGER: Phrase = phrase("Discard passenger?", "舍弃乘车人？");

const CITY_FIELD: FieldId = FieldId::new("city");
const NAME_FIELD: FieldId = FieldId::new("name");
const ID_FIELD: FieldId = FieldId::new("id");

/// Days for which tickets are sold, and how long an order waits to be paid, in minutes.
const DAYS_SOLD: u64 = 30;
const WAITS: u32 = 30;
/// Passengers on one order.
const PASSENGERS_MAX: usize = 5;

/// Someone for whom tickets can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Passenger {
    name: String,
    id: String,
}

/// What has become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderState {
    /// Until so many minutes after the world began.
    Unpaid(u32),
    Paid,
    Cancelled,
    Refunded,
}

/// Seats on a train.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Order {
    train: Train,
    from: usize,
    to: usize,
    day: u64,
    class: usize,
    passengers: Vec<String>,
    state: OrderState,
}

impl Order {
    fn cents(&self) -> i64 {
        100 * i64::from(self.train.seats[self.class].price) * self.passengers.len() as i64
    }

    /// What has become of it by now.
    fn state(&self, minute: u32) -> OrderState {
        match self.state {
            OrderState::Unpaid(until) if until <= minute => OrderState::Cancelled,
            state => state,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Rail {
    seed: u64,
    from: usize,
    to: usize,
    /// Counted from 1970.
    day: u64,
    first_day: u64,
    fast_only: bool,
    by_price: bool,
    passengers: Vec<Passenger>,
    /// The passengers that were chosen.
    chosen: Vec<usize>,
    class: usize,
    /// The latest last.
    orders: Vec<Order>,
    /// Trains of which nothing is left.
    sold_out: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Message {
    ChooseCity { is_from: bool, city: usize },
    Swap,
    ChooseDay(u64),
    FastOnly,
    ByPrice,
    Search,
    Class(usize),
    Passenger(usize),
    AddPassenger,
    DiscardPassenger,
    HoldPassenger(usize),
    AskToDelete(usize),
    DeletePassenger(usize),
    Order,
    Pay(usize),
    AskToCancel(usize),
    Cancel(usize),
    AskToRefund(usize),
    Refund(usize),
    Again,
}

impl Rail {
    /// Draws passengers and what was looked for last.
    pub fn new(seed: u64, epoch: u64, providers: &Providers) -> Rail {
        let mut dice = Dice::named(seed, "rail");
        let mut names: Vec<String> = providers.people.list.iter().map(|person| person.name.clone()).collect();
        dice.shuffle(&mut names);
        names.truncate(3);
        let passengers = names.into_iter().map(|name| Passenger { name, id: draw_id(&mut dice) }).collect();
        let from = dice.below(CITIES.len());
        let to = (from + 1 + dice.below(CITIES.len() - 1)) % CITIES.len();
        let first_day = epoch / DAY;
        Rail {
            seed,
            from,
            to,
            day: first_day + 1,
            first_day,
            fast_only: false,
            by_price: false,
            passengers,
            chosen: Vec::new(),
            class: 0,
            orders: Vec::new(),
            sold_out: Vec::new(),
        }
    }

    /// The trains that were looked for, as they are sorted.
    fn trains(&self) -> Vec<Train> {
        let mut trains = atlas::trains(self.seed, self.from, self.to, self.day);
        for train in trains.iter_mut().filter(|train| self.sold_out.contains(&train.number)) {
            train.seats.iter_mut().for_each(|seat| seat.left = 0);
        }
        trains.retain(|train| !self.fast_only || train.is_fast());
        if self.by_price {
            trains.sort_by_key(|train| (train.seats[0].price, train.departs));
        }
        trains
    }

    fn train(&self, number: &str) -> Option<Train> {
        self.trains().into_iter().find(|train| train.number == number)
    }

    /// Whether a train has left.
    fn has_left(&self, train: &Train, context: &Context<'_>) -> bool {
        self.day == context.clock / DAY && train.departs <= context.minute()
    }

    fn order(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let say = |phrase| vec![Effect::Toast(context.language.say(phrase).into())];
        let Some(train) = self.train(&context.page.about) else { return Vec::new() };
        let passengers: Vec<String> =
            self.chosen.iter().filter_map(|at| self.passengers.get(*at)).map(|person| person.name.clone()).collect();
        if passengers.is_empty() {
            return say(NOBODY);
        }
        if (train.seats[self.class].left as usize) < passengers.len() || self.has_left(&train, context) {
            return say(NOT_ENOUGH);
        }
        let state = OrderState::Unpaid(context.elapsed() + WAITS);
        let (from, to, day, class) = (self.from, self.to, self.day, self.class);
        self.orders.push(Order { train, from, to, day, class, passengers, state });
        self.chosen.clear();
        vec![Effect::Open(Page::of("order", self.orders.len() - 1))]
    }

    fn pay(&mut self, at: usize, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        let Some(order) = self.orders.get_mut(at) else { return Vec::new() };
        if !matches!(order.state(context.elapsed()), OrderState::Unpaid(_)) {
            return vec![Effect::Toast(language.say(TOO_LATE).into()), Effect::Close];
        }
        let emptied = Effect::Write(PIN_FIELD, String::new());
        let what = format!("rail {}", order.train.number);
        match providers.wallet.pay(context.trimmed(&PIN_FIELD), &what, order.cents()) {
            Ok(()) => {
                order.state = OrderState::Paid;
                let notice = language.say_with(BOOKED, &order.train.number);
                vec![emptied, Effect::Close, Effect::Toast(language.say(PAID).into()), Effect::Notify(notice)]
            }
            Err(error) => {
                let toast = payment::refusal(error, language).map(|text| Effect::Toast(text.into()));
                [emptied].into_iter().chain(toast).collect()
            }
        }
    }

    fn add_passenger(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let (name, id) = (context.trimmed(&NAME_FIELD), context.trimmed(&ID_FIELD));
        let say = |phrase| vec![Effect::Toast(context.language.say(phrase).into())];
        if name.is_empty() {
            return say(NO_NAME);
        }
        if id.len() != 18 || !id.bytes().all(|digit| digit.is_ascii_digit()) {
            return say(BAD_ID);
        }
        self.passengers.push(Passenger { name: name.to_owned(), id: id.to_owned() });
        leave_editor()
    }
}

fn draw_id(dice: &mut Dice) -> String {
    (0..18).map(|at| char::from(b'1' + dice.below(if at == 0 { 6 } else { 9 }) as u8)).collect()
}

fn leave_editor() -> Vec<Effect> {
    vec![Effect::Write(NAME_FIELD, String::new()), Effect::Write(ID_FIELD, String::new()), Effect::Close]
}

fn ask(language: Language, title: Phrase, text: Phrase, yes: Phrase, then: Message) -> Vec<Effect> {
    vec![Effect::ask(Question {
        title: language.say(title).into(),
        text: language.say(text).into(),
        yes: language.say(yes),
        then: send(then),
    })]
}

impl App for Rail {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.tapwright.rail",
            activity: ".RailActivity",
            label: RAIL,
            icon: Icon::Train,
            color: 0x2563EB,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, providers, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::ChooseCity { is_from, city } => {
                *(if is_from { &mut self.from } else { &mut self.to }) = city;
                return vec![Effect::Write(CITY_FIELD, String::new()), Effect::Close];
            }
            Message::Swap => std::mem::swap(&mut self.from, &mut self.to),
            Message::ChooseDay(day) => {
                self.day = day;
                return vec![Effect::Close];
            }
            Message::FastOnly => self.fast_only = !self.fast_only,
            Message::ByPrice => self.by_price = !self.by_price,
            Message::Search if self.from == self.to => {
                return vec![Effect::Toast(language.say(SAME_CITY).into())];
            }
            Message::Search => return vec![Effect::Open(Page::new("trains"))],
            Message::Class(class) => self.class = class,
            Message::Passenger(at) => match self.chosen.iter().position(|chosen| *chosen == at) {
                Some(place) => {
                    self.chosen.remove(place);
                }
                None if self.chosen.len() < PASSENGERS_MAX => self.chosen.push(at),
                None => {}
            },
            Message::AddPassenger => return self.add_passenger(context),
            Message::DiscardPassenger => return leave_editor(),
            Message::HoldPassenger(at) => {
                let (label, command) = (language.say(DELETE), send(Message::AskToDelete(at)));
                return vec![Effect::Menu(vec![MenuItem { label, command }])];
            }
            Message::AskToDelete(at) => {
                let (title, text) = (view::DELETE_PASSENGER, view::CANNOT_BE_UNDONE);
                return ask(language, title, text, DELETE, Message::DeletePassenger(at));
            }
            Message::DeletePassenger(at) => {
                if at < self.passengers.len() {
                    self.passengers.remove(at);
                    self.chosen.clear();
                }
            }
            Message::Order => return self.order(context),
            Message::Pay(at) => return self.pay(at, context, providers),
            Message::AskToCancel(at) => {
                return ask(language, CANCEL_ORDER, SEATS_GO, CANCEL_IT, Message::Cancel(at));
            }
            Message::Cancel(at) => {
                if let Some(order) = self.orders.get_mut(at) {
                    order.state = OrderState::Cancelled;
                }
            }
            Message::AskToRefund(at) => return ask(language, REFUND_TICKETS, FEE, REFUND, Message::Refund(at)),
            Message::Refund(at) => {
                if let Some(order) = self.orders.get_mut(at).filter(|order| order.state == OrderState::Paid) {
                    order.state = OrderState::Refunded;
                    providers.wallet.refund(&format!("rail {}", order.train.number), order.cents() * 8 / 10);
                }
            }
            Message::Again => {}
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        match page.name {
            "from" | "to" => vec![Effect::Write(CITY_FIELD, String::new()), Effect::Focus(CITY_FIELD)],
            "new-passenger" => vec![Effect::Focus(NAME_FIELD)],
            "train" => {
                let seats = self.train(&page.about).map(|train| train.seats);
                self.class = seats.and_then(|seats| seats.iter().position(|seat| 0 < seat.left)).unwrap_or(0);
                Vec::new()
            }
            "pay" => vec![Effect::Write(PIN_FIELD, String::new()), Effect::Focus(PIN_FIELD)],
            _ => Vec::new(),
        }
    }

    /// Whoever has ordered does not go back to the order's form.
    fn has_no_history(&self, page: &Page) -> bool {
        page.is("confirm")
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.name {
            "name" => Some(Effect::Focus(ID_FIELD).into()),
            "id" => Some(send(Message::AddPassenger)),
            "city" => Some(Command::Back),
            _ => None,
        }
    }

    fn unsaved_question(&self, context: &Context<'_>, _: &Providers) -> Option<Question> {
        let is_written = [NAME_FIELD, ID_FIELD].iter().any(|field| !context.trimmed(field).is_empty());
        (context.page.is("new-passenger") && is_written).then(|| Question {
            title: context.language.say(DISCARD_PASSENGER).into(),
            text: context.language.say(WILL_BE_LOST).into(),
            yes: context.language.say(DISCARD),
            then: send(Message::DiscardPassenger),
        })
    }

    fn functions(&self) -> &'static [AppFunction] {
        functions::ALL
    }

    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        context: &Context<'_>,
        providers: &mut Providers,
    ) -> Result<Value, FunctionError> {
        functions::execute(self, function, arguments, context, providers)
    }

    fn facts(&self, providers: &Providers, facts: &mut Facts) {
        facts::tell(self, providers, facts);
    }

    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        facts::set(self, name, value, providers)
    }
}

/// A day as facts and pages name it: `2026-01-05`.
fn iso(day: u64) -> String {
    Date::new(day).iso()
}

/// When a train arrives.
fn arrival(train: &Train) -> String {
    clock_text(train.departs + train.minutes)
}

fn class_name(class: usize, language: Language) -> &'static str {
    language.say(SEAT_CLASSES[class.min(SEAT_CLASSES.len() - 1)])
}
