//! The fast product against the portable one, which is tested against a triple loop.

use altmin::run::kernel::fast::Fast;
use altmin_core::error::Error;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::view::{dense, dense_mut, view, view_mut};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, cholesky};
use proptest::prelude::*;

/// What must still stand where nothing may be written.
const CANARY: f64 = 12345.5;
/// Elements between the columns of every matrix.
const GAP: usize = 2;

/// Numbers in (-1, 1), the same for the same seed.
fn noise<T: Real>(seed: u64, count: usize) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::from_f64((state >> 33) as f64 / (1u64 << 30) as f64 - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

/// A matrix of noise with a gap between its columns, and its leading dimension.
fn matrix<T: Real>(seed: u64, (rows, columns): (usize, usize), gap: f64) -> (Vec<T>, usize) {
    let ld = rows + GAP;
    let mut data = noise(seed, ld * columns);
    for column in data.chunks_exact_mut(ld) {
        column[rows..].fill(T::from_f64(gap));
    }
    (data, ld)
}

/// What two products of the noise above may differ in an element: each rounds sums of `k` terms, which themselves grow
/// with the root of `k` only, as the errors do.
fn bound<T: Real>(k: usize, alpha: f64, beta: f64) -> f64 {
    4.0 * (k as f64 + 4.0) * T::EPSILON.to_f64() * (alpha.abs() + beta.abs())
}

fn check_gemm<T: Real>(
    (m, n, k): (usize, usize, usize),
    op_a: Transpose,
    op_b: Transpose,
    factors: (f64, f64),
) {
    let (shape_a, shape_b) = (op_a.shape((m, k)), op_b.shape((k, n)));
    let (a, a_ld) = matrix::<T>(1, shape_a, f64::NAN);
    let (b, b_ld) = matrix::<T>(2, shape_b, f64::NAN);
    let (mut c, c_ld) = matrix::<T>(3, (m, n), CANARY);
    if factors.1 == 0.0 {
        c.chunks_exact_mut(c_ld).for_each(|column| column[..m].fill(T::from_f64(f64::NAN)));
    }
    let mut d = c.clone();
    let (alpha, beta) = (T::from_f64(factors.0), T::from_f64(factors.1));
    let a = view("a", &a, shape_a.0, shape_a.1, a_ld).unwrap();
    let b = view("b", &b, shape_b.0, shape_b.1, b_ld).unwrap();
    let mut memory = vec![T::ZERO; Gemm::<T>::workspace(&Portable, m, n, k).elements()];
    let c_view = view_mut("c", &mut c, m, n, c_ld).unwrap();
    let d_view = view_mut("c", &mut d, m, n, c_ld).unwrap();
    Fast.gemm(alpha, a, op_a, b, op_b, beta, c_view, Stack::new(&mut [])).unwrap();
    Portable.gemm(alpha, a, op_a, b, op_b, beta, d_view, Stack::new(&mut memory)).unwrap();
    let bound = bound::<T>(k, factors.0, factors.1);
    for (at, (c, d)) in c.iter().zip(&d).enumerate() {
        let difference = (c.to_f64() - d.to_f64()).abs();
        assert!(difference <= bound, "{m}x{n}x{k} {op_a:?} {op_b:?} {factors:?} at {at}: {c}, not {d}");
    }
    assert!(c.chunks_exact(c_ld).all(|column| column[m..].iter().all(|x| x.to_f64() == CANARY)));
}

fn check_syrk<T: Real>((n, k): (usize, usize), factors: (f64, f64)) {
    let (a, a_ld) = matrix::<T>(1, (n, k), f64::NAN);
    let (mut c, c_ld) = matrix::<T>(3, (n, n), CANARY);
    if factors.1 == 0.0 {
        c.chunks_exact_mut(c_ld).for_each(|column| column[..n].fill(T::from_f64(f64::NAN)));
    }
    let mut d = c.clone();
    let (alpha, beta) = (T::from_f64(factors.0), T::from_f64(factors.1));
    let a = view("a", &a, n, k, a_ld).unwrap();
    let mut memory = vec![T::ZERO; Gemm::<T>::workspace(&Portable, n, n, k).elements()];
    let c_view = view_mut("c", &mut c, n, n, c_ld).unwrap();
    let d_view = view_mut("c", &mut d, n, n, c_ld).unwrap();
    Fast.syrk(alpha, a, beta, c_view, Stack::new(&mut [])).unwrap();
    Portable.syrk(alpha, a, beta, d_view, Stack::new(&mut memory)).unwrap();
    let bound = bound::<T>(k, factors.0, factors.1);
    for j in 0..n {
        for i in j..n {
            let (c, d) = (c[j * c_ld + i].to_f64(), d[j * c_ld + i].to_f64());
            assert!((c - d).abs() <= bound, "{n}x{k} {factors:?} at ({i}, {j}): {c}, not {d}");
        }
    }
    assert!(c.chunks_exact(c_ld).all(|column| column[n..].iter().all(|x| x.to_f64() == CANARY)));
}

fn op() -> impl Strategy<Value = Transpose> {
    prop_oneof![Just(Transpose::No), Just(Transpose::Yes)]
}

fn factors() -> impl Strategy<Value = (f64, f64)> {
    let factor = || prop_oneof![Just(0.0), Just(1.0), -2.0..2.0f64];
    (factor(), factor())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products(shape in (0..40usize, 0..40usize, 0..40usize), op_a in op(), op_b in op(), factors in factors()) {
        check_gemm::<f32>(shape, op_a, op_b, factors);
        check_gemm::<f64>(shape, op_a, op_b, factors);
    }

    #[test]
    fn symmetric_products(shape in (0..150usize, 0..40usize), factors in factors()) {
        check_syrk::<f32>(shape, factors);
        check_syrk::<f64>(shape, factors);
    }
}

#[test]
fn large_products() {
    for op_a in [Transpose::No, Transpose::Yes] {
        for op_b in [Transpose::No, Transpose::Yes] {
            for factors in [(1.0, 0.0), (-0.5, 1.5)] {
                check_gemm::<f32>((200, 300, 700), op_a, op_b, factors);
                check_gemm::<f64>((301, 70, 530), op_a, op_b, factors);
                check_gemm::<f64>((1, 500, 300), op_a, op_b, factors);
                check_gemm::<f32>((500, 1, 300), op_a, op_b, factors);
            }
        }
    }
    check_syrk::<f32>((333, 600), (1.0, 0.0));
    check_syrk::<f64>((333, 600), (-1.0, 1.0));
}

/// Shapes on every road through the crate: dot products, outer products, vectors, small and packed blocks.
#[test]
fn the_same_bits_on_every_thread_and_at_every_address() {
    let (no, yes) = (Transpose::No, Transpose::Yes);
    let shapes = [(9, 11, 300), (70, 50, 2), (90, 1, 80), (1, 90, 80), (40, 30, 50), (300, 200, 700)];
    for (m, n, k) in shapes {
        for (op_a, op_b) in [(no, no), (yes, no), (no, yes), (yes, yes)] {
            let (a, b) = (noise::<f32>(1, m * k), noise::<f32>(2, k * n));
            let product = |shift: usize| {
                // The same numbers, elsewhere in memory.
                let a: Vec<f32> = [vec![0.0; shift], a.clone()].concat();
                let b: Vec<f32> = [vec![0.0; 2 * shift], b.clone()].concat();
                let mut c = vec![0.25; 3 * shift + m * n];
                let ((a_rows, a_columns), (b_rows, b_columns)) = (op_a.shape((m, k)), op_b.shape((k, n)));
                let a = dense(&a[shift..], a_rows, a_columns);
                let b = dense(&b[2 * shift..], b_rows, b_columns);
                let target = dense_mut(&mut c[3 * shift..], m, n);
                Fast.gemm(0.5, a, op_a, b, op_b, 1.5, target, Stack::new(&mut [])).unwrap();
                c[3 * shift..].iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            };
            let here = product(0);
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|shift| scope.spawn(move || product(shift))).collect();
                for thread in threads {
                    assert!(thread.join().unwrap() == here, "{m}x{n}x{k} {op_a:?} {op_b:?}");
                }
            });
        }
    }
}

#[test]
fn wrong_shapes_and_no_workspace() {
    let shape = |argument, found, expected| Err(Error::Shape { argument, found, expected });
    let data = [1.0f32; 30];
    let mut c = [CANARY as f32; 30];
    let no = Transpose::No;
    let stack = || Stack::new(&mut []);
    let (a, b) = (dense(&data, 3, 4), dense(&data, 5, 5));
    let result = Fast.gemm(1.0, a, no, b, no, 0.0, dense_mut(&mut c, 3, 5), stack());
    assert_eq!(result, shape("b", (5, 5), (4, 5)));
    let b = dense(&data, 4, 5);
    let result = Fast.gemm(1.0, a, no, b, no, 0.0, dense_mut(&mut c, 3, 4), stack());
    assert_eq!(result, shape("c", (3, 4), (3, 5)));
    let result = Fast.syrk(1.0, a, 0.0, dense_mut(&mut c, 3, 4), stack());
    assert_eq!(result, shape("c", (3, 4), (3, 3)));
    assert!(c.iter().all(|&x| x == CANARY as f32), "written although refused");
    assert_eq!(Gemm::<f32>::workspace(&Fast, 500, 500, 500), Requirement::NONE);
}

/// The core's recursion over this product, on views of one matrix that lie side by side.
#[test]
fn an_inverse_over_the_fast_product() {
    let n = 210;
    let mut a = noise::<f64>(4, n * n);
    for j in 0..n {
        for i in 0..j {
            a[j * n + i] = a[i * n + j];
        }
        a[j * n + j] = n as f64;
    }
    let mut inverse = a.clone();
    let mut memory = vec![0.0; cholesky::invert_workspace::<f64>(&Fast, n).elements()];
    cholesky::factor(&Fast, dense_mut(&mut inverse, n, n), Stack::new(&mut [])).unwrap();
    cholesky::invert(&Fast, dense_mut(&mut inverse, n, n), Stack::new(&mut memory)).unwrap();
    for i in 0..n {
        for j in 0..n {
            let sum: f64 = (0..n).map(|l| inverse[l * n + i] * a[j * n + l]).sum();
            assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-12, "({i}, {j}): {sum}");
        }
    }
}
