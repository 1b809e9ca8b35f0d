//! Outputs and classes into the caller's memory, from trainers and from models.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Error;
use altmin::Trainer;
use altmin::data::{self, Dataset};
use altmin::network::Map;
use altmin::network::evaluate;
use altmin::run::History;
use altmin::settings::TrainOptions;
use altmin_core::view::{dense, view};

fn trained(text: &str) -> (Trainer<f64>, Arc<Dataset<f64>>) {
    let options = TrainOptions::from_toml(text, "test.toml".as_ref()).expect(text);
    let settings = options.resolve().expect(text);
    let (train, test) = data::load(&settings.data, &settings.data_options()).expect("data");
    let test = Arc::new(test);
    let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::clone(&test)).expect(text);
    trainer.step(3, &mut History::default(), &AtomicBool::new(false)).expect("steps");
    (trainer, test)
}

/// ReLU layers by their definition.
fn forward(maps: &[Map<'_, f64>], sample: &[f64]) -> Vec<f64> {
    let mut signal = sample.to_vec();
    for (l, map) in maps.iter().enumerate() {
        let row = |i: usize| {
            let products = (0..map.n_in).map(|j| map.weights[j * map.n_out + i] * signal[j]);
            let z = map.bias[i] + products.sum::<f64>();
            if l + 1 < maps.len() { z.max(0.0) } else { z }
        };
        signal = (0..map.n_out).map(row).collect();
    }
    signal
}

const LAYERS: &str = "samples = 200\nhidden = '30,20'\nprecision = 'f64'";
const BLOCKS: &str = "method = 'adam'\nnetwork = 'conv 3 3x3, relu, flatten, dense 10'\nsamples = 200\nbatch = 50\n\
                      precision = 'f64'";

#[test]
fn outputs_are_those_of_the_definition() {
    for threads in [1, 2] {
        // 1,078 samples are three tiles.
        let (mut trainer, _) = trained(&format!("{LAYERS}\nthreads = {threads}"));
        let (all, _) =
            data::load::<f64>(&data::DataSource::Digits, &data::DataOptions::default()).expect("digits");
        let samples = all.n_samples();
        assert!(samples > 1024);
        let mut outputs = vec![0.0; 10 * samples];
        trainer.predict(&all.matrix(), &mut outputs, 10).expect("outputs");
        let mut classes = vec![-1; samples];
        trainer.predict_classes(&all.matrix(), &mut classes).expect("classes");
        let maps: Vec<_> = trainer.maps().collect();
        for (index, found) in outputs.chunks_exact(10).enumerate() {
            let expected = forward(&maps, all.sample(index));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{found} {expected}");
            }
            let largest = (0..10).max_by(|&a, &b| expected[a].total_cmp(&expected[b])).expect("ten");
            assert_eq!(classes[index], largest as i32);
        }
    }
}

#[test]
fn trainer_and_model_say_the_same_bits_into_memory_with_gaps() {
    for text in [LAYERS, BLOCKS] {
        let (mut trainer, test) = trained(text);
        let model = trainer.model();
        let samples = test.n_samples();
        let dense_outputs = evaluate::outputs(&model, &test, 1).expect("outputs");
        for threads in [1, 3] {
            let ld = 13;
            let mut of_model = vec![f64::NAN; ld * (samples - 1) + 10];
            evaluate::predict(&model, &test.matrix(), &mut of_model, ld, threads).expect("outputs");
            let mut of_trainer = vec![f64::NAN; ld * (samples - 1) + 10];
            trainer.predict(&test.matrix(), &mut of_trainer, ld).expect("outputs");
            for (column, expected) in dense_outputs.chunks_exact(10).enumerate() {
                assert_eq!(&of_model[column * ld..][..10], expected, "{text}");
                assert_eq!(&of_trainer[column * ld..][..10], expected, "{text}");
                let gap = of_trainer[column * ld + 10..].iter().chain(&of_model[column * ld + 10..]);
                assert!(column + 1 < samples || gap.count() == 0);
            }
            for outputs in [&of_model, &of_trainer] {
                let untouched = outputs.chunks(ld).flat_map(|column| &column[10..]);
                assert!(
                    untouched.clone().count() == 3 * (samples - 1) && untouched.clone().all(|x| x.is_nan())
                );
            }
        }
        let score = trainer.evaluate(&test).expect("a score");
        let evaluation = evaluate::evaluate(&model, &test, 1).expect("an evaluation");
        assert_eq!(Some(score.accuracy), trainer.metrics().map(|metrics| metrics.test_accuracy));
        assert_eq!(score.accuracy, evaluation.accuracy);
        assert!((score.loss - evaluation.loss).abs() < 1e-12 * evaluation.loss);
    }
}

#[test]
fn scores_follow_weights_that_are_set() {
    let (mut trainer, test) = trained(LAYERS);
    // Zero weights: all scores are equal, each class has probability 1/10, the first one wins.
    for index in 0..3 {
        let (n_out, n_in) = trainer.maps().map(|map| (map.n_out, map.n_in)).nth(index).expect("three maps");
        let zero = vec![0.0; n_out * n_in];
        trainer.set_map(index, &dense(&zero, n_out, n_in), &vec![0.0; n_out]).expect("zeros");
    }
    let score = trainer.evaluate(&test).expect("a score");
    assert!((score.loss - 10f64.ln()).abs() < 1e-12);
    let zeros = test.labels().iter().filter(|&&label| label == 0).count();
    assert_eq!(score.accuracy, zeros as f64 / test.n_samples() as f64);
}

#[test]
fn what_cannot_be_predicted_is_refused_and_nothing_written() {
    let (mut trainer, test) = trained(LAYERS);
    let model = trainer.model();
    let mut x = test.features()[..64 * 4].to_vec();
    let mut outputs = vec![7.0; 40];
    let mut classes = vec![7; 4];
    let narrow = dense(&x, 32, 8);
    assert!(matches!(trainer.predict(&narrow, &mut [0.0; 80], 10), Err(Error::Mismatch { .. })));
    assert!(matches!(trainer.predict_classes(&narrow, &mut [0; 8]), Err(Error::Mismatch { .. })));
    assert!(matches!(evaluate::predict(&model, &narrow, &mut [0.0; 80], 10, 1), Err(Error::Mismatch { .. })));
    let good = dense(&x, 64, 4);
    for (short, ld) in [(39, 10), (40, 11), (40, 9), (40, 0), (0, 10), (40, usize::MAX)] {
        assert!(matches!(trainer.predict(&good, &mut outputs[..short], ld), Err(Error::Core(_))));
        assert!(matches!(
            evaluate::predict(&model, &good, &mut outputs[..short], ld, 1),
            Err(Error::Core(_))
        ));
    }
    assert!(trainer.predict_classes(&good, &mut classes[..3]).is_err());
    assert!(trainer.predict_classes(&good, &mut [0; 5]).is_err());
    trainer.predict(&dense(&[], 64, 0), &mut [], 10).expect("no samples, no outputs");
    trainer.predict_classes(&dense(&[], 64, 0), &mut []).expect("no samples, no classes");
    x[3 * 64 + 5] = f64::NAN;
    let bad = view("features", &x, 64, 4, 64).expect("a view");
    for result in [
        trainer.predict(&bad, &mut outputs, 10),
        trainer.predict_classes(&bad, &mut classes),
        evaluate::predict(&model, &bad, &mut outputs, 10, 1),
    ] {
        let error = result.expect_err("NaN");
        assert!(error.to_string().contains("NaN in row 5 of column 3"), "{error}");
    }
    assert!(outputs.iter().all(|&output| output == 7.0) && classes.iter().all(|&class| class == 7));

    let values = Dataset::from_values(&dense(&x[..64], 64, 1), &dense(&[0.0; 10], 10, 1)).expect("values");
    assert!(matches!(trainer.evaluate(&values), Err(Error::Mismatch { .. } | Error::Data { .. })));
}
