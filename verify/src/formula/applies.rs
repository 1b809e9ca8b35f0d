//! Which runs a formula is part of.

use altmin_core::method::{Hyperparameters, Name};

use super::Formula;
use crate::layerwise::Layerwise;
use crate::plain::{is_exact, risk_slope_squared};
use crate::subnetworks::Splitting;

impl Formula {
    /// Whether a run of `method` with these settings computes it, in a place where a wrong result is no legal step.
    pub fn applies(self, method: Name, settings: &Hyperparameters<f64>) -> bool {
        if method == Name::Local {
            return matches!(
                self,
                Self::WeightStep | Self::BiasStep | Self::ReadoutStep | Self::LocalObjective
            );
        }
        match Layerwise::of(method) {
            Some(method) => self.applies_to_layers(method, settings),
            None => Splitting::of(method).is_some_and(|method| self.applies_to_subnetworks(method, settings)),
        }
    }

    fn applies_to_subnetworks(self, method: Splitting, settings: &Hyperparameters<f64>) -> bool {
        match self {
            Self::SplittingObjective | Self::SplittingError => true,
            // Theorem 1 asks for a risk with a Lipschitz constant.
            Self::SplittingBound => risk_slope_squared(settings.loss, 1).is_some(),
            Self::WeightStep | Self::InputStep => true,
            Self::Copy | Self::Dual => method == Splitting::Gsadmm,
            _ => false,
        }
    }

    fn applies_to_layers(self, method: Layerwise, settings: &Hyperparameters<f64>) -> bool {
        match self {
            Self::SplittingObjective | Self::SplittingError | Self::SplittingBound => false,
            Self::ReadoutStep | Self::LocalObjective => false,
            Self::InputTau => !is_exact(settings.input_step),
            Self::SumGram => is_exact(settings.weight_step),
            Self::Coupling => method != Layerwise::Dlam,
            Self::Copy | Self::RecoveredDual => method == Layerwise::Pdadmm,
            Self::Dual => matches!(method, Layerwise::Pdadmm | Layerwise::Dladmm),
            Self::InitialDual | Self::ShiftedResidual => method == Layerwise::Dladmm,
            Self::LinearInterval | Self::ActivationInterval => method == Layerwise::Dlam,
            _ => true,
        }
    }
}
