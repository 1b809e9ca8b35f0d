//! Elements a second of the activations, on one thread: value, derivative, and the hidden layers' z-subproblem.

use std::hint::black_box;

use altmin_core::{Activation, Real};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A tile's column.
const ELEMENTS: usize = 500;

fn wave<T: Real>(width: f64, frequency: f64) -> Vec<T> {
    (0..ELEMENTS).map(|i| T::from_f64(width * (frequency * i as f64).sin())).collect()
}

fn activations<T: Real>() -> [(&'static str, Activation<T>); 4] {
    [
        ("relu", Activation::Relu),
        ("sigmoid", Activation::Sigmoid),
        ("tanh", Activation::Tanh),
        ("softplus", Activation::Softplus),
    ]
}

fn bench<T: Real>(criterion: &mut Criterion, precision: &str) {
    let mut group = criterion.benchmark_group(precision);
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    let (z, mut out) = (wave::<T>(6.0, 1.7), vec![T::ZERO; ELEMENTS]);
    for (name, f) in activations::<T>() {
        group.bench_function(BenchmarkId::new("value", name), |bencher| {
            bencher.iter(|| f.apply(black_box(&z), &mut out));
        });
        group.bench_function(BenchmarkId::new("derivative", name), |bencher| {
            bencher.iter(|| f.derivative(black_box(&z), &mut out));
        });
        // Targets in the range of f, as they mostly are; beyond it, where two minimisers compete; and far beyond.
        for (target, height) in [("inside", 1.0), ("beyond", 5.0), ("far beyond", 1e6)] {
            let (c, t) = (wave::<T>(4.0, 0.9), wave::<T>(height, 1.3));
            for omega in [1.0, 2.0] {
                let id = BenchmarkId::new(format!("z, omega {omega}, target {target}"), name);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| f.minimise(T::from_f64(omega), black_box(&c), black_box(&t), &mut out));
                });
            }
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
