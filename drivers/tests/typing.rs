//! Text that is typed on phones which lose letters, select nothing, hide what is typed, or let nobody choose a keyboard.

mod fake;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use fake::{Fake, Reply, good_command, good_service, script};
use tapwright_contract::Spot;
use tapwright_contract::device::{Driver, DriverErrorKind};
use tapwright_contract::gesture::{Gesture, KeyName, Modifier};
use tapwright_drivers::android::Android;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(20);
const NOISE: &str =
    "WARNING: linker: app_process has text relocations. This is wasting memory and is a security risk. Please fix.\n";
const LATIN: &str = "com.android.inputmethod.latin/.LatinIME";
const ADB: &str = "com.android.adbkeyboard/.AdbIME";
const DENIED: &str = "\nException occurred while executing 'ime':\njava.lang.SecurityException: uid 2000 does not have \
                      android.permission.WRITE_SECURE_SETTINGS.\n";

/// What `input keycombination` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chord {
    Selects,
    WritesItsLetter,
    DoesNothing,
    IsUnknown,
}

/// What `ime` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ime {
    Works,
    IsDenied,
    CannotSelect,
    /// It is taken, and nothing comes of it.
    IsIgnored,
}

#[derive(Clone, Debug)]
struct Phone {
    field: String,
    caret: usize,
    selected: bool,
    chord: Chord,
    /// Every so many letters of `input text` one is lost.
    loses: usize,
    count: usize,
    letters_max: usize,
    is_hidden: bool,
    hint: &'static str,
    ime: Ime,
    methods: Vec<&'static str>,
    method: &'static str,
    noise: &'static str,
    /// Whether the screen tells of its widgets, or never answers.
    tells: Option<bool>,
    /// Whether `settings` is not for adb.
    settings_denied: bool,
}

impl Default for Phone {
    fn default() -> Phone {
        Phone {
            field: String::new(),
            caret: 0,
            selected: false,
            chord: Chord::Selects,
            loses: 0,
            count: 0,
            letters_max: usize::MAX,
            is_hidden: false,
            hint: "",
            ime: Ime::Works,
            methods: vec![LATIN],
            method: LATIN,
            noise: "",
            tells: Some(true),
            settings_denied: false,
        }
    }
}

impl Phone {
    fn holding(field: &str) -> Phone {
        Phone { field: field.to_owned(), caret: field.len(), ..Phone::default() }
    }

    fn clear_selection(&mut self) -> bool {
        let was = std::mem::take(&mut self.selected);
        if was {
            self.field.clear();
            self.caret = 0;
        }
        was
    }

    fn insert(&mut self, text: &str) {
        for letter in text.chars() {
            self.count += 1;
            if self.loses > 0 && self.count.is_multiple_of(self.loses) {
                continue;
            }
            self.clear_selection();
            if self.field.chars().count() < self.letters_max {
                self.field.insert(self.caret, letter);
                self.caret += letter.len_utf8();
            }
        }
    }

    fn key(&mut self, code: &str) {
        match code {
            "123" => {
                self.selected = false;
                self.caret = self.field[self.caret..].find('\n').map_or(self.field.len(), |at| self.caret + at);
            }
            "67" if !self.clear_selection() && self.caret > 0 => {
                self.caret -= 1;
                self.field.remove(self.caret);
            }
            "112" if !self.clear_selection() && self.caret < self.field.len() => {
                self.field.remove(self.caret);
            }
            "66" => self.insert("\n"),
            _ => {}
        }
    }

    fn tree(&self) -> String {
        let text = match (self.field.is_empty(), self.is_hidden) {
            (true, _) => self.hint.to_owned(),
            (false, true) => "•".repeat(self.field.chars().count()),
            (false, false) => {
                self.field.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\n', "&#10;")
            }
        };
        format!(
            "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\"><node index=\"0\" text=\"Title\" \
             class=\"android.widget.FrameLayout\" package=\"com.android.settings\" bounds=\"[0,0][54,120]\"><node index=\"0\" text=\"{text}\" \
             class=\"android.widget.EditText\" package=\"com.android.settings\" clickable=\"true\" enabled=\"true\" focusable=\"true\" \
             focused=\"true\" password=\"{}\" bounds=\"[2,20][52,26]\" /></node></hierarchy>UI hierchary dumped to: /dev/tty\n",
            self.is_hidden
        )
    }

    fn java(&self, text: &str, code: u8) -> Option<fake::Answer> {
        Some(((self.noise.to_owned() + text).into_bytes(), code))
    }

    fn run(&mut self, command: &str) -> Option<fake::Answer> {
        if command.contains(" && ") {
            let mut all = Vec::new();
            for part in command.split(" && ") {
                let (output, code) = self.run(part)?;
                all.extend(output);
                if code != 0 {
                    return Some((all, code));
                }
            }
            return Some((all, 0));
        }
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["ime", ..] if self.ime == Ime::IsDenied => self.java(DENIED, 255),
            ["ime", "list", ..] => {
                self.java(&self.methods.iter().map(|method| format!("{method}\n")).collect::<String>(), 0)
            }
            ["ime", "set", ADB] if self.ime == Ime::CannotSelect => {
                self.java(&format!("Unknown input method {ADB} cannot be selected for user #0\n"), 0)
            }
            ["ime", "set", method] => {
                let method = method.trim_matches('\'');
                if self.ime == Ime::Works {
                    self.method = self.methods.iter().find(|known| **known == method).copied().unwrap_or(self.method);
                }
                self.java(&format!("Input method {method} selected for user #0\n"), 0)
            }
            ["settings", "get", "secure", "default_input_method"] if self.settings_denied => self.java(DENIED, 255),
            ["settings", "get", "secure", "default_input_method"] => self.java(&format!("{}\n", self.method), 0),
            ["settings", "get", "secure", "enabled_input_methods"] => {
                self.java(&format!("{}\n", self.methods.join(":")), 0)
            }
            ["am", "broadcast", ..] => {
                if self.method == ADB {
                    if command.contains("ADB_CLEAR_TEXT") {
                        self.field.clear();
                        self.caret = 0;
                    } else if let Some((_, text)) = command.split_once("--es msg ") {
                        let text = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
                        let text = String::from_utf8(text).unwrap();
                        self.field.insert_str(self.caret, &text);
                        self.caret += text.len();
                    }
                }
                self.java("Broadcasting: Intent { flg=0x400000 }\nBroadcast completed: result=0\n", 0)
            }
            ["input", "keycombination", ..] => match self.chord {
                Chord::IsUnknown => Some((b"Error: Unknown command: keycombination\n".to_vec(), 255)),
                chord => {
                    self.selected = chord == Chord::Selects;
                    if chord == Chord::WritesItsLetter {
                        self.insert("a");
                    }
                    self.java("", 0)
                }
            },
            ["input", "keyevent", ref codes @ ..] => {
                codes.iter().for_each(|code| self.key(code));
                self.java("", 0)
            }
            ["input", "text", ..] => {
                let word = command.strip_prefix("input text ").unwrap().replace(r"'\''", "\u{1}");
                self.insert(&word.trim_matches('\'').replace('\u{1}', "'").replace("%s", " "));
                self.java("", 0)
            }
            ["echo", ..] | ["rm", ..] => Some((vec![], 0)),
            ["cat", ..] => Some((b"cat: no such file\n".to_vec(), 1)),
            _ => good_command(command),
        }
    }
}

struct Session {
    fake: Fake,
    android: Android,
    phone: Arc<Mutex<Phone>>,
}

async fn session(phone: Phone) -> Session {
    let phone = Arc::new(Mutex::new(phone));
    let (told, asked) = (phone.clone(), phone.clone());
    let service = move |name: &str| match name {
        name if name.starts_with("exec:uiautomator") => {
            let phone = told.lock().unwrap();
            match phone.tells {
                Some(true) => Reply::Say(phone.tree().into_bytes()),
                Some(false) => Reply::Say(b"ERROR: could not get idle state.\n".to_vec()),
                None => Reply::Silence,
            }
        }
        name => good_service(name),
    };
    let fake = Fake::daemon(script(service, move |command| asked.lock().unwrap().run(command))).await;
    let android = fake.driver().await;
    Session { fake, android, phone }
}

/// What came of typing, and what the field holds then.
async fn type_text(phone: Phone, text: &str) -> (String, String) {
    let Session { mut android, phone, fake: _fake } = session(phone).await;
    let result = android.perform(&Gesture::Type { text: text.to_owned() }, PATIENCE).await;
    let result = result.map_or_else(|error| error.kind.to_string(), |()| "done".to_owned());
    (result, phone.lock().unwrap().field.clone())
}

#[tokio::test]
async fn a_field_holds_the_text_or_it_is_not_done() {
    let chord = |field: &str, chord| Phone { chord, ..Phone::holding(field) };
    let lossy = |loses| Phone { loses, ..Phone::default() };
    let long = "The quick brown fox jumps over the lazy dog, and then it does so again.";
    let holds = |text: &str, letters: usize| {
        format!("refused: after typing {letters} letters, the field holds {text:?}, which is not the text")
    };
    #[rustfmt::skip]
    let rows: Vec<(&str, Phone, &str, String, &str)> = vec![
        // What it is, the phone, the text, what comes of it, and what the field holds.
        ("a field that is replaced", chord("old value", Chord::Selects), "new words", "done".to_owned(), "new words"),
        ("the chord writes its letter (midscene #3011)", chord("old value", Chord::WritesItsLetter), "new words", "done".to_owned(), "new words"),
        ("the chord does nothing (argent #976)", chord("old value", Chord::DoesNothing), "new words", "done".to_owned(), "new words"),
        ("there is no chord", chord("old value", Chord::IsUnknown), "new words", "done".to_owned(), "new words"),
        ("no chord and the caret at the beginning", Phone { caret: 0, ..chord("old value", Chord::IsUnknown) }, "new", "done".to_owned(), "new"),
        ("a chord for nothing and the caret in the middle", Phone { caret: 3, ..chord("old value", Chord::DoesNothing) }, "new", "done".to_owned(), "new"),
        ("several lines and the caret in the first", Phone { caret: 2, ..chord("one\ntwo\nthree", Chord::IsUnknown) }, "new", "done".to_owned(), "new"),
        ("several lines, a chord for nothing", Phone { caret: 5, ..chord("one\ntwo\nthree", Chord::DoesNothing) }, "new", "done".to_owned(), "new"),
        ("a hint", Phone { hint: "Search settings", ..chord("", Chord::DoesNothing) }, "wifi", "done".to_owned(), "wifi"),
        ("emptied", chord("old value", Chord::Selects), "", "done".to_owned(), ""),
        ("emptied without a chord", chord("old\nvalue", Chord::DoesNothing), "", "done".to_owned(), ""),
        ("emptied and a hint shown", Phone { hint: "Search", ..chord("old value", Chord::DoesNothing) }, "", "done".to_owned(), ""),
        ("every fifth letter is lost (argent #562)", lossy(5), "new words", "done".to_owned(), "new words"),
        ("every fourth", lossy(4), "new words", "done".to_owned(), "new words"),
        ("every ninth of many", lossy(9), long, "done".to_owned(), long),
        ("every letter is lost", lossy(1), "new words", "refused: after typing 9 letters, the field is empty".to_owned(), ""),
        ("all lost in a field with a hint", Phone { hint: "Search", ..lossy(1) }, "new words", holds("Search", 9), ""),
        ("a field for four letters", Phone { letters_max: 4, ..Phone::default() }, "new words", holds("new", 9), "new "),
        ("a phone that does not tell", Phone { tells: Some(false), ..chord("old value", Chord::Selects) }, "new words", "done".to_owned(), "new words"),
        ("two lines", chord("old value", Chord::Selects), "new\nwords", "done".to_owned(), "new\nwords"),
        ("lines before each answer", Phone { noise: NOISE, ..chord("old value", Chord::DoesNothing) }, "it's 100%s", "done".to_owned(), "it's 100%s"),
    ];
    for (what, phone, text, wanted, field) in rows {
        let (result, held) = type_text(phone, text).await;
        assert_eq!((result, held.as_str()), (wanted, field), "{what}");
    }
}

#[tokio::test]
async fn a_keyboard_that_cannot_be_chosen_is_an_answer() {
    let ours = |ime, method| Phone { ime, method, methods: vec![LATIN, ADB], ..Phone::holding("old") };
    let only_ascii = "refused: this device can be sent plain ASCII only, and '你' is not: ";
    let denied = format!("{only_ascii}ADB Keyboard is installed, but this phone does not let adb select it (");
    #[rustfmt::skip]
    let rows: Vec<(&str, Phone, &str, String)> = vec![
        // What it is, the phone, what comes of 你好 (its beginning), and the keyboard after `close`.
        ("one that can be chosen", ours(Ime::Works, LATIN), LATIN, "done".to_owned()),
        ("the owner's own choice", ours(Ime::Works, ADB), ADB, "done".to_owned()),
        ("`ime` is refused, and ours is selected (Open-AutoGLM #106)", ours(Ime::IsDenied, ADB), ADB, "done".to_owned()),
        ("`ime` is refused, and ours is not selected", ours(Ime::IsDenied, LATIN), LATIN, format!("{denied}java.lang.SecurityException: uid 2000")),
        ("`ime` is refused, and ours is not installed", Phone { methods: vec![LATIN], ..ours(Ime::IsDenied, LATIN) }, LATIN,
         format!("{only_ascii}install ADB Keyboard")),
        ("ours cannot be selected (ADBKeyBoard #66)", ours(Ime::CannotSelect, LATIN), LATIN,
         format!("{denied}Unknown input method {ADB} cannot be selected for user #0); select it by hand")),
        ("ours is said to be selected and is not", ours(Ime::IsIgnored, LATIN), LATIN, format!("{only_ascii}ADB Keyboard was selected and did not come up")),
        ("lines before each answer (ADBKeyBoard #10)", Phone { noise: NOISE, ..ours(Ime::Works, LATIN) }, LATIN, "done".to_owned()),
        ("nobody tells which one is selected: it could not be put back", Phone { settings_denied: true, ..ours(Ime::Works, LATIN) }, LATIN,
         format!("{only_ascii}ADB Keyboard is installed, but this phone does not tell which keyboard is selected")),
        ("lines before each answer, and `ime` refused", Phone { noise: NOISE, ..ours(Ime::IsDenied, ADB) }, ADB, "done".to_owned()),
    ];
    for (what, phone, after, wanted) in rows {
        let Session { mut android, phone, fake: _fake } = session(phone).await;
        let mut kind = async |text: &str| {
            let result = android.perform(&Gesture::Type { text: text.to_owned() }, PATIENCE).await;
            result.map_or_else(|error| error.kind.to_string(), |()| "done".to_owned())
        };
        assert_eq!(kind("hello").await, "done", "{what}");
        assert_eq!(phone.lock().unwrap().field, "hello", "{what}");
        let began = Instant::now();
        let result = kind("你好 😀").await;
        assert!(result.starts_with(&wanted), "{what}: {result}");
        assert!(phone.lock().unwrap().ime == Ime::IsIgnored || began.elapsed() < Duration::from_secs(1), "{what}");
        assert_eq!(phone.lock().unwrap().field, if wanted == "done" { "你好 😀" } else { "hello" }, "{what}");
        android.close(PATIENCE).await.unwrap();
        assert_eq!(phone.lock().unwrap().method, after, "{what}");
    }
}

/// A run may end in the middle of anything: by a full disk, a panic, an error that nobody has thought of.
#[test]
fn the_owners_keyboard_comes_back_when_a_driver_is_only_dropped() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let of_the_phone = runtime();
    let phone = Phone { methods: vec![LATIN, ADB], ..Phone::default() };
    let Session { android, phone, fake } = of_the_phone.block_on(session(phone));
    drop(android);
    let types = || async {
        let mut android = fake.driver().await;
        android.perform(&Gesture::Type { text: "hello".to_owned() }, PATIENCE).await.unwrap();
        assert_eq!(phone.lock().unwrap().method, ADB);
        android
    };
    // Among other tasks.
    let ours = runtime();
    ours.block_on(async {
        drop(types().await);
        assert_eq!(phone.lock().unwrap().method, LATIN);
        // In the middle of a command.
        let mut android = types().await;
        let _ = android.perform(&Gesture::Type { text: "slow".to_owned() }, Duration::from_micros(200)).await;
        drop(android);
        assert_eq!(phone.lock().unwrap().method, LATIN);
    });
    // After everything that it was connected by has ended.
    let android = ours.block_on(types());
    drop(ours);
    drop(android);
    assert_eq!(phone.lock().unwrap().method, LATIN);
}

#[tokio::test]
async fn a_keyboard_that_cannot_be_put_back_is_told_with_what_to_do() {
    let phone = Phone { methods: vec![LATIN, ADB], ..Phone::default() };
    let Session { mut android, phone, fake: _fake } = session(phone).await;
    android.perform(&Gesture::Type { text: "你好".to_owned() }, PATIENCE).await.unwrap();
    phone.lock().unwrap().ime = Ime::IsDenied;
    let error = android.close(PATIENCE).await.unwrap_err().to_string();
    assert!(error.contains("cannot put the keyboard back: refused: java.lang.SecurityException"), "{error}");
    assert!(error.ends_with(&format!("; put it back with: adb shell ime set {LATIN}")), "{error}");
}

#[tokio::test]
async fn a_screen_that_never_tells_holds_nobody_up() {
    let silent = Phone { tells: None, chord: Chord::IsUnknown, ..Phone::holding("old") };
    let Session { mut android, phone, fake: _fake } = session(silent).await;
    let began = Instant::now();
    let error = android.perform(&Gesture::Type { text: "new".to_owned() }, Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::TimedOut { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
    // It was not known how much there was to delete, so nothing was typed after it.
    assert_eq!(phone.lock().unwrap().field, "old");

    // What was typed is not called undone because nobody can read it.
    let silent = Phone { tells: None, ..Phone::holding("old") };
    let Session { mut android, phone, fake: _fake } = session(silent).await;
    android.perform(&Gesture::Type { text: "new".to_owned() }, Duration::from_secs(1)).await.unwrap();
    assert_eq!(phone.lock().unwrap().field, "new");
}

#[tokio::test]
async fn what_a_field_hides_is_not_told() {
    let hidden = |field: &str, chord| Phone { is_hidden: true, chord, ..Phone::holding(field) };
    let secret = "horse-battery-9";
    assert_eq!(
        type_text(hidden("old secret", Chord::DoesNothing), secret).await,
        ("done".to_owned(), secret.to_owned())
    );
    assert_eq!(type_text(hidden("old secret", Chord::IsUnknown), secret).await, ("done".to_owned(), secret.to_owned()));
    let short = Phone { letters_max: 8, ..hidden("", Chord::Selects) };
    let (result, held) = type_text(short, secret).await;
    assert_eq!((&*result, &*held), ("refused: after typing, the field holds 8 letters instead of 15", "horse-ba"));
    // A hint is not counted, and one that shows nothing is not called empty.
    for hint in ["", "Password"] {
        let lost = Phone { loses: 1, hint, ..hidden("", Chord::Selects) };
        assert_eq!(type_text(lost, secret).await, ("done".to_owned(), String::new()));
    }
}

#[tokio::test]
async fn text_can_be_put_where_the_caret_is() {
    for methods in [vec![LATIN], vec![LATIN, ADB]] {
        let phone = Phone { methods, caret: 4, ..Phone::holding("old value") };
        let Session { mut android, phone, fake: _fake } = session(phone).await;
        android.perform(&Gesture::Insert { text: "and new ".to_owned() }, PATIENCE).await.unwrap();
        assert_eq!(phone.lock().unwrap().field, "old and new value");
    }
}

#[tokio::test]
async fn keys_are_pressed_together_where_android_can() {
    let chord = |modifiers: &[Modifier], key: &str| Gesture::Chord {
        modifiers: modifiers.to_vec(),
        key: KeyName::new(key).unwrap(),
    };
    let Session { mut android, fake, .. } = session(Phone::default()).await;
    for gesture in
        [chord(&[], "Escape"), chord(&[Modifier::Control], "a"), chord(&[Modifier::Control, Modifier::Shift], "Tab")]
    {
        android.perform(&gesture, PATIENCE).await.unwrap();
    }
    let asked: Vec<String> = fake.requests().into_iter().filter(|asked| asked.starts_with("input")).collect();
    assert_eq!(asked, ["input keyevent 111", "input keycombination 113 29", "input keycombination 113 59 61"]);
    let error = android.perform(&chord(&[], "é"), PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("Android has no key"), "{error}");
    let Session { mut android, fake: _fake, .. } = session(Phone { chord: Chord::IsUnknown, ..Phone::default() }).await;
    let error = android.perform(&chord(&[Modifier::Control], "a"), PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("Android 13 and later do"), "{error}");
}

/// Before Android 12 each `input` starts a program, so two of them are no double tap: one program is given both touches, or none.
#[tokio::test]
async fn a_double_tap_is_quick_or_is_none() {
    async fn double_tap(level: &'static str, monkey: &'static str) -> (String, Vec<String>) {
        let command = move |command: &str| match command.split(' ').next() {
            Some("getprop") => Some((format!("{level}\n").into_bytes(), 0)),
            Some("printf" | "rm") => Some((vec![], 0)),
            Some("monkey") => Some((monkey.as_bytes().to_vec(), 0)),
            _ => good_command(command),
        };
        let fake = Fake::daemon(script(good_service, command)).await;
        let mut android = fake.driver().await;
        let of = android.screen(PATIENCE).await.unwrap().id;
        let done = android.perform(&Gesture::DoubleTap { at: Spot { x: 5, y: 7, of } }, PATIENCE).await;
        let asked = fake
            .requests()
            .into_iter()
            .filter(|asked| ["input", "printf", "monkey", "rm"].iter().any(|verb| asked.starts_with(verb)));
        (done.map_or_else(|error| error.kind.to_string(), |()| "done".to_owned()), asked.collect())
    }
    let quick = vec!["input tap 5 7 2>&1 && input tap 5 7".to_owned()];
    for level in ["31", "36", "", "WARNING: linker: x\n35"] {
        assert_eq!(double_tap(level, "").await, ("done".to_owned(), quick.clone()), "{level}");
    }
    let (told, asked) = double_tap("29", "Events injected: 3\n## Network stats: elapsed time=90ms\n").await;
    assert_eq!(told, "done");
    assert_eq!(
        asked,
        [
            "printf '%s\\n' 'type= user' 'count= 3' 'speed= 1.0' 'start data >>' 'Tap(5,7)' 'UserWait(90)' 'Tap(5,7)' \
             > /data/local/tmp/tapwright-touches",
            "monkey -f /data/local/tmp/tapwright-touches 1",
            "rm -f /data/local/tmp/tapwright-touches",
        ]
    );
    let (told, asked) = double_tap("30", "** Error: unknown option -f\n").await;
    assert!(
        told.starts_with("refused: this Android starts a program for each tap, too slowly for a double tap"),
        "{told}"
    );
    assert!(asked.iter().all(|asked| !asked.starts_with("input tap")), "{asked:?}");
}
