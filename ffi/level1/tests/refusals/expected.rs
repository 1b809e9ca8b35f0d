//! What is right and what is wrong of each kind of argument, apart from the library's own account of it.

use altmin_core::Choice as _;
use altmin_core::update::StepRuleKind;
use altmin_level1::codes::altmin_step_rule;
use altmin_level1::error::altmin_status as status;
use altmin_level1::input::altmin_probe;
use altmin_level1::interval::search::altmin_lengths;

/// Values of a scalar that are refused, and with which status.
pub(crate) type Bad = &'static [(f64, status)];

/// Finite and above 0.
const POSITIVE: Bad = &[
    (0.0, status::Setting),
    (-1.0, status::Setting),
    (f64::NAN, status::Setting),
    (f64::INFINITY, status::Setting),
    (f64::NEG_INFINITY, status::Setting),
];

/// Finite and 0 or above.
const NOT_NEGATIVE: Bad = &[
    (-1.0, status::Setting),
    (f64::NAN, status::Setting),
    (f64::INFINITY, status::Setting),
    (f64::NEG_INFINITY, status::Setting),
];

/// Finite.
const FINITE: Bad =
    &[(f64::NAN, status::Setting), (f64::INFINITY, status::Setting), (f64::NEG_INFINITY, status::Setting)];

/// A step parameter: what is not finite comes from samples that have diverged, and is no setting.
const TAU: Bad = &[
    (0.0, status::Setting),
    (-1.0, status::Setting),
    (f64::NAN, status::NonFinite),
    (f64::INFINITY, status::NonFinite),
    (f64::NEG_INFINITY, status::NonFinite),
];

/// A good size.
pub(crate) fn size(name: &str) -> usize {
    match name {
        "n_out" => 3,
        "n_in" | "k" => 4,
        "m" => 5,
        "n" | "samples" => 6,
        other => panic!("no good value of the size `{other}`"),
    }
}

/// A good number of this name, and those that are refused. The name says what kind it must be.
pub(crate) fn scalar(name: &str, kind: &str) -> (f64, Bad) {
    match (name, kind) {
        ("c" | "damping" | "epsilon" | "mu" | "nu" | "ratio" | "rho" | "t" | "tau" | "w", "positive") => {
            (0.7, POSITIVE)
        }
        ("tau", "any") => (4.0, TAU),
        ("momentum", "any") => (0.9, NOT_NEGATIVE),
        ("alpha" | "beta" | "shrinkage", "finite") => (1.5, FINITE),
        ("activation.slope" | "lambda", _) => (0.1, NOT_NEGATIVE),
        _ => panic!("`{name}` is not expected to be {kind}"),
    }
}

/// How many codes there are, and which of them the function takes; another one that stands for something is a setting that
/// is not available, all others are no codes.
pub(crate) fn codes(kind: &str) -> (i32, &'static [i32]) {
    match kind {
        "activation" => (5, &[0, 1, 2, 3, 4]),
        "prepared" => (4, &[0, 1, 2, 3]),
        "gradient_step" => (4, &[0, 1]),
        "inverse" => (4, &[2, 3]),
        "loss" | "regularizer" => (3, &[0, 1, 2]),
        "closed_form" => (3, &[0, 2]),
        "dual" | "order" | "parts" | "proximal" | "solver" | "transpose" => (2, &[0, 1]),
        other => panic!("no good value of the code `{other}`"),
    }
}

/// A struct's bytes; those that are refused come with the status and the name that the message has.
#[derive(Debug, Clone)]
pub(crate) struct Structure {
    pub(crate) good: Vec<Vec<u8>>,
    pub(crate) bad: Vec<(Vec<u8>, status, &'static str)>,
}

fn structure_of<S: Copy>(good: &[S], bad: &[(S, status, &'static str)]) -> Structure {
    let bad = bad.iter().map(|&(ref value, status, name)| (bytes_of(value), status, name)).collect();
    Structure { good: good.iter().map(bytes_of).collect(), bad }
}

fn bytes_of<S: Copy>(value: &S) -> Vec<u8> {
    let mut zeroed = vec![0; size_of::<S>()];
    // SAFETY: as many bytes as the value has, to memory that is there; padding comes over as whatever it is.
    unsafe {
        std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>(), zeroed.as_mut_ptr(), zeroed.len())
    };
    zeroed
}

/// Good and bad content of the struct that is the argument `name`.
pub(crate) fn structure(of: &str, name: &'static str) -> Structure {
    match of {
        "altmin_step_rule" => step_rule(),
        "altmin_probe" => probe(name),
        "altmin_lengths" => lengths(name),
        other => panic!("no good value of the struct `{other}`"),
    }
}

/// A step rule; what its rule does not look at is NaN.
fn step_rule() -> Structure {
    let none = f64::NAN;
    let rule = |rule: StepRuleKind| altmin_step_rule {
        struct_size: size_of::<altmin_step_rule>(),
        rule: rule.code(),
        start: none,
        factor: none,
        damping: none,
    };
    let backtracking = altmin_step_rule { start: 0.1, factor: 2.0, ..rule(StepRuleKind::Backtracking) };
    let squares = altmin_step_rule { damping: 0.5, ..rule(StepRuleKind::LeastSquares) };
    let good = [rule(StepRuleKind::Vector), rule(StepRuleKind::Scalar), backtracking, squares];
    let mut bad = Vec::new();
    let size = size_of::<altmin_step_rule>();
    for struct_size in [0, size - 1, size + 1, size_of::<usize>(), usize::MAX] {
        bad.push((altmin_step_rule { struct_size, ..good[0] }, status::StructSize, "rule"));
    }
    for code in [-1, 4, i32::MIN, i32::MAX] {
        bad.push((altmin_step_rule { rule: code, ..good[0] }, status::Code, "rule"));
    }
    for number in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        bad.push((altmin_step_rule { start: number, ..backtracking }, status::Setting, "start"));
        bad.push((altmin_step_rule { factor: number, ..backtracking }, status::Setting, "factor"));
        bad.push((altmin_step_rule { damping: number, ..squares }, status::Setting, "damping"));
    }
    bad.push((altmin_step_rule { factor: 1.0, ..backtracking }, status::Setting, "factor"));
    structure_of(&good, &bad)
}

fn probe(name: &'static str) -> Structure {
    let good = altmin_probe { gradient_squared: 3.0, product_squared: 2.0 };
    let mut bad = Vec::new();
    for (number, status) in
        [(f64::NAN, status::NonFinite), (f64::INFINITY, status::NonFinite), (-1.0, status::Setting)]
    {
        bad.push((altmin_probe { gradient_squared: number, ..good }, status, name));
        bad.push((altmin_probe { product_squared: number, ..good }, status, name));
    }
    structure_of(&[good, altmin_probe::default()], &bad)
}

fn lengths(name: &'static str) -> Structure {
    let good = altmin_lengths { squared: 3.0, product_squared: 2.0 };
    let mut bad = Vec::new();
    for number in [f64::NAN, f64::INFINITY] {
        bad.push((altmin_lengths { squared: number, ..good }, status::NonFinite, name));
        bad.push((altmin_lengths { product_squared: number, ..good }, status::NonFinite, name));
    }
    structure_of(&[good, altmin_lengths { squared: 0.0, product_squared: 0.0 }], &bad)
}

/// Writes good elements of a matrix of some rows and columns, or of a layer's sums of some outputs and inputs, where not any
/// will do.
pub(crate) fn fill(name: &str, rows: usize, columns: usize, elements: &mut [f64]) {
    match name {
        "sums" | "part" | "total" => finished_sums(rows, columns, elements),
        "factor" => lower_triangle(rows, elements),
        "values" => probabilities(rows, elements),
        _ => {}
    }
}

/// Sums of six samples that could be: `p p'` is positive definite, also when it is centred.
fn finished_sums(n_out: usize, n_in: usize, sums: &mut [f64]) {
    let gram = &mut sums[n_out * n_in + n_out..][..n_in * n_in];
    for j in 0..n_in {
        for i in 0..n_in {
            gram[j * n_in + i] = if i == j { 6.0 } else { 0.5 };
        }
    }
}

/// A lower triangle with a diagonal above 0.
fn lower_triangle(n: usize, factor: &mut [f64]) {
    for j in 0..n {
        factor[j * n..j * n + j].fill(0.0);
        factor[j * n + j] = 2.0;
    }
}

/// Columns that add up to 1.
fn probabilities(classes: usize, values: &mut [f64]) {
    let sum = (classes * (classes + 1) / 2) as f64;
    for column in values.chunks_mut(classes) {
        (1u32..).zip(column).for_each(|(share, value)| *value = f64::from(share) / sum);
    }
}
