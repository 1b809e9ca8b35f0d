//! The functions of level 1 as the library describes them, with good values of their arguments.

use std::collections::BTreeMap;

use altmin_level1::FUNCTIONS;
use altmin_level1::description::{Access, Argument, Condition, Function, Kind};

use crate::expected;

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

    fn meets(&self, condition: &Condition) -> bool {
        self.get(condition.argument) == condition.code as usize
    }

    /// Elements of a vector.
    pub(crate) fn length(&self, length: &str) -> usize {
        match length {
            "sums" => {
                let (n_out, n_in) = (self.get("n_out"), self.get("n_in"));
                n_out * n_in + n_out + n_in * n_in + n_in
            }
            length => self.get(length),
        }
    }
}

/// The names of the sizes that a matrix's rows and columns are.
pub(crate) fn shape(argument: &Argument, values: &Values) -> Option<(&'static str, &'static str)> {
    let Kind::Matrix(_, shapes) = argument.kind else { return None };
    let holds = shapes.iter().find(|shape| shape.when.as_ref().is_none_or(|when| values.meets(when)));
    // One that is not looked at has memory all the same.
    holds.or(shapes.last()).map(|shape| (shape.rows, shape.columns))
}

/// Whether the function looks at an argument.
pub(crate) fn is_used(argument: &Argument, values: &Values) -> bool {
    argument.when.is_empty() || argument.when.iter().any(|when| values.meets(when))
}

/// Whether the function writes an argument's memory.
pub(crate) fn is_written(argument: &Argument) -> bool {
    match argument.kind {
        Kind::Matrix(access, _) | Kind::Vector(access, _) => access != Access::Read,
        Kind::Workspace | Kind::Result(_) | Kind::Error => true,
        _ => false,
    }
}

/// Whether an argument is a number of columns that may be 0.
pub(crate) fn is_samples(argument: &Argument) -> bool {
    matches!(argument.kind, Kind::Number("samples" | "extent"))
}

/// Whether an argument is a `size_t` that the row has a value of.
pub(crate) fn is_size(argument: &Argument) -> bool {
    is_samples(argument) || matches!(argument.kind, Kind::Number("size" | "count"))
}

/// A function, and its good sizes.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) function: &'static Function,
    pub(crate) name: &'static str,
    /// Bytes of the type of its matrices.
    pub(crate) element: usize,
    pub(crate) arguments: &'static [Argument],
    /// `n_in`, so large that the function needs a workspace.
    n_in: usize,
}

impl Row {
    /// Choices of an argument that are all good, the first of them for a start.
    fn choices(&self, argument: &Argument) -> Vec<usize> {
        match argument.kind {
            Kind::Code(kind) => expected::codes(kind).1.iter().map(|&code| code as usize).collect(),
            Kind::Number(_) if argument.name == "n_in" => vec![self.n_in],
            Kind::Number(_) if is_size(argument) => vec![expected::size(argument.name)],
            Kind::Structure(of, _) => (0..expected::structure(of, argument.name).good.len()).collect(),
            // Values are given, or something else in their place.
            Kind::Matrix(..) if argument.when.iter().any(|when| when.argument == argument.name) => vec![0, 1],
            _ => Vec::new(),
        }
    }

    /// Good values: the first choices, and every other choice in place of one of them.
    pub(crate) fn variants(&self) -> impl Iterator<Item = Values> + use<> {
        let mut first = Values::default();
        for argument in self.arguments {
            if let Some(&choice) = self.choices(argument).first() {
                first.set(argument.name, choice);
            }
        }
        let mut variants = vec![first.clone()];
        for argument in self.arguments {
            for &choice in self.choices(argument).iter().skip(1) {
                let mut variant = first.clone();
                variant.set(argument.name, choice);
                variants.push(variant);
            }
        }
        variants.into_iter()
    }

    pub(crate) fn has_workspace(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument.kind, Kind::Workspace))
    }
}

/// All functions.
pub(crate) fn all() -> Vec<Row> {
    let row = |function: &'static Function| {
        let &Function { name, element, arguments, .. } = function;
        // The factor of a matrix that fits into the product's tile needs no memory.
        let n_in = if name.starts_with("altmin_weights_factor") { 20 } else { expected::size("n_in") };
        Row { function, name, element, arguments, n_in }
    };
    FUNCTIONS.iter().copied().flatten().map(row).collect()
}
