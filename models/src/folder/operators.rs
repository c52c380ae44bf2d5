//! What providers that cannot run here have kernels for, as ONNX Runtime's documents say, and that no graph asks for more.

use std::collections::BTreeSet;

use super::*;
use crate::engine::goldens::{checkpoint, goldens};
use crate::onnx::TargetProvider;

const MS: &str = "com.microsoft";
const ANY: &[ElementType] = &[ElementType::F32, ElementType::F16, ElementType::Bf16];
const SMALL: &[ElementType] = &[ElementType::F16, ElementType::Bf16];
const FLOATS: &[ElementType] = &[ElementType::F32, ElementType::F16];

type Kernel = (&'static str, &'static str, &'static [ElementType]);

/// From `docs/OperatorKernels.md` of microsoft/onnxruntime, commit 001d12d2 (after 1.31): "Operators implemented by
/// CUDAExecutionProvider", the versions that opset 20 selects.
const CUDA: &[Kernel] = &[
    ("", "Add", ANY),
    ("", "Gather", ANY),
    ("", "LayerNormalization", ANY),
    ("", "MatMul", ANY),
    ("", "Mul", ANY),
    ("", "Reshape", ANY),
    ("", "Sigmoid", ANY),
    ("", "SimplifiedLayerNormalization", ANY),
    ("", "Split", ANY),
    ("", "Transpose", ANY),
    ("", "Unsqueeze", ANY),
    (MS, "FusedMatMul", ANY),
    (MS, "Gelu", ANY),
    (MS, "GroupQueryAttention", SMALL),
    (MS, "MatMulNBits", ANY),
    (MS, "MultiHeadAttention", ANY),
    (MS, "RotaryEmbedding", ANY),
    (MS, "SkipSimplifiedLayerNormalization", ANY),
];

/// There is no list of the native WebGPU provider's kernels in the documents; these are the ones that it registers for opset 20 in
/// `core/providers/webgpu/webgpu_execution_provider.cc` (commit 003f772b) and `contrib_ops/webgpu/webgpu_contrib_kernels.cc`
/// (commit 01671d9c) of microsoft/onnxruntime; floats are 32 or 16 bits in all of them.
const WEBGPU: &[Kernel] = &[
    ("", "Add", FLOATS),
    ("", "Gather", FLOATS),
    ("", "Gelu", FLOATS),
    ("", "Gemm", FLOATS),
    ("", "LayerNormalization", FLOATS),
    ("", "MatMul", FLOATS),
    ("", "Mul", FLOATS),
    ("", "Reshape", FLOATS),
    ("", "Sigmoid", FLOATS),
    ("", "SimplifiedLayerNormalization", FLOATS),
    ("", "Split", FLOATS),
    ("", "Transpose", FLOATS),
    ("", "Unsqueeze", FLOATS),
    (MS, "GroupQueryAttention", FLOATS),
    (MS, "MatMulNBits", FLOATS),
    (MS, "MultiHeadAttention", FLOATS),
    (MS, "RotaryEmbedding", FLOATS),
    (MS, "SkipSimplifiedLayerNormalization", FLOATS),
];

/// From `tools/ci_build/github/apple/coreml_supported_mlprogram_ops.md` of microsoft/onnxruntime, commit 04f568d8.
const COREML: &[Kernel] = &[
    ("", "Add", FLOATS),
    ("", "Concat", FLOATS),
    ("", "Div", FLOATS),
    ("", "Gelu", FLOATS),
    ("", "Gemm", FLOATS),
    ("", "LayerNormalization", FLOATS),
    ("", "MatMul", FLOATS),
    ("", "Mul", FLOATS),
    ("", "ReduceMean", FLOATS),
    ("", "Reshape", FLOATS),
    ("", "Sigmoid", FLOATS),
    ("", "Softmax", FLOATS),
    ("", "Split", FLOATS),
    ("", "Sqrt", FLOATS),
    ("", "Sub", FLOATS),
    ("", "Transpose", FLOATS),
    ("", "Unsqueeze", FLOATS),
];

const FORMS: [WeightFormat; 5] =
    [WeightFormat::Fp32, WeightFormat::Fp16, WeightFormat::Bf16, WeightFormat::Int8, WeightFormat::Int4];

#[test]
fn every_graph_asks_only_for_kernels_that_its_provider_has() {
    let mut used = BTreeSet::new();
    let mut refused = Vec::new();
    for (variant, precision) in [
        ("untied", Precision::Bf16),
        ("tied", Precision::F16),
        ("glm46v_0", Precision::F32),
        ("glm_ocr_0", Precision::Bf16),
    ] {
        let folder = checkpoint(&goldens(), variant, precision, 1);
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let family = family(folder.path()).unwrap();
        for provider in [TargetProvider::Cuda, TargetProvider::Webgpu, TargetProvider::Coreml] {
            for form in FORMS {
                let build = Build { precision: form, provider, block: 32, exact: false };
                let options = match build.graph_options(&checkpoint) {
                    Ok(options) => options,
                    Err(error) => {
                        refused.push(error.to_string());
                        continue;
                    }
                };
                let graphs = family.graphs(&checkpoint, options).unwrap();
                for graph in [graphs.vision, graphs.decoder] {
                    let kernels = match graph.options().provider {
                        TargetProvider::Cuda => CUDA,
                        TargetProvider::Webgpu => WEBGPU,
                        TargetProvider::Coreml => COREML,
                        TargetProvider::Cpu => continue, // It runs here, so the goldens tell.
                    };
                    for &(domain, operator, kind) in graph.operators() {
                        let kernel = kernels.iter().find(|kernel| (kernel.0, kernel.1) == (domain, operator));
                        let fits = kernel.is_some_and(|kernel| kernel.2.contains(&kind));
                        assert!(
                            fits,
                            "{provider:?} has no {operator} for {kind:?}, which {variant} in {form:?} asks for"
                        );
                        used.insert((format!("{:?}", graph.options().provider), operator));
                    }
                }
            }
        }
    }
    assert_eq!(refused.len(), 4 * 3, "{refused:?}");
    for (provider, kernels) in [("Cuda", CUDA), ("Webgpu", WEBGPU), ("Coreml", COREML)] {
        for kernel in kernels {
            assert!(used.contains(&(provider.to_owned(), kernel.1)), "{provider}: nothing asks for {}", kernel.1);
        }
    }
}
