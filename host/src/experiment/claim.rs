//! What a paper claims, and whether it holds here.

use super::description::{Experiment, shown};
use super::measure::Measure;
use super::results::{Mean, Results};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Reasons that are told at most.
const MOST_REASONS: usize = 4;

/// Something that a paper says of a run, as comparisons of numbers: exactly one kind of them.
///
/// A comparison is made at every combination of the varied values, of means over the seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Claim {
    /// The claim in a sentence.
    pub says: String,
    /// The run that it is about.
    pub run: String,
    /// What is compared.
    pub measure: Measure,
    /// Only where the varied settings take these values.
    #[serde(default)]
    pub at: BTreeMap<String, toml::Value>,
    /// Higher than that of each of these runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<String>,
    /// Lower than that of each of these runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<String>,
    /// This much at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// This much at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// Higher with each value of this setting than with the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rises_with: Option<String>,
    /// Lower with each value of this setting than with the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub falls_with: Option<String>,
}

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All comparisons hold.
    Held,
    /// Some do.
    InPart,
    /// None does.
    NotHeld,
    /// There is nothing to compare: the runs were left out or are still to be made.
    NotRun,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Held => "held",
            Verdict::InPart => "held in part",
            Verdict::NotHeld => "not held",
            Verdict::NotRun => "not run",
        })
    }
}

/// A claim that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Whether it holds.
    pub verdict: Verdict,
    /// Comparisons that hold.
    pub held: usize,
    /// Comparisons.
    pub of: usize,
    /// Those that do not hold, or where there are none, those that hold.
    pub reason: String,
}

/// What two means are to each other.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Above,
    Below,
    /// Nearer to each other than twice the standard error of their difference.
    NotApart,
}

impl Order {
    fn of(left: &Mean, right: &Mean) -> Self {
        let difference = left.spread.mean - right.spread.mean;
        let error = (left.squared_error() + right.squared_error()).sqrt();
        match difference {
            _ if difference == 0.0 || difference.abs() <= 2.0 * error => Self::NotApart,
            _ if difference > 0.0 => Self::Above,
            _ => Self::Below,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
            Self::NotApart => "not told apart from",
        }
    }
}

/// A comparison that was made.
struct Compared {
    holds: bool,
    says: String,
}

impl Claim {
    /// `Ok` for a claim whose names the experiment knows.
    pub(super) fn check(&self, experiment: &Experiment) -> Result {
        experiment.require_run("claims", &self.run)?;
        let others = self.above.iter().chain(&self.below);
        others.into_iter().try_for_each(|name| experiment.require_run("claims", name))?;
        for key in self.rises_with.iter().chain(&self.falls_with) {
            experiment.require_axis("claims", key)?;
        }
        for (key, value) in &self.at {
            experiment.require_value("claims", key, &shown(value))?;
        }
        let kinds = [
            !self.above.is_empty(),
            !self.below.is_empty(),
            self.at_least.is_some(),
            self.at_most.is_some(),
            self.rises_with.is_some(),
            self.falls_with.is_some(),
        ];
        if kinds.into_iter().filter(|&kind| kind).count() == 1 {
            return Ok(());
        }
        let expected = "one of above, below, at-least, at-most, rises-with and falls-with";
        Err(Error::argument("claims", &self.says, expected))
    }

    /// Whether it holds of these results.
    pub(crate) fn judge(&self, results: &Results<'_>) -> Judgement {
        let compared = self.compared(results);
        let (held, of) = (compared.iter().filter(|one| one.holds).count(), compared.len());
        let verdict = match (held, of) {
            (_, 0) => Verdict::NotRun,
            (0, _) => Verdict::NotHeld,
            _ if held == of => Verdict::Held,
            _ => Verdict::InPart,
        };
        let told = compared.iter().filter(|one| one.holds == (verdict == Verdict::Held));
        let told: Vec<&str> = told.map(|one| one.says.as_str()).collect();
        let mut reason = told[..told.len().min(MOST_REASONS)].join("; ");
        if told.len() > MOST_REASONS {
            reason += &format!("; and {} more", told.len() - MOST_REASONS);
        }
        Judgement { verdict, held, of, reason }
    }

    fn compared(&self, results: &Results<'_>) -> Vec<Compared> {
        let at: Vec<(String, String)> =
            self.at.iter().map(|(key, value)| (key.clone(), shown(value))).collect();
        let mean = |run: &str, place: &[(String, String)]| results.mean(run, place, self.measure);
        let mut all: Vec<Compared> = Vec::new();
        let mut add = |compared: Compared| {
            // Where a setting has no effect on the runs, its values make the same comparison.
            if all.iter().all(|other| other.says != compared.says) {
                all.push(compared);
            }
        };
        let several = |wanted: Order, others: &[String], add: &mut dyn FnMut(Compared)| {
            for place in results.places(&at) {
                for other in others {
                    let (Some(left), Some(right)) = (mean(&self.run, &place), mean(other, &place)) else {
                        continue;
                    };
                    add(self.ordered(wanted, (&self.run, &left), (other, &right)));
                }
            }
        };
        several(Order::Above, &self.above, &mut add);
        several(Order::Below, &self.below, &mut add);
        let bounds = [(self.at_least, "at least"), (self.at_most, "at most")];
        for (index, (bound, word)) in bounds.into_iter().enumerate() {
            let Some(bound) = bound else { continue };
            for mean in results.places(&at).iter().filter_map(|place| mean(&self.run, place)) {
                let value = mean.spread.mean;
                let holds = if index == 0 { value >= bound } else { value <= bound };
                let says = format!("{}{}, {word} {bound} claimed", mean.at_place(), mean.show(self.measure));
                add(Compared { holds, says });
            }
        }
        let trends = [(Order::Above, &self.rises_with), (Order::Below, &self.falls_with)];
        for (wanted, setting) in trends {
            let Some(setting) = setting else { continue };
            for values in results.along(setting, &at) {
                let means: Vec<Mean> = values.iter().filter_map(|place| mean(&self.run, place)).collect();
                for pair in means.windows(2).filter(|pair| pair[0].place != pair[1].place) {
                    let (before, after) = (pair[0].at_place(), pair[1].at_place());
                    add(self.ordered(
                        wanted,
                        (after.trim_end_matches(": "), &pair[1]),
                        (before.trim_end_matches(": "), &pair[0]),
                    ));
                }
            }
        }
        all
    }

    fn ordered(&self, wanted: Order, left: (&str, &Mean), right: (&str, &Mean)) -> Compared {
        let ((left_name, left), (right_name, right)) = (left, right);
        // A run without a number, such as one that diverged at once, is no point for any claim.
        let order = match (left.is_missing(), right.is_missing()) {
            (false, false) => Order::of(left, right),
            _ => Order::NotApart,
        };
        let place =
            if left.place == right.place || left_name == self.run { left.at_place() } else { String::new() };
        let says = format!(
            "{place}{left_name} {} {right_name}, {} against {}",
            order.name(),
            left.show(self.measure),
            right.show(self.measure)
        );
        Compared { holds: order == wanted, says }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::record::{Point, Record};
    use crate::experiment::{Plan, Request};
    use std::path::Path;

    const TEXT: &str = r#"
        title = "by hand"
        measures = ["test-accuracy"]
        [settings]
        sweeps = 1
        [[runs]]
        name = "a"
        settings.method = "adam"
        [[runs]]
        name = "b"
        settings.method = "proxprop"
        [[vary]]
        setting = "learning-rate"
        values = [0.1, 0.2, 0.4]
    "#;

    fn plan(seeds: usize) -> Plan {
        let experiment = Experiment::from_toml(TEXT, Path::new("test")).expect("an experiment");
        Plan::new(&Request { seeds: Some(seeds), threads: Some(1), ..Request::new(experiment) })
            .expect("a plan")
    }

    fn records(plan: &Plan, accuracy: impl Fn(&str, Option<&str>, u64) -> f64) -> Vec<Record> {
        let record = |cell: &crate::experiment::Cell| {
            let rate = cell.varied.first().map(|(_, value)| value.as_str());
            let accuracy = accuracy(&cell.run, rate, cell.settings.seed);
            let point = Point { sweep: 1, test_accuracy: Some(accuracy), ..Point::default() };
            let (run, varied) = (cell.run.clone(), cell.varied.clone());
            Record { run, varied, seed: cell.settings.seed, course: vec![point], ..Record::default() }
        };
        plan.cells.iter().map(record).collect()
    }

    fn claim(relation: &str) -> Claim {
        let text = format!("says = \"\"\nrun = \"a\"\nmeasure = \"test-accuracy\"\n{relation}");
        toml::from_str(&text).expect("a claim")
    }

    fn judged(plan: &Plan, records: &[Record], relation: &str) -> (Verdict, usize, usize) {
        let judgement = claim(relation).judge(&Results::new(plan, records));
        (judgement.verdict, judgement.held, judgement.of)
    }

    #[test]
    fn a_run_without_the_varied_setting_is_made_once() {
        // Adam alone has a learning rate.
        let plan = plan(2);
        let count = |name: &str| plan.cells.iter().filter(|cell| cell.run == name).count();
        assert_eq!((count("a"), count("b")), (6, 2));
    }

    #[test]
    fn verdicts_by_hand() {
        let plan = plan(1);
        let accuracies = |run: &str, rate: Option<&str>, _| match (run, rate) {
            ("a", Some("0.1")) => 0.5,
            ("a", Some("0.2")) => 0.7,
            ("a", Some("0.4")) => 0.6,
            ("b", None) => 0.55,
            other => panic!("{other:?}"),
        };
        let records = records(&plan, accuracies);
        let judged = |relation: &str| judged(&plan, &records, relation);
        assert_eq!(judged("above = [\"b\"]"), (Verdict::InPart, 2, 3));
        assert_eq!(judged("above = [\"b\"]\nat = { learning-rate = 0.2 }"), (Verdict::Held, 1, 1));
        assert_eq!(judged("below = [\"b\"]\nat = { learning-rate = 0.4 }"), (Verdict::NotHeld, 0, 1));
        assert_eq!(judged("at-least = 0.5"), (Verdict::Held, 3, 3));
        assert_eq!(judged("at-most = 0.65"), (Verdict::InPart, 2, 3));
        assert_eq!(judged("rises-with = \"learning-rate\""), (Verdict::InPart, 1, 2));
        assert_eq!(judged("falls-with = \"learning-rate\""), (Verdict::InPart, 1, 2));
        let none = claim("at-least = 0.5").judge(&Results::new(&plan, &[]));
        assert_eq!((none.verdict, none.of), (Verdict::NotRun, 0));
        let reason = claim("above = [\"b\"]").judge(&Results::new(&plan, &records)).reason;
        assert_eq!(reason, "learning-rate 0.1: a below b, 0.5000 against 0.5500");
    }

    #[test]
    fn means_within_twice_their_standard_error_are_not_told_apart() {
        // Means 0.6 and 0.59, deviations 0.0141 each: the standard error of the difference is 0.0141.
        let plan = plan(2);
        let near = records(&plan, |run, _, seed| {
            let mean = if run == "a" { 0.60 } else { 0.59 };
            if seed == 0 { mean - 0.01 } else { mean + 0.01 }
        });
        assert_eq!(judged(&plan, &near, "above = [\"b\"]"), (Verdict::NotHeld, 0, 3));
        assert_eq!(judged(&plan, &near, "below = [\"b\"]"), (Verdict::NotHeld, 0, 3));
        let apart = records(&plan, |run, _, seed| {
            let mean = if run == "a" { 0.64 } else { 0.59 };
            if seed == 0 { mean - 0.01 } else { mean + 0.01 }
        });
        assert_eq!(judged(&plan, &apart, "above = [\"b\"]"), (Verdict::Held, 3, 3));
    }

    #[test]
    fn a_run_without_a_number_is_above_and_below_nothing() {
        let plan = plan(1);
        let mut records = records(&plan, |_, _, _| 0.5);
        records.iter_mut().filter(|record| record.run == "b").for_each(|record| record.course.clear());
        assert_eq!(judged(&plan, &records, "above = [\"b\"]"), (Verdict::NotHeld, 0, 3));
        assert_eq!(judged(&plan, &records, "below = [\"b\"]"), (Verdict::NotHeld, 0, 3));
    }

    #[test]
    fn names_that_are_not_there_are_refused() {
        let with = |claim: &str| {
            let text = TEXT.to_owned() + "[[claims]]\nsays = \"\"\nmeasure = \"loss\"\n" + claim;
            Experiment::from_toml(&text, Path::new("test")).expect_err("refused").to_string()
        };
        for (claim, name) in [
            ("run = \"c\"\nat-least = 1", "`c`"),
            ("run = \"a\"\nabove = [\"d\"]", "`d`"),
            ("run = \"a\"\nrises-with = \"rho\"", "`rho`"),
            ("run = \"a\"\nat = { learning-rate = 0.3 }\nat-least = 1", "learning-rate = 0.3"),
            ("run = \"a\"", "one of above"),
            ("run = \"a\"\nat-least = 1\nat-most = 2", "one of above"),
            ("run = \"a\"\nat-least = \"x\"", "at-least"),
            ("run = \"a\"\nleast = 1", "least"),
        ] {
            let message = with(claim);
            assert!(message.contains(name), "{claim}: {message}");
        }
    }
}
