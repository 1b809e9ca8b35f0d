//! How long an epoch over subnetworks takes on other numbers of workers than there are.
//!
//! A few batches and tiles of the epoch are run by the method itself, at the widths that the whole epoch would have, and
//! every unit of work is timed on one thread: the passes of blocks in every subnetwork, an optimiser's steps, the steps of p
//! and q. From them the graph of the whole epoch's tasks is put together, with the barriers that the method has, and dealt
//! out by [list scheduling](list::Graph::makespan). What workers may take from one another, such as bandwidth to memory, is not
//! in it.

mod epoch;
pub mod list;
pub(super) mod recorder;

use altmin_core::Real;
use serde::Serialize;

use crate::error::Result;
use crate::network::Network;
use crate::run::kernel::AnyGemm;
use crate::settings::Settings;
use epoch::Epoch;

/// The numbers of workers that are predicted for.
pub const WORKERS: [usize; 5] = [1, 2, 3, 4, 8];

/// An epoch on a number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OnWorkers {
    /// Their number.
    pub workers: usize,
    /// Predicted seconds of an epoch.
    pub seconds: f64,
    /// One worker's seconds over these.
    pub speedup: f64,
}

/// What is predicted of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// Seconds of all tasks together.
    pub total_work: f64,
    /// Seconds of the longest chain of tasks, which no number of workers goes below.
    pub critical_path: f64,
    /// For each of [`WORKERS`].
    pub on: Vec<OnWorkers>,
}

impl Prediction {
    /// The prediction for a number of workers.
    pub fn seconds_on(&self, workers: usize) -> Option<f64> {
        self.on.iter().find(|on| on.workers == workers).map(|on| on.seconds)
    }
}

/// Times parts of an epoch of a run over so many samples, made up, and predicts the whole.
///
/// # Errors
/// Those of the core.
pub fn predict<T: Real>(
    settings: &Settings,
    network: &Network,
    samples: usize,
    gemm: &AnyGemm,
) -> Result<Prediction> {
    Ok(of(&Epoch::time::<T>(settings, network, samples, gemm)?))
}

fn of(epoch: &Epoch) -> Prediction {
    let one = epoch.makespan(1);
    let on = WORKERS.map(|workers| {
        let seconds = epoch.makespan(workers);
        OnWorkers { workers, seconds, speedup: one / seconds }
    });
    Prediction { total_work: epoch.work(), critical_path: epoch.critical_path(), on: on.to_vec() }
}
