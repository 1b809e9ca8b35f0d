//! What the outputs of a network stand for: classes or values.

/// What a network's outputs stand for, one name for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outputs {
    /// Scores of classes; a sample belongs to one of them.
    Classes(Vec<String>),
    /// Values: regression.
    Values(Vec<String>),
}

impl Outputs {
    /// The names, one for each output.
    pub fn names(&self) -> &[String] {
        match self {
            Outputs::Classes(names) | Outputs::Values(names) => names,
        }
    }

    /// The names, one for each output.
    pub fn into_names(self) -> Vec<String> {
        match self {
            Outputs::Classes(names) | Outputs::Values(names) => names,
        }
    }

    /// The classes' names; none where the outputs are values.
    pub fn classes(&self) -> &[String] {
        match self {
            Outputs::Classes(names) => names,
            Outputs::Values(_) => &[],
        }
    }

    /// Whether the outputs are values.
    pub fn are_values(&self) -> bool {
        matches!(self, Outputs::Values(_))
    }

    /// What the outputs are called, in the plural.
    pub fn kind(&self) -> &'static str {
        match self {
            Outputs::Classes(_) => "classes",
            Outputs::Values(_) => "values",
        }
    }
}
