//! Looks whether a model computes what it should on this machine, and how fast: the engine beside the bare sessions that it
//! runs on, in turns, so that whatever else the machine does falls on both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::model::{ModelErrorKind, Part, Role, Turn};
use tapwright_contract::{Picture, Size};

use super::interrupt::Interrupt;
use super::pool::CacheStore as _;
use super::prepare::RotaryTables;
use super::prompt::{PromptSlot, TokenizedPrompt};
use super::providers::{self, Provider, ProviderChoice};
use super::runtime::{self, KvCache, RuntimeError};
use super::{Engine, EngineOptions, OpenError};
use crate::folder::{self, Progress};
use crate::request::{Grammar, Request};

/// What is known of a model on this machine. It is what `models doctor --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCheckup {
    pub folder: PathBuf,
    pub provider: String,
    /// Why that one, a sentence.
    pub why: String,
    pub library: PathBuf,
    pub library_version: String,
    /// What that library has, by name.
    pub providers: Vec<String>,
    /// Nodes that another provider than the picked one computed.
    pub fallbacks: Vec<Fallback>,
    pub checks: Vec<Check>,
    /// A token of an answer, the sampler and a grammar included.
    pub decode_ms_per_token: f64,
    /// The same graph, the same buffers, and nothing else.
    pub raw_decode_ms_per_token: f64,
    pub prefill_tokens_per_s: f64,
    pub raw_prefill_tokens_per_s: f64,
    /// One picture: made smaller, cut and encoded.
    pub vision_ms: f64,
    /// As that picture is seen, in tokens: columns, then rows.
    pub vision_tokens: [usize; 2],
    pub prefill_tokens: usize,
    /// Slots of the cache that were full while tokens were timed.
    pub decode_past: usize,
    pub threads: usize,
    /// What this process keeps in memory once the model is loaded and has answered, if the system says it.
    pub resident_mib: Option<u64>,
    pub load_ms: f64,
}

/// Operators that the picked provider left to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fallback {
    /// `vision` or `decoder`.
    pub graph: &'static str,
    pub operator: String,
    /// Who computed it, as ONNX Runtime calls it.
    pub provider: String,
    pub nodes: usize,
}

/// A look at the numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    pub what: &'static str,
    pub passed: bool,
    pub text: String,
}

/// What the doctor is told while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoctorStage {
    Building(Progress),
    /// A sentence.
    Doing(&'static str),
}

/// The picture that is looked at: small enough for a large model on a processor.
const PICTURE: Size = Size { width: 280, height: 560 };
/// Tokens of text around the picture in the check of the numbers.
const CHECKED: usize = 16;
/// As far as logits may differ between a prompt that is read at once and one that is read token by token, as a share of the
/// largest of them. Weights of 8 and 4 bits are multiplied with activations of 8 bits, by other kernels for one row than for
/// many: one percent was seen. With 32 bits it is rounding alone.
const TOLERANCE_FULL: f32 = 1e-3;
const TOLERANCE_LESS: f32 = 5e-2;

impl ModelCheckup {
    /// Whether all numbers were right.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

/// Examines a model's folder; one of Hugging Face's is built into `cache` first. Blocks, for as long as loading and some
/// hundred tokens take. `now` is a clock.
///
/// # Errors
/// `OpenError` when it cannot be opened, or stops computing.
pub fn examine(
    folder: &Path,
    cache: &Path,
    library: &Path,
    options: &EngineOptions,
    now: &dyn Fn() -> Duration,
    stage: &mut dyn FnMut(DoctorStage),
) -> Result<ModelCheckup, OpenError> {
    let built = if folder::is_built(folder) {
        folder.to_owned()
    } else {
        folder::build_into_cache(folder, cache, None, |progress| stage(DoctorStage::Building(progress)))?.folder
    };
    let environment = runtime::load(library)?;
    let providers = providers::available(&environment)?.iter().map(|provider| provider.to_string()).collect();

    stage(DoctorStage::Doing("loading the model"));
    let before = now();
    let mut engine = Engine::open(&built, library, options)?;
    let load_ms = ms(now() - before);
    let ProviderChoice { provider, why } = engine.picked.clone();

    stage(DoctorStage::Doing("checking the numbers"));
    let checks = check(&mut engine).map_err(open_error)?;
    stage(DoctorStage::Doing("measuring"));
    let speed = measure(&mut engine, now).map_err(open_error)?;
    let resident_mib = resident_mib();
    drop(engine);
    // Only now, so that one model is in memory at a time.
    let fallbacks = if provider == Provider::Cpu {
        Vec::new() // There is nobody to fall back to.
    } else {
        stage(DoctorStage::Doing("looking who computes what"));
        fallbacks(&built, library, options, provider)?
    };
    Ok(ModelCheckup {
        folder: built,
        provider: provider.to_string(),
        why,
        library: library.to_owned(),
        library_version: version(library),
        providers,
        fallbacks,
        checks,
        decode_ms_per_token: speed.decode,
        raw_decode_ms_per_token: speed.raw_decode,
        prefill_tokens_per_s: speed.prefill,
        raw_prefill_tokens_per_s: speed.raw_prefill,
        vision_ms: speed.vision,
        vision_tokens: speed.vision_tokens,
        prefill_tokens: speed.prefill_tokens,
        decode_past: speed.past,
        threads: options.threads,
        resident_mib,
        load_ms,
    })
}

/// Reads a prompt with a picture in it at once, in chunks and token by token, and compares what comes of it.
fn check(engine: &mut Engine) -> Result<Vec<Check>, ModelErrorKind> {
    let compiled = engine.preparer.tokenize(&[picture_turn(0)], None)?;
    let features = engine.encode_image(&compiled.images[0], &Interrupt::new()?)?;
    let (finite, size) = (features.iter().all(|number| number.is_finite()), features.len());
    let (rows, columns) = (compiled.images[0].rows, compiled.images[0].columns);
    let vision = Check {
        what: "vision",
        passed: finite,
        text: match finite {
            true => format!("{size} numbers of {columns}x{rows} tokens, all finite"),
            false => "the vision encoder returned non-finite features".to_owned(),
        },
    };
    // Of the picture a few tokens are enough: token by token takes long.
    let slots = excerpt(&compiled);
    let features = [Some(features)];
    let whole = logits(engine, &compiled, &slots, &features, slots.len())?;
    let chunks = logits(engine, &compiled, &slots, &features, slots.len().div_ceil(3))?;
    let single = logits(engine, &compiled, &slots, &features, 1)?;
    let tolerance = if engine.weights == folder::WeightFormat::Fp32 { TOLERANCE_FULL } else { TOLERANCE_LESS };
    let finite = whole.iter().chain(&single).all(|number| number.is_finite());
    let mut checks = vec![
        vision,
        Check {
            what: "logits",
            passed: finite,
            text: match finite {
                true => format!("{} numbers, all finite", whole.len()),
                false => "the decoder returned non-finite logits".to_owned(),
            },
        },
    ];
    for (what, other) in [("in chunks", chunks), ("token by token", single)] {
        let (difference, same, rows) = compare(&whole, &other, engine.preparer.family.spec().text.vocabulary as usize);
        checks.push(Check {
            what,
            passed: difference <= tolerance,
            text: format!(
                "as at once to {difference:.1e} of the largest ({tolerance:.0e} are allowed); the same likeliest token in {same} of {rows}"
            ),
        });
    }
    Ok(checks)
}

/// The largest difference as a share of the largest number, and how many rows have the same largest.
fn compare(one: &[f32], other: &[f32], width: usize) -> (f32, usize, usize) {
    let largest = one.iter().fold(0.0_f32, |most, number| most.max(number.abs())).max(f32::MIN_POSITIVE);
    let difference = one.iter().zip(other).fold(0.0_f32, |most, (a, b)| {
        let apart = (a - b).abs();
        if apart.is_nan() { f32::INFINITY } else { most.max(apart) }
    });
    let likeliest = |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at);
    let rows = one.chunks(width).zip(other.chunks(width));
    let same = rows.filter(|(a, b)| likeliest(a) == likeliest(b)).count();
    (difference / largest, same, one.len() / width)
}

/// The last words before the picture, its first tokens, and the first words behind it.
fn excerpt(compiled: &TokenizedPrompt) -> Vec<PromptSlot> {
    let is_patch = |slot: &&PromptSlot| matches!(slot, PromptSlot::Patch { .. });
    let words = || compiled.slots.iter().filter(|slot| !is_patch(slot)).copied();
    let patches = compiled.slots.iter().filter(is_patch).copied().take(CHECKED);
    words().take(CHECKED).chain(patches).chain(words().skip(CHECKED).take(CHECKED)).collect()
}

/// The logits of all slots, `at_once` of them at a time, in a cache of their own.
fn logits(
    engine: &mut Engine,
    compiled: &TokenizedPrompt,
    slots: &[PromptSlot],
    features: &[Option<Rc<[f32]>>],
    at_once: usize,
) -> Result<Vec<f32>, ModelErrorKind> {
    let interrupt = Interrupt::new()?;
    let mut cache = fresh(engine, compiled, slots.len())?;
    let mut all = Vec::new();
    for (n, chunk) in slots.chunks(at_once).enumerate() {
        let rows: Vec<i64> = (0..chunk.len() as i64).collect();
        let embeds = engine.embed(chunk, features)?;
        all.extend(engine.decoder.run(&mut cache, embeds, n * at_once, &rows, interrupt.options())?);
    }
    Ok(all)
}

/// A cache with room for so many slots, rotated as the prompt's are.
pub(super) fn fresh(engine: &Engine, compiled: &TokenizedPrompt, room: usize) -> Result<KvCache, RuntimeError> {
    let mut cache = engine.decoder.create()?;
    engine.decoder.resize(&mut cache, engine.decoder.capacity_for(room), 0)?;
    let tables = RotaryTables::new(&*engine.preparer.family, compiled, 0..room);
    engine.decoder.bind_rotary_tables(&mut cache, &tables)?;
    Ok(cache)
}

struct Speed {
    decode: f64,
    raw_decode: f64,
    prefill: f64,
    raw_prefill: f64,
    vision: f64,
    vision_tokens: [usize; 2],
    prefill_tokens: usize,
    past: usize,
}

fn measure(engine: &mut Engine, now: &dyn Fn() -> Duration) -> Result<Speed, ModelErrorKind> {
    let interrupt = Interrupt::new()?;
    // One token, to know how much of the rest can be afforded.
    let trial = engine.preparer.tokenize(&[question_turn(0, 8)], None)?;
    let mut cache = fresh(engine, &trial, trial.slots.len() + 1)?;
    let embeds = engine.embed(&trial.slots[..1], &[])?;
    engine.decoder.run(&mut cache, embeds.clone(), 0, &[0], interrupt.options())?;
    let before = now();
    engine.decoder.run(&mut cache, embeds, 1, &[0], interrupt.options())?;
    let slow = now() - before > Duration::from_millis(100);
    let (length, tokens, rounds) = if slow { (32, 4, 3) } else { (256, 24, 7) };
    let words = length / trial.slots.len().div_ceil(9); // A word has several tokens for small tokenizers.
    drop(cache);

    let (mut decode, mut raw_decode, mut prefill, mut raw_prefill, mut vision) =
        (vec![], vec![], vec![], vec![], vec![]);
    let (mut prefill_tokens, mut past, mut vision_tokens) = (0, 0, [0, 0]);
    // The first round warms up and is not counted.
    for round in 0..=rounds {
        let turn = question_turn(round, words);
        let compiled = engine.preparer.tokenize(std::slice::from_ref(&turn), None)?;
        let length = compiled.slots.len();
        (prefill_tokens, past) = (length, length + tokens / 2);

        // The bare sessions.
        let mut cache = fresh(engine, &compiled, length + tokens + 1)?;
        let before = now();
        for (n, chunk) in compiled.slots.chunks(engine.chunk).enumerate() {
            let rows: &[i64] = if (n + 1) * engine.chunk >= length { &[chunk.len() as i64 - 1] } else { &[] };
            let embeds = engine.embed(chunk, &[])?;
            engine.decoder.run(&mut cache, embeds, n * engine.chunk, rows, interrupt.options())?;
        }
        let raw_prefill_s = (now() - before).as_secs_f64();
        let embeds = engine.embed(&compiled.slots[..1], &[])?;
        let raw = engine.decoder.bare(&mut cache, embeds, past, tokens, now)?;
        drop(cache);

        // The engine on the same prompt, with a grammar that allows anything but an end.
        let request = Request {
            tokens_max: Some(tokens as u32 + 1),
            grammar: Some(Grammar::Lark("start: /(.|\\n){4000}/".to_owned())),
            ..Request::greedy(vec![turn])
        };
        let (engine_prefill, each) = time_answer(engine, request, now)?;

        // A picture that was not seen before.
        let image = engine.preparer.layout_image(&picture(round as u8 + 1));
        let image = image.map_err(|unfit| super::fatal(unfit.to_string()))?;
        vision_tokens = [image.columns, image.rows];
        let before = now();
        engine.encode_image(&image, &interrupt)?;
        let vision_s = (now() - before).as_secs_f64();
        if round > 0 {
            raw_decode.extend(raw.iter().copied().map(ms));
            decode.extend(each.iter().copied().map(ms));
            raw_prefill.push(length as f64 / raw_prefill_s);
            prefill.push(length as f64 / engine_prefill.as_secs_f64());
            vision.push(1000.0 * vision_s);
        }
    }
    Ok(Speed {
        decode: median(decode),
        raw_decode: median(raw_decode),
        prefill: median(prefill),
        raw_prefill: median(raw_prefill),
        vision: median(vision),
        vision_tokens,
        prefill_tokens,
        past,
    })
}

/// How long the engine takes to read a prompt, and for each token of its answer.
fn time_answer(
    engine: &mut Engine,
    request: Request,
    now: &dyn Fn() -> Duration,
) -> Result<(Duration, Vec<Duration>), ModelErrorKind> {
    let before = now();
    let mut answer = engine.begin_alone(request)?;
    let read = loop {
        engine.step(&mut answer)?;
        if answer.logits.is_some() {
            break now() - before;
        }
    };
    let mut each = Vec::new();
    loop {
        let before = now();
        let over = engine.step(&mut answer)?.end.is_some();
        if over {
            engine.release(answer.conversation, true);
            return Ok((read, each)); // After the last token nothing is computed, so that one is no token's time.
        }
        each.push(now() - before);
    }
}

/// Which operators the provider left to others, by ONNX Runtime's own record of one run of each graph.
fn fallbacks(
    built: &Path,
    library: &Path,
    options: &EngineOptions,
    provider: Provider,
) -> Result<Vec<Fallback>, OpenError> {
    let records = Records::new().map_err(|why| OpenError::Runtime { why })?;
    let recorded = EngineOptions { provider, ..options.clone() };
    let mut engine = Engine::open_recorded(built, library, &recorded, Some(&records.0))?;
    let compiled = engine.preparer.tokenize(&[picture_turn(0)], None).map_err(open_error)?;
    let features = [Some(engine.encode_image(&compiled.images[0], &Interrupt::new()?).map_err(open_error)?)];
    let slots = excerpt(&compiled);
    logits(&mut engine, &compiled, &slots, &features, slots.len()).map_err(open_error)?;
    let files = [("vision", engine.encoder.end_record()?), ("decoder", engine.decoder.end_record()?)];
    let mut found = Vec::new();
    for (graph, file) in files {
        let text = std::fs::read_to_string(&file);
        let text = text.map_err(|error| OpenError::Runtime { why: format!("{file}: {error}") })?;
        found.extend(others(graph, &text, provider).map_err(|why| OpenError::Runtime { why })?);
    }
    Ok(found)
}

/// A folder for records, which goes away.
struct Records(PathBuf);

impl Records {
    fn new() -> Result<Records, String> {
        let folder = std::env::temp_dir().join(format!("tapwright-records-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Records(folder))
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The nodes in a record that another provider computed.
fn others(graph: &'static str, record: &str, provider: Provider) -> Result<Vec<Fallback>, String> {
    #[derive(Deserialize)]
    struct Event {
        cat: Option<String>,
        name: Option<String>,
        #[serde(default)]
        args: Option<Arguments>,
    }
    #[derive(Default, Deserialize)]
    struct Arguments {
        op_name: Option<String>,
        provider: Option<String>,
    }
    let events: Vec<Event> =
        serde_json::from_str(record).map_err(|error| format!("ONNX Runtime's record of a run: {error}"))?;
    let mut counts: BTreeMap<(String, String), std::collections::BTreeSet<String>> = BTreeMap::new();
    for event in events.into_iter().filter(|event| event.cat.as_deref() == Some("Node")) {
        let Arguments { op_name: Some(operator), provider: Some(by) } = event.args.unwrap_or_default() else {
            continue;
        };
        if Some(by.as_str()) != provider.runtime_name() {
            counts.entry((operator, by)).or_default().insert(event.name.unwrap_or_default());
        }
    }
    let counts = counts.into_iter();
    Ok(counts.map(|((operator, provider), names)| Fallback { graph, operator, provider, nodes: names.len() }).collect())
}

/// A question in so many words; another one for each number, from its first word on.
pub(super) fn question_turn(number: usize, words: usize) -> Turn {
    let text: String = (0..words).map(|n| format!("{} ", (number * 7919 + n * 31) % 977)).collect();
    Turn { role: Role::User, parts: vec![Part::Text(format!("{number} {}", text.trim_end()))] }
}

fn picture_turn(number: u8) -> Turn {
    let words = question_turn(0, 2 * CHECKED).parts;
    Turn { role: Role::User, parts: std::iter::once(Part::Picture(picture(number))).chain(words).collect() }
}

/// Stripes and a slope: something to see, and another one for each number.
pub(super) fn picture(number: u8) -> Picture {
    let Size { width, height } = PICTURE;
    let pixel = |x: u32, y: u32| {
        let stripe = if (x / 20 + y / 30 + u32::from(number)).is_multiple_of(2) { 230 } else { 40 };
        [stripe, (255 * x / width) as u8, (255 * y / height) as u8 ^ number, 255]
    };
    let rgba: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Picture::new(PICTURE, rgba).expect("it has four bytes a pixel")
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn ms(time: Duration) -> f64 {
    1000.0 * time.as_secs_f64()
}

/// `VmRSS`, where there is a `/proc`.
fn resident_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

/// In the library's name, as releases are called; else as far as the library says it.
fn version(library: &Path) -> String {
    let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let numbers = name.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let numbers = numbers.map(|part| part.trim_matches('.')).find(|part| part.matches('.').count() == 2);
    match numbers {
        Some(numbers) => numbers.to_owned(),
        None => runtime::minor(library).map_or("unknown".to_owned(), |minor| format!("1.{minor}")),
    }
}

fn open_error(kind: ModelErrorKind) -> OpenError {
    OpenError::Runtime { why: kind.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_computed_is_counted() {
        let record = r#"[
            {"cat":"Session","name":"model_run"},
            {"cat":"Node","name":"a_kernel_time","args":{"op_name":"MatMul","provider":"CUDAExecutionProvider"}},
            {"cat":"Node","name":"b_kernel_time","args":{"op_name":"Gather","provider":"CPUExecutionProvider"}},
            {"cat":"Node","name":"c_kernel_time","args":{"op_name":"Gather","provider":"CPUExecutionProvider"}},
            {"cat":"Node","name":"c_kernel_time","args":{"op_name":"Gather","provider":"CPUExecutionProvider"}},
            {"cat":"Node","name":"d_fence_before","args":{"op_name":"Gather"}}]"#;
        let found = others("decoder", record, Provider::Cuda).unwrap();
        let (operator, provider) = ("Gather".to_owned(), "CPUExecutionProvider".to_owned());
        assert_eq!(found, [Fallback { graph: "decoder", operator, provider, nodes: 2 }]);
        assert_eq!(others("decoder", record, Provider::Cpu).unwrap()[0].operator, "MatMul");
        assert!(others("decoder", "x", Provider::Cpu).is_err());
    }

    /// A random checkpoint through all of it; the processor computes everything, so against another name everything fell back.
    #[test]
    fn a_model_is_examined() {
        use super::super::goldens;
        use crate::checkpoint::Precision;

        let Some(library) = crate::library::for_tests() else { return };
        let folder = goldens::checkpoint(&goldens::goldens(), "tied", Precision::F32, 1);
        let cache = tempfile::tempdir().unwrap();
        let mut time = Duration::ZERO;
        let clock = std::cell::RefCell::new(&mut time);
        let now = || {
            **clock.borrow_mut() += Duration::from_millis(1);
            **clock.borrow()
        };
        let options = goldens::options(64);
        let mut stages = 0;
        let found = examine(folder.path(), cache.path(), &library, &options, &now, &mut |_| stages += 1).unwrap();
        assert!(found.is_well(), "{:?}", found.checks);
        assert_eq!((found.provider.as_str(), found.fallbacks.len()), ("cpu", 0));
        assert_eq!(found.checks.len(), 4);
        // The clock goes on by a millisecond a look.
        assert_eq!((found.decode_ms_per_token, found.raw_decode_ms_per_token, found.vision_ms), (1.0, 1.0, 1.0));
        assert!(found.prefill_tokens > 100 && stages > 3, "{found:?}");
        let fell = fallbacks(&found.folder, &library, &options, Provider::Cpu).unwrap();
        assert_eq!(fell, [], "the record of the processor names the processor");
    }

    #[test]
    fn differences_are_seen() {
        assert_eq!(compare(&[1.0, 2.0, 4.0, 0.0], &[1.0, 2.0, 4.0, 1.0], 2), (0.25, 2, 2));
        assert_eq!(compare(&[1.0, 2.0], &[2.0, f32::NAN], 2).0, f32::INFINITY);
    }

    #[test]
    fn versions_are_in_names() {
        assert_eq!(version(Path::new("/x/libonnxruntime.so.1.31.1")), "1.31.1");
        assert_eq!(version(Path::new("/x/libonnxruntime.1.31.1.dylib")), "1.31.1");
        assert_eq!(version(Path::new("/none/onnxruntime.dll")), "unknown");
    }
}
