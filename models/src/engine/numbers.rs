//! Tensors of a graph's own numbers. This program computes with 32 bits; graphs for graphics cards have 16.

use half::{bf16, f16};
use ort::memory::Allocator;
use ort::value::{DynTensor, DynValue, PrimitiveTensorElementType, Tensor};

use super::runtime::RuntimeError;
use crate::checkpoint::Precision;

/// A number as a graph has it.
pub trait Number: PrimitiveTensorElementType + Copy + Default + std::fmt::Debug + 'static {
    fn of(number: f32) -> Self;
    fn wide(self) -> f32;
}

impl Number for f32 {
    fn of(number: f32) -> f32 {
        number
    }

    fn wide(self) -> f32 {
        self
    }
}

impl Number for f16 {
    fn of(number: f32) -> f16 {
        f16::from_f32(number)
    }

    fn wide(self) -> f32 {
        self.to_f32()
    }
}

impl Number for bf16 {
    fn of(number: f32) -> bf16 {
        bf16::from_f32(number)
    }

    fn wide(self) -> f32 {
        self.to_f32()
    }
}

/// A tensor of that shape, of numbers of that kind.
pub fn tensor(shape: Vec<i64>, numbers: Vec<f32>, kind: Precision) -> Result<DynTensor, RuntimeError> {
    fn narrow<T: Number>(shape: Vec<i64>, numbers: &[f32]) -> Result<DynTensor, RuntimeError> {
        let numbers: Vec<T> = numbers.iter().map(|&number| T::of(number)).collect();
        Ok(Tensor::from_array((shape, numbers))?.upcast())
    }
    match kind {
        Precision::F32 => Ok(Tensor::from_array((shape, numbers))?.upcast()),
        Precision::F16 => narrow::<f16>(shape, &numbers),
        Precision::Bf16 => narrow::<bf16>(shape, &numbers),
    }
}

/// The numbers of a graph's output.
pub fn read(value: &DynValue, kind: Precision) -> Result<Vec<f32>, RuntimeError> {
    fn widen<T: Number>(value: &DynValue) -> Result<Vec<f32>, RuntimeError> {
        let (_, numbers) = value.try_extract_tensor::<T>()?;
        Ok(numbers.iter().map(|number| number.wide()).collect())
    }
    match kind {
        Precision::F32 => Ok(value.try_extract_tensor::<f32>()?.1.to_vec()),
        Precision::F16 => widen::<f16>(value),
        Precision::Bf16 => widen::<bf16>(value),
    }
}

/// What a cache has of one layer's keys or values: `[1, heads, capacity, head]`.
#[derive(Clone, Copy)]
pub struct CacheShape {
    pub heads: usize,
    pub capacity: usize,
    pub head: usize,
}

/// An empty tensor for a cache, in the allocator's memory. In memory that this program can read and write, the first `kept` slots are those of
/// another one, and all others nought; elsewhere nothing is written, and nothing may be kept.
pub fn slots(
    allocator: &Allocator,
    shape: CacheShape,
    kind: Precision,
    kept: Option<(&DynTensor, usize)>,
    host_visible: bool,
) -> Result<DynTensor, RuntimeError> {
    match kind {
        Precision::F32 => slots_of::<f32>(allocator, shape, kept, host_visible),
        Precision::F16 => slots_of::<f16>(allocator, shape, kept, host_visible),
        Precision::Bf16 => slots_of::<bf16>(allocator, shape, kept, host_visible),
    }
}

fn slots_of<T: Number>(
    allocator: &Allocator,
    CacheShape { heads, capacity, head }: CacheShape,
    kept: Option<(&DynTensor, usize)>,
    host_visible: bool,
) -> Result<DynTensor, RuntimeError> {
    let mut tensor = Tensor::<T>::new(allocator, [1, heads, capacity, head])?;
    if host_visible {
        let (_, numbers) = tensor.extract_tensor_mut();
        numbers.fill(T::default()); // It comes as the allocator left it.
        if let Some((before, kept)) = kept {
            let (_, before) = before.try_extract_tensor::<T>()?;
            let (old, new) = (before.len() / heads, capacity * head);
            if kept > capacity || kept * head > old {
                return Err(RuntimeError::new(format!("{kept} slots out of {} into {capacity}", old / head)));
            }
            for at in 0..heads {
                numbers[at * new..][..kept * head].copy_from_slice(&before[at * old..][..kept * head]);
            }
        }
    }
    Ok(tensor.upcast())
}
