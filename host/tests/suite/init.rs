//! Initial weights: golden values, moments, independence of order and of precision.

use altmin::network::init::{Initializer, fill};
use altmin_core::view::view_mut;

fn weights<T: altmin_core::Real>(
    initializer: Initializer,
    seed: u64,
    layer: u32,
    n_out: usize,
    n_in: usize,
) -> Vec<T> {
    let mut weights = vec![T::from_f64(f64::NAN); n_out * n_in];
    fill(initializer, seed, layer, &mut view_mut("W", &mut weights, n_out, n_in, n_out).unwrap());
    weights
}

#[test]
fn weights_are_those_of_the_golden_file() {
    let mut checked = 0;
    for line in include_str!("../golden/initial_weights.csv").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<u64>().unwrap();
        let size = |i: usize| number(i) as usize;
        let initializer: Initializer = fields[0].parse().unwrap();
        let value = initializer.value(number(1), number(2) as u32, size(3), size(4), size(5), size(6));
        let expected: f64 = fields[7].parse().unwrap();
        assert!((value - expected).abs() <= 4.0 * f64::EPSILON * expected.abs(), "{line}: {value}");
        checked += 1;
    }
    assert_eq!(checked, 18);
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
}

#[test]
fn moments_are_those_of_the_definitions() {
    let (n_out, n_in) = (300, 400);
    let n = (n_out * n_in) as f64;
    let cases = [
        (Initializer::He, 2.0 / 400.0, 3.0),
        // Uniform on +-a: variance a^2/3, kurtosis 9/5.
        (Initializer::Xavier, 6.0 / 700.0 / 3.0, 1.8),
        (Initializer::Normal(0.01), 1e-4, 3.0),
    ];
    for (initializer, variance, kurtosis) in cases {
        let (mean, found) = moments(&weights(initializer, 11, 2, n_out, n_in));
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{initializer}: mean {mean}");
        let deviation = ((kurtosis - 1.0) / n).sqrt();
        assert!((found / variance - 1.0).abs() < 5.0 * deviation, "{initializer}: variance {found}");
    }
    let bound = (6.0f64 / 700.0).sqrt();
    let xavier: Vec<f64> = weights(Initializer::Xavier, 11, 2, n_out, n_in);
    let largest = xavier.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    assert!(largest <= bound && largest > 0.99 * bound);
}

#[test]
fn identity_hands_on_what_it_gets() {
    assert_eq!(weights::<f64>(Initializer::Identity, 1, 0, 2, 2), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(weights::<f32>(Initializer::Identity, 1, 0, 3, 2), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(weights::<f32>(Initializer::Identity, 1, 0, 1, 2), [1.0, 0.0]);
}

#[test]
fn order_of_filling_and_leading_dimension_do_not_matter() {
    let (n_out, n_in) = (7, 5);
    let whole: Vec<f64> = weights(Initializer::He, 9, 3, n_out, n_in);
    for column in (0..n_in).rev() {
        for row in (0..n_out).rev() {
            let alone = Initializer::He.value(9, 3, row, column, n_out, n_in);
            assert_eq!(alone.to_bits(), whole[column * n_out + row].to_bits());
        }
    }
    let mut gaps = vec![f64::NAN; 10 * n_in];
    fill(Initializer::He, 9, 3, &mut view_mut("W", &mut gaps, n_out, n_in, 10).unwrap());
    for column in 0..n_in {
        assert_eq!(gaps[column * 10..][..n_out], whole[column * n_out..][..n_out]);
        assert!(gaps[column * 10 + n_out..][..3].iter().all(|x| x.is_nan()));
    }
}

#[test]
fn seeds_and_layers_differ() {
    let base: Vec<f64> = weights(Initializer::He, 9, 3, 7, 5);
    assert_ne!(base, weights::<f64>(Initializer::He, 10, 3, 7, 5));
    assert_ne!(base, weights::<f64>(Initializer::He, 9 + (1 << 32), 3, 7, 5));
    assert_ne!(base, weights::<f64>(Initializer::He, 9, 4, 7, 5));
}

#[test]
fn single_precision_is_double_precision_rounded() {
    for initializer in [Initializer::He, Initializer::Xavier, Initializer::Normal(0.5)] {
        let double: Vec<f64> = weights(initializer, 4, 0, 40, 30);
        let rounded: Vec<f32> = double.iter().map(|&x| x as f32).collect();
        assert_eq!(rounded, weights::<f32>(initializer, 4, 0, 40, 30));
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for text in ["he", "xavier", "normal:0.01", "identity"] {
        assert_eq!(text.parse::<Initializer>().unwrap().to_string(), text);
    }
    let sigma = 0.1f64 + 0.2;
    assert_eq!(
        Initializer::Normal(sigma).to_string().parse::<Initializer>().unwrap(),
        Initializer::Normal(sigma)
    );
    for text in
        ["", "He", "normal", "normal:", "normal:0", "normal:-1", "normal:nan", "normal:inf", "he:1", "x"]
    {
        let error = text.parse::<Initializer>().unwrap_err();
        assert!(error.is_usage());
        assert!(error.to_string().starts_with(&format!("`init` is `{text}`, expected he, ")), "{error}");
    }
}
