//! Scalars as the little-endian bytes that files have.

use altmin_core::Real;

/// Appends a scalar's bytes, as many as its type has.
pub(crate) fn push<T: Real>(value: T, bytes: &mut Vec<u8>) {
    // Both ways are exact: the branch taken is that of T's own precision.
    if size_of::<T>() == 4 {
        bytes.extend_from_slice(&(value.to_f64() as f32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&value.to_f64().to_le_bytes());
    }
}

/// Scalars from the bytes of as many of the same type.
pub(crate) fn read<T: Real>(bytes: &[u8], scalars: &mut [T]) {
    if size_of::<T>() == 4 {
        for (scalar, &bytes) in scalars.iter_mut().zip(bytes.as_chunks().0) {
            *scalar = T::from_f64(f64::from(f32::from_le_bytes(bytes)));
        }
    } else {
        for (scalar, &bytes) in scalars.iter_mut().zip(bytes.as_chunks().0) {
            *scalar = T::from_f64(f64::from_le_bytes(bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T: Real>(scalars: &[T]) -> (Vec<u8>, Vec<T>) {
        let (mut bytes, mut back) = (Vec::new(), vec![T::ZERO; scalars.len()]);
        scalars.iter().for_each(|&scalar| push(scalar, &mut bytes));
        read(&bytes, &mut back);
        (bytes, back)
    }

    #[test]
    fn every_kind_of_number_keeps_its_bits() {
        let singles =
            [0.0, -0.0, 1.5, f32::MIN_POSITIVE / 2.0, -1e-45, f32::MAX, f32::NEG_INFINITY, f32::NAN];
        let (bytes, back) = there_and_back(&singles);
        let expected: Vec<u8> = singles.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(bytes, expected);
        assert!(singles.iter().zip(&back).all(|(one, other)| one.to_bits() == other.to_bits()));
        let doubles = [0.0, -0.0, 0.1, f64::MIN_POSITIVE / 8.0, -5e-324, f64::MAX, f64::INFINITY, f64::NAN];
        let (bytes, back) = there_and_back(&doubles);
        let expected: Vec<u8> = doubles.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(bytes, expected);
        assert!(doubles.iter().zip(&back).all(|(one, other)| one.to_bits() == other.to_bits()));
    }
}
