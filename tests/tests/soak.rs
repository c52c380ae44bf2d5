//! A server that everybody does their worst to: values, grammars, pictures and sizes by a seed, eight at once, some of whom leave.
//! Afterwards it answers as it did before, has opened its engine once, and holds no more memory than it may.
//!
//! `TAPWRIGHT_SOAK=10000` says how many requests; a few hundred without it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tapwright_models::Local;
use tapwright_models::server::ServerLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

mod common;
#[path = "common/serving.rs"]
mod serving;

/// One number draws a request (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// What a request is made of; each kind comes about as often.
const KINDS: [&str; 7] = ["sampling", "grammar", "picture", "size", "tools", "nonsense", "leaves"];

fn hostile(dice: &mut Dice, kind: &str) -> Value {
    let mut body =
        json!({"messages": [{"role": "user", "content": "Turn Wi-Fi on"}], "max_tokens": 1 + dice.below(12)});
    let fields = body.as_object_mut().expect("an object");
    match kind {
        "sampling" => {
            let values = [
                0.0, -0.0, 1e-45, 1e-40, 1.4e-45, 1e-300, 0.009, 0.01, 0.011, 0.5, 1.0, 1.999, 2.0, 2.1, 99.0, 1e30,
                1e39, -1.0, -2.0,
            ];
            for name in [
                "temperature",
                "top_p",
                "min_p",
                "repetition_penalty",
                "presence_penalty",
                "frequency_penalty",
                "top_k",
                "seed",
            ] {
                if dice.below(2) == 0 {
                    let value = dice.one(&values);
                    let value = if dice.below(5) == 0 { json!(value.to_string()) } else { json!(value) };
                    fields.insert(name.to_owned(), value);
                }
            }
            // Half of them within the ranges, so that the engine sees them.
            if dice.below(2) == 0 {
                fields.insert("temperature".to_owned(), json!(dice.one(&[0.0, 1e-40, 1e-6, 1.0, 100.0])));
                fields.insert("repetition_penalty".to_owned(), json!(dice.one(&[0.01, 0.02, 1.0, 2.0])));
                fields.insert("top_p".to_owned(), json!(dice.one(&[1e-38, 1e-6, 0.5, 1.0])));
                fields.insert("min_p".to_owned(), json!(dice.one(&[0.0, 1e-40, 0.5, 1.0])));
                fields.insert("frequency_penalty".to_owned(), json!(dice.one(&[-2.0, 0.0, 2.0])));
                fields.insert("presence_penalty".to_owned(), json!(dice.one(&[-2.0, 0.0, 2.0])));
                fields.insert("top_k".to_owned(), json!(dice.one(&[-1, 0, 1, 2, 4_294_967_295_i64])));
                fields.remove("seed");
            }
        }
        "grammar" => {
            let depth = 1 + dice.below(400);
            let deep = (0..depth).fold(json!({"type": "integer"}), |inner, _| json!({"type": "array", "items": inner}));
            let wide: Vec<String> = (0..1 + dice.below(900)).map(|at| format!("choice {at} of many")).collect();
            let grammars = [
                json!({"guided_regex": "(a{1000}){1000}"}),
                json!({"guided_regex": format!("(a|b){{{}}}", 1 + dice.below(100_000))}),
                json!({"guided_regex": "(.*.*.*.*.*)*x"}),
                json!({"guided_regex": "[0-9]{3}(foo|bar)?"}),
                json!({"guided_regex": "("}),
                json!({"guided_json": deep}),
                json!({"guided_json": {"type": "array", "items": {"type": "string"}, "minItems": dice.below(4_000_000)}}),
                json!({"guided_json": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}}),
                json!({"guided_json": {"type": "string", "pattern": "^(x{2000}){2000}$"}}),
                json!({"guided_json": {"not": {}}}),
                json!({"guided_json": true}),
                json!({"guided_choice": wide}),
                json!({"guided_grammar": format!("start: {}", "a b ".repeat(1 + dice.below(3000)))}),
                json!({"guided_grammar": "start: start start | \"a\""}),
                json!({"guided_grammar": "start: <think> /(.|\\n)*/ </think>"}),
                json!({"guided_grammar": "start: \"a\"{1000000}"}),
                json!({"response_format": {"type": "json_object"}}),
            ];
            fields.extend(dice.one(&grammars).as_object().expect("an object").clone());
        }
        "picture" => {
            let (width, height) = dice.one(&[
                (2, 2),
                (1, 9),
                (2, 4000),
                (4000, 2),
                (28, 28),
                (540, 1200),
                (300, 1),
                (201, 1),
                (60_000, 60_000),
                (97, 131),
            ]);
            let mut file = bmp(width, height, dice);
            match dice.below(6) {
                0 => file.truncate(dice.below(file.len())),
                1 => file.iter_mut().skip(dice.below(60)).take(8).for_each(|byte| *byte = 0xff),
                2 => file = (0..dice.below(300)).map(|_| dice.next() as u8).collect(),
                _ => {}
            }
            let url = format!("data:image/png;base64,{}", base64(&file));
            let picture = json!({"type": "image_url", "image_url": {"url": url}});
            let content = vec![picture; 1 + dice.below(3)];
            fields.insert("messages".to_owned(), json!([{"role": dice.one(&["user", "system"]), "content": content}]));
        }
        "size" => {
            let text = dice.one(&["a b ", "é🙂", "<|user|>", "\u{0}", "word "]);
            let text = text.repeat(dice.one(&[0, 1, 50, 500, 2000, 80_000]));
            let count = dice.one(&[1, 1, 2, 40, 5000]);
            let message = json!({"role": "user", "content": text});
            fields.insert("messages".to_owned(), json!(vec![message; if text.len() > 5000 { 1 } else { count }]));
            fields.insert(
                "max_tokens".to_owned(),
                dice.one(&[json!(1), json!(9), json!(1_000_000), json!("7"), json!(null)]),
            );
            fields.insert("n".to_owned(), dice.one(&[json!(1), json!(3), json!(9)]));
            fields
                .insert("stop".to_owned(), dice.one(&[json!("off"), json!(["a", "</answer>"]), json!(vec!["x"; 65])]));
            // An answer that fills the context would be all that happens.
            if fields["max_tokens"].is_null() || fields["max_tokens"] == 1_000_000 {
                fields.insert("stop".to_owned(), json!(["a", "e", "i", "o", "\n", ">"]));
            }
        }
        "tools" => {
            let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"x": {"enum": [1, 2]}}, "required": ["x"]}}});
            let other = json!({"type": "function", "function": {"name": "g", "parameters": {"type": "object"}}});
            fields.insert(
                "tools".to_owned(),
                dice.one(&[json!([tool]), json!([tool, other]), json!([tool, tool]), json!([])]),
            );
            let named = json!({"type": "function", "function": {"name": "f"}});
            fields.insert(
                "tool_choice".to_owned(),
                dice.one(&[named, json!("required"), json!("auto"), json!("none"), json!(7)]),
            );
            fields.insert("stream".to_owned(), json!(dice.below(2) == 0));
        }
        "nonsense" => {
            let value = dice.one(&[json!(null), json!([]), json!({}), json!(-1), json!("\u{feff}"), json!([[[[]]]])]);
            let name = dice.one(&[
                "messages",
                "model",
                "stop",
                "stream",
                "response_format",
                "structured_outputs",
                "tools",
                "logprobs",
            ]);
            fields.insert(name.to_owned(), value);
        }
        _ => {
            fields.insert("stream".to_owned(), json!(dice.below(2) == 0));
            fields.insert("max_tokens".to_owned(), json!(400));
        }
    }
    body
}

/// A picture that says it is so large; more than a megabyte of it is not there.
fn bmp(width: u32, height: u32, dice: &mut Dice) -> Vec<u8> {
    let mut file = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    file.extend_from_slice(b"\x01\0\x18\0");
    file.extend_from_slice(&[0; 24]);
    let bytes = (u64::from(width) * 3).next_multiple_of(4) * u64::from(height);
    let shade = dice.next() as u8;
    file.extend((0..bytes.min(1 << 21)).map(|at| (at / 97) as u8 ^ shade));
    file
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |part: &[u8]| {
        let whole = part.iter().fold(0_u32, |whole, &byte| whole << 8 | u32::from(byte)) << (8 * (3 - part.len()));
        (0..=part.len()).map(|at| char::from(SIGNS[(whole >> (18 - 6 * at)) as usize & 63])).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

async fn ask(at: SocketAddr, body: &Value, leave_after: Option<Duration>) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(at).await.expect("it listens");
    let body = body.to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {at}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let within = leave_after.unwrap_or(Duration::from_secs(300));
    match tokio::time::timeout(within, read).await {
        Ok(read) => drop(read.expect("it can be read")),
        Err(_) if leave_after.is_some() => return None,
        Err(_) => panic!("no answer in time: {}", &body[..body.len().min(400)]),
    }
    let answer = String::from_utf8(answer).expect("text");
    let status =
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"));
    Some((status, answer))
}

/// Of this process: the server and its clients.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// How many arenas glibc's allocator has made.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn arena_count() -> usize {
    use std::ffi::{c_char, c_int, c_void};
    unsafe extern "C" {
        fn open_memstream(text: *mut *mut c_char, length: *mut usize) -> *mut c_void;
        fn malloc_info(options: c_int, stream: *mut c_void) -> c_int;
        fn fclose(stream: *mut c_void) -> c_int;
        fn free(what: *mut c_void);
    }
    let (mut text, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: the stream is closed before its text is read, and the text is freed once, after that.
    unsafe {
        let stream = open_memstream(&raw mut text, &raw mut length);
        assert!(!stream.is_null() && malloc_info(0, stream) == 0 && fclose(stream) == 0);
        let told = String::from_utf8_lossy(std::slice::from_raw_parts(text.cast::<u8>(), length)).into_owned();
        free(text.cast());
        told.matches("<heap nr=").count()
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn arena_count() -> usize {
    0
}

async fn good(at: SocketAddr) -> Value {
    let body = json!({"messages": [{"role": "user", "content": "Turn Wi-Fi on"}], "max_tokens": 20, "temperature": 0});
    let (status, answer) = ask(at, &body, None).await.expect("it is answered");
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    answer["choices"][0].clone()
}

#[test]
fn a_server_that_everybody_does_their_worst_to_answers_as_before() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let Some(library) = runtime.block_on(common::library()) else { return };
    #[allow(clippy::disallowed_methods)] // A test has no command line.
    let count = std::env::var("TAPWRIGHT_SOAK").ok().and_then(|count| count.parse().ok()).unwrap_or(210_usize);
    let cache = tempfile::tempdir().expect("a folder");
    let mut options = common::options();
    options.cache_bytes_max = 32 << 20;
    options.settings.longest_edge = Some(126_000);
    let (cache_bytes_max, image_bytes_max) = (options.cache_bytes_max, options.image_bytes_max);
    let mini = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mini");
    let arenas_before = arena_count();
    let local = Local::open(&mini, cache.path(), &library, options, |_| ()).expect("it opens");

    runtime.block_on(async {
        let limits = ServerLimits { queue: 16, ..ServerLimits::USUAL };
        let at = serving::serve(local.clone(), "mini", limits).await;
        let before = good(at).await;
        let resident_before = resident_mib();

        let mut census: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut asking = JoinSet::new();
        let (mut asked, mut ended_count, mut cache_most) = (0, 0, 0);
        while asked < count || !asking.is_empty() {
            while asked < count && asking.len() < 8 {
                let mut dice = Dice(asked as u64);
                let kind = KINDS[asked % KINDS.len()];
                let body = hostile(&mut dice, kind);
                let leaves = (kind == "leaves").then(|| Duration::from_millis(dice.below(120) as u64));
                asking.spawn(async move { (kind, ask(at, &body, leaves).await, body) });
                asked += 1;
            }
            let (kind, answer, body) = asking.join_next().await.expect("somebody asks").expect("it does not panic");
            let ended = match answer {
                None => "left".to_owned(),
                Some((status, text)) => {
                    let fine = matches!(status, 200 | 400 | 404 | 413 | 429);
                    assert!(fine, "{kind}: {text}\n{}", &body.to_string()[..body.to_string().len().min(400)]);
                    // A stream says what went wrong within it.
                    assert!(!text.contains("server_error"), "{kind}: {text}");
                    status.to_string()
                }
            };
            *census.entry((kind.to_owned(), ended)).or_default() += 1;
            cache_most = cache_most.max(local.health().cache_bytes);
            ended_count += 1;
            if ended_count % 500 == 0 {
                println!("{ended_count} requests: {} MiB resident", resident_mib());
            }
        }

        assert_eq!(good(at).await, before, "it answers as before");
        // Those that left last may be noticed a moment later, and what was large is given back then. What may be kept is kept, and
        // ONNX Runtime and the allocator keep something of their own.
        let resident_max = resident_before + ((cache_bytes_max + image_bytes_max) >> 20) as u64 + 300;
        for _ in 0..1000 {
            if local.health().answering == 0 && resident_mib() <= resident_max {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (health, resident) = (local.health(), resident_mib());
        for ((kind, ended), times) in &census {
            println!("{kind:9} {ended:4} {times}");
        }
        println!(
            "{count} requests; resident {resident_before} MiB before, {resident} MiB after; caches at most {} of {} MiB; {} steps, {} faults, {} restarts",
            cache_most >> 20,
            cache_bytes_max >> 20,
            health.steps,
            health.faults,
            health.restarts
        );
        assert_eq!((health.faults, health.restarts, health.answering), (0, 0, 0));
        assert!(cache_most > 0 && cache_most <= cache_bytes_max as u64, "{cache_most} bytes of caches");
        // What holds the bound with any number of requests: threads share two arenas, and each keeps what was once free in it.
        let arenas = arena_count();
        assert!(arenas <= arenas_before.max(2), "{arenas} arenas, and {arenas_before} before the engine was opened");
        assert!(resident <= resident_max, "{resident_before} MiB before, {resident} after, and {resident_max} are the most");
        // Green means nothing unless all of it did happen.
        let times = |kind: &str, ended: &str| census.get(&(kind.to_owned(), ended.to_owned())).copied().unwrap_or(0);
        for (kind, ended) in [
            ("sampling", "200"),
            ("sampling", "400"),
            ("grammar", "200"),
            ("grammar", "400"),
            ("picture", "200"),
            ("picture", "400"),
            ("size", "200"),
            ("size", "400"),
            ("tools", "200"),
            ("tools", "400"),
            ("leaves", "left"),
        ] {
            assert!(times(kind, ended) > 0, "no {kind} ended with {ended}");
        }
    });
}
