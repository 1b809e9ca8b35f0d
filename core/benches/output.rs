//! Samples a second of cross-entropy, on one thread: value, gradient, and the output layer's z-subproblem by Newton.

use std::f64::consts::TAU;
use std::hint::black_box;

use altmin_core::loss::{solve_output, solve_output_workspace};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Loss, OutputSolver, Real, Target};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const LOSS: Loss = Loss::CrossEntropy;
const SOLVER: OutputSolver = OutputSolver::Newton;

/// Classes, and samples in a tile.
const SIZES: [(usize, usize); 2] = [(10, 500), (1000, 50)];

struct Random(u64);

impl Random {
    /// In 0 .. 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

fn bench<T: Real>(criterion: &mut Criterion, precision: &str) {
    let mut group = criterion.benchmark_group(precision);
    for (rows, columns) in SIZES {
        group.throughput(Throughput::Elements(columns as u64));
        let mut random = Random(7);
        let c: Vec<T> = (0..rows * columns).map(|_| T::from_f64(5.0 * random.normal())).collect();
        let classes: Vec<u32> = (0..columns).map(|_| (random.uniform() * rows as f64) as u32).collect();
        let (target, mut z) = (Target::Classes(&classes), c.clone());
        let name = format!("{rows} classes");
        group.bench_function(BenchmarkId::new("value", &name), |bencher| {
            bencher.iter(|| LOSS.value(dense(black_box(&c), rows, columns), target).unwrap());
        });
        group.bench_function(BenchmarkId::new("gradient", &name), |bencher| {
            let z = &mut z;
            bencher.iter(|| {
                let gradient = dense_mut(z, rows, columns);
                LOSS.gradient(dense(black_box(&c), rows, columns), target, gradient).unwrap();
            });
        });
        let mut memory = vec![T::ZERO; solve_output_workspace::<T>(LOSS, SOLVER, rows).elements()];
        for mu in [3.0, 0.3, 0.01] {
            group.bench_function(BenchmarkId::new(format!("z from c, mu {mu}"), &name), |bencher| {
                bencher.iter(|| {
                    z.copy_from_slice(&c);
                    let (c, z) = (dense(black_box(&c), rows, columns), dense_mut(&mut z, rows, columns));
                    let stack = Stack::new(&mut memory);
                    solve_output(LOSS, SOLVER, T::from_f64(mu), c, target, z, 60, stack).unwrap()
                });
            });
        }
    }
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    bench::<f32>(criterion, "f32");
    bench::<f64>(criterion, "f64");
}

criterion_group!(all, benches);
criterion_main!(all);
