//! Runs that differ only in their seed, and what they have in common.

use super::run::Run;

/// Runs with the same settings but for the seed; or a run by itself.
pub(super) struct Group<'a> {
    pub(super) runs: Vec<&'a Run>,
}

impl Group<'_> {
    /// The labels of all.
    pub(super) fn name(&self) -> String {
        self.runs.iter().map(|run| run.label.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Mean and spread of a value that each has; none where one has none.
    pub(super) fn spread(&self, value: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        let values: Option<Vec<f64>> = self.runs.iter().map(|run| value(run)).collect();
        values.and_then(|values| Spread::of(&values))
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

/// The mean of values and how far they are from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) mean: f64,
    /// The standard deviation, with one less than the number of values below the line; none for a single value.
    pub(super) deviation: Option<f64>,
}

impl Spread {
    /// None without values, and for values that are not finite.
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        mean.is_finite().then_some(Self { mean, deviation })
    }

    /// The mean, and the deviation where there is one.
    pub(super) fn show(self, show: impl Fn(f64) -> String) -> String {
        match self.deviation {
            Some(deviation) => format!("{} \u{b1} {}", show(self.mean), show(deviation)),
            None => show(self.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_by_hand() {
        let spread = Spread::of(&[1.0, 2.0, 6.0]).expect("finite");
        assert_eq!((spread.mean, spread.deviation), (3.0, Some(7f64.sqrt())));
        assert_eq!(Spread::of(&[4.0]), Some(Spread { mean: 4.0, deviation: None }));
        assert_eq!((Spread::of(&[]), Spread::of(&[1.0, f64::NAN])), (None, None));
    }
}
