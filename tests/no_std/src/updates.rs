//! Each update of a layer once, against objectives and gradients written out as plain loops.

use altmin_core::gemm::Portable;
use altmin_core::loss::{Loss, OutputSolver, Target};
use altmin_core::update::hidden::{self, Proximal};
use altmin_core::update::input::{self, Prepared};
use altmin_core::update::sums::{self, Parts, SumsShape};
use altmin_core::update::weights::{self, Change, Order};
use altmin_core::update::{StepRule, copy, dual, output};
use altmin_core::view::{MatMut, MatRef, as_ref, columns};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Real, Regularizer, Result};

use crate::plain::{Random, largest, relu, residual, rounding, sigmoid, total};
use crate::{Broken, Checked, require};

const INPUTS: usize = 7;
const OUTPUTS: usize = 5;
const SAMPLES: usize = 23;
const NU: f64 = 0.75;
const RHO: f64 = 4.0;

/// A layer, the layer below it (`q_below`, `z_below`), and what it is to approach.
struct World<'a, T: Real> {
    weights: MatMut<'a, T>,
    bias: &'a mut [T],
    p: MatMut<'a, T>,
    z: MatMut<'a, T>,
    r: MatMut<'a, T>,
    q: MatMut<'a, T>,
    u: MatMut<'a, T>,
    p_next: MatMut<'a, T>,
    z_below: MatMut<'a, T>,
    q_below: MatMut<'a, T>,
}

impl<'a, T: Real> World<'a, T> {
    fn new(stack: &mut Stack<'a, T>) -> Result<Self> {
        let mut random = Random(7);
        let mut make = |stack: &mut Stack<'a, T>, rows, columns| -> Result<MatMut<'a, T>> {
            let mut matrix = stack.matrix(rows, columns)?;
            random.matrix(&mut matrix);
            Ok(matrix)
        };
        let mut world = Self {
            weights: make(stack, OUTPUTS, INPUTS)?,
            p: make(stack, INPUTS, SAMPLES)?,
            z: make(stack, OUTPUTS, SAMPLES)?,
            r: make(stack, OUTPUTS, SAMPLES)?,
            q: make(stack, OUTPUTS, SAMPLES)?,
            u: make(stack, OUTPUTS, SAMPLES)?,
            p_next: make(stack, OUTPUTS, SAMPLES)?,
            z_below: make(stack, INPUTS, SAMPLES)?,
            q_below: make(stack, INPUTS, SAMPLES)?,
            bias: stack.vector(OUTPUTS)?,
        };
        random.fill(world.bias);
        for j in 0..SAMPLES {
            for i in 0..OUTPUTS {
                world.r[(i, j)] = T::from_f64(world.residual(i, j));
            }
        }
        Ok(world)
    }

    fn residual(&self, i: usize, j: usize) -> f64 {
        residual(&as_ref(&self.weights), self.bias, &as_ref(&self.p), &as_ref(&self.z), (i, j))
    }

    /// `|W p + b - z|^2`.
    fn squared(&self) -> f64 {
        total((OUTPUTS, SAMPLES), |i, j| self.residual(i, j) * self.residual(i, j))
    }

    /// How far `r` is from `W p + b - z`.
    fn lost(&self) -> f64 {
        largest((OUTPUTS, SAMPLES), |i, j| self.r[(i, j)].to_f64() - self.residual(i, j))
    }

    /// pdADMM's equation 1 before it is approximated, with the dual of the layer below from Lemma 4.
    fn input_objective(&self) -> f64 {
        let coupling = total((INPUTS, SAMPLES), |i, j| {
            let q = self.q_below[(i, j)].to_f64();
            let (dual, gap) = (NU * (q - relu(self.z_below[(i, j)])), self.p[(i, j)].to_f64() - q);
            dual * gap + RHO / 2.0 * gap * gap
        });
        NU / 2.0 * self.squared() + coupling
    }
}

/// All updates, in pdADMM's order.
pub fn check<T: Real>(mut stack: Stack<'_, T>) -> Checked {
    let mut world = World::new(&mut stack)?;
    input_by_columns(&mut world, stack.rest())?;
    input_exact(&mut world, stack.rest())?;
    weights_by_rows(&mut world, stack.rest())?;
    weights_exact(&mut world, stack.rest())?;
    hidden_variable(&mut world, Activation::Sigmoid, sigmoid, stack.rest())?;
    hidden_variable(&mut world, Activation::Tanh, |z| 2.0 * sigmoid(2.0 * z) - 1.0, stack.rest())?;
    hidden_variable(&mut world, Activation::Softplus, |z| Real::ln(1.0 + Real::exp(z)), stack.rest())?;
    hidden_variable(&mut world, Activation::Relu, relu, stack.rest())?;
    copy_and_dual(&mut world, stack.rest())?;
    output_variable(&mut world, stack)
}

fn number<T: Real>(value: f64) -> T {
    T::from_f64(value)
}

/// Whether an objective fell, and by what was promised.
fn fell<T: Real>(before: f64, after: f64, promised: f64) -> bool {
    promised > 0.0 && before - after >= promised - rounding::<T>() * (1.0 + before.abs())
}

fn step_input<T: Real>(
    world: &mut World<'_, T>,
    prepared: Prepared<'_, T>,
    broken: Broken,
    mut stack: Stack<'_, T>,
) -> Checked {
    let before = world.input_objective();
    let mut g = stack.matrix(INPUTS, SAMPLES)?;
    let (below, q) = (as_ref(&world.z_below), as_ref(&world.q_below));
    let (nu, rho) = (number(NU), number(RHO));
    input::copy_coupling(nu, rho, Activation::Relu, &as_ref(&world.p), &q, &below, &mut g)?;
    let w = as_ref(&world.weights);
    let moved = input::step(&Portable, nu, rho, &w, prepared, &mut g, &mut world.p, &mut world.r, stack)?;
    require(fell::<T>(before, world.input_objective(), moved.promised), broken)?;
    require(world.lost() < rounding::<T>(), broken)
}

fn input_by_columns<T: Real>(world: &mut World<'_, T>, stack: Stack<'_, T>) -> Checked {
    step_input(world, Prepared::Columns, Broken::InputByColumns, stack)
}

fn input_exact<T: Real>(world: &mut World<'_, T>, mut stack: Stack<'_, T>) -> Checked {
    let mut inverse = stack.matrix(INPUTS, INPUTS)?;
    let w = as_ref(&world.weights);
    input::invert_hessian(&Portable, number(NU), number(RHO), &w, &mut inverse, stack.rest())?;
    step_input(world, Prepared::Inverse(as_ref(&inverse)), Broken::InputExact, stack.rest())?;
    let gradient = largest((INPUTS, SAMPLES), |i, j| {
        let through: f64 = (0..OUTPUTS).map(|k| world.weights[(k, i)].to_f64() * world.residual(k, j)).sum();
        let q = world.q_below[(i, j)].to_f64();
        let dual = NU * (q - relu(world.z_below[(i, j)]));
        NU * through + dual + RHO * (world.p[(i, j)].to_f64() - q)
    });
    require(gradient < rounding::<T>(), Broken::InputExact)
}

/// Adds up two tiles, and compares with loops over all samples.
fn make_sums<T: Real>(world: &World<'_, T>, memory: &mut [T], mut stack: Stack<'_, T>) -> Checked {
    let shape = SumsShape { n_out: OUTPUTS, n_in: INPUTS };
    let mut sums = shape.carve(memory)?;
    sums.clear(Parts::All);
    for (start, count) in [(0, 12), (12, SAMPLES - 12)] {
        let (r, p) = (columns(&as_ref(&world.r), start, count), columns(&as_ref(&world.p), start, count));
        sums::accumulate(&Portable, &r, &p, Parts::All, &mut sums, stack.rest())?;
    }
    sums.finish();
    let product = |a: &MatRef<'_, T>, b: &MatRef<'_, T>, i: usize, k: usize| {
        (0..SAMPLES).map(|j| a[(i, j)].to_f64() * b[(k, j)].to_f64()).sum::<f64>()
    };
    let (r, p) = (as_ref(&world.r), as_ref(&world.p));
    let cross = largest((OUTPUTS, INPUTS), |i, k| sums.cross[(i, k)].to_f64() - product(&r, &p, i, k));
    let gram = largest((INPUTS, INPUTS), |i, k| sums.gram[(i, k)].to_f64() - product(&p, &p, i, k));
    let row = |a: &MatRef<'_, T>, i: usize| (0..SAMPLES).map(|j| a[(i, j)].to_f64()).sum::<f64>();
    let residual = largest((OUTPUTS, 1), |i, _| sums.residual[i].to_f64() - row(&r, i));
    let input = largest((INPUTS, 1), |i, _| sums.input[i].to_f64() - row(&p, i));
    require([cross, gram, residual, input].iter().all(|&error| error < rounding::<T>()), Broken::Sums)
}

fn step_weights<T: Real>(
    world: &mut World<'_, T>,
    rule: StepRule<T>,
    broken: Broken,
    mut stack: Stack<'_, T>,
) -> Checked {
    let shape = SumsShape { n_out: OUTPUTS, n_in: INPUTS };
    let memory = stack.vector(shape.elements())?;
    make_sums(world, memory, stack.rest())?;
    let sums = shape.read(memory, SAMPLES)?;
    let mut change = Change { weights: stack.matrix(OUTPUTS, INPUTS)?, bias: stack.vector(OUTPUTS)? };
    let before = NU / 2.0 * world.squared();
    let reduced = weights::reduce(
        &Portable,
        &rule,
        Order::WeightsFirst,
        number(NU),
        Regularizer::None,
        &sums,
        None,
        &mut world.weights,
        world.bias,
        &mut change,
        stack.rest(),
    )?;
    require(fell::<T>(before, NU / 2.0 * world.squared(), reduced.promised), broken)?;
    weights::apply(&Portable, &as_ref(&change.weights), change.bias, &as_ref(&world.p), &mut world.r, stack)?;
    require(world.lost() < rounding::<T>(), Broken::Residual)
}

fn weights_by_rows<T: Real>(world: &mut World<'_, T>, stack: Stack<'_, T>) -> Checked {
    step_weights(world, StepRule::Vector, Broken::WeightsByRows, stack)
}

fn weights_exact<T: Real>(world: &mut World<'_, T>, mut stack: Stack<'_, T>) -> Checked {
    let rule = StepRule::LeastSquares { damping: number(1e-3) };
    step_weights(world, rule, Broken::WeightsExact, stack.rest())?;
    // The bias is a minimiser whatever the damping: every row of the residual sums to zero.
    let rows = largest((OUTPUTS, 1), |i, _| (0..SAMPLES).map(|j| world.residual(i, j)).sum());
    require(rows < rounding::<T>(), Broken::WeightsExact)
}

/// pdADMM's equation 4: every z is where a dense scan finds `(z - c)^2 + (q - f(z))^2 + (z - z_old)^2` smallest.
fn hidden_variable<T: Real>(
    world: &mut World<'_, T>,
    activation: Activation<T>,
    f: impl Fn(f64) -> f64,
    mut stack: Stack<'_, T>,
) -> Checked {
    let mut old = stack.matrix(OUTPUTS, SAMPLES)?;
    altmin_core::view::copy(&as_ref(&world.z), &mut old);
    let q = as_ref(&world.q);
    hidden::step(Proximal::Yes, activation, &q, &mut world.z, &mut world.r, stack.rest())?;
    let above = largest((OUTPUTS, SAMPLES), |i, j| {
        let (z, old) = (world.z[(i, j)].to_f64(), old[(i, j)].to_f64());
        let (c, q) = (z + world.residual(i, j), world.q[(i, j)].to_f64());
        let value = |z: f64| (z - c) * (z - c) + (q - f(z)) * (q - f(z)) + (z - old) * (z - old);
        let scanned = (-2000..=2000).map(|step| value(f64::from(step) / 400.0)).fold(f64::MAX, f64::min);
        f64::max(value(z) - scanned, 0.0)
    });
    require(above < rounding::<T>(), Broken::Hidden)?;
    require(world.lost() < rounding::<T>(), Broken::Residual)
}

fn copy_and_dual<T: Real>(world: &mut World<'_, T>, stack: Stack<'_, T>) -> Checked {
    let (nu, rho, f) = (number(NU), number(RHO), Activation::Relu);
    let (p, z, u) = (as_ref(&world.p_next), as_ref(&world.z), as_ref(&world.u));
    copy::step(nu, rho, f, &p, &u, &z, &mut world.q, stack)?;
    let gap = |i, j| world.q[(i, j)].to_f64() - relu(world.z[(i, j)]);
    let gradient = largest((OUTPUTS, SAMPLES), |i, j| {
        let pull = RHO * (world.p_next[(i, j)].to_f64() - world.q[(i, j)].to_f64());
        NU * gap(i, j) - world.u[(i, j)].to_f64() - pull
    });
    require(gradient < rounding::<T>(), Broken::Copy)?;
    dual::step(rho, &p, &as_ref(&world.q), &mut world.u)?;
    let lemma = largest((OUTPUTS, SAMPLES), |i, j| world.u[(i, j)].to_f64() - NU * gap(i, j));
    require(lemma < rounding::<T>(), Broken::Dual)
}

/// Equation 5: `softmax(z) - y + nu (z - c) = 0`, with `r = c - z`.
fn output_variable<T: Real>(world: &mut World<'_, T>, mut stack: Stack<'_, T>) -> Checked {
    let classes: [u32; SAMPLES] = core::array::from_fn(|j| (j % OUTPUTS) as u32);
    for solver in [OutputSolver::Newton, OutputSolver::Fista] {
        let target = Target::Classes(&classes);
        let (z, r) = (&mut world.z, &mut world.r);
        output::step(Loss::CrossEntropy, solver, number(NU), target, z, r, stack.rest())?;
        let gradient = largest((OUTPUTS, SAMPLES), |i, j| {
            let sum: f64 = (0..OUTPUTS).map(|k| world.z[(k, j)].to_f64().exp()).sum();
            let y = if classes[j] as usize == i { 1.0 } else { 0.0 };
            world.z[(i, j)].to_f64().exp() / sum - y - NU * world.residual(i, j)
        });
        require(gradient < rounding::<T>() && world.lost() < rounding::<T>(), Broken::Output)?;
    }
    Ok(())
}
