//! What is built, what is refused, and that neither leaves half a folder behind.

mod sources;

use proptest::prelude::*;

use super::*;
use crate::engine::goldens::{checkpoint, goldens};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

type Spoil = Box<dyn FnOnce(&Path)>;

/// Builds what `spoil` has made of a good folder, and returns what the builder says of it.
fn refusal(spoil: impl FnOnce(&Path)) -> String {
    let folder = checkpoint(&goldens(), "untied", Precision::F16, 2);
    spoil(folder.path());
    let out = tempfile::tempdir().unwrap();
    let error = build(folder.path(), &out.path().join("built"), &Build::FP32, |_| ()).unwrap_err();
    let left: Vec<String> = names(out.path()).into_iter().filter(|name| !name.ends_with(".lock")).collect();
    assert_eq!(left, Vec::<String>::new(), "a build that fails leaves nothing behind");
    error.to_string().replace(&folder.path().display().to_string(), "FOLDER")
}

fn edit(folder: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let path = folder.join(name);
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

const FIRST: &str = "model-00001-of-00002.safetensors";

/// Writes one tensor anew into the first shard.
fn rewrite(folder: &Path, change: impl Fn(&str, &mut Vec<usize>, &mut Vec<u8>, &mut safetensors::Dtype)) {
    rewrite_in(folder, FIRST, change);
}

fn rewrite_in(
    folder: &Path,
    shard: &str,
    change: impl Fn(&str, &mut Vec<usize>, &mut Vec<u8>, &mut safetensors::Dtype),
) {
    let bytes = fs::read(folder.join(shard)).unwrap();
    let old = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut kept = Vec::new();
    for (name, view) in old.tensors() {
        let (mut shape, mut data, mut dtype) = (view.shape().to_vec(), view.data().to_vec(), view.dtype());
        change(&name, &mut shape, &mut data, &mut dtype);
        kept.push((name, shape, data, dtype));
    }
    let views = kept.iter().map(|(name, shape, data, dtype)| {
        (name, safetensors::tensor::TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize_to_file(views, None, &folder.join(shard)).unwrap();
}

const NORM: &str = "model.language_model.layers.0.input_layernorm.weight";

#[test]
fn what_could_not_be_opened_is_not_built() {
    for (file, damaged) in [("chat_template.jinja", "{% for"), ("tokenizer.json", "{")] {
        let source = checkpoint(&goldens(), "untied", Precision::F32, 1);
        edit(source.path(), file, |_| damaged.to_owned());
        let parent = tempfile::tempdir().unwrap();
        let error = build(source.path(), &parent.path().join("built"), &Build::FP32, |_| ()).unwrap_err().to_string();
        assert!(error.contains(&format!("{file} is damaged")), "{error}");
        assert_eq!(names(parent.path()), [".built.lock"]);
    }
}

/// What opening would find damaged is named where its owner can mend it, and not as a copy in the cache that nobody knows; and what
/// an earlier version has built of it goes.
#[test]
fn what_could_not_be_opened_is_named_where_its_owner_can_mend_it() {
    for (file, damaged, why) in [
        ("preprocessor_config.json", "{\"size\": 3", "is damaged"),
        ("preprocessor_config.json", "[]", "is damaged"),
        ("preprocessor_config.json", "{\"image_std\": [0.0, 1.0, 1.0]}", "image_std"),
        ("processor_config.json", "{\"image_processor\": 1}", "is damaged"),
        ("generation_config.json", "{\"eos_token_id\": \"end\"}", "is damaged"),
    ] {
        let source = checkpoint(&goldens(), "untied", Precision::F32, 1);
        if file == "processor_config.json" {
            let _ = fs::remove_file(source.path().join("preprocessor_config.json"));
        }
        fs::write(source.path().join(file), damaged).unwrap();
        let (empty, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let said = |cache: &Path| build_into_cache(source.path(), cache, None, |_| ()).unwrap_err().to_string();
        let named = |error: &str| {
            let is_named = error.contains(&source.path().join(file).display().to_string());
            error.contains(why) && (is_named || error.starts_with("not supported"))
        };
        let error = said(&empty.path().join("none"));
        assert!(named(&error), "{file} {damaged}: {error}");
        assert!(!empty.path().join("none").exists(), "nothing is begun");
        // As an earlier version left it.
        let open = open_plain(source.path()).unwrap();
        let digest = identify(source.path(), &open, &mut KnownDigests::default(), &mut |_| ()).unwrap().digest;
        let entry = cache.path().join(format!("glm4v-{}", &digest[..16]));
        fs::create_dir(&entry).unwrap();
        let error = said(cache.path());
        assert!(named(&error), "{file} {damaged}: {error}");
        assert!(!entry.exists(), "{file} {damaged}");
        let error = build(source.path(), &empty.path().join("built"), &Build::FP32, |_| ()).unwrap_err().to_string();
        assert!(named(&error), "{file} {damaged}: {error}");
    }
}

/// The folder that was there is put back when the new one cannot get its name.
#[test]
fn a_build_that_cannot_get_its_name_leaves_what_was_there() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    fs::create_dir(at("built")).unwrap();
    fs::write(at("built").join("mark"), "old").unwrap();
    let error = put_in_place(&at("none"), &at("built"), &at(".built.old")).unwrap_err();
    assert!(matches!(error, BuildError::Unwritable { .. }), "{error}");
    assert_eq!(fs::read_to_string(at("built").join("mark")).unwrap(), "old");
    assert_eq!(names(parent.path()), ["built"]);
    // Killed between the two renames: what is at `old` is all that there is.
    fs::rename(at("built"), at(".built.old")).unwrap();
    put_in_place(&at("none"), &at("built"), &at(".built.old")).unwrap_err();
    assert_eq!(fs::read_to_string(at("built").join("mark")).unwrap(), "old");
    fs::create_dir(at("new")).unwrap();
    put_in_place(&at("new"), &at("built"), &at(".built.old")).unwrap();
    assert_eq!(names(parent.path()), ["built"]);
    assert!(!at("built").join("mark").exists());
}

#[test]
fn what_cannot_be_built_is_refused_by_name() {
    let cases: Vec<(&str, Spoil, &str)> = vec![
        (
            "no weights",
            Box::new(|f| fs::remove_file(f.join("model.safetensors.index.json")).unwrap()),
            "FOLDER has neither model.safetensors nor model.safetensors.index.json",
        ),
        (
            "no shard",
            Box::new(|f| fs::remove_file(f.join(FIRST)).unwrap()),
            "names 2 shards, and 1 of them is not there",
        ),
        (
            "cut short",
            Box::new(|f| {
                let bytes = fs::read(f.join(FIRST)).unwrap();
                fs::write(f.join(FIRST), &bytes[..bytes.len() - 1000]).unwrap();
            }),
            "FOLDER/model-00001-of-00002.safetensors is damaged: ",
        ),
        (
            "empty",
            Box::new(|f| fs::write(f.join(FIRST), "").unwrap()),
            "FOLDER/model-00001-of-00002.safetensors: it is empty; download it again",
        ),
        (
            "a header that lies",
            Box::new(|f| {
                let mut bytes = fs::read(f.join(FIRST)).unwrap();
                bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
                fs::write(f.join(FIRST), bytes).unwrap();
            }),
            "FOLDER/model-00001-of-00002.safetensors is damaged: ",
        ),
        (
            "an index that promises too much",
            Box::new(|f| {
                edit(f, "model.safetensors.index.json", |text| {
                    text.replace(
                        "\"weight_map\":{",
                        "\"weight_map\":{\"model.extra\":\"model-00001-of-00002.safetensors\",",
                    )
                })
            }),
            "FOLDER/model-00001-of-00002.safetensors is damaged: the index promises `model.extra` in it, and it is not there",
        ),
        (
            "an index that leads out",
            Box::new(|f| edit(f, "model.safetensors.index.json", |text| text.replacen(FIRST, "../../etc/passwd", 1))),
            "FOLDER/model.safetensors.index.json is damaged: \"../../etc/passwd\" is no name of a shard",
        ),
        (
            "more layers than there are",
            Box::new(|f| {
                edit(f, "config.json", |text| text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"))
            }),
            "the checkpoint has no tensor `model.language_model.layers.2.input_layernorm.weight`",
        ),
        (
            "another width",
            Box::new(|f| {
                edit(f, "config.json", |text| text.replace("\"intermediate_size\": 160", "\"intermediate_size\": 168"))
            }),
            "has shape [320, 128], and config.json asks for [336, 128]",
        ),
        (
            "another architecture",
            Box::new(|f| edit(f, "config.json", |text| text.replace("\"glm4v\"", "\"qwen3_vl\""))),
            "not supported: the architecture \"qwen3_vl\"; those that can be built are `glm4v`, `glm46v`, `glm_ocr`",
        ),
        (
            "no heads",
            Box::new(|f| {
                edit(f, "config.json", |text| text.replace("\"num_attention_heads\": 2", "\"num_attention_heads\": 0"))
            }),
            "not supported: num_attention_heads 0; it has to lie between 1 and 1024",
        ),
        (
            "heads that do not fit",
            Box::new(|f| {
                edit(f, "config.json", |text| text.replace("\"num_attention_heads\": 2", "\"num_attention_heads\": 3"))
            }),
            "not supported: 128 numbers a token in 3 heads",
        ),
        ("no JSON", Box::new(|f| fs::write(f.join("config.json"), "{").unwrap()), "FOLDER/config.json is damaged: EOF"),
        (
            "no tokenizer",
            Box::new(|f| fs::remove_file(f.join("tokenizer.json")).unwrap()),
            "cannot read FOLDER/tokenizer.json: No such file",
        ),
        (
            "not a number",
            Box::new(|f| {
                rewrite(f, |name, _, data, _| {
                    if name == NORM {
                        data[14..16].copy_from_slice(&half::f16::NAN.to_le_bytes());
                    }
                })
            }),
            "`model.language_model.layers.0.input_layernorm.weight` in FOLDER/model-00001-of-00002.safetensors: number 7 is not finite",
        ),
        (
            "another shape",
            Box::new(|f| {
                rewrite(f, |name, shape, _, _| {
                    if name == NORM {
                        *shape = vec![64, 2];
                    }
                })
            }),
            "`model.language_model.layers.0.input_layernorm.weight` in FOLDER/model-00001-of-00002.safetensors has shape [64, 2], and config.json asks for [128]",
        ),
        (
            "whole numbers",
            Box::new(|f| {
                rewrite(f, |name, _, _, dtype| {
                    if name == NORM {
                        *dtype = safetensors::Dtype::I16;
                    }
                })
            }),
            "`model.language_model.layers.0.input_layernorm.weight` in FOLDER/model-00001-of-00002.safetensors holds I16 numbers; F32, F16 and BF16 can be read",
        ),
    ];
    for (about, spoil, expected) in cases {
        let said = refusal(spoil);
        assert!(said.contains(expected), "{about}: {said}");
    }
}

#[test]
fn a_folder_is_built_once_and_again_when_its_source_changes() {
    let source = checkpoint(&goldens(), "untied", Precision::Bf16, 1);
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("deep").join("built");
    let mut steps = Vec::new();
    let first = build(source.path(), &out, &Build::FP32, |step| steps.push(step)).unwrap();
    assert!(!first.reused && is_built(&out));
    let last = steps[steps.len() - 1];
    assert!(last.doing == "building the graphs" && last.done == last.total, "{last:?}");
    assert!(build(source.path(), &out, &Build::FP32, |_| ()).unwrap().reused);

    edit(source.path(), "chat_template.jinja", |text| text + "{# changed #}");
    let second = build(source.path(), &out, &Build::FP32, |_| ()).unwrap();
    assert!(!second.reused && second.digest != first.digest);
    assert_eq!(names(out.parent().unwrap()), [".built.lock", "built"]);

    // A build that was killed in the middle is swept away by the next.
    fs::create_dir(out.with_file_name(".built.building")).unwrap();
    edit(source.path(), "chat_template.jinja", |text| text + "{# again #}");
    build(source.path(), &out, &Build::FP32, |_| ()).unwrap();
    assert_eq!(names(out.parent().unwrap()), [".built.lock", "built"]);

    // A source that is damaged later does not take away what was built.
    edit(source.path(), "config.json", |text| text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 9"));
    build(source.path(), &out, &Build::FP32, |_| ()).unwrap_err();
    assert_eq!(info(&out).unwrap().layers, 2);
}

#[test]
fn nothing_that_is_not_ours_is_overwritten() {
    let source = checkpoint(&goldens(), "untied", Precision::Bf16, 1);
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("letters.txt"), "dear").unwrap();
    let error = build(source.path(), out.path(), &Build::FP32, |_| ()).unwrap_err();
    assert!(matches!(error, BuildError::Occupied { .. }), "{error}");
    let error = build(source.path(), &out.path().join("letters.txt"), &Build::FP32, |_| ()).unwrap_err();
    assert!(matches!(error, BuildError::Occupied { .. }), "{error}");
    assert_eq!(fs::read_to_string(out.path().join("letters.txt")).unwrap(), "dear");
}

#[test]
fn a_folder_says_what_it_holds() {
    let source = checkpoint(&goldens(), "tied", Precision::F16, 2);
    let before = info(source.path()).unwrap();
    let built = build_into_cache(source.path(), &source.path().join("cache"), None, |_| ()).unwrap();
    assert!(built.folder.ends_with(format!("glm4v-{}", &built.digest[..16])));
    let after = info(&built.folder).unwrap();
    assert_eq!((before.built, after.built), (false, true));
    assert_eq!(Info { built: true, build: Some(Build::FP32), bytes: after.bytes, ..before.clone() }, after);
    let found = (after.layers, after.kv_heads, after.vision_layers, after.tied, after.precision.as_str());
    assert_eq!(found, (3, 2, 1, true, "f16"));
}

fn int4(block: u32) -> Build {
    Build { precision: WeightFormat::Int4, block, ..Build::FP32 }
}

/// What can happen to a safetensors file.
#[derive(Clone, Debug)]
enum Harm {
    /// Some bytes become others.
    Bytes(prop::sample::Index, [u8; 4]),
    /// Some bytes of the header become others.
    Header(prop::sample::Index, u8),
    /// A number in the header becomes another.
    Number(prop::sample::Index, u64),
    /// The length of the header lies.
    Length(u64),
    CutTo(prop::sample::Index),
    Longer(Vec<u8>),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        any::<(prop::sample::Index, [u8; 4])>().prop_map(|(at, with)| Harm::Bytes(at, with)),
        any::<(prop::sample::Index, u8)>().prop_map(|(at, with)| Harm::Header(at, with)),
        (any::<prop::sample::Index>(), prop_oneof![any::<u64>(), 0..200u64, Just(1 << 40), Just(u64::MAX)])
            .prop_map(|(at, with)| Harm::Number(at, with)),
        prop_oneof![any::<u64>(), 0..20_000u64].prop_map(Harm::Length),
        any::<prop::sample::Index>().prop_map(Harm::CutTo),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(Harm::Longer),
    ]
}

impl Harm {
    fn on(&self, bytes: &mut Vec<u8>) {
        let header = bytes.get(..8).map_or(0, |length| u64::from_le_bytes(length.try_into().unwrap()));
        let end = usize::try_from(header.saturating_add(8)).unwrap_or(usize::MAX).min(bytes.len());
        match self {
            Harm::Bytes(at, with) if bytes.len() > 4 => {
                let at = at.index(bytes.len() - 4);
                bytes[at..at + 4].copy_from_slice(with);
            }
            Harm::Header(at, with) if end > 8 => bytes[8 + at.index(end - 8)] = *with,
            Harm::Number(at, with) if end > 8 => {
                let from = 8 + at.index(end - 8);
                let digit = |at: &usize| bytes[*at].is_ascii_digit();
                if let Some(first) = (from..end).find(digit) {
                    let last = (first..end).find(|at| !digit(at)).unwrap_or(end);
                    let with = with.to_string().into_bytes();
                    let length = header.wrapping_add(with.len() as u64).wrapping_sub((last - first) as u64);
                    bytes.splice(first..last, with);
                    bytes[..8].copy_from_slice(&length.to_le_bytes());
                }
            }
            Harm::Length(length) if bytes.len() >= 8 => bytes[..8].copy_from_slice(&length.to_le_bytes()),
            Harm::CutTo(length) if !bytes.is_empty() => bytes.truncate(length.index(bytes.len())),
            Harm::Longer(more) => bytes.extend(more),
            Harm::Bytes(..) | Harm::Header(..) | Harm::Number(..) | Harm::Length(_) | Harm::CutTo(_) => {}
        }
    }
}

/// Names of what was built, with the sizes of data files.
fn parts(folder: &Path) -> Vec<String> {
    let mut parts: Vec<String> = record(folder)
        .unwrap()
        .parts
        .iter()
        .map(
            |part| {
                if part.name.ends_with(".onnx") { part.name.clone() } else { format!("{} {}", part.name, part.bytes) }
            },
        )
        .collect();
    parts.sort();
    parts
}

#[test]
fn each_build_has_its_files_and_its_name() {
    use crate::onnx::TargetProvider::{Coreml, Cpu, Cuda, Webgpu};
    use WeightFormat::{Bf16, Fp16, Fp32, Int4, Int8};
    let source = checkpoint(&goldens(), "untied", Precision::Bf16, 2);
    let (first, second) = (FIRST, "model-00002-of-00002.safetensors");
    let bytes = |name: &str| fs::metadata(source.path().join(name)).unwrap().len();
    let (first, second) = (format!("{first} {}", bytes(first)), format!("{second} {}", bytes(second)));
    let table = format!("embed_tokens.bin {}", 352 * 128 * 2);
    let kernel = 128 * 64 * 4 * 2;
    let cases = [
        // The numbers are the checkpoint's: only the kernel that is laid out anew is written.
        (
            Bf16,
            Cuda,
            vec![
                "decoder_model_merged_bf16.onnx".to_owned(),
                first.clone(),
                second.clone(),
                "vision_encoder_bf16.onnx".to_owned(),
                format!("vision_encoder_bf16.onnx_data {kernel}"),
            ],
        ),
        (Fp16, Cuda, vec!["decoder_model_merged_fp16", "vision_encoder_fp16"].into_iter().map(str::to_owned).collect()),
        (Int4, Cuda, vec!["decoder_model_merged_q4bf16".to_owned(), table.clone(), "vision_encoder_bf16".to_owned()]),
        (Int4, Cpu, vec!["decoder_model_merged_q4".to_owned(), table.clone(), "vision_encoder_int8".to_owned()]),
        (Int8, Cpu, vec!["decoder_model_merged_int8".to_owned(), table.clone(), "vision_encoder_int8".to_owned()]),
        (Int8, Webgpu, vec!["decoder_model_merged_int8".to_owned(), table.clone(), "vision_encoder".to_owned()]),
        (Int4, Coreml, vec!["decoder_model_merged_q4".to_owned(), table.clone(), "vision_encoder".to_owned()]),
        (Fp32, Coreml, vec!["decoder_model_merged".to_owned(), "vision_encoder".to_owned()]),
    ];
    for (precision, provider, expected) in cases {
        let out = source.path().join(format!("{precision:?}-{provider:?}"));
        let how = Build { precision, provider, ..Build::FP32 };
        build(source.path(), &out, &how, |_| ()).unwrap();
        let parts = parts(&out);
        for name in &expected {
            let found = parts.iter().any(|part| part == name || part.strip_suffix(".onnx") == Some(name));
            assert!(found, "{precision:?} for {provider:?}: no {name} in {parts:?}");
        }
        if precision == Bf16 {
            assert_eq!(parts, expected);
        }
        let sums = record(&out).unwrap().parts;
        for part in sums.iter().filter(|part| part.sha256.is_some()) {
            let found = hex::encode(Sha256::digest(fs::read(out.join(&part.name)).unwrap()));
            assert_eq!(part.sha256.as_ref(), Some(&found), "{}", part.name);
        }
        if !how.may_link() {
            assert!(!out.join(FIRST).exists(), "{precision:?} for {provider:?} stands alone");
        }
        assert_eq!(info(&out).unwrap().build, Some(how));
        assert!(build(source.path(), &out, &how, |_| ()).unwrap().reused);
    }
    // Another way of building is another folder.
    let out = source.path().join("Int4-Cpu");
    assert!(!build(source.path(), &out, &int4(64), |_| ()).unwrap().reused);
    let cache = source.path().join("cache");
    let plain = build_into_cache(source.path(), &cache, None, |_| ()).unwrap();
    let small = build_into_cache(source.path(), &cache, Some(&int4(32)), |_| ()).unwrap();
    assert!(plain.folder != small.folder && plain.digest == small.digest);
    // A file that was cut short afterwards is noticed before anything is mapped.
    let data = small.folder.join("decoder_model_merged_q4.onnx_data");
    File::options().write(true).open(&data).unwrap().set_len(100).unwrap();
    let error = record(&small.folder).unwrap_err().to_string();
    assert!(error.contains("q4.onnx_data is damaged: it has 100 bytes, and was built with"), "{error}");
    assert!(!build_into_cache(source.path(), &cache, Some(&int4(32)), |_| ()).unwrap().reused);
}

#[test]
fn what_no_number_of_a_build_can_hold_is_refused_by_name() {
    let name = "model.language_model.layers.0.mlp.down_proj.weight";
    let spoiled = |number: f32| {
        let folder = checkpoint(&goldens(), "untied", Precision::Bf16, 2);
        for shard in [FIRST, "model-00002-of-00002.safetensors"] {
            rewrite_in(folder.path(), shard, |found, _, data, _| {
                if found == name {
                    data[2 * 333..2 * 334].copy_from_slice(&half::bf16::from_f32(number).to_le_bytes());
                }
            });
        }
        folder
    };
    let fp16 = Build { precision: WeightFormat::Fp16, provider: crate::onnx::TargetProvider::Cuda, ..Build::FP32 };
    let bf16 = Build { precision: WeightFormat::Bf16, ..fp16 };
    let int4_cuda = Build { precision: WeightFormat::Int4, ..fp16 };
    for (how, number, expected) in [
        (fp16, 1e5, Some("number 333 is too large for fp16")),
        (bf16, 1e5, None),
        (bf16, f32::NAN, Some("number 333 is not finite")),
        (fp16, f32::INFINITY, Some("number 333 is not finite")),
        (int4(32), f32::NAN, Some("number 333 is not finite")),
        (int4(32), 3e38, None),
        (int4_cuda, f32::NEG_INFINITY, Some("number 333 is not finite")),
        (int4(48), 0.0, Some("not supported: blocks of 48; 32, 64 and 128 can be built")),
        (
            Build { provider: crate::onnx::TargetProvider::Cpu, ..bf16 },
            0.0,
            Some("not supported: bf16 for cpu, where ONNX Runtime computes with fp32 and fp16 only"),
        ),
        (
            Build { precision: WeightFormat::Fp32, ..fp16 },
            0.0,
            Some("not supported: fp32 for cuda, whose GroupQueryAttention has 16 bits; take bf16 or fp16"),
        ),
    ] {
        let folder = spoiled(number);
        let out = folder.path().join("built");
        match (build(folder.path(), &out, &how, |_| ()), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(error.contains(expected), "{how:?}, {number}: {error}");
                assert!(expected.starts_with("not supported") || error.contains(name), "{error}");
                assert!(!out.exists());
            }
            (found, expected) => panic!("{how:?}, {number}: {found:?}, not {expected:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a file, there is an answer and no panic, and nothing is allocated because a number says so: what the
    /// largest of these would ask for is more than there is.
    #[test]
    fn damaged_files_are_survived(harms in prop::collection::vec(harm(), 1..4)) {
        thread_local! {
            static GOOD: (tempfile::TempDir, Vec<u8>) = {
                let folder = checkpoint(&goldens(), "untied", Precision::F16, 1);
                let bytes = fs::read(folder.path().join("model.safetensors")).unwrap();
                (folder, bytes)
            };
        }
        GOOD.with(|(folder, good)| {
            let mut bytes = good.clone();
            harms.iter().for_each(|harm| harm.on(&mut bytes));
            fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
            let out = folder.path().join("built");
            if let Err(error) = build(folder.path(), &out, &int4(32), |_| ()) {
                assert!(!out.exists() && !error.to_string().is_empty());
            } else {
                fs::remove_dir_all(out).unwrap();
            }
        });
    }

    #[test]
    fn damaged_configurations_are_survived(at in 0usize..1000, with in "[0-9\\-{}\\[\\]\",.e]{1,4}") {
        let goldens = include_str!("../../goldens/untied.config.json");
        let mut text = goldens.to_owned();
        text.replace_range(at..at + with.len(), &with);
        let _ = architecture::family(text.as_bytes(), Path::new("config.json"));
    }
}
