//! Signals that end a run: the first one after its sweep, with everything written, the second at once.

use super::failure::Failure;
#[cfg(unix)]
use super::output;
#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
#[cfg(unix)]
use signal_hook::iterator::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(unix)]
use std::time::Duration;

/// As shells count, a program that a signal ended has this exit code and the signal's number.
const BY_SIGNAL: u8 = 128;

/// A terminal that is closed hangs up twice, by its shell and by the kernel, and some service managers hang up right after
/// they terminate: so soon after the first signal nobody has asked twice.
#[cfg(unix)]
const SAME_HANG_UP: Duration = Duration::from_millis(500);

/// What signals have asked for.
#[derive(Debug)]
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Nothing, and no signal is looked at.
    fn none() -> Self {
        Self { stop: Arc::default(), signal: Arc::new(AtomicUsize::new(SIGINT as usize)) }
    }

    /// Looks at signals from now on: SIGINT (Ctrl-C) and SIGTERM, and where there is such a thing SIGHUP, unless that was
    /// ignored when the program began, as `nohup` has it.
    ///
    /// # Errors
    /// If the system refuses a handler.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let interrupt = Self::none();
        interrupt
            .register()
            .map_err(|error| Failure::new(format!("cannot handle signals: {error}"), None))?;
        Ok(interrupt)
    }

    fn register(&self) -> io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            self.register_one(signal, &self.stop)?;
        }
        #[cfg(unix)]
        self.register_hang_up()?;
        Ok(())
    }

    /// The signal stops, or ends the program once `again` is set.
    fn register_one(&self, signal: i32, again: &Arc<AtomicBool>) -> io::Result<()> {
        // Called in this order.
        flag::register_conditional_shutdown(signal, i32::from(BY_SIGNAL) + signal, Arc::clone(again))?;
        flag::register_usize(signal, Arc::clone(&self.signal), signal as usize)?;
        flag::register(signal, Arc::clone(&self.stop)).map(|_| ())
    }

    /// SIGHUP, and a thread that says what the first signal does.
    #[cfg(unix)]
    fn register_hang_up(&self) -> io::Result<()> {
        let mut signals = vec![SIGINT, SIGTERM];
        let again = Arc::new(AtomicBool::new(false));
        if !is_ignored(SIGHUP) {
            self.register_one(SIGHUP, &again)?;
            signals.push(SIGHUP);
        }
        let mut signals = Signals::new(signals)?;
        let wait = move || {
            if signals.forever().next().is_some() {
                output::note("note", "stopping after this sweep; another signal (Ctrl-C) stops immediately");
                std::thread::sleep(SAME_HANG_UP);
                again.store(true, Ordering::Relaxed);
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(|_| ())
    }

    /// Raised by the first signal, for runs to look at.
    pub(super) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// The exit code of a run that was stopped; that of Ctrl-C, if it was not by a signal.
    pub(super) fn exit_code(&self) -> u8 {
        BY_SIGNAL + self.signal.load(Ordering::Relaxed) as u8
    }
}

#[cfg(test)]
impl Default for Interrupt {
    fn default() -> Self {
        Self::none()
    }
}

/// Whether the program was started with the signal ignored, where the system tells it in a file.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
