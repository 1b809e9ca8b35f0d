//! Dropout from the command line: models without masks, and what has no place for it.

use altmin::data;
use altmin::network::Network;
use altmin::network::evaluate::outputs;
use altmin::network::model::Model;
use altmin::run::History;
use altmin::settings::TrainOptions;
use altmin::{Settings, Trainer};
use altmin_core::block::Block;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const NETWORK: &str = "dropout 0.1, dense 20, relu, dropout 0.4, dense 15, tanh, dropout 0.3, dense 10";

fn settings(text: &str) -> Settings {
    let text = format!("network = '{NETWORK}'\nsamples = 300\nbatch = 60\nthreads = 1\nsweeps = 3\n{text}");
    TrainOptions::from_toml(&text, Path::new("test.toml")).expect("readable").resolve().expect("valid")
}

#[test]
fn models_say_what_the_network_without_dropout_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let stop = AtomicBool::new(false);
    for method in ["adam", "proxprop", "local"] {
        let settings = settings(&format!("method = '{method}'\nexact-metrics = true\ndrop-readouts = true"));
        let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
        let train = Arc::new(train);
        let mut trainer =
            Trainer::new(&settings, Arc::clone(&train), Arc::new(test.clone())).expect("a trainer");
        let mut history = History::default();
        trainer.run(&mut history, &stop).expect("a run");
        let path = folder.path().join(format!("{method}.safetensors"));
        trainer.save(&path).expect("a file");
        let loaded = Model::<f32>::load(&path).expect("a model");
        assert_eq!(loaded.network.to_string(), NETWORK);
        let found = outputs(&loaded, &test, 2).expect("outputs");
        let kept = loaded.network.blocks().iter().filter(|block| !matches!(block, Block::Dropout { .. }));
        let without = Network::new(kept.copied().collect(), loaded.network.input()).expect("a network");
        let plain = Model { network: without, ..loaded };
        assert!(found == outputs(&plain, &test, 1).expect("outputs"), "{method}");
        // A run's metrics are those of the model.
        let (last, score) = (history.sweeps[2], trainer.evaluate(&train).expect("a score"));
        assert_eq!((last.loss, last.train_accuracy), (score.loss, score.accuracy), "{method}");
        let other = Settings { seed: 1, ..settings.clone() };
        let mut again = Trainer::new(&other, Arc::clone(&train), Arc::new(test)).expect("a trainer");
        again.run(&mut History::default(), &stop).expect("a run");
        assert!(again.parameters() != trainer.parameters(), "{method}");
    }
}

#[test]
fn where_dropout_has_no_place_one_line_says_why() {
    for (arguments, said) in [
        ("--method gsadmm", "gsADMM and gsAM keep variables of each sample"),
        ("--method gsam", "gsADMM and gsAM keep variables of each sample"),
        ("--method proxprop --batch all", "the guard of proximal back-propagation"),
        ("--method pdadmm", "the method pdadmm trains no other network"),
        ("--method dladmm", "the method dladmm trains no other network"),
        ("--method dlam", "the method dlam trains no other network"),
        ("--method taylor", "the method taylor trains no other network"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_altmin"))
            .args(["train", "--quiet", "--sweeps", "1", "--network", NETWORK])
            .args(arguments.split_whitespace())
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
        assert!(text.contains("dropout") && text.contains(said), "{arguments}: {text}");
    }
    for share in ["1", "-0.5", "nan"] {
        let output = Command::new(env!("CARGO_BIN_EXE_altmin"))
            .args(["train", "--quiet", "--network", &format!("dropout {share}, dense 10")])
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && text.contains("below 1"), "{share}: {text}");
    }
}
