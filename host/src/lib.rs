//! Trains neural networks by alternating minimisation: library and command line.
//!
//! [`Settings`] say what is trained and how; they come from [`TrainOptions`], which mirror the command line's options and
//! fill in what is left out. A [`Trainer`] takes them with a [`Dataset`], runs sweeps, and gives a [`Model`].
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | the options of a run: defaults, checks, TOML |
//! | [`data`] | data sets: files, columns, splits, preprocessing |
//! | [`network`] | architectures, initial weights, models, scores |
//! | [`run`] | the trainer, its threads, what it reports and writes |
//! | [`compare`] | several methods side by side |
//! | [`report`] | tables, curves and rows of numbers |
//! | [`mod@bench`] | measured and predicted times |
//! | [`verify`] | checks of the updates with separate code |
//! | [`cli`] | the program `altmin` |

pub mod atomic_file;
pub mod bench;
pub mod cli;
pub mod compare;
pub mod data;
pub mod error;
pub mod nearest;
pub mod network;
pub mod random;
pub mod report;
pub mod run;
pub mod settings;
// pub mod verify;

pub use data::Dataset;
pub use error::{Error, Result};
pub use network::Model;
pub use run::Trainer;
pub use settings::{Settings, TrainOptions};

/// The README's Rust is compiled and run as a test of this documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
