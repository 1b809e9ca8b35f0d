//! The committed header is what the sources give.

use std::io::Write as _;
use std::process::{Command, Stdio};

use altmin_tests::header;

#[test]
fn the_headers_are_fresh() {
    for (name, made) in header::MADE.iter().zip(header::generate()) {
        let committed = std::fs::read_to_string(header::include().join(name)).expect(name);
        assert!(committed == made, "include/{name} is out of date: cargo run -p altmin-tests --bin header");
    }
}

/// A program that includes these headers and takes the address of a function of each.
fn takes(compiler: &str, language: &str, headers: &[&str]) -> bool {
    let include: String = headers.iter().map(|header| format!("#include <{header}>\n")).collect();
    checked(
        compiler,
        language,
        &format!(
            "{include}
            altmin_status (*const dlams)(double, double *, double *, struct altmin_error *) =
                altmin_extrapolation_momentum_f64;
            struct altmin_projected projected;
            const char *(*const others)(void) = altmin_version;"
        ),
    )
}

#[test]
fn dlams_header_is_included_and_stands_by_itself() {
    for (compiler, language) in [("cc", "c"), ("c++", "c++")] {
        for headers in [
            &["altmin.h"][..],
            &["altmin_dlam.h"],
            &["altmin.h", "altmin_dlam.h"],
            &["altmin_dlam.h", "altmin.h"],
        ] {
            assert!(takes(compiler, language, headers), "{compiler}: {headers:?}");
        }
        assert!(!takes(compiler, language, &["altmin_embedded.h"]), "{compiler}");
    }
    let read = |name| std::fs::read_to_string(header::include().join(name)).expect(name);
    let [all, dlams] = header::MADE.map(read);
    assert!(
        !all.contains("altmin_interval_linear_step_f32(")
            && !all.contains("altmin_extrapolation_linear_f32(")
    );
    assert!(all.contains("altmin_hidden_step_f32(") && all.contains("typedef struct altmin_probe {"));
    assert!(!dlams.contains("altmin_hidden_step_f32(") && dlams.contains("typedef struct altmin_lengths {"));
}

/// Whether a compiler takes a call of altmin_copy_step_f32 with these arguments before its sizes.
fn compiles(compiler: &str, language: &str, arguments: &str) -> bool {
    checked(
        compiler,
        language,
        &format!(
            "#include <altmin.h>
            altmin_status call(altmin_activation_fn f, float *q) {{
                return altmin_copy_step_f32({arguments}, 1, 1, q, 1, q, 1, q, 1, q, 1, 0, 0, 0, 0);
            }}"
        ),
    )
}

/// Whether a compiler takes a program.
fn checked(compiler: &str, language: &str, program: &str) -> bool {
    let mut command = Command::new(compiler);
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/../include");
    command.args(["-x", language, "-fsyntax-only", "-I", include, "-"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a compiler");
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
