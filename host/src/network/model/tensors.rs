//! Layers as the tensors of a safetensors file, and back.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use altmin_core::Real;
use altmin_core::block::Block;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use super::Map;
use crate::error::{Error, Result};
use crate::network::blocks::Network;
use crate::scalars;

/// The only key of the file's metadata.
const KEY: &str = "altmin";

/// How the tensors of a linear map are called, and the shape of its weight as the file has it: outputs, and what its inputs
/// are the product of.
pub(super) struct Name {
    base: String,
    /// Channels, height and width of a convolution's patch; none of a fully connected map.
    patch: Option<[usize; 3]>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl Name {
    fn weight(&self) -> String {
        format!("{}.weight", self.base)
    }

    fn bias(&self) -> String {
        format!("{}.bias", self.base)
    }

    /// The shape of the weight of a map.
    fn shape<T>(&self, layer: &Map<'_, T>) -> Vec<usize> {
        match self.patch {
            None => vec![layer.n_out, layer.n_in],
            Some([channels, height, width]) => vec![layer.n_out, channels, height, width],
        }
    }
}

/// The names of so many layers.
pub(super) fn of_layers(count: usize) -> Vec<Name> {
    (0..count).map(|index| Name { base: format!("layers.{index}"), patch: None }).collect()
}

/// The names of so many read-outs.
pub(super) fn of_readouts(count: usize) -> Vec<Name> {
    (0..count).map(|index| Name { base: format!("readouts.{index}"), patch: None }).collect()
}

/// The names of the linear maps of blocks.
pub(super) fn of_blocks(network: &Network) -> Vec<Name> {
    let mut names = Vec::new();
    for step in network.steps() {
        let base = format!("blocks.{}", step.index);
        let channels = step.input.channels;
        match step.block {
            Block::Dense { .. } | Block::ResidualDense(_) => names.push(Name { base, patch: None }),
            Block::Conv(conv) => {
                names.push(Name { base, patch: Some([channels, conv.kernel_height, conv.kernel_width]) });
            }
            Block::Residual(pair) => {
                let patches = [
                    ("conv1", [channels, 3, 3]),
                    ("conv2", [pair.outputs, 3, 3]),
                    ("projection", [channels, 1, 1]),
                ];
                let maps = step.block.maps(step.input, 0).iter().flatten().count();
                names.extend(
                    patches[..maps]
                        .iter()
                        .map(|(name, patch)| Name { base: format!("{base}.{name}"), patch: Some(*patch) }),
                );
            }
            _ => {}
        }
    }
    names
}

/// The type of `T` in the file.
fn dtype<T: Real>() -> Dtype {
    if size_of::<T>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

/// The weight row by row, as `[out, in]` is stored.
fn row_major_bytes<T: Real>(layer: &Map<'_, T>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_val(layer.weights));
    for row in 0..layer.n_out {
        for column in 0..layer.n_in {
            scalars::push(layer.weights[column * layer.n_out + row], &mut bytes);
        }
    }
    bytes
}

/// The file's bytes; `text` is the metadata.
pub(super) fn serialize<T: Real>(
    layers: &[Map<'_, T>],
    names: &[Name],
    text: String,
) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let mut contents = Vec::new();
    for (layer, name) in layers.iter().zip(names) {
        let mut bias = Vec::new();
        layer.bias.iter().for_each(|&value| scalars::push(value, &mut bias));
        contents.push((name.weight(), name.shape(layer), row_major_bytes(layer)));
        contents.push((name.bias(), vec![layer.n_out], bias));
    }
    let mut views = Vec::new();
    for (name, shape, bytes) in &contents {
        views.push((name.as_str(), TensorView::new(dtype::<T>(), shape.clone(), bytes)?));
    }
    safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), text)])))
}

/// The file's tensors and the metadata.
pub(super) fn open<'b>(path: &Path, bytes: &'b [u8]) -> Result<(SafeTensors<'b>, String)> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(path, bytes, error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(path, bytes, error))?;
    let Some(text) = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) else {
        let found = format!("a safetensors file without `{KEY}` in its metadata");
        return Err(Error::format(path, found, "a model of this program"));
    };
    Ok((file, text.clone()))
}

/// A linear map as a file has it.
pub(super) struct Loaded<T> {
    pub(super) n_out: usize,
    pub(super) n_in: usize,
    /// `n_out x n_in`, column-major.
    pub(super) weights: Vec<T>,
    pub(super) bias: Vec<T>,
}

pub(super) type LoadedMaps<T> = Vec<Loaded<T>>;

impl<T: Real> Loaded<T> {
    pub(super) fn parameters(self) -> Vec<T> {
        [self.weights, self.bias].concat()
    }
}

/// The weights in a file, of layers or blocks and of read-outs.
pub(super) fn weights(file: &SafeTensors<'_>) -> usize {
    file.names().iter().filter(|name| name.ends_with(".weight")).count()
}

/// The linear maps of these names, and those of so many read-outs; that they fit together is the model's to check.
pub(super) fn deserialize<T: Real>(
    path: &Path,
    file: &SafeTensors<'_>,
    mut names: Vec<Name>,
    readouts: usize,
) -> Result<(LoadedMaps<T>, LoadedMaps<T>)> {
    let own = names.len();
    names.extend(of_readouts(readouts.min(file.len())));
    let mut maps = names.iter().map(|name| layer(path, file, name)).collect::<Result<Vec<_>>>()?;
    // Each map has brought its two tensors, so that any further one is none of them.
    if file.len() != 2 * names.len() {
        let known: HashSet<String> = names.iter().flat_map(|name| [name.weight(), name.bias()]).collect();
        let other = file.names().into_iter().find(|name| !known.contains(*name)).unwrap_or_default();
        return Err(Error::format(path, format!("tensor `{other}`"), "only weights and biases of layers"));
    }
    require_one_type(path, file)?;
    let readouts = maps.split_off(own);
    Ok((maps, readouts))
}

fn require_one_type(path: &Path, file: &SafeTensors<'_>) -> Result {
    let types: Vec<Dtype> = file.iter().map(|(_, tensor)| tensor.dtype()).collect();
    match types.windows(2).find(|pair| pair[0] != pair[1]) {
        None => Ok(()),
        Some(pair) => {
            Err(Error::format(path, format!("tensors of {} and {}", pair[0], pair[1]), "one type for all"))
        }
    }
}

fn layer<T: Real>(path: &Path, file: &SafeTensors<'_>, name: &Name) -> Result<Loaded<T>> {
    let (shape, by_rows) = tensor::<T>(path, file, &name.weight())?;
    let (n_out, n_in) = match (&shape[..], name.patch) {
        (&[n_out, n_in], None) => (n_out, n_in),
        (&[n_out, ref inputs @ ..], Some(patch)) if inputs == patch => (n_out, patch.iter().product()),
        (_, None) => {
            let found = format!("{} of shape {shape:?}", name.weight());
            return Err(Error::format(path, found, "two dimensions"));
        }
        (_, Some(patch)) => {
            let found = format!("{} of shape {shape:?}", name.weight());
            return Err(Error::format(path, found, format!("four dimensions, the last of {patch:?}")));
        }
    };
    let (shape, bias) = tensor(path, file, &name.bias())?;
    if shape != [n_out] {
        let found = format!("{} of shape {shape:?}", name.bias());
        return Err(Error::format(path, found, format!("[{n_out}], the outputs of its layer")));
    }
    let mut weights = Vec::with_capacity(by_rows.len());
    for column in 0..n_in {
        weights.extend((0..n_out).map(|row| by_rows[row * n_in + column]));
    }
    Ok(Loaded { n_out, n_in, weights, bias })
}

/// A tensor's shape and its numbers in the order of the file.
fn tensor<T: Real>(path: &Path, file: &SafeTensors<'_>, name: &str) -> Result<(Vec<usize>, Vec<T>)> {
    let Ok(tensor) = file.tensor(name) else {
        return Err(Error::format(
            path,
            format!("no tensor `{name}`"),
            "a weight and a bias for every layer",
        ));
    };
    let numbers = match tensor.dtype() {
        Dtype::F32 => numbers(tensor.data(), |bytes| f64::from(f32::from_le_bytes(bytes))),
        Dtype::F64 => numbers(tensor.data(), f64::from_le_bytes),
        other => return Err(Error::format(path, format!("`{name}` of type {other}"), "F32 or F64")),
    };
    Ok((tensor.shape().to_vec(), numbers))
}

fn numbers<T: Real, const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|&bytes| T::from_f64(read(bytes))).collect()
}

/// Tells a file that was cut short from one that is something else.
fn unreadable(path: &Path, bytes: &[u8], error: SafeTensorError) -> Error {
    let begins_as_header = bytes.len() < 9 || bytes[8] == b'{';
    let cut = matches!(
        error,
        SafeTensorError::HeaderTooSmall
            | SafeTensorError::InvalidHeaderLength
            | SafeTensorError::MetadataIncompleteBuffer
    );
    Error::Format {
        path: path.to_owned(),
        found: format!("no whole safetensors file ({error})"),
        expected: "a model file".to_owned(),
        hint: (begins_as_header && cut).then_some("the file is truncated or has extra bytes"),
    }
}
