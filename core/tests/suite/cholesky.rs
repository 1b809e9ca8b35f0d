//! Cholesky's factor and what is made of it, by reconstruction in double precision.

use altmin_core::cholesky::{
    factor, factor_workspace, invert, invert_workspace, solve_right, solve_right_workspace,
};
use altmin_core::error::Error;
use altmin_core::gemm::Portable;
use altmin_core::view::{dense, dense_mut, view, view_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Real, Result};
use proptest::prelude::*;

use crate::common::CANARY;
use crate::common::congruential::noise;

/// A symmetric matrix with eigenvalues between 1 and 3, by Gershgorin: noise off the diagonal, 2 on it.
fn positive<T: Real>(seed: u64, n: usize) -> Vec<T> {
    let noise = noise::<T>(seed, n * n);
    let scale = T::from_f64(1.0 / n.max(1) as f64);
    let mut a = vec![T::ZERO; n * n];
    for j in 0..n {
        for i in 0..j {
            a[j * n + i] = noise[j * n + i] * scale;
            a[i * n + j] = a[j * n + i];
        }
        a[j * n + j] = T::from_f64(2.0);
    }
    a
}

/// Memory of `elements`, whose content must not matter.
fn scratch<T: Real>(elements: usize) -> Vec<T> {
    vec![T::from_f64(f64::NAN); elements]
}

fn factored<T: Real>(a: &[T], n: usize) -> Result<Vec<T>> {
    let mut l = a.to_vec();
    let mut memory = scratch(factor_workspace::<T>(&Portable, n).elements());
    factor(&Portable, dense_mut(&mut l, n, n), Stack::new(&mut memory))?;
    Ok(l)
}

/// The largest difference between `left * right` and `expected` over rows, columns and terms as given.
fn distance(
    (m, n, k): (usize, usize, usize),
    left: impl Fn(usize, usize) -> f64,
    right: impl Fn(usize, usize) -> f64,
    expected: impl Fn(usize, usize) -> f64,
) -> f64 {
    let mut worst = 0.0f64;
    for i in 0..m {
        for j in 0..n {
            let sum: f64 = (0..k).map(|l| left(i, l) * right(l, j)).sum();
            let error = (sum - expected(i, j)).abs();
            assert!(!error.is_nan(), "({i}, {j}) is NaN");
            worst = worst.max(error);
        }
    }
    worst
}

/// Rounding that sums of `n` terms of size 1 may leave.
fn bound<T: Real>(n: usize) -> f64 {
    4.0 * (n as f64 + 10.0) * T::EPSILON.to_f64()
}

fn check_factor<T: Real>(seed: u64, n: usize) {
    let a = positive::<T>(seed, n);
    // What is above the diagonal may be anything.
    let mut given = a.clone();
    for j in 0..n {
        given[j * n..j * n + j].fill(T::from_f64(f64::NAN));
    }
    let l = factored(&given, n).unwrap();
    let lower = |i: usize, j: usize| if i >= j { l[j * n + i].to_f64() } else { 0.0 };
    let error = distance((n, n, n), lower, |i, j| lower(j, i), |i, j| a[j * n + i].to_f64());
    assert!(error <= bound::<T>(n), "n = {n}: L L' is {error} away from A");
}

fn check_solve<T: Real>(seed: u64, m: usize, n: usize) {
    let a = positive::<T>(seed, n);
    let mut l = factored(&a, n).unwrap();
    for j in 0..n {
        l[j * n..j * n + j].fill(T::from_f64(f64::NAN));
    }
    let right = noise::<T>(seed ^ 5, m * n);
    // One more row than the view has stands between its columns.
    let ld = m + 1;
    let mut x = vec![T::from_f64(CANARY); ld * n];
    for j in 0..n {
        x[j * ld..j * ld + m].copy_from_slice(&right[j * m..(j + 1) * m]);
    }
    let mut memory = scratch(solve_right_workspace::<T>(&Portable, m, n).elements());
    let target = view_mut("x", &mut x, m, n, ld).unwrap();
    solve_right(&Portable, dense(&l, n, n), target, Stack::new(&mut memory)).unwrap();
    let error = distance(
        (m, n, n),
        |i, j| x[j * ld + i].to_f64(),
        |i, j| a[j * n + i].to_f64(),
        |i, j| right[j * m + i].to_f64(),
    );
    assert!(error <= bound::<T>(n), "{m} x {n}: X A is {error} away from the right-hand side");
    assert!((0..n).all(|j| x[j * ld + m].to_f64() == CANARY), "{m} x {n}: written between the columns");
}

fn check_invert<T: Real>(seed: u64, n: usize) {
    let a = positive::<T>(seed, n);
    let mut inverse = factored(&a, n).unwrap();
    let mut memory = scratch(invert_workspace::<T>(&Portable, n).elements());
    invert(&Portable, dense_mut(&mut inverse, n, n), Stack::new(&mut memory)).unwrap();
    let error = distance(
        (n, n, n),
        |i, j| inverse[j * n + i].to_f64(),
        |i, j| a[j * n + i].to_f64(),
        |i, j| if i == j { 1.0 } else { 0.0 },
    );
    assert!(
        error <= bound::<T>(n),
        "n = {n}: the product with the inverse is {error} away from the identity"
    );
    for j in 0..n {
        for i in 0..j {
            assert_eq!(inverse[j * n + i], inverse[i * n + j], "({i}, {j})");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_matrices(seed in any::<u64>(), n in 0..20usize, m in 0..70usize) {
        check_factor::<f32>(seed, n);
        check_factor::<f64>(seed, n);
        check_solve::<f32>(seed, m, n);
        check_solve::<f64>(seed, m, n);
        check_invert::<f32>(seed, n);
        check_invert::<f64>(seed, n);
    }
}

#[test]
fn matrices_that_are_cut() {
    for (seed, n) in [31, 32, 33, 65, 130, 200, 300].into_iter().enumerate() {
        let seed = seed as u64;
        check_factor::<f32>(seed, n);
        check_factor::<f64>(seed, n);
        check_solve::<f32>(seed, 75, n);
        check_solve::<f64>(seed, 64, n);
        check_invert::<f32>(seed, n);
        check_invert::<f64>(seed, n);
    }
}

#[test]
fn a_known_factor() {
    // L = [2 0 0; 6 1 0; -8 5 3], all exact.
    let mut a = [4.0f64, 12.0, -16.0, 12.0, 37.0, -43.0, -16.0, -43.0, 98.0];
    factor(&Portable, dense_mut(&mut a, 3, 3), Stack::new(&mut [])).unwrap();
    assert_eq!([a[0], a[1], a[2], a[4], a[5], a[8]], [2.0, 6.0, -8.0, 1.0, 5.0, 3.0]);
}

#[test]
fn gaps_between_columns_stay() {
    let (n, ld) = (40, 43);
    let a = positive::<f32>(3, n);
    let mut data = vec![CANARY as f32; ld * n];
    for j in 0..n {
        data[j * ld..j * ld + n].copy_from_slice(&a[j * n..(j + 1) * n]);
    }
    let mut memory =
        scratch(factor_workspace::<f32>(&Portable, n).or(invert_workspace::<f32>(&Portable, n)).elements());
    factor(&Portable, view_mut("a", &mut data, n, n, ld).unwrap(), Stack::new(&mut memory)).unwrap();
    invert(&Portable, view_mut("l", &mut data, n, n, ld).unwrap(), Stack::new(&mut memory)).unwrap();
    assert!((0..n).all(|j| data[j * ld + n..(j + 1) * ld].iter().all(|&x| x == CANARY as f32)));
    let inverse = view("l", &data, n, n, ld).unwrap();
    let error = distance(
        (n, n, n),
        |i, j| f64::from(inverse[(i, j)]),
        |i, j| f64::from(a[j * n + i]),
        |i, j| if i == j { 1.0 } else { 0.0 },
    );
    assert!(error <= bound::<f32>(n));
}

#[test]
fn the_first_pivot_that_is_not_positive() {
    for n in [1, 7, 16, 17, 65, 130] {
        for pivot in [0, n / 3, n / 2, n - 1] {
            for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                let mut a = positive::<f64>(n as u64, n);
                // Without neighbours the pivot is the diagonal's own element; a bad one follows later.
                for i in 0..n {
                    a[pivot * n + i] = 0.0;
                    a[i * n + pivot] = 0.0;
                }
                a[pivot * n + pivot] = bad;
                a[n * n - 1] = if pivot == n - 1 { bad } else { -1.0 };
                assert_eq!(factored(&a, n), Err(Error::Singular { pivot }), "n = {n}, {bad}");
            }
        }
    }
    // A matrix of rank 1 in small whole numbers: the second pivot is exactly 0.
    let a: Vec<f32> = (0..400).map(|at| ((at % 20 % 3 + 1) * (at / 20 % 3 + 1)) as f32).collect();
    assert_eq!(factored(&a, 20), Err(Error::Singular { pivot: 1 }));
}

#[test]
fn one_wrong_shape_at_a_time() {
    let shape = |argument, found, expected| Err(Error::Shape { argument, found, expected });
    let mut x = [CANARY; 12];
    let l = [CANARY; 16];
    let mut memory = [0.0; 4000];
    let result = factor(&Portable, dense_mut(&mut x, 3, 4), Stack::new(&mut memory));
    assert_eq!(result, shape("a", (3, 4), (3, 3)));
    let result = invert(&Portable, dense_mut(&mut x, 4, 3), Stack::new(&mut memory));
    assert_eq!(result, shape("l", (4, 3), (4, 4)));
    let result = solve_right(&Portable, dense(&l, 4, 3), dense_mut(&mut x, 3, 4), Stack::new(&mut memory));
    assert_eq!(result, shape("l", (4, 3), (4, 4)));
    let result = solve_right(&Portable, dense(&l, 4, 4), dense_mut(&mut x, 4, 3), Stack::new(&mut memory));
    assert_eq!(result, shape("x", (4, 3), (4, 4)));
    assert_eq!(x, [CANARY; 12], "written although refused");
}

#[test]
fn one_element_of_workspace_too_few() {
    let (m, n) = (50, 40);
    let mut a = positive::<f32>(1, n);
    let mut x = noise::<f32>(2, m * n);
    let before = (a.clone(), x.clone());
    let too_few =
        |needed: usize| (scratch::<f32>(needed - 1), Err(Error::Workspace { found: needed - 1, needed }));

    let (mut memory, refused) = too_few(factor_workspace::<f32>(&Portable, n).elements());
    assert_eq!(factor(&Portable, dense_mut(&mut a, n, n), Stack::new(&mut memory)), refused);
    let (mut memory, refused) = too_few(invert_workspace::<f32>(&Portable, n).elements());
    assert_eq!(invert(&Portable, dense_mut(&mut a, n, n), Stack::new(&mut memory)), refused);
    let (mut memory, refused) = too_few(solve_right_workspace::<f32>(&Portable, m, n).elements());
    let l = dense(&before.0, n, n);
    assert_eq!(solve_right(&Portable, l, dense_mut(&mut x, m, n), Stack::new(&mut memory)), refused);
    assert!((a, x) == before, "written although refused");
}
