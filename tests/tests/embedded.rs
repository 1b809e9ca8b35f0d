//! The library for small devices has all of level 1, needs nothing but a few functions on bytes, and programs on static
//! memory learn with it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use altmin_tests::{header, tools};

/// What compilers call without being asked: all that the library may need.
const BYTES: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

/// Builds the library, into a folder inside the workspace's target folder.
fn archive() -> PathBuf {
    let manifest = header::root().join("ffi/embedded/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("embedded");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--release", "--manifest-path"]).arg(manifest);
    // A target chosen for the workspace would move the library.
    cargo.arg("--target-dir").arg(&target).env_remove("CARGO_BUILD_TARGET");
    tools::done(&mut cargo);
    target.join("release/libaltmin_embedded.a")
}

/// Names that `nm` prints with these arguments.
fn symbols(arguments: &[&str], file: &Path) -> BTreeSet<String> {
    let text = tools::done(Command::new("nm").args(arguments).arg(file));
    text.lines().filter(|line| !line.ends_with(':')).filter_map(name).collect()
}

fn name(line: &str) -> Option<String> {
    line.split_whitespace().last().map(str::to_owned)
}

fn interface(symbols: BTreeSet<String>) -> BTreeSet<String> {
    symbols.into_iter().filter(|name| name.starts_with("altmin_")).collect()
}

/// One object from those members of the archive that the functions need, directly or not.
fn members_of(functions: &BTreeSet<String>, archive: &Path, to: PathBuf) -> PathBuf {
    let wanted = functions.iter().flat_map(|name| ["-u", name]);
    tools::done(
        Command::new("ld").args(["-r", "--gc-sections"]).args(wanted).arg("-o").arg(&to).arg(archive),
    );
    to
}

/// The names of level 1's functions, which its own tests compare with the header's.
fn level1() -> BTreeSet<String> {
    let functions = altmin_ffi::level1::FUNCTIONS.iter().copied().flatten();
    functions.map(|function| function.name.to_owned()).collect()
}

#[test]
fn all_of_level_1_and_no_need_of_anything() {
    let (archive, folder) = (archive(), tempfile::tempdir().expect("a temporary folder"));
    let functions = interface(symbols(&["--defined-only", "--quiet"], &archive));
    assert_eq!(functions, level1());
    let object = members_of(&functions, &archive, folder.path().join("level1.o"));
    let needed = symbols(&["-u"], &object);
    assert!(needed.iter().all(|name| BYTES.contains(&name.as_str())), "{needed:?}");
    // nm also says nothing of an object without symbols.
    assert_eq!(interface(symbols(&["--defined-only"], &object)), functions);
}

/// Builds and runs an example, which says itself whether it has learnt.
fn learns(example: &str) {
    let (archive, folder) = (archive(), tempfile::tempdir().expect("a temporary folder"));
    let (object, program) = (folder.path().join("example.o"), folder.path().join("example"));
    let mut compile = Command::new("gcc");
    compile.args([
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-Os",
        "-ffunction-sections",
        "-I",
    ]);
    compile
        .arg(header::root().join("include"))
        .arg("-c")
        .arg(header::root().join("ffi/examples").join(example));
    tools::done(compile.arg("-o").arg(&object));
    tools::done(
        Command::new("gcc").arg(&object).arg(&archive).arg("-Wl,--gc-sections").arg("-o").arg(&program),
    );
    println!("{}", tools::done(&mut Command::new(&program)));
    let used = interface(symbols(&["-u"], &object));
    let library = members_of(&used, &archive, folder.path().join("used.o"));
    println!("the library's part, and the whole program:");
    println!("{}", tools::done(Command::new("size").arg(library).arg(program)));
}

#[test]
fn a_layer_learns_on_static_memory() {
    learns("embedded.c");
}

#[test]
fn a_network_learns_on_static_memory() {
    learns("embedded_network.c");
}
