//! Products, and the input of a layer.

use std::ffi::c_void;

use altmin_core::forward;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::update::StepRule;
use altmin_core::update::input::{self, Prepared, Probe};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Real};
use altmin_level1::codes::{altmin_activation_fn, altmin_step_rule};
use altmin_level1::input::{altmin_input_kind, altmin_moved, altmin_probe};

use crate::{Matrix, SHAPES, call, numbers, rules, same, workspace};

/// The activations, for C and in the core.
fn activations<T: Real>() -> [(altmin_activation_fn, Activation<T>); 5] {
    let of = |kind, slope| altmin_activation_fn { kind, slope };
    [
        (of(0, 0.0), Activation::Relu),
        (of(1, 0.1), Activation::LeakyRelu { slope: T::from_f64(0.1) }),
        (of(2, 0.0), Activation::Sigmoid),
        (of(3, 0.0), Activation::Tanh),
        (of(4, 0.0), Activation::Softplus),
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
                let transposes = [(0, Transpose::No), (1, Transpose::Yes)];
                for shape in SHAPES {
                    for op_a in transposes {
                        for op_b in transposes {
                            product(shape, op_a, op_b, 0.25);
                            product(shape, op_a, op_b, 0.0);
                        }
                    }
                }
            }

            /// A product from C and from the core, which must be the same; with beta = 0 in spite of NaN.
            fn product(
                (m, k, n): (usize, usize, usize),
                (code_a, op_a): (i32, Transpose),
                (code_b, op_b): (i32, Transpose),
                beta: Number,
            ) {
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
                call!(gemm_c;
                    code_a, code_b, m, n, k, 1.5, a.get(), a.ld(), b.get(), b.ld(), beta.to_f64(), c.get_mut(),
                    c.ld(), space, bytes);
                let needed = Gemm::<Number>::workspace(&Portable, m, n, k);
                let mut memory = scratch(needed.elements());
                let (a, b, target) = (a.view(), b.view(), expected.view_mut());
                Portable
                    .gemm(1.5, a, op_a, b, op_b, beta, target, Stack::new(&mut memory))
                    .expect("the core's product");
                same(&c, &expected);
                assert!(c.view().iter().all(|c| c.is_finite()));
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
                    call!(linear_c;
                        n_out, n_in, m, w.get(), w.ld(), bias.as_ptr(), p.get(), p.ld(), z.get_mut(),
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
                    for (activation, f) in activations::<Number>() {
                        let (mut found, mut expected) = (g.clone(), g.clone());
                        call!(couple_copy;
                            0.3, 1.7, activation, n, m, p.get(), p.ld(), q.get(), q.ld(), z.get(), z.ld(),
                            found.get_mut(), found.ld());
                        let (q, target) = (q.view(), &mut expected.view_mut());
                        input::copy_coupling(0.3, 1.7, f, &p.view(), &q, &z.view(), target).expect("core");
                        same(&found, &expected);
                        let (mut found, mut expected) = (g.clone(), g.clone());
                        call!(couple_activation; 0.3, activation, n, m, p.get(), p.ld(), z.get(), z.ld(),
                            found.get_mut(), found.ld());
                        let target = &mut expected.view_mut();
                        input::activation_coupling(0.3, f, &p.view(), &z.view(), target).expect("core");
                        same(&found, &expected);
                    }
                    let (mut found, mut expected) = (g.clone(), g.clone());
                    call!(couple_dual;
                        1.7, n, m, z.get(), z.ld(), p.get(), p.ld(), q.get(), q.ld(), found.get_mut(),
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
                        let w = w.view();
                        let expected = input::step(&Portable, 0.3, 1.7, &w, prepared, gv, pv, rv, stack)
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
                call!(input_probe;
                    0.3, 1.7, n_out, n_in, m, w.get(), w.ld(), g_c.get_mut(), g_c.ld(), r.get(), r.ld(),
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
);
