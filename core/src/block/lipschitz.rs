//! How much a network can stretch a difference of its inputs: a product over blocks.
//!
//! - A linear map: its spectral norm, by power iteration of `A'A` with the map itself, a convolution on whole images.
//!   The iteration approaches the norm **from below**, so what comes out is an estimate and not a certificate.
//! - An activation: its Lipschitz constant s.
//! - Max-pool: a change of a pixel shows in the windows it lies in, c at most, and each window shows no more than its
//!   largest change: sqrt(c), 1 without overlap. Average-pool over k x k: sqrt(c)/k; the global one 1/sqrt(pixels).
//! - Batch normalisation with its running variance v: the largest `|gamma|/sqrt(v + 1e-5)`.
//! - A residual pair `f(x' + C_2 f(C_1 x))`: `s (|skip| + s |C_1||C_2|)`, |skip| = 1 without a projection.

use super::batch_norm::BatchNorm;
use super::conv::Bound;
use super::network::Step;
use super::residual::BoundResidual;
use super::{Block, LinearMap, Network, dense};
use crate::error::{Error, Result};
use crate::gemm::Gemm;
use crate::real::Real;
use crate::reduce;
use crate::view::{as_ref, dense as view, dense_mut};
use crate::workspace::{Requirement, Stack};

/// A linear map with what applies it.
#[derive(Clone, Copy)]
struct Operator {
    map: LinearMap,
    /// `None` for a fully connected map.
    conv: Option<Bound>,
}

impl Operator {
    /// Features that go in and come out.
    fn sides(&self) -> (usize, usize) {
        match self.conv {
            None => (self.map.n_in, self.map.n_out),
            Some(conv) => (conv.input().features(), conv.output().features()),
        }
    }

    /// The vector, its image, a bias of zeros, and a pass's.
    fn workspace<T: Real, G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let (from, to) = self.sides();
        let LinearMap { n_out, n_in, .. } = self.map;
        let pass = match self.conv {
            None => dense::forward_workspace(gemm, n_out, n_in, 1)
                .or(dense::backward_workspace(gemm, n_out, n_in, 1)),
            Some(conv) => conv.workspace(gemm),
        };
        Requirement::vector(from).and(Requirement::vector(to)).and(Requirement::vector(n_out)).and(pass)
    }

    /// The largest `|A v|` of the power iteration.
    fn norm<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        iterations: usize,
        mut stack: Stack<'_, T>,
    ) -> Result<f64> {
        let (from, to) = self.sides();
        let (v, image) = (stack.vector(from)?, stack.vector(to)?);
        let bias = stack.vector(self.map.n_out)?;
        let (weights, _) = self.map.read(parameters);
        bias.fill(T::ZERO);
        start(v);
        let mut norm = 0.0_f64;
        for _ in 0..iterations.max(1) {
            let length = libm::sqrt(reduce::sum_squares(v));
            if length == 0.0 {
                break;
            }
            let inverse = T::from_f64(1.0 / length);
            v.iter_mut().for_each(|v| *v *= inverse);
            let (p, mut z) = (view(v, from, 1), dense_mut(image, to, 1));
            match self.conv {
                None => dense::forward(gemm, &weights, bias, &p, &mut z, stack.rest())?,
                Some(conv) => conv.forward(gemm, &weights, bias, &p, &mut z, stack.rest())?,
            }
            let (z, mut p) = (as_ref(&z), dense_mut(v, from, 1));
            match self.conv {
                None => dense::backward_input(gemm, &weights, &z, &mut p, stack.rest())?,
                Some(conv) => conv.backward_input(gemm, &weights, &z, &mut p, stack.rest())?,
            }
            let found = libm::sqrt(reduce::sum_squares(image));
            if !found.is_finite() {
                return Err(Error::NonFinite { quantity: "the norm of a linear map" });
            }
            norm = norm.max(found);
        }
        Ok(norm)
    }
}

/// Numbers without a pattern, the same on every call: a start that no singular vector is at right angles to, but by
/// accident.
fn start<T: Real>(v: &mut [T]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for v in v {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *v = T::from_f64((state >> 33) as f64 / f64::from(1_u32 << 31) + 0.125);
    }
}

impl<T: Real> Network<'_, T> {
    /// An upper bound of the Lipschitz constant of the network in its input, up to the spectral norms of its linear maps,
    /// which `iterations` of the power method approach from below (some hundred come within a per cent, as a rule).
    ///
    /// # Errors
    /// [`Error::Length`] naming `parameters`, [`Error::Workspace`] below [`Network::lipschitz_workspace`],
    /// [`Error::NonFinite`] if a norm is.
    pub fn lipschitz<G: Gemm<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        iterations: usize,
        mut stack: Stack<'_, T>,
    ) -> Result<f64> {
        let (found, needed) = (parameters.len(), self.parameters());
        if found < needed {
            return Err(Error::Length { argument: "parameters", found, needed });
        }
        stack.require(self.lipschitz_workspace(gemm))?;
        self.steps().try_fold(1.0, |product, step| {
            let norm = |operator: Operator| operator.norm(gemm, parameters, iterations, stack.rest());
            Ok(product * stretch(&step, parameters, norm)?)
        })
    }

    /// Scratch of [`Network::lipschitz`].
    pub fn lipschitz_workspace<G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let all = self.steps().flat_map(|step| operators(&step).into_iter().flatten());
        all.map(|operator| operator.workspace(gemm)).fold(Requirement::NONE, Requirement::or)
    }
}

/// The linear maps of a block, as [`Block::maps`] orders them.
fn operators<T: Real>(step: &Step<T>) -> [Option<Operator>; 3] {
    let mut operators =
        step.block.maps(step.input, step.offset).map(|map| map.map(|map| Operator { map, conv: None }));
    match step.block {
        Block::Conv(conv) => {
            operators[0] = operators[0].and_then(|operator| {
                Some(Operator { conv: Some(Bound::new(conv, step.input).ok()?), ..operator })
            });
        }
        Block::Residual(pair) => {
            operators = [None; 3];
            if let Ok(pair) = BoundResidual::new(&pair, step.input, step.offset, 0) {
                for (operator, (conv, place)) in operators.iter_mut().zip(pair.convolutions()) {
                    *operator = Some(Operator { map: place.map, conv: Some(*conv) });
                }
            }
        }
        _ => {}
    }
    operators
}

/// The constant of a block; `norm` finds that of a linear map.
fn stretch<T: Real>(
    step: &Step<T>,
    parameters: &[T],
    mut norm: impl FnMut(Operator) -> Result<f64>,
) -> Result<f64> {
    let overlap = |window: super::pool::Window| libm::sqrt(window.overlap(step.output) as f64);
    Ok(match step.block {
        Block::Dense { .. } | Block::Conv(_) => {
            let [only, ..] = operators(step);
            only.map_or(Ok(1.0), norm)?
        }
        Block::ResidualDense(activation) => {
            let [only, ..] = operators(step);
            1.0 + activation.lipschitz().to_f64() * only.map_or(Ok(1.0), norm)?
        }
        Block::Residual(pair) => {
            let mut norms = [1.0; 3];
            for (to, operator) in norms.iter_mut().zip(operators(step)) {
                *to = operator.map_or(Ok(1.0), &mut norm)?;
            }
            let s = pair.activation.lipschitz().to_f64();
            let [first, second, skip] = norms;
            s * (skip + s * first * second)
        }
        Block::MaxPool(window) => overlap(window),
        Block::AveragePool(window) => overlap(window) / window.size as f64,
        Block::GlobalAveragePool => 1.0 / libm::sqrt(step.input.pixels() as f64),
        // What is bounded is the network in use.
        Block::Flatten | Block::Dropout { .. } => 1.0,
        Block::BatchNorm => BatchNorm::of(step).steepest(parameters),
        Block::Activation(activation) => activation.lipschitz().to_f64(),
    })
}
