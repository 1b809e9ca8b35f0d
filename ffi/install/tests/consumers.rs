//! Projects of other people find what is installed, after it has been moved, by CMake and by pkg-config, and run.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use altmin_tests::{library, tools};
use tempfile::TempDir;

/// What the consumer's program prints, by hand.
const EXPECTED: &str = "11 3 25 7\n";
const PROGRAMS: [&str; 2] = ["shared", "static"];

/// Installs what the tests are built with into `prefix`.
fn install(prefix: &Path, libdir: &str, destdir: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin-install"));
    command.arg("--prefix").arg(prefix).args(["--libdir", libdir]).arg("--libraries").arg(library::folder());
    tools::done(command.env("DESTDIR", destdir));
}

/// A prefix that has been moved since it was installed, in a temporary folder with a copy of the consumer.
struct Scene {
    folder: TempDir,
    prefix: PathBuf,
}

impl Scene {
    fn new(libdir: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (first, prefix) = (folder.path().join("first"), folder.path().join("moved/away from there"));
        install(&first, libdir, "");
        std::fs::create_dir(folder.path().join("moved")).expect("a folder");
        std::fs::rename(first, &prefix).expect("the prefix moves");
        let scene = Self { folder, prefix };
        for file in ["CMakeLists.txt", "Makefile", "main.c"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumer").join(file);
            std::fs::copy(from, scene.path(file)).expect("a copy");
        }
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, build: &str, wanted: &str) -> Result<String, String> {
        let mut cmake = Command::new("cmake");
        cmake.arg("-S").arg(self.folder.path()).arg("-B").arg(self.path(build));
        cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", self.prefix.display())).arg(format!("-DWANTED={wanted}"));
        tools::run(&mut cmake)
    }
}

/// Both programs in a folder run, and only the one with the shared library asks the loader for it.
fn programs_run(folder: &Path) {
    for name in PROGRAMS {
        let program = folder.join(name);
        let needed = tools::done(Command::new("readelf").arg("-d").arg(&program));
        let soname = format!("[{}]", library::soname());
        assert_eq!(needed.contains(&soname), name == "shared", "{name}: {needed}");
        assert_eq!(tools::done(&mut Command::new(program)), EXPECTED, "{name}");
    }
}

#[test]
fn by_cmake() {
    if !tools::there("cmake", "a project that finds altmin by CMake") {
        return;
    }
    let scene = Scene::new("lib");
    scene.configure("build", "0.2").expect("the project is configured");
    tools::done(Command::new("cmake").arg("--build").arg(scene.path("build")));
    programs_run(&scene.path("build"));
    // The same prefix, asked for versions that it does not serve: too new by far, by a minor and a patch; too old.
    for wanted in ["99", "0.3", "0.2.99", "0.1"] {
        let refused = scene.configure("build", wanted).expect_err("the version is refused");
        // CMake breaks its lines.
        let words = refused.split_whitespace().collect::<Vec<_>>().join(" ");
        let refusal = format!("compatible with requested version \"{wanted}\"");
        assert!(words.contains(&refusal), "{wanted}: {refused}");
    }
    scene.configure("build", env!("CARGO_PKG_VERSION")).expect("its own version is served");
}

#[test]
fn by_the_sources_as_a_part_of_the_project() {
    if !tools::there("cmake", "a project that altmin's sources are a part of") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["fetching/CMakeLists.txt", "consumer/main.c"] {
        let name = Path::new(file).file_name().expect("a file");
        std::fs::copy(here.join("tests").join(file), folder.path().join(name)).expect("a copy");
    }
    let build = folder.path().join("build");
    let root = here.ancestors().nth(2).expect("the sources");
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(folder.path()).arg("-B").arg(&build);
    cmake.arg(format!("-DALTMIN_SOURCES={}", root.display()));
    // The libraries that these tests are built with: building them once more would take minutes.
    cmake.arg(format!("-DALTMIN_LIBRARIES={}", library::folder().display()));
    tools::done(&mut cmake);
    tools::done(Command::new("cmake").arg("--build").arg(&build));
    programs_run(&build);
}

#[test]
fn by_pkg_config() {
    if !["make", "pkg-config"].iter().all(|tool| tools::there(tool, "a Makefile that finds altmin")) {
        return;
    }
    let scene = Scene::new("lib/two/deep");
    let path = scene.prefix.join("lib/two/deep/pkgconfig");
    let with = |program: &str| {
        let mut command = Command::new(program);
        command.env("PKG_CONFIG_PATH", &path).current_dir(scene.folder.path());
        command
    };
    tools::done(&mut with("make"));
    programs_run(scene.folder.path());
    assert_eq!(
        tools::done(with("pkg-config").args(["--modversion", "altmin"])).trim(),
        env!("CARGO_PKG_VERSION")
    );
    let private = tools::done(with("pkg-config").args(["--static", "--libs", "altmin"]));
    assert!(private.contains("-laltmin ") && private.contains("-lm"), "{private}");
    for too_new in ["altmin >= 99", "altmin-static >= 99"] {
        tools::run(with("pkg-config").args(["--exists", too_new])).expect_err("the version is refused");
    }
}

#[test]
fn the_files_are_those_of_a_library() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Twice, as over an older version; the second time what is there is replaced.
    for _ in 0..2 {
        install(Path::new("/opt/altmin"), "lib64", folder.path().to_str().expect("a path in UTF-8"));
    }
    let prefix = folder.path().join("opt/altmin");
    let version = env!("CARGO_PKG_VERSION");
    let shared = format!("libaltmin.so.{version}");
    let soname = &library::soname()[..];
    let mut expected: Vec<String> =
        ["altmin.pc", "altmin-static.pc"].map(|name| format!("lib64/pkgconfig/{name}")).into();
    expected.extend(
        ["-config", "-config-version", "-targets"]
            .map(|part| format!("lib64/cmake/altmin/altmin{part}.cmake")),
    );
    expected.extend(["libaltmin.a", "libaltmin.so", soname, &shared].map(|name| format!("lib64/{name}")));
    let headers = ["altmin.h", "altmin.hpp", "altmin_dlam.h", "altmin_embedded.h"];
    expected.extend(headers.map(|name| format!("include/{name}")));
    expected.sort();
    assert_eq!(files(&prefix), expected);

    let links = [("libaltmin.so", soname), (soname, shared.as_str())];
    for (name, target) in links {
        let found = std::fs::read_link(prefix.join("lib64").join(name)).expect("a link");
        assert_eq!(found, Path::new(target));
    }
    let same = |installed: &str, built: &Path| {
        std::fs::read(prefix.join(installed)).expect("a file") == std::fs::read(built).expect("a file")
    };
    assert!(same("lib64/libaltmin.so", &library::shared()) && same("lib64/libaltmin.a", &library::archive()));
    for name in headers {
        assert!(same(&format!("include/{name}"), &altmin_tests::header::include().join(name)));
    }
    for file in files(&prefix) {
        let text = std::fs::read(prefix.join(&file)).expect("a file");
        let template = file.ends_with(".pc") || file.ends_with(".cmake");
        assert!(!template || !text.contains(&b'@'), "{file} has a value that was not filled in");
    }
}

/// Paths of all files below a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let inside = path.strip_prefix(folder).expect("a path inside");
                found.push(inside.to_str().expect("a path in UTF-8").to_owned());
            }
        }
    }
    found.sort();
    found
}
