//! TSSM (Wang, Chai, Cheng, Zhao, 'Tunable Subnetwork Splitting', ICML workshop 2020): subnetworks that train at the same
//! time, back-propagation inside and alternating minimisation between them.
//!
//! A network is cut into n subnetworks f_1 .. f_n. Problem 2 gives each its own input p_l (p_1 = x is data) and lets its
//! output be a variable q_l, with `Omega_l = (alpha/2M)|q_l - f_l(W_l, p_l)|^2` over the M samples, R the **mean** risk
//! of `f_n(W_n, p_n)`, and `p_{l+1} = q_l`.
//!
//! - **gsADMM** (Algorithm 1): weights by mini-batch steps of an [`Optimizer`](crate::optimizer::Optimizer) on their own
//!   Omega_l, the last ones on R (equations 2 and 3, in a batch of b samples with alpha/2b), or by proximal sweeps
//!   ([`Inner`]); then p by one gradient step of length 1/tau_2 over all
//!   samples (equation 4), q in closed form (equation 5), `u_l <- u_l + rho (p_{l+1} - q_l)` (equation 6). L_rho holds R,
//!   the Omega_l and, as sums, `<u_l, p_{l+1} - q_l> + (rho/2)|p_{l+1} - q_l|^2`.
//! - **gsAM** (Algorithm 2): no q and u, p_{l+1} in the place of q_l; p for l = 2..n in order (equations 7 and 8).
//!
//! These are the paper's means; [`Convention::Sum`] has sums in their place. With n = 1 both are plain mini-batch training. A subnetwork sees nothing of the others but its p and q: all take a batch
//! at the same time. Nothing is promised of L_rho or F.

mod approximation;
mod proximal;
mod settings;
mod state;
mod tile;
mod weights;

pub use approximation::{Approximation, approximation_workspace};
pub use settings::{Convention, Inner, Settings, Splitting};
pub use state::{Interface, Share, State, Subnetwork, Terms, interface, share, subnetwork};

use super::{Partition, Problem, Sweep};
use crate::block::Network;
use crate::error::{Error, Result};
use crate::executor::{Executor, Runs};
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::real::Real;
use crate::view::{copy, dense_mut, require_length, require_size};
use crate::workspace::Requirement;
use tile::Frame;

/// Scratch that each of the executor's workers needs, for tiles of `tile` samples.
pub fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    networks: &[Network<'_, T>],
    tile: usize,
) -> Requirement {
    let of = |network| match settings.inner {
        Inner::Optimizer(_) => tile::workspace(gemm, network, tile),
        Inner::Proximal { .. } => proximal::workspace(gemm, settings, network, tile),
    };
    networks.iter().map(of).fold(Requirement::NONE, Requirement::or)
}

/// The method over a state.
#[derive(Debug)]
pub struct Tssm<'a, T: Real, S> {
    settings: Settings<T>,
    networks: &'a [Network<'a, T>],
    /// How all samples are cut.
    partition: Partition,
    /// How the largest mini-batch is cut.
    batches: Partition,
    problem: Problem<'a, T>,
    state: State<'a, T, S>,
}

impl<'a, T: Real, S: Memory<T>> Tssm<'a, T, S> {
    /// Brings settings, subnetworks, data and state together, and checks that they fit.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting), [`Shape`](Error::Shape) (naming `networks` where one does not take what the one
    /// before gives), [`Length`](Error::Length).
    pub fn new(
        settings: Settings<T>,
        networks: &'a [Network<'a, T>],
        partition: Partition,
        batches: Partition,
        problem: Problem<'a, T>,
        state: State<'a, T, S>,
    ) -> Result<Self> {
        settings.validate()?;
        let method = Self { settings, networks, partition, batches, problem, state };
        method.check()?;
        Ok(method)
    }

    fn check(&self) -> Result {
        let (n, m) = (self.networks.len(), self.partition.samples());
        require_size("networks", (n.min(1), 1), (1, 1))?;
        require_length("subnetworks", self.state.subnetworks.len(), n)?;
        require_length("interfaces", self.state.interfaces.len(), n - 1)?;
        require_length("shares", self.state.shares.len(), n * self.batches.groups())?;
        require_length("terms", self.state.terms.len(), self.tiles())?;
        require_size("x", self.problem.x.shape(), (self.networks[0].input().features(), m))?;
        let dual = self.settings.splitting == Splitting::Gsadmm;
        for (l, pair) in self.networks.windows(2).enumerate() {
            let (out, into) = (pair[0].output(), pair[1].input());
            require_size("networks", (into.features(), 1), (out.features(), 1))?;
            let interface = &self.state.interfaces[l];
            let shapes = [("p", &interface.p, m), ("q", &interface.q, m), ("u", &interface.u, m)];
            for (argument, matrix, m) in shapes {
                let m = if dual || argument == "p" { m } else { 0 };
                require_size(argument, matrix.shape(), (out.features(), m))?;
            }
        }
        let guard = self.settings.guard.is_some();
        for (l, network) in self.networks.iter().enumerate() {
            let subnetwork = &self.state.subnetworks[l];
            let lengths = state::lengths(network, &self.settings.inner, guard);
            let memories = [
                ("parameters", &subnetwork.parameters),
                ("gradient", &subnetwork.gradient),
                ("moments", &subnetwork.first),
                ("moments", &subnetwork.second),
                ("sums", &subnetwork.sums),
                ("kept", &subnetwork.kept),
            ];
            for ((argument, memory), needed) in memories.into_iter().zip(lengths) {
                require_elements(argument, memory.as_ref().len(), needed)?;
            }
            let groups = self.batches.groups();
            for share in &self.state.shares[l * groups..(l + 1) * groups] {
                let needed = state::share_length(network, &self.settings.inner);
                require_elements("shares", share.sums.as_ref().len(), needed)?;
            }
        }
        let outputs = self.networks[n - 1].output().features();
        self.settings.loss.check_target(self.problem.target, outputs, m)
    }

    /// Tiles of all samples.
    fn tiles(&self) -> usize {
        self.partition.samples().div_ceil(self.partition.tile().max(1))
    }

    /// The state, for reading.
    pub fn state(&self) -> &State<'a, T, S> {
        &self.state
    }

    /// Sets p and q by a forward pass from the subnetworks' parameters, u to 0, and the optimisers to their start: a
    /// feasible point, where all Omega_l are 0.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let nu = self.settings.inner.nu();
        self.state.subnetworks.iter_mut().for_each(|subnetwork| subnetwork.reset(nu));
        for l in 0..self.networks.len() - 1 {
            let tile = self.partition.tile().max(1);
            let (frame, interfaces) = self.frame();
            let (below, above) = interfaces.split_at_mut(l);
            let here = &mut above[0];
            let features = here.p.shape().0;
            executor.run(Runs::new(here.p.as_mut_slice(), features * tile), |t, p, mut stack| {
                let (start, count) = frame.tile(t);
                let record = frame.forward(gemm, l, &frame.input(below, l, start, count), &mut stack)?;
                let output = frame.networks[l].output_of(record, count);
                copy(&output, &mut dense_mut(p, features, count));
                Ok(())
            })?;
            let Interface { p, q, u } = here;
            if frame.settings.splitting == Splitting::Gsadmm {
                q.as_mut_slice().copy_from_slice(p.as_slice());
                u.as_mut_slice().fill(T::ZERO);
            }
        }
        Ok(())
    }

    /// The subnetworks' parameters and the data, for reading, apart from the interfaces, for writing.
    fn frame(&mut self) -> (Frame<'_, T, S>, &mut [Interface<T, S>]) {
        let Self { settings, networks, partition, problem, state, .. } = self;
        let frame = Frame {
            settings: *settings,
            networks,
            partition: *partition,
            problem: *problem,
            subnetworks: state.subnetworks,
        };
        (frame, state.interfaces)
    }

    /// One epoch: the weights of all subnetworks by the batches of `order`, `batch` samples each at most (all as large as
    /// one another, but for one sample), then what lies between them, over all samples.
    ///
    /// The report's objective is L_rho (gsADMM) or F (gsAM) at the end of the epoch; the primal residual
    /// `sqrt(sum |p_{l+1} - q_l|^2)`, for gsAM `sqrt(sum |p_{l+1} - f_l(p_l)|^2)`; the dual residual rho times the change
    /// of q, for gsAM alpha/M (alpha with sums) times that of p; nothing is promised, which the least finite number stands for.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `batch` for 0 or more samples than the batches' partition cuts, or for a sample
    /// that there is not; [`NonFinite`](Error::NonFinite) if a cost, L_rho or F is.
    pub fn epoch<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        order: &[u32],
        batch: usize,
    ) -> Result<Sweep> {
        self.check_order(order, batch)?;
        self.train(executor, gemm, order, batch)?;
        self.state.terms.fill(Terms::default());
        match self.settings.splitting {
            Splitting::Gsadmm => {
                self.step_inputs(executor, gemm)?;
                self.step_outputs(executor, gemm)?;
            }
            Splitting::Gsam => self.step_inputs_in_order(executor, gemm)?,
        }
        self.measure(executor, gemm)?;
        self.report().require_finite()
    }

    /// The weights' part of an epoch alone: with a single subnetwork there is nothing else to be done, and the pass by which
    /// [`Tssm::epoch`] measures R is saved.
    ///
    /// # Errors
    /// As [`Tssm::epoch`].
    pub fn epoch_of_weights<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        order: &[u32],
        batch: usize,
    ) -> Result {
        self.check_order(order, batch)?;
        self.train(executor, gemm, order, batch)
    }

    fn check_order(&self, order: &[u32], batch: usize) -> Result {
        let (most, samples) = (self.batches.samples(), self.partition.samples());
        if batch == 0 || batch > most {
            let (found, expected) = (batch as f64, "at least 1, and no more than a batch's partition cuts");
            return Err(Error::Setting { name: "batch", found, expected });
        }
        match order.iter().find(|&&sample| sample as usize >= samples) {
            None => Ok(()),
            Some(&sample) => {
                let (found, expected) = (f64::from(sample), "samples below the number of samples");
                Err(Error::Setting { name: "batch", found, expected })
            }
        }
    }

    /// Equation 4, for all interfaces: each reads p, q and u as they were.
    fn step_inputs<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let tile = self.partition.tile().max(1);
        for l in 1..self.networks.len() {
            let (frame, interfaces) = self.frame();
            let (here, above) = interfaces.split_at_mut(l);
            let Interface { p, q, u } = &mut here[l - 1];
            let features = p.shape().0;
            executor.run(Runs::new(p.as_mut_slice(), features * tile), |t, p, stack| {
                let (start, count) = frame.tile(t);
                let target = above.first().map(|above| above.q.columns(start, count));
                let (q, u) = (q.columns(start, count), u.columns(start, count));
                frame.step_input(gemm, l, (start, count), p, target, &q, &u, stack)
            })?;
        }
        Ok(())
    }

    /// Equations 5 and 6, for all interfaces.
    fn step_outputs<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let tile = self.partition.tile().max(1);
        for l in 0..self.networks.len() - 1 {
            let Self { settings, networks, partition, problem, state, .. } = self;
            let State { subnetworks, interfaces, terms, .. } = state;
            let (settings, partition, problem) = (*settings, *partition, *problem);
            let frame = Frame { settings, networks, partition, problem, subnetworks };
            let (below, above) = interfaces.split_at_mut(l);
            let Interface { p, q, u } = &mut above[0];
            let features = p.shape().0;
            let run = features * tile;
            let units = (Runs::new(q.as_mut_slice(), run), Runs::new(u.as_mut_slice(), run), &mut **terms);
            executor.run(units, |t, (q, u, terms), stack| {
                let (start, count) = frame.tile(t);
                let input = frame.input(below, l, start, count);
                frame.step_output(gemm, l, &input, &p.columns(start, count), q, u, terms, stack)
            })?;
        }
        Ok(())
    }

    /// Equations 7 and 8: p for l = 2..n in order, tile by tile.
    fn step_inputs_in_order<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let tile = self.partition.tile().max(1);
        for l in 1..self.networks.len() {
            let Self { settings, networks, partition, problem, state, .. } = self;
            let State { subnetworks, interfaces, terms, .. } = state;
            let (settings, partition, problem) = (*settings, *partition, *problem);
            let frame = Frame { settings, networks, partition, problem, subnetworks };
            let (below, rest) = interfaces.split_at_mut(l - 1);
            let Some((here, above)) = rest.split_first_mut() else { continue };
            let features = here.p.shape().0;
            let units = (Runs::new(here.p.as_mut_slice(), features * tile), &mut **terms);
            executor.run(units, |t, (p, terms), stack| {
                let (start, count) = frame.tile(t);
                let target = above.first().map(|above| above.p.columns(start, count));
                let input = frame.input(below, l - 1, start, count);
                frame.step_input_in_order(gemm, l, (start, count), &input, p, target, terms, stack)
            })?;
        }
        Ok(())
    }

    /// R at the last subnetwork's input; for gsAM also the relaxations, which gsADMM knows from its outputs' step.
    fn measure<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let Self { settings, networks, partition, problem, state, .. } = self;
        let State { subnetworks, interfaces, terms, .. } = state;
        let (settings, partition, problem) = (*settings, *partition, *problem);
        let frame = Frame { settings, networks, partition, problem, subnetworks };
        let interfaces = &**interfaces;
        let first = match settings.splitting {
            Splitting::Gsadmm => networks.len() - 1,
            Splitting::Gsam => 0,
        };
        executor.run(&mut **terms, |t, terms, mut stack| {
            let (start, count) = frame.tile(t);
            for l in first..frame.networks.len() {
                let input = frame.input(interfaces, l, start, count);
                let target = interfaces.get(l).map(|above| above.p.columns(start, count));
                frame.measure(gemm, l, (start, count), &input, target, terms, stack.rest())?;
            }
            Ok(())
        })
    }

    fn report(&self) -> Sweep {
        let mut all = Terms::default();
        self.state.terms.iter().for_each(|terms| all.add(*terms));
        let Settings { alpha, rho, splitting, .. } = self.settings;
        let (alpha, rho) = (alpha.to_f64(), rho.to_f64());
        let m: f64 = self.settings.convention.samples(self.partition.samples());
        let (primal, scale) = match splitting {
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

fn require_elements(argument: &'static str, found: usize, needed: usize) -> Result {
    if found == needed { Ok(()) } else { Err(Error::Length { argument, found, needed }) }
}
