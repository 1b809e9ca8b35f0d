//! A folder that holds a data set's files: which data set that is, by their names.

use std::path::Path;

use altmin_core::Real;

use super::bytes::require_folder;
use super::cifar::{self, Labels, Variant};
use super::{HOLDOUT, Parts, idx};
use crate::error::{Error, Result};

/// What kind of files a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Those of MNIST, and of KMNIST and others in its image.
    Idx,
    /// Those of CIFAR-10 or CIFAR-100.
    Cifar(Variant),
}

impl Format {
    const ALL: [Self; 3] = [Self::Idx, Self::Cifar(Variant::Cifar10), Self::Cifar(Variant::Cifar100)];

    /// The format of which there is a file in the folder, whether or not all others are there too.
    ///
    /// # Errors
    /// [`Error::Argument`] (`data`) if `folder` is none, [`Error::Missing`] if there are files of no format,
    /// [`Error::Format`] naming the formats if there are files of several.
    pub fn of(folder: &Path) -> Result<Self> {
        require_folder(folder)?;
        let found: Vec<Self> = Self::ALL.into_iter().filter(|format| format.is_in(folder)).collect();
        match found[..] {
            [format] => Ok(format),
            [] => Err(Error::Missing { folder: folder.to_owned(), tried: Self::all_names(), package: None }),
            _ => {
                let names = found.iter().map(|format| format.name()).collect::<Vec<_>>().join(" and ");
                Err(Error::Format {
                    path: folder.to_owned(),
                    found: format!("files of {names}"),
                    expected: "those of one data set".to_owned(),
                    hint: Some("put each data set in its own folder"),
                })
            }
        }
    }

    fn is_in(self, folder: &Path) -> bool {
        match self {
            Format::Idx => [idx::TRAINING, idx::TEST]
                .into_iter()
                .flat_map(|part| [part.images, part.labels])
                .any(|file| file.is_in(folder)),
            Format::Cifar(variant) => variant.is_in(folder),
        }
    }

    fn name(self) -> String {
        match self {
            Format::Idx => "MNIST's format (IDX)".to_owned(),
            Format::Cifar(variant) => variant.to_string(),
        }
    }

    /// The first name of the training files of every format.
    fn all_names() -> Vec<String> {
        Self::ALL
            .into_iter()
            .flat_map(|format| match format {
                Format::Idx => idx::TRAINING.images.names(),
                Format::Cifar(variant) => {
                    let first = variant.training_names()[0];
                    vec![first.to_owned(), format!("{first}.gz")]
                }
            })
            .collect()
    }

    /// Training samples that a holdout takes of so many.
    pub(super) fn holdout(self, n_samples: usize) -> usize {
        match self {
            Format::Idx => HOLDOUT,
            // The batches need not all be there.
            Format::Cifar(_) => HOLDOUT.min(n_samples / 5),
        }
    }
}

/// Training and test samples from a folder's files, pixels between 0 and 1; `labels` says which ones of CIFAR-100.
///
/// # Errors
/// As [`Format::of`], [`idx::load`] and [`cifar::load`]; [`Error::Argument`] (`labels`) for coarse labels of files that
/// have one label.
pub fn load<T: Real>(folder: &Path, labels: Labels) -> Result<Parts<T>> {
    match Format::of(folder)? {
        Format::Cifar(variant) => cifar::load(folder, variant, labels),
        Format::Idx if labels == Labels::Fine => idx::load(folder),
        Format::Idx => {
            let expected = format!("fine, as `{}` holds no CIFAR-100", folder.display());
            Err(Error::argument("labels", labels, expected))
        }
    }
}
