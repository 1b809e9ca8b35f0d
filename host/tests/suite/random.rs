//! The generator gives the published numbers, and what is built on it has the promised distributions.

use altmin::random::{Purpose, normal, permutation, philox, uniform};

#[test]
fn philox_gives_the_published_vectors() {
    // From Random123's kat_vectors, philox4x32 with 10 rounds: zeros, ones, digits of pi.
    let vectors: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
        (
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        ),
    ];
    for (counter, key, expected) in vectors {
        assert_eq!(philox(counter, key), expected);
    }
}

/// The largest distance between the sample's distribution function and `distribution`.
fn kolmogorov(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(rank, &x): (usize, &f64)| {
        let exact = distribution(x);
        (exact - rank as f64 / n).abs().max(((rank + 1) as f64 / n - exact).abs())
    };
    sample.iter().enumerate().map(distance).fold(0.0, f64::max)
}

#[test]
fn numbers_have_their_distributions() {
    let n = 100_000;
    // Exceeded with a probability of 1e-4 by a true sample (Kolmogorov's limit distribution, 2 exp(-2 x^2)).
    let bound = (0.5 * (2.0f64 / 1e-4).ln() / n as f64).sqrt();
    for seed in 0..3 {
        let sample = (0..n).map(|i| uniform(seed, Purpose::Weights, 0, i)).collect::<Vec<_>>();
        assert!(sample.iter().all(|&x| x > 0.0 && x < 1.0));
        assert!(kolmogorov(sample, |x| x) < bound);
        let sample = (0..n).map(|i| normal(seed, Purpose::Weights, 0, i)).collect();
        assert!(kolmogorov(sample, |x| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)) < bound);
    }
}

#[test]
fn sequences_are_not_correlated() {
    let n = 100_000u64;
    let correlation =
        |a: &dyn Fn(u64) -> f64, b: &dyn Fn(u64) -> f64| (0..n).map(|i| a(i) * b(i)).sum::<f64>() / n as f64;
    let base = |i| normal(5, Purpose::Weights, 0, i);
    let others: [&dyn Fn(u64) -> f64; 4] = [
        &|i| normal(6, Purpose::Weights, 0, i),
        &|i| normal(5, Purpose::Weights, 1, i),
        &|i| normal(5, Purpose::Permutation, 0, i),
        &|i| normal(5, Purpose::Weights, 0, i + 1),
    ];
    for other in others {
        // Of standard deviation 1/sqrt(n): five of them.
        assert!(correlation(&base, other).abs() < 5.0 / (n as f64).sqrt());
    }
}

#[test]
fn permutations_hold_every_number_once_and_are_equally_likely() {
    for n in [0, 1, 2, 17, 1000] {
        let mut order = permutation(3, n);
        assert_eq!(order, permutation(3, n));
        order.sort_unstable();
        assert_eq!(order, (0..n).collect::<Vec<_>>());
    }
    assert_ne!(permutation(3, 1000), permutation(4, 1000));

    let seeds = 24_000;
    let mut counts = std::collections::HashMap::new();
    for seed in 0..seeds {
        *counts.entry(permutation(seed, 4)).or_insert(0u64) += 1;
    }
    let expected = seeds as f64 / 24.0;
    let chi_square: f64 = counts.values().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
    assert_eq!(counts.len(), 24);
    // The 0.9999 quantile of chi-square with 23 degrees of freedom is 57.1 (scipy.stats.chi2.ppf).
    assert!(chi_square < 57.1, "{chi_square}");
}
