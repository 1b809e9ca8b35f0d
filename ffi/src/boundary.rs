//! What a call of level 2 answers, and texts and structs that come in.

use std::ffi::{CStr, c_char};
use std::fmt;
use std::path::Path;

use altmin::Error as HostError;
use altmin_level1::boundary::Memory;
use altmin_level1::error::{Refusal, altmin_error, altmin_status, of_core};

use crate::quiet;

/// What a checked call answers.
pub(crate) type Answer<T = ()> = Result<T, Failure>;

/// Why a call was refused or failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The boundary refused an argument.
    Refusal(Refusal),
    /// The host refused it, or a file.
    Host(HostError),
    /// A size is not the one that is wanted.
    Size { argument: &'static str, found: usize, expected: usize },
    /// A setting's value is none.
    Setting { argument: &'static str, found: String, expected: &'static str },
    /// A function of the wrong precision.
    Precision { expected: &'static str },
    /// There is no training data yet.
    NoData,
    /// Somebody is at work on the handle.
    Busy,
    /// An earlier panic.
    Poisoned,
    /// A panic, with what it said.
    Panic(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refusal(refusal)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Core(error) => Failure::Refusal(Refusal::Core(error)),
            error => Failure::Host(error),
        }
    }
}

impl Failure {
    /// The code that the call returns.
    pub(crate) fn status(&self) -> altmin_status {
        use altmin_status as status;
        match self {
            Failure::Refusal(refusal) => refusal.status(),
            Failure::Host(error) => of_host(error),
            Failure::Size { .. } => status::Shape,
            Failure::Setting { .. } | Failure::Precision { .. } => status::Setting,
            Failure::NoData => status::State,
            Failure::Busy => status::Busy,
            Failure::Poisoned => status::Poisoned,
            Failure::Panic(_) => status::Panic,
        }
    }
}

/// The code of what the host refuses.
fn of_host(error: &HostError) -> altmin_status {
    use altmin_status as status;
    match error {
        HostError::Core(error) => of_core(error),
        HostError::Io { .. } | HostError::Missing { .. } => status::Io,
        HostError::Format { .. } | HostError::Network { .. } => status::Format,
        HostError::Mismatch { .. } => status::Shape,
        HostError::Entry { source, .. } => of_host(source),
        // Arguments, data sets, and what may be added to the host's errors: what the caller has said.
        _ => status::Setting,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refusal(refusal) => refusal.fmt(f),
            Failure::Host(error) => error.fmt(f),
            Failure::Size { argument, found, expected } => {
                write!(f, "`{argument}` is {found}, expected {expected}")
            }
            Failure::Setting { argument, found, expected } => {
                write!(f, "`{argument}` is `{found}`, expected {expected}")
            }
            Failure::Precision { expected } => {
                write!(f, "the handle computes in {expected}: call the function of that type")
            }
            Failure::NoData => f.write_str("there is no training data: call altmin_trainer_set_data first"),
            Failure::Busy => {
                f.write_str("the handle is at work, in another thread or in the observer that calls")
            }
            Failure::Poisoned => {
                f.write_str("an earlier failure of the library has left the handle of no use")
            }
            Failure::Panic(said) => write!(f, "the library failed ({said}): please report it"),
        }
    }
}

/// Runs a call that may panic: nothing may unwind into C.
pub(crate) fn caught<R>(call: impl FnOnce() -> Answer<R>) -> Answer<R> {
    let _quiet = quiet::enter();
    // What the call had borrowed is the caller's memory and the handle, which both are of no use after a panic.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        let said = match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => {
                payload.downcast::<&str>().map_or_else(|_| "unknown".into(), |text| (*text).into())
            }
        };
        Err(Failure::Panic(said))
    })
}

/// Runs a call that reports through a struct of level 1, which may be NULL.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn guard(
    error: *mut altmin_error,
    call: impl FnOnce(&mut Memory) -> Answer,
) -> altmin_status {
    let mut memory = Memory::default();
    let found = caught(|| {
        // Any address will do for the struct: it counts as bytes.
        // SAFETY: the caller's promise is this function's.
        unsafe { memory.result("error", error.cast::<[u8; size_of::<altmin_error>()]>())? };
        call(&mut memory)
    });
    // What lies over the struct is an output that must stay as it is, or an input.
    let hidden = matches!(found, Err(Failure::Refusal(Refusal::Overlap { other: "error", .. })));
    let answer = match &found {
        Ok(()) => altmin_error::new(altmin_status::Ok, &""),
        Err(failure) => altmin_error::new(failure.status(), failure),
    };
    if !error.is_null() && !hidden {
        // SAFETY: a pointer that is not NULL points to the struct, as the caller promises; any address will do.
        unsafe { error.write_unaligned(answer) };
    }
    answer.status
}

/// `Ok` when a size is what it must be.
pub(crate) fn require_size(argument: &'static str, found: usize, expected: usize) -> Answer {
    match found {
        0 if expected > 0 => Err(Refusal::Zero { argument }.into()),
        found if found == expected => Ok(()),
        found => Err(Failure::Size { argument, found, expected }),
    }
}

/// A pointer is given that must not be.
pub(crate) fn given(argument: &'static str, expected: &'static str) -> Failure {
    Failure::Setting { argument, found: "given".into(), expected }
}

/// `Ok` when a struct that begins with its size has that of the present version.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn require_struct_size<S>(argument: &'static str, structure: *const S) -> Answer {
    // The rest of the struct may be shorter than it should, so this looks at the size alone.
    // SAFETY: the caller's promise is this function's.
    let found = *unsafe { Memory::default().structure(argument, structure.cast::<usize>())? };
    let expected = size_of::<S>();
    if found == expected { Ok(()) } else { Err(Refusal::StructSize { argument, found, expected }.into()) }
}

/// A text in UTF-8.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn text<'a>(argument: &'static str, text: *const c_char) -> Answer<&'a str> {
    // SAFETY: the caller's promise is this function's.
    let text = unsafe { bytes(argument, text)? };
    text.to_str().map_err(|_| Failure::Setting {
        argument,
        found: text.to_string_lossy().into_owned(),
        expected: "text in UTF-8",
    })
}

/// A path: any bytes where the system allows them, else UTF-8.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn path<'a>(argument: &'static str, path: *const c_char) -> Answer<&'a Path> {
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

unsafe fn bytes<'a>(argument: &'static str, text: *const c_char) -> Answer<&'a CStr> {
    if text.is_null() {
        return Err(Refusal::Null { argument }.into());
    }
    // SAFETY: not NULL, and it ends with a 0, as the caller promises.
    Ok(unsafe { CStr::from_ptr(text) })
}
