//! The accessibility tree of a desktop as the XML that OSWorld's control server writes.

use std::fmt::Write as _;

use crate::desktop::AccessibleNode;

/// The prefixes of names, with what they stand for after a common beginning.
const NAMESPACES: [(&str, &str); 8] = [
    ("st", "state"),
    ("attr", "attributes"),
    ("cp", "component"),
    ("doc", "document"),
    ("docattr", "document/attributes"),
    ("txt", "text"),
    ("val", "value"),
    ("act", "action"),
];

/// The states by their numbers in AT-SPI.
const STATES: [&str; 44] = [
    "invalid",
    "active",
    "armed",
    "busy",
    "checked",
    "collapsed",
    "defunct",
    "editable",
    "enabled",
    "expandable",
    "expanded",
    "focusable",
    "focused",
    "has_tooltip",
    "horizontal",
    "iconified",
    "modal",
    "multi_line",
    "multiselectable",
    "opaque",
    "pressed",
    "resizable",
    "selectable",
    "selected",
    "sensitive",
    "showing",
    "single_line",
    "stale",
    "transient",
    "vertical",
    "visible",
    "manages_descendants",
    "indeterminate",
    "required",
    "truncated",
    "animated",
    "invalid_entry",
    "supports_autocompletion",
    "selectable_text",
    "is_default",
    "visited",
    "checkable",
    "has_popup",
    "read_only",
];

/// The roles by their numbers in AT-SPI, as elements are called.
const ROLES: [&str; 131] = [
    "invalid",
    "accelerator-label",
    "alert",
    "animation",
    "arrow",
    "calendar",
    "canvas",
    "check-box",
    "check-menu-item",
    "color-chooser",
    "column-header",
    "combo-box",
    "date-editor",
    "desktop-icon",
    "desktop-frame",
    "dial",
    "dialog",
    "directory-pane",
    "drawing-area",
    "file-chooser",
    "filler",
    "focus-traversable",
    "font-chooser",
    "frame",
    "glass-pane",
    "html-container",
    "icon",
    "image",
    "internal-frame",
    "label",
    "layered-pane",
    "list",
    "list-item",
    "menu",
    "menu-bar",
    "menu-item",
    "option-pane",
    "page-tab",
    "page-tab-list",
    "panel",
    "password-text",
    "popup-menu",
    "progress-bar",
    "push-button",
    "radio-button",
    "radio-menu-item",
    "root-pane",
    "row-header",
    "scroll-bar",
    "scroll-pane",
    "separator",
    "slider",
    "spin-button",
    "split-pane",
    "status-bar",
    "table",
    "table-cell",
    "table-column-header",
    "table-row-header",
    "tearoff-menu-item",
    "terminal",
    "text",
    "toggle-button",
    "tool-bar",
    "tool-tip",
    "tree",
    "tree-table",
    "unknown",
    "viewport",
    "window",
    "extended",
    "header",
    "footer",
    "paragraph",
    "ruler",
    "application",
    "autocomplete",
    "editbar",
    "embedded",
    "entry",
    "chart",
    "caption",
    "document-frame",
    "heading",
    "page",
    "section",
    "redundant-object",
    "form",
    "link",
    "input-method-window",
    "table-row",
    "tree-item",
    "document-spreadsheet",
    "document-presentation",
    "document-text",
    "document-web",
    "document-email",
    "comment",
    "list-box",
    "grouping",
    "image-map",
    "notification",
    "info-bar",
    "level-bar",
    "title-bar",
    "block-quote",
    "audio",
    "video",
    "definition",
    "article",
    "landmark",
    "log",
    "marquee",
    "math",
    "rating",
    "timer",
    "static",
    "math-fraction",
    "math-root",
    "subscript",
    "superscript",
    "description-list",
    "description-term",
    "description-value",
    "footnote",
    "content-deletion",
    "content-insertion",
    "mark",
    "suggestion",
    "push-button-menu",
    "switch",
];

/// What stands in a text for something that is no text.
const OBJECT: char = '\u{fffc}';

/// What a role's element is called.
pub(super) fn element(role: u32) -> &'static str {
    usize::try_from(role).ok().and_then(|role| ROLES.get(role)).copied().unwrap_or("unknown")
}

/// Writes nodes that stand in the order of their tree. `name_of` says what a program is called.
pub(super) fn write(nodes: &[AccessibleNode], name_of: impl Fn(&str) -> String) -> String {
    let mut xml = "<desktop-frame".to_owned();
    for (prefix, name) in NAMESPACES {
        let _ = write!(xml, " xmlns:{prefix}=\"https://accessibility.ubuntu.example.org/ns/{name}\"");
    }
    xml.push('>');
    let mut open: Vec<&str> = Vec::new();
    for node in nodes {
        while open.len() > node.depth as usize {
            let _ = write!(xml, "</{}>", open.pop().unwrap_or_default());
        }
        let name = if node.depth == 0 { name_of(&node.name) } else { node.name.clone() };
        let element = if node.depth == 0 { "application" } else { element(node.role) };
        let _ = write!(xml, "<{element} name=\"{}\"", escaped(&name));
        attributes(&mut xml, node);
        xml.push('>');
        let text = node.text.as_deref().unwrap_or_default().trim_matches(OBJECT);
        xml += &escaped(text);
        open.push(element);
    }
    while let Some(element) = open.pop() {
        let _ = write!(xml, "</{element}>");
    }
    xml + "</desktop-frame>"
}

fn attributes(xml: &mut String, node: &AccessibleNode) {
    for (number, state) in STATES.iter().enumerate().skip(1) {
        if node.states & 1 << number != 0 {
            let _ = write!(xml, " st:{state}=\"true\"");
        }
    }
    const SHOWING: u64 = 1 << 25;
    const VISIBLE: u64 = 1 << 30;
    if let Some([x, y, width, height]) = node.area.filter(|_| node.states & SHOWING != 0 && node.states & VISIBLE != 0)
    {
        // What has no size is not told.
        if x >= 0 && y >= 0 && width > 0 && height > 0 {
            let _ = write!(xml, " cp:screencoord=\"({x}, {y})\" cp:size=\"({width}, {height})\"");
        }
    }
    if let Some(value) = &node.value {
        for (name, number) in ["value", "min", "max", "step"].into_iter().zip(value) {
            if !number.is_empty() {
                let _ = write!(xml, " val:{name}=\"{number}\"");
            }
        }
    }
    for (interface, attribute) in [("Image", "image"), ("Selection", "selection"), ("Table", "table")] {
        if node.interfaces.iter().any(|name| name == interface) {
            let _ = write!(xml, " {attribute}=\"true\"");
        }
    }
}

/// Text between tags or quotes. What XML cannot hold is left out, as upstream's server leaves it out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            // Or they would be read as blanks in an attribute.
            '\n' => escaped += "&#10;",
            '\t' => escaped += "&#9;",
            '\r' => escaped += "&#13;",
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_xml_whatever_programs_say() {
        let node = |depth, role, name: &str, text: Option<&str>| AccessibleNode {
            depth,
            role,
            name: name.to_owned(),
            text: text.map(str::to_owned),
            states: 1 << 25 | 1 << 30 | 1 << 8,
            area: Some([1, 2, 30, 40]),
            ..AccessibleNode::default()
        };
        let nodes = [
            node(0, 75, "Chromium", None),
            node(1, 23, "a \"b\" <c> & \u{1}", None),
            node(2, 79, "Address and search bar", Some("x\ny\u{fffc}")),
            node(1, 999, "", None),
            node(0, 75, "gnome-terminal-server", None),
        ];
        let xml = write(&nodes, |name| if name == "Chromium" { "Google Chrome".to_owned() } else { name.to_owned() });
        let document = roxmltree::Document::parse(&xml).unwrap();
        let names: Vec<(&str, &str)> = document
            .root_element()
            .descendants()
            .filter(roxmltree::Node::is_element)
            .map(|node| (node.tag_name().name(), node.attribute("name").unwrap_or_default()))
            .collect();
        assert_eq!(
            names,
            [
                ("desktop-frame", ""),
                ("application", "Google Chrome"),
                ("frame", "a \"b\" <c> & "),
                ("entry", "Address and search bar"),
                ("unknown", ""),
                ("application", "gnome-terminal-server"),
            ]
        );
        assert!(xml.contains("st:enabled=\"true\" st:showing=\"true\" st:visible=\"true\" cp:screencoord=\"(1, 2)\" cp:size=\"(30, 40)\">x&#10;y</entry>"), "{xml}");
    }

    #[test]
    fn roles_and_states_stand_at_their_numbers() {
        assert_eq!(
            (element(23), element(60), element(75), element(79), element(95)),
            ("frame", "terminal", "application", "entry", "document-web")
        );
        assert_eq!((STATES[12], STATES[25], STATES[30], STATES[43]), ("focused", "showing", "visible", "read_only"));
    }
}
