//! TSSM's Theorem 1: how far the risk of a split network may be from that of the network it was split from.

use crate::loss::Loss;

/// What a subnetwork adds to Theorem 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Norms {
    /// `|r_l|`, `r_l = p_{l+1} - f_l(p_l)` over all samples (Frobenius); 0 for the last subnetwork, which has none.
    pub residual: f64,
    /// H_l, the Lipschitz constant of f_l in its input: see [`Network::lipschitz`](crate::block::Network::lipschitz).
    pub lipschitz: f64,
}

/// Theorem 1's two sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Approximation {
    /// `|R(composed) - R(split)|`: R of the whole network on the data, and of the last subnetwork on its p.
    pub error: f64,
    /// What it is at most, up to the estimates of the linear maps' norms, which come from below; `None` where nothing is
    /// promised, since the risk has no Lipschitz constant.
    pub bound: Option<f64>,
}

/// Theorem 1's bound, `H_R H_n sum_{l<n} |r_l| prod_{l<j<n} H_j`, with H_n that of the last subnetwork and H_R that of
/// the risk ([`risk_lipschitz`]), whose product the paper calls H_n.
pub fn approximation_bound(risk: f64, norms: impl IntoIterator<Item = Norms>) -> f64 {
    // How far the input of the next subnetwork may be off, from the first to the last, and what that does to its risk.
    let (mut off, mut bound) = (0.0, 0.0);
    for Norms { residual, lipschitz } in norms {
        bound = risk * lipschitz * off;
        off = lipschitz * off + residual;
    }
    bound
}

/// H_R: the Lipschitz constant of the mean risk of M samples, or of its sum, in all outputs of all samples together; `None`
/// for a loss that has none, as least squares.
///
/// With g the norm of a sample's largest gradient ([`Loss::largest_gradient_squared`], sqrt(2) for cross-entropy),
/// `|R(a) - R(b)| <= (g/M) sum_j |a_j - b_j| <= (g/M) sqrt(M) |a - b|`: g/sqrt(M) for the mean, M times that, g sqrt(M), for
/// the sum.
pub fn risk_lipschitz(loss: Loss, outputs: usize, samples: usize, is_mean: bool) -> Option<f64> {
    let m = samples.max(1) as f64;
    let squared = loss.largest_gradient_squared(outputs)?;
    Some(libm::sqrt(if is_mean { squared / m } else { squared * m }))
}
