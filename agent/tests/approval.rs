//! What a yes is for: a thing at a place in an app, and not a frame of pixels. A caret may blink, a clock may tick and a carousel
//! may turn while a person reads; what moved, changed its words or lies in another app is not what was approved.

mod common;

use common::{label, reply, setting};
use tapwright_agent::episode::{EDITION, Episode, Setting};
use tapwright_agent::event::{ActionResult, Effect, Event, Next, ResumeTerms};
use tapwright_agent::guard::Policy;
use tapwright_agent::person::{Answer, Asker, Question};
use tapwright_agent::policy::{Permission, Rule, SecretUse};
use tapwright_contract::device::{Front, Label, Screen};
use tapwright_contract::{Picture, Rotation, Size};

const SIZE: Size = Size { width: 120, height: 240 };

/// What a screen shows: dark rectangles, and what the device tells of it.
#[derive(Clone)]
struct Shown {
    app: &'static str,
    drawn: Vec<[u32; 4]>,
    labels: Option<Vec<Label>>,
    rotation: Rotation,
}

/// A page of a shop: a title, a carousel, a text to read, a field, two rows with buttons, and a clock in the status bar.
fn shop() -> Shown {
    Shown {
        app: "com.shop",
        drawn: vec![
            [100, 2, 115, 8],    // the clock
            [5, 20, 60, 28],     // the title
            [0, 35, 120, 80],    // the carousel
            [10, 92, 80, 100],   // what the field holds
            [80, 124, 110, 136], // a button
            [80, 154, 110, 166], // another one
            [5, 126, 40, 134],   // what stands beside it
            [5, 156, 40, 164],   // and beside the other one
        ],
        labels: Some(vec![
            label("Shop", [5, 20, 60, 28]),
            label("Offer 1", [0, 35, 120, 80]),
            Label { focused: true, ..label("Card number", [5, 88, 115, 104]) },
            label("Milk", [5, 126, 40, 134]),
            label("Buy", [80, 124, 110, 136]),
            label("Bread", [5, 156, 40, 164]),
            label("Buy", [80, 154, 110, 166]),
        ]),
        rotation: Rotation::None,
    }
}

impl Shown {
    fn screen(&self) -> Screen {
        let mut rgba = vec![255; 4 * (SIZE.width * SIZE.height) as usize];
        for [left, top, right, bottom] in &self.drawn {
            for y in *top..*bottom {
                for x in *left..*right {
                    let at = 4 * (y * SIZE.width + x) as usize;
                    rgba[at..at + 3].fill(40);
                }
            }
        }
        let front = Front { id: self.app.to_owned(), label: self.app.to_owned(), aliases: Vec::new() };
        let mut screen = Screen::new(Picture::new(SIZE, rgba).unwrap(), front);
        screen.id.rotation = self.rotation;
        screen
    }

    fn without_labels(mut self) -> Shown {
        self.labels = None;
        self
    }

    fn word(mut self, nth: usize, text: &str) -> Shown {
        self.labels.as_mut().unwrap()[nth].text = text.to_owned();
        self
    }

    fn draw(mut self, more: [u32; 4]) -> Shown {
        self.drawn.push(more);
        self
    }

    fn without(mut self, nth: usize) -> Shown {
        self.drawn.remove(nth);
        self
    }
}

fn policy() -> Policy {
    let rule = |name: &str, typing, words: &[&str]| Rule {
        name: name.to_owned(),
        permission: Permission::Ask,
        apps: vec![],
        except: vec![],
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        typing,
        hidden_fields: false,
    };
    Policy {
        rules: vec![rule("payment", false, &["buy", "pay"]), rule("credentials", true, &["card number"])],
        confirm_buttons: vec!["ok".to_owned()],
        without_labels: Permission::Ask,
        secrets: [("card".to_owned(), SecretUse { apps: vec!["com.shop".to_owned()], any_field: false, apis: vec![] })]
            .into(),
        ..common::trusting()
    }
}

const TAP: &str = "do(action=\"Tap\", element=[790,540])";
const TYPE: &str = "do(action=\"Type\", text=\"4711\")";

fn next(episode: &mut Episode, event: Event) -> Next {
    episode.on(event)
}

/// Answers looks and readings with what is shown until the loop asks for something else.
fn settle(episode: &mut Episode, mut now: Next, shown: &Shown) -> Next {
    loop {
        now = match now {
            Next::Do(Effect::Look) => next(episode, Event::Saw(shown.screen())),
            Next::Do(Effect::Read) => next(episode, Event::Read(shown.labels.clone())),
            other => return other,
        };
    }
}

/// An episode in which a person is asked about what was said on a screen, and the question.
fn ask(mut setting: Setting, said: &str, before: &Shown) -> (Episode, Question) {
    setting.policy = policy();
    let mut episode = Episode::new(setting);
    let began = next(&mut episode, Event::Began);
    let Next::Do(Effect::Think(_)) = settle(&mut episode, began, before) else { panic!("it thinks") };
    let heard = next(&mut episode, Event::Heard(reply(said)));
    match settle(&mut episode, heard, before) {
        Next::Do(Effect::Ask(question)) => (episode, question),
        other => panic!("{said}: a person is asked, and not {other:?}"),
    }
}

/// Whether a yes to this call, chosen on one screen, still holds on another one.
fn holds(call: &str, before: &Shown, after: &Shown) -> bool {
    let (mut episode, _) = ask(setting(), call, before);
    let answered = next(&mut episode, Event::Answered(Answer::Yes));
    match settle(&mut episode, answered, after) {
        Next::Do(Effect::Act(_)) => true,
        Next::Do(Effect::Think(prompt)) => {
            assert!(format!("{prompt:?}").contains("not done: the screen changed"), "{prompt:?}");
            false
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_yes_is_for_a_thing_at_a_place_in_an_app() {
    let caret = [82, 91, 83, 101];
    let elsewhere = |shown: Shown| shown.without(2).word(1, "Offer 2");
    let cases = [
        ("nothing changed", TAP, shop(), true),
        ("the clock ticked", TAP, shop().without(0), true),
        ("a caret blinks", TAP, shop().draw(caret), true),
        ("the carousel turned", TAP, elsewhere(shop()), true),
        ("all of it at once", TAP, elsewhere(shop()).without(0).draw(caret), true),
        ("the button has another word", TAP, shop().word(4, "Buy 2"), false),
        ("the row has", TAP, shop().word(3, "Champagne"), false),
        ("the button looks different", TAP, shop().draw([80, 115, 110, 124]), false),
        ("it is gone", TAP, shop().without(4), false),
        ("another app is in front", TAP, Shown { app: "com.other", ..shop() }, false),
        ("the display was turned over", TAP, Shown { rotation: Rotation::Half, ..shop() }, false),
        ("a caret blinks while typing", TYPE, shop().draw(caret), true),
        ("the carousel turned while typing", TYPE, elsewhere(shop()), true),
        ("the field has another name", TYPE, shop().word(2, "Card number of Anna"), false),
    ];
    for (what, call, after, expected) in cases {
        assert_eq!(holds(call, &shop(), &after), expected, "{what}");
    }
    let mut moved = shop();
    for label in &mut moved.labels.as_mut().unwrap()[3..] {
        label.area.top -= 30;
        label.area.bottom -= 30;
    }
    assert!(!holds(TAP, &shop(), &moved), "the list moved by a row: the same word at the same place is another button");
    let mut refocused = shop();
    let labels = refocused.labels.as_mut().unwrap();
    (labels[2].focused, labels[0].focused) = (false, true);
    assert!(!holds(TYPE, &shop(), &refocused), "another field has the focus");
}

/// A mark before a thought is for the record of a run of steps; any other model is quoted as it spoke.
#[test]
fn nobody_is_asked_with_the_mark_of_a_step() {
    for (marked_thoughts, told) in [(true, "press \"Buy\""), (false, "step 1.1: press \"Buy\"")] {
        let mut setting = setting();
        setting.profile.marked_thoughts = marked_thoughts;
        let said = format!("<think>step 1.1: press \"Buy\"</think><answer>{TAP}</answer>");
        let (_, question) = ask(setting, &said, &shop());
        assert_eq!(question.message(), format!("payment; the model says: {told}"));
    }
}

/// Of two alarms the time may be all that tells them apart; a clock elsewhere may tick.
#[test]
fn a_time_beside_a_button_says_which_one_it_is() {
    let alarm = |time: &str| shop().word(3, time);
    assert!(holds(TAP, &alarm("07:30"), &alarm("07:30")));
    assert!(!holds(TAP, &alarm("07:30"), &alarm("08:30")));
    let elsewhere = |time: &str| shop().word(5, time);
    assert!(holds(TAP, &elsewhere("07:30"), &elsewhere("07:31")));
}

/// Where a device does not tell what has the focus, a text goes where nobody knows: only what is written tells whether it is the same.
#[test]
fn typing_without_a_focus_holds_for_what_is_written() {
    let unfocused = |title: &str| {
        let mut shown = shop().word(0, title);
        shown.labels.as_mut().unwrap()[2].focused = false;
        shown
    };
    assert!(holds(TYPE, &unfocused("Shop"), &unfocused("Shop")));
    assert!(!holds(TYPE, &unfocused("Shop"), &unfocused("Send money to")));
    let mut twice = shop();
    twice.labels.as_mut().unwrap()[0].focused = true;
    assert!(!holds(TYPE, &shop(), &twice), "two have the focus now");
}

/// Without a tree the picture at the place counts, and what is drawn above and below it.
#[test]
fn without_a_tree_the_picture_decides() {
    let untold = || shop().without_labels();
    let cases = [
        ("nothing changed", TAP, untold(), true),
        ("the clock ticked", TAP, untold().without(0), true),
        ("a caret blinks", TAP, untold().draw([82, 91, 83, 101]), true),
        ("the carousel turned", TAP, untold().without(2), true),
        ("the button looks different", TAP, untold().draw([80, 115, 110, 124]), false),
        ("what stands beside it does", TAP, untold().without(6), false),
        ("a caret blinks while typing", TYPE, untold().draw([82, 91, 83, 101]), true),
        ("something else came while typing", TYPE, untold().draw([20, 170, 100, 200]), false),
    ];
    for (what, call, after, expected) in cases {
        assert_eq!(holds(call, &untold(), &after), expected, "{what}");
    }
    assert!(holds(TAP, &shop(), &untold()), "the tree cannot be had this time, and nothing has changed");
    assert!(!holds(TAP, &shop(), &untold().without(6)), "it cannot be had, and something has");
}

/// What only agrees is about all that is written: the same button under another question is another button.
#[test]
fn a_yes_to_ok_is_for_what_it_agrees_to() {
    let asks = |words: &str| {
        let mut shown = shop();
        let labels = shown.labels.as_mut().unwrap();
        labels.truncate(1);
        labels.extend([
            label(words, [10, 100, 100, 116]),
            label("OK", [80, 124, 110, 136]),
            label("12:31", [90, 2, 115, 8]),
        ]);
        shown
    };
    let mut later = asks("Pay 5.00 to Anna?");
    later.labels.as_mut().unwrap()[3].text = "12:32".to_owned();
    assert!(holds(TAP, &asks("Pay 5.00 to Anna?"), &later), "a clock ticked");
    assert!(!holds(TAP, &asks("Pay 5.00 to Anna?"), &asks("Pay 500.00 to Mallory?")));
}

/// The guard has the last word: what came to the screen since can make it stricter.
#[test]
fn what_was_approved_is_judged_again() {
    let mut setting = setting();
    setting.policy = Policy { apps_forbidden: vec!["com.bank".to_owned()], ..policy() };
    let mut shop = shop();
    shop.labels.as_mut().unwrap()[0].touchable = false; // The page's heading.
    let mut episode = Episode::new(setting);
    let began = next(&mut episode, Event::Began);
    settle(&mut episode, began, &shop);
    let heard = next(&mut episode, Event::Heard(reply(TAP)));
    let Next::Do(Effect::Ask(question)) = settle(&mut episode, heard, &shop) else { panic!("it asks") };
    let Question::Confirm { target, page, asker, .. } = &question else { panic!("{question:?}") };
    assert_eq!((target.as_deref(), *asker), (Some("Buy"), Asker::Policy), "whoever answers is told what it is");
    assert_eq!(page.as_deref(), Some("Shop"), "and on which page");
    // Nothing looks different, and another app's window has come over the button.
    let mut covered = shop.clone();
    let window = Label { touchable: false, app: Some("com.bank".to_owned()), ..label("", [80, 124, 110, 136]) };
    covered.labels.as_mut().unwrap().push(window);
    let answered = next(&mut episode, Event::Answered(Answer::Yes));
    let told = settle(&mut episode, answered, &covered);
    let Next::Do(Effect::Think(prompt)) = told else { panic!("{told:?}") };
    assert!(format!("{prompt:?}").contains("com.bank"), "it is told why: {prompt:?}");
}

/// On a desktop an app may be known by a name without a dot; several are on the screen, and another one is in front.
#[test]
fn what_lies_under_a_finger_is_known_by_an_id_without_a_dot() {
    let over = |app: &str, edition| {
        let policy = Policy { apps_forbidden: vec!["xterm".to_owned()], ..common::trusting() };
        let mut episode = Episode::new(agent_setting(policy, edition));
        let began = next(&mut episode, Event::Began);
        let mut shown = shop();
        let window = Label { touchable: false, app: Some(app.to_owned()), ..label("", [80, 124, 110, 136]) };
        shown.labels.as_mut().unwrap().push(window);
        settle(&mut episode, began, &shown);
        let heard = next(&mut episode, Event::Heard(reply(TAP)));
        settle(&mut episode, heard, &shown)
    };
    let Next::Do(Effect::Think(prompt)) = over("xterm", EDITION) else { panic!("it is told why") };
    assert!(format!("{prompt:?}").contains("xterm"), "{prompt:?}");
    assert!(matches!(over("gedit", EDITION), Next::Do(Effect::Act(_))));
    // As runs of before went on, and are replayed.
    assert!(matches!(over("xterm", 6), Next::Do(Effect::Act(_))));
}

fn agent_setting(policy: Policy, edition: u32) -> Setting {
    Setting { policy, edition, ..setting() }
}

/// A secret goes into the field that hides it, and not into the one that has the focus by then.
#[test]
fn a_secret_is_typed_only_if_the_field_still_hides_it() {
    const SECRET: &str = "do(action=\"Type\", text=\"{{secret:card}}\")";
    let hides = |hides| {
        let mut shown = shop();
        shown.labels.as_mut().unwrap()[2].secret = hides;
        shown
    };
    let after = |shown: &Shown| {
        let mut setting = setting();
        setting.policy = policy();
        let mut episode = Episode::new(setting);
        let began = next(&mut episode, Event::Began);
        settle(&mut episode, began, &hides(true));
        next(&mut episode, Event::Heard(reply(SECRET)));
        let read = next(&mut episode, Event::Read(hides(true).labels));
        assert_eq!(read, Next::Do(Effect::Look), "it looks again before it types");
        settle(&mut episode, read, shown)
    };
    assert!(matches!(after(&hides(true)), Next::Do(Effect::Act(_))));
    let moves = elsewhere_moves(hides(true));
    assert!(matches!(after(&moves), Next::Do(Effect::Act(_))), "whatever else moves");
    for other in
        [hides(false), Shown { app: "com.other", ..hides(true) }, Shown { rotation: Rotation::Quarter, ..hides(true) }]
    {
        let next = after(&other);
        assert!(matches!(next, Next::Do(Effect::Think(_))), "{next:?}");
    }
    assert!(
        matches!(after(&hides(true).without_labels()), Next::Do(Effect::Ask(_))),
        "the device does not tell any more"
    );
}

fn elsewhere_moves(shown: Shown) -> Shown {
    shown.without(2).without(0)
}

/// Editions before the fourth compared frames; their records replay so.
#[test]
fn older_editions_go_by_the_frame() {
    for (edition, expected) in [(3, false), (4, true)] {
        let mut setting = setting();
        setting.policy = policy();
        setting.edition = edition;
        let mut episode = Episode::new(setting);
        let began = next(&mut episode, Event::Began);
        settle(&mut episode, began, &shop());
        let heard = next(&mut episode, Event::Heard(reply(TAP)));
        settle(&mut episode, heard, &shop());
        let answered = next(&mut episode, Event::Answered(Answer::Yes));
        let acted = settle(&mut episode, answered, &shop().draw([82, 91, 83, 101]));
        assert_eq!(matches!(acted, Next::Do(Effect::Act(_))), expected, "edition {edition}: {acted:?}");
        if expected {
            let done = next(&mut episode, Event::Acted(ActionResult::Done));
            assert_eq!(done, Next::Do(Effect::Look));
        }
    }
}

/// A place's page in a map: its name, what is noted, a list, and what saves it at the top.
fn saved_place(name: &str, note: &str, count: &str) -> Shown {
    let plain = |text: &str, area| Label { touchable: false, ..label(text, area) };
    let field = Label { value: Some(note.to_owned()), ..label(note, [5, 60, 115, 80]) };
    Shown {
        app: "com.maps",
        // What is written is drawn as wide as it is, or as its number says.
        drawn: vec![
            [100, 12, 112, 24],
            [5, 30, 5 + 5 * name.len() as u32, 40],
            [5, 62, 5 + 4 * note.len() as u32, 70],
            [5, 92, 5 + 10 * count.chars().next().and_then(|digit| digit.to_digit(10)).unwrap_or_default(), 100],
        ],
        labels: Some(vec![
            plain("Save to a list", [5, 10, 90, 26]),
            label("Save", [96, 8, 116, 28]),
            plain(name, [5, 28, 5 + 5 * name.len() as u32, 42]),
            field,
            plain(count, [5, 90, 60, 100]),
        ]),
        rotation: Rotation::None,
    }
}

/// What comes of the check mark of one place's page after a break in the middle of that of another.
#[test]
fn a_doubt_about_one_thing_is_none_about_another_on_the_same_page() {
    let palace = saved_place("Palace", "50", "2 places");
    let after_break = |shown: &Shown, edition| {
        let mut episode = Episode::new(agent_setting(policy(), edition));
        let save = || Event::Heard(reply("do(action=\"Tap\", element=[880,75])"));
        let began = next(&mut episode, Event::Began);
        settle(&mut episode, began, &palace);
        let heard = next(&mut episode, save());
        let acts = settle(&mut episode, heard, &palace);
        assert!(matches!(acts, Next::Do(Effect::Act(_))), "{acts:?}");
        let terms = ResumeTerms { edition: None, policy: None, limits: None, apis: None };
        let resumed = next(&mut episode, Event::Resumed { begun: true, terms });
        let map = saved_place("Map", "", "");
        settle(&mut episode, resumed, &map);
        let heard = next(&mut episode, Event::Heard(reply("do(action=\"Tap\", element=[300,900])")));
        let acts = settle(&mut episode, heard, &map);
        assert!(matches!(acts, Next::Do(Effect::Act(_))), "{acts:?}");
        let acted = next(&mut episode, Event::Acted(ActionResult::Done));
        settle(&mut episode, acted, shown);
        let heard = next(&mut episode, save());
        match settle(&mut episode, heard, shown) {
            Next::Do(Effect::Act(_)) => false,
            // Of what else there is to ask it is a part.
            Next::Do(Effect::Ask(question)) if question.message().contains("it may have happened") => true,
            other => panic!("{other:?}"),
        }
    };
    for (shown, asks, why) in [
        (saved_place("Deep Lake", "30", "3 places"), false, "another place"),
        (saved_place("Deep Lake", "50", "3 places"), true, "the same note: it may be the same deed in other words"),
        (saved_place("Palace", "", "3 places"), true, "the same place"),
        (saved_place("Palace", "50", "3 places"), true, "the same place and note"),
        (Shown { labels: None, ..saved_place("Deep Lake", "30", "3 places") }, true, "nobody tells which"),
    ] {
        assert_eq!(after_break(&shown, EDITION), asks, "{why}");
        assert!(after_break(&shown, 7), "records of before go by their own rules");
    }
}
