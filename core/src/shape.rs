//! The shape of a sample.

use core::fmt;

/// The shape of a sample between two blocks: an image, or `features` channels of a single pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl Shape {
    /// A sample without pixels.
    pub const fn flat(features: usize) -> Self {
        Self { channels: features, height: 1, width: 1 }
    }

    /// Numbers of a sample, `channels * height * width`; saturates where that overflows.
    pub const fn features(self) -> usize {
        self.channels.saturating_mul(self.pixels())
    }

    /// Pixels of a channel; saturates.
    pub const fn pixels(self) -> usize {
        self.height.saturating_mul(self.width)
    }

    /// Whether there is a single pixel.
    pub const fn is_flat(self) -> bool {
        self.height == 1 && self.width == 1
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_flat() {
            return write!(f, "{}", self.channels);
        }
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}
