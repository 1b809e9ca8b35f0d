//! The checks of a batch and of an epoch.

use altmin_core::Regularizer;

use super::pass::{Pass, linear};
use super::{Auditor, Map, Weights};
use crate::formula::Formula;
use crate::matrix::{Mat, Sum};
use crate::plain::{add_regularizer, add_risk, risk_gradient};
use crate::promise::Property;

/// Half of the step of a central difference, relative to the size of a weight of 1.
const DIFFERENCE: f64 = 1e-5;

/// What is left of a central difference beside the gradient's size: its third derivatives and rounding over the step.
const DIFFERENCE_ERROR: f64 = 1e-6;

/// Weights of a layer whose differences are looked at.
const DIFFERENCES: usize = 12;

/// How far rounding grows over some batches, relative to what the weights moved.
const GROWTH: f64 = 1e-8;

/// The problem that a map's step solves: input and residual of a batch, and the map before it.
struct Problem<'p> {
    p: &'p Mat,
    r: Mat,
    map: &'p Map,
    nu: f64,
    /// Of the regulariser.
    lambda: f64,
    damping: f64,
}

/// Inputs whose squares around their means, of all squares, come to no more than this times epsilon are taken for
/// constant, as the step takes them: what is left is rounding of their sums.
fn rounding_of_sums(samples: usize) -> f64 {
    16.0 + 2.0 * libm::sqrt(samples as f64)
}

/// The parts of the problem around the means of its samples.
struct Centred {
    p: Mat,
    r: Mat,
    p_means: Vec<f64>,
    r_means: Vec<f64>,
    delta: f64,
}

fn means(m: &Mat) -> Vec<f64> {
    m.row_sums().into_iter().map(|sum| sum / m.columns.max(1) as f64).collect()
}

fn centred(m: &Mat, means: &[f64]) -> Mat {
    Mat::from_fn(m.rows, m.columns, |i, j| m.at(i, j) - means[i])
}

impl Problem<'_> {
    fn centre(&self) -> Centred {
        let (p_means, r_means) = (means(self.p), means(&self.r));
        let (mut p, r) = (centred(self.p, &p_means), centred(&self.r, &r_means));
        if p.squared() <= self.p.squared() * f64::EPSILON * rounding_of_sums(p.columns) {
            p = Mat::zeros(p.rows, p.columns);
        }
        let delta = self.damping * p.squared() / p.rows as f64;
        Centred { p, r, p_means, r_means, delta }
    }

    /// The norm of the gradient in weights and bias after the step (D, d), and the size of what it is added up from.
    fn gradient(&self, step: &Map) -> (f64, f64) {
        let Centred { p, r, p_means, r_means, delta } = self.centre();
        let l2 = self.lambda / self.nu;
        let moved = r.zip(&step.weights.times(&p), |r, moved| r + moved);
        let mut gradient = moved.times(&p.transposed());
        let mut size = r.norm() * p.norm() + step.weights.norm() * (p.squared() + delta + l2);
        if p.squared() == 0.0 {
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
        let norm = |numbers: &[f64]| libm::sqrt(numbers.iter().map(|number| number * number).sum());
        size += samples * (norm(&step.bias) + norm(&r_means) + along.norm());
        (libm::sqrt(gradient.squared() + samples * samples * off), size)
    }

    /// By how much the step (D, d) misses its share of the descent, and the size of what it is added up from.
    fn shortfall(&self, step: &Map) -> (f64, f64) {
        let delta = self.centre().delta;
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
        let steps: Vec<Map> = added
            .all()
            .zip(velocity.all())
            .map(|(new, old)| Map {
                weights: new.weights.zip(&old.weights, |new, old| new - momentum * old),
                bias: new.bias.iter().zip(&old.bias).map(|(new, old)| new - momentum * old).collect(),
            })
            .collect();
        let own: usize = before.layers.iter().map(Vec::len).sum();
        let mut first = 0;
        let mut risk = 0.0;
        for l in 0..=last {
            let maps = &before.layers[l];
            let pass = Pass::forward(&self.parts[l], maps, &input);
            let scaled = |s: &Mat| risk_gradient(self.settings.loss, s, &y).map(|g| g / nu);
            let signal = match before.readouts.get(l) {
                None => {
                    risk = self.risk(&pass.output, &y);
                    scaled(&pass.output)
                }
                Some(readout) => {
                    let g = scaled(&linear(readout, &pass.output));
                    let signal = readout.weights.transposed().times(&g);
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
                let allowed = self.rounding(problem.map, step) * size;
                self.record(Property::WeightShare, Some(l), shortfall, allowed, size);
            }
            first += maps.len();
            input = pass.output;
        }
        risk
    }

    fn problem<'p>(&self, p: &'p Mat, r: Mat, map: &'p Map, nu: f64) -> Problem<'p> {
        let lambda = match self.settings.regularizer {
            Regularizer::L2(lambda) => lambda,
            _ => 0.0,
        };
        Problem { p, r, map, nu, lambda, damping: self.settings.damping }
    }

    fn check_step(&mut self, property: Property, l: usize, problem: &Problem<'_>, step: &Map) {
        let (gradient, size) = problem.gradient(step);
        let allowed = self.rounding(problem.map, step) * size;
        self.record(property, Some(l), gradient, allowed, size);
    }

    /// Rounding of a step that is the difference of weights and of biases, relative to it.
    fn rounding(&self, map: &Map, step: &Map) -> f64 {
        let terms = (map.weights.columns + self.x.columns + 64) as f64 * f64::EPSILON;
        let norm = |numbers: &[f64]| libm::sqrt(numbers.iter().map(|number| number * number).sum());
        let of = |whole: f64, moved: f64| if moved == 0.0 { 0.0 } else { 4.0 * whole / moved };
        let weights = of(map.weights.norm(), step.weights.norm());
        let bias = of(norm(&map.bias), norm(&step.bias));
        if weights + bias == 0.0 {
            return terms;
        }
        terms * (1.0 + weights + bias) / self.settings.damping.min(1.0)
    }

    /// `nu r p'` of a layer against central differences of R at its own read-out, at some of the weights. Where a kink of the
    /// activation lies between, both sides differ and nothing is said.
    fn check_signal(
        &mut self,
        l: usize,
        input: &Mat,
        y: &Mat,
        before: &Weights,
        (inputs, signals): (&[Mat], &[Mat]),
        nu: f64,
    ) {
        let risk = |maps: &[Map]| {
            let output = Pass::forward(&self.parts[l], maps, input).output;
            self.risk(&before.readouts.get(l).map_or(output.clone(), |readout| linear(readout, &output)), y)
        };
        let mut found = Vec::new();
        for index in 0..signals.len() {
            let gradient = signals[index].times(&inputs[index].transposed()).map(|g| nu * g);
            let (size, stride) = (gradient.norm(), gradient.data.len().div_ceil(DIFFERENCES));
            for place in (0..gradient.data.len()).step_by(stride.max(1)) {
                let at = |step: f64| {
                    let mut maps = before.layers[l].clone();
                    maps[index].weights.data[place] += step;
                    risk(&maps)
                };
                let (low, middle, high) = (at(-DIFFERENCE), at(0.0), at(DIFFERENCE));
                let (left, right) = ((middle - low) / DIFFERENCE, (high - middle) / DIFFERENCE);
                let allowed = DIFFERENCE_ERROR * (size + middle.abs());
                if (left - right).abs() < 100.0 * allowed.max(DIFFERENCE * size) {
                    let off = (0.5 * (left + right) - gradient.data[place]).abs();
                    found.push((off, allowed, size));
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

    /// Steps in both forms from one start.
    pub(super) fn compare_forms(&mut self, start: &Weights, primal: &Weights, dual: &Weights) {
        let maps: Vec<_> = start.all().zip(primal.all()).zip(dual.all()).collect();
        for (index, ((start, primal), dual)) in maps.into_iter().enumerate() {
            let moved = primal.weights.minus(&start.weights).norm();
            let off = primal.weights.minus(&dual.weights).norm();
            let rounding = start.weights.norm() * 1e-12;
            let allowed = (GROWTH * moved + rounding) / self.settings.damping.min(1.0);
            self.record(Property::StepForms, Some(index), off, allowed, moved);
        }
    }
}
