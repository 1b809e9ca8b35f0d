//! Single updates by the core's functions, on whole matrices, and what they report of themselves.

use altmin_core::gemm::Gemm;
use altmin_core::update::hidden::Proximal;
use altmin_core::update::input::{self, Moved, Prepared, StepKind};
use altmin_core::update::sums::{self, Parts, SumsShape};
use altmin_core::update::weights::{self, Change, Order};
use altmin_core::update::{StepRule, copy, dual, hidden, output};
use altmin_core::view::{columns, columns_mut};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Loss, Result};

use super::Auditor;
use crate::formula::Formula;
use crate::matrix::Mat;

/// How an input was moved.
pub(super) enum InputStep {
    /// With this tau for every column; 0 where a column was left.
    Taus(Vec<f64>),
    /// To the exact minimiser.
    Exact,
}

/// How weights and bias move, before they have moved.
pub(super) struct WeightStep {
    /// `D`.
    pub(super) change: Mat,
    /// `d`.
    pub(super) bias_change: Vec<f64>,
    /// theta of every row; empty for least squares.
    pub(super) thetas: Vec<f64>,
    /// The rounding of each theta, relative.
    pub(super) theta_errors: Vec<f64>,
    /// The decrease that is reported.
    pub(super) promised: f64,
}

fn memory(requirement: Requirement) -> Vec<f64> {
    vec![0.0; requirement.elements()]
}

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// Moves the input of layer `l`; `coupling` is the gradient of what ties it to the layer below.
    pub(super) fn step_input(&mut self, l: usize, mut coupling: Mat) -> Result<InputStep> {
        let settings = self.frame.settings;
        let (w, c) = (self.frame.weight(l, self.state.weights.len()), self.frame.coupling_weight());
        let factor = self.factor(Formula::Coupling);
        coupling.data.iter_mut().for_each(|g| *g *= factor);
        let (weights, p, r) = (&self.state.weights[l], &self.state.inputs[l], &self.state.residuals[l]);
        let (n_out, n_in, m) = (weights.rows, weights.columns, p.columns);
        let (mut new_p, mut new_r, weights) = (p.clone(), r.clone(), weights.view());
        let kind = StepKind::of(&settings.input_step, n_out, n_in);
        let mut scratch = memory(input::step_workspace::<f64, _>(self.gemm, kind, n_out, n_in, m));
        let mut taken = match settings.input_step {
            StepRule::Vector => {
                let mut taus = Vec::new();
                for j in 0..m {
                    let stack = Stack::new(&mut scratch);
                    let (mut g, mut p, mut r) = (coupling.view_mut(), new_p.view_mut(), new_r.view_mut());
                    let (g, p) = (&mut columns_mut(&mut g, j, 1), &mut columns_mut(&mut p, j, 1));
                    let r = &mut columns_mut(&mut r, j, 1);
                    let moved = input::step(self.gemm, w, c, &weights, Prepared::Columns, g, p, r, stack)?;
                    taus.push(tau(moved));
                }
                InputStep::Taus(taus)
            }
            StepRule::Scalar | StepRule::Backtracking { .. } => {
                let mut gradient = coupling.clone();
                let (g, stack) = (&mut gradient.view_mut(), Stack::new(&mut scratch));
                let probe = input::probe(self.gemm, w, c, &weights, g, &new_r.view(), stack)?;
                let tau = input::scalar_tau(&settings.input_step, w, c, &weights, probe)?;
                let (g, p, r) = (&mut coupling.view_mut(), &mut new_p.view_mut(), &mut new_r.view_mut());
                let stack = Stack::new(&mut scratch);
                input::step(self.gemm, w, c, &weights, Prepared::Tau(tau), g, p, r, stack)?;
                InputStep::Taus(vec![tau; m])
            }
            StepRule::LeastSquares { .. } => {
                let n = kind.inverse_size(n_out, n_in);
                let mut inverse = Mat::zeros(n, n);
                let outer = kind == StepKind::OuterExact;
                let needed = match outer {
                    true => input::invert_outer_hessian_workspace::<f64, _>(self.gemm, n_out, n_in),
                    false => input::invert_hessian_workspace::<f64, _>(self.gemm, n_out, n_in),
                };
                let mut solve = memory(needed);
                let (target, stack) = (&mut inverse.view_mut(), Stack::new(&mut solve));
                match outer {
                    true => input::invert_outer_hessian(self.gemm, w, c, &weights, target, stack)?,
                    false => input::invert_hessian(self.gemm, w, c, &weights, target, stack)?,
                }
                let prepared = match outer {
                    true => Prepared::OuterInverse(inverse.view()),
                    false => Prepared::Inverse(inverse.view()),
                };
                let (g, p, r) = (&mut coupling.view_mut(), &mut new_p.view_mut(), &mut new_r.view_mut());
                input::step(self.gemm, w, c, &weights, prepared, g, p, r, Stack::new(&mut scratch))?;
                InputStep::Exact
            }
        };
        if let InputStep::Taus(taus) = &mut taken {
            taus.iter_mut().for_each(|tau| *tau *= self.factor(Formula::InputTau));
        }
        self.falsify_step(Formula::InputStep, &self.state.inputs[l], &mut new_p);
        self.falsify_step(Formula::InputStep, &self.state.residuals[l], &mut new_r);
        self.falsify_step(Formula::InputResidual, &self.state.residuals[l], &mut new_r);
        (self.state.inputs[l], self.state.residuals[l]) = (new_p, new_r);
        Ok(taken)
    }

    /// Finds the step of weights and bias of layer `l`, without making it.
    pub(super) fn find_weights(&self, l: usize, order: Order) -> Result<WeightStep> {
        let (weights, p) = (&self.state.weights[l], &self.state.inputs[l]);
        let shape = SumsShape { n_out: weights.rows, n_in: weights.columns };
        let sums = self.sums(l, shape)?;
        let rows = match self.frame.settings.weight_step {
            StepRule::Vector => 1,
            _ => weights.rows,
        };
        let mut taken = WeightStep {
            change: Mat::zeros(weights.rows, weights.columns),
            bias_change: Vec::new(),
            thetas: Vec::new(),
            theta_errors: Vec::new(),
            promised: 0.0,
        };
        for first in (0..weights.rows).step_by(rows) {
            self.find_rows(l, order, shape, &sums, first, rows, p.columns, &mut taken)?;
        }
        let factor = self.factor(Formula::WeightTheta);
        taken.thetas.iter_mut().for_each(|theta| *theta *= factor);
        taken.promised *= factor;
        let factor = self.factor(Formula::WeightStep);
        taken.change.data.iter_mut().for_each(|d| *d *= factor);
        let factor = self.factor(Formula::BiasStep);
        taken.bias_change.iter_mut().for_each(|d| *d *= factor);
        Ok(taken)
    }

    /// The sums of a layer over all samples, added up in the tiles and groups of the method: where a gradient is nothing but
    /// rounding, a regularised step still takes its theta from it, and other rounding would give another step.
    fn sums(&self, l: usize, shape: SumsShape) -> Result<Vec<f64>> {
        let (p, r) = (self.state.inputs[l].view(), self.state.residuals[l].view());
        let mut total = vec![0.0; shape.elements()];
        let tile = self.partition.tile();
        let needed = sums::accumulate_workspace::<f64, _>(self.gemm, shape.n_out, shape.n_in, tile);
        let mut scratch = memory(needed);
        for g in 0..self.partition.groups() {
            let mut group = vec![0.0; shape.elements()];
            for (start, count) in self.partition.tiles(g) {
                let start = self.partition.group(g).0 + start;
                let (p, r) = (columns(&p, start, count), columns(&r, start, count));
                let (mut sums, stack) = (shape.carve(&mut group)?, Stack::new(&mut scratch));
                sums::accumulate(self.gemm, &r, &p, Parts::All, &mut sums, stack)?;
            }
            sums::add(shape, Parts::All, &group, &mut total)?;
        }
        let mut sums = shape.carve(&mut total)?;
        sums.finish();
        for (formula, part) in [(Formula::SumResidual, &mut *sums.residual), (Formula::SumInput, sums.input)]
        {
            let factor = self.factor(formula);
            part.iter_mut().for_each(|sum| *sum *= factor);
        }
        sums.cross *= self.factor(Formula::SumCross);
        sums.gram *= self.factor(Formula::SumGram);
        Ok(total)
    }

    /// The step of the rows `first .. first + rows`, which share no theta with the others.
    fn find_rows(
        &self,
        l: usize,
        order: Order,
        shape: SumsShape,
        sums: &[f64],
        first: usize,
        rows: usize,
        samples: usize,
        taken: &mut WeightStep,
    ) -> Result {
        let (settings, w) = (self.frame.settings, self.frame.weight(l, self.state.weights.len()));
        let whole = shape.read(sums, samples)?;
        let n_in = shape.n_in;
        let cross = Mat::from_fn(rows, n_in, |i, j| whole.cross[(first + i, j)]);
        let part = sums::Sums { cross: cross.view(), residual: &whole.residual[first..][..rows], ..whole };
        let mut new = Mat::from_fn(rows, n_in, |i, j| self.state.weights[l].at(first + i, j));
        let mut bias = self.state.biases[l][first..][..rows].to_vec();
        let (mut change, mut bias_change) = (Mat::zeros(rows, n_in), vec![0.0; rows]);
        let rule = &settings.weight_step;
        let mut scratch = memory(weights::reduce_workspace::<f64, _>(self.gemm, rule, rows, n_in));
        let reduced = weights::reduce(
            self.gemm,
            rule,
            order,
            w,
            settings.regularizer,
            &part,
            None,
            &mut new.view_mut(),
            &mut bias,
            &mut Change { weights: change.view_mut(), bias: &mut bias_change },
            Stack::new(&mut scratch),
        )?;
        if !matches!(rule, StepRule::LeastSquares { .. }) {
            // What is reported is `(theta/2)|D|^2` and the bias's share together.
            let bias_share: f64 = bias_change.iter().map(|d| 0.5 * w * samples as f64 * d * d).sum();
            let half = 0.5 * change.squared();
            let theta = if half > 0.0 { (reduced.promised - bias_share) / half } else { 0.0 };
            let error = 64.0 * f64::EPSILON * reduced.promised / (theta * half);
            taken.thetas.extend(std::iter::repeat_n(theta, rows));
            taken.theta_errors.extend(std::iter::repeat_n(if half > 0.0 { error } else { 0.0 }, rows));
        }
        taken.promised += reduced.promised;
        taken.bias_change.extend(bias_change);
        for j in 0..n_in {
            taken.change.data[j * shape.n_out + first..][..rows].copy_from_slice(change.column(j));
        }
        Ok(())
    }

    /// `W <- W + D`, and the residual follows.
    pub(super) fn move_weights(&mut self, l: usize, taken: &WeightStep) -> Result {
        let (p, change) = (&self.state.inputs[l], &taken.change);
        let mut r = self.state.residuals[l].clone();
        let mut scratch =
            memory(weights::apply_workspace::<f64, _>(self.gemm, change.rows, change.columns, p.columns));
        let stack = Stack::new(&mut scratch);
        weights::apply_weights(self.gemm, &change.view(), &p.view(), &mut r.view_mut(), stack)?;
        self.falsify_step(Formula::WeightResidual, &self.state.residuals[l], &mut r);
        self.state.residuals[l] = r;
        self.state.weights[l] = self.state.weights[l].zip(change, |w, d| w + d);
        Ok(())
    }

    /// `b <- b + d`, and the residual follows.
    pub(super) fn move_bias(&mut self, l: usize, taken: &WeightStep) -> Result {
        let mut r = self.state.residuals[l].clone();
        weights::apply_bias(&taken.bias_change, &mut r.view_mut())?;
        self.falsify_step(Formula::BiasResidual, &self.state.residuals[l], &mut r);
        self.state.residuals[l] = r;
        self.state.biases[l].iter_mut().zip(&taken.bias_change).for_each(|(b, d)| *b += d);
        Ok(())
    }

    /// z of hidden layer `l` towards `target`, and the residual with it.
    pub(super) fn move_hidden(&mut self, l: usize, proximal: Proximal, target: &Mat) -> Result {
        let (mut z, mut r) = (self.state.linear[l].clone(), self.state.residuals[l].clone());
        let mut scratch = memory(hidden::step_workspace(z.rows));
        let (activation, stack) = (self.frame.activation, Stack::new(&mut scratch));
        hidden::step(proximal, activation, &target.view(), &mut z.view_mut(), &mut r.view_mut(), stack)?;
        self.put_linear(l, Formula::HiddenLinear, Formula::HiddenResidual, z, r);
        Ok(())
    }

    /// z of the last layer, and the residual with it.
    pub(super) fn move_output(&mut self) -> Result {
        let l = self.state.weights.len() - 1;
        let settings = self.frame.settings;
        let (mut z, mut r) = (self.state.linear[l].clone(), self.state.residuals[l].clone());
        let (loss, solver): (Loss, _) = (settings.loss, settings.solver);
        let mut scratch = memory(output::step_workspace::<f64>(loss, solver, z.rows, z.columns));
        let (mu, target) = (self.frame.weight(l, l + 1), self.frame.target);
        let stack = Stack::new(&mut scratch);
        output::step(loss, solver, mu, target, &mut z.view_mut(), &mut r.view_mut(), stack)?;
        self.put_linear(l, Formula::OutputLinear, Formula::OutputResidual, z, r);
        Ok(())
    }

    /// Sets z and r of a layer. A falsified z takes the residual with it; a falsified residual is that alone.
    pub(super) fn put_linear(
        &mut self,
        l: usize,
        linear: Formula,
        residual: Formula,
        mut z: Mat,
        mut r: Mat,
    ) {
        let factor = self.factor(linear);
        for (z, r) in z.data.iter_mut().zip(&mut r.data) {
            *r += *z - factor * *z;
            *z *= factor;
        }
        let factor = self.factor(residual);
        r.data.iter_mut().for_each(|r| *r *= factor);
        (self.state.linear[l], self.state.residuals[l]) = (z, r);
    }

    /// pdADMM's q of hidden layer `l`.
    pub(super) fn move_copy(&mut self, l: usize) -> Result {
        let settings = self.frame.settings;
        let mut q = self.state.copies[l].clone();
        let mut scratch = memory(copy::step_workspace(q.rows));
        copy::step(
            settings.nu,
            settings.rho,
            self.frame.activation,
            &self.state.inputs[l + 1].view(),
            &self.state.duals[l].view(),
            &self.state.linear[l].view(),
            &mut q.view_mut(),
            Stack::new(&mut scratch),
        )?;
        let factor = self.factor(Formula::Copy);
        q.data.iter_mut().for_each(|q| *q *= factor);
        self.state.copies[l] = q;
        Ok(())
    }

    /// pdADMM's u of hidden layer `l`, by equation 7.
    pub(super) fn move_copy_dual(&mut self, l: usize) -> Result {
        let mut u = self.state.duals[l].clone();
        let (next, q) = (self.state.inputs[l + 1].view(), self.state.copies[l].view());
        dual::step(self.frame.settings.rho, &next, &q, &mut u.view_mut())?;
        let factor = self.factor(Formula::Dual);
        u.data.iter_mut().for_each(|u| *u *= factor);
        self.state.duals[l] = u;
        Ok(())
    }

    /// dlADMM's u and the shifted residual (lines 23 and 24).
    pub(super) fn move_output_dual(&mut self) -> Result {
        let last = self.state.weights.len() - 1;
        let (mut u, mut r) = (self.state.duals[0].clone(), self.state.residuals[last].clone());
        let rho = self.frame.settings.rho;
        dual::step_shifted(rho, &mut r.view_mut(), &mut u.view_mut())?;
        let factor = self.factor(Formula::Dual);
        for (u, r) in u.data.iter_mut().zip(&mut r.data) {
            *r += (*u - factor * *u) / rho;
            *u *= factor;
        }
        let factor = self.factor(Formula::ShiftedResidual);
        r.data.iter_mut().for_each(|r| *r *= factor);
        (self.state.duals[0], self.state.residuals[last]) = (u, r);
        Ok(())
    }

    /// pdADMM's duals by Lemma 4.
    pub(super) fn recovered_duals(&self) -> Result<Vec<Mat>> {
        let settings = self.frame.settings;
        let factor = self.factor(Formula::RecoveredDual);
        let recovered = self.state.copies.iter().zip(&self.state.linear).map(|(q, z)| {
            let mut u = Mat::zeros(q.rows, q.columns);
            dual::recover(settings.nu, self.frame.activation, &q.view(), &z.view(), &mut u.view_mut())?;
            Ok(u.map(|u| factor * u))
        });
        recovered.collect()
    }

    /// dlADMM's dual before the first sweep, `-grad R(z_L)`.
    pub(super) fn initial_dual(&self) -> Result<Mat> {
        let z = &self.state.linear[self.state.weights.len() - 1];
        let mut u = Mat::zeros(z.rows, z.columns);
        let target = self.frame.target;
        self.frame.settings.loss.gradient(z.view(), target, u.view_mut())?;
        let factor = self.factor(Formula::InitialDual);
        Ok(u.map(|u| -factor * u))
    }

    /// pdADMM's coupling gradient of the input of layer `l`, `u + rho (p - q)`.
    pub(super) fn copy_coupling(&self, l: usize) -> Result<Mat> {
        let (p, below) = (&self.state.inputs[l], l - 1);
        let mut g = Mat::zeros(p.rows, p.columns);
        let (u, q) = (self.state.duals[below].view(), self.state.copies[below].view());
        input::dual_coupling(self.frame.settings.rho, &u, &p.view(), &q, &mut g.view_mut())?;
        Ok(g)
    }

    /// dlADMM's coupling gradient of the input of layer `l`, `nu (a - f(z))`.
    pub(super) fn activation_coupling(&self, l: usize) -> Result<Mat> {
        let (settings, a) = (self.frame.settings, &self.state.inputs[l]);
        let mut g = Mat::zeros(a.rows, a.columns);
        let z = self.state.linear[l - 1].view();
        let target = &mut g.view_mut();
        input::activation_coupling(settings.nu, self.frame.activation, &a.view(), &z, target)?;
        Ok(g)
    }
}

/// tau of a column: `(tau/2)|dp|^2` is reported, and `|dp|^2`.
fn tau(moved: Moved) -> f64 {
    if moved.squared > 0.0 { 2.0 * moved.promised / moved.squared } else { 0.0 }
}
