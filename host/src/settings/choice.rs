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
    /// Layer after layer within intervals of width epsilon, without a dual (DLAM, Algorithm 1)
    Dlam,
    /// Least-squares weights and closed-form inputs, layer after layer forward (Taylor et al., ICML 2016)
    Taylor,
    /// Proximal back-propagation with least-squares weights, guarded (after Frerix et al., ICLR 2018)
    Proxprop,
    /// Gradient descent; with --batch stochastic gradient descent
    Gd,
    /// Adagrad (Duchi, Hazan, Singer 2011)
    Adagrad,
    /// Adadelta (Zeiler 2012)
    Adadelta,
    /// Adam (Kingma, Ba 2015)
    Adam,
    /// Subnetworks at once, back-propagation inside, ADMM between them (TSSM, Algorithm 1)
    Gsadmm,
    /// Subnetworks at once, back-propagation inside, alternating minimisation between them (TSSM, Algorithm 2)
    Gsam,
}

/// How the weights inside a subnetwork follow their gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inner {
    /// Stochastic gradient descent
    Sgd,
    /// Adam
    Adam,
    /// Proximal sweeps with least-squares weights, as the method proxprop
    Proxprop,
}

/// How the terms of samples are weighed in the objective of subnetworks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// The mean risk and (alpha/2M)|q - f(p)|^2, beside sums for constraints, as the paper prints them
    Mean,
    /// The summed risk and (alpha/2)|q - f(p)|^2
    Sum,
}

/// What a method may take from a setting that others have no use for.
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
    /// Whether the method has a use for a setting. Damping also wants a least-squares step.
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

/// How DLAM's epsilon follows the risk R, the mean over the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpsilonRule {
    /// It stays: the objective never rises
    Fixed,
    /// R > 10 epsilon: at least HIGH, and doubled; epsilon > 10 R: halved, down to LOW
    Adaptive,
    /// As the paper prints it: halved or LOW, whichever is less, which cycles
    Printed,
}

/// What moves when DLAM's epsilon shrinks, so that `|h(z) - a| <= epsilon` holds again. The objective may rise by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpsilonRepair {
    /// The activations: hidden layers that start from a forward pass stay as they are
    A,
    /// The linear variables, as the paper's next step does: hidden layers learn from it
    Z,
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

display_by_name!(Method, Inner, Convention, EpsilonRepair, EpsilonRule, StepRule, Kernel, Precision);
