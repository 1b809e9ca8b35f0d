//! The variables of a run for reading.

use altmin_core::Real;
use altmin_core::method::{Partition, dladmm, dlam, pdadmm};

use super::{Engine, Memory, State};

/// The variables of a run beside weights and biases, in the units that the method works on.
#[derive(Debug)]
pub enum Variables<'a, T> {
    /// layers x groups.
    Pdadmm {
        /// `p`.
        inputs: &'a [pdadmm::Input<T, Memory<T>>],
        /// `r`.
        residuals: &'a [pdadmm::Residual<T, Memory<T>>],
        /// `z` and `q`.
        outputs: &'a [pdadmm::Output<T, Memory<T>>],
    },
    /// groups x layers.
    Dladmm {
        /// `a` and `z`.
        hidden: &'a [dladmm::Hidden<T, Memory<T>>],
        /// `r`.
        residuals: &'a [dladmm::Residual<T, Memory<T>>],
        /// `z_L` and `u`.
        groups: &'a [dladmm::Group<T, Memory<T>>],
    },
    /// groups x layers.
    Dlam {
        /// `a` and `z`.
        hidden: &'a [dlam::Hidden<T, Memory<T>>],
        /// `r`.
        residuals: &'a [dlam::Residual<T, Memory<T>>],
        /// `z_L`.
        groups: &'a [dlam::Group<T, Memory<T>>],
    },
}

impl<T: Real> Engine<T> {
    /// The variables as the last sweep left them; none of a method that is not in [`Variables`].
    pub fn variables(&self) -> Option<Variables<'_, T>> {
        match &self.state {
            State::Pdadmm(state) => Some(state.variables()),
            State::Dladmm(state) => Some(state.variables()),
            State::Dlam(state) => Some(state.variables()),
            _ => None,
        }
    }

    /// How the samples are cut.
    pub fn partition(&self) -> Partition {
        self.partition
    }
}
