//! Sets that are published, from the files that somebody has to a number, through the program.

mod program;

use std::fs;
use std::path::Path;

use serde_json::json;

use self::program::{Place, Server};

const USAGE: i32 = 2;
const NOT_READY: i32 = 3;
const UNWRITTEN: i32 = 4;
const VOID: i32 = 21;

fn picture(at: &Path) {
    let mut encoder = png::Encoder::new(fs::File::create(at).unwrap(), 400, 200);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&[90; 400 * 200]).unwrap();
}

/// An episode of GUI-Odyssey with two steps.
fn odyssey(place: &Place) {
    let (annotations, screenshots) = (place.path().join("data/annotations"), place.path().join("data/screenshots"));
    fs::create_dir_all(&annotations).unwrap();
    fs::create_dir_all(&screenshots).unwrap();
    let steps = json!([
        {"step": 0, "screenshot": "7_0.png", "action": "CLICK", "info": [[250, 500]], "sam2_bbox": []},
        {"step": 1, "screenshot": "7_1.png", "action": "COMPLETE", "info": ""},
        {"step": 2, "screenshot": "7_1.png", "action": "DANCE", "info": ""},
    ]);
    let episode = json!({"episode_id": "7", "task_info": {"instruction": "Buy shoes", "category": "Web_Shopping"}, "steps": steps});
    fs::write(annotations.join("7.json"), episode.to_string()).unwrap();
    (0..2).for_each(|step| picture(&screenshots.join(format!("7_{step}.png"))));
}

#[test]
fn a_set_is_imported_asked_about_judged_and_counted() {
    let place = Place::new();
    odyssey(&place);
    let imported = place.run(&["offline", "import", "data", "data/screenshots", "--json"]);
    assert_eq!(imported.code, 0, "{}", imported.err);
    let told = imported.last();
    assert_eq!((&told["format"], &told["records"], &told["episodes"]), (&json!("gui-odyssey"), &json!(2), &json!(1)));
    assert_eq!(told["left_out"], json!({"DANCE: an action of no type that is known": 1}));
    place.file("script.txt", "do(action=\"Tap\", element=[260,510])\nfinish(message=\"bought\")\n");
    let asked =
        place.run(&["offline", "infer", "data/screenshots", "answers", "--model", "script:script.txt", "--json"]);
    assert_eq!((asked.code, &asked.last()["asked"]), (0, &json!(2)), "{}", asked.err);
    let judged = place.run(&["offline", "judge", "data/screenshots", "answers", "--json"]);
    assert_eq!((judged.code, &judged.last()["right"]), (0, &json!(2)), "{}", judged.err);
    let counted = place.run(&["offline", "metric", "answers", "--json"]);
    assert_eq!(counted.last()["episodes"], json!({"episodes": 1, "right": 1}), "{}", counted.err);
    let read = place.run(&["offline", "metric", "answers"]);
    assert!(read.out.contains("1 of 1 episodes are right in every step"), "{}", read.out);
    let read = place.run(&["offline", "import", "data", "data/screenshots"]);
    assert!(read.out.contains("2 records of 1 episodes in data/screenshots, read as gui-odyssey"), "{}", read.out);
    assert!(read.out.contains("left out: 1 x DANCE"), "{}", read.out);
}

#[test]
fn what_does_not_go_together_or_is_no_set_is_said() {
    let place = Place::new();
    odyssey(&place);
    let boxes = place.run(&["offline", "import", "data", "data/screenshots", "--boxes", "corners"]);
    assert_eq!(boxes.code, USAGE);
    assert!(boxes.err.contains("--boxes is for screenspot, and this is gui-odyssey"), "{}", boxes.err);
    place.file("notes.txt", "some words, and nothing else");
    let none = place.run(&["offline", "import", "notes.txt", "set"]);
    assert!(none.code != 0 && none.err.contains("it is in no format that is known"), "{}", none.err);
    let part = place.run(&["offline", "import", "data", "data/screenshots", "--part", "test"]);
    assert_eq!(part.code, USAGE, "{}", part.err);
    let damaged = place.run(&["offline", "import", "notes.txt", "set", "--format", "aitw"]);
    assert!(damaged.code != 0 && damaged.err.contains("it is no TFRecord file"), "{}", damaged.err);
    assert!(!place.path().join("set/records.jsonl").exists());
}

#[test]
fn what_is_not_there_and_what_cannot_be_written_get_help_that_fits() {
    let place = Place::new();
    odyssey(&place);
    let judged = place.run(&["offline", "judge", "data", "answers"]);
    assert_eq!(judged.code, USAGE, "{}", judged.err);
    assert!(judged.err.contains("tapwright offline draw FOLDER makes one"), "{}", judged.err);
    let none = place.run(&["offline", "import", "none.json", "set"]);
    assert_eq!(none.code, USAGE, "{}", none.err);
    assert!(none.err.contains("none.json") && !none.err.contains("offline draw"), "{}", none.err);
    #[cfg(target_os = "linux")]
    {
        std::os::unix::fs::symlink("/dev/full", place.path().join("data/screenshots/records.part")).unwrap();
        let full = place.run(&["offline", "import", "data", "data/screenshots"]);
        assert_eq!(full.code, UNWRITTEN, "{}", full.err);
        assert!(full.err.contains("No space left") && !full.err.contains("help:"), "{}", full.err);
    }
}

/// What somebody has written, or has corrected in a set, is not made anew by any import.
#[test]
fn records_that_no_import_has_written_are_not_replaced() {
    let place = Place::new();
    odyssey(&place);
    let import = ["offline", "import", "data", "data/screenshots"];
    let records = place.path().join("data/screenshots/records.jsonl");
    let replaced = place.path().join("data/screenshots/records.replaced.jsonl");
    let refused = |at: &Path, own: &str| {
        fs::write(at, own).unwrap();
        let again = place.run(&import);
        assert_eq!(again.code, UNWRITTEN, "{}{}", again.out, again.err);
        assert!(again.err.contains("no import has written these records"), "{}", again.err);
        assert!(again.err.contains("help: nothing was changed; move that file elsewhere"), "{}", again.err);
        assert_eq!(fs::read_to_string(at).unwrap(), own);
        fs::remove_file(at).unwrap();
    };
    refused(&records, "{\"id\": \"mine\"}\n");
    refused(&replaced, "{\"id\": \"mine\"}\n");
    // Nothing is lost with a file that has nothing.
    fs::write(&records, "").unwrap();
    assert_eq!(place.run(&import).code, 0);
    let imported = fs::read_to_string(&records).unwrap();
    let again = place.run(&import);
    assert_eq!(again.code, 0, "{}", again.err);
    refused(&records, &imported.replace("Buy shoes", "Buy green shoes"));
    assert_eq!(place.run(&import).code, 0);
    assert_eq!(fs::read_to_string(&records).unwrap(), imported);
}

#[test]
fn a_folder_that_holds_something_is_not_drawn_into() {
    let place = Place::new();
    let drawn = place.run(&["offline", "draw", "set", "--count", "2"]);
    assert_eq!(drawn.code, 0, "{}", drawn.err);
    let before = fs::read(place.path().join("set/records.jsonl")).unwrap();
    let again = place.run(&["offline", "draw", "set", "--count", "1"]);
    assert_eq!(again.code, UNWRITTEN, "{}{}", again.out, again.err);
    assert!(again.err.contains("is in it already") && again.err.contains("help: name a folder"), "{}", again.err);
    assert_eq!(fs::read(place.path().join("set/records.jsonl")).unwrap(), before);
}

#[test]
fn what_a_server_refuses_is_told_and_two_at_once_do_not_ask_everything_twice() {
    let place = Place::new();
    odyssey(&place);
    assert_eq!(place.run(&["offline", "import", "data", "data/screenshots"]).code, 0);
    let refusing = Server::always("400 Bad Request", "{\"error\":{\"message\":\"too many image tokens\"}}");
    let infer = ["offline", "infer", "data/screenshots", "--model-name", "m"];
    let refused = place.run(&[&infer[..], &["answers", "--json", "--model", refusing.url.as_str()]].concat());
    assert_eq!(refused.code, VOID, "{}{}", refused.out, refused.err);
    let told = refused.last();
    assert_eq!((&told["asked"], &told["not_answered"], &told["exit"]), (&json!(0), &json!(2), &json!(VOID)), "{told}");
    assert!(told["reasons"][0].as_str().unwrap().contains("7-0: m: "), "{told}");
    let judged = place.run(&["offline", "judge", "data/screenshots", "answers", "--json"]);
    assert_eq!((judged.code, &judged.last()["not_answered"]), (0, &json!(2)), "{}", judged.err);
    let counted = place.run(&["offline", "metric", "answers"]);
    assert!(counted.out.contains("2 records were asked about and have no answer"), "{}", counted.out);
    // While one waits for an answer, another one is sent away.
    let waiting = Server::start();
    let slow = [&infer[..], &["others", "--model", waiting.url.as_str()]].concat();
    let first = place.start(&slow);
    let _held = waiting.request();
    let second = place.run(&slow);
    assert_eq!(second.code, NOT_READY, "{}{}", second.out, second.err);
    assert!(
        second.err.contains("another process is writing there") && second.err.contains("wait for its end"),
        "{}",
        second.err
    );
    first.kill();
}

#[test]
fn traces_say_what_they_tell_without_a_judge() {
    let place = Place::new();
    let trace = place.path().join("logs/clock_1_2024-05-10_12-00-00");
    ["traces", "Screen", "xml"].iter().for_each(|within| fs::create_dir_all(trace.join(within)).unwrap());
    let mut lines = String::new();
    for (step, action) in ["Tap", "Back", "finish"].iter().enumerate() {
        picture(&trace.join(format!("Screen/{step}.png")));
        fs::write(trace.join(format!("xml/{step}.xml")), "<hierarchy/>").unwrap();
        let line = json!({"image": format!("{step}.png"), "xml": format!("{step}.xml"), "ac_xml": null, "target": "t",
            "parsed_action": {"action": action}});
        lines += &format!("{line}\n");
    }
    fs::write(trace.join("traces/trace.jsonl"), lines).unwrap();
    let told = place.run(&["offline", "traces", "logs"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("reasonable operation ratio 50.0 % over 1 tasks"), "{}", told.out);
    assert!(told.out.contains("no success rate"), "{}", told.out);
    place.file("lengths.json", "{\"clock_1\": 2}");
    place.file("results.jsonl", "{\"task_id\": \"clock_1\", \"result\": {\"complete\": true}}\n");
    let more = ["--results", "results.jsonl", "--lengths", "lengths.json", "--json"];
    let told = place.run(&[&["offline", "traces", "logs"][..], &more].concat()).last();
    assert_eq!((&told["complete"], &told["redundancy"]), (&json!(1), &json!(2.0 / 3.0)));
}
