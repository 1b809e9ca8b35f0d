//! Installs libraries, headers, and what pkg-config and CMake need to find them.
//!
//! Exit codes: 0 success, 1 failure, 2 usage error.

#[cfg(target_os = "linux")]
mod install;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    install::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("error: only Linux's names of shared libraries are known here");
    std::process::ExitCode::FAILURE
}
