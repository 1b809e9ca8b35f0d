//! ONNX files give the outputs of the models that they were made of, as onnxruntime computes them.
//!
//! `ALTMIN_PYTHON` names a Python that has onnxruntime, by default `python3`; without one the tests say that they skip.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use altmin::data::{
    Channel, Column, Columns, DataOptions, DataSource, Encoding, Missing, Outputs, Preprocessing,
};
use altmin::network::blocks::Architecture;
use altmin::network::evaluate::{apply, in_own_units, probabilities};
use altmin::network::{Loss, Model, Notation};
use altmin_core::block::{MapKind, Shape};

/// The Python that runs ONNX files, if there is one.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("ALTMIN_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let imports = Command::new(&python).args(["-c", "import onnxruntime"]).output();
    if imports.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("skipped: no onnxruntime for {}; ALTMIN_PYTHON names a Python that has it", python.display());
    None
}

/// Numbers between -1 and 1, in no order.
fn numbers(count: usize, seed: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| ((i * 7919 + seed * 104_729) as f64 * 0.618_033_988_75).fract() * 2.0 - 1.0)
}

/// A model of this network whose weights keep signals about as large as they come in.
fn model(text: &str, input: Shape, loss: Loss, n_outputs: usize) -> Model<f64> {
    let network = text.parse::<Architecture>().expect(text).network(input, n_outputs).expect(text);
    let mut parameters = Vec::new();
    for (index, map) in network.maps().into_iter().enumerate() {
        let (weights, scale) = (map.n_out * map.n_in, (map.n_in as f64).powf(-0.5));
        match map.kind {
            MapKind::Dense | MapKind::Convolution => {
                parameters.extend(numbers(weights, index).map(|x| 3.0 * x * scale));
            }
            _ => parameters.extend(numbers(weights, index).map(|x| 1.0 + 0.5 * x)),
        }
        // Of running statistics the second part are variances.
        let least = if map.kind == MapKind::Statistics { 1.25 } else { 0.0 };
        parameters.extend(numbers(map.n_out, index + 100).map(|x| x + least));
    }
    let names = (0..n_outputs).map(|output| format!("\"out\" {output}")).collect();
    let outputs = if loss.has_probabilities() { Outputs::Classes(names) } else { Outputs::Values(names) };
    let preprocessing = Preprocessing::new(&DataSource::Digits, &DataOptions::default());
    Model {
        network,
        notation: Notation::Blocks,
        parameters,
        readouts: Vec::new(),
        loss,
        outputs,
        preprocessing,
    }
}

/// What onnxruntime says of a model for these inputs, and what the file calls its input and output.
fn run(python: &Path, model: &Model<f64>, inputs: &[f32]) -> (Vec<f32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("model.onnx"), model.to_onnx().expect("an ONNX file")).expect("room");
    fs::write(path("input"), inputs.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).expect("room");
    let Shape { channels, height, width } = model.network.input();
    let sizes =
        if height * width == 1 { channels.to_string() } else { format!("{channels}x{height}x{width}") };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/onnx/run.py");
    let files = [path("model.onnx"), path("input"), sizes.into(), path("output")];
    let output = Command::new(python).arg(script).args(files).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let numbers = fs::read(path("output")).expect("the outputs");
    let numbers =
        numbers.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")));
    (numbers.collect(), String::from_utf8(output.stdout).expect("text"))
}

fn require_near(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0_f64, |largest, x| largest.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() <= 1e-5 * scale, "{what}: {found} {expected}");
    }
}

#[test]
fn every_block_is_what_onnxruntime_computes() {
    let Some(python) = python() else { return };
    let image = Shape { channels: 2, height: 9, width: 8 };
    for (text, input) in [
        (
            "dense 5, relu, dense 4, leaky-relu:0.2, dense 6, sigmoid, dense 5, tanh, dense 4, softplus, dense 3",
            Shape::flat(7),
        ),
        ("dense 6, batchnorm, relu, residual dense, dropout 0.3, residual dense, dense 3", Shape::flat(4)),
        ("conv 3 3x2 stride 2, batchnorm, relu, conv 4 3x3 same, flatten, dense 3", image),
        ("maxpool 3 stride 2, avgpool 2, relu, flatten, dense 3", image),
        ("conv 5 3x3 pad 2, avgpool, dense 3", image),
        ("residual 4, residual 4, residual 6 stride 2, avgpool, dense 3", image),
        ("conv 3 1x1, relu, dense 3", Shape::flat(5)),
    ] {
        let model = model(text, input, Loss::CrossEntropy, 3);
        let inputs: Vec<f32> = numbers(11 * model.n_features(), 3).map(|x| x as f32).collect();
        let (found, names) = run(&python, &model, &inputs);
        let inputs: Vec<f64> = inputs.into_iter().map(f64::from).collect();
        let scores = apply(&model, &inputs, 1).expect("outputs");
        let expected: Vec<f64> = scores.chunks(3).flat_map(probabilities).collect();
        require_near(&found, &expected, text);
        assert!(names.starts_with("input probabilities "), "{names}");
        // The proof is worth something only if outputs differ from sample to sample.
        assert!(expected.chunks(3).any(|one| (one[0] - expected[0]).abs() > 1e-3), "{text}: {expected:?}");
    }
}

#[test]
fn scales_are_in_the_file() {
    let Some(python) = python() else { return };
    let mut values = model("dense 5, relu, dense 2", Shape::flat(3), Loss::LeastSquares, 2);
    let column = |name: &str, mean, deviation| Column { mean, deviation, ..Column::new(name) };
    values.preprocessing.columns = Some(Columns {
        features: vec![
            column("year", 2.0e6, 0.25),
            column("small", 1e-9, 1e-10),
            Column::new("color").encoded(Encoding::Category("red".to_owned())),
        ],
        targets: vec![column("price", 1e5, 2e4), column("share", 0.5, 1e-3)],
        classes: vec![],
        missing: Missing::Error,
        image: None,
    });
    let rows: Vec<[f32; 3]> = (0..9_u8)
        .map(|i| [2.0e6 + f32::from(i) / 8.0, 1e-9 + f32::from(i) * 1e-11, f32::from(i % 2)])
        .collect();
    let (found, names) = run(&python, &values, &rows.concat());
    assert_eq!(names.trim(), "input values 3");
    let columns = values.preprocessing.columns.as_ref().expect("columns");
    let scaled = |row: &[f32; 3]| [0, 1, 2].map(|i| columns.features[i].scaled(f64::from(row[i])));
    let outputs = apply(&values, &rows.iter().flat_map(scaled).collect::<Vec<_>>(), 1).expect("outputs");
    let own = in_own_units(&values, &outputs);
    for output in 0..2 {
        let found: Vec<f32> = found.iter().skip(output).step_by(2).copied().collect();
        let own: Vec<f64> = own.iter().skip(output).step_by(2).copied().collect();
        require_near(&found, &own, "values");
        assert!(own.iter().any(|value| (value / own[0] - 1.0).abs() > 1e-4), "{own:?}");
    }

    let image = Shape { channels: 2, height: 3, width: 4 };
    for text in ["conv 3 3x3 same, relu, flatten, dense 3", "dense 3, relu, dense 3"] {
        let mut scaled = model(text, image, Loss::LeastSquares, 3);
        scaled.outputs = Outputs::Classes(["a", "b", "c"].map(str::to_owned).to_vec());
        let channels = [Channel { mean: 0.4, deviation: 0.2 }, Channel { mean: 0.1, deviation: 0.7 }];
        let pixels: Vec<f32> = numbers(5 * 24, 9).map(|x| (0.5 + 0.5 * x) as f32).collect();
        let own = |(place, &pixel): (usize, &f32)| {
            let Channel { mean, deviation } = channels[place / 12 % 2];
            (f64::from(pixel) - mean) / deviation
        };
        let inputs: Vec<f64> = pixels.iter().enumerate().map(own).collect();
        scaled.preprocessing.channels = Some(channels.to_vec());
        let (found, names) = run(&python, &scaled, &pixels);
        assert!(names.starts_with("input scores "), "{names}");
        require_near(&found, &apply(&scaled, &inputs, 1).expect("outputs"), text);
    }
}

fn altmin(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().expect("the program starts")
}

#[test]
fn the_program_writes_a_file_that_names_what_it_takes_and_gives() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: String = (0..40)
        .map(|i| format!("{},{},{}\n", i % 9, ["red", "blue"][i % 2], ["no", "yes"][i % 3 % 2]))
        .collect();
    fs::write(folder.path().join("all.csv"), "size,color,class\n".to_owned() + &rows).expect("room");
    assert!(altmin(folder.path(), "train --data all.csv --sweeps 2 --hidden 3 --out run").status.success());
    let output = altmin(folder.path(), "export --model run --out model.onnx");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && stderr.contains("`altmin info`"), "{stderr}");
    let bytes = fs::read(folder.path().join("model.onnx")).expect("the file");
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(
        holds(r#"["size","color = blue","color = red"]"#)
            && holds(r#"["no","yes"]"#)
            && holds("probabilities")
    );
    for (arguments, code, part) in [
        ("export --model run --out model.json", 2, "expected a file whose name ends in .onnx"),
        ("export --model run --depth 7 --out x.onnx", 2, "depth"),
        ("export --model absent --out x.onnx", 1, "absent"),
    ] {
        let output = altmin(folder.path(), arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && stderr.contains(part), "{arguments}: {stderr}");
    }
    // A parameter that single precision does not hold.
    let mut model = model("dense 2", Shape::flat(1), Loss::CrossEntropy, 2);
    model.parameters[0] = 1e39;
    assert!(model.to_onnx().expect_err("too large").to_string().contains("single precision"));
}
