//! Blocks that step by signals at their own output.

use crate::block::{GradientSums, MapKind, Network, Sink, track};
use crate::error::Result;
use crate::executor::Sequential;
use crate::gemm::Gemm;
use crate::method::Hyperparameters;
use crate::method::partition::Partition;
use crate::method::pass::Samples;
use crate::method::proxprop::{MapStep, MapVariables};
use crate::method::run::carve_mut;
use crate::method::tssm::Inner;
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::view::{MatMut, MatRef};
use crate::workspace::{Requirement, Stack};

/// Blocks with the rule by which their maps step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Learner<'a, T> {
    maps: MapStep<'a, T>,
    /// M, over which a gradient takes the mean of Omega.
    samples: usize,
}

/// Which step it is, and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace<'o> {
    pub(super) samples: Samples<'o>,
    /// Counted from 0.
    pub(super) k: usize,
    /// nu over the length of the step as a share.
    pub(super) nu: f64,
    /// The length of the step as a share.
    pub(super) length: f64,
    /// Whether the norm of the gradient is wanted afterwards.
    pub(super) with_slope: bool,
}

/// What a learner keeps beside parameters.
#[derive(Debug)]
pub(super) struct Kept<'s, T> {
    pub(super) scalars: &'s mut [T],
    pub(super) numbers: &'s mut [f64],
}

/// The rule of a gradient; `None` where steps are by least squares.
pub(super) fn optimizer<T: Real>(settings: &Hyperparameters<T>) -> Option<Optimizer<T>> {
    let Hyperparameters { learning_rate, momentum, .. } = *settings;
    match settings.inner {
        Inner::Sgd => Some(Optimizer::momentum(learning_rate, momentum, false)),
        Inner::Adam => Some(Optimizer::adam(learning_rate)),
        Inner::Proxprop => None,
    }
}

impl<'a, T: Real> Learner<'a, T> {
    /// A network that steps by batches of which `largest` cuts the largest, of `samples` samples in all.
    pub(super) fn new(
        network: Network<'a, T>,
        largest: Partition,
        samples: usize,
        settings: Hyperparameters<T>,
    ) -> Self {
        Self { maps: MapStep { network, largest, settings }, samples }
    }

    fn optimizer(&self) -> Option<Optimizer<T>> {
        optimizer(&self.maps.settings)
    }

    /// Elements that are kept beside the parameters: velocity, memory for solving and sums, or gradient and moments.
    fn parts(&self) -> [usize; 3] {
        let Some(optimizer) = self.optimizer() else { return self.maps.scalars() };
        let parameters = self.maps.network.parameters();
        [0, 1, 2].map(|part| if optimizer.moments() >= part { parameters } else { 0 })
    }

    pub(super) fn scalars(&self) -> usize {
        self.parts().into_iter().fold(0, usize::saturating_add)
    }

    pub(super) fn numbers(&self) -> usize {
        self.maps.numbers()
    }

    /// Scratch for [`backward`](Self::backward), beside the network's, for m samples.
    pub(super) fn backward_workspace<G: Gemm<T>>(&self, gemm: &G, m: usize) -> Requirement {
        self.maps.layout().workspace(gemm, m)
    }

    /// Scratch for [`step`](Self::step).
    pub(super) fn step_workspace<G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        if self.optimizer().is_some() { Requirement::NONE } else { self.maps.workspace(gemm) }
    }

    /// The share of a signal, the gradient of R summed over the batch, that the rule steps by.
    pub(super) fn scale(&self, pace: &Pace<'_>) -> T {
        match self.optimizer() {
            Some(_) => T::ONE / T::from_usize(pace.samples.count()),
            None => T::from_f64(1.0 / pace.nu),
        }
    }

    /// Takes the signal at the output, which is overwritten, back to the input where `dx` is wanted, and keeps what the maps
    /// meet.
    pub(super) fn backward<G: Gemm<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        (input, record): (&MatRef<'_, T>, &[T]),
        signal: &mut [T],
        dx: Option<&mut MatMut<'_, T>>,
        kept: &mut Kept<'_, T>,
        k: usize,
        stack: Stack<'_, T>,
    ) -> Result {
        let network = self.maps.network;
        if self.optimizer().is_some() {
            let [gradient, _, _] = carve_mut(kept.scalars, self.parts());
            gradient.fill(T::ZERO);
            let sink = &mut GradientSums(gradient);
            return network.backward(gemm, parameters, input, record, signal, dx, sink, stack);
        }
        let [_, _, groups] = carve_mut(kept.scalars, self.parts());
        let layout = self.maps.layout();
        let sink = &mut layout.collect(groups, self.maps.parts(k));
        sink.begin(0);
        network.backward(gemm, parameters, input, record, signal, dx, sink, stack)
    }

    /// The step from what the way back has left.
    pub(super) fn step<G: Gemm<T>>(
        &self,
        gemm: &G,
        parameters: &mut [T],
        kept: &mut Kept<'_, T>,
        pace: &Pace<'_>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Some(optimizer) = self.optimizer() else {
            let [velocity, solving, groups] = carve_mut(kept.scalars, self.parts());
            let variables = &mut MapVariables { velocity, solving, groups, solved: kept.numbers };
            let executor = &mut Sequential::new(stack.vector(stack.len())?);
            let batch = (pace.samples, pace.k);
            self.maps.solve(parameters, variables, batch, pace.nu, pace.with_slope, executor, gemm)?;
            let share = T::from_f64(self.share(pace));
            return self.maps.advance(parameters, variables, pace.samples, share, executor, gemm);
        };
        let [gradient, first, second] = carve_mut(kept.scalars, self.parts());
        let optimizer = optimizer.shortened(T::from_f64(pace.length));
        for map in self.maps.network.maps() {
            if map.kind == MapKind::Statistics {
                let all = map.offset..map.end();
                let sums = &mut gradient[all.clone()];
                track(&mut parameters[all], sums, pace.samples.count());
                sums.fill(T::ZERO);
                continue;
            }
            let weights = map.offset..map.offset + map.regularized();
            if let Regularizer::L2(lambda) = self.maps.settings.regularizer {
                let share = lambda / T::from_usize(self.samples);
                let pairs = gradient[weights.clone()].iter_mut().zip(&parameters[weights.clone()]);
                pairs.for_each(|(g, &w)| *g += share * w);
            }
            optimizer.decay(self.maps.settings.weight_decay, &mut parameters[weights]);
        }
        optimizer.step(pace.k as u64 + 1, gradient, first, second, parameters)
    }

    /// The share of the weights that a least-squares step keeps; 0 of steps that cannot be taken back.
    pub(super) fn share(&self, pace: &Pace<'_>) -> f64 {
        match self.optimizer() {
            Some(_) => 0.0,
            None => 1.0 - self.maps.settings.weight_decay.to_f64() / pace.nu,
        }
    }

    /// Undoes the last least-squares step, which kept this share of the weights, up to rounding.
    pub(super) fn take_back(&self, parameters: &mut [T], kept: &mut Kept<'_, T>, share: f64) {
        let [velocity, _, _] = carve_mut(kept.scalars, self.parts());
        self.maps.take_back(parameters, velocity, share);
    }

    /// The square of the norm of the gradient of R, summed over the batch, that the last step was made from.
    pub(super) fn slope(&self, kept: &Kept<'_, T>, pace: &Pace<'_>) -> f64 {
        let (squared, scale) = match self.optimizer() {
            Some(_) => (reduce::sum_squares(&kept.scalars[..self.parts()[0]]), pace.samples.count() as f64),
            None => (MapStep::<T>::slope(kept.numbers), pace.nu),
        };
        scale * scale * squared
    }
}
