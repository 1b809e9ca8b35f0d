//! What works entry by entry or sample by sample.

use altmin_level1::hidden::*;

use super::{NOT_NEGATIVE, row};
use crate::argument::*;

pub(crate) fn rows(rows: &mut Vec<Row>) {
    row!(rows; altmin_hidden_step_f32, altmin_hidden_step_f64;
        proximal: code(2), activation: code(4),
        slope: scalar(0.1, NOT_NEGATIVE).when(|v| v.get("activation") == 1), n_out: size(3), m: samples(5),
        target: matrix("n_out", "m"), ldt: ld(), z: matrix_mut("n_out", "m"), ldz: ld(),
        r: matrix_mut("n_out", "m"), ldr: ld(), workspace: workspace(), workspace_size: workspace_size(),
        moved: result::<f64>(), error: error());
    row!(rows; altmin_hidden_step_workspace_f32, altmin_hidden_step_workspace_f64;
        n_out: size(3), bytes: required::<usize>(), error: error());
}
