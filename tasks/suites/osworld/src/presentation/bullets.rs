//! The lists of two slides side by side: levels, bullets and texts of all their paragraphs, wherever they stand.
//!
//! Upstream compares them for each run, and each look at a paragraph's level before that has written an empty set of properties
//! into it, so that the same two slides are alike for one run and not for another.

use std::collections::BTreeMap;

use super::text::Paragraph;
use super::{DRAWING, Node, child};
use crate::python::text::strip;

/// A paragraph that says something.
struct Item<'a> {
    number: usize,
    text: String,
    bullet: Bullet<'a>,
    level: Level<'a>,
}

/// The sign before a paragraph, if it has one of its own; upstream's word for none is a sign, too.
type Bullet<'a> = Option<&'a str>;
const NO_BULLET: Bullet = Some("No Bullet");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level<'a> {
    /// The paragraph has no properties.
    None,
    Of(&'a str),
}

/// What a paragraph says; `None` where there is an empty text in it, over which upstream gives the comparison up.
fn text_of(paragraph: Node) -> Option<String> {
    let mut text = String::new();
    for node in paragraph.descendants().filter(|node| node.has_tag_name((DRAWING, "t"))) {
        let parts = node.children().take_while(|node| !node.is_element()).filter(Node::is_text);
        let before = text.len();
        parts.for_each(|part| text.push_str(part.text().unwrap_or_default()));
        if text.len() == before {
            return None;
        }
    }
    Some(text)
}

fn items(root: Node) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    for node in root.descendants().filter(|node| node.has_tag_name((DRAWING, "p"))) {
        let text = text_of(node)?;
        if strip(&text).is_empty() {
            continue;
        }
        let properties = child(node, DRAWING, "pPr");
        let bullet = properties.and_then(|properties| child(properties, DRAWING, "buChar"));
        let level = properties.map_or(Level::None, |properties| Level::Of(properties.attribute("lvl").unwrap_or("0")));
        let bullet = bullet.map_or(NO_BULLET, |bullet| bullet.attribute("char"));
        items.push(Item { number: node.id().get_usize(), text, bullet, level });
    }
    Some(items)
}

/// What two slides have in lists.
pub enum BulletComparison<'a> {
    /// Nothing is compared.
    Skipped,
    Different,
    /// Alike but for levels.
    Levels(Levels<'a>),
}

/// The levels of both slides' paragraphs, place by place.
pub struct Levels<'a> {
    levels: [Vec<Level<'a>>; 2],
    /// Where a paragraph is in the lists, by its number in the slide.
    places: [BTreeMap<usize, usize>; 2],
    different: usize,
}

impl<'a> BulletComparison<'a> {
    pub fn new(first: Node<'a>, second: Node<'a>) -> BulletComparison<'a> {
        let (Some(first), Some(second)) = (items(first), items(second)) else { return BulletComparison::Skipped };
        let is_alike = |(first, second): (&Item, &Item)| first.text == second.text && first.bullet == second.bullet;
        if first.len() != second.len() || !first.iter().zip(&second).all(is_alike) {
            return BulletComparison::Different;
        }
        let different = first.iter().zip(&second).filter(|(first, second)| first.level != second.level).count();
        let places = |items: &[Item]| items.iter().enumerate().map(|(at, item)| (item.number, at)).collect();
        let places = [places(&first), places(&second)];
        let levels = [first, second].map(|items| items.into_iter().map(|item| item.level).collect());
        BulletComparison::Levels(Levels { levels, places, different })
    }

    /// A paragraph of either slide was asked for its level.
    pub fn mark_asked(&mut self, paragraphs: [Paragraph; 2]) {
        let BulletComparison::Levels(Levels { levels, places, different }) = self else { return };
        for (side, paragraph) in paragraphs.iter().enumerate() {
            let Some(&at) = paragraph.0.and_then(|node| places[side].get(&node.id().get_usize())) else { continue };
            if levels[side][at] == Level::None {
                let was_different = levels[0][at] != levels[1][at];
                levels[side][at] = Level::Of("0");
                let is_different = levels[0][at] != levels[1][at];
                *different = *different + usize::from(is_different) - usize::from(was_different);
            }
        }
    }

    pub fn is_alike(&self) -> bool {
        match self {
            BulletComparison::Skipped => true,
            BulletComparison::Different => false,
            BulletComparison::Levels(levels) => levels.different == 0,
        }
    }
}
