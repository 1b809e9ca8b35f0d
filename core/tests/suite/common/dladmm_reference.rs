//! dlADMM's Algorithm 1 line by line on whole matrices: every residual made anew, the dual explicit.

use super::dense::Mat;
use super::subproblems::{
    activate, input_step, minimise_hidden, minimise_output, omega, residual, risk, risk_gradient,
    step_parameters,
};
use super::teacher::{Data, Network, Settings};

/// Everything that Algorithm 1 moves; `a[0]` is the data, so that `a[l]` is the input of layer `l`, counted from 0.
pub(crate) struct Reference<'a> {
    settings: Settings<f64>,
    y: &'a Mat,
    pub(crate) network: Network,
    pub(crate) a: Vec<Mat>,
    pub(crate) z: Vec<Mat>,
    pub(crate) u: Mat,
}

impl<'a> Reference<'a> {
    /// `z = W a + b`, `a = f(z)`, `u = -grad R(z_L)`.
    pub(crate) fn new(settings: Settings<f64>, data: &'a Data, network: &Network) -> Self {
        let (mut a, mut z) = (vec![data.x.clone()], Vec::new());
        for l in 0..network.layers() {
            let nothing = Mat::zeros(network.weights[l].rows, data.x.columns);
            z.push(residual(&network.weights[l], &network.biases[l], &a[l], &nothing));
            if l + 1 < network.layers() {
                a.push(z[l].map(|z| activate(settings.activation, z)));
            }
        }
        let u = risk_gradient(settings.loss, z.last().unwrap(), &data.y).map(|g| -g);
        Self { settings, y: &data.y, network: network.clone(), a, z, u }
    }

    /// Other weights: every variable stays.
    pub(crate) fn set_penalties(&mut self, nu: f64, rho: f64) {
        self.settings = Settings { nu, rho, ..self.settings };
    }

    fn last(&self) -> usize {
        self.network.layers() - 1
    }

    /// `W a + b - z` of layer `l`.
    pub(crate) fn residual(&self, l: usize) -> Mat {
        residual(&self.network.weights[l], &self.network.biases[l], &self.a[l], &self.z[l])
    }

    pub(crate) fn sweep(&mut self) {
        for l in (0..=self.last()).rev() {
            if l < self.last() {
                self.step_activation(l);
                self.step_linear(l);
            } else {
                self.step_output();
            }
            self.step_parameters(l, true);
        }
        for l in 0..=self.last() {
            self.step_parameters(l, false);
            if l < self.last() {
                self.step_linear(l);
                self.step_activation(l);
            } else {
                self.step_output();
            }
        }
        // Lines 23 and 24.
        self.u = self.u.plus(-self.settings.rho, &self.residual(self.last()));
    }

    /// Equations 3 and 16: the output of layer `l`, `(nu/2)|a - f(z_l)|^2` and the next layer's term.
    fn step_activation(&mut self, l: usize) {
        let Settings { nu, rho, activation, input_step: rule, .. } = self.settings;
        let f = self.z[l].map(|z| activate(activation, z));
        let gradient = self.a[l + 1].plus(-1.0, &f).map(|gap| nu * gap);
        let r = self.residual(l + 1);
        let weights = &self.network.weights[l + 1];
        let step = if l + 1 == self.last() {
            // `u'(z - W a - b)` has the gradient `-W'u`.
            let gradient = gradient.plus(-1.0, &weights.transposed().times(&self.u));
            input_step(rule, rho, nu, weights, &gradient, &r)
        } else {
            input_step(rule, nu, nu, weights, &gradient, &r)
        };
        self.a[l + 1] = self.a[l + 1].plus(1.0, &step);
    }

    /// Equations 4 and 14.
    fn step_linear(&mut self, l: usize) {
        let c = self.residual(l).plus(1.0, &self.z[l]);
        let (activation, a) = (self.settings.activation, &self.a[l + 1]);
        self.z[l] =
            Mat::from_fn(c.rows, c.columns, |i, j| minimise_hidden(activation, a.at(i, j), c.at(i, j), None));
    }

    /// Equations 5 and 15: `u'(z - c) + (rho/2)|z - c|^2` has its minimum at `c - u/rho`.
    fn step_output(&mut self) {
        let Settings { rho, loss, .. } = self.settings;
        let last = self.last();
        let c = self.residual(last).plus(1.0, &self.z[last]).plus(-1.0 / rho, &self.u);
        let solve = |j: usize| minimise_output(loss, rho, c.column(j), self.y.column(j));
        let data = (0..c.columns).flat_map(solve).collect();
        self.z[last] = Mat { data, ..c };
    }

    /// Equations 7 or 6, then 9, backward; 11, then 13 or 12, forward. For W and b the last layer's dual is a shift of
    /// z: `u'(z - W a - b) + (rho/2)|z - W a - b|^2 = (rho/2)|W a + b - (z + u/rho)|^2 - |u|^2/(2 rho)`.
    fn step_parameters(&mut self, l: usize, backward: bool) {
        let Settings { nu, rho, weight_step, regularizer, .. } = self.settings;
        let last = l == self.last();
        let (w, target) =
            if last { (rho, self.z[l].plus(1.0 / rho, &self.u)) } else { (nu, self.z[l].clone()) };
        let parameters = (&mut self.network.weights[l], &mut self.network.biases[l]);
        step_parameters(weight_step, backward, w, regularizer, parameters, &self.a[l], &target);
    }

    /// Equation 1.
    pub(crate) fn lagrangian(&self) -> f64 {
        let Settings { nu, rho, activation, loss, regularizer, .. } = self.settings;
        let last = self.last();
        let mut total = omega(regularizer, &self.network.weights) + risk(loss, &self.z[last], self.y);
        for l in 0..last {
            let f = self.z[l].map(|z| activate(activation, z));
            let gap = self.a[l + 1].plus(-1.0, &f).squared();
            total += 0.5 * nu * (self.residual(l).squared() + gap);
        }
        let r = self.residual(last);
        total - self.u.dot(&r) + 0.5 * rho * r.squared()
    }
}
