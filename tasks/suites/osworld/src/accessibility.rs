//! Elements of an accessibility tree, by selector (CSS) or path (XPath 1.0), as far as tasks use the two.

mod path;
mod selector;

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use crate::error::EvaluatorErrorKind as Kind;

/// Prefixes of names, and what they stand for.
pub type Namespaces = BTreeMap<&'static str, String>;

/// The prefixes that upstream's server writes on a system.
pub fn namespaces(system: &str) -> Option<Namespaces> {
    let common = [
        ("st", "state"),
        ("attr", "attributes"),
        ("cp", "component"),
        ("doc", "document"),
        ("txt", "text"),
        ("val", "value"),
        ("act", "action"),
    ];
    let own: &[(&str, &str)] = match system {
        "ubuntu" => &[("docattr", "document/attributes")],
        "windows" => &[("docattr", "document/attributes"), ("class", "class")],
        "macos" => &[("role", "role")],
        _ => return None,
    };
    let all = common.iter().chain(own);
    Some(all.map(|(prefix, name)| (*prefix, format!("https://accessibility.{system}.example.org/ns/{name}"))).collect())
}

/// # Errors
/// If the selector cannot be read, or uses what is not supported.
pub fn by_selector<'a>(
    tree: &'a Document<'a>,
    selector: &str,
    namespaces: &Namespaces,
) -> Result<Vec<Node<'a, 'a>>, Kind> {
    let failed = |why: String| Kind::rule(format!("the selector {selector:?}: {why}"));
    Ok(selector::Selector::parse(selector, namespaces).map_err(failed)?.select(tree))
}

/// # Errors
/// If the path cannot be read, uses what is not supported, or takes too many steps.
pub fn by_path<'a>(tree: &'a Document<'a>, path: &str, namespaces: &Namespaces) -> Result<Vec<Node<'a, 'a>>, Kind> {
    let failed = |why: String| Kind::rule(format!("the path {path:?}: {why}"));
    path::select(tree, path, namespaces).map_err(failed)
}
