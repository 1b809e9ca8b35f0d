//! The products alone, over many samples at once, on the shapes of a network.

use std::time::Instant;

use altmin_core::executor::Executor;
use altmin_core::gemm::{Gemm, Transpose};
use altmin_core::method::Products;
use altmin_core::view::{MatMut, MatRef, dense, dense_mut};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

/// Samples of a product at most: enough for its rate to be that of any number (it was the same or a little higher than
/// at 60,000), and few enough that the operands hardly add to the process's memory.
const MOST_SAMPLES: usize = 16_384;

/// The kinds of product that a sweep makes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `W p`, n_out x n_in x M.
    Forward,
    /// `W' r`, n_in x n_out x M.
    Backward,
    /// `r p'`, n_out x M x n_in.
    Cross,
}

const KINDS: [Kind; 3] = [Kind::Forward, Kind::Backward, Kind::Cross];

/// Operands over all samples, and how often each shape occurs.
#[derive(Debug)]
pub(super) struct Reference<T> {
    /// Samples of the products made here.
    samples: usize,
    /// Samples of the sweep for each of those.
    scale: f64,
    /// The products of a sweep, by shape.
    shapes: Vec<Products>,
    weights: Vec<T>,
    inputs: Vec<T>,
    outputs: Vec<T>,
    sums: Vec<T>,
}

/// The samples of one thread.
struct Part<'a, T> {
    inputs: &'a mut [T],
    outputs: &'a mut [T],
    sums: &'a mut [T],
}

impl<T: Real> Reference<T> {
    pub(super) fn new(shapes: Vec<Products>, sweep_samples: usize) -> Self {
        let most = |of: fn(&Products) -> usize| shapes.iter().map(of).max().unwrap_or(0);
        let square = most(|shape| shape.n_in * shape.n_out);
        let some = T::from_f64(0.01);
        let samples = sweep_samples.min(MOST_SAMPLES);
        Self {
            samples,
            scale: sweep_samples as f64 / samples as f64,
            weights: vec![some; square],
            inputs: vec![some; most(|shape| shape.n_in) * samples],
            outputs: vec![some; most(|shape| shape.n_out) * samples],
            sums: Vec::new(),
            shapes,
        }
    }

    /// Scratch that each worker of the executor needs.
    pub(super) fn scratch<G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let m = self.samples;
        self.shapes.iter().fold(Requirement::NONE, |most, &Products { n_out, n_in, .. }| {
            let products = gemm.workspace(n_out, m, n_in).or(gemm.workspace(n_in, m, n_out));
            most.or(products).or(gemm.workspace(n_out, n_in, m))
        })
    }

    /// Makes each kind of product of each shape once on `threads` threads, a share of the samples on each, and adds its
    /// seconds to `times`, one list a product.
    pub(super) fn time<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        threads: usize,
        gemm: &G,
        executor: &mut E,
        times: &mut Vec<Vec<f64>>,
    ) -> Result {
        times.resize(self.shapes.len() * KINDS.len(), Vec::new());
        let share = self.samples.div_ceil(threads);
        self.sums.resize(threads * self.weights.len(), T::ZERO);
        for (index, &shape) in self.shapes.iter().enumerate() {
            let Products { n_out, n_in, .. } = shape;
            let weights = dense(&self.weights[..n_out * n_in], n_out, n_in);
            for (kind_index, &kind) in KINDS.iter().enumerate() {
                let inputs = self.inputs[..n_in * self.samples].chunks_mut(share * n_in);
                let outputs = self.outputs[..n_out * self.samples].chunks_mut(share * n_out);
                let sums = self.sums.chunks_mut(self.weights.len());
                let mut parts: Vec<Part<'_, T>> = inputs
                    .zip(outputs)
                    .zip(sums)
                    .map(|((inputs, outputs), sums)| Part { inputs, outputs, sums })
                    .collect();
                let start = Instant::now();
                executor.run(parts.as_mut_slice(), |_, part, stack| {
                    product(gemm, kind, shape, weights, part, stack)
                })?;
                times[index * KINDS.len() + kind_index].push(start.elapsed().as_secs_f64());
            }
        }
        Ok(())
    }

    /// Seconds that the products of a sweep take, from the median of each product: the best kind of each shape.
    pub(super) fn seconds(&self, medians: &[f64]) -> f64 {
        let best = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let times = self.shapes.iter().zip(medians.chunks(KINDS.len()));
        self.scale * times.map(|(products, times)| products.count * best(times)).sum::<f64>()
    }
}

fn product<T: Real, G: Gemm<T>>(
    gemm: &G,
    kind: Kind,
    Products { n_out, n_in, .. }: Products,
    weights: MatRef<'_, T>,
    part: &mut Part<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let m = part.inputs.len() / n_in;
    let multiply = |a: MatRef<'_, T>, op_a, b: MatRef<'_, T>, op_b, c: MatMut<'_, T>| {
        gemm.gemm(T::ONE, a, op_a, b, op_b, T::ZERO, c, stack)
    };
    let (no, yes) = (Transpose::No, Transpose::Yes);
    match kind {
        Kind::Forward => {
            multiply(weights, no, dense(part.inputs, n_in, m), no, dense_mut(part.outputs, n_out, m))
        }
        Kind::Backward => {
            multiply(weights, yes, dense(part.outputs, n_out, m), no, dense_mut(part.inputs, n_in, m))
        }
        Kind::Cross => {
            let sums = dense_mut(&mut part.sums[..n_out * n_in], n_out, n_in);
            multiply(dense(part.outputs, n_out, m), no, dense(part.inputs, n_in, m), yes, sums)
        }
    }
}
