//! Sweeps simulated on more workers than there are, as `altmin bench scaling` shows them.

use std::process::{Command, Output};

use serde_json::Value;

fn scaling(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.args(["bench", "scaling"]).args(arguments).output().expect("the program starts")
}

#[test]
fn no_number_of_workers_goes_below_the_longest_chain_or_an_equal_share() {
    for method in ["pdadmm", "dladmm", "taylor", "proxprop"] {
        let output = scaling(&[
            "--method",
            method,
            "--layers",
            "8,16x5,3",
            "--samples",
            "600",
            "--threads",
            "2",
            "--repeats",
            "2",
            "--workers",
            "3,20,1000",
            "--json",
        ]);
        assert!(output.status.success(), "{method}: {}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
        let number = |value: &Value| value.as_f64().expect("a number");
        let (work, chain) = (number(&report["total_work"]), number(&report["critical_path"]));
        let on = report["on"].as_array().expect("a list");
        let workers: Vec<u64> = on.iter().map(|on| on["workers"].as_u64().expect("a number")).collect();
        assert_eq!(workers, [1, 2, 3, 20, 1000], "{method}");
        assert!(chain > 0.0 && number(&report["alone"]) <= chain && chain <= work, "{method}: {report}");
        for on in on {
            let (seconds, workers) = (number(&on["seconds"]), number(&on["workers"]));
            // Each is a median of its own over the rounds.
            assert!(seconds > 0.0 && number(&on["speedup"]) <= workers * 1.000_001, "{method}: {on}");
            assert_eq!(on["measured"].is_null(), workers > 2.0, "{method}: {on}");
        }
        // Six layers over groups of samples: pdADMM's phases are wide.
        let widest = report["units"].as_array().expect("a list").iter().filter_map(Value::as_u64).max();
        assert!(widest >= Some(if method == "pdadmm" { 12 } else { 2 }), "{method}: {report}");
        let bytes = &report["bytes_between_layers"];
        let expected = (method == "pdadmm").then_some(3.0 * 5.0 * 16.0 * 600.0 * 4.0);
        assert_eq!(bytes.as_f64(), expected, "{method}");
    }
}

#[test]
fn a_table_for_people_and_refusals_in_a_line() {
    let output = scaling(&["--layers", "8,6,3", "--samples", "100", "--threads", "1", "--repeats", "1"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("2 layers, phases of ") && text.contains("sim/meas"), "{text}");
    for (arguments, says) in [
        (["--workers", "0"], "at least 1"),
        (["--repeats", "0"], "at least 1"),
        (["--method", "local"], "bench pipeline"),
        (["--method", "gsadmm"], "subnetworks"),
    ] {
        let output = scaling(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}
