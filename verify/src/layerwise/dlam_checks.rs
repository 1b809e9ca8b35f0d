//! DLAM's z and a: the updates, and the checks that they are where their intervals let them be.
//!
//! Both are minimised over boxes, so what decides is where the gradient points at: 0 inside, out of the box at its ends.

use altmin_core::Result;
use altmin_core::gemm::Gemm;
use altmin_core::update::StepRule;
use altmin_core::update::input::Prepared;
use altmin_core::update::interval::activation::{self, Interval};
use altmin_core::update::interval::linear;
use altmin_core::update::interval::search;
use altmin_core::view::{columns, columns_mut};
use altmin_core::workspace::Stack;

use super::Auditor;
use super::elementwise_checks::keep_worst;
use super::variables::Variables;
use crate::formula::Formula;
use crate::promise::Property;

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// z of hidden layer `l`, and the residual with it.
    pub(super) fn move_clipped(&mut self, l: usize) -> Result {
        let (mut z, mut r) = (self.state.linear[l].clone(), self.state.residuals[l].clone());
        let mut scratch = vec![0.0; linear::step_workspace(z.rows).elements()];
        let epsilon = self.frame.epsilon * self.factor(Formula::LinearInterval);
        let (activation, a) = (self.frame.activation, self.state.inputs[l + 1].view());
        linear::step(
            epsilon,
            activation,
            &a,
            &mut z.view_mut(),
            &mut r.view_mut(),
            Stack::new(&mut scratch),
        )?;
        self.put_linear(l, Formula::HiddenLinear, Formula::HiddenResidual, z, r);
        Ok(())
    }

    /// a of hidden layer `l`, and the residual above with it; returns tau of every column, 0 where it was left.
    pub(super) fn step_activation(&mut self, l: usize) -> Result<Vec<f64>> {
        let settings = self.frame.settings;
        let (weights, z) = (self.state.weights[l + 1].clone(), self.state.linear[l].clone());
        let mut a = self.state.inputs[l + 1].clone();
        let mut r = self.state.residuals[l + 1].clone();
        let m = a.columns;
        let whole = Interval {
            rho: settings.rho,
            epsilon: self.frame.epsilon * self.factor(Formula::ActivationInterval),
            activation: self.frame.activation,
            weights: weights.view(),
            z: z.view(),
        };
        let needed = activation::step_workspace::<f64, _>(self.gemm, weights.rows, weights.columns, m);
        let mut scratch = vec![0.0; needed.elements()];
        let mut taus = Vec::new();
        if settings.input_step == StepRule::Vector {
            for j in 0..m {
                let interval = Interval { z: columns(&whole.z, j, 1), ..whole };
                let (mut a, mut r) = (a.view_mut(), r.view_mut());
                let (a, r) = (&mut columns_mut(&mut a, j, 1), &mut columns_mut(&mut r, j, 1));
                let stack = Stack::new(&mut scratch);
                let moved = activation::step(self.gemm, &interval, Prepared::Columns, a, r, stack)?;
                taus.push(if moved.squared > 0.0 { 2.0 * moved.promised / moved.squared } else { 0.0 });
            }
        } else {
            let (rule, rho) = (&settings.input_step, settings.rho);
            let stack = Stack::new(&mut scratch);
            let probed = search::probe(self.gemm, &whole, &a.view(), &r.view(), stack)?;
            let mut tau = search::first_tau(rule, rho, &whole.weights, probed)?;
            loop {
                let stack = Stack::new(&mut scratch);
                let tried = search::trial(self.gemm, &whole, tau, &a.view(), &r.view(), stack)?;
                match search::next_tau(rule, rho, &whole.weights, tau, tried) {
                    Some(next) => tau = next,
                    None => break,
                }
            }
            let (moved, stack) = (&mut a.view_mut(), Stack::new(&mut scratch));
            activation::step(self.gemm, &whole, Prepared::Tau(tau), moved, &mut r.view_mut(), stack)?;
            taus = vec![tau; m];
        }
        taus.iter_mut().for_each(|tau| *tau *= self.factor(Formula::InputTau));
        self.falsify_step(Formula::InputStep, &self.state.inputs[l + 1], &mut a);
        self.falsify_step(Formula::InputStep, &self.state.residuals[l + 1], &mut r);
        self.falsify_step(Formula::InputResidual, &self.state.residuals[l + 1], &mut r);
        (self.state.inputs[l + 1], self.state.residuals[l + 1]) = (a, r);
        Ok(taus)
    }

    /// `|h(z) - a|` may exceed epsilon by this for an end that has been computed by the inverse of h, or from h(z).
    fn slack(&self, h: f64, a: f64) -> f64 {
        64.0 * f64::EPSILON * (1.0 + h.abs() + a.abs() + self.frame.epsilon)
    }

    /// `h(z) - epsilon <= a <= h(z) + epsilon` in hidden layer `l`.
    pub(super) fn check_feasible(&mut self, l: usize) {
        let (h, a) = (self.frame.activated(&self.state, l), &self.state.inputs[l + 1]);
        let mut worst = (0.0, 0.0, 1.0);
        for (&h, &a) in h.data.iter().zip(&a.data) {
            let slack = self.slack(h, a);
            let excess = ((h - a).abs() - self.frame.epsilon).max(0.0);
            keep_worst(&mut worst, (excess, slack, slack / (64.0 * f64::EPSILON)));
        }
        self.record(Property::Feasible, Some(l), worst.0, worst.1, worst.2);
    }

    /// z of hidden layer `l` has moved since `before`: it is `W a + b` if that is in its interval, else the end nearest to
    /// it, where a z beyond would leave the interval.
    pub(super) fn check_clipped(&mut self, before: &Variables, l: usize) {
        let (r, size) = self.frame.constraint(&self.state, l);
        let (z, old) = (self.state.linear[l].clone(), &before.linear[l]);
        let (h, a) = (self.frame.activated(&self.state, l), &self.state.inputs[l + 1]);
        let rounding = self.rounding(before.weights[l].columns);
        let mut worst = (0.0, 0.0, 1.0);
        for k in 0..z.data.len() {
            let (h, a) = (h.data[k], a.data[k]);
            let inner = self.frame.epsilon - self.slack(h, a);
            // W a + b - z: above 0 it pulls z upwards.
            let pull = r.data[k];
            let is_held = (pull > 0.0 && h - a >= inner) || (pull < 0.0 && a - h >= inner);
            // An old z that rounding had put beyond an end is let be.
            let is_kept = z.data[k] == old.data[k] && (h - a).abs() >= inner;
            let violation = if is_held || is_kept { 0.0 } else { pull.abs() };
            let scale = size.data[k] + f64::MIN_POSITIVE;
            keep_worst(&mut worst, (violation, rounding * scale, scale));
        }
        self.record(Property::HiddenStationary, Some(l), worst.0, worst.1, worst.2);
        let moved = z.minus(old).squared();
        self.check_share(Property::HiddenShare, Some(l), 0.5 * self.frame.settings.rho * moved);
    }

    /// a of hidden layer `l` has moved since `before` with these taus; returns its share.
    ///
    /// With `e = g + tau d`, d the move: e is 0 inside of the interval, not below 0 at its lower and not above 0 at its
    /// upper end.
    pub(super) fn check_activation(&mut self, before: &Variables, l: usize, taus: &[f64]) -> f64 {
        let rho = self.frame.settings.rho;
        let (old, new) = (&before.inputs[l + 1], self.state.inputs[l + 1].clone());
        let step = new.minus(old);
        let product = before.weights[l + 1].times(&step);
        let (gradient, size) = self.input_gradient(before, l + 1);
        let h = self.frame.activated(&self.state, l);
        let steepest = rho * before.weights[l + 1].squared();
        let rounding = self.rounding(gradient.rows + before.weights[l + 1].rows);
        let mut worst = (0.0, 0.0, 1.0);
        for (j, &tau) in taus.iter().enumerate() {
            for i in 0..new.rows {
                let (h, a, d) = (h.at(i, j), new.at(i, j), step.at(i, j));
                let inner = self.frame.epsilon - self.slack(h, a);
                let e = gradient.at(i, j) + tau * d;
                let is_held = (e > 0.0 && h - a >= inner) || (e < 0.0 && a - h >= inner);
                let scale = size.at(i, j) + tau * (a.abs() + old.at(i, j).abs()) + f64::MIN_POSITIVE;
                keep_worst(&mut worst, (if is_held { 0.0 } else { e.abs() }, rounding * scale, scale));
            }
        }
        self.record(Property::InputStationary, Some(l + 1), worst.0, worst.1, worst.2);
        if self.frame.settings.input_step == StepRule::Vector {
            for (j, &tau) in taus.iter().enumerate() {
                let position = libm::sqrt(new.column_squared(j).max(old.column_squared(j)));
                let (curvature, length) = (rho * product.column_squared(j), step.column_squared(j));
                self.check_majorised(l + 1, tau, curvature, length, position, steepest);
            }
        } else if let Some(&tau) = taus.first() {
            let position = new.norm().max(old.norm());
            self.check_majorised(l + 1, tau, rho * product.squared(), step.squared(), position, steepest);
        }
        let share = taus.iter().enumerate().map(|(j, tau)| 0.5 * tau * step.column_squared(j)).sum();
        self.check_share(Property::InputShare, Some(l + 1), share);
        share
    }
}
