//! Workflows over two apps of a private desktop, with calls and gestures, and the same by pointer and keys alone. What they leave is read
//! from the files. Those with LibreOffice take a minute or two:
//!
//! ```sh
//! cargo test -p tapwright --test hybrid -- --ignored --nocapture
//! ```

#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use program::{Place, ProgramOutput};
use serde_json::Value;

/// A workflow of the documentation, and what it leaves.
struct Workflow {
    name: &'static str,
    /// Programs that it takes beside those of any private desktop.
    programs: &'static [&'static str],
    /// What it takes beside its own file.
    given: &'static [(&'static str, &'static str)],
    /// Files that it leaves, and what is in each.
    leaves: &'static [(&'static str, &'static [&'static str])],
}

const PAGE: &str = r#"<!doctype html><meta charset=utf-8><title>Orders</title><body style="font-size:20px"><h1>Orders of today</h1>
<form onsubmit="add(); return false"><p>Name <input id=n></p><p>Count <input id=c></p><p><button>Order</button></p></form>
<ul id=l></ul><script>
let total = 0;
function add() { l.innerHTML += '<li>' + n.value + ' x ' + c.value + '</li>'; total += +c.value; document.title = total + ' ordered'; }
</script>"#;

const LOG: Workflow = Workflow {
    name: "log",
    programs: &["/usr/bin/gnome-terminal", "/usr/bin/mousepad"],
    given: &[],
    leaves: &[
        ("all.txt", &["a book for Emma\nmilk, bread for Anna\ntea for Ben\n3 notes in all."]),
        ("count.txt", &["3\n"]),
    ],
};

const PLAYLIST: Workflow = Workflow {
    name: "playlist",
    programs: &["/usr/bin/vlc", "/usr/bin/mousepad"],
    given: &[],
    leaves: &[("list.txt", &["tone1.wav", "tone2.wav", "tone3.wav"])],
};

const OFFICE: &[Workflow] = &[
    Workflow {
        name: "sales",
        programs: &[CALC, UNO, "/usr/bin/mousepad", "/usr/bin/unzip"],
        given: &[],
        leaves: &[
            (
                "sales.ods",
                &[
                    "|Region|Product|Amount|Doubled|Centre|Limes|9.75|19.50|East|Figs|20.00|40.00|North|Apples|12.00|24.00|",
                    "|Sum|105.00|",
                ],
            ),
            ("note.txt", &["Twice as much next year: 105 tons."]),
        ],
    },
    Workflow {
        name: "sheet",
        programs: &[CALC, "/usr/lib/libreoffice/program/libswlo.so", UNO, "/usr/bin/unzip"],
        given: &[],
        leaves: &[
            (
                "report.odt",
                &[
                    "|Sales of the week|",
                    "|table below|.|Region|Amount|South|7.5|North|12|West|3.25|",
                    "|Figures are in tons. ",
                    "Checked by Anna.|",
                ],
            ),
            ("figures.csv", &["Region,Amount\nSouth,7.5\nNorth,12\nWest,3.25\n,22.75"]),
        ],
    },
    Workflow {
        name: "orders",
        programs: &[CALC, UNO, "/usr/bin/chromium", "/usr/bin/unzip"],
        given: &[("orders.html", PAGE)],
        leaves: &[("orders.ods", &["|What|Count|Price|Sum|Bread|1|4.00|4.00|Milk|3|1.25|3.75|Tea|2|3.50|7.00|"])],
    },
];

const CALC: &str = "/usr/lib/libreoffice/program/libsclo.so";
const UNO: &str = "/usr/lib/python3/dist-packages/uno.py";

/// Whether all that a workflow takes is here; says what is not, on the terminal, whatever is captured.
fn is_possible(workflow: &Workflow) -> bool {
    let desktop = ["/usr/bin/Xvfb", "/usr/bin/openbox", "/usr/bin/dbus-daemon", "/usr/bin/dbus-send"];
    let missing: Vec<&&str> =
        desktop.iter().chain(workflow.programs).filter(|program| !Path::new(program).exists()).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {}: {missing:?} are not there", workflow.name);
    }
    missing.is_empty()
}

/// What was done, and how long it took.
struct Effort {
    gestures: usize,
    calls: usize,
    /// Steps of the file that were done, with those that wait, read and check.
    steps: usize,
    seconds: f64,
}

/// Carries a workflow out on a desktop of its own, and reads what it leaves.
#[allow(clippy::disallowed_methods)] // What is measured here is the time that it takes.
fn carry_out(workflow: &Workflow, way: &str, text: &str) -> Effort {
    let place = Place::new();
    let out = place.path().join("out");
    fs::create_dir(&out).unwrap();
    for (name, text) in workflow.given {
        fs::write(out.join(name), text).unwrap();
    }
    for nth in 1..=3 {
        fs::write(out.join(format!("tone{nth}.wav")), tone(nth)).unwrap();
    }
    let usual = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
    place.file("tapwright.toml", &usual.replacen("[device]\n", "[device]\nfolders = [\"out\"]\n", 1));
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    fs::copy(examples.join("notes.csv"), place.path().join("notes.csv")).unwrap();
    place.file("plan.toml", &text.replace("OUT", out.to_str().unwrap()));
    let arguments = ["run", "--plan", "plan.toml", "--json", "--model", "none", "--device", "desktop:private:1280x800"];
    let began = Instant::now();
    let ran = ProgramOutput::of(place.command(&arguments).env("TMPDIR", place.path()).output().unwrap());
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(ran.code, 0, "{} {way}: {}{}", workflow.name, ran.out, ran.err);
    for (file, expected) in workflow.leaves {
        let found = read(&out.join(file));
        for words in *expected {
            assert!(found.contains(words), "{} {way}: {file} has no {words:?}: {found}", workflow.name);
        }
    }
    let record = place.path().join(ran.last()["record"].as_str().unwrap());
    let mut effort = Effort { gestures: 0, calls: 0, steps: 0, seconds };
    for run in fs::read_dir(record).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let journal = fs::read_to_string(run.path().join("journal.jsonl")).unwrap();
        for line in journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let act = &line["effect"]["act"];
            effort.gestures += usize::from(act["gesture"].is_object());
            // A person who looks takes no step for it either.
            let looks = ["files.list", "files.read", "files.move", "calc.read", "media.players", "media.playlist"];
            effort.calls += usize::from(act["api"]["name"].as_str().is_some_and(|name| !looks.contains(&name)));
            effort.steps += usize::from(line["step"]["result"].as_str().is_some_and(|result| result != "finished"));
        }
    }
    effort
}

/// A tone of twenty seconds, as a WAV file.
fn tone(nth: u32) -> Vec<u8> {
    const RATE: u32 = 8000;
    let samples: Vec<u8> =
        (0..20 * RATE).flat_map(|at| if (at / (8 * nth)).is_multiple_of(2) { [0, 8] } else { [0, 248] }).collect();
    let length = u32::try_from(samples.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    // Plain samples, one channel, two bytes each.
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend((2 * RATE).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples);
    file
}

/// What a file says; of an office document all of its texts, with a stroke for whatever stands between two.
fn read(file: &Path) -> String {
    let is_office = file.extension().is_some_and(|ending| ending == "ods" || ending == "odt");
    if !is_office {
        return fs::read_to_string(file).unwrap_or_default();
    }
    let unzipped = Command::new("unzip").arg("-p").arg(file).arg("content.xml").output().unwrap();
    let content = String::from_utf8(unzipped.stdout).unwrap();
    let mut texts = String::new();
    for part in content.split('<') {
        let words = part.split_once('>').map_or("", |(_, words)| words).trim_matches('\n');
        if !words.is_empty() {
            texts += "|";
            texts += words;
        }
    }
    texts + "|"
}

/// Runs a workflow with calls and by hand, and says what both take.
fn compare(workflow: &Workflow) {
    if !is_possible(workflow) {
        return;
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |at: &str| fs::read_to_string(tests.join(at).join(format!("{}.toml", workflow.name))).unwrap();
    let mut text = file("../../docs/examples");
    // Its own home is gone with the desktop.
    for (nth, (name, _)) in workflow.leaves.iter().enumerate() {
        text += &format!(
            "\n[[step]]\nname = \"keep-{nth}\"\ncall = \"files.move\"\nwith = {{ path = \"{name}\", to = \"OUT/{name}\" }}\n"
        );
    }
    let mixed = carry_out(workflow, "with calls", &text);
    let by_hand = carry_out(workflow, "by hand", &file("tests/by_hand"));
    let _ = writeln!(
        std::io::stderr(),
        "| {} | {} calls and {} gestures | {:.1} s | {} gestures | {:.1} s | {} steps of the file |",
        workflow.name,
        mixed.calls,
        mixed.gestures,
        mixed.seconds,
        by_hand.gestures,
        by_hand.seconds,
        mixed.steps
    );
    assert!(mixed.steps >= 15, "{}: {} steps", workflow.name, mixed.steps);
    assert!(0 < mixed.calls && 0 < mixed.gestures, "{}: it mixes both", workflow.name);
    assert_eq!(by_hand.calls, 0, "{}: by hand nothing is called", workflow.name);
}

#[test]
fn notes_are_sorted_in_a_terminal_and_finished_in_an_editor() {
    compare(&LOG);
}

#[test]
#[ignore = "starts LibreOffice and a browser, each twice"]
fn two_apps_are_worked_with_calls_and_gestures_and_by_hand() {
    for workflow in OFFICE {
        compare(workflow);
    }
}

/// VLC tells none of its widgets, and a message on errors comes and goes where there is no sound: by hand nobody could tell what it does.
#[test]
#[ignore = "starts VLC"]
fn a_player_is_worked_with_calls_and_its_list_is_noted_in_an_editor() {
    if !is_possible(&PLAYLIST) {
        return;
    }
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mixed/playlist.toml")).unwrap();
    let effort = carry_out(&PLAYLIST, "with calls", &text);
    let Effort { gestures, calls, steps, seconds } = effort;
    let _ = writeln!(
        std::io::stderr(),
        "| playlist | {calls} calls and {gestures} gestures | {seconds:.1} s | | | {steps} steps of the file |"
    );
    assert!(steps >= 15 && 0 < calls && 0 < gestures, "{steps} {calls} {gestures}");
}
