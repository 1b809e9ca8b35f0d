//! A trained network and its file.
//!
//! The file is [safetensors](https://github.com/huggingface/safetensors): tensors `layers.0.weight` as `[out, in]`
//! and `layers.0.bias` as `[out]`, numbered from 0, which PyTorch's `torch.nn.Linear` takes as they are. Those of a network
//! of blocks bear the number of their block, from 0: `blocks.2.weight`, of a convolution as `[out, in, height, width]`, of
//! a residual pair `blocks.2.conv1.weight`, `conv2` and, if there is one, `projection`. Everything else is one JSON text in the metadata under `altmin`: with several keys the file's bytes would differ from run
//! to run, since the format's writer keeps them in a hash table.

use std::fs;
use std::path::Path;

use altmin_core::{Activation, Loss, Real};
use serde::{Deserialize, Serialize};

mod tensors;

use crate::atomic_file;
use crate::data::{Channel, Outputs, Preprocessing};
use crate::error::{Error, Result};
use crate::network::blocks::{Architecture, BlockNetwork};
use crate::settings::parse;
use altmin_core::block::Shape;

/// The version of the file's metadata that this program writes, and the only one that it reads. What was added since, the
/// names of values, a table's columns and the channels of images, may be missing.
pub const VERSION: u64 = 1;

/// A linear map: a layer's, or one of a block, whose inputs are those of a convolution's patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense<T> {
    /// Outputs.
    pub n_out: usize,
    /// Inputs.
    pub n_in: usize,
    /// `n_out x n_in`, column-major.
    pub weight: Vec<T>,
    /// `n_out`.
    pub bias: Vec<T>,
}

/// A network with what is needed to use it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model<T> {
    /// From input to output; each takes as many inputs as the one before has outputs. Of a network of blocks the linear
    /// maps, in the order of the blocks.
    pub layers: Vec<Dense<T>>,
    /// The blocks, where it is no network of layers alone.
    pub blocks: Option<BlockNetwork>,
    /// Between the layers, not after the last; of no consequence to blocks.
    pub activation: Activation<f64>,
    /// What it was trained with.
    pub loss: Loss,
    /// The names of the classes or values, one for each output of the last layer.
    pub outputs: Outputs,
    /// What must be done to a sample first.
    pub preprocessing: Preprocessing,
}

impl<T: Real> Model<T> {
    /// Inputs of the first layer or block.
    pub fn n_features(&self) -> usize {
        if let Some(blocks) = &self.blocks {
            return blocks.input().features();
        }
        self.layers.first().map_or(0, |layer| layer.n_in)
    }

    /// Weights and biases in all.
    pub fn n_parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.weight.len() + layer.bias.len()).sum()
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
        let fault = |found: String, expected: String| Some((found, expected));
        let Some(last) = self.layers.last() else {
            return fault("no layers".into(), "at least one".into());
        };
        for (index, layer) in self.layers.iter().enumerate() {
            let Dense { n_out, n_in, weight, bias } = layer;
            let name = format!("layers.{index}");
            if *n_out == 0 || *n_in == 0 {
                return fault(
                    format!("{name} of {n_out}x{n_in}"),
                    "at least one input and one output".into(),
                );
            }
            if n_out.checked_mul(*n_in) != Some(weight.len()) || bias.len() != *n_out {
                let found = format!("{} weights and {} biases in {name}", weight.len(), bias.len());
                return fault(found, format!("those of {n_out}x{n_in}"));
            }
            if !weight.iter().chain(bias).all(|value| value.is_finite()) {
                return fault(
                    format!("a weight or bias in {name} that is NaN or infinite"),
                    "finite ones".into(),
                );
            }
        }
        if let Some(blocks) = &self.blocks {
            let maps = blocks.maps();
            let found: Vec<_> = self.layers.iter().map(|layer| (layer.n_out, layer.n_in)).collect();
            let expected: Vec<_> = maps.iter().map(|map| (map.n_out, map.n_in)).collect();
            return match found == expected {
                true => self.fault_around(blocks.outputs()),
                false => {
                    fault(format!("linear maps of {found:?}"), format!("{expected:?}, those of the blocks"))
                }
            };
        }
        for (index, pair) in self.layers.windows(2).enumerate() {
            if pair[1].n_in != pair[0].n_out {
                let found = format!("{} inputs of layers.{}", pair[1].n_in, index + 1);
                return fault(found, format!("the {} outputs of layers.{index}", pair[0].n_out));
            }
        }
        self.fault_around(last.n_out)
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

    /// The model as the bytes of its file: the same model gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Data`] if layers do not fit together, sizes do not fit the shapes, or a number is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if let Some((found, expected)) = self.fault() {
            return Err(Error::data("model", found, expected));
        }
        let metadata = Metadata {
            version: VERSION,
            activation: self.blocks.is_none().then(|| self.activation.to_string()),
            network: self.blocks.as_ref().map(|blocks| {
                let Shape { channels, height, width } = blocks.input();
                Blocks { text: blocks.to_string(), input: [channels, height, width] }
            }),
            loss: self.loss.to_string(),
            classes: self.outputs.classes().to_vec(),
            values: self.outputs.are_values().then(|| self.outputs.names().to_vec()),
            preprocessing: self.preprocessing.clone(),
        };
        let refused = |error: &dyn std::fmt::Display| {
            Error::data("model", error.to_string(), "what a model file can hold")
        };
        let text = serde_json::to_string(&metadata).map_err(|error| refused(&error))?;
        let names = match &self.blocks {
            None => tensors::of_layers(self.layers.len()),
            Some(blocks) => tensors::of_blocks(blocks),
        };
        tensors::serialize(&self.layers, &names, text).map_err(|error| refused(&error))
    }

    /// Writes the model to `path`, in place of an older one; see [`atomic_file::write`].
    ///
    /// # Errors
    /// As [`Model::to_bytes`] and [`atomic_file::write`].
    pub fn save(&self, path: &Path) -> Result {
        let bytes = self.to_bytes()?;
        atomic_file::write(path, |file| file.write_all(&bytes))
    }

    /// Reads a model, converting its numbers if they are of the other precision.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::Format`] if it is no safetensors file, is cut short, lacks
    /// a tensor or has one too many, is of another version, or holds layers that do not fit together or numbers that are not
    /// finite in `T`.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| Error::io("read", path, error))?;
        let (file, text) = tensors::open(path, &bytes)?;
        let metadata = Metadata::parse(path, &text)?;
        let unknown = |error: Error| Error::format(path, format!("metadata: {error}"), "a known name");
        let blocks = metadata.network.map(Blocks::network).transpose().map_err(unknown)?;
        let names = match &blocks {
            None => tensors::of_layers(tensors::count_layers(&file)),
            Some(blocks) => tensors::of_blocks(blocks),
        };
        let activation = match (&metadata.activation, &blocks) {
            (Some(name), None) => parse(name).map_err(unknown)?,
            (None, Some(_)) => Activation::Relu,
            (Some(_), Some(_)) => {
                return Err(Error::format(path, "metadata with activation and network", "one of them"));
            }
            (None, None) => {
                let expected = format!("metadata of version {VERSION}");
                return Err(Error::format(path, "metadata: missing field `activation`", expected));
            }
        };
        let model = Self {
            layers: tensors::deserialize(path, &file, &names)?,
            blocks,
            activation,
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
    fn network(self) -> Result<BlockNetwork> {
        let [channels, height, width] = self.input;
        match self.text.parse()? {
            Architecture::Blocks(blocks) => BlockNetwork::new(blocks, Shape { channels, height, width }),
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
