//! DLAM's sweep block by block, and its lemmas.

use altmin_core::Result;
use altmin_core::gemm::Gemm;
use altmin_core::method::Hyperparameters;
use altmin_core::method::dlam::EpsilonRule;
use altmin_core::update::weights::Order;

use super::Auditor;
use super::texts::{Notation, blocks};
use crate::promise::{Promise, Property};

const NOTATION: Notation = Notation {
    input: "a",
    objective: "F",
    input_source: "DLAM, equation 6 and Algorithm 3",
    input_share: "DLAM, Lemma 6, equation 13",
    weight_source: "DLAM, equation 2 and Algorithm 2",
    weight_share: "DLAM, Lemma 6, equation 10",
    bias_source: "DLAM, equation 3; Lemma 6, equation 11",
    hidden_source: "DLAM, equation 4",
    output_source: "DLAM, equation 5; Lemma 6, equation 12",
    weight: "rho",
};

/// What is left of the promises where every block is extrapolated.
pub(super) const ACCELERATED: [Property; 5] = [
    Property::Start,
    Property::NeverRises,
    Property::Feasible,
    Property::BoundedObjective,
    Property::CarriedResidual,
];

/// What DLAM promises under these settings.
pub(super) fn promises(settings: &Hyperparameters<f64>, rule: EpsilonRule) -> Vec<Promise> {
    let changes = || {
        (rule != EpsilonRule::Fixed)
            .then(|| "--epsilon-rule fixed: the other rules change F between sweeps".to_owned())
    };
    let mut promises = vec![
        Promise::new(
            Property::Descent,
            "in every sweep F falls by at least inequality 7, the sum of all blocks' shares, whatever rho and epsilon",
            "DLAM, Lemma 1",
        )
        .departing("b's share is (rho/2) M |db|^2; least-squares weights have a share of their own"),
        Promise::new(Property::NeverRises, "F never rises from sweep to sweep", "DLAM, Lemma 1").under(changes()),
        Promise::new(
            Property::Feasible,
            "h(z) - epsilon <= a <= h(z) + epsilon after every block",
            "DLAM, Problem 2",
        ),
        Promise::new(Property::BoundedObjective, "F >= 0", "DLAM, Lemma 2"),
        Promise::new(
            Property::BoundedVariables,
            "R, (rho/2)|r|^2 and Omega stay below the first F",
            "DLAM, Lemma 2",
        )
        .departing(
            "the paper concludes that the variables converge, for which changes that go to 0 do not suffice, and so are \
             bounded",
        )
        .under(changes()),
        Promise::new(
            Property::Subgradient,
            "|g_W| <= (rho |a|^2 + theta)|dW| + rho |a|(sqrt(M)|db| + |dz|) and |g_b| <= rho sqrt(M)|dz| in every layer",
            "DLAM, Lemma 3",
        )
        .departing("b is shared by M samples, which brings in sqrt(M); the paper has |db| and |g_b| = rho |dz|"),
        Promise::new(
            Property::Rate,
            "k c_k <= F at the start - F after k sweeps, so that c_k is o(1/k)",
            "DLAM, Theorem 2",
        )
        .under(changes()),
    ];
    let own = [Property::InputStationary, Property::HiddenStationary, Property::HiddenGlobal];
    promises.extend(blocks(settings, &NOTATION).into_iter().filter(|promise| !own.contains(&promise.name)));
    promises.extend([
        Promise::new(
            Property::InputStationary,
            "a moves to clip(a - g/tau, h(z) - epsilon, h(z) + epsilon) with the tau reported",
            "DLAM, equation 6",
        )
        .departing("Algorithm 3 tests the move before it is clipped; it is made and tested clipped"),
        Promise::new(
            Property::HiddenStationary,
            "a hidden z is the point of its interval that is nearest to W a + b",
            "DLAM, equation 4",
        ),
        Promise::new(
            Property::HiddenShare,
            "F falls by at least (rho/2)|dz|^2 over a hidden z",
            "DLAM, Lemma 6, equation 12",
        ),
    ]);
    promises
}

impl<G: Gemm<f64>> Auditor<'_, G> {
    /// One sweep of Algorithm 1; returns what inequality 7 promises for it.
    pub(super) fn sweep_dlam(&mut self) -> Result<f64> {
        let (start, first) = (self.state.clone(), self.value);
        let last = start.weights.len() - 1;
        let mut promised = 0.0;
        let mut thetas = Vec::new();
        for l in 0..=last {
            let (share, theta) = self.block_weights(l, Order::WeightsFirst)?;
            promised += share;
            thetas.push(theta);
            let before = self.state.clone();
            if l == last {
                self.move_output()?;
                self.check_output(&before);
                self.check_residual(l);
            } else {
                self.move_clipped(l)?;
                self.check_clipped(&before, l);
                self.check_residual(l);
                self.check_feasible(l);
                let before = self.state.clone();
                let taus = self.step_activation(l)?;
                promised += self.check_activation(&before, l, &taus);
                self.check_residual(l + 1);
                self.check_feasible(l);
            }
            promised +=
                0.5 * self.frame.settings.rho * self.state.linear[l].minus(&start.linear[l]).squared();
        }
        self.check_fall(Property::Descent, None, first, self.value, promised);
        for (l, theta) in thetas.into_iter().enumerate() {
            self.check_weight_subgradient(&start, l, theta);
        }
        Ok(promised)
    }

    /// Lemma 2: nothing in F is negative.
    pub(super) fn check_dlam_bounds(&mut self) {
        let risk = self.risk_of(&self.state).value;
        self.check_below(Property::BoundedObjective, 0.0, self.value);
        let mut terms = vec![risk, self.penalty()];
        for l in 0..self.state.weights.len() {
            terms.push(0.5 * self.frame.settings.rho * self.frame.constraint(&self.state, l).0.squared());
        }
        self.check_bounded(&terms);
    }
}
