//! The scales of images' channels.

use serde::{Deserialize, Serialize};

/// The scale of a channel: a network sees `(x - mean) / deviation` of a pixel x that was divided by the source's divisor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// What is taken away from a pixel.
    pub mean: f64,
    /// By what it is then divided, above 0.
    pub deviation: f64,
}

impl Channel {
    /// Whether the numbers are finite and the second is above 0.
    pub(crate) fn is_usable(&self) -> bool {
        self.mean.is_finite() && self.deviation.is_finite() && self.deviation > 0.0
    }
}
