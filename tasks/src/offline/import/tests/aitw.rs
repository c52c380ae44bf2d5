//! Android in the Wild, as its page and its code describe it.

use super::*;

/// A step of an episode with some of its features in place of the usual ones: a touch at a share of 0.5, 0.25 of a screen of 100 x 200.
fn example_of(episode: &str, step: i64, instead: &[(&str, Values)]) -> Vec<u8> {
    let mut features = vec![
        ("episode_id", texts(&[episode])),
        ("step_id", Values::Integers(vec![step])),
        ("goal_info", texts(&["open the shop"])),
        ("device_type", texts(&["pixel_4"])),
        ("image/encoded", Values::Bytes(vec![[9, 8, 7].repeat(100 * 200)])),
        ("image/width", Values::Integers(vec![100])),
        ("image/height", Values::Integers(vec![200])),
        ("image/channels", Values::Integers(vec![3])),
        // The first lies under the touch once it has grown, the second is the other end of the screen.
        ("image/ui_annotations_positions", Values::Floats(vec![0.28, 0.45, 0.05, 0.2, 0.9, 0.9, 0.05, 0.05])),
        ("results/action_type", Values::Integers(vec![4])),
        ("results/yx_touch", Values::Floats(vec![0.25, 0.5])),
        ("results/yx_lift", Values::Floats(vec![0.25, 0.5])),
        ("results/type_action", texts(&[""])),
    ];
    for (name, values) in instead {
        features.retain(|(other, _)| other != name);
        features.push((name, values.clone()));
    }
    example(&features)
}

/// A whole step in few bytes.
pub fn tiny() -> Vec<u8> {
    let one = || Values::Integers(vec![1]);
    example_of("1", 0, &[("image/encoded", texts(&["rgb"])), ("image/width", one()), ("image/height", one())])
}

fn kind(kind: i64) -> (&'static str, Values) {
    ("results/action_type", Values::Integers(vec![kind]))
}

fn lift(y: f32, x: f32) -> (&'static str, Values) {
    ("results/yx_lift", Values::Floats(vec![y, x]))
}

fn place(examples: &[Vec<u8>]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    shard(&folder.path().join("in/general-00000-of-00321"), examples);
    folder
}

/// Two episodes whose steps lie between each other.
fn usual() -> Vec<Vec<u8>> {
    vec![
        example_of("1234", 0, &[]),
        example_of("99", 0, &[lift(0.25, 0.539)]),
        // Longer across in pixels, and down in shares, which count: as far again on a screen that is twice as tall.
        example_of("1234", 1, &[lift(0.10, 0.36)]),
        example_of("1234", 2, &[kind(3), ("results/type_action", texts(&["shoes"]))]),
        example_of("99", 1, &[kind(5)]),
        example_of("1234", 3, &[kind(7)]),
        example_of("1234", 4, &[kind(2)]),
        example_of("99", 2, &[kind(11)]),
        example_of("1234", 5, &[kind(10)]),
    ]
}

#[test]
fn a_step_becomes_a_record_with_its_picture_and_the_boxes_that_count() {
    let folder = place(&usual());
    let report = import_in(folder.path(), &ImportOptions::default()).unwrap();
    assert_eq!((report.format, report.records, report.episodes), (SetFormat::Aitw, 8, 2));
    assert_eq!(report.left_out.values().sum::<usize>(), 1);
    let records = read_records(&folder.path().join("set")).unwrap();
    let (touch, action, boxes) = step(&records, "1234-0");
    assert_eq!(action, StepAction::Click { x: 50.0, y: 50.0 });
    assert_eq!(boxes.len(), 1);
    for (side, wanted) in boxes[0].iter().zip([45.0, 56.0, 65.0, 66.0]) {
        assert!((side - wanted).abs() < 1e-3, "{boxes:?}");
    }
    assert_eq!((touch.question.as_str(), touch.group.as_deref()), ("open the shop", Some("pixel_4")));
    let picture = image::open(folder.path().join("set").join(&touch.image)).unwrap().into_rgb8();
    assert_eq!((picture.dimensions(), picture.get_pixel(99, 199).0), ((100, 200), [9, 8, 7]));
    // 0.039 of the screen is no way at all.
    assert!(matches!(step(&records, "99-0").1, StepAction::Click { .. }));
    let StepAction::Scroll { direction, .. } = step(&records, "1234-1").1 else { panic!("a scroll") };
    assert_eq!(direction, Direction::Down);
    assert_eq!(step(&records, "1234-2").1, StepAction::Type { text: "shoes".to_owned() });
    assert_eq!(step(&records, "99-2").1, StepAction::Impossible);
    // The first episode alone, though another one's steps lie between its own.
    let options = ImportOptions { episodes_max: Some(1), ..ImportOptions::default() };
    assert_eq!(import_in(folder.path(), &options).unwrap().records, 5);
    // As the page says, to the end of the shard in which the last one of them begins.
    shard(&folder.path().join("in/general-00001-of-00321"), &[example_of("1234", 6, &[])]);
    assert_eq!(import_in(folder.path(), &options).unwrap().records, 5);
    let options = ImportOptions { level: Level::Low, ..ImportOptions::default() };
    assert!(import_in(folder.path(), &options).unwrap_err().contains("and this is aitw"));
}

#[test]
fn what_is_wrong_with_a_step_is_said_with_its_record() {
    for (instead, why) in [
        (
            ("image/encoded", Values::Bytes(vec![vec![0; 100]])),
            "has 100 bytes, and a picture of 100 x 200 x 3 has 60000",
        ),
        (("image/encoded", texts(&[])), "it has no one \"image/encoded\""),
        (("image/width", Values::Integers(vec![i64::MAX])), "its \"image/width\" is 9223372036854775807"),
        (("image/height", Values::Integers(vec![0])), "its \"image/height\" is 0"),
        (("image/channels", Values::Integers(vec![7])), "7 channels"),
        (("results/yx_touch", Values::Floats(vec![f32::NAN, 0.5])), "its \"results/yx_touch\" has the number NaN"),
        (("results/yx_lift", Values::Floats(vec![0.5, f32::INFINITY])), "has the number inf"),
        (("results/yx_touch", Values::Floats(vec![-1.0, -1.0])), "should be y and x from 0 to 1"),
        (("results/yx_touch", Values::Floats(vec![0.5])), "should be y and x from 0 to 1"),
        (("image/ui_annotations_positions", Values::Floats(vec![0.1; 5])), "not four numbers for each element"),
        (("episode_id", texts(&["../../etc"])), "the episode's name \"../../etc\" should be"),
        (("episode_id", texts(&["a/../../b"])), "the episode's name \"a/../../b\" should be"),
        (("episode_id", texts(&[""])), "the episode's name \"\" should be"),
        (("episode_id", texts(&["import.part"])), "the episode's name \"import.part\" is that of a file"),
        (("episode_id", texts(&["records.jsonl"])), "the episode's name \"records.jsonl\" is that of a file"),
        (
            ("episode_id", texts(&["Records.replaced.jsonl"])),
            "the episode's name \"Records.replaced.jsonl\" is that of a file",
        ),
        (("episode_id", texts(&["records.sha256"])), "the episode's name \"records.sha256\" is that of a file"),
        (("episode_id", texts(&["records.part"])), "the episode's name \"records.part\" is that of a file"),
        (("step_id", Values::Integers(vec![-1])), "its \"step_id\" is -1"),
        (("step_id", Values::Integers(vec![0])), "step 0 is there twice"),
        (("goal_info", texts(&["a", "b"])), "its \"goal_info\" has 2 values"),
        (("results/action_type", Values::Integers(vec![3])), "no list"),
    ] {
        let mut instead = vec![instead];
        if instead[0].0 == "results/action_type" {
            instead.push(("results/type_action", Values::Integers(vec![1])));
        }
        let folder = place(&[example_of("5", 0, &[]), example_of("5", 1, &instead), example_of("5", 2, &[])]);
        let said = import_in(folder.path(), &ImportOptions::default()).unwrap_err();
        assert!(said.contains(why) && said.contains(": record 2: "), "{why}: {said}");
        let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
        let report = import_in(folder.path(), &options).unwrap();
        assert_eq!((report.records, report.fault_count), (2, 1), "{why}");
    }
}

#[test]
fn a_step_that_is_there_twice_leaves_the_first_ones_picture_alone() {
    let of = |grey: u8| ("image/encoded", Values::Bytes(vec![vec![grey; 100 * 200 * 3]]));
    let folder = place(&[example_of("5", 0, &[of(10)]), example_of("5", 0, &[of(90)])]);
    let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
    let report = import_in(folder.path(), &options).unwrap();
    assert_eq!((report.records, report.episodes, report.fault_count), (1, 1, 1));
    assert_eq!(grey(folder.path(), "5/0.png"), 10);
}

#[tokio::test]
async fn what_was_imported_is_asked_about_judged_and_counted() {
    let folder = place(&usual());
    import_in(folder.path(), &ImportOptions::default()).unwrap();
    let (judged, found) = measure(
        folder.path(),
        &[
            // 0.2 of the screen away, in the box that has grown.
            r#"do(action="Tap", element=[700,260])"#,
            // Outside of it.
            r#"do(action="Tap", element=[850,260])"#,
            // By the axis: up and down are one.
            r#"do(action="Swipe", start=[500,300], end=[500,700])"#,
            r#"do(action="Type", text="something else")"#,
            r#"do(action="Back")"#,
            r#"do(action="Back")"#,
            "finish(message=\"done\")",
            "finish(message=\"done\")",
        ],
    )
    .await;
    let right: Vec<&str> =
        judged.iter().filter(|(_, status)| *status == AnswerStatus::Right).map(|(id, _)| id.as_str()).collect();
    assert_eq!(right, ["1234-0", "1234-1", "1234-2", "99-1", "1234-5"]);
    assert_eq!((found.all.right, found.all.records, found.episodes.right), (5, 8, 0));
    assert_eq!(found.groups["pixel_4"].records, 8);
}
