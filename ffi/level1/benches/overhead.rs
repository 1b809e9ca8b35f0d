//! What a call through the C interface costs over the same call in Rust, where there is least work to hide it: a layer of
//! 16 inputs and 16 outputs with one sample.
//!
//! The difference is the boundary's: checks of pointers, overlap and finite data, the guard against panics, and the error
//! struct that every call fills.

use std::hint::black_box;
use std::time::Instant;

use altmin_core::gemm::Portable;
use altmin_core::update::hidden::{self, Proximal};
use altmin_core::update::input::{self, Prepared};
use altmin_core::update::sums::SumsShape;
use altmin_core::update::weights::{self, Change, Order};
use altmin_core::update::{StepRule, StepRuleKind};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Choice as _, Regularizer};
use altmin_level1::codes::altmin_step_rule;
use altmin_level1::error::{altmin_error, altmin_status};
use altmin_level1::hidden::altmin_hidden_step_f32;
use altmin_level1::input::altmin_input_step_f32;
use altmin_level1::weights::altmin_weights_reduce_f32;
use criterion::{Criterion, criterion_group, criterion_main};

/// Inputs, and outputs.
const N: usize = 16;

/// What the overhead must stay below, in nanoseconds.
const MOST: f64 = 1000.0;

/// Between -1 and 1.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|k| (k * 7919 % 997) as f32 / 498.5 - 1.0).collect()
}

/// An error struct to fill.
fn no_error() -> altmin_error {
    altmin_error::new(altmin_status::Ok, &"")
}

/// Times both, and prints their difference.
fn compare(criterion: &mut Criterion, update: &str, mut c: impl FnMut(), mut rust: impl FnMut()) {
    let mut group = criterion.benchmark_group(update);
    group.bench_function("C", |bencher| bencher.iter(&mut c));
    group.bench_function("Rust", |bencher| bencher.iter(&mut rust));
    group.finish();
    let (c, rust) = in_turn(c, rust);
    println!("{update}: C {c:.0} ns, Rust {rust:.0} ns, difference {:.0} ns\n", c - rust);
    assert!(c - rust < MOST, "the boundary costs {:.0} ns, not below {MOST} ns", c - rust);
}

/// Nanoseconds of a call of each. They take turns, and the fastest turn counts, so that what else the machine does falls
/// on neither.
fn in_turn(mut c: impl FnMut(), mut rust: impl FnMut()) -> (f64, f64) {
    const CALLS: u32 = 200;
    let turn = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..500).fold((f64::INFINITY, f64::INFINITY), |fastest, _| {
        (fastest.0.min(turn(&mut c)), fastest.1.min(turn(&mut rust)))
    })
}

/// The step of an input, p and r.
fn input_step(criterion: &mut Criterion) {
    let (w, start) = (numbers(N * N), numbers(N));
    let mut space = vec![0.0f32; 1 << 16];
    let (mut g_c, mut p_c, mut r_c, mut space_c) =
        (start.clone(), start.clone(), start.clone(), space.clone());
    let (mut g, mut p, mut r) = (start.clone(), start.clone(), start.clone());
    let mut error = no_error();
    let step = black_box(altmin_input_step_f32);
    let c = || {
        // Always the same step: near the minimum numbers would become subnormal, which is slow.
        for vector in [&mut g_c, &mut p_c, &mut r_c] {
            vector.copy_from_slice(&start);
        }
        let (g, p, r) = (g_c.as_mut_ptr(), p_c.as_mut_ptr(), r_c.as_mut_ptr());
        let bytes = size_of_val(&space_c[..]);
        let (space, none) = (space_c.as_mut_ptr().cast(), std::ptr::null_mut());
        // SAFETY: every pointer comes from memory of the documented shape.
        let status = unsafe {
            let (w, inverse) = (w.as_ptr(), std::ptr::null());
            step(
                0, 0.0, 0.5, 1.0, N, N, 1, w, N, inverse, 0, g, N, p, N, r, N, space, bytes, none, &mut error,
            )
        };
        assert_eq!(status, altmin_status::Ok);
    };
    let rust = || {
        for vector in [&mut g, &mut p, &mut r] {
            vector.copy_from_slice(&start);
        }
        let (g, p, r) =
            (&mut dense_mut(&mut g, N, 1), &mut dense_mut(&mut p, N, 1), &mut dense_mut(&mut r, N, 1));
        let stack = Stack::new(&mut space);
        black_box(input::step(&Portable, 0.5, 1.0, &dense(&w, N, N), Prepared::Columns, g, p, r, stack))
            .unwrap();
    };
    compare(criterion, "input step, 16x16, 1 sample", c, rust);
}

/// The step of a hidden z by ReLU: the least work of all.
fn hidden_step(criterion: &mut Criterion) {
    let (target, z) = (numbers(N), numbers(N));
    let mut space = vec![0.0f32; 2 * N];
    let (mut z_c, mut r_c, mut space_c) = (z.clone(), z.clone(), space.clone());
    let (mut z, mut r) = (z.clone(), z);
    let mut error = no_error();
    let step = black_box(altmin_hidden_step_f32);
    let c = || {
        let (t, z, r) = (target.as_ptr(), z_c.as_mut_ptr(), r_c.as_mut_ptr());
        let bytes = size_of_val(&space_c[..]);
        let (space, none) = (space_c.as_mut_ptr().cast(), std::ptr::null_mut());
        // SAFETY: every pointer comes from memory of the documented shape.
        let relu = altmin_level1::codes::altmin_activation_fn { kind: 0, slope: 0.0 };
        let status = unsafe { step(1, relu, N, 1, t, N, z, N, r, N, space, bytes, none, &mut error) };
        assert_eq!(status, altmin_status::Ok);
    };
    let rust = || {
        let (target, z, r) =
            (dense(&target, N, 1), &mut dense_mut(&mut z, N, 1), &mut dense_mut(&mut r, N, 1));
        let stack = Stack::new(&mut space);
        black_box(hidden::step(Proximal::Yes, Activation::Relu, &target, z, r, stack)).unwrap();
    };
    compare(criterion, "hidden step, 16 outputs, 1 sample", c, rust);
}

/// The step of weights and bias: of all updates the one with most data to check.
fn weights_step(criterion: &mut Criterion) {
    let shape = SumsShape { n_out: N, n_in: N };
    let mut sums = numbers(shape.elements());
    dense_mut(&mut sums[N * N + N..][..N * N], N, N).fill_with_identity();
    let (weights, bias) = (numbers(N * N), numbers(N));
    let mut space = vec![0.0f32; 1 << 16];
    let mut memory_c = (weights.clone(), bias.clone(), weights.clone(), bias.clone(), space.clone());
    let (mut change, mut bias_change) = (weights.clone(), bias.clone());
    let (mut weights, mut bias) = (weights, bias);
    let mut error = no_error();
    let rule = altmin_step_rule {
        struct_size: size_of::<altmin_step_rule>(),
        rule: StepRuleKind::Vector.code(),
        start: 0.0,
        factor: 0.0,
        damping: 0.0,
    };
    let reduce = black_box(altmin_weights_reduce_f32);
    let c = || {
        let (w, b, d, d_bias, space) = &mut memory_c;
        let (w, b, d, d_bias) = (w.as_mut_ptr(), b.as_mut_ptr(), d.as_mut_ptr(), d_bias.as_mut_ptr());
        let (bytes, sums, none) = (size_of_val(&space[..]), sums.as_ptr(), std::ptr::null());
        let (space, result) = (space.as_mut_ptr().cast(), std::ptr::null_mut());
        // SAFETY: every pointer comes from memory of the documented shape.
        let status = unsafe {
            reduce(
                &rule, 0, 0.5, 0, 0.0, N, N, 1, sums, none, 0, w, N, b, d, N, d_bias, space, bytes, result,
                &mut error,
            )
        };
        assert_eq!(status, altmin_status::Ok);
    };
    let rust = || {
        let sums = shape.read(&sums, 1).unwrap();
        let (w, stack) = (&mut dense_mut(&mut weights, N, N), Stack::new(&mut space));
        let change = &mut Change { weights: dense_mut(&mut change, N, N), bias: &mut bias_change };
        let (rule, order, none) = (StepRule::Vector, Order::WeightsFirst, Regularizer::None);
        let b = &mut bias;
        black_box(weights::reduce(&Portable, &rule, order, 0.5, none, &sums, None, w, b, change, stack))
            .unwrap();
    };
    compare(criterion, "weights step, 16x16, 1 sample", c, rust);
}

criterion_group!(all, input_step, hidden_step, weights_step);
criterion_main!(all);
