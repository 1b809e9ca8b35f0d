//! The runs of an experiment that are over, and what they come to.

use super::cells::Plan;
use super::description::shown;
use super::measure::Measure;
use super::record::Record;
use crate::report::spread::Spread;

/// Varied settings and their values.
pub type Place = Vec<(String, String)>;

/// The runs of an experiment that are over, in the order of its cells.
#[derive(Debug, Clone)]
pub struct Results<'a> {
    plan: &'a Plan,
    records: Vec<&'a Record>,
}

/// A number of a run, over its seeds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mean {
    /// Where it was measured: the varied settings that have an effect on the run.
    pub(crate) place: Place,
    pub(crate) spread: Spread,
    seeds: usize,
}

impl<'a> Results<'a> {
    /// Those of `records` that belong to the plan.
    pub fn new(plan: &'a Plan, records: &'a [Record]) -> Self {
        let of = |cell| records.iter().find(|record: &&Record| record.is_of(cell));
        Self { plan, records: plan.cells.iter().filter_map(of).collect() }
    }

    /// Whether every cell has been run.
    pub fn is_complete(&self) -> bool {
        self.records.len() == self.plan.cells.len()
    }

    /// The runs that are over.
    pub fn records(&self) -> &[&'a Record] {
        &self.records
    }

    /// The plan.
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// Every combination of the varied values, but for those fixed elsewhere.
    pub(crate) fn places(&self, fixed: &[(String, String)]) -> Vec<Place> {
        let mut places: Vec<Place> = vec![Vec::new()];
        for axis in &self.plan.experiment.vary {
            let fixed = fixed.iter().find(|(key, _)| *key == axis.setting).map(|(_, value)| value);
            let values =
                || axis.values.iter().map(shown).filter(|value| fixed.is_none_or(|one| one == value));
            let with = |place: &Place| {
                let place = place.clone();
                values().map(move |value| {
                    let mut longer = place.clone();
                    longer.push((axis.setting.clone(), value));
                    longer
                })
            };
            places = places.iter().flat_map(with).collect();
        }
        places
    }

    /// The combinations of the varied values along one setting, for each combination of the others.
    pub(crate) fn along(&self, setting: &str, fixed: &[(String, String)]) -> Vec<Vec<Place>> {
        let without =
            |place: &Place| place.iter().filter(|(key, _)| key != setting).cloned().collect::<Place>();
        let mut rows: Vec<(Place, Vec<Place>)> = Vec::new();
        for place in self.places(fixed) {
            let others = without(&place);
            match rows.iter_mut().find(|(row, _)| *row == others) {
                Some((_, places)) => places.push(place),
                None => rows.push((others, vec![place])),
            }
        }
        rows.into_iter().map(|(_, places)| places).collect()
    }

    /// A number of a run at a place, over its seeds; none if nothing of it has been run there.
    pub(crate) fn mean(&self, run: &str, place: &[(String, String)], measure: Measure) -> Option<Mean> {
        let is_there = |record: &&&Record| {
            record.run == run
                && record.varied.iter().all(|pair| {
                    place.iter().find(|(key, _)| *key == pair.0).is_none_or(|(_, value)| *value == pair.1)
                })
        };
        let there: Vec<&Record> = self.records.iter().filter(is_there).copied().collect();
        let first = there.first()?;
        let numbers: Vec<f64> = there.iter().map(|record| measure.of(record).unwrap_or(f64::NAN)).collect();
        Some(Mean { place: first.varied.clone(), spread: Spread::of(&numbers), seeds: numbers.len() })
    }
}

impl Mean {
    /// Whether a run of it has no such number.
    pub(crate) fn is_missing(&self) -> bool {
        self.spread.mean.is_nan()
    }

    /// The variance of the mean; 0 of a single run, of which nothing is known.
    pub(super) fn squared_error(&self) -> f64 {
        self.spread.deviation.map_or(0.0, |deviation| deviation * deviation / self.seeds as f64)
    }

    /// The mean and the deviation as text.
    pub(crate) fn show(&self, measure: Measure) -> String {
        if self.is_missing() { "no number".to_owned() } else { self.spread.show(|value| measure.show(value)) }
    }

    /// `rho 1e-4, hidden 500: `, or nothing where nothing is varied.
    pub(super) fn at_place(&self) -> String {
        if self.place.is_empty() { String::new() } else { place_text(&self.place) + ": " }
    }
}

/// `rho 1e-4, hidden 500`.
pub(crate) fn place_text(place: &[(String, String)]) -> String {
    let pairs: Vec<String> = place.iter().map(|(key, value)| format!("{key} {value}")).collect();
    pairs.join(", ")
}
