//! The cells of a sheet as its XML has them, and how cells and ranges are named.

use roxmltree::{Document, Node};

use crate::error::EvaluatorErrorKind as Kind;
use crate::workbook::styles::Styles;
use crate::workbook::value::{CellValue, iso_moment, moment};
use crate::xml;

/// The size of a sheet.
pub const ROWS_MAX: u32 = 1_048_576;
pub const COLUMNS_MAX: u32 = 16_384;

/// A row and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellPlace {
    pub row: u32,
    pub column: u32,
}

impl CellPlace {
    /// `B12`, with dollar signs or without; `None` if it is no cell's name.
    pub fn parse(name: &str) -> Option<CellPlace> {
        let name = name.replace('$', "");
        let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (column, row) = name.split_at(letters);
        if !row.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let place = CellPlace { row: row.parse().ok()?, column: column_number(column)? };
        (1..=ROWS_MAX).contains(&place.row).then_some(place)
    }

    pub fn name(self) -> String {
        format!("{}{}", column_letters(self.column), self.row)
    }
}

fn column_number(letters: &str) -> Option<u32> {
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let digit = |byte: u8| u32::from(byte.to_ascii_uppercase() - b'A') + 1;
    let number = letters.bytes().try_fold(0, |sum, byte| byte.is_ascii_alphabetic().then(|| sum * 26 + digit(byte)))?;
    (number <= COLUMNS_MAX).then_some(number)
}

pub fn column_letters(mut number: u32) -> String {
    let mut letters = Vec::new();
    while number > 0 {
        letters.push(char::from(b'A' + ((number - 1) % 26) as u8));
        number = (number - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellRange {
    pub from: CellPlace,
    pub to: CellPlace,
}

impl CellRange {
    /// `A1:B6`, `A1`, `A:B` or `1:6`, with dollar signs or without.
    pub fn parse(name: &str) -> Option<CellRange> {
        let (from, to) = name.split_once(':').unwrap_or((name, name));
        let range = match (CellPlace::parse(from), CellPlace::parse(to)) {
            (Some(from), Some(to)) => CellRange { from, to },
            (None, None) => {
                let plain = |part: &str| part.replace('$', "");
                let (from, to) = (plain(from), plain(to));
                match (column_number(&from), column_number(&to)) {
                    (Some(from), Some(to)) => CellRange {
                        from: CellPlace { row: 1, column: from },
                        to: CellPlace { row: ROWS_MAX, column: to },
                    },
                    _ => CellRange {
                        from: CellPlace { row: from.parse().ok()?, column: 1 },
                        to: CellPlace { row: to.parse().ok()?, column: COLUMNS_MAX },
                    },
                }
            }
            _ => return None,
        };
        (range.from.row <= range.to.row && range.from.column <= range.to.column).then_some(range)
    }

    pub fn contains(&self, other: &CellRange) -> bool {
        self.from.row <= other.from.row
            && self.from.column <= other.from.column
            && other.to.row <= self.to.row
            && other.to.column <= self.to.column
    }

    pub fn count(&self) -> u64 {
        u64::from(self.to.row - self.from.row + 1) * u64::from(self.to.column - self.from.column + 1)
    }

    /// Its cells, row by row.
    pub fn cells(self) -> impl Iterator<Item = CellPlace> {
        let columns = self.from.column..=self.to.column;
        (self.from.row..=self.to.row).flat_map(move |row| columns.clone().map(move |column| CellPlace { row, column }))
    }
}

/// A row of a sheet.
pub struct SheetRow<'a> {
    pub number: u32,
    pub node: Node<'a, 'a>,
    pub cells: Vec<SheetCell<'a>>,
}

/// A cell as it is written.
#[derive(Clone, Copy)]
pub struct SheetCell<'a> {
    pub place: CellPlace,
    /// `n` for a number, `s` for a shared string, and so on.
    pub kind: &'a str,
    /// The number of its style.
    pub style: usize,
    pub node: Node<'a, 'a>,
}

/// What the cells of a workbook share.
#[derive(Clone, Copy)]
pub struct CellContext<'a> {
    pub styles: &'a Styles,
    pub shared_strings: &'a [String],
    pub is_1904: bool,
}

/// What stands in a cell: its plain text and that of its runs, not how it is pronounced.
pub fn text_content<'a>(node: Node<'a, 'a>) -> String {
    let mut content = String::new();
    for child in node.children().filter(Node::is_element) {
        match child.tag_name().name() {
            "t" => content.insert_str(0, xml::text_of(child)),
            "r" => content.extend(xml::children(child, "t").map(xml::text_of)),
            _ => {}
        }
    }
    content
}

/// All rows of a sheet.
///
/// # Errors
/// If a row or a cell has a name that is none.
pub fn rows<'a>(name: &str, document: &'a Document<'a>) -> Result<Vec<SheetRow<'a>>, Kind> {
    let mut rows = Vec::new();
    let mut number = 0;
    for data in xml::children(document.root_element(), "sheetData") {
        for node in xml::children(data, "row") {
            number = match node.attribute("r") {
                Some(text) => {
                    let read = text.parse::<f64>().ok().filter(|row| row.fract() == 0.0 && *row >= 0.0);
                    let read = read.ok_or_else(|| Kind::unreadable(name, format!("there is no row {text:?}")))?;
                    if read > f64::from(ROWS_MAX) {
                        return Err(Kind::unreadable(name, format!("row {text} is beyond row {ROWS_MAX}")));
                    }
                    read as u32
                }
                None => number + 1,
            };
            let cells = row_cells(name, node, number)?;
            rows.push(SheetRow { number, node, cells });
        }
    }
    Ok(rows)
}

fn row_cells<'a>(name: &str, row: Node<'a, 'a>, number: u32) -> Result<Vec<SheetCell<'a>>, Kind> {
    let mut cells = Vec::new();
    let mut column = 0;
    for node in row.children().filter(Node::is_element) {
        let place = match node.attribute("r") {
            Some(text) => CellPlace::parse(text)
                .ok_or_else(|| Kind::unreadable(name, format!("{text:?} is no cell of a sheet")))?,
            None => CellPlace { row: number, column: column + 1 },
        };
        column = place.column;
        if column > COLUMNS_MAX {
            return Err(Kind::unreadable(name, format!("it has more than {COLUMNS_MAX} columns")));
        }
        let style = node.attribute("s").and_then(|style| style.parse().ok()).unwrap_or(0);
        cells.push(SheetCell { place, kind: node.attribute("t").unwrap_or("n"), style, node });
    }
    Ok(cells)
}

impl<'a> SheetCell<'a> {
    /// What stands in its `v`, if it is more than nothing.
    pub fn written(&self) -> Option<&'a str> {
        xml::children(self.node, "v").next().map(xml::text_of).filter(|text| !text.is_empty())
    }

    /// Its formula, with `=`.
    pub fn formula(&self) -> Option<String> {
        xml::children(self.node, "f").next().map(|node| format!("={}", xml::text_of(node)))
    }

    /// Its value; what a formula gave when it was last computed. `None` if it is empty.
    ///
    /// # Errors
    /// Where openpyxl raises: a number that is none, a shared string that is not there.
    pub fn value(&self, name: &str, context: &CellContext) -> Result<Option<CellValue>, Kind> {
        let wrong = |what: &str, text: &str| {
            Kind::unreadable(name, format!("cell {} holds {text:?}, which is no {what}", self.place.name()))
        };
        let Some(text) = self.written().filter(|_| self.kind != "inlineStr") else {
            let inline = (self.kind == "inlineStr").then(|| xml::children(self.node, "is").next()).flatten();
            return Ok(inline.map(|node| CellValue::Text(text_content(node))));
        };
        Ok(Some(match self.kind {
            "n" => {
                let number = CellValue::number(text).ok_or_else(|| wrong("number", text))?;
                let format = context.styles.moment_format(self.style);
                match format {
                    None => number,
                    Some(is_duration) => {
                        moment(&number, context.is_1904, is_duration).map_or(CellValue::Missing, CellValue::Moment)
                    }
                }
            }
            "s" => {
                let index = text.trim().parse::<usize>().map_err(|_| wrong("number of a text", text))?;
                let shared = context.shared_strings.get(index);
                CellValue::Text(shared.ok_or_else(|| wrong("number of a text that is there", text))?.clone())
            }
            "b" => CellValue::Bool(text.trim().parse::<i64>().map_err(|_| wrong("truth value", text))? != 0),
            "d" => CellValue::Moment(iso_moment(text).ok_or_else(|| wrong("date", text))?),
            "e" => CellValue::Missing,
            _ => CellValue::Text(text.to_owned()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_ranges_are_named() {
        for (name, row, column) in [("A1", 1, 1), ("$AB$12", 12, 28), ("XFD1048576", 1_048_576, 16_384)] {
            let place = CellPlace::parse(name).unwrap();
            assert_eq!((place.row, place.column), (row, column));
            assert_eq!(place.name(), name.replace('$', ""));
        }
        for name in ["", "A", "1", "A0", "XFE1", "A1048577", "A1:B2", "Ä1", "A-1", "AAAA1"] {
            assert_eq!(CellPlace::parse(name), None, "{name}");
        }
        let range = CellRange::parse("A2:B3").unwrap();
        assert_eq!(range.cells().map(CellPlace::name).collect::<Vec<_>>(), ["A2", "B2", "A3", "B3"]);
        assert_eq!(range.count(), 4);
        assert_eq!(CellRange::parse("D:D"), CellRange::parse("D1:D1048576"));
        assert_eq!(CellRange::parse("B2:A1"), None);
        assert!(CellRange::parse("A:C").unwrap().contains(&range));
    }
}
