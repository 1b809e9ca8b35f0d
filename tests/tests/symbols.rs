//! The shared library exports what the header declares, and nothing else.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::process::Command;

use altmin_tests::{header, library};

#[test]
fn exported_symbols_are_the_headers() {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library::shared()).output();
    let output = output.expect("nm starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names in ASCII");
    let exported: BTreeSet<String> =
        text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect();
    let declared = header::functions();
    assert!(declared.len() > 4, "{declared:?}");
    assert_eq!(exported, declared);
}

#[test]
fn the_soname_says_which_versions_are_compatible() {
    let output = Command::new("readelf").arg("-d").arg(library::shared()).output().expect("readelf starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let soname = format!("[{}]", library::soname());
    assert!(text.lines().any(|line| line.contains("SONAME") && line.contains(&soname)), "{text}");
}
