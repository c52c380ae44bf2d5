//! Runs a model once before anybody waits for it, where the machine may have no kernel for a width of the model: ONNX Runtime's fused
//! products with int4 and int8 weights on a card say so only when they are run (its issue 29691), not when a graph is loaded.

use tapwright_contract::model::ModelErrorKind;

use super::Engine;
use super::doctor::{fresh, picture, said};
use super::interrupt::Interrupt;

/// Encodes a small picture, and reads prompts of 1, 2, 4, … tokens up to the longest that is read at a time: kernels are picked by length.
///
/// # Errors
/// What ONNX Runtime objects to.
pub fn probe(engine: &mut Engine) -> Result<(), ModelErrorKind> {
    let interrupt = Interrupt::new()?;
    let image = engine.preparer.layout_image(&picture(0)).map_err(|unfit| super::fatal(unfit.to_string()))?;
    engine.encode_image(&image, &interrupt)?;
    // A word has a token at least.
    let words = engine.chunk.min(engine.preparer.context / 8);
    let prompt = engine.preparer.tokenize(&[said(0, words)], None)?;
    let longest = engine.chunk.min(prompt.slots.len());
    let mut cache = fresh(engine, &prompt, longest)?;
    let doubled = std::iter::successors(Some(1), |length| Some(2 * length)).take_while(|&length| length < longest);
    for length in doubled.chain([longest]) {
        let embeds = engine.embed(&prompt.slots[..length], &[])?;
        engine.decoder.run(&mut cache, embeds, 0, &[length as i64 - 1], interrupt.options())?;
    }
    Ok(())
}
