//! One answer, a step at a time: a picture, a chunk of the prompt, a token.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use tapwright_contract::model::ModelErrorKind;
use tapwright_picture::{Pixels, prepare};

use super::detokenizer::Detokenizer;
use super::grammar::Constraint;
use super::interrupt::Interrupt;
use super::pool::{Conversation, ConversationId, PoolError};
use super::prepare::{ANSWER_ROOM, PreparedRequest, RotaryTables};
use super::prompt::{PreparedImage, PromptSlot, TokenizedPrompt};
use super::runtime::RuntimeError;
use super::sampling::{SampleError, Sampler};
use super::thread::BeginError;
use super::{Engine, fatal};
use crate::request::{FinishReason, Usage};

/// An answer under way. One that is over, or not wanted any more, goes to `Engine::release`.
pub struct ActiveAnswer {
    pub prompt: TokenizedPrompt,
    pub conversation: ConversationId,
    /// How many tokens it may have.
    max_new_tokens: usize,
    rotary: RotaryTables,
    /// Of each picture, once it was encoded.
    features: Vec<Option<Rc<[f32]>>>,
    /// Of what follows; nothing until the prompt is read.
    pub logits: Option<Vec<f32>>,
    /// Tokens that the grammar forces, to be fed one by one.
    forced_tokens: VecDeque<u32>,
    sampler: Sampler,
    constraint: Option<Constraint>,
    pub detokenizer: Detokenizer,
    /// Tokens that end the answer, besides the model's own.
    ends: Vec<u32>,
    /// How many tokens it has before one of those may end it.
    tokens_min: u32,
    stop_shown: bool,
    pub usage: Usage,
    interrupt: Arc<Interrupt>,
}

/// What a step brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StepOutput {
    /// Text of the answer.
    pub text: String,
    /// Why it ended, if it did.
    pub end: Option<FinishReason>,
}

impl Engine {
    /// Begins an answer: finds the conversation that it goes on, and reserves what it may need.
    ///
    /// # Errors
    /// `BeginError::Busy` gives the request back when it has to wait for another answer to end.
    pub fn begin_prepared(
        &mut self,
        prepared: PreparedRequest,
        interrupt: Arc<Interrupt>,
    ) -> Result<ActiveAnswer, BeginError<PreparedRequest>> {
        let length = prepared.prompt.slots.len();
        let (now, in_all) = (length + prepared.max_new_tokens.min(ANSWER_ROOM), length + prepared.max_new_tokens);
        let (id, cached) = match self.pool.take(&self.decoder, &prepared.prompt.slots, now, in_all) {
            Ok(found) => found,
            Err(PoolError::Busy) => return Err(BeginError::Busy(Box::new(prepared))),
            Err(PoolError::Memory(error)) => return Err(BeginError::NoMemory(Box::new(prepared), error.to_string())),
        };
        let bound = self.decoder.bind_rotary_tables(&mut self.pool.get_mut(id).cache, &prepared.rotary);
        if let Err(error) = bound {
            self.pool.discard(id);
            return Err(BeginError::Failed(error.into()));
        }
        tracing::debug!(tokens = length, cached, conversation = id, "reading a prompt");

        let PreparedRequest { request, prompt, constraint, rotary, max_new_tokens } = prepared;
        let (mut ends, mut stops) = (request.stop_tokens.clone(), self.stops.clone());
        for stop in request.stop.iter().filter(|stop| !stop.is_empty()) {
            // Tokens of structure are not written out, so that no text would have them.
            ends.extend(self.preparer.tokenizer.special_id(stop));
            stops.push(stop.clone());
        }
        let tokens =
            prompt.slots.iter().filter_map(|slot| if let PromptSlot::Token(id) = slot { Some(*id) } else { None });
        Ok(ActiveAnswer {
            conversation: id,
            max_new_tokens,
            rotary,
            features: vec![None; prompt.images.len()],
            logits: None,
            forced_tokens: VecDeque::new(),
            sampler: Sampler::new(request.sampling.clone(), request.logit_bias.clone(), tokens),
            constraint,
            detokenizer: Detokenizer::new(stops, request.stop_shown, request.special_shown),
            ends,
            tokens_min: request.tokens_min,
            stop_shown: request.stop_shown,
            usage: Usage { prompt: length as u32, cached: cached as u32, answer: 0, forced: 0 },
            interrupt,
            prompt,
        })
    }

    /// Takes an answer's next step: encodes a picture, reads a chunk of the prompt, or says a token. Once there is an end, or an
    /// error, it is over.
    ///
    /// # Errors
    /// What went wrong; `ModelErrorKind::Fatal` where the model or the machine is to blame.
    pub fn step(&mut self, answer: &mut ActiveAnswer) -> Result<StepOutput, ModelErrorKind> {
        if let Some(mut logits) = answer.logits.take() {
            return self.sample(answer, &mut logits);
        }
        let past = self.pool.get(answer.conversation).past.len();
        let slots = &answer.prompt.slots[past..];
        let chunk = slots[..slots.len().min(self.chunk)].to_vec();
        // Pictures of this chunk that were not encoded yet: one of them, and then it is another answer's turn.
        let unseen = chunk.iter().find_map(|slot| match slot {
            PromptSlot::Patch { picture, .. } if answer.features[*picture].is_none() => Some(*picture),
            _ => None,
        });
        if let Some(picture) = unseen {
            let features = self.encode_image(&answer.prompt.images[picture], &answer.interrupt)?;
            answer.features[picture] = Some(features);
            return Ok(StepOutput::default());
        }
        let last = chunk.len() == slots.len();
        let logits = self.compute(answer, &chunk, last)?;
        answer.logits = last.then_some(logits);
        Ok(StepOutput::default())
    }

    /// Leaves an answer as it is. What was read stays in the cache for whoever asks the same again, unless it is not to be trusted.
    pub fn release(&mut self, conversation: ConversationId, keep: bool) {
        if keep { self.pool.release(conversation) } else { self.pool.discard(conversation) }
    }

    /// Says the next token, and those that the grammar leaves no choice about.
    fn sample(&mut self, answer: &mut ActiveAnswer, logits: &mut [f32]) -> Result<StepOutput, ModelErrorKind> {
        let mut output = StepOutput::default();
        let mut fed = Vec::new();
        if answer.forced_tokens.is_empty() {
            // What has to be said at the very beginning.
            answer.force()?;
        }
        if answer.forced_tokens.is_empty() {
            if answer.constraint.as_ref().is_some_and(Constraint::is_over) {
                return self.finish(answer, output, FinishReason::Grammar);
            }
            if let Some(constraint) = &mut answer.constraint {
                constraint.mask(logits).map_err(refusal)?;
            }
            if answer.usage.answer < answer.tokens_min {
                forbid(logits, self.preparer.ends.iter().chain(&answer.ends));
            }
            let token = answer.sampler.choose(logits).map_err(sample_error)?;
            if let Some(finish) = self.accept_token(answer, token, &mut output)? {
                return self.finish(answer, output, finish);
            }
            if let Some(constraint) = &mut answer.constraint {
                constraint.accept(token).map_err(refusal)?;
            }
            fed.push(token);
            answer.force()?;
        }
        while let Some(token) = answer.forced_tokens.pop_front() {
            answer.sampler.note(token);
            answer.usage.forced += 1;
            if let Some(finish) = self.accept_token(answer, token, &mut output)? {
                return self.finish(answer, output, finish);
            }
            fed.push(token);
            if !self.fast_forward {
                break;
            }
        }
        if answer.forced_tokens.is_empty() && answer.constraint.as_ref().is_some_and(Constraint::is_over) {
            return self.finish(answer, output, FinishReason::Grammar);
        }
        let fed: Vec<PromptSlot> = fed.into_iter().map(PromptSlot::Token).collect();
        answer.logits = Some(self.compute(answer, &fed, true)?);
        Ok(output)
    }

    /// Takes a token into the answer; says why it ends the answer, if it does.
    fn accept_token(
        &mut self,
        answer: &mut ActiveAnswer,
        token: u32,
        output: &mut StepOutput,
    ) -> Result<Option<FinishReason>, ModelErrorKind> {
        let tokenizer = &self.preparer.tokenizer;
        answer.usage.answer += 1;
        if self.preparer.ends.contains(&token) || answer.ends.contains(&token) {
            if answer.stop_shown && answer.ends.contains(&token) {
                let shown = answer.detokenizer.push(token, tokenizer).map_err(decode_error)?;
                output.text.push_str(&shown.text);
            }
            return Ok(Some(FinishReason::Token(token)));
        }
        let shown = answer.detokenizer.push(token, tokenizer).map_err(decode_error)?;
        output.text.push_str(&shown.text);
        if let Some(stop) = shown.stop {
            return Ok(Some(FinishReason::Text(stop)));
        }
        Ok((answer.usage.answer as usize == answer.max_new_tokens).then_some(FinishReason::Length))
    }

    /// The last of an answer's text, and why it ended.
    fn finish(
        &self,
        answer: &mut ActiveAnswer,
        mut output: StepOutput,
        finish: FinishReason,
    ) -> Result<StepOutput, ModelErrorKind> {
        let mut end = finish;
        if !matches!(end, FinishReason::Text(_)) {
            let shown = answer.detokenizer.finish(&self.preparer.tokenizer).map_err(decode_error)?;
            output.text.push_str(&shown.text);
            if let Some(stop) = shown.stop {
                end = FinishReason::Text(stop);
            }
        }
        output.end = Some(end);
        Ok(output)
    }

    /// Computes slots behind those that an answer's conversation has; the logits of the last one, if they are wanted.
    fn compute(
        &mut self,
        answer: &mut ActiveAnswer,
        slots: &[PromptSlot],
        logits: bool,
    ) -> Result<Vec<f32>, ModelErrorKind> {
        let id = answer.conversation;
        let past = self.pool.get(id).past.len();
        let total = past + slots.len();
        self.pool.grow(&self.decoder, id, total).map_err(|error| match error {
            PoolError::Busy => ModelErrorKind::Unavailable { why: NO_ROOM.to_owned(), retry_after: None },
            PoolError::Memory(error) => {
                let why = format!("there is no memory for more of this conversation: {error}");
                ModelErrorKind::Unavailable { why, retry_after: None }
            }
        })?;
        if total > answer.rotary.slots {
            let longest = answer.prompt.slots.len() + answer.max_new_tokens;
            let more = answer.rotary.slots..(total + ANSWER_ROOM).min(longest.max(total));
            answer.rotary.extend(RotaryTables::new(&*self.preparer.family, &answer.prompt, more));
            self.decoder.bind_rotary_tables(&mut self.pool.get_mut(id).cache, &answer.rotary)?;
        }
        let rows: &[i64] = if logits { &[slots.len() as i64 - 1] } else { &[] };
        let run = |engine: &mut Engine| {
            let embeds = engine.embed(slots, &answer.features)?;
            let Conversation { cache, .. } = engine.pool.get_mut(id);
            engine.decoder.run(cache, embeds, past, rows, answer.interrupt.options())
        };
        let computed = match run(self) {
            // It may have wanted memory that idle conversations hold. Slots that were half computed are computed again.
            Err(_) if !answer.interrupt.is_interrupted() && self.pool.discard_idle() => run(self),
            computed => computed,
        }?;
        self.pool.get_mut(id).past.extend_from_slice(slots);
        Ok(computed)
    }

    /// What the decoder is given of these slots: `[planes, tokens, width]`. Text is in the first plane alone.
    pub fn embed(&self, slots: &[PromptSlot], features: &[Option<Rc<[f32]>>]) -> Result<Vec<f32>, RuntimeError> {
        let spec = self.preparer.family.spec();
        let (width, planes) = (spec.text.width as usize, spec.vision.planes);
        let mut embeds = Vec::with_capacity(planes * slots.len() * width);
        for slot in slots {
            match *slot {
                PromptSlot::Token(token) => self.embeddings.append(token, &mut embeds)?,
                PromptSlot::Patch { picture, index, .. } => {
                    let first = index * planes * width;
                    let row = features.get(picture).and_then(Option::as_deref);
                    let row = row.and_then(|features| features.get(first..first + width));
                    embeds.extend_from_slice(row.ok_or_else(|| RuntimeError::new("a picture that was not encoded"))?);
                }
            }
        }
        embeds.resize(planes * slots.len() * width, 0.0);
        for plane in 1..planes {
            for (place, slot) in slots.iter().enumerate() {
                let PromptSlot::Patch { picture, index, .. } = *slot else { continue };
                let Some(features) = features.get(picture).and_then(Option::as_deref) else { continue };
                let from = (index * planes + plane) * width;
                let to = (plane * slots.len() + place) * width;
                embeds[to..to + width].copy_from_slice(&features[from..from + width]);
            }
        }
        Ok(embeds)
    }

    /// What the encoder makes of a picture: `[rows * columns, planes * width]`. The latest are kept.
    pub fn encode_image(&mut self, image: &PreparedImage, interrupt: &Interrupt) -> Result<Rc<[f32]>, ModelErrorKind> {
        if let Some(found) = self.images.get(&image.key) {
            return Ok(found);
        }
        let size = image.picture.size();
        let run = |engine: &mut Engine| -> Result<Vec<f32>, ModelErrorKind> {
            let prepared = Pixels::rgba(image.picture.rgba(), size.width, size.height)
                .and_then(|pixels| prepare(pixels, &engine.preparer.processor))
                .map_err(|unfit| ModelErrorKind::InvalidPrompt { why: unfit.to_string() })?;
            let grid = [prepared.rows as usize, prepared.columns as usize];
            let told = engine.preparer.family.vision_inputs(grid[0], grid[1]);
            Ok(engine.encoder.run(prepared.patches, &told, grid, interrupt.options())?)
        };
        let features: Rc<[f32]> = match run(self) {
            Err(ModelErrorKind::Fatal { .. }) if !interrupt.is_interrupted() && self.pool.discard_idle() => run(self)?,
            computed => computed?,
        }
        .into();
        let spec = self.preparer.family.spec();
        let expected = image.rows * image.columns * spec.vision.planes * spec.text.width as usize;
        if features.len() != expected {
            return Err(fatal(format!("the vision encoder returned {} numbers for {expected}", features.len())));
        }
        // A picture that came out broken would spoil every answer that shows it again.
        if !features.iter().all(|number| number.is_finite()) {
            return Err(fatal(
                "the vision encoder returned non-finite features; the weights may be corrupt, or overflow in 16 bits: build the model with --precision bf16 or fp32",
            ));
        }
        self.images.insert(image.key, features.clone());
        Ok(features)
    }
}

/// What is said when idle memory cannot be had.
pub const NO_ROOM: &str = "the answers under way hold all the memory there is; ask again later";

impl ActiveAnswer {
    /// Takes the tokens that the grammar leaves no choice about.
    fn force(&mut self) -> Result<(), ModelErrorKind> {
        if let Some(constraint) = &mut self.constraint {
            self.forced_tokens.extend(constraint.forced_tokens().map_err(refusal)?);
        }
        Ok(())
    }
}

/// Makes the logits of these tokens minus infinity, unless nothing else may be said: then a grammar is at its end.
pub fn forbid<'a>(logits: &mut [f32], tokens: impl Iterator<Item = &'a u32>) {
    let forbidden: Vec<(usize, f32)> =
        tokens.filter_map(|&token| Some((token as usize, *logits.get(token as usize)?))).collect();
    forbidden.iter().for_each(|&(token, _)| logits[token] = f32::NEG_INFINITY);
    if logits.iter().all(|&logit| logit == f32::NEG_INFINITY) {
        // In the other order, as a token may be named twice.
        forbidden.iter().rev().for_each(|&(token, logit)| logits[token] = logit);
    }
}

fn refusal(why: String) -> ModelErrorKind {
    ModelErrorKind::InvalidPrompt { why: format!("the grammar: {why}") }
}

fn decode_error(why: String) -> ModelErrorKind {
    fatal(format!("the tokenizer cannot decode: {why}"))
}

fn sample_error(error: SampleError) -> ModelErrorKind {
    match error {
        SampleError::NotFinite => fatal(
            "the model returned NaN or infinite logits; the weights may be corrupt, or overflow in 16 bits: build the model with --precision bf16 or fp32",
        ),
        SampleError::Penalties => ModelErrorKind::InvalidPrompt {
            why: "the penalties turn the model's logits into infinities; bring repetition_penalty closer to 1"
                .to_owned(),
        },
        SampleError::Nothing => ModelErrorKind::InvalidPrompt { why: "the grammar allows no token here".to_owned() },
    }
}
