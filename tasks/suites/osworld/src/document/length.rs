//! Lengths as documents of Word write them, in English Metric Units: 914,400 of an inch.

use crate::error::EvaluatorErrorKind as Kind;

const OF_TWIP: i64 = 635;
const OF_POINT: f64 = 12_700.0;
/// A line, of which line spacing is a multiple.
pub const OF_LINE: f64 = 152_400.0;
/// Twentieths of a point that a length may come to: a hundred times the longest page.
const TWIPS_MAX: f64 = 1e8;

/// Twentieths of a point, or a number with a unit.
///
/// # Errors
/// If it is neither.
pub fn twips(text: &str) -> Result<i64, Kind> {
    if text.contains(['i', 'm', 'p']) {
        return with_unit(text);
    }
    let number = crate::python::value::parse_float(text).filter(|number| number.abs() <= TWIPS_MAX);
    Ok(number.ok_or_else(|| wrong(text))?.round_ties_even() as i64 * OF_TWIP)
}

/// Halves of a point, or a number with a unit, in points.
///
/// # Errors
/// If it is neither.
pub fn points(half_points: &str) -> Result<f64, Kind> {
    if half_points.contains(['m', 'n', 'p']) {
        return Ok(with_unit(half_points)? as f64 / OF_POINT);
    }
    let number: u32 = half_points.trim().parse().map_err(|_| wrong(half_points))?;
    Ok((f64::from(number) / 2.0 * OF_POINT).trunc() / OF_POINT)
}

/// A number with a unit.
///
/// # Errors
/// If it is none.
pub fn with_unit(text: &str) -> Result<i64, Kind> {
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(2)).ok_or_else(|| wrong(text))?;
    let factor = match unit {
        "mm" => 36_000.0,
        "cm" => 360_000.0,
        "in" => 914_400.0,
        "pt" => OF_POINT,
        "pc" | "pi" => 152_400.0,
        _ => return Err(wrong(text)),
    };
    let number = crate::python::value::parse_float(number).filter(|number| number.abs() <= TWIPS_MAX);
    Ok((number.ok_or_else(|| wrong(text))? * factor).round_ties_even() as i64)
}

fn wrong(text: &str) -> Kind {
    Kind::output(format!("{text:?} is no length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        for (text, expected) in
            [("240", 152_400), ("-20", -12_700), ("1in", 914_400), ("12.5pt", 158_750), ("2.5", 1_270)]
        {
            assert_eq!(twips(text), Ok(expected), "{text}");
        }
        assert_eq!(points("28"), Ok(14.0));
        assert_eq!(points("14pt"), Ok(14.0));
        for text in ["", "x", "1em", "é", "1e300"] {
            assert!(twips(text).is_err(), "{text}");
        }
    }
}
