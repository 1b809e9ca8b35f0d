//! Ctrl-C: once to stop after the sweep, twice to stop now.

use super::failure::{Failure, INTERRUPTED};
use super::output;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the first Ctrl-C raises; the second one ends the process.
///
/// # Errors
/// If the system refuses a handler.
pub(super) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let handler = move || {
        if raised.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
        output::note("note", "stopping after this sweep; press Ctrl-C again to stop immediately");
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::new(format!("cannot handle Ctrl-C: {error}"), None))?;
    Ok(flag)
}
