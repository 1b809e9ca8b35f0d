//! The network at work: layers, or blocks and where they are cut.

use altmin_core::method::Settings as CoreSettings;
use altmin_core::{Real, view};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::blocks::{BlockNetwork, dense_blocks, sample_shape};
use crate::network::init;
use crate::network::model::Dense;
use crate::run::convert;
use crate::run::engine::{Engine, Part, Size, Subnetworks};
use crate::run::kernel::AnyGemm;
use crate::run::memory::{interface_bytes, state_bytes};
use crate::settings::{Inner, Method, Settings, Use, Widths, inner_defaults};

/// What is trained.
#[derive(Debug, Clone)]
pub(super) enum Net {
    /// Widths from the input's features to the outputs: of the settings' network, or the shallow one that it grows from.
    Layers(Vec<usize>),
    /// Blocks, and the number of them before each cut.
    Blocks(BlockNetwork, Vec<usize>),
}

/// The network of blocks that settings ask for with a data set: that of `network`, or their hidden layers as blocks.
///
/// # Errors
/// As [`Architecture::network`](crate::network::blocks::Architecture::network); [`Error::Argument`] for mini-batches larger than the
/// data.
pub(crate) fn block_network<T: Real>(settings: &Settings, data: &Dataset<T>) -> Result<BlockNetwork> {
    let (input, outputs, samples) = (sample_shape(data), data.n_outputs(), data.n_samples());
    if let Some(batch) = settings.batch.filter(|&batch| batch > samples) {
        let expected = format!("at most {samples}, the training samples of {}", data.name());
        return Err(Error::argument("batch", batch, expected));
    }
    match &settings.network {
        Some(network) => network.network(input, outputs),
        None => {
            let activation = settings.activation.cast();
            BlockNetwork::new(dense_blocks(&settings.hidden, activation, outputs), input)
        }
    }
}

/// Where the settings cut it.
pub(crate) fn cuts(settings: &Settings, network: &BlockNetwork) -> Result<Vec<usize>> {
    if settings.method.uses(Use::Subnetworks) { settings.split.ends(network) } else { Ok(Vec::new()) }
}

impl Net {
    /// What a run with these settings begins with.
    ///
    /// # Errors
    /// As [`block_network`] and [`Split::ends`](crate::network::cuts::Split::ends).
    pub(super) fn new<T: Real>(settings: &Settings, train: &Dataset<T>) -> Result<Self> {
        if !settings.has_blocks() {
            return Ok(Self::Layers(first_widths(settings, train.n_features(), train.n_outputs())));
        }
        let network = block_network(settings, train)?;
        let cuts = cuts(settings, &network)?;
        Ok(Self::Blocks(network, cuts))
    }

    /// Its linear maps, all zero.
    pub(super) fn blank<T: Real>(&self) -> Vec<Dense<T>> {
        let zero = |n_out, n_in| Dense {
            n_out,
            n_in,
            weight: vec![T::ZERO; n_out * n_in],
            bias: vec![T::ZERO; n_out],
        };
        match self {
            Self::Layers(widths) => widths.windows(2).map(|pair| zero(pair[1], pair[0])).collect(),
            Self::Blocks(network, _) => network.maps().iter().map(|map| zero(map.n_out, map.n_in)).collect(),
        }
    }

    /// Its linear maps as a run begins: drawn weights, each map from a sequence of its own, and biases of zero.
    pub(super) fn drawn<T: Real>(&self, settings: &Settings) -> Vec<Dense<T>> {
        let mut maps = self.blank();
        for (index, map) in maps.iter_mut().enumerate() {
            let mut weights = view::dense_mut(&mut map.weight, map.n_out, map.n_in);
            init::fill(settings.init, settings.seed, index as u32, &mut weights);
        }
        maps
    }

    /// The method with the memory that it needs.
    pub(super) fn engine<T: Real>(
        &self,
        settings: &Settings,
        core: CoreSettings<T>,
        samples: usize,
        gemm: &AnyGemm,
    ) -> Result<Engine<T>> {
        match self {
            Self::Layers(widths) => {
                let size = Size { widths: widths.clone(), samples };
                Ok(Engine::new(convert::plan(settings, core), &size, gemm)?)
            }
            Self::Blocks(network, cuts) => {
                Ok(Engine::of_blocks(plan(settings, network, cuts)?, samples, gemm)?)
            }
        }
    }

    /// `Ok` when there is memory for the weights and the state of a run that does not grow any more: a width that is a slip
    /// of the pen would end the process when it is allocated.
    ///
    /// # Errors
    /// [`Error::Argument`] (`hidden`, `network`).
    pub(super) fn require_memory<T: Real>(settings: &Settings, train: &Dataset<T>) -> Result {
        let grown = Self::new(&Settings { grow: None, ..settings.clone() }, train)?;
        let bytes = grown.parameters().and_then(|parameters| {
            let state = grown.state_bytes(settings, train.n_samples());
            parameters.checked_mul(size_of::<T>())?.checked_add(state)
        });
        if bytes.is_some_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok()) {
            return Ok(());
        }
        let needed =
            bytes.map_or("more bytes than can be counted".to_owned(), |bytes| format!("{bytes} bytes"));
        let expected = format!("a network that fits into memory: this one takes {needed}");
        match &settings.network {
            Some(network) => Err(Error::argument("network", network, expected)),
            None => Err(Error::argument("hidden", Widths(settings.hidden.clone()), expected)),
        }
    }

    /// Weights and biases of all maps; `None` where that overflows.
    fn parameters(&self) -> Option<usize> {
        match self {
            Self::Layers(widths) => widths
                .windows(2)
                .try_fold(0usize, |sum, pair| sum.checked_add(pair[0].checked_add(1)?.checked_mul(pair[1])?)),
            Self::Blocks(network, _) => {
                network.maps().iter().try_fold(0usize, |sum, map| sum.checked_add(map.parameters()))
            }
        }
    }

    /// Bytes of the state that is carried from sweep to sweep.
    pub(super) fn state_bytes(&self, settings: &Settings, samples: usize) -> usize {
        match self {
            Self::Layers(widths) => state_bytes(settings.method, widths, samples, settings.precision),
            Self::Blocks(network, cuts) => {
                let steps = network.steps();
                let features = cuts.iter().map(|&cut| steps[cut - 1].output.features()).sum();
                interface_bytes(settings.method, features, samples, settings.precision)
            }
        }
    }
}

/// What settings make of a network with these cuts.
pub(crate) fn plan<T: Real>(
    settings: &Settings,
    network: &BlockNetwork,
    cuts: &[usize],
) -> Result<Subnetworks<T>> {
    Ok(Subnetworks {
        settings: convert::subnetworks(settings),
        parts: parts(network, cuts)?,
        batches: convert::batches(settings),
        end_to_end: !settings.method.uses(Use::Subnetworks),
    })
}

/// The settings of a run that trains the same network end to end: the inner optimiser's, Adam's beside proximal sweeps.
pub(crate) fn end_to_end(settings: &Settings) -> Settings {
    let (method, learning_rate) = match settings.inner {
        Inner::Sgd => (Method::Gd, settings.learning_rate),
        Inner::Adam => (Method::Adam, settings.learning_rate),
        Inner::Proxprop => (Method::Adam, inner_defaults(Inner::Adam).learning_rate),
    };
    Settings { method, learning_rate, ..settings.clone() }
}

/// The subnetworks between cuts.
fn parts<T: Real>(network: &BlockNetwork, cuts: &[usize]) -> Result<Vec<Part<T>>> {
    let (blocks, steps) = (network.blocks_in::<T>(), network.steps());
    let edges: Vec<usize> = [0].iter().chain(cuts).chain(&[blocks.len()]).copied().collect();
    let part = |pair: &[usize]| Part::new(blocks[pair[0]..pair[1]].to_vec(), steps[pair[0]].input);
    Ok(edges.windows(2).map(part).collect::<altmin_core::Result<_>>()?)
}

/// Widths of the network that a run begins with.
fn first_widths(settings: &Settings, features: usize, classes: usize) -> Vec<usize> {
    let hidden = settings.grow.map_or(settings.hidden.len(), |growth| growth.layers);
    widths(&settings.hidden[..hidden], features, classes)
}

/// All widths of a network with these hidden layers.
pub(super) fn widths(hidden: &[usize], features: usize, classes: usize) -> Vec<usize> {
    [&[features], hidden, &[classes]].concat()
}
