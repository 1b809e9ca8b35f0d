//! The chain rule through an activation whose value is known.

use super::Activation;
use crate::error::Result;
use crate::real::Real;
use crate::view::require_length;

impl<T: Real> Activation<T> {
    /// `e_i <- f'(z_i) e_i`, from the values `a_i = f(z_i)`: whoever keeps those need not keep `z`.
    ///
    /// f' as [`derivative`](Self::derivative) has it: `a > 0` is `z > 0` for ReLU and leaky ReLU, `a (1 - a)` the
    /// sigmoid's derivative and `1 - a^2` that of tanh.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `e` if it is not as long as `a`.
    pub fn backward(&self, a: &[T], e: &mut [T]) -> Result {
        require_length("e", e.len(), a.len())?;
        let one = T::ONE;
        match *self {
            Self::Relu => scale(a, e, |a| if a > T::ZERO { one } else { T::ZERO }),
            Self::LeakyRelu { slope } => scale(a, e, |a| if a > T::ZERO { one } else { slope }),
            Self::Sigmoid => scale(a, e, |a| a * (one - a)),
            Self::Tanh => scale(a, e, |a| one - a * a),
        }
        Ok(())
    }
}

#[inline]
fn scale<T: Real>(a: &[T], e: &mut [T], derivative: impl Fn(T) -> T) {
    for (e, &a) in e.iter_mut().zip(a) {
        *e *= derivative(a);
    }
}
