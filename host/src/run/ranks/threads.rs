//! Processes that are threads of one program, each with memory of its own: for tests, and for a look at what a grid would send.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use altmin_core::executor::{Incoming, Outgoing, Transport};
use altmin_core::real::{Values, ValuesMut};

/// Of [`Transport::exchange`], which needs a line beside the numbered ones.
const LINES: usize = 4;
const EXCHANGE: usize = 0;

/// Numbers on their way.
enum Message {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(Vec<u8>),
}

/// One of the processes.
struct Process {
    rank: usize,
    /// Ends of the lines to each process.
    to: Vec<[Sender<Message>; LINES]>,
    from: Vec<[Mutex<Receiver<Message>>; LINES]>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("rank", &self.rank).field("count", &self.to.len()).finish()
    }
}

/// So many processes, by rank, each to be handed to a thread. One that ends before the others have all that it should send
/// ends those by a panic.
pub fn processes(count: usize) -> Vec<Arc<dyn Transport>> {
    let mut to: Vec<Vec<[Sender<Message>; LINES]>> = (0..count).map(|_| Vec::new()).collect();
    let mut from: Vec<Vec<[Mutex<Receiver<Message>>; LINES]>> = (0..count).map(|_| Vec::new()).collect();
    for sender in &mut to {
        for receiver in &mut from {
            let mut ends = std::array::from_fn(|_| None);
            let starts = std::array::from_fn(|line: usize| {
                let (start, end) = channel();
                ends[line] = Some(end);
                start
            });
            sender.push(starts);
            receiver.push(ends.map(|end: Option<_>| Mutex::new(end.expect("an end for each start"))));
        }
    }
    let process = |(rank, (to, from))| Arc::new(Process { rank, to, from }) as Arc<dyn Transport>;
    to.into_iter().zip(from).enumerate().map(process).collect()
}

impl Process {
    fn put(&self, line: usize, Outgoing { to, values }: Outgoing<'_>) {
        let message = match values {
            Values::F32(values) => Message::F32(values.to_vec()),
            Values::F64(values) => Message::F64(values.to_vec()),
            Values::Bytes(values) => Message::Bytes(values.to_vec()),
        };
        let delivered = self.to[to][line].send(message).is_ok();
        assert!(delivered, "process {to} has ended");
    }

    fn take(&self, line: usize, Incoming { from, values }: Incoming<'_>) {
        let end = self.from[from][line].lock().unwrap_or_else(PoisonError::into_inner);
        let message = end.recv().unwrap_or_else(|_| panic!("process {from} has ended"));
        match (message, values) {
            (Message::F32(found), ValuesMut::F32(values)) => values.copy_from_slice(&found),
            (Message::F64(found), ValuesMut::F64(values)) => values.copy_from_slice(&found),
            (Message::Bytes(found), ValuesMut::Bytes(values)) => values.copy_from_slice(&found),
            _ => panic!("process {from} sends numbers of another type"),
        }
    }
}

impl Transport for Process {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.to.len()
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>]) {
        outgoing.iter().for_each(|message| self.put(EXCHANGE, *message));
        for Incoming { from, values } in incoming {
            let values = match values {
                ValuesMut::F32(values) => ValuesMut::F32(values),
                ValuesMut::F64(values) => ValuesMut::F64(values),
                ValuesMut::Bytes(values) => ValuesMut::Bytes(values),
            };
            self.take(EXCHANGE, Incoming { from: *from, values });
        }
    }

    fn send(&self, line: u8, message: Outgoing<'_>) {
        self.put(usize::from(line), message);
    }

    fn receive(&self, line: u8, message: Incoming<'_>) {
        self.take(usize::from(line), message);
    }

    fn abort(&self, code: i32) -> ! {
        panic!("process {} ends all with code {code}", self.rank);
    }
}
