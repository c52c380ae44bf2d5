//! Conditional formats: which cells they are in force for.
//!
//! Only comparisons with numbers and texts are computed; a formula would take a program that computes formulas.

use std::cmp::Ordering;

use serde_json::Value;

use super::raw::{RawValues, all_values};
use super::sheet::Book;
use crate::error::EvaluatorErrorKind as Kind;
use crate::python::value::parse_float;
use crate::workbook::cells::{CellPlace, CellRange};
use crate::xml;

/// Empty cells of a format after which upstream's function goes on to its next range.
const EMPTY_MAX: usize = 50;
/// Cells that are looked at for all conditions of a sheet.
const STEPS_MAX: u64 = 2_000_000;

struct Condition<'a> {
    kind: &'a str,
    operator: &'a str,
    /// The style that it puts on.
    style: Option<usize>,
    formulas: Vec<&'a str>,
}

/// Cells that a condition holds for, with the number of the style that it puts on, in the order of the conditions.
///
/// # Errors
/// If a condition is one that is not computed here, and there is a cell to compute it for.
pub(super) fn active(book: &Book, sheet: &str) -> Result<Vec<(CellPlace, Option<usize>)>, Kind> {
    let Some((path, text)) = book.sheet_text(sheet)? else { return Ok(Vec::new()) };
    let document = book.workbook.parse(&path, &text)?;
    let values = all_values(book, sheet)?;
    let (mut found, mut steps) = (Vec::new(), 0);
    for format in xml::children(document.root_element(), "conditionalFormatting") {
        let texts = format.attribute("sqref").unwrap_or_default();
        let ranges: Option<Vec<CellRange>> = texts.split_whitespace().map(CellRange::parse).collect();
        let ranges =
            ranges.ok_or_else(|| Kind::unreadable(&book.file.name, format!("{texts:?} is no list of ranges")))?;
        for rule in xml::children(format, "cfRule") {
            let condition = Condition {
                kind: rule.attribute("type").unwrap_or_default(),
                operator: rule.attribute("operator").unwrap_or_default(),
                style: rule.attribute("dxfId").and_then(|style| style.parse().ok()),
                formulas: xml::children(rule, "formula").map(xml::text_of).collect(),
            };
            for place in condition.places(&values, &ranges, &mut steps)? {
                found.push((place, condition.style));
            }
        }
    }
    Ok(found)
}

impl Condition<'_> {
    fn places(&self, values: &RawValues, ranges: &[CellRange], steps: &mut u64) -> Result<Vec<CellPlace>, Kind> {
        let references: Option<Vec<Value>> = self.formulas.iter().map(|formula| constant(formula)).collect();
        let mut found = Vec::new();
        let mut empty = 0;
        for range in ranges {
            for place in range.cells() {
                *steps += 1;
                if *steps > STEPS_MAX {
                    return Err(Kind::TooLong);
                }
                let value = values.get(&place)?;
                if value.is_null() {
                    empty += 1;
                    if empty > EMPTY_MAX {
                        break;
                    }
                    continue;
                }
                let references = references.as_ref().filter(|_| self.kind == "cellIs");
                let references = references.ok_or(Kind::NotNative { needs: "a conditional format has a formula" })?;
                if is_met(self.operator, &value, references) {
                    found.push(place);
                }
            }
        }
        Ok(found)
    }
}

/// A number or a text in quotes; `None` for what would have to be computed.
fn constant(formula: &str) -> Option<Value> {
    let formula = formula.trim();
    if let Some(text) = formula.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return (!text.contains('"')).then(|| Value::String(text.to_owned()));
    }
    let is_plain = formula.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    parse_float(formula).filter(|_| is_plain).map(|number| serde_json::json!(number))
}

/// What has no order does not fulfil a condition that asks for one.
fn is_met(operator: &str, value: &Value, references: &[Value]) -> bool {
    let order = |at: usize| references.get(at).and_then(|reference| crate::python::value::compare(value, reference));
    let is_equal = || references.first().map(|reference| crate::python::value::equals(value, reference));
    let between = || {
        let (low, high) = match crate::python::value::compare(references.first()?, references.get(1)?)? {
            Ordering::Greater => (order(1)?, order(0)?),
            Ordering::Less | Ordering::Equal => (order(0)?, order(1)?),
        };
        Some(low != Ordering::Less && high != Ordering::Greater)
    };
    match operator {
        "lessThan" => order(0) == Some(Ordering::Less),
        "lessThanOrEqual" => order(0).is_some_and(|order| order != Ordering::Greater),
        "greaterThan" => order(0) == Some(Ordering::Greater),
        "greaterThanOrEqual" => order(0).is_some_and(|order| order != Ordering::Less),
        "equal" => is_equal() == Some(true),
        "notEqual" => is_equal() == Some(false),
        "between" => between() == Some(true),
        "notBetween" => between() == Some(false),
        _ => false,
    }
}
