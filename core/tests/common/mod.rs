//! What the proofs share: matrices computed with plain loops, memory with canaries, the updates in a row.

// Each test binary takes the part that it needs.
#![allow(dead_code, unused_imports, unreachable_pub)]

mod intervals;
mod loops;
mod memory;
mod plain;
mod problem;
pub mod saturating;
mod updates;
mod world;

pub use loops::Loops;
pub use memory::{CANARY, Scratch, Strided};
pub use plain::{Plain, Random};
pub use problem::{Coupled, Layer, Stepped, activate};
pub use updates::{Update, updates};
pub use world::{Field, World};

use altmin_core::Real;

/// Runs each named check in both precisions.
#[macro_export]
macro_rules! in_both_precisions {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn in_f32() {
                super::$name::<f32>();
            }

            #[test]
            fn in_f64() {
                super::$name::<f64>();
            }
        })+
    };
}

/// Rounding that a short computation may leave beside numbers of size 1.
pub fn rounding<T: Real>() -> f64 {
    500.0 * T::EPSILON.to_f64()
}

/// Two numbers agree up to rounding beside `scale`.
#[track_caller]
pub fn assert_near<T: Real>(what: &str, found: f64, expected: f64, scale: f64) {
    let error = (found - expected).abs();
    assert!(error <= rounding::<T>() * scale, "{what}: {found} instead of {expected} (scale {scale})");
}

/// Two matrices agree up to rounding beside the largest element of either, or 1.
#[track_caller]
pub fn assert_close<T: Real>(what: &str, found: &Plain, expected: &Plain) {
    assert_eq!((found.rows, found.columns), (expected.rows, expected.columns), "{what}: shape");
    let scale = expected.largest().max(found.largest()).max(1.0);
    for (at, (&found, &expected)) in found.data.iter().zip(&expected.data).enumerate() {
        assert_near::<T>(&format!("{what}, element {at}"), found, expected, scale);
    }
}
