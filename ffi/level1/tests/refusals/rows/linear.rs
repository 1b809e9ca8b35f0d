//! Products, inputs, sums, weights.

use altmin_level1::codes::{altmin_step, altmin_step_rule};
use altmin_level1::error::altmin_status as status;
use altmin_level1::input::*;
use altmin_level1::product::*;
use altmin_level1::sums::*;
use altmin_level1::weights::*;

use super::{FINITE, NOT_NEGATIVE, POSITIVE, row};
use crate::argument::*;

/// A step parameter: what is not finite comes from samples that have diverged, and is no setting.
pub(super) const TAU: Bad = &[
    (0.0, status::Setting),
    (-1.0, status::Setting),
    (f64::NAN, status::NonFinite),
    (f64::INFINITY, status::NonFinite),
    (f64::NEG_INFINITY, status::NonFinite),
];

/// Elements of a layer's sums.
pub(super) fn sums_length() -> Size {
    of(|v| {
        let (n_out, n_in) = (v.get("n_out"), v.get("n_in"));
        n_out * n_in + n_out + n_in * n_in + n_in
    })
}

/// Sums of six samples that could be: `p p'` is positive definite, also when it is centred.
fn finished_sums(values: &Values, sums: &mut [f64]) {
    let (n_out, n_in) = (values.get("n_out"), values.get("n_in"));
    let gram = &mut sums[n_out * n_in + n_out..][..n_in * n_in];
    for j in 0..n_in {
        for i in 0..n_in {
            gram[j * n_in + i] = if i == j { 6.0 } else { 0.5 };
        }
    }
}

/// A lower triangle with a diagonal above 0.
fn lower_triangle(values: &Values, factor: &mut [f64]) {
    let n = values.get("n_in");
    for j in 0..n {
        factor[j * n..j * n + j].fill(0.0);
        factor[j * n + j] = 2.0;
    }
}

/// A step rule; what its rule does not look at is NaN.
pub(super) fn rule() -> Description {
    let none = f64::NAN;
    let rule = |rule: altmin_step| altmin_step_rule {
        struct_size: size_of::<altmin_step_rule>(),
        rule: rule as i32,
        start: none,
        factor: none,
        damping: none,
    };
    let backtracking = altmin_step_rule { start: 0.1, factor: 2.0, ..rule(altmin_step::Backtracking) };
    let squares = altmin_step_rule { damping: 0.5, ..rule(altmin_step::LeastSquares) };
    let good = [rule(altmin_step::Vector), rule(altmin_step::Scalar), backtracking, squares];
    let mut bad = Vec::new();
    let size = size_of::<altmin_step_rule>();
    for struct_size in [0, size - 1, size + 1, size_of::<usize>(), usize::MAX] {
        bad.push((altmin_step_rule { struct_size, ..good[0] }, status::StructSize, "rule"));
    }
    for code in [-1, 4, i32::MIN, i32::MAX] {
        bad.push((altmin_step_rule { rule: code, ..good[0] }, status::Code, "rule"));
    }
    for number in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        bad.push((altmin_step_rule { start: number, ..backtracking }, status::Setting, "start"));
        bad.push((altmin_step_rule { factor: number, ..backtracking }, status::Setting, "factor"));
        bad.push((altmin_step_rule { damping: number, ..squares }, status::Setting, "damping"));
    }
    bad.push((altmin_step_rule { factor: 1.0, ..backtracking }, status::Setting, "factor"));
    structure(&good, &bad)
}

fn probe() -> Description {
    let good = altmin_probe { gradient_squared: 3.0, product_squared: 2.0 };
    let mut bad = Vec::new();
    for (number, status) in
        [(f64::NAN, status::NonFinite), (f64::INFINITY, status::NonFinite), (-1.0, status::Setting)]
    {
        bad.push((altmin_probe { gradient_squared: number, ..good }, status, "probe"));
        bad.push((altmin_probe { product_squared: number, ..good }, status, "probe"));
    }
    structure(&[good, altmin_probe::default()], &bad)
}

/// Rows and columns of an input's inverse.
fn inverse_size() -> Size {
    of(|v| v.get(if v.get("prepared") == 2 { "n_in" } else { "n_out" }))
}

pub(crate) fn rows(rows: &mut Vec<Row>) {
    product(rows);
    input(rows);
    sums(rows);
    weights(rows);
}

fn product(rows: &mut Vec<Row>) {
    let (a_rows, a_columns) = (
        of(|v| v.get(if v.get("op_a") == 0 { "m" } else { "k" })),
        of(|v| v.get(if v.get("op_a") == 0 { "k" } else { "m" })),
    );
    let (b_rows, b_columns) = (
        of(|v| v.get(if v.get("op_b") == 0 { "k" } else { "n" })),
        of(|v| v.get(if v.get("op_b") == 0 { "n" } else { "k" })),
    );
    row!(rows; altmin_gemm_f32, altmin_gemm_f64;
        op_a: code(2), op_b: code(2), m: samples(3), n: samples(5), k: samples(4),
        alpha: scalar(1.5, FINITE), a: matrix(a_rows, a_columns), lda: ld(), b: matrix(b_rows, b_columns),
        ldb: ld(), beta: scalar(0.5, FINITE), c: matrix_mut("m", "n"), ldc: ld(), workspace: workspace(),
        workspace_size: workspace_size(), error: error());
    row!(rows; altmin_gemm_workspace_f32, altmin_gemm_workspace_f64;
        m: samples(3), n: samples(5), k: samples(4), bytes: required::<usize>(), error: error());
    row!(rows; altmin_linear_f32, altmin_linear_f64;
        n_out: size(3), n_in: size(4), m: samples(5), weights: matrix("n_out", "n_in"), ldw: ld(),
        bias: vector("n_out"), p: matrix("n_in", "m"), ldp: ld(), z: matrix_out("n_out", "m"), ldz: ld(),
        workspace: workspace(), workspace_size: workspace_size(), error: error());
    row!(rows; altmin_linear_workspace_f32, altmin_linear_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
}

fn input(rows: &mut Vec<Row>) {
    row!(rows; altmin_input_couple_copy_f32, altmin_input_couple_copy_f64;
        activation: code(4), slope: scalar(0.1, NOT_NEGATIVE).when(|v| v.get("activation") == 1),
        nu: scalar(0.5, POSITIVE), rho: scalar(2.0, POSITIVE), n_in: size(4), m: samples(5),
        p: matrix("n_in", "m"), ldp: ld(), q: matrix("n_in", "m"), ldq: ld(), z: matrix("n_in", "m"),
        ldz: ld(), g: matrix_out("n_in", "m"), ldg: ld(), error: error());
    row!(rows; altmin_input_couple_dual_f32, altmin_input_couple_dual_f64;
        rho: scalar(2.0, POSITIVE), n_in: size(4), m: samples(5), u: matrix("n_in", "m"), ldu: ld(),
        p: matrix("n_in", "m"), ldp: ld(), q: matrix("n_in", "m"), ldq: ld(), g: matrix_out("n_in", "m"),
        ldg: ld(), error: error());
    row!(rows; altmin_input_couple_activation_f32, altmin_input_couple_activation_f64;
        activation: code(4), slope: scalar(0.1, NOT_NEGATIVE).when(|v| v.get("activation") == 1),
        nu: scalar(0.5, POSITIVE), n_in: size(4), m: samples(5), a: matrix("n_in", "m"), lda: ld(),
        z: matrix("n_in", "m"), ldz: ld(), g: matrix_out("n_in", "m"), ldg: ld(), error: error());
    row!(rows; altmin_input_kind;
        rule: rule(), n_out: size(3), n_in: size(4), prepared: required::<i32>(), error: error());
    row!(rows; altmin_input_step_f32, altmin_input_step_f64;
        prepared: code(4), tau: scalar(3.0, TAU).when(|v| v.get("prepared") == 1),
        w: scalar(0.5, POSITIVE), c: scalar(2.0, POSITIVE), n_out: size(3), n_in: size(4), m: samples(5),
        weights: matrix("n_out", "n_in"), ldw: ld(),
        inverse: matrix(inverse_size(), inverse_size()).when(|v| v.get("prepared") >= 2),
        ldi: ld().when(|v| v.get("prepared") >= 2), g: matrix_mut("n_in", "m"), ldg: ld(),
        p: matrix_mut("n_in", "m"), ldp: ld(), r: matrix_mut("n_out", "m"), ldr: ld(),
        workspace: workspace(), workspace_size: workspace_size(), moved: result::<altmin_moved>(),
        error: error());
    row!(rows; altmin_input_step_workspace_f32, altmin_input_step_workspace_f64;
        prepared: code(4), n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(),
        error: error());
    row!(rows; altmin_input_probe_f32, altmin_input_probe_f64;
        w: scalar(0.5, POSITIVE), c: scalar(2.0, POSITIVE), n_out: size(3), n_in: size(4), m: samples(5),
        weights: matrix("n_out", "n_in"), ldw: ld(), g: matrix_mut("n_in", "m"), ldg: ld(),
        r: matrix("n_out", "m"), ldr: ld(), workspace: workspace(), workspace_size: workspace_size(),
        probe: required::<altmin_probe>(), error: error());
    row!(rows; altmin_input_probe_workspace_f32, altmin_input_probe_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
    row!(rows; altmin_input_tau_f32, altmin_input_tau_f64;
        rule: rule(), w: scalar(0.5, POSITIVE), c: scalar(2.0, POSITIVE), n_out: size(3), n_in: size(4),
        weights: matrix("n_out", "n_in"), ldw: ld(), probe: probe(), tau: required::<f64>(), error: error());
    row!(rows; altmin_input_invert_f32, altmin_input_invert_f64;
        prepared: code_among(4, &[2, 3]), w: scalar(0.5, POSITIVE), c: scalar(2.0, POSITIVE), n_out: size(3),
        n_in: size(4), weights: matrix("n_out", "n_in"), ldw: ld(),
        inverse: matrix_out(inverse_size(), inverse_size()), ldi: ld(), workspace: workspace(),
        workspace_size: workspace_size(), error: error());
    row!(rows; altmin_input_invert_workspace_f32, altmin_input_invert_workspace_f64;
        prepared: code_among(4, &[2, 3]), n_out: size(3), n_in: size(4), bytes: required::<usize>(),
        error: error());
}

fn sums(rows: &mut Vec<Row>) {
    row!(rows; altmin_sums_elements;
        n_out: size(3), n_in: size(4), elements: required::<usize>(), error: error());
    row!(rows; altmin_sums_clear_f32, altmin_sums_clear_f64;
        parts: code(2), n_out: size(3), n_in: size(4), sums: vector_out(sums_length()), error: error());
    row!(rows; altmin_sums_accumulate_f32, altmin_sums_accumulate_f64;
        parts: code(2), n_out: size(3), n_in: size(4), m: samples(5), r: matrix("n_out", "m"), ldr: ld(),
        p: matrix("n_in", "m"), ldp: ld(), sums: vector_mut(sums_length()), workspace: workspace(),
        workspace_size: workspace_size(), error: error());
    row!(rows; altmin_sums_accumulate_workspace_f32, altmin_sums_accumulate_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
    row!(rows; altmin_sums_add_f32, altmin_sums_add_f64;
        parts: code(2), n_out: size(3), n_in: size(4), part: vector(sums_length()),
        total: vector_mut(sums_length()), error: error());
    row!(rows; altmin_sums_finish_f32, altmin_sums_finish_f64;
        n_out: size(3), n_in: size(4), sums: vector_mut(sums_length()), error: error());
    row!(rows; altmin_sums_follow_f32, altmin_sums_follow_f64;
        n_out: size(3), n_in: size(4), samples: count(6), change: matrix("n_out", "n_in"), ldc: ld(),
        bias_change: vector("n_out"), sums: vector_mut(sums_length()), workspace: workspace(),
        workspace_size: workspace_size(), error: error());
    row!(rows; altmin_sums_follow_workspace_f32, altmin_sums_follow_workspace_f64;
        n_out: size(3), n_in: size(4), bytes: required::<usize>(), error: error());
}

fn weights(rows: &mut Vec<Row>) {
    row!(rows; altmin_weights_factor_f32, altmin_weights_factor_f64;
        damping: scalar(0.5, POSITIVE), w: scalar(0.5, POSITIVE), regularizer: code_among(3, &[0, 2]),
        lambda: scalar(0.1, NOT_NEGATIVE).when(|v| v.get("regularizer") != 0), n_out: size(3),
        n_in: size(20), samples: count(6), sums: vector(sums_length()).with(finished_sums),
        factor: matrix_out("n_in", "n_in"), ldf: ld(), workspace: workspace(),
        workspace_size: workspace_size(), exists: required::<i32>(), error: error());
    row!(rows; altmin_weights_factor_workspace_f32, altmin_weights_factor_workspace_f64;
        n_in: size(20), bytes: required::<usize>(), error: error());
    row!(rows; altmin_weights_reduce_f32, altmin_weights_reduce_f64;
        rule: rule(), order: code(2), w: scalar(0.5, POSITIVE), regularizer: code(3),
        lambda: scalar(0.1, NOT_NEGATIVE).when(|v| v.get("regularizer") != 0), n_out: size(3),
        n_in: size(4), samples: count(6), sums: vector(sums_length()).with(finished_sums),
        factor: matrix("n_in", "n_in").with(lower_triangle).or_null(), ldf: ld(),
        weights: matrix_mut("n_out", "n_in"), ldw: ld(), bias: vector_mut("n_out"),
        change: matrix_out("n_out", "n_in"), ldc: ld(), bias_change: vector_out("n_out"),
        workspace: workspace(), workspace_size: workspace_size(), reduced: result::<altmin_reduced>(),
        error: error());
    row!(rows; altmin_weights_reduce_workspace_f32, altmin_weights_reduce_workspace_f64;
        rule: rule(), n_out: size(3), n_in: size(4), bytes: required::<usize>(), error: error());
    row!(rows; altmin_weights_apply_f32, altmin_weights_apply_f64;
        n_out: size(3), n_in: size(4), m: samples(5), change: matrix("n_out", "n_in"), ldc: ld(),
        bias_change: vector("n_out"), p: matrix("n_in", "m"), ldp: ld(), r: matrix_mut("n_out", "m"),
        ldr: ld(), workspace: workspace(), workspace_size: workspace_size(), error: error());
    row!(rows; altmin_weights_apply_workspace_f32, altmin_weights_apply_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
    row!(rows; altmin_weights_apply_bias_f32, altmin_weights_apply_bias_f64;
        n_out: size(3), m: samples(5), bias_change: vector("n_out"), r: matrix_mut("n_out", "m"), ldr: ld(),
        error: error());
}
