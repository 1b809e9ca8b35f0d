//! Weights in the files that PyTorch's users write.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use altmin::data;
use altmin::settings::TrainOptions;
use altmin::{Error, Trainer};

/// A tensor of a file: name, shape and numbers.
type Tensor<'a> = (&'a str, &'a [usize], Vec<f32>);

/// A safetensors file by its specification: the header's length, the header in JSON, then all numbers.
fn file(kind: &str, tensors: &[Tensor<'_>], bytes: fn(f32) -> Vec<u8>) -> Vec<u8> {
    let (mut entries, mut numbers) = (Vec::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = numbers.len();
        values.iter().for_each(|&value| numbers.extend(bytes(value)));
        let end = numbers.len();
        entries.push(format!(
            r#""{name}":{{"dtype":"{kind}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &numbers].concat()
}

fn single(value: f32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

/// The upper half: exact for numbers of few digits.
fn brain(value: f32) -> Vec<u8> {
    value.to_le_bytes()[2..].to_vec()
}

/// Of numbers that 16 bits hold as normal ones.
fn half(value: f32) -> Vec<u8> {
    let bits = value.to_bits();
    let exponent = (bits >> 23 & 255) as i32 - 127 + 15;
    let normal = (bits >> 16 & 0x8000) | (exponent as u32) << 10 | (bits >> 13 & 1023);
    (if value == 0.0 { 0 } else { normal as u16 }).to_le_bytes().to_vec()
}

/// Different numbers of few binary digits.
fn numbers(count: usize, start: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 7 + start) % 61) as f32 / 16.0 - 1.5).collect()
}

fn trainer(text: &str) -> Trainer<f32> {
    let text = format!("samples = 50\nbatch = 25\nmethod = 'adam'\n{text}");
    let settings =
        TrainOptions::from_toml(&text, Path::new("test.toml")).expect("readable").resolve().expect("valid");
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
    Trainer::new(&settings, Arc::new(train), Arc::new(test)).expect("a trainer")
}

/// What a map holds, row by row, and its bias.
fn map(trainer: &Trainer<f32>, index: usize) -> (Vec<f32>, Vec<f32>) {
    let map = trainer.maps().nth(index).expect("a map");
    let by_rows = (0..map.n_out).flat_map(|o| (0..map.n_in).map(move |i| map.weights[i * map.n_out + o]));
    (by_rows.collect(), map.bias.to_vec())
}

#[test]
fn modules_of_a_sequence_are_taken_in_their_order_in_any_precision() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.safetensors");
    let (first, wide, last) = (numbers(12 * 64, 0), numbers(12 * 12, 5), numbers(12 * 12, 9));
    let output = numbers(10 * 12, 2);
    let biases = [numbers(12, 1), numbers(12, 30), numbers(12, 3), numbers(10, 8)];
    // By name 10 stands before 2.
    let tensors: [Tensor<'_>; 8] = [
        ("net.0.weight", &[12, 64], first.clone()),
        ("net.10.weight", &[12, 12], last.clone()),
        ("net.2.weight", &[12, 12], wide.clone()),
        ("head.weight", &[10, 12], output.clone()),
        ("net.0.bias", &[12], biases[0].clone()),
        ("net.10.bias", &[12], biases[2].clone()),
        ("net.2.bias", &[12], biases[1].clone()),
        ("head.bias", &[10], biases[3].clone()),
    ];
    for (kind, bytes) in [("F32", single as fn(f32) -> Vec<u8>), ("BF16", brain), ("F16", half)] {
        fs::write(&path, file(kind, &tensors, bytes)).expect("room");
        let mut trainer = trainer("hidden = '12,12,12'");
        trainer.load(&path).expect("the same shapes");
        for (index, (weights, bias)) in [&first, &wide, &last, &output].into_iter().zip(&biases).enumerate() {
            assert_eq!(map(&trainer, index), (weights.clone(), bias.clone()), "{kind}, {index}");
        }
    }
    // A setting does the same, and the program's run begins so.
    fs::write(&path, file("F32", &tensors, single)).expect("room");
    let set = trainer(&format!("hidden = '12,12,12'\nweights = '{}'", path.display()));
    assert_eq!(map(&set, 1), (wide, biases[1].clone()));
    let run = folder.path().join("run");
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.args([
        "train",
        "--hidden",
        "12,12,12",
        "--method",
        "gd",
        "--learning-rate",
        "1e-30",
        "--sweeps",
        "1",
        "--batch",
        "all",
    ]);
    let output =
        command.arg("--weights").arg(&path).arg("--out").arg(&run).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = trainer("hidden = '12,12,12'");
    found.load(&run.join("model.safetensors")).expect("its model");
    let moved = found.parameters().iter().zip(set.parameters()).map(|(one, other)| (one - other).abs());
    assert!(moved.fold(0.0, f32::max) < 1e-20);
}

#[test]
fn convolutions_and_batch_normalisation_are_taken_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.safetensors");
    let network = "network = 'conv 4 3x3 same, batchnorm, relu, flatten, dense 10'";
    let (kernel, output) = (numbers(4 * 9, 0), numbers(10 * 256, 3));
    let positive: Vec<f32> = (1..5).map(|value| value as f32).collect();
    let mut tensors: Vec<Tensor<'_>> = vec![
        ("conv1.weight", &[4, 1, 3, 3], kernel.clone()),
        ("bn1.weight", &[4], numbers(4, 1)),
        ("bn1.bias", &[4], numbers(4, 2)),
        ("bn1.running_mean", &[4], numbers(4, 4)),
        ("bn1.running_var", &[4], positive.clone()),
        ("fc.weight", &[10, 256], output.clone()),
        ("fc.bias", &[10], numbers(10, 6)),
    ];
    fs::write(&path, file("F32", &tensors, single)).expect("room");
    let mut found = trainer(network);
    found.load(&path).expect("the same shapes");
    assert_eq!(map(&found, 0), (kernel, vec![0.0; 4]));
    assert_eq!(map(&found, 1), (numbers(4, 1), numbers(4, 2)));
    assert_eq!(map(&found, 2), (numbers(4, 4), positive));
    assert_eq!(map(&found, 3), (output, numbers(10, 6)));

    let refused = |tensors: &[Tensor<'_>]| {
        fs::write(&path, file("F32", tensors, single)).expect("room");
        let mut trainer = trainer(network);
        let before = trainer.parameters().to_vec();
        let error = trainer.load(&path).expect_err("refused");
        assert_eq!(trainer.parameters(), before);
        assert!(matches!(error, Error::Format { .. }), "{error}");
        error.to_string()
    };
    let mut more = tensors.clone();
    more.push(("extra.weight", &[3, 3], numbers(9, 0)));
    assert!(refused(&more).contains("tensors of `extra`"));
    more = tensors.clone();
    more.extend([
        ("other.weight", &[10usize, 256][..], numbers(2560, 0)),
        ("other.bias", &[10], numbers(10, 0)),
    ]);
    let error = refused(&more);
    assert!(
        error.contains("`fc.weight` and `other.weight`") && error.contains("order by a number"),
        "{error}"
    );
    assert!(refused(&tensors[..5]).contains("no weight of shape [10, 256]"));
    tensors[4].2[1] = -0.5;
    assert!(refused(&tensors).contains("a running variance below 0 in `bn1`"));
    tensors[4].2[1] = 0.5;
    tensors[0].2[3] = f32::NAN;
    assert!(refused(&tensors).contains("finite weights"));
}
