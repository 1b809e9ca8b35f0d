//! The sums from which a network's linear maps are found by least squares, as the way back meets them.
//!
//! A fully connected map adds `r p'`, `p p'` and the row sums over the samples. A convolution is the same map over all its
//! patches: its samples are pixels x samples, `p` the transpose of [`conv`](super::conv)'s K.

use super::conv::Bound;
use super::residual::BoundResidual;
use super::{Block, LinearMap, Network, Sink, Step};
use crate::error::{Error, Result};
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::update::sums::{Parts, SumsMut, SumsShape, accumulate, accumulate_workspace};
use crate::view::{MatRef, column, reborrow, require_size};
use crate::workspace::{Requirement, Stack};

/// A linear map with its place among a network's sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The map.
    pub map: LinearMap,
    /// Where its sums begin.
    pub start: usize,
    /// How often a sample goes through it: pixels of a convolution's output, else 1.
    pub pixels: usize,
}

impl Place {
    /// The shape of the map's sums.
    pub fn shape(&self) -> SumsShape {
        SumsShape { n_out: self.map.n_out, n_in: self.map.n_in }
    }

    /// Where its sums end.
    pub fn end(&self) -> usize {
        self.start + self.shape().elements()
    }
}

impl<'a, T: Real> Network<'a, T> {
    /// The linear maps in the order of their parameters, each with its place among the sums.
    pub fn places(&self) -> impl Iterator<Item = Place> + 'a {
        let mut start = 0;
        let maps = self.steps().flat_map(|step| {
            let maps = step.block.maps(step.input, step.offset);
            maps.into_iter().flatten().map(move |map| (map, step.output.pixels()))
        });
        maps.map(move |(map, pixels)| {
            let place = Place { map, start, pixels };
            start = place.end();
            place
        })
    }

    /// Elements of the sums of all linear maps, one after the other.
    pub fn sums(&self) -> usize {
        self.places().last().map_or(0, |place| place.end())
    }
}

/// Adds up what least squares needs of every linear map: `memory` holds [`Network::sums`] elements, map by map as
/// [`SumsShape::carve`] cuts them.
#[derive(Debug)]
pub struct MapSums<'a, 'n, T: Real> {
    /// The network that the maps belong to.
    pub network: &'a Network<'n, T>,
    /// The sums.
    pub memory: &'a mut [T],
}

impl<T: Real> MapSums<'_, '_, T> {
    fn of(&mut self, map: LinearMap) -> Result<SumsMut<'_, T>> {
        let (found, needed) = (self.memory.len(), self.network.sums());
        let missing = Error::Length { argument: "sums", found, needed };
        let place = self.network.places().find(|place| place.map == map).ok_or(missing)?;
        place.shape().carve(self.memory.get_mut(place.start..).ok_or(missing)?)
    }

    /// Scratch that the sums take beside [`Network::workspace`], for m samples.
    pub fn workspace<G: Gemm<T>>(gemm: &G, network: &Network<'_, T>, m: usize) -> Requirement {
        let of = |step: Step<T>| match step.block {
            Block::Dense { outputs } => accumulate_workspace(gemm, outputs, step.input.features(), m),
            Block::Conv(conv) => {
                Bound::new(conv, step.input).map_or(Requirement::NONE, |conv| conv.sums_workspace(gemm))
            }
            Block::Residual(pair) => {
                BoundResidual::new(&pair, step.input, step.offset).map_or(Requirement::NONE, |pair| {
                    let all = pair.convolutions().map(|(conv, _)| conv.sums_workspace(gemm));
                    all.fold(Requirement::NONE, Requirement::or)
                })
            }
            _ => Requirement::NONE,
        };
        network.steps().map(of).fold(Requirement::NONE, Requirement::or)
    }
}

impl<T: Real> Sink<T> for MapSums<'_, '_, T> {
    fn add_dense<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        map: LinearMap,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        accumulate(gemm, dz, p, Parts::All, &mut self.of(map)?, stack)
    }

    fn add_conv<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        map: LinearMap,
        conv: &Bound,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        conv.add_sums(gemm, p, dz, &mut self.of(map)?, stack)
    }
}

impl Bound {
    /// Adds what the samples' patches leave to the sums, all of `p p'` and not its lower triangle alone: `p` is of the
    /// input's features x m, `dz` of the output's.
    ///
    /// Products of n_out x P x Q and Q x P x Q for each sample.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape), [`Workspace`](Error::Workspace) below [`Bound::sums_workspace`].
    pub fn add_sums<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        sums: &mut SumsMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (_, patch) = self.patches();
        sums.require(self.output().channels, patch)?;
        require_size("p", p.shape(), (self.input().features(), p.ncols()))?;
        require_size("z", dz.shape(), (self.output().features(), p.ncols()))?;
        stack.require(self.sums_workspace(gemm))?;
        self.add_gradient(gemm, p, dz, &mut sums.cross, sums.residual, stack.rest())?;
        let memory = stack.vector(self.band_memory())?;
        for j in 0..p.ncols() {
            for band in self.bands() {
                let k = self.patches_of(column(p, j), &band, memory)?;
                for (q, sum) in sums.input.iter_mut().enumerate() {
                    *sum += T::from_f64(reduce::sum(column(&k, q)));
                }
                let gram = reborrow(&mut sums.gram);
                gemm.gemm(T::ONE, k, Transpose::Yes, k, Transpose::No, T::ONE, gram, stack.rest())?;
            }
        }
        Ok(())
    }

    /// Scratch of [`Bound::add_sums`]: K of a band, and one product's; or that of [`Bound::add_gradient`].
    pub fn sums_workspace<T: Real, G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let (_, patch) = self.patches();
        let pixels = self.band_rows() * self.output().width;
        let gram = Requirement::vector(self.band_memory()).and(gemm.workspace(patch, patch, pixels));
        gram.or(self.workspace(gemm))
    }
}
