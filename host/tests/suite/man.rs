//! Manual pages and short help: there is a page for every command, and a screen for who asks for one.

use std::fs;
use std::process::{Command, Output};

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

fn names(command: &clap::Command, name: &str, all: &mut Vec<String>) {
    all.push(format!("{name}.1"));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        names(inner, &format!("{name}-{}", inner.get_name()), all);
    }
}

#[test]
fn every_command_has_a_page_with_its_options() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("new/man1");
    let path = out.to_str().expect("a path");
    assert!(altmin(&["man", "--out", path]).status.success());
    let mut expected = Vec::new();
    names(&altmin::cli::command(), "altmin", &mut expected);
    let mut found: Vec<String> = fs::read_dir(&out)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let page = |name: &str| fs::read_to_string(out.join(name)).expect("a page");
    for (name, part) in [
        ("altmin.1", "altmin\\-train(1)"),
        ("altmin-train.1", "\\-\\-step\\-schedule"),
        ("altmin-data-show.1", "Show what a data set holds"),
        // A description of several lines is there whole.
        ("altmin-predict.1", "in the file\\*(Aqs units"),
    ] {
        let text = page(name).replace("\\fR", "").replace("\\fB", "");
        assert!(text.contains(part), "{name}: {part}");
    }
    // Pages are replaced.
    assert!(altmin(&["man", "--out", path]).status.success());
    fs::write(folder.path().join("file"), "").expect("room");
    let refused = altmin(&["man", "--out", folder.path().join("file").to_str().expect("a path")]);
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn short_help_fits_a_screen_and_says_where_the_rest_is() {
    for command in ["train", "compare", "search", "verify", "info"] {
        let [short, long] =
            ["-h", "--help"].map(|flag| String::from_utf8(altmin(&[command, flag]).stdout).expect("text"));
        let rest = format!("`altmin {command} --help` explains all ");
        assert!(short.contains(&rest) && !long.contains(&rest), "{command}: {short}");
        assert!(short.lines().count() < 90 && long.lines().count() > 2 * short.lines().count(), "{command}");
        assert!(!short.contains("--epsilon-repair") && long.contains("--threads"), "{command}");
        for everyday in ["--data", "--missing", "--hidden", "--loss", "--seed", "--threads"] {
            assert!(short.contains(everyday), "{command}: {everyday}");
        }
    }
}

#[test]
fn help_tells_what_a_command_does_in_full() {
    for (command, part) in
        [("predict", "Columns: sample"), ("export", "in single precision"), ("report", "one HTML file")]
    {
        let help = String::from_utf8(altmin(&[command, "--help"]).stdout).expect("text");
        let one_line = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(part), "{command}: {help}");
    }
}
