//! Residual balancing against the table of Boyd et al. (2011), equation 3.13, and at the ends of the scalar's range.

use altmin_core::method::Sweep;
use altmin_core::method::balancing::ResidualBalancing;

fn next(rule: ResidualBalancing, rho: f64, primal_residual: f64, dual_residual: f64) -> f64 {
    rule.next::<f64>(rho, &Sweep { primal_residual, dual_residual, ..Sweep::default() })
}

#[test]
fn rho_follows_equation_3_13() {
    let paper = ResidualBalancing::default();
    let other = ResidualBalancing { ratio: 3.0, factor: 1.5 };
    for (rule, primal, dual, expected) in [
        (paper, 10.5, 1.0, 6.0),
        (paper, 10.0, 1.0, 3.0),
        (paper, 1.0, 1.0, 3.0),
        (paper, 1.0, 10.0, 3.0),
        (paper, 1.0, 10.5, 1.5),
        (paper, 0.0, 0.0, 3.0),
        (paper, 1.0, 0.0, 6.0),
        (paper, 0.0, 1.0, 1.5),
        (other, 3.5, 1.0, 4.5),
        (other, 2.5, 1.0, 3.0),
        (other, 1.0, 3.5, 2.0),
    ] {
        assert_eq!(next(rule, 3.0, primal, dual), expected, "{rule:?}, {primal}, {dual}");
    }
}

#[test]
fn rho_stays_where_the_scalar_type_ends() {
    let rule = ResidualBalancing::default();
    let up = Sweep { primal_residual: 1.0, ..Sweep::default() };
    let down = Sweep { dual_residual: 1.0, ..Sweep::default() };
    let steps = |mut rho: f64, sweep: &Sweep, next: &dyn Fn(f64, &Sweep) -> f64| {
        (0..3000).for_each(|_| rho = next(rho, sweep));
        rho
    };
    for (sweep, powers) in [(&up, (127, 1023)), (&down, (-127, -1023))] {
        let single = steps(1.0, sweep, &|rho, sweep| rule.next::<f32>(rho, sweep));
        assert_eq!(single, 2f64.powi(powers.0));
        let double = steps(1.0, sweep, &|rho, sweep| rule.next::<f64>(rho, sweep));
        assert_eq!(double, 2f64.powi(powers.1));
    }
}

#[test]
fn numbers_below_1_are_refused() {
    assert!(ResidualBalancing { ratio: 1.0, factor: 1.0 }.validate().is_ok());
    for wrong in [0.9, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(ResidualBalancing { ratio: wrong, factor: 2.0 }.validate().is_err(), "{wrong}");
        assert!(ResidualBalancing { ratio: 10.0, factor: wrong }.validate().is_err(), "{wrong}");
    }
}
