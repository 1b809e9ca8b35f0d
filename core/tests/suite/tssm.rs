//! gsADMM and gsAM against Algorithms 1 and 2 on whole matrices, written by themselves; n = 1 against back-propagation.

use altmin_core::block::{Block, Network, Shape};
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::backprop::{self, BackProp};
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::method::tssm::{self, Convention, Inner, Settings, Splitting, Tssm};
use altmin_core::method::{Partition, Problem, Sweep, network};
use altmin_core::optimizer::Optimizer;
use altmin_core::update::sums::{Parts, SumsShape};
use altmin_core::view::dense;
use altmin_core::{Activation, Error, Loss, Regularizer, Target};

use crate::common::{Plain, Random};

const SAMPLES: usize = 23;
const TILE: usize = 5;

/// A subnetwork of fully connected layers with tanh after each, but for the network's last.
#[derive(Clone)]
struct Plainly {
    layers: Vec<(Plain, Plain)>,
    last: bool,
}

impl Plainly {
    fn forward(&self, p: &Plain) -> Vec<Plain> {
        let mut signals = vec![p.clone()];
        for (l, (weights, bias)) in self.layers.iter().enumerate() {
            let z = weights.times(&signals[l]).plus_to_columns(bias);
            let linear = self.last && l + 1 == self.layers.len();
            signals.push(if linear { z } else { z.map(f64::tanh) });
        }
        signals
    }

    fn output(&self, p: &Plain) -> Plain {
        self.forward(p).pop().unwrap()
    }

    /// Gradients of all layers and in the input, from that in the output.
    fn backward(&self, signals: &[Plain], delta: &Plain) -> (Vec<(Plain, Plain)>, Plain) {
        let (mut delta, mut gradients) = (delta.clone(), Vec::new());
        for l in (0..self.layers.len()).rev() {
            if !(self.last && l + 1 == self.layers.len()) {
                let y = &signals[l + 1];
                delta = Plain::new(y.rows, y.columns, |i, j| delta[(i, j)] * (1.0 - y[(i, j)] * y[(i, j)]));
            }
            gradients.push((delta.times(&signals[l].transposed()), delta.row_sums()));
            delta = self.layers[l].0.transposed().times(&delta);
        }
        gradients.reverse();
        (gradients, delta)
    }

    /// The gradients in all layers' linear outputs.
    fn linear_signals(&self, signals: &[Plain], delta: &Plain) -> Vec<Plain> {
        let (mut delta, mut all) = (delta.clone(), Vec::new());
        for l in (0..self.layers.len()).rev() {
            if !(self.last && l + 1 == self.layers.len()) {
                let y = &signals[l + 1];
                delta = Plain::new(y.rows, y.columns, |i, j| delta[(i, j)] * (1.0 - y[(i, j)] * y[(i, j)]));
            }
            all.insert(0, delta.clone());
            delta = self.layers[l].0.transposed().times(&delta);
        }
        all
    }

    fn parameters(&self) -> Vec<f64> {
        self.layers.iter().flat_map(|(w, b)| w.data.iter().chain(&b.data).copied()).collect()
    }
}

/// Algorithm 1 or 2 with stochastic gradient descent and squared risk, on whole matrices.
struct Reference {
    settings: Settings<f64>,
    rate: f64,
    nets: Vec<Plainly>,
    x: Plain,
    y: Plain,
    p: Vec<Plain>,
    q: Vec<Plain>,
    u: Vec<Plain>,
}

impl Reference {
    fn input(&self, l: usize) -> &Plain {
        if l == 0 { &self.x } else { &self.p[l - 1] }
    }

    /// What the output of subnetwork l should be.
    fn target(&self, l: usize) -> &Plain {
        if l + 1 == self.nets.len() {
            return &self.y;
        }
        if self.settings.splitting == Splitting::Gsadmm { &self.q[l] } else { &self.p[l] }
    }

    fn weight(&self, l: usize) -> f64 {
        if l + 1 == self.nets.len() { 1.0 } else { self.settings.alpha }
    }

    /// What stands for M.
    fn samples(&self) -> f64 {
        match self.settings.convention {
            Convention::Mean => self.x.columns as f64,
            Convention::Sum => 1.0,
        }
    }

    /// The signal at the output of a subnetwork, and its weight: the gradient, or with proximal sweeps that of a squared
    /// risk's proximal target.
    fn signal(&self, l: usize, output: &Plain, target: &Plain) -> (Plain, f64) {
        let gap = output.plus(-1.0, target);
        match self.settings.inner {
            // argmin 1/2|t - y|^2 + nu/2|t - z|^2 is (y + nu z)/(1 + nu).
            Inner::Proximal { nu, .. } if l + 1 == self.nets.len() => (gap.map(|g| g / (1.0 + nu)), nu),
            _ => (gap, self.weight(l)),
        }
    }

    /// All layers at once by least squares with row means taken off.
    fn sweep(&mut self, damping: f64, samples: &[u32]) {
        let pick = |m: &Plain| Plain::new(m.rows, samples.len(), |i, j| m[(i, samples[j] as usize)]);
        for l in self.settings.frozen..self.nets.len() {
            let signals = self.nets[l].forward(&pick(self.input(l)));
            let (delta, _) = self.signal(l, signals.last().unwrap(), &pick(self.target(l)));
            let signals_r = self.nets[l].linear_signals(&signals, &delta);
            for ((w, b), (r, p)) in self.nets[l].layers.iter_mut().zip(signals_r.iter().zip(&signals)) {
                let (k, m) = (r.row_means(), p.row_means());
                let minus = |matrix: &Plain, means: &Plain| {
                    Plain::new(matrix.rows, matrix.columns, |i, j| matrix[(i, j)] - means[(i, 0)])
                };
                let (r, p) = (minus(r, &k), minus(p, &m));
                let (cross, gram) = (r.times(&p.transposed()), p.times(&p.transposed()));
                let trace: f64 = (0..gram.rows).map(|i| gram[(i, i)]).sum();
                let delta = damping * trace / gram.rows as f64;
                let system = gram.plus(delta, &Plain::identity(gram.rows));
                let change = system.solve(&cross.transposed()).transposed().map(|d| -d);
                *b = b.plus(-1.0, &k).plus(-1.0, &change.times(&m));
                *w = w.plus(1.0, &change);
            }
        }
    }

    fn epoch(&mut self, order: &[u32], batch: usize) {
        let n = self.nets.len();
        for samples in batches(order, batch) {
            if let Inner::Proximal { damping, .. } = self.settings.inner {
                self.sweep(damping, samples);
                continue;
            }
            let pick = |m: &Plain| Plain::new(m.rows, samples.len(), |i, j| m[(i, samples[j] as usize)]);
            for l in self.settings.frozen..n {
                let signals = self.nets[l].forward(&pick(self.input(l)));
                let delta = signals.last().unwrap().plus(-1.0, &pick(self.target(l)));
                let (gradients, _) = self.nets[l].backward(&signals, &delta);
                let step = -self.rate * self.weight(l) / samples.len() as f64;
                for ((w, b), (dw, db)) in self.nets[l].layers.iter_mut().zip(&gradients) {
                    (*w, *b) = (w.plus(step, dw), b.plus(step, db));
                }
            }
        }
        let m = self.samples();
        let (rho, tau, alpha) = (self.settings.rho, self.settings.tau, self.settings.alpha);
        let gradient = |this: &Self, l: usize| {
            let signals = this.nets[l].forward(this.input(l));
            let (delta, weight) = this.signal(l, signals.last().unwrap(), this.target(l));
            this.nets[l].backward(&signals, &delta).1.map(|g| g * weight / m)
        };
        if self.settings.splitting == Splitting::Gsam {
            for l in 1..n {
                let gap = self.p[l - 1].plus(-1.0, &self.nets[l - 1].output(self.input(l - 1)));
                let g = gradient(self, l).plus(alpha / m, &gap);
                self.p[l - 1] = self.p[l - 1].plus(-1.0 / tau, &g);
            }
            return;
        }
        let steps: Vec<Plain> = (1..n)
            .map(|l| {
                let (p, q, u) = (&self.p[l - 1], &self.q[l - 1], &self.u[l - 1]);
                gradient(self, l).plus(1.0, u).plus(rho, &p.plus(-1.0, q))
            })
            .collect();
        for (p, g) in self.p.iter_mut().zip(&steps) {
            *p = p.plus(-1.0 / tau, g);
        }
        for l in 0..n - 1 {
            let f = self.nets[l].output(self.input(l));
            let (p, u) = (&self.p[l], &self.u[l]);
            let sum = f.map(|f| alpha * f).plus(rho * m, p).plus(m, u);
            self.q[l] = sum.map(|sum| sum / (rho * m + alpha));
            self.u[l] = self.u[l].plus(rho, &self.p[l].plus(-1.0, &self.q[l]));
        }
    }

    /// L_rho or F.
    fn objective(&self) -> f64 {
        let m = self.samples();
        let mut value = 0.0;
        for l in 0..self.nets.len() {
            let gap = self.nets[l].output(self.input(l)).plus(-1.0, self.target(l));
            value += 0.5 * self.weight(l) / m * gap.squared();
        }
        if self.settings.splitting == Splitting::Gsadmm {
            for ((p, q), u) in self.p.iter().zip(&self.q).zip(&self.u) {
                let gap = p.plus(-1.0, q);
                value += u.inner(&gap) + 0.5 * self.settings.rho * gap.squared();
            }
        }
        value
    }
}

/// As few batches as hold `batch` samples each at most, their sizes no more than one apart: the larger ones of the
/// remainder are spread over the epoch.
fn batches(order: &[u32], batch: usize) -> Vec<&[u32]> {
    let mut count = 1;
    while count * batch < order.len() {
        count += 1;
    }
    let (size, more) = (order.len() / count, order.len() % count);
    let (mut rest, mut all, mut owed) = (order, Vec::new(), 0);
    for _ in 0..count {
        owed += more;
        let (own, after) = rest.split_at(size + owed / count);
        owed %= count;
        all.push(own);
        rest = after;
    }
    all
}

/// Widths of each subnetwork's signals.
fn widths(n: usize) -> Vec<Vec<usize>> {
    match n {
        1 => vec![vec![4, 6, 5, 3]],
        2 => vec![vec![4, 6], vec![6, 5, 3]],
        _ => vec![vec![4, 6], vec![6, 5, 5], vec![5, 3]],
    }
}

fn settings(splitting: Splitting) -> Settings<f64> {
    Settings {
        splitting,
        alpha: 3.0,
        rho: 0.7,
        tau: 4.0,
        convention: Convention::Mean,
        inner: Inner::Optimizer(Optimizer::gd(0.2)),
        loss: Loss::LeastSquares,
        guard: None,
        frozen: 0,
    }
}

fn reference(n: usize, settings: Settings<f64>, rate: f64) -> Reference {
    let mut random = Random::new(5);
    let nets: Vec<Plainly> = widths(n)
        .iter()
        .enumerate()
        .map(|(l, widths)| {
            let layers = widths.windows(2).map(|w| (random.matrix(w[1], w[0]), random.matrix(w[1], 1)));
            Plainly { layers: layers.collect(), last: l + 1 == n }
        })
        .collect();
    let (x, y) = (random.matrix(4, SAMPLES), random.matrix(3, SAMPLES));
    let mut p = Vec::new();
    for net in &nets[..n - 1] {
        p.push(net.output(p.last().unwrap_or(&x)));
    }
    let u = p.iter().map(|p| Plain::zeros(p.rows, p.columns)).collect();
    Reference { settings, rate, nets, x, y, q: p.clone(), p, u }
}

fn blocks(nets: &[Plainly]) -> Vec<Vec<Block<f64>>> {
    nets.iter()
        .map(|net| {
            let mut blocks = Vec::new();
            for (weights, _) in &net.layers {
                blocks.extend([Block::Dense { outputs: weights.rows }, Block::Activation(Activation::Tanh)]);
            }
            if net.last {
                blocks.pop();
            }
            blocks
        })
        .collect()
}

/// The method's memory.
struct Memory {
    subnetworks: Vec<tssm::Subnetwork<f64, Vec<f64>>>,
    interfaces: Vec<tssm::Interface<f64, Vec<f64>>>,
    shares: Vec<tssm::Share<f64, Vec<f64>>>,
    terms: Vec<tssm::Terms>,
}

fn poison(elements: usize) -> Vec<f64> {
    vec![f64::NAN; elements]
}

impl Memory {
    fn new(
        settings: &Settings<f64>,
        networks: &[Network<'_, f64>],
        reference: &Reference,
        groups: usize,
    ) -> Self {
        let guard = settings.guard.is_some();
        let subnetworks = networks.iter().zip(&reference.nets).map(|(network, net)| {
            let mut subnetwork = tssm::subnetwork(network, &settings.inner, guard, poison);
            subnetwork.parameters_mut().copy_from_slice(&net.parameters());
            subnetwork
        });
        let dual = settings.splitting == Splitting::Gsadmm;
        let features = networks[..networks.len() - 1].iter().map(|network| network.output().features());
        let shares = networks
            .iter()
            .flat_map(|network| (0..groups).map(|_| tssm::share(network, &settings.inner, poison)));
        Self {
            subnetworks: subnetworks.collect(),
            interfaces: features.map(|n| tssm::interface(n, SAMPLES, dual, poison).unwrap()).collect(),
            shares: shares.collect(),
            terms: vec![tssm::Terms::default(); SAMPLES.div_ceil(TILE)],
        }
    }

    fn state(&mut self) -> tssm::State<'_, f64, Vec<f64>> {
        let Self { subnetworks, interfaces, shares, terms } = self;
        tssm::State { subnetworks, interfaces, shares, terms }
    }
}

/// Runs some epochs; `see` gets the report and the memory after each.
fn run(
    reference: &Reference,
    settings: Settings<f64>,
    batch: usize,
    epochs: &[Vec<u32>],
    mut see: impl FnMut(usize, Sweep, &Memory),
) -> Memory {
    let blocks = blocks(&reference.nets);
    let inputs = reference.nets.iter().map(|net| Shape::flat(net.layers[0].0.columns));
    let networks: Vec<Network<'_, f64>> =
        blocks.iter().zip(inputs).map(|(blocks, input)| Network::new(blocks, input).unwrap()).collect();
    let (partition, batches) = (Partition::new(SAMPLES, TILE, 4), Partition::new(batch, 4, 3));
    let mut memory = Memory::new(&settings, &networks, reference, batches.groups());
    let problem = Problem {
        x: dense(&reference.x.data, reference.x.rows, SAMPLES),
        target: Target::Values(dense(&reference.y.data, reference.y.rows, SAMPLES)),
    };
    let mut scratch = poison(tssm::workspace(&Portable, &settings, &networks, TILE).elements());
    let mut executor = Sequential::new(&mut scratch);
    let mut method = Tssm::new(settings, &networks, partition, batches, problem, memory.state()).unwrap();
    method.initialize(&mut executor, &Portable).unwrap();
    for (epoch, order) in epochs.iter().enumerate() {
        let state = memory.state();
        let mut method = Tssm::new(settings, &networks, partition, batches, problem, state).unwrap();
        let sweep = method.epoch(&mut executor, &Portable, order, batch).unwrap();
        see(epoch, sweep, &memory);
    }
    memory
}

/// Permutations of the samples.
fn orders(epochs: usize) -> Vec<Vec<u32>> {
    let mut random = Random::new(9);
    (0..epochs)
        .map(|_| {
            let mut order: Vec<u32> = (0..SAMPLES as u32).collect();
            for at in (1..SAMPLES).rev() {
                order.swap(at, random.below(at + 1));
            }
            order
        })
        .collect()
}

fn near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {found} {expected}");
    }
}

#[test]
fn epochs_are_those_of_the_algorithms() {
    for splitting in [Splitting::Gsadmm, Splitting::Gsam] {
        for convention in [Convention::Mean, Convention::Sum] {
            for (n, frozen) in [(1, 0), (2, 0), (2, 1), (3, 0)] {
                for inner in [Inner::Optimizer(Optimizer::gd(0.2)), PROXIMAL] {
                    // Sums want shorter steps of p.
                    let tau = if convention == Convention::Sum { 12.0 } else { 4.0 };
                    check_epochs(n, Settings { frozen, convention, inner, tau, ..settings(splitting) });
                }
            }
        }
    }
}

const PROXIMAL: Inner<f64> = Inner::Proximal { nu: 1.5, damping: 0.3 };

fn check_epochs(n: usize, settings: Settings<f64>) {
    let splitting = settings.splitting;
    let mut plain = reference(n, settings, 0.2);
    let orders = orders(8);
    run(&reference(n, settings, 0.2), settings, 10, &orders, |epoch, sweep, memory| {
        let before = (plain.p.clone(), plain.q.clone());
        plain.epoch(&orders[epoch], 10);
        for (l, net) in plain.nets.iter().enumerate() {
            near("parameters", memory.subnetworks[l].parameters(), &net.parameters());
        }
        let (mut gap, mut moved) = (0.0, 0.0);
        for (l, interface) in memory.interfaces.iter().enumerate() {
            near("p", &Plain::of(&interface.p()).data, &plain.p[l].data);
            if splitting == Splitting::Gsadmm {
                near("q", &Plain::of(&interface.q()).data, &plain.q[l].data);
                near("u", &Plain::of(&interface.u()).data, &plain.u[l].data);
                gap += plain.p[l].plus(-1.0, &plain.q[l]).squared();
                moved += plain.q[l].plus(-1.0, &before.1[l]).squared();
            } else {
                gap += plain.nets[l].output(plain.input(l)).plus(-1.0, &plain.p[l]).squared();
                moved += plain.p[l].plus(-1.0, &before.0[l]).squared();
            }
        }
        let scale =
            if splitting == Splitting::Gsadmm { settings.rho } else { settings.alpha / plain.samples() };
        near("objective", &[sweep.objective], &[plain.objective()]);
        near("primal residual", &[sweep.primal_residual], &[gap.sqrt()]);
        near("dual residual", &[sweep.dual_residual], &[scale * moved.sqrt()]);
    });
}

#[test]
fn one_subnetwork_is_back_propagation_bit_for_bit() {
    for optimizer in [Optimizer::gd(0.1), Optimizer::adam(0.01)] {
        let settings = Settings { inner: Inner::Optimizer(optimizer), ..settings(Splitting::Gsadmm) };
        let plain = reference(1, settings, 0.1);
        let orders = orders(3);
        let found = run(&plain, settings, 10, &orders, |_, _, _| {});
        let settings = backprop::Settings {
            optimizer,
            activation: Activation::Tanh,
            loss: Loss::LeastSquares,
            regularizer: Regularizer::None,
        };
        let shapes: Vec<SumsShape> =
            plain.nets[0].layers.iter().map(|(w, _)| SumsShape { n_out: w.rows, n_in: w.columns }).collect();
        let layer = |(l, shape): (usize, &SumsShape)| {
            let shape = LayerShape::new(&settings.steps(), l, shape.n_out, shape.n_in);
            let mut layer = Layer::new(shape, |elements| vec![0.0; elements]).unwrap();
            let (weights, bias) = layer.parameters_mut();
            weights.copy_from_slice(&plain.nets[0].layers[l].0.data);
            bias.copy_from_slice(&plain.nets[0].layers[l].1.data);
            layer
        };
        let mut layers: Vec<_> = shapes.iter().enumerate().map(layer).collect();
        let moments = |shape: &SumsShape| backprop::Moments::new(&optimizer, *shape, |n| vec![0.0; n]);
        let mut moments: Vec<_> = shapes.iter().map(moments).collect();
        let partition = Partition::new(10, 4, 3);
        let group = |_| network::group(Parts::Residual, shapes.iter().copied(), |n| vec![0.0; n]).unwrap();
        let mut groups: Vec<_> = (0..partition.groups()).map(group).collect();
        let mut steps = 0;
        let problem = Problem {
            x: dense(&plain.x.data, plain.x.rows, SAMPLES),
            target: Target::Values(dense(&plain.y.data, plain.y.rows, SAMPLES)),
        };
        let needed = backprop::workspace(&Portable, &settings, partition.tile(), shapes.iter().copied());
        let mut scratch = vec![0.0; needed.elements()];
        let mut executor = Sequential::new(&mut scratch);
        let state = backprop::State {
            layers: &mut layers,
            moments: &mut moments,
            groups: &mut groups,
            steps: &mut steps,
        };
        let mut method = BackProp::new(settings, partition, problem, state).unwrap();
        method.initialize();
        for batch in orders.iter().flat_map(|order| batches(order, 10)) {
            method.step_batch(&mut executor, &Portable, batch).unwrap();
        }
        let expected: Vec<f64> = method
            .layers()
            .iter()
            .flat_map(|layer| {
                let (weights, bias) = layer.parameters();
                weights.iter().chain(bias).copied()
            })
            .collect();
        assert_eq!(found.subnetworks[0].parameters(), expected);
    }
}

#[test]
fn a_guard_undoes_an_epoch_whose_cost_rose() {
    let wild = Settings {
        inner: Inner::Optimizer(Optimizer::gd(40.0)),
        guard: Some(0.0),
        ..settings(Splitting::Gsadmm)
    };
    let plain = reference(2, wild, 0.0);
    let mut kept = Vec::new();
    let mut undone = 0;
    run(&plain, wild, 10, &orders(6), |_, _, memory| {
        let parameters: Vec<Vec<f64>> = memory.subnetworks.iter().map(|s| s.parameters().to_vec()).collect();
        if kept == parameters {
            undone += 1;
        }
        kept = parameters;
    });
    assert!(undone > 0);
    assert!(kept.iter().flatten().all(|w| w.is_finite()));
}

#[test]
fn settings_and_orders_out_of_range_are_refused() {
    let good = settings(Splitting::Gsadmm);
    assert_eq!(good.validate(), Ok(()));
    let bad = [
        ("alpha", Settings { alpha: 0.0, ..good }),
        ("rho", Settings { rho: f64::NAN, ..good }),
        ("tau", Settings { tau: -1.0, ..good }),
        ("guard", Settings { guard: Some(-0.1), ..good }),
        ("nu", Settings { inner: Inner::Proximal { nu: 0.0, damping: 0.1 }, ..good }),
        ("damping", Settings { inner: Inner::Proximal { nu: 1.0, damping: -0.1 }, ..good }),
        ("rate", Settings { inner: Inner::Optimizer(Optimizer::gd(0.0)), ..good }),
    ];
    for (expected, settings) in bad {
        match settings.validate() {
            Err(Error::Setting { name, .. }) => assert_eq!(name, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}
