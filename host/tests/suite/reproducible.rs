//! The same model to the last bit for any number of threads, and from a run's own config.toml.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Trains into `out` and returns the bytes of the model; `~` stands for a space inside an argument.
fn model(arguments: &str, out: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_altmin"))
        .args(["train", "--quiet", "--out"])
        .arg(out)
        .args(arguments.split_whitespace().map(|argument| argument.replace('~', " ")))
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read(out.join("model.safetensors")).expect("a model")
}

#[test]
fn threads_change_no_bit() {
    let parent = tempfile::tempdir().expect("temporary folder");
    for method in ["pdadmm", "dladmm"] {
        for kernel in ["fast", "portable"] {
            for step in ["vector", "least-squares"] {
                let models = [1, 2, 5].map(|threads| {
                    let run = format!("--method {method} --kernel {kernel} --step {step} --sweeps 6");
                    let out = parent.path().join(format!("{method}-{kernel}-{step}-{threads}"));
                    model(&format!("{run} --threads {threads}"), &out)
                });
                assert!(models[0] == models[1] && models[0] == models[2], "{method}, {kernel}, {step}");
            }
        }
    }
}

#[test]
fn threads_change_no_bit_of_passes_through_the_whole_network() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let proxprop = ["proxprop", "proxprop --form dual", "proxprop --form primal --carry 0.5:2"];
    let baselines =
        ["gd", "gd --momentum 0.9 --nesterov --clip 1", "adagrad", "adadelta", "adam", "adamw", "muon"];
    let drawn = [
        "proxprop --augment shift:2,flip",
        "adam --augment shift:1",
        "proxprop --network dense~60,relu,dropout~0.4,dense~10",
        "adam --network dropout~0.1,dense~60,relu,dropout~0.4,dense~10",
    ];
    for method in proxprop.into_iter().chain(baselines).chain(drawn) {
        for kernel in ["fast", "portable"] {
            for batch in ["all", "300"] {
                // Forms and draws are a matter of mini-batches.
                if batch == "all" && ["form", "augment", "dropout"].iter().any(|word| method.contains(word)) {
                    continue;
                }
                let models = [1, 2, 5].map(|threads| {
                    let run = format!("--method {method} --kernel {kernel} --batch {batch} --sweeps 4");
                    let name = format!("{method}-{kernel}-{batch}-{threads}").replace([' ', ':', '~'], "-");
                    let out = parent.path().join(name);
                    model(&format!("{run} --threads {threads}"), &out)
                });
                assert!(models[0] == models[1] && models[0] == models[2], "{method}, {kernel}, {batch}");
            }
        }
    }
}

#[test]
fn a_config_repeats_a_run_with_growth_on_other_threads() {
    let parent = tempfile::tempdir().expect("temporary folder");
    for method in ["pdadmm", "dladmm", "proxprop", "adam --batch 100"] {
        let [first, again, other] =
            ["first", "again", "other"].map(|name| parent.path().join(name).join(method.replace(' ', "-")));
        let run = "--hidden 30x3 --grow 1:3 --sweeps 6 --seed 3 --samples 700 --threads 2";
        let one = model(&format!("{run} --method {method}"), &first);
        let config = first.join("config.toml").display().to_string();
        assert!(one == model(&format!("--config {config}"), &again), "{method}");
        assert!(one == model(&format!("--config {config} --threads 3"), &other), "{method}");
        // Not because every run gives the same.
        assert!(
            one != model(&format!("--config {config} --seed 4"), &other.with_extension("seed")),
            "{method}"
        );
    }
}
