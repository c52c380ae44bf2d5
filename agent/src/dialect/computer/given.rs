//! The arguments of an action, by whichever of their names a family has for them.

use crate::dialect::Unclear;
use crate::dialect::frame::Frame;
use crate::dialect::value::{Arguments, Value, digit};
use crate::dialect::words::{is_no, text, unclear};
use crate::place::Place;

/// Names of a place where something is done.
pub(super) const AT: &[&str] = &[
    "coordinate",
    "coordinates",
    "at",
    "position",
    "point",
    "box",
    "start_box",
    "start_point",
    "bbox",
    "element",
    "location",
    "target",
    "xy",
    "center",
    "start",
];

/// The arguments of an action.
pub(super) struct ActionArguments<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) frame: &'a Frame,
}

impl ActionArguments<'_> {
    pub(super) fn named(&self, names: &[&str]) -> Option<&Value> {
        let mut found = names.iter().filter_map(|name| self.arguments.named.iter().find(|(key, _)| key == name));
        found.find(|(_, value)| !matches!(value, Value::Word(word) if matches!(word.to_lowercase().as_str(), "none" | "null"))).map(|(_, value)| value)
    }

    /// The text of the first of these names.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        self.named(names).and_then(text)
    }

    /// The same, or the first text without a name.
    pub(super) fn any_text(&self, names: &[&str]) -> Option<String> {
        let plain = || {
            self.arguments.plain.iter().find_map(|value| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })
        };
        self.text(names).or_else(plain)
    }

    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        number(self.named(names)?)
    }

    /// The number without a name that has so many before it.
    pub(super) fn plain_number(&self, nth: usize) -> Option<f64> {
        number(self.arguments.plain.get(nth)?)
    }

    pub(super) fn says_yes(&self, names: &[&str]) -> bool {
        self.text(names).is_some_and(|said| !is_no(&said))
    }

    pub(super) fn says_no(&self, names: &[&str]) -> bool {
        self.text(names).is_some_and(|said| is_no(&said))
    }

    /// The texts of a list, or the one text; without such a name all that have none.
    pub(super) fn texts(&self, names: &[&str]) -> Option<Vec<String>> {
        let of = |value: &Value| match value {
            Value::List(items) => items.iter().map(text).collect::<Option<Vec<String>>>(),
            value => text(value).map(|one| vec![one]),
        };
        match self.named(names) {
            Some(value) => of(value),
            None if self.arguments.plain.is_empty() => None,
            None => {
                let all: Option<Vec<Vec<String>>> = self.arguments.plain.iter().map(of).collect();
                all.map(|all| all.concat())
            }
        }
    }

    /// A place by one of these names, or as `x` and `y`, or without a name; nothing if none is given.
    ///
    /// # Errors
    /// `Unclear` if what is given is no place of the display.
    pub(super) fn place(&self, names: &[&str]) -> Result<Option<Place>, Unclear> {
        if let Some(value) = self.named(names) {
            return self.place_of(value).map(Some);
        }
        if let (Some(x), Some(y)) = (self.named(&["x", "x1", "start_x"]), self.named(&["y", "y1", "start_y"])) {
            return match (number(x), number(y)) {
                (Some(x), Some(y)) => self.frame.place(x, y).map(Some),
                _ => Err(unclear("x and y are numbers; a variable or a sum is not computed")),
            };
        }
        if self.named(&["x"]).is_some() != self.named(&["y"]).is_some() {
            return Err(unclear(format!(
                "a place has two numbers, x and y; write {}",
                self.frame.print(self.frame.middle())
            )));
        }
        self.plain_place(0)
    }

    /// The place without a name that has so many before it: lists of two numbers, or numbers.
    pub(super) fn plain_place(&self, nth: usize) -> Result<Option<Place>, Unclear> {
        let plain = &self.arguments.plain;
        let lists: Vec<&Value> = plain.iter().filter(|value| matches!(value, Value::List(_) | Value::Map(_))).collect();
        if let Some(list) = lists.get(nth) {
            return self.place_of(list).map(Some);
        }
        match (self.plain_number(2 * nth), self.plain_number(2 * nth + 1)) {
            (Some(x), Some(y)) if lists.is_empty() => self.frame.place(x, y).map(Some),
            _ => match plain.get(nth) {
                Some(Value::Text(words)) if !numbers_in(words).is_empty() => self.place_of(&plain[nth]).map(Some),
                _ => Ok(None),
            },
        }
    }

    /// The places of a list of them.
    pub(super) fn path(&self) -> Result<Vec<Place>, Unclear> {
        match self.named(&["path", "points", "trajectory"]) {
            Some(Value::List(items)) => items.iter().map(|item| self.place_of(item)).collect(),
            _ => Ok(Vec::new()),
        }
    }

    fn place_of(&self, value: &Value) -> Result<Place, Unclear> {
        let mut numbers = Vec::new();
        collect(value, &mut numbers);
        match numbers[..] {
            [x, y] => self.frame.place(x, y),
            [left, top, right, bottom] => self.frame.place((left + right) / 2.0, (top + bottom) / 2.0),
            _ => {
                let (count, right) = (numbers.len(), self.frame.print(self.frame.middle()));
                Err(unclear(format!("a place has two numbers, and here are {count}; write for example {right}")))
            }
        }
    }
}

pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) | Value::Word(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Value::List(_) | Value::Map(_) => None,
    }
}

/// All numbers of a value, in order, those in strings too.
fn collect(value: &Value, numbers: &mut Vec<f64>) {
    match value {
        Value::Number(number) => numbers.push(*number),
        Value::List(items) => items.iter().for_each(|item| collect(item, numbers)),
        Value::Map(items) => items.iter().for_each(|(_, item)| collect(item, numbers)),
        Value::Text(text) | Value::Word(text) => numbers.extend(numbers_in(text)),
    }
}

/// The numbers of a text that is a place, between tags or not; none if there are words in it.
fn numbers_in(text: &str) -> Vec<f64> {
    let mut bare = String::with_capacity(text.len());
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                bare.push(' ');
            }
            _ if in_tag => {}
            c => bare.push(digit(c).unwrap_or(c)),
        }
    }
    if bare.chars().any(|c| c.is_alphabetic() && !"xyXY".contains(c)) {
        return Vec::new();
    }
    let parts = bare.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-')));
    parts.filter_map(|part| part.parse::<f64>().ok()).collect()
}
