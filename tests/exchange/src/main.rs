//! Files that go from machine to machine: a model and a checkpoint, written on one and read on another.
//!
//! `altmin-exchange write DIR` trains a small network, and writes `model.safetensors` and `checkpoint`; `altmin-exchange read DIR` reads them
//! and goes on with the training. Both print the bits of what the network says of the samples, and of the weights after three sweeps
//! more, with the core's own product: on whatever machine, the same lines. `experiments/other_machines.sh` compares them.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Trainer;
use altmin::data::{DataSource, Dataset};
use altmin::run::History;
use altmin::run::checkpoint::Snapshot as _;
use altmin::settings::{Settings, TrainOptions};
use altmin_core::view::dense;

const FEATURES: usize = 6;
const SAMPLES: usize = 90;
const OUTPUTS: usize = 3;
const MODEL: &str = "model.safetensors";
const CHECKPOINT: &str = "checkpoint";

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder] => write(Path::new(folder)),
        ["read", folder] => read(Path::new(folder)),
        _ => Err("usage: altmin-exchange write|read DIR".into()),
    }
}

/// Whole numbers and their quotients: no machine rounds them in its own way.
fn features() -> Vec<f32> {
    (0..FEATURES * SAMPLES).map(|k| ((k * k + 3 * k) % 101) as f32 / 50.0 - 1.0).collect()
}

fn samples() -> Outcome<Dataset<f32>> {
    let features = features();
    let class = |x: &[f32]| i32::from(x[0] + x[1] > 0.0) + i32::from(x[2] > x[3]);
    let classes: Vec<i32> = features.chunks(FEATURES).map(class).collect();
    Ok(Dataset::from_classes(&dense(&features, FEATURES, SAMPLES), &classes, Some(OUTPUTS))?)
}

fn settings() -> Outcome<Settings> {
    let text = "method = 'pdadmm'\nkernel = 'portable'\nprecision = 'f32'\nhidden = '9,7'\nactivation = 'tanh'\nthreads = 1\nnu = 0.5\nrho = 3\n";
    let options = TrainOptions::from_toml(text, Path::new("settings"))?;
    Ok(TrainOptions { data: Some(DataSource::Memory), ..options }.resolve()?)
}

fn write(folder: &Path) -> Outcome {
    let mut trainer = Trainer::without_test(&settings()?, Arc::new(samples()?))?;
    let mut history = History::default();
    trainer.step(5, &mut history, &AtomicBool::new(false))?;
    // Out of the trainer's round numbers, so that the checkpoint has more than the settings have.
    trainer.set_rho(2.75)?;
    trainer.save(&folder.join(MODEL))?;
    trainer.write(&history, &mut File::create(folder.join(CHECKPOINT))?)?;
    say(&mut trainer)?;
    go_on(trainer)
}

fn read(folder: &Path) -> Outcome {
    let new = || -> Outcome<_> { Ok(Trainer::without_test(&settings()?, Arc::new(samples()?))?) };
    let mut of_model = new()?;
    of_model.load(&folder.join(MODEL))?;
    say(&mut of_model)?;
    let mut resumed = new()?;
    let path = folder.join(CHECKPOINT);
    resumed.resume(&mut File::open(&path)?, &path)?;
    go_on(resumed)
}

/// The bits of what the network says of the samples, by the trainer's product, which is the core's own.
fn say(trainer: &mut Trainer<f32>) -> Outcome {
    let features = features();
    let mut scores = vec![0.0; OUTPUTS * SAMPLES];
    trainer.predict(&dense(&features, FEATURES, SAMPLES), &mut scores, OUTPUTS)?;
    print_bits("scores", &scores);
    Ok(())
}

/// The bits of the weights after three sweeps more.
fn go_on(mut trainer: Trainer<f32>) -> Outcome {
    trainer.step(3, &mut History::default(), &AtomicBool::new(false))?;
    print_bits("weights", trainer.parameters());
    Ok(())
}

fn print_bits(what: &str, numbers: &[f32]) {
    let bits: Vec<String> = numbers.iter().map(|number| format!("{:08x}", number.to_bits())).collect();
    println!("{what} {}", bits.join(" "));
}
