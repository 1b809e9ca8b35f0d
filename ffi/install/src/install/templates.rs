//! The files that lead pkg-config and CMake to the libraries; their paths are relative, so that the prefix may move.

use std::path::PathBuf;

use super::place::{LibraryFolder, Place};

/// The name that programs are linked to: with another one they have to be built anew.
pub(super) fn soname() -> String {
    format!("libaltmin.so.{}", compatible(env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")))
}

/// The shared library's file.
pub(super) const SHARED: &str = concat!("libaltmin.so.", env!("CARGO_PKG_VERSION"));

/// A file's place, from the folder of the libraries, and what it says but for its `@NAME@`s.
type Template = (&'static str, &'static str);

/// What leads to the library for devices.
const FOR_EMBEDDED: [Template; 1] =
    [("pkgconfig/altmin-embedded.pc", include_str!("../../templates/altmin-embedded.pc"))];

/// What leads to the whole library.
const FOR_WHOLE: [Template; 5] = [
    ("pkgconfig/altmin.pc", include_str!("../../templates/altmin.pc")),
    ("pkgconfig/altmin-static.pc", include_str!("../../templates/altmin-static.pc")),
    ("cmake/altmin/altmin-config.cmake", include_str!("../../templates/altmin-config.cmake")),
    ("cmake/altmin/altmin-config-version.cmake", include_str!("../../templates/altmin-config-version.cmake")),
    ("cmake/altmin/altmin-targets.cmake", include_str!("../../templates/altmin-targets.cmake")),
];

/// The files beside the library for devices.
pub(super) fn embedded(place: &Place, libdir: &LibraryFolder) -> Vec<(PathBuf, String)> {
    filled(place, &FOR_EMBEDDED, &values(libdir))
}

/// The files beside the whole library, of a target of such pointers.
pub(super) fn whole(
    place: &Place,
    libdir: &LibraryFolder,
    needs: &[String],
    bytes_of_pointers: usize,
) -> Vec<(PathBuf, String)> {
    let mut values = values(libdir);
    values.extend([
        ("COMPATIBLE", compatible(env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"))),
        ("BYTES_OF_POINTERS", bytes_of_pointers.to_string()),
        ("SHARED", SHARED.to_owned()),
        ("SONAME", soname()),
        ("SYSTEM_LIBRARIES", needs.join(" ")),
        ("SYSTEM_LIBRARIES_LIST", needs.join(";")),
    ]);
    filled(place, &FOR_WHOLE, &values)
}

/// What every file may say.
fn values(libdir: &LibraryFolder) -> Vec<(&'static str, String)> {
    vec![
        ("VERSION", env!("CARGO_PKG_VERSION").to_owned()),
        ("LIBDIR", libdir.text().to_owned()),
        ("PREFIX_FROM_LIBDIR", libdir.back()),
    ]
}

fn filled(
    place: &Place,
    templates: &[Template],
    values: &[(&'static str, String)],
) -> Vec<(PathBuf, String)> {
    templates.iter().map(|(path, template)| (place.library(path), fill(template, values))).collect()
}

/// What begins the versions that a program built for this one can ask for: the interface may change with the minor
/// version as long as the major one is 0, then with the major version alone.
fn compatible(major: &str, minor: &str) -> String {
    if major == "0" { format!("{major}.{minor}") } else { major.to_owned() }
}

fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}
