//! DLAM's intervals and extrapolation.

use altmin_level1::error::altmin_status as status;
use altmin_level1::extrapolation::parameters::*;
use altmin_level1::extrapolation::variables::*;
use altmin_level1::extrapolation::*;
use altmin_level1::interval::activation::*;
use altmin_level1::interval::linear::*;
use altmin_level1::interval::search::*;
use altmin_level1::interval::*;

use super::linear::{TAU, rule, sums_length};
use super::{NOT_NEGATIVE, POSITIVE, row};
use crate::argument::*;

fn slope() -> Description {
    scalar(0.1, NOT_NEGATIVE).when(|v| v.get("activation") == 1)
}

fn lengths(name: &'static str) -> Description {
    let good = altmin_lengths { squared: 3.0, product_squared: 2.0 };
    let mut bad = Vec::new();
    for number in [f64::NAN, f64::INFINITY] {
        bad.push((altmin_lengths { squared: number, ..good }, status::NonFinite, name));
        bad.push((altmin_lengths { product_squared: number, ..good }, status::NonFinite, name));
    }
    structure(&[good, altmin_lengths { squared: 0.0, product_squared: 0.0 }], &bad)
}

pub(crate) fn rows(rows: &mut Vec<Row>) {
    linear(rows);
    activation(rows);
    search(rows);
    extrapolation(rows);
}

fn linear(rows: &mut Vec<Row>) {
    row!(rows; altmin_interval_violation_f32, altmin_interval_violation_f64;
        epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), m: samples(5),
        z: matrix("n_out", "m"), ldz: ld(), a: matrix("n_out", "m"), lda: ld(), workspace: workspace(),
        workspace_size: workspace_size(), violation: required::<f64>(), error: error());
    row!(rows; altmin_interval_violation_workspace_f32, altmin_interval_violation_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_interval_linear_step_f32, altmin_interval_linear_step_f64;
        epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), m: samples(5),
        a: matrix("n_out", "m"), lda: ld(), z: matrix_mut("n_out", "m"), ldz: ld(), r: matrix_mut("n_out", "m"),
        ldr: ld(), workspace: workspace(), workspace_size: workspace_size(), moved: result::<f64>(), error: error());
    row!(rows; altmin_interval_linear_step_workspace_f32, altmin_interval_linear_step_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_interval_linear_repair_f32, altmin_interval_linear_repair_f64;
        epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), m: samples(5),
        a: matrix("n_out", "m"), lda: ld(), z: matrix_mut("n_out", "m"), ldz: ld(), r: matrix_mut("n_out", "m"),
        ldr: ld(), repaired: result::<altmin_projected>(), error: error());
}

fn activation(rows: &mut Vec<Row>) {
    row!(rows; altmin_interval_activation_step_f32, altmin_interval_activation_step_f64;
        rho: scalar(1.3, POSITIVE), epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(),
        prepared: code_among(4, &[0, 1]), tau: scalar(4.0, TAU).when(|v| v.get("prepared") == 1), n_out: size(3),
        n_in: size(4), m: samples(5), weights: matrix("n_out", "n_in"), ldw: ld(), z: matrix("n_in", "m"), ldz: ld(),
        a: matrix_mut("n_in", "m"), lda: ld(), r: matrix_mut("n_out", "m"), ldr: ld(), workspace: workspace(),
        workspace_size: workspace_size(), moved: result::<altmin_interval_moved>(), error: error());
    row!(rows; altmin_interval_activation_step_workspace_f32, altmin_interval_activation_step_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
    row!(rows; altmin_interval_activation_project_f32, altmin_interval_activation_project_f64;
        epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), n_in: size(4),
        m: samples(5), weights: matrix("n_out", "n_in"), ldw: ld(), z: matrix("n_in", "m"), ldz: ld(),
        a: matrix_mut("n_in", "m"), lda: ld(), r: matrix_mut("n_out", "m"), ldr: ld(), workspace: workspace(),
        workspace_size: workspace_size(), projected: result::<altmin_projected>(), error: error());
    row!(rows; altmin_interval_activation_project_workspace_f32, altmin_interval_activation_project_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
}

fn search(rows: &mut Vec<Row>) {
    row!(rows; altmin_interval_probe_f32, altmin_interval_probe_f64;
        rho: scalar(1.3, POSITIVE), epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(),
        n_out: size(3), n_in: size(4), m: samples(5), weights: matrix("n_out", "n_in"), ldw: ld(),
        z: matrix("n_in", "m"), ldz: ld(), a: matrix("n_in", "m"), lda: ld(), r: matrix("n_out", "m"), ldr: ld(),
        workspace: workspace(), workspace_size: workspace_size(), lengths: required::<altmin_lengths>(),
        error: error());
    row!(rows; altmin_interval_probe_workspace_f32, altmin_interval_probe_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
    row!(rows; altmin_interval_trial_f32, altmin_interval_trial_f64;
        rho: scalar(1.3, POSITIVE), epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(),
        tau: scalar(4.0, POSITIVE), n_out: size(3), n_in: size(4), m: samples(5), weights: matrix("n_out", "n_in"),
        ldw: ld(), z: matrix("n_in", "m"), ldz: ld(), a: matrix("n_in", "m"), lda: ld(), r: matrix("n_out", "m"),
        ldr: ld(), workspace: workspace(), workspace_size: workspace_size(), lengths: required::<altmin_lengths>(),
        error: error());
    row!(rows; altmin_interval_trial_workspace_f32, altmin_interval_trial_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
    row!(rows; altmin_interval_first_tau_f32, altmin_interval_first_tau_f64;
        rule: rule(), rho: scalar(1.3, POSITIVE), n_out: size(3), n_in: size(4), weights: matrix("n_out", "n_in"),
        ldw: ld(), probed: lengths("probed").when(|v| v.get("rule") == 1), tau: required::<f64>(), error: error());
    row!(rows; altmin_interval_next_tau_f32, altmin_interval_next_tau_f64;
        rule: rule(), rho: scalar(1.3, POSITIVE), n_out: size(3), n_in: size(4), weights: matrix("n_out", "n_in"),
        ldw: ld(), tau: scalar(0.1, POSITIVE), tried: lengths("tried"), next: required::<f64>(), error: error());
}

fn extrapolation(rows: &mut Vec<Row>) {
    row!(rows; altmin_extrapolation_momentum_f32, altmin_extrapolation_momentum_f64;
        t: scalar(1.7, POSITIVE), beta: result::<f64>(), t_next: result::<f64>(), error: error());
    row!(rows; altmin_extrapolation_parameters_f32, altmin_extrapolation_parameters_f64;
        w: scalar(1.3, POSITIVE), regularizer: code(3),
        lambda: scalar(0.2, NOT_NEGATIVE).when(|v| v.get("regularizer") != 0), n_out: size(3), n_in: size(4),
        samples: count(6), sums: vector_mut(sums_length()), weights_before: matrix_mut("n_out", "n_in"), ldb: ld(),
        bias_before: vector_mut("n_out"), t: vector_mut("n_out"), weights: matrix_mut("n_out", "n_in"), ldw: ld(),
        bias: vector_mut("n_out"), change: matrix_out("n_out", "n_in"), ldc: ld(), bias_change: vector_out("n_out"),
        workspace: workspace(), workspace_size: workspace_size(), error: error());
    row!(rows; altmin_extrapolation_parameters_workspace_f32, altmin_extrapolation_parameters_workspace_f64;
        n_out: size(3), n_in: size(4), bytes: required::<usize>(), error: error());
    row!(rows; altmin_extrapolation_linear_f32, altmin_extrapolation_linear_f64;
        epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), m: samples(5),
        a: matrix("n_out", "m"), lda: ld(), before: matrix_mut("n_out", "m"), ldb: ld(), t: vector_mut("m"),
        z: matrix_mut("n_out", "m"), ldz: ld(), r: matrix_mut("n_out", "m"), ldr: ld(), workspace: workspace(),
        workspace_size: workspace_size(), error: error());
    row!(rows; altmin_extrapolation_linear_workspace_f32, altmin_extrapolation_linear_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_extrapolation_output_f32, altmin_extrapolation_output_f64;
        loss: code(2), rho: scalar(1.3, POSITIVE), n_out: size(3), m: samples(5), classes: classes("m", "n_out"),
        values: matrix("n_out", "m").absent(), ldv: ld().when(|_| false), before: matrix_mut("n_out", "m"),
        ldb: ld(), t: vector_mut("m"), z: matrix_mut("n_out", "m"), ldz: ld(), r: matrix_mut("n_out", "m"), ldr: ld(),
        workspace: workspace(), workspace_size: workspace_size(), error: error());
    row!(rows; altmin_extrapolation_output_workspace_f32, altmin_extrapolation_output_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_extrapolation_activation_f32, altmin_extrapolation_activation_f64;
        epsilon: scalar(0.1, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), n_in: size(4),
        m: samples(5), weights: matrix("n_out", "n_in"), ldw: ld(), z: matrix("n_in", "m"), ldz: ld(),
        before: matrix_mut("n_in", "m"), ldb: ld(), t: vector_mut("m"), a: matrix_mut("n_in", "m"), lda: ld(),
        r: matrix_mut("n_out", "m"), ldr: ld(), workspace: workspace(), workspace_size: workspace_size(),
        error: error());
    row!(rows; altmin_extrapolation_activation_workspace_f32, altmin_extrapolation_activation_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
}
