//! APIs that somebody registers in `tapwright.toml`: a request over HTTP, or a program; and secrets that a program says.
#![cfg(unix)]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{Receiver, channel};

use program::server::{response, send, serve};
use program::{Place, ProgramOutput, Server, say};
use serde_json::Value;

const FINISH: &str = r#"finish(message="ok")"#;
const KEY: &str = "k3y-of-the-weather/+";

/// Something that can be called, and what it was sent.
struct Api {
    url: String,
    requests: Receiver<String>,
}

impl Api {
    /// Gives every request the same bytes; none at all means that it never answers.
    fn start(answer: impl Into<Vec<u8>>) -> Api {
        let answer = answer.into();
        let (asked, requests) = channel();
        let mut waiting = Vec::new();
        let url = serve(move |request, stream| {
            if answer.is_empty() {
                waiting.push(stream);
            } else {
                send(stream, &answer);
            }
            let _ = asked.send(request.text()); // The test may be over.
        });
        Api { url, requests }
    }

    fn json(body: &str) -> Api {
        Api::start(response("200 OK", "application/json", body.as_bytes()))
    }
}

/// A folder with a key that is secret.
fn place(settings: &str) -> Place {
    Place::with_key(settings, KEY)
}

fn call(instruction: &str) -> String {
    format!("do(action=\"Call_API\", instruction={})", Value::from(instruction))
}

/// Runs a call, and returns what came of it; nothing that is kept or printed has the key.
fn run_call(place: &Place, instruction: &str) -> (String, ProgramOutput) {
    let ran = place.script(&[&call(instruction), FINISH], &[]);
    let journal = place.journal();
    let kept = serde_json::to_string(&journal).unwrap();
    for said in [&kept, &ran.out, &ran.err] {
        assert!(!said.contains(KEY) && !said.contains("k3y-of-the-weather"), "{said}");
    }
    let acted = journal.iter().find_map(|line| line["event"].get("acted")).map(Value::to_string).unwrap_or_default();
    (acted, ran)
}

fn weather(url: &str, more: &str) -> Place {
    place(&format!(
        "[apis.weather]\nabout = \"the weather in a city\"\nurl = \"{url}/v1?city={{{{instruction}}}}&days=1\"\n\
         headers = {{ authorization = \"Bearer {{{{secret:key}}}}\" }}\n{more}"
    ))
}

#[test]
fn a_request_has_the_instruction_and_the_secret_in_their_places() {
    let api = Api::json(r#"{"now": {"sky": "rain at 7 °C"}, "days": [1, 2]}"#);
    let (acted, ran) = run_call(&weather(&api.url, "pointer = \"/now/sky\""), "Weather: Changchun & Oslo?days=9");
    assert_eq!(acted, r#"{"told":{"text":"rain at 7 °C"}}"#);
    assert_eq!((ran.end_line(), &ran.lines()[0]["summary"]), ("0 done null".to_owned(), &"the API answered".into()));
    let request = api.requests.recv().unwrap();
    assert!(request.starts_with("GET /v1?city=Changchun%20%26%20Oslo%3Fdays%3D9&days=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains(&format!("authorization: bearer {KEY}")), "{request}");

    let place = place(&format!(
        "[apis.note]\nabout = \"writes to my notebook\"\nurl = \"{}/notes\"\nbody = '{{\"text\": \"{{{{instruction}}}}\"}}'",
        api.url
    ));
    let (acted, _) = run_call(&place, "note milk, \"eggs\"\", \"admin\": \"");
    assert!(acted.contains("days"), "without a pointer the whole answer is told: {acted}");
    let request = api.requests.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /notes HTTP/1.1") && head.contains("content-type: application/json"), "{request}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, serde_json::json!({"text": "milk, \"eggs\"\", \"admin\": \""}));
}

#[test]
fn what_an_api_answers_else() {
    let check = |answer: Vec<u8>, more: &str, expected: &[&str]| {
        let api = Api::start(answer);
        let (acted, ran) = run_call(&weather(&api.url, more), "weather: Oslo");
        assert_eq!(ran.end_line(), "0 done null", "the run goes on: {}", ran.out);
        for words in expected {
            assert!(acted.contains(words), "{words}: {acted}");
        }
    };
    let json = |body: &str| response("200 OK", "application/json", body.as_bytes());
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(5000));
    check(
        json(&long),
        "answer_bytes_max = 1000",
        &[r#""told""#, "the answer is longer than 1000 bytes; this is its beginning"],
    );
    check(
        json(&long),
        "answer_bytes_max = 1000\npointer = \"/a\"",
        &[r#""told""#, "longer than 1000 bytes, and was not read"],
    );
    // A limit in the middle of a secret leaves none of it.
    check(
        json(&format!("you sent {KEY}")),
        "answer_bytes_max = 12",
        &[r#""told""#, "longer than 12 bytes; this is its beginning) you sent {{s"],
    );
    check(json("{}"), "pointer = \"/a\"", &[r#""told""#, "has nothing at /a"]);
    check(json("<html>"), "pointer = \"/a\"", &[r#""told""#, "no JSON: ", "<html>"]);
    check(response("200 OK", "image/png", b"\x89PNG\xff\xfe"), "", &[r#""told""#, "no text (image/png, 6 bytes)"]);
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec(), "", &[r#""told""#, "broke off"]);
    // Somebody quotes what they were sent.
    check(json(&format!("you sent {KEY}")), "", &["you sent {{secret:key}}"]);
    let quotes = response("401 Unauthorized", "text/plain", format!("no such key: {KEY}").as_bytes());
    check(quotes, "", &[r#""refused""#, "401 Unauthorized: no such key: {{secret:key}}"]);
    let sends_on = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec();
    check(sends_on.clone(), "", &[r#""refused""#, "302 Found, and is not followed"]);
    check(sends_on, "method = \"POST\"", &[r#""timed_out""#, "302 Found", "may have been done"]);
    check(response("500 Oh", "text/plain", b"no"), "", &[r#""timed_out""#, "500 Internal Server Error: no"]);
    check(b"nonsense\r\n\r\n".to_vec(), "", &[r#""timed_out""#, "there was no answer"]);
    check(Vec::new(), "timeout_ms = 300", &[r#""timed_out""#, "no answer within 0.3 s"]);
    let (acted, _) = run_call(&weather("http://127.0.0.1:1", ""), "weather: Oslo");
    assert!(acted.contains("\"refused\"") && acted.contains("cannot be reached"), "{acted}");
    let (acted, ran) = run_call(&weather("http://127.0.0.1:1", ""), "news: Oslo");
    let summary = ran.lines()[0]["summary"].as_str().unwrap().to_owned();
    assert!(summary.starts_with("unclear: ") && summary.contains("begins with one of: weather"), "{summary}");
    assert!(acted.is_empty(), "{acted}");
}

#[test]
fn a_program_is_an_api() {
    let place = place(
        "[apis.todo]\nabout = \"my list\"\ncommand = [\"./todo.sh\", \"add\", \"--\", \"{{instruction}}\"]\nenv = { TOKEN = \"{{secret:key}}\" }",
    );
    // It runs from anywhere: it is where the file is.
    let script = place
        .file("todo.sh", "#!/bin/sh\nprintf '%s|' \"$@\" > \"$(dirname \"$0\")/said\"\necho \"added with $TOKEN\"\n");
    fs::set_permissions(script, fs::Permissions::from_mode(0o700)).unwrap();
    let (acted, ran) = run_call(&place, "todo: --all; $(touch hacked) `x` \"y\"");
    assert_eq!(acted, r#"{"told":{"text":"added with {{secret:key}}"}}"#);
    assert_eq!(ran.end_line(), "0 done null");
    assert_eq!(fs::read_to_string(place.path().join("said")).unwrap(), "add|--|--all; $(touch hacked) `x` \"y\"|");
    assert!(!place.path().join("hacked").exists());
    let place = self::place("[apis.slow]\nabout = \"never ends\"\ncommand = [\"sleep\", \"1000\"]\ntimeout_ms = 300");
    let (acted, ran) = run_call(&place, "slow");
    assert!(acted.contains("\"timed_out\"") && acted.contains("was killed"), "{acted}");
    assert_eq!(
        ran.lines()[0]["summary"],
        "it may or may not have happened: sleep was not done within 0.3 s, and was killed"
    );
}

#[test]
fn permission_is_asked_for_or_refused() {
    let settings = |permission: &str| {
        format!(
            "[apis.mail]\nabout = \"writes\"\ncommand = [\"touch\", \"called\"]\n[policy.apis.mail]\npermission = \"{permission}\""
        )
    };
    let place = place(&settings("refuse"));
    let (_, ran) = run_call(&place, "mail: hi");
    assert_eq!(
        ran.lines()[0]["summary"],
        "refused: the policy forbids to call an API here: the API mail",
        "{}",
        ran.out
    );
    let place = self::place(&settings("ask"));
    let (_, ran) = run_call(&place, "mail: hi");
    assert_eq!(ran.end_line(), "11 needs-person null");
    assert_eq!(ran.last()["message"], "the API mail; it calls an API: mail: hi");
    assert!(!place.path().join("called").exists());
    let place = self::place(&settings("allow"));
    let (acted, _) = run_call(&place, "mail: hi");
    assert_eq!(acted, r#"{"told":{"text":"done"}}"#);
    assert!(place.path().join("called").exists());
}

#[test]
fn only_what_is_repeatable_is_called_again_after_a_crash() {
    for repeatable in [false, true] {
        let api = Api::start(Vec::new());
        let place = place(&format!(
            "[apis.post]\nabout = \"posts\"\nurl = \"{}/\"\nbody = '{{\"text\": \"{{{{instruction}}}}\"}}'\n[policy.apis.post]\nrepeatable = {repeatable}",
            api.url
        ));
        let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json"]);
        let address = phone.line()["listen"].as_str().unwrap().to_owned();
        let model = Server::start();
        let run = ["run", "x", "--json", "--model", &model.url, "--model-name", "m", "--device", &address];
        let run = place.start(&run);
        say(model.request(), &call("post: hello"));
        api.requests.recv().unwrap();
        run.kill(); // In the middle of the call: nobody knows what became of it.
        let resumed = place.start(&["resume", "last", "--json"]);
        say(model.request(), &call("post: hello"));
        if repeatable {
            api.requests.recv().unwrap();
            resumed.kill();
        } else {
            let ran = resumed.end();
            assert_eq!(ran.end_line(), "11 needs-person null", "{}", ran.out);
            assert!(ran.last()["message"].as_str().unwrap().contains("may have happened"), "{}", ran.out);
            assert!(api.requests.try_recv().is_err(), "it was called once");
        }
        phone.kill();
    }
}

#[test]
fn arguments_are_checked_before_anything_is_written_or_sent() {
    let api = Api::json(r#"{"ok": true}"#);
    let settings = |effect: &str| {
        format!(
            "[apis.mail]\nabout = \"writes to somebody\"\neffect = \"{effect}\"\nurl = \"{}/send?to={{{{to}}}}\"\n\
             body = '{{\"text\": \"{{{{text}}}}\", \"copies\": \"{{{{copies}}}}\", \"pin\": \"<{{{{pin}}}}>\"}}'\n\
             [apis.mail.parameters]\ntype = \"object\"\nrequired = [\"to\", \"text\"]\n\
             properties.to = {{ type = \"string\", pattern = \"^[A-Z]\" }}\nproperties.text = {{ type = \"string\" }}\n\
             properties.copies = {{ type = \"integer\", maximum = 3 }}\nproperties.pin = {{ type = \"string\" }}\n",
            api.url
        )
    };
    let place = place(&settings("changes"));
    // What does not fit is told, and then what is written right is done.
    let wrong = call(r#"mail {"to": "anna", "text": "hi"}"#);
    let right = r#"do(action="Call_API", name="mail", arguments={"to": "Anna", "text": "a \"b\"", "copies": 2})"#;
    let ran = place.script(&[&wrong, &call("mail: hi"), right, FINISH], &[]);
    assert_eq!(ran.end_line(), "0 done null", "{}", ran.out);
    let summary = |nth: usize| ran.lines()[nth]["summary"].as_str().unwrap().to_owned();
    assert!(summary(0).contains("/to: expected a text like ^[A-Z], got \"anna\""), "{}", summary(0));
    assert!(summary(1).contains("expected to, as in {text: string, to: string, copies?: integer"), "{}", summary(1));
    assert_eq!(summary(2), "the API answered");
    let request = api.requests.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /send?to=Anna HTTP/1.1"), "{request}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, serde_json::json!({ "text": "a \"b\"", "copies": 2, "pin": "<>" }));
    assert!(api.requests.try_recv().is_err(), "only what fits was sent");
    let acts = place.journal().iter().filter(|line| line["effect"].get("act").is_some()).count();
    assert_eq!(acts, 1, "only what fits was written down as a deed");
    // What nobody can take back is asked about, on the virtual phone too: the API is of the world outside.
    for (effect, does) in
        [("leaves_the_device", "tells somebody else something"), ("irreversible", "cannot be taken back")]
    {
        for policy in ["trusting", "careful"] {
            let asking = self::place(&settings(effect));
            let ran = asking.script(&[right, FINISH], &["--policy", policy]);
            assert_eq!(ran.end_line(), "11 needs-person null", "{policy} {}", ran.out);
            let message = ran.last()["message"].as_str().unwrap().to_owned();
            let asked = format!("the API mail {does}; it calls an API: mail {{\"to\":\"Anna\"");
            assert!(message.starts_with(&asked), "{policy} {message}");
            assert!(api.requests.try_recv().is_err(), "{policy} {effect}");
        }
    }
}

#[test]
fn a_secret_goes_into_the_arguments_of_the_api_that_it_names() {
    let api = Api::json(r#"{"ok": true}"#);
    let settings = |apis: &str| {
        format!(
            "[apis.login]\nabout = \"logs in\"\nurl = \"{}/\"\nbody = '{{\"key\": \"{{{{instruction}}}}\"}}'\n\
             [policy.secrets.pin]\nfile = \"key\"\napis = [{apis}]",
            api.url
        )
    };
    let place = place(&settings("\"login\""));
    let (acted, _) = run_call(&place, "login: {{secret:pin}}");
    assert!(acted.contains("told"), "{acted}");
    let request = api.requests.recv().unwrap();
    assert!(request.ends_with(&format!("{{\"key\":\"{KEY}\"}}")), "{request}");
    let place = self::place(&settings(""));
    let (acted, ran) = run_call(&place, "login: {{secret:pin}}");
    let summary = ran.lines()[0]["summary"].as_str().unwrap().to_owned();
    assert_eq!((acted.as_str(), summary.as_str()), ("", "refused: the secret \"pin\" may not go to the API login"));
    assert!(api.requests.try_recv().is_err());
}

#[test]
fn without_an_api_the_notes_are_told() {
    let place = Place::new();
    let note = r#"do(action="Note", message="Hotel A: 90")"#;
    let ran = place.script(&[note, &call("compare the hotels"), FINISH], &[]);
    assert_eq!(ran.end_line(), "0 done null");
    assert_eq!(ran.lines()[1]["summary"], "notes recalled");
}

#[test]
fn mistakes_are_said_before_anything_is_done() {
    let check = |settings: &str, words: &str| {
        let place = place(settings);
        let ran = place.run(&["run", "x", "--model", "finish"]);
        assert_eq!(ran.code, 2, "{settings}: {}", ran.err);
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
        assert!(!place.path().join("runs").exists());
    };
    check("[apis.a]\nabout = \"x\"", "[apis.a]: it has either url");
    check("[apis.a]\nabout = \"x\"\nurl = \"http://h/\"\ncommand = [\"y\"]", "it has either url");
    check("[apis.a]\nabout = \"x\"\ncommand = [\"y\"]\npointer = \"/a\"", "it has either url");
    check("[apis.\"a b\"]\nabout = \"x\"\ncommand = [\"y\"]", "a name has letters");
    check(
        "[apis.a]\nabout = \"x\"\ncommand = [\"y\"]\n[apis.A]\nabout = \"x\"\ncommand = [\"y\"]",
        "another one is called so",
    );
    check("[apis.a]\nabout = \"\"\ncommand = [\"y\"]", "about is one line");
    check("[apis.a]\nabout = \"x\"\ncommand = [\"y\"]\ntimeout_ms = 20000", "timeout_ms is 1 to 15000");
    check("[apis.a]\nabout = \"x\"\nurl = \"http://{{instruction}}/\"", "in the query");
    check("[apis.a]\nabout = \"x\"\nurl = \"http://h/\"\nheaders = { k = \"{{secret:none}}\" }", "secret \"none\"");
    check("[apis.a]\nabout = \"x\"\ncommand = [\"sh\", \"-c\", \"{{instruction}}\"]", "run as a script");
    check("[apis.a]\nabout = \"x\"\ncommand = [\"xdg-open\", \"{{instruction}}\"]", "which starts what is a program");
    let bus = |rest: &str| {
        format!("[apis.a]\nabout = \"x\"\ndbus = {{ service = \"a.b\", path = \"/a\", interface = \"a.b\", {rest} }}")
    };
    let argument = |of: &str, value: &str| {
        bus(&format!("method = \"Say\", arguments = [{{ type = \"{of}\", value = \"{value}\" }}]"))
    };
    check(&bus("method = \"a b\""), "method is a name");
    check(&bus("methods = \"a\""), "methods");
    check(&argument("z", "x"), "no type of D-Bus");
    check(&argument("i", "x"), "no value of the type i");
    check(&argument("s", "{{city}}"), "there is no parameter \"city\"");
    check(&argument("s", "{{instruction}}").replace("Say", "Eval"), "would run what the model says");
    let systemd = argument("s", "{{instruction}}")
        .replace("interface = \"a.b\"", "interface = \"org.freedesktop.systemd1.Manager\"");
    check(&systemd, "would run what the model says");
    check(&format!("{}\ncommand = [\"y\"]", bus("method = \"Say\"")), "it has either url");
    check("[apis.a]\nabout = \"x\"\ncomand = [\"sh\"]", "did you mean `command`?");
    check("[apis.a]\nabout = \"x\"\ncommand = [\"y\"]\npermission = \"ask\"", "[policy.apis.NAME]");
    check("[apis.a]\nabout = \"x\"\ncommand = [\"y\"]\nparameters = \"{\"", "parameters is no JSON");
    check("[apis.a]\nabout = \"x\"\ncommand = [\"y\"]\nparameters = { type = \"string\" }", "arguments are an object");
    check(
        "[apis.a]\nabout = \"x\"\ncommand = [\"y\"]\nparameters = { type = \"object\", not = {} }",
        "/not: this word is not known",
    );
    check("[apis.a]\nabout = \"x\"\ncommand = [\"y\", \"{{city}}\"]", "{{city}} is the place of no argument");
    check(
        "[apis.alarm]\nabout = \"x\"\ncommand = [\"y\"]\n[policy.apis.alarms]\npermission = \"ask\"",
        "did you mean `alarm`?",
    );
}

#[test]
fn a_secret_is_said_by_a_program_or_the_keyring() {
    let api = Api::json("{}");
    let with = |secret: &str| {
        let place = Place::new();
        let usual = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
        let api = format!(
            "[apis.a]\nabout = \"x\"\nurl = \"{}/\"\nheaders = {{ k = \"{{{{secret:key}}}}\" }}\n[policy.secrets.key]\n{secret}\n",
            api.url
        );
        place.file("tapwright.toml", &format!("{usual}\n{api}"));
        place.file("script.txt", &format!("{}\n{FINISH}", call("a")));
        let tool = place.file(
            "secret-tool",
            "#!/bin/sh\n[ \"$*\" = 'lookup service tapwright account me' ] && echo s3cret-of-the-ring\n",
        );
        fs::set_permissions(tool, fs::Permissions::from_mode(0o700)).unwrap();
        place
    };
    let run = |place: &Place, path: &str| {
        let mut command = place.command(&["run", "x", "--json", "--model", "script:script.txt"]);
        let output = command.env("PATH", path).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let place = with("command = [\"printf\", \"s3cret-of-the-program\\nmore\"]");
    assert_eq!(run(&place, "/usr/bin:/bin").0, 0);
    assert!(api.requests.recv().unwrap().contains("k: s3cret-of-the-program\r\n"));
    assert!(!serde_json::to_string(&place.journal()).unwrap().contains("s3cret"));
    let place = with("command = [\"sh\", \"-c\", \"echo s3cret; exit 1\"]");
    let (code, out) = run(&place, "/usr/bin:/bin");
    assert!(code == 2 && out.contains("[policy.secrets.key]: sh ended with") && !out.contains("s3cret"), "{out}");
    // Nothing that needs no secret asks for it.
    assert_eq!(place.run(&["runs"]).code, 0);
    let place = with("command = [\"pass\"]\nkeyring = \"me\"");
    assert!(run(&place, "/bin").1.contains("set exactly one of env, file, command, keyring"));
    if cfg!(target_os = "linux") {
        let place = with("keyring = \"me\"");
        let path = format!("{}:/usr/bin:/bin", place.path().display());
        assert_eq!(run(&place, &path).0, 0);
        assert!(api.requests.recv().unwrap().contains("k: s3cret-of-the-ring\r\n"));
        let place = with("keyring = \"you\"");
        let path = format!("{}:/usr/bin:/bin", place.path().display());
        let (code, out) = run(&place, &path);
        assert!(code == 2 && out.contains("nothing for the account") && out.contains("secret-tool store"), "{out}");
        let (code, out) = run(&place, "/no/such/folder");
        assert!(
            code == 2 && out.contains("secret-tool, which is not there") && out.contains("libsecret-tools"),
            "{out}"
        );
    }
}
