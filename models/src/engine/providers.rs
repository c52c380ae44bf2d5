//! What computes a graph: the processor, or one of the accelerators that ONNX Runtime calls execution providers.
//!
//! Which of them there are is up to the library that was loaded; which of them can run a graph, to the numbers in it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use ort::environment::Environment;
#[cfg(feature = "load-dynamic")]
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::runtime::RuntimeError;
use crate::checkpoint::Precision;

/// Who computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// Whoever is best and is known to work.
    #[default]
    Auto,
    Cpu,
    /// NVIDIA's graphics cards.
    Cuda,
    /// Apple's processors.
    CoreMl,
    /// Any graphics card, through Dawn.
    WebGpu,
    /// Android's old interface to accelerators.
    Nnapi,
    /// Qualcomm's accelerators.
    Qnn,
}

/// The numbers that a graph computes with; providers are particular about those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// 32 bits.
    Full,
    /// 16 bits of either kind.
    Half,
}

impl Numbers {
    /// Of a graph whose inputs, outputs and cache are of that precision.
    pub fn of(precision: Precision) -> Numbers {
        match precision {
            Precision::F32 => Numbers::Full,
            Precision::F16 | Precision::Bf16 => Numbers::Half,
        }
    }
}

/// A provider that was picked, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderChoice {
    /// Never `Auto`.
    pub provider: Provider,
    /// A sentence for people.
    pub why: String,
}

/// What is loaded cannot compute so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Take another library.
    #[error("this ONNX Runtime has no provider `{wanted}`, only: {}\n{}", names(.there), .wanted.advice())]
    Absent { wanted: Provider, there: Vec<Provider> },
    /// Mend the machine: a driver is missing, as a rule.
    #[error("the provider `{wanted}` cannot be used on this machine: {why}")]
    Unusable { wanted: Provider, why: String },
    /// Build the model with other numbers.
    #[error(
        "`cuda` computes attention with 16-bit numbers only, and this model was built with 32; build it with --precision bf16, fp16 or int4"
    )]
    Numbers,
}

/// No provider has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no provider `{name}`; there are: auto, {}", names(&Provider::NAMED))]
pub struct NoSuchProvider {
    pub name: String,
}

impl Provider {
    /// All that can be named, but for `auto`.
    pub const NAMED: [Provider; 6] =
        [Provider::Cpu, Provider::Cuda, Provider::CoreMl, Provider::WebGpu, Provider::Nnapi, Provider::Qnn];

    /// As it is written on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Auto => "auto",
            Provider::Cpu => "cpu",
            Provider::Cuda => "cuda",
            Provider::CoreMl => "coreml",
            Provider::WebGpu => "webgpu",
            Provider::Nnapi => "nnapi",
            Provider::Qnn => "qnn",
        }
    }

    /// As ONNX Runtime calls it.
    pub fn runtime_name(self) -> Option<&'static str> {
        match self {
            Provider::Auto => None,
            Provider::Cpu => Some("CPUExecutionProvider"),
            Provider::Cuda => Some("CUDAExecutionProvider"),
            Provider::CoreMl => Some("CoreMLExecutionProvider"),
            Provider::WebGpu => Some("WebGpuExecutionProvider"),
            Provider::Nnapi => Some("NnapiExecutionProvider"),
            Provider::Qnn => Some("QNNExecutionProvider"),
        }
    }

    /// What to do when the library does not have it.
    fn advice(self) -> &'static str {
        match self {
            Provider::Auto | Provider::Cpu => "every library has this one; get another library: tapwright setup",
            Provider::Cuda => "get one that has it: tapwright setup --gpu (Linux on x86-64; about 840 MB)",
            Provider::CoreMl => "libraries for macOS have it; take one of those there: tapwright setup",
            Provider::WebGpu => {
                "the npm package onnxruntime-node and the Python package onnxruntime-webgpu have it; name its library with --ort-library"
            }
            Provider::Nnapi => "libraries for Android have it; name one with --ort-library",
            Provider::Qnn => "the library in Qualcomm's builds has it; name it with --ort-library",
        }
    }

    #[cfg(feature = "load-dynamic")]
    fn is_in_library(self) -> Result<bool, RuntimeError> {
        Ok(match self {
            Provider::Auto | Provider::Cpu => true,
            Provider::Cuda => ep::CUDA::is_available()?,
            Provider::CoreMl => ep::CoreML::is_available()?,
            Provider::WebGpu => ep::WebGPU::is_available()?,
            Provider::Nnapi => ep::NNAPI::is_available()?,
            Provider::Qnn => ep::QNN::is_available()?,
        })
    }

    /// A library that is linked in was chosen when the program was built, and has none of these.
    #[cfg(not(feature = "load-dynamic"))]
    fn is_in_library(self) -> Result<bool, RuntimeError> {
        Ok(matches!(self, Provider::Auto | Provider::Cpu))
    }

    /// How sessions are told of it; `None` for the processor, which is always there.
    #[cfg(feature = "load-dynamic")]
    fn dispatch(self) -> Option<ExecutionProviderDispatch> {
        let dispatch = match self {
            Provider::Auto | Provider::Cpu => return None,
            // Weight-only quantised products in one kernel: what makes int4 worth its while there.
            Provider::Cuda => ep::CUDA::default().build(),
            Provider::CoreMl => {
                let format = ep::coreml::ModelFormat::MLProgram; // The other one knows fewer operators.
                ep::CoreML::default().with_model_format(format).build()
            }
            Provider::WebGpu => ep::WebGPU::default().build(),
            Provider::Nnapi => ep::NNAPI::default().build(),
            Provider::Qnn => ep::QNN::default().build(),
        };
        // Falling back without a word is what people complain of.
        Some(dispatch.error_on_failure())
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = NoSuchProvider;

    fn from_str(name: &str) -> Result<Provider, NoSuchProvider> {
        let mut all = std::iter::once(Provider::Auto).chain(Provider::NAMED);
        all.find(|provider| provider.name() == name).ok_or_else(|| NoSuchProvider { name: name.to_owned() })
    }
}

impl From<ProviderError> for RuntimeError {
    fn from(error: ProviderError) -> RuntimeError {
        RuntimeError::from(ort::Error::<()>::new(error.to_string()))
    }
}

/// The providers of the library that is loaded.
///
/// # Errors
/// `RuntimeError` if it does not say.
pub fn available(_: &Environment) -> Result<Vec<Provider>, RuntimeError> {
    let mut there = Vec::new();
    for provider in Provider::NAMED {
        if provider.is_in_library()? {
            there.push(provider);
        }
    }
    Ok(there)
}

/// Decides who computes a model, and says why. `library` is the one that is loaded, `numbers` what the model's graphs have.
///
/// # Errors
/// `RuntimeError` if a named provider cannot be had.
pub fn pick(
    environment: &Environment,
    library: &Path,
    wanted: Provider,
    numbers: Numbers,
) -> Result<ProviderChoice, RuntimeError> {
    let there = available(environment)?;
    let usable = |provider| usable(environment, library, provider);
    Ok(decide(wanted, numbers, &there, usable)?)
}

/// The decision itself. `usable` is asked only about providers that are there, and may take time.
fn decide(
    wanted: Provider,
    numbers: Numbers,
    there: &[Provider],
    usable: impl Fn(Provider) -> Result<(), ProviderError>,
) -> Result<ProviderChoice, ProviderError> {
    let picked = |provider, why: String| Ok(ProviderChoice { provider, why });
    if wanted != Provider::Auto {
        if !there.contains(&wanted) {
            return Err(ProviderError::Absent { wanted, there: there.to_vec() });
        }
        if (wanted, numbers) == (Provider::Cuda, Numbers::Full) {
            return Err(ProviderError::Numbers);
        }
        usable(wanted)?;
        return picked(wanted, "it was asked for".to_owned());
    }
    let others: Vec<Provider> = there.iter().copied().filter(|&provider| provider != Provider::Cpu).collect();
    if there.contains(&Provider::Cuda) {
        if numbers == Numbers::Full {
            let why = "this ONNX Runtime has `cuda`, but that wants a model of 16-bit numbers: build one with --precision bf16 or int4";
            return picked(Provider::Cpu, why.to_owned());
        }
        return match usable(Provider::Cuda) {
            Ok(()) => picked(Provider::Cuda, "there is a graphics card for it, and the model's numbers fit".to_owned()),
            Err(error) => picked(Provider::Cpu, error.to_string()),
        };
    }
    let why = if others.is_empty() {
        "this ONNX Runtime has no other".to_owned()
    } else {
        format!("of the others that this ONNX Runtime has ({}), none was tried with this model yet", names(&others))
    };
    picked(Provider::Cpu, why)
}

/// Whether a session could be made with it here: what it needs is loaded, and its driver found.
fn usable(environment: &Environment, library: &Path, provider: Provider) -> Result<(), ProviderError> {
    let failed = |why: String| ProviderError::Unusable { wanted: provider, why };
    if provider == Provider::Cuda {
        preload(library).map_err(failed)?;
    }
    let builder = Session::builder(environment).map_err(|error| failed(error.to_string()))?;
    with_provider(builder, provider).map_err(|error| failed(error.to_string())).map(drop)
}

/// Loads what the CUDA provider needs, from beside the library if it was fetched there: whatever loads later finds it by name.
#[cfg(feature = "load-dynamic")]
fn preload(library: &Path) -> Result<(), String> {
    let Some(folder) = library.parent() else { return Ok(()) };
    for name in crate::library::cuda_dependencies() {
        let file = folder.join(name);
        if file.is_file() {
            ort::util::preload_dylib(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    Ok(())
}

#[cfg(not(feature = "load-dynamic"))]
fn preload(_: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(feature = "load-dynamic")]
fn with_provider(builder: SessionBuilder, provider: Provider) -> Result<SessionBuilder, RuntimeError> {
    Ok(match provider.dispatch() {
        None => builder,
        Some(dispatch) => builder.with_execution_providers([dispatch])?,
    })
}

#[cfg(not(feature = "load-dynamic"))]
fn with_provider(builder: SessionBuilder, _: Provider) -> Result<SessionBuilder, RuntimeError> {
    Ok(builder)
}

/// How a session is to be made.
#[derive(Clone, Copy, Debug)]
pub struct SessionSetup<'a> {
    /// ProviderChoice, so never `Auto`.
    pub provider: Provider,
    pub threads: usize,
    /// Where ONNX Runtime writes down which provider computed each node: the beginning of a file's name.
    pub record: Option<&'a Path>,
    /// Whether products with int4 and int8 weights may be one kernel on a card. Twice as fast, but some widths have none.
    pub fused_products: bool,
}

/// A session for a graph.
///
/// # Errors
/// `RuntimeError` when the graph or the machine does not do.
pub fn session(environment: &Environment, graph: &Path, setup: SessionSetup<'_>) -> Result<Session, RuntimeError> {
    let builder = options(environment, setup)?;
    let mut builder = match setup.record {
        Some(record) => builder.with_profiling(record)?,
        None => builder,
    };
    Ok(builder.commit_from_file(graph)?)
}

fn options(environment: &Environment, setup: SessionSetup<'_>) -> Result<SessionBuilder, RuntimeError> {
    let builder = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(setup.threads)?
        // Between tokens nothing is computed; threads that spin meanwhile take the processor from the phone.
        .with_intra_op_spinning(false)?;
    let builder = with_provider(builder, setup.provider)?;
    Ok(match setup.provider {
        // Elsewhere the key means nothing.
        Provider::Cuda if setup.fused_products => builder.with_config_entry("ep.cuda.fpa_intb_gemm", "1")?,
        _ => builder,
    })
}

fn names(providers: &[Provider]) -> String {
    providers.iter().map(|provider| provider.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &str, numbers: Numbers, there: &[Provider], broken: bool, expected: &str) {
        let usable = |wanted| match broken {
            true => Err(ProviderError::Unusable { wanted, why: "no driver".to_owned() }),
            false => Ok(()),
        };
        let said = match decide(wanted.parse().unwrap(), numbers, there, usable) {
            Ok(ProviderChoice { provider, why }) => format!("{provider}: {why}"),
            Err(error) => format!("error: {error}"),
        };
        assert!(said.starts_with(expected), "{said}\ninstead of\n{expected}");
    }

    #[test]
    fn who_computes_and_why() {
        use Numbers::{Full, Half};
        use Provider::{CoreMl, Cpu, Cuda, WebGpu};
        let there = [Cpu, Cuda];
        check("auto", Full, &[Cpu], false, "cpu: this ONNX Runtime has no other");
        check(
            "auto",
            Full,
            &[Cpu, CoreMl, WebGpu],
            false,
            "cpu: of the others that this ONNX Runtime has (coreml, webgpu)",
        );
        check("auto", Half, &there, false, "cuda: there is a graphics card");
        check("auto", Full, &there, false, "cpu: this ONNX Runtime has `cuda`, but that wants a model of 16-bit");
        check("auto", Half, &there, true, "cpu: the provider `cuda` cannot be used on this machine: no driver");
        check("cpu", Half, &there, false, "cpu: it was asked for");
        check("cuda", Half, &there, false, "cuda: it was asked for");
        check("cuda", Half, &there, true, "error: the provider `cuda` cannot be used");
        check("cuda", Full, &there, false, "error: `cuda` computes attention with 16-bit numbers only");
        let absent =
            "error: this ONNX Runtime has no provider `cuda`, only: cpu\nget one that has it: tapwright setup --gpu";
        check("cuda", Half, &[Cpu], false, absent);
        check(
            "webgpu",
            Full,
            &[Cpu],
            false,
            "error: this ONNX Runtime has no provider `webgpu`, only: cpu\nthe npm package",
        );
        assert!("gpu".parse::<Provider>().unwrap_err().to_string().ends_with("cpu, cuda, coreml, webgpu, nnapi, qnn"));
    }

    #[test]
    fn the_library_here_says_what_it_has() {
        let Some(library) = crate::library::for_tests() else { return };
        let environment = super::super::runtime::load(&library).unwrap();
        let there = available(&environment).unwrap();
        assert!(there.contains(&Provider::Cpu), "{there:?}");
        let picked = pick(&environment, &library, Provider::Auto, Numbers::Full).unwrap();
        assert_eq!(picked.provider, Provider::Cpu);
        for absent in Provider::NAMED.into_iter().filter(|provider| !there.contains(provider)) {
            let error = pick(&environment, &library, absent, Numbers::Half).unwrap_err().to_string();
            assert!(error.contains(&format!("has no provider `{absent}`")), "{error}");
        }
    }
}
