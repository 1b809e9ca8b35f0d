//! Dividing samples into those to train on and those to test on.

use altmin_core::Real;

use super::dataset::{Dataset, Parts};
use super::transform::{select, split_off};
use crate::error::{Error, Result};
use crate::random::permutation;

/// Training and test indices, the latter `test_count` in all and with each class's share of the whole.
///
/// Shares are rounded down and the largest remainders up, the lower class first, so that the counts are exact.
/// Both lists are in an order drawn from `seed`. A `test_count` above the number of samples takes them all.
pub fn stratified(
    labels: &[u32],
    n_classes: usize,
    test_count: usize,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    let mut wanted = quotas(labels, n_classes, test_count.min(labels.len()));
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for index in permutation(seed, labels.len()) {
        let left = &mut wanted[labels[index] as usize];
        if *left > 0 {
            *left -= 1;
            test.push(index);
        } else {
            train.push(index);
        }
    }
    (train, test)
}

fn quotas(labels: &[u32], n_classes: usize, total: usize) -> Vec<usize> {
    let mut counts = vec![0u128; n_classes];
    for &label in labels {
        counts[label as usize] += 1;
    }
    let all = (labels.len() as u128).max(1);
    let shares = counts.iter().map(|&count| count * total as u128);
    let mut quotas: Vec<usize> = shares.clone().map(|share| (share / all) as usize).collect();
    let remainders: Vec<u128> = shares.map(|share| share % all).collect();
    let mut order: Vec<usize> = (0..n_classes).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(remainders[class]));
    let rounded = quotas.iter().sum::<usize>();
    for &class in order.iter().take(total - rounded) {
        quotas[class] += 1;
    }
    quotas
}

/// One of so many parts of the samples, each of which is tested on in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Which of them, from 0.
    pub index: usize,
    /// How many there are.
    pub count: usize,
}

/// All samples but those of a part, and these, in an order drawn from `seed`. Parts differ by at most one sample, and by at most one
/// of each class.
///
/// # Errors
/// [`Error::Argument`] (`cross-validate`) for fewer than two parts, or more than there are samples.
pub fn fold<T: Real>(all: &Dataset<T>, fold: Fold, seed: u64) -> Result<Parts<T>> {
    let n_samples = all.n_samples();
    if !(2..=n_samples).contains(&fold.count) {
        let expected = format!("2 to {n_samples}, the number of samples in {}", all.name());
        return Err(Error::argument("cross-validate", fold.count, expected));
    }
    let order = permutation(seed, n_samples);
    let mut by_class = order.clone();
    if !all.outputs().are_values() {
        by_class.sort_by_key(|&sample| all.labels()[sample]);
    }
    let mut is_tested = vec![false; n_samples];
    by_class.iter().skip(fold.index).step_by(fold.count).for_each(|&sample| is_tested[sample] = true);
    let (test, train): (Vec<usize>, Vec<usize>) = order.iter().partition(|&&sample| is_tested[sample]);
    let number = fold.index + 1;
    let part = |indices: &[usize], part: &str| -> Result<Dataset<T>> {
        Ok(select(all, indices)?.named(format!("{} ({part} fold {number})", all.name())))
    };
    Ok((part(&train, "all but")?, part(&test, "only")?))
}

/// All but this share of the samples, and these, of each class its share, drawn from `seed`. Both are in the order that they had.
///
/// # Errors
/// [`Error::Argument`] (`validation`) if one of the parts would be empty.
pub fn set_aside<T: Real>(train: &Dataset<T>, share: f64, seed: u64) -> Result<(Dataset<T>, Dataset<T>)> {
    let n_samples = train.n_samples();
    let count = (share * n_samples as f64).round() as usize;
    if count == 0 || count >= n_samples {
        let expected = format!("a share that leaves samples of {n_samples} on both sides");
        return Err(Error::argument("validation", share, expected));
    }
    let (mut rest, mut chosen) = match train.outputs().are_values() {
        true => stratified(&vec![0; n_samples], 1, count, seed),
        false => stratified(train.labels(), train.n_classes(), count, seed),
    };
    rest.sort_unstable();
    chosen.sort_unstable();
    let name = format!("{}, set aside for validation", train.name());
    Ok((select(train, &rest)?, select(train, &chosen)?.named(name)))
}

/// All but the last `count` samples, and these.
///
/// # Errors
/// [`Error::Argument`] if nothing would be left to train on, [`Error::Data`] for a `count` of 0.
pub fn hold_out<T: Real>(mut train: Dataset<T>, count: usize) -> Result<(Dataset<T>, Dataset<T>)> {
    let n_samples = train.n_samples();
    if count >= n_samples {
        let found = format!("{count} samples of {}", train.name());
        return Err(Error::argument("holdout", found, format!("fewer than its {n_samples}")));
    }
    if count == 0 {
        return Err(Error::data(train.name(), "no samples to hold out", "at least one"));
    }
    let held_out = split_off(&mut train, n_samples - count);
    let name = format!("{}, held out", train.name());
    Ok((train, held_out.named(name)))
}
