//! Runs: the trainer with its threads and products, and what observers see of it.

pub mod baseline;
pub mod checkpoint;
pub mod engine;
pub mod executor;
#[cfg(feature = "program")]
pub mod folder;
pub mod kernel;
pub mod memory;
pub mod observe;
pub mod plan;
pub mod ranks;
pub mod trainer;

pub use observe::{Best, Bound, Change, Evaluation, History, Metrics, Observer, Observers, Outcome, Summary};
pub use trainer::Trainer;
