//! Text to tokens and back, so that only the template and the model can say what is structure.
//!
//! A tokenizer takes `<|user|>` for a turn of the conversation wherever it stands. On a screen it is five letters between
//! signs, and has to stay that: what comes from outside is quoted before it meets the template.

use std::collections::BTreeSet;
use std::path::Path;

use crate::checkpoint::SMALL_BYTES_MAX;
use crate::error::BuildError;

/// Marks of thought and answer: models write them and read them again in later prompts, so they are text to everybody else.
pub const SHOWN: [&str; 4] = ["<think>", "</think>", "<answer>", "</answer>"];

/// How a piece of a picture is written where `config.json` does not name its token.
const PICTURE: &str = "<|image|>";

/// Stands inside a quoted token. No text has it: it is set apart by Unicode as no character.
const QUOTE: char = '\u{10FFFE}';

pub struct Tokenizer {
    tokenizer: tokenizers::Tokenizer,
    /// Special tokens and their texts; longer ones first, so that the first match is the right one.
    special: Vec<(String, u32)>,
    hidden: BTreeSet<u32>,
}

/// A piece of a prompt that is ready for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Special(u32),
    Text(&'a str),
}

impl Tokenizer {
    /// Opens `tokenizer.json`.
    pub fn open(folder: &Path) -> Result<Tokenizer, BuildError> {
        let file = folder.join("tokenizer.json");
        let bytes = crate::checkpoint::read(&file, SMALL_BYTES_MAX)?;
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(bytes)
            .map_err(|error| BuildError::malformed(&file, error.to_string()))?;
        // Prompts are measured and bounded by us; and special tokens are found by us, in `pieces`.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| BuildError::malformed(&file, error.to_string()))?;
        tokenizer.set_encode_special_tokens(true);
        let mut special: Vec<(String, u32)> = tokenizer
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(_, token)| token.special && !token.content.is_empty())
            .map(|(id, token)| (token.content, id))
            .collect();
        special.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let hidden = special.iter().filter(|(text, _)| !SHOWN.contains(&text.as_str())).map(|(_, id)| *id).collect();
        Ok(Tokenizer { tokenizer, special, hidden })
    }

    /// The token that is written so.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// Whether a token is one of structure, or a mark of thought or answer, rather than text.
    pub fn is_special(&self, token: &str) -> bool {
        self.special.iter().any(|(text, _)| text == token)
    }

    /// The token of structure, or mark of thought or answer, that is written so.
    pub fn special_id(&self, token: &str) -> Option<u32> {
        self.special.iter().find(|(text, _)| text == token).map(|(_, id)| *id)
    }

    /// The tokenizer itself, for those who walk its vocabulary.
    pub fn tokenizer(&self) -> &tokenizers::Tokenizer {
        &self.tokenizer
    }

    /// The token that stands for a piece of a picture: what `config.json` says it is, or else the one that is written so.
    ///
    /// # Errors
    /// `BuildError::Unsupported` when there is none, or the two files disagree.
    pub fn picture(&self, said: Option<u32>) -> Result<u32, BuildError> {
        let unsupported = |what| BuildError::Unsupported { what };
        match (said, self.id(PICTURE)) {
            (Some(said), Some(written)) if said != written => Err(unsupported(format!(
                "image_token_id {said} in config.json beside a tokenizer in which `{PICTURE}` is {written}"
            ))),
            (Some(said), _) if self.tokenizer.id_to_token(said).is_none() => Err(unsupported(format!(
                "image_token_id {said} in config.json beside a tokenizer that has no such token"
            ))),
            (Some(id), _) | (None, Some(id)) => Ok(id),
            (None, None) => Err(unsupported(format!("a tokenizer without the token `{PICTURE}`"))),
        }
    }

    /// The highest token there is: numbers may be left out, so a count would not do.
    pub fn highest(&self) -> u32 {
        self.tokenizer.get_vocab(true).into_values().max().unwrap_or(0)
    }

    /// Makes text harmless: no token of structure can come of it, and it is the same text once it is encoded.
    ///
    /// Texts that will stand side by side have to be quoted together.
    pub fn quote(&self, text: &str) -> String {
        // Quotes of others go first: taken out later, they could leave a token behind.
        let text: String = text.chars().filter(|&sign| sign != QUOTE).collect();
        let mut quoted = String::with_capacity(text.len());
        for (at, sign) in text.char_indices() {
            quoted.push(sign);
            let rest = &text[at..];
            if self.special.iter().any(|(token, id)| self.hidden.contains(id) && rest.starts_with(token.as_str())) {
                quoted.push(QUOTE);
            }
        }
        quoted
    }

    /// The tokens of a rendered prompt.
    ///
    /// # Errors
    /// What the tokenizer complains of.
    pub fn encode(&self, rendered: &str) -> Result<Vec<u32>, String> {
        let mut tokens = Vec::new();
        for piece in self.pieces(rendered) {
            match piece {
                Piece::Special(id) => tokens.push(id),
                Piece::Text(text) => {
                    let text: String = text.chars().filter(|&sign| sign != QUOTE).collect();
                    let encoding = self.tokenizer.encode_fast(text, false).map_err(|error| error.to_string())?;
                    tokens.extend_from_slice(encoding.get_ids());
                }
            }
        }
        Ok(tokens)
    }

    /// The text of a reply: marks of thought and answer are in it, tokens of structure only if they are to be `shown`.
    ///
    /// # Errors
    /// What the tokenizer complains of.
    pub fn decode(&self, tokens: &[u32], shown: bool) -> Result<String, String> {
        let shown: Vec<u32> = tokens.iter().copied().filter(|id| shown || !self.hidden.contains(id)).collect();
        self.tokenizer.decode(&shown, false).map_err(|error| error.to_string())
    }

    fn pieces<'a>(&self, text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let (mut start, mut at) = (0, 0);
        while let Some(first) = text[at..].chars().next() {
            let found = self.special.iter().find(|(token, _)| text[at..].starts_with(token.as_str()));
            match found {
                None => at += first.len_utf8(),
                Some((token, id)) => {
                    if start < at {
                        pieces.push(Piece::Text(&text[start..at]));
                    }
                    pieces.push(Piece::Special(*id));
                    at += token.len();
                    start = at;
                }
            }
        }
        if start < at {
            pieces.push(Piece::Text(&text[start..at]));
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")).unwrap()
    }

    #[test]
    fn the_token_of_a_picture_is_what_both_files_say() {
        let tokenizer = tokenizer();
        let written = tokenizer.id(PICTURE).unwrap();
        assert_eq!(tokenizer.picture(Some(written)).unwrap(), written);
        assert_eq!(tokenizer.picture(None).unwrap(), written);
        for said in [written - 1, 151_363] {
            let refused = tokenizer.picture(Some(said)).unwrap_err().to_string();
            assert_eq!(
                refused,
                format!(
                    "not supported: image_token_id {said} in config.json beside a tokenizer in which `<|image|>` is {written}"
                )
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Text made of pieces of special tokens stays text, and the model reads what it says.
        #[test]
        fn quoted_text_is_the_same_text_and_no_structure(
            pieces in prop::collection::vec("<\\|user\\|>|<\\|image\\|>|<\\|im|age|\\[gMASK\\]|<s|op>|<|\\||>|\u{10FFFE}|\n|é|[a-z ]", 0..40)
        ) {
            thread_local!(static TOKENIZER: Tokenizer = tokenizer());
            TOKENIZER.with(|tokenizer| {
                let text = pieces.concat();
                let tokens = tokenizer.encode(&tokenizer.quote(&text)).unwrap();
                prop_assert!(tokens.iter().all(|token| !tokenizer.hidden.contains(token)), "{tokens:?}");
                prop_assert_eq!(tokenizer.decode(&tokens, false).unwrap(), text.replace(QUOTE, ""));
                Ok(())
            })?;
        }
    }
}
