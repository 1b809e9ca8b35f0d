//! What the documents list is there: the tests that hold guarantees, and the dependencies of every manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of a document's tables, without their heads, by the heading above them.
fn tables(text: &str) -> Vec<(&str, Vec<&str>)> {
    let (mut heading, mut rows, mut head) = ("", Vec::new(), true);
    for line in text.lines() {
        if let Some(found) = line.strip_prefix("## ") {
            heading = found;
        }
        match line.strip_prefix("| ").or(line.strip_prefix('|')) {
            Some(row) if !row.starts_with("---") && !head => {
                let row = row.trim_end().strip_suffix('|').expect("a row ends with a bar");
                rows.push((heading, row.split('|').map(str::trim).collect()));
            }
            Some(row) => head = !row.starts_with("---"),
            None => head = true,
        }
    }
    rows
}

/// Whether a source has a test of this name: a function with `#[test]` among the lines of attributes above it.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    lines.iter().enumerate().any(|(index, line)| {
        let mut attributes = lines[..index].iter().rev().take_while(|line| line.starts_with("#["));
        line.starts_with(&head) && attributes.any(|line| *line == "#[test]")
    })
}

#[test]
fn the_tests_that_hold_the_guarantees_are_there() {
    let document = root().join("docs/guarantees.md");
    let text = read(&document);
    let rows = tables(&text);
    assert!(rows.len() > 20, "{} rows", rows.len());
    for (_, row) in rows {
        let [promise, _, tests] = row[..] else { panic!("three cells: {row:?}") };
        let mut named = 0;
        for link in tests.split("), ") {
            let link = link.strip_suffix(')').unwrap_or(link);
            let parts = link.strip_prefix("[`").and_then(|link| link.split_once("`]("));
            let (name, path) = parts.unwrap_or_else(|| panic!("{promise}: a linked test: {link}"));
            let source = read(&document.parent().expect("docs").join(path));
            assert!(has_test(&source, name), "{promise}: {path} has no test `{name}`");
            named += 1;
        }
        assert!(named > 0, "{promise}");
    }
}

#[test]
fn a_test_is_told_from_another_function() {
    let source = "#[test]\n#[cfg(unix)]\nfn one() {}\n\nfn two() {}\n    #[test]\n    fn three() {}\n";
    let found = ["one", "two", "three", "on"].map(|name| has_test(source, name));
    assert_eq!(found, [true, false, true, false]);
}

/// Every manifest of the repository, by its folder.
fn manifests(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            manifests(&path, all);
        } else if name == "Cargo.toml" && folder != root() {
            all.push(path);
        }
    }
}

/// Crates from elsewhere that manifests name, and whether for tests alone, with the folders that name them.
fn named() -> BTreeMap<(bool, String), Vec<String>> {
    let mut all = Vec::new();
    manifests(&root(), &mut all);
    let mut named = BTreeMap::<_, Vec<_>>::new();
    for manifest in all {
        let text = read(&manifest);
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root()).ok());
        let folder = folder.and_then(Path::to_str).expect("text").replace('\\', "/");
        let of_tests = folder == "tests" || folder.starts_with("tests/");
        let mut section = "";
        for line in text.lines() {
            if let Some(found) = line.strip_prefix('[') {
                section = found.trim_end_matches(']');
                assert!(!section.contains("dependencies."), "{folder}: a table of its own for `{section}`");
                continue;
            }
            let Some((key, _)) = line.split_once('=').filter(|_| section.ends_with("dependencies")) else {
                continue;
            };
            let name = key.split('.').next().expect("a name").trim();
            if name.starts_with('#') || name.starts_with("altmin") {
                continue;
            }
            let of_tests = of_tests || section.ends_with("dev-dependencies");
            named.entry((of_tests, name.to_owned())).or_default().push(folder.clone());
        }
    }
    named.values_mut().for_each(|folders| {
        folders.sort();
        folders.dedup();
    });
    named
}

#[test]
fn every_dependency_has_its_reason() {
    let text = read(&root().join("docs/dependencies.md"));
    let mut listed = BTreeMap::new();
    for (heading, row) in tables(&text) {
        let [name, users, reason] = row[..] else { panic!("three cells: {row:?}") };
        assert!(reason.split(' ').count() > 1, "{name}: `{reason}` is no reason");
        let name = name.trim_matches('`').to_owned();
        let mut users: Vec<_> = users.split(", ").map(|user| user.trim_matches('`').to_owned()).collect();
        users.sort();
        let before = listed.insert((heading.starts_with("Of tests"), name.clone()), users);
        assert!(before.is_none(), "`{name}` twice");
    }
    assert_eq!(listed, named());
}
