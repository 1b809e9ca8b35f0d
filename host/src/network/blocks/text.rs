//! The text of a block: its name, its sizes, its options.

use std::fmt;
use std::str::FromStr;

use altmin_core::Activation;
use altmin_core::block::Block;
use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::choice::{Choice, Expected, ParseError};

use crate::error::{Error, Result};
use crate::nearest::did_you_mean;

/// The names of blocks that are not activations.
const BLOCKS: [&str; 8] =
    ["conv", "maxpool", "avgpool", "flatten", "dense", "dropout", "batchnorm", "residual"];

const CONV: &str =
    "`conv CHANNELS KERNEL [same|pad P] [stride S]`, KERNEL as 3x3 or 3, `same` for an odd square one";
const DENSE: &str = "`dense OUTPUTS`";
const DROPOUT: &str = "`dropout SHARE`, a number, 0 or above and below 1";
const MAX_POOL: &str = "`maxpool SIZE [stride S]`, the stride as large as the window unless said";
const AVERAGE_POOL: &str = "`avgpool SIZE [stride S]`, or `avgpool` for the mean of each channel";
const RESIDUAL: &str = "`residual CHANNELS [stride S]`, or `residual dense`";

/// Reads the block at a place, counted from 0. Sizes may be 0 here: whether they fit what comes in is the network's to say.
pub(super) fn read_block(index: usize, text: &str) -> Result<Block<f64>> {
    let refused = |expected: &str| {
        Error::argument("network", format!("{text} (block {})", index + 1), expected.to_owned())
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some((&name, rest)) = words.split_first() else {
        return Err(refused("a block between commas"));
    };
    let block = match name {
        "dense" => one_number(rest).map(|outputs| Block::Dense { outputs }).ok_or(DENSE),
        "dropout" => one_number(rest).map(|share| Block::Dropout { share }).ok_or(DROPOUT),
        "conv" => conv(rest).map(Block::Conv).ok_or(CONV),
        "maxpool" => window(rest).map(Block::MaxPool).ok_or(MAX_POOL),
        "avgpool" if rest.is_empty() => Ok(Block::GlobalAveragePool),
        "avgpool" => window(rest).map(Block::AveragePool).ok_or(AVERAGE_POOL),
        "batchnorm" => rest.is_empty().then_some(Block::BatchNorm).ok_or("`batchnorm` alone"),
        "flatten" => rest.is_empty().then_some(Block::Flatten).ok_or("`flatten` alone"),
        "residual" if rest == ["dense"] => Ok(Block::ResidualDense(Activation::Relu)),
        "residual" => residual(rest).ok_or(RESIDUAL),
        _ => return activation(text, name).map(Block::Activation).map_err(|expected| refused(&expected)),
    };
    block.map_err(refused)
}

/// An activation, or what there should have been.
fn activation(text: &str, name: &str) -> std::result::Result<Activation<f64>, String> {
    let activations = || Activation::MEMBERS.iter().map(|member| member.name);
    let known = activations().any(|activation| name.split(':').next() == Some(activation));
    text.parse().map_err(|error: ParseError| {
        match error.expected {
            Expected::Parameter { .. } => return error.expected.to_string(),
            Expected::Member(_) if known => return format!("{}, and nothing after it", error.expected),
            Expected::Member(_) => {}
        }
        let names: Vec<&str> = BLOCKS.into_iter().chain(activations()).collect();
        format!("one of {}{}", names.join(", "), did_you_mean(name, names.iter().copied()))
    })
}

fn one_number<N: FromStr>(words: &[&str]) -> Option<N> {
    match words {
        [number] => number.parse().ok(),
        _ => None,
    }
}

/// Options that are a word with a number after it, each at most once; what else there is goes to `other`, which says
/// whether it knows it.
fn options<const N: usize>(
    words: &[&str],
    names: [&str; N],
    mut other: impl FnMut(&str) -> bool,
) -> Option<[Option<usize>; N]> {
    let mut found = [None; N];
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match names.iter().position(|name| name == word) {
            Some(at) if found[at].is_none() => found[at] = Some(words.next()?.parse().ok()?),
            None if other(word) => {}
            _ => return None,
        }
    }
    Some(found)
}

fn conv(words: &[&str]) -> Option<Conv> {
    let [outputs, kernel, rest @ ..] = words else { return None };
    let (height, width) = kernel.split_once('x').unwrap_or((kernel, kernel));
    let (kernel_height, kernel_width) = (height.parse().ok()?, width.parse().ok()?);
    let mut same = false;
    let [padding, stride] = options(rest, ["pad", "stride"], |word| {
        let first = !same;
        same = word == "same";
        same && first
    })?;
    let padding = match (same, padding) {
        (false, padding) => padding.unwrap_or(0),
        (true, None) => same_padding(kernel_height, kernel_width)?,
        (true, Some(_)) => return None,
    };
    let stride = stride.unwrap_or(1);
    Some(Conv { outputs: outputs.parse().ok()?, kernel_height, kernel_width, stride, padding })
}

/// The padding under which stride 1 keeps the image's size.
fn same_padding(height: usize, width: usize) -> Option<usize> {
    (height == width && height % 2 == 1).then_some(height / 2)
}

fn window(words: &[&str]) -> Option<Window> {
    let (size, rest) = words.split_first()?;
    let size = size.parse().ok()?;
    let [stride] = options(rest, ["stride"], |_| false)?;
    Some(Window { size, stride: stride.unwrap_or(size) })
}

fn residual(words: &[&str]) -> Option<Block<f64>> {
    let (outputs, rest) = words.split_first()?;
    let [stride] = options(rest, ["stride"], |_| false)?;
    let activation = Activation::Relu;
    Some(Block::Residual(Residual {
        outputs: outputs.parse().ok()?,
        stride: stride.unwrap_or(1),
        activation,
    }))
}

/// Writes a block so that [`read_block`] reads it.
pub(super) fn write_block(f: &mut fmt::Formatter<'_>, block: &Block<f64>) -> fmt::Result {
    match *block {
        Block::Dense { outputs } => write!(f, "dense {outputs}"),
        Block::Conv(Conv { outputs, kernel_height, kernel_width, stride, padding }) => {
            write!(f, "conv {outputs} {kernel_height}x{kernel_width}")?;
            match padding {
                0 => {}
                _ if same_padding(kernel_height, kernel_width) == Some(padding) => f.write_str(" same")?,
                _ => write!(f, " pad {padding}")?,
            }
            write_stride(f, stride, 1)
        }
        Block::MaxPool(Window { size, stride }) => {
            write!(f, "maxpool {size}")?;
            write_stride(f, stride, size)
        }
        Block::AveragePool(Window { size, stride }) => {
            write!(f, "avgpool {size}")?;
            write_stride(f, stride, size)
        }
        Block::GlobalAveragePool => f.write_str("avgpool"),
        Block::Flatten => f.write_str("flatten"),
        Block::BatchNorm => f.write_str("batchnorm"),
        Block::Dropout { share } => write!(f, "dropout {share}"),
        Block::Activation(activation) => write!(f, "{activation}"),
        Block::ResidualDense(_) => f.write_str("residual dense"),
        Block::Residual(Residual { outputs, stride, .. }) => {
            write!(f, "residual {outputs}")?;
            write_stride(f, stride, 1)
        }
    }
}

fn write_stride(f: &mut fmt::Formatter<'_>, stride: usize, default: usize) -> fmt::Result {
    if stride == default { Ok(()) } else { write!(f, " stride {stride}") }
}
