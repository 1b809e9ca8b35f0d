//! Read-outs of local: kept in the model file, used at any depth, and gone where they are not wanted.

use altmin::data::{self, Dataset};
use altmin::network::depths::evaluate_depths;
use altmin::network::evaluate::{evaluate, outputs};
use altmin::network::{Model, Place};
use altmin::run::History;
use altmin::run::checkpoint::Snapshot;
use altmin::settings::TrainOptions;
use altmin::{Error, Trainer};
use altmin_core::block::Shape;
use altmin_core::{Real, view};
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const DENSE: &str = "hidden = '20,15,10'";
const IMAGES: &str =
    "network = 'conv 4 3x3 same, relu, maxpool 2, conv 6 3x3 same, tanh, flatten, dense 12, relu, dense 10'";
const PAIRS: &str = "network = 'conv 4 3x3 same, relu, residual 4, residual 6 stride 2, avgpool, dense 10'";

fn trainer<T: Real>(text: &str) -> (Trainer<T>, Arc<Dataset<T>>) {
    let text = format!("method = 'local'\nsamples = 300\nbatch = 50\nsweeps = 2\nthreads = 1\n{text}");
    let options = TrainOptions::from_toml(&text, Path::new("test.toml")).expect("readable");
    let settings = options.resolve().expect("valid");
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("the digits");
    let test = Arc::new(test);
    (Trainer::new(&settings, Arc::new(train), Arc::clone(&test)).expect("a trainer"), test)
}

fn trained<T: Real>(text: &str) -> (Model<T>, Arc<Dataset<T>>) {
    let (mut trainer, test) = trainer::<T>(text);
    trainer.step(2, &mut History::default(), &AtomicBool::new(false)).expect("sweeps");
    (trainer.model(), test)
}

fn saved<T: Real>(model: &Model<T>) -> Vec<u8> {
    model.to_bytes().expect("a model")
}

fn names(bytes: &[u8]) -> BTreeSet<String> {
    let file = safetensors::SafeTensors::deserialize(bytes).expect("a safetensors file");
    file.names().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_model_comes_back_with_its_readouts() {
    for (text, after) in [(DENSE, vec![2, 4, 6]), (IMAGES, vec![3, 5, 8]), (PAIRS, vec![2, 3, 5])] {
        let (model, _) = trained::<f32>(text);
        let places: Vec<_> = model.readouts.iter().map(|readout| readout.place).collect();
        let expected: Vec<_> = after.iter().map(|&after| Place { after, grid: 4 }).collect();
        assert_eq!(places, expected, "{text}");
        assert!(model.readouts.iter().all(|each| each.parameters.iter().any(|&value| value != 0.0)));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        model.save(&path).expect("saved");
        assert_eq!(Model::<f32>::load(&path).expect("loaded"), model);
        assert_eq!(Model::<f64>::load(&path).expect("loaded").readouts.len(), after.len());
    }
}

#[test]
fn without_readouts_the_file_holds_the_same_network_alone() {
    for text in [DENSE, IMAGES] {
        let (with, _) = trained::<f32>(text);
        let (without, _) = trained::<f32>(&format!("drop-readouts = true\n{text}"));
        assert_eq!(with.parameters, without.parameters);
        assert!(without.readouts.is_empty());
        let (with, without) = (saved(&with), saved(&without));
        let more: BTreeSet<_> = names(&with).difference(&names(&without)).cloned().collect();
        let expected = (0..3).flat_map(|l| ["weight", "bias"].map(|kind| format!("readouts.{l}.{kind}")));
        assert_eq!(more, expected.collect());
        assert!(names(&without).is_subset(&names(&with)));
        let [with, without] = [&with, &without]
            .map(|bytes| safetensors::SafeTensors::deserialize(bytes).expect("a safetensors file"));
        for (name, tensor) in without.iter() {
            assert_eq!(tensor.data(), with.tensor(name).expect(name).data());
        }
    }
}

/// `M a + c` of the ReLU layers below, sample by sample, with loops alone.
fn by_hand(model: &Model<f64>, x: &[f64], depth: usize) -> Vec<f64> {
    let affine = |weights: &[f64], bias: &[f64], a: &[f64]| -> Vec<f64> {
        let row = |i: usize| (0..a.len()).map(|j| weights[j * bias.len() + i] * a[j]).sum::<f64>() + bias[i];
        (0..bias.len()).map(row).collect()
    };
    let hidden = model.maps().take(depth).fold(x.to_vec(), |a, map| {
        affine(map.weights, map.bias, &a).into_iter().map(|z| z.max(0.0)).collect()
    });
    let (weights, bias) = model.readouts[depth - 1].parameters.split_at(hidden.len() * 10);
    affine(weights, bias, &hidden)
}

#[test]
fn outputs_at_a_depth_are_those_of_the_layers_below_and_the_readout() {
    let (model, test) = trained::<f64>(DENSE);
    for depth in 1..=3 {
        let found = outputs(&model.at_depth(depth).expect("a read-out"), &test, 1).expect("outputs");
        let x = view::dense(test.features(), test.n_features(), test.n_samples());
        for (sample, found) in found.chunks_exact(10).enumerate() {
            let expected = by_hand(&model, view::column(&x, sample), depth);
            let close = found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-9);
            assert!(close, "{depth}, {sample}: {found:?} {expected:?}");
        }
    }
    let last = model.at_depth(4).expect("the whole network");
    assert_eq!(
        (&last.network, &last.parameters, last.readouts.len()),
        (&model.network, &model.parameters, 0)
    );
}

#[test]
fn a_readout_sees_images_before_they_are_flattened() {
    let (model, _) = trained::<f32>(IMAGES);
    // The digits are 8x8: 4 channels of 4x4 after pooling, 6 of 4x4 before the flattening, 12 numbers.
    let counts: Vec<_> = model.readouts.iter().map(|readout| readout.parameters.len()).collect();
    assert_eq!(counts, [4 * 16 * 10 + 10, 6 * 16 * 10 + 10, 12 * 10 + 10]);
    let steps = model.network.steps();
    assert_eq!(steps[4].output, Shape { channels: 6, height: 4, width: 4 });
    let (coarse, _) = trained::<f32>(&format!("readout-grid = 2\n{IMAGES}"));
    assert_eq!(coarse.readouts[1].parameters.len(), 6 * 4 * 10 + 10);
}

#[test]
fn every_depth_in_one_pass_is_each_depth_on_its_own() {
    for text in [DENSE, IMAGES, PAIRS, "hidden = '20,15,10'\nloss = 'least-squares'"] {
        let (model, test) = trained::<f32>(text);
        let depths = evaluate_depths(&model, &test, 1).expect("an evaluation");
        assert_eq!(depths, evaluate_depths(&model, &test, 3).expect("an evaluation"));
        assert_eq!(depths.len(), model.depths());
        for found in &depths {
            let alone = evaluate(&model.at_depth(found.depth).expect("a read-out"), &test, 2).expect("one");
            assert_eq!(found.score.accuracy, alone.accuracy, "{text} {found:?}");
            let difference = (found.score.loss - alone.loss).abs();
            assert!(difference <= 1e-12 * alone.loss, "{text} {found:?} {}", alone.loss);
        }
        let last = depths.last().expect("a depth");
        assert_eq!(last.blocks, model.network.blocks().len());
        assert!(depths.windows(2).all(|pair| pair[0].blocks < pair[1].blocks));
    }
    let (model, test) = trained::<f32>(DENSE);
    let depths = evaluate_depths(&model, &test, 1).expect("an evaluation");
    let multiplications: Vec<_> = depths.iter().map(|depth| depth.multiplications).collect();
    let below = [64 * 20, 64 * 20 + 20 * 15, 64 * 20 + 20 * 15 + 15 * 10];
    assert_eq!(multiplications, [below[0] + 200, below[1] + 150, below[2] + 100, below[2] + 100]);
}

#[test]
fn what_cannot_be_a_readout_is_refused() {
    let (model, test) = trained::<f32>(DENSE);
    for depth in [0, 5] {
        let error = model.at_depth(depth).expect_err("no such depth");
        assert!(matches!(error, Error::Argument { name: "depth", .. }), "{error}");
        assert!(error.to_string().contains("1 to 4"), "{error}");
    }
    let alone = model.at_depth(4).expect("the whole network");
    let error = alone.at_depth(2).expect_err("no read-outs");
    assert!(error.to_string().contains("the model has no read-outs"), "{error}");
    assert_eq!(evaluate_depths(&alone, &test, 1).expect("the whole network").len(), 1);

    let with = |change: &dyn Fn(&mut Model<f32>)| {
        let mut changed = model.clone();
        change(&mut changed);
        changed.to_bytes().expect_err("no such read-out").to_string()
    };
    assert!(with(&|model| model.readouts.swap(0, 1)).contains("more than 4 and fewer than 7 blocks"));
    assert!(with(&|model| model.readouts[2].place.after = 7).contains("after 7 blocks"));
    assert!(with(&|model| model.readouts[0].place.after = 0).contains("after 0 blocks"));
    assert!(with(&|model| model.readouts[0].place.grid = 0).contains("on a grid of 0"));
    assert!(with(&|model| model.readouts[1].parameters[3] = f32::NAN).contains("readouts.1"));
    assert!(with(&|model| model.readouts[1].parameters.truncate(7)).contains("7 parameters of readouts.1"));

    // A file whose metadata count more read-outs than it has, and fewer.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    let bytes = String::from_utf8_lossy(&saved(&model)).into_owned();
    let place = r#"{\"after\":6,\"grid\":4}"#;
    assert!(bytes.contains(place));
    for (new, expected) in [
        (format!("{place},{place}"), "no tensor `"),
        (r#"{\"after\":6,\"grid\":9}"#.to_owned(), ""),
        (r#"{\"after\":5,\"grid\":4}"#.to_owned(), ""),
        (r#"{\"after\":2,\"grid\":4}"#.to_owned(), "more than 4"),
    ] {
        let found = rewritten(&saved(&model), place, &new);
        fs::write(&path, found).expect("written");
        let loaded = Model::<f32>::load(&path);
        match expected {
            // Of numbers, a grid or an activation makes no other shape.
            "" => assert!(loaded.is_ok()),
            _ => {
                let error = loaded.expect_err("no such read-outs").to_string();
                assert!(error.contains(expected), "{error}");
            }
        }
    }
}

/// A safetensors file with another text in its header.
fn rewritten(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).expect("text").replacen(old, new, 1);
    let header = format!("{}{}", header.trim_end(), " ".repeat((8 - header.trim_end().len() % 8) % 8));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + length..]].concat()
}

#[test]
fn a_resumed_run_and_one_that_starts_anew_have_the_right_readouts() {
    let (mut trainer, test) = self::trainer::<f32>(DENSE);
    assert!(trainer.model().readouts.is_empty(), "there are none before the first sweep");
    let stop = AtomicBool::new(false);
    trainer.step(1, &mut History::default(), &stop).expect("a sweep");
    let mut file = Vec::new();
    trainer.write(&History::default(), &mut file).expect("a checkpoint");
    let first = trainer.model();
    trainer.step(1, &mut History::default(), &stop).expect("a sweep");
    let second = trainer.model();
    assert_ne!(first.readouts, second.readouts);

    let (mut resumed, _) = self::trainer::<f32>(DENSE);
    resumed.resume(&mut Cursor::new(file), Path::new("memory")).expect("resumed");
    assert_eq!(resumed.model(), first);
    resumed.step(1, &mut History::default(), &stop).expect("a sweep");
    assert_eq!(resumed.model(), second);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    second.save(&path).expect("saved");
    resumed.load(&path).expect("its own network");
    assert!(resumed.model().readouts.is_empty(), "the weights are another run's");
    assert_eq!(evaluate_depths(&resumed.model(), &test, 1).expect("the whole network").len(), 1);
}

fn program(arguments: &[&str]) -> (bool, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_program_reads_the_outputs_at_a_depth() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let (run, model) = (run.display().to_string(), run.join("model.safetensors").display().to_string());
    let train =
        ["train", "--method", "local", "--hidden", "30,20", "--sweeps", "3", "--quiet", "--out", &run];
    assert!(program(&train).0);

    let (done, all, _) = program(&["evaluate", "--model", &model, "--every-depth", "--json"]);
    assert!(done);
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    let depths = all["depths"].as_array().expect("depths");
    assert_eq!(depths.len(), 3);
    for (l, depth) in depths.iter().enumerate() {
        let l = (l + 1).to_string();
        let (_, one, _) = program(&["evaluate", "--model", &model, "--depth", &l, "--json"]);
        let one: serde_json::Value = serde_json::from_str(&one).expect("JSON");
        assert_eq!(one["accuracy"], depth["accuracy"]);
        let (_, csv, _) = program(&["predict", "--model", &model, "--depth", &l]);
        assert_eq!(csv.lines().count() as u64, 1 + all["samples"].as_u64().expect("samples"));
    }
    let (done, text, _) = program(&["evaluate", "--model", &model, "--every-depth"]);
    assert!(done && text.lines().count() == 7, "{text}");
    assert!(program(&["info", "--model", &model]).1.contains("after blocks 2, 4"));

    let (done, _, message) = program(&["predict", "--model", &model, "--depth", "4"]);
    assert!(!done && message.contains("1 to 3"), "{message}");
    let (done, _, message) = program(&["train", "--method", "adam", "--drop-readouts"]);
    assert!(!done && message.contains("drop-readouts"), "{message}");
}
