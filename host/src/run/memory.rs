//! The memory that the process has used.

use std::fs;

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
