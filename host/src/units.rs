//! Quantities and texts for people.

use std::borrow::Cow;

/// Bytes in the largest decimal unit that leaves a number above 1.
pub fn bytes(count: usize) -> String {
    const UNITS: [(&str, f64); 3] = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let count = count as f64;
    match UNITS.into_iter().find(|&(_, size)| count >= size) {
        Some((unit, size)) => format!("{:.2} {unit}", count / size),
        None => format!("{count} bytes"),
    }
}

/// A number with so many digits that count, at least one.
pub fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

/// A text from a file as a terminal may show it: what would steer the terminal, or turn the order of what follows, is escaped.
pub fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if steers(c) { c.escape_debug().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(printable("\u{1b}[31mp\u{1b}[0m\n"), "\\u{1b}[31mp\\u{1b}[0m\\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
        assert!(matches!(printable("Grüße, 猫 \"x\""), Cow::Borrowed(_)));
    }

    #[test]
    fn numbers_keep_the_digits_that_count() {
        assert_eq!([12345.678, -0.000_123_449, 0.0].map(|x| rounded(x, 3)), [12300.0, -0.000_123, 0.0]);
        assert!(rounded(f64::NAN, 3).is_nan());
    }

    #[test]
    fn bytes_have_decimal_units() {
        assert_eq!([999, 1_000, 4_320_000_000].map(bytes), ["999 bytes", "1.00 kB", "4.32 GB"]);
    }
}
