//! What TSSM promises.

use altmin_core::Loss;

use super::Splitting;
use crate::plain::risk_slope_squared;
use crate::promise::{Promise, Property};

/// What is promised of a run with this risk.
pub(super) fn promises(splitting: Splitting, loss: Loss) -> Vec<Promise> {
    let gsadmm = splitting == Splitting::Gsadmm;
    let has_lipschitz = risk_slope_squared(loss, 1).is_some();
    let mut promises = vec![
        Promise::new(
            Property::Start,
            "the run starts from a forward pass: p and q are the outputs of the subnetworks below, u is 0",
            "documentation",
        ),
        Promise::new(
            Property::WeightBatches,
            "in every batch weights step along the gradient of their own Omega_l, those of the last subnetwork along that of R",
            "TSSM, equations 2 and 3",
        ),
        Promise::new(
            Property::InputStationary,
            "p moves by 1/tau_2 along the gradient of its terms",
            if gsadmm { "TSSM, equation 4" } else { "TSSM, equations 7 and 8" },
        ),
    ];
    if gsadmm {
        promises.extend([
            Promise::new(Property::CopyStationary, "the gradient in q is 0", "TSSM, equation 5"),
            Promise::new(Property::DualStep, "u moves by rho (p - q)", "TSSM, equation 6"),
        ]);
    }
    let objective = if gsadmm { "L_rho" } else { "F" };
    let estimate = "the norms of linear maps are estimates from below by power iteration; what its rounds may leave is allowed for";
    let promised = || {
        (!has_lipschitz).then(|| {
            "a risk with a Lipschitz constant, such as cross-entropy: least squares has none".to_owned()
        })
    };
    promises.extend([
        Promise::new(
            Property::Objective,
            format!("the reported objective is {objective} of the variables"),
            if gsadmm { "TSSM, Algorithm 1" } else { "TSSM, Algorithm 2" },
        ),
        Promise::new(
            Property::ApproximationError,
            "the reported error of splitting is |R(whole network) - R(last subnetwork on its p)|",
            "TSSM, Theorem 1",
        ),
        Promise::new(
            Property::ApproximationBound,
            "the reported bound is H_R H_n sum_l |r_l| prod_j H_j, with r_l = p_{l+1} - f_l(p_l)",
            "TSSM, Theorem 1",
        )
        .departing(estimate)
        .under(promised()),
        Promise::new(Property::Approximation, "the error of splitting is at most the bound", "TSSM, Theorem 1")
            .departing(estimate)
            .under(promised()),
        Promise::new(
            Property::Descent,
            format!("{objective} never rises from epoch to epoch"),
            "no theorem of TSSM",
        )
        .under(Some(format!(
            "steps that cannot raise a term: all samples in a batch, rates below 2/L of the subnetworks' gradients{}",
            if gsadmm { ", tau_2 and rho large against the curvature in p" } else { " and tau_2 above half the curvature in p" }
        ))),
    ]);
    promises
}
