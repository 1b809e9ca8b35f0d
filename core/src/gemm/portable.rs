//! Altmin's own product: packed, register-blocked, written so that the compiler vectorises it.
//!
//! The scheme is Goto's (K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34,
//! 2008): a block of op(B) and a block of op(A) are copied into panels that stay in cache, and a register block walks
//! over them. Every element of C is summed in the order of the terms, cut into runs of a fixed length, so that its
//! bits do not depend on where it lies, nor on what lies beside it.

use super::block::{F32_COLUMNS, F32_ROWS, F64_COLUMNS, F64_ROWS, multiply, store};
use super::pack::{Block, Layout, length, pack};
use super::{Gemm, Transpose, product_shape, scale};
use crate::error::Result;
use crate::real::Real;
use crate::view::{MatMut, MatRef, require_size};
use crate::workspace::{Requirement, Stack};

/// Terms of the sum in one packed block: long, because C is read and written once for each block.
const TERMS: usize = 512;
/// Rows of op(A) in one packed block, a multiple of every register block's rows: the block stays in the second level
/// of cache while all columns pass.
const ROWS: usize = 96;
/// Columns of op(B) in one packed block, a multiple of every register block's columns: enough of them to make up for
/// packing A again, few enough for a lean workspace.
const COLUMNS: usize = 240;

/// The core's product: packed panels and a register block that the compiler vectorises for whatever target it builds.
///
/// Scratch: both factors, filled up to whole register blocks, and never more than 172,032 elements.
/// `alpha = 0` leaves the factors unread, as in BLAS.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portable;

impl<T: Real> Gemm<T> for Portable {
    fn gemm(
        &self,
        alpha: T,
        a: MatRef<'_, T>,
        op_a: Transpose,
        b: MatRef<'_, T>,
        op_b: Transpose,
        beta: T,
        c: MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (_, _, k) = product_shape(&a, op_a, &b, op_b, &c)?;
        let a = Factor { matrix: a, layout: Layout::of_a(op_a) };
        let b = Factor { matrix: b, layout: Layout::of_b(op_b) };
        Product { alpha, a, b, k, beta, part: Part::All }.run(c, stack)
    }

    fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result {
        let (n, k) = a.shape();
        require_size("c", c.shape(), (n, n))?;
        let b = Factor { matrix: a, layout: Layout::of_b(Transpose::Yes) };
        let a = Factor { matrix: a, layout: Layout::of_a(Transpose::No) };
        Product { alpha, a, b, k, beta, part: Part::Lower }.run(c, stack)
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> Requirement {
        if size_of::<T>() == size_of::<f32>() {
            scratch::<F32_ROWS, F32_COLUMNS>(m, n, k)
        } else {
            scratch::<F64_ROWS, F64_COLUMNS>(m, n, k)
        }
    }
}

/// The packed blocks of both factors.
fn scratch<const MR: usize, const NR: usize>(m: usize, n: usize, k: usize) -> Requirement {
    const { assert!(ROWS.is_multiple_of(MR) && COLUMNS.is_multiple_of(NR)) };
    let terms = k.min(TERMS);
    let a = Requirement::vector(length::<MR>(m.min(ROWS), terms));
    let b = Requirement::vector(length::<NR>(n.min(COLUMNS), terms));
    if m == 0 || n == 0 { Requirement::NONE } else { a.and(b) }
}

/// The part of C that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// The diagonal and what is below it; register blocks that touch it are written whole.
    Lower,
}

/// A factor and the way its elements follow each other.
#[derive(Debug, Clone, Copy)]
struct Factor<'a, T: Real> {
    matrix: MatRef<'a, T>,
    layout: Layout,
}

/// `C <- alpha op(A) op(B) + beta C`, with `k` terms in each sum.
#[derive(Debug, Clone, Copy)]
struct Product<'a, T: Real> {
    alpha: T,
    a: Factor<'a, T>,
    b: Factor<'a, T>,
    k: usize,
    beta: T,
    part: Part,
}

impl<T: Real> Product<'_, T> {
    fn run(self, c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result {
        stack.require(Gemm::<T>::workspace(&Portable, c.nrows(), c.ncols(), self.k))?;
        if self.k == 0 || self.alpha == T::ZERO {
            scale(self.beta, c);
            Ok(())
        } else if size_of::<T>() == size_of::<f32>() {
            self.blocked::<F32_ROWS, F32_COLUMNS>(c, stack)
        } else {
            self.blocked::<F64_ROWS, F64_COLUMNS>(c, stack)
        }
    }

    fn blocked<const MR: usize, const NR: usize>(
        self,
        mut c: MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (m, n) = c.shape();
        let terms = self.k.min(TERMS);
        let packed_a = stack.vector(if n == 0 { 0 } else { length::<MR>(m.min(ROWS), terms) })?;
        let packed_b = stack.vector(if m == 0 { 0 } else { length::<NR>(n.min(COLUMNS), terms) })?;
        for column in (0..n).step_by(COLUMNS) {
            let columns = COLUMNS.min(n - column);
            let from = if self.part == Part::Lower { column } else { 0 };
            for term in (0..self.k).step_by(TERMS) {
                let terms = TERMS.min(self.k - term);
                let beta = if term == 0 { self.beta } else { T::ONE };
                let block = Block { first: column, count: columns, term, terms };
                pack::<T, NR>(&self.b.matrix, self.b.layout, block, packed_b);
                for row in (from..m).step_by(ROWS) {
                    let rows = ROWS.min(m - row);
                    let block = Block { first: row, count: rows, term, terms };
                    pack::<T, MR>(&self.a.matrix, self.a.layout, block, packed_a);
                    let panels = Panels::<T, MR, NR> { a: packed_a, b: packed_b, rows, columns, terms };
                    self.walk(panels, beta, &mut c, (row, column));
                }
            }
        }
        Ok(())
    }

    /// Moves the register block over one pair of packed blocks; their product belongs at `(row, column)` of C.
    fn walk<const MR: usize, const NR: usize>(
        self,
        panels: Panels<'_, T, MR, NR>,
        beta: T,
        c: &mut MatMut<'_, T>,
        (row, column): (usize, usize),
    ) {
        let terms = panels.terms;
        let (a, _) = panels.a.as_chunks::<MR>();
        let (b, _) = panels.b.as_chunks::<NR>();
        let across = (0..panels.columns).step_by(NR).map(|j| column + j);
        for (j, b) in across.zip(b.chunks_exact(terms)) {
            let down = (0..panels.rows).step_by(MR).map(|i| row + i);
            for (i, a) in down.zip(a.chunks_exact(terms)) {
                if self.part == Part::Lower && i + MR <= j {
                    continue;
                }
                store(&multiply(a, b), self.alpha, beta, c, (i, j));
            }
        }
    }
}

/// A packed block of each factor.
#[derive(Debug, Clone, Copy)]
struct Panels<'a, T, const MR: usize, const NR: usize> {
    a: &'a [T],
    b: &'a [T],
    rows: usize,
    columns: usize,
    terms: usize,
}
