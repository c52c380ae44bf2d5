//! The same goal by fingers and by functions that apps have for other programs, on the virtual phone: what it takes, that both come to
//! the same state, and what is offered to whom.

mod program;

use std::fs;

use program::Place;
use serde_json::{Value, json};
use tapwright_phone::{ADB_KEYBOARD, Input, MarkContent, Options, World};

/// The seed of a virtual phone that nobody has chosen another one for.
const SEED: u64 = 16;
const WHO: &str = "messages.Anna.last=me: on my way";
const EVENT: &str = "15:00 Dentist";
const FINISH: &str = r#"finish(message="ok")"#;

/// A finger that notes what it does as a model says it.
struct RecordingFinger {
    world: World,
    script: Vec<String>,
}

impl RecordingFinger {
    fn new() -> RecordingFinger {
        let mut world = World::new(Options { seed: SEED, ..Options::default() });
        world.set_input_method(ADB_KEYBOARD);
        RecordingFinger { world, script: Vec::new() }
    }

    fn launch(&mut self, package: &str, label: &str) -> &mut RecordingFinger {
        assert!(self.world.launch(package));
        self.script.push(format!("do(action=\"Launch\", app=\"{label}\")"));
        self
    }

    /// Touches what shows this word or icon, the `at`th of those from above.
    fn tap(&mut self, name: &str, at: usize) -> &mut RecordingFinger {
        let is_it = |what: &MarkContent| match what {
            MarkContent::Word(word) => word == name,
            MarkContent::Icon(icon) => format!("{icon:?}") == name,
            MarkContent::Control | MarkContent::Field => false,
        };
        let mut places: Vec<(i32, i32)> =
            self.world.marks().into_iter().filter(|mark| is_it(&mark.what)).filter_map(|mark| mark.target).collect();
        places.sort_by_key(|(x, y)| (*y, *x));
        let (x, y) = *places.get(at).unwrap_or_else(|| panic!("there is no {name}: {:?}", self.world.marks()));
        let (width, height) = self.world.size();
        self.world.input(&Input::Tap { x, y });
        let grid = |at: i32, of: u32| at * 1000 / of as i32 + 1;
        self.script.push(format!("do(action=\"Tap\", element=[{},{}])", grid(x, width), grid(y, height)));
        self
    }

    fn write(&mut self, text: &str) -> &mut RecordingFinger {
        assert!(self.world.field_has_focus());
        self.world.input(&Input::Type(text.to_owned()));
        self.script.push(format!("do(action=\"Type\", text={})", Value::from(text)));
        self
    }

    fn home(&mut self) -> &mut RecordingFinger {
        self.world.input(&Input::Press(tapwright_phone::Key::Home));
        self
    }
}

/// A folder with settings in which some apps of the phone are named, and others that follow.
fn place(device: &str, more: &str) -> Place {
    let place = Place::new();
    let usual = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
    let usual = usual.replacen("[device]\n", &format!("[device]\n{device}\n"), 1);
    place.file("tapwright.toml", &format!("{usual}\n{more}\n"));
    place
}

fn call(name: &str, arguments: &Value) -> String {
    format!("do(action=\"Call_API\", name=\"{name}\", arguments={arguments})")
}

const OFFERED: &str = "app_functions = [\"com.android.calendar\", \"com.android.mms\"]";

/// What a run came to, and how many steps it took.
fn ran(place: &Place, script: &[String]) -> (String, u64) {
    let begin = World::new(Options { seed: SEED, ..Options::default() }).facts();
    let events = format!(
        "calendar.2.events={}",
        [begin["calendar.2.events"].as_str(), EVENT]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("; ")
    );
    let script: Vec<&str> = script.iter().map(String::as_str).chain([FINISH]).collect();
    let ran = place.script(&script, &["--expect", WHO, "--expect", &events]);
    (ran.end_line(), ran.last()["steps"].as_u64().unwrap_or_default())
}

#[test]
fn one_goal_by_fingers_and_by_functions_ends_the_same_and_takes_fewer_steps() {
    let begin = World::new(Options { seed: SEED, ..Options::default() }).facts();
    let mut finger = RecordingFinger::new();
    finger.launch("com.android.calendar", "Calendar").tap("3", 0).tap("Plus", 0).write("Dentist").tap("12:00", 0);
    finger.tap("Plus", 0).tap("Plus", 0).tap("Plus", 0).tap("Check", 0).tap("Check", 0);
    finger.home().launch("com.android.mms", "Messages").tap("Anna", 0);
    let field =
        finger.world.marks().into_iter().find(|mark| mark.what == MarkContent::Field).and_then(|mark| mark.target);
    let (x, y) = field.expect("a field");
    finger.world.input(&Input::Tap { x, y });
    let (width, height) = finger.world.size();
    finger.script.push(format!(
        "do(action=\"Tap\", element=[{},{}])",
        x * 1000 / width as i32 + 1,
        y * 1000 / height as i32 + 1
    ));
    finger.write("on my way").tap("Send", 0);
    assert_eq!(finger.world.facts()["messages.Anna.last"], "me: on my way");
    assert!(begin["calendar.2.events"] != finger.world.facts()["calendar.2.events"]);
    let by_fingers = ran(&place("", ""), &finger.script);

    let calls = [
        call("calendar.createEvent", &json!({"title": "Dentist", "date": "2026-01-03", "time": "15:00"})),
        call("mms.sendMessage", &json!({"name": "Anna", "text": "on my way"})),
    ];
    let allowed = "[policy.apis.\"mms.sendMessage\"]\npermission = \"allow\"";
    let by_calls = ran(&place(OFFERED, allowed), &calls);
    println!("{} steps by fingers, {} by functions", by_fingers.1, by_calls.1);
    assert_eq!((by_fingers.0.as_str(), by_calls.0.as_str()), ("0 done passed", "0 done passed"));
    assert!(5 * by_calls.1 <= by_fingers.1, "{by_fingers:?} {by_calls:?}");
}

#[test]
fn what_leaves_the_phone_is_asked_about_and_nothing_is_offered_that_nobody_named() {
    let send = call("mms.sendMessage", &json!({"name": "Anna", "text": "on my way"}));
    let place_of = place(OFFERED, "");
    let asked = place_of.script(&[&send, FINISH], &["--expect", WHO]);
    assert_eq!(asked.code, 11, "{}", asked.out);
    let journal = place_of.journal();
    let offered =
        journal.iter().find_map(|line| line.get("offered_apis").or_else(|| line["event"].get("offered_apis")));
    let text = serde_json::to_string(&journal).unwrap();
    assert!(text.contains("mms.sendMessage") && !text.contains("notes.createNote"), "{offered:?}");
    // Without a word in the settings the phone offers none, and its own version is the one that the small model knows.
    let none = place("", "");
    let told = none.script(&[&send, FINISH], &["--expect", WHO]);
    assert!(!told.out.contains("sent to Anna"), "{}", told.out);
    assert_ne!(told.last()["verdict"], "passed", "{}", told.out);
}
