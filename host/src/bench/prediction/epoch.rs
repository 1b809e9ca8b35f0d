//! The tasks of an epoch, from a trial of a few batches and tiles.

use altmin_core::Real;
use std::time::{Duration, Instant};

use altmin_core::loss::Target;
use altmin_core::method::{AnyMethod, Hyperparameters, Method as _, Partition, Problem, Run, widest_tile};
use altmin_core::view::dense;

use super::list::Graph;
use super::recorder::{Phase, Recorder};
use crate::error::Result;
use crate::network::Network;
use crate::network::init::Initializer;
use crate::random::{Purpose, uniform};
use crate::run::engine::{Batches, Engine};
use crate::run::kernel::AnyGemm;
use crate::run::plan;
use crate::settings::{Inner, Settings, Use};

/// Trials after the first, which finds memory and caches cold, at least and at most, and the time after which no more are
/// begun: the quickest counts, others were held up.
const LEAST_TRIALS: usize = 3;
const MOST_TRIALS: usize = 30;
const ENOUGH: Duration = Duration::from_secs(1);

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
    /// Times a trial of a run and puts together an epoch over so many samples.
    pub(super) fn time<T: Real>(
        settings: &Settings,
        network: &Network,
        samples: usize,
        gemm: &AnyGemm,
    ) -> Result<Self> {
        let whole = Cut::of(settings, network, samples)?;
        let trial = Trial::of(whole, samples);
        let phases = trial.phases::<T>(settings, network, gemm)?;
        let (weights, rest) = phases.split_at((trial.batches * phases_of_batch(settings)).min(phases.len()));
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

/// Phases in which the weights step once: passes and steps of an optimiser; passes, solutions and steps of proximal
/// mini-batches; passes, sums, copies and steps of proximal sweeps, and the passes by which a guard looks at their costs.
fn phases_of_batch(settings: &Settings) -> usize {
    let is_guarded = settings.guard.is_some();
    match settings.inner {
        Inner::Proxprop if !settings.method.card().uses(Use::Subnetworks) => 2,
        Inner::Proxprop if settings.batch.is_some() && !is_guarded => 3,
        Inner::Proxprop => GUARD + usize::from(is_guarded),
        Inner::Sgd | Inner::Adam => 2,
    }
}

/// Where a guard's pass comes in proximal sweeps.
const GUARD: usize = 4;

/// How the samples of a run are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    /// All of them.
    all: Partition,
    /// The largest mini-batch.
    batch: Partition,
}

impl Cut {
    /// How a run over so many samples cuts them.
    fn of(settings: &Settings, network: &Network, samples: usize) -> Result<Self> {
        let view = network.view();
        let cuts = plan::cuts(settings, network)?;
        let edges: Vec<usize> = [0].iter().chain(&cuts).chain(&[view.blocks().len()]).copied().collect();
        let widest =
            edges.windows(2).map(|pair| widest_tile(&view.part(pair[0]..pair[1]))).min().unwrap_or(1);
        let largest = plan::batches(settings).map_or(samples, |batches| batches.largest(samples));
        let all = Partition::for_network(samples, widest);
        let batch = match view.has_batch_norm() {
            true => Partition::for_batch(largest, &view),
            false => Partition::for_network(largest, widest),
        };
        Ok(Self { all, batch })
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
    fn phases<T: Real>(&self, settings: &Settings, network: &Network, gemm: &AnyGemm) -> Result<Vec<Phase>> {
        let samples = self.cut.all.samples();
        let (features, outputs) = (network.input().features(), network.outputs());
        let x: Vec<T> = (0..(features * samples) as u64)
            .map(|index| T::from_f64(uniform(0, Purpose::Features, 0, index)))
            .collect();
        let classes: Vec<u32> = (0..samples).map(|sample| (sample % outputs) as u32).collect();
        let problem = Problem { x: dense(&x, features, samples), target: Target::Classes(&classes) };
        // A batch that takes all says how it steps all the same.
        let batch = self.size.or(settings.batch);
        let hyperparameters = Hyperparameters { batch, ..settings.hyperparameters::<T>() };
        let make = |run: &Run<'_, T>| {
            let method = AnyMethod::new(settings.method, &hyperparameters, run)?;
            method.recut([self.cut.all, self.cut.batch], run)
        };
        let batches = self.size.map(|size| Batches { size, seed: 0 });
        let cuts = plan::cuts(settings, network)?;
        let mut engine = Engine::with_method(make, network, &cuts, batches, problem, gemm)?;
        let initial = Settings { init: Initializer::He, seed: 0, ..settings.clone() };
        engine.parameters_mut().copy_from_slice(&plan::initial_parameters(&initial, network)?);
        let mut recorder = Recorder::new(engine.scratch());
        engine.initialize(problem, &mut recorder, gemm)?;
        let mut quickest: Option<(f64, Vec<Phase>)> = None;
        let start = Instant::now();
        for trial in 0..=MOST_TRIALS {
            if trial > LEAST_TRIALS && start.elapsed() > ENOUGH {
                break;
            }
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
        let is_pass = p == 0 || p == GUARD;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::settings::TrainOptions;
    use std::path::Path;

    fn settings(text: &str) -> (Settings, usize, Network) {
        let options = TrainOptions::from_toml(text, Path::new("some.toml")).expect(text);
        let settings = options.resolve().expect(text);
        let (train, _) = data::load::<f32>(&settings.data, &settings.data_options()).expect("digits");
        let network = plan::network(&settings, &train).expect(text);
        (settings, train.n_samples(), network)
    }

    #[test]
    fn a_trial_has_the_phases_of_its_batches_and_what_follows() {
        // Steps of p for two interfaces, those of q and u, the measurement; of gsAM p's and the measurement.
        for (text, between) in [
            ("method = 'gsadmm'\nhidden = '9x4'\nsubnetworks = 3\nbatch = 100", 5),
            ("method = 'gsam'\nhidden = '9x4'\nsubnetworks = 3\nbatch = 100\ninner = 'sgd'", 3),
            ("method = 'gsadmm'\nhidden = '9x4'\nsubnetworks = 3\ninner = 'proxprop'", 5),
            ("method = 'gsadmm'\nhidden = '9x4'\nsubnetworks = 3\ninner = 'proxprop'\nguard = 'none'", 5),
            ("method = 'gsadmm'\nhidden = '9x4'\nsubnetworks = 3\ninner = 'proxprop'\nbatch = 300", 5),
            ("method = 'gsadmm'\nhidden = '9x4'\nsubnetworks = 3\ninner = 'proxprop'\nbatch = 1400", 5),
            (
                "method = 'gsadmm'\nhidden = '9x4'\nsubnetworks = 3\ninner = 'proxprop'\nguard = 0\nbatch = 300",
                5,
            ),
        ] {
            let (settings, samples, network) = settings(text);
            let whole = Cut::of(&settings, &network, samples).expect(text);
            let trial = Trial::of(whole, samples);
            let gemm = AnyGemm::of(crate::settings::Kernel::Portable);
            let phases = trial.phases::<f32>(&settings, &network, &gemm).expect(text);
            assert_eq!(phases.len(), trial.batches * phases_of_batch(&settings) + between, "{text}");
            assert_eq!(phases[0].units.len(), 3 * whole.batch.groups(), "{text}");
            assert!(trial.cut.all.samples() <= samples && trial.cut.all.tile() == whole.all.tile(), "{text}");
            let rest = &phases[phases.len() - between..];
            assert!(
                rest.iter()
                    .all(|phase| phase.units.len() == trial.cut.all.samples().div_ceil(whole.all.tile()))
            );
            let epoch = trial.tile_phase(whole.all, &rest[0]);
            assert_eq!(epoch.units.len(), samples.div_ceil(whole.all.tile()), "{text}");
        }
    }

    #[test]
    fn end_to_end_there_is_nothing_between_the_batches() {
        let (settings, samples, network) = settings("method = 'gsadmm'\nhidden = '9x4'\nbatch = 100");
        let whole = plan::end_to_end(&settings);
        let options = TrainOptions::from(whole.clone()).resolve().expect("a baseline's settings");
        assert_eq!(options.method, crate::settings::Method::Adam);
        let trial = Trial::of(Cut::of(&whole, &network, samples).expect("a cut"), samples);
        let gemm = AnyGemm::of(crate::settings::Kernel::Portable);
        let phases = trial.phases::<f32>(&whole, &network, &gemm).expect("a trial");
        assert_eq!(phases.len(), trial.batches * 2);
    }

    #[test]
    fn passes_of_whole_groups_are_scaled_and_steps_are_not() {
        let whole = Partition::new(1000, 100, 4);
        let cut = Partition::new(400, 100, 4);
        let trial = Trial { cut: Cut { all: cut, batch: cut }, batches: 1, size: None };
        let phase = Phase { before: 0.5, units: vec![1.0; 8] };
        let scaled = trial.batch_phase(Cut { all: whole, batch: whole }, 0, &phase);
        // Ten tiles in four groups: 2, 3, 2 and 3, for each of two subnetworks.
        assert_eq!(scaled.units, [2.0, 3.0, 2.0, 3.0, 2.0, 3.0, 2.0, 3.0]);
        assert_eq!(trial.batch_phase(Cut { all: whole, batch: whole }, 1, &phase), phase);
        let tiles =
            trial.tile_phase(Partition::new(250, 100, 4), &Phase { before: 0.5, units: vec![2.0, 9.0] });
        assert_eq!(tiles, Phase { before: 0.5, units: vec![2.0, 2.0, 1.0] });
    }
}
