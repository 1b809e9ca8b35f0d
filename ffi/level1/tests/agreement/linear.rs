//! Products, inputs, sums, weights.

use std::ffi::c_void;

use altmin_core::forward;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::update::input::{self, Prepared, Probe};
use altmin_core::update::sums::{self, Parts, SumsShape};
use altmin_core::update::weights::{self, Change, Factor, Order};
use altmin_core::view::column;
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Real};
use altmin_level1::codes::altmin_step_rule;
use altmin_level1::input::{altmin_input_kind, altmin_moved, altmin_probe};
use altmin_level1::sums::altmin_sums_elements;
use altmin_level1::weights::altmin_reduced;

use crate::{Matrix, SHAPES, call, numbers, same, workspace};

const SIZE: usize = size_of::<altmin_step_rule>();

/// The rules, in C and in the core.
fn rules<T: Real>() -> [(altmin_step_rule, StepRule<T>); 4] {
    let rule =
        |rule, start, factor, damping| altmin_step_rule { struct_size: SIZE, rule, start, factor, damping };
    let number = T::from_f64;
    [
        (rule(0, 0.0, 0.0, 0.0), StepRule::Vector),
        (rule(1, 0.0, 0.0, 0.0), StepRule::Scalar),
        (rule(2, 0.01, 2.0, 0.0), StepRule::Backtracking { start: number(0.01), factor: number(2.0) }),
        (rule(3, 0.0, 0.0, 0.1), StepRule::LeastSquares { damping: number(0.1) }),
    ]
}

/// The activations: code, slope, and in the core.
fn activations<T: Real>() -> [(i32, f64, Activation<T>); 4] {
    [
        (0, 0.0, Activation::Relu),
        (1, 0.1, Activation::LeakyRelu { slope: T::from_f64(0.1) }),
        (2, 0.0, Activation::Sigmoid),
        (3, 0.0, Activation::Tanh),
    ]
}

fn scratch<T: Real>(elements: usize) -> Vec<T> {
    vec![T::ZERO; elements]
}

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

            #[test]
            fn gemm() {
                for (m, k, n) in SHAPES {
                    for (code_a, op_a) in [(0, Transpose::No), (1, Transpose::Yes)] {
                        for (code_b, op_b) in [(0, Transpose::No), (1, Transpose::Yes)] {
                            for beta in [0.0, 0.25] {
                                let (a_shape, b_shape) = (op_a.shape((m, k)), op_b.shape((k, n)));
                                let a = Matrix::<Number>::new(1, a_shape.0, a_shape.1);
                                let b = Matrix::<Number>::new(2, b_shape.0, b_shape.1);
                                let mut c = Matrix::<Number>::new(3, m, n);
                                if beta == 0.0 {
                                    c.memory.fill(Number::NAN);
                                }
                                let mut expected = c.clone();
                                let mut memory = workspace!(Number, gemm_workspace; m, n, k);
                                let (space, bytes) = pass(&mut memory);
                                call!(gemm_c; code_a, code_b, m, n, k, 1.5, a.get(), a.ld(), b.get(), b.ld(), beta,
                                    c.get_mut(), c.ld(), space, bytes);
                                let beta = Number::from_f64(beta);
                                let mut memory = scratch(Gemm::<Number>::workspace(&Portable, m, n, k).elements());
                                let stack = Stack::new(&mut memory);
                                Portable.gemm(1.5, a.view(), op_a, b.view(), op_b, beta, expected.view_mut(), stack)
                                    .expect("the core's product");
                                same(&c, &expected);
                                assert!(c.view().iter().all(|c| c.is_finite()));
                            }
                        }
                    }
                }
            }

            #[test]
            fn linear() {
                for (n_out, n_in, m) in SHAPES {
                    let w = Matrix::<Number>::new(1, n_out, n_in);
                    let (p, bias) = (Matrix::<Number>::new(2, n_in, m), numbers::<Number>(3, n_out));
                    let mut z = Matrix::<Number>::new(4, n_out, m);
                    let mut expected = z.clone();
                    let mut memory = workspace!(Number, linear_workspace; n_out, n_in, m);
                    let (space, bytes) = pass(&mut memory);
                    call!(linear_c; n_out, n_in, m, w.get(), w.ld(), bias.as_ptr(), p.get(), p.ld(), z.get_mut(),
                        z.ld(), space, bytes);
                    let needed = forward::linear_workspace::<Number, _>(&Portable, n_out, n_in, m);
                    let mut memory = scratch(needed.elements());
                    let stack = Stack::new(&mut memory);
                    forward::linear(&Portable, &w.view(), &bias, &p.view(), &mut expected.view_mut(), stack)
                        .expect("the core's map");
                    same(&z, &expected);
                }
            }

            #[test]
            fn couplings() {
                for (_, n, m) in SHAPES {
                    let [p, q, z] = [1, 2, 3].map(|seed| Matrix::<Number>::new(seed, n, m));
                    let g = Matrix::<Number>::new(4, n, m);
                    for (code, slope, f) in activations::<Number>() {
                        let (mut found, mut expected) = (g.clone(), g.clone());
                        call!(couple_copy; code, slope, 0.3, 1.7, n, m, p.get(), p.ld(), q.get(), q.ld(), z.get(), z.ld(),
                            found.get_mut(), found.ld());
                        let target = &mut expected.view_mut();
                        input::copy_coupling(0.3, 1.7, f, &p.view(), &q.view(), &z.view(), target).expect("core");
                        same(&found, &expected);
                        let (mut found, mut expected) = (g.clone(), g.clone());
                        call!(couple_activation; code, slope, 0.3, n, m, p.get(), p.ld(), z.get(), z.ld(),
                            found.get_mut(), found.ld());
                        let target = &mut expected.view_mut();
                        input::activation_coupling(0.3, f, &p.view(), &z.view(), target).expect("core");
                        same(&found, &expected);
                    }
                    let (mut found, mut expected) = (g.clone(), g.clone());
                    call!(couple_dual; 1.7, n, m, z.get(), z.ld(), p.get(), p.ld(), q.get(), q.ld(), found.get_mut(),
                        found.ld());
                    let target = &mut expected.view_mut();
                    input::dual_coupling(1.7, &z.view(), &p.view(), &q.view(), target).expect("core");
                    same(&found, &expected);
                }
            }

            #[test]
            fn inputs() {
                for (n_out, n_in, m) in SHAPES {
                    let w = Matrix::<Number>::new(1, n_out, n_in);
                    let (g, p) = (Matrix::<Number>::new(2, n_in, m), Matrix::<Number>::new(3, n_in, m));
                    let r = Matrix::<Number>::new(4, n_out, m);
                    for (c_rule, rule) in rules::<Number>() {
                        let mut prepared = -1;
                        call!(altmin_input_kind; &c_rule, n_out, n_in, &mut prepared);
                        let outer = 2 * n_out * n_in + n_out * n_out < n_in * n_in;
                        assert_eq!(prepared, [0, 1, 1, if outer { 3 } else { 2 }][c_rule.rule as usize]);
                        let tau = if prepared == 1 { tau(&c_rule, &rule, &w, &g, &r) } else { Number::NAN };
                        let inverse = inverse(prepared, &w);
                        let (mut g_c, mut p_c, mut r_c) = (g.clone(), p.clone(), r.clone());
                        let mut moved = altmin_moved::default();
                        let mut memory = workspace!(Number, input_step_workspace; prepared, n_out, n_in, m);
                        let (space, bytes) = pass(&mut memory);
                        call!(input_step; prepared, tau.to_f64(), 0.3, 1.7, n_out, n_in, m, w.get(), w.ld(),
                            inverse.get(), inverse.ld(), g_c.get_mut(), g_c.ld(), p_c.get_mut(), p_c.ld(),
                            r_c.get_mut(), r_c.ld(), space, bytes, &mut moved);
                        let prepared = match prepared {
                            0 => Prepared::Columns,
                            1 => Prepared::Tau(tau),
                            2 => Prepared::Inverse(inverse.view()),
                            _ => Prepared::OuterInverse(inverse.view()),
                        };
                        let kind = prepared.kind();
                        let needed = input::step_workspace::<Number, _>(&Portable, kind, n_out, n_in, m);
                        let mut memory = scratch(needed.elements());
                        let (mut g, mut p, mut r) = (g.clone(), p.clone(), r.clone());
                        let (gv, pv, rv) = (&mut g.view_mut(), &mut p.view_mut(), &mut r.view_mut());
                        let stack = Stack::new(&mut memory);
                        let expected = input::step(&Portable, 0.3, 1.7, &w.view(), prepared, gv, pv, rv, stack)
                            .expect("the core's step");
                        same(&(g_c, p_c, r_c), &(g, p, r));
                        assert_eq!(moved, expected.into());
                        assert!(moved.squared > 0.0);
                    }
                }
            }

            /// One tau from C and from the core, which must be the same.
            fn tau(
                c_rule: &altmin_step_rule,
                rule: &StepRule<Number>,
                w: &Matrix<Number>,
                g: &Matrix<Number>,
                r: &Matrix<Number>,
            ) -> Number {
                let ((n_out, n_in), m) = (w.view().shape(), g.columns);
                let (mut g_c, mut g_core) = (g.clone(), g.clone());
                let mut probe = altmin_probe::default();
                let mut memory = workspace!(Number, input_probe_workspace; n_out, n_in, m);
                let (space, bytes) = pass(&mut memory);
                call!(input_probe; 0.3, 1.7, n_out, n_in, m, w.get(), w.ld(), g_c.get_mut(), g_c.ld(), r.get(), r.ld(),
                    space, bytes, &mut probe);
                let stack = Stack::new(&mut memory);
                let Probe { gradient_squared, product_squared } =
                    input::probe(&Portable, 0.3, 1.7, &w.view(), &mut g_core.view_mut(), &r.view(), stack)
                        .expect("the core's probe");
                assert_eq!(probe, altmin_probe { gradient_squared, product_squared });
                same(&g_c, &g_core);
                let mut tau = 0.0;
                call!(input_tau; c_rule, 0.3, 1.7, n_out, n_in, w.get(), w.ld(), &probe, &mut tau);
                let probe = Probe { gradient_squared, product_squared };
                let expected = input::scalar_tau(rule, 0.3, 1.7, &w.view(), probe).expect("the core's tau");
                assert_eq!(tau, expected.to_f64());
                expected
            }

            /// The inverse from C and from the core, which must be the same; one of no size where none is wanted.
            fn inverse(prepared: i32, w: &Matrix<Number>) -> Matrix<Number> {
                let (n_out, n_in) = w.view().shape();
                let n = [0, 0, n_in, n_out][prepared as usize];
                let mut inverse = Matrix::<Number>::new(5, n, n);
                if n > 0 {
                    let mut expected = inverse.clone();
                    let mut memory = workspace!(Number, input_invert_workspace; prepared, n_out, n_in);
                    let (space, bytes) = pass(&mut memory);
                    call!(input_invert; prepared, 0.3, 1.7, n_out, n_in, w.get(), w.ld(), inverse.get_mut(),
                        inverse.ld(), space, bytes);
                    let (w, target, stack) = (w.view(), &mut expected.view_mut(), Stack::new(&mut memory));
                    if prepared == 2 {
                        input::invert_hessian(&Portable, 0.3, 1.7, &w, target, stack).expect("core");
                    } else {
                        input::invert_outer_hessian(&Portable, 0.3, 1.7, &w, target, stack).expect("core");
                    }
                    same(&inverse, &expected);
                }
                inverse
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
                    call!(sums_accumulate; parts.0, n_out, n_in, m, r.get(), r.ld(), p.get(), p.ld(), part.as_mut_ptr(),
                        space, bytes);
                    let target = &mut shape.carve(&mut core).expect("sums");
                    sums::accumulate(&Portable, &r.view(), &p.view(), parts.1, target, Stack::new(&mut memory))
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
                                if !(squares && regularizer.0 == 1) {
                                    let step = reduce(shape, &sums, m, rule, regularizer, order, squares && m > 1);
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
                let lower = if factored { factor(shape, sums, samples, regularizer) } else { Matrix::new(0, 0, 0) };
                let weights = Matrix::<Number>::new(10, n_out, n_in);
                let (bias, bias_change) = (numbers::<Number>(11, n_out), numbers::<Number>(12, n_out));
                let (mut w_c, mut b_c) = (weights.clone(), bias.clone());
                let (mut d_c, mut d_bias_c) = (Matrix::<Number>::new(13, n_out, n_in), bias_change.clone());
                let (mut w, mut b, mut d, mut d_bias) = (weights, bias, d_c.clone(), bias_change);
                let mut reduced = altmin_reduced::default();
                let mut memory = workspace!(Number, weights_reduce_workspace; &rule.0, n_out, n_in);
                let (space, bytes) = pass(&mut memory);
                let factor = if factored { lower.get() } else { std::ptr::null() };
                call!(weights_reduce; &rule.0, order.0, 0.3, regularizer.0, 0.05, n_out, n_in, samples, sums.as_ptr(),
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
                call!(weights_apply; n_out, n_in, m, d.get(), d.ld(), d_bias.as_ptr(), p.get(), p.ld(), r_c.get_mut(),
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
                call!(sums_follow; n_out, n_in, 2 * m, d.get(), d.ld(), d_bias.as_ptr(), sums_c.as_mut_ptr(), space,
                    bytes);
                let target = &mut shape.carve(&mut sums_core).expect("sums");
                target.follow(&Portable, &d.view(), d_bias, 2 * m, Stack::new(&mut memory)).expect("the core's sums");
                same(&sums_c, &sums_core);
            }
        }
    };
}

precision!(single, f32;
    altmin_level1::product::altmin_gemm_f32 => gemm_c,
    altmin_level1::product::altmin_gemm_workspace_f32 => gemm_workspace,
    altmin_level1::product::altmin_linear_f32 => linear_c,
    altmin_level1::product::altmin_linear_workspace_f32 => linear_workspace,
    altmin_level1::input::altmin_input_couple_copy_f32 => couple_copy,
    altmin_level1::input::altmin_input_couple_dual_f32 => couple_dual,
    altmin_level1::input::altmin_input_couple_activation_f32 => couple_activation,
    altmin_level1::input::altmin_input_step_f32 => input_step,
    altmin_level1::input::altmin_input_step_workspace_f32 => input_step_workspace,
    altmin_level1::input::altmin_input_probe_f32 => input_probe,
    altmin_level1::input::altmin_input_probe_workspace_f32 => input_probe_workspace,
    altmin_level1::input::altmin_input_tau_f32 => input_tau,
    altmin_level1::input::altmin_input_invert_f32 => input_invert,
    altmin_level1::input::altmin_input_invert_workspace_f32 => input_invert_workspace,
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
);

precision!(double, f64;
    altmin_level1::product::altmin_gemm_f64 => gemm_c,
    altmin_level1::product::altmin_gemm_workspace_f64 => gemm_workspace,
    altmin_level1::product::altmin_linear_f64 => linear_c,
    altmin_level1::product::altmin_linear_workspace_f64 => linear_workspace,
    altmin_level1::input::altmin_input_couple_copy_f64 => couple_copy,
    altmin_level1::input::altmin_input_couple_dual_f64 => couple_dual,
    altmin_level1::input::altmin_input_couple_activation_f64 => couple_activation,
    altmin_level1::input::altmin_input_step_f64 => input_step,
    altmin_level1::input::altmin_input_step_workspace_f64 => input_step_workspace,
    altmin_level1::input::altmin_input_probe_f64 => input_probe,
    altmin_level1::input::altmin_input_probe_workspace_f64 => input_probe_workspace,
    altmin_level1::input::altmin_input_tau_f64 => input_tau,
    altmin_level1::input::altmin_input_invert_f64 => input_invert,
    altmin_level1::input::altmin_input_invert_workspace_f64 => input_invert_workspace,
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
);
