//! What can be wrong with a call: the argument by name, what was found, what was expected.

use core::fmt;

use crate::shape::Shape;

/// Why an update refused its arguments or could not finish.
///
/// Arguments are checked before anything is written. Only [`Error::NonFinite`] and [`Error::Singular`] can come
/// out of a computation that had begun.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Error {
    /// A matrix or vector has the wrong shape.
    Shape {
        /// The argument's name.
        argument: &'static str,
        /// Rows and columns found.
        found: (usize, usize),
        /// Rows and columns expected.
        expected: (usize, usize),
    },
    /// A buffer is too short for the matrix that it should hold.
    Length {
        /// The argument's name.
        argument: &'static str,
        /// Elements found.
        found: usize,
        /// Elements needed.
        needed: usize,
    },
    /// A leading dimension is smaller than the number of rows.
    LeadingDimension {
        /// The argument's name.
        argument: &'static str,
        /// The leading dimension found.
        found: usize,
        /// The number of rows.
        rows: usize,
    },
    /// The workspace is too small.
    Workspace {
        /// Elements found.
        found: usize,
        /// Elements needed.
        needed: usize,
    },
    /// A result is NaN or infinite.
    NonFinite {
        /// The quantity that is not finite.
        quantity: &'static str,
    },
    /// A matrix that must be positive definite is not.
    Singular {
        /// The first pivot, counted from 0, that is not positive.
        pivot: usize,
    },
    /// A block of a network cannot take what the blocks before it give.
    Block {
        /// The block's place in the network, counted from 0.
        index: usize,
        /// What it is called.
        block: &'static str,
        /// What comes in.
        input: Shape,
        /// What it wants.
        expected: &'static str,
    },
    /// A setting is outside its range, or not available here.
    Setting {
        /// The setting's name.
        name: &'static str,
        /// Its value.
        found: f64,
        /// What it should have been.
        expected: &'static str,
    },
}

/// The result of everything that can be refused.
pub type Result<T = ()> = core::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Shape { argument, found, expected } => {
                write!(f, "`{argument}` is {}x{}, expected {}x{}", found.0, found.1, expected.0, expected.1)
            }
            Error::Length { argument, found, needed } => {
                write!(f, "`{argument}` holds {found} elements, its shape needs {needed}")
            }
            Error::LeadingDimension { argument, found, rows } => {
                write!(f, "leading dimension of `{argument}` is {found}, at least its {rows} rows are needed")
            }
            Error::Workspace { found, needed } => {
                write!(f, "the workspace has {found} elements, {needed} are needed")
            }
            Error::NonFinite { quantity } => write!(f, "{quantity} is NaN or infinite"),
            Error::Singular { pivot } => {
                write!(f, "the matrix is not positive definite: pivot {pivot} is not positive")
            }
            Error::Block { index, block, input, expected } => {
                write!(f, "block {} (`{block}`) gets {input}, expected {expected}", index + 1)
            }
            Error::Setting { name, found, expected } => {
                write!(f, "`{name}` is {}, expected {expected}", Number(found))
            }
        }
    }
}

impl core::error::Error for Error {}

/// A number as people write it: with an exponent where it would be a row of zeros.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = *self;
        let is_short = number == 0.0 || !number.is_finite() || (1e-5..1e16).contains(&libm::fabs(number));
        if is_short { write!(f, "{number}") } else { write!(f, "{number:e}") }
    }
}

/// `Ok` when `value` is finite and positive, else [`Error::Setting`].
pub fn require_positive(name: &'static str, value: f64) -> Result {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(Error::Setting { name, found: value, expected: "a finite number above 0" })
    }
}

/// `Ok` when `value` is finite and not negative, else [`Error::Setting`].
pub fn require_not_negative(name: &'static str, value: f64) -> Result {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(Error::Setting { name, found: value, expected: "a finite number, 0 or above" })
    }
}

/// `Ok` when `value` is in [0, 1), else [`Error::Setting`].
pub fn require_decay(name: &'static str, value: f64) -> Result {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::Setting { name, found: value, expected: "0 or above and below 1" })
    }
}
