//! The libraries that C programs are linked with.

use std::path::PathBuf;

/// Where `cargo test` puts what it builds for these tests: beside this program.
pub fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    program.parent().expect("a program lies in a folder").to_path_buf()
}

fn built(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(path.is_file(), "{} is not there, though these tests depend on it", path.display());
    path
}

/// The name by which programs ask for the shared library: of the versions that are compatible, with the same major one, and
/// with the same minor one while that is 0.
pub fn soname() -> String {
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    if major == "0" { format!("libaltmin.so.0.{minor}") } else { format!("libaltmin.so.{major}") }
}

/// The shared library.
pub fn shared() -> PathBuf {
    built("libaltmin_ffi.so")
}

/// The static library.
pub fn archive() -> PathBuf {
    built("libaltmin_ffi.a")
}
