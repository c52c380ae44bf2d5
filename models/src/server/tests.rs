//! The server over real sockets, before an engine that says what its prompt tells it to.

mod requests;

use std::io::{self, Write as _};
use std::path::{Path as FilePath, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use expect_test::expect;
use image::ImageFormat;
use serde_json::{Value, json};
use tapwright_contract::Size;
use tapwright_contract::model::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::picture::tests::{data_url, file};
use super::*;
use crate::request::{AnswerEvent, FinishReason, Grammar, Usage};
use tapwright_contract::model::ModelErrorKind;

/// An engine that is told by the last text what to do: words such as `count=3 delay=10 length`.
struct Fake {
    heard: Mutex<Vec<Request>>,
    health: Mutex<EngineHealth>,
    /// Told how many pieces were taken when an answer was dropped.
    gone: mpsc::UnboundedSender<u32>,
}

const WELL: EngineHealth =
    EngineHealth { state: HealthState::Ready, answering: 0, steps: 7, cache_bytes: 9, faults: 0, restarts: 0 };

impl Fake {
    fn new(gone: mpsc::UnboundedSender<u32>) -> Fake {
        Fake { heard: Mutex::default(), health: Mutex::new(WELL), gone }
    }
}

#[async_trait]
impl ServedModel for Fake {
    fn context_tokens_max(&self) -> u32 {
        1000
    }

    fn special_token(&self, text: &str) -> Option<u32> {
        (text == "</answer>").then_some(48)
    }

    fn health(&self) -> EngineHealth {
        self.health.lock().unwrap().clone()
    }

    async fn ask(&self, request: Request) -> Result<AnswerStream, AnswerError> {
        let last = request.turns.last().and_then(|turn| turn.parts.last()).cloned();
        self.heard.lock().unwrap().push(request.clone());
        let Some(model::Part::Text(order)) = last else {
            return Err(ModelErrorKind::InvalidPrompt { why: "no order".to_owned() }.into());
        };
        // What is to be said word for word.
        if let Some(words) = order.strip_prefix("say ") {
            let (pieces, answer) = mpsc::channel(words.len() + 2);
            for sign in words.chars() {
                let usage = Usage { prompt: 50, answer: 1, ..Usage::default() };
                let _ = pieces.try_send(Ok(AnswerEvent::Delta { text: sign.to_string(), usage }));
            }
            let usage = Usage { prompt: 50, cached: 20, answer: 9, forced: 1 };
            let _ = pieces.try_send(Ok(AnswerEvent::Done { why: FinishReason::Grammar, usage }));
            return Ok(answer.into());
        }
        let number = |name: &str| {
            order.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
        };
        let says = |word: &str| order.split_whitespace().any(|said| said == word);
        if says("busy") {
            let why = "the engine is busy".to_owned();
            return Err(ModelErrorKind::Unavailable { why, retry_after: None }.into());
        }
        if says("unfit") {
            return Err(ModelErrorKind::InvalidPrompt { why: "a picture that is too narrow".to_owned() }.into());
        }
        if says("long") {
            return Err(AnswerError::ContextExceeded { prompt: 1234, limit: 1000 });
        }
        let (count, delay, late) = (number("count").unwrap_or(2), number("delay").unwrap_or(0), number("late"));
        let (breaks, slips, length) = (says("breaks"), says("slips"), says("length"));
        let (pieces, answer) = mpsc::channel(2);
        let gone = self.gone.clone();
        tokio::spawn(async move {
            if let Some(late) = late {
                tokio::time::sleep(Duration::from_millis(late)).await;
            }
            let delta = |piece: u64| AnswerEvent::Delta {
                text: format!("{piece} é"),
                usage: Usage { prompt: 50, cached: 20, answer: piece as u32 + 1, forced: 0 },
            };
            for piece in 0..count {
                tokio::time::sleep(Duration::from_millis(delay)).await;
                if pieces.send(Ok(delta(piece))).await.is_err() {
                    let _ = gone.send(piece as u32);
                    return;
                }
            }
            if breaks {
                return;
            }
            if slips {
                let _ =
                    pieces.send(Err(ModelErrorKind::Fatal { why: "the weights are damaged".to_owned() }.into())).await;
                return;
            }
            let usage = Usage { prompt: 50, cached: 20, answer: count as u32 + 1, forced: 1 };
            let why = if length { FinishReason::Length } else { FinishReason::Token(48) };
            let _ = pieces.send(Ok(AnswerEvent::Done { why, usage })).await;
        });
        Ok(answer.into())
    }
}

struct Server {
    at: SocketAddr,
    fake: Arc<Fake>,
    gone: mpsc::UnboundedReceiver<u32>,
    served: Arc<Mutex<Vec<RequestSummary>>>,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<Result<(), ServeError>>,
}

fn options() -> ServerOptions {
    ServerOptions {
        name: "mini".to_owned(),
        sampling: Sampling { top_p: Some(0.85), frequency_penalty: 0.2, ..Sampling::GREEDY },
        key: None,
        open_to_all: false,
        urls: UrlPolicy::None,
        limits: ServerLimits::USUAL,
        observer: None,
    }
}

async fn server(mut options: ServerOptions) -> Server {
    let served = Arc::new(Mutex::new(Vec::new()));
    let seen = served.clone();
    options.observer = Some(Arc::new(move |one: &RequestSummary| seen.lock().unwrap().push(*one)));
    let (gone, goes) = mpsc::unbounded_channel();
    let fake = Arc::new(Fake::new(gone));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let model = fake.clone();
    let ended = tokio::spawn(serve(listener, model, options, async move {
        let _ = stopped.await;
    }));
    Server { at, fake, gone: goes, served, stop: Some(stop), ended }
}

impl Server {
    async fn open(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    /// Sends these bytes, and returns all that comes until the connection closes.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.open().await;
        // The server may have said enough, and closed, before it has read all of it.
        let _ = stream.write_all(request).await;
        let mut all = Vec::new();
        let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await.expect("it closes");
        String::from_utf8(all).unwrap()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        split_response(
            &self.raw(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes()).await,
        )
    }

    async fn post(&self, body: impl AsRef<[u8]>) -> (u16, String) {
        split_response(&self.raw(&chat(body.as_ref(), "connection: close\r\n")).await)
    }

    async fn ask(&self, body: Value) -> (u16, Value) {
        let (status, body) = self.post(body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    fn next_request(&self) -> Request {
        self.fake.heard.lock().unwrap().last().cloned().expect("something was asked")
    }
}

/// A request's bytes.
fn chat(body: &[u8], more: &str) -> Vec<u8> {
    let mut request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Status and body; a chunked body is put together.
fn split_response(response: &str) -> (u16, String) {
    let (head, mut body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return (status, body.to_owned());
    }
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            break;
        }
        whole += &rest[..length];
        body = &rest[length + 2..];
    }
    (status, whole)
}

fn order(order: &str) -> Value {
    json!({"model": "mini", "messages": [{"role": "user", "content": order}]})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// What differs from one time to the next.
fn steady(text: &str) -> String {
    [("\"id\":\"chatcmpl-", '"'), ("\"created\":", ',')].iter().fold(text.to_owned(), |text, (before, after)| {
        let mut parts = text.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |steady, part| steady + before + "…" + &part[part.find(*after).unwrap()..])
    })
}

#[tokio::test]
async fn an_answer_comes_whole() {
    let server = server(options()).await;
    let (status, body) = server.post(order("count=2").to_string()).await;
    assert_eq!(status, 200);
    expect![[r#"{"id":"chatcmpl-…","object":"chat.completion","created":…,"model":"mini","choices":[{"index":0,"message":{"role":"assistant","content":"0 é1 é","refusal":null},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":50,"completion_tokens":3,"total_tokens":53,"prompt_tokens_details":{"cached_tokens":20,"prefilled_tokens":30},"completion_tokens_details":{"forced_tokens":1}}}"#]].assert_eq(&steady(&body));
    let (_, body) = server.ask(order("count=1 length")).await;
    assert_eq!(body["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn an_answer_comes_piece_by_piece() {
    let server = server(options()).await;
    let (status, body) = server.post(with(order("count=2"), json!({"stream": true})).to_string()).await;
    assert_eq!(status, 200);
    expect![[r#"
        data: {"id":"chatcmpl-…","object":"chat.completion.chunk","created":…,"model":"mini","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-…","object":"chat.completion.chunk","created":…,"model":"mini","choices":[{"index":0,"delta":{"content":"0 é"},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-…","object":"chat.completion.chunk","created":…,"model":"mini","choices":[{"index":0,"delta":{"content":"1 é"},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-…","object":"chat.completion.chunk","created":…,"model":"mini","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}

        data: [DONE]

    "#]].assert_eq(&steady(&body));

    let wanted = json!({"stream": true, "stream_options": {"include_usage": true}});
    let (_, body) = server.post(with(order("count=1"), wanted).to_string()).await;
    let events: Vec<&str> = body.split("\n\n").collect();
    assert!(events[0].ends_with(r#""usage":null}"#), "{}", events[0]);
    let last = events[events.len() - 3];
    assert!(last.contains(r#""choices":[],"usage":{"prompt_tokens":50,"completion_tokens":2,"#), "{last}");
    assert_eq!(events[events.len() - 2], "data: [DONE]");
}

#[tokio::test]
async fn an_engine_in_trouble_is_told_by_the_status_and_within_a_stream_by_an_event() {
    let server = server(options()).await;
    for (what, status, kind, code) in [
        ("busy", 503, "server_error", json!("busy")),
        ("unfit", 400, "invalid_request_error", json!("invalid_prompt")),
        ("long", 400, "invalid_request_error", json!("context_length_exceeded")),
        ("count=0 slips", 500, "server_error", json!(null)),
        ("count=0 breaks", 503, "server_error", json!("busy")),
    ] {
        for stream in [false, true] {
            let (found, body) = server.ask(with(order(what), json!({"stream": stream}))).await;
            let error = &body["error"];
            assert_eq!((found, &error["type"], &error["code"]), (status, &json!(kind), &code), "{what} {stream}");
        }
    }
    let (status, body) = server.post(with(order("count=1 slips"), json!({"stream": true})).to_string()).await;
    assert_eq!(status, 200);
    assert!(
        body.ends_with("data: {\"error\":{\"message\":\"the weights are damaged\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"),
        "{body}"
    );
    let response = server.raw(&chat(order("busy").to_string().as_bytes(), "connection: close\r\n")).await;
    assert!(response.contains("retry-after: 2\r\n"), "{response}");
}

#[tokio::test]
async fn the_engine_hears_what_the_official_client_says() {
    let server = server(options()).await;
    // Fields and their order as Open-AutoGLM sends them; its history has doubled marks of thought.
    let url = data_url(&file(ImageFormat::Png, 4, 3));
    let body = json!({
        "model": "mini", "stream": true,
        "messages": [
            {"role": "system", "content": "rules"},
            {"role": "user", "content": [{"type": "text", "text": "task\n\n{\"current_app\": \"X\"}"}]},
            {"role": "assistant", "content": "<think><think>t</think>\n<answer></think><answer>do(action=\"Back\")</answer>"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "count=1"}]},
        ],
        "frequency_penalty": 0.2, "max_tokens": 3000, "temperature": 0.0, "top_p": 0.85,
    });
    let (status, _) = server.post(body.to_string()).await;
    assert_eq!(status, 200);
    let Request {
        turns,
        tokens_max,
        tokens_min,
        sampling,
        logit_bias,
        stop,
        stop_tokens,
        stop_shown,
        special_shown,
        grammar,
        thinking: _,
    } = server.next_request();
    assert_eq!(
        turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
        [Role::System, Role::User, Role::Assistant, Role::User]
    );
    let doubled = "<think><think>t</think>\n<answer></think><answer>do(action=\"Back\")</answer>";
    assert_eq!(turns[2].parts, [model::Part::Text(doubled.to_owned())]);
    let model::Part::Picture(picture) = &turns[3].parts[0] else { panic!("{:?}", turns[3]) };
    assert_eq!(picture.size(), Size { width: 4, height: 3 });
    assert_eq!(&picture.rgba()[4 * 11..], [3, 2, 90, 255]);
    assert_eq!((tokens_max, tokens_min, logit_bias.len()), (Some(3000), 0, 0));
    assert_eq!((sampling.temperature, sampling.top_p, sampling.frequency_penalty), (0.0, Some(0.85), 0.2));
    assert_eq!((stop.len(), stop_tokens.len(), stop_shown, special_shown, grammar), (0, 0, false, false, None));

    // Its first request has no picture.
    let body = json!({"model": "mini", "stream": false, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5, "temperature": 0.0});
    assert_eq!(server.ask(body).await.0, 200);
}

#[tokio::test]
async fn a_client_that_asks_for_the_end_s_mark_gets_it() {
    let server = server(options()).await;
    let body = with(
        order("count=1"),
        json!({"stop": ["</answer>"], "include_stop_str_in_output": true, "skip_special_tokens": false, "stop_token_ids": [7]}),
    );
    let (_, answer) = server.ask(body).await;
    let Request { stop, stop_tokens, stop_shown, special_shown, .. } = server.next_request();
    assert_eq!((stop, stop_tokens, stop_shown, special_shown), (vec!["</answer>".to_owned()], vec![7], true, true));
    assert_eq!(answer["choices"][0]["stop_reason"], "</answer>");
}

#[tokio::test]
async fn benchmarks_and_clients_say_how_long_and_with_which_tokens() {
    let server = server(options()).await;
    for (more, expected) in [
        (json!({"min_tokens": 5, "max_tokens": 9}), (Some(9), 5, vec![])),
        (json!({"ignore_eos": true, "min_tokens": 2}), (None, u32::MAX, vec![])),
        (json!({"ignore_eos": false, "max_tokens": -1}), (None, 0, vec![])),
        (json!({"max_tokens": 7, "max_completion_tokens": -1}), (Some(7), 0, vec![])),
        (json!({"logit_bias": {"7": -100, "3": 1.5}}), (None, 0, vec![(3, 1.5), (7, -100.0)])),
    ] {
        assert_eq!(server.ask(with(order("count=1"), more.clone())).await.0, 200, "{more}");
        let Request { tokens_max, tokens_min, logit_bias, .. } = server.next_request();
        assert_eq!((tokens_max, tokens_min, logit_bias.into_iter().collect()), expected, "{more}");
    }
}

#[tokio::test]
async fn seeds_differ_unless_they_are_given() {
    let server = server(options()).await;
    let mut seeds = Vec::new();
    for more in [json!({}), json!({}), json!({"seed": 7}), json!({"seed": -1})] {
        server.ask(with(order("count=1"), more)).await;
        seeds.push(server.next_request().sampling.seed);
    }
    assert_ne!(seeds[0], seeds[1]);
    assert_eq!(seeds[2..], [7, u64::MAX]);
}

#[tokio::test]
async fn what_is_there_can_be_asked() {
    let server = server(options()).await;
    for path in ["/v1/models", "/v1/models/"] {
        assert_eq!(server.get(path).await.0, 200, "{path}");
    }
    let (status, body) = server.get("/v1/models").await;
    assert_eq!(status, 200);
    expect![[r#"{"object":"list","data":[{"id":"mini","object":"model","created":…,"owned_by":"tapwright","max_model_len":1000}]}"#]].assert_eq(&steady(&body));
    assert_eq!(server.get("/v1/models/mini").await.0, 200);
    assert_eq!(server.get("/v1/models/org/other").await.0, 404);
    let (status, body) = server.get("/v2").await;
    assert!(status == 404 && body.contains("unknown_url"), "{status} {body}");
    let (status, body) = server.get("/v1/chat/completions").await;
    assert!(status == 405 && body.contains("method_not_allowed"), "{status} {body}");
}

#[tokio::test]
async fn health_is_the_engine_s_and_not_the_server_s() {
    let server = server(options()).await;
    for (state, status, said) in [
        (HealthState::Ready, 200, r#""status":"ok","answering":0,"steps":7,"cache_bytes":9"#),
        (HealthState::Restarting, 503, r#""status":"restarting""#),
        (
            HealthState::Failed { why: "the folder is gone".to_owned() },
            503,
            r#""status":"failed","why":"the folder is gone""#,
        ),
        (HealthState::Stopped, 503, r#""status":"stopped""#),
    ] {
        *server.fake.health.lock().unwrap() = EngineHealth { state, ..WELL };
        let (found, body) = server.get("/health").await;
        assert!(found == status && body.contains(said), "{found} {body}");
    }
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_said_in_the_words_that_clients_look_for() {
    let server = server(options()).await;
    let long = "x".repeat(1000 * TOKEN_BYTES_MAX + 1);
    for body in [order("long"), json!({"messages": [{"role": "user", "content": long}]})] {
        let (status, body) = server.ask(body).await;
        let error = &body["error"];
        assert_eq!(
            (status, &error["code"], &error["param"]),
            (400, &json!("context_length_exceeded"), &json!("messages"))
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("This model's maximum context length is 1000 tokens. However, your"), "{message}");
    }
}

#[tokio::test]
async fn functions_are_called_as_clients_expect_it() {
    let server = server(options()).await;
    let tools = json!([
        {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}},
        {"type": "function", "function": {"name": "now"}},
    ]);
    let by_name = json!({"type": "function", "function": {"name": "add"}});
    let call = r#"say <tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>"#;
    for (words, choice, content, calls, reason) in [
        (r#"say {"a": 1}"#, by_name.clone(), json!(null), json!([["add", r#"{"a": 1}"#]]), "stop"),
        (
            r#"say {"name": "add", "arguments": {"a": 1}}"#,
            json!("required"),
            json!(null),
            json!([["add", r#"{"a":1}"#]]),
            "tool_calls",
        ),
        (call, json!("auto"), json!(null), json!([["add", r#"{"a":1}"#]]), "tool_calls"),
        (call, json!(null), json!(null), json!([["add", r#"{"a":1}"#]]), "tool_calls"),
        (call, json!("none"), json!(&call[4..]), json!([]), "stop"),
        ("say hello", json!("auto"), json!("hello"), json!([]), "stop"),
        ("say <tool_call>broken", json!("auto"), json!("<tool_call>broken"), json!([]), "stop"),
    ] {
        let body = with(order(words), json!({"tools": tools, "tool_choice": choice}));
        let (status, answer) = server.ask(body.clone()).await;
        assert_eq!(status, 200, "{answer}");
        let choice = &answer["choices"][0];
        let found: Vec<Value> = choice["message"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|call| {
                assert!(
                    call["type"] == "function" && call["id"].as_str().is_some_and(|id| id.starts_with("call_")),
                    "{call}"
                );
                json!([call["function"]["name"], call["function"]["arguments"]])
            })
            .collect();
        assert_eq!((&choice["message"]["content"], json!(found)), (&content, calls.clone()), "{words} {answer}");
        assert_eq!(choice["finish_reason"], reason);

        // The same in pieces, put together as clients do.
        let (_, body) = server.post(with(body, json!({"stream": true})).to_string()).await;
        let (mut text, mut pieces, mut reasons) = (String::new(), Vec::<[String; 2]>::new(), Vec::new());
        for line in body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| *line != "[DONE]") {
            let chunk: Value = serde_json::from_str(line).unwrap();
            let choice = &chunk["choices"][0];
            text += choice["delta"]["content"].as_str().unwrap_or("");
            for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                let at = call["index"].as_u64().unwrap() as usize;
                pieces.resize(pieces.len().max(at + 1), Default::default());
                pieces[at][0] += call["function"]["name"].as_str().unwrap_or("");
                pieces[at][1] += call["function"]["arguments"].as_str().unwrap();
            }
            reasons.extend(choice["finish_reason"].as_str().map(str::to_owned));
        }
        assert_eq!((text.as_str(), json!(pieces)), (content.as_str().unwrap_or(""), calls), "{words}: {body}");
        assert_eq!(reasons, [reason]);
    }
    // The engine is held to the schema, and told of the function.
    server.ask(with(order("count=1"), json!({"tools": tools, "tool_choice": by_name}))).await;
    let heard = server.next_request();
    assert_eq!(heard.grammar, Some(Grammar::Schema(tools[0]["function"]["parameters"].clone())));
    let model::Part::Text(told) = &heard.turns[0].parts[0] else { panic!("{heard:?}") };
    assert!(heard.turns[0].role == Role::System && told.contains("\"add\"") && !told.contains("\"now\""), "{told}");
    // And hears of earlier calls.
    let messages = json!([
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "x", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}}]},
        {"role": "tool", "tool_call_id": "x", "content": "2"},
        {"role": "user", "content": "count=1"},
    ]);
    assert_eq!(server.ask(json!({"messages": messages, "tools": tools, "tool_choice": "none"})).await.0, 200);
    let texts: Vec<_> = server.next_request().turns.iter().map(|turn| (turn.role, turn.parts.clone())).collect();
    let text = |text: &str| vec![model::Part::Text(text.to_owned())];
    assert_eq!(
        texts[1..3],
        [
            (
                Role::Assistant,
                [text(""), text(r#"<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>"#)].concat()
            ),
            (Role::User, text("<tool_response>\n2\n</tool_response>")),
        ]
    );
}

#[tokio::test]
async fn several_answers_come_with_their_numbers_and_differ_by_their_seeds() {
    let server = server(options()).await;
    let (status, answer) = server.ask(with(order("count=2"), json!({"n": 3, "seed": 5}))).await;
    assert_eq!(status, 200);
    let indices: Vec<_> = answer["choices"].as_array().unwrap().iter().map(|choice| choice["index"].clone()).collect();
    assert_eq!(indices, [0, 1, 2]);
    assert_eq!((&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"]), (&json!(50), &json!(9)));
    let mut seeds: Vec<u64> = server.fake.heard.lock().unwrap().iter().map(|heard| heard.sampling.seed).collect();
    assert!(seeds.contains(&5), "the first has the seed that was asked for");
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 3);
    let (_, body) = server.post(with(order("count=2"), json!({"n": 2, "stream": true})).to_string()).await;
    for index in [0, 1] {
        let pieces = body.lines().filter(|line| line.contains(&format!("\"index\":{index},"))).count();
        assert_eq!(pieces, 4, "a role, two pieces and an end: {body}");
    }
}

/// The others are asked for when the first one has read the prompt, which they need not read again.
#[tokio::test]
async fn several_answers_read_their_prompt_once() {
    let server = server(options()).await;
    let asked = || server.fake.heard.lock().unwrap().len();
    let counted = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        asked()
    };
    let answer = server.ask(with(order("count=1 late=400"), json!({"n": 3})));
    let ((status, _), before) = tokio::join!(answer, counted);
    assert_eq!((status, before, asked()), (200, 1, 3));
}

#[tokio::test]
async fn usage_comes_with_every_piece_if_it_is_wanted_so() {
    let server = server(options()).await;
    let wanted = json!({"stream": true, "stream_options": {"include_usage": true, "continuous_usage_stats": true}});
    let (_, body) = server.post(with(order("count=2"), wanted).to_string()).await;
    let counts: Vec<u64> = body
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .map(|chunk| chunk["usage"]["completion_tokens"].as_u64().unwrap())
        .collect();
    assert_eq!(counts, [0, 1, 2, 3, 3]);
}

#[tokio::test]
async fn requests_as_lenient_servers_take_them_are_taken() {
    let server = server(options()).await;
    let lenient = json!({"model": "", "temperature": "0.5", "max_tokens": "5", "top_k": "3", "chat_template_kwargs": {"enable_thinking": false}});
    let (status, body) = server.ask(with(order("count=1"), lenient)).await;
    assert_eq!(status, 200, "{body}");
    let heard = server.next_request();
    assert_eq!(
        (heard.sampling.temperature, heard.tokens_max, heard.sampling.top_k, heard.thinking),
        (0.5, Some(5), Some(3), Some(false))
    );
    let body = order("count=1").to_string();
    let request = format!(
        "POST /v1/chat/completions/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(split_response(&server.raw(request.as_bytes()).await).0, 200);
    // A picture of the system's is shown by the next user, or by one that is added.
    let picture = json!({"type": "image_url", "image_url": data_url(&file(ImageFormat::Bmp, 4, 3))});
    let system = json!({"role": "system", "content": ["rules", picture]});
    for (messages, shown_in) in [
        (json!([system, {"role": "user", "content": "count=1"}]), 1),
        (
            json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": null}, {"role": "user", "content": "count=1"}, system]),
            4,
        ),
    ] {
        let (status, body) = server.ask(json!({"messages": messages})).await;
        let turns = server.next_request().turns;
        let at = turns.iter().position(|turn| matches!(turn.parts.first(), Some(model::Part::Picture(_))));
        assert_eq!(at, Some(shown_in), "{status} {body} {turns:?}");
        assert_eq!(turns[shown_in].role, Role::User);
    }
}

#[tokio::test]
async fn half_sent_requests_give_way_where_there_is_no_room_for_more() {
    let limits = ServerLimits { connections_max: 8, ..ServerLimits::USUAL };
    let server = server(ServerOptions { limits, ..options() }).await;
    // One that is being answered, and many that never get further than this.
    let mut answered = server.open().await;
    answered
        .write_all(&chat(order("count=40 delay=20").to_string().as_bytes(), "connection: close\r\n"))
        .await
        .unwrap();
    while server.fake.heard.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut half = Vec::new();
    for at in 0..40 {
        let mut client = server.open().await;
        let bytes: &[u8] = if at % 2 == 0 {
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: loc"
        } else {
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
        };
        let _ = client.write_all(bytes).await;
        half.push(client);
    }
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(server.ask(order("count=1")).await.0, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let mut all = String::new();
    answered.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 200") && all.contains("39 é"), "{all}");
}

#[tokio::test]
async fn figures_are_kept() {
    let server = server(options()).await;
    server.post(order("count=2").to_string()).await;
    server.post(order("count=1 length").to_string()).await;
    server.post("{").await;
    server.post(order("busy").to_string()).await;
    let (_, text) = server.get("/metrics").await;
    for line in [
        "tapwright_requests_total{model=\"mini\",outcome=\"stop\"} 1",
        "tapwright_requests_total{model=\"mini\",outcome=\"length\"} 1",
        "tapwright_requests_total{model=\"mini\",outcome=\"refused\"} 1",
        "tapwright_requests_total{model=\"mini\",outcome=\"busy\"} 1",
        "tapwright_tokens_total{model=\"mini\",kind=\"prompt\"} 100",
        "tapwright_tokens_total{model=\"mini\",kind=\"cached\"} 40",
        "tapwright_tokens_total{model=\"mini\",kind=\"answer\"} 5",
        "tapwright_requests_waiting{model=\"mini\"} 0",
        "tapwright_requests_answering{model=\"mini\"} 0",
        "tapwright_time_to_first_token_seconds_count{model=\"mini\"} 2",
        "tapwright_time_per_token_seconds_count{model=\"mini\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
    }
    let outcomes: Vec<_> = server.served.lock().unwrap().iter().map(|one| (one.outcome, one.status)).collect();
    use RequestOutcome::{Busy, Length, Refused, Stop};
    assert_eq!(outcomes, [(Stop, 200), (Length, 200), (Refused, 400), (Busy, 503)]);
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_stops() {
    for stream in [true, false] {
        let mut server = server(options()).await;
        let body = with(order("count=100000 delay=2"), json!({"stream": stream})).to_string();
        let mut client = server.open().await;
        client.write_all(&chat(body.as_bytes(), "")).await.unwrap();
        let mut some = [0; 400];
        if stream {
            client.read_exact(&mut some).await.unwrap();
        } else {
            // It is answered as soon as the engine has heard it.
            while server.fake.heard.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        }
        drop(client);
        let pieces = timeout(Duration::from_secs(10), server.gone.recv()).await.expect("the engine is told").unwrap();
        assert!(pieces < 2000, "{pieces} pieces");
        let (_, text) = server.get("/metrics").await;
        assert!(text.contains("outcome=\"gone\"} 1"), "{text}");
        assert!(text.contains("requests_answering{model=\"mini\"} 0"), "{text}");
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_given_up() {
    let limits = ServerLimits { write_within: Duration::from_millis(200), ..ServerLimits::USUAL };
    let mut server = server(ServerOptions { limits, ..options() }).await;
    let mut client = server.open().await;
    let body = with(order("count=100000000"), json!({"stream": true})).to_string();
    client.write_all(&chat(body.as_bytes(), "")).await.unwrap();
    timeout(Duration::from_secs(30), server.gone.recv()).await.expect("the engine is told").unwrap();
    drop(client);
}

#[tokio::test]
async fn requests_that_stay_half_sent_end() {
    let soon = Duration::from_millis(200);
    let limits = ServerLimits { head_within: soon, body_pause_max: soon, ..ServerLimits::USUAL };
    let server = server(ServerOptions { limits, ..options() }).await;
    let begun = Instant::now();
    assert_eq!(server.raw(b"POST /v1/chat/completions HTTP/1.1\r\nhost: ").await, "");
    let (status, body) = split_response(&server.raw(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"a").await);
    assert_eq!(status, 408, "{body}");
    assert!(body.contains("3 bytes of the body came"), "{body}");
    assert!(begun.elapsed() < Duration::from_secs(15));
    // They hold no place meanwhile.
    assert_eq!(server.ask(order("count=1")).await.0, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let limits = ServerLimits { body_bytes_max: 10_000, ..ServerLimits::USUAL };
    let server = server(ServerOptions { limits, ..options() }).await;
    // Only announced: nothing of it comes.
    let mut client = server.open().await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000000000\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut some = [0; 12];
    timeout(Duration::from_secs(5), client.read_exact(&mut some)).await.unwrap().unwrap();
    assert_eq!(&some, b"HTTP/1.1 413");
    // Sent even so: the client still hears why.
    let (status, body) = server.post(vec![b' '; 3_000_000]).await;
    assert!(status == 413 && body.contains("request_too_large"), "{status} {body}");
    // Not announced.
    let mut request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        request.extend_from_slice(b"400\r\n");
        request.extend_from_slice(&[b' '; 0x400]);
        request.extend_from_slice(b"\r\n");
    }
    assert_eq!(split_response(&server.raw(&request).await).0, 413);
    let fits = with(order("count=1"), json!({"user": "x".repeat(9000)}));
    assert_eq!(server.ask(fits).await.0, 200);
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_again() {
    let limits = ServerLimits { queue: 2, ..ServerLimits::USUAL };
    let server = server(ServerOptions { limits, ..options() }).await;
    let slow = chat(with(order("count=100000 delay=5"), json!({"stream": true})).to_string().as_bytes(), "");
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut client = server.open().await;
        client.write_all(&slow).await.unwrap();
        client.read_exact(&mut [0; 100]).await.unwrap();
        waiting.push(client);
    }
    let response = server.raw(&chat(order("count=1").to_string().as_bytes(), "")).await;
    assert!(response.starts_with("HTTP/1.1 429 ") && response.contains("retry-after: 2\r\n"), "{response}");
    assert!(response.contains("\"code\":\"queue_full\""), "{response}");
    waiting.pop();
    // There is room as soon as the server has seen that somebody left.
    let mut tries = 0;
    while server.ask(order("count=1")).await.0 == 429 {
        tries += 1;
        assert!(tries < 1000, "the place was not given back");
    }
}

#[tokio::test]
async fn all_requests_together_hold_so_much_memory_and_no_more() {
    let limits = ServerLimits { memory_bytes_max: 2 << 20, ..ServerLimits::USUAL };
    let server = server(ServerOptions { limits, ..options() }).await;
    let large = with(order("count=1"), json!({"user": "x".repeat(1 << 20)}));
    let (status, body) = server.ask(large).await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("memory_full")));
    // Small as a file, and large as pixels.
    let picture = |edge| {
        let url = data_url(&file(ImageFormat::Png, edge, edge));
        json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": url}, "count=1"]}]})
    };
    assert_eq!(server.ask(picture(400)).await.0, 429);
    // What was held is given back.
    for _ in 0..4 {
        assert_eq!(server.ask(picture(200)).await.0, 200);
    }
}

#[tokio::test]
async fn a_key_is_asked_for() {
    let server = server(ServerOptions { key: Some(ApiKey("secret".to_owned())), ..options() }).await;
    let body = order("count=1").to_string();
    for (header, status) in [
        ("", 401),
        ("authorization: Bearer secre\r\n", 401),
        ("authorization: Bearer secrets\r\n", 401),
        ("authorization: secret\r\n", 401),
        ("authorization: Bearer \r\n", 401),
        ("authorization: Bearer secret\r\n", 200),
        ("authorization: bearer  secret \r\n", 200),
    ] {
        let response = server.raw(&chat(body.as_bytes(), &format!("connection: close\r\n{header}"))).await;
        assert_eq!(split_response(&response).0, status, "{header}");
        assert_eq!(response.contains("www-authenticate: Bearer"), status == 401, "{response}");
    }
    assert_eq!(server.get("/health").await.0, 200);
    assert_eq!(server.get("/metrics").await.0, 401);
    assert_eq!(server.get("/v1/models").await.0, 401);
}

#[tokio::test]
async fn other_machines_are_let_in_only_with_a_key_or_by_will() {
    let start = async |options: ServerOptions| {
        let (gone, _goes) = mpsc::unbounded_channel();
        let fake = Arc::new(Fake::new(gone));
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        serve(listener, fake, options, async {}).await
    };
    assert!(matches!(start(options()).await, Err(ServeError::Open { .. })));
    assert!(start(ServerOptions { open_to_all: true, ..options() }).await.is_ok());
    assert!(start(ServerOptions { key: Some(ApiKey("k".to_owned())), ..options() }).await.is_ok());
    let empty = ServerOptions { key: Some(ApiKey(String::new())), ..options() };
    assert!(matches!(start(empty).await, Err(ServeError::Settings { .. })));
}

#[tokio::test]
async fn a_server_that_is_stopped_ends_its_answers_first() {
    let mut server = server(options()).await;
    let mut client = server.open().await;
    client.write_all(&chat(order("count=5 delay=30").to_string().as_bytes(), "")).await.unwrap();
    while server.fake.heard.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    server.stop.take().unwrap().send(()).unwrap();
    let mut all = String::new();
    client.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 200") && all.contains("4 é"), "{all}");
    timeout(Duration::from_secs(5), server.ended).await.expect("it ends").unwrap().unwrap();
    assert!(TcpStream::connect(server.at).await.is_err());
}

#[tokio::test]
async fn a_server_that_is_stopped_does_not_wait_for_ever() {
    let limits = ServerLimits { grace: Duration::from_millis(50), ..ServerLimits::USUAL };
    let mut server = server(ServerOptions { limits, ..options() }).await;
    let mut client = server.open().await;
    client.write_all(&chat(order("count=100000 delay=20").to_string().as_bytes(), "")).await.unwrap();
    while server.fake.heard.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    server.stop.take().unwrap().send(()).unwrap();
    timeout(Duration::from_secs(5), server.ended).await.expect("it ends").unwrap().unwrap();
    timeout(Duration::from_secs(5), server.gone.recv()).await.expect("the engine is told").unwrap();
}

#[tokio::test]
async fn a_long_prompt_keeps_its_stream_alive() {
    let (first_within, silence_max) = (Duration::from_millis(20), Duration::from_millis(50));
    let limits = ServerLimits { first_within, silence_max, ..ServerLimits::USUAL };
    let server = server(ServerOptions { limits, ..options() }).await;
    let (status, body) = server.post(with(order("late=300 count=1"), json!({"stream": true})).to_string()).await;
    assert_eq!(status, 200);
    assert!(body.contains("\n\n: waiting\n\n") && body.ends_with("data: [DONE]\n\n"), "{body}");
}

#[tokio::test]
async fn a_page_that_points_its_name_here_gets_nothing() {
    let at = |host: &str| format!("GET /v1/models HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let keyless = server(options()).await;
    for (host, status) in [
        ("localhost:8000", 200),
        ("LOCALHOST.", 200),
        ("tapwright.localhost", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.0.7", 200),
        ("evil.example:8000", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("evil.example:80:80", 403),
        ("", 403),
    ] {
        assert_eq!(split_response(&keyless.raw(at(host).as_bytes()).await).0, status, "{host}");
    }
    // Clients of old may leave it out; browsers never do.
    let bare = keyless.raw(b"GET /health HTTP/1.0\r\n\r\n").await;
    assert!(bare.contains(" 200 "), "{bare}");
    let keyed = server(ServerOptions { key: Some(ApiKey("secret".to_owned())), ..options() }).await;
    assert_eq!(split_response(&keyed.raw(at("evil.example").as_bytes()).await).0, 401);
}

#[tokio::test]
async fn a_picture_that_is_fetched_takes_memory_as_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            // It promises much, and whoever waits for all of it waits long.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n").await;
            let _ = stream.write_all(&[0; 300_000]).await;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
    let limits = ServerLimits { memory_bytes_max: 200_000, ..ServerLimits::USUAL };
    let server = server(ServerOptions { urls: UrlPolicy::Any, limits, ..options() }).await;
    let image = json!({"type": "image_url", "image_url": {"url": format!("http://{at}/x")}});
    let (status, body) = server.ask(json!({"messages": [{"role": "user", "content": [image]}]})).await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("memory_full")), "{body}");
}

#[tokio::test]
async fn pictures_are_fetched_only_where_that_is_allowed() {
    // A neighbour with a picture, and one that sends on to it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let png = file(ImageFormat::Png, 5, 4);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let count = stream.read(&mut request).await.unwrap();
            let path = String::from_utf8_lossy(&request[..count]).split(' ').nth(1).unwrap().to_owned();
            let head = match path.as_str() {
                "/away" => "HTTP/1.1 302 Found\r\nlocation: /picture\r\ncontent-length: 0\r\n\r\n".to_owned(),
                "/file" => "HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n".to_owned(),
                "/large" => "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_owned(),
                _ => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", png.len()),
            };
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&if path == "/large" { vec![0; 200_000] } else { png.clone() }).await;
        }
    });
    let ask = |path: &str| {
        let image = json!({"type": "image_url", "image_url": {"url": format!("http://{at}/{path}")}});
        json!({"messages": [{"role": "user", "content": [image, {"type": "text", "text": "count=1"}]}]})
    };
    let limits = ServerLimits { fetch_bytes_max: 100_000, ..ServerLimits::USUAL };
    for (urls, path, status, words) in [
        (UrlPolicy::None, "picture", 400, "messages[0].content[0].image_url.url: this server fetches no pictures"),
        (UrlPolicy::Public, "picture", 400, "public addresses only"),
        (UrlPolicy::Any, "picture", 200, ""),
        (UrlPolicy::Any, "away", 200, ""),
        (UrlPolicy::Any, "file", 400, "the address answers 302 Found"),
        (UrlPolicy::Any, "large", 400, "longer than 100000 bytes"),
    ] {
        let server = server(ServerOptions { urls, limits: limits.clone(), ..options() }).await;
        let (found, body) = server.ask(ask(path)).await;
        assert_eq!(found, status, "{urls:?} {path}: {body}");
        assert!(body.to_string().contains(words), "{body}");
        if status == 200 {
            let model::Part::Picture(picture) = &server.next_request().turns[0].parts[0] else { panic!("no picture") };
            assert_eq!(picture.size(), Size { width: 5, height: 4 });
        }
    }
}

#[tokio::test]
async fn answers_have_the_form_that_was_asked_for() {
    let server = server(options()).await;
    let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
    for (more, expected) in [
        (json!({"response_format": {"type": "text"}}), None),
        (json!({"response_format": {"type": "json_object"}}), Some(Grammar::Schema(json!({"type": "object"})))),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}}}),
            Some(Grammar::Schema(schema.clone())),
        ),
        (json!({"guided_json": schema.to_string()}), Some(Grammar::Schema(schema.clone()))),
        (json!({"guided_regex": "a+"}), Some(Grammar::Regex("a+".to_owned()))),
        (json!({"guided_grammar": "start: \"a\""}), Some(Grammar::Lark("start: \"a\"".to_owned()))),
        (json!({"guided_choice": ["a.b", "ü|"]}), Some(Grammar::Regex("(?:a\\.b|ü\\|)".to_owned()))),
        (json!({"structured_outputs": {"json": schema}}), Some(Grammar::Schema(schema.clone()))),
        (json!({"structured_outputs": {"choice": ["a", "b"]}}), Some(Grammar::Regex("(?:a|b)".to_owned()))),
    ] {
        let (status, body) = server.ask(with(order("count=1"), more.clone())).await;
        assert_eq!(status, 200, "{more}: {body}");
        assert_eq!(server.next_request().grammar, expected, "{more}");
    }
}

/// The messages that the official client's own check sends, where somebody has them.
#[tokio::test]
async fn the_official_check_is_understood() {
    for name in ["sample_messages.json", "sample_messages_en.json"] {
        let path = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/autoglm").join(name);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let _ = writeln!(io::stderr(), "SKIPPED, as there is no shared data: {}", path.display());
            continue;
        };
        let server = server(options()).await;
        let messages: Value = serde_json::from_str(&text).unwrap();
        let body = json!({
            "model": "mini", "messages": messages, "temperature": 0, "max_tokens": 3000, "top_p": 0.85, "frequency_penalty": 0.2,
        });
        assert_eq!(server.ask(body).await.0, 200);
        let turns = server.next_request().turns;
        assert_eq!(turns.len(), 2);
        let model::Part::Picture(picture) = &turns[1].parts[0] else { panic!("the picture comes first") };
        assert_eq!(picture.size(), Size { width: 1080, height: 2400 });
    }
}

/// A Python that has the package `openai`: the one that the checks made, or the machine's.
fn python() -> Option<PathBuf> {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("..");
    [root.join("target/python/bin/python"), PathBuf::from("python3")].into_iter().find(|python| {
        let mut command = std::process::Command::new(python);
        command.args(["-c", "import openai"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openai_package_is_served() {
    let Some(python) = python() else {
        eprintln!(
            "SKIPPED: no python3 with the package `openai`: python3 -m venv target/python && target/python/bin/pip install openai"
        );
        return;
    };
    let mut server = server(ServerOptions { key: Some(ApiKey("secret".to_owned())), ..options() }).await;
    let script = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/openai_client.py");
    let url = format!("http://{}/v1", server.at);
    let mut command = tokio::process::Command::new(python);
    command.arg(script).args([&url, "mini", "secret", "fake"]).kill_on_drop(true);
    let output = timeout(Duration::from_secs(120), command.output()).await.expect("the script ends").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for line in ["whole", "stream", "picture", "errors", "tools", "several", "cancel", "eight at once"] {
        assert!(said.lines().any(|said| said == format!("ok: {line}")), "{line} is not in:\n{said}");
    }
    // What the script gave up, the engine stopped.
    let pieces = timeout(Duration::from_secs(10), server.gone.recv()).await.expect("the engine is told").unwrap();
    assert!(pieces < 5000, "{pieces} pieces");
}
