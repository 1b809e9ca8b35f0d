//! The theorems as checks: a run is followed step by step, and every promise is compared with what happened.
//!
//! [`Verification`] takes a [`Setup`], a method on a network and a training set, and gives a [`Report`].
//!
//! - **Layer-wise methods** (pdADMM, dlADMM, DLAM): each sweep is made twice from the same state, once by the method itself
//!   and once block by block in the paper's order, by the core's functions for single updates. Before and after each block
//!   objective, gradients and step parameters are recomputed, by plain code that shares nothing with the core, and each
//!   check is recorded under the promise that it belongs to.
//! - **Methods over subnetworks** (gsADMM, gsAM): each epoch is recomputed as a whole, and compared.
//!
//! - **Layers with read-outs** (local): each epoch is made as a pipeline and batch by batch, and every step is compared with the
//!   problem that it solves.
//!
//! A check allows for rounding alone: see [`Promise::allowed`], which comes from the number of terms and the sum of the
//! absolute values of all that a number is added up from. [`Formula`] lets a test falsify any formula of a method, to see
//! that a promise breaks.
//!
//! # Where the papers slip
//!
//! What is promised is what can be derived; each departure is in [`Promise::departure`] too.
//!
//! - **A bias shared by M samples.** The papers' `b` is added to each of the M columns, so the objective is quadratic in it
//!   with curvature `w M`, not `w`, and `|b 1'| = sqrt(M)|b|`: the share of the bias is `(w/2) M |db|^2`, and `sqrt(M)` comes
//!   into the subgradient bounds (pdADMM, Lemma 3; DLAM, Lemma 3).
//! - **dlADMM, Property 2** prints `C2 = min(nu/2, C1, theta, tau)`. A step with `phi(x + d) <= U(x + d; theta)` and
//!   `g + theta d = 0` lowers phi by `-<g, d> - (theta/2)|d|^2 = (theta/2)|d|^2`: theta and tau need the factor 1/2.
//! - **dlADMM's C1** comes with the share of z_L here: [`altmin_core::theory::dladmm_output_constant`].
//! - **pdADMM, Lemma 2 and dlADMM, Property 1** assume a coercive F. With cross-entropy, which falls to 0 along separable
//!   data, and with f(0) = 0 it is not: weights may grow without bound. What follows from the descent alone is promised
//!   instead: bounds on every term of the objective by its first value.
//! - **pdADMM, Lemma 3** bounds the gradient in p with `tau |dW|` where `tau |dp|` belongs, and drops nu, `rho |dp|`, `rho |dq|`
//!   and `|du|`. With `r = W p + b - z`, `+` for new values and `d` for changes, `grad_p(old) + tau dp = 0` gives
//!   `grad_p L+ = nu (W+'r+ - W'r) + du + rho (dp - dq) - tau dp`, and `r+ - r = dW p+ + W dp + db 1' - dz`.
//! - **pdADMM's C2** could be larger by nu: q is minimised over a quadratic of curvature `nu + rho`. The paper's is checked.

mod blocks;
mod error;
mod formula;
mod layerwise;
mod local;
mod matrix;
mod plain;
mod promise;
mod setup;
mod subnetworks;
mod training;
mod verification;

pub use error::{Error, Result};
pub use formula::Formula;
pub use promise::{Promise, Property, Report, Verdict};
pub use setup::{Order, Setup};
pub use verification::{METHODS, Verification};
