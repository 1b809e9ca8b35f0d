//! Regularisers on the weights: value and proximal step.

use crate::choice::{Choice, choice};
use crate::error::{Result, require_not_negative};
use crate::real::Real;
use crate::reduce::{sum_abs, sum_squares};
use crate::view::{MatRef, column, require_length};

/// `Omega(W)`, the term that a method's objective adds for each layer's weights (dlADMM's problem 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Regularizer<T> {
    /// `Omega = 0`.
    None,
    /// `Omega = lambda sum |W_ij|`, which makes weights zero; lambda is finite and 0 or above.
    L1(T),
    /// `Omega = (lambda/2) sum W_ij^2`, which makes weights small; lambda is finite and 0 or above.
    L2(T),
}

choice! { Regularizer<f64>, "regularizer":
    None, 0, "none", "Omega = 0";
    L1(lambda) [require_not_negative], 1, "l1", "Omega = lambda sum |W_ij|, which makes weights zero";
    L2(lambda) [require_not_negative], 2, "l2", "Omega = (lambda/2) sum W_ij^2, which makes weights small";
}

impl<T: Real> Regularizer<T> {
    /// The same regulariser, its lambda rounded to another type.
    pub fn cast<U: Real>(self) -> Regularizer<U> {
        match self {
            Self::None => Regularizer::None,
            Self::L1(lambda) => Regularizer::L1(U::from_f64(lambda.to_f64())),
            Self::L2(lambda) => Regularizer::L2(U::from_f64(lambda.to_f64())),
        }
    }

    /// `Ok` when lambda is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::error::Error::Setting) naming `lambda` if it is negative, NaN or infinite.
    pub fn validate(&self) -> Result {
        self.cast::<f64>().check()
    }

    /// `Omega(x + d) - Omega(x)` of one weight.
    pub fn rise(&self, x: T, d: T) -> T {
        match *self {
            Self::None => T::ZERO,
            Self::L1(lambda) => lambda * ((x + d).abs() - x.abs()),
            Self::L2(lambda) => lambda * d * (x + T::from_f64(0.5) * d),
        }
    }

    /// `Omega(W)` for weights of any shape: columns by [`reduce`](crate::reduce), added from the first to the last.
    pub fn value(&self, weights: &MatRef<'_, T>) -> f64 {
        let total = |sum: fn(&[T]) -> f64| (0..weights.ncols()).map(|j| sum(column(weights, j))).sum::<f64>();
        match *self {
            Self::None => 0.0,
            Self::L1(lambda) => lambda.to_f64() * total(sum_abs),
            Self::L2(lambda) => 0.5 * lambda.to_f64() * total(sum_squares),
        }
    }

    /// For each element the `d` that minimises `g d + (theta/2) d^2 + Omega(w + d)`: the weight update of dlADMM
    /// (equations 9 and 11) and pdADMM (equation 2), whose quadratic approximation this is.
    ///
    /// none: `-g/theta`; l2: `-(g + lambda w)/(theta + lambda)`; l1: the soft threshold of `w - g/theta` at
    /// `lambda/theta`, minus `w` (in a form in which `w + d` is 0 exactly where the threshold says so, and small steps
    /// keep their digits beside a large `w`). Exact up to rounding.
    ///
    /// `gradient`, `weights`, `theta` and `step` have one length: a column of the weights' gradient, of the weights,
    /// the rows' step parameters, and the result. Where `theta` is 0 there is no curvature to step by, and `d = 0`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::error::Error::Shape) naming `weights`, `theta` or `step` if it is not as long as
    /// `gradient`.
    pub fn proximal_step(&self, gradient: &[T], weights: &[T], theta: &[T], step: &mut [T]) -> Result {
        require_length("weights", weights.len(), gradient.len())?;
        require_length("theta", theta.len(), gradient.len())?;
        require_length("step", step.len(), gradient.len())?;
        let elements = step.iter_mut().zip(gradient).zip(weights).zip(theta);
        let elements = elements.map(|(((step, &g), &w), &theta)| (step, g, w, theta));
        self.fill(elements);
        Ok(())
    }

    /// [`proximal_step`](Self::proximal_step) with one `theta` for all elements.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::error::Error::Shape) naming `weights` or `step` if it is not as long as `gradient`.
    pub fn proximal_step_scalar(&self, gradient: &[T], weights: &[T], theta: T, step: &mut [T]) -> Result {
        require_length("weights", weights.len(), gradient.len())?;
        require_length("step", step.len(), gradient.len())?;
        let elements = step.iter_mut().zip(gradient).zip(weights);
        self.fill(elements.map(|((step, &g), &w)| (step, g, w, theta)));
        Ok(())
    }

    #[inline]
    fn fill<'s>(&self, elements: impl Iterator<Item = (&'s mut T, T, T, T)>) {
        let guarded = |theta: T, d: T| if theta == T::ZERO { T::ZERO } else { d };
        match *self {
            Self::None => elements.for_each(|(d, g, _, theta)| *d = guarded(theta, -g / theta)),
            Self::L1(lambda) => {
                elements.for_each(|(d, g, w, theta)| *d = guarded(theta, l1_step(lambda, g, w, theta)))
            }
            Self::L2(lambda) => elements
                .for_each(|(d, g, w, theta)| *d = guarded(theta, -(g + lambda * w) / (theta + lambda))),
        }
    }
}

/// `soft(w - g/theta, lambda/theta) - w`.
///
/// Above the threshold `w + d > 0`, so that `g + theta d + lambda = 0`; below it, with the other sign. Multiplied by
/// theta the comparisons need no division.
#[inline]
fn l1_step<T: Real>(lambda: T, g: T, w: T, theta: T) -> T {
    let point = theta * w - g;
    let (above, below) = (-(g + lambda) / theta, -(g - lambda) / theta);
    let inside = if point < -lambda { below } else { -w };
    // A NaN fails every comparison and would come out as -w.
    let d = if point > lambda { above } else { inside };
    d + point * T::ZERO
}
