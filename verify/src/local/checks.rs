//! The checks of a batch and of an epoch.

use altmin_core::Regularizer;

use super::pass::{Pass, Signal, linear, linear_lost, through};
use super::{Auditor, Map, Weights};
use crate::formula::Formula;
use crate::matrix::{Mat, Sum};
use crate::plain::{add_regularizer, add_risk, may_be_constant, risk_gradient};
use crate::promise::Property;

/// Half of the step of a central difference, relative to the size of a weight of 1.
const DIFFERENCE: f64 = 1e-5;

/// What is left of a central difference beside the gradient's size: its third derivatives and rounding over the step.
const DIFFERENCE_ERROR: f64 = 1e-6;

/// A difference of both sides from which on a kink is taken for its cause, relative to the size of the gradient.
const KINK: f64 = 1e-3;

/// Weights of a layer whose differences are looked at.
const DIFFERENCES: usize = 12;

/// How far rounding grows over some batches, relative to what the weights moved.
const GROWTH: f64 = 1e-8;

/// How much more than a start that is off by rounding all the rounding on the way may come to.
const MORE: f64 = 64.0;

/// The problem that a map's step solves: input and residual of a batch, and the map before it.
struct Problem<'p> {
    p: &'p Mat,
    r: Mat,
    /// What rounding may have left of |r|.
    r_lost: f64,
    map: &'p Map,
    nu: f64,
    /// Of the regulariser.
    lambda: f64,
    damping: f64,
}

/// The step of a map in a batch, found as a difference of its weights before and after.
struct Step {
    map: Map,
    /// What rounding may have left of |D| in that difference.
    weights_lost: f64,
    /// What it may have left of |d|.
    bias_lost: f64,
}

impl Step {
    /// `added - momentum velocity`, where `added` is the difference of numbers of the size of `old`.
    fn new(old: &Map, added: &Map, velocity: &Map, momentum: f64) -> Self {
        let of = |added: f64, velocity: f64| added - momentum * velocity;
        let bias = added.bias.iter().zip(&velocity.bias).map(|(&added, &velocity)| of(added, velocity));
        let lost =
            |old: f64, added: f64, velocity: f64| 4.0 * f64::EPSILON * (old + added + momentum * velocity);
        Self {
            weights_lost: lost(old.weights.norm(), added.weights.norm(), velocity.weights.norm()),
            bias_lost: lost(norm(&old.bias), norm(&added.bias), norm(&velocity.bias)),
            map: Map { weights: added.weights.zip(&velocity.weights, of), bias: bias.collect() },
        }
    }
}

fn norm(numbers: &[f64]) -> f64 {
    libm::sqrt(numbers.iter().map(|number| number * number).sum())
}

/// The parts of the problem around the means of its samples.
struct Centred {
    p: Mat,
    r: Mat,
    p_means: Vec<f64>,
    r_means: Vec<f64>,
    delta: f64,
}

impl Problem<'_> {
    /// `is_constant` where the inputs are taken for the same in all samples.
    fn centre(&self, is_constant: bool) -> Centred {
        let (p_means, r_means, r) = (self.p.means(), self.r.means(), self.r.centred());
        let p = if is_constant { self.p.map(|_| 0.0) } else { self.p.centred() };
        let delta = self.damping * p.squared() / p.rows as f64;
        Centred { p, r, p_means, r_means, delta }
    }

    /// Whether the step takes the inputs for the same in all samples. The step by inputs x inputs does where their spread may
    /// be rounding of its sums, the one by samples x samples, which centres first, only where it is rounding of the means:
    /// between the two it is for the step to tell.
    fn is_constant(&self, step: &Step) -> bool {
        let moved = step.map.weights.norm() > step.weights_lost;
        let is_rounding = self.p.centred().squared() <= self.p.squared() * f64::EPSILON * f64::EPSILON;
        is_rounding || !moved && may_be_constant(self.p)
    }

    /// The norm of the gradient in weights and bias after the step (D, d), and the size of what it is added up from.
    fn gradient(&self, step: &Step) -> (f64, f64) {
        let is_constant = self.is_constant(step);
        let step = &step.map;
        let Centred { p, r, p_means, r_means, delta } = self.centre(is_constant);
        let l2 = self.lambda / self.nu;
        let moved = r.zip(&step.weights.times(&p), |r, moved| r + moved);
        let mut gradient = moved.times(&p.transposed());
        let mut size = r.norm() * p.norm() + step.weights.norm() * (p.squared() + delta + l2);
        if is_constant {
            // Inputs that are the same in all samples say nothing of the weights, which stay.
            gradient = step.weights.clone();
            size += step.weights.norm();
        } else {
            for (index, g) in gradient.data.iter_mut().enumerate() {
                let (d, w) = (step.weights.data[index], self.map.weights.data[index]);
                *g += (delta + l2) * d + l2 * w;
            }
            size += l2 * self.map.weights.norm();
        }
        let mean = Mat { rows: p_means.len(), columns: 1, data: p_means };
        let along = step.weights.times(&mean);
        let bias = step.bias.iter().zip(&r_means).zip(&along.data);
        let off: f64 = bias.map(|((d, k), along)| (d + k + along) * (d + k + along)).sum();
        let samples = self.r.columns as f64;
        size += samples * (norm(&step.bias) + norm(&r_means) + along.norm());
        (libm::sqrt(gradient.squared() + samples * samples * off), size)
    }

    /// What rounding may leave of the gradient: sums over samples that are centred afterwards, the solution of a system, and
    /// what is lost of a step between the weights before and after.
    fn gradient_rounding(&self, step: &Step) -> f64 {
        let (inputs, samples) = (self.p.squared(), self.r.columns as f64);
        let delta = self.damping * inputs / self.p.rows as f64;
        let steepest = inputs + delta + self.lambda / self.nu;
        let mean = norm(&self.p.means());
        let weights = step.map.weights.norm();
        let sums = self.r.norm() * self.p.norm()
            + steepest * weights
            + samples * (norm(&step.map.bias) + norm(&self.r.means()) + weights * mean)
            + self.lambda / self.nu * self.map.weights.norm();
        let lost = steepest * step.weights_lost
            + samples * (step.bias_lost + step.weights_lost * mean)
            + self.r_lost * (self.p.norm() + libm::sqrt(samples))
            // Of inputs that are all the same the step itself is looked at.
            + step.weights_lost;
        self.terms() * sums / self.damping.min(1.0) + lost
    }

    /// Rounding of a sum over inputs and samples, relative to the size of its terms.
    fn terms(&self) -> f64 {
        (self.p.rows + self.p.columns + 64) as f64 * f64::EPSILON
    }

    /// By how much the step (D, d) misses its share of the descent, and the size of what it is added up from.
    fn shortfall(&self, step: &Step) -> (f64, f64) {
        let delta = self.centre(self.is_constant(step)).delta;
        let step = &step.map;
        let change = linear(step, self.p);
        let mut sum = Sum::default();
        let half = 0.5 * self.nu;
        for (r, change) in self.r.data.iter().zip(&change.data) {
            let after = r + change;
            sum.add(half * (after * after - r * r + change * change), half * (after * after + r * r));
        }
        for (d, w) in step.weights.data.iter().zip(&self.map.weights.data) {
            let new = w + d;
            sum.add(self.nu * delta * d * d, self.nu * delta * d * d);
            let omega = 0.5 * self.lambda * (new * new - w * w + d * d);
            sum.add(omega, 0.5 * self.lambda * (new * new + w * w));
        }
        let value = sum.value();
        (value.value.max(0.0), value.scale)
    }

    /// What rounding may leave of the shortfall, which is (D, d) times the gradient, both as they were found.
    fn shortfall_rounding(&self, step: &Step, size: f64) -> f64 {
        let lost =
            norm(&[step.map.weights.norm() + step.weights_lost, norm(&step.map.bias) + step.bias_lost]);
        self.nu * lost * self.gradient_rounding(step) + self.terms() * size
    }
}

impl Auditor<'_> {
    /// Every step of batch k, from the weights around it and the velocity before it; R of the network's outputs.
    pub(super) fn check_batch(
        &mut self,
        batch: &[u32],
        k: usize,
        before: &Weights,
        after: &Weights,
        velocity: &mut Weights,
    ) -> f64 {
        let chosen = |m: &Mat| Mat::from_fn(m.rows, batch.len(), |i, j| m.at(i, batch[j] as usize));
        let (mut input, y) = (chosen(&self.x), chosen(&self.y));
        let (nu, last) = (self.nu(k), self.parts.len() - 1);
        let added = self.velocity(before, after, k);
        let momentum = self.settings.momentum;
        let steps: Vec<Step> = before
            .all()
            .zip(added.all())
            .zip(velocity.all())
            .map(|((old, added), velocity)| Step::new(old, added, velocity, momentum))
            .collect();
        let own: usize = before.layers.iter().map(Vec::len).sum();
        let mut first = 0;
        let mut risk = 0.0;
        for l in 0..=last {
            let maps = &before.layers[l];
            let pass = Pass::forward(&self.parts[l], maps, &input);
            // The gradient of a loss follows its outputs by a slope of at most 1.
            let scaled = |s: &Mat, lost: &Mat| Signal {
                value: risk_gradient(self.settings.loss, s, &y).map(|g| g / nu),
                lost: lost.zip(s, |lost, s| (lost + 8.0 * f64::EPSILON * (1.0 + s.abs())) / nu),
            };
            let signal = match before.readouts.get(l) {
                None => {
                    risk = self.risk(&pass.output, &y);
                    scaled(&pass.output, &pass.lost)
                }
                Some(readout) => {
                    let lost = linear_lost(readout, &pass.output, &pass.lost);
                    let g = scaled(&linear(readout, &pass.output), &lost);
                    let signal = through(&readout.weights.transposed(), &g);
                    let problem = self.problem(&pass.output, g, readout, nu);
                    self.check_step(Property::ReadoutStationary, l, &problem, &steps[own + l]);
                    signal
                }
            };
            let signals = pass.back(maps, signal);
            if k.is_multiple_of(self.batch_count()) {
                self.check_signal(l, &input, &y, before, (&pass.inputs, &signals), nu);
            }
            for (index, r) in signals.into_iter().enumerate() {
                let problem = self.problem(&pass.inputs[index], r, &maps[index], nu);
                let step = &steps[first + index];
                self.check_step(Property::WeightStationary, l, &problem, step);
                let (shortfall, size) = problem.shortfall(step);
                let allowed = problem.shortfall_rounding(step, size);
                self.record(Property::WeightShare, Some(l), shortfall, allowed, size);
            }
            first += maps.len();
            input = pass.output;
        }
        risk
    }

    fn problem<'p>(&self, p: &'p Mat, r: Signal, map: &'p Map, nu: f64) -> Problem<'p> {
        let lambda = match self.settings.regularizer {
            Regularizer::L2(lambda) => lambda,
            _ => 0.0,
        };
        let (r, r_lost) = (r.value, r.lost.norm());
        Problem { p, r, r_lost, map, nu, lambda, damping: self.settings.damping }
    }

    fn check_step(&mut self, property: Property, l: usize, problem: &Problem<'_>, step: &Step) {
        let (gradient, size) = problem.gradient(step);
        let allowed = problem.gradient_rounding(step);
        self.record(property, Some(l), gradient, allowed, size);
    }

    /// `nu r p'` of a layer against central differences of R at its own read-out, at some of the weights. Where a kink of the
    /// activation lies between, both sides differ and nothing is said.
    fn check_signal(
        &mut self,
        l: usize,
        input: &Mat,
        y: &Mat,
        before: &Weights,
        (inputs, signals): (&[Mat], &[Signal]),
        nu: f64,
    ) {
        let scores = |maps: &[Map]| {
            let output = Pass::forward(&self.parts[l], maps, input).output;
            before.readouts.get(l).map_or(output.clone(), |readout| linear(readout, &output))
        };
        let risk = |maps: &[Map]| self.risk(&scores(maps), y);
        // A loss is rounded as its largest score is, however small it comes out.
        let sizes = scores(&before.layers[l]).abs();
        let largest = |j: usize| 1.0 + sizes.column(j).iter().copied().fold(0.0, f64::max);
        let rounding = 8.0 * f64::EPSILON * (0..sizes.columns).map(largest).sum::<f64>() / DIFFERENCE;
        let mut found = Vec::new();
        for index in 0..signals.len() {
            let gradient = signals[index].value.times(&inputs[index].transposed()).map(|g| nu * g);
            let (size, stride) = (gradient.norm(), gradient.data.len().div_ceil(DIFFERENCES));
            for place in (0..gradient.data.len()).step_by(stride.max(1)) {
                let at = |step: f64| {
                    let mut maps = before.layers[l].clone();
                    maps[index].weights.data[place] += step;
                    risk(&maps)
                };
                let (low, middle, high) = (at(-DIFFERENCE), at(0.0), at(DIFFERENCE));
                let (left, right) = ((middle - low) / DIFFERENCE, (high - middle) / DIFFERENCE);
                let bent = (left - right).abs();
                // Between the two sides lies a kink, or half of their difference is the error of both at most.
                if bent <= KINK * size {
                    let off = (0.5 * (left + right) - gradient.data[place]).abs();
                    found.push((off, DIFFERENCE_ERROR * (size + middle.abs()) + bent + rounding, size));
                }
            }
        }
        for (off, allowed, size) in found {
            self.record(Property::LocalSignal, Some(l), off, allowed, size);
        }
    }

    fn risk(&self, s: &Mat, y: &Mat) -> f64 {
        let mut sum = Sum::default();
        add_risk(self.settings.loss, s, y, &mut sum);
        sum.value().value
    }

    /// An epoch of the pipeline beside the same batches one after the other, and what was reported.
    pub(super) fn check_epoch(&mut self, piped: &Weights, sequence: &Weights, reported: f64, risk: f64) {
        let pairs = piped.all().zip(sequence.all());
        let off: f64 = pairs.map(|(a, b)| a.weights.minus(&b.weights).squared()).sum();
        let size: f64 = sequence.all().map(|map| map.weights.squared()).sum();
        self.record(Property::Pipeline, None, libm::sqrt(off), 0.0, libm::sqrt(size));
        let mut omega = Sum::default();
        for map in sequence.layers.iter().flatten() {
            add_regularizer(self.settings.regularizer, &map.weights, &mut omega);
        }
        let value = risk + omega.value().value;
        let off = (self.falsified(Formula::LocalObjective, reported) - value).abs();
        let allowed = 1e-12 * self.x.columns as f64 * (1.0 + value.abs());
        self.record(Property::Objective, None, off, allowed, value.abs());
    }

    /// Some steps in both forms from one start, and in one of them from a start that is off by rounding.
    pub(super) fn compare_forms(&mut self, start: &Weights, primal: &Weights, dual: &Weights, off: &Weights) {
        let maps = start.all().zip(primal.all()).zip(dual.all()).zip(off.all());
        let found: Vec<_> = maps
            .map(|(((start, primal), dual), off)| {
                let moved = primal.weights.minus(&start.weights).norm();
                let grown = primal.weights.minus(&off.weights).norm();
                let rounding = start.weights.norm() * 1e-12;
                let allowed = (GROWTH * moved + rounding) / self.settings.damping.min(1.0) + MORE * grown;
                (primal.weights.minus(&dual.weights).norm(), allowed, moved)
            })
            .collect();
        for (index, (off, allowed, moved)) in found.into_iter().enumerate() {
            self.record(Property::StepForms, Some(index), off, allowed, moved);
        }
    }
}
