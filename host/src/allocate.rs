//! Memory that is asked for and not demanded: blocks whose size data, settings or files decide.
//!
//! What Rust's collections take by themselves ends the process where there is none. So whatever grows with what comes in is
//! taken here, and that there is none is an error like any other. The rest, names, messages, a few numbers a layer, is small;
//! where a process must outlive that as well, its allocator keeps a reserve, as that of the C interface does.

use std::any::Any;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use altmin_core::Real;

use crate::error::{Error, Result};

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread asks for memory whose lack it can answer. An allocator that keeps a reserve keeps it for other
/// requests.
pub fn is_asking() -> bool {
    ASKING.get()
}

/// An empty vector with room for so many elements.
///
/// # Errors
/// [`Error::Allocation`].
pub fn empty<T>(count: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    reserve(&mut vector, count).map(|()| vector)
}

/// Room for so many elements more.
///
/// # Errors
/// [`Error::Allocation`]; the vector is then as it was.
pub fn reserve<T>(vector: &mut Vec<T>, more: usize) -> Result {
    asking(|| vector.try_reserve_exact(more)).map_err(|_| none_of::<T>(more))
}

fn asking<R>(ask: impl FnOnce() -> R) -> R {
    ASKING.set(true);
    let answer = ask();
    ASKING.set(false);
    answer
}

fn none_of<T>(count: usize) -> Error {
    Error::Allocation { bytes: count.saturating_mul(size_of::<T>()) }
}

/// So many zeros, as the system hands them out: whoever writes a page first has it near.
///
/// # Errors
/// [`Error::Allocation`].
pub fn zeros<T: Real>(count: usize) -> Result<Vec<T>> {
    let vector: Result<Box<dyn Any>, ()> = match size_of::<T>() {
        4 => asking(|| bytemuck::try_zeroed_vec::<f32>(count)).map(|vector| Box::new(vector) as _),
        _ => asking(|| bytemuck::try_zeroed_vec::<f64>(count)).map(|vector| Box::new(vector) as _),
    };
    let vector = vector.ok().and_then(|vector| vector.downcast().ok());
    vector.map(|vector| *vector).ok_or_else(|| none_of::<T>(count))
}

/// So many elements of one value.
///
/// # Errors
/// [`Error::Allocation`].
pub fn filled<T: Copy>(count: usize, value: T) -> Result<Vec<T>> {
    let mut vector = empty(count)?;
    vector.resize(count, value);
    Ok(vector)
}

/// A copy.
///
/// # Errors
/// [`Error::Allocation`].
pub fn copied<T: Copy>(elements: &[T]) -> Result<Vec<T>> {
    let mut vector = empty(elements.len())?;
    vector.extend_from_slice(elements);
    Ok(vector)
}

/// All bytes of a file.
///
/// # Errors
/// What the system says; [`io::ErrorKind::OutOfMemory`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = empty(usize::try_from(length).map_err(io::Error::other)?)?;
    // One that is longer than it was when it was asked is no file of ours: what is read is what it had.
    (&mut file).take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `Ok` where there are so many bytes now, for what then takes them in many small pieces.
///
/// # Errors
/// [`Error::Allocation`].
pub fn require(bytes: usize) -> Result {
    empty::<u8>(bytes).map(drop)
}

impl From<Error> for io::Error {
    /// For what reads and writes: that there is no memory keeps its kind.
    fn from(error: Error) -> Self {
        match error {
            Error::Io { source, .. } => source,
            Error::Allocation { .. } => io::Error::new(io::ErrorKind::OutOfMemory, error),
            error => io::Error::other(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_memory_can_hold_is_an_error_and_changes_nothing() {
        let mut numbers = vec![1_u64, 2, 3];
        for count in [usize::MAX / 8, usize::MAX] {
            let found = reserve(&mut numbers, count);
            assert!(matches!(found, Err(Error::Allocation { bytes }) if bytes > usize::MAX / 2), "{found:?}");
            assert!(!is_asking());
        }
        assert_eq!(numbers, [1, 2, 3]);
        assert!(filled(usize::MAX / 2, 0_u16).is_err() && require(usize::MAX).is_err());
        assert!(matches!(zeros::<f64>(usize::MAX / 16), Err(Error::Allocation { .. })));
        assert!(matches!(zeros::<f32>(usize::MAX / 8), Err(Error::Allocation { .. })));
    }

    #[test]
    fn what_there_is_is_given() {
        assert_eq!(filled(3, 7).expect("room"), [7, 7, 7]);
        assert_eq!(
            (zeros::<f32>(3).expect("room"), zeros::<f64>(2).expect("room")),
            (vec![0.0; 3], vec![0.0; 2])
        );
        assert_eq!(copied(&[1, 2]).expect("room"), [1, 2]);
        assert!(empty::<u8>(5).expect("room").capacity() >= 5);
    }

    #[test]
    fn reading_and_writing_keep_the_kind() {
        assert_eq!(io::Error::from(Error::Allocation { bytes: 3 }).kind(), io::ErrorKind::OutOfMemory);
        let gone = Error::io("read", "x".as_ref(), io::ErrorKind::NotFound.into());
        assert_eq!(io::Error::from(gone).kind(), io::ErrorKind::NotFound);
    }
}
