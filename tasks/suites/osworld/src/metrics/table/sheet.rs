//! What belongs to a sheet as a whole: its panes, its zoom, sizes of rows and columns, what may be typed into it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::error::EvaluatorErrorKind as Kind;
use crate::metrics::rule::matches_rule;
use crate::output::{StateFile, texts};
use crate::python::difference::character_score;
use crate::python::text::strip;
use crate::python::value::is_true;
use crate::workbook::Workbook;
use crate::workbook::cells::{CellPlace, CellRange, column_letters};
use crate::xml;

/// A workbook and the file that it came in.
pub(super) struct Book<'a> {
    pub(super) file: &'a StateFile,
    pub(super) workbook: Workbook<'a>,
    /// Cells that a rule has looked at, by their sheets: openpyxl makes those that are not there.
    pub(super) seen: RefCell<BTreeSet<(String, CellPlace)>>,
}

impl<'a> Book<'a> {
    pub(super) fn open(file: &'a StateFile) -> Result<Book<'a>, Kind> {
        Ok(Book { file, workbook: Workbook::open(file)?, seen: RefCell::default() })
    }

    /// The XML of a sheet with cells; `None` if there is no such sheet.
    pub(super) fn sheet_text(&self, name: &str) -> Result<Option<(String, String)>, Kind> {
        let Some(sheet) = self.workbook.sheet(name) else { return Ok(None) };
        Ok(Some((sheet.path.clone(), self.workbook.sheet_text(sheet)?)))
    }
}

/// The place that is on top below what is frozen; `None` if there is no such sheet.
pub(super) fn frozen(book: &Book, sheet: &str) -> Result<Option<Value>, Kind> {
    let Some((path, text)) = book.sheet_text(sheet)? else { return Ok(None) };
    let document = book.workbook.parse(&path, &text)?;
    let view = view(document.root_element());
    let pane = view.and_then(|view| xml::children(view, "pane").next());
    Ok(Some(pane.and_then(|pane| pane.attribute("topLeftCell")).map_or(Value::Null, |cell| json!(cell))))
}

fn view<'a>(root: roxmltree::Node<'a, 'a>) -> Option<roxmltree::Node<'a, 'a>> {
    xml::children(root, "sheetViews").flat_map(|views| xml::children(views, "sheetView")).next()
}

pub(super) fn zoom(book: &Book, sheet: &str) -> Result<Option<Value>, Kind> {
    let Some((path, text)) = book.sheet_text(sheet)? else { return Ok(None) };
    let document = book.workbook.parse(&path, &text)?;
    let scale = view(document.root_element()).and_then(|view| view.attribute("zoomScale"));
    let scale = scale.and_then(|scale| scale.parse::<i64>().ok()).filter(|scale| *scale != 0);
    Ok(Some(scale.map_or(json!(100.0), |scale| json!(scale))))
}

/// Rows or columns that the file says something of, and what.
pub(super) fn dimensions(book: &Book, sheet: &str, rule: &Value, of_rows: bool) -> Result<Value, Kind> {
    let Some((path, text)) = book.sheet_text(sheet)? else { return Ok(json!({})) };
    let document = book.workbook.parse(&path, &text)?;
    let empty = Vec::new();
    let props = texts(rule.get("props").and_then(Value::as_array).unwrap_or(&empty));
    let props = props.ok_or_else(|| Kind::rule("`props` of a rule is no list of texts"))?;
    let root = document.root_element();
    let mut found = Map::new();
    let name = book.workbook.package.part_name(&path);
    if of_rows {
        for row in crate::workbook::cells::rows(&name, &document)? {
            let says = |attribute: roxmltree::Attribute| {
                attribute.namespace().is_none() && !["r", "spans"].contains(&attribute.name())
            };
            if row.node.attributes().any(says) {
                found.insert(row.number.to_string(), properties(row.node, &props, of_rows)?);
            }
        }
        return Ok(Value::Object(found));
    }
    for column in xml::children(root, "cols").flat_map(|list| xml::children(list, "col")) {
        let first = column.attribute("min").and_then(|min| min.parse().ok());
        let first = first.ok_or_else(|| Kind::unreadable(&name, "a column has no number"))?;
        found.insert(column_letters(first), properties(column, &props, of_rows)?);
    }
    Ok(Value::Object(found))
}

fn properties(node: roxmltree::Node, props: &[&str], of_rows: bool) -> Result<Value, Kind> {
    let number = |name, default: Value| {
        node.attribute(name).and_then(|text| text.parse::<f64>().ok()).map_or(default, |number| json!(number))
    };
    let mut found = Map::new();
    for prop in props {
        let value = match (*prop, of_rows) {
            ("hidden" | "collapsed", _) => json!(xml::is_on(node.attribute(*prop), false)),
            ("height", true) => number("ht", Value::Null),
            ("width", false) => number("width", json!(13)),
            ("min" | "max", false) => number(prop, Value::Null),
            ("auto_size", false) => json!(xml::is_on(node.attribute("bestFit"), false)),
            _ => return Err(Kind::rule(format!("rows and columns have no {prop:?}"))),
        };
        found.insert((*prop).to_owned(), value);
    }
    Ok(Value::Object(found))
}

/// Sparklines of a sheet, by the cells that they are in.
pub(super) fn sparklines(book: Option<&Book>, sheet: &str) -> Result<Value, Kind> {
    let book = book.ok_or_else(|| Kind::rule("a rule names a sheet of what is expected, and nothing is"))?;
    let missing = || Kind::output(format!("there is no sheet {sheet:?}"));
    let found = book.workbook.sheets.iter().rfind(|found| found.name == sheet).ok_or_else(missing)?;
    let path = format!("xl/worksheets/sheet{}.xml", found.id);
    let text = book.workbook.package.text(&path)?.ok_or_else(missing)?;
    let document = book.workbook.parse(&path, &text)?;
    let mut lines = Map::new();
    for line in document.descendants().filter(|node| node.is_element() && node.tag_name().name() == "sparkline") {
        let part = |name: &'static str| {
            let node = line.children().find(|node| node.is_element() && node.tag_name().name() == name);
            node.map(|node| json!(strip(node.text().unwrap_or_default())))
        };
        let (Some(cell), Some(source)) = (part("sqref"), part("f")) else {
            return Err(Kind::output("a sparkline says not where it is or what it shows"));
        };
        lines.insert(cell.as_str().unwrap_or_default().to_owned(), source);
    }
    Ok(Value::Object(lines))
}

/// Whether what may be typed into a sheet is as a rule wants it: each list or range that there is fits one of those that are wanted.
pub(super) fn validations_hold(book: &Book, sheet: &str, rule: &Value) -> Result<bool, Kind> {
    let wanted = rule.get("dv_props").and_then(Value::as_array);
    let wanted = wanted.ok_or_else(|| Kind::rule("`dv_props` of a rule is no list"))?;
    let Some((path, text)) = book.sheet_text(sheet)? else { return Ok(false) };
    let document = book.workbook.parse(&path, &text)?;
    let lists = xml::children(document.root_element(), "dataValidations");
    let found: Vec<_> = lists.flat_map(|list| xml::children(list, "dataValidation")).collect();
    if found.len() < wanted.len() {
        return Ok(false);
    }
    for validation in found {
        let mut fits = false;
        for wanted in wanted {
            let wanted = wanted.as_object().ok_or_else(|| Kind::rule("`dv_props` holds what is no object"))?;
            fits = validation_fits(validation, wanted)?;
            if fits {
                break;
            }
        }
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn validation_fits<'a>(validation: roxmltree::Node<'a, 'a>, wanted: &Map<String, Value>) -> Result<bool, Kind> {
    let text = |name: &str| validation.attribute(name).map_or(Value::Null, |text| json!(text));
    // `none` is what is not there.
    let choice =
        |name: &str| validation.attribute(name).filter(|text| *text != "none").map_or(Value::Null, |text| json!(text));
    let formula =
        |name| xml::children(validation, name).next().and_then(xml::text).map_or(Value::Null, |text| json!(text));
    for (name, rule) in wanted {
        let value = match name.as_str() {
            "ranges" | "sqref" | "cells" => {
                if !ranges_fit(validation.attribute("sqref").unwrap_or_default(), rule)? {
                    return Ok(false);
                }
                continue;
            }
            "type" | "operator" | "errorStyle" | "imeMode" => choice(name),
            "formula1" => formula("formula1"),
            "formula2" => formula("formula2"),
            "allowBlank" | "showDropDown" | "showInputMessage" | "showErrorMessage" => {
                json!(xml::is_on(validation.attribute(name.as_str()), false))
            }
            "error" | "errorTitle" | "prompt" | "promptTitle" => text(name),
            other => return Err(Kind::rule(format!("what may be typed has no {other:?}"))),
        };
        if !matches_rule(&value, rule)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ranges that hold the first of two and lie in the second.
fn ranges_fit(found: &str, rule: &Value) -> Result<bool, Kind> {
    let wrong = || Kind::rule("ranges are compared with the method `spreadsheet_range` and a pair of ranges");
    let pair = |at: usize| rule.get("ref").and_then(|pair| pair.get(at)).and_then(Value::as_str).ok_or_else(wrong);
    if rule.get("method").and_then(Value::as_str) != Some("spreadsheet_range") {
        return Err(wrong());
    }
    let ranges = |text: &str| -> Result<Vec<CellRange>, Kind> {
        let one = |text: &str| CellRange::parse(text).ok_or_else(|| Kind::output(format!("{text:?} is no range")));
        text.split_whitespace().map(one).collect()
    };
    let (least, most, found) = (ranges(pair(0)?)?, ranges(pair(1)?)?, ranges(found)?);
    let lies_in = |inner: &[CellRange], outer: &[CellRange]| {
        inner.iter().all(|inner| outer.iter().any(|outer| outer.contains(inner)))
    };
    Ok(lies_in(&least, &found) && lies_in(&found, &most))
}

/// Whether two texts are alike by a rule for cells: after what it leaves out and replaces, one is, holds or resembles the other.
pub(super) fn is_alike(found: &str, expected: &str, rule: &Value) -> Result<bool, Kind> {
    let letters = |key: &str| -> Result<Option<&str>, Kind> {
        match rule.get(key) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| Kind::rule(format!("`{key}` is no text"))),
        }
    };
    let replacements = match rule.get("normalization") {
        None => &[],
        Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| Kind::rule("`normalization` is no list"))?,
    };
    let (leading, trailing, ignored) =
        (letters("trim_leadings")?, letters("trim_trailings")?, letters("ignore_chars")?);
    let ignore_case = rule.get("ignore_case").is_some_and(is_true);
    let plain = |text: &str| -> Result<String, Kind> {
        let mut text = text.to_owned();
        for pair in replacements {
            let part = |at: usize| pair.get(at).and_then(Value::as_str);
            let (Some(from), Some(to)) = (part(0), part(1)) else {
                return Err(Kind::rule("`normalization` holds what is no pair of texts"));
            };
            text = text.replace(from, to);
        }
        if let Some(letters) = leading {
            text = text.trim_start_matches(|char| letters.contains(char)).to_owned();
        }
        if let Some(letters) = trailing {
            text = text.trim_end_matches(|char| letters.contains(char)).to_owned();
        }
        if let Some(letters) = ignored {
            text.retain(|char| !letters.contains(char));
        }
        Ok(if ignore_case { text.to_lowercase() } else { text })
    };
    let (found, expected) = (plain(found)?, plain(expected)?);
    match rule.get("type").and_then(Value::as_str).unwrap_or_default() {
        "includes" => Ok(found.contains(&expected)),
        "included_by" => Ok(expected.contains(&found)),
        "exact_match" => Ok(found == expected),
        "fuzzy_match" => {
            let threshold = rule.get("threshold").map_or(Some(85.0), Value::as_f64);
            let threshold = threshold.ok_or_else(|| Kind::rule("`threshold` is no number"))?;
            Ok(character_score(&found, &expected)? >= threshold)
        }
        other => Err(Kind::rule(format!("cells are not compared by {other:?}"))),
    }
}
