//! A C function behind one type, whatever its arguments.

use altmin_level1::error::altmin_status;

/// An argument's value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    Code(i32),
    Size(usize),
    Scalar(f64),
    /// Of elements of so many bytes, which the function writes or only reads.
    Pointer {
        address: *mut u8,
        element: usize,
        written: bool,
    },
}

/// A type that arguments have; a row that is wrong about one does not get through.
pub(crate) trait Word {
    fn of(value: Value) -> Self;
}

macro_rules! number {
    ($type:ty, $kind:ident) => {
        impl Word for $type {
            fn of(value: Value) -> Self {
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
        other => panic!("{other:?} for a pointer to {}, constant: {constant}", std::any::type_name::<T>()),
    }
}

impl<T> Word for *const T {
    fn of(value: Value) -> Self {
        pointer(value, true)
    }
}

impl<T> Word for *mut T {
    fn of(value: Value) -> Self {
        pointer(value, false)
    }
}

/// A function to be called with a list of values.
pub(crate) trait Function {
    fn call(&self, values: &[Value]) -> altmin_status;
}

macro_rules! arity {
    ($($type:ident $index:literal),+) => {
        impl<$($type: Word),+> Function for unsafe extern "C" fn($($type),+) -> altmin_status {
            fn call(&self, values: &[Value]) -> altmin_status {
                assert_eq!(values.len(), [$($index),+].len());
                // SAFETY: every pointer comes from a buffer of the documented shape, or the call must be refused.
                unsafe { self($($type::of(values[$index])),+) }
            }
        }
    };
}

/// One implementation for every number of arguments from the first list to the whole.
macro_rules! arities {
    ([$($done:tt)+]) => { arity!($($done)+); };
    ([$($done:tt)+] $type:ident $index:literal $($rest:tt)*) => {
        arity!($($done)+);
        arities!([$($done)+, $type $index] $($rest)*);
    };
}

arities!([A 0, B 1] C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18 T 19 U 20 V 21
    W 22 X 23 Y 24 Z 25 AA 26 AB 27 AC 28 AD 29 AE 30 AF 31);
