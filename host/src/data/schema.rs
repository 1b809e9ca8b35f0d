//! Which columns of a table are read, and as what: chosen by options, or those of a model.

use std::collections::HashMap;

use super::columns::{Columns, Encoding};
use super::dataset::ImageShape;
use super::missing::Missing;
use super::names::{Names, finite};
use super::nearest::quoted;
use super::source::DataOptions;
use super::table::Table;
use crate::error::{Error, Result};

/// Categories that a column of text has at most, unless it is named.
const MOST_CATEGORIES: usize = 100;

/// In a column of text with more different texts than this, half of which stand in a single row, there are no categories.
const MANY_CATEGORIES: usize = 10;

/// The columns of a table that are learnt from and learnt.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    pub(super) features: Vec<Feature>,
    /// The names of the columns that are learnt.
    pub(super) targets: Vec<String>,
    /// The names of the classes; none where numbers are learnt.
    pub(super) classes: Option<Names>,
    pub(super) missing: Missing,
    /// The images whose pixels the features are, in the order of [`ImageShape`].
    pub(super) image: Option<ImageShape>,
}

/// A column that is learnt from.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    pub(super) name: String,
    /// The categories that its cells name; none where they are numbers.
    pub(super) categories: Option<Names>,
}

impl Schema {
    /// The columns that a model was trained on.
    pub(super) fn of(columns: &Columns) -> Self {
        let mut features: Vec<(String, Option<Vec<String>>)> = Vec::new();
        let mut places = HashMap::new();
        for column in &columns.features {
            let place = *places.entry(column.name.as_str()).or_insert_with(|| {
                features.push((column.name.clone(), Some(Vec::new())));
                features.len() - 1
            });
            match (&column.encoding, &mut features[place].1) {
                (Encoding::Number { .. }, categories) => *categories = None,
                (Encoding::Category(category), Some(categories)) => categories.push(category.clone()),
                _ => {}
            }
        }
        let feature = |(name, categories): (String, Option<_>)| Feature {
            name,
            categories: categories.map(Names::new),
        };
        Self {
            features: features.into_iter().map(feature).collect(),
            targets: columns.targets.iter().map(|column| column.name.clone()).collect(),
            classes: (!columns.classes.is_empty()).then(|| Names::new(columns.classes.clone())),
            missing: columns.missing,
            image: columns.image,
        }
    }

    /// The columns that options choose. The targets are by default the last column that is not left out; the features are all
    /// others, or those that are named.
    ///
    /// # Errors
    /// As [`csv_file::load`](super::csv_file::load) for what is chosen.
    pub(super) fn chosen(table: &Table, options: &DataOptions) -> Result<Self> {
        let (n_columns, names) = (table.names().len(), table.names());
        let mut targets = table.places("target", options.target.as_deref().unwrap_or_default())?;
        let excluded = table.places("exclude", options.exclude.as_deref().unwrap_or_default())?;
        let named = table.places("features", options.features.as_deref().unwrap_or_default())?;
        let categorical = table.places("categorical", options.categorical.as_deref().unwrap_or_default())?;
        if options.target.is_none() {
            let is_left = |place: &usize| !excluded.contains(place) && !named.contains(place);
            targets.extend((0..n_columns).rfind(is_left));
        }
        let refuse =
            |setting, place: usize, expected: &str| Err(Error::argument(setting, &names[place], expected));
        if let Some(&both) = targets.iter().find(|place| excluded.contains(place)) {
            return refuse("exclude", both, "columns that are not to be learnt");
        }
        if let Some(&both) = targets.iter().find(|place| named.contains(place)) {
            return refuse("features", both, "columns that are not to be learnt");
        }
        if let Some(&both) = named.iter().find(|place| excluded.contains(place)) {
            return refuse("exclude", both, "columns that are not among --features");
        }
        let is_feature = |place: &usize| match options.features {
            Some(_) => named.contains(place),
            None => !targets.contains(place) && !excluded.contains(place),
        };
        let features: Vec<usize> = (0..n_columns).filter(is_feature).collect();
        let list = || targets.iter().map(|&place| names[place].as_str()).collect::<Vec<_>>().join(",");
        if features.is_empty() {
            let (name, columns) = match &options.exclude {
                Some(names) => ("exclude", names.join(",")),
                None => ("target", list()),
            };
            return Err(Error::argument(name, columns, "columns that leave at least one feature"));
        }
        if targets.is_empty() {
            let expected = "columns that leave at least one to be learnt";
            return Err(Error::argument(
                "features",
                options.features.as_deref().unwrap_or_default().join(","),
                expected,
            ));
        }
        if !options.regression && targets.len() > 1 {
            let expected = "one column of classes, or a loss such as least-squares, which fits several columns of numbers";
            return Err(Error::argument("target", list(), expected));
        }
        if let Some(&other) = categorical.iter().find(|place| !features.contains(place)) {
            return refuse("categorical", other, "columns that are features");
        }
        let features = kinds(table, &features, &categorical)?;
        Ok(Self {
            features: match options.shape {
                None => features,
                Some(shape) => pixels(features, shape, options.missing)?,
            },
            classes: if options.regression {
                None
            } else {
                Some(classes(table, targets[0], options.missing)?)
            },
            targets: targets.into_iter().map(|place| names[place].clone()).collect(),
            missing: options.missing,
            image: options.shape,
        })
    }
}

/// Features that are the pixels of images, their channels after one another instead of beside each other.
///
/// # Errors
/// [`Error::Argument`] (`shape`, `missing`) for features that are no pixels, or more or fewer.
fn pixels(features: Vec<Feature>, shape: ImageShape, missing: Missing) -> Result<Vec<Feature>> {
    if shape.n_features() != Some(features.len()) {
        let expected = format!("a shape of {} pixels, as there are so many feature columns", features.len());
        return Err(Error::argument("shape", shape, expected));
    }
    if missing == Missing::Indicator {
        let expected = "error, mean or drop with --shape: images have no inputs but their pixels";
        return Err(Error::argument("missing", missing, expected));
    }
    if let Some(feature) = features.iter().find(|feature| feature.categories.is_some()) {
        let expected = format!("none, as column {} holds categories and no pixels", quoted(&feature.name));
        return Err(Error::argument("shape", shape, expected));
    }
    let (n_pixels, channels) = (shape.height * shape.width, shape.channels);
    let place = |index: usize| index % n_pixels * channels + index / n_pixels;
    Ok((0..features.len()).map(|index| features[place(index)].clone()).collect())
}

/// What a column holds.
pub(super) enum Kind {
    Numbers,
    /// Few enough to take each for a category.
    Categories(Names),
    /// Texts, too many to take for categories.
    Texts(Names),
}

impl Kind {
    /// What more than half of the cells are, but for those whose value is missing.
    pub(super) fn of(table: &Table, column: usize) -> Self {
        if table.is_of_numbers(column) {
            return Kind::Numbers;
        }
        let texts = || table.column_cells(column).flatten();
        let numbers = texts().filter(|text| table.parsed(text.as_ref()).is_some()).count();
        let filled = texts().count();
        if 2 * numbers >= filled {
            return Kind::Numbers;
        }
        let names = Names::among(texts());
        let count = names.as_slice().len();
        let are_many = count > MOST_CATEGORIES || count > MANY_CATEGORIES && 2 * count > filled;
        if are_many { Kind::Texts(names) } else { Kind::Categories(names) }
    }
}

/// The features with the categories of those that are named as categorical and those that hold more text than numbers.
fn kinds(table: &Table, features: &[usize], categorical: &[usize]) -> Result<Vec<Feature>> {
    let mut free_texts = Vec::new();
    let mut feature = |&place: &usize| {
        let name = &table.names()[place];
        let categories = if categorical.contains(&place) {
            Some(Names::among(table.column_cells(place).flatten()))
        } else {
            match Kind::of(table, place) {
                Kind::Numbers => None,
                Kind::Categories(names) => Some(names),
                Kind::Texts(names) => {
                    let count = names.as_slice().len();
                    free_texts.push(format!("column {} with {count} different texts", quoted(name)));
                    None
                }
            }
        };
        Feature { name: name.clone(), categories }
    };
    let features = features.iter().map(&mut feature).collect();
    if free_texts.is_empty() {
        return Ok(features);
    }
    Err(Error::Format {
        path: table.path().to_owned(),
        found: format!("{} in {} rows", free_texts.join(", "), table.n_rows()),
        expected: "numbers or a few categories".to_owned(),
        hint: Some(
            "--exclude leaves columns out, --categorical takes a column's texts as categories; `altmin data show` lists the columns",
        ),
    })
}

/// The names of the classes in a column.
fn classes(table: &Table, column: usize, missing: Missing) -> Result<Names> {
    if missing != Missing::Drop
        && let Some(row) = table.column_cells(column).position(|cell| cell.is_none())
    {
        table.text(row, column)?;
    }
    let names = Names::among(table.column_cells(column).flatten());
    let is_fraction = |text: &str| finite(text).is_some_and(|number| number.fract() != 0.0);
    if names.are_numbers()
        && let Some(row) =
            table.column_cells(column).position(|cell| cell.is_some_and(|text| is_fraction(&text)))
    {
        return Err(table.refuse(row, column, "a class, which is text or an integer").with_hint(
            "use a --loss such as least-squares for numeric targets; --target names the columns",
        ));
    }
    match names.as_slice() {
        [] | [_] => {
            let alone = names
                .as_slice()
                .first()
                .map_or("no class".to_owned(), |name| format!("the class {} alone", quoted(name)));
            let found = format!("{alone} in column {}", quoted(&table.names()[column]));
            Err(Error::format(table.path(), found, "at least two classes"))
        }
        _ => Ok(names),
    }
}
