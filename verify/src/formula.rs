//! The formulas that a run is made of, each of which can be falsified to see that a promise breaks.

mod applies;

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
