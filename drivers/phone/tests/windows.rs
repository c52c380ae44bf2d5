//! What is round the apps: menus, clipboard, share sheet, recent apps, shade, and what is asked before something is lost.

use std::collections::BTreeMap;

use tapwright_phone::{ADB_KEYBOARD, Event, Input, Key, MarkContent, Options, World};

fn world(seed: u64) -> World {
    World::new(Options { seed, ..Options::default() })
}

/// All words that can be seen, in the order in which they are drawn.
fn words(world: &World) -> String {
    let words = world.marks().into_iter().filter_map(|mark| match mark.what {
        MarkContent::Word(word) => Some(word),
        MarkContent::Icon(_) | MarkContent::Control | MarkContent::Field => None,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn shows(world: &World, text: &str) -> bool {
    words(world).contains(text)
}

/// Where the last word or icon of this name is that a touch reaches.
fn place(world: &World, name: &str) -> (i32, i32) {
    let is_it = |what: &MarkContent| match what {
        MarkContent::Word(word) => word == name,
        MarkContent::Icon(icon) => format!("{icon:?}") == name,
        MarkContent::Control | MarkContent::Field => false,
    };
    let found = world.marks().into_iter().rev().find(|mark| is_it(&mark.what));
    let mark = found.unwrap_or_else(|| panic!("there is no `{name}` in: {}", words(world)));
    mark.target.unwrap_or_else(|| mark.rect.center())
}

fn tap(world: &mut World, name: &str) {
    let (x, y) = place(world, name);
    world.input(&Input::Tap { x, y });
}

fn hold(world: &mut World, name: &str) {
    let (x, y) = place(world, name);
    world.input(&Input::LongPress { x, y });
}

fn tap_field(world: &mut World) {
    let found = world.marks().into_iter().find(|mark| mark.what == MarkContent::Field).and_then(|mark| mark.target);
    let (x, y) = found.expect("there is a field");
    world.input(&Input::Tap { x, y });
}

fn pull_shade(world: &mut World) {
    world.input(&Input::Swipe { from: (270, 5), to: (270, 600), millis: 200 });
}

fn changed_facts(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.retain(|name| before.get(name) != after.get(name) && name != "front");
    names.dedup();
    names
}

/// The package, the way to a page with a field, and what is asked there.
const WRITTEN: [(&str, &str); 3] = [
    ("com.android.notes", "Discard note?"),
    ("com.android.calendar", "Discard event?"),
    ("com.android.contacts", "Discard contact?"),
];

#[test]
fn back_hides_the_keyboard_first_and_what_is_written_is_asked_about() {
    for seed in 0..6 {
        for (package, question) in WRITTEN {
            for keyboard in [tapwright_phone::LATIN_KEYBOARD, ADB_KEYBOARD] {
                let mut world = world(seed);
                world.set_input_method(keyboard);
                world.launch(package);
                tap(&mut world, "Plus");
                if !world.field_has_focus() {
                    tap_field(&mut world);
                }
                let page = world.page().cloned();
                world.input(&Input::Type("abc".into()));
                world.input(&Input::Press(Key::Back));
                assert!(!world.field_has_focus(), "{package}: the keyboard is hidden");
                assert_eq!(world.page().cloned(), page, "{package}: the page stays");
                assert!(shows(&world, "abc"), "{package}: what was written stays");
                // No, twice, by a key and by the button; and by the arrow in the title bar.
                world.input(&Input::Press(Key::Back));
                assert!(shows(&world, question), "{package}: {}", words(&world));
                world.input(&Input::Press(Key::Back));
                assert!(shows(&world, "abc") && !shows(&world, question));
                tap(&mut world, "Back");
                assert!(shows(&world, question));
                tap(&mut world, "Cancel");
                assert!(shows(&world, "abc") && world.page().cloned() == page);
                // It can still be saved.
                let mut saved = world.clone();
                let before = saved.facts();
                tap(&mut saved, "Check");
                assert!(!changed_facts(&before, &saved.facts()).is_empty(), "{package}: it is saved");
                // And what is thrown away is gone.
                world.input(&Input::Press(Key::Back));
                tap(&mut world, "Discard");
                assert_ne!(world.page().cloned(), page);
                assert!(changed_facts(&before, &world.facts()).is_empty());
                tap(&mut world, "Plus");
                assert!(!shows(&world, "abc"), "{package}: {}", words(&world));
            }
        }
    }
}

#[test]
fn where_nothing_was_written_nothing_is_asked() {
    for (package, _) in WRITTEN {
        let mut world = world(3);
        world.launch(package);
        let (first, list) = (world.page().cloned(), world.draw());
        tap(&mut world, "Plus");
        for _ in 0..2 {
            if world.page().cloned() != first {
                world.input(&Input::Press(Key::Back));
            }
        }
        assert!(world.draw() == list, "{package}: {}", words(&world));
    }
    // A note that is only read is left as it is.
    let mut world = world(3);
    world.launch("com.android.notes");
    let list = world.draw();
    world.input(&Input::Tap { x: 200, y: 230 });
    assert!(world.field_text().is_some_and(|text| !text.is_empty()));
    world.input(&Input::Press(Key::Back));
    world.input(&Input::Press(Key::Back));
    assert!(world.draw() == list, "{}", words(&world));
    // One that was changed is asked about.
    world.input(&Input::Tap { x: 200, y: 230 });
    world.input(&Input::Type("!".into()));
    world.input(&Input::Press(Key::Back));
    world.input(&Input::Press(Key::Back));
    assert!(shows(&world, "Discard changes?"));
}

#[test]
fn a_question_belongs_to_its_app() {
    let mut world = world(3);
    world.launch("com.android.contacts");
    tap(&mut world, "Ben");
    tap(&mut world, "Bin");
    assert!(shows(&world, "Delete contact"));
    let before = world.facts();
    world.launch("com.android.settings");
    assert!(shows(&world, "Wi-Fi") && !shows(&world, "Delete contact"), "{}", words(&world));
    assert!(changed_facts(&before, &world.facts()).is_empty());
}

#[test]
fn a_long_press_offers_a_menu() {
    let mut world = world(3);
    world.launch("com.android.notes");
    let (list, before) = (world.draw(), world.facts());
    let note = before["notes.2"].split(' ').next().unwrap().to_owned();
    hold(&mut world, &note);
    assert!(["Copy", "Share", "Delete"].iter().all(|item| shows(&world, item)), "{}", words(&world));
    world.input(&Input::Tap { x: 10, y: 1000 });
    assert!(world.draw() == list, "a touch beside it closes it");
    hold(&mut world, &note);
    tap(&mut world, "Copy");
    assert_eq!(world.clipboard(), before["notes.2"]);
    assert!(world.draw() == list);
    hold(&mut world, &note);
    tap(&mut world, "Delete");
    tap(&mut world, "Delete");
    assert_eq!(world.facts()["notes.count"], "2", "{}", words(&world));
    // Where nothing is offered a long press is a touch, as on Android.
    world.launch("com.android.settings");
    let on = world.facts()["location.on"].clone();
    hold(&mut world, "Location");
    assert_ne!(world.facts()["location.on"], on);
}

#[test]
fn every_list_can_be_pressed_long() {
    for (package, menu) in [
        ("com.android.mms", "Delete conversation"),
        ("com.android.contacts", "Copy number"),
        ("com.android.deskclock", "Delete alarm"),
    ] {
        let mut world = world(3);
        world.launch(package);
        world.input(&Input::LongPress { x: 250, y: 320 });
        assert!(shows(&world, menu), "{package}: {}", words(&world));
        let before = world.facts();
        tap(&mut world, "Delete");
        if shows(&world, "Cancel") {
            tap(&mut world, "Delete");
        }
        assert!(!changed_facts(&before, &world.facts()).is_empty(), "{package}");
    }
}

#[test]
fn text_is_selected_cut_copied_and_pasted() {
    let mut world = world(3);
    world.launch("com.android.notes");
    tap(&mut world, "Plus");
    let press = |world: &mut World, key: Key| world.input(&Input::Press(key));
    world.input(&Input::Type("milk".into()));
    press(&mut world, Key::Copy);
    assert_eq!(world.clipboard(), "", "nothing was selected");
    let plain = world.draw();
    press(&mut world, Key::SelectAll);
    assert!(world.draw() != plain, "what is selected can be seen");
    press(&mut world, Key::Copy);
    press(&mut world, Key::Paste);
    assert_eq!((world.field_text(), world.clipboard()), (Some("milk"), "milk"), "pasted over what was selected");
    press(&mut world, Key::Paste);
    assert_eq!(world.field_text(), Some("milkmilk"));
    press(&mut world, Key::SelectAll);
    press(&mut world, Key::Cut);
    assert_eq!((world.field_text(), world.clipboard()), (Some(""), "milkmilk"));
    world.input(&Input::Type("x".into()));
    press(&mut world, Key::SelectAll);
    world.input(&Input::Type("y".into()));
    assert_eq!(world.field_text(), Some("y"), "typed over what was selected");
    press(&mut world, Key::SelectAll);
    press(&mut world, Key::Delete);
    assert_eq!(world.field_text(), Some(""));
    // The same by a finger.
    hold(&mut world, "Write");
    tap(&mut world, "Paste");
    assert_eq!(world.field_text(), Some("milkmilk"));
    hold(&mut world, "milkmilk");
    tap(&mut world, "Cut");
    assert_eq!((world.field_text(), world.clipboard()), (Some(""), "milkmilk"));
    // Without a field nothing happens.
    press(&mut world, Key::Home);
    press(&mut world, Key::Paste);
    press(&mut world, Key::SelectAll);
    assert_eq!(world.field_text(), None);
}

#[test]
fn a_note_is_shared_to_a_conversation_and_to_a_note() {
    let mut world = world(3);
    world.launch("com.android.notes");
    let note = world.facts()["notes.2"].clone();
    let first = note.split(' ').next().unwrap().to_owned();
    hold(&mut world, &first);
    tap(&mut world, "Share");
    tap(&mut world, "Messages");
    assert_eq!(world.front().label, "Messages");
    tap(&mut world, "Ben");
    assert_eq!(world.field_text(), Some(note.as_str()), "it is there to be sent");
    let before = world.facts();
    tap(&mut world, "Send");
    assert_eq!(world.facts()["messages.Ben.last"], format!("me: {note}"));
    assert!(changed_facts(&before, &world.facts()).iter().all(|name| name.starts_with("messages.Ben.")));
    // Back from there the list of people is not met again.
    world.input(&Input::Press(Key::Back));
    world.input(&Input::Press(Key::Back));
    assert_eq!(world.page().map(|page| page.name), Some("main"));
    // A message becomes a note; text that waits in a field is added to, not lost.
    tap(&mut world, "Ben");
    hold(&mut world, &first);
    tap(&mut world, "Share");
    tap(&mut world, "Notes");
    assert_eq!(world.field_text(), Some(note.as_str()));
    tap(&mut world, "Check");
    assert_eq!(world.facts()["notes.3"], note);
}

#[test]
fn recent_apps_are_gone_back_to_and_ended() {
    let mut world = world(3);
    world.input(&Input::Press(Key::Recents));
    assert!(shows(&world, "No recent apps"));
    world.input(&Input::Press(Key::Back));
    world.launch("com.android.contacts");
    tap(&mut world, "Ben");
    let person = world.draw();
    world.launch("com.android.settings");
    world.input(&Input::Press(Key::Home));
    tap(&mut world, "Square");
    assert!(words(&world).ends_with("Recent apps Settings Contacts Clear all"), "{}", words(&world));
    tap(&mut world, "Contacts");
    assert!(world.draw() == person, "on the page where it was left");
    world.input(&Input::Press(Key::Recents));
    world.input(&Input::Press(Key::Back));
    assert!(world.draw() == person);
    world.input(&Input::Press(Key::Recents));
    tap(&mut world, "Clear");
    assert_eq!(world.front().label, "Home");
    world.launch("com.android.contacts");
    assert_eq!(world.page().map(|page| page.name), Some("main"), "it began anew");
    world.stop("com.android.contacts");
    world.input(&Input::Press(Key::Recents));
    assert!(shows(&world, "No recent apps"));
}

#[test]
fn the_shade_turns_switches_and_keeps_notifications() {
    let mut world = world(3);
    world.launch("com.android.settings");
    let page = world.draw();
    pull_shade(&mut world);
    assert_eq!(world.window(), "NotificationShade");
    assert!(shows(&world, "No notifications") && shows(&world, "Wi-Fi") && shows(&world, "Thursday, 1 January"));
    let on = world.facts()["wifi.on"].clone();
    tap(&mut world, "Wi-Fi");
    assert_ne!(world.facts()["wifi.on"], on);
    tap(&mut world, "Wi-Fi");
    world.input(&Input::Press(Key::Back));
    assert!(world.draw() == page && world.front().label == "Settings", "back closes the shade only");
    for (text, package) in [("Rain in an hour", "com.android.calendar"), ("Ben: hi", "com.android.mms")] {
        world.happen(Event::Notification { package, text: text.into(), millis: 10 });
    }
    world.advance(world.uptime() + 10);
    assert!(world.draw() == page, "the banner has gone");
    world.input(&Input::Press(Key::Notifications));
    assert!(shows(&world, "Ben: hi Rain in an hour"), "{}", words(&world));
    tap(&mut world, "Rain");
    assert_eq!(world.front().label, "Calendar");
    pull_shade(&mut world);
    assert!(shows(&world, "Ben: hi") && !shows(&world, "Rain"));
    tap(&mut world, "Clear");
    assert!(shows(&world, "No notifications"));
    world.input(&Input::Swipe { from: (270, 900), to: (270, 300), millis: 200 });
    assert_eq!(world.window(), "com.android.calendar/com.android.calendar.AllInOneActivity");
    // A locked phone has none.
    world.happen(Event::Lock { dark: false });
    pull_shade(&mut world);
    world.unlock();
    assert!(!shows(&world, "No notifications"));
}

#[test]
fn who_was_allowed_something_does_not_ask_again() {
    let mut world = world(3);
    let asks = |world: &World| shows(world, "use your location?");
    world.launch("com.android.settings");
    world.happen(Event::Permission);
    assert!(asks(&world));
    tap(&mut world, "Allow");
    assert_eq!(world.permission("com.android.settings"), Some(true));
    world.happen(Event::Permission);
    assert!(!asks(&world), "it may already");
    world.launch("com.android.mms");
    assert_eq!(world.permission("com.android.mms"), None);
    for _ in 0..2 {
        world.happen(Event::Permission);
        assert!(asks(&world));
        tap(&mut world, "Deny");
        assert_eq!(world.permission("com.android.mms"), Some(false));
    }
    world.happen(Event::Permission);
    assert!(!asks(&world), "twice no is no");
}

#[test]
fn an_event_can_be_at_any_time() {
    let mut world = world(3);
    world.launch("com.android.calendar");
    tap(&mut world, "Plus");
    world.input(&Input::Type("Tea".into()));
    tap(&mut world, "12:00");
    for _ in 0..4 {
        tap(&mut world, "Minus");
    }
    let hours = world.marks().into_iter().find(|mark| mark.what == MarkContent::Icon(tapwright_phone::Icon::Plus));
    let (x, y) = hours.and_then(|mark| mark.target).expect("a button for hours");
    world.input(&Input::Tap { x, y });
    tap(&mut world, "Check");
    assert!(shows(&world, "12:40") && shows(&world, "Tea"), "{}", words(&world));
    tap(&mut world, "Check");
    assert!(world.facts()["calendar.0.events"].contains("12:40 Tea"));
    // The next one begins at noon again.
    tap(&mut world, "Plus");
    assert!(shows(&world, "12:00"));
}

#[test]
fn gestures_say_how_long_they_take() {
    for (input, millis) in [
        (Input::Swipe { from: (0, 0), to: (9, 9), millis: 300 }, 300),
        (Input::Swipe { from: (0, 0), to: (9, 9), millis: 2000 }, 2000),
        (Input::LongPress { x: 1, y: 1 }, 400),
        (Input::Tap { x: 1, y: 1 }, 0),
    ] {
        assert_eq!(input.millis(), millis, "{input:?}");
    }
}

/// Whatever has come to the front since.
#[test]
fn a_permission_is_given_to_the_app_that_asks() {
    let mut world = world(3);
    let asks = |world: &World| shows(world, "use your location?");
    world.launch("com.android.settings");
    world.happen(Event::Permission);
    world.launch("com.android.mms");
    assert!(shows(&world, "Allow Settings to") && asks(&world));
    tap(&mut world, "Allow");
    assert_eq!((world.permission("com.android.settings"), world.permission("com.android.mms")), (Some(true), None));
    world.happen(Event::Permission);
    assert!(shows(&world, "Allow Messages to") && asks(&world));
    world.stop("com.android.mms");
    assert!(!asks(&world), "nobody asks any more");
}
