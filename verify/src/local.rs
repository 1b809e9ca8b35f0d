//! A run of layers with read-outs that is followed batch by batch.

mod checks;
mod pass;
mod texts;

use altmin_core::Result;
use altmin_core::block::{Block, Network};
use altmin_core::error::Error;
use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::proxprop::Form;
use altmin_core::method::{AnyMethod, Hyperparameters, Method as _, Name, State, StepSchedule};

use super::formula::Formula;
use super::matrix::Mat;
use super::promise::{Place, Promises, Property, Report};
use super::setup::Setup;
use super::training::Training;

/// Batches over which the forms of the step are compared.
const COMPARED: usize = 4;

/// A start that is off by rounding, relative.
const OFF: f64 = 64.0 * f64::EPSILON;

/// Follows a run of local proximal sweeps.
///
/// The method makes every epoch twice from the same state: as a pipeline over all batches, and batch by batch, so that no two
/// layers work at the same time. From the weights before and after each batch the step of every map is taken, and compared with
/// what plain code, which shares nothing with the core, says of the layer's signal and of the step's problem.
#[derive(Debug)]
pub(super) struct Auditor<'a> {
    settings: Hyperparameters<f64>,
    /// The layers.
    parts: Vec<Network<'a, f64>>,
    x: Mat,
    /// The targets as values, n x M.
    y: Mat,
    promises: Promises,
    /// The epoch at work, from 1.
    sweep: usize,
    setup: Setup<'a>,
    falsified: Option<(Formula, f64)>,
}

/// A linear map: W (n_out x n_in) and b.
#[derive(Debug, Clone, PartialEq)]
struct Map {
    weights: Mat,
    bias: Vec<f64>,
}

/// Parameters of a run.
#[derive(Debug, Clone, PartialEq)]
struct Weights {
    /// Of every layer, its maps.
    layers: Vec<Vec<Map>>,
    /// Of every layer but the last.
    readouts: Vec<Map>,
}

impl Weights {
    fn read(method: &AnyMethod<f64>, setup: &Setup<'_>, state: &State<'_, f64>) -> Result<Self> {
        let mut weights = Self { layers: Vec::new(), readouts: Vec::new() };
        let AnyMethod::Local(local) = method else { return Ok(weights) };
        let network = setup.run.network;
        let parameters = state.parameters(&network);
        for edges in edges(setup).windows(2) {
            let steps = network.steps().skip(edges[0]).take(edges[1] - edges[0]);
            let maps = steps.flat_map(|step| step.places()).map(|place| {
                let (weights, bias) = place.map.read(parameters);
                Map { weights: Mat::of(weights), bias: bias.to_vec() }
            });
            weights.layers.push(maps.collect());
        }
        for l in 0..setup.run.cuts.len() {
            if let Some((readout, bias)) = local.readout(&setup.run, state, l)? {
                weights.readouts.push(Map { weights: Mat::of(readout), bias: bias.to_vec() });
            }
        }
        Ok(weights)
    }

    /// The same maps in one list: those of the layers, then the read-outs.
    fn all(&self) -> impl Iterator<Item = &Map> {
        self.layers.iter().flatten().chain(&self.readouts)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Map> {
        self.layers.iter_mut().flatten().chain(&mut self.readouts)
    }
}

/// Where layers begin and end, in blocks.
fn edges(setup: &Setup<'_>) -> Vec<usize> {
    [&[0], setup.run.cuts, &[setup.run.network.blocks().len()]].concat()
}

/// Why a setup cannot be followed: argument, what was found and what was expected.
pub(super) fn refusal(setup: &Setup<'_>) -> Option<(&'static str, &'static str, &'static str)> {
    use altmin_core::method::tssm::Inner;
    let is_plain =
        |block: &Block<f64>| matches!(block, Block::Dense { .. } | Block::Activation(_) | Block::Flatten);
    if setup.hyperparameters.inner != Inner::Proxprop {
        return Some(("inner", "an optimizer", "proxprop: of gradient steps nothing is promised"));
    }
    if setup.hyperparameters.carry.is_some() {
        return Some(("carry", "given", "none: the promise is about sums of one batch"));
    }
    let others = setup.run.network.blocks().iter().any(|block| !is_plain(block));
    others.then_some(("network", "other blocks", "dense blocks and activations"))
}

impl<'a> Auditor<'a> {
    /// An auditor for a run of these layers.
    pub(super) fn new(setup: &Setup<'a>, falsified: Option<(Formula, f64)>) -> Self {
        let network = setup.run.network;
        let parts = edges(setup).windows(2).map(|edges| network.part(edges[0]..edges[1])).collect();
        Self {
            settings: setup.hyperparameters,
            parts,
            x: Mat::of(setup.run.problem.x),
            y: setup.targets(),
            promises: Promises::new(texts::promises()),
            sweep: 0,
            setup: *setup,
            falsified,
        }
    }

    /// The setup and its method with one form of the step.
    ///
    /// # Errors
    /// Those of the method.
    pub(super) fn in_form(setup: &Setup<'a>, form: Form) -> Result<(Setup<'a>, AnyMethod<f64>)> {
        let hyperparameters = Hyperparameters { form, ..setup.hyperparameters };
        let method = AnyMethod::new(Name::Local, &hyperparameters, &setup.run)?;
        Ok((Setup { hyperparameters, ..*setup }, method))
    }

    /// Follows the run to its end.
    ///
    /// # Errors
    /// What the core refuses. Divergence is no error: it ends the run, and is in the report.
    pub(super) fn run<E: Executor<f64>, G: Gemm<f64>>(
        mut self,
        method: AnyMethod<f64>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Report> {
        let result = self
            .check_forms(executor, gemm)
            .and_then(|()| self.epochs(&mut Training::new(self.setup, method, executor, gemm)));
        let stopped = match result {
            Err(error @ Error::NonFinite { .. }) => Some(format!("sweep {}: {error}", self.sweep)),
            result => result.map(|()| None)?,
        };
        Ok(Report { promises: self.promises.into_list(), stopped })
    }

    fn epochs<E: Executor<f64>, G: Gemm<f64>>(&mut self, training: &mut Training<'_, E, G>) -> Result {
        training.initialize()?;
        let mut before = training.read(Weights::read)?;
        let mut velocity = zeros(&before);
        let mut done = 0;
        for k in 0..self.setup.sweeps {
            self.sweep = k + 1;
            let order = self.order(k);
            let start = training.state();
            let report = training.sweep_over(&order)?;
            let (piped, end) = (training.read(Weights::read)?, training.state());
            training.restore(start);
            let mut risk = 0.0;
            for batch in self.batches(&order) {
                let sweep = training.sweep_over(batch)?;
                if sweep.rejected {
                    return Err(Error::NonFinite { quantity: "the loss" });
                }
                let after = training.read(Weights::read)?;
                let falsified = self.falsify(&before, &after);
                risk = self.check_batch(batch, done, &before, &falsified, &mut velocity);
                // The velocity goes on as the method has it.
                velocity = self.velocity(&before, &after, done);
                (before, done) = (after, done + 1);
            }
            self.check_epoch(&piped, &before, report.objective, risk);
            training.restore(end);
        }
        Ok(())
    }

    /// From one start some batches in either form, and in one of them from a start that is off by rounding.
    fn check_forms<E: Executor<f64>, G: Gemm<f64>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let (start, primal) = self.batches_in(Form::Primal, self.setup.parameters, executor, gemm)?;
        let (_, dual) = self.batches_in(Form::Dual, self.setup.parameters, executor, gemm)?;
        let perturbed = |(i, w): (usize, &f64)| w * (1.0 + OFF * libm::sin(i as f64 + 1.0));
        let perturbed: Vec<f64> = self.setup.parameters.iter().enumerate().map(perturbed).collect();
        let (_, off) = self.batches_in(Form::Primal, &perturbed, executor, gemm)?;
        self.compare_forms(&start, &primal, &dual, &off);
        Ok(())
    }

    /// The weights before and after some batches in this form.
    fn batches_in<E: Executor<f64>, G: Gemm<f64>>(
        &self,
        form: Form,
        parameters: &[f64],
        executor: &mut E,
        gemm: &G,
    ) -> Result<(Weights, Weights)> {
        let (setup, method) = Self::in_form(&self.setup, form)?;
        let mut training = Training::new(Setup { parameters, ..setup }, method, executor, gemm);
        training.initialize()?;
        let start = training.read(Weights::read)?;
        for batch in self.batches(&self.order(0)).into_iter().take(COMPARED) {
            training.sweep_over(batch)?;
        }
        Ok((start, training.read(Weights::read)?))
    }

    /// The order of epoch k.
    fn order(&self, k: usize) -> Vec<u32> {
        let samples = self.x.columns;
        self.setup.order.map_or_else(|| (0..samples as u32).collect(), |order| order(k))
    }

    /// As few batches as hold the settings' samples each at most, as large as one another but for one sample.
    fn batches<'o>(&self, order: &'o [u32]) -> Vec<&'o [u32]> {
        let samples = order.len();
        let count = self.batch_count();
        (0..count).map(|batch| &order[samples * batch / count..samples * (batch + 1) / count]).collect()
    }

    fn batch_count(&self) -> usize {
        let samples = self.x.columns;
        samples.div_ceil(self.settings.batch.unwrap_or(samples).max(1))
    }

    /// nu over the length of step k.
    fn nu(&self, k: usize) -> f64 {
        let steps = (self.settings.sweeps * self.batch_count()).max(1);
        let done = k.min(steps - 1) as f64 / steps as f64;
        let left = match self.settings.step_schedule {
            StepSchedule::Constant => 1.0,
            StepSchedule::Linear => 1.0 - done,
            StepSchedule::Cosine => 0.5 + 0.5 * libm::cos(std::f64::consts::PI * done),
        };
        let warm_up = self.settings.warm_up * self.batch_count() as f64;
        let grown = if warm_up > 0.0 { ((k + 1) as f64 / warm_up).min(1.0) } else { 1.0 };
        self.settings.nu / (left * grown)
    }

    /// What step k has added to the weights and biases, beside their decay.
    fn velocity(&self, before: &Weights, after: &Weights, k: usize) -> Weights {
        let kept = 1.0 - self.settings.weight_decay / self.nu(k);
        let mut velocity = after.clone();
        for (to, old) in velocity.all_mut().zip(before.all()) {
            to.weights = to.weights.zip(&old.weights, |new, old| new - kept * old);
            to.bias.iter_mut().zip(&old.bias).for_each(|(new, old)| *new -= old);
        }
        velocity
    }

    /// `after` as a wrong formula would have made it.
    fn falsify(&self, before: &Weights, after: &Weights) -> Weights {
        let mut after = after.clone();
        let Some((formula, factor)) = self.falsified else { return after };
        let step = |old: f64, new: &mut f64| *new = old + factor * (*new - old);
        let pairs = after.layers.iter_mut().flatten().zip(before.layers.iter().flatten());
        match formula {
            Formula::WeightStep => pairs.for_each(|(new, old)| {
                new.weights.data.iter_mut().zip(&old.weights.data).for_each(|(new, &old)| step(old, new));
            }),
            Formula::BiasStep => pairs.for_each(|(new, old)| {
                new.bias.iter_mut().zip(&old.bias).for_each(|(new, &old)| step(old, new));
            }),
            Formula::ReadoutStep => {
                for (new, old) in after.readouts.iter_mut().zip(&before.readouts) {
                    new.weights.data.iter_mut().zip(&old.weights.data).for_each(|(new, &old)| step(old, new));
                }
            }
            _ => {}
        }
        after
    }

    /// What a wrong formula would have reported.
    fn falsified(&self, formula: Formula, value: f64) -> f64 {
        match self.falsified {
            Some((falsified, factor)) if falsified == formula => factor * value,
            _ => value,
        }
    }

    fn record(&mut self, property: Property, layer: Option<usize>, violation: f64, allowed: f64, scale: f64) {
        self.promises.record(property, Place { sweep: self.sweep, layer }, violation, allowed, scale);
    }
}

fn zeros(like: &Weights) -> Weights {
    let mut zeros = like.clone();
    for map in zeros.all_mut() {
        map.weights.data.fill(0.0);
        map.bias.fill(0.0);
    }
    zeros
}
