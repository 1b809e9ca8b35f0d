//! The trainer's product in level 1: a program of its own, since the choice is the process's.

use std::ptr;

use altmin::run::kernel::fast::Fast;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_ffi::codes::{ALTMIN_DEFAULT, altmin_kernel};
use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::level1::product::{altmin_gemm_f32, altmin_gemm_f64, altmin_gemm_workspace_f32};
use altmin_ffi::products::altmin_use_kernel;

const M: usize = 150;
const N: usize = 130;
const K: usize = 170;

fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|k| f64::from((k * 37 % 101) as u8) / 50.0 - 1.0).collect()
}

fn use_kernel(kernel: i32) -> status {
    // SAFETY: NULL is fine for the error.
    unsafe { altmin_use_kernel(kernel, 1, 256, ptr::null_mut()) }
}

fn by_c(a: &[f32], b: &[f32]) -> Vec<u32> {
    let mut c = vec![0.0_f32; M * N];
    let mut bytes = 0;
    // SAFETY: all memory has the sizes that are said.
    unsafe {
        assert_eq!(altmin_gemm_workspace_f32(M, N, K, &raw mut bytes, ptr::null_mut()), status::Ok);
        let mut workspace = vec![0.0_f32; bytes / 4];
        let (a, b, to, work) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), workspace.as_mut_ptr().cast());
        let none = ptr::null_mut();
        let done = altmin_gemm_f32(0, 0, M, N, K, 1.0, a, M, b, K, 0.0, to, M, work, bytes, none);
        assert_eq!(done, status::Ok);
    }
    c.iter().map(|c| c.to_bits()).collect()
}

fn by(gemm: &dyn Gemm<f32>, a: &[f32], b: &[f32]) -> Vec<u32> {
    let mut c = vec![0.0_f32; M * N];
    let mut scratch = vec![0.0_f32; Gemm::<f32>::workspace(&Portable, M, N, K).elements()];
    let (a, b, no) = (dense(a, M, K), dense(b, K, N), Transpose::No);
    let to = dense_mut(&mut c, M, N);
    gemm.gemm(1.0, a, no, b, no, 0.0, to, Stack::new(&mut scratch)).expect("a product");
    c.iter().map(|c| c.to_bits()).collect()
}

#[test]
fn level_1_has_the_product_that_was_chosen() {
    let [a, b] = [M * K, K * N].map(|count| numbers(count).iter().map(|&x| x as f32).collect::<Vec<_>>());
    let [portable, fast] = [by(&Portable, &a, &b), by(&Fast, &a, &b)];
    // Else there is nothing to tell them by.
    assert_ne!(portable, fast);
    assert_eq!(by_c(&a, &b), portable);
    for (kernel, expected) in [
        (altmin_kernel::Fast as i32, &fast),
        (altmin_kernel::Portable as i32, &portable),
        (ALTMIN_DEFAULT, &fast),
        (ALTMIN_DEFAULT, &fast),
    ] {
        assert_eq!(use_kernel(kernel), status::Ok);
        assert!(by_c(&a, &b) == *expected, "{kernel}");
    }
    // What is refused changes nothing.
    assert_eq!(use_kernel(7), status::Code);
    // SAFETY: NULL is fine for the error.
    unsafe {
        assert_eq!(altmin_use_kernel(0, 0, 1, ptr::null_mut()), status::Shape);
        assert_eq!(altmin_use_kernel(0, 1, 0, ptr::null_mut()), status::Shape);
    }
    assert!(by_c(&a, &b) == fast);
    // Double has its own: the sum of 1 to 3 times 2.
    let (ones, twos, mut c) = ([1.0, 2.0, 3.0], [2.0; 3], [f64::NAN]);
    let mut work = [0.0_f64; 4096];
    // SAFETY: all memory has the sizes that are said.
    let done = unsafe {
        let (a, b, to, work) = (ones.as_ptr(), twos.as_ptr(), c.as_mut_ptr(), work.as_mut_ptr().cast());
        altmin_gemm_f64(0, 0, 1, 1, 3, 1.0, a, 1, b, 3, 0.0, to, 1, work, 4096 * 8, ptr::null_mut())
    };
    assert_eq!((done, c), (status::Ok, [12.0]));
}
