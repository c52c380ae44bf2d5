//! GUI-Odyssey, as its page describes it.

use serde_json::json;

use super::*;

fn annotation(episode: &str, steps: &Value) -> String {
    json!({
        "episode_id": episode,
        "device_info": {"product": "raven", "w": 1344, "h": 2992, "device_name": "Pixel 8 Pro"},
        "task_info": {"category": "Web_Shopping", "app": ["Chrome"], "instruction": "Buy the shoes"},
        "step_length": 8,
        "steps": steps,
    })
    .to_string()
}

fn usual() -> Value {
    json!([
        {"step": 0, "screenshot": "5_0.png", "action": "CLICK", "info": [[500, 250]], "sam2_bbox": [400, 200, 900, 300], "ps": "",
            "low_level_instruction": "Tap the field"},
        {"step": 1, "screenshot": "5_1.png", "action": "TEXT", "info": "blue shoes", "sam2_bbox": [], "low_level_instruction": "Type"},
        // Longer across in pixels, and up in thousandths, which count.
        {"step": 2, "screenshot": "5_2.png", "action": "SCROLL", "info": [[500, 800], [350, 600]], "low_level_instruction": "Scroll"},
        {"step": 3, "screenshot": "5_3.png", "action": "LONG_PRESS", "info": [[100, 100]], "low_level_instruction": "Hold"},
        {"step": 4, "screenshot": "5_4.png", "action": "CLICK", "info": "KEY_HOME", "low_level_instruction": "Home"},
        {"step": 5, "screenshot": "5_5.png", "action": "CLICK", "info": "KEY_APPSELECT", "low_level_instruction": "Apps"},
        {"step": 6, "screenshot": "5_6.png", "action": "CLICK", "info": "KEY_BACK", "low_level_instruction": "Back"},
        {"step": 7, "screenshot": "5_7.png", "action": "DANCE", "info": "", "low_level_instruction": "Dance"},
        {"step": 8, "screenshot": "5_8.png", "action": "INCOMPLETE", "info": "", "low_level_instruction": "End"},
        {"step": 9, "screenshot": "5_9.png", "action": "COMPLETE", "info": "", "low_level_instruction": "End"},
    ])
}

/// Annotations in `in`, screenshots of 400 x 200 in `set`, half of them in a folder there as the set is published.
fn place(annotations: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (within, set) = (folder.path().join("in/annotations"), folder.path().join("set"));
    fs::create_dir_all(&within).unwrap();
    fs::create_dir_all(set.join("data_0")).unwrap();
    for (name, text) in annotations {
        fs::write(within.join(name), text).unwrap();
    }
    for step in 0..10 {
        let part = if step < 5 { "." } else { "data_0" };
        fs::write(set.join(part).join(format!("5_{step}.png")), png_of(400, 200)).unwrap();
    }
    folder
}

#[test]
fn steps_become_records_in_pixels_of_their_pictures() {
    let folder = place(&[("5.json", annotation("5", &usual()))]);
    let report = import_in(folder.path(), &ImportOptions::default()).unwrap();
    assert_eq!((report.format, report.records, report.episodes), (SetFormat::GuiOdyssey, 9, 1));
    assert_eq!(report.left_out.keys().collect::<Vec<_>>(), ["DANCE: an action of no type that is known"]);
    let records = read_records(&folder.path().join("set")).unwrap();
    let (touch, action, boxes) = step(&records, "5-0");
    assert_eq!(action, StepAction::Click { x: 200.0, y: 50.0 });
    assert_eq!(boxes, [[160.0, 40.0, 360.0, 60.0]]);
    assert_eq!((touch.question.as_str(), touch.group.as_deref()), ("Buy the shoes", Some("Web_Shopping")));
    assert_eq!(step(&records, "5-1").1, StepAction::Type { text: "blue shoes".to_owned() });
    let StepAction::Scroll { direction, from, .. } = step(&records, "5-2").1 else { panic!("a scroll") };
    // The finger goes up, and shows what lies below.
    assert_eq!((direction, from), (Direction::Down, Some([200.0, 160.0])));
    assert_eq!(step(&records, "5-3").1, StepAction::LongPress { x: 40.0, y: 20.0 });
    assert_eq!(step(&records, "5-4").1, StepAction::Home);
    let (recents, action, _) = step(&records, "5-5");
    assert_eq!((action, recents.image.to_str()), (StepAction::Recents, Some("data_0/5_5.png")));
    assert_eq!(step(&records, "5-6").1, StepAction::Back);
    assert_eq!(step(&records, "5-8").1, StepAction::Impossible);
    assert_eq!(step(&records, "5-9").1, StepAction::Complete);
    let options = ImportOptions { level: Level::Low, records_max: Some(2), ..ImportOptions::default() };
    assert_eq!(import_in(folder.path(), &options).unwrap().records, 2);
    assert_eq!(read_records(&folder.path().join("set")).unwrap()[0].question, "Tap the field");
}

#[test]
fn lists_of_the_set_name_files() {
    let other = annotation("6", &json!([{"screenshot": "5_0.png", "action": "COMPLETE", "info": ""}]));
    let folder = place(&[("5.json", annotation("5", &usual())), ("6.json", other)]);
    let list = folder.path().join("random_split.json");
    fs::write(&list, r#"{"train": ["5.json"], "test": ["6.json"]}"#).unwrap();
    let options =
        ImportOptions { list: Some(EpisodeList { file: list, part: "test".to_owned() }), ..ImportOptions::default() };
    let report = import_in(folder.path(), &options).unwrap();
    assert_eq!((report.records, report.episodes), (1, 1));
    assert_eq!(read_records(&folder.path().join("set")).unwrap()[0].id, "6-0");
}

#[test]
fn what_is_wrong_with_an_episode_is_said_with_its_file_and_step() {
    let touch = |info: Value| json!([{"screenshot": "5_0.png", "action": "CLICK", "info": info}]);
    let on = |screenshot: &str| json!([{"screenshot": screenshot, "action": "COMPLETE", "info": ""}]);
    for (text, why) in [
        (annotation("6", &on("../in/secret.png")), "step 0: the screenshot \"../in/secret.png\" is not in the folder"),
        (annotation("6", &on("/etc/passwd")), "is not in the folder of screenshots"),
        (annotation("6", &on("")), "is not in the folder of screenshots"),
        (annotation("6", &on("7_0.png")), "there is no screenshot 7_0.png"),
        (annotation("6", &on("none.png")), "it is no picture"),
        (annotation("../6", &on("5_0.png")), "the episode's name \"../6\" should be"),
        (annotation("5", &on("5_0.png")), "episode 5, step 0 is there twice"),
        (annotation("6", &touch(json!([[1001, 5]]))), "step 0: its info [[1001,5]] is not places from 0 to 1000"),
        (annotation("6", &touch(json!([["NaN", 5]]))), "is not places from 0 to 1000"),
        (annotation("6", &touch(json!([[-0.5, 5]]))), "is not places from 0 to 1000"),
        (annotation("6", &touch(json!([[1, 2], [3, 4]]))), "is no place"),
        (annotation("6", &touch(json!("KEY_DANCE"))), "is not places from 0 to 1000"),
        (
            annotation("6", &json!([{"screenshot": "5_0.png", "action": "SCROLL", "info": [[1, 2]]}])),
            "is not two places",
        ),
        (annotation("6", &json!([{"screenshot": "5_0.png", "action": "TEXT", "info": [1]}])), "its info is no text"),
        (
            annotation(
                "6",
                &json!([{"screenshot": "5_0.png", "action": "CLICK", "info": [[1, 2]], "sam2_bbox": [1, 2, 3]}]),
            ),
            "its sam2_bbox",
        ),
        (annotation("6", &json!([{"action": "COMPLETE"}])), "missing field `screenshot`"),
        ("{\"episode_id\": \"6\"}".to_owned(), "missing field `task_info`"),
        ("{".to_owned(), "it is no annotation"),
        ("[".repeat(100_000), "it is no annotation"),
    ] {
        let folder = place(&[("5.json", annotation("5", &usual())), ("6.json", text)]);
        fs::write(folder.path().join("set/none.png"), "no picture at all").unwrap();
        fs::write(folder.path().join("in/secret.png"), png_of(9, 9)).unwrap();
        let said = import_in(folder.path(), &ImportOptions::default()).unwrap_err();
        assert!(said.contains(why) && said.contains("annotations/6.json: "), "{why}: {said}");
        assert!(!folder.path().join("set").join(RECORDS).exists());
        let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
        let report = import_in(folder.path(), &options).unwrap();
        assert_eq!((report.records, report.fault_count), (9, 1), "{why}");
    }
    let low = ImportOptions { level: Level::Low, ..ImportOptions::default() };
    let folder = place(&[("6.json", annotation("6", &on("5_0.png")))]);
    assert!(import_in(folder.path(), &low).unwrap_err().contains("it has no \"low_level_instruction\""));
}

#[tokio::test]
async fn what_was_imported_is_asked_about_judged_and_counted() {
    let folder = place(&[("5.json", annotation("5", &usual()))]);
    import_in(folder.path(), &ImportOptions::default()).unwrap();
    let (judged, found) = measure(
        folder.path(),
        &[
            // The far end of the widget, 0.39 away.
            r#"do(action="Tap", element=[890,290])"#,
            r#"do(action="Type", text="blue")"#,
            // Down by the longer share, though across by pixels.
            r#"do(action="Swipe", start=[500,500], end=[350,300])"#,
            // 0.15 away, without a widget.
            r#"do(action="Long Press", element=[250,100])"#,
            r#"do(action="Home")"#,
            r#"do(action="Home")"#,
            r#"do(action="Back")"#,
            "finish(message=\"done\")",
            "finish(message=\"done\")",
        ],
    )
    .await;
    let right: Vec<&str> =
        judged.iter().filter(|(_, status)| *status == AnswerStatus::Right).map(|(id, _)| id.as_str()).collect();
    assert_eq!(right, ["5-0", "5-1", "5-2", "5-4", "5-6", "5-9"]);
    assert_eq!((found.all.right, found.all.same_type, found.episodes.right), (6, 7, 0));
}
