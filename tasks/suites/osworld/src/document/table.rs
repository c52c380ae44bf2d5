//! Tables of a document, as the grid that they are laid out on.

use roxmltree::Node;

use crate::document::{child, paragraph_text, paragraphs, value};
use crate::error::EvaluatorErrorKind as Kind;
use crate::xml;

/// Cells of a grid: more than any page has.
const CELLS_MAX: usize = 1_000_000;

/// A table: how many rows and columns, and what stands in each place of the grid.
pub struct TableGrid<'a> {
    pub rows: usize,
    pub columns: usize,
    /// Row by row, a merged cell in each place that it covers.
    cells: Vec<Node<'a, 'a>>,
}

impl<'a> TableGrid<'a> {
    /// # Errors
    /// Where python-docx raises: a table without a grid, or a cell that is merged with one that is not there.
    pub fn read(table: Node<'a, 'a>) -> Result<TableGrid<'a>, Kind> {
        let grid = child(table, "tblGrid").ok_or_else(|| Kind::output("a table has no grid"))?;
        let columns = xml::children(grid, "gridCol").count();
        let mut cells = Vec::new();
        for cell in cells_of(table) {
            let span = span(cell)?;
            if cells.len() + span > CELLS_MAX {
                return Err(Kind::output(format!("a table has more than {CELLS_MAX} cells")));
            }
            for _ in 0..span {
                let one = if is_continued(cell) {
                    let above = cells.len().checked_sub(columns.max(1)).and_then(|at| cells.get(at)).copied();
                    above.ok_or_else(|| Kind::output("a cell is merged with one above that is not there"))?
                } else {
                    cell
                };
                cells.push(one);
            }
        }
        Ok(TableGrid { rows: xml::children(table, "tr").count(), columns, cells })
    }

    /// The cell in a place.
    ///
    /// # Errors
    /// If the grid has none there.
    pub fn cell(&self, row: usize, column: usize) -> Result<Node<'a, 'a>, Kind> {
        let cell = self.cells.get(column + row * self.columns).copied();
        cell.ok_or_else(|| Kind::output("a row of a table is shorter than its grid"))
    }
}

/// What stands in a cell.
pub fn cell_text<'a>(cell: Node<'a, 'a>) -> String {
    paragraphs(cell).map(paragraph_text).collect::<Vec<_>>().join("\n")
}

/// The cells of a table, each once.
pub fn cells_of<'a>(table: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    xml::children(table, "tr").flat_map(|row| xml::children(row, "tc"))
}

/// How many columns a cell covers.
fn span<'a>(cell: Node<'a, 'a>) -> Result<usize, Kind> {
    let property = child(cell, "tcPr").and_then(|properties| child(properties, "gridSpan"));
    match property.and_then(|span| value(span, "val")) {
        None => Ok(1),
        Some(text) => text.parse().map_err(|_| Kind::output(format!("a cell covers {text:?} columns"))),
    }
}

/// Whether a cell goes on with the one above it.
pub fn is_continued<'a>(cell: Node<'a, 'a>) -> bool {
    let merge = child(cell, "tcPr").and_then(|properties| child(properties, "vMerge"));
    merge.is_some_and(|merge| matches!(value(merge, "val"), None | Some("continue")))
}
