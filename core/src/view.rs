//! Matrices as views with unit row stride over the caller's memory.
//!
//! Every matrix is features x samples and column-major; the distance from one column to the next is the leading
//! dimension, as in BLAS. Row strides other than 1 do not exist here: transposition is an argument of
//! [`Gemm`](crate::gemm::Gemm), and nalgebra's own products are not used (with such strides they are unsound).

use nalgebra::{Const, Dyn, MatrixView, MatrixViewMut};

use crate::error::{Error, Result};
use crate::real::Real;

/// A matrix to read: column-major, unit row stride, any leading dimension.
pub type MatRef<'a, T> = MatrixView<'a, T, Dyn, Dyn, Const<1>, Dyn>;
/// A matrix to write: column-major, unit row stride, any leading dimension.
pub type MatMut<'a, T> = MatrixViewMut<'a, T, Dyn, Dyn, Const<1>, Dyn>;

/// Elements that a matrix spans in memory: `(columns - 1) * leading_dimension + rows`, or 0 if it is empty.
///
/// `None` when that number overflows.
pub fn span(rows: usize, columns: usize, leading_dimension: usize) -> Option<usize> {
    if rows == 0 || columns == 0 {
        return Some(0);
    }
    (columns - 1).checked_mul(leading_dimension)?.checked_add(rows)
}

fn check_layout(
    argument: &'static str,
    found: usize,
    rows: usize,
    columns: usize,
    leading_dimension: usize,
) -> Result {
    if leading_dimension < rows {
        return Err(Error::LeadingDimension { argument, found: leading_dimension, rows });
    }
    let needed = span(rows, columns, leading_dimension).unwrap_or(usize::MAX);
    if found < needed {
        return Err(Error::Length { argument, found, needed });
    }
    Ok(())
}

/// The stride to give nalgebra: an empty matrix has no second column to reach.
fn stride(rows: usize, columns: usize, leading_dimension: usize) -> Dyn {
    Dyn(if rows == 0 || columns == 0 { rows } else { leading_dimension })
}

/// A view of `rows x columns` over `data`.
///
/// # Errors
/// [`Error::LeadingDimension`] below `rows`, [`Error::Length`] if `data` is shorter than [`span`]; both name `argument`.
pub fn view<'a, T: Real>(
    argument: &'static str,
    data: &'a [T],
    rows: usize,
    columns: usize,
    leading_dimension: usize,
) -> Result<MatRef<'a, T>> {
    check_layout(argument, data.len(), rows, columns, leading_dimension)?;
    let stride = stride(rows, columns, leading_dimension);
    Ok(MatRef::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Const, stride))
}

/// A mutable view of `rows x columns` over `data`; errors as [`view`].
pub fn view_mut<'a, T: Real>(
    argument: &'static str,
    data: &'a mut [T],
    rows: usize,
    columns: usize,
    leading_dimension: usize,
) -> Result<MatMut<'a, T>> {
    check_layout(argument, data.len(), rows, columns, leading_dimension)?;
    let stride = stride(rows, columns, leading_dimension);
    Ok(MatMut::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Const, stride))
}

/// A view without gaps between its columns.
///
/// # Panics
/// If `data` is shorter than `rows * columns`: for memory whose size the caller has just computed.
pub fn dense<T: Real>(data: &[T], rows: usize, columns: usize) -> MatRef<'_, T> {
    MatRef::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Const, Dyn(rows))
}

/// A mutable view without gaps between its columns; panics as [`dense`].
pub fn dense_mut<T: Real>(data: &mut [T], rows: usize, columns: usize) -> MatMut<'_, T> {
    MatMut::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Const, Dyn(rows))
}

/// The leading dimension of a view.
pub fn leading_dimension<T: Real>(matrix: &MatRef<'_, T>) -> usize {
    matrix.strides().1
}

/// Column `j` as a slice.
///
/// # Panics
/// If the matrix has no column `j`.
#[inline]
pub fn column<'a, T: Real>(matrix: &MatRef<'a, T>, j: usize) -> &'a [T] {
    let (rows, columns) = matrix.shape();
    assert!(j < columns, "column {j} of {columns}");
    let start = matrix.as_ptr().wrapping_add(j * matrix.strides().1);
    // SAFETY: a view's columns lie within the memory that it borrows for 'a, rows are contiguous (unit stride), and
    // j is below the number of columns; nalgebra offers no accessor that keeps 'a.
    #[allow(unsafe_code)]
    unsafe {
        core::slice::from_raw_parts(start, rows)
    }
}

/// Column `j` as a mutable slice; panics as [`column()`].
#[inline]
pub fn column_mut<'b, T: Real>(matrix: &'b mut MatMut<'_, T>, j: usize) -> &'b mut [T] {
    let (rows, columns) = matrix.shape();
    assert!(j < columns, "column {j} of {columns}");
    let start = matrix.as_mut_ptr().wrapping_add(j * matrix.strides().1);
    // SAFETY: as in `column`; the mutable borrow of the view for 'b makes the slice the only way to its memory.
    #[allow(unsafe_code)]
    unsafe {
        core::slice::from_raw_parts_mut(start, rows)
    }
}

/// The same matrix, borrowed for reading.
#[inline]
pub fn as_ref<'b, T: Real>(matrix: &'b MatMut<'_, T>) -> MatRef<'b, T> {
    matrix.view((0, 0), matrix.shape())
}

/// The same matrix, borrowed again for writing.
#[inline]
pub fn reborrow<'b, T: Real>(matrix: &'b mut MatMut<'_, T>) -> MatMut<'b, T> {
    let shape = matrix.shape();
    matrix.view_mut((0, 0), shape)
}

/// Columns `start .. start + count`.
///
/// # Panics
/// If the matrix has fewer columns.
#[inline]
pub fn columns<'a, T: Real>(matrix: &MatRef<'a, T>, start: usize, count: usize) -> MatRef<'a, T> {
    let (rows, all) = matrix.shape();
    assert!(start <= all && count <= all - start, "columns {start}..{start}+{count} of {all}");
    if rows == 0 || count == 0 {
        return MatRef::from_slice_with_strides_generic(&[], Dyn(rows), Dyn(count), Const, Dyn(rows));
    }
    let ld = matrix.strides().1;
    let first = matrix.as_ptr().wrapping_add(start * ld);
    // SAFETY: the columns lie within the memory that the view borrows for 'a (checked above); the slice spans from
    // the first row of the first to the last row of the last, and gaps belong to the same borrow.
    #[allow(unsafe_code)]
    let data = unsafe { core::slice::from_raw_parts(first, (count - 1) * ld + rows) };
    MatRef::from_slice_with_strides_generic(data, Dyn(rows), Dyn(count), Const, Dyn(ld))
}

/// Columns `start .. start + count` for writing; panics as [`columns`].
#[inline]
pub fn columns_mut<'b, T: Real>(matrix: &'b mut MatMut<'_, T>, start: usize, count: usize) -> MatMut<'b, T> {
    let rows = matrix.nrows();
    matrix.view_mut((0, start), (rows, count))
}

/// Copies `from` into `to`.
///
/// # Panics
/// If the shapes differ.
pub fn copy<T: Real>(from: &MatRef<'_, T>, to: &mut MatMut<'_, T>) {
    assert_eq!(from.shape(), to.shape());
    for j in 0..from.ncols() {
        column_mut(to, j).copy_from_slice(column(from, j));
    }
}

/// `Ok` when the two shapes are the same.
pub fn require_size(argument: &'static str, found: (usize, usize), expected: (usize, usize)) -> Result {
    if found == expected { Ok(()) } else { Err(Error::Shape { argument, found, expected }) }
}

/// `Ok` when a vector has `length` elements.
pub fn require_length(argument: &'static str, found: usize, length: usize) -> Result {
    require_size(argument, (found, 1), (length, 1))
}
