//! Evaluator functions over a browser: tabs, bookmarks, cookies, history, settings.

use std::collections::BTreeSet;

use serde_json::Value;

use super::text::score;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::{MetricInputs, texts};
use crate::python::pattern::{PatternFlags, PythonPattern};
use crate::python::url::{UrlParts, same_page};
use crate::python::value::{compare, contains, equals, is_true};

type Score = Result<f64, Kind>;

/// Choices of bookmarks that are tried before a rule is called too large.
const COMBINATIONS_MAX: usize = 1 << 20;

fn unsupported(key: &str, found: &str) -> Kind {
    Kind::rule(format!("the {key} {found:?} is not supported"))
}

/// The address of a tab, which is told as text or as an object.
fn address(tab: &Value) -> Option<&str> {
    match tab {
        Value::Object(tab) => tab.get("url").and_then(Value::as_str),
        other => other.as_str(),
    }
}

fn is_same_page(a: &str, b: &str) -> Result<bool, Kind> {
    same_page(a, b)
        .map_err(|address| Kind::unreadable("an address", format!("{address:?} has a bracket without its other")))
}

pub(super) fn is_expected_active_tab(inputs: &MetricInputs) -> Score {
    let tab = inputs.value()?;
    if !is_true(tab) || inputs.rule_text("type")? != "url" {
        return Ok(0.0);
    }
    let expected = inputs.rule_text("url")?;
    address(tab).map_or(Ok(0.0), |found| Ok(score(is_same_page(expected, found)?)))
}

/// As above, whatever is asked behind `?`.
pub(super) fn is_expected_active_tab_approximate(inputs: &MetricInputs) -> Score {
    let tab = inputs.value()?;
    if !is_true(tab) || inputs.rule_text("type")? != "url" {
        return Ok(0.0);
    }
    let without_query = |url: &str| {
        let parts = UrlParts::parse(url).ok_or_else(|| Kind::unreadable("an address", url))?;
        Ok::<_, Kind>(UrlParts { query: String::new(), ..parts }.unparse())
    };
    let expected = without_query(inputs.rule_text("url")?)?;
    Ok(score(expected == without_query(address(tab).unwrap_or_default())?))
}

/// All of the patterns.
pub(super) fn is_expected_url_pattern_match(inputs: &MetricInputs) -> Score {
    let tab = inputs.value()?;
    if !is_true(tab) {
        return Ok(0.0);
    }
    let url = match tab {
        Value::String(url) => url,
        Value::Object(tab) if tab.contains_key("url") => {
            tab["url"].as_str().ok_or_else(|| Kind::output("the tab's address is no text"))?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return Ok(0.0),
    };
    inputs.rule_at("expected")?;
    for pattern in inputs.rule_texts("expected")? {
        if !PythonPattern::new(pattern, PatternFlags::default())?.is_in(url)? {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

pub(super) fn is_expected_search_query(inputs: &MetricInputs) -> Score {
    let tab = inputs.value()?;
    if !is_true(tab) {
        return Ok(0.0);
    }
    let pattern = inputs.rule_at("expect")?.get("pattern").and_then(Value::as_str);
    let pattern =
        PythonPattern::new(pattern.ok_or_else(|| Kind::rule("`expect` has no `pattern`"))?, PatternFlags::default())?;
    let url = tab.get("url").and_then(Value::as_str).ok_or_else(|| Kind::output("the tab has no address"))?;
    Ok(score(pattern.is_in(url)?))
}

pub(super) fn is_expected_installed_extensions(inputs: &MetricInputs) -> Score {
    let installed = inputs.value()?;
    if !is_true(installed) {
        return Ok(0.0);
    }
    inputs.rule_at("expected")?;
    for extension in inputs.rule_list("expected")? {
        // Of a text a set is its letters, none of which is a name.
        if !installed.is_array() || !contains(installed, extension).unwrap_or(false) {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// As many tabs, and each that is expected among them.
pub(super) fn is_expected_tabs(inputs: &MetricInputs) -> Score {
    let tabs = inputs.value()?;
    if !is_true(tabs) || inputs.rule_text("type")? != "url" {
        return Ok(0.0);
    }
    inputs.rule_at("urls")?;
    let expected = inputs.rule_texts("urls")?;
    let open: Option<Vec<&str>> =
        tabs.as_array().and_then(|tabs| tabs.iter().map(|tab| tab.get("url")?.as_str()).collect());
    let open = open.ok_or_else(|| Kind::output("a tab has no address"))?;
    if expected.len() != open.len() {
        return Ok(0.0);
    }
    for expected in expected {
        let mut is_open = false;
        for open in &open {
            is_open = is_open || is_same_page(expected, open)?;
        }
        if !is_open {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// What the entries of one kind in a folder are called, or where they lead.
fn entries<'a>(folder: &'a Value, kind: &str, field: &str) -> Result<BTreeSet<&'a str>, Kind> {
    let children = folder.get("children").and_then(Value::as_array);
    let children = children.ok_or_else(|| Kind::output("a folder of bookmarks has no children"))?;
    let of_kind = children.iter().filter(|entry| entry.get("type").and_then(Value::as_str) == Some(kind));
    let fields = of_kind.map(|entry| entry.get(field).and_then(Value::as_str));
    fields.collect::<Option<_>>().ok_or_else(|| Kind::output(format!("a bookmark has no {field}")))
}

pub(super) fn is_expected_bookmarks(inputs: &MetricInputs) -> Score {
    let bookmarks = inputs.value()?;
    if !is_true(bookmarks) {
        return Ok(0.0);
    }
    let bar = bookmarks.get("bookmark_bar").ok_or_else(|| Kind::output("there is no bar of bookmarks"))?;
    let wanted = |key| -> Result<BTreeSet<&str>, Kind> {
        inputs.rule_at(key)?;
        Ok(inputs.rule_texts(key)?.into_iter().collect())
    };
    match inputs.rule_text("type")? {
        "bookmark_bar_folders_names" => Ok(score(entries(bar, "folder", "name")? == wanted("names")?)),
        "bookmark_bar_websites_urls" => Ok(score(entries(bar, "url", "url")? == wanted("urls")?)),
        "liked_authors_websites_urls" => liked_authors(bar, inputs),
        other => Err(unsupported("type", other)),
    }
}

/// One address of each author in the folder, and no other.
fn liked_authors(bar: &Value, inputs: &MetricInputs) -> Score {
    entries(bar, "folder", "name")?;
    let folder = bar["children"].as_array().into_iter().flatten().find(|entry| {
        let is = |key: &str, value: &str| entry.get(key).and_then(Value::as_str) == Some(value);
        is("type", "folder") && is("name", "Liked Authors")
    });
    let Some(folder) = folder else { return Ok(0.0) };
    let found = entries(folder, "url", "url")?;
    let choices = inputs.rule_list("urls")?.iter().map(|choice| match choice {
        Value::String(url) => Some(vec![url.as_str()]),
        Value::Array(urls) => texts(urls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    });
    let choices: Option<Vec<Vec<&str>>> = choices.collect();
    let choices = choices.ok_or_else(|| Kind::rule("`urls` is no list of addresses or of lists of them"))?;
    let count = choices.iter().try_fold(1_usize, |count, of| count.checked_mul(of.len()));
    let Some(count) = count.filter(|count| *count <= COMBINATIONS_MAX) else {
        return Err(Kind::rule("`urls` has too many combinations"));
    };
    let is_found = (0..count).any(|mut number| {
        let picked: BTreeSet<&str> = choices
            .iter()
            .map(|of| {
                let url = of[number % of.len()];
                number /= of.len();
                url
            })
            .collect();
        picked == found
    });
    Ok(score(is_found))
}

/// The field of each row of a database that upstream reads by its number.
fn column<'a>(rows: &'a Value, number: usize, what: &str) -> Result<Vec<&'a str>, Kind> {
    let rows = rows.as_array().ok_or_else(|| Kind::output(format!("{what} could not be read")))?;
    let fields = rows.iter().map(|row| row.get(number).and_then(Value::as_str));
    fields.collect::<Option<_>>().ok_or_else(|| Kind::output(format!("a row of {what} has no text there")))
}

pub(super) fn is_cookie_deleted(inputs: &MetricInputs) -> Score {
    let kind = inputs.rule_text("type")?;
    if kind != "domains" {
        return Err(unsupported("type", kind));
    }
    let hosts = column(inputs.value()?, 1, "the cookies")?;
    for domain in inputs.rule_texts("domains")? {
        for host in &hosts {
            if is_same_page(domain, host)? {
                return Ok(0.0);
            }
        }
    }
    Ok(1.0)
}

pub(super) fn check_history_deleted(inputs: &MetricInputs) -> Score {
    let kind = inputs.rule_text("type")?;
    if kind != "keywords" {
        return Err(unsupported("type", kind));
    }
    let visited = column(inputs.value()?, 0, "the history")?;
    let keywords = inputs.rule_texts("keywords")?;
    Ok(score(!keywords.iter().any(|keyword| visited.iter().any(|url| url.contains(keyword)))))
}

pub(super) fn check_enabled_experiments(inputs: &MetricInputs) -> Score {
    let kind = inputs.rule_text("type")?;
    if kind != "names" {
        return Err(unsupported("type", kind));
    }
    let found = inputs.value()?.as_array().and_then(|items| texts(items));
    let found = found.ok_or_else(|| Kind::output("the experiments are no list of names"))?;
    let found: Vec<&str> = found.into_iter().map(|name| name.split('@').next().unwrap_or_default()).collect();
    Ok(score(found == inputs.rule_texts("names")?))
}

pub(super) fn is_shortcut_on_desktop(inputs: &MetricInputs) -> Score {
    let line = match inputs.rule_text("type")? {
        "name" => format!("Name={}\n", inputs.rule_text("name")?),
        "exec" => format!("Exec={}\n", inputs.rule_text("exec")?),
        other => return Err(unsupported("type", other)),
    };
    let shortcuts = inputs.value()?.as_object().ok_or_else(|| Kind::output("the shortcuts are no files"))?;
    Ok(score(shortcuts.values().filter_map(Value::as_str).any(|file| file.contains(&line))))
}

pub(super) fn check_font_size(inputs: &MetricInputs) -> Score {
    let size = inputs.value()?.get("default_font_size").ok_or_else(|| Kind::output("there is no font size"))?;
    match inputs.rule_text("type")? {
        "value" => Ok(score(equals(size, inputs.rule_at("value")?))),
        "range" => {
            let is_less = |a: &Value, b: &Value| compare(a, b) == Some(std::cmp::Ordering::Less);
            Ok(score(is_less(inputs.rule_at("min")?, size) && is_less(size, inputs.rule_at("max")?)))
        }
        other => Err(unsupported("type", other)),
    }
}

pub(super) fn is_added_to_steam_cart(inputs: &MetricInputs) -> Score {
    inputs.rule_at("items")?;
    let content = inputs.value()?.get("content").and_then(Value::as_str);
    let content = content.ok_or_else(|| Kind::output("the page could not be read"))?;
    Ok(score(inputs.rule_texts("items")?.iter().all(|item| content.contains(item))))
}
