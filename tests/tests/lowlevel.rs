//! The example that runs pdADMM by hand from level 1, a layer a thread, ends with the same bits as the trainer.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Trainer;
use altmin::data::{self, Dataset};
use altmin::network::Model;
use altmin::run::{History, Outcome};
use altmin::settings::TrainOptions;
use altmin_tests::{header, library};

const SWEEPS: usize = 10;
const NU: &str = "0.7";
const RHO: &str = "3.1";

/// A new folder of the tests' own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// Builds the example with the static library.
fn build(folder: &Path) -> PathBuf {
    let program = folder.join("lowlevel");
    let built = output(
        Command::new("gcc")
            .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
            .arg(header::root().join("include"))
            .arg(header::root().join("ffi/examples/lowlevel.c"))
            .arg(library::archive())
            .args(["-lpthread", "-ldl", "-lm", "-o"])
            .arg(&program),
    );
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    program
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs the example on a problem; its answer, and the weights that it wrote, if it did.
fn run(program: &Path, problem: &[u8], step: &str) -> (Output, Option<Vec<u8>>) {
    let (from, to) = (program.with_file_name("problem"), program.with_file_name("weights"));
    std::fs::write(&from, problem).expect("the problem is written");
    if to.exists() {
        std::fs::remove_file(&to).expect("earlier weights go");
    }
    let answer = output(Command::new(program).arg(&from).arg(&to).args([step, &SWEEPS.to_string(), NU, RHO]));
    (answer, std::fs::read(to).ok())
}

/// The example's file.
fn problem(data: &Dataset<f32>, model: &Model<f32>) -> Vec<u8> {
    let mut sizes = vec![model.maps().count(), data.n_samples(), data.n_features()];
    sizes.extend(model.maps().map(|map| map.n_out));
    let mut bytes: Vec<u8> = sizes.iter().flat_map(|&size| (size as u32).to_ne_bytes()).collect();
    bytes.extend(data.features().iter().flat_map(|x| x.to_ne_bytes()));
    bytes.extend(data.labels().iter().flat_map(|&class| (class as i32).to_ne_bytes()));
    bytes.extend(parameters(model));
    bytes
}

fn parameters(model: &Model<f32>) -> Vec<u8> {
    model.parameters.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

/// Models before and after the trainer's sweeps.
fn trained(data: &Arc<Dataset<f32>>, more: &str) -> [Model<f32>; 2] {
    let text = format!(
        "method = 'pdadmm'\nkernel = 'portable'\nactivation = 'relu'\nloss = 'cross-entropy'\ndamping = 0.1\n\
         threads = 2\nsweeps = {SWEEPS}\nnu = {NU}\nrho = {RHO}\n{more}"
    );
    let options = TrainOptions::from_toml(&text, "lowlevel.toml".as_ref()).expect("readable");
    let settings = options.resolve().expect("valid");
    let mut trainer = Trainer::new(&settings, Arc::clone(data), Arc::clone(data)).expect("a trainer");
    let before = trainer.model();
    let summary = trainer.run(&mut History::default(), &AtomicBool::new(false)).expect("a run");
    assert_eq!(summary.outcome, Outcome::SweepLimit);
    [before, trainer.model()]
}

/// The first `samples` of the digits.
fn digits(samples: usize) -> Arc<Dataset<f32>> {
    let text = format!("data = 'digits'\nsamples = {samples}");
    let options = TrainOptions::from_toml(&text, "lowlevel.toml".as_ref()).expect("readable");
    let settings = options.resolve().expect("valid");
    let (train, _) = data::load::<f32>(&settings.data, &settings.data_options()).expect("data");
    assert_eq!(train.n_samples(), samples);
    Arc::new(train)
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
    let program = build(&folder("lowlevel"));
    let cases = [
        // One group of one tile; three groups; 16 groups of 1 or 2 tiles.
        (digits(300), "hidden = '24x2'"),
        (digits(1300), "hidden = '24x2'"),
        (many(9000, 5), "hidden = '12,8'"),
    ];
    for (data, network) in cases {
        for step in ["vector", "least-squares"] {
            let [before, after] =
                trained(&data, &format!("{network}\nstep = '{step}'\ninput-step = '{step}'"));
            assert_ne!(parameters(&before), parameters(&after));
            let (answer, weights) = run(&program, &problem(&data, &before), step);
            assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
            let samples = data.n_samples();
            assert!(weights == Some(parameters(&after)), "{samples} samples, {network}, {step}");
            let said = String::from_utf8(answer.stdout).expect("plain text");
            assert_eq!(said.lines().count(), SWEEPS + 1, "{said}");
        }
    }
}

/// Lemma 1 of pdADMM: with the example's rho, above 4 nu, the objective falls in every sweep.
#[test]
fn trains_on_data_of_its_own() {
    let answer = output(&mut Command::new(build(&folder("lowlevel-alone"))));
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
    let program = build(&folder("lowlevel-refused"));
    let data = digits(300);
    let [before, _] = trained(&data, "hidden = '24x2'\nstep = 'vector'");
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
        let (answer, weights) = run(&program, bytes, "vector");
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert_eq!(answer.status.code(), Some(1), "{said}");
        assert!(said.contains(message), "{said}");
        assert_eq!(weights, None);
    }
    let (answer, _) = run(&program, &good, "newton");
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("usage: lowlevel"));
}
