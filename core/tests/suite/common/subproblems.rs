//! The papers' subproblems solved on whole matrices, by other means than the code under test: no sums over samples, no
//! carried residual, elimination instead of Cholesky.

use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Loss};

use super::dense::{Mat, solve};

pub(crate) fn activate(activation: Activation<f64>, z: f64) -> f64 {
    match activation {
        Activation::Relu if z < 0.0 => 0.0,
        Activation::LeakyRelu { slope } if z < 0.0 => slope * z,
        Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        Activation::Tanh => z.tanh(),
        Activation::Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p(),
        _ => z,
    }
}

/// `W p + b - z`.
pub(crate) fn residual(weights: &Mat, bias: &Mat, p: &Mat, z: &Mat) -> Mat {
    let product = weights.times(p);
    Mat::from_fn(z.rows, z.columns, |i, j| product.at(i, j) + bias.at(i, 0) - z.at(i, j))
}

/// The change of an input: `g = w W'r + coupling` is the gradient, `w W'W + c I` the Hessian.
pub(crate) fn input_step(rule: StepRule<f64>, w: f64, c: f64, weights: &Mat, coupling: &Mat, r: &Mat) -> Mat {
    let gradient = coupling.plus(w, &weights.transposed().times(r));
    if let StepRule::LeastSquares { .. } = rule {
        let square = weights.transposed().times(weights);
        let n = square.rows;
        let hessian = Mat::from_fn(n, n, |i, j| w * square.at(i, j) + c * f64::from(u8::from(i == j)));
        return solve(&hessian, &gradient).map(|d| -d);
    }
    let product = weights.times(&gradient);
    let column = |m: &Mat, j: usize| m.column(j).iter().map(|x| x * x).sum::<f64>();
    // The exact line search along the gradient, of each column or of all.
    let length = |g: f64, h: f64| if g == 0.0 { 0.0 } else { g / (c * g + w * h) };
    let common = length(gradient.squared(), product.squared());
    let lengths: Vec<f64> = (0..gradient.columns)
        .map(|j| {
            if rule == StepRule::Vector { length(column(&gradient, j), column(&product, j)) } else { common }
        })
        .collect();
    Mat::from_fn(gradient.rows, gradient.columns, |i, j| -lengths[j] * gradient.at(i, j))
}

/// Moves weights and bias by one step each, `bias_first` or not; a least-squares step moves both at once.
pub(crate) fn step_parameters(
    rule: StepRule<f64>,
    bias_first: bool,
    w: f64,
    regularizer: Regularizer<f64>,
    (weights, bias): (&mut Mat, &mut Mat),
    p: &Mat,
    z: &Mat,
) {
    let ridge = match regularizer {
        Regularizer::None => 0.0,
        Regularizer::L2(lambda) => lambda,
        Regularizer::L1(_) => panic!("no reference for l1"),
    };
    if let StepRule::LeastSquares { damping } = rule {
        return joint_step(damping, ridge / w, weights, bias, p, z);
    }
    assert_eq!(ridge, 0.0, "no reference for majorised steps with a regulariser");
    if bias_first {
        step_bias(weights, bias, p, z);
    }
    let gradient = residual(weights, bias, p, z).times(&p.transposed()).map(|g| w * g);
    let product = gradient.times(p);
    let row = |m: &Mat, i: usize| (0..m.columns).map(|j| m.at(i, j) * m.at(i, j)).sum::<f64>();
    let length = |g: f64, h: f64| if g == 0.0 { 0.0 } else { g / (w * h) };
    let common = length(gradient.squared(), product.squared());
    let lengths: Vec<f64> = (0..gradient.rows)
        .map(|i| if rule == StepRule::Vector { length(row(&gradient, i), row(&product, i)) } else { common })
        .collect();
    *weights =
        Mat::from_fn(weights.rows, weights.columns, |i, j| weights.at(i, j) - lengths[i] * gradient.at(i, j));
    if !bias_first {
        step_bias(weights, bias, p, z);
    }
}

fn step_bias(weights: &Mat, bias: &mut Mat, p: &Mat, z: &Mat) {
    let r = residual(weights, bias, p, z);
    let mean = |i: usize| (0..r.columns).map(|j| r.at(i, j)).sum::<f64>() / r.columns as f64;
    *bias = Mat::from_fn(bias.rows, 1, |i, _| bias.at(i, 0) - mean(i));
}

/// The normal equations of (W, b) together: the input with a row of ones, damped in W alone.
fn joint_step(damping: f64, ridge: f64, weights: &mut Mat, bias: &mut Mat, p: &Mat, z: &Mat) {
    let (n, m) = (p.rows, p.columns);
    let mean = |i: usize| (0..m).map(|j| p.at(i, j)).sum::<f64>() / m as f64;
    let means: Vec<f64> = (0..n).map(mean).collect();
    let spread = Mat::from_fn(n, m, |i, j| p.at(i, j) - means[i]).squared();
    let r = residual(weights, bias, p, z);
    if spread <= 1e-24 * p.squared() {
        return step_bias(weights, bias, p, z);
    }
    let damping = damping * spread / n as f64;
    let with_ones = Mat::from_fn(n + 1, m, |i, j| if i < n { p.at(i, j) } else { 1.0 });
    let square = with_ones.times(&with_ones.transposed());
    let matrix = Mat::from_fn(n + 1, n + 1, |i, j| {
        square.at(i, j) + if i == j && i < n { damping + ridge } else { 0.0 }
    });
    let cross = with_ones.times(&r.transposed());
    let target = Mat::from_fn(n + 1, r.rows, |k, i| {
        -cross.at(k, i) - if k < n { ridge * weights.at(i, k) } else { 0.0 }
    });
    let change = solve(&matrix, &target);
    *weights = Mat::from_fn(weights.rows, n, |i, j| weights.at(i, j) + change.at(j, i));
    *bias = Mat::from_fn(bias.rows, 1, |i, _| bias.at(i, 0) + change.at(n, i));
}

/// The global minimiser of `(z - c)^2 + (t - f(z))^2`, plus `(z - old)^2` if there is an old value.
pub(crate) fn minimise_hidden(activation: Activation<f64>, t: f64, c: f64, old: Option<f64>) -> f64 {
    let (pull, weight) = old.map_or((c, 1.0), |old| (c + old, 2.0));
    let slope = match activation {
        Activation::Relu => 0.0,
        Activation::LeakyRelu { slope } => slope,
        Activation::Sigmoid | Activation::Tanh | Activation::Softplus => {
            return minimise_smooth(activation, t, pull / weight, weight);
        }
    };
    let negative = ((pull + slope * t) / (weight + slope * slope)).min(0.0);
    let positive = ((pull + t) / (weight + 1.0)).max(0.0);
    let value = |z: f64| {
        let gap = t - activate(activation, z);
        (z - c) * (z - c) + gap * gap + old.map_or(0.0, |old| (z - old) * (z - old))
    };
    if value(positive) < value(negative) { positive } else { negative }
}

/// The global minimiser of `weight (z - c)^2 + (t - f(z))^2`: the best of a scan, where the derivative is then halved.
fn minimise_smooth(activation: Activation<f64>, t: f64, c: f64, weight: f64) -> f64 {
    const POINTS: i32 = 24;
    let value = |z: f64| weight * (z - c).powi(2) + (t - activate(activation, z)).powi(2);
    let rises = |z: f64| weight * (z - c) > (t - activate(activation, z)) * slope(activation, z);
    // |f'| is at most 1, and so is |f|; softplus, where it pulls, is at most that of c.
    let reach = (t.abs() + 1.0 + c.abs()) / weight;
    let at = |i: i32| c + reach * f64::from(i) / f64::from(POINTS);
    let best = (-POINTS..=POINTS).min_by(|&i, &j| value(at(i)).total_cmp(&value(at(j)))).unwrap();
    let (mut low, mut high) = (at(best - 1), at(best + 1));
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if rises(middle) { high = middle } else { low = middle }
    }
    0.5 * (low + high)
}

/// f' of smooth activations.
fn slope(activation: Activation<f64>, z: f64) -> f64 {
    if activation == Activation::Tanh {
        return z.cosh().powi(-2);
    }
    if activation == Activation::Softplus {
        return 1.0 / (1.0 + (-z).exp());
    }
    0.25 * (0.5 * z).cosh().powi(-2)
}

/// `argmin R(z; y) + (mu/2)|z - c|^2` of one sample: Newton's method with elimination, halved until it falls.
pub(crate) fn minimise_output(loss: Loss, mu: f64, c: &[f64], y: &[f64]) -> Vec<f64> {
    if loss == Loss::LeastSquares {
        return c.iter().zip(y).map(|(c, y)| (y + mu * c) / (1.0 + mu)).collect();
    }
    if let Loss::Huber { delta } = loss {
        // Beyond delta the slope is constant: of the three pieces the one on which its minimiser lies.
        let piece = |(c, y): (&f64, &f64)| match (c - y) * mu / (1.0 + mu) {
            d if d > delta => c - delta / mu,
            d if d < -delta => c + delta / mu,
            d => y + d,
        };
        return c.iter().zip(y).map(piece).collect();
    }
    let n = c.len();
    let value = |z: &[f64]| {
        let pull: f64 = z.iter().zip(c).map(|(z, c)| (z - c) * (z - c)).sum();
        column_risk(loss, z, y) + 0.5 * mu * pull
    };
    let mut z = c.to_vec();
    for _ in 0..100 {
        let share = softmax(&z);
        let gradient = Mat::from_fn(n, 1, |i, _| share[i] - y[i] + mu * (z[i] - c[i]));
        if gradient.largest() < 1e-16 {
            break;
        }
        let hessian = Mat::from_fn(n, n, |i, j| {
            let diagonal = if i == j { share[i] + mu } else { 0.0 };
            diagonal - share[i] * share[j]
        });
        let step = solve(&hessian, &gradient);
        let mut length = 1.0;
        let next = loop {
            let next: Vec<f64> = z.iter().zip(&step.data).map(|(z, d)| z - length * d).collect();
            if value(&next) <= value(&z) || length < 1e-3 {
                break next;
            }
            length *= 0.5;
        };
        z = next;
    }
    z
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = z.iter().map(|z| (z - largest).exp()).sum();
    z.iter().map(|z| (z - largest).exp() / total).collect()
}

fn column_risk(loss: Loss, z: &[f64], y: &[f64]) -> f64 {
    match loss {
        Loss::CrossEntropy => {
            let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = z.iter().map(|z| (z - largest).exp()).sum();
            total.ln() + z.iter().zip(y).map(|(z, y)| y * (largest - z)).sum::<f64>()
        }
        Loss::LeastSquares => z.iter().zip(y).map(|(z, y)| 0.5 * (z - y) * (z - y)).sum(),
        Loss::Huber { delta } => {
            let rho =
                |d: f64| if d.abs() <= delta { d * d / 2.0 } else { delta * d.abs() - delta * delta / 2.0 };
            z.iter().zip(y).map(|(z, y)| rho(z - y)).sum()
        }
    }
}

/// `R(z; y)`, summed over samples.
pub(crate) fn risk(loss: Loss, z: &Mat, y: &Mat) -> f64 {
    (0..z.columns).map(|j| column_risk(loss, z.column(j), y.column(j))).sum()
}

/// `grad R(z; y)`.
pub(crate) fn risk_gradient(loss: Loss, z: &Mat, y: &Mat) -> Mat {
    let fitted = |j: usize| match loss {
        Loss::CrossEntropy => softmax(z.column(j)),
        Loss::LeastSquares => z.column(j).to_vec(),
        Loss::Huber { delta } => {
            z.column(j).iter().zip(y.column(j)).map(|(z, y)| z.clamp(y - delta, y + delta)).collect()
        }
    };
    let all: Vec<Vec<f64>> = (0..z.columns).map(fitted).collect();
    Mat::from_fn(z.rows, z.columns, |i, j| all[j][i] - y.at(i, j))
}

/// Omega of every layer's weights.
pub(crate) fn omega(regularizer: Regularizer<f64>, weights: &[Mat]) -> f64 {
    let of = |weights: &Mat| match regularizer {
        Regularizer::None => 0.0,
        Regularizer::L1(lambda) => lambda * weights.data.iter().map(|w| w.abs()).sum::<f64>(),
        Regularizer::L2(lambda) => 0.5 * lambda * weights.squared(),
    };
    weights.iter().map(of).sum()
}
