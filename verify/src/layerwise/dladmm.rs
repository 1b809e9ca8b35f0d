//! dlADMM's sweep block by block, and its properties.

use altmin_core::Result;
use altmin_core::gemm::Gemm;
use altmin_core::method::Hyperparameters;
use altmin_core::theory::{dladmm_output_constant, dladmm_rho_threshold};
use altmin_core::update::hidden::Proximal;
use altmin_core::update::weights::Order;

use super::Auditor;
use super::texts::{Notation, blocks};
use crate::plain::is_exact;
use crate::promise::{Promise, Property};

const NOTATION: Notation = Notation {
    input: "a",
    objective: "L_rho",
    input_source: "dlADMM, equations 3 and 16; Algorithm 2",
    input_share: "dlADMM, Property 2",
    weight_source: "dlADMM, equations 9 and 11; Algorithm 3",
    weight_share: "dlADMM, Property 2",
    bias_source: "dlADMM, equations 6, 7, 12 and 13",
    hidden_source: "dlADMM, equations 4 and 14",
    output_source: "dlADMM, equations 5 and 15; Property 2",
    weight: "w",
};

/// What dlADMM promises under these settings.
pub(super) fn promises(settings: &Hyperparameters<f64>) -> Vec<Promise> {
    let lipschitz: f64 = settings.loss.lipschitz();
    let outside = |bound: f64, theorem: &str| {
        (settings.rho <= bound)
            .then(|| format!("rho above {bound} ({theorem}, H = {lipschitz} for {})", settings.loss))
    };
    let descends = || outside(dladmm_rho_threshold(lipschitz), "2 H");
    let slip = "the paper's C2 has theta and tau where theta/2 and tau/2 belong";
    let mut departure = format!(
        "{slip}; z_L's share is rho/2 - 2 H^2/rho in each pass, from which the paper's smaller C1 follows"
    );
    if is_exact(settings.weight_step) {
        departure += "; least-squares weights have a share of their own";
    }
    let mut promises = vec![
        Promise::new(
            Property::Descent,
            "in every sweep L_rho falls by the shares of a, W and b in both passes and (rho/2 - 2 H^2/rho)|dz_L|^2 in each",
            "dlADMM, Property 2, inequality 17",
        )
        .departing(departure)
        .under(descends()),
        Promise::new(
            Property::BoundedObjective,
            "L_rho >= R(W a + b) + ((rho - H)/2)|z_L - W a - b|^2 >= 0",
            "dlADMM, Property 1",
        )
        .departing("follows from u = -grad R(z_L) and the convexity of R, without a coercive F")
        .under(outside(lipschitz, "H")),
        Promise::new(
            Property::BoundedVariables,
            "(nu/2)|r|^2, (nu/2)|a - f(z)|^2, Omega and ((rho - H)/2)|z_L - W a - b|^2 stay below the first L_rho",
            "dlADMM, Property 1",
        )
        .departing(
            "the paper's bounds on the variables themselves need a coercive F, which ReLU with cross-entropy does not give",
        )
        .under(descends()),
        Promise::new(
            Property::Rate,
            "k c_k <= L_rho at the start - L_rho after k sweeps, so that c_k is o(1/k)",
            "dlADMM, Theorem 4.3",
        )
        .departing("c_k is that of the descent above, each change with its own weight")
        .under(descends()),
        Promise::new(Property::DualIdentity, "u = -grad R(z_L), from the start on", "dlADMM, equation 15 and line 24"),
    ];
    promises.extend(blocks(settings, &NOTATION));
    promises.extend([
        Promise::new(
            Property::HiddenShare,
            "L_rho does not rise over a hidden z",
            "dlADMM, equations 4 and 14",
        ),
        Promise::new(Property::DualStep, "u moves by rho (z_L - W a - b)", "dlADMM, lines 23 and 24"),
        Promise::new(Property::DualShare, "L_rho rises by at most |du|^2/rho over u", "dlADMM, Property 2"),
    ]);
    promises
}

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// One sweep of Algorithm 1; returns what Property 2 promises for it.
    pub(super) fn sweep_dladmm(&mut self) -> Result<f64> {
        let first = self.value;
        let last = self.state.weights.len() - 1;
        let mut promised = self.block_output()?;
        promised += self.block_weights(last, Order::BiasFirst)?.0;
        for l in (0..last).rev() {
            promised += self.block_activation(l)?;
            self.block_linear(l)?;
            promised += self.block_weights(l, Order::BiasFirst)?.0;
        }
        for l in 0..=last {
            promised += self.block_weights(l, Order::WeightsFirst)?.0;
            if l < last {
                self.block_linear(l)?;
                promised += self.block_activation(l)?;
            }
        }
        promised += self.block_output()?;
        self.block_dual(last)?;
        self.check_fall(Property::Descent, None, first, self.value, promised);
        self.check_dladmm_bounds();
        Ok(promised)
    }

    /// z of the last layer; returns its share of Property 2.
    fn block_output(&mut self) -> Result<f64> {
        let before = self.state.clone();
        let last = before.weights.len() - 1;
        self.move_output()?;
        self.check_output(&before);
        self.check_residual(last);
        let constant = dladmm_output_constant(self.frame.settings.rho, self.frame.risk_lipschitz());
        Ok(constant * self.state.linear[last].minus(&before.linear[last]).squared())
    }

    /// a of hidden layer `l`; returns its share.
    fn block_activation(&mut self, l: usize) -> Result<f64> {
        let before = self.state.clone();
        let coupling = self.activation_coupling(l + 1)?;
        let taken = self.step_input(l + 1, coupling)?;
        let share = self.check_input(&before, l + 1, &taken);
        self.check_residual(l + 1);
        Ok(share)
    }

    /// z of hidden layer `l`.
    fn block_linear(&mut self, l: usize) -> Result {
        let before = self.state.clone();
        let target = self.state.inputs[l + 1].clone();
        self.move_hidden(l, Proximal::No, &target)?;
        self.check_hidden(&before, l, Proximal::No, &target);
        self.check_residual(l);
        Ok(())
    }

    fn block_dual(&mut self, last: usize) -> Result {
        let before = self.state.clone();
        let (r, size) = self.frame.constraint(&self.state, last);
        self.move_output_dual()?;
        self.check_dual(&before, 0, last, &r.map(|r| -r), &size);
        self.check_residual(last);
        self.check_dual_identity();
        Ok(())
    }

    /// Property 1. With `c = W a + b`, R convex and its gradient Lipschitz: `R(c) <= R(z) + <grad R(z), c - z> +
    /// (H/2)|c - z|^2`, and so `R(z) + <u, z - c> + (rho/2)|z - c|^2 >= R(c) + ((rho - H)/2)|z - c|^2` for
    /// `u = -grad R(z)`.
    fn check_dladmm_bounds(&mut self) {
        let settings = self.frame.settings;
        let last = self.state.weights.len() - 1;
        let (r, _) = self.frame.constraint(&self.state, last);
        let excess = 0.5 * (settings.rho - self.frame.risk_lipschitz()) * r.squared();
        let mut composed = self.state.clone();
        composed.linear[last] = r.zip(&self.state.linear[last], |r, z| r + z);
        let risk = self.risk_of(&composed).value;
        self.check_below(Property::BoundedObjective, risk + excess, self.value);
        let mut terms = vec![risk, excess, self.penalty()];
        for l in 0..last {
            terms.push(0.5 * settings.nu * self.frame.constraint(&self.state, l).0.squared());
            let gap = self.state.inputs[l + 1].minus(&self.frame.activated(&self.state, l));
            terms.push(0.5 * settings.nu * gap.squared());
        }
        self.check_bounded(&terms);
    }
}
