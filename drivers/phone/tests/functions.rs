//! What apps do for other programs: it is really done, as if by hand, or it is said why not.

mod client;

use client::{Client, unframe};
use serde_json::{Value, json};
use tapwright_phone::adbd::{Daemon, DaemonOptions, Handle, Identity, ManualClock};
use tapwright_phone::weather::{Fault, Weather};
use tapwright_phone::{AppSelection, Input, Key, Options, World};
use tokio::net::TcpListener;

fn world(seed: u64) -> World {
    World::new(Options { seed, apps: AppSelection::All, ..Options::default() })
}

/// A package and the short name of one of its functions.
fn call(world: &mut World, package: &str, name: &str, arguments: Value) -> Result<Value, String> {
    let offered =
        world.functions().into_iter().find(|offered| offered.package == package && offered.function.name == name);
    let id = offered.unwrap_or_else(|| panic!("{package} has no {name}")).id;
    world.call_function(package, &id, arguments.as_object().unwrap()).map_err(|error| error.to_string())
}

const CALENDAR: &str = "com.android.calendar";
const NOTES: &str = "com.android.notes";
const CLOCK: &str = "com.android.deskclock";
const CONTACTS: &str = "com.android.contacts";
const MESSAGES: &str = "com.android.mms";
const MAPS: &str = "com.tapwright.maps";
const RAIL: &str = "com.tapwright.rail";

/// What has changed, besides counts.
fn changed_facts(before: &World, after: &World) -> Vec<String> {
    let (before, after) = (before.facts(), after.facts());
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let differs = names.filter(|name| before.get(*name) != after.get(*name) && !name.ends_with(".count"));
    let mut told: Vec<String> =
        differs.map(|name| format!("{name} = {}", after.get(name).map_or("", String::as_str))).collect();
    told.sort();
    told
}

#[test]
fn each_function_does_in_its_app_what_it_says_and_nothing_else() {
    let mut start = world(3);
    for (fact, value) in [
        ("wifi.on", "true"),
        ("contacts.Zeno.number", "0151 111 2222"),
        ("contacts.Zeno.favourite", "false"),
        ("messages.Zeno.0", "them: are you there?"),
        ("calendar.2.events", "10:00 Dentist"),
        ("notes.count", "0"),
        ("notes.0", "buy tea"),
        ("alarms.06:10.on", "true"),
        ("maps.saved.Trip", "Temple of Heaven (¥35)"),
        ("rail.passengers", "Ada; Bo"),
    ] {
        start.set_fact(fact, value).unwrap();
    }
    let price = start.facts()["maps.place.Palace Museum.price"].parse::<u32>().unwrap();
    for (package, name, arguments, answer, changes) in [
        (NOTES, "listNotes", json!({}), json!(["buy tea"]), vec![]),
        (
            NOTES,
            "createNote",
            json!({"text": " call \"Anna\" "}),
            json!("call \"Anna\""),
            vec!["notes.1 = call \"Anna\""],
        ),
        (NOTES, "deleteNote", json!({"text": "buy tea"}), json!("buy tea"), vec!["notes.0 = "]),
        (CALENDAR, "listEvents", json!({"date": "2026-01-03"}), json!([{"time": "10:00", "title": "Dentist"}]), vec![]),
        (
            CALENDAR,
            "createEvent",
            json!({"title": "Lunch", "date": "2026-01-03", "time": "12:30"}),
            json!("2026-01-03 12:30 Lunch"),
            vec!["calendar.2.events = 10:00 Dentist; 12:30 Lunch"],
        ),
        (
            CALENDAR,
            "deleteEvent",
            json!({"title": "Dentist", "date": "2026-01-03", "time": "10:00"}),
            json!("2026-01-03 10:00 Dentist"),
            vec!["calendar.2.events = "],
        ),
        (CLOCK, "setAlarm", json!({"time": "04:15"}), json!("04:15 on"), vec!["alarms.04:15.on = true"]),
        (CLOCK, "setAlarm", json!({"time": "06:10", "on": false}), json!("06:10 off"), vec!["alarms.06:10.on = false"]),
        (CLOCK, "deleteAlarm", json!({"time": "06:10"}), json!("06:10"), vec!["alarms.06:10.on = "]),
        (
            CONTACTS,
            "findContacts",
            json!({"query": "zen"}),
            json!([{"name": "Zeno", "number": "0151 111 2222", "favourite": false}]),
            vec![],
        ),
        (
            CONTACTS,
            "createContact",
            json!({"name": "Yps", "number": "12"}),
            json!("Yps"),
            vec!["contacts.Yps.favourite = false", "contacts.Yps.number = 12"],
        ),
        (
            CONTACTS,
            "setFavourite",
            json!({"name": "Zeno", "on": true}),
            json!("Zeno"),
            vec!["contacts.Zeno.favourite = true"],
        ),
        (
            MESSAGES,
            "listMessages",
            json!({"name": "Zeno"}),
            json!([{"from": "Zeno", "text": "are you there?", "time": ""}]),
            vec![],
        ),
        (
            MESSAGES,
            "sendMessage",
            json!({"name": "Zeno", "text": "yes; $(reboot)"}),
            json!("sent to Zeno"),
            vec!["messages.Zeno.1 = me: yes; $(reboot)", "messages.Zeno.last = me: yes; $(reboot)"],
        ),
        (
            MAPS,
            "listSavedPlaces",
            json!({"list": "Trip"}),
            json!([{"name": "Temple of Heaven", "note": "¥35"}]),
            vec![],
        ),
        (
            MAPS,
            "savePlace",
            json!({"place": "Palace Museum", "list": "Trip", "note": format!("¥{price}")}),
            json!("Palace Museum is in Trip"),
            vec![&*format!("maps.saved.Trip = Temple of Heaven (¥35); Palace Museum (¥{price})")],
        ),
        (
            MAPS,
            "savePlace",
            json!({"place": "Palace Museum", "list": "New"}),
            json!("Palace Museum is in New"),
            vec!["maps.lists", "maps.saved.New = Palace Museum"],
        ),
        (RAIL, "listPassengers", json!({}), json!(["Ada", "Bo"]), vec![]),
        (RAIL, "listOrders", json!({}), json!([]), vec![]),
    ] {
        let mut world = start.clone();
        let mut told = call(&mut world, package, name, arguments).unwrap_or_else(|why| panic!("{name}: {why}"));
        if name == "listMessages" {
            told[0]["time"] = json!(""); // When it came is the phone's.
        }
        assert_eq!(told, answer, "{name}");
        let found = changed_facts(&start, &world);
        let is_as_said = found.len() == changes.len()
            && found
                .iter()
                .zip(&changes)
                .all(|(found, said)| found == said || (!said.contains('=') && found.starts_with(said)));
        assert!(is_as_said, "{name}: {found:?} instead of {changes:?}");
    }
}

#[test]
fn seats_are_ordered_and_paid_by_nobody() {
    let mut world = world(3);
    world.set_fact("wifi.on", "true").unwrap();
    world.set_fact("rail.passengers", "Ada; Bo").unwrap();
    let journey = json!({"from": "Beijing", "to": "Changchun", "date": "2026-01-10"});
    let trains = call(&mut world, RAIL, "findTrains", journey.clone()).unwrap();
    let at_ten = trains.as_array().unwrap().iter().find(|train| train["departs"] == "10:00").unwrap();
    let mut order = journey.as_object().unwrap().clone();
    order.insert("train".into(), at_ten["number"].clone());
    order.insert("passengers".into(), json!(["Ada", "Bo"]));
    let before = world.clone();
    let told = call(&mut world, RAIL, "orderTickets", Value::from(order.clone())).unwrap();
    assert!(told.as_str().unwrap().ends_with("not paid"), "{told}");
    let found = changed_facts(&before, &world);
    let number = at_ten["number"].as_str().unwrap();
    let begin = format!("rail.orders.0 = unpaid | {number} | Beijing | Changchun | 2026-01-10 | 10:00 | ");
    assert!(found.len() == 1 && found[0].starts_with(&begin) && found[0].contains("| Ada, Bo |"), "{found:?}");
    for (key, value, why) in [
        ("train", json!("G99999"), "there is no train G99999"),
        ("passengers", json!(["Eve"]), "Eve is no passenger"),
        ("passengers", json!(["Ada", "Ada"]), "named twice"),
        ("class", json!("Roof"), "`class` is"),
        ("to", json!("Beijing"), "the same city"),
        ("to", json!("Paris"), "no train stops in Paris"),
        ("date", json!("2027-01-01"), "`date` is a date from 2026-01-01 to 2026-01-30"),
    ] {
        let mut wrong = order.clone();
        wrong.insert(key.into(), value);
        let (mut after, before) = (world.clone(), world.clone());
        let told = call(&mut after, RAIL, "orderTickets", Value::from(wrong)).unwrap_err();
        assert!(told.contains(why), "{told}");
        assert!(changed_facts(&before, &after).is_empty());
    }
    world.set_fact("rail.sold-out", number).unwrap();
    let told = call(&mut world, RAIL, "orderTickets", Value::from(order.clone())).unwrap_err();
    assert!(told.contains("not enough seats"), "{told}");
    world.set_fact("wifi.on", "false").unwrap();
    world.set_fact("airplane.on", "true").unwrap();
    let told = call(&mut world, RAIL, "orderTickets", Value::from(order)).unwrap_err();
    assert!(told.contains("no internet"), "{told}");
}

#[test]
fn what_cannot_be_is_refused_and_nothing_changes() {
    let start = world(4);
    for (package, name, arguments, why) in [
        (NOTES, "createNote", json!({"text": "  "}), "`text` is empty"),
        (NOTES, "createNote", json!({}), "`text` is missing"),
        (NOTES, "deleteNote", json!({"text": "no such note"}), "no such note"),
        (
            CALENDAR,
            "createEvent",
            json!({"title": "A", "date": "tomorrow", "time": "12:00"}),
            "`date` is a date from 2026-01-01 to 2026-01-07",
        ),
        (CALENDAR, "createEvent", json!({"title": "A", "date": "2026-01-02", "time": "25:00"}), "`time` is a time"),
        (
            CALENDAR,
            "createEvent",
            json!({"title": "A\nB", "date": "2026-01-02", "time": "12:00"}),
            "more than one line",
        ),
        (CALENDAR, "deleteEvent", json!({"title": "Nothing", "date": "2026-01-02", "time": "12:00"}), "no such event"),
        (CLOCK, "deleteAlarm", json!({"time": "00:01"}), "no alarm at that time"),
        (CONTACTS, "setFavourite", json!({"name": "Nobody Here", "on": true}), "nobody called Nobody Here"),
        (MESSAGES, "sendMessage", json!({"name": "Nobody Here", "text": "hi"}), "nobody called Nobody Here"),
        (MESSAGES, "sendMessage", json!({"name": "Nobody Here", "text": 3}), "`text` is a text"),
        (MAPS, "savePlace", json!({"place": "Atlantis", "list": "Trip"}), "no place of that name"),
    ] {
        let mut world = start.clone();
        let told = call(&mut world, package, name, arguments).unwrap_err();
        assert!(told.contains(why), "{name}: {told}");
        assert!(changed_facts(&start, &world).is_empty(), "{name}");
    }
    let mut world = start.clone();
    let nothing = serde_json::Map::new();
    for (package, id) in [(NOTES, "x"), ("com.example.none", "com.android.notes.NotesFunctions#listNotes")] {
        let why = world.call_function(package, id, &nothing).unwrap_err().to_string();
        assert!(why.starts_with("Function not found"), "{why}");
    }
}

/// A page is about a place in a list: after the list has changed it would be about another thing.
#[test]
fn nothing_that_is_being_written_is_lost_and_no_page_is_about_another_thing() {
    let mut world = world(3);
    world.set_fact("notes.count", "0").unwrap();
    world.set_fact("notes.0", "old").unwrap();
    world.launch(NOTES);
    let row = world.marks().into_iter().find(|mark| format!("{:?}", mark.what).contains("old")).unwrap();
    let (x, y) = row.target.unwrap();
    world.input(&Input::Tap { x, y });
    assert_eq!(world.page().unwrap().about, "0");
    world.input(&Input::Type(" and more".into()));
    let told = call(&mut world, NOTES, "createNote", json!({"text": "new"})).unwrap_err();
    assert!(told.contains("finish it there first"), "{told}");
    assert_eq!(call(&mut world, NOTES, "listNotes", json!({})), Ok(json!(["old"])));
    for _ in 0..9 {
        world.input(&Input::Press(Key::Delete));
    }
    call(&mut world, NOTES, "createNote", json!({"text": "new"})).unwrap();
    assert_eq!(world.page().unwrap().name, "main");
    // Another app's function leaves the page as it is.
    world.input(&Input::Tap { x, y });
    let page = world.page().cloned();
    call(&mut world, CLOCK, "setAlarm", json!({"time": "04:15"})).unwrap();
    assert_eq!(world.page().cloned(), page);
}

async fn phone(api: u32, weather: Weather) -> Daemon {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let handle = Handle::in_weather(world(3), ManualClock::default(), weather);
    let identity = Identity { api, ..Identity::default() };
    Daemon::start(listener, handle, DaemonOptions { identity, ..DaemonOptions::default() }).unwrap()
}

async fn shell(client: &mut Client, command: &str) -> (String, u8) {
    let (out, err, status) = unframe(&client.run(&format!("shell,v2,raw:{command}")).await);
    (out + &err, status.unwrap())
}

#[tokio::test]
async fn a_shell_lists_and_calls_them_as_android_16_does() {
    let phone = phone(36, Weather::calm()).await;
    let mut client = Client::connect(phone.address()).await;
    let (listed, status) = shell(&mut client, "cmd app_function list-app-functions").await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(status, 0);
    for package in [CALENDAR, NOTES, CLOCK, CONTACTS, MESSAGES, MAPS, RAIL] {
        assert!(listed[package].as_array().is_some_and(|list| list.len() >= 2), "{package}");
    }
    let (one, _) = shell(&mut client, "cmd app_function list-app-functions --package com.android.notes").await;
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one.as_object().unwrap().keys().collect::<Vec<_>>(), [NOTES]);
    let create = &one[NOTES][1];
    assert_eq!(
        create["AppFunctionRuntimeMetadata"]["functionId"],
        json!(["com.android.notes.NotesFunctions#createNote"])
    );
    assert_eq!(create["AppFunctionStaticMetadata"]["parameters"][0]["dataTypeMetadata"][0]["type"], json!([8]));
    let notes = "cmd app_function execute-app-function --package com.android.notes --function 'com.android.notes.NotesFunctions";
    let (out, status) =
        shell(&mut client, &format!("{notes}#createNote' --parameters '{{\"text\": \"it is '\\''so'\\''\"}}'")).await;
    assert_eq!(status, 0, "{out}");
    assert_eq!(out, "{\n  \"androidAppfunctionsReturnValue\": [\n    \"it is 'so'\"\n  ]\n}\n");
    assert!(phone.handle().facts().values().any(|value| value == "it is 'so'"));
    let (out, _) = shell(&mut client, &format!("{notes}#listNotes' --parameters '{{}}' --brief-yaml")).await;
    assert!(out.starts_with("androidAppfunctionsReturnValue:\n  - \"it is 'so'\"\n"), "{out}");
    for (command, told, wanted) in [
        (format!("{notes}#nothing' --parameters '{{}}'"), "Function not found", 255),
        (format!("{notes}#createNote' --parameters '{{}}'"), "Invalid argument: `text` is missing", 255),
        (format!("{notes}#createNote' --parameters '{{'"), "org.json.JSONException", 255),
        (format!("{notes}#createNote'"), "Error: --parameters must be specified.", 255),
        ("cmd app_function execute-app-function --parameters '{}'".into(), "Error: --package must be specified.", 255),
        ("cmd app_function list-app-functions --verbose".into(), "Unknown option: --verbose", 255),
        ("cmd app_function dance".into(), "Unknown command: dance", 255),
        ("cmd app_function help".into(), "execute-app-function --package", 0),
    ] {
        let (out, status) = shell(&mut client, &command).await;
        assert!(out.contains(told) && status == wanted, "{command}: {status} {out}");
    }
    let set = "cmd app_function set-enabled --package com.android.notes --function com.android.notes.NotesFunctions#createNote --state";
    assert_eq!(
        shell(&mut client, &format!("{set} disable")).await.0,
        "App function enabled state updated successfully.\n"
    );
    let (out, _) = shell(&mut client, &format!("{notes}#createNote' --parameters '{{\"text\": \"x\"}}'")).await;
    assert!(out.contains("disabled"), "{out}");
    assert_eq!(
        shell(&mut client, &set.replace("set-enabled", "is-enabled").replace(" --state", "")).await.0,
        "false\n"
    );
    assert!(shell(&mut client, "cmd -l").await.0.contains("app_function"));
}

#[tokio::test]
async fn an_older_phone_has_none_and_one_that_denies_says_so() {
    let old = phone(35, Weather::calm()).await;
    let mut client = Client::connect(old.address()).await;
    let told = shell(&mut client, "cmd app_function list-app-functions").await;
    assert_eq!(told, ("cmd: Can't find service: app_function\n".to_owned(), 20));
    assert!(!shell(&mut client, "cmd -l").await.0.contains("app_function"));
    let denies = phone(36, Weather::of(1, &[(Fault::Denied, 1000)])).await;
    let mut client = Client::connect(denies.address()).await;
    let before = denies.handle().facts();
    let (out, status) = shell(
        &mut client,
        "cmd app_function execute-app-function --package com.android.notes --function com.android.notes.NotesFunctions#createNote \
         --parameters '{\"text\": \"x\"}'",
    )
    .await;
    assert!(out.contains("java.lang.SecurityException") && status == 255, "{out}");
    assert_eq!(denies.handle().facts(), before);
}
