//! Activations: value, derivative, the hidden layers' z-subproblem, and the intervals of DLAM.
//!
//! Everything here is elementwise over slices, usually a column of a tile. The activation is chosen outside the loop,
//! and the loops have no branches, so that they vectorise; only the z-subproblem of sigmoid and tanh repeats its loop, over
//! 16 elements, until the last of them has converged, and softplus goes element by element where it takes a logarithm.
//!
//! A member has a file of its own; here are its variant, its row of the table and its function.

mod function;
mod leaky_relu;
mod preimage;
mod relu;
mod sigmoid;
mod smooth;
mod softplus;
mod tanh;

pub(crate) use preimage::between;

use crate::choice::{Choice, choice};
use crate::error::{Result, require_not_negative};
use crate::real::Real;
use crate::view::require_length;
use function::Function as _;
use leaky_relu::LeakyRelu;
use relu::Relu;
use sigmoid::Sigmoid;
use softplus::Softplus;
use tanh::Tanh;

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
    /// `f(z) = ln(1 + exp z)`, range above 0: a smooth ReLU.
    Softplus,
}

choice! { Activation<f64>, "activation":
    Relu, 0, "relu", "max(z, 0)";
    LeakyRelu { slope = 0.01 } [require_not_negative], 1, "leaky-relu",
        "z where z > 0, else slope z; slope 0 or above";
    Sigmoid, 2, "sigmoid", "1/(1 + exp(-z))";
    Tanh, 3, "tanh", "tanh z";
    Softplus, 4, "softplus", "ln(1 + exp z)";
}

/// Evaluates an expression with the function of the member that an activation is.
macro_rules! with_function {
    ($activation:expr, $f:ident => $value:expr) => {
        match $activation {
            Activation::Relu => {
                let $f = Relu;
                $value
            }
            Activation::LeakyRelu { slope } => {
                let $f = LeakyRelu { slope };
                $value
            }
            Activation::Sigmoid => {
                let $f = Sigmoid;
                $value
            }
            Activation::Tanh => {
                let $f = Tanh;
                $value
            }
            Activation::Softplus => {
                let $f = Softplus;
                $value
            }
        }
    };
}

impl<T: Real> Activation<T> {
    /// The same activation, its parameter rounded to another type.
    pub fn cast<U: Real>(self) -> Activation<U> {
        match self {
            Self::Relu => Activation::Relu,
            Self::LeakyRelu { slope } => Activation::LeakyRelu { slope: U::from_f64(slope.to_f64()) },
            Self::Sigmoid => Activation::Sigmoid,
            Self::Tanh => Activation::Tanh,
            Self::Softplus => Activation::Softplus,
        }
    }

    /// `Ok` when the parameters are in their range.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::error::Error::Setting) naming `slope` if it is negative, NaN or infinite.
    pub fn validate(&self) -> Result {
        self.cast::<f64>().check()
    }

    /// `out_i = f(z_i)`. NaN stays NaN.
    ///
    /// Sigmoid, tanh and softplus are within 3 units in the last place everywhere: tanh near 0, sigmoid and softplus of large
    /// negative z down to the smallest numbers there are.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::error::Error::Shape) naming `out` if it is not as long as `z`.
    pub fn apply(&self, z: &[T], out: &mut [T]) -> Result {
        require_length("out", out.len(), z.len())?;
        with_function!(*self, f => f.apply(z, out));
        Ok(())
    }

    /// `z_i <- f(z_i)`; otherwise as [`apply`](Self::apply).
    pub fn apply_in_place(&self, z: &mut [T]) {
        with_function!(*self, f => f.apply_in_place(z));
    }

    /// `out_i = f'(z_i)`. At the kink, 0, it is the derivative from the left: 0 or the slope.
    ///
    /// Of sigmoid, tanh and softplus within 4 units in the last place, also where they are saturated.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::error::Error::Shape) naming `out` if it is not as long as `z`.
    pub fn derivative(&self, z: &[T], out: &mut [T]) -> Result {
        require_length("out", out.len(), z.len())?;
        with_function!(*self, f => f.derivatives(z, out));
        Ok(())
    }

    /// `e_i <- f'(z_i) e_i`, from the values `a_i = f(z_i)`: whoever keeps those need not keep `z`.
    ///
    /// f' as [`derivative`](Self::derivative) has it: `a > 0` is `z > 0` for ReLU and leaky ReLU, `a (1 - a)` the
    /// sigmoid's derivative, `1 - a^2` that of tanh and `1 - exp(-a)` that of softplus.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `e` if it is not as long as `a`.
    pub fn backward(&self, a: &[T], e: &mut [T]) -> Result {
        require_length("e", e.len(), a.len())?;
        with_function!(*self, f => f.backward(a, e));
        Ok(())
    }

    /// The Lipschitz constant `s` of `f`: 1 for ReLU, tanh and softplus, `max(1, k)` for leaky ReLU, 1/4 for the sigmoid.
    pub fn lipschitz(&self) -> T {
        with_function!(*self, f => f.lipschitz())
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
    /// **Softplus**: one or two local minimisers too, found by Newton's method from the ends of the interval in which they
    /// lie. f is not bounded, so that both bounds have `|t| + |z|` for `|t|`; the first also has the lowest objective
    /// beside `|t|`, and `8 (omega + 1) (EPSILON (|t| + |z|))^2` is added to it.
    ///
    /// Of the smooth ones nothing overflows. An infinite `c` is the result, since nothing outweighs its term; else an infinite `t` is, as the
    /// limit of ever larger ones.
    pub fn minimise_scalar(&self, omega: T, c: T, t: T) -> T {
        with_function!(*self, f => f.minimise_scalar(omega, c, t))
    }

    /// `z_i` = [`minimise_scalar`](Self::minimise_scalar)`(omega, c_i, t_i)`, to the same bits.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::error::Error::Shape) naming `t` or `z` if it is not as long as `c`.
    pub fn minimise(&self, omega: T, c: &[T], t: &[T], z: &mut [T]) -> Result {
        require_length("t", t.len(), c.len())?;
        require_length("z", z.len(), c.len())?;
        with_function!(*self, f => f.minimise(omega, c, t, z));
        Ok(())
    }

    /// `(B1, B2)`, the ends of `{ z : |f(z) - a| <= epsilon }` (DLAM, the bounds of equation 4); `epsilon` is above 0.
    ///
    /// - ReLU: `B2 = a + epsilon`; `B1 = a - epsilon` if that is above 0, else minus infinity, and so for leaky ReLU of
    ///   slope 0;
    /// - leaky ReLU: the inverses of `a - epsilon` and `a + epsilon`;
    /// - sigmoid, tanh, softplus: the inverses, to a few roundings; a bound below their range is minus infinity, one above infinity.
    ///
    /// A lower bound that is above the least value of f by no more than rounding, `4 EPSILON (|a| + epsilon)`, is minus
    /// infinity, and so is an upper one at the greatest: where `a = f(z) + epsilon` and f(z) is the least value, it is
    /// chance on which side `a - epsilon` falls.
    ///
    /// Where no z is in the set, because `a` is further than epsilon from the range of f, the interval is what lies
    /// nearest to it: `(-inf, 0]` for ReLU, an infinite point for sigmoid, tanh and softplus. NaN gives NaN.
    pub fn preimage(&self, a: T, epsilon: T) -> (T, T) {
        with_function!(*self, f => f.preimage(epsilon, a))
    }

    /// `z_i` becomes the point nearest to `c_i` of the [`preimage`](Self::preimage) of `a_i`, widened to contain the
    /// present `z_i`: rounding must not throw it out. Entry by entry `|z - c|` does not rise, and `|f(z) - a|` stays
    /// below epsilon, or below what it was, but for rounding.
    ///
    /// `scratch` is as long as the others; its content does not matter.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `a`, `c` or `scratch` if it is not as long as `z`.
    pub fn clip_to_preimage(&self, epsilon: T, a: &[T], c: &[T], z: &mut [T], scratch: &mut [T]) -> Result {
        require_length("a", a.len(), z.len())?;
        require_length("c", c.len(), z.len())?;
        require_length("scratch", scratch.len(), z.len())?;
        with_function!(*self, f => f.clip_to_preimage(epsilon, a, c, z, scratch));
        Ok(())
    }
}
