//! Widths of layers as people write them.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Most layers: `500x9000000` is a typing error, and should not end in running out of memory.
const MOST_LAYERS: usize = 10_000;

/// Layer widths: `100,100`, `500x9` for nine of 500, or both mixed, `196,500x9,10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

impl FromStr for Widths {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::argument("widths", text, "a form such as 100,100 or 500x9");
        let mut widths = Vec::new();
        for part in text.split(',') {
            let (width, count) = part.split_once('x').unwrap_or((part, "1"));
            let width: usize = width.trim().parse().map_err(|_| refused())?;
            let count: usize = count.trim().parse().map_err(|_| refused())?;
            if count == 0 || count > MOST_LAYERS - widths.len() {
                return Err(Error::argument("widths", text, format!("between 1 and {MOST_LAYERS} layers")));
            }
            widths.resize(widths.len() + count, width);
        }
        Ok(Self(widths))
    }
}

impl fmt::Display for Widths {
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
