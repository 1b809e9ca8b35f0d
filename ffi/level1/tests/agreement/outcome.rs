//! Calls that are well formed and still come to nothing.

use altmin_level1::codes::altmin_step_rule;
use altmin_level1::error::altmin_status;
use altmin_level1::input::*;
use altmin_level1::product::*;
use altmin_level1::weights::*;

use crate::{call, message, no_error, numbers, workspace};

const SIZE: usize = size_of::<altmin_step_rule>();

/// Outputs and inputs.
const N: usize = 3;

/// Elements of the sums of N x N weights.
const SUMS: usize = 2 * N * (N + 1);

/// A step of N x N weights: status, message, and what became of weights and bias.
fn reduce(
    rule: i32,
    w: f64,
    regularizer: i32,
    samples: usize,
    sums: &[f32],
) -> (altmin_status, String, Vec<f32>, Vec<f32>) {
    let rule = altmin_step_rule { struct_size: SIZE, rule, start: 0.0, factor: 0.0, damping: 0.1 };
    let (mut weights, mut bias) = (numbers(1, N * N), numbers(2, N));
    let (mut change, mut bias_change) = (vec![0.0; N * N], vec![0.0; N]);
    let mut space = workspace!(f32, altmin_weights_reduce_workspace_f32; &rule, N, N);
    let mut error = no_error();
    // SAFETY: every pointer comes from memory of the documented shape.
    let status = unsafe {
        altmin_weights_reduce_f32(
            &rule,
            0,
            w,
            regularizer,
            0.1,
            N,
            N,
            samples,
            sums.as_ptr(),
            std::ptr::null(),
            0,
            weights.as_mut_ptr(),
            N,
            bias.as_mut_ptr(),
            change.as_mut_ptr(),
            N,
            bias_change.as_mut_ptr(),
            space.as_mut_ptr().cast(),
            size_of_val(&space[..]),
            std::ptr::null_mut(),
            &mut error,
        )
    };
    assert_eq!(error.status, status);
    (status, message(&error), weights, bias)
}

/// Sums of samples whose inputs have a spread.
fn sums() -> Vec<f32> {
    let mut sums: Vec<f32> = numbers(3, SUMS);
    let gram = &mut sums[N * N + N..][..N * N];
    for (k, g) in gram.iter_mut().enumerate() {
        *g = if k % (N + 1) == 0 { 9.0 } else { 0.5 };
    }
    sums
}

#[test]
fn least_squares_refuse_l1() {
    let (status, message, weights, bias) = reduce(3, 1.0, 1, 6, &sums());
    assert_eq!(status, altmin_status::Setting);
    assert!(message.starts_with("`regularizer`"), "{message}");
    assert_eq!((weights, bias), (numbers(1, N * N), numbers(2, N)));
    assert_eq!(reduce(3, 1.0, 2, 6, &sums()).0, altmin_status::Ok);
    assert_eq!(reduce(0, 1.0, 1, 6, &sums()).0, altmin_status::Ok);
}

#[test]
fn an_overflow_leaves_weights_and_bias() {
    let mut huge = sums();
    huge[0] = 3e38;
    let (status, message, weights, bias) = reduce(0, 10.0, 0, 6, &huge);
    assert_eq!(status, altmin_status::NonFinite, "{message}");
    assert_eq!((weights, bias), (numbers(1, N * N), numbers(2, N)));
}

#[test]
fn without_samples_nothing_moves() {
    for rule in [0, 1, 3] {
        let (status, _, weights, bias) = reduce(rule, 1.0, 0, 0, &sums());
        assert_eq!(status, altmin_status::Ok);
        assert_eq!((weights, bias), (numbers(1, N * N), numbers(2, N)));
    }
}

#[test]
fn a_tiny_start_ends() {
    // The start is the smallest number there is, and times the factor it rounds to itself.
    let rule = altmin_step_rule { struct_size: SIZE, rule: 2, start: 1e-45, factor: 1.001, damping: 0.0 };
    let (mut weights, mut bias): (Vec<f32>, Vec<f32>) = (numbers(1, N * N), numbers(2, N));
    let (mut change, mut bias_change, sums) = (vec![0.0; N * N], vec![0.0; N], sums());
    let mut space = workspace!(f32, altmin_weights_reduce_workspace_f32; &rule, N, N);
    call!(altmin_weights_reduce_f32; &rule, 0, 1.0, 2, 1.0, N, N, 6, sums.as_ptr(), std::ptr::null(), 0,
        weights.as_mut_ptr(), N, bias.as_mut_ptr(), change.as_mut_ptr(), N, bias_change.as_mut_ptr(),
        space.as_mut_ptr().cast(), size_of_val(&space[..]), std::ptr::null_mut());
    assert!(change.iter().all(|change| change.is_finite()));
}

#[test]
fn constant_inputs_have_no_factor() {
    // Six samples whose inputs are all 0.5: p p' = 6/4 everywhere, p 1 = 3.
    let mut constant = sums();
    constant[N * N + N..][..N * N].fill(1.5);
    constant[N * N + N + N * N..].fill(3.0);
    for (sums, samples, expected) in [(&constant, 6, 0), (&sums(), 0, 0), (&sums(), 6, 1)] {
        let (mut factor, mut exists) = (vec![f32::NAN; N * N], -1);
        let mut space = workspace!(f32, altmin_weights_factor_workspace_f32; N);
        call!(altmin_weights_factor_f32;
            0.1, 1.0, 0, 0.0, N, N, samples, sums.as_ptr(), factor.as_mut_ptr(), N,
            space.as_mut_ptr().cast(), size_of_val(&space[..]), &mut exists);
        assert_eq!(exists, expected);
        assert_eq!(factor.iter().all(|factor| factor.is_nan()), exists == 0);
    }
}

#[test]
fn an_inverse_in_which_c_is_lost_is_singular() {
    // W'W = 1e20 everywhere, beside which c = 1 is rounded away.
    let weights = [1e10f32; N];
    let mut inverse = [0.0f32; N * N];
    let mut space = workspace!(f32, altmin_input_invert_workspace_f32; 2, 1, N);
    let mut error = no_error();
    // SAFETY: every pointer comes from memory of the documented shape.
    let status = unsafe {
        let bytes = size_of_val(&space[..]);
        let space = space.as_mut_ptr().cast();
        let (from, to) = (weights.as_ptr(), inverse.as_mut_ptr());
        altmin_input_invert_f32(2, 1.0, 1.0, 1, N, from, 1, to, N, space, bytes, &mut error)
    };
    assert_eq!(status, altmin_status::Singular);
    assert!(message(&error).contains("pivot 1"), "{}", message(&error));
}

#[test]
fn a_product_without_terms_scales() {
    let mut c: Vec<f64> = numbers(1, 6);
    let none = std::ptr::null();
    call!(altmin_gemm_f64;
        0, 0, 2, 3, 0, 1.0, none, 2, none, 0, 0.5, c.as_mut_ptr(), 2, std::ptr::null_mut(), 0);
    let halves: Vec<f64> = numbers::<f64>(1, 6).into_iter().map(|c| 0.5 * c).collect();
    assert_eq!(c, halves);
}
