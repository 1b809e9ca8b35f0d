//! The same run as `train` makes it: the host's engine, its tiles, its kernel and its threads.

use std::sync::Arc;

use altmin_core::loss::Target;
use altmin_core::matrix::Memory;
use altmin_core::method::dlam::EpsilonRule;
use altmin_core::method::layer::Layer;
use altmin_core::method::{Partition, Problem};
use altmin_core::view::{MatRef, dense_mut};

use super::matrix::Mat;
use super::state::State;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::init;
use crate::run::convert;
use crate::run::engine::{Engine, Size, Variables};
use crate::run::executor::Parallel;
use crate::run::kernel::AnyGemm;
use crate::settings::{Method, Settings};

/// A run of a method.
#[derive(Debug)]
pub(super) struct Shadow {
    engine: Engine<f64>,
    /// DLAM's epsilon, infinite for the others, and the rule by which it goes on.
    epsilon: f64,
    rule: EpsilonRule,
    executor: Parallel<f64>,
    pool: rayon::ThreadPool,
    gemm: AnyGemm,
    data: Arc<Dataset<f64>>,
}

impl Shadow {
    /// The engine with the initial weights of `settings`.
    pub(super) fn new(settings: &Settings, data: Arc<Dataset<f64>>) -> Result<Self> {
        let gemm = AnyGemm::of(settings.kernel);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .build()
            .map_err(|error| Error::argument("threads", settings.threads, error.to_string()))?;
        let widths = [&[data.n_features()], &settings.hidden[..], &[data.n_classes()]].concat();
        let size = Size { widths, samples: data.n_samples() };
        let core = convert::settings::<f64>(settings);
        let mut engine = Engine::new(convert::plan(settings, core), &size, &gemm)?;
        fill(settings, engine.layers_mut());
        let executor = Parallel::new(settings.threads, engine.scratch());
        let epsilon = if settings.method == Method::Dlam { settings.epsilon } else { f64::INFINITY };
        let rule = convert::epsilon_rule(settings);
        Ok(Self { engine, epsilon, rule, executor, pool, gemm, data })
    }

    pub(super) fn initialize(&mut self) -> Result {
        let Self { engine, executor, pool, gemm, data, .. } = self;
        Ok(pool.install(|| engine.initialize(problem(data), executor, gemm))?)
    }

    pub(super) fn sweep(&mut self) -> Result {
        let Self { engine, executor, pool, gemm, data, .. } = self;
        pool.install(|| engine.sweep(problem(data), executor, gemm))?;
        Ok(())
    }

    /// What the method does between sweeps: DLAM's epsilon goes on.
    pub(super) fn prepare(&mut self) -> Result {
        let Self { engine, epsilon, rule, executor, pool, gemm, data } = self;
        let Some(risk) = engine.risk() else { return Ok(()) };
        let next = rule.next(*epsilon, risk);
        if next != *epsilon {
            pool.install(|| engine.set_epsilon(problem(data), executor, gemm, next))?;
            *epsilon = next;
        }
        Ok(())
    }

    /// How the samples are cut.
    pub(super) fn partition(&self) -> Partition {
        self.engine.partition()
    }

    /// The kernel of the products.
    pub(super) fn gemm(&self) -> AnyGemm {
        self.gemm
    }

    /// DLAM's epsilon; infinite for the others.
    pub(super) fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// The state on whole matrices; the dual only where the engine stores it.
    pub(super) fn state(&self) -> State {
        let layers = self.engine.layers();
        let count = layers.len();
        let mut state = State {
            weights: layers.iter().map(|layer| Mat::of(layer.weights())).collect(),
            biases: layers.iter().map(|layer| layer.bias().to_vec()).collect(),
            inputs: vec![Mat::of(self.data.matrix())],
            ..State::default()
        };
        match self.engine.variables().expect("the engine's methods with theorems can be read") {
            Variables::Pdadmm { inputs, residuals, outputs } => {
                let groups = residuals.len() / count;
                for l in 0..count {
                    let units = l * groups..(l + 1) * groups;
                    state.residuals.push(joined(residuals[units.clone()].iter().map(|unit| unit.r())));
                    state.linear.push(joined(outputs[units.clone()].iter().map(|unit| unit.z())));
                    if l > 0 {
                        state.inputs.push(joined(inputs[units.clone()].iter().map(|unit| unit.p())));
                    }
                    if l + 1 < count {
                        state.copies.push(joined(outputs[units].iter().map(|unit| unit.q())));
                    }
                }
            }
            Variables::Dladmm { hidden, residuals, groups } => {
                stacked(&mut state, count, residuals, |unit| unit.r());
                hidden_of(&mut state, count, hidden, |unit| unit.z(), |unit| unit.a());
                state.linear.push(joined(groups.iter().map(|group| group.z())));
                state.duals.push(joined(groups.iter().map(|group| group.u())));
            }
            Variables::Dlam { hidden, residuals, groups } => {
                stacked(&mut state, count, residuals, |unit| unit.r());
                hidden_of(&mut state, count, hidden, |unit| unit.z(), |unit| unit.a());
                state.linear.push(joined(groups.iter().map(|group| group.z())));
            }
        }
        state
    }
}

/// The residuals of units that are ordered group by group and within a group layer by layer.
fn stacked<U>(state: &mut State, count: usize, units: &[U], r: impl Fn(&U) -> MatRef<'_, f64>) {
    for l in 0..count {
        state.residuals.push(joined(units.iter().skip(l).step_by(count).map(&r)));
    }
}

/// The hidden layers' variables in the same order.
fn hidden_of<U>(
    state: &mut State,
    count: usize,
    units: &[U],
    z: impl Fn(&U) -> MatRef<'_, f64>,
    a: impl Fn(&U) -> MatRef<'_, f64>,
) {
    for l in 0..count - 1 {
        let of_layer = || units.iter().skip(l).step_by(count - 1);
        state.linear.push(joined(of_layer().map(&z)));
        state.inputs.push(joined(of_layer().map(&a)));
    }
}

/// Initial weights as `train` draws them.
fn fill<S: Memory<f64>>(settings: &Settings, layers: &mut [Layer<f64, S>]) {
    for (index, layer) in layers.iter_mut().enumerate() {
        let (n_out, n_in) = layer.shape();
        let (weights, bias) = layer.parameters_mut();
        init::fill(settings.init, settings.seed, index as u32, &mut dense_mut(weights, n_out, n_in));
        bias.fill(0.0);
    }
}

fn problem(data: &Dataset<f64>) -> Problem<'_, f64> {
    Problem { x: data.matrix(), target: Target::Classes(data.labels()) }
}

/// The groups' samples side by side.
fn joined<'a>(parts: impl Iterator<Item = MatRef<'a, f64>>) -> Mat {
    parts.map(Mat::of).fold(Mat::zeros(0, 0), |mut all, part| {
        all.data.extend(part.data);
        Mat { rows: part.rows, columns: all.columns + part.columns, data: all.data }
    })
}
