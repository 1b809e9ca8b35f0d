//! The library for small devices has all of level 1, needs nothing but a few functions on bytes, and programs on static
//! memory learn with it, on this machine and on an emulated microcontroller.
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
    let mut expected = level1();
    expected.extend(["altmin_embedded_on_panic", "altmin_embedded_panic"].map(str::to_owned));
    assert_eq!(functions, expected);
    let object = members_of(&functions, &archive, folder.path().join("level1.o"));
    let needed = symbols(&["-u"], &object);
    assert!(needed.iter().all(|name| BYTES.contains(&name.as_str())), "{needed:?}");
    // nm also says nothing of an object without symbols.
    assert_eq!(interface(symbols(&["--defined-only"], &object)), functions);
}

/// Compiles a program with the library; returns the program, after its object.
fn linked(source: &Path, archive: &Path, folder: &Path) -> (PathBuf, PathBuf) {
    let (object, program) = (folder.join("example.o"), folder.join("example"));
    let mut compile = Command::new("gcc");
    compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Os", "-ffunction-sections"]);
    compile.arg("-I").arg(header::root().join("include")).arg("-c").arg(source);
    tools::done(compile.arg("-o").arg(&object));
    tools::done(
        Command::new("gcc").arg(&object).arg(archive).arg("-Wl,--gc-sections").arg("-o").arg(&program),
    );
    (object, program)
}

/// Builds and runs an example, which says itself whether it has learnt.
fn learns(example: &str) {
    let (archive, folder) = (archive(), tempfile::tempdir().expect("a temporary folder"));
    let source = header::root().join("ffi/examples").join(example);
    let (object, program) = linked(&source, &archive, folder.path());
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

/// The manual's page shows what its commands print.
#[test]
fn every_command_of_the_page_runs() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("embedded");
    let page = std::fs::read_to_string(header::root().join("docs/small-device.md")).expect("the page");
    let commands = tools::fenced(&page, "sh");
    assert_eq!(commands.len(), 6, "{commands:?}");
    let mut printed = String::new();
    for line in commands {
        if line.starts_with("make") {
            printed += &firmware("run").unwrap_or_default();
            continue;
        }
        let mut shell = Command::new("sh");
        shell.arg("-ec").arg(line.replace("target/embedded", target.to_str().expect("text")));
        printed += &tools::done(shell.current_dir(header::root()).env_remove("CARGO_BUILD_TARGET"));
    }
    let shown = tools::fenced(&page, "text");
    assert!(shown.len() >= 4);
    shown.iter().for_each(|line| assert!(printed.contains(line), "{line}\n{printed}"));
    assert!(printed.contains("static memory: 3008 bytes") && printed.contains("static memory: 4944 bytes"));
}

#[test]
fn a_device_is_told_of_a_panic() {
    let (archive, folder) = (archive(), tempfile::tempdir().expect("a temporary folder"));
    let source = header::root().join("tests/embedded/panic.c");
    let (_, program) = linked(&source, &archive, folder.path());
    assert_eq!(tools::done(&mut Command::new(program)), "told\n");
}

/// What make prints of a goal of the firmware's makefile; `None` where tools are missing.
fn firmware(goal: &str) -> Option<String> {
    let test = "firmware for a Cortex-M";
    if !["make", "qemu-system-arm", "arm-none-eabi-gcc"].iter().all(|tool| tools::there(tool, test)) {
        return None;
    }
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("cortex-m");
    let mut make = Command::new("make");
    make.args(["--silent", goal, "-C"]).arg(header::root().join("ffi/examples/cortex-m"));
    make.arg(format!("BUILD={}", build.display()));
    // The firmware's compiler is its own.
    for variable in ["RUSTC", "CARGO", "CARGO_BUILD_TARGET", "RUSTUP_TOOLCHAIN"] {
        make.env_remove(variable);
    }
    let said = tools::done(&mut make);
    if said.starts_with("SKIPPED") {
        eprintln!("{said}");
        return None;
    }
    Some(said)
}

/// Bytes and instructions of a firmware's row, after its name.
fn numbers(row: &str) -> Vec<u32> {
    row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect()
}

#[test]
fn a_microcontroller_learns_in_40_kb() {
    let Some(table) = firmware("run") else { return };
    println!("{table}");
    // A firmware that has not learnt has no row, and ends with a failure.
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows.iter().all(|row| numbers(row).len() == 7 && numbers(row)[0] < 40_000), "{table}");
    let needs = firmware("check").expect("the tools are there");
    let needs = needs.lines().filter_map(|line| line.split_once(" needs:"));
    let all: Vec<_> = needs.flat_map(|(_, names)| names.split_whitespace()).collect();
    assert!(all.iter().all(|name| BYTES.contains(name)), "{all:?}");
    // The folder's page has the same rows, but for compilers of other versions.
    let page = std::fs::read_to_string(header::root().join("ffi/examples/cortex-m/README.md"));
    let page = page.expect("the folder's page");
    for name in ["| 8x4 |", "| 32x16 |", "| 16-16-4 |"] {
        let row = |text: &str| text.lines().find(|line| line.starts_with(name)).map(numbers);
        let (ours, theirs) = (row(&table).expect("a row"), row(&page).expect("a row of the page"));
        let near = |(&a, &b): (&u32, &u32)| a.abs_diff(b) <= b / 10;
        assert!(ours.iter().zip(&theirs).all(near), "{ours:?}, on the page {theirs:?}");
    }
}
