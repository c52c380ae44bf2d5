//! A tokenizer of any size: bytes, and made-up syllables of them, with GLM's special tokens behind.

use serde_json::{Value, json};

/// In the order of their ids.
const SPECIAL: [&str; 20] = [
    "<|endoftext|>",
    "[MASK]",
    "[gMASK]",
    "[sMASK]",
    "<sop>",
    "<eop>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
    "<|begin_of_image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|image|>",
    "<|video|>",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
];
/// Where texts are cut before pairs are merged.
const PATTERN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The id of a special token: `first` and what follows.
pub fn id(first: u32, name: &str) -> u32 {
    first + SPECIAL.iter().position(|special| *special == name).expect("it is one of them") as u32
}

/// `tokenizer.json` with `first` tokens of text.
pub fn tokenizer(first: u32) -> String {
    let mut vocabulary = serde_json::Map::new();
    let mut merges = Vec::new();
    for byte in letters() {
        let id = vocabulary.len();
        vocabulary.insert(byte.to_string(), json!(id));
    }
    let mut merge = |left: String, right: String| {
        let whole = format!("{left}{right}");
        if vocabulary.len() < first as usize && !vocabulary.contains_key(&whole) {
            let id = vocabulary.len();
            vocabulary.insert(whole, json!(id));
            merges.push(json!(format!("{left} {right}")));
        }
    };
    let small = || ('a'..='z').map(String::from);
    let pairs = || small().flat_map(move |a| small().map(move |b| format!("{a}{b}")));
    for a in small() {
        small().for_each(|b| merge(a.clone(), b));
    }
    // As in all such tokenizers, a word and the space before it are one token: `Ġ` is the space.
    for a in small().chain(('A'..='Z').map(String::from)) {
        merge("Ġ".to_owned(), a);
    }
    for pair in pairs() {
        merge("Ġ".to_owned(), pair);
    }
    for pair in pairs() {
        small().for_each(|c| merge(pair.clone(), c));
    }
    for left in pairs() {
        pairs().for_each(|right| merge(left.clone(), right));
    }
    let added: Vec<Value> = SPECIAL
        .iter()
        .map(|name| {
            json!({
                "id": id(first, name), "content": name, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })
        })
        .collect();
    for name in SPECIAL {
        vocabulary.insert(name.to_owned(), json!(id(first, name)));
    }
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
    });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": false},
                byte_level,
            ],
        },
        "post_processor": null,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges,
        },
    })
    .to_string()
}

/// The letters that stand for bytes in byte-level tokenizers: printable ones for themselves, the others moved up.
fn letters() -> impl Iterator<Item = char> {
    let mut moved = 0x100;
    (0..=255u8).map(move |byte| match byte {
        0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte),
        _ => {
            moved += 1;
            char::from_u32(moved - 1).expect("these are letters")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_tokens_have_the_ids_of_glm() {
        let ids =
            ["<|endoftext|>", "[gMASK]", "<|user|>", "<|observation|>", "<|begin_of_image|>", "<|image|>", "</answer>"]
                .map(|name| id(151_329, name));
        assert_eq!(ids, [151_329, 151_331, 151_336, 151_338, 151_339, 151_343, 151_348]);
    }
}
