//! The engine against the reference: tiny checkpoints of each architecture, drawn here as `goldens/make.py` draws them, and
//! what transformers computed with them.
//!
//! These need ONNX Runtime's library, and say so when they find none. The numbers must agree however the checkpoint writes its
//! weights, in whatever chunks the prompt is read, and whatever lies in the cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;
use tapwright_contract::model::{Part, Role, Turn};
use tapwright_contract::{Picture, Size};

use super::pool::CacheStore as _;
use super::prepare::RotaryTables;
use super::prompt::{PreparedImage, TokenizedPrompt};
use super::*;
use crate::architecture;
use crate::checkpoint::Precision;
use crate::folder::Build;
use crate::request::Request;
use crate::settings::{ModelSettings, Sampling};

/// Sums of a few hundred products of 32-bit numbers, in another order than the reference's.
const FEATURES: f32 = 1e-5;
/// The same over all layers; logits go up to about 3.
const LOGITS: f32 = 1e-4;

#[derive(Deserialize)]
pub(crate) struct Goldens {
    variants: BTreeMap<String, Variant>,
    pub(crate) cases: Vec<GoldenCase>,
    chats: Vec<Chat>,
    decoded: Vec<(Vec<u32>, String)>,
}

/// A checkpoint; its `config.json` is a file of its own.
#[derive(Deserialize)]
struct Variant {
    architecture: String,
    shapes: BTreeMap<String, Vec<usize>>,
    /// The file of its image processor, as the reference saves it, or nothing where that has the limits of its class.
    processor: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(crate) struct GoldenCase {
    pub(crate) variant: String,
    pictures: Vec<(String, u32, u32)>,
    grids: Vec<[usize; 3]>,
    /// Each picture's mark as often as it has tokens.
    ids: Vec<u32>,
    /// The tokens of pictures whose features are written down.
    seen: Vec<usize>,
    /// The tokens of the prompt whose logits are.
    pub(crate) rows: Vec<i64>,
    answer: Vec<u32>,
}

#[derive(Deserialize)]
struct Chat {
    turns: Vec<GoldenMessage>,
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct GoldenMessage {
    role: Role,
    content: GoldenContent,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum GoldenContent {
    Text(String),
    Items(Vec<GoldenItem>),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum GoldenItem {
    Image,
    Text { text: String },
}

pub(crate) fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

pub(crate) fn goldens() -> Goldens {
    serde_json::from_slice(&std::fs::read(here().join("cases.json")).unwrap()).unwrap()
}

/// The twin of `weight` in goldens/make.py.
pub(crate) fn weight(name: &str, shape: &[usize]) -> Vec<f32> {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325, fnv);
    let count: usize = shape.iter().product();
    let norm = shape.len() == 1 && name.contains("norm") && !name.ends_with("bias");
    let fan_in = shape[1..].iter().product::<usize>() as f64;
    let scale = (-(106.0 * fan_in.sqrt()).log2().round()).exp2() as f32;
    let number = |index: u64| {
        let mut mixed = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let byte = ((mixed ^ (mixed >> 31)) >> 56) as i32;
        match shape.len() {
            1 if norm => (96 + byte / 4) as f32 / 128.0,
            1 => (byte - 128) as f32 / 1024.0,
            _ => (byte - 128) as f32 * scale,
        }
    };
    (0..count as u64).map(number).collect()
}

/// The twin of `draw` in goldens/make.py.
pub(crate) fn draw(kind: &str, width: u32, height: u32) -> Picture {
    let scatter = |value: u64| (((value * 2_654_435_761) & 0xFFFF_FFFF) >> 24) as u8;
    let (wide, tall) = (u64::from(width), u64::from(height));
    let mut rgba = Vec::new();
    for y in 0..tall {
        for x in 0..wide {
            for c in 0..3 {
                let flat = scatter(y / 23 * 64 + x / 37 + c * 7919);
                let stroke = (x * 7 + y * 3) % 11 < 2 && y / 23 % 2 == 0;
                rgba.push(match kind {
                    "noise" => scatter((y * wide + x) * 3 + c),
                    _ if stroke => 255 - flat,
                    _ => flat,
                });
            }
            rgba.push(7); // Whatever stands here is ignored.
        }
    }
    Picture::new(Size { width, height }, rgba).unwrap()
}

/// A folder as Hugging Face would have it, with the weights written in that precision, in so many shards.
pub(crate) fn checkpoint(goldens: &Goldens, variant: &str, precision: Precision, shards: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| std::fs::copy(here().join(from), folder.path().join(to)).unwrap();
    copy(&format!("{variant}.config.json"), "config.json");
    copy("tokenizer.json", "tokenizer.json");
    copy("chat_template.jinja", "chat_template.jinja");
    let variant = &goldens.variants[variant];
    if let Some(processor) = &variant.processor {
        // Either file may hold it; the reference's later versions write the second.
        let (name, text) = match variant.architecture.as_str() {
            "glm4v" => ("preprocessor_config.json", processor.to_string()),
            _ => ("processor_config.json", serde_json::json!({ "image_processor": processor }).to_string()),
        };
        std::fs::write(folder.path().join(name), text).unwrap();
    }

    let mut files = vec![Vec::new(); shards];
    let mut index = BTreeMap::new();
    for (at, (name, shape)) in variant.shapes.iter().enumerate() {
        let numbers = weight(name, shape);
        let bytes: Vec<u8> = match precision {
            Precision::F32 => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            Precision::F16 => numbers.iter().flat_map(|&number| half::f16::from_f32(number).to_le_bytes()).collect(),
            Precision::Bf16 => numbers.iter().flat_map(|&number| half::bf16::from_f32(number).to_le_bytes()).collect(),
        };
        let shard = at % shards;
        index.insert(name.clone(), format!("model-{:05}-of-{shards:05}.safetensors", shard + 1));
        files[shard].push((name.clone(), shape.clone(), bytes));
    }
    let dtype = match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
        Precision::Bf16 => Dtype::BF16,
    };
    for (shard, tensors) in files.iter().enumerate() {
        let view = |shape: &Vec<usize>, bytes| TensorView::new(dtype, shape.clone(), bytes).unwrap();
        let tensors = tensors.iter().map(|(name, shape, bytes)| (name, view(shape, bytes)));
        let name = match shards {
            1 => "model.safetensors".to_owned(),
            _ => format!("model-{:05}-of-{shards:05}.safetensors", shard + 1),
        };
        safetensors::serialize_to_file(tensors, None, &folder.path().join(name)).unwrap();
    }
    if shards > 1 {
        let index = serde_json::json!({ "metadata": {}, "weight_map": index });
        std::fs::write(folder.path().join("model.safetensors.index.json"), index.to_string()).unwrap();
    }
    folder
}

pub(crate) fn options(chunk_tokens_max: u32) -> EngineOptions {
    let settings = ModelSettings::new(Sampling::GREEDY);
    EngineOptions {
        settings,
        provider: Provider::Cpu,
        threads: 1,
        context_tokens_max: 2048,
        chunk_tokens_max,
        conversations_max: 4,
        cache_bytes_max: 64 << 20,
        image_bytes_max: 64 << 20,
    }
}

/// The engine over a freshly built folder; `None`, and a word about it, without ONNX Runtime.
pub(crate) fn engine(at: &Path, options: &EngineOptions) -> Option<Engine> {
    engine_of(at, &Build::FP32, options)
}

/// As `engine`, in other numbers.
pub(crate) fn engine_of(at: &Path, build: &Build, options: &EngineOptions) -> Option<Engine> {
    let library = crate::library::for_tests()?;
    let built = folder::build(at, &at.join("built"), build, |_| ()).unwrap();
    Some(Engine::open(&built.folder, &library, options).unwrap())
}

pub(crate) fn compile_case(engine: &Engine, case: &GoldenCase) -> TokenizedPrompt {
    let seen: Vec<PreparedImage> = case
        .pictures
        .iter()
        .map(|(kind, width, height)| engine.preparer.layout_image(&draw(kind, *width, *height)).unwrap())
        .collect();
    let mut ids = case.ids.clone();
    // The reference repeats a picture's mark for each of its tokens; here it stands once. Pictures do not touch in the cases.
    ids.dedup_by(|a, b| a == b && *a == engine.preparer.image_token);
    let compiled = TokenizedPrompt::new(&ids, engine.preparer.image_token, seen, &*engine.preparer.family).unwrap();
    assert_eq!(compiled.slots.len(), case.ids.len(), "as many tokens as the reference counts");
    compiled
}

/// The whole prompt at once, all logits that the case asks for.
pub(crate) fn whole_prompt_logits(engine: &mut Engine, case: &GoldenCase, prompt: &TokenizedPrompt) -> Vec<f32> {
    let features =
        prompt.images.iter().map(|seen| Some(engine.encode_image(seen, &Interrupt::new().unwrap()).unwrap()));
    let features: Vec<_> = features.collect();
    let tables = RotaryTables::new(&*engine.preparer.family, prompt, 0..prompt.slots.len());
    let mut cache = engine.decoder.create().unwrap();
    engine.decoder.resize(&mut cache, engine.decoder.capacity_for(prompt.slots.len()), 0).unwrap();
    engine.decoder.bind_rotary_tables(&mut cache, &tables).unwrap();
    let embeds = engine.embed(&prompt.slots, &features).unwrap();
    engine.decoder.run(&mut cache, embeds, 0, &case.rows, Interrupt::new().unwrap().options()).unwrap()
}

/// An answer to a prompt that is in tokens already.
pub(crate) fn begin_answer(engine: &mut Engine, request: &Request, prompt: TokenizedPrompt) -> ActiveAnswer {
    let room = engine.preparer.room(&prompt, request.tokens_max).unwrap();
    let prepared = engine.preparer.complete(request.clone(), prompt, None, room).unwrap();
    engine.begin_prepared(prepared, Arc::new(Interrupt::new().unwrap())).unwrap_or_else(|_| panic!("it begins"))
}

pub(crate) fn furthest(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, |most, gap| if gap >= most { gap } else { most })
}

#[test]
fn features_positions_logits_and_greedy_tokens_are_those_of_the_reference() {
    let goldens = goldens();
    let bytes = std::fs::read(here().join("arrays.safetensors")).unwrap();
    let arrays = SafeTensors::deserialize(&bytes).unwrap();
    let array = |case: usize, name: &str| {
        let mut numbers = Vec::new();
        Precision::F32.widen(arrays.tensor(&format!("case{case}.{name}")).unwrap().data(), &mut numbers);
        numbers
    };
    let forms = [(Precision::F32, 1, 512), (Precision::F32, 3, 7), (Precision::Bf16, 1, 33), (Precision::F16, 2, 512)];
    for (number, variant) in goldens.variants.keys().enumerate() {
        // Those that were chosen are read in each form; those that were drawn take turns.
        let all = ["tied", "untied"].contains(&variant.as_str());
        let forms = if all { &forms[..] } else { &forms[number % 4..][..1] };
        for &(precision, shards, chunk) in forms {
            let folder = checkpoint(&goldens, variant, precision, shards);
            let Some(mut engine) = engine(folder.path(), &options(chunk)) else { return };
            for (index, case) in goldens.cases.iter().enumerate().filter(|(_, case)| case.variant == *variant) {
                let about = format!("case {index}, {variant}, {precision} in {shards} files, chunks of {chunk}");
                let compiled = compile_case(&engine, case);
                let grids: Vec<_> = compiled.images.iter().map(|seen| [1, 2 * seen.rows, 2 * seen.columns]).collect();
                assert_eq!(grids, case.grids, "{about}");
                let theirs: Vec<u32> = arrays
                    .tensor(&format!("case{index}.positions"))
                    .unwrap()
                    .data()
                    .chunks_exact(2)
                    .map(|bytes| u16::from_le_bytes(bytes.try_into().unwrap()).into())
                    .collect();
                assert_eq!(compiled.positions.concat(), theirs, "{about}");

                let all: Vec<_> = compiled
                    .images
                    .iter()
                    .map(|seen| engine.encode_image(seen, &Interrupt::new().unwrap()).unwrap())
                    .collect();
                if !all.is_empty() {
                    let (features, width) = (all.concat(), engine.preparer.family.spec().text.width as usize);
                    let features: Vec<f32> =
                        case.seen.iter().flat_map(|row| &features[row * width..][..width]).copied().collect();
                    let gap = furthest(&features, &array(index, "features"));
                    assert!(gap <= FEATURES, "{about}: features differ by {gap}");
                }

                // What a run computes of itself.
                let logits = whole_prompt_logits(&mut engine, case, &compiled);
                let gap = furthest(&logits, &array(index, "logits"));
                assert!(gap <= LOGITS, "{about}: logits differ by {gap}");

                // In chunks, and then token by token; twice, as the second time the cache has what the first left there.
                for round in 0..2 {
                    let request = Request { tokens_max: Some(case.answer.len() as u32), ..Request::greedy(Vec::new()) };
                    let mut work = begin_answer(&mut engine, &request, compiled.clone());
                    while work.logits.is_none() {
                        engine.step(&mut work).unwrap();
                    }
                    let (ours, theirs) = (work.logits.as_ref().unwrap(), array(index, "logits"));
                    let gap = furthest(ours, &theirs[theirs.len() - ours.len()..]);
                    assert!(gap <= LOGITS, "{about}, round {round}: the last logits differ by {gap}");
                    while engine.step(&mut work).unwrap().end.is_none() {}
                    engine.release(work.conversation, true);
                    assert_eq!(work.detokenizer.tokens(), case.answer, "{about}, round {round}");
                }
            }
        }
    }
    let count =
        |architecture: &str| goldens.variants.values().filter(|variant| variant.architecture == architecture).count();
    // The toy has tests of its own.
    for architecture in architecture::model_types().filter(|name| *name != "toy") {
        assert!(count(architecture) >= 4, "{architecture} is hardly tried");
    }
    assert!(goldens.cases.iter().all(|case| case.answer.len() == 200));
}

#[test]
fn conversations_are_written_and_cut_into_tokens_as_the_reference_does() {
    let goldens = goldens();
    let tokenizer = Tokenizer::open(&here()).unwrap();
    let template = ChatTemplate::open(&here(), TemplateOptions::default()).unwrap();
    let picture = draw("page", 60, 60);
    for chat in &goldens.chats {
        let part = |item: &GoldenItem| match item {
            GoldenItem::Image => Part::Picture(picture.clone()),
            GoldenItem::Text { text } => Part::Text(text.clone()),
        };
        let turns: Vec<Turn> = chat
            .turns
            .iter()
            .map(|message| Turn {
                role: message.role,
                parts: match &message.content {
                    GoldenContent::Text(text) => vec![Part::Text(text.clone())],
                    GoldenContent::Items(items) => items.iter().map(part).collect(),
                },
            })
            .collect();
        let text = template.render(&turns, &tokenizer, None).unwrap();
        assert_eq!(text, chat.text);
        assert_eq!(tokenizer.encode(&text).unwrap(), chat.ids);
    }
    for (ids, text) in &goldens.decoded {
        assert_eq!(&tokenizer.decode(ids, false).unwrap(), text);
    }
}
