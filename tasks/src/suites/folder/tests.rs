//! Mistakes in cases of somebody's own, and how such cases are judged.

use std::fs;

use expect_test::{Expect, expect};

use tapwright_agent::outcome::Outcome;

use super::expectation::matches;
use super::*;
use crate::judge::{Evidence, Facts, RecordedProbe};
use crate::suite::{CaseLimits, digest};

fn read(text: &str) -> Result<FolderSuite, Mistake> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cases.toml"), text).unwrap();
    FolderSuite::read(folder.path(), folder.path())
}

/// What is wrong, the text that is pointed at, and what to do.
fn check(text: &str, expected: Expect) {
    let Err(mistake) = read(text) else { panic!("nothing is wrong with {text}") };
    let at = mistake.at.clone().map_or("", |at| &mistake.text[at]);
    let at = at.lines().next().unwrap_or_default();
    expected.assert_eq(&format!("{} | {at} | {}", mistake.why, mistake.help.unwrap_or_default()));
}

const GOOD: &str = "[[case]]\nname = \"a\"\ngoal = \"g\"\nexpect = [{ fact = \"wifi.on\", is = \"true\" }]\n";

#[test]
fn mistakes_are_said_with_their_place() {
    check(
        "",
        expect![
            "there is no case in its files |  | add one: [[case]]; tapwright bench new FOLDER writes some to begin with"
        ],
    );
    check(
        "[[case]]\nname = \"a b\"\ngoal = \"g\"\n",
        expect![[r#""a b" is no name for a case | "a b" | letters, digits, `-` and `_`, up to 60"#]],
    );
    check(&format!("{GOOD}{GOOD}"), expect![[r#"there are two cases with the name `a` | "a" | "#]]);
    check("[[case]]\nname = \"a\"\ngoal = \" \"\n", expect![[r#"the goal is empty | " " | "#]]);
    check(
        "[[case]]\nname = \"a\"\ngoal = \"g\"\n",
        expect![[
            r#"nobody says what the case `a` wants | [[case]] | say what is true in the end: expect = [{ fact = "wifi.on", is = "true" }]"#
        ]],
    );
    check(&GOOD.replace("goal", "gaol"), expect!["there is no key `gaol` here | gaol | did you mean `goal`?"]);
    check(
        &GOOD.replace("wifi.on", "wifi.onn"),
        expect![[r#"there is no fact `wifi.onn` | { fact = "wifi.onn", is = "true" } | did you mean `wifi.on`?"#]],
    );
    check(
        &format!("{GOOD}start = [{{ fact = \"wifi.onn\", is = \"true\" }}]\n"),
        expect![
            "it cannot start so: there is no fact `wifi.onn` that can be set | { fact = \"wifi.onn\", is = \"true\" } | did you mean `wifi.on`?"
        ],
    );
    check(
        &GOOD.replace("fact = \"wifi.on\", is = \"true\"", "fact = \"wifi.onn\", gone = true"),
        expect![[
            r#"`wifi.onn` is not there when the case starts, so that it is gone says nothing | { fact = "wifi.onn", gone = true } | did you mean `wifi.on`?"#
        ]],
    );
    check(
        &format!("{GOOD}device = {{ kind = \"fridge\" }}\n"),
        expect![[
            r#"there is no device of the kind `fridge` for cases | "fridge" | kind = "virtual" is a phone of this program's, kind = "browser" a browser of its own"#
        ]],
    );
    check(
        &format!("{GOOD}device = {{ size = \"9x9\" }}\n"),
        expect![[r#"a display is 240 to 4096 pixels wide and 400 to 4096 high | "9x9" | "#]],
    );
    check(
        &format!("{GOOD}device = {{ apps = \"some\" }}\n"),
        expect![[r#"there are no apps `some` | "some" | write "basic" or "all""#]],
    );
    check(
        &format!("{GOOD}device = {{ kind = \"browser\" }}\n"),
        expect![[
            r#"a browser does not tell facts, so nothing can be made true of it or expected of it | [[case]] | expect something of the answer: answer = { contains = ["…"] }"#
        ]],
    );
    check(
        &GOOD.replace("is = \"true\"", "is = \"true\", gone = true"),
        expect![[
            r#"it does not say in one way what `wifi.on` is to be | { fact = "wifi.on", is = "true", gone = true } | write exactly one of is = "…", any_of = ["…"], matches = "… * …" and gone = true"#
        ]],
    );
    check(
        &format!("{GOOD}ends = [\"dnoe\"]\n"),
        expect![[r#"no run that is right ends with `dnoe` | ["dnoe"] | did you mean `done`?"#]],
    );
    check(
        &format!("{GOOD}ends = []\n"),
        expect![[
            r#"no run ends in one of no ways, so the case could never pass | [] | leave it out for `done`, or name some of: done, gave-up, needs-person"#
        ]],
    );
    check(
        &format!("{GOOD}answer = {{ }}\n"),
        expect![[r#"nobody says what the answer has to say | { } | answer = { contains = ["…"] }"#]],
    );
    check(&format!("{GOOD}limits = {{ steps = 0 }}\n"), expect!["a case may take no step | 0 | "]);
    check(
        &format!("{GOOD}device = {{ clock = \"tomorrow\" }}\n"),
        expect![[r#"`tomorrow` is no time | "tomorrow" | write it like "2026-01-05T09:30""#]],
    );
    let expects = |one: &str| GOOD.replace("{ fact = \"wifi.on\", is = \"true\" }", one);
    check(
        &expects("{ is = \"true\" }"),
        expect![[r#"it does not say what it is about | { is = "true" } | write exactly one of fact, rows and list"#]],
    );
    check(
        &expects("{ rows = \"notes\" }"),
        expect![[
            r#"it does not say what becomes of `notes` | { rows = "notes" } | write what comes and what goes, and nothing else: add = ["…"], remove = ["…"]"#
        ]],
    );
    check(
        &expects("{ rows = \"notes\", remove = [\"no such note\"] }"),
        expect![[
            r#"`no such note` is not among `notes` when the case starts | { rows = "notes", remove = ["no such note"] } | put it there by `start` first"#
        ]],
    );
    check(
        &expects("{ fact = \"wifi.on\", add = [\"x\"] }"),
        expect![[
            r#"`add` and `remove` say nothing of the fact `wifi.on` | { fact = "wifi.on", add = ["x"] } | write rows = or list = for what has several entries"#
        ]],
    );
    check(
        &expects("{ fact = \"notes.0\", matches = \"a*\", like = true }"),
        expect![[
            r#"`like` says nothing here | { fact = "notes.0", matches = "a*", like = true } | it goes with is, any_of, rows and list"#
        ]],
    );
    assert!(read("[[case]]\nname = ").is_err());
}

/// Its records would be judged anew by the other one.
#[test]
fn a_folder_has_no_name_of_a_suite_that_comes_with_the_program() {
    for name in ["phone", "smoke", "edge-cases", "miniwob", "osworld", "androidworld", "androidworld-server"] {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join(name);
        create(&at).unwrap();
        let mistake = FolderSuite::read(&at, folder.path()).err().unwrap();
        assert!(mistake.why.contains(name) && mistake.help.unwrap().contains("another name"), "{}", mistake.why);
    }
}

/// All that a case is judged by stands in the digest: else two measurements are compared that ask for different things.
#[test]
fn what_a_case_is_judged_by_is_in_the_digest() {
    let of = |text: &str| digest(&read(text).unwrap().cases);
    let change = |was: &str, is: &str| {
        assert!(GOOD.contains(was));
        GOOD.replace(was, is)
    };
    let is = "is = \"true\"";
    let more = |more: &str| format!("{GOOD}{more}\n");
    let all = [
        GOOD.to_owned(),
        change(is, "any_of = [\"true\"]"),
        change(is, "matches = \"true\""),
        change(is, "is = \"true or false\""),
        change(is, "any_of = [\"true\", \"false\"]"),
        change(is, "is = \"gone\""),
        change(is, "gone = true"),
        more("may_change = []"),
        more("may_change = [\"notes.\"]"),
        more("ends = [\"gave-up\"]"),
        more("answer = { contains = [\"a\"] }"),
        more("answer = { any_of = [\"a\"] }"),
        more("answer = { contains = [\"a\"], without = [\"b\"] }"),
    ];
    let digests: BTreeSet<String> = all.iter().map(|text| of(text)).collect();
    assert_eq!(digests.len(), all.len());
    assert_eq!(of(GOOD), of(GOOD));
}

/// Where this machine keeps its browsers is no part of what is measured.
#[test]
fn the_digest_of_a_browsers_case_is_the_same_on_each_machine() {
    let folder = tempfile::tempdir().unwrap();
    let of = |size: &str, profiles: &str| {
        let text = format!(
            "[[case]]\nname = \"a\"\ngoal = \"g\"\nanswer = {{ contains = [\"x\"] }}\ndevice = {{ kind = \"browser\", size = \"{size}\" }}\n"
        );
        fs::write(folder.path().join("cases.toml"), text).unwrap();
        digest(&FolderSuite::read(folder.path(), Path::new(profiles)).unwrap().cases)
    };
    assert_eq!(of("800x600", "/tmp"), of("800x600", "/home/someone/tmp"));
    assert_ne!(of("800x600", "/tmp"), of("800x700", "/tmp"));
}

#[test]
fn the_template_is_a_suite() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("mine/suite");
    create(&at).unwrap();
    let suite = FolderSuite::read(&at, folder.path()).unwrap();
    assert_eq!(suite.templates(), ["wifi-on", "note-down", "is-wifi-on", "no-such-person"]);
    assert_eq!(suite.case("wifi-on", 0).unwrap().limits, CaseLimits { steps_max: Some(15), minutes: Some(10) });
    let error = create(&at).unwrap_err();
    assert!(error.to_string().contains("not empty"), "nothing is written over: {error}");
}

#[tokio::test]
async fn what_a_case_wants_is_judged() {
    let text = r#"
[[case]]
name = "a"
goal = "g"
start = [{ fact = "alarms.07:05.on", is = "true" }]
expect = [
    { fact = "wifi.on", is = "true" }, { fact = "notes.0", matches = "buy * and *" },
    { fact = "alarms.07:05.on", gone = true }, { fact = "front", any_of = ["Notes", "Home"] },
]
answer = { contains = ["milk"], without = ["sorry"] }
may_change = ["notes."]
"#;
    let case = read(text).unwrap().case("a", 0).unwrap();
    let facts = |more: &[(&str, &str)]| -> Facts {
        let all = [("wifi.on", "true"), ("notes.0", "buy milk and bread"), ("front", "Home")];
        all.iter().chain(more).map(|(name, is)| ((*name).to_owned(), (*is).to_owned())).collect()
    };
    let start = facts(&[("wifi.on", "false"), ("alarms.07:05.on", "true")]);
    let done = |message: &str| Outcome::Done { message: message.to_owned() };
    for (end, outcome, against) in [
        (facts(&[]), done("Milk is on it."), None),
        (facts(&[("notes.1", "x")]), done("milk"), None),
        (facts(&[("wifi.on", "false")]), done("milk"), Some("`wifi.on` should be `true` and is `false`")),
        (facts(&[("notes.0", "buy milk")]), done("milk"), Some("`notes.0` should be `buy * and *` and is `buy milk`")),
        (facts(&[("alarms.07:05.on", "true")]), done("milk"), Some("`alarms.07:05.on` should be `gone` and is `true`")),
        (facts(&[("front", "Mail")]), done("milk"), Some("`front` should be `Notes or Home` and is `Mail`")),
        (facts(&[("dark.on", "true")]), done("milk"), Some("`dark.on` was changed, which nobody asked for")),
        (facts(&[]), done("bread"), Some("the answer should say `milk`, and is `bread`")),
        (facts(&[]), Outcome::OutOfSteps, Some("the run should end with done and ended with `out-of-steps`")),
    ] {
        let mut probe = RecordedProbe(&end);
        let evidence = Evidence { start: &start, end: &end, outcome: &outcome, probe: &mut probe, folder: None };
        assert_eq!(case.evaluator.evaluate(evidence).await.unwrap().as_deref(), against);
        assert_eq!(case.evaluator.is_unasked(&start, &end), end.contains_key("dark.on"));
    }
}

#[tokio::test]
async fn of_rows_and_lists_what_comes_and_goes_is_judged_and_all_others_stay() {
    let text = r#"
[[case]]
name = "a"
goal = "g"
device = { apps = "all", clock = "2023-10-15T15:34" }
start = [{ fact = "notes.count", is = "1" }, { fact = "notes.0", is = "old" }, { fact = "calendar.1.events", is = "09:00 Walk; 10:00 Call" }]
expect = [
    { rows = "notes", add = ["Buy milk"], like = true },
    { list = "calendar.1.events", add = ["11:00 Tea"], remove = ["10:00 Call"] },
]
may_change = ["calendar.1.count"]
"#;
    let case = read(text).unwrap().case("a", 0).unwrap();
    let crate::device::DeviceAddress::Virtual(phone) = &case.device else { panic!("it is a phone") };
    assert_eq!(phone.epoch, 1_697_384_040);
    let facts = |all: &[(&str, &str)]| -> Facts {
        all.iter().map(|(name, is)| ((*name).to_owned(), (*is).to_owned())).collect()
    };
    let start = facts(&[("notes.0", "old"), ("notes.count", "1"), ("calendar.1.events", "09:00 Walk; 10:00 Call")]);
    let tea = ("calendar.1.events", "11:00 Tea; 09:00 Walk");
    for (end, against) in [
        (facts(&[("notes.0", "buy milk."), ("notes.1", "old"), ("notes.count", "2"), tea]), None),
        (facts(&[("notes.0", "old"), ("notes.1", "buy milk"), tea, ("front", "com.tapwright.notes")]), None),
        (facts(&[("notes.0", "old"), ("notes.count", "1"), tea]), Some("`notes.*` should have `Buy milk` and has not")),
        (
            facts(&[("notes.0", "old"), ("notes.1", "Buy milk"), ("notes.2", "x"), tea]),
            Some("`notes.*` has `x`, which should not be there"),
        ),
        (
            facts(&[("notes.0", "old"), ("notes.1", "Buy milk"), ("calendar.1.events", "11:00 Tea")]),
            Some("`calendar.1.events` should have `09:00 Walk` and has not"),
        ),
        (
            facts(&[("notes.0", "old"), ("notes.1", "Buy milk"), tea, ("dark.on", "true")]),
            Some("`dark.on` was changed, which nobody asked for"),
        ),
    ] {
        let outcome = Outcome::Done { message: String::new() };
        let mut probe = RecordedProbe(&end);
        let evidence = Evidence { start: &start, end: &end, outcome: &outcome, probe: &mut probe, folder: None };
        assert_eq!(case.evaluator.evaluate(evidence).await.unwrap().as_deref(), against);
    }
}

#[test]
fn a_star_stands_for_anything() {
    for (pattern, text, is) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a*", "ab", true),
        ("*b", "ab", true),
        ("*", "", true),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "a1c2b", false),
        ("ab*ba", "aba", false),
        ("a*a*a", "aa", false),
        ("é*", "éx", true),
    ] {
        assert_eq!(matches(pattern, text), is, "{pattern} {text}");
    }
}
