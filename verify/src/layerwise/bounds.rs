//! What follows from the descent: bounds on the objective's terms and on its subgradient.

use altmin_core::gemm::Gemm;
use altmin_core::theory::PdAdmmConstants;
use altmin_core::update::StepRule;

use super::Auditor;
use super::pdadmm::Reported;
use super::variables::Variables;
use crate::matrix::{Mat, Sum, Value};
use crate::plain::{add_regularizer, add_risk, nearest_subgradient, nearest_to_zero, risk_gradient, slopes};
use crate::promise::Property;

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// pdADMM's sweep from `start`, where the objective was `first`; `middle` is that before q and u moved, `promised` what
    /// the blocks before z have promised. Returns what inequality 8 adds for z and q.
    pub(super) fn check_pdadmm_sweep(
        &mut self,
        start: &Variables,
        first: Value,
        middle: Value,
        promised: f64,
    ) -> f64 {
        let settings = self.frame.settings;
        let (nu, rho, s) = (settings.nu, settings.rho, self.frame.activation.lipschitz());
        let PdAdmmConstants { c1, c2 } = PdAdmmConstants::new(nu, rho, s);
        let last = start.weights.len() - 1;
        let moved = |new: &[Mat], old: &[Mat], l: usize| new[l].minus(&old[l]).squared();
        let hidden: f64 = (0..last).map(|l| moved(&self.state.linear, &start.linear, l)).sum();
        let copies: f64 = (0..last).map(|l| moved(&self.state.copies, &start.copies, l)).sum();
        let output = moved(&self.state.linear, &start.linear, last);
        let after = self.value;
        let together = c2 * copies - 2.0 * nu * nu * s * s / rho * hidden;
        self.check_fall(Property::CopyAndDual, None, middle, after, together);
        let added = c1 * hidden + nu / 2.0 * output + c2 * copies;
        self.check_fall(Property::Descent, None, first, after, promised + added);
        added
    }

    /// pdADMM's Lemmas 2 and 3 after a sweep from `start`.
    pub(super) fn check_pdadmm_bounds(&mut self, start: &Variables, reported: &Reported) {
        let settings = self.frame.settings;
        let excess = 0.5 * (settings.rho - settings.nu);
        let gaps: f64 = self.gaps().iter().map(Mat::squared).sum();
        let risk = self.risk_of(&self.state);
        self.check_below(Property::BoundedObjective, risk.value + excess * gaps, self.value);
        let mut terms = vec![risk.value, excess * gaps, self.penalty()];
        for l in 0..start.weights.len() {
            terms.push(0.5 * settings.nu * self.frame.constraint(&self.state, l).0.squared());
        }
        for l in 0..self.state.copies.len() {
            let gap = self.state.inputs[l + 1].minus(&self.frame.activated(&self.state, l));
            terms.push(0.5 * settings.nu * gap.squared());
        }
        self.check_bounded(&terms);
        for l in 0..start.weights.len() {
            self.check_weight_subgradient(start, l, reported.thetas[l]);
            if l > 0 {
                self.check_input_subgradient(start, l, reported.taus[l]);
            }
            if l + 1 < start.weights.len() {
                self.check_hidden_subgradient(start, l);
                self.check_copy_subgradient(start, l);
            }
        }
        self.check_output_subgradient();
    }

    /// `p_{l+1} - q_l`.
    fn gaps(&self) -> Vec<Mat> {
        let Variables { inputs, copies, .. } = &self.state;
        copies.iter().zip(&inputs[1..]).map(|(q, p)| p.minus(q)).collect()
    }

    /// R(z_L) of `state`.
    pub(super) fn risk_of(&self, state: &Variables) -> Value {
        let mut sum = Sum::default();
        let z = &state.linear[state.weights.len() - 1];
        add_risk(self.frame.settings.loss, z, &self.frame.y, &mut sum);
        sum.value()
    }

    /// Omega of all weights.
    pub(super) fn penalty(&self) -> f64 {
        let mut sum = Sum::default();
        self.state.weights.iter().for_each(|w| add_regularizer(self.frame.settings.regularizer, w, &mut sum));
        sum.value().value
    }

    /// The objective, `above`, is at least `bound`, and that is not negative.
    pub(super) fn check_below(&mut self, property: Property, bound: f64, above: Value) {
        let allowed = self.rounding(self.longest()) * above.scale;
        let violation = (bound - above.value).max(-bound).max(0.0);
        self.record(property, None, violation, allowed, above.scale);
    }

    /// No term is larger than the first objective; notes how large the variables are.
    pub(super) fn check_bounded(&mut self, terms: &[f64]) {
        if !self.is_one_run() {
            return;
        }
        let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = self.first;
        let scale = first.scale + self.value.scale;
        let allowed = self.rounding(self.longest()) * scale;
        self.record(Property::BoundedVariables, None, (largest - first.value).max(0.0), allowed, scale);
        let norm = |list: &[Mat]| list.iter().map(Mat::norm).fold(0.0, f64::max);
        let Variables { weights, inputs, linear, .. } = &self.state;
        let (w, a, z) = (norm(weights), norm(&inputs[1..]), norm(linear));
        let detail = format!(
            "the largest norms of a layer after sweep {}: W {w:.3e}, inputs {a:.3e}, z {z:.3e}",
            self.sweep
        );
        self.promises.set_detail(Property::BoundedVariables, detail);
    }

    /// `|gradient| <= bound`, where the gradient is added up from `size`.
    pub(super) fn check_subgradient(&mut self, l: usize, gradient: &Mat, bound: f64, size: &Mat) {
        let scale = size.norm() + bound;
        let allowed = self.rounding(gradient.columns + self.longest()) * scale;
        self.record(Property::Subgradient, Some(l), (gradient.norm() - bound).max(0.0), allowed, scale);
    }

    /// `|g| <= w (|r+| + |W||p+|)|dW| + (w |W|^2 + rho + tau)|dp| + w |W|(sqrt(M)|db| + |dz|) + rho |dq| + |du|`.
    fn check_input_subgradient(&mut self, start: &Variables, l: usize, tau: f64) {
        let (w, rho) = (self.frame.weight(l, start.weights.len()), self.frame.settings.rho);
        let moved = Moved::of(start, &self.state, l);
        let (q, u) = (&self.state.copies[l - 1], &self.state.duals[l - 1]);
        let (dq, du) = (q.minus(&start.copies[l - 1]).norm(), u.minus(&start.duals[l - 1]).norm());
        let (weights, r) = (start.weights[l].norm(), self.frame.residual(&self.state, l).0.norm());
        let p = self.state.inputs[l].norm();
        let bound = w * (r + weights * p) * moved.weights
            + (w * weights * weights + rho + tau) * moved.input
            + w * weights * (moved.bias + moved.linear)
            + rho * dq
            + du;
        let (gradient, size) = self.input_gradient(&self.state, l);
        self.check_subgradient(l, &gradient, bound, &size);
    }

    /// `|g_W| <= (w |p+|^2 + theta)|dW| + w |p+|(sqrt(M)|db| + |dz|)` and `|g_b| <= w sqrt(M)|dz|`; DLAM's Lemma 3 too.
    pub(super) fn check_weight_subgradient(&mut self, start: &Variables, l: usize, theta: f64) {
        let w = self.frame.weight(l, start.weights.len());
        let moved = Moved::of(start, &self.state, l);
        let p = self.state.inputs[l].norm();
        let bound = (w * p * p + theta) * moved.weights + w * p * (moved.bias + moved.linear);
        let regularizer = self.frame.settings.regularizer;
        let (cross, size) = self.cross(&self.state, l);
        let gradient = cross
            .zip(&self.state.weights[l], |cross, weight| nearest_subgradient(regularizer, w * cross, weight));
        let step = self.state.weights[l].minus(&start.weights[l]);
        let is_least_squares = matches!(self.frame.settings.weight_step, StepRule::LeastSquares { .. });
        if !is_least_squares || Self::determines(&start.inputs[l], &step) {
            self.check_subgradient(l, &gradient, bound, &size.map(|size| w * size));
        }

        let (r, size) = self.frame.residual(&self.state, l);
        let column = |sums: Vec<f64>| Mat { rows: sums.len(), columns: 1, data: sums };
        let gradient = column(r.row_sums()).map(|sum| w * sum);
        let bound = w * libm::sqrt(r.columns as f64) * moved.linear;
        self.check_subgradient(l, &gradient, bound, &column(size.row_sums()).map(|sum| w * sum));
    }

    /// `|g_z| <= nu |dz| + nu s |dq|`.
    fn check_hidden_subgradient(&mut self, start: &Variables, l: usize) {
        let settings = self.frame.settings;
        let (r, size) = self.frame.constraint(&self.state, l);
        let (z, q, f) = (&self.state.linear[l], &self.state.copies[l], self.frame.activated(&self.state, l));
        let gradient = (0..z.data.len()).map(|k| {
            let between = slopes(self.frame.activation, z.data[k]);
            settings.nu * nearest_to_zero(-r.data[k], q.data[k] - f.data[k], between)
        });
        let gradient = Mat { data: gradient.collect(), ..*z };
        let moved = Moved::of(start, &self.state, l);
        let dq = q.minus(&start.copies[l]).norm();
        let bound = settings.nu * (moved.linear + self.frame.activation.lipschitz() * dq);
        let size = size.zip(&q.zip(&f, |q, f| q.abs() + f.abs()), |a, b| settings.nu * (a + b));
        self.check_subgradient(l, &gradient, bound, &size);
    }

    /// `|g_q| = |du|` and `|g_u| = |p - q| = |du|/rho`.
    fn check_copy_subgradient(&mut self, start: &Variables, l: usize) {
        let settings = self.frame.settings;
        let (q, u, p) = (&self.state.copies[l], &self.state.duals[l], &self.state.inputs[l + 1]);
        let f = self.frame.activated(&self.state, l);
        let du = u.minus(&start.duals[l]).norm();
        let gap = p.minus(q);
        let gap_size = p.zip(q, |p, q| p.abs() + q.abs());
        let pulled = gap.zip(u, |gap, u| settings.rho * gap + u);
        let gradient = q.zip(&f, |q, f| settings.nu * (q - f)).minus(&pulled);
        let size = gap_size.zip(u, |gap, u| settings.rho * gap + u.abs());
        let size = size.zip(&q.zip(&f, |q, f| settings.nu * (q.abs() + f.abs())), |a, b| a + b);
        let scaled = size.map(|size| size / settings.rho);
        self.check_subgradient(l, &gradient, du, &size);
        self.check_subgradient(l, &gap, du / settings.rho, &scaled);
    }

    /// `g = 0` in the last z, up to the solver's bound.
    fn check_output_subgradient(&mut self) {
        let l = self.state.weights.len() - 1;
        let w = self.frame.weight(l, l + 1);
        let (r, size) = self.frame.residual(&self.state, l);
        let z = &self.state.linear[l];
        let gradient = risk_gradient(self.frame.settings.loss, z, &self.frame.y).zip(&r, |g, r| g - w * r);
        let lipschitz = self.frame.risk_lipschitz();
        let size = size.zip(z, |size, z| 1.0 + (lipschitz + w) * z.abs() + w * size);
        self.check_subgradient(l, &gradient, 0.0, &size);
    }
}

/// How far the variables of a layer have moved.
struct Moved {
    weights: f64,
    /// `|db 1'| = sqrt(M)|db|`.
    bias: f64,
    input: f64,
    linear: f64,
}

impl Moved {
    fn of(start: &Variables, now: &Variables, l: usize) -> Self {
        let bias = now.biases[l].iter().zip(&start.biases[l]).map(|(new, old)| (new - old) * (new - old));
        let samples = now.inputs[l].columns as f64;
        Self {
            weights: now.weights[l].minus(&start.weights[l]).norm(),
            bias: libm::sqrt(samples * bias.sum::<f64>()),
            input: now.inputs[l].minus(&start.inputs[l]).norm(),
            linear: now.linear[l].minus(&start.linear[l]).norm(),
        }
    }
}
