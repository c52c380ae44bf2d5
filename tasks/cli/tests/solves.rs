//! A script that really solves a task over two apps, by touching places on the screen, and all that is told of it.

mod program;

use std::fs;

use program::Place;
use serde_json::Value;

/// On the phone of seed 16, the usual one: the first row of Settings is Wi-Fi, the second one of Messages is Anna.
const SCRIPT: [&str; 7] = [
    r#"<think>1/2 Open Settings.</think><answer>do(action="Launch", app="Settings")</answer>"#,
    r#"<think>1/2 Wi-Fi is off. Tap it.</think><answer>do(action="Tap", element=[500,192])</answer>"#,
    r#"<think>Wi-Fi is on. 2/2 Open Messages.</think><answer>do(action="Launch", app="Messages")</answer>"#,
    r#"<think>2/2 Find Anna. Tap it.</think><answer>do(action="Tap", element=[400,269])</answer>"#,
    r#"<think>2/2 Tap the text field.</think><answer>do(action="Tap", element=[400,884])</answer>"#,
    r#"<think>2/2 Type the message.</think><answer>do(action="Type", text="on my way")</answer>"#,
    r#"<think>2/2 Send it.</think><answer>do(action="Tap", element=[917,806])</answer>"#,
];
const FINISH: &str = r#"<think>2/2 The message is sent.</think><answer>finish(message="All done.")</answer>"#;

const GOAL: &str = "Turn Wi-Fi on, then send \"on my way\" to Anna";

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["run", GOAL, "--model", "script:script.txt", "--start", "wifi.on=false"];
    arguments.extend(["--expect", "wifi.on=true", "--expect", "messages.Anna.last=me: on my way"]);
    arguments.extend(more);
    arguments
}

fn solve() -> (Place, Vec<Value>) {
    let place = Place::new();
    let mut script: Vec<&str> = SCRIPT.to_vec();
    script.push(FINISH);
    place.file("script.txt", &script.join("\n"));
    let ran = place.run(&arguments(&["--json"]));
    assert_eq!(ran.end_line(), "0 done passed", "{}{}", ran.out, ran.err);
    let lines = ran.lines();
    (place, lines)
}

#[test]
fn a_task_over_two_apps_is_solved_and_judged_by_the_phones_state() {
    let (place, lines) = solve();
    let (last, steps) = lines.split_last().unwrap();
    assert_eq!(steps.len(), 8);
    assert_eq!(last["steps"], 8);
    assert_eq!(last["message"], "All done.");
    assert_eq!(last["why"], Value::Null);
    let changed = last["changed"].as_array().unwrap();
    let change = |fact: &str| changed.iter().find(|change| change["fact"] == fact).unwrap_or_else(|| panic!("{fact}"));
    assert_eq!((&change("wifi.on")["was"], &change("wifi.on")["is"]), (&"false".into(), &"true".into()));
    assert_eq!(change("messages.Anna.last")["is"], "me: on my way");
    assert_eq!(change("front")["is"], "com.android.mms");

    for (n, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], n + 1);
        for key in ["look_ms", "think_ms", "ask_ms", "act_ms", "tokens_in", "tokens_out"] {
            assert!(step[key].is_u64(), "{key}: {step}");
        }
        let picture = step["picture"].as_str().unwrap();
        let record = place.path().join(last["record"].as_str().unwrap());
        assert!(record.join("pictures").join(format!("{picture}.png")).is_file());
    }
    assert_eq!(steps[1]["thought"], "1/2 Wi-Fi is off. Tap it.");
    assert_eq!(steps[1]["action"], r#"do(action="Tap", element=[500,192])"#);
    assert_eq!(steps[1]["summary"], "done");
    assert_eq!(steps[1]["app"], "Settings");
}

#[test]
fn a_script_that_forgets_to_send_has_not_passed() {
    let place = Place::new();
    let mut script: Vec<&str> = SCRIPT[..6].to_vec();
    script.push(FINISH);
    place.file("script.txt", &script.join("\n"));
    let ran = place.run(&arguments(&["--json"]));
    assert_eq!(ran.end_line(), "20 done failed", "{}", ran.err);
    let why = ran.last()["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("`messages.Anna.last` should be `me: on my way` and is `"), "{why}");
}

#[test]
fn a_replay_tells_the_same_steps_and_makes_a_page() {
    let (place, lines) = solve();
    let ran = place.run(&["replay", "last", "--json", "--html", "run.html"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let again = ran.lines();
    assert_eq!(again[..8], lines[..8]);
    let last = again.last().unwrap();
    assert_eq!((&last["run"], &last["outcome"], &last["follows"]), (&lines[8]["run"], &"done".into(), &true.into()));

    let page = fs::read_to_string(place.path().join("run.html")).unwrap();
    assert_eq!(page.matches("<article").count(), 8);
    assert_eq!(page.matches("class=\"screen p").count(), 8);
    // Each picture once, however often it was seen.
    let pictures = fs::read_dir(place.path().join(lines[8]["record"].as_str().unwrap()).join("pictures")).unwrap();
    let pictures =
        pictures.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "png")).count();
    assert_eq!(page.matches("url(data:image/").count(), pictures);
    assert_eq!(page.matches("class=\"ring\"").count(), 4, "four taps");
    assert!(page.contains("Turn Wi-Fi on, then send &quot;on my way&quot; to Anna"));
    for outside in ["http://", "https://", "src=", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("url(").count(), pictures, "nothing is loaded from elsewhere");
    // By its name, too; and people are told the same.
    let name = lines[8]["run"].as_str().unwrap();
    let told = place.run(&["replay", name]).out;
    assert!(told.contains("1/2 Wi-Fi is off. Tap it.") && told.contains("passed"), "{told}");
}

#[test]
fn a_record_that_was_changed_does_not_follow() {
    let (place, lines) = solve();
    let journal = place.path().join(lines[8]["record"].as_str().unwrap()).join("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replace("\"y\":230", "\"y\":231")).unwrap();
    let ran = place.run(&["replay", "last", "--json"]);
    assert_eq!(ran.code, 5, "{}", ran.out);
    assert_eq!(ran.last()["follows"], false);
    fs::write(&journal, text.replace("\"seq\":3,", "\"seq\":4,")).unwrap();
    let ran = place.run(&["replay", "last", "--json"]);
    assert_eq!(ran.code, 5, "{}", ran.out);
    assert!(ran.last()["error"].as_str().unwrap().contains("not a line of a journal"), "{}", ran.out);
}

#[test]
fn runs_are_listed() {
    let (place, lines) = solve();
    let ran = place.run(&["runs", "--json"]);
    assert_eq!(ran.code, 0);
    let run = &ran.last()["run"];
    assert_eq!((&run["run"], &run["goal"]), (&lines[8]["run"], &GOAL.into()));
    assert_eq!((&run["outcome"], &run["verdict"], &run["steps"]), (&"done".into(), &"passed".into(), &8.into()));
    let told = place.run(&["runs"]).out;
    assert!(told.contains("turn-wi-fi-on") && told.contains("just now"), "{told}");
}

#[test]
fn a_person_sees_each_step_and_the_end() {
    let place = Place::new();
    let mut script: Vec<&str> = SCRIPT.to_vec();
    script.push(FINISH);
    place.file("script.txt", &script.join("\n"));
    let ran = place.run(&arguments(&[]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    for words in [
        GOAL,
        "  1  1/2 Open Settings.",
        "do(action=\"Tap\", element=[500,192])  ✓ done",
        "✓  achieved: the model says it is done, and the check agrees · 8 steps in ",
        "passed",
        "record",
    ] {
        assert!(ran.out.contains(words), "{words}:\n{}", ran.out);
    }
    assert!(!ran.out.contains('\u{1b}'), "colours are for terminals");
}

#[test]
fn a_task_of_the_suite_is_drawn_and_judged() {
    let place = Place::new();
    let ran = place.run(&["run", "--task", "radio-then-message", "--seed", "7", "--model", "finish", "--json"]);
    assert_eq!(ran.end_line(), "20 done failed", "{}", ran.err);
}
