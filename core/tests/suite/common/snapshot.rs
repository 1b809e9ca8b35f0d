//! What the state of dlADMM, DLAM and Taylor's ADMM holds, as whole matrices.

use altmin_core::Result;
use altmin_core::method::dladmm::DlAdmm;
use altmin_core::method::dlam::Dlam;
use altmin_core::method::layerwise::Variables;
use altmin_core::method::taylor::Taylor;
use altmin_core::method::{Method, Run, State};

use super::dense::Mat;
use super::rig::Rig;

/// a of the hidden layers, z and r of every layer and u, if there is a dual, over all samples, as the state holds them.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) a: Vec<Mat>,
    pub(crate) z: Vec<Mat>,
    pub(crate) r: Vec<Mat>,
    pub(crate) u: Mat,
}

/// A method whose variables can be read.
pub(crate) trait Readable: Method<f64> {
    fn read<'s>(&self, run: &Run<'s, f64>, state: &'s State<'_, f64>) -> Result<Variables<'s, f64>>;
}

macro_rules! readable {
    ($($method:ty),+) => {
        $(impl Readable for $method {
            fn read<'s>(&self, run: &Run<'s, f64>, state: &'s State<'_, f64>) -> Result<Variables<'s, f64>> {
                self.variables(run, state)
            }
        })+
    };
}

readable!(DlAdmm<f64>, Dlam<f64>, Taylor<f64>);

pub(crate) fn snapshot<M: Readable>(rig: &mut Rig<'_, M>) -> Snapshot {
    let count = rig.network().layers();
    rig.with(|method, run, state, _| {
        let found = method.read(run, state).unwrap();
        let groups = 0..found.partition().groups();
        Snapshot {
            a: (0..count - 1).map(|l| Mat::gather(groups.clone().map(|g| found.a(g, l)))).collect(),
            z: (0..count).map(|l| Mat::gather(groups.clone().map(|g| found.z(g, l)))).collect(),
            r: (0..count).map(|l| Mat::gather(groups.clone().map(|g| found.r(g, l)))).collect(),
            u: Mat::gather(groups.map(|g| found.u(g))),
        }
    })
}
