//! `resume` and `fork`, as somebody at the command line has them.

mod program;

use std::fs;

use program::{Place, Running, Server, say};
use serde_json::json;

fn phone(place: &Place) -> (Running, String) {
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json"]);
    let address = phone.line()["listen"].as_str().unwrap().to_owned();
    (phone, address)
}

const LAUNCH: &str = r#"do(action="Launch", app="Settings")"#;
const WIFI: &str = r#"do(action="Tap", element=[500,192])"#;
const FINISH: &str = r#"finish(message="ok")"#;

#[test]
fn a_script_goes_on_after_the_replies_that_were_heard() {
    let place = Place::new();
    let (phone, address) = phone(&place);
    // The script is at its end too early, and somebody writes more.
    let ran = place.script(&[LAUNCH], &["--device", &address, "--start", "wifi.on=false", "--expect", "wifi.on=true"]);
    assert_eq!(ran.end_line(), "14 model-failed void", "{}", ran.err);
    assert_eq!(ran.last()["can_go_on"], true);
    place.file("script.txt", &[LAUNCH, WIFI, FINISH].join("\n"));
    let ran = place.run(&["resume", "last", "--json"]);
    assert_eq!(ran.end_line(), "0 done passed", "{}{}", ran.out, ran.err);
    assert_eq!(ran.last()["steps"], 3);
    assert_eq!(ran.lines().len(), 3, "two steps and the end: what was done before is not told again");
    let replay = place.run(&["replay", "last", "--json"]);
    assert_eq!((replay.code, &replay.last()["follows"], &replay.last()["steps"]), (0, &json!(true), &json!(3)));
    // An end like this one stands, and another run begins with its first steps.
    let ran = place.run(&["resume", "last"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("has ended with `done`") && ran.err.contains("tapwright fork"), "{}", ran.err);
    let ran = place.run(&["fork", "last", "--at", "1", "--json"]);
    // Wi-Fi is on by now; the device is taken as it is, and the same tap turns it off.
    assert_eq!(ran.end_line(), "20 done failed", "{}{}", ran.out, ran.err);
    assert_eq!(ran.last()["steps"], 3);
    assert_eq!(
        fs::read_dir(place.path().join("runs")).unwrap().flatten().filter(|entry| entry.path().is_dir()).count(),
        2
    );
    assert_eq!(place.run(&["fork", "last", "--at", "9"]).code, 2);
    phone.kill();
}

#[test]
fn the_phone_of_a_process_is_gone_with_it() {
    let place = Place::new();
    assert_eq!(place.script(&[LAUNCH], &[]).end_line(), "14 model-failed null");
    let ran = place.run(&["resume", "last"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("gone with it") && ran.err.contains("--another-phone"), "{}", ran.err);
    let (phone, address) = phone(&place);
    place.file("script.txt", &[LAUNCH, FINISH].join("\n"));
    // Another phone is used by nobody who does not say so, and a fork that fails leaves nothing behind.
    for arguments in [&["resume", "last"][..], &["fork", "last", "--at", "1"]] {
        let ran = place.run(&[arguments, &["--device", &address]].concat());
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("this is another phone") && ran.err.contains("--another-phone"), "{}", ran.err);
        // What to do next is said with the command that was given.
        let alone = place.run(arguments);
        let again = format!("tapwright {} ", arguments[0]);
        assert!(
            alone.code == 2 && alone.err.contains(&again) && alone.err.contains("--another-phone"),
            "{}",
            alone.err
        );
        assert!(arguments[0] == "resume" || alone.err.contains("--at 1 --device"), "{}", alone.err);
        assert_eq!(
            fs::read_dir(place.path().join("runs")).unwrap().flatten().filter(|entry| entry.path().is_dir()).count(),
            1
        );
    }
    let again = ["--device", &address, "--another-phone", "--json"];
    let forked = place.run(&[&["fork", "last", "--at", "1"][..], &again].concat());
    assert_eq!(forked.end_line(), "0 done null", "{}{}", forked.out, forked.err);
    let run = fs::read_dir(place.path().join("runs")).unwrap().flatten().map(|entry| entry.path());
    let first = run.filter(|path| path.is_dir()).min().unwrap();
    let ran = place.run(&[&["resume", first.to_str().unwrap()][..], &again].concat());
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    phone.kill();
}

/// A record that is only looked at is said nothing of what its phone was.
#[test]
fn a_run_that_is_shown_is_not_said_to_have_been_on_the_virtual_phone() {
    let place = Place::new();
    let (phone, address) = phone(&place);
    assert_eq!(place.script(&[LAUNCH], &["--device", &address]).end_line(), "14 model-failed null");
    let ran = place.run(&["replay", "last"]);
    assert!(ran.code == 0 && !ran.out.contains("cannot go on"), "{}", ran.out);
    phone.kill();
    let text = place.run(&["run", "x", "--model", "script:script.txt"]);
    assert!(text.out.contains("its phone was the virtual one of this process"), "{}", text.out);
}

#[test]
fn one_process_has_a_run() {
    let place = Place::new();
    let (phone, address) = phone(&place);
    let server = Server::start();
    let arguments = ["run", "x", "--json", "--model", &server.url, "--model-name", "m", "--device", &address];
    let run = place.start(&arguments);
    let thinking = server.request();
    let ran = place.run(&["resume", "last"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("still going on in another process"), "{}", ran.err);
    say(thinking, LAUNCH);
    let thinking = server.request();
    run.kill();
    drop(thinking);
    let going_on = place.start(&["resume", "last", "--json"]);
    say(server.request(), FINISH);
    assert_eq!(going_on.end().end_line(), "0 done null");
    phone.kill();
}

#[test]
fn what_needs_a_person_waits_for_one() {
    let place = Place::new();
    let (phone, address) = phone(&place);
    let pay = r#"do(action="Tap", element=[500,192], message="turns Wi-Fi on")"#;
    let ran = place.script(&[LAUNCH, pay, FINISH], &["--device", &address]);
    assert_eq!(ran.end_line(), "11 needs-person null");
    // Nobody is there now either, so it is asked again, and waits again.
    let ran = place.run(&["resume", "last", "--json"]);
    assert_eq!(ran.end_line(), "11 needs-person null");
    let asked = place.journal().iter().filter(|line| !line["effect"]["ask"].is_null()).count();
    assert_eq!(asked, 2);
    phone.kill();
}

const PLAN: &str = r#"
plan = "Two things"

[[goal]]
name = "first"
goal = "Look what Wi-Fi is"
output = { wifi = "text" }

[[goal]]
name = "second"
goal = "Tell Anna that Wi-Fi is {{wifi}}"
steps_max = 5
"#;

#[test]
fn a_plan_goes_on_in_the_middle_of_a_goal() {
    let place = Place::new();
    let (phone, address) = phone(&place);
    place.file("plan.toml", PLAN);
    let finds = r#"finish(message="wifi: off, I think")"#;
    place.file("script.txt", &[LAUNCH, finds, LAUNCH].join("\n"));
    let run = ["run", "--plan", "plan.toml", "--json", "--model", "script:script.txt", "--device", &address];
    let ran = place.run(&run);
    assert_eq!(ran.code, 14, "{}{}", ran.out, ran.err);
    let last = ran.last();
    assert_eq!((&last["end"], &last["achieved"], &last["goals"]), (&json!("model-failed"), &json!(1), &json!(2)));
    assert_eq!(last["not_achieved"][0]["goal"], "second");
    place.file("script.txt", &[LAUNCH, finds, LAUNCH, WIFI, FINISH].join("\n"));
    let ran = place.run(&["resume", "last", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(ran.last()["outputs"]["wifi"], "off, I think");
    let folder = place.path().join(ran.last()["record"].as_str().unwrap());
    let told = fs::read_to_string(folder.join("plan.md")).unwrap();
    assert!(told.contains("Look what Wi-Fi is (2 steps, "), "{told}");
    assert!(told.contains("**wifi**: off, I think") && told.contains("2-second/pictures/"), "{told}");
    let second = fs::read_to_string(folder.join("2-second/journal.jsonl")).unwrap();
    assert!(
        second.contains("Tell Anna that Wi-Fi is \\\"off, I think\\\"") && second.contains("\"resumed\""),
        "{second}"
    );
    assert_eq!(place.run(&["resume", "last"]).code, 2, "it has come to its end");
    phone.kill();
}

/// Killed between the end of a goal's run and the plan's line about it: what was done is not done again.
#[test]
fn a_goal_whose_run_has_ended_is_not_done_again_for_want_of_the_plans_line() {
    let place = Place::new();
    let (phone, address) = phone(&place);
    place.file("plan.toml", PLAN);
    let finds = r#"finish(message="wifi: off, I think")"#;
    place.file("script.txt", &[LAUNCH, finds, WIFI, FINISH].join("\n"));
    let run = ["run", "--plan", "plan.toml", "--json", "--model", "script:script.txt", "--device", &address];
    let ran = place.run(&run);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let folder = place.path().join(ran.last()["record"].as_str().unwrap());
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (plan, runs) = (read("plan.jsonl"), ["1-first", "2-second"].map(|run| read(&format!("{run}/journal.jsonl"))));
    let folders = || fs::read_dir(&folder).unwrap().flatten().filter(|entry| entry.path().is_dir()).count();
    let cuts: Vec<usize> = plan.match_indices("{\"achieved\"").map(|(at, _)| at).collect();
    assert_eq!((cuts.len(), folders()), (2, 2), "{plan}");
    for (cut, torn) in cuts.into_iter().flat_map(|cut| [(cut, 0), (cut, 9)]) {
        fs::write(folder.join("plan.jsonl"), &plan[..cut + torn]).unwrap();
        let ran = place.run(&["resume", "last", "--json"]);
        assert_eq!(ran.code, 0, "{cut}: {}{}", ran.out, ran.err);
        assert_eq!((&ran.last()["outputs"]["wifi"], &ran.last()["achieved"]), (&json!("off, I think"), &json!(2)));
        assert_eq!(folders(), 2, "{cut}: no goal has another run");
        for (run, journal) in ["1-first", "2-second"].iter().zip(&runs) {
            assert_eq!(read(&format!("{run}/journal.jsonl")), *journal, "{cut}: {run} was not gone on with");
        }
    }
    phone.kill();
}

#[test]
fn mistakes_in_a_plan_are_pointed_at() {
    let place = Place::new();
    place.file("plan.toml", &PLAN.replace("{{wifi}}", "{{wify}}"));
    let ran = place.run(&["run", "--plan", "plan.toml", "--model", "finish"]);
    assert_eq!(ran.code, 2);
    for words in ["plan.toml:11", "no earlier goal has the output `wify`", "did you mean `wifi`?"] {
        assert!(ran.err.contains(words), "{words}:\n{}", ran.err);
    }
    // The small models that say nothing but actions write no plans.
    let ran = place.run(&["plan", "Two things", "--out", "new.toml", "--model", "finish"]);
    assert_eq!(ran.code, 14, "{}", ran.err);
    assert!(!place.path().join("new.toml").exists());
    let server = Server::start();
    let drafting =
        place.start(&["plan", "x", "--out", "new.toml", "--model", &server.url, "--model-name", "m", "--json"]);
    say(server.request(), "plan = 3");
    say(server.request(), &format!("Here it is:\n```toml\n{PLAN}```\n"));
    assert_eq!(drafting.end().last()["goals"], 2);
    assert!(fs::read_to_string(place.path().join("new.toml")).unwrap().contains("Two things"));
}

/// The same address is another phone tomorrow; what was agreed for one does not hold for the other.
#[test]
fn another_phone_at_the_same_address_is_not_trusted() {
    let place = Place::new();
    place.file("tapwright.toml", "[limits]\nretries_max = 1\nbackoff_ms = 10\n");
    let (first, address) = phone(&place);
    let trusted = ["--device", &address, "--policy", "trusting"];
    assert_eq!(place.script(&[LAUNCH], &trusted).end_line(), "14 model-failed null");
    let origin = fs::read_to_string(place.only_run().join("origin.json")).unwrap();
    assert!(origin.contains("device_fingerprint"), "{origin}");
    // On its own phone it goes on as it began.
    place.file("script.txt", &[LAUNCH, LAUNCH].join("\n"));
    let ran = place.run(&["resume", "last", "--json"]);
    assert_eq!(ran.end_line(), "14 model-failed null");
    assert!(!ran.err.contains("careful"), "{}", ran.err);
    first.kill();

    let mut second = place.start(&["phone", "--listen", &address, "--json"]);
    second.line();
    place.file("script.txt", &[LAUNCH, LAUNCH, FINISH].join("\n"));
    let ran = place.run(&["resume", "last"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("another serial number") && ran.err.contains("--another-phone"), "{}", ran.err);
    let ran = place.run(&["resume", "last", "--device", &address, "--another-phone"]);
    assert!(ran.err.contains("the policy is at least `careful`"), "{}{}", ran.out, ran.err);
    let origin = fs::read_to_string(place.only_run().join("origin.json")).unwrap();
    assert!(origin.contains(r#""policy": "careful""#), "{origin}");
    second.kill();
}
