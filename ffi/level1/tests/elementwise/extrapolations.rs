use std::ptr::null;

use altmin_core::Regularizer;
use altmin_core::gemm::Portable;
use altmin_core::loss::{Loss, Target};
use altmin_core::update::extrapolation::{self, Before};
use altmin_core::update::sums::{Parts, SumsShape, accumulate, accumulate_workspace};
use altmin_core::update::weights::Change;

use super::intervals::*;
use super::*;
use crate::support::*;

#[test]
fn extrapolated_parameters() {
    let (mut beta, mut next) = (f64::NAN, f64::NAN);
    call(|error| unsafe { extrapolation_momentum(1.7, &mut beta, &mut next, error) });
    assert_eq!((beta as T, next as T), extrapolation::momentum(1.7 as T));

    let mut numbers = Numbers::new(13);
    let shape = SumsShape { n_out: N_OUT, n_in: N_IN };
    let [p, r] = [numbers.matrix::<T>(N_IN, M), numbers.matrix::<T>(N_OUT, M)];
    let mut sums = vec![0.0; shape.elements()];
    with_stack(accumulate_workspace::<T, _>(&Portable, N_OUT, N_IN, M), |stack| {
        let mut sums = shape.carve(&mut sums).unwrap();
        accumulate(&Portable, &r.view(), &p.view(), Parts::All, &mut sums, stack).unwrap();
        sums.finish();
    });
    let mut weights = numbers.matrix::<T>(N_OUT, N_IN);
    let mut change = numbers.matrix::<T>(N_OUT, N_IN);
    // Downhill in every second row, uphill in the others.
    let mut weights_before = weights.clone();
    for i in 0..N_OUT {
        let ahead = if i % 2 == 0 { 0.01 } else { -0.01 };
        (0..N_IN).for_each(|j| weights_before.view_mut()[(i, j)] += ahead * sums[j * N_OUT + i]);
    }
    let [mut bias, mut bias_change] = std::array::from_fn(|_| numbers.vector::<T>(N_OUT));
    let mut bias_before = bias.clone();
    let mut t: Vec<T> = vec![1.7; N_OUT];
    let (mut weights_core, mut change_core, mut sums_core) = (weights.clone(), change.clone(), sums.clone());
    let (mut weights_before_core, mut t_core) = (weights_before.clone(), t.clone());
    let [mut bias_before_core, mut bias_core, mut bias_change_core] =
        [bias_before.clone(), bias.clone(), bias_change.clone()];
    let mut work = Workspace::<T>::of(|bytes, error| unsafe {
        extrapolation_parameters_workspace(N_OUT, N_IN, bytes, error)
    });
    let ld = weights.ld;
    call(|error| unsafe {
        let (work, size) = (work.pointer(), work.bytes());
        let (sums, weights_before, weights) = (sums.as_mut_ptr(), weights_before.write(), weights.write());
        let (bias_before, bias, t) = (bias_before.as_mut_ptr(), bias.as_mut_ptr(), t.as_mut_ptr());
        let (change, bias_change) = (change.write(), bias_change.as_mut_ptr());
        extrapolation_parameters(
            RHO,
            2,
            0.2,
            N_OUT,
            N_IN,
            M,
            sums,
            weights_before,
            ld,
            bias_before,
            t,
            weights,
            ld,
            bias,
            change,
            ld,
            bias_change,
            work,
            size,
            error,
        )
    });
    with_stack(extrapolation::parameters_workspace::<T, _>(&Portable, N_OUT, N_IN), |stack| {
        let before = weights_before_core.view_mut();
        let mut before = Before { weights: before, bias: &mut bias_before_core, t: &mut t_core };
        let mut change = Change { weights: change_core.view_mut(), bias: &mut bias_change_core };
        let (sums, weights) = (&mut shape.carve(&mut sums_core).unwrap(), &mut weights_core.view_mut());
        let (w, omega) = (RHO as T, Regularizer::L2(0.2));
        let bias = &mut bias_core;
        extrapolation::parameters(
            &Portable,
            w,
            omega,
            M,
            sums,
            &mut before,
            weights,
            bias,
            &mut change,
            stack,
        )
        .unwrap();
    });
    assert!(t.iter().any(|&t| t > 1.0) && t.contains(&1.0), "some rows go on, some do not: {t:?}");
    same_matrix("weights", &weights, &weights_core);
    same_matrix("change", &change, &change_core);
    same("sums", &sums, &sums_core);
    same_matrix("weights before", &weights_before, &weights_before_core);
    same("bias before", &bias_before, &bias_before_core);
    same("bias", &bias, &bias_core);
    same("bias change", &bias_change, &bias_change_core);
    same("t", &t, &t_core);
}

#[test]
fn extrapolated_variables() {
    let layer = Layer::new();
    let (w, z_below) = (&layer.weights, &layer.z);
    let (t_start, mut numbers) = (vec![1.7 as T; M], Numbers::new(14));
    let goes_on = |t: &[T]| assert!(t.iter().any(|&t| t > 1.0) && t.contains(&1.0), "{t:?}");

    let (mut a, mut r, mut before, mut t) =
        (layer.a.clone(), layer.r.clone(), numbers.matrix::<T>(N_IN, M), t_start.clone());
    let (mut a_core, mut r_core, mut before_core, mut t_core) =
        (a.clone(), r.clone(), before.clone(), t.clone());
    let mut work = Workspace::<T>::of(|bytes, error| unsafe {
        extrapolation_activation_workspace(N_OUT, N_IN, M, bytes, error)
    });
    let (ld, r_ld) = (a.ld, r.ld);
    call(|error| unsafe {
        let (work, size, t) = (work.pointer(), work.bytes(), t.as_mut_ptr());
        let (before, a, r) = (before.write(), a.write(), r.write());
        extrapolation_activation(
            EPSILON,
            FUNCTION,
            N_OUT,
            N_IN,
            M,
            w.read(),
            w.ld,
            z_below.read(),
            ld,
            before,
            ld,
            t,
            a,
            ld,
            r,
            r_ld,
            work,
            size,
            error,
        )
    });
    with_stack(extrapolation::activation_workspace::<T, _>(&Portable, N_OUT, N_IN, M), |stack| {
        let (before, a, r) = (&mut before_core.view_mut(), &mut a_core.view_mut(), &mut r_core.view_mut());
        extrapolation::activation(&Portable, &layer.interval(), before, &mut t_core, a, r, stack).unwrap();
    });
    goes_on(&t);
    same_matrix("a", &a, &a_core);
    same_matrix("r of a", &r, &r_core);
    same_matrix("a before", &before, &before_core);
    same("t of a", &t, &t_core);

    let a = &layer.a;
    let [z_start, r_start, before_start] = std::array::from_fn(|_| numbers.matrix::<T>(N_IN, M));
    let (mut z, mut r, mut before, mut t) =
        (z_start.clone(), r_start.clone(), before_start.clone(), t_start.clone());
    let (mut z_core, mut r_core, mut before_core, mut t_core) =
        (z.clone(), r.clone(), before.clone(), t.clone());
    let mut work =
        Workspace::<T>::of(|bytes, error| unsafe { extrapolation_linear_workspace(N_IN, bytes, error) });
    call(|error| unsafe {
        let (work, size, t) = (work.pointer(), work.bytes(), t.as_mut_ptr());
        let (a, before, z, r) = (a.read(), before.write(), z.write(), r.write());
        extrapolation_linear(
            EPSILON, FUNCTION, N_IN, M, a, ld, before, ld, t, z, ld, r, ld, work, size, error,
        )
    });
    with_stack(extrapolation::linear_workspace(N_IN), |stack| {
        let (before, z, r) = (&mut before_core.view_mut(), &mut z_core.view_mut(), &mut r_core.view_mut());
        let (a, t) = (&a.view(), &mut t_core);
        extrapolation::linear(EPSILON as T, ACTIVATION, a, before, t, z, r, stack).unwrap();
    });
    goes_on(&t);
    same_matrix("z", &z, &z_core);
    same_matrix("r of z", &r, &r_core);
    same_matrix("z before", &before, &before_core);
    same("t of z", &t, &t_core);

    let (mut z, mut r, mut before, mut t) = (z_start, r_start, before_start, t_start);
    // Towards c in every second sample, away from it in the others.
    for j in 0..M {
        let ahead = if j % 2 == 0 { 0.1 } else { -0.1 };
        (0..N_IN).for_each(|i| before.view_mut()[(i, j)] = z.view()[(i, j)] - ahead * r.view()[(i, j)]);
    }
    let (mut z_core, mut r_core, mut before_core, mut t_core) =
        (z.clone(), r.clone(), before.clone(), t.clone());
    let classes: Vec<i32> = (0..M).map(|j| (j % N_IN) as i32).collect();
    let unsigned: Vec<u32> = classes.iter().map(|&class| class as u32).collect();
    let mut work =
        Workspace::<T>::of(|bytes, error| unsafe { extrapolation_output_workspace(N_IN, bytes, error) });
    call(|error| unsafe {
        let (work, size, t) = (work.pointer(), work.bytes(), t.as_mut_ptr());
        let (classes, none) = (classes.as_ptr(), null());
        let (before, z, r) = (before.write(), z.write(), r.write());
        extrapolation_output(
            0, RHO, N_IN, M, classes, none, 0, before, ld, t, z, ld, r, ld, work, size, error,
        )
    });
    with_stack(extrapolation::output_workspace(N_IN), |stack| {
        let (before, z, r) = (&mut before_core.view_mut(), &mut z_core.view_mut(), &mut r_core.view_mut());
        let (target, t) = (Target::Classes(&unsigned), &mut t_core);
        extrapolation::output(Loss::CrossEntropy, RHO as T, target, before, t, z, r, stack).unwrap();
    });
    goes_on(&t);
    same_matrix("z of the output", &z, &z_core);
    same_matrix("r of the output", &r, &r_core);
    same_matrix("z of the output before", &before, &before_core);
    same("t of the output", &t, &t_core);
}
