//! IDX files (LeCun, Cortes, Burges), plain or gzip: the format of MNIST and of the sets made in its image.
//!
//! A file is: two zero bytes, a byte for the type of the elements, a byte for the number of dimensions, each
//! dimension in four bytes (most significant first), the elements.

use std::path::{Path, PathBuf};

use altmin_core::Real;

use super::bytes::{open, read_failed, read_up_to, require_folder};
use super::{Dataset, ImageShape};
use crate::error::{Error, Result};

/// The largest pixel: stored pixels are 0 to 255.
pub const DIVISOR: f64 = 255.0;

const UNSIGNED_BYTES: u8 = 0x08;

/// One of the four files: its names, and the number of dimensions that it must have.
#[derive(Debug, Clone, Copy)]
pub struct FileKind {
    part: &'static str,
    content: &'static str,
    dimensions: u8,
}

impl FileKind {
    /// Every name that the file may have, in the order in which they are tried.
    pub fn names(self) -> Vec<String> {
        let Self { part, content, dimensions } = self;
        let name = |separator| format!("{part}-{content}{separator}idx{dimensions}-ubyte");
        [name("-"), name(".")].iter().flat_map(|name| [name.clone(), format!("{name}.gz")]).collect()
    }

    /// Whether the file is in the folder under any of them.
    pub(super) fn is_in(self, folder: &Path) -> bool {
        self.names().iter().any(|name| folder.join(name).exists())
    }

    fn find(self, folder: &Path) -> Result<PathBuf> {
        let tried = self.names();
        match tried.iter().map(|name| folder.join(name)).find(|path| path.exists()) {
            Some(path) => Ok(path),
            None => Err(Error::Missing { folder: folder.to_owned(), tried, package: None }),
        }
    }
}

/// The two files of one part of a data set.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The images.
    pub images: FileKind,
    /// Their labels.
    pub labels: FileKind,
}

const fn part(part: &'static str) -> Part {
    Part {
        images: FileKind { part, content: "images", dimensions: 3 },
        labels: FileKind { part, content: "labels", dimensions: 1 },
    }
}

/// The training samples' files.
pub const TRAINING: Part = part("train");
/// The test samples' files.
pub const TEST: Part = part("t10k");

/// Training and test samples of a folder, pixels between 0 and 1; classes run from 0 to the largest label.
///
/// # Errors
/// [`Error::Argument`] if `folder` is none, [`Error::Missing`] naming every file name tried, [`Error::Format`] for
/// a file that is no IDX file, has other elements or dimensions, is cut short, goes on after its end, or holds
/// another number of labels than of images; also for test images of another size than the training images.
/// [`Error::Data`] as [`Dataset::new`].
pub fn load<T: Real>(folder: &Path) -> Result<(Dataset<T>, Dataset<T>)> {
    require_folder(folder)?;
    let train = read_part(folder, TRAINING)?;
    let test = read_part(folder, TEST)?;
    if test.image != train.image {
        let size = |image: ImageShape| format!("images of {}x{}", image.height, image.width);
        let expected = format!("{}, as in training", size(train.image));
        return Err(Error::format(&test.path, size(test.image), expected));
    }
    let largest = train.labels.iter().chain(&test.labels).copied().max().unwrap_or(0);
    let classes: Vec<String> = (0..=largest).map(|class| class.to_string()).collect();
    let name = |part| format!("{} ({part})", folder.display());
    Ok((train.dataset(name("training"), classes.clone())?, test.dataset(name("test"), classes)?))
}

struct Images {
    path: PathBuf,
    image: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    fn dataset<T: Real>(self, name: String, classes: Vec<String>) -> Result<Dataset<T>> {
        if classes.len() < 2 {
            let found = format!("{} samples of class 0 only", self.labels.len());
            return Err(Error::data(&name, found, "samples of at least two classes"));
        }
        let features = self.pixels.iter().map(|&pixel| T::from_f64(f64::from(pixel) / DIVISOR)).collect();
        let labels = self.labels.iter().map(|&label| u32::from(label)).collect();
        let n_features = self.image.height * self.image.width;
        Dataset::new(name, features, labels, n_features, classes)?.with_image(self.image)
    }
}

fn read_part(folder: &Path, part: Part) -> Result<Images> {
    let path = part.images.find(folder)?;
    let labels_path = part.labels.find(folder)?;
    let ([count, height, width], pixels) = read::<3>(&path)?;
    let ([label_count], labels) = read::<1>(&labels_path)?;
    if label_count != count {
        let expected = format!("{count}, one for each image of `{}`", path.display());
        return Err(Error::format(&labels_path, format!("{label_count} labels"), expected));
    }
    if count == 0 {
        return Err(Error::format(&path, "0 images", "at least one"));
    }
    if height == 0 || width == 0 {
        return Err(Error::format(&path, format!("images of {height}x{width}"), "at least one pixel"));
    }
    Ok(Images { path, image: ImageShape { height, width, channels: 1 }, pixels, labels })
}

/// The dimensions and the bytes of a file that must have `D` dimensions.
fn read<const D: usize>(path: &Path) -> Result<([usize; D], Vec<u8>)> {
    let mut reader = open(path).map_err(|error| read_failed(path, error))?;
    let magic = read_up_to(path, &mut reader, 4)?;
    check_magic::<D>(path, &magic)?;
    let header = read_up_to(path, &mut reader, 4 * D)?;
    if header.len() < 4 * D {
        return Err(cut_short(path, 4 + header.len(), &format!("a header of {} bytes", 4 + 4 * D)));
    }
    let mut dimensions = [0; D];
    for (dimension, bytes) in dimensions.iter_mut().zip(header.chunks_exact(4)) {
        *dimension = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    }
    let shape = dimensions.map(|dimension| dimension.to_string()).join("x");
    let Some(length) = dimensions.iter().try_fold(1usize, |product, &size| product.checked_mul(size)) else {
        return Err(Error::format(path, format!("dimensions {shape}"), "dimensions that memory can hold"));
    };
    let content = read_up_to(path, &mut reader, length)?;
    if content.len() < length {
        return Err(cut_short(path, content.len(), &format!("{length} for {shape}")));
    }
    if !read_up_to(path, &mut reader, 1)?.is_empty() {
        let found = format!("more bytes after the {length} of {shape}");
        return Err(Error::format(path, found, "the end of the file"));
    }
    Ok((dimensions, content))
}

fn check_magic<const D: usize>(path: &Path, magic: &[u8]) -> Result {
    let expected = format!("IDX with {D} dimension{} of unsigned bytes", if D == 1 { "" } else { "s" });
    match *magic {
        [0, 0, UNSIGNED_BYTES, dimensions] if usize::from(dimensions) == D => Ok(()),
        [0, 0, UNSIGNED_BYTES, dimensions @ (1 | 3)] => Err(Error::Format {
            path: path.to_owned(),
            found: format!(
                "IDX with {dimensions} dimension{}",
                if dimensions == 1 { " (labels)" } else { "s (images)" }
            ),
            expected,
            hint: Some("the files of images and labels may be swapped"),
        }),
        [0, 0, kind @ 0x08..=0x0E, dimensions] => {
            let found = format!("IDX with {dimensions} dimensions and elements of type {kind:#04x}");
            Err(Error::format(path, found, expected))
        }
        [a, b, c, d] => Err(Error::format(
            path,
            format!("no IDX file (it begins with {a:02x} {b:02x} {c:02x} {d:02x})"),
            expected,
        )),
        _ => Err(cut_short(path, magic.len(), "a header")),
    }
}

fn cut_short(path: &Path, found: usize, expected: &str) -> Error {
    Error::Format {
        path: path.to_owned(),
        found: format!("only {found} bytes"),
        expected: expected.to_owned(),
        hint: Some("the file is truncated: download it again"),
    }
}
