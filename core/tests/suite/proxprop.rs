//! Proximal back-propagation against the same sweep on whole matrices, and against what its guard promises.

use altmin_core::executor::{Executor, Sequential};
use altmin_core::gemm::Portable;
use altmin_core::method::proxprop::{ProxProp, Settings};
use altmin_core::method::{Partition, Problem, Sweep};
use altmin_core::update::StepRule;
use altmin_core::view::dense as matrix;
use altmin_core::{Activation, Error, Loss, OutputSolver, Regularizer, Target};

use crate::common::composed::{ACTIVATIONS, ProxMemory, derivative, forward, objective};
use crate::common::dense::Mat;
use crate::common::state::{Memory, Order, Permuted, network};
use crate::common::subproblems::{minimise_output, step_parameters};
use crate::common::teacher::{Data, LOSSES, Network, farthest, small};

const DAMPING: f64 = 0.1;

fn settings(
    nu: f64,
    activation: Activation<f64>,
    loss: Loss,
    regularizer: Regularizer<f64>,
) -> Settings<f64> {
    Settings { nu, damping: DAMPING, activation, loss, solver: OutputSolver::Newton, regularizer }
}

fn plain(nu: f64) -> Settings<f64> {
    settings(nu, Activation::Relu, Loss::CrossEntropy, Regularizer::None)
}

/// Every activation, loss and regulariser.
fn variations(nu: f64) -> Vec<Settings<f64>> {
    let mut all = Vec::new();
    for activation in ACTIVATIONS {
        for loss in LOSSES {
            for regularizer in [Regularizer::None, Regularizer::L2(0.5)] {
                all.push(settings(nu, activation, loss, regularizer));
            }
        }
    }
    all
}

fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

/// The samples that `batch` names.
fn chosen(m: &Mat, batch: &[u32]) -> Mat {
    Mat::from_fn(m.rows, batch.len(), |i, j| m.at(i, batch[j] as usize))
}

/// The sweep on whole matrices: every target written out, the guard as it is told.
struct Reference<'a> {
    settings: Settings<f64>,
    x: &'a Mat,
    y: &'a Mat,
    network: Network,
    nu: f64,
    /// The nu of the last pass, which the next step is made with.
    pass_nu: f64,
    rejections: usize,
}

impl<'a> Reference<'a> {
    fn new(settings: Settings<f64>, (x, y): (&'a Mat, &'a Mat), network: &Network) -> Self {
        let network = network.clone();
        Self { settings, x, y, network, nu: settings.nu, pass_nu: settings.nu, rejections: 0 }
    }

    fn objective(&self) -> f64 {
        let Settings { activation, loss, regularizer, .. } = self.settings;
        objective((activation, loss, regularizer), &self.network, self.x, self.y)
    }

    /// Steps 1 to 4; what the gradient predicts of the decrease.
    fn step(&mut self, nu: f64) -> f64 {
        let Settings { activation, loss, regularizer, .. } = self.settings;
        let (a, z) = forward(activation, &self.network, self.x);
        let last = z.len() - 1;
        let solve = |j: usize| minimise_output(loss, nu, z[last].column(j), self.y.column(j));
        let data = (0..self.y.columns).flat_map(solve).collect();
        let mut targets = vec![Mat { data, ..z[last].clone() }];
        for l in (0..last).rev() {
            let e = self.network.weights[l + 1].transposed().times(&z[l + 1].plus(-1.0, &targets[0]));
            let target =
                |i: usize, j: usize| z[l].at(i, j) - derivative(activation, z[l].at(i, j)) * e.at(i, j);
            targets.insert(0, Mat::from_fn(z[l].rows, z[l].columns, target));
        }
        let mut predicted = 0.0;
        for (l, target) in targets.iter().enumerate() {
            let (weights, bias) = (&mut self.network.weights[l], &mut self.network.biases[l]);
            let (old, r) = (weights.clone(), z[l].plus(-1.0, target));
            let rule = StepRule::LeastSquares { damping: self.settings.damping };
            step_parameters(rule, false, nu, regularizer, (&mut *weights, bias), &a[l], target);
            let change = weights.plus(-1.0, &old);
            let (centred, means) = centre(&r);
            let cross = centred.times(&centre(&a[l]).0.transposed());
            predicted += nu * (means.squared() * r.columns as f64 - cross.dot(&change));
            if let Regularizer::L2(lambda) = regularizer {
                predicted -= lambda * old.dot(&change);
            }
        }
        predicted
    }

    fn sweep(&mut self) -> bool {
        let (before, kept) = (self.objective(), self.network.clone());
        let predicted = self.step(self.pass_nu);
        self.pass_nu = self.nu;
        let after = self.objective();
        if after > before || !after.is_finite() {
            self.network = kept;
            self.nu *= 4.0;
            self.pass_nu = self.nu;
            self.rejections += 1;
            return true;
        }
        let share = (before - after) / predicted;
        if share > 0.5 {
            self.nu /= 1.5;
        } else if share < 0.15 {
            self.nu *= 2.0;
        }
        false
    }
}

/// The rows without their means, and the means.
fn centre(m: &Mat) -> (Mat, Mat) {
    let mean = |i: usize| (0..m.columns).map(|j| m.at(i, j)).sum::<f64>() / m.columns as f64;
    let means = Mat::from_fn(m.rows, 1, |i, _| mean(i));
    (Mat::from_fn(m.rows, m.columns, |i, j| m.at(i, j) - means.at(i, 0)), means)
}

/// Makes `sweeps` sweeps of `method`'s memory; `each` sees the report and the network after every one.
fn train<E: Executor<f64>>(
    method: &mut ProxProp<'_, f64, Memory>,
    executor: &mut E,
    sweeps: usize,
    mut each: impl FnMut(Sweep, f64, Network),
) {
    method.initialize(executor, &Portable).unwrap();
    for _ in 0..sweeps {
        let report = method.sweep(executor, &Portable).unwrap();
        each(report, method.guard().nu(), network(method.layers()));
    }
}

fn trained(
    settings: Settings<f64>,
    data: &Data,
    start: &Network,
    sweeps: usize,
) -> Vec<(Sweep, f64, Network)> {
    let partition = groups(data.x.columns);
    let mut memory = ProxMemory::new(&settings, start, partition);
    let (state, scratch) = memory.split();
    let mut method = ProxProp::new(settings, partition, data.problem(), state).unwrap();
    let mut all = Vec::new();
    train(&mut method, &mut Sequential::new(scratch), sweeps, |report, nu, network| {
        all.push((report, nu, network));
    });
    all
}

#[test]
fn a_sweep_is_that_on_whole_matrices() {
    let (data, start) = small();
    let mut rejections = 0;
    for settings in variations(3.0).into_iter().chain([plain(0.02)]) {
        let mut reference = Reference::new(settings, (&data.x, &data.y), &start);
        for (sweep, (report, nu, network)) in trained(settings, &data, &start, 8).into_iter().enumerate() {
            let what = format!("{settings:?}, sweep {sweep}");
            assert_eq!(report.rejected, reference.sweep(), "{what}");
            let error = farthest(&network, &reference.network);
            assert!(error < 1e-9, "parameters {error}: {what}");
            let expected = reference.objective();
            let error = (report.objective - expected).abs() / expected.max(1.0);
            assert!(error < 1e-10, "objective {}, {expected}: {what}", report.objective);
            assert!((nu - reference.nu).abs() < 1e-9 * nu, "nu {nu}, {}: {what}", reference.nu);
        }
        rejections += reference.rejections;
    }
    assert!(rejections > 0, "no step was undone");
}

#[test]
fn the_loss_never_rises_and_a_rejected_sweep_changes_no_bit() {
    let (data, start) = small();
    let mut rejections = 0;
    for nu in [1e-3, 0.1, 10.0] {
        for settings in variations(nu) {
            let triple = (settings.activation, settings.loss, settings.regularizer);
            let mut before = (objective(triple, &start, &data.x, &data.y), start.clone());
            let first = before.0;
            for (report, _, network) in trained(settings, &data, &start, 40) {
                let found = objective(triple, &network, &data.x, &data.y);
                assert!(found <= before.0 * (1.0 + 1e-12), "{settings:?}: {found} after {}", before.0);
                if report.rejected {
                    rejections += 1;
                    assert!(network == before.1, "{settings:?}: something moved");
                } else {
                    assert!(network != before.1);
                }
                before = (found, network);
            }
            assert!(before.0 < 0.9 * first, "{settings:?}: {first} to {}", before.0);
        }
    }
    println!("{rejections} sweeps of {} were undone", 3 * 16 * 40);
    assert!(rejections > 0);
}

#[test]
fn the_order_of_units_changes_no_bit() {
    let (data, start) = small();
    let partition = groups(data.x.columns);
    let settings = plain(0.5);
    let straight = trained(settings, &data, &start, 6);
    for order in [Order::Backward, Order::Shuffled] {
        let mut memory = ProxMemory::new(&settings, &start, partition);
        let (state, scratch) = memory.split();
        let mut method = ProxProp::new(settings, partition, data.problem(), state).unwrap();
        let mut executor = Permuted::new(order, scratch.clone());
        let mut sweep = 0;
        train(&mut method, &mut executor, 6, |report, _, network| {
            assert!((report, network) == (straight[sweep].0, straight[sweep].2.clone()), "{order:?}");
            sweep += 1;
        });
    }
}

#[test]
fn a_mini_batch_is_a_sweep_over_its_samples() {
    let (data, start) = small();
    // Not in order, one twice.
    let batch: Vec<u32> = (0..60).map(|j| (j * 37 + 5) % 170).chain([5]).collect();
    let (x, y) = (chosen(&data.x, &batch), chosen(&data.y, &batch));
    let values = Problem { x: data.problem().x, target: Target::Values(matrix(&data.y.data, 4, 170)) };
    for settings in variations(3.0) {
        for problem in [data.problem(), values] {
            let partition = groups(64);
            let mut memory = ProxMemory::new(&settings, &start, partition);
            let (state, scratch) = memory.split();
            let mut method = ProxProp::new(settings, partition, problem, state).unwrap();
            let mut executor = Sequential::new(scratch);
            method.initialize(&mut executor, &Portable).unwrap();
            let mut reference = Reference::new(settings, (&x, &y), &start);
            for _ in 0..3 {
                let expected = reference.objective();
                let report = method.sweep_batch(&mut executor, &Portable, &batch).unwrap();
                assert!((report.objective - expected).abs() < 1e-10 * expected.max(1.0));
                reference.step(settings.nu);
                assert!(farthest(&network(method.layers()), &reference.network) < 1e-9, "{settings:?}");
            }
            // The smallest batch: no spread, only the biases move.
            let before = network(method.layers());
            method.sweep_batch(&mut executor, &Portable, &[3]).unwrap();
            let after = network(method.layers());
            assert!(before.weights == after.weights && before.biases != after.biases);
            let found = method.objective(&mut executor, &Portable).unwrap();
            let triple = (settings.activation, settings.loss, settings.regularizer);
            let expected = objective(triple, &after, &data.x, &data.y);
            assert!((found - expected).abs() < 1e-10 * expected.max(1.0));
        }
    }
}

#[test]
fn a_mini_batch_without_finite_outputs_takes_the_last_step_back() {
    let (mut data, start) = small();
    data.x.set(0, 100, f64::INFINITY);
    let settings = plain(3.0);
    let partition = groups(50);
    let mut memory = ProxMemory::new(&settings, &start, partition);
    let (state, scratch) = memory.split();
    let mut method = ProxProp::new(settings, partition, data.problem(), state).unwrap();
    let mut executor = Sequential::new(scratch);
    method.initialize(&mut executor, &Portable).unwrap();
    let refused = method.sweep_batch(&mut executor, &Portable, &[100]);
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
    let batch: Vec<u32> = (0..50).collect();
    assert!(!method.sweep_batch(&mut executor, &Portable, &batch).unwrap().rejected);
    assert!(network(method.layers()) != start);
    let report = method.sweep_batch(&mut executor, &Portable, &[100]).unwrap();
    assert!(report.rejected && network(method.layers()) == start);
    assert_eq!(method.guard().nu(), 12.0);
}

#[test]
fn dead_inputs_and_single_samples_move_only_biases() {
    let settings = plain(1.0);
    let (data, mut start) = small();
    // Every unit of the second layer is dead: its outputs are 0 for all samples.
    start.biases[1] = start.biases[1].map(|_| -1e3);
    let swept = trained(settings, &data, &start, 5);
    let (first, last) = (&swept[0].2, &swept[4].2);
    assert!(first.weights == start.weights, "a layer that determines nothing moved");
    assert!(first.biases[2] != start.biases[2] && first.biases[..2] == start.biases[..2]);
    assert!(last.weights == start.weights && swept[4].0.objective < swept[0].0.objective);

    let (one, start) = (Data::new(6, 4, 1, 3), Network::new(&[6, 9, 7, 4], 2));
    let swept = trained(settings, &one, &start, 5);
    assert!(swept.iter().all(|(report, _, network)| !report.rejected && network.weights == start.weights));
    assert!(swept[4].0.objective < swept[0].0.objective);
}

#[test]
fn networks_of_one_layer_of_no_width_and_of_no_samples() {
    let (data, start) = (Data::new(6, 4, 50, 3), Network::new(&[6, 4], 2));
    let mut reference = Reference::new(plain(1.0), (&data.x, &data.y), &start);
    for (report, _, network) in trained(plain(1.0), &data, &start, 4) {
        assert_eq!(report.rejected, reference.sweep());
        assert!(farthest(&network, &reference.network) < 1e-9);
    }
    let narrow = Network::new(&[6, 0, 4], 2);
    let swept = trained(plain(1.0), &data, &narrow, 4);
    assert!(swept[3].0.objective < swept[0].0.objective && swept[3].2.weights == narrow.weights);
    let (none, start) = (Data::new(6, 4, 0, 3), Network::new(&[6, 9, 4], 2));
    let swept = trained(plain(1.0), &none, &start, 2);
    assert!(swept[1].0.objective == 0.0 && swept[1].2 == start);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let (data, start) = small();
    let l1 = settings(1.0, Activation::Relu, Loss::CrossEntropy, Regularizer::L1(0.1));
    let negative = Settings { damping: -1.0, ..plain(1.0) };
    let partition = groups(170);
    for (settings, expected) in [(l1, "l1 regulariser"), (plain(0.0), "nu"), (negative, "damping")] {
        let mut memory = ProxMemory::new(&plain(1.0), &start, partition);
        let refused = ProxProp::new(settings, partition, data.problem(), memory.split().0).map(|_| ());
        assert!(matches!(refused, Err(Error::Setting { name, .. }) if name == expected), "{refused:?}");
    }
    let mut memory = ProxMemory::new(&plain(1.0), &start, groups(50));
    let (state, scratch) = memory.split();
    let mut method = ProxProp::new(plain(1.0), groups(50), data.problem(), state).unwrap();
    let mut executor = Sequential::new(scratch);
    method.initialize(&mut executor, &Portable).unwrap();
    let refused = method.sweep(&mut executor, &Portable);
    assert!(matches!(refused, Err(Error::Shape { argument: "partition", .. })), "{refused:?}");
    let refused = method.sweep_batch(&mut executor, &Portable, &[170]);
    assert!(matches!(refused, Err(Error::Setting { name: "batch", .. })), "{refused:?}");
    let refused = method.sweep_batch(&mut executor, &Portable, &[1; 51]);
    assert!(matches!(refused, Err(Error::Shape { argument: "batch", .. })), "{refused:?}");
}
