//! The elementwise updates: hidden z against a dense scan, output z, q and duals against their formulas, the terms of
//! the Lagrangians.

use altmin_core::objective::{self, CopyTerms, Dual};
use altmin_core::update::hidden::{self, Proximal};
use altmin_core::update::{copy, dual, output};
use altmin_core::{Activation, Loss, OutputSolver, Real, Target};

use crate::common::{
    Plain, Random, Scratch, Strided, activate, assert_close, assert_near, in_both_precisions,
};

in_both_precisions!(
    hidden_z_is_the_best_of_a_dense_scan,
    output_z_of_least_squares,
    q_and_the_dual_that_need_not_be_stored,
    q_carries_the_dual_to_another_nu,
    the_shifted_residual,
    terms_of_the_lagrangians,
);

fn activations<T: Real>() -> [Activation<T>; 6] {
    let leaky = |slope| Activation::LeakyRelu { slope: T::from_f64(slope) };
    [Activation::Relu, leaky(0.25), leaky(1.5), Activation::Sigmoid, Activation::Tanh, Activation::Softplus]
}

fn hidden_z_is_the_best_of_a_dense_scan<T: Real>() {
    let (n, m) = (5, 8);
    for (seed, activation) in activations::<T>().into_iter().enumerate() {
        for proximal in [Proximal::Yes, Proximal::No] {
            let mut random = Random::new(seed as u64);
            let [target, z, r] = [0; 3].map(|_| random.matrix(n, m).map(|x| 2.0 * x));
            let linear = r.plus(1.0, &z);
            let (mut new_z, mut new_r) = (Strided::<T>::dense(&z), Strided::<T>::dense(&r));
            let mut scratch = Scratch::new(hidden::step_workspace(n));
            let t = Strided::<T>::dense(&target);
            let (z_view, r_view) = (&mut new_z.view_mut(), &mut new_r.view_mut());
            let moved =
                hidden::step(proximal, activation, &t.view(), z_view, r_view, scratch.stack()).unwrap();
            let (new_z, new_r) = (new_z.plain(), new_r.plain());
            assert_close::<T>("r", &new_r, &linear.plus(-1.0, &new_z));
            let expected = new_z.plus(-1.0, &z).squared();
            assert_near::<T>("|dz|^2", moved, expected, expected.max(1.0));
            let step = 1.0 / 4096.0;
            for at in 0..n * m {
                let objective = |x: f64| {
                    let held = if proximal == Proximal::Yes { (x - z.data[at]).powi(2) } else { 0.0 };
                    (x - linear.data[at]).powi(2) + (target.data[at] - activate(activation, x)).powi(2) + held
                };
                let scan =
                    (-5 * 4096..5 * 4096).map(|k| objective(f64::from(k) * step)).fold(f64::MAX, f64::min);
                let found = objective(new_z.data[at]);
                assert!(found <= scan + 1e-6, "{activation:?} {proximal:?}: {found} above {scan}");
            }
        }
    }
}

fn output_z_of_least_squares<T: Real>() {
    let mut random = Random::new(4);
    let (n, m, mu) = (3, 7, 0.75);
    let [y, z, r] = [0; 3].map(|_| random.matrix(n, m));
    let c = r.plus(1.0, &z);
    let values = Strided::<T>::dense(&y);
    let (mut new_z, mut new_r) = (Strided::<T>::dense(&z), Strided::<T>::dense(&r));
    let (loss, solver) = (Loss::LeastSquares, OutputSolver::Newton);
    let mut scratch = Scratch::new(output::step_workspace::<T>(loss, solver, n, m));
    let (z_view, r_view, target) =
        (&mut new_z.view_mut(), &mut new_r.view_mut(), Target::Values(values.view()));
    let solved =
        output::step(loss, solver, T::from_f64(mu), target, z_view, r_view, scratch.stack()).unwrap();
    let expected = y.plus(mu, &c).map(|sum| sum / (1.0 + mu));
    assert_close::<T>("z", &new_z.plain(), &expected);
    assert_close::<T>("r", &new_r.plain(), &c.plus(-1.0, &expected));
    let moved = expected.plus(-1.0, &z).squared();
    assert_near::<T>("|dz|^2", solved.squared, moved, moved);
}

fn q_and_the_dual_that_need_not_be_stored<T: Real>() {
    let (n, m, nu, rho) = (4, 6, 1.5, 2.75);
    let (nu_t, rho_t) = (T::from_f64(nu), T::from_f64(rho));
    for (seed, activation) in activations::<T>().into_iter().enumerate() {
        let mut random = Random::new(20 + seed as u64);
        let [p, u, z, q] = [0; 4].map(|_| random.matrix(n, m));
        let f = z.map(|z| activate(activation, z));
        let expected = u.plus(rho, &p).plus(nu, &f).map(|sum| sum / (rho + nu));
        let [p_t, mut u_t, z_t, mut q_t] = [&p, &u, &z, &q].map(Strided::<T>::dense);
        let mut scratch = Scratch::new(copy::step_workspace(n));
        let (p_view, z_view) = (p_t.view(), z_t.view());
        let target = &mut q_t.view_mut();
        let moved =
            copy::step(nu_t, rho_t, activation, &p_view, &u_t.view(), &z_view, target, scratch.stack())
                .unwrap();
        assert_close::<T>("q", &q_t.plain(), &expected);
        let squared = expected.plus(-1.0, &q).squared();
        assert_near::<T>("|dq|^2", moved, squared, squared);

        dual::step(rho_t, &p_view, &q_t.view(), &mut u_t.view_mut()).unwrap();
        let stored = u.plus(rho, &p.plus(-1.0, &expected));
        assert_close::<T>("u by equation 7", &u_t.plain(), &stored);
        let mut recovered = Strided::<T>::dense(&Plain::zeros(n, m));
        dual::recover(nu_t, activation, &q_t.view(), &z_view, &mut recovered.view_mut()).unwrap();
        assert_close::<T>("u by Lemma 4", &recovered.plain(), &stored);
    }
}

fn q_carries_the_dual_to_another_nu<T: Real>() {
    let (n, m, old) = (4, 6, 1.5);
    for (seed, activation) in activations::<T>().into_iter().enumerate() {
        for new in [0.375, 12.0] {
            let mut random = Random::new(60 + seed as u64);
            let [z, q] = [0; 2].map(|_| random.matrix(n, m));
            let f = z.map(|z| activate(activation, z));
            let u = q.plus(-1.0, &f).map(|gap| old * gap);
            let [z_t, mut q_t] = [&z, &q].map(Strided::<T>::dense);
            let mut scratch = Scratch::new(copy::carry_workspace(n));
            let ratio = T::from_f64(old / new);
            copy::carry(ratio, activation, &z_t.view(), &mut q_t.view_mut(), scratch.stack()).unwrap();
            assert_close::<T>("q", &q_t.plain(), &f.plus(1.0 / new, &u));
            assert_eq!(z_t.plain(), Strided::<T>::dense(&z).plain(), "z stays");
            let mut recovered = Strided::<T>::dense(&Plain::zeros(n, m));
            let nu = T::from_f64(new);
            dual::recover(nu, activation, &q_t.view(), &z_t.view(), &mut recovered.view_mut()).unwrap();
            // new times the rounding of a q of size 1.
            assert_near::<T>("u", recovered.plain().plus(-1.0, &u).largest(), 0.0, new.max(1.0));
        }
    }
}

fn the_shifted_residual<T: Real>() {
    let mut random = Random::new(30);
    let (n, m, rho) = (4, 6, 1.75);
    // W a + b - z, u, and what the last layer carries instead.
    let [linear, u] = [0; 2].map(|_| random.matrix(n, m));
    let (mut r, mut new_u) = (Strided::<T>::dense(&linear.plus(-1.0 / rho, &u)), Strided::<T>::dense(&u));
    let rho_t = T::from_f64(rho);
    let terms = objective::constraint_terms(rho_t, &r.view(), &new_u.view()).unwrap();
    let residual = linear.map(|x| -x);
    assert_near::<T>("<u, residual>", terms.dual, u.inner(&residual), 10.0);
    assert_near::<T>("|residual|^2", terms.gap, residual.squared(), residual.squared());
    let value = u.inner(&residual) + 0.5 * rho * residual.squared();
    assert_near::<T>("value", terms.value(rho), value, 10.0);

    let primal = dual::step_shifted(rho_t, &mut r.view_mut(), &mut new_u.view_mut()).unwrap();
    let expected = u.plus(rho, &residual);
    assert_close::<T>("u + rho (z - W a - b)", &new_u.plain(), &expected);
    assert_close::<T>("r, shifted by the new u", &r.plain(), &linear.plus(-1.0 / rho, &expected));
    assert_near::<T>("primal residual", primal, residual.squared(), residual.squared());
}

fn terms_of_the_lagrangians<T: Real>() {
    let (n, m, nu, rho) = (4, 6, 1.5, 2.75);
    for (seed, activation) in activations::<T>().into_iter().enumerate() {
        let mut random = Random::new(40 + seed as u64);
        let [q, z, p, u] = [0; 4].map(|_| random.matrix(n, m));
        let deviation = q.plus(-1.0, &z.map(|z| activate(activation, z)));
        let gap = p.plus(-1.0, &q);
        let [q, z, p, stored] = [&q, &z, &p, &u].map(Strided::<T>::dense);
        let (q, z, p) = (q.view(), z.view(), p.view());
        let recovered = deviation.map(|x| nu * x);
        let duals = [(Dual::Stored(stored.view()), u), (Dual::Recovered { nu: T::from_f64(nu) }, recovered)];
        for (dual, u) in duals {
            let mut scratch = Scratch::new(objective::copy_terms_workspace(n));
            let found = objective::copy_terms(activation, dual, &q, &z, &p, scratch.stack()).unwrap();
            let expected =
                CopyTerms { activation: deviation.squared(), dual: u.inner(&gap), gap: gap.squared() };
            assert_near::<T>("activation", found.activation, expected.activation, 10.0);
            assert_near::<T>("dual", found.dual, expected.dual, 10.0);
            assert_near::<T>("gap", found.gap, expected.gap, 10.0);
            let value = 0.5 * nu * deviation.squared() + u.inner(&gap) + 0.5 * rho * gap.squared();
            assert_near::<T>("value", found.value(nu, rho), value, 100.0);
        }
        let mut scratch = Scratch::new(objective::activation_gap_workspace(n));
        let found = objective::activation_gap(activation, &q, &z, scratch.stack()).unwrap();
        assert_near::<T>("|a - f(z)|^2", found, deviation.squared(), 10.0);
        assert_near::<T>("|r|^2", objective::squared(&p), Plain::of(&p).squared(), 10.0);
    }
}
