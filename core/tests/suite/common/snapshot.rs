//! What the state of dlADMM and Taylor's ADMM holds, as whole matrices.

use altmin_core::method::dladmm::State;

use super::dense::Mat;
use super::state::Memory;

/// a of the hidden layers, z and r of every layer and u over all samples, as the state holds them.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) a: Vec<Mat>,
    pub(crate) z: Vec<Mat>,
    pub(crate) r: Vec<Mat>,
    pub(crate) u: Mat,
}

pub(crate) fn snapshot(state: &State<'_, f64, Memory>) -> Snapshot {
    let count = state.layers.len();
    let hidden = |l: usize| state.hidden.iter().skip(l).step_by((count - 1).max(1));
    let mut z: Vec<Mat> = (0..count - 1).map(|l| Mat::gather(hidden(l).map(|h| h.z()))).collect();
    z.push(Mat::gather(state.groups.iter().map(|g| g.z())));
    Snapshot {
        a: (0..count - 1).map(|l| Mat::gather(hidden(l).map(|h| h.a()))).collect(),
        z,
        r: (0..count)
            .map(|l| Mat::gather(state.residuals.iter().skip(l).step_by(count).map(|r| r.r())))
            .collect(),
        u: Mat::gather(state.groups.iter().map(|g| g.u())),
    }
}
