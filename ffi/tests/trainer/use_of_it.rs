//! What a trained network says of samples, in all the ways that it can be asked.

use std::ptr;

use altmin::settings::Method;
use altmin_core::Choice;
use altmin_ffi::codes::altmin_precision;
use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::model::{altmin_model_free, altmin_model_load, altmin_model_predict_f64};
use altmin_ffi::settings::altmin_settings;
use altmin_ffi::trainer::data::*;
use altmin_ffi::trainer::weights::{altmin_trainer_load, altmin_trainer_save};
use altmin_ffi::trainer::*;

use crate::support::{
    CLASSES, FEATURES, SAMPLES, begun, bits, c_path, features, file, info, last_error, new, small, step,
};

#[test]
fn scores_classes_risk_and_the_saved_model_agree() {
    let (trainer, x) = (begun(&small()), features());
    let path = file("used.safetensors");
    let (x, classes) = (x.as_ptr(), CLASSES.as_ptr());
    let (mut loss, mut accuracy) = (0.0, 0.0);
    // Gaps of a row between columns stay as they are.
    let (mut scores, mut saved) = ([-1.0; 4 * SAMPLES], [-1.0; 4 * SAMPLES]);
    let (mut alone, mut beside) = ([-1; SAMPLES], [-1; SAMPLES]);
    let mut model = ptr::null_mut();
    // SAFETY: all memory has the sizes that are said.
    unsafe {
        let tested = altmin_trainer_set_test_data_f64(
            trainer,
            FEATURES,
            SAMPLES,
            x,
            FEATURES,
            classes,
            ptr::null(),
            0,
            0,
        );
        assert_eq!((tested, step(trainer, 5).0), (status::Ok, status::Ok));
        let evaluated = altmin_trainer_evaluate_f64(
            trainer,
            FEATURES,
            SAMPLES,
            x,
            FEATURES,
            classes,
            ptr::null(),
            0,
            0,
            &raw mut loss,
            &raw mut accuracy,
        );
        assert_eq!(evaluated, status::Ok);
        let predict = |scores, classes| {
            altmin_trainer_predict_f64(trainer, FEATURES, SAMPLES, x, FEATURES, scores, 4, classes)
        };
        assert_eq!(predict(scores.as_mut_ptr(), beside.as_mut_ptr()), status::Ok);
        assert_eq!(predict(ptr::null_mut(), alone.as_mut_ptr()), status::Ok);
        assert_eq!(altmin_trainer_save(trainer, c_path(&path).as_ptr()), status::Ok);
        let precision = altmin_precision::F64 as i32;
        let loaded = altmin_model_load(c_path(&path).as_ptr(), precision, &raw mut model, ptr::null_mut());
        assert_eq!(loaded, status::Ok);
        let (to, error) = (saved.as_mut_ptr(), ptr::null_mut());
        let predicted =
            altmin_model_predict_f64(model, FEATURES, SAMPLES, x, FEATURES, to, 4, ptr::null_mut(), error);
        assert_eq!(predicted, status::Ok);
        altmin_model_free(model);
    }
    let told = info(trainer);
    assert_eq!((told.loss, told.train_accuracy, told.test_accuracy), (loss, accuracy, accuracy));
    // By hand from the scores: classes, their share, and the mean of log(sum exp z) - z_class.
    let columns: Vec<&[f64]> = scores.chunks(4).collect();
    assert!(columns.iter().all(|column| column[3] == -1.0));
    let best =
        |column: &[f64]| (0..3).max_by(|&a, &b| column[a].total_cmp(&column[b])).map(|class| class as i32);
    let by_hand: Vec<i32> = columns.iter().filter_map(|column| best(column)).collect();
    assert_eq!((&alone[..], &beside[..]), (&by_hand[..], &by_hand[..]));
    let right = by_hand.iter().zip(&CLASSES).filter(|(a, b)| a == b).count();
    assert_eq!(accuracy, right as f64 / SAMPLES as f64);
    let risk = |(column, &class): (&&[f64], &i32)| {
        column[..3].iter().map(|score| score.exp()).sum::<f64>().ln() - column[class as usize]
    };
    let mean = columns.iter().zip(&CLASSES).map(risk).sum::<f64>() / SAMPLES as f64;
    assert!((mean - loss).abs() < 1e-12, "{mean} {loss}");
    let apart = scores.iter().zip(&saved).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-12, "{apart}");
    std::fs::remove_file(path).expect("the file");
    // SAFETY: nobody uses it any more.
    unsafe { altmin_trainer_free(trainer) };
}

#[test]
fn the_best_model_is_saved_where_the_options_say_so() {
    let options = c"learning-rate = 0.5\nkeep = 'best'".as_ptr();
    let settings = altmin_settings { method: Method::Adam.code(), options, ..small() };
    let (trainer, path) = (begun(&settings), c_path(&file("best.safetensors")));
    let refused = step(trainer, 1).0;
    assert_eq!(refused, status::Setting);
    assert!(last_error(trainer).contains("`keep`"), "{}", last_error(trainer));
    let (test, loaded) = (&CLASSES[..4], begun(&altmin_settings { options: ptr::null(), ..settings }));
    // SAFETY: the samples have the sizes that are said, and both handles live until the end.
    let accuracies = unsafe {
        let tested = altmin_trainer_set_test_data_f64(
            trainer,
            FEATURES,
            test.len(),
            features().as_ptr(),
            FEATURES,
            test.as_ptr(),
            ptr::null(),
            0,
            0,
        );
        assert_eq!(tested, status::Ok);
        let (mut all, mut best) = (Vec::new(), Vec::new());
        for _ in 0..12 {
            assert_eq!(step(trainer, 1).0, status::Ok);
            let (mut loss, accuracy, mut same) = (f64::NAN, info(trainer).test_accuracy, f64::NAN);
            let (x, m) = (features(), test.len());
            let (classes, none) = (test.as_ptr(), ptr::null());
            let scored = altmin_trainer_evaluate_f64(
                trainer,
                FEATURES,
                m,
                x.as_ptr(),
                FEATURES,
                classes,
                none,
                0,
                0,
                &mut loss,
                &mut same,
            );
            assert_eq!((scored, same), (status::Ok, accuracy));
            // The highest accuracy, and of equal ones the lowest loss.
            if all.iter().all(|&(before, its)| accuracy > before || (accuracy == before && loss < its)) {
                best = bits(trainer).1;
            }
            all.push((accuracy, loss));
            assert_eq!(altmin_trainer_save(trainer, path.as_ptr()), status::Ok);
            assert_eq!(altmin_trainer_load(loaded, path.as_ptr()), status::Ok);
            assert_eq!(bits(loaded).1, best);
        }
        altmin_trainer_free(loaded);
        altmin_trainer_free(trainer);
        all
    };
    assert!(accuracies.windows(2).any(|pair| pair[1].0 < pair[0].0), "they only rise: {accuracies:?}");
    std::fs::remove_file(file("best.safetensors")).expect("the file");
}

#[test]
fn no_batch_is_all_samples_for_proximal_sweeps_too() {
    let method = Method::Proxprop.code();
    let said = altmin_settings { method, options: c"batch = 'all'".as_ptr(), ..small() };
    let trained = |settings: &altmin_settings| {
        let trainer = begun(settings);
        assert_eq!(step(trainer, 4).0, status::Ok);
        let bits = bits(trainer);
        // SAFETY: nobody uses it any more.
        unsafe { altmin_trainer_free(trainer) };
        bits
    };
    let all = trained(&said);
    assert_eq!(trained(&altmin_settings { method, ..small() }), all);
    assert_ne!(trained(&altmin_settings { method, batch: 4, ..small() }), all);
}

#[test]
fn blocks_take_images() {
    let settings = altmin_settings {
        method: Method::Gsadmm.code(),
        hidden: ptr::null(),
        hidden_count: 0,
        network: c"conv 2 1x2, relu, flatten, dense 3".as_ptr(),
        channels: 1,
        height: 1,
        width: FEATURES,
        batch: 4,
        ..small()
    };
    let trainer = begun(&settings);
    assert_eq!(step(trainer, 3).0, status::Ok);
    let told = info(trainer);
    // Two kernels of two pixels and their biases, then two places of two channels to three classes.
    assert_eq!((told.maps, told.parameters, told.features, told.sweeps), (2, 6 + 15, FEATURES, 3));
    let other = new(&altmin_settings { width: FEATURES + 1, ..settings });
    let x = features();
    // SAFETY: the samples have the sizes that are said.
    unsafe {
        let refused = altmin_trainer_set_data_f64(
            other,
            FEATURES,
            SAMPLES,
            x.as_ptr(),
            FEATURES,
            CLASSES.as_ptr(),
            0,
            ptr::null(),
            0,
            0,
        );
        assert_eq!(refused, status::Shape);
        assert_eq!(last_error(other), "`n_features` is 3, expected 4");
        altmin_trainer_free(other);
        altmin_trainer_free(trainer);
    }
}
