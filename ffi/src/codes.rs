//! What the numbers in settings stand for, beside those of level 1.
#![expect(non_camel_case_types, reason = "C's names of the types")]

use altmin::settings::{Kernel, Precision};
use altmin_core::Choice;
use altmin_level1::error::CallError;

use crate::boundary::Result;

/// The code of a setting that nobody has chosen: the method's default, or none that is known.
pub const ALTMIN_DEFAULT: i32 = -1;

/// The scalar type of a whole training, and of all data that goes in and comes out.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_precision {
    /// float: half the memory, twice the speed
    F32 = 0,
    /// double
    F64 = 1,
}

/// Who multiplies matrices.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_kernel {
    /// The host's kernel, which picks the processor's widest instructions at run time
    Fast = 0,
    /// The kernel of level 1, which also runs without an operating system
    Portable = 1,
}

/// What became of a call of altmin_trainer_step. None of these is an error.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum altmin_outcome {
    /// All sweeps that the call asked for are done, and the settings allow more
    Running = 0,
    /// Both residuals are within the tolerance that the settings ask for
    Converged = 1,
    /// As many sweeps as the settings allow are done
    SweepLimit = 2,
    /// The sweeps have taken as much time as the settings allow
    TimeLimit = 3,
    /// A number is no longer finite: the weights are those of the last good sweep, and further steps do nothing until
    /// other weights are set
    Diverged = 4,
    /// The observer, altmin_trainer_stop or altmin_trainer_free ended the call, after a sweep of which none of the others is true
    Stopped = 5,
    /// The best sweep by the test data is as many sweeps ago as the settings' patience
    NoImprovement = 6,
}

/// Codes and what they stand for.
type Table<C, V, const N: usize> = [(C, V); N];

pub(crate) const PRECISIONS: Table<altmin_precision, Precision, 2> =
    [(altmin_precision::F32, Precision::F32), (altmin_precision::F64, Precision::F64)];

pub(crate) const KERNELS: Table<altmin_kernel, Kernel, 2> =
    [(altmin_kernel::Fast, Kernel::Fast), (altmin_kernel::Portable, Kernel::Portable)];

/// What a code stands for; `None` for [`ALTMIN_DEFAULT`].
pub(crate) fn meaning<C: Code, V: Copy>(
    argument: &'static str,
    table: &[(C, V)],
    found: i32,
) -> Result<Option<V>> {
    if found == ALTMIN_DEFAULT {
        return Ok(None);
    }
    match table.iter().find(|(code, _)| code.number() == found) {
        Some(&(_, value)) => Ok(Some(value)),
        None => Err(CallError::Code { argument, found }.into()),
    }
}

/// The code that stands for a value.
pub(crate) fn number<C: Code, V: PartialEq>(table: &[(C, V)], value: V) -> i32 {
    table.iter().find(|(_, known)| *known == value).map_or(ALTMIN_DEFAULT, |(code, _)| code.number())
}

/// A choice of the core from its code; `None` for [`ALTMIN_DEFAULT`]. The parameter is NaN for its default.
pub(crate) fn choice<V: Choice>(argument: &'static str, found: i32, parameter: f64) -> Result<Option<V>> {
    if found == ALTMIN_DEFAULT {
        return Ok(None);
    }
    match V::from_code(found, (!parameter.is_nan()).then_some(parameter)) {
        None => Err(CallError::Code { argument, found }.into()),
        known => Ok(known),
    }
}

/// An enum of C.
pub(crate) trait Code: Copy {
    /// Its number.
    fn number(self) -> i32;
}

macro_rules! codes {
    ($($name:ty),+) => {
        $(impl Code for $name {
            fn number(self) -> i32 {
                self as i32
            }
        })+
    };
}

codes!(altmin_precision, altmin_kernel, altmin_outcome);
