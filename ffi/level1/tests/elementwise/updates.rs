use std::ptr::{null, null_mut};

use altmin_core::loss::{self, Loss, OutputSolver, Target};
use altmin_core::objective::{self, Dual};
use altmin_core::update::{copy, dual, output};
use altmin_core::view::{column, column_mut};
use altmin_core::{Activation, Regularizer};
use altmin_level1::codes::altmin_activation_fn;
use altmin_level1::error::altmin_status;
use altmin_level1::objective::{altmin_constraint_terms, altmin_copy_terms};
use altmin_level1::output::altmin_solved;

use super::*;
use crate::support::*;

const N: usize = 7;
const M: usize = 9;
/// Numbers that no float is: the functions round them.
const NU: f64 = 0.7;
const RHO: f64 = 1.3;
const SLOPE: f64 = 0.1;

/// Every activation, for C and in the core.
fn activations() -> [(altmin_activation_fn, Activation<T>); 5] {
    let of = |kind| altmin_activation_fn { kind, slope: SLOPE };
    [
        (of(0), Activation::Relu),
        (of(1), Activation::LeakyRelu { slope: SLOPE as T }),
        (of(2), Activation::Sigmoid),
        (of(3), Activation::Tanh),
        (of(4), Activation::Softplus),
    ]
}

#[test]
fn activation_functions() {
    let z = Numbers::new(1).matrix::<T>(N, M);
    for (given, activation) in activations() {
        let out = Numbers::new(2).matrix::<T>(N, M);
        let (mut a, mut d, mut e) = (out.clone(), out.clone(), out.clone());
        let (mut a_core, mut d_core, mut e_core) = (out.clone(), out.clone(), out);
        call(|x| unsafe { activation_apply(given, N, M, z.read(), z.ld, a.write(), a.ld, x) });
        call(|x| unsafe { activation_derivative(given, N, M, z.read(), z.ld, d.write(), d.ld, x) });
        call(|x| unsafe { activation_backward(given, N, M, a.read(), a.ld, e.write(), e.ld, x) });
        for j in 0..M {
            activation.apply(column(&z.view(), j), column_mut(&mut a_core.view_mut(), j)).unwrap();
            activation.derivative(column(&z.view(), j), column_mut(&mut d_core.view_mut(), j)).unwrap();
            activation.backward(column(&a_core.view(), j), column_mut(&mut e_core.view_mut(), j)).unwrap();
        }
        same_matrix("f(z)", &a, &a_core);
        same_matrix("f'(z)", &d, &d_core);
        same_matrix("f'(z) e", &e, &e_core);
    }
}

#[test]
fn copy_of_the_output() {
    for (given, activation) in activations() {
        let mut numbers = Numbers::new(3);
        let [p, u, z, mut q] = std::array::from_fn(|_| numbers.matrix::<T>(N, M));
        let mut q_core = q.clone();
        let mut work = Workspace::<T>::of(|bytes, error| unsafe { copy_step_workspace(N, bytes, error) });
        let mut moved = f64::NAN;
        call(|error| unsafe {
            let (work, size) = (work.pointer(), work.bytes());
            let (nu, rho, q_ld) = (NU, RHO, q.ld);
            let (p, u, z) = ((p.read(), p.ld), (u.read(), u.ld), (z.read(), z.ld));
            let q = q.write();
            copy_step(
                nu, rho, given, N, M, p.0, p.1, u.0, u.1, z.0, z.1, q, q_ld, work, size, &mut moved, error,
            )
        });
        let (nu, rho) = (NU as T, RHO as T);
        let expected = with_stack(copy::step_workspace(N), |stack| {
            let (p, u, z, q) = (p.view(), u.view(), z.view(), &mut q_core.view_mut());
            copy::step(nu, rho, activation, &p, &u, &z, q, stack).unwrap()
        });
        same_number("moved", moved, expected);
        same_matrix("q", &q, &q_core);

        let mut work = Workspace::<T>::of(|bytes, error| unsafe { copy_carry_workspace(N, bytes, error) });
        let q_ld = q.ld;
        call(|error| unsafe {
            let (work, size) = (work.pointer(), work.bytes());
            copy_carry(NU, given, N, M, z.read(), z.ld, q.write(), q_ld, work, size, error)
        });
        with_stack(copy::carry_workspace(N), |stack| {
            copy::carry(nu, activation, &z.view(), &mut q_core.view_mut(), stack).unwrap();
        });
        same_matrix("q carried", &q, &q_core);
    }
}

#[test]
fn duals() {
    let mut numbers = Numbers::new(4);
    let [p, q, z, mut u, mut r] = std::array::from_fn(|_| numbers.matrix::<T>(N, M));
    let (mut u_core, mut r_core, ld) = (u.clone(), r.clone(), u.ld);
    let (nu, rho) = (NU as T, RHO as T);
    call(|error| unsafe { dual_step(RHO, N, M, p.read(), p.ld, q.read(), q.ld, u.write(), ld, error) });
    dual::step(rho, &p.view(), &q.view(), &mut u_core.view_mut()).unwrap();
    same_matrix("u", &u, &u_core);

    let mut primal = f64::NAN;
    call(|error| unsafe { dual_step_shifted(RHO, N, M, r.write(), ld, u.write(), ld, &mut primal, error) });
    let expected = dual::step_shifted(rho, &mut r_core.view_mut(), &mut u_core.view_mut()).unwrap();
    same_number("primal", primal, expected);
    same_matrix("u of the last layer", &u, &u_core);
    same_matrix("r of the last layer", &r, &r_core);

    for (given, activation) in activations() {
        call(|error| unsafe {
            dual_recover(NU, given, N, M, q.read(), ld, z.read(), ld, u.write(), ld, error)
        });
        dual::recover(nu, activation, &q.view(), &z.view(), &mut u_core.view_mut()).unwrap();
        same_matrix("u recovered", &u, &u_core);
    }
}

/// Classes and columns of probabilities.
fn targets(numbers: &mut Numbers) -> (Vec<i32>, Matrix<T>) {
    let classes = (0..M).map(|j| ((j * 5) % N) as i32).collect();
    let mut values = numbers.matrix::<T>(N, M);
    for j in 0..M {
        let mut values = values.view_mut();
        let column = column_mut(&mut values, j);
        let total: T = column.iter().map(|y| y.abs()).sum();
        column.iter_mut().for_each(|y| *y = y.abs() / total);
    }
    (classes, values)
}

const LOSSES: [(i32, Loss); 3] =
    [(0, Loss::CrossEntropy), (1, Loss::LeastSquares), (2, Loss::Huber { delta: 1.0 })];
const SOLVERS: [(i32, OutputSolver); 2] = [(0, OutputSolver::Newton), (1, OutputSolver::Fista)];

#[test]
fn output_of_the_network() {
    let mut numbers = Numbers::new(5);
    let (classes, values) = targets(&mut numbers);
    let unsigned: Vec<u32> = classes.iter().map(|&class| class as u32).collect();
    let [z, r] = std::array::from_fn(|_| numbers.matrix::<T>(N, M));
    for (code, loss) in LOSSES {
        for (solver_code, solver) in SOLVERS {
            for by_class in [true, false] {
                let (mut z, mut r, mut z_core, mut r_core) = (z.clone(), r.clone(), z.clone(), r.clone());
                let mut work = Workspace::<T>::of(|bytes, error| unsafe {
                    output_step_workspace(code, solver_code, N, M, bytes, error)
                });
                let mut solved = altmin_solved { squared: 0.0, residual: 0.0, iterations: 0, capped: 0 };
                let (ld, classes) = (z.ld, if by_class { classes.as_ptr() } else { null() });
                let (target, own) = if by_class {
                    (Target::Classes(&unsigned), null())
                } else {
                    (Target::Values(values.view()), values.read())
                };
                call(|error| unsafe {
                    let (work, size) = (work.pointer(), work.bytes());
                    let (z, r, to) = (z.write(), r.write(), &raw mut solved);
                    output_step(
                        code,
                        solver_code,
                        NU,
                        N,
                        M,
                        classes,
                        own,
                        ld,
                        z,
                        ld,
                        r,
                        ld,
                        work,
                        size,
                        to,
                        error,
                    )
                });
                let needed = output::step_workspace::<T>(loss, solver, N, M);
                let expected = with_stack(needed, |stack| {
                    let (z, r) = (&mut z_core.view_mut(), &mut r_core.view_mut());
                    output::step(loss, solver, NU as T, target, z, r, stack).unwrap()
                });
                same_matrix("z", &z, &z_core);
                same_matrix("r", &r, &r_core);
                assert_eq!(solved, expected.into());
                assert!(solved.squared > 0.0);
            }
        }
    }
}

#[test]
fn losses() {
    let mut numbers = Numbers::new(6);
    let (classes, values) = targets(&mut numbers);
    let unsigned: Vec<u32> = classes.iter().map(|&class| class as u32).collect();
    let (z, ld) = (numbers.matrix::<T>(N, M), N + 2);
    for (code, loss) in LOSSES {
        for (target, classes, own) in [
            (Target::Classes(&unsigned), classes.as_ptr(), null()),
            (Target::Values(values.view()), null(), values.read()),
        ] {
            let mut gradient = numbers.matrix::<T>(N, M);
            let (mut gradient_core, mut value) = (gradient.clone(), f64::NAN);
            call(|error| unsafe {
                loss_value(code, N, M, z.read(), ld, classes, own, ld, &mut value, error)
            });
            call(|error| unsafe {
                loss_gradient(code, N, M, z.read(), ld, classes, own, ld, gradient.write(), ld, error)
            });
            same_number("R", value, loss.value(z.view(), target).unwrap());
            loss.gradient(z.view(), target, gradient_core.view_mut()).unwrap();
            same_matrix("gradient", &gradient, &gradient_core);
        }
    }
    let mut correct = usize::MAX;
    // One sample is made correct, so that there is something to count.
    let mut z = z;
    z.view_mut()[(classes[2] as usize, 2)] = 9.0;
    call(|error| unsafe { loss_count_correct(N, M, z.read(), ld, classes.as_ptr(), &mut correct, error) });
    assert_eq!(correct, loss::count_correct(z.view(), &unsigned).unwrap());
    assert!(correct > 0);
}

#[test]
fn a_target_is_classes_or_values() {
    let mut numbers = Numbers::new(7);
    let (mut classes, mut values) = targets(&mut numbers);
    let z = numbers.matrix::<T>(N, M);
    let value = |classes: *const i32, values: *const T| {
        let mut value = 5.0;
        let found = answer(|error| unsafe {
            loss_value(0, N, M, z.read(), z.ld, classes, values, N + 2, &mut value, error)
        });
        assert_eq!(value, 5.0, "{found:?}");
        found
    };
    let (status, message) = value(null(), null());
    assert_eq!(status, altmin_status::Null);
    assert!(message.contains("`classes`") && message.contains("`values`"), "{message}");
    let (status, message) = value(classes.as_ptr(), values.read());
    assert_eq!(status, altmin_status::Setting);
    assert!(message.contains("`classes`") && message.contains("`values`"), "{message}");
    for wrong in [N as i32, -1] {
        classes[M - 1] = wrong;
        let (status, message) = value(classes.as_ptr(), null());
        assert_eq!(status, altmin_status::Setting);
        assert!(message.contains(&format!("`classes` is {wrong}")), "{message}");
    }
    values.view_mut()[(0, M - 1)] += 0.01;
    let (status, message) = value(null(), values.read());
    assert_eq!(status, altmin_status::Setting);
    assert!(message.contains("`values`"), "{message}");
    let mut risk = f64::NAN;
    call(|error| unsafe { loss_value(0, N, 0, null(), N, null(), null::<T>(), N, &mut risk, error) });
    assert_eq!(risk, 0.0);
}

#[test]
fn terms_of_the_lagrangians() {
    let mut numbers = Numbers::new(8);
    let [q, z, p, u] = std::array::from_fn(|_| numbers.matrix::<T>(N, M));
    let ld = q.ld;
    for (given, activation) in activations() {
        for (dual_code, dual, stored) in
            [(0, Dual::Recovered { nu: NU as T }, null()), (1, Dual::Stored(u.view()), u.read())]
        {
            let mut terms = altmin_copy_terms { activation: f64::NAN, dual: f64::NAN, gap: f64::NAN };
            let mut work =
                Workspace::<T>::of(|bytes, error| unsafe { copy_terms_workspace(N, bytes, error) });
            // What is not looked at may be anything.
            let nu = if dual_code == 0 { NU } else { f64::NAN };
            call(|error| unsafe {
                let (work, size) = (work.pointer(), work.bytes());
                let (q, z, p) = (q.read(), z.read(), p.read());
                copy_terms(
                    dual_code, nu, given, N, M, q, ld, z, ld, p, ld, stored, ld, work, size, &mut terms,
                    error,
                )
            });
            let expected = with_stack(objective::copy_terms_workspace(N), |stack| {
                objective::copy_terms(activation, dual, &q.view(), &z.view(), &p.view(), stack).unwrap()
            });
            same_number("activation", terms.activation, expected.activation);
            same_number("dual", terms.dual, expected.dual);
            same_number("gap", terms.gap, expected.gap);
        }
        let mut gap = f64::NAN;
        let mut work =
            Workspace::<T>::of(|bytes, error| unsafe { activation_gap_workspace(N, bytes, error) });
        call(|error| unsafe {
            let (work, size) = (work.pointer(), work.bytes());
            activation_gap(given, N, M, q.read(), ld, z.read(), ld, work, size, &mut gap, error)
        });
        let expected = with_stack(objective::activation_gap_workspace(N), |stack| {
            objective::activation_gap(activation, &q.view(), &z.view(), stack).unwrap()
        });
        same_number("gap of the activation", gap, expected);
    }
    let mut terms = altmin_constraint_terms { dual: f64::NAN, gap: f64::NAN };
    call(|error| unsafe { constraint_terms(RHO, N, M, z.read(), ld, u.read(), ld, &mut terms, error) });
    let expected = objective::constraint_terms(RHO as T, &z.view(), &u.view()).unwrap();
    same_number("dual of the constraint", terms.dual, expected.dual);
    same_number("gap of the constraint", terms.gap, expected.gap);

    let mut sum = f64::NAN;
    call(|error| unsafe { squared(N, M, z.read(), ld, &mut sum, error) });
    same_number("|r|^2", sum, objective::squared(&z.view()));

    for (code, regularizer) in
        [(0, Regularizer::None), (1, Regularizer::L1(NU as T)), (2, Regularizer::L2(NU as T))]
    {
        call(|error| unsafe { regularizer_value(code, NU, N, M, z.read(), ld, &mut sum, error) });
        same_number("Omega", sum, regularizer.value(&z.view()));
    }
}

#[test]
fn codes_that_stand_for_nothing() {
    let (z, ld) = (Numbers::new(9).matrix::<T>(N, M), N + 2);
    let mut sum = 5.0;
    let mut bytes = 5;
    let calls = [
        ("loss", answer(|e| unsafe { output_step_workspace(3, 0, N, M, &mut bytes, e) })),
        ("solver", answer(|e| unsafe { output_step_workspace(0, -1, N, M, &mut bytes, e) })),
        ("regularizer", answer(|e| unsafe { regularizer_value(3, 0.0, N, M, z.read(), ld, &mut sum, e) })),
        ("dual", {
            let (q, to, relu) = (z.read(), null_mut(), altmin_activation_fn { kind: 0, slope: 0.0 });
            answer(|e| unsafe {
                copy_terms(2, NU, relu, N, M, q, ld, q, ld, q, ld, q, ld, null_mut(), 0, to, e)
            })
        }),
    ];
    for (argument, (status, message)) in calls {
        assert_eq!(status, altmin_status::Code);
        assert!(message.contains(&format!("`{argument}`")), "{message}");
    }
    assert_eq!((sum, bytes), (5.0, 5));
}
