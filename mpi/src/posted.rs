//! Messages on their way, with the memory that MPI reads them from.

use mpi::request::{Request, StaticScope};
use mpi::topology::Process;
use mpi::traits::{Destination, Equivalence};

/// A message that was sent without waiting.
pub(crate) struct Posted(Box<dyn Waiting>);

/// A message of some type.
trait Waiting {
    /// It again, if MPI may still read it.
    fn if_waiting(self: Box<Self>) -> Option<Box<dyn Waiting>>;

    /// Waits until it has left.
    fn wait(self: Box<Self>);
}

struct Message<A: 'static> {
    request: Request<'static, [A], StaticScope>,
    values: *mut [A],
}

impl Posted {
    /// Sends a copy of the values.
    pub(crate) fn new<A: Equivalence + Copy + 'static>(to: &Process<'_>, values: &[A], tag: i32) -> Self {
        let values = Box::into_raw(values.to_vec().into_boxed_slice());
        // SAFETY: the memory is freed by `free` alone, which is called when the request, the only other that has this reference, is
        // over. A request that is dropped before panics, and the memory stays.
        let sent: &'static [A] = unsafe { &*values };
        let request = to.immediate_send_with_tag(StaticScope, sent, tag);
        Self(Box::new(Message { request, values }))
    }

    /// The message, if MPI may still read it.
    pub(crate) fn if_waiting(self) -> Option<Self> {
        self.0.if_waiting().map(Self)
    }

    /// Waits until it has left.
    pub(crate) fn wait(self) {
        self.0.wait();
    }
}

/// Frees what a message was sent from.
fn free<A>(values: *mut [A]) {
    // SAFETY: it comes from a box, in `Posted::new`, and its request is over.
    drop(unsafe { Box::from_raw(values) });
}

impl<A: 'static> Waiting for Message<A> {
    fn if_waiting(self: Box<Self>) -> Option<Box<dyn Waiting>> {
        let Self { request, values } = *self;
        match request.test() {
            Ok(_) => {
                free(values);
                None
            }
            Err(request) => Some(Box::new(Self { request, values })),
        }
    }

    fn wait(self: Box<Self>) {
        let Self { request, values } = *self;
        request.wait_without_status();
        free(values);
    }
}
