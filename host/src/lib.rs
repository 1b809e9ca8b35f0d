//! Trains neural networks by alternating minimisation: a library, and the program `altmin`.
//!
//! The mathematics is [`altmin_core`]'s; its front page has the problem and the notation. This crate adds what training a
//! whole network takes: data sets, settings, threads, files and reports. The result of a run has the same bits for every
//! number of threads, and a sweep allocates nothing.
//!
//! # Example
//!
//! ```
//! use std::sync::{Arc, atomic::AtomicBool};
//!
//! use altmin::settings::Method;
//! use altmin::{TrainOptions, Trainer, data, run::History};
//!
//! # fn main() -> altmin::Result {
//! // What is not given has the command line's default: here the data set and the network.
//! let settings =
//!     TrainOptions { method: Some(Method::Proxprop), sweeps: Some(10), ..TrainOptions::default() }.resolve()?;
//! let (train, test) = data::load::<f32>(&settings.data, &settings.data_options())?;
//! let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::new(test))?;
//! let summary = trainer.run(&mut History::default(), &AtomicBool::new(false))?;
//! assert!(summary.test_accuracy > 0.9);
//! # Ok(())
//! # }
//! ```
//!
//! # The road of a run
//!
//! 1. [`TrainOptions`] hold what was asked for, each option as on the command line. [`TrainOptions::resolve`] fills in the
//!    rest, refuses what is out of range or has no effect on the method, and gives [`Settings`].
//! 2. [`data::load`] reads the data set and gives a [`Dataset`] for training and one for testing;
//!    [`data::DataSource::Memory`] stands for samples that the caller has.
//! 3. [`Trainer::new`] draws the initial weights and allocates everything. [`Trainer::run`] makes all sweeps,
//!    [`Trainer::step`] a few at a time; observers ([`run::Observer`]) see each sweep, and an `AtomicBool` stops the run
//!    after the current one.
//! 4. [`Trainer::model`] is the trained network, a [`Model`] with a file format that PyTorch reads;
//!    [`network::evaluate`](network::evaluate()) scores it on a data set.
//!
//! Every error is an [`Error`] that names what was found and what was expected; [`Error::is_usage`] tells a wrong call
//! from a failure.
//!
//! # Map
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | the options of a run: defaults, checks, TOML |
//! | [`data`] | data sets: files, columns, splits, preprocessing |
//! | [`network`] | how networks are written, cut and initialised; models, scores |
//! | [`run`] | the trainer, its threads and matrix products, what observers see |
//! | [`compare`] | several methods side by side |
//! | [`search`] | settings found by successive halving |
//! | [`report`] | tables, curves, rows of numbers and pages |
//! | [`mod@bench`] | measured and predicted times |
//! | [`cli`] | the program `altmin` |
//! | [`allocate`] | memory whose lack is an error |
//!
//! # Features
//!
//! `program`, on by default: the program and what it shows, which are `bench`, `cli`, `compare`, `report`, `run::folder` and
//! `search`. A program that trains for itself is built without it faster and smaller, as the C library is.

pub mod allocate;
pub mod atomic_file;
#[cfg(feature = "program")]
pub mod bench;
mod choice;
#[cfg(feature = "program")]
pub mod cli;
#[cfg(feature = "program")]
pub mod compare;
pub mod data;
pub mod error;
#[cfg(feature = "program")]
pub mod experiment;
mod half;
pub mod nearest;
pub mod network;
pub mod random;
#[cfg(feature = "program")]
pub mod report;
pub mod run;
mod scalars;
#[cfg(feature = "program")]
pub mod search;
pub mod settings;
pub mod units;

pub use data::Dataset;
pub use error::{Error, Result};
pub use network::Model;
pub use run::Trainer;
pub use settings::{Settings, TrainOptions};

/// The README's Rust is compiled and run as a test of this documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
