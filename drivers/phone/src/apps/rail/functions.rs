//! What Rail does for other programs: finding trains and ordering seats. Paying stays with whoever has the PIN, on the screen.

use serde_json::{Value, json};

use super::{CITIES, DAYS_SOLD, Order, OrderState, PASSENGERS_MAX, Rail, SEAT_CLASSES, WAITS, arrival, iso};
use crate::app::Context;
use crate::apps::common::require_network;
use crate::atlas::{self, Train};
use crate::date::{DAY, clock_text};
use crate::functions::{AppFunction, Arguments, FunctionError, Parameter, Returns, ValueType, invalid};
use crate::providers::Providers;

const FROM: Parameter = Parameter::required("from", ValueType::Text, "The city where it departs");
const TO: Parameter = Parameter::required("to", ValueType::Text, "The city where it arrives");
const DATE: Parameter = Parameter::required("date", ValueType::Text, "Such as 2026-01-10, within the next 30 days");

pub(super) const ALL: &[AppFunction] = &[
    AppFunction {
        name: "findTrains",
        about: "Lists the trains of a day between two cities, with prices in yuan and seats left of each class",
        parameters: &[FROM, TO, DATE],
        returns: Returns::Rows(&[
            Parameter::required("number", ValueType::Text, ""),
            Parameter::required("departs", ValueType::Text, ""),
            Parameter::required("arrives", ValueType::Text, ""),
            Parameter::required("seats", ValueType::Texts, "Class, price and what is left"),
        ]),
        reads: true,
    },
    AppFunction {
        name: "listPassengers",
        about: "Lists for whom tickets can be ordered",
        parameters: &[],
        returns: Returns::Texts,
        reads: true,
    },
    AppFunction {
        name: "listOrders",
        about: "Lists all orders, the latest last, and whether they are paid",
        parameters: &[],
        returns: Returns::Texts,
        reads: true,
    },
    AppFunction {
        name: "orderTickets",
        about: "Orders seats on a train. The order is not paid: that is done on the screen within 30 minutes, with the PIN",
        parameters: &[
            Parameter::required("train", ValueType::Text, "Its number, as findTrains tells it"),
            FROM,
            TO,
            DATE,
            Parameter::required("passengers", ValueType::Texts, "Names, as listPassengers tells them"),
            Parameter::optional(
                "class",
                ValueType::Text,
                "Second class, First class or Business; else the cheapest that has seats left",
            ),
        ],
        returns: Returns::Text,
        reads: false,
    },
];

pub(super) fn execute(
    rail: &mut Rail,
    function: &str,
    arguments: &Arguments,
    context: &Context<'_>,
    providers: &Providers,
) -> Result<Value, FunctionError> {
    match function {
        "findTrains" => {
            require_network(providers)?;
            let journey = Journey::of(rail, arguments)?;
            Ok(journey.trains(rail).iter().map(|train| row(train, context)).collect())
        }
        "listPassengers" => Ok(rail.passengers.iter().map(|passenger| json!(passenger.name)).collect()),
        "listOrders" => Ok(rail.orders.iter().map(|order| json!(order_summary(order, context))).collect()),
        "orderTickets" => {
            require_network(providers)?;
            order(rail, arguments, context)
        }
        _ => Err(FunctionError::NotFound(function.to_owned())),
    }
}

/// From where to where, and on which day.
struct Journey {
    from: usize,
    to: usize,
    day: u64,
}

impl Journey {
    fn of(rail: &Rail, arguments: &Arguments) -> Result<Journey, FunctionError> {
        let city = |name: &str| {
            let text = arguments.text(name);
            let is_meant = |city: &atlas::City| [city.name.english, city.name.chinese].contains(&text);
            CITIES.iter().position(is_meant).ok_or_else(|| invalid(format!("no train stops in {text:.100}")))
        };
        let (from, to) = (city("from")?, city("to")?);
        if from == to {
            return Err(invalid("`from` and `to` are the same city"));
        }
        let day = rail.first_day + arguments.days_ahead("date", DAYS_SOLD, rail.first_day)?;
        Ok(Journey { from, to, day })
    }

    /// As the app has them, whatever is looked for on its screen.
    fn trains(&self, rail: &Rail) -> Vec<Train> {
        let mut trains = atlas::trains(rail.seed, self.from, self.to, self.day);
        for train in trains.iter_mut().filter(|train| rail.sold_out.contains(&train.number)) {
            train.seats.iter_mut().for_each(|seat| seat.left = 0);
        }
        trains
    }
}

fn row(train: &Train, context: &Context<'_>) -> Value {
    let seats = SEAT_CLASSES.iter().zip(&train.seats).map(|(class, seat)| {
        let left = if seat.left == 0 { "sold out".to_owned() } else { format!("{} left", seat.left) };
        format!("{} ¥{}, {left}", context.language.say(*class), seat.price)
    });
    json!({
        "number": train.number, "departs": clock_text(train.departs), "arrives": arrival(train),
        "seats": seats.collect::<Vec<_>>(),
    })
}

fn order_summary(order: &Order, context: &Context<'_>) -> String {
    let say = |city: usize| context.language.say(CITIES[city].name);
    let state = match order.state(context.elapsed()) {
        OrderState::Unpaid(_) => "not paid",
        OrderState::Paid => "paid",
        OrderState::Cancelled => "cancelled",
        OrderState::Refunded => "refunded",
    };
    format!(
        "{}, {} to {}, {} {}, {}, {}, ¥{}, {state}",
        order.train.number,
        say(order.from),
        say(order.to),
        iso(order.day),
        clock_text(order.train.departs),
        context.language.say(SEAT_CLASSES[order.class]),
        order.passengers.join(" and "),
        order.cents() / 100,
    )
}

fn order(rail: &mut Rail, arguments: &Arguments, context: &Context<'_>) -> Result<Value, FunctionError> {
    let journey = Journey::of(rail, arguments)?;
    let number = arguments.line("train")?;
    let train = journey.trains(rail).into_iter().find(|train| train.number == number);
    let train = train
        .ok_or_else(|| invalid(format!("there is no train {number:.20} on that journey; findTrains tells them")))?;
    let mut passengers: Vec<String> = Vec::new();
    for name in arguments.texts("passengers") {
        let is_known = rail.passengers.iter().any(|passenger| passenger.name == name);
        match is_known && !passengers.iter().any(|other| other == name) {
            true => passengers.push(name.to_owned()),
            false => {
                return Err(invalid(format!(
                    "{name:.100} is no passenger, or is named twice; listPassengers tells who is one"
                )));
            }
        }
    }
    if PASSENGERS_MAX < passengers.len() {
        return Err(invalid(format!("an order is for up to {PASSENGERS_MAX} passengers")));
    }
    let has_room = |class: usize| passengers.len() <= train.seats[class].left as usize;
    let class = match arguments.text("class") {
        "" => (0..SEAT_CLASSES.len()).find(|class| has_room(*class)),
        name => {
            let known = SEAT_CLASSES.iter().position(|class| [class.english, class.chinese].contains(&name));
            let known = known.ok_or_else(|| invalid("`class` is Second class, First class or Business"))?;
            Some(known).filter(|class| has_room(*class))
        }
    };
    let has_left = journey.day == context.clock / DAY && train.departs <= context.minute();
    let Some(class) = class.filter(|_| !has_left) else {
        return Err(FunctionError::Unavailable("not enough seats are left on that train".to_owned()));
    };
    let state = OrderState::Unpaid(context.elapsed() + WAITS);
    let Journey { from, to, day } = journey;
    let order = Order { train, from, to, day, class, passengers, state };
    let told = order_summary(&order, context);
    rail.orders.push(order);
    Ok(json!(told))
}
