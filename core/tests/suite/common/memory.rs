//! Memory whose ends and gaps are watched.

use altmin_core::Real;
use altmin_core::view::{MatMut, MatRef, view, view_mut};
use altmin_core::workspace::{Requirement, Stack};

use super::Plain;

/// What must still stand where nothing may be written.
pub(crate) const CANARY: f64 = 12345.5;

/// Canaries behind a matrix or a workspace.
const TAIL: usize = 3;

/// A matrix with `gap` canaries between its columns and some behind the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strided<T> {
    data: Vec<T>,
    rows: usize,
    columns: usize,
    gap: usize,
}

impl<T: Real> Strided<T> {
    pub(crate) fn new(content: &Plain, gap: usize) -> Self {
        let Plain { rows, columns, .. } = *content;
        let mut data = vec![T::from_f64(CANARY); (rows + gap) * columns + TAIL];
        for j in 0..columns {
            for i in 0..rows {
                data[j * (rows + gap) + i] = T::from_f64(content[(i, j)]);
            }
        }
        Self { data, rows, columns, gap }
    }

    pub(crate) fn dense(content: &Plain) -> Self {
        Self::new(content, 0)
    }

    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    pub(crate) fn view(&self) -> MatRef<'_, T> {
        view("test", &self.data, self.rows, self.columns, self.rows + self.gap).unwrap()
    }

    pub(crate) fn view_mut(&mut self) -> MatMut<'_, T> {
        view_mut("test", &mut self.data, self.rows, self.columns, self.rows + self.gap).unwrap()
    }

    /// A single column without a gap, as a vector.
    pub(crate) fn slice(&self) -> &[T] {
        assert!(self.columns == 1);
        &self.data[..self.rows]
    }

    pub(crate) fn slice_mut(&mut self) -> &mut [T] {
        assert!(self.columns == 1);
        &mut self.data[..self.rows]
    }

    pub(crate) fn plain(&self) -> Plain {
        Plain::of(&self.view())
    }

    /// The canaries between and behind the columns stand.
    pub(crate) fn is_intact(&self) -> bool {
        let ld = self.rows + self.gap;
        let inside = |at: usize| ld > 0 && at / ld < self.columns && at % ld < self.rows;
        self.data.iter().enumerate().all(|(at, x)| inside(at) || x.to_f64() == CANARY)
    }
}

/// A workspace of exactly what was asked for, filled with NaN, and canaries behind it.
#[derive(Debug, Clone)]
pub(crate) struct Scratch<T> {
    data: Vec<T>,
    elements: usize,
}

impl<T: Real> Scratch<T> {
    pub(crate) fn new(requirement: Requirement) -> Self {
        Self::of(requirement.elements())
    }

    pub(crate) fn of(elements: usize) -> Self {
        let mut data = vec![T::from_f64(f64::NAN); elements];
        data.extend([T::from_f64(CANARY); TAIL]);
        Self { data, elements }
    }

    pub(crate) fn stack(&mut self) -> Stack<'_, T> {
        Stack::new(&mut self.data[..self.elements])
    }

    pub(crate) fn is_intact(&self) -> bool {
        self.data[self.elements..].iter().all(|x| x.to_f64() == CANARY)
    }
}
