//! Training.

pub mod data;
pub mod error;
pub mod init;
pub mod random;

pub use error::{Error, Result};
