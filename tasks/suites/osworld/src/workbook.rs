//! Workbooks (`.xlsx`) as openpyxl reads them: sheets, cells, styles, and what hangs on a sheet.
//!
//! Only what evaluators ask for is read, from the XML itself, since a score hangs on how a value is written: a whole number is not
//! the same as a fraction, and a text is not the same as a number.

pub mod cells;
pub mod frame;
pub mod styles;
pub mod value;

use roxmltree::Document;

use crate::error::EvaluatorErrorKind as Kind;
use crate::output::StateFile;
use crate::package::{CONTENT_TYPES, Package, Relationship};
use crate::xml;
use cells::{CellContext, text_content};
use styles::Styles;

const WORKBOOK: &str = "xl/workbook.xml";
const SHEETS_MAX: usize = 10_000;
/// What an archive's own list calls its workbook; openpyxl opens none without.
const WORKBOOK_TYPES: [&str; 4] = [
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml",
    "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    "application/vnd.ms-excel.template.macroEnabled.main+xml",
];

/// A workbook that is open.
pub struct Workbook<'a> {
    pub package: Package<'a>,
    pub sheets: Vec<Sheet>,
    pub styles: Styles,
    pub shared_strings: Vec<String>,
    /// Whether its serial numbers count from 1904.
    pub is_1904: bool,
    /// The sheet that is on top.
    pub active: usize,
    /// Where the caches of pivot tables are, by their numbers.
    pub pivot_caches: Vec<(String, String)>,
}

/// A sheet's entry in the workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub name: String,
    pub id: String,
    /// The part that holds it.
    pub path: String,
    /// Whether it is nothing but a chart.
    pub is_chart: bool,
}

impl<'a> Workbook<'a> {
    /// # Errors
    /// If it is no workbook, is damaged, or would not fit into memory.
    pub fn open(file: &'a StateFile) -> Result<Workbook<'a>, Kind> {
        let package = Package::open(file)?;
        if !package.lists_type(&WORKBOOK_TYPES)? {
            return Err(package.unreadable(CONTENT_TYPES, "it names no workbook"));
        }
        let root = package.relationships("")?;
        let main = root.into_iter().find(|relationship| relationship.kind == "officeDocument");
        let path = main.map_or_else(|| WORKBOOK.to_owned(), |main| main.target);
        let relationships = package.relationships(&path)?;
        let text = package.required_text(&path)?;
        let document = xml::parse(&package.part_name(&path), &text)?;
        let root = document.root_element();
        let target = |id: &str| relationships.iter().find(|relationship| relationship.id == id);
        let (mut sheets, mut pivot_caches) = (Vec::new(), Vec::new());
        if xml::children(root, "sheets").all(|list| xml::children(list, "sheet").next().is_none()) {
            return Err(package.unreadable(&path, "it has no sheets"));
        }
        for list in xml::children(root, "sheets") {
            for node in xml::children(list, "sheet") {
                let Some(id) = relation_id(node) else { continue };
                let found = target(id).ok_or_else(|| {
                    package.unreadable(&path, format!("a sheet refers to {id:?}, which is not there"))
                })?;
                // What refers to nothing is left out, as openpyxl leaves it out.
                if package.contains(&found.target) {
                    sheets.push(sheet(node, found));
                }
            }
        }
        if sheets.len() > SHEETS_MAX {
            return Err(package.unreadable(&path, format!("it has more than {SHEETS_MAX} sheets")));
        }
        for list in xml::children(root, "pivotCaches") {
            for node in xml::children(list, "pivotCache") {
                if let (Some(id), Some(found)) = (node.attribute("cacheId"), relation_id(node).and_then(target)) {
                    pivot_caches.push((id.to_owned(), found.target.clone()));
                }
            }
        }
        let is_1904 = xml::children(root, "workbookPr").any(|node| xml::is_on(node.attribute("date1904"), false));
        let views = xml::children(root, "bookViews").flat_map(|list| xml::children(list, "workbookView"));
        let active = views.filter_map(|view| view.attribute("activeTab")).find_map(|tab| tab.parse().ok());
        drop(document);
        let of_kind =
            |kind: &str| relationships.iter().find(|found| found.kind == kind).map(|found| found.target.clone());
        let shared_strings = match of_kind("sharedStrings") {
            Some(path) if package.contains(&path) => shared_strings(&package, &path)?,
            _ => Vec::new(),
        };
        let styles = match package.text("xl/styles.xml")? {
            Some(text) => Styles::read(&xml::parse(&package.part_name("xl/styles.xml"), &text)?),
            None => Styles::default(),
        };
        let active = active.unwrap_or(0);
        Ok(Workbook { package, sheets, styles, shared_strings, is_1904, active, pivot_caches })
    }

    /// The names of the sheets with cells, in their order.
    pub fn sheet_names(&self) -> Vec<&str> {
        self.sheets.iter().filter(|sheet| !sheet.is_chart).map(|sheet| sheet.name.as_str()).collect()
    }

    /// What cells have to be read with.
    pub fn context(&self) -> CellContext<'_> {
        CellContext { styles: &self.styles, shared_strings: &self.shared_strings, is_1904: self.is_1904 }
    }

    pub fn sheet(&self, name: &str) -> Option<&Sheet> {
        self.sheets.iter().find(|sheet| sheet.name == name)
    }

    /// The XML of a sheet.
    ///
    /// # Errors
    /// If it is not there or no text.
    pub fn sheet_text(&self, sheet: &Sheet) -> Result<String, Kind> {
        self.package.required_text(&sheet.path)
    }

    /// # Errors
    /// If it is no XML.
    pub fn parse<'t>(&self, path: &str, text: &'t str) -> Result<Document<'t>, Kind> {
        xml::parse(&self.package.part_name(path), text)
    }
}

fn sheet(node: roxmltree::Node, found: &Relationship) -> Sheet {
    let value = |name| node.attribute(name).unwrap_or_default().to_owned();
    Sheet {
        name: value("name"),
        id: value("sheetId"),
        path: found.target.clone(),
        is_chart: found.kind == "chartsheet",
    }
}

/// The `r:id` of an element, whatever its namespace is called.
pub fn relation_id<'a>(node: roxmltree::Node<'a, 'a>) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.name() == "id" && attribute.namespace().is_some()).map(|a| a.value())
}

/// The texts that cells share.
fn shared_strings(package: &Package, path: &str) -> Result<Vec<String>, Kind> {
    let text = package.required_text(path)?;
    let document = xml::parse(&package.part_name(path), &text)?;
    let items = xml::children(document.root_element(), "si");
    Ok(items.map(|item| text_content(item).replace("x005F_", "")).collect())
}
