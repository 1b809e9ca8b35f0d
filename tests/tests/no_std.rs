//! The core needs nothing: a program without any library builds, links, runs, and leaves no symbol undefined.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Builds `tests/no_std` in a profile, into a folder inside the workspace's target folder; returns the program.
fn build(profile: &str) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("no_std/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("no_std");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--profile", profile, "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        // A target chosen for the workspace is not this program's, and would move it.
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the program without a library does not build in profile {profile}");
    target.join(if profile == "dev" { "debug" } else { profile }).join("altmin-no-std")
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The program's exit code is 0, or that of its `Broken`, which says what did not hold.
fn prove(profile: &str) {
    let program = build(profile);
    let run = output(&mut Command::new(&program));
    assert_eq!(run.status.code(), Some(0), "see `Broken` in tests/no_std/src/main.rs ({})", run.status);
    let symbols = output(Command::new("nm").arg("-u").arg(&program));
    assert!(symbols.status.success(), "{}", String::from_utf8_lossy(&symbols.stderr));
    assert_eq!(String::from_utf8_lossy(&symbols.stdout), "", "undefined symbols");
    // nm also says nothing of a program without a symbol table.
    let defined = output(Command::new("nm").arg(&program));
    assert!(String::from_utf8_lossy(&defined.stdout).contains(" T memcpy"), "no symbols to judge by");
}

#[test]
fn release_build() {
    prove("release");
}

#[test]
fn debug_build() {
    prove("dev");
}
