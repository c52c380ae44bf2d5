//! What lies where weights should be: pointers to them, pages about them, other formats of them. A download that went wrong, or
//! another kind of checkpoint, should say so itself, and not look like a damaged file.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Checkpoint;
use crate::error::BuildError;

/// How much of a file is looked at.
pub const HEAD: usize = 512;
/// What is repeated of a text that stands in place of weights.
const QUOTED: usize = 80;

/// What a file is that begins like this and is not what its name says; and what to do about it.
///
/// Pointers and pages are looked for in any file; `weights` are binary, so that all other text is wrong there too.
pub fn what_is(head: &[u8], length: u64, weights: bool) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name))?;
        Some(line.trim_start_matches([' ', '=', '\'']).trim_matches('\'').to_owned())
    };
    if text.starts_with("version https://git-lfs.github.com/spec/") || text.starts_with("version https://hawser.github")
    {
        let size =
            field("size").map_or("that it stands for".to_owned(), |size| format!("of {size} bytes that it stands for"));
        return Some(format!(
            "it is a git-lfs pointer, not the file {size}; run `git lfs install && git lfs pull` in its folder, or download \
             the file by itself"
        ));
    }
    if text.starts_with("# xet version") {
        let size = field("filesize")
            .map_or("that it stands for".to_owned(), |size| format!("of {size} bytes that it stands for"));
        return Some(format!(
            "it is a Xet pointer, not the file {size}; install git-xet and run `git lfs pull` in its folder, or download the \
             file with `hf download`"
        ));
    }
    if text.starts_with("/annex/objects/") || text.contains("/.git/annex/objects/") && length < 1024 {
        return Some("it is a git-annex pointer; run `git annex get` in its folder".to_owned());
    }
    let start = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if ["<!doctype", "<html", "<head", "<?xml"].iter().any(|tag| start.starts_with(tag)) {
        return Some(
            "it is a web page: what it was downloaded from asked for a login or refused; download it again, with an access \
             token if the model is gated"
                .to_owned(),
        );
    }
    if !weights {
        return None;
    }
    if length == 0 {
        return Some("it is empty; download it again".to_owned());
    }
    for (magic, what) in [
        (&b"GGUF"[..], "a GGUF file, which llama.cpp reads; get the safetensors that it was made from"),
        (
            b"PK\x03\x04",
            "a zip file, as PyTorch writes .bin and .pt; get the safetensors, or convert it with safetensors.torch.save_file",
        ),
        (b"\x80\x02", "a pickle of PyTorch; get the safetensors, or convert it with safetensors.torch.save_file"),
        (b"\x1f\x8b", "a gzip file; unpack it"),
        (b"\x28\xb5\x2f\xfd", "a zstd file; unpack it"),
        (b"\x89HDF", "an HDF5 file of TensorFlow; get the safetensors"),
    ] {
        if head.starts_with(magic) {
            return Some(format!("it is {what}"));
        }
    }
    if head.len() >= 8 && head.iter().all(|byte| *byte == 0) {
        return Some("it begins with zeros: its download was not completed; download it again".to_owned());
    }
    // Eight bytes of a length come first, so a safetensors file is no text.
    let shown = &head[..head.len().min(QUOTED)];
    let is_text = shown.iter().all(|byte| (b' '..=b'~').contains(byte) || byte.is_ascii_whitespace());
    is_text.then(|| {
        let text = String::from_utf8_lossy(shown);
        format!("it is a text that begins {:?}: what it was downloaded from refused; download it again", text.trim())
    })
}

/// Why a folder has no weights that can be read.
pub fn no_weights(folder: &Path) -> BuildError {
    let names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let ending = |endings: &[&str]| {
        let mut found: Vec<&String> =
            names.iter().filter(|name| endings.iter().any(|ending| name.to_lowercase().ends_with(ending))).collect();
        found.sort();
        found.first().map(|name| name.to_string())
    };
    let dangling = ["model.safetensors", "model.safetensors.index.json"].map(|name| folder.join(name));
    let dangling = dangling.iter().find_map(|path| Some((path, fs::read_link(path).ok()?)));
    let hint = if let Some((path, target)) = dangling {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("its {name} is a link to {}, which is not there; download the model again", target.display())
    } else if names.iter().any(|name| name == "adapter_config.json") {
        "it is an adapter (LoRA); merge it into its base model first, for example with peft's merge_and_unload()"
            .to_owned()
    } else if let Some(name) = ending(&[".incomplete", ".part", ".crdownload", ".aria2", ".partial"]) {
        format!("{name} says that a download was not completed; go on with it")
    } else if let Some(name) = ending(&[".safetensors"]) {
        let sharded = name.contains("-of-");
        let missing = if sharded {
            "the index that says which tensor is where is missing: download"
        } else {
            "a single file is called"
        };
        let wanted = if sharded { "model.safetensors.index.json" } else { "model.safetensors" };
        format!("there is {name}, but {missing} {wanted}")
    } else if let Some(name) = ending(&[".gguf"]) {
        format!("{name} is for llama.cpp; get the safetensors that it was made from")
    } else if let Some(name) = ending(&[".bin", ".pt", ".pth", ".ckpt", ".bin.index.json"]) {
        format!(
            "{name} is a pickle of PyTorch, which is not read because it can run code; get the model's safetensors, or convert it with safetensors.torch.save_file"
        )
    } else if let Some(name) = ending(&[".h5", ".msgpack"]) {
        format!("{name} is of TensorFlow or Flax; get the model's safetensors")
    } else if let Some(name) = ending(&[".onnx"]) {
        format!("{name} is a graph of somebody else; graphs are built here from safetensors")
    } else {
        "it is another folder, or the download is not complete".to_owned()
    };
    BuildError::NoWeights { folder: folder.to_owned(), hint }
}

/// Refuses a checkpoint whose numbers are quantised: they mean nothing without their scales, and each method has its own.
///
/// # Errors
/// `BuildError::Quantised` with the method, as far as anything in the folder says it.
pub fn refuse_quantised(folder: &Path, checkpoint: &Checkpoint) -> Result<(), BuildError> {
    let by_file = ["config.json", "quantize_config.json", "quant_config.json", "hf_quant_config.json"];
    for name in by_file {
        let file = folder.join(name);
        // What is wrong with a file itself is said by whoever needs it.
        let Some(json) =
            super::read(&file, 64 << 20).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        else {
            continue;
        };
        let own = (name != "config.json").then_some(&json);
        let places =
            [&json["quantization_config"], &json["compression_config"], &json["text_config"]["quantization_config"]];
        let found = places.into_iter().chain(own).find_map(method);
        if let Some(method) = found {
            return Err(BuildError::Quantised { file, method });
        }
    }
    for (name, entry) in &checkpoint.tensors {
        if let Some(method) = by_name(name) {
            let file = checkpoint.shards[entry.shard].path.clone();
            return Err(BuildError::Quantised { file, method: format!("{method}, by the tensor `{name}`") });
        }
    }
    Ok(())
}

/// What a section about quantising says that was done.
fn method(section: &Value) -> Option<String> {
    let fields = section.as_object().filter(|fields| !fields.is_empty())?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let named = text(fields.get("quant_method"))
        .or_else(|| text(fields.get("quant_algo")))
        .or_else(|| text(fields.get("quantization").and_then(|inner| inner.get("quant_algo"))))
        .or_else(|| text(fields.get("format")));
    let is_set = |name: &str| fields.get(name).and_then(Value::as_bool) == Some(true);
    let name = match named {
        Some(name) if ["none", "", "no"].contains(&name.to_lowercase().as_str()) => return None,
        Some(name) => name,
        None if is_set("load_in_4bit") || is_set("load_in_8bit") => "bitsandbytes".to_owned(),
        None if fields.contains_key("group_size") || fields.contains_key("q_group_size") => "gptq or awq".to_owned(),
        None => "by a method that it does not name".to_owned(),
    };
    let bits = ["bits", "w_bit", "nbits"].iter().find_map(|name| fields.get(*name)?.as_u64());
    Some(bits.map_or(name.clone(), |bits| format!("{name}, {bits} bits")))
}

/// The methods that call a matrix by other names than `weight`, or put scales beside it.
fn by_name(name: &str) -> Option<&'static str> {
    [
        (".g_idx", "gptq"),
        (".qweight", "awq or gptq"),
        (".weight_packed", "compressed-tensors"),
        (".weight.absmax", "bitsandbytes"),
        (".weight.quant_map", "bitsandbytes"),
        (".SCB", "bitsandbytes"),
        (".weight_scale_inv", "fp8"),
        (".weight_scale", "fp8 or compressed-tensors"),
        (".W_q", "hqq"),
        (".B_scale", "marlin"),
    ]
    .into_iter()
    .find_map(|(ending, method)| name.ends_with(ending).then_some(method))
}

/// The shards that an index names and a folder does not have.
pub fn missing<'n>(folder: &Path, names: impl Iterator<Item = &'n String>) -> Vec<PathBuf> {
    names.map(|name| folder.join(name)).filter(|path| !path.is_file()).collect()
}
