//! Augmentation: a training image is shifted and mirrored at random every time that it is trained on.

use crate::error::{Error, Result};
use crate::random::below;
use crate::real::Real;
use crate::shape::Shape;

/// How images are changed before a step is made from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Augmentation {
    /// The images.
    pub image: Shape,
    /// Pixels at most by which an image moves, up or down and left or right; below both sides.
    pub shift: usize,
    /// Whether every other image, on average, is mirrored, left for right.
    pub flip: bool,
}

impl Augmentation {
    /// `Ok` when it moves images of so many features, and leaves something of them.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `augment`.
    pub fn validate(&self, features: usize) -> Result {
        let Self { image, shift, .. } = *self;
        if image.features() != features {
            let (found, expected) = (image.features() as f64, "images of the network's input");
            return Err(Error::Setting { name: "augment", found, expected });
        }
        if shift >= image.height.min(image.width) {
            let (found, expected) = (shift as f64, "a shift below the sides of the images");
            return Err(Error::Setting { name: "augment", found, expected });
        }
        Ok(())
    }

    /// Writes an image, mirrored and then moved as these random words say, over `to`, which is as long. What moves in is 0.
    ///
    /// Both shifts are uniform from `-shift` to `shift`.
    ///
    /// # Panics
    /// If one is shorter than the image.
    pub fn write<T: Real>(&self, draw: [u32; 4], from: &[T], to: &mut [T]) {
        let Self { image, shift, flip } = *self;
        let moved = |word| below(2 * shift as u32 + 1, word) as isize - shift as isize;
        let (down, right, mirror) = (moved(draw[0]), moved(draw[1]), flip && draw[2] >> 31 == 1);
        let (height, width) = (image.height as isize, image.width as isize);
        // The columns of the moved image that are in the picture.
        let (first, end) = (right.max(0) as usize, (width + right).min(width) as usize);
        let to = &mut to[..image.features()];
        to.fill(T::ZERO);
        let channels = from[..image.features()].chunks_exact(image.pixels());
        for (from, to) in channels.zip(to.chunks_exact_mut(image.pixels())) {
            for row in down.max(0)..(height + down).min(height) {
                let from = &from[(row - down) as usize * image.width..][..image.width];
                let to = &mut to[row as usize * image.width..][first..end];
                let start = (first as isize - right) as usize;
                let from = if mirror { &from[image.width - start - to.len()..] } else { &from[start..] };
                let from = &from[..to.len()];
                to.copy_from_slice(from);
                if mirror {
                    to.reverse();
                }
            }
        }
    }
}
