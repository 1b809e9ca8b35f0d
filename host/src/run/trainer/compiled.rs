//! Sweeps and scores compiled here, once for each precision: a program that makes trainers need not compile every method again.

use std::any::Any;

use altmin_core::Real;

use super::{Advance, Trainer};
use crate::data::Dataset;
use crate::error::Result;
use crate::network::score::Score;

const PRECISIONS: &str = "f32 or f64: the core has no other scalars";

/// [`Trainer::advance`].
pub(super) fn advance<T: Real>(trainer: &mut Trainer<T>) -> Result<Advance> {
    let trainer: &mut dyn Any = trainer;
    match trainer.downcast_mut() {
        Some(trainer) => advance_f32(trainer),
        None => advance_f64(trainer.downcast_mut().expect(PRECISIONS)),
    }
}

fn advance_f32(trainer: &mut Trainer<f32>) -> Result<Advance> {
    trainer.advance()
}

fn advance_f64(trainer: &mut Trainer<f64>) -> Result<Advance> {
    trainer.advance()
}

/// [`Trainer::score`].
pub(super) fn score<T: Real>(trainer: &mut Trainer<T>, data: &Dataset<T>) -> altmin_core::Result<Score> {
    let (trainer, data): (&mut dyn Any, &dyn Any) = (trainer, data);
    match (trainer.downcast_mut(), data.downcast_ref()) {
        (Some(trainer), Some(data)) => score_f32(trainer, data),
        _ => {
            let data = data.downcast_ref().expect(PRECISIONS);
            score_f64(trainer.downcast_mut().expect(PRECISIONS), data)
        }
    }
}

fn score_f32(trainer: &mut Trainer<f32>, data: &Dataset<f32>) -> altmin_core::Result<Score> {
    trainer.score(data)
}

fn score_f64(trainer: &mut Trainer<f64>, data: &Dataset<f64>) -> altmin_core::Result<Score> {
    trainer.score(data)
}
