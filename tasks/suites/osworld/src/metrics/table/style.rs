//! How the cells of a sheet look.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::condition;
use super::sheet::Book;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::texts;
use crate::workbook::cells::{self, CellPlace, CellRange};
use crate::workbook::styles::{Color, DifferentialStyle, Fill, Font, Styles};
use crate::xml;

/// Cells of a sheet, from its first to its last row and column.
const CELLS_MAX: u64 = 1_000_000;

/// What is known of a cell.
#[derive(Clone, Debug, Default)]
struct CellLook {
    /// `None` for one that the file does not have.
    style: Option<usize>,
    has_value: bool,
    is_number: bool,
    /// In a merged range, and not the first there.
    is_merged: bool,
    link: Option<Value>,
}

/// The cells of a sheet, and the styles that they refer to.
pub(super) struct SheetStyles<'b> {
    styles: &'b Styles,
    cells: BTreeMap<CellPlace, CellLook>,
}

impl<'b> SheetStyles<'b> {
    /// # Errors
    /// If the sheet is damaged, or merges more cells than can be counted.
    pub(super) fn read(book: &'b Book, sheet: &str) -> Result<Option<SheetStyles<'b>>, Kind> {
        let Some((path, text)) = book.sheet_text(sheet)? else { return Ok(None) };
        let document = book.workbook.parse(&path, &text)?;
        let name = book.workbook.package.part_name(&path);
        let mut looks = BTreeMap::new();
        for cell in cells::rows(&name, &document)?.iter().flat_map(|row| &row.cells) {
            let is_formula = cell.formula().is_some();
            let has_value = is_formula || cell.value(&name, &book.workbook.context())?.is_some();
            let is_moment = cell.written().is_some() && book.workbook.styles.moment_format(cell.style).is_some();
            let is_number = cell.kind == "n" && !is_formula && !is_moment;
            looks.insert(cell.place, CellLook { style: Some(cell.style), has_value, is_number, ..CellLook::default() });
        }
        let mut count = 0;
        let mut counted = |range: &CellRange| {
            count += range.count();
            if count > CELLS_MAX {
                return Err(Kind::unreadable(&name, format!("it merges or links more than {CELLS_MAX} cells")));
            }
            Ok(())
        };
        let range = |node: roxmltree::Node| {
            let text = node.attribute("ref").unwrap_or_default();
            CellRange::parse(text).ok_or_else(|| Kind::unreadable(&name, format!("{text:?} is no range of cells")))
        };
        let root = document.root_element();
        for node in xml::children(root, "mergeCells").flat_map(|list| xml::children(list, "mergeCell")) {
            let range = range(node)?;
            counted(&range)?;
            for place in range.cells().skip(1) {
                looks.insert(place, CellLook { is_merged: true, ..CellLook::default() });
            }
        }
        for node in xml::children(root, "hyperlinks").flat_map(|list| xml::children(list, "hyperlink")) {
            let range = range(node)?;
            counted(&range)?;
            for place in range.cells() {
                link(looks.entry(place).or_default(), place, node);
            }
        }
        for (_, place) in book.seen.borrow().iter().filter(|(seen, _)| seen == sheet) {
            looks.entry(*place).or_default();
        }
        Ok(Some(SheetStyles { styles: &book.workbook.styles, cells: looks }))
    }

    fn look(&self, place: CellPlace) -> CellLook {
        self.cells.get(&place).cloned().unwrap_or_default()
    }

    fn font(&self, look: &CellLook) -> Result<&'b Font, Kind> {
        let font = look.style.map_or_else(|| self.styles.first_font(), |style| self.styles.font(style));
        font.ok_or_else(|| Kind::output("a cell refers to a font that is not there"))
    }

    fn fill(&self, look: &CellLook) -> Option<&'b Fill> {
        look.style.map_or_else(|| self.styles.first_fill(), |style| self.styles.fill(style))
    }

    /// All cells from A1 to the last row and column.
    fn all(&self) -> Result<impl Iterator<Item = CellPlace>, Kind> {
        let from = CellPlace { row: 1, column: 1 };
        let row = self.cells.keys().map(|place| place.row).max().unwrap_or(0);
        let column = self.cells.keys().map(|place| place.column).max().unwrap_or(0);
        let range = CellRange { from, to: CellPlace { row, column } };
        let count = u64::from(row) * u64::from(column);
        if count > CELLS_MAX {
            return Err(Kind::output(format!("a sheet has more than {CELLS_MAX} cells, those between included")));
        }
        Ok(range.cells().take(usize::try_from(count).unwrap_or(0)))
    }
}

/// A link is what says where it leads; a cell without a value then has one.
fn link(look: &mut CellLook, place: CellPlace, node: roxmltree::Node) {
    if look.is_merged {
        return;
    }
    let of = |name: &str| {
        let found = node.attributes().find(|attribute| attribute.name() == name);
        found.map(|attribute| attribute.value())
    };
    let leads = of("location").is_some() || of("id").is_some();
    look.link = Some(json!({
        "ref": place.name(), "location": of("location"), "tooltip": of("tooltip"), "display": of("display"), "id": of("id"),
    }));
    if !look.has_value && leads {
        look.has_value = true;
        look.is_number = false;
    }
}

/// One side of how a cell looks; of a conditional format, if one is in force.
///
/// # Errors
/// Where upstream's function raises.
pub(super) fn style_value(
    name: &str,
    sheet: &SheetStyles,
    place: CellPlace,
    differential: Option<&DifferentialStyle>,
) -> Result<Value, Kind> {
    let look = sheet.look(place);
    let missing = |what: &str| Kind::output(format!("cell {} has no {what}", place.name()));
    let font = || match differential {
        Some(style) => style.font.as_ref().ok_or_else(|| missing("font")),
        None => sheet.font(&look),
    };
    let fill = match differential {
        Some(style) => style.fill.as_ref(),
        None => sheet.fill(&look),
    };
    match name {
        "number_format" if look.has_value && look.is_number => Ok(json!(match differential {
            Some(style) => style.number_format.as_deref().ok_or_else(|| missing("format of numbers"))?,
            None => sheet.styles.number_format(look.style.unwrap_or(0)).unwrap_or("General"),
        })),
        "number_format" => Ok(Value::Null),
        "fill_type" => Ok(match fill {
            Some(Fill::Pattern { .. }) => json!("patternFill"),
            Some(Fill::Gradient) => json!("gradientFill"),
            None => Value::Null,
        }),
        "bgcolor" | "fgcolor" => Ok(match (fill, differential) {
            (Some(Fill::Pattern { background, .. }), Some(_)) => color(background),
            (Some(Fill::Pattern { foreground, .. }), None) => color(foreground),
            (Some(Fill::Gradient) | None, _) => Value::Null,
        }),
        "merge" => Ok(json!(look.is_merged)),
        "hyperlink" if look.has_value => Ok(look.link.unwrap_or_else(|| json!(""))),
        "font_name" if look.has_value => Ok(json!(font()?.name)),
        "font_family" if look.has_value => Ok(json!(font()?.family)),
        "font_size" if look.has_value => Ok(json!(font()?.size)),
        "font_bold" if look.has_value => Ok(json!(font()?.is_bold)),
        "font_italic" if look.has_value => Ok(json!(font()?.is_italic)),
        "font_underline" if look.has_value => Ok(json!(font()?.underline)),
        "font_color" if look.has_value => font()?.color.as_ref().map(color).ok_or_else(|| missing("colour")),
        "hyperlink" | "font_name" | "font_family" | "font_size" | "font_bold" | "font_italic" | "font_underline"
        | "font_color" => Ok(Value::Null),
        other => Err(Kind::rule(format!("cells have no {other:?}"))),
    }
}

/// A colour without digits is equal to another one without, and to nothing else.
fn color(of: &Color) -> Value {
    match of {
        Color::Argb(digits) => json!(digits),
        Color::Unresolved => json!({"color": "without digits"}),
    }
}

/// How all cells of a sheet look, conditional formats in force.
pub(super) fn styles(book: &Book, sheet: &str, rule: &Value) -> Result<BTreeMap<CellPlace, Vec<Value>>, Kind> {
    let empty = Vec::new();
    let props = texts(rule.get("props").and_then(Value::as_array).unwrap_or(&empty));
    let props = props.ok_or_else(|| Kind::rule("`props` of a rule is no list of texts"))?;
    let Some(read) = SheetStyles::read(book, sheet)? else { return Ok(BTreeMap::new()) };
    let of = |place, differential: Option<&DifferentialStyle>| -> Result<Vec<Value>, Kind> {
        props.iter().map(|name| style_value(name, &read, place, differential)).collect()
    };
    let mut found = BTreeMap::new();
    for place in read.all()? {
        found.insert(place, of(place, None)?);
    }
    for (place, style) in condition::active(book, sheet)? {
        let differential = style.and_then(|style| read.styles.differential.get(style));
        found.insert(place, of(place, differential)?);
    }
    Ok(found)
}
