//! `include/altmin.h` and `include/altmin_dlam.h`, made from the sources of the C interface.

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

/// The folder of headers.
pub fn include() -> PathBuf {
    root().join("include")
}

/// The headers that are made, the one that includes the others first.
pub const MADE: [&str; 2] = ["altmin.h", DLAM];

/// What only DLAM needs.
const DLAM: &str = "altmin_dlam.h";

/// How the names of DLAM's own functions begin.
const OF_DLAM: [&str; 2] = ["altmin_interval_", "altmin_extrapolation_"];

/// The committed headers that are made, without their comments.
pub fn code() -> String {
    let read = |name| std::fs::read_to_string(include().join(name)).expect(name);
    let text: String = MADE.map(read).concat();
    text.split("*/").filter_map(|part| part.split("/*").next()).collect()
}

/// Names of the functions that the committed headers declare: `altmin_` names before an opening parenthesis.
pub fn functions() -> BTreeSet<String> {
    let code = code();
    let before = code.split('(').map(|text| text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next());
    before.flatten().filter(|name| name.starts_with("altmin_")).map(str::to_owned).collect()
}

/// The headers' texts, made anew, in the order of [`MADE`].
pub fn generate() -> [String; 2] {
    let text = in_one();
    // Items are a comment and a declaration, with empty lines between them alone.
    let items: Vec<&str> = text.split("\n\n").collect();
    let declares =
        |item: &str| OF_DLAM.iter().any(|start| item.contains(&format!("\naltmin_status {start}")));
    let (functions, others): (Vec<&str>, Vec<&str>) = items.into_iter().partition(|item| declares(item));
    // So are structs that no other function knows.
    let mentions = |item: &str, name: &str| item.contains(&format!("struct {name} "));
    let is_dlams = |item: &&str| {
        let Some((_, after)) = item.split_once("\ntypedef struct ") else { return false };
        let name = after.split_whitespace().next().unwrap_or_default();
        let knows = |list: &[&str]| list.iter().any(|&other| other != *item && mentions(other, name));
        knows(&functions) && !knows(&others)
    };
    let (structs, rest): (Vec<&str>, Vec<&str>) = others.iter().copied().partition(is_dlams);
    let rest = rest.join("\n\n");
    let (before, end) = rest.rsplit_once("#endif  /* ALTMIN_H */").expect("the guard's end");
    let own = structs.into_iter().chain(functions).collect::<Vec<_>>().join("\n\n");
    [
        format!("{before}#include \"{DLAM}\"\n\n#endif  /* ALTMIN_H */{end}"),
        DLAM_FRAME.replace("@ITEMS@", &own),
    ]
}

/// altmin.h includes it at its end, and it may be included by itself.
const DLAM_FRAME: &str = "\
/*
 * What a sweep of DLAM needs beside altmin.h, which includes this header: z and a that hold each other within intervals, and
 * extrapolation. The conventions are those of altmin.h.
 */

#ifndef ALTMIN_DLAM_H
#define ALTMIN_DLAM_H

/* Made from the Rust sources by `cargo run -p altmin-tests --bin header`; edits here are lost. */

#include \"altmin.h\"

#ifdef __cplusplus
extern \"C\" {
#endif  // __cplusplus

@ITEMS@

#ifdef __cplusplus
}  // extern \"C\"
#endif  // __cplusplus

#endif  /* ALTMIN_DLAM_H */
";

/// All of it as one header.
///
/// Level 1 is written once for both precisions, by macros that cbindgen does not read: the compiler writes them out first.
fn in_one() -> String {
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
const SOURCES: [&str; 15] = [
    "version.rs",
    "codes.rs",
    "settings.rs",
    "observer.rs",
    "writing.rs",
    "info.rs",
    "handle.rs",
    "products.rs",
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
