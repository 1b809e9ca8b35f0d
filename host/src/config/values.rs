//! Settings with a text form of their own. `FromStr` checks the form alone; ranges are checked when settings are
//! resolved, so that the same message comes from the command line and from a file.

use super::text::serde_as_text;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// More layers than this are taken for a slip of the pen: `500x9000000` should not end in running out of memory.
const MOST_LAYERS: usize = 10_000;

/// Layer widths: `100,100`, `500x9` for nine of 500, or both mixed, `196,500x9,10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden(pub Vec<usize>);

impl FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut widths = Vec::new();
        for part in text.split(',') {
            let (width, count) = part.split_once('x').unwrap_or((part, "1"));
            let width: usize = parse(width, "widths such as 100,100 or 500x9")?;
            let count: usize = parse(count, "widths such as 100,100 or 500x9")?;
            if count == 0 || count > MOST_LAYERS - widths.len() {
                return Err(format!("between 1 and {MOST_LAYERS} layers are possible"));
            }
            widths.resize(widths.len() + count, width);
        }
        Ok(Self(widths))
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, run) in self.0.chunk_by(|a, b| a == b).enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match run.len() {
                1 => write!(f, "{}", run[0])?,
                2 => write!(f, "{0},{0}", run[0])?,
                count => write!(f, "{}x{count}", run[0])?,
            }
        }
        Ok(())
    }
}

/// The elementwise function after each hidden layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `max(z, 0)`.
    Relu,
    /// `z` above 0, `slope z` below.
    LeakyRelu(f64),
}

impl Activation {
    /// The slope of a leaky ReLU when none is given.
    pub const SLOPE: f64 = 0.01;

    /// The Lipschitz constant s of the papers' assumptions.
    pub fn lipschitz(self) -> f64 {
        match self {
            Activation::Relu => 1.0,
            Activation::LeakyRelu(slope) => slope.abs().max(1.0),
        }
    }
}

impl FromStr for Activation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "relu, leaky-relu or leaky-relu:SLOPE";
        match text.split_once(':') {
            None if text == "relu" => Ok(Activation::Relu),
            None if text == "leaky-relu" => Ok(Activation::LeakyRelu(Self::SLOPE)),
            Some(("leaky-relu", slope)) => Ok(Activation::LeakyRelu(parse(slope, FORMS)?)),
            _ => Err(format!("expected {FORMS}")),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activation::Relu => f.write_str("relu"),
            Activation::LeakyRelu(slope) => write!(f, "leaky-relu:{slope}"),
        }
    }
}

/// The regulariser Omega on the weights of every layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Regularizer {
    /// No regulariser.
    None,
    /// `lambda |W|_1`.
    L1(f64),
    /// `(lambda / 2) |W|^2`.
    L2(f64),
}

impl FromStr for Regularizer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "none, l1:LAMBDA or l2:LAMBDA";
        match text.split_once(':') {
            None if text == "none" => Ok(Regularizer::None),
            Some(("l1", lambda)) => Ok(Regularizer::L1(parse(lambda, FORMS)?)),
            Some(("l2", lambda)) => Ok(Regularizer::L2(parse(lambda, FORMS)?)),
            _ => Err(format!("expected {FORMS}")),
        }
    }
}

impl fmt::Display for Regularizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Regularizer::None => f.write_str("none"),
            Regularizer::L1(lambda) => write!(f, "l1:{lambda}"),
            Regularizer::L2(lambda) => write!(f, "l2:{lambda}"),
        }
    }
}

/// How the first weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal, standard deviation `sqrt(2 / n_in)`.
    He,
    /// Normal, standard deviation `sqrt(2 / (n_in + n_out))`.
    Xavier,
    /// Normal with this standard deviation.
    Normal(f64),
}

impl FromStr for Init {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "he, xavier or normal:SIGMA";
        match text.split_once(':') {
            None if text == "he" => Ok(Init::He),
            None if text == "xavier" => Ok(Init::Xavier),
            Some(("normal", sigma)) => Ok(Init::Normal(parse(sigma, FORMS)?)),
            _ => Err(format!("expected {FORMS}")),
        }
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Init::He => f.write_str("he"),
            Init::Xavier => f.write_str("xavier"),
            Init::Normal(sigma) => write!(f, "normal:{sigma}"),
        }
    }
}

/// Train a shallow network first: `K:SWEEPS`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Hidden layers that are trained first, with the output layer on top.
    pub layers: usize,
    /// Sweeps over them, out of all sweeps, before the others are inserted as identity.
    pub sweeps: usize,
}

impl FromStr for Growth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "K:SWEEPS such as 2:20, or none";
        let (layers, sweeps) = text.split_once(':').ok_or_else(|| format!("expected {FORMS}"))?;
        Ok(Self { layers: parse(layers, FORMS)?, sweeps: parse(sweeps, FORMS)? })
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.layers, self.sweeps)
    }
}

/// A time with its unit: `500ms`, `60s`, `5m`, `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "a time with its unit such as 500ms, 60s, 5m or 2h";
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(format!("expected {FORMS}")),
        };
        let total = parse::<u64>(number, FORMS)?.checked_mul(milliseconds);
        Ok(Self(Duration::from_millis(total.ok_or_else(|| format!("expected {FORMS}"))?)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        for (unit, length) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if milliseconds > 0 && milliseconds.is_multiple_of(length) {
                return write!(f, "{}{unit}", milliseconds / length);
            }
        }
        write!(f, "{milliseconds}ms")
    }
}

/// Gives a setting that may be switched off a type with a word for that, so that a flag can undo what a file says.
macro_rules! optional {
    ($(#[$doc:meta])* $name:ident($value:ty), $word:literal, $read:expr, $write:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(pub Option<$value>);

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                if text == $word { Ok(Self(None)) } else { $read(text).map(|value| Self(Some(value))) }
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
    Samples(usize), "all", |text| parse(text, "a number of samples, or all"), usize::to_string
);
optional!(
    /// The classes that are kept, such as `0,1,2`, or `all`.
    Classes(Vec<usize>), "all", parse_classes, |classes: &Vec<usize>| write_classes(classes)
);
optional!(
    /// Growth, or `none`.
    Grow(Growth), "none", Growth::from_str, Growth::to_string
);
optional!(
    /// The bound on both residuals, or `none`.
    Tolerance(f64), "none", |text| parse(text, "a number, or none"), f64::to_string
);
optional!(
    /// The longest time that sweeps may take, or `none`.
    TimeLimit(Duration), "none", |text: &str| Time::from_str(text).map(|time| time.0), |time: &Duration| Time(*time)
        .to_string()
);

fn parse_classes(text: &str) -> Result<Vec<usize>, String> {
    text.split(',').map(|class| parse(class, "class numbers such as 0,1,2, or all")).collect()
}

fn write_classes(classes: &[usize]) -> String {
    classes.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn parse<T: FromStr>(text: &str, forms: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("expected {forms}"))
}

serde_as_text!(Hidden, Activation, Regularizer, Init, Samples, Classes, Grow, Tolerance, TimeLimit);
