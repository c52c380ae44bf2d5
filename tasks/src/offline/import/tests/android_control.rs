//! AndroidControl, as its page describes it.

use serde_json::json;

use super::*;

const CLICKABLE: u64 = 14;
const LONG_CLICKABLE: u64 = 19;
const VISIBLE: u64 = 23;

/// A node of a tree: left, top, right, bottom, and what is true of it.
fn node(bounds: [i64; 4], flags: &[u64]) -> Vec<u8> {
    let rect: Vec<u8> = bounds.iter().zip(1..).flat_map(|(side, field)| number(field, *side)).collect();
    let flags = flags.iter().flat_map(|flag| number(*flag, 1));
    message(1, &message(2, &rect).into_iter().chain(message(7, b"a text")).chain(flags).collect::<Vec<_>>())
}

fn window(layer: i64, nodes: &[Vec<u8>]) -> Vec<u8> {
    message(1, &[number(4, layer), message(11, &nodes.concat())].concat())
}

/// A list row that is touched over its whole width, with a text in it, and a window behind.
fn forest() -> Vec<u8> {
    let behind = window(1, &[node([0, 300, 60, 320], &[CLICKABLE, VISIBLE])]);
    let front = window(
        2,
        &[
            node([0, 0, 200, 400], &[CLICKABLE, VISIBLE]),
            node([0, 300, 200, 340], &[CLICKABLE, VISIBLE]),
            node([10, 305, 40, 330], &[VISIBLE]),
            node([10, 305, 20, 310], &[CLICKABLE]),
            node([-50, 100, 50, 120], &[LONG_CLICKABLE, VISIBLE]),
        ],
    );
    [behind, front].concat()
}

const ACTIONS: [&str; 9] = [
    r#"{"action_type": "open_app", "app_name": "Clock"}"#,
    r#"{"action_type": "click", "x": 15, "y": 308}"#,
    r#"{"action_type": "scroll", "direction": "down"}"#,
    r#"{"action_type": "input_text", "text": "half past six"}"#,
    r#"{"action_type": "long_press", "x": 20, "y": 110}"#,
    r#"{"action_type": "navigate_back"}"#,
    r#"{"action_type": "navigate_home"}"#,
    r#"{"action_type": "wait"}"#,
    r#"{"action_type": "type", "x": 1, "y": 1, "text": "a"}"#,
];

/// An episode with some of its features in place of the usual ones.
fn episode(id: i64, instead: &[(&str, Values)]) -> Vec<u8> {
    let screens = ACTIONS.len() + 1;
    let instructions: Vec<String> = (0..ACTIONS.len()).map(|step| format!("step {step}")).collect();
    let instructions: Vec<&str> = instructions.iter().map(String::as_str).collect();
    let mut features = vec![
        ("episode_id", Values::Integers(vec![id])),
        ("goal", texts(&["Set an alarm"])),
        ("screenshots", Values::Bytes(vec![png_of(200, 400); screens])),
        ("accessibility_trees", Values::Bytes(vec![forest(); screens])),
        ("screenshot_widths", Values::Integers(vec![200; screens])),
        ("screenshot_heights", Values::Integers(vec![400; screens])),
        ("actions", texts(&ACTIONS)),
        ("step_instructions", texts(&instructions)),
    ];
    for (name, values) in instead {
        features.retain(|(other, _)| other != name);
        features.push((name, values.clone()));
    }
    example(&features)
}

/// One action, and the screens before and behind it.
fn short(id: i64, action: &str) -> Vec<u8> {
    episode(
        id,
        &[
            ("screenshots", Values::Bytes(vec![png_of(200, 400); 2])),
            ("accessibility_trees", Values::Bytes(vec![forest(); 2])),
            ("screenshot_widths", Values::Integers(vec![200; 2])),
            ("screenshot_heights", Values::Integers(vec![400; 2])),
            ("actions", texts(&[action])),
            ("step_instructions", texts(&["the only step"])),
        ],
    )
}

/// The same with pictures of another grey.
fn grey_one(id: i64, grey: u8) -> Vec<u8> {
    let wait = r#"{"action_type": "wait"}"#;
    let screens = Values::Bytes(vec![png_in(200, 400, grey); 2]);
    let sides = |side| Values::Integers(vec![side; 2]);
    episode(
        id,
        &[
            ("screenshots", screens),
            ("accessibility_trees", Values::Bytes(vec![forest(); 2])),
            ("screenshot_widths", sides(200)),
            ("screenshot_heights", sides(400)),
            ("actions", texts(&[wait])),
            ("step_instructions", texts(&["the only step"])),
        ],
    )
}

/// A whole episode in few bytes.
pub fn tiny() -> Vec<u8> {
    let screens = Values::Bytes(vec![png_of(2, 2); 2]);
    let sides = Values::Integers(vec![2; 2]);
    let under = message(1, &[number(4, 1), message(11, &node([0, 0, 1, 2], &[CLICKABLE, VISIBLE]))].concat());
    example(&[
        ("episode_id", Values::Integers(vec![1])),
        ("goal", texts(&["g"])),
        ("screenshots", screens),
        ("accessibility_trees", Values::Bytes(vec![under; 2])),
        ("screenshot_widths", sides.clone()),
        ("screenshot_heights", sides),
        ("actions", texts(&[r#"{"action_type": "click", "x": 0, "y": 1}"#])),
        ("step_instructions", texts(&["i"])),
    ])
}

fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    folder
}

#[test]
fn an_episode_becomes_a_record_for_each_step_with_the_widget_that_was_touched() {
    let folder = place();
    shard(&folder.path().join("in/android_control-00000-of-00001"), &[episode(7, &[])]);
    let report = import_in(folder.path(), &ImportOptions::default()).unwrap();
    assert_eq!((report.format, report.records, report.episodes), (SetFormat::AndroidControl, 8, 1));
    let left_out: Vec<(&str, usize)> =
        report.left_out.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(
        left_out,
        [("the last screen of an episode, on which nothing is done", 1), ("type: a click, a text and enter in one", 1),]
    );
    let records = read_records(&folder.path().join("set")).unwrap();
    let (click, action, boxes) = step(&records, "7-1");
    assert_eq!(action, StepAction::Click { x: 15.0, y: 308.0 });
    // The row, which takes touches, and not the text in it, what is not visible, the whole screen or what lies behind.
    assert_eq!(boxes, [[0.0, 300.0, 199.0, 339.0]]);
    assert_eq!((click.question.as_str(), click.episode.as_deref()), ("Set an alarm", Some("7")));
    assert_eq!((click.image.to_str(), click.kind.as_deref()), (Some("7/1.png"), Some("click")));
    assert_eq!(image::image_dimensions(folder.path().join("set").join(&click.image)).unwrap(), (200, 400));
    let scroll = StepAction::Scroll { direction: Direction::Down, from: None, to: None };
    assert_eq!(step(&records, "7-2").1, scroll);
    assert_eq!(step(&records, "7-3").1, StepAction::Type { text: "half past six".to_owned() });
    assert_eq!(step(&records, "7-4").2, [[0.0, 100.0, 49.0, 119.0]]);
    assert_eq!(step(&records, "7-5").1, StepAction::Back);
    assert!(!folder.path().join("set/import.part").exists());
    let options = ImportOptions { level: Level::Low, ..ImportOptions::default() };
    import_in(folder.path(), &options).unwrap();
    let records = read_records(&folder.path().join("set")).unwrap();
    assert_eq!(step(&records, "7-4").0.question, "step 4");
}

#[test]
fn episodes_are_chosen_by_lists_and_numbers() {
    let folder = place();
    let back = r#"{"action_type": "navigate_back"}"#;
    shard(&folder.path().join("in/android_control-00000-of-00002"), &[short(1, back), short(2, back), short(3, back)]);
    shard(&folder.path().join("in/android_control-00001-of-00002"), &[short(4, back), short(5, back)]);
    let list = folder.path().join("in/splits.json");
    fs::write(&list, r#"{"train": [1, 3], "test": [2, 4, 5]}"#).unwrap();
    let of = |part: &str| Some(EpisodeList { file: list.clone(), part: part.to_owned() });
    let episodes = |options: &ImportOptions| -> Result<Vec<String>, String> {
        import_in(folder.path(), options)?;
        let records = read_records(&folder.path().join("set")).unwrap();
        Ok(records.into_iter().filter_map(|record| record.episode).collect())
    };
    let options = ImportOptions::default();
    assert_eq!(episodes(&options).unwrap(), ["1", "2", "3", "4", "5"]);
    assert_eq!(episodes(&ImportOptions { list: of("test"), ..options.clone() }).unwrap(), ["2", "4", "5"]);
    assert_eq!(
        episodes(&ImportOptions { list: of("test"), episodes_max: Some(2), ..options.clone() }).unwrap(),
        ["2", "4"]
    );
    assert_eq!(episodes(&ImportOptions { records_max: Some(4), ..options.clone() }).unwrap(), ["1", "2", "3", "4"]);
    let said = episodes(&ImportOptions { list: of("tset"), ..options.clone() }).unwrap_err();
    assert!(said.contains("it has no list \"tset\"; --part is one of test, train"), "{said}");
    fs::write(&list, r#"{"test": [9]}"#).unwrap();
    let said = episodes(&ImportOptions { list: of("test"), ..options }).unwrap_err();
    assert!(said.contains("nothing in it became a record") && said.contains("does not name\": 5"), "{said}");
}

#[test]
fn what_is_wrong_with_an_episode_is_said_with_its_record_and_can_be_passed_over() {
    let click = |at: &str| format!("{{\"action_type\": \"click\", {at}}}");
    let without = |name: &'static str| {
        let features = episode(2, &[]);
        // The name is another one of the same length.
        let other = name.replace('s', "z");
        let at = features.windows(name.len()).position(|bytes| bytes == name.as_bytes()).unwrap();
        [&features[..at], other.as_bytes(), &features[at + name.len()..]].concat()
    };
    let mut broken = png_of(200, 400);
    broken.truncate(60);
    for (bad, why) in [
        (without("actions"), "it has no \"actions\""),
        (without("accessibility_trees"), "it has no \"accessibility_trees\""),
        (episode(2, &[("goal", texts(&[]))]), "its \"goal\" has 0 values"),
        (episode(2, &[("goal", texts(&[" "]))]), "there is no instruction"),
        (episode(2, &[("goal", Values::Bytes(vec![vec![0xff]]))]), "its \"goal\" is no text"),
        (episode(2, &[("episode_id", texts(&["2"]))]), "its \"episode_id\" is no list of whole numbers"),
        (episode(2, &[("actions", texts(&["{}"]))]), "1 actions need 2 screenshots"),
        (episode(2, &[("screenshots", Values::Bytes(vec![broken; 10]))]), "step 0: its screenshot is no whole PNG"),
        (episode(2, &[("screenshots", texts(&["no picture"; 10]))]), "step 0: its screenshot is no whole PNG"),
        (
            episode(2, &[("screenshot_widths", Values::Integers(vec![100; 10]))]),
            "is 200 x 400, and said to be 100 x 400",
        ),
        (episode(2, &[("screenshot_heights", Values::Integers(vec![-1; 10]))]), "and said to be 200 x -1"),
        (episode(2, &[("accessibility_trees", texts(&["\u{b}"; 10]))]), "step 1: its accessibility tree"),
        (short(2, &click("\"x\": 201, \"y\": 1")), "step 0: it touches 201, 1 on a screen of 200 x 400"),
        (short(2, &click("\"x\": NaN, \"y\": 1")), "step 0: its action"),
        (short(2, &click("\"x\": 1e999, \"y\": 1")), "step 0: its action"),
        (short(2, &click("\"x\": 1")), "has no \"x\" and \"y\""),
        (short(2, r#"{"action_type": "scroll", "direction": "in"}"#), "unknown variant `in`"),
        (
            short(2, &format!("{{\"action_type\": \"scroll\", \"direction\": \"{}\"}}", "o".repeat(9999))),
            "unknown variant `ooo",
        ),
        (short(2, r#"{"action_type": "input_text"}"#), "has no \"text\""),
        (short(1, r#"{"action_type": "wait"}"#), "episode 1, step 0 is there twice"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(), "it is no protobuf message"),
    ] {
        let folder = place();
        let at = folder.path().join("in/shard");
        shard(&at, &[short(1, &click("\"x\": 9, \"y\": 9")), bad, short(3, r#"{"action_type": "navigate_back"}"#)]);
        let said = import_in(folder.path(), &ImportOptions::default()).unwrap_err();
        assert!(said.contains(why) && said.starts_with(&format!("{}: record 2: ", at.display())), "{why}: {said}");
        assert!(!folder.path().join("set").join(RECORDS).exists(), "{why}: half of a set looks like a whole one");
        let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
        let report = import_in(folder.path(), &options).unwrap();
        assert_eq!((report.records, report.fault_count), (2, 1), "{why}");
        assert!(said.len() < 2000 && report.faults[0].len() < 2000, "{} letters of why", said.len());
        assert!(report.faults[0].contains(why), "{:?}", report.faults);
    }
}

#[test]
fn an_episode_that_is_there_twice_leaves_the_first_ones_pictures_alone() {
    let folder = place();
    shard(&folder.path().join("in/a"), &[grey_one(1, 10)]);
    shard(&folder.path().join("in/b"), &[grey_one(1, 90), grey_one(2, 30)]);
    let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
    let report = import_in(folder.path(), &options).unwrap();
    assert_eq!((report.records, report.fault_count), (2, 1));
    assert_eq!((grey(folder.path(), "1/0.png"), grey(folder.path(), "2/0.png")), (10, 30));
}

/// Where the pictures of a set are replaced, its records go first: nobody is asked old questions about new pictures.
#[test]
fn an_import_over_another_one_that_breaks_off_leaves_no_records() {
    let folder = place();
    let (at, set) = (folder.path().join("in/a"), folder.path().join("set"));
    shard(&at, &[grey_one(1, 10), grey_one(2, 10)]);
    import_in(folder.path(), &ImportOptions::default()).unwrap();
    let before = fs::read(set.join(RECORDS)).unwrap();
    // Nothing is replaced.
    shard(&at, &[b"none".to_vec()]);
    let options = ImportOptions { format: Some(SetFormat::AndroidControl), ..ImportOptions::default() };
    import_in(folder.path(), &options).unwrap_err();
    assert_eq!(fs::read(set.join(RECORDS)).unwrap(), before);
    shard(&at, &[grey_one(1, 90), b"none".to_vec()]);
    import_in(folder.path(), &options).unwrap_err();
    assert_eq!(grey(folder.path(), "1/0.png"), 90);
    assert!(!set.join(RECORDS).exists());
    assert_eq!(fs::read(set.join("records.replaced.jsonl")).unwrap(), before);
    shard(&at, &[grey_one(1, 90), grey_one(2, 90)]);
    import_in(folder.path(), &options).unwrap();
    assert!(set.join(RECORDS).exists() && !set.join("records.replaced.jsonl").exists());
}

/// Neither records nor pictures of somebody's own are touched, whether they lie there or were put there while an import had broken off.
#[test]
fn an_import_into_a_folder_with_records_of_ones_own_changes_nothing() {
    let folder = place();
    let (at, set) = (folder.path().join("in/a"), folder.path().join("set"));
    shard(&at, &[grey_one(1, 10), b"none".to_vec()]);
    let options = ImportOptions { format: Some(SetFormat::AndroidControl), ..ImportOptions::default() };
    import_in(folder.path(), &options).unwrap_err();
    fs::write(set.join(RECORDS), "{\"id\": \"mine\"}\n").unwrap();
    shard(&at, &[grey_one(1, 90)]);
    let said = import_in(folder.path(), &options).unwrap_err();
    assert!(said.contains("records.jsonl: no import has written these records"), "{said}");
    assert_eq!(fs::read(set.join(RECORDS)).unwrap(), b"{\"id\": \"mine\"}\n");
    assert_eq!(grey(folder.path(), "1/0.png"), 10);
    fs::remove_file(set.join(RECORDS)).unwrap();
    assert_eq!(import_in(folder.path(), &options).unwrap().records, 1);
    assert_eq!(import_in(folder.path(), &options).unwrap().records, 1);
}

#[test]
fn what_is_faulty_counts_as_that_alone() {
    let folder = place();
    // Its first two steps are right, one of them is left out, and the third touches nothing that is there.
    let actions = [r#"{"action_type": "wait"}"#, ACTIONS[8], r#"{"action_type": "click", "x": 999, "y": 1}"#];
    let sides = |side| Values::Integers(vec![side; 4]);
    let faulty = episode(
        1,
        &[
            ("screenshots", Values::Bytes(vec![png_of(200, 400); 4])),
            ("accessibility_trees", Values::Bytes(vec![forest(); 4])),
            ("screenshot_widths", sides(200)),
            ("screenshot_heights", sides(400)),
            ("actions", texts(&actions)),
            ("step_instructions", texts(&["a", "b", "c"])),
        ],
    );
    shard(&folder.path().join("in/a"), &[faulty, grey_one(2, 1), grey_one(3, 1)]);
    let options = ImportOptions { episodes_max: Some(1), skip_faulty: true, ..ImportOptions::default() };
    let report = import_in(folder.path(), &options).unwrap();
    assert_eq!((report.records, report.episodes, report.fault_count), (1, 1, 1));
    let left_out: Vec<&str> = report.left_out.keys().map(String::as_str).collect();
    assert_eq!(left_out, ["the last screen of an episode, on which nothing is done"]);
    assert_eq!(read_records(&folder.path().join("set")).unwrap()[0].id, "2-0");
}

#[test]
fn the_box_is_that_of_the_frontmost_widget_or_none() {
    let folder = place();
    let click = r#"{"action_type": "click", "x": 15, "y": 308}"#;
    let behind = || window(1, &[node([0, 300, 60, 320], &[CLICKABLE, VISIBLE])]);
    let whole = |flags: &[u64]| node([0, 0, 200, 400], flags);
    let text = || node([10, 305, 40, 330], &[VISIBLE]);
    let wanted = Some([10.0, 305.0, 39.0, 329.0]);
    for (forest, wanted) in [
        // The window in front covers what lies behind, which nobody can have touched.
        ([behind(), window(2, &[whole(&[VISIBLE])])], None),
        ([behind(), window(2, &[whole(&[CLICKABLE, VISIBLE])])], None),
        // The whole page takes the touch, wherever it is: not the text that it was on.
        ([behind(), window(2, &[whole(&[CLICKABLE, VISIBLE]), text()])], None),
        ([behind(), window(2, &[whole(&[VISIBLE]), text()])], wanted),
        // A window in front that is not there.
        ([behind(), window(2, &[whole(&[CLICKABLE])])], Some([0.0, 300.0, 59.0, 319.0])),
    ] {
        let features = [
            ("screenshots", Values::Bytes(vec![png_of(200, 400); 2])),
            ("accessibility_trees", Values::Bytes(vec![forest.concat(); 2])),
            ("screenshot_widths", Values::Integers(vec![200; 2])),
            ("screenshot_heights", Values::Integers(vec![400; 2])),
            ("actions", texts(&[click])),
            ("step_instructions", texts(&["the only step"])),
        ];
        shard(&folder.path().join("in/a"), &[episode(1, &features)]);
        import_in(folder.path(), &ImportOptions::default()).unwrap();
        let records = read_records(&folder.path().join("set")).unwrap();
        assert_eq!(step(&records, "1-0").2.first().copied(), wanted);
    }
}

#[test]
fn what_is_wrong_with_a_list_of_episodes_is_said_in_few_words() {
    let folder = place();
    shard(&folder.path().join("in/a"), &[grey_one(1, 1)]);
    let at = folder.path().join("splits.json");
    let options = ImportOptions {
        list: Some(EpisodeList { file: at.clone(), part: "test".to_owned() }),
        ..ImportOptions::default()
    };
    for text in [
        json!({"test": [{"long": "o".repeat(9999)}]}),
        json!({"o".repeat(9999): []}),
        (0..999).map(|part| (format!("part {part}"), json!([]))).collect(),
    ] {
        fs::write(&at, text.to_string()).unwrap();
        let said = import_in(folder.path(), &options).unwrap_err();
        assert!(said.len() < 2000, "{} letters of why", said.len());
    }
}

#[test]
fn an_import_that_broke_off_goes_on_with_the_file_that_it_was_at() {
    let folder = place();
    let back = r#"{"action_type": "navigate_back"}"#;
    let (first, second) = (folder.path().join("in/a"), folder.path().join("in/b"));
    shard(&first, &[short(1, back), short(2, back)]);
    shard(&second, &[short(3, back)]);
    let whole = fs::read(&second).unwrap();
    fs::write(&second, &whole[..whole.len() - 20]).unwrap();
    let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
    // A damaged file ends it, whatever is passed over.
    let said = import_in(folder.path(), &options).unwrap_err();
    assert!(said.contains("record 1: the file breaks off"), "{said}");
    assert!(!folder.path().join("set").join(RECORDS).exists());
    fs::write(&second, &whole).unwrap();
    // Whoever asks for something else gets nothing of what was read before.
    let other = ImportOptions { records_max: Some(9), ..options.clone() };
    assert_eq!(import_in(folder.path(), &other).unwrap().files_kept, 0);
    fs::write(&second, &whole[..whole.len() - 20]).unwrap();
    import_in(folder.path(), &options).unwrap_err();
    fs::write(&second, &whole).unwrap();
    // The pictures of the first file are not written again: it is not read.
    let picture = folder.path().join("set/1/0.png");
    fs::write(&picture, png_in(200, 400, 7)).unwrap();
    let report = import_in(folder.path(), &options).unwrap();
    assert_eq!((report.files_kept, report.records, report.episodes), (1, 3, 3));
    assert_eq!(grey(folder.path(), "1/0.png"), 7);
    assert_eq!(read_records(&folder.path().join("set")).unwrap().len(), 3);
    // Where one of them is gone, or never came onto the disk, it is.
    for damage in [|at: &Path| fs::remove_file(at).unwrap(), |at: &Path| fs::write(at, "").unwrap()] {
        fs::write(&second, &whole[..whole.len() - 20]).unwrap();
        import_in(folder.path(), &options).unwrap_err();
        fs::write(&second, &whole).unwrap();
        damage(&picture);
        assert_eq!(import_in(folder.path(), &options).unwrap().files_kept, 0);
        assert_eq!(grey(folder.path(), "1/0.png"), 200);
    }
}

#[tokio::test]
async fn what_was_imported_is_asked_about_judged_and_counted() {
    let folder = place();
    shard(&folder.path().join("in/shard"), &[episode(7, &[]), short(8, r#"{"action_type": "navigate_back"}"#)]);
    import_in(folder.path(), &ImportOptions::default()).unwrap();
    let (judged, found) = measure(
        folder.path(),
        &[
            r#"do(action="Launch", app="clock")"#,
            // The far end of the row: in its box, and 0.9 of the screen away.
            r#"do(action="Tap", element=[980,780])"#,
            // A finger that goes up shows what lies below.
            r#"do(action="Swipe", start=[500,800], end=[500,200])"#,
            r#"do(action="Type", text="half past")"#,
            r#"do(action="Tap", element=[100,275])"#,
            r#"do(action="Home")"#,
            r#"do(action="Home")"#,
            "nothing of the kind",
            r#"do(action="Back")"#,
        ],
    )
    .await;
    let status = |id: &str| judged.iter().find(|(other, _)| other == id).unwrap().1;
    use AnswerStatus::{Right, Wrong, WrongFormat};
    for (id, wanted) in [
        ("7-0", Right),
        ("7-1", Right),
        ("7-2", Right),
        ("7-3", Right),
        ("7-4", Wrong),
        ("7-5", Wrong),
        ("7-6", Right),
        ("7-7", WrongFormat),
        ("8-0", Right),
    ] {
        assert_eq!(status(id), wanted, "{id}");
    }
    assert_eq!((found.all.records, found.all.right, found.all.wrong_format, found.all.same_type), (9, 6, 1, 6));
    assert_eq!((found.episodes.episodes, found.episodes.right), (2, 1));
    assert_eq!(found.kinds["click"].right, 1);
}
