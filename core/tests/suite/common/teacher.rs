//! Small training problems whose labels come from a teacher network.

use altmin_core::method::Problem;
use altmin_core::method::dlam::Repair;
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::view::dense;
use altmin_core::{Activation, Loss, OutputSolver, Target};

use super::dense::{Mat, distance};
pub(crate) use super::rig::Settings;

pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// In 0 .. 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of mean 0 and variance 1, nearly normal.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize, scale: f64) -> Mat {
        Mat::from_fn(rows, columns, |_, _| scale * self.normal())
    }
}

/// Weights and biases, first layer to last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    pub(crate) weights: Vec<Mat>,
    pub(crate) biases: Vec<Mat>,
}

impl Network {
    /// He's initial weights and small biases.
    pub(crate) fn new(widths: &[usize], seed: u64) -> Self {
        let mut random = Random(seed);
        let scale = |n_in: usize| (2.0 / n_in as f64).sqrt();
        let weights = widths.windows(2).map(|w| random.matrix(w[1], w[0], scale(w[0]))).collect();
        let biases = widths[1..].iter().map(|&n| random.matrix(n, 1, 0.1)).collect();
        Self { weights, biases }
    }

    pub(crate) fn layers(&self) -> usize {
        self.weights.len()
    }

    fn forward(&self, x: &Mat) -> Mat {
        let mut signal = x.clone();
        for (l, (weights, bias)) in self.weights.iter().zip(&self.biases).enumerate() {
            let linear = weights.times(&signal);
            signal = Mat::from_fn(linear.rows, linear.columns, |i, j| {
                let z = linear.at(i, j) + bias.at(i, 0);
                if l + 1 < self.layers() { z.max(0.0) } else { z }
            });
        }
        signal
    }
}

/// Samples with their classes, also written out as unit vectors.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    pub(crate) x: Mat,
    pub(crate) classes: Vec<u32>,
    pub(crate) y: Mat,
}

impl Data {
    /// `samples` columns of `features` features around a mean that is not 0; a teacher tells the class.
    pub(crate) fn new(features: usize, classes: usize, samples: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let x = random.matrix(features, samples, 1.0).map(|x| x + 0.5);
        let answers = Network::new(&[features, 16, classes], seed + 1).forward(&x);
        let class = |j: usize| {
            let column = answers.column(j);
            (0..classes).max_by(|&a, &b| column[a].total_cmp(&column[b])).unwrap()
        };
        let labels: Vec<u32> = (0..samples).map(|j| class(j) as u32).collect();
        let y = Mat::from_fn(classes, samples, |i, j| f64::from(u8::from(labels[j] as usize == i)));
        Self { x, classes: labels, y }
    }

    pub(crate) fn problem(&self) -> Problem<'_, f64> {
        let x = dense(&self.x.data, self.x.rows, self.x.columns);
        Problem { x, target: Target::Classes(&self.classes) }
    }
}

/// Settings with the same rule for weights and inputs.
pub(crate) fn settings(nu: f64, rho: f64, rule: StepRule<f64>) -> Settings<f64> {
    Settings {
        nu,
        rho,
        weight_step: rule,
        input_step: rule,
        activation: Activation::Relu,
        loss: Loss::CrossEntropy,
        solver: OutputSolver::Newton,
        regularizer: Regularizer::None,
        epsilon: 1.0,
        repair: Repair::Activations,
        accelerate: false,
    }
}

pub(crate) const BACKTRACKING: StepRule<f64> = StepRule::Backtracking { start: 0.01, factor: 2.0 };
pub(crate) const LEAST_SQUARES: StepRule<f64> = StepRule::LeastSquares { damping: 0.1 };
pub(crate) const LEAKY: Activation<f64> = Activation::LeakyRelu { slope: 0.2 };
pub(crate) const LOSSES: [Loss; 3] = [Loss::CrossEntropy, Loss::LeastSquares, Loss::Huber { delta: 0.5 }];

/// Every regulariser that `rule` can serve, every activation and every loss.
pub(crate) fn variations(nu: f64, rho: f64, rule: StepRule<f64>) -> Vec<Settings<f64>> {
    let mut all = Vec::new();
    for regularizer in [Regularizer::None, Regularizer::L1(0.5), Regularizer::L2(0.5)] {
        if matches!((rule, regularizer), (StepRule::LeastSquares { .. }, Regularizer::L1(_))) {
            continue;
        }
        for activation in
            [Activation::Relu, LEAKY, Activation::Sigmoid, Activation::Tanh, Activation::Softplus]
        {
            for loss in LOSSES {
                all.push(Settings { regularizer, activation, loss, ..settings(nu, rho, rule) });
            }
        }
    }
    all
}

/// A problem and a network on which a reference can be followed: every activation and both losses have work, and the
/// samples make several tiles.
pub(crate) fn small() -> (Data, Network) {
    (Data::new(6, 4, 170, 1), Network::new(&[6, 9, 7, 4], 2))
}

/// The largest difference between two networks' weights and biases.
pub(crate) fn farthest(a: &Network, b: &Network) -> f64 {
    let pairs = a.weights.iter().zip(&b.weights).chain(a.biases.iter().zip(&b.biases));
    pairs.map(|(a, b)| distance(a, b)).fold(0.0, f64::max)
}
