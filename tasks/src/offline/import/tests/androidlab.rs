//! Traces of AndroidLab, as its recorder writes them.

use serde_json::json;

use super::*;

fn line(step: usize, action: &Value) -> String {
    json!({
        "trace_id": "clock_1", "index": step, "prompt": "** XML **", "xml": format!("/logs/clock_1/xml/{step}.xml"), "ac_xml": null,
        "image": format!("/logs/clock_1/Screen/screenshot-{step}-before.png"), "current_activity": "com.android.deskclock",
        "window": [400, 200], "target": "You should use clock to complete the following task: Set an alarm", "parsed_action": action,
    })
    .to_string()
}

fn act(action: &str, given: &Value) -> Value {
    json!({"operation": "do", "action": action, "kwargs": given})
}

/// A trace with pictures of 400 x 200 in the folder `in`.
fn trace(folder: &Path, name: &str, actions: &[Value]) {
    let at = folder.join("in").join(name);
    for within in ["traces", "Screen", "xml"] {
        fs::create_dir_all(at.join(within)).unwrap();
    }
    let lines: Vec<String> = actions.iter().enumerate().map(|(step, action)| line(step, action) + "\n").collect();
    fs::write(at.join("traces/trace.jsonl"), lines.concat()).unwrap();
    for step in 0..actions.len() {
        fs::write(at.join(format!("Screen/screenshot-{step}-before.png")), png_of(400, 200)).unwrap();
    }
}

fn usual() -> Vec<Value> {
    vec![
        act("Launch", &json!({"package": "com.android.deskclock"})),
        act("Tap", &json!({"element": [100, 50, 300, 90]})),
        act("Long Press", &json!({"element": [10, 20]})),
        act("Swipe", &json!({"element": null, "direction": "up", "dist": "medium"})),
        act("Type", &json!({"text": "6:30"})),
        json!({"operation": "do", "action": "Press Back"}),
        Value::Null,
        json!({"operation": "finish", "action": "finish", "kwargs": {"message": "done"}}),
    ]
}

#[tokio::test]
async fn what_an_agent_did_becomes_records_that_are_asked_about_judged_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    trace(folder.path(), "clock_1_2024-05-10_12-00-00", &usual());
    trace(folder.path(), "zoom_2_2024-05-10_12-00-00", &[usual().pop().unwrap()]);
    let report = import_in(folder.path(), &ImportOptions::default()).unwrap();
    assert_eq!((report.format, report.records, report.episodes), (SetFormat::AndroidLab, 7, 2));
    assert_eq!(report.left_out.values().sum::<usize>(), 2);
    // Only what was done, by what was judged elsewhere.
    let results = folder.path().join("results.jsonl");
    let judged = "{\"task_id\": \"clock_1\", \"result\": {\"complete\": true}}\n{\"task_id\": \"zoom_2\", \"result\": {\"complete\": false}}\n";
    fs::write(&results, judged).unwrap();
    let options = ImportOptions { results: Some(results), ..ImportOptions::default() };
    assert_eq!(import_in(folder.path(), &options).unwrap().records, 6);
    let records = read_records(&folder.path().join("set")).unwrap();
    let name = |step: usize| format!("clock_1_2024-05-10_12-00-00-{step}");
    let (tap, action, boxes) = step(&records, &name(1));
    assert_eq!((action, boxes), (StepAction::Click { x: 200.0, y: 70.0 }, vec![[100.0, 50.0, 300.0, 90.0]]));
    assert_eq!((tap.group.as_deref(), tap.kind.as_deref()), (Some("clock"), Some("click")));
    assert!(tap.question.ends_with("Set an alarm"));
    let scroll = StepAction::Scroll { direction: Direction::Down, from: None, to: None };
    assert_eq!(step(&records, &name(3)).1, scroll);
    let (judged, found) = measure(
        folder.path(),
        &[
            r#"do(action="Tap", element=[740,440])"#,
            r#"do(action="Tap", element=[25,100])"#,
            r#"do(action="Swipe", start=[500,800], end=[500,200])"#,
            r#"do(action="Type", text="6:30")"#,
            r#"do(action="Back")"#,
            r#"do(action="Back")"#,
        ],
    )
    .await;
    assert_eq!(judged.iter().filter(|(_, status)| *status == AnswerStatus::Right).count(), 4);
    assert_eq!((found.all.right, found.groups["clock"].records, found.episodes.right), (4, 6, 0));
}

/// What was judged elsewhere is of the latest trace of a task: an older one may have failed.
#[test]
fn with_results_only_the_latest_trace_of_a_task_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |day: u8| format!("clock_1_2024-05-{day}_12-00-00");
    for day in [10, 11] {
        trace(folder.path(), &at(day), &usual()[5..6]);
    }
    // Further ones of a second folder, which comes first and has what is later; one of them is no trace's name.
    let other = folder.path().join("a");
    fs::rename(folder.path().join("in"), folder.path().join("b")).unwrap();
    trace(folder.path(), &at(12), &usual()[4..6]);
    trace(folder.path(), "nothing", &usual()[4..6]);
    fs::rename(folder.path().join("in"), &other).unwrap();
    let results = folder.path().join("results.jsonl");
    fs::write(&results, "{\"task_id\": \"clock_1\", \"result\": {\"complete\": true}}\n").unwrap();
    let from = [other, folder.path().join("b")];
    let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
    assert_eq!(import(&from, &folder.path().join("set"), &options, |_| ()).unwrap().episodes, 3);
    let options = ImportOptions { results: Some(results), ..options };
    let report = import(&from, &folder.path().join("set"), &options, |_| ()).unwrap();
    assert_eq!((report.records, report.episodes, report.fault_count), (2, 1, 1));
    let reason = "an older trace of its task: --results are of the latest";
    assert_eq!(report.left_out, BTreeMap::from([(reason.to_owned(), 2)]));
    assert_eq!(read_records(&folder.path().join("set")).unwrap()[0].episode, Some(at(12)));
}

#[test]
fn pictures_are_copied_once_and_as_files_of_the_users_own() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["a", "b"] {
        trace(folder.path(), "clock_1_x", &usual()[5..6]);
        let picture = folder.path().join("in/clock_1_x/Screen/screenshot-0-before.png");
        fs::write(&picture, png_in(400, 200, part.as_bytes()[0])).unwrap();
        let mut rights = fs::metadata(&picture).unwrap().permissions();
        rights.set_readonly(true);
        fs::set_permissions(&picture, rights).unwrap();
        fs::rename(folder.path().join("in"), folder.path().join(part)).unwrap();
    }
    let from = ["a", "b"].map(|part| folder.path().join(part));
    let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
    for _ in 0..2 {
        let report = import(&from, &folder.path().join("set"), &options, |_| ()).unwrap();
        assert_eq!((report.records, report.episodes, report.fault_count), (1, 1, 1));
        assert_eq!(grey(folder.path(), "clock_1_x/0.png"), b'a');
        let copy = fs::metadata(folder.path().join("set/clock_1_x/0.png")).unwrap();
        assert!(!copy.permissions().readonly());
    }
}

#[test]
fn what_is_wrong_with_a_trace_is_said_with_its_line() {
    let tap = |given: Value| act("Tap", &given);
    for (action, why) in [
        (tap(json!({"element": [500, 20]})), "line 1: it touches 500, 20 on a screen of 400 x 200"),
        (tap(json!({"element": [9, 9, 1, 1]})), "has no place"),
        (tap(json!({"element": ["a", 1]})), "has no place"),
        (tap(json!({})), "has no place"),
        (act("Swipe", &json!({"direction": "in"})), "it swipes \"in\""),
        (act("Type", &json!({})), "has no \"text\""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        trace(folder.path(), "clock_1_x", &[action]);
        let said = import_in(folder.path(), &ImportOptions::default()).unwrap_err();
        assert!(said.contains(why) && said.contains("clock_1_x: "), "{why}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    trace(folder.path(), "clock_1_x", &usual());
    fs::write(folder.path().join("in/clock_1_x/Screen/screenshot-1-before.png"), "none").unwrap();
    let said = import_in(folder.path(), &ImportOptions::default()).unwrap_err();
    assert!(said.contains("line 2: ") && said.contains("it is no picture"), "{said}");
    // A path in a trace names a picture of the trace, whatever folders it names.
    let text = line(0, &usual()[4]).replace("/logs/clock_1/Screen/screenshot-0-before.png", "/etc/..");
    fs::write(folder.path().join("in/clock_1_x/traces/trace.jsonl"), text + "\n").unwrap();
    let said = import_in(folder.path(), &ImportOptions::default()).unwrap_err();
    assert!(said.contains("it names no \"image\""), "{said}");
}
