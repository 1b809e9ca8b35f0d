//! Networks: how they are written, cut and initialised, what a model file holds, and how outputs are scored.

pub mod blocks;
pub mod costs;
pub mod cuts;
pub mod depths;
pub mod evaluate;
pub mod init;
pub mod metrics;
pub mod model;
mod npz;
#[cfg(feature = "program")]
mod onnx;
pub mod predictor;
pub mod score;
pub mod widths;

pub use altmin_core::{Activation, Loss};
pub use blocks::{Architecture, Network};
pub use evaluate::{Evaluation, evaluate};
pub use init::Initializer;
pub use model::{Map, Model, Notation, Place, Readout};
pub use predictor::Predictor;
pub use score::{Judge, Measure, Score, Scores};
