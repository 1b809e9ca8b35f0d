//! What the network says of any samples, with its present weights.

use altmin_core::Real;
use altmin_core::executor::{Executor, Runs};
use altmin_core::loss::argmax;
use altmin_core::view::{MatRef, column, columns, span, view_mut};

use super::{Trainer, compiled, predictor, require_like, require_same};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::evaluate::require_finite;
use crate::network::score::Score;

impl<T: Real> Trainer<T> {
    /// Mean risk and accuracy, or R^2, of the network with its present weights on any data set of the training set's shape.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of features, classes or values, [`Error::Data`] for values in place of classes
    /// and the other way round, [`Error::Core`] if the weights are so large that the risk is not finite.
    pub fn evaluate(&mut self, data: &Dataset<T>) -> Result<Score> {
        require_like(data, &self.train)?;
        let threads = self.threads.clone();
        Ok(threads.enter(|| compiled::score(self, data))?)
    }

    /// Writes the outputs of the network with its present weights, scores of classes or values, for the samples in the
    /// columns of `features` (features x samples): outputs x samples into `outputs`, column-major, `leading_dimension`
    /// elements from one column to the next. Gaps between columns stay as they are.
    ///
    /// Features are taken as the training set has them: scaled and pooled, if its samples were. With one thread
    /// nothing is allocated.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of features, [`Error::Argument`] (`features`) for a number that is NaN or
    /// infinite, [`Error::Core`] naming `outputs` if it is too short or the leading dimension too small. Nothing is written
    /// then.
    pub fn predict(
        &mut self,
        features: &MatRef<'_, T>,
        outputs: &mut [T],
        leading_dimension: usize,
    ) -> Result {
        let (rows, samples) = (self.train.n_outputs(), features.ncols());
        self.require_features(features)?;
        view_mut("outputs", outputs, rows, samples, leading_dimension)?;
        if samples == 0 {
            return Ok(());
        }
        let spanned = span(rows, samples, leading_dimension).unwrap_or(outputs.len());
        let threads = self.threads.clone();
        let Self { engine, executor, gemm, .. } = self;
        let predictor = predictor(engine);
        let tile = predictor.tile();
        let runs = Runs::new(&mut outputs[..spanned], leading_dimension.saturating_mul(tile));
        threads.enter(|| {
            executor.run(runs, |t, run, stack| {
                let x = tile_of(features, t, tile);
                let mut z = view_mut("outputs", run, rows, x.ncols(), leading_dimension)?;
                predictor.predict(&*gemm, &x, &mut z, stack)
            })
        })?;
        Ok(())
    }

    /// Writes the class with the largest score, the first of several, of each sample in the columns of `features`
    /// (features x samples).
    ///
    /// # Errors
    /// As [`Trainer::predict`]; [`Error::Argument`] (`classes`) for another number of elements than samples, and where
    /// values are learnt. Nothing is written then.
    pub fn predict_classes(&mut self, features: &MatRef<'_, T>, classes: &mut [i32]) -> Result {
        self.require_features(features)?;
        if self.train.outputs().are_values() {
            return Err(Error::argument("classes", "asked for", "a network for classes, not for values"));
        }
        if classes.len() != features.ncols() {
            let expected = format!("{}, the samples", features.ncols());
            return Err(Error::argument("classes", classes.len(), expected));
        }
        let rows = self.train.n_outputs();
        let threads = self.threads.clone();
        let Self { engine, executor, gemm, .. } = self;
        let predictor = predictor(engine);
        let tile = predictor.tile();
        threads.enter(|| {
            executor.run(Runs::new(classes, tile), |t, classes, mut stack| {
                let x = tile_of(features, t, tile);
                let mut z = stack.matrix(rows, x.ncols())?;
                predictor.predict(&*gemm, &x, &mut z, stack)?;
                for (j, class) in classes.iter_mut().enumerate() {
                    let scores = altmin_core::view::as_ref(&z);
                    // Scores of more classes than an i32 can count would not fit into memory.
                    *class = argmax(column(&scores, j)) as i32;
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    /// `Ok` for samples that the network can take.
    fn require_features(&self, features: &MatRef<'_, T>) -> Result {
        require_same("features", features.nrows(), self.train.n_features())?;
        require_finite("features", features)
    }
}

/// The samples of tile `t`.
fn tile_of<'a, T: Real>(features: &MatRef<'a, T>, t: usize, tile: usize) -> MatRef<'a, T> {
    let start = t * tile;
    columns(features, start, tile.min(features.ncols() - start))
}
