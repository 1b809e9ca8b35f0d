//! Carries the messages of altmin's processes over MPI.
//!
//! [`World::join`] makes of the processes that `mpirun` has started a [`Transport`], by which they share a run. It needs an MPI of its own
//! system, whose `mpicc` is asked how to compile and link, and libclang.

mod posted;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use altmin_core::executor::{Incoming, Outgoing, Transport};
use altmin_core::real::{Values, ValuesMut};
use mpi::Threading;
use mpi::environment::Universe;
use mpi::request::{Request, Scope, scope};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Equivalence, Source};
use posted::Posted;

/// What `mpirun` and schedulers set for the processes that they start: one of these.
const LAUNCHED: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS"];

/// Elements that a message holds at most: MPI counts in 32 bits with a sign.
const MOST: usize = 1 << 30;

/// The tag of [`Transport::exchange`]; those of lines come after it.
const EXCHANGE: i32 = 0;

/// The processes that were started together.
///
/// As long as it lives MPI is there; when it is dropped it waits for messages on their way, and ends MPI.
pub struct World {
    /// What was sent along lines and has perhaps not left yet. Dropped before MPI ends.
    posted: Mutex<Vec<Posted>>,
    communicator: SimpleCommunicator,
    rank: usize,
    count: usize,
    _universe: Option<Universe>,
}

// SAFETY: a communicator and a request are handles, which any thread may use where MPI was initialised for several threads at a time;
// `join` requires that.
unsafe impl Send for World {}
// SAFETY: as above.
unsafe impl Sync for World {}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rank, count, .. } = self;
        f.debug_struct("World").field("rank", rank).field("count", count).finish_non_exhaustive()
    }
}

/// Why there is no MPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// It was initialised before.
    Initialized,
    /// It does not let several threads call at a time.
    Threads,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initialized => "MPI was initialised before: expected a program that has not",
            Self::Threads => {
                "MPI lets one thread call at a time: expected one that provides MPI_THREAD_MULTIPLE"
            }
        })
    }
}

impl std::error::Error for Error {}

impl World {
    /// Initialises MPI where this process was started by `mpirun` or by a scheduler; `None` where it was not.
    ///
    /// # Errors
    /// [`Error`] where MPI cannot be used.
    pub fn join() -> Result<Option<Self>, Error> {
        if LAUNCHED.iter().all(|name| std::env::var_os(name).is_none()) {
            return Ok(None);
        }
        let (universe, threading) =
            mpi::initialize_with_threading(Threading::Multiple).ok_or(Error::Initialized)?;
        if threading != Threading::Multiple {
            return Err(Error::Threads);
        }
        let communicator = universe.world().duplicate();
        Ok(Some(Self::of(communicator, Some(universe))))
    }

    fn of(communicator: SimpleCommunicator, universe: Option<Universe>) -> Self {
        let (rank, count) = (communicator.rank() as usize, communicator.size() as usize);
        Self { posted: Mutex::default(), communicator, rank, count, _universe: universe }
    }

    fn posted(&self) -> std::sync::MutexGuard<'_, Vec<Posted>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post<A: Equivalence + Copy + 'static>(&self, to: usize, tag: i32, values: &[A]) -> Vec<Posted> {
        let process = self.communicator.process_at_rank(to as i32);
        values.chunks(MOST).map(|chunk| Posted::new(&process, chunk, tag)).collect()
    }

    fn receive_into<A>(&self, from: usize, tag: i32, values: &mut [A])
    where
        A: Equivalence,
    {
        let process = self.communicator.process_at_rank(from as i32);
        for chunk in values.chunks_mut(MOST) {
            process.receive_into_with_tag(chunk, tag);
        }
    }
}

/// Requests for messages of one type.
type Requests<'a, A, S> = Vec<Request<'a, [A], S>>;

/// Begins to send, in pieces that MPI can count.
fn begin_sending<'a, A: Equivalence, S: Scope<'a> + Copy>(
    requests: &mut Requests<'a, A, S>,
    communicator: &SimpleCommunicator,
    scope: S,
    (to, values): (usize, &'a [A]),
) {
    let process = communicator.process_at_rank(to as i32);
    let begin = |chunk| process.immediate_send_with_tag(scope, chunk, EXCHANGE);
    requests.extend(values.chunks(MOST).map(begin));
}

/// Begins to receive, in pieces that MPI can count.
fn begin_receiving<'a, A: Equivalence, S: Scope<'a> + Copy>(
    requests: &mut Requests<'a, A, S>,
    communicator: &SimpleCommunicator,
    scope: S,
    (from, values): (usize, &'a mut [A]),
) {
    let process = communicator.process_at_rank(from as i32);
    let begin = |chunk| process.immediate_receive_into_with_tag(scope, chunk, EXCHANGE);
    requests.extend(values.chunks_mut(MOST).map(begin));
}

impl Transport for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.count
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>]) {
        let world = &self.communicator;
        scope(|scope| {
            let (mut singles, mut doubles, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
            for Incoming { from, values } in incoming {
                match values {
                    ValuesMut::F32(values) => begin_receiving(&mut singles, world, scope, (*from, values)),
                    ValuesMut::F64(values) => begin_receiving(&mut doubles, world, scope, (*from, values)),
                    ValuesMut::Bytes(values) => begin_receiving(&mut bytes, world, scope, (*from, values)),
                }
            }
            for &Outgoing { to, values } in outgoing {
                match values {
                    Values::F32(values) => begin_sending(&mut singles, world, scope, (to, values)),
                    Values::F64(values) => begin_sending(&mut doubles, world, scope, (to, values)),
                    Values::Bytes(values) => begin_sending(&mut bytes, world, scope, (to, values)),
                }
            }
            singles.into_iter().for_each(Request::wait_without_status);
            doubles.into_iter().for_each(Request::wait_without_status);
            bytes.into_iter().for_each(Request::wait_without_status);
        });
    }

    fn send(&self, line: u8, Outgoing { to, values }: Outgoing<'_>) {
        let tag = EXCHANGE + 1 + i32::from(line);
        let posted = match values {
            Values::F32(values) => self.post(to, tag, values),
            Values::F64(values) => self.post(to, tag, values),
            Values::Bytes(values) => self.post(to, tag, values),
        };
        let mut all = self.posted();
        // What has left since is freed here.
        let waiting: Vec<_> = all.drain(..).filter_map(Posted::if_waiting).collect();
        all.extend(waiting);
        all.extend(posted);
    }

    fn receive(&self, line: u8, Incoming { from, values }: Incoming<'_>) {
        let tag = EXCHANGE + 1 + i32::from(line);
        match values {
            ValuesMut::F32(values) => self.receive_into(from, tag, values),
            ValuesMut::F64(values) => self.receive_into(from, tag, values),
            ValuesMut::Bytes(values) => self.receive_into(from, tag, values),
        }
    }

    fn abort(&self, code: i32) -> ! {
        self.communicator.abort(code)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.posted().drain(..).for_each(Posted::wait);
    }
}
