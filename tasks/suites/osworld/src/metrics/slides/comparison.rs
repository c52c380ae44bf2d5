//! Two presentations side by side: slides, shapes and where they are, texts and how they look.
//!
//! The order of the questions is upstream's, since the first that fails decides. Some of them are about one slide of one task.

use super::Score;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::MetricInputs;
use crate::presentation::bullets::BulletComparison;
use crate::presentation::shape::{Shape, ShapeKind, Side, rows, shapes};
use crate::presentation::text::{Paragraph, Run, Underline, body_paragraphs};
use crate::presentation::{DRAWING, Node, Presentation, Slide, child, tree};
use crate::python::text::strip;
use crate::python::value::to_float;

/// Lengths that differ by no more than this share of the larger one are alike.
const TOLERANCE: f64 = 0.005;

/// How far down or to the right something has to be moved, in English Metric Units.
const BOTTOM: i64 = 3_600_000;
const RIGHT: i64 = 4_320_000;
const TOP: i64 = 1_980_000;

type Alike = Result<bool, Kind>;

/// The presentations are alike in all that the options do not leave out.
pub(in crate::metrics) fn compare_pptx_files(inputs: &MetricInputs) -> Score {
    // Upstream opens its template, which has no slides, where a file is not there.
    let found = inputs.file()?.map(Presentation::open).transpose()?;
    let expected = inputs.expected_file()?.map(Presentation::open).transpose()?;
    let paths = |of: &Option<Presentation>| of.as_ref().map_or(Ok(Vec::new()), Presentation::slide_paths);
    let (found_paths, expected_paths) = (paths(&found)?, paths(&expected)?);
    let tolerance = inputs.options.get("approximately_tolerance");
    let tolerance = tolerance.map_or(Some(TOLERANCE), |value| to_float(value).filter(|_| !value.is_string()));
    let tolerance = tolerance.ok_or_else(|| Kind::rule("the option `approximately_tolerance` is no number"))?;
    if found_paths.len() != expected_paths.len() && inputs.option("examine_number_of_slides", true) {
        return Ok(0.0);
    }
    let (Some(found), Some(expected)) = (&found, &expected) else { return Ok(1.0) };
    for (at, (first, second)) in found_paths.iter().zip(&expected_paths).enumerate() {
        let slides = [&found.slide(first)?, &expected.slide(second)?];
        let pair = SlidePair { inputs, tolerance, presentations: [found, expected], slides, number: at + 1 };
        if !pair.is_alike()? {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// A slide of each, which is found and which is expected.
struct SlidePair<'p, 'a> {
    inputs: &'p MetricInputs<'p>,
    tolerance: f64,
    presentations: [&'p Presentation<'a>; 2],
    slides: [&'p Slide; 2],
    number: usize,
}

/// The same of both, first of what was found.
fn both<A, B>(of: [A; 2], read: impl Fn(A) -> Result<B, Kind>) -> Result<[B; 2], Kind> {
    let [first, second] = of;
    Ok([read(first)?, read(second)?])
}

fn are_equal<A, B: PartialEq>(of: [A; 2], read: impl Fn(A) -> Result<B, Kind>) -> Alike {
    both(of, read).map(|[first, second]| first == second)
}

impl SlidePair<'_, '_> {
    /// Whether something is examined that is, if the options do not say otherwise.
    fn examines(&self, option: &str) -> bool {
        self.inputs.option(option, true)
    }

    /// Whether something is examined that is only if the options say so.
    fn examines_too(&self, option: &str) -> bool {
        self.inputs.option(option, false)
    }

    fn is_alike(&self) -> Alike {
        let [first, second] = both([0, 1], |at: usize| self.presentations[at].parse_slide(self.slides[at]))?;
        let roots = [first.root_element(), second.root_element()];
        let of = |at: usize| (self.presentations[at], self.slides[at]);
        let ground = |at: usize| of(at).0.ground_color(of(at).1, roots[at]);
        if !are_equal([0, 1], ground)? && self.examines("examine_background_color") {
            return Ok(false);
        }
        let [found, expected] = both([0, 1], |at: usize| of(at).0.notes(of(at).1))?;
        if strip(&found) != strip(&expected) && self.examines("examine_note") {
            return Ok(false);
        }
        let [found, expected] = both(roots, |root| shapes(tree(root)?))?;
        let texts = both([&found, &expected], |shapes| texts_of(shapes))?;
        if found.len() != expected.len() {
            return Ok(false);
        }
        let mut bullets = BulletComparison::new(roots[0], roots[1]);
        for (found, expected) in found.iter().zip(&expected) {
            let pair = [found, expected];
            let is_alike = self.shapes_are_placed(pair)? && self.tables_are_alike(pair)?;
            if !is_alike || !self.texts_are_alike(pair, &mut bullets)? {
                return Ok(false);
            }
        }
        self.alignments_are_alike(&texts)
    }

    fn side(&self, at: usize, shape: &Shape, side: Side) -> Result<Option<i64>, Kind> {
        shape.side(self.presentations[at], self.slides[at], side)
    }

    fn length(&self, at: usize, shape: &Shape, side: Side) -> Result<i64, Kind> {
        self.side(at, shape, side)?.ok_or_else(|| Kind::output("a shape says not where it is"))
    }

    fn are_near(&self, [found, expected]: [&Shape; 2], sides: &[Side]) -> Alike {
        for side in sides {
            let lengths = (self.side(0, found, *side)?, self.side(1, expected, *side)?);
            let is_near = match lengths {
                (found, expected) if found == expected => true,
                (Some(0), _) | (_, Some(0)) => false,
                (Some(found), Some(expected)) => {
                    let (apart, largest) =
                        (found.abs_diff(expected), found.unsigned_abs().max(expected.unsigned_abs()));
                    apart as f64 / largest as f64 <= self.tolerance
                }
                (None, _) | (_, None) => return Err(Kind::output("a shape says not where it is")),
            };
            if !is_near {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn shapes_are_placed(&self, pair: [&Shape; 2]) -> Alike {
        let [found, expected] = pair;
        let kind = found.kind()?;
        if self.inputs.option("enable_debug", true) {
            expected.kind()?;
        }
        let are_both = |wanted: ShapeKind| Ok::<_, Kind>(kind == wanted && expected.kind()? == wanted);
        let are_texts = found.is_text() && expected.is_text();
        let say_the_same = || Ok::<_, Kind>(are_texts && found.text()? == expected.text()?);
        let are_near = || self.are_near(pair, &Side::ALL);
        let lies_below = || {
            let [top, other] = [self.length(0, found, Side::Top)?, self.length(1, expected, Side::Top)?];
            Ok::<_, Kind>(top > other && top >= BOTTOM)
        };
        if self.examines_too("examine_title_bottom_position") {
            let is_placed = match say_the_same()? {
                true => found.text()? != "Product Comparison" || lies_below()?,
                false => are_near()?,
            };
            if !is_placed {
                return Ok(false);
            }
        }
        if self.examines_too("examine_table_bottom_position") {
            let is_table = self.number == 3 && are_both(ShapeKind::Table)?;
            if !(if is_table { lies_below()? } else { are_near()? }) {
                return Ok(false);
            }
        }
        if self.examines_too("examine_right_position") && self.number == 2 && !found.is_text() && !expected.is_text() {
            let [left, other] = [self.length(0, found, Side::Left)?, self.length(1, expected, Side::Left)?];
            if left <= other || left < RIGHT {
                return Ok(false);
            }
        }
        if self.examines_too("examine_top_position") && self.number == 2 && are_both(ShapeKind::Picture)? {
            let [top, other] = [self.length(0, found, Side::Top)?, self.length(1, expected, Side::Top)?];
            if top >= other || top > TOP {
                return Ok(false);
            }
        }
        if self.examines_too("examine_shape_for_shift_size") && !are_near()? {
            let is_shifted = say_the_same()? && found.text()? == "Elaborate on what you want to discuss.";
            if !is_shifted {
                return Ok(false);
            }
        }
        if !are_near()? && self.examines("examine_shape") {
            if self.inputs.option("enable_debug", true) {
                // Upstream writes down how all of them compare, which fails if one is nowhere.
                Side::ALL.iter().try_for_each(|side| self.are_near(pair, &[*side]).map(drop))?;
            }
            return Ok(false);
        }
        if self.examines_too("examine_image_size") {
            let are_pictures = are_both(ShapeKind::Picture)?;
            let sides = if are_pictures { &[Side::Width, Side::Height][..] } else { &Side::ALL };
            if !self.are_near(pair, sides)? {
                return Ok(false);
            }
        }
        if self.examines_too("examine_modify_height") {
            let is_drawn = !found.is_text() && !expected.is_text() || are_both(ShapeKind::Freeform)?;
            let sides = if is_drawn { &[Side::Height][..] } else { &Side::ALL };
            return self.are_near(pair, sides);
        }
        Ok(true)
    }

    fn tables_are_alike(&self, [found, expected]: [&Shape; 2]) -> Alike {
        if found.kind()? != ShapeKind::Table {
            return Ok(true);
        }
        let [(found, columns), (expected, other_columns)] = both([found, expected], |shape| rows(shape.table()?))?;
        if found.len() != expected.len() || columns != other_columns {
            return Ok(false);
        }
        for (found, expected) in found.iter().zip(&expected) {
            for column in 0..columns {
                let (Some(found), Some(expected)) = (found.get(column), expected.get(column)) else {
                    return Err(Kind::output("a row of a table has too few cells"));
                };
                if !self.cells_are_alike([*found, *expected].map(|cell| child(cell, DRAWING, "txBody")))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn cells_are_alike(&self, bodies: [Option<Node>; 2]) -> Alike {
        let [found, expected] = bodies.map(body_paragraphs);
        if found.len() != expected.len() {
            return Ok(false);
        }
        for (found, expected) in found.iter().zip(&expected) {
            let [found, expected] = [found.runs(), expected.runs()];
            if found.len() != expected.len() && self.examines("examine_run_count") {
                return Ok(false);
            }
            for (found, expected) in found.iter().zip(&expected) {
                let pair = [found, expected];
                let is_alike = self.colors_are_alike(pair)?
                    && are_equal(pair, Run::is_bold)?
                    && are_equal(pair, Run::is_italic)?
                    && underlines_are_alike(pair)?;
                if !is_alike {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Colours are compared where both are said by their digits.
    fn colors_are_alike(&self, pair: [&Run; 2]) -> Alike {
        let Some(found) = pair[0].color()? else { return Ok(true) };
        let Some(expected) = pair[1].color()? else { return Ok(true) };
        Ok(found == expected || !self.examines("examine_color_rgb"))
    }

    fn texts_are_alike(&self, [found, expected]: [&Shape; 2], bullets: &mut BulletComparison) -> Alike {
        if !found.is_text() || !expected.is_text() {
            return Ok(true);
        }
        let [text, other] = both([found, expected], Shape::text)?;
        if strip(&text) != strip(&other) && self.examines("examine_text") {
            return Ok(false);
        }
        let (found, expected) = (found.paragraphs(), expected.paragraphs());
        if found.len() != expected.len() {
            return Ok(false);
        }
        for (found, expected) in found.iter().zip(&expected) {
            let pair = [found, expected];
            if self.examines("examine_alignment") && !are_equal(pair, Paragraph::alignment)? {
                return Ok(false);
            }
            if !are_equal(pair, Paragraph::text)? && self.examines("examine_text") {
                return Ok(false);
            }
            bullets.mark_asked([*found, *expected]);
            if !are_equal(pair, Paragraph::level)? && self.examines("examine_indent") {
                return Ok(false);
            }
            let [found, expected] = [found.runs(), expected.runs()];
            if found.len() != expected.len() && self.examines("examine_run_count") {
                return Ok(false);
            }
            for (found, expected) in found.iter().zip(&expected) {
                if !self.runs_are_alike([found, expected])? {
                    return Ok(false);
                }
                if self.examines("examine_bullets") && !bullets.is_alike() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn runs_are_alike(&self, pair: [&Run; 2]) -> Alike {
        Ok((are_equal(pair, Run::font_name)? || !self.examines("examine_font_name"))
            && (are_equal(pair, Run::size)? || !self.examines("examine_font_size"))
            && (are_equal(pair, Run::is_bold)? || !self.examines("examine_font_bold"))
            && (are_equal(pair, Run::is_italic)? || !self.examines("examine_font_italic"))
            && self.colors_are_alike(pair)?
            && (underlines_are_alike(pair)? || !self.examines("examine_font_underline"))
            && (pair[0].strike() == pair[1].strike() || !self.examines("examine_strike_through")))
    }

    /// Once more all shapes that say something, those in groups too.
    fn alignments_are_alike(&self, [found, expected]: &[Vec<Shape>; 2]) -> Alike {
        if found.len() != expected.len() {
            return Ok(false);
        }
        if !self.examines("examine_alignment") {
            return Ok(true);
        }
        for (found, expected) in found.iter().zip(expected) {
            let [text, other] = both([found, expected], Shape::text)?;
            if strip(&text) != strip(&other) && self.examines("examine_text") {
                return Ok(false);
            }
            let (found, expected) = (found.paragraphs(), expected.paragraphs());
            if found.len() != expected.len() {
                return Ok(false);
            }
            for (found, expected) in found.iter().zip(&expected) {
                if !are_equal([found, expected], Paragraph::alignment)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// All shapes of a slide that may say something, each of which has to be readable.
fn texts_of<'a>(shapes: &[Shape<'a>]) -> Result<Vec<Shape<'a>>, Kind> {
    let mut texts = Vec::new();
    for shape in shapes {
        shape.add_texts(&mut texts)?;
    }
    for shape in &texts {
        shape.text()?;
    }
    Ok(texts)
}

/// A line and what does not say are told apart, other kinds of lines and what does not say are not; nor is a line under words only
/// from a line, as upstream's number for it is that of "true".
fn underlines_are_alike(pair: [&Run; 2]) -> Alike {
    Ok(match both(pair, Run::underline)? {
        [Underline::Unset, Underline::Single] | [Underline::Single, Underline::Unset] => false,
        [Underline::Unset, _] | [_, Underline::Unset] => true,
        [Underline::Single, Underline::Other("words")] | [Underline::Other("words"), Underline::Single] => true,
        [found, expected] => found == expected,
    })
}
