//! Settings that are one word of a few.

pub use altmin_core::method::dlam::{EpsilonRuleKind as EpsilonRule, Repair as EpsilonRepair};
pub use altmin_core::method::proxprop::Form;
pub use altmin_core::method::tssm::{Convention, Inner, Preset};
pub use altmin_core::method::{Name as Method, StepSchedule, Use};
pub use altmin_core::update::StepRuleKind as StepRule;

use serde::{Deserialize, Serialize};
use std::fmt;

/// The implementation of the matrix product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// Optimised for the processor, with the widest instructions found at run time
    Fast,
    /// Portable implementation that also runs without an operating system
    Portable,
}

/// The scalar type of the whole computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision: half the memory, about twice the speed
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

/// The models that a run leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// model.safetensors is the model of the last sweep
    Last,
    /// model.safetensors is the model of the best sweep
    Best,
    /// model.safetensors is the model of the last sweep, best.safetensors that of the best one
    Both,
}

/// Displays a choice by the word that a person types.
macro_rules! display_by_name {
    ($($choice:ty),+) => {
        $(impl fmt::Display for $choice {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.serialize(f)
            }
        })+
    };
}

display_by_name!(Kernel, Precision, Keep);
