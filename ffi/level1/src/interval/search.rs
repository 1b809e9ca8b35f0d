//! One tau for the activations of a whole layer.

use core::ffi::c_void;

use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::interval::activation::{Interval, step_workspace};
use altmin_core::update::interval::search::{self, Lengths};

use crate::boundary::{Answer, guard, query, require_sizes, require_some};
use crate::codes::{self, altmin_step_rule};
use crate::error::{Refusal, altmin_error, altmin_status};

/// What one tau for a layer's activations is judged by. Tiles and groups of samples add up.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_lengths {
    /// |g|^2 of the gradients, or |D|^2 of the moves
    pub squared: f64,
    /// |W g|^2, or |W D|^2
    pub product_squared: f64,
}

impl From<Lengths> for altmin_lengths {
    fn from(lengths: Lengths) -> Self {
        let Lengths { squared, product_squared } = lengths;
        Self { squared, product_squared }
    }
}

impl altmin_lengths {
    /// For the core, if both are finite.
    fn finite(self, argument: &'static str) -> Answer<Lengths> {
        let Self { squared, product_squared } = self;
        if squared.is_finite() && product_squared.is_finite() {
            Ok(Lengths { squared, product_squared })
        } else {
            Err(Refusal::NonFinite { argument })
        }
    }
}

macro_rules! functions {
    (
        $T:ident,
        $probe:ident,
        $probe_workspace:ident,
        $trial:ident,
        $trial_workspace:ident,
        $first_tau:ident,
        $next_tau:ident
    ) => {
        /// map: |g|^2 and |W g|^2 of the gradients of altmin_interval_activation_step, without the entries that are pushed
        /// out of their interval, for altmin_interval_first_tau. Two products of n_out x n_in x m.
        ///
        /// @param rho above 0
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param weights n_out x n_in: of the layer above
        /// @param z n_in x m: of the layer whose output a is
        /// @param a n_in x m
        /// @param r n_out x m: W a + b - z of the layer above
        /// @param[out] lengths the sums
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $probe(
            rho: f64,
            epsilon: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            n_in: usize,
            m: usize,
            weights: *const $T,
            ldw: usize,
            z: *const $T,
            ldz: usize,
            a: *const $T,
            lda: usize,
            r: *const $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            lengths: *mut altmin_lengths,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let (rho, epsilon) = (codes::positive("rho", rho)?, codes::positive("epsilon", epsilon)?);
                    let activation = codes::activation(activation, slope)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let z = memory.matrix("z", z, n_in, m, ldz)?;
                    let a = memory.matrix("a", a, n_in, m, lda)?;
                    let r = memory.matrix("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let lengths = memory.required("lengths", lengths)?;
                    let interval = Interval { rho, epsilon, activation, weights, z };
                    *lengths = search::probe(&Portable, &interval, &a, &r, stack)?.into();
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that altmin_interval_probe needs for m samples.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $probe_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let needed = || step_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, needed, error) }
        }

        /// map: |D|^2 and |W D|^2 of the moves that altmin_interval_activation_step would make with this tau, for
        /// altmin_interval_next_tau. Two products of n_out x n_in x m.
        ///
        /// @param rho above 0
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param tau above 0
        /// @param weights n_out x n_in: of the layer above
        /// @param z n_in x m: of the layer whose output a is
        /// @param a n_in x m
        /// @param r n_out x m: W a + b - z of the layer above
        /// @param[out] lengths the sums
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $trial(
            rho: f64,
            epsilon: f64,
            activation: i32,
            slope: f64,
            tau: f64,
            n_out: usize,
            n_in: usize,
            m: usize,
            weights: *const $T,
            ldw: usize,
            z: *const $T,
            ldz: usize,
            a: *const $T,
            lda: usize,
            r: *const $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            lengths: *mut altmin_lengths,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let (rho, epsilon) = (codes::positive("rho", rho)?, codes::positive("epsilon", epsilon)?);
                    let (activation, tau) =
                        (codes::activation(activation, slope)?, codes::positive("tau", tau)?);
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let z = memory.matrix("z", z, n_in, m, ldz)?;
                    let a = memory.matrix("a", a, n_in, m, lda)?;
                    let r = memory.matrix("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let lengths = memory.required("lengths", lengths)?;
                    let interval = Interval { rho, epsilon, activation, weights, z };
                    *lengths = search::trial(&Portable, &interval, tau, &a, &r, stack)?.into();
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that altmin_interval_trial needs for m samples.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $trial_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let needed = || step_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, needed, error) }
        }

        /// reduce: the tau for a layer's activations that is tried first. ALTMIN_STEP_SCALAR: rho |W g|^2/|g|^2, legal where
        /// nothing is clipped; ALTMIN_STEP_BACKTRACKING (DLAM, Algorithm 3): its start. Never above rho |W|^2 (Frobenius),
        /// which is always legal, and which the rules without a scalar get.
        ///
        /// @param rule the step rule
        /// @param rho above 0
        /// @param weights n_out x n_in: of the layer above
        /// @param probed altmin_interval_probe of all samples, added up; with a rule other than ALTMIN_STEP_SCALAR not looked
        /// at
        /// @param[out] tau the tau
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $first_tau(
            rule: *const altmin_step_rule,
            rho: f64,
            n_out: usize,
            n_in: usize,
            weights: *const $T,
            ldw: usize,
            probed: *const altmin_lengths,
            tau: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out), ("n_in", n_in)])?;
                    let rule = codes::step_rule::<$T>(memory.structure("rule", rule)?)?;
                    let rho = codes::positive("rho", rho)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let probed = match rule {
                        StepRule::Scalar => Some(memory.structure("probed", probed)?),
                        _ => None,
                    };
                    let tau = memory.required("tau", tau)?;
                    let probed = probed.map_or(Ok(Lengths::default()), |probed| probed.finite("probed"))?;
                    *tau = f64::from(search::first_tau(&rule, rho, &weights, probed)?);
                    Ok(())
                })
            }
        }

        /// reduce: whether a tau is legal for the moves that were tried with it, and the one to try next if not:
        /// ALTMIN_STEP_BACKTRACKING multiplies it by its factor, other rules take max(2 tau, rho |W D|^2/|D|^2); never above
        /// rho |W|^2 (Frobenius), so that the search ends.
        ///
        /// @param rule the step rule
        /// @param rho above 0
        /// @param weights n_out x n_in: of the layer above
        /// @param tau above 0: the tau that was tried
        /// @param tried altmin_interval_trial of all samples, added up
        /// @param[out] next 0 if tau is legal, else the tau to try next
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $next_tau(
            rule: *const altmin_step_rule,
            rho: f64,
            n_out: usize,
            n_in: usize,
            weights: *const $T,
            ldw: usize,
            tau: f64,
            tried: *const altmin_lengths,
            next: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out), ("n_in", n_in)])?;
                    let rule = codes::step_rule::<$T>(memory.structure("rule", rule)?)?;
                    let (rho, tau) = (codes::positive("rho", rho)?, codes::positive("tau", tau)?);
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let tried = memory.structure("tried", tried)?;
                    let next = memory.required("next", next)?;
                    let tried = tried.finite("tried")?;
                    *next = search::next_tau(&rule, rho, &weights, tau, tried).map_or(0.0, f64::from);
                    Ok(())
                })
            }
        }
    };
}

functions!(
    f32,
    altmin_interval_probe_f32,
    altmin_interval_probe_workspace_f32,
    altmin_interval_trial_f32,
    altmin_interval_trial_workspace_f32,
    altmin_interval_first_tau_f32,
    altmin_interval_next_tau_f32
);
functions!(
    f64,
    altmin_interval_probe_f64,
    altmin_interval_probe_workspace_f64,
    altmin_interval_trial_f64,
    altmin_interval_trial_workspace_f64,
    altmin_interval_first_tau_f64,
    altmin_interval_next_tau_f64
);
