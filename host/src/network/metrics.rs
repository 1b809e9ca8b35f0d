//! What scores and labels say of single classes: precision, recall, F1, areas under curves, and whether probabilities can be trusted.

use altmin_core::Real;
use serde::Serialize;

/// Of so many classes of the largest scores one is to be right.
pub const TOP: usize = 5;

/// Intervals of confidence over which probabilities are held against what came true (Guo, Pleiss, Sun, Weinberger, ICML 2017).
pub const BINS: usize = 15;

/// How a model does on one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// The class's name.
    pub name: String,
    /// Samples of the class.
    pub samples: usize,
    /// Of the samples that were taken for the class the share that are of it; 0 if there were none.
    pub precision: f64,
    /// Of the samples of the class the share that were taken for it; 0 if there are none.
    pub recall: f64,
    /// The harmonic mean of precision and recall; 0 if both are.
    pub f1: f64,
    /// The area under the ROC curve of this class against all others: the probability that a sample of the class has a higher
    /// score of it than one of the others, ties counted half; NaN where one of the two is missing.
    pub auroc: f64,
}

/// Those of every class, from `confusion[actual][predicted]`, the scores of every sample (classes x samples, column-major) and the
/// labels, one for each sample and below the number of classes.
pub fn of_classes(
    names: &[String],
    confusion: &[Vec<usize>],
    scores: &[f64],
    labels: &[u32],
) -> Vec<ClassMetrics> {
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let of = |(class, name): (usize, &String)| {
        let right = confusion[class][class];
        let samples: usize = confusion[class].iter().sum();
        let taken: usize = confusion.iter().map(|row| row[class]).sum();
        let of_class = scores.iter().skip(class).step_by(names.len());
        let marked = of_class.zip(labels).map(|(&score, &label)| (score, label as usize == class));
        ClassMetrics {
            name: name.clone(),
            samples,
            precision: share(right, taken),
            recall: share(right, samples),
            // 2 p r/(p + r).
            f1: share(2 * right, taken + samples),
            auroc: auroc(marked.collect()),
        }
    };
    names.iter().enumerate().map(of).collect()
}

/// The area under the ROC curve, by the ranks of the scores (Mann and Whitney's U).
fn auroc(mut marked: Vec<(f64, bool)>) -> f64 {
    marked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut below, mut area) = (0.0, 0.0);
    for tied in marked.chunk_by(|(a, _), (b, _)| a == b) {
        let of_class = tied.iter().filter(|(_, is_of_class)| *is_of_class).count() as f64;
        let others = tied.len() as f64 - of_class;
        area += of_class * (below + 0.5 * others);
        below += others;
    }
    let of_class = marked.len() as f64 - below;
    if of_class > 0.0 && below > 0.0 { area / (of_class * below) } else { f64::NAN }
}

/// The share of samples whose class is among the [`TOP`] of the largest scores, of equal ones the first; `None` for no more classes.
pub fn top<T: Real>(classes: usize, scores: &[T], labels: &[u32]) -> Option<f64> {
    let is_among = |&(scores, &label): &(&[T], &u32)| {
        let own = scores[label as usize];
        let before =
            |(class, score): &(usize, &T)| **score > own || (**score == own && *class < label as usize);
        scores.iter().enumerate().filter(before).count() < TOP
    };
    let found = scores.chunks_exact(classes).zip(labels).filter(is_among).count();
    (classes > TOP && !labels.is_empty()).then(|| found as f64 / labels.len() as f64)
}

/// The expected calibration error: over [`BINS`] intervals of the largest probability the mean distance between that probability and the
/// share of samples that are classified rightly, each interval weighted by its samples. `confident` gives of every sample that probability,
/// 0 to 1, and whether its class is right; NaN for no samples.
pub fn calibration_error(confident: impl Iterator<Item = (f64, bool)>) -> f64 {
    let (mut bins, mut samples) = ([(0.0, 0.0); BINS], 0.0);
    for (probability, is_right) in confident {
        // Intervals include their upper end.
        let bin = (probability * BINS as f64).ceil() as usize;
        let (sum, right) = &mut bins[bin.clamp(1, BINS) - 1];
        *sum += probability;
        *right += f64::from(u8::from(is_right));
        samples += 1.0;
    }
    bins.iter().map(|(sum, right)| (sum - right).abs()).sum::<f64>() / samples
}
