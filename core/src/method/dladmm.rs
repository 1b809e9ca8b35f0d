//! dlADMM (Wang, Yu, Chen, Zhao, KDD 2019): one layer after the other, backward and then forward.
//!
//! Algorithm 1: backward for l = L..1 the last layer takes z, b, W (equations 5, 7, 9), the others a, z, b, W (3, 4, 6,
//! 9); forward for l = 1..L the layers take W, b, z, a (11, 12, 14, 16), the last W, b, z (11, 13, 15); then the dual.
//!
//! Each pass over the samples is fused: what follows the reduction of one layer (its residual, the input below it, the z
//! below) and what comes before that of the next (its sums) is done while a tile is in cache. Samples are worked on in
//! groups, layers in order.
//!
//! Between the first layer's backward and forward step no sample changes, so its second step is made from the sums of
//! the first: two products a sweep instead of four.
//!
//! L_rho is equation 1. The last layer carries the shifted residual `r = W a + b - z - u/rho`, with which every formula
//! holds as for the others with `w = rho`. Guarantee (Property 2): for `rho > 2 H` L_rho falls in every sweep by at least
//! [`Sweep::promised`], if the dual starts at `-grad R(z_L)`, as it does here.

use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::layerwise::{self, Layerwise, Terms, Variables};
use super::{Hyperparameters, Memory, Method, Partition, Penalties, Run, State, Sweep};
use crate::error::Result;
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::real::Real;
use crate::theory;
use crate::update::StepRule;
use crate::update::input::{self, Probe};
use crate::update::weights::Order;
use crate::workspace::Requirement;

type VariablesMut<'s, T> = layerwise::VariablesMut<'s, T, Terms>;

/// What is known of dlADMM without a run.
///
/// Defaults from held-out images of MNIST (six pairs of nu and rho, 50 sweeps of 196-500-500-10 on 10,000 images): rho of 0.3
/// reaches 0.93 in one sweep where 1.1, above the threshold 2 H, takes four.
pub const CARD: Card = Card {
    name: "dladmm",
    code: 1,
    title: "dlADMM",
    summary: "Layer after layer, backward and then forward in every sweep (KDD 2019, Algorithm 1)",
    paper: "J. Wang, F. Yu, X. Chen, L. Zhao, ADMM for Efficient Deep Learning with Global Convergence, KDD 2019",
    layers_only: true,
    uses: &[Use::Nu, Use::NuSchedule, Use::Rho, Use::RhoSchedule, Use::Steps, Use::Damping, Use::L1],
    in_minibatches: &[],
    defaults: |_| Defaults { nu: 1.0, rho: 0.3, ..Defaults::UNUSED },
    batch: None,
    composed: false,
    // All of it backward and forward, but for the first layer, whose second step needs no samples.
    products: |first, input_step, n_out, n_in| {
        let exact = matches!(input_step, StepRule::LeastSquares { .. });
        let pass = LayerProducts::alternating(first, exact, n_out, n_in);
        if first { pass } else { pass.twice() }
    },
    // a, z and r of a hidden layer; z, r and u of the last.
    state: StateMatrices { hidden: 3, last: 3, cut: 0 },
    rho_threshold: Some(|_, _, risk| theory::dladmm_rho_threshold(risk)),
    theorem: "dlADMM, Theorem 4.2: rho > 2 H",
};

/// The method at work.
#[derive(Debug, Clone, Copy)]
pub struct DlAdmm<T> {
    base: Layerwise<T>,
}

impl<T: Real> DlAdmm<T> {
    /// One sweep of Algorithm 1; returns what the weights promise.
    fn algorithm_1<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        let (last, mut promised) = (variables.last(), 0.0);
        Self::start(variables, executor, gemm)?;
        promised += variables.reduce(executor, gemm, last, Order::BiasFirst)?;
        for l in (0..last).rev() {
            variables.prepare_input(executor, gemm, l + 1)?;
            Self::backward(variables, executor, gemm, l)?;
            promised += variables.reduce(executor, gemm, l, Order::BiasFirst)?;
        }
        promised += Self::reduce_again(variables, executor, gemm)?;
        for l in 0..last {
            Self::forward(variables, executor, gemm, l)?;
            promised += variables.reduce(executor, gemm, l + 1, Order::WeightsFirst)?;
        }
        variables.finish(executor, gemm)?;
        Ok(promised)
    }

    /// The last layer's z (equation 5), and the sums for its b and W.
    fn start<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        variables.pass(executor, |frame, group, mut stack| {
            let layer = frame.layers.get(frame.last());
            group.record = Terms::default();
            group.z_last_before.copy_from_slice(group.z.layer(frame.last()));
            frame.clear_sums(&layer, group)?;
            for tile in group.tiles() {
                frame.step_last(tile, group, stack.rest())?;
                frame.accumulate(gemm, &layer, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The residual above follows its weights; a and z of layer `l` (equations 3 and 4), and the sums for its b and W.
    fn backward<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result {
        let probes = Self::probes(variables);
        if probes {
            Self::probe(variables, executor, gemm, l, true)?;
        }
        variables.pass(executor, |frame, group, mut stack| {
            let (layer, above) = (frame.layers.get(l), frame.layers.get(l + 1));
            frame.clear_sums(&layer, group)?;
            for tile in group.tiles() {
                if !probes {
                    frame.follow(gemm, &above, tile, group, stack.rest())?;
                }
                frame.step_activation(gemm, &above, tile, group, stack.rest())?;
                frame.step_linear(l, tile, group, stack.rest())?;
                frame.accumulate(gemm, &layer, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The residual follows the weights; z and a of layer `l` (equations 14 and 16), and the sums for W and b above.
    fn forward<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result {
        let probes = Self::probes(variables);
        if probes {
            variables.pass(executor, |frame, group, mut stack| {
                let layer = frame.layers.get(l);
                for tile in group.tiles() {
                    frame.follow_and_step_linear(gemm, &layer, tile, group, stack.rest())?;
                }
                Ok(())
            })?;
            Self::probe(variables, executor, gemm, l, false)?;
        }
        variables.pass(executor, |frame, group, mut stack| {
            let (layer, above) = (frame.layers.get(l), frame.layers.get(l + 1));
            frame.clear_sums(&above, group)?;
            for tile in group.tiles() {
                if !probes {
                    frame.follow_and_step_linear(gemm, &layer, tile, group, stack.rest())?;
                }
                frame.step_activation(gemm, &above, tile, group, stack.rest())?;
                frame.account_hidden(l, tile, group, stack.rest())?;
                frame.accumulate(gemm, &above, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    /// Whether one tau a layer must be found before its input can step.
    fn probes(variables: &VariablesMut<'_, T>) -> bool {
        matches!(variables.settings.input_step, StepRule::Scalar | StepRule::Backtracking { .. })
    }

    /// Finds the scalar tau of the input of layer `l + 1`, whose residual may first have to follow its weights.
    fn probe<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
        follows: bool,
    ) -> Result {
        variables.pass(executor, |frame, group, mut stack| {
            let (above, nu, w) = (frame.layers.get(l + 1), frame.settings.nu, frame.weight(l + 1));
            group.record.probe = Probe::default();
            for tile in group.tiles() {
                if follows {
                    frame.follow(gemm, &above, tile, group, stack.rest())?;
                }
                let mut stack = stack.rest();
                let (a, z, r) = (group.a.tile(l, tile), group.z.tile(l, tile), group.r.tile(l + 1, tile));
                let mut gradient = stack.matrix(a.nrows(), tile.count)?;
                input::activation_coupling(nu, frame.activation, &a, &z, &mut gradient)?;
                let found = input::probe(gemm, w, nu, &above.weights(), &mut gradient, &r, stack)?;
                group.record.probe.add(found);
            }
            Ok(())
        })?;
        let mut probe = Probe::default();
        variables.records().for_each(|terms| probe.add(terms.probe));
        let (w, nu) = (variables.weight(l + 1), variables.settings.nu);
        variables.layers.get(l + 1).set_tau(w, nu, probe)
    }

    /// The first layer's forward step right after its backward one; returns what it promises.
    fn reduce_again<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        let (w, samples) = (variables.weight(0), variables.samples());
        let before = variables.layers.get(0).reduced().promised;
        executor.run(variables.layers.range(0, 1), |_, mut layer, stack| {
            layer.step_again(gemm, Order::WeightsFirst, w, samples, stack)
        })?;
        Ok(variables.layers.get(0).reduced().promised - before)
    }

    /// The method for a run, whose groups of samples are the only units of work.
    ///
    /// # Errors
    /// As [`DlAdmm::with_partition`].
    pub fn new(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(settings, Layerwise::cut(run), run)
    }

    /// The method for a run whose samples are cut so.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting) for a number out of its range, [`Block`](crate::Error::Block) for a network that is
    /// not one of layers, [`Shape`](crate::Error::Shape) for samples or targets that do not fit it, or naming
    /// `partition` if it cuts another number of samples.
    pub fn with_partition(
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        Ok(Self { base: Layerwise::with_dual(settings, partition, run)? })
    }

    /// The present settings.
    pub fn settings(&self) -> &Hyperparameters<T> {
        &self.base.settings
    }

    /// The variables, for reading.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    pub fn variables<'s>(&self, run: &Run<'s, T>, state: &'s State<'_, T>) -> Result<Variables<'s, T>> {
        self.base.variables(run, state)
    }
}

impl<T: Real> Method<T> for DlAdmm<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        self.base.memory(run)
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        layerwise::workspace(&self.base, run, gemm)
    }

    fn partition(&self) -> Partition {
        self.base.partition()
    }

    fn recut(&self, [all, _]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(&self.base.settings, all, run)
    }

    /// `a = f(z)`, `r = 0` but for the last layer's shift, `u = -grad R(z_L)`.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.base.variables_mut(run, state)?.initialize(executor, gemm)
    }

    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let variables = &mut self.base.variables_mut(run, state)?;
        let promised = Self::algorithm_1(variables, executor, gemm)?;
        let Hyperparameters { rho, loss, .. } = self.base.settings;
        let lipschitz = run.problem.target.largest_weight() * loss.lipschitz::<f64>();
        let constant = theory::dladmm_output_constant(rho.to_f64(), lipschitz);
        variables.account(promised, constant).require_finite()
    }

    fn gather<E: Executor<T>>(&self, run: &Run<'_, T>, state: &mut State<'_, T>, executor: &mut E) -> Result {
        self.base.gather(run, state, executor)
    }

    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        _: &G,
    ) -> Result<f64> {
        self.base.variables_mut(run, state)?.objective(executor)
    }

    /// Changes nu and rho between two sweeps; a, W, b, z and u stay as they are.
    ///
    /// - nu: no variable depends on it. What the first layer keeps of its weight w is made anew.
    /// - rho: the last layer carries `r = W a + b - z - u/rho`, which is made anew from the variables, in one pass over
    ///   the samples and with one product of the last layer. Adding `u/rho_old - u/rho_new` would do without the
    ///   product, but when rho rises the rounding of `u/rho_old`, which may be a million times larger than what is left,
    ///   would stay in r for good.
    ///
    /// The Lagrangian changes by `(rho_new - rho_old)/2 |z_L - W a - b|^2` and, for nu, by the penalties' change; it may
    /// rise. Property 2 rests on `u = -grad R(z_L)`, which holds after every sweep whatever rho is, so it holds for every
    /// sweep whose own rho is above [`dladmm_rho_threshold`](crate::theory::dladmm_rho_threshold). Theorem 4.2 is about
    /// runs whose nu and rho stay in the end.
    ///
    /// Values that are the present ones change no bit. May also be called before the state is initialised, which forgets
    /// all but the values.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting) naming `nu` or `rho`, before anything is written, else those of the executor's
    /// tasks.
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        penalties: Penalties<T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        self.base.set_penalties(run, state, penalties, executor, gemm).map(|()| 0.0)
    }
}
