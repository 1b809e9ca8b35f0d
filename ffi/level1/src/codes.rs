//! What the numbers of the C interface stand for.
//!
//! An unknown number must not become a Rust enum, so functions take `int32_t` and the enums here only give the names. Those
//! of the core's choices are in the core's tables, from which the header has them.
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

use crate::boundary::Result;
use crate::error::CallError;

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

/// Where pdADMM's dual is.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_dual {
    /// Nowhere: u = nu (q - f(z)) by Lemma 4
    Recovered = 0,
    /// In memory of its own, moved by equation 7
    Stored = 1,
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
    order: altmin_order => Order { WeightsFirst, BiasFirst }
    parts: altmin_parts => Parts { All, Residual }
    prepared: altmin_prepared => altmin_prepared { Columns, Tau, Inverse, OuterInverse }
    proximal: altmin_proximal => Proximal { No, Yes }
    transpose: altmin_transpose => Transpose { No, Yes }
}

/// The risk of the last layer.
pub fn loss(argument: &'static str, code: i32) -> Result<Loss> {
    known(argument, code, Loss::from_code(code, None))
}

/// The solver of the output subproblem.
pub fn solver(argument: &'static str, code: i32) -> Result<OutputSolver> {
    known(argument, code, OutputSolver::from_code(code, None))
}

/// An activation with what it takes, passed by value: a function f.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct altmin_activation_fn {
    /// An altmin_activation.
    pub kind: i32,
    /// Of ALTMIN_ACTIVATION_LEAKY_RELU the slope for z below 0, 0 or above; otherwise ignored.
    pub slope: f64,
}

/// An activation from its code.
pub fn activation<T: Real>(given: altmin_activation_fn) -> Result<Activation<T>> {
    let altmin_activation_fn { kind, slope } = given;
    let activation = known("activation", kind, Activation::from_code(kind, Some(slope)))?.cast();
    activation.validate()?;
    Ok(activation)
}

/// A regulariser from its code.
pub fn regularizer<T: Real>(code: i32, lambda: f64) -> Result<Regularizer<T>> {
    let regularizer = known("regularizer", code, Regularizer::from_code(code, Some(lambda)))?.cast();
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
            found: f64::from(regularizer.cast::<f64>().code()),
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
    let kind = known("rule", rule.rule, StepRuleKind::from_code(rule.rule, None))?;
    let meaning = kind.rule((rule.start, rule.factor), rule.damping);
    meaning.validate()?;
    Ok(meaning)
}
