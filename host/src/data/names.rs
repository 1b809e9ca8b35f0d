//! Names of classes and of categories, as the cells of a table have them.

use std::borrow::Cow;
use std::collections::HashMap;

/// Different names, each of which has a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Names {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// Of each name the number that it is, if all are.
    numbers: Option<Vec<f64>>,
}

impl Names {
    /// Names in this order.
    pub(super) fn new(names: Vec<String>) -> Self {
        let places = names.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        let numbers = names.iter().map(|name| finite(name)).collect();
        Self { names, places, numbers }
    }

    /// The names among texts, sorted: as numbers if all of them are, else as text. Of one number written in several ways
    /// the shortest stays.
    pub(super) fn among<'a>(texts: impl IntoIterator<Item = Cow<'a, str>>) -> Self {
        let mut names: Vec<Cow<'a, str>> = texts.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let with_numbers: Option<Vec<_>> =
            names.iter().map(|name| finite(name).map(|number| (number, name.clone()))).collect();
        if let Some(mut numbers) = with_numbers {
            numbers
                .sort_by(|(a, text), (b, other)| a.total_cmp(b).then_with(|| text.len().cmp(&other.len())));
            numbers.dedup_by(|(a, _), (b, _)| a == b);
            names = numbers.into_iter().map(|(_, name)| name).collect();
        }
        Self::new(names.into_iter().map(Cow::into_owned).collect())
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.names
    }

    /// Whether all names are numbers.
    pub(super) fn are_numbers(&self) -> bool {
        self.numbers.is_some()
    }

    /// The place of a name; of a number where all names are, however it is written.
    pub(super) fn place(&self, text: &str) -> Option<usize> {
        let by_number = || {
            let number = finite(text)?;
            self.numbers.as_ref()?.iter().position(|&known| known == number)
        };
        self.places.get(text).copied().or_else(by_number)
    }
}

pub(super) fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
