//! Level 1 of the C interface: each update, objective and product as a function on the caller's memory.
//!
//! No heap, no global state (but, with the standard library, [`kernel`]: who multiplies matrices), no need of the standard library; every function may be called from many threads at once on disjoint
//! memory. The header `altmin.h` is made from this crate and from the trainer's handle, so what is said there is said here.
//! A function is one description, in the file of its subject: [`altmin_level1_macros::functions`] says how to read and how to
//! add one.
//!
//! **Matrices** are features x samples and column-major: element (i, j) of `a` is `a[i + j * lda]`, with a leading dimension
//! `lda` of at least the number of rows. A matrix's memory reaches from its first to its last element, gaps included; what is
//! written may overlap nothing else of the same call. A matrix of no elements may be NULL.
//!
//! **Scalars** are `double` for both precisions and are rounded to the matrices' type.
//!
//! **Workspace** is memory for the duration of the call, aligned to the scalar type, of at least as many bytes as the
//! function's `_workspace` twin says; its content does not matter. NULL will do where 0 bytes are needed.
//!
//! **Results** that are pointers to numbers or structs may be NULL where they are not wanted, unless the result is all that the
//! function is for.
//!
//! **Status**: every function returns 0 or says what was wrong, and the same with a message in `error`, which may be NULL.
//! All checks come before anything is written, NaN and infinity in the data among them; only `ALTMIN_STATUS_NON_FINITE` and
//! `ALTMIN_STATUS_SINGULAR` may also come out of a computation that had begun, and then what the function writes is of no
//! use unless it says otherwise.
//!
//! # Safety
//! For every function: a pointer that is not NULL points to memory of the shape that is documented, which nobody else
//! writes, or, where it is written, reads, until the call returns.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

/// The struct of C that a result of the core becomes.
macro_rules! from_core {
    ($c:ident: $core:ident { $($field:ident),+ }) => {
        impl From<$core> for $c {
            fn from($core { $($field),+ }: $core) -> Self {
                Self { $($field),+ }
            }
        }
    };
}

pub mod activation;
pub mod boundary;
pub mod codes;
pub mod copy;
pub mod description;
pub mod dual;
pub mod error;
pub mod extrapolation;
pub mod floating;
pub mod hidden;
pub mod input;
pub mod interval;
pub mod kernel;
pub mod layer;
pub mod loss;
pub mod objective;
pub mod output;
pub mod product;
pub mod regularizer;
pub mod sums;
pub mod weights;

/// All functions of level 1, file by file.
pub const FUNCTIONS: &[&[description::Function]] = &[
    activation::FUNCTIONS,
    copy::FUNCTIONS,
    dual::FUNCTIONS,
    extrapolation::FUNCTIONS,
    extrapolation::parameters::FUNCTIONS,
    extrapolation::variables::FUNCTIONS,
    hidden::FUNCTIONS,
    input::FUNCTIONS,
    input::couple::FUNCTIONS,
    input::prepare::FUNCTIONS,
    interval::FUNCTIONS,
    interval::activation::FUNCTIONS,
    interval::linear::FUNCTIONS,
    interval::search::FUNCTIONS,
    layer::FUNCTIONS,
    loss::FUNCTIONS,
    objective::FUNCTIONS,
    output::FUNCTIONS,
    product::FUNCTIONS,
    regularizer::FUNCTIONS,
    sums::FUNCTIONS,
    weights::FUNCTIONS,
    weights::dual::FUNCTIONS,
];
