//! Layers as the tensors of a safetensors file, and back.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use altmin_core::Real;
use altmin_core::block::Block;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use safetensors::{SafeTensorError, SafeTensors};

use super::Map;
use crate::allocate;
use crate::error::{Error, Result};
use crate::half::half;
use crate::network::blocks::Network;
use crate::scalars;

/// The only key of the file's metadata.
const KEY: &str = "altmin";

/// How the tensors of a linear map are called, and the shape of its weight as the file has it.
pub(super) struct Name {
    base: String,
    form: Form,
}

/// What the tensors of a map hold.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// Weight, outputs x inputs, and bias of a fully connected map.
    Dense,
    /// The same of a convolution: channels, height and width of its patch.
    Patch([usize; 3]),
    /// Weight and bias of each channel.
    Channels,
    /// Running mean and variance of each channel.
    Statistics,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl Name {
    pub(super) fn new(base: String, form: Form) -> Self {
        Self { base, form }
    }

    fn weight(&self) -> String {
        let is_running = matches!(self.form, Form::Statistics);
        format!("{}.{}", self.base, if is_running { "running_mean" } else { "weight" })
    }

    fn bias(&self) -> String {
        let is_running = matches!(self.form, Form::Statistics);
        format!("{}.{}", self.base, if is_running { "running_var" } else { "bias" })
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// The shape of the weight of a map of so many outputs and inputs.
    pub(super) fn shape(&self, n_out: usize, n_in: usize) -> Vec<usize> {
        match self.form {
            Form::Dense => vec![n_out, n_in],
            Form::Patch([channels, height, width]) => vec![n_out, channels, height, width],
            Form::Channels | Form::Statistics => vec![n_out],
        }
    }
}

/// The names of so many layers.
pub(super) fn of_layers(count: usize) -> Vec<Name> {
    (0..count).map(|index| Name::new(format!("layers.{index}"), Form::Dense)).collect()
}

/// The names of so many read-outs.
pub(super) fn of_readouts(count: usize) -> Vec<Name> {
    (0..count).map(|index| Name::new(format!("readouts.{index}"), Form::Dense)).collect()
}

/// The names of the linear maps of blocks.
pub(super) fn of_blocks(network: &Network) -> Vec<Name> {
    let mut names = Vec::new();
    for step in network.steps() {
        let base = format!("blocks.{}", step.index);
        let channels = step.input.channels;
        match step.block {
            Block::Dense { .. } | Block::ResidualDense(_) => names.push(Name::new(base, Form::Dense)),
            Block::Conv(conv) => {
                let patch = [channels, conv.kernel_height, conv.kernel_width];
                names.push(Name::new(base, Form::Patch(patch)));
            }
            Block::BatchNorm => {
                names.push(Name::new(base.clone(), Form::Channels));
                names.push(Name::new(base, Form::Statistics));
            }
            Block::Residual(pair) => {
                let patches = [
                    ("conv1", [channels, 3, 3]),
                    ("conv2", [pair.outputs, 3, 3]),
                    ("projection", [channels, 1, 1]),
                ];
                let maps = step.block.maps(step.input, 0).iter().flatten().count();
                let named = |&(name, patch)| Name::new(format!("{base}.{name}"), Form::Patch(patch));
                names.extend(patches[..maps].iter().map(named));
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

/// A model's file, whose tensors are made row by row when they are written.
#[derive(Debug)]
pub struct ModelFile<'a, T> {
    header: Vec<u8>,
    tensors: Vec<Tensor<'a, T>>,
    length: usize,
}

/// A tensor with its name and shape.
#[derive(Debug)]
struct Tensor<'a, T> {
    name: String,
    shape: Vec<usize>,
    numbers: Numbers<'a, T>,
}

#[derive(Debug, Clone, Copy)]
enum Numbers<'a, T> {
    /// To be written row by row, as `[out, in]` is stored.
    Weights(Map<'a, T>),
    Bias(&'a [T]),
}

impl<'a, T: Real> ModelFile<'a, T> {
    /// The tensors of these maps; `text` is the metadata.
    pub(super) fn new(
        maps: Vec<Map<'a, T>>,
        names: &[Name],
        text: String,
    ) -> std::result::Result<Self, SafeTensorError> {
        let mut tensors = Vec::with_capacity(2 * maps.len());
        for (map, name) in maps.into_iter().zip(names) {
            let (shape, weights) = (name.shape(map.n_out, map.n_in), Numbers::Weights(map));
            tensors.push(Tensor { name: name.weight(), shape, numbers: weights });
            tensors.push(Tensor {
                name: name.bias(),
                shape: vec![map.n_out],
                numbers: Numbers::Bias(map.bias),
            });
        }
        // The order of the format's own writer.
        tensors.sort_by(|one, other| one.name.cmp(&other.name));
        let mut end = 0;
        let entry = |Tensor { name, shape, .. }: &Tensor<'_, T>| {
            let begin = end;
            end += shape.iter().product::<usize>() * size_of::<T>();
            (
                name.clone(),
                TensorInfo { dtype: dtype::<T>(), shape: shape.clone(), data_offsets: (begin, end) },
            )
        };
        let entries = tensors.iter().map(entry).collect();
        let metadata = Metadata::new(Some(HashMap::from([(KEY.to_owned(), text)])), entries)?;
        let mut header = serde_json::to_vec(&metadata)?;
        header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
        Ok(Self { length: ALIGNMENT + header.len() + end, header, tensors })
    }

    /// Its bytes.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Its tensors in their order: name, shape, and numbers, little-endian and the last index fastest.
    pub(crate) fn arrays(&self) -> impl Iterator<Item = (&str, &[usize], Vec<u8>)> {
        self.tensors.iter().map(|Tensor { name, shape, numbers }| {
            let mut bytes = Vec::with_capacity(shape.iter().product::<usize>() * size_of::<T>());
            match numbers {
                Numbers::Bias(bias) => bias.iter().for_each(|&value| scalars::push(value, &mut bytes)),
                Numbers::Weights(map) => map.by_rows().for_each(|value| scalars::push(value, &mut bytes)),
            }
            (&name[..], &shape[..], bytes)
        })
    }

    /// Writes it, in pieces of no more than a few pages.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&(self.header.len() as u64).to_le_bytes())?;
        to.write_all(&self.header)?;
        let mut piece = Vec::with_capacity(PIECE);
        let mut push = |value: T| {
            scalars::push(value, &mut piece);
            if piece.len() < PIECE { Ok(()) } else { flush(&mut piece, to) }
        };
        for Tensor { numbers, .. } in &self.tensors {
            match numbers {
                Numbers::Bias(bias) => bias.iter().try_for_each(|&value| push(value))?,
                Numbers::Weights(map) => {
                    map.by_rows().try_for_each(&mut push)?;
                }
            }
        }
        flush(&mut piece, to)
    }
}

/// Bytes that are written at a time: a multiple of every scalar's.
const PIECE: usize = 1 << 16;

/// What the length of a header is a multiple of, and the bytes in which it is said.
const ALIGNMENT: usize = 8;

fn flush(piece: &mut Vec<u8>, to: &mut dyn Write) -> io::Result<()> {
    to.write_all(piece)?;
    piece.clear();
    Ok(())
}

/// Bytes that one of a header's comes to, at most.
const PIECES_OF_A_HEADER: usize = 8;

/// The file's tensors, and the metadata that files of this program have.
pub(super) fn open_any<'b>(path: &Path, bytes: &'b [u8]) -> Result<(SafeTensors<'b>, Option<String>)> {
    let length = bytes.first_chunk().map_or(0, |&length| u64::from_le_bytes(length));
    let length = usize::try_from(length).map_or(bytes.len(), |length| length.min(bytes.len()));
    // The header comes to many small pieces, and is read twice.
    allocate::require(length.saturating_mul(PIECES_OF_A_HEADER))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(path, bytes, error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(path, bytes, error))?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY).cloned());
    Ok((file, text))
}

/// The same of a file of this program.
pub(super) fn open<'b>(path: &Path, bytes: &'b [u8]) -> Result<(SafeTensors<'b>, String)> {
    let (file, text) = open_any(path, bytes)?;
    let missing = || {
        let found = format!("a safetensors file without `{KEY}` in its metadata");
        Error::format(path, found, "a model of this program")
    };
    Ok((file, text.ok_or_else(missing)?))
}

/// Whether any of a file's numbers are of double precision.
pub(super) fn has_doubles(file: &SafeTensors<'_>) -> bool {
    file.iter().any(|(_, tensor)| tensor.dtype() == Dtype::F64)
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

/// The parameters of maps one after the other: weights, then bias.
pub(super) fn joined<T: Real>(maps: LoadedMaps<T>) -> Result<Vec<T>> {
    let mut parameters = allocate::empty(maps.iter().map(|map| map.weights.len() + map.bias.len()).sum())?;
    for map in maps {
        parameters.extend(map.weights);
        parameters.extend(map.bias);
    }
    Ok(parameters)
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
    let bias = tensor(path, file, &name.bias())?;
    with_bias(path, file, name, bias)
}

/// A map whose bias is 0 if the file has none.
pub(super) fn layer_or_without_bias<T: Real>(
    path: &Path,
    file: &SafeTensors<'_>,
    name: &Name,
) -> Result<Loaded<T>> {
    if file.tensor(&name.bias()).is_ok() {
        return layer(path, file, name);
    }
    let count = file.tensor(&name.weight()).map_or(0, |weight| weight.shape().first().copied().unwrap_or(0));
    with_bias(path, file, name, (vec![count], allocate::zeros(count)?))
}

fn with_bias<T: Real>(
    path: &Path,
    file: &SafeTensors<'_>,
    name: &Name,
    (shape_of_bias, bias): (Vec<usize>, Vec<T>),
) -> Result<Loaded<T>> {
    let (shape, by_rows) = tensor::<T>(path, file, &name.weight())?;
    let (n_out, n_in) = match (&shape[..], name.form) {
        (&[n_out, n_in], Form::Dense) => (n_out, n_in),
        (&[n_out, ref inputs @ ..], Form::Patch(patch)) if inputs == patch => (n_out, patch.iter().product()),
        (&[channels], Form::Channels | Form::Statistics) => (channels, 1),
        (_, form) => {
            let found = format!("{} of shape {shape:?}", name.weight());
            let expected = match form {
                Form::Dense => "two dimensions".to_owned(),
                Form::Patch(patch) => format!("four dimensions, the last of {patch:?}"),
                Form::Channels | Form::Statistics => "one dimension".to_owned(),
            };
            return Err(Error::format(path, found, expected));
        }
    };
    if shape_of_bias != [n_out] {
        let found = format!("{} of shape {shape_of_bias:?}", name.bias());
        return Err(Error::format(path, found, format!("[{n_out}], the outputs of its layer")));
    }
    let mut weights = allocate::empty(by_rows.len())?;
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
        Dtype::F32 => numbers(tensor.data(), |bytes| f64::from(f32::from_le_bytes(bytes)))?,
        Dtype::F64 => numbers(tensor.data(), f64::from_le_bytes)?,
        Dtype::F16 => numbers(tensor.data(), |bytes| half(u16::from_le_bytes(bytes)))?,
        // The upper half of a number of 32 bits.
        Dtype::BF16 => numbers(tensor.data(), |bytes| {
            f64::from(f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16))
        })?,
        other => {
            return Err(Error::format(path, format!("`{name}` of type {other}"), "F16, BF16, F32 or F64"));
        }
    };
    Ok((tensor.shape().to_vec(), numbers))
}

fn numbers<T: Real, const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Result<Vec<T>> {
    let chunks = data.as_chunks::<N>().0;
    let mut numbers = allocate::empty(chunks.len())?;
    numbers.extend(chunks.iter().map(|&bytes| T::from_f64(read(bytes))));
    Ok(numbers)
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
