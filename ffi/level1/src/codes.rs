//! What the numbers of the C interface stand for.
//!
//! An unknown number must not become a Rust enum, so functions take `int32_t` and the enums here only give the names.
#![expect(non_camel_case_types, reason = "C's names of the types")]

use altmin_core::error::{Error, require_positive};
use altmin_core::gemm::Transpose;
use altmin_core::loss::{Loss, OutputSolver};
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::regularizer::Regularizer;
use altmin_core::update::hidden::Proximal;
use altmin_core::update::input::{Prepared, StepKind};
use altmin_core::update::sums::Parts;
use altmin_core::update::weights::Order;
use altmin_core::update::{StepRule, StepRuleKind};
use altmin_core::{Activation, Choice, Real};

use crate::boundary::Answer;
use crate::error::Refusal;

/// The activation f of hidden layers.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_activation {
    /// max(z, 0)
    Relu = 0,
    /// z where z > 0, else slope z; slope 0 or above
    LeakyRelu = 1,
    /// 1/(1 + exp(-z))
    Sigmoid = 2,
    /// tanh z
    Tanh = 3,
}

/// Whether the update of a hidden z is held back by its old value.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_proximal {
    /// It is not (dlADMM, equations 4 and 14)
    No = 0,
    /// (nu/2)|z - z_old|^2 is part of the subproblem (pdADMM, equation 4)
    Yes = 1,
}

/// Which of a layer's sums are meant.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_parts {
    /// All four
    All = 0,
    /// Those of r alone: the input has not changed since its own were added up (the data of the first layer)
    Residual = 1,
}

/// Whether a factor of a product enters as it is or transposed.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_transpose {
    /// op(A) = A
    No = 0,
    /// op(A) = A'
    Yes = 1,
}

/// The risk R(z; y) of the last layer, summed over the samples.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_loss {
    /// Softmax cross-entropy, the sum over samples of log(sum exp z) - <y, z>; y is the unit vector of a sample's class, or
    /// probabilities
    CrossEntropy = 0,
    /// (1/2)|z - y|^2; y is the unit vector of a sample's class, or any values
    LeastSquares = 1,
}

/// How the subproblem of the last layer's z is solved where it has no closed form.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_solver {
    /// Newton's method, the full step halved until the objective falls: a handful of iterations from a near start
    Newton = 0,
    /// FISTA, as the papers have it, with its momentum restarted where it points uphill: slow for small mu
    Fista = 1,
}

/// Where pdADMM's dual is.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_dual {
    /// Nowhere: u = nu (q - f(z)) by Lemma 4
    Recovered = 0,
    /// In memory of its own, moved by equation 7
    Stored = 1,
}

/// The regulariser Omega on the weights.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_regularizer {
    /// 0
    None = 0,
    /// lambda sum |W_ij|
    L1 = 1,
    /// (lambda/2) sum W_ij^2
    L2 = 2,
}

/// Which of weights and bias moves first. Least-squares steps move both at once and do not look at it.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_order {
    /// W, then b (pdADMM; the forward pass of dlADMM)
    WeightsFirst = 0,
    /// b, then W (the backward pass of dlADMM)
    BiasFirst = 1,
}

/// What an input's step is prepared with before it meets the samples; altmin_input_kind says which a step rule wants.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_prepared {
    /// Nothing: each column finds its own tau
    Columns = 0,
    /// One tau for the layer, from altmin_input_probe and altmin_input_tau
    Tau = 1,
    /// (w W'W + c I)^-1, n_in x n_in, from altmin_input_invert
    Inverse = 2,
    /// (w W W' + c I)^-1, n_out x n_out, from altmin_input_invert: the same step through Woodbury's identity, cheaper
    /// where the layer has far fewer outputs than inputs
    OuterInverse = 3,
}

/// How far a majorised step goes, or that it is exact.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_step {
    /// The smallest legal tau for every column, theta for every row
    Vector = 0,
    /// The smallest legal scalar for the layer
    Scalar = 1,
    /// The papers' backtracking
    Backtracking = 2,
    /// The exact minimiser, damped
    LeastSquares = 3,
}

/// A step rule with its parameters.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_step_rule {
    /// sizeof(altmin_step_rule)
    pub struct_size: usize,
    /// An altmin_step.
    pub rule: i32,
    /// ALTMIN_STEP_BACKTRACKING: the first parameter that is tried, above 0. Else not looked at.
    pub start: f64,
    /// ALTMIN_STEP_BACKTRACKING: what it is multiplied with, 1.001 or above. Else not looked at.
    pub factor: f64,
    /// ALTMIN_STEP_LEAST_SQUARES of weights: the damping in units of the mean eigenvalue of the inputs' covariance, above
    /// 0; 0.1 to 1 served best. Else not looked at, nor by inputs.
    pub damping: f64,
}

fn known<R>(argument: &'static str, found: i32, meaning: Option<R>) -> Answer<R> {
    meaning.ok_or(Refusal::Code { argument, found })
}

/// An activation from its code.
pub fn activation<T: Real>(code: i32, slope: f64) -> Answer<Activation<T>> {
    let activation = known("activation", code, Activation::from_code(code, Some(slope)))?.cast();
    activation.validate()?;
    Ok(activation)
}

/// Whether a hidden z is held back.
pub fn proximal(code: i32) -> Answer<Proximal> {
    let meaning = match code {
        0 => Some(Proximal::No),
        1 => Some(Proximal::Yes),
        _ => None,
    };
    known("proximal", code, meaning)
}

/// Which sums.
pub fn parts(code: i32) -> Answer<Parts> {
    let meaning = match code {
        0 => Some(Parts::All),
        1 => Some(Parts::Residual),
        _ => None,
    };
    known("parts", code, meaning)
}

/// Whether the factor `argument` is transposed.
pub fn transpose(argument: &'static str, code: i32) -> Answer<Transpose> {
    let meaning = match code {
        0 => Some(Transpose::No),
        1 => Some(Transpose::Yes),
        _ => None,
    };
    known(argument, code, meaning)
}

/// A regulariser from its code.
pub fn regularizer<T: Real>(code: i32, lambda: f64) -> Answer<Regularizer<T>> {
    let regularizer = known("regularizer", code, Regularizer::from_code(code, Some(lambda)))?.cast();
    regularizer.validate()?;
    Ok(regularizer)
}

/// `Ok` when least-squares weights have a closed form with the regulariser.
pub fn require_closed_form<T: Real>(regularizer: Regularizer<T>) -> Answer {
    match regularizer {
        Regularizer::None | Regularizer::L2(_) => Ok(()),
        Regularizer::L1(_) => Err(Error::Setting {
            name: "regularizer",
            found: f64::from(altmin_regularizer::L1 as i32),
            expected: "ALTMIN_REGULARIZER_NONE or _L2 with least-squares weights",
        }
        .into()),
    }
}

/// Which moves first.
pub fn order(code: i32) -> Answer<Order> {
    let meaning = match code {
        0 => Some(Order::WeightsFirst),
        1 => Some(Order::BiasFirst),
        _ => None,
    };
    known("order", code, meaning)
}

/// What an input's step is prepared with.
pub fn prepared(code: i32) -> Answer<altmin_prepared> {
    let meaning = match code {
        0 => Some(altmin_prepared::Columns),
        1 => Some(altmin_prepared::Tau),
        2 => Some(altmin_prepared::Inverse),
        3 => Some(altmin_prepared::OuterInverse),
        _ => None,
    };
    known("prepared", code, meaning)
}

impl altmin_prepared {
    /// The kind of step.
    pub fn kind(self) -> StepKind {
        match self {
            Self::Columns | Self::Tau => StepKind::Gradient,
            Self::Inverse => StepKind::Exact,
            Self::OuterInverse => StepKind::OuterExact,
        }
    }
}

/// The risk of the last layer.
pub fn loss(code: i32) -> Answer<Loss> {
    known("loss", code, Loss::from_code(code, None))
}

/// The solver of the output subproblem.
pub fn solver(code: i32) -> Answer<OutputSolver> {
    known("solver", code, OutputSolver::from_code(code, None))
}

/// Whether the dual is stored.
pub fn dual(code: i32) -> Answer<DualStorage> {
    let meaning = match code {
        0 => Some(DualStorage::Recovered),
        1 => Some(DualStorage::Stored),
        _ => None,
    };
    known("dual", code, meaning)
}

/// How an activation that an interval holds steps: along its gradient, with a tau for each column or one for all.
pub fn gradient_step<T: Real>(code: i32, tau: f64) -> Answer<Prepared<'static, T>> {
    match prepared(code)? {
        altmin_prepared::Columns => Ok(Prepared::Columns),
        altmin_prepared::Tau => Ok(Prepared::Tau(T::from_f64(tau))),
        altmin_prepared::Inverse | altmin_prepared::OuterInverse => Err(Error::Setting {
            name: "prepared",
            found: f64::from(code),
            expected: "ALTMIN_PREPARED_COLUMNS or _TAU: an interval has no exact step",
        }
        .into()),
    }
}

/// A scalar that is finite and above 0 in its type.
pub fn positive<T: Real>(argument: &'static str, value: f64) -> Answer<T> {
    let rounded = T::from_f64(value);
    require_positive(argument, rounded.to_f64())?;
    Ok(rounded)
}

/// A scalar that is finite in its type.
pub fn finite<T: Real>(argument: &'static str, value: f64) -> Answer<T> {
    let rounded = T::from_f64(value);
    if rounded.is_finite() {
        Ok(rounded)
    } else {
        Err(Error::Setting { name: argument, found: value, expected: "a finite number" }.into())
    }
}

/// A step rule from its struct.
pub fn step_rule<T: Real>(rule: &altmin_step_rule) -> Answer<StepRule<T>> {
    let expected = size_of::<altmin_step_rule>();
    if rule.struct_size != expected {
        return Err(Refusal::StructSize { argument: "rule", found: rule.struct_size, expected });
    }
    let kind = known("rule", rule.rule, StepRuleKind::from_code(rule.rule, None))?;
    let meaning = kind.rule((rule.start, rule.factor), rule.damping);
    meaning.validate()?;
    Ok(meaning)
}
