//! The files that lead pkg-config and CMake to the libraries; their paths are relative, so that the prefix may move.

use std::path::PathBuf;

use super::place::{LibraryFolder, Place};

/// The name that programs are linked to: with another one they have to be built anew.
pub(super) fn soname() -> String {
    format!("libaltmin.so.{}", compatible(env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")))
}

/// The shared library's file.
pub(super) const SHARED: &str = concat!("libaltmin.so.", env!("CARGO_PKG_VERSION"));

/// Where each goes, from the folder of the libraries, and what it says but for its `@NAME@`s.
const TEMPLATES: [(&str, &str); 5] = [
    ("pkgconfig/altmin.pc", include_str!("../../templates/altmin.pc")),
    ("pkgconfig/altmin-static.pc", include_str!("../../templates/altmin-static.pc")),
    ("cmake/altmin/altmin-config.cmake", include_str!("../../templates/altmin-config.cmake")),
    ("cmake/altmin/altmin-config-version.cmake", include_str!("../../templates/altmin-config-version.cmake")),
    ("cmake/altmin/altmin-targets.cmake", include_str!("../../templates/altmin-targets.cmake")),
];

/// Every file with its text.
pub(super) fn filled(place: &Place, libdir: &LibraryFolder, needs: &[String]) -> Vec<(PathBuf, String)> {
    let values = [
        ("VERSION", env!("CARGO_PKG_VERSION").to_owned()),
        ("COMPATIBLE", compatible(env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"))),
        ("BYTES_OF_POINTERS", size_of::<usize>().to_string()),
        ("LIBDIR", libdir.text().to_owned()),
        ("PREFIX_FROM_LIBDIR", libdir.back()),
        ("SHARED", SHARED.to_owned()),
        ("SONAME", soname()),
        ("SYSTEM_LIBRARIES", needs.join(" ")),
        ("SYSTEM_LIBRARIES_LIST", needs.join(";")),
    ];
    TEMPLATES.map(|(path, template)| (place.library(path), fill(template, &values))).into()
}

/// What begins the versions that a program built for this one can ask for: the interface may change with the minor
/// version as long as the major one is 0, then with the major version alone.
fn compatible(major: &str, minor: &str) -> String {
    if major == "0" { format!("{major}.{minor}") } else { major.to_owned() }
}

fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}
