//! A run that is followed block by block.

use std::sync::Arc;

use super::formula::Formula;
use super::matrix::{Mat, Value};
use super::plain::activate;
use super::promise::{Claim, Ledger, Place, Report};
use super::shadow::Shadow;
use super::state::{Frame, State};
use super::{dladmm, dlam, pdadmm};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::run::convert;
use crate::run::kernel::AnyGemm;
use crate::settings::{Method, NuSchedule, RhoSchedule, Settings, Widths};
use altmin_core::Error as CoreError;
use altmin_core::method::Partition;

/// Follows a run of a method in double precision, block by block, and checks every promise with code of its own.
///
/// Each sweep starts from the state in which the same sweep of `train` starts; its blocks are made one by one, in the
/// paper's order and on whole matrices, by the core's functions for single updates. The checks look at the state before
/// and after each block and use none of those functions. After the sweep the state must be that of `train`.
#[derive(Debug)]
pub struct Auditor {
    pub(super) frame: Frame,
    pub(super) gemm: AnyGemm,
    pub(super) partition: Partition,
    pub(super) state: State,
    /// The objective of `state`.
    pub(super) value: Value,
    /// The objective of the state that was last taken over from `train`.
    loaded: Value,
    /// The objective at the start of the run.
    pub(super) first: Value,
    pub(super) ledger: Ledger,
    /// The largest condition number of the exact steps of inputs so far.
    pub(super) condition: f64,
    /// The sweep at work, from 1.
    pub(super) sweep: usize,
    falsified: Option<(Formula, f64)>,
    scattered: Option<f64>,
    shadow: Shadow,
    sweeps: usize,
    /// DLAM's blocks are extrapolated, which no lemma speaks of: only whole sweeps are looked at.
    accelerate: bool,
    title: String,
}

impl Auditor {
    /// An auditor for `settings` on a training set.
    ///
    /// # Errors
    /// [`Error::Argument`] for a method without theorems, and for settings that cannot be followed: growth and
    /// schedules of nu and rho, which change the objective on the way.
    pub fn new(settings: &Settings, train: Arc<Dataset<f64>>) -> Result<Self> {
        settings.validate()?;
        if settings.grow.is_some() {
            let expected = "none: each of the two networks would have to be verified by itself";
            return Err(Error::argument("grow", "given", expected));
        }
        if settings.nu_schedule != NuSchedule::Constant {
            let expected = "constant: the theorems are about one objective";
            return Err(Error::argument("nu-schedule", settings.nu_schedule, expected));
        }
        if settings.rho_schedule != RhoSchedule::Constant {
            let expected = "constant: the theorems are about one objective";
            return Err(Error::argument("rho-schedule", settings.rho_schedule, expected));
        }
        let promises = match settings.method {
            Method::Pdadmm => pdadmm::promises(settings),
            Method::Dladmm => dladmm::promises(settings),
            Method::Dlam => dlam::promises(settings),
            method => {
                return Err(Error::argument("method", method, "pdadmm, dladmm or dlam, which have theorems"));
            }
        };
        let mut ledger = Ledger::new(promises);
        let accelerate = settings.method == Method::Dlam && settings.accelerate;
        if accelerate {
            ledger.withhold(&dlam::ACCELERATED, "Algorithm 1 as printed: no --accelerate");
        }
        let shadow = Shadow::new(settings, Arc::clone(&train))?;
        let labels = train.labels().to_vec();
        let y = Mat::from_fn(train.n_classes(), labels.len(), |i, j| {
            f64::from(u8::from(labels[j] as usize == i))
        });
        Ok(Self {
            frame: Frame {
                method: settings.method,
                settings: convert::settings(settings),
                labels,
                y,
                epsilon: f64::INFINITY,
            },
            gemm: shadow.gemm(),
            partition: shadow.partition(),
            state: State::default(),
            value: Value::default(),
            loaded: Value::default(),
            first: Value::default(),
            ledger,
            condition: 1.0,
            sweep: 0,
            falsified: None,
            scattered: None,
            title: title(settings, &train),
            shadow,
            sweeps: settings.sweeps,
            accelerate,
        })
    }

    /// Multiplies the result of `formula` by `factor` wherever it is computed, to see that a promise breaks.
    #[must_use]
    pub fn falsify(mut self, formula: Formula, factor: f64) -> Self {
        self.falsified = Some((formula, factor));
        self
    }

    /// Adds noise of this size to the hidden layers' variables before every sweep, within what the method allows.
    ///
    /// The lemmas hold from every such state, not only from those of a run, in which a formula may have nothing to do: DLAM's
    /// hidden z stay where a forward pass put them. What compares sweeps with each other or with `train` is left out.
    #[must_use]
    pub fn scatter(mut self, size: f64) -> Self {
        self.scattered = Some(size);
        self
    }

    /// Follows the run to its end.
    ///
    /// # Errors
    /// What the core refuses. Divergence is no error: it ends the run, and is in the report.
    pub fn run(mut self) -> Result<Report> {
        let stopped = match self.sweeps() {
            Err(Error::Core(error @ (CoreError::NonFinite { .. } | CoreError::Singular { .. }))) => {
                Some(format!("sweep {}: {error}", self.sweep))
            }
            result => result.map(|()| None)?,
        };
        if stopped.is_some() {
            self.record(Claim::Descent, None, f64::INFINITY, 0.0, 1.0);
        }
        Ok(Report { title: self.title, promises: self.ledger.promises(), stopped })
    }

    fn sweeps(&mut self) -> Result {
        self.shadow.initialize()?;
        self.state = self.shadow.state();
        self.start()?;
        self.first = self.frame.objective(&self.state);
        self.loaded = self.first;
        let mut shares = Shares { smallest: f64::INFINITY, rates: Vec::new() };
        for sweep in 1..=self.sweeps {
            if sweep > 1 {
                self.shadow.prepare()?;
            }
            self.sweep = sweep;
            self.load()?;
            if self.accelerate {
                self.shadow.sweep()?;
                self.load()?;
                continue;
            }
            let share = match self.frame.method {
                Method::Pdadmm => self.sweep_pdadmm()?,
                Method::Dladmm => self.sweep_dladmm()?,
                _ => self.sweep_dlam()?,
            };
            self.shadow.sweep()?;
            if self.scattered.is_none() {
                self.rate(share, &mut shares);
                let next = self.shadow.state();
                self.compare(&next);
            }
        }
        if let [.., last] = shares.rates[..] {
            let middle = shares.rates[shares.rates.len() / 2];
            self.ledger
                .set_detail(Claim::Rate, format!("k c_k is {middle:.3e} half way and {last:.3e} at the end"));
        }
        Ok(())
    }

    /// The initial state has a forward pass's values, computed anew.
    fn start(&mut self) -> Result {
        self.state.duals = match self.frame.method {
            Method::Dladmm => vec![self.initial_dual()?],
            _ => self.state.copies.iter().map(|q| Mat::zeros(q.rows, q.columns)).collect(),
        };
        let layers = self.state.weights.len();
        for l in 0..layers {
            let (r, size) = self.frame.constraint(&self.state, l);
            self.compare_matrices(Claim::Start, Some(l), &r, &Mat::zeros(r.rows, r.columns), &size);
            if l + 1 < layers {
                let activation = self.frame.settings.activation;
                let f = self.state.linear[l].map(|z| activate(activation, z));
                let next = self.state.inputs[l + 1].clone();
                self.compare_matrices(Claim::Start, Some(l), &next, &f, &f.abs());
            }
        }
        if self.frame.method == Method::Dladmm {
            self.check_dual_identity();
        }
        Ok(())
    }

    /// Takes over the state of `train`, and looks at what is promised of states.
    fn load(&mut self) -> Result {
        let before = self.loaded;
        self.state = self.shadow.state();
        self.frame.epsilon = self.shadow.epsilon();
        if let Some(size) = self.scattered {
            self.frame.scatter(&mut self.state, size, self.sweep);
        }
        self.recover()?;
        self.value = self.frame.objective(&self.state);
        self.loaded = self.value;
        if self.frame.method == Method::Dlam {
            let (after, layers) = (self.value, self.state.weights.len());
            if self.scattered.is_none() {
                self.check_fall(Claim::NeverRises, None, before, after, 0.0);
            }
            self.check_dlam_bounds();
            (0..layers).for_each(|l| self.check_residual(l));
            (0..layers - 1).for_each(|l| self.check_feasible(l));
        }
        Ok(())
    }

    /// The variables that `train` does not store.
    fn recover(&mut self) -> Result {
        if self.frame.method == Method::Pdadmm {
            self.state.duals = self.recovered_duals()?;
            self.check_lemma_4();
        }
        Ok(())
    }

    /// The state is that of the trainer, variable by variable.
    fn compare(&mut self, trainer: &State) {
        let own = std::mem::take(&mut self.state);
        let lists = [
            (&own.weights, &trainer.weights),
            (&own.inputs, &trainer.inputs),
            (&own.linear, &trainer.linear),
            (&own.copies, &trainer.copies),
        ];
        for (l, (own, trainer)) in lists.iter().flat_map(|(own, other)| own.iter().zip(*other).enumerate()) {
            self.compare_with_trainer(l, own, trainer, 0.0);
        }
        for (l, (r, trainer)) in own.residuals.iter().zip(&trainer.residuals).enumerate() {
            // A residual may be nothing but the rounding of what it is the difference of.
            let size = self.frame.residual(&own, l).1.norm();
            self.compare_with_trainer(l, r, trainer, size);
        }
        for (l, (own, trainer)) in own.biases.iter().zip(&trainer.biases).enumerate() {
            let column = |b: &Vec<f64>| Mat { rows: b.len(), columns: 1, data: b.clone() };
            self.compare_with_trainer(l, &column(own), &column(trainer), 0.0);
        }
        if self.frame.method == Method::Dladmm {
            // So may the dual, which is rho times one, where the network says what it should.
            let last = own.weights.len() - 1;
            let size = self.frame.settings.rho * self.frame.residual(&own, last).1.norm();
            self.compare_with_trainer(last, &own.duals[0], &trainer.duals[0], size);
        }
        self.state = own;
    }

    /// Both made the sweep from the same state, but not in the same tiles; what a sweep makes of that rounding depends on
    /// its linear systems, so the bound is wide, and wider where those are ill-conditioned: it is for programming errors.
    fn compare_with_trainer(&mut self, l: usize, own: &Mat, trainer: &Mat, size: f64) {
        let scale = own.norm() + trainer.norm() + size + f64::MIN_POSITIVE;
        let bound = (self.rounding(self.longest()) * self.condition).max(1e-9);
        self.record(Claim::Trainer, Some(l), own.minus(trainer).norm(), bound * scale, scale);
    }

    /// `(k + 1) c_k <= L^0 - L^(k+1)`, from which the theorems' o(1/k) follows.
    fn rate(&mut self, share: f64, shares: &mut Shares) {
        shares.smallest = shares.smallest.min(share);
        let (count, fallen) = (self.sweep as f64, self.first.value - self.value.value);
        let rate = count * shares.smallest;
        shares.rates.push(rate);
        let scale = self.first.scale + self.value.scale;
        let allowed = count * self.rounding(self.longest()) * scale;
        self.record(Claim::Rate, None, (rate - fallen).max(0.0), allowed, scale);
    }

    /// Whether the sweeps are those of one run, whose objective began at `first`.
    pub(super) fn is_one_run(&self) -> bool {
        self.scattered.is_none()
    }

    /// The factor by which the results of `formula` are falsified: 1 but in tests.
    pub(super) fn factor(&self, formula: Formula) -> f64 {
        match self.falsified {
            Some((falsified, factor)) if falsified == formula => factor,
            _ => 1.0,
        }
    }

    /// Falsifies a step from `old` to `new`.
    pub(super) fn falsify_step(&self, formula: Formula, old: &Mat, new: &mut Mat) {
        let factor = self.factor(formula);
        if factor != 1.0 {
            *new = old.zip(new, |old, new| old + factor * (new - old));
        }
    }

    /// The longest sum in a residual.
    pub(super) fn longest(&self) -> usize {
        self.state.weights.iter().map(|w| w.columns.max(w.rows)).max().unwrap_or(0)
    }

    /// The rounding of a number that is added up from `terms` products, relative to the sum of their absolute values.
    ///
    /// A sum of n products in floating point differs from the exact one by at most `n EPSILON/2`, to first order, times the
    /// sum of absolute values (Higham 2002, section 3.1); core and check each make one such sum, and a few operations
    /// beside it. The residual is carried, not recomputed: four steps a sweep each leave such an error behind in it.
    pub(super) fn rounding(&self, terms: usize) -> f64 {
        let drift = 4.0 * (self.sweep as f64 + 1.0);
        drift * (terms as f64 + 16.0) * f64::EPSILON
    }

    pub(super) fn record(
        &mut self,
        claim: Claim,
        layer: Option<usize>,
        violation: f64,
        allowed: f64,
        scale: f64,
    ) {
        self.ledger.record(claim, Place { sweep: self.sweep, layer }, violation, allowed, scale);
    }

    /// `found` is `expected`, where `size` is what the entries are added up from.
    pub(super) fn compare_matrices(
        &mut self,
        claim: Claim,
        layer: Option<usize>,
        found: &Mat,
        expected: &Mat,
        size: &Mat,
    ) {
        let (scale, allowed) = (size.norm(), self.rounding(self.longest()));
        self.record(claim, layer, found.minus(expected).norm(), allowed * scale, scale);
    }

    /// A block has been made: the objective must have fallen by `share`.
    pub(super) fn check_share(&mut self, claim: Claim, layer: Option<usize>, share: f64) {
        self.check_share_within(claim, layer, share, 0.0);
    }

    /// As [`check_share`](Self::check_share), of a share that is known up to `error`.
    pub(super) fn check_share_within(&mut self, claim: Claim, layer: Option<usize>, share: f64, error: f64) {
        let (before, after) = (self.value, self.frame.objective(&self.state));
        self.value = after;
        let scale = before.scale + after.scale;
        let allowed = self.rounding(self.longest()) * scale + error;
        self.record(claim, layer, (share - (before.value - after.value)).max(0.0), allowed, scale);
    }

    /// From `before` to `after` the objective must have fallen by `share`.
    pub(super) fn check_fall(
        &mut self,
        claim: Claim,
        layer: Option<usize>,
        before: Value,
        after: Value,
        share: f64,
    ) {
        let scale = before.scale + after.scale;
        let allowed = self.rounding(self.longest()) * scale;
        self.record(claim, layer, (share - (before.value - after.value)).max(0.0), allowed, scale);
    }
}

/// What the sweeps together have promised.
struct Shares {
    smallest: f64,
    rates: Vec<f64>,
}

fn title(settings: &Settings, train: &Dataset<f64>) -> String {
    let widths = [&[train.n_features()], &settings.hidden[..], &[train.n_classes()]].concat();
    let weights = match settings.method {
        Method::Dlam => {
            format!("rho = {}, epsilon = {} ({})", settings.rho, settings.epsilon, settings.epsilon_rule)
        }
        _ => format!("nu = {}, rho = {}", settings.nu, settings.rho),
    };
    format!(
        "{}: {}, {} samples, network {}, {}, {}, {weights}, step {}, input step {}, {} sweeps",
        settings.method,
        train.name(),
        train.n_samples(),
        Widths(widths),
        settings.activation,
        settings.loss,
        settings.step,
        settings.input_step,
        settings.sweeps,
    )
}
