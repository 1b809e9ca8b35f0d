//! Training.

pub mod atomic_file;
pub mod data;
pub mod error;
pub mod init;
pub mod model;
pub mod network;
pub mod random;

pub use error::{Error, Result};
