//! ONNX Runtime: its library, and the two sessions of a model. Tensors go in and out; what they mean is said elsewhere.
//!
//! A key-value cache lies where the session computes. It is made larger and smaller a layer at a time, so that for a moment one
//! layer is there twice and never the whole cache; and where memory ends in between, every layer is either as it was or larger.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, NoSelectedOutputs, RunOptions, Session, SessionInputValue};
use ort::value::{DynTensor, Shape, Tensor};

use super::numbers;
use super::pool::CacheStore;
use super::prepare::RotaryTables;
use super::providers::{Provider, SessionSetup, session};
use crate::architecture::{NamedTensor, Spec, Values};
use crate::checkpoint::Precision;

/// Caches grow by multiples of so many slots.
const STEP: usize = 512;

/// What ONNX Runtime objects to. Always a mistake of the graph or the machine, never of a prompt.
#[derive(Debug, thiserror::Error)]
#[error("onnx runtime: {0}")]
pub struct RuntimeError(String);

impl RuntimeError {
    pub fn new(why: impl Into<String>) -> RuntimeError {
        RuntimeError(why.into())
    }
}

impl<R> From<ort::Error<R>> for RuntimeError {
    fn from(error: ort::Error<R>) -> RuntimeError {
        RuntimeError(error.to_string())
    }
}

/// A process can load one library, once: the environment lives as long as the process.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// Loads the library, unless one is loaded already.
pub fn load(library: &Path) -> Result<Environment, RuntimeError> {
    let mut loaded = LOADED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((path, environment)) = &*loaded {
        if path != library {
            tracing::debug!(used = %path.display(), asked = %library.display(), "another ONNX Runtime is loaded already");
        }
        return Ok(environment.clone());
    }
    #[cfg(feature = "load-dynamic")]
    let builder = ort::init_from(library).map_err(|error| RuntimeError(format!("{}: {error}", library.display())))?;
    #[cfg(not(feature = "load-dynamic"))]
    let builder = ort::init();
    let environment = builder.with_name("tapwright").with_telemetry(false).build()?;
    // Its warnings are about devices that we do not ask for, and its errors are returned to us as well.
    environment.set_log_level(LogLevel::Fatal);
    *loaded = Some((library.to_owned(), environment.clone()));
    Ok(environment)
}

/// The minor version of a library, if it is one: 31 of 1.31.
#[cfg(feature = "load-dynamic")]
pub fn minor(library: &Path) -> Option<u32> {
    ort::util::probe(library)
}

/// Nobody knows: it is linked in.
#[cfg(not(feature = "load-dynamic"))]
pub fn minor(_: &Path) -> Option<u32> {
    None
}

/// The vision encoder.
pub struct Encoder {
    session: Session,
    numbers: Precision,
}

impl Encoder {
    pub fn open(
        environment: &Environment,
        graph: &Path,
        numbers: Precision,
        setup: SessionSetup<'_>,
    ) -> Result<Encoder, RuntimeError> {
        Ok(Encoder { session: session(environment, graph, setup)?, numbers })
    }

    /// Patches of one picture of `rows` by `columns` of them, and what the family tells of it: `[rows * columns, ..]` to a row of
    /// features for each token.
    pub fn run(
        &mut self,
        patches: Vec<f32>,
        told: &[NamedTensor],
        [rows, columns]: [usize; 2],
        options: &RunOptions<NoSelectedOutputs>,
    ) -> Result<Vec<f32>, RuntimeError> {
        let count = rows * columns;
        let shape = vec![count as i64, patches.len().checked_div(count).unwrap_or(0) as i64];
        let patches = numbers::tensor(shape, patches, self.numbers)?;
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = vec![("pixel_values", patches.into())];
        for input in told {
            inputs.push((input.name, tensor(input, self.numbers)?.into()));
        }
        let outputs = self.session.run_with_options(inputs, options)?;
        // Graphs have one output, and it was written first.
        numbers::read(&outputs[0], self.numbers)
    }

    /// Ends the record of who computed what, and says where it is.
    pub fn end_record(&mut self) -> Result<String, RuntimeError> {
        Ok(self.session.end_profiling()?)
    }
}

/// The decoder. It keeps nothing of a conversation: that lies in its `KvCache`.
pub struct Decoder {
    session: Session,
    /// Where logits go: a binding keeps the shape of the run before, and has to be told anew when it changes.
    memory: MemoryInfo<'static>,
    allocator: Allocator,
    /// Whether this program can read and write what the allocator gives: not on a graphics card.
    host_visible: bool,
    /// Of inputs, outputs and the cache.
    numbers: Precision,
    /// Slots that a cache may need.
    context: usize,
    layers: usize,
    kv_heads: usize,
    head: usize,
    width: usize,
    /// Names of the inputs for what a picture's tokens are besides their embeddings: see `VisionSpec::planes`.
    visual: Vec<String>,
    /// Says of an allocation of so many bytes whether it fails.
    #[cfg(test)]
    pub deny: Option<Box<dyn Fn(usize) -> bool>>,
}

/// What a conversation has in the decoder: slots of keys and values that stay where they are from run to run.
pub struct KvCache {
    binding: IoBinding,
    /// How many rows of logits were asked for last.
    rows: usize,
    /// Of each layer that has room.
    layers: Vec<LayerCache>,
}

/// Keys and values of a layer: `[1, kv_heads, capacity, head]` each.
struct LayerCache {
    key: DynTensor,
    value: DynTensor,
    capacity: usize,
}

impl Decoder {
    pub fn open(
        environment: &Environment,
        graph: &Path,
        spec: &Spec,
        numbers: Precision,
        setup: SessionSetup<'_>,
    ) -> Result<Decoder, RuntimeError> {
        let session = session(environment, graph, setup)?;
        // A cache on the card stays there: sent to and fro with every token it would cost more than the token.
        let host_visible = setup.provider != Provider::Cuda;
        let allocator = if host_visible {
            Allocator::default()
        } else {
            let card = MemoryInfo::new(AllocationDevice::CUDA, 0, AllocatorType::Device, MemoryType::Default)?;
            Allocator::new(&session, card)?
        };
        let memory = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)?;
        Ok(Decoder {
            session,
            memory,
            allocator,
            host_visible,
            numbers,
            context: 0,
            layers: spec.text.layers as usize,
            kv_heads: spec.text.kv_heads as usize,
            head: spec.text.head_dim as usize,
            width: spec.text.width as usize,
            visual: (1..spec.vision.planes).map(|plane| format!("visual_embeds.{plane}")).collect(),
            #[cfg(test)]
            deny: None,
        })
    }

    /// Says how long conversations may become: caches that cannot be moved are made so long at once.
    pub fn set_context(&mut self, slots: usize) {
        self.context = slots;
    }

    /// Bytes of a slot.
    pub fn slot_bytes(&self) -> usize {
        2 * self.layers * self.kv_heads * self.head * self.numbers.size()
    }

    /// Says by which angles the keys and queries of each slot are rotated.
    pub fn bind_rotary_tables(&self, cache: &mut KvCache, tables: &RotaryTables) -> Result<(), RuntimeError> {
        for input in &tables.tensors {
            cache.binding.bind_input(input.name, &tensor(input, self.numbers)?)?;
        }
        Ok(())
    }

    /// Computes the slots from `past` on, `embeds: [planes, tokens, width]`, and returns the logits of the rows asked for.
    pub fn run(
        &mut self,
        cache: &mut KvCache,
        embeds: Vec<f32>,
        past: usize,
        rows: &[i64],
        options: &RunOptions<NoSelectedOutputs>,
    ) -> Result<Vec<f32>, RuntimeError> {
        let tokens = embeds.len() / self.width / (1 + self.visual.len());
        let total = past + tokens;
        let capacity = self.capacity(cache);
        if tokens == 0 || total > capacity {
            return Err(RuntimeError(format!("{tokens} tokens behind {past} others in a cache of {capacity}")));
        }
        let binding = &mut cache.binding;
        if cache.rows != rows.len() {
            binding.bind_output_to_device("logits", &self.memory)?;
            cache.rows = rows.len();
        }
        let shape = vec![1, tokens as i64, self.width as i64];
        let mut embeds = embeds;
        let rest = embeds.split_off(tokens * self.width);
        binding.bind_input("inputs_embeds", &numbers::tensor(shape.clone(), embeds, self.numbers)?)?;
        for (name, plane) in self.visual.iter().zip(rest.chunks_exact(tokens * self.width)) {
            binding.bind_input(name, &numbers::tensor(shape.clone(), plane.to_vec(), self.numbers)?)?;
        }
        binding.bind_input("logits_rows", &Tensor::from_array(([rows.len()], rows.to_vec()))?)?;
        binding.bind_input("seqlens_k", &Tensor::from_array(([1usize], vec![total as i32 - 1]))?)?;
        binding.bind_input("total_sequence_length", &Tensor::from_array((Shape::new([]), vec![total as i32]))?)?;
        let outputs = self.session.run_binding_with_options(binding, options)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        numbers::read(&outputs["logits"], self.numbers)
    }

    /// How long the bare session takes for one token behind `past` others, so many times: nothing is bound, copied or made in
    /// between. What an engine takes beyond this is its own.
    pub fn bare(
        &mut self,
        cache: &mut KvCache,
        embeds: Vec<f32>,
        past: usize,
        times: usize,
        now: &dyn Fn() -> Duration,
    ) -> Result<Vec<Duration>, RuntimeError> {
        self.run(cache, embeds, past, &[0], &RunOptions::new()?)?; // It leaves all of it bound.
        let mut each = Vec::with_capacity(times);
        for _ in 0..times {
            let before = now();
            self.session.run_binding(&cache.binding)?;
            each.push(now() - before);
        }
        Ok(each)
    }

    /// Ends the record of who computed what, and says where it is.
    pub fn end_record(&mut self) -> Result<String, RuntimeError> {
        Ok(self.session.end_profiling()?)
    }

    /// A layer with room for so many slots, the first `kept` of them as in `before`.
    fn layer(&self, capacity: usize, before: Option<&LayerCache>, kept: usize) -> Result<LayerCache, RuntimeError> {
        let shape = numbers::CacheShape { heads: self.kv_heads, capacity, head: self.head };
        let make = |before: Option<&DynTensor>| {
            #[cfg(test)]
            if self.deny.as_ref().is_some_and(|deny| deny(self.bytes(capacity) / self.layers / 2)) {
                return Err(RuntimeError::new("out of memory"));
            }
            let before = before.filter(|_| kept > 0).map(|before| (before, kept));
            numbers::slots(&self.allocator, shape, self.numbers, before, self.host_visible)
        };
        let (key, value) = (make(before.map(|layer| &layer.key))?, make(before.map(|layer| &layer.value))?);
        Ok(LayerCache { key, value, capacity })
    }

    /// Puts a layer in its place.
    fn place(&self, cache: &mut KvCache, at: usize, mut layer: LayerCache) -> Result<(), RuntimeError> {
        for (part, tensor) in [("key", &mut layer.key), ("value", &mut layer.value)] {
            cache.binding.bind_input(format!("past_key_values.{at}.{part}"), tensor)?;
            cache.binding.bind_output(format!("present.{at}.{part}"), tensor)?;
        }
        if at < cache.layers.len() {
            cache.layers[at] = layer;
        } else {
            cache.layers.push(layer);
        }
        Ok(())
    }
}

/// An input as a graph of those numbers takes it.
fn tensor(input: &NamedTensor, numbers: Precision) -> Result<DynTensor, RuntimeError> {
    let shape: Vec<i64> = input.shape.iter().map(|&size| size as i64).collect();
    match &input.values {
        Values::Float(values) => numbers::tensor(shape, values.clone(), numbers),
        Values::I64(values) => Ok(Tensor::from_array((shape, values.clone()))?.upcast()),
    }
}

impl CacheStore for Decoder {
    type Cache = KvCache;

    fn create(&self) -> Result<KvCache, RuntimeError> {
        Ok(KvCache { binding: self.session.create_binding()?, rows: usize::MAX, layers: Vec::new() })
    }

    /// In steps, so that a conversation that grows does not move its cache with every turn. What cannot be copied has to be large
    /// enough from the start.
    fn capacity_for(&self, slots: usize) -> usize {
        if self.host_visible { slots.next_multiple_of(STEP) } else { slots.max(self.context).next_multiple_of(STEP) }
    }

    fn bytes(&self, capacity: usize) -> usize {
        capacity.saturating_mul(self.slot_bytes())
    }

    fn moving_bytes(&self, capacity: usize) -> usize {
        self.bytes(capacity) / self.layers
    }

    fn capacity(&self, cache: &KvCache) -> usize {
        if cache.layers.len() < self.layers {
            return 0;
        }
        cache.layers.iter().map(|layer| layer.capacity).min().unwrap_or(0)
    }

    fn cache_bytes(&self, cache: &KvCache) -> usize {
        cache.layers.iter().map(|layer| self.bytes(layer.capacity) / self.layers).sum()
    }

    fn resize(&self, cache: &mut KvCache, capacity: usize, kept: usize) -> Result<(), RuntimeError> {
        for at in 0..self.layers {
            if cache.layers.get(at).is_none_or(|layer| layer.capacity != capacity) {
                let layer = self.layer(capacity, cache.layers.get(at), kept)?;
                self.place(cache, at, layer)?;
            }
        }
        Ok(())
    }

    fn copy(&self, to: &mut KvCache, capacity: usize, from: &KvCache, kept: usize) -> Result<usize, RuntimeError> {
        let kept = if self.host_visible { kept } else { 0 };
        for at in 0..self.layers {
            let layer = self.layer(capacity, from.layers.get(at), kept)?;
            self.place(to, at, layer)?;
        }
        Ok(kept)
    }
}
