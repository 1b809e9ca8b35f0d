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
    /// Target for which the libraries are built, as rustc knows it: one with Linux, or any with --embedded
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Install libaltmin_embedded.a, level 1 for devices without an operating system, in place of the whole library
    #[arg(long)]
    embedded: bool,
    /// Folder with libaltmin_ffi.so and libaltmin_ffi.a, or libaltmin_embedded.a, already built; nothing is built then
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
    let place = Place::new(&options.prefix, &options.libdir)?;
    let target = options.target.as_deref();
    let texts = if options.embedded {
        let archive = match &options.libraries {
            Some(folder) => build::file_in(folder, build::EMBEDDED)?,
            None => build::embedded(&root, &options.profile, target)?,
        };
        install_headers(&root, &place)?;
        files::copy(&archive, &place.library(build::EMBEDDED), files::Kind::Text)?;
        templates::embedded(&place, &options.libdir)
    } else {
        if let Some(other) = target.filter(|target| !target.contains("-linux-")) {
            return Err(format!(
                "--target {other}: only Linux's names of shared libraries are known; --embedded is for others"
            ));
        }
        let libraries = match &options.libraries {
            Some(folder) => build::Libraries::in_folder(folder)?,
            None => build::libraries(&root, &options.profile, target)?,
        };
        let needs = build::system_libraries(target)?;
        let bytes_of_pointers = build::bytes_of_pointers(target)?;
        install_headers(&root, &place)?;
        install_libraries(&libraries, &place)?;
        templates::whole(&place, &options.libdir, &needs, bytes_of_pointers)
    };
    for (path, text) in texts {
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

/// All there are.
fn install_headers(root: &Path, place: &Place) -> Outcome {
    let include = root.join("include");
    let unread = |error: std::io::Error| format!("{}: {error}", include.display());
    let entries = std::fs::read_dir(&include).map_err(unread)?;
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unread)?;
    names.sort();
    names.iter().try_for_each(|name| {
        files::copy(&include.join(name), &place.header(&name.to_string_lossy()), files::Kind::Text)
    })
}

/// The shared library under its version, with the names that the loader (soname) and the linker look for.
fn install_libraries(libraries: &build::Libraries, place: &Place) -> Outcome {
    files::copy(&libraries.archive, &place.library("libaltmin.a"), files::Kind::Text)?;
    files::copy(&libraries.shared, &place.library(templates::SHARED), files::Kind::Program)?;
    let soname = templates::soname();
    files::link(templates::SHARED, &place.library(&soname))?;
    files::link(&soname, &place.library("libaltmin.so"))
}
