//! A dense matrix over memory that is owned or borrowed, as its holder likes.

use core::marker::PhantomData;

use crate::error::{Error, Result};
use crate::real::Real;
use crate::view::{MatMut, MatRef, dense, dense_mut};

/// Memory for scalars: a slice, an array, or whatever a host allocates.
pub trait Memory<T>: AsRef<[T]> + AsMut<[T]> + Send + Sync {}

impl<T, S: AsRef<[T]> + AsMut<[T]> + Send + Sync> Memory<T> for S {}

/// A `rows x columns` matrix, column-major without gaps.
#[derive(Debug, Clone)]
pub struct Matrix<T, S> {
    memory: S,
    rows: usize,
    columns: usize,
    scalar: PhantomData<T>,
}

impl<T: Real, S: Memory<T>> Matrix<T, S> {
    /// A matrix over `memory`, whose content it takes as it is.
    ///
    /// # Errors
    /// [`Error::Length`] naming `argument` if the memory is not exactly `rows * columns` long.
    pub fn new(argument: &'static str, memory: S, rows: usize, columns: usize) -> Result<Self> {
        let found = memory.as_ref().len();
        match rows.checked_mul(columns) {
            Some(needed) if needed == found => Ok(Self { memory, rows, columns, scalar: PhantomData }),
            needed => Err(Error::Length { argument, found, needed: needed.unwrap_or(usize::MAX) }),
        }
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The matrix for reading.
    pub fn view(&self) -> MatRef<'_, T> {
        dense(self.memory.as_ref(), self.rows, self.columns)
    }

    /// The matrix for writing.
    pub fn view_mut(&mut self) -> MatMut<'_, T> {
        dense_mut(self.memory.as_mut(), self.rows, self.columns)
    }

    /// Columns `start .. start + count` for reading.
    ///
    /// # Panics
    /// If there are fewer columns.
    pub fn columns(&self, start: usize, count: usize) -> MatRef<'_, T> {
        dense(&self.memory.as_ref()[start * self.rows..(start + count) * self.rows], self.rows, count)
    }

    /// Columns `start .. start + count` for writing; panics as [`Matrix::columns`].
    pub fn columns_mut(&mut self, start: usize, count: usize) -> MatMut<'_, T> {
        let rows = self.rows;
        dense_mut(&mut self.memory.as_mut()[start * rows..(start + count) * rows], rows, count)
    }

    /// The elements, column after column.
    pub fn as_slice(&self) -> &[T] {
        self.memory.as_ref()
    }

    /// The elements, column after column.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.memory.as_mut()
    }
}
