//! The turn of a trainer's handle: calls that change it, and whoever gives it up, from several threads.

use std::collections::BTreeSet;
use std::sync::Mutex;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::turn::Turn;

/// What the turn guards. loom complains of any use of it that another one may overlap, or does not come before or after.
#[derive(Debug)]
struct Content {
    changes: usize,
    freed_by: Option<&'static str>,
}

#[derive(Debug)]
struct Handle {
    turn: Turn,
    content: UnsafeCell<Content>,
    /// What calls that only read look at, with or without the turn.
    fixed: UnsafeCell<()>,
}

impl Handle {
    fn new() -> Arc<Self> {
        let content = UnsafeCell::new(Content { changes: 0, freed_by: None });
        Arc::new(Self { turn: Turn::new(), content, fixed: UnsafeCell::new(()) })
    }

    #[expect(unsafe_code, reason = "loom's cell gives pointers")]
    fn content<R>(&self, with: impl FnOnce(&mut Content) -> R) -> R {
        // SAFETY: loom has checked that nobody else uses it.
        self.content.with_mut(|content| with(unsafe { &mut *content }))
    }

    /// A call that changes the handle, as `alone` makes it; `false` if it was refused.
    fn call(&self, who: &'static str, meanwhile: impl FnOnce()) -> bool {
        if !self.turn.take() {
            return false;
        }
        self.change();
        meanwhile();
        self.change();
        let gone = self.turn.is_gone();
        match self.turn.end() {
            true => self.free(who),
            false => assert!(!gone, "given up, but left to nobody"),
        }
        true
    }

    fn change(&self) {
        self.content(|content| {
            assert_eq!(content.freed_by, None, "at work on what is freed");
            content.changes += 1;
        });
    }

    /// A call that only reads.
    fn read(&self) {
        self.fixed.with(|_| ());
    }

    fn give_up(&self, who: &'static str) {
        if self.turn.give_up() {
            self.free(who);
        }
    }

    fn free(&self, who: &'static str) {
        self.fixed.with_mut(|_| ());
        self.content(|content| assert_eq!(content.freed_by.replace(who), None, "freed twice"));
    }

    /// Who freed it, when all threads have ended; both changes of so many calls must have been made.
    fn freed_by(&self, calls: usize) -> &'static str {
        self.content(|content| {
            assert_eq!(content.changes, 2 * calls);
            content.freed_by.expect("freed")
        })
    }
}

/// Runs a model in every order; what it has found in all of them.
fn every_order<F: Ord + Send + 'static>(model: impl Fn() -> F + Send + Sync + 'static) -> BTreeSet<F> {
    let found = std::sync::Arc::new(Mutex::new(BTreeSet::new()));
    let all = std::sync::Arc::clone(&found);
    loom::model(move || {
        let one = model();
        all.lock().expect("no model has failed").insert(one);
    });
    std::mem::take(&mut found.lock().expect("no model has failed"))
}

/// Two calls, and the handle is given up before, during, between or after them: each of these happens, and whoever has the
/// last of it frees it, after all that the third thread has read before. A call that comes when another is at work, or
/// afterwards, is refused.
#[test]
fn two_calls_while_a_third_thread_gives_up() {
    let found = every_order(|| {
        let handle = Handle::new();
        let call = |who| {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle.call(who, || ()))
        };
        let (first, second) = (call("first"), call("second"));
        handle.read();
        handle.give_up("third");
        let (first, second) = (first.join().expect("no panic"), second.join().expect("no panic"));
        (first, second, handle.freed_by(usize::from(first) + usize::from(second)))
    });
    let expected = [
        (false, false, "third"),
        (false, true, "second"),
        (false, true, "third"),
        (true, false, "first"),
        (true, false, "third"),
        (true, true, "first"),
        (true, true, "second"),
        (true, true, "third"),
    ];
    assert_eq!(found, BTreeSet::from(expected));
}

/// Given up by two threads while a call is at work, or about to begin or over.
#[test]
fn given_up_by_two_threads() {
    let found = every_order(|| {
        let handle = Handle::new();
        let give_up = |who| {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle.give_up(who))
        };
        let (second, third) = (give_up("second"), give_up("third"));
        let first = handle.call("first", || ());
        second.join().expect("no panic");
        third.join().expect("no panic");
        (first, handle.freed_by(usize::from(first)))
    });
    let expected = [(false, "second"), (false, "third"), (true, "first"), (true, "second"), (true, "third")];
    assert_eq!(found, BTreeSet::from(expected));
}

/// An observer gives up the handle that it is called from, and is refused what another thread is refused too.
#[test]
fn given_up_from_within() {
    let found = every_order(|| {
        let handle = Handle::new();
        let other = {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle.call("other", || ()))
        };
        let first = handle.call("first", || {
            assert!(!handle.call("inner", || ()), "two at work");
            handle.give_up("inner");
            handle.give_up("inner again");
            assert!(handle.turn.is_gone());
        });
        let other = other.join().expect("no panic");
        // The first call was refused, as the other one was at work: then nobody has given up anything.
        if !first {
            handle.give_up("caller");
        }
        (first, other, handle.freed_by(usize::from(first) + usize::from(other)))
    });
    let expected = [(false, true, "caller"), (true, false, "first"), (true, true, "first")];
    assert_eq!(found, BTreeSet::from(expected));
}
