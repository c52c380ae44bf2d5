//! Presentations side by side: what is told apart, and files that are damaged or made to hurt.

#[path = "shared/archive.rs"]
mod archive;

use serde_json::{Map, Value, json};
use tapwright_osworld::metrics::MetricFunction;
use tapwright_osworld::output::{GetterOutput, MetricInputs, StateFile};

const NAMES: &str = r#"xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships""#;
const KINDS: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/p.xml" ContentType="application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"/></Types>"#;

fn relation(kind: &str, target: &str) -> String {
    format!("<Relationships><Relationship Id='rId1' Type='x/{kind}' Target='{target}'/></Relationships>")
}

/// A text box with paragraphs.
fn text_box(paragraphs: &str) -> String {
    format!(
        r#"<p:sp><p:nvSpPr><p:cNvPr/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x="100" y="100"/><a:ext cx="5000" cy="5000"/></a:xfrm></p:spPr><p:txBody><a:bodyPr/>{paragraphs}</p:txBody></p:sp>"#
    )
}

/// A presentation with one slide of these shapes.
fn deck(shapes: &str) -> Vec<u8> {
    deck_of(&format!("<p:sld {NAMES}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"))
}

fn deck_of(slide: &str) -> Vec<u8> {
    let main = format!("<p:presentation {NAMES}><p:sldIdLst><p:sldId r:id='rId1'/></p:sldIdLst></p:presentation>");
    let plain = |name: &str| format!("<p:{name} {NAMES}><p:cSld><p:spTree/></p:cSld></p:{name}>");
    let (layout, master) = (plain("sldLayout"), plain("sldMaster"));
    let relations = ["officeDocument/p.xml", "slide/s.xml", "slideLayout/l.xml", "slideMaster/m.xml"]
        .map(|one| one.split_once('/').map(|(kind, target)| relation(kind, target)).unwrap());
    archive::package([
        ("[Content_Types].xml", KINDS.as_bytes()),
        ("_rels/.rels", relations[0].as_bytes()),
        ("p.xml", main.as_bytes()),
        ("_rels/p.xml.rels", relations[1].as_bytes()),
        ("s.xml", slide.as_bytes()),
        ("_rels/s.xml.rels", relations[2].as_bytes()),
        ("l.xml", layout.as_bytes()),
        ("_rels/l.xml.rels", relations[3].as_bytes()),
        ("m.xml", master.as_bytes()),
    ])
}

fn judge(found: Option<&[u8]>, expected: &[u8], options: Value) -> Result<f64, String> {
    let file = |bytes: &[u8]| GetterOutput::File(StateFile::new("it.pptx", bytes));
    let options: Map<String, Value> = options.as_object().cloned().unwrap();
    let inputs = MetricInputs {
        result: &found.map_or_else(GetterOutput::nothing, file),
        expected: Some(&file(expected)),
        options: &options,
    };
    MetricFunction::find("compare_pptx_files").unwrap().score(&inputs).map_err(|error| error.to_string())
}

fn compare(found: &str, expected: &str, options: Value) -> Result<f64, String> {
    judge(Some(&deck(&text_box(found))), &deck(&text_box(expected)), options)
}

#[test]
fn what_upstream_tells_apart_is_told_apart() {
    let plain = "<a:p><a:r><a:t>a</a:t></a:r></a:p>";
    let with = |properties: &str| format!("<a:p><a:r>{properties}<a:t>a</a:t></a:r></a:p>");
    let red = with(r#"<a:rPr><a:solidFill><a:srgbClr val="FF0000"/></a:solidFill></a:rPr>"#);
    let blue = with(r#"<a:rPr><a:solidFill><a:srgbClr val="0000ff"/></a:solidFill></a:rPr>"#);
    let second = "<a:p><a:pPr/><a:r><a:t>b</a:t></a:r></a:p>";
    let bare = "<a:p><a:r><a:t>b</a:t></a:r></a:p>";
    let two_runs = "<a:p><a:r><a:t>a</a:t></a:r><a:r><a:t>b</a:t></a:r></a:p>";
    let one_run = "<a:p><a:r><a:t>ab</a:t></a:r></a:p>";
    for (found, expected, option, score) in [
        (with(r#"<a:rPr b="1"/>"#), plain.to_owned(), "examine_font_bold", 0.0),
        (with(r#"<a:rPr b="0"/>"#), plain.to_owned(), "", 1.0),
        (with(r#"<a:rPr i="1"/>"#), plain.to_owned(), "examine_font_italic", 0.0),
        (with(r#"<a:rPr sz="1800"/>"#), plain.to_owned(), "examine_font_size", 0.0),
        (with(r#"<a:rPr strike="sngStrike"/>"#), plain.to_owned(), "examine_strike_through", 0.0),
        (with(r#"<a:rPr strike="noStrike"/>"#), plain.to_owned(), "", 1.0),
        // A colour that is said and one that is not are not compared.
        (red.clone(), plain.to_owned(), "", 1.0),
        (red, blue, "examine_color_rgb", 0.0),
        (with(r#"<a:rPr u="sng"/>"#), plain.to_owned(), "examine_font_underline", 0.0),
        (with(r#"<a:rPr u="dbl"/>"#), plain.to_owned(), "", 1.0),
        (with(r#"<a:rPr u="sng"/>"#), with(r#"<a:rPr u="words"/>"#), "", 1.0),
        (with(r#"<a:rPr u="sng"/>"#), with(r#"<a:rPr u="dbl"/>"#), "examine_font_underline", 0.0),
        (plain.replace("<a:p>", r#"<a:p><a:pPr algn="ctr"/>"#), plain.to_owned(), "examine_alignment", 0.0),
        (plain.replace("<a:p>", r#"<a:p><a:pPr algn="l"/>"#), plain.to_owned(), "", 1.0),
        (plain.replace("<a:p>", r#"<a:p><a:pPr lvl="1"/>"#), plain.to_owned(), "", 0.0),
        // The first run is compared while the second paragraph was not yet asked for its level.
        (format!("{plain}{second}"), format!("{plain}{bare}"), "examine_bullets", 0.0),
        (format!("{bare}{plain}"), format!("{second}{plain}"), "", 1.0),
        // An empty text anywhere ends the comparison of lists.
        (
            format!("{plain}{second}<a:p><a:r><a:t/></a:r></a:p>"),
            format!("{plain}{bare}<a:p><a:r><a:t/></a:r></a:p>"),
            "",
            1.0,
        ),
        (two_runs.to_owned(), one_run.to_owned(), "examine_run_count", 0.0),
    ] {
        assert_eq!(compare(&found, &expected, json!({})), Ok(score), "{found} against {expected}");
        assert_eq!(compare(&expected, &expected, json!({})), Ok(1.0), "{expected} against itself");
        if !option.is_empty() && option != "examine_run_count" {
            assert_eq!(compare(&found, &expected, json!({option: false})), Ok(1.0), "{found} without {option}");
        }
    }
    let runs = json!({"examine_run_count": false, "examine_bullets": false});
    assert_eq!(compare(two_runs, one_run, runs), Ok(1.0));
}

#[test]
fn places_are_alike_within_a_share_and_what_is_nowhere_cannot_be_judged() {
    let plain = text_box("<a:p/>");
    let moved = |from: &str, to: &str| judge(Some(&deck(&plain.replace(from, to))), &deck(&plain), json!({}));
    assert_eq!(moved(r#"cx="5000""#, r#"cx="5025""#), Ok(1.0));
    assert_eq!(moved(r#"cx="5000""#, r#"cx="5026""#), Ok(0.0));
    assert_eq!(moved(r#"x="100""#, r#"x="0""#), Ok(0.0));
    assert!(moved(r#"<a:off x="100" y="100"/>"#, "").is_err());
    assert!(moved(r#"x="100""#, r#"x="odd""#).is_err());
    let wide = json!({"approximately_tolerance": 0.5});
    let found = deck(&plain.replace(r#"cx="5000""#, r#"cx="9000""#));
    assert_eq!(judge(Some(&found), &deck(&plain), wide), Ok(1.0));
    assert!(judge(Some(&found), &deck(&plain), json!({"approximately_tolerance": "much"})).is_err());
    // Upstream opens its own template, without slides, where there is no file.
    assert_eq!(judge(None, &deck(&plain), json!({})), Ok(0.0));
    assert_eq!(judge(None, &deck(&plain), json!({"examine_number_of_slides": false})), Ok(1.0));
}

#[test]
fn presentations_that_are_damaged_or_grow_without_end_are_an_error_and_never_a_zero() {
    let whole = deck(&text_box("<a:p><a:r><a:t>a</a:t></a:r></a:p>"));
    assert_eq!(judge(Some(&whole), &whole, json!({})), Ok(1.0));
    let mut files: Vec<Vec<u8>> = (0..whole.len()).step_by(7).map(|end| whole[..end].to_vec()).collect();
    files.push([&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 4096]].concat());
    files.push(archive::package([("[Content_Types].xml", KINDS.as_bytes())]));
    for slide in [
        String::new(),
        "<p:sld".to_owned(),
        format!("<!DOCTYPE p [<!ENTITY b \"c\">]><p:sld {NAMES}><p:cSld><p:spTree/></p:cSld>&b;</p:sld>"),
        format!("<p:sld {NAMES}/>"),
        format!("<p:sld {NAMES}><p:cSld><p:spTree><p:contentPart/></p:spTree></p:cSld></p:sld>"),
        format!("<p:sld {NAMES}>{}{}</p:sld>", "<p:g>".repeat(3_000), "</p:g>".repeat(3_000)),
        format!("<p:sld {NAMES}>{}</p:sld>", "<p:g/>".repeat(2_000_001)),
        format!("<p:sld {NAMES}>{}</p:sld>", " ".repeat(100 << 20)),
        // The strict form of the standard has other names.
        "<p:sld xmlns:p='http://purl.oclc.org/ooxml/presentationml/main'><p:cSld><p:spTree/></p:cSld></p:sld>"
            .to_owned(),
    ] {
        files.push(deck_of(&slide));
    }
    let run = |properties: &str| deck(&text_box(&format!("<a:p><a:r>{properties}<a:t>a</a:t></a:r></a:p>")));
    files.extend(
        [r#"<a:rPr b="maybe"/>"#, r#"<a:rPr u="odd"/>"#, r#"<a:rPr sz="x"/>"#, "<a:rPr><a:latin/></a:rPr>"].map(run),
    );
    files.push(deck(&text_box("<a:p><a:r/></a:p>")));
    files.push(deck(&text_box(r#"<a:p><a:pPr algn="odd"/><a:r><a:t>a</a:t></a:r></a:p>"#)));
    for (at, file) in files.iter().enumerate() {
        for (found, expected) in [(file, &whole), (&whole, file), (file, file)] {
            let score = judge(Some(found), expected, json!({}));
            assert!(score.is_err(), "file {at} of {} bytes: {score:?}", file.len());
        }
    }
    let groups = format!("{}{}", "<p:grpSp><p:nvGrpSpPr/><p:grpSpPr/>".repeat(900), "</p:grpSp>".repeat(900));
    let nested = deck(&groups);
    assert_eq!(judge(Some(&nested), &nested, json!({})), Ok(1.0));
}

/// Each run asks whether the lists are alike, and each paragraph may change the answer: not all of them by all.
#[test]
fn many_runs_take_no_time_by_the_square() {
    let many = text_box(&"<a:p><a:r><a:t>a</a:t></a:r></a:p>".repeat(100_000));
    let file = deck(&many);
    assert_eq!(judge(Some(&file), &file, json!({})), Ok(1.0));
}
