//! What an input's step knows before it meets the samples: one tau for the layer, or an inverse.

use altmin_core::Error;
use altmin_core::update::StepRule;
use altmin_core::update::input::{self, Probe, StepKind};
use altmin_level1_macros::functions;

use crate::boundary::Result;
use crate::codes::altmin_prepared;
use crate::error::CallError;
use crate::kernel::Kernel;

/// The sums over samples that one tau for a layer needs. Those of several tiles, or machines, are added number by number.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct altmin_probe {
    /// |g|^2.
    pub gradient_squared: f64,
    /// |W g|^2.
    pub product_squared: f64,
}
from_core!(altmin_probe: Probe { gradient_squared, product_squared });

impl altmin_probe {
    fn checked(self, argument: &'static str) -> Result<Probe> {
        let Self { gradient_squared, product_squared } = self;
        for number in [gradient_squared, product_squared] {
            if !number.is_finite() {
                return Err(CallError::NonFinite { argument });
            }
            if number < 0.0 {
                let expected = "sums of squares, 0 or above";
                return Err(Error::Setting { name: argument, found: number, expected }.into());
            }
        }
        Ok(Probe { gradient_squared, product_squared })
    }
}

functions! {
    /// Which altmin_prepared a step rule wants in a layer of this shape: ALTMIN_STEP_VECTOR none (COLUMNS),
    /// ALTMIN_STEP_SCALAR and ALTMIN_STEP_BACKTRACKING one tau, ALTMIN_STEP_LEAST_SQUARES an inverse: the outer one where
    /// 2 n_out n_in + n_out^2 < n_in^2, which makes the step's products fewer.
    fn altmin_input_kind(rule: step_rule, n_out: size, n_in: size) -> prepared: i32 "an altmin_prepared" {
        let kind = match (StepKind::of(&rule, n_out, n_in), rule) {
            (StepKind::Gradient, StepRule::Scalar | StepRule::Backtracking { .. }) => altmin_prepared::Tau,
            (StepKind::Gradient, _) => altmin_prepared::Columns,
            (StepKind::Exact, _) => altmin_prepared::Inverse,
            (StepKind::OuterExact, _) => altmin_prepared::OuterInverse,
        };
        kind as i32
    }

    /// map, before a step with one tau a layer: |g|^2 and |W g|^2 of a tile, with the gradient g of altmin_input_step's
    /// phi. Two products, which the step makes again: g must be coupled anew for it.
    fn altmin_input_probe<T>(
        w: positive "weight of the residual", c: positive "weight of the coupling",
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw),
        g: update(n_in x m, ldg) "the coupling's gradient, as for altmin_input_step; afterwards that of phi",
        r: read(n_out x m, ldr) "W p + b - z",
        workspace: workspace(input::step_workspace::<T, _>(&Kernel, StepKind::Gradient, n_out, n_in, m)),
    ) -> probe: altmin_probe "of these samples; must not be NULL" {
        input::probe(&Kernel, w, c, &weights, &mut g, &r, workspace)?
    }

    /// reduce: one tau for a layer from the probe of all samples. ALTMIN_STEP_SCALAR: the smallest legal one,
    /// c + w|W g|^2/|g|^2. ALTMIN_STEP_BACKTRACKING: the first legal one of the sequence (dlADMM's Algorithm 2), which
    /// ends at c + w|W|^2, legal for every gradient. Other rules have no such tau and get that end.
    fn altmin_input_tau<T>(
        rule: step_rule, w: positive "weight of the residual", c: positive "weight of the coupling",
        n_out: size, n_in: size, weights: read(n_out x n_in, ldw),
        probe: structure(altmin_probe) "finite, 0 or above",
    ) -> tau: f64 "above 0; must not be NULL" {
        input::scalar_tau(&rule, w, c, &weights, probe)?.to_f64()
    }

    /// reduce: inverse <- (w W'W + c I)^-1 or (w W W' + c I)^-1, for the exact step. Once a sweep: from the weights
    /// alone, without a pass over the samples.
    ///
    /// ALTMIN_STATUS_SINGULAR if W is so large that c is lost in rounding; the inverse is then of no use.
    fn altmin_input_invert<T>(
        prepared: inverse "ALTMIN_PREPARED_INVERSE for the first, ALTMIN_PREPARED_OUTER_INVERSE for the second",
        w: positive "weight of the residual", c: positive "weight of the coupling",
        n_out: size, n_in: size, weights: read(n_out x n_in, ldw),
        inverse: write(n_in x n_in if prepared = Inverse else n_out x n_out, ldi) "all of it",
        workspace: workspace(match prepared {
            StepKind::OuterExact => input::invert_outer_hessian_workspace::<T, _>(&Kernel, n_out, n_in),
            _ => input::invert_hessian_workspace::<T, _>(&Kernel, n_out, n_in),
        }),
    ) {
        match prepared {
            StepKind::OuterExact => {
                input::invert_outer_hessian(&Kernel, w, c, &weights, &mut inverse, workspace)?
            }
            _ => input::invert_hessian(&Kernel, w, c, &weights, &mut inverse, workspace)?,
        }
    }
}
