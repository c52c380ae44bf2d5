//! Draws what stands in the slots of a template, and writes it into texts.

use std::collections::BTreeMap;

use tapwright_phone::{Dice, Language};
use tapwright_smoke::likeness;

use crate::catalog::Catalog;
use crate::template::{Cells, Part, Slot, Source, Template, references};
use crate::words::{columns, day_columns, time_columns};
use crate::{Columns, Facts};

/// The values of all slots, by name.
pub type Values = BTreeMap<String, Columns>;

/// Why nothing can be drawn from a template on a phone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoValue(pub String);

/// How often a number or a time is drawn before there is none.
const TRIES: usize = 200;
/// How deep rows of tables may draw from other tables.
const DEPTH_MAX: usize = 4;

/// Writes values into a text.
///
/// # Errors
/// `NoValue` if there is no such slot, or it has no such column.
pub fn fill(text: &str, values: &Values) -> Result<String, NoValue> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        let (inside, tail) = tail.split_once('}').ok_or_else(|| NoValue(format!("a brace is open in `{text}`")))?;
        let (slot, column) = inside.split_once('.').unwrap_or((inside, "is"));
        let value = values.get(slot).and_then(|columns| columns.get(column));
        let value = value.ok_or_else(|| NoValue(format!("`{{{inside}}}` has no value in `{text}`")))?;
        out.push_str(before);
        out.push_str(value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

impl Slot {
    /// All texts of it in which slots can stand.
    pub fn texts(&self) -> Vec<&str> {
        let source: Vec<&str> = match &self.source {
            Source::Fact(text) | Source::Calculate(text) | Source::PartOf(text) | Source::Later { than: text, .. } => {
                vec![text]
            }
            Source::Count(pattern, is) => {
                [pattern.head.as_str(), pattern.tail.as_str()].into_iter().chain(is.as_deref()).collect()
            }
            Source::Each(pattern) => vec![pattern.head.as_str(), pattern.tail.as_str()],
            Source::Table(_) | Source::Choice(_) | Source::Number { .. } | Source::Time { .. } | Source::Day { .. } => {
                Vec::new()
            }
        };
        let given = self.given.iter().flat_map(|(fact, is)| [fact.as_str(), is.as_str()]);
        let rest = self.absent.iter().chain(&self.unlike).map(String::as_str);
        source.into_iter().chain(given).chain(rest).collect()
    }

    /// The slots that have to be drawn before this one.
    fn needs(&self, own: &str) -> Vec<String> {
        let named = self.texts().into_iter().flat_map(|text| references(text).unwrap_or_default());
        named.map(|(slot, _)| slot.to_owned()).filter(|slot| slot != own).collect()
    }
}

/// What is drawn from.
pub struct Drawing<'a> {
    pub catalog: &'a Catalog,
    pub part: Part,
    pub language: Language,
    /// Seconds since 1970 of the phone's today.
    pub epoch: u64,
}

impl Drawing<'_> {
    /// Draws the slots of these names, and those that they need, as far as they are not drawn yet.
    ///
    /// # Errors
    /// `NoValue` if one has nothing to draw from on this phone.
    pub fn draw(
        &self,
        template: &Template,
        names: &[String],
        facts: &Facts,
        values: &mut Values,
        dice: &mut Dice,
    ) -> Result<(), NoValue> {
        // Each round draws what has all that it needs; one that draws nothing would go on for ever.
        let mut wanted: Vec<String> = names.to_vec();
        let mut at = 0;
        while let Some(slot) = wanted.get(at).and_then(|name| template.slots.get(name)) {
            let more: Vec<String> = slot.needs(&wanted[at]).into_iter().filter(|name| !wanted.contains(name)).collect();
            wanted.extend(more);
            at += 1;
        }
        wanted.retain(|name| !values.contains_key(name));
        wanted.sort_unstable();
        while !wanted.is_empty() {
            let is_ready = |name: &String| {
                template
                    .slots
                    .get(name)
                    .is_some_and(|slot| slot.needs(name).iter().all(|needed| values.contains_key(needed)))
            };
            let Some(ready) = wanted.iter().position(is_ready) else {
                return Err(NoValue(format!("the slots {} need each other", wanted.join(", "))));
            };
            let name = wanted.remove(ready);
            let value = self.value(&name, &template.slots[&name], facts, values, dice)?;
            values.insert(name, value);
        }
        Ok(())
    }

    fn value(
        &self,
        name: &str,
        slot: &Slot,
        facts: &Facts,
        values: &Values,
        dice: &mut Dice,
    ) -> Result<Columns, NoValue> {
        let none = || NoValue(format!("there is nothing for the slot `{name}` on this phone"));
        let fits = |value: &Columns| is_fitting(name, slot, value, facts, values);
        match &slot.source {
            Source::Number { low, high, every } => {
                let count = usize::try_from((high - low) / every + 1).unwrap_or(1);
                let number = |at: usize| columns(&[("is", (low + every * at as i64).to_string())]);
                (0..TRIES).map(|_| number(dice.below(count))).find(|value| fits(value)).ok_or_else(none)
            }
            Source::Time { low, high, every } => {
                let count = ((high - low) / every + 1) as usize;
                let time = |at: usize| time_columns(low + every * at as u32, self.language);
                (0..TRIES).map(|_| time(dice.below(count))).find(|value| fits(value)).ok_or_else(none)
            }
            Source::Day { low, high } => {
                let day = |at: usize| day_columns(low + at as u32, self.epoch, self.language);
                let count = (high - low + 1) as usize;
                (0..TRIES).map(|_| day(dice.below(count))).find(|value| fits(value)).ok_or_else(none)
            }
            Source::Table(table) => {
                // A row may draw from other tables, so the row is what is drawn, and tried again.
                let rows = self.catalog.rows(table, self.part, self.language);
                let mut row = || (!rows.is_empty()).then(|| self.row(dice.pick(rows), dice, DEPTH_MAX));
                (0..TRIES).map_while(|_| row()).find(|value| fits(value)).ok_or_else(none)
            }
            Source::Choice(rows) => {
                let rows: Vec<Columns> = rows.iter().map(|row| self.row(row, dice, DEPTH_MAX)).collect();
                one_of(rows, slot, fits, dice).ok_or_else(none)
            }
            Source::Each(pattern) => {
                let (head, tail) = (fill(&pattern.head, values)?, fill(&pattern.tail, values)?);
                let pattern = crate::template::FactPattern { head, tail, ..pattern.clone() };
                let row = |(fact, value): (&String, &String)| {
                    let is = pattern.wildcard_text(fact)?;
                    let mut found = columns(&[("is", is.to_owned()), ("value", value.clone())]);
                    found.extend(parts(value));
                    Some(found)
                };
                one_of(facts.iter().filter_map(row).collect(), slot, fits, dice).ok_or_else(none)
            }
            Source::Fact(fact) => {
                let value = facts.get(&fill(fact, values)?).ok_or_else(none)?;
                let mut found = columns(&[("is", value.clone())]);
                // What somebody wrote, without who did.
                found.extend(value.split_once(": ").map(|(_, text)| ("text".to_owned(), text.to_owned())));
                found.extend(parts(value));
                Some(found).filter(|value| fits(value)).ok_or_else(none)
            }
            Source::Count(pattern, is) => {
                let (head, tail) = (fill(&pattern.head, values)?, fill(&pattern.tail, values)?);
                let pattern = crate::template::FactPattern { head, tail, ..pattern.clone() };
                let is = is.as_ref().map(|is| fill(is, values)).transpose()?;
                let counts = |(fact, value): &(&String, &String)| {
                    pattern.wildcard_text(fact).is_some() && is.as_ref().is_none_or(|is| is == *value)
                };
                let count = columns(&[("is", facts.iter().filter(counts).count().to_string())]);
                Some(count).filter(|value| fits(value)).ok_or_else(none)
            }
            Source::Calculate(text) => {
                let text = fill(text, values)?;
                let number = calculate(&text).ok_or_else(|| NoValue(format!("`{text}` cannot be worked out")))?;
                Some(columns(&[("is", number.to_string())])).filter(|value| fits(value)).ok_or_else(none)
            }
            Source::PartOf(text) => {
                let text = fill(text, values)?;
                let rows =
                    text.split("; ").filter(|part| !part.is_empty()).map(|part| columns(&[("is", part.to_owned())]));
                one_of(rows.collect(), slot, fits, dice).ok_or_else(none)
            }
            Source::Later { than, minutes } => {
                let than = fill(than, values)?;
                let minute = minute_of(&than).ok_or_else(|| NoValue(format!("`{than}` is no time")))?;
                let later = (i64::from(minute) + minutes).rem_euclid(24 * 60);
                Some(time_columns(later as u32, self.language)).filter(|value| fits(value)).ok_or_else(none)
            }
        }
    }

    /// A row's columns, with what it draws from other tables.
    fn row(&self, cells: &Cells, dice: &mut Dice, depth: usize) -> Columns {
        match cells {
            Cells::Text(text) => {
                let is = self.fill_tables(text, dice, depth);
                // A telephone number as apps compare it.
                let digits: String = is.chars().filter(char::is_ascii_digit).collect();
                columns(&[("digits", digits), ("is", is)])
            }
            Cells::Named(named) => {
                let mut row: Columns = Columns::new();
                for (name, text) in named {
                    row.insert(name.clone(), self.fill_tables(text, dice, depth));
                }
                if !row.contains_key("is")
                    && let Some(text) = row.get(self.language.code()).cloned()
                {
                    row.insert("is".to_owned(), text);
                }
                row
            }
        }
    }

    /// A text with a row of another table in place of each `{#table}`.
    fn fill_tables(&self, text: &str, dice: &mut Dice, depth: usize) -> String {
        let Some((before, tail)) = text.split_once("{#").filter(|_| depth > 0) else { return text.to_owned() };
        let Some((table, tail)) = tail.split_once('}') else { return text.to_owned() };
        let rows = self.catalog.rows(table, self.part, self.language);
        let row = if rows.is_empty() { Columns::new() } else { self.row(dice.pick(rows), dice, depth - 1) };
        let inside = row.get("is").map_or("", String::as_str);
        format!("{before}{inside}{}", self.fill_tables(tail, dice, depth))
    }
}

/// What stands between the ` | ` of a fact's value, counted from 1.
fn parts(value: &str) -> impl Iterator<Item = (String, String)> {
    let parts = value.contains(" | ").then(|| value.split(" | ").enumerate());
    parts.into_iter().flatten().map(|(at, part)| ((at + 1).to_string(), part.to_owned()))
}

fn one_of(
    mut rows: Vec<Columns>,
    slot: &Slot,
    mut fits: impl FnMut(&Columns) -> bool,
    dice: &mut Dice,
) -> Option<Columns> {
    rows.retain(&mut fits);
    let text = |row: &Columns| row.get("is").cloned().unwrap_or_default();
    if slot.alike {
        let pairs = (0..rows.len()).flat_map(|one| (one + 1..rows.len()).map(move |other| (one, other)));
        let (one, other) = pairs.max_by_key(|(one, other)| likeness(&text(&rows[*one]), &text(&rows[*other])))?;
        return Some(rows.swap_remove(if dice.chance(50) { one } else { other }));
    }
    (!rows.is_empty()).then(|| dice.pick(&rows).clone())
}

fn is_fitting(name: &str, slot: &Slot, value: &Columns, facts: &Facts, values: &Values) -> bool {
    if slot.given.is_empty() && slot.absent.is_empty() && slot.unlike.is_empty() {
        return true;
    }
    let mut values = values.clone();
    values.insert(name.to_owned(), value.clone());
    let text = |text: &String| fill(text, &values).unwrap_or_default();
    let own = value.get("is").map_or(String::new(), |own| own.to_lowercase());
    slot.given.iter().all(|(fact, is)| facts.get(&text(fact)).is_some_and(|found| *found == text(is)))
        && slot.absent.iter().all(|fact| !facts.contains_key(&text(fact)))
        && slot.unlike.iter().all(|other| text(other).to_lowercase() != own)
}

fn calculate(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let mut number: i64 = words.next()?.parse().ok()?;
    while let Some(sign) = words.next() {
        let other: i64 = words.next()?.parse().ok()?;
        number = match sign {
            "+" => number.checked_add(other)?,
            "-" => number.checked_sub(other)?,
            "*" => number.checked_mul(other)?,
            _ => return None,
        };
    }
    Some(number)
}

fn minute_of(time: &str) -> Option<u32> {
    let (hour, minute) = time.split_once(':')?;
    Some(60 * hour.parse::<u32>().ok()? + minute.parse::<u32>().ok()?)
}
