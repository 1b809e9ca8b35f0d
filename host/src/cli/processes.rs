//! The processes that share the program's run: this one alone, or those that `mpirun` has started together.

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use altmin_core::executor::Transport;

use super::failure::Failure;
use super::output;
use crate::error::Error;

/// Of an error that all processes have, the first one tells; others wait so long before they do.
const LATER: Duration = Duration::from_secs(3);

/// As a program that panicked has.
const PANICKED: i32 = 101;

/// The processes of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Processes(Option<Arc<dyn Transport>>);

impl Processes {
    /// Those that were started together with this one, which is the only one that says anything if it is the first.
    fn join() -> Result<Self, Failure> {
        let processes = Self(world()?);
        if !processes.is_first() {
            output::be_silent();
        }
        Ok(processes)
    }

    /// What carries their messages, if there are several.
    pub(super) fn transport(&self) -> Option<Arc<dyn Transport>> {
        self.0.clone().filter(|transport| transport.count() > 1)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(1, |transport| transport.count())
    }

    /// Whether this is the first of them, or alone.
    pub(super) fn is_first(&self) -> bool {
        self.0.as_ref().is_none_or(|transport| transport.rank() == 0)
    }

    /// `Ok` for one process.
    ///
    /// # Errors
    /// Wrong use of a command, or an option, that several processes cannot share.
    pub(super) fn require_one(&self, what: &'static str) -> Result<(), Failure> {
        match self.count() {
            1 => Ok(()),
            count => Err(Error::argument("processes", count, format!("1: {what} is not shared")).into()),
        }
    }
}

#[cfg(feature = "mpi")]
fn world() -> Result<Option<Arc<dyn Transport>>, Failure> {
    let world = altmin_mpi::World::join().map_err(|error| Failure::new(error.to_string(), None))?;
    Ok(world.map(|world| Arc::new(world) as Arc<dyn Transport>))
}

#[cfg(not(feature = "mpi"))]
fn world() -> Result<Option<Arc<dyn Transport>>, Failure> {
    Ok(None)
}

/// Runs the program among the processes that it was started with. A failure of one ends all, since the others would wait for it.
pub(super) fn main(run: fn(std::env::ArgsOs, &Processes) -> Result<ExitCode, Failure>) -> ExitCode {
    let processes = match Processes::join() {
        Ok(processes) => processes,
        Err(failure) => return failure.report(),
    };
    let Some(transport) = processes.transport() else {
        return run(std::env::args_os(), &processes).unwrap_or_else(Failure::report);
    };
    let ended = panic::catch_unwind(AssertUnwindSafe(|| run(std::env::args_os(), &processes)));
    match ended {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) if failure.code() == 0 => {
            if processes.is_first() {
                failure.report()
            } else {
                ExitCode::SUCCESS
            }
        }
        Ok(Err(failure)) => {
            if !processes.is_first() {
                thread::sleep(LATER);
            }
            let code = failure.code();
            failure.report();
            transport.abort(code.into())
        }
        // The panic's own message has been written.
        Err(_) => transport.abort(PANICKED),
    }
}
