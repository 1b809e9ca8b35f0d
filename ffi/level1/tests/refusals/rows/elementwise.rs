//! What works entry by entry or sample by sample.

use altmin_level1::activation::*;
use altmin_level1::copy::*;
use altmin_level1::dual::*;
use altmin_level1::hidden::*;
use altmin_level1::loss::*;
use altmin_level1::objective::*;
use altmin_level1::output::*;
use altmin_level1::regularizer::*;

use super::{NOT_NEGATIVE, POSITIVE, row};
use crate::argument::*;

fn slope() -> Description {
    scalar(0.1, NOT_NEGATIVE).when(|v| v.get("activation") == 1)
}

pub(crate) fn rows(rows: &mut Vec<Row>) {
    updates(rows);
    duals(rows);
    output(rows);
    objectives(rows);
}

fn updates(rows: &mut Vec<Row>) {
    row!(rows; altmin_activation_apply_f32, altmin_activation_apply_f64;
        activation: code(4), slope: slope(), n_out: size(3), m: samples(5), z: matrix("n_out", "m"), ldz: ld(),
        a: matrix_out("n_out", "m"), lda: ld(), error: error());
    row!(rows; altmin_activation_derivative_f32, altmin_activation_derivative_f64;
        activation: code(4), slope: slope(), n_out: size(3), m: samples(5), z: matrix("n_out", "m"), ldz: ld(),
        d: matrix_out("n_out", "m"), ldd: ld(), error: error());
    row!(rows; altmin_activation_backward_f32, altmin_activation_backward_f64;
        activation: code(4), slope: slope(), n_out: size(3), m: samples(5), a: matrix("n_out", "m"), lda: ld(),
        e: matrix_mut("n_out", "m"), lde: ld(), error: error());
    row!(rows; altmin_hidden_step_f32, altmin_hidden_step_f64;
        proximal: code(2), activation: code(4),
        slope: scalar(0.1, NOT_NEGATIVE).when(|v| v.get("activation") == 1), n_out: size(3), m: samples(5),
        target: matrix("n_out", "m"), ldt: ld(), z: matrix_mut("n_out", "m"), ldz: ld(),
        r: matrix_mut("n_out", "m"), ldr: ld(), workspace: workspace(), workspace_size: workspace_size(),
        moved: result::<f64>(), error: error());
    row!(rows; altmin_hidden_step_workspace_f32, altmin_hidden_step_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_copy_step_f32, altmin_copy_step_f64;
        nu: scalar(0.7, POSITIVE), rho: scalar(1.3, POSITIVE), activation: code(4), slope: slope(), n_out: size(3),
        m: samples(5), p_next: matrix("n_out", "m"), ldp: ld(), u: matrix("n_out", "m"), ldu: ld(),
        z: matrix("n_out", "m"), ldz: ld(), q: matrix_mut("n_out", "m"), ldq: ld(), workspace: workspace(),
        workspace_size: workspace_size(), moved: result::<f64>(), error: error());
    row!(rows; altmin_copy_step_workspace_f32, altmin_copy_step_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_copy_carry_f32, altmin_copy_carry_f64;
        ratio: scalar(0.7, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), m: samples(5),
        z: matrix("n_out", "m"), ldz: ld(), q: matrix_mut("n_out", "m"), ldq: ld(), workspace: workspace(),
        workspace_size: workspace_size(), error: error());
    row!(rows; altmin_copy_carry_workspace_f32, altmin_copy_carry_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
}

fn duals(rows: &mut Vec<Row>) {
    row!(rows; altmin_dual_step_f32, altmin_dual_step_f64;
        rho: scalar(1.3, POSITIVE), n_out: size(3), m: samples(5), p_next: matrix("n_out", "m"), ldp: ld(),
        q: matrix("n_out", "m"), ldq: ld(), u: matrix_mut("n_out", "m"), ldu: ld(), error: error());
    row!(rows; altmin_dual_recover_f32, altmin_dual_recover_f64;
        nu: scalar(0.7, POSITIVE), activation: code(4), slope: slope(), n_out: size(3), m: samples(5),
        q: matrix("n_out", "m"), ldq: ld(), z: matrix("n_out", "m"), ldz: ld(), u: matrix_out("n_out", "m"), ldu: ld(),
        error: error());
    row!(rows; altmin_dual_step_shifted_f32, altmin_dual_step_shifted_f64;
        rho: scalar(1.3, POSITIVE), n_out: size(3), m: samples(5), r: matrix_mut("n_out", "m"), ldr: ld(),
        u: matrix_mut("n_out", "m"), ldu: ld(), primal: result::<f64>(), error: error());
}

/// A target is classes or values: classes here, values in the tests of agreement.
fn output(rows: &mut Vec<Row>) {
    row!(rows; altmin_output_step_f32, altmin_output_step_f64;
        loss: code(2), solver: code(2), mu: scalar(0.7, POSITIVE), n_out: size(3), m: samples(5),
        classes: classes("m", "n_out"), values: matrix("n_out", "m").absent(), ldv: ld().when(|_| false),
        z: matrix_mut("n_out", "m"), ldz: ld(), r: matrix_mut("n_out", "m"), ldr: ld(), workspace: workspace(),
        workspace_size: workspace_size(), solved: result::<altmin_solved>(), error: error());
    row!(rows; altmin_output_step_workspace_f32, altmin_output_step_workspace_f64;
        loss: code(2), solver: code(2), n_out: size(3), m: samples(5), bytes: required::<usize>(), error: error());
    row!(rows; altmin_loss_value_f32, altmin_loss_value_f64;
        loss: code(2), n_out: size(3), m: samples(5), z: matrix("n_out", "m"), ldz: ld(),
        classes: classes("m", "n_out"), values: matrix("n_out", "m").absent(), ldv: ld().when(|_| false),
        value: required::<f64>(), error: error());
    row!(rows; altmin_loss_gradient_f32, altmin_loss_gradient_f64;
        loss: code(2), n_out: size(3), m: samples(5), z: matrix("n_out", "m"), ldz: ld(),
        classes: classes("m", "n_out"), values: matrix("n_out", "m").absent(), ldv: ld().when(|_| false),
        gradient: matrix_out("n_out", "m"), ldg: ld(), error: error());
    row!(rows; altmin_loss_count_correct_f32, altmin_loss_count_correct_f64;
        n_out: size(3), m: samples(5), z: matrix("n_out", "m"), ldz: ld(), classes: classes("m", "n_out"),
        correct: required::<usize>(), error: error());
}

fn objectives(rows: &mut Vec<Row>) {
    row!(rows; altmin_copy_terms_f32, altmin_copy_terms_f64;
        activation: code(4), slope: slope(), dual: code(2),
        nu: scalar(0.7, POSITIVE).when(|v| v.get("dual") == 0), n_out: size(3), m: samples(5),
        q: matrix("n_out", "m"), ldq: ld(), z: matrix("n_out", "m"), ldz: ld(), p_next: matrix("n_out", "m"), ldp: ld(),
        u: matrix("n_out", "m").when(|v| v.get("dual") == 1), ldu: ld().when(|v| v.get("dual") == 1),
        workspace: workspace(), workspace_size: workspace_size(), terms: required::<altmin_copy_terms>(),
        error: error());
    row!(rows; altmin_copy_terms_workspace_f32, altmin_copy_terms_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_activation_gap_f32, altmin_activation_gap_f64;
        activation: code(4), slope: slope(), n_out: size(3), m: samples(5), a: matrix("n_out", "m"), lda: ld(),
        z: matrix("n_out", "m"), ldz: ld(), workspace: workspace(), workspace_size: workspace_size(),
        gap: required::<f64>(), error: error());
    row!(rows; altmin_activation_gap_workspace_f32, altmin_activation_gap_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
    row!(rows; altmin_constraint_terms_f32, altmin_constraint_terms_f64;
        rho: scalar(1.3, POSITIVE), n_out: size(3), m: samples(5), r: matrix("n_out", "m"), ldr: ld(),
        u: matrix("n_out", "m"), ldu: ld(), terms: required::<altmin_constraint_terms>(), error: error());
    row!(rows; altmin_squared_f32, altmin_squared_f64;
        n_out: size(3), m: samples(5), r: matrix("n_out", "m"), ldr: ld(), squared: required::<f64>(), error: error());
    row!(rows; altmin_regularizer_value_f32, altmin_regularizer_value_f64;
        regularizer: code(3), lambda: scalar(0.2, NOT_NEGATIVE).when(|v| v.get("regularizer") != 0), n_out: size(3),
        n_in: size(4), weights: matrix("n_out", "n_in"), ldw: ld(), value: required::<f64>(), error: error());
}
