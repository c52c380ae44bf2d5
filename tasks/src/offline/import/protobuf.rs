//! The wire format of Protocol Buffers, read field by field from bytes that may be anything: <https://protobuf.dev/programming-guides/encoding/>.
//!
//! Nothing is copied and nothing is nested here, so hostile bytes cost no more than their length. prost would bring a code generator and four
//! crates for the seven messages that are read of; what adb_client brings along, quick-protobuf, is there with some features alone.

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no protobuf message: {0}")]
pub struct MalformedMessage(pub &'static str);

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    /// A text, bytes, another message, or packed numbers.
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message in their order. Behind the first mistake there is nothing more.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    fn read(&mut self) -> Result<(u64, FieldValue<'a>), MalformedMessage> {
        let tag = varint(&mut self.rest)?;
        let (number, wire_type) = (tag >> 3, tag & 7);
        if number == 0 {
            return Err(MalformedMessage("a field has the number 0"));
        }
        let value = match wire_type {
            0 => FieldValue::Varint(varint(&mut self.rest)?),
            1 => FieldValue::Fixed64(self.fixed()?),
            2 => {
                let length = varint(&mut self.rest)?;
                let length = usize::try_from(length).ok().filter(|length| *length <= self.rest.len());
                let (bytes, rest) =
                    self.rest.split_at(length.ok_or(MalformedMessage("a field is longer than all of it"))?);
                self.rest = rest;
                FieldValue::Bytes(bytes)
            }
            5 => FieldValue::Fixed32(self.fixed()?),
            _ => return Err(MalformedMessage("a field is of no kind that there is")),
        };
        Ok((number, value))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], MalformedMessage> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(MalformedMessage("it breaks off within a number"))?;
        self.rest = rest;
        Ok(*bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, FieldValue<'a>), MalformedMessage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.read().inspect_err(|_| self.rest = &[]))
    }
}

/// Takes a number of up to ten bytes from the front, seven bits each, the lowest first.
pub fn varint(rest: &mut &[u8]) -> Result<u64, MalformedMessage> {
    let mut value = 0;
    for place in 0..10 {
        let (byte, behind) = rest.split_first().ok_or(MalformedMessage("it breaks off within a number"))?;
        *rest = behind;
        let bits = u64::from(byte & 0x7f);
        if place == 9 && bits > 1 {
            break;
        }
        value |= bits << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(MalformedMessage("a number has more than 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_nothing_beyond_them() {
        let read = |message: &[u8]| -> Result<Vec<(u64, String)>, MalformedMessage> {
            Fields::of(message).map(|field| field.map(|(number, value)| (number, format!("{value:?}")))).collect()
        };
        let good = [0x08, 0x96, 0x01, 0x12, 0x02, b'o', b'k', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 1, 0, 0, 0, 0, 0, 0, 0];
        let fields = read(&good).unwrap();
        assert_eq!(fields[0], (1, "Varint(150)".to_owned()));
        assert_eq!(fields[1], (2, "Bytes([111, 107])".to_owned()));
        assert_eq!(fields[2], (3, "Fixed32([0, 0, 128, 63])".to_owned()));
        assert_eq!(fields[3].0, 4);
        let minus_one = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(read(&minus_one).unwrap(), [(1, format!("Varint({})", u64::MAX))]);
        for (bad, why) in [
            (&[0x08][..], "breaks off"),
            (&[0x08, 0x80], "breaks off"),
            (&[0x00, 0x01], "number 0"),
            (&[0x12, 0x05, b'x'], "longer than all"),
            // A length of 2^60, and one of 2^64 - 1.
            (&[0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], "longer than all"),
            (&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "longer than all"),
            (&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], "64 bits"),
            (&[0x0b, 0x00], "of no kind"),
            (&[0x0d, 1, 2, 3], "breaks off"),
        ] {
            let said = read(bad).unwrap_err().to_string();
            assert!(said.contains(why), "{bad:?}: {said}");
        }
    }
}
