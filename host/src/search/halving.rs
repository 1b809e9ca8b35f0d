//! Successive halving (Jamieson, Talwalkar 2016): many configurations on a short run, the best of them on longer ones.

use crate::compare::Better;
use crate::error::Result;
use std::cmp::Ordering;
use std::ops::ControlFlow;

/// A step of the halving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Configurations that run.
    pub configurations: usize,
    /// The share of a full run that each gets: one of so many.
    pub part: usize,
}

impl Rung {
    /// Sweeps of a run of this rung, of so many of a full one; at least 1.
    pub fn sweeps(self, full: usize) -> usize {
        ((full as f64 / self.part as f64).round() as usize).max(1)
    }
}

/// The rungs for so many configurations, of which the best of every `factor`, rounded up, goes on to runs that are `factor` times
/// as long; the last runs have `sweeps` sweeps, and the first at least one.
///
/// As many rungs as there can be with all places of the next one taken: one, and one more for each time that both
/// numbers can be divided by `factor`.
///
/// # Panics
/// If `factor` is below 2.
pub fn rungs(configurations: usize, factor: usize, sweeps: usize) -> Vec<Rung> {
    assert!(factor >= 2);
    let mut rungs = Vec::new();
    let mut part = 1;
    while part <= (configurations.min(sweeps)) / factor {
        part *= factor;
    }
    let mut configurations = configurations;
    loop {
        rungs.push(Rung { configurations, part });
        if part == 1 {
            return rungs;
        }
        part /= factor;
        configurations = configurations.div_ceil(factor);
    }
}

/// How far a configuration came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Its number.
    pub configuration: usize,
    /// The number of the last rung in which it ran.
    pub rung: usize,
    /// Its score there; none where it diverged, which is worse than any number.
    pub score: Option<f64>,
}

/// Asks `score` for the score of every configuration that a rung has, by the numbers of rung and configuration, until the last
/// rung is done or `score` breaks off.
///
/// The configurations that ran come best first: those of later rungs before those of earlier ones, then by score; of the
/// same score, the one of the lower number.
///
/// # Errors
/// What `score` returns.
pub fn halve(
    rungs: &[Rung],
    better: Better,
    mut score: impl FnMut(usize, usize) -> Result<ControlFlow<(), Option<f64>>>,
) -> Result<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    let mut running: Vec<usize> = (0..rungs.first().map_or(0, |rung| rung.configurations)).collect();
    'rungs: for (number, rung) in rungs.iter().enumerate() {
        running.truncate(rung.configurations);
        running.sort_unstable();
        for &configuration in &running {
            let ControlFlow::Continue(score) = score(number, configuration)? else { break 'rungs };
            places.retain(|place| place.configuration != configuration);
            places.push(Place { configuration, rung: number, score });
        }
        sort(&mut places, better);
        running = places.iter().take(running.len()).map(|place| place.configuration).collect();
    }
    sort(&mut places, better);
    Ok(places)
}

fn sort(places: &mut [Place], better: Better) {
    places.sort_by(|a, b| {
        b.rung
            .cmp(&a.rung)
            .then_with(|| by_score(a.score, b.score, better))
            .then(a.configuration.cmp(&b.configuration))
    });
}

/// `Less` for the better score.
fn by_score(a: Option<f64>, b: Option<f64>, better: Better) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if better == Better::Low => a.total_cmp(&b),
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
