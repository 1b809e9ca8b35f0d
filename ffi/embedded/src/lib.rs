//! Level 1 for devices without an operating system: `libaltmin_embedded.a`, with the same header as the whole library and
//! `altmin_embedded.h`, which says what a device does about a panic.
//!
//! `cargo build --release --manifest-path ffi/embedded/Cargo.toml`, with `--target` for another processor. A program needs
//! `memcpy`, `memmove`, `memset`, `memcmp` and `bcmp` beside it, as every compiler for C wants them.
#![no_std]

use core::ffi::{c_char, c_void};
use core::panic::PanicInfo;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

// Its functions are for C; nothing here calls them.
extern crate altmin_level1;

/// `altmin_panic_hook` of altmin_embedded.h: the file, how long its name is (there is no 0 at its end), and the line.
type Hook = unsafe extern "C" fn(*const c_char, usize, u32);

/// What a panic calls, or NULL.
static HOOK: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Sets what a panic calls: altmin_embedded.h says more.
#[unsafe(no_mangle)]
pub extern "C" fn altmin_embedded_on_panic(hook: Option<Hook>) {
    HOOK.store(hook.map_or(ptr::null_mut(), |hook| hook as *mut c_void), Ordering::Release);
}

/// Panics, for a device to try its hook.
#[unsafe(no_mangle)]
pub extern "C" fn altmin_embedded_panic() -> ! {
    panic!()
}

/// A panic is a mistake in the library. Whoever has set a hook is told; then the device stands still until its watchdog acts.
#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    // A hook that fails itself is not called again.
    let hook = HOOK.swap(ptr::null_mut(), Ordering::AcqRel);
    if !hook.is_null() {
        // SAFETY: nothing but a `Hook` has been stored there, and pointers to functions and to data are alike here.
        let hook = unsafe { core::mem::transmute::<*mut c_void, Hook>(hook) };
        let (file, line) = place(info);
        // SAFETY: the name is as long as it is said; the rest is the promise of whoever has set the hook.
        unsafe { hook(file.as_ptr().cast(), file.len(), line) };
    }
    loop {
        core::hint::spin_loop();
    }
}

/// Where the library has panicked.
#[cfg(feature = "messages")]
fn place<'a>(info: &'a PanicInfo<'_>) -> (&'a str, u32) {
    info.location().map_or(("", 0), |location| (location.file(), location.line()))
}

/// Not known: the names of files and the lines would take 3 kB.
#[cfg(not(feature = "messages"))]
fn place(_: &PanicInfo<'_>) -> (&'static str, u32) {
    ("", 0)
}
