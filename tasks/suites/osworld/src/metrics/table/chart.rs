//! Charts on a sheet, by the data that they show.

use serde_json::{Map, Value, json};

use super::sheet::Book;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::texts;
use crate::xml;

type Node<'a> = roxmltree::Node<'a, 'a>;

/// Charts have none of their own in a file: openpyxl's for all.
const WIDTH: f64 = 15.0;
const HEIGHT: f64 = 7.5;

/// Each chart's properties, by where its series come from.
pub(super) fn charts(book: &Book, sheet: &str, rule: &Value) -> Result<Value, Kind> {
    let empty = Vec::new();
    let props = texts(rule.get("chart_props").and_then(Value::as_array).unwrap_or(&empty));
    let props = props.ok_or_else(|| Kind::rule("`chart_props` of a rule is no list of texts"))?;
    let package = &book.workbook.package;
    let Some(sheet) = book.workbook.sheet(sheet) else { return Ok(json!({})) };
    let mut found = Map::new();
    for drawing in package.relationships(&sheet.path)?.into_iter().filter(|part| part.kind == "drawing") {
        let text = package.required_text(&drawing.target)?;
        let document = book.workbook.parse(&drawing.target, &text)?;
        let parts = package.relationships(&drawing.target)?;
        for anchor in anchors(document.root_element()) {
            let Some(id) = chart_id(anchor) else { continue };
            let part = parts.iter().find(|part| part.id == id);
            let part = part.ok_or_else(|| package.unreadable(&drawing.target, "a chart is not there"))?;
            let text = package.required_text(&part.target)?;
            let chart = book.workbook.parse(&part.target, &text)?;
            let unreadable = |why: &str| package.unreadable(&part.target, why);
            let root =
                xml::children(chart.root_element(), "chart").next().ok_or_else(|| unreadable("it is no chart"))?;
            let plot = xml::children(root, "plotArea").next();
            let body =
                plot.and_then(|plot| plot.children().find(is_body)).ok_or_else(|| unreadable("it shows nothing"))?;
            found.insert(sources(body), properties(&props, root, body, anchor)?);
        }
    }
    Ok(Value::Object(found))
}

/// Where charts may stand, in the order in which openpyxl lists them.
fn anchors<'a>(drawing: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    ["absoluteAnchor", "oneCellAnchor", "twoCellAnchor"].into_iter().flat_map(move |kind| xml::children(drawing, kind))
}

fn chart_id<'a>(anchor: Node<'a>) -> Option<&'a str> {
    let frame = xml::children(anchor, "graphicFrame").next()?;
    let graphic = xml::children(frame, "graphic").next()?;
    let data = xml::children(graphic, "graphicData").next()?;
    crate::workbook::relation_id(xml::children(data, "chart").next()?)
}

fn is_body(node: &Node) -> bool {
    node.is_element() && node.tag_name().name().ends_with("Chart")
}

/// `VALUES,NAMES` of each series.
fn sources(body: Node) -> String {
    let source = |series: Node, name: &'static str| -> String {
        let Some(of) = xml::children(series, name).next() else { return String::new() };
        let kinds: &[&'static str] = if name == "val" { &["numRef"] } else { &["numRef", "strRef"] };
        let reference = kinds.iter().find_map(|kind| xml::children(of, kind).next());
        reference.map_or_else(String::new, |reference| {
            let formula = xml::children(reference, "f").next().and_then(xml::text);
            formula.unwrap_or("None").to_owned()
        })
    };
    let series =
        xml::children(body, "ser").map(|series| format!("{},{}", source(series, "val"), source(series, "cat")));
    series.collect::<Vec<_>>().join(";")
}

/// The first run of a title; nothing if there is no title of its own.
fn title(of: Node) -> Value {
    let rich = || {
        let title = xml::children(of, "title").next()?;
        let text = xml::children(title, "tx").next()?;
        xml::children(text, "rich").next()
    };
    let Some(rich) = rich() else { return Value::Null };
    // A paragraph without a run has an empty one.
    let run = xml::children(rich, "p").next().and_then(|paragraph| xml::children(paragraph, "r").next());
    let text = run.and_then(|run| xml::children(run, "t").next());
    json!(text.map_or("", |text| xml::text(text).unwrap_or("None")))
}

fn properties(props: &[&str], root: Node, body: Node, anchor: Node) -> Result<Value, Kind> {
    let kind = body.tag_name().name();
    let mut found = Map::new();
    for prop in props {
        let value = match *prop {
            "title" => title(root),
            "legend" => xml::children(root, "legend").next().map_or(Value::Null, |legend| {
                let position = xml::children(legend, "legendPos").next().and_then(|position| position.attribute("val"));
                json!(position.unwrap_or("r"))
            }),
            "anchor" => anchor_place(anchor)?,
            "width" => json!(WIDTH),
            "height" => json!(HEIGHT),
            "type" => json!(kind),
            "direction" => {
                if !matches!(kind, "barChart" | "bar3DChart") {
                    return Err(Kind::output(format!("a {kind} has no direction")));
                }
                let direction = xml::children(body, "barDir").next().and_then(|direction| direction.attribute("val"));
                json!(direction.unwrap_or("col"))
            }
            "xtitle" => axis_title(root, body, 'x'),
            "ytitle" => axis_title(root, body, 'y'),
            "ztitle" => axis_title(root, body, 'z'),
            _ => continue,
        };
        found.insert((*prop).to_owned(), value);
    }
    Ok(Value::Object(found))
}

fn anchor_place(anchor: Node) -> Result<Value, Kind> {
    let number = |corner: &'static str, name: &'static str| {
        let node = xml::children(anchor, corner).next().and_then(|corner| xml::children(corner, name).next());
        node.and_then(|node| xml::text_of(node).trim().parse::<i64>().ok())
    };
    let numbers = (number("from", "col"), number("to", "row"), number("to", "col"));
    let (Some(from), Some(row), Some(column)) = numbers else {
        return Err(Kind::output("a chart does not lie between two cells"));
    };
    Ok(json!([anchor.attribute("editAs"), from, row, column, row]))
}

fn axis_title(root: Node, body: Node, wanted: char) -> Value {
    let plot = xml::children(root, "plotArea").next();
    let axes = |id: &str| {
        let all = plot.into_iter().flat_map(|plot| plot.children().filter(Node::is_element));
        let is_wanted = |axis: &Node| xml::children(*axis, "axId").any(|own| own.attribute("val") == Some(id));
        all.filter(|node| node.tag_name().name().ends_with("Ax")).rfind(is_wanted)
    };
    let is_plane = matches!(body.tag_name().name(), "scatterChart" | "bubbleChart");
    let ids = xml::children(body, "axId").filter_map(|id| id.attribute("val"));
    let found = ids.filter_map(axes).enumerate().filter(|(at, axis)| match axis.tag_name().name() {
        _ if is_plane => (*at, wanted) == (0, 'x') || (*at, wanted) == (1, 'y'),
        "catAx" | "dateAx" => wanted == 'x',
        "valAx" => wanted == 'y',
        _ => wanted == 'z',
    });
    found.last().map_or(Value::Null, |(_, axis)| title(axis))
}
