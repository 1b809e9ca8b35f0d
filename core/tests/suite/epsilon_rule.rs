//! DLAM's rule for epsilon against tables worked out by hand from section 4.1.2 of the paper and its correction.

use altmin_core::Error;
use altmin_core::method::dlam::EpsilonRule;

const ADAPTIVE: EpsilonRule = EpsilonRule::Adaptive { low: 0.01, high: 1.0 };
const PRINTED: EpsilonRule = EpsilonRule::Printed { low: 0.01, high: 1.0 };

/// Follows the risks in turn from a start; the table says what epsilon is after each.
fn follows(rule: EpsilonRule, start: f64, table: &[(f64, f64)]) {
    let mut epsilon = start;
    for (row, &(risk, expected)) in table.iter().enumerate() {
        epsilon = rule.next(epsilon, risk);
        assert_eq!(epsilon, expected, "{rule:?}, row {row}");
    }
}

#[test]
fn adaptive_halves_down_to_its_bound_and_doubles_from_the_other() {
    // 10 > 10 R: halved, until 10 R = 5 is reached.
    follows(ADAPTIVE, 10.0, &[(0.5, 5.0), (0.5, 5.0), (0.49, 2.5), (0.2, 1.25), (0.2, 1.25)]);
    // Down to 0.01 and no further.
    follows(ADAPTIVE, 0.05, &[(0.001, 0.025), (0.001, 0.0125), (0.001, 0.01), (0.0, 0.01)]);
    // R > 10 epsilon: at least 1, then doubled.
    follows(ADAPTIVE, 0.01, &[(0.2, 1.0), (11.0, 2.0), (30.0, 4.0), (40.0, 4.0)]);
    // A start below the bound is not raised by halving.
    follows(ADAPTIVE, 0.001, &[(0.0, 0.001)]);
}

#[test]
fn printed_falls_to_its_bound_at_once_and_cycles() {
    follows(PRINTED, 10.0, &[(0.5, 0.01), (0.5, 1.0), (0.5, 1.0)]);
    // The risk is small with epsilon 1 and grows with 0.01: for ever up and down.
    follows(PRINTED, 1.0, &[(0.05, 0.01), (0.2, 1.0), (0.05, 0.01), (0.2, 1.0)]);
    // With a high bound of 10 one and the same risk is enough.
    let wide = EpsilonRule::Printed { low: 0.01, high: 10.0 };
    follows(wide, 10.0, &[(0.5, 0.01), (0.5, 10.0), (0.5, 0.01), (0.5, 10.0)]);
    // Below the bound it goes on halving: the least of the two.
    follows(PRINTED, 0.01, &[(0.0, 0.005), (0.0, 0.0025)]);
}

#[test]
fn fixed_stays() {
    follows(EpsilonRule::Fixed, 0.3, &[(100.0, 0.3), (0.0, 0.3), (f64::NAN, 0.3)]);
}

#[test]
fn no_risk_makes_epsilon_useless() {
    for rule in [ADAPTIVE, PRINTED] {
        assert_eq!(rule.next(0.5, f64::NAN), 0.5);
        assert_eq!(rule.next(f64::MAX, f64::INFINITY), f64::MAX);
        let mut epsilon = 1.0;
        for _ in 0..5000 {
            epsilon = rule.next(epsilon, 0.0);
        }
        assert!(epsilon > 0.0, "{rule:?}");
    }
}

#[test]
fn bounds_out_of_range_are_refused() {
    for (low, high) in
        [(0.0, 1.0), (-1.0, 1.0), (f64::NAN, 1.0), (0.1, f64::INFINITY), (0.1, 0.0), (2.0, 1.0)]
    {
        for rule in [EpsilonRule::Adaptive { low, high }, EpsilonRule::Printed { low, high }] {
            assert!(matches!(rule.validate(), Err(Error::Setting { .. })), "{rule:?}");
        }
    }
    for rule in [ADAPTIVE, PRINTED, EpsilonRule::Fixed, EpsilonRule::Adaptive { low: 1.0, high: 1.0 }] {
        assert_eq!(rule.validate(), Ok(()));
    }
}
