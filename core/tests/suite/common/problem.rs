//! The subproblems of weights and inputs, their objectives computed from the samples, and the steps under test.

use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::input::{self, Moved, Prepared};
use altmin_core::update::sums::{self, Parts, SumsShape};
use altmin_core::update::weights::{self, Change, Order, Reduced};
use altmin_core::{Activation, Real, Regularizer, Result};

use super::{Plain, Random, Scratch, Strided};

/// f, entry by entry.
pub(crate) fn activate<T: Real>(activation: Activation<T>, z: f64) -> f64 {
    match activation {
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu { slope } => {
            if z > 0.0 {
                z
            } else {
                slope.to_f64() * z
            }
        }
        Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        Activation::Tanh => z.tanh(),
        Activation::Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p(),
    }
}

/// A layer over its samples; `z` is whatever makes `r = W p + b - z`.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) weights: Plain,
    pub(crate) bias: Plain,
    pub(crate) p: Plain,
    pub(crate) r: Plain,
}

/// What a step of weights and bias did.
#[derive(Debug, Clone)]
pub(crate) struct Stepped {
    pub(crate) change: Plain,
    pub(crate) bias_change: Plain,
    pub(crate) weights: Plain,
    pub(crate) bias: Plain,
    pub(crate) r: Plain,
    pub(crate) reduced: Reduced,
}

impl Layer {
    pub(crate) fn random(seed: u64, n_out: usize, n_in: usize, m: usize) -> Self {
        let mut random = Random::new(seed);
        let (weights, bias) = (random.matrix(n_out, n_in), random.matrix(n_out, 1));
        // Inputs off the origin: centring must matter.
        let p = random.matrix(n_in, m).map(|p| p + 0.5);
        Self { weights, bias, p, r: random.matrix(n_out, m) }
    }

    /// `(w/2)|r + D p + d 1'|^2 + Omega(W + D)`.
    pub(crate) fn objective<T: Real>(
        &self,
        w: f64,
        omega: Regularizer<T>,
        change: &Plain,
        bias: &Plain,
    ) -> f64 {
        let r = self.r.plus(1.0, &change.times(&self.p)).plus_to_columns(bias);
        let weights = self.weights.plus(1.0, change);
        let omega = match omega {
            Regularizer::None => 0.0,
            Regularizer::L1(lambda) => lambda.to_f64() * weights.data.iter().map(|w| w.abs()).sum::<f64>(),
            Regularizer::L2(lambda) => 0.5 * lambda.to_f64() * weights.squared(),
        };
        0.5 * w * r.squared() + omega
    }

    pub(crate) fn start<T: Real>(&self, w: f64, omega: Regularizer<T>) -> f64 {
        let (n_out, n_in) = (self.weights.rows, self.weights.columns);
        self.objective(w, omega, &Plain::zeros(n_out, n_in), &Plain::zeros(n_out, 1))
    }

    /// The update as a method calls it: sums over tiles, reduction, residual.
    pub(crate) fn step<T: Real>(
        &self,
        rule: StepRule<T>,
        order: Order,
        w: f64,
        omega: Regularizer<T>,
    ) -> Result<Stepped> {
        let shape = SumsShape { n_out: self.weights.rows, n_in: self.weights.columns };
        let memory = self.sums::<T>(5);
        let sums = shape.read(&memory, self.p.columns)?;
        let (SumsShape { n_out, n_in }, m) = (shape, self.p.columns);
        let mut weights = Strided::<T>::dense(&self.weights);
        let mut bias = Strided::<T>::dense(&self.bias);
        let mut change = Strided::<T>::dense(&Plain::new(n_out, n_in, |_, _| f64::NAN));
        let mut bias_change = Strided::<T>::dense(&Plain::new(n_out, 1, |_, _| f64::NAN));
        let mut scratch = Scratch::new(weights::reduce_workspace::<T, _>(&Portable, &rule, n_out, n_in));
        let reduced = weights::reduce(
            &Portable,
            &rule,
            order,
            T::from_f64(w),
            omega,
            &sums,
            None,
            &mut weights.view_mut(),
            bias.slice_mut(),
            &mut Change { weights: change.view_mut(), bias: bias_change.slice_mut() },
            scratch.stack(),
        )?;
        let mut r = Strided::<T>::dense(&self.r);
        let p = Strided::<T>::dense(&self.p);
        let mut scratch = Scratch::new(weights::apply_workspace::<T, _>(&Portable, n_out, n_in, m));
        let (view, stack) = (change.view(), scratch.stack());
        weights::apply(&Portable, &view, bias_change.slice(), &p.view(), &mut r.view_mut(), stack)?;
        Ok(Stepped {
            change: change.plain(),
            bias_change: bias_change.plain(),
            weights: weights.plain(),
            bias: bias.plain(),
            r: r.plain(),
            reduced,
        })
    }

    /// The sums over the samples in tiles of `tile`, finished.
    pub(crate) fn sums<T: Real>(&self, tile: usize) -> Vec<T> {
        let shape = SumsShape { n_out: self.weights.rows, n_in: self.weights.columns };
        let m = self.p.columns;
        let mut memory = vec![T::from_f64(f64::NAN); shape.elements()];
        shape.carve(&mut memory).unwrap().clear(Parts::All);
        let needed = sums::accumulate_workspace::<T, _>(&Portable, shape.n_out, shape.n_in, tile);
        let mut scratch = Scratch::<T>::new(needed);
        for start in (0..m).step_by(tile) {
            let count = tile.min(m - start);
            let r = Strided::<T>::dense(&self.r.part(start, count));
            let p = Strided::<T>::dense(&self.p.part(start, count));
            let mut sums = shape.carve(&mut memory).unwrap();
            let (r, p) = (r.view(), p.view());
            sums::accumulate(&Portable, &r, &p, Parts::All, &mut sums, scratch.stack()).unwrap();
        }
        shape.carve(&mut memory).unwrap().finish();
        memory
    }
}

/// The subproblem of a layer's input: `(w/2)|r|^2 + <u, p - t> + (c/2)|p - t|^2`.
#[derive(Debug, Clone)]
pub(crate) struct Coupled {
    pub(crate) w: f64,
    pub(crate) c: f64,
    pub(crate) weights: Plain,
    pub(crate) p: Plain,
    pub(crate) r: Plain,
    pub(crate) u: Plain,
    pub(crate) t: Plain,
}

impl Coupled {
    pub(crate) fn random(seed: u64, n_out: usize, n_in: usize, m: usize) -> Self {
        let mut random = Random::new(seed);
        Self {
            w: random.between(0.25, 3.0),
            c: random.between(0.25, 3.0),
            weights: random.matrix(n_out, n_in),
            p: random.matrix(n_in, m),
            r: random.matrix(n_out, m),
            u: random.matrix(n_in, m),
            t: random.matrix(n_in, m),
        }
    }

    /// phi of each column at `p + move`.
    pub(crate) fn columns(&self, moved: &Plain) -> Vec<f64> {
        let r = self.r.plus(1.0, &self.weights.times(moved));
        let gap = self.p.plus(1.0, moved).plus(-1.0, &self.t);
        let column = |j| {
            let (r, gap, u): (Plain, Plain, Plain) = (r.column(j), gap.column(j), self.u.column(j));
            0.5 * self.w * r.squared() + u.inner(&gap) + 0.5 * self.c * gap.squared()
        };
        (0..self.p.columns).map(column).collect()
    }

    pub(crate) fn objective(&self, moved: &Plain) -> f64 {
        self.columns(moved).iter().sum()
    }

    pub(crate) fn start(&self) -> f64 {
        self.objective(&Plain::zeros(self.p.rows, self.p.columns))
    }

    /// `u + c (p - t)`, before W enters.
    pub(crate) fn coupling(&self) -> Plain {
        self.u.plus(self.c, &self.p.plus(-1.0, &self.t))
    }

    /// `w W'r + u + c (p - t)`.
    pub(crate) fn gradient(&self) -> Plain {
        self.coupling().plus(self.w, &self.weights.transposed().times(&self.r))
    }

    /// One step; returns p, r and g afterwards.
    pub(crate) fn step<T: Real>(&self, prepared: Prepared<'_, T>) -> Result<(Plain, Plain, Plain, Moved)> {
        let (n_out, n_in, m) = (self.weights.rows, self.weights.columns, self.p.columns);
        let weights = Strided::<T>::dense(&self.weights);
        let mut g = Strided::<T>::dense(&self.coupling());
        let (mut p, mut r) = (Strided::<T>::dense(&self.p), Strided::<T>::dense(&self.r));
        let needed = input::step_workspace::<T, _>(&Portable, prepared.kind(), n_out, n_in, m);
        let mut scratch = Scratch::new(needed);
        let (w, c) = (T::from_f64(self.w), T::from_f64(self.c));
        let moved = input::step(
            &Portable,
            w,
            c,
            &weights.view(),
            prepared,
            &mut g.view_mut(),
            &mut p.view_mut(),
            &mut r.view_mut(),
            scratch.stack(),
        )?;
        Ok((p.plain(), r.plain(), g.plain(), moved))
    }

    /// `(w W'W + c I)^-1` of the code under test.
    pub(crate) fn inverse<T: Real>(&self) -> Strided<T> {
        let (n_out, n_in) = (self.weights.rows, self.weights.columns);
        let weights = Strided::<T>::dense(&self.weights);
        let mut inverse = Strided::<T>::dense(&Plain::new(n_in, n_in, |_, _| f64::NAN));
        let mut scratch = Scratch::new(input::invert_hessian_workspace::<T, _>(&Portable, n_out, n_in));
        let (w, c) = (T::from_f64(self.w), T::from_f64(self.c));
        let (target, stack) = (&mut inverse.view_mut(), scratch.stack());
        input::invert_hessian(&Portable, w, c, &weights.view(), target, stack).unwrap();
        inverse
    }

    /// `(w W W' + c I)^-1` of the code under test.
    pub(crate) fn outer_inverse<T: Real>(&self) -> Strided<T> {
        let (n_out, n_in) = (self.weights.rows, self.weights.columns);
        let weights = Strided::<T>::dense(&self.weights);
        let mut inverse = Strided::<T>::dense(&Plain::new(n_out, n_out, |_, _| f64::NAN));
        let mut scratch = Scratch::new(input::invert_outer_hessian_workspace::<T, _>(&Portable, n_out, n_in));
        let (w, c) = (T::from_f64(self.w), T::from_f64(self.c));
        let (target, stack) = (&mut inverse.view_mut(), scratch.stack());
        input::invert_outer_hessian(&Portable, w, c, &weights.view(), target, stack).unwrap();
        inverse
    }
}
