//! A piece of memory from which blocks are given, without a word of it in the blocks themselves: who gives one back says how
//! large it is.

use std::alloc::{GlobalAlloc as _, Layout, System};
use std::num::NonZero;
use std::ptr::NonNull;

/// Bytes of a unit, and the alignment of every block.
const UNIT: usize = 128;
/// Units that a word of the list tells of.
const WORD: usize = u64::BITS as usize;

/// The first words say of each unit whether it is taken; the units follow.
pub(super) struct Blocks {
    start: NonNull<u64>,
    words: NonZero<usize>,
    /// Units that are taken.
    taken: usize,
}

// SAFETY: the memory is this piece's alone.
unsafe impl Send for Blocks {}

impl Blocks {
    /// At least so many bytes, from the system; none if it has none.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let words = NonZero::new(bytes.div_ceil(UNIT * WORD))?;
        let layout = Self::layout(words)?;
        // SAFETY: not of size 0.
        let start = NonNull::new(unsafe { System.alloc(layout) })?.cast::<u64>();
        // The units stay as they are: pages that nobody touches take no memory.
        // SAFETY: the layout begins with as many words.
        unsafe { start.write_bytes(0, words.get()) };
        Some(Self { start, words, taken: 0 })
    }

    fn layout(words: NonZero<usize>) -> Option<Layout> {
        let units = words.get().checked_mul(WORD)?.checked_mul(UNIT)?;
        Layout::from_size_align(units.checked_add(Self::list(words))?, UNIT).ok()
    }

    /// Bytes of the list, in whole units.
    fn list(words: NonZero<usize>) -> usize {
        (words.get() * size_of::<u64>()).next_multiple_of(UNIT)
    }

    /// Bytes that can be taken.
    pub(super) fn bytes(&self) -> usize {
        self.words.get() * WORD * UNIT
    }

    /// Whether nothing is taken.
    pub(super) fn is_whole(&self) -> bool {
        self.taken == 0
    }

    fn units(&self) -> NonNull<u8> {
        // SAFETY: the units follow the list in the same memory.
        unsafe { self.start.cast::<u8>().byte_add(Self::list(self.words)) }
    }

    /// Whether memory is one of its blocks.
    pub(super) fn holds(&self, memory: *mut u8) -> bool {
        let first = self.units().addr().get();
        (first..first + self.bytes()).contains(&memory.addr())
    }

    fn is_taken(&self, unit: usize) -> bool {
        // SAFETY: a unit below their number has its bit in the list.
        let word = unsafe { *self.start.as_ptr().add(unit / WORD) };
        word >> (unit % WORD) & 1 == 1
    }

    /// Marks units as the other of taken and free.
    fn turn(&mut self, units: std::ops::Range<usize>) {
        for unit in units {
            // SAFETY: as in `is_taken`.
            unsafe { *self.start.as_ptr().add(unit / WORD) ^= 1 << (unit % WORD) };
        }
    }

    /// The first units in a row that are free.
    fn free(&self, count: usize) -> Option<usize> {
        let (all, mut first, mut unit) = (self.words.get() * WORD, 0, 0);
        while unit < all {
            if unit + 1 - first >= count && !self.is_taken(unit) {
                return Some(first);
            }
            if self.is_taken(unit) {
                first = unit + 1;
            }
            unit += 1;
        }
        None
    }

    /// A block, if there is room for it.
    pub(super) fn take(&mut self, layout: Layout) -> Option<*mut u8> {
        let count = layout.size().div_ceil(UNIT).max(1);
        if layout.align() > UNIT || count > self.words.get() * WORD {
            return None;
        }
        let first = self.free(count)?;
        self.turn(first..first + count);
        self.taken += count;
        // SAFETY: inside the units.
        Some(unsafe { self.units().as_ptr().add(first * UNIT) })
    }

    /// Takes a block back, which is one of its own, with the layout that it was taken with.
    pub(super) fn give_back(&mut self, memory: *mut u8, layout: Layout) {
        let first = (memory.addr() - self.units().addr().get()) / UNIT;
        let count = layout.size().div_ceil(UNIT).max(1);
        self.turn(first..first + count);
        self.taken -= count;
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        if let Some(layout) = Self::layout(self.words) {
            // SAFETY: it is from the system, with this layout, and no block of it is taken: whoever drops it has seen to that.
            unsafe { System.dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 8).expect("a layout")
    }

    /// Blocks of many sizes in a row of taking and giving back, each filled with a number of its own that nobody changes.
    #[test]
    fn blocks_are_nobody_elses_until_they_are_given_back() {
        let mut blocks = Blocks::new(100 * UNIT).expect("memory");
        let (mut held, mut state, mut refused) = (Vec::new(), 1_u64, 0);
        for round in 0..20_000_u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = (state >> 33) as usize;
            if random % 5 < 3 {
                let layout = layout(1 + random % 1500);
                match blocks.take(layout) {
                    Some(memory) => {
                        assert!(blocks.holds(memory) && memory.addr().is_multiple_of(UNIT));
                        // SAFETY: as many bytes were taken.
                        unsafe { memory.write_bytes(round as u8, layout.size()) };
                        held.push((memory, layout, round as u8));
                    }
                    None => refused += 1,
                }
            } else if !held.is_empty() {
                let (memory, layout, written) = held.swap_remove(random % held.len());
                // SAFETY: it was taken, and not given back yet.
                let found = unsafe { std::slice::from_raw_parts(memory, layout.size()) };
                assert!(found.iter().all(|&byte| byte == written));
                blocks.give_back(memory, layout);
            }
        }
        assert!(refused > 100 && !held.is_empty());
        for (memory, layout, _) in held {
            assert!(!blocks.is_whole());
            blocks.give_back(memory, layout);
        }
        assert!(blocks.is_whole());
        // And all of it can be had in one block.
        let all = layout(blocks.bytes());
        let memory = blocks.take(all).expect("room");
        assert!(blocks.take(layout(1)).is_none());
        blocks.give_back(memory, all);
    }

    #[test]
    fn what_it_cannot_hold_is_refused() {
        let mut blocks = Blocks::new(1).expect("memory");
        assert!(blocks.bytes() >= UNIT);
        assert!(blocks.take(layout(blocks.bytes() + 1)).is_none());
        assert!(blocks.take(Layout::from_size_align(8, 2 * UNIT).expect("a layout")).is_none());
        assert!(Blocks::new(isize::MAX as usize).is_none() && Blocks::new(usize::MAX).is_none());
    }
}
