//! CSV files as data sets: which columns are learnt, how rows are split and numbers scaled, and how a model finds both again.

use std::fs;
use std::path::PathBuf;

use altmin::data::{
    Columns, DataOptions, DataSource, Dataset, Header, Outputs, Part, Preprocessing, load, load_inputs,
    load_like, table_for,
};

/// A folder with one file.
struct File {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl File {
    fn new(name: &'static str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), content).unwrap();
        Self { folder, name }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    fn source(&self) -> DataSource {
        self.path().to_str().unwrap().parse().unwrap()
    }
}

fn csv(content: impl AsRef<[u8]>) -> File {
    File::new("some.csv", content)
}

fn regression() -> DataOptions {
    DataOptions { regression: true, scale: true, ..DataOptions::default() }
}

fn names(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|&name| name.to_owned()).collect())
}

/// The columns of a table that are learnt and learnt from.
fn columns_of(file: &File, target: Option<Vec<String>>, regression: bool) -> altmin::Result<Columns> {
    let options = DataOptions { target, regression, ..DataOptions::default() };
    load::<f64>(&file.source(), &options).map(|(train, _)| train.columns().expect("columns").clone())
}

/// What a model gets of all rows of a file.
fn inputs(trained: &Preprocessing, file: &File) -> altmin::Result<Vec<f64>> {
    let table = table_for(trained, &file.source())?.expect("a table");
    load_inputs(trained, &table).map(|loaded| loaded.inputs)
}

/// Two data sets with the same samples, columns and scales, whatever was noted when they were read.
fn same_samples(one: &Dataset<f64>, other: &Dataset<f64>) {
    assert_eq!(one.name(), other.name());
    assert_eq!((one.features(), one.columns()), (other.features(), other.columns()));
    assert_eq!(
        (one.labels(), one.values(), one.outputs()),
        (other.labels(), other.values(), other.outputs())
    );
}

/// Rows `i, i^2, -3i` under a header.
fn rows(count: usize) -> String {
    let row = |i: usize| format!("{i},{},{}\n", i * i, -3.0 * i as f64);
    "size,area,price\n".to_owned() + &(0..count).map(row).collect::<String>()
}

#[test]
fn files_are_known_by_their_name() {
    for (text, is_csv) in [
        ("x.csv", true),
        ("a/b.TSV", true),
        ("csv", false),
        (".csv", false),
        ("x.csv/", true),
        ("x.csv.gz", true),
        ("x.gz", false),
        ("-", true),
    ] {
        let source: DataSource = text.parse().unwrap();
        assert_eq!(matches!(source, DataSource::Csv(_)), is_csv, "{text}");
        assert_eq!(source.to_string(), text);
    }
}

/// What a wrong target says.
fn refused_target(content: &str, target: &[&str], regression: bool) -> String {
    let file = csv(content);
    let error = columns_of(&file, names(target), regression).unwrap_err();
    assert!(error.is_usage(), "{error}");
    assert!(error.to_string().starts_with("`target` is "), "{error}");
    error.to_string()
}

#[test]
fn targets_are_chosen_by_name_or_number() {
    let file = csv(rows(20));
    let load = |target: Option<Vec<String>>| columns_of(&file, target, true).unwrap();
    let chosen = |target| {
        let columns = load(target);
        let names = |columns: &[altmin::data::Column]| {
            columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(" ")
        };
        (names(&columns.features), names(&columns.targets))
    };
    let pair = |features: &str, targets: &str| (features.to_owned(), targets.to_owned());
    assert_eq!(chosen(None), pair("size area", "price"));
    assert_eq!(chosen(names(&["size"])), pair("area price", "size"));
    assert_eq!(chosen(names(&["1"])), pair("area price", "size"));
    assert_eq!(chosen(names(&["price", "1"])), pair("area", "price size"));

    let message = refused_target(&rows(20), &["prise"], true);
    assert!(
        message.contains("`prise`") && message.contains("nearest names are `price`, `size`, `area`"),
        "{message}"
    );
    assert!(refused_target(&rows(20), &["0"], true).contains("nearest"));
    assert!(refused_target(&rows(20), &["4"], true).contains("nearest"));
    assert!(refused_target(&rows(20), &["price", "3"], true).contains("each column once"));
    assert!(refused_target(&rows(20), &["1", "2", "3"], true).contains("at least one feature"));
    assert!(refused_target("1,2\n3,4\n", &["x"], true).contains("a number from 1 to 2"));
    assert!(refused_target("a,b,c\n1,2,3\n", &["b", "c"], false).contains("one column of classes"));
}

#[test]
fn a_fifth_of_the_rows_is_for_testing_and_the_seed_says_which() {
    let file = csv(rows(53));
    let options = DataOptions { scale: false, ..regression() };
    let (train, test) = load::<f64>(&file.source(), &options).unwrap();
    assert_eq!((train.n_samples(), test.n_samples()), (43, 10));
    assert_eq!((train.n_features(), train.n_outputs(), train.n_classes()), (2, 1, 0));
    assert_eq!(train.outputs(), &Outputs::Values(vec!["price".to_owned()]));
    let mut seen: Vec<usize> = train
        .features()
        .chunks(2)
        .chain(test.features().chunks(2))
        .map(|sample| sample[0] as usize)
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..53).collect::<Vec<_>>());
    for part in [&train, &test] {
        for (sample, value) in part.features().chunks(2).zip(part.values()) {
            assert_eq!((sample[1], *value), (sample[0] * sample[0], -3.0 * sample[0]));
        }
    }
    let again = load::<f64>(&file.source(), &options).unwrap();
    assert_eq!((&again.0, &again.1), (&train, &test));
    let other = load::<f64>(&file.source(), &DataOptions { split_seed: 1, ..options.clone() }).unwrap();
    assert_ne!(other.1, test);

    let held = load::<f64>(&file.source(), &DataOptions { holdout: true, ..options.clone() }).unwrap();
    assert_eq!([held.0.features(), held.1.features()].concat(), train.features());
    assert_eq!([held.0.values(), held.1.values()].concat(), train.values());
    assert_eq!((held.0.n_samples(), held.1.n_samples()), (35, 8));
    let few = load::<f64>(&file.source(), &DataOptions { samples: Some(7), ..options }).unwrap();
    assert_eq!((few.0.features(), few.0.values()), (&train.features()[..14], &train.values()[..7]));
}

/// Mean and standard deviation of every `step`-th number from `start`.
fn moments(numbers: &[f64], start: usize, step: usize) -> (f64, f64) {
    let numbers: Vec<f64> = numbers.iter().copied().skip(start).step_by(step).collect();
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
    (mean, variance.sqrt())
}

#[test]
fn scales_are_those_of_the_training_samples_alone() {
    let file = csv(rows(60));
    for options in [regression(), DataOptions { holdout: true, samples: Some(30), ..regression() }] {
        let (raw, raw_test) =
            load::<f64>(&file.source(), &DataOptions { scale: false, ..options.clone() }).unwrap();
        let (train, test) = load::<f64>(&file.source(), &options).unwrap();
        let columns = train.columns().unwrap();
        for (index, column) in columns.features.iter().enumerate() {
            let (mean, deviation) = moments(raw.features(), index, 2);
            assert!(
                (column.mean / mean - 1.0).abs() < 1e-12
                    && (column.deviation / deviation - 1.0).abs() < 1e-12
            );
            let (mean, deviation) = moments(train.features(), index, 2);
            assert!(mean.abs() < 1e-12 && (deviation - 1.0).abs() < 1e-12, "{mean} {deviation}");
        }
        let (mean, deviation) = moments(train.values(), 0, 1);
        assert!(mean.abs() < 1e-12 && (deviation - 1.0).abs() < 1e-12);
        // The test samples are scaled by the same numbers, which are not theirs.
        for (scaled, raw) in test.values().iter().zip(raw_test.values()) {
            assert!((columns.targets[0].unscaled(*scaled) - raw).abs() < 1e-9);
        }
        assert!(moments(test.features(), 0, 2).0.abs() > 1e-3);
        assert_eq!(test.columns(), train.columns());
        // Without scales a column says so.
        let unscaled = raw.columns().unwrap();
        assert!(unscaled.features.iter().all(|column| (column.mean, column.deviation) == (0.0, 1.0)));
    }
}

#[test]
fn digits_behind_a_large_mean_survive_single_precision() {
    // Seconds since 1970, a minute apart: single precision would keep two minutes.
    let row = |i: usize| format!("{},{i}\n", 1_700_000_000.0 + 60.0 * i as f64);
    let file = csv("time,y\n".to_owned() + &(0..50).map(row).collect::<String>());
    let (single, _) = load::<f32>(&file.source(), &regression()).unwrap();
    let (double, _) = load::<f64>(&file.source(), &regression()).unwrap();
    assert!(single.features().iter().zip(double.features()).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6));
}

#[test]
fn constant_features_are_moved_to_zero_and_named() {
    let row = |i: usize| format!("{i},7,{},0,1\n", i % 3);
    let content = "a,b,c,d,y\n".to_owned() + &(0..20).map(row).collect::<String>();
    let file = csv(&content);
    let target = |name| DataOptions { target: names(&[name]), ..regression() };
    let (train, test) = load::<f32>(&file.source(), &target("a")).unwrap();
    let note = "feature columns constant in ";
    assert!(train.notes()[0].starts_with(note) && train.notes().len() == 1, "{:?}", train.notes());
    assert!(
        train.notes()[0].contains("`b` (always 7), `d` (always 0), `y` (always 1)"),
        "{:?}",
        train.notes()
    );
    let b = &train.columns().unwrap().features[0];
    assert_eq!((b.mean, b.deviation), (7.0, 1.0));
    assert!(train.features().iter().step_by(4).chain(test.features().iter().step_by(4)).all(|&x| x == 0.0));
    let unscaled = DataOptions { scale: false, ..target("a") };
    assert!(load::<f32>(&file.source(), &unscaled).unwrap().0.notes().is_empty());
    // Nothing can be learnt of a target that is always the same, scaled or not.
    for scale in [true, false] {
        let options = DataOptions { scale, ..target("y") };
        let message = load::<f32>(&file.source(), &options).unwrap_err().to_string();
        assert!(message.contains("constant target columns: `y` (always 1)"), "{message}");
    }
}

/// A flag that is set in a single row: whether the split trains on it does not decide whether there is a run.
#[test]
fn a_feature_may_be_constant_by_the_luck_of_the_split() {
    let row = |i: usize| format!("{},{}\n", usize::from(i == 3), (i * 7) % 20);
    let rare = csv("a,y\n".to_owned() + &(0..20).map(row).collect::<String>());
    let mut noted = 0;
    for split_seed in 0..20 {
        let (train, test) = load::<f64>(&rare.source(), &DataOptions { split_seed, ..regression() }).unwrap();
        if let [note] = train.notes() {
            noted += 1;
            assert!(note.contains("`a` (always 0)"), "{note}");
            assert_eq!(test.features().iter().sum::<f64>(), 1.0);
        }
    }
    assert!((1..20).contains(&noted), "{noted}");
}

#[test]
fn columns_are_left_out_by_name_or_number() {
    let file = csv(rows(20));
    let excluding = |list: &[&str]| {
        let options = DataOptions { exclude: names(list), regression: true, ..DataOptions::default() };
        load::<f64>(&file.source(), &options).map(|(train, _)| train.columns().expect("columns").clone())
    };
    let chosen = |list: &[&str]| {
        let columns = excluding(list).unwrap();
        (columns.features[0].name.clone(), columns.features.len(), columns.targets[0].name.clone())
    };
    assert_eq!(chosen(&["size"]), ("area".to_owned(), 1, "price".to_owned()));
    assert_eq!(chosen(&["2"]), ("size".to_owned(), 1, "price".to_owned()));
    // The last of those that are left is learnt.
    assert_eq!(chosen(&["price"]), ("size".to_owned(), 1, "area".to_owned()));
    for (list, part) in [
        (&["sise"][..], "nearest names are `size`"),
        (&["size", "1"], "each column once"),
        (&["size", "area"], "at least one feature"),
        (&["size", "area", "price"], "at least one feature"),
    ] {
        let error = excluding(list).unwrap_err();
        assert!(error.is_usage() && error.to_string().starts_with("`exclude` is "), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let both = DataOptions { target: names(&["size"]), exclude: names(&["1"]), ..regression() };
    let error = load::<f32>(&file.source(), &both).unwrap_err().to_string();
    assert!(error.contains("`exclude` is `size`, expected columns that are not to be learnt"), "{error}");
    for options in [
        DataOptions { exclude: names(&["1"]), ..DataOptions::default() },
        DataOptions { header: Header::No, ..DataOptions::default() },
    ] {
        let error = load::<f32>(&DataSource::Digits, &options).unwrap_err().to_string();
        assert!(error.contains("a table, as digits has no columns"), "{error}");
    }
}

#[test]
fn a_feature_that_numbers_the_rows_is_noted() {
    let row = |i: usize| format!("{},{},{}\n", i + 4, (i * i) % 7, i % 2);
    let file = csv(",a,y\n".to_owned() + &(0..20).map(row).collect::<String>());
    let (train, _) = load::<f32>(&file.source(), &DataOptions::default()).unwrap();
    assert!(train.notes().len() == 1 && train.notes()[0].contains("column `1` of "), "{:?}", train.notes());
    assert!(train.notes()[0].contains("--exclude"), "{:?}", train.notes());
    let excluding = DataOptions { exclude: names(&["1"]), ..DataOptions::default() };
    let (train, _) = load::<f32>(&file.source(), &excluding).unwrap();
    assert!(train.notes().is_empty() && train.n_features() == 1);
}

#[test]
fn a_number_is_one_class_however_it_is_written() {
    let row = |i: usize| format!("{i},{}\n", ["0", "0.0", "1", "1.0", "+1", "1e0"][i % 6]);
    let file = csv("a,y\n".to_owned() + &(0..30).map(row).collect::<String>());
    let (train, test) = load::<f64>(&file.source(), &DataOptions::default()).unwrap();
    assert_eq!(train.classes(), ["0", "1"]);
    for part in [train, test] {
        for sample in 0..part.n_samples() {
            assert_eq!(part.labels()[sample], u32::from(part.sample(sample)[0] as usize % 6 > 1));
        }
    }
    // Names that hold digits stay what they are.
    let row = |i: usize| format!("{i},{}\n", ["1", "1.0", "one"][i % 3]);
    let file = csv("a,y\n".to_owned() + &(0..30).map(row).collect::<String>());
    let (train, _) = load::<f64>(&file.source(), &DataOptions::default()).unwrap();
    assert_eq!(train.classes(), ["1", "1.0", "one"]);
}

#[test]
fn numbers_that_no_scale_can_tame_are_refused() {
    let file = |cell: &str| {
        let row = |i: usize| format!("{},{i}\n", if i.is_multiple_of(2) { "0" } else { cell });
        csv("a,y\n".to_owned() + &(0..20).map(row).collect::<String>())
    };
    for cell in ["1.7e308", "1e-200"] {
        let error = load::<f64>(&file(cell).source(), &regression()).unwrap_err().to_string();
        assert!(error.contains("column `a`"), "{error}");
    }
    let unscaled = DataOptions { scale: false, ..regression() };
    let error = load::<f32>(&file("1e39").source(), &unscaled).unwrap_err().to_string();
    assert!(error.contains("in column `a`") && error.contains("precision"), "{error}");
    assert!(load::<f64>(&file("1e39").source(), &unscaled).is_ok());
    assert!(load::<f32>(&file("1e39").source(), &regression()).is_ok());
}

/// Three classes of text by size, the last column first.
fn flowers() -> String {
    let row = |i: usize| format!("{},{},{}\n", ["rose", "aster", "lily"][i % 3], i, 2 * i % 7);
    "kind,size,leaves\n".to_owned() + &(0..30).map(row).collect::<String>()
}

#[test]
fn classes_are_what_the_column_holds_sorted() {
    let file = csv(flowers());
    let options = DataOptions { target: names(&["kind"]), ..DataOptions::default() };
    let (train, test) = load::<f64>(&file.source(), &options).unwrap();
    assert_eq!(train.classes(), ["aster", "lily", "rose"]);
    assert_eq!((train.class_counts(), test.class_counts()), (vec![8, 8, 8], vec![2, 2, 2]));
    // The same data set given otherwise: labels 2, 0, 1 in turn.
    for part in [&train, &test] {
        for index in 0..part.n_samples() {
            let size = part.sample(index)[0] as usize;
            assert_eq!(part.sample(index)[1], (2 * size % 7) as f64);
            assert_eq!(part.labels()[index], [2, 0, 1][size % 3]);
        }
    }
    let chosen = DataOptions { classes: Some(vec![2, 0]), ..options };
    let (train, _) = load::<f64>(&file.source(), &chosen).unwrap();
    assert_eq!(
        (train.classes(), train.n_samples()),
        (["rose".to_owned(), "aster".to_owned()].as_slice(), 16)
    );

    let integers = (0..20).map(|i| format!("{i},{}\n", [10, 9, -1][i % 3])).collect::<String>();
    let columns = columns_of(&csv(integers), None, false).unwrap();
    assert_eq!(columns.classes, ["-1", "9", "10"]);
    let mixed = (0..20).map(|i| format!("{i},{}\n", ["10", "9", "x"][i % 3])).collect::<String>();
    let columns = columns_of(&csv(mixed), None, false).unwrap();
    assert_eq!(columns.classes, ["10", "9", "x"]);
}

#[test]
fn a_class_of_one_row_is_refused() {
    let error = columns_of(&csv(flowers() + "tulip,4,4\n"), names(&["kind"]), false).unwrap_err();
    assert!(error.to_string().contains("a single sample of class `tulip`"), "{error}");
}

#[test]
fn a_data_set_of_values_has_no_classes_to_choose_and_no_images_to_pool() {
    let file = csv(rows(20));
    let error =
        load::<f32>(&file.source(), &DataOptions { classes: Some(vec![0, 1]), ..regression() }).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("has values and no classes"), "{error}");
    let error = load::<f32>(&file.source(), &DataOptions { pool: 2, ..regression() }).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("holds no images"), "{error}");
}

#[test]
fn images_have_no_columns() {
    for options in [
        DataOptions { target: names(&["x"]), ..DataOptions::default() },
        DataOptions { regression: true, ..DataOptions::default() },
    ] {
        let error = load::<f32>(&DataSource::Digits, &options).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("digits has no columns"), "{error}");
    }
}

/// What a model remembers of a training data set.
fn remembered(file: &File, options: &DataOptions) -> (Preprocessing, Dataset<f64>, Dataset<f64>) {
    let (train, test) = load::<f64>(&file.source(), options).unwrap();
    (Preprocessing::new(&file.source(), options).with_columns(train.columns()), train, test)
}

#[test]
fn a_model_finds_its_columns_by_name_and_scales_them_as_in_training() {
    let file = csv(rows(40));
    let (trained, train, test) = remembered(&file, &regression());
    let like = |source: &DataSource, part| load_like::<f64>(&trained, source, &trained.options(), part);
    same_samples(&like(&file.source(), Part::Train).unwrap(), &train);
    same_samples(&like(&file.source(), Part::Test).unwrap(), &test);

    // Other order, other rows, a column that is none of the model's.
    let other = csv("note,price,size,area\nx,-30,10,100\ny,1,0.5,2\n");
    let all = like(&other.source(), Part::All).unwrap();
    let columns = trained.columns.as_ref().unwrap();
    let scaled = |size: f64, area: f64| [columns.features[0].scaled(size), columns.features[1].scaled(area)];
    assert_eq!(all.features(), [scaled(10.0, 100.0), scaled(0.5, 2.0)].concat());
    assert_eq!(all.values(), [-30.0, 1.0].map(|price| columns.targets[0].scaled(price)));

    // Without the target there are features alone.
    let bare = csv("area,size\n100,10\n2,0.5\n");
    assert_eq!(inputs(&trained, &bare).unwrap(), all.features());
    let error = like(&bare.source(), Part::All).unwrap_err().to_string();
    assert!(error.contains("no column `price`") && error.contains("to predict, none is needed"), "{error}");
    let error = inputs(&trained, &csv("area,sizes\n1,2\n")).unwrap_err().to_string();
    assert!(error.contains("no column `size`, only such as `sizes`"), "{error}");
    let error = inputs(&trained, &csv("area,size\n1,2\n1,x\n4,5\n")).unwrap_err().to_string();
    assert!(error.contains("`x` in line 3, column `size`"), "{error}");

    let error = like(&DataSource::Digits, Part::All).unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("`data` is `digits`"), "{error}");
    let images = Preprocessing::new(&DataSource::Digits, &DataOptions::default());
    let error = load_like::<f64>(&images, &file.source(), &images.options(), Part::Test).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("trained on digits"), "{error}");
    let error = load_like::<f64>(&images, &DataSource::Digits, &images.options(), Part::All).unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("`split` is `all`"), "{error}");
}

#[test]
fn a_model_knows_its_classes_by_name() {
    let file = csv(flowers());
    let options = DataOptions { target: names(&["kind"]), scale: true, ..DataOptions::default() };
    for options in [options.clone(), DataOptions { classes: Some(vec![2, 0]), ..options }] {
        let (trained, train, test) = remembered(&file, &options);
        let like = |source: &DataSource, part| load_like::<f64>(&trained, source, &trained.options(), part);
        same_samples(&like(&file.source(), Part::Train).unwrap(), &train);
        same_samples(&like(&file.source(), Part::Test).unwrap(), &test);
        // A file that lacks classes does not renumber the others.
        let some = csv("leaves,size,kind\n1,2,rose\n3,4,rose\n");
        let label = train.classes().iter().position(|class| class == "rose").unwrap() as u32;
        assert_eq!(like(&some.source(), Part::All).unwrap().labels(), [label, label]);
        let unknown = csv("leaves,size,kind\n1,2,rose\n3,4,tulip\n");
        let error = like(&unknown.source(), Part::All).unwrap_err().to_string();
        assert!(
            error.contains(
                "`tulip` in line 3, column `kind`, expected a class of the model: `aster`, `lily`, `rose`"
            ),
            "{error}"
        );
    }
}

#[test]
fn values_are_a_matrix_with_a_column_for_each_sample() {
    let data = Dataset::with_values(
        "x",
        vec![1.0, 2.0, 3.0],
        vec![1.0, 10.0, 2.0, 20.0, 6.0, 30.0],
        1,
        names(&["u", "v"]).unwrap(),
    )
    .unwrap();
    let altmin_core::loss::Target::Values(values) = data.target() else { panic!("values") };
    assert_eq!((values.nrows(), values.ncols(), values[(1, 2)], values[(0, 1)]), (2, 3, 30.0, 2.0));
    // Means 3 and 20: 4 + 1 + 9 and 100 + 0 + 100.
    assert_eq!([data.squared_deviation(0), data.squared_deviation(1)], [14.0, 200.0]);
    let refused = |features: usize, values: Vec<f64>, n_outputs: usize| {
        Dataset::with_values("x", vec![0.0; features], values, 1, vec!["y".to_owned(); n_outputs])
            .unwrap_err()
            .to_string()
    };
    assert!(refused(2, vec![1.0, 2.0], 0).contains("no outputs"));
    assert!(refused(0, vec![], 1).contains("no samples"));
    assert!(refused(2, vec![1.0], 1).contains("2 numbers for 1 samples"));
    assert!(refused(1, vec![1.0, 2.0, 3.0], 2).contains("3 numbers for 1 samples"));
    assert!(refused(2, vec![1.0, f64::NAN], 1).contains("NaN in output 0 of sample 1"));
}

#[test]
fn a_table_gives_the_data_set_that_its_numbers_would() {
    let file = csv(rows(12));
    let columns = columns_of(&file, None, true).unwrap();
    let trained = Preprocessing::new(&file.source(), &regression()).with_columns(Some(&columns));
    let all = load_like::<f64>(&trained, &file.source(), &trained.options(), Part::All).unwrap();
    let features = (0..12).flat_map(|i| [f64::from(i), f64::from(i * i)]).collect();
    let values = (0..12).map(|i| -3.0 * f64::from(i)).collect();
    let name = file.path().display().to_string();
    let expected = Dataset::with_values(name, features, values, 2, vec!["price".to_owned()]).unwrap();
    assert_eq!((all.features(), all.values()), (expected.features(), expected.values()));
    assert_eq!((all.name(), all.outputs()), (expected.name(), expected.outputs()));
    assert_eq!(all.rows(), Some(&(0..12).collect::<Vec<_>>()[..]));
}
