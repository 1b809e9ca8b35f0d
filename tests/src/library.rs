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

/// The shared library.
pub fn shared() -> PathBuf {
    built("libaltmin_ffi.so")
}

/// The static library.
pub fn archive() -> PathBuf {
    built("libaltmin_ffi.a")
}
