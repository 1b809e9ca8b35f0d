//! Layers as the tensors of a safetensors file, and back.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use altmin_core::Real;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use super::Dense;
use crate::error::{Error, Result};

/// The only key of the file's metadata.
const KEY: &str = "altmin";

fn weight_name(index: usize) -> String {
    format!("layers.{index}.weight")
}

fn bias_name(index: usize) -> String {
    format!("layers.{index}.bias")
}

/// The type of `T` in the file.
fn dtype<T: Real>() -> Dtype {
    if size_of::<T>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

fn push_bytes<T: Real>(value: T, bytes: &mut Vec<u8>) {
    // Both ways are exact: the branch taken is that of T's own precision.
    if size_of::<T>() == 4 {
        bytes.extend_from_slice(&(value.to_f64() as f32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&value.to_f64().to_le_bytes());
    }
}

/// The weight row by row, as `[out, in]` is stored.
fn row_major_bytes<T: Real>(layer: &Dense<T>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(layer.weight.len() * size_of::<T>());
    for row in 0..layer.n_out {
        for column in 0..layer.n_in {
            push_bytes(layer.weight[column * layer.n_out + row], &mut bytes);
        }
    }
    bytes
}

/// The file's bytes; `text` is the metadata.
pub(super) fn serialize<T: Real>(
    layers: &[Dense<T>],
    text: String,
) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let mut contents = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let mut bias = Vec::new();
        layer.bias.iter().for_each(|&value| push_bytes(value, &mut bias));
        contents.push((weight_name(index), vec![layer.n_out, layer.n_in], row_major_bytes(layer)));
        contents.push((bias_name(index), vec![layer.n_out], bias));
    }
    let mut views = Vec::new();
    for (name, shape, bytes) in &contents {
        views.push((name.as_str(), TensorView::new(dtype::<T>(), shape.clone(), bytes)?));
    }
    safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), text)])))
}

/// The layers and the metadata; that layers fit together is the model's to check.
pub(super) fn deserialize<T: Real>(path: &Path, bytes: &[u8]) -> Result<(Vec<Dense<T>>, String)> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(path, bytes, error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(path, bytes, error))?;
    let Some(text) = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) else {
        let found = format!("a safetensors file without `{KEY}` in its metadata");
        return Err(Error::format(path, found, "a model of this program"));
    };
    let count = file.names().iter().filter(|name| name.ends_with(".weight")).count();
    let mut layers = Vec::new();
    for index in 0..count {
        layers.push(layer(path, &file, index)?);
    }
    // Each layer has brought its two tensors, so that any further one is none of them.
    if file.len() != 2 * count {
        let known: HashSet<String> =
            (0..count).flat_map(|index| [weight_name(index), bias_name(index)]).collect();
        let other = file.names().into_iter().find(|name| !known.contains(*name)).unwrap_or_default();
        return Err(Error::format(path, format!("tensor `{other}`"), "only weights and biases of layers"));
    }
    require_one_type(path, &file)?;
    Ok((layers, text.clone()))
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

fn layer<T: Real>(path: &Path, file: &SafeTensors<'_>, index: usize) -> Result<Dense<T>> {
    let (shape, by_rows) = tensor::<T>(path, file, &weight_name(index))?;
    let [n_out, n_in] = shape[..] else {
        let found = format!("{} of shape {shape:?}", weight_name(index));
        return Err(Error::format(path, found, "two dimensions"));
    };
    let (shape, bias) = tensor(path, file, &bias_name(index))?;
    if shape != [n_out] {
        let found = format!("{} of shape {shape:?}", bias_name(index));
        return Err(Error::format(path, found, format!("[{n_out}], the outputs of its layer")));
    }
    let mut weight = Vec::with_capacity(by_rows.len());
    for column in 0..n_in {
        weight.extend((0..n_out).map(|row| by_rows[row * n_in + column]));
    }
    Ok(Dense { n_out, n_in, weight, bias })
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
        hint: (begins_as_header && cut).then_some("the file is cut short or has bytes added"),
    }
}
