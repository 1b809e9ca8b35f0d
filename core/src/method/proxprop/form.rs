//! How a dense map's weights are solved for in mini-batches.

use crate::block::{MapKind, Place};
use crate::choice::choice;
use crate::method::minibatch::Trace;

/// The form of the least-squares step of a dense map's weights in mini-batches of m samples: the same step, up to rounding.
/// Convolutions, whose samples are pixels, always take the primal one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// The one with fewer operations.
    #[default]
    Auto,
    /// By a matrix of n_in x n_in ([`update::weights`](crate::update::weights)).
    Primal,
    /// By a matrix of m x m ([`update::weights::dual`](crate::update::weights::dual)).
    Dual,
}

choice!(Form, "form":
    Auto, 0, "auto", "the form with fewer operations";
    Primal, 1, "primal", "by a matrix of inputs x inputs";
    Dual, 2, "dual", "by a matrix of samples x samples";
);

impl Form {
    /// What groups leave of a map for this form, in batches of m samples.
    pub(super) fn trace(self, place: Place, m: usize) -> Trace {
        let is_dual = match self {
            _ if place.map.kind != MapKind::Dense => false,
            Self::Auto => dual(place, m) < primal(place, m),
            Self::Primal => false,
            Self::Dual => true,
        };
        if is_dual { Trace::Columns } else { Trace::Sums }
    }
}

/// Multiply-adds of the dual form: K, its factor, the solve and the step.
fn dual(place: Place, m: usize) -> f64 {
    let [n_out, n_in, m] = [place.map.n_out, place.map.n_in, m].map(|n| n as f64);
    n_in * m * m / 2.0 + m * m * m / 6.0 + n_out * m * m + n_out * n_in * m
}

/// Multiply-adds of the primal form: both sums, the factor and the solve.
fn primal(place: Place, m: usize) -> f64 {
    let [n_out, n_in, m] = [place.map.n_out, place.map.n_in, m].map(|n| n as f64);
    n_in * n_in * m / 2.0 + n_out * n_in * m + n_in * n_in * n_in / 6.0 + n_out * n_in * n_in
}
