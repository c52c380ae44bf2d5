//! Things that answer prompts: a local engine, a remote server, a script.
//!
//! Nothing here knows what the answers are for.

mod architecture;
mod chat;
mod checkpoint;
mod engine;
mod error;
mod folder;
mod heap;
pub mod library;
mod onnx;
mod random;
pub mod remote;
mod request;
pub mod scripted;
pub mod server;
mod settings;
mod tokenizer;

pub use engine::{EngineHealth, EngineOptions, HealthState, Local, OpenError};
pub use engine::{doctor, providers};
pub use error::BuildError;
pub use folder::{Build, Built, Info, Progress, WeightFormat, build, build_into_cache, info, is_built};
pub use heap::limit_arenas;
pub use onnx::TargetProvider;
pub use random::{ReferenceModel, random};
pub use request::{AnswerError, AnswerEvent, AnswerStream, FinishReason, Grammar, Request, Usage};
pub use settings::{ModelSettings, Sampling};
