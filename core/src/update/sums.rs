//! The sums over samples from which weights and bias are found.

use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::view::{MatMut, MatRef, column, column_mut, dense, dense_mut, require_length, require_size};
use crate::workspace::{Requirement, Stack};

/// The shape of a layer's sums in memory: `r p'`, the row sums of `r`, `p p'`, the row sums of `p`, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SumsShape {
    /// Outputs of the layer.
    pub n_out: usize,
    /// Inputs of the layer.
    pub n_in: usize,
}

impl SumsShape {
    /// Elements that the sums take: `n_out n_in + n_in n_in + n_out + n_in`.
    pub fn elements(self) -> usize {
        let rows = self.n_out.saturating_add(self.n_in);
        rows.saturating_mul(self.n_in).saturating_add(rows)
    }

    /// Elements at the front of the memory that belong to these parts.
    pub fn counted(self, parts: Parts) -> usize {
        match parts {
            Parts::All => self.elements(),
            Parts::Residual => self.n_out * self.n_in + self.n_out,
        }
    }

    /// Splits memory of at least [`elements`](Self::elements) into the four sums.
    ///
    /// # Errors
    /// [`Length`](crate::error::Error::Length) naming `sums`.
    pub fn carve<T: Real>(self, memory: &mut [T]) -> Result<SumsMut<'_, T>> {
        let short = self.short(memory.len());
        let (memory, _) = memory.split_at_mut_checked(self.elements()).ok_or(short)?;
        let (cross, rest) = memory.split_at_mut(self.n_out * self.n_in);
        let (residual, rest) = rest.split_at_mut(self.n_out);
        let (gram, input) = rest.split_at_mut(self.n_in * self.n_in);
        Ok(SumsMut {
            cross: dense_mut(cross, self.n_out, self.n_in),
            gram: dense_mut(gram, self.n_in, self.n_in),
            residual,
            input,
        })
    }

    /// The same for reading, with the number of samples that were added up.
    ///
    /// # Errors
    /// As [`carve`](Self::carve).
    pub fn read<T: Real>(self, memory: &[T], samples: usize) -> Result<Sums<'_, T>> {
        let (memory, _) = memory.split_at_checked(self.elements()).ok_or(self.short(memory.len()))?;
        let (cross, rest) = memory.split_at(self.n_out * self.n_in);
        let (residual, rest) = rest.split_at(self.n_out);
        let (gram, input) = rest.split_at(self.n_in * self.n_in);
        Ok(Sums {
            cross: dense(cross, self.n_out, self.n_in),
            gram: dense(gram, self.n_in, self.n_in),
            residual,
            input,
            samples,
        })
    }

    fn short(self, found: usize) -> crate::error::Error {
        crate::error::Error::Length { argument: "sums", found, needed: self.elements() }
    }
}

/// Sums to add to.
#[derive(Debug)]
pub struct SumsMut<'a, T: Real> {
    /// `r p'`, n_out x n_in.
    pub cross: MatMut<'a, T>,
    /// `p p'`, n_in x n_in; only the lower triangle counts until [`SumsMut::finish`].
    pub gram: MatMut<'a, T>,
    /// Row sums of `r`, n_out.
    pub residual: &'a mut [T],
    /// Row sums of `p`, n_in.
    pub input: &'a mut [T],
}

/// Finished sums.
#[derive(Debug, Clone, Copy)]
pub struct Sums<'a, T: Real> {
    /// `r p'`, n_out x n_in.
    pub cross: MatRef<'a, T>,
    /// `p p'`, n_in x n_in, symmetric.
    pub gram: MatRef<'a, T>,
    /// Row sums of `r`, n_out.
    pub residual: &'a [T],
    /// Row sums of `p`, n_in.
    pub input: &'a [T],
    /// The number of samples in the sums.
    pub samples: usize,
}

/// What a tile adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// All four sums.
    All,
    /// Only those of `r`: the input has not changed since `p p'` was added up (the data of the first layer).
    Residual,
}

/// **map**: adds a tile to the sums: `r p'` (one product), `p p'` (half a product) and both row sums.
///
/// `r` is n_out x m, `p` n_in x m, `sums` of that shape. The row sums of the tile are taken by themselves before they
/// join the total, as the products are: over many samples the rounding of a running sum would pass for spread when the
/// sums are centred.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape) naming `p` or the part of `sums`,
/// [`Workspace`](crate::error::Error::Workspace) below [`accumulate_workspace`].
pub fn accumulate<T: Real, G: Gemm<T>>(
    gemm: &G,
    r: &MatRef<'_, T>,
    p: &MatRef<'_, T>,
    parts: Parts,
    sums: &mut SumsMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    require_size("p", p.shape(), (p.nrows(), r.ncols()))?;
    sums.require(r.nrows(), p.nrows())?;
    stack.require(accumulate_workspace(gemm, r.nrows(), p.nrows(), r.ncols()))?;
    accumulate_residual(gemm, r, p, &mut sums.cross, sums.residual, stack.rest())?;
    if parts == Parts::All {
        gemm.syrk(T::ONE, *p, T::ONE, crate::view::reborrow(&mut sums.gram), stack.rest())?;
        add_columns(p, sums.input, stack)?;
    }
    Ok(())
}

/// The part of [`accumulate`] that `r` has a share in, for whoever wants no other: `r p'` joins `cross` (n_out x n_in)
/// and the row sums of `r` join `residual` (n_out). One product.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`accumulate_workspace`].
pub fn accumulate_residual<T: Real, G: Gemm<T>>(
    gemm: &G,
    r: &MatRef<'_, T>,
    p: &MatRef<'_, T>,
    cross: &mut MatMut<'_, T>,
    residual: &mut [T],
    mut stack: Stack<'_, T>,
) -> Result {
    require_size("p", p.shape(), (p.nrows(), r.ncols()))?;
    require_size("sums.cross", cross.shape(), (r.nrows(), p.nrows()))?;
    require_length("sums.residual", residual.len(), r.nrows())?;
    stack.require(accumulate_workspace(gemm, r.nrows(), p.nrows(), r.ncols()))?;
    let cross = crate::view::reborrow(cross);
    gemm.gemm(T::ONE, *r, Transpose::No, *p, Transpose::Yes, T::ONE, cross, stack.rest())?;
    add_columns(r, residual, stack)
}

/// Scratch of [`accumulate`] for a tile of m columns: one product's, or one column.
pub fn accumulate_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    n_out: usize,
    n_in: usize,
    m: usize,
) -> Requirement {
    let product = gemm.workspace(n_out, n_in, m).or(gemm.workspace(n_in, n_in, m));
    product.or(Requirement::vector(n_out.max(n_in)))
}

/// Columns that are added up before their sum joins the total.
const BLOCK: usize = 64;

pub(crate) fn add_columns<T: Real>(
    matrix: &MatRef<'_, T>,
    total: &mut [T],
    mut stack: Stack<'_, T>,
) -> Result {
    let block = stack.vector(total.len())?;
    for start in (0..matrix.ncols()).step_by(BLOCK) {
        block.fill(T::ZERO);
        for j in start..matrix.ncols().min(start + BLOCK) {
            add_slice(column(matrix, j), block);
        }
        add_slice(block, total);
    }
    Ok(())
}

/// Adds the sums of another part of the samples; `total` and `part` are the flat memory of both.
///
/// With [`Parts::Residual`] the input's sums in `total` stay as they are.
///
/// # Errors
/// [`Length`](crate::error::Error::Length) naming `sums`.
pub fn add<T: Real>(shape: SumsShape, parts: Parts, part: &[T], total: &mut [T]) -> Result {
    let counted = shape.counted(parts);
    for found in [part.len(), total.len()] {
        if found < shape.elements() {
            return Err(shape.short(found));
        }
    }
    add_slice(&part[..counted], &mut total[..counted]);
    Ok(())
}

/// `to <- to + from`, element by element.
pub(crate) fn add_slice<T: Real>(from: &[T], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

impl<T: Real> SumsMut<'_, T> {
    pub(crate) fn require(&self, n_out: usize, n_in: usize) -> Result {
        require_size("sums.cross", self.cross.shape(), (n_out, n_in))?;
        require_size("sums.gram", self.gram.shape(), (n_in, n_in))?;
        require_length("sums.residual", self.residual.len(), n_out)?;
        require_length("sums.input", self.input.len(), n_in)
    }

    /// Sets the sums, or those of `r` alone, to zero.
    pub fn clear(&mut self, parts: Parts) {
        fill(&mut self.cross, T::ZERO);
        self.residual.fill(T::ZERO);
        if parts == Parts::All {
            fill(&mut self.gram, T::ZERO);
            self.input.fill(T::ZERO);
        }
    }

    /// Mirrors the lower triangle of `p p'`, after the last tile was added.
    pub fn finish(&mut self) {
        for j in 0..self.gram.ncols() {
            for i in j + 1..self.gram.nrows() {
                self.gram[(j, i)] = self.gram[(i, j)];
            }
        }
    }

    /// The sums after `r <- r + D p + d 1'` (a step of weights and bias), without a pass over the samples:
    /// `r p' <- r p' + D p p' + d (p 1)'` and `r 1 <- r 1 + D p 1 + M d`.
    ///
    /// `p p'` must be finished. `change` is n_out x n_in, `bias_change` n_out. One product of n_out x n_in x n_in.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`follow_workspace`].
    pub fn follow<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        change: &MatRef<'_, T>,
        bias_change: &[T],
        samples: usize,
        stack: Stack<'_, T>,
    ) -> Result {
        let (n_out, n_in) = change.shape();
        self.require(n_out, n_in)?;
        require_length("bias_change", bias_change.len(), n_out)?;
        stack.require(follow_workspace(gemm, n_out, n_in))?;
        let gram = crate::view::as_ref(&self.gram);
        let cross = crate::view::reborrow(&mut self.cross);
        gemm.gemm(T::ONE, *change, Transpose::No, gram, Transpose::No, T::ONE, cross, stack)?;
        let count = T::from_usize(samples);
        for (sum, &d) in self.residual.iter_mut().zip(bias_change) {
            *sum += count * d;
        }
        for j in 0..change.ncols() {
            let input = self.input[j];
            let cross = column_mut(&mut self.cross, j);
            for (i, (&c, &d)) in column(change, j).iter().zip(bias_change).enumerate() {
                self.residual[i] += c * input;
                cross[i] += d * input;
            }
        }
        Ok(())
    }
}

/// Scratch of [`SumsMut::follow`]: one product's.
pub fn follow_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize) -> Requirement {
    gemm.workspace(n_out, n_in, n_in)
}

fn fill<T: Real>(matrix: &mut MatMut<'_, T>, value: T) {
    for j in 0..matrix.ncols() {
        column_mut(matrix, j).fill(value);
    }
}
