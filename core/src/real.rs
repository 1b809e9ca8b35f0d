//! The two scalar types, over `libm` so that no operating system is needed.

use core::fmt::{Debug, Display};
use core::iter::Sum;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

mod format;
mod values;

pub(crate) use format::Format;
pub use values::{Values, ValuesMut};

/// `f32` or `f64`: every formula of this crate is written once over this trait, which no other type can implement.
pub trait Real:
    Format
    + Copy
    + Debug
    + Default
    + Display
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// Negative infinity.
    const NEG_INFINITY: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number in double precision (exact).
    fn to_f64(self) -> f64;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Exponential function.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// `ln(1 + self)`, with all its digits where `self` is small.
    fn ln_1p(self) -> Self;
    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;

    /// A slice as one of numbers of this type.
    fn values(slice: &[Self]) -> Values<'_>;
    /// The same for writing.
    fn values_mut(slice: &mut [Self]) -> ValuesMut<'_>;

    /// The number of samples or features as a scalar.
    #[inline]
    fn from_usize(count: usize) -> Self {
        Self::from_f64(count as f64)
    }

    /// The larger of two; `other` where either is NaN.
    #[inline]
    fn max(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    /// The smaller of two; `other` where either is NaN.
    #[inline]
    fn min(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
}

macro_rules! real {
    ($t:ty, $kind:ident, $sqrt:path, $exp:path, $ln:path, $ln_1p:path) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = <$t>::EPSILON;
            const NEG_INFINITY: Self = <$t>::NEG_INFINITY;

            #[inline]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline]
            fn sqrt(self) -> Self {
                $sqrt(self)
            }
            #[inline]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline]
            fn ln(self) -> Self {
                $ln(self)
            }
            #[inline]
            fn ln_1p(self) -> Self {
                $ln_1p(self)
            }
            #[inline]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
            #[inline]
            fn values(slice: &[Self]) -> Values<'_> {
                Values::$kind(slice)
            }
            #[inline]
            fn values_mut(slice: &mut [Self]) -> ValuesMut<'_> {
                ValuesMut::$kind(slice)
            }
        }
    };
}

real!(f32, F32, libm::sqrtf, libm::expf, libm::logf, libm::log1pf);
real!(f64, F64, libm::sqrt, libm::exp, libm::log, libm::log1p);
