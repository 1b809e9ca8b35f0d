//! `altmin bench pipeline`: what it prints, and what it refuses.

use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    let common = ["bench", "pipeline", "--repeats", "1", "--samples", "300", "--batch", "30"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.args(common).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn json_has_simulations_within_their_bounds() {
    let output =
        bench(&["--method", "local", "--hidden", "40,30,20", "--threads", "2", "--workers", "3,8", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_str(&text(&output.stdout)).expect("JSON");
    assert_eq!((&report["layers"], &report["batches"]), (&4.into(), &10.into()));
    let layers = report["layer_seconds"].as_array().expect("seconds");
    assert!(layers.len() == 4 && layers.iter().all(|seconds| number(seconds) > 0.0));
    let on = report["on"].as_array().expect("simulations");
    let workers: Vec<_> = on.iter().map(|on| on["workers"].as_u64().expect("a count")).collect();
    assert_eq!(workers, [1, 2, 3, 4, 8]);
    for on in on {
        let (workers, speedup) = (number(&on["workers"]), number(&on["speedup"]));
        assert!(speedup > 0.0 && speedup <= workers.min(4.0) * (1.0 + 1e-9), "{on}");
        assert!((number(&on["busy"]) * workers - speedup).abs() < 1e-9, "{on}");
        assert!(number(&on["fill"]) + number(&on["drain"]) <= 2.0 * number(&on["seconds"]), "{on}");
        let is_measured = workers <= 2.0;
        assert_eq!(on["measured"].is_number(), is_measured, "{on}");
        if is_measured {
            let ratio = number(&on["seconds"]) / number(&on["measured"]);
            assert!((number(&on["simulated_over_measured"]) - ratio).abs() < 1e-9, "{on}");
        }
    }
    assert_eq!(number(&on[0]["speedup"]), 1.0);
    // With a worker a layer 40, 30 and 20 numbers of 4 bytes go up; alone nothing does.
    let bytes = |at: usize, whose: &str| on[at]["bytes"][whose].as_u64().expect("bytes");
    assert_eq!([bytes(0, "local"), bytes(3, "local")], [0, 360]);
    assert_eq!([bytes(3, "back_propagation"), bytes(3, "pdadmm")], [720, 1080]);
}

#[test]
fn people_get_a_table_and_a_picture() {
    let output = bench(&["--method", "local", "--hidden", "20,20", "--threads", "1", "--picture", "2"]);
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(stdout.contains("3 layers, 10 batches"), "{stdout}");
    let picture: Vec<_> = stdout.lines().skip_while(|line| !line.starts_with("who works when")).collect();
    assert_eq!(picture.len(), 1 + 2 * 3, "{stdout}");
    assert!(picture[2].starts_with("   1 0"), "the first worker begins with the first layer: {stdout}");
    let signs = |line: &str| line[5..].bytes().all(|sign| b"012.".contains(&sign));
    assert!([2, 3, 5, 6].into_iter().all(|line| signs(picture[line])), "{stdout}");
}

#[test]
fn what_has_no_pipeline_is_refused() {
    for (arguments, expected) in [
        (&["--method", "adam"][..], "local, whose layers are a pipeline"),
        (&["--method", "local", "--workers", "0"], "workers"),
        (&["--method", "local", "--sweeps", "3"], "--repeats sets the number of timed epochs"),
        (&["--method", "local", "--hidden", "9", "--picture", "5"], "one of the numbers of workers"),
    ] {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}
