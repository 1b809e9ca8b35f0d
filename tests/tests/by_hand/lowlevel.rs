//! pdADMM by hand, a layer a thread.

use std::process::Command;
use std::sync::Arc;

use altmin::data::Dataset;
use altmin::network::Model;

use super::{build, digits, numbers, output, problem, refused, run};

const SWEEPS: &str = "10";
const NU: &str = "0.7";
const RHO: &str = "3.1";

fn trained(data: &Arc<Dataset<f32>>, kernel: &str, more: &str) -> [Model<f32>; 2] {
    let text = format!(
        "method = 'pdadmm'\nkernel = '{kernel}'\nactivation = 'relu'\nloss = 'cross-entropy'\ndamping = 0.1\n\
         threads = 2\nsweeps = {SWEEPS}\nnu = {NU}\nrho = {RHO}\n{more}"
    );
    super::trained(data, &text)
}

fn arguments(step: &str) -> [&str; 4] {
    [step, SWEEPS, NU, RHO]
}

/// More samples than the groups have tiles, and widths that make every kind of input step.
fn many(samples: usize, n_features: usize) -> Arc<Dataset<f32>> {
    let features: Vec<f32> =
        (0..samples * n_features).map(|k| ((k * k + 3 * k) % 1009) as f32 / 504.0 - 1.0).collect();
    let classes = |x: &[f32]| u32::from(x[0] + x[1] > 0.0) + u32::from(x[2] > x[3]);
    let labels = features.chunks(n_features).map(classes).collect();
    let names = ["none", "one", "both"].map(str::to_owned).to_vec();
    Arc::new(Dataset::new("made", features, labels, n_features, names).expect("a data set"))
}

#[test]
fn same_bits_as_the_trainer() {
    let program = build("lowlevel", "bits");
    let cases = [
        // One group of one tile; three groups; 16 groups of 1 or 2 tiles.
        (digits(300), "hidden = '24x2'"),
        (digits(1300), "hidden = '24x2'"),
        (many(9000, 5), "hidden = '12,8'"),
    ];
    for (data, network) in cases {
        for (step, kernel) in
            [("vector", "portable"), ("least-squares", "portable"), ("least-squares", "fast")]
        {
            let steps = format!("{network}\nstep = '{step}'\ninput-step = '{step}'");
            let [before, after] = trained(&data, kernel, &steps);
            let mut arguments = arguments(step).to_vec();
            arguments.extend(Some(kernel).filter(|kernel| *kernel == "fast"));
            let (answer, weights) = run(&program, &problem(&data, &before), &arguments);
            assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
            let samples = data.n_samples();
            assert!(
                weights == Some(numbers(&after.parameters)),
                "{samples} samples, {network}, {step}, {kernel}"
            );
            let said = String::from_utf8(answer.stdout).expect("plain text");
            assert_eq!(said.lines().count(), 11, "{said}");
        }
    }
}

/// Lemma 1 of pdADMM: with the example's rho, above 4 nu, the objective falls in every sweep.
#[test]
fn trains_on_data_of_its_own() {
    let answer = output(&mut Command::new(build("lowlevel", "alone")));
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let said = String::from_utf8(answer.stdout).expect("plain text");
    let numbers: Vec<f64> =
        said.lines().map(|line| line.rsplit(' ').next().unwrap().parse().expect("a number")).collect();
    let (accuracy, objectives) = numbers.split_last().expect("lines");
    assert_eq!(objectives.len(), 50);
    assert!(objectives.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-5)), "{said}");
    assert!(*accuracy > 0.85, "{said}");
}

#[test]
fn what_is_wrong_is_said() {
    let program = build("lowlevel", "refused");
    let data = digits(300);
    let [before, _] = trained(&data, "portable", "hidden = '24x2'\nstep = 'vector'");
    let good = problem(&data, &before);
    let classes = (6 + data.features().len()) * 4;
    let (mut class, mut number) = (good.clone(), good.clone());
    class[classes + 400..][..4].copy_from_slice(&10i32.to_ne_bytes());
    number[24 + 400..][..4].copy_from_slice(&f32::NAN.to_ne_bytes());
    let cases = [
        (&good[..good.len() - 1], "not as long as its sizes"),
        (&[&good[..], &[0]].concat()[..], "not as long as its sizes"),
        (&good[..7], "does not begin with"),
        (&class[..], "layer 3: `classes` is 10"),
        (&number[..], "layer 1: `p` has NaN or infinity"),
    ];
    for (bytes, message) in cases {
        refused(&program, bytes, &arguments("vector"), message);
    }
    let (answer, _) = run(&program, &good, &arguments("newton"));
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("usage: lowlevel"));
}
