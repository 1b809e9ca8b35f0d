//! Memory from the caller: how much an update needs, and a stack that carves it.
//!
//! Every function that needs scratch has a twin whose name ends in `_workspace`, built from the same parts.

use crate::error::{Error, Result};
use crate::real::Real;
use crate::view::{MatMut, dense_mut};

/// Scratch memory that a call needs, in elements of its scalar type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirement {
    elements: usize,
}

impl Requirement {
    /// No memory at all.
    pub const NONE: Self = Self { elements: 0 };

    /// A vector of `elements`.
    pub const fn vector(elements: usize) -> Self {
        Self { elements }
    }

    /// A matrix of `rows x columns`.
    pub const fn matrix(rows: usize, columns: usize) -> Self {
        Self { elements: rows.saturating_mul(columns) }
    }

    /// Both at the same time.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { elements: self.elements.saturating_add(other.elements) }
    }

    /// One or the other, never both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        if self.elements > other.elements { self } else { other }
    }

    /// The number of elements.
    pub const fn elements(self) -> usize {
        self.elements
    }
}

/// The caller's memory, handed out from the front.
#[derive(Debug)]
pub struct Stack<'a, T> {
    free: &'a mut [T],
}

impl<'a, T: Real> Stack<'a, T> {
    /// A stack over `memory`, whose content does not matter.
    pub fn new(memory: &'a mut [T]) -> Self {
        Self { free: memory }
    }

    /// Elements left.
    pub fn len(&self) -> usize {
        self.free.len()
    }

    /// Nothing left.
    pub fn is_empty(&self) -> bool {
        self.free.is_empty()
    }

    /// `Ok` when at least `needed` is left.
    ///
    /// # Errors
    /// [`Error::Workspace`].
    pub fn require(&self, needed: Requirement) -> Result {
        if self.free.len() < needed.elements {
            return Err(Error::Workspace { found: self.free.len(), needed: needed.elements });
        }
        Ok(())
    }

    /// Takes a vector whose content is whatever was there.
    ///
    /// # Errors
    /// [`Error::Workspace`] if less is left.
    pub fn vector(&mut self, elements: usize) -> Result<&'a mut [T]> {
        self.require(Requirement::vector(elements))?;
        let (taken, rest) = core::mem::take(&mut self.free).split_at_mut(elements);
        self.free = rest;
        Ok(taken)
    }

    /// Takes a dense matrix whose content is whatever was there; errors as [`Stack::vector`].
    pub fn matrix(&mut self, rows: usize, columns: usize) -> Result<MatMut<'a, T>> {
        Ok(dense_mut(self.vector(rows * columns)?, rows, columns))
    }

    /// A stack over what is left, for one call; afterwards everything is free again.
    pub fn rest(&mut self) -> Stack<'_, T> {
        Stack { free: self.free }
    }
}
