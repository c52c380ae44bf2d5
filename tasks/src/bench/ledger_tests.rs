//! What a ledger keeps to, whatever happens to its file.

use std::fs;

use tapwright_agent::limits::Limits;

use super::*;
use crate::policy::Preset;
use crate::settings::default_limits;
use crate::suite::CaseSelection;

fn header() -> LedgerHeader {
    let limits: Limits = default_limits();
    let measurement = serde_json::json!({
        "program": "0", "cases": "c", "selection": CaseSelection { first: 0, count: 2, template: None, only: Vec::new() },
        "limits": limits, "policy": Preset::Trusting.policy(), "date": "d", "weather": [], "weather_seed": 0,
        "model": {"about": "m", "sha256": null, "sampled": false, "profile": "", "provider": "cpu"},
    });
    LedgerHeader {
        version: 0,
        suite: "s".to_owned(),
        run: "r".to_owned(),
        model: "m".to_owned(),
        started: 7,
        measurement: serde_json::from_value(measurement).unwrap(),
        cases: vec!["a/0".to_owned(), "b/1".to_owned()],
        groups: BTreeMap::new(),
        repeats: 1,
        apps: None,
        budgets: Budgets::default(),
        rigs: Vec::new(),
        evaluator: None,
        refuses_untrained: false,
    }
}

fn id(case: &str, attempt: u32) -> AttemptId {
    AttemptId { case: case.to_owned(), repeat: 1, attempt }
}

fn begun(case: &str, attempt: u32) -> LedgerLine {
    LedgerLine::Begun { id: id(case, attempt), run: format!("run-{attempt}") }
}

fn ended(case: &str, attempt: u32, status: Status) -> LedgerLine {
    let score = (status == Status::Scored).then_some(1.0);
    let end = crate::bench::attempt::blank_end(&id(case, attempt), &format!("run-{attempt}"), "g", "w");
    LedgerLine::Ended(Box::new(AttemptEnd { status, score, ..end }))
}

fn status(records: &LedgerRecords, case: &str) -> Option<Status> {
    records.standing(case, 1).result().map(|end| end.status)
}

#[test]
fn what_was_written_is_read_again_and_a_torn_line_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(folder.path(), header()).unwrap();
    ledger.write(9, begun("a/0", 1)).unwrap();
    ledger.write(3, ended("a/0", 1, Status::Scored)).unwrap(); // The clock was set back.
    ledger.write(4, begun("b/1", 1)).unwrap();
    let written = ledger.records.clone();
    drop(ledger);
    assert_eq!(LedgerRecords::read(folder.path()).unwrap(), written);
    let at = folder.path().join(LEDGER);
    let whole = fs::read_to_string(&at).unwrap();
    for torn in ["{", "{\"seq\":4,\"at\":1,\"ended\":{\"case\":\"b/1\"", "\u{fffd}"] {
        fs::write(&at, format!("{whole}{torn}")).unwrap();
        let mut ledger = Ledger::take_up(folder.path()).unwrap();
        assert_eq!(ledger.records, written);
        assert_eq!(fs::read_to_string(&at).unwrap(), whole, "nothing follows a torn line");
        assert!(ledger.records.standing("b/1", 1).is_open(0, false), "it was killed, and is not lost");
        ledger.write(5, begun("b/1", 2)).unwrap();
        drop(ledger);
        fs::write(&at, &whole).unwrap();
    }
}

/// At every byte at which a machine can stop, the ledger is read again, and says no more than was written.
#[test]
fn it_is_read_wherever_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(folder.path(), header()).unwrap();
    let first = fs::metadata(folder.path().join(LEDGER)).unwrap().len() as usize;
    ledger.write(1, begun("a/0", 1)).unwrap();
    ledger.write(2, ended("a/0", 1, Status::SetupError)).unwrap();
    ledger.write(3, begun("a/0", 2)).unwrap();
    ledger.write(4, ended("a/0", 2, Status::Scored)).unwrap();
    drop(ledger);
    let at = folder.path().join(LEDGER);
    let whole = fs::read(&at).unwrap();
    for cut in first..=whole.len() {
        fs::write(&at, &whole[..cut]).unwrap();
        let standing = LedgerRecords::read(folder.path()).unwrap().standing("a/0", 1);
        assert!(standing.begun <= 2 && standing.ended.len() <= 2);
        assert_eq!(standing.is_open(2, false), cut < whole.len(), "{cut} of {}", whole.len());
    }
    for cut in 0..first {
        fs::write(&at, &whole[..cut]).unwrap();
        assert!(matches!(LedgerRecords::read(folder.path()), Err(LedgerError::Broken { line: 1, .. })), "{cut}");
    }
}

#[test]
fn two_runners_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path(), header()).unwrap();
    let Err(LedgerError::Busy { at }) = Ledger::take_up(folder.path()).map(drop) else {
        panic!("two of them write it")
    };
    assert_eq!(at, folder.path());
    assert!(LedgerRecords::read(folder.path()).is_ok(), "who only reads it may");
    drop(ledger);
    Ledger::take_up(folder.path()).unwrap();
}

#[test]
fn only_what_is_around_the_agent_is_tried_again_and_not_for_ever() {
    let standing = |statuses: &[Status]| {
        let mut standing = CaseStanding::default();
        for (number, status) in (1..).zip(statuses) {
            let LedgerLine::Ended(end) = ended("a/0", number, *status) else { unreachable!("it has ended") };
            standing.begun = number;
            standing.ended.push(*end);
        }
        standing
    };
    for (statuses, now, later) in [
        (&[][..], true, true),
        (&[Status::Scored], false, false),
        (&[Status::Timeout], false, false),
        (&[Status::SetupError], true, true),
        (&[Status::DeviceError, Status::EvaluatorError], true, true),
        (&[Status::SetupError, Status::SetupError, Status::SetupError], false, false),
        // The sitting in which the model cannot be asked does not ask it again; another one does.
        (&[Status::AgentError], false, true),
        (&[Status::AgentError, Status::AgentError, Status::AgentError], false, false),
        // Who stops it, or kills it, does not use up its tries.
        (&[Status::Cancelled, Status::Cancelled, Status::Cancelled, Status::Cancelled], false, true),
        (&[Status::SetupError, Status::Scored], false, false),
    ] {
        let standing = standing(statuses);
        assert_eq!((standing.is_open(2, true), standing.is_open(2, false)), (now, later), "{statuses:?}");
    }
    // An error that is certain to come again is not paid for again.
    let mut certain = standing(&[Status::EvaluatorError]);
    certain.ended[0].is_certain = true;
    assert_eq!((certain.is_open(2, true), certain.is_open(2, false)), (false, false));
    assert_eq!(standing(&[Status::SetupError, Status::Timeout]).result().unwrap().status, Status::Timeout);
}

#[test]
fn what_nobody_can_have_written_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join(LEDGER);
    let mut ledger = Ledger::create(folder.path(), header()).unwrap();
    ledger.write(1, begun("a/0", 1)).unwrap();
    ledger.write(2, ended("a/0", 1, Status::Scored)).unwrap();
    drop(ledger);
    let whole = fs::read_to_string(&at).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let entry = |seq: u64, line: LedgerLine| serde_json::to_string(&LedgerEntry { seq, at: 0, line }).unwrap();
    let mut outside = ended("b/1", 1, Status::Scored);
    if let LedgerLine::Ended(end) = &mut outside {
        end.run = "../../home".to_owned();
    }
    for (text, line, why) in [
        (format!("{whole}what?\n"), 4, "not a line"),
        (format!("{whole}{}\n", lines[2]), 4, "where line 3 belongs"),
        (format!("{}\n{}\n", lines[0], lines[2]), 2, "where line 1 belongs"),
        (format!("{whole}{}\n", entry(3, ended("a/0", 1, Status::Scored))), 4, "was not begun"),
        (format!("{whole}{}\n", entry(3, begun("a/0", 2))), 4, "is scored already"),
        (format!("{whole}{}\n", entry(3, begun("b/1", 2))), 4, "cannot begin after 0"),
        (format!("{whole}{}\n{}\n", entry(3, begun("b/1", 1)), entry(4, outside)), 5, "was not begun"),
        (format!("{whole}{}\n", lines[0].replace("\"seq\":0", "\"seq\":3")), 4, "second first line"),
        (whole.replace("\"version\":1", "\"version\":99"), 1, "version 99"),
        // What somebody sent is gone on with at one's own cost, and printed at one's own terminal.
        (whole.replace("\"repeats\":1", "\"repeats\":4294967295"), 1, "repeats: 4294967295"),
        (whole.replace("\"count\":2", "\"count\":1000000000000"), 1, "cases to draw: 1000000000000"),
        (whole.replace("\"date\":\"d\"", &format!("\"date\":\"{}\"", "d".repeat(99))), 1, "letters of a day: 99"),
        (whole.replace("\"score\":1.0", "\"score\":1e308"), 3, "do not go together"),
        (whole.replace("\"score\":1.0", "\"score\":-1.0"), 3, "do not go together"),
        (whole.replace("\"score\":1.0,", ""), 3, "do not go together"),
        (whole.replace("\"scored\"", "\"timeout\""), 3, "do not go together"),
        (whole.replace("\"case\":\"a/0\"", "\"case\":\"c/0\""), 2, "c/0 is not measured"),
        (whole.replace("\"repeat\":1,", "\"repeat\":2,"), 2, "is not measured, or not 2 times"),
        (format!("{whole}{}\n", entry(3, ended("c/0", 1, Status::SetupError))), 4, "no attempt at c/0"),
        (whole.replace("run-1", "http:evil.example"), 2, "is not the name"),
        (whole.replace("run-1", "a\\u001b[2J"), 2, "is not the name"),
        (whole.replace("run-1", ".."), 2, "is not the name"),
        (whole.replace("run-1", "a?b"), 2, "is not the name"),
        (whole.replace("[\"a/0\",\"b/1\"]", "[\"a/0\",\"a/0\"]"), 1, "not told apart"),
    ] {
        fs::write(&at, &text).unwrap();
        let error = Ledger::take_up(folder.path()).map(drop).unwrap_err();
        assert!(
            matches!(&error, LedgerError::Broken { line: at, why: what, .. } if *at == line && what.contains(why)),
            "{why}: {error}"
        );
        assert!(fs::read_to_string(&at).unwrap() == text, "it stays as it is");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_ledger_is_not_followed() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(Ledger::create(home.path(), header()).unwrap());
    for name in [LEDGER, LOCK] {
        let at = folder.path().join(name);
        let _ = fs::remove_file(&at);
        std::os::unix::fs::symlink(home.path().join(name), &at).unwrap();
        assert!(matches!(Ledger::take_up(folder.path()), Err(LedgerError::File { .. })), "{name}");
        fs::remove_file(at).unwrap();
    }
}

/// A disk that is full takes a part of a line, or nothing: no line follows, and what was there stands.
#[cfg(target_os = "linux")]
#[test]
fn nothing_follows_a_line_that_could_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(folder.path(), header()).unwrap();
    ledger.write(1, begun("a/0", 1)).unwrap();
    let whole = std::mem::replace(&mut ledger.file, OpenOptions::new().append(true).open("/dev/full").unwrap());
    assert!(matches!(ledger.write(2, ended("a/0", 1, Status::Scored)), Err(LedgerError::File { .. })));
    ledger.file = whole;
    assert!(ledger.write(3, ended("a/0", 1, Status::Scored)).is_err(), "a torn line may be before it");
    drop(ledger);
    let ledger = Ledger::take_up(folder.path()).unwrap();
    assert_eq!((status(&ledger.records, "a/0"), ledger.records.attempts()), (None, 1));
}

/// What would make it too long to be read again is not written, and what was there stands.
#[test]
fn no_line_makes_it_longer_than_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(folder.path(), header()).unwrap();
    ledger.write(1, begun("a/0", 1)).unwrap();
    let whole = fs::read(folder.path().join(LEDGER)).unwrap();
    assert_eq!(ledger.records.bytes, whole.len() as u64);
    ledger.records.bytes = JOURNAL_BYTES_MAX - 10;
    let error = ledger.write(2, ended("a/0", 1, Status::Scored)).unwrap_err();
    assert!(error.help().contains("measure the rest anew"), "{}", error.help());
    drop(ledger);
    assert_eq!(fs::read(folder.path().join(LEDGER)).unwrap(), whole);
    assert!(Ledger::take_up(folder.path()).is_ok());
}

#[test]
fn a_verdict_takes_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(folder.path(), header()).unwrap();
    ledger.write(1, begun("a/0", 1)).unwrap();
    ledger.write(2, ended("a/0", 1, Status::Scored)).unwrap();
    let verdict = Verdict::Failed { why: "no".to_owned() };
    assert_eq!(ledger.records.judge(), JudgeIdentity { program: "0".to_owned(), cases: "c".to_owned() });
    let judge = JudgeIdentity { program: "1".to_owned(), cases: "d".to_owned() };
    let (unasked, by) = (Some(true), Some(judge.clone()));
    let rescored =
        LedgerLine::Rescored(Rescored { id: id("a/0", 1), verdict, score: None, source: None, unasked, judge: by });
    ledger.write(3, rescored).unwrap();
    drop(ledger);
    // As lines of before were.
    let at = folder.path().join(LEDGER);
    let mut text = fs::read_to_string(&at).unwrap();
    text += "{\"seq\":4,\"at\":4,\"rescored\":{\"case\":\"a/0\",\"repeat\":1,\"attempt\":1,\"verdict\":\"failed\",\"why\":\"no\"}}\n";
    fs::write(&at, text).unwrap();
    let records = LedgerRecords::read(folder.path()).unwrap();
    assert_eq!((records.judge(), records.standing("a/0", 1).result().unwrap().unasked), (judge, true));
    let end = records.standing("a/0", 1).result().cloned().unwrap();
    assert_eq!((end.score, end.why.as_deref(), records.rescored), (Some(0.0), Some("no"), 2));
}
