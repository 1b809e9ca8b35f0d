//! Least-squares steps from mini-batches by hand: proximal back-propagation, and local sweeps with a thread a layer.

use std::process::Command;
use std::sync::Arc;

use altmin::data::Dataset;
use altmin::network::Model;
use altmin::run::engine::Batches;

use super::{build, digits, numbers, output, problem, refused, run};

const SEED: u64 = 5;
const EPOCHS: &str = "3";
const NU: &str = "12.5";
const DAMPING: &str = "0.8";
const MOMENTUM: &str = "0.7";

/// Examples, and the methods that they run.
const EXAMPLES: [(&str, &str); 2] = [("local", "local"), ("minibatch", "proxprop")];

fn trained(data: &Arc<Dataset<f32>>, method: &str, hidden: &str, batch: &str) -> [Model<f32>; 2] {
    let text = format!(
        "method = '{method}'\nhidden = '{hidden}'\nactivation = 'relu'\nloss = 'cross-entropy'\nkernel = 'portable'\n\
         form = 'dual'\nthreads = 2\nseed = {SEED}\nbatch = {batch}\nsweeps = {EPOCHS}\nnu = {NU}\n\
         damping = {DAMPING}\nmomentum = {MOMENTUM}"
    );
    super::trained(data, &text)
}

fn arguments(batch: &str) -> [&str; 5] {
    [batch, EPOCHS, NU, DAMPING, MOMENTUM]
}

/// The examples' file: the problem, and the samples' order in each epoch.
fn ordered(data: &Dataset<f32>, model: &Model<f32>, batch: &str) -> Vec<u8> {
    let batches = Batches { size: batch.parse().expect("a size"), seed: SEED };
    let mut order = vec![0; data.n_samples()];
    let epochs = (0..EPOCHS.parse().expect("a count")).flat_map(|epoch| {
        batches.draw(epoch, &mut order);
        order.clone()
    });
    let epochs: Vec<u8> = epochs.flat_map(u32::to_ne_bytes).collect();
    [problem(data, model), epochs].concat()
}

/// Of each layer its parameters, and those of its read-out, if there is one.
fn layers(model: &Model<f32>) -> Vec<u8> {
    let mut readouts = model.readouts.iter();
    let layers = model.maps().flat_map(|map| {
        let readout = readouts.next().map(|readout| &readout.parameters[..]);
        [map.weights, map.bias, readout.unwrap_or(&[])].concat()
    });
    numbers(&layers.collect::<Vec<_>>())
}

#[test]
fn same_bits_as_the_trainer() {
    for (example, method) in EXAMPLES {
        let program = build(example, "bits");
        // Batches that divide the samples and that do not, larger than a layer's inputs, and as small as one.
        for (samples, hidden, batch) in [(300, "24x3", "100"), (301, "40,12", "64"), (40, "8", "1")] {
            let data = digits(samples);
            let [before, after] = trained(&data, method, hidden, batch);
            let (answer, weights) = run(&program, &ordered(&data, &before, batch), &arguments(batch));
            assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
            let case = format!("{method}, {samples} samples, {hidden}, batches of {batch}");
            assert!(weights == Some(layers(&after)), "{case}");
        }
    }
}

/// What the example says of each layer or epoch with data of its own.
fn risks(example: &str) -> Vec<f64> {
    let answer = output(&mut Command::new(build(example, "alone")));
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let said = String::from_utf8(answer.stdout).expect("plain text");
    let risk = |line: &str| {
        let (_, risk) = line.split_once("mean risk ")?;
        risk.split(' ').next()?.parse().ok()
    };
    said.lines().map(|line| risk(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

/// Of three classes; ln 3 is what knowing nothing costs.
#[test]
fn trains_on_data_of_its_own() {
    let layers = risks("local");
    assert!(layers.len() == 4 && layers[3] < 0.15 && layers[3] < layers[0], "{layers:?}");
    let epochs = risks("minibatch");
    assert!(epochs.len() == 10 && epochs[9] < 0.15 && epochs[9] < epochs[0], "{epochs:?}");
}

#[test]
fn what_is_wrong_is_said() {
    let data = digits(300);
    let [before, _] = trained(&data, "local", "24x2", "100");
    let good = ordered(&data, &before, "100");
    let classes = (6 + data.features().len()) * 4;
    let (mut class, mut number, mut sample) = (good.clone(), good.clone(), good.clone());
    class[classes + 400..][..4].copy_from_slice(&10i32.to_ne_bytes());
    number[24 + 400..][..4].copy_from_slice(&f32::NAN.to_ne_bytes());
    sample[good.len() - 4..].copy_from_slice(&300u32.to_ne_bytes());
    let cases = [
        (&good[..good.len() - 1], "not as long as its sizes"),
        (&good[..7], "does not begin with"),
        (&sample[..], "names a sample that there is not"),
        (&class[..], "`classes` is 10"),
        (&number[..], "has NaN or infinity"),
    ];
    for (example, _) in EXAMPLES {
        let program = build(example, "refused");
        for (bytes, message) in cases {
            refused(&program, bytes, &arguments("100"), message);
        }
        refused(&program, &good, &["0", EPOCHS, NU, DAMPING, MOMENTUM], "a batch of 1 or more");
        assert_eq!(run(&program, &good, &["100"]).0.status.code(), Some(2));
    }
}
