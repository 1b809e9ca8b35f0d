//! pdADMM's sweep block by block, and its lemmas.

use altmin_core::gemm::Gemm;
use altmin_core::method::Hyperparameters;
use altmin_core::theory::pdadmm_rho_threshold;
use altmin_core::update::hidden::Proximal;
use altmin_core::update::weights::Order;
use altmin_core::{Activation, Regularizer, Result};

use super::Auditor;
use super::steps::InputStep;
use super::texts::{Notation, blocks};
use crate::promise::{Promise, Property};

const NOTATION: Notation = Notation {
    input: "p",
    objective: "L_rho",
    input_source: "pdADMM, equations 1, 13 and 14",
    input_share: "pdADMM, Lemma 6, inequality 9",
    weight_source: "pdADMM, equation 2",
    weight_share: "pdADMM, Lemma 6, inequality 10",
    bias_source: "pdADMM, equation 3; Lemma 6, inequality 11",
    hidden_source: "pdADMM, equation 4",
    output_source: "pdADMM, equation 5; Lemma 6, inequality 12",
    weight: "nu",
};

/// What pdADMM promises under these settings.
pub(super) fn promises(settings: &Hyperparameters<f64>, activation: Activation<f64>) -> Vec<Promise> {
    let lipschitz = activation.lipschitz();
    let threshold = pdadmm_rho_threshold(settings.nu, lipschitz);
    let outside = |bound: f64, theorem: &str| {
        (settings.rho <= bound)
            .then(|| format!("rho above {bound} ({theorem}, with nu = {} and s = {lipschitz})", settings.nu))
    };
    let descends = || outside(threshold, "max(4 nu s^2, (sqrt(17) + 1) nu/2)");
    let regularized = settings.regularizer != Regularizer::None;
    let descent = Promise::new(
        Property::Descent,
        "in every sweep L_rho falls by at least inequality 8, with C1 = nu/2 - 2 nu^2 s^2/rho and C2 = rho/2 - 2 nu^2/rho \
         - nu/2",
        "pdADMM, Lemma 1",
    );
    let descent = match regularized {
        true => descent.departing("the regulariser, which the paper does not have, is part of L_rho"),
        false => descent,
    };
    let mut promises = vec![
        descent.under(descends()),
        Promise::new(
            Property::BoundedObjective,
            "L_rho >= R(z_L) + ((rho - nu)/2)|p - q|^2 >= 0",
            "pdADMM, Lemma 2",
        )
        .departing("follows from Lemma 4 for every F, coercive or not")
        .under(outside(settings.nu, "nu")),
        Promise::new(
            Property::BoundedVariables,
            "R, (nu/2)|r|^2, (nu/2)|p - f(z)|^2, Omega and ((rho - nu)/2)|p - q|^2 stay below the first L_rho",
            "pdADMM, Lemma 2",
        )
        .departing(
            "the paper's bounds on the variables themselves need a coercive F, which ReLU with cross-entropy does not give",
        )
        .under(descends()),
        Promise::new(
            Property::Subgradient,
            "in each block the subgradient after a sweep is bounded by what moved in it",
            "pdADMM, Lemma 3",
        )
        .departing(
            "constants derived anew: the paper bounds p with tau |dW| instead of tau |dp|, drops nu, rho |dp|, rho |dq| and \
             |du|, and takes b for one sample's instead of sqrt(M)|db|",
        ),
        Promise::new(
            Property::Rate,
            "k c_k <= L_rho at the start - L_rho after k sweeps, so that c_k is o(1/k)",
            "pdADMM, Theorem 3",
        )
        .under(descends()),
        Promise::new(Property::DualIdentity, "u = nu (q - f(z)) after every sweep", "pdADMM, Lemma 4"),
        Promise::new(
            Property::CopyAndDual,
            "q and u together lower L_rho by at least C2 |dq|^2 - (2 nu^2 s^2/rho)|dz|^2",
            "pdADMM, Lemma 7, inequality 21",
        ),
    ];
    promises.extend(blocks(settings, &NOTATION));
    promises.extend([
        Promise::new(
            Property::HiddenShare,
            "L_rho falls by at least (nu/2)|dz|^2 over a hidden z",
            "pdADMM, Lemma 6, inequality 12",
        ),
        Promise::new(Property::CopyStationary, "the gradient in q is 0", "pdADMM, equation 6")
            .departing("the paper prints the case rho = nu: q = (rho p + u + nu f(z))/(rho + nu)"),
        Promise::new(
            Property::CopyShare,
            "L_rho falls by at least ((nu + rho)/2)|dq|^2 over q",
            "pdADMM, equation 6",
        ),
        Promise::new(Property::DualStep, "u moves by rho (p - q)", "pdADMM, equation 7"),
        Promise::new(Property::DualShare, "L_rho rises by at most |du|^2/rho over u", "pdADMM, Lemma 7"),
    ]);
    promises
}

/// What was reported over a sweep.
#[derive(Default)]
pub(super) struct Reported {
    /// The largest tau of each layer; 0 for exact steps and the first.
    pub(super) taus: Vec<f64>,
    /// The largest theta of each layer, or `w delta` of least squares.
    pub(super) thetas: Vec<f64>,
}

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// One sweep of Algorithm 1; returns what inequality 8 promises for it.
    pub(super) fn sweep_pdadmm(&mut self) -> Result<f64> {
        let (start, first) = (self.state.clone(), self.value);
        let layers = self.state.weights.len();
        let mut reported = Reported { taus: vec![0.0; layers], thetas: vec![0.0; layers] };
        let mut promised = 0.0;
        for l in 1..layers {
            let before = self.state.clone();
            let coupling = self.copy_coupling(l)?;
            let taken = self.step_input(l, coupling)?;
            promised += self.check_input(&before, l, &taken);
            self.check_residual(l);
            if let InputStep::Taus(taus) = &taken {
                reported.taus[l] = taus.iter().copied().fold(0.0, f64::max);
            }
        }
        for l in 0..layers {
            let (share, theta) = self.block_weights(l, Order::WeightsFirst)?;
            reported.thetas[l] = theta;
            promised += share;
        }
        for l in 0..layers - 1 {
            let before = self.state.clone();
            let target = self.state.copies[l].clone();
            self.move_hidden(l, Proximal::Yes, &target)?;
            self.check_hidden(&before, l, Proximal::Yes, &target);
            self.check_residual(l);
        }
        let before = self.state.clone();
        self.move_output()?;
        self.check_output(&before);
        self.check_residual(layers - 1);
        let middle = self.value;
        for l in 0..layers - 1 {
            let before = self.state.clone();
            self.move_copy(l)?;
            self.check_copy(&before, l);
            let (p, q) = (&self.state.inputs[l + 1], &self.state.copies[l]);
            let (gap, size) = (p.minus(q), p.zip(q, |p, q| p.abs() + q.abs()));
            self.move_copy_dual(l)?;
            self.check_dual(&before, l, l, &gap, &size);
        }
        self.check_lemma_4();
        promised += self.check_pdadmm_sweep(&start, first, middle, promised);
        self.check_pdadmm_bounds(&start, &reported);
        Ok(promised)
    }
}
