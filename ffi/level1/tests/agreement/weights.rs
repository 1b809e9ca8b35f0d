//! Sums, weights, and what follows them.

use std::ffi::c_void;

use altmin_core::Real;
use altmin_core::Regularizer;
use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::sums::{self, Parts, SumsShape};
use altmin_core::update::weights::{self, Change, Factor, Order, dual};
use altmin_core::view::column;
use altmin_core::workspace::Stack;
use altmin_level1::codes::altmin_step_rule;
use altmin_level1::sums::altmin_sums_elements;
use altmin_level1::weights::altmin_reduced;

use crate::{Matrix, SHAPES, call, numbers, rules, same, workspace};

macro_rules! precision {
    ($module:ident, $T:ident; $($path:path => $name:ident),+ $(,)?) => {
        mod $module {
            use super::*;

            $(use $path as $name;)+

            type Number = $T;

            /// Memory and bytes of a workspace, as C takes them.
            fn pass(workspace: &mut [Number]) -> (*mut c_void, usize) {
                (workspace.as_mut_ptr().cast(), size_of_val(workspace))
            }

            /// The sums of two tiles, from C and from the core, which must be the same.
            fn tiles(shape: SumsShape, m: usize, parts: (i32, Parts)) -> Vec<Number> {
                let SumsShape { n_out, n_in } = shape;
                let mut elements = 0;
                call!(altmin_sums_elements; n_out, n_in, &mut elements);
                assert_eq!(elements, shape.elements());
                let mut total: Vec<Number> = numbers(6, elements);
                let mut expected = total.clone();
                call!(sums_clear; parts.0, n_out, n_in, total.as_mut_ptr());
                shape.carve(&mut expected).expect("sums").clear(parts.1);
                same(&total, &expected);
                for seed in [7, 8] {
                    let (r, p) = (Matrix::<Number>::new(seed, n_out, m), Matrix::<Number>::new(9, n_in, m));
                    let (mut part, mut core) = (vec![0.0; elements], vec![0.0; elements]);
                    let mut memory = workspace!(Number, sums_accumulate_workspace; n_out, n_in, m);
                    let (space, bytes) = pass(&mut memory);
                    call!(sums_accumulate;
                        parts.0, n_out, n_in, m, r.get(), r.ld(), p.get(), p.ld(), part.as_mut_ptr(),
                        space, bytes);
                    let target = &mut shape.carve(&mut core).expect("sums");
                    let (r, p, stack) = (r.view(), p.view(), Stack::new(&mut memory));
                    sums::accumulate(&Portable, &r, &p, parts.1, target, stack)
                        .expect("the core's sums");
                    same(&part, &core);
                    call!(sums_add; parts.0, n_out, n_in, part.as_ptr(), total.as_mut_ptr());
                    sums::add(shape, parts.1, &core, &mut expected).expect("the core's sums");
                    same(&total, &expected);
                }
                call!(sums_finish; n_out, n_in, total.as_mut_ptr());
                shape.carve(&mut expected).expect("sums").finish();
                same(&total, &expected);
                total
            }

            #[test]
            fn sums_of_tiles() {
                for (n_out, n_in, m) in SHAPES {
                    for parts in [(0, Parts::All), (1, Parts::Residual)] {
                        tiles(SumsShape { n_out, n_in }, m, parts);
                    }
                }
            }

            #[test]
            fn weights_and_what_follows_them() {
                let regularizers = [
                    (0, Regularizer::None),
                    (1, Regularizer::L1(Number::from_f64(0.05))),
                    (2, Regularizer::L2(Number::from_f64(0.05))),
                ];
                for (n_out, n_in, m) in SHAPES {
                    let shape = SumsShape { n_out, n_in };
                    let sums = tiles(shape, m, (0, Parts::All));
                    for rule in rules::<Number>() {
                        for regularizer in regularizers {
                            for order in [(0, Order::WeightsFirst), (1, Order::BiasFirst)] {
                                let squares = rule.0.rule == 3;
                                let factored = squares && m > 1;
                                if !(squares && regularizer.0 == 1) {
                                    let step = reduce(shape, &sums, m, rule, regularizer, order, factored);
                                    follow(shape, &sums, m, &step);
                                }
                            }
                        }
                    }
                }
            }

            /// A step of weights and bias from C and from the core, which must be the same; returns the change.
            fn reduce(
                shape: SumsShape,
                sums: &[Number],
                m: usize,
                rule: (altmin_step_rule, StepRule<Number>),
                regularizer: (i32, Regularizer<Number>),
                order: (i32, Order),
                factored: bool,
            ) -> (Matrix<Number>, Vec<Number>) {
                let (SumsShape { n_out, n_in }, samples) = (shape, 2 * m);
                let finished = shape.read(sums, samples).expect("sums");
                let lower =
                    if factored { factor(shape, sums, samples, regularizer) } else { Matrix::new(0, 0, 0) };
                let weights = Matrix::<Number>::new(10, n_out, n_in);
                let (bias, bias_change) = (numbers::<Number>(11, n_out), numbers::<Number>(12, n_out));
                let (mut w_c, mut b_c) = (weights.clone(), bias.clone());
                let (mut d_c, mut d_bias_c) = (Matrix::<Number>::new(13, n_out, n_in), bias_change.clone());
                let (mut w, mut b, mut d, mut d_bias) = (weights, bias, d_c.clone(), bias_change);
                let mut reduced = altmin_reduced::default();
                let mut memory = workspace!(Number, weights_reduce_workspace; &rule.0, n_out, n_in);
                let (space, bytes) = pass(&mut memory);
                let factor = if factored { lower.get() } else { std::ptr::null() };
                call!(weights_reduce;
                    &rule.0, order.0, 0.3, regularizer.0, 0.05, n_out, n_in, samples, sums.as_ptr(),
                    factor, lower.ld(), w_c.get_mut(), w_c.ld(), b_c.as_mut_ptr(), d_c.get_mut(), d_c.ld(),
                    d_bias_c.as_mut_ptr(), space, bytes, &mut reduced);
                let expected = weights::reduce(
                    &Portable,
                    &rule.1,
                    order.1,
                    0.3,
                    regularizer.1,
                    &finished,
                    factored.then_some(&Factor { lower: lower.view() }),
                    &mut w.view_mut(),
                    &mut b,
                    &mut Change { weights: d.view_mut(), bias: &mut d_bias },
                    Stack::new(&mut memory),
                )
                .expect("the core's step");
                same(&(w_c, b_c), &(w, b));
                assert_eq!(reduced, expected.into());
                let step = (d_c, d_bias_c);
                same(&step, &(d, d_bias));
                assert!(reduced.bias_squared > 0.0);
                step
            }

            #[test]
            fn dual_steps() {
                let regularizers = [(0, Regularizer::None), (2, Regularizer::L2(Number::from_f64(0.05)))];
                for (shape, regularizer) in SHAPES.into_iter().flat_map(|shape| regularizers.map(|r| (shape, r))) {
                    step_in_dual_form(shape, regularizer);
                }
            }

            /// A step in its dual form from C and from the core, which must be the same.
            fn step_in_dual_form((n_out, n_in, m): (usize, usize, usize), regularizer: (i32, Regularizer<Number>)) {
                let weights = Matrix::<Number>::new(10, n_out, n_in);
                let (mut p_c, mut r_c) = (Matrix::<Number>::new(15, n_in, m), Matrix::<Number>::new(16, n_out, m));
                let (mut p, mut r) = (p_c.clone(), r_c.clone());
                let (mut d_c, mut d) = (numbers::<Number>(12, n_out), numbers::<Number>(12, n_out));
                let mut shrinkage = f64::NAN;
                let mut memory = workspace!(Number, dual_solve_workspace; n_out, n_in, m);
                let (space, bytes) = pass(&mut memory);
                call!(dual_solve;
                    0.4, 0.3, regularizer.0, 0.05, n_out, n_in, m, weights.get(), weights.ld(), p_c.get_mut(), p_c.ld(),
                    r_c.get_mut(), r_c.ld(), d_c.as_mut_ptr(), space, bytes, &mut shrinkage);
                let (weights_view, stack) = (weights.view(), Stack::new(&mut memory));
                let (p_view, r_view) = (&mut p.view_mut(), &mut r.view_mut());
                let solution = dual::solve(
                    &Portable, 0.4, 0.3, regularizer.1, &weights_view, p_view, r_view, &mut d, stack,
                )
                .expect("the core's solution");
                same(&(&p_c, &r_c, &d_c), &(&p, &r, &d));
                assert_eq!(shrinkage, f64::from(solution.shrinkage));

                let mut v_c = Matrix::<Number>::new(17, n_out, n_in);
                let mut v = v_c.clone();
                let mut memory = workspace!(Number, dual_step_workspace; n_out, n_in, m);
                let (space, bytes) = pass(&mut memory);
                call!(dual_step;
                    0.9, shrinkage, n_out, n_in, m, weights.get(), weights.ld(), r_c.get(), r_c.ld(), p_c.get(), p_c.ld(),
                    v_c.get_mut(), v_c.ld(), space, bytes);
                let (r, p, stack) = (r.view(), p.view(), Stack::new(&mut memory));
                dual::add_step(&Portable, solution, 0.9, &weights_view, &r, &p, &mut v.view_mut(), stack)
                    .expect("the core's step");
                same(&v_c, &v);
            }

            /// The factor from C; its lower triangle is the core's, and above it are zeros.
            fn factor(
                shape: SumsShape,
                sums: &[Number],
                samples: usize,
                regularizer: (i32, Regularizer<Number>),
            ) -> Matrix<Number> {
                let SumsShape { n_out, n_in } = shape;
                let finished = shape.read(sums, samples).expect("sums");
                let mut factor = Matrix::<Number>::new(14, n_in, n_in);
                let mut expected = factor.clone();
                let mut exists = -1;
                let mut memory = workspace!(Number, weights_factor_workspace; n_in);
                let (space, bytes) = pass(&mut memory);
                call!(weights_factor; 0.1, 0.3, regularizer.0, 0.05, n_out, n_in, samples, sums.as_ptr(),
                    factor.get_mut(), factor.ld(), space, bytes, &mut exists);
                assert_eq!(exists, 1);
                let (target, stack) = (&mut expected.view_mut(), Stack::new(&mut memory));
                let found = weights::factor(&Portable, 0.1, 0.3, regularizer.1, &finished, target, stack);
                assert_eq!(found, Ok(true));
                for j in 0..n_in {
                    let (c, core) = (factor.view(), expected.view());
                    assert_eq!(column(&c, j)[j..], column(&core, j)[j..]);
                    assert!(column(&c, j)[..j].iter().all(|&above| above == 0.0));
                }
                factor
            }

            /// Residual and sums after a step, from C and from the core, which must be the same.
            fn follow(shape: SumsShape, sums: &[Number], m: usize, step: &(Matrix<Number>, Vec<Number>)) {
                let (SumsShape { n_out, n_in }, (d, d_bias)) = (shape, step);
                let (p, r) = (Matrix::<Number>::new(15, n_in, m), Matrix::<Number>::new(16, n_out, m));
                let (mut r_c, mut r_core) = (r.clone(), r.clone());
                let mut memory = workspace!(Number, weights_apply_workspace; n_out, n_in, m);
                let (space, bytes) = pass(&mut memory);
                call!(weights_apply;
                    n_out, n_in, m, d.get(), d.ld(), d_bias.as_ptr(), p.get(), p.ld(), r_c.get_mut(),
                    r_c.ld(), space, bytes);
                let target = &mut r_core.view_mut();
                weights::apply(&Portable, &d.view(), d_bias, &p.view(), target, Stack::new(&mut memory))
                    .expect("the core's residual");
                same(&r_c, &r_core);
                call!(weights_apply_bias; n_out, m, d_bias.as_ptr(), r_c.get_mut(), r_c.ld());
                weights::apply_bias(d_bias, &mut r_core.view_mut()).expect("the core's residual");
                same(&r_c, &r_core);
                let (mut sums_c, mut sums_core) = (sums.to_vec(), sums.to_vec());
                let mut memory = workspace!(Number, sums_follow_workspace; n_out, n_in);
                let (space, bytes) = pass(&mut memory);
                call!(sums_follow;
                    n_out, n_in, 2 * m, d.get(), d.ld(), d_bias.as_ptr(), sums_c.as_mut_ptr(), space, bytes);
                let target = &mut shape.carve(&mut sums_core).expect("sums");
                let stack = Stack::new(&mut memory);
                target.follow(&Portable, &d.view(), d_bias, 2 * m, stack).expect("the core's sums");
                same(&sums_c, &sums_core);
            }
        }
    };
}

precision!(single, f32;
    altmin_level1::sums::altmin_sums_clear_f32 => sums_clear,
    altmin_level1::sums::altmin_sums_accumulate_f32 => sums_accumulate,
    altmin_level1::sums::altmin_sums_accumulate_workspace_f32 => sums_accumulate_workspace,
    altmin_level1::sums::altmin_sums_add_f32 => sums_add,
    altmin_level1::sums::altmin_sums_finish_f32 => sums_finish,
    altmin_level1::sums::altmin_sums_follow_f32 => sums_follow,
    altmin_level1::sums::altmin_sums_follow_workspace_f32 => sums_follow_workspace,
    altmin_level1::weights::altmin_weights_factor_f32 => weights_factor,
    altmin_level1::weights::altmin_weights_factor_workspace_f32 => weights_factor_workspace,
    altmin_level1::weights::altmin_weights_reduce_f32 => weights_reduce,
    altmin_level1::weights::altmin_weights_reduce_workspace_f32 => weights_reduce_workspace,
    altmin_level1::weights::altmin_weights_apply_f32 => weights_apply,
    altmin_level1::weights::altmin_weights_apply_workspace_f32 => weights_apply_workspace,
    altmin_level1::weights::altmin_weights_apply_bias_f32 => weights_apply_bias,
    altmin_level1::weights::dual::altmin_weights_dual_solve_f32 => dual_solve,
    altmin_level1::weights::dual::altmin_weights_dual_solve_workspace_f32 => dual_solve_workspace,
    altmin_level1::weights::dual::altmin_weights_dual_step_f32 => dual_step,
    altmin_level1::weights::dual::altmin_weights_dual_step_workspace_f32 => dual_step_workspace,
);

precision!(double, f64;
    altmin_level1::sums::altmin_sums_clear_f64 => sums_clear,
    altmin_level1::sums::altmin_sums_accumulate_f64 => sums_accumulate,
    altmin_level1::sums::altmin_sums_accumulate_workspace_f64 => sums_accumulate_workspace,
    altmin_level1::sums::altmin_sums_add_f64 => sums_add,
    altmin_level1::sums::altmin_sums_finish_f64 => sums_finish,
    altmin_level1::sums::altmin_sums_follow_f64 => sums_follow,
    altmin_level1::sums::altmin_sums_follow_workspace_f64 => sums_follow_workspace,
    altmin_level1::weights::altmin_weights_factor_f64 => weights_factor,
    altmin_level1::weights::altmin_weights_factor_workspace_f64 => weights_factor_workspace,
    altmin_level1::weights::altmin_weights_reduce_f64 => weights_reduce,
    altmin_level1::weights::altmin_weights_reduce_workspace_f64 => weights_reduce_workspace,
    altmin_level1::weights::altmin_weights_apply_f64 => weights_apply,
    altmin_level1::weights::altmin_weights_apply_workspace_f64 => weights_apply_workspace,
    altmin_level1::weights::altmin_weights_apply_bias_f64 => weights_apply_bias,
    altmin_level1::weights::dual::altmin_weights_dual_solve_f64 => dual_solve,
    altmin_level1::weights::dual::altmin_weights_dual_solve_workspace_f64 => dual_solve_workspace,
    altmin_level1::weights::dual::altmin_weights_dual_step_f64 => dual_step,
    altmin_level1::weights::dual::altmin_weights_dual_step_workspace_f64 => dual_step_workspace,
);
