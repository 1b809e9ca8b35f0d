//! Memory to call C functions with.

use std::ffi::{CStr, c_void};

use altmin_core::Real;
use altmin_core::view::{MatMut, MatRef, view, view_mut};
use altmin_core::workspace::{Requirement, Stack};
use altmin_level1::error::{altmin_error, altmin_status};

/// Numbers between -1 and 1.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next<T: Real>(&mut self) -> T {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        T::from_f64((self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    }

    pub(crate) fn vector<T: Real>(&mut self, length: usize) -> Vec<T> {
        (0..length).map(|_| self.next()).collect()
    }

    /// With gaps of two rows between the columns.
    pub(crate) fn matrix<T: Real>(&mut self, rows: usize, columns: usize) -> Matrix<T> {
        let ld = rows + 2;
        Matrix { rows, columns, ld, data: self.vector(ld * columns) }
    }
}

#[derive(Clone)]
pub(crate) struct Matrix<T> {
    rows: usize,
    columns: usize,
    pub(crate) ld: usize,
    pub(crate) data: Vec<T>,
}

impl<T: Real> Matrix<T> {
    pub(crate) fn view(&self) -> MatRef<'_, T> {
        view("matrix", &self.data, self.rows, self.columns, self.ld).unwrap()
    }

    pub(crate) fn view_mut(&mut self) -> MatMut<'_, T> {
        view_mut("matrix", &mut self.data, self.rows, self.columns, self.ld).unwrap()
    }

    pub(crate) fn read(&self) -> *const T {
        self.data.as_ptr()
    }

    pub(crate) fn write(&mut self) -> *mut T {
        self.data.as_mut_ptr()
    }
}

/// The same bits, gaps between the columns included.
pub(crate) fn same<T: Real>(name: &str, found: &[T], expected: &[T]) {
    let bits = |numbers: &[T]| numbers.iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(found), bits(expected), "{name}");
}

pub(crate) fn same_matrix<T: Real>(name: &str, found: &Matrix<T>, expected: &Matrix<T>) {
    same(name, &found.data, &expected.data);
}

pub(crate) fn same_number(name: &str, found: f64, expected: f64) {
    assert_eq!(found.to_bits(), expected.to_bits(), "{name}: {found} and {expected}");
}

/// What a call answers, with its message.
pub(crate) fn answer(call: impl FnOnce(*mut altmin_error) -> altmin_status) -> (altmin_status, String) {
    let mut error = altmin_error::new(altmin_status::Panic, &"");
    let status = call(&mut error);
    assert_eq!(status, error.status);
    // SAFETY: every message ends with a 0.
    let message = unsafe { CStr::from_ptr(error.message.as_ptr()) };
    (status, message.to_str().unwrap().to_owned())
}

/// A call that must succeed.
pub(crate) fn call(call: impl FnOnce(*mut altmin_error) -> altmin_status) {
    assert_eq!(answer(call), (altmin_status::Ok, String::new()));
}

/// Exactly as much workspace as a query says, full of NaN.
pub(crate) struct Workspace<T> {
    memory: Vec<T>,
}

impl<T: Real> Workspace<T> {
    pub(crate) fn of(query: impl FnOnce(*mut usize, *mut altmin_error) -> altmin_status) -> Self {
        let mut bytes = usize::MAX;
        call(|error| query(&mut bytes, error));
        assert_eq!(bytes % size_of::<T>(), 0);
        Self { memory: vec![T::from_f64(f64::NAN); bytes / size_of::<T>()] }
    }

    pub(crate) fn pointer(&mut self) -> *mut c_void {
        self.memory.as_mut_ptr().cast()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.memory.len() * size_of::<T>()
    }
}

/// What the core wants for a call, full of NaN.
pub(crate) fn with_stack<T: Real, R>(needed: Requirement, call: impl FnOnce(Stack<'_, T>) -> R) -> R {
    call(Stack::new(&mut vec![T::from_f64(f64::NAN); needed.elements()]))
}
