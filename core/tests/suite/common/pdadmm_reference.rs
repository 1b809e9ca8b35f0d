//! pdADMM's Algorithm 1 line by line on whole matrices, with the dual stored and moved by equation 7.

use super::dense::Mat;
use super::subproblems::{
    activate, input_step, minimise_hidden, minimise_output, omega, residual, risk, step_parameters,
};
use super::teacher::{Data, Network, Settings};

/// Everything that Algorithm 1 moves; `p[0]` is the data, `q` and `u` belong to the hidden layers.
pub(crate) struct Reference<'a> {
    settings: Settings<f64>,
    y: &'a Mat,
    pub(crate) network: Network,
    pub(crate) p: Vec<Mat>,
    pub(crate) z: Vec<Mat>,
    pub(crate) q: Vec<Mat>,
    pub(crate) u: Vec<Mat>,
}

impl<'a> Reference<'a> {
    /// The feasible start: `z = W p + b`, `p = q = f(z)`, `u = 0`.
    pub(crate) fn new(settings: Settings<f64>, data: &'a Data, network: &Network) -> Self {
        let (mut p, mut z, mut q) = (vec![data.x.clone()], Vec::new(), Vec::new());
        for l in 0..network.layers() {
            let nothing = Mat::zeros(network.weights[l].rows, data.x.columns);
            z.push(residual(&network.weights[l], &network.biases[l], &p[l], &nothing));
            if l + 1 < network.layers() {
                q.push(z[l].map(|z| activate(settings.activation, z)));
                p.push(q[l].clone());
            }
        }
        let u = q.iter().map(|q| Mat::zeros(q.rows, q.columns)).collect();
        Self { settings, y: &data.y, network: network.clone(), p, z, q, u }
    }

    pub(crate) fn sweep(&mut self) {
        self.step_inputs();
        self.step_parameters();
        self.step_linear();
        self.step_copies();
        self.step_duals();
    }

    /// Other weights: u stays, and q is what Lemma 4 makes of it.
    pub(crate) fn set_penalties(&mut self, nu: f64, rho: f64) {
        for (l, q) in self.q.iter_mut().enumerate() {
            let f = self.z[l].map(|z| activate(self.settings.activation, z));
            *q = f.plus(1.0 / nu, &self.u[l]);
        }
        self.settings = Settings { nu, rho, ..self.settings };
    }

    /// `W p + b - z` of layer `l`.
    pub(crate) fn residual(&self, l: usize) -> Mat {
        residual(&self.network.weights[l], &self.network.biases[l], &self.p[l], &self.z[l])
    }

    /// Equation 1.
    fn step_inputs(&mut self) {
        let Settings { nu, rho, input_step: rule, .. } = self.settings;
        for l in 1..self.network.layers() {
            let coupling = self.u[l - 1].plus(rho, &self.p[l].plus(-1.0, &self.q[l - 1]));
            let r = self.residual(l);
            let step = input_step(rule, nu, rho, &self.network.weights[l], &coupling, &r);
            self.p[l] = self.p[l].plus(1.0, &step);
        }
    }

    /// Equations 2 and 3.
    fn step_parameters(&mut self) {
        let Settings { nu, weight_step, regularizer, .. } = self.settings;
        let Network { weights, biases } = &mut self.network;
        for (l, parameters) in weights.iter_mut().zip(biases).enumerate() {
            step_parameters(weight_step, false, nu, regularizer, parameters, &self.p[l], &self.z[l]);
        }
    }

    /// Equations 4 and 5.
    fn step_linear(&mut self) {
        let Settings { nu, activation, loss, .. } = self.settings;
        for l in 0..self.network.layers() {
            let c = self.residual(l).plus(1.0, &self.z[l]);
            let new = match self.q.get(l) {
                Some(q) => Mat::from_fn(c.rows, c.columns, |i, j| {
                    minimise_hidden(activation, q.at(i, j), c.at(i, j), Some(self.z[l].at(i, j)))
                }),
                None => {
                    let solve = |j: usize| minimise_output(loss, nu, c.column(j), self.y.column(j));
                    let data = (0..c.columns).flat_map(solve).collect();
                    Mat { data, ..c }
                }
            };
            self.z[l] = new;
        }
    }

    /// Equation 6.
    fn step_copies(&mut self) {
        let Settings { nu, rho, activation, .. } = self.settings;
        for l in 0..self.q.len() {
            self.q[l] = Mat::from_fn(self.q[l].rows, self.q[l].columns, |i, j| {
                let f = activate(activation, self.z[l].at(i, j));
                (rho * self.p[l + 1].at(i, j) + self.u[l].at(i, j) + nu * f) / (rho + nu)
            });
        }
    }

    /// Equation 7.
    fn step_duals(&mut self) {
        for l in 0..self.u.len() {
            let gap = self.p[l + 1].plus(-1.0, &self.q[l]);
            self.u[l] = self.u[l].plus(self.settings.rho, &gap);
        }
    }

    /// The Lagrangian before Algorithm 1, plus Omega.
    pub(crate) fn lagrangian(&self) -> f64 {
        let Settings { nu, rho, activation, loss, regularizer, .. } = self.settings;
        let mut total =
            omega(regularizer, &self.network.weights) + risk(loss, self.z.last().unwrap(), self.y);
        for l in 0..self.network.layers() {
            total += 0.5 * nu * self.residual(l).squared();
        }
        for (l, q) in self.q.iter().enumerate() {
            let f = self.z[l].map(|z| activate(activation, z));
            let gap = self.p[l + 1].plus(-1.0, q);
            total += 0.5 * nu * q.plus(-1.0, &f).squared() + self.u[l].dot(&gap) + 0.5 * rho * gap.squared();
        }
        total
    }
}
