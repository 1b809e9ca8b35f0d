//! Memory for the moment when the system has none.
//!
//! What grows with the caller's data is asked for, and its lack is an error ([`altmin::allocate`]). What is left are names,
//! messages, a few numbers a layer, and what the threads and the fast product take for themselves: Rust gives nobody a say when
//! such a piece is not there, but ends the process. So this allocator hands on every request to the system's, and what the
//! system refuses it takes from a reserve, which every call makes sure of before it does anything.
//!
//! It is the allocator of a program in Rust too that links this crate. Such a program wants the crate `altmin`, not this one;
//! one that needs both cannot have an allocator of its own.

mod blocks;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use altmin::allocate;

use blocks::Blocks;

/// Bytes of the reserve without any handle: lists and messages of the largest network that is taken.
const BASE: usize = 8 << 20;

/// There is no memory for the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator { reserve: Reserve::new() };

/// Makes sure of the reserve.
pub(crate) fn require() -> Result<(), Short> {
    ALLOCATOR.reserve.require()
}

/// The part of the reserve that a handle asks for, as long as the handle lives.
#[derive(Debug)]
pub(crate) struct Share(usize);

impl Share {
    /// Makes the reserve so many bytes larger.
    pub(crate) fn new(bytes: usize) -> Result<Self, Short> {
        let (reserve, bytes) = (&ALLOCATOR.reserve, bytes.min(usize::MAX / 16));
        reserve.wanted.fetch_add(bytes, Ordering::Relaxed);
        // It is given back where the reserve cannot grow.
        let share = Self(bytes);
        reserve.require().map(|()| share)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        ALLOCATOR.reserve.wanted.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// The system's allocator with a reserve behind it.
struct Allocator {
    reserve: Reserve,
}

/// Whether the system's refusal is answered from the reserve.
fn falls_back(found: *mut u8) -> bool {
    found.is_null() && !allocate::is_asking()
}

// SAFETY: what the system's allocator gives is handed on as it came and goes back to it. What the reserve gives is memory of
// the reserve alone, of the size and alignment asked for and nobody else's until it is given back; that is told from the
// system's by its address. Nothing here allocates or panics.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is this function's.
        let found = unsafe { System.alloc(layout) };
        if falls_back(found) { self.reserve.take(layout) } else { found }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same.
        let found = unsafe { System.alloc_zeroed(layout) };
        if !falls_back(found) {
            return found;
        }
        let found = self.reserve.take(layout);
        if !found.is_null() {
            // SAFETY: the reserve has given as many bytes.
            unsafe { found.write_bytes(0, layout.size()) };
        }
        found
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let reserved = self.reserve.holds(old);
        if !reserved {
            // SAFETY: the caller's promise is this function's.
            let found = unsafe { System.realloc(old, layout, size) };
            if !falls_back(found) {
                return found;
            }
        }
        // SAFETY: the caller promises a size that is valid with this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // The system was asked already, unless the old memory is none of its own.
        // SAFETY: a size above 0, as the caller promises.
        let new = if reserved { unsafe { self.alloc(wanted) } } else { self.reserve.take(wanted) };
        if !new.is_null() {
            // SAFETY: both have as many bytes, and the new ones are nobody else's; the old ones are given back once.
            unsafe {
                ptr::copy_nonoverlapping(old, new, layout.size().min(size));
                self.dealloc(old, layout);
            }
        }
        new
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if !self.reserve.give_back(memory, layout) {
            // SAFETY: the caller's promise is this function's, and it is not the reserve's.
            unsafe { System.dealloc(memory, layout) };
        }
    }
}

/// Memory that is held back.
struct Reserve {
    /// Bytes that there are to be in a piece.
    wanted: AtomicUsize,
    /// Bytes of the largest piece of which nothing is taken.
    whole: AtomicUsize,
    /// Blocks that are taken: without any, nothing needs to be looked up.
    taken: AtomicUsize,
    locked: AtomicBool,
    pieces: UnsafeCell<Pieces>,
}

/// Of a piece some may be taken for as long as a thread lives, and then there is another one.
type Pieces = [Option<Blocks>; 64];

// SAFETY: the pieces are read and written with the lock alone.
unsafe impl Sync for Reserve {}

impl Reserve {
    const fn new() -> Self {
        Self {
            wanted: AtomicUsize::new(BASE),
            whole: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            locked: AtomicBool::new(false),
            pieces: UnsafeCell::new([const { None }; 64]),
        }
    }

    /// Calls `work` with the pieces, alone. The standard library's locks may allocate; this one is held for a few
    /// instructions, and next to never waited for.
    fn with<R>(&self, work: impl FnOnce(&mut Pieces) -> R) -> R {
        while self.locked.swap(true, Ordering::Acquire) {
            thread::yield_now();
        }
        // SAFETY: the lock is this thread's until it is let go below; nothing in `work` panics or comes back here.
        let pieces = unsafe { &mut *self.pieces.get() };
        let result = work(pieces);
        let whole = pieces.iter().flatten().filter(|piece| piece.is_whole()).map(Blocks::bytes).max();
        self.whole.store(whole.unwrap_or(0), Ordering::Relaxed);
        self.locked.store(false, Ordering::Release);
        result
    }

    /// Makes sure that a piece as large as wanted is whole.
    fn require(&self) -> Result<(), Short> {
        let wanted = self.wanted.load(Ordering::Relaxed);
        if self.whole.load(Ordering::Relaxed) >= wanted {
            return Ok(());
        }
        self.with(|pieces| {
            let is_enough = |piece: &Blocks| piece.is_whole() && piece.bytes() >= wanted;
            if pieces.iter().flatten().any(is_enough) {
                return Ok(());
            }
            let new = Blocks::new(wanted).ok_or(Short)?;
            // What is smaller and whole is of no more use.
            for piece in pieces.iter_mut() {
                piece.take_if(|piece| piece.is_whole());
            }
            *pieces.iter_mut().find(|piece| piece.is_none()).ok_or(Short)? = Some(new);
            Ok(())
        })
    }

    fn take(&self, layout: Layout) -> *mut u8 {
        let found = self.with(|pieces| pieces.iter_mut().flatten().find_map(|piece| piece.take(layout)));
        if found.is_some() {
            self.taken.fetch_add(1, Ordering::Release);
        }
        found.unwrap_or(ptr::null_mut())
    }

    fn holds(&self, memory: *mut u8) -> bool {
        // Whoever has memory of the reserve has seen it taken.
        self.taken.load(Ordering::Acquire) > 0
            && self.with(|pieces| pieces.iter().flatten().any(|piece| piece.holds(memory)))
    }

    /// False for memory that is not the reserve's.
    fn give_back(&self, memory: *mut u8, layout: Layout) -> bool {
        if self.taken.load(Ordering::Acquire) == 0 {
            return false;
        }
        let found = self.with(|pieces| {
            let piece = pieces.iter_mut().flatten().find(|piece| piece.holds(memory));
            piece.map(|piece| piece.give_back(memory, layout)).is_some()
        });
        if found {
            self.taken.fetch_sub(1, Ordering::Release);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_that_was_used_is_made_whole_again() {
        let reserve = Reserve::new();
        reserve.require().expect("memory");
        let whole = |reserve: &Reserve| reserve.whole.load(Ordering::Relaxed);
        assert!(whole(&reserve) >= BASE);
        let layout = Layout::from_size_align(1000, 64).expect("a layout");
        let memory = reserve.take(layout);
        assert!(!memory.is_null() && memory.addr().is_multiple_of(64) && reserve.holds(memory));
        assert_eq!(whole(&reserve), 0);
        reserve.require().expect("memory");
        assert!(whole(&reserve) >= BASE && reserve.holds(memory));
        assert!(reserve.give_back(memory, layout) && !reserve.holds(memory));
        let mut other = 0_u8;
        assert!(!reserve.holds(&raw mut other) && !reserve.give_back(&raw mut other, layout));
        reserve.with(|pieces| pieces.iter_mut().for_each(|piece| *piece = None));
    }

    #[test]
    fn what_is_wanted_grows_and_shrinks_with_the_handles() {
        let reserve = &ALLOCATOR.reserve;
        let share = Share::new(3 << 20).expect("memory");
        assert!(reserve.whole.load(Ordering::Relaxed) >= BASE + (3 << 20));
        drop(share);
        assert!(matches!(Share::new(usize::MAX / 4), Err(Short)));
        require().expect("as much as before");
    }
}
