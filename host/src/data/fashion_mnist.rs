//! Fashion-MNIST from Debian's package `dataset-fashion-mnist`.

use std::path::Path;

use altmin_core::Real;

use super::{Dataset, idx};
use crate::error::{Error, Result};

/// Where the package puts its IDX files.
pub const FOLDER: &str = "/usr/share/datasets/fashion-mnist";

const PACKAGE: &str = "dataset-fashion-mnist";

/// Training and test samples from the IDX files in `folder`.
///
/// # Errors
/// As [`idx::load`]; where files are missing the error's hint names the package.
pub fn load<T: Real>(folder: &Path) -> Result<(Dataset<T>, Dataset<T>)> {
    if !folder.exists() {
        let tried = idx::TRAINING.images.names();
        return Err(Error::Missing { folder: folder.to_owned(), tried, package: Some(PACKAGE) });
    }
    idx::load(folder).map_err(|error| match error {
        Error::Missing { folder, tried, .. } => Error::Missing { folder, tried, package: Some(PACKAGE) },
        other => other,
    })
}
