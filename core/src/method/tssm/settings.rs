//! What goes on in and between subnetworks.

use crate::choice::choice;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inner {
    /// Stochastic gradient descent (equations 2 and 3), with the settings' learning rate.
    Sgd,
    /// Adam, with the settings' learning rate.
    Adam,
    /// By a proximal sweep, as [`proxprop`](super::super::proxprop) with the settings' nu and damping: the way back leaves
    /// every linear map with its input p and a signal r, and all maps take at once the joint least-squares step of
    /// weights and bias for `r -> 0`. The signal at the output is `f_l - q_l`, in the last subnetwork `z - t` with
    /// `t = argmin R + (nu/2)|z - t|^2`, R summed. In p's step the last subnetwork's gradient of R is likewise nu times
    /// what the signal is at its input.
    ///
    /// In mini-batches without a guard the steps are those of [`proxprop`](super::super::proxprop) in mini-batches, with its
    /// momentum, schedule, form and carried sums, each subnetwork for its own p and q: the signal at the output of one below
    /// the last is that of its own penalty, `alpha/(alpha + nu) (f_l - q_l) = f_l - argmin (alpha/2)|z - q_l|^2 +
    /// (nu/2)|z - f_l|^2`.
    ///
    /// With a guard every subnetwork has a nu of its own, steered as in [`proxprop`](super::super::proxprop) by the cost of
    /// the batch before and after the step: a step that raises the cost is undone and nu multiplied by 4. Below the last
    /// subnetwork nu cannot be less than it was at the start, and shortens the signal: `(f_l - q_l) start/nu`.
    Proxprop,
}

choice! { Inner, "inner":
    Sgd, 0, "sgd", "Stochastic gradient descent";
    Adam, 1, "adam", "Adam";
    Proxprop, 2, "proxprop", "Proximal sweeps with least-squares weights, as in the method proxprop";
}

/// Where the defaults of settings between subnetworks come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preset {
    /// Experiments.
    #[default]
    Tuned,
    /// The paper.
    Paper,
}

choice! { Preset, "preset":
    Tuned, 0, "tuned", "Values that worked best on held-out images";
    Paper, 1, "paper", "The values of the paper (TSSM, section 3.2.1)";
}

/// What a setting of subnetworks is when nobody said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InnerDefaults {
    /// Means or sums.
    pub convention: Convention,
    /// The weight of penalties.
    pub alpha: f64,
    /// The weight of constraints.
    pub rho: f64,
    /// What divides an input's gradient.
    pub tau: f64,
    /// The length of a gradient step; of no consequence to proximal sweeps.
    pub learning_rate: f64,
    /// By how much a cost may rise.
    pub guard: Option<f64>,
}

impl Preset {
    /// The rule inside subnetworks.
    pub fn inner(self) -> Inner {
        match self {
            Self::Tuned => Inner::Adam,
            Self::Paper => Inner::Sgd,
        }
    }
}

impl Inner {
    /// Samples of a mini-batch; `None` for all of them. Guarded proximal sweeps want several times as many as layers are wide.
    pub fn batch(self) -> Option<usize> {
        (self != Self::Proxprop).then_some(120)
    }

    /// The defaults of a method over subnetworks with this rule inside, in mini-batches or over all samples.
    ///
    /// **The paper's** (section 3.2.1), with 1/tau_1 = 1/100 for gradient descent, are means with alpha = rho = 1 and
    /// tau_2 = 100; its authors' program has rho = 10, tau_2 = 10000 and Adam with 0.001.
    ///
    /// **Those that were tuned** are sums with alpha = rho = tau_2: p then goes in one step to `q - (grad R + u)/rho`, for
    /// gsAM to `f - grad R/alpha`, and comes to rest where `q - f = -grad R/alpha`, so that a single number says how far a
    /// split moves. From `experiments/subnetworks.py` on held-out images: with optimisers 0.1 did best on MNIST (nine layers of
    /// 512), 3 on 2,000 CIFAR images; with guarded proximal sweeps 0.1 to 1 did well on MNIST and digits.
    pub fn defaults(self, preset: Preset, minibatches: bool) -> InnerDefaults {
        let is_proximal = self == Self::Proxprop;
        let (convention, [alpha, rho, tau]) = match preset {
            Preset::Paper => (Convention::Mean, [1.0, 1.0, 100.0]),
            Preset::Tuned if is_proximal => (Convention::Sum, [0.3; 3]),
            Preset::Tuned => (Convention::Sum, [0.1; 3]),
        };
        InnerDefaults {
            convention,
            alpha,
            rho,
            tau,
            learning_rate: if self == Self::Adam { 1e-3 } else { 1e-2 },
            guard: (is_proximal && !minibatches).then_some(0.0),
        }
    }
}
