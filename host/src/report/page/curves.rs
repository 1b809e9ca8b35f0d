//! Which curves runs have: objective, loss, residuals and scores.

use super::figure::{Curve, Figure, Point};
use super::groups::{Group, groups};
use super::look::Look;
use super::run::Run;
use crate::network::{Measure, Scores};
use crate::report::curves::{LARGEST, thinned};
use crate::run::observe::Metrics;

/// What a panel shows, without runs.
struct Subject {
    id: &'static str,
    title: String,
    values: Vec<Value>,
    /// What the values are, if they are scores.
    measure: Option<Measure>,
}

/// A value of a sweep and its name beside others of the same run.
struct Value {
    name: String,
    of: fn(&Metrics) -> f64,
}

/// The panels of these runs; a panel that would show nothing is left out.
pub(super) fn figures(runs: &[Run]) -> Vec<Figure> {
    match runs {
        [run] => subjects_of_one(run.scores())
            .into_iter()
            .filter_map(|subject| figure_of_one(run, subject))
            .collect(),
        runs => {
            let looks = looks(runs);
            let mut all = Vec::new();
            let mut seen: Vec<Scores> = Vec::new();
            for scores in runs.iter().map(Run::scores) {
                if seen.contains(&scores) {
                    continue;
                }
                let (measure, is_first) =
                    (scores.measure, seen.iter().all(|other| other.measure != scores.measure));
                all.extend(figure_of_several(runs, &looks, &judged(scores), |run| run.scores() == scores));
                if is_first {
                    let of_measure = |run: &Run| run.scores().measure == measure;
                    all.extend(figure_of_several(runs, &looks, &training(measure), of_measure));
                }
                seen.push(scores);
            }
            let [objective, loss, primal, dual] = plain();
            for subject in [loss, objective, primal, dual] {
                all.extend(figure_of_several(runs, &looks, &subject, |_| true));
            }
            all
        }
    }
}

/// How the curves of several runs look: those of a group have one colour.
pub(super) fn looks(runs: &[Run]) -> Vec<Look> {
    let groups = groups(runs);
    let look = |run: &Run| {
        let place = |(group, all): (usize, &Group<'_>)| {
            let member = all.runs.iter().position(|other| std::ptr::eq(*other, run))?;
            Some(Look::of(group, member))
        };
        groups.iter().enumerate().find_map(place).unwrap_or_else(|| Look::of(0, 0))
    };
    runs.iter().map(look).collect()
}

fn value(name: impl Into<String>, of: fn(&Metrics) -> f64) -> Value {
    Value { name: name.into(), of }
}

fn subject(id: &'static str, title: &str, of: fn(&Metrics) -> f64) -> Subject {
    Subject { id, title: title.to_owned(), values: vec![value(title, of)], measure: None }
}

/// What every run has that is no score.
fn plain() -> [Subject; 4] {
    [
        subject("objective", "objective", |metrics| metrics.objective),
        subject("loss", "training loss", |metrics| metrics.loss),
        subject("primal-residual", "primal residual", |metrics| metrics.primal_residual),
        subject("dual-residual", "dual residual", |metrics| metrics.dual_residual),
    ]
}

fn training(measure: Measure) -> Subject {
    let title = format!("training {}", measure.name());
    let id = match measure {
        Measure::Accuracy => "training-accuracy",
        Measure::RSquared => "training-r2",
    };
    Subject {
        id,
        values: vec![value(&title, |metrics| metrics.train_accuracy)],
        title,
        measure: Some(measure),
    }
}

fn judged(scores: Scores) -> Subject {
    let title = format!("{} {}", scores.judge.name(), scores.measure.name());
    Subject {
        id: "judged",
        values: vec![value(&title, |metrics| metrics.test_accuracy)],
        title,
        measure: Some(scores.measure),
    }
}

/// The panels of a single run: what belongs together stands in one.
fn subjects_of_one(Scores { measure, judge }: Scores) -> Vec<Subject> {
    let [objective, loss, primal, dual] = plain();
    let residuals = Subject {
        id: "residuals",
        title: "residuals".to_owned(),
        values: vec![value("primal", primal.values[0].of), value("dual", dual.values[0].of)],
        measure: None,
    };
    let scores = Subject {
        id: "scores",
        title: measure.name().to_owned(),
        values: vec![
            value("training", |metrics| metrics.train_accuracy),
            value(judge.name(), |metrics| metrics.test_accuracy),
        ],
        measure: Some(measure),
    };
    vec![scores, loss, objective, residuals]
}

fn figure_of_one(run: &Run, subject: Subject) -> Option<Figure> {
    let curve = |(entry, value): (usize, Value)| Curve {
        entry,
        look: Look::of(entry, 0),
        name: value.name,
        points: points(&run.sweeps, value.of),
    };
    let curves = subject.values.into_iter().enumerate().map(curve).collect();
    Figure::new(subject.id.to_owned(), subject.title, subject.measure, curves)
}

fn figure_of_several(
    runs: &[Run],
    looks: &[Look],
    subject: &Subject,
    is_shown: impl Fn(&Run) -> bool,
) -> Option<Figure> {
    let of = subject.values.first()?.of;
    let shown = runs.iter().zip(looks).enumerate().filter(|(_, (run, _))| is_shown(run));
    let curves = shown.map(|(entry, (run, look))| Curve {
        entry,
        look: *look,
        name: run.label.clone(),
        points: points(&run.sweeps, of),
    });
    let id = match subject.id {
        // There may be one for each kind of samples.
        "judged" => subject.title.replace("R^2", "r2").replace(' ', "-"),
        id => id.to_owned(),
    };
    Figure::new(id, subject.title.clone(), subject.measure, curves.collect())
}

/// One value of every sweep, without what is not finite.
fn points(sweeps: &[Metrics], of: fn(&Metrics) -> f64) -> Vec<Point> {
    let point = |metrics: &Metrics| Point {
        sweep: metrics.sweep as f64,
        seconds: metrics.seconds,
        value: of(metrics),
    };
    let is_shown = |point: &Point| point.value.abs() < LARGEST && point.seconds.is_finite();
    thinned(sweeps.iter().map(point).filter(is_shown).collect(), |point| (point.sweep, point.value))
}
