//! The committed header is what the sources give.

use std::io::Write as _;
use std::process::{Command, Stdio};

use altmin_tests::header;

#[test]
fn the_header_is_fresh() {
    let committed = std::fs::read_to_string(header::path()).expect("include/altmin.h");
    assert!(
        committed == header::generate(),
        "include/altmin.h is out of date: cargo run -p altmin-tests --bin header"
    );
}

/// Whether a compiler takes a call of altmin_copy_step_f32 with these arguments before its sizes.
fn compiles(compiler: &str, language: &str, arguments: &str) -> bool {
    let mut command = Command::new(compiler);
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/../include");
    command.args(["-x", language, "-fsyntax-only", "-I", include, "-"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a compiler");
    let program = format!(
        "#include <altmin.h>
        altmin_status call(altmin_activation_fn f, float *q) {{
            return altmin_copy_step_f32({arguments}, 1, 1, q, 1, q, 1, q, 1, q, 1, 0, 0, 0, 0);
        }}"
    );
    child.stdin.take().expect("a pipe").write_all(program.as_bytes()).expect("a compiler that reads");
    child.wait().expect("a compiler").success()
}

#[test]
fn arguments_in_another_order_do_not_compile() {
    for (compiler, language) in [("cc", "c"), ("c++", "c++")] {
        assert!(compiles(compiler, language, "0.5, 2.0, f"), "{compiler}");
        for wrong in [
            "f, 0.5, 2.0",
            "ALTMIN_ACTIVATION_LEAKY_RELU, 0.01, 2.0, 0.5",
            "0.5, 2.0, ALTMIN_ACTIVATION_RELU",
        ] {
            assert!(!compiles(compiler, language, wrong), "{compiler}: {wrong}");
        }
    }
}
