//! What observers write, and what becomes of those that cannot.

use altmin::network::{Judge, Measure, Scores};
use altmin::report::csv::CsvRows;
use altmin::report::json::JsonLines;
use altmin::report::{curves, table};
use altmin::run::{Best, Change, History, Metrics, Observer, Observers, Outcome, Summary};
use altmin::settings::Method;
use std::io::{self, Write};

const SCORES: Scores = Scores::on_test(Measure::Accuracy);

fn metrics(sweep: usize, objective: f64) -> Metrics {
    Metrics {
        sweep,
        objective,
        primal_residual: 0.5,
        dual_residual: 0.25,
        loss: 2.0,
        train_accuracy: 0.75,
        test_accuracy: 0.5,
        seconds: 1.5,
        approximation_error: None,
        approximation_bound: None,
    }
}

fn summary() -> Summary {
    Summary {
        method: Method::Dladmm,
        data: "digits".into(),
        sweeps: 2,
        outcome: Outcome::SweepLimit,
        objective: f64::NAN,
        train_accuracy: 0.75,
        test_accuracy: 0.5,
        best: None,
        seconds: 1.5,
        state_bytes: 4096,
        threads: 2,
        approximation_error: None,
        approximation_bound: None,
    }
}

/// Takes `room` bytes, then has none.
struct Disk {
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn json_lines_have_the_promised_keys_in_order() {
    let mut text = Vec::new();
    let mut lines = JsonLines::new(&mut text, SCORES);
    lines.sweep(&metrics(1, 8.0)).expect("written");
    lines.change(&Change { sweep: 2, setting: "rho", from: 1e-6, to: 0.5, rise: None }).expect("written");
    lines.sweep(&metrics(2, f64::INFINITY)).expect("written");
    lines.finish(&summary()).expect("written");
    let expected = concat!(
        r#"{"kind":"sweep","sweep":1,"objective":8.0,"primal_residual":0.5,"dual_residual":0.25,"loss":2.0,"#,
        r#""train_accuracy":0.75,"test_accuracy":0.5,"seconds":1.5}"#,
        "\n",
        r#"{"kind":"change","sweep":2,"setting":"rho","from":1e-6,"to":0.5}"#,
        "\n",
        r#"{"kind":"sweep","sweep":2,"objective":null,"primal_residual":0.5,"dual_residual":0.25,"loss":2.0,"#,
        r#""train_accuracy":0.75,"test_accuracy":0.5,"seconds":1.5}"#,
        "\n",
        r#"{"kind":"summary","method":"dladmm","data":"digits","sweeps":2,"outcome":"sweep-limit","#,
        r#""objective":null,"train_accuracy":0.75,"test_accuracy":0.5,"seconds":1.5,"state_bytes":4096,"threads":2}"#,
        "\n",
    );
    assert_eq!(String::from_utf8(text).expect("text"), expected);
}

/// Of values accuracies are R^2, and scores bear the name of the samples that they are of.
#[test]
fn scores_have_the_names_of_what_they_are() {
    let scores = Scores { measure: Measure::RSquared, judge: Judge::Validation };
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    JsonLines::new(&mut lines, scores).sweep(&metrics(1, 8.0)).expect("written");
    CsvRows::new(&mut rows, scores).sweep(&metrics(1, 8.0)).expect("written");
    let (lines, rows) = (String::from_utf8(lines).expect("text"), String::from_utf8(rows).expect("text"));
    assert!(lines.contains(r#""train_r2":0.75,"validation_r2":0.5,"#), "{lines}");
    assert!(
        rows.starts_with(
            "sweep,objective,primal_residual,dual_residual,loss,train_r2,validation_r2,seconds\n"
        )
    );
    // What a text says is left alone.
    let best = Some(Best { sweep: 1, test_loss: 0.5, test_accuracy: 0.25 });
    let odd = Summary { data: r#"a "test_accuracy": b"#.into(), best, ..summary() };
    let mut lines = Vec::new();
    let scores = Scores { measure: Measure::Accuracy, judge: Judge::HeldOut };
    JsonLines::new(&mut lines, scores).finish(&odd).expect("written");
    let line: serde_json::Value = serde_json::from_slice(&lines).expect("JSON");
    assert_eq!(line["data"], odd.data);
    assert_eq!((&line["held_out_accuracy"], &line["best"]["held_out_loss"]), (&0.5.into(), &0.5.into()));
    assert_eq!(line["best"]["held_out_accuracy"], 0.25);
}

#[test]
fn csv_has_a_header_and_a_row_for_each_sweep_at_once() {
    let mut text = Vec::new();
    let mut rows = CsvRows::new(&mut text, SCORES);
    rows.sweep(&metrics(1, 8.0)).expect("written");
    rows.sweep(&metrics(2, 4.0)).expect("written");
    // Dropped without a last call, as by a run that dies.
    drop(rows);
    let expected = "sweep,objective,primal_residual,dual_residual,loss,train_accuracy,test_accuracy,seconds\n\
                    1,8.0,0.5,0.25,2.0,0.75,0.5,1.5\n\
                    2,4.0,0.5,0.25,2.0,0.75,0.5,1.5\n";
    assert_eq!(String::from_utf8(text).expect("text"), expected);
}

#[test]
fn a_full_disk_is_found_at_the_row_that_has_no_room() {
    let mut rows = CsvRows::new(Disk { room: 150 }, SCORES);
    rows.sweep(&metrics(1, 8.0)).expect("there is room for the header and one row");
    let error = (2..10).find_map(|sweep| rows.sweep(&metrics(sweep, 8.0)).err()).expect("the disk is full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn one_that_fails_is_dropped_and_the_others_go_on() {
    let mut history = History::default();
    let mut observers = Observers::new();
    observers.add("metrics.csv".into(), CsvRows::new(Disk { room: 0 }, SCORES));
    observers.add("history".into(), &mut history);
    for sweep in 1..=3 {
        observers.sweep(&metrics(sweep, 1.0)).expect("one is left");
    }
    let change = Change { sweep: 4, setting: "nu", from: 1.0, to: 2.0, rise: None };
    observers.change(&change).expect("one is left");
    observers.finish(&summary()).expect("one is left");
    let failures = observers.take_failures();
    drop(observers);
    assert_eq!(history.sweeps, [1, 2, 3].map(|sweep| metrics(sweep, 1.0)));
    assert_eq!(history.changes, [change]);
    let [(what, error)] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!((what.as_str(), error.kind()), ("metrics.csv", io::ErrorKind::StorageFull));
}

#[test]
fn a_run_that_nobody_sees_any_more_is_told() {
    let mut observers = Observers::new();
    observers.sweep(&metrics(1, 1.0)).expect("nobody ever watched");
    observers.add("the output".into(), JsonLines::new(Disk { room: 0 }, SCORES));
    let error = observers.sweep(&metrics(2, 1.0)).expect_err("the last one is gone");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("the output"));
}

fn polylines(svg: &str) -> usize {
    let document = roxmltree::Document::parse(svg).expect("well-formed");
    assert_eq!(document.root_element().tag_name().name(), "svg");
    let points =
        |node: &roxmltree::Node| node.attribute("points").map_or(0, |text| text.split_whitespace().count());
    document.descendants().filter(|node| node.has_tag_name("polyline") && points(node) >= 40).count()
}

#[test]
fn curves_are_well_formed_and_show_every_line() {
    let falling: Vec<_> = (1..=40).map(|sweep| metrics(sweep, 1e4 / sweep as f64)).collect();
    assert_eq!(
        polylines(
            &curves::svg("a <title> & more", &falling, Scores::on_test(Measure::Accuracy)).expect("drawn")
        ),
        5
    );
    let negative: Vec<_> = (1..=40).map(|sweep| metrics(sweep, -(sweep as f64))).collect();
    assert_eq!(
        polylines(&curves::svg("negative", &negative, Scores::on_test(Measure::RSquared)).expect("drawn")),
        5
    );
}

#[test]
fn curves_of_odd_runs_are_well_formed() {
    let flat = vec![metrics(1, 0.0); 1];
    let lost = vec![metrics(1, f64::NAN), metrics(2, f64::INFINITY)];
    let huge = vec![metrics(1, f64::MIN_POSITIVE), metrics(2, f64::MAX)];
    for sweeps in [vec![], flat, lost, huge] {
        let svg = curves::svg("odd", &sweeps, Scores::on_test(Measure::Accuracy)).expect("drawn");
        roxmltree::Document::parse(&svg).expect("well-formed");
    }
}

#[test]
fn the_table_tells_what_the_run_did() {
    let text = table::summary(&summary(), SCORES, None, None);
    for part in ["dladmm", "digits", "2 (sweep-limit, 0.7500 s each)", "75.00 %", "50.00 %", "4.10 kB"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
