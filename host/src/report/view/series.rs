//! A curve that grows with its run, and takes no more room for that.

/// Stretches of a curve: more than a terminal has columns of dots.
const STRETCHES: usize = 512;

/// Values at rising places. Once there are many, stretches of the same length have their lowest and their highest value alone.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// Values of a stretch.
    length: usize,
    /// Values of the last stretch so far.
    last: usize,
    stretches: Vec<Stretch>,
}

/// The lowest and the highest point of neighbours.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    low: (f64, f64),
    high: (f64, f64),
}

impl Stretch {
    fn of(self, other: Self) -> Self {
        let low = if other.low.1 < self.low.1 { other.low } else { self.low };
        let high = if other.high.1 > self.high.1 { other.high } else { self.high };
        Self { low, high }
    }
}

impl Series {
    pub(super) fn new() -> Self {
        Self { length: 1, last: 0, stretches: Vec::new() }
    }

    /// Adds a point to the right of all others; one that is no number is left out.
    pub(super) fn push(&mut self, at: f64, value: f64) {
        if !value.is_finite() {
            return;
        }
        let point = Stretch { low: (at, value), high: (at, value) };
        match self.stretches.last_mut() {
            Some(stretch) if self.last < self.length => *stretch = stretch.of(point),
            _ => {
                if self.stretches.len() == STRETCHES {
                    self.halve();
                }
                self.stretches.push(point);
                self.last = 0;
            }
        }
        self.last += 1;
    }

    /// Two stretches become one.
    fn halve(&mut self) {
        let pairs = self.stretches.chunks(2).map(|pair| pair.iter().copied().reduce(Stretch::of));
        self.stretches = pairs.flatten().collect();
        self.length *= 2;
    }

    /// The points that are left, in order.
    pub(super) fn points(&self) -> Vec<(f64, f64)> {
        let mut points = Vec::with_capacity(2 * self.stretches.len());
        for Stretch { low, high } in &self.stretches {
            let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
            points.push(*first);
            if second.0 > first.0 {
                points.push(*second);
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl Iterator<Item = f64>) -> Series {
        let mut series = Series::new();
        values.enumerate().for_each(|(index, value)| series.push(index as f64, value));
        series
    }

    #[test]
    fn few_points_are_all_there() {
        let points = series([3.0, f64::NAN, 1.0, 1.0, f64::INFINITY].into_iter()).points();
        assert_eq!(points, [(0.0, 3.0), (2.0, 1.0), (3.0, 1.0)]);
    }

    #[test]
    fn many_points_keep_extremes_order_and_even_distances() {
        let count = 100_000;
        let value = |index: usize| match index {
            12_345 => -7.0,
            80_001 => 9.0,
            _ => (index % 10) as f64 / 10.0,
        };
        let points = series((0..count).map(value)).points();
        assert!(points.len() <= 2 * STRETCHES, "{}", points.len());
        assert!(points.is_sorted_by(|one, other| one.0 < other.0));
        assert!(points.contains(&(12_345.0, -7.0)) && points.contains(&(80_001.0, 9.0)));
        let widest = points.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(0.0, f64::max);
        assert!(widest <= 3.0 * count as f64 / STRETCHES as f64 * 2.0, "{widest}");
    }
}
