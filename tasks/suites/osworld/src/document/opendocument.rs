//! Documents of Writer (`.odt`) as odfpy reads them.

use std::collections::BTreeSet;

use roxmltree::Node;

use crate::error::EvaluatorErrorKind as Kind;
use crate::output::StateFile;
use crate::package::Package;
use crate::xml;

/// What evaluators ask of a document.
pub struct OpenDocument {
    pub paragraphs: Vec<String>,
    /// Styles of words that have a background, with its colour.
    backgrounds: Vec<(String, String)>,
    span_styles: BTreeSet<String>,
}

impl OpenDocument {
    /// # Errors
    /// If it is no document, or is damaged.
    pub fn read(file: &StateFile) -> Result<OpenDocument, Kind> {
        let package = Package::open(file)?;
        if !package.contains("META-INF/manifest.xml") {
            return Err(Kind::unreadable(&file.name, "it has no META-INF/manifest.xml"));
        }
        let mut found = OpenDocument { paragraphs: Vec::new(), backgrounds: Vec::new(), span_styles: BTreeSet::new() };
        // The body comes before headers and footers.
        for path in ["content.xml", "styles.xml"] {
            let Some(text) = package.text(path)? else { continue };
            let document = xml::parse(&package.part_name(path), &text)?;
            for part in document.root_element().children().filter(Node::is_element) {
                match part.tag_name().name() {
                    "automatic-styles" => found.add_styles(part),
                    "master-styles" | "body" => found.add_text(part),
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    fn add_styles<'a>(&mut self, styles: Node<'a, 'a>) {
        for style in styles.children().filter(Node::is_element) {
            let Some(name) = attribute(style, "name") else { continue };
            for properties in style.children().filter(Node::is_element) {
                if let Some(color) = attribute(properties, "background-color") {
                    self.backgrounds.push((name.to_owned(), color.to_owned()));
                }
            }
        }
    }

    fn add_text<'a>(&mut self, part: Node<'a, 'a>) {
        for node in part.descendants().filter(Node::is_element) {
            match node.tag_name().name() {
                "p" => self.paragraphs.push(paragraph_text(node)),
                "span" => self.span_styles.extend(attribute(node, "style-name").map(str::to_owned)),
                _ => {}
            }
        }
    }

    /// Whether some words have a background of a colour.
    pub fn has_background(&self, color: &str) -> bool {
        self.backgrounds.iter().any(|(name, found)| found == color && self.span_styles.contains(name))
    }
}

fn attribute<'a>(of: Node<'a, 'a>, name: &str) -> Option<&'a str> {
    of.attributes().find(|attribute| attribute.name() == name).map(|attribute| attribute.value())
}

/// What stands in a paragraph itself and in its spans; blanks and tabs that are elements are passed over.
fn paragraph_text<'a>(paragraph: Node<'a, 'a>) -> String {
    let own = |node: Node<'a, 'a>| node.text().filter(|_| node.is_text()).unwrap_or_default();
    let mut text = String::new();
    for node in paragraph.children() {
        if node.is_element() && node.tag_name().name() == "span" {
            node.children().for_each(|child| text.push_str(own(child)));
        } else {
            text.push_str(own(node));
        }
    }
    text
}
