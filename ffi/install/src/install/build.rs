//! The libraries as cargo builds them, and what they need of the system.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::Outcome;

/// Where the libraries are.
#[derive(Debug)]
pub(super) struct Libraries {
    pub(super) shared: PathBuf,
    pub(super) archive: PathBuf,
}

/// The library for devices.
pub(super) const EMBEDDED: &str = "libaltmin_embedded.a";

/// A file that a folder must have.
pub(super) fn file_in(folder: &Path, name: &str) -> Outcome<PathBuf> {
    let path = folder.join(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} is not there", path.display())) }
}

impl Libraries {
    /// Those that a folder has.
    pub(super) fn in_folder(folder: &Path) -> Outcome<Self> {
        Ok(Self {
            shared: file_in(folder, "libaltmin_ffi.so")?,
            archive: file_in(folder, "libaltmin_ffi.a")?,
        })
    }

    /// Those of a list of files.
    fn among(files: &[PathBuf]) -> Outcome<Self> {
        let find = |extension: &str| {
            let found = files.iter().find(|file| file.extension().is_some_and(|found| found == extension));
            found.cloned().ok_or_else(|| format!("cargo built no .{extension}"))
        };
        Ok(Self { shared: find("so")?, archive: find("a")? })
    }
}

/// Builds the libraries, unless they are there and fresh.
pub(super) fn libraries(root: &Path, profile: &str, target: Option<&str>) -> Outcome<Libraries> {
    Libraries::among(&built(root, &["--package", "altmin-ffi"], "altmin_ffi", profile, target)?)
}

/// Builds the library for devices, unless it is there and fresh.
pub(super) fn embedded(root: &Path, profile: &str, target: Option<&str>) -> Outcome<PathBuf> {
    let package = ["--manifest-path", "ffi/embedded/Cargo.toml"];
    let files = built(root, &package, "altmin_embedded", profile, target)?;
    files.into_iter().next().ok_or_else(|| "cargo built no library".into())
}

/// The files of a library as cargo builds it.
fn built(
    root: &Path,
    package: &[&str],
    name: &str,
    profile: &str,
    target: Option<&str>,
) -> Outcome<Vec<PathBuf>> {
    let mut cargo = Command::new(program("CARGO", "cargo"));
    cargo.args(["build", "--locked"]).args(package).args(["--lib", "--profile", profile]);
    cargo.args(target.map(|target| format!("--target={target}")));
    cargo.arg("--message-format=json-render-diagnostics").current_dir(root).stderr(Stdio::inherit());
    let output = finished(&mut cargo)?;
    let messages = String::from_utf8_lossy(&output.stdout);
    Ok(messages.lines().flat_map(|message| files_of(message, name)).collect())
}

/// The files that one of cargo's messages tells of, if it is about the library.
fn files_of(message: &str, name: &str) -> Vec<PathBuf> {
    let message: Value = serde_json::from_str(message).unwrap_or_default();
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    let names = message["filenames"].as_array().filter(|_| ours);
    names.into_iter().flatten().filter_map(Value::as_str).map(PathBuf::from).collect()
}

/// The system's libraries that a program needs beside the static one, as the linker's flags (`-lm`).
///
/// They are the standard library's own, for no crate here brings another: those of an empty program.
pub(super) fn system_libraries(target: Option<&str>) -> Outcome<Vec<String>> {
    let folder = std::env::temp_dir().join(format!("altmin-install-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let list = folder.join("list");
    let mut print = OsString::from("native-static-libs=");
    print.push(&list);
    let mut rustc = Command::new(program("RUSTC", "rustc"));
    rustc.args(["--crate-name", "empty", "--crate-type", "staticlib", "--print"]).arg(print);
    rustc.args(target.map(|target| format!("--target={target}")));
    rustc.arg("-o").arg(folder.join("libempty.a")).arg("-").stdin(Stdio::null());
    let text = finished(&mut rustc)
        .and_then(|_| std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display())));
    // A folder for temporary files is not worth a failure.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(text?.split_whitespace().map(str::to_owned).collect())
}

/// Bytes of a pointer of the target, or of this machine.
pub(super) fn bytes_of_pointers(target: Option<&str>) -> Outcome<usize> {
    let mut rustc = Command::new(program("RUSTC", "rustc"));
    rustc.args(["--print", "cfg"]).args(target.map(|target| format!("--target={target}")));
    let output = finished(&mut rustc)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let width = text.lines().find_map(|line| line.strip_prefix("target_pointer_width=\"")?.strip_suffix('"'));
    let bits: Option<usize> = width.and_then(|width| width.parse().ok());
    bits.map(|bits| bits / 8).ok_or_else(|| "rustc does not tell how wide pointers are".into())
}

/// Cargo says to the programs that it runs which ones are meant.
fn program(variable: &str, name: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| name.into())
}

fn finished(command: &mut Command) -> Outcome<Output> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{name} failed: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
