//! Input that is damaged or made to hurt: an error of the evaluator in bounded time, never a zero and never a crash.

use serde_json::{Map, Value, json};
use tapwright_osworld::metrics::MetricFunction;
use tapwright_osworld::output::{GetterOutput, MetricInputs, StateFile};

fn score(function: &str, result: &GetterOutput, rules: Value) -> Result<f64, String> {
    let expected = GetterOutput::Value(rules);
    let options = match function {
        "check_json" => json!({"is_yaml": true}).as_object().cloned().unwrap_or_default(),
        _ => Map::new(),
    };
    let inputs = MetricInputs { result, expected: Some(&expected), options: &options };
    MetricFunction::find(function).unwrap().score(&inputs).map_err(|error| error.to_string())
}

fn file(text: impl AsRef<[u8]>) -> GetterOutput {
    GetterOutput::File(StateFile::new("it", text.as_ref()))
}

/// Functions that read XML, each with a rule of its own.
const READ_XML: [(&str, &str); 4] = [
    ("find_default_font", r#"{"font_name": "Arial"}"#),
    ("check_auto_saving_time", r#"{"minutes": 3}"#),
    ("check_presenter_console_disable", "null"),
    ("is_vlc_playing", r#"{"type": "file_name", "file_name": "x"}"#),
];

#[test]
fn xml_that_is_damaged_or_grows_is_an_error() {
    let laughs = "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]><r>&c;</r>";
    let outside = "<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><r>&a;</r>";
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let open = "<a b=\"".repeat(10_000);
    let cut = "<?xml version=\"1.0\"?>\n<oor:items xmlns:oor=\"http://openoffice.org/2001/registry\"><item oor:path=\"/org.ope";
    for text in [laughs, outside, &deep, &open, cut, "", "no xml", "<a></b>", "<a/><a/>"] {
        for (function, rules) in READ_XML {
            let result = score(function, &file(text), serde_json::from_str(rules).unwrap());
            assert!(result.is_err(), "{function}: {result:?} for {:?}", &text[..text.len().min(60)]);
        }
        for (function, rules) in
            [("check_accessibility_tree", json!([{"xpath": "//a"}])), ("check_left_panel", Value::Null)]
        {
            let result = score(function, &GetterOutput::Value(json!(text)), rules);
            assert!(result.is_err(), "{function}: {result:?} for {:?}", &text[..text.len().min(60)]);
        }
    }
    for (function, rules) in READ_XML {
        assert!(score(function, &file(b"<a>\xff</a>"), serde_json::from_str(rules).unwrap()).is_err(), "{function}");
    }
}

#[test]
fn patterns_that_explode_are_an_error() {
    let text = "a".repeat(60);
    let pattern = r"(?:(a|aa)+)(?!a)\1c";
    let calls = [
        ("check_list", file(&text), json!({"expect": [pattern]})),
        ("check_list", file(&text), json!({"unexpect": [pattern]})),
        ("is_expected_url_pattern_match", GetterOutput::Value(json!(text)), json!({"expected": [pattern]})),
        (
            "is_expected_search_query",
            GetterOutput::Value(json!({"url": text})),
            json!({"expect": {"pattern": pattern}}),
        ),
        ("check_json", file(format!("a: {text}")), json!({"expect": [{"key": ["a"], "method": "re", "ref": pattern}]})),
        (
            "check_thunderbird_prefs",
            file(format!("user_pref(\"a\", \"{text}\");")),
            json!({"expect": {"a": {"method": "re", "ref": pattern}}}),
        ),
    ];
    for (function, result, rules) in calls {
        let said = score(function, &result, rules).expect_err(function);
        assert!(said.contains("given up"), "{function}: {said}");
    }
    // Many lines share the steps, so that each being bounded is enough for all.
    let many = format!("{}\n", "a".repeat(20)).repeat(50_000);
    let said = score("check_list", &file(many), json!({"expect": [pattern]})).expect_err("too many steps");
    assert!(said.contains("given up"), "{said}");
    for broken in ["(", "[", "a\\", "(?P<n>", "x{5,2}", r"\q", &"(".repeat(3_000), "(a{1000}){1000}"] {
        assert!(score("check_list", &file("a"), json!({"expect": [broken]})).is_err(), "{broken}");
    }
}

#[test]
fn settings_that_grow_are_an_error() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (function, rules) in [
        ("check_json_settings", json!({"expected": {"a": 1}})),
        ("check_json_keybindings", json!({"expected": {"a": 1}})),
        ("compare_config", json!({"expected": "{}"})),
        ("check_json", json!({"expect": [{"key": ["a"], "method": "eq", "ref": 1}]})),
    ] {
        assert!(score(function, &file(&deep), rules).is_err(), "{function}");
    }
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")));
    }
    let rules = json!({"expect": [{"key": ["a0"], "method": "eq", "ref": 1}]});
    assert!(score("check_json", &file(&laughs), rules).expect_err("a bomb").contains("aliases"));
}

#[test]
fn databases_that_are_damaged_and_queries_without_end_are_errors() {
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT MAX(x) FROM n";
    for (bytes, sql) in [
        (&b"SQLite format 3\0"[..], "SELECT 1 FROM t"),
        (&b"SQLite format 3\0 cut off"[..], "SELECT COUNT(*) FROM sqlite_master"),
        (&b""[..], "SELECT COUNT(*) FROM messages"),
        (&b""[..], endless),
        (&b""[..], "ATTACH '/etc/passwd' AS x"),
        (&b""[..], "not sql"),
    ] {
        let result = score("run_sqlite3", &file(bytes), json!({"sql": sql}));
        assert!(result.is_err(), "{sql}: {result:?}");
    }
}

#[test]
fn what_is_not_there_or_of_another_kind_is_an_error_where_upstream_raises() {
    let nothing = GetterOutput::nothing();
    for (function, rules) in [
        ("check_qt_bgcone", json!({"expected_qt_bgcone": 0})),
        ("is_vlc_playing", json!({"type": "file_name", "file_name": "x"})),
        ("is_cookie_deleted", json!({"type": "domains", "domains": ["x"]})),
        ("check_history_deleted", json!({"type": "keywords", "keywords": ["x"]})),
        ("is_utc_0", Value::Null),
        ("check_moved_jpgs", json!({"expected": []})),
        ("run_sqlite3", json!({"sql": "SELECT 1"})),
        ("is_extension_installed", json!({"type": "contain", "expected": "x"})),
    ] {
        assert!(score(function, &nothing, rules).is_err(), "{function}");
    }
    // Missing keys of the rule, which are mistakes of the task.
    for function in ["exact_match", "is_in_list", "match_in_list", "check_json_settings", "check_font_size"] {
        let result = score(function, &GetterOutput::Value(json!({"a": 1})), json!({}));
        assert!(result.is_err(), "{function}: {result:?}");
    }
    let large = file(vec![b'a'; (64 << 20) + 1]);
    assert!(score("file_contains", &file("a"), json!({})).is_err());
    assert!(score("check_list", &large, json!({"expect": ["a"]})).expect_err("too large").contains("too large"));
}
