//! DLAM's run on memory of its own.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::dlam::{self, Dlam, EpsilonRule};
use altmin_core::method::layer::{Layer, LayerShape, Momentum};
use altmin_core::method::{Partition, Problem};
use altmin_core::update::sums::SumsShape;
use altmin_core::workspace::Requirement;

use super::shadow::joined;
use super::state::State;
use crate::config::{self, Settings};
use crate::convert;
use crate::engine::{Size, TILE};

/// Groups that the samples are cut into at most.
const GROUPS: usize = 16;

type Reals = Box<[f64]>;
type Result<T = ()> = altmin_core::Result<T>;

/// A run of DLAM, in the tiles in which `train` cuts the samples.
#[derive(Debug)]
pub(super) struct DlamRun {
    settings: dlam::Settings<f64>,
    rule: EpsilonRule,
    partition: Partition,
    layers: Vec<Layer<f64, Reals>>,
    momentum: Vec<Momentum<f64, Reals>>,
    hidden: Vec<dlam::Hidden<f64, Reals>>,
    residuals: Vec<dlam::Residual<f64, Reals>>,
    groups: Vec<dlam::Group<f64, Reals>>,
    scratch: Requirement,
}

fn zeros(elements: usize) -> Reals {
    vec![0.0; elements].into_boxed_slice()
}

fn core_settings(settings: &Settings) -> dlam::Settings<f64> {
    let common = convert::settings::<f64>(settings);
    dlam::Settings {
        rho: common.rho,
        epsilon: settings.epsilon,
        weight_step: common.weight_step,
        input_step: common.input_step,
        activation: common.activation,
        loss: common.loss,
        solver: common.solver,
        regularizer: common.regularizer,
        repair: convert::repair(settings.epsilon_repair),
        accelerate: settings.accelerate,
    }
}

impl DlamRun {
    pub(super) fn new<G: Gemm<f64>>(settings: &Settings, size: &Size, gemm: &G) -> Result<Self> {
        let (core, (low, high)) = (core_settings(settings), settings.epsilon_bounds);
        let partition = Partition::new(size.samples, TILE, GROUPS);
        let shapes = size.widths.windows(2).map(|pair| SumsShape { n_in: pair[0], n_out: pair[1] });
        let layer_shapes: Vec<LayerShape> = shapes
            .clone()
            .enumerate()
            .map(|(index, shape)| LayerShape::new(&core.steps(), index, shape.n_out, shape.n_in))
            .collect();
        let mut run = Self {
            settings: core,
            rule: match settings.epsilon_rule {
                config::EpsilonRule::Fixed => EpsilonRule::Fixed,
                config::EpsilonRule::Adaptive => EpsilonRule::Adaptive { low, high },
                config::EpsilonRule::Printed => EpsilonRule::Printed { low, high },
            },
            partition,
            layers: layer_shapes.iter().map(|&shape| Layer::new(shape, zeros)).collect::<Result<_>>()?,
            momentum: Vec::new(),
            hidden: Vec::new(),
            residuals: Vec::new(),
            groups: Vec::new(),
            scratch: dlam::workspace(gemm, &core, partition.tile(), shapes),
        };
        if core.accelerate {
            for shape in &layer_shapes {
                run.momentum.push(Momentum::new(shape.sums, zeros)?);
            }
        }
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            for (l, shape) in layer_shapes.iter().enumerate() {
                run.residuals.push(dlam::residual(shape.sums.n_out, m, zeros)?);
                if l + 1 < layer_shapes.len() {
                    run.hidden.push(dlam::hidden(core.accelerate, shape.sums.n_out, m, zeros)?);
                }
            }
            let last = size.widths[layer_shapes.len()];
            run.groups.push(dlam::group(core.accelerate, last, m, layer_shapes.iter().copied(), zeros)?);
        }
        Ok(run)
    }

    pub(super) fn scratch(&self) -> Requirement {
        self.scratch
    }

    pub(super) fn layers(&self) -> &[Layer<f64, Reals>] {
        &self.layers
    }

    pub(super) fn layers_mut(&mut self) -> &mut [Layer<f64, Reals>] {
        &mut self.layers
    }

    pub(super) fn partition(&self) -> Partition {
        self.partition
    }

    pub(super) fn epsilon(&self) -> f64 {
        self.settings.epsilon
    }

    fn method<'a>(&'a mut self, problem: Problem<'a, f64>) -> Result<Dlam<'a, f64, Reals>> {
        let Self { settings, partition, layers, momentum, hidden, residuals, groups, .. } = self;
        let state = dlam::State { layers, momentum, hidden, residuals, groups };
        Dlam::new(*settings, *partition, problem, state)
    }

    pub(super) fn initialize<E: Executor<f64>, G: Gemm<f64>>(
        &mut self,
        problem: Problem<'_, f64>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.method(problem)?.initialize(executor, gemm)
    }

    pub(super) fn sweep<E: Executor<f64>, G: Gemm<f64>>(
        &mut self,
        problem: Problem<'_, f64>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.method(problem)?.sweep(executor, gemm)?;
        Ok(())
    }

    /// Epsilon goes on by its rule, from the risk of the last sweep.
    pub(super) fn set_epsilon<E: Executor<f64>, G: Gemm<f64>>(
        &mut self,
        problem: Problem<'_, f64>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let (rule, epsilon) = (self.rule, self.settings.epsilon);
        let mut method = self.method(problem)?;
        let next = rule.next(epsilon, method.risk());
        if next != epsilon {
            method.set_epsilon(executor, gemm, next)?;
            self.settings.epsilon = next;
        }
        Ok(())
    }

    /// Puts the variables beside weights and biases into `state`.
    pub(super) fn read(&self, state: &mut State) {
        let count = self.layers.len();
        for l in 0..count {
            let of_layer = self.residuals.iter().skip(l).step_by(count);
            state.residuals.push(joined(of_layer.map(|unit| unit.r())));
        }
        for l in 0..count - 1 {
            let of_layer = || self.hidden.iter().skip(l).step_by(count - 1);
            state.linear.push(joined(of_layer().map(|unit| unit.z())));
            state.inputs.push(joined(of_layer().map(|unit| unit.a())));
        }
        state.linear.push(joined(self.groups.iter().map(|group| group.z())));
    }
}
