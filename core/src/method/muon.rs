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
use super::gradient::{Gradient, card};
use super::{Hyperparameters, Run};
use crate::block::LinearMap;
use crate::error::Result;
use crate::executor::{Executor, Extent, Spans};
use crate::gemm::Gemm;
use crate::optimizer::Optimizer;
use crate::optimizer::orthogonal::{orthogonalize, orthogonalize_workspace};
use crate::real::Real;
use crate::view::dense_mut;
use crate::workspace::Requirement;

/// What is known of Muon without a run. The products of the orthogonalisation, which do not grow with the samples, are not
/// counted.
pub const CARD: Card = card(
    ("muon", 12),
    ("Muon", "Muon (Jordan et al. 2024): orthogonalised momentum; AdamW for biases and the last map"),
    "K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse, J. Bernstein, Muon: An Optimizer for Hidden \
     Layers in Neural Networks, 2024",
    |_| Defaults { learning_rate: 0.02, ..Defaults::UNUSED },
);

/// `mu`.
const MOMENTUM: f64 = 0.95;

/// The rate of biases and the last map, as a share of the learning rate.
const ASIDE: f64 = 0.015;

/// Muon for a run; in mini-batches where the settings have any.
///
/// # Errors
/// As [`Gradient::gd`].
pub fn new<T: Real>(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Gradient<T>> {
    let (rate, number) = (settings.learning_rate, T::from_f64);
    let aside = Optimizer::Adam {
        rate: number(ASIDE) * rate,
        beta1: number(0.9),
        beta2: number(0.95),
        epsilon: number(1e-10),
    };
    Gradient::with_turn(aside, Some(Turn { rate }), settings, run)
}

/// How the weights of all maps but the last step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<T> {
    /// The spectral norm of a step.
    pub(super) rate: T,
}

impl<T: Real> Turn<T> {
    /// `B <- mu B + G`, `G <- G + mu B`.
    pub(super) fn look_ahead(gradient: &mut [T], velocity: &mut [T]) {
        let momentum = T::from_f64(MOMENTUM);
        for (g, b) in gradient.iter_mut().zip(velocity) {
            *b = momentum * *b + *g;
            *g += momentum * *b;
        }
    }

    /// The weights of these maps from what [`look_ahead`](Self::look_ahead) left, of the `length` that a schedule has; `other`
    /// is used in between. All lists are laid out as the parameters are.
    pub(super) fn step<E: Executor<T>, G: Gemm<T>>(
        self,
        maps: impl Iterator<Item = Whole> + Clone + Send,
        length: T,
        weight_decay: T,
        lists: [&mut [T]; 3],
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let rule = Optimizer::gd(length * self.rate);
        executor.run(Spans::new(maps, lists), |_, (whole, [w, g, other]), stack| {
            let (n_out, n_in) = (whole.map.n_out, whole.map.n_in);
            let weights = n_out * n_in;
            if !whole.turns || weights == 0 {
                return Ok(());
            }
            let (w, g) = (&mut w[..weights], &mut g[..weights]);
            let other = &mut dense_mut(&mut other[..weights], n_out, n_in);
            orthogonalize(gemm, &mut dense_mut(g, n_out, n_in), other, stack)?;
            rule.decay(weight_decay, w);
            let rate = T::from_f64(rule.rate().to_f64() * libm::sqrt((n_out as f64 / n_in as f64).max(1.0)));
            w.iter_mut().zip(&*g).for_each(|(w, &g)| *w -= rate * g);
            Ok(())
        })
    }

    /// Scratch of [`step`](Self::step).
    pub(super) fn workspace<G: Gemm<T>>(gemm: &G, maps: impl Iterator<Item = Whole>) -> Requirement {
        maps.filter(|whole| whole.turns).fold(Requirement::NONE, |most, Whole { map, .. }| {
            most.or(orthogonalize_workspace(gemm, map.n_out, map.n_in))
        })
    }
}

/// The parameters of a linear map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    pub(super) map: LinearMap,
    /// Whether its weights step by the rule here.
    pub(super) turns: bool,
}

impl Extent for Whole {
    fn extent(&self) -> usize {
        self.map.parameters()
    }
}
