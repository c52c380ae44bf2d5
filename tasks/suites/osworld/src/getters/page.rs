//! Getters over the page in the tab in front: what stands in some of its elements.
//!
//! The browser is asked for texts only, by [`PageQuery`]; what a task makes of them is decided here, as upstream decides it.

use serde_json::{Map, Value, json};

use super::chrome::address;
use super::{Output, Resolution, Unresolved};
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::GetterOutput;
use crate::python::text::strip;
use crate::state::{PageQuery, PageQueryKind, StateReply, StateRequest};

/// The key that says whether a list holds what the task does not name.
const OTHER: &str = "is_other_exist";

/// Title, address and content of the page that the address bar names.
pub(super) fn active_tab_info(at: &Resolution) -> Output {
    match address(at)? {
        Some(url) => at.plain(StateRequest::Page { url }),
        None => Ok(GetterOutput::nothing()),
    }
}

/// Texts of elements of the tab in front, under the keys that the task gives them.
pub(super) fn active_tab_html_parse(at: &Resolution) -> Output {
    let Some(url) = address(at)? else { return Ok(GetterOutput::nothing()) };
    let category = at.text("category")?;
    let parts = parts_of(at, category)?;
    let queries = parts.iter().map(|part| part.query.clone()).collect();
    let reply = match at.reply(StateRequest::PageElements { url, queries })? {
        // No tab has that address.
        StateReply::Missing => return Ok(GetterOutput::Value(json!({}))),
        StateReply::Value(reply) => reply,
        _ => return Err(at.unexpected().into()),
    };
    let page = reply["url"].as_str().ok_or_else(|| at.unexpected())?.to_lowercase();
    let mut found = Map::new();
    for (part, texts) in parts.iter().zip(reply["found"].as_array().into_iter().flatten()) {
        let texts: Vec<&str> = texts.as_array().into_iter().flatten().filter_map(Value::as_str).map(strip).collect();
        part.read(&texts, &mut found)?;
    }
    if category == "class&url" {
        let texts = at.parameters().get("url_include_expected").and_then(Value::as_array);
        let same = texts.into_iter().flatten().filter_map(Value::as_str).map(|text| (text, text));
        let choices = at.parameters().get("url_include_expected_multichoice").and_then(Value::as_object);
        let choices = choices.into_iter().flatten();
        let choices = choices.filter_map(|(part, key)| Some((part.as_str(), key.as_str()?)));
        for (part, key) in same.chain(choices) {
            // What is there stays: the first that is said of a key counts.
            found.entry(key.to_lowercase()).or_insert_with(|| json!(page.contains(&part.to_lowercase())));
        }
    }
    Ok(GetterOutput::Value(Value::Object(found)))
}

/// One question to the page, and what the task wants of the answer.
struct PagePart<'a> {
    query: PageQuery,
    wants: Wants<'a>,
}

enum Wants<'a> {
    /// The text at a place of the list, under a key.
    ByIndex(&'a Map<String, Value>),
    First(&'a str),
    /// Whether each of these is one of the texts, and whether there are others.
    Presence(&'a [Value]),
    /// As [`Wants::Presence`] whatever the capitals, and only what is there gets a key.
    CaselessPresence(&'a [Value]),
}

fn parts_of<'a>(at: &'a Resolution, category: &str) -> Result<Vec<PagePart<'a>>, Unresolved> {
    use PageQueryKind as Kinds;
    let groups: &[(&str, Kinds)] = match category {
        // In upstream's order: a later one may say the same key anew.
        "class" => &[
            ("class_multiObject", Kinds::Texts),
            ("class_multiObject_child", Kinds::OwnTextsOfFirst),
            ("class_multiObject_only_child", Kinds::Headings),
            ("class_multiObject_search_exist", Kinds::Texts),
            ("class_singleObject", Kinds::Texts),
        ],
        "class&url" => &[("class_multiObject", Kinds::Texts), ("class_multiObject_li", Kinds::ListItems)],
        "xpath" => &[("xpathObject", Kinds::XPath)],
        "input" => &[("inputObject", Kinds::XPathInput)],
        other => {
            return Err(Kind::rule(format!("the category {other:?} of active_tab_html_parse is not done here")).into());
        }
    };
    let mut parts = Vec::new();
    for (group, kind) in groups {
        for (name, wanted) in at.parameters().get(*group).and_then(Value::as_object).into_iter().flatten() {
            let is_path = matches!(kind, Kinds::XPath | Kinds::XPathInput);
            let selector = if is_path { name.clone() } else { format!(".{name}") };
            let wants = match (wanted, category) {
                (Value::String(key), _) => Wants::First(key),
                (Value::Object(by_index), _) => Wants::ByIndex(by_index),
                (Value::Array(texts), "class&url") => Wants::CaselessPresence(texts),
                (Value::Array(texts), _) => Wants::Presence(texts),
                _ => return Err(Kind::rule(format!("`{group}` has {name:?} with what is no key")).into()),
            };
            parts.push(PagePart { query: PageQuery { kind: *kind, selector }, wants });
        }
    }
    Ok(parts)
}

impl PagePart<'_> {
    fn read(&self, texts: &[&str], found: &mut Map<String, Value>) -> Result<(), Kind> {
        match &self.wants {
            Wants::First(key) => drop(found.insert((*key).to_owned(), json!(texts.first().unwrap_or(&"")))),
            Wants::ByIndex(by_index) => {
                for (index, key) in *by_index {
                    let index: usize =
                        index.parse().map_err(|_| Kind::rule(format!("{index:?} is no place in a list")))?;
                    let key = key.as_str().ok_or_else(|| Kind::rule("a key for a text is none"))?;
                    found.insert(key.to_owned(), json!(texts.get(index).unwrap_or(&"")));
                }
            }
            Wants::Presence(wanted) => {
                let is_wanted = |text: &&&str| wanted.iter().any(|wanted| wanted == **text);
                for key in wanted.iter().filter_map(Value::as_str).filter(|key| *key != OTHER) {
                    found.insert(key.to_owned(), json!(texts.contains(&key)));
                }
                if wanted.iter().any(|key| key == OTHER) {
                    let has_other = !texts.iter().all(|text| is_wanted(&text));
                    if has_other || !found.contains_key(OTHER) {
                        found.insert(OTHER.to_owned(), json!(has_other));
                    }
                }
            }
            Wants::CaselessPresence(wanted) => {
                let wanted: Vec<String> = wanted.iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
                let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
                for key in wanted.iter().filter(|key| texts.contains(*key)) {
                    found.insert(key.clone(), json!(true));
                }
                // A part of what is named is not another one.
                let has_other = texts.iter().any(|text| wanted.iter().all(|wanted| !wanted.contains(text.as_str())));
                if has_other || !found.contains_key(OTHER) {
                    found.insert(OTHER.to_owned(), json!(has_other));
                }
            }
        }
        Ok(())
    }
}
