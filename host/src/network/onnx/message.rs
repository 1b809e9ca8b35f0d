//! Messages of protocol buffers, as ONNX files are made of: fields one after the other, in any order.
//!
//! The numbers of fields and types are those of `onnx.proto`, <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How a field's content is laid out.
const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u64, layout: u64) {
        self.varint(field << 3 | layout);
    }

    pub(super) fn integer(mut self, field: u64, value: u64) -> Self {
        self.tag(field, VARINT);
        self.varint(value);
        self
    }

    pub(super) fn float(mut self, field: u64, value: f32) -> Self {
        self.tag(field, FIXED_32);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, field: u64, content: &[u8]) -> Self {
        self.tag(field, LENGTH_DELIMITED);
        self.varint(content.len() as u64);
        self.0.extend_from_slice(content);
        self
    }

    pub(super) fn text(self, field: u64, content: &str) -> Self {
        self.bytes(field, content.as_bytes())
    }

    pub(super) fn message(self, field: u64, content: &Message) -> Self {
        self.bytes(field, &content.0)
    }

    pub(super) fn messages<'a>(self, field: u64, contents: impl IntoIterator<Item = &'a Message>) -> Self {
        contents.into_iter().fold(self, |message, content| message.message(field, content))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_bytes_of_the_format_s_own_examples() {
        // https://protobuf.dev/programming-guides/encoding: field 1 is 150; field 2 is "testing"; field 3 holds the first.
        let first = Message::default().integer(1, 150);
        assert_eq!(first.0, [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().text(2, "testing").0, [&[0x12, 0x07], &b"testing"[..]].concat());
        assert_eq!(Message::default().message(3, &first).0, [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::default().float(1, 1.0).0, [0x0d, 0, 0, 0x80, 0x3f]);
    }
}
