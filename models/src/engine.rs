//! The local engine: a prompt's tokens through the graphs of a built folder, one token of the reply at a time.
//!
//! What a request needs before its turn is prepared on other threads (`prepare`). Inference blocks, so it has a thread of its own
//! (`thread`, behind `local`); what an answer does there, a step at a time, is in `run`, and which conversation it goes on in `pool`.

mod detokenizer;
pub mod doctor;
mod embeddings;
#[cfg(test)]
pub(crate) mod goldens;
mod grammar;
mod images;
mod interrupt;
mod local;
mod numbers;
mod pool;
mod prepare;
mod probe;
mod prompt;
pub mod providers;
#[cfg(test)]
mod quantised;
mod run;
mod runtime;
mod sampling;
#[cfg(test)]
mod tests;
mod thread;

pub use grammar::close_objects;
pub use local::{EngineOptions, Local, OpenError, broken_off};
pub use thread::{EngineHealth, HealthState};

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tapwright_contract::model::ModelErrorKind;

use crate::architecture;
use crate::chat::{ChatTemplate, TemplateOptions};
use crate::error::BuildError;
use crate::folder;
use crate::request::Usage;
use crate::settings::ModelSettings;
use crate::tokenizer::Tokenizer;
use embeddings::Embeddings;
use images::ImageCache;
use interrupt::Interrupt;
use pool::Pool;
use prepare::{PreparedRequest, Preparer};
use providers::{Numbers, Provider, ProviderChoice, SessionSetup};
use run::{ActiveAnswer, StepOutput};
use runtime::{Decoder, Encoder, KvCache, RuntimeError};
use thread::{BeginError, Worker};

/// A model, loaded.
pub struct Engine {
    preparer: Arc<Preparer>,
    /// Texts of the profile that end an answer.
    stops: Vec<String>,
    embeddings: Embeddings,
    encoder: Encoder,
    decoder: Decoder,
    /// Who computes, and why.
    picked: ProviderChoice,
    weights: folder::WeightFormat,
    pool: Pool<KvCache>,
    images: ImageCache,
    chunk: usize,
    conversations_max: usize,
    /// Whether tokens that a grammar forces are computed together.
    fast_forward: bool,
}

impl Engine {
    /// Opens a built folder; blocks for as long as the weights take to load.
    fn open(folder: &Path, library: &Path, options: &EngineOptions) -> Result<Engine, OpenError> {
        Engine::open_recorded(folder, library, options, None)
    }

    /// The same, with ONNX Runtime's records of who computes what, in a folder: `vision…` and `decoder…`.
    fn open_recorded(
        folder: &Path,
        library: &Path,
        options: &EngineOptions,
        records: Option<&Path>,
    ) -> Result<Engine, OpenError> {
        let mut engine = Engine::load(folder, library, options, records, true)?;
        let quantised = matches!(engine.weights, folder::WeightFormat::Int4 | folder::WeightFormat::Int8);
        if engine.picked.provider == Provider::Cuda
            && quantised
            && let Err(why) = probe::probe(&mut engine)
        {
            tracing::warn!(%why, "ONNX Runtime's fused products do not do for this model; it is opened without them, and slower");
            // Two models may not fit on a card.
            drop(engine);
            engine = Engine::load(folder, library, options, records, false)?;
        }
        Ok(engine)
    }

    fn load(
        folder: &Path,
        library: &Path,
        options: &EngineOptions,
        records: Option<&Path>,
        fused_products: bool,
    ) -> Result<Engine, OpenError> {
        if let Some(what) = options.settings.invalid_value() {
            return Err(OpenError::Settings { what });
        }
        let settings = &options.settings;
        let family = folder::family(folder)?;
        let spec = family.spec();
        let record = folder::record(folder)?;
        let tokenizer = Tokenizer::open(folder)?;
        let template = ChatTemplate::open(folder, TemplateOptions::of(settings))?;
        let embeddings = Embeddings::open(folder, record.embeddings)?;
        let image_token = tokenizer.picture(spec.image_token)?;
        if u64::from(tokenizer.highest()) >= embeddings.rows() {
            return Err(OpenError::Build(BuildError::Unsupported {
                what: format!("a tokenizer with token {} beside {} rows", tokenizer.highest(), embeddings.rows()),
            }));
        }

        let (ends, stops) = ends(folder, settings, &spec.end_tokens, &tokenizer)?;
        let environment = runtime::load(library)?;
        let picked = providers::pick(&environment, library, options.provider, Numbers::of(record.decoder.numbers))?;
        tracing::info!(provider = %picked.provider, why = picked.why, "computes the model");
        let [vision_record, decoder_record] = ["vision", "decoder"].map(|graph| records.map(|at| at.join(graph)));
        let setup =
            |record| SessionSetup { provider: picked.provider, threads: options.threads, record, fused_products };
        let wanted = (options.context_tokens_max as usize).min(spec.text.positions_max as usize);
        let encoder = Encoder::open(
            &environment,
            &folder.join(&record.vision.file),
            record.vision.numbers,
            setup(vision_record.as_deref()),
        )?;
        let mut decoder = Decoder::open(
            &environment,
            &folder.join(&record.decoder.file),
            spec,
            record.decoder.numbers,
            setup(decoder_record.as_deref()),
        )?;
        let context = context(&mut decoder, options, wanted)?;
        let preparer = Preparer {
            processor: architecture::image_processor(folder, &spec.vision, settings.longest_edge)?,
            tokenizer: Arc::new(tokenizer),
            template,
            image_token,
            ends,
            context,
            grammars: OnceLock::new(),
            family,
        };
        Ok(Engine {
            preparer: Arc::new(preparer),
            stops,
            embeddings,
            encoder,
            decoder,
            weights: record.build.precision,
            picked: picked.clone(),
            pool: Pool::new(options.conversations_max, options.cache_bytes_max),
            images: ImageCache::new(options.image_bytes_max),
            chunk: options.chunk_tokens_max.max(1) as usize,
            conversations_max: options.conversations_max.max(1),
            fast_forward: true,
        })
    }
}

impl Engine {
    /// Begins an answer on the spot, for those who have the engine to themselves.
    ///
    /// # Errors
    /// What is wrong with the request, or with the machine.
    fn begin_alone(&mut self, request: crate::request::Request) -> Result<ActiveAnswer, ModelErrorKind> {
        let prepared = self.preparer.prepare(request)?;
        let interrupt = Arc::new(Interrupt::new()?);
        self.begin_prepared(prepared, interrupt).map_err(|error| match error {
            BeginError::Failed(kind) => kind,
            BeginError::Busy(_) => ModelErrorKind::Unavailable { why: run::NO_ROOM.to_owned(), retry_after: None },
            BeginError::NoMemory(_, error) => fatal(error),
        })
    }
}

/// The tokens and the texts that end every answer of a model: what its files say, and its profile.
fn ends(
    folder: &Path,
    settings: &ModelSettings,
    of_config: &[u32],
    tokenizer: &Tokenizer,
) -> Result<(Vec<u32>, Vec<String>), BuildError> {
    let mut ends = of_config.to_vec();
    ends.extend(architecture::generation_ends(folder)?);
    let mut stops = Vec::new();
    for stop in &settings.stop {
        ends.extend(tokenizer.special_id(stop));
        stops.push(stop.clone());
    }
    Ok((ends, stops))
}

/// How long conversations may become, so that one of them fits under the caches' bound.
fn context(decoder: &mut Decoder, options: &EngineOptions, wanted: usize) -> Result<usize, OpenError> {
    let context = Pool::slots_max(decoder, options.cache_bytes_max, wanted);
    decoder.set_context(context);
    if context == 0 {
        let what = format!(
            "the caches may take {} bytes together, and one of a few hundred tokens takes more: raise [model] cache_mib_max",
            options.cache_bytes_max
        );
        return Err(OpenError::Settings { what });
    }
    if context < wanted {
        tracing::warn!(
            wanted,
            context,
            "the context is made shorter, so that one conversation fits under the caches' bound"
        );
    }
    Ok(context)
}

impl Worker for Engine {
    type Request = PreparedRequest;
    type Answer = ActiveAnswer;

    fn answers_max(&self) -> usize {
        self.conversations_max
    }

    fn begin(
        &mut self,
        request: PreparedRequest,
        interrupt: Arc<Interrupt>,
    ) -> Result<ActiveAnswer, BeginError<PreparedRequest>> {
        self.begin_prepared(request, interrupt)
    }

    fn step(&mut self, answer: &mut ActiveAnswer) -> Result<StepOutput, ModelErrorKind> {
        Engine::step(self, answer)
    }

    fn usage(&self, answer: &ActiveAnswer) -> Usage {
        answer.usage
    }

    fn cache_bytes(&self) -> usize {
        self.pool.cache_bytes(&self.decoder)
    }

    fn release(&mut self, answer: &ActiveAnswer, keep: bool) {
        Engine::release(self, answer.conversation, keep);
    }
}

impl From<RuntimeError> for ModelErrorKind {
    fn from(error: RuntimeError) -> ModelErrorKind {
        fatal(error.to_string())
    }
}

fn fatal(why: impl Into<String>) -> ModelErrorKind {
    ModelErrorKind::Fatal { why: why.into() }
}

/// What a built folder computes for tests of families: the logits behind a prompt, and the likeliest answer in tokens. Nothing without
/// ONNX Runtime.
#[cfg(test)]
pub(crate) fn answer_alone(
    folder: &Path,
    options: &EngineOptions,
    turns: Vec<tapwright_contract::model::Turn>,
    tokens: u32,
) -> Option<(Vec<f32>, Vec<u32>)> {
    let library = crate::library::for_tests()?;
    let mut engine = Engine::open(folder, &library, options).unwrap();
    let request = crate::request::Request { tokens_max: Some(tokens), ..crate::request::Request::greedy(turns) };
    let mut answer = engine.begin_alone(request).unwrap();
    while answer.logits.is_none() {
        engine.step(&mut answer).unwrap();
    }
    let logits = answer.logits.clone().unwrap_or_default();
    while engine.step(&mut answer).unwrap().end.is_none() {}
    Some((logits, answer.detokenizer.tokens().to_vec()))
}
