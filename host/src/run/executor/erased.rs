//! Rayon's calls over work whose type is erased, so that what rayon needs for a kind of work is compiled once and not for
//! every phase of every method.

/// Runs both sides, on two threads where there are two, and returns when both are done.
pub(super) fn join<A: Send, B: Send>(
    front: impl FnOnce() -> A + Send,
    back: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut first, mut second) = (Once::new(front), Once::new(back));
    join_erased(&mut || first.run(), &mut || second.run());
    (first.result(), second.result())
}

/// Runs `work` in the pool and waits for it.
pub(super) fn install<R: Send>(pool: &rayon::ThreadPool, work: impl FnOnce() -> R + Send) -> R {
    let mut work = Once::new(work);
    install_erased(pool, &mut || work.run());
    work.result()
}

type Erased<'a> = &'a mut (dyn FnMut() + Send);

fn join_erased(front: Erased<'_>, back: Erased<'_>) {
    rayon::join(front, back);
}

fn install_erased(pool: &rayon::ThreadPool, work: Erased<'_>) {
    pool.install(work);
}

/// Work, and its result when it has run.
enum Once<F, R> {
    Work(F),
    Running,
    Done(R),
}

impl<F: FnOnce() -> R, R> Once<F, R> {
    fn new(work: F) -> Self {
        Self::Work(work)
    }

    fn run(&mut self) {
        if let Self::Work(work) = std::mem::replace(self, Self::Running) {
            *self = Self::Done(work());
        }
    }

    /// The result of work that rayon has run, which it has when it returns.
    fn result(self) -> R {
        match self {
            Self::Done(result) => result,
            Self::Work(_) | Self::Running => {
                unreachable!("rayon runs all work before it returns, or unwinds")
            }
        }
    }
}
