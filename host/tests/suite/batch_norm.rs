//! Batch normalisation from settings to model files, and what has no place for it.

use altmin::data;
use altmin::network::evaluate::outputs;
use altmin::network::model::Model;
use altmin::run::History;
use altmin::settings::TrainOptions;
use altmin::{Settings, Trainer};
use altmin_core::block::MapKind;
use altmin_core::view::dense;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const NETWORK: &str =
    "conv 4 3x3 same, batchnorm, relu, maxpool 2, flatten, dense 15, batchnorm, tanh, dense 10";

fn settings(text: &str) -> Settings {
    let text = format!("network = '{NETWORK}'\nsamples = 300\nbatch = 60\nsweeps = 3\n{text}");
    TrainOptions::from_toml(&text, Path::new("test.toml")).expect("readable").resolve().expect("valid")
}

fn trained(settings: &Settings) -> (Trainer<f32>, History) {
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
    let mut trainer = Trainer::new(settings, Arc::new(train), Arc::new(test)).expect("a trainer");
    let mut history = History::default();
    trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
    (trainer, history)
}

#[test]
fn threads_change_no_bit_and_models_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    for method in ["gd", "adam", "muon", "proxprop", "local"] {
        let rate = if method == "gd" { "learning-rate = 0.2" } else { "" };
        let of = |threads| {
            let keys = "exact-metrics = true\ndrop-readouts = true";
            settings(&format!("method = '{method}'\nthreads = {threads}\n{keys}\n{rate}"))
        };
        let (mut trainer, history) = trained(&of(1));
        for threads in [2, 5] {
            assert!(trained(&of(threads)).0.parameters() == trainer.parameters(), "{method}, {threads}");
        }
        let path = folder.path().join(format!("{method}.safetensors"));
        trainer.save(&path).expect("a file");
        let loaded = Model::<f32>::load(&path).expect("a model");
        assert_eq!(loaded.network.to_string(), NETWORK);
        assert!(loaded.parameters == trainer.parameters(), "{method}");
        let (train, test) = data::load::<f32>(&of(1).data, &of(1).data_options()).expect("the digits");
        let (last, score) = (history.sweeps[2], trainer.evaluate(&train).expect("a score"));
        assert_eq!((last.loss, last.train_accuracy), (score.loss, score.accuracy), "{method}");
        // A sample is used by itself, not beside others.
        let (found, one) = (outputs(&loaded, &test, 2).expect("outputs"), outputs(&loaded, &test, 1));
        assert!(found == one.expect("outputs"), "{method}");
        for map in loaded.maps().filter(|map| map.kind == MapKind::Statistics) {
            assert!(map.weights.iter().any(|&mean| mean != 0.0), "{method}");
            assert!(map.bias.iter().all(|&variance| variance > 0.0 && variance != 1.0), "{method}");
        }
        if ["proxprop", "local"].contains(&method) {
            assert!(score.accuracy > 0.4, "{method}: {}", score.accuracy);
        }
    }
}

#[test]
fn tensors_are_named_as_in_pytorch_and_variances_are_not_negative() {
    let (mut trainer, _) = trained(&settings("method = 'adam'"));
    let file = trainer.model().to_bytes().expect("a file");
    let tensors = safetensors::SafeTensors::deserialize(&file).expect("tensors");
    for (name, shape) in [
        ("blocks.1.weight", &[4][..]),
        ("blocks.1.bias", &[4]),
        ("blocks.1.running_mean", &[4]),
        ("blocks.1.running_var", &[4]),
        ("blocks.6.running_var", &[15]),
    ] {
        assert_eq!(tensors.tensor(name).expect(name).shape(), shape, "{name}");
    }
    let statistics = trainer.maps().position(|map| map.kind == MapKind::Statistics).expect("a map");
    let means = [0.0; 4];
    let refused = trainer.set_map(statistics, &dense(&means, 4, 1), &[1.0, 0.0, -1e-3, 1.0]).unwrap_err();
    assert!(refused.to_string().contains("bias") && refused.to_string().contains("variances"), "{refused}");
    let mut model = trainer.model();
    let (at, path) = (model.network.maps()[statistics], Path::new("broken"));
    model.parameters[at.end() - 1] = -1.0;
    let refused = model.to_bytes().unwrap_err().to_string();
    assert!(refused.contains("a running variance below 0 in blocks.1"), "{refused}");
    // The same in a file that another program wrote.
    let (variance, mut file) =
        (tensors.tensor("blocks.1.running_var").expect("there").data().to_vec(), file.clone());
    let place = file.windows(variance.len()).position(|bytes| bytes == variance).expect("there");
    file[place..place + 4].copy_from_slice(&(-1.0_f32).to_le_bytes());
    let refused = Model::<f32>::from_bytes(&file, path).unwrap_err().to_string();
    assert!(refused.contains("a running variance below 0 in blocks.1"), "{refused}");
}

#[test]
fn images_may_be_normalised_pixel_by_pixel_before_a_dense_block() {
    let text = "method = 'adam'\nnetwork = 'batchnorm, dense 10'\nsamples = 100\nbatch = 20\nsweeps = 1";
    let settings =
        TrainOptions::from_toml(text, Path::new("test.toml")).expect("readable").resolve().expect("valid");
    let (trainer, _) = trained(&settings);
    assert_eq!(trainer.maps().map(|map| map.n_out).collect::<Vec<_>>(), [64, 64, 10]);
}

#[test]
fn where_it_has_no_place_one_line_says_why() {
    for (arguments, said) in [
        ("--method gsadmm", "gsADMM and gsAM keep variables of each sample"),
        ("--method proxprop --batch all", "the guard of proximal back-propagation"),
        ("--method adam", "mini-batches, of which it takes mean and variance"),
        ("--method adam --batch 1", "batches of 2 samples or more"),
        ("--method pdadmm", "the method pdadmm trains no other network"),
        ("--network batchnorm", "dense"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
        command.args(["train", "--quiet", "--sweeps", "1"]);
        if !arguments.contains("--network") {
            command.args(["--network", NETWORK]);
        }
        let output = command.args(arguments.split_whitespace()).output().expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
        assert!(text.contains("batchnorm") && text.contains(said), "{arguments}: {text}");
    }
}
