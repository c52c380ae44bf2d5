//! A prompt as the decoder takes it: one slot of the cache a token, and where each token stands.

use sha2::{Digest, Sha256};
use tapwright_contract::Picture;

use crate::architecture::{Family, Position, Span};

/// A picture's digest: two pictures with the same one look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageKey([u8; 32]);

/// What lies in a slot. Two prompts that begin with equal slots share that part of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptSlot {
    Token(u32),
    /// A piece of the prompt's picture of that number.
    Patch {
        key: ImageKey,
        picture: usize,
        index: usize,
    },
}

/// A picture of a prompt: `rows` by `columns` tokens.
#[derive(Clone, Debug)]
pub struct PreparedImage {
    pub key: ImageKey,
    pub picture: Picture,
    pub rows: usize,
    pub columns: usize,
}

/// A prompt in slots.
#[derive(Clone, Debug)]
pub struct TokenizedPrompt {
    pub slots: Vec<PromptSlot>,
    pub positions: Vec<Position>,
    /// Where the first token of the answer stands, on all three axes.
    pub next: u32,
    pub images: Vec<PreparedImage>,
}

impl ImageKey {
    pub fn of(picture: &Picture) -> ImageKey {
        let size = picture.size();
        let digest = Sha256::new().chain_update(size.width.to_le_bytes()).chain_update(size.height.to_le_bytes());
        ImageKey(digest.chain_update(picture.rgba()).finalize().into())
    }
}

impl TokenizedPrompt {
    /// Puts pictures where `mark` stands.
    ///
    /// # Errors
    /// A reason for people, when marks and pictures are not equally many, or there is nothing at all.
    pub fn new(
        tokens: &[u32],
        mark: u32,
        images: Vec<PreparedImage>,
        family: &dyn Family,
    ) -> Result<TokenizedPrompt, String> {
        let marks = tokens.iter().filter(|&&token| token == mark).count();
        if marks != images.len() {
            return Err(format!(
                "the model's chat template shows {marks} of {} pictures; put pictures into a user's message",
                images.len()
            ));
        }
        if tokens.is_empty() {
            return Err("the prompt is empty".to_owned());
        }
        let (mut slots, mut spans) = (Vec::new(), Vec::new());
        let mut pictures = images.iter().enumerate();
        for &token in tokens {
            if token != mark {
                slots.push(PromptSlot::Token(token));
                spans.push(Span::Text(1));
                continue;
            }
            let Some((picture, &PreparedImage { key, rows, columns, .. })) = pictures.next() else { break };
            slots.extend((0..rows * columns).map(|index| PromptSlot::Patch { key, picture, index }));
            spans.push(Span::Picture { rows, columns });
        }
        let (positions, next) = family.positions(&spans);
        Ok(TokenizedPrompt { slots, positions, next, images })
    }

    /// Where the first `count` slots of the prompt and of its answer stand.
    pub fn positions(&self, count: usize) -> Vec<Position> {
        let answered = (self.next..).map(|place| [place; 3]);
        self.positions.iter().copied().chain(answered).take(count).collect()
    }

    /// Where slots of the answer stand, `from` the first to be counted.
    pub fn answer_positions(&self, slots: std::ops::Range<usize>) -> Vec<Position> {
        let length = self.slots.len();
        slots.map(|slot| [self.next + (slot - length) as u32; 3]).collect()
    }
}
