//! The examples that train by hand from level 1 end with the same bits as the trainer.
#![cfg(target_os = "linux")]

mod lowlevel;
mod minibatches;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Trainer;
use altmin::data::{self, Dataset};
use altmin::network::Model;
use altmin::run::{History, Outcome};
use altmin::settings::{Settings, TrainOptions};
use altmin_tests::{header, library};

/// Builds an example with the static library, into a folder of the test's own.
fn build(example: &str, test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{example}-{test}"));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let program = folder.join(example);
    let built = output(
        Command::new("gcc")
            .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
            .arg(header::root().join("include"))
            .arg(header::root().join(format!("ffi/examples/{example}.c")))
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

/// Runs an example on a problem; its answer, and the weights that it wrote, if it did.
fn run(program: &Path, problem: &[u8], arguments: &[&str]) -> (Output, Option<Vec<u8>>) {
    let (from, to) = (program.with_file_name("problem"), program.with_file_name("weights"));
    std::fs::write(&from, problem).expect("the problem is written");
    if to.exists() {
        std::fs::remove_file(&to).expect("earlier weights go");
    }
    let answer = output(Command::new(program).arg(&from).arg(&to).args(arguments));
    (answer, std::fs::read(to).ok())
}

/// How an example's file begins: sizes, data, and the parameters of every layer.
fn problem(data: &Dataset<f32>, model: &Model<f32>) -> Vec<u8> {
    let mut sizes = vec![model.maps().count(), data.n_samples(), data.n_features()];
    sizes.extend(model.maps().map(|map| map.n_out));
    let mut bytes: Vec<u8> = sizes.iter().flat_map(|&size| (size as u32).to_ne_bytes()).collect();
    bytes.extend(data.features().iter().flat_map(|x| x.to_ne_bytes()));
    bytes.extend(data.labels().iter().flat_map(|&class| (class as i32).to_ne_bytes()));
    bytes.extend(numbers(&model.parameters));
    bytes
}

fn numbers(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

fn settings(text: &str) -> Settings {
    let options = TrainOptions::from_toml(text, "by_hand.toml".as_ref()).expect("readable");
    options.resolve().expect("valid")
}

/// Models before and after the trainer's sweeps.
fn trained(data: &Arc<Dataset<f32>>, text: &str) -> [Model<f32>; 2] {
    let settings = settings(text);
    let mut trainer = Trainer::new(&settings, Arc::clone(data), Arc::clone(data)).expect("a trainer");
    let before = trainer.model();
    let summary = trainer.run(&mut History::default(), &AtomicBool::new(false)).expect("a run");
    assert_eq!(summary.outcome, Outcome::SweepLimit);
    let after = trainer.model();
    assert_ne!(before.parameters, after.parameters);
    [before, after]
}

/// The first `samples` of the digits.
fn digits(samples: usize) -> Arc<Dataset<f32>> {
    let settings = settings(&format!("data = 'digits'\nsamples = {samples}"));
    let (train, _) = data::load::<f32>(&settings.data, &settings.data_options()).expect("data");
    assert_eq!(train.n_samples(), samples);
    Arc::new(train)
}

/// The example ends with 1 and the message, and writes nothing.
#[track_caller]
fn refused(program: &Path, problem: &[u8], arguments: &[&str], message: &str) {
    let (answer, weights) = run(program, problem, arguments);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert_eq!(answer.status.code(), Some(1), "{said}");
    assert!(said.contains(message), "{said}");
    assert_eq!(weights, None);
}
