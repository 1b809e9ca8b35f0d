//! Steps along the gradient with a legal theta, one a row or one a layer.
//!
//! `phi(W + D) <= phi(W) + <G, D> + (theta_i/2)|D_i|^2`, row by row, if and only if `w D_i S D_i' <= theta_i |D_i|^2`.
//! Without a regulariser `D_i = -G_i/theta_i` and the smallest legal theta follows in closed form. With one, D is its
//! proximal step, which depends on theta: theta grows until the test holds. `w trace(S)` always passes.

use super::{Change, Order, Reduced, StepRule, inner, squared};
use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::sums::Sums;
use crate::update::{backtrack, rounding_slack};
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, reborrow};
use crate::workspace::{Requirement, Stack};

pub(super) fn step<T: Real, G: Gemm<T>>(
    gemm: &G,
    rule: &StepRule<T>,
    order: Order,
    w: T,
    regularizer: Regularizer<T>,
    sums: &Sums<'_, T>,
    weights: &MatRef<'_, T>,
    change: &mut Change<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Reduced> {
    let (n_out, n_in) = weights.shape();
    let mut gradient = stack.matrix(n_out, n_in)?;
    let mut product = stack.matrix(n_out, n_in)?;
    let theta = stack.vector(n_out)?;
    let curvature = stack.vector(n_out)?;
    let length = stack.vector(n_out)?;

    write_gradient(order, w, sums, &mut gradient);
    let mut search = Search {
        gemm,
        w,
        cap: w * (0..n_in).map(|j| sums.gram[(j, j)]).sum::<T>(),
        gram: sums.gram,
        gradient: as_ref(&gradient),
        product: reborrow(&mut product),
        curvature,
        length,
    };
    search.first_theta(rule, regularizer, theta, stack.rest())?;
    search.step(regularizer, weights, theta, change)?;
    if regularizer != Regularizer::None {
        search.raise_theta(rule, regularizer, weights, theta, change, stack)?;
    }
    let majorised = promised(theta, &as_ref(&change.weights), search.length);
    let centred = step_bias(order, sums, change);
    Ok(Reduced {
        promised: majorised + 0.5 * w.to_f64() * centred,
        weights_squared: squared(&as_ref(&change.weights)),
        bias_squared: reduce::sum_squares(change.bias),
    })
}

/// Scratch of a majorised [`reduce`](super::reduce): two matrices like W, three columns, and one product's.
pub(super) fn step_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize) -> Requirement {
    let weights = Requirement::matrix(n_out, n_in);
    weights.and(weights).and(Requirement::matrix(n_out, 3)).and(gemm.workspace(n_out, n_in, n_in))
}

/// `G = w C`, where b has moved first with `C = r p' - M k m'`.
fn write_gradient<T: Real>(order: Order, w: T, sums: &Sums<'_, T>, gradient: &mut MatMut<'_, T>) {
    let inverse_count = T::ONE / T::from_usize(sums.samples);
    for j in 0..gradient.ncols() {
        let mean = match order {
            Order::WeightsFirst => T::ZERO,
            Order::BiasFirst => sums.input[j] * inverse_count,
        };
        let terms = column(&sums.cross, j).iter().zip(sums.residual);
        for (g, (&c, &k)) in column_mut(gradient, j).iter_mut().zip(terms) {
            *g = w * (c - k * mean);
        }
    }
}

/// The bias's exact minimiser, before or after the weights; returns `M |d|^2`.
fn step_bias<T: Real>(order: Order, sums: &Sums<'_, T>, change: &mut Change<'_, T>) -> f64 {
    let inverse_count = T::ONE / T::from_usize(sums.samples);
    for (d, &sum) in change.bias.iter_mut().zip(sums.residual) {
        *d = -sum * inverse_count;
    }
    if order == Order::WeightsFirst {
        for j in 0..change.weights.ncols() {
            let mean = sums.input[j] * inverse_count;
            for (d, &step) in change.bias.iter_mut().zip(column(&as_ref(&change.weights), j)) {
                *d -= step * mean;
            }
        }
    }
    sums.samples as f64 * reduce::sum_squares(change.bias)
}

/// `sum (theta_i/2)|D_i|^2`; `length` is scratch.
fn promised<T: Real>(theta: &[T], change: &MatRef<'_, T>, length: &mut [T]) -> f64 {
    row_dots(change, change, length);
    theta.iter().zip(length).map(|(&theta, &mut length)| 0.5 * (theta * length).to_f64()).sum()
}

/// `dots_i = <A_i, B_i>` for every row.
fn row_dots<T: Real>(a: &MatRef<'_, T>, b: &MatRef<'_, T>, dots: &mut [T]) {
    dots.fill(T::ZERO);
    for j in 0..a.ncols() {
        for ((dot, &a), &b) in dots.iter_mut().zip(column(a, j)).zip(column(b, j)) {
            *dot += a * b;
        }
    }
}

struct Search<'a, T: Real, G> {
    gemm: &'a G,
    w: T,
    /// `w trace(S)`, which always passes.
    cap: T,
    gram: MatRef<'a, T>,
    gradient: MatRef<'a, T>,
    product: MatMut<'a, T>,
    /// `A_i S A_i'` for the rows of the matrix last measured.
    curvature: &'a mut [T],
    /// `|A_i|^2` for the same rows.
    length: &'a mut [T],
}

impl<T: Real, G: Gemm<T>> Search<'_, T, G> {
    /// Curvature and length of every row of `matrix`.
    fn measure(&mut self, matrix: &MatRef<'_, T>, stack: Stack<'_, T>) -> Result {
        let target = reborrow(&mut self.product);
        self.gemm.gemm(T::ONE, *matrix, Transpose::No, self.gram, Transpose::No, T::ZERO, target, stack)?;
        row_dots(&as_ref(&self.product), matrix, self.curvature);
        row_dots(matrix, matrix, self.length);
        Ok(())
    }

    /// The smallest theta that is legal without a regulariser; where the gradient is 0, the mean eigenvalue
    /// `w trace(S)/n_in`. Never below `EPSILON` of the cap, which is where the curvature is lost in its own rounding.
    ///
    /// With a regulariser [`StepRule::Backtracking`] begins at its own start, and the regularised step is what is tried.
    fn first_theta(
        &mut self,
        rule: &StepRule<T>,
        regularizer: Regularizer<T>,
        theta: &mut [T],
        stack: Stack<'_, T>,
    ) -> Result {
        let gradient = self.gradient;
        self.measure(&gradient, stack)?;
        let n_in = gradient.ncols().max(1);
        let (mean, floor) = (self.cap / T::from_usize(n_in), self.cap * T::EPSILON);
        match *rule {
            StepRule::Vector | StepRule::LeastSquares { .. } => {
                for (i, theta) in theta.iter_mut().enumerate() {
                    let (curvature, length) = (self.curvature[i], self.length[i]);
                    *theta = if length > T::ZERO { floor.max(self.w * curvature / length) } else { mean };
                }
            }
            StepRule::Scalar | StepRule::Backtracking { .. } => {
                let length: f64 = squared(&gradient);
                let curvature = inner(&as_ref(&self.product), &gradient);
                let smallest = floor.max(T::from_f64(self.w.to_f64() * curvature / length));
                let scalar = match *rule {
                    StepRule::Backtracking { start, .. } if regularizer != Regularizer::None => {
                        start.min(self.cap)
                    }
                    _ if length == 0.0 => mean,
                    StepRule::Backtracking { start, factor } => {
                        backtrack(start, factor, self.cap.max(smallest), |theta| theta >= smallest)
                    }
                    _ => smallest,
                };
                theta.fill(scalar);
            }
        }
        Ok(())
    }

    /// `D` from theta; rows of theta 0, whose inputs are all 0, stay.
    fn step(
        &self,
        regularizer: Regularizer<T>,
        weights: &MatRef<'_, T>,
        theta: &[T],
        change: &mut Change<'_, T>,
    ) -> Result {
        for j in 0..weights.ncols() {
            let step = column_mut(&mut change.weights, j);
            regularizer.proximal_step(column(&self.gradient, j), column(weights, j), theta, step)?;
        }
        Ok(())
    }

    /// With a regulariser the step is no multiple of the gradient: raises theta where the test fails and steps again.
    fn raise_theta(
        &mut self,
        rule: &StepRule<T>,
        regularizer: Regularizer<T>,
        weights: &MatRef<'_, T>,
        theta: &mut [T],
        change: &mut Change<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        loop {
            let moved = as_ref(&change.weights);
            self.measure(&moved, stack.rest())?;
            let raised = match *rule {
                StepRule::Vector | StepRule::LeastSquares { .. } => self.raise_rows(theta),
                StepRule::Scalar => self.raise_scalar(theta, T::from_f64(2.0)),
                StepRule::Backtracking { factor, .. } => self.raise_scalar(theta, factor),
            };
            if !raised {
                return Ok(());
            }
            self.step(regularizer, weights, theta, change)?;
        }
    }

    fn raise_rows(&self, theta: &mut [T]) -> bool {
        let mut raised = false;
        let two = T::from_f64(2.0);
        let slack = rounding_slack::<T>();
        for (i, theta) in theta.iter_mut().enumerate() {
            let (curvature, length) = (self.w * self.curvature[i], self.length[i]);
            if *theta < self.cap && curvature > *theta * length * slack {
                *theta = (two * *theta).max(curvature / length).min(self.cap);
                raised = true;
            }
        }
        raised
    }

    fn raise_scalar(&self, theta: &mut [T], factor: T) -> bool {
        let Some(&scalar) = theta.first() else { return false };
        let curvature = self.w.to_f64() * self.curvature.iter().map(|c| c.to_f64()).sum::<f64>();
        let length = self.length.iter().map(|l| l.to_f64()).sum::<f64>();
        let legal = scalar.to_f64() * length * rounding_slack::<T>().to_f64();
        let illegal = scalar < self.cap && curvature > legal;
        if illegal {
            let next = scalar * factor;
            // A subnormal theta times a small factor may round to itself, and would forever.
            theta.fill(if next > scalar { next.min(self.cap) } else { self.cap });
        }
        illegal
    }
}
