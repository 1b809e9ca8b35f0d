//! How epsilon goes on from sweep to sweep (the paper's experiments, section 4.1.2), and what moves when it shrinks.

use crate::choice::choice;
use crate::error::{Error, Result, require_positive};

/// What moves where `|h(z) - a| <= epsilon` no longer holds because epsilon has shrunk. F may rise by either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Repair {
    /// `a` moves to the nearest end of `h(z) -+ epsilon`, and the residual above follows by a product; z and the
    /// layer's own residual stay.
    #[default]
    Activations,
    /// `z` moves to the nearest point of the preimage of `a -+ epsilon`, as the paper's next step of equation 4 does,
    /// and the layer's own residual follows elementwise. Only where no finite z serves, because `a` is too far from
    /// the range of h, `a` moves after it.
    Linear,
}

choice! { Repair, "epsilon-repair":
    Activations, 0, "a",
        "Activations: hidden layers that start from a forward pass do not change";
    Linear, 1, "z",
        "Linear variables, as in the next step of the paper: hidden layers learn from it";
}

/// The rule by which epsilon balances the risk R, the **mean** over the samples of the risk at z_L
/// ([`Method::mean_risk`](crate::method::Method::mean_risk)). The host applies it between sweeps, by
/// [`Method::set_penalties`](crate::method::Method::set_penalties).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EpsilonRule {
    /// Epsilon stays, and F never rises.
    Fixed,
    /// `R > 10 epsilon`: `max(2 epsilon, high)`; `epsilon > 10 R`: `max(epsilon/2, low)`, but not above epsilon.
    Adaptive {
        /// Below this it is not halved; above 0, usually 0.01.
        low: f64,
        /// At least this where it is doubled; not below `low`, usually 1.
        high: f64,
    },
    /// As the paper prints it: `R > 10 epsilon`: `max(2 epsilon, high)`; `epsilon > 10 R`: `min(epsilon/2, low)`. From 10
    /// it falls to 0.01 at once, and where R then exceeds 0.1 it returns to 1: it can cycle between the two for ever.
    Printed {
        /// Where it falls to; above 0, usually 0.01.
        low: f64,
        /// At least this where it is doubled; not below `low`, usually 1.
        high: f64,
    },
}

/// An [`EpsilonRule`] without its bounds, as people choose it by a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EpsilonRuleKind {
    /// [`EpsilonRule::Fixed`].
    Fixed,
    /// [`EpsilonRule::Adaptive`].
    Adaptive,
    /// [`EpsilonRule::Printed`].
    Printed,
}

choice! { EpsilonRuleKind, "epsilon-rule":
    Fixed, 0, "fixed", "Constant epsilon: the objective never increases";
    Adaptive, 1, "adaptive",
        "R > 10 epsilon: at least HIGH, and doubled; epsilon > 10 R: halved, down to LOW";
    Printed, 2, "printed",
        "As printed in the paper: halved or LOW, whichever is less, which cycles";
}

impl EpsilonRuleKind {
    /// The rule with these bounds, if it has any.
    pub fn rule(self, (low, high): (f64, f64)) -> EpsilonRule {
        match self {
            Self::Fixed => EpsilonRule::Fixed,
            Self::Adaptive => EpsilonRule::Adaptive { low, high },
            Self::Printed => EpsilonRule::Printed { low, high },
        }
    }
}

impl EpsilonRule {
    /// `Ok` when the bounds are in their range.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `epsilon low` or `epsilon high`.
    pub fn validate(&self) -> Result {
        match *self {
            Self::Fixed => Ok(()),
            Self::Adaptive { low, high } | Self::Printed { low, high } => {
                require_positive("epsilon low", low)?;
                require_positive("epsilon high", high)?;
                if low <= high {
                    return Ok(());
                }
                Err(Error::Setting { name: "epsilon low", found: low, expected: "not above the high bound" })
            }
        }
    }

    /// The next epsilon. A risk that is NaN changes nothing, and none makes epsilon infinite or 0.
    pub fn next(&self, epsilon: f64, risk: f64) -> f64 {
        let doubled = |high: f64| (2.0 * epsilon).max(high).min(f64::MAX);
        let (high, halved) = match *self {
            Self::Fixed => return epsilon,
            Self::Adaptive { low, high } => (high, (epsilon / 2.0).max(low).min(epsilon)),
            // Halved for ever it would vanish.
            Self::Printed { low, high } => (high, (epsilon / 2.0).min(low).max(f64::MIN_POSITIVE)),
        };
        if risk > 10.0 * epsilon {
            doubled(high)
        } else if epsilon > 10.0 * risk {
            halved
        } else {
            epsilon
        }
    }
}
