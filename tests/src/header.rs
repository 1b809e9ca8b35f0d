//! `include/altmin.h`, made from the sources of the C interface.

use altmin_core::choice::{Choice, Member};
use altmin_core::loss::OutputSolver;
use altmin_core::method::Name;
use altmin_core::method::tssm::Inner;
use altmin_core::update::StepRuleKind;
use altmin_core::{Activation, Loss, Regularizer};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in a folder of the workspace").to_path_buf()
}

/// Where the header is kept.
pub fn path() -> PathBuf {
    root().join("include/altmin.h")
}

/// The committed header without its comments.
pub fn code() -> String {
    let header = std::fs::read_to_string(path()).expect("include/altmin.h");
    header.split("*/").filter_map(|part| part.split("/*").next()).collect()
}

/// Names of the functions that the committed header declares: `altmin_` names before an opening parenthesis.
pub fn functions() -> BTreeSet<String> {
    let code = code();
    let before = code.split('(').map(|text| text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next());
    before.flatten().filter(|name| name.starts_with("altmin_")).map(str::to_owned).collect()
}

/// The header's text, made anew.
///
/// Level 1 is written once for both precisions, by macros that cbindgen does not read: the compiler writes them out first.
pub fn generate() -> String {
    let target = root().join("target/header");
    std::fs::create_dir_all(&target).expect("a folder for the expanded sources");
    let expanded = target.join("level1.rs");
    std::fs::write(&expanded, expand(&target)).expect("the expanded sources are written");
    let choices = target.join("choices.rs");
    std::fs::write(&choices, enums()).expect("the enums of choices are written");
    let config = cbindgen::Config::from_file(root().join("ffi/cbindgen.toml")).expect("cbindgen.toml");
    let mut text = Vec::new();
    let mut builder = cbindgen::Builder::new().with_config(config).with_src(&choices).with_src(&expanded);
    for source in SOURCES {
        builder = builder.with_src(root().join("ffi/src").join(source));
    }
    builder.generate().expect("sources that cbindgen reads").write(&mut text);
    String::from_utf8(text).expect("a header in UTF-8")
}

/// The core's choices that are an enum in C: its name, what it is, its members.
pub const CHOICES: [(&str, &str, &[Member]); 7] = [
    ("altmin_method", "The method of a training.", Name::MEMBERS),
    ("altmin_inner", "How weights step inside the subnetworks of gsADMM and gsAM.", Inner::MEMBERS),
    ("altmin_activation", "The activation f of hidden layers.", Activation::<f64>::MEMBERS),
    ("altmin_loss", "The risk R(z; y) of the last layer, summed over the samples.", Loss::MEMBERS),
    (
        "altmin_solver",
        "How the subproblem of the last layer's z is solved where it has no closed form.",
        OutputSolver::MEMBERS,
    ),
    ("altmin_regularizer", "The regulariser Omega on the weights.", Regularizer::<f64>::MEMBERS),
    ("altmin_step", "How far a majorised step goes, or that it is exact.", StepRuleKind::MEMBERS),
];

/// The choices as enums of Rust, which cbindgen writes like all others.
fn enums() -> String {
    let mut text = String::new();
    for (name, about, members) in CHOICES {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "/// {about}\n#[repr(i32)]\npub enum {name} {{");
        for Member { name, code, about, .. } in members {
            let _ = writeln!(text, "    /// {about}\n    {} = {code},", camel(name));
        }
        text.push_str("}\n\n");
    }
    text
}

/// `LeakyRelu` for `leaky-relu`.
fn camel(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').map(word).collect()
}

/// Sources of the trainer's handle that the header is made from.
const SOURCES: [&str; 14] = [
    "version.rs",
    "codes.rs",
    "settings.rs",
    "observer.rs",
    "writing.rs",
    "info.rs",
    "handle.rs",
    "pool.rs",
    "trainer.rs",
    "trainer/data.rs",
    "trainer/weights.rs",
    "trainer/checkpoint.rs",
    "trainer/change.rs",
    "model.rs",
];

fn expand(target: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--locked", "--package", "altmin-level1", "--lib", "--target-dir"])
        .arg(target)
        .args(["--", "-Zunpretty=expanded"])
        .current_dir(root())
        // The stable compiler has it too, behind this door; what it prints is only read here.
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
