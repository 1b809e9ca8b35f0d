//! Memory: what a method's state needs, and what the process has used.

use crate::settings::{Method, Precision};
use std::fs;

/// Bytes of the matrices over all samples that a method carries from sweep to sweep.
///
/// pdADMM: p, z, q and r for each hidden layer, z and r for the last (u follows from Lemma 4). dlADMM: a, z and r for
/// each hidden layer; z, r and u for the last; so does Taylor's ADMM. DLAM: the same without u. Methods that pass a tile
/// through the whole network, down and up, carry nothing. What lies between subnetworks is [`interface_bytes`]. `layers` are all widths from the input's features to the outputs. Scratch
/// and weights, which do not grow with the samples, are not counted.
pub fn state_bytes(method: Method, layers: &[usize], samples: usize, precision: Precision) -> usize {
    let (hidden_matrices, last_matrices) = match method {
        Method::Pdadmm => (4, 2),
        Method::Dladmm | Method::Taylor => (3, 3),
        Method::Dlam => (3, 2),
        _ => (0, 0),
    };
    let Some((last, before)) = layers.split_last() else { return 0 };
    let hidden: usize = before.iter().skip(1).sum();
    (hidden_matrices * hidden + last_matrices * last)
        .saturating_mul(samples)
        .saturating_mul(precision.bytes())
}

/// Bytes of the matrices over all samples between subnetworks, where `features` numbers of a sample cross a cut, all cuts
/// taken together: p, q and u of gsADMM, p of gsAM, none of another method.
pub fn interface_bytes(method: Method, features: usize, samples: usize, precision: Precision) -> usize {
    let matrices = match method {
        Method::Gsadmm => 3,
        Method::Gsam => 1,
        _ => 0,
    };
    (matrices * features).saturating_mul(samples).saturating_mul(precision.bytes())
}

/// The most memory that this process has held so far, in bytes; `None` where the system does not tell.
pub fn peak_rss_bytes() -> Option<usize> {
    high_water_mark(&fs::read_to_string("/proc/self/status").ok()?)
}

/// `VmHWM` of `/proc/PID/status`, which is in units of 1,024 bytes.
fn high_water_mark(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::high_water_mark;

    #[test]
    fn reads_the_line_of_the_kernel() {
        let status = "Name:\tcat\nVmPeak:\t    8000 kB\nVmHWM:\t    1756 kB\nVmRSS:\t    1700 kB\n";
        assert_eq!(high_water_mark(status), Some(1_798_144));
        assert_eq!(high_water_mark("Name:\tcat\n"), None);
    }
}
