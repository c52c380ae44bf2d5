//! Pivot tables on a sheet, by the cells that they sum up.

use serde_json::{Map, Value, json};

use super::sheet::Book;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::texts;
use crate::workbook::cells::CellPlace;
use crate::xml;

type Node<'a> = roxmltree::Node<'a, 'a>;

/// Whether an item is hidden, if that is said, and its number.
type FieldItem = (Option<bool>, i64);

/// Each pivot table's properties, by where its data come from.
pub(super) fn pivots(book: &Book, sheet: &str, rule: &Value) -> Result<Value, Kind> {
    let empty = Vec::new();
    let props = texts(rule.get("pivot_props").and_then(Value::as_array).unwrap_or(&empty));
    let props = props.ok_or_else(|| Kind::rule("`pivot_props` of a rule is no list of texts"))?;
    let package = &book.workbook.package;
    let Some(sheet) = book.workbook.sheet(sheet) else { return Ok(json!({})) };
    let mut found = Map::new();
    for part in package.relationships(&sheet.path)?.into_iter().filter(|part| part.kind == "pivotTable") {
        let text = package.required_text(&part.target)?;
        let document = book.workbook.parse(&part.target, &text)?;
        let table = document.root_element();
        let cache = table.attribute("cacheId").unwrap_or_default();
        let path = book.workbook.pivot_caches.iter().rfind(|(id, _)| id == cache).map(|(_, path)| path);
        let path = path.ok_or_else(|| package.unreadable(&part.target, "its data are not there"))?;
        let text = package.required_text(path)?;
        let cache = book.workbook.parse(path, &text)?;
        let (selection, [left, right]) = selection(table);
        let source = source(cache.root_element(), left, right)?;
        found.insert(source, properties(&props, table, selection, left)?);
    }
    Ok(Value::Object(found))
}

/// The items that each field shows or hides, without the fields at both ends that have none, and how many those are.
fn selection(table: Node) -> (Vec<Vec<FieldItem>>, [i64; 2]) {
    let fields = xml::children(table, "pivotFields").flat_map(|list| xml::children(list, "pivotField"));
    let items = |field| {
        let items = xml::children(field, "items").flat_map(|list| xml::children(list, "item"));
        let item = |item: Node| {
            let hidden = item.attribute("h").map(|hidden| xml::is_on(Some(hidden), false));
            Some((hidden, item.attribute("x")?.parse().ok()?))
        };
        items.filter_map(item).collect::<Vec<_>>()
    };
    let all: Vec<_> = fields.map(items).collect();
    let left = all.iter().take_while(|items| items.is_empty()).count();
    let right = all[left..].iter().rev().take_while(|items| items.is_empty()).count();
    let selection = all[left..all.len() - right].to_vec();
    (selection, [left as i64, right as i64])
}

fn source(cache: Node, left: i64, right: i64) -> Result<String, Kind> {
    let wrong = || Kind::output("a pivot table does not sum up a range of cells");
    let source = xml::children(cache, "cacheSource").next().ok_or_else(wrong)?;
    let sheet = xml::children(source, "worksheetSource").next().ok_or_else(wrong)?;
    let (from, to) = sheet.attribute("ref").and_then(|range| range.split_once(':')).ok_or_else(wrong)?;
    let place = |name: &str, shift: i64| -> Result<String, Kind> {
        let place = CellPlace::parse(name).filter(|_| !name.contains('$')).ok_or_else(wrong)?;
        Ok(format!("({}, {})", place.row, i64::from(place.column) + shift))
    };
    let kind = source.attribute("type").unwrap_or("None");
    let name = sheet.attribute("sheet").unwrap_or("None");
    Ok(format!("{kind};{}:{};{name}", place(from, left)?, place(to, -right)?))
}

/// A set of values, which knows neither order nor doubles.
fn set(mut values: Vec<Value>) -> Value {
    values.sort_by_key(Value::to_string);
    values.dedup();
    Value::Array(values)
}

fn properties(props: &[&str], table: Node, selection: Vec<Vec<FieldItem>>, left: i64) -> Result<Value, Kind> {
    let has = |name: &str| props.contains(&name);
    let flag = |name: &str, default| json!(xml::is_on(table.attribute(name), default));
    let mut found = Map::new();
    let mut add = |name: &str, value: Value| drop(found.insert(name.to_owned(), value));
    if has("name") {
        add("name", json!(table.attribute("name")));
    }
    for (prop, attribute, default) in [
        ("show_total", "visualTotals", true),
        ("show_empty_row", "showEmptyRow", false),
        ("show_empty_col", "showEmptyCol", false),
        ("show_headers", "showHeaders", true),
    ] {
        if has(prop) {
            add(prop, flag(attribute, default));
        }
    }
    if has("location") {
        let location = xml::children(table, "location").next();
        let attributes = location.into_iter().flat_map(|node| node.attributes());
        add(
            "location",
            attributes.map(|one| (one.name().to_owned(), json!(one.value()))).collect::<Map<_, _>>().into(),
        );
    }
    if has("filter") || has("selection") {
        let fields = selection.into_iter().map(|items| {
            let items = items.into_iter().map(|item| json!(item)).collect();
            if has("ordered") { Value::Array(items) } else { set(items) }
        });
        add("selection", fields.collect());
    }
    let numbers = |list: &'static str, item: &'static str, name: &str| -> Result<Vec<i64>, Kind> {
        let nodes = xml::children(table, list).flat_map(|list| xml::children(list, item));
        let number = |node: Node| node.attribute(name).and_then(|text| text.parse().ok());
        nodes.map(|node| number(node).ok_or_else(|| Kind::output("a pivot table's field has no number"))).collect()
    };
    if has("filter") {
        let fields = numbers("pageFields", "pageField", "fld")?;
        add("filter_fields", set(fields.into_iter().map(|field| json!(field)).collect()));
    }
    for (prop, list) in [("col_fields", "colFields"), ("row_fields", "rowFields")] {
        if has(prop) {
            let fields = numbers(list, "field", "x")?;
            add(prop, fields.into_iter().map(|field| json!(field.saturating_sub(left))).collect());
        }
    }
    if has("data_fields") {
        let numbers = numbers("dataFields", "dataField", "fld")?;
        let nodes = xml::children(table, "dataFields").flat_map(|list| xml::children(list, "dataField"));
        let fields = nodes.zip(numbers).map(|(node, number)| {
            let name = if has("data_fields_name") { node.attribute("name").unwrap_or("None") } else { "" };
            let subtotal = node.attribute("subtotal").unwrap_or("sum");
            let shown = node.attribute("showDataAs").unwrap_or("normal");
            json!(format!("{};{name};{subtotal};{shown}", number.saturating_sub(left)))
        });
        add("data_fields", fields.collect());
    }
    Ok(Value::Object(found))
}
