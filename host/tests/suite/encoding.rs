//! Cells of a table that are no numbers: missing values and categories, learnt from the training rows alone and kept in the model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use altmin::data::{
    DataOptions, DataSource, Dataset, Encoding, Header, Missing, Part, Preprocessing, Table, Validation,
    load, load_inputs, load_like, load_split,
};
use serde_json::Value;

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("room");
    path
}

/// Eight training rows, written three times: means of `size` 4 (of 1, 3, 8 alone), of `price` 10.
const TRAIN: &str = "\
1,red,a,5,x
,blue,a,15,y
3,NA,b,5,x
8,red,?,15,y
";

fn train_and_test(folder: &Path, test: &str) -> (DataSource, DataOptions) {
    let train = write(folder, "train.csv", "size,color,kind,price,class\n".to_owned() + &TRAIN.repeat(3));
    let test = write(folder, "test.csv", "size,color,kind,price,class\n".to_owned() + test);
    let options = DataOptions { test: Some(test), missing: Missing::Indicator, ..DataOptions::default() };
    (DataSource::Csv(train), options)
}

fn samples(data: &Dataset<f64>) -> Vec<Vec<f64>> {
    data.features().chunks(data.n_features()).map(<[f64]>::to_vec).collect()
}

#[test]
fn categories_are_inputs_and_means_stand_for_missing_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, options) = train_and_test(folder.path(), "NaN,green,b,null,x\n4,blue,,10,y\n");
    let (train, test) = load::<f64>(&source, &options).expect("a table");
    // size, its indicator; blue, red, indicator; a, b, indicator; price, which misses nothing in training.
    let expected = [
        [1., 0., 0., 1., 0., 1., 0., 0., 5.],
        [4., 1., 1., 0., 0., 1., 0., 0., 15.],
        [3., 0., 0., 0., 1., 0., 1., 0., 5.],
        [8., 0., 0., 1., 0., 0., 0., 1., 15.],
    ];
    assert_eq!(samples(&train), expected.repeat(3));
    assert_eq!(
        samples(&test),
        [[4., 1., 0., 0., 0., 0., 1., 0., 10.], [4., 0., 1., 0., 0., 0., 0., 1., 10.]]
    );
    let notes = train.notes().join("\n");
    assert!(
        notes.contains("1 sample has a category in column `color`") && !notes.contains("`kind`"),
        "{notes}"
    );
    let columns = train.columns().expect("columns");
    let of: Vec<_> = columns.features.iter().map(|column| (&column.name[..], &column.encoding)).collect();
    let category = |name: &str| Encoding::Category(name.to_owned());
    let number = |fill| Encoding::Number { fill: Some(fill) };
    assert_eq!(
        of,
        [
            ("size", &number(4.0)),
            ("size", &Encoding::Missing),
            ("color", &category("blue")),
            ("color", &category("red")),
            ("color", &Encoding::Missing),
            ("kind", &category("a")),
            ("kind", &category("b")),
            ("kind", &Encoding::Missing),
            ("price", &number(10.0)),
        ]
    );

    // Without indicators, and scaled: sizes 1, 4, 3, 8 have no other mean, as it is of those that are there.
    let options = DataOptions { missing: Missing::Mean, scale: true, ..options };
    let (train, _) = load::<f64>(&source, &options).expect("a table");
    let deviation = f64::sqrt((9.0 + 1.0 + 16.0) / 3.0);
    let sizes: Vec<f64> = samples(&train)[..4].iter().map(|sample| sample[0]).collect();
    for (size, expected) in sizes.iter().zip([-3.0, 0.0, -1.0, 4.0]) {
        assert!((size - expected / deviation).abs() < 1e-15, "{sizes:?}");
    }
    assert_eq!(train.n_features(), 6);
    assert!(samples(&train).iter().flat_map(|sample| &sample[1..5]).all(|&x| x == 0.0 || x == 1.0));
}

#[test]
fn a_model_treats_other_files_as_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, options) = train_and_test(folder.path(), "2,red,a,7,y\n");
    for missing in [Missing::Mean, Missing::Indicator] {
        let options = DataOptions { missing, scale: true, ..options.clone() };
        let (train, _) = load::<f64>(&source, &options).expect("a table");
        let trained = Preprocessing::new(&source, &options).with_columns(train.columns());
        let again = load_like::<f64>(&trained, &source, &trained.options(), Part::All).expect("the same");
        assert_eq!((again.features(), again.labels()), (train.features(), train.labels()));
        // In another order, without the target, with a new category.
        let other =
            write(folder.path(), "other.csv", "kind,price,more,color,size\nc,10,0,blue,\n,10,0,pink,4\n");
        let table = Table::read(&other, Header::Auto, None).expect("a table");
        let inputs = load_inputs::<f64>(&trained, &table).expect("its columns");
        let expected: &[f64] = match missing {
            Missing::Mean => &[0., 1., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.],
            _ => &[0., 1., 1., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 1., 0.],
        };
        assert_eq!((&inputs.inputs[..], &inputs.rows[..]), (expected, &[0, 1][..]));
        let notes = inputs.notes.join("\n");
        assert!(notes.contains("column `kind`") && notes.contains("column `color`"), "{notes}");
    }
}

#[test]
fn a_column_of_categories_of_which_training_has_none_is_still_no_column_of_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let train = "size,color,class\n".to_owned() + &"1,,x\n2,NA,y\n".repeat(8) + "3,red,x\n";
    let path = write(folder.path(), "all.csv", train);
    let source = DataSource::Csv(path);
    // The only row with a color is not trained on.
    let tested = |seed: &u64| {
        let options =
            DataOptions { missing: Missing::Indicator, split_seed: *seed, ..DataOptions::default() };
        load::<f64>(&source, &options).expect("a table").0.n_features() == 2
    };
    let split_seed = (0..50).find(tested).expect("a split that tests on this row");
    let options = DataOptions { missing: Missing::Indicator, split_seed, ..DataOptions::default() };
    let (train, test) = load::<f64>(&source, &options).expect("a table");
    let trained = Preprocessing::new(&source, &options).with_columns(train.columns());
    let again = load_like::<f64>(&trained, &source, &trained.options(), Part::Test).expect("the same");
    assert_eq!((again.features(), again.rows().map(<[_]>::len)), (test.features(), Some(3)));
    assert!(again.notes().iter().any(|note| note.contains("column `color`")), "{:?}", again.notes());
}

#[test]
fn rows_with_missing_values_can_be_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: String = (0..40)
        .map(|i| if i % 4 == 1 { format!(",{i},x\n") } else { format!("{i},{i},{}\n", ["x", "y"][i % 2]) })
        .collect();
    let path = write(folder.path(), "all.csv", "a,b,class\n".to_owned() + &rows + "7,7,\n");
    let source = DataSource::Csv(path);
    let options = DataOptions { missing: Missing::Drop, ..DataOptions::default() };
    let (train, test) = load::<f64>(&source, &options).expect("a table");
    assert_eq!((train.n_samples(), test.n_samples(), train.n_features()), (24, 6, 2));
    let notes = train.notes().join("\n");
    assert!(notes.contains("11 rows of ") && notes.contains("left out for missing values"), "{notes}");
    let trained = Preprocessing::new(&source, &options).with_columns(train.columns());
    let all = load_like::<f64>(&trained, &source, &trained.options(), Part::All).expect("the same");
    let kept: Vec<usize> = (0..40).filter(|i| i % 4 != 1).collect();
    assert_eq!(all.rows(), Some(&kept[..]));
    let part = load_like::<f64>(&trained, &source, &trained.options(), Part::Test).expect("the same");
    assert_eq!(part.features(), test.features());
    for (sample, &row) in samples(&part).iter().zip(part.rows().expect("rows")) {
        assert_eq!(sample[1], row as f64);
    }
    // A value that is missing in a target cannot be replaced.
    let options = DataOptions { missing: Missing::Mean, ..DataOptions::default() };
    let error = load::<f64>(&source, &options).expect_err("no class").to_string();
    assert!(error.contains("an empty cell in line 42, column `class`"), "{error}");
    let none = write(folder.path(), "none.csv", "a,b,class\n".to_owned() + &",1,x\n,2,y\n".repeat(10));
    let error = load::<f64>(&DataSource::Csv(none), &DataOptions { missing: Missing::Drop, ..options })
        .expect_err("no row");
    assert!(error.to_string().contains("missing values in each of 20 rows"), "{error}");
}

#[test]
fn what_is_learnt_of_cells_is_learnt_from_training_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    // Each row has a category of its own, and a size that tells it apart.
    let rows: String = (0..50)
        .map(|i| format!("{},c{i},{}\n", if i % 5 == 0 { String::new() } else { i.to_string() }, i % 2))
        .collect();
    let path = write(folder.path(), "all.csv", "size,color,class\n".to_owned() + &rows);
    let options = DataOptions {
        missing: Missing::Mean,
        categorical: Some(vec!["color".to_owned()]),
        validation: Some(Validation::Share(0.25)),
        ..DataOptions::default()
    };
    let split = load_split::<f64>(&DataSource::Csv(path), &options).expect("a table");
    let columns = split.train.columns().expect("columns");
    assert_eq!(columns.features.len(), 1 + split.train.n_samples());
    for sample in samples(&split.train) {
        assert_eq!(sample[1..].iter().sum::<f64>(), 1.0);
    }
    let mut sizes = Vec::new();
    for (sample, column) in samples(&split.train).iter().flat_map(|sample| {
        sample[1..]
            .iter()
            .zip(&columns.features[1..])
            .filter(|(x, _)| **x == 1.0)
            .map(|(_, column)| (sample[0], column))
            .collect::<Vec<_>>()
    }) {
        let Encoding::Category(name) = &column.encoding else { panic!("{column:?}") };
        let row: f64 = name[1..].parse().expect("its row");
        if row % 5.0 != 0.0 {
            assert_eq!(sample, row);
            sizes.push(row);
        }
    }
    let Encoding::Number { fill: Some(fill) } = columns.features[0].encoding else { panic!("{columns:?}") };
    assert!((fill - sizes.iter().sum::<f64>() / sizes.len() as f64).abs() < 1e-12);
    for part in [split.validation.expect("set aside"), split.test] {
        assert!(samples(&part).iter().all(|sample| sample[1..].iter().all(|&x| x == 0.0)));
    }
    let notes = split.train.notes().join("\n");
    assert!(notes.contains("10 samples have a category in column `color`"), "{notes}");
    assert_eq!(notes.matches("none of the training samples'").count(), 2, "{notes}");
}

#[test]
fn columns_are_chosen_and_texts_that_are_no_categories_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: String = (0..30)
        .map(|i| {
            format!("{i},text {i},name{i},{},{},{}\n", ["1", "2.0", "2"][i % 3], i * i % 7, ["x", "y"][i % 2])
        })
        .collect();
    let path = write(folder.path(), "all.csv", "id,comment,name,code,value,class\n".to_owned() + &rows);
    let source = DataSource::Csv(path);
    let error = load::<f64>(&source, &DataOptions::default()).expect_err("free text");
    let message = error.to_string();
    assert!(message.contains("column `comment` with 30 different texts, column `name` with 30"), "{message}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--exclude") && hint.contains("--categorical")));
    let list = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
    let of = |options: DataOptions| {
        load::<f64>(&source, &options).map(|(train, _)| {
            let columns = train.columns().expect("columns").features.clone();
            columns
                .into_iter()
                .map(|column| match column.encoding {
                    Encoding::Category(category) => format!("{}={category}", column.name),
                    _ => column.name,
                })
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    let default = DataOptions::default;
    assert_eq!(
        of(DataOptions { exclude: list(&["comment", "name"]), ..default() }).expect("columns"),
        "id code value"
    );
    // One number written in two ways is one category.
    let named = DataOptions { features: list(&["value", "code"]), categorical: list(&["code"]), ..default() };
    assert_eq!(of(named).expect("columns"), "code=1 code=2 value");
    assert_eq!(of(DataOptions { features: list(&["5"]), ..default() }).expect("columns"), "value");
    // What is learnt by default is the last column that is nothing else.
    let last = DataOptions { features: list(&["value", "class"]), ..default() };
    assert_eq!(of(last).expect("columns"), "value class=x class=y");
    for (options, part) in [
        (
            DataOptions { features: list(&["value", "class"]), target: list(&["class"]), ..default() },
            "`features` is `class`",
        ),
        (
            DataOptions { features: list(&["value", "id"]), exclude: list(&["id"]), ..default() },
            "`exclude` is `id`",
        ),
        (
            DataOptions { features: list(&["value"]), categorical: list(&["code"]), ..default() },
            "`categorical` is `code`",
        ),
        (DataOptions { features: list(&["value", "value"]), ..default() }, "each column once"),
        (DataOptions { features: list(&["valu"]), ..default() }, "nearest names are `value`"),
    ] {
        let error = of(options).expect_err(part);
        assert!(error.is_usage() && error.to_string().contains(part), "{error}");
    }
}

/// The same two numbers and a class, as several programs write them.
#[test]
fn files_are_read_however_they_are_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = |row: fn(usize) -> String| (0..12).map(row).collect::<String>();
    fn class(i: usize) -> &'static str {
        ["x", "y"][i % 2]
    }
    let gzip = |text: &str| crate::common::gzip(text.as_bytes());
    let pandas = "a,b,class\n".to_owned() + &rows(|i| format!("{i}.5,-{i}.0,{}\n", class(i)));
    let written: [(&str, Vec<u8>); 8] = [
        ("pandas.csv", pandas.clone().into()),
        ("pandas.csv.gz", gzip(&pandas)),
        (
            "excel.csv",
            ("\u{feff}a;b;class\r\n".to_owned() + &rows(|i| format!("{i},5;-{i};{}\r\n", class(i)))).into(),
        ),
        (
            "r_csv2.csv",
            ("\"a\";\"b\";\"class\"\n".to_owned() + &rows(|i| format!("{i},5;-{i};\"{}\"\n", class(i))))
                .into(),
        ),
        (
            "r_csv.csv",
            ("\"a\",\"b\",\"class\"\n".to_owned() + &rows(|i| format!("{i}.5,-{i},\"{}\"\n", class(i))))
                .into(),
        ),
        (
            "numpy.csv",
            ("a,b,class\n".to_owned()
                + &rows(|i| format!("{:.18e},{:.18e},{}\n", i as f64 + 0.5, -(i as f64), class(i))))
                .into(),
        ),
        ("tabs.csv", ("a\tb\tclass\n".to_owned() + &rows(|i| format!("{i}.5\t-{i}\t{}\n", class(i)))).into()),
        ("bars.csv", ("a|b|class\n".to_owned() + &rows(|i| format!("{i}.5|-{i}|{}\n", class(i)))).into()),
    ];
    let expected: Vec<f64> = (0..12).flat_map(|i| [f64::from(i) + 0.5, -f64::from(i)]).collect();
    for (name, content) in written {
        let path = write(folder.path(), name, content);
        let source: DataSource = path.to_str().expect("text").parse().expect("a name");
        let (train, _) = load::<f64>(&source, &DataOptions::default()).expect(name);
        let trained = Preprocessing::new(&source, &DataOptions::default()).with_columns(train.columns());
        let all = load_like::<f64>(&trained, &source, &trained.options(), Part::All).expect(name);
        assert_eq!(all.features(), expected, "{name}");
        assert_eq!(all.classes(), ["x", "y"], "{name}");
        let has_note = train.notes().iter().any(|note| note.contains("decimal comma"));
        assert_eq!(has_note, ["excel.csv", "r_csv2.csv"].contains(&name), "{name}");
    }
    // What is between the cells can be said.
    let path = write(
        folder.path(),
        "colons.csv",
        "a:b:class\n".to_owned() + &rows(|i| format!("{i}.5:-{i}:{}\n", class(i))),
    );
    let table = Table::read(&path, Header::Auto, Some(b':')).expect("a table");
    assert_eq!((table.names().len(), table.number(1, 0).expect("a number")), (3, 1.5));
    // A table of texts alone has a header if nothing of its first row comes again.
    let texts = "color,kind,class\n".to_owned()
        + &rows(|i| format!("{},{},{}\n", ["red", "blue"][i % 2], ["a", "b", "c"][i % 3], class(i)));
    let table = |text: &str| {
        Table::read(&write(folder.path(), "texts.csv", text), Header::Auto, None).expect("a table")
    };
    assert!(table(&texts).has_header() && !table(texts.split_once('\n').expect("lines").1).has_header());
}

fn altmin(folder: &Path, arguments: &str, input: impl AsRef<[u8]>) -> Output {
    use std::io::Write as _;
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    let command = command.current_dir(folder).args(arguments.split_whitespace());
    let pipe = std::process::Stdio::piped;
    let mut child = command.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().expect("the program starts");
    // A program that ends without reading closes the pipe.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_ref());
    child.wait_with_output().expect("its output")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn the_program_goes_from_a_table_with_holes_to_predictions_beside_its_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let row = |i: usize| {
        let size = if i % 9 == 4 { String::new() } else { (i % 10).to_string() };
        let color = ["red", "blue", "NA"][i * 7 % 3];
        let class = if (i % 10 > 4) ^ (color == "red") { "yes" } else { "no" };
        format!("{i},{size},{color},{class}\n")
    };
    let table = "id,size,color,class\n".to_owned() + &(0..150).map(row).collect::<String>();
    write(folder.path(), "all.csv", &table);
    let train = "train --hidden 8 --sweeps 20 --exclude id --missing indicator --json";
    let trained = altmin(folder.path(), &format!("{train} --data all.csv --out run"), "");
    let stdout_of = stdout(&trained);
    let line = stdout_of.lines().find(|line| line.contains(r#""kind":"test""#)).expect("a test line");
    let test: Value = serde_json::from_str(line).expect("JSON");
    let again = stdout(&altmin(folder.path(), "evaluate --model run --json", ""));
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(again["accuracy"], test["test_accuracy"]);

    // Standard input has the same bits as the file.
    let piped = stdout(&altmin(folder.path(), &format!("{train} --data -"), &table));
    let piped = piped.lines().find(|line| line.contains(r#""kind":"test""#)).expect("a test line");
    let piped: Value = serde_json::from_str(piped).expect("JSON");
    assert_eq!((&piped["test_accuracy"], &piped["test_loss"]), (&test["test_accuracy"], &test["test_loss"]));

    // So has a gzip file there, and folds are all made of what can be read once.
    let zipped = crate::common::gzip(table.as_bytes());
    let from_pipe = stdout(&altmin(folder.path(), &format!("{train} --data -"), &zipped));
    assert!(from_pipe.contains(&format!(r#""test_accuracy":{}"#, test["test_accuracy"])), "{from_pipe}");
    let folds = |data: &str| {
        let all =
            stdout(&altmin(folder.path(), &format!("{train} --data {data} --cross-validate 3"), &table));
        serde_json::from_str::<Value>(all.lines().last().expect("a line")).expect("JSON")["mean"].clone()
    };
    assert_eq!(folds("-"), folds("all.csv"));

    // The test rows under their numbers in the file, with what the file says of them.
    let predicted = stdout(&altmin(folder.path(), "predict --model run --keep id,class", ""));
    let mut lines = predicted.lines();
    assert_eq!(lines.next(), Some("sample,id,class,predicted class,probability no,probability yes"));
    let cells: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert!(cells.len() == 30 && cells.iter().all(|row| row[0] == row[1]));
    let right = cells.iter().filter(|row| row[2] == row[3]).count();
    assert_eq!(right as f64 / 30.0, test["test_accuracy"].as_f64().expect("a share"));
    let all = stdout(&altmin(folder.path(), "predict --model run --split all --keep all", ""));
    assert!(all.starts_with("sample,id,size,color,class,predicted class,") && all.lines().count() == 151);
    assert!(all.lines().nth(5).is_some_and(|line| line.starts_with("4,4,,blue,")), "{all}");
    assert!(all.lines().nth(3).is_some_and(|line| line.starts_with("2,2,2,NA,")), "{all}");
    let numbered = stdout(&altmin(folder.path(), "predict --model run --keep 1", ""));
    assert!(numbered.starts_with("sample,id,class,probability no,"), "{numbered}");
    let target = stdout(&altmin(folder.path(), "predict --model run --data - --keep target", &table));
    assert!(target.starts_with("sample,class,predicted class,") && target.lines().count() == 151);
    let bare = stdout(&altmin(folder.path(), "predict --model run --data -", "size,color\n,red\n3,green\n"));
    assert_eq!(bare.lines().count(), 3);
    let info = stdout(&altmin(folder.path(), "info --model run", ""));
    assert!(info.contains("1 for a missing value") && info.contains("1 for red"), "{info}");
    for (arguments, part) in [
        ("predict --model run --keep colour", "nearest names are `color`"),
        (
            "train --missing mean",
            "`missing` is `mean`, expected error, or a .csv file as data: digits has no columns",
        ),
        ("train --data all.csv --delimiter x", "`delimiter` is `x`"),
        ("train --data all.csv --missing some", "some"),
    ] {
        let output = altmin(folder.path(), arguments, "");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && stderr.contains(part), "{arguments}: {stderr}");
    }
}
