//! What a cell of a workbook holds, as openpyxl hands it to pandas.

use crate::python::value::parse_float;

/// A value, by the kinds that Python tells apart. What is empty is an empty text.
#[derive(Clone, Debug)]
pub enum CellValue {
    Bool(bool),
    /// A number without a fraction, however it is written.
    Integer(i128),
    Float(f64),
    Text(String),
    Moment(Moment),
    /// An error such as `#DIV/0!`, and what pandas takes for missing.
    Missing,
}

/// A date, a time or a duration, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Since the begin of 1970.
    DateTime(i64),
    /// Since the begin of 1970, at midnight, of a cell that says that it is a date alone.
    Date(i64),
    /// Since midnight.
    Time(i64),
    Duration(i64),
}

const MICROSECONDS_OF_DAY: i64 = 86_400_000_000;
/// Days from the begin of 1970 to the two days that serial numbers count from, and to the ends of Python's calendar.
const EPOCH_OF_1900: i64 = -25_569;
const EPOCH_OF_1904: i64 = -24_107;
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;
/// Days that are counted in microseconds here; Python's own come to ten times as many.
const DAYS_MAX: f64 = 1e8;

impl CellValue {
    pub fn empty() -> CellValue {
        CellValue::Text(String::new())
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, CellValue::Text(text) if text.is_empty())
    }

    /// A number as it stands in a cell; `None` where Python raises.
    pub fn number(text: &str) -> Option<CellValue> {
        let is_fraction = text.contains(['.', 'e', 'E']);
        if !is_fraction && let Ok(integer) = text.trim().parse() {
            return Some(CellValue::Integer(integer));
        }
        let float = parse_float(text)?;
        // Python reads digits without a point as a whole number of any length.
        let is_digits = text.trim().trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit());
        if !is_fraction && !is_digits {
            return None;
        }
        if !float.is_finite() {
            return None;
        }
        Some(CellValue::whole(float))
    }

    /// A number, as a whole one if it is.
    fn whole(float: f64) -> CellValue {
        if float.fract() == 0.0 && float.abs() < 1e38 {
            CellValue::Integer(float as i128)
        } else {
            CellValue::Float(float)
        }
    }

    fn as_float(&self) -> Option<f64> {
        match self {
            CellValue::Bool(is) => Some(f64::from(u8::from(*is))),
            CellValue::Integer(number) => Some(*number as f64),
            CellValue::Float(number) => Some(*number),
            CellValue::Text(_) | CellValue::Moment(_) | CellValue::Missing => None,
        }
    }

    fn as_integer(&self) -> Option<i128> {
        match self {
            CellValue::Bool(is) => Some(i128::from(*is)),
            CellValue::Integer(number) => Some(*number),
            CellValue::Float(_) | CellValue::Text(_) | CellValue::Moment(_) | CellValue::Missing => None,
        }
    }

    /// `a == b`, with what is missing equal to itself, as pandas compares.
    pub fn equals(&self, other: &CellValue) -> bool {
        match (self, other) {
            (CellValue::Missing, CellValue::Missing) => true,
            (CellValue::Text(a), CellValue::Text(b)) => a == b,
            (CellValue::Moment(a), CellValue::Moment(b)) => a == b,
            (a, b) => match (a.as_integer(), b.as_integer()) {
                (Some(a), Some(b)) => a == b,
                _ => a.as_float().is_some_and(|a| b.as_float() == Some(a)),
            },
        }
    }
}

/// The moment that a number in a date's format stands for; `None` if it is outside of Python's calendar.
pub fn moment(number: &CellValue, is_1904: bool, is_duration: bool) -> Option<Moment> {
    let days = number.as_float()?;
    if days.abs() > DAYS_MAX {
        return None;
    }
    if is_duration {
        let micros = (days * MICROSECONDS_OF_DAY as f64).round_ties_even() as i64;
        let seconds = micros.div_euclid(1_000_000);
        let rest = micros.rem_euclid(1_000_000);
        // To the nearest thousandth of a second.
        let rest = (rest as f64 / 1_000.0).round_ties_even() as i64 * 1_000;
        return Some(Moment::Duration(seconds * 1_000_000 + rest));
    }
    let whole = days.floor();
    let millis = ((days - whole) * 86_400_000.0).round_ties_even() as i64;
    if (0.0..1.0).contains(&days) && millis < 86_400_000 {
        return Some(Moment::Time(millis * 1_000));
    }
    let mut day = whole as i64;
    // 1900 was no leap year, but is one where serial numbers come from.
    if 0.0 < days && days < 60.0 && !is_1904 {
        day += 1;
    }
    let day = day + if is_1904 { EPOCH_OF_1904 } else { EPOCH_OF_1900 };
    let (day, millis) = if millis >= 86_400_000 { (day + 1, millis - 86_400_000) } else { (day, millis) };
    (FIRST_DAY..=LAST_DAY).contains(&day).then(|| Moment::DateTime(day * MICROSECONDS_OF_DAY + millis * 1_000))
}

/// A moment as ISO 8601 writes it, as far as cells hold one.
pub fn iso_moment(text: &str) -> Option<Moment> {
    let (date, time) = match text.trim_end_matches('Z').split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None if text.contains(':') => ("", Some(text)),
        None => (text, None),
    };
    let time = time.map(time_of_day);
    if date.is_empty() {
        return time?.map(Moment::Time);
    }
    let mut parts = date.splitn(3, '-');
    let mut part = || parts.next()?.parse::<i64>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = time::Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let day = i64::from(date.to_julian_day()) - 2_440_588;
    if !(FIRST_DAY..=LAST_DAY).contains(&day) {
        return None;
    }
    match time {
        None => Some(Moment::Date(day * MICROSECONDS_OF_DAY)),
        Some(time) => Some(Moment::DateTime(day * MICROSECONDS_OF_DAY + time?)),
    }
}

fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hours, minutes) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let seconds: f64 = parts.next().map_or(Some(0.0), |seconds| seconds.parse().ok())?;
    let is_time = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0.0..60.0).contains(&seconds);
    is_time.then(|| (hours * 3_600 + minutes * 60) * 1_000_000 + (seconds * 1e6) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_moments() {
        let day = |days: i64| days * MICROSECONDS_OF_DAY;
        for (number, is_1904, is_duration, expected) in [
            ("43831", false, false, Some(Moment::DateTime(day(18_262)))),
            ("42369", true, false, Some(Moment::DateTime(day(18_262)))),
            ("1", false, false, Some(Moment::DateTime(day(-25_567)))),
            ("61", false, false, Some(Moment::DateTime(day(-25_508)))),
            ("0.5", false, false, Some(Moment::Time(day(1) / 2))),
            ("2.5", false, true, Some(Moment::Duration(day(5) / 2))),
            ("2958465", false, false, Some(Moment::DateTime(day(2_932_896)))),
            ("2958466", false, false, None),
            ("1e300", false, true, None),
            ("106751991.2", false, true, None),
            ("-106751991.2", true, true, None),
            ("99999999.99999999", true, false, None),
        ] {
            assert_eq!(moment(&CellValue::number(number).unwrap(), is_1904, is_duration), expected, "{number}");
        }
        assert_eq!(iso_moment("2020-01-01"), Some(Moment::Date(day(18_262))));
        assert_eq!(iso_moment("2020-01-01T12:00:00"), Some(Moment::DateTime(day(18_262) + day(1) / 2)));
        assert_eq!(iso_moment("2020-13-01"), None);
    }
}
