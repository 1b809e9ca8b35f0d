//! Activations: value, derivative, and the hidden layers' z-subproblem.
//!
//! Everything here is elementwise over slices, usually a column of a tile. The activation is chosen outside the loop,
//! and the loops have no branches, so that they vectorise.

mod backward;
mod relu;
mod smooth;

use crate::error::{Error, Result};
use crate::real::Real;
use crate::view::require_length;

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
    /// `f(z) = 1/(1 + exp(-z))`.
    Sigmoid,
    /// `f(z) = tanh z`.
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
    /// Exact, up to rounding, for ReLU and leaky ReLU: each branch of `f` has one minimiser,
    /// `min((omega c + k t)/(omega + k^2), 0)` and `max((omega c + t)/(omega + 1), 0)`; the lower value wins, ties go
    /// to the first. `omega` is positive. NaN in `c` or `t` gives NaN.
    ///
    /// The values are compared as they round: in `f32`, `|c|` and `|t|` above 1e19 overflow them.
    pub fn minimise_scalar(&self, omega: T, c: T, t: T) -> T {
        match *self {
            Self::Relu => relu::minimise(T::ZERO, omega, c, t),
            Self::LeakyRelu { slope } => relu::minimise(slope, omega, c, t),
            Self::Sigmoid | Self::Tanh => unimplemented!(),
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
            Self::Sigmoid | Self::Tanh => unimplemented!(),
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
