//! What the elementary functions of activations and losses must know of a number's format. It is private, so that it also
//! seals [`Real`](super::Real).

/// Bits and constants of a binary floating-point format. No method branches: loops over them vectorise.
pub trait Format: Sized {
    /// The largest finite number.
    const MAX: Self;
    /// The smallest positive number of full precision.
    const SMALLEST: Self;
    /// Leading bits of ln 2, so few that the product with the exponent of any number is exact.
    const LN_2_HIGH: Self;
    /// What those leave of ln 2.
    const LN_2_LOW: Self;
    /// `exp` of this and of anything below is 0.
    const EXP_IS_ZERO: Self;
    /// Terms of the series of `exp x - 1` after which a quarter of a unit in the last place is left, or less, where
    /// `|x| <= ln(2)/2`.
    const EXP_TERMS: usize;

    /// The nearest whole number, of numbers below a quarter of `1/EPSILON`.
    fn round(self) -> Self;
    /// A whole number of 0 or above as an index; of any other, one that does not matter.
    fn index(self) -> usize;
    /// `2^exponent self` for a whole exponent, at most 0 and at least twice that of [`Format::SMALLEST`].
    fn scale(self, exponent: Self) -> Self;
    /// `(e, m)` with `self = 2^e m` and m between the roots of 1/2 and 2, of a positive number of full precision.
    fn split(self) -> (Self, Self);
}

macro_rules! format {
    (
        $t:ident, $bits:ty, $signed:ty,
        ln_2: $high:expr, $low:expr, exp: $zero:expr, $terms:expr
    ) => {
        impl Format for $t {
            const MAX: Self = $t::MAX;
            const SMALLEST: Self = $t::MIN_POSITIVE;
            const LN_2_HIGH: Self = $high;
            const LN_2_LOW: Self = $low;
            const EXP_IS_ZERO: Self = $zero;
            const EXP_TERMS: usize = $terms;

            #[inline]
            fn round(self) -> Self {
                (self + $t::WHOLE) - $t::WHOLE
            }

            #[inline]
            fn index(self) -> usize {
                (self + $t::WHOLE).to_bits().wrapping_sub($t::WHOLE.to_bits()) as u32 as usize
            }

            #[inline]
            fn scale(self, exponent: Self) -> Self {
                let power = |exponent: $signed| {
                    $t::from_bits(
                        (exponent.wrapping_add($t::MAX_EXP as $signed - 1) << $t::FRACTION) as $bits,
                    )
                };
                let exponent = (exponent + $t::WHOLE).to_bits().wrapping_sub($t::WHOLE.to_bits()) as $signed;
                // Two factors: one alone does not reach the numbers below full precision.
                let half = exponent >> 1;
                self * power(half) * power(exponent.wrapping_sub(half))
            }

            #[inline]
            fn split(self) -> (Self, Self) {
                let root = (core::f64::consts::FRAC_1_SQRT_2 as $t).to_bits();
                let exponent = (self.to_bits().wrapping_sub(root) as $signed) >> $t::FRACTION;
                let mantissa =
                    $t::from_bits(self.to_bits().wrapping_sub((exponent << $t::FRACTION) as $bits));
                let whole = $t::from_bits($t::WHOLE.to_bits().wrapping_add(exponent as $bits));
                (whole - $t::WHOLE, mantissa)
            }
        }
    };
}

trait Layout {
    /// Bits of the fraction.
    const FRACTION: u32;
    /// 1.5 times the power of two from which on numbers are whole: added to another, it leaves no fraction, and the
    /// whole number stands in the last bits.
    const WHOLE: Self;
}

impl Layout for f32 {
    const FRACTION: u32 = f32::MANTISSA_DIGITS - 1;
    const WHOLE: f32 = 1.5 / f32::EPSILON;
}

impl Layout for f64 {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    const WHOLE: f64 = 1.5 / f64::EPSILON;
}

// ln 2 = 0.693147180559945309417232121458...: 9 and 32 leading bits (0x1.63p-1, 0x1.62e42feep-1).
format!(f32, u32, i32, ln_2: 355.0 / 512.0, -2.121_944_4e-4, exp: -104.0, 7);
format!(f64, u64, i64, ln_2: 0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10, exp: -746.0, 13);
