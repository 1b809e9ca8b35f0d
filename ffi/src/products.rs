//! The host's fast product in level 1.

use std::sync::{Mutex, PoisonError};

use altmin::run::kernel::fast::{Fast, packing_bytes};
use altmin::settings::Kernel;
use altmin_level1::boundary::require_some;
use altmin_level1::error::{altmin_error, altmin_status};
use altmin_level1::kernel::{Products, choose};

use crate::boundary::{Error, guard};
use crate::codes::{KERNELS, meaning};
use crate::reserve::Share;

/// What level 1's products may need of the reserve.
static SHARE: Mutex<Option<Share>> = Mutex::new(None);

/// Chooses who multiplies matrices in all functions of level 1, for the whole process: ALTMIN_KERNEL_PORTABLE, as at first, or
/// ALTMIN_KERNEL_FAST, the trainer's, which uses the widest instructions that the machine has. May be called at any time; a call
/// that is at work may have products of both.
///
/// Workspaces stay the same. The fast product takes memory of its own for each call of a function, which it gives back. So that no call
/// ends the process for want of it, a reserve is made here: address space that is not touched before it is needed, some 4 kB
/// (float) or 8 kB (double) for each column of a factor, and a few MB, for each thread.
///
/// @param kernel an altmin_kernel; ALTMIN_DEFAULT is ALTMIN_KERNEL_FAST
/// @param threads how many call functions of level 1 at once, 1 or more; ignored with ALTMIN_KERNEL_PORTABLE
/// @param widest the most rows or columns of a matrix that is multiplied, 1 or more; ignored with ALTMIN_KERNEL_PORTABLE
/// @return ALTMIN_STATUS_MEMORY if there is none for the reserve; the product stays as it was
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_use_kernel(
    kernel: i32,
    threads: usize,
    widest: usize,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |_| {
            let kernel = meaning("kernel", &KERNELS, kernel)?.unwrap_or(Kernel::Fast);
            let mut share = SHARE.lock().unwrap_or_else(PoisonError::into_inner);
            match kernel {
                Kernel::Fast => {
                    require_some(&[("threads", threads), ("widest", widest)])?;
                    let bytes = packing_bytes::<f64>(widest).saturating_mul(threads);
                    *share = Some(Share::new(bytes).map_err(Error::from)?);
                    choose(Some(Products { f32: &Fast, f64: &Fast }));
                }
                // Calls at work may still need what there is.
                Kernel::Portable => choose(None),
            }
            Ok(())
        })
    }
}
