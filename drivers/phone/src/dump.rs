//! Writes the widget tree as `uiautomator dump` does.

use std::fmt::Write;

use crate::ui::{Class, Node};

/// The whole file, with its declaration.
pub fn hierarchy(nodes: &[Node], package: &str, turned: bool) -> String {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len() + 1];
    for (i, node) in nodes.iter().enumerate() {
        children[node.parent.map_or(nodes.len(), |parent| parent)].push(i);
    }
    let mut xml = format!(
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"{}\">",
        u8::from(turned)
    );
    for (index, root) in children[nodes.len()].iter().enumerate() {
        write_node(&mut xml, nodes, &children, *root, index, package);
    }
    xml.push_str("</hierarchy>");
    xml
}

fn write_node(xml: &mut String, nodes: &[Node], children: &[Vec<usize>], at: usize, index: usize, package: &str) {
    let node = &nodes[at];
    let seen = node.rect.and(node.clip);
    let _ = write!(
        xml,
        "<node index=\"{index}\" text=\"{}\" resource-id=\"{package}:id/{}\" class=\"{}\" package=\"{package}\" \
         content-desc=\"{}\" checkable=\"{}\" checked=\"{}\" clickable=\"{}\" enabled=\"true\" focusable=\"{}\" \
         focused=\"{}\" scrollable=\"{}\" long-clickable=\"false\" password=\"false\" selected=\"false\" \
         bounds=\"[{},{}][{},{}]\"",
        escape(&node.text),
        node.id,
        class(node.class),
        escape(&node.desc),
        node.checked.is_some(),
        node.checked == Some(true),
        node.tap.is_some(),
        node.class == Class::Field,
        node.focused,
        node.scrolls,
        seen.left,
        seen.top,
        seen.right,
        seen.bottom,
    );
    if children[at].is_empty() {
        xml.push_str(" />");
        return;
    }
    xml.push('>');
    for (index, child) in children[at].iter().enumerate() {
        write_node(xml, nodes, children, *child, index, package);
    }
    xml.push_str("</node>");
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Frame => "android.widget.FrameLayout",
        Class::List => "androidx.recyclerview.widget.RecyclerView",
        Class::Row => "android.widget.LinearLayout",
        Class::Text => "android.widget.TextView",
        Class::Button | Class::Key => "android.widget.Button",
        Class::ImageButton => "android.widget.ImageButton",
        Class::Image => "android.widget.ImageView",
        Class::Switch => "android.widget.Switch",
        Class::Radio => "android.widget.RadioButton",
        Class::Field => "android.widget.EditText",
    }
}

/// Text as it may stand in an attribute. Control characters have no place in XML 1.0 and become blanks.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
