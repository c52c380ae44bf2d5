//! Evaluator functions over workbooks: one with a list of rules, each about another side of a sheet, and one over a column of cities.

mod cell;
mod chart;
mod condition;
mod pivot;
mod raw;
mod sheet;
mod style;

use serde_json::Value;

use crate::error::EvaluatorErrorKind as Kind;
use crate::metrics::text::{score, table_text};
use crate::output::{GetterOutput, MetricInputs, StateFile};
use crate::python::text;
use crate::python::value::{contains, equals, is_true, to_text};
use crate::workbook::Workbook;
use crate::workbook::cells::{self, CellRange};
use crate::workbook::frame::DataFrame;
use crate::workbook::value::CellValue;
use sheet::Book;

type Score = Result<f64, Kind>;

/// The two workbooks that rules are about.
struct Books<'a> {
    result: Book<'a>,
    expected: Option<Book<'a>>,
}

/// A sheet that a rule names: its workbook, if there is that, and its name, which need not be there.
#[derive(Clone, Copy)]
struct SheetPlace<'b, 'a> {
    book: Option<&'b Book<'a>>,
    name: &'b str,
}

/// Every rule holds, one after the other up to the first that does not.
pub(super) fn compare_table(inputs: &MetricInputs) -> Score {
    let Some(result) = inputs.file()? else { return Ok(0.0) };
    let expected = match inputs.expected {
        None | Some(GetterOutput::Value(Value::Null)) => None,
        Some(_) => inputs.expected_file()?,
    };
    let books = Books { result: Book::open(result)?, expected: expected.map(Book::open).transpose()? };
    let rules = inputs.options.get("rules").and_then(Value::as_array);
    for rule in rules.ok_or_else(|| Kind::rule("the option `rules` is no list"))? {
        if !books.holds(rule)? {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

fn text_at<'r>(rule: &'r Value, key: &str) -> Result<&'r str, Kind> {
    rule.get(key).and_then(Value::as_str).ok_or_else(|| Kind::rule(format!("a rule has no text `{key}`")))
}

impl<'a> Books<'a> {
    fn holds(&self, rule: &Value) -> Result<bool, Kind> {
        match text_at(rule, "type")? {
            "sheet_name" => Ok(self
                .expected
                .as_ref()
                .is_some_and(|expected| expected.workbook.sheet_names() == self.result.workbook.sheet_names())),
            "sheet_data" => self.same_data(rule),
            "sheet_print" => self.same_print(rule),
            "sheet_fuzzy" => self.same_cells(rule),
            "sparkline" => self.same_of(rule, |place| sheet::sparklines(place.book, place.name)),
            "chart" => self.same_of(rule, |place| chart::charts(place.open()?, place.name, rule)),
            "pivot_table" => self.same_of(rule, |place| pivot::pivots(place.open()?, place.name, rule)),
            "style" => {
                let [found, expected] = self.pair(rule)?;
                Ok(style::styles(found.open()?, found.name, rule)?
                    == style::styles(expected.open()?, expected.name, rule)?)
            }
            "row_props" => self.same_of(rule, |place| sheet::dimensions(place.open()?, place.name, rule, true)),
            "col_props" => self.same_of(rule, |place| sheet::dimensions(place.open()?, place.name, rule, false)),
            "freeze" => {
                let [found, expected] = self.pair(rule)?;
                let Some(found) = sheet::frozen(found.open()?, found.name)? else { return Ok(false) };
                let expected = sheet::frozen(expected.open()?, expected.name)?;
                Ok(found == expected.ok_or_else(no_sheet)?)
            }
            "zoom" => {
                let place = self.place(rule, "sheet_idx")?;
                match sheet::zoom(place.open()?, place.name)? {
                    Some(zoom) => super::rule::matches_rule(&zoom, rule),
                    None => Ok(false),
                }
            }
            "data_validation" => {
                let place = self.place(rule, "sheet_idx")?;
                sheet::validations_hold(place.open()?, place.name, rule)
            }
            "check_cell" => {
                let place = self.place(rule, "sheet_idx")?;
                cell::holds(place.open()?, place.name, rule)
            }
            "filter" => Err(Kind::NotNative { needs: "its rule `filter` reads filters of columns" }),
            other => Err(Kind::rule(format!("there is no rule {other:?}"))),
        }
    }

    /// The sheet under a key of a rule: by its number (`0`, `RI0`, `EI0`) or its name (`RNSheet1`, `ENSheet1`), of the result or of
    /// what is expected.
    fn place<'b>(&'b self, rule: &'b Value, key: &str) -> Result<SheetPlace<'b, 'a>, Kind> {
        let by_number = |book: Option<&'b Book<'a>>, number: i64| {
            let names = book.map(|book| book.workbook.sheet_names()).unwrap_or_default();
            // From the end, if it is less than zero.
            let at = if number < 0 { number + names.len() as i64 } else { number };
            let name = usize::try_from(at).ok().and_then(|at| names.get(at).copied());
            SheetPlace { book, name: name.unwrap_or("") }
        };
        let wrong = || Kind::rule(format!("`{key}` names no sheet: write a number, or RI, EI, RN or EN and which"));
        let value = rule.get(key).ok_or_else(|| Kind::rule(format!("a rule has no `{key}`")))?;
        if let Some(number) = value.as_i64() {
            return Ok(by_number(Some(&self.result), number));
        }
        let text = value.as_str().ok_or_else(wrong)?;
        let (kind, which) = text.split_at_checked(2).ok_or_else(wrong)?;
        let book = match kind {
            "RI" | "RN" => Some(&self.result),
            "EI" | "EN" => self.expected.as_ref(),
            _ => return Err(wrong()),
        };
        Ok(match kind {
            "RN" | "EN" => SheetPlace { book, name: which },
            _ => which.trim().parse().map_or(SheetPlace { book, name: "" }, |number| by_number(book, number)),
        })
    }

    fn pair<'b>(&'b self, rule: &'b Value) -> Result<[SheetPlace<'b, 'a>; 2], Kind> {
        Ok([self.place(rule, "sheet_idx0")?, self.place(rule, "sheet_idx1")?])
    }

    /// Whether the same is found of both sheets.
    fn same_of(&self, rule: &Value, find: impl Fn(SheetPlace) -> Result<Value, Kind>) -> Result<bool, Kind> {
        let [found, expected] = self.pair(rule)?;
        Ok(equals(&find(found)?, &find(expected)?))
    }

    /// The tables that pandas makes of both are equal, numbers rounded.
    fn same_data(&self, rule: &Value) -> Result<bool, Kind> {
        let places = rule.get("precision").map_or(Some(4), Value::as_i64).and_then(|places| i32::try_from(places).ok());
        let places = places.filter(|places| (-300..=300).contains(places));
        let places = places.ok_or_else(|| Kind::rule("`precision` is no number of digits"))?;
        let [found, expected] = self.pair(rule)?;
        let Some(mut found) = frame(found)? else { return Ok(false) };
        let mut expected = frame(expected)?.ok_or_else(no_sheet)?;
        found.round(places);
        expected.round(places);
        Ok(found.equals(&expected))
    }

    /// The tables that a program printed of both are equal, line by line: files beside the workbooks, `NAME-SHEET.csv`.
    fn same_print(&self, rule: &Value) -> Result<bool, Kind> {
        let ignore_case = rule.get("ignore_case").is_some_and(is_true);
        let [found, expected] = self.pair(rule)?;
        let Some(found) = printed(found, ignore_case)? else { return Ok(false) };
        let missing = || Kind::output(format!("there is no print of the sheet {:?} that is expected", expected.name));
        Ok(found == printed(expected, ignore_case)?.ok_or_else(missing)?)
    }

    /// Cells of both are alike, by rules for ranges of them.
    fn same_cells(&self, rule: &Value) -> Result<bool, Kind> {
        let [found, expected] = self.pair(rule)?;
        let rules = rule.get("rules").and_then(Value::as_array);
        let mut passes = true;
        for rule in rules.ok_or_else(|| Kind::rule("`rules` of a rule is no list"))? {
            let places = ranges(rule)?;
            let found = raw::raw_values(found.open()?, found.name, &places)?;
            let expected = raw::raw_values(expected.open()?, expected.name, &places)?;
            for place in &places {
                let value = |of: &raw::RawValues| of.get(place).map(|value| to_text(&value));
                passes &= sheet::is_alike(&value(&found)?, &value(&expected)?, rule)?;
            }
        }
        Ok(passes)
    }
}

impl<'b, 'a> SheetPlace<'b, 'a> {
    /// The workbook, where upstream's function raises without one.
    fn open(&self) -> Result<&'b Book<'a>, Kind> {
        self.book.ok_or_else(|| Kind::rule("a rule names a sheet of what is expected, and nothing is"))
    }
}

fn no_sheet() -> Kind {
    Kind::output("the sheet that is expected is not there")
}

/// Cells of the ranges of a rule, of which there may be as many as a table may have.
fn ranges(rule: &Value) -> Result<Vec<cells::CellPlace>, Kind> {
    const CELLS_MAX: u64 = 200_000;
    let wrong = || Kind::rule("`range` is no list of ranges of cells");
    let texts = match rule.get("range") {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(items)) => crate::output::texts(items).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let ranges: Vec<CellRange> =
        texts.into_iter().map(|text| CellRange::parse(text).ok_or_else(wrong)).collect::<Result<_, _>>()?;
    if ranges.iter().map(CellRange::count).sum::<u64>() > CELLS_MAX {
        return Err(Kind::rule(format!("`range` has more than {CELLS_MAX} cells")));
    }
    Ok(ranges.into_iter().flat_map(CellRange::cells).collect())
}

fn frame(place: SheetPlace) -> Result<Option<DataFrame>, Kind> {
    let book = place.open()?;
    let Some(sheet) = book.workbook.sheet(place.name).filter(|sheet| !sheet.is_chart) else { return Ok(None) };
    let text = book.workbook.sheet_text(sheet)?;
    let document = book.workbook.parse(&sheet.path, &text)?;
    let name = book.workbook.package.part_name(&sheet.path);
    let rows = cells::rows(&name, &document)?;
    DataFrame::read(&name, &rows, &book.workbook.context()).map(Some)
}

/// The lines of a print from the last, trimmed, without those at the end that are empty; `None` if there is no print.
fn printed(place: SheetPlace, ignore_case: bool) -> Result<Option<Vec<String>>, Kind> {
    let file = place.open()?.file;
    let stem = match file.name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() && !stem.ends_with('/') => stem,
        _ => file.name.as_str(),
    };
    let wanted = format!("{stem}-{}.csv", place.name);
    let Some(print) = file.beside.iter().find(|file| file.name == wanted) else { return Ok(None) };
    let text = table_text(print)?;
    let lines = text::lines(&text).into_iter().rev().map(text::strip).skip_while(|line| line.is_empty());
    Ok(Some(lines.map(|line| if ignore_case { line.to_lowercase() } else { line.to_owned() }).collect()))
}

/// Each of the cells C2 to C22 of the sheet on top names the city that is expected there, or one of several.
pub(super) fn compare_conference_city_in_order(inputs: &MetricInputs) -> Score {
    let file: &StateFile = inputs.present_file()?;
    let expected = inputs.rule_at("expected")?.as_array().ok_or_else(|| Kind::rule("`expected` is no list"))?;
    let workbook = Workbook::open(file)?;
    let sheet = workbook.sheets.get(workbook.active).filter(|sheet| !sheet.is_chart);
    let sheet = sheet.ok_or_else(|| Kind::unreadable(&file.name, "there is no sheet on top"))?;
    let text = workbook.sheet_text(sheet)?;
    let document = workbook.parse(&sheet.path, &text)?;
    let name = workbook.package.part_name(&sheet.path);
    let rows = cells::rows(&name, &document)?;
    let cities = CellRange::parse("C2:C22").into_iter().flat_map(CellRange::cells);
    for (at, place) in cities.enumerate() {
        let cell = rows.iter().flat_map(|row| &row.cells).rfind(|cell| cell.place == place);
        // A formula stands there as it is written.
        let found = match cell {
            None => None,
            Some(cell) => match cell.formula() {
                Some(formula) => Some(formula),
                None => match cell.value(&name, &workbook.context())? {
                    Some(CellValue::Text(text)) => Some(text),
                    _ => None,
                },
            },
        };
        // What is no text, and what nothing is expected of, is not the city: upstream's function counts its own mistakes so.
        let (Some(found), Some(wanted)) = (found.map(Value::String), expected.get(at)) else { return Ok(0.0) };
        let is_there = |wanted: &Value| contains(&found, wanted).unwrap_or(false);
        let passed = match wanted {
            Value::Array(names) => names.iter().any(is_there),
            wanted => is_there(wanted),
        };
        if !passed {
            return Ok(0.0);
        }
    }
    Ok(score(true))
}
