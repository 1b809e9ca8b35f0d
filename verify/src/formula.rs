//! The formulas that a run is made of, each of which can be falsified to see that a promise breaks.

use altmin_core::method::{Hyperparameters, Name};

use super::layerwise::Layerwise;
use super::plain::{is_exact, risk_slope_squared};
use super::subnetworks::Splitting;

/// The formulas, and the list of all of them.
macro_rules! formulas {
    ($($(#[$documentation:meta])+ $name:ident,)+) => {
        /// A formula whose result enters a sweep.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Formula {
            $($(#[$documentation])+ $name),+
        }

        impl Formula {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

formulas! {
    /// The gradient of what ties an input to the layer below, `u + c (p - t)`.
    Coupling,
    /// The step of an input, `-g/tau` or the exact one; the residual goes with it.
    InputStep,
    /// The reported tau.
    InputTau,
    /// The residual's share of an input step, `-W g/tau`.
    InputResidual,
    /// `C = r p'`.
    SumCross,
    /// `S = p p'`, where it does more than shorten a step: in least-squares weights.
    SumGram,
    /// The row sums of `r`.
    SumResidual,
    /// The row sums of `p`.
    SumInput,
    /// The weights' step D; the residual goes with it.
    WeightStep,
    /// The reported theta, or the reported decrease of least-squares weights.
    WeightTheta,
    /// The residual's share of the weights' step, `D p`.
    WeightResidual,
    /// The bias's step; the residual goes with it.
    BiasStep,
    /// The residual's share of the bias's step.
    BiasResidual,
    /// A hidden layer's z; the residual goes with it.
    HiddenLinear,
    /// The residual after z of a hidden layer moved.
    HiddenResidual,
    /// The last layer's z; the residual goes with it.
    OutputLinear,
    /// The residual after z of the last layer moved.
    OutputResidual,
    /// pdADMM's q (equation 6).
    Copy,
    /// u (pdADMM equation 7; dlADMM line 24).
    Dual,
    /// pdADMM's u from Lemma 4.
    RecoveredDual,
    /// dlADMM's u before the first sweep.
    InitialDual,
    /// dlADMM's shifted residual after u moved.
    ShiftedResidual,
    /// The ends of DLAM's interval for z, by epsilon.
    LinearInterval,
    /// The ends of DLAM's interval for a, by epsilon.
    ActivationInterval,
    /// The objective that a run over subnetworks reports.
    SplittingObjective,
    /// The error of splitting that it reports.
    SplittingError,
    /// Theorem 1's bound that it reports.
    SplittingBound,
    /// The step of a read-out.
    ReadoutStep,
    /// The objective that a run of layers with read-outs reports.
    LocalObjective,
}

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
