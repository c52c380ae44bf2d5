//! Workflows: steps of a file that need no model, on a phone that is a process of its own. What they came to is read from behind the screen.
//!
//! ```sh
//! KILLS=20 REPLAYS=20 cargo test -p tapwright --test workflow -- --nocapture
//! ```

mod program;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use program::{Place, ProgramOutput, server};
use serde_json::{Value, json};
use tapwright_phone::Dice;

const SEED: u64 = 3;

fn fact<'a>(facts: &'a Value, name: &str) -> &'a str {
    facts[name].as_str().unwrap_or_else(|| panic!("there is no fact {name}"))
}

/// The notes, the oldest first.
fn notes(facts: &Value) -> Vec<String> {
    let count: usize = fact(facts, "notes.count").parse().unwrap();
    (0..count).map(|n| fact(facts, &format!("notes.{n}")).to_owned()).collect()
}

/// A number that somebody who runs a test by hand, or at night, may set.
fn number_of(variable: &str, usual: u64) -> u64 {
    #[allow(clippy::disallowed_methods)]
    std::env::var(variable).map_or(usual, |number| number.parse().expect("it is a number"))
}

fn carry_out(place: &Place, text: &str, address: &str, more: &[&str]) -> ProgramOutput {
    place.file("workflow.toml", text);
    let mut arguments = vec!["run", "--plan", "workflow.toml", "--json", "--device", address];
    arguments.extend(more);
    place.run(&arguments)
}

const ERRAND: &str = r#"
plan = "An errand"
document = "{{all}}"

[[step]]
open = "Settings"
[[step]]
press = "Dark theme"
[[step]]
scroll = "About phone"
[[step]]
scroll = "Wi-Fi"
up = true
[[step]]
keys = "home"

[[step]]
name = "rows"
each = "rows.csv"
[[step.do]]
open = "Notes"
[[step.do]]
press = "New note"
role = "button"
[[step.do]]
type = "{{row.what}} for {{row.who}}"
into = "Write a note"
[[step.do]]
press = "Save"
expect = { text = "{{row.what}} for {{row.who}}", widget = "New note", role = "button" }
[[step.do]]
check = { text = "{{row.what}} for {{row.who}}" }

[[step]]
call = "notes.listNotes"
output = { all = "text" }
[[step]]
open = "Messages"
[[step]]
if = { widget = "Felix" }
[[step.do]]
press = "Felix"
[[step.do]]
type = "All is noted"
into = "Text message"
[[step.do]]
press = "Send"
expect = { text = "Text message" }
[[step.else]]
check = { text = "Felix is not there" }
"#;

const ROWS: &str = "what,who\n\"milk, bread\",Anna\ntea,Ben\n";

/// Two apps and more, a call and gestures, rows of a table and a condition, and no model.
#[test]
fn steps_are_done_without_a_model() {
    let place = Place::new();
    let settings = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
    place
        .file("tapwright.toml", &settings.replace("[device]\n", "[device]\napp_functions = [\"com.android.notes\"]\n"));
    let phone = place.serve_phone(SEED, &["--api-level", "36"]);
    let before = place.facts(&phone.address);
    place.file("rows.csv", ROWS);
    let ran = carry_out(&place, ERRAND, &phone.address, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let after = place.facts(&phone.address);
    let new = notes(&after).split_off(notes(&before).len());
    assert_eq!(new, ["milk, bread for Anna", "tea for Ben"]);
    assert_ne!(fact(&before, "dark.on"), fact(&after, "dark.on"));
    assert_eq!(fact(&after, "messages.Felix.last"), "me: All is noted");
    let record = place.path().join(ran.last()["record"].as_str().unwrap());
    let document = fs::read_to_string(record.join("document.md")).unwrap();
    assert!(document.contains("tea for Ben"), "{document}");
    let told = fs::read_to_string(record.join("plan.jsonl")).unwrap();
    assert!(told.contains("{\"branch\":") && told.contains("{\"rows\":"), "{told}");
    phone.running.kill();
}

const LETTER: &str = "plan = \"A note\"\n[parameters.who]\nabout = \"whom it is for\"\n[parameters.what]\nabout = \"what to note\"\n\
    default = \"tea\"\n[[step]]\nopen = \"Notes\"\n";

/// A value that is missing is found out before anything is done; one that is given stays with the plan.
#[test]
fn a_plan_takes_values_from_the_command_line() {
    let place = Place::with_key("", "horse-battery-9");
    let phone = place.serve_phone(SEED, &[]);
    let before = notes(&place.facts(&phone.address));
    let write = format!(
        "{LETTER}[[step]]\npress = \"New note\"\nrole = \"button\"\n[[step]]\ntype = \"{{{{what}}}} for {{{{who}}}}\"\n\
         into = \"Write a note\"\n[[step]]\npress = \"Save\"\n"
    );
    let runs = || fs::read_dir(place.path().join("runs")).map_or(0, |runs| runs.count());
    for (set, why) in [
        (&[][..], "the plan needs `who` (whom it is for)"),
        (&["--set", "whom=Anna"], "takes no value `whom`"),
        (&["--set", "who=horse-battery-9"], "has a secret in it"),
        (&["--set", "who"], "--set city=Oslo"),
    ] {
        let ran = carry_out(&place, &write, &phone.address, set);
        assert_eq!(ran.code, 2, "{set:?}: {}{}", ran.out, ran.err);
        assert!(format!("{}{}", ran.out, ran.err).contains(why), "{set:?}: {}{}", ran.out, ran.err);
    }
    assert_eq!(runs(), 0, "nothing was begun");
    let checked = carry_out(&place, &write, "127.0.0.1:1", &["--check"]);
    assert_eq!((checked.code, &checked.last()["parameters"][1]["name"]), (0, &Value::from("who")), "{}", checked.out);

    let look =
        format!("{LETTER}[[step]]\nname = \"look\"\ncheck = {{ text = \"tea for {{{{who}}}}\", within = \"1s\" }}\n");
    let stopped = carry_out(&place, &look, &phone.address, &["--set", "who=Anna = Ω"]);
    assert_eq!(stopped.code, 10, "{}{}", stopped.out, stopped.err);
    let ran = carry_out(&place, &write, &phone.address, &["--set", "who=Anna = Ω"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let after = notes(&place.facts(&phone.address));
    assert_eq!(after[before.len()..], ["tea for Anna = Ω"]);
    // No model says anything of it.
    place.file("workflow.toml", &write);
    let told = place.run(&["run", "--plan", "workflow.toml", "--device", &phone.address, "--set", "who=Ben"]);
    assert!(told.out.contains("all of its steps were done") && !told.out.contains("the model says"), "{}", told.out);
    let record = stopped.last()["record"].as_str().unwrap().to_owned();
    let told = fs::read_to_string(place.path().join(&record).join("plan.jsonl")).unwrap();
    assert!(told.contains("{\"parameters\":{\"values\":{\"what\":\"tea\",\"who\":\"Anna = Ω\"}}}"), "{told}");
    let resumed = place.run(&["resume", &record, "--json", "--device", &phone.address]);
    assert_eq!(resumed.code, 0, "{}{}", resumed.out, resumed.err);
    phone.running.kill();
}

/// What is not there, or there twice, is not touched; and what was checked and is not so says what was there instead.
#[test]
fn nothing_is_touched_blindly() {
    let place = Place::new();
    let phone = place.serve_phone(SEED, &[]);
    let before = place.facts(&phone.address);
    for (steps, why) in [
        (
            "[[step]]\nopen = \"Notes\"\n[[step]]\npress = \"Old note\"\nwithin = \"1s\"",
            "not on the screen; there is: New note",
        ),
        (
            "[[step]]\nopen = \"Calendar\"\n[[step]]\npress = \"Calendar\"\nrole = \"link\"\nwithin = \"1s\"",
            "not on the screen",
        ),
        ("[[step]]\nopen = \"Contacts\"\n[[step]]\npress = \"O\"\nwithin = \"1s\"", "could be one of several"),
        (
            "[[step]]\nopen = \"Notes\"\n[[step]]\ncheck = { text = \"a tax return\", within = \"1s\" }",
            "is not written there",
        ),
        ("[[step]]\nopen = \"Notes\"\n[[step]]\ntype = \"x\"\ninto = \"Title\"\nwithin = \"1s\"", "not on the screen"),
        ("[[step]]\ncall = \"notes.burnNotes\"", "no API"),
        (
            "[[step]]\nopen = \"Notes\"\n[[step]]\npress = \"New note\"\napp = \"com.android.mms\"\nwithin = \"1s\"",
            "is to be in front",
        ),
        ("[[step]]\nopen = \"Nowhere\"", "Nowhere"),
    ] {
        let ran = carry_out(&place, &format!("plan = \"p\"\n{steps}\n"), &phone.address, &[]);
        assert_eq!(ran.code, 10, "{steps}: {}{}", ran.out, ran.err);
        let missing = ran.last()["not_achieved"][0]["why"].as_str().unwrap().to_owned();
        assert!(missing.contains(why), "{steps}: {missing}");
    }
    let after = place.facts(&phone.address);
    assert_eq!(notes(&before), notes(&after));
    // A goal that needs a model, and there is none.
    let ran =
        carry_out(&place, "plan = \"p\"\n[[step]]\ngoal = \"Turn Wi-Fi on\"", &phone.address, &["--model", "none"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    // Only read: no device is asked.
    place.file("rows.csv", ROWS);
    let checked = carry_out(&place, ERRAND, "127.0.0.1:1", &["--check"]);
    assert_eq!((checked.code, checked.last()["rows"].as_u64()), (0, Some(2)), "{}{}", checked.out, checked.err);
    assert_eq!(checked.last()["needs_model"], false);
    phone.running.kill();
}

/// What the policy forbids is forbidden to steps too, and what was typed as a secret is in no record.
#[test]
fn steps_go_by_the_policy_and_keep_secrets() {
    let place = Place::new();
    let phone = place.serve_phone(SEED, &[]);
    let send = "plan = \"p\"\n[[step]]\nopen = \"Messages\"\n[[step]]\npress = \"Felix\"\n[[step]]\ntype = \"hello\"\ninto = \"Text message\"\n\
        [[step]]\npress = \"Send\"\n";
    let ran = carry_out(&place, send, &phone.address, &["--policy", "careful"]);
    assert_eq!(ran.code, 11, "sending is asked about, and nobody is there: {}{}", ran.out, ran.err);
    let ran = carry_out(&place, send, &phone.address, &["--forbid", "Messages"]);
    assert_eq!(ran.code, 16, "{}{}", ran.out, ran.err);
    assert!(!fact(&place.facts(&phone.address), "messages.Felix.last").contains("hello"));
    // A secret that nobody knows is told before anything is done: steps would fail with half of it done, a model is told so.
    let unknown = send.replace("hello", "{{secret:door}}");
    for more in [&["--policy", "trusting"][..], &["--check"]] {
        let ran = carry_out(&place, &unknown, &phone.address, more);
        let told = format!("{}{}", ran.out, ran.err);
        assert!(ran.code == 2 && told.contains("the secret `door`"), "{more:?}: {} {told}", ran.code);
    }
    let goal = "plan = \"p\"\n[[goal]]\nname = \"open\"\ngoal = \"Open the door with {{secret:door}}\"\n";
    let checked = carry_out(&place, goal, &phone.address, &["--check"]);
    assert_eq!((checked.code, &checked.last()["unknown_secrets"]), (0, &json!(["door"])), "{}", checked.out);
    phone.running.kill();
}

/// `kill -9` while a table is gone through: after `resume` each row was done once.
#[test]
fn each_row_is_done_once_however_often_it_is_killed() {
    let kills_wanted = number_of("KILLS", 5);
    let place = Place::new();
    let rows: Vec<String> = (1..=6).map(|n| format!("line {n}")).collect();
    place.file("rows.csv", &format!("text\n{}\n", rows.join("\n")));
    place.file(
        "workflow.toml",
        "plan = \"Rows\"\n[[step]]\nopen = \"Notes\"\n[[step]]\neach = \"rows.csv\"\n[[step.do]]\npress = \"New note\"\n\
         [[step.do]]\ntype = \"{{row.text}}\"\ninto = \"Write a note\"\n[[step.do]]\npress = \"Save\"\nexpect = { text = \"{{row.text}}\", widget = \"New note\", role = \"button\" }\n",
    );
    let (mut kills, mut trip, mut dice) = (0, 0, Dice::new(SEED));
    while kills < kills_wanted {
        trip += 1;
        let phone = place.serve_phone(SEED, &[]);
        let before = notes(&place.facts(&phone.address)).len();
        let runs = format!("runs-{trip}");
        let begin = ["run", "--plan", "workflow.toml", "--json", "--device", &phone.address, "--runs", &runs];
        let again = ["resume", "last", "--json", "--device", &phone.address, "--runs", &runs];
        let mut arguments: &[&str] = &begin;
        let ran = loop {
            let mut plans = fs::read_dir(place.path().join(&runs)).into_iter().flatten().flatten();
            let has_begun = plans.any(|plan| plan.path().join("plan.jsonl").exists());
            if has_begun {
                arguments = &again;
            }
            if kills < kills_wanted {
                let running = place.start(arguments);
                thread::sleep(Duration::from_millis(150 + dice.below(2500) as u64));
                running.kill();
                kills += 1;
                continue;
            }
            break place.run(if has_begun { &again } else { &begin });
        };
        // It may have come to its end right before it was killed.
        let told = format!("{}{}", ran.out, ran.err);
        assert!(ran.code == 0 || told.contains("come to its end"), "{told}");
        let all = notes(&place.facts(&phone.address));
        assert_eq!(all[before..], rows[..], "trip {trip}, {kills} kills");
        phone.running.kill();
    }
}

/// A run that is over is written out, and does the same again and again without its model; where a button is another one it is handed
/// over, or it stops.
#[test]
fn a_run_is_written_out_and_done_again_by_what_is_written() {
    let place = Place::new();
    let settings = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
    place.file("tapwright.toml", &settings.replace("[policy]\n", "[policy]\nwithout_labels = \"ask\"\n"));
    let first = place.serve_phone(SEED, &[]);
    place.file(
        "script.txt",
        "do(action=\"Launch\", app=\"Notes\")\n<think>a new one</think><answer>do(action=\"Tap\", element=[917,115])</answer>\n\
         do(action=\"Type\", text=\"milk\")\ndo(action=\"Tap\", element=[917,115])\nfinish(message=\"done\")\n",
    );
    let ran = place.run(&["run", "Note milk", "--json", "--model", "script:script.txt", "--device", &first.address]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let run = ran.last()["run"].as_str().unwrap().to_owned();
    // One that says that it is done, and the phone says otherwise.
    let facts = ["--start", "wifi.on=false", "--expect", "wifi.on=true"];
    let failed = place.run(&[&["run", "Note milk", "--json", "--model", "script:script.txt"][..], &facts].concat());
    let failed = failed.last()["run"].as_str().unwrap().to_owned();
    let written = place.run(&["workflow", &failed, "--out", "failed.toml"]);
    let told = format!("{}{}", written.out, written.err);
    assert!(written.code == 2 && told.contains("the device says otherwise"), "{} {told}", written.code);
    assert!(!place.path().join("failed.toml").exists());
    let written = place.run(&["workflow", &run, "--out", "milk.toml", "--json"]);
    assert_eq!(written.code, 0, "{}{}", written.out, written.err);
    assert_eq!(written.last()["for_model"], 0, "{}", fs::read_to_string(place.path().join("milk.toml")).unwrap());
    let text = fs::read_to_string(place.path().join("milk.toml")).unwrap();
    assert!(text.contains("press = \"New note\"") && text.contains("press = \"Save\""), "{text}");
    let once = notes(&place.facts(&first.address));
    first.running.kill();
    for _ in 0..number_of("REPLAYS", 3) {
        let phone = place.serve_phone(SEED, &[]);
        let ran = place.run(&["run", "--plan", "milk.toml", "--json", "--device", &phone.address]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert_eq!(notes(&place.facts(&phone.address)), once);
        phone.running.kill();
    }
    // Another phone, in another language: no label is as it was.
    let other = place.serve_phone(SEED, &["--language", "zh"]);
    let before = notes(&place.facts(&other.address));
    let text = text.replace("[[step]]\npress", "[[step]]\nwithin = \"1s\"\npress");
    place.file("milk-soon.toml", &text);
    let ran = place.run(&["run", "--plan", "milk-soon.toml", "--json", "--device", &other.address]);
    assert_eq!(ran.code, 10, "{}{}", ran.out, ran.err);
    assert_eq!(notes(&place.facts(&other.address)), before);
    // With a model it does the rest.
    let ran = place.run(&[
        "run",
        "--plan",
        "milk-soon.toml",
        "--json",
        "--device",
        &other.address,
        "--model",
        "script:rest.txt",
    ]);
    assert_eq!(ran.code, 2, "there is no such script yet: {}{}", ran.out, ran.err);
    place.file("rest.txt", "finish(message=\"the model did the rest\")\n");
    let ran = place.run(&[
        "run",
        "--plan",
        "milk-soon.toml",
        "--json",
        "--device",
        &other.address,
        "--model",
        "script:rest.txt",
    ]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let record = place.path().join(ran.last()["record"].as_str().unwrap());
    let told = fs::read_to_string(record.join("plan.jsonl")).unwrap();
    assert!(told.contains("{\"handed_over\":{\"goal\":\"part-1\",\"step\":2"), "{told}");
    other.running.kill();
}

/// Whether programs are here; says which are not, on the terminal, whatever is captured.
fn are_there(programs: &[&str]) -> bool {
    let missing: Vec<&&str> =
        programs.iter().filter(|program| !Path::new("/usr/bin").join(program).is_file()).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {missing:?} are not there");
    }
    missing.is_empty()
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples").join(name)
}

/// The examples of the documentation, as it says that they are run.
#[test]
fn the_examples_run() {
    let place = Place::new();
    let file = example("notes.toml");
    let ran = place.run(&["run", "--plan", file.to_str().unwrap(), "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    if cfg!(target_os = "linux") && are_there(&["Xvfb", "openbox", "dbus-daemon", "dbus-send", "mousepad"]) {
        let file = example("report.toml");
        let ran = place.run(&["run", "--plan", file.to_str().unwrap(), "--json", "--device", "desktop:private"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.last()["outputs"]["report"].as_str().unwrap().contains("3. a book for Emma"), "{}", ran.out);
    }
}

/// A page with a form and a list. What follows `?` in its address moves the button, takes it away, or makes two of it. An order is told to
/// whoever serves it.
const PAGE: &str = r#"<!doctype html><meta charset=utf-8><title>Orders</title><style>
body { margin: 0; font-size: 20px } p, ul { position: absolute; margin: 0; left: 20px } input { position: absolute; left: 100px; width: 200px; height: 30px }
button { width: 120px; height: 40px; font-size: 20px } ul { left: 500px }</style><body>
<p style="top:20px"><label for=n>Name</label> <input id=n></p><p style="top:80px"><label for=c>Count</label> <input id=c></p><p id=b style="top:140px"></p>
<ul id=l></ul><p style="top:220px"><span>Total</span> <b id=t>0</b></p><script>
const way = location.search, button = '<button onclick="add()">Order</button>';
b.innerHTML = way === '?gone' ? '' : way === '?twice' ? button + ' and ' + button : button;
if (way === '?moved') { b.style.top = '560px'; b.style.left = '800px'; }
function add() {
  l.innerHTML += '<li>' + n.value + ' x ' + c.value + '</li>'; t.textContent = +t.textContent + +c.value;
  fetch('/order/' + n.value + '/' + c.value); n.value = c.value = '';
}
</script>"#;

/// What was ordered on a page, in its order.
type Orders = Arc<Mutex<Vec<String>>>;

fn serve_page() -> (String, Orders) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let orders = Orders::default();
    let told = orders.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            if let Some(order) = head.strip_prefix("GET /order/") {
                told.lock().unwrap().push(order.split(' ').next().unwrap_or_default().to_owned());
            }
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length:";
            let _ = stream.write_all(format!("{head} {}\r\n\r\n{PAGE}", PAGE.len()).as_bytes());
        }
    });
    (origin, orders)
}

/// A form in a browser: the button is found wherever it is, and not pressed where there are two or none.
#[test]
fn a_form_is_filled_by_what_is_written_wherever_it_is() {
    if !are_there(&["chromium"]) {
        return;
    }
    let (place, (origin, orders)) = (Place::new(), serve_page());
    place.file("rows.csv", "name,count\nTea,2\nMilk,3\n");
    let steps = |way: &str| {
        format!(
            "plan = \"Orders\"\n[[step]]\nopen = \"{origin}/{way}\"\n[[step]]\nwait = {{ page = \"{origin}/{way}\" }}\n\
             [[step]]\neach = \"rows.csv\"\n[[step.do]]\ntype = \"{{{{row.name}}}}\"\ninto = \"Name\"\n\
             [[step.do]]\ntype = \"{{{{row.count}}}}\"\ninto = \"Count\"\n\
             [[step.do]]\npress = \"Order\"\nrole = \"button\"\nwithin = \"2s\"\nexpect = {{ text = \"{{{{row.name}}}} x {{{{row.count}}}}\" }}\n\
             [[step]]\nread = \"Total\"\noutput = {{ total = \"number\" }}\n[[step]]\ncheck = {{ value = \"{{{{total}}}}\", is = \"5\" }}\n"
        )
    };
    for (way, code, why) in
        [("", 0, ""), ("?moved", 0, ""), ("?gone", 10, "not on the screen"), ("?twice", 10, "one of several")]
    {
        orders.lock().unwrap().clear();
        let ran = carry_out(&place, &steps(way), "browser", &[]);
        assert_eq!(ran.code, code, "{way}: {}{}", ran.out, ran.err);
        let expected: &[&str] = if code == 0 { &["Tea/2", "Milk/3"] } else { &[] };
        assert_eq!(*orders.lock().unwrap(), expected, "{way}");
        match code {
            0 => assert_eq!(ran.last()["outputs"]["total"], "5", "{way}"),
            _ => assert!(ran.last()["not_achieved"].to_string().contains(why), "{way}: {}", ran.out),
        }
    }
}

/// A list and a slider of a page: a choice is picked, what is none is told, and the text below is nobody's but its own.
#[test]
fn a_choice_is_typed_into_its_list_and_never_into_the_field_beside_it() {
    const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Lists</title><p><label for=a>Colour</label> <select id=a><option>Red<option>Blue</select></p>\
        <p><label>Size <select id=b><option>Small<option>Large</select></label></p><label>Notes <textarea id=n>keep\nme</textarea></label>\
        <p><input type=range aria-label=Volume min=0 max=10></p>\
        <label for=q><form><input name=childNodes><input name=nodeType></form>Odd<br>one<span style='display:none'>hidden</span></label><input id=q><p id=o></p><button onclick=\"o.textContent='is '+a.value+' '+b.value\">Show</button>\
        <div style='height:3000px'></div><button>Far below</button>";
    if !are_there(&["chromium"]) {
        return;
    }
    let place = Place::new();
    let origin =
        server::serve(|_, stream| server::send(stream, &server::response("200 OK", "text/html", PAGE.as_bytes())));
    let steps = |more: &str| {
        format!(
            "plan = \"Lists\"\n[[step]]\nopen = \"{origin}/\"\n[[step]]\ntype = \"Blue\"\ninto = \"Colour\"\n\
             [[step]]\ntype = \"x\"\ninto = \"Odd one\"\n[[step]]\ntype = \"Large\"\ninto = \"Size\"\n[[step]]\npress = \"Show\"\nexpect = {{ text = \"is Blue Large\" }}\n\
             [[step]]\nread = \"Colour\"\noutput = {{ colour = \"text\" }}\n[[step]]\nread = \"Notes\"\noutput = {{ notes = \"text\" }}\n{more}"
        )
    };
    let ran = carry_out(&place, &steps("[[step]]\nscroll = \"Far below\"\n"), "browser", &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let outputs = &ran.last()["outputs"];
    assert_eq!((&outputs["colour"], &outputs["notes"]), (&json!("Blue"), &json!("keep\nme")), "{outputs}");
    for (step, why) in [
        ("type = \"Green\"\ninto = \"Size\"", "the list has no such choice; it has: Small, Large"),
        ("type = \"Blue\"\ninto = \"Volume\"", "the field takes a number from 0 to 10"),
        ("call = \"form.fill\"\nwith = { fields = { Size = \"Small\", Weight = \"1\" } }", "no field is called"),
    ] {
        let ran = carry_out(&place, &steps(&format!("[[step]]\n{step}\n")), "browser", &[]);
        assert!(
            ran.code == 10 && ran.last()["not_achieved"].to_string().contains(why),
            "{step}: {}{}",
            ran.out,
            ran.err
        );
    }
}

/// What a run clicked by place is clicked again by what is written there: also where it has moved to, and not at all where nothing or
/// two things are called so.
#[test]
fn a_recorded_order_is_made_wherever_the_button_is_and_only_if_it_is_the_only_one() {
    if !are_there(&["chromium"]) {
        return;
    }
    let (place, (origin, orders)) = (Place::new(), serve_page());
    let settings = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
    place.file("tapwright.toml", &settings.replace("[policy]\n", "[policy]\nwithout_labels = \"ask\"\n"));
    let script = [
        &format!("do(action=\"Launch\", app=\"{origin}/\")"),
        "do(action=\"Tap\", element=[156,44])",
        "do(action=\"Type\", text=\"Tea\")",
        "do(action=\"Tap\", element=[156,119])",
        "do(action=\"Type\", text=\"2\")",
        "do(action=\"Tap\", element=[60,200])",
        "finish(message=\"ordered\")",
    ];
    place.file("script.txt", &script.join("\n"));
    let ran = place.run(&["run", "Order tea", "--json", "--model", "script:script.txt", "--device", "browser"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(std::mem::take(&mut *orders.lock().unwrap()), ["Tea/2"]);
    let run = ran.last()["run"].as_str().unwrap().to_owned();
    let written = place.run(&["workflow", &run, "--out", "order.toml", "--json"]);
    let text = fs::read_to_string(place.path().join("order.toml")).unwrap_or_default();
    assert_eq!((written.code, written.last()["for_model"].as_u64()), (0, Some(0)), "{text}{}", written.err);
    let at = |way: &str| {
        let there = text.replace(&format!("{origin}/"), &format!("{origin}/{way}"));
        there.replace("press = \"Order\"", "within = \"2s\"\npress = \"Order\"")
    };
    let (mut same, mut moved) = (0, 0);
    let replays = number_of("REPLAYS", 1);
    for _ in 0..replays {
        for (way, count) in [("", &mut same), ("?moved", &mut moved)] {
            let ran = carry_out(&place, &at(way), "browser", &["--model", "none"]);
            assert_eq!(ran.code, 0, "{way}: {}{}{}", ran.out, ran.err, at(way));
            *count += u64::from(std::mem::take(&mut *orders.lock().unwrap()) == ["Tea/2"]);
        }
    }
    let (mut stopped, mut handed_over) = (0, 0);
    place.file("rest.txt", "finish(message=\"the model did the rest\")\n");
    for way in ["?gone", "?twice"] {
        let ran = carry_out(&place, &at(way), "browser", &[]);
        stopped += u64::from(ran.code == 10);
        let ran = carry_out(&place, &at(way), "browser", &["--model", "script:rest.txt"]);
        let record = place.path().join(ran.last()["record"].as_str().unwrap());
        let told = fs::read_to_string(record.join("plan.jsonl")).unwrap();
        handed_over += u64::from(ran.code == 0 && told.contains("{\"handed_over\":"));
        assert!(orders.lock().unwrap().is_empty(), "{way}: nothing is ordered");
    }
    let _ = writeln!(
        std::io::stderr(),
        "a recorded order, replayed without a model: {same} of {replays} the same, {moved} of {replays} with the button elsewhere; \
         without the button, and with two: {stopped} of 2 stopped, {handed_over} of 2 handed over, nothing ordered"
    );
    assert_eq!((same, moved, stopped, handed_over), (replays, replays, 2, 2));
}
