//! The same run as `train` makes it: the host's engine, its tiles, its kernel and its threads.

use std::sync::Arc;

use altmin_core::gemm::Portable;
use altmin_core::loss::Target;
use altmin_core::method::Problem;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::view::{MatRef, dense_mut};

use super::matrix::Mat;
use super::state::State;
use crate::config::{Kernel, Settings};
use crate::convert;
use crate::data::Dataset;
use crate::engine::{Engine, Size, Variables};
use crate::error::{Error, Result};
use crate::gemm_fast::Fast;
use crate::init;
use crate::kernel::AnyGemm;
use crate::schedule::Parallel;

/// A run of the engine.
#[derive(Debug)]
pub(super) struct Shadow {
    engine: Engine<f64>,
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
        let core = convert::settings::<f64>(settings);
        let mut engine = Engine::new(settings.method, core, &size, DualStorage::Recovered, &gemm)?;
        for (index, layer) in engine.layers_mut().iter_mut().enumerate() {
            let (n_out, n_in) = layer.shape();
            let (weights, bias) = layer.parameters_mut();
            init::fill(settings.init, settings.seed, index as u32, &mut dense_mut(weights, n_out, n_in));
            bias.fill(0.0);
        }
        let executor = Parallel::new(settings.threads, engine.scratch());
        Ok(Self { engine, executor, pool, gemm, data })
    }

    pub(super) fn initialize(&mut self) -> Result {
        let Self { engine, executor, pool, gemm, data } = self;
        Ok(pool.install(|| engine.initialize(problem(data), executor, gemm))?)
    }

    pub(super) fn sweep(&mut self) -> Result {
        let Self { engine, executor, pool, gemm, data } = self;
        pool.install(|| engine.sweep(problem(data), executor, gemm))?;
        Ok(())
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
        match self.engine.variables() {
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
