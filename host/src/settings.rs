//! The settings of a run: one type for the command line and for files, and the resolved settings that a trainer gets.
//!
//! [`TrainOptions`] is what a person said: every entry may be missing, its keys are the command line's flags without
//! the dashes. Flags win over a file, a file over the defaults; [`TrainOptions::resolve`] fills in what nobody said,
//! checks everything and returns [`Settings`], in which nothing is missing. [`Settings::to_toml`] writes them in full,
//! and reading that file gives the same settings again.

mod choice;
mod defaults;
mod options;
mod penalty_schedule;
mod resolved;
mod text;
mod validate;
mod values;

pub use choice::{Convention, EpsilonRepair, EpsilonRule, Inner, Kernel, Method, Precision, StepRule, Use};
pub use defaults::{Defaults, InnerDefaults, defaults, inner_defaults};
pub use options::TrainOptions;
pub(crate) use penalty_schedule::range;
pub use penalty_schedule::{NuSchedule, RhoSchedule, Times};
pub use resolved::Settings;
pub use values::{
    Batch, Classes, EpsilonBounds, Grow, Growth, Guard, Regularizer, Samples, Target, TimeLimit, Tolerance,
};

pub use crate::network::cuts::Cuts;
pub use crate::network::widths::Widths;
