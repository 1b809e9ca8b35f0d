//! Taylor's Algorithm 1 on whole matrices: every block as the minimiser that the paper writes down, from normal equations made
//! anew, with no step, no residual and no shift that is carried; the dual explicit.

use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;

use super::dense::{Mat, solve};
use super::subproblems::{activate, minimise_hidden, minimise_output, omega, risk, risk_gradient};
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
            z.push(linear(network, l, &a[l]));
            if l + 1 < network.layers() {
                a.push(z[l].map(|z| activate(settings.activation, z)));
            }
        }
        let u = risk_gradient(settings.loss, z.last().unwrap(), &data.y).map(|g| -g);
        Self { settings, y: &data.y, network: network.clone(), a, z, u }
    }

    fn last(&self) -> usize {
        self.network.layers() - 1
    }

    pub(crate) fn sweep(&mut self) {
        let Settings { rho, loss, activation, .. } = self.settings;
        let last = self.last();
        for l in 0..last {
            // a needs the layer above and z alone, W neither: the paper's order is W, a, z.
            self.fit_weights(l);
            self.fit_activation(l);
            let c = linear(&self.network, l, &self.a[l]);
            let a = &self.a[l + 1];
            self.z[l] = Mat::from_fn(c.rows, c.columns, |i, j| {
                minimise_hidden(activation, a.at(i, j), c.at(i, j), None)
            });
        }
        self.fit_weights(last);
        let c = linear(&self.network, last, &self.a[last]);
        let centre = c.plus(-1.0 / rho, &self.u);
        let fitted = |j: usize| minimise_output(loss, rho, centre.column(j), self.y.column(j));
        self.z[last] = Mat { data: (0..c.columns).flat_map(fitted).collect(), ..centre };
        self.u = self.u.plus(rho, &self.z[last].plus(-1.0, &c));
    }

    /// What layer `l` should say: z, and with the dual in the last `z + u/rho`.
    pub(crate) fn wanted(&self, l: usize) -> Mat {
        if l == self.last() { self.z[l].plus(1.0 / self.settings.rho, &self.u) } else { self.z[l].clone() }
    }

    /// `w` of layer `l`.
    pub(crate) fn weight(&self, l: usize) -> f64 {
        if l == self.last() { self.settings.rho } else { self.settings.nu }
    }

    /// `[W b]` from `[W b] (A A' + E) = T A' + E_0 [W_old 0]`, A the input with a row of ones, T what the layer should say;
    /// `E` holds damping and ridge but for the ones, `E_0` the damping.
    fn fit_weights(&mut self, l: usize) {
        let StepRule::LeastSquares { damping } = self.settings.weight_step else {
            panic!("least squares alone")
        };
        let (a, wanted) = (&self.a[l], self.wanted(l));
        let ridge = match self.settings.regularizer {
            Regularizer::None => 0.0,
            Regularizer::L2(lambda) => lambda / self.weight(l),
            Regularizer::L1(_) => panic!("l1 has no closed form"),
        };
        let (old, n) = (&self.network.weights[l], a.rows);
        let spread = spread(a);
        if spread <= 1e-24 * a.squared() {
            // Nothing to fit the weights to: the bias alone.
            let gap = wanted.plus(-1.0, &linear(&self.network, l, a));
            let mean = |i: usize| (0..gap.columns).map(|j| gap.at(i, j)).sum::<f64>() / gap.columns as f64;
            let bias = &self.network.biases[l];
            self.network.biases[l] = Mat::from_fn(bias.rows, 1, |i, _| bias.at(i, 0) + mean(i));
            return;
        }
        let delta = damping * spread / n as f64;
        let ones = Mat::from_fn(n + 1, a.columns, |i, j| if i < n { a.at(i, j) } else { 1.0 });
        let square = ones.times(&ones.transposed());
        let matrix = Mat::from_fn(n + 1, n + 1, |i, j| {
            square.at(i, j) + if i == j && i < n { delta + ridge } else { 0.0 }
        });
        let cross = ones.times(&wanted.transposed());
        let right = Mat::from_fn(n + 1, old.rows, |k, i| {
            cross.at(k, i) + if k < n { delta * old.at(i, k) } else { 0.0 }
        });
        let fitted = solve(&matrix, &right);
        self.network.weights[l] = Mat::from_fn(old.rows, n, |i, j| fitted.at(j, i));
        self.network.biases[l] = Mat::from_fn(right.columns, 1, |i, _| fitted.at(n, i));
    }

    /// `(w W'W + nu I) a = w W'(t - b) + nu f(z)`, with the layer above.
    fn fit_activation(&mut self, l: usize) {
        let Settings { nu, activation, .. } = self.settings;
        let (w, wanted) = (self.weight(l + 1), self.wanted(l + 1));
        let (weights, bias) = (&self.network.weights[l + 1], &self.network.biases[l + 1]);
        let turned = weights.transposed();
        let square = turned.times(weights);
        let n = square.rows;
        let matrix = Mat::from_fn(n, n, |i, j| w * square.at(i, j) + if i == j { nu } else { 0.0 });
        let above = Mat::from_fn(wanted.rows, wanted.columns, |i, j| w * (wanted.at(i, j) - bias.at(i, 0)));
        let right = turned.times(&above).plus(nu, &self.z[l].map(|z| activate(activation, z)));
        self.a[l + 1] = solve(&matrix, &right);
    }

    /// `z_L - W_L a_{L-1} - b_L`.
    pub(crate) fn gap(&self) -> Mat {
        let last = self.last();
        self.z[last].plus(-1.0, &linear(&self.network, last, &self.a[last]))
    }

    pub(crate) fn lagrangian(&self) -> f64 {
        let Settings { nu, rho, activation, loss, regularizer, .. } = self.settings;
        let last = self.last();
        let mut total = omega(regularizer, &self.network.weights) + risk(loss, &self.z[last], self.y);
        for l in 0..last {
            let gap = self.z[l].plus(-1.0, &linear(&self.network, l, &self.a[l]));
            let apart = self.a[l + 1].plus(-1.0, &self.z[l].map(|z| activate(activation, z)));
            total += 0.5 * nu * (gap.squared() + apart.squared());
        }
        let gap = self.gap();
        total + self.u.dot(&gap) + 0.5 * rho * gap.squared()
    }
}

/// `W a + b` of layer `l`.
pub(crate) fn linear(network: &Network, l: usize, a: &Mat) -> Mat {
    let (product, bias) = (network.weights[l].times(a), &network.biases[l]);
    Mat::from_fn(product.rows, product.columns, |i, j| product.at(i, j) + bias.at(i, 0))
}

/// The sum of the squared distances from the mean sample.
pub(crate) fn spread(a: &Mat) -> f64 {
    let mean = |i: usize| (0..a.columns).map(|j| a.at(i, j)).sum::<f64>() / a.columns as f64;
    let means: Vec<f64> = (0..a.rows).map(mean).collect();
    Mat::from_fn(a.rows, a.columns, |i, j| a.at(i, j) - means[i]).squared()
}
