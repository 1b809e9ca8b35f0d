//! All tests are one program, which is linked once.

mod common;
mod layerwise;
mod local;
mod subnetworks;
