//! How epsilon goes on from sweep to sweep (the paper's experiments, section 4.1.2).

use crate::choice::choice;
use crate::error::{Error, Result, require_positive};

/// The rule by which epsilon balances the risk R, the **mean** over the samples of the risk at z_L
/// ([`Dlam::risk`](super::Dlam::risk)). The host applies it between sweeps, by
/// [`Dlam::set_epsilon`](super::Dlam::set_epsilon).
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
