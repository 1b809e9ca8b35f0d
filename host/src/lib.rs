//! Training.
pub mod config;
pub mod observe;
pub mod products;
pub mod threshold;
