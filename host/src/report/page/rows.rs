//! The rows of a run's `metrics.csv`.

use crate::error::{Error, Result};
use crate::network::score::Scores;
use crate::run::observe::{Bound, Metrics};
use std::fs;
use std::path::Path;

/// The sweeps in a file that calls scores as `scores` says; none in one that has no row yet.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] for a column that is not there and for a cell that is no number.
pub(super) fn read(path: &Path, scores: Scores) -> Result<Vec<Metrics>> {
    let text = fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
    // What a run that was killed has left of a row is no line.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut reader = csv::Reader::from_reader(whole.as_bytes());
    let unreadable =
        |error: csv::Error| Error::format(path, error.to_string(), "rows of numbers under their names");
    let header = reader.headers().map_err(unreadable)?.clone();
    if whole.is_empty() {
        return Ok(Vec::new());
    }
    let place = |field: &str| {
        let name = scores.key(field);
        let found = header.iter().position(|other| other == name);
        found.ok_or_else(|| Error::format(path, "no such column", format!("a column `{name}`")))
    };
    let [sweep, objective, primal, dual] =
        ["sweep", "objective", "primal_residual", "dual_residual"].map(&place);
    let (sweep, objective, primal, dual) = (sweep?, objective?, primal?, dual?);
    let [loss, train, test, seconds] = ["loss", "train_accuracy", "test_accuracy", "seconds"].map(&place);
    let (loss, train, test, seconds) = (loss?, train?, test?, seconds?);
    let (error, bound) = (place("approximation_error").ok(), place("approximation_bound").ok());
    let mut sweeps = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let row = row.map_err(unreadable)?;
        let cell = |column: usize| row.get(column).unwrap_or_default();
        let number = |column: usize| {
            let found = || format!("`{}` in row {} under `{}`", cell(column), index + 1, &header[column]);
            cell(column).parse::<f64>().map_err(|_| Error::format(path, found(), "a number"))
        };
        sweeps.push(Metrics {
            sweep: number(sweep)? as usize,
            objective: number(objective)?,
            primal_residual: number(primal)?,
            dual_residual: number(dual)?,
            loss: number(loss)?,
            train_accuracy: number(train)?,
            test_accuracy: number(test)?,
            seconds: number(seconds)?,
            approximation_error: error.map(number).transpose()?,
            approximation_bound: bound.map(|bound| number(bound).map_or(Bound::NotPromised, Bound::Estimate)),
        });
    }
    Ok(sweeps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::score::Measure;

    fn rows(text: &str) -> Result<Vec<Metrics>> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("metrics.csv");
        fs::write(&path, text).expect("written");
        read(&path, Scores::on_test(Measure::Accuracy))
    }

    const HEADER: &str =
        "sweep,objective,primal_residual,dual_residual,loss,train_accuracy,test_accuracy,seconds\n";

    #[test]
    fn rows_that_are_whole_are_read() {
        let sweeps = rows(&format!("{HEADER}1,2.5,0,0,0.5,0.75,NaN,0.1\n2,2,0,0,0.4,0.8,0.")).expect("rows");
        assert_eq!((sweeps.len(), sweeps[0].objective, sweeps[0].seconds), (1, 2.5, 0.1));
        assert!(sweeps[0].test_accuracy.is_nan());
        assert!(rows("").expect("no rows").is_empty() && rows(HEADER).expect("no rows").is_empty());
    }

    #[test]
    fn what_is_no_row_is_named() {
        let said = |text: &str| rows(text).expect_err("refused").to_string();
        assert!(said("sweep,objective\n1,2\n").contains("`primal_residual`"));
        assert!(said(&format!("{HEADER}1,much,0,0,0,0,0,0\n")).contains("`much` in row 1 under `objective`"));
    }
}
