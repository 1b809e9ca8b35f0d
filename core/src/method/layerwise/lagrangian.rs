//! What dlADMM and Taylor's ADMM share: the Lagrangian of dlADMM's equation 1, whose last layer has a dual.
//!
//! The last layer carries the shifted residual `r = W a + b - z - u/rho`, with which every formula holds as for the others
//! with `w = rho` in the place of nu.

use super::{Extra, Frame, Layerwise, Tile};
use crate::error::{Result, require_positive};
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::loss::OutputReport;
use crate::method::layers::{self, LayerRef, Layers};
use crate::method::numbers::numbers;
use crate::method::{Hyperparameters, Partition, Penalties, Run, State, Sweep};
use crate::objective::{self, ConstraintTerms};
use crate::real::Real;
use crate::update::hidden::Proximal;
use crate::update::input::{self, Probe, StepKind};
use crate::update::sums::{self, SumsShape};
use crate::update::weights::Order;
use crate::update::{StepRule, dual, hidden, output, weights};
use crate::view::{as_ref, column, column_mut};
use crate::workspace::{Requirement, Stack};

/// A group's share of the Lagrangian, of what is promised, and of what moved.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::method) struct Terms {
    pub(in crate::method) probe: Probe,
    linear: f64,
    activation: f64,
    constraint: ConstraintTerms,
    risk: f64,
    input_promised: f64,
    output_moved: f64,
    sweep_moved: f64,
    report: OutputReport,
}

numbers!(Terms {
    probe: Probe,
    linear: f64,
    activation: f64,
    constraint: ConstraintTerms,
    risk: f64,
    input_promised: f64,
    output_moved: f64,
    sweep_moved: f64,
    report: OutputReport,
});

type Group<'u, T> = super::Group<'u, T, Terms>;
type VariablesMut<'s, T> = super::VariablesMut<'s, T, Terms>;

/// Scratch that each of the executor's workers needs.
pub(in crate::method) fn workspace<T: Real, G: Gemm<T>>(
    method: &Layerwise<T>,
    run: &Run<'_, T>,
    gemm: &G,
) -> Requirement {
    let Ok(layers) = Layers::new(run.network) else { return Requirement::NONE };
    let (settings, tile) = (&method.settings, method.partition().tile());
    layers.shapes().fold(Requirement::NONE, |most, shape| {
        let SumsShape { n_out, n_in } = shape;
        let kind = StepKind::of(&settings.input_step, n_out, n_in);
        let prepare = layers::prepare_input_workspace(gemm, &settings.steps(), shape);
        let step = Requirement::matrix(n_in, tile).and(input::step_workspace(gemm, kind, n_out, n_in, tile));
        let samples = sums::accumulate_workspace(gemm, n_out, n_in, tile)
            .or(weights::apply_workspace(gemm, n_out, n_in, tile))
            .or(hidden::step_workspace(n_out))
            .or(objective::activation_gap_workspace(n_out))
            .or(output::step_workspace::<T>(settings.loss, settings.solver, n_out, tile));
        let reduce = layers::step_workspace(gemm, &settings.steps(), shape);
        most.or(prepare).or(step).or(samples).or(reduce)
    })
}

impl<T: Real> Layerwise<T> {
    /// A method with this Lagrangian; errors as [`Layerwise::new`].
    pub(in crate::method) fn with_dual(
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        require_positive("nu", settings.nu.to_f64())?;
        require_positive("rho", settings.rho.to_f64())?;
        Self::new::<Terms>(settings, Extra::Dual, partition, run)
    }

    /// [`VariablesMut::set_penalties`], for the sweeps to come.
    pub(in crate::method) fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        penalties: Penalties<T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let mut variables: VariablesMut<'_, T> = self.variables_mut(run, state)?;
        self.settings = variables.set_penalties(penalties, executor, gemm)?;
        Ok(())
    }
}

/// `w` of a layer's linear residual: nu, and rho in the last.
fn linear_weight<T: Real>(settings: &Hyperparameters<T>, l: usize, last: usize) -> T {
    if l == last { settings.rho } else { settings.nu }
}

impl<T: Real> Frame<'_, T> {
    /// `w` of the linear residual of layer `l`.
    pub(in crate::method) fn weight(&self, l: usize) -> T {
        linear_weight(&self.settings, l, self.last())
    }

    /// Equations 3 and 16: a, the input of layer `above`.
    pub(in crate::method) fn step_activation<G: Gemm<T>>(
        &self,
        gemm: &G,
        above: &LayerRef<'_, T>,
        tile: Tile,
        group: &mut Group<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (nu, w, l) = (self.settings.nu, self.weight(above.index()), above.index() - 1);
        let mut a = group.a.tile_mut(l, tile);
        let mut gradient = stack.matrix(a.nrows(), tile.count)?;
        let z = group.z.tile(l, tile);
        input::activation_coupling(nu, self.activation, &as_ref(&a), &z, &mut gradient)?;
        let mut r = group.r.tile_mut(l + 1, tile);
        let (weights, prepared) = (above.weights(), above.prepared());
        let moved = input::step(gemm, w, nu, &weights, prepared, &mut gradient, &mut a, &mut r, stack)?;
        group.record.input_promised += moved.promised;
        Ok(())
    }

    /// The residual of a layer follows its weights, and z (equation 14) its residual while a strip is near.
    pub(in crate::method) fn follow_and_step_linear<G: Gemm<T>>(
        &self,
        gemm: &G,
        layer: &LayerRef<'_, T>,
        tile: Tile,
        group: &mut Group<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        self.follow_in_strips(gemm, layer, tile, group, stack, |strip, group, stack| {
            self.step_linear(layer.index(), strip, group, stack)
        })
    }

    /// Equations 4 and 14: z of layer `l`.
    pub(in crate::method) fn step_linear(
        &self,
        l: usize,
        tile: Tile,
        group: &mut Group<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (mut z, mut r) = (group.z.tile_mut(l, tile), group.r.tile_mut(l, tile));
        hidden::step(Proximal::No, self.activation, &group.a.tile(l, tile), &mut z, &mut r, stack)?;
        Ok(())
    }

    /// Equations 5 and 15: z of the last layer.
    pub(in crate::method) fn step_last(
        &self,
        tile: Tile,
        group: &mut Group<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let solved = self.step_output(tile, group, stack)?;
        group.record.output_moved += solved.squared;
        group.record.report = group.record.report.merge(solved.report);
        Ok(())
    }

    /// The penalties of hidden layer `l`.
    pub(in crate::method) fn account_hidden(
        &self,
        l: usize,
        tile: Tile,
        group: &mut Group<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (a, z) = (group.a.tile(l, tile), group.z.tile(l, tile));
        let gap = objective::activation_gap(self.activation, &a, &z, stack)?;
        group.record.linear += objective::squared(&group.r.tile(l, tile));
        group.record.activation += gap;
        Ok(())
    }

    fn account_output(&self, tile: Tile, group: &mut Group<'_, T>) -> Result {
        let r = group.r.tile(self.last(), tile);
        let terms = objective::constraint_terms(self.settings.rho, &r, &group.u.tile(self.last(), tile))?;
        group.record.risk += self.risk(tile, group)?;
        group.record.constraint.add(terms);
        Ok(())
    }

    /// `u <- -grad R(z_L)`, where the dual stands after every sweep.
    fn initialize_dual(&self, tile: Tile, group: &mut Group<'_, T>) -> Result {
        let (last, Group { z, u, .. }) = (self.last(), group);
        let gradient = u.tile_mut(last, tile);
        self.settings.loss.gradient(z.tile(last, tile), self.target(tile), gradient)?;
        u.tile_slice_mut(last, tile).iter_mut().for_each(|u| *u = -*u);
        Ok(())
    }
}

impl<T: Real> VariablesMut<'_, T> {
    /// `w` of the linear residual of layer `l`.
    pub(in crate::method) fn weight(&self, l: usize) -> T {
        linear_weight(&self.settings, l, self.last())
    }

    /// Sets a, z, r and u by a forward pass from the parameters: `a = f(z)`, `r = 0` but for the last layer's shift,
    /// `u = -grad R(z_L)`.
    pub(in crate::method) fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.reset();
        self.pass(executor, |frame, group, mut stack| {
            for tile in group.tiles() {
                frame.forward(gemm, tile, group, stack.rest())?;
                frame.initialize_dual(tile, group)?;
            }
            group.r.as_mut_slice().fill(T::ZERO);
            let shift = -(T::ONE / frame.settings.rho);
            for (r, &u) in group.r.layer_mut(frame.last()).iter_mut().zip(group.u.layer(frame.last())) {
                *r = shift * u;
            }
            Ok(())
        })
    }

    /// Makes the exact step of the input of layer `l` ready. It serves until the layer's weights change.
    pub(in crate::method) fn prepare_input<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result {
        let Hyperparameters { nu, input_step, .. } = self.settings;
        if !matches!(input_step, StepRule::LeastSquares { .. }) {
            return Ok(());
        }
        let w = self.weight(l);
        executor
            .run(self.layers.range(l, l + 1), |_, mut layer, stack| layer.prepare_input(gemm, w, nu, stack))
    }

    /// Weights and bias of layer `l`; returns what they promise.
    pub(in crate::method) fn reduce<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        l: usize,
        order: Order,
    ) -> Result<f64> {
        self.step_weights(executor, gemm, l, order, self.weight(l))
    }

    /// The last layer's residual follows its weights; z (equation 15) and the dual.
    pub(in crate::method) fn finish<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.pass(executor, |frame, group, mut stack| {
            let (last, layer) = (frame.last(), frame.layers.get(frame.last()));
            for tile in group.tiles() {
                frame.follow(gemm, &layer, tile, group, stack.rest())?;
                frame.step_last(tile, group, stack.rest())?;
                let (mut r, mut u) = (group.r.tile_mut(last, tile), group.u.tile_mut(last, tile));
                dual::step_shifted(frame.settings.rho, &mut r, &mut u)?;
                frame.account_output(tile, group)?;
            }
            for (&new, &old) in group.z.layer(last).iter().zip(&*group.z_last_before) {
                group.record.sweep_moved += ((new - old) * (new - old)).to_f64();
            }
            Ok(())
        })
    }

    /// Adds up the groups' shares, in their order. `output_constant` is what a method promises for `|dz_L|^2`.
    pub(in crate::method) fn account(&self, weights_promised: f64, output_constant: f64) -> Sweep {
        let Hyperparameters { nu, rho, regularizer, .. } = self.settings;
        let (nu, rho) = (nu.to_f64(), rho.to_f64());
        let mut sweep = Sweep { promised: weights_promised, ..Sweep::default() };
        let (mut constraint, mut moved) = (ConstraintTerms::default(), 0.0);
        for layer in self.layers.read().iter() {
            sweep.objective += regularizer.value(&layer.weights());
        }
        for terms in self.records() {
            sweep.objective += terms.risk + 0.5 * nu * (terms.linear + terms.activation);
            constraint.add(terms.constraint);
            sweep.promised += terms.input_promised + output_constant * terms.output_moved;
            moved += terms.sweep_moved;
            sweep.output = sweep.output.merge(terms.report);
        }
        sweep.objective += constraint.value(rho);
        sweep.primal_residual = libm::sqrt(constraint.gap);
        sweep.dual_residual = rho * libm::sqrt(moved);
        sweep
    }

    /// The Lagrangian of the present state, by a pass of its own; a sweep reports it anyway.
    pub(in crate::method) fn objective<E: Executor<T>>(&mut self, executor: &mut E) -> Result<f64> {
        self.pass(executor, |frame, group, mut stack| {
            group.record = Terms::default();
            for tile in group.tiles() {
                for l in 0..frame.last() {
                    frame.account_hidden(l, tile, group, stack.rest())?;
                }
                frame.account_output(tile, group)?;
            }
            Ok(())
        })?;
        Ok(self.account(0.0, 0.0).objective)
    }

    /// What [`DlAdmm`](crate::method::dladmm::DlAdmm) says of a change of nu and rho; returns the settings from then on.
    pub(in crate::method) fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        Penalties { nu, rho, .. }: Penalties<T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Hyperparameters<T>> {
        require_positive("nu", nu.to_f64())?;
        require_positive("rho", rho.to_f64())?;
        if rho != self.settings.rho {
            self.shift(executor, gemm, rho)?;
        }
        let w = self.weight(0);
        (self.settings.nu, self.settings.rho) = (nu, rho);
        if self.weight(0) != w {
            self.layers.forget_factor();
        }
        Ok(self.settings)
    }

    /// `r <- W a + b - z - u/rho` in the last layer.
    fn shift<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, rho: T) -> Result {
        let inverse = T::ONE / rho;
        self.pass(executor, |frame, group, mut stack| {
            let (last, layer) = (frame.last(), frame.layers.get(frame.last()));
            for tile in group.tiles() {
                let a = frame.input(last, &group.a, tile);
                layer.forward(gemm, &a, &mut group.r.tile_mut(last, tile), stack.rest())?;
                let (z, u) = (group.z.tile(last, tile), group.u.tile(last, tile));
                let mut r = group.r.tile_mut(last, tile);
                for j in 0..tile.count {
                    let values = column(&z, j).iter().zip(column(&u, j));
                    for (r, (&z, &u)) in column_mut(&mut r, j).iter_mut().zip(values) {
                        *r -= z + inverse * u;
                    }
                }
            }
            Ok(())
        })
    }
}
