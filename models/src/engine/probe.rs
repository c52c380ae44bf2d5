//! Runs a model once before anybody waits for it, where the machine may have no kernel for a width of the model: ONNX Runtime's fused
//! products with int4 and int8 weights on a card say so only when they are run (its issue 29691), not when a graph is loaded; and for a
//! 9B in int4 and bf16 they returned numbers that are none (1.31.1 on an H200, with a picture in the prompt).

use tapwright_contract::model::ModelErrorKind;

use super::Engine;
use super::doctor::{fresh, picture, question_turn};
use super::interrupt::Interrupt;
use super::prompt::PromptSlot;
use super::runtime::KvCache;

/// Words of a prompt as long as those of an agent.
const WORDS: usize = 2048;

/// Encodes a small picture, and reads prompts of 1, 2, 4, … tokens up to the longest that is read at a time, as kernels are picked by
/// length, and then a long one in chunks.
///
/// # Errors
/// What ONNX Runtime objects to, or that a number is not finite.
pub fn probe(engine: &mut Engine) -> Result<(), ModelErrorKind> {
    let image = engine.preparer.layout_image(&picture(0)).map_err(|unfit| super::fatal(unfit.to_string()))?;
    let features = engine.encode_image(&image, &Interrupt::new()?)?;
    finite(&features, "features of a picture")?;
    // A word has a few tokens at most.
    let prompt = engine.preparer.tokenize(&[question_turn(0, WORDS.min(engine.preparer.context / 8))], None)?;
    let (slots, chunk) = (&prompt.slots, engine.chunk);
    let mut cache = fresh(engine, &prompt, slots.len())?;
    let longest = chunk.min(slots.len());
    for length in std::iter::successors(Some(1), |length| Some(2 * length)).take_while(|&length| length < longest) {
        read(engine, &mut cache, &slots[..length], 0)?;
    }
    for (n, part) in slots.chunks(chunk).enumerate() {
        read(engine, &mut cache, part, n * chunk)?;
    }
    Ok(())
}

fn read(engine: &mut Engine, cache: &mut KvCache, slots: &[PromptSlot], past: usize) -> Result<(), ModelErrorKind> {
    let embeds = engine.embed(slots, &[])?;
    let logits = engine.decoder.run(cache, embeds, past, &[slots.len() as i64 - 1], Interrupt::new()?.options())?;
    finite(&logits, &format!("logits of {} tokens behind {past}", slots.len()))
}

fn finite(numbers: &[f32], what: &str) -> Result<(), ModelErrorKind> {
    match numbers.iter().all(|number| number.is_finite()) {
        true => Ok(()),
        false => Err(super::fatal(format!("{what} are not finite"))),
    }
}
