//! The activation of a hidden layer, which is the input of the layer above (DLAM, equation 6 and Algorithm 3).
//!
//! Objective, separable over samples, with the weights and the residual of the layer above, `r = W a + b - z_above`:
//! `phi(a) = (rho/2)|r|^2` over `h(z) - epsilon <= a <= h(z) + epsilon`. A step is
//! `a <- clip(a - g/tau, h(z) - epsilon, h(z) + epsilon)` with `g = rho W'r`. With D the move that is left after clipping,
//! `<g, D> <= -tau |D|^2` (the present a is in the box), so phi falls by at least `(tau/2)|D|^2` if
//! `rho |W D|^2 <= tau |D|^2`, for each column or for any set of columns together.
//!
//! Algorithm 3 prints the test for the move before clipping, and `phi <= Q` is the test above where nothing is clipped.
//! What F compares is the clipped move, so that is what is tried.

use crate::activation::{Activation, between};
use crate::error::{Error, Result, require_positive};
use crate::gemm::{Gemm, Transpose};
use crate::objective::squared;
use crate::real::Real;
use crate::reduce;
use crate::update::input::Prepared;
use crate::update::rounding_slack;
use crate::update::sums::add_slice;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, columns_mut, dense, reborrow, require_size};
use crate::workspace::{Requirement, Stack};

/// What a step did to its objective.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moved {
    /// The decrease of phi that is promised, `sum (tau/2)|D|^2` (Lemma 6 of DLAM, equation 13).
    pub promised: f64,
    /// `|D|^2`, summed over the tile.
    pub squared: f64,
    /// Columns whose move, after clipping, took a product of its own, each time that it was tried.
    pub trials: usize,
}

/// What a step knows beside the variables that move.
#[derive(Debug, Clone, Copy)]
pub struct Interval<'a, T: Real> {
    /// rho, above 0.
    pub rho: T,
    /// Half the interval's width, above 0.
    pub epsilon: T,
    /// h.
    pub activation: Activation<T>,
    /// W of the layer above, n_out x n_in.
    pub weights: MatRef<'a, T>,
    /// z of the layer whose output a is, n_in x m.
    pub z: MatRef<'a, T>,
}

/// **map**: moves `a` (n_in x m) and the residual above, `r` (n_out x m), by one step of equation 6.
///
/// - [`Prepared::Columns`]: each column begins with the smallest tau that is legal along its own gradient,
///   `rho |W g|^2/|g|^2`, where entries that stand at an end of their interval (but for rounding) and are pushed out of it are left
///   out of g: they move for no tau. A column that is then not clipped is done, an exact line search. One that is clipped tries its
///   move, and again with `max(2 tau, rho |W D|^2/|D|^2)` until that is legal; `rho |W|_F^2` always is.
/// - [`Prepared::Tau`]: one tau, from [`search`](super::search).
///
/// Columns whose gradient is 0 stay. Majorised: phi falls by at least `(tau/2)|D|^2`, if a tau that was given is legal.
/// `a` ends in its interval, or no further outside than it was, but for rounding.
///
/// Products: two of n_out x n_in x m (`W'r`, `W g` or `W D`), and with [`Prepared::Columns`] as many columns of a further
/// one as are reported.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting) for `rho`, `epsilon` or a tau that is not positive and for an exact step,
/// which an interval does not have, [`NonFinite`](crate::error::Error::NonFinite) for a tau that is not finite,
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`step_workspace`].
pub fn step<T: Real, G: Gemm<T>>(
    gemm: &G,
    interval: &Interval<'_, T>,
    prepared: Prepared<'_, T>,
    a: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result<Moved> {
    let tau = match prepared {
        Prepared::Columns => None,
        Prepared::Tau(tau) => {
            require_tau(tau)?;
            Some(tau)
        }
        Prepared::Inverse(_) | Prepared::OuterInverse(_) => {
            return Err(Error::Setting {
                name: "input step",
                found: 0.0,
                expected: "a step along the gradient",
            });
        }
    };
    let mut work = Work::new(gemm, interval, &as_ref(a), &as_ref(r), stack)?;
    match tau {
        Some(tau) => {
            work.clip_all(tau, &as_ref(a));
            work.multiply_moves(a.ncols())?;
            Ok(work.accept_all(tau, a, r))
        }
        None => {
            work.multiply_gradient()?;
            let (mut moved, open) = work.first_moves(a, r);
            work.try_until_legal(open, &mut moved, a, r)?;
            Ok(moved)
        }
    }
}

/// Scratch of [`step`]: the gradient and the moves, n_in x m each, an n_out x m product, a tau for each column, and one
/// product's.
pub fn step_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize, m: usize) -> Requirement {
    let products = gemm.workspace(n_out, m, n_in).or(gemm.workspace(n_in, m, n_out));
    let inputs = Requirement::matrix(n_in, m);
    inputs.and(inputs).and(Requirement::matrix(n_out, m)).and(Requirement::vector(m)).and(products)
}

/// What [`project`] moved.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Projected {
    /// Entries of `a` that were outside.
    pub entries: usize,
    /// The square of the distance that they moved.
    pub squared: f64,
}

/// **map**: puts `a` (n_in x m) back into `h(z) - epsilon <= a <= h(z) + epsilon` after epsilon has shrunk; the residual
/// above follows, `r <- r + W D`. phi may rise by it.
///
/// One product of n_out x n_in x m.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting), [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace) below [`project_workspace`].
pub fn project<T: Real, G: Gemm<T>>(
    gemm: &G,
    interval: &Interval<'_, T>,
    a: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Projected> {
    let (n_in, m) = interval.check(&as_ref(a), &as_ref(r))?;
    stack.require(project_workspace(gemm, interval.weights.nrows(), n_in, m))?;
    let mut moves = stack.matrix(n_in, m)?;
    let mut projected = Projected::default();
    for j in 0..m {
        let d = column_mut(&mut moves, j);
        interval.activation.apply(column(&interval.z, j), d)?;
        for (d, a) in d.iter_mut().zip(column_mut(a, j)) {
            let new = between(*d - interval.epsilon, *a, *d + interval.epsilon);
            projected.entries += usize::from(new != *a);
            *d = new - *a;
            *a = new;
        }
        projected.squared += reduce::sum_squares(d);
    }
    if projected.entries > 0 {
        let (no, one) = (Transpose::No, T::ONE);
        gemm.gemm(one, interval.weights, no, as_ref(&moves), no, one, reborrow(r), stack)?;
    }
    Ok(projected)
}

/// Scratch of [`project`]: the moves, n_in x m, and one product's.
pub fn project_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize, m: usize) -> Requirement {
    Requirement::matrix(n_in, m).and(gemm.workspace(n_out, m, n_in))
}

/// A tau from samples that have diverged is not finite; one that is not positive is no step parameter.
pub(super) fn require_tau<T: Real>(tau: T) -> Result {
    if tau.is_finite() {
        require_positive("tau", tau.to_f64())
    } else {
        Err(Error::NonFinite { quantity: "tau" })
    }
}

impl<T: Real> Interval<'_, T> {
    /// Rows and columns of `a`, if everything fits.
    pub(in crate::update) fn check(&self, a: &MatRef<'_, T>, r: &MatRef<'_, T>) -> Result<(usize, usize)> {
        let ((n_out, n_in), m) = (self.weights.shape(), r.ncols());
        require_positive("rho", self.rho.to_f64())?;
        require_positive("epsilon", self.epsilon.to_f64())?;
        require_size("r", r.shape(), (n_out, m))?;
        require_size("a", a.shape(), (n_in, m))?;
        require_size("z", self.z.shape(), (n_in, m))?;
        Ok((n_in, m))
    }
}

/// The buffers of a step and what is done in them. rho is left out of everything: a step with tau is one with
/// `sigma = tau/rho` along `W'r`, and small rho cannot underflow.
pub(super) struct Work<'w, T: Real, G> {
    gemm: &'w G,
    interval: Interval<'w, T>,
    /// `W'r`, 0 where an entry is pushed out of its interval.
    gradient: MatMut<'w, T>,
    /// h(z), then the moves; columns that are still open stand at the front.
    moves: &'w mut [T],
    /// W times the gradient, or the moves.
    product: MatMut<'w, T>,
    /// sigma of each column; 0 where there is nothing left to do.
    sigma: &'w mut [T],
    stack: Stack<'w, T>,
}

/// The sums over samples by which one tau for all is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lengths {
    /// `|g|^2`, or `|D|^2`.
    pub squared: f64,
    /// `|W g|^2`, or `|W D|^2`.
    pub product_squared: f64,
}

impl Lengths {
    /// Adds another part of the samples.
    pub fn add(&mut self, other: Self) {
        self.squared += other.squared;
        self.product_squared += other.product_squared;
    }
}

impl<'w, T: Real, G: Gemm<T>> Work<'w, T, G> {
    /// Checks everything and makes the gradient.
    pub(super) fn new(
        gemm: &'w G,
        interval: &Interval<'w, T>,
        a: &MatRef<'_, T>,
        r: &MatRef<'_, T>,
        mut stack: Stack<'w, T>,
    ) -> Result<Self> {
        let (n_in, m) = interval.check(a, r)?;
        let n_out = r.nrows();
        stack.require(step_workspace(gemm, n_out, n_in, m))?;
        let (mut gradient, product) = (stack.matrix(n_in, m)?, stack.matrix(n_out, m)?);
        let (moves, sigma) = (stack.vector(n_in * m)?, stack.vector(m)?);
        let (one, target) = (T::ONE, reborrow(&mut gradient));
        gemm.gemm(one, interval.weights, Transpose::Yes, *r, Transpose::No, T::ZERO, target, stack.rest())?;
        let mut work = Self { gemm, interval: *interval, gradient, moves, product, sigma, stack };
        work.hold_gradient(a)?;
        Ok(work)
    }

    /// Writes h(z) where the moves will be, and takes out of the gradient what is pushed out of its interval.
    fn hold_gradient(&mut self, a: &MatRef<'_, T>) -> Result {
        let Interval { epsilon, activation, z, .. } = self.interval;
        let n = a.nrows();
        for j in 0..a.ncols() {
            let image = &mut self.moves[j * n..][..n];
            activation.apply(column(&z, j), image)?;
            for ((g, &h), &a) in column_mut(&mut self.gradient, j).iter_mut().zip(&*image).zip(column(a, j)) {
                if is_held(epsilon, *g, h, a) {
                    *g = T::ZERO;
                }
            }
        }
        Ok(())
    }

    /// `product <- W g`.
    pub(super) fn multiply_gradient(&mut self) -> Result {
        let (weights, no) = (self.interval.weights, Transpose::No);
        let (g, target) = (as_ref(&self.gradient), reborrow(&mut self.product));
        self.gemm.gemm(T::ONE, weights, no, g, no, T::ZERO, target, self.stack.rest())
    }

    /// `product <- W D` for the first `count` moves.
    pub(super) fn multiply_moves(&mut self, count: usize) -> Result {
        let (weights, no) = (self.interval.weights, Transpose::No);
        let moves = dense(&self.moves[..count * weights.ncols()], weights.ncols(), count);
        let target = columns_mut(&mut self.product, 0, count);
        self.gemm.gemm(T::ONE, weights, no, moves, no, T::ZERO, target, self.stack.rest())
    }

    /// The sums for the gradient and its product.
    pub(super) fn gradient_lengths(&self) -> Lengths {
        let (g, product) = (as_ref(&self.gradient), as_ref(&self.product));
        Lengths { squared: squared(&g), product_squared: squared(&product) }
    }

    /// The sums for the moves of all columns and their products.
    pub(super) fn move_lengths(&self) -> Lengths {
        Lengths { squared: reduce::sum_squares(self.moves), product_squared: squared(&as_ref(&self.product)) }
    }

    /// The moves of all columns with one tau.
    pub(super) fn clip_all(&mut self, tau: T, a: &MatRef<'_, T>) {
        let (sigma, n) = (tau / self.interval.rho, a.nrows());
        for j in 0..a.ncols() {
            let g = column(&as_ref(&self.gradient), j);
            clip(self.interval.epsilon, sigma, g, column(a, j), &mut self.moves[j * n..][..n]);
        }
    }

    /// Moves all columns by one tau.
    fn accept_all(&mut self, tau: T, a: &mut MatMut<'_, T>, r: &mut MatMut<'_, T>) -> Moved {
        let n = a.nrows();
        let mut moved = Moved::default();
        for j in 0..a.ncols() {
            let d = &self.moves[j * n..][..n];
            add_slice(d, column_mut(a, j));
            add_slice(column(&as_ref(&self.product), j), column_mut(r, j));
            moved.squared += reduce::sum_squares(d);
        }
        moved.promised = 0.5 * tau.to_f64() * moved.squared;
        moved
    }

    /// Moves the columns whose first step is not clipped; returns how many are left open.
    fn first_moves(&mut self, a: &mut MatMut<'_, T>, r: &mut MatMut<'_, T>) -> (Moved, usize) {
        let Interval { rho, epsilon, weights, .. } = self.interval;
        let (n, floor) = (a.nrows(), T::from_f64(squared(&weights)) * T::EPSILON);
        let (mut moved, mut open) = (Moved::default(), 0);
        for j in 0..a.ncols() {
            let g = column(&as_ref(&self.gradient), j);
            let product = column(&as_ref(&self.product), j);
            let norm = reduce::sum_squares(g);
            self.sigma[j] = T::ZERO;
            if norm == 0.0 {
                continue;
            }
            let sigma = floor.max(T::from_f64(reduce::sum_squares(product) / norm));
            let d = &mut self.moves[j * n..][..n];
            if clip(epsilon, sigma, g, column(&as_ref(a), j), d) {
                self.sigma[j] = sigma;
                self.moves.copy_within(j * n..(j + 1) * n, open * n);
                open += 1;
                continue;
            }
            add_slice(d, column_mut(a, j));
            for (r, &product) in column_mut(r, j).iter_mut().zip(product) {
                *r -= product / sigma;
            }
            moved.add(rho, sigma, reduce::sum_squares(d));
        }
        (moved, open)
    }

    /// Tries the moves of the open columns until all are legal.
    fn try_until_legal(
        &mut self,
        mut open: usize,
        moved: &mut Moved,
        a: &mut MatMut<'_, T>,
        r: &mut MatMut<'_, T>,
    ) -> Result {
        let Interval { rho, epsilon, activation, weights, z } = self.interval;
        let (n, cap) = (a.nrows(), T::from_f64(squared(&weights)));
        let two = T::from_f64(2.0);
        while open > 0 {
            moved.trials += open;
            self.multiply_moves(open)?;
            let (mut tried, mut failed) = (0, 0);
            for j in 0..a.ncols() {
                let sigma = self.sigma[j];
                if sigma == T::ZERO {
                    continue;
                }
                let d = &self.moves[tried * n..][..n];
                let product = column(&as_ref(&self.product), tried);
                tried += 1;
                let length = reduce::sum_squares(d);
                let curvature = T::from_f64(reduce::sum_squares(product) / length);
                if length > 0.0 && sigma < cap && curvature > sigma * rounding_slack() {
                    self.sigma[j] = (two * sigma).max(curvature).min(cap);
                    let d = &mut self.moves[failed * n..][..n];
                    activation.apply(column(&z, j), d)?;
                    clip(
                        epsilon,
                        self.sigma[j],
                        column(&as_ref(&self.gradient), j),
                        column(&as_ref(a), j),
                        d,
                    );
                    failed += 1;
                    continue;
                }
                self.sigma[j] = T::ZERO;
                add_slice(d, column_mut(a, j));
                add_slice(product, column_mut(r, j));
                moved.add(rho, sigma, length);
            }
            open = failed;
        }
        Ok(())
    }
}

impl Moved {
    fn add<T: Real>(&mut self, rho: T, sigma: T, squared: f64) {
        self.squared += squared;
        self.promised += 0.5 * rho.to_f64() * sigma.to_f64() * squared;
    }
}

/// Whether `a` stands at that end of its interval out of which a step against `g` would push it. z has been clipped too,
/// and left many entries at an end but for rounding: those are held as well.
fn is_held<T: Real>(epsilon: T, g: T, h: T, a: T) -> bool {
    let sixty_four = T::from_f64(64.0);
    let slack = (sixty_four * T::EPSILON * (T::ONE + h.abs())).min(epsilon / sixty_four);
    let inner = epsilon - slack;
    (g > T::ZERO && a <= h - inner) || (g < T::ZERO && a >= h + inner)
}

/// `d`, which holds h(z), becomes the move from `a` to `a - g/sigma`, clipped to the interval widened to contain `a`.
/// Returns whether anything was clipped.
///
/// A quotient, not a product with 1/sigma: that may be infinite where g is 0.
fn clip<T: Real>(epsilon: T, sigma: T, g: &[T], a: &[T], d: &mut [T]) -> bool {
    let mut clipped = false;
    for ((d, &g), &a) in d.iter_mut().zip(g).zip(a) {
        let (low, high) = ((*d - epsilon).min(a), (*d + epsilon).max(a));
        let target = a - g / sigma;
        let new = between(low, target, high);
        clipped |= new != target;
        *d = new - a;
    }
    clipped
}
