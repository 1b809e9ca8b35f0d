//! Checks of the updates that are made entry by entry or sample by sample.

use altmin_core::gemm::Gemm;
use altmin_core::loss::KKT_FACTOR;
use altmin_core::update::hidden::Proximal;

use super::Auditor;
use super::variables::Variables;
use crate::matrix::Mat;
use crate::plain::{activate, nearest_to_zero, risk_gradient, slopes};
use crate::promise::Property;

/// Points of the scan for a better z. It need only find the other branch or basin: near the point that was found the
/// gradient decides.
const SCAN: i32 = 48;

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// z of hidden layer `l` has moved towards `target` since `before`: it minimises
    /// `omega (z - c)^2 + (target - f(z))^2` entry by entry.
    pub(super) fn check_hidden(&mut self, before: &Variables, l: usize, proximal: Proximal, target: &Mat) {
        let activation = self.frame.activation;
        let (r, size) = self.frame.constraint(before, l);
        let rounding = self.rounding(before.weights[l].columns);
        let (omega, half) = if proximal == Proximal::Yes { (2.0, 0.5) } else { (1.0, 0.0) };
        let mut worst = [(0.0, 0.0, 1.0); 2];
        for k in 0..r.data.len() {
            let (z, t, old) = (self.state.linear[l].data[k], target.data[k], before.linear[l].data[k]);
            // W p + b, or its mean with the old z.
            let c = (1.0 - half) * (r.data[k] + old) + half * old;
            let f = activate(activation, z);
            let between = slopes(activation, z);
            let steepest = between.0.abs().max(between.1.abs());
            let gradient = nearest_to_zero(omega * (z - c), t - f, between);
            let scale = omega * (z.abs() + size.data[k]) + (t.abs() + f.abs()) * steepest;
            let scale = scale + f64::MIN_POSITIVE;
            keep_worst(&mut worst[0], (gradient.abs(), rounding * scale, scale));

            let value = |z: f64| {
                let (linear, gap) = (z - c, t - activate(activation, z));
                omega * linear * linear + gap * gap
            };
            // A better z is no further from c than this, for there the first term alone is as large as the value at c.
            let reach = (t - activate(activation, c)).abs() / libm::sqrt(omega);
            let scanned = (-SCAN..=SCAN).map(|k| value(c + reach * f64::from(k) / f64::from(SCAN)));
            let best = scanned.fold(value(0.0), f64::min);
            let linear = omega * (z - c).abs() * (z.abs() + size.data[k]);
            let scale = linear + (t - f).abs() * (t.abs() + f.abs()) + f64::MIN_POSITIVE;
            keep_worst(&mut worst[1], ((value(z) - best).max(0.0), rounding * scale, scale));
        }
        for (property, (violation, allowed, scale)) in
            [Property::HiddenStationary, Property::HiddenGlobal].into_iter().zip(worst)
        {
            self.record(property, Some(l), violation, allowed, scale);
        }
        let moved = self.state.linear[l].minus(&before.linear[l]).squared();
        let share = if proximal == Proximal::Yes { 0.5 * self.frame.settings.nu * moved } else { 0.0 };
        self.check_share(Property::HiddenShare, Some(l), share);
    }

    /// z of the last layer has moved since `before`: `|grad R(z) + w (z - c)|` is within the solver's bound,
    /// `KKT_FACTOR EPSILON (max(1, |y|) + (H + w)|z| + w|c|)` sample by sample, and what computing it anew may add.
    pub(super) fn check_output(&mut self, before: &Variables) {
        let l = before.weights.len() - 1;
        let w = self.frame.weight(l, l + 1);
        let (r, size) = self.frame.residual(before, l);
        let (z, old) = (self.state.linear[l].clone(), &before.linear[l]);
        let gradient = risk_gradient(self.frame.settings.loss, &z, &self.frame.y);
        let largest = |column: &[f64]| column.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let rounding = self.rounding(before.weights[l].columns + z.rows);
        let mut worst = (0.0, 0.0, 1.0);
        for j in 0..z.columns {
            let c: Vec<f64> = (0..z.rows).map(|i| r.at(i, j) + old.at(i, j)).collect();
            let kkt: Vec<f64> = (0..z.rows).map(|i| gradient.at(i, j) + w * (z.at(i, j) - c[i])).collect();
            let lipschitz = self.frame.risk_lipschitz();
            let scale = 1.0 + (lipschitz + w) * largest(z.column(j)) + w * largest(&c);
            let remade = w * largest(size.column(j)) + scale;
            let allowed = KKT_FACTOR * f64::EPSILON * scale + rounding * remade;
            keep_worst(&mut worst, (largest(&kkt), allowed, remade));
        }
        let (violation, allowed, scale) = worst;
        self.record(Property::OutputStationary, Some(l), violation, allowed, scale);
        let moved = z.minus(old).squared();
        self.check_share(Property::OutputShare, Some(l), 0.5 * w * moved);
    }

    /// dlADMM's `u = -grad R(z_L)`, which holds because z_L was minimised over and u moved by line 24: what is left is the
    /// gradient at z_L, which the solver bounds.
    pub(super) fn check_dual_identity(&mut self) {
        let l = self.state.weights.len() - 1;
        let z = &self.state.linear[l];
        let (gradient, u) = (risk_gradient(self.frame.settings.loss, z, &self.frame.y), &self.state.duals[0]);
        let rho = self.frame.settings.rho;
        let (_, size) = self.frame.constraint(&self.state, l);
        let lipschitz = self.frame.risk_lipschitz();
        let size = size.zip(z, |size, z| 1.0 + (lipschitz + rho) * z.abs() + rho * size);
        let size = size.zip(u, |size, u| size + u.abs());
        let expected = gradient.map(|g| -g);
        let (found, u) = (u.minus(&expected).norm(), size.norm());
        let allowed = self.rounding(self.longest() + z.rows) * u;
        self.record(Property::DualIdentity, Some(l), found, allowed, u);
    }

    /// pdADMM's Lemma 4, `u = nu (q - f(z))`.
    pub(super) fn check_lemma_4(&mut self) {
        let settings = self.frame.settings;
        for l in 0..self.state.duals.len() {
            let (q, f) = (&self.state.copies[l], self.frame.activated(&self.state, l));
            let expected = q.zip(&f, |q, f| settings.nu * (q - f));
            let size = q.zip(&f, |q, f| (settings.nu + settings.rho) * (q.abs() + f.abs()));
            let next = &self.state.inputs[l + 1];
            let size = size.zip(next, |size, p| size + settings.rho * p.abs());
            let u = self.state.duals[l].clone();
            self.compare_matrices(Property::DualIdentity, Some(l), &u, &expected, &size);
        }
    }

    /// pdADMM's q of layer `l` has moved since `before`: `nu (q - f(z)) - u - rho (p - q) = 0`.
    pub(super) fn check_copy(&mut self, before: &Variables, l: usize) {
        let settings = self.frame.settings;
        let (q, u, p) = (&self.state.copies[l], &self.state.duals[l], &self.state.inputs[l + 1]);
        let f = self.frame.activated(&self.state, l);
        let tied = q.zip(&f, |q, f| settings.nu * (q - f)).minus(u);
        let pulled = p.zip(q, |p, q| settings.rho * (p - q));
        let size = q.zip(&f, |q, f| settings.nu * (q.abs() + f.abs())).zip(u, |size, u| size + u.abs());
        let size = size.zip(&p.zip(q, |p, q| settings.rho * (p.abs() + q.abs())), |a, b| a + b);
        let moved = q.minus(&before.copies[l]).squared();
        self.compare_matrices(Property::CopyStationary, Some(l), &tied, &pulled, &size);
        self.check_share(Property::CopyShare, Some(l), 0.5 * (settings.nu + settings.rho) * moved);
    }

    /// The dual has moved since `before` by `rho gap`, and the objective has risen by exactly `|du|^2/rho`.
    pub(super) fn check_dual(
        &mut self,
        before: &Variables,
        index: usize,
        l: usize,
        gap: &Mat,
        gap_size: &Mat,
    ) {
        let rho = self.frame.settings.rho;
        let (old, new) = (&before.duals[index], self.state.duals[index].clone());
        let expected = old.zip(gap, |u, gap| u + rho * gap);
        let size = old.zip(gap_size, |u, gap| u.abs() + rho * gap);
        let risen = new.minus(old).squared() / rho;
        self.compare_matrices(Property::DualStep, Some(l), &new, &expected, &size);
        self.check_share(Property::DualShare, Some(l), -risen);
    }
}

/// Keeps the check that fails by the largest factor; what is not a number fails by most.
pub(super) fn keep_worst(worst: &mut (f64, f64, f64), found: (f64, f64, f64)) {
    let exceeds =
        |(violation, allowed, _): (f64, f64, f64)| if violation == 0.0 { 0.0 } else { violation / allowed };
    let smaller = exceeds(found) <= exceeds(*worst);
    if !smaller && !exceeds(*worst).is_nan() {
        *worst = found;
    }
}
