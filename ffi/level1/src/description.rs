//! What the functions' arguments are, as [`altmin_level1_macros::functions`] has read it: the tests make good and bad calls
//! of every function from it, and a binding to another language can be made from it.

use crate::error::altmin_status;

/// A function and its arguments in C's order.
#[derive(Debug)]
pub struct Function {
    /// Its name in C.
    pub name: &'static str,
    /// Bytes of a matrix's element.
    pub element: usize,
    /// All arguments, `error` too.
    pub arguments: &'static [Argument],
    /// Calls it with a value for each argument.
    ///
    /// # Safety
    /// As the crate's documentation says of every pointer.
    ///
    /// # Panics
    /// Where a value has another type than its argument.
    pub call: unsafe fn(&[Value]) -> altmin_status,
}

/// An argument.
#[derive(Debug)]
pub struct Argument {
    /// Its name in C; of a field of a struct that is passed by value that of the struct and a dot before.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// It is used only if one of these holds; always, if there are none.
    pub when: &'static [Condition],
    /// Whether it may be NULL.
    pub or_null: bool,
}

/// An argument has this code. A target's name for its values stands for whether it is given by them (1) or by classes (0).
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// The argument's name.
    pub argument: &'static str,
    /// Its code; of a step rule the `rule` in it.
    pub code: i32,
}

/// What an argument is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A size or scalar, by the word of the macro's table, or the `lambda` of a code, or the `slope` in an `altmin_activation_fn`.
    Number(&'static str),
    /// A code, by the word of the macro's table.
    Code(&'static str),
    /// A matrix of the first shape whose condition holds.
    Matrix(Access, &'static [Shape]),
    /// That of the matrix before it.
    LeadingDimension,
    /// A vector, by the name of the size that is its length, or `sums`.
    Vector(Access, &'static str),
    /// Classes of m samples.
    Classes,
    /// Memory for the duration of the call.
    Workspace,
    /// Its bytes.
    WorkspaceSize,
    /// A result of so many bytes.
    Result(usize),
    /// A struct that is read, by its name, and its bytes.
    Structure(&'static str, usize),
    /// The struct for status and message.
    Error,
}

/// Whether an argument's memory is read, written or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Read,
    /// It is read and written.
    Update,
    /// It is written, whatever it holds.
    Write,
}

/// The sizes, by name, that are a matrix's rows and columns.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Rows.
    pub rows: &'static str,
    /// Columns.
    pub columns: &'static str,
    /// Its shape only if this holds.
    pub when: Option<Condition>,
}

/// An argument's value.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// `int32_t`
    Code(i32),
    /// `size_t`
    Size(usize),
    /// `double`
    Scalar(f64),
    /// A pointer to elements of so many bytes, which the function may write or not.
    Pointer {
        /// Where it points to.
        address: *mut u8,
        /// Bytes of an element.
        element: usize,
        /// Whether the function writes there.
        written: bool,
    },
}

macro_rules! number {
    ($type:ty, $kind:ident) => {
        impl From<Value> for $type {
            fn from(value: Value) -> Self {
                match value {
                    Value::$kind(number) => number,
                    other => panic!("{other:?} for a {}", stringify!($type)),
                }
            }
        }
    };
}

number!(i32, Code);
number!(usize, Size);
number!(f64, Scalar);

fn pointer<T>(value: Value, constant: bool) -> *mut T {
    match value {
        Value::Pointer { address, element, written } if element == size_of::<T>() && written != constant => {
            address.cast()
        }
        other => panic!("{other:?} for a pointer to {}, constant: {constant}", core::any::type_name::<T>()),
    }
}

impl<T> From<Value> for *const T {
    fn from(value: Value) -> Self {
        pointer(value, true)
    }
}

impl<T> From<Value> for *mut T {
    fn from(value: Value) -> Self {
        pointer(value, false)
    }
}

/// The next value, as an argument's type.
///
/// # Panics
/// Where there is none, or one of another type.
pub fn argument<W: From<Value>>(values: &mut core::slice::Iter<'_, Value>) -> W {
    W::from(*values.next().expect("a value for each argument"))
}
