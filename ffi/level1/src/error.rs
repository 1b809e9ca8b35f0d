//! What a call returns: a status, and a message that names the argument.

use core::ffi::c_char;
use core::fmt::{self, Write as _};

use altmin_core::Error;

/// What every function returns: whether the call was correct and was carried out. What became of a training is an outcome,
/// not a status: not to converge is no error.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(non_camel_case_types, reason = "C's name of the type")]
pub enum altmin_status {
    /// Done.
    Ok = 0,
    /// A pointer that must be given is NULL.
    Null = 1,
    /// A pointer is not aligned to what it points to.
    Misaligned = 2,
    /// A matrix or vector has the wrong shape, or a size that must be 1 or more is 0.
    Shape = 3,
    /// A leading dimension is smaller than the number of rows.
    LeadingDimension = 4,
    /// The product of sizes is more than memory can hold.
    Overflow = 5,
    /// Memory that is written overlaps other memory of the same call.
    Overlap = 6,
    /// The workspace is too small.
    Workspace = 7,
    /// An unknown code.
    Code = 8,
    /// A setting is outside its range, or not available here.
    Setting = 9,
    /// NaN or infinity, in the data or in a result.
    NonFinite = 10,
    /// A matrix that must be positive definite is not.
    Singular = 11,
    /// `struct_size` is not the size of the struct.
    StructSize = 12,
    /// The handle cannot do this yet, or no longer.
    State = 13,
    /// Another call is using the handle, in another thread or around the observer that calls.
    Busy = 14,
    /// After an internal error of the library the handle can only be freed.
    Poisoned = 15,
    /// A file could not be read or written.
    Io = 16,
    /// A file is not a model, or is of another version or another network than the handle's.
    Format = 17,
    /// An internal error of the library: please report it.
    Panic = 18,
    /// The system has no memory or no threads for the call, or the run takes more than it may. The handle is as it was.
    Memory = 19,
}

/// The version of this header.
pub const ALTMIN_VERSION_MAJOR: u32 = 0;
/// The version of this header.
pub const ALTMIN_VERSION_MINOR: u32 = 2;
/// The version of this header.
pub const ALTMIN_VERSION_PATCH: u32 = 0;

/// Characters of a message, its terminating 0 included.
pub const ALTMIN_MESSAGE_SIZE: usize = 508;

/// What was wrong with a call. Every call that is given one fills it, also a call that succeeds.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct altmin_error {
    /// What the call returns too.
    pub status: altmin_status,
    /// The argument's name, what was found and what was expected; empty after success. Ends with a 0.
    pub message: [c_char; ALTMIN_MESSAGE_SIZE],
}

/// What is wrong with a call, or went wrong in it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(
    missing_docs,
    reason = "`argument` and `other` are names of arguments, the rest is as in the messages"
)]
pub enum CallError {
    /// A pointer is NULL.
    Null { argument: &'static str },
    /// A pointer is not aligned.
    Misaligned { argument: &'static str, alignment: usize },
    /// A size is 0.
    Zero { argument: &'static str },
    /// Sizes whose product no memory can hold.
    Overflow { argument: &'static str },
    /// Two arguments share memory that one of them is written to; `other` is the earlier one.
    Overlap { argument: &'static str, other: &'static str },
    /// The workspace is too small, in bytes.
    Workspace { found: usize, needed: usize },
    /// An unknown code.
    Code { argument: &'static str, found: i32 },
    /// A struct of another size than the present one.
    StructSize { argument: &'static str, found: usize, expected: usize },
    /// One of two arguments must be given, and neither is.
    Neither { argument: &'static str, other: &'static str },
    /// One of two arguments must be given, and both are.
    Both { argument: &'static str, other: &'static str },
    /// A number that must be finite is not.
    NonFinite { argument: &'static str },
    /// An error of the core.
    Core(Error),
    /// A panic.
    Panic,
}

/// An error that a call returns as a status and a message.
pub trait StatusError: fmt::Display + From<CallError> {
    /// The code that the call returns.
    fn status(&self) -> altmin_status;

    /// The error, if it is one of this level.
    fn call_error(&self) -> Option<&CallError>;

    /// The status with its message.
    fn report(&self) -> altmin_error
    where
        Self: Sized,
    {
        altmin_error::new(self.status(), self)
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        CallError::Core(error)
    }
}

impl StatusError for CallError {
    fn status(&self) -> altmin_status {
        use altmin_status as status;
        match self {
            CallError::Null { .. } => status::Null,
            CallError::Misaligned { .. } => status::Misaligned,
            CallError::Zero { .. } => status::Shape,
            CallError::Overflow { .. } => status::Overflow,
            CallError::Overlap { .. } => status::Overlap,
            CallError::Workspace { .. } => status::Workspace,
            CallError::Code { .. } => status::Code,
            CallError::StructSize { .. } => status::StructSize,
            CallError::Neither { .. } => status::Null,
            CallError::Both { .. } => status::Setting,
            CallError::NonFinite { .. } => status::NonFinite,
            CallError::Core(error) => of_core(error),
            CallError::Panic => status::Panic,
        }
    }

    fn call_error(&self) -> Option<&CallError> {
        Some(self)
    }

    /// Formatting numbers takes 13 kB of code, which a small device may not have.
    #[cfg(not(feature = "messages"))]
    fn report(&self) -> altmin_error {
        altmin_error::short(self.status(), self.subject())
    }
}

#[cfg(not(feature = "messages"))]
impl CallError {
    /// What it is about: the argument, in most cases.
    fn subject(&self) -> &'static str {
        match *self {
            CallError::Null { argument }
            | CallError::Misaligned { argument, .. }
            | CallError::Zero { argument }
            | CallError::Overflow { argument }
            | CallError::Overlap { argument, .. }
            | CallError::Code { argument, .. }
            | CallError::StructSize { argument, .. }
            | CallError::Neither { argument, .. }
            | CallError::Both { argument, .. }
            | CallError::NonFinite { argument } => argument,
            CallError::Workspace { .. } => "workspace",
            CallError::Panic => "the library",
            CallError::Core(error) => match error {
                Error::Shape { argument, .. }
                | Error::Length { argument, .. }
                | Error::LeadingDimension { argument, .. } => argument,
                Error::Workspace { .. } => "workspace",
                Error::NonFinite { quantity } => quantity,
                Error::Singular { .. } => "damping",
                Error::Block { block, .. } => block,
                Error::Setting { name, .. } => name,
            },
        }
    }
}

/// The status of an error of the core.
pub fn of_core(error: &Error) -> altmin_status {
    use altmin_status as status;
    match error {
        Error::Shape { .. } | Error::Length { .. } | Error::Block { .. } => status::Shape,
        Error::LeadingDimension { .. } => status::LeadingDimension,
        Error::Workspace { .. } => status::Workspace,
        Error::NonFinite { .. } => status::NonFinite,
        Error::Singular { .. } => status::Singular,
        Error::Setting { .. } => status::Setting,
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            CallError::Null { argument } => write!(f, "`{argument}` is NULL"),
            CallError::Misaligned { argument, alignment } => {
                write!(f, "`{argument}` is not aligned to {alignment} bytes")
            }
            CallError::Zero { argument } => write!(f, "`{argument}` is 0, expected 1 or more"),
            CallError::Overflow { argument } => {
                write!(f, "`{argument}` has more elements than memory can hold")
            }
            CallError::Overlap { argument, other } => write!(f, "`{argument}` overlaps `{other}`"),
            CallError::Workspace { found, needed } => {
                write!(f, "the workspace has {found} bytes, {needed} are needed")
            }
            CallError::Code { argument, found } => {
                write!(f, "`{argument}` is {found}, which stands for nothing")
            }
            CallError::StructSize { argument, found, expected } => {
                write!(f, "struct_size of `{argument}` is {found}, expected {expected}")
            }
            CallError::Neither { argument, other } => {
                write!(f, "`{argument}` and `{other}` are NULL, expected one of them")
            }
            CallError::Both { argument, other } => {
                write!(f, "`{argument}` and `{other}` are given, expected one of them and NULL")
            }
            CallError::NonFinite { argument } => write!(f, "`{argument}` has NaN or infinity"),
            CallError::Core(error) => error.fmt(f),
            CallError::Panic => f.write_str("the library failed: please report it"),
        }
    }
}

impl altmin_error {
    /// A status and a text of no more than [`ALTMIN_MESSAGE_SIZE`] - 1 bytes, as it stands.
    pub fn short(status: altmin_status, text: &str) -> Self {
        let mut error = Self { status, message: [0; ALTMIN_MESSAGE_SIZE] };
        // As in `new`.
        let _ = Text { rest: &mut error.message[..ALTMIN_MESSAGE_SIZE - 1] }.write_str(text);
        error
    }

    /// A status and as much of its message as fits.
    pub fn new(status: altmin_status, message: &dyn fmt::Display) -> Self {
        let mut error = Self { status, message: [0; ALTMIN_MESSAGE_SIZE] };
        // Only a message that is too long fails, and then its beginning is there.
        let _ = write!(Text { rest: &mut error.message[..ALTMIN_MESSAGE_SIZE - 1] }, "{message}");
        error
    }
}

/// Characters that are written one after the other.
struct Text<'a> {
    rest: &'a mut [c_char],
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // A character of several bytes is written whole or not at all.
        for character in text.chars() {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            let (taken, rest) =
                core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()).ok_or(fmt::Error)?;
            for (to, &byte) in taken.iter_mut().zip(bytes) {
                *to = byte as c_char;
            }
            self.rest = rest;
        }
        Ok(())
    }
}
