//! `altmin export` to arrays of NumPy, as NumPy reads them.
//!
//! `ALTMIN_PYTHON` names a Python that has NumPy, by default `python3`; without one the test says that it skips.

use safetensors::{Dtype, SafeTensors};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// A short run in this folder.
fn run(folder: &Path, options: &[&str]) -> PathBuf {
    let out = folder.join("run");
    let common = ["train", "--quiet", "--sweeps", "1", "--out", text(&out)];
    let output = altmin(&[&common[..], options].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// The Python that reads arrays, if there is one.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("ALTMIN_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let imports = Command::new(&python).args(["-c", "import numpy"]).output();
    if imports.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("skipped: no NumPy for {}; ALTMIN_PYTHON names a Python that has it", python.display());
    None
}

#[test]
fn numpy_reads_every_tensor_under_its_name() {
    let Some(python) = python() else { return };
    for (precision, letter) in [("f32", "<f4"), ("f64", "<f8")] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let run = run(folder.path(), &["--method", "local", "--hidden", "7,6", "--precision", precision]);
        let out = folder.path().join("model.npz");
        let output = altmin(&["export", "--model", text(&run), "-o", text(&out)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let script = "import numpy, sys\n\
                      for name, a in sorted(numpy.load(sys.argv[1]).items()):\n    \
                          print(name, a.dtype.str, list(a.shape), a.tobytes().hex(), sep='|')";
        let found = Command::new(&python).args(["-c", script, text(&out)]).output().expect("Python starts");
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let bytes = fs::read(run.join("model.safetensors")).expect("a model");
        let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
        let mut expected: Vec<_> = tensors
            .iter()
            .map(|(name, tensor)| {
                assert_eq!(tensor.dtype(), if precision == "f32" { Dtype::F32 } else { Dtype::F64 });
                let hex: String = tensor.data().iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{name}|{letter}|{:?}|{hex}", tensor.shape())
            })
            .collect();
        expected.sort();
        assert!(expected.iter().any(|line| line.starts_with("readouts.0.weight|")));
        let found = String::from_utf8(found.stdout).expect("text");
        assert!(found.lines().eq(expected.iter().map(String::as_str)), "{found}");
    }
}

#[test]
fn fewer_layers_have_fewer_arrays_and_other_names_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = run(folder.path(), &["--method", "local", "--hidden", "7,6"]);
    let count = |options: &[&str]| {
        let out = folder.path().join("model.npz");
        let output = altmin(&[&["export", "--model", text(&run), "--out", text(&out)], options].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bytes = fs::read(&out).expect("arrays");
        zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive").len()
    };
    // Three layers and two read-outs; one layer whose read-out is the last.
    assert_eq!((count(&[]), count(&["--depth", "1"])), (10, 4));
    let output = altmin(&["export", "--model", text(&run), "--out", "model.bin"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("ends in .onnx or .npz"), "{stderr}");
}
