//! z of the last layer.

use core::ffi::c_void;

use altmin_core::update::output;

use crate::boundary::{give, give_bytes, guard, require_sizes, target};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

/// What the step of the last layer's z did.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_solved {
    /// |z_new - z_old|^2
    pub squared: f64,
    /// The largest |grad R(z) + mu (z - c)| over all entries
    pub residual: f64,
    /// The most iterations that a sample took
    pub iterations: usize,
    /// Samples that stopped at 5000 iterations, above their bound: their objective is not above that of the start
    pub capped: usize,
}

impl From<output::Solved> for altmin_solved {
    fn from(solved: output::Solved) -> Self {
        let output::Solved { squared, report } = solved;
        Self { squared, residual: report.residual, iterations: report.iterations, capped: report.capped }
    }
}

macro_rules! functions {
    ($T:ident, $step:ident, $workspace:ident) => {
        /// Moves z of the last layer to the minimiser of R(z; y) + (mu/2)|z - c|^2, separable over samples, where
        /// c = r + z: pdADMM's equation 5 with mu = nu and c = W p + b, dlADMM's equations 5 and 15 with mu = rho and
        /// c = W a + b - u/rho, DLAM's equation 5 with mu = rho and c = W a + b.
        ///
        /// Least squares: closed form. Cross-entropy: iterated from the z that is given until every entry of the gradient of
        /// a sample is at most 4 EPSILON (max(1, |y|) + (1/2 + mu)|z| + mu |c|), the norms being largest absolute values and
        /// EPSILON 1.2e-7 in float, 2.2e-16 in double. What becomes of a sample does not depend on the others.
        ///
        /// ALTMIN_STATUS_NON_FINITE also if a computation overflows.
        ///
        /// @param loss an altmin_loss
        /// @param solver an altmin_solver
        /// @param mu above 0; tried from 1e-6 to 1e4
        /// @param classes m, each from 0 to n_out - 1; or NULL
        /// @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is
        /// 0 or above and adds up to 1 within 0.001.
        /// @param[in,out] z n_out x m
        /// @param[in,out] r n_out x m: c - z, which is kept true
        /// @param[out] solved what was done
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step(
            loss: i32,
            solver: i32,
            mu: f64,
            n_out: usize,
            m: usize,
            classes: *const i32,
            values: *const $T,
            ldv: usize,
            z: *mut $T,
            ldz: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            solved: *mut altmin_solved,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out)], m)?;
                    let (loss, solver) = (codes::loss(loss)?, codes::solver(solver)?);
                    let mu = codes::positive::<$T>("mu", mu)?;
                    let mut z = memory.matrix_mut("z", z, n_out, m, ldz)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let solved = memory.result("solved", solved)?;
                    // Last: what lies over a result need not be classes.
                    let target = target(memory, loss, n_out, m, classes, values, ldv)?;
                    give(solved, output::step(loss, solver, mu, target, &mut z, &mut r, stack)?.into());
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the step of the last layer's z needs for m samples.
        ///
        /// @param loss an altmin_loss
        /// @param solver an altmin_solver
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $workspace(
            loss: i32,
            solver: i32,
            n_out: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    let bytes = memory.required("bytes", bytes)?;
                    require_sizes(&[("n_out", n_out)], m)?;
                    let (loss, solver) = (codes::loss(loss)?, codes::solver(solver)?);
                    give_bytes::<$T>(bytes, output::step_workspace::<$T>(loss, solver, n_out, m))
                })
            }
        }
    };
}

functions!(f32, altmin_output_step_f32, altmin_output_step_workspace_f32);
functions!(f64, altmin_output_step_f64, altmin_output_step_workspace_f64);
