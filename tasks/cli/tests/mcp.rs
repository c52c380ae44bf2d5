//! MCP servers in runs, and calls that a person lists and tries.
#![cfg(unix)]

#[path = "../../src/apis/mcp/tests/little_server.rs"]
#[allow(dead_code)] // Nothing is behind an address here.
mod little_server;
mod program;

use std::fs;

use little_server::{MANNER, command};
use program::Place;
use serde_json::{Value, json};

const FINISH: &str = r#"finish(message="ok")"#;

/// Not a test but the server, where the tests start this binary again.
#[test]
fn serves() {
    little_server::serve_if_wanted();
}

fn place(manner: &str, more: &str) -> Place {
    let place = Place::new();
    let usual = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
    let argv = Value::from(command("serves"));
    let server = format!("[mcp.little]\ncommand = {argv}\nenv = {{ {MANNER} = \"{manner}\" }}\n");
    place.file("tapwright.toml", &format!("{usual}\n{server}{more}\n"));
    place
}

fn call(tool: &str, arguments: &Value) -> String {
    format!("do(action=\"Call_API\", name=\"little.{tool}\", arguments={arguments})")
}

/// What came of all calls of a run.
fn action_results(place: &Place) -> Vec<String> {
    let lines = place.journal();
    let acted = lines.iter().filter_map(|line| line["event"].get("acted"));
    acted.map(Value::to_string).collect()
}

#[test]
fn tools_are_called_in_a_run_which_lives_on_whatever_they_do() {
    let place = place("well", "");
    let replies = [
        call("echo", &json!({ "text": "héllo" })),
        call("echo", &json!({ "text": 3 })),
        call("change", &json!({})),
        call("echo", &json!({ "text": "again" })),
        call("die", &json!({})),
        FINISH.to_owned(),
    ];
    let ran = place.script(&replies.each_ref().map(String::as_str), &[]);
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let acted = action_results(&place);
    assert_eq!(acted[0], r#"{"told":{"text":"héllo"}}"#);
    assert!(acted[1].contains("changed without a word"), "{acted:?}");
    assert!(acted[2].contains("it has changed what this tool is"), "{acted:?}");
    assert!(acted[3].contains("timed_out") && acted[3].contains("a last complaint"), "{acted:?}");
    let journal = serde_json::to_string(&place.journal()).unwrap();
    assert!(journal.contains("the arguments of little.echo do not fit: /text: expected string, got 3"), "{journal}");
    assert!(journal.contains("Deletes everything"), "what it is now is told");
    assert!(ran.err.contains("an MCP server has ended"), "the person is told: {}", ran.err);
}

/// What a server says of itself is not believed: with a real device's policy a tool that does not say what it does is asked about.
#[test]
fn the_policy_holds_for_tools() {
    let place = place("well", "[policy.apis.\"little.echo\"]\npermission = \"refuse\"");
    let ran = place.script(&[&call("unsaid", &json!({})), FINISH], &[]);
    assert_eq!(ran.end_line(), "11 needs-person null", "{}", ran.out);
    let place = self::place("well", "[policy.apis.\"little.echo\"]\npermission = \"refuse\"");
    let ran = place.script(&[&call("echo", &json!({})), FINISH], &[]);
    assert_eq!((ran.end_line().as_str(), action_results(&place).len()), ("0 done null", 0), "{}", ran.out);
}

#[test]
fn a_run_does_not_begin_without_its_server_unless_it_may() {
    let ran = place("dies", "").script(&[FINISH], &[]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains("no cheese here") && ran.out.contains("start_ms"), "{}", ran.out);
    let ran = place("dies", "optional = true").script(&[FINISH], &[]);
    assert_eq!(ran.end_line(), "0 done null", "{}", ran.out);
}

#[test]
fn settings_of_servers_that_are_wrong() {
    for (settings, words) in [
        ("[mcp.x]\n", "it has either command, with env and pass_env; or url, with headers"),
        ("[mcp.x]\nurl = \"https://x\"\nenv = { A = \"b\" }", "it has either command"),
        ("[mcp.x]\nurl = \"file:///x\"", "is no address that begins with http"),
        ("[mcp.x]\ncommand = []", "command names no program"),
        ("[mcp.\"a b\"]\nurl = \"https://x\"", "a server's name has letters"),
        ("[mcp.x]\ncommand = [\"x\"]\npass_env = [\"NOT_SET\"]", "pass_env names the variable \"NOT_SET\""),
        ("[mcp.x]\ncommand = [\"x\", \"{{secret:key}}\"]", "a secret goes into env"),
        ("[mcp.x]\nurl = \"https://x\"\nheaders = { a = \"{{secret:key}}\" }", "the secret \"key\" is not configured"),
        ("[mcp.x]\nurl = \"https://x\"\nstart_ms = 0", "start_ms is 1 to"),
        ("[mcp.x]\nurl = \"https://x\"\ntool = [\"a\"]", "tool"),
    ] {
        let place = Place::new();
        place.file("tapwright.toml", settings);
        let ran = place.script(&[FINISH], &[]);
        assert_eq!(ran.code, 2, "{settings}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(&words.replace('"', "\\\"")), "{words}: {}", ran.out);
    }
}

#[test]
fn what_there_is_is_listed_with_what_is_left_out() {
    let api = "[apis.note]\nabout = \"writes a note\"\ncommand = [\"cat\"]\neffect = \"leaves_the_device\"\n";
    let place = place("many", api);
    let ran = place.run(&["apis", "--json", "--policy", "careful"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let lines = ran.api_lines();
    let line = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!((&line("note")["effect"], &line("note")["permission"]), (&json!("leaves_the_device"), &json!("ask")));
    assert_eq!(
        (&line("little.echo")["effect"], &line("little.echo")["permission"]),
        (&json!("changes"), &json!("allow"))
    );
    assert!(line("little.not_read")["why"].as_str().unwrap().contains("/not: this word is not known"));
    assert!(line("little.tool_199")["why"].as_str().unwrap().contains("tools = [\"tool_199\"]"));
    let told = place.run(&["apis"]);
    assert!(
        told.out.contains("little.echo {text?: string}") && told.out.contains("not offered to a model"),
        "{}",
        told.out
    );
    // Whoever begins a run is told, too.
    let ran = place.run(&["run", "Go", "--model", "finish"]);
    let told = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("not offered to the model") && told.contains("tapwright apis"), "{}", ran.err);
}

#[test]
fn one_is_tried_by_who_agrees_to_it() {
    let refuse =
        "[policy.apis.\"little.env\"]\npermission = \"refuse\"\n[apis.note]\nabout = \"says it\"\ncommand = [\"cat\"]";
    let place = place("well", refuse);
    let echo = ["apis", "little.echo", r#"{"text": "so"}"#];
    for (arguments, code, words) in [
        (vec![], 11, "add --yes"),
        (vec!["--yes"], 0, "so\n"),
        (vec!["--yes", "--json"], 0, r#""result":"answered","text":"so""#),
    ] {
        let ran = place.run(&[&echo[..], &arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(format!("{}{}", ran.out, ran.err).contains(words), "{words}: {}{}", ran.out, ran.err);
        if arguments.contains(&"--json") {
            ran.api_lines();
        }
    }
    for (arguments, code, words) in [
        (vec!["note", "words of mine"], 0, "words of mine"),
        (vec!["LITTLE.unsaid"], 16, "it was not done: "),
        (vec!["little.env"], 16, "it was not done: "),
        (vec!["little.error"], 21, "nobody knows whether it was done: "),
        (vec!["little.fail_reading"], 16, "the disk is full"),
        (vec!["little.nothing"], 2, "there is no API"),
        (vec!["little.not_read"], 2, "/not: this word is not known"),
        (vec!["little.echo", r#"{"text": 3}"#], 2, "/text: expected string, got 3"),
        (vec!["little.echo", "[1]"], 2, "the arguments are a JSON object"),
        (vec!["little.echo", "{"], 2, "the arguments are no JSON"),
    ] {
        let ran = place.run(&[&["apis", "--yes"], &arguments[..]].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(format!("{}{}", ran.out, ran.err).contains(words), "{words}: {}{}", ran.out, ran.err);
    }
}

/// Whether a process is there, and is not only waited for. `ps` is on every Unix.
fn is_there(pid: &str) -> bool {
    let told = std::process::Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    let state = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{what}: gave up after a minute");
}

/// Not even a program that is killed leaves a server behind, nor one that does not end with its input.
#[test]
fn a_server_ends_with_the_program_however_that_ends() {
    let place = place("stays", "");
    place.file("script.txt", &[call("child", &json!({})), call("hang", &json!({}))].join("\n"));
    let running = place.start(&["run", "Do something", "--json", "--model", "script:script.txt"]);
    let journals = || {
        fs::read_dir(place.path().join("runs"))
            .ok()?
            .find_map(|run| fs::read_to_string(run.ok()?.path().join("journal.jsonl")).ok())
    };
    let child = until("the call is answered", || {
        let journal = journals()?;
        let mut lines = journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find_map(|line| Some(line["event"]["acted"]["told"]["text"].as_str()?.to_owned()))
    });
    assert!(is_there(&child), "{child}");
    running.kill();
    until("what the server has started is gone", || (!is_there(&child)).then_some(()));
}
