//! The goals of `docs/examples/changchun.toml`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Deed, Screen};

const CITY: &str = "Changchun";
const LIST: &str = "Changchun";
const FROM: &str = "Beijing";
const DAY: &str = "Saturday, 10 January";
const MONTH: &str = "January 2026";
const TIME: &str = "10:00";

/// What was read so far.
#[derive(Default)]
pub struct TripMemory {
    /// The attractions of the post, by their numbers there.
    sights: BTreeMap<u32, String>,
    post: Option<String>,
    is_noted: bool,
    prices: BTreeMap<String, String>,
    saved: BTreeSet<String>,
    /// No order was found among those that there are.
    orders_read: bool,
    /// Which of the two cities is being chosen.
    choosing: &'static str,
    train: String,
}

impl TripMemory {
    /// What it has done may be otherwise than it thinks: it has to be read again.
    pub fn doubt(&mut self) {
        self.orders_read = false;
        self.saved.clear();
    }

    pub fn sights(&mut self, screen: &Screen) -> Deed {
        if screen.package != "com.tapwright.feed" {
            return Deed::Launch("Feed");
        }
        if screen.has("compose") {
            return self.post(screen);
        }
        if let Some(field) = screen.field("search") {
            return search_deed(screen, &field.text, CITY);
        }
        let is_guide =
            |title: &str| title.contains(CITY) && !["eat", "meals", "stomach"].iter().any(|word| title.contains(word));
        if screen.title() == CITY {
            let cards = screen.rows("post");
            let card = cards.into_iter().find(|(_, texts, _)| texts.iter().any(|text| is_guide(text)));
            return match card {
                Some((place, texts, _)) => {
                    self.post = texts.into_iter().find(|text| is_guide(text)).map(str::to_owned);
                    tap(Some(place))
                }
                None => Deed::Further,
            };
        }
        screen.place_of("Search").map_or(Deed::Back, |place| tap(Some(place)))
    }

    /// A post: "1. Name: what there is to say", over several lines.
    fn post(&mut self, screen: &Screen) -> Deed {
        if self.post.is_none() {
            return Deed::Back;
        }
        let mut paragraphs: Vec<String> = Vec::new();
        for line in screen.of("body") {
            let begins = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
            match paragraphs.last_mut() {
                Some(last) if !begins => *last += &format!(" {line}"),
                _ => paragraphs.push(line.to_owned()),
            }
        }
        for paragraph in &paragraphs {
            if let Some((number, rest)) = paragraph.split_once(". ")
                && let Ok(number) = number.parse()
                && let Some((name, _)) = rest.split_once(':')
            {
                self.sights.insert(number, name.to_owned());
            }
        }
        if !screen.shows(|text| text.starts_with("Comments: ")) {
            return Deed::Further;
        }
        let all: Vec<&str> = self.sights.values().map(String::as_str).collect();
        if !self.is_noted {
            self.is_noted = true;
            return Deed::Note(format!("The post recommends {}.", all.join(", ")));
        }
        let lines: Vec<String> = all.iter().map(|name| format!("sights: {name}")).collect();
        Deed::Finish(format!("{}\npost: {}", lines.join("\n"), self.post.as_deref().unwrap_or_default()))
    }

    pub fn save(&mut self, goal: &str, screen: &Screen) -> Deed {
        let places: Vec<String> = quotations(goal).iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        let places: Vec<String> = places.into_iter().filter(|place| place != LIST).collect();
        if screen.package != "com.tapwright.maps" {
            return Deed::Launch("Maps");
        }
        if screen.field("note").is_some() {
            return self.saving(screen);
        }
        if let Some(field) = screen.field("list") {
            return write_deed(screen, &field.text, LIST);
        }
        if screen.has("directions") {
            let name = screen.title().to_owned();
            let price = screen.after("Ticket: ").or_else(|| screen.after("Free").map(|_| "Free"));
            let Some(price) = price else { return Deed::Further };
            self.prices.insert(name.clone(), price.to_owned());
            if screen.after("Saved in ").is_some_and(|lists| lists.split(", ").any(|list| list == LIST)) {
                self.saved.insert(name.clone());
            }
            if places.contains(&name) && !self.saved.contains(&name) {
                return tap(screen.place(|widget| widget.id == "save"));
            }
        }
        let Some(next) = places.iter().find(|place| !self.saved.contains(*place)) else {
            let price = |place: &String| self.prices.get(place).cloned().unwrap_or_default();
            let lines: Vec<String> = places.iter().map(|place| format!("places: {place} | {}", price(place))).collect();
            return Deed::Finish(lines.join("\n"));
        };
        if let Some(field) = screen.field("search") {
            return search_deed(screen, &field.text, next);
        }
        screen.place_of("Search").map_or(Deed::Back, |place| tap(Some(place)))
    }

    /// The page on which a place is put into a list.
    fn saving(&mut self, screen: &Screen) -> Deed {
        let name = screen.of("name").first().copied().unwrap_or_default();
        let Some(price) = self.prices.get(name) else { return Deed::Back };
        let lists = screen.rows("list");
        let list = lists.iter().find(|(_, texts, _)| texts.first() == Some(&LIST));
        match list {
            None => return screen.place_of("New list").map_or(Deed::Further, |place| tap(Some(place))),
            Some((place, _, false)) => return tap(Some(*place)),
            Some((_, _, true)) => {}
        }
        let field = screen.field("note").map(|field| field.text.clone()).unwrap_or_default();
        match field.as_str() {
            text if text == price => tap(screen.place_of("Save")),
            _ => type_into(screen, "note", price),
        }
    }

    pub fn ticket(&mut self, goal: &str, screen: &Screen) -> Deed {
        for word in [FROM, CITY, DAY, TIME] {
            assert!(goal.contains(word), "the plan says another journey: {word}");
        }
        if screen.package != "com.tapwright.rail" {
            return Deed::Launch("Rail");
        }
        if let Some(field) = screen.field("pin") {
            if screen.shows(|text| text.starts_with("Wrong PIN") || text.starts_with("Locked")) {
                return Deed::GiveUp("The PIN is wrong.".to_owned());
            }
            return match field.text.starts_with('•') {
                true => tap(screen.place(|widget| widget.id == "pay")),
                false => type_into(screen, "pin", "{{secret:wallet-pin}}"),
            };
        }
        if screen.title() == "Orders" {
            return self.orders(screen);
        }
        if screen.has("state") || !screen.of("total").is_empty() {
            return self.order(screen);
        }
        if screen.has("class") || screen.has("passenger") || screen.has("order") {
            return self.form(screen);
        }
        if screen.title() == format!("{FROM} → {CITY}") {
            let rows = screen.rows("train");
            let row = rows.into_iter().find(|(_, texts, _)| texts.first() == Some(&TIME));
            return row.map_or(Deed::Further, |(place, _, _)| tap(Some(place)));
        }
        if screen.has("day") && screen.has("weekday") {
            return match screen.title() == MONTH {
                true => tap(screen.place_of("10")),
                false => tap(screen.place_of("Later")),
            };
        }
        if let Some(field) = screen.field("search") {
            let city = self.choosing;
            return if city.is_empty() { Deed::Back } else { search_deed(screen, &field.text, city) };
        }
        self.search_form(screen)
    }

    fn search_form(&mut self, screen: &Screen) -> Deed {
        let value = |id: &str| screen.rows(id).first().and_then(|row| row.1.first().copied()).unwrap_or_default();
        let open = |id: &'static str| tap(screen.rows(id).first().map(|row| row.0));
        if value("from").is_empty() {
            return Deed::Back;
        }
        if !self.orders_read {
            return tap(screen.place_of("Orders"));
        }
        for (id, wanted) in [("from", FROM), ("to", CITY)] {
            if value(id) != wanted {
                self.choosing = wanted;
                return open(id);
            }
        }
        if value("date") != DAY {
            return open("date");
        }
        tap(screen.place_of("Search trains"))
    }

    fn orders(&mut self, screen: &Screen) -> Deed {
        let is_ours = |texts: &[&str]| {
            texts.first() == Some(&format!("{FROM} → {CITY}").as_str())
                && texts.iter().any(|text| text.ends_with(&format!("· {DAY} {TIME}")))
                && texts.iter().any(|text| *text == "Paid" || text.starts_with("Pay within"))
        };
        let rows = screen.rows("order");
        if let Some((place, _, _)) = rows.into_iter().find(|(_, texts, _)| is_ours(texts)) {
            return tap(Some(place));
        }
        self.orders_read = true;
        tap(screen.place_of("Tickets"))
    }

    fn order(&mut self, screen: &Screen) -> Deed {
        let is_ours = screen.of("day") == [DAY]
            && screen.of("departs") == [TIME]
            && screen.of("from") == [FROM]
            && screen.of("to") == [CITY];
        let state = screen.of("state").first().copied().unwrap_or_default().to_owned();
        let price = screen.after("Total ¥").unwrap_or_default();
        match state.as_str() {
            "Paid" | "" if price.is_empty() => Deed::Further,
            "Paid" if is_ours => {
                let train = format!("{}, {DAY}, {TIME}", screen.title());
                Deed::Finish(format!("train: {train}\nprice: {price}"))
            }
            state if is_ours && state.starts_with("Pay within") => {
                screen.place(|widget| widget.id == "pay").map_or(Deed::Further, |place| tap(Some(place)))
            }
            _ => Deed::Back,
        }
    }

    /// A train, and the form by which a seat is ordered.
    fn form(&mut self, screen: &Screen) -> Deed {
        if !self.orders_read {
            return Deed::Back;
        }
        let departs = screen.of("departs");
        if departs.first().is_some_and(|time| *time != TIME) {
            return Deed::Back;
        }
        let order = screen.place(|widget| widget.text.starts_with("Order for ¥") && widget.text != "Order for ¥0");
        if let Some(place) = order {
            return tap(Some(place));
        }
        match screen.rows("passenger").first() {
            Some((place, _, false)) => tap(Some(*place)),
            _ => Deed::Further,
        }
    }

    pub fn note(&mut self, goal: &str, screen: &Screen) -> Deed {
        let begin = "A weekend in Changchun";
        let words = goal.lines().next().unwrap_or_default();
        let text = words.split_once("begins so: ").map(|(_, text)| unquoted(text)).unwrap_or_default();
        if screen.package != "com.android.notes" {
            return Deed::Launch("Notes");
        }
        if let Some(field) = screen.field("body") {
            return match field.text == text {
                true => tap(screen.place_of("Save")),
                false => type_into(screen, "body", &text),
            };
        }
        if screen.rows("note").iter().any(|(_, texts, _)| texts.first().is_some_and(|title| title.starts_with(begin))) {
            return Deed::Finish("The note is there.".to_owned());
        }
        tap(screen.place_of("New note"))
    }
}

/// A touch there; what is not there yet is waited for.
pub fn tap(place: Option<(i32, i32)>) -> Deed {
    place.map_or(Deed::Wait, |(x, y)| Deed::Tap(x, y))
}

/// A search page: the words into the field, then what is offered of that name.
pub fn search_deed(screen: &Screen, field: &str, words: &str) -> Deed {
    if field != words {
        return type_into(screen, "search", words);
    }
    tap(screen.place_of(words))
}

/// A page with one field and a button that ends it.
fn write_deed(screen: &Screen, field: &str, words: &str) -> Deed {
    if field == words { tap(screen.place_of("Save")) } else { Deed::Type(words.to_owned()) }
}

/// What is typed goes into the field with the focus: without it, the field is touched first.
pub fn type_into(screen: &Screen, id: &str, words: &str) -> Deed {
    match screen.field(id) {
        Some(field) if field.focused => Deed::Type(words.to_owned()),
        _ => tap(screen.place(|widget| widget.is_field && widget.id == id)),
    }
}

/// What stands in quotation marks, as JSON writes it.
pub fn quotations(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let mut strings = serde_json::Deserializer::from_str(&rest[at..]).into_iter::<String>();
        let next = match strings.next() {
            Some(Ok(string)) => {
                found.push(string);
                at + strings.byte_offset()
            }
            _ => at + 1,
        };
        rest = &rest[next..];
    }
    found
}

/// The same text without quotation marks, in one line.
fn unquoted(text: &str) -> String {
    let mut plain = text.to_owned();
    for string in quotations(text) {
        let inside = string.lines().map(|line| line.replace(" | ", " ")).collect::<Vec<_>>().join("; ");
        plain = plain.replace(&serde_json::Value::from(string).to_string(), &inside);
    }
    plain
}
