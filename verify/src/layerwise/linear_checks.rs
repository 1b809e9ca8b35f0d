//! Checks of the steps of inputs, weights and biases, which are quadratic problems.
//!
//! All of them compute gradients from the residual `W p + b - z` recomputed. With `size` for the sums of absolute values of
//! all that a number is added up from, an error of `rounding(terms) size` is rounding, and anything above is not: a result
//! that is wrong by 1 % shows as 1 % of the gradient.

use altmin_core::Result;
use altmin_core::gemm::Gemm;
use altmin_core::update::StepRule;
use altmin_core::update::weights::Order;

use super::Auditor;
use super::steps::{InputStep, WeightStep};
use super::variables::Variables;
use crate::matrix::Mat;
use crate::plain::{may_be_constant, nearest_subgradient, subgradient_size};
use crate::promise::Property;

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// Weights and bias of layer `l`, in this order unless they move together; returns what they promise, and the largest
    /// theta, or `w delta` of least squares.
    pub(super) fn block_weights(&mut self, l: usize, order: Order) -> Result<(f64, f64)> {
        let taken = self.find_weights(l, order)?;
        let before = self.state.clone();
        if let StepRule::LeastSquares { damping } = self.frame.settings.weight_step {
            self.move_weights(l, &taken)?;
            self.move_bias(l, &taken)?;
            self.check_residual(l);
            return Ok(self.check_least_squares(&before, l, &taken, damping));
        }
        let mut share = 0.0;
        let moves = if order == Order::WeightsFirst { [true, false] } else { [false, true] };
        for weights in moves {
            let before = self.state.clone();
            share += if weights {
                self.move_weights(l, &taken)?;
                self.check_weights(&before, l, &taken)
            } else {
                self.move_bias(l, &taken)?;
                self.check_bias(&before, l)
            };
            self.check_residual(l);
        }
        Ok((share, taken.thetas.iter().copied().fold(0.0, f64::max)))
    }

    /// The gradient of the objective in the input of layer `l`, and its size.
    pub(super) fn input_gradient(&self, state: &Variables, l: usize) -> (Mat, Mat) {
        let (w, c) = (self.frame.weight(l, state.weights.len()), self.frame.coupling_weight());
        let (r, r_size) = self.frame.residual(state, l);
        let (transposed, p) = (state.weights[l].transposed(), &state.inputs[l]);
        let (product, size) = (transposed.times(&r), transposed.abs().times(&r_size));
        let target = match state.copies.is_empty() {
            true => self.frame.activated(state, l - 1),
            false => state.copies[l - 1].clone(),
        };
        let coupling = p.zip(&target, |p, t| c * (p - t));
        let coupling_size = p.zip(&target, |p, t| c * (p.abs() + t.abs()));
        let gradient = product.zip(&coupling, |product, coupling| w * product + coupling);
        let size = size.zip(&coupling_size, |product, coupling| w * product + coupling);
        match state.copies.is_empty() {
            true => (gradient, size),
            false => {
                let u = &state.duals[l - 1];
                (gradient.zip(u, |g, u| g + u), size.zip(u, |size, u| size + u.abs()))
            }
        }
    }

    /// The input of layer `l` has moved by `taken` since `before`; returns its share.
    pub(super) fn check_input(&mut self, before: &Variables, l: usize, taken: &InputStep) -> f64 {
        let (w, c) = (self.frame.weight(l, before.weights.len()), self.frame.coupling_weight());
        let weights = &before.weights[l];
        let step = self.state.inputs[l].minus(&before.inputs[l]);
        let product = weights.times(&step);
        let terms = self.rounding(weights.rows + weights.columns);
        let mut error = 0.0;
        let share: f64 = match taken {
            InputStep::Exact => {
                // The step is a product with an explicit inverse, whose error grows with the condition number.
                let condition = 1.0 + w * weights.squared() / c;
                let (gradient, size) = self.input_gradient(&self.state, l);
                let (scale, allowed) = (size.norm(), terms * condition * size.norm());
                self.record(Property::InputStationary, Some(l), gradient.norm(), allowed, scale);
                self.condition = self.condition.max(condition);
                let share = 0.5 * (w * product.squared() + c * step.squared());
                error = terms * condition * share;
                share
            }
            InputStep::Taus(taus) => {
                let (gradient, size) = self.input_gradient(before, l);
                for (j, &tau) in taus.iter().enumerate() {
                    self.check_column(before, l, j, tau, (&gradient, &size), (&step, &product));
                }
                taus.iter().enumerate().map(|(j, tau)| 0.5 * tau * step.column_squared(j)).sum()
            }
        };
        if !matches!(self.frame.settings.input_step, StepRule::Vector | StepRule::LeastSquares { .. })
            && let InputStep::Taus(taus) = taken
            && let Some(&tau) = taus.first()
        {
            let position = self.state.inputs[l].norm();
            let curvature = w * product.squared() + c * step.squared();
            self.check_majorised(l, tau, curvature, step.squared(), position, w * weights.squared() + c);
        }
        self.check_share_within(Property::InputShare, Some(l), share, error);
        share
    }

    fn check_column(
        &mut self,
        before: &Variables,
        l: usize,
        j: usize,
        tau: f64,
        (gradient, size): (&Mat, &Mat),
        (step, product): (&Mat, &Mat),
    ) {
        let (weights, p) = (&before.weights[l], &before.inputs[l]);
        let squares =
            gradient.column(j).iter().zip(step.column(j)).map(|(g, d)| (g + tau * d) * (g + tau * d));
        let found = libm::sqrt(squares.sum());
        let position = libm::sqrt(p.column_squared(j).max(self.state.inputs[l].column_squared(j)));
        let scale = libm::sqrt(size.column_squared(j)) + tau * position;
        let allowed = self.rounding(weights.rows + weights.columns) * scale;
        self.record(Property::InputStationary, Some(l), found, allowed, scale);
        if matches!(self.frame.settings.input_step, StepRule::Vector) {
            let (w, c) = (self.frame.weight(l, before.weights.len()), self.frame.coupling_weight());
            let length = step.column_squared(j);
            let curvature = w * product.column_squared(j) + c * length;
            self.check_majorised(l, tau, curvature, length, position, w * weights.squared() + c);
        }
    }

    /// `phi(p + d) - U(p + d; tau) = (d'(Hessian)d - tau |d|^2)/2` is not positive. d is the difference of two positions of
    /// the size `position`, whose rounding the curvature, at most `steepest`, magnifies.
    pub(super) fn check_majorised(
        &mut self,
        l: usize,
        tau: f64,
        curvature: f64,
        length: f64,
        position: f64,
        steepest: f64,
    ) {
        if length == 0.0 {
            return;
        }
        let rounding = self.rounding(self.longest()) * tau * length;
        let error = 2.0 * f64::EPSILON * position;
        let lost = steepest * (2.0 * libm::sqrt(length) * error + error * error);
        let violation = (curvature - tau * length).max(0.0);
        self.record(Property::InputMajorised, Some(l), violation, rounding + lost, tau * length);
    }

    /// `r p'` and its size, from the residual of `state`.
    pub(super) fn cross(&self, state: &Variables, l: usize) -> (Mat, Mat) {
        let (r, size) = self.frame.residual(state, l);
        let p = state.inputs[l].transposed();
        (r.times(&p), size.times(&p.abs()))
    }

    /// The weights of layer `l` have moved by `taken` since `before`: a step along the gradient, by a theta for each row.
    fn check_weights(&mut self, before: &Variables, l: usize, taken: &WeightStep) -> f64 {
        let w = self.frame.weight(l, before.weights.len());
        let regularizer = self.frame.settings.regularizer;
        let (cross, cross_size) = self.cross(before, l);
        let (old, new) = (&before.weights[l], self.state.weights[l].clone());
        let step = new.minus(old);
        let product = step.times(&before.inputs[l]);
        let rounding = self.rounding(before.inputs[l].columns + old.columns);
        let steepest = w * before.inputs[l].squared();
        let mut share = 0.0;
        let shared = taken.thetas.len() > 1 && taken.thetas.windows(2).all(|pair| pair[0] == pair[1]);
        for (i, (&theta, &error)) in taken.thetas.iter().zip(&taken.theta_errors).enumerate() {
            let length = step.row_squared(i);
            share += 0.5 * theta * length;
            if theta == 0.0 {
                continue;
            }
            let (mut found, mut scale) = (0.0, 0.0);
            for j in 0..old.columns {
                let g = w * cross.at(i, j) + theta * step.at(i, j);
                let residual = nearest_subgradient(regularizer, g, new.at(i, j));
                let reached = new.at(i, j).abs() + old.at(i, j).abs();
                let size = w * cross_size.at(i, j) + subgradient_size(regularizer, reached);
                let size = size + theta * reached;
                found += residual * residual;
                scale += size * size;
            }
            let (found, scale) = (libm::sqrt(found), libm::sqrt(scale));
            let allowed = rounding * scale + error * theta * libm::sqrt(length);
            self.record(Property::WeightStationary, Some(l), found, allowed, scale);
            if !shared {
                let position = libm::sqrt(new.row_squared(i).max(old.row_squared(i)));
                let curvature = w * product.row_squared(i);
                self.check_theta(l, (theta, error), curvature, length, position, steepest);
            }
        }
        if shared {
            let (curvature, length) = (w * product.squared(), step.squared());
            let theta = (taken.thetas[0], taken.theta_errors[0]);
            self.check_theta(l, theta, curvature, length, new.norm().max(old.norm()), steepest);
        }
        self.check_share(Property::WeightShare, Some(l), share);
        share
    }

    /// As [`check_majorised`](Self::check_majorised), for theta, which is known up to `error`. The core takes a theta that
    /// it has just computed as legal up to 64 EPSILON.
    fn check_theta(
        &mut self,
        l: usize,
        (theta, error): (f64, f64),
        curvature: f64,
        length: f64,
        position: f64,
        steepest: f64,
    ) {
        if length == 0.0 {
            return;
        }
        let samples = self.state.inputs[l].columns;
        let rounding = self.rounding(samples + self.longest()) + 64.0 * f64::EPSILON + error;
        let lost = 2.0 * f64::EPSILON * position;
        let lost = steepest * (2.0 * libm::sqrt(length) * lost + lost * lost);
        let violation = (curvature - theta * length).max(0.0);
        self.record(
            Property::WeightMajorised,
            Some(l),
            violation,
            rounding * theta * length + lost,
            theta * length,
        );
    }

    /// Weights and bias of layer `l` have moved together since `before`, to the minimiser of the damped problem.
    ///
    /// With `delta = damping trace(S_c)/n_in`: `w r' p' + w delta D + lambda W' = 0` and `r' 1 = 0`, and the objective has
    /// fallen by `(w/2)|D p + d 1'|^2 + w delta |D|^2 + (lambda/2)|D|^2`.
    ///
    /// Returns that and `w delta`.
    fn check_least_squares(
        &mut self,
        before: &Variables,
        l: usize,
        taken: &WeightStep,
        damping: f64,
    ) -> (f64, f64) {
        let w = self.frame.weight(l, before.weights.len());
        let regularizer = self.frame.settings.regularizer;
        let p = &before.inputs[l];
        let n_in = p.rows;
        let delta = damping * p.centred().squared() / n_in as f64;
        let (cross, cross_size) = self.cross(&self.state, l);
        let (old, new) = (&before.weights[l], self.state.weights[l].clone());
        let step = new.minus(old);
        let is_determined = Self::determines(p, &step);
        let (mut found, mut scale, mut regular) = (0.0, 0.0, 0.0);
        for k in 0..new.data.len() {
            let g = w * cross.data[k] + w * delta * step.data[k];
            let residual = nearest_subgradient(regularizer, g, new.data[k]);
            let reached = new.data[k].abs() + old.data[k].abs();
            let size = w * cross_size.data[k] + subgradient_size(regularizer, reached) + w * delta * reached;
            // A solve leaves a residual of the size of the matrix times the solution.
            let size = size + w * p.squared() * step.data[k].abs();
            found += residual * residual;
            scale += size * size;
            regular += subgradient_size(regularizer, 1.0) * step.data[k] * step.data[k];
        }
        let rounding = self.rounding(p.columns + n_in);
        let (found, scale) = (libm::sqrt(found), libm::sqrt(scale));
        if is_determined {
            self.record(Property::WeightStationary, Some(l), found, rounding * scale, scale);
        }
        self.check_bias_stationary(l);
        let (moved, moved_size) = self.moved_residual(before, l);
        let share = 0.5 * w * moved.squared() + w * delta * step.squared() + 0.5 * regular;
        // The change is the difference of two states: a step below their rounding is lost in it. So is what is left of
        // inputs of little spread when their means are taken away, of the sums and of the step.
        let reach = self.frame.residual(before, l).1.norm() + moved_size;
        let spread = w * p.squared() * step.squared() * (1.0 + damping / n_in as f64);
        let size = share + taken.promised.abs() + w * moved.norm() * reach + f64::MIN_POSITIVE;
        let allowed = rounding * (size + spread) + w * (rounding * reach) * (rounding * reach);
        self.record(Property::WeightReport, Some(l), (taken.promised - share).abs(), allowed, size);
        self.check_share_within(Property::WeightShare, Some(l), share, allowed);
        (share, w * delta)
    }

    /// Whether inputs determine the weights that moved by `step`: where they are constant least-squares weights stay.
    pub(super) fn determines(p: &Mat, step: &Mat) -> bool {
        step.squared() > 0.0 || !may_be_constant(p)
    }

    /// `D p + d 1'`, and the size of what it is added up from.
    fn moved_residual(&self, before: &Variables, l: usize) -> (Mat, f64) {
        let step = self.state.weights[l].minus(&before.weights[l]);
        let product = step.times(&before.inputs[l]);
        let bias: Vec<f64> =
            self.state.biases[l].iter().zip(&before.biases[l]).map(|(new, old)| new - old).collect();
        let size = step.abs().times(&before.inputs[l].abs());
        let size = Mat::from_fn(size.rows, size.columns, |i, j| size.at(i, j) + bias[i].abs());
        (Mat::from_fn(product.rows, product.columns, |i, j| product.at(i, j) + bias[i]), size.norm())
    }

    /// Rows of the residual of layer `l` sum to zero.
    fn check_bias_stationary(&mut self, l: usize) {
        let (r, size) = self.frame.residual(&self.state, l);
        let column = |sums: Vec<f64>| Mat { rows: sums.len(), columns: 1, data: sums };
        let (found, scale) = (column(r.row_sums()).norm(), column(size.row_sums()).norm());
        let allowed = self.rounding(r.columns + self.longest()) * scale;
        self.record(Property::BiasStationary, Some(l), found, allowed, scale);
    }

    /// The bias of layer `l` has moved since `before`.
    fn check_bias(&mut self, before: &Variables, l: usize) -> f64 {
        let w = self.frame.weight(l, before.weights.len());
        let samples = before.inputs[l].columns as f64;
        let moved =
            self.state.biases[l].iter().zip(&before.biases[l]).map(|(new, old)| (new - old) * (new - old));
        let share = 0.5 * w * samples * moved.sum::<f64>();
        self.check_bias_stationary(l);
        self.check_share(Property::BiasShare, Some(l), share);
        share
    }

    /// The residual that is carried is that of the variables.
    pub(super) fn check_residual(&mut self, l: usize) {
        let (r, size) = self.frame.residual(&self.state, l);
        let carried = self.state.residuals[l].clone();
        self.compare_matrices(Property::CarriedResidual, Some(l), &carried, &r, &size);
        if let Some(reach) = self.state.reach.get_mut(l) {
            *reach = size;
        }
    }
}
