//! What is on the display, said piece by piece: for training a model to read, and for tests. Never shown to a model.

use crate::draw::{self, Rect};
use crate::icon::Icon;
use crate::ui::{Class, Node, Shape};

/// A word, an icon or a control that can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub what: MarkContent,
    /// Where it is, in display pixels.
    pub rect: Rect,
    /// The middle of what a touch here reaches, in display pixels.
    pub target: Option<(i32, i32)>,
    /// On or off, of the control that belongs to it.
    pub on: Option<bool>,
    /// Where it is part of a text field: whether the field has the focus, and whether text is in it.
    pub field: Option<(bool, bool)>,
}

/// What a mark shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkContent {
    Word(String),
    Icon(Icon),
    /// A switch or radio button.
    Control,
    Field,
}

/// The marks of a display, the lowest first. What a modal layer covers is left out.
pub fn marks(nodes: &[Node]) -> Vec<Mark> {
    let dialog = nodes.iter().rposition(|node| node.id == "dialog").unwrap_or(0);
    let mut marks = Vec::new();
    for (i, node) in nodes.iter().enumerate().skip(dialog) {
        let owner = owner(nodes, i);
        let mark = |what: MarkContent, rect: Rect| Mark {
            what,
            rect: rect.and(node.clip),
            target: owner.filter(|at| nodes[*at].tap.is_some()).map(|at| nodes[at].rect.and(nodes[at].clip).center()),
            on: owner.and_then(|at| state(nodes, at)),
            field: (node.class == Class::Field).then_some((node.focused, !node.text.is_empty())),
        };
        match node.class {
            Class::Key => continue,
            Class::Switch | Class::Radio => marks.push(mark(MarkContent::Control, node.rect)),
            Class::Field => marks.push(mark(MarkContent::Field, node.rect)),
            _ => {}
        }
        for shape in &node.shapes {
            match shape {
                Shape::Text { x, baseline, size, bold, text, .. } => {
                    let mut before = String::new();
                    for word in text.split_inclusive(' ') {
                        let left = x + draw::text_width(*size, *bold, &before);
                        before.push_str(word);
                        let right = x + draw::text_width(*size, *bold, before.trim_end());
                        let top = baseline - *size as i32 * 8 / 10;
                        let rect = Rect { left, top, right, bottom: baseline + *size as i32 * 2 / 10 };
                        if !word.trim().is_empty() && !rect.and(node.clip).is_empty() {
                            marks.push(mark(MarkContent::Word(word.trim().to_string()), rect));
                        }
                    }
                }
                Shape::Icon { icon, rect, .. } => marks.push(mark(MarkContent::Icon(*icon), *rect)),
                Shape::Fill { .. }
                | Shape::Gradient { .. }
                | Shape::Shade
                | Shape::Photo { .. }
                | Shape::Picture { .. } => {}
            }
        }
    }
    marks.retain(|mark| !mark.rect.is_empty());
    marks
}

/// The nearest node at or above this one that a touch reaches, else its row.
fn owner(nodes: &[Node], at: usize) -> Option<usize> {
    let mut here = Some(at);
    while let Some(i) = here {
        if nodes[i].tap.is_some() || nodes[i].class == Class::Row {
            return Some(i);
        }
        here = nodes[i].parent;
    }
    None
}

/// The state of the control under a node.
fn state(nodes: &[Node], at: usize) -> Option<bool> {
    if nodes[at].class != Class::Row {
        return nodes[at].checked;
    }
    nodes.iter().find(|node| node.parent == Some(at) && node.checked.is_some()).and_then(|node| node.checked)
}
