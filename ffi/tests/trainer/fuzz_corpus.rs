//! Calls with any arguments: the corpus of their fuzzer, as it is and changed a little.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../../../tests/fuzz/arguments.rs"]
mod arguments;
#[path = "../../../tests/fuzz/mutations.rs"]
mod mutations;

/// How often each input is changed.
const CHANGES: u64 = 60;

#[test]
fn any_arguments_come_back_with_a_status() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/arguments");
    let mut count = 0;
    for entry in fs::read_dir(corpus).expect("the corpus") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        arguments::run(&bytes);
        (0..CHANGES).for_each(|number| drop(arguments::run(&mutations::mutated(&bytes, number))));
        count += 1;
    }
    assert!(count >= 3, "{count} files");
}

/// The same for as many seconds as `ALTMIN_FUZZ` says.
#[test]
#[ignore = "takes minutes: ALTMIN_FUZZ=300 for five minutes"]
fn any_arguments_for_a_while() {
    let seconds = std::env::var("ALTMIN_FUZZ").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/arguments");
    let files = fs::read_dir(corpus).expect("the corpus");
    let mut inputs: Vec<Vec<u8>> =
        files.map(|file| fs::read(file.expect("an entry").path()).expect("a file")).collect();
    let (mut seen, mut number) = (HashSet::new(), 0_u64);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        let bytes = mutations::mutated(&inputs[(number % inputs.len() as u64) as usize], number);
        let Ok(statuses) = std::panic::catch_unwind(|| arguments::run(&bytes)) else {
            let path = std::env::temp_dir().join("altmin-fuzz-arguments");
            fs::write(&path, &bytes).expect("a file");
            panic!("{}", path.display());
        };
        if seen.len() < 4000 && bytes.len() < 2000 && seen.insert(statuses) {
            inputs.push(bytes);
        }
        number += 1;
    }
    println!("{number} inputs, {} ways in which calls ended", seen.len());
}
