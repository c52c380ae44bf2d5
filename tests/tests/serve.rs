//! The official client's own check, through the server and the engine: a model of AutoGLM-Phone's shape counts the tokens of its
//! screenshot as the reference does.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tapwright_models::server::ServerLimits;
use tapwright_models::{Local, ReferenceModel, random};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

mod common;
#[path = "common/serving.rs"]
mod serving;

/// Of 1080x2400 pixels, enlarged to 1092x2408: 39 by 86 tokens. Source: Glm4vImageProcessor's rule at its default limits.
const PICTURE: u64 = 39 * 86;
/// Its beginning, its end, and the line break that servers put after it.
const AROUND: u64 = 3;

async fn ask(at: std::net::SocketAddr, body: &Value) -> Value {
    let mut stream = TcpStream::connect(at).await.expect("it listens");
    let body = body.to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {at}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    stream.write_all(body.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(body).expect("JSON")
}

#[test]
fn the_official_check_costs_as_many_tokens_as_the_reference_counts() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/autoglm/sample_messages_en.json");
    let Ok(text) = std::fs::read_to_string(&sample) else {
        let _ = writeln!(io::stderr(), "SKIPPED, as there is no shared data: {}", sample.display());
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let Some(library) = runtime.block_on(common::library()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    random(ReferenceModel::Glm4vTiny, &model, 5, |_| ()).expect("it can be written");
    let mut options = common::options();
    options.context_tokens_max = 8192;
    options.settings.newline_after_picture = true;
    let local = Local::open(&model, &folder.path().join("cache"), &library, options, |_| ()).expect("it opens");

    let mut messages: Vec<Value> = serde_json::from_str(&text).expect("the sample is JSON");
    runtime.block_on(async {
        let at = serving::serve(local, "tiny", ServerLimits::USUAL).await;
        let body = |messages: &[Value]| json!({"messages": messages, "max_tokens": 3, "temperature": 0});
        let with = tokio::time::timeout(Duration::from_secs(120), ask(at, &body(&messages))).await.expect("in time");
        let again = ask(at, &body(&messages)).await;
        for message in &mut messages {
            if let Some(parts) = message["content"].as_array_mut() {
                parts.retain(|part| part["type"] == "text");
            }
        }
        let without = ask(at, &body(&messages)).await;
        let prompt = |answer: &Value| answer["usage"]["prompt_tokens"].as_u64().expect("usage");
        assert_eq!(prompt(&with) - prompt(&without), PICTURE + AROUND);
        let cached = again["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64();
        assert_eq!(cached, Some(prompt(&with) - 1), "the second time it is all there");
        assert_eq!(with["choices"][0]["message"], again["choices"][0]["message"]);
    });
}

/// A Python that has the package `openai`: the one that the checks made, or the machine's.
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    [root.join("target/python/bin/python"), PathBuf::from("python3")].into_iter().find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", "import openai"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// The same script that the server's own tests run before an engine that is told what to say: here the small model says it.
#[test]
fn the_openai_package_is_served_by_the_small_model() {
    let Some(python) = python() else {
        let _ = writeln!(
            io::stderr(),
            "SKIPPED: no python3 with the package openai: python3 -m venv target/python && target/python/bin/pip install openai"
        );
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let Some(library) = runtime.block_on(common::library()) else { return };
    let cache = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut options = common::options();
    options.settings.longest_edge = Some(126_000);
    let local = Local::open(&root.join("models/mini"), cache.path(), &library, options, |_| ()).expect("it opens");
    let output = runtime.block_on(async {
        let at = serving::serve(local, "mini", ServerLimits::USUAL).await;
        let mut command = Command::new(python);
        command.arg(root.join("tests/python/openai_client.py")).args([&format!("http://{at}/v1"), "mini", "none"]);
        tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
    });
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for line in ["whole", "tools", "stops", "several", "too long", "eight at once"] {
        assert!(said.lines().any(|said| said == format!("ok: {line}")), "{line} is not in:\n{said}");
    }
}
