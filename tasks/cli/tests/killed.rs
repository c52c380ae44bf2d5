//! `kill -9` at points of a run of 40 steps over four apps that a seed draws: after `resume` the phone is as it would have
//! been, no message was sent twice, and none was lost. A point is a line of the journal, so that the same seed finds the same
//! ones on any machine; every other one is a deed that is written down and not answered yet. The census at the end shows that
//! deeds were hit, or nothing was shown.
//!
//! ```sh
//! KILLS=200 cargo test --release -p tapwright --test killed -- --nocapture
//! ```
//!
//! The phone is a process of its own and lives on; so does the model's server. The model has no memory: all that it knows
//! is the prompt. It has a plan of 40 steps and a picture in mind of what the screen looks like before each; how far it
//! has come it reads off its last reply. Where it is told that something may or may not have happened it compares the
//! screen with the picture before that step and the one after it.

mod program;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use program::server::serve_model;
use program::{Place, Running};
use serde_json::Value;
use tapwright_phone::{ADB_KEYBOARD, Dice, Icon, Input, Key, MarkContent, Options, World};

const SEED: u64 = 3;

enum Step {
    Launch(&'static str),
    Word(&'static str),
    Icon(Icon),
    Field,
    Text(&'static str),
    Back,
    Home,
}

/// Two whom messages are written to, and one who is a favourite then: all of them can be seen without swiping.
fn people() -> [&'static str; 3] {
    let mut world = World::new(Options { seed: SEED, ..Options::default() });
    let facts = world.facts();
    let mut seen = |app: &str, is: &dyn Fn(&str) -> bool| -> Vec<String> {
        assert!(world.launch(world.apps().iter().find(|known| known.label == app).unwrap().package));
        let words = world.marks().into_iter().filter_map(|mark| match mark.what {
            MarkContent::Word(word) if mark.target.is_some() && is(&word) => Some(word),
            _ => None,
        });
        words.collect()
    };
    let chats = seen("Messages", &|word| facts.contains_key(&format!("messages.{word}.count")));
    let contacts =
        seen("Contacts", &|word| facts.get(&format!("contacts.{word}.favourite")).is_some_and(|is| is == "false"));
    let third = chats.iter().find(|name| contacts.contains(name)).unwrap();
    let mut others = chats.iter().filter(|name| *name != third);
    [others.next(), others.next(), Some(third)].map(|name| &*name.unwrap().clone().leak())
}

/// What a person could have written down after having done it once: places on the grid.
fn script(people: [&'static str; 3]) -> Vec<String> {
    use Step::{Back, Field, Home, Launch, Text, Word};
    let [anna, ben, cleo] = people;
    let send = || Step::Icon(Icon::Send);
    let steps = vec![
        Launch("Messages"),
        Word(anna),
        Field,
        Text("on my way"),
        send(),
        Text("see you at nine"),
        send(),
        Back,
        Back,
        Word(ben),
        Field,
        Text("happy birthday"),
        send(),
        Home,
        Launch("Settings"),
        Word("Wi-Fi"),
        Word("Bluetooth"),
        Word("Airplane"),
        Word("Airplane"),
        Word("Dark"),
        Word("Dark"),
        Word("Bluetooth"),
        Home,
        Launch("Notes"),
        Step::Icon(Icon::Plus),
        Text("milk, bread"),
        Step::Icon(Icon::Check),
        Home,
        Launch("Contacts"),
        Word(cleo),
        Step::Icon(Icon::Star),
        Back,
        Home,
        Launch("Messages"),
        Back,
        Word(cleo),
        Field,
        Text("you are a favourite"),
        send(),
    ];
    let mut world = World::new(Options { seed: SEED, ..Options::default() });
    let (width, height) = world.size();
    let mut calls = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        if let Text(_) = step {
            assert!(world.set_input_method(ADB_KEYBOARD), "text comes through this keyboard, which covers nothing");
        }
        let marks = world.marks();
        let tap = |what: &dyn Fn(&MarkContent) -> bool| {
            let mark = marks.iter().find(|mark| mark.target.is_some() && what(&mark.what));
            let place = mark.and_then(|mark| mark.target);
            place.unwrap_or_else(|| panic!("step {}: there is no such thing; {:?}", number + 1, world.page()))
        };
        let at = match &step {
            Word(word) => Some(tap(&|what| matches!(what, MarkContent::Word(seen) if seen == word))),
            Step::Icon(icon) => Some(tap(&|what| *what == MarkContent::Icon(*icon))),
            Field => Some(tap(&|what| *what == MarkContent::Field)),
            Launch(_) | Text(_) | Back | Home => None,
        };
        let grid =
            |(x, y): (i32, i32)| ((x * 1000).div_euclid(width as i32) + 1, (y * 1000).div_euclid(height as i32) + 1);
        let (call, input) = match (&step, at) {
            (_, Some(at)) => {
                let (x, y) = grid(at);
                (format!("do(action=\"Tap\", element=[{x},{y}])"), Some(Input::Tap { x: at.0, y: at.1 }))
            }
            (Text(text), _) => (format!("do(action=\"Type\", text=\"{text}\")"), Some(Input::Type((*text).to_owned()))),
            (Back, _) => ("do(action=\"Back\")".to_owned(), Some(Input::Press(Key::Back))),
            (Home, _) => ("do(action=\"Home\")".to_owned(), Some(Input::Press(Key::Home))),
            (Launch(label), _) => {
                let app = world.apps().iter().find(|app| app.label == *label).unwrap().package;
                assert!(world.launch(app));
                (format!("do(action=\"Launch\", app=\"{label}\")"), None)
            }
            (Word(_) | Step::Icon(_) | Field, None) => unreachable!("they have places"),
        };
        if let Some(input) = input {
            world.input(&input);
        }
        calls.push(call);
    }
    calls.push("finish(message=\"All of it is done.\")".to_owned());
    calls
}

/// What is seen below the status bar.
#[derive(Clone, Default)]
struct ScreenPixels(Vec<u8>);

impl ScreenPixels {
    fn read(url: &str) -> ScreenPixels {
        let png = STANDARD.decode(url.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let from = pixels.len() / 20;
        ScreenPixels(pixels.split_off(from))
    }

    /// How many bytes differ.
    fn from(&self, other: &ScreenPixels) -> usize {
        assert_eq!(self.0.len(), other.0.len());
        self.0.iter().zip(&other.0).filter(|(one, other)| one != other).count()
    }
}

/// Answers prompts. `seen[k]` is what the screen looked like before step `k`, counted from 1, in the undisturbed run.
struct ScriptedModel {
    calls: Vec<String>,
    seen: Vec<ScreenPixels>,
    learns: bool,
    /// How often it was told that something may or may not have happened, and how often it did it again.
    doubts: u32,
    again: u32,
}

impl ScriptedModel {
    fn reply(&mut self, request: &Value) -> String {
        let messages = request["messages"].as_array().unwrap();
        let done = messages.iter().rev().find(|message| message["role"] == "assistant").map_or(0, |message| {
            let said = match &message["content"] {
                Value::String(text) => text.clone(),
                parts => parts[0]["text"].as_str().unwrap().to_owned(),
            };
            let number = said.split("step ").nth(1).unwrap().split('<').next().unwrap();
            number.parse::<usize>().unwrap()
        });
        let last = messages.last().unwrap()["content"].as_array().unwrap();
        let text = last.iter().find_map(|part| part["text"].as_str()).unwrap();
        let url = last.iter().find_map(|part| part["image_url"]["url"].as_str()).unwrap();
        let now = ScreenPixels::read(url);
        let next = if text.contains("may or may not have happened") {
            self.doubts += 1;
            let (before, after) = (now.from(&self.seen[done]), now.from(&self.seen[done + 1]));
            // Half a text is a text that is not there.
            let happened = if self.calls[done - 1].contains("Type") { after * 4 < before } else { after < before };
            self.again += u32::from(!happened);
            if happened { done + 1 } else { done }
        } else if text.contains("not done:") {
            done
        } else {
            done + 1
        };
        if self.learns {
            self.seen.resize(next + 1, ScreenPixels::default());
            self.seen[next] = now;
        }
        format!("<think>step {next}</think><answer>{}</answer>", self.calls[next - 1])
    }
}

fn serve(model: Arc<Mutex<ScriptedModel>>) -> String {
    serve_model(move |request| model.lock().unwrap().reply(request))
}

fn run_folder(place: &Place, runs: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(place.path().join(runs)).ok()?;
    entries.map(|entry| entry.unwrap().path()).find(|path| {
        // Before its first line is there nothing has begun.
        fs::read(path.join("journal.jsonl")).is_ok_and(|bytes| bytes.contains(&b'\n'))
    })
}

fn lines_of(folder: &Path) -> usize {
    fs::read(folder.join("journal.jsonl")).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}

/// Whether the last whole line says that something is going to be done outside, and nothing says what came of it.
fn ends_in_a_deed(folder: &Path) -> bool {
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let whole = &journal[..journal.rfind('\n').map_or(0, |end| end + 1)];
    whole.lines().next_back().is_some_and(|line| line.contains("\"effect\":{\"act\""))
}

/// Waits until the journal has a line of this number, and from there on, if it is to be `in_deed`, one that says that something is going
/// to be done; `false` if the program has ended before.
fn wait_for_line(running: &mut Running, folder: impl Fn() -> Option<PathBuf>, number: usize, in_deed: bool) -> bool {
    loop {
        if number == 0 && !in_deed {
            return !running.has_ended();
        }
        if let Some(folder) = folder()
            && lines_of(&folder) >= number
            && (!in_deed || ends_in_a_deed(&folder))
        {
            return !running.has_ended();
        }
        if running.has_ended() {
            return false;
        }
        thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn nothing_is_done_twice_and_nothing_is_lost() {
    let kills_wanted: u64 = {
        #[allow(clippy::disallowed_methods)] // A test run by hand, or at night.
        std::env::var("KILLS").map_or(12, |kills| kills.parse().expect("KILLS is a number"))
    };
    let calls = script(people());
    assert_eq!(calls.len(), 40);
    let mind = Arc::new(Mutex::new(ScriptedModel { calls, seen: Vec::new(), learns: true, doubts: 0, again: 0 }));
    let url = serve(mind.clone());
    let place = Place::new();
    let arguments = |address: &str, runs: &str| -> Vec<String> {
        ["run", "Do 40 things", "--json", "--model", &url, "--model-name", "m", "--device", address, "--runs", runs]
            .map(str::to_owned)
            .to_vec()
    };
    let strs = |words: &[String]| -> Vec<String> { words.to_vec() };

    let first = place.serve_phone(SEED, &[]);
    let before = place.facts(&first.address);
    let words = strs(&arguments(&first.address, "undisturbed"));
    let ran = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    assert_eq!(ran.last()["steps"], 40);
    let undisturbed = ran.last()["ms"].as_u64().unwrap();
    let lines = lines_of(&run_folder(&place, "undisturbed").unwrap());
    let expected = place.facts(&first.address);
    first.running.kill();
    {
        let mut mind = mind.lock().unwrap();
        mind.learns = false;
        assert_eq!(mind.seen.len(), 41);
        let unseen: Vec<&String> = (1..40)
            .filter(|step| mind.seen[*step].from(&mind.seen[step + 1]) == 0)
            .map(|step| &mind.calls[step - 1])
            .collect();
        assert!(unseen.is_empty(), "these cannot be seen: {unseen:?}");
    }
    let sent = |facts: &Value| -> u64 {
        let counts = facts
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.starts_with("messages.") && name.ends_with(".count"));
        counts.map(|(_, count)| count.as_str().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!(sent(&expected) - sent(&before), 4);

    let mut dice = Dice::new(kills_wanted);
    let (mut kills, mut runs, mut in_nothing, mut in_deeds, mut twice, mut lost) = (0, 0, 0, 0, 0, 0);
    // On a machine that is slow to kill, deeds are over by then: some more are tried before the census says that nothing was shown.
    while kills < kills_wanted || (in_deeds == 0 && kills < kills_wanted + 60) {
        let phone = place.serve_phone(SEED, &[]);
        let name = format!("killed-{runs}");
        loop {
            let folder = run_folder(&place, &name);
            // It was killed after its last line: there is nothing to go on with.
            let journal = folder.as_ref().map(|folder| fs::read_to_string(folder.join("journal.jsonl")).unwrap());
            if journal
                .is_some_and(|journal| journal.ends_with('\n') && journal.contains("\"end\":{\"outcome\":\"done\""))
            {
                break;
            }
            let words = match &folder {
                None => arguments(&phone.address, &name),
                Some(folder) => vec!["resume".to_owned(), folder.display().to_string(), "--json".to_owned()],
            };
            let mut running = place.start(&words.iter().map(String::as_str).collect::<Vec<_>>());
            if kills >= kills_wanted && in_deeds > 0 {
                let ran = running.end();
                assert_eq!(ran.end_line(), "0 done null", "{}", ran.out);
                break;
            }
            // Somewhere in what would be a third of the run; the first ones of a run before it has begun.
            let written = folder.as_ref().map_or(0, |folder| lines_of(folder));
            let target = written + dice.below(lines / 3);
            let in_deed = kills % 2 == 0;
            if !wait_for_line(&mut running, || run_folder(&place, &name), target, in_deed) {
                let ran = running.end();
                assert_eq!(ran.end_line(), "0 done null", "{}", ran.out);
                break;
            }
            running.kill();
            kills += 1;
            match run_folder(&place, &name) {
                None => in_nothing += 1,
                Some(folder) => in_deeds += u32::from(ends_in_a_deed(&folder)),
            }
        }
        let found = place.facts(&phone.address);
        twice += sent(&found).saturating_sub(sent(&expected));
        lost += sent(&expected).saturating_sub(sent(&found));
        assert_eq!(found, expected, "after the kills of run {name}");
        let folder = run_folder(&place, &name).unwrap();
        let ran = place.run(&["replay", &folder.display().to_string(), "--json"]);
        assert_eq!((ran.code, &ran.last()["follows"]), (0, &true.into()), "{}{}", ran.out, ran.err);
        phone.running.kill();
        runs += 1;
    }
    let mind = mind.lock().unwrap();
    println!(
        "{kills} kills in {runs} runs of 40 steps, {undisturbed} ms each undisturbed: {in_deeds} in the middle of a deed, of which \
         the model was told {} times, and which it did again {} times; {in_nothing} before the first line; {twice} messages twice, \
         {lost} lost",
        mind.doubts, mind.again
    );
    assert_eq!((twice, lost), (0, 0));
    assert!(0 < in_deeds && 0 < mind.doubts, "no kill fell into a deed: {in_deeds} {}", mind.doubts);
}
