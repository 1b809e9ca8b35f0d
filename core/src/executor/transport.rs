//! What carries numbers between the processes that share a run.

use core::fmt::Debug;

use crate::real::{Values, ValuesMut};

/// A message to another process.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its rank.
    pub to: usize,
    /// What is sent.
    pub values: Values<'a>,
}

/// A message from another process, of the kind and length that it sends.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// Its rank.
    pub from: usize,
    /// What is received.
    pub values: ValuesMut<'a>,
}

/// Carries messages between the processes that share a run, which are numbered from 0: their ranks.
///
/// Messages from one process to another arrive in the order in which they were sent; those of
/// [`exchange`](Self::exchange) and of each `line` apart. A process that cannot be reached ends the others: no function here
/// returns then.
pub trait Transport: Debug + Send + Sync {
    /// The rank of this process.
    fn rank(&self) -> usize;

    /// How many processes there are.
    fn count(&self) -> usize;

    /// Sends and receives these messages at the same time, and returns when all have arrived or may be overwritten.
    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>]);

    /// Sends a message along `line`, without waiting until it is received: the values may be overwritten at once. May be called
    /// by several threads, of different lines.
    fn send(&self, line: u8, message: Outgoing<'_>);

    /// Waits for the next message along `line`. May be called by several threads, of different lines.
    fn receive(&self, line: u8, message: Incoming<'_>);

    /// Ends all processes at once, as a failure that only this one knows of must.
    fn abort(&self, code: i32) -> !;
}
