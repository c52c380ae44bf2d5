//! The local engine: a prompt's tokens through the graphs of a built folder, one token of the reply at a time.
//!
//! Inference blocks, so it has a thread of its own (`local`); everything else here is plain code on that thread.

mod embeddings;
#[cfg(test)]
pub(crate) mod goldens;
mod local;
mod prompt;
mod runtime;
mod sampling;
#[cfg(test)]
mod tests;

pub use local::{Local, OpenError, Options};

use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use tapwright_contract::Picture;
use tapwright_contract::model::{Part, Prompt, Reply, Trouble};
use tapwright_picture::{FACTOR, Limits, MEAN, Pixels, STD, Unfit, prepare, smart_resize};

use crate::BuildError;
use crate::chat::Template;
use crate::checkpoint::parse;
use crate::folder::{self, SMALL_BYTES_MAX};
use crate::glm4v::rope::{self, Position};
use crate::glm4v::{Config, OneOrMany};
use crate::settings::Settings;
use crate::words::Words;
use embeddings::Embeddings;
use prompt::{Compiled, Seen, Sight, Slot};
use runtime::{Decoder, Encoder, RuntimeError};
use sampling::{Dice, Sampler};

/// Pictures whose features are kept: the screen before a step and after it, for two devices.
const SIGHTS_KEPT: usize = 4;

/// A model, loaded.
pub struct Engine {
    config: Config,
    settings: Settings,
    limits: Limits,
    words: Words,
    template: Template,
    /// The token that stands for a piece of a picture.
    picture: u32,
    ends: Vec<u32>,
    /// Texts that end a reply and are no tokens of their own.
    stops: Vec<String>,
    embeddings: Embeddings,
    encoder: Encoder,
    decoder: Decoder,
    /// What lies in the decoder's slots.
    past: Vec<Slot>,
    /// The latest last.
    sights: VecDeque<(Sight, Rc<[f32]>)>,
    dice: Dice,
    chunk: usize,
    context: usize,
}

/// `generation_config.json`
#[derive(Deserialize)]
struct Generation {
    eos_token_id: Option<OneOrMany>,
}

/// `preprocessor_config.json`, and the field `image_processor` of `processor_config.json`.
#[derive(Default, Deserialize)]
struct Preprocessor {
    size: Option<Edges>,
    patch_size: Option<u64>,
    merge_size: Option<u64>,
    temporal_patch_size: Option<u64>,
    image_mean: Option<Vec<f32>>,
    image_std: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Edges {
    shortest_edge: u64,
    longest_edge: u64,
}

#[derive(Deserialize)]
struct Processor {
    image_processor: Option<Preprocessor>,
}

impl Engine {
    /// Opens a built folder; blocks for as long as the weights take to load.
    fn open(folder: &Path, library: &Path, options: &Options) -> Result<Engine, OpenError> {
        if let Some(nonsense) = options.settings.nonsense() {
            return Err(OpenError::Settings { what: nonsense });
        }
        let settings = options.settings.clone();
        let config = folder::config(folder)?;
        let record = folder::record(folder)?;
        let words = Words::open(folder)?;
        let template = Template::open(folder, settings.newline_after_picture)?;
        let embeddings = Embeddings::open(folder, record.embeddings)?;
        let picture = words
            .id("<|image|>")
            .ok_or_else(|| BuildError::Unsupported { what: "a tokenizer without the token `<|image|>`".to_owned() })?;
        if u64::from(words.highest()) >= embeddings.rows() {
            return Err(OpenError::Build(BuildError::Unsupported {
                what: format!("a tokenizer with token {} beside {} rows", words.highest(), embeddings.rows()),
            }));
        }

        let mut ends = config.ends.clone();
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
        let threads = options.threads;
        let text = &config.text;
        Ok(Engine {
            limits: limits(folder, settings.longest_edge)?,
            words,
            template,
            picture,
            ends,
            stops,
            embeddings,
            encoder: Encoder::open(&environment, &folder.join(folder::VISION), &config, threads)?,
            decoder: Decoder::open(&environment, &folder.join(folder::DECODER), text, threads)?,
            past: Vec::new(),
            sights: VecDeque::new(),
            dice: Dice::new(settings.sampling.seed),
            chunk: options.chunk_tokens_max.max(1) as usize,
            context: (options.context_tokens_max as usize).min(text.positions_max as usize),
            settings,
            config,
        })
    }

    /// Answers a prompt; `None` when it was stopped before it was done. Looks whether to stop before each token.
    fn answer(&mut self, prompt: &Prompt, stop: &dyn Fn() -> bool) -> Result<Option<Reply>, Trouble> {
        let compiled = self.compile(prompt)?;
        let length = compiled.slots.len();
        let room = self.context.saturating_sub(length).min(prompt.tokens_max as usize);
        if room == 0 {
            let why = match prompt.tokens_max {
                0 => "an answer of no tokens is asked for".to_owned(),
                _ => format!("it has {length} tokens, and {} are the most with the answer", self.context),
            };
            return Err(Trouble::BadPrompt { why });
        }
        let Some(mut logits) = self.read(&compiled, room, stop)? else { return Ok(None) };

        let mut sampler = Sampler::new(self.settings.sampling.clone(), self.dice.clone());
        let mut said = Vec::new();
        let (text, cut) = loop {
            let token = sampler
                .choose(&logits)
                .ok_or_else(|| broken("the model computes what are no numbers; its weights are damaged"))?;
            said.push(token);
            if self.ends.contains(&token) {
                break (self.text(&said[..said.len() - 1])?, false);
            }
            if let Some(text) = self.stopped(&said)? {
                break (text, false);
            }
            if said.len() == room {
                break (self.text(&said)?, true);
            }
            if stop() {
                return Ok(None);
            }
            logits = self.say(token)?;
        };
        self.dice = sampler.into_dice();
        Ok(Some(Reply { text, tokens_in: length as u32, tokens_out: said.len() as u32, cut }))
    }

    /// What is said, in tokens and pictures.
    fn compile(&self, prompt: &Prompt) -> Result<Compiled, Trouble> {
        let bad = |why: String| Trouble::BadPrompt { why };
        let rendered = self.template.render(&prompt.turns, &self.words).map_err(bad)?;
        let tokens = self.words.encode(&rendered).map_err(bad)?;
        let mut seen = Vec::new();
        for part in prompt.turns.iter().flat_map(|turn| &turn.parts) {
            if let Part::Picture(picture) = part {
                seen.push(self.look(picture).map_err(|unfit| bad(unfit.to_string()))?);
            }
        }
        Compiled::new(&tokens, self.picture, seen).map_err(bad)
    }

    /// How a picture will stand in the prompt.
    fn look(&self, picture: &Picture) -> Result<Seen, Unfit> {
        let (height, width) = smart_resize(picture.size().height, picture.size().width, self.limits)?;
        Ok(Seen {
            sight: Sight::of(picture),
            picture: picture.clone(),
            rows: (height / FACTOR) as usize,
            columns: (width / FACTOR) as usize,
        })
    }

    /// Brings the prompt into the cache, but for what is there already, and returns the logits of its last token.
    fn read(&mut self, compiled: &Compiled, room: usize, stop: &dyn Fn() -> bool) -> Result<Option<Vec<f32>>, Trouble> {
        let Compiled { slots, positions, next, seen } = compiled;
        let same = self.past.iter().zip(slots).take_while(|(old, new)| old == new).count();
        let same = same.min(slots.len() - 1); // The last token is computed even so, for its logits.
        tracing::debug!(tokens = slots.len(), reused = same, "reading a prompt");

        let answered = (*next..).take(room).map(|place| [place; 3]);
        let positions: Vec<Position> = positions.iter().copied().chain(answered).collect();
        let tables = rope::text_tables(&self.config.text, &positions);
        self.past.truncate(same);
        self.decoder.prepare(positions.len(), same, tables)?;

        let mut features = Vec::new();
        for (index, seen) in seen.iter().enumerate() {
            if stop() {
                return Ok(None);
            }
            let wanted = |slot: &Slot| matches!(slot, Slot::Patch { picture, .. } if *picture == index);
            let wanted = slots[same..].iter().any(wanted);
            features.push(if wanted { self.see(seen)? } else { Rc::from([]) });
        }

        let mut logits = Vec::new();
        for chunk in slots[same..].chunks(self.chunk) {
            if stop() {
                return Ok(None);
            }
            let past = self.past.len();
            let last = past + chunk.len() == slots.len();
            let rows: &[i64] = if last { &[chunk.len() as i64 - 1] } else { &[] };
            let embeds = self.embed(chunk, &features);
            logits = self.decoder.run(embeds, past, rows)?;
            self.past.extend_from_slice(chunk);
        }
        Ok(Some(logits))
    }

    /// Adds a token of the reply, and returns the logits of what may follow.
    fn say(&mut self, token: u32) -> Result<Vec<f32>, Trouble> {
        let slot = Slot::Word(token);
        let embeds = self.embed(&[slot], &[]);
        let logits = self.decoder.run(embeds, self.past.len(), &[0])?;
        self.past.push(slot);
        Ok(logits)
    }

    /// `[tokens, width]`
    fn embed(&self, slots: &[Slot], features: &[Rc<[f32]>]) -> Vec<f32> {
        let width = self.config.text.width as usize;
        let mut embeds = Vec::with_capacity(slots.len() * width);
        for slot in slots {
            match *slot {
                Slot::Word(token) => self.embeddings.append(token, &mut embeds),
                Slot::Patch { picture, index, .. } => {
                    embeds.extend_from_slice(&features[picture][index * width..][..width]);
                }
            }
        }
        embeds
    }

    /// What the encoder makes of a picture: `[rows * columns, width]`. The latest few are kept.
    fn see(&mut self, seen: &Seen) -> Result<Rc<[f32]>, Trouble> {
        if let Some(at) = self.sights.iter().position(|(sight, _)| *sight == seen.sight) {
            let found = self.sights.remove(at).expect("it was just found there");
            let features = found.1.clone();
            self.sights.push_back(found);
            return Ok(features);
        }
        let size = seen.picture.size();
        let prepared = Pixels::rgba(seen.picture.rgba(), size.width, size.height)
            .and_then(|pixels| prepare(pixels, self.limits))
            .map_err(|unfit| Trouble::BadPrompt { why: unfit.to_string() })?;
        let grid = [2 * seen.rows, 2 * seen.columns];
        let tables = rope::vision_tables(&self.config.vision, grid[0], grid[1]);
        let features: Rc<[f32]> = self.encoder.run(&prepared.patches, &tables, grid)?.into();
        let expected = seen.rows * seen.columns * self.config.text.width as usize;
        assert_eq!(features.len(), expected, "the encoder makes one token of four patches");
        self.sights.push_back((seen.sight, features.clone()));
        if self.sights.len() > SIGHTS_KEPT {
            self.sights.pop_front();
        }
        Ok(features)
    }

    fn text(&self, tokens: &[u32]) -> Result<String, Trouble> {
        self.words.decode(tokens).map_err(|why| broken(format!("its tokenizer fails: {why}")))
    }

    /// The reply up to a text that ends it, if its latest token brought one.
    fn stopped(&self, said: &[u32]) -> Result<Option<String>, Trouble> {
        let Some(longest) = self.stops.iter().map(String::len).max() else { return Ok(None) };
        // A token has at least one byte, so the end of what is said is enough to look at, most of the time.
        let tail = self.text(&said[said.len().saturating_sub(longest + 1)..])?;
        if !self.stops.iter().any(|stop| tail.contains(stop)) {
            return Ok(None);
        }
        let text = self.text(said)?;
        let end = self.stops.iter().filter_map(|stop| text.find(stop)).min();
        Ok(end.map(|end| text[..end].to_owned()))
    }
}

impl From<RuntimeError> for Trouble {
    fn from(error: RuntimeError) -> Trouble {
        broken(error.to_string())
    }
}

fn broken(why: impl Into<String>) -> Trouble {
    Trouble::Broken { why: why.into() }
}

/// How many pixels a picture may have: what the folder says, capped by the profile.
fn limits(folder: &Path, longest_edge: Option<u64>) -> Result<Limits, BuildError> {
    let (alone, within) = (folder.join("preprocessor_config.json"), folder.join("processor_config.json"));
    let said = if alone.is_file() {
        Some(parse::<Preprocessor>(&alone, SMALL_BYTES_MAX)?)
    } else if within.is_file() {
        parse::<Processor>(&within, SMALL_BYTES_MAX)?.image_processor
    } else {
        None
    };
    let said = said.unwrap_or_default();
    for (name, value, only) in [
        ("patch_size", said.patch_size, 14),
        ("merge_size", said.merge_size, 2),
        ("temporal_patch_size", said.temporal_patch_size, 2),
    ] {
        if let Some(value) = value.filter(|value| *value != only) {
            return Err(BuildError::Unsupported { what: format!("pictures with {name} {value}") });
        }
    }
    for (name, said, ours) in [("image_mean", &said.image_mean, MEAN), ("image_std", &said.image_std, STD)] {
        let fits =
            |said: &Vec<f32>| said.len() == 3 && said.iter().zip(ours).all(|(said, ours)| (said - ours).abs() < 1e-5);
        if said.as_ref().is_some_and(|said| !fits(said)) {
            return Err(BuildError::Unsupported { what: format!("pictures with {name} {said:?}") });
        }
    }
    let mut limits = said.size.map_or(Limits::REFERENCE, |size| Limits {
        shortest_edge: size.shortest_edge,
        longest_edge: size.longest_edge,
    });
    if let Some(longest_edge) = longest_edge {
        limits.longest_edge = longest_edge;
    }
    // Where the two contradict each other, the profile is what somebody chose.
    limits.shortest_edge = limits.shortest_edge.min(limits.longest_edge);
    Ok(limits)
}
