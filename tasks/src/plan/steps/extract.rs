//! What a page says that matches a pattern: one thing, or the items of a list that is longer than a screen.

use regex::{Regex, RegexBuilder};
use tapwright_contract::Size;
use tapwright_contract::device::Label;

use super::find::{content, plain, visible};

/// A pattern that needs more is no pattern of a line or two.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// As many items are taken from one screen.
const ITEMS_MAX: usize = 500;

/// Reads a pattern: `^` and `$` are the ends of a line.
///
/// # Errors
/// What is wrong with it.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(pattern).multi_line(true).size_limit(COMPILED_BYTES_MAX).build();
    // It tells over several lines where in the pattern it is wrong; its last line says what.
    let compiled = compiled.map_err(|error| {
        let why = error.to_string();
        let why = why.lines().next_back().unwrap_or_default();
        why.trim_start_matches("error: ").to_owned()
    })?;
    if compiled.is_match("") { Err("it matches where nothing is written".to_owned()) } else { Ok(compiled) }
}

/// What of a screen matches, from its top to its bottom, each once: the pattern's groups, with ` | ` between two, or all of it if there
/// are none.
pub fn matches(pattern: &Regex, labels: &[Label], display: Size) -> Vec<String> {
    let mut seen = visible(labels, display);
    seen.retain(|label| !label.secret);
    seen.sort_by_key(|label| (label.area.top, label.area.left));
    let texts: Vec<&str> =
        seen.into_iter().map(|label| content(label).trim()).filter(|text| !text.is_empty()).collect();
    let text = texts.join("\n");
    let mut items: Vec<String> = Vec::new();
    for found in pattern.captures_iter(&text) {
        let from = usize::from(found.len() > 1);
        let groups = found.iter().skip(from).flatten().map(|group| plain(&group.as_str().replace('|', "/")));
        let item = groups.filter(|group| !group.is_empty()).collect::<Vec<_>>().join(" | ");
        if !item.is_empty() && !items.contains(&item) {
            items.push(item);
        }
        if items.len() >= ITEMS_MAX {
            break;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use tapwright_contract::device::Area;

    use super::*;

    const DISPLAY: Size = Size { width: 100, height: 100 };

    /// Each with where it begins, from the left and from the top.
    fn page(texts: &[(&str, u32, u32)]) -> Vec<Label> {
        let label = |(text, left, top): &(&str, u32, u32)| Label {
            area: Area { left: *left, top: *top, right: left + 10, bottom: top + 8 },
            text: (*text).to_owned(),
            touchable: false,
            focused: false,
            secret: *text == "1. My PIN: 1",
            app: None,
            role: None,
            value: None,
            is_on: None,
        };
        texts.iter().map(label).collect()
    }

    fn items(pattern: &str, texts: &[(&str, u32, u32)]) -> Vec<String> {
        matches(&compile(pattern).unwrap(), &page(texts), DISPLAY)
    }

    #[test]
    fn items_are_told_in_the_order_of_the_page() {
        let texts = [
            ("2. Snow | World: cold", 0, 30),
            ("Send", 50, 90),
            ("1. Old  Palace: early", 0, 10),
            ("by bus", 0, 20),
            ("1. My PIN: 1", 0, 40),
            ("1. Old Palace: once more", 0, 50),
            ("3. Too far: below", 0, 120),
        ];
        assert_eq!(items(r"^\d+\. ([^:\n]+):", &texts), ["Old Palace", "Snow / World"]);
        assert_eq!(items(r"^\d+\. ([^:\n]+): (.+)\n(by \w+)?", &texts)[0], "Old Palace | early | by bus");
        assert_eq!(items(r"by \w+", &texts), ["by bus"]);
        assert!(items("nowhere", &texts).is_empty());
        // What stands in a row is a line each, from the left.
        assert_eq!(items(r"^Milk\n(¥\d+)$", &[("¥5", 50, 10), ("Milk", 0, 10)]), ["¥5"]);
    }

    #[test]
    fn a_pattern_that_is_none_is_told() {
        for (pattern, why) in [
            ("(", "unclosed group"),
            ("a*", "matches where nothing"),
            ("", "matches where nothing"),
            ("(?=a)b", "look-around"),
            (r"(\w{1000}){1000}", "size limit"),
        ] {
            let told = compile(pattern).unwrap_err();
            assert!(told.contains(why), "{pattern}: {told}");
        }
    }
}
