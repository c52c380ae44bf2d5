//! What a step of an agent costs on the small model: a prompt with one new screen and a short history, and thirty tokens.
//!
//! `cargo bench -p tapwright-models`; `TAPWRIGHT_BENCH_MODEL` names another model's folder. Without weights or ONNX Runtime it
//! says so and measures nothing.

use std::path::PathBuf;
use std::time::Duration;

use divan::Bencher;
use tapwright_contract::model::{Model, Part, Prompt, Role, Turn};
use tapwright_contract::{Picture, Size};
use tapwright_models::library::{Cuda, LibrarySearch, find};
use tapwright_models::providers::Provider;
use tapwright_models::{EngineOptions, Local, ModelSettings, Sampling};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

/// The second step of an episode and later: only the rules are in the cache from the step before.
#[divan::bench(args = [1, 2], sample_count = 30, sample_size = 1)]
fn step_by_threads(bencher: Bencher<'_, '_>, threads: usize) {
    let runtime = Runtime::new().expect("a runtime");
    let Some(mut model) = open(&runtime, threads) else { return };
    let mut count = 0u32;
    bencher
        .with_inputs(|| {
            count += 1;
            prompt(count)
        })
        .bench_local_values(|prompt| {
            runtime.block_on(model.reply(&prompt, Duration::from_secs(600))).expect("a reply")
        });
}

fn open(runtime: &Runtime, threads: usize) -> Option<Local> {
    let mini = concat!(env!("CARGO_MANIFEST_DIR"), "/mini");
    let folder = set("TAPWRIGHT_BENCH_MODEL").unwrap_or_else(|| PathBuf::from(mini));
    let search = LibrarySearch {
        named: set("ORT_DYLIB_PATH"),
        cache: set("HOME").unwrap_or_default().join(".cache").join("tapwright"),
        fetch: false,
        within: Duration::from_secs(10),
        cuda: Cuda::Unwanted,
    };
    let library = runtime.block_on(find(&search, |_| ()));
    let settings =
        ModelSettings { longest_edge: Some(126_000), grammar: false, ..ModelSettings::new(Sampling::GREEDY) };
    let options = EngineOptions {
        settings,
        provider: Provider::Cpu,
        threads,
        context_tokens_max: 4096,
        chunk_tokens_max: 512,
        conversations_max: 2,
        cache_bytes_max: 1 << 30,
        image_bytes_max: 1 << 28,
    };
    let cache = std::env::temp_dir().join("tapwright-bench");
    let opened = library.map_err(|error| error.to_string()).and_then(|found| {
        Local::open(&folder, &cache, &found.path, options, |_| ()).map_err(|error| error.to_string())
    });
    opened.map_err(|why| eprintln!("SKIPPED: {why}")).ok()
}

#[allow(clippy::disallowed_methods)] // A bench has no command line of its own.
fn set(name: &str) -> Option<PathBuf> {
    std::env::var(name).ok().map(PathBuf::from)
}

/// A screen that was never seen before, and one reply of history.
fn prompt(count: u32) -> Prompt {
    let size = Size { width: 540, height: 1200 };
    let value = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_add(count << 24) >> 24) as u8;
    let picture = Picture::new(size, (0..4 * 540 * 1200).map(value).collect::<Vec<u8>>()).expect("a picture");
    let turn = |role, text: &str| Turn { role, parts: vec![Part::Text(text.to_owned())] };
    let mut turns = vec![
        turn(Role::System, "You see a phone. Think shortly, then act, one action at a time."),
        turn(Role::User, &format!("Turn Wi-Fi on\n\n{{\"current_app\": \"Settings {count}\"}}")),
        turn(Role::Assistant, "<think>Open it.</think><answer>do(action=\"Tap\", element=[500,128])"),
        turn(Role::User, "** Screen Info **\n\n{\"current_app\": \"Settings\"}"),
    ];
    turns[3].parts.insert(0, Part::Picture(picture));
    Prompt { turns, tokens_max: 30, grammar: None }
}
