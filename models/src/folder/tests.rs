//! What is built, what is refused, and that neither leaves half a folder behind.

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
    let error = build(folder.path(), &out.path().join("built"), |_| ()).unwrap_err();
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
    let bytes = fs::read(folder.join(FIRST)).unwrap();
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
    safetensors::serialize_to_file(views, None, &folder.join(FIRST)).unwrap();
}

const NORM: &str = "model.language_model.layers.0.input_layernorm.weight";

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
            "cannot read FOLDER/model-00001-of-00002.safetensors: No such file",
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
            "FOLDER/model-00001-of-00002.safetensors is damaged: ",
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
            "not supported: the architecture \"qwen3_vl\"; `glm4v` is the one that can be built",
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
    let first = build(source.path(), &out, |step| steps.push(step)).unwrap();
    assert!(!first.reused && is_built(&out));
    let last = steps[steps.len() - 1];
    assert!(last.doing == "building the graphs" && last.done == last.total, "{last:?}");
    assert!(build(source.path(), &out, |_| ()).unwrap().reused);

    edit(source.path(), "chat_template.jinja", |text| text + "{# changed #}");
    let second = build(source.path(), &out, |_| ()).unwrap();
    assert!(!second.reused && second.digest != first.digest);
    assert_eq!(names(out.parent().unwrap()), [".built.lock", "built"]);

    // A build that was killed in the middle is swept away by the next.
    fs::create_dir(out.with_file_name(".built.building")).unwrap();
    edit(source.path(), "chat_template.jinja", |text| text + "{# again #}");
    build(source.path(), &out, |_| ()).unwrap();
    assert_eq!(names(out.parent().unwrap()), [".built.lock", "built"]);

    // A source that is damaged later does not take away what was built.
    edit(source.path(), "config.json", |text| text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 9"));
    build(source.path(), &out, |_| ()).unwrap_err();
    assert_eq!(info(&out).unwrap().layers, 2);
}

#[test]
fn nothing_that_is_not_ours_is_overwritten() {
    let source = checkpoint(&goldens(), "untied", Precision::Bf16, 1);
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("letters.txt"), "dear").unwrap();
    let error = build(source.path(), out.path(), |_| ()).unwrap_err();
    assert!(matches!(error, BuildError::Occupied { .. }), "{error}");
    let error = build(source.path(), &out.path().join("letters.txt"), |_| ()).unwrap_err();
    assert!(matches!(error, BuildError::Occupied { .. }), "{error}");
    assert_eq!(fs::read_to_string(out.path().join("letters.txt")).unwrap(), "dear");
}

#[test]
fn weights_of_32_bits_are_not_copied() {
    let source = checkpoint(&goldens(), "untied", Precision::F32, 1);
    let out = source.path().join("built");
    build(source.path(), &out, |_| ()).unwrap();
    let data = fs::metadata(out.join(DATA)).unwrap().len();
    assert_eq!(data, 128 * 64 * 4 * 4, "only the kernel that is laid out anew");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
        assert_eq!(inode(out.join("model.safetensors")), inode(source.path().join("model.safetensors")));
    }
}

#[test]
fn a_folder_says_what_it_holds() {
    let source = checkpoint(&goldens(), "tied", Precision::F16, 2);
    let before = info(source.path()).unwrap();
    let built = build_into_cache(source.path(), &source.path().join("cache"), |_| ()).unwrap();
    assert!(built.folder.ends_with(format!("glm4v-{}", &built.digest[..16])));
    let after = info(&built.folder).unwrap();
    assert_eq!((before.built, after.built), (false, true));
    assert_eq!(Info { built: true, bytes: after.bytes, ..before.clone() }, after);
    let found = (after.layers, after.kv_heads, after.vision_layers, after.tied, after.precision.as_str());
    assert_eq!(found, (3, 2, 1, true, "f16"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a file, there is an answer and no panic.
    #[test]
    fn damaged_headers_are_survived(at in 0usize..4000, with in any::<[u8; 4]>()) {
        thread_local! {
            static GOOD: (tempfile::TempDir, Vec<u8>) = {
                let folder = checkpoint(&goldens(), "untied", Precision::F16, 1);
                let bytes = fs::read(folder.path().join("model.safetensors")).unwrap();
                (folder, bytes)
            };
        }
        GOOD.with(|(folder, good)| {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&with);
            fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
            let _ = Checkpoint::open(folder.path()).and_then(|checkpoint| {
                let config = config(folder.path())?;
                glm4v::graphs(&config, &checkpoint).map(|_| ())
            });
        });
    }

    #[test]
    fn damaged_configurations_are_survived(at in 0usize..1000, with in "[0-9\\-{}\\[\\]\",.e]{1,4}") {
        let goldens = include_str!("../../goldens/untied.config.json");
        let mut text = goldens.to_owned();
        text.replace_range(at..at + with.len(), &with);
        let _ = Config::parse(text.as_bytes(), Path::new("config.json"));
    }
}
