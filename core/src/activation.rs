//! Activations: value, derivative, and the hidden layers' z-subproblem.
//!
//! Everything here is elementwise over slices, usually a column of a tile. The activation is chosen outside the loop,
//! and the loops have no branches, so that they vectorise; only the z-subproblem of sigmoid and tanh repeats its loop, over
//! 16 elements, until the last of them has converged.

mod backward;
mod preimage;
mod relu;
mod smooth;

pub(crate) use preimage::between;

use crate::error::{Error, Result};
use crate::real::Real;
use crate::view::require_length;
use smooth::Curve;

/// The activation `f` of the hidden layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation<T> {
    /// `f(z) = max(z, 0)`.
    Relu,
    /// `f(z) = z` for `z > 0`, else `slope z`.
    LeakyRelu {
        /// k, finite and 0 or above; usual values are 0.01 to 0.3. Above 1 the negative side is the steeper one and
        /// the Lipschitz constant s = k grows past 1, and with s^2 the penalty rho that pdADMM's descent asks for.
        /// Below 0 `f` would not be monotone (s would be max(1, |k|)): refused.
        slope: T,
    },
    /// `f(z) = 1/(1 + exp(-z))`, range 0 to 1.
    Sigmoid,
    /// `f(z) = tanh z`, range -1 to 1.
    Tanh,
}

impl<T: Real> Activation<T> {
    /// `Ok` when the parameters are in their range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming `slope` if it is negative, NaN or infinite.
    pub fn validate(&self) -> Result {
        match *self {
            Self::Relu | Self::Sigmoid | Self::Tanh => Ok(()),
            Self::LeakyRelu { slope } if slope.is_finite() && slope >= T::ZERO => Ok(()),
            Self::LeakyRelu { slope } => Err(Error::Setting {
                name: "slope",
                found: slope.to_f64(),
                expected: "a finite number, 0 or above",
            }),
        }
    }

    /// `out_i = f(z_i)`. NaN stays NaN.
    ///
    /// Sigmoid and tanh are within 3 units in the last place everywhere: tanh near 0, the sigmoid of large negative z down
    /// to the smallest numbers there are.
    ///
    /// # Errors
    /// [`Error::Shape`] naming `out` if it is not as long as `z`.
    pub fn apply(&self, z: &[T], out: &mut [T]) -> Result {
        require_length("out", out.len(), z.len())?;
        match *self {
            Self::Relu => map(z, out, relu::value),
            Self::LeakyRelu { slope } => map(z, out, |z| relu::leaky_value(slope, z)),
            Self::Sigmoid => map(z, out, smooth::sigmoid),
            Self::Tanh => map(z, out, smooth::tanh),
        }
        Ok(())
    }

    /// `z_i <- f(z_i)`; otherwise as [`apply`](Self::apply).
    pub fn apply_in_place(&self, z: &mut [T]) {
        match *self {
            Self::Relu => map_in_place(z, relu::value),
            Self::LeakyRelu { slope } => map_in_place(z, |z| relu::leaky_value(slope, z)),
            Self::Sigmoid => map_in_place(z, smooth::sigmoid),
            Self::Tanh => map_in_place(z, smooth::tanh),
        }
    }

    /// `out_i = f'(z_i)`. At the kink, 0, it is the derivative from the left: 0 or the slope.
    ///
    /// Of sigmoid and tanh within 4 units in the last place, also where they are saturated.
    ///
    /// # Errors
    /// [`Error::Shape`] naming `out` if it is not as long as `z`.
    pub fn derivative(&self, z: &[T], out: &mut [T]) -> Result {
        require_length("out", out.len(), z.len())?;
        match *self {
            Self::Relu => map(z, out, |z| relu::derivative(T::ZERO, z)),
            Self::LeakyRelu { slope } => map(z, out, |z| relu::derivative(slope, z)),
            Self::Sigmoid => map(z, out, smooth::sigmoid_derivative),
            Self::Tanh => map(z, out, smooth::tanh_derivative),
        }
        Ok(())
    }

    /// The Lipschitz constant `s` of `f`: 1 for ReLU and tanh, `max(1, k)` for leaky ReLU, 1/4 for the sigmoid.
    pub fn lipschitz(&self) -> T {
        match *self {
            Self::Relu | Self::Tanh => T::ONE,
            Self::LeakyRelu { slope } => T::ONE.max(slope.abs()),
            Self::Sigmoid => T::from_f64(0.25),
        }
    }

    /// The minimiser of `omega (z - c)^2 + (t - f(z))^2` over `z`, a hidden layer's z-update.
    ///
    /// dlADMM (equations 4 and 14): `t = a`, `omega = 1`, `c = W a + b`. pdADMM (equation 4): `t = q`, `omega = 2`,
    /// `c = (W p + b + z_old)/2`, where the proximal term `(nu/2)|z - z_old|^2` has been merged with the linear one.
    ///
    /// Exact, up to rounding. `omega` is positive and finite. NaN in `c` or `t` gives NaN.
    ///
    /// **ReLU and leaky ReLU**: each branch of `f` has one minimiser,
    /// `min((omega c + k t)/(omega + k^2), 0)` and `max((omega c + t)/(omega + 1), 0)`; the lower value wins, ties go
    /// to the first. The values are compared as they round: in `f32`, `|c|` and `|t|` above 1e19 overflow them.
    ///
    /// **Sigmoid and tanh**: there are one or two local minimisers, which a generated table keeps apart; Halley's
    /// iteration in a bracket finds each, and the lower objective wins. Over the whole plane of (c, t), for every omega:
    /// - the objective is at most `8 EPSILON (omega + |t| + 1)` above the lowest of a dense scan (EPSILON is 1.2e-7 in
    ///   `f32`, 2.2e-16 in `f64`);
    /// - half its derivative at the result is at most `4 EPSILON (omega (|z| + |z - c|) + |t| + 1)`; so the error of z is
    ///   that over half the second derivative: a few units in the last place where the problem is well-posed, such as
    ///   with t in the range of f for tanh and omega of 1 or above. It can reach the cube root of EPSILON times 10 where
    ///   two minimisers and the maximum between them have just merged, and the objective hardly varies.
    ///
    /// Nothing overflows. An infinite `c` is the result, since nothing outweighs its term; else an infinite `t` is, as the
    /// limit of ever larger ones.
    pub fn minimise_scalar(&self, omega: T, c: T, t: T) -> T {
        match *self {
            Self::Relu => relu::minimise(T::ZERO, omega, c, t),
            Self::LeakyRelu { slope } => relu::minimise(slope, omega, c, t),
            Self::Sigmoid => smooth::minimise_scalar(Curve::SIGMOID, omega, c, t),
            Self::Tanh => smooth::minimise_scalar(Curve::TANH, omega, c, t),
        }
    }

    /// `z_i` = [`minimise_scalar`](Self::minimise_scalar)`(omega, c_i, t_i)`, to the same bits.
    ///
    /// # Errors
    /// [`Error::Shape`] naming `t` or `z` if it is not as long as `c`.
    pub fn minimise(&self, omega: T, c: &[T], t: &[T], z: &mut [T]) -> Result {
        require_length("t", t.len(), c.len())?;
        require_length("z", z.len(), c.len())?;
        match *self {
            Self::Relu => map_pairs(c, t, z, |c, t| relu::minimise(T::ZERO, omega, c, t)),
            Self::LeakyRelu { slope } => map_pairs(c, t, z, |c, t| relu::minimise(slope, omega, c, t)),
            Self::Sigmoid => smooth::minimise(Curve::SIGMOID, omega, c, t, z),
            Self::Tanh => smooth::minimise(Curve::TANH, omega, c, t, z),
        }
        Ok(())
    }
}

#[inline]
fn map<T: Real>(z: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, &z) in out.iter_mut().zip(z) {
        *out = f(z);
    }
}

#[inline]
fn map_in_place<T: Real>(z: &mut [T], f: impl Fn(T) -> T) {
    for z in z {
        *z = f(*z);
    }
}

#[inline]
fn map_pairs<T: Real>(c: &[T], t: &[T], z: &mut [T], f: impl Fn(T, T) -> T) {
    for ((z, &c), &t) in z.iter_mut().zip(c).zip(t) {
        *z = f(c, t);
    }
}
