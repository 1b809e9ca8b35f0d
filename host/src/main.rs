//! The command line; all of it is in the library, so that tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    altmin::cli::main()
}
