//! The names of a network's parts, as settings and model files spell them.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The slope of `leaky-relu` where none is given.
pub const DEFAULT_SLOPE: f64 = 0.01;

/// The function between two layers, elementwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` where that is positive, else the slope times `x`; the slope is finite.
    LeakyRelu(f64),
    /// `1/(1 + exp(-x))`.
    Sigmoid,
    /// `tanh x`.
    Tanh,
}

impl FromStr for Activation {
    type Err = Error;

    /// `relu`, `leaky-relu` (slope [`DEFAULT_SLOPE`]) or `leaky-relu:K`, `sigmoid`, `tanh`.
    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            Error::argument("activation", text, "relu, leaky-relu:K with a finite slope K, sigmoid or tanh")
        };
        match text.split_once(':') {
            None if text == "relu" => Ok(Self::Relu),
            None if text == "sigmoid" => Ok(Self::Sigmoid),
            None if text == "tanh" => Ok(Self::Tanh),
            None if text == "leaky-relu" => Ok(Self::LeakyRelu(DEFAULT_SLOPE)),
            Some(("leaky-relu", slope)) => match slope.parse::<f64>() {
                Ok(slope) if slope.is_finite() => Ok(Self::LeakyRelu(slope)),
                _ => Err(refused()),
            },
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activation::Relu => f.write_str("relu"),
            Activation::LeakyRelu(slope) => write!(f, "leaky-relu:{slope}"),
            Activation::Sigmoid => f.write_str("sigmoid"),
            Activation::Tanh => f.write_str("tanh"),
        }
    }
}

/// What the last layer's output is held against the labels or values with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Softmax cross-entropy.
    CrossEntropy,
    /// Half the squared distance to the label as a unit vector, or to values.
    LeastSquares,
}

impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "cross-entropy" => Ok(Self::CrossEntropy),
            "least-squares" => Ok(Self::LeastSquares),
            _ => Err(Error::argument("loss", text, "cross-entropy or least-squares")),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::CrossEntropy => "cross-entropy",
            Loss::LeastSquares => "least-squares",
        })
    }
}
