//! No word on stderr: a panic of the library is a status with a message.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    /// Calls of this thread that are inside the library.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// As long as this lives, panics of this thread say nothing.
pub(crate) struct Quiet(());

/// The calling thread is inside the library.
pub(crate) fn enter() -> Quiet {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_inside() {
                before(info);
            }
        }));
    });
    INSIDE.with(|inside| inside.set(inside.get() + 1));
    Quiet(())
}

impl Drop for Quiet {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(inside.get() - 1));
    }
}

/// In a call, or in a thread of a trainer's pool.
fn is_inside() -> bool {
    INSIDE.with(Cell::get) > 0
}
