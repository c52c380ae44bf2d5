//! Evaluator functions over how documents look.

use serde_json::Value;

use super::color::{self, Rgb};
use super::{both, say_the_same};
use crate::document::length::{OF_LINE, points, twips};
use crate::document::opendocument::OpenDocument;
use crate::document::table::{cells_of, is_continued};
use crate::document::{
    WordDocument, body, child, paragraph_text, paragraphs, run_flag, run_property, run_text, runs, sections, value,
};
use crate::error::EvaluatorErrorKind as Kind;
use crate::metrics::text::score;
use crate::output::MetricInputs;
use crate::python::text::{is_space, strip};
use crate::python::value::equals;
use crate::xml;

type Score = Result<f64, Kind>;
type Node<'a> = roxmltree::Node<'a, 'a>;

/// As many page breaks as the rule says, and one at least.
pub(crate) fn contains_page_break(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let wanted = inputs.rule()?.get("page_break_count").filter(|count| !count.is_null());
    let document = WordDocument::open(found)?;
    let document = document.parse()?;
    let all = paragraphs(body(&document)?).flat_map(runs).flat_map(|run| run.descendants());
    let is_break = |node: &Node| node.tag_name().name() == "br" && value(*node, "type") == Some("page");
    let count = all.filter(|node| node.is_element() && is_break(node)).count();
    let fits = wanted.is_none_or(|wanted| equals(wanted, &Value::from(count)));
    Ok(score(fits && count > 0))
}

/// Every run has the font itself.
pub(crate) fn compare_font_names(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let wanted = inputs.rule_text("font_name")?;
    let document = WordDocument::open(found)?;
    let document = document.parse()?;
    let mut runs = paragraphs(body(&document)?).flat_map(runs);
    let font = |run| run_property(run, "rFonts").and_then(|fonts| value(fonts, "ascii"));
    Ok(score(runs.all(|run| font(run) == Some(wanted))))
}

/// Both have a lowered run at the same place.
pub(crate) fn compare_subscript_contains(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    let (found, expected) = (WordDocument::open(found)?, WordDocument::open(expected)?);
    let (found, expected) = (found.parse()?, expected.parse()?);
    let is_lowered = |run| run_property(run, "vertAlign").and_then(|align| value(align, "val")) == Some("subscript");
    let mut pairs = paragraphs(body(&found)?).zip(paragraphs(body(&expected)?));
    Ok(score(pairs.any(|(found, expected)| {
        runs(found).zip(runs(expected)).any(|(found, expected)| is_lowered(found) && is_lowered(expected))
    })))
}

/// The first paragraph stands in the middle, by itself and not by its style.
pub(crate) fn is_first_line_centered(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let document = WordDocument::open(found)?;
    let document = document.parse()?;
    let first = paragraphs(body(&document)?).next().ok_or_else(|| Kind::output("the document has no paragraph"))?;
    let alignment = paragraph_property(first, "jc").and_then(|alignment| value(alignment, "val"));
    match alignment {
        None => Ok(0.0),
        Some("center") => Ok(1.0),
        Some(
            "left" | "right" | "both" | "distribute" | "mediumKashida" | "highKashida" | "lowKashida"
            | "thaiDistribute",
        ) => Ok(0.0),
        Some(other) => Err(Kind::output(format!("paragraphs are not aligned by {other:?}"))),
    }
}

fn paragraph_property<'a>(paragraph: Node<'a>, name: &'static str) -> Option<Node<'a>> {
    child(child(paragraph, "pPr")?, name)
}

/// Line spacing: a number of lines, or a length if it is fixed.
fn line_spacing(paragraph: Node) -> Result<Option<f64>, Kind> {
    let Some(spacing) = paragraph_property(paragraph, "spacing") else { return Ok(None) };
    let Some(line) = value(spacing, "line") else { return Ok(None) };
    let length = twips(line)? as f64;
    match value(spacing, "lineRule") {
        None | Some("auto") => Ok(Some(length / OF_LINE)),
        Some("exact" | "atLeast") => Ok(Some(length)),
        Some(other) => Err(Kind::output(format!("lines are not spaced by {other:?}"))),
    }
}

pub(crate) fn compare_line_spacing(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    if !say_the_same(found, expected)? {
        return Ok(0.0);
    }
    let (found, expected) = (WordDocument::open(found)?, WordDocument::open(expected)?);
    let (found, expected) = (found.parse()?, expected.parse()?);
    let (found, expected): (Vec<_>, Vec<_>) =
        (paragraphs(body(&found)?).collect(), paragraphs(body(&expected)?).collect());
    if found.len() != expected.len() {
        return Ok(0.0);
    }
    for (found, expected) in found.into_iter().zip(expected) {
        if line_spacing(found)? != line_spacing(expected)? {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// Words whose first letter is a vowel are red, all others blue.
pub(crate) fn evaluate_colored_words_in_tables(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    if !say_the_same(found, expected)? {
        return Ok(0.0);
    }
    let threshold = inputs.options.get("threshold").map_or(Some(3.5), Value::as_f64);
    let threshold = threshold.ok_or_else(|| Kind::rule("the option `threshold` is no number"))?;
    let document = WordDocument::open(found)?;
    let document = document.parse()?;
    let cells = xml::children(body(&document)?, "tbl").flat_map(cells_of).filter(|cell| !is_continued(*cell));
    for run in cells.flat_map(paragraphs).flat_map(runs) {
        let text = run_text(run);
        let Some(first) = text.chars().next() else { continue };
        let is_vowel = "aeiou".contains(&first.to_lowercase().collect::<String>());
        let wanted = if is_vowel { Rgb(255, 0, 0) } else { Rgb(0, 0, 255) };
        let digits = run_property(run, "color").and_then(|color| value(color, "val")).filter(|color| *color != "auto");
        let color = digits.and_then(Rgb::parse);
        let color = color.ok_or_else(|| Kind::output(format!("{text:?} has no colour of its own")))?;
        if color::difference(color, wanted) > threshold {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// No words are on yellow any more.
pub(crate) fn check_highlighted_words(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    if !say_the_same(found, expected)? {
        return Ok(0.0);
    }
    Ok(score(!OpenDocument::read(found)?.has_background("#ffff00")))
}

pub(crate) fn evaluate_strike_through_last_paragraph(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    if !say_the_same(found, expected)? {
        return Ok(0.0);
    }
    let document = WordDocument::open(found)?;
    let document = document.parse()?;
    let last = paragraphs(body(&document)?).last().ok_or_else(|| Kind::output("the document has no paragraph"))?;
    for run in runs(last) {
        if run_flag(run, "strike")? != Some(true) {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// Whatever is in italics has 14 points.
pub(crate) fn check_italic_font_size_14(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    if !say_the_same(found, expected)? {
        return Ok(0.0);
    }
    let document = WordDocument::open(found)?;
    let document = document.parse()?;
    for run in paragraphs(body(&document)?).flat_map(runs) {
        if run_flag(run, "i")? != Some(true) {
            continue;
        }
        let size = run_property(run, "sz").and_then(|size| value(size, "val")).map(points).transpose()?;
        if size != Some(14.0) {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// A tab stop: how it aligns, and where it is.
struct TabStop<'a> {
    alignment: &'a str,
    position: i64,
}

/// The tab stops of a paragraph itself, without those that clear others and the one that all have.
fn tab_stops<'a>(paragraph: Node<'a>) -> Result<Vec<TabStop<'a>>, Kind> {
    let mut stops = Vec::new();
    for tab in paragraph_property(paragraph, "tabs").into_iter().flat_map(|tabs| xml::children(tabs, "tab")) {
        let missing = || Kind::output("a tab stop says not how it aligns or where it is");
        let alignment = value(tab, "val").ok_or_else(missing)?;
        if !["left", "center", "right", "decimal", "bar", "list", "clear", "end", "num", "start"].contains(&alignment) {
            return Err(Kind::output(format!("tab stops do not align by {alignment:?}")));
        }
        let position = twips(value(tab, "pos").ok_or_else(missing)?)?;
        if alignment != "clear" && (alignment, position) != ("left", 0) {
            stops.push(TabStop { alignment, position });
        }
    }
    Ok(stops)
}

/// How near the tab stops are to those that are expected, in shares of the width of a line.
pub(crate) fn check_tabstops(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    let (found, expected) = (WordDocument::open(found)?, WordDocument::open(expected)?);
    let (found, expected) = (found.parse()?, expected.parse()?);
    let says = |paragraph: &Node| !strip(&paragraph_text(*paragraph)).is_empty();
    let (lines, wanted): (Vec<Node>, Vec<Node>) =
        (paragraphs(body(&found)?).filter(says).collect(), paragraphs(body(&expected)?).filter(says).collect());
    if lines.len() != wanted.len() {
        return Ok(0.0);
    }
    if let Some(count) = inputs.options.get("word_number_split_by_tabstop").filter(|count| !count.is_null()) {
        let index = inputs.options.get("index").map_or(Some(0), Value::as_u64);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let index = index.ok_or_else(|| Kind::rule("the option `index` is no place in a list"))?;
        for line in &lines {
            let text = paragraph_text(*line);
            let part = text.split('\t').nth(index).ok_or_else(|| Kind::output("a line has too few tabs"))?;
            let words = part.split(is_space).filter(|word| !word.is_empty()).count();
            if !equals(count, &Value::from(words)) {
                return Ok(0.0);
            }
        }
    }
    let width = line_width(expected.root_element())?;
    let mut off = 0.0;
    for (line, wanted) in lines.iter().zip(&wanted) {
        let (found, wanted) = (tab_stops(*line)?, tab_stops(*wanted)?);
        if found.len() != wanted.len() {
            return Ok(0.0);
        }
        let mut difference = 0.0;
        for (found, wanted) in found.iter().zip(&wanted) {
            if found.alignment != wanted.alignment {
                return Ok(0.0);
            }
            difference += (found.position - wanted.position).abs() as f64;
        }
        off += difference / width;
    }
    if lines.is_empty() {
        return Err(Kind::output("neither document has a line that says something"));
    }
    Ok(1.0 - off / lines.len() as f64)
}

/// The width of a line of the first section.
fn line_width(document: Node) -> Result<f64, Kind> {
    let missing = || Kind::output("the document that is expected says not how wide its page is");
    let section = sections(document).next().ok_or_else(missing)?;
    let length = |element: &'static str, name: &str| -> Result<i64, Kind> {
        twips(child(section, element).and_then(|node| value(node, name)).ok_or_else(missing)?)
    };
    let width = length("pgSz", "w")? - length("pgMar", "left")? - length("pgMar", "right")?;
    if width == 0 { Err(missing()) } else { Ok(width as f64) }
}
