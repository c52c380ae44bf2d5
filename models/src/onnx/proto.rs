//! The protobuf messages of `onnx.proto`, written by field number.

use super::graph::{ByteRange, Dim, ElementType, Value};

/// A message under construction.
#[derive(Default)]
pub struct ProtoMessage(Vec<u8>);

/// What an operator is told besides its inputs.
pub enum Attribute<'a> {
    Int(&'a str, i64),
    Float(&'a str, f32),
    Ints(&'a str, &'a [i64]),
    Text(&'a str, &'a str),
}

/// `onnx.proto` has been stable at this version since ONNX 1.16.
const IR_VERSION: i64 = 10;
/// The first with Gelu. Kernels are registered for a range of versions, and newer ones of Reshape and Transpose are not everywhere.
const OPSET: i64 = 20;
/// The domain of ONNX Runtime's own operators.
pub const MICROSOFT: &str = "com.microsoft";

impl ProtoMessage {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    fn int(mut self, field: u32, value: i64) -> ProtoMessage {
        self.key(field, 0);
        self.varint(value as u64); // Negative numbers are ten bytes long, as the format wants.
        self
    }

    fn float(mut self, field: u32, value: f32) -> ProtoMessage {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u32, value: &[u8]) -> ProtoMessage {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn text(self, field: u32, value: &str) -> ProtoMessage {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u32, value: &ProtoMessage) -> ProtoMessage {
        self.bytes(field, &value.0)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// ModelProto.
pub fn model(graph: &ProtoMessage) -> ProtoMessage {
    let opset = |domain: &str, version| ProtoMessage::default().text(1, domain).int(2, version);
    ProtoMessage::default()
        .int(1, IR_VERSION)
        .text(2, "tapwright")
        .message(7, graph)
        .message(8, &opset("", OPSET))
        .message(8, &opset(MICROSOFT, 1))
}

/// GraphProto.
pub fn graph(
    name: &str,
    nodes: &[ProtoMessage],
    initialisers: &[ProtoMessage],
    inputs: &[ProtoMessage],
    outputs: &[ProtoMessage],
) -> ProtoMessage {
    let mut graph = ProtoMessage::default();
    for node in nodes {
        graph = graph.message(1, node);
    }
    graph = graph.text(2, name);
    for (field, messages) in [(5, initialisers), (11, inputs), (12, outputs)] {
        for message in messages {
            graph = graph.message(field, message);
        }
    }
    graph
}

/// NodeProto.
pub fn node(
    domain: &str,
    operator: &str,
    inputs: &[&str],
    outputs: &[String],
    attributes: &[Attribute<'_>],
) -> ProtoMessage {
    let mut node = ProtoMessage::default();
    for input in inputs {
        node = node.text(1, input);
    }
    for output in outputs {
        node = node.text(2, output);
    }
    // The first output names the node, so that errors of ONNX Runtime point at a block.
    node = node.text(3, outputs.iter().find(|name| !name.is_empty()).map_or("", String::as_str)).text(4, operator);
    for attribute in attributes {
        let message = ProtoMessage::default();
        let message = match *attribute {
            Attribute::Float(name, value) => message.text(1, name).float(2, value).int(20, 1),
            Attribute::Int(name, value) => message.text(1, name).int(3, value).int(20, 2),
            Attribute::Text(name, value) => message.text(1, name).text(4, value).int(20, 3),
            Attribute::Ints(name, values) => {
                values.iter().fold(message.text(1, name), |message, &value| message.int(8, value)).int(20, 7)
            }
        };
        node = node.message(5, &message);
    }
    node.text(7, domain)
}

/// ValueInfoProto.
pub fn value(value: &Value) -> ProtoMessage {
    let mut shape = ProtoMessage::default();
    for dim in value.shape() {
        let dim = match dim {
            Dim::Fixed(size) => ProtoMessage::default().int(1, *size as i64),
            Dim::Named(name) => ProtoMessage::default().text(2, name),
        };
        shape = shape.message(1, &dim);
    }
    let tensor = ProtoMessage::default().int(1, value.kind().code()).message(2, &shape);
    ProtoMessage::default().text(1, value.name()).message(2, &ProtoMessage::default().message(1, &tensor))
}

/// TensorProto whose bytes lie in another file.
pub fn external(name: &str, kind: ElementType, shape: &[u64], place: &ByteRange) -> ProtoMessage {
    let mut tensor = shape.iter().fold(ProtoMessage::default(), |tensor, &size| tensor.int(1, size as i64));
    tensor = tensor.int(2, kind.code()).text(8, name);
    let entries =
        [("location", place.file.clone()), ("offset", place.offset.to_string()), ("length", place.length.to_string())];
    for (key, value) in entries {
        tensor = tensor.message(13, &ProtoMessage::default().text(1, key).text(2, &value));
    }
    tensor.int(14, 1)
}

/// TensorProto of a few whole numbers.
pub fn numbers(name: &str, values: &[i64]) -> ProtoMessage {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    constant(name, ElementType::I64, &[values.len() as u64], &bytes)
}

/// TensorProto that holds its bytes itself.
pub fn constant(name: &str, kind: ElementType, shape: &[u64], bytes: &[u8]) -> ProtoMessage {
    let tensor = shape.iter().fold(ProtoMessage::default(), |tensor, &size| tensor.int(1, size as i64));
    tensor.int(2, kind.code()).text(8, name).bytes(9, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_are_encoded_as_the_format_wants() {
        let message = ProtoMessage::default().int(1, 300).text(2, "hi").float(3, 1.0).int(4, -1);
        let mut expected = vec![0x08, 0xAC, 0x02, 0x12, 2, b'h', b'i', 0x1D, 0, 0, 0x80, 0x3F, 0x20];
        expected.extend([0xFF; 9]);
        expected.push(1);
        assert_eq!(message.into_bytes(), expected);
    }
}
