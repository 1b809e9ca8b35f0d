//! The same run as `train` makes it: the host's engine, its tiles, its kernel and its threads.

use std::sync::Arc;

use altmin_core::gemm::Portable;
use altmin_core::loss::Target;
use altmin_core::matrix::Memory;
use altmin_core::method::layer::Layer;
use altmin_core::method::{Partition, Problem};
use altmin_core::view::{MatRef, dense_mut};

use super::dlam_run::DlamRun;
use super::matrix::Mat;
use super::state::State;
use crate::config::{Kernel, Method, Settings};
use crate::convert;
use crate::data::Dataset;
use crate::engine::{Engine, Size, Variables};
use crate::error::{Error, Result};
use crate::gemm_fast::Fast;
use crate::init;
use crate::kernel::AnyGemm;
use crate::schedule::Parallel;

#[derive(Debug)]
enum Run {
    Engine(Box<Engine<f64>>),
    Dlam(Box<DlamRun>),
}

/// A run of a method.
#[derive(Debug)]
pub(super) struct Shadow {
    run: Run,
    executor: Parallel<f64>,
    pool: rayon::ThreadPool,
    gemm: AnyGemm,
    data: Arc<Dataset<f64>>,
}

impl Shadow {
    /// The engine with the initial weights of `settings`.
    pub(super) fn new(settings: &Settings, data: Arc<Dataset<f64>>) -> Result<Self> {
        let gemm = match settings.kernel {
            Kernel::Fast => AnyGemm::Fast(Fast),
            Kernel::Portable => AnyGemm::Portable(Portable),
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .build()
            .map_err(|error| Error::argument("threads", settings.threads, error.to_string()))?;
        let widths = [&[data.n_features()], &settings.hidden[..], &[data.n_classes()]].concat();
        let size = Size { widths, samples: data.n_samples() };
        let (run, scratch) = if settings.method == Method::Dlam {
            let mut run = DlamRun::new(settings, &size, &gemm)?;
            fill(settings, run.layers_mut());
            let scratch = run.scratch();
            (Run::Dlam(Box::new(run)), scratch)
        } else {
            let core = convert::settings::<f64>(settings);
            let mut engine = Engine::new(convert::plan(settings, core), &size, &gemm)?;
            fill(settings, engine.layers_mut());
            let scratch = engine.scratch();
            (Run::Engine(Box::new(engine)), scratch)
        };
        let executor = Parallel::new(settings.threads, scratch);
        Ok(Self { run, executor, pool, gemm, data })
    }

    pub(super) fn initialize(&mut self) -> Result {
        let Self { run, executor, pool, gemm, data } = self;
        Ok(pool.install(|| match run {
            Run::Engine(engine) => engine.initialize(problem(data), executor, gemm),
            Run::Dlam(run) => run.initialize(problem(data), executor, gemm),
        })?)
    }

    pub(super) fn sweep(&mut self) -> Result {
        let Self { run, executor, pool, gemm, data } = self;
        Ok(pool.install(|| match run {
            Run::Engine(engine) => engine.sweep(problem(data), executor, gemm).map(|_| ()),
            Run::Dlam(run) => run.sweep(problem(data), executor, gemm),
        })?)
    }

    /// What the method does between sweeps: DLAM's epsilon goes on.
    pub(super) fn prepare(&mut self) -> Result {
        let Self { run, executor, pool, gemm, data } = self;
        match run {
            Run::Engine(_) => Ok(()),
            Run::Dlam(run) => Ok(pool.install(|| run.set_epsilon(problem(data), executor, gemm))?),
        }
    }

    /// How the samples are cut.
    pub(super) fn partition(&self) -> Partition {
        match &self.run {
            Run::Engine(engine) => engine.partition(),
            Run::Dlam(run) => run.partition(),
        }
    }

    /// The kernel of the products.
    pub(super) fn gemm(&self) -> AnyGemm {
        self.gemm
    }

    /// DLAM's epsilon; infinite for the others.
    pub(super) fn epsilon(&self) -> f64 {
        match &self.run {
            Run::Engine(_) => f64::INFINITY,
            Run::Dlam(run) => run.epsilon(),
        }
    }

    /// The state on whole matrices; the dual only where the engine stores it.
    pub(super) fn state(&self) -> State {
        let layers = match &self.run {
            Run::Engine(engine) => engine.layers(),
            Run::Dlam(run) => run.layers(),
        };
        let count = layers.len();
        let mut state = State {
            weights: layers.iter().map(|layer| Mat::of(layer.weights())).collect(),
            biases: layers.iter().map(|layer| layer.bias().to_vec()).collect(),
            inputs: vec![Mat::of(self.data.matrix())],
            ..State::default()
        };
        let engine = match &self.run {
            Run::Engine(engine) => engine,
            Run::Dlam(run) => {
                run.read(&mut state);
                return state;
            }
        };
        match engine.variables().expect("the engine's methods with theorems can be read") {
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
                for l in 0..count {
                    state
                        .residuals
                        .push(joined(residuals.iter().skip(l).step_by(count).map(|unit| unit.r())));
                }
                for l in 0..count - 1 {
                    let of_layer = || hidden.iter().skip(l).step_by(count - 1);
                    state.linear.push(joined(of_layer().map(|unit| unit.z())));
                    state.inputs.push(joined(of_layer().map(|unit| unit.a())));
                }
                state.linear.push(joined(groups.iter().map(|group| group.z())));
                state.duals.push(joined(groups.iter().map(|group| group.u())));
            }
        }
        state
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
pub(super) fn joined<'a>(parts: impl Iterator<Item = MatRef<'a, f64>>) -> Mat {
    parts.map(Mat::of).fold(Mat::zeros(0, 0), |mut all, part| {
        all.data.extend(part.data);
        Mat { rows: part.rows, columns: all.columns + part.columns, data: all.data }
    })
}
