//! Packing: a block of a factor, rearranged so that the register block reads it front to back.

use super::Transpose;
use crate::real::Real;
use crate::view::{MatRef, column};

/// A block of a factor: `count` rows of op(A) from `first` on (or columns of op(B)), over the terms
/// `term .. term + terms` of the sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) term: usize,
    pub(super) terms: usize,
}

/// How a factor lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The elements that meet in one term of the sum lie side by side: A as it is, B transposed.
    TermContiguous,
    /// The terms of one row (of A) or column (of B) lie side by side: A transposed, B as it is.
    TermStrided,
}

impl Layout {
    pub(super) fn of_a(op: Transpose) -> Self {
        if op == Transpose::No { Layout::TermContiguous } else { Layout::TermStrided }
    }

    pub(super) fn of_b(op: Transpose) -> Self {
        if op == Transpose::No { Layout::TermStrided } else { Layout::TermContiguous }
    }
}

/// Elements of a packed block: panels of `R`, the last one filled up.
pub(super) const fn length<const R: usize>(count: usize, terms: usize) -> usize {
    count.div_ceil(R).saturating_mul(R).saturating_mul(terms)
}

/// Packs `block` of `from` into panels of `R` rows (or columns), one after the other; inside a panel the terms follow
/// each other. What is missing in the last panel is zero: its sums are computed and thrown away.
pub(super) fn pack<T: Real, const R: usize>(
    from: &MatRef<'_, T>,
    layout: Layout,
    block: Block,
    to: &mut [T],
) {
    if block.terms == 0 {
        return;
    }
    let (to, _) = to.as_chunks_mut::<R>();
    for (panel, to) in to.chunks_exact_mut(block.terms).enumerate().take(block.count.div_ceil(R)) {
        let first = block.first + panel * R;
        let count = R.min(block.first + block.count - first);
        match layout {
            Layout::TermContiguous => pack_contiguous(from, first, count, block.term, to),
            Layout::TermStrided => pack_strided(from, first, count, block.term, to),
        }
    }
}

fn pack_contiguous<T: Real, const R: usize>(
    from: &MatRef<'_, T>,
    first: usize,
    count: usize,
    term: usize,
    to: &mut [[T; R]],
) {
    for (l, to) in to.iter_mut().enumerate() {
        let from = &column(from, term + l)[first..first + count];
        match <&[T; R]>::try_from(from) {
            Ok(from) => *to = *from,
            Err(_) => {
                to[..count].copy_from_slice(from);
                to[count..].fill(T::ZERO);
            }
        }
    }
}

fn pack_strided<T: Real, const R: usize>(
    from: &MatRef<'_, T>,
    first: usize,
    count: usize,
    term: usize,
    to: &mut [[T; R]],
) {
    for i in 0..R {
        if i < count {
            let from = &column(from, first + i)[term..term + to.len()];
            for (to, &from) in to.iter_mut().zip(from) {
                to[i] = from;
            }
        } else {
            for to in to.iter_mut() {
                to[i] = T::ZERO;
            }
        }
    }
}
