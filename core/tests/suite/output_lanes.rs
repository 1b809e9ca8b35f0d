//! The output layer's Newton solver works on columns side by side: a column's result must not depend on what is beside it.

use altmin_core::loss::{KKT_FACTOR, OutputReport, solve_output, solve_output_workspace};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Error, Loss, OutputSolver, Real, Result, Target};

use crate::common::congruential::Congruential;

const ROWS: usize = 5;

/// One column's data, and where the solver starts.
#[derive(Clone)]
struct Sample<T> {
    c: Vec<T>,
    class: u32,
    start: Vec<T>,
}

/// Columns of very different difficulty, side by side.
fn samples<T: Real>(count: usize, random: &mut Congruential) -> Vec<Sample<T>> {
    let scales = [0.1, 30.0, 3.0, 1e3, 1.0];
    (0..count)
        .map(|j| Sample {
            c: random.vector(ROWS, scales[j % scales.len()]),
            class: (j % ROWS) as u32,
            start: random.vector(ROWS, scales[j / 2 % scales.len()]),
        })
        .collect()
}

fn solve<T: Real>(mu: f64, samples: &[Sample<T>], cap: usize) -> (Vec<Vec<T>>, Result<OutputReport>) {
    let rows = samples[0].c.len();
    let join = |part: fn(&Sample<T>) -> &[T]| samples.iter().flat_map(part).copied().collect::<Vec<T>>();
    let (c, mut z) = (join(|sample| &sample.c), join(|sample| &sample.start));
    let classes: Vec<u32> = samples.iter().map(|sample| sample.class).collect();
    let needed = solve_output_workspace::<T>(Loss::CrossEntropy, OutputSolver::Newton, rows);
    let mut memory = vec![T::from_f64(f64::NAN); needed.elements()];
    let report = solve_output(
        Loss::CrossEntropy,
        OutputSolver::Newton,
        T::from_f64(mu),
        dense(&c, rows, samples.len()),
        Target::Classes(&classes),
        dense_mut(&mut z, rows, samples.len()),
        cap,
        Stack::new(&mut memory),
    );
    (z.chunks(rows).map(<[T]>::to_vec).collect(), report)
}

/// For comparisons to the bit, and of NaN with itself.
fn bits<T: Real>(z: &[T]) -> Vec<u64> {
    z.iter().map(|z| z.to_f64().to_bits()).collect()
}

fn does_not_depend_on_neighbours<T: Real>() {
    let mut random = Congruential(1);
    let all = samples::<T>(37, &mut random);
    for mu in [1e-4, 0.01, 0.3, 3.0] {
        for cap in [0, 3, 60] {
            let alone: Vec<_> =
                all.iter().map(|sample| solve(mu, core::slice::from_ref(sample), cap)).collect();
            let reports = alone.iter().map(|(_, report)| report.unwrap());
            let merged = reports.clone().fold(OutputReport::default(), OutputReport::merge);
            let is_varied = reports.clone().any(|report| report.iterations < merged.iterations);
            assert!(
                is_varied || cap < 60,
                "mu {mu} cap {cap}: every column takes as many steps as the others"
            );

            // All orders here visit every column: 5 and 8 share no factor with 37.
            for stride in [1, 5, 8, 36] {
                let order: Vec<usize> = (0..all.len()).map(|j| j * stride % all.len()).collect();
                let permuted: Vec<_> = order.iter().map(|&j| all[j].clone()).collect();
                let (z, report) = solve(mu, &permuted, cap);
                assert_eq!(report, Ok(merged), "mu {mu} cap {cap} stride {stride}");
                for (z, &j) in z.iter().zip(&order) {
                    assert_eq!(bits(z), bits(&alone[j].0[0]), "mu {mu} cap {cap} stride {stride} column {j}");
                }
            }
            for count in 1..20 {
                let (z, _) = solve(mu, &all[..count], cap);
                for (j, z) in z.iter().enumerate() {
                    assert_eq!(bits(z), bits(&alone[j].0[0]), "mu {mu} cap {cap}, {j} of {count}");
                }
            }
        }
    }
}

#[test]
fn a_column_alone_in_a_tile_and_permuted_has_the_same_bits() {
    does_not_depend_on_neighbours::<f32>();
    does_not_depend_on_neighbours::<f64>();
}

/// Columns before one that is not finite are solved, whatever lane they are in; the error is that of the first.
#[test]
fn columns_before_a_failure_are_solved() {
    let mut random = Congruential(2);
    let all = samples::<f64>(30, &mut random);
    let (expected, _) = solve(0.01, &all, 60);
    for place in [0, 1, 7, 8, 20, 29] {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for in_start in [false, true] {
                let mut spoilt = all.clone();
                let later = (place + 3).min(29);
                for j in [place, later] {
                    let column = if in_start { &mut spoilt[j].start } else { &mut spoilt[j].c };
                    column[3] = bad;
                }
                let (z, report) = solve(0.01, &spoilt, 60);
                let quantity = "objective of the output layer";
                assert_eq!(report, Err(Error::NonFinite { quantity }), "{place} {bad}");
                assert_eq!(z[..place], expected[..place], "{place} {bad}");
            }
        }
    }
}

/// Classes, and the same written out as columns of 0 and 1.
#[test]
fn classes_and_unit_vectors_give_the_same_bits() {
    let mut random = Congruential(3);
    let all = samples::<f32>(19, &mut random);
    let (expected, report) = solve(0.3, &all, 60);
    let c: Vec<f32> = all.iter().flat_map(|sample| sample.c.clone()).collect();
    let mut z: Vec<f32> = all.iter().flat_map(|sample| sample.start.clone()).collect();
    let mut y = vec![0.0; c.len()];
    for (y, sample) in y.chunks_mut(ROWS).zip(&all) {
        y[sample.class as usize] = 1.0;
    }
    let needed = solve_output_workspace::<f32>(Loss::CrossEntropy, OutputSolver::Newton, ROWS);
    let mut memory = vec![f32::NAN; needed.elements()];
    let found = solve_output(
        Loss::CrossEntropy,
        OutputSolver::Newton,
        0.3,
        dense(&c, ROWS, all.len()),
        Target::Values(dense(&y, ROWS, all.len())),
        dense_mut(&mut z, ROWS, all.len()),
        60,
        Stack::new(&mut memory),
    );
    assert_eq!(found, report);
    assert_eq!(bits(&z), bits(&expected.concat()));
}

/// `|grad R(z) + mu (z - c)|` in double precision, with the system's exponential.
fn residual<T: Real>(mu: f64, sample: &Sample<T>, z: &[T]) -> f64 {
    let wide = |x: &[T]| x.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
    let (c, z) = (wide(&sample.c), wide(z));
    let shift = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = z.iter().map(|z| (z - shift).exp()).sum();
    let entry = |i: usize| {
        let y = f64::from(u8::from(i == sample.class as usize));
        ((z[i] - shift).exp() / total - y + mu * (z[i] - c[i])).abs()
    };
    (0..z.len()).map(entry).fold(0.0, f64::max)
}

fn many_classes_meet_the_bound<T: Real>() {
    let mut random = Congruential(4);
    let rows = 1000;
    for mu in [1e-4f64, 0.01, 0.3, 3.0] {
        let all: Vec<Sample<T>> = [0.1, 5.0, 30.0, 1e3, 5.0, 5.0, 5.0, 5.0, 5.0]
            .map(|scale| {
                let c = random.vector(rows, scale);
                Sample { start: c.clone(), c, class: 77 }
            })
            .to_vec();
        let (z, report) = solve(mu, &all, 60);
        assert_eq!(report.map(|report| report.capped), Ok(0), "mu {mu}");
        let (epsilon, mu) = (T::EPSILON.to_f64(), T::from_f64(mu).to_f64());
        for (sample, z) in all.iter().zip(&z) {
            let largest = |x: &[T]| x.iter().fold(0.0, |m: f64, x| m.max(x.to_f64().abs()));
            let scale = 1.0 + (0.5 + mu) * largest(z) + mu * largest(&sample.c);
            let found = residual(mu, sample, z);
            // The solver's own exponentials are off by about EPSILON.
            assert!(found <= KKT_FACTOR * epsilon * scale + 2.0 * epsilon, "mu {mu}: {found:e}");
        }
    }
}

#[test]
fn a_thousand_classes_meet_the_kkt_bound() {
    many_classes_meet_the_bound::<f32>();
    many_classes_meet_the_bound::<f64>();
}
