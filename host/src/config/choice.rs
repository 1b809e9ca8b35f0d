//! Settings that are one word of a few.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The order in which the updates are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// All layers at once, each with its own copy of its input (ICDM 2020, Algorithm 1)
    Pdadmm,
    /// Layer after layer, backward and then forward in every sweep (KDD 2019, Algorithm 1)
    Dladmm,
}

/// How far an update of the weights or of a layer's input moves.
///
/// The first three are the papers' quadratic approximation (pdADMM eq. 1 and 2, dlADMM eq. 3, 9, 11 and 16) and differ
/// in the step parameters that they accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepRule {
    /// One exact step length for each row of W and each sample of the input, in closed form (dlADMM eq. 3 and 9)
    Vector,
    /// One exact step length for each layer, in closed form (pdADMM eq. 1 and 2)
    Scalar,
    /// The papers' trial and error: double the step parameter until the test is met (dlADMM Algorithms 2 and 3)
    Backtracking,
    /// Solve the subproblem by one Cholesky factorisation, damped; beyond the papers, fewest sweeps
    LeastSquares,
}

/// Who multiplies matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// The host's kernel, which picks the processor's widest instructions at run time
    Fast,
    /// The kernel that also runs without an operating system
    Portable,
}

/// The scalar type of the whole computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision: half the memory, twice the speed
    F32,
    /// Double precision
    F64,
}

impl Precision {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => size_of::<f32>(),
            Precision::F64 => size_of::<f64>(),
        }
    }
}

/// Displays a choice by the word that a person types.
macro_rules! display_by_name {
    ($($choice:ty),+) => {
        $(impl fmt::Display for $choice {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.to_possible_value() {
                    Some(value) => f.pad(value.get_name()),
                    None => Ok(()),
                }
            }
        })+
    };
}

display_by_name!(Method, StepRule, Kernel, Precision);
