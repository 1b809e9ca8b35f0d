//! TSSM's epochs, followed step by step, and Theorem 1.

mod checks;
mod weights;

use std::sync::Arc;

use altmin_core::Error as CoreError;
use altmin_core::method::tssm::{Convention, Settings as CoreSettings, Splitting};
use altmin_core::method::{Problem, Sweep};
use altmin_core::view::{MatRef, dense_mut};

use super::blocks;
use super::formula::Formula;
use super::matrix::{Mat, Sum};
use super::plain::{add_risk, risk_slope_squared};
use super::promise::{Claim, Ledger, Place, Promise, Report};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::init;
use crate::run::engine::{Engine, Part};
use crate::run::executor::Parallel;
use crate::run::kernel::AnyGemm;
use crate::run::trainer::net::{block_network, cuts, plan};
use crate::settings::{Inner, Method, Settings};
use weights::{Memory, Weights};

/// Follows a run over subnetworks (gsADMM, gsAM) in double precision.
///
/// `train` makes every epoch; from the state before it the same epoch is computed anew by plain code that shares nothing
/// with the core: the batches of the weights, the gradient steps of p, q and u in closed form, the objective, and both sides
/// of Theorem 1. Each is compared with what `train` has made of it.
#[derive(Debug)]
pub struct SplitAuditor {
    settings: CoreSettings<f64>,
    parts: Vec<Part<f64>>,
    x: Mat,
    /// The labels as unit vectors, n x M.
    y: Mat,
    weights: Weights,
    engine: Engine<f64>,
    executor: Parallel<f64>,
    pool: rayon::ThreadPool,
    gemm: AnyGemm,
    data: Arc<Dataset<f64>>,
    ledger: Ledger,
    /// The epoch at work, from 1.
    sweep: usize,
    sweeps: usize,
    falsified: Option<(Formula, f64)>,
    title: String,
}

/// The variables of a run.
#[derive(Debug, Clone, Default)]
struct State {
    /// Of every subnetwork.
    parameters: Vec<Vec<f64>>,
    /// Between them; q and u of gsADMM alone.
    p: Vec<Mat>,
    q: Vec<Mat>,
    u: Vec<Mat>,
}

/// What `train` reports of an epoch.
#[derive(Debug, Clone, Copy)]
struct Reported {
    sweep: Sweep,
    error: f64,
    bound: Option<f64>,
}

impl SplitAuditor {
    /// An auditor for `settings` on a training set.
    ///
    /// # Errors
    /// [`Error::Argument`] for another method, for proximal sweeps, and for a network that the data or the cuts do not fit.
    pub fn new(settings: &Settings, train: Arc<Dataset<f64>>) -> Result<Self> {
        settings.validate()?;
        if !matches!(settings.method, Method::Gsadmm | Method::Gsam) {
            return Err(Error::argument("method", settings.method, "gsadmm or gsam"));
        }
        if settings.inner == Inner::Proxprop {
            let expected = "sgd or adam: TSSM's equations speak of gradients";
            return Err(Error::argument("inner", settings.inner, expected));
        }
        let network = block_network(settings, &train)?;
        let cuts = cuts(settings, &network)?;
        let plan = plan::<f64>(settings, &network, &cuts)?;
        let gemm = AnyGemm::of(settings.kernel);
        let (core, parts) = (plan.settings, plan.parts.clone());
        let mut engine = Engine::of_blocks(plan, train.n_samples(), &gemm)?;
        for (index, (map, (weights, _))) in network.maps().iter().zip(engine.maps_mut()).enumerate() {
            let weights = &mut dense_mut(weights, map.n_out, map.n_in);
            init::fill(settings.init, settings.seed, index as u32, weights);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .build()
            .map_err(|error| Error::argument("threads", settings.threads, error.to_string()))?;
        let scratch = engine.scratch().or(engine.approximation_scratch(&gemm));
        let labels = train.labels();
        let y = Mat::from_fn(train.n_classes(), labels.len(), |i, j| {
            f64::from(u8::from(labels[j] as usize == i))
        });
        let weights = Weights::new(settings, &core, train.n_samples());
        Ok(Self {
            settings: core,
            x: Mat::of(train.matrix()),
            y,
            weights,
            engine,
            executor: Parallel::new(settings.threads, scratch),
            pool,
            gemm,
            ledger: Ledger::new(promises(settings)),
            sweep: 0,
            sweeps: settings.sweeps,
            falsified: None,
            title: format!(
                "{}: {}, {} samples, network {network}, {} subnetworks, alpha = {}, rho = {}, tau2 = {}, {}, inner {}, {} sweeps",
                settings.method,
                train.name(),
                train.n_samples(),
                parts.len(),
                settings.alpha,
                settings.rho,
                settings.tau2,
                settings.loss,
                settings.inner,
                settings.sweeps
            ),
            parts,
            data: train,
        })
    }

    /// Multiplies the result of `formula` by `factor` wherever `train` computes it, to see that a promise breaks.
    #[must_use]
    pub fn falsify(mut self, formula: Formula, factor: f64) -> Self {
        self.falsified = Some((formula, factor));
        self
    }

    /// Follows the run to its end.
    ///
    /// # Errors
    /// What the core refuses. Divergence is no error: it ends the run, and is in the report.
    pub fn run(mut self) -> Result<Report> {
        let stopped = match self.epochs() {
            Err(Error::Core(error @ CoreError::NonFinite { .. })) => {
                Some(format!("sweep {}: {error}", self.sweep))
            }
            result => result.map(|()| None)?,
        };
        Ok(Report { title: self.title, promises: self.ledger.promises(), stopped })
    }

    fn epochs(&mut self) -> Result {
        self.initialize()?;
        let mut before = self.state();
        self.check_start(&before);
        for sweep in 1..=self.sweeps {
            self.sweep = sweep;
            let memory = self.memory();
            let (next, mut reported) = self.epoch()?;
            let mut after = next.clone();
            self.falsify_epoch(&before, &mut after, &mut reported);
            self.check_weights(&before, &after, &memory);
            self.check_inputs(&before, &after);
            self.check_outputs(&before, &after);
            self.check_report(&before, &after, &reported);
            self.check_theorem(&after, &reported);
            before = next;
        }
        Ok(())
    }

    fn initialize(&mut self) -> Result {
        let Self { engine, executor, pool, gemm, data, .. } = self;
        Ok(pool.install(|| engine.initialize(problem(data), executor, gemm))?)
    }

    /// An epoch of `train`: the state after it, and what it reports.
    fn epoch(&mut self) -> Result<(State, Reported)> {
        let Self { engine, executor, pool, gemm, data, .. } = self;
        let (sweep, found) = pool.install(|| {
            let sweep = engine.sweep(problem(data), executor, gemm)?;
            Ok::<_, CoreError>((sweep, engine.approximation(problem(data), executor, gemm)?))
        })?;
        let (error, bound) = found.map_or((f64::NAN, None), |found| (found.error, found.bound));
        Ok((self.state(), Reported { sweep, error, bound }))
    }

    /// What the optimisers of `train` remember.
    fn memory(&self) -> Vec<Memory> {
        let (subnetworks, _) = self.engine.subnetworks().unwrap_or_default();
        subnetworks.iter().map(Memory::of).collect()
    }

    fn state(&self) -> State {
        let (subnetworks, interfaces) = self.engine.subnetworks().unwrap_or_default();
        let all = |of: fn(&_) -> MatRef<'_, f64>| interfaces.iter().map(|each| Mat::of(of(each))).collect();
        State {
            parameters: subnetworks.iter().map(|each| each.parameters().to_vec()).collect(),
            p: all(|interface| interface.p()),
            q: all(|interface| interface.q()),
            u: all(|interface| interface.u()),
        }
    }

    /// Falsifies what an epoch has made of `before`.
    fn falsify_epoch(&self, before: &State, after: &mut State, reported: &mut Reported) {
        let Some((formula, factor)) = self.falsified else { return };
        let step = |old: f64, new: &mut f64| *new = old + factor * (*new - old);
        match formula {
            Formula::WeightStep => {
                let pairs = before.parameters.iter().flatten().zip(after.parameters.iter_mut().flatten());
                pairs.for_each(|(&old, new)| step(old, new));
            }
            Formula::InputStep => {
                for (old, new) in before.p.iter().zip(&mut after.p) {
                    old.data.iter().zip(&mut new.data).for_each(|(&old, new)| step(old, new));
                }
            }
            Formula::Copy => after.q.iter_mut().for_each(|q| *q = q.map(|q| factor * q)),
            Formula::Dual => after.u.iter_mut().for_each(|u| *u = u.map(|u| factor * u)),
            Formula::SplittingObjective => reported.sweep.objective *= factor,
            Formula::SplittingError => reported.error *= factor,
            Formula::SplittingBound => reported.bound = reported.bound.map(|bound| factor * bound),
            _ => {}
        }
    }

    /// What stands for M in the equations.
    fn m(&self) -> f64 {
        match self.settings.convention {
            Convention::Mean => self.x.columns as f64,
            Convention::Sum => 1.0,
        }
    }

    fn is_gsadmm(&self) -> bool {
        self.settings.splitting == Splitting::Gsadmm
    }

    /// The input of subnetwork l over all samples.
    fn input<'s>(&'s self, state: &'s State, l: usize) -> &'s Mat {
        l.checked_sub(1).map_or(&self.x, |below| &state.p[below])
    }

    /// `f_l(W_l, input)`.
    fn output(&self, l: usize, parameters: &[f64], input: &Mat) -> Mat {
        let network = self.parts[l].network();
        let rows = network.output().features();
        let of = |j| blocks::forward(&network, parameters, input.column(j)).pop().unwrap_or_default();
        Mat { rows, columns: input.columns, data: (0..input.columns).flat_map(of).collect() }
    }

    /// R of outputs, mean or sum, and the size of what it is added up from.
    fn risk(&self, z: &Mat) -> (f64, f64) {
        let mut sum = Sum::default();
        add_risk(self.settings.loss, z, &self.y, &mut sum);
        let risk = sum.value();
        (risk.value / self.m(), risk.scale / self.m())
    }

    fn record(&mut self, claim: Claim, layer: Option<usize>, violation: f64, allowed: f64, scale: f64) {
        self.ledger.record(claim, Place { sweep: self.sweep, layer }, violation, allowed, scale);
    }

    /// The rounding of what is added up from so many terms, and passes through all blocks.
    fn rounding(&self) -> f64 {
        let widest = self.parts.iter().map(|part| part.network().record(1)).max().unwrap_or(0);
        let blocks: usize = self.parts.iter().map(|part| part.network().blocks().len()).sum();
        (widest * blocks + self.x.columns + 64) as f64 * f64::EPSILON
    }
}

fn problem(data: &Dataset<f64>) -> Problem<'_, f64> {
    Problem { x: data.matrix(), target: data.target() }
}

/// What TSSM promises under these settings.
fn promises(settings: &Settings) -> Vec<Promise> {
    let gsadmm = settings.method == Method::Gsadmm;
    let has_lipschitz = risk_slope_squared(settings.loss).is_some();
    let mut promises = vec![
        Promise::new(
            Claim::Start,
            "the run starts from a forward pass: p and q are what the subnetworks below say, u is 0",
            "documentation",
        ),
        Promise::new(
            Claim::WeightBatches,
            "weights step along the gradients of their own Omega_l, the last ones of R, batch by batch",
            "TSSM, equations 2 and 3",
        ),
        Promise::new(
            Claim::InputStationary,
            "p moves by 1/tau_2 along the gradient of its terms",
            if gsadmm { "TSSM, equation 4" } else { "TSSM, equations 7 and 8" },
        ),
    ];
    if gsadmm {
        promises.extend([
            Promise::new(Claim::CopyStationary, "the gradient in q is 0", "TSSM, equation 5"),
            Promise::new(Claim::DualStep, "u moves by rho (p - q)", "TSSM, equation 6"),
        ]);
    }
    let objective = if gsadmm { "L_rho" } else { "F" };
    let estimate =
        "the norms of linear maps come from power iterations, which approach them from below: an estimate";
    let promised = || {
        (!has_lipschitz).then(|| {
            "a risk with a Lipschitz constant, such as cross-entropy: least squares has none".to_owned()
        })
    };
    promises.extend([
        Promise::new(
            Claim::Objective,
            format!("the objective that is reported is {objective} of the variables"),
            if gsadmm { "TSSM, Algorithm 1" } else { "TSSM, Algorithm 2" },
        ),
        Promise::new(
            Claim::ApproximationError,
            "the error of splitting that is reported is |R(whole network) - R(last subnetwork on its p)|",
            "TSSM, Theorem 1",
        ),
        Promise::new(
            Claim::ApproximationBound,
            "the bound that is reported is H_R H_n sum_l |r_l| prod_j H_j, with r_l = p_{l+1} - f_l(p_l)",
            "TSSM, Theorem 1",
        )
        .departing(estimate)
        .under(promised()),
        Promise::new(Claim::Approximation, "the error of splitting is at most the bound", "TSSM, Theorem 1")
            .departing(estimate)
            .under(promised()),
        Promise::new(
            Claim::Descent,
            format!("{objective} never rises from epoch to epoch"),
            "no theorem of TSSM",
        )
        .under(Some(format!(
            "steps that cannot raise a term: all samples in a batch, rates below 2/L of the subnetworks' gradients{}",
            if gsadmm { ", tau_2 and rho large against the curvature in p" } else { " and tau_2 above half the curvature in p" }
        ))),
    ]);
    promises
}
