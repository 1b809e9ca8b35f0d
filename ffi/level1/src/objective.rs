//! The methods' Lagrangians, term by term.

use altmin_core::method::pdadmm::DualStorage;
use altmin_core::objective::{self, ConstraintTerms, CopyTerms, Dual};
use altmin_level1_macros::functions;

/// Sums of a hidden layer in pdADMM's Lagrangian, which has
/// (nu/2) activation + dual + (rho/2) gap of them. Tiles add up.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_copy_terms {
    /// |q - f(z)|^2
    pub activation: f64,
    /// <u, p_next - q>
    pub dual: f64,
    /// |p_next - q|^2; its root over all layers is the primal residual
    pub gap: f64,
}
from_core!(altmin_copy_terms: CopyTerms { activation, dual, gap });

/// The last layer's constraint in dlADMM's Lagrangian, which has dual + (rho/2) gap of it. Tiles add up.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_constraint_terms {
    /// <u, z - W a - b>
    pub dual: f64,
    /// |z - W a - b|^2; its root is the primal residual
    pub gap: f64,
}
from_core!(altmin_constraint_terms: ConstraintTerms { dual, gap });

functions! {
    /// A hidden layer's terms of pdADMM's Lagrangian (the equation before Algorithm 1).
    fn altmin_copy_terms<T>(
        dual: dual, nu: positive if dual = Recovered, activation: activation, n_out: size, m: samples,
        q: read(n_out x m, ldq), z: read(n_out x m, ldz), p_next: read(n_out x m, ldp) "the input of the layer above",
        u: read(n_out x m if dual = Stored, ldu), workspace: workspace(objective::copy_terms_workspace(n_out)),
    ) -> terms: altmin_copy_terms "the sums" {
        let dual = match (dual, u) {
            (DualStorage::Stored, Some(u)) => Dual::Stored(u),
            _ => Dual::Recovered { nu },
        };
        objective::copy_terms(activation, dual, &q, &z, &p_next, workspace)?
    }

    /// |a - f(z)|^2, a hidden layer's penalty in dlADMM's Lagrangian (equation 1, weight nu/2).
    fn altmin_activation_gap<T>(
        activation: activation, n_out: size, m: samples, a: read(n_out x m, lda), z: read(n_out x m, ldz),
        workspace: workspace(objective::activation_gap_workspace(n_out)),
    ) -> gap: f64 "the sum over all entries" {
        objective::activation_gap(activation, &a, &z, workspace)?
    }

    /// The last layer's constraint in dlADMM's Lagrangian (equation 1), from the shifted residual.
    fn altmin_constraint_terms<T>(
        rho: positive, n_out: size, m: samples, r: read(n_out x m, ldr) "W a + b - z - u/rho", u: read(n_out x m, ldu),
    ) -> terms: altmin_constraint_terms "the sums" {
        objective::constraint_terms(rho, &r, &u)?
    }

    /// |r|^2, a layer's linear penalty in every Lagrangian: weight nu/2 in pdADMM and dlADMM, rho/2 in DLAM.
    fn altmin_squared<T>(n_out: size, m: samples, r: read(n_out x m, ldr)) -> squared: f64 "the sum over all entries" {
        objective::squared(&r)
    }
}
