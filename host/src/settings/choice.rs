//! Settings that are one word of a few.

pub use altmin_core::method::dlam::{EpsilonRuleKind as EpsilonRule, Repair as EpsilonRepair};
pub use altmin_core::method::tssm::Convention;
pub use altmin_core::update::StepRuleKind as StepRule;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The order in which the updates are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// pdADMM: all layers in parallel, each with its own copy of its input (ICDM 2020, Algorithm 1)
    Pdadmm,
    /// dlADMM: layer by layer, backward and then forward in every sweep (KDD 2019, Algorithm 1)
    Dladmm,
    /// DLAM: layer by layer within intervals of width epsilon, without dual variables (DLAM, Algorithm 1)
    Dlam,
    /// ADMM with least-squares weights and closed-form inputs, layer by layer forward (Taylor et al., ICML 2016)
    Taylor,
    /// Proximal back-propagation with least-squares weights, guarded (after Frerix et al., ICLR 2018)
    Proxprop,
    /// Gradient descent; stochastic gradient descent with --batch
    Gd,
    /// Adagrad (Duchi, Hazan, Singer 2011)
    Adagrad,
    /// Adadelta (Zeiler 2012)
    Adadelta,
    /// Adam (Kingma, Ba 2015)
    Adam,
    /// gsADMM: subnetworks in parallel, back-propagation inside, ADMM between them (TSSM, Algorithm 1)
    Gsadmm,
    /// gsAM: subnetworks in parallel, back-propagation inside, alternating minimisation between them (TSSM, Algorithm 2)
    Gsam,
}

/// The optimizer inside a subnetwork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inner {
    /// Stochastic gradient descent
    Sgd,
    /// Adam
    Adam,
    /// Proximal sweeps with least-squares weights, as in the method proxprop
    Proxprop,
}

/// A group of settings that some methods use and others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// nu, the weight of penalties.
    Nu,
    /// A schedule of nu.
    NuSchedule,
    /// rho, the weight of constraints.
    Rho,
    /// A schedule of rho.
    RhoSchedule,
    /// A choice of step rules.
    Steps,
    /// Damping of least-squares weights.
    Damping,
    /// epsilon, its rule and bounds, and acceleration.
    Epsilon,
    /// A learning rate.
    LearningRate,
    /// Mini-batches.
    Batch,
    /// A network of any blocks.
    Network,
    /// Cuts, and what goes on in and between subnetworks: inner optimiser, alpha, tau_2, guard, frozen subnetworks.
    Subnetworks,
}

impl Method {
    /// Whether the method uses a setting. Damping also needs a least-squares step.
    pub fn uses(self, setting: Use) -> bool {
        use Method::{Adadelta, Adagrad, Adam, Dladmm, Dlam, Gd, Gsadmm, Gsam, Pdadmm, Proxprop, Taylor};
        match setting {
            Use::Nu => matches!(self, Pdadmm | Dladmm | Taylor | Proxprop),
            Use::NuSchedule => matches!(self, Pdadmm | Dladmm | Taylor),
            Use::Rho => matches!(self, Pdadmm | Dladmm | Taylor | Dlam | Gsadmm),
            Use::RhoSchedule => matches!(self, Pdadmm | Dladmm | Taylor | Dlam),
            Use::Steps => matches!(self, Pdadmm | Dladmm | Dlam),
            Use::Damping => matches!(self, Pdadmm | Dladmm | Dlam | Taylor | Proxprop),
            Use::Epsilon => self == Dlam,
            Use::LearningRate | Use::Network => {
                matches!(self, Gd | Adagrad | Adadelta | Adam | Gsadmm | Gsam)
            }
            Use::Batch => matches!(self, Proxprop | Gd | Adagrad | Adadelta | Adam | Gsadmm | Gsam),
            Use::Subnetworks => matches!(self, Gsadmm | Gsam),
        }
    }
}

/// The implementation of the matrix product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// Optimised for the processor, with the widest instructions found at run time
    Fast,
    /// Portable implementation that also runs without an operating system
    Portable,
}

/// The scalar type of the whole computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
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

display_by_name!(Method, Inner, Kernel, Precision);
