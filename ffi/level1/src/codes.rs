//! What the numbers of the C interface stand for.
//!
//! An unknown number must not become a Rust enum, so functions take `int32_t` and the enums here only give the names.
#![expect(non_camel_case_types, reason = "C's names of the types")]

use altmin_core::error::{Error, require_positive};
use altmin_core::gemm::Transpose;
use altmin_core::loss::{Loss, OutputSolver};
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::update::hidden::Proximal;
use altmin_core::update::input::{Prepared, StepKind};
use altmin_core::update::sums::Parts;
use altmin_core::update::weights::Order;
use altmin_core::{Activation, Real};

use crate::boundary::Result;
use crate::error::CallError;

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
    /// ALTMIN_STEP_BACKTRACKING: the first parameter that is tried, above 0. Otherwise ignored.
    pub start: f64,
    /// ALTMIN_STEP_BACKTRACKING: what it is multiplied with, 1.001 or above. Otherwise ignored.
    pub factor: f64,
    /// ALTMIN_STEP_LEAST_SQUARES of weights: the damping in units of the mean eigenvalue of the inputs' covariance, above
    /// 0; 0.1 to 1 served best. Otherwise ignored, and by inputs too.
    pub damping: f64,
}

fn known<R>(argument: &'static str, found: i32, meaning: Option<R>) -> Result<R> {
    meaning.ok_or(CallError::Code { argument, found })
}

/// Functions from a code to what it stands for, whose variants have the same names.
macro_rules! decode {
    ($($name:ident: $c:ident => $meaning:ident { $($variant:ident),+ })+) => {
        $(
            #[doc = concat!("What a code of [`", stringify!($c), "`] stands for.")]
            pub fn $name(argument: &'static str, code: i32) -> Result<$meaning> {
                let meanings = [$(($c::$variant as i32, $meaning::$variant)),+];
                let found = meanings.into_iter().find(|&(known, _)| known == code);
                known(argument, code, found.map(|(_, meaning)| meaning))
            }
        )+
    };
}

decode! {
    dual: altmin_dual => DualStorage { Recovered, Stored }
    loss: altmin_loss => Loss { CrossEntropy, LeastSquares }
    order: altmin_order => Order { WeightsFirst, BiasFirst }
    parts: altmin_parts => Parts { All, Residual }
    prepared: altmin_prepared => altmin_prepared { Columns, Tau, Inverse, OuterInverse }
    proximal: altmin_proximal => Proximal { No, Yes }
    solver: altmin_solver => OutputSolver { Newton, Fista }
    transpose: altmin_transpose => Transpose { No, Yes }
}

/// An activation from its code.
pub fn activation<T: Real>(code: i32, slope: f64) -> Result<Activation<T>> {
    let activation = known(
        "activation",
        code,
        match code {
            0 => Some(Activation::Relu),
            1 => Some(Activation::LeakyRelu { slope: T::from_f64(slope) }),
            2 => Some(Activation::Sigmoid),
            3 => Some(Activation::Tanh),
            _ => None,
        },
    )?;
    activation.validate()?;
    Ok(activation)
}

/// A regulariser from its code.
pub fn regularizer<T: Real>(code: i32, lambda: f64) -> Result<Regularizer<T>> {
    let lambda = T::from_f64(lambda);
    let meaning = match code {
        0 => Some(Regularizer::None),
        1 => Some(Regularizer::L1(lambda)),
        2 => Some(Regularizer::L2(lambda)),
        _ => None,
    };
    let regularizer = known("regularizer", code, meaning)?;
    regularizer.validate()?;
    Ok(regularizer)
}

/// A regulariser with which least-squares weights have a closed form.
pub fn closed_form<T: Real>(code: i32, lambda: f64) -> Result<Regularizer<T>> {
    let regularizer = regularizer(code, lambda)?;
    require_closed_form(regularizer)?;
    Ok(regularizer)
}

/// `Ok` when least-squares weights have a closed form with the regulariser.
pub fn require_closed_form<T: Real>(regularizer: Regularizer<T>) -> Result {
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

/// How an activation that an interval holds steps: along its gradient, with a tau for each column or one for all.
pub fn gradient_step<T: Real>(code: i32, tau: f64) -> Result<Prepared<'static, T>> {
    match prepared("prepared", code)? {
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

/// The kind of exact step that an inverse is for.
pub fn inverse(argument: &'static str, code: i32) -> Result<StepKind> {
    match prepared(argument, code)?.kind() {
        StepKind::Gradient => {
            let expected = "ALTMIN_PREPARED_INVERSE or ALTMIN_PREPARED_OUTER_INVERSE";
            Err(Error::Setting { name: argument, found: f64::from(code), expected }.into())
        }
        kind => Ok(kind),
    }
}

/// A scalar that is finite and above 0 in its type.
pub fn positive<T: Real>(argument: &'static str, value: f64) -> Result<T> {
    let rounded = T::from_f64(value);
    require_positive(argument, rounded.to_f64())?;
    Ok(rounded)
}

/// A scalar that the core checks.
pub fn any<T: Real>(_argument: &'static str, value: f64) -> Result<T> {
    Ok(T::from_f64(value))
}

/// A scalar that is finite in its type.
pub fn finite<T: Real>(argument: &'static str, value: f64) -> Result<T> {
    let rounded = T::from_f64(value);
    if rounded.is_finite() {
        Ok(rounded)
    } else {
        Err(Error::Setting { name: argument, found: value, expected: "a finite number" }.into())
    }
}

/// A step rule from its struct.
pub fn step_rule<T: Real>(rule: &altmin_step_rule) -> Result<StepRule<T>> {
    let expected = size_of::<altmin_step_rule>();
    if rule.struct_size != expected {
        return Err(CallError::StructSize { argument: "rule", found: rule.struct_size, expected });
    }
    let meaning = match rule.rule {
        0 => Some(StepRule::Vector),
        1 => Some(StepRule::Scalar),
        2 => {
            Some(StepRule::Backtracking { start: T::from_f64(rule.start), factor: T::from_f64(rule.factor) })
        }
        3 => Some(StepRule::LeastSquares { damping: T::from_f64(rule.damping) }),
        _ => None,
    };
    let meaning = known("rule", rule.rule, meaning)?;
    meaning.validate()?;
    Ok(meaning)
}
