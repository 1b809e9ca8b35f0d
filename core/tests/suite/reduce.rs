//! Fixed-order reductions against plain double precision, and the order that their documentation promises.

use altmin_core::Real;
use altmin_core::reduce::sum_squares;
use altmin_core::reduce::{
    BLOCK, LANES, dot, dot_deviations, max_abs, sum, sum_abs, sum_squared_deviations, sum_squared_differences,
};

use crate::common::wide;

const LENGTHS: [usize; 16] = [0, 1, 2, 9, 15, 16, 17, 31, 100, 255, 256, 257, 272, 511, 513, 5003];

/// Numbers of both signs and several magnitudes, from a linear congruence.
fn numbers<T: Real>(count: usize, seed: u64) -> Vec<T> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| T::from_f64((next() - 0.5) * (10.0 * next() - 5.0).exp())).collect()
}

fn near(found: f64, expected: f64, magnitude: f64, epsilon: f64, length: usize) {
    let bound = 24.0 * epsilon * magnitude;
    assert!((found - expected).abs() <= bound, "{found} for {expected}, length {length}");
}

fn against_naive<T: Real>() {
    let epsilon = T::EPSILON.to_f64();
    for n in LENGTHS {
        let (a, b) = (numbers::<T>(n, 1), numbers::<T>(n, 2));
        let (x, y) = (wide(&a), wide(&b));
        let total = |terms: Vec<f64>| {
            let magnitude: f64 = terms.iter().map(|t| t.abs()).sum();
            (terms.iter().sum::<f64>(), magnitude)
        };
        let pairs = |f: fn(f64, f64) -> f64| total(x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect());

        let (expected, magnitude) = total(x.clone());
        near(sum(&a), expected, magnitude, epsilon, n);
        near(sum_abs(&a), magnitude, magnitude, epsilon, n);
        let (expected, magnitude) = pairs(|x, _| x * x);
        near(sum_squares(&a), expected, magnitude, epsilon, n);
        let (expected, magnitude) = pairs(|x, y| x * y);
        near(dot(&a, &b), expected, magnitude, epsilon, n);
        let (expected, magnitude) = pairs(|x, y| (x - y) * (x - y));
        near(sum_squared_differences(&a, &b), expected, magnitude, epsilon, n);
        let mean = 0.75;
        let (expected, magnitude) = pairs(|x, _| (x - 0.75) * (x - 0.75));
        near(sum_squared_deviations(&a, T::from_f64(mean)), expected, magnitude, epsilon, n);
        let (expected, magnitude) = pairs(|x, y| x * (y - 0.75));
        near(dot_deviations(&a, &b, T::from_f64(mean)), expected, magnitude, epsilon, n);
        let expected = x.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert_eq!(max_abs(&a).to_f64(), expected);
    }
}

#[test]
fn reductions_agree_with_double_precision() {
    against_naive::<f32>();
    against_naive::<f64>();
}

#[test]
fn the_order_is_the_documented_one() {
    for n in LENGTHS {
        let x = numbers::<f32>(n, 3);
        let mut total = 0.0f64;
        for block in x.chunks(BLOCK) {
            let mut lanes = [0.0f32; LANES];
            for (i, x) in block.iter().enumerate() {
                lanes[i % LANES] += x;
            }
            for half in [8, 4, 2, 1] {
                for k in 0..half {
                    lanes[k] += lanes[k + half];
                }
            }
            total += f64::from(lanes[0]);
        }
        assert_eq!(sum(&x).to_bits(), total.to_bits(), "length {n}");
    }
}

#[test]
fn long_sums_keep_their_digits() {
    // One after the other in f32 the sum stops growing at 2^24.
    let x = vec![1.0f32; (1 << 24) + 1000];
    assert_eq!(sum(&x), x.len() as f64);
}

#[test]
fn what_is_not_finite_is_seen_wherever_it_stands() {
    for n in LENGTHS.into_iter().filter(|&n| n > 0) {
        for place in [0, n / 2, n - 1] {
            let mut x = numbers::<f32>(n, 4);
            x[place] = f32::NEG_INFINITY;
            assert_eq!(max_abs(&x), f32::INFINITY);
            assert_eq!(sum(&x), f64::NEG_INFINITY);
            x[(place + 1) % n] = f32::NAN;
            assert!(max_abs(&x).is_nan() && sum(&x).is_nan() && sum_squares(&x).is_nan());
        }
    }
}
