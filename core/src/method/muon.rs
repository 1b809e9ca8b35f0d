//! Muon: momentum, orthogonalised (K. Jordan et al., Muon: An Optimizer for Hidden Layers in Neural Networks, 2024).
//!
//! The weights of every linear map but the last, a convolution's as the n_out x n_in matrix of its patches, take the step
//!
//! `B <- mu B + G`,  `W <- (1 - rate weight_decay) W - rate sqrt(max(1, n_out/n_in)) O(G + mu B)`
//!
//! with `mu = 0.95`, Nesterov's look ahead, and `O` five rounds of Newton and Schulz
//! ([`orthogonal`](crate::optimizer::orthogonal)): a step's singular values are near 1 whatever the gradient's are, and the
//! learning rate is the spectral norm of a step, 0.02 by default. Biases and the last map, for which the author advises
//! AdamW, have Adam with his `beta1 = 0.9`, `beta2 = 0.95`, `epsilon = 1e-10` at 0.015 of the learning rate, which is his
//! 0.0003 beside 0.02.
//!
//! Three departures. The author leaves a network's first convolution to AdamW as well, here it is stepped as the others are.
//! He decays biases too. He computes O in bfloat16.
//!
//! Gradients, their schedule and their clipping are those of [`gradient`](super::gradient). A step is one phase more: all maps
//! are orthogonalised at once, each by one worker.

use super::card::{Card, Defaults};
use super::gradient::orthogonal::Turn;
use super::gradient::{Gradient, card};
use super::{Hyperparameters, Run};
use crate::error::Result;
use crate::optimizer::Optimizer;
use crate::real::Real;

/// What is known of Muon without a run. The products of the orthogonalisation, which do not grow with the samples, are not
/// counted.
pub const CARD: Card = card(
    ("muon", 12),
    ("Muon", "Muon (Jordan et al. 2024): orthogonalised momentum; AdamW for biases and the last map"),
    "K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse, J. Bernstein, Muon: An Optimizer for Hidden \
     Layers in Neural Networks, 2024",
    |_| Defaults { learning_rate: 0.02, ..Defaults::UNUSED },
);

/// The rate of biases and the last map, as a share of the learning rate.
const ASIDE: f64 = 0.015;

/// Muon for a run; in mini-batches where the settings have any.
///
/// # Errors
/// As [`Gradient::gd`].
pub fn new<T: Real>(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Gradient<T>> {
    let (aside, turn) = steps(settings.learning_rate);
    Gradient::with_turn(aside, Some(turn), settings, run)
}

/// What biases and the last map follow, and what all other weights do, with a learning rate.
pub(super) fn steps<T: Real>(rate: T) -> (Optimizer<T>, Turn<T>) {
    let number = T::from_f64;
    let aside = Optimizer::Adam {
        rate: number(ASIDE) * rate,
        beta1: number(0.9),
        beta2: number(0.95),
        epsilon: number(1e-10),
    };
    (aside, Turn { rate })
}
