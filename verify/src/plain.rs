//! Activation, risk and regulariser by their definitions.

use altmin_core::update::StepRule;
use altmin_core::{Activation, Loss, Regularizer};

use super::matrix::{Mat, Sum};

/// `f(z)`.
pub(super) fn activate(activation: Activation<f64>, z: f64) -> f64 {
    match activation {
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu { slope } => z.max(0.0) + slope * z.min(0.0),
        Activation::Sigmoid if z < 0.0 => libm::exp(z) / (1.0 + libm::exp(z)),
        Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-z)),
        Activation::Tanh => libm::tanh(z),
        Activation::Softplus if z > 0.0 => z + libm::log1p(libm::exp(-z)),
        Activation::Softplus => libm::log1p(libm::exp(z)),
    }
}

/// The ends of the subdifferential of `f` at `z` (Clarke's: all slopes between those of both sides).
pub(super) fn slopes(activation: Activation<f64>, z: f64) -> (f64, f64) {
    let left = match activation {
        Activation::LeakyRelu { slope } => slope,
        _ => 0.0,
    };
    match activation {
        Activation::Relu | Activation::LeakyRelu { .. } if z > 0.0 => (1.0, 1.0),
        Activation::Relu | Activation::LeakyRelu { .. } if z < 0.0 => (left, left),
        Activation::Relu | Activation::LeakyRelu { .. } => (left.min(1.0), left.max(1.0)),
        Activation::Sigmoid => {
            let slope = activate(activation, z) * activate(activation, -z);
            (slope, slope)
        }
        Activation::Tanh => {
            let cosh = libm::cosh(z);
            (1.0 / (cosh * cosh), 1.0 / (cosh * cosh))
        }
        Activation::Softplus => {
            let slope = activate(Activation::Sigmoid, z);
            (slope, slope)
        }
    }
}

/// The derivative of f at z, the one from the left at a kink.
pub(super) fn slope_from_left(activation: Activation<f64>, z: f64) -> f64 {
    match activation {
        Activation::LeakyRelu { slope } if z == 0.0 => slope,
        _ => slopes(activation, z).0,
    }
}

/// The largest slope of f.
pub(super) fn steepest(activation: Activation<f64>) -> f64 {
    match activation {
        Activation::Relu | Activation::Tanh | Activation::Softplus => 1.0,
        Activation::LeakyRelu { slope } => slope.abs().max(1.0),
        Activation::Sigmoid => 0.25,
    }
}

/// The number nearest to 0 among `offset - weight d` for all slopes `d` between `low` and `high`.
pub(super) fn nearest_to_zero(offset: f64, weight: f64, (low, high): (f64, f64)) -> f64 {
    let (at_low, at_high) = (offset - weight * low, offset - weight * high);
    if at_low * at_high <= 0.0 {
        0.0
    } else if at_low.abs() < at_high.abs() {
        at_low
    } else {
        at_high
    }
}

/// Adds `R(z; y)` to `sum`; `y` is n x M.
pub(super) fn add_risk(loss: Loss, z: &Mat, y: &Mat, sum: &mut Sum) {
    for j in 0..z.columns {
        let (z, y) = (z.column(j), y.column(j));
        match loss {
            Loss::LeastSquares => {
                for (z, y) in z.iter().zip(y) {
                    sum.add(0.5 * (z - y) * (z - y), (z - y).abs() * (z.abs() + y.abs()));
                }
            }
            Loss::Huber { delta } => {
                for (z, y) in z.iter().zip(y) {
                    let d = (z - y).abs();
                    let inside = d.min(delta);
                    sum.add(0.5 * inside * inside + delta * (d - inside), inside * (z.abs() + y.abs()));
                }
            }
            Loss::CrossEntropy => {
                let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = z.iter().map(|z| libm::exp(z - largest)).sum();
                let size = z.iter().fold(0.0, |size: f64, z| size.max(z.abs()));
                sum.add(largest + libm::log(total), size + libm::log(z.len() as f64));
                for (z, y) in z.iter().zip(y) {
                    sum.add(-z * y, (z * y).abs());
                }
            }
        }
    }
}

/// The gradient of R: `softmax(z) - y`, or `z - y`, clipped by Huber's loss.
pub(super) fn risk_gradient(loss: Loss, z: &Mat, y: &Mat) -> Mat {
    match loss {
        Loss::LeastSquares => z.minus(y),
        Loss::Huber { delta } => {
            let mut gradient = z.minus(y);
            gradient.data.iter_mut().for_each(|d| *d = d.clamp(-delta, delta));
            gradient
        }
        Loss::CrossEntropy => {
            let mut gradient = Mat::zeros(z.rows, z.columns);
            for j in 0..z.columns {
                let largest = z.column(j).iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = z.column(j).iter().map(|z| libm::exp(z - largest)).sum();
                for i in 0..z.rows {
                    gradient.data[j * z.rows + i] = libm::exp(z.at(i, j) - largest) / total - y.at(i, j);
                }
            }
            gradient
        }
    }
}

/// H, the largest curvature of R.
pub(super) fn risk_curvature(loss: Loss) -> f64 {
    match loss {
        // The largest eigenvalue that `diag(s) - s s'` can have.
        Loss::CrossEntropy => 0.5,
        Loss::LeastSquares | Loss::Huber { .. } => 1.0,
    }
}

/// The largest `|gradient|^2` of a sample's risk of so many outputs, if there is one.
pub(super) fn risk_slope_squared(loss: Loss, outputs: usize) -> Option<f64> {
    match loss {
        // `softmax(z) - y` is no longer than sqrt(2).
        Loss::CrossEntropy => Some(2.0),
        Loss::LeastSquares => None,
        Loss::Huber { delta } => Some(outputs as f64 * delta * delta),
    }
}

/// Adds `Omega(W)` to `sum`.
pub(super) fn add_regularizer(regularizer: Regularizer<f64>, weights: &Mat, sum: &mut Sum) {
    for &w in &weights.data {
        let term = match regularizer {
            Regularizer::None => return,
            Regularizer::L1(lambda) => lambda * w.abs(),
            Regularizer::L2(lambda) => 0.5 * lambda * w * w,
        };
        sum.add(term, term);
    }
}

/// The number nearest to 0 in `g + dOmega(w)`, the subdifferential of `g w + Omega(w)`.
pub(super) fn nearest_subgradient(regularizer: Regularizer<f64>, g: f64, w: f64) -> f64 {
    match regularizer {
        Regularizer::None => g,
        Regularizer::L2(lambda) => g + lambda * w,
        Regularizer::L1(lambda) if w == 0.0 => g.signum() * (g.abs() - lambda).max(0.0),
        Regularizer::L1(lambda) => g + lambda * w.signum(),
    }
}

/// The size of what [`nearest_subgradient`] adds to `g`.
pub(super) fn subgradient_size(regularizer: Regularizer<f64>, w: f64) -> f64 {
    match regularizer {
        Regularizer::None => 0.0,
        Regularizer::L2(lambda) => lambda * w.abs(),
        Regularizer::L1(lambda) => lambda,
    }
}

/// Whether a rule steps to the exact minimiser.
pub(super) fn is_exact(rule: StepRule<f64>) -> bool {
    matches!(rule, StepRule::LeastSquares { .. })
}

/// How far above its bound a spread may be taken for rounding: it is rounded too.
const UNDECIDED: f64 = 16.0;

/// Whether a least-squares step may take inputs for the same in all samples: as far as sums of squares tell, their spread may
/// be rounding. What equal numbers leave grows as a walk by the last bit of a sum.
pub(super) fn may_be_constant(p: &Mat) -> bool {
    let bound = f64::EPSILON * (16.0 + 2.0 * libm::sqrt(p.columns as f64)) * p.squared();
    p.centred().squared() <= UNDECIDED * bound
}
