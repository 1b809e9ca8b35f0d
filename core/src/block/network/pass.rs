//! One block of a network: forward into the record, and back.

use super::{Sink, Step, input_of, output_in};
use crate::block::batch_norm::BatchNorm;
use crate::block::conv::Bound;
use crate::block::residual::BoundResidual;
use crate::block::{Block, LinearMap, MapKind, Place, dense, dropout, pool, residual_dense};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::real::Real;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, copy, dense as view, dense_mut};
use crate::workspace::{Requirement, Stack};

/// The map of a block that has a single one.
fn only_map<T: Real>(step: &Step<T>) -> Place {
    let map = LinearMap { kind: MapKind::Dense, offset: step.offset, n_out: 0, n_in: 0 };
    step.places().next().unwrap_or(Place { map, start: step.sums, pixels: 0 })
}

/// Writes what `step` makes of its input into the record.
pub(super) fn forward<T: Real, G: Gemm<T>>(
    gemm: &G,
    step: &Step<T>,
    parameters: &[T],
    x: &MatRef<'_, T>,
    record: &mut [T],
    m: usize,
    stack: Stack<'_, T>,
) -> Result {
    let (input, output) = (step.input, step.output);
    if step.in_place() {
        if let Block::Activation(activation) = step.block {
            activation.apply_in_place(&mut record[step.target() * m..step.end() * m]);
        }
        return Ok(());
    }
    // What goes in lies before what comes out.
    let (before, after) = record.split_at_mut((step.target() - step.inner()) * m);
    let p = match step.source() {
        None => *x,
        Some(source) => view(&before[source * m..], input.features(), m),
    };
    let (inner, after) = after.split_at_mut(step.inner() * m);
    let mut y = dense_mut(&mut after[..output.features() * m], output.features(), m);
    match step.block {
        Block::Dense { .. } => {
            let (weights, bias) = only_map(step).map.read(parameters);
            dense::forward(gemm, &weights, bias, &p, &mut y, stack)
        }
        Block::Conv(conv) => {
            let (weights, bias) = only_map(step).map.read(parameters);
            Bound::new(conv, input)?.forward(gemm, &weights, bias, &p, &mut y, stack)
        }
        Block::MaxPool(window) => pool::max_forward(window, input, output, &p, &mut y),
        Block::AveragePool(window) => pool::average_forward(window, input, output, &p, &mut y),
        Block::GlobalAveragePool => pool::global_forward(input, &p, &mut y),
        Block::Flatten => {
            copy(&p, &mut y);
            Ok(())
        }
        Block::Activation(activation) => {
            (0..m).try_for_each(|j| activation.apply(column(&p, j), column_mut(&mut y, j)))
        }
        Block::Dropout { share } => {
            copy(&p, &mut y);
            if let Some(masks) = step.masks() {
                let features = output.features();
                dropout::drop_features(share, &masks, features, &mut after[..features * m]);
            }
            Ok(())
        }
        Block::BatchNorm => {
            BatchNorm::of(step).forward(parameters, &p, &mut y);
            Ok(())
        }
        Block::Residual(pair) => {
            let pair = BoundResidual::new(&pair, input, step.offset, step.sums)?;
            let mut h = dense_mut(inner, output.features(), m);
            pair.forward(gemm, parameters, &p, &mut h, &mut y, stack)
        }
        Block::ResidualDense(activation) => {
            let mut h = dense_mut(inner, output.features(), m);
            let place = only_map(step);
            residual_dense::forward(gemm, activation, place, parameters, &p, &mut h, &mut y, stack)
        }
    }
}

/// Whether the gradient in a block's input takes the place of that in its output.
pub(super) fn keeps_place<T>(block: &Block<T>) -> bool {
    matches!(block, Block::Activation(_) | Block::Flatten | Block::Dropout { .. })
}

/// The way back through a block that [`keeps_place`]: `signal` holds the gradient in its output, then that in its input.
pub(super) fn backward_in_place<T: Real>(step: &Step<T>, record: &[T], m: usize, signal: &mut [T]) -> Result {
    match step.block {
        Block::Activation(activation) => {
            activation.backward(&record[step.target() * m..step.end() * m], signal)
        }
        Block::Dropout { share } => {
            if let Some(masks) = step.masks() {
                dropout::drop_features(share, &masks, step.output.features(), signal);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Takes the gradient `dy` in a block's output, which it overwrites, to its input and to the sink; not for a block that
/// [`keeps_place`].
pub(super) fn backward<T: Real, G: Gemm<T>, K: Sink<T>>(
    gemm: &G,
    step: &Step<T>,
    parameters: &[T],
    x: &MatRef<'_, T>,
    record: &[T],
    dy: &mut MatMut<'_, T>,
    dx: Option<&mut MatMut<'_, T>>,
    sink: &mut K,
    mut stack: Stack<'_, T>,
) -> Result {
    let m = dy.ncols();
    let input = step.input;
    let (p, y) = (input_of(step, x, record, m), output_in(step, record, m));
    match step.block {
        Block::Dense { .. } => {
            let place = only_map(step);
            sink.add_dense(gemm, place, &p, &as_ref(dy), stack.rest())?;
            match dx {
                None => Ok(()),
                Some(dx) => {
                    dense::backward_input(gemm, &place.map.read(parameters).0, &as_ref(dy), dx, stack)
                }
            }
        }
        Block::Conv(conv) => {
            let (place, conv) = (only_map(step), Bound::new(conv, input)?);
            sink.add_conv(gemm, place, &conv, &p, &as_ref(dy), stack.rest())?;
            match dx {
                None => Ok(()),
                Some(dx) => conv.backward_input(gemm, &place.map.read(parameters).0, &as_ref(dy), dx, stack),
            }
        }
        Block::Residual(pair) => {
            let pair = BoundResidual::new(&pair, input, step.offset, step.sums)?;
            pair.backward(gemm, parameters, &p, &inner_in(step, record, m), &y, dy, dx, sink, stack)
        }
        Block::ResidualDense(activation) => {
            let signals = (&p, &inner_in(step, record, m));
            let place = only_map(step);
            residual_dense::backward(gemm, activation, place, parameters, signals, dy, dx, sink, stack)
        }
        Block::BatchNorm => BatchNorm::of(step).backward(parameters, &p, &as_ref(dy), dx, sink),
        // The others have no parameters: without a wish for dx there is nothing to do.
        _ => dx.map_or(Ok(()), |dx| backward_input(step, &p, &y, dy, dx)),
    }
}

/// The inner signal of a residual block.
fn inner_in<'r, T: Real>(step: &Step<T>, record: &'r [T], m: usize) -> MatRef<'r, T> {
    let start = (step.target() - step.inner()) * m;
    view(&record[start..start + step.inner() * m], step.inner(), m)
}

/// The way back through a block without parameters.
fn backward_input<T: Real>(
    step: &Step<T>,
    p: &MatRef<'_, T>,
    y: &MatRef<'_, T>,
    dy: &mut MatMut<'_, T>,
    dx: &mut MatMut<'_, T>,
) -> Result {
    match step.block {
        Block::MaxPool(window) => pool::max_backward(window, step.input, step.output, p, y, &as_ref(dy), dx),
        Block::AveragePool(window) => {
            pool::average_backward(window, step.input, step.output, &as_ref(dy), dx)
        }
        Block::GlobalAveragePool => pool::global_backward(step.input, &as_ref(dy), dx),
        // The others keep the gradient's place, or have parameters.
        _ => Ok(()),
    }
}

/// Scratch of [`forward`] and [`backward`] for m columns.
pub(super) fn workspace<T: Real, G: Gemm<T>>(gemm: &G, step: &Step<T>, m: usize) -> Requirement {
    match step.block {
        Block::Dense { .. } | Block::ResidualDense(_) => {
            let (outputs, inputs) = (step.output.features(), step.input.features());
            dense::forward_workspace(gemm, outputs, inputs, m)
                .or(dense::backward_workspace(gemm, outputs, inputs, m))
        }
        Block::Conv(conv) => {
            Bound::new(conv, step.input).map_or(Requirement::NONE, |conv| conv.workspace(gemm))
        }
        Block::Residual(pair) => BoundResidual::new(&pair, step.input, step.offset, step.sums)
            .map_or(Requirement::NONE, |pair| pair.workspace(gemm, m)),
        _ => Requirement::NONE,
    }
}
