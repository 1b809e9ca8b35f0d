//! The weights of an epoch by equations 2 and 3, computed anew.

use altmin_core::Loss;
use altmin_core::method::tssm::{Inner, Settings as CoreSettings, Subnetwork};
use altmin_core::optimizer::Optimizer;

use crate::random::{Purpose, shuffle};
use crate::run::engine::Part;
use crate::settings::Settings;
use crate::verify::blocks;
use crate::verify::matrix::{Mat, Sum};
use crate::verify::plain::{add_risk, risk_gradient};

/// What the weights' steps remember from batch to batch.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// None of proximal sweeps, which are not followed.
    optimizer: Option<Optimizer<f64>>,
    alpha: f64,
    loss: Loss,
    frozen: usize,
    guard: Option<f64>,
    seed: u64,
    samples: usize,
    batches: usize,
    epoch: u32,
}

/// What a subnetwork's optimiser remembers.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
    cost: f64,
}

impl Memory {
    /// What `train` remembers of it.
    pub(super) fn of<S: altmin_core::matrix::Memory<f64>>(subnetwork: &Subnetwork<f64, S>) -> Self {
        let (first, second, steps) = subnetwork.moments();
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        Self { first: first.to_vec(), second: second.to_vec(), steps, cost: subnetwork.cost() }
    }
}

/// What a subnetwork learns from: its inputs and what it should make of them.
pub(super) struct Examples<'a> {
    pub(super) input: &'a Mat,
    pub(super) target: &'a Mat,
}

impl Weights {
    pub(super) fn new(settings: &Settings, core: &CoreSettings<f64>, samples: usize) -> Self {
        let optimizer = match core.inner {
            Inner::Optimizer(optimizer) => Some(optimizer),
            Inner::Proximal { .. } => None,
        };
        Self {
            optimizer,
            alpha: settings.alpha,
            loss: core.loss,
            frozen: settings.freeze,
            guard: settings.guard,
            seed: settings.seed,
            samples,
            batches: settings.batch.map_or(1, |batch| samples.div_ceil(batch)),
            epoch: 0,
        }
    }

    /// The samples in the order of the next epoch.
    pub(super) fn order(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.samples).collect();
        if self.batches > 1 {
            shuffle(self.seed, Purpose::Batches, self.epoch, &mut order);
        }
        self.epoch += 1;
        order
    }

    /// The parameters of all subnetworks after an epoch in this order.
    pub(super) fn epoch(
        &self,
        order: &[usize],
        parts: &[Part<f64>],
        parameters: &[Vec<f64>],
        memory: &[Memory],
        lessons: &[Examples<'_>],
    ) -> Vec<Vec<f64>> {
        let trained = parameters.iter().enumerate().map(|(l, parameters)| {
            if l < self.frozen {
                return parameters.clone();
            }
            self.train(l, parts, parameters, &mut memory[l].clone(), &lessons[l], order)
        });
        trained.collect()
    }

    fn train(
        &self,
        l: usize,
        parts: &[Part<f64>],
        start: &[f64],
        memory: &mut Memory,
        lesson: &Examples<'_>,
        order: &[usize],
    ) -> Vec<f64> {
        let (network, is_last) = (parts[l].network(), l + 1 == parts.len());
        let (mut parameters, mut cost) = (start.to_vec(), 0.0);
        for batch in 0..self.batches {
            let edge = |batch: usize| self.samples * batch / self.batches;
            let batch = &order[edge(batch)..edge(batch + 1)];
            let mut gradient = vec![0.0; parameters.len()];
            for &j in batch {
                let values = blocks::forward(&network, &parameters, lesson.input.column(j));
                let output = &values[values.len() - 1];
                let (signal, own) = self.signal(is_last, output, lesson.target.column(j));
                cost += own;
                blocks::backward(&network, &parameters, &values, &signal, &mut gradient);
            }
            let weight = if is_last { 1.0 } else { self.alpha };
            gradient.iter_mut().for_each(|g| *g *= weight / batch.len() as f64);
            self.step(memory, &gradient, &mut parameters);
        }
        let cost = cost / self.samples as f64;
        match self.guard {
            Some(guard) if cost > memory.cost + guard => start.to_vec(),
            _ => parameters,
        }
    }

    /// The gradient in an output, without alpha, and the cost.
    fn signal(&self, is_last: bool, output: &[f64], target: &[f64]) -> (Vec<f64>, f64) {
        if is_last {
            let column = |data: &[f64]| Mat { rows: data.len(), columns: 1, data: data.to_vec() };
            let (z, y, mut sum) = (column(output), column(target), Sum::default());
            add_risk(self.loss, &z, &y, &mut sum);
            return (risk_gradient(self.loss, &z, &y).data, sum.value().value);
        }
        let off: Vec<f64> = output.iter().zip(target).map(|(f, q)| f - q).collect();
        let squared: f64 = off.iter().map(|off| off * off).sum();
        (off, 0.5 * self.alpha * squared)
    }

    /// Gradient descent, or Adam by Kingma and Ba's Algorithm 1.
    fn step(&self, memory: &mut Memory, gradient: &[f64], parameters: &mut [f64]) {
        let Memory { first, second, steps, .. } = memory;
        *steps += 1;
        for (i, (w, &g)) in parameters.iter_mut().zip(gradient).enumerate() {
            match self.optimizer {
                Some(Optimizer::Adam { rate, beta1, beta2, epsilon }) => {
                    first[i] = beta1 * first[i] + (1.0 - beta1) * g;
                    second[i] = beta2 * second[i] + (1.0 - beta2) * g * g;
                    let m = first[i] / (1.0 - beta1.powi(*steps));
                    let v = second[i] / (1.0 - beta2.powi(*steps));
                    *w -= rate * m / (v.sqrt() + epsilon);
                }
                Some(Optimizer::Gd { rate }) => *w -= rate * g,
                // Subnetworks know no other.
                Some(Optimizer::Adagrad { .. } | Optimizer::Adadelta { .. }) | None => {}
            }
        }
    }
}
