//! Numbers of 16 bits in files.

/// A number of 16 bits: a sign, 5 bits of exponent and 10 of fraction.
pub(crate) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    let magnitude = match exponent {
        0 => fraction * f64::powi(2.0, -14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * f64::powi(2.0, exponent - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}
