//! What is to be built: in what numbers, for what. Which graphs that makes is decided here.

use serde::{Deserialize, Serialize};

use super::BuildError;
use crate::architecture::ModelGraphOptions;
use crate::checkpoint::{Checkpoint, Precision};
use crate::onnx::{Blocks, ElementType, GraphOptions, TargetProvider};

/// What to build. Callers fill in every field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    pub precision: WeightFormat,
    /// What is to run it.
    pub provider: TargetProvider,
    /// Numbers of a row that share a scale, where matrices are quantised: 32, 64 or 128.
    pub block: u32,
    /// On the processor, products with quantised matrices are of 32-bit numbers and not of 8-bit ones: four times as slow, and
    /// equal however a prompt is cut into runs.
    pub exact: bool,
}

/// In what numbers weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightFormat {
    Fp32,
    Fp16,
    Bf16,
    Int8,
    Int4,
}

/// A checkpoint of more parameters than this is quantised when nobody says what to build: at 32 bits it would take 6 GB.
const PLAIN_PARAMETERS_MAX: u64 = 1_500_000_000;

impl Build {
    /// 32 bits, for the processor: what checkpoints compute on paper.
    pub const FP32: Build =
        Build { precision: WeightFormat::Fp32, provider: TargetProvider::Cpu, block: 32, exact: false };

    /// What to build when nobody says it.
    pub fn default_for(parameters: u64) -> Build {
        let precision = if parameters > PLAIN_PARAMETERS_MAX { WeightFormat::Int4 } else { WeightFormat::Fp32 };
        Build { precision, ..Build::FP32 }
    }

    /// How the graphs are written.
    pub(super) fn graph_options(&self, checkpoint: &Checkpoint) -> Result<ModelGraphOptions, BuildError> {
        let unsupported = |what: String| Err(BuildError::Unsupported { what });
        if ![32, 64, 128].contains(&self.block) {
            return unsupported(format!("blocks of {}; 32, 64 and 128 can be built", self.block));
        }
        let Build { precision, provider, block, exact } = *self;
        let plain = |provider, kind| GraphOptions { provider, kind, blocks: None };
        let quantized = |provider, kind, bits| GraphOptions {
            provider,
            kind,
            blocks: Some(Blocks { bits, size: block.into(), exact }),
        };
        let both = |options| Ok(ModelGraphOptions { vision: options, decoder: options });
        let bits = if precision == WeightFormat::Int4 { 4 } else { 8 };
        match (provider, precision) {
            (TargetProvider::Cuda, WeightFormat::Fp32) => {
                unsupported("fp32 for cuda, whose GroupQueryAttention has 16 bits; take bf16 or fp16".to_owned())
            }
            (TargetProvider::Cpu, WeightFormat::Bf16) => {
                unsupported("bf16 for cpu, where ONNX Runtime computes with fp32 and fp16 only; take one of them, or --provider cuda".to_owned())
            }
            (TargetProvider::Webgpu, WeightFormat::Bf16) => unsupported("bf16 for webgpu; take fp16 or fp32".to_owned()),
            (TargetProvider::Coreml, WeightFormat::Bf16) => unsupported("bf16 for coreml; take fp16 or fp32".to_owned()),
            // CoreML takes the vision encoder. The decoder's operators are none of its, and go to the processor.
            (TargetProvider::Coreml, WeightFormat::Fp32) => {
                Ok(ModelGraphOptions { vision: plain(TargetProvider::Coreml, ElementType::F32), decoder: plain(TargetProvider::Cpu, ElementType::F32) })
            }
            (TargetProvider::Coreml, WeightFormat::Fp16) => {
                Ok(ModelGraphOptions { vision: plain(TargetProvider::Coreml, ElementType::F16), decoder: plain(TargetProvider::Cpu, ElementType::F32) })
            }
            (TargetProvider::Coreml, WeightFormat::Int8 | WeightFormat::Int4) => {
                Ok(ModelGraphOptions { vision: plain(TargetProvider::Coreml, ElementType::F32), decoder: quantized(TargetProvider::Cpu, ElementType::F32, bits) })
            }
            (_, WeightFormat::Fp32) => both(plain(provider, ElementType::F32)),
            (_, WeightFormat::Fp16) => both(plain(provider, ElementType::F16)),
            (_, WeightFormat::Bf16) => both(plain(provider, ElementType::Bf16)),
            // Four bits would do the encoder more harm than they save: it is a twelfth of the model.
            (TargetProvider::Cpu, WeightFormat::Int8 | WeightFormat::Int4) => {
                Ok(ModelGraphOptions { vision: quantized(provider, ElementType::F32, 8), decoder: quantized(provider, ElementType::F32, bits) })
            }
            // The encoder is bound by what a GPU computes, not by what it reads, so quantising it would gain nothing there.
            (TargetProvider::Cuda, WeightFormat::Int8 | WeightFormat::Int4) => {
                let kind = if checkpoint.written_in(Precision::F16) { ElementType::F16 } else { ElementType::Bf16 };
                Ok(ModelGraphOptions { vision: plain(provider, kind), decoder: quantized(provider, kind, bits) })
            }
            (TargetProvider::Webgpu, WeightFormat::Int8 | WeightFormat::Int4) => {
                Ok(ModelGraphOptions { vision: plain(provider, ElementType::F32), decoder: quantized(provider, ElementType::F32, bits) })
            }
        }
    }

    /// Whether weights may stay in the checkpoint's own files. What is quantised is made to be small, and stands alone.
    pub(super) fn may_link(&self) -> bool {
        matches!(self.precision, WeightFormat::Fp32 | WeightFormat::Fp16 | WeightFormat::Bf16)
    }
}

/// What transformers.js puts after the name of a graph that is kept like this.
pub(super) fn suffix(options: GraphOptions) -> &'static str {
    match (options.blocks.map(|blocks| blocks.bits), options.kind) {
        (None, ElementType::F16) => "_fp16",
        (None, ElementType::Bf16) => "_bf16",
        (None, _) => "",
        (Some(4), ElementType::F16) => "_q4f16",
        (Some(4), ElementType::Bf16) => "_q4bf16",
        (Some(4), _) => "_q4",
        (Some(_), ElementType::F16) => "_int8f16",
        (Some(_), ElementType::Bf16) => "_int8bf16",
        (Some(_), _) => "_int8",
    }
}
