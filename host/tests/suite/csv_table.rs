//! CSV files as tables: what is read, and one clear line, with the place in the file, for each kind of bad one.

use std::fs;

use altmin::Error;
use altmin::data::{DataOptions, DataSource, Header, Parts, Table, load};
use proptest::prelude::*;

/// Does something with the path of a file of this name and content.
fn with_file<R>(name: &str, content: impl AsRef<[u8]>, act: impl FnOnce(&std::path::Path) -> R) -> R {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    act(&path)
}

fn read(content: impl AsRef<[u8]>) -> altmin::Result<Table> {
    read_with(content, Header::Auto)
}

fn read_with(content: impl AsRef<[u8]>, header: Header) -> altmin::Result<Table> {
    with_file("some.csv", content, |path| Table::read(path, header, None))
}

fn load_last(path: &std::path::Path, regression: bool) -> altmin::Result<Parts<f64>> {
    load(&DataSource::Csv(path.to_owned()), &DataOptions { regression, ..DataOptions::default() })
}

/// Everything that is wrong with a file of three columns of which the last is the target: content, whether by regression,
/// what the message says, and what the hint says.
const BAD: &[(&str, bool, &str, &str)] = &[
    ("", true, "no rows, expected a row of column names", ""),
    ("\n\r\n\n", true, "no rows", ""),
    ("a,b,y\n", true, "a header and no rows", ""),
    ("\"a\nb\",c,y\r\n", true, "a header and no rows", ""),
    ("y\n1\n2\n", true, "a single column in line 1", "--delimiter"),
    ("a:b:y\n1:2:3\n", true, "a single column in line 1", "--delimiter"),
    ("a,b,y\n1,2,3\n4,,6\n", true, "an empty cell in line 3, column `b`", "--missing mean"),
    ("a,b,y\n1,2,3\n4,  ,6\n", true, "an empty cell in line 3, column `b`", ""),
    ("a,b,y\n1,2,3\n4,5,\n", true, "an empty cell in line 3, column `y`", ""),
    ("a,b,y\n1,2,3\n4,5\n", true, "2 cells in line 3, expected 3, as in line 1", ""),
    ("a,b,y\n1,2,3\n4,5,6,7\n", true, "4 cells in line 3, expected 3, as in line 1", ""),
    ("a,b,y\r\n1,2,3\r\n\r\n4,five,6\r\n", true, "`five` in line 4, column `b`, expected a number", ""),
    ("a,b,y\n1,2,3\n4,5,6,\n", true, "4 cells in line 3", ""),
    ("a,b,y\n1,2,3\n4,5,x\n", true, "`x` in line 3, column `y`, expected a number", ""),
    ("1,2,3\n4,5,x\n7,8,9\n", true, "`x` in line 2, column `3`, expected a number", ""),
    ("a,b,y\n1,2,3\n\"4\n5\",5,6\n", true, r"`4\n5` in line 3, column `a`, expected a number", ""),
    ("a,b,y\n1,\"x\n\ny\",3\n4,?,6\n7,8,9\n1,1,1\n", true, r"`x\n\ny` in line 2, column `b`", ""),
    ("a,b,y\n1,2,3\n4,nan,6\n", true, "`nan`, a missing value, in line 3, column `b`", ""),
    ("a,b,y\n1,2,3\n4,-inf,6\n", true, "`-inf` in line 3, column `b`, expected a finite number", ""),
    ("a,b,y\n1,2,3\n4,1e999,6\n", true, "`1e999` in line 3, column `b`, expected a finite number", ""),
    ("a,b,a\n1,2,3\n4,5,6\n", true, "columns 1 and 3 with the name `a`", ""),
    ("2,b,\n1,2,3\n4,5,6\n", true, "`b` as well as `2` in line 1", "header"),
    ("a,b,2\n1,2,3\n4,5,6\n", true, "`a` as well as `2` in line 1", ""),
    ("1,n/a,3\n1,2,3\n4,5,6\n", true, "`n/a`, a missing value, in line 1, column `2`", ""),
    ("1,x,3\n1,2,3\n4,5,6\n", true, "`x` as well as `1` in line 1", ""),
    ("a,b,y\n1,2,3\n4,5,6\n", true, "2 rows of samples, expected at least 10", ""),
    ("1,2,3\n", true, "1 row of samples, expected at least 10", ""),
    ("a,b,y\n1,2,0.5\n4,5,0.25\n", false, "`0.5` in line 2, column `y`, expected a class", "least-squares"),
    ("a,b,y\n1,2,yes\n4,5,yes\n", false, "the class `yes` alone in column `y`", ""),
    ("a,b,y\n1,2,yes\n4,x,no\n5,6,yes\n", false, "`x` in line 3, column `b`", ""),
    ("a,b,y\n1,2,yes\n4,3,\n", false, "an empty cell in line 3, column `y`", ""),
];

#[test]
fn bad_files_are_refused_with_line_and_column() {
    for &(content, regression, part, advice) in BAD {
        let error = with_file("some.csv", content, |path| load_last(path, regression)).expect_err(content);
        let line = error.to_string();
        assert!(line.contains("some.csv") && line.contains(part), "{content:?}: {line}");
        assert!(!line.contains('\n') && matches!(error, Error::Format { .. }), "{content:?}: {line}");
        assert!(!error.is_usage());
        assert!(error.hint().unwrap_or_default().contains(advice), "{content:?}: {:?}", error.hint());
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_line() {
    let error = read(b"a,b\n1,2\n\xff,3\n").unwrap_err().to_string();
    assert!(error.contains("bytes in line 3 that are no UTF-8"), "{error}");
    let error = Table::read("absent.csv".as_ref(), Header::Auto, None).unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("absent.csv"), "{error}");
}

#[test]
fn a_row_after_quoted_line_ends_and_empty_lines_has_its_own_line() {
    // Lines:       1      2-4              5 6 7        8
    let content = "a,b\r\n\"one\r\ntwo\n\",1\r\n\n\n3,4\n5,x\n6,7\n8,9\n";
    let table = read(content).unwrap();
    assert!(table.number(0, 0).unwrap_err().to_string().contains(r"`one\r\ntwo` in line 2, column `a`"));
    let error = table.number(2, 1).unwrap_err().to_string();
    assert!(error.contains("`x` in line 8, column `b`"), "{error}");
    let table = read("1,2\r3,4\rx,5\r").unwrap();
    assert!(table.number(2, 0).unwrap_err().to_string().contains("`x` in line 3"));
}

#[test]
fn headers_are_told_from_rows() {
    let cases: &[(&str, bool, &[&str], usize)] = &[
        ("a,b\n1,2\n3,4\n", true, &["a", "b"], 2),
        ("1,2\n3,4\n", false, &["1", "2"], 2),
        ("\u{feff}a,b\n1,2\n", true, &["a", "b"], 1),
        ("\u{feff}1,2\n3,4\n", false, &["1", "2"], 2),
        ("\n\na,b\n\n1,2\n\n\n  \n", true, &["a", "b"], 1),
        (" a ,\"b, c\"\n1,2\n", true, &["a", "b, c"], 1),
        ("\"a\nb\",c\n1,2\n", true, &["a\nb", "c"], 1),
        // Text classes: the names stand above numbers, or they are a class.
        ("size,kind\n1,cat\n2,dog\n", true, &["size", "kind"], 2),
        ("1,cat\n2,dog\n", false, &["1", "2"], 2),
        // An index without a name.
        (",a\n0,5\n1,6\n", true, &["1", "a"], 2),
        // One bad cell does not make a column one of text.
        ("a,b\n1,2\n?,4\n5,6\n", true, &["a", "b"], 3),
        ("a,b\n,2\n,\n5,6\n", true, &["a", "b"], 3),
        // A missing number in the first row is no name.
        ("1,\n3,4\n", false, &["1", "2"], 2),
    ];
    for &(content, has_header, names, rows) in cases {
        let table = read(content).unwrap();
        assert_eq!((table.has_header(), table.n_rows()), (has_header, rows), "{content:?}");
        assert_eq!(table.names(), names, "{content:?}");
        assert!(table.notes().is_empty(), "{content:?}");
    }
}

#[test]
fn counted_columns_are_a_header_and_a_note_says_so() {
    let table = read("0,1,2\n5.5,1,2\n0.5,1,7\n").unwrap();
    assert_eq!((table.has_header(), table.n_rows(), table.names()[2].as_str()), (true, 2, "2"));
    let note = &table.notes()[0];
    assert!(table.notes().len() == 1 && note.contains("0 to 2") && note.contains("--header no"), "{note}");
    // As many columns as a class and its number have, and a sample that comes twice, are no header.
    for samples in ["0,1\n0.5,1\n", "0,1,2\n3,4,5\n0,1,2\n", "0,1,2\n", "1,2,3\n0.5,1,7\n"] {
        let table = read(samples).unwrap();
        assert!(!table.has_header() && table.notes().is_empty(), "{samples:?}");
    }
}

#[test]
fn whether_there_is_a_header_can_be_said() {
    let content = "0,1,2\n5.5,1,2\n0.5,1,7\n";
    let samples = read_with(content, Header::No).unwrap();
    assert_eq!((samples.has_header(), samples.n_rows(), samples.number(0, 2).unwrap()), (false, 3, 2.0));
    assert_eq!(samples.names(), ["1", "2", "3"]);
    let years = read_with("1990,1991\n5,6\n", Header::Yes).unwrap();
    assert_eq!((years.n_rows(), years.names()), (1, &["1990".to_owned(), "1991".to_owned()][..]));
    assert!(years.notes().is_empty() && samples.notes().is_empty());
    // What looks like neither is read once it is said which it is.
    let error = read("a,1990\n5,6\n").unwrap_err();
    assert!(error.hint().unwrap().contains("--header yes or no"));
    assert_eq!(read_with("a,1990\n5,6\n", Header::Yes).unwrap().names()[1], "1990");
    let error = read_with("a,b\n", Header::Yes).unwrap_err().to_string();
    assert!(error.contains("a header and no rows"), "{error}");
}

#[test]
fn numbers_may_be_quoted_spaced_and_written_in_any_form() {
    let table = read("a,b,c,d,e\n\"1\", -2.5 ,+3e-2,.5,7.\n").unwrap();
    let numbers: Vec<f64> = (0..5).map(|column| table.number(0, column).unwrap()).collect();
    assert_eq!(numbers, [1.0, -2.5, 0.03, 0.5, 7.0]);
    let tabs = with_file("some.TSV", "a\tb\n1,5\t2\n", |path| Table::read(path, Header::Auto, None)).unwrap();
    assert_eq!((tabs.text(0, 0).unwrap(), tabs.number(0, 1).unwrap()), ("1,5".into(), 2.0));
}

proptest! {
    #[test]
    fn whatever_a_file_holds_there_is_a_table_or_an_error(content in "[,\"\r\n1a .-]{0,60}", regression: bool) {
        let result = with_file("some.csv", &content, |path| load_last(path, regression));
        if let Err(error) = result {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
        if let Ok(table) = read(&content) {
            prop_assert!(table.n_rows() > 0 && table.names().len() > 1);
            for (place, name) in table.names().iter().enumerate() {
                prop_assert_eq!(table.column(name), Some(place));
                for row in 0..table.n_rows() {
                    let number = table.number(row, place);
                    let text = table.text(row, place).unwrap_or_default();
                    prop_assert_eq!(number.ok(), text.parse::<f64>().ok());
                }
            }
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_does(
        rows in proptest::collection::vec((0usize..4, 0usize..3, any::<bool>()), 1..20), bad in 0usize..20,
    ) {
        // Each row: line ends inside its text cell, empty lines after it, and how they are written.
        let (mut content, mut lines) = (String::from("text,number\n"), Vec::new());
        for (index, &(inside, after, windows)) in rows.iter().enumerate() {
            let end = if windows { "\r\n" } else { "\n" };
            lines.push(1 + content.matches('\n').count());
            let number = if index == bad % rows.len() { "x" } else { "1" };
            content += &format!("\"t{}\",{number}{}", end.repeat(inside), end.repeat(after + 1));
        }
        let place = bad % rows.len();
        // With fewer numbers than texts below, the first row would be no header.
        prop_assume!(rows.len() > 2);
        let error = read(&content).unwrap().number(place, 1).unwrap_err().to_string();
        let expected = format!("`x` in line {}, column `number`", lines[place]);
        prop_assert!(error.contains(&expected), "{} {}", error, expected);
    }
}
