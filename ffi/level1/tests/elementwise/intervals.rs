use std::ptr::null;

use altmin_core::Activation;
use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::input::Prepared;
use altmin_core::update::interval::activation::{self, Interval};
use altmin_core::update::interval::search::{self, Lengths};
use altmin_core::update::interval::{self, linear};
use altmin_core::view::{column, column_mut};
use altmin_level1::codes::{altmin_activation_fn, altmin_step_rule};
use altmin_level1::error::altmin_status;
use altmin_level1::interval::activation::altmin_interval_moved;
use altmin_level1::interval::linear::altmin_projected;
use altmin_level1::interval::search::altmin_lengths;

use super::*;
use crate::support::*;

pub(super) const N_OUT: usize = 6;
pub(super) const N_IN: usize = 7;
pub(super) const M: usize = 9;
/// Numbers that no float is: the functions round them.
pub(super) const RHO: f64 = 1.3;
pub(super) const EPSILON: f64 = 0.1;
pub(super) const SLOPE: f64 = 0.3;
/// Leaky ReLU with this slope, for C and in the core.
pub(super) const FUNCTION: altmin_activation_fn = altmin_activation_fn { kind: 1, slope: SLOPE };
pub(super) const ACTIVATION: Activation<T> = Activation::LeakyRelu { slope: SLOPE as T };

/// A hidden layer's z and a, and weights and residual of the layer above; a is within its interval in some entries, at
/// its ends or outside in others.
pub(super) struct Layer {
    pub(super) weights: Matrix<T>,
    pub(super) z: Matrix<T>,
    pub(super) a: Matrix<T>,
    pub(super) r: Matrix<T>,
}

impl Layer {
    pub(super) fn new() -> Self {
        let mut numbers = Numbers::new(11);
        let (weights, z) = (numbers.matrix(N_OUT, N_IN), numbers.matrix::<T>(N_IN, M));
        let (mut a, r) = (numbers.matrix::<T>(N_IN, M), numbers.matrix(N_OUT, M));
        for j in 0..M {
            let mut image = [0.0; N_IN];
            ACTIVATION.apply(column(&z.view(), j), &mut image).unwrap();
            for (a, f) in column_mut(&mut a.view_mut(), j).iter_mut().zip(image) {
                *a = f + 0.15 * *a;
            }
        }
        Self { weights, z, a, r }
    }

    pub(super) fn interval(&self) -> Interval<'_, T> {
        let (weights, z) = (self.weights.view(), self.z.view());
        Interval { rho: RHO as T, epsilon: EPSILON as T, activation: ACTIVATION, weights, z }
    }
}

#[test]
fn clipped_linear_variable() {
    let mut numbers = Numbers::new(12);
    let a = numbers.matrix::<T>(N_IN, M);
    let [mut z, mut r] = std::array::from_fn(|_| numbers.matrix::<T>(N_IN, M));
    let (mut z_core, mut r_core, ld) = (z.clone(), r.clone(), z.ld);
    let mut violation = f64::NAN;
    let mut work =
        Workspace::<T>::of(|bytes, error| unsafe { interval_violation_workspace(N_IN, bytes, error) });
    call(|error| unsafe {
        let (work, size, to) = (work.pointer(), work.bytes(), &raw mut violation);
        let (z, a) = (z.read(), a.read());
        interval_violation(EPSILON, FUNCTION, N_IN, M, z, ld, a, ld, work, size, to, error)
    });
    let expected = with_stack(interval::violation_workspace(N_IN), |stack| {
        interval::violation(EPSILON as T, ACTIVATION, &z.view(), &a.view(), stack).unwrap()
    });
    same_number("violation", violation, expected);
    assert!(violation > 0.0);

    let mut repaired = altmin_projected { entries: 0, squared: 0.0 };
    call(|error| unsafe {
        let (a, z, r, to) = (a.read(), z.write(), r.write(), &raw mut repaired);
        interval_linear_repair(EPSILON, FUNCTION, N_IN, M, a, ld, z, ld, r, ld, to, error)
    });
    let (z_view, r_view) = (&mut z_core.view_mut(), &mut r_core.view_mut());
    let expected = linear::repair(EPSILON as T, ACTIVATION, &a.view(), z_view, r_view).unwrap();
    assert_eq!(repaired, expected.into());
    assert!(repaired.entries > 0);

    let mut moved = f64::NAN;
    let mut work =
        Workspace::<T>::of(|bytes, error| unsafe { interval_linear_step_workspace(N_IN, bytes, error) });
    call(|error| unsafe {
        let (work, size, to) = (work.pointer(), work.bytes(), &raw mut moved);
        let (a, z, r) = (a.read(), z.write(), r.write());
        interval_linear_step(EPSILON, FUNCTION, N_IN, M, a, ld, z, ld, r, ld, work, size, to, error)
    });
    let expected = with_stack(linear::step_workspace(N_IN), |stack| {
        linear::step(EPSILON as T, ACTIVATION, &a.view(), z_view, r_view, stack).unwrap()
    });
    same_number("moved", moved, expected);
    assert!(moved > 0.0);
    same_matrix("z", &z, &z_core);
    same_matrix("r", &r, &r_core);
}

#[test]
fn clipped_activations() {
    let layer = Layer::new();
    let mut work = Workspace::<T>::of(|bytes, error| unsafe {
        interval_activation_step_workspace(N_OUT, N_IN, M, bytes, error)
    });
    let (w, z) = (&layer.weights, &layer.z);
    for (code, tau, prepared) in [(0, f64::NAN, Prepared::Columns), (1, 4.1, Prepared::Tau(4.1 as T))] {
        let (mut a, mut r, mut a_core, mut r_core) =
            (layer.a.clone(), layer.r.clone(), layer.a.clone(), layer.r.clone());
        let mut moved = altmin_interval_moved { promised: 0.0, squared: 0.0, trials: 0 };
        let (a_ld, r_ld) = (a.ld, r.ld);
        call(|error| unsafe {
            let (work, size, to) = (work.pointer(), work.bytes(), &raw mut moved);
            let (a, r) = (a.write(), r.write());
            interval_activation_step(
                RHO,
                EPSILON,
                FUNCTION,
                code,
                tau,
                N_OUT,
                N_IN,
                M,
                w.read(),
                w.ld,
                z.read(),
                z.ld,
                a,
                a_ld,
                r,
                r_ld,
                work,
                size,
                to,
                error,
            )
        });
        let needed = activation::step_workspace::<T, _>(&Portable, N_OUT, N_IN, M);
        let expected = with_stack(needed, |stack| {
            let (a, r) = (&mut a_core.view_mut(), &mut r_core.view_mut());
            activation::step(&Portable, &layer.interval(), prepared, a, r, stack).unwrap()
        });
        assert_eq!(moved, expected.into());
        assert!(moved.squared > 0.0);
        assert_eq!(code == 0, moved.trials > 0, "some columns are clipped");
        same_matrix("a", &a, &a_core);
        same_matrix("r", &r, &r_core);
    }

    let (mut a, mut r, mut a_core, mut r_core) =
        (layer.a.clone(), layer.r.clone(), layer.a.clone(), layer.r.clone());
    let mut projected = altmin_projected { entries: 0, squared: 0.0 };
    let mut work = Workspace::<T>::of(|bytes, error| unsafe {
        interval_activation_project_workspace(N_OUT, N_IN, M, bytes, error)
    });
    let (a_ld, r_ld) = (a.ld, r.ld);
    call(|error| unsafe {
        let (work, size, to) = (work.pointer(), work.bytes(), &raw mut projected);
        let (a, r) = (a.write(), r.write());
        interval_activation_project(
            EPSILON,
            FUNCTION,
            N_OUT,
            N_IN,
            M,
            w.read(),
            w.ld,
            z.read(),
            z.ld,
            a,
            a_ld,
            r,
            r_ld,
            work,
            size,
            to,
            error,
        )
    });
    let needed = activation::project_workspace::<T, _>(&Portable, N_OUT, N_IN, M);
    let expected = with_stack(needed, |stack| {
        let (a, r) = (&mut a_core.view_mut(), &mut r_core.view_mut());
        activation::project(&Portable, &layer.interval(), a, r, stack).unwrap()
    });
    assert_eq!(projected, expected.into());
    assert!(projected.entries > 0);
    same_matrix("a projected", &a, &a_core);
    same_matrix("r projected", &r, &r_core);
}

#[test]
fn exact_steps_are_not_for_intervals() {
    for (code, status) in [(2, altmin_status::Setting), (3, altmin_status::Setting), (4, altmin_status::Code)]
    {
        let Layer { weights: w, z, mut a, mut r } = Layer::new();
        let (before, a_ld, r_ld) = (a.clone(), a.ld, r.ld);
        let (found, message) = answer(|error| unsafe {
            let (a, r, no) = (a.write(), r.write(), std::ptr::null_mut());
            interval_activation_step(
                RHO,
                EPSILON,
                FUNCTION,
                code,
                1.0,
                N_OUT,
                N_IN,
                M,
                w.read(),
                w.ld,
                z.read(),
                z.ld,
                a,
                a_ld,
                r,
                r_ld,
                no,
                0,
                std::ptr::null_mut(),
                error,
            )
        });
        assert_eq!(found, status);
        assert!(message.contains("`prepared`"), "{message}");
        same_matrix("a", &a, &before);
    }
}

/// The whole search for one tau, by C's functions and by the core's.
#[test]
fn search_of_one_tau() {
    let (layer, rho) = (Layer::new(), RHO as T);
    let (w, z, a, r) = (&layer.weights, &layer.z, &layer.a, &layer.r);
    let mut work = Workspace::<T>::of(|b, e| unsafe { interval_probe_workspace(N_OUT, N_IN, M, b, e) });
    let mut probed = altmin_lengths { squared: f64::NAN, product_squared: f64::NAN };
    call(|error| unsafe {
        let (work, size, to) = (work.pointer(), work.bytes(), &raw mut probed);
        interval_probe(
            RHO,
            EPSILON,
            FUNCTION,
            N_OUT,
            N_IN,
            M,
            w.read(),
            w.ld,
            z.read(),
            z.ld,
            a.read(),
            a.ld,
            r.read(),
            r.ld,
            work,
            size,
            to,
            error,
        )
    });
    let needed = activation::step_workspace::<T, _>(&Portable, N_OUT, N_IN, M);
    let of_core = |tau: Option<T>| {
        with_stack(needed, |stack| match tau {
            None => search::probe(&Portable, &layer.interval(), &a.view(), &r.view(), stack).unwrap(),
            Some(tau) => {
                search::trial(&Portable, &layer.interval(), tau, &a.view(), &r.view(), stack).unwrap()
            }
        })
    };
    let probed_core = of_core(None);
    assert_eq!(probed, probed_core.into());

    let struct_size = size_of::<altmin_step_rule>();
    let (start, factor) = (0.01, 1.7);
    let scalar = altmin_step_rule { struct_size, rule: 1, start: 0.0, factor: 0.0, damping: 0.0 };
    let backtracking = altmin_step_rule { struct_size, rule: 2, start, factor, damping: 0.0 };
    let backtracking_core = StepRule::Backtracking { start: start as T, factor: factor as T };
    for (rule, rule_core) in [(scalar, StepRule::Scalar), (backtracking, backtracking_core)] {
        let (known, known_core) = match rule.rule {
            1 => (&raw const probed, probed_core),
            _ => (null(), Lengths::default()),
        };
        let mut tau = f64::NAN;
        call(|error| unsafe {
            interval_first_tau(&rule, RHO, N_OUT, N_IN, w.read(), w.ld, known, &mut tau, error)
        });
        let mut tau_core = search::first_tau(&rule_core, rho, &w.view(), known_core).unwrap();
        let mut trials = 0;
        loop {
            assert_eq!(tau as T, tau_core);
            trials += 1;
            let mut tried = altmin_lengths { squared: f64::NAN, product_squared: f64::NAN };
            let mut work =
                Workspace::<T>::of(|b, e| unsafe { interval_trial_workspace(N_OUT, N_IN, M, b, e) });
            call(|error| unsafe {
                let (work, size, to) = (work.pointer(), work.bytes(), &raw mut tried);
                interval_trial(
                    RHO,
                    EPSILON,
                    FUNCTION,
                    tau,
                    N_OUT,
                    N_IN,
                    M,
                    w.read(),
                    w.ld,
                    z.read(),
                    z.ld,
                    a.read(),
                    a.ld,
                    r.read(),
                    r.ld,
                    work,
                    size,
                    to,
                    error,
                )
            });
            let tried_core = of_core(Some(tau_core));
            assert_eq!(tried, tried_core.into());
            let mut next = f64::NAN;
            call(|error| unsafe {
                interval_next_tau(&rule, RHO, N_OUT, N_IN, w.read(), w.ld, tau, &tried, &mut next, error)
            });
            match search::next_tau(&rule_core, rho, &w.view(), tau_core, tried_core) {
                None => {
                    assert_eq!(next, 0.0);
                    break;
                }
                Some(raised) => (tau, tau_core) = (next, raised),
            }
        }
        assert!(rule.rule == 1 || trials > 1, "a small start is raised");
    }
}
