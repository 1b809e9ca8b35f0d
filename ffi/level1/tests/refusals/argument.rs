//! What a function's arguments are.
#![allow(dead_code, reason = "what no row needs yet")]

use std::collections::BTreeMap;

use altmin_level1::error::altmin_status;

use crate::call::Function;

/// Sizes, codes (and which of a struct's good values is meant) by the arguments' names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(BTreeMap<&'static str, usize>);

impl Values {
    pub(crate) fn get(&self, name: &str) -> usize {
        *self.0.get(name).unwrap_or_else(|| panic!("no argument `{name}` with a value"))
    }

    pub(crate) fn set(&mut self, name: &'static str, value: usize) {
        self.0.insert(name, value);
    }
}

/// A number of elements that follows from sizes and codes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    Named(&'static str),
    Of(fn(&Values) -> usize),
}

impl Size {
    pub(crate) fn get(self, values: &Values) -> usize {
        match self {
            Size::Named(name) => values.get(name),
            Size::Of(size) => size(values),
        }
    }

    /// Whether it is that size, or may follow from it.
    pub(crate) fn has(self, name: &str) -> bool {
        match self {
            Size::Named(own) => own == name,
            Size::Of(_) => true,
        }
    }
}

impl From<&'static str> for Size {
    fn from(name: &'static str) -> Self {
        Size::Named(name)
    }
}

/// A size that follows from others.
pub(crate) fn of(size: fn(&Values) -> usize) -> Size {
    Size::Of(size)
}

/// Whether an argument's memory is read, written or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Update,
    Write,
}

/// Values of a scalar that are refused, and with which status.
pub(crate) type Bad = &'static [(f64, altmin_status)];

/// A struct's bytes; those that are refused come with the status and the name that the message has.
#[derive(Debug, Clone)]
pub(crate) struct Structure {
    pub(crate) size: usize,
    pub(crate) good: Vec<Vec<u8>>,
    pub(crate) bad: Vec<(Vec<u8>, altmin_status, &'static str)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// From 0 to below the first; of these the function takes some.
    Code(i32, Vec<i32>),
    Size(usize),
    /// A size that may be 0.
    Samples(usize),
    /// A size that no memory has: any value will do.
    Count(usize),
    Scalar(f64, Bad),
    Matrix(Access, Size, Size),
    /// Of the matrix before it.
    LeadingDimension,
    Vector(Access, Size),
    /// So many, each below the second.
    Classes(Size, Size),
    Workspace,
    WorkspaceSize,
    /// Bytes, and whether it must be wanted.
    Result(usize, bool),
    Structure(Structure),
    Error,
}

/// An argument of a function.
#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) description: Description,
}

/// All about an argument but its name.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) kind: Kind,
    /// Whether the function looks at it.
    used: fn(&Values) -> bool,
    /// Whether it may be NULL.
    pub(crate) optional: bool,
    /// NULL in every call: another argument is there in its place.
    pub(crate) absent: bool,
    /// The elements of a good matrix or vector; random ones between -1 and 1 where it is not said.
    pub(crate) data: Option<fn(&Values, &mut [f64])>,
}

impl Description {
    fn new(kind: Kind) -> Self {
        Self { kind, used: |_| true, optional: false, absent: false, data: None }
    }

    /// Looked at for these values only.
    pub(crate) fn when(self, used: fn(&Values) -> bool) -> Self {
        Self { used, ..self }
    }

    /// May be NULL.
    pub(crate) fn or_null(self) -> Self {
        Self { optional: true, ..self }
    }

    /// NULL, since another argument is there in its place.
    pub(crate) fn absent(self) -> Self {
        Self { used: |_| false, absent: true, ..self }
    }

    /// With elements written by a function, column after column without gaps.
    pub(crate) fn with(self, data: fn(&Values, &mut [f64])) -> Self {
        Self { data: Some(data), ..self }
    }
}

/// One of so many codes.
pub(crate) fn code(count: i32) -> Description {
    Description::new(Kind::Code(count, (0..count).collect()))
}

/// One of so many codes, of which the function takes only these.
pub(crate) fn code_among(count: i32, good: &[i32]) -> Description {
    Description::new(Kind::Code(count, good.to_vec()))
}

pub(crate) fn size(good: usize) -> Description {
    Description::new(Kind::Size(good))
}

pub(crate) fn samples(good: usize) -> Description {
    Description::new(Kind::Samples(good))
}

pub(crate) fn count(good: usize) -> Description {
    Description::new(Kind::Count(good))
}

pub(crate) fn scalar(good: f64, bad: Bad) -> Description {
    Description::new(Kind::Scalar(good, bad))
}

/// A matrix to read.
pub(crate) fn matrix(rows: impl Into<Size>, columns: impl Into<Size>) -> Description {
    Description::new(Kind::Matrix(Access::Read, rows.into(), columns.into()))
}

/// A matrix to read and write.
pub(crate) fn matrix_mut(rows: impl Into<Size>, columns: impl Into<Size>) -> Description {
    Description::new(Kind::Matrix(Access::Update, rows.into(), columns.into()))
}

/// A matrix to write.
pub(crate) fn matrix_out(rows: impl Into<Size>, columns: impl Into<Size>) -> Description {
    Description::new(Kind::Matrix(Access::Write, rows.into(), columns.into()))
}

/// The leading dimension of the matrix before it.
pub(crate) fn ld() -> Description {
    Description::new(Kind::LeadingDimension)
}

/// A vector to read.
pub(crate) fn vector(length: impl Into<Size>) -> Description {
    Description::new(Kind::Vector(Access::Read, length.into()))
}

/// A vector to read and write.
pub(crate) fn vector_mut(length: impl Into<Size>) -> Description {
    Description::new(Kind::Vector(Access::Update, length.into()))
}

/// A vector to write.
pub(crate) fn vector_out(length: impl Into<Size>) -> Description {
    Description::new(Kind::Vector(Access::Write, length.into()))
}

/// Classes of samples, each below `classes`.
pub(crate) fn classes(length: impl Into<Size>, classes: impl Into<Size>) -> Description {
    Description::new(Kind::Classes(length.into(), classes.into()))
}

pub(crate) fn workspace() -> Description {
    Description::new(Kind::Workspace)
}

pub(crate) fn workspace_size() -> Description {
    Description::new(Kind::WorkspaceSize)
}

/// A result that need not be wanted.
pub(crate) fn result<R>() -> Description {
    Description::new(Kind::Result(size_of::<R>(), false)).or_null()
}

/// A result that must be.
pub(crate) fn required<R>() -> Description {
    Description::new(Kind::Result(size_of::<R>(), true))
}

/// A struct to read: good values, and bad ones with the status and the name in the message.
pub(crate) fn structure<S: Copy>(good: &[S], bad: &[(S, altmin_status, &'static str)]) -> Description {
    let bad = bad.iter().map(|&(ref value, status, name)| (bytes_of(value), status, name)).collect();
    let good = good.iter().map(bytes_of).collect();
    Description::new(Kind::Structure(Structure { size: size_of::<S>(), good, bad }))
}

fn bytes_of<S: Copy>(value: &S) -> Vec<u8> {
    let mut zeroed = vec![0; size_of::<S>()];
    // SAFETY: as many bytes as the value has, to memory that is there; padding comes over as whatever it is.
    unsafe {
        std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>(), zeroed.as_mut_ptr(), zeroed.len())
    };
    zeroed
}

pub(crate) fn error() -> Description {
    Description::new(Kind::Error).or_null()
}

impl Argument {
    pub(crate) fn is_samples(&self) -> bool {
        matches!(self.description.kind, Kind::Samples(_))
    }

    pub(crate) fn is_used(&self, values: &Values) -> bool {
        (self.description.used)(values)
    }

    /// Whether the function writes its memory.
    pub(crate) fn is_written(&self) -> bool {
        match self.description.kind {
            Kind::Matrix(access, ..) | Kind::Vector(access, _) => access != Access::Read,
            Kind::Workspace | Kind::Result(..) | Kind::Error => true,
            _ => false,
        }
    }

    /// Whether it does not matter what its memory holds.
    pub(crate) fn is_written_only(&self) -> bool {
        matches!(self.description.kind, Kind::Matrix(Access::Write, ..) | Kind::Vector(Access::Write, _))
    }

    /// Choices that are all good, the first of them for a start.
    fn choices(&self) -> Vec<usize> {
        match self.description.kind {
            Kind::Code(_, ref good) => good.iter().map(|&code| code as usize).collect(),
            Kind::Size(good) | Kind::Samples(good) | Kind::Count(good) => vec![good],
            Kind::Structure(ref structure) => (0..structure.good.len()).collect(),
            _ => Vec::new(),
        }
    }
}

/// A function and its arguments.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Bytes of the type of its matrices.
    pub(crate) element: usize,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) function: Box<dyn Function>,
}

impl Row {
    /// Good values: the first choices, and every other choice in place of one of them.
    pub(crate) fn variants(&self) -> impl Iterator<Item = Values> {
        let mut first = Values::default();
        for argument in &self.arguments {
            if let Some(&choice) = argument.choices().first() {
                first.set(argument.name, choice);
            }
        }
        let mut variants = vec![first.clone()];
        for argument in &self.arguments {
            for &choice in argument.choices().iter().skip(1) {
                let mut variant = first.clone();
                variant.set(argument.name, choice);
                variants.push(variant);
            }
        }
        variants.into_iter()
    }
}
