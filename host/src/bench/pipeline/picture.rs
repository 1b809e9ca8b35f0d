//! Who works when, in letters.

use std::fmt;

use super::Task;

/// Columns of a picture.
const COLUMNS: usize = 96;
/// Columns that a task of middle length takes.
const COLUMNS_PER_TASK: f64 = 2.0;
/// A sign for each layer, from the first; more begin anew.
const SIGNS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const WAITS: u8 = b'.';

/// The begin and the end of an epoch on some workers: a line a worker, a sign for the layer that it is at.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    tasks: Vec<Task>,
    workers: usize,
}

impl Picture {
    /// Of these tasks.
    pub fn of(tasks: Vec<Task>, workers: usize) -> Self {
        Self { tasks, workers }
    }

    /// How many workers it is of.
    pub fn workers(&self) -> usize {
        self.workers
    }

    fn end(&self) -> f64 {
        self.tasks.iter().map(|task| task.end).fold(0.0, f64::max)
    }

    /// Seconds of a column.
    fn column(&self) -> f64 {
        let mut lengths: Vec<f64> = self.tasks.iter().map(|task| task.end - task.start).collect();
        lengths.sort_by(f64::total_cmp);
        lengths.get(lengths.len() / 2).map_or(1.0, |length| length / COLUMNS_PER_TASK)
    }

    /// The lines of the columns from `start` on.
    fn lines(&self, start: f64, column: f64) -> Vec<String> {
        let mut lines = vec![vec![WAITS; COLUMNS]; self.workers];
        for task in &self.tasks {
            // A column shows what is done at its middle.
            let at = |time: f64| ((time - start) / column - 0.5).ceil().clamp(0.0, COLUMNS as f64) as usize;
            lines[task.worker][at(task.start)..at(task.end)].fill(SIGNS[task.stage % SIGNS.len()]);
        }
        lines.into_iter().map(|line| line.into_iter().map(char::from).collect()).collect()
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (column, end) = (self.column(), self.end());
        let last = (end - COLUMNS as f64 * column).max(0.0);
        for (title, start) in [("first", 0.0), ("last", last)] {
            let seconds = (end - start).min(COLUMNS as f64 * column);
            writeln!(f, "the {title} {:.2} ms of {:.2}", 1e3 * seconds, 1e3 * end)?;
            for (worker, line) in self.lines(start, column).into_iter().enumerate() {
                writeln!(f, "{:>4} {line}", worker + 1)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_show_what_is_done_at_their_middle() {
        let task = |worker, stage, start, end| Task { worker, stage, start, end };
        let tasks =
            vec![task(0, 0, 0.0, 2.0), task(1, 1, 2.0, 4.0), task(0, 0, 2.0, 4.0), task(1, 11, 5.0, 7.0)];
        let picture = Picture::of(tasks, 2);
        let lines = picture.lines(0.0, 1.0);
        assert!(lines.iter().all(|line| line.len() == COLUMNS));
        assert_eq!(&lines[0][..8], "0000....");
        assert_eq!(&lines[1][..8], "..11.bb.");
        assert_eq!(&picture.lines(3.0, 1.0)[1][..5], "1.bb.");
        assert_eq!(picture.column(), 1.0);
        assert_eq!(picture.to_string().lines().count(), 6);
    }
}
