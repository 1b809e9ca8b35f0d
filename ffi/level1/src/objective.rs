//! The methods' Lagrangians, term by term.

use core::ffi::c_void;

use altmin_core::method::pdadmm::DualStorage;
use altmin_core::objective::{self, ConstraintTerms, CopyTerms, Dual};

use crate::boundary::{guard, query, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

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

impl From<CopyTerms> for altmin_copy_terms {
    fn from(terms: CopyTerms) -> Self {
        let CopyTerms { activation, dual, gap } = terms;
        Self { activation, dual, gap }
    }
}

/// The last layer's constraint in dlADMM's Lagrangian, which has dual + (rho/2) gap of it. Tiles add up.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_constraint_terms {
    /// <u, z - W a - b>
    pub dual: f64,
    /// |z - W a - b|^2; its root is the primal residual
    pub gap: f64,
}

impl From<ConstraintTerms> for altmin_constraint_terms {
    fn from(terms: ConstraintTerms) -> Self {
        let ConstraintTerms { dual, gap } = terms;
        Self { dual, gap }
    }
}

macro_rules! functions {
    (
        $T:ident,
        $copy_terms:ident,
        $copy_terms_workspace:ident,
        $activation_gap:ident,
        $activation_gap_workspace:ident,
        $constraint_terms:ident,
        $squared:ident
    ) => {
        /// A hidden layer's terms of pdADMM's Lagrangian (the equation before Algorithm 1).
        ///
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param dual an altmin_dual
        /// @param nu of ALTMIN_DUAL_RECOVERED, above 0; else not looked at
        /// @param q n_out x m
        /// @param z n_out x m
        /// @param p_next n_out x m: the input of the layer above
        /// @param u n_out x m with ALTMIN_DUAL_STORED; else not looked at
        /// @param[out] terms the sums
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $copy_terms(
            activation: i32,
            slope: f64,
            dual: i32,
            nu: f64,
            n_out: usize,
            m: usize,
            q: *const $T,
            ldq: usize,
            z: *const $T,
            ldz: usize,
            p_next: *const $T,
            ldp: usize,
            u: *const $T,
            ldu: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            terms: *mut altmin_copy_terms,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let activation = codes::activation(activation, slope)?;
                    let storage = codes::dual(dual)?;
                    let q = memory.matrix("q", q, n_out, m, ldq)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let p_next = memory.matrix("p_next", p_next, n_out, m, ldp)?;
                    let dual = match storage {
                        DualStorage::Recovered => Dual::Recovered { nu: codes::positive::<$T>("nu", nu)? },
                        DualStorage::Stored => Dual::Stored(memory.matrix("u", u, n_out, m, ldu)?),
                    };
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let terms = memory.required("terms", terms)?;
                    *terms = objective::copy_terms(activation, dual, &q, &z, &p_next, stack)?.into();
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that a hidden layer's terms of pdADMM's Lagrangian need.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $copy_terms_workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let needed = || objective::copy_terms_workspace(n_out);
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, needed, error) }
        }

        /// |a - f(z)|^2, a hidden layer's penalty in dlADMM's Lagrangian (equation 1, weight nu/2).
        ///
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param a n_out x m
        /// @param z n_out x m
        /// @param[out] gap the sum over all entries
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $activation_gap(
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            a: *const $T,
            lda: usize,
            z: *const $T,
            ldz: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            gap: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let activation = codes::activation(activation, slope)?;
                    let a = memory.matrix("a", a, n_out, m, lda)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let gap = memory.required("gap", gap)?;
                    *gap = objective::activation_gap(activation, &a, &z, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that a hidden layer's penalty in dlADMM's Lagrangian needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $activation_gap_workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let needed = || objective::activation_gap_workspace(n_out);
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, needed, error) }
        }

        /// The last layer's constraint in dlADMM's Lagrangian (equation 1), from the shifted residual.
        ///
        /// @param rho above 0
        /// @param r n_out x m: W a + b - z - u/rho
        /// @param u n_out x m
        /// @param[out] terms the sums
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $constraint_terms(
            rho: f64,
            n_out: usize,
            m: usize,
            r: *const $T,
            ldr: usize,
            u: *const $T,
            ldu: usize,
            terms: *mut altmin_constraint_terms,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let rho = codes::positive::<$T>("rho", rho)?;
                    let r = memory.matrix("r", r, n_out, m, ldr)?;
                    let u = memory.matrix("u", u, n_out, m, ldu)?;
                    let terms = memory.required("terms", terms)?;
                    *terms = objective::constraint_terms(rho, &r, &u)?.into();
                    Ok(())
                })
            }
        }

        /// |r|^2, a layer's linear penalty in every Lagrangian: weight nu/2 in pdADMM and dlADMM, rho/2 in DLAM.
        ///
        /// @param r n_out x m
        /// @param[out] squared the sum over all entries
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $squared(
            n_out: usize,
            m: usize,
            r: *const $T,
            ldr: usize,
            squared: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let r = memory.matrix("r", r, n_out, m, ldr)?;
                    let squared = memory.required("squared", squared)?;
                    *squared = objective::squared(&r);
                    Ok(())
                })
            }
        }
    };
}

functions!(
    f32,
    altmin_copy_terms_f32,
    altmin_copy_terms_workspace_f32,
    altmin_activation_gap_f32,
    altmin_activation_gap_workspace_f32,
    altmin_constraint_terms_f32,
    altmin_squared_f32
);
functions!(
    f64,
    altmin_copy_terms_f64,
    altmin_copy_terms_workspace_f64,
    altmin_activation_gap_f64,
    altmin_activation_gap_workspace_f64,
    altmin_constraint_terms_f64,
    altmin_squared_f64
);
