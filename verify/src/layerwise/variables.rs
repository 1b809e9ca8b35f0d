//! The variables of a run on whole matrices.

use altmin_core::Result;
use altmin_core::method::layerwise::Variables as Grouped;
use altmin_core::method::{AnyMethod, Layers, State};
use altmin_core::view::MatRef;

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
    /// The largest size, in the run so far, of what the entries of `r` are added up from: what is carried keeps the rounding
    /// of numbers that have become small since.
    pub(super) reach: Vec<Mat>,
    /// `q` of pdADMM's hidden layers.
    pub(super) copies: Vec<Mat>,
    /// `u`: of pdADMM's hidden layers; of dlADMM's last layer.
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
            AnyMethod::Dladmm(method) => {
                let found = method.variables(run, state)?;
                variables.fill(&found, count);
                variables.duals.push(joined(&found, |found, g| found.u(g)));
            }
            AnyMethod::Dlam(method) => variables.fill(&method.variables(run, state)?, count),
            _ => {}
        }
        Ok(variables)
    }

    /// What the methods have that cut all variables into groups of samples.
    fn fill(&mut self, found: &Grouped<'_, f64>, count: usize) {
        for l in 0..count {
            self.weights.push(Mat::of(found.weights(l)));
            self.biases.push(found.bias(l).to_vec());
            self.residuals.push(joined(found, |found, g| found.r(g, l)));
            self.linear.push(joined(found, |found, g| found.z(g, l)));
            if l + 1 < count {
                self.inputs.push(joined(found, |found, g| found.a(g, l)));
            }
        }
    }
}

/// The groups' samples side by side.
fn joined<'s>(found: &Grouped<'s, f64>, part: impl Fn(&Grouped<'s, f64>, usize) -> MatRef<'s, f64>) -> Mat {
    let parts = (0..found.partition().groups()).map(|g| Mat::of(part(found, g)));
    parts
        .reduce(|all, part| Mat {
            rows: part.rows,
            columns: all.columns + part.columns,
            data: [all.data, part.data].concat(),
        })
        .unwrap_or_else(|| Mat::zeros(0, 0))
}
