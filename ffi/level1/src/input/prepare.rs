//! What an input's step knows before it meets the samples: one tau for the layer, or an inverse.

use core::ffi::c_void;

use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::input::{self, Probe, StepKind};
use altmin_core::{Error, Real};

use crate::boundary::{Answer, give_bytes, guard, query, require_sizes};
use crate::codes::{self, altmin_prepared, altmin_step_rule};
use crate::error::{Refusal, altmin_error, altmin_status};

/// The sums over samples that one tau for a layer needs. Those of several tiles, or machines, are added number by number.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct altmin_probe {
    /// |g|^2.
    pub gradient_squared: f64,
    /// |W g|^2.
    pub product_squared: f64,
}

impl altmin_probe {
    fn to_core(self) -> Answer<Probe> {
        let Self { gradient_squared, product_squared } = self;
        for number in [gradient_squared, product_squared] {
            if !number.is_finite() {
                return Err(Refusal::NonFinite { argument: "probe" });
            }
            if number < 0.0 {
                let expected = "sums of squares, 0 or above";
                return Err(Error::Setting { name: "probe", found: number, expected }.into());
            }
        }
        Ok(Probe { gradient_squared, product_squared })
    }
}

/// Which altmin_prepared a step rule wants in a layer of this shape: ALTMIN_STEP_VECTOR none (COLUMNS), ALTMIN_STEP_SCALAR
/// and ALTMIN_STEP_BACKTRACKING one tau, ALTMIN_STEP_LEAST_SQUARES an inverse: the outer one where
/// 2 n_out n_in + n_out^2 < n_in^2, which makes the step's products fewer.
///
/// @param rule the step rule
/// @param[out] prepared an altmin_prepared
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_input_kind(
    rule: *const altmin_step_rule,
    n_out: usize,
    n_in: usize,
    prepared: *mut i32,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            let rule = memory.structure("rule", rule)?;
            let prepared = memory.required("prepared", prepared)?;
            require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
            let rule = codes::step_rule::<f64>(rule)?;
            let kind = match (StepKind::of(&rule, n_out, n_in), rule) {
                (StepKind::Gradient, StepRule::Scalar | StepRule::Backtracking { .. }) => {
                    altmin_prepared::Tau
                }
                (StepKind::Gradient, _) => altmin_prepared::Columns,
                (StepKind::Exact, _) => altmin_prepared::Inverse,
                (StepKind::OuterExact, _) => altmin_prepared::OuterInverse,
            };
            *prepared = kind as i32;
            Ok(())
        })
    }
}

/// The kind of step that an inverse is for.
fn inverse_kind(code: i32) -> Answer<StepKind> {
    match codes::prepared(code)?.kind() {
        StepKind::Gradient => {
            let expected = "ALTMIN_PREPARED_INVERSE or ALTMIN_PREPARED_OUTER_INVERSE";
            Err(Error::Setting { name: "prepared", found: f64::from(code), expected }.into())
        }
        kind => Ok(kind),
    }
}

macro_rules! functions {
    ($T:ident, $probe:ident, $probe_workspace:ident, $tau:ident, $invert:ident, $invert_workspace:ident) => {
        /// map, before a step with one tau a layer: |g|^2 and |W g|^2 of a tile, with the gradient g of altmin_input_step's
        /// phi. Two products, which the step makes again: g must be coupled anew for it.
        ///
        /// @param w above 0: weight of the residual
        /// @param c above 0: weight of the coupling
        /// @param weights n_out x n_in
        /// @param[in,out] g n_in x m: the coupling's gradient, as for altmin_input_step; afterwards that of phi
        /// @param r n_out x m: W p + b - z
        /// @param[out] probe of these samples; may not be NULL
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $probe(
            w: f64,
            c: f64,
            n_out: usize,
            n_in: usize,
            m: usize,
            weights: *const $T,
            ldw: usize,
            g: *mut $T,
            ldg: usize,
            r: *const $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            probe: *mut altmin_probe,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let (w, c) = (codes::positive("w", w)?, codes::positive("c", c)?);
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let mut g = memory.matrix_mut("g", g, n_in, m, ldg)?;
                    let r = memory.matrix("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let probe = memory.required("probe", probe)?;
                    let Probe { gradient_squared, product_squared } =
                        input::probe::<$T, _>(&Portable, w, c, &weights, &mut g, &r, stack)?;
                    *probe = altmin_probe { gradient_squared, product_squared };
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that a probe of m samples needs.
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
            let kind = StepKind::Gradient;
            let requirement = || input::step_workspace::<$T, _>(&Portable, kind, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, requirement, error) }
        }

        /// reduce: one tau for a layer from the probe of all samples. ALTMIN_STEP_SCALAR: the smallest legal one,
        /// c + w|W g|^2/|g|^2. ALTMIN_STEP_BACKTRACKING: the first legal one of the sequence (dlADMM's Algorithm 2), which
        /// ends at c + w|W|^2, legal for every gradient. Other rules have no such tau and get that end.
        ///
        /// @param rule the step rule
        /// @param w above 0: weight of the residual
        /// @param c above 0: weight of the coupling
        /// @param weights n_out x n_in
        /// @param probe finite, 0 or above
        /// @param[out] tau above 0; may not be NULL
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $tau(
            rule: *const altmin_step_rule,
            w: f64,
            c: f64,
            n_out: usize,
            n_in: usize,
            weights: *const $T,
            ldw: usize,
            probe: *const altmin_probe,
            tau: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let (w, c) = (codes::positive("w", w)?, codes::positive("c", c)?);
                    let rule = memory.structure("rule", rule)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let probe = memory.structure("probe", probe)?;
                    let tau = memory.required("tau", tau)?;
                    let (rule, probe) = (codes::step_rule(rule)?, probe.to_core()?);
                    *tau = input::scalar_tau::<$T>(&rule, w, c, &weights, probe)?.to_f64();
                    Ok(())
                })
            }
        }

        /// reduce: inverse <- (w W'W + c I)^-1 or (w W W' + c I)^-1, for the exact step. Once a sweep: from the weights
        /// alone, without a pass over the samples.
        ///
        /// ALTMIN_STATUS_SINGULAR if W is so large that c is lost in rounding; the inverse is then of no use.
        ///
        /// @param prepared ALTMIN_PREPARED_INVERSE for the first, ALTMIN_PREPARED_OUTER_INVERSE for the second
        /// @param w above 0: weight of the residual
        /// @param c above 0: weight of the coupling
        /// @param weights n_out x n_in
        /// @param[out] inverse n_in x n_in or n_out x n_out, all of it
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $invert(
            prepared: i32,
            w: f64,
            c: f64,
            n_out: usize,
            n_in: usize,
            weights: *const $T,
            ldw: usize,
            inverse: *mut $T,
            ldi: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let kind = inverse_kind(prepared)?;
                    let (w, c) = (codes::positive("w", w)?, codes::positive("c", c)?);
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let n = kind.inverse_size(n_out, n_in);
                    let mut inverse = memory.matrix_out("inverse", inverse, n, n, ldi)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    match kind {
                        StepKind::OuterExact => {
                            input::invert_outer_hessian(&Portable, w, c, &weights, &mut inverse, stack)?;
                        }
                        _ => input::invert_hessian(&Portable, w, c, &weights, &mut inverse, stack)?,
                    }
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that an inverse needs.
        ///
        /// @param prepared ALTMIN_PREPARED_INVERSE or ALTMIN_PREPARED_OUTER_INVERSE
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $invert_workspace(
            prepared: i32,
            n_out: usize,
            n_in: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    let bytes = memory.required("bytes", bytes)?;
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let needed = match inverse_kind(prepared)? {
                        StepKind::OuterExact => {
                            input::invert_outer_hessian_workspace::<$T, _>(&Portable, n_out, n_in)
                        }
                        _ => input::invert_hessian_workspace::<$T, _>(&Portable, n_out, n_in),
                    };
                    give_bytes::<$T>(bytes, needed)
                })
            }
        }
    };
}

functions!(
    f32,
    altmin_input_probe_f32,
    altmin_input_probe_workspace_f32,
    altmin_input_tau_f32,
    altmin_input_invert_f32,
    altmin_input_invert_workspace_f32
);
functions!(
    f64,
    altmin_input_probe_f64,
    altmin_input_probe_workspace_f64,
    altmin_input_tau_f64,
    altmin_input_invert_f64,
    altmin_input_invert_workspace_f64
);
