//! The boundary between C and the trainer: errors, panics, and texts and structs that come in.

use std::ffi::{CStr, c_char};
use std::path::Path;
use std::{fmt, io};

use altmin::Error as HostError;
use altmin_level1::boundary::{self, Memory};
use altmin_level1::error::{CallError, StatusError, altmin_error, altmin_status, of_core};
use altmin_level1::floating::in_default_environment;

use crate::quiet;
use crate::reserve::{self, Short};

/// The result of a checked call.
pub(crate) type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What is wrong with a call, or went wrong in it.
#[derive(Debug)]
pub(crate) enum Error {
    /// An argument.
    Call(CallError),
    /// An argument by the host's judgement, or a file.
    Host(HostError),
    /// A size is not the one that is wanted.
    Size { argument: &'static str, found: usize, expected: usize },
    /// A setting has a value outside its range.
    Setting { argument: &'static str, found: String, expected: &'static str },
    /// A function of the wrong precision.
    Precision { expected: &'static str },
    /// There is no training data yet.
    NoData,
    /// Another call is at work on the handle.
    Busy,
    /// An earlier panic.
    Poisoned,
    /// A panic, with its message.
    Panic(String),
    /// There is no memory, not even for a message.
    Short,
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Error::Call(error)
    }
}

impl From<Short> for Error {
    fn from(_: Short) -> Self {
        Error::Short
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Core(error) => Error::Call(CallError::Core(error)),
            error => Error::Host(error),
        }
    }
}

impl StatusError for Error {
    fn status(&self) -> altmin_status {
        use altmin_status as status;
        match self {
            Error::Call(error) => error.status(),
            Error::Host(error) => of_host(error),
            Error::Size { .. } => status::Shape,
            Error::Setting { .. } | Error::Precision { .. } => status::Setting,
            Error::NoData => status::State,
            Error::Busy => status::Busy,
            Error::Poisoned => status::Poisoned,
            Error::Panic(_) => status::Panic,
            Error::Short => status::Memory,
        }
    }

    fn call_error(&self) -> Option<&CallError> {
        match self {
            Error::Call(error) => Some(error),
            _ => None,
        }
    }
}

/// The status of an error of the host.
fn of_host(error: &HostError) -> altmin_status {
    use altmin_status as status;
    match error {
        HostError::Core(error) => of_core(error),
        HostError::Io { source, .. } if source.kind() == io::ErrorKind::OutOfMemory => status::Memory,
        HostError::Memory { .. } | HostError::Allocation { .. } | HostError::Threads { .. } => status::Memory,
        HostError::Io { .. } | HostError::Missing { .. } => status::Io,
        HostError::Format { .. } | HostError::Network { .. } => status::Format,
        HostError::Mismatch { .. } => status::Shape,
        HostError::Entry { source, .. } => of_host(source),
        // Arguments, data sets, and what may be added to the host's errors: what the caller has said.
        _ => status::Setting,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Call(error) => error.fmt(f),
            Error::Host(error) => error.fmt(f),
            Error::Size { argument, found, expected } => {
                write!(f, "`{argument}` is {found}, expected {expected}")
            }
            Error::Setting { argument, found, expected } => {
                write!(f, "`{argument}` is `{found}`, expected {expected}")
            }
            Error::Precision { expected } => {
                write!(f, "the handle computes in {expected}: call the function of that type")
            }
            Error::NoData => f.write_str("there is no training data: call altmin_trainer_set_data first"),
            Error::Busy => {
                f.write_str("the handle is at work, in another thread or in the observer that calls")
            }
            Error::Poisoned => f.write_str("an earlier failure of the library has left the handle of no use"),
            Error::Panic(said) => write!(f, "the library failed ({said}): please report it"),
            Error::Short => f.write_str(NO_MEMORY),
        }
    }
}

/// What is said where there is no memory to say more.
const NO_MEMORY: &str = "out of memory: nothing was done";

/// Runs a call that may panic: nothing may unwind into C. It is not begun without the reserve of memory.
pub(crate) fn caught<R>(call: impl FnOnce() -> Result<R>) -> Result<R> {
    reserve::require()?;
    let _quiet = quiet::enter();
    // What the call had borrowed is the caller's memory and the handle, which both are of no use after a panic.
    let call = std::panic::AssertUnwindSafe(|| in_default_environment(call));
    std::panic::catch_unwind(call).unwrap_or_else(|payload| {
        let said = match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => {
                payload.downcast::<&str>().map_or_else(|_| "unknown".into(), |text| (*text).into())
            }
        };
        Err(Error::Panic(said))
    })
}

/// Runs a call that reports through a struct of level 1, which may be NULL.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn guard(
    error: *mut altmin_error,
    call: impl FnOnce(&mut Memory) -> Result,
) -> altmin_status {
    // SAFETY: the caller's promise is this function's.
    unsafe { boundary::guard(error, |memory| caught(|| call(memory))) }
}

/// `Ok` when a size is what it must be.
pub(crate) fn require_size(argument: &'static str, found: usize, expected: usize) -> Result {
    match found {
        0 if expected > 0 => Err(CallError::Zero { argument }.into()),
        found if found == expected => Ok(()),
        found => Err(Error::Size { argument, found, expected }),
    }
}

/// A pointer is given that must not be.
pub(crate) fn given(argument: &'static str, expected: &'static str) -> Error {
    Error::Setting { argument, found: "given".into(), expected }
}

/// `Ok` when a struct that begins with its size has that of the present version.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn require_struct_size<S>(argument: &'static str, structure: *const S) -> Result {
    // The rest of the struct may be shorter than it should, so this looks at the size alone.
    // SAFETY: the caller's promise is this function's.
    let found = *unsafe { Memory::default().structure(argument, structure.cast::<usize>())? };
    let expected = size_of::<S>();
    if found == expected { Ok(()) } else { Err(CallError::StructSize { argument, found, expected }.into()) }
}

/// A text in UTF-8.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn text<'a>(argument: &'static str, text: *const c_char) -> Result<&'a str> {
    // SAFETY: the caller's promise is this function's.
    let text = unsafe { bytes(argument, text)? };
    text.to_str().map_err(|_| Error::Setting {
        argument,
        found: text.to_string_lossy().into_owned(),
        expected: "text in UTF-8",
    })
}

/// A path: any bytes where the system allows them, else UTF-8.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn path<'a>(argument: &'static str, path: *const c_char) -> Result<&'a Path> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        // SAFETY: the caller's promise is this function's.
        let path = unsafe { bytes(argument, path)? };
        Ok(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())))
    }
    #[cfg(not(unix))]
    {
        // SAFETY: the same.
        Ok(Path::new(unsafe { text(argument, path)? }))
    }
}

unsafe fn bytes<'a>(argument: &'static str, text: *const c_char) -> Result<&'a CStr> {
    if text.is_null() {
        return Err(CallError::Null { argument }.into());
    }
    // SAFETY: not NULL, and it ends with a 0, as the caller promises.
    Ok(unsafe { CStr::from_ptr(text) })
}
