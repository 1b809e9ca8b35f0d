//! Memory of an argument with a margin on both sides, in which every change is noticed.

use std::ops::Range;

/// What margins hold: as float and as double finite, so that a range that has slipped into them is not refused for that.
const MARGIN: u8 = 0x3c;

/// A buffer of some bytes between two margins.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// In words, for the alignment.
    memory: Vec<u64>,
    /// Where the margin ends and the argument begins.
    start: usize,
    length: usize,
    /// Bytes from the beginning that the function may write if it succeeds.
    writable: Vec<Range<usize>>,
}

impl Buffer {
    pub(crate) fn new(length: usize, margin: usize, writable: Vec<Range<usize>>) -> Self {
        let words = margin.div_ceil(8);
        let memory = vec![u64::from_ne_bytes([MARGIN; 8]); 2 * words + length.div_ceil(8) + 1];
        Self { memory, start: 8 * words, length, writable }
    }

    pub(crate) fn address(&self) -> *mut u8 {
        self.memory.as_ptr().cast::<u8>().cast_mut().wrapping_add(self.start)
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Writes bytes at an offset of the argument.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.length);
        for (k, &byte) in bytes.iter().enumerate() {
            let at = self.start + offset + k;
            let mut word = self.memory[at / 8].to_ne_bytes();
            word[at % 8] = byte;
            self.memory[at / 8] = u64::from_ne_bytes(word);
        }
    }

    /// Everything, margins included.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let address = self.memory.as_ptr();
        // The function under test has written through a pointer: what is there now is read, not what was.
        let words = (0..self.memory.len()).map(|k| {
            // SAFETY: the word belongs to the vector.
            unsafe { address.wrapping_add(k).read_volatile() }
        });
        words.flat_map(u64::to_ne_bytes).collect()
    }

    /// Whether anything has changed that is outside of what may be written.
    pub(crate) fn changed_outside(&self, before: &[u8]) -> bool {
        let mut now = self.bytes();
        for range in &self.writable {
            let range = self.start + range.start..self.start + range.end;
            now[range.clone()].copy_from_slice(&before[range]);
        }
        now != before
    }

    /// The argument's own bytes.
    pub(crate) fn content(&self) -> Vec<u8> {
        self.bytes()[self.start..self.start + self.length].to_vec()
    }
}
