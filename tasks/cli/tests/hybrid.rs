//! Workflows over two apps of a private desktop, with calls and gestures, and the same by pointer and keys alone. What they leave is read
//! from the files. They take a minute or two:
//!
//! ```sh
//! cargo test -p tapwright --test hybrid -- --include-ignored --nocapture
//! WORKFLOWS=sales,log cargo test -p tapwright --test hybrid -- --include-ignored --nocapture
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

const VISITS: &str = "09:02 anna tea\n09:10 ben books\n09:31 anna maps\n10:05 emma tea\n10:20 anna news\n10:44 felix news\n11:03 ben tea\n\
    11:15 anna tea\n11:40 emma maps\n12:02 anna books\n12:30 felix tea\n12:45 ben news\n";

const PAGE: &str = r#"<!doctype html><meta charset=utf-8><title>Orders</title><body style="font-size:20px"><h1>Orders of today</h1>
<form onsubmit="add(); return false"><p>Name <input id=n></p><p>Count <input id=c></p><p><button>Order</button></p></form>
<ul id=l></ul><script>
let total = 0;
function add() { l.innerHTML += '<li>' + n.value + ' x ' + c.value + '</li>'; total += +c.value; document.title = total + ' ordered'; }
</script>"#;

const WORKFLOWS: &[Workflow] = &[
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
    Workflow {
        name: "log",
        programs: &[CALC, UNO, "/usr/bin/gnome-terminal", "/usr/bin/unzip"],
        given: &[("visits.log", VISITS)],
        leaves: &[
            ("visits.json", &[r#"{"anna": 5, "ben": 3, "emma": 2, "felix": 2}"#]),
            ("visits.ods", &["|Who|Visits|Share|anna|5|41.67%|ben|3|25.00%|emma|2|16.67%|felix|2|16.67%|Sum|12|"]),
        ],
    },
    Workflow {
        name: "playlist",
        programs: &[CALC, UNO, "/usr/bin/vlc", "/usr/bin/unzip"],
        given: &[],
        leaves: &[
            ("tones.m3u", &["tone1.wav\n", "tone2.wav\n", "tone3.wav\n"]),
            ("tones.ods", &["|Sound|Seconds|tone1.wav|120.00|tone2.wav|120.00|tone3.wav|120.00|Sum|360.00|"]),
        ],
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
    place.file("plan.toml", &text.replace("OUT", out.to_str().unwrap()));
    let mut arguments =
        vec!["run", "--plan", "plan.toml", "--json", "--model", "none", "--device", "desktop:private:1280x800"];
    let folder = format!("folder={}", out.display());
    if text.contains("[parameters.folder]") {
        arguments.extend(["--set", &folder]);
    }
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

/// A tone of two minutes, as a WAV file: nothing is at its end before a workflow is.
fn tone(nth: u32) -> Vec<u8> {
    const RATE: u32 = 8000;
    let samples: Vec<u8> =
        (0..120 * RATE).flat_map(|at| if (at / (8 * nth)).is_multiple_of(2) { [0, 8] } else { [0, 248] }).collect();
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

/// Runs a workflow with calls and by hand, and says how many deeds both take; `None` where it cannot be.
fn compare(workflow: &Workflow) -> Option<(usize, usize)> {
    if !is_possible(workflow) {
        return None;
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |at: &str| fs::read_to_string(tests.join(at).join(format!("{}.toml", workflow.name))).unwrap();
    let mut text = file("../../docs/examples");
    // Its own home is gone with the desktop; what a plan was told to leave elsewhere stays.
    let own = workflow.leaves.iter().filter(|(name, _)| !text.contains(&format!("{{{{folder}}}}/{name}")));
    let own: Vec<&str> = own.map(|(name, _)| *name).collect();
    for (nth, name) in own.into_iter().enumerate() {
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
    let deeds = mixed.calls + mixed.gestures;
    assert!(
        2 * deeds <= by_hand.gestures,
        "{}: {deeds} deeds are more than half of {}",
        workflow.name,
        by_hand.gestures
    );
    Some((deeds, by_hand.gestures))
}

/// Those named in `WORKFLOWS`, such as `sales,log`, or all of them.
#[test]
#[ignore = "starts LibreOffice, a browser and a player, each twice"]
fn two_apps_are_worked_with_calls_and_gestures_and_by_hand() {
    #[allow(clippy::disallowed_methods)] // A test that is run by hand, or at night.
    let wanted = std::env::var("WORKFLOWS").ok();
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted.split(',').any(|one| one == name));
    let (mut mixed, mut by_hand) = (0, 0);
    for workflow in WORKFLOWS.iter().filter(|workflow| is_wanted(workflow.name)) {
        let Some(deeds) = compare(workflow) else { continue };
        (mixed, by_hand) = (mixed + deeds.0, by_hand + deeds.1);
    }
    let _ = writeln!(std::io::stderr(), "{mixed} deeds with calls, {by_hand} by hand");
}
