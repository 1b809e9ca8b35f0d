//! gsADMM and gsAM against Algorithms 1 and 2 on whole matrices, written by themselves; n = 1 against back-propagation.

use altmin_core::block::{Block, Shape};
use altmin_core::method::gradient::Gradient;
use altmin_core::method::proxprop::{Carry, Form, ProxProp};
use altmin_core::method::tssm::{Convention, Inner, Splitting, Tssm, Variables};
use altmin_core::method::{Hyperparameters, Partition, Problem, StepSchedule, Sweep};
use altmin_core::optimizer::Optimizer;
use altmin_core::view::dense;
use altmin_core::{Activation, Error, Loss, Regularizer, Result, Target};

use crate::common::rig::{Order, Permuted, Rig, poison};
use crate::common::{Plain, Random};

/// What a run of the methods is told.
#[derive(Debug, Clone, Copy)]
struct Settings {
    splitting: Splitting,
    core: Hyperparameters<f64>,
}

impl Settings {
    fn with(self, change: impl FnOnce(&mut Hyperparameters<f64>)) -> Self {
        let mut changed = self;
        change(&mut changed.core);
        changed
    }
}

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
    settings: Settings,
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
        if l + 1 == self.nets.len() { 1.0 } else { self.settings.core.alpha }
    }

    /// What stands for M.
    fn samples(&self) -> f64 {
        match self.settings.core.convention {
            Convention::Mean => self.x.columns as f64,
            Convention::Sum => 1.0,
        }
    }

    /// The signal at the output of a subnetwork, and its weight: the gradient, or with proximal sweeps that of a squared
    /// risk's proximal target.
    fn signal(&self, l: usize, output: &Plain, target: &Plain) -> (Plain, f64) {
        let gap = output.plus(-1.0, target);
        let Hyperparameters { nu, inner, .. } = self.settings.core;
        match inner {
            // argmin 1/2|t - y|^2 + nu/2|t - z|^2 is (y + nu z)/(1 + nu).
            Inner::Proxprop if l + 1 == self.nets.len() => (gap.map(|g| g / (1.0 + nu)), nu),
            _ => (gap, self.weight(l)),
        }
    }

    /// All layers at once by least squares with row means taken off.
    fn sweep(&mut self, damping: f64, samples: &[u32]) {
        let pick = |m: &Plain| Plain::new(m.rows, samples.len(), |i, j| m[(i, samples[j] as usize)]);
        for l in self.settings.core.frozen..self.nets.len() {
            let signals = self.nets[l].forward(&pick(self.input(l)));
            let (mut delta, _) = self.signal(l, signals.last().unwrap(), &pick(self.target(l)));
            if self.settings.core.batch.is_some() && l + 1 < self.nets.len() {
                // f - argmin alpha/2|z - q|^2 + nu/2|z - f|^2
                let Hyperparameters { alpha, nu, .. } = self.settings.core;
                delta = delta.map(|gap| gap * alpha / (alpha + nu));
            }
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

    fn epoch(&mut self, order: &[u32]) {
        let n = self.nets.len();
        for samples in batches(order, self.settings.core.batch.unwrap_or(SAMPLES)) {
            if self.settings.core.inner == Inner::Proxprop {
                self.sweep(self.settings.core.damping, samples);
                continue;
            }
            let pick = |m: &Plain| Plain::new(m.rows, samples.len(), |i, j| m[(i, samples[j] as usize)]);
            for l in self.settings.core.frozen..n {
                let signals = self.nets[l].forward(&pick(self.input(l)));
                let delta = signals.last().unwrap().plus(-1.0, &pick(self.target(l)));
                let (gradients, _) = self.nets[l].backward(&signals, &delta);
                let step = -self.settings.core.learning_rate * self.weight(l) / samples.len() as f64;
                for ((w, b), (dw, db)) in self.nets[l].layers.iter_mut().zip(&gradients) {
                    (*w, *b) = (w.plus(step, dw), b.plus(step, db));
                }
            }
        }
        let m = self.samples();
        let (rho, tau, alpha) = (self.settings.core.rho, self.settings.core.tau, self.settings.core.alpha);
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
                value += u.inner(&gap) + 0.5 * self.settings.core.rho * gap.squared();
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

fn settings(splitting: Splitting) -> Settings {
    let core = Hyperparameters {
        alpha: 3.0,
        rho: 0.7,
        tau: 4.0,
        convention: Convention::Mean,
        inner: Inner::Sgd,
        learning_rate: 0.2,
        loss: Loss::LeastSquares,
        batch: Some(10),
        ..Default::default()
    };
    Settings { splitting, core }
}

fn reference(n: usize, settings: Settings) -> Reference {
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
    Reference { settings, nets, x, y, q: p.clone(), p, u }
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

impl Reference {
    fn problem(&self) -> Problem<'_, f64> {
        Problem {
            x: dense(&self.x.data, self.x.rows, SAMPLES),
            target: Target::Values(dense(&self.y.data, self.y.rows, SAMPLES)),
        }
    }

    fn parameters(&self) -> Vec<f64> {
        self.nets.iter().flat_map(Plainly::parameters).collect()
    }
}

type Trained<'d> = Rig<'d, Tssm<f64>>;

/// The method at the reference's start; batches have 3 groups of tiles of 4 samples, all samples 4 of tiles of 5.
fn rig(reference: &Reference) -> Result<Trained<'_>> {
    let Settings { splitting, core } = reference.settings;
    let blocks = blocks(&reference.nets);
    let ends = blocks.iter().scan(0, |end, blocks| {
        *end += blocks.len();
        Some(*end)
    });
    let cuts = ends.take(blocks.len() - 1).collect();
    let largest = core.batch.map_or(SAMPLES, |batch| SAMPLES.div_ceil(SAMPLES.div_ceil(batch)));
    let partitions = [Partition::new(SAMPLES, TILE, 4), Partition::new(largest, 4, 3)];
    let (parameters, input) = (reference.parameters(), Shape::flat(reference.x.rows));
    Rig::of_blocks(blocks.concat(), cuts, input, &parameters, reference.problem(), |run| {
        Tssm::with_partitions(splitting, &core, partitions, run)
    })
}

/// Calls `see` with the present variables.
fn with_variables<A>(rig: &mut Trained<'_>, see: impl FnOnce(Variables<'_, f64>) -> A) -> A {
    rig.with(|method, run, state, _| see(method.variables(run, state).unwrap()))
}

/// Runs some epochs; `see` gets the report and the variables after each.
fn run<'d>(
    reference: &'d Reference,
    epochs: &[Vec<u32>],
    mut see: impl FnMut(usize, Sweep, Variables<'_, f64>),
) -> Trained<'d> {
    let mut rig = rig(reference).unwrap();
    rig.initialize().unwrap();
    for (epoch, order) in epochs.iter().enumerate() {
        let sweep = rig.sweep_in(Some(order)).unwrap();
        with_variables(&mut rig, |variables| see(epoch, sweep, variables));
        // The objective that is worked out anew is that of the report.
        near("objective", &[rig.objective().unwrap()], &[sweep.objective]);
    }
    rig
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
            for (n, frozen) in [(1, 0), (2, 0), (2, 1), (3, 0), (3, 2)] {
                for inner in [Inner::Sgd, Inner::Proxprop] {
                    for batch in [None, Some(10), Some(SAMPLES)] {
                        // Sums want shorter steps of p.
                        let tau = if convention == Convention::Sum { 12.0 } else { 4.0 };
                        check_epochs(
                            n,
                            settings(splitting).with(|core| {
                                (core.frozen, core.convention, core.inner) = (frozen, convention, inner);
                                (core.tau, core.batch, core.nu, core.damping) = (tau, batch, 1.5, 0.3);
                            }),
                        );
                    }
                }
            }
        }
    }
}

fn check_epochs(n: usize, settings: Settings) {
    let splitting = settings.splitting;
    let (start, mut plain) = (reference(n, settings), reference(n, settings));
    let orders = orders(8);
    run(&start, &orders, |epoch, sweep, variables| {
        let before = (plain.p.clone(), plain.q.clone());
        plain.epoch(&orders[epoch]);
        assert_eq!(variables.subnetworks(), n);
        for (l, net) in plain.nets.iter().enumerate() {
            near("parameters", variables.parameters(l), &net.parameters());
        }
        let (mut gap, mut moved) = (0.0, 0.0);
        for l in 0..n - 1 {
            near("p", &Plain::of(&variables.p(l)).data, &plain.p[l].data);
            if splitting == Splitting::Gsadmm {
                near("q", &Plain::of(&variables.q(l)).data, &plain.q[l].data);
                near("u", &Plain::of(&variables.u(l)).data, &plain.u[l].data);
                gap += plain.p[l].plus(-1.0, &plain.q[l]).squared();
                moved += plain.q[l].plus(-1.0, &before.1[l]).squared();
            } else {
                gap += plain.nets[l].output(plain.input(l)).plus(-1.0, &plain.p[l]).squared();
                moved += plain.p[l].plus(-1.0, &before.0[l]).squared();
            }
        }
        let Hyperparameters { rho, alpha, .. } = settings.core;
        let scale = if splitting == Splitting::Gsadmm { rho } else { alpha / plain.samples() };
        near("objective", &[sweep.objective], &[plain.objective()]);
        near("primal residual", &[sweep.primal_residual], &[gap.sqrt()]);
        near("dual residual", &[sweep.dual_residual], &[scale * moved.sqrt()]);
    });
}

#[test]
fn one_subnetwork_is_back_propagation_bit_for_bit() {
    for (inner, rate) in [(Inner::Sgd, 0.1), (Inner::Adam, 0.01)] {
        for batch in [Some(10), None] {
            let settings = settings(Splitting::Gsadmm)
                .with(|core| (core.inner, core.learning_rate, core.batch) = (inner, rate, batch));
            let plain = reference(1, settings);
            let orders = orders(3);
            let found = run(&plain, &orders, |_, _, _| {});
            let optimizer = if inner == Inner::Adam { Optimizer::adam(rate) } else { Optimizer::gd(rate) };
            let blocks = blocks(&plain.nets).concat();
            let (parameters, input) = (plain.parameters(), Shape::flat(plain.x.rows));
            let partition = Partition::new(batch.map_or(SAMPLES, |_| 8), 4, 3);
            let mut expected =
                Rig::of_blocks(blocks, Vec::new(), input, &parameters, plain.problem(), |run| {
                    Gradient::with_partition(optimizer, &settings.core, partition, run)
                })
                .unwrap();
            expected.initialize().unwrap();
            for order in &orders {
                expected.sweep_in(Some(order)).unwrap();
            }
            let count = parameters.len();
            assert_eq!(found.scalars[..count], expected.scalars[..count]);
        }
    }
}

#[test]
fn one_subnetwork_in_minibatches_is_proxprop_bit_for_bit() {
    let settings = settings(Splitting::Gsadmm).with(|core| {
        (core.inner, core.batch, core.nu, core.damping) = (Inner::Proxprop, Some(10), 4.0, 0.5);
        (core.momentum, core.step_schedule, core.warm_up) = (0.9, StepSchedule::Linear, 0.5);
        core.sweeps = 3;
    });
    let orders = orders(3);
    for form in [Form::Auto, Form::Primal, Form::Dual] {
        for carry in [None, Some(Carry { beta: 0.5, every: 2 })] {
            let settings = settings.with(|core| (core.form, core.carry) = (form, carry));
            let plain = reference(1, settings);
            let found = run(&plain, &orders, |_, _, _| {});
            let (parameters, input) = (plain.parameters(), Shape::flat(plain.x.rows));
            let partition = Partition::new(8, 4, 3);
            let mut expected = Rig::of_blocks(
                blocks(&plain.nets).concat(),
                Vec::new(),
                input,
                &parameters,
                plain.problem(),
                |run| ProxProp::with_partition(&settings.core, partition, run),
            )
            .unwrap();
            expected.initialize().unwrap();
            for order in &orders {
                expected.sweep_in(Some(order)).unwrap();
            }
            let count = parameters.len();
            assert_ne!(found.scalars[..count], parameters);
            assert_eq!(found.scalars[..count], expected.scalars[..count], "{form:?}, {carry:?}");
        }
    }
}

#[test]
fn the_order_of_units_changes_no_bit() {
    for splitting in [Splitting::Gsadmm, Splitting::Gsam] {
        for (inner, guard) in
            [(Inner::Adam, Some(0.1)), (Inner::Proxprop, Some(0.1)), (Inner::Proxprop, None)]
        {
            let settings = settings(splitting)
                .with(|core| (core.inner, core.guard, core.momentum) = (inner, guard, 0.5));
            let plain = reference(3, settings);
            let trained = |order: Option<Order>| {
                let mut rig = rig(&plain).unwrap();
                let Some(order) = order else {
                    let sweeps = rig.sweeps(4);
                    return (rig.scalars, rig.numbers, sweeps);
                };
                let mut executor = Permuted::new(order, poison(rig.scratch()));
                rig.initialize_on(&mut executor).unwrap();
                let sweeps = (0..4).map(|_| rig.sweep_on(&mut executor).unwrap()).collect();
                (rig.scalars, rig.numbers, sweeps)
            };
            // Memory that nobody writes stays NaN.
            let bits = |(scalars, numbers, sweeps): (Vec<f64>, Vec<f64>, Vec<Sweep>)| {
                let bits = |list: Vec<f64>| list.into_iter().map(f64::to_bits).collect::<Vec<_>>();
                (bits(scalars), bits(numbers), sweeps)
            };
            let straight = bits(trained(None));
            for order in [Order::Backward, Order::Shuffled] {
                assert!(bits(trained(Some(order))) == straight, "{splitting:?}, {inner:?}, {order:?}");
            }
        }
    }
}

/// The costs that guards look at are those of the samples, added up in whatever pieces.
#[test]
fn costs_are_those_of_the_samples() {
    for batch in [None, Some(10)] {
        let settings = settings(Splitting::Gsadmm)
            .with(|core| (core.batch, core.learning_rate, core.guard) = (batch, 1e-15, Some(0.0)));
        let plain = reference(3, settings);
        // With steps of nearly no length all costs are those of the start: there is none but the risk's.
        run(&plain, &orders(1), |_, _, variables| {
            let risk = plain.nets[2].output(plain.input(2)).plus(-1.0, &plain.y).squared() / 2.0;
            near("risk", &[variables.cost(2)], &[risk / SAMPLES as f64]);
            assert!(variables.cost(0) < 1e-12 && variables.cost(1) < 1e-12);
        });
    }
}

#[test]
fn a_guard_undoes_an_epoch_whose_cost_rose() {
    let wild = settings(Splitting::Gsadmm).with(|core| (core.learning_rate, core.guard) = (40.0, Some(0.0)));
    let plain = reference(2, wild);
    let mut kept = Vec::new();
    let mut undone = 0;
    run(&plain, &orders(6), |_, _, variables| {
        let parameters: Vec<Vec<f64>> = (0..2).map(|l| variables.parameters(l).to_vec()).collect();
        if kept == parameters {
            undone += 1;
        }
        kept = parameters;
    });
    assert!(undone > 0);
    assert!(kept.iter().flatten().all(|w| w.is_finite()));
}

/// Parameters, both moments and steps of a subnetwork.
type Moving = (Vec<f64>, Vec<f64>, Vec<f64>, u64);

/// A guard takes moments and steps back with the parameters: the next epoch is one that never met the undone one.
#[test]
fn a_guard_takes_moments_back() {
    let settings = settings(Splitting::Gsadmm)
        .with(|core| (core.inner, core.learning_rate, core.guard) = (Inner::Adam, 4.0, Some(0.0)));
    let plain = reference(2, settings);
    let mut before: Option<[Moving; 2]> = None;
    let (mut undone, mut went) = (0, 0);
    run(&plain, &orders(8), |_, _, variables| {
        let of = |l: usize| {
            let (first, second, steps) = variables.moments(l);
            (variables.parameters(l).to_vec(), first.to_vec(), second.to_vec(), steps)
        };
        let now = [of(0), of(1)];
        for (l, now) in now.iter().enumerate() {
            let Some(before) = before.as_ref().map(|before| &before[l]) else { continue };
            if now.0 == before.0 {
                undone += 1;
                assert!(now == before);
            } else {
                went += 1;
                assert_eq!(now.3, before.3 + 3);
            }
        }
        before = Some(now);
    });
    assert!(undone > 0 && went > 0, "{undone} {went}");
}

#[test]
fn settings_cuts_and_orders_out_of_range_are_refused() {
    let good = settings(Splitting::Gsadmm);
    let refusal = |settings: Settings| match rig(&reference(2, settings)).map(|_| ()) {
        Err(Error::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    type Change = fn(&mut Hyperparameters<f64>);
    let bad: [(&str, Change); 12] = [
        ("alpha", |core| core.alpha = 0.0),
        ("rho", |core| core.rho = f64::NAN),
        ("tau", |core| core.tau = -1.0),
        ("guard", |core| core.guard = Some(-0.1)),
        ("nu", |core| (core.inner, core.nu) = (Inner::Proxprop, 0.0)),
        ("damping", |core| (core.inner, core.damping) = (Inner::Proxprop, -0.1)),
        ("rate", |core| core.learning_rate = 0.0),
        ("rate", |core| (core.inner, core.learning_rate) = (Inner::Adam, -1.0)),
        ("regularizer", |core| core.regularizer = Regularizer::L2(0.1)),
        ("regularizer", |core| core.regularizer = Regularizer::L1(0.1)),
        ("frozen", |core| core.frozen = 2),
        ("batch", |core| core.batch = Some(0)),
    ];
    for (expected, change) in bad {
        let settings = good.with(change);
        // Of a batch of no samples there is no partition either.
        let found = if expected == "batch" {
            let plain = reference(2, good);
            let blocks = blocks(&plain.nets).concat();
            let input = Shape::flat(plain.x.rows);
            let refused =
                Rig::of_blocks(blocks, vec![2], input, &plain.parameters(), plain.problem(), |run| {
                    Tssm::gsadmm(&settings.core, run)
                });
            match refused.map(|_| ()) {
                Err(Error::Setting { name, .. }) => name,
                other => panic!("{other:?}"),
            }
        } else {
            refusal(settings)
        };
        assert_eq!(found, expected);
    }
    let plain = reference(3, good);
    for cuts in [vec![0], vec![2, 2], vec![4, 2], vec![7], vec![2, 9]] {
        let (blocks, input) = (blocks(&plain.nets).concat(), Shape::flat(plain.x.rows));
        let refused = Rig::of_blocks(blocks, cuts, input, &plain.parameters(), plain.problem(), |run| {
            Tssm::gsam(&good.core, run)
        });
        let refused = refused.map(|_| ());
        assert!(matches!(refused, Err(Error::Setting { name: "cuts", .. })), "{refused:?}");
    }
    let mut rig = rig(&plain).unwrap();
    rig.initialize().unwrap();
    let refused = rig.sweep_in(Some(&[0, SAMPLES as u32]));
    assert!(matches!(refused, Err(Error::Setting { name: "batch", .. })), "{refused:?}");
}
