//! Paragraphs and runs of slides, and how they look by what they say themselves.

use super::{DRAWING, Node, child, children, required};
use crate::error::EvaluatorErrorKind as Kind;
use crate::python::text::strip;
use crate::python::value::parse_int;

/// A paragraph; one without an element is what stands in a shape that has no text.
#[derive(Clone, Copy, Debug)]
pub struct Paragraph<'a>(pub Option<Node<'a>>);

/// The paragraphs of a text; of none, one that is empty.
pub fn body_paragraphs(body: Option<Node<'_>>) -> Vec<Paragraph<'_>> {
    match body {
        None => vec![Paragraph(None)],
        Some(body) => children(body, DRAWING, "p").map(|node| Paragraph(Some(node))).collect(),
    }
}

/// What stands in an element before anything else.
fn leading_text<'a>(node: Node<'a>) -> &'a str {
    node.first_child().filter(Node::is_text).and_then(|text| text.text()).unwrap_or("")
}

impl<'a> Paragraph<'a> {
    /// # Errors
    /// If a run has no text.
    pub fn text(&self) -> Result<String, Kind> {
        let mut text = String::new();
        let parts = self.0.into_iter().flat_map(|node| node.children());
        for part in parts.filter(|part| part.tag_name().namespace() == Some(DRAWING)) {
            match part.tag_name().name() {
                "r" => text.push_str(leading_text(required(part, DRAWING, "t")?)),
                "fld" => text.push_str(child(part, DRAWING, "t").map_or("", leading_text)),
                "br" => text.push('\u{b}'),
                _ => {}
            }
        }
        Ok(text)
    }

    pub fn runs(&self) -> Vec<Run<'a>> {
        let runs = self.0.into_iter().flat_map(|node| children(node, DRAWING, "r"));
        runs.map(|run| Run { properties: child(run, DRAWING, "rPr") }).collect()
    }

    fn property(&self, name: &str) -> Option<&'a str> {
        child(self.0?, DRAWING, "pPr")?.attribute(name)
    }

    /// How it is aligned: to the left, if it does not say.
    ///
    /// # Errors
    /// If it is said in a way that there is not.
    pub fn alignment(&self) -> Result<&'a str, Kind> {
        let alignment = self.property("algn").unwrap_or("l");
        if !["ctr", "dist", "just", "justLow", "l", "r", "thaiDist"].contains(&alignment) {
            return Err(Kind::output(format!("paragraphs are not aligned by {alignment:?}")));
        }
        Ok(alignment)
    }

    /// # Errors
    /// If it is no number.
    pub fn level(&self) -> Result<i64, Kind> {
        let Some(level) = self.property("lvl") else { return Ok(0) };
        parse_int(level).ok_or_else(|| Kind::output(format!("{level:?} is no level of a list")))
    }
}

/// How text is underlined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Underline<'a> {
    /// It does not say.
    Unset,
    Single,
    Other(&'a str),
}

/// A run, with what it says itself of how it looks.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    properties: Option<Node<'a>>,
}

impl<'a> Run<'a> {
    fn property(&self, name: &str) -> Option<&'a str> {
        self.properties?.attribute(name)
    }

    /// # Errors
    /// If a font has no name.
    pub fn font_name(&self) -> Result<Option<&'a str>, Kind> {
        let Some(font) = self.properties.and_then(|node| child(node, DRAWING, "latin")) else { return Ok(None) };
        font.attribute("typeface").map(Some).ok_or_else(|| Kind::output("a font has no name"))
    }

    /// # Errors
    /// If it is no number.
    pub fn size(&self) -> Result<Option<i64>, Kind> {
        let number = |text| parse_int(text).ok_or_else(|| Kind::output(format!("{text:?} is no size of a font")));
        self.property("sz").map(number).transpose()
    }

    /// Whether it is bold. What does not say is as what says that it is not.
    ///
    /// # Errors
    /// If it is said in a way that there is not.
    pub fn is_bold(&self) -> Result<bool, Kind> {
        Ok(self.property("b").map(truth).transpose()?.unwrap_or(false))
    }

    /// As [`Run::is_bold`].
    ///
    /// # Errors
    /// If it is said in a way that there is not.
    pub fn is_italic(&self) -> Result<bool, Kind> {
        Ok(self.property("i").map(truth).transpose()?.unwrap_or(false))
    }

    /// # Errors
    /// If it is said in a way that there is not.
    pub fn underline(&self) -> Result<Underline<'a>, Kind> {
        const OTHERS: [&str; 17] = [
            "none",
            "dashHeavy",
            "dash",
            "dashLongHeavy",
            "dashLong",
            "dotDashHeavy",
            "dotDash",
            "dotDotDashHeavy",
            "dotDotDash",
            "dottedHeavy",
            "dotted",
            "dbl",
            "heavy",
            "wavyDbl",
            "wavyHeavy",
            "wavy",
            "words",
        ];
        match self.property("u") {
            None => Ok(Underline::Unset),
            Some("sng") => Ok(Underline::Single),
            Some(other) if OTHERS.contains(&other) => Ok(Underline::Other(other)),
            Some(other) => Err(Kind::output(format!("text is not underlined by {other:?}"))),
        }
    }

    pub fn strike(&self) -> &'a str {
        self.property("strike").unwrap_or("noStrike")
    }

    /// The colour; `None` if it says none, or one by its name.
    ///
    /// # Errors
    /// If it is none.
    pub fn color(&self) -> Result<Option<[u8; 3]>, Kind> {
        self.properties.and_then(|node| child(node, DRAWING, "solidFill")).map_or(Ok(None), rgb)
    }
}

/// A truth value, of which there are four.
///
/// # Errors
/// If it is another.
pub fn truth(text: &str) -> Result<bool, Kind> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(Kind::output(format!("{other:?} is neither true nor false"))),
    }
}

/// The colour of a fill by its digits; `None` if it is said in another way.
///
/// # Errors
/// If the digits are none.
pub fn rgb(fill: Node) -> Result<Option<[u8; 3]>, Kind> {
    // Colours by shares of light come first, whatever else there is.
    if child(fill, DRAWING, "scrgbClr").is_some() {
        return Ok(None);
    }
    let Some(color) = child(fill, DRAWING, "srgbClr") else { return Ok(None) };
    let digits = color.attribute("val").unwrap_or_default();
    let part = |from: usize, to: usize| {
        let part = digits.get(from..to.max(from)).map(strip).filter(|part| !part.starts_with(['+', '-']));
        part.and_then(|part| u8::from_str_radix(part, 16).ok())
    };
    let parts = || Some([part(0, 2)?, part(2, 4)?, part(4, digits.len())?]);
    parts().map(Some).ok_or_else(|| Kind::output(format!("{digits:?} is no colour")))
}
