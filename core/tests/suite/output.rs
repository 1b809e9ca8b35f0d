//! The output layer's subproblem: both solvers against nested bisection, and the KKT residual computed again.

use altmin_core::loss::{KKT_FACTOR, OutputReport, kkt_tolerance, solve_output, solve_output_workspace};
use altmin_core::view::{dense, dense_mut, view, view_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Error, Loss, OutputSolver, Real, Result, Target};

use crate::common::congruential::Congruential;
use crate::common::wide;

const SOLVERS: [OutputSolver; 2] = [OutputSolver::Newton, OutputSolver::Fista];

fn one_hot(class: u32, rows: usize) -> Vec<f64> {
    (0..rows).map(|i| f64::from(u8::from(i == class as usize))).collect()
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, x| x.abs().max(m))
}

fn objective(loss: Loss, mu: f64, c: &[f64], y: &[f64], z: &[f64]) -> f64 {
    let risk = match loss {
        Loss::CrossEntropy => {
            let shift = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = z.iter().map(|z| (z - shift).exp()).sum();
            y.iter().zip(z).map(|(y, z)| y * (shift - z)).sum::<f64>() + total.ln()
        }
        Loss::LeastSquares => z.iter().zip(y).map(|(z, y)| (z - y).powi(2) / 2.0).sum(),
        Loss::Huber { delta } => {
            let rho = |d: f64| d.min(delta).powi(2) / 2.0 + delta * (d - delta).max(0.0);
            z.iter().zip(y).map(|(z, y)| rho((z - y).abs())).sum()
        }
    };
    risk + mu / 2.0 * z.iter().zip(c).map(|(z, c)| (z - c).powi(2)).sum::<f64>()
}

/// `|grad R(z) + mu (z - c)|_inf`, written again.
fn residual(loss: Loss, mu: f64, c: &[f64], y: &[f64], z: &[f64]) -> f64 {
    let shift = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = z.iter().map(|z| (z - shift).exp()).sum();
    let entry = |i: usize| {
        let fitted = match loss {
            Loss::CrossEntropy => (z[i] - shift).exp() / total,
            Loss::LeastSquares => z[i],
            Loss::Huber { delta } => z[i].clamp(y[i] - delta, y[i] + delta),
        };
        fitted - y[i] + mu * (z[i] - c[i])
    };
    largest(&(0..z.len()).map(entry).collect::<Vec<_>>())
}

fn bisect(mut low: f64, mut high: f64, increasing: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if increasing(middle) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The minimiser for cross-entropy without any gradient method: with `l = log sum exp z` the optimality condition
/// falls apart into one increasing equation an entry, `exp(t) + mu (t + l - c_i) = y_i` for `t = z_i - l`, and
/// `sum exp(t_i(l))` decreases in l and must be 1.
fn nested_bisection(mu: f64, c: &[f64], y: &[f64]) -> Vec<f64> {
    let reach = largest(c) + 1.0 / mu + 60.0;
    let entry =
        |l: f64, i: usize| bisect(-2.0 * reach - 50.0, 50.0, |t| t.exp() + mu * (t + l - c[i]) - y[i]);
    let l = bisect(-reach, reach, |l| 1.0 - (0..c.len()).map(|i| entry(l, i).exp()).sum::<f64>());
    (0..c.len()).map(|i| l + entry(l, i)).collect()
}

fn solve<T: Real>(
    loss: Loss,
    solver: OutputSolver,
    mu: f64,
    c: &[T],
    classes: &[u32],
    z: &mut [T],
    cap: usize,
) -> Result<OutputReport> {
    let columns = classes.len();
    let rows = z.len() / columns.max(1);
    let mut memory = vec![T::NEG_INFINITY; solve_output_workspace::<T>(loss, solver, rows).elements()];
    solve_output(
        loss,
        solver,
        T::from_f64(mu),
        dense(c, rows, columns),
        Target::Classes(classes),
        dense_mut(z, rows, columns),
        cap,
        Stack::new(&mut memory),
    )
}

/// Every column's KKT residual in double precision, against the documented bound and the report.
fn check_kkt<T: Real>(loss: Loss, mu: f64, c: &[T], classes: &[u32], z: &[T], report: OutputReport) {
    let rows = z.len() / classes.len();
    let (epsilon, mu) = (T::EPSILON.to_f64(), T::from_f64(mu).to_f64());
    let h = if loss == Loss::CrossEntropy { 0.5 } else { 1.0 };
    let mut worst: f64 = 0.0;
    for ((c, z), &class) in c.chunks(rows).zip(z.chunks(rows)).zip(classes) {
        let (c, z) = (wide(c), wide(z));
        let found = residual(loss, mu, &c, &one_hot(class, rows), &z);
        let bound = KKT_FACTOR * epsilon * (1.0 + (h + mu) * largest(&z) + mu * largest(&c));
        // The solver's own exponentials are off by about EPSILON.
        assert!(found <= bound + 2.0 * epsilon, "mu {mu}: {found:e} above {bound:e}, c {c:?}");
        worst = worst.max(found);
    }
    let slack = 1e-12 * (1.0 + mu) + 4.0 * epsilon;
    assert!((worst - report.residual).abs() <= slack + 1e-9 * worst, "{worst:e} {:e}", report.residual);
}

#[test]
fn both_solvers_find_what_bisection_finds() {
    let mut random = Congruential(1);
    for mu in [1e-6, 1e-3, 0.1, 1.0, 30.0, 1e4] {
        for (rows, scale) in [(2, 1.0), (3, 30.0), (10, 4.0)] {
            let c: Vec<f64> = random.vector(rows * 2, scale);
            let classes = random.classes(2, rows);
            for solver in SOLVERS {
                let mut z = c.clone();
                let report = solve(Loss::CrossEntropy, solver, mu, &c, &classes, &mut z, 200_000).unwrap();
                assert_eq!(report.capped, 0, "{solver:?} {mu} {report:?}");
                for j in 0..2 {
                    let (c, z) = (&c[j * rows..][..rows], &z[j * rows..][..rows]);
                    let y = one_hot(classes[j], rows);
                    let expected = nested_bisection(mu, c, &y);
                    // Strong convexity: |z - z*| is at most |gradient|/mu.
                    let bound =
                        (rows as f64).sqrt() * report.residual / mu + 1e-9 * (1.0 + largest(&expected));
                    for (z, expected) in z.iter().zip(&expected) {
                        assert!((z - expected).abs() <= bound, "{solver:?} mu {mu}: {z} for {expected}");
                    }
                }
            }
        }
    }
}

fn meets_the_bound_everywhere<T: Real>() {
    let mut random = Congruential(2);
    for mu in [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4] {
        for scale in [0.1, 3.0, 30.0, 1e3] {
            for rows in [1, 2, 10] {
                let columns = 40;
                let c: Vec<T> = random.vector(rows * columns, scale);
                let classes = random.classes(columns, rows);
                let far: Vec<T> = random.vector(rows * columns, 100.0);
                for start in [c.clone(), vec![T::ZERO; rows * columns], far] {
                    let mut z = start;
                    let report =
                        solve(Loss::CrossEntropy, OutputSolver::Newton, mu, &c, &classes, &mut z, 60)
                            .unwrap();
                    assert_eq!(report.capped, 0, "mu {mu} scale {scale} rows {rows}: {report:?}");
                    check_kkt(Loss::CrossEntropy, mu, &c, &classes, &z, report);
                }
            }
        }
    }
}

#[test]
fn newton_meets_the_kkt_bound_for_every_mu_and_every_c() {
    meets_the_bound_everywhere::<f32>();
    meets_the_bound_everywhere::<f64>();
}

fn fista_meets_the_same_bound<T: Real>() {
    let mut random = Congruential(3);
    for mu in [1e-6, 1e-4, 1e-2, 1.0, 1e4] {
        for scale in [3.0, 1e3] {
            let (rows, columns) = (10, 4);
            let c: Vec<T> = random.vector(rows * columns, scale);
            let classes = random.classes(columns, rows);
            let mut z = c.clone();
            let report =
                solve(Loss::CrossEntropy, OutputSolver::Fista, mu, &c, &classes, &mut z, 200_000).unwrap();
            assert_eq!(report.capped, 0, "mu {mu} scale {scale}: {report:?}");
            check_kkt(Loss::CrossEntropy, mu, &c, &classes, &z, report);
        }
    }
}

#[test]
fn fista_meets_the_kkt_bound_of_newton() {
    fista_meets_the_same_bound::<f32>();
    fista_meets_the_same_bound::<f64>();
}

#[test]
fn newton_from_thirty_at_a_hundredth_takes_twenty_iterations() {
    let mut random = Congruential(4);
    let (rows, columns) = (10, 3000);
    let c: Vec<f64> = random.vector(rows * columns, 30.0);
    let classes = random.classes(columns, rows);
    let mut z = c.clone();
    let report = solve(Loss::CrossEntropy, OutputSolver::Newton, 0.01, &c, &classes, &mut z, 20).unwrap();
    assert_eq!(report.capped, 0, "{report:?}");
    // And not because the start was the solution.
    assert!(report.iterations >= 8, "{report:?}");
}

#[test]
fn soft_targets_are_solved_too() {
    let (rows, mu) = (4, 0.05);
    let y = [0.1, 0.2, 0.3, 0.4];
    let c = [3.0, -2.0, 0.5, -7.0];
    let expected = nested_bisection(mu, &c, &y);
    for solver in SOLVERS {
        let mut z = [0.0; 4];
        let needed = solve_output_workspace::<f64>(Loss::CrossEntropy, solver, rows).elements();
        let mut memory = vec![0.0; needed];
        let target = Target::Values(dense(&y, rows, 1));
        let (c, z_view) = (dense(&c, rows, 1), dense_mut(&mut z, rows, 1));
        let report =
            solve_output(Loss::CrossEntropy, solver, mu, c, target, z_view, 5000, Stack::new(&mut memory))
                .unwrap();
        assert_eq!(report.capped, 0);
        for (z, expected) in z.iter().zip(&expected) {
            assert!((z - expected).abs() < 1e-11);
        }
    }
}

/// With weights the KKT residual is that of `w R(z; y) + (mu/2)|z - c|^2`, whatever stands beside a column.
#[test]
fn classes_with_weights_are_solved_too() {
    let (rows, mu, weights) = (4, 0.3, [0.05, 1.0, 30.0, 2.5]);
    let classes = [0, 0, 3, 2, 2, 2, 1, 0, 3, 2];
    let mut random = Congruential(31);
    let c = random.vector(rows * classes.len(), 3.0);
    for (loss, solver) in [
        (Loss::CrossEntropy, OutputSolver::Newton),
        (Loss::CrossEntropy, OutputSolver::Fista),
        (Loss::LeastSquares, OutputSolver::Newton),
        (Loss::Huber { delta: 0.7 }, OutputSolver::Newton),
    ] {
        let mut z = c.clone();
        let mut memory = vec![f64::NAN; solve_output_workspace::<f64>(loss, solver, rows).elements()];
        let target = Target::WeightedClasses { classes: &classes, weights: &weights };
        let (c_view, z_view) = (dense(&c, rows, classes.len()), dense_mut(&mut z, rows, classes.len()));
        let report =
            solve_output(loss, solver, mu, c_view, target, z_view, 500, Stack::new(&mut memory)).unwrap();
        assert_eq!(report.capped, 0, "{loss:?} {solver:?}");
        let mut worst: f64 = 0.0;
        for ((c, z), class) in c.chunks(rows).zip(z.chunks(rows)).zip(classes) {
            let (y, weight) = (one_hot(class, rows), weights[class as usize]);
            let mut slope = vec![0.0; rows];
            let own = Target::Values(dense(&y, rows, 1));
            loss.gradient(dense(z, rows, 1), own, dense_mut(&mut slope, rows, 1)).unwrap();
            let kkt = slope.iter().zip(z).zip(c).map(|((g, z), c)| (weight * g + mu * (z - c)).abs());
            worst = kkt.fold(worst, f64::max);
        }
        assert!(worst < 1e-13, "{loss:?} {solver:?}: {worst:e}");
        assert!((worst - report.residual).abs() < 1e-13, "{worst:e} {:e}", report.residual);
    }
}

#[test]
fn least_squares_is_solved_exactly_from_any_start() {
    fn check<T: Real>() {
        let mut random = Congruential(5);
        let (rows, columns) = (7, 5);
        for mu in [1e-6, 0.3, 1.0, 1e4] {
            let c: Vec<T> = random.vector(rows * columns, 1e3);
            let classes = random.classes(columns, rows);
            for solver in SOLVERS {
                let mut z = vec![T::NEG_INFINITY; rows * columns];
                let report = solve(Loss::LeastSquares, solver, mu, &c, &classes, &mut z, 0).unwrap();
                assert_eq!((report.capped, report.iterations), (0, 0));
                check_kkt(Loss::LeastSquares, mu, &c, &classes, &z, report);
            }
        }
    }
    check::<f32>();
    check::<f64>();
    let y = [1.5, -0.5];
    let mut z = [0.0; 2];
    let target = Target::Values(dense(&y, 2, 1));
    let (c, view) = (dense(&[4.0, 8.0], 2, 1), dense_mut(&mut z, 2, 1));
    solve_output(Loss::LeastSquares, OutputSolver::Newton, 0.25, c, target, view, 0, Stack::new(&mut []))
        .unwrap();
    assert!((z[0] - 2.0f64).abs() < 1e-15 && (z[1] - 1.2f64).abs() < 1e-15);
}

/// From any start: to the KKT bound, and to what halving the derivative finds, on values near and far.
#[test]
fn huber_is_solved_exactly() {
    fn check<T: Real>() {
        let (mut random, mut pieces) = (Congruential(15), [0; 3]);
        let (rows, columns) = (7, 5);
        for delta in [1e-3, 0.5, 1.0, 20.0] {
            let loss = Loss::Huber { delta };
            for (mu, size) in [1e-6, 0.3, 1.0, 1e4].into_iter().flat_map(|mu| [(mu, 1.0), (mu, 1e3)]) {
                let c: Vec<T> = random.vector(rows * columns, size);
                let classes = random.classes(columns, rows);
                for solver in SOLVERS {
                    let mut z = vec![T::NEG_INFINITY; rows * columns];
                    let report = solve(loss, solver, mu, &c, &classes, &mut z, 0).unwrap();
                    assert_eq!((report.capped, report.iterations), (0, 0));
                    check_kkt(loss, mu, &c, &classes, &z, report);
                }
                let y: Vec<T> = random.vector(rows * columns, size);
                let mut z = vec![T::NEG_INFINITY; rows * columns];
                let (target, view) =
                    (Target::Values(dense(&y, rows, columns)), dense_mut(&mut z, rows, columns));
                let (number, newton) = (T::from_f64(mu), OutputSolver::Newton);
                let c_view = dense(&c, rows, columns);
                solve_output(loss, newton, number, c_view, target, view, 0, Stack::new(&mut [])).unwrap();
                let (mu, delta) = (number.to_f64(), T::from_f64(delta).to_f64());
                for ((z, c), y) in wide(&z).into_iter().zip(wide(&c)).zip(wide(&y)) {
                    let expected =
                        bisect(c.min(y), c.max(y), |z| (z - y).clamp(-delta, delta) + mu * (z - c));
                    let scale = 1.0 + c.abs() + y.abs();
                    // The derivative's own rounding moves z by that over its slope, mu where far.
                    let rounding = 8.0 * T::EPSILON.to_f64() * (scale + delta / mu);
                    assert!((z - expected).abs() <= rounding, "{delta} {mu} {c} {y}: {z} {expected}");
                    pieces[usize::from(expected - y > -delta) + usize::from(expected - y > delta)] += 1;
                }
            }
        }
        assert!(pieces.iter().all(|&seen| seen > 50), "{pieces:?}");
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn one_class_gives_c_and_no_columns_give_nothing() {
    for solver in SOLVERS {
        let c = [3.0, -40.0];
        let mut z = [0.0; 2];
        let report = solve(Loss::CrossEntropy, solver, 0.5, &c, &[0, 0], &mut z, 500).unwrap();
        assert_eq!(report.capped, 0);
        assert!((z[0] - c[0]).abs() < 1e-13 && (z[1] - c[1]).abs() < 1e-12);
        let none = solve::<f64>(Loss::CrossEntropy, solver, 0.5, &[], &[], &mut [], 500).unwrap();
        assert_eq!(none, OutputReport::default());
    }
}

#[test]
fn a_capped_column_is_counted_and_never_worse_than_its_start() {
    let mut random = Congruential(6);
    let (rows, columns, mu) = (10, 50, 1e-3);
    let c: Vec<f64> = random.vector(rows * columns, 30.0);
    let start: Vec<f64> = random.vector(rows * columns, 30.0);
    let classes = random.classes(columns, rows);
    for solver in SOLVERS {
        for cap in [0, 1, 2, 5, 20] {
            let mut z = start.clone();
            let report = solve(Loss::CrossEntropy, solver, mu, &c, &classes, &mut z, cap).unwrap();
            assert!(report.iterations <= cap);
            assert!(report.capped > 0 || (solver == OutputSolver::Newton && cap == 20), "{solver:?} {cap}");
            for j in 0..columns {
                let column = |x: &[f64]| x[j * rows..][..rows].to_vec();
                let y = one_hot(classes[j], rows);
                let value = |z: &[f64]| objective(Loss::CrossEntropy, mu, &column(&c), &y, &column(z));
                assert!(value(&z) <= value(&start) + 1e-12, "{solver:?} cap {cap}");
            }
            if cap == 0 {
                assert_eq!(z, start);
            }
        }
    }
}

#[test]
fn views_with_gaps_give_the_same_bits_and_keep_the_gaps() {
    let mut random = Congruential(7);
    let (rows, columns, ld) = (5, 6, 8);
    let c: Vec<f32> = random.vector(rows * columns, 5.0);
    let classes = random.classes(columns, rows);
    let mut spread = vec![f32::NAN; ld * columns];
    for j in 0..columns {
        spread[j * ld..][..rows].copy_from_slice(&c[j * rows..][..rows]);
    }
    for loss in [Loss::CrossEntropy, Loss::LeastSquares, Loss::Huber { delta: 1.0 }] {
        for solver in SOLVERS {
            let mut tight = vec![0.5f32; rows * columns];
            let expected = solve(loss, solver, 0.5, &c, &classes, &mut tight, 500).unwrap();
            let mut z = vec![0.5f32; ld * columns];
            let mut memory = vec![0.0; solve_output_workspace::<f32>(loss, solver, rows).elements()];
            let report = solve_output(
                loss,
                solver,
                0.5,
                view("c", &spread, rows, columns, ld).unwrap(),
                Target::Classes(&classes),
                view_mut("z", &mut z, rows, columns, ld).unwrap(),
                500,
                Stack::new(&mut memory),
            );
            assert_eq!(report, Ok(expected));
            for (j, column) in z.chunks(ld).enumerate() {
                assert_eq!(column[..rows], tight[j * rows..][..rows]);
                assert_eq!(column[rows..], [0.5; 3]);
            }
        }
    }
}

#[test]
fn tiles_merge_to_the_whole() {
    let mut random = Congruential(8);
    let (rows, columns, cut) = (4, 9, 3);
    let c: Vec<f64> = random.vector(rows * columns, 20.0);
    let classes = random.classes(columns, rows);
    let (mut whole, mut parts) = (c.clone(), c.clone());
    let run = |c: &[f64], classes: &[u32], z: &mut [f64]| {
        solve(Loss::CrossEntropy, OutputSolver::Newton, 0.01, c, classes, z, 6).unwrap()
    };
    let expected = run(&c, &classes, &mut whole);
    let (front, back) = parts.split_at_mut(rows * cut);
    let first = run(&c[..rows * cut], &classes[..cut], front);
    let second = run(&c[rows * cut..], &classes[cut..], back);
    assert_eq!(first.merge(second), expected);
    assert_eq!(parts, whole);
    assert!(expected.capped > 0);
}

#[test]
fn the_tolerance_is_the_documented_formula() {
    let found = kkt_tolerance(Loss::CrossEntropy, 2.0f32, (1.0, 10.0, 5.0));
    assert_eq!(found, KKT_FACTOR * f64::from(f32::EPSILON) * (1.0 + 2.5 * 10.0 + 2.0 * 5.0));
    let found = kkt_tolerance(Loss::LeastSquares, 2.0f64, (7.0, 10.0, 5.0));
    assert_eq!(found, KKT_FACTOR * f64::EPSILON * (7.0 + 3.0 * 10.0 + 2.0 * 5.0));
}

#[test]
fn arguments_are_checked_before_anything_is_written() {
    let data = [0.25; 20];
    let classes = [0, 1, 2, 3];
    for solver in SOLVERS {
        let needed = solve_output_workspace::<f64>(Loss::CrossEntropy, solver, 4).elements();
        let run = |mu: f64, c: (usize, usize), target: &[u32], memory: usize| {
            let (mut z, mut memory) = ([0.5; 16], vec![0.0; memory]);
            let result = solve_output(
                Loss::CrossEntropy,
                solver,
                mu,
                dense(&data[..c.0 * c.1], c.0, c.1),
                Target::Classes(target),
                dense_mut(&mut z, 4, 4),
                500,
                Stack::new(&mut memory),
            );
            assert!(result.is_ok() || z == [0.5; 16]);
            result
        };
        assert!(run(1.0, (4, 4), &classes, needed).is_ok());
        for mu in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(run(mu, (4, 4), &classes, needed), Err(Error::Setting { name: "mu", .. })));
        }
        for shape in [(3, 4), (5, 4), (4, 3), (4, 5)] {
            let refused = run(1.0, shape, &classes, needed);
            assert!(matches!(refused, Err(Error::Shape { argument: "c", .. })));
        }
        let refused = run(1.0, (4, 4), &classes[..3], needed);
        assert!(matches!(refused, Err(Error::Shape { argument: "target", .. })));
        let refused = run(1.0, (4, 4), &[0, 1, 2, 4], needed);
        assert!(matches!(refused, Err(Error::Setting { name: "target", .. })));
        let refused = run(1.0, (4, 4), &classes, needed - 1);
        assert_eq!(refused, Err(Error::Workspace { found: needed - 1, needed }));
    }
}

#[test]
fn what_is_not_finite_is_reported() {
    for loss in [Loss::CrossEntropy, Loss::LeastSquares, Loss::Huber { delta: 1.0 }] {
        for solver in SOLVERS {
            for bad in [f32::NAN, f32::INFINITY] {
                let c = [1.0, bad, 0.0, 1.0];
                let mut z = [0.0f32; 4];
                let result = solve(loss, solver, 1.0, &c, &[0, 1], &mut z, 50);
                assert!(matches!(result, Err(Error::NonFinite { .. })), "{loss:?} {solver:?} {bad}");
            }
        }
    }
}
