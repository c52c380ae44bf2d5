//! How cells look: fonts, fills and formats of numbers, as openpyxl resolves them.

use roxmltree::{Document, Node};

use crate::xml;

/// The styles of a workbook.
#[derive(Clone, Debug)]
pub struct Styles {
    formats: Vec<CellFormat>,
    fonts: Vec<Font>,
    fills: Vec<Fill>,
    /// What conditional formats change.
    pub differential: Vec<DifferentialStyle>,
}

#[derive(Clone, Debug)]
struct CellFormat {
    font: usize,
    fill: usize,
    number_format: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Font {
    pub name: Option<String>,
    pub family: Option<f64>,
    pub size: Option<f64>,
    pub is_bold: bool,
    pub is_italic: bool,
    pub underline: Option<String>,
    pub color: Option<Color>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Color {
    /// Eight digits.
    Argb(String),
    /// Of a theme, of a palette, or automatic: openpyxl gives no digits.
    Unresolved,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fill {
    Pattern { foreground: Color, background: Color },
    Gradient,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DifferentialStyle {
    pub font: Option<Font>,
    pub fill: Option<Fill>,
    pub number_format: Option<String>,
}

impl Default for Styles {
    /// What openpyxl takes where a workbook has none.
    fn default() -> Styles {
        let font = Font {
            name: Some("Calibri".to_owned()),
            family: Some(2.0),
            size: Some(11.0),
            color: Some(Color::Unresolved),
            ..Font::default()
        };
        Styles {
            formats: vec![CellFormat { font: 0, fill: 0, number_format: "General".to_owned() }],
            fonts: vec![font],
            fills: vec![no_fill()],
            differential: Vec::new(),
        }
    }
}

fn no_color() -> Color {
    Color::Argb("00000000".to_owned())
}

fn no_fill() -> Fill {
    Fill::Pattern { foreground: no_color(), background: no_color() }
}

impl Styles {
    pub fn read(document: &Document) -> Styles {
        let root = document.root_element();
        let all = |list: &'static str, name: &'static str| {
            root.children()
                .filter(move |node| is_named(node, list))
                .flat_map(move |node| node.children().filter(move |child| is_named(child, name)))
        };
        let custom: Vec<(u32, &str)> = all("numFmts", "numFmt")
            .filter_map(|node| Some((node.attribute("numFmtId")?.parse().ok()?, node.attribute("formatCode")?)))
            .collect();
        let index = |node: Node, name| node.attribute(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let formats: Vec<CellFormat> = all("cellXfs", "xf")
            .map(|node| {
                let id = index(node, "numFmtId") as u32;
                let own = custom.iter().rfind(|(number, _)| *number == id).map(|(_, code)| *code);
                CellFormat {
                    font: index(node, "fontId"),
                    fill: index(node, "fillId"),
                    number_format: own.or_else(|| built_in_format(id)).unwrap_or("General").to_owned(),
                }
            })
            .collect();
        if formats.is_empty() {
            return Styles::default();
        }
        Styles {
            formats,
            fonts: all("fonts", "font").map(font).collect(),
            fills: all("fills", "fill").map(|node| fill(node).unwrap_or_else(no_fill)).collect(),
            differential: all("dxfs", "dxf").map(differential_style).collect(),
        }
    }

    pub fn font(&self, style: usize) -> Option<&Font> {
        self.fonts.get(self.formats.get(style)?.font)
    }

    /// The font of a cell that the file does not have.
    pub fn first_font(&self) -> Option<&Font> {
        self.fonts.first()
    }

    pub fn fill(&self, style: usize) -> Option<&Fill> {
        self.fills.get(self.formats.get(style)?.fill)
    }

    pub fn first_fill(&self) -> Option<&Fill> {
        self.fills.first()
    }

    pub fn number_format(&self, style: usize) -> Option<&str> {
        self.formats.get(style).map(|format| format.number_format.as_str())
    }

    /// Whether numbers of a style are moments and, if so, durations.
    pub fn moment_format(&self, style: usize) -> Option<bool> {
        let format = self.number_format(style)?;
        is_moment_format(format).then(|| is_duration_format(format))
    }
}

fn is_named(node: &Node, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn child<'a, 'i>(of: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    of.children().find(|node| is_named(node, name))
}

fn font(node: Node) -> Font {
    let value = |name| child(node, name).and_then(|child| child.attribute("val"));
    // What is there without a value is on.
    let is_on = |name| child(node, name).is_some_and(|child| xml::is_on(child.attribute("val"), true));
    Font {
        name: value("name").map(str::to_owned),
        family: value("family").and_then(|text| text.parse().ok()),
        size: value("sz").and_then(|text| text.parse().ok()),
        is_bold: is_on("b"),
        is_italic: is_on("i"),
        underline: child(node, "u")
            .map(|child| child.attribute("val").unwrap_or("single"))
            .filter(|underline| *underline != "none")
            .map(str::to_owned),
        color: child(node, "color").map(color),
    }
}

fn color(node: Node) -> Color {
    let has = |name| node.attribute(name).is_some();
    if has("indexed") || has("theme") || has("auto") {
        return Color::Unresolved;
    }
    match node.attribute("rgb") {
        None => no_color(),
        Some(digits) if digits.len() == 6 => Color::Argb(format!("00{digits}")),
        Some(digits) => Color::Argb(digits.to_owned()),
    }
}

fn fill(node: Node) -> Option<Fill> {
    let first = node.children().find(Node::is_element)?;
    if first.tag_name().name() != "patternFill" {
        return Some(Fill::Gradient);
    }
    let of = |name| child(first, name).map_or_else(no_color, color);
    Some(Fill::Pattern { foreground: of("fgColor"), background: of("bgColor") })
}

fn differential_style(node: Node) -> DifferentialStyle {
    DifferentialStyle {
        font: child(node, "font").map(font),
        fill: child(node, "fill").and_then(fill),
        number_format: child(node, "numFmt").and_then(|node| node.attribute("formatCode")).map(str::to_owned),
    }
}

/// The formats that have a number and no text in a file.
fn built_in_format(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "General",
        1 => "0",
        2 => "0.00",
        3 => "#,##0",
        4 => "#,##0.00",
        5 => "\"$\"#,##0_);(\"$\"#,##0)",
        6 => "\"$\"#,##0_);[Red](\"$\"#,##0)",
        7 => "\"$\"#,##0.00_);(\"$\"#,##0.00)",
        8 => "\"$\"#,##0.00_);[Red](\"$\"#,##0.00)",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        12 => "# ?/?",
        13 => "# ??/??",
        14 => "mm-dd-yy",
        15 => "d-mmm-yy",
        16 => "d-mmm",
        17 => "mmm-yy",
        18 => "h:mm AM/PM",
        19 => "h:mm:ss AM/PM",
        20 => "h:mm",
        21 => "h:mm:ss",
        22 => "m/d/yy h:mm",
        37 => "#,##0_);(#,##0)",
        38 => "#,##0_);[Red](#,##0)",
        39 => "#,##0.00_);(#,##0.00)",
        40 => "#,##0.00_);[Red](#,##0.00)",
        41 => "_(* #,##0_);_(* \\(#,##0\\);_(* \"-\"_);_(@_)",
        42 => "_(\"$\"* #,##0_);_(\"$\"* \\(#,##0\\);_(\"$\"* \"-\"_);_(@_)",
        43 => "_(* #,##0.00_);_(* \\(#,##0.00\\);_(* \"-\"??_);_(@_)",
        44 => "_(\"$\"* #,##0.00_)_(\"$\"* \\(#,##0.00\\)_(\"$\"* \"-\"??_)_(@_)",
        45 => "mm:ss",
        46 => "[h]:mm:ss",
        47 => "mmss.0",
        48 => "##0.0E+0",
        49 => "@",
        _ => return None,
    })
}

/// Whether a format shows a number as a date or a time: by a letter of one that stands neither in quotes nor behind `_` or `\`.
fn is_moment_format(format: &str) -> bool {
    let first: Vec<char> = format.split(';').next().unwrap_or_default().chars().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < first.len() {
        let close = |mark: char| first[at + 1..].iter().position(|char| *char == mark).map(|end| at + 1 + end);
        let end = match first[at] {
            '"' => close('"'),
            // Words in brackets are no letters of a date, but for hours, minutes and seconds beyond their clock.
            '[' => close(']').filter(|end| {
                let inside: String = first[at + 1..*end].iter().collect();
                !["h", "hh", "m", "mm", "s", "ss"].contains(&inside.as_str())
            }),
            _ => None,
        };
        match end {
            Some(end) => at = end + 1,
            None => {
                kept.push(first[at]);
                at += 1;
            }
        }
    }
    let is_letter = |char: &char| "dmhysDMHYS".contains(*char);
    kept.iter().enumerate().any(|(at, char)| is_letter(char) && (at == 0 || !['_', '\\'].contains(&kept[at - 1])))
}

fn is_duration_format(format: &str) -> bool {
    let first = format.split(';').next().unwrap_or_default().to_ascii_lowercase();
    ["[h]", "[hh]", "[m]", "[mm]", "[s]", "[ss]"].iter().any(|mark| first.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_moments_are_told() {
        for (format, is_moment, is_duration) in [
            ("General", false, false),
            ("0.00", false, false),
            ("yyyy-mm-dd", true, false),
            ("[h]:mm:ss", true, true),
            ("[HH]:0", false, true),
            ("[Red]0", false, false),
            ("[$-409]d-mmm", true, false),
            ("\"day\" 0", false, false),
            ("0_d", false, false),
            ("0\\m", false, false),
            ("0;yyyy", false, false),
            ("\"open d", true, false),
            ("", false, false),
        ] {
            assert_eq!((is_moment_format(format), is_duration_format(format)), (is_moment, is_duration), "{format:?}");
        }
    }
}
