//! The local engine: a prompt's tokens through the graphs of a built folder, one token of the reply at a time.
//!
//! Inference blocks, so it has a thread of its own (`local`); everything else here is plain code on that thread.

pub mod doctor;
mod embeddings;
#[cfg(test)]
pub(crate) mod goldens;
mod grammar;
mod local;
mod numbers;
mod prompt;
pub mod providers;
#[cfg(test)]
mod quantised;
mod runtime;
mod sampling;
mod speech;
#[cfg(test)]
mod tests;

pub use local::{Local, OpenError, Options};

use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;
use tapwright_contract::Picture;
use tapwright_contract::model::{ModelErrorKind, Part, Turn};
use tapwright_picture::{ImageProcessor, Pixels, Unfit, prepare, smart_resize};

use crate::BuildError;
use crate::architecture::{self, Family, OneOrMany, Position};
use crate::chat::Template;
use crate::checkpoint::parse;
use crate::folder::{self, SMALL_BYTES_MAX};
use crate::request::{Finish, Grammar, Request, Usage};
use crate::tokenizer::Tokenizer;
use embeddings::Embeddings;
use grammar::{Constraint, Grammars};
use prompt::{Compiled, Seen, Sight, Slot};
use providers::{Numbers, Picked, Setup};
use runtime::{Cache, Decoder, Encoder, RuntimeError};
use sampling::Sampler;
use speech::Speech;

/// Pictures whose features are kept: the screen before a step and after it, for two devices.
const SIGHTS_KEPT: usize = 4;
/// The most tokens of an answer that a cache is given room for at once; a longer one gets more as it goes on.
const ROOM: usize = 512;

/// A model, loaded.
pub struct Engine {
    family: Box<dyn Family>,
    processor: ImageProcessor,
    words: Arc<Tokenizer>,
    template: Template,
    /// The token that stands for a piece of a picture.
    picture: u32,
    ends: Vec<u32>,
    /// Texts that end an answer and are no tokens of their own.
    stops: Vec<String>,
    embeddings: Embeddings,
    encoder: Encoder,
    decoder: Decoder,
    /// Who computes, and why.
    picked: Picked,
    /// Whether the graphs compute with 32 bits throughout.
    full: bool,
    /// Made when a grammar is first asked for; or why there can be none.
    grammars: Option<Result<Grammars, String>>,
    conversations: Vec<Conversation>,
    /// Counts answers, so that the conversation that was not used for longest can be told.
    clock: u64,
    /// The latest last.
    sights: VecDeque<(Sight, Rc<[f32]>)>,
    chunk: usize,
    context: usize,
    conversations_max: usize,
    cache_bytes_max: usize,
    /// Whether tokens that a grammar forces are computed together.
    jumps: bool,
}

/// What was said to whom: a cache and what lies in its slots.
struct Conversation {
    past: Vec<Slot>,
    cache: Cache,
    used: u64,
    busy: bool,
}

/// An answer under way. One that is not wanted any more goes to `Engine::give_up`.
pub struct Work {
    compiled: Compiled,
    /// Index of its conversation.
    at: usize,
    /// How many tokens the answer may have.
    room: usize,
    /// Of each picture, once it was looked at.
    features: Vec<Option<Rc<[f32]>>>,
    /// Of what follows; nothing until the prompt is read.
    logits: Option<Vec<f32>>,
    /// Tokens that the grammar forces, to be fed one by one.
    forced: VecDeque<u32>,
    sampler: Sampler,
    constraint: Option<Constraint>,
    speech: Speech,
    /// Tokens that end the answer, besides the model's own.
    ends: Vec<u32>,
    stop_shown: bool,
    usage: Usage,
}

/// What a bit of work brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct More {
    /// Text of the answer.
    pub text: String,
    /// Why it ended, if it did.
    pub end: Option<Finish>,
}

/// `generation_config.json`
#[derive(Deserialize)]
struct Generation {
    eos_token_id: Option<OneOrMany>,
}

impl Engine {
    /// Opens a built folder; blocks for as long as the weights take to load.
    fn open(folder: &Path, library: &Path, options: &Options) -> Result<Engine, OpenError> {
        Engine::open_recorded(folder, library, options, None)
    }

    /// The same, with ONNX Runtime's records of who computes what, in a folder: `vision…` and `decoder…`.
    fn open_recorded(
        folder: &Path,
        library: &Path,
        options: &Options,
        records: Option<&Path>,
    ) -> Result<Engine, OpenError> {
        if let Some(nonsense) = options.settings.nonsense() {
            return Err(OpenError::Settings { what: nonsense });
        }
        let settings = &options.settings;
        let family = folder::family(folder)?;
        let spec = family.spec();
        let record = folder::record(folder)?;
        let words = Tokenizer::open(folder)?;
        let template = Template::open(folder, settings.newline_after_picture)?;
        let embeddings = Embeddings::open(folder, record.embeddings)?;
        let picture = words.picture(spec.image_token)?;
        if u64::from(words.highest()) >= embeddings.rows() {
            return Err(OpenError::Build(BuildError::Unsupported {
                what: format!("a tokenizer with token {} beside {} rows", words.highest(), embeddings.rows()),
            }));
        }

        let mut ends = spec.end_tokens.clone();
        let generation = folder.join("generation_config.json");
        if generation.is_file() {
            ends.extend(
                parse::<Generation>(&generation, SMALL_BYTES_MAX)?.eos_token_id.map_or(Vec::new(), OneOrMany::into_vec),
            );
        }
        let mut stops = Vec::new();
        for stop in &settings.stop {
            match words.id(stop) {
                Some(id) => ends.push(id),
                None => stops.push(stop.clone()),
            }
        }

        let environment = runtime::load(library)?;
        let picked = providers::pick(&environment, library, options.provider, Numbers::of(record.decoder.numbers))?;
        tracing::info!(provider = %picked.provider, why = picked.why, "computes the model");
        let [vision_record, decoder_record] = ["vision", "decoder"].map(|graph| records.map(|at| at.join(graph)));
        let setup = |record| Setup { provider: picked.provider, threads: options.threads, record };
        let text = &spec.text;
        let context = (options.context_tokens_max as usize).min(text.positions_max as usize);
        Ok(Engine {
            processor: architecture::image_processor(folder, &spec.vision, settings.longest_edge)?,
            words: Arc::new(words),
            template,
            picture,
            ends,
            stops,
            embeddings,
            encoder: Encoder::open(
                &environment,
                &folder.join(&record.vision.file),
                record.vision.numbers,
                setup(vision_record.as_deref()),
            )?,
            decoder: Decoder::open(
                &environment,
                &folder.join(&record.decoder.file),
                text,
                record.decoder.numbers,
                context,
                setup(decoder_record.as_deref()),
            )?,
            full: matches!(record.build.precision, folder::WeightFormat::Fp32),
            picked: picked.clone(),
            grammars: None,
            conversations: Vec::new(),
            clock: 0,
            sights: VecDeque::new(),
            chunk: options.chunk_tokens_max.max(1) as usize,
            context,
            conversations_max: options.conversations_max.max(1),
            cache_bytes_max: options.cache_bytes_max,
            jumps: true,
            family,
        })
    }

    /// Begins to answer a request.
    ///
    /// # Errors
    /// `ModelErrorKind::InvalidPrompt` when it cannot be answered, `ModelErrorKind::Unavailable` when all conversations are busy.
    pub fn begin(&mut self, request: &Request) -> Result<Work, ModelErrorKind> {
        if let Some(why) = request.sampling.nonsense() {
            return Err(ModelErrorKind::InvalidPrompt { why });
        }
        let constraint = request.grammar.as_ref().map(|grammar| self.constraint(grammar)).transpose()?;
        let compiled = self.compile(&request.turns)?;
        self.begin_with(request, compiled, constraint)
    }

    fn begin_with(
        &mut self,
        request: &Request,
        compiled: Compiled,
        constraint: Option<Constraint>,
    ) -> Result<Work, ModelErrorKind> {
        let bad = |why: String| ModelErrorKind::InvalidPrompt { why };
        let length = compiled.slots.len();
        let wanted = request.tokens_max.map_or(usize::MAX, |most| most as usize);
        let room = self.context.saturating_sub(length).min(wanted);
        if room == 0 {
            return Err(bad(match wanted {
                0 => "an answer of no tokens is asked for".to_owned(),
                _ => format!("it has {length} tokens, and {} are the most with the answer", self.context),
            }));
        }
        let (mut ends, mut stops) = (request.stop_tokens.clone(), self.stops.clone());
        for stop in request.stop.iter().filter(|stop| !stop.is_empty()) {
            match self.words.id(stop) {
                Some(id) => ends.push(id),
                None => stops.push(stop.clone()),
            }
        }
        let (at, cached) = self.conversation(&compiled.slots, length + room.min(ROOM))?;
        let answered = (compiled.next..).take(room).map(|place| [place; 3]);
        let positions: Vec<Position> = compiled.positions.iter().copied().chain(answered).collect();
        let told = self.family.text_inputs(&positions);
        self.decoder.bind_text_inputs(&mut self.conversations[at].cache, told)?;
        tracing::debug!(tokens = length, cached, conversation = at, "reading a prompt");

        let words = compiled.slots.iter().filter_map(|slot| if let Slot::Word(id) = slot { Some(*id) } else { None });
        self.conversations[at].busy = true;
        Ok(Work {
            at,
            room,
            features: vec![None; compiled.seen.len()],
            logits: None,
            forced: VecDeque::new(),
            sampler: Sampler::new(request.sampling.clone(), words),
            constraint,
            speech: Speech::new(stops, request.stop_shown, request.special_shown),
            ends,
            stop_shown: request.stop_shown,
            usage: Usage { prompt: length as u32, cached: cached as u32, answer: 0, forced: 0 },
            compiled,
        })
    }

    /// Does a bit of the work: looks at a picture, reads a chunk of the prompt, or says a token. Once the answer has an end, or
    /// there is an error, the work is over.
    pub fn go_on(&mut self, work: &mut Work) -> Result<More, ModelErrorKind> {
        let more = self.bit(work);
        if more.as_ref().map_or(true, |more| more.end.is_some()) {
            self.give_up(work);
        }
        more
    }

    /// Leaves the work as it is. What was read stays in the cache, for whoever asks the same again.
    pub fn give_up(&mut self, work: &Work) {
        self.conversations[work.at].busy = false;
    }

    /// How many answers can be under way at once.
    pub fn at_once(&self) -> usize {
        self.conversations_max
    }

    fn bit(&mut self, work: &mut Work) -> Result<More, ModelErrorKind> {
        if let Some(mut logits) = work.logits.take() {
            return self.say(work, &mut logits);
        }
        let past = self.conversations[work.at].past.len();
        let slots = &work.compiled.slots[past..];
        let chunk = &slots[..slots.len().min(self.chunk)];
        // Pictures of this chunk that were not looked at yet: one of them, and then it is somebody else's turn.
        let unseen = chunk.iter().find_map(|slot| match slot {
            Slot::Patch { picture, .. } if work.features[*picture].is_none() => Some(*picture),
            _ => None,
        });
        if let Some(picture) = unseen {
            work.features[picture] = Some(self.see(&work.compiled.seen[picture])?);
            return Ok(More::default());
        }
        let last = chunk.len() == slots.len();
        let rows: &[i64] = if last { &[chunk.len() as i64 - 1] } else { &[] };
        let embeds = self.embed(chunk, &work.features);
        let conversation = &mut self.conversations[work.at];
        let logits = self.decoder.run(&mut conversation.cache, embeds, past, rows)?;
        conversation.past.extend_from_slice(chunk);
        work.logits = last.then_some(logits);
        Ok(More::default())
    }

    /// Says the next token, and those that the grammar leaves no choice about.
    fn say(&mut self, work: &mut Work, logits: &mut [f32]) -> Result<More, ModelErrorKind> {
        let mut more = More::default();
        let mut fed = Vec::new();
        if work.forced.is_empty() {
            // What has to be said at the very beginning.
            work.force();
        }
        if work.forced.is_empty() {
            if work.constraint.as_ref().is_some_and(Constraint::is_over) {
                return self.ended(work, more, Finish::Grammar);
            }
            if let Some(constraint) = &mut work.constraint {
                constraint.mask(logits).map_err(|why| ModelErrorKind::InvalidPrompt { why })?;
            }
            let token = work.sampler.choose(logits).ok_or_else(|| match work.constraint {
                Some(_) => broken("the model computes what are no numbers, or its grammar allows no token at all"),
                None => broken("the model computes what are no numbers; its weights are damaged"),
            })?;
            if let Some(finish) = self.hear(work, token, &mut more)? {
                return self.ended(work, more, finish);
            }
            if let Some(constraint) = &mut work.constraint {
                constraint.hear(token).map_err(|why| ModelErrorKind::InvalidPrompt { why })?;
            }
            fed.push(token);
            work.force();
        }
        while let Some(token) = work.forced.pop_front() {
            work.sampler.note(token);
            work.usage.forced += 1;
            if let Some(finish) = self.hear(work, token, &mut more)? {
                return self.ended(work, more, finish);
            }
            fed.push(token);
            if !self.jumps {
                break;
            }
        }
        if work.forced.is_empty() && work.constraint.as_ref().is_some_and(Constraint::is_over) {
            return self.ended(work, more, Finish::Grammar);
        }
        work.logits = Some(self.feed(work.at, &fed)?);
        Ok(more)
    }

    /// Takes a token into the answer; says why it ends the answer, if it does.
    fn hear(&mut self, work: &mut Work, token: u32, more: &mut More) -> Result<Option<Finish>, ModelErrorKind> {
        work.usage.answer += 1;
        if self.ends.contains(&token) || work.ends.contains(&token) {
            if work.stop_shown && work.ends.contains(&token) {
                let heard = work.speech.hear(token, &self.words).map_err(untold)?;
                more.text.push_str(&heard.text);
            }
            return Ok(Some(Finish::Token(token)));
        }
        let heard = work.speech.hear(token, &self.words).map_err(untold)?;
        more.text.push_str(&heard.text);
        if let Some(stop) = heard.stop {
            return Ok(Some(Finish::Text(stop)));
        }
        Ok((work.usage.answer as usize == work.room).then_some(Finish::Length))
    }

    /// The last of an answer's text, and why it ended.
    fn ended(&self, work: &mut Work, mut more: More, finish: Finish) -> Result<More, ModelErrorKind> {
        let mut end = finish;
        if !matches!(end, Finish::Text(_)) {
            let heard = work.speech.end(&self.words).map_err(untold)?;
            more.text.push_str(&heard.text);
            if let Some(stop) = heard.stop {
                end = Finish::Text(stop);
            }
        }
        more.end = Some(end);
        Ok(more)
    }

    /// Adds tokens of the answer to a conversation, and returns the logits of what may follow.
    fn feed(&mut self, at: usize, tokens: &[u32]) -> Result<Vec<f32>, ModelErrorKind> {
        let slots: Vec<Slot> = tokens.iter().map(|&token| Slot::Word(token)).collect();
        let embeds = self.embed(&slots, &[]);
        let Conversation { past, cache, .. } = &mut self.conversations[at];
        self.decoder.reserve(cache, past.len() + slots.len(), past.len())?;
        let logits = self.decoder.run(cache, embeds, past.len(), &[slots.len() as i64 - 1])?;
        past.extend(slots);
        Ok(logits)
    }

    fn constraint(&mut self, grammar: &Grammar) -> Result<Constraint, ModelErrorKind> {
        let (words, rows, ends) = (&self.words, self.family.spec().text.vocabulary as usize, &self.ends);
        let grammars = self.grammars.get_or_insert_with(|| Grammars::new(words, rows, ends));
        let grammars = grammars.as_ref().map_err(|why| broken(format!("its tokenizer knows no grammars: {why}")))?;
        grammars.constraint(grammar).map_err(|why| ModelErrorKind::InvalidPrompt { why: format!("the grammar: {why}") })
    }

    /// Finds the conversation that a prompt goes on, or makes one: its index, and how many slots of the prompt are there already.
    ///
    /// A prompt goes on a conversation if it begins with most of what lies there. Otherwise it gets a cache of its own, as long as
    /// there is memory for one, into which what the two have in common is copied.
    fn conversation(&mut self, slots: &[Slot], room: usize) -> Result<(usize, usize), ModelErrorKind> {
        self.clock += 1;
        let shared = |conversation: &Conversation| {
            let same = conversation.past.iter().zip(slots).take_while(|(old, new)| old == new).count();
            same.min(slots.len() - 1) // The last token is computed even so, for its logits.
        };
        let free = |(_, conversation): &(usize, &Conversation)| !conversation.busy;
        let best = |conversations: &[Conversation], only_free: bool| {
            let some = conversations.iter().enumerate().filter(|some| !only_free || free(some));
            some.map(|(at, conversation)| (shared(conversation), at)).max()
        };
        let (at, same) = match best(&self.conversations, true) {
            Some((same, at)) if 2 * same >= self.conversations[at].past.len() => (at, same),
            _ => {
                let from = best(&self.conversations, false).filter(|(same, _)| *same > 0);
                let at = self.vacant(room)?;
                let same = match from {
                    Some((same, other)) if other != at => {
                        let [to, from] = self.conversations.get_disjoint_mut([at, other]).expect("they are two");
                        let same = self.decoder.fork(&mut to.cache, room, &from.cache, same)?;
                        to.past = from.past[..same].to_vec();
                        same
                    }
                    Some((same, _)) => same,
                    None => 0,
                };
                (at, same)
            }
        };
        let conversation = &mut self.conversations[at];
        conversation.past.truncate(same);
        conversation.used = self.clock;
        self.decoder.reserve(&mut conversation.cache, room, same)?;
        Ok((at, same))
    }

    /// A new conversation if there may be one more, else the one that nobody used for longest.
    fn vacant(&mut self, room: usize) -> Result<usize, ModelErrorKind> {
        let slot = self.decoder.slot_bytes();
        let held: usize = self.conversations.iter().map(|other| other.cache.capacity() * slot).sum();
        let fits = self.conversations.is_empty() || held + room * slot <= self.cache_bytes_max;
        if self.conversations.len() < self.conversations_max && fits {
            let cache = self.decoder.cache()?;
            self.conversations.push(Conversation { past: Vec::new(), cache, used: 0, busy: false });
            return Ok(self.conversations.len() - 1);
        }
        let idle = self.conversations.iter().enumerate().filter(|(_, conversation)| !conversation.busy);
        let oldest = idle.min_by_key(|(_, conversation)| conversation.used).map(|(at, _)| at);
        oldest.ok_or_else(|| ModelErrorKind::Unavailable {
            why: "it is busy with as many answers as there is memory for".to_owned(),
            retry_after: None,
        })
    }

    /// What is said, in tokens and pictures.
    fn compile(&self, turns: &[Turn]) -> Result<Compiled, ModelErrorKind> {
        let bad = |why: String| ModelErrorKind::InvalidPrompt { why };
        let rendered = self.template.render(turns, &self.words).map_err(bad)?;
        let tokens = self.words.encode(&rendered).map_err(bad)?;
        let mut seen = Vec::new();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            if let Part::Picture(picture) = part {
                seen.push(self.look(picture).map_err(|unfit| bad(unfit.to_string()))?);
            }
        }
        Compiled::new(&tokens, self.picture, seen, &*self.family).map_err(bad)
    }

    /// How a picture will stand in the prompt.
    fn look(&self, picture: &Picture) -> Result<Seen, Unfit> {
        let (height, width) = smart_resize(picture.size().height, picture.size().width, &self.processor)?;
        Ok(Seen {
            sight: Sight::of(picture),
            picture: picture.clone(),
            rows: (height / self.processor.factor()) as usize,
            columns: (width / self.processor.factor()) as usize,
        })
    }

    /// `[tokens, width]`
    fn embed(&self, slots: &[Slot], features: &[Option<Rc<[f32]>>]) -> Vec<f32> {
        let width = self.family.spec().text.width as usize;
        let mut embeds = Vec::with_capacity(slots.len() * width);
        for slot in slots {
            match *slot {
                Slot::Word(token) => self.embeddings.append(token, &mut embeds),
                Slot::Patch { picture, index, .. } => {
                    let features = features[picture].as_deref().expect("a picture is looked at before it is read");
                    embeds.extend_from_slice(&features[index * width..][..width]);
                }
            }
        }
        embeds
    }

    /// What the encoder makes of a picture: `[rows * columns, width]`. The latest few are kept.
    fn see(&mut self, seen: &Seen) -> Result<Rc<[f32]>, ModelErrorKind> {
        if let Some(at) = self.sights.iter().position(|(sight, _)| *sight == seen.sight) {
            let found = self.sights.remove(at).expect("it was just found there");
            let features = found.1.clone();
            self.sights.push_back(found);
            return Ok(features);
        }
        let size = seen.picture.size();
        let prepared = Pixels::rgba(seen.picture.rgba(), size.width, size.height)
            .and_then(|pixels| prepare(pixels, &self.processor))
            .map_err(|unfit| ModelErrorKind::InvalidPrompt { why: unfit.to_string() })?;
        let grid = [prepared.rows as usize, prepared.columns as usize];
        let told = self.family.vision_inputs(grid[0], grid[1]);
        let features: Rc<[f32]> = self.encoder.run(prepared.patches, told, grid)?.into();
        let expected = seen.rows * seen.columns * self.family.spec().text.width as usize;
        assert_eq!(features.len(), expected, "the encoder makes one token of each block of patches");
        self.sights.push_back((seen.sight, features.clone()));
        if self.sights.len() > SIGHTS_KEPT {
            self.sights.pop_front();
        }
        Ok(features)
    }
}

impl Work {
    /// What it took so far.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Takes the tokens that the grammar leaves no choice about.
    fn force(&mut self) {
        if let Some(constraint) = &mut self.constraint {
            self.forced.extend(constraint.forced());
        }
    }
}

impl From<RuntimeError> for ModelErrorKind {
    fn from(error: RuntimeError) -> ModelErrorKind {
        broken(error.to_string())
    }
}

fn untold(why: String) -> ModelErrorKind {
    broken(format!("its tokenizer fails: {why}"))
}

fn broken(why: impl Into<String>) -> ModelErrorKind {
    ModelErrorKind::Fatal { why: why.into() }
}
