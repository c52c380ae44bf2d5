//! Shapes of a slide: what kind they are, where they are, and what they say.

use super::text::{Paragraph, body_paragraphs};
use super::{DRAWING, Node, PRESENTATION, Presentation, Slide, child, children, required};
use crate::document::length;
use crate::error::EvaluatorErrorKind as Kind;
use crate::python::value::parse_int;

const TABLE: &str = "http://schemas.openxmlformats.org/drawingml/2006/table";

/// Kinds of shapes that a comparison tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeKind {
    Table,
    /// A picture that fills no placeholder.
    Picture,
    /// Drawn by a path of its own.
    Freeform,
    Other,
}

/// A side of a shape, in English Metric Units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Top,
    Width,
    Height,
}

impl Side {
    pub const ALL: [Side; 4] = [Side::Left, Side::Top, Side::Width, Side::Height];

    fn index(self) -> usize {
        match self {
            Side::Left => 0,
            Side::Top => 1,
            Side::Width => 2,
            Side::Height => 3,
        }
    }

    fn attribute(self) -> (&'static str, &'static str) {
        match self {
            Side::Left => ("off", "x"),
            Side::Top => ("off", "y"),
            Side::Width => ("ext", "cx"),
            Side::Height => ("ext", "cy"),
        }
    }
}

/// Where a shape is, as far as it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place([Option<i64>; 4]);

impl Place {
    pub fn is_whole(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// With what is missing taken from another.
    #[must_use]
    pub fn or(self, other: Place) -> Place {
        let mut sides = self.0;
        for (side, other) in sides.iter_mut().zip(other.0) {
            *side = side.or(other);
        }
        Place(sides)
    }

    pub fn get(&self, side: Side) -> Option<i64> {
        self.0[side.index()]
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    node: Node<'a>,
    placeholder: Option<Node<'a>>,
}

/// The shapes that stand in a tree or a group.
///
/// # Errors
/// If there is ink among them.
pub fn shapes(tree: Node) -> Result<Vec<Shape>, Kind> {
    each_shape(tree).collect()
}

/// The same, with an error in place of ink: upstream cannot read it, and stumbles over it only if it gets so far.
pub fn each_shape<'a>(tree: Node<'a>) -> impl Iterator<Item = Result<Shape<'a>, Kind>> {
    let nodes = tree.children().filter(|node| node.tag_name().namespace() == Some(PRESENTATION));
    nodes.filter_map(|node| match node.tag_name().name() {
        "sp" | "grpSp" | "graphicFrame" | "cxnSp" | "pic" => {
            let properties = node.first_element_child().and_then(|first| child(first, PRESENTATION, "nvPr"));
            let placeholder = properties.and_then(|node| child(node, PRESENTATION, "ph"));
            Some(Ok(Shape { node, placeholder }))
        }
        "contentPart" => Some(Err(Kind::output("a slide has ink on it"))),
        _ => None,
    })
}

impl<'a> Shape<'a> {
    fn name(&self) -> &'a str {
        self.node.tag_name().name()
    }

    /// Whether it is one that may say something; tables and groups are none.
    pub fn is_text(&self) -> bool {
        self.name() == "sp"
    }

    /// The paragraphs of a shape that may say something. One that has no text has an empty paragraph.
    pub fn paragraphs(&self) -> Vec<Paragraph<'a>> {
        body_paragraphs(child(self.node, PRESENTATION, "txBody"))
    }

    /// # Errors
    /// If a run has no text.
    pub fn text(&self) -> Result<String, Kind> {
        let lines = self.paragraphs().iter().map(Paragraph::text).collect::<Result<Vec<String>, Kind>>()?;
        Ok(lines.join("\n"))
    }

    /// What a placeholder is for; `None` if the shape is none.
    pub fn placeholder_kind(&self) -> Option<Result<String, Kind>> {
        const KINDS: [&str; 16] = [
            "clipArt", "body", "ctrTitle", "chart", "dt", "ftr", "hdr", "media", "obj", "dgm", "pic", "sldImg",
            "sldNum", "subTitle", "tbl", "title",
        ];
        let kind = self.placeholder?.attribute("type").unwrap_or("obj");
        let wrong = || Kind::output(format!("there is no placeholder for {kind:?}"));
        Some(KINDS.contains(&kind).then(|| kind.to_owned()).ok_or_else(wrong))
    }

    fn placeholder_index(&self) -> Option<Result<i64, Kind>> {
        let index = self.placeholder?.attribute("idx").unwrap_or("0");
        Some(parse_int(index).ok_or_else(|| Kind::output(format!("{index:?} is no number of a placeholder"))))
    }

    /// # Errors
    /// If it is of no kind that there is.
    pub fn kind(&self) -> Result<ShapeKind, Kind> {
        match self.name() {
            "graphicFrame" => {
                let data = required(required(self.node, DRAWING, "graphic")?, DRAWING, "graphicData")?;
                let what = data.attribute("uri").ok_or_else(|| Kind::output("a frame says not what is in it"))?;
                Ok(if what == TABLE { ShapeKind::Table } else { ShapeKind::Other })
            }
            "pic" if self.placeholder.is_none() => {
                let properties = required(self.node, PRESENTATION, "nvPicPr")?;
                let properties = child(properties, PRESENTATION, "nvPr");
                let film = properties.and_then(|properties| child(properties, DRAWING, "videoFile"));
                Ok(if film.is_some() { ShapeKind::Other } else { ShapeKind::Picture })
            }
            "sp" if self.placeholder.is_none() => {
                let properties = required(self.node, PRESENTATION, "spPr")?;
                if child(properties, DRAWING, "custGeom").is_some() {
                    return Ok(ShapeKind::Freeform);
                }
                let own = required(required(self.node, PRESENTATION, "nvSpPr")?, PRESENTATION, "cNvSpPr")?;
                let is_text_box = own.attribute("txBox").map(super::text::truth).transpose()? == Some(true);
                if child(properties, DRAWING, "prstGeom").is_some() || is_text_box {
                    return Ok(ShapeKind::Other);
                }
                Err(Kind::output("a shape is of no kind"))
            }
            _ => Ok(ShapeKind::Other),
        }
    }

    /// What a frame around a table holds.
    ///
    /// # Errors
    /// If it holds none.
    pub fn table(&self) -> Result<Node<'a>, Kind> {
        if self.kind()? != ShapeKind::Table || self.name() != "graphicFrame" {
            return Err(Kind::output("a table is compared with what is none"));
        }
        required(required(required(self.node, DRAWING, "graphic")?, DRAWING, "graphicData")?, DRAWING, "tbl")
    }

    /// The shapes that may say something in this one: itself, or what is in a group.
    ///
    /// # Errors
    /// As [`shapes`].
    pub fn add_texts(self, texts: &mut Vec<Shape<'a>>) -> Result<(), Kind> {
        let mut open = vec![self];
        while let Some(shape) = open.pop() {
            match shape.name() {
                "sp" => texts.push(shape),
                "grpSp" => open.extend(shapes(shape.node)?.into_iter().rev()),
                _ => {}
            }
        }
        Ok(())
    }

    fn own_side(&self, side: Side) -> Result<Option<i64>, Kind> {
        let frame = match self.name() {
            "graphicFrame" => Some(required(self.node, PRESENTATION, "xfrm")?),
            "grpSp" => child(required(self.node, PRESENTATION, "grpSpPr")?, DRAWING, "xfrm"),
            _ => child(required(self.node, PRESENTATION, "spPr")?, DRAWING, "xfrm"),
        };
        let (element, attribute) = side.attribute();
        let Some(node) = frame.and_then(|frame| child(frame, DRAWING, element)) else { return Ok(None) };
        let text = node.attribute(attribute).ok_or_else(|| Kind::output("a shape says only half of where it is"))?;
        let wrong = || Kind::output(format!("{text:?} is no length"));
        if element == "off" && text.contains(['i', 'm', 'p']) {
            return length::with_unit(text).map(Some);
        }
        parse_int(text).ok_or_else(wrong).map(Some)
    }

    fn own_place(&self) -> Result<Place, Kind> {
        let mut place = Place::default();
        for side in Side::ALL {
            place.0[side.index()] = self.own_side(side)?;
        }
        Ok(place)
    }

    /// Whether it takes over from a layout what it does not say itself.
    fn takes_over(&self) -> bool {
        self.placeholder.is_some() && matches!(self.name(), "sp" | "pic")
    }

    /// Where a side of a shape of a slide is; `None` if nobody says.
    ///
    /// # Errors
    /// If it is said in a way that there is not.
    pub fn side(&self, presentation: &Presentation, slide: &Slide, side: Side) -> Result<Option<i64>, Kind> {
        match (self.own_side(side)?, self.placeholder_index()) {
            (None, Some(index)) if self.takes_over() => Ok(presentation.place_in_layout(slide, index?)?.get(side)),
            (own, _) => Ok(own),
        }
    }
}

/// A placeholder of a layout or a master.
#[derive(Clone, Debug)]
pub struct LayoutPlaceholder {
    pub index: i64,
    pub kind: String,
    pub place: Place,
    pub takes_over: bool,
}

impl LayoutPlaceholder {
    /// `None` if the shape is no placeholder.
    pub fn read(shape: &Shape) -> Option<Result<LayoutPlaceholder, Kind>> {
        let (index, kind) = (shape.placeholder_index()?, shape.placeholder_kind()?);
        let read = || {
            Ok(LayoutPlaceholder {
                index: index?,
                kind: kind?,
                place: shape.own_place()?,
                takes_over: shape.name() == "sp",
            })
        };
        Some(read())
    }
}

/// Which placeholder of a master one of a layout takes over from; `None` if there is no such thing.
pub fn master_kind(kind: &str) -> Option<&'static str> {
    match kind {
        "body" | "chart" | "clipArt" | "dgm" | "media" | "obj" | "pic" | "subTitle" | "tbl" => Some("body"),
        "title" | "ctrTitle" => Some("title"),
        "dt" => Some("dt"),
        "ftr" => Some("ftr"),
        "sldNum" => Some("sldNum"),
        _ => None,
    }
}

/// The cells of a table: those of a row, and how many columns there are.
///
/// # Errors
/// If it has no grid.
pub fn rows(table: Node) -> Result<(Vec<Vec<Node>>, usize), Kind> {
    let columns = children(required(table, DRAWING, "tblGrid")?, DRAWING, "gridCol").count();
    Ok((children(table, DRAWING, "tr").map(|row| children(row, DRAWING, "tc").collect()).collect(), columns))
}
