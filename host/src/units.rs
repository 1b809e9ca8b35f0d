//! Quantities for people.

/// Bytes in the largest decimal unit that leaves a number above 1.
pub fn bytes(count: usize) -> String {
    const UNITS: [(&str, f64); 3] = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let count = count as f64;
    match UNITS.into_iter().find(|&(_, size)| count >= size) {
        Some((unit, size)) => format!("{:.2} {unit}", count / size),
        None => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_decimal_units() {
        assert_eq!([999, 1_000, 4_320_000_000].map(bytes), ["999 bytes", "1.00 kB", "4.32 GB"]);
    }
}
