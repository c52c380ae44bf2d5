//! Builds other than the plain one, against the reference: quantised as the builder does it, and in the operators of providers
//! that are not here but whose operators the processor has as well.
//!
//! These need ONNX Runtime's library, and say so when they find none.

use safetensors::SafeTensors;
use serde::Deserialize;

use super::goldens::{
    GoldenCase, begin_answer, checkpoint, compile_case, engine_of, furthest, goldens, here, options,
    whole_prompt_logits,
};
use super::*;
use crate::checkpoint::Precision;
use crate::folder::{Build, WeightFormat};
use crate::onnx::TargetProvider;
use crate::request::Request;

/// The same numbers in other sums, as for plain graphs.
const QUANTISED: f32 = 1e-4;
/// Activations in 8 bits are another computation: what that adds, a tenth of what 4 bits of weights do.
const CUT: f32 = 0.15;

#[derive(Deserialize)]
struct Quantised {
    #[serde(flatten)]
    case: GoldenCase,
    bits: u32,
    block: u32,
}

/// The whole prompt at once, all logits that the case asks for.
fn logits(engine: &mut Engine, case: &GoldenCase) -> Vec<f32> {
    let compiled = compile_case(engine, case);
    whole_prompt_logits(engine, case, &compiled)
}

fn arrays(file: &str, name: &str) -> Vec<f32> {
    let bytes = std::fs::read(here().join(file)).unwrap();
    let mut numbers = Vec::new();
    Precision::F32.widen(SafeTensors::deserialize(&bytes).unwrap().tensor(name).unwrap().data(), &mut numbers);
    numbers
}

#[test]
fn quantised_graphs_compute_what_torch_computes_with_the_same_numbers() {
    let text = std::fs::read(here().join("quantised.json")).unwrap();
    let cases: Vec<Quantised> = serde_json::from_slice(&text).unwrap();
    for (index, Quantised { case, bits, block }) in cases.iter().enumerate() {
        let precision = if *bits == 4 { WeightFormat::Int4 } else { WeightFormat::Int8 };
        let folder = checkpoint(&goldens(), &case.variant, Precision::Bf16, 1);
        for exact in [true, false] {
            let build = Build { precision, provider: TargetProvider::Cpu, block: *block, exact };
            let Some(mut engine) = engine_of(folder.path(), &build, &options(512)) else { return };
            let ours = logits(&mut engine, case);
            let theirs = arrays("quantised.safetensors", &format!("case{index}.logits"));
            let gap = furthest(&ours, &theirs);
            let plain = furthest(&ours, &arrays("quantised.safetensors", &format!("case{index}.plain")));
            println!(
                "{}, {bits} bits, blocks of {block}, exact {exact}: {gap} from torch, {plain} from plain",
                case.variant
            );
            let most = if exact { QUANTISED } else { CUT };
            assert!(gap <= most, "case {index}, {bits} bits, exact {exact}: logits differ by {gap}");
        }
    }
}

#[test]
fn the_operators_of_other_providers_compute_the_same() {
    let goldens = goldens();
    for provider in [TargetProvider::Coreml, TargetProvider::Webgpu] {
        for variant in ["untied", "tied", "glm46v_1", "glm_ocr_0", "glm_ocr_2"] {
            let folder = checkpoint(&goldens, variant, Precision::F32, 1);
            let build = Build { provider, ..Build::FP32 };
            let Some(mut engine) = engine_of(folder.path(), &build, &options(512)) else { return };
            for (index, case) in goldens.cases.iter().enumerate().filter(|(_, case)| case.variant == variant) {
                let gap =
                    furthest(&logits(&mut engine, case), &arrays("arrays.safetensors", &format!("case{index}.logits")));
                assert!(gap <= 1e-4, "case {index}, {variant} for {provider:?}: logits differ by {gap}");
            }
        }
    }
}

#[test]
fn every_architecture_answers_when_it_is_quantised() {
    let goldens = goldens();
    for variant in ["glm46v_0", "glm46v_3", "glm_ocr_0", "glm_ocr_2"] {
        let folder = checkpoint(&goldens, variant, Precision::Bf16, 1);
        // What rounding to so many bits may move logits: twice what is seen.
        for (precision, most) in [(WeightFormat::Int8, 0.2), (WeightFormat::Int4, 1.0)] {
            let build = Build { precision, ..Build::FP32 };
            let Some(mut engine) = engine_of(folder.path(), &build, &options(512)) else { return };
            for (index, case) in goldens.cases.iter().enumerate().filter(|(_, case)| case.variant == variant) {
                let ours = logits(&mut engine, case);
                let gap = furthest(&ours, &arrays("arrays.safetensors", &format!("case{index}.logits")));
                println!("case {index}, {variant}, {precision:?}: {gap} from plain");
                assert!(gap <= most, "case {index}, {variant}, {precision:?}: logits differ by {gap}");

                let request = Request { tokens_max: Some(8), ..Request::greedy(Vec::new()) };
                let mut work = {
                    let prompt = compile_case(&engine, case);
                    begin_answer(&mut engine, &request, prompt)
                };
                while engine.step(&mut work).unwrap().end.is_none() {}
                engine.release(work.conversation, true);
                assert_eq!(work.detokenizer.tokens().len(), 8, "case {index}, {variant}, {precision:?}");
            }
        }
    }
}

#[test]
fn graphs_of_16_bits_are_fed_and_read_in_16_bits() {
    let goldens = goldens();
    for variant in ["untied", "tied", "glm_ocr_0"] {
        let folder = checkpoint(&goldens, variant, Precision::F16, 1);
        let build = Build { precision: WeightFormat::Fp16, ..Build::FP32 };
        let Some(mut engine) = engine_of(folder.path(), &build, &options(7)) else { return };
        assert_eq!(engine.decoder.slot_bytes() % 2, 0);
        for (index, case) in goldens.cases.iter().enumerate().filter(|(_, case)| case.variant == variant) {
            let gap =
                furthest(&logits(&mut engine, case), &arrays("arrays.safetensors", &format!("case{index}.logits")));
            println!("case {index}, {variant}, fp16: {gap} from plain");
            // Sums of 16-bit numbers with 11 bits each, over all layers; logits go up to about 3.
            assert!(gap <= 2e-2, "case {index}, {variant}, fp16: logits differ by {gap}");
            // In chunks, with a cache that grows, and again on what lies there.
            let request = Request { tokens_max: Some(600), ..Request::greedy(Vec::new()) };
            let answers = [(), ()].map(|()| {
                let mut work = {
                    let prompt = compile_case(&engine, case);
                    begin_answer(&mut engine, &request, prompt)
                };
                while engine.step(&mut work).unwrap().end.is_none() {}
                engine.release(work.conversation, true);
                work.detokenizer.tokens()[..20].to_vec()
            });
            assert_eq!(answers[0], answers[1], "case {index}, {variant}");
        }
    }
}
