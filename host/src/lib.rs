//! Training.

pub mod atomic_file;
pub mod bench;
pub mod blocks;
pub mod busy;
pub mod cli;
pub mod compare;
pub mod comparison_folder;
pub mod composed;
pub mod config;
pub mod convert;
pub mod costs;
pub mod cuts;
pub mod data;
pub mod engine;
pub mod error;
pub mod evaluate;
pub mod gemm_fast;
pub mod init;
pub mod kernel;
pub mod memory;
pub mod model;
pub mod nearest;
pub mod network;
pub mod observe;
pub mod prediction;
pub mod products;
pub mod random;
pub mod report;
pub mod run_folder;
pub mod schedule;
pub mod score;
pub mod threshold;
pub mod trainer;
pub mod verify;

pub use error::{Error, Result};

/// The README's Rust is compiled and run as a test of this documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
