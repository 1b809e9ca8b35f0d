//! Every reader on the corpora of its fuzzer, as they are and changed a little.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../../../tests/fuzz/mutations.rs"]
mod mutations;
#[path = "../../../tests/fuzz/readers.rs"]
mod readers;

/// How often each file is changed.
const CHANGES: u64 = 40;

/// The inputs that a reader's corpus has, by name; a checkpoint has to be one of this very program.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(name);
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{name}: {error}"));
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        (path.display().to_string(), fs::read(&path).expect("a file"))
    };
    let mut inputs: Vec<_> = entries.map(read).collect();
    inputs.sort();
    if name == "checkpoint" {
        inputs.push(("whole".into(), readers::checkpoint()));
    }
    inputs
}

#[test]
fn every_reader_takes_or_refuses_what_its_fuzzer_has_found() {
    for (name, _) in readers::READERS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 3, "{name}: {} files", inputs.len());
        for (path, bytes) in inputs {
            let read = |number: Option<u64>, bytes: &[u8]| {
                // The reader's own message says what is wrong, this one of which input.
                let outcome = std::panic::catch_unwind(|| readers::read(name, bytes));
                assert!(outcome.is_ok(), "{path}, change {number:?}");
            };
            read(None, &bytes);
            (0..CHANGES).for_each(|number| read(Some(number), &mutations::mutated(&bytes, number)));
        }
    }
}

/// What the corpora begin with is taken, so that the readers are tried and not only their first line.
#[test]
fn what_the_corpora_begin_with_is_taken() {
    for (name, _) in readers::READERS {
        let inputs = corpus(name);
        let (_, whole) = inputs.iter().find(|(path, _)| path.ends_with("whole")).expect("a whole input");
        let (is_taken, said) = readers::read(name, whole);
        assert!(is_taken, "{name}: {said}");
    }
}

/// Fuzzes every reader for as many seconds as `ALTMIN_FUZZ` says, from its corpus on; an input that is refused in a new way is
/// changed further. What a reader stumbles over is left in the system's folder for temporary files.
#[test]
#[ignore = "takes minutes: ALTMIN_FUZZ=300 for five minutes a reader"]
fn every_reader_for_a_while() {
    let seconds = std::env::var("ALTMIN_FUZZ").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
    let only = std::env::var("ALTMIN_FUZZ_READER").ok();
    for (name, _) in readers::READERS {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let mut inputs: Vec<_> = corpus(name).into_iter().map(|(_, bytes)| bytes).collect();
        let own = inputs.len() as u64;
        let (mut seen, mut number, mut taken) = (HashSet::new(), 0_u64, 0_u64);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(seconds) {
            let bytes = mutations::mutated(
                &inputs[(number / 2 % if number % 2 == 0 { own } else { inputs.len() as u64 }) as usize],
                number,
            );
            let Ok((is_taken, said)) = std::panic::catch_unwind(|| readers::read(name, &bytes)) else {
                let path = std::env::temp_dir().join(format!("altmin-fuzz-{name}"));
                fs::write(&path, &bytes).expect("a file");
                panic!("{}", path.display());
            };
            let shape = (is_taken, said.chars().filter(|c| c.is_ascii_alphabetic()).collect::<String>());
            if seen.len() < 4000 && bytes.len() < 20_000 && seen.insert(shape) {
                inputs.push(bytes);
            }
            (number, taken) = (number + 1, taken + u64::from(is_taken));
        }
        println!("{name}: {number} inputs, {taken} taken, {} ways of refusing", seen.len());
    }
}
