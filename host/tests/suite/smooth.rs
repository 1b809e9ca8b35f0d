//! Sigmoid, tanh and softplus from settings to model file.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Model;
use altmin::Trainer;
use altmin::data::{self, Dataset};
use altmin::network::Activation;
use altmin::network::evaluate;
use altmin::run::{History, Outcome};
use altmin::settings::{Settings, TrainOptions};
use altmin_core::block::Block;

const SMOOTH: [(&str, Activation<f64>); 3] =
    [("sigmoid", Activation::Sigmoid), ("tanh", Activation::Tanh), ("softplus", Activation::Softplus)];

fn settings(text: &str) -> Settings {
    let options = TrainOptions::from_toml(text, "test.toml".as_ref()).expect("readable");
    options.resolve().expect("valid")
}

fn digits(settings: &Settings) -> [Arc<Dataset<f32>>; 2] {
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
    [Arc::new(train), Arc::new(test)]
}

#[test]
fn all_learn_digits_and_their_models_come_back() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for method in ["pdadmm", "dladmm"] {
        for (name, activation) in SMOOTH {
            let text = format!("method = '{method}'\nactivation = '{name}'\nhidden = '40'\nsweeps = 30");
            let settings = settings(&text);
            assert_eq!(settings.activation, activation);
            let [train, test] = digits(&settings);
            let mut trainer = Trainer::new(&settings, train, Arc::clone(&test)).expect("a trainer");
            let mut history = History::default();
            let summary = trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
            assert_eq!(summary.outcome, Outcome::SweepLimit, "{text}");
            let [first, .., last] = &history.sweeps[..] else { panic!("no sweeps") };
            println!(
                "{method}, {name}: loss {} to {}, test {}",
                first.loss, last.loss, summary.test_accuracy
            );
            assert!(last.loss < 0.7 * first.loss, "{text}: {} to {}", first.loss, last.loss);
            assert!(summary.test_accuracy > 0.8, "{text}: {}", summary.test_accuracy);

            let (model, path) = (trainer.model(), folder.path().join(name));
            model.save(&path).expect("saved");
            let loaded = Model::<f32>::load(&path).expect("a model");
            assert_eq!(loaded, model);
            assert_eq!(loaded.network.blocks()[1], Block::Activation(activation));
            let score = evaluate(&loaded, &test, 1).expect("evaluation");
            assert_eq!(score.accuracy, summary.test_accuracy, "{text}");
        }
    }
}

/// Lemma 1 with s = 1/4 and s = 1, as `train` warns about it.
#[test]
fn the_threshold_of_rho_knows_the_slope() {
    let threshold = |activation| {
        let text = format!("method = 'pdadmm'\nnu = 2.0\nactivation = '{activation}'");
        settings(&text).rho_threshold().expect("Lemma 1")
    };
    assert!((threshold(Activation::Sigmoid) - (17.0_f64.sqrt() + 1.0)).abs() < 1e-12);
    assert_eq!(threshold(Activation::Tanh), 8.0);
    assert_eq!(threshold(Activation::Softplus), 8.0);
}

#[test]
fn growth_is_refused() {
    for (activation, _) in SMOOTH {
        let output = Command::new(env!("CARGO_BIN_EXE_altmin"))
            .args(["train", "--activation", activation, "--hidden", "20x3", "--grow", "1:5"])
            .output()
            .expect("the program starts");
        let message = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{message}");
        let expected = "error: `grow` is `1:5`, expected none, or the activation relu, whose outputs an identity layer \
                        leaves unchanged";
        assert_eq!(message.trim_end(), expected);
    }
}
