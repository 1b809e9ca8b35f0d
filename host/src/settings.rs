//! The settings of a run: one type for the command line and for files, and the resolved settings that a trainer gets.
//!
//! [`TrainOptions`] are the options as given: each may be missing, and its key is that of the command line without dashes.
//! The command line overrides a file, and a file the defaults. [`TrainOptions::resolve`] fills in the defaults, checks
//! everything and returns [`Settings`], in which nothing is missing. [`Settings::to_toml`] writes them in full, and reading
//! that file gives the same settings again. A setting is one entry of the table in `settings/table/`.

#[cfg(feature = "program")]
pub(crate) mod by_key;
mod choice;
pub(crate) mod core_choice;
mod hyperparameters;
pub(crate) mod options;
mod penalty_schedule;
mod resolved;
mod table;
mod text;
mod values;

pub use crate::choice::parse;
pub use altmin_core::Regularizer;
pub use choice::{
    Convention, EpsilonRepair, EpsilonRule, Form, Inner, Keep, Kernel, Method, Precision, Preset, StepRule,
    StepSchedule, Use,
};
pub(crate) use penalty_schedule::range;
pub use penalty_schedule::{NuSchedule, RhoSchedule, Times};
pub use table::{Settings, TrainOptions};
pub use values::{
    Augment, Batch, Carried, Categorical, CheckpointEvery, Classes, Clip, Delimiter, EpsilonBounds, Every,
    Excluded, Features, Grow, Growth, Guard, ImageMoves, MaxMemory, Patience, Samples, SetAside, Shape,
    SplitSeed, Target, TestFile, TimeLimit, Tolerance, Weighted, WeightsFile,
};
#[cfg(feature = "program")]
pub(crate) use values::{read_columns, write_columns};

pub use crate::network::cuts::Cuts;
pub use crate::network::widths::Widths;
