//! Bytes that C takes piece by piece.

use std::ffi::c_void;
use std::io::{self, Write};

use altmin_level1::error::CallError;

/// Takes the next `count` bytes of what is written, which are the callee's until it returns, and the context that came with
/// it. Non-zero ends the writing, whose call then fails. It must return, and not by longjmp or an exception.
#[expect(non_camel_case_types, reason = "C's name of the type")]
pub type altmin_write =
    Option<unsafe extern "C" fn(bytes: *const c_void, count: usize, context: *mut c_void) -> i32>;

/// What messages call a model in memory.
pub(crate) const MODEL: &str = "the model in memory";

/// Hands what is written to a function of C.
pub(crate) struct Callback {
    write: unsafe extern "C" fn(bytes: *const c_void, count: usize, context: *mut c_void) -> i32,
    context: *mut c_void,
}

/// What writes to the function.
///
/// # Errors
/// [`CallError::Null`] naming `write`.
///
/// # Safety
/// The function may be called with the context, as the crate's documentation says.
pub(crate) unsafe fn to_callback(write: altmin_write, context: *mut c_void) -> Result<Callback, CallError> {
    write.map(|write| Callback { write, context }).ok_or(CallError::Null { argument: "write" })
}

impl Write for Callback {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the caller of `to_callback` has promised that it may be called so.
        match unsafe { (self.write)(bytes.as_ptr().cast(), bytes.len(), self.context) } {
            0 => Ok(bytes.len()),
            code => Err(io::Error::other(format!("`write` returned {code}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
