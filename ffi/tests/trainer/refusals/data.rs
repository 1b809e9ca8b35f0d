//! Functions of samples, weights, and steps.

use std::ptr;

use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::model::{altmin_model_predict_f32, altmin_model_predict_f64};
use altmin_ffi::trainer::change::*;
use altmin_ffi::trainer::data::*;
use altmin_ffi::trainer::weights::*;
use altmin_ffi::trainer::*;

use super::{Row, Spoilt, spoilt};
use crate::refusals::arguments::VALUES;

/// Sizes whose product overflows.
const HUGE: usize = usize::MAX / 4;

fn null_trainer() -> Spoilt {
    let null = |a: &mut super::Arguments, _: &super::World| {
        (a.trainer, a.trainer_f32) = (ptr::null_mut(), ptr::null_mut());
    };
    spoilt(null, status::Null, "")
}

fn wrong_precision() -> Spoilt {
    spoilt(
        |a, _| (a.trainer, a.trainer_f32) = (a.trainer_f32, a.trainer),
        status::Setting,
        "the handle computes in",
    )
}

fn no_data() -> Spoilt {
    spoilt(|a, world| a.trainer = world.empty, status::State, "no training data")
}

/// What may be wrong with nu or rho.
fn of_changing(says: &'static str) -> Vec<Spoilt> {
    let mut all = vec![null_trainer(), no_data()];
    all.push(spoilt(|a, _| a.trainer = a.trainer_adam, status::Setting, says));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-320] {
        all.push(spoilt(move |a, _| a.number = wrong, status::Setting, says));
    }
    all
}

/// What may be wrong with samples that come in, whatever for.
fn of_samples() -> Vec<Spoilt> {
    vec![
        spoilt(|a, _| a.n_features = 0, status::Shape, "n_features"),
        spoilt(|a, _| a.ldx = 2, status::LeadingDimension, "`x`"),
        spoilt(|a, _| (a.x, a.x_f32) = (ptr::null(), ptr::null()), status::Null, "`x`"),
        spoilt(
            |a, _| (a.x, a.x_f32) = (a.x.wrapping_byte_add(1), a.x_f32.wrapping_byte_add(1)),
            status::Misaligned,
            "`x`",
        ),
        spoilt(|a, _| a.m = HUGE, status::Overflow, "`x`"),
        spoilt(|a, _| a.ldx = usize::MAX, status::Overflow, "`x`"),
    ]
}

/// Of samples with what is to be learnt.
fn of_learning() -> Vec<Spoilt> {
    let mut all = of_samples();
    all.extend([
        null_trainer(),
        wrong_precision(),
        spoilt(|a, _| a.m = 0, status::Shape, "`m`"),
        spoilt(|a, _| a.classes = ptr::null(), status::Null, "`classes` and `targets`"),
        spoilt(|a, _| a.classes = a.classes.wrapping_byte_add(1), status::Misaligned, "`classes`"),
        spoilt(|a, world| a.classes = world.negative.as_ptr(), status::Setting, "`classes`"),
        spoilt(|a, world| a.classes = world.too_large.as_ptr(), status::Setting, "label 3 at sample 3"),
    ]);
    all
}

/// Of functions of double alone, whose spoilt samples are at hand; `values` says whether a trainer of classes may be given
/// values.
fn of_double(begins: bool) -> Vec<Spoilt> {
    let to_values = move |a: &mut super::Arguments, world: &super::World| {
        a.classes = ptr::null();
        (a.targets, a.n_out, a.ldt) = (world.targets.as_ptr(), VALUES, VALUES);
        a.trainer = world.regression;
    };
    let mut all = vec![
        spoilt(|a, world| a.x = world.with_nan.as_ptr(), status::NonFinite, "`x`"),
        spoilt(|a, world| a.targets = world.targets.as_ptr(), status::Setting, "`targets` are given"),
        spoilt(
            move |a, w| {
                to_values(a, w);
                a.n_out = 0;
            },
            status::Shape,
            "`n_out`",
        ),
        spoilt(
            move |a, w| {
                to_values(a, w);
                a.ldt = 1;
            },
            status::LeadingDimension,
            "`targets`",
        ),
        spoilt(
            move |a, w| {
                to_values(a, w);
                a.ldt = usize::MAX;
            },
            status::Overflow,
            "`targets`",
        ),
        spoilt(
            move |a, w| {
                to_values(a, w);
                a.targets = a.targets.wrapping_byte_add(4);
            },
            status::Misaligned,
            "`targets`",
        ),
        spoilt(
            move |a, w| {
                to_values(a, w);
                (a.targets, a.ldt) = (w.with_nan.as_ptr(), 3);
                a.targets = a.targets.wrapping_add(1);
            },
            status::NonFinite,
            "`targets`",
        ),
    ];
    if begins {
        all.extend([
            spoilt(|a, _| a.n_classes = 1, status::Setting, "1 class"),
            spoilt(|a, _| a.n_classes = usize::MAX, status::Setting, "at most 1048576"),
            spoilt(
                move |a, w| {
                    let trainer = a.trainer;
                    to_values(a, w);
                    a.trainer = trainer;
                },
                status::Setting,
                "`loss`",
            ),
        ]);
    } else {
        all.extend([
            no_data(),
            spoilt(|a, _| (a.n_features, a.ldx) = (2, 2), status::Shape, "`n_features` is 2, expected 3"),
            spoilt(|a, world| a.trainer = world.regression, status::Setting, "`classes` is `given`"),
            spoilt(
                move |a, w| {
                    let trainer = a.trainer;
                    to_values(a, w);
                    a.trainer = trainer;
                },
                status::Setting,
                "`targets` is `given`",
            ),
            spoilt(
                move |a, w| {
                    to_values(a, w);
                    a.n_out = 1;
                },
                status::Shape,
                "`n_out` is 1, expected 2",
            ),
        ]);
    }
    all
}

/// Of samples that something is to be said of.
fn of_prediction() -> Vec<Spoilt> {
    let mut all = of_samples();
    all.extend([
        spoilt(|a, _| (a.n_features, a.ldx) = (2, 2), status::Shape, "`n_features` is 2, expected 3"),
        spoilt(
            |a, _| (a.scores, a.predicted) = (ptr::null_mut(), ptr::null_mut()),
            status::Null,
            "`scores` and `classes`",
        ),
        spoilt(|a, _| a.lds = 2, status::LeadingDimension, "`scores`"),
        spoilt(|a, _| a.lds = usize::MAX, status::Overflow, "`scores`"),
        spoilt(|a, _| a.scores = a.scores.wrapping_byte_add(1), status::Misaligned, "`scores`"),
        spoilt(|a, _| a.predicted = a.predicted.wrapping_byte_add(1), status::Misaligned, "`classes`"),
        spoilt(|a, _| a.predicted = a.scores.cast(), status::Overlap, "`classes` overlaps `scores`"),
        spoilt(|a, _| a.scores = a.x.cast_mut(), status::Overlap, "`scores` overlaps `x`"),
    ]);
    all
}

/// [`of_prediction`]'s, where samples of float are the function's; x of double overlaps nothing then.
fn of_prediction_f32() -> Vec<Spoilt> {
    let mut all = of_prediction();
    all.pop();
    all.push(spoilt(|a, _| a.scores = a.x_f32.cast_mut().cast(), status::Overlap, "`scores` overlaps `x`"));
    all
}

/// Of functions of a map's weights.
fn of_weights() -> Vec<Spoilt> {
    vec![
        null_trainer(),
        wrong_precision(),
        spoilt(|a, _| a.index = 2, status::Setting, "`index` is `2`"),
        spoilt(|a, _| a.index = usize::MAX, status::Setting, "`index`"),
        spoilt(|a, _| (a.w, a.b) = (ptr::null_mut(), ptr::null_mut()), status::Null, "`w` and `b`"),
        spoilt(|a, _| a.ldw = 4, status::LeadingDimension, "`w`"),
        spoilt(|a, _| a.ldw = usize::MAX, status::Overflow, "`w`"),
        spoilt(|a, _| a.w = a.w.wrapping_byte_add(1), status::Misaligned, "`w`"),
        spoilt(|a, _| a.b = a.b.wrapping_byte_add(1), status::Misaligned, "`b`"),
    ]
}

fn with(mut all: Vec<Spoilt>, more: impl IntoIterator<Item = Spoilt>) -> Vec<Spoilt> {
    all.extend(more);
    all
}

/// Reads weights into the caller's memory.
fn of_reading_weights() -> Vec<Spoilt> {
    with(of_weights(), [spoilt(|a, _| a.b = a.w, status::Overlap, "`b` overlaps `w`")])
}

macro_rules! row {
    ($name:ident, $spoilt:expr, |$a:ident| $($argument:expr),*) => {
        Row {
            name: stringify!($name),
            // SAFETY: pointers are good, or such that the function must find out.
            call: |$a| unsafe { $name($($argument),*) },
            spoilt: $spoilt,
        }
    };
}

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row!(altmin_trainer_set_data_f32, of_learning(), |a| a.trainer_f32, a.n_features, a.m, a.x_f32, a.ldx,
            a.classes, a.n_classes, a.targets_f32, a.n_out, a.ldt),
        row!(altmin_trainer_set_data_f64, with(of_learning(), of_double(true)), |a| a.trainer, a.n_features, a.m, a.x,
            a.ldx, a.classes, a.n_classes, a.targets, a.n_out, a.ldt),
        row!(altmin_trainer_set_test_data_f32, of_learning(), |a| a.trainer_f32, a.n_features, a.m, a.x_f32, a.ldx,
            a.classes, a.targets_f32, a.n_out, a.ldt),
        row!(altmin_trainer_set_test_data_f64, with(of_learning(), of_double(false)), |a| a.trainer, a.n_features,
            a.m, a.x, a.ldx, a.classes, a.targets, a.n_out, a.ldt),
        row!(altmin_trainer_evaluate_f32, of_learning(), |a| a.trainer_f32, a.n_features, a.m, a.x_f32, a.ldx,
            a.classes, a.targets_f32, a.n_out, a.ldt, a.loss, a.accuracy),
        row!(altmin_trainer_evaluate_f64, with(with(of_learning(), of_double(false)), [
            spoilt(|a, _| a.accuracy = a.loss, status::Overlap, "`accuracy` overlaps `loss`"),
            spoilt(|a, _| a.loss = a.x.cast_mut(), status::Overlap, "`loss` overlaps `x`"),
            spoilt(|a, _| a.loss = a.loss.wrapping_byte_add(2), status::Misaligned, "`loss`"),
        ]), |a| a.trainer, a.n_features, a.m, a.x, a.ldx, a.classes, a.targets, a.n_out, a.ldt, a.loss, a.accuracy),
        row!(altmin_trainer_predict_f32, with(of_prediction_f32(), [null_trainer(), wrong_precision()]), |a|
            a.trainer_f32, a.n_features, a.m, a.x_f32, a.ldx, a.scores_f32(), a.lds, a.predicted),
        row!(altmin_trainer_predict_f64, with(of_prediction(), [
            null_trainer(), wrong_precision(), no_data(),
            spoilt(|a, world| a.x = world.with_nan.as_ptr(), status::NonFinite, "`x`"),
            spoilt(|a, world| a.trainer = world.regression, status::Setting, "`classes` is `given`"),
        ]), |a| a.trainer, a.n_features, a.m, a.x, a.ldx, a.scores, a.lds, a.predicted),
        row!(altmin_model_predict_f32, with(of_prediction_f32(), [
            spoilt(|a, _| a.model_f32 = ptr::null_mut(), status::Null, "`model`"),
            spoilt(|a, _| a.model_f32 = a.model, status::Setting, "the handle computes in double"),
        ]), |a| a.model_f32, a.n_features, a.m, a.x_f32, a.ldx, a.scores_f32(), a.lds, a.predicted, a.error),
        row!(altmin_model_predict_f64, with(of_prediction(), [
            spoilt(|a, _| a.model = ptr::null_mut(), status::Null, "`model`"),
            spoilt(|a, _| a.model = a.model_f32, status::Setting, "the handle computes in float"),
            spoilt(|a, world| a.x = world.with_nan.as_ptr(), status::NonFinite, "`x`"),
            spoilt(|a, world| a.model = world.regression_model, status::Setting, "`classes` is `given`"),
        ]), |a| a.model, a.n_features, a.m, a.x, a.ldx, a.scores, a.lds, a.predicted, a.error),
        row!(altmin_trainer_weights_shape, vec![
            null_trainer(), no_data(),
            spoilt(|a, _| a.index = 2, status::Setting, "`index` is `2`"),
            spoilt(|a, _| a.columns = a.rows, status::Overlap, "`n_in` overlaps `n_out`"),
            spoilt(|a, _| a.rows = a.rows.wrapping_byte_add(1), status::Misaligned, "`n_out`"),
        ], |a| a.trainer, a.index, a.rows, a.columns),
        row!(altmin_trainer_get_weights_f32, of_reading_weights(), |a| a.trainer_f32, a.index, a.w_f32(), a.ldw, a.b_f32()),
        row!(altmin_trainer_get_weights_f64, with(of_reading_weights(), [no_data()]), |a| a.trainer, a.index, a.w, a.ldw, a.b),
        row!(altmin_trainer_set_weights_f32, of_weights(), |a| a.trainer_f32, a.index, a.w_f32(), a.ldw, a.b_f32()),
        row!(altmin_trainer_set_weights_f64, with(of_weights(), [
            no_data(),
            spoilt(|a, world| a.w = world.with_nan.as_ptr().wrapping_add(9).cast_mut(), status::NonFinite, "`w`"),
            spoilt(|a, world| a.b = world.with_nan.as_ptr().wrapping_add(19).cast_mut(), status::NonFinite, "`b`"),
        ]), |a| a.trainer, a.index, a.w, a.ldw, a.b),
        row!(altmin_trainer_step, vec![
            null_trainer(), no_data(),
            spoilt(|a, _| a.outcome = a.outcome.wrapping_byte_add(1), status::Misaligned, "`outcome`"),
        ], |a| a.trainer, 1, a.outcome),
        row!(altmin_trainer_set_nu, of_changing("nu"), |a| a.trainer, a.number),
        row!(altmin_trainer_set_rho, of_changing("rho"), |a| a.trainer, a.number),
        row!(altmin_trainer_set_learning_rate, vec![
            spoilt(|a, _| a.trainer_adam = ptr::null_mut(), status::Null, ""),
            spoilt(|a, world| a.trainer_adam = world.empty, status::State, "data"),
            spoilt(|a, _| a.trainer_adam = a.trainer, status::Setting, "`learning-rate`"),
            spoilt(|a, _| a.number = 0.0, status::Setting, "`learning-rate`"),
            spoilt(|a, _| a.number = f64::NAN, status::Setting, "`learning-rate`"),
        ], |a| a.trainer_adam, a.number),
        row!(altmin_trainer_set_metrics_every, vec![null_trainer(), no_data()], |a| a.trainer, 2),
        row!(altmin_trainer_use_threads, vec![null_trainer()], |a| a.trainer, ptr::null()),
        row!(altmin_trainer_stop, vec![null_trainer()], |a| a.trainer),
        row!(altmin_trainer_set_observer, vec![null_trainer()], |a| a.trainer, None, ptr::null_mut()),
    ]
}
