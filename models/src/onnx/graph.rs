//! A graph under construction: every value knows its shape, so that a block that does not fit is found where it is written.
//!
//! Blocks say what they compute; which operators say it depends on the provider that is to run them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::proto::{self, Attribute, MICROSOFT, ProtoMessage};

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementType {
    F32,
    F16,
    Bf16,
    U8,
    I32,
    I64,
}

/// What of ONNX Runtime is to run a graph. Each has kernels for other operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetProvider {
    Cpu,
    Cuda,
    Coreml,
    Webgpu,
}

/// How a graph is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphOptions {
    pub provider: TargetProvider,
    /// What the numbers between operators are: 32, 16 or 16 bits.
    pub kind: ElementType,
    /// How matrices are kept, if they are quantised.
    pub blocks: Option<Blocks>,
}

/// Matrices as whole numbers of a few bits, so many of a row under one scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// 4 or 8.
    pub bits: u32,
    /// Numbers of a row that share a scale: 32, 64 or 128.
    pub size: u64,
    /// Products are of the numbers as they are, and not of numbers that were cut to 8 bits first. Slower.
    pub exact: bool,
}

/// How large a tensor is along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Known when the graph is built.
    Fixed(u64),
    /// Known when it runs.
    Named(&'static str),
}

/// A tensor in the graph.
#[derive(Clone, Debug)]
pub struct Value {
    name: String,
    kind: ElementType,
    shape: Vec<Dim>,
}

/// Where the bytes of a weight lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// A file beside the graph.
    pub file: String,
    pub offset: u64,
    pub length: u64,
}

/// A weight that the graph uses: its name in the graph, its shape there, and what the caller finds it by.
pub struct WeightUse<W> {
    pub name: String,
    pub kind: ElementType,
    shape: Vec<u64>,
    pub weight: W,
}

/// A graph of floats over weights of type `W`.
pub struct Graph<W> {
    name: &'static str,
    options: GraphOptions,
    nodes: Vec<ProtoMessage>,
    weights: Vec<WeightUse<W>>,
    constants: Vec<ProtoMessage>,
    inputs: Vec<ProtoMessage>,
    outputs: Vec<ProtoMessage>,
    taken: BTreeSet<String>,
    /// Which operators there are, by their first input: what a provider is asked to have.
    operators: BTreeSet<(&'static str, &'static str, ElementType)>,
}

impl ElementType {
    pub(super) fn code(self) -> i64 {
        match self {
            ElementType::F32 => 1,
            ElementType::U8 => 2,
            ElementType::F16 => 10,
            ElementType::Bf16 => 16,
            ElementType::I32 => 6,
            ElementType::I64 => 7,
        }
    }
}

impl Value {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> ElementType {
        self.kind
    }

    pub fn shape(&self) -> &[Dim] {
        &self.shape
    }

    /// How many axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The last axis, which has to be known.
    ///
    /// # Panics
    /// When it is not: a mistake of the block that asks.
    pub fn width(&self) -> u64 {
        match self.shape.last() {
            Some(Dim::Fixed(width)) => *width,
            other => panic!("{} has no fixed width: {other:?}", self.name),
        }
    }

    /// The same shape with another last axis.
    pub fn shape_with(&self, width: u64) -> Vec<Dim> {
        let mut shape = self.shape.clone();
        *shape.last_mut().expect("a value has axes") = Dim::Fixed(width);
        shape
    }
}

impl<W> Graph<W> {
    pub fn new(name: &'static str, options: GraphOptions) -> Graph<W> {
        Graph {
            name,
            options,
            nodes: Vec::new(),
            weights: Vec::new(),
            constants: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            taken: BTreeSet::new(),
            operators: BTreeSet::new(),
        }
    }

    pub fn options(&self) -> GraphOptions {
        self.options
    }

    /// What its numbers are.
    pub fn kind(&self) -> ElementType {
        self.options.kind
    }

    /// What the caller gives at each run.
    pub fn input(&mut self, name: &str, kind: ElementType, shape: impl Into<Vec<Dim>>) -> Value {
        let value = self.value(name, kind, shape);
        self.inputs.push(proto::value(&value));
        value
    }

    /// What the caller gets.
    pub fn output(&mut self, value: &Value) {
        self.outputs.push(proto::value(value));
    }

    /// A weight under the name that the checkpoint has for it. A second use of a name needs no second copy.
    pub fn weight(&mut self, name: &str, shape: &[u64], weight: W) -> Value {
        self.weight_of(self.options.kind, name, shape, weight)
    }

    /// As `weight`, of another kind than the graph's numbers.
    pub fn weight_of(&mut self, kind: ElementType, name: &str, shape: &[u64], weight: W) -> Value {
        let dims = shape.iter().map(|&size| Dim::Fixed(size)).collect();
        if self.taken.insert(name.to_owned()) {
            self.weights.push(WeightUse { name: name.to_owned(), kind, shape: shape.to_vec(), weight });
        }
        Value { name: name.to_owned(), kind, shape: dims }
    }

    /// A few whole numbers.
    pub fn numbers(&mut self, name: &str, values: &[i64]) -> Value {
        if self.taken.insert(name.to_owned()) {
            self.constants.push(proto::numbers(name, values));
        }
        Value { name: name.to_owned(), kind: ElementType::I64, shape: vec![Dim::Fixed(values.len() as u64)] }
    }

    /// `x: [.., in], weight: [out, in] -> [.., out]`
    pub fn matmul_transposed(&mut self, name: &str, x: &Value, weight: &Value) -> Value {
        let [Dim::Fixed(out), Dim::Fixed(width)] = weight.shape[..] else { panic!("{} is no matrix", weight.name) };
        assert_eq!(x.width(), width, "{name}: the matrix does not take what comes in");
        let transposed = [Attribute::Int("transB", 1)];
        match self.options.provider {
            TargetProvider::Cpu | TargetProvider::Cuda => {
                let product = self.value(name, self.options.kind, x.shape_with(out));
                self.node(MICROSOFT, "FusedMatMul", &[x, weight], &[&product], &transposed);
                product
            }
            // These have no FusedMatMul. Gemm takes a matrix as it is stored as well, but only two axes of `x`.
            TargetProvider::Coreml | TargetProvider::Webgpu if x.rank() == 2 => {
                let product = self.value(name, self.options.kind, x.shape_with(out));
                self.node("", "Gemm", &[x, weight], &[&product], &transposed);
                product
            }
            TargetProvider::Coreml | TargetProvider::Webgpu => {
                let flat = self.rows_of(&format!("{name}.flat"), x);
                let product = self.value(&format!("{name}.rows"), self.options.kind, flat.shape_with(out));
                self.node("", "Gemm", &[&flat, weight], &[&product], &transposed);
                let back = self.numbers(&format!("shape_1_n_{out}"), &[1, -1, out as i64]);
                self.reshape(name, &product, &back, x.shape_with(out))
            }
        }
    }

    /// `[1, n, width] -> [n, width]`
    fn rows_of(&mut self, name: &str, x: &Value) -> Value {
        assert_eq!(x.shape[0], Dim::Fixed(1), "{name}: a batch of more than one");
        let shape = self.numbers(&format!("shape_n_{}", x.width()), &[-1, x.width() as i64]);
        self.reshape(name, x, &shape, x.shape[1..].to_vec())
    }

    /// `x: [.., in] -> [.., out]` through a matrix that is kept in blocks, and a bias of `[out]` if there is one.
    ///
    /// `quants: [out, ceil(in / size), size * bits / 8], scales: [out, ceil(in / size)]`
    pub fn matmul_blocks(
        &mut self,
        name: &str,
        x: &Value,
        [quants, scales]: [&Value; 2],
        bias: Option<&Value>,
        blocks: Blocks,
    ) -> Value {
        let [Dim::Fixed(out), Dim::Fixed(count)] = scales.shape[..] else { panic!("{} is no matrix", scales.name) };
        assert_eq!(count, x.width().div_ceil(blocks.size), "{name}: the matrix does not take what comes in");
        let mut attributes = vec![
            Attribute::Int("K", x.width() as i64),
            Attribute::Int("N", out as i64),
            Attribute::Int("bits", blocks.bits.into()),
            Attribute::Int("block_size", blocks.size as i64),
        ];
        if self.options.provider == TargetProvider::Cpu && !blocks.exact {
            attributes.push(Attribute::Int("accuracy_level", 4));
        }
        let Some(bias) = bias else {
            let product = self.value(name, self.options.kind, x.shape_with(out));
            self.node(MICROSOFT, "MatMulNBits", &[x, quants, scales], &[&product], &attributes);
            return product;
        };
        if self.options.provider == TargetProvider::Cpu {
            let product = self.value(name, self.options.kind, x.shape_with(out));
            let inputs = [x.name(), quants.name(), scales.name(), "", "", bias.name()];
            self.operators.insert((MICROSOFT, "MatMulNBits", x.kind));
            let outputs = [product.name.clone()];
            self.nodes.push(proto::node(MICROSOFT, "MatMulNBits", &inputs, &outputs, &attributes));
            return product;
        }
        // Not every kernel of the others takes a bias.
        let product = self.value(&format!("{name}.plain"), self.options.kind, x.shape_with(out));
        self.node(MICROSOFT, "MatMulNBits", &[x, quants, scales], &[&product], &attributes);
        self.add(name, &product, bias)
    }

    /// `left: [rows, n], right: [n, columns]`, or `left: [n, k], right: [batch, k, columns] -> [batch, n, columns]`
    pub fn matmul(&mut self, name: &str, left: &Value, right: &Value, shape: impl Into<Vec<Dim>>) -> Value {
        assert_eq!(left.shape.last(), right.shape.iter().rev().nth(1), "{name}: the inner axes differ");
        let product = self.value(name, self.options.kind, shape);
        self.node("", "MatMul", &[left, right], &[&product], &[]);
        product
    }

    /// The larger shape comes first; the other may lack leading axes.
    pub fn add(&mut self, name: &str, left: &Value, right: &Value) -> Value {
        self.elementwise("Add", name, left, right)
    }

    /// As `add`.
    pub fn multiply(&mut self, name: &str, left: &Value, right: &Value) -> Value {
        self.elementwise("Mul", name, left, right)
    }

    /// `x * sigmoid(x)`
    pub fn silu(&mut self, name: &str, x: &Value) -> Value {
        if self.options.provider == TargetProvider::Cpu {
            let result = self.value(name, self.options.kind, x.shape.clone());
            self.node(MICROSOFT, "QuickGelu", &[x], &[&result], &[Attribute::Float("alpha", 1.0)]);
            return result;
        }
        // Not all have QuickGelu in all kinds; those that do find the pair and fuse it.
        let open = self.value(&format!("{name}.sigmoid"), self.options.kind, x.shape.clone());
        self.node("", "Sigmoid", &[x], &[&open], &[]);
        self.multiply(name, x, &open)
    }

    /// By the error function, not its approximation.
    pub fn gelu(&mut self, name: &str, x: &Value) -> Value {
        let result = self.value(name, self.options.kind, x.shape.clone());
        match self.options.provider {
            // There the standard's own has no kernel for bf16.
            TargetProvider::Cuda => self.node(MICROSOFT, "Gelu", &[x], &[&result], &[]),
            TargetProvider::Cpu | TargetProvider::Coreml | TargetProvider::Webgpu => {
                self.node("", "Gelu", &[x], &[&result], &[Attribute::Text("approximate", "none")]);
            }
        }
        result
    }

    /// Divides by the root mean square. `x: [.., width], scale: [width] -> [.., width]`
    pub fn rms_norm(&mut self, name: &str, x: &Value, scale: &Value, epsilon: f32) -> Value {
        assert_eq!(x.width(), scale.width(), "{name}: the scale does not fit");
        if self.options.provider == TargetProvider::Coreml {
            return self.rms_norm_in_parts(name, x, scale, epsilon);
        }
        let result = self.value(name, self.options.kind, x.shape.clone());
        let attributes =
            [Attribute::Float("epsilon", epsilon), Attribute::Int("axis", -1), Attribute::Int("stash_type", 1)];
        self.node("", "SimplifiedLayerNormalization", &[x, scale], &[&result], &attributes);
        result
    }

    fn rms_norm_in_parts(&mut self, name: &str, x: &Value, scale: &Value, epsilon: f32) -> Value {
        let kind = self.options.kind;
        let square = self.multiply(&format!("{name}.square"), x, x);
        let axis = self.numbers("axis_last", &[-1]);
        let mean = self.value(&format!("{name}.mean"), kind, x.shape_with(1));
        self.node("", "ReduceMean", &[&square, &axis], &[&mean], &[Attribute::Int("keepdims", 1)]);
        let least = self.constant(&format!("epsilon_{epsilon:e}"), epsilon);
        let sum = self.add(&format!("{name}.least"), &mean, &least);
        let root = self.value(&format!("{name}.root"), kind, x.shape_with(1));
        self.node("", "Sqrt", &[&sum], &[&root], &[]);
        let even = self.value(&format!("{name}.even"), kind, x.shape.clone());
        self.node("", "Div", &[x, &root], &[&even], &[]);
        self.multiply(name, &even, scale)
    }

    /// Adds, and norms the sum: `(normed, sum)`, both `[.., width]`.
    pub fn add_and_rms_norm(
        &mut self,
        name: &str,
        residual: &Value,
        x: &Value,
        scale: &Value,
        epsilon: f32,
    ) -> (Value, Value) {
        assert_eq!(residual.shape, x.shape, "{name}: the summands differ in shape");
        assert_eq!(x.width(), scale.width(), "{name}: the scale does not fit");
        let normed = self.value(name, self.options.kind, x.shape.clone());
        let sum = self.value(&format!("{name}.sum"), self.options.kind, x.shape.clone());
        let outputs = [normed.name.clone(), String::new(), String::new(), sum.name.clone()];
        let inputs = [residual.name.as_str(), &x.name, &scale.name];
        self.operators.insert((MICROSOFT, "SkipSimplifiedLayerNormalization", x.kind));
        self.nodes.push(proto::node(
            MICROSOFT,
            "SkipSimplifiedLayerNormalization",
            &inputs,
            &outputs,
            &[Attribute::Float("epsilon", epsilon)],
        ));
        (normed, sum)
    }

    /// `x: [.., width], scale: [width], shift: [width] -> [.., width]`
    pub fn layer_norm(&mut self, name: &str, x: &Value, scale: &Value, shift: &Value, epsilon: f32) -> Value {
        assert_eq!([x.width(), x.width()], [scale.width(), shift.width()], "{name}: the scale does not fit");
        let result = self.value(name, self.options.kind, x.shape.clone());
        let attributes = [Attribute::Float("epsilon", epsilon), Attribute::Int("axis", -1)];
        self.node("", "LayerNormalization", &[x, scale, shift], &[&result], &attributes);
        result
    }

    /// Cuts the last axis into equal parts.
    pub fn split<const N: usize>(&mut self, names: [String; N], x: &Value) -> [Value; N] {
        assert_eq!(x.width() % N as u64, 0, "{}: {} does not fall into {N} parts", names[0], x.width());
        let parts = names.map(|name| self.value(&name, self.options.kind, x.shape_with(x.width() / N as u64)));
        let attributes = [Attribute::Int("axis", -1), Attribute::Int("num_outputs", N as i64)];
        self.node("", "Split", &[x], &parts.each_ref(), &attributes);
        parts
    }

    /// The caller says what shape comes out: the numbers may be known only at the run.
    pub fn reshape(&mut self, name: &str, x: &Value, to: &Value, shape: impl Into<Vec<Dim>>) -> Value {
        let result = self.value(name, x.kind, shape);
        self.node("", "Reshape", &[x, to], &[&result], &[]);
        result
    }

    /// Puts the axes into another order.
    pub fn transpose(&mut self, name: &str, x: &Value, order: &[usize]) -> Value {
        let shape: Vec<Dim> = order.iter().map(|&axis| x.shape[axis]).collect();
        let result = self.value(name, x.kind, shape);
        let order: Vec<i64> = order.iter().map(|&axis| axis as i64).collect();
        self.node("", "Transpose", &[x], &[&result], &[Attribute::Ints("perm", &order)]);
        result
    }

    /// Adds an axis of one in front.
    pub fn batch_of_one(&mut self, name: &str, x: &Value) -> Value {
        let axis = self.numbers("axis_0", &[0]);
        let shape: Vec<Dim> = std::iter::once(Dim::Fixed(1)).chain(x.shape.iter().copied()).collect();
        let result = self.value(name, x.kind, shape);
        self.node("", "Unsqueeze", &[x, &axis], &[&result], &[]);
        result
    }

    /// Picks rows of the second axis. `x: [batch, rows, width], rows: [k] -> [batch, k, width]`
    pub fn rows(&mut self, name: &str, x: &Value, rows: &Value) -> Value {
        let mut shape = x.shape.clone();
        shape[1] = rows.shape[0];
        let result = self.value(name, x.kind, shape);
        self.node("", "Gather", &[x, rows], &[&result], &[Attribute::Int("axis", 1)]);
        result
    }

    /// One number, of the graph's kind.
    fn constant(&mut self, name: &str, number: f32) -> Value {
        let kind = self.options.kind;
        if self.taken.insert(name.to_owned()) {
            let bytes = match kind {
                ElementType::F16 => half::f16::from_f32(number).to_le_bytes().to_vec(),
                ElementType::Bf16 => half::bf16::from_f32(number).to_le_bytes().to_vec(),
                _ => number.to_le_bytes().to_vec(),
            };
            self.constants.push(proto::constant(name, kind, &[1], &bytes));
        }
        Value { name: name.to_owned(), kind, shape: vec![Dim::Fixed(1)] }
    }

    /// Turns halves of each head by the angle of its position: `x: [1, tokens, heads * dim]`.
    pub fn rotate_halves(&mut self, name: &str, x: &Value, turn: &RotaryEmbedding<'_>) -> Value {
        if self.options.provider == TargetProvider::Coreml {
            return self.rotate_halves_in_parts(name, x, turn);
        }
        let result = self.value(name, self.options.kind, x.shape.clone());
        let attributes = [
            Attribute::Int("interleaved", 0),
            Attribute::Int("num_heads", turn.heads as i64),
            Attribute::Int("rotary_embedding_dim", (x.width() / turn.heads) as i64),
        ];
        let inputs = [x, turn.positions, turn.cos, turn.sin];
        self.node(MICROSOFT, "RotaryEmbedding", &inputs, &[&result], &attributes);
        result
    }

    fn rotate_halves_in_parts(&mut self, name: &str, x: &Value, turn: &RotaryEmbedding<'_>) -> Value {
        let (kind, tokens, dim) = (self.options.kind, x.shape[1], x.width() / turn.heads);
        let heads = self.heads_of(&format!("{name}.heads"), x, turn.heads);
        let halves = [format!("{name}.left"), format!("{name}.right")];
        let [left, right] = self.split(halves, &heads);
        // Angles are those of a token, whatever the head.
        let axis = self.numbers("axis_1", &[1]);
        let angle = |graph: &mut Graph<W>, table: &Value| {
            let all = format!("{}.heads", table.name);
            let shape = vec![tokens, Dim::Fixed(1), Dim::Fixed(dim / 2)];
            if graph.taken.contains(&all) {
                return Value { name: all, kind, shape };
            }
            let value = graph.value(&all, kind, shape);
            graph.node("", "Unsqueeze", &[table, &axis], &[&value], &[]);
            value
        };
        let (cos, sin) = (angle(self, turn.cos), angle(self, turn.sin));
        let mut product = |part: &str, half: &Value, by: &Value| {
            let result = self.value(&format!("{name}.{part}"), kind, half.shape.clone());
            self.node("", "Mul", &[half, by], &[&result], &[]);
            result
        };
        let (left_cos, right_sin) = (product("left_cos", &left, &cos), product("right_sin", &right, &sin));
        let (right_cos, left_sin) = (product("right_cos", &right, &cos), product("left_sin", &left, &sin));
        let first = self.value(&format!("{name}.first"), kind, left.shape.clone());
        self.node("", "Sub", &[&left_cos, &right_sin], &[&first], &[]);
        let second = self.add(&format!("{name}.second"), &right_cos, &left_sin);
        let turned = self.value(&format!("{name}.both"), kind, heads.shape.clone());
        self.node("", "Concat", &[&first, &second], &[&turned], &[Attribute::Int("axis", -1)]);
        let whole = self.numbers(&format!("shape_1_n_{}", x.width()), &[1, -1, x.width() as i64]);
        self.reshape(name, &turned, &whole, x.shape.clone())
    }

    /// `[1, tokens, heads * dim] -> [tokens, heads, dim]`
    fn heads_of(&mut self, name: &str, x: &Value, heads: u64) -> Value {
        let dim = x.width() / heads;
        let shape = self.numbers(&format!("shape_n_{heads}_{dim}"), &[-1, heads as i64, dim as i64]);
        self.reshape(name, x, &shape, [x.shape[1], Dim::Fixed(heads), Dim::Fixed(dim)])
    }

    /// Every token attends to every other: `[1, tokens, heads * dim]` three times, and once more as the result.
    pub fn attention(&mut self, name: &str, query: &Value, key: &Value, value: &Value, heads: u64) -> Value {
        assert!(query.shape == key.shape && key.shape == value.shape, "{name}: query, key and value differ in shape");
        let scale = 1.0 / ((query.width() / heads) as f32).sqrt();
        if self.options.provider == TargetProvider::Coreml {
            return self.attention_in_parts(name, [query, key, value], heads, scale);
        }
        let result = self.value(name, self.options.kind, query.shape.clone());
        let attributes = [Attribute::Int("num_heads", heads as i64), Attribute::Float("scale", scale)];
        self.node(MICROSOFT, "MultiHeadAttention", &[query, key, value], &[&result], &attributes);
        result
    }

    /// The scores of all heads are there at once: this is for pictures of a few thousand patches.
    fn attention_in_parts(&mut self, name: &str, parts: [&Value; 3], heads: u64, scale: f32) -> Value {
        let kind = self.options.kind;
        let (tokens, head) = (parts[0].shape[1], Dim::Fixed(heads));
        let mut part = |index: usize, about: &str, order: &[usize]| {
            let apart = self.heads_of(&format!("{name}.{about}.heads"), parts[index], heads);
            self.transpose(&format!("{name}.{about}"), &apart, order)
        };
        let query = part(0, "query", &[1, 0, 2]);
        let key = part(1, "key", &[1, 2, 0]);
        let value = part(2, "value", &[1, 0, 2]);
        let scores = self.value(&format!("{name}.scores"), kind, [head, tokens, tokens]);
        self.node("", "MatMul", &[&query, &key], &[&scores], &[]);
        let by = self.constant(&format!("scale_{scale:e}"), scale);
        let scaled = self.multiply(&format!("{name}.scaled"), &scores, &by);
        let shares = self.value(&format!("{name}.shares"), kind, scores.shape.clone());
        self.node("", "Softmax", &[&scaled], &[&shares], &[Attribute::Int("axis", -1)]);
        let mixed = self.value(&format!("{name}.mixed"), kind, query.shape.clone());
        self.node("", "MatMul", &[&shares, &value], &[&mixed], &[]);
        let tokens_first = self.transpose(&format!("{name}.tokens"), &mixed, &[1, 0, 2]);
        let width = parts[0].width();
        let whole = self.numbers(&format!("shape_1_n_{width}"), &[1, -1, width as i64]);
        self.reshape(name, &tokens_first, &whole, parts[0].shape.clone())
    }

    /// Each token attends to itself and what came before it, in the cache too; keys and values are shared by groups of heads.
    ///
    /// `query: [1, tokens, heads * dim], key and value: [1, tokens, kv_heads * dim] -> [1, tokens, heads * dim]`; or all three
    /// in one, one after another.
    pub fn causal_attention(
        &mut self,
        name: &str,
        projected: &ProjectedHeads,
        cache: &CacheValues<'_>,
        [heads, kv_heads]: [u64; 2],
    ) -> Value {
        let (query, others) = match projected {
            ProjectedHeads::Together(all) => (all, None),
            ProjectedHeads::Apart([query, key, value]) => (query, Some([key, value])),
        };
        let parts = if others.is_some() { heads } else { heads + 2 * kv_heads };
        assert_eq!(query.width() % parts, 0, "{name}: queries are no whole heads");
        let dim = query.width() / parts;
        assert!(others.is_none_or(|[key, _]| key.width() == kv_heads * dim), "{name}: keys are no whole heads");
        let result = self.value(name, self.options.kind, query.shape_with(heads * dim));
        let attributes = [
            Attribute::Int("num_heads", heads as i64),
            Attribute::Int("kv_num_heads", kv_heads as i64),
            Attribute::Float("scale", 1.0 / (dim as f32).sqrt()),
            Attribute::Int("do_rotary", 1),
            Attribute::Int("rotary_interleaved", 1),
        ];
        let [past_key, past_value] = cache.past.map(Value::name);
        let [key, value] = others.map_or(["", ""], |others| others.map(Value::name));
        let rest = [cache.last, cache.total, cache.cos, cache.sin].map(Value::name);
        let inputs: Vec<&str> = [query.name(), key, value, past_key, past_value].into_iter().chain(rest).collect();
        let [present_key, present_value] = cache.present;
        let outputs = [&result, present_key, present_value].map(|value| value.name.clone());
        self.operators.insert((MICROSOFT, "GroupQueryAttention", query.kind));
        self.nodes.push(proto::node(MICROSOFT, "GroupQueryAttention", &inputs, &outputs, &attributes));
        result
    }

    /// A value that some operator is about to make.
    pub fn value(&mut self, name: &str, kind: ElementType, shape: impl Into<Vec<Dim>>) -> Value {
        assert!(self.taken.insert(name.to_owned()), "the graph already has a value called {name}");
        Value { name: name.to_owned(), kind, shape: shape.into() }
    }

    /// The weights in the order of their first use.
    pub fn weights(&self) -> &[WeightUse<W>] {
        &self.weights
    }

    /// Its operators: domain, name, and what their first input is.
    #[cfg(test)]
    pub fn operators(&self) -> &BTreeSet<(&'static str, &'static str, ElementType)> {
        &self.operators
    }

    /// The file's bytes; `places` are those of `weights`, in order.
    pub fn into_bytes(self, places: &[ByteRange]) -> Vec<u8> {
        assert_eq!(self.weights.len(), places.len(), "each weight has a place");
        let mut initialisers = self.constants;
        initialisers.extend(
            self.weights
                .iter()
                .zip(places)
                .map(|(weight, place)| proto::external(&weight.name, weight.kind, &weight.shape, place)),
        );
        proto::model(&proto::graph(self.name, &self.nodes, &initialisers, &self.inputs, &self.outputs)).into_bytes()
    }

    fn elementwise(&mut self, operator: &'static str, name: &str, left: &Value, right: &Value) -> Value {
        let fits = left.shape.ends_with(&right.shape) || right.shape == [Dim::Fixed(1)];
        assert!(fits, "{name}: {:?} and {:?}", left.shape, right.shape);
        let result = self.value(name, self.options.kind, left.shape.clone());
        self.node("", operator, &[left, right], &[&result], &[]);
        result
    }

    fn node(
        &mut self,
        domain: &'static str,
        operator: &'static str,
        inputs: &[&Value],
        outputs: &[&Value],
        attributes: &[Attribute<'_>],
    ) {
        self.operators.insert((domain, operator, inputs[0].kind));
        let inputs: Vec<&str> = inputs.iter().map(|value| value.name()).collect();
        let outputs: Vec<String> = outputs.iter().map(|value| value.name.clone()).collect();
        self.nodes.push(proto::node(domain, operator, &inputs, &outputs, attributes));
    }
}

/// The angles of positions, looked up by row.
pub struct RotaryEmbedding<'a> {
    /// `[1, tokens]`: rows of the tables.
    pub positions: &'a Value,
    /// `[rows, dim / 2]`
    pub cos: &'a Value,
    /// `[rows, dim / 2]`
    pub sin: &'a Value,
    pub heads: u64,
}

/// Queries, keys and values.
pub enum ProjectedHeads {
    /// In one, as one matrix makes them.
    Together(Value),
    Apart([Value; 3]),
}

/// What a layer remembers between runs, and the angles of its slots.
pub struct CacheValues<'a> {
    /// Keys and values before this run: `[1, kv_heads, slots, dim]`.
    pub past: [&'a Value; 2],
    /// And after it.
    pub present: [&'a Value; 2],
    /// `[1]`: the last slot in use after this run.
    pub last: &'a Value,
    /// `[]`: how many slots are in use after this run.
    pub total: &'a Value,
    /// `[slots, turned / 2]`: row by slot, whatever the position of the token in it.
    pub cos: &'a Value,
    /// As `cos`.
    pub sin: &'a Value,
}
