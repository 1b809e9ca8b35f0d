//! What a program needs before `main`, and what compiled code calls without being asked.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::panic::PanicInfo;

const PANICKED: i32 = 101;

// The kernel enters with the stack aligned to 16 bytes; a call aligns it as functions expect it, a jump would not.
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "call {entry}", "ud2", entry = sym entry);

extern "C" fn entry() -> ! {
    exit(crate::main())
}

fn exit(code: i32) -> ! {
    // SAFETY: the system call `exit_group` (231) takes a number, touches no memory and does not return. Without a C
    // library there is no other way to hand the code to whoever started the program.
    unsafe {
        asm!("syscall", in("rax") 231, in("rdi") code, options(noreturn, nostack));
    }
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    exit(PANICKED)
}

/// Named by the prebuilt `core`, which could unwind; with `panic = "abort"` nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

const ELEMENTS: usize = 1 << 16;
/// What a run keeps beside scalars, in either precision.
const NUMBERS: usize = 1 << 12;

struct Buffer<T, const N: usize>(UnsafeCell<[T; N]>);

// SAFETY: the program has one thread.
unsafe impl<T, const N: usize> Sync for Buffer<T, N> {}

static SINGLE: Buffer<f32, ELEMENTS> = Buffer(UnsafeCell::new([0.0; ELEMENTS]));
static DOUBLE: Buffer<f64, ELEMENTS> = Buffer(UnsafeCell::new([0.0; ELEMENTS]));
static OTHERS: Buffer<f64, NUMBERS> = Buffer(UnsafeCell::new([0.0; NUMBERS]));

/// All the memory there is beside the stack, scalars of two precisions and numbers; to be called once.
pub fn buffers() -> (&'static mut [f32], &'static mut [f64], &'static mut [f64]) {
    // SAFETY: `main`, which runs once on the only thread, is the only caller, so that these are the only references.
    unsafe { (&mut *SINGLE.0.get(), &mut *DOUBLE.0.get(), &mut *OTHERS.0.get()) }
}

// The compiler turns copies and comparisons into calls of these five, and loops that look like them too: the volatile
// accesses keep it from making a function call itself.

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void {
    let (target, source) = (to.cast::<u8>(), from.cast::<u8>());
    for i in 0..count {
        // SAFETY: both hold `count` bytes, as the caller promises.
        unsafe { target.add(i).write_volatile(source.add(i).read_volatile()) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void {
    let (target, source) = (to.cast::<u8>(), from.cast::<u8>());
    if target.cast_const() <= source {
        // SAFETY: as this function's; going upwards, no byte is overwritten before it was read.
        return unsafe { memcpy(to, from, count) };
    }
    for i in (0..count).rev() {
        // SAFETY: both hold `count` bytes, as the caller promises.
        unsafe { target.add(i).write_volatile(source.add(i).read_volatile()) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut c_void, byte: c_int, count: usize) -> *mut c_void {
    let target = to.cast::<u8>();
    for i in 0..count {
        // SAFETY: it holds `count` bytes, as the caller promises.
        unsafe { target.add(i).write_volatile(byte as u8) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const c_void, b: *const c_void, count: usize) -> c_int {
    let (a, b) = (a.cast::<u8>(), b.cast::<u8>());
    for i in 0..count {
        // SAFETY: both hold `count` bytes, as the caller promises.
        let (x, y) = unsafe { (a.add(i).read_volatile(), b.add(i).read_volatile()) };
        if x != y {
            return c_int::from(x) - c_int::from(y);
        }
    }
    0
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const c_void, b: *const c_void, count: usize) -> c_int {
    // SAFETY: the same promise.
    unsafe { memcmp(a, b, count) }
}
