//! Axes: where values stand, and which of them are marked.

/// Marks of an axis, about.
const MARKS: f64 = 5.0;

/// From this ratio of the largest to the smallest value on a logarithmic axis serves.
const WIDE: f64 = 20.0;

/// How the values of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// As numbers.
    Number,
    /// Shares of 1 in percent.
    Percent,
}

/// An axis from `low` to `high`, which are logarithms if it is logarithmic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Values with their labels.
    pub(super) marks: Vec<(f64, String)>,
}

impl Axis {
    /// An even axis with room for values from `low` to `high`, both finite.
    pub(super) fn even(low: f64, high: f64, unit: Unit) -> Self {
        let size = low.abs().max(high.abs());
        // Wide enough that marks differ in the digits that their labels have.
        let room = (0.04 * (high - low)).max(0.01 * size).max(1e-12);
        Self::between(low - room, high + room, unit)
    }

    /// The same for scores, which are never above 1.
    pub(super) fn score(low: f64, high: f64, unit: Unit) -> Self {
        let mut axis = Self::even(low, high, unit);
        axis.marks.retain(|(mark, _)| *mark < 1.0 + 1e-9);
        if unit == Unit::Percent {
            axis.marks.retain(|(mark, _)| *mark > -1e-9);
        }
        axis
    }

    /// An even axis with these ends.
    pub(super) fn between(low: f64, high: f64, unit: Unit) -> Self {
        Self::stepped(low, high, step((high - low) / MARKS), unit)
    }

    /// Sweeps or seconds from 0 on; `whole` for numbers between which there is nothing.
    pub(super) fn over(end: f64, whole: bool) -> Self {
        let end = if end > 1e-9 { end } else { 1.0 };
        let step = step(end / MARKS);
        Self::stepped(0.0, end, if whole { step.max(1.0) } else { step }, Unit::Number)
    }

    fn stepped(low: f64, high: f64, step: f64, unit: Unit) -> Self {
        let first = (low / step).ceil();
        let marks = (0..=2 * MARKS as usize).map(|index| (first + index as f64) * step);
        let within = marks.take_while(|mark| *mark <= high + 1e-9 * step);
        let marks = within.map(|mark| (mark, label(mark, step, unit))).collect();
        Self { low, high, logarithmic: false, marks }
    }

    /// A logarithmic axis where no value is below 0 and they differ much, else an even one; 0 has no place on the first.
    pub(super) fn wide(values: impl Iterator<Item = f64> + Clone) -> Self {
        let negative = values.clone().any(|value| value < 0.0);
        let (low, high) = ends(values.clone().filter(|value| *value > 0.0));
        if !negative && low > 0.0 && high >= WIDE * low {
            return Self::logarithmic(low, high);
        }
        let (low, high) = ends(values);
        Self::even(low, high, Unit::Number)
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let (low, high) = (low.log10(), high.log10());
        let room = 0.04 * (high - low);
        let (low, high) = (low - room, high + room);
        let decades = (high.floor() - low.ceil()) as i32 + 1;
        let apart = (f64::from(decades) / (MARKS + 1.0)).ceil().max(1.0) as i32;
        let within: &[f64] = if decades <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers = (low.floor() as i32..=high.ceil() as i32).filter(|power| power % apart == 0);
        let marks = powers.flat_map(|power| within.iter().map(move |digit| digit * 10f64.powi(power)));
        let seen = marks.filter(|mark| (low..=high).contains(&mark.log10()));
        let marks = seen.map(|mark| (mark, label(mark, mark, Unit::Number))).collect();
        Self { low, high, logarithmic: true, marks }
    }

    /// Where a value stands, 0 at the low end and 1 at the high one; none for what has no place.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let value = if self.logarithmic { value.log10() } else { value };
        let place = (value - self.low) / (self.high - self.low);
        (-1e-9..=1.0 + 1e-9).contains(&place).then_some(place)
    }
}

/// The smallest and the largest of values; 0 and 1 where there are none.
pub(super) fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// 1, 2 or 5 times a power of ten, about `size`, which is above 0.
fn step(size: f64) -> f64 {
    let power = 10f64.powf(size.log10().floor());
    let digit = size / power;
    power
        * if digit < 1.5 {
            1.0
        } else if digit < 3.5 {
            2.0
        } else if digit < 7.5 {
            5.0
        } else {
            10.0
        }
}

/// A mark's label, with the digits that tell it from one that is `step` away.
fn label(value: f64, step: f64, unit: Unit) -> String {
    let (value, step, end) = match unit {
        Unit::Number => (value, step, ""),
        Unit::Percent => (100.0 * value, 100.0 * step, " %"),
    };
    let size = value.abs().max(step);
    if value.abs() < 1e-9 * step {
        format!("0{end}")
    } else if (1e-3..1e4).contains(&size) {
        let decimals = (-(step * 1.000_001).log10().floor()).clamp(0.0, 12.0) as usize;
        format!("{value:.decimals$}{end}")
    } else {
        let digits = (size.log10().floor() - step.log10().floor()).clamp(0.0, 3.0) as usize;
        format!("{value:.digits$e}{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.marks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn even_marks_are_round() {
        assert_eq!(labels(&Axis::over(100.0, true)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(&Axis::over(3.0, true)), ["0", "1", "2", "3"]);
        assert_eq!(
            labels(&Axis::between(0.9, 1.0, Unit::Percent)),
            ["90 %", "92 %", "94 %", "96 %", "98 %", "100 %"]
        );
        assert_eq!(
            labels(&Axis::between(0.0, 0.01, Unit::Number)),
            ["0", "0.002", "0.004", "0.006", "0.008", "0.010"]
        );
        assert_eq!(labels(&Axis::between(0.0, 4e6, Unit::Number)), ["0", "1e6", "2e6", "3e6", "4e6"]);
    }

    #[test]
    fn logarithmic_marks_are_powers_and_few() {
        let axis = Axis::wide([1e-12, 3.0, 0.0].into_iter());
        assert!(axis.logarithmic && labels(&axis).len() <= 7 && labels(&axis).contains(&"1e-12"), "{axis:?}");
        assert_eq!(axis.place(0.0), None);
        let axis = Axis::wide([2.0, 60.0].into_iter());
        assert_eq!(labels(&axis), ["2", "5", "10", "20", "50"]);
        assert!(
            !Axis::wide([1.0, 2.0].into_iter()).logarithmic
                && !Axis::wide([-1.0, 50.0].into_iter()).logarithmic
        );
    }

    #[test]
    fn equal_values_have_a_place() {
        for value in [0.0, 1.0, -3e7, 1e-9] {
            let axis = Axis::wide([value].into_iter());
            assert!(axis.place(value).is_some_and(|place| (0.4..0.6).contains(&place)), "{value} {axis:?}");
            assert!(!axis.marks.is_empty(), "{value}");
        }
    }
}
