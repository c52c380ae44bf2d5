//! Presentations (`.pptx`) as python-pptx reads them: slides, the layouts and masters behind them, and notes.
//!
//! Only elements of the usual namespaces count, as there, so that a file in the strict form of the standard cannot be judged.

pub mod bullets;
pub mod shape;
pub mod text;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::EvaluatorErrorKind as Kind;
use crate::output::StateFile;
use crate::package::{Package, Relationship};
use crate::xml;
use shape::{LayoutPlaceholder, Place, Shape, each_shape, shapes};

pub type Node<'a> = roxmltree::Node<'a, 'a>;

pub const DRAWING: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";
pub const PRESENTATION: &str = "http://schemas.openxmlformats.org/presentationml/2006/main";

/// Kinds of content that a presentation's main part may have: with macros or without, and no show or template.
const MAIN_KINDS: [&str; 2] = [
    "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml",
];

/// The elements of a name directly below one.
pub fn children<'a>(of: Node<'a>, namespace: &'static str, name: &'static str) -> impl Iterator<Item = Node<'a>> {
    of.children().filter(move |node| node.has_tag_name((namespace, name)))
}

pub fn child<'a>(of: Node<'a>, namespace: &'static str, name: &'static str) -> Option<Node<'a>> {
    children(of, namespace, name).next()
}

/// # Errors
/// If it is not there.
pub fn required<'a>(of: Node<'a>, namespace: &'static str, name: &'static str) -> Result<Node<'a>, Kind> {
    let missing = || Kind::output(format!("a presentation has `{}` without `{name}`", of.tag_name().name()));
    child(of, namespace, name).ok_or_else(missing)
}

/// A presentation that is open.
pub struct Presentation<'a> {
    pub package: Package<'a>,
    path: String,
    text: String,
    relationships: Vec<Relationship>,
    /// What slides take over from layouts and masters, by the paths of these: many slides have the same.
    layouts: RefCell<BTreeMap<String, Rc<Layout>>>,
    /// Whether notes that are made anew have a place for text.
    makes_notes: OnceCell<bool>,
}

/// A layout, or a master. What is damaged in it is an error only for who asks for that.
pub struct Layout {
    pub path: String,
    pub placeholders: Result<Vec<Result<LayoutPlaceholder, Kind>>, Kind>,
    pub ground: Result<Ground, Kind>,
    /// The master of a layout.
    master: Option<String>,
}

impl Layout {
    /// The first placeholder that is wanted.
    ///
    /// # Errors
    /// If one before it cannot be read.
    fn placeholder(&self, is_wanted: impl Fn(&LayoutPlaceholder) -> bool) -> Result<Option<&LayoutPlaceholder>, Kind> {
        for placeholder in self.placeholders.as_ref().map_err(Kind::clone)? {
            let placeholder = placeholder.as_ref().map_err(Kind::clone)?;
            if is_wanted(placeholder) {
                return Ok(Some(placeholder));
            }
        }
        Ok(None)
    }
}

/// A part with shapes on it.
pub struct Slide {
    pub path: String,
    text: String,
    relationships: Vec<Relationship>,
}

impl<'a> Presentation<'a> {
    /// # Errors
    /// If it is no presentation, or is damaged.
    pub fn open(file: &'a StateFile) -> Result<Presentation<'a>, Kind> {
        let package = Package::open(file)?;
        let none = || Kind::unreadable(&file.name, "it is no presentation");
        let path = single(&package, "", "officeDocument")?.ok_or_else(none)?;
        if !package.content_type(&path)?.is_some_and(|kind| MAIN_KINDS.contains(&kind.as_str())) {
            return Err(none());
        }
        let text = package.required_text(&path)?;
        let relationships = package.relationships(&path)?;
        Ok(Presentation {
            package,
            path,
            text,
            relationships,
            layouts: RefCell::default(),
            makes_notes: OnceCell::new(),
        })
    }

    fn parse(&self) -> Result<roxmltree::Document<'_>, Kind> {
        xml::parse(&self.package.part_name(&self.path), &self.text)
    }

    /// The width and the height of all slides.
    ///
    /// # Errors
    /// If it does not say.
    pub fn slide_size(&self) -> Result<[i64; 2], Kind> {
        let document = self.parse()?;
        let size = child(document.root_element(), PRESENTATION, "sldSz");
        let side = |name: &str| {
            let side = size.and_then(|size| size.attribute(name)).and_then(crate::python::value::parse_int);
            side.ok_or_else(|| Kind::output("the presentation says not how large its slides are"))
        };
        Ok([side("cx")?, side("cy")?])
    }

    /// The paths of the slides, in their order.
    ///
    /// # Errors
    /// If one is not there.
    pub fn slide_paths(&self) -> Result<Vec<String>, Kind> {
        let document = self.parse()?;
        let list = child(document.root_element(), PRESENTATION, "sldIdLst");
        let by_id: BTreeMap<&str, &Relationship> =
            self.relationships.iter().map(|relationship| (relationship.id.as_str(), relationship)).collect();
        let part = |entry| {
            let found = crate::workbook::relation_id(entry).and_then(|id| by_id.get(id));
            let found = found.filter(|found| !found.is_external && self.package.contains(&found.target));
            let missing = || self.package.unreadable(&self.path, "a slide is not there");
            Ok(found.ok_or_else(missing)?.target.clone())
        };
        list.into_iter().flat_map(|list| children(list, PRESENTATION, "sldId")).map(part).collect()
    }

    /// # Errors
    /// If it is not there.
    pub fn slide(&self, path: &str) -> Result<Slide, Kind> {
        let text = self.package.required_text(path)?;
        Ok(Slide { path: path.to_owned(), text, relationships: self.package.relationships(path)? })
    }

    /// The layout of a slide.
    ///
    /// # Errors
    /// If it has none, or several.
    pub fn layout(&self, slide: &Slide) -> Result<Rc<Layout>, Kind> {
        let path = one_of(&self.package, &slide.relationships, "slideLayout")?;
        self.read_layout(&path.ok_or_else(|| self.package.unreadable(&slide.path, "it has no slideLayout"))?)
    }

    /// The master of a layout.
    ///
    /// # Errors
    /// If it has none, or several.
    pub fn master(&self, layout: &Layout) -> Result<Rc<Layout>, Kind> {
        let path = layout.master.as_deref();
        self.read_layout(path.ok_or_else(|| self.package.unreadable(&layout.path, "it has no slideMaster"))?)
    }

    fn read_layout(&self, path: &str) -> Result<Rc<Layout>, Kind> {
        if let Some(known) = self.layouts.borrow().get(path) {
            return Ok(Rc::clone(known));
        }
        let text = self.package.required_text(path)?;
        let document = xml::parse(&self.package.part_name(path), &text)?;
        let master = single(&self.package, path, "slideMaster")?;
        let placeholder = |shape: Result<Shape, Kind>| match shape {
            Ok(shape) => LayoutPlaceholder::read(&shape),
            Err(error) => Some(Err(error)),
        };
        let placeholders = || Ok(each_shape(tree(document.root_element())?).filter_map(placeholder).collect());
        let (placeholders, ground) = (placeholders(), Ground::read(document.root_element()));
        let layout = Rc::new(Layout { path: path.to_owned(), placeholders, ground, master });
        self.layouts.borrow_mut().insert(path.to_owned(), Rc::clone(&layout));
        Ok(layout)
    }

    /// Where a placeholder is that says it not itself.
    ///
    /// # Errors
    /// If there is no layout, or nothing that it could take it from.
    pub fn place_in_layout(&self, slide: &Slide, index: i64) -> Result<Place, Kind> {
        let layout = self.layout(slide)?;
        let Some(own) = layout.placeholder(|placeholder| placeholder.index == index)? else {
            return Ok(Place::default());
        };
        if own.place.is_whole() || !own.takes_over {
            return Ok(own.place);
        }
        let wanted =
            shape::master_kind(&own.kind).ok_or_else(|| Kind::output("a layout has a placeholder for notes"))?;
        let master = self.master(&layout)?;
        let found = master.placeholder(|placeholder| placeholder.kind == wanted)?;
        Ok(own.place.or(found.map(|found| found.place).unwrap_or_default()))
    }

    /// The colour of a slide's ground, that of its master if it has none itself; `None` if it is no single colour.
    ///
    /// # Errors
    /// If the colour is one of a theme, which is not looked up.
    pub fn ground_color(&self, slide: &Slide, root: Node) -> Result<Option<[u8; 3]>, Kind> {
        let named = || Kind::output(format!("the ground of {} is painted with a colour of a theme", slide.path));
        match Ground::read(root)? {
            Ground::Rgb(color) => Ok(Some(color)),
            Ground::Named => Err(named()),
            Ground::Other => Ok(None),
            Ground::Empty => match self.master(&*self.layout(slide)?)?.ground.clone()? {
                Ground::Rgb(color) => Ok(Some(color)),
                Ground::Named => Err(named()),
                Ground::Empty | Ground::Other => Ok(None),
            },
        }
    }

    /// What the notes of a slide say. Notes that are not there are made by the master of notes, as upstream does when it asks.
    ///
    /// # Errors
    /// If they have no place for text.
    pub fn notes(&self, slide: &Slide) -> Result<String, Kind> {
        let missing = || self.package.unreadable(&slide.path, "its notes have no place for text");
        let Some(path) = one_of(&self.package, &slide.relationships, "notesSlide")? else {
            if self.makes_notes.get().is_none() {
                let has_body = self.notes_master_has_body()?;
                self.makes_notes.get_or_init(|| has_body);
            }
            return if self.makes_notes.get() == Some(&true) { Ok(String::new()) } else { Err(missing()) };
        };
        let text = self.package.required_text(&path)?;
        let document = xml::parse(&self.package.part_name(&path), &text)?;
        for shape in each_shape(tree(document.root_element())?) {
            let shape = shape?;
            if shape.placeholder_kind().transpose()?.as_deref() == Some("body") {
                return if shape.is_text() { shape.text() } else { Err(missing()) };
            }
        }
        Err(missing())
    }

    fn notes_master_has_body(&self) -> Result<bool, Kind> {
        let Some(path) = one_of(&self.package, &self.relationships, "notesMaster")? else { return Ok(true) };
        let text = self.package.required_text(&path)?;
        let document = xml::parse(&self.package.part_name(&path), &text)?;
        let mut has_body = false;
        for shape in shapes(tree(document.root_element())?)? {
            has_body |= shape.placeholder_kind().transpose()?.as_deref() == Some("body");
        }
        Ok(has_body)
    }

    /// # Errors
    /// If it is no XML.
    pub fn parse_slide<'s>(&self, slide: &'s Slide) -> Result<roxmltree::Document<'s>, Kind> {
        xml::parse(&self.package.part_name(&slide.path), &slide.text)
    }
}

/// The part of a kind that another one refers to, if it is in the archive.
///
/// # Errors
/// If there are several.
fn single(package: &Package, path: &str, kind: &str) -> Result<Option<String>, Kind> {
    one_of(package, &package.relationships(path)?, kind)
}

fn one_of(package: &Package, relationships: &[Relationship], kind: &str) -> Result<Option<String>, Kind> {
    let is_there = |one: &&Relationship| one.kind == kind && (one.is_external || package.contains(&one.target));
    let mut found = relationships.iter().filter(is_there);
    let first = found.next();
    if found.next().is_some() || first.is_some_and(|first| first.is_external) {
        return Err(Kind::unreadable(package.name, format!("a part of it has several of {kind}, or one elsewhere")));
    }
    Ok(first.map(|first| first.target.clone()))
}

/// What shapes stand in.
///
/// # Errors
/// If there is none.
pub fn tree(root: Node) -> Result<Node, Kind> {
    required(required(root, PRESENTATION, "cSld")?, PRESENTATION, "spTree")
}

/// What the ground of a slide or a master is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    Rgb([u8; 3]),
    /// One colour, but by its name in a theme.
    Named,
    /// Nothing of its own.
    Empty,
    Other,
}

impl Ground {
    /// # Errors
    /// If it is painted with what is no colour.
    pub fn read(root: Node) -> Result<Ground, Kind> {
        let own = required(root, PRESENTATION, "cSld")?;
        let own = child(own, PRESENTATION, "bg").and_then(|ground| child(ground, PRESENTATION, "bgPr"));
        let Some(own) = own else { return Ok(Ground::Empty) };
        // Of several fills the first counts, in this order and not in that of the file.
        let kinds = ["noFill", "solidFill", "gradFill", "blipFill", "pattFill", "grpFill"];
        let fill = kinds.iter().find_map(|kind| child(own, DRAWING, kind));
        match fill.map(|fill| (fill.tag_name().name(), fill)) {
            Some(("noFill", _)) => Ok(Ground::Empty),
            Some(("solidFill", fill)) => Ok(text::rgb(fill)?.map_or(Ground::Named, Ground::Rgb)),
            Some(_) | None => Ok(Ground::Other),
        }
    }
}
