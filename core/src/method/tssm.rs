//! TSSM (Wang, Chai, Cheng, Zhao, 'Tunable Subnetwork Splitting', ICML workshop 2020): subnetworks that train at the same
//! time, back-propagation inside and alternating minimisation between them.
//!
//! A network is cut into n subnetworks f_1 .. f_n. Problem 2 gives each its own input p_l (p_1 = x is data) and lets its
//! output be a variable q_l, with `Omega_l = (alpha/2M)|q_l - f_l(W_l, p_l)|^2` over the M samples, R the **mean** risk
//! of `f_n(W_n, p_n)`, and `p_{l+1} = q_l`.
//!
//! - **gsADMM** (Algorithm 1): weights by mini-batch steps of an [`Optimizer`] on their own Omega_l, the last ones on R
//!   (equations 2 and 3, in a batch of b samples with alpha/2b), or by proximal sweeps ([`Inner`]); then p by one gradient
//!   step of length 1/tau_2 over all samples (equation 4), q in closed form (equation 5),
//!   `u_l <- u_l + rho (p_{l+1} - q_l)` (equation 6). L_rho holds R, the Omega_l and, as sums,
//!   `<u_l, p_{l+1} - q_l> + (rho/2)|p_{l+1} - q_l|^2`.
//! - **gsAM** (Algorithm 2): no q and u, p_{l+1} in the place of q_l; p for l = 2..n in order (equations 7 and 8).
//!
//! These are the paper's means; [`Convention::Sum`] has sums in their place. A subnetwork sees nothing of the others but
//! its p and q: all take a batch at the same time. Nothing is promised of L_rho or F.

mod approximation;
mod between;
mod minibatch;
pub(super) mod settings;
mod state;
mod weights;

pub use settings::{Convention, Inner, InnerDefaults, Preset, Splitting};
pub use state::Variables;

use super::batches::Batches;
use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::draws;
use super::numbers::Numbers;
use super::parts::Parts;
use super::pass::{self, Signal};
use super::proxprop::check_steps;
use super::step_schedule::Schedule;
use super::{Hyperparameters, Memory, Method, Partition, Penalties, Run, State, Sweep, maps, widest_tile};
use crate::block::MapSums;
use crate::error::{Error, Result, require_not_negative, require_positive};
use crate::executor::{Executor, Runs};
use crate::gemm::Gemm;
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::theory::Approximation;
use crate::view::{columns, require_length};
use crate::workspace::Requirement;
use between::{Between, Frame};
use state::{Subnetwork, Terms, VariablesMut, update};

/// What the cards of both say alike.
const fn card(
    (name, code): (&'static str, i32),
    (title, summary): (&'static str, &'static str),
    uses: &'static [Use],
    cut: usize,
) -> Card {
    Card {
        name,
        code,
        title,
        summary,
        paper: "J. Wang, Z. Chai, Y. Cheng, L. Zhao, Tunable Subnetwork Splitting for Model-parallelism of Neural \
                Network Training, ICML workshop 2020",
        layers_only: false,
        uses,
        in_minibatches: &[Use::Momentum, Use::StepSchedule, Use::Form],
        defaults: |setup| {
            if !setup.minibatches || setup.inner != Inner::Proxprop {
                return Defaults { nu: 3.0, ..Defaults::UNUSED };
            }
            (super::proxprop::CARD.defaults)(setup)
        },
        batch: None,
        composed: false,
        // The weights' steps; what lies between subnetworks is not counted.
        products: |first, _, _, _| LayerProducts::back_propagation(first),
        state: StateMatrices { hidden: 0, last: 0, cut },
        rho_threshold: None,
        theorem: "no theorem about rho",
    }
}

/// What is known of gsADMM without a run: p, q and u are kept at each cut. Defaults of the inner rules:
/// [`Inner::defaults`].
pub const GSADMM: Card = card(
    ("gsadmm", 9),
    (
        "gsADMM",
        "gsADMM: subnetworks in parallel, back-propagation inside, ADMM between them (TSSM, Algorithm 1)",
    ),
    &[Use::Rho, Use::LearningRate, Use::Batch, Use::Cuts, Use::Inner, Use::Subnetworks],
    3,
);

/// What is known of gsAM without a run: p is kept at each cut. Defaults of the inner rules: [`Inner::defaults`].
pub const GSAM: Card = card(
    ("gsam", 10),
    (
        "gsAM",
        "gsAM: subnetworks in parallel, back-propagation inside, alternating minimisation between them (TSSM, \
         Algorithm 2)",
    ),
    &[Use::LearningRate, Use::Batch, Use::Cuts, Use::Inner, Use::Subnetworks],
    1,
);

/// Why there is no place for dropout and batch normalisation.
const ONE_NETWORK: &str = "a network without it: gsADMM and gsAM keep variables of each sample between subnetworks from step to step, \
                           and it would change what they are tied to";

/// The method at work, whichever the splitting is.
#[derive(Debug, Clone, Copy)]
pub struct Tssm<T> {
    splitting: Splitting,
    settings: Hyperparameters<T>,
    batches: Batches,
    /// How all samples are cut.
    partition: Partition,
    /// How those of the largest batch are.
    of_batch: Partition,
    /// Of least-squares steps in mini-batches.
    schedule: Schedule,
}

impl<T: Real> Tssm<T> {
    /// gsADMM for a run, whose cuts say what the subnetworks are.
    ///
    /// # Errors
    /// As [`Tssm::with_partitions`].
    pub fn gsadmm(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Splitting::Gsadmm, settings, run)
    }

    /// gsAM for a run, whose cuts say what the subnetworks are.
    ///
    /// # Errors
    /// As [`Tssm::with_partitions`].
    pub fn gsam(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Splitting::Gsam, settings, run)
    }

    fn new(splitting: Splitting, settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        let parts = Parts::new(run.network, run.cuts, settings.frozen)?;
        let widest = parts.iter().map(|part| widest_tile(&part)).min().unwrap_or(1);
        let largest = Batches::new(settings.batch, run.samples())?.largest();
        let [partition, of_batch] = [run.samples(), largest].map(|m| Partition::for_network(m, widest));
        Self::with_partitions(splitting, settings, [partition, of_batch], run)
    }

    /// The same where all samples are cut as in the first partition, and those of the largest batch as in the second.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) for a number out of its range, a regulariser, which subnetworks do not have, or cuts
    /// that do not ascend within the network; [`Shape`](Error::Shape) for samples or targets that do not fit the network,
    /// or naming `partition` if one cuts another number of samples.
    pub fn with_partitions(
        splitting: Splitting,
        settings: &Hyperparameters<T>,
        [partition, of_batch]: [Partition; 2],
        run: &Run<'_, T>,
    ) -> Result<Self> {
        let Hyperparameters { alpha, rho, tau, guard, loss, batch, .. } = *settings;
        let Hyperparameters { step_schedule, warm_up, sweeps, .. } = *settings;
        let batches = Batches::new(batch, run.samples())?;
        let schedule = Schedule::new(step_schedule, warm_up, sweeps, batches.count())?;
        let method = Self { splitting, settings: *settings, batches, partition, of_batch, schedule };
        require_positive("alpha", alpha.to_f64())?;
        require_positive("rho", rho.to_f64())?;
        require_positive("tau", tau.to_f64())?;
        guard.map_or(Ok(()), |guard| require_not_negative("guard", guard.to_f64()))?;
        method.check_inner()?;
        method.parts(run)?;
        require_length("partition", partition.samples(), run.samples())?;
        batches.check_partition(of_batch)?;
        pass::check(loss, run)?;
        draws::require_one_network(run.network, ONE_NETWORK)?;
        Ok(method)
    }

    fn check_inner(&self) -> Result {
        let Hyperparameters { nu, damping, regularizer, .. } = self.settings;
        match self.optimizer() {
            Some(optimizer) => optimizer.validate()?,
            None if self.steps_in_minibatches() => check_steps(&self.settings)?,
            None => {
                require_positive("nu", nu.to_f64())?;
                require_positive("damping", damping.to_f64())?;
            }
        }
        match regularizer {
            Regularizer::None => Ok(()),
            Regularizer::L1(lambda) | Regularizer::L2(lambda) => Err(Error::Setting {
                name: "regularizer",
                found: lambda.to_f64(),
                expected: "none, as subnetworks have no regulariser",
            }),
        }
    }

    fn parts<'s>(&self, run: &Run<'s, T>) -> Result<Parts<'s, T>> {
        Parts::new(run.network, run.cuts, self.settings.frozen)
    }

    /// What weights follow their gradient by; `None` with proximal sweeps.
    fn optimizer(&self) -> Option<Optimizer<T>> {
        match self.settings.inner {
            Inner::Sgd => Some(Optimizer::gd(self.settings.learning_rate)),
            Inner::Adam => Some(Optimizer::adam(self.settings.learning_rate)),
            Inner::Proxprop => None,
        }
    }

    /// nu at the start; no matter to an optimiser.
    fn first_nu(&self) -> f64 {
        if self.settings.inner == Inner::Proxprop { self.settings.nu.to_f64() } else { 1.0 }
    }

    /// What goes back from R in the last subnetwork.
    fn signal(&self, nu: f64) -> Signal<T> {
        match self.settings.inner {
            Inner::Sgd | Inner::Adam => Signal::Gradient,
            Inner::Proxprop => Signal::Proximal { nu: T::from_f64(nu), solver: self.settings.solver },
        }
    }

    /// Whether proximal steps are those of mini-batches.
    fn steps_in_minibatches(&self) -> bool {
        let Hyperparameters { inner, guard, batch, .. } = self.settings;
        inner == Inner::Proxprop && guard.is_none() && batch.is_some()
    }

    /// Whether every batch is all of the data, and a subnetwork that moves sees it.
    fn sees_data(&self) -> bool {
        self.batches.are_whole() && self.settings.frozen == 0
    }

    fn report(&self, run: &Run<'_, T>, terms: &[f64]) -> Sweep {
        let all = Terms::sum(terms);
        let Hyperparameters { alpha, rho, convention, .. } = self.settings;
        let (alpha, rho) = (alpha.to_f64(), rho.to_f64());
        let m: f64 = convention.samples(run.samples());
        let (primal, scale) = match self.splitting {
            Splitting::Gsadmm => (all.gap, rho),
            Splitting::Gsam => (all.relaxation, alpha / m),
        };
        Sweep {
            objective: all.risk / m + 0.5 * alpha / m * all.relaxation + all.coupling + 0.5 * rho * all.gap,
            primal_residual: libm::sqrt(primal),
            dual_residual: scale * libm::sqrt(all.moved),
            promised: -f64::MAX,
            ..Sweep::default()
        }
    }
}

impl<T: Real> Method<T> for Tssm<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        self.sizes(run)
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let Ok(parts) = self.parts(run) else { return Requirement::NONE };
        let (tile, risk) =
            (self.of_batch.of(run.samples()).tile(), (self.settings.loss, self.settings.solver));
        let between = self.between_workspace(gemm, &parts, self.tile());
        if self.steps_in_minibatches() {
            return between.or(self.minibatch_workspace(gemm, &parts, tile, risk));
        }
        let is_proximal = self.settings.inner == Inner::Proxprop;
        parts.iter().fold(between, |most, network| {
            let (sums, step) = if is_proximal {
                (MapSums::workspace(gemm, &network, tile), maps::step_workspace(gemm, &network))
            } else {
                (Requirement::NONE, Requirement::NONE)
            };
            most.or(pass::workspace(gemm, &network, tile, sums, risk)).or(step)
        })
    }

    fn partition(&self) -> Partition {
        self.partition
    }

    fn recut(&self, partitions: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        Self::with_partitions(self.splitting, &self.settings, partitions, run)
    }

    /// The moments stay.
    fn set_learning_rate(&mut self, rate: T) -> Result {
        let Some(optimizer) = self.optimizer() else { return Ok(()) };
        optimizer.with_rate(rate).validate()?;
        self.settings.learning_rate = rate;
        Ok(())
    }

    /// rho from the next step of p on, with u as it is. Proximal sweeps of all subnetworks go on with another nu, whatever theirs was
    /// before.
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        Penalties { nu, rho, .. }: Penalties<T>,
        _: &mut E,
        _: &G,
    ) -> Result<f64> {
        let changed = Self { settings: Hyperparameters { nu, rho, ..self.settings }, ..*self };
        require_positive("rho", rho.to_f64())?;
        changed.check_inner()?;
        let VariablesMut { subnetworks, .. } = self.variables_mut(run, state)?;
        if changed.first_nu() != self.first_nu() {
            for l in 0..subnetworks.len() / Subnetwork::COUNT {
                update(subnetworks, l, |subnetwork| subnetwork.nu = changed.first_nu());
            }
        }
        *self = changed;
        Ok(0.0)
    }

    /// Sets p and q by a forward pass from the subnetworks' parameters, u to 0, and the optimisers to their start: a
    /// feasible point, where all Omega_l are 0.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let (parts, variables) = (self.parts(run)?, self.variables_mut(run, state)?);
        let VariablesMut { parameters, gradient, first, second, p, q, u, subnetworks, .. } = variables;
        [gradient, first, second].into_iter().for_each(|part| part.fill(T::ZERO));
        [variables.norms, variables.records, variables.tallies, variables.terms]
            .into_iter()
            .for_each(|part| part.fill(0.0));
        let start = Subnetwork { steps: 0, kept_steps: 0, cost: f64::INFINITY, nu: self.first_nu() };
        subnetworks.chunks_exact_mut(Subnetwork::COUNT).for_each(|subnetwork| start.write(subnetwork));
        let frame = Frame { method: self, run: *run, parts, parameters, subnetworks };
        for l in 0..parts.count() - 1 {
            let rows = parts.features(l);
            let (below, own) = p.split_at_mut(parts.features_before(l) * run.samples());
            let between = Between { parts, samples: run.samples(), p: below, q: &[] };
            let input = between.input(run, l);
            let own = &mut own[..rows * run.samples()];
            executor.run(Runs::new(own, rows * self.tile()), |t, p, stack| {
                let (start, count) = self.tile_at(t);
                frame.output(gemm, l, &columns(&input, start, count), p, stack)
            })?;
        }
        if self.splitting == Splitting::Gsadmm {
            q.copy_from_slice(p);
            u.fill(T::ZERO);
        }
        Ok(())
    }

    /// One epoch: the weights of all subnetworks by the batches of the order, then what lies between them, over all samples.
    ///
    /// The report's objective is L_rho (gsADMM) or F (gsAM) at the end of the epoch; the primal residual
    /// `sqrt(sum |p_{l+1} - q_l|^2)`, for gsAM `sqrt(sum |p_{l+1} - f_l(p_l)|^2)`; the dual residual rho times the change
    /// of q, for gsAM alpha/M (alpha with sums) times that of p; nothing is promised, which the least finite number stands
    /// for.
    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.batches.check(order)?;
        let variables = &mut self.variables_mut(run, state)?;
        self.train(run, variables, order, executor, gemm)?;
        variables.terms.fill(0.0);
        match self.splitting {
            Splitting::Gsadmm => {
                self.step_inputs(run, variables, executor, gemm)?;
                self.step_outputs(run, variables, executor, gemm)?;
                // The relaxations are known from the outputs' step.
                self.measure(run, variables, self.parts(run)?.count() - 1, executor, gemm)?;
            }
            Splitting::Gsam => {
                self.step_inputs_in_order(run, variables, executor, gemm)?;
                self.measure(run, variables, 0, executor, gemm)?;
            }
        }
        self.report(run, variables.terms).require_finite()
    }

    /// L_rho or F, by a pass down of every subnetwork.
    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        let variables = &mut self.variables_mut(run, state)?;
        variables.terms.fill(0.0);
        self.measure(run, variables, 0, executor, gemm)?;
        if self.splitting == Splitting::Gsadmm {
            self.measure_constraints(run, variables, executor)?;
        }
        Ok(self.report(run, variables.terms).objective)
    }

    fn approximation_workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        self.theorem_workspace(run, gemm)
    }

    fn approximation<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        rounds: usize,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Option<Approximation>> {
        self.theorem(run, state, rounds, executor, gemm).map(Some)
    }
}
