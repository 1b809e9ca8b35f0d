//! The variables that dlADMM and Taylor's ADMM share: group by group, and within a group layer by layer.

use altmin_core::method::Partition;
use altmin_core::method::dladmm::{self, Group, Hidden, Residual};
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::{Real, Result};

use super::{Memory, Variables, zeros};

#[derive(Debug)]
pub(super) struct Stacked<T> {
    hidden: Vec<Hidden<T, Memory<T>>>,
    residuals: Vec<Residual<T, Memory<T>>>,
    groups: Vec<Group<T, Memory<T>>>,
}

impl<T: Real> Stacked<T> {
    pub(super) fn new(partition: &Partition, shapes: &[LayerShape]) -> Result<Self> {
        let (mut hidden, mut residuals, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            for (l, shape) in shapes.iter().enumerate() {
                residuals.push(dladmm::residual(shape.sums.n_out, m, zeros)?);
                if l + 1 < shapes.len() {
                    hidden.push(dladmm::hidden(shape.sums.n_out, m, zeros)?);
                }
            }
            let last = shapes.last().map_or(0, |shape| shape.sums.n_out);
            groups.push(dladmm::group(last, m, shapes.iter().copied(), zeros)?);
        }
        Ok(Self { hidden, residuals, groups })
    }

    pub(super) fn variables(&self) -> Variables<'_, T> {
        let Self { hidden, residuals, groups } = self;
        Variables::Dladmm { hidden, residuals, groups }
    }

    pub(super) fn state<'a>(
        &'a mut self,
        layers: &'a mut [Layer<T, Memory<T>>],
    ) -> dladmm::State<'a, T, Memory<T>> {
        let Self { hidden, residuals, groups } = self;
        dladmm::State { layers, hidden, residuals, groups }
    }
}
