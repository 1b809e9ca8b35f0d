//! Looks at the test set within epochs: what they see, that they change nothing, and the file that keeps them.

use altmin::data::{self, DataSource, Dataset};
use altmin::run::{Evaluation, Metrics, Observer, Summary};
use altmin::settings::TrainOptions;
use altmin::{Settings, Trainer};
use altmin_core::view::dense;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Five mini-batches of 60 samples.
const RUN: &str = "hidden = '12,12'\nsamples = 300\nexact-metrics = true";
const BATCHES: &str = "batch = 60\nsweeps = 2";

#[derive(Debug, Default)]
struct Seen {
    evaluations: Vec<Evaluation>,
    sweeps: Vec<Metrics>,
}

impl Observer for Seen {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.sweeps.push(*metrics);
        Ok(())
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.evaluations.push(*evaluation);
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

fn settings(text: &str) -> Settings {
    let text = format!("{RUN}\n{text}");
    TrainOptions::from_toml(&text, Path::new("test.toml")).expect("readable").resolve().expect("valid")
}

fn trained(text: &str) -> (Trainer<f32>, Seen) {
    let settings = settings(text);
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
    let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::new(test)).expect("a trainer");
    let mut seen = Seen::default();
    trainer.run(&mut seen, &AtomicBool::new(false)).expect("a run");
    (trainer, seen)
}

#[test]
fn looks_within_an_epoch_change_no_bit_of_the_weights() {
    for method in ["gd", "adam", "muon", "proxprop", "local"] {
        let text = format!("method = '{method}'\n{BATCHES}");
        let (whole, plain) = trained(&text);
        assert_eq!(plain.evaluations, []);
        for threads in [1, 3] {
            let (looked, seen) = trained(&format!("{text}\nevaluate-every = 2\nthreads = {threads}"));
            assert!(looked.parameters() == whole.parameters(), "{method}");
            let places: Vec<_> = seen.evaluations.iter().map(|seen| (seen.sweep, seen.batches)).collect();
            assert_eq!(places, [(1, 2), (1, 4), (2, 2), (2, 4)], "{method}");
            // The last batches of a sweep are seen by its metrics, which time goes up to.
            for (sweep, expected) in seen.sweeps.iter().zip(&plain.sweeps) {
                assert_eq!(sweep.loss, expected.loss, "{method}");
                assert_eq!(sweep.objective, expected.objective, "{method}");
            }
            let seconds: Vec<f64> = [&seen.evaluations[..2], &seen.evaluations[2..]]
                .iter()
                .zip(&seen.sweeps)
                .flat_map(|(part, sweep)| part.iter().map(|seen| seen.seconds).chain([sweep.seconds]))
                .collect();
            assert!(seconds.is_sorted() && seconds[0] > 0.0, "{method}: {seconds:?}");
        }
    }
}

/// Where all samples are alike every mini-batch has the gradient of all of them, so that a look after so many mini-batches sees
/// what as many full-batch steps have left. Samples are tested on what they train on, whose loss is told after every sweep.
#[test]
fn every_look_sees_the_weights_of_its_moment() {
    let run = |text: &str, count: usize| {
        let settings = settings(&format!("method = 'gd'\nlearning-rate = 0.05\n{text}"));
        let (train, _) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
        let (sample, label) = (train.sample(0).to_vec(), train.labels()[0] as i32);
        let copies = sample.repeat(count);
        let features = dense(&copies, train.n_features(), count);
        let train = Dataset::from_classes(&features, &vec![label; count], Some(10)).expect("a data set");
        let settings = Settings { data: DataSource::Memory, samples: None, ..settings };
        let train = Arc::new(train);
        let mut trainer = Trainer::new(&settings, Arc::clone(&train), train).expect("a trainer");
        let mut seen = Seen::default();
        trainer.run(&mut seen, &AtomicBool::new(false)).expect("a run");
        seen
    };
    let looks = run(&format!("evaluate-every = 1\n{BATCHES}"), 300).evaluations;
    let steps = run("batch = 'all'\nsweeps = 10", 60).sweeps;
    assert_eq!((looks.len(), steps.len()), (8, 10));
    for look in looks {
        let step = steps[(look.sweep - 1) * 5 + look.batches - 1];
        assert!((look.test_loss - step.loss).abs() < 1e-4 * step.loss, "{look:?} {step:?}");
        assert_eq!(look.test_accuracy, step.test_accuracy);
    }
}

fn train(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_altmin")).arg("train").args(arguments).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("text")
}

const OPTIONS: [&str; 12] = [
    "--method",
    "adam",
    "--hidden",
    "12",
    "--samples",
    "300",
    "--batch",
    "60",
    "--evaluate-every",
    "2",
    "--quiet",
    "--sweeps",
];

/// The rows of evaluations.csv without their seconds.
fn rows(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("evaluations.csv")).expect("the file");
    let without_seconds = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..2], &cells[3..]].concat().join(",")
    };
    text.lines().map(without_seconds).collect()
}

#[test]
fn looks_go_to_a_file_that_a_resumed_run_goes_on_with() {
    let parent = tempfile::tempdir().expect("a folder");
    let at = |name: &str| parent.path().join(name).display().to_string();
    train(&[&OPTIONS[..], &["4", "--out", &at("whole")]].concat());
    let whole = rows(Path::new(&at("whole")));
    assert_eq!(whole[0], "sweep,batches,test_loss,test_accuracy");
    assert_eq!(whole.len(), 9);
    train(&[&OPTIONS[..], &["2", "--checkpoint-every", "1", "--out", &at("part")]].concat());
    assert_eq!(rows(Path::new(&at("part"))), whole[..5]);
    // What a run that was killed within its third sweep has left.
    let file = Path::new(&at("part")).join("evaluations.csv");
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, text + "3,2,0.1,0.5,0.5\n3,4,0.").expect("room");
    train(&["--resume", &at("part"), "--quiet", "--sweeps", "4"]);
    assert_eq!(rows(Path::new(&at("part"))), whole);
    let lines = train(&[&OPTIONS[..], &["1", "--json"]].concat());
    let looks = lines.lines().filter(|line| line.contains(r#""kind":"evaluation""#)).count();
    assert_eq!(looks, 2, "{lines}");
}

#[test]
fn where_there_is_no_epoch_or_no_test_set_it_is_refused() {
    for (options, said) in [
        ("--method pdadmm --evaluate-every 2", "the method pdadmm does not use it"),
        ("--method adam --evaluate-every 2", "mini-batches"),
        ("--method proxprop --evaluate-every 0", "evaluate-every"),
        ("--method proxprop --evaluate-every often", "a number of mini-batches, or none"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
        let output = command.arg("train").args(options.split(' ')).args(["--sweeps", "1"]).output();
        let output = output.expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{options}: {stderr}");
        assert!(stderr.contains(said), "{options}: {stderr}");
    }
}
