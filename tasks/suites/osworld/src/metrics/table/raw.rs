//! What is written in cells, as upstream's own reader has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::sheet::Book;
use crate::error::EvaluatorErrorKind as Kind;
use crate::python::text::strip;
use crate::python::value::parse_float;
use crate::workbook::cells::CellPlace;
use crate::xml;

/// What is written in cells of a sheet; nothing where there is no cell.
pub(super) struct RawValues {
    values: BTreeMap<CellPlace, Result<Value, Kind>>,
}

impl RawValues {
    /// # Errors
    /// Where upstream's function raises.
    pub(super) fn get(&self, place: &CellPlace) -> Result<Value, Kind> {
        self.values.get(place).cloned().unwrap_or(Ok(Value::Null))
    }
}

/// Reads cells as they are written, a formula by what it gave. Upstream takes the sheet's number for the number in its part's name,
/// so that in a workbook whose sheets were moved or deleted another sheet may be read, or none.
pub(super) fn raw_values(book: &Book, sheet: &str, places: &[CellPlace]) -> Result<RawValues, Kind> {
    let wanted: BTreeSet<CellPlace> = places.iter().copied().collect();
    values_where(book, sheet, |place| wanted.contains(&place))
}

/// As [`raw_values`], of all cells that there are.
pub(super) fn all_values(book: &Book, sheet: &str) -> Result<RawValues, Kind> {
    values_where(book, sheet, |_| true)
}

fn values_where(book: &Book, sheet: &str, is_wanted: impl Fn(CellPlace) -> bool) -> Result<RawValues, Kind> {
    let nothing = RawValues { values: BTreeMap::new() };
    let package = &book.workbook.package;
    let Some(found) = book.workbook.sheets.iter().rfind(|found| found.name == sheet) else { return Ok(nothing) };
    let path = format!("xl/worksheets/sheet{}.xml", found.id);
    let Some(text) = package.text(&path)? else { return Ok(nothing) };
    let document = book.workbook.parse(&path, &text)?;
    let shared = shared_strings(book)?;
    let mut values = BTreeMap::new();
    for row in document.descendants().filter(|node| node.is_element() && node.tag_name().name() == "row") {
        for cell in xml::children(row, "c") {
            let name = cell.attribute("r").unwrap_or_default();
            // A name counts only as it is written in full; `$A$1` and `a1` are none.
            let place = CellPlace::parse(name).filter(|place| place.name() == name);
            if let Some(place) = place.filter(|place| is_wanted(*place)) {
                values.entry(place).or_insert_with(|| raw_value(cell, shared.as_deref()));
            }
        }
    }
    Ok(RawValues { values })
}

/// The texts that cells share, with how they are pronounced; `None` if one is empty, which upstream's reader gives all up for.
fn shared_strings(book: &Book) -> Result<Option<Vec<String>>, Kind> {
    let Some(text) = book.workbook.package.text("xl/sharedStrings.xml")? else { return Ok(None) };
    let document = book.workbook.parse("xl/sharedStrings.xml", &text)?;
    let mut strings = Vec::new();
    for item in xml::children(document.root_element(), "si") {
        let mut string = String::new();
        for part in item.descendants().filter(|node| node.is_element() && node.tag_name().name() == "t") {
            match xml::text(part) {
                Some(text) => string.push_str(text),
                None => return Ok(None),
            }
        }
        strings.push(string);
    }
    Ok(Some(strings))
}

fn raw_value<'a>(cell: roxmltree::Node<'a, 'a>, shared: Option<&[String]>) -> Result<Value, Kind> {
    let place = cell.attribute("r").unwrap_or_default();
    let raises = |why: &str| Kind::output(format!("cell {place} {why}"));
    let written = xml::children(cell, "v").next().map(|node| strip(xml::text_of(node)));
    match (cell.attribute("t").unwrap_or("n"), written) {
        ("inlineStr", _) => {
            let inline = xml::children(cell, "is").next();
            let Some(text) = inline.and_then(|inline| xml::children(inline, "t").next()) else {
                return Ok(Value::Null);
            };
            let content = strip(xml::text_of(text));
            let content = if content.is_empty() { Value::Null } else { json!(content) };
            // A text with an attribute is a dictionary to upstream's reader.
            Ok(match text.attributes().next() {
                None => content,
                Some(space) => {
                    json!({format!("@{}:{}", space.namespace().unwrap_or(""), space.name()): space.value(), "#text": content})
                }
            })
        }
        ("n" | "s", Some("")) => Err(raises("has a value that is empty")),
        ("n", Some(text)) => match parse_float(text) {
            None => Ok(Value::Null),
            Some(number) if number.is_finite() => Ok(json!(number)),
            Some(_) => Err(raises("holds a number without bounds")),
        },
        ("s", Some(text)) => match text.parse::<usize>() {
            Err(_) => Ok(Value::Null),
            Ok(index) => {
                let shared = shared.and_then(|shared| shared.get(index));
                shared.map(|text| json!(text)).ok_or_else(|| raises("refers to a text that cannot be had"))
            }
        },
        ("str" | "e", Some(text)) => Ok(if text.is_empty() { Value::Null } else { json!(text) }),
        _ => Ok(Value::Null),
    }
}
