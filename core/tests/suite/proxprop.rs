//! Proximal back-propagation against the same sweep on whole matrices, and against what its guard promises.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Network as Blocks, Shape};
use altmin_core::method::StepSchedule::{Constant, Cosine, Linear};
use altmin_core::method::proxprop::{Carry, Form, ProxProp};
use altmin_core::method::{Hyperparameters, Partition, Problem, Sweep};
use altmin_core::update::StepRule;
use altmin_core::view::dense as matrix;
use altmin_core::{Activation, Error, Loss, OutputSolver, Regularizer, Result, Target};

use crate::common::Plain;
use crate::common::composed::{ACTIVATIONS, derivative, forward, objective};
use crate::common::dense::Mat;
use crate::common::rig::{Order, Permuted, Rig, dense_blocks, parameters, poison};
use crate::common::subproblems::{minimise_output, step_parameters};
use crate::common::teacher::{Data, LOSSES, Network, farthest, small};

/// What a run of the method is told.
#[derive(Debug, Clone, Copy)]
struct Settings {
    nu: f64,
    damping: f64,
    activation: Activation<f64>,
    loss: Loss,
    solver: OutputSolver,
    regularizer: Regularizer<f64>,
}

impl Settings {
    fn hyperparameters(&self, batch: Option<usize>) -> Hyperparameters<f64> {
        let Self { nu, damping, loss, solver, regularizer, .. } = *self;
        Hyperparameters { nu, damping, loss, solver, regularizer, batch, ..Default::default() }
    }
}

type Trained<'d> = Rig<'d, ProxProp<f64>>;

/// The method, in mini-batches or over all samples.
fn rig<'d>(
    settings: Settings,
    problem: Problem<'d, f64>,
    start: &Network,
    batch: Option<usize>,
    partition: Partition,
) -> Result<Trained<'d>> {
    let features = start.weights[0].columns;
    let widths: Vec<usize> = [features].into_iter().chain(start.weights.iter().map(|w| w.rows)).collect();
    let blocks = dense_blocks(&widths, settings.activation);
    Rig::of_blocks(blocks, Vec::new(), Shape::flat(features), &parameters(start), problem, |run| {
        ProxProp::with_partition(&settings.hyperparameters(batch), partition, run)
    })
}

fn nu(rig: &mut Trained<'_>) -> f64 {
    rig.with(|method, run, state, _| method.nu(run, state).unwrap())
}

const DAMPING: f64 = 0.1;

fn settings(nu: f64, activation: Activation<f64>, loss: Loss, regularizer: Regularizer<f64>) -> Settings {
    Settings { nu, damping: DAMPING, activation, loss, solver: OutputSolver::Newton, regularizer }
}

fn plain(nu: f64) -> Settings {
    settings(nu, Activation::Relu, Loss::CrossEntropy, Regularizer::None)
}

/// Every activation, loss and regulariser.
fn variations(nu: f64) -> Vec<Settings> {
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
    settings: Settings,
    x: &'a Mat,
    y: &'a Mat,
    network: Network,
    nu: f64,
    /// The nu of the last pass, which the next step is made with.
    pass_nu: f64,
    rejections: usize,
}

impl<'a> Reference<'a> {
    fn new(settings: Settings, (x, y): (&'a Mat, &'a Mat), network: &Network) -> Self {
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

fn trained(settings: Settings, data: &Data, start: &Network, sweeps: usize) -> Vec<(Sweep, f64, Network)> {
    let mut rig = rig(settings, data.problem(), start, None, groups(data.x.columns)).unwrap();
    rig.initialize().unwrap();
    let sweep = |_| {
        let report = rig.sweep().unwrap();
        (report, nu(&mut rig), rig.network())
    };
    (0..sweeps).map(sweep).collect()
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
        let mut rig = rig(settings, data.problem(), &start, None, partition).unwrap();
        let mut executor = Permuted::new(order, poison(rig.scratch()));
        rig.initialize_on(&mut executor).unwrap();
        for (report, _, network) in &straight {
            let found = rig.sweep_on(&mut executor).unwrap();
            assert!((found, rig.network()) == (*report, network.clone()), "{order:?}");
        }
    }
}

#[test]
fn a_mini_batch_is_a_sweep_over_its_samples() {
    let (data, start) = small();
    // Not in order, one twice.
    let batch: Vec<u32> = (0..56).map(|j| (j * 37 + 5) % 170).chain([5]).collect();
    let (x, y) = (chosen(&data.x, &batch), chosen(&data.y, &batch));
    let values = Problem { x: data.problem().x, target: Target::Values(matrix(&data.y.data, 4, 170)) };
    for settings in variations(3.0) {
        for problem in [data.problem(), values] {
            // Three batches of at most 64 samples.
            let mut rig = rig(settings, problem, &start, Some(64), groups(57)).unwrap();
            rig.initialize().unwrap();
            let mut reference = Reference::new(settings, (&x, &y), &start);
            for _ in 0..3 {
                let expected = reference.objective();
                let report = rig.sweep_in(Some(&batch)).unwrap();
                assert!((report.objective - expected).abs() < 1e-10 * expected.max(1.0));
                reference.step(settings.nu);
                assert!(farthest(&rig.network(), &reference.network) < 1e-9, "{settings:?}");
            }
            // The smallest batch: no spread, only the biases move.
            let before = rig.network();
            rig.sweep_in(Some(&[3])).unwrap();
            let after = rig.network();
            assert!(before.weights == after.weights && before.biases != after.biases);
            let found = rig.objective().unwrap();
            let triple = (settings.activation, settings.loss, settings.regularizer);
            let expected = objective(triple, &after, &data.x, &data.y);
            assert!((found - expected).abs() < 1e-10 * expected.max(1.0));
        }
    }
}

#[test]
fn mini_batches_in_every_form_with_momentum_and_falling_steps() {
    let (data, start) = small();
    let epochs: Vec<Vec<u32>> = (0..2_u32)
        .map(|epoch| (0..170).map(|j| (j * [37, 61][epoch as usize] + 5 + epoch) % 170).collect())
        .collect();
    for settings in variations(9.0) {
        for (form, schedule) in
            [(Form::Auto, Linear), (Form::Primal, Cosine), (Form::Dual, Constant), (Form::Dual, Linear)]
        {
            let hyperparameters = Hyperparameters {
                form,
                momentum: 0.75,
                step_schedule: schedule,
                warm_up: 0.5,
                sweeps: 2,
                ..settings.hyperparameters(Some(24))
            };
            let blocks = dense_blocks(&[6, 9, 7, 4], settings.activation);
            let (shape, first) = (Shape::flat(6), parameters(&start));
            let mut rig = Rig::of_blocks(blocks, Vec::new(), shape, &first, data.problem(), |run| {
                ProxProp::with_partition(&hyperparameters, Partition::new(22, 8, 2), run)
            })
            .unwrap();
            rig.initialize().unwrap();
            let (mut network, mut velocity, mut k) = (start.clone(), None::<Network>, 0);
            for order in &epochs {
                let report = rig.sweep_in(Some(order)).unwrap();
                let mut risk = 0.0;
                // Eight batches of 21 or 22.
                for batch in 0..8 {
                    let chosen_samples = &order[170 * batch / 8..170 * (batch + 1) / 8];
                    let (x, y) = (chosen(&data.x, chosen_samples), chosen(&data.y, chosen_samples));
                    let done = f64::from(k) / 16.0;
                    let length = match schedule {
                        Constant => 1.0,
                        Linear => 1.0 - done,
                        Cosine => 0.5 + 0.5 * (std::f64::consts::PI * done).cos(),
                    } * (f64::from(k + 1) / 4.0).min(1.0);
                    let mut reference = Reference::new(settings, (&x, &y), &network);
                    let expected = reference.objective();
                    let triple = (settings.activation, settings.loss, Regularizer::None);
                    risk += objective(triple, &network, &x, &y);
                    reference.step(settings.nu / length);
                    let step = combined(&reference.network, -1.0, &network);
                    let moved = match &velocity {
                        None => step,
                        Some(before) => combined(&step, 0.75, before),
                    };
                    network = combined(&network, 1.0, &moved);
                    velocity = Some(moved);
                    k += 1;
                    if batch == 7 {
                        assert!((report.objective - expected).abs() < 1e-9 * expected.max(1.0));
                    }
                }
                let seen = report.seen.unwrap();
                assert!((seen.risk - risk).abs() < 1e-8 * risk, "{seen:?} {risk}");
                let apart = farthest(&rig.network(), &network);
                assert!(apart < 1e-8, "{form:?}, {schedule:?}, {settings:?}: {apart}");
            }
        }
    }
}

/// `a + factor b`, parameter by parameter.
fn combined(a: &Network, factor: f64, b: &Network) -> Network {
    let combined = |a: &[Mat], b: &[Mat]| a.iter().zip(b).map(|(a, b)| a.plus(factor, b)).collect();
    Network { weights: combined(&a.weights, &b.weights), biases: combined(&a.biases, &b.biases) }
}

/// Steps by carried sums, of a network of one map, against the gradient of weights and bias times the inverse of the whole
/// bordered matrix, which is made anew from the list of all batches so far.
#[test]
fn carried_sums_are_a_mean_over_the_batches_that_renew_it() {
    let (data, start) = (Data::new(6, 4, 170, 3), Network::new(&[6, 4], 2));
    let order: Vec<u32> = (0..170).map(|j| (j * 37 + 5) % 170).collect();
    for (beta, every) in [(0.0, 1), (0.75, 1), (0.5, 3)] {
        let hyperparameters = Hyperparameters {
            form: Form::Primal,
            carry: Some(Carry { beta, every }),
            ..plain(3.0).hyperparameters(Some(24))
        };
        let (blocks, first) = (dense_blocks(&[6, 4], Activation::Relu), parameters(&start));
        let mut rig = Rig::of_blocks(blocks, Vec::new(), Shape::flat(6), &first, data.problem(), |run| {
            ProxProp::new(&hyperparameters, run)
        })
        .unwrap();
        rig.initialize().unwrap();
        rig.sweep_in(Some(&order)).unwrap();
        let (mut network, mut means) = (start.clone(), Vec::new());
        for batch in 0..8 {
            let chosen_samples = &order[170 * batch / 8..170 * (batch + 1) / 8];
            let (x, y) = (chosen(&data.x, chosen_samples), chosen(&data.y, chosen_samples));
            let m = x.columns;
            let bordered = Plain::new(7, m, |i, j| if i < 6 { x.at(i, j) } else { 1.0 });
            if batch % every == 0 {
                means.push(bordered.times(&bordered.transposed()).map(|sum| sum / m as f64));
            }
            let t = means.len() as i32;
            let weight = |i: usize| (1.0 - beta) * beta.powi(t - 1 - i as i32) / (1.0 - beta.powi(t));
            let mut hessian = Plain::zeros(7, 7);
            for (i, mean) in means.iter().enumerate() {
                hessian = hessian.plus(weight(i), mean);
            }
            let spread = |i: usize| hessian[(i, i)] - hessian[(i, 6)] * hessian[(i, 6)];
            let ridge = DAMPING * (0..6).map(spread).sum::<f64>() / 6.0;
            (0..6).for_each(|i| hessian[(i, i)] += ridge);
            let (_, z) = forward(Activation::Relu, &network, &x);
            let r = Plain::new(4, m, |i, j| {
                z[0].at(i, j) - minimise_output(Loss::CrossEntropy, 3.0, z[0].column(j), y.column(j))[i]
            });
            let gradient = r.times(&bordered.transposed()).map(|sum| -sum / m as f64);
            let step = hessian.solve(&gradient.transposed()).transposed();
            let moved = |i, j: usize| step[(i, j)];
            let (weights, bias) = (&mut network.weights[0], &mut network.biases[0]);
            *weights = Mat::from_fn(4, 6, |i, j| weights.at(i, j) + moved(i, j));
            *bias = Mat::from_fn(4, 1, |i, _| bias.at(i, 0) + moved(i, 6));
        }
        let apart = farthest(&rig.network(), &network);
        assert!(apart < 1e-9, "{beta}, {every}: {apart}");
    }
}

#[test]
fn the_order_of_units_changes_no_bit_of_mini_batches() {
    let (data, start) = small();
    let carry = Some(Carry { beta: 0.5, every: 2 });
    for (form, carry) in [(Form::Dual, None), (Form::Primal, None), (Form::Primal, carry)] {
        let hyperparameters =
            Hyperparameters { form, carry, momentum: 0.5, ..plain(9.0).hyperparameters(Some(24)) };
        let make = || {
            let (blocks, first) = (dense_blocks(&[6, 9, 7, 4], Activation::Relu), parameters(&start));
            let shape = Shape::flat(6);
            Rig::of_blocks(blocks, Vec::new(), shape, &first, data.problem(), |run| {
                ProxProp::with_partition(&hyperparameters, Partition::new(22, 4, 3), run)
            })
            .unwrap()
        };
        let mut straight = make();
        straight.initialize().unwrap();
        let reports = [straight.sweep().unwrap(), straight.sweep().unwrap()];
        assert!(straight.network() != start);
        for order in [Order::Backward, Order::Shuffled] {
            let mut rig = make();
            let mut executor = Permuted::new(order, poison(rig.scratch()));
            rig.initialize_on(&mut executor).unwrap();
            for report in &reports {
                assert!(rig.sweep_on(&mut executor).unwrap() == *report, "{form:?}, {order:?}");
            }
            assert!(rig.network() == straight.network(), "{form:?}, {order:?}");
        }
    }
}

#[test]
fn the_slope_of_the_last_mini_batch_is_the_same_in_both_forms() {
    let (data, start) = small();
    let slope = |form| {
        let hyperparameters = Hyperparameters { form, ..plain(3.0).hyperparameters(Some(40)) };
        let (blocks, first) = (dense_blocks(&[6, 9, 7, 4], Activation::Relu), parameters(&start));
        let mut rig = Rig::of_blocks(blocks, Vec::new(), Shape::flat(6), &first, data.problem(), |run| {
            ProxProp::new(&hyperparameters, run)
        })
        .unwrap();
        rig.initialize().unwrap();
        rig.sweep().unwrap().dual_residual
    };
    let (primal, dual) = (slope(Form::Primal), slope(Form::Dual));
    assert!(primal > 0.0 && (primal - dual).abs() < 1e-9 * primal, "{primal} {dual}");
}

#[test]
fn a_mini_batch_without_finite_outputs_takes_the_last_step_back() {
    let (mut data, start) = small();
    data.x.set(0, 100, f64::INFINITY);
    let settings = plain(3.0);
    let mut rig = rig(settings, data.problem(), &start, Some(50), groups(43)).unwrap();
    rig.initialize().unwrap();
    let refused = rig.sweep_in(Some(&[100]));
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
    let batch: Vec<u32> = (0..43).collect();
    assert!(!rig.sweep_in(Some(&batch)).unwrap().rejected);
    assert!(rig.network() != start);
    let report = rig.sweep_in(Some(&[100])).unwrap();
    assert!(report.rejected && farthest(&rig.network(), &start) < 1e-13);
    assert_eq!(nu(&mut rig), 12.0);
    // Momentum is forgotten, and there is nothing more to take back.
    let refused = rig.sweep_in(Some(&[100]));
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
    assert!(farthest(&rig.network(), &start) < 1e-13);
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
fn networks_of_one_layer_and_of_no_samples() {
    let (data, start) = (Data::new(6, 4, 50, 3), Network::new(&[6, 4], 2));
    let mut reference = Reference::new(plain(1.0), (&data.x, &data.y), &start);
    for (report, _, network) in trained(plain(1.0), &data, &start, 4) {
        assert_eq!(report.rejected, reference.sweep());
        assert!(farthest(&network, &reference.network) < 1e-9);
    }
    let (none, start) = (Data::new(6, 4, 0, 3), Network::new(&[6, 9, 4], 2));
    let swept = trained(plain(1.0), &none, &start, 2);
    assert!(swept[1].0.objective == 0.0 && swept[1].2 == start);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let (data, start) = small();
    let l1 = settings(1.0, Activation::Relu, Loss::CrossEntropy, Regularizer::L1(0.1));
    let negative = Settings { damping: -1.0, ..plain(1.0) };
    let refusal =
        |settings, batch, samples| match rig(settings, data.problem(), &start, batch, groups(samples))
            .map(|_| ())
        {
            Err(Error::Setting { name, .. }) => name,
            Err(Error::Shape { argument, .. }) => argument,
            other => panic!("{other:?}"),
        };
    for (expected, settings, batch, samples) in [
        ("l1 regulariser", l1, None, 170),
        ("nu", plain(0.0), None, 170),
        ("damping", negative, None, 170),
        ("batch", plain(1.0), Some(0), 170),
        ("partition", plain(1.0), None, 50),
        ("partition", plain(1.0), Some(50), 170),
    ] {
        assert_eq!(refusal(settings, batch, samples), expected);
    }
    let mut rig = rig(plain(1.0), data.problem(), &start, Some(50), groups(43)).unwrap();
    rig.initialize().unwrap();
    let refused = rig.sweep_in(Some(&[170]));
    assert!(matches!(refused, Err(Error::Setting { name: "batch", .. })), "{refused:?}");
    rig.numbers.pop();
    let refused = rig.sweep();
    assert!(matches!(refused, Err(Error::Length { argument: "numbers", .. })), "{refused:?}");
}

/// Networks over images of 2 x 6 x 5: the first map is behind blocks without any, is a convolution, is a residual pair's.
fn images() -> Vec<Vec<Block<f64>>> {
    let relu = Block::Activation(Activation::Relu);
    let dense = |outputs| Block::Dense { outputs };
    let pair = |outputs, stride| Block::Residual(Residual { outputs, stride, activation: Activation::Relu });
    let pool = Window { size: 2, stride: 2 };
    vec![
        vec![Block::AveragePool(pool), Block::Flatten, dense(9), relu, dense(3)],
        vec![Block::Conv(Conv::square(4, 3, 1, 1)), relu, Block::MaxPool(pool), Block::Flatten, dense(3)],
        vec![pair(3, 2), pair(3, 1), Block::GlobalAveragePool, dense(3)],
        vec![Block::Flatten, dense(9), relu, Block::ResidualDense(Activation::Relu), dense(3)],
    ]
}

fn of_images<'d>(blocks: &[Block<f64>], data: &'d Data, nu: f64, batch: Option<usize>) -> Trained<'d> {
    let input = Shape { channels: 2, height: 6, width: 5 };
    let count = Blocks::new(blocks, input).unwrap().parameters();
    let start = crate::common::Random::new(3).matrix(count, 1).map(|w| 0.4 * w).data;
    let mut rig = Rig::of_blocks(blocks.to_vec(), Vec::new(), input, &start, data.problem(), |run| {
        ProxProp::new(&plain(nu).hyperparameters(batch), run)
    })
    .unwrap();
    rig.initialize().unwrap();
    rig
}

#[test]
fn images_have_losses_that_never_rise_and_sweeps_that_are_undone_by_bits() {
    let data = Data::new(60, 3, 40, 4);
    let mut undone = 0;
    for blocks in images() {
        for start in [0.01, 3.0] {
            let mut rig = of_images(&blocks, &data, start, None);
            let first = rig.objective().unwrap();
            let (mut before, mut parameters, mut last) = (first, rig.scalars.clone(), start);
            for _ in 0..30 {
                let report = rig.sweep().unwrap();
                let found = rig.objective().unwrap();
                assert!(found <= before * (1.0 + 1e-12), "{blocks:?}: {found} after {before}");
                assert!((report.objective - found).abs() < 1e-12 * found.max(1.0));
                let moved = rig.run().network.parameters();
                assert_eq!(report.rejected, rig.scalars[..moved] == parameters[..moved], "{blocks:?}");
                if report.rejected {
                    undone += 1;
                    assert_eq!(nu(&mut rig), 4.0 * last);
                }
                (before, parameters, last) = (found, rig.scalars.clone(), nu(&mut rig));
            }
            assert!(before < 0.5 * first, "{blocks:?}: {first} to {before}");
        }
    }
    assert!(undone > 0);
}

/// The first map's input is data: its sums and their factor are kept from the first sweep on, and change nothing.
#[test]
fn sums_of_data_that_are_kept_are_those_that_mini_batches_add_up() {
    let data = Data::new(60, 3, 40, 4);
    for blocks in images() {
        let mut kept = of_images(&blocks, &data, 3.0, None);
        let count = kept.run().network.parameters();
        // The sums at hand are those of the pass before, with the nu that it was made with.
        let mut sums_nu = 3.0;
        for _ in 0..5 {
            let (parameters, now) = (kept.scalars[..count].to_vec(), nu(&mut kept));
            if kept.sweep().unwrap().rejected {
                sums_nu = nu(&mut kept);
                continue;
            }
            // The same step as a mini-batch of all samples, beside which there is another.
            let x: Vec<f64> = (0..80).flat_map(|j| data.x.column(j % 40).to_vec()).collect();
            let classes: Vec<u32> = (0..80).map(|j| data.classes[j % 40]).collect();
            let more = Problem { x: matrix(&x, 60, 80), target: Target::Classes(&classes) };
            let input = Shape { channels: 2, height: 6, width: 5 };
            let mut fresh = Rig::of_blocks(blocks.clone(), Vec::new(), input, &parameters, more, |run| {
                ProxProp::new(&plain(sums_nu).hyperparameters(Some(40)), run)
            })
            .unwrap();
            fresh.initialize().unwrap();
            let order: Vec<u32> = (0..40).collect();
            fresh.sweep_in(Some(&order)).unwrap();
            let pairs = kept.scalars[..count].iter().zip(&fresh.scalars[..count]);
            let farthest = pairs.fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
            assert!(farthest < 1e-9, "{blocks:?}: {farthest}");
            sums_nu = now;
        }
    }
}
