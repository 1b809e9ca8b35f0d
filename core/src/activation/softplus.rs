//! Softplus, `f(z) = ln(1 + exp z)`, from one exponential of a number that is not positive: nothing overflows, and what
//! is small keeps its relative precision. Its derivative is the sigmoid.

use super::function::Function;
use super::preimage::{clip_by_image, lower};
use super::sigmoid::Sigmoid;
use crate::exponential::{exp_minus_one, exp_of_negative};
use crate::real::Real;

#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl<T: Real> Function<T> for Softplus {
    // The constant stands first in the maximum, so that NaN comes out.
    #[inline]
    fn value(self, z: T) -> T {
        T::ZERO.max(z) + exp_of_negative(-z.abs()).ln_1p()
    }

    #[inline]
    fn derivative(self, z: T) -> T {
        Sigmoid.value(z)
    }

    /// `1 - exp(-a)`.
    #[inline]
    fn derivative_at_value(self, a: T) -> T {
        -exp_minus_one(-a)
    }

    fn lipschitz(self) -> T {
        T::ONE
    }

    fn minimise_scalar(self, omega: T, c: T, t: T) -> T {
        #[allow(clippy::eq_op)] // NaN alone differs from itself.
        let number = c == c && t == t;
        if !number {
            c + t
        } else if c.abs() > T::MAX {
            c
        } else if t.abs() > T::MAX {
            t
        } else {
            Problem::new(omega, c, t).minimise()
        }
    }

    fn preimage(self, epsilon: T, a: T) -> (T, T) {
        (lower(T::ZERO, epsilon, a, inverse), inverse(a + epsilon))
    }

    fn clip_to_preimage(self, epsilon: T, a: &[T], c: &[T], z: &mut [T], scratch: &mut [T]) {
        self.apply(c, scratch);
        let ends = (|a| lower(T::ZERO, epsilon, a, inverse), |a| inverse(a + epsilon));
        clip_by_image(epsilon, a, c, scratch, z, ends);
    }
}

/// `ln(exp(value) - 1) = value + ln(1 - exp(-value))`, minus infinity where the value is not above 0.
fn inverse<T: Real>(value: T) -> T {
    if value <= T::ZERO { T::NEG_INFINITY } else { value + (-exp_minus_one(-value)).ln() }
}

/// Steps after which a search ends in any case. A handful is enough but where both minimisers and the maximum between
/// them meet: there a step leaves two thirds of the error, and the objective's error is its fourth power.
const MOST_STEPS: usize = 200;

/// A quarter: differences of two finite numbers do not overflow if a quarter is taken of both.
const QUARTER: f64 = 0.25;

/// The z-subproblem. Half its derivative, in units of the larger of omega and 1, is four times
///
/// `p(z) = kappa (z - c)/4 - h(z)`, `h(z) = u (t - f(z)) f'(z)/4`.
///
/// - Where `f(c) >= t`, the minimiser is not right of c, and there p rises: it has one zero.
/// - Otherwise it lies between c and the z of `f(z) = t`. With `s = f'(z)`, h'' has the sign of `(t - f)(1 - 2 s) - 3 s`,
///   which changes once in between, from above 0 to below: p is first concave, then convex. So there is at most one
///   minimiser on either side, which Newton's method reaches from the side's end without overshooting it. Where
///   `omega >= t/4`, p rises everywhere, since `(t - f) s (1 - s)` is at most t/4.
struct Problem<T> {
    kappa: T,
    u: T,
    c: T,
    t: T,
}

/// `p(z)`, its derivative, and what of p may be rounding.
struct Point<T> {
    p: T,
    slope: T,
    rounding: T,
}

impl<T: Real> Problem<T> {
    fn new(omega: T, c: T, t: T) -> Self {
        let scale = T::ONE.max(omega);
        Self { kappa: omega / scale, u: T::ONE / scale, c, t }
    }

    fn at(&self, z: T) -> Point<T> {
        let quarter = T::from_f64(QUARTER);
        let e = exp_of_negative(-z.abs());
        let (small, large) = (e / (T::ONE + e), T::ONE / (T::ONE + e));
        let (s, rest) = if z < T::ZERO { (small, large) } else { (large, small) };
        let f = quarter * (T::ZERO.max(z) + e.ln_1p());
        let t = quarter * self.t;
        let (pull, gap) = (self.kappa * (quarter * z - quarter * self.c), self.u * (t - f));
        Point {
            p: pull - gap * s,
            slope: quarter * (self.kappa + self.u * s * s) - gap * s * rest,
            rounding: T::EPSILON * (quarter * self.kappa * z.abs() + self.u * s * (t.abs() + f)),
        }
    }

    fn minimise(&self) -> T {
        let Self { kappa, u, c, t } = *self;
        let Point { p, rounding, .. } = self.at(c);
        // The minimiser if f were the identity.
        let linear = (kappa * c + u * t) / (kappa + u);
        let steep = T::from_f64(QUARTER) * t * u > kappa;
        if Softplus.value(c) >= t {
            let (low, start) = self.below();
            return if p <= rounding { c } else { self.search(start.max(linear).min(c), low, c) };
        }
        let end = inverse(t).max(c);
        if !steep {
            return if -p <= rounding { c } else { self.search(linear.max(c).min(end), c, end) };
        }
        match (self.approach(c, -T::ONE), self.approach(end, T::ONE)) {
            (Some(left), Some(right)) => self.better(left, right),
            (Some(z), None) | (None, Some(z)) => z,
            (None, None) => self.search(end, c, end),
        }
    }

    /// For `f(c) >= t`: a point where p is not above 0, and one near its zero for a far t.
    ///
    /// Left of 0, f and f' are below `exp z` and f below 1, so that `(f - t) f' <= (1 + |t|) exp z`: at
    /// `exp z = omega/(1 + |t|)`, 1 or more left of c, that is not above `omega (c - z)`.
    fn below(&self) -> (T, T) {
        let ratio = self.kappa.ln() - self.u.ln() - (T::ONE + self.t.abs()).ln();
        let left = self.c - T::ONE.max(T::from_f64(QUARTER) * self.c.abs());
        let low = ratio.min(left.min(T::ZERO)).max(inverse(self.t).min(self.c));
        (low, low.max(ratio + (self.c - low).ln()))
    }

    /// Newton's method from an end where p has the sign of `side`; none if p has passed its extreme there. A step over a
    /// zero, by rounding or where it is the other side's, has put it into a bracket.
    fn approach(&self, start: T, side: T) -> Option<T> {
        let (mut z, mut last) = (start, start);
        for _ in 0..MOST_STEPS {
            let Point { p, slope, rounding } = self.at(z);
            if p.abs() <= rounding {
                break;
            }
            if p * side < T::ZERO {
                return Some(self.search(z, z.min(last), z.max(last)));
            }
            if slope <= T::ZERO {
                return None;
            }
            let step = p / slope;
            last = z;
            z -= step;
            if step.abs() <= enough() {
                break;
            }
        }
        Some(z)
    }

    /// Newton's method in a bracket at whose ends p has different signs; halving where steps leave it or do not shrink.
    fn search(&self, start: T, mut low: T, mut high: T) -> T {
        let half = T::from_f64(0.5);
        let (mut z, mut before) = (start, -T::NEG_INFINITY);
        for _ in 0..MOST_STEPS {
            let Point { p, slope, rounding } = self.at(z);
            if p.abs() <= rounding {
                break;
            }
            if p < T::ZERO {
                low = z;
            } else {
                high = z;
            }
            let step = p / slope;
            let wanted = z - step;
            if slope > T::ZERO && wanted >= low && wanted <= high && step.abs() <= half * before {
                z = wanted;
                before = step.abs();
                if before <= enough() {
                    break;
                }
            } else {
                z = half * low + half * high;
                before = high - low;
            }
        }
        z
    }

    /// Which of two points has the lower objective, by a difference that neither cancels nor overflows.
    fn better(&self, a: T, b: T) -> T {
        let quarter = T::from_f64(QUARTER);
        let scale = T::ONE / T::ONE.max(self.c.abs()).max(self.t.abs());
        let less = |x: T, y: T| (quarter * x - quarter * y) * scale;
        let (f_a, f_b) = (Softplus.value(a), Softplus.value(b));
        let pull = self.kappa * less(a, b) * (less(a, self.c) + less(b, self.c));
        let more = pull - self.u * less(f_a, f_b) * (less(self.t, f_a) + less(self.t, f_b));
        if more > T::ZERO { b } else { a }
    }
}

/// A step after which Newton's next one would be rounding.
fn enough<T: Real>() -> T {
    T::from_f64(QUARTER) * T::EPSILON.sqrt()
}
