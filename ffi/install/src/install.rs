//! What is done, in order.

mod build;
mod files;
mod place;
mod templates;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::place::{LibraryFolder, Place};
use clap::Parser;

/// What goes wrong is told, not handled.
type Outcome<T = ()> = Result<T, String>;

/// Install altmin's libraries, headers, and the files for pkg-config and CMake
///
/// The installed tree can be moved as a whole. DESTDIR, if set, is prepended to every path.
///
/// Exit codes: 0 success, 1 failure, 2 usage error.
#[derive(Debug, Parser)]
#[command(name = "altmin-install", version, max_term_width = 110)]
struct Options {
    /// Install headers into DIR/include and the rest into the library folder
    #[arg(long, value_name = "DIR")]
    prefix: PathBuf,
    /// Library folder, inside the prefix
    #[arg(long, value_name = "DIR", default_value = "lib")]
    libdir: LibraryFolder,
    /// Cargo profile in which the libraries are built
    #[arg(long, default_value = "release")]
    profile: String,
    /// Folder with libaltmin_ffi.so and libaltmin_ffi.a already built; nothing is built then
    #[arg(long, value_name = "DIR", conflicts_with = "profile")]
    libraries: Option<PathBuf>,
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    // Wrong use ends here, with exit code 2.
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome {
    let root = root()?;
    let libraries = match &options.libraries {
        Some(folder) => build::Libraries::in_folder(folder)?,
        None => build::libraries(&root, &options.profile)?,
    };
    let needs = build::system_libraries()?;
    let place = Place::new(&options.prefix, &options.libdir)?;
    install_headers(&root, &place)?;
    install_libraries(&libraries, &place)?;
    for (path, text) in templates::filled(&place, &options.libdir, &needs) {
        files::write(&path, text.as_bytes())?;
    }
    println!("altmin {} is in {}", env!("CARGO_PKG_VERSION"), place.prefix().display());
    Ok(())
}

/// The workspace's folder.
fn root() -> Outcome<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(Path::to_path_buf).ok_or_else(|| "altmin's sources have moved".into())
}

fn install_headers(root: &Path, place: &Place) -> Outcome {
    let include = root.join("include");
    files::copy(&include.join("altmin.h"), &place.header("altmin.h"), files::Kind::Text)?;
    let wrapper = include.join("altmin.hpp");
    if wrapper.is_file() {
        files::copy(&wrapper, &place.header("altmin.hpp"), files::Kind::Text)?;
    }
    Ok(())
}

/// The shared library under its version, with the names that the loader (soname) and the linker look for.
fn install_libraries(libraries: &build::Libraries, place: &Place) -> Outcome {
    files::copy(&libraries.archive, &place.library("libaltmin.a"), files::Kind::Text)?;
    files::copy(&libraries.shared, &place.library(templates::SHARED), files::Kind::Program)?;
    let soname = templates::soname();
    files::link(templates::SHARED, &place.library(&soname))?;
    files::link(&soname, &place.library("libaltmin.so"))
}
