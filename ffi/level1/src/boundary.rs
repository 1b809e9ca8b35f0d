//! The boundary between C and Rust: [`guard`] runs a call, [`Memory`] checks its pointers.

use core::ffi::c_void;

use altmin_core::loss::{Loss, Target};
use altmin_core::view::{MatMut, MatRef, span, view, view_mut};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Error, Real};

use crate::error::{CallError, StatusError, altmin_error, altmin_status};
use crate::floating::in_default_environment;

/// The result of a checked call.
pub type Result<T = (), E = CallError> = core::result::Result<T, E>;

/// Runs a call: its error becomes a status and a message in the struct, which may be NULL.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub unsafe fn guard<E: StatusError>(
    error: *mut altmin_error,
    call: impl FnOnce(&mut Memory) -> Result<(), E>,
) -> altmin_status {
    // SAFETY: the caller's promise is this function's.
    in_default_environment(|| unsafe { reported(error, call) })
}

/// The same in whatever environment.
unsafe fn reported<E: StatusError>(
    error: *mut altmin_error,
    call: impl FnOnce(&mut Memory) -> Result<(), E>,
) -> altmin_status {
    let mut memory = Memory::nothing();
    let size = if error.is_null() { 0 } else { size_of::<altmin_error>() };
    // Any address will do for the struct: it counts as bytes.
    let taken = memory.take("error", error.cast::<u8>(), size, true);
    let result = taken.map_err(E::from).and_then(|_| call(&mut memory));
    // SAFETY: the caller's promise is this function's.
    unsafe { told(error, &result) }
}

/// Writes what became of a call. Once for all functions: on a small device it would be a part of the code of each.
#[inline(never)]
unsafe fn told<E: StatusError>(error: *mut altmin_error, result: &Result<(), E>) -> altmin_status {
    let (report, found) = match result {
        Ok(()) => (altmin_error::short(altmin_status::Ok, ""), None),
        Err(found) => (found.report(), found.call_error()),
    };
    // What lies over the struct is an output that must stay as it is, or an input.
    let hidden = matches!(found, Some(CallError::Overlap { other: "error", .. }));
    if !error.is_null() && !hidden {
        // SAFETY: a pointer that is not NULL points to the struct, as the caller promises; any address will do.
        unsafe { error.write_unaligned(report) };
    }
    report.status
}

/// Runs a call of this level, whose panics it catches.
///
/// # Safety
/// As the crate's documentation says of every pointer.
pub(crate) unsafe fn run(
    error: *mut altmin_error,
    call: impl FnOnce(&mut Memory) -> Result,
) -> altmin_status {
    // SAFETY: the caller's promise is this function's.
    unsafe { guard(error, |memory| caught(|| call(memory)).map_err(|error| memory.in_bytes(error))) }
}

/// Nothing may unwind into C.
#[cfg(feature = "std")]
fn caught(call: impl FnOnce() -> Result) -> Result {
    // What a call had borrowed is the caller's memory, whose numbers are of no use after a panic, as the status says.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_or(Err(CallError::Panic))
}

/// Without the standard library a panic does not come back.
#[cfg(not(feature = "std"))]
fn caught(call: impl FnOnce() -> Result) -> Result {
    call()
}

/// Arguments with memory of their own that a call has at most.
const MOST: usize = 16;

/// The memory that a call has been given so far: every argument is checked against those before it.
#[derive(Debug, Default)]
pub struct Memory {
    taken: [Taken; MOST],
    count: usize,
    /// Bytes of the workspace, and of one of its elements.
    workspace: (usize, usize),
}

#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    argument: &'static str,
    start: usize,
    end: usize,
    written: bool,
}

impl Memory {
    /// Before the first argument. Once for all functions, as [`told`].
    #[inline(never)]
    fn nothing() -> Self {
        Self::default()
    }

    /// Checks pointer, alignment and overlap of `elements` that begin at `data`; true if there are any.
    fn take<T>(
        &mut self,
        argument: &'static str,
        data: *const T,
        elements: usize,
        written: bool,
    ) -> Result<bool> {
        let bytes = elements.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok());
        let bytes = bytes.ok_or(CallError::Overflow { argument })?;
        if bytes == 0 {
            return Ok(false);
        }
        if data.is_null() {
            return Err(CallError::Null { argument });
        }
        if !data.is_aligned() {
            return Err(CallError::Misaligned { argument, alignment: align_of::<T>() });
        }
        let start = data.addr();
        let end = start.checked_add(bytes).ok_or(CallError::Overflow { argument })?;
        let overlaps = |other: &&Taken| (written || other.written) && start < other.end && other.start < end;
        if let Some(other) = self.taken[..self.count].iter().find(overlaps) {
            return Err(CallError::Overlap { argument, other: other.argument });
        }
        self.taken[self.count] = Taken { argument, start, end, written };
        self.count += 1;
        Ok(true)
    }

    /// Numbers of any kind to read.
    ///
    /// # Safety
    /// As the crate's documentation says of every pointer; for all functions here.
    pub unsafe fn array<'a, T>(
        &mut self,
        argument: &'static str,
        data: *const T,
        length: usize,
    ) -> Result<&'a [T]> {
        if !self.take(argument, data, length, false)? {
            return Ok(&[]);
        }
        // SAFETY: not NULL, aligned, no longer than memory can be, and nobody writes it during the call.
        Ok(unsafe { core::slice::from_raw_parts(data, length) })
    }

    /// A vector to write, whatever it holds.
    pub unsafe fn vector_out<'a, T>(
        &mut self,
        argument: &'static str,
        data: *mut T,
        length: usize,
    ) -> Result<&'a mut [T]> {
        if !self.take(argument, data, length, true)? {
            return Ok(&mut []);
        }
        // SAFETY: as in `array`, and it overlaps nothing that this call has been given before or will be.
        Ok(unsafe { core::slice::from_raw_parts_mut(data, length) })
    }

    /// A matrix to read, all of whose elements are finite.
    pub unsafe fn matrix<'a, T: Real>(
        &mut self,
        argument: &'static str,
        data: *const T,
        rows: usize,
        columns: usize,
        leading_dimension: usize,
    ) -> Result<MatRef<'a, T>> {
        let elements = elements(argument, rows, columns, leading_dimension)?;
        // SAFETY: the caller's promise is this function's.
        let data = unsafe { self.array(argument, data, elements)? };
        let matrix = view(argument, data, rows, columns, leading_dimension)?;
        require_finite(argument, &matrix)?;
        Ok(matrix)
    }

    /// A matrix to read and write, all of whose elements are finite.
    pub unsafe fn matrix_mut<'a, T: Real>(
        &mut self,
        argument: &'static str,
        data: *mut T,
        rows: usize,
        columns: usize,
        leading_dimension: usize,
    ) -> Result<MatMut<'a, T>> {
        // SAFETY: the caller's promise is this function's.
        let matrix = unsafe { self.matrix_out(argument, data, rows, columns, leading_dimension)? };
        require_finite(argument, &altmin_core::view::as_ref(&matrix))?;
        Ok(matrix)
    }

    /// A matrix to write, whatever it holds.
    pub unsafe fn matrix_out<'a, T: Real>(
        &mut self,
        argument: &'static str,
        data: *mut T,
        rows: usize,
        columns: usize,
        leading_dimension: usize,
    ) -> Result<MatMut<'a, T>> {
        let elements = elements(argument, rows, columns, leading_dimension)?;
        // SAFETY: the caller's promise is this function's.
        let data = unsafe { self.vector_out(argument, data, elements)? };
        Ok(view_mut(argument, data, rows, columns, leading_dimension)?)
    }

    /// A matrix to write, times a factor and with something added to it: what it holds matters unless the factor is 0.
    pub unsafe fn matrix_accumulated<'a, T: Real>(
        &mut self,
        argument: &'static str,
        data: *mut T,
        rows: usize,
        columns: usize,
        leading_dimension: usize,
        factor: T,
    ) -> Result<MatMut<'a, T>> {
        // SAFETY: the caller's promise is this function's.
        unsafe {
            match factor == T::ZERO {
                true => self.matrix_out(argument, data, rows, columns, leading_dimension),
                false => self.matrix_mut(argument, data, rows, columns, leading_dimension),
            }
        }
    }

    /// A vector to read, all of whose elements are finite.
    pub unsafe fn vector<'a, T: Real>(
        &mut self,
        argument: &'static str,
        data: *const T,
        length: usize,
    ) -> Result<&'a [T]> {
        // SAFETY: the caller's promise is this function's.
        let vector = unsafe { self.array(argument, data, length)? };
        require_all_finite(argument, vector)?;
        Ok(vector)
    }

    /// A vector to read and write, all of whose elements are finite.
    pub unsafe fn vector_mut<'a, T: Real>(
        &mut self,
        argument: &'static str,
        data: *mut T,
        length: usize,
    ) -> Result<&'a mut [T]> {
        // SAFETY: the caller's promise is this function's.
        let vector = unsafe { self.vector_out(argument, data, length)? };
        require_all_finite(argument, vector)?;
        Ok(vector)
    }

    /// Classes of `m` samples, none of them negative.
    pub unsafe fn classes<'a>(
        &mut self,
        argument: &'static str,
        classes: *const i32,
        m: usize,
    ) -> Result<&'a [u32]> {
        // SAFETY: the caller's promise is this function's; the numbers' bits are the same in both types.
        let classes = unsafe { self.array(argument, classes.cast::<u32>(), m)? };
        match classes.iter().map(|&class| class as i32).find(|&class| class < 0) {
            Some(found) => Err(CallError::Core(Error::Setting {
                name: argument,
                found: f64::from(found),
                expected: "classes, 0 or above",
            })),
            None => Ok(classes),
        }
    }

    /// The workspace, in whole elements.
    pub unsafe fn workspace<'a, T: Real>(
        &mut self,
        workspace: *mut c_void,
        bytes: usize,
    ) -> Result<Stack<'a, T>> {
        // SAFETY: the caller's promise is this function's.
        let memory = unsafe { self.vector_out("workspace", workspace.cast::<T>(), bytes / size_of::<T>())? };
        self.workspace = (bytes, size_of::<T>());
        Ok(Stack::new(memory))
    }

    /// The core counts the workspace in elements, C in bytes.
    fn in_bytes(&self, error: CallError) -> CallError {
        match error {
            CallError::Core(Error::Workspace { needed, .. }) => {
                let (found, element) = self.workspace;
                CallError::Workspace { found, needed: needed.saturating_mul(element) }
            }
            other => other,
        }
    }

    /// Where a result goes, or `None` if it is not wanted.
    pub unsafe fn result<'a, R>(
        &mut self,
        argument: &'static str,
        result: *mut R,
    ) -> Result<Option<&'a mut R>> {
        if result.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller's promise is this function's.
        Ok(unsafe { self.vector_out(argument, result, 1)? }.first_mut())
    }

    /// A struct, or a result that must be wanted.
    pub unsafe fn required<'a, R>(&mut self, argument: &'static str, result: *mut R) -> Result<&'a mut R> {
        // SAFETY: the caller's promise is this function's.
        unsafe { self.result(argument, result)? }.ok_or(CallError::Null { argument })
    }

    /// A struct to read.
    pub unsafe fn structure<'a, S>(&mut self, argument: &'static str, structure: *const S) -> Result<&'a S> {
        // SAFETY: the caller's promise is this function's.
        unsafe { self.array(argument, structure, 1)? }.first().ok_or(CallError::Null { argument })
    }
}

/// What the outputs are compared with: classes or values, whichever is not NULL, checked against the loss.
pub unsafe fn target<'a, T: Real>(
    memory: &mut Memory,
    loss: Loss,
    n_out: usize,
    m: usize,
    classes: *const i32,
    values: *const T,
    leading_dimension: usize,
) -> Result<Target<'a, T>> {
    let (argument, target) = match (classes.is_null(), values.is_null()) {
        (false, false) => return Err(CallError::Both { argument: "classes", other: "values" }),
        (true, true) if m > 0 => return Err(CallError::Neither { argument: "classes", other: "values" }),
        // SAFETY: the caller's promise is this function's.
        (_, true) => ("classes", Target::Classes(unsafe { memory.classes("classes", classes, m)? })),
        // SAFETY: the same.
        (true, false) => (
            "values",
            Target::Values(unsafe { memory.matrix("values", values, n_out, m, leading_dimension)? }),
        ),
    };
    // The core calls either the target.
    let named = |error| match error {
        Error::Setting { found, expected, .. } => Error::Setting { name: argument, found, expected },
        other => other,
    };
    loss.check_target(target, n_out, m).map_err(named)?;
    Ok(target)
}

/// Writes a result where it is wanted.
pub fn give<R>(to: Option<&mut R>, result: R) {
    if let Some(to) = to {
        *to = result;
    }
}

/// `Ok` when a size is not 0: a layer has features. (Samples may be none.)
pub fn require_some(sizes: &[(&'static str, usize)]) -> Result {
    match sizes.iter().find(|(_, size)| *size == 0) {
        Some(&(argument, _)) => Err(CallError::Zero { argument }),
        None => Ok(()),
    }
}

/// `Ok` when matrices of any two sizes, and those of `m` columns, are far from what memory can hold, so that no workspace
/// of a few of them overflows.
pub fn require_room(sizes: &[(&'static str, usize)], m: usize) -> Result {
    let all = sizes.iter().fold(1, |sum: usize, &(_, size)| sum.saturating_add(size));
    let most = all.saturating_mul(all.saturating_add(m)).saturating_mul(64 * size_of::<f64>());
    match isize::try_from(most) {
        Ok(_) => Ok(()),
        Err(_) => {
            // The largest is the one to blame.
            let largest = sizes.iter().fold(("m", m), |a, &b| if b.1 > a.1 { b } else { a });
            Err(CallError::Overflow { argument: largest.0 })
        }
    }
}

/// Bytes of a requirement.
pub fn bytes<T: Real>(requirement: Requirement) -> Result<usize> {
    let needed = requirement.elements().checked_mul(size_of::<T>());
    needed.ok_or(CallError::Overflow { argument: "bytes" })
}

/// Elements from the first to the last of a matrix, gaps included.
pub fn elements(
    argument: &'static str,
    rows: usize,
    columns: usize,
    leading_dimension: usize,
) -> Result<usize> {
    if leading_dimension < rows {
        return Err(Error::LeadingDimension { argument, found: leading_dimension, rows }.into());
    }
    span(rows, columns, leading_dimension).ok_or(CallError::Overflow { argument })
}

fn require_finite<T: Real>(argument: &'static str, matrix: &MatRef<'_, T>) -> Result {
    let mut lanes = [T::ZERO; LANES];
    for j in 0..matrix.ncols() {
        taint(&mut lanes, altmin_core::view::column(matrix, j));
    }
    require_clean(argument, &lanes)
}

fn require_all_finite<T: Real>(argument: &'static str, numbers: &[T]) -> Result {
    let mut lanes = [T::ZERO; LANES];
    taint(&mut lanes, numbers);
    require_clean(argument, &lanes)
}

/// Sums that are taken beside each other, so that none waits for another.
const LANES: usize = 16;

/// Every number times 0 is 0 but for NaN and infinity, and their sum is 0 or NaN: a loop without branches.
#[inline]
fn taint<T: Real>(lanes: &mut [T; LANES], numbers: &[T]) {
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &number) in lanes.iter_mut().zip(chunk) {
            *lane += number * T::ZERO;
        }
    }
    for (lane, &number) in lanes.iter_mut().zip(rest) {
        *lane += number * T::ZERO;
    }
}

fn require_clean<T: Real>(argument: &'static str, lanes: &[T; LANES]) -> Result {
    let clean = lanes.iter().fold(true, |clean, &lane| clean & (lane == T::ZERO));
    if clean { Ok(()) } else { Err(CallError::NonFinite { argument }) }
}
