//! Texts that belong to nobody.

use std::ffi::c_char;

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
