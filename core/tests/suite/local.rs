//! Local proximal sweeps against the same batches on whole matrices, layer by layer, with plain loops.

use altmin_core::block::Shape;
use altmin_core::method::local::Local;
use altmin_core::method::proxprop::Form;
use altmin_core::method::tssm::Inner;
use altmin_core::method::{Hyperparameters, Method as _, StepSchedule};
use altmin_core::update::StepRule;
use altmin_core::{Activation, Error, Loss, Regularizer, Result};

use crate::common::composed::{ACTIVATIONS, derivative};
use crate::common::dense::Mat;
use crate::common::rig::{Order, Permuted, Rig, dense_blocks, parameters, poison};
use crate::common::subproblems::{activate, residual, risk, risk_gradient, step_parameters};
use crate::common::teacher::{Data, LOSSES, Network, farthest, small};

const BATCH: usize = 24;
const SAMPLES: usize = 170;
const BATCHES: usize = 8;
const MOMENTUM: f64 = 0.75;
const DAMPING: f64 = 0.5;
const NU: f64 = 3.0;
const SWEEPS: usize = 2;

fn settings() -> Hyperparameters<f64> {
    Hyperparameters {
        nu: NU,
        damping: DAMPING,
        momentum: MOMENTUM,
        batch: Some(BATCH),
        step_schedule: StepSchedule::Linear,
        sweeps: SWEEPS,
        inner: Inner::Proxprop,
        learning_rate: 0.05,
        ..Default::default()
    }
}

type Trained<'d> = Rig<'d, Local<f64>>;

fn rig<'d>(
    settings: &Hyperparameters<f64>,
    activation: Activation<f64>,
    cuts: &[usize],
    (data, start): (&'d Data, &Network),
) -> Result<Trained<'d>> {
    let features = start.weights[0].columns;
    let widths: Vec<usize> = [features].into_iter().chain(start.weights.iter().map(|w| w.rows)).collect();
    let blocks = dense_blocks(&widths, activation);
    Rig::of_blocks(blocks, cuts.to_vec(), Shape::flat(features), &parameters(start), data.problem(), |run| {
        Local::new(settings, run)
    })
}

fn orders() -> [Vec<u32>; SWEEPS] {
    [(37, 5), (61, 6)].map(|(factor, first)| (0..170).map(|j| (j * factor + first) % 170).collect())
}

/// The samples that `batch` names.
fn chosen(m: &Mat, batch: &[u32]) -> Mat {
    Mat::from_fn(m.rows, batch.len(), |i, j| m.at(i, batch[j] as usize))
}

fn linear(weights: &Mat, bias: &Mat, p: &Mat) -> Mat {
    residual(weights, bias, p, &Mat::zeros(weights.rows, p.columns))
}

/// A weight matrix with its bias, and what its rule remembers.
#[derive(Clone)]
struct Map {
    weights: Mat,
    bias: Mat,
    /// Velocities, or first moments.
    first: [Mat; 2],
    second: [Mat; 2],
}

impl Map {
    fn new(weights: Mat, bias: Mat) -> Self {
        let zeros = [&weights, &bias].map(|m| Mat::zeros(m.rows, m.columns));
        Self { weights, bias, first: zeros.clone(), second: zeros }
    }

    /// Step k, of this length, from the input p and the gradient g of R in the output, both of a batch.
    fn step(&mut self, settings: &Hyperparameters<f64>, k: usize, p: &Mat, g: &Mat) {
        let length = 1.0 - k as f64 / (SWEEPS * BATCHES) as f64;
        let decay = settings.weight_decay;
        if settings.inner != Inner::Proxprop {
            let share = 1.0 / p.columns as f64;
            let mut slope = g.times(&p.transposed()).map(|g| share * g);
            if let Regularizer::L2(lambda) = settings.regularizer {
                slope = slope.plus(lambda / SAMPLES as f64, &self.weights);
            }
            let sums = Mat::from_fn(g.rows, 1, |i, _| (0..g.columns).map(|j| share * g.at(i, j)).sum());
            let rate = length * settings.learning_rate;
            self.weights = self.weights.map(|w| (1.0 - rate * decay) * w);
            for (index, g) in [slope, sums].into_iter().enumerate() {
                let to = if index == 0 { &mut self.weights } else { &mut self.bias };
                let (m, v) = (&mut self.first[index], &mut self.second[index]);
                if settings.inner == Inner::Sgd {
                    *m = m.map(|m| MOMENTUM * m).plus(1.0, &g);
                    *to = to.plus(-rate, m);
                } else {
                    let t = k as i32 + 1;
                    *m = m.map(|m| 0.9 * m).plus(0.1, &g);
                    *v = v.map(|v| 0.999 * v).plus(0.001, &g.map(|g| g * g));
                    *to = Mat::from_fn(to.rows, to.columns, |i, j| {
                        let (m, v) =
                            (m.at(i, j) / (1.0 - 0.9_f64.powi(t)), v.at(i, j) / (1.0 - 0.999_f64.powi(t)));
                        to.at(i, j) - rate * m / (v.sqrt() + 1e-8)
                    });
                }
            }
            return;
        }
        let nu = settings.nu / length;
        let z = linear(&self.weights, &self.bias, p);
        let (mut weights, mut bias) = (self.weights.clone(), self.bias.clone());
        let rule = StepRule::LeastSquares { damping: settings.damping };
        let target = z.plus(-1.0 / nu, g);
        step_parameters(rule, false, nu, settings.regularizer, (&mut weights, &mut bias), p, &target);
        let steps = [weights.plus(-1.0, &self.weights), bias.plus(-1.0, &self.bias)];
        for (velocity, step) in self.first.iter_mut().zip(&steps) {
            *velocity = velocity.map(|v| MOMENTUM * v).plus(1.0, step);
        }
        self.weights = self.weights.map(|w| (1.0 - decay / nu) * w).plus(1.0, &self.first[0]);
        self.bias = self.bias.plus(1.0, &self.first[1]);
    }
}

/// The layers: maps with the activations behind them, but for the last of all, and a read-out each but the last.
struct Reference {
    layers: Vec<Vec<Map>>,
    readouts: Vec<Map>,
    activation: Activation<f64>,
    settings: Hyperparameters<f64>,
}

impl Reference {
    /// `sizes` maps in each layer.
    fn new(
        start: &Network,
        sizes: &[usize],
        activation: Activation<f64>,
        settings: Hyperparameters<f64>,
    ) -> Self {
        let mut maps = start.weights.iter().zip(&start.biases).map(|(w, b)| Map::new(w.clone(), b.clone()));
        let layers: Vec<Vec<Map>> = sizes.iter().map(|&size| maps.by_ref().take(size).collect()).collect();
        let outputs = start.biases.last().unwrap().rows;
        let readout = |layer: &Vec<Map>| {
            let inputs = layer.last().unwrap().bias.rows;
            Map::new(Mat::zeros(outputs, inputs), Mat::zeros(outputs, 1))
        };
        let readouts = layers[..layers.len() - 1].iter().map(readout).collect();
        Self { layers, readouts, activation, settings }
    }

    /// All layers take batch k, one after the other; R of the last one.
    fn take(&mut self, k: usize, x: &Mat, y: &Mat) -> f64 {
        let (last, loss) = (self.layers.len() - 1, self.settings.loss);
        let mut input = x.clone();
        for l in 0..last {
            let (a, z) = self.pass(l, &input);
            let output = a.last().unwrap().clone();
            let s = linear(&self.readouts[l].weights, &self.readouts[l].bias, &output);
            let g = risk_gradient(loss, &s, y);
            let signal = self.readouts[l].weights.transposed().times(&g);
            self.readouts[l].step(&self.settings, k, &output, &g);
            self.back(l, k, (&a, &z), signal);
            input = output;
        }
        let (a, z) = self.pass(last, &input);
        let s = z.last().unwrap();
        let (found, g) = (risk(loss, s, y), risk_gradient(loss, s, y));
        self.back(last, k, (&a, &z), g);
        found
    }

    /// Inputs and linear outputs of the maps of a layer, and its output as the last input.
    fn pass(&self, l: usize, input: &Mat) -> (Vec<Mat>, Vec<Mat>) {
        let (mut a, mut z) = (vec![input.clone()], Vec::new());
        for map in &self.layers[l] {
            z.push(linear(&map.weights, &map.bias, a.last().unwrap()));
            a.push(z.last().unwrap().map(|z| activate(self.activation, z)));
        }
        (a, z)
    }

    /// The steps of a layer from the gradient in its output, which is linear in the last one.
    fn back(&mut self, l: usize, k: usize, (a, z): (&[Mat], &[Mat]), mut signal: Mat) {
        let is_last = l + 1 == self.layers.len();
        for index in (0..self.layers[l].len()).rev() {
            if !(is_last && index + 1 == self.layers[l].len()) {
                let z = &z[index];
                let slope = |i, j: usize| derivative(self.activation, z.at(i, j)) * signal.at(i, j);
                signal = Mat::from_fn(z.rows, z.columns, slope);
            }
            let map = &mut self.layers[l][index];
            let below = map.weights.transposed().times(&signal);
            map.step(&self.settings, k, &a[index], &signal);
            signal = below;
        }
    }

    fn network(&self) -> Network {
        let maps = || self.layers.iter().flatten();
        Network {
            weights: maps().map(|map| map.weights.clone()).collect(),
            biases: maps().map(|map| map.bias.clone()).collect(),
        }
    }
}

/// Two epochs beside the reference.
fn compare(settings: Hyperparameters<f64>, activation: Activation<f64>, (cuts, sizes): (&[usize], &[usize])) {
    let (data, start) = small();
    let what = format!("{activation:?}, {cuts:?}, {settings:?}");
    let mut rig = rig(&settings, activation, cuts, (&data, &start)).unwrap();
    rig.initialize().unwrap();
    let mut reference = Reference::new(&start, sizes, activation, settings);
    for (epoch, order) in orders().iter().enumerate() {
        let report = rig.sweep_in(Some(order)).unwrap();
        let mut risks = Vec::new();
        for batch in 0..BATCHES {
            let samples = &order[SAMPLES * batch / BATCHES..SAMPLES * (batch + 1) / BATCHES];
            let (x, y) = (chosen(&data.x, samples), chosen(&data.y, samples));
            risks.push(reference.take(epoch * BATCHES + batch, &x, &y));
        }
        let apart = farthest(&rig.network(), &reference.network());
        assert!(apart < 1e-8, "{apart}: {what}");
        let (seen, expected): (_, f64) = (report.seen.unwrap().risk, risks.iter().sum());
        assert!((seen - expected).abs() < 1e-8 * expected.max(1.0), "{seen}, {expected}: {what}");
        assert!(!report.rejected);
    }
    for (l, expected) in reference.readouts.iter().enumerate() {
        rig.with(|method, run, state, _| {
            let (weights, bias) = method.readout(run, state, l).unwrap().unwrap();
            let expected = (&expected.weights, &expected.bias);
            for i in 0..expected.1.rows {
                assert!((bias[i] - expected.1.at(i, 0)).abs() < 1e-8, "read-out {l}: {what}");
                for j in 0..expected.0.columns {
                    assert!((weights[(i, j)] - expected.0.at(i, j)).abs() < 1e-8, "read-out {l}: {what}");
                }
            }
            assert!(expected.0.largest() > 0.01, "read-out {l} has learnt nothing");
        });
    }
    let layers = sizes.len();
    rig.with(|method, run, state, _| {
        assert!(method.readout(run, state, layers - 1).unwrap().is_none());
        assert_eq!(method.nu(run, state, layers - 1).unwrap(), NU);
    });
}

const EACH: (&[usize], &[usize]) = (&[2, 4], &[1, 1, 1]);

#[test]
fn batches_are_the_least_squares_steps_of_every_layer_with_its_readout() {
    for activation in ACTIVATIONS {
        for loss in LOSSES {
            for (form, regularizer, weight_decay) in [
                (Form::Auto, Regularizer::None, 0.0),
                (Form::Dual, Regularizer::L2(0.5), 0.25),
                (Form::Primal, Regularizer::L2(0.5), 0.0),
            ] {
                let settings = Hyperparameters { loss, form, regularizer, weight_decay, ..settings() };
                compare(settings, activation, EACH);
            }
        }
    }
}

#[test]
fn a_layer_of_several_maps_passes_its_signal_back_inside() {
    for groups in [(&[2][..], &[1, 2][..]), (&[4], &[2, 1]), (&[], &[3])] {
        compare(settings(), Activation::Tanh, groups);
    }
}

#[test]
fn layers_step_by_sgd_and_adam_too() {
    for inner in [Inner::Sgd, Inner::Adam] {
        for (regularizer, weight_decay) in [(Regularizer::None, 0.0), (Regularizer::L2(0.5), 0.25)] {
            let settings = Hyperparameters { inner, regularizer, weight_decay, ..settings() };
            compare(settings, Activation::Sigmoid, EACH);
        }
    }
}

#[test]
fn the_order_of_layers_changes_no_bit() {
    let (data, start) = small();
    let settings = settings();
    let mut straight = rig(&settings, Activation::Relu, EACH.0, (&data, &start)).unwrap();
    let expected = straight.sweeps(2);
    for order in [Order::Backward, Order::Shuffled] {
        let mut other = rig(&settings, Activation::Relu, EACH.0, (&data, &start)).unwrap();
        let mut executor = Permuted::new(order, poison(other.scratch()));
        other.initialize_on(&mut executor).unwrap();
        let found = [0; 2].map(|_| other.sweep_on(&mut executor).unwrap());
        assert!(found[..] == expected && other.network() == straight.network(), "{order:?}");
    }
}

#[test]
fn a_state_that_is_read_back_goes_on_with_the_same_bits() {
    let (data, start) = small();
    for inner in [Inner::Proxprop, Inner::Adam] {
        let settings = Hyperparameters { inner, ..settings() };
        let new = || rig(&settings, Activation::Relu, EACH.0, (&data, &start)).unwrap();
        let (mut straight, mut resumed) = (new(), new());
        straight.sweeps(1);
        (resumed.scalars, resumed.numbers) = (straight.scalars.clone(), straight.numbers.clone());
        assert_eq!(resumed.sweep().unwrap(), straight.sweep().unwrap());
        assert!(resumed.scalars == straight.scalars && resumed.numbers == straight.numbers);
    }
}

/// A sample that is not finite: the first layer takes its step back, and nobody else takes the batch.
#[test]
fn a_batch_that_is_not_finite_is_left_out_by_all_layers() {
    let (mut data, start) = small();
    data.x.set(0, 100, f64::INFINITY);
    let mut rig = rig(&settings(), Activation::Relu, EACH.0, (&data, &start)).unwrap();
    rig.initialize().unwrap();
    let refused = rig.sweep_in(Some(&[100]));
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
    rig.restart(&start);
    rig.initialize().unwrap();
    let batch: Vec<u32> = (0..22).collect();
    assert!(!rig.sweep_in(Some(&batch)).unwrap().rejected);
    let stepped = rig.network();
    let report = rig.sweep_in(Some(&[100])).unwrap();
    assert!(report.rejected && report.seen.is_none());
    let after = rig.network();
    let apart = after.weights[0].plus(-1.0, &start.weights[0]).largest();
    assert!(apart < 1e-13, "{apart}");
    assert!(after.weights[1..] == stepped.weights[1..] && stepped.weights[2] != start.weights[2]);
    let nu = |l| rig.with(|method, run, state, _| method.nu(run, state, l).unwrap());
    assert_eq!([0, 1, 2].map(nu), [4.0 * NU, NU, NU]);
}

/// Gradient steps cannot be taken back.
#[test]
fn gradient_steps_that_are_not_finite_are_divergence() {
    let (mut data, start) = small();
    data.x.set(0, 100, f64::INFINITY);
    let settings = Hyperparameters { inner: Inner::Sgd, ..settings() };
    let mut rig = rig(&settings, Activation::Relu, EACH.0, (&data, &start)).unwrap();
    rig.initialize().unwrap();
    rig.sweep_in(Some(&[3, 4])).unwrap();
    let refused = rig.sweep_in(Some(&[100]));
    assert!(matches!(refused, Err(Error::NonFinite { .. })), "{refused:?}");
}

#[test]
fn one_sample_moves_only_biases_and_none_moves_nothing() {
    let (data, start) = small();
    let mut rig = rig(&settings(), Activation::Relu, EACH.0, (&data, &start)).unwrap();
    rig.initialize().unwrap();
    rig.sweep_in(Some(&[])).unwrap();
    assert!(rig.network() == start);
    rig.sweep_in(Some(&[3])).unwrap();
    let after = rig.network();
    assert!(after.weights == start.weights && after.biases[2] != start.biases[2]);

    let (none, start) = (Data::new(6, 4, 0, 3), Network::new(&[6, 9, 4], 2));
    let mut rig = self::rig(&settings(), Activation::Relu, &[2], (&none, &start)).unwrap();
    let sweeps = rig.sweeps(2);
    assert!(sweeps[1].objective == 0.0 && rig.network() == start);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let (data, start) = small();
    let base = settings();
    let refused = |settings: Hyperparameters<f64>, cuts: &[usize]| match rig(
        &settings,
        Activation::Relu,
        cuts,
        (&data, &start),
    )
    .map(|_| ())
    {
        Err(Error::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    for (expected, settings) in [
        ("nu", Hyperparameters { nu: 0.0, ..base }),
        ("damping", Hyperparameters { damping: -1.0, ..base }),
        ("momentum", Hyperparameters { momentum: 1.0, ..base }),
        ("batch", Hyperparameters { batch: Some(0), ..base }),
        ("weight-decay", Hyperparameters { weight_decay: NU, ..base }),
        ("readout-grid", Hyperparameters { readout_grid: 0, ..base }),
        ("l1 regulariser", Hyperparameters { regularizer: Regularizer::L1(0.1), ..base }),
        ("rate", Hyperparameters { inner: Inner::Sgd, learning_rate: 0.0, ..base }),
    ] {
        assert_eq!(refused(settings, &[2, 4]), expected);
    }
    for cuts in [&[4, 2][..], &[0], &[5], &[2, 2]] {
        assert_eq!(refused(base, cuts), "cuts");
    }
    let least_squares = Hyperparameters { loss: Loss::LeastSquares, ..base };
    assert!(rig(&least_squares, Activation::Relu, &[2, 4], (&data, &start)).is_ok());
}
