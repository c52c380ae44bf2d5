//! What can be done for a request before it is the engine's turn: rendering, tokens, digests of pictures, the grammar, the rotary
//! tables. It needs no engine, and is done on other threads, so that a long prompt holds up nobody's answer.

use std::sync::{Arc, OnceLock};

use tapwright_contract::Picture;
use tapwright_contract::model::{ModelErrorKind, Part, Turn};
use tapwright_picture::{ImageProcessor, Unfit, smart_resize};

use super::grammar::{Constraint, Grammars};
use super::prompt::{ImageKey, PreparedImage, TokenizedPrompt};
use crate::architecture::{Family, NamedTensor, Values};
use crate::chat::ChatTemplate;
use crate::request::{AnswerError, Grammar, Request};
use crate::tokenizer::Tokenizer;

/// The most tokens of an answer that a cache is given room for at once; a longer one gets more as it goes on.
pub const ANSWER_ROOM: usize = 512;

/// A loaded model's way of reading.
pub struct Preparer {
    pub family: Box<dyn Family>,
    pub tokenizer: Arc<Tokenizer>,
    pub template: ChatTemplate,
    pub processor: ImageProcessor,
    /// The token that stands for a piece of a picture.
    pub image_token: u32,
    /// The model's own ends.
    pub ends: Vec<u32>,
    /// The most tokens of a prompt and its answer.
    pub context: usize,
    /// Made when a grammar is first asked for; or why there can be none.
    pub grammars: OnceLock<Result<Grammars, String>>,
}

/// A request that an engine can begin with at once.
pub struct PreparedRequest {
    pub request: Request,
    pub prompt: TokenizedPrompt,
    pub constraint: Option<Constraint>,
    /// Of the prompt's slots and of the first of the answer's.
    pub rotary: RotaryTables,
    /// How many tokens the answer may have.
    pub max_new_tokens: usize,
}

/// What the decoder is told of its slots, a row a slot: the angles by which their keys and queries are rotated.
#[derive(Default)]
pub struct RotaryTables {
    pub slots: usize,
    pub tensors: Vec<NamedTensor>,
}

impl Preparer {
    /// Prepares a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn prepare(&self, mut request: Request) -> Result<PreparedRequest, AnswerError> {
        let invalid = |why: String| ModelErrorKind::InvalidPrompt { why };
        if let Some(why) = request.sampling.invalid_value() {
            return Err(invalid(why).into());
        }
        if request.tokens_max == Some(0) {
            return Err(invalid("an answer of no tokens is asked for; ask for 1 at least".to_owned()).into());
        }
        let rows = self.family.spec().text.vocabulary;
        if let Some(token) = request.logit_bias.keys().copied().find(|&token| u64::from(token) >= rows) {
            return Err(
                invalid(format!("logit_bias: there is no token {token}; they go from 0 to {}", rows - 1)).into()
            );
        }
        let turns = std::mem::take(&mut request.turns);
        let prompt = self.tokenize(&turns, request.thinking)?;
        drop(turns);
        // The grammar comes last: it is of no use to a prompt that is too long.
        let room = self.room(&prompt, request.tokens_max)?;
        let constraint = request.grammar.as_ref().map(|grammar| self.constraint(grammar)).transpose()?;
        self.complete(request, prompt, constraint, room)
    }

    /// The same, of a prompt that is in tokens already.
    ///
    /// # Errors
    /// As `prepare`.
    pub fn complete(
        &self,
        request: Request,
        prompt: TokenizedPrompt,
        constraint: Option<Constraint>,
        max_new_tokens: usize,
    ) -> Result<PreparedRequest, AnswerError> {
        let slots = prompt.slots.len() + max_new_tokens.min(ANSWER_ROOM);
        let rotary = RotaryTables::new(&*self.family, &prompt, 0..slots);
        Ok(PreparedRequest { request, prompt, constraint, rotary, max_new_tokens })
    }

    /// How many tokens an answer to a prompt may have.
    ///
    /// # Errors
    /// When there is not even one.
    pub fn room(&self, prompt: &TokenizedPrompt, wanted: Option<u32>) -> Result<usize, AnswerError> {
        let length = prompt.slots.len();
        match self.context.saturating_sub(length) {
            0 => Err(AnswerError::ContextExceeded { prompt: length, limit: self.context }),
            room => Ok(wanted.map_or(room, |wanted| room.min(wanted as usize))),
        }
    }

    /// What was said, in tokens and pictures.
    ///
    /// # Errors
    /// What the template, the tokenizer or the pictures do not allow.
    pub fn tokenize(&self, turns: &[Turn], thinking: Option<bool>) -> Result<TokenizedPrompt, ModelErrorKind> {
        let invalid = |why: String| ModelErrorKind::InvalidPrompt { why };
        let rendered = self.template.render(turns, &self.tokenizer, thinking).map_err(invalid)?;
        let tokens = self.tokenizer.encode(&rendered).map_err(invalid)?;
        let mut images = Vec::new();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            if let Part::Picture(picture) = part {
                images.push(self.layout_image(picture).map_err(|unfit| invalid(unfit.to_string()))?);
            }
        }
        TokenizedPrompt::new(&tokens, self.image_token, images, &*self.family).map_err(invalid)
    }

    /// How a picture will stand in the prompt.
    ///
    /// # Errors
    /// When it is too narrow to be shown.
    pub fn layout_image(&self, picture: &Picture) -> Result<PreparedImage, Unfit> {
        let (height, width) = smart_resize(picture.size().height, picture.size().width, &self.processor)?;
        Ok(PreparedImage {
            key: ImageKey::of(picture),
            picture: picture.clone(),
            rows: (height / self.processor.factor()) as usize,
            columns: (width / self.processor.factor()) as usize,
        })
    }

    fn constraint(&self, grammar: &Grammar) -> Result<Constraint, ModelErrorKind> {
        let rows = self.family.spec().text.vocabulary as usize;
        let grammars = self.grammars.get_or_init(|| Grammars::new(&self.tokenizer, rows, &self.ends, self.context));
        let grammars = grammars.as_ref().map_err(|why| ModelErrorKind::Fatal {
            why: format!("this model's tokenizer cannot be held to a grammar: {why}"),
        })?;
        grammars.constraint(grammar).map_err(|why| ModelErrorKind::InvalidPrompt { why: format!("the grammar: {why}") })
    }
}

impl RotaryTables {
    /// The rows of those slots.
    pub fn new(family: &dyn Family, prompt: &TokenizedPrompt, slots: std::ops::Range<usize>) -> RotaryTables {
        let length = prompt.slots.len();
        let positions = if slots.start < length {
            let mut positions = prompt.positions(slots.end);
            positions.drain(..slots.start);
            positions
        } else {
            prompt.answer_positions(slots.clone())
        };
        RotaryTables { slots: slots.len(), tensors: family.text_inputs(&positions) }
    }

    /// Adds rows behind these.
    pub fn extend(&mut self, more: RotaryTables) {
        self.slots += more.slots;
        for (tensor, more) in self.tensors.iter_mut().zip(more.tensors) {
            tensor.shape[0] += more.shape[0];
            match (&mut tensor.values, more.values) {
                (Values::Float(values), Values::Float(more)) => values.extend(more),
                (Values::I64(values), Values::I64(more)) => values.extend(more),
                (Values::Float(_), Values::I64(_)) | (Values::I64(_), Values::Float(_)) => {
                    unreachable!("a family tells all of its slots in the same numbers")
                }
            }
        }
    }
}
