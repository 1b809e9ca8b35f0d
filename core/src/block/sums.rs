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
use crate::update::sums::{Parts, SumsMut, SumsShape, accumulate, accumulate_workspace, add_slice};
use crate::view::{MatRef, column, column_mut, reborrow, require_size};
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
        self.start.saturating_add(self.shape().elements())
    }
}

impl<T: Real> Step<T> {
    /// The block's linear maps in the order of their parameters, each with its place among the network's sums.
    pub fn places(&self) -> impl Iterator<Item = Place> + Clone + use<T> {
        let (mut start, pixels) = (self.sums, self.output.pixels());
        self.block.maps(self.input, self.offset).into_iter().flatten().map(move |map| {
            let place = Place { map, start, pixels };
            start = place.end();
            place
        })
    }
}

impl<'a, T: Real> Network<'a, T> {
    /// The linear maps in the order of their parameters, each with its place among the sums.
    pub fn places(&self) -> impl Iterator<Item = Place> + Clone + use<'a, T> {
        let network = *self;
        network.steps().flat_map(|step| step.places())
    }

    /// Elements of the sums of all linear maps, one after the other.
    pub fn sums(&self) -> usize {
        self.places().last().map_or(0, |place| place.end())
    }
}

/// Adds up what least squares needs of every linear map.
#[derive(Debug)]
pub struct MapSums<'a, T> {
    /// [`Network::sums`] elements, map by map as [`SumsShape::carve`] cuts them.
    pub memory: &'a mut [T],
    /// What is added up of the network's first map: its input's sums are known where that is data which has been seen.
    pub first: Parts,
}

impl<T: Real> MapSums<'_, T> {
    fn of(&mut self, place: Place) -> Result<(Parts, SumsMut<'_, T>)> {
        let parts = if place.start == 0 { self.first } else { Parts::All };
        let (found, needed) = (self.memory.len(), place.end());
        let memory =
            self.memory.get_mut(place.start..).ok_or(Error::Length { argument: "sums", found, needed })?;
        Ok((parts, place.shape().carve(memory)?))
    }

    /// Scratch that the sums take beside [`Network::workspace`], for m samples.
    pub fn workspace<G: Gemm<T>>(gemm: &G, network: &Network<'_, T>, m: usize) -> Requirement {
        let of =
            |step: Step<T>| match step.block {
                Block::Dense { .. } | Block::ResidualDense(_) => {
                    accumulate_workspace(gemm, step.output.features(), step.input.features(), m)
                }
                Block::Conv(conv) => {
                    Bound::new(conv, step.input).map_or(Requirement::NONE, |conv| conv.sums_workspace(gemm))
                }
                Block::Residual(pair) => BoundResidual::new(&pair, step.input, step.offset, step.sums)
                    .map_or(Requirement::NONE, |pair| {
                        let all = pair.convolutions().map(|(conv, _)| conv.sums_workspace(gemm));
                        all.fold(Requirement::NONE, Requirement::or)
                    }),
                _ => Requirement::NONE,
            };
        network.steps().map(of).fold(Requirement::NONE, Requirement::or)
    }
}

impl<T: Real> Sink<T> for MapSums<'_, T> {
    fn add_dense<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (parts, mut sums) = self.of(place)?;
        accumulate(gemm, dz, p, parts, &mut sums, stack)
    }

    fn add_conv<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        conv: &Bound,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (parts, mut sums) = self.of(place)?;
        conv.add_sums(gemm, p, dz, parts, &mut sums, stack)
    }

    fn add_channels(&mut self, place: Place, first: usize, weights: &[T], bias: &[T]) -> Result {
        let (_, mut sums) = self.of(place)?;
        add_slice(weights, &mut column_mut(&mut sums.cross, 0)[first..]);
        add_slice(bias, &mut sums.residual[first..]);
        Ok(())
    }
}

impl Bound {
    /// Adds what the samples' patches leave to the sums, all of `p p'` and not its lower triangle alone: `p` is of the
    /// input's features x m, `dz` of the output's.
    ///
    /// Products of n_out x P x Q and, with [`Parts::All`], Q x P x Q for each sample.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape), [`Workspace`](Error::Workspace) below [`Bound::sums_workspace`].
    pub fn add_sums<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        parts: Parts,
        sums: &mut SumsMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (_, patch) = self.patches();
        sums.require(self.output().channels, patch)?;
        require_size("p", p.shape(), (self.input().features(), p.ncols()))?;
        require_size("z", dz.shape(), (self.output().features(), p.ncols()))?;
        stack.require(self.sums_workspace(gemm))?;
        self.add_gradient(gemm, p, dz, &mut sums.cross, sums.residual, stack.rest())?;
        if parts == Parts::Residual {
            return Ok(());
        }
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
