//! Runs that differ only in their seed, and what they have in common.

use super::run::Run;
use crate::report::spread::Spread;

/// Runs with the same settings but for the seed; or a run by itself.
pub(super) struct Group<'a> {
    pub(super) runs: Vec<&'a Run>,
}

impl Group<'_> {
    /// The labels of all.
    pub(super) fn name(&self) -> String {
        self.runs.iter().map(|run| run.label.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Mean and spread of a value that each has; none where one has none, or none that is finite.
    pub(super) fn spread(&self, value: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        let values: Option<Vec<f64>> = self.runs.iter().map(|run| value(run)).collect();
        values.map(|values| Spread::of(&values)).filter(|spread| spread.mean.is_finite())
    }
}

/// The groups in the order of their first runs.
pub(super) fn groups(runs: &[Run]) -> Vec<Group<'_>> {
    let mut all: Vec<Group<'_>> = Vec::new();
    for run in runs {
        let is_same = |group: &&mut Group<'_>| group.runs.iter().all(|other| other.is_repeated_by(run));
        match all.iter_mut().find(is_same) {
            Some(group) => group.runs.push(run),
            None => all.push(Group { runs: vec![run] }),
        }
    }
    all
}
