//! A run over subnetworks that is followed epoch by epoch, and Theorem 1.

mod checks;
mod texts;
mod weights;

use altmin_core::block::Network;
use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::tssm::Convention;
use altmin_core::method::{AnyMethod, Hyperparameters, Name, State, Sweep};
use altmin_core::{Error, Result};

use super::blocks;
use super::formula::Formula;
use super::matrix::{Mat, Sum};
use super::plain::add_risk;
use super::promise::{Place, Promises, Property, Report};
use super::setup::Setup;
use super::training::Training;
use weights::{Moments, Weights};

/// The methods over subnetworks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Splitting {
    Gsadmm,
    Gsam,
}

impl Splitting {
    /// The method of this name, if it is one of these.
    pub(super) fn of(name: Name) -> Option<Self> {
        match name {
            Name::Gsadmm => Some(Self::Gsadmm),
            Name::Gsam => Some(Self::Gsam),
            _ => None,
        }
    }
}

/// Follows a run over subnetworks, whose risk may be of classes or of values.
///
/// The method makes every epoch; from the state before it the same epoch is computed anew by plain code that shares nothing
/// with the core: the batches of the weights, the gradient steps of p, q and u in closed form, the objective, and both sides
/// of Theorem 1. Each is compared with what the method has made of it.
#[derive(Debug)]
pub(super) struct Auditor<'a> {
    splitting: Splitting,
    settings: Hyperparameters<f64>,
    parts: Vec<Network<'a, f64>>,
    x: Mat,
    /// The targets as values, n x M.
    y: Mat,
    weights: Weights,
    promises: Promises,
    /// The epoch at work, from 1.
    sweep: usize,
    setup: Setup<'a>,
    falsified: Option<(Formula, f64)>,
}

/// The variables of a run.
#[derive(Debug, Clone, Default)]
struct Variables {
    /// Of every subnetwork.
    parameters: Vec<Vec<f64>>,
    /// Between them; q and u of gsADMM alone.
    p: Vec<Mat>,
    q: Vec<Mat>,
    u: Vec<Mat>,
}

/// What the method reports of an epoch.
#[derive(Debug, Clone, Copy)]
struct Reported {
    sweep: Sweep,
    error: f64,
    bound: Option<f64>,
}

impl Variables {
    fn read(method: &AnyMethod<f64>, setup: &Setup<'_>, state: &State<'_, f64>) -> Result<Self> {
        let mut variables = Self::default();
        let (AnyMethod::Gsadmm(tssm) | AnyMethod::Gsam(tssm)) = method else { return Ok(variables) };
        let found = tssm.variables(&setup.run, state)?;
        let cuts = setup.run.cuts.len();
        variables.parameters = (0..=cuts).map(|l| found.parameters(l).to_vec()).collect();
        for l in 0..cuts {
            variables.p.push(Mat::of(found.p(l)));
            if matches!(method, AnyMethod::Gsadmm(_)) {
                variables.q.push(Mat::of(found.q(l)));
                variables.u.push(Mat::of(found.u(l)));
            }
        }
        Ok(variables)
    }
}

/// The subnetworks of a network that is cut after so many blocks.
fn parts<'a>(setup: &Setup<'a>) -> Result<Vec<Network<'a, f64>>> {
    let network = setup.run.network;
    let edges = [&[0], setup.run.cuts, &[network.blocks().len()]].concat();
    let part =
        |edge: &[usize]| Network::new(&network.blocks()[edge[0]..edge[1]], network.step(edge[0]).input);
    edges.windows(2).map(part).collect()
}

impl<'a> Auditor<'a> {
    /// An auditor for a run of a method over subnetworks.
    pub(super) fn new(
        splitting: Splitting,
        setup: &Setup<'a>,
        falsified: Option<(Formula, f64)>,
    ) -> Result<Self> {
        let settings = setup.hyperparameters;
        Ok(Self {
            splitting,
            settings,
            parts: parts(setup)?,
            x: Mat::of(setup.run.problem.x),
            y: setup.targets(),
            weights: Weights::new(&settings, setup.run.samples()),
            promises: Promises::new(texts::promises(splitting, settings.loss)),
            sweep: 0,
            setup: *setup,
            falsified,
        })
    }

    /// Follows the run to its end.
    ///
    /// # Errors
    /// What the core refuses. Divergence is no error: it ends the run, and is in the report.
    pub(super) fn run<E: Executor<f64>, G: Gemm<f64>>(
        mut self,
        mut training: Training<'_, E, G>,
    ) -> Result<Report> {
        let stopped = match self.epochs(&mut training) {
            Err(error @ Error::NonFinite { .. }) => Some(format!("sweep {}: {error}", self.sweep)),
            result => result.map(|()| None)?,
        };
        Ok(Report { promises: self.promises.into_list(), stopped })
    }

    fn epochs<E: Executor<f64>, G: Gemm<f64>>(&mut self, training: &mut Training<'_, E, G>) -> Result {
        training.initialize()?;
        let mut before = training.read(Variables::read)?;
        self.check_start(&before);
        for k in 0..self.setup.sweeps {
            self.sweep = k + 1;
            let moments = training.read(Moments::read)?;
            let sweep = training.sweep(k)?;
            let found = training.approximation(self.setup.norm_rounds)?;
            let next = training.read(Variables::read)?;
            let (error, bound) = found.map_or((f64::NAN, None), |found| (found.error, found.bound));
            let mut reported = Reported { sweep, error, bound };
            let mut after = next.clone();
            self.falsify_epoch(&before, &mut after, &mut reported);
            self.check_weights(&before, &after, &moments, k);
            self.check_inputs(&before, &after);
            self.check_outputs(&before, &after);
            self.check_report(&before, &after, &reported);
            self.check_theorem(&after, &reported);
            before = next;
        }
        Ok(())
    }

    /// Falsifies what an epoch has made of `before`.
    fn falsify_epoch(&self, before: &Variables, after: &mut Variables, reported: &mut Reported) {
        let Some((formula, factor)) = self.falsified else { return };
        let step = |old: f64, new: &mut f64| *new = old + factor * (*new - old);
        match formula {
            Formula::WeightStep => {
                let pairs = before.parameters.iter().flatten().zip(after.parameters.iter_mut().flatten());
                pairs.for_each(|(&old, new)| step(old, new));
            }
            Formula::InputStep => {
                for (old, new) in before.p.iter().zip(&mut after.p) {
                    old.data.iter().zip(&mut new.data).for_each(|(&old, new)| step(old, new));
                }
            }
            Formula::Copy => after.q.iter_mut().for_each(|q| *q = q.map(|q| factor * q)),
            Formula::Dual => after.u.iter_mut().for_each(|u| *u = u.map(|u| factor * u)),
            Formula::SplittingObjective => reported.sweep.objective *= factor,
            Formula::SplittingError => reported.error *= factor,
            Formula::SplittingBound => reported.bound = reported.bound.map(|bound| factor * bound),
            _ => {}
        }
    }

    /// What stands for M in the equations.
    fn m(&self) -> f64 {
        match self.settings.convention {
            Convention::Mean => self.x.columns as f64,
            Convention::Sum => 1.0,
        }
    }

    fn is_gsadmm(&self) -> bool {
        self.splitting == Splitting::Gsadmm
    }

    /// The input of subnetwork l over all samples.
    fn input<'s>(&'s self, state: &'s Variables, l: usize) -> &'s Mat {
        l.checked_sub(1).map_or(&self.x, |below| &state.p[below])
    }

    /// `f_l(W_l, input)`.
    fn output(&self, l: usize, parameters: &[f64], input: &Mat) -> Mat {
        let network = &self.parts[l];
        let rows = network.output().features();
        let of = |j| blocks::forward(network, parameters, input.column(j)).pop().unwrap_or_default();
        Mat { rows, columns: input.columns, data: (0..input.columns).flat_map(of).collect() }
    }

    /// R of outputs, mean or sum, and the size of what it is added up from.
    fn risk(&self, z: &Mat) -> (f64, f64) {
        let mut sum = Sum::default();
        add_risk(self.settings.loss, z, &self.y, &mut sum);
        let risk = sum.value();
        (risk.value / self.m(), risk.scale / self.m())
    }

    fn record(&mut self, property: Property, layer: Option<usize>, violation: f64, allowed: f64, scale: f64) {
        self.promises.record(property, Place { sweep: self.sweep, layer }, violation, allowed, scale);
    }

    /// The rounding of what is added up from so many terms, and passes through all blocks.
    fn rounding(&self) -> f64 {
        let widest = self.parts.iter().map(|part| part.record(1)).max().unwrap_or(0);
        let blocks: usize = self.parts.iter().map(|part| part.blocks().len()).sum();
        (widest * blocks + self.x.columns + 64) as f64 * f64::EPSILON
    }
}
