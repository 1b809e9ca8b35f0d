//! A disk that fails at a chosen call, for unit tests: of this thread alone.

use super::Call;
use std::cell::RefCell;
use std::io;

/// What a disk does at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It has room for one byte, and is full from then on.
    Full,
    /// It fails, this once.
    Error,
    /// It takes a single byte.
    Short,
    /// It takes nothing, and says so.
    Nothing,
    /// A signal comes in between.
    Interrupted,
}

impl Fault {
    const ALL: [Self; 5] = [Self::Full, Self::Error, Self::Short, Self::Nothing, Self::Interrupted];

    /// Those of writes alone mean nothing elsewhere.
    fn concerns(self, call: Call) -> bool {
        match self {
            Self::Full => matches!(call, Call::Create | Call::Write | Call::Sync),
            Self::Error => true,
            Self::Short | Self::Nothing | Self::Interrupted => call == Call::Write,
        }
    }

    /// What a call comes to, of whose bytes the disk takes so many at most.
    fn result(self, call: Call, again: bool) -> io::Result<usize> {
        match self {
            Self::Full if call == Call::Write && !again => Ok(1),
            Self::Full => Err(io::ErrorKind::StorageFull.into()),
            Self::Error => Err(io::ErrorKind::PermissionDenied.into()),
            Self::Short => Ok(1),
            Self::Nothing => Ok(0),
            Self::Interrupted => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

struct Plan {
    fault: Fault,
    /// Calls that the fault concerns which are still to go well.
    left: usize,
    happened: Option<Call>,
}

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

/// Called before a call of the system: an error in its place, or how many bytes it may take.
pub(super) fn before(call: Call) -> io::Result<usize> {
    PLAN.with_borrow_mut(|plan| {
        let Some(plan) = plan.as_mut().filter(|plan| plan.fault.concerns(call)) else {
            return Ok(usize::MAX);
        };
        let again = plan.happened.is_some() && plan.fault == Fault::Full;
        if plan.left == 0 && plan.happened.is_none() || again {
            plan.happened.get_or_insert(call);
            return plan.fault.result(call, again);
        }
        plan.left = plan.left.saturating_sub(1);
        Ok(usize::MAX)
    })
}

/// What the disk did to an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    fault: Fault,
    call: Call,
}

impl Failure {
    /// Whether the attempt may go well all the same.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(self.fault, Fault::Short | Fault::Interrupted) || self.call == Call::SyncFolder
    }
}

/// Makes an attempt over and over, with every kind of fault at the first call of the disk, the second, and so on until
/// there is no such call; each is made and judged in what `prepare` returns. Returns how many failed.
pub(crate) fn for_each_failure<P, R>(
    mut prepare: impl FnMut() -> P,
    mut attempt: impl FnMut(&mut P) -> R,
    mut judge: impl FnMut(P, R, Failure),
) -> usize {
    let mut failures = 0;
    for fault in Fault::ALL {
        for left in 0.. {
            let mut place = prepare();
            PLAN.set(Some(Plan { fault, left, happened: None }));
            let result = attempt(&mut place);
            let happened = PLAN.take().and_then(|plan| plan.happened);
            let Some(call) = happened else { break };
            judge(place, result, Failure { fault, call });
            failures += 1;
        }
    }
    failures
}
