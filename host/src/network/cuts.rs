//! Where a network is cut into subnetworks.

use std::fmt;
use std::str::FromStr;

use altmin_core::block::{Block, Step};

use crate::error::{Error, Result};
use crate::network::Network;

/// Subnetworks at most.
pub const MOST_SUBNETWORKS: usize = 64;

/// The blocks after which a network is cut, counted from 1: `5,9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cuts(pub Vec<usize>);

impl FromStr for Cuts {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |_| Error::argument("cut", text, "numbers of blocks such as 5,9");
        let place = |place: &str| place.trim().parse().map_err(refused);
        text.split(',').map(place).collect::<Result<_>>().map(Self)
    }
}

impl fmt::Display for Cuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
    }
}

/// How a network is cut into subnetworks or layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Split {
    /// Into so many subnetworks, balanced by the operations of their blocks.
    ///
    /// These are counted, not timed: a time differs from run to run, and with it the cuts and the results would.
    Subnetworks(usize),
    /// After these blocks, counted from 1, ascending.
    After(Vec<usize>),
    /// Before each linear block but the first, and before what only flattens for it.
    EachLinear,
}

impl Split {
    /// The ends of all subnetworks but the last: each is the number of blocks before the cut.
    ///
    /// # Errors
    /// [`Error::Argument`] for a cut where there are no blocks on both sides (`cut`), for more subnetworks than there are
    /// places to cut at (`subnetworks`).
    pub fn ends(&self, network: &Network) -> Result<Vec<usize>> {
        let blocks = network.blocks().len();
        match self {
            Split::After(after) => match after.iter().find(|&&after| after >= blocks) {
                None => Ok(after.clone()),
                Some(_) if blocks == 1 => {
                    Err(Error::argument("cut", Cuts(after.clone()), "a network of more than one block"))
                }
                Some(_) => {
                    let expected =
                        format!("numbers from 1 to {}: the network has {blocks} blocks", blocks - 1);
                    Err(Error::argument("cut", Cuts(after.clone()), expected))
                }
            },
            Split::EachLinear => {
                let blocks = network.blocks();
                let linear = (0..blocks.len()).filter(|&index| is_linear(&blocks[index]));
                // Below a flattening there is still an image, which is what a read-out should see.
                let flattening = |index: usize| {
                    let before = (0..index).rev().find(|&at| !blocks[at].differs_in_training());
                    before.filter(|&at| matches!(blocks[at], Block::Flatten))
                };
                Ok(linear.skip(1).map(|index| flattening(index).unwrap_or(index)).collect())
            }
            &Split::Subnetworks(count) => {
                let steps = network.steps();
                let places = places(network.blocks());
                if count > places.len() + 1 {
                    let expected = format!(
                        "at most {}: the network can be cut at {} places, none between a linear block and its activation",
                        places.len() + 1,
                        places.len()
                    );
                    return Err(Error::argument("subnetworks", count, expected));
                }
                Ok(balance(&steps, &places, count))
            }
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Split::Subnetworks(count) => write!(f, "{count} subnetworks"),
            Split::After(after) => write!(f, "cut after {}", Cuts(after.clone())),
            Split::EachLinear => f.write_str(
                "cut before each linear block but the first, and before the `flatten` that precedes one",
            ),
        }
    }
}

/// Whether a block has weights.
fn is_linear(block: &Block<f64>) -> bool {
    matches!(block, Block::Dense { .. } | Block::ResidualDense(_) | Block::Conv(_) | Block::Residual(_))
}

/// After how many blocks a balanced cut may be: not between a linear block and the activation that follows it.
fn places(blocks: &[Block<f64>]) -> Vec<usize> {
    (1..blocks.len()).filter(|&place| !matches!(blocks[place], Block::Activation(_))).collect()
}

/// Floating-point operations of a block for one sample, forward and backward.
///
/// A linear map is multiplied three times, for the output, the gradient in the input and that in the weights, two operations
/// for each weight and each pixel of the output. Other blocks move numbers: ten operations for each that goes in.
pub fn operations(step: &Step<f64>) -> f64 {
    let pixels = step.output.pixels() as f64;
    let products: f64 = step
        .block
        .maps(step.input, step.offset)
        .iter()
        .flatten()
        .map(|map| 6.0 * map.n_out as f64 * map.n_in as f64 * pixels)
        .sum();
    products + 10.0 * step.input.features() as f64
}

/// The cuts of which the costliest subnetwork costs least; of those, the ones across which the fewest numbers go; of those,
/// the earliest.
fn balance(steps: &[Step<f64>], places: &[usize], count: usize) -> Vec<usize> {
    let mut before = vec![0.0];
    for step in steps {
        before.push(before[before.len() - 1] + operations(step));
    }
    let cost = |from: usize, to: usize| before[to] - before[from];
    let ends: Vec<usize> = places.iter().copied().chain([steps.len()]).collect();
    // least[e]: the costliest of the subnetworks that end with ends[e], at best.
    let mut least: Vec<f64> = ends.iter().map(|&end| cost(0, end)).collect();
    for _ in 1..count {
        least = (0..ends.len())
            .map(|e| {
                let from = |f: usize| least[f].max(cost(ends[f], ends[e]));
                (0..e).map(from).fold(f64::INFINITY, f64::min)
            })
            .collect();
    }
    let bound = least[ends.len() - 1];
    narrowest(&ends, count, |from, to| cost(from, to) <= bound, |end| steps[end - 1].output.features())
}

/// The cuts with the fewest numbers across them, where every subnetwork is `allowed`.
fn narrowest(
    ends: &[usize],
    count: usize,
    allowed: impl Fn(usize, usize) -> bool,
    width: impl Fn(usize) -> usize,
) -> Vec<usize> {
    let last = ends.len() - 1;
    // best[e]: width of the cuts and the cuts of so many subnetworks that end with ends[e].
    let mut best: Vec<Option<(usize, Vec<usize>)>> =
        ends.iter().map(|&end| allowed(0, end).then(|| (0, Vec::new()))).collect();
    for _ in 1..count {
        best = (0..=last)
            .map(|e| {
                let extended = (0..e).filter_map(|f| {
                    let (width_before, cuts) = best[f].as_ref()?;
                    let cuts = || cuts.iter().copied().chain([ends[f]]).collect::<Vec<_>>();
                    allowed(ends[f], ends[e]).then(|| (width_before + width(ends[f]), cuts()))
                });
                extended.min()
            })
            .collect();
    }
    // The bound was met by some cuts, in the same arithmetic.
    best.swap_remove(last).map_or_else(Vec::new, |(_, cuts)| cuts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use altmin_core::block::Shape;

    /// All ways to choose `count` places.
    fn choices(places: &[usize], count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![Vec::new()];
        }
        let with = |at: usize| {
            choices(&places[at + 1..], count - 1)
                .into_iter()
                .map(move |rest| [vec![places[at]], rest].concat())
        };
        (0..places.len()).flat_map(with).collect()
    }

    #[test]
    fn a_balanced_split_is_the_best_of_all() {
        let text = "conv 8 3x3 same, relu, maxpool 2, conv 16 3x3 same, relu, flatten, dense 40, relu, dense 30, tanh, dense 3";
        let network = match text.parse().expect("a network") {
            crate::network::blocks::Architecture::Blocks(blocks) => {
                Network::new(blocks, Shape { channels: 1, height: 8, width: 8 }).expect("blocks that fit")
            }
            _ => panic!("a short form"),
        };
        let steps = network.steps();
        for count in 1..=7 {
            let found = Split::Subnetworks(count).ends(&network).expect("enough places");
            assert_eq!(found.len(), count - 1);
            let costliest = |cuts: &[usize]| {
                let edges: Vec<usize> = [0].iter().chain(cuts).chain(&[steps.len()]).copied().collect();
                let cost = |pair: &[usize]| steps[pair[0]..pair[1]].iter().map(operations).sum::<f64>();
                edges.windows(2).map(cost).fold(0.0, f64::max)
            };
            let best = choices(&[2, 3, 5, 6, 8, 10], count - 1)
                .iter()
                .map(|cuts| costliest(cuts))
                .fold(f64::INFINITY, f64::min);
            assert!((costliest(&found) - best).abs() <= 1e-9 * best, "{count}: {found:?}");
            assert!(found.iter().all(|cut| [2, 3, 5, 6, 8, 10].contains(cut)), "{count}: {found:?}");
        }
        assert!(Split::Subnetworks(8).ends(&network).is_err());
    }
}
