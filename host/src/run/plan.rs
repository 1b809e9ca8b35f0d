//! From settings to what a run is made of.

use altmin_core::augmentation::Augmentation;
use altmin_core::block::{Block, MapKind, Network as CoreNetwork};
use altmin_core::loss::Loss;
use altmin_core::method::{AnyMethod, Hyperparameters, Problem, Run};
use altmin_core::{Choice, Real, view};

use crate::allocate;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::blocks::{dense_blocks, sample_shape};
use crate::network::cuts::{Split, operations};
use crate::network::model::Place;
use crate::network::widths::Widths;
use crate::network::{Network, init};
use crate::run::engine::{Batches, Engine};
use crate::run::kernel::AnyGemm;
use crate::settings::{Inner, Method, Settings, Use};

/// `Ok` when the settings' loss is one of the data set's targets.
///
/// # Errors
/// [`Error::Argument`] for cross-entropy with values.
pub fn require_loss<T: Real>(settings: &Settings, data: &Dataset<T>) -> Result {
    if !data.outputs().are_values() || !settings.loss.has_probabilities() {
        return Ok(());
    }
    let others = Loss::values().filter(|loss| !loss.has_probabilities());
    let others: Vec<&str> = others.map(|loss| loss.name()).collect();
    let expected = format!("{}, as {} has values and no classes", others.join(" or "), data.name());
    Err(Error::argument("loss", settings.loss, expected))
}

/// The network that settings ask for with a data set: that of `network`, or their hidden layers as blocks.
///
/// # Errors
/// As [`Architecture::network`](crate::network::Architecture::network); [`Error::Argument`] for mini-batches larger than the
/// data, and for a network that a layer-wise method does not train.
pub fn network<T: Real>(settings: &Settings, data: &Dataset<T>) -> Result<Network> {
    let (input, outputs, samples) = (sample_shape(data), data.n_outputs(), data.n_samples());
    // The default fits any data: where it holds all samples it is a step a sweep.
    if let Some(batch) = settings.batch.filter(|&batch| batch > samples && !settings.has_default_batch()) {
        let expected = format!("at most {samples}, the training samples of {}", data.name());
        return Err(Error::argument("batch", batch, expected));
    }
    match &settings.network {
        Some(architecture) => {
            let (method, network) = (settings.method, architecture.network(input, outputs)?);
            if method.card().layers_only && network.layers().is_none() {
                let expected = format!(
                    "dense blocks with the same activation between them: the method {method} trains no other network"
                );
                return Err(Error::argument("network", architecture, expected));
            }
            Ok(network)
        }
        None => of_hidden(settings, &settings.hidden, data),
    }
}

/// A network of these hidden layers.
///
/// # Errors
/// [`Error::Argument`] for more weights than memory can hold.
pub fn of_hidden<T: Real>(settings: &Settings, hidden: &[usize], data: &Dataset<T>) -> Result<Network> {
    let blocks = dense_blocks(hidden, settings.activation, data.n_outputs());
    Network::new(blocks, sample_shape(data))
        .map_err(|_| Error::argument("hidden", Widths(hidden.to_vec()), "a network that fits into memory"))
}

/// Where the settings cut it.
///
/// # Errors
/// As [`Split::ends`](crate::network::cuts::Split::ends).
pub fn cuts(settings: &Settings, network: &Network) -> Result<Vec<usize>> {
    if settings.method.card().uses(Use::Cuts) { settings.split().ends(network) } else { Ok(Vec::new()) }
}

/// What each part that the method may be shared by costs, in counted operations: subnetworks where it has them, else linear maps with
/// what follows.
///
/// # Errors
/// As [`cuts`].
pub fn costs(settings: &Settings, network: &Network) -> Result<Vec<f64>> {
    let ends = match settings.method.card().uses(Use::Cuts) {
        true => cuts(settings, network)?,
        false => Split::EachLinear.ends(network)?,
    };
    let operations: Vec<f64> = network.steps().iter().map(operations).collect();
    let edges: Vec<usize> = [0].into_iter().chain(ends).chain([operations.len()]).collect();
    Ok(edges.windows(2).map(|edge| operations[edge[0]..edge[1]].iter().sum()).collect())
}

/// The read-outs between subnetworks, of a method that trains any.
///
/// # Errors
/// As [`cuts`].
pub fn readouts(settings: &Settings, network: &Network) -> Result<Vec<Place>> {
    if !settings.uses(Use::Readouts) {
        return Ok(Vec::new());
    }
    let place = |after| Place { after, grid: settings.readout_grid };
    Ok(cuts(settings, network)?.into_iter().map(place).collect())
}

/// What the drawn weights of a residual dense block are multiplied by: the block begins near the identity, and a stack of them
/// does not double what passes through.
const RESIDUAL_START: f64 = 0.1;

/// The initial parameters: drawn weights, each map from a sequence of its own, those of residual dense blocks times
/// a tenth, and biases of zero; of batch normalisation weights and running variances of one, biases and running means of zero.
///
/// # Errors
/// [`Error::Allocation`].
pub fn initial_parameters<T: Real>(settings: &Settings, network: &Network) -> Result<Vec<T>> {
    let mut parameters = allocate::zeros(network.parameters())?;
    let blocks = network.steps();
    let maps = blocks.iter().flat_map(|step| {
        step.block.maps(step.input, step.offset).into_iter().flatten().map(|map| (step.block, map))
    });
    let mut index = 0;
    for (block, map) in maps {
        let (channels, own) = (map.n_out, &mut parameters[map.offset..map.end()]);
        match map.kind {
            MapKind::Scale => own[..channels].fill(T::ONE),
            MapKind::Statistics => own[channels..].fill(T::ONE),
            MapKind::Dense | MapKind::Convolution => {}
        }
        if !map.kind.is_matrix() {
            continue;
        }
        let weights = &mut parameters[map.offset..][..map.n_out * map.n_in];
        init::fill(settings.init, settings.seed, index, &mut view::dense_mut(weights, map.n_out, map.n_in));
        if matches!(block, Block::ResidualDense(_)) {
            weights.iter_mut().for_each(|w| *w *= T::from_f64(RESIDUAL_START));
        }
        index += 1;
    }
    Ok(parameters)
}

/// The settings of all methods for a data set.
///
/// # Errors
/// [`Error::Argument`] for images that are to be changed where there are none, or none of that size, or no mini-batches.
pub fn hyperparameters<T: Real>(settings: &Settings, data: &Dataset<T>) -> Result<Hyperparameters<T>> {
    let of_settings = settings.hyperparameters();
    let Some(moves) = settings.augment.filter(|_| settings.uses(Use::Augmentation)) else {
        return Ok(of_settings);
    };
    let refused = |expected| Err(Error::argument("augment", moves, expected));
    let (name, samples) = (data.name(), data.n_samples());
    let Some(image) = data.image() else {
        return refused(format!("none, as {name} holds no images"));
    };
    let (height, width) = (image.height, image.width);
    if moves.shift >= height.min(width) {
        return refused(format!("a shift below the sides of {height}x{width} images"));
    }
    if settings.batch.is_none_or(|batch| batch >= samples) {
        return refused(format!("none, or a --batch below the {samples} training samples of {name}"));
    }
    let augmentation = Augmentation { image: sample_shape(data), shift: moves.shift, flip: moves.flip };
    Ok(Hyperparameters { augmentation: Some(augmentation), ..of_settings })
}

/// The mini-batches.
pub fn batches(settings: &Settings) -> Option<Batches> {
    settings.batch.map(|size| Batches { size, seed: settings.seed })
}

/// `Ok` when the method can train the settings' network on a data set; allocates nothing of their size.
///
/// # Errors
/// As [`network`] and [`cuts`]; those of the core.
pub fn check<T: Real>(settings: &Settings, data: &Dataset<T>) -> Result {
    let network = network(settings, data)?;
    let (blocks, cuts) = (network.blocks_in(), cuts(settings, &network)?);
    let problem = Problem { x: data.matrix(), target: data.target() };
    let run = Run { network: CoreNetwork::new(&blocks, network.input())?, cuts: &cuts, problem };
    AnyMethod::new(settings.method, &hyperparameters(settings, data)?, &run)?;
    Ok(())
}

/// The method with the memory that it needs; `hyperparameters` are those of the settings, or what schedules have made of
/// them.
///
/// # Errors
/// Those of the core; [`Error::Allocation`].
pub fn engine<T: Real>(
    settings: &Settings,
    hyperparameters: &Hyperparameters<T>,
    network: &Network,
    problem: Problem<'_, T>,
    gemm: &AnyGemm,
) -> Result<Engine<T>> {
    let cuts = cuts(settings, network)?;
    let batches = batches(settings);
    Engine::new(settings.method, hyperparameters, network, &cuts, batches, problem, gemm)
}

/// Bytes of the matrices over all samples that a run carries from sweep to sweep.
pub fn state_bytes(settings: &Settings, network: &Network, cuts: &[usize], samples: usize) -> usize {
    let state = settings.method.card().state;
    let outputs: Vec<usize> = network.steps().iter().map(|step| step.output.features()).collect();
    let hidden: usize = network.widths().map_or(0, |widths| widths[1..widths.len() - 1].iter().sum());
    let crossing: usize = cuts.iter().map(|&cut| outputs[cut - 1]).sum();
    let rows = state.hidden * hidden + state.last * network.outputs() + state.cut * crossing;
    rows.saturating_mul(samples).saturating_mul(settings.precision.bytes())
}

/// The settings of a run that trains the same network end to end: the inner optimiser's, Adam's beside proximal sweeps.
pub fn end_to_end(settings: &Settings) -> Settings {
    let (method, learning_rate) = match settings.inner {
        Inner::Sgd => (Method::Gd, settings.learning_rate),
        Inner::Adam => (Method::Adam, settings.learning_rate),
        Inner::Proxprop => (Method::Adam, Inner::Adam.defaults(settings.preset, true).learning_rate),
    };
    Settings { method, learning_rate, ..settings.clone() }
}
