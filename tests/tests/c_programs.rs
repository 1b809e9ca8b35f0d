//! Every C and C++ program compiles without a warning, links with the static and the shared library, and succeeds; the
//! tests that are not run unless asked for run the same programs under checkers of memory.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;
use std::thread;

use altmin_tests::programs::{self, Compiler, LINKED, Libraries, Linked, Program};
use altmin_tests::{header, tools};

const GCC: Compiler = Compiler { c: "gcc", cpp: "g++", flags: &[] };
const CLANG: Compiler = Compiler { c: "clang", cpp: "clang++", flags: &[] };
const SANITIZED: Compiler =
    Compiler { flags: &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"], ..GCC };

/// A checker in front of the program: errors, and memory that nothing leads to any more, are failures. (What the
/// threads of a pool leave behind is reachable or may be.)
const VALGRIND: &[&str] = &[
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect,possible",
    "--show-leak-kinds=definite,indirect,possible",
    concat!("--suppressions=", env!("CARGO_MANIFEST_DIR"), "/programs/valgrind.supp"),
];

/// Errors of memory are the same in both ways.
const CHECKED: &[Linked] = &[Linked::Static];

/// Builds and runs every program, linked in each of these ways; complains of all that fail.
fn all_succeed(compiler: Compiler, checker: &[&str], ways: &[Linked]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let libraries = Libraries::new(folder.path());
    let programs = programs::all();
    assert!(programs.iter().any(|program| program.name == "sums.c"), "{programs:?}");
    // Checkers use one processor each.
    let failures: Vec<String> = thread::scope(|scope| {
        let run = |program| {
            let (libraries, folder) = (&libraries, folder.path());
            scope.spawn(move || succeeds(program, compiler, checker, ways, libraries, folder))
        };
        let runs: Vec<_> = programs.iter().map(run).collect();
        let ends = runs.into_iter().map(|run| run.join().expect("a run that does not panic"));
        ends.filter_map(Result::err).collect()
    });
    assert!(failures.is_empty(), "{} of {} fail\n{}", failures.len(), programs.len(), failures.join("\n"));
}

fn succeeds(
    program: &Program,
    compiler: Compiler,
    checker: &[&str],
    ways: &[Linked],
    libraries: &Libraries,
    folder: &Path,
) -> Result<(), String> {
    let objects = programs::compile(program, compiler, folder)?;
    for &linked in ways {
        let file = programs::link(program, compiler, &objects, linked, libraries, folder)?;
        let mut command = match checker {
            [] => Command::new(&file),
            [checker, arguments @ ..] => {
                let mut command = Command::new(checker);
                command.args(arguments).arg(&file);
                command
            }
        };
        // What a program writes goes with the folder.
        tools::run(command.current_dir(folder))?;
    }
    Ok(())
}

#[test]
fn with_gcc() {
    all_succeed(GCC, &[], &LINKED);
}

/// The name of the program whose memory fails.
const OUT_OF_MEMORY: &str = "out_of_memory";

/// It is linked so that its memory does fail.
#[test]
fn no_call_ends_for_want_of_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (program, libraries) = (programs::named(OUT_OF_MEMORY), Libraries::new(folder.path()));
    let objects = programs::compile(&program, GCC, folder.path()).expect("compiled");
    let linked = programs::link(&program, GCC, &objects, Linked::Static, &libraries, folder.path());
    let said = tools::done(Command::new(linked.expect("linked")).current_dir(folder.path()));
    let count =
        |before: &str| said.split(before).next()?.rsplit(' ').find_map(|word| word.parse::<u32>().ok());
    let (ended, did) = (count(" calls ended").expect("a count"), count(" did without").expect("a count"));
    assert!(ended > 500 && did > 500, "{said}");
}

#[test]
fn every_function_of_the_trainer_is_tried_without_memory() {
    let source = header::root().join("tests/programs").join(OUT_OF_MEMORY).join("calls.c");
    let source = std::fs::read_to_string(source).expect("the program");
    let of_level_2 =
        ["altmin_trainer_", "altmin_model_", "altmin_settings_", "altmin_version", "altmin_status_"];
    let mut functions = header::functions();
    functions.retain(|name| of_level_2.iter().any(|start| name.starts_with(start)));
    assert!(functions.len() > 30, "{functions:?}");
    functions.retain(|name| !source.contains(&format!("{{\"{name}\", ")));
    assert!(functions.is_empty(), "{functions:?}");
}

#[test]
fn with_clang() {
    if tools::there(CLANG.cpp, "programs compiled with clang") {
        all_succeed(CLANG, &[], &LINKED);
    }
}

#[test]
#[ignore = "takes longer: .ci/run asks for it"]
fn under_valgrind() {
    if tools::there("valgrind", "programs under valgrind") {
        all_succeed(GCC, VALGRIND, CHECKED);
    }
}

#[test]
#[ignore = "takes longer: .ci/run asks for it"]
fn with_gccs_sanitizers() {
    all_succeed(SANITIZED, &[], CHECKED);
}

/// The checkers find what they are there for: a program that leaks, and one that reads past its memory.
#[test]
#[ignore = "takes longer: .ci/run asks for it"]
fn checkers_find_errors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let leaks =
        "#include <stdlib.h>\nint main(void) { void *volatile p = malloc(8); p = 0; return p != 0; }\n";
    let reads = "#include <stdlib.h>\nint main(void) { char *p = malloc(8); volatile int i = 8; int bad = p[i] == 77;\n\
                 free(p); return 0 * bad; }\n";
    for (name, text) in [("leaks", leaks), ("reads", reads)] {
        let source = folder.path().join(format!("{name}.c"));
        std::fs::write(&source, text).expect("a source");
        let build = |compiler: Compiler| {
            let to = folder.path().join(name);
            tools::done(Command::new(compiler.c).args(compiler.flags).arg(&source).arg("-o").arg(&to));
            to
        };
        assert!(tools::run(&mut Command::new(build(SANITIZED))).is_err(), "{name}: no sanitizer complains");
        if tools::there("valgrind", "valgrind finds errors") {
            let mut command = Command::new(VALGRIND[0]);
            command.args(&VALGRIND[1..]).arg(build(GCC));
            assert!(tools::run(&mut command).is_err(), "{name}: valgrind does not complain");
        }
    }
}
