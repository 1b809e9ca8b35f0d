//! What several runs come to: their mean, and how far they are from it.

/// The mean of values and how far they are from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// NaN without values.
    pub(crate) mean: f64,
    /// The standard deviation, with one less than the number of values below the line; none for a single value.
    pub(crate) deviation: Option<f64>,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        Self { mean, deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }

    /// The mean, and the deviation where there is one.
    pub(crate) fn show(self, show: impl Fn(f64) -> String) -> String {
        match self.deviation {
            Some(deviation) => format!("{} \u{b1} {}", show(self.mean), show(deviation)),
            None => show(self.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_by_hand() {
        assert_eq!(Spread::of(&[1.0, 2.0, 6.0]), Spread { mean: 3.0, deviation: Some(7f64.sqrt()) });
        assert_eq!(Spread::of(&[4.0]), Spread { mean: 4.0, deviation: None });
        assert!(Spread::of(&[]).mean.is_nan() && Spread::of(&[1.0, f64::NAN]).mean.is_nan());
    }
}
