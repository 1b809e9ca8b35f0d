//! Weights that PyTorch wrote: a module's `state_dict` as a safetensors file.

use std::path::Path;

use altmin_core::Real;
use safetensors::SafeTensors;

use super::tensors::{self, Form, Name};
use crate::error::{Error, Result};
use crate::network::Network;

/// Endings of the tensors that are of no use here.
const IGNORED: &str = ".num_batches_tracked";

/// The parameters of a network from the modules of a file: those of a dense map or a convolution have `weight` and, unless they were made
/// without, `bias`; those of batch normalisation `running_mean` and `running_var` too.
///
/// A file does not say in which order its modules stand in the network. A map takes the one module whose weight has its shape; where
/// several have it, their names must differ by a number alone, as those of `nn.Sequential` do, which is then their order.
///
/// # Errors
/// [`Error::Format`] for a map without a module, modules left over, modules whose order is not known, and numbers that are not finite.
pub(super) fn parameters<T: Real>(path: &Path, file: &SafeTensors<'_>, network: &Network) -> Result<Vec<T>> {
    let names = tensors::of_blocks(network);
    let mut modules = modules(file);
    let mut taken: Vec<String> = Vec::with_capacity(names.len());
    for (name, map) in names.iter().zip(network.maps()) {
        if let Form::Statistics = name.form() {
            // It is of the module that has just given weight and bias of the channels.
            taken.extend(taken.last().cloned());
            continue;
        }
        let shape = name.shape(map.n_out, map.n_in);
        let is_normalised = matches!(name.form(), Form::Channels);
        let fits = |module: &&String| {
            let of = |end: &str| file.tensor(&format!("{module}.{end}"));
            of("weight").is_ok_and(|weight| weight.shape() == shape)
                && of("running_mean").is_ok() == is_normalised
        };
        let fitting: Vec<&String> = modules.iter().filter(fits).collect();
        let Some(&first) = fitting.first() else {
            let found = format!("no weight of shape {shape:?} that is not used yet");
            return Err(Error::format(path, found, format!("one for {name} of `{network}`")));
        };
        if let Some(other) = fitting.iter().find(|other| without_numbers(other) != without_numbers(first)) {
            let found = format!("`{first}.weight` and `{other}.weight` of shape {shape:?}");
            return Err(Error::format(path, found, "names that tell their order by a number"));
        }
        let first = first.clone();
        modules.retain(|module| *module != first);
        taken.push(first);
    }
    if let Some(other) = modules.first() {
        return Err(Error::format(
            path,
            format!("tensors of `{other}`"),
            format!("those of `{network}` alone"),
        ));
    }
    let maps = names.into_iter().zip(&taken).map(|(name, module)| {
        let map = tensors::layer_or_without_bias(path, file, &Name::new(module.clone(), name.form()))?;
        if matches!(name.form(), Form::Statistics) && map.bias.iter().any(|&variance: &T| variance < T::ZERO)
        {
            let found = format!("a running variance below 0 in `{module}`");
            return Err(Error::format(path, found, "0 or above"));
        }
        Ok(map)
    });
    let parameters = tensors::joined(maps.collect::<Result<Vec<_>>>()?)?;
    match parameters.iter().find(|number: &&T| !number.is_finite()) {
        None => Ok(parameters),
        Some(number) => Err(Error::format(path, number.to_string(), "finite weights")),
    }
}

/// The names before `.weight` and the like, numbers in their order.
fn modules(file: &SafeTensors<'_>) -> Vec<String> {
    let names = file.names().into_iter().filter(|name| !name.ends_with(IGNORED));
    let mut modules: Vec<String> =
        names.map(|name| name.rsplit_once('.').map_or(name, |(module, _)| module).to_owned()).collect();
    modules.sort_by_key(|name| pieces(name));
    modules.dedup();
    modules
}

/// A name with its numbers as numbers.
fn pieces(name: &str) -> Vec<(String, u64)> {
    let mut pieces = Vec::new();
    let (mut text, mut digits) = (String::new(), String::new());
    for character in name.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if !digits.is_empty() {
            pieces.push((std::mem::take(&mut text), digits.parse().unwrap_or(u64::MAX)));
            digits.clear();
        }
        text.push(character);
    }
    pieces.push((text, digits.parse().unwrap_or(0)));
    pieces
}

fn without_numbers(name: &str) -> Vec<String> {
    pieces(name).into_iter().map(|(text, _)| text).collect()
}
