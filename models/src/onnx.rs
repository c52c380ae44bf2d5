//! Writes ONNX files: the few messages of the format that a builder needs, and graphs whose shapes are checked as they grow.
//!
//! Nothing here knows an architecture. Weights are never held: a graph says which it wants, and where they lie is filled in
//! when it is written.

mod graph;
mod proto;

pub use graph::{
    Blocks, ByteRange, CacheValues, Dim, ElementType, Graph, GraphOptions, ProjectedHeads, RotaryEmbedding,
    TargetProvider, Value, WeightUse,
};
