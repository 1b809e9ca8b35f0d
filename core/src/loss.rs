//! Losses on the last layer: value, gradient, and the output layer's z-subproblem.
//!
//! The risk `R(z; y)` is **summed** over the samples. `z` is n x m: n outputs (classes), m samples in a tile.
//!
//! A member has a file of its own; here are its variant, its row of the table and its risk.

mod cross_entropy;
mod huber;
mod least_squares;
mod output;
mod risk;
mod target;

pub use output::{
    KKT_FACTOR, OutputReport, OutputSolver, kkt_tolerance, solve_output, solve_output_workspace,
};
pub use target::Target;

use crate::choice::{Choice as _, choice};
use crate::error::{Error, Result, require_positive};
use crate::real::Real;
use crate::view::{MatMut, MatRef, column, column_mut, require_length, require_size};
use crate::workspace::Stack;
use cross_entropy::CrossEntropy;
use huber::Huber;
use least_squares::LeastSquares;
use risk::Risk;

/// The risk `R(z; y)` of the last layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Softmax cross-entropy, `R = sum_j log(sum_i exp z_ij) - <y_j, z_j>`, where `y_j` is the unit vector of sample
    /// j's class, or probabilities that the caller gives. Evaluated with the column's maximum subtracted.
    CrossEntropy,
    /// `R = 1/2 |z - y|^2`, where `y_j` is the unit vector of sample j's class, or any values.
    LeastSquares,
    /// Huber's loss, `R = sum_ij rho(z_ij - y_ij)` with `rho(d) = d^2/2` for `|d| <= delta` and
    /// `delta (|d| - delta/2)` beyond; y as for least squares, beside which far targets count for less.
    Huber {
        /// Where the parabola goes over into a line, in the units of the output; finite and above 0, usually 1.
        delta: f64,
    },
}

choice! { Loss, "loss":
    CrossEntropy, 0, "cross-entropy",
        "Softmax cross-entropy, log(sum exp z) - <y, z> summed over samples; y is a class, or probabilities";
    LeastSquares, 1, "least-squares",
        "(1/2)|z - y|^2 summed over samples; y is the unit vector of a class, or any values";
    Huber { delta = 1.0 } [require_positive], 2, "huber",
        "d^2/2 where |d| <= delta, else delta (|d| - delta/2), d = z - y, summed over outputs and samples";
}

/// Evaluates an expression with the risk of the member that a loss is.
macro_rules! with_risk {
    ($loss:expr, $risk:ident => $value:expr) => {
        match $loss {
            Loss::CrossEntropy => {
                let $risk = CrossEntropy;
                $value
            }
            Loss::LeastSquares => {
                let $risk = LeastSquares;
                $value
            }
            Loss::Huber { delta } => {
                let $risk = Huber { delta };
                $value
            }
        }
    };
}

impl Loss {
    /// H, the Lipschitz constant of the gradient of R without weights of classes: 1/2 for cross-entropy (the largest
    /// eigenvalue that `diag(s) - s s'` can have), 1 for least squares and Huber's loss. With weights it is
    /// [`Target::largest_weight`] times that.
    pub fn lipschitz<T: Real>(self) -> T {
        T::from_f64(with_risk!(self, risk => risk.lipschitz()))
    }

    /// The largest `|gradient|^2` that R can have for one sample of so many outputs: 2 for cross-entropy, whose gradient `softmax(z) - y` is
    /// the difference of two points of the simplex; `outputs delta^2` for Huber's loss; none for least squares.
    pub fn largest_gradient_squared(self, outputs: usize) -> Option<f64> {
        with_risk!(self, risk => risk.largest_gradient_squared(outputs))
    }

    /// Whether softmax(z) are probabilities of classes, as for cross-entropy: the values of a target must then be
    /// probabilities too. Otherwise they may be any numbers, and the loss is one for regression as well.
    pub fn has_probabilities(self) -> bool {
        with_risk!(self, risk => risk.has_probabilities())
    }

    /// Vectors of the output layer's size that [`solve`](Self::solve) takes from the stack.
    fn solver_vectors(self, solver: OutputSolver) -> usize {
        with_risk!(self, risk => risk.solver_vectors(solver))
    }

    /// [`solve_output`] without its checks.
    fn solve<T: Real>(
        self,
        solver: OutputSolver,
        mu: T,
        c: MatRef<'_, T>,
        target: Target<'_, T>,
        z: MatMut<'_, T>,
        iterations: usize,
        stack: Stack<'_, T>,
    ) -> Result<OutputReport> {
        with_risk!(self, risk => risk.solve(solver, mu, c, target, z, iterations, stack))
    }

    /// `Ok` when `target` fits `z` of `rows x columns` and this loss. Every function here asks this first.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the loss's parameter if it is out of its range;
    /// [`Error::Shape`] naming `target` if it has another shape; [`Error::Setting`] naming `target` for a class that
    /// is not below `rows`, and, for cross-entropy, for values that are not probabilities: below 0, or a column
    /// whose sum is further than 0.001 from 1; of weights [`Error::Shape`] naming `weights` if there is not one a row,
    /// [`Error::Setting`] naming it for one that is not finite and above 0.
    pub fn check_target<T: Real>(self, target: Target<'_, T>, rows: usize, columns: usize) -> Result {
        self.check()?;
        match target {
            Target::Classes(classes) => {
                require_length("target", classes.len(), columns)?;
                target::check_classes("target", classes, rows)
            }
            Target::WeightedClasses { classes, weights } => {
                require_length("target", classes.len(), columns)?;
                target::check_weights(weights, rows)?;
                target::check_classes("target", classes, rows)
            }
            Target::Values(values) => {
                require_size("target", values.shape(), (rows, columns))?;
                if self.has_probabilities() { target::check_probabilities(values) } else { Ok(()) }
            }
        }
    }

    /// `R(z; y)`, the columns' risks, times their weights, added from the first to the last.
    ///
    /// z: n x m; target: m classes or n x m values.
    ///
    /// # Errors
    /// As [`check_target`](Self::check_target).
    pub fn value<T: Real>(self, z: MatRef<'_, T>, target: Target<'_, T>) -> Result<f64> {
        self.check_target(target, z.nrows(), z.ncols())?;
        let columns = 0..z.ncols();
        Ok(with_risk!(self, risk => {
            columns.map(|j| target.weight(j).to_f64() * risk.value(column(&z, j), target.column(j))).sum()
        }))
    }

    /// The gradient of R with respect to z: `softmax(z) - y`, or `z - y`, held within -delta and delta by Huber's loss; times
    /// the weight of the column's class.
    ///
    /// z, gradient: n x m; target: m classes or n x m values.
    ///
    /// # Errors
    /// As [`check_target`](Self::check_target), and [`Error::Shape`] naming `gradient`.
    pub fn gradient<T: Real>(
        self,
        z: MatRef<'_, T>,
        target: Target<'_, T>,
        mut gradient: MatMut<'_, T>,
    ) -> Result {
        self.check_target(target, z.nrows(), z.ncols())?;
        require_size("gradient", gradient.shape(), z.shape())?;
        with_risk!(self, risk => for j in 0..z.ncols() {
            risk.gradient(column(&z, j), target.column(j), column_mut(&mut gradient, j));
        });
        if let Target::WeightedClasses { .. } = target {
            for j in 0..z.ncols() {
                let weight = target.weight(j);
                column_mut(&mut gradient, j).iter_mut().for_each(|g| *g = weight * *g);
            }
        }
        Ok(())
    }
}

/// The index of the largest element, the lowest of several; NaN is never the largest. 0 for an empty slice.
pub fn argmax<T: Real>(z: &[T]) -> usize {
    let mut best = 0;
    let mut largest = T::NEG_INFINITY;
    for (i, &z) in z.iter().enumerate() {
        if z > largest {
            (best, largest) = (i, z);
        }
    }
    best
}

/// How many columns of `z` (n x m) are largest at their class, ties counted for the lowest index.
///
/// A column whose entry at its class is NaN is never correct.
///
/// # Errors
/// [`Error::Shape`] naming `classes` if there are not m of them, [`Error::Setting`] if one is not below n.
pub fn count_correct<T: Real>(z: MatRef<'_, T>, classes: &[u32]) -> Result<usize> {
    require_length("classes", classes.len(), z.ncols())?;
    target::check_classes("classes", classes, z.nrows())?;
    let is_correct = |j: usize, class: usize| {
        let z = column(&z, j);
        argmax(z) == class && z[class].partial_cmp(&z[class]).is_some()
    };
    Ok(classes.iter().enumerate().filter(|&(j, &class)| is_correct(j, class as usize)).count())
}

/// What an accuracy is made of: of classes the columns that are classified rightly, of values the sum of squared errors.
///
/// # Errors
/// As [`count_correct`] and [`Loss::value`].
pub fn score<T: Real>(z: MatRef<'_, T>, target: Target<'_, T>) -> Result<f64> {
    match target {
        Target::Classes(classes) | Target::WeightedClasses { classes, .. } => {
            Ok(count_correct(z, classes)? as f64)
        }
        Target::Values(_) => Ok(2.0 * Loss::LeastSquares.value(z, target)?),
    }
}

/// Refuses a target with what was found in it.
fn refuse(name: &'static str, found: f64, expected: &'static str) -> Result {
    Err(Error::Setting { name, found, expected })
}
