//! The methods' objectives and residuals, recomputed from the variables.

use altmin_core::method::Hyperparameters;
use altmin_core::{Activation, Target};

use super::Layerwise;
use super::variables::Variables;
use crate::matrix::{Mat, Sum, Value};
use crate::plain::{activate, add_regularizer, add_risk, risk_curvature};

/// What does not change in a run.
#[derive(Debug, Clone)]
pub(super) struct Frame<'a> {
    pub(super) method: Layerwise,
    pub(super) settings: Hyperparameters<f64>,
    pub(super) activation: Activation<f64>,
    pub(super) target: Target<'a, f64>,
    /// The targets as values, n x M.
    pub(super) y: Mat,
    /// DLAM's epsilon at the present sweep.
    pub(super) epsilon: f64,
}

impl Frame<'_> {
    /// `w` of a layer's linear residual.
    pub(super) fn weight(&self, l: usize, layers: usize) -> f64 {
        match self.method {
            Layerwise::Dladmm if l + 1 < layers => self.settings.nu,
            Layerwise::Pdadmm => self.settings.nu,
            _ => self.settings.rho,
        }
    }

    /// `c` of an input's coupling to the layer below.
    pub(super) fn coupling_weight(&self) -> f64 {
        match self.method {
            Layerwise::Pdadmm => self.settings.rho,
            Layerwise::Dladmm => self.settings.nu,
            _ => 0.0,
        }
    }

    /// The residual of a layer as its formulas have it, and the size of what it is added up from.
    ///
    /// `W p + b - z`, and in dlADMM's last layer `- u/rho`: there `<u, z - W p - b> + (rho/2)|z - W p - b|^2` is
    /// `(rho/2)|r|^2 - |u|^2/(2 rho)`.
    pub(super) fn residual(&self, state: &Variables, l: usize) -> (Mat, Mat) {
        let (mut r, mut size) = self.linear_residual(state, l);
        if self.method == Layerwise::Dladmm && l + 1 == state.weights.len() {
            let shift = state.duals[0].map(|u| u / self.settings.rho);
            r = r.minus(&shift);
            size = size.zip(&shift, |size, shift| size + shift.abs());
        }
        (r, reached(size, state, l))
    }

    /// `W p + b - z` of a layer, and the size of what it is added up from, or has been in this run.
    pub(super) fn constraint(&self, state: &Variables, l: usize) -> (Mat, Mat) {
        let (r, size) = self.linear_residual(state, l);
        (r, reached(size, state, l))
    }

    /// The same without what has been.
    fn linear_residual(&self, state: &Variables, l: usize) -> (Mat, Mat) {
        let (w, p, z, b) = (&state.weights[l], &state.inputs[l], &state.linear[l], &state.biases[l]);
        let (product, size) = (w.times(p), w.abs().times(&p.abs()));
        let index = |k: usize| k % z.rows;
        let r = (0..z.data.len()).map(|k| product.data[k] + b[index(k)] - z.data[k]).collect();
        let size = (0..z.data.len()).map(|k| size.data[k] + b[index(k)].abs() + z.data[k].abs()).collect();
        (Mat { data: r, ..product }, Mat { data: size, ..*z })
    }

    /// `f(z)` of a layer.
    pub(super) fn activated(&self, state: &Variables, l: usize) -> Mat {
        state.linear[l].map(|z| activate(self.activation, z))
    }

    /// The method's objective: L_rho (pdADMM, before Algorithm 1; dlADMM, equation 1) or F, regularisers included.
    pub(super) fn objective(&self, state: &Variables) -> Value {
        let (settings, last) = (&self.settings, state.weights.len() - 1);
        let mut sum = Sum::default();
        add_risk(settings.loss, &state.linear[last], &self.y, &mut sum);
        for (l, weights) in state.weights.iter().enumerate() {
            add_regularizer(settings.regularizer, weights, &mut sum);
            let (r, size) = self.constraint(state, l);
            add_squares(self.weight(l, last + 1), &r, &size, &mut sum);
            if self.method == Layerwise::Dladmm && l == last {
                for ((u, r), size) in state.duals[0].data.iter().zip(&r.data).zip(&size.data) {
                    sum.add(-u * r, (u * size).abs());
                }
            }
            if l < last && self.method != Layerwise::Dlam {
                self.add_coupling(state, l, &mut sum);
            }
        }
        sum.value()
    }

    /// What ties a hidden layer to the next.
    fn add_coupling(&self, state: &Variables, l: usize, sum: &mut Sum) {
        let (settings, f, next) = (&self.settings, self.activated(state, l), &state.inputs[l + 1]);
        let size = |a: &Mat, b: &Mat| a.zip(b, |a, b| a.abs() + b.abs());
        if self.method == Layerwise::Dladmm {
            return add_squares(settings.nu, &next.minus(&f), &size(next, &f), sum);
        }
        let (q, u) = (&state.copies[l], &state.duals[l]);
        let (gap, gap_size) = (next.minus(q), size(next, q));
        add_squares(settings.nu, &q.minus(&f), &size(q, &f), sum);
        add_squares(settings.rho, &gap, &gap_size, sum);
        for ((u, gap), size) in u.data.iter().zip(&gap.data).zip(&gap_size.data) {
            sum.add(u * gap, (u * size).abs());
        }
    }

    /// Adds noise of this size to the variables of hidden layers; DLAM's `a` is put within its interval.
    pub(super) fn scatter(&self, state: &mut Variables, size: f64, seed: usize) {
        let mut random = seed as u64;
        let mut noise = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        };
        for l in 0..state.weights.len() - 1 {
            state.linear[l].data.iter_mut().for_each(|z| *z += size * noise());
            if let Some(q) = state.copies.get_mut(l) {
                q.data.iter_mut().for_each(|q| *q += size * noise());
            }
            let h = self.activated(state, l);
            for (a, h) in state.inputs[l + 1].data.iter_mut().zip(&h.data) {
                *a = if self.method == Layerwise::Dlam {
                    h + self.epsilon * noise()
                } else {
                    *a + size * noise()
                };
            }
        }
        for l in 0..state.weights.len() {
            state.residuals[l] = self.residual(state, l).0;
        }
    }

    /// H of the risk.
    pub(super) fn risk_lipschitz(&self) -> f64 {
        risk_curvature(self.settings.loss)
    }
}

/// The size of what the residual of a layer is added up from, or has been in this run.
fn reached(size: Mat, state: &Variables, l: usize) -> Mat {
    state.reach.get(l).map_or(size.clone(), |reach| size.zip(reach, f64::max))
}

/// Adds `(weight/2)|a|^2`, where `size` is what the entries of `a` are added up from.
fn add_squares(weight: f64, a: &Mat, size: &Mat, sum: &mut Sum) {
    for (a, size) in a.data.iter().zip(&size.data) {
        sum.add(0.5 * weight * a * a, weight * a.abs() * size);
    }
}
