//! The checks of an epoch.

use super::weights::{Examples, Moments};
use super::{Auditor, Reported, Variables};
use crate::blocks;
use crate::matrix::{Mat, Sum};
use crate::plain::{risk_gradient, risk_slope_squared};
use crate::promise::Property;

/// Rounding that goes through the batches of an epoch, relative to what the weights moved.
const BATCHES: f64 = 1e-7;

impl Auditor<'_> {
    /// p and q are the forward pass's, u is 0.
    pub(super) fn check_start(&mut self, state: &Variables) {
        for l in 0..state.p.len() {
            let f = self.output(l, &state.parameters[l], self.input(state, l));
            let zero = Mat::zeros(f.rows, f.columns);
            let mut pairs = vec![(&state.p[l], &f)];
            if self.is_gsadmm() {
                pairs.extend([(&state.q[l], &f), (&state.u[l], &zero)]);
            }
            let (scale, allowed) = (f.norm(), self.rounding() * f.norm());
            let off: Vec<f64> = pairs.into_iter().map(|(found, right)| found.minus(right).norm()).collect();
            off.into_iter().for_each(|off| self.record(Property::Start, Some(l), off, allowed, scale));
        }
    }

    /// Equations 2 and 3.
    ///
    /// Rounding may grow from batch to batch: at the start q is the subnetwork's output, its gradient is rounding, and
    /// Adam, which divides it by its size, makes steps of it. A second epoch, from weights that are off by
    /// rounding, measures how much it grows.
    pub(super) fn check_weights(
        &mut self,
        before: &Variables,
        after: &Variables,
        moments: &[Moments],
        k: usize,
    ) {
        let targets = if self.is_gsadmm() { &before.q } else { &before.p };
        let order = self.weights.order(&self.setup, k);
        let example =
            |l: usize| Examples { input: self.input(before, l), target: targets.get(l).unwrap_or(&self.y) };
        let examples: Vec<Examples<'_>> = (0..self.parts.len()).map(example).collect();
        let from = |start: &[Vec<f64>]| self.weights.epoch(&order, &self.parts, start, moments, &examples);
        let expected = from(&before.parameters);
        let off_by_rounding = from(&perturbed(&before.parameters, self.rounding()));
        drop(examples);
        for (l, expected) in expected.iter().enumerate() {
            let norm =
                |a: &[f64], b: &[f64]| libm::sqrt(a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum());
            let moved = norm(expected, &before.parameters[l]);
            let size = norm(expected, &vec![0.0; expected.len()]);
            let off = norm(expected, &after.parameters[l]);
            let grown = norm(expected, &off_by_rounding[l]);
            let allowed = BATCHES * moved + self.rounding() * size + 4.0 * grown;
            // Frozen and undone weights stay to the last bit.
            let scale = if moved > 0.0 { moved } else { size };
            let allowed = if moved > 0.0 { allowed } else { 0.0 };
            self.record(Property::WeightBatches, Some(l), off, allowed, scale);
        }
    }

    /// Equation 4, or 7 and 8.
    pub(super) fn check_inputs(&mut self, before: &Variables, after: &Variables) {
        for l in 1..self.parts.len() {
            let old = &before.p[l - 1];
            let (mut step, mut size) = self.own_gradient(l, before, after);
            let tie = if self.is_gsadmm() {
                let (q, u) = (&before.q[l - 1], &before.u[l - 1]);
                size += self.settings.rho * (old.norm() + q.norm()) + u.norm();
                old.minus(q).zip(u, |gap, u| self.settings.rho * gap + u)
            } else {
                let f = self.output(l - 1, &after.parameters[l - 1], self.input(after, l - 1));
                size += self.settings.alpha / self.m() * (old.norm() + f.norm());
                old.minus(&f).map(|off| self.settings.alpha / self.m() * off)
            };
            step = step.zip(&tie, |own, tie| -(own + tie) / self.settings.tau);
            let moved = after.p[l - 1].minus(old);
            let scale = step.norm();
            // At the start a subnetwork's output is its target: what pulls is rounding of both.
            let allowed = self.rounding() * (size / self.settings.tau + old.norm() * 4.0);
            self.record(Property::InputStationary, Some(l), moved.minus(&step).norm(), allowed, scale);
        }
    }

    /// The gradient of Omega_l, or of R, in the old p of subnetwork l with its new weights, and the size of what it is added
    /// up from.
    fn own_gradient(&self, l: usize, before: &Variables, after: &Variables) -> (Mat, f64) {
        let (network, parameters, p) = (&self.parts[l], &after.parameters[l], &before.p[l - 1]);
        let targets = if self.is_gsadmm() { &before.q } else { &before.p };
        let mut gradient = Mat::zeros(p.rows, p.columns);
        let (steepest, mut size) = (blocks::lipschitz(network, parameters), 0.0);
        let mut unused = vec![0.0; parameters.len()];
        for j in 0..p.columns {
            let values = blocks::forward(network, parameters, p.column(j));
            let output =
                Mat { rows: network.output().features(), columns: 1, data: values[values.len() - 1].clone() };
            let column = |of: &Mat| Mat { rows: of.rows, columns: 1, data: of.column(j).to_vec() };
            let target = targets.get(l).map_or_else(|| column(&self.y), column);
            let (weight, signal) = match targets.get(l) {
                Some(_) => (self.settings.alpha, output.minus(&target)),
                None => (1.0, risk_gradient(self.settings.loss, &output, &target)),
            };
            let back = blocks::backward(network, parameters, &values, &signal.data, &mut unused);
            let share = weight / self.m();
            size += share * steepest * (output.norm() + target.norm());
            let to = &mut gradient.data[j * p.rows..][..p.rows];
            to.iter_mut().zip(back).for_each(|(to, back)| *to = share * back);
        }
        (gradient, size)
    }

    /// Equations 5 and 6.
    pub(super) fn check_outputs(&mut self, before: &Variables, after: &Variables) {
        if !self.is_gsadmm() {
            return;
        }
        let (alpha, rho, m) = (self.settings.alpha, self.settings.rho, self.m());
        for l in 0..after.q.len() {
            let f = self.output(l, &after.parameters[l], self.input(after, l));
            let (p, q, old) = (&after.p[l], &after.q[l], &before.u[l]);
            let penalty = q.minus(&f).map(|off| alpha / m * off);
            let tie = p.minus(q).zip(old, |gap, u| rho * gap + u);
            let size = rho * (p.norm() + q.norm()) + alpha / m * (f.norm() + q.norm()) + old.norm();
            let allowed = self.rounding() * size;
            self.record(Property::CopyStationary, Some(l), penalty.minus(&tie).norm(), allowed, size);
            let moved = p.minus(q).map(|gap| rho * gap);
            let expected = old.zip(&moved, |u, moved| u + moved);
            let off = after.u[l].minus(&expected).norm();
            // u follows p - q, which is far smaller than either.
            let allowed = self.rounding() * (rho * (p.norm() + q.norm()) + old.norm());
            self.record(Property::DualStep, Some(l), off, allowed, expected.norm());
        }
    }

    /// L_rho or F of the variables, and whether it has risen.
    pub(super) fn check_report(&mut self, before: &Variables, after: &Variables, reported: &Reported) {
        let (value, scale) = self.objective(after);
        let allowed = self.rounding() * scale;
        let off = (reported.sweep.objective - value).abs();
        self.record(Property::Objective, None, off, allowed, scale);
        let (first, first_scale) = self.objective(before);
        let rise = (value - first).max(0.0);
        self.record(
            Property::Descent,
            None,
            rise,
            allowed + self.rounding() * first_scale,
            scale + first_scale,
        );
    }

    /// The objective, and the size of what it is added up from.
    fn objective(&self, state: &Variables) -> (f64, f64) {
        let (alpha, rho, m) = (self.settings.alpha, self.settings.rho, self.m());
        let mut sum = Sum::default();
        let last = self.parts.len() - 1;
        let (risk, size) = self.risk(&self.output(last, &state.parameters[last], self.input(state, last)));
        sum.add(risk, size);
        for l in 0..last {
            let f = self.output(l, &state.parameters[l], self.input(state, l));
            let target = if self.is_gsadmm() { &state.q[l] } else { &state.p[l] };
            for (f, q) in f.data.iter().zip(&target.data) {
                let off = q - f;
                sum.add(0.5 * alpha / m * off * off, alpha / m * off.abs() * (q.abs() + f.abs()));
            }
            if self.is_gsadmm() {
                for ((p, q), u) in state.p[l].data.iter().zip(&state.q[l].data).zip(&state.u[l].data) {
                    let (gap, size) = (p - q, p.abs() + q.abs());
                    sum.add(u * gap, u.abs() * size);
                    sum.add(0.5 * rho * gap * gap, rho * gap.abs() * size);
                }
            }
        }
        let value = sum.value();
        (value.value, value.scale)
    }

    /// Theorem 1: both sides recomputed, and the error at most the bound.
    pub(super) fn check_theorem(&mut self, state: &Variables, reported: &Reported) {
        let last = self.parts.len() - 1;
        let mut carried = self.x.clone();
        for l in 0..=last {
            carried = self.output(l, &state.parameters[l], &carried);
        }
        let (whole, whole_size) = self.risk(&carried);
        let (split, split_size) =
            self.risk(&self.output(last, &state.parameters[last], self.input(state, last)));
        let (error, size) = ((whole - split).abs(), whole_size + split_size);
        let rounding = self.rounding() * size;
        // A difference of two risks: its own size counts.
        let scale = if error > 0.0 { error } else { size };
        self.record(Property::ApproximationError, None, (reported.error - error).abs(), rounding, scale);
        let (Some((bound, lost)), Some(found)) = (self.bound(state), reported.bound) else { return };
        // Both are estimates from below of the same number, which is at most `highest`.
        let highest = bound * libm::exp(self.shortfall(blocks::ROUNDS));
        let lowest = bound * libm::exp(-self.shortfall(self.setup.norm_rounds));
        // Of a whole network both sides are 0.
        let scale = if bound > 0.0 { bound } else { size };
        let off = (found - highest).max(lowest - found).max(0.0);
        self.record(Property::ApproximationBound, None, off, self.rounding() * bound + lost, scale);
        self.record(Property::Approximation, None, (error - highest).max(0.0), rounding + lost, scale + size);
        let text = format!("after sweep {}: error {error:.3e}, bound {bound:.3e} (estimate)", self.sweep);
        self.promises.set_detail(Property::Approximation, text);
    }

    /// The logarithm of the factor by which [`bound`](Self::bound) may be too small after so many rounds.
    fn shortfall(&self, rounds: usize) -> f64 {
        // The first subnetwork's norm is not part of it.
        self.parts.iter().skip(1).map(|part| blocks::shortfall(part, rounds)).sum()
    }

    /// Theorem 1's bound, and what of it may be rounding of the residuals; none where the risk has no Lipschitz constant.
    fn bound(&self, state: &Variables) -> Option<(f64, f64)> {
        let samples = self.x.columns as f64;
        let risk = libm::sqrt(risk_slope_squared(self.settings.loss, self.y.rows)? * samples) / self.m();
        let last = self.parts.len() - 1;
        let norm = |l: usize| blocks::lipschitz(&self.parts[l], &state.parameters[l]);
        // Every residual is stretched by all subnetworks above it.
        let (mut bound, mut lost) = (0.0, 0.0);
        let mut stretch = norm(last);
        for l in (0..last).rev() {
            let f = self.output(l, &state.parameters[l], self.input(state, l));
            bound += stretch * state.p[l].minus(&f).norm();
            lost += stretch * self.rounding() * (state.p[l].norm() + f.norm());
            stretch *= norm(l);
        }
        Some((risk * bound, risk * lost))
    }
}

/// Parameters that are off by so much, relative, each in its own direction.
fn perturbed(parameters: &[Vec<f64>], size: f64) -> Vec<Vec<f64>> {
    let off = |(i, w): (usize, &f64)| w * (1.0 + size * libm::sin(i as f64 + 1.0));
    parameters.iter().map(|each| each.iter().enumerate().map(off).collect()).collect()
}
