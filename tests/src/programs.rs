//! The C and C++ programs that must compile without a warning, link with either library, and succeed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{header, library, tools};

/// Folders of programs: a source is a program, and a folder of sources is one of several units, with a file [`FLAGS`] of what
/// the linker is to be told.
const FOLDERS: [&str; 2] = ["ffi/examples", "tests/programs"];
const FLAGS: &str = "flags";
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];
/// What the static library needs of the system, and what programs with threads do.
const SYSTEM: [&str; 3] = ["-pthread", "-ldl", "-lm"];

/// A program and what it is made from.
#[derive(Debug)]
pub struct Program {
    /// The name of its source or folder.
    pub name: String,
    sources: Vec<PathBuf>,
    flags: Vec<String>,
}

/// How a program finds the functions.
#[derive(Debug, Clone, Copy)]
pub enum Linked {
    /// `libaltmin.so`
    Shared,
    /// `libaltmin.a`
    Static,
}

/// Both ways to link.
pub const LINKED: [Linked; 2] = [Linked::Shared, Linked::Static];

/// A C and a C++ compiler that belong together, with flags beside those that forbid warnings.
#[derive(Debug, Clone, Copy)]
pub struct Compiler {
    /// The C compiler.
    pub c: &'static str,
    /// The C++ compiler, which also links what has a unit in C++.
    pub cpp: &'static str,
    /// Flags for compiling and linking.
    pub flags: &'static [&'static str],
}

/// Every program, by name.
pub fn all() -> Vec<Program> {
    let entries = FOLDERS.iter().flat_map(|folder| entries(&header::root().join(folder)));
    let mut programs: Vec<Program> = entries.filter_map(program).collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    read.map(|entry| entry.expect("an entry of the folder").path()).collect()
}

fn program(path: PathBuf) -> Option<Program> {
    let name = path.file_name()?.to_str()?.to_owned();
    let flags = std::fs::read_to_string(path.join(FLAGS)).unwrap_or_default();
    let flags = flags.split_whitespace().map(str::to_owned).collect();
    let mut sources = if path.is_dir() { entries(&path) } else { vec![path] };
    sources.retain(|source| is_c(source) || is_cpp(source));
    sources.sort();
    (!sources.is_empty()).then_some(Program { name, sources, flags })
}

fn is_c(source: &Path) -> bool {
    source.extension() == Some(OsStr::new("c"))
}

fn is_cpp(source: &Path) -> bool {
    source.extension() == Some(OsStr::new("cpp"))
}

/// A folder with the libraries under the names that the linker and the loader look for.
#[derive(Debug)]
pub struct Libraries(PathBuf);

impl Libraries {
    /// Makes the folder inside another one.
    pub fn new(inside: &Path) -> Self {
        let folder = inside.join("lib");
        std::fs::create_dir_all(&folder).expect("a folder for the libraries");
        let soname = library::soname();
        for (name, file) in [
            ("libaltmin.so", library::shared()),
            (&soname[..], library::shared()),
            ("libaltmin.a", library::archive()),
        ] {
            std::os::unix::fs::symlink(file, folder.join(name)).expect("a link to the library");
        }
        Self(folder)
    }

    fn arguments(&self, linked: Linked) -> Vec<String> {
        let folder = self.0.display();
        match linked {
            Linked::Shared => vec![format!("-L{folder}"), "-laltmin".into(), format!("-Wl,-rpath,{folder}")],
            Linked::Static => vec![format!("{folder}/libaltmin.a")],
        }
    }
}

/// The program of this name.
pub fn named(name: &str) -> Program {
    all().into_iter().find(|program| program.name == name).expect("a program of this name")
}

/// Compiles a program's units into a folder.
pub fn compile(program: &Program, compiler: Compiler, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unit = |source: &PathBuf| {
        let name = source.file_name().and_then(OsStr::to_str).expect("a source's name");
        let object = folder.join(format!("{}.{name}.o", program.name));
        let (compiler_of_it, standard) =
            if is_cpp(source) { (compiler.cpp, "-std=c++17") } else { (compiler.c, "-std=c11") };
        let mut command = Command::new(compiler_of_it);
        command.arg(standard).args(WARNINGS).args(["-O2", "-g", "-pthread"]).args(compiler.flags);
        command.arg("-I").arg(header::root().join("include")).arg("-c").arg(source).arg("-o").arg(&object);
        tools::run(&mut command).map(|_| object)
    };
    program.sources.iter().map(unit).collect()
}

/// Links a program's units; returns the program.
pub fn link(
    program: &Program,
    compiler: Compiler,
    objects: &[PathBuf],
    linked: Linked,
    libraries: &Libraries,
    folder: &Path,
) -> Result<PathBuf, String> {
    let to = folder.join(format!("{}.{linked:?}", program.name));
    let linker = if program.sources.iter().any(|source| is_cpp(source)) { compiler.cpp } else { compiler.c };
    let mut command = Command::new(linker);
    command
        .args(compiler.flags)
        .args(&program.flags)
        .args(objects)
        .args(libraries.arguments(linked))
        .args(SYSTEM);
    tools::run(command.arg("-o").arg(&to)).map(|_| to)
}
