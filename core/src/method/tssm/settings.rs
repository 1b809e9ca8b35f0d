//! What the method needs to know beside the data.

use crate::choice::choice;
use crate::error::{Result, require_not_negative, require_positive};
use crate::loss::Loss;
use crate::optimizer::Optimizer;
use crate::real::Real;

/// What lies between the subnetworks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splitting {
    /// p, q and a dual (Algorithm 1).
    Gsadmm,
    /// p alone (Algorithm 2).
    Gsam,
}

/// How the terms of L_rho (or F) that belong to samples are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// As the paper prints them: R is the mean over the M samples and `Omega_l = (alpha/2M)|q_l - f_l|^2`, beside the
    /// plain sums `<u_l, p_{l+1} - q_l> + (rho/2)|p_{l+1} - q_l|^2`.
    Mean,
    /// R is the sum and `Omega_l = (alpha/2)|q_l - f_l|^2`, so that alpha and rho are of one kind whatever M is: 1 stands
    /// where the paper has M in equations 4, 5, 7 and 8, in L_rho and in F. An optimiser's batches take the mean
    /// gradient all the same, whose size its rate is made for.
    Sum,
}

choice! { Convention, "convention":
    Mean, 0, "mean",
        "Mean loss and (alpha/2M)|q - f(p)|^2, with sums for the constraints, as printed in the paper";
    Sum, 1, "sum", "Summed loss and (alpha/2)|q - f(p)|^2";
}

impl Convention {
    /// What stands for M.
    pub(super) fn samples<T: Real>(self, samples: usize) -> T {
        match self {
            Self::Mean => T::from_usize(samples),
            Self::Sum => T::ONE,
        }
    }
}

/// How the weights of a subnetwork step in a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Inner<T> {
    /// Along their gradient (equations 2 and 3).
    Optimizer(Optimizer<T>),
    /// By a proximal sweep: the way back leaves every linear map with its input p and a signal r, and all maps take at once
    /// the joint least-squares step of weights and bias for `r -> 0` ([`update::weights`](crate::update::weights)); a
    /// convolution is the map of its patches. The signal at the output is `f_l - q_l`, in the last subnetwork `z - t` with
    /// `t = argmin R + (nu/2)|z - t|^2`, R summed. In p's step the last subnetwork's gradient of R is likewise nu times
    /// what the signal is at its input.
    ///
    /// With a guard every subnetwork has a nu of its own, steered as in [`proxprop`](super::super::proxprop) by the cost of
    /// the batch before and after the step: a step that raises the cost is undone and nu multiplied by 4. Below the last
    /// subnetwork nu cannot be less than it was at the start, and shortens the signal: `(f_l - q_l) start/nu`.
    Proximal {
        /// Weight of the output's proximal term, above 0; where the guard starts.
        nu: T,
        /// Damping of the least-squares weights relative to the mean eigenvalue of the centred `p p'`, above 0.
        damping: T,
    },
}

impl<T: Real> Inner<T> {
    /// `Ok` when every number is in its range.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting).
    pub fn validate(&self) -> Result {
        match self {
            Self::Optimizer(optimizer) => optimizer.validate(),
            Self::Proximal { nu, damping } => {
                require_positive("nu", nu.to_f64())?;
                require_positive("damping", damping.to_f64())
            }
        }
    }

    /// nu at the start; no matter to an optimiser.
    pub(super) fn nu(&self) -> f64 {
        match self {
            Self::Optimizer(_) => 1.0,
            Self::Proximal { nu, .. } => nu.to_f64(),
        }
    }
}

/// What the method needs to know beside the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings<T> {
    /// Algorithm 1 or 2.
    pub splitting: Splitting,
    /// Weight of the penalties, above 0.
    pub alpha: T,
    /// Weight of the constraints, above 0; of no consequence to gsAM.
    pub rho: T,
    /// tau_2: a step of p is its gradient over this; above 0.
    pub tau: T,
    /// Means or sums over the samples.
    pub convention: Convention,
    /// How the weights of a subnetwork step.
    pub inner: Inner<T>,
    /// The risk R.
    pub loss: Loss,
    /// By how much a subnetwork's mean cost may rise: more, and its step is undone. 0 or above. With an optimiser it looks
    /// at an epoch, with proximal sweeps at every batch, whose nu it then steers ([`Inner::Proximal`]).
    pub guard: Option<T>,
    /// So many subnetworks, from the first, keep their weights: the control that a split must beat.
    pub frozen: usize,
}

impl<T: Real> Settings<T> {
    /// `Ok` when every number is in its range.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting).
    pub fn validate(&self) -> Result {
        require_positive("alpha", self.alpha.to_f64())?;
        require_positive("rho", self.rho.to_f64())?;
        require_positive("tau", self.tau.to_f64())?;
        self.inner.validate()?;
        self.guard.map_or(Ok(()), |guard| require_not_negative("guard", guard.to_f64()))
    }
}
