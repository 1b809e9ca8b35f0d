//! The tasks of an epoch, from a trial of a few batches and tiles.

use altmin_core::Real;
use altmin_core::loss::Target;
use altmin_core::method::tssm::Inner;
use altmin_core::method::{Partition, Problem};
use altmin_core::view::{dense, dense_mut};

use super::list::Graph;
use super::recorder::{Phase, Recorder};
use crate::engine::{Batches, Cut, Engine, Subnetworks};
use crate::error::Result;
use crate::init::{self, Initializer};
use crate::kernel::AnyGemm;
use crate::random::{Purpose, uniform};

/// Trials after the first, which finds memory and caches cold: the quickest counts, others were held up.
const TRIALS: usize = 4;

/// Batches of a trial at least.
const BATCHES: usize = 2;

/// The tasks of an epoch: those of a batch, again and again, and what follows the last. Barriers part them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Epoch {
    batch: Graph,
    batches: f64,
    rest: Graph,
}

impl Epoch {
    /// Times a trial of `plan` and puts together an epoch over so many samples.
    pub(super) fn time<T: Real>(plan: &Subnetworks<T>, samples: usize, gemm: &AnyGemm) -> Result<Self> {
        let whole = Cut::of(plan, samples);
        let trial = Trial::of(whole, samples);
        let phases = trial.phases(plan, gemm)?;
        let (weights, rest) = phases.split_at((trial.batches * phases_of_batch(plan)).min(phases.len()));
        let batch: Vec<Phase> = mean_batch(weights, trial.batches)
            .iter()
            .enumerate()
            .map(|(p, phase)| trial.batch_phase(whole, p, phase))
            .collect();
        let rest: Vec<Phase> = rest.iter().map(|phase| trial.tile_phase(whole.all, phase)).collect();
        // Batches of an epoch differ by a sample at most: as many of the largest as make the samples.
        let batches = samples as f64 / whole.batch.samples().max(1) as f64;
        Ok(Self { batch: graph(&batch), batches, rest: graph(&rest) })
    }

    pub(super) fn work(&self) -> f64 {
        self.batches * self.batch.work() + self.rest.work()
    }

    pub(super) fn critical_path(&self) -> f64 {
        self.batches * self.batch.critical_path() + self.rest.critical_path()
    }

    pub(super) fn makespan(&self, workers: usize) -> f64 {
        self.batches * self.batch.makespan(workers) + self.rest.makespan(workers)
    }
}

/// Phases with barriers after them, and what one thread does before each.
fn graph(phases: &[Phase]) -> Graph {
    let mut graph = Graph::new();
    let mut barrier = None;
    for phase in phases {
        let waits_for: Vec<usize> = barrier.into_iter().collect();
        let before = graph.add(phase.before, &waits_for);
        barrier = Some(graph.add_phase(&phase.units, Some(before)));
    }
    graph
}

/// Phases in which the weights step once: passes and steps of an optimiser; passes, sums and steps of proximal sweeps, and
/// the passes by which a guard looks at their costs.
fn phases_of_batch<T: Real>(plan: &Subnetworks<T>) -> usize {
    match plan.settings.inner {
        Inner::Optimizer(_) => 2,
        Inner::Proximal { .. } if plan.settings.guard.is_none() => 3,
        Inner::Proximal { .. } => 4,
    }
}

/// The mean of every unit over the batches.
fn mean_batch(phases: &[Phase], batches: usize) -> Vec<Phase> {
    let each = phases.len() / batches.max(1);
    let share = 1.0 / batches.max(1) as f64;
    let mean = |p: usize| {
        let mut sum = Phase { before: 0.0, units: vec![0.0; phases[p].units.len()] };
        for phase in phases.iter().skip(p).step_by(each) {
            sum.before += share * phase.before;
            sum.units.iter_mut().zip(&phase.units).for_each(|(sum, unit)| *sum += share * unit);
        }
        sum
    };
    (0..each).map(mean).collect()
}

/// A short epoch: batches as wide as those of the whole one, and tiles as wide.
#[derive(Debug, Clone, Copy)]
struct Trial {
    cut: Cut,
    batches: usize,
    /// Samples of a batch; all, if a batch takes all.
    size: Option<usize>,
}

impl Trial {
    fn of(whole: Cut, samples: usize) -> Self {
        let (tile, batch) = (whole.all.tile(), whole.batch);
        if batch.samples() < samples {
            // As many batches as fill a tile.
            let most = samples / batch.samples();
            let batches = BATCHES.max(tile.div_ceil(batch.samples())).min(most.max(1));
            let all = Partition::new(batches * batch.samples(), tile, whole.all.groups());
            return Self { cut: Cut { all, batch }, batches, size: Some(batch.samples()) };
        }
        // A batch of all samples: a tile for each group will do.
        let few = samples.min(batch.groups() * batch.tile());
        let cut = |partition: Partition| Partition::new(few, partition.tile(), partition.groups());
        Self { cut: Cut { all: cut(whole.all), batch: cut(batch) }, batches: 1, size: None }
    }

    /// The phases of the quickest trial.
    fn phases<T: Real>(&self, plan: &Subnetworks<T>, gemm: &AnyGemm) -> Result<Vec<Phase>> {
        let batches = self.size.map(|size| Batches { size, seed: 0 });
        let mut engine = Engine::of_cut_blocks(Subnetworks { batches, ..plan.clone() }, self.cut, gemm)?;
        let shapes = plan.parts.iter().flat_map(|part| part.network().maps());
        for (index, (map, (weights, _))) in shapes.zip(engine.maps_mut()).enumerate() {
            init::fill(Initializer::He, 0, index as u32, &mut dense_mut(weights, map.n_out, map.n_in));
        }
        let samples = self.cut.all.samples();
        let ends = (plan.parts.first(), plan.parts.last());
        let features = ends.0.map_or(0, |part| part.network().input().features());
        let outputs = ends.1.map_or(1, |part| part.network().output().features());
        let x: Vec<T> = (0..(features * samples) as u64)
            .map(|index| T::from_f64(uniform(0, Purpose::Features, 0, index)))
            .collect();
        let classes: Vec<u32> = (0..samples).map(|sample| (sample % outputs) as u32).collect();
        let problem = Problem { x: dense(&x, features, samples), target: Target::Classes(&classes) };
        let mut recorder = Recorder::new(engine.scratch());
        engine.initialize(problem, &mut recorder, gemm)?;
        let mut quickest: Option<(f64, Vec<Phase>)> = None;
        for trial in 0..=TRIALS {
            recorder.begin();
            engine.sweep(problem, &mut recorder, gemm)?;
            let phases = recorder.phases();
            let seconds = phases.iter().map(|phase| phase.before + phase.units.iter().sum::<f64>()).sum();
            if trial > 0 && quickest.as_ref().is_none_or(|(least, _)| seconds < *least) {
                quickest = Some((seconds, phases.to_vec()));
            }
        }
        Ok(quickest.map_or_else(Vec::new, |(_, phases)| phases))
    }

    /// A phase of a batch as the whole epoch has it: passes over groups take as many samples as there are, all else is the
    /// same for any number.
    fn batch_phase(&self, whole: Cut, p: usize, phase: &Phase) -> Phase {
        let is_pass = p == 0 || p == 3;
        if !is_pass {
            return phase.clone();
        }
        let (own, groups) = (self.cut.batch, self.cut.batch.groups());
        let samples = |partition: Partition, g: usize| partition.group(g).1 as f64;
        let scaled = |(unit, &seconds): (usize, &f64)| {
            let g = unit % groups;
            seconds * samples(whole.batch, g) / samples(own, g).max(1.0)
        };
        Phase { before: phase.before, units: phase.units.iter().enumerate().map(scaled).collect() }
    }

    /// A phase over tiles as the whole epoch has it.
    fn tile_phase(&self, whole: Partition, phase: &Phase) -> Phase {
        let (tile, samples) = (whole.tile().max(1), whole.samples());
        let width = tile.min(self.cut.all.samples()).max(1) as f64;
        let first = phase.units.first().copied().unwrap_or(0.0);
        let units = (0..samples.div_ceil(tile)).map(|t| first * tile.min(samples - t * tile) as f64 / width);
        Phase { before: phase.before, units: units.collect() }
    }
}
