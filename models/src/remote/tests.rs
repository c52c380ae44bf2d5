//! A server that answers as servers do, and what becomes of it.

use std::collections::BTreeMap;

use super::*;
use tapwright_contract::Size;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const KEY: &str = "sekret-key-123";

fn endpoint(base_url: String) -> Endpoint {
    let sampling = Sampling { top_p: Some(0.85), frequency_penalty: 0.2, ..Sampling::GREEDY };
    Endpoint {
        base_url,
        model: "m".to_owned(),
        key: Some(ApiKey(KEY.to_owned())),
        sampling,
        grammar: ServerGrammar::None,
        reply_bytes_max: 4096,
    }
}

fn prompt() -> Prompt {
    let picture = Picture::new(Size { width: 2, height: 1 }, vec![1, 2, 3, 255, 4, 5, 6, 0]).unwrap();
    let turn = |role, parts| Turn { role, parts };
    let turns = vec![
        turn(Role::System, vec![Part::Text("rules".to_owned())]),
        turn(Role::User, vec![Part::Picture(picture), Part::Text("look".to_owned())]),
    ];
    Prompt { turns, tokens_max: 30, grammar: None }
}

/// Reads one request to its end and returns it.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        text.extend_from_slice(&bytes[..count]);
        let all = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = all.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if count == 0 || body.len() >= length.unwrap_or(0) {
                return all;
            }
        }
    }
}

/// A server that answers every request with these bytes, and then closes the connection.
async fn server(answer: impl Into<Vec<u8>>) -> (Remote, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hears) = mpsc::unbounded_channel();
    let answer = answer.into();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = heard.send(request(&mut stream).await);
            let _ = stream.write_all(&answer).await;
        }
    });
    (Remote::new(endpoint(format!("http://{address}/v1/"))).unwrap(), hears)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

async fn trouble(answer: impl Into<Vec<u8>>) -> ModelErrorKind {
    let (mut remote, _hears) = server(answer).await;
    remote.reply(&prompt(), Duration::from_secs(10)).await.unwrap_err().kind
}

#[tokio::test]
async fn a_good_answer_is_taken_and_the_request_is_what_servers_expect() {
    let body = r#"{"choices":[{"message":{"content":"do(action=\"Back\")","x":1},"finish_reason":"length"}],
                   "usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
    let (mut remote, mut hears) = server(http("200 OK", body)).await;
    let reply = remote.reply(&prompt(), Duration::from_secs(10)).await.unwrap();
    let expected = Reply { text: "do(action=\"Back\")".to_owned(), tokens_in: 7, tokens_out: 3, cut: true };
    assert_eq!(reply, expected);

    let request = hears.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer sekret-key-123"), "{head}");
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    let url = body["messages"][1]["content"][0]["image_url"]["url"].take();
    let png = STANDARD.decode(url.as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap()).unwrap();
    let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels, [1, 2, 3, 4, 5, 6]);
    let expected = serde_json::json!({
        "model": "m", "stream": false, "max_tokens": 30, "temperature": 0.0,
        "frequency_penalty": 0.2, "top_p": 0.85,
        "messages": [
            { "role": "system", "content": "rules" },
            { "role": "user", "content": [
                { "type": "image_url", "image_url": { "url": null } },
                { "type": "text", "text": "look" },
            ] },
        ],
    });
    assert_eq!(body, expected);
}

/// What a server sends and what it means.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    #[serde(default = "success")]
    status: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A body of JSON, or any other.
    body: Option<serde_json::Value>,
    raw: Option<String>,
    expect: String,
}

fn success() -> String {
    "200 OK".to_owned()
}

#[tokio::test]
async fn what_servers_say_is_understood() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("cases.json")).unwrap();
    let mut wrong = Vec::new();
    for Case { about, status, headers, body, raw, expect } in cases {
        let body = raw.unwrap_or_else(|| body.unwrap().to_string());
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}");
        let (mut remote, _hears) = server(answer).await;
        let told = match remote.reply(&prompt(), Duration::from_secs(10)).await.map_err(|error| error.kind) {
            Ok(Reply { text, tokens_in, tokens_out, cut }) => {
                format!("{text} ({tokens_in} in, {tokens_out} out{})", if cut { ", cut off" } else { "" })
            }
            Err(ModelErrorKind::Unavailable { why, retry_after: None }) => format!("Unavailable: {why}"),
            Err(ModelErrorKind::Unavailable { why, retry_after: Some(after) }) => {
                format!("Unavailable for {after:?}: {why}")
            }
            Err(ModelErrorKind::InvalidPrompt { why }) => format!("InvalidPrompt: {why}"),
            Err(ModelErrorKind::Fatal { why }) => format!("Fatal: {why}"),
            Err(ModelErrorKind::TimedOut { .. }) => "TimedOut".to_owned(),
        };
        assert!(!told.contains(KEY), "{about}: {told}");
        if told != expect {
            wrong.push(format!("{about}: {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn grammar_and_seed_are_passed_on_where_the_server_takes_them() {
    for (grammar, expected) in [
        (ServerGrammar::None, serde_json::json!({})),
        (ServerGrammar::GuidedGrammar, serde_json::json!({ "guided_grammar": "start: /a/" })),
        (ServerGrammar::StructuredOutputs, serde_json::json!({ "structured_outputs": { "grammar": "start: /a/" } })),
    ] {
        let prompt = Prompt { grammar: Some("start: /a/".to_owned()), ..prompt() };
        let sampling = Sampling { temperature: 0.5, seed: (1 << 31) + 7, ..Sampling::GREEDY };
        let endpoint = Endpoint { grammar, sampling, ..endpoint("http://host/v1".to_owned()) };
        for asked in 0..2 {
            let body: serde_json::Value = serde_json::from_slice(&body(&endpoint, &prompt, asked).unwrap()).unwrap();
            assert_eq!(body["seed"], 7 + asked, "{body}");
            for name in ["guided_grammar", "structured_outputs"] {
                assert_eq!(body.get(name), expected.get(name), "{body}");
            }
        }
    }
}

/// Runs one of these tests as a program of its own, with other variables of the environment; says whether it passed.
fn again(test: &str, variables: &[(&str, &str)]) -> std::process::Output {
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        program.env_remove(name);
    }
    program.args(["--exact", test, "--ignored", "--nocapture"]).envs(variables.iter().copied()).output().unwrap()
}

#[tokio::test]
async fn a_server_on_this_machine_is_asked_without_a_proxy_and_another_one_through_it() {
    // Nobody listens behind this proxy.
    let dead = "http://127.0.0.1:9";
    let output = again("remote::tests::ask_on_loopback", &[("HTTP_PROXY", dead), ("http_proxy", dead)]);
    assert!(output.status.success(), "{output:?}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    for (excluded, expected) in [("", true), ("elsewhere.invalid", true), ("model.invalid", false), (".invalid", false)]
    {
        let variables =
            [("http_proxy", &*proxy), ("HTTP_PROXY", &*proxy), ("NO_PROXY", excluded), ("no_proxy", excluded)];
        let output = again("remote::tests::ask_far_away", &variables);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(listener.accept().is_ok(), expected, "NO_PROXY={excluded}");
    }
}

#[tokio::test]
#[ignore = "run by another test, with a proxy in its environment"]
async fn ask_on_loopback() {
    let (mut remote, _hears) = server(http("200 OK", r#"{"choices":[{"message":{"content":"hello"}}]}"#)).await;
    assert_eq!(remote.reply(&prompt(), Duration::from_secs(10)).await.unwrap().text, "hello");
}

#[tokio::test]
#[ignore = "run by another test, with a proxy in its environment"]
async fn ask_far_away() {
    let mut remote = Remote::new(endpoint("http://model.invalid/v1".to_owned())).unwrap();
    remote.reply(&prompt(), Duration::from_millis(500)).await.unwrap_err();
}

#[test]
fn addresses_of_this_machine_are_known() {
    for (url, expected) in [
        ("http://localhost:8000/v1", true),
        ("http://LOCALHOST./v1", true),
        ("http://api.localhost/v1", true),
        ("http://127.8.9.1/v1", true),
        ("http://0.0.0.0:8000/v1", true),
        ("http://[::1]:8000/v1", true),
        ("http://[::ffff:127.0.0.1]/v1", true),
        ("http://localhost.example.com/v1", false),
        ("http://192.168.0.2/v1", false),
        ("http://[fe80::1]/v1", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
    }
}

#[tokio::test]
async fn bodies_without_end_and_connections_that_break_are_bounded() {
    let huge = http("200 OK", &"x".repeat(5000));
    assert!(matches!(trouble(huge).await, ModelErrorKind::InvalidPrompt { why } if why.contains("4096 bytes")));
    let endless = "HTTP/1.1 500 Oh\r\ncontent-length: 99999999\r\n\r\n".to_owned() + &"y".repeat(200_000);
    assert!(matches!(trouble(endless).await, ModelErrorKind::Unavailable { .. }));
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    assert!(matches!(trouble(short).await, ModelErrorKind::Unavailable { .. }));
    assert!(matches!(trouble("").await, ModelErrorKind::Unavailable { .. }));
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_one_that_is_not_there_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let mut remote = Remote::new(endpoint(base.clone())).unwrap();
    let within = Duration::from_millis(50);
    let error = remote.reply(&prompt(), within).await.unwrap_err();
    assert!(matches!(error.kind, ModelErrorKind::TimedOut { within: said } if said == within), "{error}");
    drop(listener);
    // A new client: the old one may still hold the connection that nobody answered.
    let mut remote = Remote::new(endpoint(base)).unwrap();
    let error = remote.reply(&prompt(), Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.to_string(), "m: temporarily unavailable: no server answers at that address (connection refused)");
}

#[test]
fn an_address_that_is_none_is_said_to_be_none() {
    for bad in ["", "localhost:8000/v1", "ftp://host/v1", "http://"] {
        assert!(matches!(Remote::new(endpoint(bad.to_owned())), Err(EndpointError::Address { .. })), "{bad}");
    }
    // What stands before an `@` is a password, or may be one, and so is what a query holds; however wrong the rest is.
    for bad in [
        "ftp://me:hunter2@host/v1",
        "me:hunter2@host",
        "http://me:hunter2@host:99999/v1",
        "http://me:hun/ter2@ho st/v1",
        "http://hunter2@:80",
        "ftp://host/v1?key=hunter2",
        "http://me:hunter2@host:x/?key=hunter2",
    ] {
        let error = Remote::new(endpoint(bad.to_owned())).err().map(|error| format!("{error} {error:?}"));
        let error = error.unwrap_or_else(|| panic!("{bad} is an address"));
        assert!(!error.contains("ter2") && error.contains("is no address"), "{bad}: {error}");
    }
    assert_eq!(without_secrets("http://host:8000/v1"), "http://host:8000/v1");
    let bad = Endpoint { key: Some(ApiKey("a\nb".to_owned())), ..endpoint("http://host/v1".to_owned()) };
    assert!(matches!(Remote::new(bad), Err(EndpointError::Key)));
    assert!(!format!("{:?}", endpoint(String::new())).contains(KEY));
}
