//! Texts that belong to nobody.

use std::ffi::c_char;

use altmin::settings::Method;
use altmin_core::Choice;
use altmin_level1::error::{altmin_error, altmin_status};

use crate::boundary::{Error, guard, text};

/// The version of the library, "major.minor.patch"; that of the header is ALTMIN_VERSION_MAJOR, _MINOR, _PATCH. The text
/// lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn altmin_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// What an altmin_status says, in a few words; "unknown status" for any other number. The text lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn altmin_status_text(status: i32) -> *const c_char {
    let text = match status {
        0 => c"ok",
        1 => c"a pointer is NULL",
        2 => c"a pointer is not aligned",
        3 => c"wrong shape, or a size of 0",
        4 => c"leading dimension too small",
        5 => c"sizes too large for memory",
        6 => c"memory overlaps",
        7 => c"workspace too small",
        8 => c"unknown code",
        9 => c"setting out of range or not available",
        10 => c"NaN or infinity",
        11 => c"matrix not positive definite",
        12 => c"unknown struct_size",
        13 => c"the handle cannot do this now",
        14 => c"the handle is at work",
        15 => c"the handle is of no use after an earlier failure",
        16 => c"a file could not be read or written",
        17 => c"a file is no model that fits",
        18 => c"the library failed",
        19 => c"out of memory",
        _ => c"unknown status",
    };
    text.as_ptr()
}

/// The bytes of the longest method's name, its 0 included.
const NAME: usize = 16;

/// The methods' names, each with a 0 at its end, in the order of their list.
static METHODS: [[u8; NAME]; Method::ALL.len()] = {
    let mut names = [[0; NAME]; Method::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        let name = Method::ALL[index].card().name.as_bytes();
        assert!(name.len() < NAME, "a name has room for its 0");
        let mut at = 0;
        while at < name.len() {
            names[index][at] = name[at];
            at += 1;
        }
        index += 1;
    }
    names
};

/// The name of a method, as `altmin train --method` takes it; NULL for a code that stands for none. The codes are 0 and those that
/// follow, without a gap, so that NULL ends them. The text lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn altmin_method_name(method: i32) -> *const c_char {
    let index = Method::ALL.iter().position(|known| known.code() == method);
    index.map_or(std::ptr::null(), |index| METHODS[index].as_ptr().cast())
}

/// The method of a name.
///
/// @param name as altmin_method_name gives it
/// @param[out] method an altmin_method; must not be NULL
/// @return ALTMIN_STATUS_SETTING for a name of no method, with the names that there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_method_code(
    name: *const c_char,
    method: *mut i32,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            let name = text("name", name)?;
            let method = memory.required("method", method)?;
            let found: Method = name.parse().map_err(|error: altmin_core::choice::ParseError| {
                Error::from(altmin::Error::argument("name", name, error.expected.to_string()))
            })?;
            *method = found.code();
            Ok(())
        })
    }
}
