//! Where data sets come from and what is made of them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bytes::SOURCES;
use super::channels::Channel;
use super::cifar::Labels;
use super::class_weights::ClassWeights;
use super::columns::Columns;
use super::dataset::ImageShape;
use super::memory::MEMORY;
use super::missing::Missing;
use super::split::Fold;
use super::table::{Header, STANDARD_INPUT, delimiter_name, has_extension, is_arrays};
use super::{digits, idx};
use crate::error::{Error, Result};

/// Where a data set comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    /// The UCI digits that are part of this crate.
    Digits,
    /// Fashion-MNIST where Debian's package puts it.
    FashionMnist,
    /// A folder of IDX files or of CIFAR's; see [`folder::Format`](super::folder::Format).
    Directory(PathBuf),
    /// A file of comma- or tab-separated values, or of arrays; see [`Table`](super::table::Table).
    Csv(PathBuf),
    /// A program's own memory: [`Dataset::from_classes`](super::Dataset::from_classes) and its like make such a data set, for
    /// which nothing can be loaded and nothing is done to the samples.
    Memory,
}

impl DataSource {
    /// By what the stored pixels are divided to lie between 0 and 1; 1 for a table, whose columns have scales of their own.
    pub fn divisor(&self) -> f64 {
        match self {
            DataSource::Digits => digits::DIVISOR,
            DataSource::FashionMnist | DataSource::Directory(_) => idx::DIVISOR,
            DataSource::Csv(_) | DataSource::Memory => 1.0,
        }
    }

    /// Whether it has columns, of which some can be chosen as targets.
    pub fn has_columns(&self) -> bool {
        matches!(self, DataSource::Csv(_))
    }

    /// Whether it comes in one part, of which test samples are drawn by a seed.
    pub fn is_split(&self) -> bool {
        self.has_columns() || *self == DataSource::Digits
    }
}

impl FromStr for DataSource {
    type Err = Error;

    /// `digits`, `fashion-mnist`, `memory`, a file whose name ends in `.csv`, `.tsv`, `.csv.gz`, `.tsv.gz`, `.npy` or `.npz`, `-` for a
    /// table on standard input, or a folder; whether it exists is not asked for here.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "digits" => Ok(Self::Digits),
            "fashion-mnist" => Ok(Self::FashionMnist),
            MEMORY => Ok(Self::Memory),
            "" => Err(Error::argument("data", text, SOURCES)),
            file if is_table(file) => Ok(Self::Csv(file.into())),
            folder => Ok(Self::Directory(folder.into())),
        }
    }
}

/// Whether the name is that of a table.
fn is_table(name: &str) -> bool {
    name == STANDARD_INPUT
        || is_arrays(name.as_ref())
        || ["csv", "tsv"].iter().any(|end| has_extension(name.as_ref(), end))
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataSource::Digits => f.write_str("digits"),
            DataSource::FashionMnist => f.write_str("fashion-mnist"),
            DataSource::Memory => f.write_str(MEMORY),
            DataSource::Directory(path) | DataSource::Csv(path) => path.display().fmt(f),
        }
    }
}

/// Samples that are not trained on, by which is told when to stop and what to keep.
#[derive(Debug, Clone, PartialEq)]
pub enum Validation {
    /// This share of the training samples, of each class alike, before the samples to train on are chosen: above 0 and below 1.
    Share(f64),
    /// The rows of another table.
    File(PathBuf),
}

impl FromStr for Validation {
    type Err = Error;

    /// A number, or else a path.
    fn from_str(text: &str) -> Result<Self> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Share))
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => share.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// What is made of a data set, in this order: split, holdout, validation, classes, samples, pooling,
/// scaling, weights.
#[derive(Debug, Clone, PartialEq)]
pub struct DataOptions {
    /// Seed of the split of `digits` and of tables into training and test samples; default 0. Other sources come split.
    pub split_seed: u64,
    /// Test on the last training samples and not on the test samples, so that settings can be chosen without them:
    /// the last [`HOLDOUT`](super::HOLDOUT) (of MNIST, images 55,001 to 60,000), of `digits` and of tables the last fifth,
    /// of CIFAR whichever is fewer;
    /// default no.
    pub holdout: bool,
    /// Test on a part of all samples, of those that are for training where these come apart from the others, and train on the other
    /// parts; default none.
    pub fold: Option<Fold>,
    /// The samples that are set aside to tell by; default none.
    pub validation: Option<Validation>,
    /// A table whose rows are the test samples; then all rows of the source are training samples. Default none.
    pub test: Option<PathBuf>,
    /// Keep only these classes, relabelled 0, 1, ... in this order; default all.
    pub classes: Option<Vec<u32>>,
    /// Train only on the first so many samples of those that are left; default all.
    pub samples: Option<usize>,
    /// Replace each square of so many pixels a side by its mean; default 1.
    pub pool: usize,
    /// The columns of a table that are to be learnt, by name or by number from 1; default the last one.
    pub target: Option<Vec<String>>,
    /// The columns of a table that are left out, by name or by number from 1; default none.
    pub exclude: Option<Vec<String>>,
    /// The columns of a table that are learnt from, by name or by number from 1; default all that are not learnt or left out.
    pub features: Option<Vec<String>>,
    /// The features of a table whose cells are names of categories, each of which becomes an input that is 0 or 1, beside those
    /// that hold more text than numbers; default none.
    pub categorical: Option<Vec<String>>,
    /// The images whose pixels the features of a table are, row by row, the channels of a pixel beside each other; default none.
    pub shape: Option<ImageShape>,
    /// What is done about missing values in a table; default refused.
    pub missing: Missing,
    /// The byte between the cells of a table; default as it looks.
    pub delimiter: Option<u8>,
    /// Whether a table's first row names its columns; default as it looks.
    pub header: Header,
    /// These columns of a table hold numbers, not the names of classes; default no.
    pub regression: bool,
    /// Give the numeric columns of a table, or each channel of images, mean 0 and standard deviation 1 over the training
    /// samples; default no.
    pub scale: bool,
    /// Which labels of CIFAR-100; default the fine ones.
    pub labels: Labels,
    /// How much the classes count in the loss of the training samples and of those that are set aside; default all alike.
    pub class_weights: Option<ClassWeights>,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            split_seed: 0,
            holdout: false,
            fold: None,
            validation: None,
            test: None,
            classes: None,
            samples: None,
            pool: 1,
            target: None,
            exclude: None,
            features: None,
            categorical: None,
            shape: None,
            missing: Missing::Error,
            delimiter: None,
            header: Header::Auto,
            regression: false,
            scale: false,
            labels: Labels::Fine,
            class_weights: None,
        }
    }
}

impl DataOptions {
    /// The first option that only tables have and that is not at its default: its name, its value and the default.
    pub(crate) fn of_tables(&self) -> Option<(&'static str, String, &'static str)> {
        let columns = |names: &Option<Vec<String>>| names.as_ref().map(|names| names.join(","));
        let changed = |value: String, default: &str| (value != default).then_some(value);
        let path = |path: &PathBuf| path.display().to_string();
        let validation = match &self.validation {
            Some(Validation::File(file)) => Some(path(file)),
            Some(Validation::Share(_)) | None => None,
        };
        let delimiter = self.delimiter.map(delimiter_name);
        [
            ("target", columns(&self.target), "last"),
            ("features", columns(&self.features), "all"),
            ("exclude", columns(&self.exclude), "none"),
            ("categorical", columns(&self.categorical), "auto"),
            ("shape", self.shape.map(|shape| shape.to_string()), "none"),
            ("missing", changed(self.missing.to_string(), "error"), "error"),
            ("header", changed(self.header.to_string(), "auto"), "auto"),
            ("delimiter", delimiter, "auto"),
            ("test", self.test.as_ref().map(path), "none"),
            ("validation", validation, "none, or a share"),
        ]
        .into_iter()
        .find_map(|(name, value, default)| Some((name, value?, default)))
    }
}

/// What must be done to a sample of a data set before a model can take it: kept with the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// The [`DataSource`] as text.
    pub data: String,
    /// By what stored pixels were divided.
    pub divisor: f64,
    /// [`DataOptions::pool`].
    pub pool: usize,
    /// [`DataOptions::classes`].
    pub classes: Option<Vec<u32>>,
    /// [`DataOptions::split_seed`]: another one would put training samples among the test samples.
    pub split_seed: u64,
    /// [`DataOptions::test`]: where it is given, no row of the training table is a test sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// The columns of the table that it was trained on, with their scales; none for images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// The scales of the images' channels, one for each; none if they are not scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<Channel>>,
    /// [`DataOptions::header`].
    #[serde(default, skip_serializing_if = "Header::is_auto")]
    pub header: Header,
    /// [`DataOptions::delimiter`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<u8>,
    /// [`DataOptions::labels`].
    #[serde(default, skip_serializing_if = "Labels::is_fine")]
    pub labels: Labels,
}

impl Preprocessing {
    /// What [`load`](super::load) does with these arguments. A table's columns are known once it is loaded: see
    /// [`with_columns`](Self::with_columns); so are the scales of images' channels.
    pub fn new(source: &DataSource, options: &DataOptions) -> Self {
        Self {
            data: source.to_string(),
            divisor: source.divisor(),
            pool: options.pool,
            classes: options.classes.clone(),
            split_seed: options.split_seed,
            test: options.test.clone(),
            columns: None,
            channels: None,
            header: options.header,
            delimiter: options.delimiter,
            labels: options.labels,
        }
    }

    /// The same with the columns of a table, as [`Dataset::columns`](super::Dataset::columns) of the training samples has
    /// them.
    #[must_use]
    pub fn with_columns(self, columns: Option<&Columns>) -> Self {
        Self { columns: columns.cloned(), ..self }
    }

    /// The same with the scales of images' channels, as [`Dataset::channels`](super::Dataset::channels) of the training
    /// samples has them.
    #[must_use]
    pub fn with_channels(self, channels: Option<&[Channel]>) -> Self {
        Self { channels: channels.map(<[_]>::to_vec), ..self }
    }

    /// Whether a source is that of training, parts of which the model has seen. What comes on standard input is taken for new.
    pub fn is_of(&self, source: &DataSource) -> bool {
        let source = source.to_string();
        source == self.data && source != STANDARD_INPUT
    }

    /// The options that treat a data set in the same way: all training samples, and the real test samples. Columns are not
    /// among them: [`load_like`](super::load_like) looks for those of `columns`, and scales as `channels` say.
    pub fn options(&self) -> DataOptions {
        DataOptions {
            split_seed: self.split_seed,
            test: self.test.clone(),
            classes: self.classes.clone(),
            pool: self.pool,
            header: self.header,
            delimiter: self.delimiter,
            labels: self.labels,
            ..DataOptions::default()
        }
    }
}
