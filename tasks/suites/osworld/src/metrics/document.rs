//! Evaluator functions over documents: what they say.

mod color;
mod format;
mod picture;

pub(super) use format::{
    check_highlighted_words, check_italic_font_size_14, check_tabstops, compare_font_names, compare_line_spacing,
    compare_subscript_contains, contains_page_break, evaluate_colored_words_in_tables,
    evaluate_strike_through_last_paragraph, is_first_line_centered,
};
pub(super) use picture::compare_docx_images;

use std::collections::BTreeSet;

use serde_json::Value;

use super::text::score;
use crate::document::opendocument::OpenDocument;
use crate::document::table::{TableGrid, cell_text};
use crate::document::{WordDocument, body, paragraph_text, paragraphs};
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::{MetricInputs, StateFile};
use crate::python::difference::character_ratio;
use crate::python::text::{split, strip};
use crate::xml;

type Score = Result<f64, Kind>;

/// What the paragraphs of a document of Word say.
fn word_texts(file: &StateFile) -> Result<Vec<String>, Kind> {
    let document = WordDocument::open(file)?;
    let document = document.parse()?;
    Ok(paragraphs(body(&document)?).map(paragraph_text).collect())
}

/// What the paragraphs of two documents say; `None` if the two are not of one kind.
fn texts(found: &StateFile, expected: &StateFile) -> Result<Option<[Vec<String>; 2]>, Kind> {
    let both = |ending: &str| found.name.ends_with(ending) && expected.name.ends_with(ending);
    if both(".docx") {
        return Ok(Some([word_texts(found)?, word_texts(expected)?]));
    }
    if both(".odt") {
        return Ok(Some([OpenDocument::read(found)?.paragraphs, OpenDocument::read(expected)?.paragraphs]));
    }
    Ok(None)
}

/// The two files; `None` if one is not there, which scores 0.
fn both<'a>(inputs: &MetricInputs<'a>) -> Result<Option<[&'a StateFile; 2]>, Kind> {
    Ok(inputs.file()?.zip(inputs.expected_file()?).map(|(found, expected)| [found, expected]))
}

/// Paragraphs as one text, each run of blanks as one.
fn joined(paragraphs: &[String]) -> String {
    let text = paragraphs.join("\n");
    split(&text).collect::<Vec<_>>().join(" ")
}

pub(super) fn compare_docx_files(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    let Some(mut texts) = texts(found, expected)? else { return Ok(0.0) };
    let ignore_case = inputs.option("ignore_case", false);
    let cased = |text: String| if ignore_case { text.to_lowercase() } else { text };
    for paragraphs in &mut texts {
        if inputs.option("ignore_order", false) {
            paragraphs.sort_unstable();
        }
        if inputs.option("delete_empty_lines", false) {
            paragraphs.retain(|text| !strip(text).is_empty());
        }
    }
    let is_fuzzy = inputs.option("fuzzy_match", false);
    let content_only = inputs.option("content_only", false);
    if content_only || inputs.option("ignore_blanks", true) {
        let [found, expected] = texts.map(|paragraphs| cased(joined(&paragraphs)));
        if content_only || is_fuzzy {
            return Ok(character_ratio(&found, &expected)?);
        }
        return Ok(score(found == expected));
    }
    let [found, expected] = texts.map(|paragraphs| paragraphs.into_iter().map(cased).collect::<Vec<_>>());
    if found.len() != expected.len() {
        return Ok(0.0);
    }
    if !is_fuzzy {
        return Ok(score(found == expected));
    }
    if found.is_empty() {
        return Ok(1.0);
    }
    let mut sum = 0.0;
    for (found, expected) in found.iter().zip(&expected) {
        sum += character_ratio(found, expected)?;
    }
    Ok(sum / found.len() as f64)
}

/// Whether two documents say the same but for blanks, which other functions ask first.
fn say_the_same(found: &StateFile, expected: &StateFile) -> Result<bool, Kind> {
    let texts = texts(found, expected)?;
    Ok(texts.is_some_and(|[found, expected]| joined(&found) == joined(&expected)))
}

/// Paragraphs that are empty do not count.
pub(super) fn compare_docx_files_and_ignore_new_lines(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    if !found.name.ends_with(".docx") || !expected.name.ends_with(".docx") {
        return Ok(0.0);
    }
    let texts = |file| -> Result<Vec<String>, Kind> {
        Ok(word_texts(file)?.into_iter().filter(|text| !text.is_empty()).collect())
    };
    let (found, expected) = (texts(found)?, texts(expected)?);
    Ok(score(match inputs.option("ignore_blanks", true) {
        true => joined(&found) == joined(&expected),
        false => found == expected,
    }))
}

/// The references behind the line that heads them, compared one by one.
pub(super) fn compare_references(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    if !found.name.ends_with(".docx") || !expected.name.ends_with(".docx") {
        return Ok(0.0);
    }
    let heading = inputs.options.get("reference_indicator").map_or(Some("References"), Value::as_str);
    let heading = heading.ok_or_else(|| Kind::rule("the option `reference_indicator` is no text"))?;
    let base = inputs.options.get("reference_base_result").map_or(Some(0.5), Value::as_f64);
    let base = base.ok_or_else(|| Kind::rule("the option `reference_base_result` is no number"))?;
    let references = |file| -> Result<Option<Vec<String>>, Kind> {
        let texts = word_texts(file)?;
        let Some(at) = texts.iter().position(|text| text == heading) else { return Ok(None) };
        Ok(Some(texts.into_iter().skip(at + 1).filter(|text| !strip(text).is_empty()).collect()))
    };
    let (found, expected) = match (references(found)?, references(expected)?) {
        (None, None) => return Ok(1.0),
        (Some(found), Some(expected)) => (found, expected),
        _ => return Ok(0.0),
    };
    if found.len() != expected.len() {
        return Ok(0.0);
    }
    if found.is_empty() {
        return Err(Kind::output("neither document has a reference"));
    }
    let mut sum = 0.0;
    for (found, expected) in found.iter().zip(&expected) {
        sum += character_ratio(found, expected)?;
    }
    let result = sum / found.len() as f64;
    // A little more than what a document scores that is not touched.
    Ok(if result >= base + 0.01 { (result - base) / (1.0 - base) } else { 0.0 })
}

/// Three words, each as like as it is to the likest of those that are expected.
pub(super) fn fuzzy_place_math(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let expected = inputs.rule_texts("expected")?;
    inputs.rule_at("expected")?;
    let texts = word_texts(found)?;
    let words: Vec<&str> = texts.iter().flat_map(|text| split(text)).collect();
    if words.len() != 3 {
        return Ok(0.0);
    }
    let mut sum = 0.0;
    for word in words {
        let mut best = 0.0_f64;
        for expected in &expected {
            best = best.max(character_ratio(word, expected)?);
        }
        sum += best;
    }
    Ok(sum / 3.0)
}

pub(super) fn has_page_numbers_in_footers(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let footers = WordDocument::open(found)?.footers()?;
    Ok(score(footers.iter().all(|footer| footer.chars().any(is_digit))))
}

/// `str.isdigit()` of what footers hold: decimal digits of any script, and raised and circled ones.
fn is_digit(char: char) -> bool {
    char.is_numeric()
        && (char.is_ascii_digit() || !matches!(char, '¼'..='¾' | '\u{2150}'..='\u{2189}' | '\u{3007}'..='\u{9fff}'))
}

pub(super) fn compare_docx_tables(inputs: &MetricInputs) -> Score {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    let (found, expected) = (WordDocument::open(found)?, WordDocument::open(expected)?);
    let (found, expected) = (found.parse()?, expected.parse()?);
    let tables = |body| xml::children(body, "tbl").collect::<Vec<_>>();
    let (found, expected) = (tables(body(&found)?), tables(body(&expected)?));
    if found.len() != expected.len() {
        return Ok(0.0);
    }
    for (found, expected) in found.into_iter().zip(expected) {
        let (found, expected) = (TableGrid::read(found)?, TableGrid::read(expected)?);
        if (found.rows, found.columns) != (expected.rows, expected.columns) {
            return Ok(0.0);
        }
        // A merged cell stands in many places, and may hold much.
        let mut compared = BTreeSet::new();
        for (row, column) in (0..found.rows).flat_map(|row| (0..found.columns).map(move |column| (row, column))) {
            let (found, expected) = (found.cell(row, column)?, expected.cell(row, column)?);
            if compared.insert((found.id().get_usize(), expected.id().get_usize()))
                && strip(&cell_text(found)) != strip(&cell_text(expected))
            {
                return Ok(0.0);
            }
        }
    }
    Ok(1.0)
}

/// Lines of the first document, none twice: all those, and only those, that should be left of it.
pub(super) fn compare_unique_train_records(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let files = inputs.expected_files()?;
    let [Some(gold), Some(initial), ..] = files[..] else { return Ok(0.0) };
    let lines = |file| -> Result<Vec<String>, Kind> {
        let texts = word_texts(file)?;
        Ok(texts.iter().map(|text| strip(text).to_owned()).filter(|line| !line.is_empty()).collect())
    };
    let (found, gold, initial) = (lines(found)?, lines(gold)?, lines(initial)?);
    // Of four fields the second is the train.
    let trains = |lines: &[String]| -> Vec<String> {
        let fields = lines.iter().map(|line| line.split(',').collect::<Vec<_>>());
        fields.filter(|fields| fields.len() == 4).map(|fields| strip(fields[1]).to_owned()).collect()
    };
    let set = |items: &[String]| items.iter().cloned().collect::<BTreeSet<String>>();
    let (found_trains, gold_trains) = (trains(&found), trains(&gold));
    Ok(score(
        set(&found).is_subset(&set(&initial))
            && set(&found_trains).len() == found_trains.len()
            && set(&found_trains) == set(&gold_trains)
            && found.len() == gold.len(),
    ))
}
