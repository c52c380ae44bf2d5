//! What tests with an engine need.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use tapwright_models::library::{Cuda, LibrarySearch, find};
use tapwright_models::providers::Provider;
use tapwright_models::{EngineOptions, ModelSettings, Sampling};

/// ONNX Runtime's library where it is to be found; `None`, and a word about it, where it is not.
pub async fn library() -> Option<PathBuf> {
    let home = |below: &str| std::env::home_dir().unwrap_or_default().join(below).join("tapwright");
    let cache = if cfg!(target_os = "macos") { home("Library/Caches") } else { home(".cache") };
    #[allow(clippy::disallowed_methods)] // A test has no command line.
    let named = std::env::var("ORT_DYLIB_PATH").ok().map(PathBuf::from);
    let search = LibrarySearch { named, cache, fetch: false, cuda: Cuda::Unwanted, within: Duration::from_secs(10) };
    match find(&search, |_| ()).await {
        Ok(found) => Some(found.path),
        Err(error) => {
            // Not by `eprintln`, which tests keep to themselves when they pass.
            let _ = writeln!(io::stderr(), "SKIPPED, as it needs ONNX Runtime: {error}");
            None
        }
    }
}

/// Small, on one core, greedy.
pub fn options() -> EngineOptions {
    EngineOptions {
        settings: ModelSettings::new(Sampling::GREEDY),
        provider: Provider::Cpu,
        threads: 1,
        context_tokens_max: 2048,
        chunk_tokens_max: 512,
        conversations_max: 4,
        cache_bytes_max: 256 << 20,
        image_bytes_max: 64 << 20,
    }
}
