//! Which process owns what.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use altmin_core::executor::{Owners, Readers};

use crate::error::{Error, Result};

/// How processes share a run: so many parts of the layers, and each of those in so many parts of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Parts of the layers, at least 1.
    pub layers: usize,
    /// Parts of the samples, at least 1.
    pub samples: usize,
}

const FORM: &str = "layers x samples, such as 2x3";

impl FromStr for Grid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |text: &str| text.parse().ok().filter(|&count: &usize| count > 0);
        let parts = text.split_once('x').and_then(|(layers, samples)| part(layers).zip(part(samples)));
        let grid = parts.filter(|(layers, samples)| layers.checked_mul(*samples).is_some());
        let (layers, samples) = grid.ok_or_else(|| Error::argument("grid", text, FORM))?;
        Ok(Self { layers, samples })
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.layers, self.samples)
    }
}

impl Grid {
    /// The grid of so many processes in which the dearest part of layers of these costs, by the parts of the samples where `with_samples` says
    /// that those share it, is as cheap as can be; of equal ones that with the fewest parts of the layers.
    pub(crate) fn best(processes: usize, costs: &[f64], with_samples: bool) -> Self {
        let grids =
            (1..=processes).filter(|layers| processes.is_multiple_of(*layers) && *layers <= costs.len());
        let cost = |layers: usize| {
            let edges = edges(costs, layers);
            let parts = edges.windows(2).map(|edge| costs[edge[0]..edge[1]].iter().sum::<f64>());
            let shared = if with_samples { processes / layers } else { 1 };
            parts.fold(0.0, f64::max) / shared as f64
        };
        let best = grids.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(1);
        Self { layers: best, samples: processes / best }
    }

    /// `Ok` for so many processes.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn require_processes(self, processes: usize) -> Result {
        if self.layers.checked_mul(self.samples) == Some(processes) {
            return Ok(());
        }
        Err(Error::argument("grid", self, format!("a grid of {processes}, the number of processes")))
    }

    /// `Ok` for so many layers, or what else a method is cut into.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn require_layers(self, layers: usize) -> Result {
        if self.layers <= layers {
            return Ok(());
        }
        let expected = format!("at most {layers} parts of the layers, as many as there are");
        Err(Error::argument("grid", self, expected))
    }
}

/// A process's place in a grid. Its rank is that of its layers times the parts of the samples, and that of its samples.
#[derive(Debug, Clone)]
pub(super) struct Place {
    grid: Grid,
    rank: usize,
    /// The first layer of each part, and the number of layers.
    edges: Vec<usize>,
}

/// Some of the processes: one part of the layers or all, one part of the samples or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cells {
    layers: Option<usize>,
    samples: Option<usize>,
}

/// What a process does with a piece that is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Sends it to these, itself not meant.
    To(Cells),
    /// Receives it from this rank.
    From(usize),
    /// Neither.
    None,
}

impl Place {
    pub(super) fn new(grid: Grid, costs: &[f64], rank: usize) -> Self {
        Self { grid, rank, edges: edges(costs, grid.layers) }
    }

    /// The same for other layers.
    pub(super) fn with(&self, costs: &[f64]) -> Self {
        Self::new(self.grid, costs, self.rank)
    }

    /// Parts of layers and of samples that are this process's.
    fn own(&self) -> (usize, usize) {
        (self.rank / self.grid.samples, self.rank % self.grid.samples)
    }

    /// The part of a layer. Layers that the costs do not know belong to the last.
    fn part(&self, layer: usize) -> usize {
        self.edges[1..self.grid.layers].partition_point(|&edge| edge <= layer)
    }

    /// The layers that are done here, of so many.
    pub(super) fn layers(&self, count: usize) -> Range<usize> {
        let (part, _) = self.own();
        let edge = |part: usize| if part == self.grid.layers { count } else { self.edges[part].min(count) };
        edge(part)..edge(part + 1)
    }

    /// The ranks of the same samples in the parts of the layers below and above.
    pub(super) fn beside(&self) -> (Option<usize>, Option<usize>) {
        let ((part, _), step) = (self.own(), self.grid.samples);
        (self.rank.checked_sub(step), (part + 1 < self.grid.layers).then_some(self.rank + step))
    }

    /// Who does a unit, of so many.
    fn cells(&self, owners: Owners, unit: usize, count: usize) -> Cells {
        let Grid { layers, samples } = self.grid;
        match owners {
            Owners::Grid { first, groups } => {
                let (layer, group) = (first + unit / groups, unit % groups);
                Cells { layers: Some(self.part(layer)), samples: Some(group * samples / groups) }
            }
            Owners::Layers { first } => Cells { layers: Some(self.part(first + unit)), samples: None },
            Owners::Evenly => {
                let rank = unit * layers * samples / count.max(1);
                Cells { layers: Some(rank / samples), samples: Some(rank % samples) }
            }
        }
    }

    /// Whether a unit is done here.
    pub(super) fn does(&self, owners: Owners, unit: usize, count: usize) -> bool {
        self.is_in(self.cells(owners, unit, count))
    }

    fn is_in(&self, cells: Cells) -> bool {
        let (layers, samples) = self.own();
        cells.layers.is_none_or(|own| own == layers) && cells.samples.is_none_or(|own| own == samples)
    }

    /// The ranks of these processes but this one.
    pub(super) fn others(&self, cells: Cells) -> impl Iterator<Item = usize> + use<> {
        let Grid { layers, samples } = self.grid;
        let range = |cell: Option<usize>, all| cell.map_or(0..all, |one| one..one + 1);
        let (rows, columns, rank) = (range(cells.layers, layers), range(cells.samples, samples), self.rank);
        let ranks = rows.flat_map(move |row| columns.clone().map(move |column| row * samples + column));
        ranks.filter(move |&other| other != rank)
    }

    /// What is done here with the piece of a unit, of so many.
    pub(super) fn role(&self, owners: Owners, readers: Readers, unit: usize, count: usize) -> Role {
        let owner = self.cells(owners, unit, count);
        let beside = |layer: Option<usize>| Cells { layers: layer.map(|layer| self.part(layer)), ..owner };
        let layer = match owners {
            Owners::Grid { first, groups } => Some(first + unit / groups),
            Owners::Layers { first } => Some(first + unit),
            Owners::Evenly => None,
        };
        let told = match (readers, layer) {
            (Readers::All, _) => Cells { layers: None, samples: None },
            (Readers::First, _) => Cells { layers: Some(0), samples: Some(0) },
            (Readers::Layer, _) => Cells { samples: None, ..owner },
            (Readers::Below, Some(layer)) if layer > 0 => beside(Some(layer - 1)),
            (Readers::Above, Some(layer)) if layer + 1 < self.edges[self.grid.layers] => {
                beside(Some(layer + 1))
            }
            (Readers::Below | Readers::Above, _) => return Role::None,
        };
        let (_, samples) = self.own();
        // Of several owners each tells those of its own samples.
        let is_several = owner.samples.is_none();
        let told = Cells { samples: told.samples.or(is_several.then_some(samples)), ..told };
        if self.is_in(owner) {
            let is_sender = !is_several || told.samples == Some(samples);
            let tells = is_sender && told != owner && self.others(told).next().is_some();
            return if tells { Role::To(told) } else { Role::None };
        }
        match (self.is_in(told), owner.layers) {
            (true, Some(layers)) => Role::From(layers * self.grid.samples + owner.samples.unwrap_or(samples)),
            _ => Role::None,
        }
    }
}

/// Cuts layers of these costs into so many parts in a row, so that the dearest costs as little as it can: the first layer of each
/// part, and the number of layers. Where there are fewer layers than parts, the last parts are empty.
fn edges(costs: &[f64], parts: usize) -> Vec<usize> {
    let (count, all) = (costs.len(), parts);
    let parts = parts.min(count);
    let sum = |range: Range<usize>| costs[range].iter().sum::<f64>();
    // Of the first layers in one part.
    let mut best: Vec<f64> = (0..=count).map(|end| sum(0..end)).collect();
    let mut starts = vec![vec![0; count + 1]];
    for part in 1..parts {
        let mut next = vec![f64::INFINITY; count + 1];
        let mut from = vec![0; count + 1];
        for end in part + 1..=count {
            let cost = |&start: &usize| best[start].max(sum(start..end));
            let start = (part..end).min_by(|a, b| cost(a).total_cmp(&cost(b)));
            from[end] = start.unwrap_or(part);
            next[end] = cost(&from[end]);
        }
        best = next;
        starts.push(from);
    }
    let mut edges = vec![count];
    for from in starts.iter().rev() {
        edges.push(from[edges[edges.len() - 1]]);
    }
    edges.reverse();
    edges.resize(all + 1, count);
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_read_and_written() {
        assert_eq!("2x3".parse::<Grid>().expect("a grid"), Grid { layers: 2, samples: 3 });
        assert_eq!(Grid { layers: 2, samples: 3 }.to_string(), "2x3");
        for text in ["", "2", "x", "0x1", "1x0", "2x3x4", "-1x2", "99999999999999x99999999999999"] {
            assert!(text.parse::<Grid>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_best_grid_leaves_nobody_waiting() {
        let best =
            |processes, costs: &[f64], with_samples| Grid::best(processes, costs, with_samples).to_string();
        assert_eq!(best(4, &[1.0; 4], true), "1x4");
        assert_eq!(best(4, &[1.0; 4], false), "4x1");
        assert_eq!(best(6, &[1.0; 4], false), "2x3");
        assert_eq!(best(7, &[1.0; 4], false), "1x7");
        assert_eq!(best(4, &[5.0, 1.0, 1.0], false), "2x2");
    }

    #[test]
    fn the_dearest_part_costs_as_little_as_it_can() {
        assert_eq!(edges(&[1.0; 10], 2), [0, 5, 10]);
        assert_eq!(edges(&[1.0; 10], 1), [0, 10]);
        assert_eq!(edges(&[1.0; 2], 4), [0, 1, 2, 2, 2]);
        assert_eq!(edges(&[1.0, 1.0, 1.0], 3), [0, 1, 2, 3]);
        assert_eq!(edges(&[4.0, 1.0, 1.0, 1.0, 1.0], 2), [0, 1, 5]);
        // By trying all cuts.
        let costs = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let found = edges(&costs, 3);
        let dearest = |edges: &[usize]| -> f64 {
            edges.windows(2).map(|edge| costs[edge[0]..edge[1]].iter().sum()).fold(0.0, f64::max)
        };
        let tried = (1..7).flat_map(|a| (a + 1..8).map(move |b| dearest(&[0, a, b, 8])));
        assert_eq!(dearest(&found), tried.fold(f64::INFINITY, f64::min));
    }

    /// Every piece that a process reads has one sender, which names it.
    #[test]
    fn who_receives_is_told_and_who_is_told_receives() {
        let owners = [
            (Owners::Grid { first: 0, groups: 4 }, 20),
            (Owners::Grid { first: 1, groups: 4 }, 16),
            (Owners::Layers { first: 0 }, 5),
            (Owners::Layers { first: 2 }, 3),
            (Owners::Evenly, 7),
        ];
        for grid in [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (5, 4)] {
            let grid = Grid { layers: grid.0, samples: grid.1 };
            let ranks = grid.layers * grid.samples;
            let places: Vec<_> = (0..ranks).map(|rank| Place::new(grid, &[1.0; 5], rank)).collect();
            for ((owners, count), readers) in owners.into_iter().flat_map(|owners| {
                [Readers::Below, Readers::Above, Readers::Layer, Readers::All]
                    .map(|readers| (owners, readers))
            }) {
                for unit in 0..count {
                    let role = |rank: usize| places[rank].role(owners, readers, unit, count);
                    let is_owner = |rank: usize| places[rank].does(owners, unit, count);
                    assert!((0..ranks).any(is_owner), "{grid} {owners:?} {unit}");
                    for to in 0..ranks {
                        let senders: Vec<_> = (0..ranks)
                            .filter(|&from| match role(from) {
                                Role::To(cells) => places[from].others(cells).any(|other| other == to),
                                Role::From(_) | Role::None => false,
                            })
                            .collect();
                        match role(to) {
                            Role::From(from) => assert_eq!(senders, [from], "{grid} {owners:?} {readers:?}"),
                            _ => assert!(senders.is_empty(), "{grid} {owners:?} {readers:?} {unit} {to}"),
                        }
                        let reads = match readers {
                            Readers::All => true,
                            Readers::First => to == 0,
                            Readers::Layer | Readers::Below | Readers::Above => false,
                        };
                        assert!(!reads || is_owner(to) || matches!(role(to), Role::From(_)));
                    }
                }
            }
        }
    }
}
