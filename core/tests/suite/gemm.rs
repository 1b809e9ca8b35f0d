//! The portable product against a triple loop in double precision.

use altmin_core::Real;
use altmin_core::error::Error;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::view::{MatMut, MatRef, dense, dense_mut, span, view, view_mut};
use altmin_core::workspace::Stack;
use proptest::prelude::*;

use crate::common::CANARY;
use crate::common::congruential::noise;

/// A matrix in the middle of a longer buffer, with `gap` elements of filling between its columns.
struct Strided<T> {
    data: Vec<T>,
    rows: usize,
    columns: usize,
    gap: usize,
    filling: T,
}

impl<T: Real> Strided<T> {
    fn new(content: &[T], rows: usize, columns: usize, gap: usize, filling: f64) -> Self {
        let filling = T::from_f64(filling);
        let mut data = vec![filling; (rows + gap) * columns + 3];
        for j in 0..columns {
            let at = j * (rows + gap);
            data[at..at + rows].copy_from_slice(&content[j * rows..(j + 1) * rows]);
        }
        Self { data, rows, columns, gap, filling }
    }

    fn span(&self) -> usize {
        span(self.rows, self.columns, self.rows + self.gap).unwrap()
    }

    fn view(&self) -> MatRef<'_, T> {
        view("test", &self.data[..self.span()], self.rows, self.columns, self.rows + self.gap).unwrap()
    }

    fn view_mut(&mut self) -> MatMut<'_, T> {
        let span = self.span();
        view_mut("test", &mut self.data[..span], self.rows, self.columns, self.rows + self.gap).unwrap()
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.data[j * (self.rows + self.gap) + i].to_f64()
    }

    fn gaps_untouched(&self) -> bool {
        let ld = self.rows + self.gap;
        let is_gap = |at: usize| at >= ld * self.columns || at % ld >= self.rows;
        self.data.iter().enumerate().all(|(at, &x)| !is_gap(at) || x == self.filling)
    }
}

#[derive(Debug, Clone)]
struct Case {
    m: usize,
    n: usize,
    k: usize,
    op_a: Transpose,
    op_b: Transpose,
    alpha: f64,
    beta: f64,
    gaps: [usize; 3],
    seed: u64,
}

fn op() -> impl Strategy<Value = Transpose> {
    prop_oneof![Just(Transpose::No), Just(Transpose::Yes)]
}

fn case(size: std::ops::Range<usize>) -> impl Strategy<Value = Case> {
    let factor = || prop_oneof![Just(0.0), Just(1.0), Just(-1.0), -2.0..2.0f64];
    let sizes = (size.clone(), size.clone(), size);
    (sizes, op(), op(), factor(), factor(), [0..4usize, 0..4, 0..4], any::<u64>()).prop_map(
        |((m, n, k), op_a, op_b, alpha, beta, gaps, seed)| Case {
            m,
            n,
            k,
            op_a,
            op_b,
            alpha,
            beta,
            gaps,
            seed,
        },
    )
}

/// The factors of a case; what is between their columns is NaN, so that reading it shows.
fn factors<T: Real>(case: &Case) -> (Strided<T>, Strided<T>) {
    let (rows_a, columns_a) = case.op_a.shape((case.m, case.k));
    let (rows_b, columns_b) = case.op_b.shape((case.k, case.n));
    let a = noise(case.seed, rows_a * columns_a);
    let b = noise(case.seed ^ 1, rows_b * columns_b);
    (
        Strided::new(&a, rows_a, columns_a, case.gaps[0], f64::NAN),
        Strided::new(&b, rows_b, columns_b, case.gaps[1], f64::NAN),
    )
}

/// C before the product: NaN everywhere if it must not be read.
fn target<T: Real>(case: &Case) -> Strided<T> {
    let mut c = noise(case.seed ^ 2, case.m * case.n);
    if case.beta == 0.0 {
        c.fill(T::from_f64(f64::NAN));
    }
    Strided::new(&c, case.m, case.n, case.gaps[2], CANARY)
}

/// Memory of exactly `elements` before a guard; NaN, because its content must not matter.
fn scratch<T: Real>(elements: usize) -> Vec<T> {
    let mut memory = vec![T::from_f64(f64::NAN); elements];
    memory.extend([T::from_f64(CANARY); 4]);
    memory
}

fn guard_untouched<T: Real>(memory: &[T]) -> bool {
    memory[memory.len() - 4..].iter().all(|x| x.to_f64() == CANARY)
}

/// Element `(i, j)` of the product in double precision, and how far a sum of `k` terms in `T` may be from it.
fn expected<T: Real>(
    case: &Case,
    a: &Strided<T>,
    b: &Strided<T>,
    before: f64,
    i: usize,
    j: usize,
) -> (f64, f64) {
    // What the product sees of its settings.
    let (alpha, beta) = (T::from_f64(case.alpha).to_f64(), T::from_f64(case.beta).to_f64());
    let (mut sum, mut size) = (0.0, 0.0);
    for l in 0..case.k {
        let x = if case.op_a == Transpose::No { a.at(i, l) } else { a.at(l, i) };
        let y = if case.op_b == Transpose::No { b.at(l, j) } else { b.at(j, l) };
        sum += x * y;
        size += (x * y).abs();
    }
    let kept = if beta == 0.0 { 0.0 } else { beta * before };
    let bound = (case.k as f64 + 4.0) * T::EPSILON.to_f64() * ((alpha * size).abs() + kept.abs());
    (alpha * sum + kept, bound)
}

fn check_gemm<T: Real>(case: &Case) {
    let (a, b) = factors::<T>(case);
    let before = target::<T>(case);
    let mut c = target::<T>(case);
    let needed = Gemm::<T>::workspace(&Portable, case.m, case.n, case.k).elements();
    let mut memory = scratch::<T>(needed);
    let (alpha, beta) = (T::from_f64(case.alpha), T::from_f64(case.beta));
    let stack = Stack::new(&mut memory[..needed]);
    Portable.gemm(alpha, a.view(), case.op_a, b.view(), case.op_b, beta, c.view_mut(), stack).unwrap();
    for j in 0..case.n {
        for i in 0..case.m {
            let (value, bound) = expected(case, &a, &b, before.at(i, j), i, j);
            let error = (c.at(i, j) - value).abs();
            assert!(error <= bound, "{case:?}: ({i}, {j}) is {}, not {value}", c.at(i, j));
        }
    }
    assert!(c.gaps_untouched(), "{case:?}: written between the columns");
    assert!(guard_untouched(&memory), "{case:?}: written behind the workspace");
}

/// `op_a`, `op_b` and `n` of the case do not matter here: A is n x k.
fn check_syrk<T: Real>(case: &Case) {
    let case = Case { m: case.n, op_a: Transpose::No, op_b: Transpose::Yes, ..case.clone() };
    let a = factors::<T>(&case).0;
    let before = target::<T>(&case);
    let mut c = target::<T>(&case);
    let needed = Gemm::<T>::workspace(&Portable, case.n, case.n, case.k).elements();
    let mut memory = scratch::<T>(needed);
    let (alpha, beta) = (T::from_f64(case.alpha), T::from_f64(case.beta));
    Portable.syrk(alpha, a.view(), beta, c.view_mut(), Stack::new(&mut memory[..needed])).unwrap();
    for j in 0..case.n {
        for i in 0..case.n {
            let (value, bound) = expected(&case, &a, &a, before.at(i, j), i, j);
            let good = (c.at(i, j) - value).abs() <= bound;
            let kept = c.at(i, j).to_bits() == before.at(i, j).to_bits();
            assert!(good || (i < j && kept), "{case:?}: ({i}, {j}) is {}, not {value}", c.at(i, j));
        }
    }
    assert!(c.gaps_untouched(), "{case:?}: written between the columns");
    assert!(guard_untouched(&memory), "{case:?}: written behind the workspace");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_products(case in case(0..40)) {
        check_gemm::<f32>(&case);
        check_gemm::<f64>(&case);
    }

    #[test]
    fn small_symmetric_products(case in case(0..40)) {
        check_syrk::<f32>(&case);
        check_syrk::<f64>(&case);
    }

    #[test]
    fn workspace_grows_with_each_argument(
        (m, n, k) in (0..700usize, 0..700usize, 0..700usize),
        (dm, dn, dk) in (0..50usize, 0..50usize, 0..50usize),
    ) {
        let small = Gemm::<f32>::workspace(&Portable, m, n, k).elements();
        let large = Gemm::<f32>::workspace(&Portable, m + dm, n + dn, k + dk).elements();
        prop_assert!(small <= large, "{small} for {m}x{n}x{k}, {large} for more");
    }
}

/// One more and one fewer than the borders of the packed blocks, on each side of the product.
#[test]
fn products_across_the_borders_of_blocks() {
    let sizes = [
        (95, 239, 511),
        (96, 240, 512),
        (97, 241, 513),
        (200, 7, 1100),
        (3, 500, 20),
        (193, 490, 30),
        (1, 1, 2000),
    ];
    for (seed, (m, n, k)) in sizes.into_iter().enumerate() {
        for op_a in [Transpose::No, Transpose::Yes] {
            for op_b in [Transpose::No, Transpose::Yes] {
                let gaps = [seed % 3, (seed + 1) % 3, (seed + 2) % 3];
                for (alpha, beta) in [(1.0, 0.0), (-0.5, 1.5)] {
                    let case = Case { m, n, k, op_a, op_b, alpha, beta, gaps, seed: seed as u64 };
                    check_gemm::<f32>(&case);
                    check_gemm::<f64>(&case);
                }
            }
        }
        let case = Case {
            m,
            n,
            k,
            op_a: Transpose::No,
            op_b: Transpose::Yes,
            alpha: -0.5,
            beta: 1.0,
            gaps: [1, 0, 2],
            seed: 9,
        };
        check_syrk::<f32>(&case);
        check_syrk::<f64>(&case);
    }
}

/// The bits of an element are those of the product of its own row and column, whatever surrounds it.
#[test]
fn bits_do_not_depend_on_the_neighbours() {
    let (m, n, k) = (101, 250, 600);
    let (a, b) = (noise::<f32>(1, m * k), noise::<f32>(2, k * n));
    let mut memory = vec![0.0; Gemm::<f32>::workspace(&Portable, m, n, k).elements()];
    let mut c = vec![0.25; m * n];
    let (a, b) = (dense(&a, m, k), dense(&b, k, n));
    let no = Transpose::No;
    Portable.gemm(0.5, a, no, b, no, 1.5, dense_mut(&mut c, m, n), Stack::new(&mut memory)).unwrap();
    for (i, j) in [(0, 0), (100, 249), (17, 240), (96, 3), (50, 123)] {
        let mut one = [0.25];
        let row = a.view((i, 0), (1, k));
        let column = b.view((0, j), (k, 1));
        Portable
            .gemm(0.5, row, no, column, no, 1.5, dense_mut(&mut one, 1, 1), Stack::new(&mut memory))
            .unwrap();
        assert_eq!(one[0].to_bits(), c[j * m + i].to_bits(), "({i}, {j})");
    }
}

#[test]
fn a_factor_with_alpha_zero_is_not_read() {
    let nan = [f32::NAN; 12];
    let mut c = [2.0; 9];
    let mut memory = [0.0; 1000];
    let (a, b) = (dense(&nan, 3, 4), dense(&nan, 4, 3));
    let no = Transpose::No;
    Portable.gemm(0.0, a, no, b, no, 0.5, dense_mut(&mut c, 3, 3), Stack::new(&mut memory)).unwrap();
    assert_eq!(c, [1.0; 9]);
}

#[test]
fn one_wrong_dimension_at_a_time() {
    let data = [1.0f64; 100];
    let refused = |a: (usize, usize), op_a, b: (usize, usize), op_b, c: (usize, usize)| {
        let mut target = [CANARY; 100];
        let mut memory = [0.0; 10_000];
        let result = Portable.gemm(
            1.0,
            dense(&data, a.0, a.1),
            op_a,
            dense(&data, b.0, b.1),
            op_b,
            0.0,
            dense_mut(&mut target, c.0, c.1),
            Stack::new(&mut memory),
        );
        assert!(result.is_ok() || target == [CANARY; 100], "written although refused");
        result
    };
    let shape = |argument, found, expected| Err(Error::Shape { argument, found, expected });
    let (no, yes) = (Transpose::No, Transpose::Yes);
    assert_eq!(refused((3, 4), no, (4, 5), no, (3, 5)), Ok(()));
    assert_eq!(refused((2, 4), no, (4, 5), no, (3, 5)), shape("c", (3, 5), (2, 5)));
    assert_eq!(refused((3, 3), no, (4, 5), no, (3, 5)), shape("b", (4, 5), (3, 5)));
    assert_eq!(refused((3, 4), no, (5, 5), no, (3, 5)), shape("b", (5, 5), (4, 5)));
    assert_eq!(refused((3, 4), no, (4, 6), no, (3, 5)), shape("c", (3, 5), (3, 6)));
    assert_eq!(refused((3, 4), no, (4, 5), no, (4, 5)), shape("c", (4, 5), (3, 5)));
    assert_eq!(refused((3, 4), no, (4, 5), no, (3, 4)), shape("c", (3, 4), (3, 5)));
    assert_eq!(refused((4, 3), yes, (5, 4), yes, (3, 5)), Ok(()));
    assert_eq!(refused((4, 3), no, (5, 4), yes, (3, 5)), shape("b", (5, 4), (5, 3)));
    assert_eq!(refused((4, 3), yes, (5, 4), no, (3, 5)), shape("b", (5, 4), (4, 4)));
    let mut target = [CANARY; 12];
    let result =
        Portable.syrk(1.0, dense(&data, 3, 5), 0.0, dense_mut(&mut target, 3, 4), Stack::new(&mut []));
    assert_eq!(result, shape("c", (3, 4), (3, 3)));
    assert_eq!(target, [CANARY; 12]);
}

#[test]
fn one_element_of_workspace_too_few() {
    let (m, n, k) = (30, 20, 10);
    let data = [1.0f32; 900];
    let needed = Gemm::<f32>::workspace(&Portable, m, n, k).elements();
    let mut memory = vec![0.0; needed - 1];
    let mut c = [CANARY as f32; 900];
    let (a, b) = (dense(&data, m, k), dense(&data, k, n));
    let no = Transpose::No;
    let result = Portable.gemm(1.0, a, no, b, no, 0.0, dense_mut(&mut c, m, n), Stack::new(&mut memory));
    assert_eq!(result, Err(Error::Workspace { found: needed - 1, needed }));
    let needed = Gemm::<f32>::workspace(&Portable, m, m, k).elements();
    let mut memory = vec![0.0; needed - 1];
    let result = Portable.syrk(1.0, a, 0.0, dense_mut(&mut c, m, m), Stack::new(&mut memory));
    assert_eq!(result, Err(Error::Workspace { found: needed - 1, needed }));
    assert!(c.iter().all(|&x| x == CANARY as f32));
}

#[test]
fn an_overflowing_size_asks_for_bounded_memory() {
    let most = Gemm::<f32>::workspace(&Portable, usize::MAX, usize::MAX, usize::MAX).elements();
    assert_eq!(most, (96 + 240) * 512);
}
