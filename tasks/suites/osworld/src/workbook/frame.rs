//! A sheet as `pandas.read_excel` makes a table of it: names from the first row, one type a column.

use std::collections::BTreeMap;

use crate::error::EvaluatorErrorKind as Kind;
use crate::workbook::cells::{CellContext, SheetRow};
use crate::workbook::value::{CellValue, Moment};

/// Cells of a table, those between included.
const CELLS_MAX: usize = 2_000_000;

/// A table.
#[derive(Clone, Debug)]
pub struct DataFrame {
    pub names: Vec<CellValue>,
    columns: Vec<Column>,
}

/// A column, by what all of it could be made.
#[derive(Clone, Debug)]
enum Column {
    Signed(Vec<i64>),
    Unsigned(Vec<u64>),
    Float(Vec<f64>),
    Bool(Vec<bool>),
    /// Microseconds since 1970; `None` is missing.
    DateTime(Vec<Option<i64>>),
    Duration(Vec<Option<i64>>),
    /// Values of several kinds, or of none of the kinds above.
    Object(Vec<CellValue>),
}

/// What pandas takes for missing when it is a whole text.
const MISSING: &[&str] = &[
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Times that pandas can hold, in microseconds since 1970: it counts nanoseconds.
const TIMES: std::ops::RangeInclusive<i64> = -9_223_372_036_854_775..=9_223_372_036_854_775;

impl DataFrame {
    /// # Errors
    /// If a cell cannot be read, or there are too many.
    pub fn read(name: &str, rows: &[SheetRow], context: &CellContext) -> Result<DataFrame, Kind> {
        let table = table(name, rows, context)?;
        let Some((first, rest)) = table.split_first() else {
            return Ok(DataFrame { names: Vec::new(), columns: Vec::new() });
        };
        let names = unique_names(first);
        let columns = (0..first.len()).map(|at| Column::infer(rest.iter().map(|row| row[at].clone()).collect()));
        Ok(DataFrame { names, columns: columns.collect() })
    }

    /// Numbers rounded to so many places behind the point, as numpy rounds them.
    pub fn round(&mut self, places: i32) {
        for column in &mut self.columns {
            column.round(places);
        }
    }

    /// `frame.equals(other)`: the same names, the same types, the same values.
    pub fn equals(&self, other: &DataFrame) -> bool {
        let same = |a: &[CellValue], b: &[CellValue]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b));
        same(&self.names, &other.names) && self.columns.iter().zip(&other.columns).all(|(a, b)| a.equals(b))
    }
}

/// The rows, all of one length, without what is empty at the ends.
fn table(name: &str, rows: &[SheetRow], context: &CellContext) -> Result<Vec<Vec<CellValue>>, Kind> {
    let too_large = || Kind::unreadable(name, format!("its table has more than {CELLS_MAX} cells"));
    let mut table: Vec<Vec<CellValue>> = Vec::new();
    let mut count = 0;
    for row in rows {
        // A row that comes again, or after a later one, is put behind those that there are.
        while (table.len() as u32) + 1 < row.number {
            table.push(Vec::new());
        }
        if table.len() as u32 >= row.number && !table.is_empty() {
            continue;
        }
        // It grows as far as something stands, and no farther: a million rows that end in an empty cell far out are nothing.
        let width = row.cells.last().map_or(0, |cell| cell.place.column as usize);
        let mut values = Vec::new();
        for cell in &row.cells {
            let place = cell.place.column as usize;
            let Some(value) = cell.value(name, context)? else { continue };
            if place > values.len() && place <= width && !value.is_empty() {
                values.resize(place, CellValue::empty());
            }
            if let Some(slot) = values.get_mut(place - 1) {
                *slot = value;
            }
        }
        while values.last().is_some_and(CellValue::is_empty) {
            values.pop();
        }
        count += values.len();
        if count > CELLS_MAX {
            return Err(too_large());
        }
        table.push(values);
    }
    while table.last().is_some_and(Vec::is_empty) {
        table.pop();
    }
    let width = table.iter().map(Vec::len).max().unwrap_or(0);
    if width.saturating_mul(table.len()) > CELLS_MAX {
        return Err(too_large());
    }
    for row in &mut table {
        row.resize_with(width, CellValue::empty);
    }
    Ok(table)
}

/// What two names have to share to be one key of a dictionary of Python.
fn key(name: &CellValue) -> String {
    match name {
        CellValue::Bool(is) => format!("n{}", u8::from(*is)),
        CellValue::Integer(number) => format!("n{number}"),
        CellValue::Float(number) => format!("f{number}"),
        CellValue::Text(text) => format!("t{text}"),
        CellValue::Moment(moment) => format!("m{moment:?}"),
        CellValue::Missing => "missing".to_owned(),
    }
}

/// A name as it stands in the name of its double.
fn spelling(name: &CellValue) -> String {
    match name {
        CellValue::Bool(true) => "True".to_owned(),
        CellValue::Bool(false) => "False".to_owned(),
        CellValue::Integer(number) => number.to_string(),
        CellValue::Float(number) => crate::python::value::float_text(*number),
        CellValue::Text(text) => text.clone(),
        CellValue::Moment(moment) => format!("{moment:?}"),
        CellValue::Missing => "nan".to_owned(),
    }
}

/// The names of columns: those without are numbered, and doubles get a number behind, the named ones first.
fn unique_names(row: &[CellValue]) -> Vec<CellValue> {
    let named = row.iter().enumerate().map(|(at, name)| match name.is_empty() {
        true => CellValue::Text(format!("Unnamed: {at}")),
        false => name.clone(),
    });
    let mut names: Vec<CellValue> = named.collect();
    let mut present: BTreeMap<String, usize> = BTreeMap::new();
    for name in &names {
        *present.entry(key(name)).or_default() += 1;
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let order = |unnamed: bool| (0..row.len()).filter(move |at| row[*at].is_empty() == unnamed);
    for at in order(false).chain(order(true)) {
        let old = key(&names[at]);
        let mut new = names[at].clone();
        let mut count = counts.get(&old).copied().unwrap_or(0);
        while count > 0 {
            counts.insert(old.clone(), count + 1);
            new = CellValue::Text(format!("{}.{count}", spelling(&names[at])));
            count = match present.get(&key(&new)).copied().unwrap_or(0) {
                0 => counts.get(&key(&new)).copied().unwrap_or(0),
                _ => count + 1,
            };
        }
        if let Some(left) = present.get_mut(&old) {
            *left -= 1;
        }
        *present.entry(key(&new)).or_default() += 1;
        counts.insert(key(&new), count + 1);
        names[at] = new;
    }
    names
}

/// What has been seen of a column that may be one of numbers.
#[derive(Default)]
struct Seen {
    is_missing: bool,
    has_float: bool,
    has_integer: bool,
    has_negative: bool,
    /// A number that only an unsigned one holds.
    has_large: bool,
    has_bool: bool,
}

impl Seen {
    fn integer(&mut self, number: i128) {
        self.has_integer = true;
        let is_signed = i64::try_from(number).is_ok();
        self.has_negative = self.has_negative || number < 0 && is_signed;
        self.has_large = self.has_large || !is_signed && u64::try_from(number).is_ok();
        self.has_float = self.has_float || !is_signed && u64::try_from(number).is_err();
    }

    fn missing(&mut self) {
        self.is_missing = true;
        self.has_float = true;
    }
}

impl Column {
    fn infer(values: Vec<CellValue>) -> Column {
        if values.is_empty() {
            return Column::Object(values);
        }
        match numbers(&values) {
            Numbers::Are(column) => column,
            Numbers::Conflict => bools_or_objects(values),
            Numbers::Not => {
                let is_missing = |value: &CellValue| matches!(value, CellValue::Text(text) if is_missing(text));
                let values =
                    values.into_iter().map(|value| if is_missing(&value) { CellValue::Missing } else { value });
                bools_or_objects(values.collect())
            }
        }
    }

    fn round(&mut self, places: i32) {
        let factor = 10_f64.powi(places.abs());
        let rounded = |number: f64| match places {
            0 => number.round_ties_even(),
            1.. => (number * factor).round_ties_even() / factor,
            _ => (number / factor).round_ties_even() * factor,
        };
        match self {
            Column::Float(numbers) => numbers.iter_mut().for_each(|number| *number = rounded(*number)),
            Column::Signed(numbers) if places < 0 => {
                numbers.iter_mut().for_each(|number| *number = rounded(*number as f64) as i64);
            }
            Column::Unsigned(numbers) if places < 0 => {
                numbers.iter_mut().for_each(|number| *number = rounded(*number as f64) as u64);
            }
            Column::Signed(_)
            | Column::Unsigned(_)
            | Column::Bool(_)
            | Column::DateTime(_)
            | Column::Duration(_)
            | Column::Object(_) => {}
        }
    }

    fn equals(&self, other: &Column) -> bool {
        match (self, other) {
            (Column::Signed(a), Column::Signed(b)) => a == b,
            (Column::Unsigned(a), Column::Unsigned(b)) => a == b,
            (Column::Float(a), Column::Float(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || a.is_nan() && b.is_nan())
            }
            (Column::Bool(a), Column::Bool(b)) => a == b,
            (Column::DateTime(a), Column::DateTime(b)) | (Column::Duration(a), Column::Duration(b)) => a == b,
            (Column::Object(a), Column::Object(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            _ => false,
        }
    }
}

fn is_missing(text: &str) -> bool {
    MISSING.binary_search(&text).is_ok()
}

/// What `maybe_convert_numeric` makes of a column.
enum Numbers {
    Are(Column),
    /// Numbers that no type holds together; they stay as they are, what is missing too.
    Conflict,
    Not,
}

fn numbers(values: &[CellValue]) -> Numbers {
    let mut seen = Seen::default();
    let mut floats = Vec::with_capacity(values.len());
    let mut integers = Vec::with_capacity(values.len());
    for value in values {
        let (float, integer) = match value {
            CellValue::Missing => {
                seen.missing();
                (f64::NAN, 0)
            }
            CellValue::Float(number) => {
                seen.has_float = true;
                (*number, 0)
            }
            CellValue::Integer(number) => {
                seen.integer(*number);
                (*number as f64, *number)
            }
            CellValue::Bool(is) => {
                seen.has_bool = true;
                (f64::from(u8::from(*is)), i128::from(*is))
            }
            CellValue::Text(text) if is_missing(text) => {
                seen.missing();
                (f64::NAN, 0)
            }
            CellValue::Text(text) => match number_in_text(text) {
                Some(CellValue::Integer(number)) => {
                    if i64::try_from(number).is_err() && u64::try_from(number).is_err() {
                        return Numbers::Not;
                    }
                    seen.integer(number);
                    (number as f64, number)
                }
                Some(CellValue::Float(number)) => {
                    seen.has_float = true;
                    (number, 0)
                }
                _ => return Numbers::Not,
            },
            CellValue::Moment(_) => return Numbers::Not,
        };
        floats.push(float);
        integers.push(integer);
    }
    if seen.has_large && (seen.is_missing || seen.has_negative) {
        return Numbers::Conflict;
    }
    Numbers::Are(if seen.has_float {
        Column::Float(floats)
    } else if seen.has_large {
        Column::Unsigned(integers.into_iter().map(|number| number as u64).collect())
    } else if seen.has_integer {
        Column::Signed(integers.into_iter().map(|number| number as i64).collect())
    } else {
        Column::Bool(integers.into_iter().map(|number| number != 0).collect())
    })
}

/// A number as pandas reads it in a text: digits, a point, an exponent, blanks around; or infinity.
fn number_in_text(text: &str) -> Option<CellValue> {
    let is_blank = |char: char| matches!(char, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
    let plain = text.trim_matches(is_blank);
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    if !unsigned.starts_with(|char: char| char.is_ascii_digit() || char == '.') {
        // Blanks are not let off here.
        let word = text.strip_prefix(['-', '+']).unwrap_or(text).to_ascii_lowercase();
        let infinity = if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
        return matches!(word.as_str(), "inf" | "infinity").then_some(CellValue::Float(infinity));
    }
    if !unsigned.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+')) {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return plain.parse().ok().map(CellValue::Integer);
    }
    plain.parse().ok().filter(|number: &f64| number.is_finite()).map(CellValue::Float)
}

/// Columns of truth values, spelt or not, and of moments; else the values as they are.
fn bools_or_objects(values: Vec<CellValue>) -> Column {
    let truth = |value: &CellValue| match value {
        CellValue::Bool(is) => Some(Some(*is)),
        CellValue::Text(text) => match text.as_str() {
            "True" | "TRUE" | "true" => Some(Some(true)),
            "False" | "FALSE" | "false" => Some(Some(false)),
            _ => None,
        },
        // Any fraction counts as missing here.
        CellValue::Missing | CellValue::Float(_) => Some(None),
        CellValue::Integer(_) | CellValue::Moment(_) => None,
    };
    let truths: Option<Vec<Option<bool>>> = values.iter().map(truth).collect();
    if let Some(truths) = truths {
        return match truths.iter().copied().collect::<Option<Vec<bool>>>() {
            Some(all) => Column::Bool(all),
            None => {
                Column::Object(truths.into_iter().map(|is| is.map_or(CellValue::Missing, CellValue::Bool)).collect())
            }
        };
    }
    let moments = |pick: fn(Moment) -> Option<i64>| -> Option<Vec<Option<i64>>> {
        let one = |value: &CellValue| match value {
            CellValue::Moment(moment) => pick(*moment).filter(|micros| TIMES.contains(micros)).map(Some),
            CellValue::Missing => Some(None),
            _ => None,
        };
        values.iter().map(one).collect()
    };
    let date_times = moments(|moment| if let Moment::DateTime(micros) = moment { Some(micros) } else { None });
    let durations = moments(|moment| if let Moment::Duration(micros) = moment { Some(micros) } else { None });
    match (date_times, durations) {
        (Some(micros), _) => Column::DateTime(micros),
        (None, Some(micros)) => Column::Duration(micros),
        (None, None) => Column::Object(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(texts: &[&str]) -> String {
        let values = texts.iter().map(|text| match *text {
            "True" => CellValue::Bool(true),
            "#" => CellValue::Missing,
            text if text.starts_with('=') => CellValue::Text(text[1..].to_owned()),
            text => CellValue::number(text).unwrap_or_else(|| CellValue::Text(text.to_owned())),
        });
        match Column::infer(values.collect()) {
            Column::Signed(_) => "int64",
            Column::Unsigned(_) => "uint64",
            Column::Float(_) => "float64",
            Column::Bool(_) => "bool",
            Column::DateTime(_) => "datetime64",
            Column::Duration(_) => "timedelta64",
            Column::Object(_) => "object",
        }
        .to_owned()
    }

    #[test]
    fn columns_have_the_types_that_pandas_gives_them() {
        for (values, expected) in [
            (&["1", "2"][..], "int64"),
            (&["1", "2.5"], "float64"),
            (&["1", "#"], "float64"),
            (&["1", "="], "float64"),
            (&["True", "#"], "float64"),
            (&["True", "1"], "int64"),
            (&["True", "=x"], "object"),
            (&["True", "=False"], "bool"),
            (&["=12", "=13"], "int64"),
            (&["= 12 ", "=1.5"], "float64"),
            (&["=1_0", "2"], "object"),
            (&["=1E", "2"], "object"),
            (&["=1e400", "2"], "object"),
            (&["=-Infinity", "2"], "float64"),
            (&["=NA", "=x"], "object"),
            (&["=true", "=FALSE"], "bool"),
            (&["=true", "="], "object"),
            (&["9223372036854775808", "1"], "uint64"),
            (&["9223372036854775808", "-1"], "object"),
            (&["9223372036854775808", "#"], "object"),
            (&["=9223372036854775808", "=-1"], "object"),
            (&["=18446744073709551616", "=1"], "object"),
            (&["", "#"], "float64"),
        ] {
            assert_eq!(kind(values), expected, "{values:?}");
        }
        assert!(MISSING.is_sorted());
    }

    #[test]
    fn names_are_unique() {
        let name = |text: &str| CellValue::Text(text.to_owned());
        for (row, expected) in [
            (["a", "a", "a"], ["a", "a.1", "a.2"]),
            (["a", "a.1", "a"], ["a", "a.1", "a.2"]),
            (["a.1", "a", "a"], ["a.1", "a", "a.2"]),
            (["x", "", "x"], ["x", "Unnamed: 1", "x.1"]),
            (["Unnamed: 1", "", ""], ["Unnamed: 1", "Unnamed: 1.1", "Unnamed: 2"]),
        ] {
            let names = unique_names(&row.map(name));
            assert!(names.iter().zip(expected).all(|(found, expected)| found.equals(&name(expected))), "{names:?}");
        }
    }

    #[test]
    fn numbers_are_rounded_as_numpy_rounds_them() {
        let mut column = Column::Float(vec![1e305, 1.00005, 2.00015, -0.00005, 123_456_789.123_456]);
        column.round(4);
        assert!(column.equals(&Column::Float(vec![f64::INFINITY, 1.0001, 2.0002, 0.0, 123_456_789.123_5])));
        let mut column = Column::Signed(vec![15, 25, 1_234_567]);
        column.round(-1);
        assert!(column.equals(&Column::Signed(vec![20, 20, 1_234_570])));
    }
}
