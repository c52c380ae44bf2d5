//! A graph under construction: every value knows its shape, so that a block that does not fit is found where it is written.

use std::collections::BTreeSet;

use super::proto::{self, Attribute, MICROSOFT, Message};

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    I32,
    I64,
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
    kind: Kind,
    shape: Vec<Dim>,
}

/// Where the bytes of a weight lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A file beside the graph.
    pub file: String,
    pub offset: u64,
    pub length: u64,
}

/// A weight that the graph uses: its name in the graph, its shape there, and what the caller finds it by.
struct WeightUse<W> {
    name: String,
    shape: Vec<u64>,
    weight: W,
}

/// A graph of floats over weights of type `W`.
pub struct Graph<W> {
    name: &'static str,
    nodes: Vec<Message>,
    weights: Vec<WeightUse<W>>,
    constants: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
    taken: BTreeSet<String>,
}

impl Kind {
    pub(super) fn code(self) -> i64 {
        match self {
            Kind::F32 => 1,
            Kind::I32 => 6,
            Kind::I64 => 7,
        }
    }
}

impl Value {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn shape(&self) -> &[Dim] {
        &self.shape
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
    pub fn new(name: &'static str) -> Graph<W> {
        Graph {
            name,
            nodes: Vec::new(),
            weights: Vec::new(),
            constants: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            taken: BTreeSet::new(),
        }
    }

    /// What the caller gives at each run.
    pub fn input(&mut self, name: &str, kind: Kind, shape: impl Into<Vec<Dim>>) -> Value {
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
        let value = Value {
            name: name.to_owned(),
            kind: Kind::F32,
            shape: shape.iter().map(|&size| Dim::Fixed(size)).collect(),
        };
        if self.taken.insert(name.to_owned()) {
            self.weights.push(WeightUse { name: name.to_owned(), shape: shape.to_vec(), weight });
        }
        value
    }

    /// A few whole numbers.
    pub fn numbers(&mut self, name: &str, values: &[i64]) -> Value {
        if self.taken.insert(name.to_owned()) {
            self.constants.push(proto::numbers(name, values));
        }
        Value { name: name.to_owned(), kind: Kind::I64, shape: vec![Dim::Fixed(values.len() as u64)] }
    }

    /// `x: [.., in], weight: [out, in] -> [.., out]`
    pub fn matmul_transposed(&mut self, name: &str, x: &Value, weight: &Value) -> Value {
        let [Dim::Fixed(out), Dim::Fixed(width)] = weight.shape[..] else { panic!("{} is no matrix", weight.name) };
        assert_eq!(x.width(), width, "{name}: the matrix does not take what comes in");
        let product = self.value(name, Kind::F32, x.shape_with(out));
        self.node(MICROSOFT, "FusedMatMul", &[x, weight], &[&product], &[Attribute::Int("transB", 1)]);
        product
    }

    /// `left: [rows, n], right: [n, columns]`, or `left: [n, k], right: [batch, k, columns] -> [batch, n, columns]`
    pub fn matmul(&mut self, name: &str, left: &Value, right: &Value, shape: impl Into<Vec<Dim>>) -> Value {
        assert_eq!(left.shape.last(), right.shape.iter().rev().nth(1), "{name}: the inner axes differ");
        let product = self.value(name, Kind::F32, shape);
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
        let result = self.value(name, Kind::F32, x.shape.clone());
        self.node(MICROSOFT, "QuickGelu", &[x], &[&result], &[Attribute::Float("alpha", 1.0)]);
        result
    }

    /// By the error function, not its approximation.
    pub fn gelu(&mut self, name: &str, x: &Value) -> Value {
        let result = self.value(name, Kind::F32, x.shape.clone());
        self.node("", "Gelu", &[x], &[&result], &[Attribute::Text("approximate", "none")]);
        result
    }

    /// Divides by the root mean square. `x: [.., width], scale: [width] -> [.., width]`
    pub fn rms_norm(&mut self, name: &str, x: &Value, scale: &Value, epsilon: f32) -> Value {
        assert_eq!(x.width(), scale.width(), "{name}: the scale does not fit");
        let result = self.value(name, Kind::F32, x.shape.clone());
        let attributes =
            [Attribute::Float("epsilon", epsilon), Attribute::Int("axis", -1), Attribute::Int("stash_type", 1)];
        self.node("", "SimplifiedLayerNormalization", &[x, scale], &[&result], &attributes);
        result
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
        let normed = self.value(name, Kind::F32, x.shape.clone());
        let sum = self.value(&format!("{name}.sum"), Kind::F32, x.shape.clone());
        let outputs = [normed.name.clone(), String::new(), String::new(), sum.name.clone()];
        let inputs = [residual.name.as_str(), &x.name, &scale.name];
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
        let result = self.value(name, Kind::F32, x.shape.clone());
        let attributes = [Attribute::Float("epsilon", epsilon), Attribute::Int("axis", -1)];
        self.node("", "LayerNormalization", &[x, scale, shift], &[&result], &attributes);
        result
    }

    /// Cuts the last axis into equal parts.
    pub fn split<const N: usize>(&mut self, names: [String; N], x: &Value) -> [Value; N] {
        assert_eq!(x.width() % N as u64, 0, "{}: {} does not fall into {N} parts", names[0], x.width());
        let parts = names.map(|name| self.value(&name, Kind::F32, x.shape_with(x.width() / N as u64)));
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

    /// Turns halves of each head by the angle of its position: `x: [1, tokens, heads * dim]`.
    pub fn rotate_halves(&mut self, name: &str, x: &Value, turn: &Rotation<'_>) -> Value {
        let result = self.value(name, Kind::F32, x.shape.clone());
        let attributes = [
            Attribute::Int("interleaved", 0),
            Attribute::Int("num_heads", turn.heads as i64),
            Attribute::Int("rotary_embedding_dim", (x.width() / turn.heads) as i64),
        ];
        let inputs = [x, turn.positions, turn.cos, turn.sin];
        self.node(MICROSOFT, "RotaryEmbedding", &inputs, &[&result], &attributes);
        result
    }

    /// Every token attends to every other: `[1, tokens, heads * dim]` three times, and once more as the result.
    pub fn attention(&mut self, name: &str, query: &Value, key: &Value, value: &Value, heads: u64) -> Value {
        assert!(query.shape == key.shape && key.shape == value.shape, "{name}: query, key and value differ in shape");
        let result = self.value(name, Kind::F32, query.shape.clone());
        let scale = 1.0 / ((query.width() / heads) as f32).sqrt();
        let attributes = [Attribute::Int("num_heads", heads as i64), Attribute::Float("scale", scale)];
        self.node(MICROSOFT, "MultiHeadAttention", &[query, key, value], &[&result], &attributes);
        result
    }

    /// Each token attends to itself and what came before it, in the cache too; keys and values are shared by groups of heads.
    ///
    /// `query: [1, tokens, heads * dim], key and value: [1, tokens, kv_heads * dim] -> [1, tokens, heads * dim]`
    pub fn causal_attention(
        &mut self,
        name: &str,
        [query, key, value]: [&Value; 3],
        cache: &Cache<'_>,
        heads: u64,
    ) -> Value {
        let dim = query.width() / heads;
        assert_eq!(key.width() % dim, 0, "{name}: keys are no whole heads");
        let result = self.value(name, Kind::F32, query.shape.clone());
        let attributes = [
            Attribute::Int("num_heads", heads as i64),
            Attribute::Int("kv_num_heads", (key.width() / dim) as i64),
            Attribute::Float("scale", 1.0 / (dim as f32).sqrt()),
            Attribute::Int("do_rotary", 1),
            Attribute::Int("rotary_interleaved", 1),
        ];
        let [past_key, past_value] = cache.past;
        let inputs = [query, key, value, past_key, past_value, cache.last, cache.total, cache.cos, cache.sin];
        let [present_key, present_value] = cache.present;
        let outputs = [&result, present_key, present_value];
        self.node(MICROSOFT, "GroupQueryAttention", &inputs, &outputs, &attributes);
        result
    }

    /// A value that some operator is about to make.
    pub fn value(&mut self, name: &str, kind: Kind, shape: impl Into<Vec<Dim>>) -> Value {
        assert!(self.taken.insert(name.to_owned()), "the graph already has a value called {name}");
        Value { name: name.to_owned(), kind, shape: shape.into() }
    }

    /// The weights in the order of their first use.
    pub fn weights(&self) -> impl Iterator<Item = &W> {
        self.weights.iter().map(|used| &used.weight)
    }

    /// The file's bytes; `places` are those of `weights`, in order.
    pub fn into_bytes(self, places: &[Place]) -> Vec<u8> {
        assert_eq!(self.weights.len(), places.len(), "each weight has a place");
        let mut initialisers = self.constants;
        initialisers.extend(
            self.weights.iter().zip(places).map(|(weight, place)| proto::external(&weight.name, &weight.shape, place)),
        );
        proto::model(&proto::graph(self.name, &self.nodes, &initialisers, &self.inputs, &self.outputs)).into_bytes()
    }

    fn elementwise(&mut self, operator: &str, name: &str, left: &Value, right: &Value) -> Value {
        assert!(left.shape.ends_with(&right.shape), "{name}: {:?} and {:?}", left.shape, right.shape);
        let result = self.value(name, Kind::F32, left.shape.clone());
        self.node("", operator, &[left, right], &[&result], &[]);
        result
    }

    fn node(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&Value],
        outputs: &[&Value],
        attributes: &[Attribute<'_>],
    ) {
        let inputs: Vec<&str> = inputs.iter().map(|value| value.name()).collect();
        let outputs: Vec<String> = outputs.iter().map(|value| value.name.clone()).collect();
        self.nodes.push(proto::node(domain, operator, &inputs, &outputs, attributes));
    }
}

/// The angles of positions, looked up by row.
pub struct Rotation<'a> {
    /// `[1, tokens]`: rows of the tables.
    pub positions: &'a Value,
    /// `[rows, dim / 2]`
    pub cos: &'a Value,
    /// `[rows, dim / 2]`
    pub sin: &'a Value,
    pub heads: u64,
}

/// What a layer remembers between runs, and the angles of its slots.
pub struct Cache<'a> {
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
