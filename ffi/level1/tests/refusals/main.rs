//! Every function of level 1 against everything that can be wrong with a call.
//!
//! The library describes its functions' arguments by their kinds; [`expected`] says of each kind what is right and what is
//! wrong. From the two comes a call that must succeed, for every code in turn, and every call that must not: NULL,
//! misaligned, overlapping, too small, overflowing, unknown, out of range, NaN. Each must give the right status and a message
//! that names the argument, and leave all memory bitwise as it was. A function of the header without a description fails the
//! test.

mod case;
mod expected;
mod memory;
mod refuse;
mod row;

use std::collections::{BTreeMap, BTreeSet};

use case::Case;

/// Functions of the trainer's handle, which have tests of their own.
const LEVEL_2: [&str; 9] = [
    "altmin_trainer",
    "altmin_model",
    "altmin_settings",
    "altmin_version",
    "altmin_status_text",
    "altmin_method",
    "altmin_threads",
    "altmin_use_kernel",
    "altmin_embedded",
];

/// The headers' functions of level 1, and the names of their parameters.
fn declared() -> BTreeMap<String, Vec<String>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include");
    let files = std::fs::read_dir(folder).expect("the headers").map(|entry| entry.expect("a header").path());
    let headers: String = files
        .filter(|path| path.extension().is_some_and(|end| end == "h"))
        .map(|path| std::fs::read_to_string(path).expect("a header"))
        .collect();
    let code: String = headers.split("*/").filter_map(|part| part.split("/*").next()).collect();
    let word = |text: &str| text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
    let mut functions = BTreeMap::new();
    for statement in code.split(';') {
        let Some((before, parameters)) = statement.trim_end_matches(')').split_once('(') else { continue };
        let Some(name) = word(before).filter(|name| name.starts_with("altmin_")) else { continue };
        if !LEVEL_2.iter().any(|prefix| name.starts_with(prefix)) {
            functions.insert(name, parameters.split(',').filter_map(|text| word(text.trim())).collect());
        }
    }
    functions
}

#[test]
fn every_function_of_the_header_is_described_with_its_parameters() {
    let declared = declared();
    let rows = row::all();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    let missing: Vec<_> = declared.keys().filter(|name| !names.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "functions of the header that are not described: {missing:?}");
    assert_eq!(names.len(), rows.len(), "a function is described twice");
    for row in &rows {
        let parameters =
            declared.get(row.name).unwrap_or_else(|| panic!("{} is not in the header", row.name));
        // A field of a struct that is passed by value has the name of its argument before its own.
        let arguments = row.arguments.iter().map(|argument| argument.name);
        let named: Vec<_> = arguments.filter(|name| !name.contains('.')).collect();
        assert_eq!(parameters, &named, "{}", row.name);
    }
}

#[test]
fn good_calls_succeed() {
    let rows = row::all();
    for row in &rows {
        for values in row.variants() {
            Case::new(&rows, row, &values).succeeds("a good call");
            let mut case = Case::new(&rows, row, &values);
            case.set_null("error");
            case.succeeds("without an error struct");
            let mut case = Case::new(&rows, row, &values);
            case.spoil_unused();
            case.succeeds("with nonsense where it is not looked at");
        }
    }
}

/// Where no workspace is needed, none can be too small: the sizes of the row must ask for some.
#[test]
fn every_workspace_is_put_to_the_test() {
    let rows = row::all();
    for row in rows.iter().filter(|row| row.has_workspace()) {
        let sizes = row.variants().map(|values| Case::new(&rows, row, &values).values.get("workspace_size"));
        assert!(sizes.max() > Some(0), "{}", row.name);
    }
}

/// One block of memory for a layer is as large as the most that any of its functions needs, and no larger.
#[test]
fn the_workspace_of_a_layer_serves_all_its_functions() {
    let rows = row::all();
    for suffix in ["f32", "f64"] {
        let layer = format!("altmin_layer_workspace_{suffix}");
        let layer = rows.iter().find(|row| row.name == layer).expect("the query");
        for (n_out, n_in, m) in [(3, 5, 4), (20, 20, 7), (6, 30, 1), (30, 6, 50), (1, 1, 2)] {
            let with_sizes = |row: &row::Row| {
                row.variants().map(|mut values| {
                    for (name, size) in [("n_out", n_out), ("n_in", n_in), ("m", m)] {
                        values.set(name, size);
                    }
                    values
                })
            };
            let query = Case::new(&rows, layer, &with_sizes(layer).next().expect("values"));
            query.succeeds("query");
            let bytes = usize::from_ne_bytes(query.content("bytes").try_into().expect("a size"));
            let others = rows.iter().filter(|row| row.has_workspace() && row.name.ends_with(suffix));
            let others = others.filter(|row| !row.name.starts_with("altmin_gemm"));
            let needed = others.flat_map(|row| {
                with_sizes(row).map(|values| Case::new(&rows, row, &values).values.get("workspace_size"))
            });
            assert_eq!(needed.max(), Some(bytes), "{suffix} {n_out} x {n_in}, {m}");
        }
    }
}

#[test]
fn no_samples_need_no_memory() {
    let rows = row::all();
    for row in &rows {
        for name in
            row.arguments.iter().filter(|argument| row::is_samples(argument)).map(|argument| argument.name)
        {
            for mut values in row.variants() {
                values.set(name, 0);
                let mut case = Case::new(&rows, row, &values);
                case.set_empty_to_null();
                case.succeeds("no samples");
            }
        }
    }
}

#[test]
fn bad_calls_are_refused() {
    let rows = row::all();
    let mut refused = 0;
    for row in &rows {
        for values in row.variants() {
            refused += refuse::all(&rows, row, &values);
        }
    }
    println!("{refused} bad calls of {} functions", rows.len());
    assert!(refused > 10 * rows.len());
}

/// What is called untouched has been looked at: a good call's output is a change, and no other is.
#[test]
fn a_change_is_noticed() {
    let rows = row::all();
    let row = rows.iter().find(|row| row.name == "altmin_hidden_step_f32").expect("the row");
    let values = row.variants().next().expect("good values");
    let case = Case::new(&rows, row, &values);
    let before = case.snapshot();
    assert_eq!(case.call(), altmin_level1::error::altmin_status::Ok);
    assert_eq!(case.changed_anything(&before), Some("z"));
    assert_eq!(case.changed_what_it_may_not(&before), None);
}
