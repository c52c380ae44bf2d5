//! Checkpoints of random weights, in shapes that there are: for tests and for measurements. What they say makes no sense, at the
//! speed at which the real ones make some.

mod words;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use half::bf16;
use serde_json::{Value, json};

use crate::error::BuildError;
use crate::folder::{Progress, Scaffold};

/// After which checkpoint a random one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceModel {
    /// GLM-4.1V-9B: 10.3 billion parameters, 20.6 GB.
    Glm4v9b,
    /// A decoder of 0.44 billion, on which engines are compared.
    Glm4v04b,
    /// As small as the graphs allow.
    Glm4vTiny,
}

/// Bytes of a shard at most, as Hugging Face's tools have it by default.
const SHARD_BYTES_MAX: u64 = 5_000_000_000;
/// Numbers that are drawn at a time.
const PIECE: u64 = 1 << 20;
const THREADS_MAX: usize = 8;

const CHAT_TEMPLATE: &str = include_str!("random/chat_template.jinja");
const PROFILE: &str = include_str!("random/profile.toml");

/// What sizes a checkpoint has.
struct Sizes {
    width: u64,
    inner: u64,
    layers: u64,
    heads: u64,
    kv_heads: u64,
    vocabulary: u64,
    /// Ids of the tokens that are no text begin here.
    special: u32,
    positions_max: u64,
    sections: [u64; 3],
    vision_width: u64,
    vision_layers: u64,
    vision_heads: u64,
    merger_inner: u64,
    side: u64,
}

/// A tensor to be drawn.
struct RandomTensor {
    name: String,
    shape: Vec<u64>,
    middle: f32,
    spread: f32,
}

impl ReferenceModel {
    fn sizes(self) -> Sizes {
        match self {
            ReferenceModel::Glm4v9b => Sizes {
                width: 4096,
                inner: 13_696,
                layers: 40,
                heads: 32,
                kv_heads: 2,
                vocabulary: 151_552,
                special: 151_329,
                positions_max: 65_536,
                sections: [8, 12, 12],
                vision_width: 1536,
                vision_layers: 24,
                vision_heads: 12,
                merger_inner: 13_696,
                side: 24,
            },
            ReferenceModel::Glm4v04b => Sizes {
                width: 1536,
                inner: 4096,
                layers: 16,
                heads: 12,
                kv_heads: 2,
                vocabulary: 32_768,
                special: 32_600,
                positions_max: 32_768,
                sections: [8, 12, 12],
                vision_width: 384,
                vision_layers: 4,
                vision_heads: 6,
                merger_inner: 4096,
                side: 24,
            },
            ReferenceModel::Glm4vTiny => Sizes {
                width: 128,
                inner: 352,
                layers: 2,
                heads: 2,
                kv_heads: 1,
                vocabulary: 4096,
                special: 4000,
                positions_max: 8192,
                sections: [4, 6, 6],
                vision_width: 64,
                vision_layers: 2,
                vision_heads: 1,
                merger_inner: 256,
                side: 8,
            },
        }
    }
}

/// Writes a Hugging Face folder. The same seed makes the same bytes, on however many processors.
///
/// # Errors
/// `BuildError` when it cannot be written, or something is there already.
pub fn random(
    like: ReferenceModel,
    folder: &Path,
    seed: u64,
    mut progress: impl FnMut(Progress),
) -> Result<(), BuildError> {
    if folder.exists() && fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_some()) {
        return Err(BuildError::Occupied { folder: folder.to_owned() });
    }
    let name = folder.file_name().ok_or_else(|| BuildError::Occupied { folder: folder.to_owned() })?.to_string_lossy();
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(BuildError::unwritable(parent))?;
    let scaffold = Scaffold::new(parent.join(format!(".{name}.drawing")))?;
    let at = &scaffold.folder;

    let sizes = like.sizes();
    let small = |name: &str, text: &str| {
        fs::write(at.join(name), text).map_err(|source| BuildError::Unwritable { file: at.join(name), source })
    };
    let pretty = |value: &Value| format!("{value:#}\n");
    small("config.json", &pretty(&config(&sizes)))?;
    small("generation_config.json", &pretty(&generation(&sizes)))?;
    small("preprocessor_config.json", &pretty(&preprocessor()))?;
    small("tokenizer.json", &words::tokenizer(sizes.special))?;
    small("chat_template.jinja", CHAT_TEMPLATE)?;
    small("profile.toml", PROFILE)?;

    let tensors = tensors(&sizes);
    let shards = shards(&tensors);
    let total = tensors.iter().map(RandomTensor::bytes).sum();
    let mut done = 0;
    let mut map = serde_json::Map::new();
    for (index, shard) in shards.iter().enumerate() {
        let name = match shards.len() {
            1 => "model.safetensors".to_owned(),
            count => format!("model-{:05}-of-{count:05}.safetensors", index + 1),
        };
        map.extend(shard.iter().map(|tensor| (tensor.name.clone(), json!(name))));
        write_shard(&at.join(&name), shard, seed, &mut |bytes| {
            done += bytes;
            progress(Progress { doing: "drawing weights", done, total });
        })?;
    }
    if shards.len() > 1 {
        let index = json!({"metadata": {"total_size": total}, "weight_map": map});
        small("model.safetensors.index.json", &pretty(&index))?;
    }
    let _ = fs::remove_dir(folder); // Empty, as was looked at above.
    fs::rename(at, folder).map_err(BuildError::unwritable(folder))
}

impl RandomTensor {
    fn count(&self) -> u64 {
        self.shape.iter().product()
    }

    fn bytes(&self) -> u64 {
        2 * self.count()
    }
}

/// All tensors, under the checkpoint's names, scaled so that what goes through them keeps its size.
fn tensors(sizes: &Sizes) -> Vec<RandomTensor> {
    let mut all = Vec::new();
    let mut matrix = |name: String, shape: &[u64]| {
        let spread = 0.7 / (shape[1..].iter().product::<u64>() as f32).sqrt();
        all.push(RandomTensor { name, shape: shape.to_vec(), middle: 0.0, spread });
    };
    let Sizes { width, inner, vocabulary, vision_width, merger_inner, .. } = *sizes;
    let head = width / sizes.heads;
    let text = "model.language_model";
    matrix(format!("{text}.embed_tokens.weight"), &[vocabulary, width]);
    matrix("lm_head.weight".to_owned(), &[vocabulary, width]);
    for layer in 0..sizes.layers {
        let at = format!("{text}.layers.{layer}");
        matrix(format!("{at}.self_attn.q_proj.weight"), &[sizes.heads * head, width]);
        matrix(format!("{at}.self_attn.k_proj.weight"), &[sizes.kv_heads * head, width]);
        matrix(format!("{at}.self_attn.v_proj.weight"), &[sizes.kv_heads * head, width]);
        matrix(format!("{at}.self_attn.o_proj.weight"), &[width, sizes.heads * head]);
        matrix(format!("{at}.mlp.gate_up_proj.weight"), &[2 * inner, width]);
        matrix(format!("{at}.mlp.down_proj.weight"), &[width, inner]);
    }
    let vision = "model.visual";
    matrix(format!("{vision}.patch_embed.proj.weight"), &[vision_width, 3, 2, 14, 14]);
    matrix(format!("{vision}.embeddings.position_embedding.weight"), &[sizes.side * sizes.side, vision_width]);
    for layer in 0..sizes.vision_layers {
        let at = format!("{vision}.blocks.{layer}");
        matrix(format!("{at}.attn.qkv.weight"), &[3 * vision_width, vision_width]);
        matrix(format!("{at}.attn.proj.weight"), &[vision_width, vision_width]);
        matrix(format!("{at}.mlp.gate_proj.weight"), &[width, vision_width]);
        matrix(format!("{at}.mlp.up_proj.weight"), &[width, vision_width]);
        matrix(format!("{at}.mlp.down_proj.weight"), &[vision_width, width]);
    }
    matrix(format!("{vision}.downsample.weight"), &[width, vision_width, 2, 2]);
    matrix(format!("{vision}.merger.proj.weight"), &[width, width]);
    matrix(format!("{vision}.merger.gate_proj.weight"), &[merger_inner, width]);
    matrix(format!("{vision}.merger.up_proj.weight"), &[merger_inner, width]);
    matrix(format!("{vision}.merger.down_proj.weight"), &[width, merger_inner]);

    let mut row = |name: String, size: u64, middle: f32| {
        all.push(RandomTensor { name, shape: vec![size], middle, spread: if middle == 0.0 { 0.02 } else { 0.1 } });
    };
    for layer in 0..sizes.layers {
        let at = format!("{text}.layers.{layer}");
        for norm in ["input_layernorm", "post_self_attn_layernorm", "post_attention_layernorm", "post_mlp_layernorm"] {
            row(format!("{at}.{norm}.weight"), width, 1.0);
        }
        row(format!("{at}.self_attn.q_proj.bias"), sizes.heads * head, 0.0);
        row(format!("{at}.self_attn.k_proj.bias"), sizes.kv_heads * head, 0.0);
        row(format!("{at}.self_attn.v_proj.bias"), sizes.kv_heads * head, 0.0);
    }
    row(format!("{text}.norm.weight"), width, 1.0);
    for layer in 0..sizes.vision_layers {
        row(format!("{vision}.blocks.{layer}.norm1.weight"), vision_width, 1.0);
        row(format!("{vision}.blocks.{layer}.norm2.weight"), vision_width, 1.0);
    }
    row(format!("{vision}.patch_embed.proj.bias"), vision_width, 0.0);
    row(format!("{vision}.post_conv_layernorm.weight"), vision_width, 1.0);
    row(format!("{vision}.post_layernorm.weight"), vision_width, 1.0);
    row(format!("{vision}.downsample.bias"), width, 0.0);
    row(format!("{vision}.merger.post_projection_norm.weight"), width, 1.0);
    row(format!("{vision}.merger.post_projection_norm.bias"), width, 0.0);
    all
}

/// As many tensors in each as it holds.
fn shards(tensors: &[RandomTensor]) -> Vec<&[RandomTensor]> {
    let (mut shards, mut first, mut bytes) = (Vec::new(), 0, 0);
    for (index, tensor) in tensors.iter().enumerate() {
        if bytes + tensor.bytes() > SHARD_BYTES_MAX {
            shards.push(&tensors[first..index]);
            (first, bytes) = (index, 0);
        }
        bytes += tensor.bytes();
    }
    shards.push(&tensors[first..]);
    shards
}

fn write_shard(path: &Path, tensors: &[RandomTensor], seed: u64, wrote: &mut dyn FnMut(u64)) -> Result<(), BuildError> {
    let mut header = serde_json::Map::from_iter([("__metadata__".to_owned(), json!({"format": "pt"}))]);
    let mut offset = 0;
    for tensor in tensors {
        let end = offset + tensor.bytes();
        let about = json!({"dtype": "BF16", "shape": tensor.shape, "data_offsets": [offset, end]});
        header.insert(tensor.name.clone(), about);
        offset = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' '); // So that numbers begin at multiples of their size.
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(BuildError::unwritable(path))?);
    let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(BuildError::unwritable(path));
    put(&(header.len() as u64).to_le_bytes())?;
    put(&header)?;
    for tensor in tensors {
        let table = &samples(tensor.middle, tensor.spread);
        let seed = tensor
            .name
            .bytes()
            .fold(seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
        let count = tensor.count().div_ceil(PIECE);
        let piece = |piece: u64| {
            let numbers = PIECE.min(tensor.count() - piece * PIECE);
            draw(table, mix(seed.wrapping_add(piece)), numbers as usize)
        };
        let threads =
            thread::available_parallelism().map_or(1, |count| count.get().min(THREADS_MAX)).min(count as usize);
        let piece = &piece;
        thread::scope(|scope| {
            let lane = |lane: usize| {
                let (give, drawn) = sync_channel(1);
                scope.spawn(move || {
                    let _ = (lane as u64..count).step_by(threads).try_for_each(|index| give.send(piece(index)));
                });
                drawn
            };
            let lanes: Vec<_> = (0..threads).map(lane).collect();
            (0..count as usize).try_for_each(|index| {
                let bytes: Vec<u8> = lanes[index % threads].recv().expect("a lane draws all its pieces");
                put(&bytes)?;
                wrote(bytes.len() as u64);
                Ok(())
            })
        })?;
    }
    file.flush().map_err(BuildError::unwritable(path))
}

/// Samples of a normal distribution: what 4,096 equally likely numbers become.
fn samples(middle: f32, spread: f32) -> Vec<[u8; 2]> {
    // Sums of twelve uniform numbers are normal enough.
    let mut state = 1u64;
    let mut sums: Vec<f32> = (0..4096)
        .map(|_| {
            let uniform = (0..12).map(|_| {
                state = mix(state.wrapping_add(1));
                (state >> 40) as f32 / (1 << 24) as f32 - 0.5
            });
            uniform.sum()
        })
        .collect();
    let mean = sums.iter().sum::<f32>() / sums.len() as f32;
    sums.iter_mut().for_each(|sum| *sum -= mean);
    sums.iter().map(|sum| bf16::from_f32(middle + spread * sum).to_le_bytes()).collect()
}

fn draw(table: &[[u8; 2]], seed: u64, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * count + 10);
    let mut counter = seed;
    while bytes.len() < 2 * count {
        counter = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = mix(counter);
        for _ in 0..5 {
            bytes.extend_from_slice(&table[(bits & 4095) as usize]);
            bits >>= 12;
        }
    }
    bytes.truncate(2 * count);
    bytes
}

/// The end of SplitMix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn config(sizes: &Sizes) -> Value {
    let id = |name| words::id(sizes.special, name);
    json!({
        "architectures": ["Glm4vForConditionalGeneration"],
        "model_type": "glm4v",
        "tie_word_embeddings": false,
        "dtype": "bfloat16",
        "image_token_id": id("<|image|>"),
        "image_start_token_id": id("<|begin_of_image|>"),
        "image_end_token_id": id("<|end_of_image|>"),
        "video_start_token_id": id("<|begin_of_video|>"),
        "video_end_token_id": id("<|end_of_video|>"),
        "video_token_id": id("<|video|>"),
        "text_config": {
            "model_type": "glm4v_text",
            "vocab_size": sizes.vocabulary,
            "hidden_size": sizes.width,
            "intermediate_size": sizes.inner,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "num_key_value_heads": sizes.kv_heads,
            "max_position_embeddings": sizes.positions_max,
            "rms_norm_eps": 1e-5,
            "hidden_act": "silu",
            "pad_token_id": id("<|endoftext|>"),
            "eos_token_id": ends(sizes),
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "partial_rotary_factor": 0.5,
                "mrope_section": sizes.sections,
            },
        },
        "vision_config": {
            "model_type": "glm4v_vision",
            "depth": sizes.vision_layers,
            "hidden_size": sizes.vision_width,
            "num_heads": sizes.vision_heads,
            "out_hidden_size": sizes.width,
            "intermediate_size": sizes.merger_inner,
            "image_size": 14 * sizes.side,
            "patch_size": 14,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "in_channels": 3,
            "rms_norm_eps": 1e-5,
            "hidden_act": "silu",
            "attention_bias": false,
        },
    })
}

fn ends(sizes: &Sizes) -> Value {
    json!(["<|endoftext|>", "<|user|>", "<|observation|>", "</answer>"].map(|name| words::id(sizes.special, name)))
}

fn generation(sizes: &Sizes) -> Value {
    json!({"eos_token_id": ends(sizes), "pad_token_id": words::id(sizes.special, "<|endoftext|>"), "do_sample": false})
}

fn preprocessor() -> Value {
    json!({
        "image_processor_type": "Glm4vImageProcessor",
        "size": {"shortest_edge": 12_544, "longest_edge": 11_760_000},
        "patch_size": 14,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::folder::{self, Build, WeightFormat};
    use crate::tokenizer::Tokenizer;

    #[test]
    fn the_smallest_can_be_built_and_its_words_go_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        random(ReferenceModel::Glm4vTiny, &one, 7, |_| ()).unwrap();
        random(ReferenceModel::Glm4vTiny, &two, 7, |_| ()).unwrap();
        let bytes = |at: &Path| fs::read(at.join("model.safetensors")).unwrap();
        assert_eq!(bytes(&one), bytes(&two), "a seed is a checkpoint");
        assert!(matches!(random(ReferenceModel::Glm4vTiny, &two, 8, |_| ()), Err(BuildError::Occupied { .. })));
        let words = Tokenizer::open(&one).unwrap();
        assert_eq!(words.id("<|endoftext|>"), Some(4000));
        let said = "[gMASK]<sop><|user|>\nOpen 设置 and tap \"Wi-Fi\" 3 times<|assistant|>\n";
        let ids = words.encode(said).unwrap();
        assert!(ids.len() < said.len() && ids.contains(&words.id("<|user|>").unwrap()), "{ids:?}");
        assert!(ids.iter().all(|&id| id < 4096));
        let plain = "Open 设置 and tap \"Wi-Fi\" 3 times";
        assert_eq!(words.decode(&words.encode(plain).unwrap(), false).unwrap(), plain);
        let int4 = Build { precision: WeightFormat::Int4, ..Build::FP32 };
        folder::build(&one, &folder.path().join("built"), &int4, |_| ()).unwrap();
    }

    #[test]
    fn the_large_ones_have_the_sizes_of_the_real_ones() {
        let count = |like: ReferenceModel| tensors(&like.sizes()).iter().map(RandomTensor::count).sum::<u64>();
        assert_eq!(count(ReferenceModel::Glm4v9b) / 10_000_000, 1_029);
        assert_eq!(shards(&tensors(&ReferenceModel::Glm4v9b.sizes())).len(), 5);
        let decoder: u64 = tensors(&ReferenceModel::Glm4v04b.sizes())
            .iter()
            .filter(|tensor| !tensor.name.contains("visual") && !tensor.name.contains("embed"))
            .map(RandomTensor::count)
            .sum();
        assert_eq!(decoder / 1_000_000, 440);
    }

    #[test]
    fn weights_are_normal() {
        let folder = tempfile::tempdir().unwrap();
        random(ReferenceModel::Glm4vTiny, &folder.path().join("it"), 1, |_| ()).unwrap();
        let checkpoint = Checkpoint::open(&folder.path().join("it")).unwrap();
        let head = checkpoint.find("lm_head.weight").unwrap().unwrap();
        let mut numbers = Vec::new();
        head.precision.widen(&head.read(0, head.len() as usize).unwrap(), &mut numbers);
        let mean = numbers.iter().sum::<f32>() / numbers.len() as f32;
        let spread = (numbers.iter().map(|number| number * number).sum::<f32>() / numbers.len() as f32).sqrt();
        let expected = 0.7 / 128f32.sqrt();
        assert!(mean.abs() < 5e-4 && (spread / expected - 1.0).abs() < 0.03, "{mean} {spread}");
    }
}
