//! Back-propagation: its gradient against central differences, its steps against the optimiser's on whole matrices.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Network as Blocks, Shape};
use altmin_core::executor::Sequential;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::method::gradient::Gradient;
use altmin_core::method::{AnyMethod, Hyperparameters, Method, Name, Partition};
use altmin_core::optimizer::Optimizer;
use altmin_core::view::{MatMut, MatRef, dense};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Activation, Error, Loss, Regularizer, Result, Target};

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::composed::{ACTIVATIONS, forward, objective};
use crate::common::dense::Mat;
use crate::common::rig::{Order, Permuted, Rig, dense_blocks, parameters as flat, poison};
use crate::common::teacher::{Data, LOSSES, Network};

/// What a run of the method is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) optimizer: Optimizer<f64>,
    pub(crate) activation: Activation<f64>,
    pub(crate) loss: Loss,
    pub(crate) regularizer: Regularizer<f64>,
}

impl Settings {
    pub(crate) fn hyperparameters(&self, batch: Option<usize>) -> Hyperparameters<f64> {
        let Self { loss, regularizer, .. } = *self;
        Hyperparameters { loss, regularizer, batch, ..Default::default() }
    }

    pub(crate) fn blocks(&self, start: &Network) -> Vec<Block<f64>> {
        let widths = start.weights.iter().map(|w| w.rows);
        let widths: Vec<usize> = [start.weights[0].columns].into_iter().chain(widths).collect();
        dense_blocks(&widths, self.activation)
    }
}

pub(crate) const SAMPLES: usize = 90;

fn settings(activation: Activation<f64>, loss: Loss, regularizer: Regularizer<f64>) -> Settings {
    Settings { optimizer: Optimizer::gd(0.1), activation, loss, regularizer }
}

pub(crate) fn plain(optimizer: Optimizer<f64>) -> Settings {
    Settings { optimizer, ..settings(Activation::Relu, Loss::CrossEntropy, Regularizer::L2(0.5)) }
}

/// Every activation, loss and regulariser.
fn variations() -> Vec<Settings> {
    let mut all = Vec::new();
    for activation in ACTIVATIONS {
        for loss in LOSSES {
            for regularizer in [Regularizer::None, Regularizer::L2(3.0)] {
                all.push(settings(activation, loss, regularizer));
            }
        }
    }
    all
}

pub(crate) fn small() -> (Data, Network) {
    (Data::new(5, 3, SAMPLES, 1), Network::new(&[5, 7, 6, 3], 2))
}

fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

fn with_parameter(network: &Network, index: usize, change: f64) -> Network {
    let mut moved = network.clone();
    let all = moved.weights.iter_mut().zip(&mut moved.biases);
    let parameter = all.flat_map(|(w, b)| w.data.iter_mut().chain(&mut b.data)).nth(index).unwrap();
    *parameter += change;
    moved
}

/// The mean objective of the samples that `batch` names: the mean R over them, and Omega/M.
fn mean_objective(settings: Settings, network: &Network, data: &Data, batch: &[u32]) -> f64 {
    let chosen = |m: &Mat| Mat::from_fn(m.rows, batch.len(), |i, j| m.at(i, batch[j] as usize));
    let of = |regularizer, x: &Mat, y: &Mat| {
        objective((settings.activation, settings.loss, regularizer), network, x, y)
    };
    let risk = of(Regularizer::None, &chosen(&data.x), &chosen(&data.y)) / batch.len() as f64;
    let nothing = Mat::zeros(data.x.rows, 0);
    risk + of(settings.regularizer, &nothing, &Mat::zeros(data.y.rows, 0)) / SAMPLES as f64
}

fn differences(settings: Settings, network: &Network, data: &Data, batch: &[u32]) -> Vec<f64> {
    let h = 1e-5;
    let at = |index, h| mean_objective(settings, &with_parameter(network, index, h), data, batch);
    (0..flat(network).len()).map(|index| (at(index, h) - at(index, -h)) / (2.0 * h)).collect()
}

type Trained<'d> = Rig<'d, Gradient<f64>>;

/// A step so long that rounding of the parameters is far below that of the gradient.
const LONG: f64 = (1_u32 << 20) as f64;

/// The gradient at these weights, as a step of gradient descent from all samples, or from those that `batch` names, has it.
pub(crate) fn gradient(
    settings: Settings,
    (data, network): (&Data, &Network),
    batch: Option<&[u32]>,
) -> Vec<f64> {
    let settings = Settings { optimizer: Optimizer::gd(LONG), ..settings };
    let after = flat(&stepped(settings, (data, network), batch, 1).network());
    flat(network).iter().zip(&after).map(|(before, after)| (before - after) / LONG).collect()
}

/// Samples of a mini-batch at most, and of the largest there are.
const BATCH: usize = 50;
const LARGEST: usize = 45;

/// The method, in mini-batches or over all samples.
fn rig<'d>(
    settings: Settings,
    (data, start): (&'d Data, &Network),
    batch: Option<usize>,
    partition: Partition,
) -> Result<Trained<'d>> {
    let (blocks, input) = (settings.blocks(start), Shape::flat(data.x.rows));
    Rig::of_blocks(blocks, Vec::new(), input, &flat(start), data.problem(), |run| {
        Gradient::with_partition(settings.optimizer, &settings.hyperparameters(batch), partition, run)
    })
}

/// The method after `steps` steps from all samples, or from those that `batch` names.
fn stepped<'d>(
    settings: Settings,
    (data, start): (&'d Data, &Network),
    batch: Option<&[u32]>,
    steps: usize,
) -> Trained<'d> {
    let (size, largest) = if batch.is_some() { (Some(BATCH), LARGEST) } else { (None, data.x.columns) };
    let mut rig = rig(settings, (data, start), size, groups(largest)).unwrap();
    rig.initialize().unwrap();
    for _ in 0..steps {
        rig.sweep_in(batch).unwrap();
    }
    rig
}

#[test]
fn the_gradient_is_that_of_central_differences() {
    let (data, start) = small();
    let all: Vec<u32> = (0..SAMPLES as u32).collect();
    // Not in order, one twice.
    let batch: Vec<u32> = (0..40).map(|j| (j * 37 + 5) % SAMPLES as u32).chain([5]).collect();
    for settings in variations() {
        for chosen in [None, Some(&batch[..])] {
            let expected = differences(settings, &start, &data, chosen.unwrap_or(&all));
            let found = gradient(settings, (&data, &start), chosen);
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let error = (found - expected).abs();
                assert!(error < 1e-6, "{settings:?}, parameter {index}: {found}, {expected}");
            }
            assert!(expected.iter().any(|g| g.abs() > 1e-2));
        }
    }
}

/// Batches so small beside the weights that groups leave their samples' inputs and signals, and no gradient.
#[test]
fn the_gradient_of_few_samples_is_that_of_central_differences() {
    let (data, network) = (Data::new(12, 3, SAMPLES, 1), Network::new(&[12, 30, 20, 3], 2));
    let batch = [7, 80, 3, 41, 7];
    for (activation, loss) in [(Activation::Tanh, Loss::CrossEntropy), (Activation::Softplus, LOSSES[1])] {
        let settings = settings(activation, loss, Regularizer::L2(3.0));
        let long = Settings { optimizer: Optimizer::gd(LONG), ..settings };
        let mut rig = rig(long, (&data, &network), Some(5), Partition::new(5, 2, 3)).unwrap();
        rig.initialize().unwrap();
        let before = rig.scalars.len();
        // Three groups' gradients would take more than all that is kept.
        assert!(before < 3 * flat(&network).len(), "{before}");
        let report = rig.sweep_in(Some(&batch)).unwrap();
        let after = flat(&rig.network());
        let expected = differences(settings, &network, &data, &batch);
        for ((before, after), expected) in flat(&network).iter().zip(after).zip(&expected) {
            let found = (before - after) / LONG;
            assert!((found - expected).abs() < 1e-8 * expected.abs().max(1.0), "{found} {expected}");
        }
        let norm = expected.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!((report.dual_residual - SAMPLES as f64 * norm).abs() < 1e-7 * SAMPLES as f64 * norm);
    }
}

/// R and the number of right answers of the samples that `batch` names, counted here.
fn counted(settings: Settings, network: &Network, data: &Data, batch: &[u32]) -> (f64, f64) {
    let chosen = |m: &Mat| Mat::from_fn(m.rows, batch.len(), |i, j| m.at(i, batch[j] as usize));
    let (x, y) = (chosen(&data.x), chosen(&data.y));
    let (_, z) = forward(settings.activation, network, &x);
    let z = z.last().unwrap();
    let best = |column: &[f64]| (0..column.len()).max_by(|&a, &b| column[a].total_cmp(&column[b]));
    let right = (0..batch.len()).filter(|&j| best(z.column(j)) == best(y.column(j))).count();
    (objective((settings.activation, settings.loss, Regularizer::None), network, &x, &y), right as f64)
}

#[test]
fn mini_batches_tell_what_they_saw_before_their_steps() {
    let (data, network) = small();
    let order: Vec<u32> = (0..SAMPLES as u32).rev().collect();
    let settings = plain(Optimizer::gd(0.1));
    let mut rig = rig(settings, (&data, &network), Some(BATCH), groups(LARGEST)).unwrap();
    rig.initialize().unwrap();
    let (first, second) = order.split_at(LARGEST);
    let between = stepped(settings, (&data, &network), Some(first), 1).network();
    let (a, b) = (counted(settings, &network, &data, first), counted(settings, &between, &data, second));
    let seen = rig.sweep_in(Some(&order)).unwrap().seen.unwrap();
    assert!((seen.risk - a.0 - b.0).abs() < 1e-10 * seen.risk, "{seen:?} {a:?} {b:?}");
    assert_eq!(seen.score, a.1 + b.1);
    assert!(seen.score > 0.0);
    let whole = stepped(settings, (&data, &network), None, 1).sweep().unwrap();
    assert!(whole.seen.is_none());
}

#[test]
fn the_report_tells_of_the_weights_before_the_step() {
    let (data, start) = small();
    for settings in variations() {
        let triple = (settings.activation, settings.loss, settings.regularizer);
        let mut rig = stepped(settings, (&data, &start), None, 3);
        let slope = gradient(settings, (&data, &rig.network()), None);
        let before = rig.sweep().unwrap();
        let (network, after) = (rig.network(), rig.objective().unwrap());
        let expected = objective(triple, &network, &data.x, &data.y);
        assert!((after - expected).abs() < 1e-10 * expected, "{settings:?}");
        assert!(before.objective > after && !before.rejected, "{settings:?}: a step uphill");
        let norm = slope.iter().map(|g| g * g).sum::<f64>().sqrt() * SAMPLES as f64;
        assert!((before.dual_residual - norm).abs() < 1e-9 * norm);
    }
}

#[test]
fn parameters_follow_the_optimizer() {
    let (data, start) = small();
    for optimizer in [
        Optimizer::gd(0.1),
        Optimizer::momentum(0.1, 0.5, true),
        Optimizer::adagrad(0.1),
        Optimizer::adadelta(1.0),
        Optimizer::adam(0.01),
    ] {
        let settings = plain(optimizer);
        let mut parameters = flat(&start);
        let (mut first, mut second) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
        for t in 1..=4 {
            let before = stepped(settings, (&data, &start), None, t - 1).network();
            let gradient = gradient(settings, (&data, &before), None);
            optimizer.step(t as u64, &gradient, &mut first, &mut second, &mut parameters).unwrap();
            let found = flat(&stepped(settings, (&data, &start), None, t).network());
            for (found, expected) in found.iter().zip(&parameters) {
                assert!((found - expected).abs() < 1e-9, "{optimizer:?}, step {t}: {found}, {expected}");
            }
        }
    }
}

#[test]
fn stretches_and_the_order_of_units_change_no_bit() {
    // Two stretches of weights in the first layer.
    let (data, start) = (Data::new(100, 3, SAMPLES, 1), Network::new(&[100, 90, 3], 2));
    let settings = plain(Optimizer::adam(0.01));
    let straight = stepped(settings, (&data, &start), None, 3).network();
    for order in [Order::Backward, Order::Shuffled] {
        let mut rig = rig(settings, (&data, &start), None, groups(SAMPLES)).unwrap();
        let mut executor = Permuted::new(order, poison(rig.scratch()));
        rig.initialize_on(&mut executor).unwrap();
        for _ in 0..3 {
            rig.sweep_on(&mut executor).unwrap();
        }
        assert!(rig.network() == straight, "{order:?}");
    }
    let gradient = gradient(settings, (&data, &start), None);
    let all: Vec<u32> = (0..SAMPLES as u32).collect();
    for index in [0, 8191, 8192, 8999, 9000, 9089, 9090, 9359, 9362] {
        let at = |h| mean_objective(settings, &with_parameter(&start, index, h), &data, &all);
        let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((gradient[index] - expected).abs() < 1e-6, "{index}: {}, {expected}", gradient[index]);
    }
}

#[test]
fn one_sample_one_layer_no_sample() {
    for (data, start) in [
        (Data::new(5, 3, 1, 1), Network::new(&[5, 7, 3], 2)),
        (Data::new(5, 3, 60, 1), Network::new(&[5, 3], 2)),
        (Data::new(5, 3, 0, 1), Network::new(&[5, 7, 3], 2)),
    ] {
        let settings = Settings { regularizer: Regularizer::None, ..plain(Optimizer::adam(0.01)) };
        let mut rig = stepped(settings, (&data, &start), None, 0);
        let reports: Vec<f64> = (0..5).map(|_| rig.sweep().unwrap().objective).collect();
        assert!(reports.windows(2).all(|pair| pair[1] < pair[0] || data.x.columns == 0), "{reports:?}");
    }
}

#[test]
fn what_does_not_fit_or_is_not_finite_is_refused() {
    let (mut data, start) = small();
    let bad_rate = plain(Optimizer::gd(-1.0));
    let l1 = Settings { regularizer: Regularizer::L1(0.1), ..plain(Optimizer::gd(1.0)) };
    let name_of = |result: Result<Trained<'_>>| match result.map(|_| ()) {
        Err(Error::Setting { name, .. }) => name,
        Err(Error::Shape { argument, .. }) => argument,
        other => panic!("{other:?}"),
    };
    let good = plain(Optimizer::gd(0.1));
    for (expected, settings, batch, samples) in [
        ("rate", bad_rate, None, SAMPLES),
        ("l1 regulariser", l1, None, SAMPLES),
        ("batch", good, Some(0), SAMPLES),
        ("partition", good, None, SAMPLES - 1),
        ("partition", good, Some(BATCH), SAMPLES),
    ] {
        let refused = rig(settings, (&data, &start), batch, groups(samples));
        assert_eq!(name_of(refused), expected);
    }
    let other = Network::new(&[6, 4, 3], 1);
    let blocks = good.blocks(&other);
    let problem = data.problem();
    let refused = Rig::of_blocks(blocks, Vec::new(), Shape::flat(6), &flat(&other), problem, |run| {
        Gradient::gd(&good.hyperparameters(None), run)
    });
    assert_eq!(name_of(refused), "x");
    // A state of another length, by one element of either list.
    let mut rig = stepped(good, (&data, &start), None, 0);
    for (argument, scalars, numbers) in [("scalars", 1, 0), ("numbers", 0, 1)] {
        rig.scalars.truncate(rig.scalars.len() - scalars);
        rig.numbers.truncate(rig.numbers.len() - numbers);
        let refused = rig.sweep();
        assert!(matches!(refused, Err(Error::Length { argument: name, .. }) if name == argument));
        rig.scalars.resize(rig.scalars.len() + scalars, 0.0);
        rig.numbers.resize(rig.numbers.len() + numbers, 0.0);
    }
    let refused = stepped(good, (&data, &start), Some(&[3]), 1).sweep_in(Some(&[3, SAMPLES as u32]));
    assert!(matches!(refused, Err(Error::Setting { name: "batch", .. })), "{refused:?}");
    data.x.set(0, 3, f64::NAN);
    let mut rig = stepped(good, (&data, &start), None, 0);
    let refused = rig.sweep();
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
    assert!(rig.network() == start, "the weights moved by what is not finite");
}

#[test]
fn samples_that_lie_side_by_side_are_batches_in_order() {
    let (data, start) = small();
    let settings = plain(Optimizer::adam(0.01));
    let order: Vec<u32> = (0..SAMPLES as u32).collect();
    for size in [1, 7, 45, 89] {
        let count = SAMPLES.div_ceil(size);
        let partition = groups(SAMPLES.div_ceil(count));
        let trained = |order: Option<&[u32]>| {
            let mut rig = rig(settings, (&data, &start), Some(size), partition).unwrap();
            rig.initialize().unwrap();
            let sweeps = [0; 3].map(|_| rig.sweep_in(order).unwrap());
            let steps = rig.with(|method, run, state, _| method.variables(run, state).unwrap().steps);
            assert_eq!(steps, 3 * count as u64);
            (rig.network(), sweeps)
        };
        assert!(trained(None) == trained(Some(&order)), "{size}");
    }
    // A batch that would hold all samples is none: no order of them matters.
    let whole = |batch, order: Option<&[u32]>| {
        let mut rig = rig(settings, (&data, &start), batch, groups(SAMPLES)).unwrap();
        rig.initialize().unwrap();
        rig.sweep_in(order).unwrap();
        rig.network()
    };
    let backward: Vec<u32> = order.iter().rev().copied().collect();
    assert!(whole(None, None) == whole(Some(SAMPLES), Some(&backward)));
}

#[test]
fn each_name_has_its_optimizer() {
    let (data, start) = small();
    let settings = plain(Optimizer::gd(0.05));
    let hyperparameters = Hyperparameters { learning_rate: 0.05, ..settings.hyperparameters(None) };
    for (name, optimizer) in [
        (Name::Gd, Optimizer::gd(0.05)),
        (Name::Adagrad, Optimizer::adagrad(0.05)),
        (Name::Adadelta, Optimizer::adadelta(0.05)),
        (Name::Adam, Optimizer::adam(0.05)),
        (Name::Adamw, Optimizer::adam(0.05)),
    ] {
        let (blocks, input) = (settings.blocks(&start), Shape::flat(5));
        let mut any = Rig::of_blocks(blocks, Vec::new(), input, &flat(&start), data.problem(), |run| {
            AnyMethod::new(name, &hyperparameters, run)
        })
        .unwrap();
        any.initialize().unwrap();
        any.sweep().unwrap();
        let one = any.with(|method, _, _, _| match method {
            AnyMethod::Gd(one)
            | AnyMethod::Adagrad(one)
            | AnyMethod::Adadelta(one)
            | AnyMethod::Adam(one)
            | AnyMethod::Adamw(one) => one.optimizer(),
            _ => panic!("{name:?}"),
        });
        assert_eq!(one, optimizer);
        let settings = Settings { optimizer, ..settings };
        let expected = stepped(settings, (&data, &start), None, 1).network();
        // Other groups than those of the tests: other rounding.
        let found = any.network();
        assert!(crate::common::teacher::farthest(&found, &expected) < 1e-9, "{name:?}");
    }
}

/// Networks over images of 2 x 6 x 5: the first map is behind blocks without any, is a convolution, is a residual pair's.
fn images() -> Vec<Vec<Block<f64>>> {
    let tanh = Block::Activation(Activation::Tanh);
    let dense = |outputs| Block::Dense { outputs };
    let pair = |outputs, stride| Block::Residual(Residual { outputs, stride, activation: Activation::Tanh });
    let pool = Window { size: 2, stride: 2 };
    vec![
        vec![Block::AveragePool(pool), tanh, Block::Flatten, dense(6), tanh, dense(3)],
        vec![Block::Conv(Conv::square(3, 3, 1, 1)), tanh, Block::MaxPool(pool), Block::Flatten, dense(3)],
        vec![pair(3, 2), pair(3, 1), Block::GlobalAveragePool, tanh, dense(3)],
        vec![Block::Flatten, dense(5), tanh, Block::ResidualDense(Activation::Tanh), dense(3)],
    ]
}

#[test]
fn gradients_of_all_blocks_are_those_of_central_differences() {
    let input = Shape { channels: 2, height: 6, width: 5 };
    let data = Data::new(input.features(), 3, 20, 4);
    for blocks in images() {
        let network = Blocks::new(&blocks, input).unwrap();
        let count = network.parameters();
        let start = crate::common::Random::new(3).matrix(count, 1).map(|w| 0.4 * w).data;
        for (batch, chosen) in [(None, 0..20_usize), (Some(7), 0..7)] {
            let loss = Loss::CrossEntropy;
            let hyperparameters = Hyperparameters { batch, loss, ..Default::default() };
            let mut rig = Rig::of_blocks(blocks.clone(), Vec::new(), input, &start, data.problem(), |run| {
                Gradient::new(Optimizer::gd(LONG), &hyperparameters, run)
            })
            .unwrap();
            rig.initialize().unwrap();
            let order: Vec<u32> = chosen.clone().map(|j| j as u32).collect();
            rig.sweep_in(batch.is_some().then_some(&order)).unwrap();
            let moved = start.iter().zip(&rig.scalars);
            let found: Vec<f64> = moved.map(|(before, after)| (before - after) / LONG).collect();
            let mut scratch = vec![0.0; network.workspace(&Portable, 20).elements()];
            let mut mean = |parameters: &[f64]| {
                let mut record = vec![0.0; network.record(20)];
                let x = dense(&data.x.data, data.x.rows, 20);
                network.forward(&Portable, parameters, &x, &mut record, Stack::new(&mut scratch)).unwrap();
                let z = network.output_of(&record, 20);
                let value = |j: usize| {
                    loss.value(z.columns(j, 1).as_view(), Target::Classes(&data.classes[j..=j])).unwrap()
                };
                chosen.clone().map(value).sum::<f64>() / chosen.len() as f64
            };
            for index in 0..count {
                let mut at = |h: f64| {
                    let mut moved = start.clone();
                    moved[index] += h;
                    mean(&moved)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                let error = (found[index] - expected).abs();
                assert!(error < 1e-7, "{blocks:?}, {batch:?}, {index}: {} {expected}", found[index]);
            }
        }
    }
}

/// Counts products.
#[derive(Default)]
struct Counting {
    products: AtomicUsize,
}

impl Gemm<f64> for Counting {
    fn gemm(
        &self,
        alpha: f64,
        a: MatRef<'_, f64>,
        op_a: Transpose,
        b: MatRef<'_, f64>,
        op_b: Transpose,
        beta: f64,
        c: MatMut<'_, f64>,
        stack: Stack<'_, f64>,
    ) -> Result {
        self.products.fetch_add(1, Ordering::Relaxed);
        Portable.gemm(alpha, a, op_a, b, op_b, beta, c, stack)
    }

    fn syrk(
        &self,
        alpha: f64,
        a: MatRef<'_, f64>,
        beta: f64,
        c: MatMut<'_, f64>,
        stack: Stack<'_, f64>,
    ) -> Result {
        Portable.syrk(alpha, a, beta, c, stack)
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> Requirement {
        Gemm::<f64>::workspace(&Portable, m, n, k)
    }
}

#[test]
fn the_first_map_takes_nothing_back_whatever_lies_below_it() {
    let tanh = Block::Activation(Activation::Tanh);
    let dense = |outputs| Block::Dense { outputs };
    let input = Shape { channels: 1, height: 4, width: 4 };
    let data = Data::new(input.features(), 3, 16, 4);
    let pool = Block::AveragePool(Window { size: 2, stride: 2 });
    for below in [vec![Block::Flatten], vec![tanh, Block::Flatten, tanh], vec![pool, Block::Flatten]] {
        let blocks = [below, vec![dense(6), tanh, dense(5), tanh, dense(3)]].concat();
        let count = Blocks::new(&blocks, input).unwrap().parameters();
        let start = crate::common::Random::new(3).matrix(count, 1).data;
        let mut rig = Rig::of_blocks(blocks, Vec::new(), input, &start, data.problem(), |run| {
            let partition = Partition::new(16, 16, 1);
            Gradient::with_partition(Optimizer::gd(1e-3), &Hyperparameters::default(), partition, run)
        })
        .unwrap();
        rig.initialize().unwrap();
        let counting = Counting::default();
        rig.with(|method, run, state, scratch| {
            method.sweep(run, state, None, &mut Sequential::new(scratch), &counting).unwrap();
        });
        // Three forward, three gradients, two back.
        assert_eq!(counting.products.into_inner(), 8);
    }
}
