//! A trained network and its file.
//!
//! The file is [safetensors](https://github.com/huggingface/safetensors). Of a network that was written as hidden layers the
//! tensors are `layers.0.weight` as `[out, in]` and `layers.0.bias` as `[out]`, numbered from 0, which PyTorch's
//! `torch.nn.Linear` takes as they are. Of one that was written as blocks they bear the number of their block, from 0:
//! `blocks.2.weight`, of a convolution as `[out, in, height, width]`, of a residual pair `blocks.2.conv1.weight`, `conv2`
//! and, if there is one, `projection`; of batch normalisation they are `blocks.3.weight`, `bias`, `running_mean` and `running_var`,
//! each `[channels]`, as in PyTorch. Read-outs between blocks are `readouts.0.weight` as `[out, in]` and `readouts.0.bias`,
//! from the lowest; a program that wants the network alone leaves them. Everything else is one JSON text in the metadata under `altmin`: with several keys the
//! file's bytes would differ from run to run, since the format's writer keeps them in a hash table.

use std::path::Path;

use altmin_core::block::{Block, MapKind, Shape};
use altmin_core::{Activation, Loss, Real};
use serde::{Deserialize, Serialize};

mod readouts;
mod state_dict;
mod tensors;

use crate::choice::parse;
use crate::data::{Channel, Outputs, Preprocessing};
use crate::error::{Error, Result};
use crate::network::blocks::{Architecture, Network, dense_blocks};
use crate::network::predictor::Predictor;
use crate::{allocate, atomic_file};
pub(crate) use readouts::fault as fault_of_readouts;
pub use readouts::{Place, Readout};
pub use tensors::ModelFile;

/// The version of the file's metadata that this program writes, and the only one that it reads. What was added since, the
/// names of values, a table's columns, the channels of images and read-outs, may be missing.
pub const VERSION: u64 = 1;

/// A linear map of a network: weights and bias of a layer, or of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Map<'a, T> {
    /// What they are.
    pub kind: MapKind,
    /// Outputs.
    pub n_out: usize,
    /// Inputs; of a convolution those of its patch.
    pub n_in: usize,
    /// `n_out x n_in`, column-major.
    pub weights: &'a [T],
    /// `n_out`.
    pub bias: &'a [T],
}

impl<T: Copy> Map<'_, T> {
    /// The weights row by row, as files have them.
    pub(crate) fn by_rows(&self) -> impl Iterator<Item = T> {
        (0..self.n_out).flat_map(|row| self.weights.iter().copied().skip(row).step_by(self.n_out))
    }
}

/// How a network is written: in settings, and in the names of a model file's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// As hidden layers with an activation.
    Layers,
    /// As a list of blocks.
    Blocks,
}

/// A network with what is needed to use it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model<T> {
    /// The network.
    pub network: Network,
    /// How it was written; only a network of layers can be written as layers.
    pub notation: Notation,
    /// Its parameters, map after map: weights (outputs x inputs, column-major), then bias.
    pub parameters: Vec<T>,
    /// What reads the outputs from between its blocks, from the lowest; none, but of methods that train any.
    pub readouts: Vec<Readout<T>>,
    /// What it was trained with.
    pub loss: Loss,
    /// The names of the classes or values, one for each output of the last layer.
    pub outputs: Outputs,
    /// What must be done to a sample first.
    pub preprocessing: Preprocessing,
}

/// The linear maps of a network with these parameters, first to last.
///
/// # Panics
/// If there are fewer parameters.
pub fn maps<'a, T>(
    network: &Network,
    parameters: &'a [T],
) -> impl ExactSizeIterator<Item = Map<'a, T>> + use<'a, T> {
    network.maps().into_iter().map(move |map| {
        let (n_out, n_in) = (map.n_out, map.n_in);
        let (weights, bias) = parameters[map.offset..map.end()].split_at(n_out * n_in);
        Map { kind: map.kind, n_out, n_in, weights, bias }
    })
}

impl<T: Real> Model<T> {
    /// Features of a sample.
    pub fn n_features(&self) -> usize {
        self.network.input().features()
    }

    /// Weights and biases in all.
    pub fn n_parameters(&self) -> usize {
        self.parameters.len()
    }

    /// The linear maps, from input to output: those of layers, or those of blocks in the blocks' order.
    ///
    /// # Panics
    /// If there are fewer parameters than the network has.
    pub fn maps(&self) -> impl Iterator<Item = Map<'_, T>> {
        maps(&self.network, &self.parameters)
    }

    /// `Ok` when a data set of these sizes can be given to the model.
    ///
    /// # Errors
    /// [`Error::Mismatch`].
    pub fn require_data(&self, n_features: usize, n_outputs: usize) -> Result {
        let same = |quantity, data, model| {
            if data == model { Ok(()) } else { Err(Error::Mismatch { quantity, data, model }) }
        };
        same("features", n_features, self.n_features())?;
        same(self.outputs.kind(), n_outputs, self.outputs.names().len())
    }

    /// What is wrong with the model as it stands: found and expected.
    fn fault(&self) -> Option<(String, String)> {
        let (found, expected) = (self.parameters.len(), self.network.parameters());
        if found != expected {
            return Some((format!("{found} parameters"), format!("{expected}, those of the network")));
        }
        if self.notation == Notation::Layers && self.network.layers().is_none() {
            return Some((format!("layers for `{}`", self.network), "a network of layers".into()));
        }
        for (name, map) in self.names().iter().zip(self.maps()) {
            if !map.weights.iter().chain(map.bias).all(|value| value.is_finite()) {
                let found = format!("a weight or bias in {name} that is NaN or infinite");
                return Some((found, "finite ones".into()));
            }
            if map.kind == MapKind::Statistics && map.bias.iter().any(|&variance| variance < T::ZERO) {
                return Some((format!("a running variance below 0 in {name}"), "0 or above".into()));
            }
        }
        readouts::fault(&self.readouts, &self.network).or_else(|| self.fault_around(self.network.outputs()))
    }

    /// The names in a file of the maps, and of those of read-outs after them.
    fn names(&self) -> Vec<tensors::Name> {
        let mut names = match self.notation {
            Notation::Layers => tensors::of_layers(self.network.maps().len()),
            Notation::Blocks => tensors::of_blocks(&self.network),
        };
        names.extend(tensors::of_readouts(self.readouts.len()));
        names
    }

    /// How deep the outputs can be read: after each layer that has a read-out, and after the last one.
    pub fn depths(&self) -> usize {
        self.readouts.len() + 1
    }

    /// The first `depth` layers with their read-out as the last block: a network of its own, and what is above is not
    /// computed. At the last depth it is the network without read-outs.
    ///
    /// # Errors
    /// [`Error::Argument`] (`depth`) where there is no read-out.
    pub fn at_depth(&self, depth: usize) -> Result<Self> {
        if depth == self.depths() {
            return Ok(Self { readouts: Vec::new(), ..self.clone() });
        }
        let Some(readout) = depth.checked_sub(1).and_then(|index| self.readouts.get(index)) else {
            let expected = match self.depths() {
                1 => "1: the model has no read-outs, which the method local trains".to_owned(),
                depths => format!("1 to {depths}, at which the outputs of this model can be read"),
            };
            return Err(Error::argument("depth", depth, expected));
        };
        let after = readout.place.after;
        let own = self.network.steps()[after].offset;
        let blocks = [&self.network.blocks()[..after], &readout.place.blocks(&self.network)].concat();
        Ok(Self {
            network: Network::new(blocks, self.network.input())?,
            notation: Notation::Blocks,
            parameters: [&self.parameters[..own], &readout.parameters].concat(),
            readouts: Vec::new(),
            ..self.clone()
        })
    }

    /// What does not fit layers with so many outputs: found and expected.
    fn fault_around(&self, n_outputs: usize) -> Option<(String, String)> {
        let (kind, named) = (self.outputs.kind(), self.outputs.names().len());
        if named != n_outputs {
            return Some((format!("{named} {kind}"), format!("{n_outputs}, the outputs of the last layer")));
        }
        let Preprocessing { divisor, pool, classes, columns, channels, .. } = &self.preprocessing;
        if !(divisor.is_finite() && *divisor > 0.0) || *pool == 0 {
            return Some((format!("divisor {divisor} and pooling {pool}"), "numbers above 0".into()));
        }
        if let Some(channels) =
            channels.as_ref().filter(|all| all.is_empty() || !all.iter().all(Channel::is_usable))
        {
            let found = format!("channels {channels:?}");
            return Some((found, "finite means and deviations above 0".into()));
        }
        match classes {
            Some(chosen) if chosen.len() != named => {
                Some((format!("{} chosen classes", chosen.len()), format!("{named}")))
            }
            _ => columns.as_ref().and_then(|columns| columns.fault(self.n_features(), &self.outputs)),
        }
    }

    /// The network's blocks in the precision of the parameters, to be kept where a [`Predictor`] is made.
    pub fn blocks(&self) -> Vec<Block<T>> {
        self.network.blocks_in()
    }

    /// The model at work; `blocks` are its own.
    ///
    /// # Errors
    /// [`Error::Core`] for other blocks, which do not fit.
    pub fn predictor<'m>(&'m self, blocks: &'m [Block<T>]) -> Result<Predictor<'m, T>> {
        let network = altmin_core::block::Network::new(blocks, self.network.input())?;
        Ok(Predictor { network, parameters: &self.parameters })
    }

    /// The model as the bytes of its file: the same model gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Data`] for another number of parameters than the network has, or a number that is not finite,
    /// [`Error::Allocation`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let file = self.file()?;
        let mut bytes = allocate::empty(file.len())?;
        file.write(&mut bytes).map_err(|error| Error::io("write", Path::new("memory"), error))?;
        Ok(bytes)
    }

    /// The model's file, to be written piece by piece.
    ///
    /// # Errors
    /// [`Error::Data`] as [`Model::to_bytes`].
    pub fn file(&self) -> Result<ModelFile<'_, T>> {
        if let Some((found, expected)) = self.fault() {
            return Err(Error::data("model", found, expected));
        }
        let (mut activation, mut network) = (None, None);
        match self.notation {
            Notation::Layers => activation = Some(self.network.activation().to_string()),
            Notation::Blocks => {
                let Shape { channels, height, width } = self.network.input();
                network = Some(Blocks { text: self.network.to_string(), input: [channels, height, width] });
            }
        }
        let metadata = Metadata {
            version: VERSION,
            activation,
            network,
            loss: self.loss.to_string(),
            classes: self.outputs.classes().to_vec(),
            values: self.outputs.are_values().then(|| self.outputs.names().to_vec()),
            preprocessing: self.preprocessing.clone(),
            readouts: self.readouts.iter().map(|readout| readout.place).collect(),
        };
        let refused = |error: &dyn std::fmt::Display| {
            Error::data("model", error.to_string(), "what a model file can hold")
        };
        let text = serde_json::to_string(&metadata).map_err(|error| refused(&error))?;
        let readouts = self.readouts.iter().map(|readout| readout.map(self.network.outputs()));
        let maps = self.maps().chain(readouts).collect();
        ModelFile::new(maps, &self.names(), text).map_err(|error| refused(&error))
    }

    /// Writes the model to `path`, in place of an older one; see [`atomic_file::write`].
    ///
    /// # Errors
    /// As [`Model::file`] and [`atomic_file::write`].
    pub fn save(&self, path: &Path) -> Result {
        let file = self.file()?;
        atomic_file::write(path, |to| file.write(to))
    }

    /// Reads a model, converting its numbers if they are of the other precision.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::Format`] if it is no safetensors file, is cut short, lacks
    /// a tensor or has one too many, is of another version, or holds layers that do not fit together or numbers that are not
    /// finite in `T`; [`Error::Allocation`].
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = allocate::read(path).map_err(|error| Error::io("read", path, error))?;
        Self::from_bytes(&bytes, path)
    }

    /// Whether the numbers of a model's file are of double precision.
    ///
    /// # Errors
    /// As [`Model::load`] of what is no model's file.
    pub fn is_double(path: &Path) -> Result<bool> {
        let bytes = allocate::read(path).map_err(|error| Error::io("read", path, error))?;
        Ok(tensors::has_doubles(&tensors::open(path, &bytes)?.0))
    }

    /// [`Model::load`] from the bytes of a file, of which messages speak as `path`.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let (file, text) = tensors::open(path, bytes)?;
        let metadata = Metadata::parse(path, &text)?;
        let unknown = |error: Error| Error::format(path, format!("metadata: {error}"), "a known name");
        let places = metadata.readouts;
        let read = |names| tensors::deserialize::<T>(path, &file, names, places.len());
        let (network, notation, (parameters, readouts)) = match (metadata.activation, metadata.network) {
            (Some(activation), None) => {
                let count = tensors::weights(&file).saturating_sub(places.len());
                let (layers, readouts) = read(tensors::of_layers(count))?;
                let network = of_layers(path, &layers, parse(&activation).map_err(unknown)?)?;
                (network, Notation::Layers, (layers, readouts))
            }
            (None, Some(blocks)) => {
                let network = blocks.network().map_err(unknown)?;
                let (maps, readouts) = read(tensors::of_blocks(&network))?;
                let found: Vec<_> = maps.iter().map(|map| (map.n_out, map.n_in)).collect();
                let expected: Vec<_> = network.maps().iter().map(|map| (map.n_out, map.n_in)).collect();
                if found != expected {
                    let expected = format!("{expected:?}, those of the blocks");
                    return Err(Error::format(path, format!("linear maps of {found:?}"), expected));
                }
                (network, Notation::Blocks, (maps, readouts))
            }
            (Some(_), Some(_)) => {
                return Err(Error::format(path, "metadata with activation and network", "one of them"));
            }
            (None, None) => {
                let expected = format!("metadata of version {VERSION}");
                return Err(Error::format(path, "metadata: missing field `activation`", expected));
            }
        };
        let model = Self {
            network,
            notation,
            parameters: tensors::joined(parameters)?,
            readouts: (places.iter().zip(readouts))
                .map(|(&place, map)| Ok(Readout { place, parameters: tensors::joined(vec![map])? }))
                .collect::<Result<_>>()?,
            loss: parse(&metadata.loss).map_err(unknown)?,
            outputs: match metadata.values {
                Some(values) => Outputs::Values(values),
                None => Outputs::Classes(metadata.classes),
            },
            preprocessing: metadata.preprocessing,
        };
        match model.fault() {
            Some((found, expected)) => Err(Error::format(path, found, expected)),
            None => Ok(model),
        }
    }

    /// The parameters for a network in a file that is no model of this program but has PyTorch's names; `None` for one that is.
    ///
    /// # Errors
    /// As [`Model::load`]; [`Error::Format`] for tensors that are not those of the network.
    pub(crate) fn parameters_of_state_dict(path: &Path, network: &Network) -> Result<Option<Vec<T>>> {
        let bytes = allocate::read(path).map_err(|error| Error::io("read", path, error))?;
        let (file, metadata) = tensors::open_any(path, &bytes)?;
        match metadata {
            Some(_) => Ok(None),
            None => state_dict::parameters(path, &file, network).map(Some),
        }
    }
}

/// The network of layers that fit one another.
fn of_layers<T>(path: &Path, layers: &[tensors::Loaded<T>], activation: Activation<f64>) -> Result<Network> {
    let (Some(first), Some((last, hidden))) = (layers.first(), layers.split_last()) else {
        return Err(Error::format(path, "no layers", "at least one"));
    };
    for (index, layer) in layers.iter().enumerate() {
        let (n_out, n_in) = (layer.n_out, layer.n_in);
        if n_out == 0 || n_in == 0 {
            let found = format!("layers.{index} of {n_out}x{n_in}");
            return Err(Error::format(path, found, "at least one input and one output"));
        }
        if let Some(below) =
            index.checked_sub(1).map(|below| layers[below].n_out).filter(|&below| below != n_in)
        {
            let found = format!("{n_in} inputs of layers.{index}");
            let expected = format!("the {below} outputs of layers.{}", index - 1);
            return Err(Error::format(path, found, expected));
        }
    }
    let hidden: Vec<usize> = hidden.iter().map(|layer| layer.n_out).collect();
    Network::new(dense_blocks(&hidden, activation, last.n_out), Shape::flat(first.n_in))
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u64,
    /// None for blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    activation: Option<String>,
    /// None for layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<Blocks>,
    loss: String,
    /// None for regression.
    classes: Vec<String>,
    /// The outputs' names for regression; files from before it have no such entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    preprocessing: Preprocessing,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    readouts: Vec<Place>,
}

/// A network of blocks.
#[derive(Serialize, Deserialize)]
struct Blocks {
    /// All blocks, the output layer too.
    text: String,
    /// Channels, height and width of a sample.
    input: [usize; 3],
}

impl Blocks {
    fn network(self) -> Result<Network> {
        let [channels, height, width] = self.input;
        match self.text.parse()? {
            Architecture::Blocks(blocks) => Network::new(blocks, Shape { channels, height, width }),
            short => Err(Error::argument("network", short, "all blocks")),
        }
    }
}

impl Metadata {
    /// The version is looked at first: another one may have other fields.
    fn parse(path: &Path, text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let expected = format!("metadata of version {VERSION}");
        let damaged = |error: serde_json::Error| Error::format(path, format!("metadata: {error}"), &expected);
        let Version { version } = serde_json::from_str(text).map_err(damaged)?;
        if version != VERSION {
            return Err(Error::Format {
                path: path.to_owned(),
                found: format!("metadata of version {version}"),
                expected: format!("version {VERSION}"),
                hint: (version > VERSION).then_some("the model was written by a newer program"),
            });
        }
        serde_json::from_str(text).map_err(damaged)
    }
}
