//! What traces say, on traces of our own.

use std::fs;

use serde_json::json;

use super::*;

/// A picture of one colour, with a part that has none of its own.
fn picture(at: &Path, grey: u8, other: u32) {
    let mut picture = RgbaImage::from_pixel(100, 100, image::Rgba([grey, grey, grey, 255]));
    (0..other).for_each(|at| picture.put_pixel(at % 100, at / 100, image::Rgba([7, 7, 7, 255])));
    picture.save(at).unwrap();
}

/// A trace of actions, each before a screen of a grey with so many other pixels.
fn trace(folder: &Path, name: &str, steps: &[(&str, u8, u32)]) -> Trace {
    let at = folder.join(name);
    for within in ["traces", "Screen", "xml"] {
        fs::create_dir_all(at.join(within)).unwrap();
    }
    let mut lines = String::new();
    for (step, (action, grey, other)) in steps.iter().enumerate() {
        picture(&at.join(format!("Screen/{step}.png")), *grey, *other);
        fs::write(at.join(format!("xml/{step}.xml")), "<hierarchy/>").unwrap();
        let line = json!({"image": format!("/moved/Screen/{step}.png"), "xml": format!("/moved/xml/{step}.xml"), "ac_xml": null,
            "target": "t", "parsed_action": {"operation": "do", "action": action}});
        lines += &format!("{line}\n");
    }
    fs::write(at.join(TRACE), lines).unwrap();
    read_trace(&at).unwrap()
}

#[test]
fn screens_that_change_are_counted_and_the_last_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    // The second is as the first, but for 5 of 10,000 pixels, the third differs by 11, the fourth is another; the fifth is not looked at.
    let steps = [("Tap", 100, 0), ("Back", 100, 5), ("Tap", 100, 16), ("Home", 50, 0), ("finish", 50, 0)];
    let trace = trace(folder.path(), "clock_3_2024", &steps);
    let facts = trace.facts(Some(true), Some(4));
    assert_eq!((facts.task.as_str(), facts.app.as_str(), facts.steps), ("clock_3", "clock", 5));
    assert!((facts.reasonable - 0.75).abs() < 1e-9, "{facts:?}");
    assert_eq!((facts.is_stuck, facts.is_finished, facts.redundancy), (false, true, Some(0.8)));
    assert_eq!(trace.facts(Some(false), Some(4)).redundancy, None);
    assert_eq!(trace.facts(None, Some(4)).redundancy, None);
    assert_eq!(trace.facts(Some(true), None).redundancy, None);
}

#[test]
fn what_comes_too_often_ends_a_trace_and_steps_without_trees_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let steps: Vec<(&str, u8, u32)> = (0..9).map(|step| (if step == 0 { "Home" } else { "Tap" }, step, 0)).collect();
    let stuck = trace(folder.path(), "zoom_1_2024", &steps);
    // Once, and six times another one: the seventh ends it.
    let facts = stuck.facts(None, None);
    assert_eq!((facts.steps, facts.is_stuck, facts.is_finished), (7, true, false));
    assert!((facts.reasonable - 1.0).abs() < 1e-9);
    fs::remove_file(stuck.folder.join("xml/2.xml")).unwrap();
    fs::write(stuck.folder.join("Screen/3.png"), "no picture").unwrap();
    let facts = stuck.facts(None, None);
    assert_eq!((facts.steps, facts.without_tree, facts.without_picture), (6, 1, 1));
    let one = trace(folder.path(), "zoom_2_2024", &[("finish", 1, 0)]);
    assert!((one.facts(None, None).reasonable - 1.0).abs() < 1e-9);
}

#[test]
fn white_says_nothing() {
    let of = |grey: u8, black: u32| {
        let mut picture = RgbaImage::from_pixel(100, 100, image::Rgba([grey, grey, grey, 255]));
        (0..black).for_each(|at| picture.put_pixel(at, 0, image::Rgba([0, 0, 0, 255])));
        picture
    };
    assert!(is_same(&of(255, 10), &of(255, 10)));
    // One of ten black pixels: a tenth of what is not white.
    assert!(!is_same(&of(255, 10), &of(255, 9)) && is_same(&of(1, 10), &of(1, 9)));
    assert!(!is_same(&of(255, 0), &of(255, 0)));
    assert!(!is_same(&of(1, 0), &RgbaImage::new(100, 99)));
}

#[test]
fn traces_are_counted_with_what_was_judged_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let steps = [("Tap", 100, 0), ("Back", 100, 0), ("Tap", 3, 0), ("finish", 9, 0)];
    trace(folder.path(), "clock_3_2024-05-10_12-00-00", &steps);
    trace(folder.path(), "clock_3_2024-05-11_12-00-00", &steps[1..]);
    trace(folder.path(), "zoom_1_2024-05-10_12-00-00", &steps);
    let (results, lengths) = (folder.path().join("results.jsonl"), folder.path().join("lengths.json"));
    let lines = "{\"task_id\": \"zoom_1\", \"task\": \"t\", \"metric_type\": \"operation\", \"result\": {\"judge_page\": true, \"1\": true, \"complete\": true}}\n\
        {\"task_id\": \"clock_3\", \"result\": {\"complete\": false}}\n";
    fs::write(&results, lines).unwrap();
    fs::write(&lengths, "{\"zoom_1\": 3, \"clock_3\": 2}").unwrap();
    let (results, lengths) = (read_results(&results).unwrap(), read_lengths(&lengths).unwrap());
    let found = metric(folder.path(), Some(&results), Some(&lengths), |_, _| ()).unwrap();
    assert_eq!((found.traces.len(), found.older, found.finished, found.stuck), (2, 1, 2, 0));
    assert_eq!((found.judged, found.complete, found.redundancy), (2, 1, Some(0.75)));
    // Of four screens two of the first three are one: 1 - 1/3; the other trace changes each.
    assert!((found.reasonable.unwrap() - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-9, "{found:?}");
    // Of an older one nothing is read but its name, and what is hidden is none.
    fs::write(folder.path().join("clock_3_2024-05-10_12-00-00").join(TRACE), "nothing of the kind\n").unwrap();
    trace(folder.path(), ".zoom_9_2024-05-10_12-00-00", &steps);
    let found = metric(folder.path(), None, None, |_, _| ()).unwrap();
    assert_eq!((found.traces.len(), found.older), (2, 1));
    assert_eq!((found.judged, found.redundancy), (0, None));
    let empty = tempfile::tempdir().unwrap();
    assert!(metric(empty.path(), None, None, |_, _| ()).unwrap_err().to_string().contains("there is no trace in it"));
    fs::write(empty.path().join("x"), "{\"a\": -1}").unwrap();
    assert!(read_lengths(&empty.path().join("x")).is_err() && read_results(&empty.path().join("x")).is_err());
}
