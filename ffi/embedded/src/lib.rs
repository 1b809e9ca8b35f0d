//! Level 1 for devices without an operating system: `libaltmin_embedded.a`, with the same header as the whole library.
//!
//! `cargo build --release --manifest-path ffi/embedded/Cargo.toml`, with `--target` for another processor. A program needs
//! `memcpy`, `memmove`, `memset`, `memcmp` and `bcmp` beside it, as every compiler for C wants them.
#![no_std]

use core::panic::PanicInfo;

// Its functions are for C; nothing here calls them.
extern crate altmin_level1;

/// A panic is a mistake in the library, and there is nobody to tell: the device stands still until its watchdog acts.
#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
