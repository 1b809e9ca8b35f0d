//! Sweeps timed against the products that they need.

pub mod busy;
mod epoch;
pub mod pipeline;
pub mod prediction;
pub mod products;
mod reference;
pub mod scaling;

pub use epoch::{EpochReport, Measured, epoch};

use std::time::{Duration, Instant};

use altmin_core::Real;
use altmin_core::block::Shape;
use altmin_core::loss::Target;
use altmin_core::method::{Problem, Products};
use altmin_core::view::dense;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::network::Network;
use crate::network::blocks::dense_blocks;
use crate::random::{self, Purpose};
use crate::run::engine::Engine;
use crate::run::executor::Parallel;
use crate::run::kernel::AnyGemm;
use crate::run::memory::peak_rss_bytes;
use crate::run::plan;
use crate::settings::{Kernel, Method, Precision, Settings, StepRule, TrainOptions, Use};
use products::{product_flops, sweep_products};
use reference::Reference;

/// Sweeps that are timed at least, and the time after which no more are begun.
const LEAST_SWEEPS: usize = 5;
const MOST_SWEEPS: usize = 25;
const ENOUGH: Duration = Duration::from_secs(40);

/// What is timed.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchSettings {
    /// The method.
    pub method: Method,
    /// Step rule of the weights.
    pub step: StepRule,
    /// Step rule of the inputs.
    pub input_step: StepRule,
    /// All widths, from the input's features to the outputs: at least two, none 0.
    pub layers: Vec<usize>,
    /// Samples, at least 1.
    pub samples: usize,
    /// Scalar type.
    pub precision: Precision,
    /// Threads, at least 1.
    pub threads: usize,
    /// Matrix product.
    pub kernel: Kernel,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BenchReport {
    /// Median seconds of a sweep.
    pub sweep_seconds: f64,
    /// Floating-point operations of the products that a sweep needs: [`product_flops`].
    pub product_flops: f64,
    /// `product_flops / sweep_seconds`, in 1e9 a second.
    pub sweep_gflops: f64,
    /// The rate at which the product itself does the same work over many samples at once, in 1e9 operations a second:
    /// each shape at the best median of three kinds of product, on the same threads.
    pub gemm_gflops: f64,
    /// `sweep_gflops / gemm_gflops`.
    pub efficiency: f64,
    /// Bytes that are carried from sweep to sweep.
    pub state_bytes: usize,
    /// The most memory that the process has held, in bytes; none where the system does not tell.
    pub peak_rss_bytes: Option<usize>,
    /// What more than one thread gains, against one thread in the same process; none with one thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(flatten)]
    pub scaling: Option<Scaling>,
}

/// Speed with all threads over speed with one, sweeps and products taken in turn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scaling {
    /// Of a sweep.
    pub sweep_speedup: f64,
    /// Of the product.
    pub gemm_speedup: f64,
    /// `sweep_speedup / gemm_speedup`.
    pub relative_speedup: f64,
}

/// Times sweeps on random data, and the products in turn with them.
///
/// # Errors
/// [`Error::Argument`] for settings out of range, [`Error::Core`] if the method diverges on random data.
pub fn sweep(settings: &BenchSettings) -> Result<BenchReport> {
    match settings.precision {
        Precision::F32 => sweep_in::<f32>(settings),
        Precision::F64 => sweep_in::<f64>(settings),
    }
}

fn sweep_in<T: Real>(bench: &BenchSettings) -> Result<BenchReport> {
    let made_up = MadeUp::<T>::new(bench)?;
    let MadeUp { settings, network, .. } = &made_up;
    let (problem, gemm) = (made_up.problem(), AnyGemm::of(bench.kernel));
    let mut engine = made_up.engine(&gemm)?;
    let input_rule = settings.input_rule();
    let mut reference =
        Reference::<T>::new(sweep_products(bench.method, &input_rule, &bench.layers), bench.samples);
    let scratch = engine.scratch().or(reference.scratch(&gemm));
    let counts = if bench.threads > 1 { vec![bench.threads, 1] } else { vec![1] };
    let mut pools = counts
        .iter()
        .map(|&threads| TimedPool::new(threads, scratch))
        .collect::<Result<Vec<TimedPool<T>>>>()?;
    let TimedPool { pool, executor, .. } = &mut pools[0];
    // The first sweep touches all memory for the first time.
    pool.install(|| engine.initialize(problem, executor, &gemm))?;
    pool.install(|| engine.sweep(problem, executor, &gemm))?;
    let begin = Instant::now();
    for round in 0..MOST_SWEEPS {
        if round >= LEAST_SWEEPS && begin.elapsed() > ENOUGH {
            break;
        }
        for TimedPool { threads, pool, executor, sweeps, products } in &mut pools {
            let start = Instant::now();
            pool.install(|| engine.sweep(problem, executor, &gemm))?;
            sweeps.push(start.elapsed().as_secs_f64());
            pool.install(|| reference.time(*threads, &gemm, executor, products))?;
        }
    }
    let flops = product_flops(bench.method, &input_rule, &bench.layers, bench.samples);
    let rates: Vec<Rates> = pools.iter_mut().map(|pool| pool.rates(&reference)).collect();
    let all = rates[0];
    Ok(BenchReport {
        sweep_seconds: all.sweep_seconds,
        product_flops: flops,
        sweep_gflops: flops / all.sweep_seconds / 1e9,
        gemm_gflops: flops / all.product_seconds / 1e9,
        efficiency: all.product_seconds / all.sweep_seconds,
        state_bytes: plan::state_bytes(settings, network, &[], bench.samples),
        peak_rss_bytes: peak_rss_bytes(),
        scaling: rates.get(1).map(|one| {
            let sweep_speedup = one.sweep_seconds / all.sweep_seconds;
            let gemm_speedup = one.product_seconds / all.product_seconds;
            Scaling { sweep_speedup, gemm_speedup, relative_speedup: sweep_speedup / gemm_speedup }
        }),
    })
}

/// A network on random data.
struct MadeUp<T> {
    settings: Settings,
    network: Network,
    x: Vec<T>,
    labels: Vec<u32>,
}

impl<T: Real> MadeUp<T> {
    fn new(bench: &BenchSettings) -> Result<Self> {
        let settings = training_settings(bench)?;
        let (features, classes) = (bench.layers[0], bench.layers[bench.layers.len() - 1]);
        let hidden = &bench.layers[1..bench.layers.len() - 1];
        let network =
            Network::new(dense_blocks(hidden, settings.activation, classes), Shape::flat(features))?;
        let (x, labels) = random_data(features, classes, bench.samples);
        Ok(Self { settings, network, x, labels })
    }

    fn problem(&self) -> Problem<'_, T> {
        let samples = self.labels.len();
        Problem { x: dense(&self.x, self.x.len() / samples, samples), target: Target::Classes(&self.labels) }
    }

    /// The method with initial weights.
    fn engine(&self, gemm: &AnyGemm) -> Result<Engine<T>> {
        let Self { settings, network, .. } = self;
        let mut engine = plan::engine(settings, &settings.hyperparameters(), network, self.problem(), gemm)?;
        engine.parameters_mut().copy_from_slice(&plan::initial_parameters(settings, network)?);
        Ok(engine)
    }
}

/// Operations a second of a large product on so many threads.
///
/// # Errors
/// [`Error::Argument`] for threads that cannot be started.
pub fn rate(kernel: Kernel, precision: Precision, threads: usize) -> Result<f64> {
    match precision {
        Precision::F32 => rate_in::<f32>(kernel, threads),
        Precision::F64 => rate_in::<f64>(kernel, threads),
    }
}

fn rate_in<T: Real>(kernel: Kernel, threads: usize) -> Result<f64> {
    const WIDTH: usize = 512;
    const SAMPLES: usize = 4096;
    const ROUNDS: usize = 5;
    let gemm = AnyGemm::of(kernel);
    let mut reference =
        Reference::<T>::new(vec![Products { n_out: WIDTH, n_in: WIDTH, count: 1.0 }], SAMPLES);
    let mut timed = TimedPool::<T>::new(threads, reference.scratch(&gemm))?;
    let TimedPool { pool, executor, products, .. } = &mut timed;
    // The first touches all memory for the first time.
    pool.install(|| reference.time(threads, &gemm, executor, &mut Vec::new()))?;
    for _ in 0..ROUNDS {
        pool.install(|| reference.time(threads, &gemm, executor, products))?;
    }
    let medians: Vec<f64> = products.iter_mut().map(|times| median(times)).collect();
    Ok(2.0 * (WIDTH * WIDTH * SAMPLES) as f64 / reference.seconds(&medians))
}

/// A pool with its own scratch and its times.
struct TimedPool<T> {
    threads: usize,
    pool: rayon::ThreadPool,
    executor: Parallel<T>,
    sweeps: Vec<f64>,
    products: Vec<Vec<f64>>,
}

#[derive(Clone, Copy)]
struct Rates {
    sweep_seconds: f64,
    product_seconds: f64,
}

impl<T: Real> TimedPool<T> {
    fn new(threads: usize, scratch: altmin_core::workspace::Requirement) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Error::argument("threads", threads, error.to_string()))?;
        let executor = Parallel::new(threads, scratch)?;
        Ok(Self { threads, pool, executor, sweeps: Vec::new(), products: Vec::new() })
    }

    fn rates(&mut self, reference: &Reference<T>) -> Rates {
        let medians: Vec<f64> = self.products.iter_mut().map(|times| median(times)).collect();
        Rates { sweep_seconds: median(&mut self.sweeps), product_seconds: reference.seconds(&medians) }
    }
}

/// The middle one, or the mean of the two middle ones.
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    if times.len().is_multiple_of(2) { (times[middle - 1] + times[middle]) / 2.0 } else { times[middle] }
}

/// The defaults of `train` for everything that a bench does not set.
fn training_settings(bench: &BenchSettings) -> Result<Settings> {
    if bench.method.card().uses(Use::Subnetworks) {
        let expected = "a method without subnetworks (`bench epoch` times subnetworks)";
        return Err(Error::argument("method", bench.method, expected));
    }
    let mut settings = TrainOptions {
        method: Some(bench.method),
        step: Some(bench.step),
        input_step: Some(bench.input_step),
        ..TrainOptions::default()
    }
    .resolve()?;
    (settings.threads, settings.precision) = (bench.threads, bench.precision);
    Ok(settings)
}

/// Uniform features and classes in turn: what the numbers are does not matter to the time that products take.
fn random_data<T: Real>(features: usize, classes: usize, samples: usize) -> (Vec<T>, Vec<u32>) {
    let value = |index: usize| T::from_f64(random::uniform(0, Purpose::Features, 0, index as u64));
    let x = (0..features * samples).map(value).collect();
    (x, (0..samples).map(|sample| (sample % classes) as u32).collect())
}
