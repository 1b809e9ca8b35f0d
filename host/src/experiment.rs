//! Experiments of papers, made again: every run for every value of what is varied and for every seed, the paper's numbers beside
//! those measured here, and whether what it claims holds.
//!
//! ```
//! use std::path::Path;
//! use std::sync::atomic::AtomicBool;
//!
//! use altmin::experiment::{Experiment, Plan, Request, Results};
//! use altmin::report::experiment::page;
//!
//! # fn main() -> altmin::Result {
//! let text = r#"
//!     title = "Two rates"
//!     measures = ["train-accuracy"]
//!     settings.samples = "200"
//!     settings.sweeps = 3
//!
//!     [[runs]]
//!     name = "adam"
//!     settings.method = "adam"
//!
//!     [[vary]]
//!     setting = "learning-rate"
//!     values = [1e-6, 1e-3]
//!
//!     [[claims]]
//!     says = "the higher rate is the faster one"
//!     run = "adam"
//!     measure = "train-accuracy"
//!     rises-with = "learning-rate"
//! "#;
//! let experiment = Experiment::from_toml(text, Path::new("two-rates.toml"))?;
//! let plan = Plan::new(&Request::new(experiment))?;
//! assert_eq!(plan.cells.len(), 2);
//! let mut records = Vec::new();
//! plan.run(&[], &mut records, &AtomicBool::new(false))?;
//! assert!(page(&Results::new(&plan, &records), &[]).contains("held"));
//! # Ok(())
//! # }
//! ```

mod cells;
mod claim;
mod description;
pub mod folder;
mod measure;
pub mod presets;
mod record;
mod results;
mod work;

pub use cells::{Cell, Plan, Request};
pub use claim::{Claim, Judgement, Verdict};
pub(crate) use description::shown;
pub use description::{Axis, Experiment, Reported, Run, Scaled};
pub use measure::Measure;
pub use record::{Point, Record};
pub(crate) use results::place_text;
pub use results::{Place, Results};
pub use work::{Estimate, ExperimentObserver, LeftOut};
