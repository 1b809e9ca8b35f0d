//! Where scores and classes of samples go.

use altmin_core::Real;
use altmin_core::loss::argmax;
use altmin_level1::boundary::{Memory, elements};
use altmin_level1::error::CallError;

use crate::boundary::{Result, given};

/// The caller's memory for what is wanted.
pub(crate) struct Wanted<'a, T> {
    /// Outputs x samples.
    pub(crate) scores: Option<&'a mut [T]>,
    /// From one sample's scores to the next.
    pub(crate) lds: usize,
    /// One a sample.
    pub(crate) classes: Option<&'a mut [i32]>,
}

impl<T: Real> Wanted<'_, T> {
    /// Checks it; `values` says that the outputs are no scores of classes.
    ///
    /// # Safety
    /// As the crate's documentation says of every pointer.
    pub(crate) unsafe fn new(
        memory: &mut Memory,
        outputs: usize,
        values: bool,
        m: usize,
        scores: *mut T,
        lds: usize,
        classes: *mut i32,
    ) -> Result<Self> {
        if scores.is_null() && classes.is_null() && m > 0 {
            return Err(CallError::Neither { argument: "scores", other: "classes" }.into());
        }
        if values && !classes.is_null() {
            return Err(given("classes", "NULL, as the network is for values"));
        }
        // SAFETY: the caller's promise is this function's.
        unsafe {
            let scores = match scores.is_null() {
                true => None,
                false => {
                    let elements = elements("scores", outputs, m, lds)?;
                    Some(memory.vector_out("scores", scores, elements)?)
                }
            };
            let classes = match classes.is_null() {
                true => None,
                false => Some(memory.vector_out("classes", classes, m)?),
            };
            Ok(Self { scores, lds, classes })
        }
    }
}

/// The class with the largest score, the first of several, of each sample, where classes are wanted.
pub(crate) fn largest<T: Real>(outputs: usize, scores: &[T], lds: usize, classes: Option<&mut [i32]>) {
    for (sample, class) in classes.into_iter().flatten().enumerate() {
        // Scores of more classes than an i32 can count would not fit into memory.
        *class = argmax(&scores[sample * lds..][..outputs]) as i32;
    }
}
