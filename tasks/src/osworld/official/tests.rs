//! The sidecar with a checkout of our own in place of OSWorld's: what it gives, and all the ways in which it gives none.

use std::io::Write as _;
use std::process::Command;

use tapwright_osworld::state::{StateReply, StateRequest};

use super::*;

const NAMES: &str = "from .own import exact_match, fuzzy_match, literal_match, is_in_list, match_in_list, check_csv, file_contains, \
    check_json, check_list, run_sqlite3, is_utc_0, diff_text_file\nfrom .lacking import compare_audios\n\
    from .swallowing import compare_videos\n";
const FUNCTIONS: &str = r#"
import os, socket, time
def exact_match(result, rules):
    print('{"score": 1.0, "version": "printed"}')
    return 0.25 if result == rules["expected"] else 0
def fuzzy_match(result, rules): time.sleep(60)
def literal_match(result, rules, **options): os._exit(3)
def is_in_list(result, rules): return "much"
def match_in_list(result, rules): return float("nan")
def check_csv(result, rules): return 7
def file_contains(result, rules):
    with open(result) as file:
        return file.read() == "content" and os.path.basename(result) == "a.txt" and "SECRET" not in os.environ
def check_json(result, rules): raise KeyError("key")
def check_list(result, rules): return bytearray(16 << 30)
def run_sqlite3(result, rules): socket.create_connection(("127.0.0.1", 9), 1)
def is_utc_0(result): return None
def diff_text_file(result, expected): return 1.0 if result is None else 0.0
"#;

struct Checkout {
    _folder: tempfile::TempDir,
    evaluator: OfficialEvaluator,
}

/// `None`, after saying so, where there is no Python.
fn checkout() -> Option<Checkout> {
    let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let Some(python) = found.ok().filter(|found| found.status.success()) else {
        let _ = writeln!(io::stderr(), "SKIPPED, as there is no python3");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let metrics = folder.path().join("desktop_env/evaluators/metrics");
    fs::create_dir_all(&metrics).unwrap();
    for (name, text) in
        [("__init__.py", NAMES), ("own.py", FUNCTIONS), ("lacking.py", "import fitz_of_nobody, librosa_of_nobody\n")]
    {
        fs::write(metrics.join(name), text).unwrap();
    }
    // What catches the error of a package that is not there, and calls it a 0.
    let swallowing = "import acoustid\ndef compare_videos(result, expected):\n    try:\n        acoustid.compare(result)\n    except Exception:\n        return 0.0\n";
    fs::write(metrics.join("swallowing.py"), swallowing).unwrap();
    let evaluator = OfficialEvaluator {
        python: String::from_utf8_lossy(&python.stdout).trim().into(),
        checkout: Some(folder.path().to_owned()),
        scratch: folder.path().to_owned(),
        within: Duration::from_secs(20),
    };
    Some(Checkout { _folder: folder, evaluator })
}

async fn call(of: &OfficialEvaluator, function: &str, result: GetterOutput) -> Result<f64, String> {
    let expected = GetterOutput::Value(json!({"expected": "1"}));
    let function = MetricFunction::find(function).unwrap();
    let expected = (function.name != "is_utc_0").then_some(&expected);
    let inputs = MetricInputs { result: &result, expected, options: &Map::new() };
    of.call(function, &inputs).await.map(|(score, version)| {
        assert!(version.starts_with("checkout, "), "{version}");
        score
    })
}

fn word(text: &str) -> GetterOutput {
    GetterOutput::Value(json!(text))
}

#[tokio::test]
async fn functions_give_scores_and_whatever_else_they_do_is_an_error() {
    let Some(checkout) = checkout() else { return };
    let of = &checkout.evaluator;
    assert_eq!(call(of, "exact_match", word("1")).await, Ok(0.25));
    assert_eq!(call(of, "exact_match", word("2")).await, Ok(0.0));
    assert_eq!(call(of, "diff_text_file", GetterOutput::nothing()).await, Ok(1.0));
    let file = |name: &str| GetterOutput::File(StateFile::new(name, *b"content"));
    assert_eq!(call(of, "file_contains", file("/home/user/a.txt")).await, Ok(1.0));
    assert_eq!(call(of, "file_contains", file("../../a.txt")).await, Ok(1.0));
    assert_eq!(call(of, "file_contains", file("https://a.example.org/a.txt?x=1#y")).await, Ok(1.0));
    let named = |name: &str| file_name(&StateFile::new(name, *b""));
    assert_eq!(named("/home/user/Serial#1?.xlsx"), "Serial#1?.xlsx", "functions go by how a name ends");
    for (function, why) in [
        ("literal_match", "no answer"),
        ("is_in_list", "no number"),
        ("match_in_list", "nan"),
        ("check_csv", "7 is no score"),
        ("check_json", "KeyError"),
        ("check_list", "memory"),
        ("run_sqlite3", "no network"),
        ("is_utc_0", "None"),
        ("compare_audios", "it needs the package fitz_of_nobody"),
        ("compare_videos", "it needs the package pyacoustid: install it into the environment by hand"),
        ("compare_table", "this version has no function compare_table"),
        ("check_python_file_by_test_suite", "a program that the agent has written"),
    ] {
        let said = call(of, function, word("1")).await.expect_err(function);
        assert!(said.contains(why), "{function}: {said}");
    }
    let impatient = OfficialEvaluator { within: Duration::from_secs(2), ..of.clone() };
    let said = call(&impatient, "fuzzy_match", word("1")).await.unwrap_err();
    assert!(said.contains("was not done within 2 s"), "{said}");
    let nobody = OfficialEvaluator { python: "/no/such/python".into(), ..of.clone() };
    assert!(call(&nobody, "exact_match", word("1")).await.is_err());
    let left = fs::read_dir(&of.scratch).unwrap().filter_map(Result::ok);
    let left: Vec<_> = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("tapwright-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn both_say_where_they_do_not_agree_and_whose_a_score_is() {
    let Some(checkout) = checkout() else { return };
    let task = |function: &str| {
        let source = format!(
            r#"{{"id": "a", "instruction": "x", "evaluator": {{"func": "{function}",
            "result": {{"type": "vm_command_line", "command": "echo"}},
            "expected": {{"type": "rule", "rules": {{"expected": "1"}}}}}}}}"#
        );
        OsworldTask::read("a.json", "os", &source).unwrap()
    };
    let exact = task("exact_match");
    let mut snapshot = StateSnapshot::default();
    for request in exact.evaluator.needs(&snapshot) {
        assert!(matches!(request, StateRequest::Command { .. }));
        snapshot.replies.insert(request, StateReply::Command { output: "1".to_owned(), error: String::new() });
    }
    let official = EvaluatorChoice::Official(checkout.evaluator.clone());
    let both = EvaluatorChoice::Both(checkout.evaluator.clone());
    let (score, source) = both.score(&exact, LastAction::Other, &snapshot).await.unwrap();
    assert!(score == 0.25 && source.by.starts_with("official: checkout, "), "{score} {source:?}");
    assert_eq!(source.disagreement.as_deref(), Some("native gives 1"));
    let (score, source) = EvaluatorChoice::Native.score(&exact, LastAction::Other, &snapshot).await.unwrap();
    assert_eq!((score, source), (1.0, ScoreSource::native()));
    // Whoever says that it cannot be done is scored by that, and nobody is asked.
    let (score, source) = official.score(&exact, LastAction::Fail, &snapshot).await.unwrap();
    assert_eq!((score, source), (0.0, ScoreSource::native()));
    // What only one of them can score is scored by that one.
    let list = task("is_in_list");
    let (score, source) = both.score(&list, LastAction::Other, &snapshot).await.unwrap();
    assert_eq!((score, source.by.as_str()), (1.0, "native"));
    assert!(source.disagreement.unwrap().starts_with("official gives none: is_in_list"));
    assert!(official.score(&list, LastAction::Other, &snapshot).await.is_err());
    let nothing = StateSnapshot::default();
    assert!(
        both.score(&exact, LastAction::Other, &nothing).await.unwrap_err().contains("1 more would have to be asked")
    );
}
