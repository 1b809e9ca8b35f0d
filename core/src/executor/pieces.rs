//! Pieces of a slice that differ in length.

use super::Units;

/// Pieces of a slice, one after the other: `length(index)` says how long each is.
///
/// What a method keeps of all its layers and groups lies in one slice; this deals it out as units of work.
#[derive(Debug)]
pub struct Pieces<'a, A, L> {
    slice: &'a mut [A],
    first: usize,
    count: usize,
    length: L,
    /// Elements at the front of each that are shared.
    front: usize,
}

impl<'a, A, L: Fn(usize) -> usize> Pieces<'a, A, L> {
    /// The pieces `0 .. count`, which fill the slice.
    pub fn new(slice: &'a mut [A], count: usize, length: L) -> Self {
        debug_assert_eq!((0..count).map(&length).sum::<usize>(), slice.len());
        Self { slice, first: 0, count, length, front: usize::MAX }
    }

    /// The same where of each piece no more than so many elements at its front are told to other processes.
    #[must_use]
    pub fn fronts(self, front: usize) -> Self {
        Self { front, ..self }
    }

    /// Of each piece, how many elements at its front are told to other processes and how many follow; and all of them.
    pub fn into_parts(self) -> (impl Iterator<Item = (usize, usize)> + use<'a, A, L>, &'a mut [A]) {
        let Self { slice, first, count, length, front } = self;
        let split = move |length: usize| (length.min(front), length.saturating_sub(front));
        ((first..first + count).map(length).map(split), slice)
    }

    /// The pieces from `start` on.
    #[must_use]
    pub fn skip(self, start: usize) -> Self {
        let Self { slice, first, count, length, front } = self;
        let start = start.min(count);
        let skipped: usize = (first..first + start).map(&length).sum();
        Self { slice: &mut slice[skipped..], first: first + start, count: count - start, length, front }
    }
}

impl<'a, A: Send, L: Fn(usize) -> usize + Copy + Send> Units for Pieces<'a, A, L> {
    type Unit = &'a mut [A];

    fn count(&self) -> usize {
        self.count
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Self { slice, first, count, length, front } = self;
        let at = at.min(count);
        let (own, others) = slice.split_at_mut((first..first + at).map(length).sum());
        (
            Self { slice: own, first, count: at, length, front },
            Self { slice: others, first: first + at, count: count - at, length, front },
        )
    }

    fn single(self) -> &'a mut [A] {
        self.slice
    }
}
