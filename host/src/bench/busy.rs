//! What other processes take of the machine while something is timed.

use std::fs;
use std::time::Instant;

/// The kernel's clock ticks in a second, as it tells them to programs.
const TICKS: f64 = 100.0;

/// A moment from which on others are watched.
#[derive(Debug, Clone, Copy)]
pub struct LoadMeter {
    since: Instant,
    ticks: Option<Ticks>,
}

/// Processor time so far, of all and of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ticks {
    all: f64,
    own: f64,
}

impl LoadMeter {
    /// From now on.
    pub fn start() -> Self {
        Self { since: Instant::now(), ticks: ticks() }
    }

    /// How many processors others have kept busy since, on average; `None` where the system does not tell.
    pub fn others(&self) -> Option<f64> {
        let (before, now) = (self.ticks?, ticks()?);
        let seconds = self.since.elapsed().as_secs_f64();
        let others = (now.all - before.all) - (now.own - before.own);
        Some((others / TICKS / seconds).max(0.0)).filter(|others| others.is_finite())
    }
}

fn ticks() -> Option<Ticks> {
    let read = |path| fs::read_to_string(path).ok();
    Some(Ticks { all: all(&read("/proc/stat")?)?, own: own(&read("/proc/self/stat")?)? })
}

/// Busy ticks of all processors: user, nice, system, interrupts and what a host took; not idle and waiting.
fn all(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let numbers: Vec<f64> = line.split_whitespace().map_while(|number| number.parse().ok()).collect();
    let [user, nice, system, _, _, interrupts, soft, stolen, ..] = numbers[..] else { return None };
    Some(user + nice + system + interrupts + soft + stolen)
}

/// Ticks of a process in user and system mode: the 14th and 15th field, counted after the name, which may hold anything.
fn own(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map_while(|number| number.parse::<f64>().ok());
    Some(times.next()? + times.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_the_kernel() {
        let stat = "cpu  10 2 30 4000 50 6 7 8 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n";
        assert_eq!(all(stat), Some(63.0));
        assert_eq!(all("intr 1 2 3\n"), None);
        let process = "77 (a ) name) S 1 77 77 0 -1 4194560 100 0 0 0 25 17 0 0 20 0 1 0 500 1000 10";
        assert_eq!(own(process), Some(42.0));
        assert_eq!(own("77 (name) S 1"), None);
    }

    #[test]
    fn this_process_is_not_among_the_others() {
        let before = Ticks { all: 100.0, own: 50.0 };
        let Some(now) = ticks() else { return };
        assert!(now.all >= now.own && now.own >= 0.0, "{now:?}");
        let since = Instant::now() - std::time::Duration::from_secs(1);
        let meter =
            LoadMeter { since, ticks: Some(Ticks { all: now.all - before.all, own: now.own - before.own }) };
        // 100 ticks of all and 50 of its own in a second: others had half a processor, and what has run since.
        let others = meter.others().expect("a number");
        assert!((0.45..100.0).contains(&others), "{others}");
    }
}
