//! Training.

pub mod atomic_file;
pub mod bench;
pub mod cli;
pub mod config;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod gemm_fast;
pub mod init;
pub mod memory;
pub mod model;
pub mod network;
pub mod observe;
pub mod products;
pub mod random;
pub mod report;
pub mod run_folder;
pub mod threshold;

pub use error::{Error, Result};
