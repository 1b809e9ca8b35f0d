//! The portable product against nalgebra's, built without nalgebra's `std` feature, on one thread in `f32` and `f64`.
//!
//! Run it twice, because the compiler vectorises for the target that it is told:
//!
//! ```text
//! cargo bench -p altmin-core --bench gemm
//! RUSTFLAGS=-Ctarget-cpu=x86-64-v3 cargo bench -p altmin-core --bench gemm
//! ```
//!
//! Both sides of a ratio come from the same build; the rates are printed so that the builds can be compared too.
//! Times are medians of interleaved runs: what else runs on the machine slows down both.

use std::time::Instant;

use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Real, cholesky};
use nalgebra::ComplexField;

/// Runs of each contestant.
const ROUNDS: usize = 11;

fn main() {
    println!("GFLOP/s, medians of {ROUNDS}");
    product::<f32>("f32", 500, 5000, 500);
    product::<f32>("f32", 500, 500, 5000);
    product::<f64>("f64", 500, 5000, 500);
    factorisation::<f32>("f32", 500);
    factorisation::<f32>("f32", 1000);
    factorisation::<f64>("f64", 500);
}

/// Medians of the seconds that each contestant takes, one after the other in each round.
fn medians<const N: usize>(mut contestants: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut seconds = [[0.0; ROUNDS]; N];
    for round in 0..ROUNDS {
        for (contestant, seconds) in contestants.iter_mut().zip(&mut seconds) {
            seconds[round] = contestant();
        }
    }
    seconds.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    })
}

fn seconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn numbers<T: Real>(count: usize) -> Vec<T> {
    (0..count).map(|i| <T as Real>::from_f64((i * 7919 % 1009) as f64 / 504.5 - 1.0)).collect()
}

fn product<T: Real + ComplexField>(name: &str, m: usize, n: usize, k: usize) {
    let (zero, one) = (T::ZERO, T::ONE);
    let (no, yes) = (Transpose::No, Transpose::Yes);
    let (a, b) = (numbers::<T>(m * k), numbers::<T>(k * n));
    let (mut c, mut d, mut e) = (vec![zero; m * n], vec![zero; m * n], vec![zero; m * m]);
    let mut f = c.clone();
    let mut memory = vec![zero; Gemm::<T>::workspace(&Portable, m, n.max(m), k).elements()];
    let mut other = memory.clone();
    let mut another = memory.clone();
    let [own, transposed, symmetric, nalgebra] = medians([
        &mut || {
            let (a, b, c) = (dense(&a, m, k), dense(&b, k, n), dense_mut(&mut c, m, n));
            seconds(|| Portable.gemm(one, a, no, b, no, zero, c, Stack::new(&mut memory)).unwrap())
        },
        &mut || {
            let (a, b, d) = (dense(&a, k, m), dense(&b, n, k), dense_mut(&mut d, m, n));
            seconds(|| Portable.gemm(one, a, yes, b, yes, zero, d, Stack::new(&mut other)).unwrap())
        },
        &mut || {
            let (a, e) = (dense(&a, m, k), dense_mut(&mut e, m, m));
            seconds(|| Portable.syrk(one, a, zero, e, Stack::new(&mut another)).unwrap())
        },
        &mut || {
            let (a, b) = (dense(&a, m, k), dense(&b, k, n));
            let mut f = dense_mut(&mut f, m, n);
            seconds(|| f.gemm(one, &a, &b, zero))
        },
    ]);
    let work = 2e-9 * (m * n * k) as f64;
    let half = 1e-9 * (m * (m + 1) * k) as f64;
    println!(
        "{name} {m}x{k} {k}x{n}: A B {:.1}, A' B' {:.1}, lower A A' {:.1}; nalgebra A B {:.1}; ratio {:.2}",
        work / own,
        work / transposed,
        half / symmetric,
        work / nalgebra,
        nalgebra / own
    );
}

fn factorisation<T: Real>(name: &str, n: usize) {
    let zero = T::ZERO;
    let mut matrix = numbers::<T>(n * n);
    for j in 0..n {
        matrix[j * n + j] = T::from_usize(n);
    }
    let mut factor = matrix.clone();
    let mut inverse = matrix.clone();
    let (mut x, right) = (numbers::<T>(n * n), numbers::<T>(n * n));
    let needed = cholesky::factor_workspace::<T>(&Portable, n)
        .or(cholesky::solve_right_workspace::<T>(&Portable, n, n))
        .or(cholesky::invert_workspace::<T>(&Portable, n))
        .or(Gemm::<T>::workspace(&Portable, n, n, n));
    let mut memory = vec![zero; needed.elements()];
    let cube = 1e-9 * (n * n * n) as f64;
    let mut rates: [Vec<f64>; 4] = Default::default();
    let (no, yes) = (Transpose::No, Transpose::Yes);
    for _ in 0..ROUNDS {
        factor.copy_from_slice(&matrix);
        x.copy_from_slice(&right);
        let target = dense_mut(&mut factor, n, n);
        let time = seconds(|| cholesky::factor(&Portable, target, Stack::new(&mut memory)).unwrap());
        rates[0].push(cube / 3.0 / time);

        let (l, target) = (dense(&factor, n, n), dense_mut(&mut x, n, n));
        let time = seconds(|| cholesky::solve_right(&Portable, l, target, Stack::new(&mut memory)).unwrap());
        rates[1].push(2.0 * cube / time);

        inverse.copy_from_slice(&factor);
        let target = dense_mut(&mut inverse, n, n);
        let time = seconds(|| cholesky::invert(&Portable, target, Stack::new(&mut memory)).unwrap());
        rates[2].push(2.0 / 3.0 * cube / time);

        let (a, b, c) = (dense(&matrix, n, n), dense(&right, n, n), dense_mut(&mut x, n, n));
        let stack = Stack::new(&mut memory);
        let time = seconds(|| Portable.gemm(T::ONE, a, no, b, yes, zero, c, stack).unwrap());
        rates[3].push(2.0 * cube / time);
    }
    let [factor, solve, invert, product] = rates.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    });
    println!(
        "{name} n = {n}: factor {factor:.1}, solve {solve:.1}, invert {invert:.1}; product {product:.1}"
    );
}
