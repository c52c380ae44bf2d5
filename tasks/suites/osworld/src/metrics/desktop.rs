//! Evaluator functions over the desktop and the settings of LibreOffice and GIMP.

use std::collections::BTreeSet;

use roxmltree::Node;
use serde_json::Value;

use super::text::score;
use crate::accessibility;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::{MetricInputs, StateFile};
use crate::python::difference;
use crate::python::text::{split, strip};
use crate::python::value::{equals, parse_int};
use crate::{database, xml};

type Score = Result<f64, Kind>;

/// The namespace of LibreOffice's settings.
const OOR: &str = "http://openoffice.org/2001/registry";

pub(super) fn check_gnome_favorite_apps(inputs: &MetricInputs) -> Score {
    let said = inputs.value()?.as_str().ok_or_else(|| Kind::output("the command said nothing"))?;
    let found = text_list(said).ok_or_else(|| Kind::unreadable("the list of apps", format!("{said:?}")))?;
    inputs.rule_at("expected")?;
    let wanted = inputs.rule_texts("expected")?;
    let found_set: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    Ok(score(found.len() == wanted.len() && found_set == wanted.into_iter().collect()))
}

/// A list of texts as Python and GSettings write it: `['a.desktop', "b.desktop"]`.
fn text_list(said: &str) -> Option<Vec<String>> {
    let mut rest = strip(said).strip_prefix('[')?.trim_start();
    let mut items = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(']') {
            return end.trim().is_empty().then_some(items);
        }
        let quote = rest.chars().next().filter(|char| matches!(char, '\'' | '"'))?;
        let mut item = String::new();
        let mut chars = rest[1..].char_indices();
        let end = loop {
            match chars.next()? {
                (at, char) if char == quote => break at + 2,
                (_, '\\') => item.push(chars.next()?.1),
                (_, char) => item.push(char),
            }
        };
        items.push(item);
        rest = rest[end..].trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
}

/// The fourth line of `timedatectl` tells the time zone.
pub(super) fn is_utc_0(inputs: &MetricInputs) -> Score {
    let said = inputs.value()?.as_str().ok_or_else(|| Kind::output("the command said nothing"))?;
    let line = said.split('\n').nth(3).ok_or_else(|| Kind::output("the command said fewer than four lines"))?;
    Ok(score(line.ends_with("+0000)")))
}

pub(super) fn check_moved_jpgs(inputs: &MetricInputs) -> Score {
    let children = inputs.value()?.get("children").and_then(Value::as_array);
    let children = children.ok_or_else(|| Kind::output("the folder could not be listed"))?;
    let names: Option<Vec<&str>> = children.iter().map(|entry| entry.get("name")?.as_str()).collect();
    let names = names.ok_or_else(|| Kind::output("an entry of the folder has no name"))?;
    inputs.rule_at("expected")?;
    let wanted = inputs.rule_texts("expected")?;
    Ok(score(names.len() == wanted.len() && names.into_iter().collect::<BTreeSet<_>>() == wanted.into_iter().collect()))
}

/// `(key … value)` in a file of GIMP's.
pub(super) fn check_config_status(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let keys: Vec<&Value> = match inputs.rule_at("key")? {
        Value::Array(keys) => keys.iter().collect(),
        key => vec![key],
    };
    let expected = inputs.rule_at("value")?;
    let is = |item: Option<&&str>, wanted: &Value| item.is_some_and(|item| wanted.as_str() == Some(item));
    let text = file.text()?;
    for line in text.split_inclusive('\n').filter(|line| !line.starts_with('#') && *line != "\n") {
        let inside = strip(line).trim_start_matches('(').trim_end_matches([')', '\n']);
        let items: Vec<&str> = split(inside).collect();
        if items.is_empty() {
            return Err(Kind::unreadable(&file.name, "a line has brackets or blanks only"));
        }
        if is(items.first(), keys[0])
            && keys.get(1).is_none_or(|second| is(items.get(1), second))
            && is(items.last(), expected)
        {
            return Ok(1.0);
        }
    }
    Ok(0.0)
}

/// The elements of a name anywhere below one.
fn below<'a>(of: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    of.descendants().skip(1).filter(move |node| node.has_tag_name(name))
}

fn registry(node: Node, attribute: &str, value: &str) -> bool {
    node.attribute((OOR, attribute)) == Some(value)
}

pub(super) fn find_default_font(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let expected = inputs.rule_text("font_name")?;
    let text = file.text_as_is()?;
    let document = xml::parse(&file.name, text)?;
    let items = below(document.root_element(), "item")
        .filter(|item| registry(*item, "path", "/org.openoffice.Office.Writer/DefaultFont"));
    let fonts = items.flat_map(|item| below(item, "prop").filter(|prop| registry(*prop, "name", "Standard")));
    let last = fonts.flat_map(|prop| xml::children(prop, "value")).last();
    Ok(score(last.and_then(xml::text) == Some(expected)))
}

pub(super) fn check_auto_saving_time(inputs: &MetricInputs) -> Score {
    let file = inputs.present_file()?;
    let text = file.text_as_is()?;
    let document = xml::parse(&file.name, text)?;
    let mut found = None;
    for item in below(document.root_element(), "item")
        .filter(|item| registry(*item, "path", "/org.openoffice.Office.Common/Save/Document"))
    {
        if let Some(prop) = below(item, "prop").find(|prop| registry(*prop, "name", "AutoSaveTimeIntervall")) {
            let value = below(prop, "value").next().and_then(xml::text);
            found = Some(value.ok_or_else(|| Kind::unreadable(&file.name, "the interval has no value"))?);
        }
    }
    let Some(found) = found else { return Ok(0.0) };
    let minutes =
        parse_int(found).ok_or_else(|| Kind::unreadable(&file.name, format!("the interval {found:?} is no number")))?;
    Ok(score(equals(&Value::from(minutes), inputs.rule_at("minutes")?)))
}

pub(super) fn check_presenter_console_disable(inputs: &MetricInputs) -> Score {
    let file = inputs.present_file()?;
    let text = file.text_as_is()?;
    let document = xml::parse(&file.name, text)?;
    let items = below(document.root_element(), "item")
        .filter(|item| registry(*item, "path", "/org.openoffice.Office.Impress/Misc/Start"));
    let mut props = items
        .flat_map(|item| xml::children(item, "prop"))
        .filter(|prop| registry(*prop, "name", "EnablePresenterScreen"));
    let value = props.next().and_then(|prop| xml::children(prop, "value").next()).and_then(xml::text);
    Ok(value.map_or(0.0, |value| score(value.to_lowercase() == "false")))
}

fn tree<'a>(inputs: &MetricInputs<'a>) -> Result<roxmltree::Document<'a>, Kind> {
    let text = inputs.value()?.as_str().ok_or_else(|| Kind::output("the accessibility tree could not be had"))?;
    xml::parse("the accessibility tree", text)
}

/// Impress shows its slides at the left.
pub(super) fn check_left_panel(inputs: &MetricInputs) -> Score {
    let tree = tree(inputs)?;
    let mut frames = tree.root_element().descendants().filter(|node| node.has_tag_name("document-frame"));
    Ok(score(frames.any(|frame| frame.attribute("name") == Some("Slides View"))))
}

/// Elements by selector or path, and what they say.
pub(super) fn check_accessibility_tree(inputs: &MetricInputs) -> Score {
    let tree = tree(inputs)?;
    let system = inputs.options.get("osname").map_or(Some("ubuntu"), Value::as_str);
    let system = system.ok_or_else(|| Kind::rule("the option `osname` is no text"))?;
    let namespaces =
        accessibility::namespaces(system).ok_or_else(|| Kind::rule(format!("there is no system {system:?}")))?;
    let rules = inputs.rule()?.as_array().ok_or_else(|| Kind::rule("it is no list"))?;
    let mut total = 1.0;
    for rule in rules {
        let elements = if let Some(path) = rule.get("xpath") {
            let path = path.as_str().ok_or_else(|| Kind::rule("`xpath` is no text"))?;
            accessibility::by_path(&tree, path, &namespaces)?
        } else {
            let selectors =
                rule.get("selectors").and_then(Value::as_array).and_then(|items| crate::output::texts(items));
            let selectors = selectors.ok_or_else(|| Kind::rule("a rule has neither `xpath` nor a list `selectors`"))?;
            accessibility::by_selector(&tree, &selectors.join(", "), &namespaces)?
        };
        if elements.is_empty() {
            return Ok(0.0);
        }
        let Some(wanted) = rule.get("text") else { continue };
        let wanted = wanted.as_str().ok_or_else(|| Kind::rule("`text` is no text"))?;
        let exact = rule.get("exact").ok_or_else(|| Kind::rule("a rule with `text` has no `exact`"))?;
        let mut best = 0.0_f64;
        for element in elements {
            let Some(said) = xml::text(element).filter(|said| !said.is_empty()) else { continue };
            let alike = match exact {
                Value::Bool(true) => score(said == wanted),
                _ => difference::character_ratio(wanted, said)?,
            };
            best = best.max(alike);
        }
        total *= best;
    }
    Ok(total)
}

pub(super) fn run_sqlite3(inputs: &MetricInputs) -> Score {
    let file: &StateFile = inputs.present_file()?;
    let sql = inputs.rule_text("sql")?;
    database::first_number(&file.name, file.bounded()?, sql)
}
