//! Products, inputs, sums, weights.

use altmin_level1::sums::*;

use super::row;
use crate::argument::*;

/// Elements of a layer's sums.
fn sums_length(values: &Values) -> usize {
    let (n_out, n_in) = (values.get("n_out"), values.get("n_in"));
    n_out * n_in + n_out + n_in * n_in + n_in
}

pub(crate) fn rows(rows: &mut Vec<Row>) {
    let sums_length = sums_length as fn(&Values) -> usize;
    row!(rows; altmin_sums_elements;
        n_out: size(3), n_in: size(4), elements: required::<usize>(), error: error());
    row!(rows; altmin_sums_accumulate_f32, altmin_sums_accumulate_f64;
        parts: code(2), n_out: size(3), n_in: size(4), m: samples(5), r: matrix("n_out", "m"), ldr: ld(),
        p: matrix("n_in", "m"), ldp: ld(), sums: vector_mut(sums_length), workspace: workspace(),
        workspace_size: workspace_size(), error: error());
    row!(rows; altmin_sums_accumulate_workspace_f32, altmin_sums_accumulate_workspace_f64;
        n_out: size(3), n_in: size(4), m: samples(5), bytes: required::<usize>(), error: error());
}
