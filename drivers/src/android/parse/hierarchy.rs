//! What `uiautomator dump` writes: widgets as XML, read by XML's rules.
//!
//! Apps and web pages choose what stands between the quotes, so a reader that takes a value for markup would let them write
//! their own widgets. What breaks the grammar is no tree, and what is out of bounds is not parsed.

use roxmltree::{Document, Node, ParsingOptions};
use tapwright_contract::Size;
use tapwright_contract::device::DriverErrorKind;

use crate::tree::{Tree, Widget};

/// More bytes than the tree of any screen has.
const BYTES_MAX: usize = 4 << 20;
/// More widgets than any screen has.
const WIDGETS_MAX: usize = 20_000;
/// Deeper than any layout nests.
const DEPTH_MAX: usize = 200;
/// More than any version of Android writes for a widget. The parser looks for doubles among all pairs, hence a bound.
const ATTRIBUTES_MAX: usize = 64;
/// More than a label or a field holds.
const VALUE_MAX: usize = 64 << 10;

/// Reads the dump, wherever in the output it stands: other programs may have written lines before it.
///
/// # Errors
/// `TimedOut` if the screen did not rest, `MalformedResponse` if this is no dump.
pub(crate) fn tree(output: &str) -> Result<Tree, DriverErrorKind> {
    let xml = match (output.find("<hierarchy"), output.rfind("</hierarchy>")) {
        (Some(start), Some(end)) if start < end => &output[start..end + "</hierarchy>".len()],
        // A tree without a widget may close itself.
        (Some(start), _) => &output[start..=output[start..].rfind("/>").map_or(output.len() - 1, |at| start + at + 1)],
        (None, _) => return Err(no_tree(output)),
    };
    let malformed = |why: &str| DriverErrorKind::MalformedResponse {
        why: format!("the widget tree is not XML as Android writes it: {why}"),
    };
    check_bounds(xml).map_err(malformed)?;
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: 2 * WIDGETS_MAX as u32 + 4, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).map_err(|error| malformed(&error.to_string()))?;
    let mut widgets = Vec::new();
    // A stack of our own: parents come before their children, and nothing recurses.
    let mut waiting = vec![(document.root_element(), 0)];
    while let Some((element, depth)) = waiting.pop() {
        if depth > 0 {
            if element.tag_name().name() != "node" {
                return Err(malformed(&format!(
                    "<{}> among the widgets",
                    super::answers::shortened(element.tag_name().name())
                )));
            }
            widgets.push(widget(element, depth - 1));
        }
        for child in element.children().rev() {
            match child.is_element() {
                true => waiting.push((child, depth + 1)),
                false if child.text().is_some_and(|text| text.trim().is_empty()) => {}
                false => return Err(malformed("text between the widgets")),
            }
        }
    }
    let reach = |at: usize| widgets.iter().map(|widget| widget.bounds[at]).max().unwrap_or(0).max(0) as u32;
    Ok(Tree { size: Size { width: reach(2), height: reach(3) }, widgets })
}

/// Why there is no tree, by what was printed in its place.
fn no_tree(output: &str) -> DriverErrorKind {
    let why = super::answers::shortened(complaint(output).unwrap_or(output));
    match why.to_lowercase().contains("idle state") {
        true => DriverErrorKind::TimedOut {
            tries: format!("the screen did not rest, so its widgets cannot be read: {why}"),
        },
        false => DriverErrorKind::MalformedResponse { why: format!("no widget tree: {why}") },
    }
}

/// The line in which `uiautomator` says that it could not; it says so in various letter cases, and ends with 0 all the same.
pub(crate) fn complaint(output: &str) -> Option<&str> {
    output.lines().map(str::trim).find(|line| {
        let line = line.to_lowercase();
        ["error", "exception", "null root node", "idle state"].iter().any(|word| line.contains(word))
    })
}

/// Whether a dump is small enough to be parsed. It looks at quotes and angle brackets only: the parser says what is XML.
fn check_bounds(xml: &str) -> Result<(), &'static str> {
    if xml.len() > BYTES_MAX {
        return Err("it is too long");
    }
    let (mut widgets, mut depth, mut attributes, mut quote) = (0usize, 0usize, 0usize, None);
    let mut inside = false;
    let bytes = xml.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if *byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if inside => {
                quote = Some(*byte);
                attributes += 1;
            }
            (None, b'<') if inside => return Err("a tag inside of a tag"),
            (None, b'<') => {
                inside = true;
                attributes = 0;
                match bytes.get(at + 1) {
                    Some(b'/') => depth = depth.saturating_sub(1),
                    // Comments, declarations and instructions, none of which Android writes there.
                    Some(b'!' | b'?') => return Err("something else than widgets"),
                    _ => {
                        widgets += 1;
                        depth += 1;
                    }
                }
            }
            (None, b'>') if inside => {
                inside = false;
                if bytes[at - 1] == b'/' {
                    depth = depth.saturating_sub(1);
                }
            }
            _ => {}
        }
        if widgets > WIDGETS_MAX || depth > DEPTH_MAX + 1 || attributes > ATTRIBUTES_MAX {
            return Err("too many widgets, or too deep, or too much in one");
        }
    }
    Ok(())
}

fn widget(element: Node<'_, '_>, depth: u32) -> Widget {
    let value = |name: &str| element.attribute(name).unwrap_or_default();
    let text = |name: &str| clipped(value(name)).to_owned();
    let is = |name: &str| value(name) == "true";
    let is_password = is("password");
    Widget {
        depth,
        text: if is_password { String::new() } else { text("text") },
        description: text("content-desc"),
        hint: text("hint"),
        remarks: REMARKS.iter().map(|name| text(name)).filter(|remark| !remark.trim().is_empty()).collect(),
        class: value("class").rsplit('.').next().unwrap_or_default().to_owned(),
        id: text("resource-id"),
        app: text("package"),
        bounds: bounds(value("bounds")).unwrap_or_default(),
        can_be_touched: is("clickable"),
        can_be_scrolled: is("scrollable"),
        has_focus: is("focused"),
        is_password,
        dots: is_password.then(|| dots(value("text"))).flatten(),
        is_enabled: is("enabled"),
        is_on: is("checkable").then(|| is("checked")),
    }
}

/// What else a widget may say of itself, by the names that versions of Android and of its test libraries write.
const REMARKS: &[&str] = &["tooltip-text", "tooltip", "pane-title", "state-description", "container-title", "error"];

/// How many dots, or whatever a field shows in place of letters; `None` if it is something else, such as a hint.
fn dots(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let is_dotted = !first.is_alphanumeric() && text.chars().all(|letter| letter == first);
    is_dotted.then(|| text.chars().count())
}

fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(VALUE_MAX)]
}

/// `[0,92][540,184]`
fn bounds(text: &str) -> Option<[i32; 4]> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let (from, to) = inner.split_once("][")?;
    let pair = |text: &str| -> Option<(i32, i32)> {
        let (x, y) = text.split_once(',')?;
        Some((x.parse().ok()?, y.parse().ok()?))
    };
    let ((left, top), (right, bottom)) = (pair(from)?, pair(to)?);
    let bounds = [left, top, right, bottom];
    let plausible = bounds.iter().all(|number: &i32| number.unsigned_abs() < 1 << 20);
    plausible.then_some(bounds)
}

#[cfg(test)]
#[path = "hierarchy_tests.rs"]
mod tests;
