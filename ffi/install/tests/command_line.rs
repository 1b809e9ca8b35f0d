//! How the command ends where it is wrongly used, and where the world fails it.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};

fn install(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin-install"));
    command.args(arguments).current_dir(folder).env_remove("DESTDIR").output().expect("the program starts")
}

/// Runs it in an empty folder, which must stay empty; returns what it says on stderr.
fn refused(arguments: &[&str], code: i32) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = install(arguments, folder.path());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    let mut left = std::fs::read_dir(folder.path()).expect("the folder is read");
    assert!(left.next().is_none(), "{arguments:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn wrong_use_is_2() {
    assert!(refused(&[], 2).contains("--prefix"));
    assert!(refused(&["--prefix", "to", "--speed"], 2).contains("--speed"));
    for libdir in ["/usr/lib", "../lib", "lib/../..", ""] {
        assert!(
            refused(&["--prefix", "to", "--libdir", libdir], 2).contains("inside the prefix"),
            "{libdir}"
        );
    }
    let both = ["--prefix", "to", "--profile", "dev", "--libraries", "."];
    assert!(refused(&both, 2).contains("--libraries"));
}

#[test]
fn failure_is_1_and_names_the_file() {
    let text = refused(&["--prefix", "to", "--libraries", "nowhere"], 1);
    assert!(text.starts_with("error: ") && text.contains("nowhere/libaltmin_ffi.so"), "{text}");
}

#[test]
fn the_whole_library_is_for_linux() {
    let text = refused(&["--prefix", "to", "--target", "thumbv7em-none-eabihf"], 1);
    assert!(text.contains("thumbv7em-none-eabihf") && text.contains("--embedded"), "{text}");
    let text = refused(&["--prefix", "to", "--embedded", "--libraries", "nowhere"], 1);
    assert!(text.contains("nowhere/libaltmin_embedded.a"), "{text}");
}

/// With a compiler in whose place a script notes what cargo is asked for: to build takes minutes.
#[test]
fn the_library_for_devices_is_built_for_its_target_and_found_by_pkg_config() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (cargo, noted) = (folder.path().join("cargo"), folder.path().join("noted"));
    let library = folder.path().join("built.a");
    std::fs::write(&library, "library").expect("a file");
    let message = format!(
        r#"{{"reason":"compiler-artifact","target":{{"name":"altmin_embedded"}},"filenames":["{}"]}}"#,
        library.display()
    );
    let script = format!("#!/bin/sh\necho \"$@\" > {}\necho '{message}'\n", noted.display());
    std::fs::write(&cargo, script).expect("a script");
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("a script that runs");
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin-install"));
    command.args(["--prefix", "to", "--embedded", "--target", "thumbv7em-none-eabihf"]);
    command.env("CARGO", &cargo).env_remove("DESTDIR").current_dir(folder.path());
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let noted = std::fs::read_to_string(noted).expect("what cargo was asked for");
    let asked =
        "--manifest-path ffi/embedded/Cargo.toml --lib --profile release --target=thumbv7em-none-eabihf";
    assert!(noted.contains(asked), "{noted}");
    let to = folder.path().join("to");
    let read = |path: &str| std::fs::read_to_string(to.join(path)).expect(path);
    assert_eq!(read("lib/libaltmin_embedded.a"), "library");
    assert!(read("include/altmin_embedded.h").contains("altmin_embedded_on_panic"));
    let found = read("lib/pkgconfig/altmin-embedded.pc");
    assert!(found.contains("${libdir}/libaltmin_embedded.a") && !found.contains('@'), "{found}");
    assert!(!to.join("lib/libaltmin.a").exists() && !to.join("lib/cmake").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in ["libaltmin_ffi.so", "libaltmin_ffi.a", "taken"] {
        std::fs::write(folder.path().join(file), "").expect("a file");
    }
    let output = install(&["--prefix", "taken", "--libraries", "."], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(text.starts_with("error: ") && text.contains("taken/include/altmin.h"), "{text}");
}
