//! The examples in C, built and run.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Trainer;
use altmin::data::load;
use altmin::run::{History, Outcome};
use altmin::settings::{Method, TrainOptions, Widths};

use crate::support::file;

/// A folder for a test alone.
fn folder(name: &str) -> PathBuf {
    let folder = file(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Builds an example into a folder, beside the shared library under the name that programs ask for.
fn build(name: &str, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let test = std::env::current_exe().expect("this program's path");
    // Beside the test lies what was built for it; a copy further up may be older, or not be there.
    let library = test.parent().expect("a folder of builds").join("libaltmin_ffi.so");
    for name in ["libaltmin.so", env!("ALTMIN_SONAME")] {
        symlink(&library, folder.join(name)).expect("a link to the library");
    }
    let program = folder.join(name);
    let output = Command::new("gcc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(root.join("../include"))
        .arg(root.join("examples").join(format!("{name}.c")))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(folder)
        .args(["-laltmin", "-lm", "-Wl,-rpath,$ORIGIN"])
        .output()
        .expect("gcc");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// What a program prints; it must succeed and have nothing to complain of.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{}: {complaint}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn quickstart_gives_the_bits_of_the_command_line() {
    let folder = folder("quickstart");
    let program = build("quickstart", &folder);
    // What `altmin train --method pdadmm --hidden 32,32 --sweeps 20` does.
    let options = TrainOptions {
        method: Some(Method::Pdadmm),
        hidden: Some(Widths(vec![32, 32])),
        sweeps: Some(20),
        ..TrainOptions::default()
    };
    let settings = options.resolve().expect("settings");
    let (train, test) = load::<f32>(&settings.data, &settings.data_options()).expect("digits");
    let size = [train.n_features(), train.n_samples()].map(|size| size as i32);
    let numbers = size.iter().map(|size| size.to_ne_bytes());
    let numbers = numbers.chain(train.features().iter().map(|feature| feature.to_ne_bytes()));
    let bytes: Vec<u8> =
        numbers.chain(train.labels().iter().map(|label| label.to_ne_bytes())).flatten().collect();
    let samples = folder.join("digits.bin");
    fs::write(&samples, bytes).expect("a file");
    let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::new(test)).expect("a trainer");
    let summary = trainer.run(&mut History::default(), &AtomicBool::new(false)).expect("a run");
    assert_eq!(summary.outcome, Outcome::SweepLimit);
    let said = run(Command::new(&program).arg(&samples));
    let expected = format!("loss bits {:016x}\n", trainer.metrics().expect("20 sweeps").loss.to_bits());
    assert!(said.contains(&expected), "{said}{expected}");
    let right = (summary.train_accuracy * 1437.0).round();
    assert!(said.contains(&format!("{right} of 1437 predicted rightly")), "{said}{right}");
    assert!(run(&mut Command::new(&program)).contains("of 400 predicted rightly"));
    fs::remove_dir_all(folder).expect("the folder");
}

#[test]
fn observer_keeps_the_best_network() {
    let folder = folder("observer");
    let program = build("observer", &folder);
    let best = folder.join("best.safetensors");
    let said = run(Command::new(&program).arg(&best));
    // The best accuracy of the last saving, in percent of 100 samples, is what the saved network has.
    let saved = said.lines().rfind(|line| line.ends_with("saved")).expect("a saving");
    let percent = saved.split(' ').rev().nth(2).expect("an accuracy").trim_end_matches(".0");
    assert!(said.contains(&format!("predicts {percent} of 100 test samples rightly")), "{said}");
    assert!(best.is_file());
    fs::remove_dir_all(folder).expect("the folder");
}
