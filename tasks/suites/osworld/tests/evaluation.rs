//! Whole tasks scored: what is fetched, how several functions are put together, and how a run's end counts.

#[path = "shared/archive.rs"]
mod archive;
#[path = "shared/mod.rs"]
mod shared;

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use tapwright_osworld::error::EvaluatorErrorKind;
use tapwright_osworld::evaluation::{LastAction, TaskScore};
use tapwright_osworld::output::StateFile;
use tapwright_osworld::state::{StateReply, StateRequest, StateSnapshot, StateSource};
use tapwright_osworld::task::OsworldTask;
use tapwright_osworld::task_set::TaskSet;

/// A device that has what is listed, and nothing else.
#[derive(Default)]
struct Stub {
    files: BTreeMap<&'static str, &'static str>,
    commands: BTreeMap<&'static str, &'static str>,
    tree: &'static str,
    asked: Vec<StateRequest>,
}

impl StateSource for Stub {
    fn fetch(&mut self, request: &StateRequest) -> StateReply {
        self.asked.push(request.clone());
        match request {
            StateRequest::File { path } => match self.files.get(path.as_str()) {
                Some(text) => StateReply::File(StateFile::new(path.as_str(), text.as_bytes())),
                None => StateReply::Missing,
            },
            StateRequest::Command { command, .. } => match self.commands.get(command.join(" ").as_str()) {
                Some(output) => StateReply::Command { output: (*output).to_owned(), error: String::new() },
                None => StateReply::Missing,
            },
            StateRequest::AccessibilityTree if !self.tree.is_empty() => StateReply::Text(self.tree.to_owned()),
            StateRequest::Today { .. } => StateReply::Day { year: 2026, month: 11, day: 27 },
            StateRequest::DesktopFolder => StateReply::Text("/home/user/Desktop".to_owned()),
            StateRequest::Folder { .. } => StateReply::Value(json!({"type": "directory", "children": []})),
            StateRequest::Download { .. } => StateReply::Failed { why: "there is no network".to_owned() },
            _ => StateReply::Missing,
        }
    }
}

fn task(evaluator: &Value) -> OsworldTask {
    let text = json!({"id": "a", "instruction": "Do it", "evaluator": evaluator}).to_string();
    OsworldTask::read("examples/os/a.json", "os", &text).unwrap_or_else(|defects| panic!("{defects:?}"))
}

fn check(evaluator: &Value, mut stub: Stub, last: LastAction, expected: Expect) {
    let score = task(evaluator).evaluator.score_with(last, &mut stub, &mut StateSnapshot::default());
    let said = match score {
        Ok(score) => format!("{score}"),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&format!("{said}, {} asked", stub.asked.len()));
}

/// A function that is passed if a command says `yes`.
fn says(command: &str) -> (&'static str, Value, Value) {
    (
        "exact_match",
        json!({"type": "vm_command_line", "command": command}),
        json!({"type": "rule", "rules": {"expected": "yes"}}),
    )
}

fn several(conjunction: &str, parts: &[(&str, Value, Value)]) -> Value {
    let list = |of: fn(&(&str, Value, Value)) -> Value| parts.iter().map(of).collect::<Vec<_>>();
    json!({
        "func": list(|part| json!(part.0)), "conj": conjunction,
        "result": list(|part| part.1.clone()), "expected": list(|part| part.2.clone()),
    })
}

#[test]
fn prints_lie_beside_the_workbook_under_the_names_that_the_task_keeps_them_by() {
    let files = |folder: &str, kind: &str, stem: &str| {
        let names = [format!("{stem}.xlsx"), format!("{stem}-Sheet1.csv")];
        json!({"type": kind, "multi": true, "path": [format!("{folder}/a.xlsx"), format!("{folder}/a.csv")], "dest": names})
    };
    let evaluator = json!({
        "func": "compare_table", "result": files("/home/user", "vm_file", "a"), "expected": files("/gold", "vm_file", "a_gold"),
        "options": {"rules": [{"type": "sheet_print", "sheet_idx0": "RNSheet1", "sheet_idx1": "ENSheet1"}]},
    });
    let workbook = archive::package([
        (
            "[Content_Types].xml",
            &b"<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'><Override PartName='/xl/workbook.xml' ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml'/></Types>"[..],
        ),
        (
            "xl/_rels/workbook.xml.rels",
            b"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='rId1' Type='x/worksheet' Target='sheet1.xml'/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            b"<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets><sheet name='Sheet1' sheetId='1' r:id='rId1'/></sheets></workbook>",
        ),
        ("xl/sheet1.xml", b"<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'/>"),
    ]);
    let workbook = StateReply::File(StateFile::new("a.xlsx", workbook));
    let csv = |text: &str| StateReply::File(StateFile::new("a.csv", text.as_bytes()));
    let score = |found: StateReply, expected: StateReply| {
        let file = |path: &str| StateRequest::File { path: path.to_owned() };
        let replies = [
            (file("/home/user/a.xlsx"), workbook.clone()),
            (file("/home/user/a.csv"), found),
            (file("/gold/a.xlsx"), workbook.clone()),
            (file("/gold/a.csv"), expected),
        ];
        let snapshot = StateSnapshot { replies: replies.into_iter().collect() };
        task(&evaluator).evaluator.evaluate(LastAction::Other, &snapshot).map_err(|error| error.to_string())
    };
    assert_eq!(score(csv("a,b\n1,2\n"), csv("a,b\n1,2")), Ok(TaskScore::Score(1.0)));
    assert_eq!(score(csv("a,b\n1,3\n"), csv("a,b\n1,2")), Ok(TaskScore::Score(0.0)));
    assert_eq!(score(StateReply::Missing, csv("a,b\n1,2")), Ok(TaskScore::Score(0.0)));
    assert!(score(csv("a"), StateReply::Missing).unwrap_err().contains("no print"));
}

#[test]
fn a_file_of_an_account_is_known_by_the_name_that_the_task_keeps_it_by() {
    let result = json!({"type": "googledrive_file", "settings_file": "s.yml", "path": ["a", "b"], "dest": "b.docx"});
    let expected = json!({"type": "cloud_file", "path": "https://example.org/b", "dest": "b_gold.docx"});
    let evaluator = json!({"func": "compare_docx_files", "result": result, "expected": expected});
    let rels = "<Relationships><Relationship Id='a' Type='x/officeDocument' Target='d.xml'/></Relationships>";
    let document = |text: &str| {
        let text = format!("<document><body><p><r><t>{text}</t></r></p></body></document>");
        let parts = [("_rels/.rels", rels.as_bytes()), ("d.xml", text.as_bytes())];
        StateReply::File(StateFile::new("it", archive::package(parts)))
    };
    for (found, score) in [("a", 1.0), ("b", 0.0)] {
        let mut snapshot = StateSnapshot::default();
        while let TaskScore::Needs(requests) =
            task(&evaluator).evaluator.evaluate(LastAction::Other, &snapshot).unwrap()
        {
            for request in requests {
                let is_download = matches!(request, StateRequest::Download { .. });
                snapshot.replies.insert(request, document(if is_download { "a" } else { found }));
            }
        }
        let found = task(&evaluator).evaluator.evaluate(LastAction::Other, &snapshot);
        assert_eq!(found, Ok(TaskScore::Score(score)));
    }
}

#[test]
fn several_functions_are_put_together_as_upstream_does() {
    let commands = || Stub { commands: BTreeMap::from([("a", "yes"), ("b", "no")]), ..Stub::default() };
    let file = |path: &str| json!({"type": "vm_file", "path": path, "dest": "x"});
    let text = || ("diff_text_file", file("/x"), file("/y"));
    let files = || Stub { files: BTreeMap::from([("/x", "a\nb\nc\nd"), ("/y", "a\nx\nc\nd")]), ..commands() };
    let other = LastAction::Other;
    check(&several("and", &[says("a"), says("a")]), commands(), other, expect!["1, 1 asked"]);
    // At the first 0 nothing more is asked.
    check(&several("and", &[says("b"), says("a")]), commands(), other, expect!["0, 1 asked"]);
    check(&several("and", &[says("a"), text()]), files(), other, expect!["0.875, 3 asked"]);
    check(&several("or", &[says("b"), says("a")]), commands(), other, expect!["1, 2 asked"]);
    check(&several("or", &[says("a"), says("b")]), commands(), other, expect!["1, 1 asked"]);
    check(&several("or", &[says("b"), text()]), files(), other, expect!["0.75, 3 asked"]);
    check(&several("and", &[says("a"), says("a")]), commands(), LastAction::Fail, expect!["0, 0 asked"]);
    // What cannot be judged is no zero, even where a zero would follow.
    let broken = ("is_utc_0", json!({"type": "vm_command_line", "command": "a"}), Value::Null);
    check(
        &several("and", &[broken, says("b")]),
        commands(),
        other,
        expect![
            "is_utc_0 gave no score: what was found cannot be judged: the command said fewer than four lines, 1 asked"
        ],
    );
}

#[test]
fn what_cannot_be_done_is_judged_by_the_end_alone() {
    let infeasible = json!({"func": "infeasible"});
    check(&infeasible, Stub::default(), LastAction::Fail, expect!["1, 0 asked"]);
    check(&infeasible, Stub::default(), LastAction::Other, expect!["0, 0 asked"]);
}

#[test]
fn getters_make_values_of_what_was_fetched() {
    let preferences = "~/.config/google-chrome/Default/Preferences";
    let exact = |getter: Value, expected: Value| json!({"func": "exact_match", "result": getter, "expected": {"type": "rule", "rules": {"expected": expected}}});
    let chrome = |text| Stub { files: BTreeMap::from([(preferences, text)]), ..Stub::default() };
    let other = LastAction::Other;
    let tracking = exact(json!({"type": "enable_do_not_track"}), json!("true"));
    check(&tracking, chrome(r#"{"enable_do_not_track": true}"#), other, expect!["1, 1 asked"]);
    check(&tracking, chrome("{}"), other, expect!["0, 1 asked"]);
    check(&tracking, Stub::default(), other, expect!["0, 1 asked"]);
    let startup = exact(json!({"type": "new_startup_page"}), json!("true"));
    check(&startup, chrome(r#"{"session": {"restore_on_startup": 5}}"#), other, expect!["1, 1 asked"]);
    check(&startup, chrome(r#"{"session": {"restore_on_startup": 1}}"#), other, expect!["0, 1 asked"]);
    check(&startup, chrome("{}"), other, expect!["1, 1 asked"]);
    let extension = json!({
        "func": "is_in_list", "result": {"type": "find_unpacked_extension_path"},
        "expected": {"type": "rule", "rules": {"expected": "/x"}},
    });
    let installed = r#"{"extensions": {"settings": {"q": {"path": "/x"}, "r": {"path": "/y"}}}}"#;
    check(&extension, chrome(installed), other, expect!["1, 1 asked"]);
    let tree = r#"<d><application name="Google Chrome"><entry name="Address and search bar">x.com/q?a=1+2&amp;c=3,4</entry></application></d>"#;
    let page = || Stub { tree, ..Stub::default() };
    let address = json!({"type": "active_url_from_accessTree", "goto_prefix": "https://www."});
    check(&exact(address.clone(), json!("https://www.x.com/q?a=1+2&c=3,4")), page(), other, expect!["1, 1 asked"]);
    check(&exact(address, json!("x")), Stub::default(), other, expect!["0, 1 asked"]);
    let query = json!({"type": "active_tab_url_parse", "parse_keys": ["a", "c", "z"], "replace": {"a": "b"}, "split_list": true});
    check(&exact(query, json!({"b": ["1 2"], "c": ["3", "4"], "z": [""]})), page(), other, expect!["1, 1 asked"]);
    let part = json!({"type": "url_dashPart", "partIndex": -1, "needDeleteId": true, "returnType": "json", "key": "k"});
    check(&exact(part, json!({"k": "q"})), page(), other, expect!["1, 1 asked"]);
    let file = json!({"type": "vm_file", "multi": true, "path": ["/x", "/none"], "dest": ["x", "y"], "gives": [0, 1]});
    check(
        &exact(file, json!(null)),
        Stub { files: BTreeMap::from([("/x", "1")]), ..Stub::default() },
        other,
        expect!["0, 2 asked"],
    );
    let vlc = json!({
        "func": "check_qt_bgcone", "result": {"type": "vlc_config", "dest": "vlcrc"},
        "expected": {"type": "rule", "rules": {"expected_qt_bgcone": 0}},
    });
    check(
        &vlc,
        Stub::default(),
        other,
        expect![
            "check_qt_bgcone gave no score: what was found cannot be judged: ~/.config/vlc/vlcrc is not there, 1 asked"
        ],
    );
    let day = json!({
        "func": "check_direct_json_object", "result": {"type": "rule", "rules": {"time": "Fri, Dec 4"}},
        "expected": {"type": "rule_relativeTime", "rules": {"relativeTime": {"from": "next Friday"}, "expected": {"time": "{DoW}, {Month} {DayD}"}}},
    });
    check(&day, Stub::default(), other, expect!["1, 1 asked"]);
}

/// Every task of both sets, on a device that has nothing: each ends, none needs more rounds than there are, and what cannot be
/// judged is an error of a kind that says why.
#[test]
fn every_task_ends_on_an_empty_device() {
    for name in ["osworld/osworld-tasks.tar.gz", "osworld-315a760/osworld-tasks-315a760.tar.gz"] {
        let Some(path) = shared::data(name) else { continue };
        let set = TaskSet::load(&path).unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for task in &set.tasks {
            let evaluator = &task.evaluator;
            let kind =
                match evaluator.score_with(LastAction::Other, &mut Stub::default(), &mut StateSnapshot::default()) {
                    Ok(0.0) => "score 0",
                    Ok(1.0) => "score 1",
                    Ok(_) => "a fraction",
                    Err(error) => match error.kind {
                        EvaluatorErrorKind::NotNative { .. } => "not native",
                        EvaluatorErrorKind::Fetch { .. } => "not fetched",
                        EvaluatorErrorKind::Output { .. } => "not there",
                        other => panic!("{}: {other}", task.id),
                    },
                };
            *counts.entry(kind).or_default() += 1;
            let given_up = evaluator.score_with(LastAction::Fail, &mut Stub::default(), &mut StateSnapshot::default());
            assert_eq!(given_up, Ok(f64::from(u8::from(task.is_infeasible()))), "{}", task.id);
        }
        assert_eq!(counts.values().sum::<usize>(), 369);
        assert!(
            counts["score 0"] > 100 && counts["not native"] > 0 && !counts.contains_key("a fraction"),
            "{counts:?}"
        );
        // Tasks that start as they are to end.
        assert!(counts.get("score 1").copied().unwrap_or(0) < 10, "{counts:?}");
    }
}
