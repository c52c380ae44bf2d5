//! Workbooks and documents: scores that upstream's own functions gave, and files that are damaged or made to hurt.

#[path = "shared/archive.rs"]
mod archive;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tapwright_osworld::metrics::MetricFunction;
use tapwright_osworld::output::{GetterOutput, MetricInputs, StateFile};

/// Reads files out of a recorded call: `{"$package": {PATH: PART}, "name": …, "beside": {NAME: TEXT}}`, where a part is its text, the
/// number of one that several have, or `{"$hex": …}`.
struct Recording {
    parts: Vec<String>,
}

impl Recording {
    fn part(&self, part: &Value) -> Vec<u8> {
        match part {
            Value::String(text) => text.clone().into_bytes(),
            Value::Object(_) => hex::decode(part["$hex"].as_str().unwrap()).unwrap(),
            number => self.parts[number.as_u64().unwrap() as usize].clone().into_bytes(),
        }
    }

    fn file(&self, value: &Value) -> Option<StateFile> {
        let parts = value.get("$package")?.as_object()?;
        let parts: Vec<(&str, Vec<u8>)> = parts.iter().map(|(path, part)| (path.as_str(), self.part(part))).collect();
        let bytes = archive::package(parts.iter().map(|(path, bytes)| (*path, bytes.as_slice())));
        let mut file = StateFile::new(value["name"].as_str().unwrap(), bytes);
        for (name, text) in value.get("beside").and_then(Value::as_object).into_iter().flatten() {
            file.beside.push(StateFile::new(name, text.as_str().unwrap().as_bytes()));
        }
        Some(file)
    }

    fn output(&self, value: &Value) -> GetterOutput {
        match value.get("$files").and_then(Value::as_array) {
            Some(files) => GetterOutput::Files(files.iter().map(|file| self.file(file)).collect()),
            None => self.file(value).map_or_else(|| GetterOutput::Value(value.clone()), GetterOutput::File),
        }
    }
}

/// Compares calls made up here with what upstream's functions (`desktop-env` 1.0.2) gave for them: a score, or null where they
/// raised. Counts the calls by function and kind of rule.
fn compare(lines: &str) -> BTreeMap<String, usize> {
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let parts = lines.next().unwrap()["parts"].as_array().unwrap().clone();
    let recording = Recording { parts: parts.iter().map(|part| part.as_str().unwrap().to_owned()).collect() };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for call in lines {
        let name = call["func"].as_str().unwrap();
        let function = MetricFunction::find(name).unwrap();
        let result = recording.output(&call["result"]);
        let expected = Some(recording.output(&call["expected"])).filter(|_| !call["expected"].is_null());
        let options: Map<String, Value> = call["options"].as_object().cloned().unwrap_or_default();
        let score = function.score(&MetricInputs { result: &result, expected: expected.as_ref(), options: &options });
        let recorded = call["score"].as_str().map(|score| score.parse::<f64>().unwrap());
        if score.as_ref().ok().copied() != recorded {
            wrong.push(format!("{name}: {score:?}, not {recorded:?} for {}", call["options"]));
        }
        let kind = call["options"]["rules"][0]["type"].as_str().unwrap_or_default();
        *counts.entry(format!("{name} {kind}").trim().to_owned()).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    counts
}

#[test]
fn workbooks_are_scored_as_upstream_scores_them() {
    let counts = compare(include_str!("data/workbooks.jsonl"));
    for kind in [
        "sheet_data",
        "check_cell",
        "sheet_print",
        "sheet_fuzzy",
        "sheet_name",
        "style",
        "chart",
        "freeze",
        "zoom",
        "data_validation",
        "row_props",
        "pivot_table",
        "col_props",
    ] {
        assert!(counts.get(&format!("compare_table {kind}")).is_some_and(|count| *count > 2), "{kind}: {counts:?}");
    }
}

const RELATIONSHIPS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const SHEETS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="/xl/worksheets/sheet1.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;

const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;

/// A workbook with one sheet of the rows that are given.
fn workbook(rows: &str) -> Vec<u8> {
    workbook_of(&workbook_sheet(rows))
}

fn workbook_sheet(rows: &str) -> String {
    format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    )
}

fn workbook_of(sheet: &str) -> Vec<u8> {
    archive::package([
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", RELATIONSHIPS.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", SHEETS.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

fn table(found: Vec<u8>, expected: Vec<u8>, rule: Value) -> Result<f64, String> {
    let (found, expected) = (StateFile::new("it.xlsx", found), StateFile::new("gold.xlsx", expected));
    let options = json!({"rules": [rule]}).as_object().cloned().unwrap();
    let inputs = MetricInputs {
        result: &GetterOutput::File(found),
        expected: Some(&GetterOutput::File(expected)),
        options: &options,
    };
    MetricFunction::find("compare_table").unwrap().score(&inputs).map_err(|error| error.to_string())
}

fn rules() -> [Value; 9] {
    let both = |kind: &str| json!({"type": kind, "sheet_idx0": 0, "sheet_idx1": "EI0"});
    let mut fuzzy = both("sheet_fuzzy");
    fuzzy["rules"] = json!([{"range": ["A1:B2"], "type": "exact_match"}]);
    let mut style = both("style");
    style["props"] = json!(["font_bold"]);
    let mut rows = both("row_props");
    rows["props"] = json!(["hidden"]);
    [
        both("sheet_data"),
        fuzzy,
        style,
        rows,
        both("freeze"),
        json!({"type": "zoom", "sheet_idx": 0, "method": "lt", "ref": 200}),
        json!({"type": "check_cell", "sheet_idx": 0, "coordinate": "A1", "props": {"value": {"method": "eq", "ref": 1}}}),
        json!({"type": "check_cell", "sheet_idx": 0, "coordinate": "A1", "props": {"font_bold": {"method": "eq", "ref": false}}}),
        json!({"type": "data_validation", "sheet_idx": 0, "dv_props": [{"type": {"method": "eq", "ref": "list"}}]}),
    ]
}

const PLAIN: &str = r#"<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>"#;

#[test]
fn workbooks_that_are_damaged_are_an_error_and_never_a_zero() {
    let whole = workbook(PLAIN);
    let same = json!({"type": "sheet_data", "sheet_idx0": 0, "sheet_idx1": "EI0"});
    assert_eq!(table(whole.clone(), whole.clone(), same), Ok(1.0));
    let cuts = (0..whole.len()).step_by(7).map(|end| whole[..end].to_vec());
    let mut files: Vec<Vec<u8>> = cuts.collect();
    files.push(b"a,b\n1,2\n".to_vec());
    files.push(archive::package([("_rels/.rels", RELATIONSHIPS.as_bytes())]));
    files.push(archive::package([("word/document.xml", &b"<a/>"[..])]));
    // The list names no workbook, there is no list, the workbook has no sheets: openpyxl opens none of them.
    let sheet = workbook_sheet(PLAIN);
    let of = |types: &str, main: &str| {
        let parts = [
            ("[Content_Types].xml", types),
            ("_rels/.rels", RELATIONSHIPS),
            ("xl/workbook.xml", main),
            ("xl/_rels/workbook.xml.rels", SHEETS),
            ("xl/worksheets/sheet1.xml", &sheet),
        ];
        archive::package(
            parts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(path, text)| (path, text.as_bytes())),
        )
    };
    let without_sheets =
        "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheets/></workbook>";
    files.extend([
        of("<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>", WORKBOOK),
        of("", WORKBOOK),
        of(TYPES, without_sheets),
        of(TYPES, "<workbook/>"),
    ]);
    // What a password is on is no zip archive.
    files.push([&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 4096]].concat());
    for file in files {
        let length = file.len();
        for rule in rules() {
            let score = table(file.clone(), whole.clone(), rule);
            assert!(score.is_err(), "{length} bytes: {score:?}");
        }
    }
    for sheet in ["", "<worksheet", "<!DOCTYPE a [<!ENTITY b \"c\">]><worksheet>&b;</worksheet>"] {
        for rule in rules() {
            let score = table(workbook_of(sheet), whole.clone(), rule);
            assert!(score.is_err(), "{sheet}: {score:?}");
        }
    }
    for row in [
        r#"<row r="x"/>"#,
        r#"<row r="1048577"/>"#,
        r#"<row r="1"><c r="A1"><v>one</v></c></row>"#,
        r#"<row r="1"><c r="A1" t="s"><v>7</v></c></row>"#,
        r#"<row r="1"><c r="XFE1"><v>1</v></c></row>"#,
        r#"<row r="1"><c r="A1"><v>1e999</v></c></row>"#,
    ] {
        let score = table(workbook(row), whole.clone(), rules()[0].clone());
        assert!(score.is_err(), "{row}: {score:?}");
    }
}

#[test]
fn workbooks_that_grow_without_end_are_an_error() {
    let small = workbook(PLAIN);
    let far = r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    let million = "<row><c><v>1</v></c></row>".repeat(1_000_000);
    let deep = format!("{}{}", "<row>".repeat(100_000), "</row>".repeat(100_000));
    let bomb = format!("<row>{}</row>", " ".repeat(100 << 20));
    let merged = r#"<worksheet><sheetData/><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>"#;
    for (file, at, what) in [
        (workbook(far), 0, "more than 2000000 cells"),
        (workbook(far), 2, "more than 1000000 cells"),
        (workbook(&million), 0, "nodes"),
        (workbook(&deep), 0, "deep"),
        (workbook(&bomb), 0, "too large"),
        (workbook_of(merged), 2, "merges or links more than"),
    ] {
        let said = table(file, small.clone(), rules()[at].clone()).expect_err(what);
        assert!(said.contains(what), "{said}");
    }
    let far_and_empty = "<row><c><v>1</v></c></row>".to_owned() + &"<row><c r=\"XFD1\"/></row>".repeat(600_000);
    #[allow(clippy::disallowed_methods, reason = "how long a hostile file takes is what is tested")]
    let begun = Instant::now();
    assert_eq!(table(workbook(&far_and_empty), workbook("<row><c><v>1</v></c></row>"), rules()[0].clone()), Ok(1.0));
    assert!(begun.elapsed() < Duration::from_secs(20), "empty cells far out took {:?}", begun.elapsed());
    let wide = json!({
        "type": "sheet_fuzzy", "sheet_idx0": 0, "sheet_idx1": "EI0", "rules": [{"range": ["A:XFD"], "type": "exact_match"}],
    });
    assert!(table(small.clone(), small, wide).expect_err("too many cells").contains("more than 200000 cells"));
}

#[test]
fn rules_that_are_mistaken_are_an_error() {
    let file = workbook(PLAIN);
    for rule in [
        json!({}),
        json!({"type": "sheet_size"}),
        json!({"type": "sheet_data"}),
        json!({"type": "sheet_data", "sheet_idx0": "Sheet1", "sheet_idx1": "EI0"}),
        json!({"type": "sheet_data", "sheet_idx0": "é", "sheet_idx1": "EI0"}),
        json!({"type": "sheet_data", "sheet_idx0": 0, "sheet_idx1": "EI0", "precision": "two"}),
        json!({"type": "sheet_data", "sheet_idx0": 0, "sheet_idx1": "EI7"}),
        json!({"type": "check_cell", "sheet_idx": 0, "coordinate": "A0", "props": {}}),
        json!({"type": "check_cell", "sheet_idx": 0, "coordinate": "A1", "props": {"value": {"method": "resembles", "ref": 1}}}),
        json!({"type": "check_cell", "sheet_idx": 0, "coordinate": "A1", "props": {"smell": {"method": "eq", "ref": 1}}}),
        json!({"type": "filter", "sheet_idx0": 0, "sheet_idx1": "EI0"}),
    ] {
        let score = table(file.clone(), file.clone(), rule.clone());
        assert!(score.is_err(), "{rule}: {score:?}");
    }
}

#[test]
fn documents_are_scored_as_upstream_scores_them() {
    let counts = compare(include_str!("data/documents.jsonl"));
    assert!(counts.len() == 18 && counts.values().all(|count| *count > 1), "{counts:?}");
}

#[test]
fn presentations_are_scored_as_upstream_scores_them() {
    let counts = compare(include_str!("data/slides.jsonl"));
    assert!(counts.len() == 6 && counts.values().all(|count| *count > 5), "{counts:?}");
}

const DOCUMENT: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;

/// A document with the body that is given.
fn document(body: &str) -> Vec<u8> {
    let text = format!(
        r#"<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    );
    archive::package([("_rels/.rels", DOCUMENT.as_bytes()), ("word/document.xml", text.as_bytes())])
}

/// Functions that compare two documents, or a document with a rule.
const READ_DOCUMENTS: [(&str, &str); 16] = [
    ("compare_docx_files", ""),
    ("compare_docx_files_and_ignore_new_lines", ""),
    ("compare_docx_images", ""),
    ("compare_docx_tables", ""),
    ("compare_line_spacing", ""),
    ("compare_references", ""),
    ("compare_subscript_contains", ""),
    ("check_italic_font_size_14", ""),
    ("check_tabstops", ""),
    ("evaluate_colored_words_in_tables", ""),
    ("evaluate_strike_through_last_paragraph", ""),
    ("contains_page_break", r#"{"page_break_count": 1}"#),
    ("compare_font_names", r#"{"font_name": "Arial"}"#),
    ("fuzzy_place_math", r#"{"expected": ["a"]}"#),
    ("has_page_numbers_in_footers", "null"),
    ("is_first_line_centered", "null"),
];

fn judge(function: &str, rule: &str, found: &[u8], expected: &[u8]) -> Result<f64, String> {
    let file = |bytes: &[u8], name: &str| GetterOutput::File(StateFile::new(name, bytes));
    let expected = match rule {
        "" => file(expected, "gold.docx"),
        rule => GetterOutput::Value(serde_json::from_str(rule).unwrap()),
    };
    let options = Map::new();
    let inputs = MetricInputs { result: &file(found, "it.docx"), expected: Some(&expected), options: &options };
    MetricFunction::find(function).unwrap().score(&inputs).map_err(|error| error.to_string())
}

#[test]
fn documents_that_are_damaged_or_grow_without_end_are_an_error_and_never_a_zero() {
    let plain = "<w:p><w:r><w:t>a</w:t></w:r></w:p>";
    let whole = document(plain);
    assert_eq!(judge("compare_docx_files", "", &whole, &whole), Ok(1.0));
    let mut files: Vec<Vec<u8>> = (0..whole.len()).step_by(11).map(|end| whole[..end].to_vec()).collect();
    files.push(b"{\\rtf1 a}".to_vec());
    files.push(archive::package([("_rels/.rels", DOCUMENT.as_bytes())]));
    files.push(archive::package([("content.xml", &b"<a/>"[..])]));
    files.push([&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 4096]].concat());
    files.push(document(&format!("{}{}", "<w:p>".repeat(3_000), "</w:p>".repeat(3_000))));
    let entity = b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    files.push(archive::package([("_rels/.rels", DOCUMENT.as_bytes()), ("word/document.xml", &entity[..])]));
    for file in files {
        for (function, rule) in READ_DOCUMENTS {
            // Pictures are named beside the text, which is not read for them.
            if function == "compare_docx_images" && file.starts_with(b"PK") {
                continue;
            }
            let score = judge(function, rule, &file, &whole);
            assert!(score.is_err(), "{function}, {} bytes: {score:?}", file.len());
        }
    }
    for large in [document(&"<w:p/>".repeat(2_000_001)), document(&" ".repeat(100 << 20))] {
        for (function, rule) in [READ_DOCUMENTS[0], READ_DOCUMENTS[11]] {
            let score = judge(function, rule, &large, &whole);
            assert!(score.is_err(), "{function}: {score:?}");
        }
    }
    let wide = format!(
        "<w:tbl><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:tc>{}{plain}</w:tc></w:tr></w:tbl>",
        r#"<w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr>"#
    );
    let wide = document(&wide);
    assert!(judge("compare_docx_tables", "", &wide, &wide).expect_err("too wide").contains("1000000 cells"));
}

#[test]
fn numbers_at_the_ends_of_what_there_is_are_no_crash() {
    let ends = [i64::MIN.to_string(), i64::MAX.to_string(), "1e18".to_owned(), "-1".to_owned()];
    let styles = r#"<styleSheet><cellXfs><xf numFmtId="14"/><xf numFmtId="46"/></cellXfs></styleSheet>"#;
    for end in &ends {
        let rows = format!(
            r#"<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><v>{end}</v></c><c r="B2" s="1"><v>{end}</v></c></row>"#
        );
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        let file = archive::package([
            ("[Content_Types].xml", TYPES.as_bytes()),
            ("_rels/.rels", RELATIONSHIPS.as_bytes()),
            ("xl/workbook.xml", WORKBOOK.as_bytes()),
            ("xl/_rels/workbook.xml.rels", SHEETS.as_bytes()),
            ("xl/styles.xml", styles.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ]);
        for rule in rules() {
            let _ = table(file.clone(), file.clone(), rule);
        }
        let picture = format!(
            r#"<p:sld xmlns:p="p" xmlns:a="a" xmlns:r="r"><p:cSld><p:spTree><p:pic><p:blipFill><a:blip r:embed="rId1"/></p:blipFill><p:spPr><a:xfrm><a:off x="{end}" y="{end}"/><a:ext cx="{end}" cy="{end}"/></a:xfrm></p:spPr></p:pic></p:spTree></p:cSld></p:sld>"#
        );
        let relation = |kind: &str, target: &str| {
            format!("<Relationships><Relationship Id='rId1' Type='x/{kind}' Target='{target}'/></Relationships>")
        };
        let kinds = "<Types><Override PartName='/p.xml' ContentType='application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml'/></Types>";
        let main = "<p xmlns='http://schemas.openxmlformats.org/presentationml/2006/main' xmlns:r='r'><sldSz cx='-9223372036854775808' cy='9223372036854775807'/><sldIdLst><sldId r:id='rId1'/></sldIdLst></p>";
        let (first, second, third) =
            (relation("officeDocument", "p.xml"), relation("slide", "s.xml"), relation("image", "i.png"));
        let slides = archive::package([
            ("[Content_Types].xml", kinds.as_bytes()),
            ("_rels/.rels", first.as_bytes()),
            ("p.xml", main.as_bytes()),
            ("_rels/p.xml.rels", second.as_bytes()),
            ("s.xml", picture.as_bytes()),
            ("_rels/s.xml.rels", third.as_bytes()),
            ("i.png", &b"x"[..]),
        ]);
        assert_ne!(judge("check_image_stretch_and_center", "", &slides, &slides), Ok(1.0), "{end}");
    }
}

#[test]
fn conditions_and_merged_cells_without_end_are_given_up_or_read_once() {
    let rule = r#"<cfRule type="cellIs" operator="equal" dxfId="0"><formula>1</formula></cfRule>"#;
    let cells = r#"<row r="1"><c r="A1"><v>1</v></c></row>"#.to_owned() + &"<row><c><v>1</v></c></row>".repeat(20_000);
    let named: String = (1..=20_000).map(|row| format!(r#"<row r="{row}"><c r="A{row}"><v>1</v></c></row>"#)).collect();
    for cells in [cells, named] {
        let formats =
            format!(r#"<conditionalFormatting sqref="A1:A1048576">{}</conditionalFormatting>"#, rule.repeat(1_000));
        let file = workbook_of(&format!("<worksheet><sheetData>{cells}</sheetData>{formats}</worksheet>"));
        let style = json!({"type": "style", "sheet_idx0": 0, "sheet_idx1": "EI0", "props": ["bgcolor"]});
        let score = table(file.clone(), file, style);
        assert!(score == Ok(1.0) || score.as_ref().is_err_and(|said| said.contains("too long")), "{score:?}");
    }
    let text = format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", "a".repeat(1 << 20));
    let grid = "<w:gridCol/>".repeat(100_000);
    let merged = format!(
        r#"<w:tbl><w:tblGrid>{grid}</w:tblGrid><w:tr><w:tc><w:tcPr><w:gridSpan w:val="100000"/></w:tcPr>{text}</w:tc></w:tr></w:tbl>"#
    );
    let merged = document(&merged);
    assert_eq!(judge("compare_docx_tables", "", &merged, &merged), Ok(1.0));
}
