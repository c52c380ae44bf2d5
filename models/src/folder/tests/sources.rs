//! What a build is made from: that it is told from any other, that it is what it looks like, and that nothing of it is dropped.

use super::*;

const SECOND: &str = "model-00002-of-00002.safetensors";

#[test]
fn weights_of_32_bits_are_not_written_anew() {
    let source = checkpoint(&goldens(), "untied", Precision::F32, 1);
    let out = source.path().join("built");
    build(source.path(), &out, &Build::FP32, |_| ()).unwrap();
    let data = fs::metadata(out.join("vision_encoder.onnx_data")).unwrap().len();
    assert_eq!(data, 128 * 64 * 4 * 4, "only the kernel that is laid out anew");
    let copy = fs::read(out.join("model.safetensors")).unwrap();
    assert!(copy == fs::read(source.path().join("model.safetensors")).unwrap());
}

/// Writes the last number of a file in place, and sets back when that was.
fn change_in_place(path: &Path) {
    use std::io::{Seek, SeekFrom};
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::End(-4)).unwrap();
    file.write_all(&0.25f32.to_le_bytes()).unwrap();
    file.set_modified(modified).unwrap();
}

/// As if it had been downloaded long ago.
fn age(path: &Path) {
    let long_ago = fs::metadata(path).unwrap().modified().unwrap() - std::time::Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
}

/// Adds a tensor that nothing uses behind all others: so many numbers, all zero.
fn grow(path: &Path, numbers: usize) {
    let mut file = fs::read(path).unwrap();
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    let data = file.len() - 8 - length;
    let offsets = [data, data + 4 * numbers];
    header["zz.unused"] = serde_json::json!({"dtype": "F32", "shape": [numbers], "data_offsets": offsets});
    let mut text = header.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let tail = file.split_off(8 + length);
    let file = [&(text.len() as u64).to_le_bytes()[..], &text, &tail].concat();
    fs::write(path, &file).unwrap();
    File::options().write(true).open(path).unwrap().set_len((file.len() + 4 * numbers) as u64).unwrap();
}

#[test]
fn a_checkpoint_that_differs_in_one_number_is_another_one() {
    let source = checkpoint(&goldens(), "untied", Precision::Bf16, 1);
    let weights = source.path().join("model.safetensors");
    grow(&weights, 18 << 20);
    age(&weights);
    let cache = source.path().join("cache");
    let built = || {
        let mut read = 0;
        let built = build_into_cache(source.path(), &cache, None, |step| {
            if step.doing == "reading the checkpoint" {
                read = step.done;
            }
        });
        (built.unwrap(), read)
    };
    let (one, read) = built();
    assert!(read > 72 << 20, "it is read whole once: {read}");
    let (again, read) = built();
    assert!(again.reused && again.digest == one.digest);
    assert_eq!(read, 0, "and not again as long as nobody writes to it");
    change_in_place(&weights);
    let (other, read) = built();
    assert!(!other.reused && other.digest != one.digest && other.folder != one.folder);
    assert!(read > 72 << 20);
}

#[test]
fn a_build_to_a_folder_remembers_its_source() {
    let source = checkpoint(&goldens(), "untied", Precision::Bf16, 2);
    for shard in [FIRST, SECOND] {
        age(&source.path().join(shard));
    }
    let out = source.path().join("built");
    let run = || {
        let mut read = false;
        let built = build(source.path(), &out, &Build::FP32, |step| read |= step.doing == "reading the checkpoint");
        (built.unwrap().reused, read)
    };
    assert_eq!([run(), run()], [(false, true), (true, false)]);
    change_in_place(&source.path().join(FIRST));
    assert_eq!([run(), run()], [(false, true), (true, false)]);
}

#[test]
fn small_files_that_were_damaged_in_a_build_are_built_again() {
    let source = checkpoint(&goldens(), "untied", Precision::Bf16, 1);
    let cache = source.path().join("cache");
    let built = build_into_cache(source.path(), &cache, None, |_| ()).unwrap();
    for name in ["config.json", "tokenizer.json", "chat_template.jinja"] {
        fs::write(built.folder.join(name), "{").unwrap();
        assert!(!build_into_cache(source.path(), &cache, None, |_| ()).unwrap().reused, "{name}");
        assert!(build_into_cache(source.path(), &cache, None, |_| ()).unwrap().reused, "{name}");
    }
}

#[test]
fn what_is_shared_with_a_checkpoint_is_refused_when_that_was_changed() {
    let source = checkpoint(&goldens(), "untied", Precision::F32, 1);
    let weights = source.path().join("model.safetensors");
    let shared = source.path().join("linked.safetensors");
    fs::hard_link(&weights, &shared).unwrap();
    let part = FolderFile {
        name: "linked.safetensors".to_owned(),
        bytes: fs::metadata(&shared).unwrap().len(),
        sha256: Some(digest::of_file(&shared).unwrap()),
        modified: Some(Stamp::of(&fs::metadata(&shared).unwrap()).modified_at()),
    };
    check(&shared, &part).unwrap();
    age(&weights); // Another time, and the same numbers: a copy of the folder, for example.
    check(&shared, &part).unwrap();
    change_in_place(&weights);
    let error = check(&shared, &part).unwrap_err().to_string();
    assert!(error.contains("was changed in place") && error.contains("build the folder again"), "{error}");
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:aaaa\nsize 4983068496\n";

/// Puts a text or a beginning in place of the first shard.
fn weights(bytes: &'static [u8]) -> Spoil {
    Box::new(move |folder| fs::write(folder.join(FIRST), bytes).unwrap())
}

fn file(name: &'static str, text: &'static str) -> Spoil {
    Box::new(move |folder| fs::write(folder.join(name), text).unwrap())
}

/// Adds a field to `config.json`.
fn config(field: &'static str) -> Spoil {
    Box::new(move |folder| edit(folder, "config.json", |config| config.replacen('{', &format!("{{{field},"), 1)))
}

/// Only that file in place of the weights.
fn instead(name: &'static str) -> Spoil {
    Box::new(move |folder| {
        for name in names(folder).iter().filter(|name| name.starts_with("model")) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        fs::write(folder.join(name), "x").unwrap();
    })
}

fn without(name: &'static str) -> Spoil {
    Box::new(move |folder| fs::remove_file(folder.join(name)).unwrap())
}

/// Cuts the first shard to a length, or by so many bytes.
fn cut(length: i64) -> Spoil {
    Box::new(move |folder| {
        let file = File::options().write(true).open(folder.join(FIRST)).unwrap();
        let whole = file.metadata().unwrap().len();
        file.set_len(if length < 0 { whole - length.unsigned_abs() } else { length as u64 }).unwrap();
    })
}

/// Renames tensors, in files and index.
fn rename_tensors(from: &'static str, to: &'static str) -> Spoil {
    Box::new(move |folder| {
        for shard in [FIRST, SECOND] {
            let bytes = fs::read(folder.join(shard)).unwrap();
            let old = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let tensors: Vec<_> =
                old.tensors().into_iter().map(|(name, view)| (name.replace(from, to), view)).collect();
            fs::write(folder.join(shard), safetensors::serialize(tensors, None).unwrap()).unwrap();
        }
        edit(folder, "model.safetensors.index.json", |index| index.replace(from, to));
    })
}

/// What a download that went wrong, or another tool, makes of a good folder.
#[test]
fn what_is_no_plain_checkpoint_says_what_it_is() {
    let html = b"\n<!DOCTYPE html><html>Log in";
    let lfs = "it is a git-lfs pointer, not the file of 4983068496 bytes that it stands for; run `git lfs";
    let cases: Vec<(Spoil, &str)> = vec![
        (weights(POINTER.as_bytes()), lfs),
        (weights(b"version https://git-lfs.github.com/spec/v1\r\noid x\r\nsize 7\r\n"), "not the file of 7 bytes"),
        (weights(b"# xet version 0\nfilesize = 17\nhash = 'ab'\n"), "it is a Xet pointer, not the file of 17 bytes"),
        (weights(b"/annex/objects/SHA256E-s9--ab.safetensors\n"), "`git annex get`"),
        (weights(html), "it is a web page"),
        (weights(b"Access to model x is restricted."), "it is a text that begins \"Access to model x is restricted.\""),
        (weights(b"{\"error\": \"Invalid credentials\"}"), "it is a text that begins"),
        (weights(b""), "it is empty"),
        (weights(&[0; 64]), "its download was not completed"),
        (weights(b"GGUF\x03\0\0\0"), "it is a GGUF file"),
        (weights(b"PK\x03\x04archive/data.pkl"), "as PyTorch writes .bin"),
        (weights(b"\x80\x02}q\x01."), "it is a pickle of PyTorch"),
        (cut(-10), "it is cut short: its header promises"),
        (cut(100), "it is cut short: its header promises"),
        (without(FIRST), "names 2 shards, and 1 of them is not there: model-00001-of-00002.safetensors; download"),
        (without("model.safetensors.index.json"), "but the index that says which tensor is where is missing: download"),
        (file("model.safetensors.index.json", POINTER), "model.safetensors.index.json: it is a git-lfs pointer"),
        (file("tokenizer.json", POINTER), "tokenizer.json: it is a git-lfs pointer"),
        (file("config.json", "<html>"), "config.json: it is a web page"),
        (instead("pytorch_model.bin"), "pytorch_model.bin is a pickle of PyTorch"),
        (instead("pytorch_model.bin.index.json"), "is a pickle of PyTorch"),
        (instead("model-q4.gguf"), "model-q4.gguf is for llama.cpp"),
        (instead("adapter_config.json"), "it is an adapter (LoRA); merge it"),
        (instead("tf_model.h5"), "is of TensorFlow or Flax"),
        (instead("model.safetensors.incomplete"), "says that a download was not completed"),
        (instead("consolidated.safetensors"), "but a single file is called model.safetensors"),
        (config(r#""quantization_config": {"quant_method": "awq", "bits": 4}"#), "is quantised (awq, 4 bits)"),
        (config(r#""quantization_config": {"quant_method": "gptq", "bits": 8}"#), "is quantised (gptq, 8 bits)"),
        (config(r#""quantization_config": {"load_in_4bit": true}"#), "is quantised (bitsandbytes)"),
        (config(r#""quantization_config": {"quant_method": "fp8"}"#), "is quantised (fp8)"),
        (config(r#""compression_config": {"format": "pack-quantized"}"#), "is quantised (pack-quantized)"),
        (config(r#""quantization_config": {"foo": 1}"#), "by a method that it does not name"),
        (
            file("hf_quant_config.json", r#"{"quantization": {"quant_algo": "NVFP4"}}"#),
            "hf_quant_config.json says that the checkpoint is quantised (NVFP4)",
        ),
        (rename_tensors("q_proj.weight", "q_proj.qweight"), "is quantised (awq or gptq, by the tensor"),
        (rename_tensors("up_proj.weight", "up_proj.weight_packed"), "is quantised (compressed-tensors"),
    ];
    for (index, (spoil, expected)) in cases.into_iter().enumerate() {
        let said = refusal(spoil);
        assert!(said.contains(expected), "case {index}, {expected:?}: {said}");
    }
    for plain in ["null", "{}", r#"{"quant_method": "none"}"#] {
        let source = checkpoint(&goldens(), "untied", Precision::Bf16, 1);
        edit(source.path(), "config.json", |text| {
            text.replacen('{', &format!("{{\"quantization_config\": {plain},"), 1)
        });
        build(source.path(), &source.path().join("built"), &Build::FP32, |_| ()).unwrap();
    }
}

/// Whether a build takes the embedding table for the head, where `config.json` says this and that about it.
fn ties_head(variant: &str, outer: &str, inner: &str, head_is_table: bool) -> Result<bool, String> {
    let source = checkpoint(&goldens(), variant, Precision::Bf16, 1);
    edit(source.path(), "config.json", |text| {
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        config["tie_word_embeddings"] = serde_json::from_str(outer).unwrap();
        config["text_config"]["tie_word_embeddings"] = serde_json::from_str(inner).unwrap();
        config.to_string()
    });
    if head_is_table {
        let bytes = fs::read(source.path().join("model.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let table = tensors.tensor("model.language_model.embed_tokens.weight").unwrap().data().to_vec();
        rewrite_in(source.path(), "model.safetensors", |name, _, data, _| {
            if name == "lm_head.weight" {
                data.clone_from(&table);
            }
        });
    }
    let out = source.path().join("built");
    build(source.path(), &out, &Build::FP32, |_| ()).map_err(|error| error.to_string())?;
    Ok(info(&out).unwrap().tied)
}

#[test]
fn a_head_of_its_own_is_not_dropped_whatever_config_json_says() {
    for (variant, outer, inner, head_is_table, expected) in [
        ("untied", "true", "false", false, false),
        ("untied", "true", "true", false, false),
        ("untied", "false", "true", false, false),
        ("untied", "null", "null", false, false),
        ("untied", "true", "false", true, true),
        ("untied", "false", "false", true, false),
        ("tied", "true", "false", false, true),
        ("tied", "false", "true", false, true),
    ] {
        assert_eq!(ties_head(variant, outer, inner, head_is_table), Ok(expected), "{variant} {outer} {inner}");
    }
    assert!(ties_head("tied", "false", "false", false).unwrap_err().contains("no tensor `lm_head.weight`"));
}
