//! A prompt as the decoder takes it: one slot of the cache a token, and where each token stands.

use sha2::{Digest, Sha256};
use tapwright_contract::Picture;

use crate::architecture::{Family, Position, Span};

/// A picture's digest: two pictures with the same one look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight([u8; 32]);

/// What lies in a slot. Two prompts that begin with equal slots share that part of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Word(u32),
    /// A piece of the prompt's picture of that number.
    Patch {
        sight: Sight,
        picture: usize,
        index: usize,
    },
}

/// A picture of a prompt: `rows` by `columns` tokens.
#[derive(Clone, Debug)]
pub struct Seen {
    pub sight: Sight,
    pub picture: Picture,
    pub rows: usize,
    pub columns: usize,
}

/// A prompt in slots.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub slots: Vec<Slot>,
    pub positions: Vec<Position>,
    /// Where the first token of the answer stands, on all three axes.
    pub next: u32,
    pub seen: Vec<Seen>,
}

impl Sight {
    pub fn of(picture: &Picture) -> Sight {
        let size = picture.size();
        let digest = Sha256::new().chain_update(size.width.to_le_bytes()).chain_update(size.height.to_le_bytes());
        Sight(digest.chain_update(picture.rgba()).finalize().into())
    }
}

impl Compiled {
    /// Puts pictures where `mark` stands.
    ///
    /// # Errors
    /// A reason for people, when marks and pictures are not equally many, or there is nothing at all.
    pub fn new(tokens: &[u32], mark: u32, seen: Vec<Seen>, family: &dyn Family) -> Result<Compiled, String> {
        let marks = tokens.iter().filter(|&&token| token == mark).count();
        if marks != seen.len() {
            return Err(format!("the model's template has room for {marks} of {} pictures", seen.len()));
        }
        if tokens.is_empty() {
            return Err("there is nothing in it".to_owned());
        }
        let (mut slots, mut spans) = (Vec::new(), Vec::new());
        let mut pictures = seen.iter().enumerate();
        for &token in tokens {
            if token != mark {
                slots.push(Slot::Word(token));
                spans.push(Span::Text(1));
                continue;
            }
            let (picture, &Seen { sight, rows, columns, .. }) = pictures.next().expect("they were counted");
            slots.extend((0..rows * columns).map(|index| Slot::Patch { sight, picture, index }));
            spans.push(Span::Picture { rows, columns });
        }
        let (positions, next) = family.positions(&spans);
        Ok(Compiled { slots, positions, next, seen })
    }
}
