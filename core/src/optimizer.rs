//! The baselines' optimisers: parameters from their gradient.
//!
//! Each is elementwise, so that parameters may be stepped in pieces, on as many threads as one likes, with the same bits.
//! A step reads and writes each slice once.

mod adadelta;
mod adagrad;
mod adam;
mod gd;
mod momentum;
pub mod orthogonal;

use crate::error::{Error, Result, require_decay, require_positive};
use crate::real::Real;
use crate::view::require_length;

/// Elements that are worked on at a time: a root a lane is no vector instruction without the standard library, so the roots
/// of a block are taken in a row and what is around them stays vectorised.
const BLOCK: usize = 64;

/// A rule by which parameters follow the gradient `g_t` of the `t`-th step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer<T> {
    /// Gradient descent, `x <- x - rate g`; stochastic when the gradient is of a batch.
    Gd {
        /// The length of a step, above 0.
        rate: T,
    },
    /// Gradient descent with momentum, as PyTorch has it: `b <- momentum b + g`, `x <- x - rate d` with `d = b` (Polyak 1964),
    /// or with Nesterov's look ahead `d = g + momentum b` (Sutskever, Martens, Dahl, Hinton, ICML 2013, equations 3 and 4, in
    /// the variable `x + momentum v`).
    Momentum {
        /// The length of a step, above 0.
        rate: T,
        /// The share of the last `b` that is kept, in [0, 1).
        momentum: T,
        /// Whether a step looks ahead.
        nesterov: bool,
    },
    /// Adagrad with a diagonal matrix (Duchi, Hazan, Singer, JMLR 2011, Figure 1 without projection or regulariser):
    /// `s <- s + g^2`, `x <- x - rate g / (sqrt(s) + epsilon)`.
    Adagrad {
        /// `eta`, above 0.
        rate: T,
        /// `delta`, above 0; it stands outside of the root, in the paper and in PyTorch.
        epsilon: T,
    },
    /// Adadelta (Zeiler, 2012, Algorithm 1): `e <- decay e + (1 - decay) g^2`,
    /// `d = -g sqrt((s + epsilon) / (e + epsilon))`, `s <- decay s + (1 - decay) d^2`, `x <- x + rate d`.
    Adadelta {
        /// What the steps are multiplied with, above 0: PyTorch's addition; 1 is the paper's method.
        rate: T,
        /// `rho`, in [0, 1).
        decay: T,
        /// Above 0; it stands inside of the roots.
        epsilon: T,
    },
    /// Adam (Kingma, Ba, ICLR 2015, Algorithm 1): `m <- beta1 m + (1 - beta1) g`, `v <- beta2 v + (1 - beta2) g^2`,
    /// `x <- x - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)`.
    Adam {
        /// `alpha`, above 0.
        rate: T,
        /// The decay of the first moment, in [0, 1).
        beta1: T,
        /// The decay of the second moment, in [0, 1).
        beta2: T,
        /// Above 0; it stands outside of the root, added after the bias is corrected.
        epsilon: T,
    },
}

impl<T: Real> Optimizer<T> {
    /// Gradient descent.
    pub fn gd(rate: T) -> Self {
        Self::Gd { rate }
    }

    /// Gradient descent with momentum; without any where `momentum` is 0.
    pub fn momentum(rate: T, momentum: T, nesterov: bool) -> Self {
        if momentum == T::ZERO { Self::gd(rate) } else { Self::Momentum { rate, momentum, nesterov } }
    }

    /// Adagrad with `epsilon = 1e-10`, PyTorch's: the paper gives `delta` no number. PyTorch's rate is 0.01.
    pub fn adagrad(rate: T) -> Self {
        Self::Adagrad { rate, epsilon: T::from_f64(1e-10) }
    }

    /// Adadelta with the paper's `decay = 0.95` and `epsilon = 1e-6` (its section 4.1). The paper has `rate = 1`. PyTorch's
    /// decay is 0.9, its epsilon the same.
    pub fn adadelta(rate: T) -> Self {
        Self::Adadelta { rate, decay: T::from_f64(0.95), epsilon: T::from_f64(1e-6) }
    }

    /// Adam with the paper's `beta1 = 0.9`, `beta2 = 0.999`, `epsilon = 1e-8`, which are PyTorch's as well. The paper's rate
    /// is 0.001.
    pub fn adam(rate: T) -> Self {
        let number = T::from_f64;
        Self::Adam { rate, beta1: number(0.9), beta2: number(0.999), epsilon: number(1e-8) }
    }

    /// `Ok` when every number is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming `rate`, `momentum`, `epsilon`, `decay`, `beta1` or `beta2`.
    pub fn validate(&self) -> Result {
        match *self {
            Self::Gd { rate } => require_positive("rate", rate.to_f64()),
            Self::Momentum { rate, momentum, .. } => {
                require_positive("rate", rate.to_f64())?;
                require_decay("momentum", momentum.to_f64())
            }
            Self::Adagrad { rate, epsilon } => {
                require_positive("rate", rate.to_f64())?;
                require_positive("epsilon", epsilon.to_f64())
            }
            Self::Adadelta { rate, decay, epsilon } => {
                require_positive("rate", rate.to_f64())?;
                require_decay("decay", decay.to_f64())?;
                require_positive("epsilon", epsilon.to_f64())
            }
            Self::Adam { rate, beta1, beta2, epsilon } => {
                require_positive("rate", rate.to_f64())?;
                require_decay("beta1", beta1.to_f64())?;
                require_decay("beta2", beta2.to_f64())?;
                require_positive("epsilon", epsilon.to_f64())
            }
        }
    }

    /// The length of a step, by which every rule multiplies.
    pub fn rate(&self) -> T {
        match *self {
            Self::Gd { rate }
            | Self::Momentum { rate, .. }
            | Self::Adagrad { rate, .. }
            | Self::Adadelta { rate, .. }
            | Self::Adam { rate, .. } => rate,
        }
    }

    /// The same with steps of `length` times the rate, as a schedule has them.
    #[must_use]
    pub fn shortened(self, length: T) -> Self {
        self.with_rate(self.rate() * length)
    }

    /// The same with steps of another length.
    #[must_use]
    pub fn with_rate(mut self, new: T) -> Self {
        match &mut self {
            Self::Gd { rate }
            | Self::Momentum { rate, .. }
            | Self::Adagrad { rate, .. }
            | Self::Adadelta { rate, .. }
            | Self::Adam { rate, .. } => *rate = new,
        }
        self
    }

    /// Decoupled weight decay (Loshchilov, Hutter, ICLR 2019, Algorithm 2 in PyTorch's form, in which the rate multiplies it):
    /// `x <- (1 - rate decay) x`, which goes before a [`step`](Self::step) of the same parameters. Adam with it is AdamW. A
    /// `decay` of 0 changes no bit.
    pub fn decay(&self, decay: T, parameters: &mut [T]) {
        if decay != T::ZERO {
            let kept = T::from_f64(1.0 - self.rate().to_f64() * decay.to_f64());
            parameters.iter_mut().for_each(|x| *x = kept * *x);
        }
    }

    /// How many slices of state a step keeps, each as long as the parameters and zero before the first step.
    pub fn moments(&self) -> usize {
        match self {
            Self::Gd { .. } => 0,
            Self::Momentum { .. } | Self::Adagrad { .. } => 1,
            Self::Adadelta { .. } | Self::Adam { .. } => 2,
        }
    }

    /// The `t`-th step, counted from 1, which only Adam looks at.
    ///
    /// `gradient`, `parameters` and as many of `first` and `second` as [`Optimizer::moments`] says have one length; the
    /// others are not touched and may be empty. `first` is momentum's `b`, Adagrad's `s`, Adadelta's `e`, Adam's `m`; `second` Adadelta's
    /// `s`, Adam's `v`. A gradient that is NaN makes its parameter NaN, so that divergence is seen. Settings are not
    /// checked again ([`Optimizer::validate`]). Exact up to rounding; no scratch.
    ///
    /// # Errors
    /// [`Error::Shape`] naming `parameters`, `first` or `second`; [`Error::Setting`] naming `t` if it is 0. Nothing is
    /// written then.
    pub fn step(
        &self,
        t: u64,
        gradient: &[T],
        first: &mut [T],
        second: &mut [T],
        parameters: &mut [T],
    ) -> Result {
        if t == 0 {
            return Err(Error::Setting { name: "t", found: 0.0, expected: "1 or above" });
        }
        require_length("parameters", parameters.len(), gradient.len())?;
        if self.moments() > 0 {
            require_length("first", first.len(), gradient.len())?;
        }
        if self.moments() > 1 {
            require_length("second", second.len(), gradient.len())?;
        }
        match *self {
            Self::Gd { rate } => gd::step(rate, gradient, parameters),
            Self::Momentum { rate, momentum, nesterov } => {
                momentum::step(rate, momentum, nesterov, gradient, first, parameters);
            }
            Self::Adagrad { rate, epsilon } => adagrad::step(rate, epsilon, gradient, first, parameters),
            Self::Adadelta { rate, decay, epsilon } => {
                adadelta::step(rate, decay, epsilon, gradient, first, second, parameters);
            }
            Self::Adam { rate, beta1, beta2, epsilon } => {
                adam::step(rate, [beta1, beta2], epsilon, t, gradient, first, second, parameters);
            }
        }
        Ok(())
    }
}

/// The root of each.
fn roots<T: Real>(values: &mut [T]) {
    values.iter_mut().for_each(|value| *value = value.sqrt());
}
