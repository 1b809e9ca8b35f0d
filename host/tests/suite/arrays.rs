//! Files of NumPy as tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use altmin::data::split::Fold;
use altmin::data::{DataOptions, DataSource, Dataset, Header, Missing, Table, load};
use serde_json::Value;

/// A file that NumPy wrote; see `tests/fuzz/corpus/arrays`.
fn written(folder: &Path, name: &str, end: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/arrays").join(name);
    let path = folder.join(format!("{name}.{end}"));
    fs::copy(from, &path).expect("a file");
    path
}

/// An array file by its specification: a dictionary as text, then the elements.
fn array(kind: &str, shape: &str, fortran: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), elements].concat()
}

fn numbers(path: &Path) -> Vec<Vec<f64>> {
    let table = Table::read(path, Header::Auto, None).expect("a table");
    let row =
        |row| (0..table.names().len()).map(|column| table.number(row, column).expect("a number")).collect();
    (0..table.n_rows()).map(row).collect()
}

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn every_kind_of_element_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.npy");
    let bytes =
        |numbers: &[f64], of: fn(f64) -> Vec<u8>| numbers.iter().flat_map(|&x| of(x)).collect::<Vec<u8>>();
    let rows = [1.0, 2.0, -3.0, 0.0];
    let counts = [1.0, 2.0, 3.0, 0.0];
    let signs = [1.0, 0.0, 1.0, 0.0];
    let cases: [(&str, &[f64], Vec<u8>); 12] = [
        ("<f8", &rows, bytes(&rows, |x| x.to_le_bytes().to_vec())),
        (">f8", &rows, bytes(&rows, |x| x.to_be_bytes().to_vec())),
        ("<f4", &rows, bytes(&rows, |x| (x as f32).to_le_bytes().to_vec())),
        // 1, 2, -3 and -0 by IEEE 754.
        ("<f2", &rows, vec![0x00, 0x3c, 0x00, 0x40, 0x00, 0xc2, 0x00, 0x80]),
        ("|i1", &rows, bytes(&rows, |x| (x as i8).to_le_bytes().to_vec())),
        (">i2", &rows, bytes(&rows, |x| (x as i16).to_be_bytes().to_vec())),
        ("<i4", &rows, bytes(&rows, |x| (x as i32).to_le_bytes().to_vec())),
        ("<i8", &rows, bytes(&rows, |x| (x as i64).to_le_bytes().to_vec())),
        ("|u1", &counts, bytes(&counts, |x| vec![x as u8])),
        ("<u4", &counts, bytes(&counts, |x| (x as u32).to_le_bytes().to_vec())),
        (">u8", &counts, bytes(&counts, |x| (x as u64).to_be_bytes().to_vec())),
        ("|b1", &signs, bytes(&signs, |x| vec![x as u8])),
    ];
    for (kind, expected, elements) in cases {
        fs::write(&path, array(kind, "(2, 2)", "False", &elements)).expect("room");
        assert_eq!(numbers(&path).concat(), expected, "{kind}");
        fs::write(&path, array(kind, "(2, 2)", "True", &elements)).expect("room");
        let [a, b, c, d] = expected[..] else { panic!("four") };
        assert_eq!(numbers(&path).concat(), [a, c, b, d], "{kind}");
    }
    // Of more dimensions the first goes over the rows, whatever the order in the file.
    let ordered: Vec<u8> = (0..24).collect();
    fs::write(&path, array("|u1", "(4, 3, 2)", "True", &ordered)).expect("room");
    let element = |i: usize, j: usize, k: usize| (i + 4 * j + 12 * k) as f64;
    let row = |i| (0..6).map(|column| element(i, column / 2, column % 2)).collect::<Vec<_>>();
    assert_eq!(numbers(&path), (0..4).map(row).collect::<Vec<_>>());
    // The smallest and the largest of 16 bits, and what is no number.
    let odd = array("<f2", "(1, 3)", "False", &[1, 0, 0xff, 0x7b, 0, 0x7e]);
    fs::write(&path, odd).expect("room");
    let table = Table::read(&path, Header::Auto, None).expect("a table");
    assert_eq!(
        (table.number(0, 0).expect("a number"), table.number(0, 1).expect("a number")),
        (2f64.powi(-24), 65504.0)
    );
    assert_eq!(table.cell(0, 2), None);
}

#[test]
fn arrays_become_columns_with_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = Table::read(&written(folder.path(), "whole", "npz"), Header::Auto, None).expect("a table");
    assert_eq!((whole.names(), whole.n_rows()), (&["x0", "x1", "x2", "y"].map(str::to_owned)[..], 12));
    assert_eq!(whole.text(4, 3).expect("a class"), "b");
    assert!((whole.number(0, 0).expect("a number") - 0.13).abs() < 1e-6);
    let holes = Table::read(&written(folder.path(), "holes", "npz"), Header::Auto, None).expect("a table");
    assert_eq!(holes.names().last().map(String::as_str), Some("label"));
    assert_eq!(holes.cell(2, 1), None);
    let error = holes.number(2, 1).expect_err("a hole").to_string();
    assert!(error.contains("row 2, column `features1`"), "{error}");
    let images = Table::read(&written(folder.path(), "images", "npz"), Header::Auto, None).expect("a table");
    assert_eq!((images.names().len(), &*images.text(1, 12).expect("a class")), (13, "q"));
    let plain = Table::read(&written(folder.path(), "integers", "npy"), Header::Auto, None).expect("a table");
    assert_eq!(plain.names(), ["1", "2", "3"].map(str::to_owned));
    assert!(!plain.has_header());
}

#[test]
fn a_split_that_a_file_has_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "split", "npz");
    let source = DataSource::Csv(path.clone());
    let of = |options: &DataOptions| load::<f64>(&source, options).expect("a table");
    let rows = |data: &Dataset<f64>| data.rows().expect("rows").to_vec();
    for split_seed in [0, 1] {
        let (train, test) = of(&DataOptions { split_seed, ..DataOptions::default() });
        assert_eq!((rows(&train), rows(&test)), ((0..12).collect(), (12..16).collect()));
        assert_eq!(test.labels(), [0, 1, 2, 0]);
    }
    let notes = of(&DataOptions::default()).0.notes().join("\n");
    assert!(notes.contains("`other`") && notes.contains("`one`"), "{notes}");
    // Folds and a file of test samples leave the file's own test samples alone.
    let (train, test) =
        of(&DataOptions { fold: Some(Fold { index: 0, count: 3 }), ..DataOptions::default() });
    assert!(rows(&train).iter().chain(&rows(&test)).all(|&row| row < 12));
    let other = folder.path().join("other.csv");
    fs::write(&other, "x0,x1,x2,y\n1,2,3,0\n4,5,6,1\n").expect("room");
    let (train, test) = of(&DataOptions { test: Some(other), ..DataOptions::default() });
    assert_eq!((rows(&train), test.n_samples()), ((0..12).collect(), 2));
    let missing = Missing::Mean;
    assert_eq!(of(&DataOptions { missing, ..DataOptions::default() }).1.n_samples(), 4);
}

#[test]
fn a_model_of_arrays_takes_arrays_and_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, run) = (written(folder.path(), "packed", "npz"), folder.path().join("run"));
    let output = altmin(&["train", "--data", text(&path), "--sweeps", "5", "--out", text(&run), "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let predict = |data: &Path| {
        let output = altmin(&[
            "predict",
            "--model",
            text(&run),
            "--data",
            text(data),
            "--split",
            "all",
            "--keep",
            "x1",
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let table = Table::read(&path, Header::Auto, None).expect("a table");
    let row = |row: usize| (0..3).map(|column| table.as_written(row, column)).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..table.n_rows()).map(row).collect();
    let csv = folder.path().join("same.csv");
    fs::write(&csv, format!("x0,x1,x2\n{}\n", rows.join("\n"))).expect("room");
    assert_eq!(predict(&path), predict(&csv));
    let output = altmin(&["evaluate", "--model", text(&run), "--split", "train", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["samples"], 10);
}

#[test]
fn what_is_no_table_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.npy");
    let cases: [(Vec<u8>, &str); 10] = [
        (b"x,y\n1,2\n".to_vec(), "no whole header"),
        (array("<f8", "(2, 2)", "False", &[0; 31]), "31 bytes"),
        (array("<f8", "(4,)", "False", &[0; 32]), "an array of shape [4]"),
        (array("<f8", "(4, 1)", "False", &[0; 32]), "4 rows and 1 columns"),
        (array("<f8", "(0, 4)", "False", &[]), "no elements, of shape [0, 4]"),
        // Its columns would be more than any memory has room for.
        (array("<f8", "(0, 18446744073709551615, 4)", "False", &[]), "no elements"),
        (array("<c8", "(2, 2)", "False", &[0; 32]), "elements `<c8`"),
        (array("|O", "(2, 2)", "False", &[0; 32]), "object arrays need pickle"),
        (array("<f8", "(18446744073709551615, 2)", "False", &[0; 32]), "32 bytes"),
        (array("<U1", "(1, 2)", "False", &[255; 8]), "a text that is none"),
    ];
    for (bytes, words) in cases {
        fs::write(&path, bytes).expect("room");
        let error = Table::read(&path, Header::Auto, None).expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    let split = written(folder.path(), "split", "npz");
    let whole = fs::read(&split).expect("a file");
    fs::write(&split, &whole[..whole.len() / 2]).expect("room");
    let error = Table::read(&split, Header::Auto, None).expect_err("half a file").to_string();
    assert!(error.contains("an archive as numpy.savez writes it"), "{error}");
    let plain = written(folder.path(), "integers", "npy");
    for more in [["--header", "yes"], ["--delimiter", "tab"]] {
        let output = altmin(&[&["train", "--data", text(&plain)], &more[..]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("neither header nor delimiter"), "{said}");
    }
}
