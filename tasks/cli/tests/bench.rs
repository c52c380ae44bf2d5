//! Measurements that break off, go on, are compared and judged anew.
#![cfg(unix)]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use program::Place;
use serde_json::{Value, json};

/// Draws the moments at which a program is killed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The one measurement that has begun, if one has.
fn begun(place: &Place, runs: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(place.path().join(runs)).ok()?.map(|entry| entry.unwrap().path());
    let mut begun: Vec<PathBuf> = folders.filter(|folder| folder.join("suite.json").is_file()).collect();
    assert!(begun.len() <= 1, "{begun:?}");
    begun.pop()
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("ledger.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a table says, without the time that it took.
fn table(last: &Value) -> Value {
    let counts = |of: &Value| json!([of["passed"], of["failed"], of["void"], of["unasked"], of["steps_mean"]]);
    let templates: BTreeMap<&String, Value> =
        last["templates"].as_object().unwrap().iter().map(|(name, of)| (name, counts(of))).collect();
    json!({"all": counts(last), "templates": templates})
}

/// Kills the runner again and again, lets it come to its end, and compares what it says with one that nobody disturbed.
/// Returns how many attempts were killed.
fn kill_and_go_on(cases: &str, kills: u32, seed: u64, parallel: &str) -> u64 {
    let place = Place::new();
    // On a slow machine one case is met more often than a runner that dies by itself would be forgiven.
    let rules = ["--parallel", parallel, "--retries", "60", "--json"];
    let measure = [&["bench", "smoke", "--seeds", cases, "--model", "taps", "--steps", "6"][..], &rules].concat();
    let resume = [&["bench", "smoke", "--model", "taps", "--resume", "last"][..], &rules].concat();
    let whole = place.run(&[&measure[..], &["--runs", "whole"]].concat());
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    let mut dice = Dice(seed);
    // The longer it has gone on, the sooner it is killed: else it is over before it was killed so often.
    let (mut killed, mut longest) = (0, 900);
    while killed < kills {
        let mut running = match begun(&place, "runs") {
            None => place.start(&measure),
            Some(_) => place.start(&resume),
        };
        thread::sleep(Duration::from_millis(20 + dice.below(longest)));
        let over = running.has_ended();
        killed += u32::from(!over);
        longest = if over { (longest / 2).max(60) } else { longest.saturating_sub(15).max(150) };
        running.kill();
        // What is over is looked at no more, and ends before it can be killed: another one is begun. One that was killed before it
        // had begun anything has left what is no measurement.
        if killed < kills && over || begun(&place, "runs").is_none() {
            let _ = fs::remove_dir_all(place.path().join("runs"));
        }
    }
    let last = match begun(&place, "runs") {
        None => place.run(&measure),
        Some(_) => place.run(&resume),
    };
    assert_eq!(last.code, 0, "{}{}", last.out, last.err);
    assert_eq!(table(&last.last()), table(&whole.last()));
    let folder = begun(&place, "runs").unwrap();
    let mut scored: BTreeMap<String, u32> = BTreeMap::new();
    let (mut begun, mut ended) = (0, 0);
    for line in lines(&folder) {
        begun += u64::from(line["begun"].is_object());
        ended += u64::from(line["ended"].is_object());
        if line["ended"]["status"] == "scored" {
            *scored.entry(line["ended"]["case"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let cases: usize = cases.parse().unwrap();
    assert_eq!(scored.len(), cases, "a case is lost");
    assert!(scored.values().all(|times| *times == 1), "a case is scored twice: {scored:?}");
    let attempts = last.last()["summary"]["attempts"].as_u64().unwrap();
    println!("{killed} kills, {attempts} attempts at {cases} cases");
    assert_eq!((attempts, ended <= begun), (begun, true));
    begun - ended
}

#[test]
fn a_runner_that_is_killed_goes_on() {
    let killed = kill_and_go_on("8", 5, 1, "1") + kill_and_go_on("8", 3, 2, "3");
    assert!(killed > 0, "no attempt was met: nothing is shown");
}

#[test]
#[ignore = "takes minutes: every night"]
fn a_runner_that_is_killed_at_fifty_moments_goes_on() {
    let killed = kill_and_go_on("40", 50, 3, "1");
    assert!(killed > 10, "{killed} attempts were met");
}

#[test]
fn one_at_a_time_writes_a_ledger() {
    let place = Place::new();
    let mut first = place.start(&["bench", "smoke", "--seeds", "200", "--model", "finish", "--json"]);
    first.line();
    let second = place.run(&["bench", "smoke", "--model", "finish", "--resume", "last"]);
    assert_eq!(second.code, 3, "{}{}", second.out, second.err);
    assert!(
        second.err.contains("going on in another process") && second.err.contains("wait for its end"),
        "{}",
        second.err
    );
    first.signal("INT");
    let ran = first.end();
    assert_eq!((ran.code, &ran.last()["stopped"]), (130, &json!(true)), "{}", ran.out);
    let unfinished = ran.last()["summary"]["unfinished"].as_u64().unwrap();
    assert!(unfinished > 0, "{}", ran.out);
    // What it was begun with counts, and what says otherwise is refused.
    let wrong = |more: &[&str], words: &[&str]| {
        let ran = place.run(&[&["bench", "smoke", "--resume", "last"], more].concat());
        assert_eq!(ran.code, 2, "{more:?}: {}{}", ran.out, ran.err);
        words.iter().for_each(|word| assert!(ran.err.contains(word), "{word}: {}", ran.err));
    };
    wrong(
        &["--model", "taps"],
        &["not the same as when the measurement began: the model", "always says that it is done"],
    );
    wrong(&["--model", "finish", "--steps", "7"], &["began: --steps", "40"]);
    wrong(&["--model", "finish", "--minutes", "7"], &["began: --minutes", "not limited"]);
    wrong(&["--model", "finish", "--seeds", "7"], &["--seeds", "--resume"]);
    wrong(&["--model", "finish", "--weather", "mild"], &["began: the weather"]);
    let ran = place.run(&["bench", "phone", "--resume", "last", "--model", "finish"]);
    assert!(ran.code == 2 && ran.err.contains("measures the suite smoke"), "{}", ran.err);
    let ran = place.run(&["bench", "smoke", "--resume", "nothing", "--model", "finish"]);
    assert!(ran.code == 2 && ran.err.contains("no measurement \"nothing\""), "{}", ran.err);
}

#[test]
fn cases_are_listed_chosen_and_repeated() {
    let place = Place::new();
    let listed = place.run(&["bench", "smoke", "--seeds", "4", "--list", "--json"]);
    assert_eq!(listed.code, 0, "{}{}", listed.out, listed.err);
    let ids: Vec<String> = listed.lines()[..4].iter().map(|line| line["case"].as_str().unwrap().to_owned()).collect();
    assert!(!place.path().join("runs").exists(), "nothing is run");
    let chosen = ["bench", "smoke", "--seeds", "4", "--only", &ids[2], "--only", &ids[0], "--repeats", "3"];
    let ran = place.run(&[&chosen[..], &["--model", "finish", "--parallel", "2", "--json"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let summary = &ran.last()["summary"];
    assert_eq!((&summary["cases"], &summary["total"], &summary["scored"]), (&json!(2), &json!(6), &json!(6)));
    assert_eq!((&summary["pass_at_k"], &summary["pass_hat_k"]), (&json!([0.0, 0.0, 0.0]), &json!([0.0, 0.0, 0.0])));
    let folder = ran.last()["record"].as_str().unwrap().to_owned();
    let folder = place.path().join(folder);
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    for words in ["pass^k", "of those scored", "repeat 3", &ids[0]] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<script"), "the page needs none");
    // Each link leads somewhere.
    let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let links: Vec<&str> = links.collect();
    assert_eq!(links.len(), 6 + 2, "{links:?}");
    assert!(links.iter().all(|link| folder.join(link).is_file()), "{links:?}");
    let csv = fs::read_to_string(folder.join("cases.csv")).unwrap();
    assert_eq!(csv.lines().count(), 7, "{csv}");
    let cases: Value = serde_json::from_str(&fs::read_to_string(folder.join("cases.json")).unwrap()).unwrap();
    assert_eq!(cases["cases"].as_array().unwrap().len(), 6);
    let ran = place.run(&["bench", "smoke", "--seeds", "4", "--only", "radoi/0", "--model", "finish"]);
    assert!(ran.code == 2 && ran.err.contains("no case \"radoi/0\"") && ran.err.contains("`radio`"), "{}", ran.err);
    let ran = place.run(&["bench", "smok"]);
    assert!(ran.code == 2 && ran.err.contains("smoke"), "{}", ran.err);
}

/// What a user is told before a run, a measurement counts as given up; without the flag the model is asked.
#[test]
fn goals_of_no_trained_kind_are_given_up_if_wanted() {
    let place = Place::new();
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/mini/profile.toml");
    let measured = |suite: &[&str], more: &[&str]| {
        let profile = profile.to_str().unwrap();
        let ended =
            place.run(&[&["bench"], suite, &["--model", "finish", "--profile", profile, "--json"], more].concat());
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        let rows = ended.out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        rows.filter(|row| row["case"].is_string()).map(|row| row["outcome"].clone()).collect::<Vec<Value>>()
    };
    let unknown = ["phone", "--seeds", "2", "--template", "timer-impossible"];
    assert_eq!(measured(&unknown, &["--refuse-untrained"]), ["gave-up", "gave-up"]);
    assert_eq!(measured(&unknown, &[]), ["done", "done"]);
    assert_eq!(measured(&["smoke", "--seeds", "2"], &["--refuse-untrained"]), ["done", "done"]);
    let idle = place.run(&["bench", "smoke", "--model", "finish", "--refuse-untrained"]);
    assert_eq!(idle.code, 2, "{}", idle.err);
    assert!(idle.err.contains("--refuse-untrained would do nothing"), "{}", idle.err);
}

#[test]
fn two_measurements_are_compared_case_by_case() {
    let place = Place::new();
    let measure = |model: &str, suite: &str, seeds: &str| {
        let ran = place.run(&["bench", suite, "--seeds", seeds, "--model", model, "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        ran.last()["run"].as_str().unwrap().to_owned()
    };
    let (done, infeasible) = (measure("finish", "edge-cases", "6"), measure("infeasible", "edge-cases", "6"));
    let ran = place.run(&["bench", "compare", &done, &infeasible, "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let told = &ran.last()["comparison"];
    // One is right where it is done already, the other where it cannot be done.
    let scores = |key: &str| told[key].as_u64().unwrap();
    assert_eq!(scores("a_better") + scores("b_better") + scores("same"), 6, "{told}");
    assert!(scores("a_better") == 2 && scores("b_better") > 0, "{told}");
    assert_eq!(told["differences"], json!(["the model"]));
    let ran = place.run(&["bench", "compare", &done, &infeasible]);
    assert!(ran.out.contains("sign test p =") && ran.out.contains("! not the same: the model"), "{}", ran.out);
    assert_eq!(ran.out.matches("of all 6: ").count(), 2, "each by itself too: {}", ran.out);
    let other = measure("finish", "edge-cases", "5");
    let ran = place.run(&["bench", "compare", &done, &other]);
    assert!(
        ran.code == 2 && ran.err.contains("different cases") && ran.err.contains("--different-cases"),
        "{}",
        ran.err
    );
    assert_eq!(place.run(&["bench", "compare", &done, &other, "--different-cases"]).code, 0);
    // Before there were ledgers, the runs themselves said what they were.
    for name in ["ledger.jsonl", "ledger.lock"] {
        fs::remove_file(place.path().join("runs").join(&done).join(name)).unwrap();
    }
    let again = place.run(&["bench", "compare", &done, &infeasible, "--json"]);
    assert_eq!(again.last()["comparison"], *told, "{}{}", again.out, again.err);
}

/// A verdict that is wrong is mended by what was kept, without a phone and without a model.
#[test]
fn what_was_kept_is_judged_anew() {
    let place = Place::new();
    let ran = place.run(&["bench", "edge-cases", "--seeds", "4", "--model", "finish", "--json"]);
    let folder = place.path().join(ran.last()["record"].as_str().unwrap());
    let passed = ran.last()["passed"].clone();
    let same = place.run(&["bench", "rescore", "last", "--json"]);
    assert_eq!((&same.last()["judged"], &same.last()["changed"]), (&json!(4), &json!([])), "{}{}", same.out, same.err);
    // A judge that was wrong: it said that all have failed.
    let at = folder.join("ledger.jsonl");
    let ledger = fs::read_to_string(&at).unwrap();
    fs::write(&at, ledger.replace("\"status\":\"scored\",\"score\":1.0", "\"status\":\"scored\",\"score\":0.0"))
        .unwrap();
    let mended = place.run(&["bench", "rescore", "last", "--json"]);
    assert_eq!(mended.last()["changed"].as_array().unwrap().len() as u64, passed.as_u64().unwrap(), "{}", mended.out);
    assert_eq!(mended.last()["summary"]["sum"].as_f64().unwrap() as u64, passed.as_u64().unwrap());
    assert!(fs::read_to_string(&at).unwrap().contains("\"rescored\""), "the old one stays, and the new one is added");
    let listed = place.run(&["runs", "--json"]).last();
    assert_eq!(listed["suite"]["table"]["all"]["passed"], passed);
    // Of one whose end was not kept nothing new is said.
    fs::remove_file(folder.join("000000-already/verdict.json")).unwrap();
    let left = place.run(&["bench", "rescore", "last", "--json"]);
    assert_eq!(left.last()["left"].as_array().unwrap().len(), 1, "{}", left.out);
    assert_eq!(left.last()["summary"]["sum"], mended.last()["summary"]["sum"]);
    // In a record that somebody sent, a link leads to any folder of the user's: it is not followed.
    let (inside, outside) = (attempt(&folder, 1), place.path().join("outside"));
    fs::rename(&inside, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &inside).unwrap();
    let before = fs::metadata(outside.join("verdict.json")).unwrap().modified().unwrap();
    let linked = place.run(&["bench", "rescore", "last", "--json"]);
    assert_eq!(linked.last()["left"].as_array().unwrap().len(), 2, "{}{}", linked.out, linked.err);
    assert!(linked.out.contains("not followed"), "{}", linked.out);
    assert_eq!(fs::metadata(outside.join("verdict.json")).unwrap().modified().unwrap(), before);
}

/// The folder of the attempt at the case with this seed.
fn attempt(folder: &Path, seed: u64) -> PathBuf {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_of = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{seed:06}-"));
    all.into_iter().find(is_of).unwrap()
}

/// What a record that somebody sent says is done at one's own cost: beyond what this program would do it has to be said.
#[test]
fn limits_and_policy_of_a_record_are_not_taken_unseen() {
    let place = Place::new();
    let goes_on =
        |more: &[&str]| place.run(&[&["bench", "smoke", "--model", "finish", "--resume", "last"], more].concat());
    let begin = |more: &[&str]| {
        let ran = place.run(&[&["bench", "smoke", "--seeds", "2", "--model", "finish", "--json"], more].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        place.path().join(ran.last()["record"].as_str().unwrap()).join("ledger.jsonl")
    };
    begin(&["--steps", "400"]);
    let ran = goes_on(&[]);
    assert!(ran.code == 2 && ran.err.contains("steps_max = 400") && ran.err.contains("--steps 400"), "{}", ran.err);
    assert_eq!(goes_on(&["--steps", "400"]).code, 0);
    begin(&["--policy", "careful"]);
    assert_eq!(goes_on(&[]).code, 0, "it is one of this program's own");
    let ledger = begin(&[]);
    let whole = fs::read_to_string(&ledger).unwrap();
    let (first, rest) = whole.split_once('\n').unwrap();
    let check = |change: &dyn Fn(&mut Value), words: &str| {
        let mut header: Value = serde_json::from_str(first).unwrap();
        change(&mut header["bench"]["measurement"]);
        fs::write(&ledger, format!("{header}\n{rest}")).unwrap();
        let ran = goes_on(&[]);
        assert!(ran.code == 2 && ran.err.contains(words), "{words}: {}{}", ran.out, ran.err);
    };
    check(&|of| of["policy"]["asks_when_stuck"] = json!(true), "not one of this program's own");
    check(&|of| of["limits"]["retries_max"] = json!(1_000_000), "retries_max = 1000000");
}

#[test]
fn tokens_and_the_model_of_a_case_have_limits() {
    let place = Place::new();
    // A server that nobody listens at: five cases learn it, not all.
    let ran = place.run(&[
        "bench",
        "smoke",
        "--seeds",
        "9",
        "--model",
        "http://127.0.0.1:1/v1",
        "--model-name",
        "m",
        "--json",
    ]);
    let last = ran.last();
    assert_eq!(
        (ran.code, &last["summary"]["errors"]["agent-error"], &last["summary"]["unfinished"]),
        (14, &json!(5), &json!(4)),
        "{}",
        ran.out
    );
    assert_eq!((&last["summary"]["mean_of_scored"], &last["success"]), (&Value::Null, &Value::Null), "it is no zero");
    let server = program::Server::always(
        "200 OK",
        r#"{"choices":[{"message":{"content":"<think>x</think><answer>do(action=\"Wait\", duration=\"0 seconds\")</answer>"},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":700,"completion_tokens":10}}"#,
    );
    let more = ["--model", &server.url, "--model-name", "m", "--tokens", "1500", "--json"];
    let ran = place.run(&[&["bench", "smoke", "--seeds", "1"], &more[..]].concat());
    let row = &ran.lines()[0];
    assert_eq!((&row["status"], ran.code), (&json!("timeout"), 21), "{}", ran.out);
    assert!(row["why"].as_str().unwrap().contains("more than 1500 tokens") && row["tokens_in"] == 2100, "{row}");
    // A timeout has not passed, whatever else is compared.
    let other = place.run(&["bench", "smoke", "--seeds", "1", "--model", "finish", "--json"]);
    let (a, b) = (ran.last()["run"].as_str().unwrap().to_owned(), other.last()["run"].as_str().unwrap().to_owned());
    let told = place.run(&["bench", "compare", &a, &b, "--json"]).last()["comparison"].clone();
    assert_eq!(
        (told["cases"].as_array().unwrap().len(), &told["totals_a"]["timeouts"], &told["incomparable"]),
        (1, &json!(1), &json!([])),
        "{told}"
    );
    assert!(told["differences"].as_array().unwrap().contains(&json!("the minutes or tokens of a case")), "{told}");
    // One that says that it is done has used what it has used.
    let server = program::Server::always(
        "200 OK",
        r#"{"choices":[{"message":{"content":"<answer>finish(message=\"x\")</answer>"},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":1700,"completion_tokens":10}}"#,
    );
    let more = ["--model", &server.url, "--model-name", "m", "--tokens", "1500", "--json"];
    let ran = place.run(&[&["bench", "smoke", "--seeds", "1"], &more[..]].concat());
    assert_eq!((&ran.lines()[0]["status"], ran.code), (&json!("timeout"), 21), "{}", ran.out);
    // Where nobody counts them there is no limit.
    let server = program::Server::always(
        "200 OK",
        r#"{"choices":[{"message":{"content":"<answer>finish(message=\"x\")</answer>"},"finish_reason":"stop"}]}"#,
    );
    let more = ["--model", &server.url, "--model-name", "m", "--json"];
    let ran = place.run(&[&["bench", "smoke", "--seeds", "1", "--tokens", "1500"], &more[..]].concat());
    let row = &ran.lines()[0];
    assert_eq!(row["status"], json!("agent-error"), "{}", ran.out);
    assert!(row["why"].as_str().unwrap().contains("leave out --tokens"), "{row}");
    assert_eq!(place.run(&[&["bench", "smoke", "--seeds", "1"], &more[..]].concat()).code, 0);
}

#[test]
fn a_suite_of_ones_own_is_begun_run_and_judged_anew() {
    let place = Place::new();
    let made = place.run(&["bench", "new", "mine"]);
    assert!(made.code == 0 && made.out.contains("tapwright bench mine"), "{}{}", made.out, made.err);
    let ran = place.run(&["bench", "mine", "--model", "infeasible", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let groups = &ran.last()["groups"];
    assert_eq!((&groups["impossible"]["passed"], &groups["settings"]["failed"]), (&json!(1), &json!(1)), "{}", ran.out);
    let run = ran.last()["run"].as_str().unwrap().to_owned();
    // What a case wants stands in its file and not in the record, where it is for people.
    let alone = place.run(&["bench", "rescore", &run, "--json"]);
    assert_eq!(
        (&alone.last()["judged"], alone.last()["left"].as_array().unwrap().len()),
        (&json!(0), 4),
        "{}",
        alone.out
    );
    assert_eq!((alone.code, &alone.last()["exit"]), (3, &json!(3)), "nothing was judged");
    let told = place.run(&["bench", "rescore", &run]);
    assert!(told.code == 3 && told.err.contains("--suite FOLDER"), "{}{}", told.out, told.err);
    let with = place.run(&["bench", "rescore", &run, "--suite", "mine", "--json"]);
    assert_eq!((&with.last()["judged"], &with.last()["changed"]), (&json!(4), &json!([])), "{}{}", with.out, with.err);
    let only =
        place.run(&["bench", "mine", "--only", "no-such-person", "--model", "infeasible", "--repeats", "2", "--json"]);
    assert_eq!((only.code, &only.last()["passed"]), (0, &json!(2)), "{}{}", only.out, only.err);
    // Another judge: what it says is told apart from what the first one said, and can be compared with its own.
    let file = place.path().join("mine/cases.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("ends = [\"gave-up\", \"needs-person\"]", "ends = [\"needs-person\"]")).unwrap();
    let other =
        place.run(&["bench", "mine", "--model", "infeasible", "--json"]).last()["run"].as_str().unwrap().to_owned();
    let compared = place.run(&["bench", "compare", &run, &other]);
    assert!(compared.code == 2 && compared.err.contains("different cases"), "{}{}", compared.out, compared.err);
    let rescored = place.run(&["bench", "rescore", &run, "--suite", "mine", "--json"]);
    let changed = json!([{"case": "no-such-person/0", "before": "passed", "now": "failed"}]);
    assert_eq!(rescored.last()["changed"], changed, "{}{}", rescored.out, rescored.err);
    let compared = place.run(&["bench", "compare", &run, &other, "--json"]);
    assert_eq!((compared.code, &compared.last()["comparison"]["differences"]), (0, &json!([])), "{}", compared.err);
    let page =
        fs::read_to_string(place.path().join("runs").join(&run).join("000000-no-such-person/page.html")).unwrap();
    assert!(page.contains("should end with"), "its page says what it is worth now");
    fs::write(&file, &text).unwrap();
    let nothing = place.run(&["bench", "mine", "--from", "4", "--model", "finish"]);
    assert!(nothing.code == 2 && nothing.err.contains("no case is chosen"), "{}{}", nothing.out, nothing.err);
    // What to do next is what goes on with it, from where it was begun.
    let away = ["--model", "http://127.0.0.1:1/v1", "--model-name", "m", "--repeats", "2"];
    let away = place.run(&[&["bench", "./mine"], &away[..]].concat());
    assert!(away.code == 14 && away.err.contains("tapwright bench ./mine --resume "), "{}{}", away.out, away.err);
    assert!(away.out.contains("go on: tapwright bench ./mine --resume "), "{}", away.out);
    let again = place.run(&["bench", "new", "mine"]);
    assert!(again.code == 4 && again.err.contains("not empty"), "{}", again.err);
    fs::write(
        &file,
        text.replace("[{ fact = \"wifi.on\", is = \"true\" }]", "[{ fact = \"wifi.onn\", is = \"true\" }]"),
    )
    .unwrap();
    let ran = place.run(&["bench", "mine", "--model", "finish"]);
    for words in ["mine/cases.toml:", "wifi.onn", "did you mean `wifi.on`?"] {
        assert!(ran.code == 2 && ran.err.contains(words), "{words}: {}", ran.err);
    }
    let idle = place.run(&["bench", "smoke", "--pages", "mine"]);
    assert!(idle.code == 2 && idle.err.contains("--pages would do nothing"), "{}", idle.err);
    let missing = place.run(&["bench", "miniwob", "--pages", "mine", "--model", "finish"]);
    // With a browser the pages are missed, without one the browser.
    let expected = if missing.err.contains("Chromium") { 3 } else { 2 };
    assert_eq!(missing.code, expected, "{}", missing.err);
    assert!(expected == 3 || missing.err.contains("core/core.js"), "{}", missing.err);
}

/// Whether all is there is looked at before a model is asked anything; alone, or before each measurement.
#[test]
fn what_is_needed_is_looked_for_before_a_model_is_asked() {
    let place = Place::new();
    let looked = place.run(&["bench", "smoke", "--seeds", "3", "--preflight", "--json"]);
    let last = looked.last();
    assert_eq!((looked.code, &last["ready"]), (0, &json!(true)), "{}{}", looked.out, looked.err);
    let rig = &last["rigs"][0];
    assert_eq!(rig["rig"], json!("virtual phone with basic apps"), "{last}");
    assert!(rig["screens"][0].as_str().unwrap().contains('x') && rig["programs"]["virtual phone"].is_string(), "{rig}");
    assert!(!place.path().join("runs").exists(), "nothing is run");
    // What was found is part of what is measured.
    let ran = place.run(&["bench", "smoke", "--seeds", "3", "--model", "finish", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let folder = place.path().join(ran.last()["record"].as_str().unwrap());
    let header = &lines(&folder)[0]["bench"];
    assert_eq!((&header["rigs"][0], &header["evaluator"]), (rig, &json!("native")));
    assert!(fs::read_to_string(folder.join("index.html")).unwrap().contains("virtual phone with basic apps"));

    assert_eq!(place.run(&["bench", "new", "mine"]).code, 0);
    let file = place.path().join("mine/cases.toml");
    let text = fs::read_to_string(&file).unwrap();
    for (app, is_there) in [("Settings", true), ("Spreadsheets", false)] {
        fs::write(&file, text.replace("limits = {", &format!("needs_apps = [\"{app}\"]\nlimits = {{"))).unwrap();
        let runs = ["--runs", "other"];
        let ran = place.run(&[&["bench", "mine", "--model", "finish"], &runs[..]].concat());
        assert_eq!(ran.code, if is_there { 0 } else { 3 }, "{}{}", ran.out, ran.err);
        if is_there {
            fs::remove_dir_all(place.path().join("other")).unwrap();
            continue;
        }
        let out = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.contains("no app \"Spreadsheets\"; wifi-on/0 needs it"), "{}", ran.out);
        assert!(ran.err.contains("no model was asked") && ran.err.contains("bench mine --preflight"), "{}", ran.err);
        assert!(!place.path().join("other").exists(), "nothing is measured");
    }
    // A model that nobody could ask is not missed.
    let away = ["--model", "http://127.0.0.1:1/v1", "--model-name", "m"];
    let looked = place.run(&[&["bench", "smoke", "--preflight", "--seeds", "2"], &away[..]].concat());
    assert!(looked.code == 0 && looked.out.contains("it is there, and shows"), "{}{}", looked.out, looked.err);
}
