//! The accessibility tree of OSWorld's control server as widgets: of the app in front alone, as far as it can be seen.
//!
//! All words in it are a program's own.

use roxmltree::{Document, Node, ParsingOptions};

use super::guest::Scene;
use crate::tree::{Tree, Widget};

/// No tree has more elements and attributes.
const NODES_MAX: u32 = 1_000_000;
/// No more widgets of an app are told.
const WIDGETS_MAX: usize = 2000;
/// No widget lies in more of them.
const DEPTH_MAX: u32 = 64;
/// No text is told further, in characters.
const TEXT_MAX: usize = 500;

const STATE: &str = "https://accessibility.ubuntu.example.org/ns/state";
const COMPONENT: &str = "https://accessibility.ubuntu.example.org/ns/component";
const ACTION: &str = "https://accessibility.ubuntu.example.org/ns/action";

/// What the more frequent roles are called here; a field to type into is a `TextField`.
const ROLES: [(&str, &str); 35] = [
    ("alert", "Alert"),
    ("check-box", "CheckBox"),
    ("check-menu-item", "CheckMenuItem"),
    ("combo-box", "ComboBox"),
    ("dialog", "Dialog"),
    ("entry", "TextField"),
    ("file-chooser", "FileChooser"),
    ("frame", "Frame"),
    ("heading", "Heading"),
    ("icon", "Icon"),
    ("image", "Image"),
    ("label", "Label"),
    ("link", "Link"),
    ("list", "List"),
    ("list-item", "ListItem"),
    ("menu", "Menu"),
    ("menu-bar", "MenuBar"),
    ("menu-item", "MenuItem"),
    ("page-tab", "PageTab"),
    ("page-tab-list", "PageTabList"),
    ("panel", "Panel"),
    ("paragraph", "Paragraph"),
    ("password-text", "PasswordField"),
    ("push-button", "Button"),
    ("radio-button", "RadioButton"),
    ("radio-menu-item", "RadioMenuItem"),
    ("scroll-pane", "ScrollPane"),
    ("slider", "Slider"),
    ("spin-button", "SpinButton"),
    ("table", "Table"),
    ("table-cell", "TableCell"),
    ("terminal", "Terminal"),
    ("text", "TextField"),
    ("toggle-button", "ToggleButton"),
    ("tool-bar", "ToolBar"),
];
const PASSWORD: &str = "password-text";
const SWITCHES: [&str; 5] = ["check-box", "check-menu-item", "radio-button", "radio-menu-item", "toggle-button"];
/// What holds words of its own beside its name.
const WITH_TEXT: [&str; 7] = ["text", "entry", "spin-button", "terminal", "paragraph", "table-cell", "document-text"];

/// The widgets of the app in front that can be seen; `None` if it tells none.
///
/// # Errors
/// What is wrong with the XML.
pub(super) fn tree(xml: &str, scene: &Scene, app: &str) -> Result<Option<Tree>, String> {
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options)
        .map_err(|error| format!("the accessibility tree is no XML: {error}"))?;
    let title = scene.active().map(|window| window.app_window().title).unwrap_or_default();
    let applications: Vec<Node<'_, '_>> = document.root_element().children().filter(is_application).collect();
    let has_active = |node: &Node<'_, '_>| node.children().any(|frame| is(&frame, "active"));
    let has_title = |node: &Node<'_, '_>| node.children().any(|frame| frame.attribute("name") == Some(&*title));
    let found = applications.iter().find(|node| has_active(node) && has_title(node));
    let found = found.or_else(|| applications.iter().find(|node| has_title(node)));
    let found = found.or_else(|| applications.iter().find(|node| has_active(node)));
    let Some(application) = found else { return Ok(None) };
    let mut widgets = Vec::new();
    // Not by recursion: how deep it goes is somebody else's choice.
    let mut open: Vec<(Node<'_, '_>, u32)> = application.children().rev().map(|child| (child, 0)).collect();
    while let Some((node, depth)) = open.pop() {
        if widgets.len() == WIDGETS_MAX {
            break;
        }
        if !node.is_element() {
            continue;
        }
        let told = widget(&node, depth, scene, app);
        let below = depth + u32::from(told.is_some());
        widgets.extend(told);
        if below < DEPTH_MAX {
            open.extend(node.children().rev().map(|child| (child, below)));
        }
    }
    if widgets.is_empty() {
        return Ok(None);
    }
    Ok(Some(Tree { size: scene.size, widgets }))
}

fn is_application(node: &Node<'_, '_>) -> bool {
    node.has_tag_name("application")
}

fn is(node: &Node<'_, '_>, state: &str) -> bool {
    node.attribute((STATE, state)) == Some("true")
}

/// A widget that can be seen and is worth a word; `None` of all others.
fn widget(node: &Node<'_, '_>, depth: u32, scene: &Scene, app: &str) -> Option<Widget> {
    if !is(node, "showing") || !is(node, "visible") {
        return None;
    }
    let role = node.tag_name().name();
    let is_password = role == PASSWORD;
    let name = text(node.attribute("name").unwrap_or_default());
    let own = if WITH_TEXT.contains(&role) || is(node, "editable") { node.text().unwrap_or_default() } else { "" };
    let own = if is_password { String::new() } else { text(own) };
    let is_focused = is(node, "focused");
    let is_field = ["text", "entry", PASSWORD].contains(&role);
    if name.trim().is_empty() && own.trim().is_empty() && !is_field && !is_focused {
        return None;
    }
    let (left, top) = pair(node.attribute((COMPONENT, "screencoord"))?)?;
    let (width, height) = pair(node.attribute((COMPONENT, "size"))?)?;
    let bounds = [left, top, left.saturating_add(width), top.saturating_add(height)];
    let is_on_screen = bounds[2] > 0
        && bounds[3] > 0
        && i64::from(left) < i64::from(scene.size.width)
        && i64::from(top) < i64::from(scene.size.height);
    if width <= 0 || height <= 0 || !is_on_screen {
        return None;
    }
    // What another program's window lies over is not there to be touched.
    let middle = (left.saturating_add(width / 2), top.saturating_add(height / 2));
    if !scene.is_of_front(middle) {
        return None;
    }
    let acts = node.attributes().any(|attribute| attribute.namespace() == Some(ACTION));
    let is_enabled = is(node, "sensitive") || is(node, "enabled");
    let is_switch = SWITCHES.contains(&role) || is(node, "checkable");
    let class = ROLES.iter().find(|(known, _)| *known == role).map_or("Widget", |(_, class)| class);
    let shown = name != own && !name.trim().is_empty();
    Some(Widget {
        depth,
        is_on: is_switch.then(|| is(node, "checked") || is(node, "pressed")),
        can_be_touched: acts && is_enabled || is(node, "editable"),
        can_be_scrolled: role == "scroll-pane",
        has_focus: is_focused,
        is_password,
        is_enabled,
        class: class.to_owned(),
        app: app.to_owned(),
        bounds,
        remarks: if shown && !own.is_empty() { vec![name.clone()] } else { Vec::new() },
        text: if own.is_empty() { name } else { own },
        ..Widget::default()
    })
}

fn text(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// `(12, -3)`
fn pair(text: &str) -> Option<(i32, i32)> {
    let (one, other) = text.trim().strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    Some((one.trim().parse().ok()?, other.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_pairs() {
        assert_eq!(pair("(12, -3)"), Some((12, -3)));
        for wrong in ["", "12, 3", "(1)", "(1, 2, 3)", "(99999999999, 1)"] {
            assert_eq!(pair(wrong), None, "{wrong}");
        }
    }
}
