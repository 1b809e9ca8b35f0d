//! Choices: names and codes are those of files and of C's header; texts read back; bounds are the same everywhere.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use altmin_core::choice::{Choice, Expected, ParseError};
use altmin_core::loss::OutputSolver;
use altmin_core::method::dlam::{EpsilonRule, EpsilonRuleKind, Repair};
use altmin_core::method::tssm::Convention;
use altmin_core::update::{BACKTRACKING, StepRule, StepRuleKind};
use altmin_core::{Activation, Error, Loss, Regularizer};

/// What every choice must do, for values that have each of the given texts and codes, in the order of the table.
fn check<V>(expected: &[(V, &str, i32)])
where
    V: Choice + Debug + Display + FromStr<Err = ParseError>,
{
    assert_eq!(V::MEMBERS.len(), expected.len(), "{}", V::SETTING);
    for (&(value, text, code), member) in expected.iter().zip(V::MEMBERS) {
        assert_eq!(value.to_string(), text);
        assert_eq!(text.parse::<V>().unwrap(), value);
        assert_eq!((value.code(), value.name()), (code, text.split(':').next().unwrap()));
        assert_eq!((member.code, member.name), (code, value.name()));
        assert_eq!(V::from_code(code, value.parameter()), Some(value));
        assert_eq!(member.parameter.is_some(), value.parameter().is_some());
        assert!(!member.about.is_empty() && !member.about.contains('\n'), "{text}");
        assert_eq!(value.check(), Ok(()));
    }
    for code in [-1, expected.len() as i32, i32::MAX, i32::MIN] {
        assert_eq!(V::from_code(code, Some(1.0)), None);
    }
    for text in ["", " ", "vectors", "Mean", "none ", ":", ":1"] {
        let refused = text.parse::<V>().unwrap_err();
        assert_eq!(refused.setting, V::SETTING);
        let message = refused.to_string();
        assert!(V::MEMBERS.iter().all(|member| message.contains(member.name)), "{message}");
    }
}

#[test]
fn names_and_codes_are_what_they_have_always_been() {
    use {Activation::*, StepRuleKind as Step};
    check::<Activation<f64>>(&[
        (Relu, "relu", 0),
        (LeakyRelu { slope: 0.30000000000000004 }, "leaky-relu:0.30000000000000004", 1),
        (Sigmoid, "sigmoid", 2),
        (Tanh, "tanh", 3),
        (Softplus, "softplus", 4),
    ]);
    check::<Loss>(&[
        (Loss::CrossEntropy, "cross-entropy", 0),
        (Loss::LeastSquares, "least-squares", 1),
        (Loss::Huber { delta: 0.25 }, "huber:0.25", 2),
    ]);
    assert_eq!("huber".parse::<Loss>().unwrap(), Loss::Huber { delta: 1.0 });
    for text in ["huber:0", "huber:-1", "huber:inf", "huber:nan"] {
        assert!(
            text.parse::<Loss>().unwrap_err().expected.to_string().starts_with("a delta that is"),
            "{text}"
        );
    }
    check::<Regularizer<f64>>(&[
        (Regularizer::None, "none", 0),
        (Regularizer::L1(1e-7), "l1:0.0000001", 1),
        (Regularizer::L2(0.1), "l2:0.1", 2),
    ]);
    check::<Step>(&[
        (Step::Vector, "vector", 0),
        (Step::Scalar, "scalar", 1),
        (Step::Backtracking, "backtracking", 2),
        (Step::LeastSquares, "least-squares", 3),
    ]);
    check::<OutputSolver>(&[(OutputSolver::Newton, "newton", 0), (OutputSolver::Fista, "fista", 1)]);
    check::<Convention>(&[(Convention::Mean, "mean", 0), (Convention::Sum, "sum", 1)]);
    check::<Repair>(&[(Repair::Activations, "a", 0), (Repair::Linear, "z", 1)]);
    check::<EpsilonRuleKind>(&[
        (EpsilonRuleKind::Fixed, "fixed", 0),
        (EpsilonRuleKind::Adaptive, "adaptive", 1),
        (EpsilonRuleKind::Printed, "printed", 2),
    ]);
}

#[test]
fn a_parameter_has_its_default_or_must_be_given() {
    assert_eq!("leaky-relu".parse::<Activation<f64>>().unwrap(), Activation::LeakyRelu { slope: 0.01 });
    assert_eq!(Activation::from_code(1, None), Some(Activation::LeakyRelu { slope: 0.01 }));
    assert_eq!(Regularizer::from_code(1, None), None);
    for text in ["l1", "l2", "l2:", "l1:x", "none:0"] {
        let refused = text.parse::<Regularizer<f64>>().unwrap_err();
        assert_eq!(refused.expected.to_string(), "none, l1:LAMBDA or l2:LAMBDA", "{text}");
    }
    for text in ["ReLU", "relu:1", "leaky-relu:", "leaky-relu: 1", "leaky:0.1", "tanh:2", "softplus:1"] {
        let refused = text.parse::<Activation<f64>>().unwrap_err();
        assert_eq!(
            refused.expected.to_string(),
            "relu, leaky-relu:SLOPE, sigmoid, tanh or softplus",
            "{text}"
        );
    }
}

#[test]
fn bounds_hold_for_texts_values_and_other_types() {
    for text in ["leaky-relu:-0.5", "leaky-relu:nan", "leaky-relu:inf", "leaky-relu:1e400"] {
        let refused = text.parse::<Activation<f64>>().unwrap_err();
        assert!(matches!(refused.expected, Expected::Parameter { name: "slope", .. }), "{text}");
        assert_eq!(refused.expected.to_string(), "a slope that is a finite number, 0 or above");
    }
    for text in ["l1:-1", "l2:nan", "l2:-inf"] {
        let refused = text.parse::<Regularizer<f64>>().unwrap_err();
        assert!(matches!(refused.expected, Expected::Parameter { name: "lambda", .. }), "{text}");
    }
    // A code gives the value as it is: what f32 cannot hold is found after the cast.
    let steep = Activation::from_code(1, Some(1e300)).unwrap();
    assert_eq!(steep.check(), Ok(()));
    assert!(matches!(steep.cast::<f32>().validate(), Err(Error::Setting { name: "slope", .. })));
    let below = Activation::from_code(1, Some(-0.5)).unwrap();
    for refused in [below.check(), below.validate(), below.cast::<f32>().validate()] {
        assert!(matches!(refused, Err(Error::Setting { name: "slope", found: -0.5, .. })));
    }
    let heavy = Regularizer::from_code(2, Some(1e300)).unwrap();
    assert!(matches!(heavy.cast::<f32>().validate(), Err(Error::Setting { name: "lambda", .. })));
}

#[test]
fn a_cast_keeps_the_member_and_rounds_the_parameter() {
    let all: Vec<Activation<f64>> =
        (0..4).map(|code| Activation::from_code(code, Some(0.1)).unwrap()).collect();
    for value in all {
        let single = value.cast::<f32>();
        assert_eq!(single.cast::<f64>().code(), value.code());
        assert_eq!(single.cast::<f64>().parameter(), value.parameter().map(|slope| f64::from(slope as f32)));
        assert_eq!(value.cast::<f64>(), value);
    }
    for code in 0..3 {
        let value = Regularizer::from_code(code, Some(0.1)).unwrap();
        let back = value.cast::<f32>().cast::<f64>();
        assert_eq!(back.code(), code);
        assert_eq!(back.parameter(), value.parameter().map(|lambda| f64::from(lambda as f32)));
    }
}

#[test]
fn kinds_become_rules_with_their_numbers() {
    assert_eq!(StepRuleKind::Vector.rule::<f64>(BACKTRACKING, 0.5), StepRule::Vector);
    assert_eq!(StepRuleKind::Scalar.rule::<f64>(BACKTRACKING, 0.5), StepRule::Scalar);
    assert_eq!(
        StepRuleKind::Backtracking.rule::<f64>(BACKTRACKING, 0.5),
        StepRule::Backtracking { start: 1e-6, factor: 2.0 }
    );
    assert_eq!(
        StepRuleKind::LeastSquares.rule::<f32>(BACKTRACKING, 0.1),
        StepRule::LeastSquares { damping: 0.1f32 }
    );
    let bounds = (0.01, 1.0);
    assert_eq!(EpsilonRuleKind::Fixed.rule(bounds), EpsilonRule::Fixed);
    assert_eq!(EpsilonRuleKind::Adaptive.rule(bounds), EpsilonRule::Adaptive { low: 0.01, high: 1.0 });
    assert_eq!(EpsilonRuleKind::Printed.rule(bounds), EpsilonRule::Printed { low: 0.01, high: 1.0 });
}

#[test]
fn words_are_padded_as_texts_are() {
    assert_eq!(format!("{:>8}|{:<5}|", StepRuleKind::Vector, Repair::Linear), "  vector|z    |");
}

#[test]
fn cross_entropy_alone_has_probabilities() {
    assert!(Loss::CrossEntropy.has_probabilities());
    assert!(!Loss::LeastSquares.has_probabilities() && !Loss::Huber { delta: 1.0 }.has_probabilities());
    assert_eq!(Loss::CrossEntropy.largest_gradient_squared(7), Some(2.0));
    assert_eq!(Loss::LeastSquares.largest_gradient_squared(7), None);
    assert_eq!(Loss::Huber { delta: 0.5 }.largest_gradient_squared(7), Some(1.75));
}
