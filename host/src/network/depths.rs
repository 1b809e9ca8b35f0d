//! A model with read-outs on a data set, at every depth from one pass.

use altmin_core::Real;
use altmin_core::block::{Block, Network as CoreNetwork};
use altmin_core::executor::{Executor, Runs};
use altmin_core::loss;
use altmin_core::method::Partition;
use altmin_core::view::{as_ref, columns, dense, dense_mut};
use altmin_core::workspace::Requirement;

use crate::data::Dataset;
use crate::error::Result;
use crate::network::evaluate::require_alike;
use crate::network::model::Model;
use crate::network::predictor::Predictor;
use crate::network::score::{GROUPS, Score, Share};
use crate::run::executor::{Parallel, Threads};
use crate::run::kernel::fast::Fast;

/// How the outputs that are read at one depth do on a data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    /// Layers, counted from 1.
    pub depth: usize,
    /// Blocks of the network below the read-out; all of them at the last depth, which has none.
    pub blocks: usize,
    /// Multiplications of a sample on its way to these outputs, without the read-outs below.
    pub multiplications: usize,
    /// Mean loss, and accuracy or R^2.
    pub score: Score,
}

/// A layer as it is applied: its own blocks, and what reads its output.
struct Layer<'m, T> {
    own: Predictor<'m, T>,
    readout: Option<Predictor<'m, T>>,
}

/// Mean loss and accuracy, or R^2, of the outputs at every depth of a model, the last being the network's own. Every sample
/// passes through the network once.
///
/// Accuracies are those of each [`at_depth`](Model::at_depth) on its own, losses up to rounding; both have the same bits for every
/// number of threads.
///
/// # Errors
/// As [`evaluate`](crate::network::evaluate::evaluate).
pub fn evaluate_depths<T: Real>(model: &Model<T>, data: &Dataset<T>, threads: usize) -> Result<Vec<Depth>> {
    require_alike(model, data)?;
    let (blocks, readers) = (model.blocks(), readers(model)?);
    let layers = layers(model, &blocks, &readers)?;
    let outputs = model.network.outputs();

    let tile = model.predictor(&blocks)?.tile();
    let widest = layers.iter().map(|layer| layer.own.outputs()).max().unwrap_or(0);
    let predictors = layers.iter().flat_map(|layer| [Some(&layer.own), layer.readout.as_ref()]).flatten();
    let scratch = predictors
        .fold(Requirement::NONE, |most, predictor| most.or(predictor.scratch(&Fast, tile)))
        .and(Requirement::matrix(widest, tile))
        .and(Requirement::matrix(widest, tile))
        .and(Requirement::matrix(outputs, tile));

    let (x, target) = (data.matrix(), data.target());
    let partition = Partition::new(x.ncols(), tile, GROUPS);
    let mut shares = vec![Share::default(); partition.groups() * layers.len()];
    let (team, mut executor) = (Threads::new(threads)?, Parallel::new(threads, scratch)?);
    team.enter(|| {
        executor.run(Runs::new(&mut shares, layers.len()), |g, shares, mut stack| {
            let (first, _) = partition.group(g);
            for (start, count) in partition.tiles(g) {
                let mut stack = stack.rest();
                let (mut from, mut to) = (stack.vector(widest * count)?, stack.vector(widest * count)?);
                let mut read = stack.matrix(outputs, count)?;
                let target = target.columns(first + start, count);
                let mut rows = x.nrows();
                for (l, (layer, share)) in layers.iter().zip(&mut *shares).enumerate() {
                    let input = match l {
                        0 => columns(&x, first + start, count),
                        _ => dense(&from[..rows * count], rows, count),
                    };
                    rows = layer.own.outputs();
                    let output = &mut dense_mut(&mut to[..rows * count], rows, count);
                    layer.own.predict(&Fast, &input, output, stack.rest())?;
                    let output = match &layer.readout {
                        None => as_ref(output),
                        Some(readout) => {
                            readout.predict(&Fast, &as_ref(output), &mut read, stack.rest())?;
                            as_ref(&read)
                        }
                    };
                    share.risk += model.loss.value(output, target)?;
                    share.count += loss::score(output, target)?;
                    std::mem::swap(&mut from, &mut to);
                }
            }
            Ok(())
        })
    })?;

    let mut below = 0;
    let depths = layers.iter().enumerate().map(|(l, layer)| {
        let own = multiplications(&layer.own);
        let read = layer.readout.as_ref().map_or(0, multiplications);
        below += own;
        let sum = |of: fn(&Share) -> f64| shares.iter().skip(l).step_by(layers.len()).map(of).sum();
        Depth {
            depth: l + 1,
            blocks: model.readouts.get(l).map_or(blocks.len(), |readout| readout.place.after),
            multiplications: below + read,
            score: Score::of(data, sum(|share| share.risk), sum(|share| share.count)),
        }
    });
    Ok(depths.collect())
}

/// The blocks of every read-out.
fn readers<T: Real>(model: &Model<T>) -> Result<Vec<Vec<Block<T>>>> {
    let depths = 1..=model.readouts.len();
    let blocks = depths.map(|depth| {
        let (whole, after) = (model.at_depth(depth)?.blocks(), model.readouts[depth - 1].place.after);
        Ok(whole[after..].to_vec())
    });
    blocks.collect()
}

fn layers<'m, T: Real>(
    model: &'m Model<T>,
    blocks: &'m [Block<T>],
    readers: &'m [Vec<Block<T>>],
) -> Result<Vec<Layer<'m, T>>> {
    let whole = model.predictor(blocks)?.network;
    let (mut start, mut offset) = (0, 0);
    let mut layers = Vec::new();
    for l in 0..=readers.len() {
        let readout = model.readouts.get(l);
        let end = readout.map_or(blocks.len(), |readout| readout.place.after);
        let network = whole.part(start..end);
        let parameters = &model.parameters[offset..][..network.parameters()];
        let readout = match (readout, readers.get(l)) {
            (Some(readout), Some(blocks)) => {
                let network = CoreNetwork::new(blocks, network.output())?;
                Some(Predictor { network, parameters: &readout.parameters })
            }
            _ => None,
        };
        layers.push(Layer { own: Predictor { network, parameters }, readout });
        (start, offset) = (end, offset + parameters.len());
    }
    Ok(layers)
}

fn multiplications<T: Real>(predictor: &Predictor<'_, T>) -> usize {
    let maps = predictor.network.steps().flat_map(|step| {
        let pixels = step.output.pixels();
        step.block.maps(step.input, 0).into_iter().flatten().map(move |map| map.n_out * map.n_in * pixels)
    });
    maps.sum()
}
