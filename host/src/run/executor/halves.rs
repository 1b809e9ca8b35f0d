//! Units dealt out by halves.
//!
//! The including module says what joins two pieces of work, so that a model checker runs this very file.

use super::sync::{Units, join};

/// Calls `task(index, unit)` once for every unit, the first of which has the index `first`, on whatever threads `join` runs
/// its two sides.
///
/// # Errors
/// That of the failed task of the lowest index; the others run nevertheless.
pub(super) fn halves<U: Units, E: Send>(
    first: usize,
    units: U,
    task: &(impl Fn(usize, U::Unit) -> Result<(), E> + Sync),
) -> Result<(), E> {
    match units.count() {
        0 => Ok(()),
        1 => task(first, units.single()),
        count => {
            let (front, back) = units.split(count / 2);
            let (front, back) = join(|| halves(first, front, task), || halves(first + count / 2, back, task));
            front.and(back)
        }
    }
}
