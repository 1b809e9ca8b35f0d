//! The floating-point environment of a call: that of every program when it begins, whatever the caller has made of its own.
//!
//! Compilers work out what is not needed, and divide 0 by 0 in lanes of a vector that nobody reads; that must not trap in a
//! caller who has unmasked exceptions. And a rounding mode, or flushing of subnormal numbers, would change results.

/// Runs a call in the environment that programs begin with, and leaves the caller's as it was, flags included.
pub fn in_default_environment<R>(call: impl FnOnce() -> R) -> R {
    let _callers = Environment::replace();
    apart(call)
}

/// Not inlined, so that nothing of the call is computed before the environment is set, or after it is restored.
#[inline(never)]
fn apart<R>(call: impl FnOnce() -> R) -> R {
    call()
}

#[cfg(target_arch = "x86_64")]
struct Environment(u32);

#[cfg(target_arch = "x86_64")]
impl Environment {
    /// Every exception masked and none raised, rounding to nearest, subnormal numbers kept.
    const DEFAULT: u32 = 0x1f80;

    fn replace() -> Self {
        let mut callers = 0_u32;
        // SAFETY: the register is stored to memory of its size, and set to what the ABI has at the start of a program.
        unsafe {
            core::arch::asm!("stmxcsr [{}]", in(reg) &raw mut callers, options(nostack, preserves_flags))
        };
        set(Self::DEFAULT);
        Self(callers)
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for Environment {
    fn drop(&mut self) {
        set(self.0);
    }
}

#[cfg(target_arch = "x86_64")]
fn set(register: u32) {
    // SAFETY: the value is the default, or what the register had; what is computed in between runs under the default.
    unsafe {
        core::arch::asm!("ldmxcsr [{}]", in(reg) &raw const register, options(nostack, preserves_flags))
    };
}

/// Elsewhere few processors can trap; the caller's environment stays.
#[cfg(not(target_arch = "x86_64"))]
struct Environment;

#[cfg(not(target_arch = "x86_64"))]
impl Environment {
    fn replace() -> Self {
        Self
    }
}
