//! The weights of an epoch by equations 2 and 3, recomputed.

use altmin_core::block::Network;
use altmin_core::method::tssm::Inner;
use altmin_core::method::{AnyMethod, Hyperparameters, State};
use altmin_core::optimizer::Optimizer;
use altmin_core::{Loss, Result};

use crate::blocks;
use crate::matrix::{Mat, Sum};
use crate::plain::{add_risk, risk_gradient};
use crate::setup::Setup;

/// The rule by which weights step, batch by batch.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// None of proximal sweeps, which are not followed.
    optimizer: Option<Optimizer<f64>>,
    alpha: f64,
    loss: Loss,
    frozen: usize,
    guard: Option<f64>,
    samples: usize,
    batches: usize,
}

/// What a subnetwork's optimiser keeps between epochs, and the mean cost that its guard compares the next one with.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
    cost: f64,
}

impl Moments {
    /// Those of every subnetwork, as the method has them.
    pub(super) fn read(
        method: &AnyMethod<f64>,
        setup: &Setup<'_>,
        state: &State<'_, f64>,
    ) -> Result<Vec<Self>> {
        let (AnyMethod::Gsadmm(method) | AnyMethod::Gsam(method)) = method else { return Ok(Vec::new()) };
        let found = method.variables(&setup.run, state)?;
        let of = |l| {
            let (first, second, steps) = found.moments(l);
            let steps = i32::try_from(steps).unwrap_or(i32::MAX);
            Self { first: first.to_vec(), second: second.to_vec(), steps, cost: found.cost(l) }
        };
        Ok((0..found.subnetworks()).map(of).collect())
    }
}

/// What a subnetwork learns from: its inputs and what it should make of them.
pub(super) struct Examples<'a> {
    pub(super) input: &'a Mat,
    pub(super) target: &'a Mat,
}

impl Weights {
    pub(super) fn new(settings: &Hyperparameters<f64>, samples: usize) -> Self {
        let optimizer = match settings.inner {
            Inner::Sgd => Some(Optimizer::gd(settings.learning_rate)),
            Inner::Adam => Some(Optimizer::adam(settings.learning_rate)),
            Inner::Proxprop => None,
        };
        Self {
            optimizer,
            alpha: settings.alpha,
            loss: settings.loss,
            frozen: settings.frozen,
            guard: settings.guard,
            samples,
            batches: settings.batch.map_or(1, |batch| samples.div_ceil(batch)),
        }
    }

    /// The samples in the order of epoch k, counted from 0.
    pub(super) fn order(&self, setup: &Setup<'_>, k: usize) -> Vec<usize> {
        match setup.order {
            Some(order) if self.batches > 1 => order(k).into_iter().map(|j| j as usize).collect(),
            _ => (0..self.samples).collect(),
        }
    }

    /// The parameters of all subnetworks after an epoch in this order.
    pub(super) fn epoch(
        &self,
        order: &[usize],
        parts: &[Network<'_, f64>],
        parameters: &[Vec<f64>],
        moments: &[Moments],
        examples: &[Examples<'_>],
    ) -> Vec<Vec<f64>> {
        let trained = parameters.iter().enumerate().map(|(l, parameters)| {
            if l < self.frozen {
                return parameters.clone();
            }
            self.train(l, parts, parameters, &mut moments[l].clone(), &examples[l], order)
        });
        trained.collect()
    }

    fn train(
        &self,
        l: usize,
        parts: &[Network<'_, f64>],
        start: &[f64],
        moments: &mut Moments,
        examples: &Examples<'_>,
        order: &[usize],
    ) -> Vec<f64> {
        let (network, is_last) = (&parts[l], l + 1 == parts.len());
        let (mut parameters, mut cost) = (start.to_vec(), 0.0);
        for batch in 0..self.batches {
            let edge = |batch: usize| self.samples * batch / self.batches;
            let batch = &order[edge(batch)..edge(batch + 1)];
            let mut gradient = vec![0.0; parameters.len()];
            for &j in batch {
                let values = blocks::forward(network, &parameters, examples.input.column(j));
                let output = &values[values.len() - 1];
                let (signal, own) = self.signal(is_last, output, examples.target.column(j));
                cost += own;
                blocks::backward(network, &parameters, &values, &signal, &mut gradient);
            }
            let weight = if is_last { 1.0 } else { self.alpha };
            gradient.iter_mut().for_each(|g| *g *= weight / batch.len() as f64);
            self.step(moments, &gradient, &mut parameters);
        }
        let cost = cost / self.samples as f64;
        match self.guard {
            Some(guard) if cost > moments.cost + guard => start.to_vec(),
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
    fn step(&self, moments: &mut Moments, gradient: &[f64], parameters: &mut [f64]) {
        let Moments { first, second, steps, .. } = moments;
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
                Some(Optimizer::Momentum { .. } | Optimizer::Adagrad { .. } | Optimizer::Adadelta { .. })
                | None => {}
            }
        }
    }
}
