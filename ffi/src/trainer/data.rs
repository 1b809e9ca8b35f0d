//! Data that goes in, and what the network says of samples.

use std::sync::Arc;

use altmin::allocate;
use altmin::data::{Dataset, ImageShape};
use altmin::network::Measure;
use altmin_level1::boundary::{Memory, give, require_some};
use altmin_level1::error::{CallError, altmin_status};

use crate::boundary::{Result, given, require_size};
use crate::handle::{altmin_trainer, exclusive, using};
use crate::prediction::{Wanted, largest};
use crate::session::{Scalar, Session};

/// Copies the training data, and begins a training with weights drawn anew from the settings' seed. Data, test data and
/// weights of an earlier one are forgotten.
///
/// Exactly one of classes and targets is not NULL: what is learnt. Targets need ALTMIN_LOSS_LEAST_SQUARES.
///
/// @param n_features of a sample, 1 or more: channels * height * width, if the settings have an image's shape
/// @param m samples, 1 or more
/// @param x n_features x m
/// @param classes the class of each sample, m, from 0; or NULL
/// @param n_classes how many there are, 2 or more; 0: the largest of the classes and 1. Ignored with targets
/// @param targets the values of each sample, n_out x m; or NULL
/// @param n_out values of a sample, 1 or more. Ignored with classes, as is ldt
/// @return ALTMIN_STATUS_SETTING for a class of n_classes or above, for settings that do not suit the data (mini-batches larger
/// than m, cross-entropy with targets, a network that memory cannot hold), and for a trainer of double;
/// ALTMIN_STATUS_SHAPE for a block that cannot take what comes in
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_data_f32(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f32,
    ldx: usize,
    classes: *const i32,
    n_classes: usize,
    targets: *const f32,
    n_out: usize,
    ldt: usize,
) -> altmin_status {
    let samples = Samples { n_features, m, x, ldx, classes, n_classes, targets, n_out, ldt };
    unsafe { set_data(trainer, samples) }
}

/// As altmin_trainer_set_data_f32, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_data_f64(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f64,
    ldx: usize,
    classes: *const i32,
    n_classes: usize,
    targets: *const f64,
    n_out: usize,
    ldt: usize,
) -> altmin_status {
    let samples = Samples { n_features, m, x, ldx, classes, n_classes, targets, n_out, ldt };
    unsafe { set_data(trainer, samples) }
}

/// Copies test data, in place of an earlier one, of the training data's features and outputs: the metrics of the sweeps
/// that follow have the accuracy on it. It changes nothing else of the training.
///
/// @param n_features of a sample, as in training
/// @param m samples, 1 or more
/// @param x n_features x m
/// @param classes the class of each sample, m, as in training; or NULL
/// @param targets the values of each sample, n_out x m; or NULL
/// @param n_out as in training. Ignored with classes, as is ldt
/// @return ALTMIN_STATUS_STATE before there is training data; ALTMIN_STATUS_SETTING for classes where the training data has
/// values, and the other way round
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_test_data_f32(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f32,
    ldx: usize,
    classes: *const i32,
    targets: *const f32,
    n_out: usize,
    ldt: usize,
) -> altmin_status {
    let samples = Samples { n_features, m, x, ldx, classes, n_classes: 0, targets, n_out, ldt };
    unsafe { set_test_data(trainer, samples) }
}

/// As altmin_trainer_set_test_data_f32, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_test_data_f64(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f64,
    ldx: usize,
    classes: *const i32,
    targets: *const f64,
    n_out: usize,
    ldt: usize,
) -> altmin_status {
    let samples = Samples { n_features, m, x, ldx, classes, n_classes: 0, targets, n_out, ldt };
    unsafe { set_test_data(trainer, samples) }
}

/// Risk and accuracy of the network with its present weights on any samples of the training data's features and outputs.
///
/// @param n_features of a sample, as in training
/// @param m samples, 1 or more
/// @param x n_features x m
/// @param classes the class of each sample, m, as in training; or NULL
/// @param targets the values of each sample, n_out x m; or NULL
/// @param n_out as in training. Ignored with classes, as is ldt
/// @param[out] loss the mean risk
/// @param[out] accuracy the share of samples that are classified rightly, 0 to 1; of values R^2, NaN if none varies
/// @return as altmin_trainer_set_test_data_f32; ALTMIN_STATUS_NON_FINITE if the weights are so large that the risk is not finite
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_evaluate_f32(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f32,
    ldx: usize,
    classes: *const i32,
    targets: *const f32,
    n_out: usize,
    ldt: usize,
    loss: *mut f64,
    accuracy: *mut f64,
) -> altmin_status {
    let samples = Samples { n_features, m, x, ldx, classes, n_classes: 0, targets, n_out, ldt };
    unsafe { evaluate(trainer, samples, loss, accuracy) }
}

/// As altmin_trainer_evaluate_f32, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_evaluate_f64(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f64,
    ldx: usize,
    classes: *const i32,
    targets: *const f64,
    n_out: usize,
    ldt: usize,
    loss: *mut f64,
    accuracy: *mut f64,
) -> altmin_status {
    let samples = Samples { n_features, m, x, ldx, classes, n_classes: 0, targets, n_out, ldt };
    unsafe { evaluate(trainer, samples, loss, accuracy) }
}

/// What the network says of samples with its present weights: the outputs of its last layer, the class with the largest of
/// them (the first of several), or both. Scores are those before a softmax; values are as in training.
///
/// @param n_features of a sample, as in training
/// @param m samples
/// @param x n_features x m
/// @param[out] scores n_out x m, n_out the outputs that altmin_trainer_info tells; or NULL, and then lds is ignored
/// @param[out] classes m; or NULL, as it must be where values are learnt
/// @return ALTMIN_STATUS_STATE before there is training data; ALTMIN_STATUS_NULL if both are NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_predict_f32(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f32,
    ldx: usize,
    scores: *mut f32,
    lds: usize,
    classes: *mut i32,
) -> altmin_status {
    unsafe { predict(trainer, n_features, m, x, ldx, scores, lds, classes) }
}

/// As altmin_trainer_predict_f32, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_predict_f64(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const f64,
    ldx: usize,
    scores: *mut f64,
    lds: usize,
    classes: *mut i32,
) -> altmin_status {
    unsafe { predict(trainer, n_features, m, x, ldx, scores, lds, classes) }
}

/// Samples and what is to be learnt of them, as they come in.
struct Samples<T> {
    n_features: usize,
    m: usize,
    x: *const T,
    ldx: usize,
    classes: *const i32,
    n_classes: usize,
    targets: *const T,
    n_out: usize,
    ldt: usize,
}

impl<T: Scalar> Samples<T> {
    /// A copy.
    unsafe fn copied(&self, memory: &mut Memory, image: Option<ImageShape>) -> Result<Dataset<T>> {
        require_some(&[("n_features", self.n_features), ("m", self.m)])?;
        if let Some(expected) = image.and_then(ImageShape::n_features) {
            require_size("n_features", self.n_features, expected)?;
        }
        // SAFETY: the caller's promise is this function's.
        let data = unsafe {
            let x = memory.matrix("x", self.x, self.n_features, self.m, self.ldx)?;
            match (self.classes.is_null(), self.targets.is_null()) {
                (false, false) => {
                    return Err(CallError::Both { argument: "classes", other: "targets" }.into());
                }
                (true, true) => {
                    return Err(CallError::Neither { argument: "classes", other: "targets" }.into());
                }
                (false, true) => {
                    let classes = memory.classes("classes", self.classes, self.m)?;
                    let largest = classes.iter().max().map_or(0, |&class| class as usize);
                    let count = if self.n_classes == 0 { largest + 1 } else { self.n_classes };
                    // None is negative, so the numbers are the same in both types.
                    let mut labels = allocate::empty(classes.len())?;
                    labels.extend(classes.iter().map(|&class| class as i32));
                    Dataset::from_classes(&x, &labels, Some(count))?
                }
                (true, false) => {
                    require_some(&[("n_out", self.n_out)])?;
                    let targets = memory.matrix("targets", self.targets, self.n_out, self.m, self.ldt)?;
                    Dataset::from_values(&x, &targets)?
                }
            }
        };
        Ok(match image {
            Some(image) => data.with_image(image)?,
            None => data,
        })
    }

    /// A copy, of samples as the training has them.
    unsafe fn like_training(mut self, memory: &mut Memory, session: &Session) -> Result<Dataset<T>> {
        let info = session.trainer::<T>()?.info();
        require_some(&[("n_features", self.n_features), ("m", self.m)])?;
        require_size("n_features", self.n_features, info.features)?;
        match (self.classes.is_null(), self.targets.is_null(), info.measure) {
            (false, true, Measure::RSquared) => return Err(given("classes", "NULL, as values are learnt")),
            (true, false, Measure::Accuracy) => return Err(given("targets", "NULL, as classes are learnt")),
            (true, false, Measure::RSquared) => require_size("n_out", self.n_out, info.outputs)?,
            _ => self.n_classes = info.outputs,
        }
        // SAFETY: the caller's promise is this function's.
        unsafe { self.copied(memory, session.image) }
    }
}

unsafe fn set_data<T: Scalar>(trainer: *mut altmin_trainer, samples: Samples<T>) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, memory| {
            let mut session = turn.session();
            session.require::<T>()?;
            let data = samples.copied(memory, session.image)?;
            session.begin(data)
        })
    }
}

unsafe fn set_test_data<T: Scalar>(trainer: *mut altmin_trainer, samples: Samples<T>) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, memory| {
            let mut session = turn.session();
            let data = samples.like_training(memory, &session)?;
            Ok(session.trainer_mut::<T>()?.set_test(Some(Arc::new(data)))?)
        })
    }
}

unsafe fn evaluate<T: Scalar>(
    trainer: *mut altmin_trainer,
    samples: Samples<T>,
    loss: *mut f64,
    accuracy: *mut f64,
) -> altmin_status {
    unsafe {
        using(trainer, |turn, memory| {
            let mut session = turn.session();
            let data = samples.like_training(memory, &session)?;
            let (loss, accuracy) = (memory.result("loss", loss)?, memory.result("accuracy", accuracy)?);
            let score = session.trainer_mut::<T>()?.evaluate(&data)?;
            if !score.loss.is_finite() {
                return Err(CallError::NonFinite { argument: "loss" }.into());
            }
            give(loss, score.loss);
            give(accuracy, score.accuracy);
            Ok(())
        })
    }
}

unsafe fn predict<T: Scalar>(
    trainer: *mut altmin_trainer,
    n_features: usize,
    m: usize,
    x: *const T,
    ldx: usize,
    scores: *mut T,
    lds: usize,
    classes: *mut i32,
) -> altmin_status {
    unsafe {
        using(trainer, |turn, memory| {
            let mut session = turn.session();
            let trainer = session.trainer_mut::<T>()?;
            let info = trainer.info();
            require_size("n_features", n_features, info.features)?;
            let x = memory.matrix("x", x, n_features, m, ldx)?;
            let values = info.measure == Measure::RSquared;
            match Wanted::new(memory, info.outputs, values, m, scores, lds, classes)? {
                Wanted { scores: Some(scores), classes, lds } => {
                    trainer.predict(&x, scores, lds)?;
                    largest(info.outputs, scores, lds, classes);
                }
                Wanted { scores: None, classes: Some(classes), .. } => {
                    trainer.predict_classes(&x, classes)?
                }
                Wanted { scores: None, classes: None, .. } => {}
            }
            Ok(())
        })
    }
}
