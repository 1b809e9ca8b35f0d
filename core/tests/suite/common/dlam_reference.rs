//! DLAM's Algorithm 1 line by line on whole matrices: every residual made anew, every objective evaluated.

use altmin_core::Activation;
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;

use super::dense::Mat;
use super::subproblems::{activate, minimise_output, omega, residual, risk, step_parameters};
use super::teacher::{Data, Network, Settings};

/// Everything that Algorithm 1 moves; `a[0]` is the data, so that `a[l]` is the input of layer `l`, counted from 0.
pub(crate) struct Reference<'a> {
    pub(crate) settings: Settings<f64>,
    y: &'a Mat,
    pub(crate) network: Network,
    pub(crate) a: Vec<Mat>,
    pub(crate) z: Vec<Mat>,
    before: (Network, Vec<Mat>, Vec<Mat>),
    /// The momentum of the rows of each layer, of the samples of each z, and of each a.
    momentum: [Vec<Vec<f64>>; 3],
}

impl<'a> Reference<'a> {
    /// `z = W a + b`, `a = h(z)`.
    pub(crate) fn new(settings: Settings<f64>, data: &'a Data, network: &Network) -> Self {
        let (mut a, mut z) = (vec![data.x.clone()], Vec::new());
        for l in 0..network.layers() {
            let nothing = Mat::zeros(network.weights[l].rows, data.x.columns);
            z.push(residual(&network.weights[l], &network.biases[l], &a[l], &nothing));
            if l + 1 < network.layers() {
                a.push(z[l].map(|z| activate(settings.activation, z)));
            }
        }
        let before = (network.clone(), a.clone(), z.clone());
        let samples = vec![vec![1.0; data.x.columns]; network.layers()];
        let rows = network.weights.iter().map(|w| vec![1.0; w.rows]).collect();
        let momentum = [rows, samples.clone(), samples];
        Self { settings, y: &data.y, network: network.clone(), a, z, before, momentum }
    }

    pub(crate) fn last(&self) -> usize {
        self.network.layers() - 1
    }

    /// `W a + b - z` of layer `l`.
    pub(crate) fn residual(&self, l: usize) -> Mat {
        residual(&self.network.weights[l], &self.network.biases[l], &self.a[l], &self.z[l])
    }

    pub(crate) fn sweep(&mut self) {
        for l in 0..=self.last() {
            if self.settings.accelerate {
                self.extrapolate_linear(l);
                self.extrapolate_parameters(l);
            }
            self.step_parameters(l);
            if l == self.last() {
                self.step_output();
            } else {
                self.step_linear(l);
                if self.settings.accelerate {
                    self.extrapolate_activation(l);
                }
                self.step_activation(l);
            }
        }
    }

    /// Algorithm 2 and equation 3.
    fn step_parameters(&mut self, l: usize) {
        let Settings { rho, weight_step, regularizer, .. } = self.settings;
        if let StepRule::Backtracking { start, factor } = weight_step {
            assert_eq!(regularizer, Regularizer::None);
            let theta = self.backtracked_theta(l, start, factor);
            let gradient = self.residual(l).times(&self.a[l].transposed()).map(|g| rho * g);
            self.network.weights[l] = self.network.weights[l].plus(-1.0 / theta, &gradient);
            let r = self.residual(l);
            let mean = |i: usize| (0..r.columns).map(|j| r.at(i, j)).sum::<f64>() / r.columns as f64;
            let bias = &self.network.biases[l];
            self.network.biases[l] = Mat::from_fn(bias.rows, 1, |i, _| bias.at(i, 0) - mean(i));
            return;
        }
        let parameters = (&mut self.network.weights[l], &mut self.network.biases[l]);
        step_parameters(weight_step, false, rho, regularizer, parameters, &self.a[l], &self.z[l]);
    }

    /// The first theta of the sequence for which `phi(W - G/theta) <= P`, evaluated as it stands in Algorithm 2; what
    /// rounding can no longer tell apart is accepted.
    fn backtracked_theta(&self, l: usize, start: f64, factor: f64) -> f64 {
        let rho = self.settings.rho;
        let r = self.residual(l);
        let gradient = r.times(&self.a[l].transposed()).map(|g| rho * g);
        let image = gradient.times(&self.a[l]);
        let mut theta = start;
        while gradient.squared() > 0.0
            && rho * image.squared() > theta * gradient.squared()
            && theta < rho * self.a[l].squared()
        {
            theta *= factor;
        }
        theta.min(rho * self.a[l].squared())
    }

    /// Equation 4.
    fn step_linear(&mut self, l: usize) {
        let c = self.residual(l).plus(1.0, &self.z[l]);
        self.z[l] = self.clip_linear(l, &c);
    }

    fn clip_linear(&self, l: usize, c: &Mat) -> Mat {
        let Settings { activation, epsilon, .. } = self.settings;
        Mat::from_fn(c.rows, c.columns, |i, j| {
            let (a, z) = (self.a[l + 1].at(i, j), self.z[l].at(i, j));
            let (low, high) = preimage(activation, a, epsilon);
            c.at(i, j).clamp(low.min(z), high.max(z))
        })
    }

    /// Equation 5.
    fn step_output(&mut self) {
        let Settings { rho, loss, .. } = self.settings;
        let last = self.last();
        let c = self.residual(last).plus(1.0, &self.z[last]);
        let solve = |j: usize| minimise_output(loss, rho, c.column(j), self.y.column(j));
        let data = (0..c.columns).flat_map(solve).collect();
        self.z[last] = Mat { data, ..c };
    }

    fn clip_activation(&self, l: usize, target: &Mat) -> Mat {
        let Settings { activation, epsilon, .. } = self.settings;
        Mat::from_fn(target.rows, target.columns, |i, j| {
            let (h, a) = (activate(activation, self.z[l].at(i, j)), self.a[l + 1].at(i, j));
            target.at(i, j).clamp((h - epsilon).min(a), (h + epsilon).max(a))
        })
    }

    /// Equation 6 and Algorithm 3, with the clipped move in the test.
    fn step_activation(&mut self, l: usize) {
        let Settings { rho, activation, epsilon, input_step, .. } = self.settings;
        let weights = &self.network.weights[l + 1];
        let gradient = weights.transposed().times(&self.residual(l + 1)).map(|g| rho * g);
        let free = Mat::from_fn(gradient.rows, gradient.columns, |i, j| {
            let (g, a) = (gradient.at(i, j), self.a[l + 1].at(i, j));
            let h = activate(activation, self.z[l].at(i, j));
            // At an end, where the clipped z leaves it, but for rounding.
            let inner = epsilon - 1e-12;
            let held = (g > 0.0 && a <= h - inner) || (g < 0.0 && a >= h + inner);
            if held { 0.0 } else { g }
        });
        let image = weights.times(&free);
        let cap = rho * weights.squared();
        let m = gradient.columns;
        let squared = |matrix: &Mat, j: usize| matrix.column(j).iter().map(|x| x * x).sum::<f64>();
        let quotient = |top: f64, bottom: f64| if bottom > 0.0 { rho * top / bottom } else { cap };
        let mut tau: Vec<f64> = match input_step {
            StepRule::Vector => (0..m).map(|j| quotient(squared(&image, j), squared(&free, j))).collect(),
            StepRule::Scalar => vec![quotient(image.squared(), free.squared()); m],
            StepRule::Backtracking { start, .. } => vec![start.min(cap); m],
            StepRule::LeastSquares { .. } => panic!("an interval has no least-squares step"),
        };
        loop {
            let target =
                Mat::from_fn(gradient.rows, m, |i, j| self.a[l + 1].at(i, j) - free.at(i, j) / tau[j]);
            let moved = self.clip_activation(l, &target).plus(-1.0, &self.a[l + 1]);
            let image = weights.times(&moved);
            let is_legal =
                |tau: f64, image: f64, moved: f64| rho * image <= tau * moved * (1.0 + 1e-9) || tau >= cap;
            let mut failed = false;
            if input_step == StepRule::Vector {
                for (j, tau) in tau.iter_mut().enumerate() {
                    let (image, moved) = (squared(&image, j), squared(&moved, j));
                    if !is_legal(*tau, image, moved) {
                        *tau = (2.0 * *tau).max(rho * image / moved).min(cap);
                        failed = true;
                    }
                }
            } else if !is_legal(tau[0], image.squared(), moved.squared()) {
                let raised = match input_step {
                    StepRule::Backtracking { factor, .. } => factor * tau[0],
                    _ => (2.0 * tau[0]).max(rho * image.squared() / moved.squared()),
                };
                tau.fill(raised.min(cap));
                failed = true;
            }
            if !failed {
                self.a[l + 1] = self.a[l + 1].plus(1.0, &moved);
                return;
            }
        }
    }

    /// Every row of weights and bias goes on as it went where F does not rise.
    fn extrapolate_parameters(&mut self, l: usize) {
        let Network { weights, biases } = &self.network;
        let (w, b) = (weights[l].clone(), biases[l].clone());
        let (old_w, old_b) = (self.before.0.weights[l].clone(), self.before.0.biases[l].clone());
        for i in 0..w.rows {
            let start = self.objective();
            let (beta, next) = momentum(self.momentum[0][l][i]);
            for k in 0..w.columns {
                let x = w.at(i, k);
                self.network.weights[l].set(i, k, x + beta * (x - old_w.at(i, k)));
            }
            let x = b.at(i, 0);
            self.network.biases[l].set(i, 0, x + beta * (x - old_b.at(i, 0)));
            self.momentum[0][l][i] = next;
            if self.objective() > start {
                (0..w.columns).for_each(|k| self.network.weights[l].set(i, k, w.at(i, k)));
                self.network.biases[l].set(i, 0, x);
                self.momentum[0][l][i] = 1.0;
            }
        }
        (self.before.0.weights[l], self.before.0.biases[l]) = (w, b);
    }

    fn extrapolate_linear(&mut self, l: usize) {
        let z = self.z[l].clone();
        let on = extrapolated(&z, &self.before.2[l], &self.momentum[1][l]);
        let on = if l < self.last() { self.clip_linear(l, &on) } else { on };
        let r = self.residual(l);
        let new = r.plus(1.0, &z).plus(-1.0, &on);
        for j in 0..z.columns {
            let of = |z: &Mat| Mat { rows: z.rows, columns: 1, data: z.column(j).to_vec() };
            let risk = |z: &Mat| risk(self.settings.loss, &of(z), &of(self.y));
            let rise = if l == self.last() { risk(&on) - risk(&z) } else { 0.0 };
            let falls = rise + 0.5 * self.settings.rho * growth(new.column(j), r.column(j)) <= 0.0;
            go_on(falls, j, &mut self.momentum[1][l][j], &mut self.z[l], &on);
        }
        self.before.2[l] = z;
    }

    fn extrapolate_activation(&mut self, l: usize) {
        let a = self.a[l + 1].clone();
        let on = extrapolated(&a, &self.before.1[l + 1], &self.momentum[2][l]);
        let on = self.clip_activation(l, &on);
        let r = self.residual(l + 1);
        let new = r.plus(1.0, &self.network.weights[l + 1].times(&on.plus(-1.0, &a)));
        for j in 0..a.columns {
            let falls = growth(new.column(j), r.column(j)) <= 0.0;
            go_on(falls, j, &mut self.momentum[2][l][j], &mut self.a[l + 1], &on);
        }
        self.before.1[l + 1] = a;
    }

    /// F of Problem 2 without its indicator.
    pub(crate) fn objective(&self) -> f64 {
        let Settings { rho, loss, regularizer, .. } = self.settings;
        let linear: f64 = (0..=self.last()).map(|l| self.residual(l).squared()).sum();
        let risk = risk(loss, &self.z[self.last()], self.y);
        omega(regularizer, &self.network.weights) + risk + 0.5 * rho * linear
    }

    /// `max |h(z) - a|` over the hidden layers.
    pub(crate) fn widest(&self) -> f64 {
        let gap = |l: usize| {
            let h = self.z[l].map(|z| activate(self.settings.activation, z));
            h.plus(-1.0, &self.a[l + 1]).largest()
        };
        (0..self.last()).map(gap).fold(0.0, f64::max)
    }
}

fn momentum(t: f64) -> (f64, f64) {
    let next = (1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0;
    ((t - 1.0) / next, next)
}

/// `|new|^2 - |old|^2` without cancellation.
fn growth(new: &[f64], old: &[f64]) -> f64 {
    new.iter().zip(old).map(|(new, old)| (new - old) * (new + old)).sum()
}

/// Column `j` of `x` becomes that of `on` if F falls; t goes on, or begins again.
fn go_on(falls: bool, j: usize, t: &mut f64, x: &mut Mat, on: &Mat) {
    *t = if falls { momentum(*t).1 } else { 1.0 };
    if falls {
        (0..x.rows).for_each(|i| x.set(i, j, on.at(i, j)));
    }
}

/// `x + beta (x - before)`, sample by sample; what is left of an entry at rest is 0.
fn extrapolated(x: &Mat, before: &Mat, t: &[f64]) -> Mat {
    Mat::from_fn(x.rows, x.columns, |i, j| {
        let change = momentum(t[j]).0 * (x.at(i, j) - before.at(i, j));
        if change.abs() < 1e-15 { x.at(i, j) } else { x.at(i, j) + change }
    })
}

/// The ends of `{ z : |h(z) - a| <= epsilon }`; what is at the end of h's range, but for rounding, is infinite.
fn preimage(activation: Activation<f64>, a: f64, epsilon: f64) -> (f64, f64) {
    let (least, greatest, inverse): (f64, f64, &dyn Fn(f64) -> f64) = match activation {
        Activation::Sigmoid => (0.0, 1.0, &|value| value.ln() - (1.0 - value).ln()),
        Activation::Tanh => (-1.0, 1.0, &f64::atanh),
        Activation::Softplus => (0.0, f64::INFINITY, &|value| value + (-(-value).exp_m1()).ln()),
        Activation::LeakyRelu { slope } if slope > 0.0 => {
            (-f64::INFINITY, f64::INFINITY, &move |value| if value > 0.0 { value } else { value / slope })
        }
        _ => (0.0, f64::INFINITY, &|value| value),
    };
    let (low, high) = (a - epsilon, a + epsilon);
    (
        if low > least + 1e-14 { inverse(low) } else { -f64::INFINITY },
        if high < greatest - 1e-14 { inverse(high) } else { f64::INFINITY },
    )
}
