//! What apps of a phone do for other programs, as APIs, on the virtual phone and over its ADB.

#[path = "../phone/tests/client/mod.rs"]
mod client;

use std::time::Duration;

use client::Client;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, Apis};
use tapwright_drivers::android::{Address, AppFunctions, FunctionOwners, Keys};
use tapwright_phone::adbd::{Daemon, DaemonOptions, Handle, Identity, SteadyClock};
use tapwright_phone::weather::{Fault, Weather};
use tapwright_phone::{AppSelection, Options, World};
use tokio::net::TcpListener;

const WITHIN: Duration = Duration::from_secs(10);

async fn phone(api: u32, weather: Weather) -> Daemon {
    let world = World::new(Options { seed: 3, apps: AppSelection::All, ..Options::default() });
    let handle = Handle::in_weather(world, SteadyClock::new(), weather);
    let identity = Identity { api, ..Identity::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Daemon::start(listener, handle, DaemonOptions { identity, ..DaemonOptions::default() }).unwrap()
}

async fn functions(phone: &Daemon, owners: FunctionOwners) -> AppFunctions {
    let address = Address::Direct { address: phone.address().to_string(), keys: Keys::default() };
    AppFunctions::connect(address, owners, WITHIN).await.unwrap()
}

fn of(packages: &[&str]) -> FunctionOwners {
    FunctionOwners::Packages(packages.iter().map(|package| (*package).to_owned()).collect())
}

async fn call(apis: &mut AppFunctions, name: &str, arguments: Value) -> Result<String, ApiError> {
    apis.call(name, &arguments, WITHIN).await
}

#[tokio::test]
async fn functions_are_offered_with_schemas_and_with_effects_that_the_table_knows() {
    let phone = phone(36, Weather::calm()).await;
    let apis = functions(&phone, FunctionOwners::All).await;
    let specs = apis.specs();
    assert!((15..=32).contains(&specs.len()), "{}", specs.len());
    let of_name = |name: &str| specs.iter().find(|spec| spec.name == name).unwrap_or_else(|| panic!("{name}"));
    for (name, effect) in [
        ("notes.listNotes", ApiEffect::Reads),
        ("calendar.createEvent", ApiEffect::Changes),
        ("mms.sendMessage", ApiEffect::LeavesTheDevice),
        ("rail.orderTickets", ApiEffect::LeavesTheDevice),
        ("notes.deleteNote", ApiEffect::Irreversible),
        ("calendar.deleteEvent", ApiEffect::Irreversible),
    ] {
        assert_eq!(of_name(name).effect, effect, "{name}");
    }
    let create = of_name("calendar.createEvent");
    assert_eq!(create.parameters["required"], json!(["title", "date", "time"]));
    assert_eq!(create.parameters["properties"]["title"]["type"], "string");
    assert_eq!(of_name("rail.orderTickets").parameters["properties"]["passengers"]["type"], "array");
    // Every one of the virtual phone's that is no deletion has been read by somebody.
    for spec in specs.iter().filter(|spec| !spec.name.contains("delete")) {
        assert_ne!(spec.effect, ApiEffect::Irreversible, "{}", spec.name);
    }
    let some = functions(&phone, of(&["com.android.notes", "com.example.none"])).await;
    assert_eq!(some.specs().len(), 3);
    assert_eq!(some.about(), "3 app functions");
}

#[tokio::test]
async fn a_call_is_really_done_and_what_it_answers_is_told_plainly() {
    let phone = phone(36, Weather::calm()).await;
    let set = |fact: &str, value: &str| phone.handle().set_fact(fact, value).unwrap();
    set("contacts.Zeno.number", "0151 111 2222");
    set("notes.count", "0");
    let mut apis = functions(&phone, FunctionOwners::All).await;
    let text = "it's \"so\"; $(reboot) `id` \\ 你好\nsecond line";
    let told = call(&mut apis, "notes.createNote", json!({"text": text})).await.unwrap();
    assert_eq!(told, text);
    assert_eq!(phone.handle().facts()["notes.0"], text);
    assert_eq!(call(&mut apis, "Notes.ListNotes", json!({})).await.unwrap(), json!([text]).to_string());
    let arguments = json!({"title": "Dentist", "date": "2026-01-03", "time": "15:00"});
    assert_eq!(call(&mut apis, "calendar.createEvent", arguments).await.unwrap(), "2026-01-03 15:00 Dentist");
    assert!(phone.handle().facts()["calendar.2.events"].contains("15:00 Dentist"));
    let told = call(&mut apis, "contacts.findContacts", json!({"query": "Zeno"})).await.unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told, json!([{"name": "Zeno", "number": "0151 111 2222", "favourite": false}]));
    assert_eq!(call(&mut apis, "contacts.findContacts", json!({"query": "nobody at all"})).await.unwrap(), "[]");
    let told = call(&mut apis, "mms.sendMessage", json!({"name": "Zeno", "text": "hi"})).await.unwrap();
    assert_eq!((told.as_str(), phone.handle().facts()["messages.Zeno.last"].as_str()), ("sent to Zeno", "me: hi"));
}

#[tokio::test]
async fn what_is_not_done_is_told_with_the_reason() {
    let phone = phone(36, Weather::calm()).await;
    let mut apis = functions(&phone, of(&["com.android.mms", "com.android.notes"])).await;
    let before = phone.handle().facts();
    let why = call(&mut apis, "mms.sendMessage", json!({"name": "Nobody Here", "text": "hi"})).await.unwrap_err();
    assert!(matches!(&why, ApiError::Refused { why } if why.contains("nobody called Nobody Here")), "{why:?}");
    let why = call(&mut apis, "calendar.createEvent", json!({})).await.unwrap_err();
    assert!(matches!(why, ApiError::Unknown), "{why:?}");
    let long = json!({"text": "x".repeat(20_000)});
    let why = call(&mut apis, "notes.createNote", long).await.unwrap_err();
    assert!(matches!(&why, ApiError::Refused { why } if why.contains("16384 are the most")), "{why:?}");
    assert_eq!(phone.handle().facts(), before);
    // A function that somebody switches off is not offered after it was missed.
    let off = "cmd app_function set-enabled --package com.android.notes --function com.android.notes.NotesFunctions#createNote --state disable";
    Client::connect(phone.address()).await.run(&format!("shell:{off}")).await;
    assert!(apis.specs().iter().any(|spec| spec.name == "notes.createNote"));
    let why = call(&mut apis, "notes.createNote", json!({"text": "x"})).await.unwrap_err();
    assert!(matches!(&why, ApiError::Refused { why } if why.contains("disabled")), "{why:?}");
    assert!(!apis.specs().iter().any(|spec| spec.name == "notes.createNote"));
    // A phone that has gone may have done it.
    let mut apis = functions(&phone, of(&["com.android.mms"])).await;
    phone.kill().await;
    let why =
        apis.call("mms.sendMessage", &json!({"name": "A", "text": "b"}), Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(why, ApiError::Unanswered { .. }), "{why:?}");
    let why = apis.call("mms.listMessages", &json!({"name": "A"}), Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(why, ApiError::Refused { .. }), "{why:?}");
}

#[tokio::test]
async fn a_phone_without_the_service_and_one_that_denies_are_told() {
    let old = phone(35, Weather::calm()).await;
    let apis = functions(&old, FunctionOwners::All).await;
    assert!(apis.specs().is_empty());
    assert_eq!(apis.about(), "no app functions (this phone has none: they came with Android 16)");
    let denies = phone(36, Weather::of(1, &[(Fault::Denied, 1000)])).await;
    let mut apis = functions(&denies, FunctionOwners::All).await;
    let before = denies.handle().facts();
    let why = call(&mut apis, "notes.createNote", json!({"text": "x"})).await.unwrap_err();
    assert!(matches!(&why, ApiError::Refused { why } if why.contains("SecurityException")), "{why:?}");
    assert_eq!(denies.handle().facts(), before);
}
