//! The residual fully connected block, `y = x + f(W x + b)`: as many outputs as inputs.

use super::{Place, Sink, dense};
use crate::activation::Activation;
use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::update::sums::add_slice;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, copy, reborrow, require_size};
use crate::workspace::Stack;

/// `h <- f(W x + b)`, `y <- x + h`: all n x m; `place` is where W lies in the network's parameters. One product.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below
/// [`dense::forward_workspace`].
///
/// # Panics
/// If there are fewer parameters.
pub(super) fn forward<T: Real, G: Gemm<T>>(
    gemm: &G,
    activation: Activation<T>,
    place: Place,
    parameters: &[T],
    x: &MatRef<'_, T>,
    h: &mut MatMut<'_, T>,
    y: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let (weights, bias) = place.map.read(parameters);
    require_size("y", y.shape(), h.shape())?;
    dense::forward(gemm, &weights, bias, x, h, stack)?;
    copy(x, y);
    for j in 0..y.ncols() {
        activation.apply_in_place(column_mut(h, j));
        add_slice(column(&as_ref(h), j), column_mut(y, j));
    }
    Ok(())
}

/// The gradient in the input, `dx`, if it is wanted, and in the parameters, to `sink`; `dy` becomes that in `W x + b`. `x`
/// and `h` as [`forward`] left them. Two products, one without `dx`.
///
/// # Errors
/// As [`forward`], below [`dense::backward_workspace`].
///
/// # Panics
/// If there are fewer parameters.
pub(super) fn backward<T: Real, G: Gemm<T>, K: Sink<T>>(
    gemm: &G,
    activation: Activation<T>,
    place: Place,
    parameters: &[T],
    (x, h): (&MatRef<'_, T>, &MatRef<'_, T>),
    dy: &mut MatMut<'_, T>,
    mut dx: Option<&mut MatMut<'_, T>>,
    sink: &mut K,
    mut stack: Stack<'_, T>,
) -> Result {
    require_size("dy", dy.shape(), h.shape())?;
    if let Some(dx) = &mut dx {
        require_size("dx", dx.shape(), x.shape())?;
        copy(&as_ref(dy), dx);
    }
    for j in 0..dy.ncols() {
        activation.backward(column(h, j), column_mut(dy, j))?;
    }
    sink.add_dense(gemm, place, x, &as_ref(dy), stack.rest())?;
    let Some(dx) = dx else { return Ok(()) };
    let (weights, _) = place.map.read(parameters);
    gemm.gemm(T::ONE, weights, Transpose::Yes, as_ref(dy), Transpose::No, T::ONE, reborrow(dx), stack)
}
