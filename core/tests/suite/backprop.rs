//! Back-propagation: its gradient against central differences, its steps against the optimiser's on whole matrices.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::Partition;
use altmin_core::method::backprop::{BackProp, Settings};
use altmin_core::optimizer::Optimizer;
use altmin_core::{Activation, Error, Loss, Regularizer};

use crate::common::composed::{ACTIVATIONS, BackMemory, objective};
use crate::common::dense::Mat;
use crate::common::state::{Memory, Order, Permuted, network};
use crate::common::teacher::{Data, LOSSES, Network};

const SAMPLES: usize = 90;

fn settings(activation: Activation<f64>, loss: Loss, regularizer: Regularizer<f64>) -> Settings<f64> {
    Settings { optimizer: Optimizer::gd(0.1), activation, loss, regularizer }
}

fn plain(optimizer: Optimizer<f64>) -> Settings<f64> {
    Settings { optimizer, ..settings(Activation::Relu, Loss::CrossEntropy, Regularizer::L2(0.5)) }
}

/// Every activation, loss and regulariser.
fn variations() -> Vec<Settings<f64>> {
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

fn small() -> (Data, Network) {
    (Data::new(5, 3, SAMPLES, 1), Network::new(&[5, 7, 6, 3], 2))
}

fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

/// Weights and biases of a network, one after the other.
fn flat(network: &Network) -> Vec<f64> {
    network
        .weights
        .iter()
        .zip(&network.biases)
        .flat_map(|(w, b)| [&w.data[..], &b.data[..]].concat())
        .collect()
}

fn with_parameter(network: &Network, index: usize, change: f64) -> Network {
    let mut moved = network.clone();
    let all = moved.weights.iter_mut().zip(&mut moved.biases);
    let parameter = all.flat_map(|(w, b)| w.data.iter_mut().chain(&mut b.data)).nth(index).unwrap();
    *parameter += change;
    moved
}

/// The mean objective of the samples that `batch` names: the mean R over them, and Omega/M.
fn mean_objective(settings: Settings<f64>, network: &Network, data: &Data, batch: &[u32]) -> f64 {
    let chosen = |m: &Mat| Mat::from_fn(m.rows, batch.len(), |i, j| m.at(i, batch[j] as usize));
    let of = |regularizer, x: &Mat, y: &Mat| {
        objective((settings.activation, settings.loss, regularizer), network, x, y)
    };
    let risk = of(Regularizer::None, &chosen(&data.x), &chosen(&data.y)) / batch.len() as f64;
    let nothing = Mat::zeros(data.x.rows, 0);
    risk + of(settings.regularizer, &nothing, &Mat::zeros(data.y.rows, 0)) / SAMPLES as f64
}

fn differences(settings: Settings<f64>, network: &Network, data: &Data, batch: &[u32]) -> Vec<f64> {
    let h = 1e-5;
    let at = |index, h| mean_objective(settings, &with_parameter(network, index, h), data, batch);
    (0..flat(network).len()).map(|index| (at(index, h) - at(index, -h)) / (2.0 * h)).collect()
}

fn gradient(method: &BackProp<'_, f64, Memory>) -> Vec<f64> {
    let of = |l| [method.gradient(l).0, method.gradient(l).1].concat();
    (0..method.layers().len()).flat_map(of).collect()
}

/// A method after `steps` steps from all samples, or from those that `batch` names, in the hands of `body`.
fn stepped<A>(
    settings: Settings<f64>,
    (data, start): (&Data, &Network),
    batch: Option<&[u32]>,
    steps: usize,
    body: impl FnOnce(&mut BackProp<'_, f64, Memory>, &mut Sequential<'_, f64>) -> A,
) -> A {
    let partition = groups(batch.map_or(SAMPLES, |batch| batch.len() + 10));
    let mut memory = BackMemory::new(&settings, start, partition);
    let (state, scratch) = memory.split();
    let mut method = BackProp::new(settings, partition, data.problem(), state).unwrap();
    let mut executor = Sequential::new(scratch);
    method.initialize();
    for _ in 0..steps {
        match batch {
            None => drop(method.sweep(&mut executor, &Portable).unwrap()),
            Some(batch) => method.step_batch(&mut executor, &Portable, batch).unwrap(),
        }
    }
    body(&mut method, &mut executor)
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
            let found = stepped(settings, (&data, &start), chosen, 1, |method, _| gradient(method));
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let error = (found - expected).abs();
                assert!(error < 1e-6, "{settings:?}, parameter {index}: {found}, {expected}");
            }
            assert!(expected.iter().any(|g| g.abs() > 1e-2));
        }
    }
}

#[test]
fn the_report_tells_of_the_weights_before_the_step() {
    let (data, start) = small();
    for settings in variations() {
        let triple = (settings.activation, settings.loss, settings.regularizer);
        let (before, network, after, slope) =
            stepped(settings, (&data, &start), None, 3, |method, executor| {
                let report = method.sweep(executor, &Portable).unwrap();
                let network = network(method.layers());
                (report, network, method.objective(executor, &Portable).unwrap(), gradient(method))
            });
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
    for optimizer in
        [Optimizer::gd(0.1), Optimizer::adagrad(0.1), Optimizer::adadelta(1.0), Optimizer::adam(0.01)]
    {
        let settings = plain(optimizer);
        let mut parameters = flat(&start);
        let (mut first, mut second) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
        for t in 1..=4 {
            let (found, gradient) = stepped(settings, (&data, &start), None, t, |method, _| {
                (flat(&network(method.layers())), gradient(method))
            });
            optimizer.step(t as u64, &gradient, &mut first, &mut second, &mut parameters).unwrap();
            assert_eq!(found, parameters, "{optimizer:?}, step {t}");
        }
    }
}

#[test]
fn stretches_and_the_order_of_units_change_no_bit() {
    // Two stretches of weights in the first layer.
    let (data, start) = (Data::new(100, 3, SAMPLES, 1), Network::new(&[100, 90, 3], 2));
    let settings = plain(Optimizer::adam(0.01));
    let straight = stepped(settings, (&data, &start), None, 3, |method, _| network(method.layers()));
    for order in [Order::Backward, Order::Shuffled] {
        let partition = groups(SAMPLES);
        let mut memory = BackMemory::new(&settings, &start, partition);
        let (state, scratch) = memory.split();
        let mut method = BackProp::new(settings, partition, data.problem(), state).unwrap();
        let mut executor = Permuted::new(order, scratch.clone());
        method.initialize();
        for _ in 0..3 {
            method.sweep(&mut executor, &Portable).unwrap();
        }
        assert!(network(method.layers()) == straight, "{order:?}");
    }
    let gradient = stepped(settings, (&data, &start), None, 1, |method, _| gradient(method));
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
        (Data::new(5, 3, 60, 1), Network::new(&[5, 0, 3], 2)),
        (Data::new(5, 3, 0, 1), Network::new(&[5, 7, 3], 2)),
    ] {
        let settings = Settings { regularizer: Regularizer::None, ..plain(Optimizer::adam(0.01)) };
        let partition = groups(data.x.columns);
        let mut memory = BackMemory::new(&settings, &start, partition);
        let (state, scratch) = memory.split();
        let mut method = BackProp::new(settings, partition, data.problem(), state).unwrap();
        let mut executor = Sequential::new(scratch);
        method.initialize();
        let reports: Vec<f64> =
            (0..5).map(|_| method.sweep(&mut executor, &Portable).unwrap().objective).collect();
        assert!(reports.windows(2).all(|pair| pair[1] < pair[0] || data.x.columns == 0), "{reports:?}");
    }
}

#[test]
fn what_does_not_fit_or_is_not_finite_is_refused() {
    let (mut data, start) = small();
    let bad_rate = plain(Optimizer::gd(-1.0));
    let l1 = Settings { regularizer: Regularizer::L1(0.1), ..bad_rate };
    let l1 = Settings { optimizer: Optimizer::gd(1.0), ..l1 };
    for (settings, expected) in [(bad_rate, "rate"), (l1, "l1 regulariser")] {
        let mut memory = BackMemory::new(&settings, &start, groups(SAMPLES));
        let state = memory.split().0;
        let refused = BackProp::new(settings, groups(SAMPLES), data.problem(), state).map(|_| ());
        assert!(matches!(refused, Err(Error::Setting { name, .. }) if name == expected), "{refused:?}");
    }
    // Moments of gradient descent, of which there are none, for Adam.
    let mut memory = BackMemory::new(&plain(Optimizer::gd(0.1)), &start, groups(SAMPLES));
    let adam = plain(Optimizer::adam(0.1));
    let refused = BackProp::new(adam, groups(SAMPLES), data.problem(), memory.split().0).map(|_| ());
    assert!(matches!(refused, Err(Error::Length { argument: "moments", .. })), "{refused:?}");
    data.x.set(0, 3, f64::NAN);
    let settings = plain(Optimizer::gd(0.1));
    let (refused, left) = stepped(settings, (&data, &start), None, 0, |method, executor| {
        (method.sweep(executor, &Portable), network(method.layers()))
    });
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
    assert!(left == start, "the weights moved by what is not finite");
}
