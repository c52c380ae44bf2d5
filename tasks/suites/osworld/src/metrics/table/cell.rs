//! Single cells: what is written in them, and how they look.

use serde_json::Value;

use super::raw::raw_values;
use super::sheet::Book;
use super::style::{SheetStyles, style_value};
use crate::error::EvaluatorErrorKind as Kind;
use crate::metrics::rule::matches_rule;
use crate::workbook::cells::CellPlace;

/// Whether a cell is as a rule wants it.
pub(super) fn holds(book: &Book, sheet: &str, rule: &Value) -> Result<bool, Kind> {
    let coordinate = rule.get("coordinate").and_then(Value::as_str);
    let coordinate = coordinate.ok_or_else(|| Kind::rule("a rule has no text `coordinate`"))?;
    let props = rule.get("props").and_then(Value::as_object);
    let props = props.ok_or_else(|| Kind::rule("`props` of a rule is no object"))?;
    let place = CellPlace::parse(coordinate);
    let place = place.ok_or_else(|| Kind::rule(format!("{coordinate:?} is no cell")))?;
    let Some(styles) = SheetStyles::read(book, sheet)? else { return Ok(false) };
    book.seen.borrow_mut().insert((sheet.to_owned(), place));
    for (name, rule) in props {
        let value = match name.as_str() {
            "value" => raw_values(book, sheet, &[place])?.get(&place),
            name => style_value(name, &styles, place, None),
        };
        // What upstream's function raises for here is nothing, and what cannot be compared with the rule fails it.
        let value = match value {
            Ok(value) => value,
            Err(Kind::Output { .. }) => Value::Null,
            Err(error) => return Err(error),
        };
        match matches_rule(&value, rule) {
            Ok(true) => {}
            Ok(false) | Err(Kind::Output { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
