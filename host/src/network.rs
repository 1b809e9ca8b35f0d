//! Networks: how they are written, cut and initialised, what a model file holds, and how outputs are scored.

pub mod blocks;
pub mod composed;
pub mod costs;
pub mod cuts;
pub mod evaluate;
pub mod init;
pub mod model;
pub mod part;
pub mod score;
pub mod widths;

pub use altmin_core::{Activation, Loss};
pub use blocks::{Architecture, BlockNetwork};
pub use evaluate::{Evaluation, evaluate};
pub use init::Initializer;
pub use model::{Dense, Model};
pub use score::{Measure, Score};
