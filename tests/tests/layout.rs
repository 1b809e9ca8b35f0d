//! Structs and constants are in C what they are in Rust: a program that is made from the header prints them.

use std::collections::BTreeMap;
use std::process::Command;

use altmin_ffi::level1::interval::{activation::*, linear::*, search::*};
use altmin_ffi::level1::{codes::*, error::*, input::*, objective::*, output::*, weights::*};
use altmin_ffi::{codes::*, info::*, observer::*, settings::*};
use altmin_tests::{header, tools};

/// What has a size, an offset or a value, by C's name.
type Numbers = BTreeMap<String, usize>;

/// `struct NAME { FIELDS }` of the header, as (name, fields).
fn structs(code: &str) -> Vec<(String, Vec<String>)> {
    let parts: Vec<&str> = code.split('{').collect();
    parts.windows(2).filter_map(|around| defined(around[0], around[1])).collect()
}

/// The struct whose brace is between the two.
fn defined(before: &str, after: &str) -> Option<(String, Vec<String>)> {
    let mut words = before.split_whitespace().rev();
    let name = words.next()?;
    let body = after.split('}').next()?;
    (words.next()? == "struct").then(|| (name.to_owned(), body.split(';').filter_map(field).collect()))
}

/// The name that a declaration of a field gives: before an array's bounds, or inside a pointer to a function.
fn field(declaration: &str) -> Option<String> {
    let declarator = match declaration.split_once("(*") {
        Some((_, function)) => function.split(')').next()?,
        None => declaration.split('[').next()?,
    };
    let name = declarator.rsplit(|c: char| !c.is_alphanumeric() && c != '_').find(|word| !word.is_empty())?;
    Some(name.to_owned())
}

/// Constants of the header: `ALTMIN_NAME = value` of enums, and `#define ALTMIN_NAME value`.
fn constants(code: &str) -> Vec<String> {
    let lines = code.lines().map(str::trim);
    let names = lines.filter_map(|line| match line.strip_prefix("#define ") {
        Some(definition) => definition.split_once(' ').map(|(name, _)| name),
        None => line.split_once(" = ").map(|(name, _)| name),
    });
    names.filter(|name| name.starts_with("ALTMIN_")).map(str::to_owned).collect()
}

/// What C makes of the header.
fn in_c() -> Numbers {
    let code = header::code();
    let mut prints = String::new();
    let mut print = |name: &str, value: &str| {
        prints += &format!("    printf(\"{name} %zu\\n\", (size_t)({value}));\n");
    };
    for (name, fields) in structs(&code) {
        print(&name, &format!("sizeof(struct {name})"));
        for field in fields {
            print(&format!("{name}.{field}"), &format!("offsetof(struct {name}, {field})"));
        }
    }
    for name in constants(&code) {
        print(&name, &name);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, program) = (folder.path().join("layout.c"), folder.path().join("layout"));
    let text = format!(
        "#include \"altmin.h\"\n#include <stdio.h>\n\nint main(void)\n{{\n{prints}    return 0;\n}}\n"
    );
    std::fs::write(&source, text).expect("a source");
    let mut compile = Command::new("gcc");
    compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"]);
    tools::done(compile.arg(header::root().join("include")).arg(&source).arg("-o").arg(&program));
    let output = tools::done(&mut Command::new(&program));
    let lines = output.lines().map(|line| line.split_once(' ').expect("a name and a number"));
    lines.map(|(name, number)| (name.to_owned(), number.parse().expect("a number"))).collect()
}

/// The name of an enum's value in C: `altmin_status`, `NonFinite` is `ALTMIN_STATUS_NON_FINITE`.
fn screaming(of: &str, value: &str) -> String {
    let mut name = of.to_uppercase();
    for (i, c) in value.char_indices() {
        if i == 0 || c.is_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

/// Every struct with all its fields, every enum with all its values, and the constants: what is missing here is in C's
/// list alone, and what is too much does not compile.
macro_rules! numbers {
    (
        structs { $($struct:ident { $($field:ident),* $(,)? })* }
        enums { $($enum:ident { $($value:ident),* $(,)? })* }
        constants { $($constant:ident),* $(,)? }
    ) => {{
        let mut numbers = Numbers::new();
        $(
            numbers.insert(stringify!($struct).into(), size_of::<$struct>());
            $(
                let name = concat!(stringify!($struct), ".", stringify!($field));
                numbers.insert(name.into(), std::mem::offset_of!($struct, $field));
            )*
        )*
        $($(
            numbers.insert(screaming(stringify!($enum), stringify!($value)), $enum::$value as usize);
        )*)*
        $(
            numbers.insert(stringify!($constant).into(), $constant as usize);
        )*
        numbers
    }};
}

fn in_rust() -> Numbers {
    numbers! {
        structs {
            altmin_error { status, message }
            altmin_moved { promised, squared }
            altmin_activation_fn { kind, slope }
            altmin_step_rule { struct_size, rule, start, factor, damping }
            altmin_probe { gradient_squared, product_squared }
            altmin_interval_moved { promised, squared, trials }
            altmin_projected { entries, squared }
            altmin_lengths { squared, product_squared }
            altmin_copy_terms { activation, dual, gap }
            altmin_constraint_terms { dual, gap }
            altmin_solved { squared, residual, iterations, capped }
            altmin_reduced { promised, weights_squared, bias_squared }
            altmin_settings {
                struct_size, method, precision, kernel, activation, loss, step, input_step, inner, slope,
                hidden, hidden_count, network, channels, height, width, seed, threads, batch, subnetworks,
                sweeps, nu, rho, damping, learning_rate, alpha, tau2, tolerance, time_limit, options,
            }
            altmin_metrics {
                struct_size, sweep, objective, primal_residual, dual_residual, loss, train_accuracy,
                test_accuracy, seconds,
            }
            altmin_info {
                struct_size, method, precision, regression, threads, features, outputs, samples, maps,
                parameters, sweeps, state_bytes, objective, primal_residual, dual_residual, loss,
                train_accuracy, test_accuracy, seconds,
            }
        }
        enums {
            altmin_status {
                Ok, Null, Misaligned, Shape, LeadingDimension, Overflow, Overlap, Workspace, Code, Setting, NonFinite,
                Singular, StructSize, State, Busy, Poisoned, Io, Format, Panic, Memory,
            }
            altmin_proximal { No, Yes }
            altmin_parts { All, Residual }
            altmin_dual { Recovered, Stored }
            altmin_transpose { No, Yes }
            altmin_order { WeightsFirst, BiasFirst }
            altmin_prepared { Columns, Tau, Inverse, OuterInverse }
            altmin_precision { F32, F64 }
            altmin_kernel { Fast, Portable }
            altmin_outcome { Running, Converged, SweepLimit, TimeLimit, Diverged, Stopped, NoImprovement }
        }
        constants {
            ALTMIN_VERSION_MAJOR, ALTMIN_VERSION_MINOR, ALTMIN_VERSION_PATCH, ALTMIN_MESSAGE_SIZE, ALTMIN_DEFAULT,
        }
    }
}

/// The core's choices: C's name of a member is the enum's and the word that people write.
fn choices() -> Numbers {
    let constant = |of: &str, name: &str| format!("{of}_{name}").replace('-', "_").to_uppercase();
    let members = header::CHOICES.iter().flat_map(|&(of, _, members)| members.iter().map(move |m| (of, m)));
    members.map(|(of, member)| (constant(of, member.name), member.code as usize)).collect()
}

#[test]
fn c_and_rust_agree() {
    let mut expected = in_rust();
    expected.extend(choices());
    assert_eq!(in_c(), expected);
}

/// Programs that were compiled with an older header have these numbers in them.
#[test]
fn choices_have_the_numbers_that_they_always_had() {
    let numbers = [
        ("ALTMIN_ACTIVATION_RELU", 0),
        ("ALTMIN_ACTIVATION_LEAKY_RELU", 1),
        ("ALTMIN_ACTIVATION_SIGMOID", 2),
        ("ALTMIN_ACTIVATION_TANH", 3),
        ("ALTMIN_ACTIVATION_SOFTPLUS", 4),
        ("ALTMIN_LOSS_CROSS_ENTROPY", 0),
        ("ALTMIN_LOSS_LEAST_SQUARES", 1),
        ("ALTMIN_LOSS_HUBER", 2),
        ("ALTMIN_SOLVER_NEWTON", 0),
        ("ALTMIN_SOLVER_FISTA", 1),
        ("ALTMIN_REGULARIZER_NONE", 0),
        ("ALTMIN_REGULARIZER_L1", 1),
        ("ALTMIN_REGULARIZER_L2", 2),
        ("ALTMIN_STEP_VECTOR", 0),
        ("ALTMIN_STEP_SCALAR", 1),
        ("ALTMIN_STEP_BACKTRACKING", 2),
        ("ALTMIN_STEP_LEAST_SQUARES", 3),
        ("ALTMIN_METHOD_PDADMM", 0),
        ("ALTMIN_METHOD_DLADMM", 1),
        ("ALTMIN_METHOD_DLAM", 2),
        ("ALTMIN_METHOD_TAYLOR", 3),
        ("ALTMIN_METHOD_PROXPROP", 4),
        ("ALTMIN_METHOD_GD", 5),
        ("ALTMIN_METHOD_ADAGRAD", 6),
        ("ALTMIN_METHOD_ADADELTA", 7),
        ("ALTMIN_METHOD_ADAM", 8),
        ("ALTMIN_METHOD_GSADMM", 9),
        ("ALTMIN_METHOD_GSAM", 10),
        ("ALTMIN_INNER_SGD", 0),
        ("ALTMIN_INNER_ADAM", 1),
        ("ALTMIN_INNER_PROXPROP", 2),
    ];
    let known = choices();
    for (name, number) in numbers {
        assert_eq!(known.get(name), Some(&number), "{name}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let version = format!("{ALTMIN_VERSION_MAJOR}.{ALTMIN_VERSION_MINOR}.{ALTMIN_VERSION_PATCH}");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn names_are_found_in_every_declarator() {
    let code = "typedef struct a {\n  size_t n;\n  const float *const *p;\n  char text[4];\n  int32_t (*call)(void *x, \
                const struct b *y);\n} a;\nvoid f(const struct a *x);\ntypedef struct c c;\n";
    let fields = ["n", "p", "text", "call"].map(str::to_owned).to_vec();
    assert_eq!(structs(code), [("a".to_owned(), fields)]);
}
