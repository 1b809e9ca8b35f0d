//! The variables of a run on whole matrices.

use altmin_core::Result;
use altmin_core::method::{AnyMethod, Layers, State};

use crate::matrix::Mat;
use crate::setup::Setup;

/// The variables of a run. Layers are counted from 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    /// `W`, n_out x n_in.
    pub(super) weights: Vec<Mat>,
    /// `b`, n_out.
    pub(super) biases: Vec<Vec<f64>>,
    /// `p` of pdADMM, `a` of the layer below in dlADMM; the data in the first layer.
    pub(super) inputs: Vec<Mat>,
    /// `z`.
    pub(super) linear: Vec<Mat>,
    /// `r` as it is carried.
    pub(super) residuals: Vec<Mat>,
    /// `q` of pdADMM's hidden layers.
    pub(super) copies: Vec<Mat>,
    /// `u`: of pdADMM's hidden layers; of dlADMM's last layer alone.
    pub(super) duals: Vec<Mat>,
}

impl Variables {
    /// The variables in a state of `method`; the dual only where the method stores it.
    pub(super) fn read(method: &AnyMethod<f64>, setup: &Setup<'_>, state: &State<'_, f64>) -> Result<Self> {
        let (run, count) = (&setup.run, Layers::new(setup.run.network)?.count());
        let mut variables = Self { inputs: vec![Mat::of(run.problem.x)], ..Self::default() };
        match method {
            AnyMethod::Pdadmm(method) => {
                let found = method.variables(run, state)?;
                for l in 0..count {
                    variables.weights.push(Mat::of(found.weights(l)));
                    variables.biases.push(found.bias(l).to_vec());
                    variables.residuals.push(Mat::of(found.r(l)));
                    variables.linear.push(Mat::of(found.z(l)));
                    if l > 0 {
                        variables.inputs.push(Mat::of(found.p(l)));
                    }
                    if l + 1 < count {
                        variables.copies.push(Mat::of(found.q(l)));
                    }
                }
            }
        }
        Ok(variables)
    }
}
