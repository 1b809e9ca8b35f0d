//! One JSON object a line.

use crate::network::score::Scores;
use crate::run::observe::{Change, Evaluation, Metrics, Observer, Summary};
use serde::Serialize;
use std::io::{self, Write};

/// Writes `{"kind":"sweep",...}` for each sweep, `{"kind":"change",...}` for each setting that a schedule changes,
/// `{"kind":"evaluation",...}` for each one within an epoch, and
/// `{"kind":"summary",...}` at the end; a number that is not finite is `null`.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    writer: W,
    scores: Scores,
}

/// The fields whose names depend on what scores are.
const FIELDS: [&str; 6] =
    ["accuracy", "train_accuracy", "test_accuracy", "test_loss", "best_test_accuracy", "best_test_sweep"];

/// The text of a JSON value with its fields named as `scores` says.
pub(crate) fn named(mut text: String, scores: Scores) -> String {
    for field in FIELDS {
        let key = scores.key(field);
        if key != field {
            // Within a string the quotes would have backslashes before them.
            text = text.replace(&format!("\"{field}\":"), &format!("\"{key}\":"));
        }
    }
    text
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line<'a> {
    Sweep(&'a Metrics),
    Change(&'a Change),
    Evaluation(&'a Evaluation),
    Summary(&'a Summary),
}

impl<W: Write> JsonLines<W> {
    /// Lines go to `writer`; what they call the scores is as `scores` says.
    pub fn new(writer: W, scores: Scores) -> Self {
        Self { writer, scores }
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut text = named(serde_json::to_string(line)?, self.scores);
        text.push('\n');
        self.writer.write_all(text.as_bytes())?;
        self.writer.flush()
    }
}

impl<W: Write + Send> Observer for JsonLines<W> {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.line(&Line::Sweep(metrics))
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.line(&Line::Change(change))
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.line(&Line::Evaluation(evaluation))
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.line(&Line::Summary(summary))
    }
}
