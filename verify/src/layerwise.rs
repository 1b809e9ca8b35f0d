//! A run of a layer-wise method that is followed block by block.

mod bounds;
mod dladmm;
mod dlam;
mod dlam_checks;
mod elementwise_checks;
mod frame;
mod linear_checks;
mod pdadmm;
mod steps;
mod texts;
mod variables;

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::{Layers, Name, Partition};
use altmin_core::{Error, Result};

use super::formula::Formula;
use super::matrix::{Mat, Value};
use super::plain::activate;
use super::promise::{Place, Promises, Property, Report};
use super::setup::Setup;
use super::training::Training;
use frame::Frame;
use variables::Variables;

/// The layer-wise methods that have theorems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layerwise {
    Pdadmm,
    Dladmm,
    Dlam,
}

impl Layerwise {
    /// The method of this name, if it is one of these.
    pub(super) fn of(name: Name) -> Option<Self> {
        match name {
            Name::Pdadmm => Some(Self::Pdadmm),
            Name::Dladmm => Some(Self::Dladmm),
            Name::Dlam => Some(Self::Dlam),
            _ => None,
        }
    }
}

/// Follows a run of a method block by block, and checks every promise with code of its own.
///
/// Each sweep starts from the state in which the same sweep of the method starts; its blocks are made one by one, in the
/// paper's order and on whole matrices, by the core's functions for single updates. The checks look at the state before
/// and after each block and use none of those functions. After the sweep the state must be that of the method.
#[derive(Debug)]
pub(super) struct Auditor<'a, G> {
    frame: Frame<'a>,
    gemm: &'a G,
    partition: Partition,
    state: Variables,
    /// The objective of `state`.
    value: Value,
    /// The objective of the state that was last taken over from the method.
    loaded: Value,
    /// The objective at the start of the run.
    first: Value,
    promises: Promises,
    /// The largest condition number of the exact steps of inputs so far.
    condition: f64,
    /// The sweep at work, from 1.
    sweep: usize,
    falsified: Option<(Formula, f64)>,
    scattered: Option<f64>,
    sweeps: usize,
    /// DLAM's blocks are extrapolated, which no lemma speaks of: only whole sweeps are looked at.
    is_accelerated: bool,
}

impl<'a, G: Gemm<f64>> Auditor<'a, G> {
    /// An auditor for a run of `method`, whose samples are cut so.
    pub(super) fn new(
        method: Layerwise,
        setup: &Setup<'a>,
        partition: Partition,
        falsified: Option<(Formula, f64)>,
        scattered: Option<f64>,
        gemm: &'a G,
    ) -> Result<Self> {
        let activation = Layers::new(setup.run.network)?.activation();
        let settings = setup.hyperparameters;
        let promises = match method {
            Layerwise::Pdadmm => pdadmm::promises(&settings, activation),
            Layerwise::Dladmm => dladmm::promises(&settings),
            Layerwise::Dlam => dlam::promises(&settings, setup.epsilon_rule),
        };
        let mut promises = Promises::new(promises);
        let is_accelerated = method == Layerwise::Dlam && settings.accelerate;
        if is_accelerated {
            promises.withhold(&dlam::ACCELERATED, "Algorithm 1 as printed: no --accelerate");
        }
        Ok(Self {
            frame: Frame {
                method,
                settings,
                activation,
                target: setup.run.problem.target,
                y: setup.targets(),
                epsilon: settings.epsilon,
            },
            gemm,
            partition,
            state: Variables::default(),
            value: Value::default(),
            loaded: Value::default(),
            first: Value::default(),
            promises,
            condition: 1.0,
            sweep: 0,
            falsified,
            scattered,
            sweeps: setup.sweeps,
            is_accelerated,
        })
    }

    /// Follows the run to its end.
    ///
    /// # Errors
    /// What the core refuses. Divergence is no error: it ends the run, and is in the report.
    pub(super) fn run<E: Executor<f64>>(mut self, mut training: Training<'_, E, G>) -> Result<Report> {
        let stopped = match self.sweeps(&mut training) {
            Err(error @ (Error::NonFinite { .. } | Error::Singular { .. })) => {
                Some(format!("sweep {}: {error}", self.sweep))
            }
            result => result.map(|()| None)?,
        };
        if stopped.is_some() {
            self.record(Property::Descent, None, f64::INFINITY, 0.0, 1.0);
        }
        Ok(Report { promises: self.promises.into_list(), stopped })
    }

    fn sweeps<E: Executor<f64>>(&mut self, training: &mut Training<'_, E, G>) -> Result {
        training.initialize()?;
        self.state = training.read(Variables::read)?;
        self.start()?;
        self.first = self.frame.objective(&self.state);
        self.loaded = self.first;
        let mut shares = Shares { smallest: f64::INFINITY, rates: Vec::new() };
        for sweep in 1..=self.sweeps {
            if sweep > 1 {
                training.prepare()?;
            }
            self.sweep = sweep;
            self.load(training)?;
            if self.is_accelerated {
                training.sweep(sweep - 1)?;
                self.load(training)?;
                continue;
            }
            let share = match self.frame.method {
                Layerwise::Pdadmm => self.sweep_pdadmm()?,
                Layerwise::Dladmm => self.sweep_dladmm()?,
                Layerwise::Dlam => self.sweep_dlam()?,
            };
            training.sweep(sweep - 1)?;
            if self.scattered.is_none() {
                self.rate(share, &mut shares);
                let next = training.read(Variables::read)?;
                self.compare(&next);
            }
        }
        if let [.., last] = shares.rates[..] {
            let middle = shares.rates[shares.rates.len() / 2];
            self.promises.set_detail(
                Property::Rate,
                format!("k c_k is {middle:.3e} half way and {last:.3e} at the end"),
            );
        }
        Ok(())
    }

    /// The initial state has a forward pass's values, recomputed.
    fn start(&mut self) -> Result {
        self.state.duals = match self.frame.method {
            Layerwise::Dladmm => vec![self.initial_dual()?],
            _ => self.state.copies.iter().map(|q| Mat::zeros(q.rows, q.columns)).collect(),
        };
        let layers = self.state.weights.len();
        for l in 0..layers {
            let (r, size) = self.frame.constraint(&self.state, l);
            self.compare_matrices(Property::Start, Some(l), &r, &Mat::zeros(r.rows, r.columns), &size);
            if l + 1 < layers {
                let activation = self.frame.activation;
                let f = self.state.linear[l].map(|z| activate(activation, z));
                let next = self.state.inputs[l + 1].clone();
                self.compare_matrices(Property::Start, Some(l), &next, &f, &f.abs());
            }
        }
        if self.frame.method == Layerwise::Dladmm {
            self.check_dual_identity();
        }
        Ok(())
    }

    /// Takes over the state of the method, and looks at what is promised of states.
    fn load<E: Executor<f64>>(&mut self, training: &mut Training<'_, E, G>) -> Result {
        let before = self.loaded;
        let reach = std::mem::take(&mut self.state.reach);
        self.state = training.read(Variables::read)?;
        self.frame.epsilon = training.epsilon();
        if let Some(size) = self.scattered {
            self.frame.scatter(&mut self.state, size, self.sweep);
        }
        self.recover()?;
        self.state.reach = reach;
        self.extend_reach();
        self.value = self.frame.objective(&self.state);
        self.loaded = self.value;
        if self.frame.method == Layerwise::Dlam {
            let (after, layers) = (self.value, self.state.weights.len());
            if self.scattered.is_none() {
                self.check_fall(Property::NeverRises, None, before, after, 0.0);
            }
            self.check_dlam_bounds();
            (0..layers).for_each(|l| self.check_residual(l));
            (0..layers - 1).for_each(|l| self.check_feasible(l));
        }
        Ok(())
    }

    /// Residuals carry the rounding of what they are added up from now.
    fn extend_reach(&mut self) {
        let sizes = (0..self.state.weights.len()).map(|l| self.frame.residual(&self.state, l).1);
        self.state.reach = sizes.collect();
    }

    /// The variables that the method does not store.
    fn recover(&mut self) -> Result {
        if self.frame.method == Layerwise::Pdadmm {
            self.state.duals = self.recovered_duals()?;
            self.check_lemma_4();
        }
        Ok(())
    }

    /// The state is that of the other, variable by variable.
    fn compare(&mut self, other: &Variables) {
        let own = std::mem::take(&mut self.state);
        let lists = [
            (&own.weights, &other.weights),
            (&own.inputs, &other.inputs),
            (&own.linear, &other.linear),
            (&own.copies, &other.copies),
        ];
        // What moves to cancel a residual is rounded as that is.
        let reach: Vec<f64> = own.reach.iter().map(Mat::norm).collect();
        for (l, (own, other)) in lists.iter().flat_map(|(own, other)| own.iter().zip(*other).enumerate()) {
            self.compare_with_method(l, own, other, reach[l]);
        }
        for (l, (r, other)) in own.residuals.iter().zip(&other.residuals).enumerate() {
            // A residual may be nothing but the rounding of what it is the difference of.
            let size = self.frame.residual(&own, l).1.norm();
            self.compare_with_method(l, r, other, size);
        }
        for (l, (own, other)) in own.biases.iter().zip(&other.biases).enumerate() {
            let column = |b: &Vec<f64>| Mat { rows: b.len(), columns: 1, data: b.clone() };
            self.compare_with_method(l, &column(own), &column(other), reach[l]);
        }
        if self.frame.method == Layerwise::Dladmm {
            // So may the dual, which is rho times one, where the network's output is its target.
            let last = own.weights.len() - 1;
            let size = self.frame.settings.rho * self.frame.residual(&own, last).1.norm();
            self.compare_with_method(last, &own.duals[0], &other.duals[0], size);
        }
        self.state = own;
    }

    /// Both made the sweep from the same state, but not in the same tiles; what a sweep makes of that rounding depends on
    /// its linear systems, so the bound is wide, and wider where those are ill-conditioned: it is for programming errors.
    fn compare_with_method(&mut self, l: usize, own: &Mat, other: &Mat, size: f64) {
        let scale = own.norm() + other.norm() + size + f64::MIN_POSITIVE;
        let bound = (self.rounding(self.longest()) * self.condition).max(1e-9);
        self.record(Property::Trainer, Some(l), own.minus(other).norm(), bound * scale, scale);
    }

    /// `(k + 1) c_k <= L^0 - L^(k+1)`, from which the theorems' o(1/k) follows.
    fn rate(&mut self, share: f64, shares: &mut Shares) {
        shares.smallest = shares.smallest.min(share);
        let (count, fallen) = (self.sweep as f64, self.first.value - self.value.value);
        let rate = count * shares.smallest;
        shares.rates.push(rate);
        let scale = self.first.scale + self.value.scale;
        let allowed = count * self.rounding(self.longest()) * scale;
        self.record(Property::Rate, None, (rate - fallen).max(0.0), allowed, scale);
    }

    /// Whether the sweeps are those of one run, whose objective began at `first`.
    fn is_one_run(&self) -> bool {
        self.scattered.is_none()
    }

    /// The factor by which the results of `formula` are falsified: 1 but in tests.
    fn factor(&self, formula: Formula) -> f64 {
        match self.falsified {
            Some((falsified, factor)) if falsified == formula => factor,
            _ => 1.0,
        }
    }

    /// Falsifies a step from `old` to `new`.
    fn falsify_step(&self, formula: Formula, old: &Mat, new: &mut Mat) {
        let factor = self.factor(formula);
        if factor != 1.0 {
            *new = old.zip(new, |old, new| old + factor * (new - old));
        }
    }

    /// The longest sum in a residual.
    fn longest(&self) -> usize {
        self.state.weights.iter().map(|w| w.columns.max(w.rows)).max().unwrap_or(0)
    }

    /// The rounding of a number that is added up from `terms` products, relative to the sum of their absolute values.
    ///
    /// A sum of n products in floating point differs from the exact one by at most `n EPSILON/2`, to first order, times the
    /// sum of absolute values (Higham 2002, section 3.1); core and check each make one such sum, and a few operations
    /// beside it. The residual is carried, not recomputed: four steps a sweep each leave such an error behind in it.
    fn rounding(&self, terms: usize) -> f64 {
        let drift = 4.0 * (self.sweep as f64 + 1.0);
        drift * (terms as f64 + 16.0) * f64::EPSILON
    }

    fn record(&mut self, property: Property, layer: Option<usize>, violation: f64, allowed: f64, scale: f64) {
        self.promises.record(property, Place { sweep: self.sweep, layer }, violation, allowed, scale);
    }

    /// `found` is `expected`, where `size` is what the entries are added up from.
    fn compare_matrices(
        &mut self,
        property: Property,
        layer: Option<usize>,
        found: &Mat,
        expected: &Mat,
        size: &Mat,
    ) {
        let (scale, allowed) = (size.norm(), self.rounding(self.longest()));
        self.record(property, layer, found.minus(expected).norm(), allowed * scale, scale);
    }

    /// A block has been made: the objective must have fallen by `share`.
    fn check_share(&mut self, property: Property, layer: Option<usize>, share: f64) {
        self.check_share_within(property, layer, share, 0.0);
    }

    /// As [`check_share`](Self::check_share), of a share that is known up to `error`.
    fn check_share_within(&mut self, property: Property, layer: Option<usize>, share: f64, error: f64) {
        let (before, after) = (self.value, self.frame.objective(&self.state));
        self.value = after;
        let scale = before.scale + after.scale;
        let allowed = self.rounding(self.longest()) * scale + error;
        self.record(property, layer, (share - (before.value - after.value)).max(0.0), allowed, scale);
    }

    /// From `before` to `after` the objective must have fallen by `share`.
    fn check_fall(
        &mut self,
        property: Property,
        layer: Option<usize>,
        before: Value,
        after: Value,
        share: f64,
    ) {
        let scale = before.scale + after.scale;
        let allowed = self.rounding(self.longest()) * scale;
        self.record(property, layer, (share - (before.value - after.value)).max(0.0), allowed, scale);
    }
}

/// What the sweeps together have promised.
struct Shares {
    smallest: f64,
    rates: Vec<f64>,
}
