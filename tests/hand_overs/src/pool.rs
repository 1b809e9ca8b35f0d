//! A pool as rayon's, of threads that loom can run: each worker has a deque, takes its own jobs from the back, and steals
//! others' from the front, also while it waits for one of its own that has been stolen.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Mutex as Slot;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

type Job = Box<dyn FnOnce() + Send>;

struct Queues {
    /// Jobs of each worker, with their numbers.
    jobs: Vec<VecDeque<(usize, Job)>>,
    /// Whether the job of a number is done.
    done: Vec<bool>,
    over: bool,
}

struct Pool {
    queues: Mutex<Queues>,
    changed: Condvar,
}

#[derive(Clone)]
struct Worker {
    pool: Arc<Pool>,
    index: usize,
}

loom::thread_local! {
    static WORKER: RefCell<Option<Worker>> = RefCell::new(None);
}

impl Worker {
    /// Makes the thread that calls this worker while `work` runs.
    fn enter<R>(self, work: impl FnOnce(&Self) -> R) -> R {
        WORKER.with(|worker| worker.replace(Some(self.clone())));
        let result = work(&self);
        WORKER.with(|worker| worker.replace(None));
        result
    }

    fn present() -> Self {
        WORKER.with(|worker| worker.borrow().clone()).expect("called by a worker")
    }

    fn push(&self, job: Job) -> usize {
        let mut queues = self.pool.queues.lock().expect("no job has failed");
        let number = queues.done.len();
        queues.done.push(false);
        queues.jobs[self.index].push_back((number, job));
        self.pool.changed.notify_all();
        number
    }

    /// Works on jobs, or waits for some, until `enough` says so.
    fn work_until(&self, enough: impl Fn(&Queues) -> bool) {
        let mut queues = self.pool.queues.lock().expect("no job has failed");
        while !enough(&queues) {
            match queues.next(self.index) {
                Some((number, job)) => {
                    drop(queues);
                    job();
                    queues = self.pool.queues.lock().expect("no job has failed");
                    queues.done[number] = true;
                    self.pool.changed.notify_all();
                }
                None => queues = self.pool.changed.wait(queues).expect("no job has failed"),
            }
        }
    }
}

impl Queues {
    fn next(&mut self, worker: usize) -> Option<(usize, Job)> {
        let own = self.jobs[worker].pop_back();
        let workers = self.jobs.len();
        own.or_else(|| (1..workers).find_map(|distance| self.jobs[(worker + distance) % workers].pop_front()))
    }
}

/// Calls `work` on a worker of a pool of so many.
pub(crate) fn install<R>(workers: usize, work: impl FnOnce() -> R) -> R {
    let jobs = (0..workers).map(|_| VecDeque::new()).collect();
    let queues = Queues { jobs, done: Vec::new(), over: false };
    let pool = Arc::new(Pool { queues: Mutex::new(queues), changed: Condvar::new() });
    let worker = |index| Worker { pool: Arc::clone(&pool), index };
    let others: Vec<_> = (1..workers)
        .map(|index| {
            let worker = worker(index);
            thread::spawn(move || worker.enter(|worker| worker.work_until(|queues| queues.over)))
        })
        .collect();
    let result = worker(0).enter(|_| work());
    pool.queues.lock().expect("no job has failed").over = true;
    pool.changed.notify_all();
    for other in others {
        other.join().expect("no job has failed");
    }
    result
}

/// The number of the worker that calls.
pub(crate) fn index() -> usize {
    Worker::present().index
}

/// Runs both, the second on whatever worker takes it, and returns when both are done.
pub(crate) fn join<A, B, RA, RB>(front: A, back: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    let worker = Worker::present();
    // Only one thread at a time comes to it, and the queues' lock is between them.
    let slot = Slot::new(None);
    let number = worker.push(forever(Box::new(|| *slot.lock().expect("free") = Some(back()))));
    let front = front();
    worker.work_until(|queues| queues.done[number]);
    (front, slot.into_inner().expect("free").expect("the job is done"))
}

#[expect(unsafe_code, reason = "jobs borrow from the frame that waits for them")]
fn forever<'a>(job: Box<dyn FnOnce() + Send + 'a>) -> Job {
    // SAFETY: `join` returns when the job has run, and a model that panics ends the process's test.
    unsafe { std::mem::transmute::<Box<dyn FnOnce() + Send + 'a>, Job>(job) }
}
