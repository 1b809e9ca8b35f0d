//! Regression from outside: values learnt from CSV files by the program, R^2, errors and predictions in the file's own units.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use altmin::Trainer;
use altmin::data::{
    self, Column, Columns, DataOptions, DataSource, Dataset, Missing, Outputs, Preprocessing,
};
use altmin::network::blocks::dense_blocks;
use altmin::network::evaluate::{apply, evaluate, in_own_units};
use altmin::network::{Activation, Loss};
use altmin::network::{Model, Network, Notation};
use altmin::random::{Purpose, uniform};
use altmin::settings::TrainOptions;
use altmin_core::block::Shape;

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

fn done(arguments: &[&str]) -> String {
    let output = altmin(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs, and checks the exit code and that stderr has an error of one line that contains `part`.
fn refused(arguments: &[&str], code: i32, part: &str) {
    let output = altmin(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    let lines: Vec<_> = stderr.lines().filter(|line| !line.starts_with("hint: ")).collect();
    let [line] = &lines[..] else { panic!("{arguments:?}: {stderr}") };
    assert!(line.starts_with("error: ") && line.contains(part), "{arguments:?}: {stderr}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn put(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("written");
    path
}

/// Inputs of very different size, and what they are multiplied with.
const COEFFICIENTS: [f64; 3] = [2.0, -40.0, 3e4];
const INTERCEPT: f64 = 4.0;

fn point(sample: usize) -> [f64; 3] {
    let draw = |sequence| uniform(7, Purpose::Features, sequence, sample as u64);
    [20.0 * draw(0) - 10.0, 100.0 + draw(1), 1e-3 * draw(2)]
}

fn linear(x: &[f64; 3]) -> f64 {
    INTERCEPT + x.iter().zip(COEFFICIENTS).map(|(x, c)| x * c).sum::<f64>()
}

/// 300 rows of the linear function, without noise.
fn one_output() -> String {
    let row = |sample| {
        let x = point(sample);
        format!("{},{},{},{}\n", x[0], x[1], x[2], linear(&x))
    };
    "x1,x2,x3,y\n".to_owned() + &(0..300).map(row).collect::<String>()
}

/// The same under a name with a comma in it and among the features, and a second output, a parabola of another size.
fn two_outputs() -> String {
    let row = |sample| {
        let x = point(sample);
        format!("{},{},{},{},{}\n", x[0], linear(&x), x[1], x[2], 1e-3 * x[0] * x[0])
    };
    "x1,\"y, linear\",x2,x3,square\n".to_owned() + &(0..300).map(row).collect::<String>()
}

/// Columns of a CSV text by name.
fn columns(text: &str) -> Vec<(String, Vec<String>)> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let column = |(index, name)| (name, rows.iter().map(|row| row[index].to_owned()).collect());
    names.into_iter().enumerate().map(column).collect()
}

fn numbers(column: &[String]) -> Vec<f64> {
    column.iter().map(|cell| cell.parse().expect("a number")).collect()
}

#[test]
fn known_coefficients_are_recovered_through_the_whole_program() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = put(folder.path(), "linear.csv", &one_output());
    for method in ["pdadmm", "dladmm"] {
        let out = folder.path().join(method);
        let shown = done(&[
            "train",
            "--data",
            text(&data),
            "--loss",
            "least-squares",
            "--hidden",
            "50",
            "--method",
            method,
            "--out",
            text(&out),
        ]);
        println!("{shown}");
        assert!(
            shown.contains("training R^2") && shown.contains("test R^2") && !shown.contains("accuracy"),
            "{shown}"
        );
        let model = out.join("model.safetensors");
        let report = done(&["evaluate", "--model", text(&model), "--json"]);
        let report: serde_json::Value = serde_json::from_str(&report).expect("one object");
        assert_eq!(report["samples"], 60);
        let r_squared = report["r2"].as_f64().expect("R^2");
        assert!(r_squared > 0.99, "{method}: {r_squared}");
        assert_eq!(report["outputs"][0]["name"], "y");
        assert!((report["outputs"][0]["r_squared"].as_f64().expect("R^2") - r_squared).abs() < 1e-12);

        // What the network says where one input alone goes from a quarter of its range to three quarters.
        let middle = [0.0, 100.5, 5e-4];
        let spread = [5.0, 0.25, 2.5e-4];
        let mut probes = String::from("x3,x1,x2\n");
        for input in 0..3 {
            for sign in [-1.0, 1.0] {
                let mut x = middle;
                x[input] += sign * spread[input];
                probes += &format!("{},{},{}\n", x[2], x[0], x[1]);
            }
        }
        let probes = put(folder.path(), "probes.csv", &probes);
        let predicted = columns(&done(&["predict", "--model", text(&model), "--data", text(&probes)]));
        assert_eq!(predicted[0], ("sample".to_owned(), (0..6).map(|sample| sample.to_string()).collect()));
        assert_eq!(predicted[1].0, "y");
        let values = numbers(&predicted[1].1);
        for input in 0..3 {
            let slope = (values[2 * input + 1] - values[2 * input]) / (2.0 * spread[input]);
            println!("{method}: {slope} for {}", COEFFICIENTS[input]);
            assert!(
                (slope / COEFFICIENTS[input] - 1.0).abs() < 0.1,
                "{method}: {slope} for {}",
                COEFFICIENTS[input]
            );
        }
    }
}

/// Trains on two outputs, target columns in the order that is asked for; the folder of the run.
fn train_two(folder: &Path, target: &str, scale: &str) -> PathBuf {
    let data = put(folder, "two.csv", &two_outputs());
    let out = folder.join("run");
    done(&[
        "train",
        "--validation",
        "none",
        "--data",
        text(&data),
        "--target",
        target,
        scale,
        "--loss",
        "least-squares",
        "--hidden",
        "30",
        "--precision",
        "f64",
        "--sweeps",
        "60",
        "--seed",
        "3",
        "--quiet",
        "--out",
        text(&out),
    ]);
    out
}

#[test]
fn two_outputs_are_learnt_named_and_measured_in_their_own_units() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let model = train_two(folder.path(), "square,\"y, linear\"", "--scale=true").join("model.safetensors");
    let data = folder.path().join("two.csv");
    let predict =
        ["predict", "--model", text(&model), "--precision", "f64", "--data", text(&data), "--split", "all"];
    let predicted = columns(&done(&predict));
    let names: Vec<_> = predicted.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["sample", "square", "y, linear"]);
    let (square, y) = (numbers(&predicted[1].1), numbers(&predicted[2].1));
    let truth: Vec<[f64; 2]> = (0..300).map(point).map(|x| [1e-3 * x[0] * x[0], linear(&x)]).collect();

    // The scales are those of the model's file, applied here by hand to what the bare layers say.
    let loaded = Model::<f64>::load(&model).expect("a model");
    assert_eq!(loaded.outputs, Outputs::Values(vec!["square".to_owned(), "y, linear".to_owned()]));
    let known = loaded.preprocessing.columns.as_ref().expect("columns");
    let scaled: Vec<f64> = (0..300)
        .flat_map(|sample| {
            let x = point(sample);
            [0, 1, 2].map(|input| (x[input] - known.features[input].mean) / known.features[input].deviation)
        })
        .collect();
    let bare = apply(&loaded, &scaled, 1).expect("outputs");
    for sample in 0..300 {
        let own = [0, 1].map(|output| {
            known.targets[output].mean + known.targets[output].deviation * bare[2 * sample + output]
        });
        assert!((own[0] - square[sample]).abs() < 1e-12 && (own[1] - y[sample]).abs() < 1e-8, "{sample}");
    }

    // The errors that `evaluate` shows, computed from the predictions.
    let evaluated = done(&[
        "evaluate",
        "--model",
        text(&model),
        "--precision",
        "f64",
        "--data",
        text(&data),
        "--split",
        "all",
        "--json",
    ]);
    let report: serde_json::Value = serde_json::from_str(&evaluated).expect("one object");
    assert_eq!(
        (&report["samples"], report.get("classes"), report.get("confusion")),
        (&300.into(), None, None)
    );
    let (mut errors, mut deviations) = (0.0, 0.0);
    for (output, predicted) in [&square, &y].into_iter().enumerate() {
        let mean = truth.iter().map(|values| values[output]).sum::<f64>() / 300.0;
        let sst: f64 = truth.iter().map(|values| (values[output] - mean).powi(2)).sum();
        let sse: f64 = truth.iter().zip(predicted).map(|(values, z)| (values[output] - z).powi(2)).sum();
        let shown = &report["outputs"][output];
        let close = |shown: &serde_json::Value, expected: f64| {
            (shown.as_f64().expect("a number") / expected - 1.0).abs() < 1e-9
        };
        assert!(close(&shown["r_squared"], 1.0 - sse / sst), "{shown}");
        assert!(close(&shown["rmse"], (sse / 300.0).sqrt()), "{shown}");
        let sum: f64 = truth.iter().zip(predicted).map(|(values, z)| (values[output] - z).abs()).sum();
        assert!(close(&shown["mae"], sum / 300.0), "{shown}");
        let unit = known.targets[output].deviation.powi(2);
        (errors, deviations) = (errors + sse / unit, deviations + sst / unit);
        assert!(1.0 - sse / sst > 0.9, "{shown}");
    }
    let r_squared = report["r2"].as_f64().expect("R^2");
    assert!((r_squared - (1.0 - errors / deviations)).abs() < 1e-9);
    assert!((report["loss"].as_f64().expect("a loss") / (0.5 * errors / 300.0) - 1.0).abs() < 1e-9);
    let shown = done(&["evaluate", "--model", text(&model)]);
    for part in ["R^2 ", "y, linear", "root mean squared error"] {
        assert!(shown.contains(part) && !shown.contains("accuracy"), "{shown}");
    }
    let shown = done(&["info", "--model", text(&model)]);
    for part in ["square, y, linear", "features", "standard deviation", "two.csv"] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn a_run_shows_what_the_model_of_its_file_does() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = train_two(folder.path(), "2,5", "--exact-metrics");
    let metrics = columns(&fs::read_to_string(run.join("metrics.csv")).expect("metrics"));
    let last = |name: &str| {
        let (_, column) = metrics.iter().find(|(other, _)| other == name).expect(name);
        numbers(column)[59]
    };
    for (split, name) in [("train", "train_r2"), ("test", "test_r2")] {
        let report = done(&[
            "evaluate",
            "--model",
            text(&run.join("model.safetensors")),
            "--split",
            split,
            "--precision",
            "f64",
            "--json",
        ]);
        let report: serde_json::Value = serde_json::from_str(&report).expect("one object");
        assert!((report["r2"].as_f64().expect("R^2") - last(name)).abs() < 1e-9, "{split}");
        if split == "train" {
            assert!((report["loss"].as_f64().expect("a loss") - last("loss")).abs() < 1e-9);
        }
    }
    let config = fs::read_to_string(run.join("config.toml")).expect("settings");
    assert!(config.contains("target = \"2,5\"") && config.contains("scale = true"), "{config}");
    let again = folder.path().join("again");
    done(&["train", "--config", text(&run.join("config.toml")), "--quiet", "--out", text(&again)]);
    let model = |run: &Path| fs::read(run.join("model.safetensors")).expect("a model");
    assert!(model(&run) == model(&again));
}

#[test]
fn without_scales_the_network_sees_the_file_as_it_is() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let model = train_two(folder.path(), "square", "--scale=false").join("model.safetensors");
    let loaded = Model::<f64>::load(&model).expect("a model");
    let known = loaded.preprocessing.columns.as_ref().expect("columns");
    assert!(known.features.iter().chain(&known.targets).all(|column| *column == Column::new(&column.name)));
    let predicted = columns(&done(&[
        "predict",
        "--model",
        text(&model),
        "--precision",
        "f64",
        "--split",
        "all",
        "--samples",
        "2",
    ]));
    let sample = |x: [f64; 3]| [x[0], linear(&x), x[1], x[2]];
    let bare = apply(&loaded, &[sample(point(0)), sample(point(1))].concat(), 1).expect("outputs");
    assert_eq!(numbers(&predicted[1].1), bare);
}

#[test]
fn classes_from_a_file_train_as_the_same_data_given_otherwise() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let all = data::digits::all::<f64>().expect("digits");
    // Names whose order is that of the labels.
    let names: Vec<String> = (0..10).map(|class| format!("digit {class}")).collect();
    let mut content = (0..64).map(|pixel| format!("p{pixel},")).collect::<String>() + "class\n";
    for index in 0..all.n_samples() {
        content.extend(all.sample(index).iter().map(|pixel| format!("{pixel},")));
        content += &format!("{}\n", names[all.labels()[index] as usize]);
    }
    let path = put(folder.path(), "digits.csv", &content);
    let text_of = format!(
        "data = '{}'\nvalidation = 'none'\nscale = false\nsweeps = 5\nhidden = '20'\nprecision = 'f64'",
        path.display()
    );
    let settings =
        TrainOptions::from_toml(&text_of, Path::new("x.toml")).expect("readable").resolve().expect("valid");
    let (train, test) = data::load::<f64>(&settings.data, &settings.data_options()).expect("a data set");
    assert_eq!(train.classes(), names);
    // The digits' own split has one test sample more: 360 of 1,797 are not a fifth.
    let (own_train, own_test) = data::split::stratified(all.labels(), 10, 359, 0);
    let own = |indices: &[usize]| data::transform::select(&all, indices).expect("samples");
    for (part, own) in [(&train, own(&own_train)), (&test, own(&own_test))] {
        assert_eq!((part.features(), part.labels()), (own.features(), own.labels()));
    }
    let run = |train: Dataset<f64>, test: Dataset<f64>| {
        let mut trainer = Trainer::new(&settings, train.into(), test.into()).expect("a trainer");
        trainer.run(&mut altmin::run::History::default(), &false.into()).expect("a run");
        trainer.model().parameters
    };
    assert_eq!(run(train, test), run(own(&own_train), own(&own_test)));
}

#[test]
fn class_names_come_back_from_the_program() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let row = |i: usize| format!("{},{},{}\n", ["rose", "aster", "lily"][i % 3], i % 3, (i * i) % 7);
    let data = put(
        folder.path(),
        "flowers.csv",
        &("kind,size,leaves\n".to_owned() + &(0..60).map(row).collect::<String>()),
    );
    let out = folder.path().join("run");
    done(&[
        "train",
        "--data",
        text(&data),
        "--target",
        "kind",
        "--hidden",
        "10",
        "--sweeps",
        "30",
        "--quiet",
        "--out",
        text(&out),
    ]);
    let model = out.join("model.safetensors");
    let evaluated = done(&["evaluate", "--model", text(&model)]);
    assert!(
        evaluated.contains("samples            12") && evaluated.contains("accuracy           100.00 %"),
        "{evaluated}"
    );
    let bare = put(folder.path(), "bare.csv", "leaves,colour,size\n4,red,2\n1,blue,0\n");
    let predicted = columns(&done(&["predict", "--model", text(&model), "--data", text(&bare)]));
    let names: Vec<_> = predicted.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["sample", "class", "probability aster", "probability lily", "probability rose"]);
    assert_eq!(predicted[1].1, ["lily", "rose"]);
    refused(&["evaluate", "--model", text(&model), "--data", text(&bare)], 1, "no column `kind`");
    refused(&["predict", "--model", text(&model), "--data", "digits"], 2, "`data` is `digits`");
}

#[test]
fn wrong_use_of_columns_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = put(folder.path(), "two.csv", &two_outputs());
    let data = text(&data);
    let cases: &[(&[&str], i32, &str)] = &[
        (
            &["--target", "y"],
            2,
            "`target` is `y`, expected last, or a .csv file as data: digits has no columns",
        ),
        (
            &["--data", data, "--target", "squares", "--loss", "least-squares"],
            2,
            "nearest names are `square`, ",
        ),
        (&["--data", data, "--target", "x1,,x2"], 2, "--target: `target` is `x1,,x2`"),
        (&["--data", data, "--target", "x1,x2"], 2, "one column of classes"),
        (&["--data", data], 1, "column `square`, expected a class"),
        (&["--data", data, "--loss", "least-squares", "--classes", "0,1"], 2, "has values and no classes"),
        (&["--data", data, "--loss", "least-squares", "--pool", "2"], 2, "holds no images"),
        (&["--data", "absent.csv"], 1, "cannot read `absent.csv`"),
    ];
    for (arguments, code, part) in cases {
        let out = folder.path().join("run");
        refused(&[&["train", "--out", text(&out)], *arguments].concat(), *code, part);
        assert!(!out.exists(), "{arguments:?}");
    }
}

/// y1 = 2 x + 1, y2 = -x, seen through columns of other scales.
/// Every tenth target is far off, and to one side: least squares gives way to it, Huber's loss hardly does. The delta comes
/// back from the run's files.
#[test]
fn huber_learns_past_targets_that_are_far_off() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let line = |sample: usize| if sample % 10 == 3 { 900.0 } else { 2.0 * (sample % 50) as f64 - 30.0 };
    let rows = |target: &dyn Fn(usize) -> f64| {
        "x,y\n".to_owned() + &(0..400).map(|i| format!("{},{}\n", i % 50, target(i))).collect::<String>()
    };
    let spoilt = put(folder.path(), "spoilt.csv", &rows(&line));
    let clean = put(folder.path(), "clean.csv", &rows(&|sample| 2.0 * (sample % 50) as f64 - 30.0));
    let off = |loss: &str| {
        let out = folder.path().join(loss.replace(':', "-"));
        let adam = ["--method", "adam", "--hidden", "8", "--activation", "softplus", "--sweeps", "600"];
        let data = ["train", "--data", text(&spoilt), "--target", "y", "--loss", loss, "--out", text(&out)];
        done(&[&data[..], &adam, &["--learning-rate", "0.02"]].concat());
        let config = fs::read_to_string(out.join("config.toml")).expect("the settings");
        assert!(config.contains(&format!("\"{loss}\"")), "{config}");
        let model = Model::<f64>::load(&out.join("model.safetensors")).expect("a model");
        assert_eq!(model.loss.to_string(), loss);
        let (model, file) = (out.join("model.safetensors"), folder.path().join("predictions.csv"));
        done(&["predict", "--model", text(&model), "--data", text(&clean), "--out", text(&file)]);
        let found = columns(&fs::read_to_string(&file).expect("predictions"));
        let predicted = numbers(&found[1].1);
        let errors = predicted.iter().enumerate().map(|(i, y)| (y - (2.0 * (i % 50) as f64 - 30.0)).abs());
        errors.sum::<f64>() / predicted.len() as f64
    };
    let (squares, huber) = (off("least-squares"), off("huber:0.05"));
    println!("mean error: least squares {squares}, huber {huber}");
    assert!(squares > 40.0 && huber < 0.3 * squares, "{squares} {huber}");
}

fn by_hand() -> Model<f64> {
    let column = |name: &str, mean, deviation| Column { mean, deviation, ..Column::new(name) };
    let columns = Columns {
        features: vec![column("x", 10.0, 2.0)],
        targets: vec![column("y1", 100.0, 4.0), column("y2", 0.0, 0.5)],
        classes: vec![],
        missing: Missing::Error,
        image: None,
    };
    let preprocessing = Preprocessing::new(&DataSource::Csv("x.csv".into()), &DataOptions::default());
    Model {
        network: Network::new(dense_blocks(&[], Activation::Relu, 2), Shape::flat(1)).expect("a layer"),
        notation: Notation::Layers,
        parameters: vec![2.0, -1.0, 1.0, 0.0],
        readouts: Vec::new(),
        loss: Loss::LeastSquares,
        outputs: Outputs::Values(vec!["y1".to_owned(), "y2".to_owned()]),
        preprocessing: preprocessing.with_columns(Some(&columns)),
    }
}

#[test]
fn errors_by_hand() {
    let names = by_hand().outputs.into_names();
    // Outputs (1, 0), (3, -1), (5, -2); errors 1, 0, -1 and 0, 0, 2.
    let values = vec![0.0, 0.0, 3.0, -1.0, 6.0, -4.0];
    let data =
        Dataset::with_values("three", vec![0.0, 1.0, 2.0], values, 1, names.clone()).expect("a data set");
    let result = evaluate(&by_hand(), &data, 1).expect("an evaluation");
    // SSE 2 and 4; SST around 3 and -5/3: 18, and 0 + 1 + 16 - 25/3.
    let sst = 17.0 - 25.0 / 3.0;
    assert_eq!(result.loss, 1.0);
    assert!((result.accuracy - (1.0 - 6.0 / (18.0 + sst))).abs() < 1e-15);
    let expected = [
        ("y1", 1.0 - 2.0 / 18.0, 4.0 * (2f64 / 3.0).sqrt(), 4.0 * 2.0 / 3.0),
        ("y2", 1.0 - 4.0 / sst, 0.5 * (4f64 / 3.0).sqrt(), 0.5 * 2.0 / 3.0),
    ];
    for (error, (name, r_squared, rmse, mae)) in result.errors.iter().zip(expected) {
        let off = [error.r_squared - r_squared, error.rmse - rmse, error.mae - mae];
        assert!(error.name == name && off.iter().all(|off| off.abs() < 1e-15), "{result:?}");
    }
    assert_eq!(in_own_units(&by_hand(), &[1.0, 0.0, -1.0, 2.0]), [104.0, 0.0, 96.0, 1.0]);

    let flat =
        Dataset::with_values("flat", vec![0.0, 1.0], vec![7.0, 0.0, 7.0, 1.0], 1, names).expect("a data set");
    let result = evaluate(&by_hand(), &flat, 1).expect("an evaluation");
    assert!(result.errors[0].r_squared.is_nan() && result.errors[1].r_squared.is_finite());
    let classes = Dataset::new("c", vec![0.0; 2], vec![0, 1], 1, vec!["y1".to_owned(), "y2".to_owned()])
        .expect("a data set");
    let message = evaluate(&by_hand(), &classes, 1).expect_err("classes").to_string();
    assert!(message.contains("found classes, expected values"), "{message}");
}

#[test]
fn a_trainer_refuses_values_under_cross_entropy_and_unequal_kinds() {
    let settings =
        TrainOptions { hidden: "5".parse().ok(), ..TrainOptions::default() }.resolve().expect("valid");
    let values = || {
        let data = Dataset::with_values(
            "v",
            vec![0.0, 1.0],
            vec![1.0, 2.0, 3.0, 4.0],
            1,
            vec!["a".into(), "b".into()],
        );
        data.expect("a data set").into()
    };
    let classes = || {
        Dataset::new("c", vec![0.0, 1.0], vec![0, 1], 1, vec!["a".into(), "b".into()]).expect("one").into()
    };
    let error = Trainer::<f64>::new(&settings, values(), values()).expect_err("cross-entropy");
    assert!(error.is_usage() && error.to_string().contains("`loss` is `cross-entropy`"), "{error}");
    let error = Trainer::<f64>::new(&settings, classes(), values()).expect_err("two kinds").to_string();
    assert!(error.contains("found values, expected classes, as in training"), "{error}");
    assert!(Trainer::<f64>::new(&settings, classes(), classes()).is_ok());
}
