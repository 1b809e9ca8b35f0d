//! A disk that fills up during a run: one clear line for what could not be written, and everything else is there.
//!
//! The disk is a small tmpfs in a mount namespace of its own, which ends with the test. Where the system permits no
//! such thing the tests say that they skip.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is left of a run on a small disk.
struct Left {
    code: i32,
    stdout: String,
    stderr: String,
    /// A copy of the disk.
    disk: PathBuf,
    _parent: tempfile::TempDir,
}

impl Left {
    fn errors(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| !line.starts_with("hint: ")).collect()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.disk.join(folder)).expect("the folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

/// `unshare` with the arguments that make a namespace in which this process may mount; `None` if there are none.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let folder = tempfile::tempdir().expect("temporary folder");
    let works = |way: &&&[&str]| {
        let mut command = Command::new("unshare");
        command.args(**way).args(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder.path());
        command.output().is_ok_and(|output| output.status.success())
    };
    let found = ways.iter().find(works).copied();
    if found.is_none() {
        println!("skipped: no disk can be mounted here");
    }
    found
}

/// Trains in a disk of so many kilobytes, where `prepare` (a shell command) ran before.
fn train(kilobytes: usize, prepare: &str, arguments: &str) -> Option<Left> {
    let way = namespace()?;
    let parent = tempfile::tempdir().expect("temporary folder");
    let (mounted, copy) = (parent.path().join("mounted"), parent.path().join("copy"));
    fs::create_dir(&mounted).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size={kilobytes}k tmpfs \"$1\" || exit 90\n\
         cd \"$1\" && {{ {prepare}; }} || exit 91\n\
         \"$2\" train {arguments}\n\
         code=$?; cp -a \"$1\" \"$3\" || exit 92; exit $code"
    );
    let program = Path::new(env!("CARGO_BIN_EXE_altmin"));
    let output = Command::new("unshare")
        .args(way)
        .args(["sh", "-c", &script, "sh"])
        .args([&mounted, program, &copy])
        .output()
        .expect("unshare starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let code = output.status.code().expect("an exit code");
    let left =
        Left { code, stdout: text(output.stdout), stderr: text(output.stderr), disk: copy, _parent: parent };
    assert!(left.code < 90, "the disk could not be prepared: {}", left.stderr);
    Some(left)
}

#[test]
fn a_model_that_finds_no_room_is_one_line_and_the_summary_is_still_there() {
    // 84 kB of weights do not go into 64 kB; settings, metrics and curves do.
    let Some(left) = train(64, "true", "--method pdadmm --hidden 100,100 --sweeps 3 --json --out run") else {
        return;
    };
    assert_eq!(left.code, 1, "{}", left.stderr);
    let [line] = &left.errors()[..] else { panic!("{}", left.stderr) };
    assert!(line.starts_with("error: cannot write `run/model.safetensors`: "), "{line}");
    let lines: Vec<serde_json::Value> =
        left.stdout.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[3]["kind"], &lines[3]["sweeps"]), (&"summary".into(), &3.into()));
    // Nothing half-written stays.
    assert_eq!(left.names("run"), ["config.toml", "curves.svg", "metrics.csv"]);
}

#[test]
fn metrics_that_find_no_room_do_not_end_the_run() {
    // Every page that config.toml leaves is taken while nothing of metrics.csv is written yet.
    let fill = "mkdir old; echo precious > old/model.safetensors; head -c 24576 /dev/zero > fill";
    let Some(left) = train(32, fill, "--hidden 10 --sweeps 3 --out run") else { return };
    assert_eq!(left.code, 1, "{}", left.stderr);
    // Each file is tried and said once: what cannot be written does not keep the rest from being written.
    assert_eq!(left.errors().len(), 3, "{}", left.stderr);
    for (line, file) in left.errors().iter().zip(["metrics.csv", "model.safetensors", "curves.svg"]) {
        assert!(line.starts_with("error: cannot write ") && line.contains(&format!("run/{file}")), "{line}");
    }
    assert!(left.stdout.contains("test accuracy"), "{}", left.stdout);
    assert_eq!(fs::read_to_string(left.disk.join("old/model.safetensors")).expect("old"), "precious\n");
}

#[test]
fn settings_that_find_no_room_are_one_line_before_any_sweep() {
    // Full but for nothing: `head` ends with an error, as it should.
    let fill = "mkdir old; echo precious > old/model.safetensors; head -c 65536 /dev/zero > fill 2>/dev/null || true";
    let Some(left) = train(32, fill, "--json --out run") else { return };
    assert_eq!((left.code, left.stdout.as_str()), (1, ""), "{}", left.stderr);
    let [line] = &left.errors()[..] else { panic!("{}", left.stderr) };
    assert!(line.starts_with("error: cannot write `run/config.toml`: "), "{line}");
    assert_eq!(left.names(""), ["fill", "old"]);
    assert_eq!(fs::read_to_string(left.disk.join("old/model.safetensors")).expect("old"), "precious\n");
}
