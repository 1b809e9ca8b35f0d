//! Initial weights, each a function of seed, layer and place: the same whatever thread fills which layer first.

use std::fmt;
use std::str::FromStr;

use altmin_core::Real;
use altmin_core::view::{MatMut, column_mut};

use crate::error::{Error, Result};
use crate::random::{Purpose, normal, uniform};

/// How the weights of a layer begin; biases begin at 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initializer {
    /// Normal with variance `2/n_in` (He, Zhang, Ren, Sun, 2015): keeps the size of signals under ReLU.
    He,
    /// Uniform within `sqrt(6/(n_in + n_out))` of 0 (Glorot, Bengio, 2010).
    Xavier,
    /// Normal with this standard deviation, finite and above 0.
    Normal(f64),
    /// 1 on the diagonal, 0 elsewhere: a layer that hands on what it gets.
    Identity,
}

const NAMES: &str = "he, xavier, normal:S with a finite S above 0, or identity";

impl Initializer {
    /// The weight in `row` and `column` of a layer of `n_out x n_in`, in double precision.
    pub fn value(self, seed: u64, layer: u32, row: usize, column: usize, n_out: usize, n_in: usize) -> f64 {
        let index = column as u64 * n_out as u64 + row as u64;
        match self {
            Initializer::He => libm::sqrt(2.0 / n_in as f64) * normal(seed, Purpose::Weights, layer, index),
            Initializer::Xavier => {
                let bound = libm::sqrt(6.0 / (n_in as f64 + n_out as f64));
                bound * (2.0 * uniform(seed, Purpose::Weights, layer, index) - 1.0)
            }
            Initializer::Normal(sigma) => sigma * normal(seed, Purpose::Weights, layer, index),
            Initializer::Identity => f64::from(u8::from(row == column)),
        }
    }
}

/// Fills `weights` (`n_out x n_in`) as layer `layer`, counted from 0; `f32` gets the rounded values of `f64`.
pub fn fill<T: Real>(initializer: Initializer, seed: u64, layer: u32, weights: &mut MatMut<'_, T>) {
    let (n_out, n_in) = weights.shape();
    for column in 0..n_in {
        for (row, weight) in column_mut(weights, column).iter_mut().enumerate() {
            *weight = T::from_f64(initializer.value(seed, layer, row, column, n_out, n_in));
        }
    }
}

impl FromStr for Initializer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::argument("init", text, NAMES);
        match text.split_once(':') {
            None if text == "he" => Ok(Self::He),
            None if text == "xavier" => Ok(Self::Xavier),
            None if text == "identity" => Ok(Self::Identity),
            Some(("normal", sigma)) => {
                let sigma: f64 = sigma.parse().map_err(|_| refused())?;
                if sigma.is_finite() && sigma > 0.0 { Ok(Self::Normal(sigma)) } else { Err(refused()) }
            }
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Initializer::He => f.write_str("he"),
            Initializer::Xavier => f.write_str("xavier"),
            Initializer::Normal(sigma) => write!(f, "normal:{sigma}"),
            Initializer::Identity => f.write_str("identity"),
        }
    }
}
