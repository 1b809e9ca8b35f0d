//! How the command ends where it is wrongly used, and where the world fails it.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};

fn install(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin-install"));
    command.args(arguments).current_dir(folder).env_remove("DESTDIR").output().expect("the program starts")
}

/// Runs it in an empty folder, which must stay empty; returns what it says on stderr.
fn refused(arguments: &[&str], code: i32) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = install(arguments, folder.path());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    let mut left = std::fs::read_dir(folder.path()).expect("the folder is read");
    assert!(left.next().is_none(), "{arguments:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn wrong_use_is_2() {
    assert!(refused(&[], 2).contains("--prefix"));
    assert!(refused(&["--prefix", "to", "--speed"], 2).contains("--speed"));
    for libdir in ["/usr/lib", "../lib", "lib/../..", ""] {
        assert!(
            refused(&["--prefix", "to", "--libdir", libdir], 2).contains("inside the prefix"),
            "{libdir}"
        );
    }
    let both = ["--prefix", "to", "--profile", "dev", "--libraries", "."];
    assert!(refused(&both, 2).contains("--libraries"));
}

#[test]
fn failure_is_1_and_names_the_file() {
    let text = refused(&["--prefix", "to", "--libraries", "nowhere"], 1);
    assert!(text.starts_with("error: ") && text.contains("nowhere/libaltmin_ffi.so"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_made_is_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in ["libaltmin_ffi.so", "libaltmin_ffi.a", "taken"] {
        std::fs::write(folder.path().join(file), "").expect("a file");
    }
    let output = install(&["--prefix", "taken", "--libraries", "."], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(text.starts_with("error: ") && text.contains("taken/include/altmin.h"), "{text}");
}
