//! The program from outside: exit codes, one line for each error, help, pipes.

use altmin::cli;
use altmin::data::{DataOptions, DataSource, Outputs, Preprocessing};
use altmin::network::blocks::dense_blocks;
use altmin::network::{Activation, Loss};
use altmin::network::{Model, Network, Notation};
use altmin_core::block::Shape;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Runs, and checks the exit code and that stderr has an error of one line that contains `part`, and at most a hint.
fn refused(arguments: &[&str], code: i32, part: &str) {
    let output = altmin(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    let lines: Vec<_> = stderr.lines().filter(|line| !line.starts_with("hint: ")).collect();
    let [line] = &lines[..] else { panic!("{arguments:?}: {stderr}") };
    assert!(line.starts_with("error: ") && line.contains(part), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
}

#[test]
fn wrong_use_is_2_and_one_line() {
    let cases: &[(&[&str], &str)] = &[
        (&["trian"], "trian"),
        (&["train", "--nonsense"], "--nonsense"),
        (&["train", "--method", "sgd"], "pdadmm, dladmm"),
        (&["train", "--loss", "hinge"], "cross-entropy, least-squares or huber:DELTA"),
        (&["train", "--loss", "huber:0"], "a delta that is a finite number above 0"),
        (&["train", "--loss", "least-square"], "cross-entropy, least-squares"),
        (&["train", "--activation", "leaky-relu:-0.5"], "a slope that is a finite number, 0 or above"),
        (
            &["train", "--activation", "rleu"],
            "expected relu, leaky-relu:SLOPE, sigmoid, tanh or softplus, did you mean relu?",
        ),
        (
            &["train", "--network", "leaky-relu:-0.5, flatten, dense 10"],
            "a slope that is a finite number, 0 or above",
        ),
        (&["train", "--regularizer", "l2"], "expected none, l1:LAMBDA or l2:LAMBDA"),
        (&["train", "--regularizer", "l2:-1"], "--regularizer: `regularizer` is `l2:-1`"),
        (&["train", "--step", "vectors"], "vector, scalar, backtracking, least-squares"),
        (&["train", "--epsilon-repair", "b"], "a, z"),
        (&["train", "--hidden", "100,0"], "hidden"),
        (&["train", "--hidden", "wide"], "--hidden"),
        (&["train", "--patience", "3"], "training samples to tell by: --validation 0.2, or --holdout"),
        (&["train", "--holdout", "--patience", "3", "--keep", "best"], "a folder for the best model"),
        (&["compare", "--holdout", "--patience", "3"], "none: a comparison"),
        (&["search", "--holdout", "--patience", "3"], "none: a search"),
        (&["verify", "--patience", "3"], "only runs of train stop early"),
        (&["train", "--nu", "-1"], "`nu` is `-1`"),
        (&["train", "--nu", "much"], "--nu"),
        (&["train", "--rho", "inf"], "`rho` is `inf`"),
        (&["train", "--rho", "nan"], "`rho` is `NaN`"),
        (&["train", "--classes", "3"], "at least two"),
        (&["train", "--classes", "3,77"], "77"),
        (&["train", "--grow", "2:5"], "fewer than the 2 hidden layers"),
        (&["train", "--sweeps", "0"], "sweeps"),
        (&["train", "--threads", "0"], "threads"),
        (&["train", "--samples", "1000000"], "samples"),
        (&["train", "--pool", "3"], "pool"),
        (&["train", "--tolerance", "-1"], "tolerance"),
        (&["train", "--time-limit", "60"], "--time-limit"),
        (&["train", "--method", "pdadmm", "--step", "vector", "--damping", "1"], "damping"),
        (&["train", "--data", "no/such/folder"], "no/such/folder"),
        (&["evaluate"], "--model"),
        (&["info", "--model", "x", "--nu", "1"], "--model"),
        (&["bench", "sweep", "--layers", "10"], "layers"),
        (&["bench", "sweep", "--samples", "0"], "samples"),
        (&["completions", "cmd"], "bash"),
    ];
    for (arguments, part) in cases {
        refused(arguments, 2, part);
    }
}

#[test]
fn missing_files_are_1_and_one_line() {
    refused(&["train", "--config", "no/such.toml"], 1, "no/such.toml");
    refused(&["evaluate", "--model", "no/such.safetensors"], 1, "no/such.safetensors");
    refused(&["predict", "--model", "no/such.safetensors"], 1, "no/such.safetensors");
    let empty = tempfile::tempdir().expect("temporary folder");
    refused(&["train", "--data", empty.path().to_str().expect("a path")], 1, "train-images");
}

#[test]
fn a_config_file_is_checked_as_flags_are() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("settings.toml");
    let name = path.to_str().expect("a path");
    fs::write(&path, "nu = 1\nhiden = '3'\n").expect("written");
    refused(&["train", "--config", name], 2, "hiden");
    fs::write(&path, "nu = 0\n").expect("written");
    refused(&["train", "--config", name], 2, "`nu` is `0`");
    refused(&["train", "--config", name, "--nu", "1", "--rho", "0"], 2, "`rho` is `0`");
    for useless in ["method = 'adam'\nnu = 1\n", "nu = 1\nmethod = 'gsam'\ninner = 'sgd'\n"] {
        fs::write(&path, useless).expect("written");
        refused(&["train", "--config", name], 2, "`nu` is `1`, expected no value");
    }
    // What the file's own method uses may be of no use to the one that a flag names.
    fs::write(&path, "method = 'pdadmm'\nnu = 1\nsweeps = 1\n").expect("written");
    let output = altmin(&["train", "--config", name, "--method", "adam", "--quiet"]);
    assert!(output.status.success(), "{output:?}");
    // Without a method of its own it has that of the flags.
    fs::write(&path, "nu = 1\nsweeps = 1\n").expect("written");
    refused(&["train", "--config", name, "--method", "adam"], 2, "`nu` is `1`");
}

#[test]
fn what_exists_is_not_written_to() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let name = folder.path().to_str().expect("a path");
    refused(&["train", "--out", name], 2, name);
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
    let file = folder.path().join("file");
    fs::write(&file, "precious").expect("written");
    refused(&["train", "--out", file.to_str().expect("a path")], 2, "file");
    assert_eq!(fs::read_to_string(&file).expect("the file"), "precious");
}

#[test]
fn help_explains_every_option() {
    fn check(command: &clap::Command, path: &[&str]) {
        if command.get_name() == "help" {
            return;
        }
        let output = altmin(&[path, &["--help"]].concat());
        assert_eq!(output.status.code(), Some(0));
        let help = text(&output.stdout);
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{path:?} {}", argument.get_id());
            let name = argument
                .get_long()
                .map_or(argument.get_id().as_str().to_uppercase(), |long| format!("--{long}"));
            assert!(help.contains(&name), "{path:?} {name}");
        }
        for inner in command.get_subcommands() {
            check(inner, &[path, &[inner.get_name()]].concat());
        }
    }
    check(&cli::command(), &[]);
}

#[test]
fn help_of_verify_has_its_own_defaults() {
    let help = text(&altmin(&["verify", "--help"]).stdout);
    let one_line = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for default in
        ["[default: 20,20]", "[default: 40]", "[default: 200, or all if there are fewer]", "[default: f64]"]
    {
        assert!(one_line.contains(default), "{default}: {help}");
    }
    for other in ["[default: 100", "[default: f32]", "[default: proxprop]", "--tolerance", "--keep"] {
        assert!(!one_line.contains(other), "{other}: {help}");
    }
}

#[test]
fn train_help_is_grouped() {
    let help = text(&altmin(&["train", "--help"]).stdout);
    let headings = ["\nData:", "\nNetwork:", "\nMethod:", "\nStopping:", "\nMachine:", "\nOutput:"];
    let places: Vec<_> = headings.iter().map(|heading| help.find(heading).expect(heading)).collect();
    assert!(places.is_sorted(), "{places:?}");
    for (method, step) in [("pdadmm", "vector"), ("dladmm", "least-squares")] {
        assert!(
            help.lines().any(|line| line.trim().starts_with(method) && line.contains(step)),
            "{method} {step}"
        );
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = altmin(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output.stdout).contains("time-limit"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_altmin"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_stdout_is_one_line() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the full device");
    let output =
        Command::new(env!("CARGO_BIN_EXE_altmin")).arg("info").stdout(full).output().expect("it starts");
    let stderr = text(&output.stderr);
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.starts_with("error: cannot write the output: "), "{stderr}");
}

#[test]
fn info_tells_sizes_and_thresholds() {
    let output = altmin(&["info", "--method", "pdadmm", "--hidden", "30", "--nu", "2", "--rho", "8"]);
    let info = text(&output.stdout);
    // 64-30-10: 64 * 30 + 30 and 30 * 10 + 10 parameters; p, z, q, r of 30 and z, r of 10, 1,437 samples, 4 bytes.
    for part in [
        "1950",
        "310",
        "2260",
        "804.72 kB",
        "pdadmm: rho > 8 ",
        "dladmm: rho > 1 ",
        "pdadmm: condition not met",
    ] {
        assert!(info.contains(part), "{part} in\n{info}");
    }
    let info = text(&altmin(&["info", "--method", "pdadmm", "--nu", "2", "--rho", "8.1"]).stdout);
    assert!(info.contains("pdadmm: condition met"), "{info}");
}

/// A model of digits with made-up weights.
fn save_model(path: &Path) {
    let network = Network::new(dense_blocks(&[], Activation::Relu, 10), Shape::flat(64)).expect("a layer");
    let model = Model {
        network,
        notation: Notation::Layers,
        parameters: (0..640).map(f64::from).chain([0.0; 10]).collect(),
        readouts: Vec::new(),
        loss: Loss::CrossEntropy,
        outputs: Outputs::Classes((0..10).map(|class| class.to_string()).collect()),
        preprocessing: Preprocessing::new(&DataSource::Digits, &DataOptions::default()),
    };
    model.save(path).expect("saved");
}

#[test]
fn evaluate_and_predict_agree() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("model.safetensors");
    save_model(&path);
    let model = path.to_str().expect("a path");
    let output = altmin(&["evaluate", "--model", model, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!((&report["kind"], &report["samples"]), (&"evaluation".into(), &360.into()));
    let csv = folder.path().join("predictions.csv");
    let output = altmin(&["predict", "--model", model, "--out", csv.to_str().expect("a path")]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", text(&output.stderr));
    let mut predicted = [0u64; 10];
    let mut reader = csv::Reader::from_path(&csv).expect("a file");
    for row in reader.records() {
        let row = row.expect("a row");
        assert_eq!(row.len(), 12);
        let sum: f64 = (2..12).map(|column| row[column].parse::<f64>().expect("a probability")).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        predicted[row[1].parse::<usize>().expect("a class")] += 1;
    }
    for (class, &count) in predicted.iter().enumerate() {
        let column: u64 =
            (0..10).map(|label| report["confusion"][label][class].as_u64().expect("a count")).sum();
        assert_eq!(column, count, "class {class}");
    }
    let output = altmin(&["evaluate", "--model", model, "--split", "train", "--samples", "100", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(report["samples"], 100);
}

#[test]
fn a_model_of_another_shape_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("model.safetensors");
    save_model(&path);
    let model = path.to_str().expect("a path");
    refused(&["evaluate", "--model", model, "--pool", "2"], 1, "16 features, the model expects 64");
    refused(&["predict", "--model", model, "--classes", "0,1"], 1, "2 classes, the model expects 10");
}

#[test]
fn info_describes_a_model() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("model.safetensors");
    save_model(&path);
    let info = text(&altmin(&["info", "--model", path.to_str().expect("a path")]).stdout);
    for part in ["64 -> 10", "650 parameters", "relu", "cross-entropy", "digits"] {
        assert!(info.contains(part), "{part} in\n{info}");
    }
}

#[test]
fn a_terminal_is_not_steered_by_what_a_table_holds() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (table, run) = (folder.path().join("some.csv"), folder.path().join("run"));
    let row = |i: usize| format!("{},{}\n", i * i % 11, ["\u{1b}[31mred\u{1b}[0m", "blue"][i % 2]);
    fs::write(&table, "a\u{7},y\n".to_owned() + &(0..20).map(row).collect::<String>()).expect("written");
    let (table, run) = (table.to_str().expect("a path"), run.to_str().expect("a path"));
    let trained = altmin(&["train", "--data", table, "--sweeps", "1", "--out", run]);
    assert!(trained.status.success(), "{trained:?}");
    // A run's folder stands for the model in it.
    for (command, part) in [("evaluate", r"\u{1b}[31mred\u{1b}[0m"), ("info", r"a\u{7}")] {
        let output = altmin(&[command, "--model", run]);
        let shown = text(&output.stdout);
        assert!(output.status.success() && shown.contains(part), "{output:?}");
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
}
