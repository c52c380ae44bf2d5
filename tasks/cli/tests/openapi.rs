//! Services that an OpenAPI document describes, in runs and as a person lists and tries them.
#![cfg(unix)]

mod program;

use std::sync::mpsc::{Receiver, channel};

use program::Place;
use program::server::{response, send, serve};
use serde_json::{Value, json};

const KEY: &str = "k3y-of-the-pets/+";
const FINISH: &str = r#"finish(message="ok")"#;

/// A service, its description, and what it was asked.
struct Service {
    url: String,
    requests: Receiver<String>,
}

fn description(servers: &Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "servers": servers,
        "paths": {
            "/pets": {
                "get": { "operationId": "listPets", "summary": "All pets", "parameters": [
                    { "name": "tags", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } },
                    { "name": "x-trace", "in": "header", "schema": { "type": "string" } },
                ] },
                "post": { "operationId": "createPet", "requestBody": { "required": true, "content": { "application/json": { "schema": {
                    "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } },
                } } } } },
            },
            "/pets/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
                "get": { "operationId": "getPet" },
                "delete": { "operationId": "deletePet" },
            },
            "/moved": { "get": { "operationId": "moved" }, "post": { "operationId": "movedPost" } },
            "/huge": { "get": { "operationId": "huge" } },
            "/silent": { "get": { "operationId": "silent" } },
            "/upload": { "post": { "operationId": "upload", "requestBody": { "required": true, "content": { "image/png": {} } } } },
        },
    })
}

impl Service {
    fn start() -> Service {
        let (asked, requests) = channel();
        let mut waiting = Vec::new();
        let url = serve(move |request, stream| {
            let text = request.text();
            let line = text.lines().next().unwrap_or_default().to_owned();
            let _ = asked.send(text); // The test may be over.
            let path = line.split(' ').nth(1).unwrap_or_default();
            let json = |value: &Value| response("200 OK", "application/json", value.to_string().as_bytes());
            let answer = match path.split('?').next().unwrap_or_default() {
                "/openapi.json" => json(&description(&json!([{ "url": "/v1" }]))),
                "/elsewhere.json" => json(&description(&json!([{ "url": "https://evil.example/v1" }]))),
                "/large.json" => response("200 OK", "application/json", &vec![b' '; (16 << 20) + 1]),
                "/moved.json" | "/v1/moved" => {
                    b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()
                }
                "/v1/huge" => response("200 OK", "text/plain", &vec![b'x'; 5 << 20]),
                "/v1/silent" => {
                    waiting.push(stream);
                    return;
                }
                "/v1/pets" => json(&json!([{ "id": 1, "name": "Rex" }])),
                other => json(&json!({ "at": other })),
            };
            send(stream, &answer);
        });
        Service { url, requests }
    }

    /// The last request that was made by now.
    fn last(&self) -> String {
        self.requests.try_iter().last().unwrap_or_default()
    }
}

/// A folder with a key that is secret.
fn place(settings: &str) -> Place {
    Place::with_key(settings, KEY)
}

fn pets(service: &Service, more: &str) -> Place {
    place(&format!(
        "[apis.pets]\nopenapi = \"{}/openapi.json\"\nheaders = {{ authorization = \"Bearer {{{{secret:key}}}}\" }}\n{more}",
        service.url
    ))
}

#[test]
fn operations_are_listed_and_called() {
    let service = Service::start();
    let place = pets(&service, "effects = { createPet = \"changes\" }");
    let ran = place.run(&["apis", "--json", "--policy", "careful"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let lines = ran.api_lines();
    let line = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name}"));
    for (name, effect, permission) in [
        ("pets.listPets", "reads", "allow"),
        ("pets.createPet", "changes", "allow"),
        ("pets.movedPost", "leaves_the_device", "ask"),
        ("pets.deletePet", "irreversible", "ask"),
    ] {
        assert_eq!((&line(name)["effect"], &line(name)["permission"]), (&json!(effect), &json!(permission)), "{name}");
    }
    assert!(line("pets.upload")["why"].as_str().unwrap().contains("neither JSON nor a form: image/png"));
    let call =
        |name: &str, arguments: Value| format!("do(action=\"Call_API\", name=\"pets.{name}\", arguments={arguments})");
    let replies = [
        call("listPets", json!({ "tags": ["a&b", "c"], "x-trace": "t" })),
        call("createPet", json!({ "body": { "name": "Rex \"2\"" } })),
        call("createPet", json!({ "body": { "nam": "Rex" } })),
        call("getPet", json!({ "id": "../admin?x=1" })),
        call("getPet", json!({ "id": ".." })),
        FINISH.to_owned(),
    ];
    let ran = place.script(&replies.each_ref().map(String::as_str), &[]);
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let journal = place.journal();
    let acted: Vec<String> =
        journal.iter().filter_map(|line| line["event"].get("acted")).map(Value::to_string).collect();
    assert!(acted[0].contains(r#"[{\"id\":1,\"name\":\"Rex\"}]"#), "{acted:?}");
    assert!(acted[2].contains("/v1/pets/..%2Fadmin%3Fx%3D1"), "{acted:?}");
    assert!(acted[3].contains("refused") && acted[3].contains("leads to another path"), "{acted:?}");
    // What does not fit is never sent.
    assert_eq!(acted.len(), 4, "{acted:?}");
    let requests: Vec<String> = service.requests.try_iter().filter(|request| request.contains(" /v1/")).collect();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(requests[0].starts_with("GET /v1/pets?tags=a%26b&tags=c HTTP/1.1\r\n"), "{}", requests[0]);
    for part in ["x-trace: t\r\n", &format!("authorization: Bearer {KEY}\r\n")] {
        assert!(requests[0].contains(part), "{part}: {}", requests[0]);
    }
    assert!(requests[1].starts_with("POST /v1/pets HTTP/1.1\r\n") && requests[1].ends_with(r#"{"name":"Rex \"2\""}"#));
    assert!(requests[1].contains("content-type: application/json\r\n"), "{}", requests[1]);
    // Nothing that is kept or printed has the key.
    let kept = serde_json::to_string(&journal).unwrap();
    assert!(!kept.contains(KEY) && !ran.out.contains(KEY) && !ran.err.contains(KEY));
}

#[test]
fn one_is_tried_and_what_goes_wrong_is_told() {
    let service = Service::start();
    let place = pets(&service, "timeout_ms = 1500");
    for (arguments, code, words) in [
        (vec!["pets.listPets"], 0, "Rex"),
        (vec!["PETS.getpet", r#"{"id": "7"}"#], 0, "/v1/pets/7"),
        (vec!["pets.getPet"], 2, "id"),
        (vec!["pets.getPet", r#"{"id": 7}"#], 2, "/id: expected string, got 7"),
        (vec!["pets.upload"], 2, "neither JSON nor a form"),
        (vec!["pets.none"], 2, "there is no API"),
        (vec!["pets.moved"], 16, "it says 302 Found, and is not followed elsewhere"),
        (vec!["pets.movedPost"], 21, "it may have been done"),
        (vec!["pets.huge"], 0, "the answer is longer than 65536 bytes"),
        (vec!["pets.silent"], 21, "there was no answer within 1.5 s"),
    ] {
        let ran = place.run(&[&["apis", "--yes"], &arguments[..]].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
        let told = format!("{}{}", ran.out, ran.err);
        assert!(told.contains(words), "{words}: {}", &told[..told.len().min(3000)]);
        assert!(told.len() < 100_000, "{}", told.len());
    }
    let asked = place.run(&["apis", "pets.deletePet", r#"{"id": "7"}"#, "--json"]);
    assert_eq!(asked.code, 11, "{}{}", asked.out, asked.err);
    assert!(!service.last().starts_with("DELETE"));
}

#[test]
fn a_description_leads_nowhere_that_the_settings_have_not_said() {
    let service = Service::start();
    let url = &service.url;
    let refuses = |settings: &str, code: i32, words: &str| {
        let place = place(settings);
        place.file(
            "own.yaml",
            "openapi: 3.0.0\nservers: [{url: \"https://a.example/v1\"}]\npaths: {/a: {get: {operationId: a}}}",
        );
        place.file("swagger.yaml", "swagger: \"2.0\"\npaths: {}");
        place.file("broken.yaml", "openapi: [");
        let ran = place.run(&["apis", "--json"]);
        assert_eq!(ran.code, code, "{settings}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(&words.replace('"', "\\\"")), "{words}: {}", ran.out);
    };
    refuses(
        &format!("[apis.x]\nopenapi = \"{url}/elsewhere.json\""),
        3,
        "leads to another host than it is from, https://evil.example/v1",
    );
    refuses(&format!("[apis.x]\nopenapi = \"{url}/moved.json\""), 3, "says 302 Found, and is not followed elsewhere");
    refuses(&format!("[apis.x]\nopenapi = \"{url}/large.json\""), 3, "it is longer than 16 MiB");
    refuses("[apis.x]\nopenapi = \"http://127.0.0.1:9/x\"", 3, "it cannot be reached");
    refuses("[apis.x]\nopenapi = \"none.yaml\"", 3, "none.yaml cannot be read");
    refuses("[apis.x]\nopenapi = \"own.yaml\"", 3, "url = \"https://a.example/v1\"");
    refuses("[apis.x]\nopenapi = \"swagger.yaml\"", 3, "convert it to OpenAPI 3 first");
    refuses("[apis.x]\nopenapi = \"broken.yaml\"", 3, "neither JSON nor YAML");
    refuses(
        "[apis.x]\nopenapi = \"own.yaml\"\nurl = \"https://a.example\"\noperations = [\"b\"]",
        3,
        "no operation \"b\"",
    );
    // The settings themselves.
    refuses("[apis.x]\nopenapi = \"own.yaml\"\nurl = \"https://a.example/?k=1\"", 2, "it has no ? and no #");
    refuses("[apis.x]\nopenapi = \"own.yaml\"\nurl = \"ftp://a.example\"", 2, "is no address that begins with http");
    refuses("[apis.x]\nopenapi = \"own.yaml\"\nurl = \"https://me:pw@a.example\"", 2, "a secret goes into headers");
    refuses("[apis.x]\nopenapi = \"own.yaml\"\nabout = \"x\"", 2, "about is not for services");
    refuses("[apis.x]\nopenapi = \"own.yaml\"\ncommand = [\"x\"]", 2, "command is not for services");
    refuses(
        "[apis.x]\nopenapi = \"own.yaml\"\nheaders = { a = \"{{secret:none}}\" }",
        2,
        "the secret \"none\" is not configured",
    );
    refuses("[apis.x]\nabout = \"a\"\nurl = \"https://a.example\"\noperations = [\"a\"]", 2, "are for services");
    refuses("[apis.x]\nurl = \"https://a.example\"", 2, "about is missing");
    refuses("[apis.\"x.y\"]\nopenapi = \"own.yaml\"", 2, "a server's name has letters");
    refuses(
        "[apis.x]\nopenapi = \"own.yaml\"\nurl = \"https://a.example\"\n[mcp.X]\nurl = \"https://b.example\"",
        2,
        "is called so",
    );
    // Whoever is on another host than the service gets none of its headers.
    let place = place(&format!(
        "[apis.x]\nopenapi = \"{url}/openapi.json\"\nurl = \"http://127.0.0.1:9/v1\"\nheaders = {{ authorization = \"{{{{secret:key}}}}\" }}"
    ));
    assert_eq!(place.run(&["apis"]).code, 0);
    let request = service.requests.try_iter().find(|request| request.contains("/openapi.json")).unwrap();
    assert!(!request.contains(KEY), "{request}");
    // A run can do without one.
    let place = self::place("[apis.x]\nopenapi = \"none.yaml\"\noptional = true");
    let ran = place.script(&[FINISH], &[]);
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
}
