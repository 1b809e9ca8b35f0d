//! Slices of one scalar type or the other, for what must be told which: files and messages.

/// Numbers for reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values<'a> {
    /// Of single precision.
    F32(&'a [f32]),
    /// Of double precision.
    F64(&'a [f64]),
    /// Bytes that are no numbers.
    Bytes(&'a [u8]),
}

/// Numbers for writing.
#[derive(Debug, PartialEq)]
pub enum ValuesMut<'a> {
    /// Of single precision.
    F32(&'a mut [f32]),
    /// Of double precision.
    F64(&'a mut [f64]),
    /// Bytes that are no numbers.
    Bytes(&'a mut [u8]),
}

impl Values<'_> {
    /// How many bytes they are.
    pub fn bytes(&self) -> usize {
        match self {
            Self::F32(values) => size_of_val(*values),
            Self::F64(values) => size_of_val(*values),
            Self::Bytes(values) => values.len(),
        }
    }
}
