//! What the proofs of pdADMM start from, and its state as whole matrices.

use altmin_core::method::pdadmm::{DualStorage, PdAdmm};
use altmin_core::method::{Hyperparameters, Partition};

use super::dense::Mat;
use super::rig::Rig;
use super::teacher::{Data, Network, Settings};

pub(crate) type Run<'d> = Rig<'d, PdAdmm<f64>>;

pub(crate) fn rig<'d>(
    settings: Settings<f64>,
    partition: Partition,
    storage: DualStorage,
    (data, start): (&'d Data, &Network),
) -> Run<'d> {
    Rig::new(settings, data.problem(), start, |settings, run| {
        PdAdmm::with_partition(&Hyperparameters { dual: storage, ..*settings }, partition, run)
    })
    .unwrap()
}

/// p, z, q, u and r of every layer over all samples, as the state holds them.
pub(crate) struct Snapshot {
    pub(crate) p: Vec<Mat>,
    pub(crate) z: Vec<Mat>,
    pub(crate) q: Vec<Mat>,
    pub(crate) u: Vec<Mat>,
    pub(crate) r: Vec<Mat>,
}

pub(crate) fn snapshot(run: &mut Run<'_>) -> Snapshot {
    let layers = run.network().layers();
    run.with(|method, run, state, _| {
        let found = method.variables(run, state).unwrap();
        let all = |of: &dyn Fn(usize) -> Mat| (0..layers).map(of).collect();
        Snapshot {
            p: all(&|l| Mat::gather([found.p(l)].into_iter())),
            z: all(&|l| Mat::gather([found.z(l)].into_iter())),
            q: all(&|l| Mat::gather([found.q(l)].into_iter())),
            u: all(&|l| Mat::gather([found.u(l)].into_iter())),
            r: all(&|l| Mat::gather([found.r(l)].into_iter())),
        }
    })
}
