//! Evaluation against a network small enough to work out by hand, and against itself over threads and precisions.

use altmin::data::{DataOptions, DataSource, Dataset, Outputs, Preprocessing, load};
use altmin::network::blocks::dense_blocks;
use altmin::network::evaluate::{class, evaluate, outputs, probabilities};
use altmin::network::init::{Initializer, fill};
use altmin::network::metrics::ClassMetrics;
use altmin::network::{Model, Network, Notation};
use altmin_core::block::Shape;
use altmin_core::view::dense_mut;
use altmin_core::{Activation, Loss};

/// A network of these widths, from the input's features to the outputs.
fn model(widths: &[usize], parameters: Vec<f64>, activation: Activation<f64>, loss: Loss) -> Model<f64> {
    let (outputs, hidden) = widths[1..].split_last().expect("a layer");
    let blocks = dense_blocks(hidden, activation, *outputs);
    Model {
        network: Network::new(blocks, Shape::flat(widths[0])).expect("widths above 0"),
        notation: Notation::Layers,
        parameters,
        readouts: Vec::new(),
        loss,
        outputs: Outputs::Classes((0..*outputs).map(|class| class.to_string()).collect()),
        preprocessing: Preprocessing::new(&DataSource::Digits, &DataOptions::default()),
    }
}

/// x1, x2 -> f(x1 - x2), f(x2) -> twice the first plus 1, the second.
fn small(activation: Activation<f64>, loss: Loss) -> Model<f64> {
    let (first, second) = ([1.0, 0.0, -1.0, 1.0, 0.0, 0.0], [2.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    model(&[2, 2, 2], [first, second].concat(), activation, loss)
}

fn three_samples() -> Dataset<f64> {
    let features = vec![3.0, 1.0, 0.0, 2.0, 1.0, 1.0];
    Dataset::new("three", features, vec![0, 1, 1], 2, vec!["0".into(), "1".into()]).expect("a data set")
}

#[test]
fn outputs_by_hand() {
    // Inner: (2, 1), (-2, 2), (0, 1).
    let relu = outputs(&small(Activation::Relu, Loss::CrossEntropy), &three_samples(), 1).expect("outputs");
    assert_eq!(relu, [5.0, 1.0, 1.0, 2.0, 1.0, 1.0]);
    let leaky = small(Activation::LeakyRelu { slope: 0.25 }, Loss::CrossEntropy);
    assert_eq!(outputs(&leaky, &three_samples(), 1).expect("outputs"), [5.0, 1.0, 0.0, 2.0, 1.0, 1.0]);
}

#[test]
fn evaluation_by_hand() {
    // The third sample's scores are equal: the first class is taken, and it is labelled with the second.
    let result =
        evaluate(&small(Activation::Relu, Loss::CrossEntropy), &three_samples(), 1).expect("evaluation");
    assert_eq!(result.accuracy, 2.0 / 3.0);
    assert_eq!(result.confusion, [[1, 0], [1, 1]]);
    // -ln of e^5/(e^5 + e), e^2/(e + e^2) and 1/2.
    let expected = ((-4f64).exp().ln_1p() + (-1f64).exp().ln_1p() + 2f64.ln()) / 3.0;
    assert!((result.loss - expected).abs() < 1e-14, "{} {expected}", result.loss);
    let result =
        evaluate(&small(Activation::Relu, Loss::LeastSquares), &three_samples(), 1).expect("evaluation");
    // Half of 16 + 1, 1 + 1 and 1 + 0.
    assert_eq!(result.loss, (17.0 + 2.0 + 1.0) / 6.0);
}

/// A network that passes scores on is told what scikit-learn says of them (golden/metrics.txt, made by golden/metrics.py).
#[test]
fn metrics_of_classes_are_those_of_scikit_learn() {
    let mut lines = include_str!("../golden/metrics.txt").lines();
    let mut next = || -> Vec<f64> {
        let line = lines.next().expect("a line");
        line.split(' ').map(|number| number.parse().expect("a number")).collect()
    };
    let labels: Vec<u32> = next().into_iter().map(|label| label as u32).collect();
    let scores = next();
    let classes = scores.len() / labels.len();
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    let data = Dataset::new("scores", scores, labels, classes, names).expect("a data set");
    let weights = (0..classes * classes).map(|at| f64::from(u8::from(at % classes == at / classes)));
    let parameters = weights.chain(vec![0.0; classes]).collect();
    let passes_on = model(&[classes, classes], parameters, Activation::Relu, Loss::CrossEntropy);
    let found = evaluate(&passes_on, &data, 1).expect("an evaluation");
    let columns: [fn(&ClassMetrics) -> f64; 4] = [|c| c.precision, |c| c.recall, |c| c.f1, |c| c.auroc];
    for column in columns {
        for (class, expected) in found.classes.iter().zip(next()) {
            assert!((column(class) - expected).abs() < 1e-12, "{class:?} {expected}");
        }
    }
    assert!((found.top5_accuracy.expect("seven classes") - next()[0]).abs() < 1e-12);
    assert!((found.calibration_error.expect("probabilities") - next()[0]).abs() < 1e-12);
    let without = Model { loss: Loss::LeastSquares, ..passes_on };
    assert_eq!(evaluate(&without, &data, 1).expect("an evaluation").calibration_error, None);
    // Of one class alone there is no curve, and of two no five.
    let result = evaluate(&small(Activation::Relu, Loss::CrossEntropy), &three_samples(), 1).expect("one");
    assert_eq!((result.top5_accuracy, result.classes[1].samples), (None, 2));
    let zeros =
        Dataset::new("zeros", vec![1.0; 4], vec![0, 0], 2, vec!["0".into(), "1".into()]).expect("data");
    let result = evaluate(&small(Activation::Relu, Loss::CrossEntropy), &zeros, 1).expect("one");
    assert!(result.classes.iter().all(|class| class.auroc.is_nan()), "{:?}", result.classes);
}

#[test]
fn probabilities_sum_to_one_however_large_the_scores() {
    let values = probabilities(&[1000.0, 1000.0 + 3f64.ln(), -1000.0]);
    for (value, expected) in values.iter().zip([0.25, 0.75, 0.0]) {
        assert!((value - expected).abs() < 1e-12, "{values:?}");
    }
    assert_eq!(class(&[1.0, 3.0, 3.0, 2.0]), 1);
}

#[test]
fn the_same_bits_for_every_number_of_threads() {
    let (train, _) = load::<f64>(&DataSource::Digits, &DataOptions::default()).expect("digits");
    let layer = |n_out: usize, n_in: usize, index| {
        let mut weight = vec![0.0; n_out * n_in];
        fill(Initializer::He, 1, index, &mut dense_mut(&mut weight, n_out, n_in));
        [weight, vec![0.1; n_out]].concat()
    };
    let parameters = [layer(30, 64, 0), layer(10, 30, 1)].concat();
    let model = model(&[64, 30, 10], parameters, Activation::Relu, Loss::CrossEntropy);
    let once = outputs(&model, &train, 1).expect("outputs");
    for threads in [2, 5, 100] {
        assert_eq!(outputs(&model, &train, threads).expect("outputs"), once);
    }
}

#[test]
fn another_shape_is_refused_with_both_numbers() {
    let data =
        Dataset::new("wide", vec![1.0; 6], vec![0, 1], 3, vec!["0".into(), "1".into()]).expect("a data set");
    let message =
        evaluate(&small(Activation::Relu, Loss::CrossEntropy), &data, 1).expect_err("3 features").to_string();
    assert!(message.contains('3') && message.contains('2') && message.contains("features"), "{message}");
}
