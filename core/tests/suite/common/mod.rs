//! What the proofs share: matrices computed with plain loops, memory with canaries, the updates in a row.

pub(crate) mod composed;
pub(crate) mod congruential;
pub(crate) mod counting;
pub(crate) mod dense;
pub(crate) mod dladmm_reference;
pub(crate) mod dlam_reference;
pub(crate) mod dlam_run;
pub(crate) mod images;
mod intervals;
mod loops;
mod memory;
pub(crate) mod named;
pub(crate) mod pdadmm_reference;
pub(crate) mod pdadmm_run;
mod plain;
mod problem;
pub(crate) mod rig;
pub(crate) mod smooth;
pub(crate) mod snapshot;
pub(crate) mod subproblems;
pub(crate) mod taylor_reference;
pub(crate) mod teacher;
mod updates;
mod world;

pub(crate) use loops::Loops;
pub(crate) use memory::{CANARY, Scratch, Strided};
pub(crate) use plain::{Plain, Random};
pub(crate) use problem::{Coupled, Layer, Stepped, activate};
pub(crate) use updates::{Update, updates};
pub(crate) use world::{Field, World};

use altmin_core::Real;

/// Runs each named check in both precisions.
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
pub(crate) use in_both_precisions;

/// Rounding that a short computation may leave beside numbers of size 1.
pub(crate) fn rounding<T: Real>() -> f64 {
    500.0 * T::EPSILON.to_f64()
}

/// Two numbers agree up to rounding beside `scale`.
#[track_caller]
pub(crate) fn assert_near<T: Real>(what: &str, found: f64, expected: f64, scale: f64) {
    let error = (found - expected).abs();
    assert!(error <= rounding::<T>() * scale, "{what}: {found} instead of {expected} (scale {scale})");
}

/// Two matrices agree up to rounding beside the largest element of either, or 1.
#[track_caller]
pub(crate) fn assert_close<T: Real>(what: &str, found: &Plain, expected: &Plain) {
    assert_eq!((found.rows, found.columns), (expected.rows, expected.columns), "{what}: shape");
    let scale = expected.largest().max(found.largest()).max(1.0);
    for (at, (&found, &expected)) in found.data.iter().zip(&expected.data).enumerate() {
        assert_near::<T>(&format!("{what}, element {at}"), found, expected, scale);
    }
}

/// PyTorch stores weights output by output, the core one column of the matrix after the other.
pub(crate) fn columns_of(rows: usize, by_rows: &[f64]) -> Vec<f64> {
    let columns = by_rows.len() / rows;
    (0..columns).flat_map(|j| (0..rows).map(move |i| by_rows[i * columns + j])).collect()
}

/// The numbers in double precision, exactly.
pub(crate) fn wide<T: Real>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}
