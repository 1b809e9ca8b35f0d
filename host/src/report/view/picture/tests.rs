//! Pictures of a made-up run, letter by letter.

use super::*;
use crate::network::score::Judge;
use ratatui_core::backend::TestBackend;
use ratatui_core::terminal::Terminal;
use std::fs;
use std::path::Path;

const TIMES: Times = Times { gone: Duration::from_secs(75), left: Some(Duration::from_secs(7_380)) };

fn metrics(sweep: usize) -> Metrics {
    let falling = 1.0 / sweep as f64;
    Metrics {
        sweep,
        objective: 500.0 * falling,
        primal_residual: 0.02 * falling,
        dual_residual: 0.3,
        loss: 2.0 * falling * falling,
        train_accuracy: 1.0 - 0.5 * falling,
        test_accuracy: 0.9 - 0.4 * falling,
        seconds: sweep as f64,
        approximation_error: None,
        approximation_bound: None,
    }
}

fn run(sweeps: usize, scores: Scores) -> Picture {
    let mut picture = Picture::new("pdadmm on digits", 200, scores);
    (1..=sweeps).for_each(|sweep| picture.sweep(&metrics(sweep)));
    picture
}

/// The lines of a terminal of this size on which the picture is drawn, without the spaces at their ends.
fn drawn(picture: &Picture, width: u16, height: u16, times: Times) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| picture.draw(times, frame.area(), frame.buffer_mut())).expect("a picture");
    let buffer = terminal.backend().buffer();
    let line = |row: u16| (0..width).map(|column| buffer[(column, row)].symbol()).collect::<String>();
    (0..height).map(|row| line(row).trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_picture_of_each_width_is_as_it_was_looked_at() {
    let mut picture = run(40, Scores::on_test(Measure::Accuracy));
    picture.change("rho", 8.2);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/view/picture");
    let mut other = String::new();
    for (width, height) in [(60, 16), (100, 18), (200, TALLEST)] {
        let found = drawn(&picture, width, height, TIMES);
        let name = format!("{width}.txt");
        if fs::read_to_string(folder.join(&name)).expect("a picture") != found {
            other += &format!("{name} is now\n{found}");
        }
    }
    assert!(other.is_empty(), "{other}");
}

#[test]
fn the_smallest_picture_has_room_for_every_name_and_figure() {
    for (judge, name) in
        [(Judge::Test, "test"), (Judge::HeldOut, "held-out"), (Judge::Validation, "validation")]
    {
        let scores = Scores { measure: Measure::Accuracy, judge };
        let found = drawn(&run(40, scores), SMALLEST.0, SMALLEST.1, TIMES);
        assert!(found.contains(&format!(" accuracy \u{2812}train \u{2022}{name}")), "{found}");
        for part in
            ["sweep 40 of 200", "1 min 15 s gone", "2 h 03 min left", "objective 1.2500e1", "best 89.00 %"]
        {
            assert!(found.contains(part), "{part}:\n{found}");
        }
    }
}

#[test]
fn a_run_without_numbers_is_no_panic() {
    let scores = Scores::on_test(Measure::RSquared);
    let times = Times { gone: Duration::ZERO, left: None };
    let mut picture = run(0, scores);
    for width in [60, 200] {
        let found = drawn(&picture, width, 13, times);
        assert!(found.contains("sweep 0 of 200   0 s gone") && !found.contains("left"), "{found}");
    }
    let nan = Metrics { objective: f64::NAN, loss: f64::INFINITY, test_accuracy: -50.0, ..metrics(1) };
    picture.sweep(&nan);
    picture.sweep(&Metrics { loss: 0.0, objective: -1e300, ..metrics(2) });
    picture.sweep(&Metrics { loss: 1e9, objective: 1e300, ..metrics(3) });
    let found = drawn(&picture, 200, 13, times);
    assert!(found.contains("R^2") && found.contains("1.0e300") && !found.contains("best"), "{found}");
}

#[test]
fn labels_have_the_digits_that_tell_them_apart() {
    assert_eq!([number(0.0, 1.0), number(123.4, 1_000.0), number(0.987, 0.01)], ["0", "123", "0.987"]);
    assert_eq!([number(2.5e-4, 0.0), number(1.25, 0.0), number(3e7, 1e7)], ["2.5e-4", "1.25", "3.0e7"]);
    assert_eq!([percent(0.5, 0.5), percent(0.987_6, 0.004)], ["50 %", "98.76 %"]);
}
