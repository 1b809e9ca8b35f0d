//! The core where there is nothing: no standard library, no C library, no allocator, no unwinding.
//!
//! Runs updates and sweeps on static buffers and exits with a code: 0 if every promise was kept, else that of
//! [`Broken`].
#![no_std]
#![no_main]

mod plain;
mod runtime;
mod sweeps;
mod updates;

use altmin_core::Real;
use altmin_core::workspace::Stack;

/// What did not hold; the number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Broken {
    /// An update refused arguments that fit, or found its result not finite.
    Refused = 10,
    /// A column's step of the input did not lower its objective as promised, or lost the residual.
    InputByColumns = 11,
    /// The exact step of the input did not.
    InputExact = 12,
    /// The sums over two tiles are not those of all samples.
    Sums = 13,
    /// A row's step of weights and bias did not lower the squared residual as promised.
    WeightsByRows = 14,
    /// The least-squares step did not, or is no minimiser.
    WeightsExact = 15,
    /// The residual did not follow the weights.
    Residual = 16,
    /// A hidden variable is not its objective's minimum.
    Hidden = 17,
    /// The output's gradient is not zero.
    Output = 18,
    /// The output copy's gradient is not zero.
    Copy = 19,
    /// Lemma 4 does not hold after the dual's step.
    Dual = 20,
    /// pdADMM's Lagrangian fell by less than promised, or the network learnt nothing.
    PdAdmm = 21,
    /// dlADMM's did.
    DlAdmm = 22,
    /// DLAM's objective fell by less than promised.
    Dlam = 23,
    /// The Lagrangian of Taylor's ADMM did, or the network learnt nothing.
    Taylor = 24,
    /// The objective of another method was no lower in the end.
    Others = 25,
}

impl From<altmin_core::Error> for Broken {
    fn from(_: altmin_core::Error) -> Self {
        Broken::Refused
    }
}

/// The result of every check.
pub type Checked = core::result::Result<(), Broken>;

/// `Ok` if `holds`, else `broken`.
pub fn require(holds: bool, broken: Broken) -> Checked {
    if holds { Ok(()) } else { Err(broken) }
}

/// Everything, in one precision, on `memory` alone and `numbers`.
fn check<T: Real>(memory: &mut [T], numbers: &mut [f64]) -> Checked {
    updates::check(Stack::new(memory))?;
    sweeps::check(Stack::new(memory), numbers)
}

fn main() -> i32 {
    let (single, double, numbers) = runtime::buffers();
    match check(single, numbers).and_then(|()| check(double, numbers)) {
        Ok(()) => 0,
        Err(broken) => broken as i32,
    }
}
