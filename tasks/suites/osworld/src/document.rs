//! Documents of Word (`.docx`) as python-docx reads them: paragraphs, runs, tables, sections.
//!
//! Only what stands directly in a body, a cell or a paragraph counts, as it does there: text in a frame, in an insertion that is
//! tracked or in a field of its own is passed over.

pub mod length;
pub mod opendocument;
pub mod table;

use roxmltree::Node;

use crate::error::EvaluatorErrorKind as Kind;
use crate::output::StateFile;
use crate::package::{Package, Relationship};
use crate::xml;

/// A document that is open; its XML is parsed by whoever reads it.
pub struct WordDocument<'a> {
    package: Package<'a>,
    path: String,
    text: String,
}

impl<'a> WordDocument<'a> {
    /// # Errors
    /// If it is no document, or is damaged.
    pub fn open(file: &'a StateFile) -> Result<WordDocument<'a>, Kind> {
        let package = Package::open(file)?;
        let root = package.relationships("")?;
        let main = root.into_iter().find(|relationship| relationship.kind == "officeDocument");
        let path = main.ok_or_else(|| Kind::unreadable(&file.name, "it is no document"))?.target;
        let text = package.required_text(&path)?;
        Ok(WordDocument { package, path, text })
    }

    /// # Errors
    /// If it is no XML.
    pub fn parse(&self) -> Result<roxmltree::Document<'_>, Kind> {
        xml::parse(&self.package.part_name(&self.path), &self.text)
    }

    /// What the document refers to.
    ///
    /// # Errors
    /// If the list is damaged.
    pub fn relationships(&self) -> Result<Vec<Relationship>, Kind> {
        self.package.relationships(&self.path)
    }

    /// # Errors
    /// If it is not there, or damaged.
    pub fn part(&self, path: &str) -> Result<Vec<u8>, Kind> {
        self.package.part(path)?.ok_or_else(|| self.package.unreadable(path, "it is not there"))
    }

    /// The text of the first paragraph of each section's footer; an empty one where there is none.
    ///
    /// # Errors
    /// If a footer is damaged.
    pub fn footers(&self) -> Result<Vec<String>, Kind> {
        let document = self.parse()?;
        let relationships = self.relationships()?;
        let mut footers: Vec<String> = Vec::new();
        for section in sections(document.root_element()) {
            let own = xml::children(section, "footerReference").find(|node| value(*node, "type") == Some("default"));
            let footer = match own {
                // A section without a footer has that of the section before.
                None => footers.last().cloned().unwrap_or_default(),
                Some(reference) => {
                    let id = value(reference, "id").unwrap_or_default();
                    let part = relationships.iter().find(|relationship| relationship.id == id);
                    let part = part.ok_or_else(|| Kind::output("a footer is not there"))?;
                    let text = self.package.required_text(&part.target)?;
                    let document = xml::parse(&self.package.part_name(&part.target), &text)?;
                    paragraphs(document.root_element()).next().map(paragraph_text).unwrap_or_default()
                }
            };
            footers.push(footer);
        }
        Ok(footers)
    }
}

/// The body of a document.
///
/// # Errors
/// If there is none.
pub fn body<'a>(document: &'a roxmltree::Document<'a>) -> Result<Node<'a, 'a>, Kind> {
    let body = xml::children(document.root_element(), "body").next();
    body.ok_or_else(|| Kind::output("a document has no body"))
}

/// The sections of a document: what their ends say of them.
pub fn sections<'a>(document: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    let blocks = xml::children(document, "body").flat_map(|body| body.children());
    blocks.filter_map(|block| match block.tag_name().name() {
        "sectPr" => Some(block),
        "p" => child(child(block, "pPr")?, "sectPr"),
        _ => None,
    })
}

/// The paragraphs directly in a body, a cell or a footer.
pub fn paragraphs<'a>(of: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    xml::children(of, "p")
}

/// The runs directly in a paragraph.
pub fn runs<'a>(paragraph: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    xml::children(paragraph, "r")
}

pub fn child<'a>(of: Node<'a, 'a>, name: &'static str) -> Option<Node<'a, 'a>> {
    xml::children(of, name).next()
}

/// An attribute of the document's own kind.
pub fn value<'a>(of: Node<'a, 'a>, name: &str) -> Option<&'a str> {
    let mut attributes = of.attributes();
    attributes.find(|attribute| attribute.name() == name && attribute.namespace().is_some()).map(|found| found.value())
}

/// What a paragraph says, its links too.
pub fn paragraph_text<'a>(paragraph: Node<'a, 'a>) -> String {
    let mut text = String::new();
    for node in paragraph.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "r" => add_run_text(node, &mut text),
            "hyperlink" => runs(node).for_each(|run| add_run_text(run, &mut text)),
            _ => {}
        }
    }
    text
}

pub fn run_text<'a>(run: Node<'a, 'a>) -> String {
    let mut text = String::new();
    add_run_text(run, &mut text);
    text
}

fn add_run_text(run: Node, text: &mut String) {
    for node in run.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "t" => text.push_str(xml::text_of(node)),
            "tab" | "ptab" => text.push('\t'),
            "cr" => text.push('\n'),
            // Breaks of pages and columns say nothing.
            "br" if matches!(value(node, "type"), None | Some("textWrapping")) => text.push('\n'),
            "noBreakHyphen" => text.push('-'),
            _ => {}
        }
    }
}

/// A property of a run that is on, off, or not said.
///
/// # Errors
/// If it is said in a way that there is not.
pub fn run_flag<'a>(run: Node<'a, 'a>, name: &'static str) -> Result<Option<bool>, Kind> {
    let Some(node) = run_property(run, name) else { return Ok(None) };
    match value(node, "val") {
        None | Some("1" | "true" | "on") => Ok(Some(true)),
        Some("0" | "false" | "off") => Ok(Some(false)),
        Some(other) => Err(Kind::output(format!("`{name}` of a run is {other:?}, which is neither on nor off"))),
    }
}

pub fn run_property<'a>(run: Node<'a, 'a>, name: &'static str) -> Option<Node<'a, 'a>> {
    child(child(run, "rPr")?, name)
}
