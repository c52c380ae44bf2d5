//! One errand over a table and an editor on a private desktop, by pointer and keys alone and with calls: what it takes, and that both
//! leave the same files. `cargo test -p tapwright --test office -- --ignored` runs it; it takes a minute or two.

#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use program::Place;
use serde_json::{Value, json};

const SIZE: &str = "desktop:private:1280x800";
const ROWS: [(&str, &str, f64); 6] = [
    ("South", "Pears", 7.5),
    ("North", "Apples", 12.0),
    ("West", "Plums", 3.25),
    ("East", "Figs", 20.0),
    ("North", "Dates", 4.0),
    ("Centre", "Limes", 9.75),
];
const SUMMARY: &str = "Six sales, doubled next year.";

/// What is missing for it, if anything is.
fn is_possible() -> bool {
    let needed = [
        ("/usr/bin/Xvfb", "xvfb"),
        ("/usr/bin/openbox", "openbox"),
        ("/usr/bin/dbus-daemon", "dbus-daemon"),
        ("/usr/bin/dbus-send", "dbus-bin"),
        ("/usr/bin/mousepad", "mousepad"),
        ("/usr/bin/unzip", "unzip"),
        ("/usr/lib/libreoffice/program/libsclo.so", "libreoffice-calc"),
        ("/usr/lib/python3/dist-packages/uno.py", "python3-uno"),
    ];
    let missing: Vec<&str> =
        needed.into_iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, package)| package).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: apt-get install {} for tables on a desktop", missing.join(" "));
    }
    missing.is_empty()
}

/// What a script says, in the language of computers.
#[derive(Default)]
struct Script(Vec<String>);

impl Script {
    fn say(&mut self, action: String) -> &mut Script {
        self.0.push(format!("<answer>{action}</answer>"));
        self
    }

    /// Starts an app, and waits for it as long as it may take on a busy machine: a model takes its time as well.
    fn launch(&mut self, app: &str) -> &mut Script {
        self.say(format!("launch(app=\"{app}\")")).wait(3)
    }

    fn wait(&mut self, seconds: u32) -> &mut Script {
        self.say(format!("wait(seconds={seconds})"))
    }

    fn click(&mut self, verb: &str, [x, y]: [u32; 2]) -> &mut Script {
        self.say(format!("{verb}(at=[{x},{y}])"))
    }

    /// How many of its actions do something.
    fn deeds(&self) -> usize {
        self.0.iter().filter(|line| !line.contains("wait(seconds")).count()
    }

    fn keys(&mut self, keys: &str) -> &mut Script {
        self.say(format!("hotkey(keys=\"{keys}\")"))
    }

    fn write(&mut self, text: &str) -> &mut Script {
        self.say(format!("type(text={})", Value::from(text)))
    }

    /// Selects cells by the box in which their name is.
    fn select(&mut self, cells: &str) -> &mut Script {
        self.keys("ctrl+shift+t").write(&format!("{cells}\n"))
    }

    fn call(&mut self, name: &str, arguments: &Value) -> &mut Script {
        self.say(format!("call(name=\"{name}\", arguments={arguments})"))
    }
}

/// What an errand came to.
struct Errand {
    /// Those that do something: a script has to wait where a model would think.
    steps: usize,
    seconds: f64,
    sheet: String,
    cells: Vec<String>,
    bold: usize,
    summary: String,
}

#[allow(clippy::disallowed_methods)] // What is measured here is the time that it takes.
fn run(script: &Script) -> Errand {
    let place = Place::new();
    let out = place.path().join("out");
    fs::create_dir(&out).unwrap();
    let usual = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
    place.file("tapwright.toml", &usual.replacen("[device]\n", "[device]\nfolders = [\"out\"]\n", 1));
    let words: Vec<String> = script.0.iter().map(|line| line.replace("OUT", &out.to_string_lossy())).collect();
    let end = "<answer>finish(message=\"done\")</answer>".to_owned();
    let quoted: Vec<String> = words.iter().chain([&end]).map(|line| Value::from(line.as_str()).to_string()).collect();
    place.file("script.txt", &quoted.join("\n"));
    let arguments = [
        "run",
        "Make the table of sales",
        "--json",
        "--model",
        "script:script.txt",
        "--profile",
        "computer",
        "--device",
        SIZE,
    ];
    let began = Instant::now();
    let ran = program::ProgramOutput::of(place.command(&arguments).env("TMPDIR", place.path()).output().unwrap());
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let waits = script.0.len() - script.deeds();
    let steps = usize::try_from(ran.last()["steps"].as_u64().unwrap()).unwrap() - waits;
    let unzipped = Command::new("unzip").arg("-p").arg(out.join("sales.ods")).arg("content.xml").output().unwrap();
    let content = String::from_utf8(unzipped.stdout).unwrap();
    let between = |from: &str, to: &str| content.split(from).nth(1).and_then(|rest| rest.split(to).next());
    let cells = content.split("<text:p>").skip(1).filter_map(|rest| rest.split("</text:p>").next()).map(str::to_owned);
    Errand {
        steps,
        seconds,
        sheet: between("<table:table table:name=\"", "\"").unwrap_or_default().to_owned(),
        cells: cells.collect(),
        bold: content.matches("fo:font-weight=\"bold\"").count(),
        summary: fs::read_to_string(out.join("summary.txt")).unwrap_or_default(),
    }
}

fn by_hand() -> Script {
    let mut script = Script::default();
    let rows: String = ROWS.iter().map(|(region, what, amount)| format!("{region}\t{what}\t{amount}\n")).collect();
    script.launch("LibreOffice Calc").click("click", [64, 237]);
    // As much at once as keys allow.
    script.write(&format!("Region\tProduct\tAmount\tDoubled\n{rows}"));
    script.select("D2:D7").write("=C2*2").keys("alt+enter");
    script.select("A1:D1").keys("ctrl+b");
    script.select("C2:D7").keys("ctrl+shift+1");
    // Sort Ascending of the menu Data sorts by the first column.
    script.select("A2:D7").keys("alt+d").keys("a");
    // The tab of the sheet asks for its name.
    script.click("double_click", [135, 957]).wait(1).write("Sales\n").wait(1);
    script.keys("ctrl+s").wait(2).write("OUT/sales.ods\n").wait(2);
    script.launch("Mousepad").write(SUMMARY).keys("ctrl+s").wait(2);
    // Its button to save wakes up a moment after the name is there.
    script.write("OUT/summary.txt").wait(1).keys("enter").wait(1);
    script
}

fn by_calls() -> Script {
    let mut script = Script::default();
    let mut rows = vec![json!(["Region", "Product", "Amount", "Doubled"])];
    rows.extend(ROWS.iter().map(|(region, what, amount)| json!([region, what, amount])).map(|mut row| {
        row.as_array_mut().unwrap().push(Value::Null);
        row
    }));
    script.launch("LibreOffice Calc");
    script.call("calc.write", &json!({"at": "A1", "values": rows}));
    script.call("calc.formula", &json!({"range": "D2:D7", "formula": "=C2*2"}));
    script.call("calc.format", &json!({"range": "A1:D1", "bold": true}));
    script.call("calc.format", &json!({"range": "C2:D7", "number_format": "#,##0.00"}));
    script.call("calc.sort", &json!({"range": "A2:D7", "by": [{"column": "A"}]}));
    script.call("calc.rename_sheet", &json!({"sheet": "Sheet1", "name": "Sales"}));
    script.call("document.save_as", &json!({"path": "OUT/sales.ods"}));
    script.call("files.write", &json!({"path": "OUT/summary.txt", "text": SUMMARY}));
    script.call("files.open", &json!({"path": "OUT/summary.txt"}));
    script
}

#[test]
#[ignore = "starts LibreOffice and an editor, twice"]
fn one_errand_by_hand_and_with_calls_leaves_the_same_files_in_half_the_steps() {
    if !is_possible() {
        return;
    }
    let mut expected =
        vec!["Region", "Product", "Amount", "Doubled"].into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut rows = ROWS;
    rows.sort_by(|one, other| one.0.cmp(other.0));
    for (region, what, amount) in rows {
        expected.extend([region.to_owned(), what.to_owned(), format!("{amount:.2}"), format!("{:.2}", 2.0 * amount)]);
    }
    let by_calls = run(&by_calls());
    let by_hand = run(&by_hand());
    for (how, errand) in [("with calls", &by_calls), ("by hand", &by_hand)] {
        let _ = writeln!(std::io::stderr(), "{how}: {} steps, {:.1} s", errand.steps, errand.seconds);
        assert_eq!((errand.sheet.as_str(), &errand.cells), ("Sales", &expected), "{how}");
        assert_eq!(errand.bold, 1, "{how}");
        assert_eq!(errand.summary.trim_end(), SUMMARY, "{how}");
    }
    assert!(by_hand.steps >= 15 && 2 * by_calls.steps <= by_hand.steps, "{} and {}", by_calls.steps, by_hand.steps);
}
