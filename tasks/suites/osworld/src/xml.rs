//! XML that a device or a program wrote, read with bounds: no entities of its own, no more elements than memory is there for.

use roxmltree::{Document, Node, ParsingOptions};

use crate::error::EvaluatorErrorKind as Kind;

/// The largest tree that was measured has some three thousand elements.
const NODES_MAX: u32 = 2_000_000;
const DEPTH_MAX: usize = 2_000;
const ATTRIBUTES_MAX: usize = 1_000;

/// Reads a document.
///
/// # Errors
/// If it is no XML, brings definitions of its own (`<!DOCTYPE`), has too many elements, or is nested too deeply.
pub fn parse<'a>(name: &str, text: &'a str) -> Result<Document<'a>, Kind> {
    check_depth(name, text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| Kind::unreadable(name, error))
}

/// Counts what is open and what stands in a tag, in one pass and before anything is built of it: a reader would compare each
/// attribute of an element with all others.
fn check_depth(name: &str, text: &str) -> Result<(), Kind> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end_mark =
            [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")].into_iter().find(|(begin, _)| rest.starts_with(begin));
        if let Some((_, end)) = end_mark {
            rest = rest.find(end).map_or("", |at| &rest[at..]);
            continue;
        }
        let (end, attributes) = tag_end(rest);
        if attributes > ATTRIBUTES_MAX {
            return Err(Kind::unreadable(name, format!("an element has more than {ATTRIBUTES_MAX} attributes")));
        }
        let tag = &rest[..end];
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !tag.ends_with('/') && !tag.starts_with('!') {
            depth += 1;
        }
        if depth > DEPTH_MAX {
            return Err(Kind::unreadable(name, format!("its elements are nested more than {DEPTH_MAX} deep")));
        }
        rest = &rest[end..];
    }
    Ok(())
}

/// Where a tag ends, and how many values are given in it.
fn tag_end(tag: &str) -> (usize, usize) {
    let mut quote = None;
    let mut attributes = 0;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'=') => attributes += 1,
            (None, b'>') => return (at, attributes),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    (tag.len(), attributes)
}

/// The elements of a name directly below one, in no namespace or in any.
pub fn children<'a>(of: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    of.children().filter(move |node| node.is_element() && node.tag_name().name() == name)
}

/// What stands in an element before its first child element.
pub fn text<'a>(of: Node<'a, 'a>) -> Option<&'a str> {
    of.children().take_while(|node| !node.is_element()).find(Node::is_text).and_then(|node| node.text())
}

/// As [`text`]; what is not there is empty.
pub fn text_of<'a>(of: Node<'a, '_>) -> &'a str {
    of.children().take_while(|node| !node.is_element()).find(Node::is_text).and_then(|node| node.text()).unwrap_or("")
}

/// A truth value as openpyxl reads it: what is not said to be false is true.
pub fn is_on(value: Option<&str>, default: bool) -> bool {
    value.map_or(default, |value| !matches!(value, "0" | "f" | "false" | ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_grow_without_end_is_an_error() {
        let laughs = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>";
        let deep = format!("{}{}", "<a>".repeat(3_000), "</a>".repeat(3_000));
        let deep_open = "<a>".repeat(1_000_000);
        let many = format!("<a {}/>", (0..2_000).map(|number| format!("a{number}=''")).collect::<Vec<_>>().join(" "));
        let unclosed = "<a ".repeat(2_000_000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(2_000_001));
        for (text, why) in [
            (laughs, "DTD"),
            (&deep, "deep"),
            (&deep_open, "deep"),
            (&wide, "nodes"),
            (&many, "attributes"),
            (&unclosed, "expected"),
            ("<a>", "root"),
            ("", "root"),
            ("<a></b>", "expected"),
        ] {
            let error = parse("it", text).expect_err(why).to_string();
            assert!(error.starts_with("it cannot be read: "), "{error}");
        }
        assert!(parse("it", "<a><b/>x</a>").is_ok());
        let quoted = format!("<a>{}{}</a>", "<b c='>'/>".repeat(3_000), "<!-- <d> -->".repeat(3_000));
        assert!(parse("it", &quoted).is_ok());
    }
}
