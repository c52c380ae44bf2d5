//! Mistakes in task files: each is named, with its place and what to write.

use expect_test::{Expect, expect};
use tapwright_osworld::task::OsworldTask;

const GOOD: &str = r#"{
  "id": "a",
  "instruction": "Do it",
  "config": [
    {"type": "sleep", "parameters": {"seconds": 1}}
  ],
  "evaluator": {
    "func": "exact_match",
    "result": {"type": "vm_command_line", "command": "date"},
    "expected": {"type": "rule", "rules": {"expected": "x"}}
  }
}"#;

fn check(change: (&str, &str), expected: Expect) {
    let text = GOOD.replacen(change.0, change.1, 1);
    assert_ne!(text, GOOD, "{change:?}");
    let said = match OsworldTask::read("examples/os/a.json", "os", &text) {
        Ok(_) => "no mistake".to_owned(),
        Err(defects) => defects.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    expected.assert_eq(&said);
}

#[test]
fn mistakes_are_named_with_their_places() {
    OsworldTask::read("examples/os/a.json", "os", GOOD).unwrap();
    check(
        (r#""sleep""#, r#""slepp""#),
        expect!["examples/os/a.json:5:6: there is no verb `slepp`; did you mean `sleep`?"],
    );
    check(
        (r#""seconds": 1"#, r#""second": 1"#),
        expect![[r#"
            examples/os/a.json:5:38: `sleep` has no parameter `second`; did you mean `seconds`?
            examples/os/a.json:5:23: `seconds` is missing"#]],
    );
    check(
        (r#""seconds": 1"#, r#""seconds": "1""#),
        expect!["examples/os/a.json:5:38: `seconds` is a text, not a number"],
    );
    check(
        ("exact_match", "exact_matched"),
        expect!["examples/os/a.json:8:5: there is no evaluator function `exact_matched`; did you mean `exact_match`?"],
    );
    check(
        ("vm_command_line", "vm_comand_line"),
        expect!["examples/os/a.json:9:16: there is no getter `vm_comand_line`; did you mean `vm_command_line`?"],
    );
    check(
        (r#""command": "date""#, r#""commands": "date""#),
        expect![[r#"
            examples/os/a.json:9:43: the getter `vm_command_line` has no key `commands`; did you mean `command`?
            examples/os/a.json:9:5: `command` is missing"#]],
    );
    check(
        (r#""instruction""#, r#""instructions""#),
        expect![[r#"
            examples/os/a.json:3:3: a task has no key `instructions`; did you mean `instruction`?
            examples/os/a.json:1:1: `instruction` is missing"#]],
    );
    check(
        (r#""id": "a""#, r#""id": "b""#),
        expect![[r#"examples/os/a.json:2:3: the id is "b", but the file is called "a""#]],
    );
    check(
        (r#""func": "exact_match""#, r#""func": ["exact_match", "exact_match"], "conj": "xor""#),
        expect!["examples/os/a.json:8:45: there is no conjunction `xor`; there are: and, or"],
    );
    check(
        (r#""func": "exact_match""#, r#""func": ["exact_match"]"#),
        expect![[r#"
        examples/os/a.json:9:5: `result` is an object; with a list of functions it is a list
        examples/os/a.json:10:5: `expected` is an object; with a list of functions it is a list
        examples/os/a.json:8:14: `exact_match` has no `result` to judge"#]],
    );
    check(
        (r#""func": "exact_match""#, r#""options": {"ignore": 1}, "func": "exact_match""#),
        expect!["examples/os/a.json:8:17: `exact_match` has no option `ignore`; it takes none"],
    );
    check((r#"{"type": "rule","#, r#"{"#), expect!["examples/os/a.json:10:5: a getter has no text `type`"]);
    check(
        (r#""evaluator""#, r#""evaluators""#),
        expect![[r#"
            examples/os/a.json:7:3: a task has no key `evaluators`; did you mean `evaluator`?
            examples/os/a.json:1:1: `evaluator` is missing"#]],
    );
    check(
        (r#"{"seconds": 1}}"#, r#"{"seconds": 1}"#),
        expect!["examples/os/a.json:6:3: it is no JSON: expected `,` or `}` at line 6 column 3"],
    );
    check((GOOD, "[]"), expect!["examples/os/a.json:1:1: a task is an object"]);
    check((r#""func": "exact_match""#, r#""_note": 1, "func": "exact_match""#), expect!["no mistake"]);
    check(
        (
            r#""func": "exact_match",
    "result": {"type": "vm_command_line", "command": "date"},
    "expected": {"type": "rule", "rules": {"expected": "x"}}"#,
            r#""func": "check_list",
    "result": {"type": "vm_file", "path": "/x", "dest": "x"},
    "expected": {"type": "rule", "rules": {"expect": ["a", "(b"]}}"#,
        ),
        expect![[
            r#"examples/os/a.json:10:60: the pattern "(b" cannot be read: Parsing error at position 2: Opening parenthesis without closing parenthesis"#
        ]],
    );
}

/// What would be found only once a model was asked in vain.
#[test]
fn what_cannot_come_to_a_score_is_a_mistake() {
    check(
        (r#"{"expected": "x"}"#, r#"{"expcted": "x"}"#),
        expect![
            "examples/os/a.json:10:34: the rule of `exact_match` has no `expected`; it has `expcted`: did you mean `expected`?"
        ],
    );
    check(
        (r#"{"expected": "x"}"#, r#"["x"]"#),
        expect!["examples/os/a.json:10:34: the rule of `exact_match` is a list, not an object"],
    );
    for seconds in ["-5", "1e9"] {
        let text = GOOD.replace(r#""seconds": 1"#, &format!(r#""seconds": {seconds}"#));
        let defects = OsworldTask::read("examples/os/a.json", "os", &text).unwrap_err();
        assert_eq!(defects[0].to_string(), "examples/os/a.json:5:38: `seconds` is no time from 0 to 3600 s");
    }
    check(("Do it", " "), expect!["examples/os/a.json:3:3: the instruction is empty: it says what is to be done"]);
    let mistakes = |evaluator: &str| -> Vec<String> {
        let text = format!(r#"{{"id": "a", "instruction": "Do it", "evaluator": {evaluator}}}"#);
        match OsworldTask::read("examples/os/a.json", "os", &text) {
            Ok(_) => Vec::new(),
            Err(defects) => defects.iter().map(ToString::to_string).collect(),
        }
    };
    let file = r#""result": {"type": "vm_file", "path": "/x", "dest": "x"}"#;
    let with_rules = |function: &str, rules: &str| {
        mistakes(&format!(r#"{{"func": "{function}", {file}, "expected": {{"type": "rule", "rules": {rules}}}}}"#))
    };
    let prefs = |method: &str, pattern: &str| {
        let rule = format!(r#"{{"expect": {{"a": {{"method": "{method}", "ref": "{pattern}"}}}}}}"#);
        with_rules("check_thunderbird_prefs", &rule)
    };
    assert_eq!(prefs("re.S", "(a)"), Vec::<String>::new());
    assert_eq!(prefs("eq", "(("), Vec::<String>::new());
    for (method, pattern, why) in [("re.S", "((", "the pattern \"((\" cannot be read"), ("re.Q", "a", "no flag \"Q\"")]
    {
        let found = prefs(method, pattern);
        assert!(found.len() == 1 && found[0].contains(why), "{found:?}");
    }
    let found = with_rules("check_list", r#"{"expects": ["a"]}"#);
    assert!(found.len() == 1 && found[0].contains("has neither `expect` nor `unexpect`"), "{found:?}");
    let cloud = |address: &str| {
        let expected = format!(r#"{{"type": "cloud_file", "path": "{address}", "dest": "x"}}"#);
        mistakes(&format!(r#"{{"func": "diff_text_file", {file}, "expected": {expected}}}"#))
    };
    assert_eq!(cloud("https://example.org/x"), Vec::<String>::new());
    let found = cloud("file:///etc/passwd");
    assert!(found.len() == 1 && found[0].contains("no address of the web"), "{found:?}");
    let sleep = r#"{"type": "sleep", "parameters": {"seconds": 1}}"#;
    let fetch = r#"{"type": "download", "parameters": {"files": [{"url": "file:///etc/passwd", "path": "/x"}]}}"#;
    let defects = OsworldTask::read("examples/os/a.json", "os", &GOOD.replace(sleep, fetch)).unwrap_err();
    assert!(defects.len() == 1 && defects[0].why.contains("no address of the web"), "{defects:?}");
}
