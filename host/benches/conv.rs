//! A 3x3 convolution, 32 to 32 channels, 120 samples of 32x32, forward and backward on one thread, against the bare product
//! of its patches in tiles of 1,024 pixels.

use std::hint::black_box;
use std::time::Instant;

use altmin::run::kernel::fast::Fast;
use altmin_core::block::Shape;
use altmin_core::block::conv::{Bound, Conv};
use altmin_core::gemm::{Gemm, Transpose};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::{Requirement, Stack};

const SAMPLES: usize = 120;
const CHANNELS: usize = 32;
const SIDE: usize = 32;
const ROUNDS: usize = 21;

fn seconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The shortest: what else the machine does only adds to a time.
fn shortest(times: Vec<f64>) -> f64 {
    times.into_iter().fold(f64::INFINITY, f64::min)
}

fn main() {
    let input = Shape { channels: CHANNELS, height: SIDE, width: SIDE };
    let conv = Bound::new(Conv::square(CHANNELS, 3, 1, 1), input).expect("sizes that fit");
    let (pixels, patch) = conv.patches();
    let numbers = |count: usize, step: f32| -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).fract() - 0.5).collect()
    };
    let weights = numbers(CHANNELS * patch, 0.618);
    let bias = numbers(CHANNELS, 0.37);
    let x = numbers(input.features() * SAMPLES, 0.754);
    let dz = numbers(conv.output().features() * SAMPLES, 0.569);
    let (mut z, mut dx) = (vec![0.0; dz.len()], vec![0.0; x.len()]);
    let (mut dw, mut db) = (vec![0.0; weights.len()], vec![0.0; CHANNELS]);
    let k = numbers(pixels * patch, 0.83);
    let product = Gemm::<f32>::workspace(&Fast, pixels.max(patch), patch, pixels);
    let scratch: Requirement = conv.workspace::<f32, _>(&Fast).or(product);
    let mut memory = vec![0.0; scratch.elements()];
    let w = dense(&weights, CHANNELS, patch);
    let (x, dz) = (dense(&x, input.features(), SAMPLES), dense(&dz, conv.output().features(), SAMPLES));
    let mut times = [const { Vec::new() }; 6];
    for _ in 0..ROUNDS {
        let mut out = dense_mut(&mut z, x.nrows(), SAMPLES);
        times[0].push(seconds(|| {
            conv.forward(&Fast, &w, &bias, &x, &mut out, Stack::new(&mut memory)).expect("fits");
        }));
        let mut back = dense_mut(&mut dx, x.nrows(), SAMPLES);
        times[1].push(seconds(|| {
            conv.backward_input(&Fast, &w, &dz, &mut back, Stack::new(&mut memory)).expect("fits");
        }));
        let mut gradient = dense_mut(&mut dw, CHANNELS, patch);
        times[2].push(seconds(|| {
            conv.add_gradient(&Fast, &x, &dz, &mut gradient, &mut db, Stack::new(&mut memory)).expect("fits");
        }));
        let k = dense(&k, pixels, patch);
        let mut products = |shape: (usize, usize), make: &mut dyn FnMut(&mut [f32], Stack<'_, f32>)| {
            let mut c = vec![0.0; shape.0 * shape.1];
            seconds(|| {
                for _ in 0..SAMPLES {
                    make(&mut c, Stack::new(&mut memory));
                }
                black_box(&c);
            })
        };
        let (no, yes) = (Transpose::No, Transpose::Yes);
        let z = dense(&z[..pixels * CHANNELS], pixels, CHANNELS);
        let forward = products((pixels, CHANNELS), &mut |c, stack| {
            let c = dense_mut(c, pixels, CHANNELS);
            Fast.gemm(1.0, k, no, w, yes, 0.0, c, stack).expect("fits");
        });
        let input = products((pixels, patch), &mut |c, stack| {
            let c = dense_mut(c, pixels, patch);
            Fast.gemm(1.0, z, no, w, no, 0.0, c, stack).expect("fits");
        });
        let gradient = products((CHANNELS, patch), &mut |c, stack| {
            let c = dense_mut(c, CHANNELS, patch);
            Fast.gemm(1.0, z, yes, k, no, 0.0, c, stack).expect("fits");
        });
        for (time, to) in [forward, input, gradient].into_iter().zip(&mut times[3..]) {
            to.push(time);
        }
    }
    let flops = 2.0 * (CHANNELS * patch * pixels * SAMPLES) as f64;
    let times = times.map(shortest);
    let rate = |seconds: f64| flops / seconds / 1e9;
    for (pass, name) in ["forward", "backward, input", "backward, weights"].into_iter().enumerate() {
        println!(
            "{name:18} {:6.1} GFLOP/s, its product alone {:6.1}",
            rate(times[pass]),
            rate(times[pass + 3])
        );
    }
    let passes: f64 = times[..3].iter().sum();
    let products: f64 = times[3..].iter().sum();
    let best = times[3..].iter().copied().fold(f64::INFINITY, f64::min);
    println!(
        "forward and backward: {:.2} of the three products' rate, {:.2} of the best one's",
        products / passes,
        3.0 * best / passes
    );
}
