//! Threads that are made by the system itself, and threads of the caller's.
//!
//! The standard library takes memory for each of its threads past every allocator, and ends the process where there is none.

use std::ffi::c_void;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use altmin::Result;
use altmin::run::executor::{Threads, Wait, Worker};

use crate::quiet;

/// So many threads for a trainer.
pub(crate) fn new(threads: usize) -> Result<Threads> {
    Threads::spawned_by(threads, spawn)
}

/// What starts a thread of the caller's: `altmin_start`, with its context.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) start: unsafe extern "C" fn(
        task: unsafe extern "C" fn(argument: *mut c_void),
        argument: *mut c_void,
        context: *mut c_void,
    ) -> i32,
    pub(crate) context: *mut c_void,
}

/// The same on threads that the caller starts.
///
/// # Safety
/// `start` may be called with its context, so many times, and does what its type asks for.
pub(crate) unsafe fn started_by(threads: usize, start: Start) -> Result<Threads> {
    // SAFETY: as the caller promises.
    Threads::spawned_by(threads, |worker| unsafe { start.begin(worker) })
}

/// What a thread of the caller's has to do, and how its end is known.
struct Task {
    worker: Worker,
    end: Arc<End>,
}

/// Whether a task has ended.
#[derive(Default)]
struct End {
    has_come: Mutex<bool>,
    told: Condvar,
}

impl End {
    fn come(&self) {
        *self.has_come.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    fn wait(&self) {
        let has_come = self.has_come.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.told.wait_while(has_come, |has_come| !*has_come));
    }
}

impl Start {
    /// # Safety
    /// As [`started_by`].
    unsafe fn begin(self, worker: Worker) -> io::Result<Wait> {
        unsafe extern "C" fn run(task: *mut c_void) {
            // SAFETY: the box that was let go below, for this call alone.
            let Task { worker, end } = *unsafe { Box::from_raw(task.cast::<Task>()) };
            work(worker);
            end.come();
        }

        let end = Arc::new(End::default());
        let task = Box::into_raw(Box::new(Task { worker, end: Arc::clone(&end) })).cast::<c_void>();
        // SAFETY: as the caller promises; the task goes to the thread, or comes back if there is none.
        match unsafe { (self.start)(run, task, self.context) } {
            0 => {
                let process = std::process::id();
                // A process that was forked has none of its parent's threads.
                Ok(Box::new(move || {
                    if std::process::id() == process {
                        end.wait()
                    }
                }))
            }
            code => {
                // SAFETY: nobody else has it, as `start` has promised with its result.
                drop(unsafe { Box::from_raw(task.cast::<Task>()) });
                Err(io::Error::other(format!("`start` returned {code}")))
            }
        }
    }
}

fn work(worker: Worker) {
    let _quiet = quiet::enter();
    worker.run();
}

/// A thread, and the process that made it.
#[cfg(unix)]
struct Thread {
    thread: libc::pthread_t,
    process: libc::pid_t,
}

// SAFETY: a thread may be waited for in any other.
#[cfg(unix)]
unsafe impl Send for Thread {}
// SAFETY: nothing can be done with a reference.
#[cfg(unix)]
unsafe impl Sync for Thread {}

#[cfg(unix)]
impl Thread {
    fn wait(self) {
        // SAFETY: the thread was made to be waited for, and is once. A process that was forked has none of its parent's threads.
        unsafe {
            if libc::getpid() == self.process {
                libc::pthread_join(self.thread, std::ptr::null_mut());
            }
        }
    }
}

#[cfg(unix)]
fn spawn(worker: Worker) -> std::io::Result<Wait> {
    use std::ffi::c_void;
    use std::io::Error;
    use std::mem::MaybeUninit;
    use std::ptr;

    /// Bytes of a stack, as many as those of the standard library have.
    const STACK: usize = 2 << 20;

    extern "C" fn begin(worker: *mut c_void) -> *mut c_void {
        // SAFETY: the box that was let go below, for this thread alone.
        work(*unsafe { Box::from_raw(worker.cast::<Worker>()) });
        ptr::null_mut()
    }

    let done = |code: i32| if code == 0 { Ok(()) } else { Err(Error::from_raw_os_error(code)) };
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: the attributes are made before they are used, and destroyed once; the worker goes to the thread, or comes back
    // if there is none.
    unsafe {
        done(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
        let attributes = attributes.as_mut_ptr();
        let worker = Box::into_raw(Box::new(worker)).cast::<c_void>();
        let mut thread = MaybeUninit::uninit();
        let made = done(libc::pthread_attr_setstacksize(attributes, STACK))
            .and_then(|()| done(libc::pthread_create(thread.as_mut_ptr(), attributes, begin, worker)));
        libc::pthread_attr_destroy(attributes);
        if made.is_err() {
            drop(Box::from_raw(worker.cast::<Worker>()));
        }
        made?;
        let thread = Thread { thread: thread.assume_init(), process: libc::getpid() };
        Ok(Box::new(move || thread.wait()))
    }
}

#[cfg(not(unix))]
fn spawn(worker: Worker) -> std::io::Result<Wait> {
    let thread = std::thread::Builder::new().spawn(|| work(worker))?;
    Ok(Box::new(|| drop(thread.join())))
}
