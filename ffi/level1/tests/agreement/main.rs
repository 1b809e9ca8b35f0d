//! Every function through its C pointers gives the core's bits, in both precisions, over several shapes, on matrices with
//! gaps between their columns; and what a call comes to that is well formed but cannot be done.

mod inputs;
mod outcome;
mod weights;

use std::fmt::Debug;

use altmin_core::Real;
use altmin_core::update::StepRule;
use altmin_core::view::{MatMut, MatRef, view, view_mut};
use altmin_level1::codes::altmin_step_rule;
use altmin_level1::error::{altmin_error, altmin_status};

/// Outputs, inputs, samples: one sample, and more than a block of the product.
const SHAPES: [(usize, usize, usize); 4] = [(3, 4, 5), (16, 16, 1), (20, 37, 70), (5, 24, 9)];

/// A matrix with gaps, whose memory is compared as a whole.
#[derive(Debug, Clone, PartialEq)]
struct Matrix<T> {
    memory: Vec<T>,
    rows: usize,
    columns: usize,
}

/// Rows that the leading dimension has more than the matrix.
const GAP: usize = 3;

impl<T: Real> Matrix<T> {
    fn new(seed: u64, rows: usize, columns: usize) -> Self {
        Self { memory: numbers(seed, (rows + GAP) * columns), rows, columns }
    }

    fn ld(&self) -> usize {
        self.rows + GAP
    }

    fn view(&self) -> MatRef<'_, T> {
        view("matrix", &self.memory, self.rows, self.columns, self.ld()).expect("a good shape")
    }

    fn view_mut(&mut self) -> MatMut<'_, T> {
        let ld = self.ld();
        view_mut("matrix", &mut self.memory, self.rows, self.columns, ld).expect("a good shape")
    }

    fn get(&self) -> *const T {
        self.memory.as_ptr()
    }

    fn get_mut(&mut self) -> *mut T {
        self.memory.as_mut_ptr()
    }
}

/// Between -1 and 1.
fn numbers<T: Real>(seed: u64, count: usize) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        T::from_f64((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

const SIZE: usize = size_of::<altmin_step_rule>();

/// The rules, in C and in the core.
fn rules<T: Real>() -> [(altmin_step_rule, StepRule<T>); 4] {
    let rule =
        |rule, start, factor, damping| altmin_step_rule { struct_size: SIZE, rule, start, factor, damping };
    let number = T::from_f64;
    [
        (rule(0, 0.0, 0.0, 0.0), StepRule::Vector),
        (rule(1, 0.0, 0.0, 0.0), StepRule::Scalar),
        (rule(2, 0.01, 2.0, 0.0), StepRule::Backtracking { start: number(0.01), factor: number(2.0) }),
        (rule(3, 0.0, 0.0, 0.1), StepRule::LeastSquares { damping: number(0.1) }),
    ]
}

fn no_error() -> altmin_error {
    altmin_error::new(altmin_status::Ok, &"")
}

fn message(error: &altmin_error) -> String {
    error.message.iter().take_while(|&&c| c != 0).map(|&c| char::from(c as u8)).collect()
}

/// Calls a function with `error` as its last argument, and fails the test unless it succeeds.
macro_rules! call {
    ($function:path; $($argument:expr),+ $(,)?) => {{
        let mut error = $crate::no_error();
        // SAFETY: every pointer comes from memory of the documented shape.
        let status = unsafe { $function($($argument),+, &mut error) };
        assert_eq!(status, altmin_level1::error::altmin_status::Ok, "{}", $crate::message(&error));
    }};
}

pub(crate) use call;

/// Workspace as the query says, in the matrices' type.
macro_rules! workspace {
    ($type:ty, $query:path; $($argument:expr),+) => {{
        let mut bytes = 0usize;
        $crate::call!($query; $($argument),+, &mut bytes);
        assert_eq!(bytes % size_of::<$type>(), 0);
        vec![<$type>::NAN; bytes / size_of::<$type>()]
    }};
}

pub(crate) use workspace;

/// Equal, bit for bit; NaN equals itself.
fn same<V: Debug>(c: &V, core: &V) {
    // Debug shows every number so that it reads back as the same one, and -0 as such.
    assert_eq!(format!("{c:?}"), format!("{core:?}"));
}
