//! The world keeps its promises: the same seed is the same phone, what can be seen can be touched, nothing done to it breaks it.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use tapwright_phone::{ADB_KEYBOARD, Dice, Input, Key, MarkContent, Options, World};

fn world(seed: u64) -> World {
    World::new(Options { seed, ..Options::default() })
}

/// FNV-1a, to tell pictures apart.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

fn tap_word(world: &mut World, word: &str) {
    let marks = world.marks();
    let found = marks.iter().rev().find(|mark| mark.what == MarkContent::Word(word.into()) && mark.target.is_some());
    let (x, y) = found.and_then(|mark| mark.target).unwrap_or_else(|| panic!("no `{word}` can be touched"));
    world.input(&Input::Tap { x, y });
}

fn tap_icon(world: &mut World, icon: &str) {
    let is_it = |what: &MarkContent| matches!(what, MarkContent::Icon(shown) if format!("{shown:?}") == icon);
    let found = world.marks().into_iter().find(|mark| is_it(&mark.what) && mark.target.is_some());
    let (x, y) = found.and_then(|mark| mark.target).unwrap_or_else(|| panic!("no icon `{icon}` can be touched"));
    world.input(&Input::Tap { x, y });
}

/// What became different.
fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
        if before.get(name) != after.get(name) {
            let show = |facts: &BTreeMap<String, String>| facts.get(name).cloned().unwrap_or("-".into());
            text += &format!("{name}: {} -> {}\n", show(before), show(after));
        }
    }
    text
}

fn check(deed: impl FnOnce(&mut World), expected: Expect) {
    let mut world = world(3);
    let before = world.facts();
    deed(&mut world);
    expected.assert_eq(&changes(&before, &world.facts()));
}

#[test]
fn a_switch_is_turned_where_its_word_stands() {
    check(
        |world| {
            world.launch("com.android.settings");
            tap_word(world, "Location");
        },
        expect![[r#"
            front: com.tapwright.launcher -> com.android.settings
            location.on: true -> false
        "#]],
    );
}

#[test]
fn a_message_is_typed_and_sent() {
    check(
        |world| {
            tap_word(world, "Messages");
            tap_word(world, "Felix");
            let field =
                world.marks().into_iter().find(|mark| mark.what == MarkContent::Field).and_then(|mark| mark.target);
            let (x, y) = field.expect("a conversation has a field");
            world.input(&Input::Tap { x, y });
            world.set_input_method(ADB_KEYBOARD);
            world.input(&Input::Type("on my way, 马上到".into()));
            tap_icon(world, "Send");
        },
        expect![[r#"
            front: com.tapwright.launcher -> com.android.mms
            messages.Felix.count: 3 -> 4
            messages.Felix.last: me: Lunch at noon -> me: on my way, 马上到
            messages.Felix.3: - -> me: on my way, 马上到
        "#]],
    );
}

#[test]
fn letters_come_from_the_keys_on_the_display() {
    check(
        |world| {
            world.launch("com.android.notes");
            tap_icon(world, "Plus");
            // The keys are too many to be marks: their first line lies in the ninth of the display's thirteen rows.
            let (width, height) = world.size();
            for column in [5, 8] {
                let (x, y) = (width as i32 * (2 * column + 1) / 20, height as i32 * 17 / 26);
                world.input(&Input::Tap { x, y });
            }
            tap_icon(world, "Check");
        },
        expect![[r#"
            front: com.tapwright.launcher -> com.android.notes
            notes.count: 3 -> 4
            notes.3: - -> yo
        "#]],
    );
}

#[test]
fn deleting_asks_first_and_what_lies_below_cannot_be_touched() {
    check(
        |world| {
            world.launch("com.android.contacts");
            tap_word(world, "Ben");
            tap_icon(world, "Bin");
            // The row for favourites lies here, below the shade.
            world.input(&Input::Tap { x: 270, y: 690 });
            tap_word(world, "Cancel");
            tap_icon(world, "Bin");
            tap_word(world, "Delete");
        },
        expect![[r#"
            contacts.Ben.favourite: false -> -
            contacts.Ben.number: 0152 948 2958 -> -
            front: com.tapwright.launcher -> com.android.contacts
        "#]],
    );
}

#[test]
fn an_alarm_and_an_event_are_made() {
    check(
        |world| {
            world.launch("com.android.deskclock");
            tap_icon(world, "Plus");
            tap_icon(world, "Plus");
            tap_icon(world, "Check");
            world.launch("com.android.calendar");
            tap_icon(world, "Plus");
            world.input(&Input::Type("Tea".into()));
            world.input(&Input::Press(Key::Enter));
        },
        expect![[r#"
            calendar.0.count: 1 -> 2
            calendar.0.events: 17:30 Car wash -> 12:00 Tea; 17:30 Car wash
            front: com.tapwright.launcher -> com.android.calendar
            alarms.08:00.on: - -> true
        "#]],
    );
}

#[test]
fn the_same_seed_draws_the_same_pixels() {
    let mut digests = String::new();
    for seed in [1, 2] {
        let mut world = world(seed);
        digests += &format!("{seed} launcher {:016x}\n", digest(&world.draw()));
        for app in world.apps() {
            world.launch(app.package);
            digests += &format!("{seed} {} {:016x}\n", app.label, digest(&world.draw()));
        }
    }
    expect![[r#"
        1 launcher 7eaf8e1dcc37577b
        1 Messages 9a9f9e63dfbb61ab
        1 Contacts 0af610161dd9ba62
        1 Notes 4f91045b15305d8e
        1 Clock cac2d89aa4b1b7d0
        1 Calendar 773617b5e3cf1e0a
        1 Settings 28d3bbbdeaa16d4a
        2 launcher 516d4084ddbc86af
        2 Messages a338db390655709a
        2 Contacts 07dcd016b80ddba9
        2 Notes 277c5d3ee1d3026e
        2 Clock babd56caa3684227
        2 Calendar 6ce573441cb43e56
        2 Settings e2c8978ff1dbb087
    "#]]
    .assert_eq(&digests);
}

#[test]
fn the_hierarchy_names_what_the_pixels_show() {
    let mut world = world(3);
    world.launch("com.android.settings");
    let xml = world.hierarchy();
    let switches = xml.split("<node ").filter(|node| node.contains("class=\"android.widget.Switch\"")).count();
    assert_eq!(switches, 8, "Settings shows eight switches");
    assert!(xml.contains("text=\"Wi-Fi\""), "{xml}");
    let opened = xml.matches("<node ").count();
    assert_eq!(opened, xml.matches(" />").count() + xml.matches("</node>").count(), "every node is closed");
}

#[test]
fn text_cannot_break_out_of_the_hierarchy() {
    let mut world = world(3);
    world.launch("com.android.notes");
    tap_icon(&mut world, "Plus");
    world.input(&Input::Type("\"/><node text=\"&\u{1}\n".into()));
    let xml = world.hierarchy();
    assert!(xml.contains("text='\"/&gt;&lt;node text=\"&amp;.&#10;'"), "{xml}");
}

#[test]
fn nothing_that_is_done_to_it_breaks_it() {
    let mut fronts = BTreeMap::new();
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let (width, height) = *dice.pick(&[(540, 1200), (1080, 2400), (720, 1280), (240, 400)]);
        let mut world = World::new(Options { seed, width, height, ..Options::default() });
        for _ in 0..40 {
            let mut place =
                || (dice.below(width as usize + 40) as i32 - 20, dice.below(height as usize + 40) as i32 - 20);
            let ((x, y), to) = (place(), place());
            let input = match dice.below(11) {
                10 => Input::Drag { from: (x, y), to },
                0 => Input::Swipe { from: (x, y), to, millis: 300 },
                1 => Input::Press(*dice.pick(&[Key::Back, Key::Home, Key::Enter, Key::Delete])),
                2 => Input::Type("长 long ".repeat(dice.below(40))),
                3 => Input::Clear,
                4 => Input::LongPress { x, y },
                _ => Input::Tap { x, y },
            };
            world.input(&input);
            if dice.chance(10) {
                world.launch(dice.pick(&world.apps()).package);
            }
            assert_eq!(world.draw().len(), 4 * (width * height) as usize);
            world.hierarchy();
            world.facts();
            *fronts.entry(world.front().label).or_insert(0) += 1;
        }
    }
    // A census: green means nothing unless every app was in front.
    assert_eq!(fronts.len(), 7, "{fronts:?}");
}

/// Where something with these words is.
fn spot_of(world: &World, words: &str) -> (i32, i32) {
    let mark =
        world.marks().into_iter().find(|mark| mark.what == MarkContent::Word(words.into())).expect("it is shown");
    mark.target.unwrap_or_else(|| mark.rect.center())
}

#[test]
fn an_icon_of_the_launcher_can_be_dragged_to_another_place() {
    let mut world = world(3);
    let before = (world.draw(), world.facts()["launcher.icons"].clone());
    assert_eq!(before.1, "Messages, Contacts, Notes, Clock, Calendar, Settings");
    let (from, to) = (spot_of(&world, "Settings"), spot_of(&world, "Contacts"));
    world.input(&Input::Drag { from, to });
    assert_eq!(world.facts()["launcher.icons"], "Messages, Settings, Contacts, Notes, Clock, Calendar");
    assert!(world.draw() != before.0, "it cannot be seen");
    assert_eq!(spot_of(&world, "Settings"), to);
    world.input(&Input::Tap { x: to.0, y: to.1 });
    assert_eq!(world.front().label, "Settings", "a touch meets what is shown");
    // In an app there is nothing to be dragged, and what is held does not scroll.
    let page = world.draw();
    world.input(&Input::Drag { from: (270, 900), to: (270, 300) });
    assert!(world.draw() == page);
    world.input(&Input::Press(Key::Home));
    // Next to the icons there is nothing that it could be dropped on.
    let (icons, settings) = (world.facts()["launcher.icons"].clone(), spot_of(&world, "Settings"));
    world.input(&Input::Drag { from: settings, to: (270, 100) });
    world.input(&Input::Drag { from: (270, 100), to: settings });
    world.input(&Input::Swipe { from: settings, to: from, millis: 2000 });
    assert_eq!(world.facts()["launcher.icons"], icons);
    world.set_fact("launcher.icons", &before.1).expect("it can be set");
    assert!(world.draw() == before.0);
}

#[test]
fn facts_that_make_no_sense_are_refused() {
    let mut world = world(3);
    for (name, value) in [
        ("wifi.on", "yes"),
        ("wifi", "true"),
        ("nothing.on", "true"),
        ("brightness", "101"),
        ("font.percent", "101"),
        ("alarms.25:00.on", "true"),
        ("contacts.Nobody.favourite", "true"),
        ("", ""),
        ("launcher.icons", "Messages, Contacts"),
        ("launcher.icons", "Messages, Messages, Contacts, Notes, Clock, Calendar, Settings"),
        ("launcher.icons", "Messages, Contacts, Notes, Clock, Calendar, Bank"),
        ("messages.Anna.last", "hello"),
        ("messages.Anna.99", "me: hello"),
        ("messages.Anna.count", "2"),
        ("notes.99", "hello"),
        ("notes.count", "99"),
        ("calendar.7.events", "10:00 Dentist"),
        ("calendar.0.events", "Dentist"),
        ("calendar.0.events", "10:00 "),
    ] {
        assert!(world.set_fact(name, value).is_err(), "{name} = {value}");
    }
    world.set_fact("alarms.06:15.on", "true").expect("an alarm can be set");
    assert_eq!(world.facts()["alarms.06:15.on"], "true");
}

/// `pm clear`: each app by itself is as it was, whatever was done in it; the others, and what several apps share, are not touched.
#[test]
fn an_app_that_is_cleared_is_as_when_the_world_began() {
    let mut world = world(3);
    let before = world.facts();
    let alarms: Vec<&String> =
        before.keys().filter(|name| name.starts_with("alarms.") && name.ends_with(".on")).collect();
    assert!(!alarms.is_empty(), "{before:?}");
    let turn = |value: &str| if value == "true" { "false" } else { "true" };
    for name in alarms.iter().copied().chain([&"wifi.on".to_owned()]) {
        world.set_fact(name, turn(&before[name])).unwrap();
    }
    world.launch("com.android.deskclock");
    assert_eq!(world.front().package, "com.android.deskclock");
    assert!(!world.clear("com.android.none"));
    assert!(world.clear("com.android.notes"));
    assert_eq!(world.front().package, "com.android.deskclock", "another app was cleared");
    assert_ne!(world.facts()[alarms[0]], before[alarms[0]]);
    assert!(world.clear("com.android.deskclock"));
    assert_eq!(
        changes(&before, &world.facts()),
        format!("wifi.on: {} -> {}\n", before["wifi.on"], turn(&before["wifi.on"]))
    );
}

#[test]
fn messages_notes_and_events_can_be_set_for_a_start() {
    let mut world = world(3);
    let mut set = |name: &str, value: &str| {
        world.set_fact(name, value).unwrap();
        world.facts()
    };
    let facts = set("messages.Quentin.last", "them: a: b");
    assert_eq!((&*facts["messages.Quentin.count"], &*facts["messages.Quentin.0"]), ("1", "them: a: b"));
    let facts = set("messages.Quentin.1", "me: yes");
    assert_eq!((&*facts["messages.Quentin.count"], &*facts["messages.Quentin.last"]), ("2", "me: yes"));
    let facts = set("messages.Quentin.0", "them: c");
    assert_eq!((&*facts["messages.Quentin.count"], &*facts["messages.Quentin.0"]), ("2", "them: c"));
    let facts = set("notes.count", "1");
    let oldest = facts["notes.0"].clone();
    assert_eq!(facts["notes.count"], "1");
    let facts = set("notes.1", "newest");
    assert_eq!((&facts["notes.0"], &*facts["notes.1"], &*facts["notes.count"]), (&oldest, "newest", "2"));
    assert_eq!(set("notes.0", "changed")["notes.0"], "changed");
    let facts = set("calendar.2.events", "15:30 Gym; 09:00 Dentist");
    assert_eq!((&*facts["calendar.2.events"], &*facts["calendar.2.count"]), ("09:00 Dentist; 15:30 Gym", "2"));
    assert_eq!(set("calendar.2.events", "")["calendar.2.count"], "0");
}
