//! Some columns of the output subproblem side by side, a lane each: `F(z) = log(sum_i exp z_i) - <y, z> +
//! (mu/2)|z - c|^2`. Row i of every array holds entry i of all columns, so that each loop's innermost runs over lanes.
//!
//! The passes over the rows copy a row's lanes, compute, and write results back whole: a store among the loads, which
//! might change what is still to be read, would keep the lanes from becoming vectors. Each pass is a function that is
//! never inlined, so that this does not depend on what surrounds it.

use crate::error::Result;
use crate::exponential::exp_of_negative;
use crate::loss::target::ColumnTarget;
use crate::loss::{Loss, kkt_tolerance};
use crate::real::Real;
use crate::reduce::max_abs;
use crate::workspace::Stack;

/// Columns that are solved together.
pub(in crate::loss) const LANES: usize = 8;
type Lanes<T> = [T; LANES];

/// Vectors that a lane of [`Block`] takes from the stack.
pub(super) const VECTORS: usize = 2 + 2 * Point::<f64>::VECTORS + 1;

/// A point in every lane, with what is known of F there.
pub(super) struct Point<'s, T> {
    z: &'s mut [Lanes<T>],
    /// softmax(z)
    softmax: &'s mut [Lanes<T>],
    /// The gradient of F, in double precision until it is stored.
    gradient: &'s mut [Lanes<T>],
    pub(super) known: Lanes<Known>,
}

/// What is known of F at the point of a lane.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    /// F, in double precision: differences of F steer the line search.
    pub(super) value: f64,
    /// How far rounding may have put F off.
    pub(super) noise: f64,
    /// The largest absolute value of the gradient.
    pub(super) residual: f64,
    /// What the residual has to reach.
    tolerance: f64,
    /// The gradient's product with the step.
    pub(super) slope: f64,
}

impl Known {
    pub(super) fn converged(&self) -> bool {
        self.residual <= self.tolerance
    }
}

impl<'s, T: Real> Point<'s, T> {
    const VECTORS: usize = 3;

    /// The origin, nothing known yet.
    fn new(rows: usize, stack: &mut Stack<'s, T>) -> Result<Self> {
        let z = lanes(rows, stack, T::ZERO)?;
        let (softmax, gradient) = (lanes(rows, stack, T::ONE)?, lanes(rows, stack, T::ZERO)?);
        Ok(Self { z, softmax, gradient, known: [Known::default(); LANES] })
    }

    fn copy_lane(&mut self, lane: usize, from: &Self) {
        copy_lane(lane, from.z, self.z);
        copy_lane(lane, from.softmax, self.softmax);
        copy_lane(lane, from.gradient, self.gradient);
        self.known[lane] = from.known[lane];
    }
}

/// An array of lanes, all with the same value.
fn lanes<'s, T: Real>(rows: usize, stack: &mut Stack<'s, T>, value: T) -> Result<&'s mut [Lanes<T>]> {
    let array = stack.vector(rows * LANES)?.as_chunks_mut().0;
    array.fill([value; LANES]);
    Ok(array)
}

#[inline]
fn wide<T: Real>(lanes: Lanes<T>) -> Lanes<f64> {
    lanes.map(T::to_f64)
}

fn copy_lane<T: Real>(lane: usize, from: &[Lanes<T>], to: &mut [Lanes<T>]) {
    for (to, from) in to.iter_mut().zip(from) {
        to[lane] = from[lane];
    }
}

fn fill_lane<T: Real>(array: &mut [Lanes<T>], lane: usize, values: impl Iterator<Item = T>) {
    for (row, value) in array.iter_mut().zip(values) {
        row[lane] = value;
    }
}

/// The columns' data, their points, and the trials of the line search.
pub(super) struct Block<'s, T> {
    mu: T,
    c: &'s mut [Lanes<T>],
    y: &'s mut [Lanes<T>],
    largest_c: Lanes<T>,
    largest_y: Lanes<T>,
    pub(super) point: Point<'s, T>,
    pub(super) trial: Point<'s, T>,
    step: &'s mut [Lanes<T>],
}

impl<'s, T: Real> Block<'s, T> {
    /// Lanes that hold no column are computed like the others: they are given one that does no harm.
    pub(super) fn new(mu: T, rows: usize, stack: &mut Stack<'s, T>) -> Result<Self> {
        let zero = [T::ZERO; LANES];
        let (c, y) = (lanes(rows, stack, T::ZERO)?, lanes(rows, stack, T::ZERO)?);
        let (point, trial) = (Point::new(rows, stack)?, Point::new(rows, stack)?);
        let step = lanes(rows, stack, T::ZERO)?;
        Ok(Self { mu, c, y, largest_c: zero, largest_y: zero, point, trial, step })
    }

    /// Gives a lane another column. Its gradient is 0 until it is known, so that the first trial is the start itself.
    pub(super) fn load(&mut self, lane: usize, c: &[T], target: ColumnTarget<'_, T>, start: &[T]) {
        fill_lane(self.c, lane, c.iter().copied());
        self.largest_c[lane] = max_abs(c);
        match target {
            ColumnTarget::Class(class) => {
                fill_lane(self.y, lane, c.iter().map(|_| T::ZERO));
                self.y[class][lane] = T::ONE;
                self.largest_y[lane] = T::ONE;
            }
            ColumnTarget::Values(y) => {
                fill_lane(self.y, lane, y.iter().copied());
                self.largest_y[lane] = max_abs(y);
            }
        }
        fill_lane(self.point.z, lane, start.iter().copied());
        fill_lane(self.point.softmax, lane, c.iter().map(|_| T::ONE));
        fill_lane(self.point.gradient, lane, c.iter().map(|_| T::ZERO));
    }

    /// Writes a lane's point out.
    pub(super) fn store(&self, lane: usize, z: &mut [T]) {
        for (z, row) in z.iter_mut().zip(self.point.z.iter()) {
            *z = row[lane];
        }
    }

    /// Moves the lanes that accept to their trials.
    pub(super) fn accept(&mut self, accepted: &Lanes<bool>) {
        core::mem::swap(&mut self.point, &mut self.trial);
        for (lane, &accepted) in accepted.iter().enumerate() {
            if !accepted {
                self.point.copy_lane(lane, &self.trial);
            }
        }
    }

    /// Puts the trials at `length` times Newton's step from the points, and evaluates F there.
    ///
    /// The step is `-(diag(s) - s s' + mu I)^-1 g` by Sherman and Morrison. With `D = diag(s) + mu I` the formula
    /// divides by `1 - s'D^-1 s`. Since `s` adds up to 1, that is `mu sum s_i/(s_i + mu)`: no difference of nearly equal
    /// numbers, whatever mu. A lane that halves its step computes it again, to the same bits: no lane waits for another.
    pub(super) fn attempt(&mut self, length: &Lanes<T>) {
        let along = self.invert();
        let largest = self.advance(&along, length);
        self.evaluate(&largest);
    }

    /// `step = D^-1 1`, and `s'D^-1 g/(mu s'D^-1 1)` of each lane.
    #[inline(never)]
    fn invert(&mut self) -> Lanes<T> {
        let mu = self.mu;
        let (mut inner, mut divisor) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        let rows = self.point.softmax.iter().zip(self.point.gradient.iter());
        for ((&s, &g), step) in rows.zip(self.step.iter_mut()) {
            let inverse = s.map(|s| T::ONE / (s + mu));
            for l in 0..LANES {
                inner[l] += s[l] * inverse[l] * g[l];
                divisor[l] += s[l] * inverse[l];
            }
            *step = inverse;
        }
        core::array::from_fn(|l| inner[l] / (mu * divisor[l]))
    }

    /// `step = -D^-1 (g + s along)`, `trial = point + length step`; returns the trials' largest entries.
    #[inline(never)]
    fn advance(&mut self, along: &Lanes<T>, length: &Lanes<T>) -> Lanes<T> {
        let Point { z, softmax, gradient, known } = &mut self.point;
        let (mut slope, mut largest) = ([T::ZERO; LANES], [T::NEG_INFINITY; LANES]);
        let rows = z.iter().zip(softmax.iter()).zip(gradient.iter());
        for (((&z, &s), &g), (step, trial)) in rows.zip(self.step.iter_mut().zip(self.trial.z.iter_mut())) {
            let inverse = *step;
            let (mut d, mut moved) = ([T::ZERO; LANES], z);
            for l in 0..LANES {
                d[l] = -((g[l] + s[l] * along[l]) * inverse[l]);
            }
            for l in 0..LANES {
                moved[l] += length[l] * d[l];
            }
            for l in 0..LANES {
                slope[l] += g[l] * d[l];
            }
            for (largest, z) in largest.iter_mut().zip(moved) {
                *largest = z.max(*largest);
            }
            (*step, *trial) = (d, moved);
        }
        for (known, slope) in known.iter_mut().zip(slope) {
            known.slope = slope.to_f64();
        }
        largest
    }

    /// Fills in everything about the trials; `largest` are their largest entries.
    fn evaluate(&mut self, largest: &Lanes<T>) {
        let sum = self.exponentials(largest);
        let inverse = sum.map(|sum| 1.0 / sum);
        let sums = self.slopes(&inverse);
        let mu = self.mu.to_f64();
        for l in 0..LANES {
            let (largest, inner) = (largest[l].to_f64(), sums.inner[l]);
            let distance = 0.5 * mu * sums.distance[l];
            let magnitudes = (self.largest_y[l], sums.magnitude[l], self.largest_c[l]);
            self.trial.known[l] = Known {
                value: (largest - inner) + Real::ln(sum[l]) + distance,
                noise: T::EPSILON.to_f64() * (1.0 + largest.abs() + inner.abs() + distance),
                residual: sums.residual[l],
                tolerance: kkt_tolerance(Loss::CrossEntropy, self.mu, magnitudes),
                slope: sums.slope[l],
            };
        }
    }

    /// `exp(z - max z)` in the place of the softmax, and its sums.
    #[inline(never)]
    fn exponentials(&mut self, largest: &Lanes<T>) -> Lanes<f64> {
        let mut sum = [0.0; LANES];
        for (&z, e) in self.trial.z.iter().zip(self.trial.softmax.iter_mut()) {
            let mut exponential = z;
            for l in 0..LANES {
                exponential[l] = exp_of_negative(z[l] - largest[l]);
            }
            for l in 0..LANES {
                sum[l] += exponential[l].to_f64();
            }
            *e = exponential;
        }
        sum
    }

    /// Softmax and gradient, and the sums over the rows.
    #[inline(never)]
    fn slopes(&mut self, inverse: &Lanes<f64>) -> Sums<T> {
        let mu = self.mu.to_f64();
        let Point { z, softmax, gradient, .. } = &mut self.trial;
        let mut sums = Sums::new();
        let known = z.iter().zip(self.c.iter()).zip(self.y.iter()).zip(self.step.iter());
        for ((((&z, &c), &y), &d), (s, g)) in known.zip(softmax.iter_mut().zip(gradient.iter_mut())) {
            for (magnitude, z) in sums.magnitude.iter_mut().zip(z) {
                *magnitude = z.abs().max(*magnitude);
            }
            let (z, c, y, d) = (wide(z), wide(c), wide(y), wide(d));
            let (mut share, mut slope) = (wide(*s), [0.0; LANES]);
            for l in 0..LANES {
                share[l] *= inverse[l];
            }
            for l in 0..LANES {
                let difference = z[l] - c[l];
                slope[l] = (share[l] - y[l]) + mu * difference;
                sums.distance[l] += difference * difference;
            }
            for l in 0..LANES {
                sums.inner[l] += y[l] * z[l];
            }
            for (residual, slope) in sums.residual.iter_mut().zip(slope) {
                *residual = slope.abs().max(*residual);
            }
            for l in 0..LANES {
                sums.slope[l] += slope[l] * d[l];
            }
            (*s, *g) = (share.map(T::from_f64), slope.map(T::from_f64));
        }
        sums
    }
}

/// Sums and maxima over the rows of each lane.
struct Sums<T> {
    /// `<y, z>`
    inner: Lanes<f64>,
    /// `|z - c|^2`
    distance: Lanes<f64>,
    /// `max |g|`
    residual: Lanes<f64>,
    /// `<g, step>`
    slope: Lanes<f64>,
    /// `max |z|`
    magnitude: Lanes<T>,
}

impl<T: Real> Sums<T> {
    fn new() -> Self {
        let zero = [0.0; LANES];
        Self { inner: zero, distance: zero, residual: zero, slope: zero, magnitude: [T::ZERO; LANES] }
    }
}
