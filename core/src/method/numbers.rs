//! Records in a list of `f64`: what a method knows of a layer or of a group of samples beside matrices.

use crate::executor::Pieces;

/// A record that lies in a list of numbers.
pub(crate) trait Numbers: Sized {
    /// How many numbers it takes.
    const COUNT: usize;

    /// The record in the first [`COUNT`](Numbers::COUNT) numbers.
    fn read(numbers: &[f64]) -> Self;

    /// Writes the record over the first [`COUNT`](Numbers::COUNT) numbers.
    fn write(&self, numbers: &mut [f64]);

    /// The records of a list, one after the other.
    fn all(numbers: &[f64]) -> impl Iterator<Item = Self> {
        numbers.chunks_exact(Self::COUNT).map(Self::read)
    }

    /// The same as pieces of the list.
    fn deal(numbers: &mut [f64]) -> Pieces<'_, f64, impl Fn(usize) -> usize + Copy + Send> {
        let count = numbers.len() / Self::COUNT;
        Pieces::new(numbers, count, |_| Self::COUNT)
    }

    /// Changes the record in the first numbers.
    fn update<R>(numbers: &mut [f64], change: impl FnOnce(&mut Self) -> R) -> R {
        let mut record = Self::read(numbers);
        let result = change(&mut record);
        record.write(numbers);
        result
    }
}

impl Numbers for f64 {
    const COUNT: usize = 1;

    fn read(numbers: &[f64]) -> Self {
        numbers[0]
    }

    fn write(&self, numbers: &mut [f64]) {
        numbers[0] = *self;
    }
}

impl Numbers for bool {
    const COUNT: usize = 1;

    fn read(numbers: &[f64]) -> Self {
        numbers[0] != 0.0
    }

    fn write(&self, numbers: &mut [f64]) {
        numbers[0] = f64::from(u8::from(*self));
    }
}

/// Counts, which are exact up to 2^53.
///
/// What a caller hands in may be any number: it is read as at most half of what a count can be, so that counting on from
/// there does not overflow.
impl Numbers for usize {
    const COUNT: usize = 1;

    fn read(numbers: &[f64]) -> Self {
        (numbers[0] as usize).min(usize::MAX / 2)
    }

    fn write(&self, numbers: &mut [f64]) {
        numbers[0] = *self as f64;
    }
}

/// Makes a record of a struct, field by field.
macro_rules! numbers {
    ($name:ty { $($field:ident: $kind:ty),+ $(,)? }) => {
        impl $crate::method::numbers::Numbers for $name {
            const COUNT: usize = 0 $(+ <$kind as $crate::method::numbers::Numbers>::COUNT)+;

            fn read(numbers: &[f64]) -> Self {
                let mut rest = numbers;
                $(
                    let $field = <$kind as $crate::method::numbers::Numbers>::read(rest);
                    rest = &rest[<$kind as $crate::method::numbers::Numbers>::COUNT..];
                )+
                let _ = rest;
                Self { $($field),+ }
            }

            fn write(&self, numbers: &mut [f64]) {
                let mut rest = numbers;
                $(
                    $crate::method::numbers::Numbers::write(&self.$field, rest);
                    rest = &mut rest[<$kind as $crate::method::numbers::Numbers>::COUNT..];
                )+
                let _ = rest;
            }
        }
    };
}

pub(crate) use numbers;

use crate::loss::OutputReport;
use crate::objective::{ConstraintTerms, CopyTerms};
use crate::update::input::{Moved, Probe};
use crate::update::weights::Reduced;

numbers!(OutputReport { residual: f64, iterations: usize, capped: usize });
numbers!(CopyTerms { activation: f64, dual: f64, gap: f64 });
numbers!(ConstraintTerms { dual: f64, gap: f64 });
numbers!(Moved { promised: f64, squared: f64 });
numbers!(Probe { gradient_squared: f64, product_squared: f64 });
numbers!(Reduced { promised: f64, weights_squared: f64, bias_squared: f64 });
