//! Settings with a text form of their own. `FromStr` checks the form alone; ranges are checked when settings are
//! resolved, so that the same message comes from the command line and from a file.

use super::text::serde_as_text;
use crate::data::table::{DELIMITER_NAMES, delimiter_name};
use crate::data::{ClassWeights, DataSource, ImageShape, Validation};
use crate::error::{Error, Result};
use crate::network::blocks::Architecture;
use crate::network::cuts::Cuts;
use crate::network::init::Initializer;
use crate::network::widths::Widths;
use altmin_core::method::proxprop::Carry;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Train a shallow network first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Hidden layers that are trained first, with the output layer on top.
    pub layers: usize,
    /// Sweeps over them, out of all sweeps, before the others are inserted as identity.
    pub sweeps: usize,
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.layers, self.sweeps)
    }
}

/// How images are changed for training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImageMoves {
    /// Pixels at most by which an image moves along each side.
    pub shift: usize,
    /// Whether every other image is mirrored.
    pub flip: bool,
}

impl fmt::Display for ImageMoves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shift = (self.shift > 0 || !self.flip).then(|| format!("shift:{}", self.shift));
        let words: Vec<_> = shift.into_iter().chain(self.flip.then(|| "flip".to_owned())).collect();
        f.write_str(&words.join(","))
    }
}

/// The bounds `LOW,HIGH` of the rule by which DLAM's epsilon goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpsilonBounds(pub (f64, f64));

impl FromStr for EpsilonBounds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::argument("epsilon-bounds", text, "LOW,HIGH such as 0.01,1");
        let number = |part: &str| part.trim().parse().map_err(|_| refused());
        let (low, high) = text.split_once(',').ok_or_else(refused)?;
        Ok(Self((number(low)?, number(high)?)))
    }
}

impl fmt::Display for EpsilonBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.0.0, self.0.1)
    }
}

fn write_path(path: &Path) -> String {
    path.display().to_string()
}

/// How often something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After so many sweeps.
    Sweeps(usize),
    /// After the sweep in which so much time has passed since the last time.
    Time(Duration),
}

/// A setting's value among [`Settings`](super::Settings), made from that among [`TrainOptions`](super::TrainOptions) and back.
pub(super) trait Value<Given> {
    fn resolved(given: Given) -> Self;

    /// None for a value that there is no word for.
    fn given(self) -> Option<Given>;
}

impl<T> Value<T> for T {
    fn resolved(given: T) -> T {
        given
    }

    fn given(self) -> Option<T> {
        Some(self)
    }
}

impl<T> Value<T> for Option<T> {
    fn resolved(given: T) -> Self {
        Some(given)
    }

    fn given(self) -> Self {
        self
    }
}

/// The values of types that wrap them to be read and written.
macro_rules! wrapped {
    ($($name:ident($value:ty)),+) => {
        $(impl Value<$name> for $value {
            fn resolved(given: $name) -> Self {
                given.0
            }

            fn given(self) -> Option<$name> {
                Some($name(self))
            }
        })+
    };
}

wrapped!(Widths(Vec<usize>), EpsilonBounds((f64, f64)));

/// A setting that a word switches off, so that a flag can undo what a file says.
macro_rules! optional {
    ($(#[$doc:meta])* $name:ident($value:ty), $word:literal, $read:expr, $write:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(pub Option<$value>);

        wrapped!($name(Option<$value>));

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                if text == $word { Ok(Self(None)) } else { ($read)(text).map(|value| Self(Some(value))) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.0 {
                    None => f.write_str($word),
                    Some(value) => f.write_str(&$write(value)),
                }
            }
        }
    };
}

optional!(
    /// The first N samples, or `all`.
    Samples(usize), "all", |text| number("samples", text, "a number of samples, or all"), ToString::to_string
);
optional!(
    /// Samples of a mini-batch, or `all`.
    Batch(usize), "all", |text| number("batch", text, "a number of samples, or all"), ToString::to_string
);
optional!(
    /// The columns that are learnt, in the form of a row of CSV, such as `price,quality`, or `last`.
    Target(Vec<String>), "last", |text| read_columns("target", "last", text), write_columns
);
optional!(
    /// The columns that are left out, in the form of a row of CSV, such as `id,name`, or `none`.
    Excluded(Vec<String>), "none", |text| read_columns("exclude", "none", text), write_columns
);
optional!(
    /// The columns that are learnt from, in the form of a row of CSV, such as `size,rooms`, or `all`.
    Features(Vec<String>), "all", |text| read_columns("features", "all", text), write_columns
);
optional!(
    /// The shape of images, as `28x28x1`, or `none`.
    Shape(ImageShape), "none", str::parse, ToString::to_string
);
optional!(
    /// The columns of categories, in the form of a row of CSV, such as `zip,month`, or `auto`.
    Categorical(Vec<String>), "auto", |text| read_columns("categorical", "auto", text), write_columns
);
optional!(
    /// The byte between two cells of a row: itself, `tab` or `space`, or `auto`.
    Delimiter(u8), "auto", read_delimiter, write_delimiter
);
optional!(
    /// The classes that are kept, such as `0,1,2`, or `all`.
    Classes(Vec<u32>), "all", read_classes, write_classes
);
optional!(
    /// How much each class counts, as `balanced` or `1,2.5,1`, or `none`.
    Weighted(ClassWeights), "none", str::parse, ToString::to_string
);
optional!(
    /// Growth as `K:SWEEPS`, or `none`.
    Grow(Growth), "none", read_growth, ToString::to_string
);
optional!(
    /// The bound on both residuals, or `none`.
    Tolerance(f64), "none", |text| number("tolerance", text, "a number, or none"), ToString::to_string
);
optional!(
    /// The seed of a split, or `seed`, that of the run.
    SplitSeed(u64), "seed", |text| number("split-seed", text, "a number from 0, or seed"), ToString::to_string
);
optional!(
    /// A file of test samples, or `none`.
    TestFile(PathBuf), "none", |text| Ok(PathBuf::from(text)), write_path
);
optional!(
    /// A file of weights, or `none`.
    WeightsFile(PathBuf), "none", |text| Ok(PathBuf::from(text)), write_path
);
optional!(
    /// The samples that are set aside, or `none`.
    SetAside(Validation), "none", |text| number("validation", text, "a share above 0 and below 1, a file, or none"), ToString::to_string
);
optional!(
    /// Sweeps in a row without a better score, or `none`.
    Patience(usize), "none", |text| number("patience", text, "a number of sweeps, or none"), ToString::to_string
);
optional!(
    /// Sums of inputs that are carried between mini-batches, as `BETA:EVERY`, or `none`.
    Carried(Carry), "none", read_carry, write_carry
);
optional!(
    /// The longest gradient, or `none`.
    Clip(f64), "none", |text| number("clip", text, "a number, or none"), ToString::to_string
);
optional!(
    /// After how many mini-batches the test set is passed, or `none`.
    EvaluateEvery(usize), "none", |text| number("evaluate-every", text, "a number of mini-batches, or none"), ToString::to_string
);
optional!(
    /// How images are changed for training, as `shift:2,flip`, or `none`.
    Augment(ImageMoves), "none", read_moves, ToString::to_string
);
optional!(
    /// By how much a cost may rise, or `none`.
    Guard(f64), "none", |text| number("guard", text, "a number, or none"), ToString::to_string
);
optional!(
    /// The longest time that sweeps may take, `500ms`, `60s`, `5m`, `2h`, or `none`.
    TimeLimit(Duration), "none", read_time, write_time
);

optional!(
    /// How often a checkpoint is written, as `10` or `60s`, or `none`.
    CheckpointEvery(Every), "none", read_every, write_every
);

optional!(
    /// Bytes of memory, as `2GB` or `500MiB`, or `available`, what there is.
    MaxMemory(usize), "available", read_size, write_size
);

fn number<T: FromStr>(setting: &'static str, text: &str, expected: &str) -> Result<T> {
    text.parse().map_err(|_| Error::argument(setting, text, expected))
}

fn read_classes(text: &str) -> Result<Vec<u32>> {
    let refused = |_| Error::argument("classes", text, "class numbers such as 0,1,2, or all");
    text.split(',').map(|class| class.trim().parse().map_err(refused)).collect()
}

// The type that the macro hands over is that of the field.
#[allow(clippy::ptr_arg)]
pub(super) fn write_classes(classes: &Vec<u32>) -> String {
    classes.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// The names are written as a row of CSV is, so that a name may have a comma in it, and `"last"` be one.
fn read_carry(text: &str) -> Result<Carry> {
    let refused = || Error::argument("carry", text, "BETA:EVERY such as 0.9:10, or none");
    let (beta, every) = text.split_once(':').ok_or_else(refused)?;
    let (beta, every) = (beta.parse(), every.parse());
    Ok(Carry { beta: beta.map_err(|_| refused())?, every: every.map_err(|_| refused())? })
}

fn write_carry(carry: &Carry) -> String {
    format!("{}:{}", carry.beta, carry.every)
}

pub(crate) fn read_columns(setting: &'static str, word: &str, text: &str) -> Result<Vec<String>> {
    let refused = || {
        let expected = format!(
            "names or numbers of columns such as price,quality (a name with a comma in double quotes), or {word}"
        );
        Error::argument(setting, text, expected)
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = reader.records();
    match (rows.next(), rows.next()) {
        (Some(Ok(row)), None) if row.iter().all(|name| !name.is_empty()) => {
            Ok(row.iter().map(str::to_owned).collect())
        }
        _ => Err(refused()),
    }
}

// The type that the macro hands over is that of the field.
#[allow(clippy::ptr_arg)]
pub(crate) fn write_columns(names: &Vec<String>) -> String {
    let quoted = |name: &String| {
        let is_word = ["last", "none", "all", "auto"].contains(&name.as_str());
        let plain = !name.contains([',', '"', '\n', '\r']) && !is_word;
        if plain { name.clone() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
    };
    names.iter().map(quoted).collect::<Vec<_>>().join(",")
}

fn read_delimiter(text: &str) -> Result<u8> {
    let named = DELIMITER_NAMES.iter().find(|(name, _)| *name == text).map(|&(_, byte)| byte);
    let itself = || match text.as_bytes() {
        &[byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(&byte) => {
            Some(byte)
        }
        _ => None,
    };
    named.or_else(itself).ok_or_else(|| {
        Error::argument(
            "delimiter",
            text,
            "a character such as `;` that is no letter, digit or quote, tab, space, or auto",
        )
    })
}

fn write_delimiter(byte: &u8) -> String {
    delimiter_name(*byte)
}

fn read_moves(text: &str) -> Result<ImageMoves> {
    let refused = || Error::argument("augment", text, "shift:N, flip, or both as shift:2,flip, or none");
    let mut moves = ImageMoves::default();
    let mut seen = Vec::new();
    for part in text.split(',') {
        let (word, shift) = part.split_once(':').map_or((part, None), |(word, shift)| (word, Some(shift)));
        match (word, shift) {
            ("shift", Some(shift)) => moves.shift = shift.parse().map_err(|_| refused())?,
            ("flip", None) => moves.flip = true,
            _ => return Err(refused()),
        }
        if seen.contains(&word) {
            return Err(refused());
        }
        seen.push(word);
    }
    Ok(moves)
}

fn read_growth(text: &str) -> Result<Growth> {
    let refused = || Error::argument("grow", text, "K:SWEEPS such as 2:20, or none");
    let number = |part: &str| part.trim().parse().map_err(|_| refused());
    let (layers, sweeps) = text.split_once(':').ok_or_else(refused)?;
    Ok(Growth { layers: number(layers)?, sweeps: number(sweeps)? })
}

/// Milliseconds of each unit of time, the longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

fn read_time(text: &str) -> Result<Duration> {
    let expected = "a time with its unit such as 60s, 5m or 2h, or none";
    time(text).ok_or_else(|| Error::argument("time-limit", text, expected))
}

fn time(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, length) = UNITS.into_iter().find(|&(name, _)| name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(length).map(Duration::from_millis)
}

fn read_every(text: &str) -> Result<Every> {
    let sweeps = || text.parse().ok().map(Every::Sweeps);
    let expected = "a number of sweeps such as 10, a time with its unit such as 60s, or none";
    let refused = || Error::argument("checkpoint-every", text, expected);
    sweeps().or_else(|| time(text).map(Every::Time)).ok_or_else(refused)
}

fn write_every(every: &Every) -> String {
    match every {
        Every::Sweeps(sweeps) => sweeps.to_string(),
        Every::Time(time) => write_time(time),
    }
}

/// Bytes of each unit of memory, the largest first.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

fn read_size(text: &str) -> Result<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let bytes = SIZES.into_iter().find(|&(name, _)| name.eq_ignore_ascii_case(unit));
    let size = bytes.and_then(|(_, bytes)| number.parse::<u64>().ok()?.checked_mul(bytes)?.try_into().ok());
    let expected = "a size with its unit such as 2GB or 500MiB, or available";
    size.ok_or_else(|| Error::argument("max-memory", text, expected))
}

/// The size in the largest unit that needs no fraction.
fn write_size(bytes: &usize) -> String {
    let bytes = *bytes as u64;
    let unit = SIZES.into_iter().find(|&(_, size)| bytes.is_multiple_of(size) && bytes > 0);
    let (name, size) = unit.unwrap_or(("B", 1));
    format!("{}{name}", bytes / size)
}

/// The time in the longest unit that needs no fraction, to the millisecond.
fn write_time(time: &Duration) -> String {
    let milliseconds = time.as_millis();
    let unit = UNITS.into_iter().find(|&(_, length)| milliseconds.is_multiple_of(u128::from(length)));
    let (name, length) = unit.unwrap_or(("ms", 1));
    format!("{}{name}", milliseconds / u128::from(length))
}

serde_as_text!(
    DataSource,
    Initializer,
    Widths,
    Samples,
    Batch,
    CheckpointEvery,
    Carried,
    Augment,
    Clip,
    EpsilonBounds,
    EvaluateEvery,
    TestFile,
    SetAside,
    WeightsFile,
    Shape,
    Target,
    Excluded,
    Features,
    Categorical,
    Delimiter,
    Classes,
    Weighted,
    Grow,
    Tolerance,
    Patience,
    SplitSeed,
    Guard,
    Cuts,
    Architecture,
    TimeLimit,
    MaxMemory
);
