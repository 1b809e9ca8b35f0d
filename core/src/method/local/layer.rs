//! A layer with its read-out, and what it does with a batch.

use super::learner::{Kept, Learner, Pace};
use super::readout::Readout;
use crate::block::Network;
use crate::error::{Error, Result};
use crate::executor::{Output, Own};
use crate::gemm::Gemm;
use crate::loss::{OutputSolver, Target, solve_output_workspace};
use crate::method::numbers::{Numbers, numbers};
use crate::method::partition::Partition;
use crate::method::parts::Parts;
use crate::method::pass::{Goal, Samples, Signal, Tally};
use crate::method::run::carve_mut;
use crate::method::step_schedule::Schedule;
use crate::method::{Hyperparameters, nu_update};
use crate::real::Real;
use crate::view::{MatRef, copy, dense_mut};
use crate::workspace::{Requirement, Stack};

/// What a layer knows from one batch to the next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// nu of the settings, multiplied by 4 for every batch that was not finite.
    pub(super) nu: f64,
    /// Steps so far.
    pub(super) steps: usize,
    /// The share of the weights that the last step kept before it added the velocity; 0 where there is none to undo.
    kept: f64,
    /// R of the last batch as the layer reads it, before its step.
    pub(super) risk: f64,
    /// The square of the norm of its gradient, where it was wanted.
    pub(super) slope: f64,
    /// R and score of the batches of the sweep, each before its step.
    pub(super) seen: Tally,
    /// A batch of the sweep was left out.
    pub(super) left_out: bool,
}

numbers!(Progress { nu: f64, steps: usize, kept: f64, risk: f64, slope: f64, seen: Tally, left_out: bool });

/// What all layers are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a, T: Real> {
    pub(super) parts: Parts<'a, T>,
    /// How the largest batch is cut.
    pub(super) largest: Partition,
    /// M.
    pub(super) samples: usize,
    pub(super) settings: Hyperparameters<T>,
    pub(super) schedule: Schedule,
}

impl<'a, T: Real> Frame<'a, T> {
    /// The read-out of layer l; the last layer has none.
    pub(super) fn readout(&self, l: usize) -> Option<Readout<T>> {
        let last = self.parts.count().checked_sub(1).filter(|&last| l < last)?;
        let outputs = self.parts.get(last).output().features();
        Some(Readout::new(self.parts.get(l).output(), outputs, self.settings.readout_grid))
    }

    fn learner<'n>(&self, network: Network<'n, T>) -> Learner<'n, T> {
        Learner::new(network, self.largest, self.samples, self.settings)
    }

    /// Elements of layer l beside its parameters: its rule's, its read-out's parameters and the rule's of those.
    fn scalar_parts(&self, l: usize) -> Result<[usize; 3]> {
        let own = self.learner(self.parts.get(l)).scalars();
        let Some(readout) = self.readout(l) else { return Ok([own, 0, 0]) };
        Ok([own, readout.parameters(), self.learner(readout.network()?).scalars()])
    }

    /// Numbers of layer l: its progress, its rule's and its read-out's rule's.
    fn number_parts(&self, l: usize) -> Result<[usize; 3]> {
        let own = self.learner(self.parts.get(l)).numbers();
        let Some(readout) = self.readout(l) else { return Ok([Progress::COUNT, own, 0]) };
        Ok([Progress::COUNT, own, self.learner(readout.network()?).numbers()])
    }

    /// Where the parameters of its read-out begin among them.
    pub(super) fn readout_parameters(&self, l: usize) -> usize {
        self.learner(self.parts.get(l)).scalars()
    }

    /// Elements of layer l beside its parameters.
    pub(super) fn scalars(&self, l: usize) -> usize {
        total(self.scalar_parts(l))
    }

    /// Numbers of layer l.
    pub(super) fn numbers(&self, l: usize) -> usize {
        total(self.number_parts(l))
    }

    /// Multiplications of layer l and its read-out for a sample: forward and for the weights' sums, and in a layer of several
    /// maps back.
    pub(super) fn multiplications(&self, l: usize) -> f64 {
        let of = |network: &Network<'_, T>, times: f64| {
            let maps = network.steps().flat_map(|step| {
                let pixels = step.output.pixels() as f64;
                let maps = step.block.maps(step.input, 0).into_iter().flatten();
                maps.map(move |map| map.n_out as f64 * map.n_in as f64 * pixels)
            });
            times * maps.sum::<f64>()
        };
        let own = self.parts.get(l);
        let matrices = own.maps().filter(|map| map.kind.is_matrix()).count();
        let times = if matrices > 1 { 3.0 } else { 2.0 };
        let readout = self.readout(l);
        let read = readout.as_ref().and_then(|readout| readout.network().ok());
        of(&own, times) + read.map_or(0.0, |network| of(&network, 3.0))
    }

    /// Elements that layer l sends up of the largest batch.
    pub(super) fn sent(&self, l: usize) -> usize {
        let features = if l + 1 < self.parts.count() { self.parts.features(l) } else { 0 };
        features.saturating_mul(self.largest.samples())
    }

    /// Scratch of [`take`](Self::take), and of gathering the batch.
    pub(super) fn workspace<G: Gemm<T>>(&self, gemm: &G, l: usize) -> Requirement {
        let network = self.parts.get(l);
        let input = Requirement::matrix(network.input().features(), self.largest.samples());
        let (held, used) = self.workspace_of(gemm, &network);
        let readout = self.readout(l);
        let Some(Ok(readout)) = readout.as_ref().map(Readout::network) else {
            return input.and(held).and(used);
        };
        let (also_held, also_used) = self.workspace_of(gemm, &readout);
        input.and(held).and(also_held).and(used.or(also_used))
    }

    /// What a network's passes hold all along, and what they need one after the other.
    fn workspace_of<G: Gemm<T>>(&self, gemm: &G, network: &Network<'_, T>) -> (Requirement, Requirement) {
        let (m, learner) = (self.largest.samples(), self.learner(*network));
        let risk = solve_output_workspace::<T>(
            self.settings.loss,
            OutputSolver::Newton,
            network.output().features(),
        );
        let back = network.workspace(gemm, m).and(learner.backward_workspace(gemm, m));
        let held = Requirement::vector(network.record(m)).and(Requirement::vector(network.signal(m)));
        (held, back.or(risk).or(learner.step_workspace(gemm)))
    }

    /// Begins at nu of the settings, without momentum, and with a read-out of zeros.
    pub(super) fn begin(&self, scalars: &mut [T], numbers: &mut [f64]) {
        scalars.fill(T::ZERO);
        numbers.fill(0.0);
        Progress { nu: self.settings.nu.to_f64(), ..Progress::default() }.write(numbers);
    }

    /// Layer l leaves a batch out of which there is no input, and so do those above it.
    pub(super) fn leave_out(own: Own<'_, T>, output: Output<'_, T>) {
        *output.mark = 0.0;
        Progress::update(own.numbers, |progress| progress.left_out = true);
    }

    /// Layer l takes a batch: its output goes up, then it and its read-out step. A batch at which R is not finite is left
    /// out: the layer's last step is taken back.
    ///
    /// # Errors
    /// [`NonFinite`](Error::NonFinite) where there is no step to take back.
    pub(super) fn take<G: Gemm<T>>(
        &self,
        l: usize,
        own: Own<'_, T>,
        output: Output<'_, T>,
        input: &MatRef<'_, T>,
        (samples, target): (Samples<'_>, Target<'_, T>),
        with_slope: bool,
        gemm: &G,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Own { parameters, scalars, numbers } = own;
        let [scalars, weights, of_weights] = carve_mut(scalars, self.scalar_parts(l)?);
        let [progress, numbers, of_numbers] = carve_mut(numbers, self.number_parts(l)?);
        let mut kept = Kept { scalars, numbers };
        let mut kept_of_readout = Kept { scalars: of_weights, numbers: of_numbers };
        let mut record = Progress::read(progress);
        let (m, k, length) = (samples.count(), record.steps, self.schedule.length(record.steps));
        let pace = Pace { samples, k, nu: record.nu / length, length, with_slope };

        let network = samples.network(self.parts.get(l), 0, self.parts.block(l));
        let learner = self.learner(network);
        let passed = stack.vector(network.record(m))?;
        let signal = stack.vector(network.signal(m))?;
        network.forward(gemm, parameters, input, passed, stack.rest())?;
        let a = network.output_of(passed, m);
        let rows = a.nrows();
        let delta = &mut dense_mut(&mut signal[..rows * m], rows, m);

        let readout = self.readout(l);
        let readout = readout.as_ref().map(Readout::network).transpose()?;
        let mut tally = Tally::default();
        if let Some(reader) = readout {
            copy(&a, &mut dense_mut(&mut output.values[..rows * m], rows, m));
            let learner = self.learner(reader);
            let passed = stack.vector(reader.record(m))?;
            let signal = stack.vector(reader.signal(m))?;
            reader.forward(gemm, weights, &a, passed, stack.rest())?;
            let s = reader.output_of(passed, m);
            self.meet(&pace, &learner, &s, target, signal, &mut tally, stack.rest())?;
            if tally.cost.is_finite() {
                let (seen, dx) = ((&a, &*passed), Some(delta));
                learner.backward(gemm, weights, seen, signal, dx, &mut kept_of_readout, k, stack.rest())?;
            }
        } else {
            self.meet(&pace, &learner, &a, target, signal, &mut tally, stack.rest())?;
        }
        if !tally.cost.is_finite() {
            if record.kept == 0.0 {
                return Err(Error::NonFinite { quantity: "the loss" });
            }
            learner.take_back(parameters, &mut kept, record.kept);
            if let Some(reader) = readout {
                self.learner(reader).take_back(weights, &mut kept_of_readout, record.kept);
            }
            record.nu = nu_update::after_rejection(record.nu, self.settings.nu.to_f64());
            (record.kept, record.left_out) = (0.0, true);
            *output.mark = 0.0;
            record.write(progress);
            return Ok(());
        }
        *output.mark = 1.0;
        learner.backward(gemm, parameters, (input, &*passed), signal, None, &mut kept, k, stack.rest())?;
        learner.step(gemm, parameters, &mut kept, &pace, stack.rest())?;
        record.slope = learner.slope(&kept, &pace);
        if let Some(reader) = readout {
            let learner = self.learner(reader);
            learner.step(gemm, weights, &mut kept_of_readout, &pace, stack.rest())?;
            record.slope += learner.slope(&kept_of_readout, &pace);
        }
        record.steps += 1;
        record.kept = learner.share(&pace);
        record.risk = tally.cost;
        (record.seen.cost, record.seen.score) =
            (record.seen.cost + tally.cost, record.seen.score + tally.score);
        record.write(progress);
        Ok(())
    }

    /// R of a batch's outputs s, and the signal that the rule steps by, at the front of `signal`.
    fn meet(
        &self,
        pace: &Pace<'_>,
        learner: &Learner<'_, T>,
        s: &MatRef<'_, T>,
        target: Target<'_, T>,
        signal: &mut [T],
        tally: &mut Tally,
        stack: Stack<'_, T>,
    ) -> Result {
        let goal = Goal::Risk { loss: self.settings.loss, target, signal: Signal::Gradient };
        let signal = &mut signal[..s.nrows() * s.ncols()];
        let delta = &mut dense_mut(&mut *signal, s.nrows(), s.ncols());
        match goal.meet(&pace.samples, 0, s, Some(delta), tally, stack) {
            Err(Error::NonFinite { .. }) => tally.cost = f64::NAN,
            result => result?,
        }
        let scale = learner.scale(pace);
        signal.iter_mut().for_each(|g| *g = scale * *g);
        Ok(())
    }
}

/// All parts; more than there is memory for where a network does not fit into it.
fn total(parts: Result<[usize; 3]>) -> usize {
    parts.unwrap_or([usize::MAX; 3]).into_iter().fold(0, usize::saturating_add)
}
